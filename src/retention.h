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

#endif							/* JP_RETENTION_H */
