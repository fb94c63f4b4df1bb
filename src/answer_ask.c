/*
 * answer_ask.c
 *		What the answers in one call share.
 *
 * The question is run as the caller, so policies, columns and the audit bind
 * it as they bind any statement.  Under a purpose for aggregates only it is
 * the one way to read, so nothing of the caller's may run within it: names and
 * values of the caller are parameters, columns are looked up in the catalog,
 * and every function and operator is named with its schema.
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "answer_ask.h"
#include "answer_durations.h"
#include "answer_subjects.h"
#include "catalog.h"
#include "guard.h"
#include "store_journey.h"

static char *column_of(JpAsk *ask, int argument, Oid *type);
static char *as_text(const char *column, Oid type);
static char *parameter(JpAsk *ask, Oid type, Datum value, bool isnull);
static void add_conditions(JpAsk *ask, StringInfo sql);
static char *bound(JpAsk *ask, int64 time, int64 none);
static void keep_cells(JpAsk *ask, Datum array);

/* Begins a question. */
void
jp_ask_begin(JpAsk *ask, FunctionCallInfo fcinfo, int common, bool with_event)
{
	JpProtection protection;

	memset(ask, 0, sizeof(JpAsk));
	ask->fcinfo = fcinfo;
	ask->common = common;
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table must not be null")));
	ask->relid = PG_GETARG_OID(0);
	protection = *jp_answer_protection(ask->relid);
	if (NameStr(protection.occurred_at)[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" has no time of events", get_rel_name(ask->relid)),
				 errhint("Name the column as occurred_at in journey_privacy.protect().")));
	ask->floor = jp_floor_in_force(ask->relid);
	ask->subject = psprintf("t.%s", quote_identifier(NameStr(protection.number_column)[0] != '\0' ?
														NameStr(protection.number_column) :
														NameStr(protection.subject_column)));
	ask->occurred_at = psprintf("t.%s", quote_identifier(NameStr(protection.occurred_at)));
	if (with_event)
	{
		Oid			type;

		ask->event = column_of(ask, common + JP_EVENT_COLUMN, &type);
		ask->event = as_text(ask->event, type);
	}
	if (NameStr(protection.number_column)[0] == '\0')
		ask->rows_only = "the table has no number column";
	else if (!PG_ARGISNULL(common + JP_WHERE_EVENT) || !PG_ARGISNULL(common + JP_WHERE_PROPS) ||
			 !PG_ARGISNULL(common + JP_BREAKDOWN))
		ask->rows_only = "journeys have no columns to filter or to break down by";
	InitMaterializedSRF(fcinfo, type_is_rowtype(get_func_rettype(fcinfo->flinfo->fn_oid)) ?
						0 : MAT_SRF_USE_EXPECTED_DESC);
}

/* A column named by an argument, quoted, and its type. */
static char *
column_of(JpAsk *ask, int argument, Oid *type)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	const char *name;
	AttrNumber	number;

	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the name of a column must not be null")));
	name = NameStr(*PG_GETARG_NAME(argument));
	number = jp_column_get(ask->relid, name);
	*type = get_atttype(ask->relid, number);
	return psprintf("t.%s", quote_identifier(name));
}

/*
 * A column as text.  A cast that whoever owns the type has made would be run
 * within the answer, on rows that only the answer may see.
 */
static char *
as_text(const char *column, Oid type)
{
	Oid			function;

	if (type == TEXTOID)
		return pstrdup(column);
	if (find_coercion_pathway(TEXTOID, type, COERCION_EXPLICIT, &function) == COERCION_PATH_FUNC &&
		get_func_namespace(function) != PG_CATALOG_NAMESPACE)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column %s is of type %s, which has a cast to text of its own",
						column + strlen("t."), format_type_be(type)),
				 errhint("Answers do not call it. Name a column of another type.")));
	return psprintf("%s::pg_catalog.text", column);
}

/* A value as a parameter. */
static char *
parameter(JpAsk *ask, Oid type, Datum value, bool isnull)
{
	int			i = ask->parameters++;

	Assert(i < JP_ASK_PARAMETERS);
	ask->type[i] = type;
	ask->value[i] = value;
	ask->null[i] = isnull ? 'n' : ' ';
	return psprintf("$%d", i + 1);
}

/* An argument as a parameter. */
char *
jp_ask_argument(JpAsk *ask, int argument, Oid type)
{
	FunctionCallInfo fcinfo = ask->fcinfo;

	return parameter(ask, type, PG_GETARG_DATUM(argument), PG_ARGISNULL(argument));
}

/* A column, or a key of it, as text. */
char *
jp_ask_value(JpAsk *ask, int column, int key)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	char	   *name;
	Oid			type;

	if (PG_ARGISNULL(column))
	{
		if (!PG_ARGISNULL(key))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a key was given without the column that it is in")));
		return "NULL::pg_catalog.text";
	}
	name = column_of(ask, column, &type);
	if (PG_ARGISNULL(key))
		return as_text(name, type);
	if (type != JSONBOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type jsonb", NameStr(*PG_GETARG_NAME(column)))));
	return psprintf("(%s OPERATOR(pg_catalog.->>) %s)", name,
					jp_ask_argument(ask, key, TEXTOID));
}

/* What a row is broken down by. */
char *
jp_ask_breakdown(JpAsk *ask)
{
	return jp_ask_value(ask, ask->common + JP_BREAKDOWN,
						   ask->common + JP_BREAKDOWN_KEY);
}

/* Runs an aggregate. */
void
jp_ask_run(JpAsk *ask, const char *aggregate, const char *arguments,
		   const char *options)
{
	MemoryContext caller = CurrentMemoryContext;
	const char *why;
	char	   *sql = jp_ask_statement(ask, aggregate, arguments, options, &why);
	Datum		array;
	bool		isnull;

	SPI_connect();
	jp_guard_answering();
	if (SPI_execute_with_args(sql, ask->parameters, ask->type,
							  ask->value, ask->null, true, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "an answer was not one row");
	array = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		keep_cells(ask, PointerGetDatum(PG_DETOAST_DATUM_COPY(array)));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
}

/* The statement to run. */
char *
jp_ask_statement(JpAsk *ask, const char *aggregate, const char *arguments,
				 const char *options, const char **why)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	int			during = ask->common + JP_DURING;
	StringInfoData sql;
	int64		begin;
	int64		end;

	jp_answer_during(&ask->floor, PG_ARGISNULL(during) ? NULL : PG_GETARG_RANGE_P(during),
					 &begin, &end);
	initStringInfo(&sql);
	*why = ask->rows_only;
	if (*why == NULL)
		ask->store = jp_store_covering(ask->relid, ask->event == NULL ? NULL :
									   NameStr(*PG_GETARG_NAME(ask->common + JP_EVENT_COLUMN)),
									   begin, end, why);
	if (OidIsValid(ask->store))
	{
		*why = NULL;
		appendStringInfo(&sql, "SELECT journey_privacy.%s(t.journey_subject, t.events, %s, %s, %s) FROM ONLY %s t WHERE true",
						 aggregate, bound(ask, begin, JP_UNBOUNDED_BEGIN),
						 bound(ask, end, JP_UNBOUNDED_END), options,
						 jp_qualified_name_of(ask->store));
		if (end != JP_UNBOUNDED_END)
			appendStringInfo(&sql, " AND t.bucket OPERATOR(pg_catalog.<) %s", bound(ask, end, JP_UNBOUNDED_END));
		return sql.data;
	}
	appendStringInfo(&sql, "SELECT journey_privacy.%s(%s, %s%s, %s) FROM %s t WHERE true",
					 aggregate, ask->subject, ask->occurred_at, arguments, options,
					 jp_qualified_name_of(ask->relid));
	if (begin != JP_UNBOUNDED_BEGIN)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.>=) %s", ask->occurred_at,
						 bound(ask, begin, JP_UNBOUNDED_BEGIN));
	if (end != JP_UNBOUNDED_END)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.<) %s", ask->occurred_at,
						 bound(ask, end, JP_UNBOUNDED_END));
	add_conditions(ask, &sql);
	return sql.data;
}

/* A bound of time as a parameter, null when there is none. */
static char *
bound(JpAsk *ask, int64 time, int64 none)
{
	return parameter(ask, TIMESTAMPTZOID, TimestampTzGetDatum(time), time == none);
}

/* The rows asked about. */
static void
add_conditions(JpAsk *ask, StringInfo sql)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	int			common = ask->common;

	if (!PG_ARGISNULL(common + JP_WHERE_EVENT))
	{
		Oid			type;
		char	   *event = column_of(ask, common + JP_EVENT_COLUMN, &type);

		appendStringInfo(sql, " AND %s OPERATOR(pg_catalog.=) ANY (%s)", as_text(event, type),
						 jp_ask_argument(ask, common + JP_WHERE_EVENT, TEXTARRAYOID));
	}
	if (!PG_ARGISNULL(common + JP_WHERE_PROPS))
	{
		Oid			type;
		char	   *props = column_of(ask, common + JP_PROPS_COLUMN, &type);

		if (type != JSONBOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" is not of type jsonb",
							NameStr(*PG_GETARG_NAME(common + JP_PROPS_COLUMN)))));
		appendStringInfo(sql, " AND %s OPERATOR(pg_catalog.@>) %s", props,
						 jp_ask_argument(ask, common + JP_WHERE_PROPS, JSONBOID));
	}
}

/* Keeps what came back. */
static void
keep_cells(JpAsk *ask, Datum array)
{
	ArrayType  *cells = DatumGetArrayTypeP(array);

	deconstruct_array(cells, ARR_ELEMTYPE(cells), -1, false, TYPALIGN_DOUBLE,
					  &ask->cell, NULL, &ask->cells);
	ask->desc = lookup_rowtype_tupdesc_copy(ARR_ELEMTYPE(cells), -1);
}

/* A field of a cell. */
Datum
jp_ask_field(const JpAsk *ask, int cell, int field, bool *isnull)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(ask->cell[cell]);
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	return heap_getattr(&tuple, field, ask->desc, isnull);
}

/* A field that is a count. */
int64
jp_ask_count(const JpAsk *ask, int cell, int field)
{
	bool		isnull;

	return DatumGetInt64(jp_ask_field(ask, cell, field, &isnull));
}

/* Two cells by a field. */
int
jp_ask_compare(const JpAsk *ask, int a, int b, int field)
{
	bool		isnull[2];
	Datum		left = jp_ask_field(ask, a, field, &isnull[0]);
	Datum		right = jp_ask_field(ask, b, field, &isnull[1]);

	if (isnull[0] || isnull[1])
		return (int) isnull[0] - (int) isnull[1];
	return strcmp(TextDatumGetCString(left), TextDatumGetCString(right));
}

/* What cells are ordered by. */
typedef struct Ordering
{
	const JpAsk *ask;
	int			field;
	int			then;
} Ordering;

static int
compare_cells(const void *a, const void *b, void *arg)
{
	const Ordering *by = arg;
	int			order = jp_ask_compare(by->ask, *(const int *) a, *(const int *) b, by->field);

	return order != 0 || by->then == 0 ? order :
		jp_ask_compare(by->ask, *(const int *) a, *(const int *) b, by->then);
}

/* The cells in order. */
int *
jp_ask_order(const JpAsk *ask, int field, int then)
{
	Ordering	by = {ask, field, then};
	int		   *cell = palloc((ask->cells + 1) * sizeof(int));
	int			i;

	for (i = 0; i < ask->cells; i++)
		cell[i] = i;
	qsort_arg(cell, ask->cells, sizeof(int), compare_cells, &by);
	return cell;
}

/* A duration. */
Datum
jp_ask_told_time(const JpAsk *ask, Datum time, int64 told, int64 behind, bool *isnull)
{
	int64		duration = jp_floor_duration(&ask->floor, told, behind,
											 DatumGetIntervalP(time)->time);

	*isnull = duration == JP_HIDDEN;
	return jp_interval_datum(duration);
}

/* A table for the floor. */
void
jp_ask_table(JpFloorTable *table, JpCells how, uint32 groups, int cells)
{
	memset(table, 0, sizeof(JpFloorTable));
	table->how = how;
	table->groups = groups;
	table->cells = cells;
	table->total = -1;
	table->subjects = palloc0(sizeof(int64) * groups * cells);
	table->order = palloc(sizeof(uint32) * groups);
	table->other = palloc(sizeof(int64) * cells);
	table->room = palloc(jp_floor_room(groups, cells));
}

/* A row of the result. */
void
jp_ask_row(JpAsk *ask, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) ask->fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* A count that may be told, or not. */
Datum
jp_told(int64 count, bool *isnull)
{
	*isnull = count == JP_HIDDEN;
	return Int64GetDatum(count);
}

/* One count as a part of another. */
Datum
jp_told_part(int64 part, int64 whole, bool *isnull)
{
	*isnull = part == JP_HIDDEN || whole == JP_HIDDEN || whole == 0;
	return Float8GetDatum(*isnull ? 0 : (double) part / (double) whole);
}

/* The name of what has been pooled. */
Datum
jp_other(void)
{
	return CStringGetTextDatum("(other)");
}
