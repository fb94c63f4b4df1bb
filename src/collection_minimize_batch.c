/*
 * collection_minimize_batch.c
 *		apply_minimization(): the rows that were there before the rules.
 *
 * Range of pages by range, each with a commit where that is possible.  An
 * update that changes nothing lets the insert guard minimise, which leaves
 * out rows that are as they must be.  As when a table is numbered, no other
 * trigger fires but those that are enabled always, and what runs with the
 * update has the rights of the table's owner.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"

#include "catalog.h"
#include "collection.h"
#include "collection_rules.h"
#include "note.h"

/* Pages of a table for each commit. */
#define BATCH_PAGES	1000

static List *tables_of(Oid head, char **assignments);
static char *assignments_of(Relation rel, Oid head);
static int64 minimize_table(Oid relid, const char *assignments, bool may_commit);
static int64 minimize_pages(Oid relid, const char *assignments,
							BlockNumber first, BlockNumber *pages);
static int64 update_pages(Relation rel, const char *assignments,
						  BlockNumber first, BlockNumber last);

PG_FUNCTION_INFO_V1(jp_apply_minimization);

/* SQL: CALL apply_minimization(table, INOUT rows). */
Datum
jp_apply_minimization(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	bool		may_commit = jp_may_commit(fcinfo);
	bool		isnull = false;
	int64		rows = 0;
	char	   *assignments;
	List	   *tables;
	ListCell   *cell;
	TupleDesc	desc;
	Datum		result;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table must not be null")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "apply_minimization must return a row");
	desc = BlessTupleDesc(desc);
	SPI_connect_ext(may_commit ? SPI_OPT_NONATOMIC : 0);
	tables = tables_of(relid, &assignments);
	foreach(cell, tables)
		rows += minimize_table(lfirst_oid(cell), assignments, may_commit);
	SPI_finish();
	jp_note(JP_NOTE_PROTECTION, "apply_minimization", relid, rows, NULL);
	result = Int64GetDatum(rows);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, &result, &isnull)));
}

/* The tables with rows of a protected one, and what their updates set. */
static List *
tables_of(Oid head, char **assignments)
{
	Relation	rel = jp_rules_open(head, RowExclusiveLock);
	List	   *tables = find_all_inheritors(head, RowExclusiveLock, NULL);

	*assignments = assignments_of(rel, head);
	if (*assignments == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing of table \"%s\" is minimized",
						RelationGetRelationName(rel)),
				 errhint("Run journey_privacy.minimize() first.")));
	table_close(rel, NoLock);
	return tables;
}

/* Each column that has a rule, set to itself; NULL when none has. */
static char *
assignments_of(Relation rel, Oid head)
{
	JpBoundRules *bound = jp_rules_bind(rel, head, CurrentMemoryContext);
	StringInfoData set;
	int			i;

	if (bound == NULL || bound->rules->count == 0)
		return NULL;
	initStringInfo(&set);
	for (i = 0; i < bound->rules->count; i++)
	{
		char	   *column = pstrdup(quote_identifier(NameStr(bound->rules->minimizations[i].column)));
		int			before;

		/* Two rules of one column lie side by side or not. */
		for (before = 0; before < i; before++)
			if (bound->minimizations[before].column == bound->minimizations[i].column)
				break;
		if (before == i)
			appendStringInfo(&set, "%s%s = %s", set.len > 0 ? ", " : "", column, column);
	}
	return set.data;
}

/* Minimises the rows of one table. */
static int64
minimize_table(Oid relid, const char *assignments, bool may_commit)
{
	BlockNumber pages = 0;
	BlockNumber first = 0;
	int64		rows = 0;

	do
	{
		CHECK_FOR_INTERRUPTS();
		rows += minimize_pages(relid, assignments, first, &pages);
		if (may_commit)
			SPI_commit();
		first += BATCH_PAGES;
	} while (first < pages);
	return rows;
}

/*
 * Minimises rows of some pages.  Those that come after the first look at the
 * table have been through the guard already.
 */
static int64
minimize_pages(Oid relid, const char *assignments, BlockNumber first,
			   BlockNumber *pages)
{
	Relation	rel = try_relation_open(relid, RowExclusiveLock);
	int64		rows = 0;

	if (rel == NULL)
		return 0;				/* dropped since */
	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		OidIsValid(jp_protected_head(relid)))
	{
		if (first == 0)
			*pages = RelationGetNumberOfBlocks(rel);
		rows = update_pages(rel, assignments, first, first + BATCH_PAGES);
	}
	relation_close(rel, NoLock);
	return rows;
}

/* The update, as the owner of the table. */
static int64
update_pages(Relation rel, const char *assignments, BlockNumber first,
			 BlockNumber last)
{
	Oid			types[2] = {TIDOID, TIDOID};
	ItemPointerData bounds[2];
	Datum		values[2] = {PointerGetDatum(&bounds[0]), PointerGetDatum(&bounds[1])};
	JpPrivilege before;
	JpPrivilege elevated;
	char	   *sql = psprintf("UPDATE ONLY %s SET %s WHERE ctid OPERATOR(pg_catalog.>=) $1"
							   " AND ctid OPERATOR(pg_catalog.<) $2",
							   jp_qualified_name(rel), assignments);

	ItemPointerSet(&bounds[0], first, 0);
	ItemPointerSet(&bounds[1], last, 0);
	jp_elevate(&elevated);
	(void) set_config_option("session_replication_role", "replica",
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	jp_act_as(rel->rd_rel->relowner, "pg_catalog, pg_temp", &before);
	jp_guard_minimizing(RelationGetRelid(rel));
	PG_TRY();
	{
		SPI_execute_with_args(sql, 2, types, values, NULL, false, 0);
	}
	PG_FINALLY();
	{
		jp_guard_minimizing(InvalidOid);
	}
	PG_END_TRY();
	jp_restore(&before);
	jp_restore(&elevated);
	return SPI_processed;
}
