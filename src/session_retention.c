/*
 * session_retention.c
 *		Aggregate retention: who came back, by conditions.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"

#include "journey_gathered.h"

/* The most conditions: the bits of seen. */
#define CONDITIONS_MAX	64

/* A group: how many conditions there are, and which have been seen. */
typedef struct Seen
{
	uint64		count;
	uint64		seen;
} Seen;

PG_FUNCTION_INFO_V1(jp_retention_step);
PG_FUNCTION_INFO_V1(jp_retention_combine);
PG_FUNCTION_INFO_V1(jp_retention_serial);
PG_FUNCTION_INFO_V1(jp_retention_deserial);
PG_FUNCTION_INFO_V1(jp_retention_final);

static Seen *seen_of(FunctionCallInfo fcinfo, int argument);
static Seen *add_seen(FunctionCallInfo fcinfo, Seen more);

/* A row: internal, conditions. */
Datum
jp_retention_step(PG_FUNCTION_ARGS)
{
	Seen		row;
	int			count;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("conditions must not be null")));
	row.seen = jp_conditions(PG_GETARG_ARRAYTYPE_P(1), "conditions", CONDITIONS_MAX, &count);
	row.count = count;
	PG_RETURN_POINTER(add_seen(fcinfo, row));
}

Datum
jp_retention_combine(PG_FUNCTION_ARGS)
{
	Seen	   *more = seen_of(fcinfo, 1);

	if (more != NULL)
		PG_RETURN_POINTER(add_seen(fcinfo, *more));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(seen_of(fcinfo, 0));
}

Datum
jp_retention_serial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = (bytea *) palloc(VARHDRSZ + sizeof(Seen));

	SET_VARSIZE(bytes, VARHDRSZ + sizeof(Seen));
	memcpy(VARDATA(bytes), seen_of(fcinfo, 0), sizeof(Seen));
	PG_RETURN_BYTEA_P(bytes);
}

Datum
jp_retention_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	Seen	   *seen = (Seen *) palloc(sizeof(Seen));

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	memcpy(seen, VARDATA_ANY(bytes), sizeof(Seen));
	PG_RETURN_POINTER(seen);
}

/* The first condition, and each other one together with it. */
Datum
jp_retention_final(PG_FUNCTION_ARGS)
{
	Seen	   *seen = seen_of(fcinfo, 0);
	Datum		values[CONDITIONS_MAX];
	int			i;

	if (seen == NULL)
		PG_RETURN_NULL();
	for (i = 0; i < (int) seen->count; i++)
		values[i] = BoolGetDatum((seen->seen & 1) && (seen->seen >> i & 1));
	PG_RETURN_ARRAYTYPE_P(construct_array(values, seen->count, BOOLOID, sizeof(bool), true, TYPALIGN_CHAR));
}

/* A group that is an argument, NULL when null. */
static Seen *
seen_of(FunctionCallInfo fcinfo, int argument)
{
	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return PG_ARGISNULL(argument) ? NULL : (Seen *) PG_GETARG_POINTER(argument);
}

/* The group of argument 0, begun when there is none, with more. */
static Seen *
add_seen(FunctionCallInfo fcinfo, Seen more)
{
	MemoryContext context;
	Seen	   *seen;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(0))
	{
		seen = (Seen *) MemoryContextAllocZero(context, sizeof(Seen));
		seen->count = more.count;
	}
	else
		seen = (Seen *) PG_GETARG_POINTER(0);
	if (seen->count != more.count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of conditions must be the same in all rows")));
	seen->seen |= more.seen;
	return seen;
}
