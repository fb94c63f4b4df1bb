/*
 * retention.h
 *		What the files of the room retention share.
 *
 * All functions need SPI; those that say so, a step under way.
 */
#ifndef JP_RETENTION_H
#define JP_RETENTION_H

#include "catalog.h"
#include "datatype/timestamp.h"
#include "erasure.h"

/* What was done to a table, counted. */
typedef struct JpPurged
{
	int64		deleted;		/* rows of the table itself */
	int64		linked_deleted; /* rows that belong to them */
	int64		linked_redacted;
	int64		cleared;		/* rows that lost their reference */
	int64		withheld;		/* rows of the table that are past their time */
	int			dropped;		/* partitions */
} JpPurged;

/* The purging of one table. */
typedef struct JpPurge
{
	bool		atomic;			/* in the caller's transaction, not in our own */
	int			batch;			/* rows of the table in one transaction */
	JpPrivilege before;
	Oid			relid;
	char	   *table;			/* qualified and quoted */
	char	   *at;				/* column of the time that counts, quoted */
	char	   *follows;		/* where the limit comes from */
	Datum		keep;			/* interval */
	TimestampTz cut_off;		/* what is older goes */
	Datum		run;			/* uuid of its row in purge_run */
	JpPurged	done;			/* by this run so far */
} JpPurge;

/*
 * retention_purge.c: begins a step, with the locks under which links, holds
 * and pseudonyms stay as they are until it ends, which commits.
 */
extern void jp_purge_begin(JpPurge *purge);
extern void jp_purge_end(JpPurge *purge);

/*
 * Whether rows still have a limit, which may have changed since the run began:
 * what is to be kept longer now is kept.  Within a step.
 */
extern bool jp_purge_goes_on(JpPurge *purge);

/* Adds what was done in a step to the run. */
extern void jp_purge_add(JpPurge *purge, const JpPurged *done,
						 const char *dropped);

/* retention_hold.c: everything that is withheld from purging; within a step. */
extern void jp_purge_holds(JpHolds *holds);

/* Whether a table, or what it is a part of, is held; within a step. */
extern bool jp_purge_holds_table(const JpHolds *holds, Oid relid);

/* Whether a hold on some people counts in a table. */
extern bool jp_purge_holds_in(const JpHeldPeople *held, Oid relid);

/* retention_rows.c: deletes the rows of one table, not of those under it. */
extern void jp_purge_rows(JpPurge *purge, Oid relid);

/*
 * retention_partition.c: drops the partitions that hold nothing but what is
 * past its time, where nothing else depends on their rows.
 */
extern void jp_purge_partitions(JpPurge *purge);

struct TupleTableSlot;

/*
 * retention_query.c: runs a query and hands its rows, as they come, to a
 * function, which returns false to stop.
 */
extern void jp_query_into(const char *sql, int nargs, const Oid *types,
						  const Datum *values,
						  bool (*take) (struct TupleTableSlot *slot, void *arg),
						  void *arg);

/*
 * What keeps subjects from being erased as inactive, a bit for each subject
 * number.
 */
typedef enum JpSign
{
	JP_SIGN_ACTIVE,				/* an event, decision or request of late */
	JP_SIGN_BASIS,				/* a yes in force; a row that must be kept */
	JP_SIGN_UNDATED,			/* a row whose time is not known */
	JP_SIGN_WITHHELD,			/* a hold, or a restriction */
	JP_SIGN_OLD					/* something of before */
} JpSign;

#define JP_SIGNS	5

typedef struct JpSigns
{
	TimestampTz cut_off;		/* of late is what is not before */
	int32		count;			/* numbers below are looked at */
	uint8	   *bits[JP_SIGNS];
} JpSigns;

/*
 * retention_signs.c: looks for signs of everybody, or only of these numbers
 * (an int4[]; 0: everybody); then those of aliases are their heads' too.
 * Needs the rights of the extension's owner.
 */
extern void jp_signs_read(JpSigns *signs, Datum only);

/* The same for JP_SIGN_OLD, which the other leaves out. */
extern void jp_signs_read_old(JpSigns *signs, Datum only);

static inline bool
jp_sign(const JpSigns *signs, JpSign sign, int32 number)
{
	return number < 0 || number >= signs->count ? sign == JP_SIGN_ACTIVE :
		(signs->bits[sign][number / 8] >> (number % 8)) & 1;
}

#endif							/* JP_RETENTION_H */
