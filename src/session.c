/*
 * session.c
 *		Window function sessionize and aggregate sessions.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/int.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/timestamp.h"
#include "windowapi.h"

#include "journey_gathered.h"
#include "session_answer.h"
#include "session_core.h"
#include "session_options.h"

/* What is asked of an aggregate. */
typedef struct Gap
{
	JpSettings	head;
	uint64		length;
} Gap;

/* Where sessionize is in its partition. */
typedef struct Place
{
	int32		session;		/* 0 before the first time */
	TimestampTz at;				/* of the last row that has one */
} Place;

/* Columns of journey_privacy.session_summary, counts and times. */
typedef struct Summary
{
	int32		sessions;
	int32		bounces;
	int64		total;
	int64		longest;
} Summary;

PG_FUNCTION_INFO_V1(jp_sessionize);
PG_FUNCTION_INFO_V1(jp_sessions_step);
PG_FUNCTION_INFO_V1(jp_sessions_final);

static JpSettings *read_gap(FunctionCallInfo fcinfo);
static uint64 gap_of(Datum gap, bool null);
static Summary summarize(const JpMoment *moments, uint32 count, uint64 gap);
static Datum interval_of(int64 microseconds);

/* The number of the current row's session: occurred_at, session_gap. */
Datum
jp_sessionize(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	Place	   *place = (Place *) WinGetPartitionLocalMemory(window, sizeof(Place));
	bool		no_time,
				no_gap;
	Datum		time = WinGetFuncArgCurrent(window, 0, &no_time);
	Datum		given = WinGetFuncArgCurrent(window, 1, &no_gap);
	uint64		gap = gap_of(given, no_gap);
	TimestampTz at = DatumGetTimestampTz(time);

	WinSetMarkPosition(window, WinGetCurrentPosition(window));
	if (no_time)
		PG_RETURN_NULL();
	if (place->session > 0 && at < place->at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows are not in ascending order of time"),
				 errhint("Order the window by the time that sessionize is given.")));
	if ((place->session == 0 || (uint64) at - (uint64) place->at > gap) &&
		pg_add_s32_overflow(place->session, 1, &place->session))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a journey has more than %d sessions", PG_INT32_MAX)));
	place->at = at;
	PG_RETURN_INT32(place->session);
}

/* A row: internal, occurred_at, session_gap. */
Datum
jp_sessions_step(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_of(fcinfo, jp_call_of(fcinfo, 2, 2, read_gap));

	if (!PG_ARGISNULL(1))
		jp_gather(group, PG_GETARG_TIMESTAMPTZ(1), 0);
	PG_RETURN_POINTER(group);
}

Datum
jp_sessions_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);

	if (group == NULL)
		return jp_sessions_row(fcinfo, NULL, 0, 0);
	return jp_sessions_row(fcinfo, group->moments, group->count,
						   ((const Gap *) group->settings)->length);
}

Datum
jp_sessions_row(FunctionCallInfo fcinfo, const JpMoment *moments, uint32 count, uint64 gap)
{
	Summary		summary = summarize(moments, count, gap);
	TupleDesc	row;
	Datum		values[7];
	bool		nulls[7] = {false};

	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "sessions gives no row");
	values[0] = Int32GetDatum(summary.sessions);
	values[1] = Int32GetDatum(count);
	values[2] = Int32GetDatum(summary.bounces);
	values[3] = interval_of(summary.total);
	values[4] = interval_of(summary.longest);
	nulls[5] = nulls[6] = count == 0;
	values[5] = count == 0 ? 0 : TimestampTzGetDatum(moments[0].at);
	values[6] = count == 0 ? 0 : TimestampTzGetDatum(moments[count - 1].at);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row, values, nulls)));
}

static JpSettings *
read_gap(FunctionCallInfo fcinfo)
{
	Gap		   *gap = (Gap *) jp_settings_create(sizeof(Gap), 0);

	gap->length = jp_span(fcinfo, 2, "session_gap");
	return &gap->head;
}

static uint64
gap_of(Datum gap, bool null)
{
	if (null)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("session_gap must not be null")));
	return jp_microseconds(DatumGetIntervalP(gap), "session_gap");
}

static Summary
summarize(const JpMoment *moments, uint32 count, uint64 gap)
{
	Summary		summary = {0, 0, 0, 0};
	size_t		first,
				end;

	for (first = 0; first < count; first = end)
	{
		int64		duration;

		end = jp_session_end(moments, count, first, gap);
		if (pg_sub_s64_overflow(moments[end - 1].at, moments[first].at, &duration) ||
			pg_add_s64_overflow(summary.total, duration, &summary.total))
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("interval out of range")));
		summary.sessions++;
		summary.bounces += end - first == 1;
		summary.longest = Max(summary.longest, duration);
	}
	return summary;
}

static Datum
interval_of(int64 microseconds)
{
	Interval   *span = (Interval *) palloc0(sizeof(Interval));

	span->time = microseconds;
	return IntervalPGetDatum(span);
}
