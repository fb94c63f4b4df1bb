/*
 * collection_plan.c
 *		Data plans: which events a journey table takes, with which keys.
 *
 * The caller owns the table; writers are waited for, as in minimize().
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"
#include "collection_rules.h"
#include "note.h"

/* Events that a plan may have. */
#define MOST_EVENTS		10000

static Oid	plan_column(Relation rel, const char *column);
static bool change(const char *sql, FunctionCallInfo fcinfo, int nargs,
				   const Oid *types);
static void require_plan(Relation rel);
static void end_change(Relation rel, const char *command);

PG_FUNCTION_INFO_V1(jp_set_data_plan);
PG_FUNCTION_INFO_V1(jp_drop_data_plan);
PG_FUNCTION_INFO_V1(jp_plan_event);
PG_FUNCTION_INFO_V1(jp_unplan_event);

/* SQL: set_data_plan(table, event_column, props_column, on_violation). */
Datum
jp_set_data_plan(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, NAMEOID, NAMEOID, TEXTOID};
	Relation	rel;
	char	   *on_violation;
	Oid			type;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table, event_column and on_violation must not be null")));
	on_violation = text_to_cstring(PG_GETARG_TEXT_PP(3));
	if (strcmp(on_violation, "refuse") != 0 && strcmp(on_violation, "strip") != 0 &&
		strcmp(on_violation, "count") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_violation must be refuse, strip or count")));
	rel = jp_rules_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	type = plan_column(rel, NameStr(*PG_GETARG_NAME(1)));
	if (type != TEXTOID && type != VARCHAROID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of events is not of type text",
						NameStr(*PG_GETARG_NAME(1)))));
	if (!PG_ARGISNULL(2) && plan_column(rel, NameStr(*PG_GETARG_NAME(2))) != JSONBOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of keys is not of type jsonb",
						NameStr(*PG_GETARG_NAME(2)))));
	(void) change("INSERT INTO journey_privacy.data_plan"
				  " (relation, event_column, props_column, on_violation) VALUES ($1, $2, $3, $4)"
				  " ON CONFLICT (relation) DO UPDATE SET event_column = excluded.event_column,"
				  " props_column = excluded.props_column, on_violation = excluded.on_violation",
				  fcinfo, lengthof(types), types);
	end_change(rel, "set_data_plan");
	PG_RETURN_VOID();
}

/* SQL: drop_data_plan(table). */
Datum
jp_drop_data_plan(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID};
	Relation	rel = jp_rules_open(PG_GETARG_OID(0), ShareRowExclusiveLock);

	require_plan(rel);
	(void) change("DELETE FROM journey_privacy.planned_event WHERE relation = $1",
				  fcinfo, 1, types);
	(void) change("DELETE FROM journey_privacy.data_plan WHERE relation = $1",
				  fcinfo, 1, types);
	end_change(rel, "drop_data_plan");
	PG_RETURN_VOID();
}

/* SQL: plan_event(table, event, allowed_keys, required_keys). */
Datum
jp_plan_event(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID};
	Relation	rel;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table and event must not be null")));
	if (!PG_ARGISNULL(2))
		(void) jp_keys_read(PG_GETARG_ARRAYTYPE_P(2));
	if (!PG_ARGISNULL(3))
		(void) jp_keys_read(PG_GETARG_ARRAYTYPE_P(3));
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) > JP_KEYS_PATH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event is longer than %d bytes", JP_KEYS_PATH)));
	rel = jp_rules_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	require_plan(rel);
	if (!change("INSERT INTO journey_privacy.planned_event"
				" (relation, event, allowed_keys, required_keys)"
				" SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM journey_privacy.planned_event"
				"  WHERE relation = $1 AND event <> $2) < " CppAsString2(MOST_EVENTS)
				" ON CONFLICT (relation, event) DO UPDATE"
				" SET allowed_keys = excluded.allowed_keys, required_keys = excluded.required_keys",
				fcinfo, lengthof(types), types))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there cannot be more than %d planned events", MOST_EVENTS)));
	end_change(rel, "plan_event");
	PG_RETURN_VOID();
}

/* SQL: unplan_event(table, event). */
Datum
jp_unplan_event(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, TEXTOID};
	Relation	rel = jp_rules_open(PG_GETARG_OID(0), ShareRowExclusiveLock);

	require_plan(rel);
	if (!change("DELETE FROM journey_privacy.planned_event WHERE relation = $1 AND event = $2",
				fcinfo, lengthof(types), types))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the event is not in the data plan of table \"%s\"",
						RelationGetRelationName(rel))));
	end_change(rel, "unplan_event");
	PG_RETURN_VOID();
}

/* The type of a column that a plan may rest on. */
static Oid
plan_column(Relation rel, const char *column)
{
	Oid			relid = RelationGetRelid(rel);
	AttrNumber	number = jp_column_get(relid, column);

	if (get_attgenerated(relid, number) != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" is generated", column),
				 errdetail("The insert guard would not see its value.")));
	return get_atttype(relid, number);
}

/* Changes our tables by the arguments; whether any row has changed. */
static bool
change(const char *sql, FunctionCallInfo fcinfo, int nargs, const Oid *types)
{
	Datum		values[FUNC_MAX_ARGS];
	char		nulls[FUNC_MAX_ARGS];
	JpPrivilege before;
	bool		changed;
	int			i;

	for (i = 0; i < nargs; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args(sql, nargs, unconstify(Oid *, types), values, nulls,
						  false, 0);
	changed = SPI_processed > 0;
	SPI_finish();
	jp_restore(&before);
	return changed;
}

/* Refuses a table without a data plan. */
static void
require_plan(Relation rel)
{
	Relation	plans = table_open(jp_relation("data_plan"), RowExclusiveLock);

	if (jp_fetch_one(plans, "data_plan_pkey", 1,
					 ObjectIdGetDatum(RelationGetRelid(rel)), F_OIDEQ) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no data plan", RelationGetRelationName(rel)),
				 errhint("Run journey_privacy.set_data_plan() first; with on_violation count nothing is refused meanwhile.")));
	table_close(plans, NoLock);
}

/* Tells the audit; the names of events are not for it. */
static void
end_change(Relation rel, const char *command)
{
	jp_note(JP_NOTE_PROTECTION, command, RelationGetRelid(rel), -1, NULL);
	table_close(rel, NoLock);
}
