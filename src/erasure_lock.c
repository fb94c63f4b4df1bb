/*
 * erasure_lock.c
 *		Nobody writes about a subject unseen: within a transaction block all
 *		tables are locked; at top level, after the tombstone was committed, it
 *		is enough to wait for those who began to write before.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/elog.h"

#include "catalog.h"
#include "erasure.h"

/* How often to look for all tables being free before queuing for each. */
#define PATIENCE	100

/* Our own tables that recording and erasing write. */
static const char *const own_table[] = {
	"subject", "tombstone", "consent_event", "consent_state", "permitted",
	"derived", "declared_link", "hold"
};

static List *reachable_tables(void);
static Oid	lock_tables(List *tables, Oid first, bool wait);
static void unlock_tables(List *tables, int count);
static void explain_timeout(void *arg);

/*
 * Locks every table that erasing anyone could touch.  Writers come in any
 * order, so a table is waited for only while no other is held: whoever waits
 * for us does not hold what we wait for.
 */
void
jp_erasure_lock(void)
{
	ErrorContextCallback context = {error_context_stack, explain_timeout, NULL};
	List	   *tables = reachable_tables();
	Oid			busy = InvalidOid;
	int			tries = 0;

	error_context_stack = &context;
	for (;;)
	{
		List	   *now;

		CHECK_FOR_INTERRUPTS();
		busy = lock_tables(tables, busy, ++tries > PATIENCE);
		if (OidIsValid(busy))
			continue;
		/* Another may have become reachable while we waited. */
		now = reachable_tables();
		if (equal(tables, now))
			break;
		unlock_tables(tables, list_length(tables));
		tables = now;
	}
	error_context_stack = context.previous;
}

/*
 * Waits for those who write or hold rows, as CREATE INDEX CONCURRENTLY waits for
 * writers.
 */
void
jp_erasure_wait(void)
{
	ErrorContextCallback context = {error_context_stack, explain_timeout, NULL};
	List	   *tags = NIL;
	ListCell   *cell;

	foreach(cell, reachable_tables())
	{
		LOCKTAG    *tag = palloc(sizeof(LOCKTAG));

		SET_LOCKTAG_RELATION(*tag, MyDatabaseId, lfirst_oid(cell));
		tags = lappend(tags, tag);
	}
	error_context_stack = &context;
	WaitForLockersMultiple(tags, ExclusiveLock, false);
	error_context_stack = context.previous;
}

/* Says what to do when somebody writes for longer than lock_timeout. */
static void
explain_timeout(void *arg)
{
	if (geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE)
		errhint("Somebody is writing to a table that erasing may touch. End that transaction, or raise lock_timeout, and call again with the same request_id; outside a transaction block CALL journey_privacy.erase() locks no table for long.");
}

/* The tables that erasing may touch, in order of OIDs, then our own. */
static List *
reachable_tables(void)
{
	static SPIPlanPtr plan = NULL;
	List	   *tables = NIL;
	uint64		i;

	jp_execute(&plan,
			   "WITH RECURSIVE reach(relid) AS ("
			   "  (SELECT p.relation::oid FROM journey_privacy.protection p"
			   "   UNION SELECT d.relation::oid FROM journey_privacy.derived d"
			   "   UNION SELECT l.child::oid FROM journey_privacy.declared_link l)"
			   "  UNION"
			   "  SELECT x.relid FROM reach r,"
			   "   LATERAL (SELECT c.conrelid AS relid FROM pg_constraint c"
			   "             WHERE c.contype = 'f' AND c.confrelid = r.relid"
			   "            UNION ALL"
			   "            SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = r.relid"
			   "            UNION ALL"
			   "            SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = r.relid) x)"
			   " SELECT r.relid FROM reach r JOIN pg_class c ON c.oid = r.relid ORDER BY r.relid",
			   0, NULL, NULL, NULL, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		relid = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);

		tables = lappend_oid(tables, DatumGetObjectId(relid));
	}
	SPI_freetuptable(SPI_tuptable);
	for (i = 0; i < lengthof(own_table); i++)
		tables = lappend_oid(tables, jp_relation(own_table[i]));
	return tables;
}

/*
 * Locks tables against writers and row locks.  Only the first is waited for;
 * when another is busy, it locks none and tells which.
 */
static Oid
lock_tables(List *tables, Oid first, bool wait)
{
	int			i;

	if (OidIsValid(first))
		LockRelationOid(first, ExclusiveLock);
	for (i = 0; i < list_length(tables); i++)
	{
		Oid			relid = list_nth_oid(tables, i);

		if (wait)
			LockRelationOid(relid, ExclusiveLock);
		else if (!ConditionalLockRelationOid(relid, ExclusiveLock))
		{
			unlock_tables(tables, i);
			if (OidIsValid(first))
				UnlockRelationOid(first, ExclusiveLock);
			return relid;
		}
	}
	if (OidIsValid(first))
		UnlockRelationOid(first, ExclusiveLock);	/* it was locked twice */
	return InvalidOid;
}

/* Gives back the locks on the first tables of a list. */
static void
unlock_tables(List *tables, int count)
{
	while (--count >= 0)
		UnlockRelationOid(list_nth_oid(tables, count), ExclusiveLock);
}
