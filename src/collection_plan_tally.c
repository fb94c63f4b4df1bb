/*
 * collection_plan_tally.c
 *		Counts of what was outside a data plan.
 *
 * They are gathered in the backend and written when the transaction commits,
 * each to a row of this backend's own: nobody waits for anybody.  A prepared
 * transaction has rows of its own, because its locks outlive the backend's
 * work.  What is rolled back is not counted.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "collection_rules.h"
#include "compat.h"
#include "journey_privacy.h"

/* One kind of violation in this transaction, by (sub)transaction. */
typedef struct Tally
{
	Oid			relid;
	SubTransactionId subxact;
	const char *event;
	size_t		length;
	const char *key;			/* of the plan, or empty */
	const char *what;			/* a constant */
	int64		count;
	TimestampTz last_seen;
} Tally;

/* What is to be written, in the memory of the transaction. */
static List *tallies = NIL;

/* The tally that was counted last: most often the next is the same. */
static Tally *latest = NULL;

static Tally *find_tally(Oid relid, SubTransactionId subxact, const char *event,
						 size_t length, const char *key, const char *what);
static bool is_of(const Tally *tally, Oid relid, SubTransactionId subxact,
				  const char *event, size_t length, const char *key,
				  const char *what);
static void write_tallies(int64 slot);
static void write_tally(const Tally *tally, int64 slot);
static void xact_ends(XactEvent event, void *arg);
static bool handed_up(Tally *tally, SubTransactionId parent);
static void subxact_ends(SubXactEvent event, SubTransactionId mine,
						 SubTransactionId parent, void *arg);

/* Registers the callbacks. */
void
jp_plan_init(void)
{
	RegisterXactCallback(xact_ends, NULL);
	RegisterSubXactCallback(subxact_ends, NULL);
}

/* Counts a violation. */
void
jp_plan_tally(Oid relid, const char *event, size_t length, const char *key,
			  const char *what)
{
	SubTransactionId mine = GetCurrentSubTransactionId();

	if (latest == NULL ||
		!is_of(latest, relid, mine, event, length, key, what))
		latest = find_tally(relid, mine, event, length, key, what);
	latest->count++;
	latest->last_seen = GetCurrentStatementStartTimestamp();
}

/* The tally of a violation, made where there is none yet. */
static Tally *
find_tally(Oid relid, SubTransactionId subxact, const char *event,
		   size_t length, const char *key, const char *what)
{
	MemoryContext caller;
	ListCell   *cell;
	Tally	   *tally;

	foreach(cell, tallies)
		if (is_of(lfirst(cell), relid, subxact, event, length, key, what))
			return lfirst(cell);
	caller = MemoryContextSwitchTo(TopTransactionContext);
	tally = palloc0(sizeof(Tally));
	tally->relid = relid;
	tally->subxact = subxact;
	tally->event = pnstrdup(event, length);
	tally->length = length;
	tally->key = pstrdup(key);
	tally->what = what;
	tallies = lappend(tallies, tally);
	MemoryContextSwitchTo(caller);
	return tally;
}

/* Whether a tally is of a violation. */
static bool
is_of(const Tally *tally, Oid relid, SubTransactionId subxact,
	  const char *event, size_t length, const char *key, const char *what)
{
	return tally->relid == relid && tally->subxact == subxact &&
		tally->what == what && tally->length == length &&
		memcmp(tally->event, event, length) == 0 &&
		strcmp(tally->key, key) == 0;
}

/* Writes what has been counted. */
static void
write_tallies(int64 slot)
{
	JpPrivilege before;
	ListCell   *cell;

	if (tallies == NIL || !jp_installed())
		return;
	jp_elevate(&before);
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	foreach(cell, tallies)
		write_tally(lfirst(cell), slot);
	SPI_finish();
	PopActiveSnapshot();
	jp_restore(&before);
	tallies = NIL;
	latest = NULL;
}

/* Adds one tally to its row. */
static void
write_tally(const Tally *tally, int64 slot)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {REGCLASSOID, TEXTOID, TEXTOID, TEXTOID, INT8OID,
		INT8OID, TIMESTAMPTZOID
	};
	Datum		values[lengthof(types)] = {ObjectIdGetDatum(tally->relid),
		CStringGetTextDatum(tally->event), CStringGetTextDatum(tally->key),
		CStringGetTextDatum(tally->what), Int64GetDatum(slot),
		Int64GetDatum(tally->count), TimestampTzGetDatum(tally->last_seen)
	};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.plan_tally AS t"
			   " (relation, event, key, violation, slot, count, last_seen)"
			   " SELECT $1, $2, $3, $4, $5, $6, $7"
			   " ON CONFLICT (relation, event, key, violation, slot) DO UPDATE"
			   " SET count = t.count + excluded.count, last_seen = excluded.last_seen",
			   lengthof(types), types, values, NULL, SPI_OK_INSERT);
}

/* Writes before the commit; the memory goes with the transaction. */
static void
xact_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			write_tallies(JP_BACKEND_SLOT);
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (tallies != NIL)
				write_tallies(-(int64) GetTopTransactionId());
			break;
		default:
			tallies = NIL;
			latest = NULL;
			break;
	}
}

/* Forgets what a subtransaction has counted, or hands it up. */
static void
subxact_ends(SubXactEvent event, SubTransactionId mine,
			 SubTransactionId parent, void *arg)
{
	ListCell   *cell;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	latest = NULL;
	foreach(cell, tallies)
	{
		Tally	   *tally = lfirst(cell);

		if (tally->subxact != mine)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			tallies = foreach_delete_current(tallies, cell);
		else if (handed_up(tally, parent))
			tallies = foreach_delete_current(tallies, cell);
	}
}

/* Makes a tally the parent's; true when it had one and has it added now. */
static bool
handed_up(Tally *tally, SubTransactionId parent)
{
	ListCell   *cell;

	foreach(cell, tallies)
	{
		Tally	   *theirs = lfirst(cell);

		if (is_of(theirs, tally->relid, parent, tally->event, tally->length,
				  tally->key, tally->what))
		{
			theirs->count += tally->count;
			theirs->last_seen = tally->last_seen;
			return true;
		}
	}
	tally->subxact = parent;
	return false;
}
