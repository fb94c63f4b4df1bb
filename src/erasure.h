/*
 * erasure.h
 *		What erase() and preview_erasure() share: the rows a subject reaches.
 */
#ifndef JP_ERASURE_H
#define JP_ERASURE_H

#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "subject.h"

/* One table that a subject reaches, with the rows there. */
typedef struct JpReached
{
	Oid			relid;
	Oid			owner;
	char	   *table;			/* qualified and quoted */
	char	   *path;			/* from a protected table, by foreign keys */
	ItemPointerData *rows;		/* to be deleted */
	int			count;
	int			room;
	int			followed;		/* how many of them foreign keys were followed from */
	int64		cleared;		/* kept, but their reference goes */
	bool		ordered;
} JpReached;

/* Locks every table that a subject may reach, and ours, against writers. */
extern void jp_reach_lock(void);

/*
 * All tables and rows that a subject reaches: a list of JpReached, children
 * before parents; followed is what jp_reach_remaining() wants.  Needs SPI and
 * the rights of the extension's owner.
 */
extern List *jp_reach(const JpSubject *subject, List **followed);

/*
 * How many rows name the subject in protected tables, or refer by a foreign
 * key that was followed to where its rows were.
 */
extern int64 jp_reach_remaining(const JpSubject *subject, List *followed);

/* Rows as a tid[]. */
extern Datum jp_rows_datum(const ItemPointerData *rows, int count);

/* The tables whose rows name subjects: what jp_named_rows() wants. */
extern struct SPITupleTable *jp_name_tables(uint64 *count);

/*
 * Selects, as their owner, the rows of the table in row i that name a
 * subject; returns how many, SPI has them.
 */
extern int64 jp_named_rows(struct SPITupleTable *from, uint64 i,
						   const char *select, const JpSubject *subject);

#endif							/* JP_ERASURE_H */
