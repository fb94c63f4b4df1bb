/*
 * store_ops.c
 *		What can be asked of journeys, and made of them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "store_internal.h"

/* Two journeys in the codes of one JpNames. */
typedef struct Pair
{
	JpNames    *names;
	JpMoment   *moments[2];
	uint32		count[2];
} Pair;

/* What unnest() remembers between rows. */
typedef struct Unnesting
{
	JpNames    *names;
	JpMoment   *moments;
	TupleDesc	desc;
} Unnesting;

PG_FUNCTION_INFO_V1(jp_journey_eq);
PG_FUNCTION_INFO_V1(jp_journey_ne);
PG_FUNCTION_INFO_V1(jp_journey_concat);
PG_FUNCTION_INFO_V1(jp_journey_events);
PG_FUNCTION_INFO_V1(jp_journey_first_at);
PG_FUNCTION_INFO_V1(jp_journey_last_at);
PG_FUNCTION_INFO_V1(jp_journey_span);
PG_FUNCTION_INFO_V1(jp_journey_between);
PG_FUNCTION_INFO_V1(jp_journey_unnest);

static void open_pair(FunctionCallInfo fcinfo, Pair *pair);
static bool same_journeys(FunctionCallInfo fcinfo);
static JpMoment *own_moments(Datum journey, JpNames **names, uint32 *count);
static Unnesting *begin_unnest(FunctionCallInfo fcinfo, FuncCallContext *call);

/* SQL: journey = journey: the same events. */
Datum
jp_journey_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same_journeys(fcinfo));
}

/* SQL: journey <> journey. */
Datum
jp_journey_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same_journeys(fcinfo));
}

/* SQL: journey || journey: the events of both. */
Datum
jp_journey_concat(PG_FUNCTION_ARGS)
{
	Pair		pair;
	uint64		count;
	JpMoment   *all;

	open_pair(fcinfo, &pair);
	count = (uint64) pair.count[0] + pair.count[1];
	jp_journey_check_count(count);
	all = (JpMoment *) palloc(Max(count, 1) * sizeof(JpMoment));
	memcpy(all, pair.moments[0], pair.count[0] * sizeof(JpMoment));
	memcpy(all + pair.count[0], pair.moments[1], pair.count[1] * sizeof(JpMoment));
	jp_moments_order(all, count, JP_CODES_LOW, pair.names);
	PG_RETURN_DATUM(jp_journey_make(all, (uint32) count, pair.names));
}

/* SQL: events(journey): how many. */
Datum
jp_journey_events(PG_FUNCTION_ARGS)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	JpJourneyReader reader;

	if (!jp_reader_begin(&reader, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)))
		jp_journey_damaged();
	PG_RETURN_INT32(reader.count);
}

/* SQL: first_at(journey), null when it is empty. */
Datum
jp_journey_first_at(PG_FUNCTION_ARGS)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	JpJourneyReader reader;
	JpMoment	first;

	if (!jp_reader_begin(&reader, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)) ||
		jp_reader_events(&reader, &first, 1) < 0)
		jp_journey_damaged();
	if (reader.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(first.at);
}

/* SQL: last_at(journey), null when it is empty. */
Datum
jp_journey_last_at(PG_FUNCTION_ARGS)
{
	JpNames    *names;
	uint32		count;
	JpMoment   *moments = own_moments(PG_GETARG_DATUM(0), &names, &count);

	if (count == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(moments[count - 1].at);
}

/* SQL: span(journey): from the first event to the last. */
Datum
jp_journey_span(PG_FUNCTION_ARGS)
{
	JpNames    *names;
	uint32		count;
	JpMoment   *moments = own_moments(PG_GETARG_DATUM(0), &names, &count);

	if (count == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(DirectFunctionCall2(timestamp_mi,
										TimestampTzGetDatum(moments[count - 1].at),
										TimestampTzGetDatum(moments[0].at)));
}

/* SQL: journey_between(journey, tstzrange): the events in a range of time. */
Datum
jp_journey_between(PG_FUNCTION_ARGS)
{
	JpNames    *names;
	uint32		count;
	JpMoment   *moments = own_moments(PG_GETARG_DATUM(0), &names, &count);
	TimestampTz from;
	TimestampTz until;
	uint32		first = 0;
	uint32		last;

	if (!jp_range_bounds(fcinfo, PG_GETARG_RANGE_P(1), &from, &until))
		count = 0;
	while (first < count && moments[first].at < from)
		first++;
	for (last = first; last < count && moments[last].at < until; last++)
		;
	PG_RETURN_DATUM(jp_journey_make(moments + first, last - first, names));
}

/* SQL: unnest(journey). */
Datum
jp_journey_unnest(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	Unnesting  *unnesting;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	const JpMoment *moment;

	if (SRF_IS_FIRSTCALL())
	{
		call = SRF_FIRSTCALL_INIT();
		call->user_fctx = begin_unnest(fcinfo, call);
	}
	call = SRF_PERCALL_SETUP();
	unnesting = (Unnesting *) call->user_fctx;
	if (call->call_cntr >= call->max_calls)
		SRF_RETURN_DONE(call);
	moment = &unnesting->moments[call->call_cntr];
	values[0] = TimestampTzGetDatum(moment->at);
	values[1] = PointerGetDatum(jp_name_text(unnesting->names, jp_low(moment->steps)));
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(unnesting->desc, values, nulls)));
}

static Unnesting *
begin_unnest(FunctionCallInfo fcinfo, FuncCallContext *call)
{
	MemoryContext before = MemoryContextSwitchTo(call->multi_call_memory_ctx);
	Unnesting  *unnesting = (Unnesting *) palloc(sizeof(Unnesting));
	uint32		count;

	if (get_call_result_type(fcinfo, NULL, &unnesting->desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	BlessTupleDesc(unnesting->desc);
	unnesting->moments = own_moments(PG_GETARG_DATUM(0), &unnesting->names, &count);
	call->max_calls = count;
	MemoryContextSwitchTo(before);
	return unnesting;
}

static void
open_pair(FunctionCallInfo fcinfo, Pair *pair)
{
	JpJourneyNames *codes;
	int			i;

	pair->names = jp_names_create(CurrentMemoryContext);
	codes = jp_journey_names_of(CurrentMemoryContext, pair->names);
	for (i = 0; i < 2; i++)
		pair->moments[i] = jp_journey_moments(codes, PG_GETARG_DATUM(i), &pair->count[i]);
}

/* Whether two journeys have the same events, however they are stored. */
static bool
same_journeys(FunctionCallInfo fcinfo)
{
	Pair		pair;

	open_pair(fcinfo, &pair);
	return pair.count[0] == pair.count[1] &&
		memcmp(pair.moments[0], pair.moments[1], pair.count[0] * sizeof(JpMoment)) == 0;
}

/* The moments of a journey in codes of their own. */
static JpMoment *
own_moments(Datum journey, JpNames **names, uint32 *count)
{
	*names = jp_names_create(CurrentMemoryContext);
	return jp_journey_moments(jp_journey_names_of(CurrentMemoryContext, *names), journey, count);
}

bool
jp_range_bounds(FunctionCallInfo fcinfo, RangeType *range, TimestampTz *from, TimestampTz *until)
{
	TypeCacheEntry *type = range_get_typcache(fcinfo, RangeTypeGetOid(range));
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(type, range, &lower, &upper, &empty);
	*from = DT_NOBEGIN;
	*until = DT_NOEND;
	if (empty)
		return false;
	if (!lower.infinite)
		*from = DatumGetTimestampTz(lower.val);
	if (!lower.infinite && !lower.inclusive && !TIMESTAMP_NOT_FINITE(*from))
		(*from)++;
	if (!upper.infinite)
		*until = DatumGetTimestampTz(upper.val);
	if (!upper.infinite && upper.inclusive && !TIMESTAMP_NOT_FINITE(*until))
		(*until)++;
	return true;
}
