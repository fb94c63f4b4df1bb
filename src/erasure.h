/*
 * erasure.h
 *		What the files of the room erasure share.
 */
#ifndef JP_ERASURE_H
#define JP_ERASURE_H

#include "catalog.h"
#include "collection_redaction.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "subject.h"
#include "utils/hsearch.h"

struct SPITupleTable;

/* A row, as a hash key without padding. */
typedef struct JpRowKey
{
	Oid			relid;
	uint16		block_high;
	uint16		block_low;
	uint16		offset;
	uint16		zero;
} JpRowKey;

/* What becomes of a row that was found. */
typedef enum JpRowFate
{
	JP_ROW_CLEAR,				/* kept, its reference is cleared */
	JP_ROW_SHARED,				/* to be redacted while it is another's too */
	JP_ROW_REDACT,
	JP_ROW_DELETE
} JpRowFate;

/* A row that was found. */
typedef struct JpRow
{
	JpRowKey	key;
	TransactionId xmin;			/* with it, the ctid is this row's only */
	JpRowFate	fate;
	bool		clears;			/* it refers to a row that goes */
	bool		shared;			/* found by a way on which rows are shared */
	bool		queued;			/* it is the subject's, and followed */
	bool		pending;		/* not redacted yet */
	bool		withheld;
	uint64		ways;			/* bits of JpReached.ways by which it was found */
} JpRow;

/* A way to rows of a table, with what it asks for. */
typedef struct JpWay
{
	char	   *name;			/* tells it from others of the table */
	JpRowFate	fate;
	Jsonb	   *redact;			/* NULL: none */
	JpRedaction *redaction;		/* the same as SQL */
	bool		exported;
	List	   *columns;		/* of the child, by which it leads here */
} JpWay;

/* One table that a subject reaches, with the rows there. */
typedef struct JpReached
{
	Oid			relid;
	Oid			owner;
	char	   *table;			/* qualified and quoted */
	char	   *path;			/* from a protected table */
	List	   *ways;			/* JpWay */
	JpRow	  **rows;
	int			count;
	int			room;
	JpRow	  **queue;			/* those to be followed, in order */
	int			queued;
	int			queue_room;
	int			followed;
	char	   *held_by;		/* reasons of the holds; NULL: none */
	TimestampTz held_until;		/* DT_NOEND: open */
	int			component;		/* tables that refer to each other have the same */
	int			mark;			/* while components are found */
	int			low;
	bool		on_stack;
	bool		refers_to_itself;
} JpReached;

/* How rows of one table belong to rows of another. */
typedef struct JpEdge
{
	Oid			child;
	Oid			owner;			/* of the child */
	Oid			parent;			/* as declared: maybe partitioned */
	char	   *from;			/* FROM item of the child, under alias c */
	char	   *parent_from;	/* of the parent, under alias p */
	char	   *keys;			/* columns of the parent, under alias p */
	char	   *join;			/* condition between c and their values k */
	char	   *meets;			/* the same between c and p */
	JpWay		way;			/* its redaction is not read yet */
} JpEdge;

/* The holds that an erasure has to mind. */
typedef struct JpHolds
{
	bool		all;			/* everything of the subject is withheld */
	char	   *reason;			/* then */
	TimestampTz until;
	List	   *tables;			/* JpHeldTable */
	List	   *people;			/* JpHeldPeople; where no one subject is meant */
} JpHolds;

typedef struct JpHeldTable
{
	Oid			relid;
	char	   *reason;
	TimestampTz until;
} JpHeldTable;

/* Whose rows are withheld, in one table or anywhere. */
typedef struct JpHeldPeople
{
	Oid			relid;
	JpSubject	people;			/* every identity of theirs */
} JpHeldPeople;

/* All that a subject reaches, or some rows. */
typedef struct JpReach
{
	const JpSubject *subject;	/* NULL: some rows */
	HTAB	   *seen;			/* of JpRow */
	List	   *tables;			/* JpReached; once ordered, children first */
	List	   *edges;			/* lists of JpEdge, from the tables in edges_of */
	List	   *edges_of;		/* OIDs */
	List	   *followed;		/* of what erasure_reach.c remembers */
} JpReach;

/*
 * erasure_reach.c: finds all rows that a subject reaches and what becomes of
 * each; tables children first.  Needs SPI and the rights of the extension's
 * owner, like all below.
 */
extern JpReach *jp_reach(const JpSubject *subject, const JpHolds *holds);

/*
 * The same for rows of a table that SPI has just found (tableoid, ctid, xmin):
 * they are to be deleted, with what belongs to them.
 */
extern JpReach *jp_reach_rows(const char *table, const JpHolds *holds);

/*
 * How many rows still refer to rows that are gone, because a trigger kept
 * them or somebody has just written them; not counting what is withheld.
 */
extern int64 jp_reach_remaining(JpReach *reach);

/* The edges from a table, read once. */
extern List *jp_reach_edges(JpReach *reach, Oid relid);

/*
 * erasure_export.c: everything of a person with these identities, as
 * export_subject() has it, in the current memory context.
 */
extern Datum jp_export_of(const JpPseudonym *pseudonyms, int count);

/* erasure_export.c: whether a row is the subject's, by a way that is not left out. */
extern bool jp_reached_exported(const JpReached *table, const JpRow *row);

/* erasure_edge.c: the edges from a table to those that belong to it. */
extern List *jp_edges_from(Oid relid);

/* erasure_edge.c: a name[] as a list of strings. */
extern List *jp_name_list(Datum names);

/* erasure_share.c: shared rows that are nobody else's go; true if any does. */
extern bool jp_reach_settle_shared(JpReach *reach,
								   void (*take) (JpReach *reach, JpReached *table, JpRow *row));

/* erasure_share.c: marks what holds withhold, and what that depends on. */
extern void jp_reach_withhold(JpReach *reach, const JpHolds *holds);

/* erasure_order.c: puts the tables in order, children first. */
extern void jp_reach_order(JpReach *reach);

/* Whether a table is another, or a partition or child of it at any depth. */
extern bool jp_is_part_of(Oid relid, Oid root);

/* erasure_lock.c: locks every table a subject may reach, and ours, against
 * writers; or waits for those who write now. */
extern void jp_erasure_lock(void);
extern void jp_erasure_wait(void);

/*
 * erasure_delete.c: carries out what was found, in transactions that commit()
 * ends and begins, which returns false to stop; NULL: in this one.  done() is
 * told what was done.  Returns how many rows were changed.
 */
typedef struct JpErasing
{
	bool		(*commit) (void *arg);
	void		(*done) (void *arg, const JpReached *table,
						 const char *action, int64 rows);
	void	   *arg;
	bool		strict;			/* nobody else can have changed the rows */
	bool		stopped;
} JpErasing;

extern int64 jp_erase_reached(JpReach *reach, JpErasing *erasing);

/* Counts of what is still to be done to a table's rows. */
extern int64 jp_reached_deleted(const JpReached *table);
extern int64 jp_reached_redacted(const JpReached *table);
extern int64 jp_reached_cleared(const JpReached *table);
extern int64 jp_reached_withheld(const JpReached *table);

/* erasure_hold.c: a reason for the records; throws where it says nothing. */
extern char *jp_reason(const text *reason);

/* erasure_hold.c: the holds in force on a subject, read under lock. */
extern void jp_holds_read(const JpSubject *subject, JpHolds *holds);

/*
 * erasure_ledger.c: remembers an erasure in the file outside, if one is set:
 * now, or when this transaction commits.  person as of jp_subjects_remove().
 */
extern void jp_erasure_remember(const char *request_id, const JpSubject *subject,
								const int *person, bool at_commit);

/* One erasure that the file remembers. */
typedef struct JpRemembered
{
	char	   *request_id;
	JpPseudonym *pseudonyms;
	int			count;
	int			unreadable;		/* traces of keys that are not here */
} JpRemembered;

extern List *jp_erasures_remembered(void);

/* erasure_receipt.c: numbers, signs and stores the receipt; returns it. */
extern Datum jp_receipt_make(Datum request_id, const char *state);

/* Rows as a tid[]; the transactions that made them as a xid[]. */
extern Datum jp_rows_datum(JpRow *const *rows, int count);
extern Datum jp_xmins_datum(JpRow *const *rows, int count);

/* erasure_names.c: the tables whose rows name subjects. */
extern struct SPITupleTable *jp_name_tables(uint64 *count);

/* The table in row i, and the way by which its rows name subjects. */
extern Oid	jp_name_way(struct SPITupleTable *from, uint64 i, JpWay *way);

/*
 * Selects, as their owner, the rows of the table in row i that name a
 * subject; returns how many, SPI has them.
 */
extern int64 jp_named_rows(struct SPITupleTable *from, uint64 i,
						   const char *select, const JpSubject *subject);

/*
 * Tells of the rows of one table that name a subject: those at some places (a
 * tid[]), or with 0 any of them.  Returns how many were found, of whatever
 * way, up to limit each (0: all).
 */
extern int64 jp_rows_naming(Oid relid, Datum places, const JpSubject *subject,
							int64 limit,
							void (*found) (void *arg, ItemPointer place),
							void *arg);

/*
 * erasure.c: begins to work as the extension's owner, in a transaction that is
 * new or the caller's; ends that, and commits unless atomic.  Needs SPI.
 */
extern void jp_step_begin(JpPrivilege *before);
extern void jp_step_end(const JpPrivilege *before, bool atomic);

/*
 * erasure.c: works in a subtransaction; false when nothing was done, because
 * others have written what refers to the rows meanwhile, wait for us in a
 * circle, or something depends on what was to be dropped.
 */
extern bool jp_step_attempt(bool (*work) (void *arg), void *arg);

#endif							/* JP_ERASURE_H */
