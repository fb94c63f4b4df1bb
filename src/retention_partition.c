/*
 * retention_partition.c
 *		Drops partitions that hold nothing but what is past its time.
 *
 * These are partitions by ranges of the time that counts, at any depth, whose
 * upper bound is not after the cut-off; never a default one.  Nothing in them
 * may be withheld, and nothing may belong to their rows, or the rows are
 * deleted one by one.
 *
 * A partition goes under an exclusive lock on its parent, too.  We do not queue
 * for it, for all others would queue behind us: we try for a second, and then
 * leave the rows to be deleted and the empty partition to the next run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/partition.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "retention.h"

/* How often a lock is tried, and how long to wait between, in ms. */
#define TRIES		20
#define NAP			50

/* A partition that may be dropped. */
typedef struct Dropping
{
	JpPurge    *purge;
	Oid			relid;
	Oid			parent;
	Oid			owner;
	char	   *table;			/* qualified and quoted */
	List	   *members;		/* OIDs: it, and all under it */
} Dropping;

static void find_expired(JpPurge *purge, Oid parent, List **expired);
static bool is_by_time(JpPurge *purge, Relation parent);
static bool is_expired(JpPurge *purge, Relation parent, int partition);
static void try_drop(JpPurge *purge, Oid relid);
static bool open_partition(JpPurge *purge, Oid relid, Dropping *d);
static bool is_free(const Dropping *d);
static bool lock_all(const Dropping *d);
static bool still_expired(JpPurge *purge, const Dropping *d);
static bool drop(const Dropping *d);
static bool run_drop(void *arg);

/* Drops the partitions that are past their time. */
void
jp_purge_partitions(JpPurge *purge)
{
	List	   *expired = NIL;
	ListCell   *cell;

	if (get_rel_relkind(purge->relid) != RELKIND_PARTITIONED_TABLE)
		return;
	jp_purge_begin(purge);
	if (get_rel_relkind(purge->relid) == RELKIND_PARTITIONED_TABLE)
		find_expired(purge, purge->relid, &expired);
	jp_purge_end(purge);
	foreach(cell, expired)
	{
		CHECK_FOR_INTERRUPTS();
		try_drop(purge, lfirst_oid(cell));
	}
}

/* Finds the partitions under a table that are past their time, topmost first. */
static void
find_expired(JpPurge *purge, Oid parent, List **expired)
{
	Relation	rel = try_relation_open(parent, AccessShareLock);
	PartitionDesc desc;
	bool		by_time;
	int			i;

	if (rel == NULL)
		return;
	desc = RelationGetPartitionDesc(rel, false);
	by_time = is_by_time(purge, rel);
	for (i = 0; i < desc->nparts; i++)
		if (by_time && is_expired(purge, rel, i))
			*expired = lappend_oid(*expired, desc->oids[i]);
		else if (!desc->is_leaf[i])
			find_expired(purge, desc->oids[i], expired);
	relation_close(rel, NoLock);
}

/* Whether a table is partitioned by ranges that begin with the time that counts. */
static bool
is_by_time(JpPurge *purge, Relation parent)
{
	PartitionKey key = RelationGetPartitionKey(parent);
	Oid			usual = GetDefaultOpClass(TIMESTAMPTZOID, BTREE_AM_OID);

	return key->strategy == PARTITION_STRATEGY_RANGE && key->partattrs[0] != 0 &&
		strcmp(quote_identifier(get_attname(RelationGetRelid(parent), key->partattrs[0], false)),
			   purge->at) == 0 &&
		key->parttypid[0] == TIMESTAMPTZOID &&
		key->partopfamily[0] == get_opclass_family(usual);
}

/* Whether a partition, by its number, can hold nothing that is to be kept. */
static bool
is_expired(JpPurge *purge, Relation parent, int partition)
{
	PartitionBoundInfo bounds = RelationGetPartitionDesc(parent, false)->boundinfo;
	int			i;

	for (i = 0; i < bounds->ndatums; i++)
	{
		TimestampTz until;

		/* the range of a partition ends at the bound of its number */
		if (bounds->indexes[i] != partition)
			continue;
		if (bounds->kind != NULL && bounds->kind[i][0] != PARTITION_RANGE_DATUM_VALUE)
			return false;
		until = DatumGetTimestampTz(bounds->datums[i][0]);
		/* with further columns, the bound itself may be in it */
		return RelationGetPartitionKey(parent)->partnatts == 1 ?
			until <= purge->cut_off : until < purge->cut_off;
	}
	return false;
}

/* Drops one partition, if it can be. */
static void
try_drop(JpPurge *purge, Oid relid)
{
	Dropping	d = {.purge = purge, .relid = relid};
	JpPurged	nothing = {0};

	jp_purge_begin(purge);
	SPI_connect();
	if (open_partition(purge, relid, &d) && is_free(&d) && lock_all(&d) &&
		jp_purge_goes_on(purge) && still_expired(purge, &d) && drop(&d))
		jp_purge_add(purge, &nothing, d.table);
	SPI_finish();
	jp_purge_end(purge);
}

/* What there is to know of a partition; false when it is none any more. */
static bool
open_partition(JpPurge *purge, Oid relid, Dropping *d)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	bool		there;

	if (rel == NULL)
		return false;
	there = rel->rd_rel->relispartition;
	d->owner = rel->rd_rel->relowner;
	d->table = jp_qualified_name(rel);
	relation_close(rel, AccessShareLock);
	if (!there || !jp_is_part_of(relid, purge->relid))
		return false;
	d->parent = get_partition_parent(relid, true);
	d->members = find_all_inheritors(relid, NoLock, NULL);
	return true;
}

/* Whether nothing in a partition is withheld, and nothing belongs to its rows. */
static bool
is_free(const Dropping *d)
{
	JpHolds		holds;
	ListCell   *cell;
	ListCell   *people;

	jp_purge_holds(&holds);
	foreach(cell, d->members)
	{
		Oid			relid = lfirst_oid(cell);

		if (jp_purge_holds_table(&holds, relid) || jp_edges_from(relid) != NIL)
			return false;
		foreach(people, holds.people)
		{
			JpHeldPeople *held = lfirst(people);

			if (get_rel_relkind(relid) == RELKIND_RELATION &&
				jp_purge_holds_in(held, relid) &&
				jp_rows_naming(relid, (Datum) 0, &held->people, 1, NULL, NULL) > 0)
				return false;
		}
	}
	return true;
}

/* Locks what goes, and what it is taken from, without ever waiting in line. */
static bool
lock_all(const Dropping *d)
{
	List	   *wanted = list_make1_oid(d->parent);
	Oid			other = get_default_partition_oid(d->parent);
	int			tries;

	if (OidIsValid(other))
		wanted = lappend_oid(wanted, other);
	wanted = list_concat(wanted, d->members);
	for (tries = 0; tries < TRIES; tries++)
	{
		int			i;

		for (i = 0; i < list_length(wanted); i++)
			if (!ConditionalLockRelationOid(list_nth_oid(wanted, i), AccessExclusiveLock))
				break;
		if (i == list_length(wanted))
			return true;
		while (--i >= 0)
			UnlockRelationOid(list_nth_oid(wanted, i), AccessExclusiveLock);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, NAP,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/*
 * Whether all is as it was before the lock: who held it may have attached
 * the partition elsewhere, or written somebody's rows who is held.
 */
static bool
still_expired(JpPurge *purge, const Dropping *d)
{
	Relation	parent;
	PartitionDesc desc;
	bool		expired = false;
	int			i;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(d->relid)) ||
		!get_rel_relispartition(d->relid) ||
		get_partition_parent(d->relid, true) != d->parent ||
		!equal(d->members, find_all_inheritors(d->relid, NoLock, NULL)))
		return false;
	parent = relation_open(d->parent, NoLock);
	desc = RelationGetPartitionDesc(parent, false);
	for (i = 0; i < desc->nparts; i++)
		if (desc->oids[i] == d->relid)
			expired = is_by_time(purge, parent) && is_expired(purge, parent, i);
	relation_close(parent, NoLock);
	return expired && is_free(d);
}

/* Drops it, as its owner; false when something depends on it. */
static bool
drop(const Dropping *d)
{
	JpPrivilege before;
	bool		done;

	jp_act_as(d->owner, "pg_catalog, pg_temp", &before);
	done = jp_step_attempt(run_drop, d->table);
	jp_restore(&before);
	return done;
}

/* Drops it, or throws. */
static bool
run_drop(void *arg)
{
	if (SPI_execute(psprintf("DROP TABLE %s", (char *) arg), false, 0) < 0)
		elog(ERROR, "could not drop a partition");
	return true;
}
