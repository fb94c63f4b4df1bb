/*
 * scrub.c
 *		scrub(): brings tables to level L3 of erasure while they are read and
 *		written.
 *
 * For each table: VACUUM with its indexes and ANALYZE; zero what it leaves on
 * pages (scrub_page.c); build indexes anew whose inner pages keep keys that
 * are gone.  Then materialized views, each refreshed and scrubbed itself; at
 * last the statistics, whose old versions are rows of catalogs.
 *
 * VACUUM and REINDEX CONCURRENTLY commit (scrub_run.c), so scrub() is a command
 * at the top level as they are.  What is remembered from one transaction to the
 * next lies in a context of the portal's; every step ends in a transaction of
 * its own, so that no snapshot of ours keeps rows from being removed.
 *
 * Nothing is locked but what these commands lock, and the table against being
 * dropped or truncated while its pages are written.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/procarray.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/wait_event.h"

#include "catalog.h"
#include "compat.h"
#include "note.h"
#include "scrub.h"

/* How long a call waits in all for transactions that soon end, in ms. */
#define PATIENCE	3000
#define NAP			20

/* How often a table is vacuumed, when deleted rows are left each time. */
#define ATTEMPTS	5

/* A call under way. */
typedef struct Scrub
{
	MemoryContext context;		/* outlives transactions */
	bool		rebuild;
	int			patience;		/* what is left of it */
	int			level;			/* the lowest of all tables */
	int			tables;
	int			views;
	TransactionId began;		/* next when the call began */
} Scrub;

static void check_call(FunctionCallInfo fcinfo);
static void check_table(Oid relid);
static bool permitted(Scrub *scrub, const JpScrubTarget *target);
static void scrub_all(Scrub *scrub, List *targets);
static void scrub_table(Scrub *scrub, JpScrubTarget *target);
static void analyze_parent(Scrub *scrub, JpScrubTarget *target);
static bool remove_rows(Scrub *scrub, const JpScrubTarget *target,
						const char *command);
static bool wait_until_over(Scrub *scrub, Oid relid, TransactionId xid);
static void tell_held(const JpScrubTarget *target, const JpScrubbed *found);
static void zero(Scrub *scrub, Oid relid, bool indexes, TransactionId before,
				 JpScrubbed *found);
static void rebuild_indexes(Scrub *scrub, Oid relid);
static void refresh(Scrub *scrub, const JpScrubTarget *target);
static void scrub_statistics(Scrub *scrub, List *targets);
static void reached(Scrub *scrub, int level);
static void remember(const Scrub *scrub, const List *targets);

PG_FUNCTION_INFO_V1(jp_scrub);

/* SQL: CALL scrub(table, rebuild_indexes). */
Datum
jp_scrub(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	Scrub		scrub = {0};
	List	   *targets;

	check_call(fcinfo);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"rebuild_indexes\" must not be null")));
	if (OidIsValid(relid))
		check_table(relid);
	scrub.context = AllocSetContextCreate(PortalContext, "journey_privacy scrub",
										  ALLOCSET_DEFAULT_SIZES);
	scrub.rebuild = PG_GETARG_BOOL(1);
	scrub.patience = PATIENCE;
	scrub.level = 3;
	scrub.began = ReadNextTransactionId();

	MemoryContextSwitchTo(scrub.context);
	targets = jp_scrub_targets(relid);
	scrub_all(&scrub, targets);
	remember(&scrub, targets);
	ereport(NOTICE,
			(errmsg("level L%d of erasure is reached (tables: %d, materialized views: %d)",
					scrub.level, scrub.tables, scrub.views),
			 scrub.level == 2 && !scrub.rebuild ?
			 errdetail("Indexes were not rebuilt.") : 0));
	jp_note(JP_NOTE_ERASURE, "scrub", relid, -1, psprintf("L%d", scrub.level));
	MemoryContextSwitchTo(PortalContext);
	MemoryContextDelete(scrub.context);
	PG_RETURN_VOID();
}

/* Refuses to be called where VACUUM could not be. */
static void
check_call(FunctionCallInfo fcinfo)
{
	CallContext *context = (CallContext *) fcinfo->context;
	bool		top = context != NULL && IsA(context, CallContext) &&
	!context->atomic && !SPI_inside_nonatomic_context();

	PreventCommandDuringRecovery("scrub()");
	PreventCommandIfReadOnly("scrub()");
	PreventInTransactionBlock(top, "scrub()");
}

/* Refuses what is no table of the caller's. */
static void
check_table(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	if (kind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if ((kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		 kind != RELKIND_MATVIEW) || IsCatalogRelationOid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or materialized view of a user",
						get_rel_name(relid))));
	if (!jp_may_maintain(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(kind),
					   get_rel_name(relid));
}

/* The same of a target; warns when not. */
static bool
permitted(Scrub *scrub, const JpScrubTarget *target)
{
	if (jp_may_maintain(target->relid, GetUserId()))
		return true;
	ereport(WARNING,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to scrub %s, skipping it", target->name),
			 errhint("Only its owner or a superuser may.")));
	reached(scrub, target->whole ? 1 : 2);
	return false;
}

/* Tables, then parents, then materialized views, then statistics. */
static void
scrub_all(Scrub *scrub, List *targets)
{
	ListCell   *cell;

	foreach(cell, targets)
	{
		JpScrubTarget *target = lfirst(cell);

		if (target->kind == RELKIND_RELATION && target->whole)
			scrub_table(scrub, target);
	}
	foreach(cell, targets)
	{
		JpScrubTarget *target = lfirst(cell);

		if (target->kind == RELKIND_PARTITIONED_TABLE || !target->whole)
			analyze_parent(scrub, target);
	}
	foreach(cell, targets)
	{
		JpScrubTarget *target = lfirst(cell);

		if (target->kind == RELKIND_MATVIEW &&
			OidIsValid(get_rel_namespace(target->relid)))
		{
			refresh(scrub, target);
			scrub_table(scrub, target);
		}
	}
	scrub_statistics(scrub, targets);
}

/*
 * One table or materialized view.  Old statistics go before indexes are built
 * anew: the new ones would get a copy of them.
 */
static void
scrub_table(Scrub *scrub, JpScrubTarget *target)
{
	JpScrubbed	ignored = {0};
	bool		removed;

	/* Dropped meanwhile? */
	if (!OidIsValid(get_rel_namespace(target->relid)) ||
		!permitted(scrub, target))
		return;
	removed = remove_rows(scrub, target,
						  psprintf("VACUUM (INDEX_CLEANUP ON, ANALYZE) %s",
								   target->name));
	jp_scrub_old_statistics(target->relid, scrub->began);
	jp_scrub_next(scrub->context);
	if (!removed)
		reached(scrub, 1);
	else if (scrub->rebuild)
		rebuild_indexes(scrub, target->relid);
	else if (jp_scrub_indexes(target->relid) != NIL)
		reached(scrub, 2);
	zero(scrub, target->relid, true, scrub->began, &ignored);
	if (target->kind == RELKIND_MATVIEW)
		scrub->views++;
	else
		scrub->tables++;
}

/*
 * Makes the statistics of a table with partitions or children anew: those of
 * partitions are made with those of the table that they are all a part of.
 */
static void
analyze_parent(Scrub *scrub, JpScrubTarget *target)
{
	if (!OidIsValid(get_rel_namespace(target->relid)))
		return;
	if (target->root == target->relid)
	{
		if (!permitted(scrub, target))
			return;
		jp_scrub_run(scrub->context, psprintf("ANALYZE %s", target->name));
	}
	else if (!jp_may_maintain(target->root, GetUserId()))
		return;
	target->analyzed = true;
}

/*
 * Vacuums until no row is left that had been deleted when we were called, and
 * zeroes what VACUUM leaves.  False when others keep such rows alive; then a
 * warning has told who.
 */
static bool
remove_rows(Scrub *scrub, const JpScrubTarget *target, const char *command)
{
	TransactionId before = ReadNextTransactionId();
	TransactionId last = before;
	JpScrubbed	found;
	int			attempt;

	TransactionIdRetreat(last);
	(void) wait_until_over(scrub, target->relid, last);
	for (attempt = 1;; attempt++)
	{
		if (command != NULL)
			jp_scrub_run(scrub->context, command);
		else
		{
			jp_scrub_vacuum_catalog(target->relid);
			jp_scrub_next(scrub->context);
		}
		memset(&found, 0, sizeof(found));
		zero(scrub, target->relid, false, before, &found);
		if (found.dead == 0 || attempt == ATTEMPTS ||
			!wait_until_over(scrub, target->relid, found.newest))
			break;
	}
	if (found.unknown)
		ereport(WARNING,
				(errmsg("pages of %s cannot be scrubbed", target->name),
				 errdetail("Its access method is not known.")));
	else if (found.dead > 0)
		tell_held(target, &found);
	return found.dead == 0 && !found.unknown;
}

/* Waits a while until all see that a transaction is over. */
static bool
wait_until_over(Scrub *scrub, Oid relid, TransactionId xid)
{
	for (;;)
	{
		Relation	rel = try_relation_open(relid, AccessShareLock);
		bool		over;

		if (rel == NULL)
			return false;
		over = TransactionIdPrecedes(xid, GetOldestNonRemovableTransactionId(rel));
		relation_close(rel, NoLock);
		jp_scrub_next(scrub->context);
		if (over || scrub->patience <= 0)
			return over;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 NAP, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		scrub->patience -= NAP;
	}
}

/* Warns that deleted rows are still there. */
static void
tell_held(const JpScrubTarget *target, const JpScrubbed *found)
{
	char	   *holders = jp_scrub_holders(found->newest);

	ereport(WARNING,
			(errmsg("%lld deleted rows of %s cannot be removed yet",
					(long long) found->dead, target->name),
			 holders[0] == '\0' ?
			 errdetail("What held them is there no more.") :
			 errdetail("Held by: %s.", holders),
			 errhint("End what holds them, then call scrub() again.")));
}

/* Zeroes pages of a table or of its indexes, those of its toast table too. */
static void
zero(Scrub *scrub, Oid relid, bool indexes, TransactionId before,
	 JpScrubbed *found)
{
	ListCell   *cell;

	foreach(cell, jp_scrub_relations(relid, indexes, !indexes))
		jp_scrub_pages(lfirst_oid(cell), before, found);
	jp_scrub_next(scrub->context);
}

/* Builds indexes anew. */
static void
rebuild_indexes(Scrub *scrub, Oid relid)
{
	List	   *indexes = jp_scrub_indexes(relid);
	ListCell   *cell;

	jp_scrub_next(scrub->context);
	foreach(cell, indexes)
	{
		JpScrubIndex *index = lfirst(cell);

		if (index->exclusion)
		{
			ereport(WARNING,
					(errmsg("index %s cannot be rebuilt while the table is written",
							index->name),
					 errdetail("It belongs to an exclusion constraint."),
					 errhint("Run REINDEX INDEX %s when writers can wait.",
							 index->name)));
			reached(scrub, 2);
		}
		else
			jp_scrub_run(scrub->context, psprintf("REINDEX INDEX CONCURRENTLY %s", index->name));
	}
}

/* Makes a materialized view anew; a warning tells when that fails. */
static void
refresh(Scrub *scrub, const JpScrubTarget *target)
{
	bool		populated;
	bool		concurrently = jp_scrub_refreshable(target->relid, &populated);
	int			code;

	if (!populated || !jp_may_maintain(target->relid, GetUserId()))
		return;
	code = jp_scrub_try(scrub->context,
						psprintf("REFRESH MATERIALIZED VIEW %s%s",
								 concurrently ? "CONCURRENTLY " : "",
								 target->name));
	if (code == 0)
		return;
	reached(scrub, 2);
	ereport(WARNING,
			(errcode(code),
			 errmsg("materialized view %s could not be refreshed", target->name),
			 errdetail("REFRESH MATERIALIZED VIEW failed with SQLSTATE %s.",
					   unpack_sql_state(code)),
			 errhint("Refresh or drop it, then call scrub() again.")));
}

/* Parents' statistics that ANALYZE did not make anew; old versions of all. */
static void
scrub_statistics(Scrub *scrub, List *targets)
{
	JpScrubTarget catalogs[] = {
		{.relid = StatisticRelationId, .name = "pg_catalog.pg_statistic"},
		{.relid = StatisticExtDataRelationId, .name = "pg_catalog.pg_statistic_ext_data"}
	};
	ListCell   *cell;
	int			i;

	foreach(cell, targets)
	{
		JpScrubTarget *target = lfirst(cell);

		if (target->analyzed)
			jp_scrub_old_statistics(target->relid, scrub->began);
	}
	jp_scrub_next(scrub->context);
	for (i = 0; i < lengthof(catalogs); i++)
	{
		JpScrubbed	ignored = {0};

		if (!remove_rows(scrub, &catalogs[i], NULL))
			reached(scrub, 2);
		zero(scrub, catalogs[i].relid, true, scrub->began, &ignored);
	}
}

/* Notes the level of a part. */
static void
reached(Scrub *scrub, int level)
{
	scrub->level = Min(scrub->level, level);
}

/* Writes down what was gone over, in the last transaction. */
static void
remember(const Scrub *scrub, const List *targets)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[2] = {TEXTARRAYOID, INT4OID};
	Datum	   *names = palloc(sizeof(Datum) * Max(list_length(targets), 1));
	Datum		values[2];
	JpPrivilege before;
	ListCell   *cell;

	foreach(cell, targets)
	{
		const JpScrubTarget *target = lfirst(cell);

		names[foreach_current_index(cell)] = CStringGetTextDatum(target->name);
	}
	values[0] = PointerGetDatum(construct_array(names, list_length(targets), TEXTOID,
												-1, false, TYPALIGN_INT));
	values[1] = Int32GetDatum(scrub->level);
	jp_elevate(&before);
	SPI_connect();
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.scrub_run (relations, level) VALUES ($1, $2)",
			   2, types, values, NULL, SPI_OK_INSERT);
	SPI_finish();
	jp_restore(&before);
}
