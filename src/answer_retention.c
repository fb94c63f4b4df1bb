/*
 * answer_retention.c
 *		Aggregate retention_counts: who comes back how long after.
 *
 * Whoever did the first event belongs to the cohort of the day, week or month
 * in which that was, and is counted in the later ones with a return.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "answer_count.h"
#include "answer_tally.h"

/* Of the calendar, and after the first one of a cohort. */
#define BUCKETS_MAX		100000
#define PERIODS_MAX		1000

/* What is asked. */
typedef struct Retention
{
	uint32		start;			/* code of an event; 0: any */
	uint32		back;
	int			periods;
	bool		or_after;
	text	   *unit;
	Interval	step;
	text	   *zone;
} Retention;

/* While subjects are counted. */
typedef struct Counting
{
	const Retention *asked;
	const JpMark *mark;
	int64	   *begin;			/* of each bucket of the calendar, and of one more */
	int			buckets;
	int			bucket;			/* where the last time was found */
	JpCounts   *counts;			/* by group and bucket */
} Counting;

static void *read_retention(JpTally *tally, const NullableDatum *options);
static void read_zone(Retention *asked, text *zone);
static void read_period(Retention *asked, text *unit);
static void make_calendar(Counting *counting, const JpRecords *records);
static int64 begin_of_bucket(const Retention *asked, Timestamp first, int number);
static int	bucket_of(Counting *counting, int64 at);
static void count_subject(void *arg, const JpRecord *records, uint32 count);
static void count_returns(Counting *counting, uint64 *cell, int cohort,
						  const JpRecord *records, uint32 count);
static Datum cells_of(FunctionCallInfo fcinfo, const JpTally *tally, const Counting *counting);

/* subject, occurred_at, event, breakdown, start, return, period, periods, mode, time_zone */
static const JpTallyKind kind = {
	.event = 3,.group = 4,.options = 5,.option_count = 6,.read = read_retention
};

static const struct
{
	const char *unit;
	Interval	step;
}			units[] = {
	{"day", {0, 1, 0}},
	{"week", {0, 7, 0}},
	{"month", {0, 0, 1}},
};

/* subject, events, from, until, start, return, period, periods, mode, time_zone */
static const JpTallyKind journeys = {
	.event = 2,.options = 5,.option_count = 6,.read = read_retention
};

JP_TALLY_FUNCTIONS(retention_counts, kind)
JP_TALLY_JOURNEY_FUNCTIONS(retention_counts, journeys)

Datum
jp_retention_counts_final(PG_FUNCTION_ARGS)
{
	JpTally    *tally = jp_tally_final(fcinfo);
	Counting	counting = {0};
	uint32	   *rank;

	if (tally == NULL || tally->records->count == 0)
		PG_RETURN_NULL();
	counting.asked = tally->asked;
	counting.mark = jp_tally_ranks(tally, &rank);
	make_calendar(&counting, tally->records);
	counting.counts = jp_counts_create(CurrentMemoryContext, counting.asked->periods + 1);
	jp_records_take(tally->records, rank, count_subject, &counting);
	return cells_of(fcinfo, tally, &counting);
}

/* Reads what is asked. */
static void *
read_retention(JpTally *tally, const NullableDatum *options)
{
	Retention  *asked = palloc0(sizeof(Retention));
	char	   *mode;

	if (options[2].isnull || options[3].isnull || options[4].isnull || options[5].isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("period, periods, mode and time_zone must not be null")));
	asked->start = jp_tally_option_code(tally, &options[0]);
	asked->back = jp_tally_option_code(tally, &options[1]);
	if (asked->start != 0 && asked->back != 0)
		tally->known = jp_names_count(tally->names);
	read_period(asked, DatumGetTextPP(options[2].value));
	asked->periods = DatumGetInt32(options[3].value);
	if (asked->periods < 1 || asked->periods > PERIODS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("periods must be from 1 to %d", PERIODS_MAX)));
	mode = text_to_cstring(DatumGetTextPP(options[4].value));
	asked->or_after = strcmp(mode, "on_or_after") == 0;
	if (!asked->or_after && strcmp(mode, "on") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown mode of retention"),
				 errhint("Modes are on and on_or_after.")));
	read_zone(asked, DatumGetTextPCopy(options[5].value));
	return asked;
}

/*
 * Reads the time zone.  An offset of one's own, as POSIX writes them, could
 * move the bounds of periods by minutes and so single somebody out.
 */
static void
read_zone(Retention *asked, text *zone)
{
	const char *name = text_to_cstring(zone);

	if (strpbrk(name, ":<,.") != NULL || strspn(name + strcspn(name, "0123456789"), "0123456789") > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time_zone must be the name of a time zone"),
				 errhint("See the view pg_timezone_names.")));
	asked->zone = zone;
}

/* Reads the unit of the calendar. */
static void
read_period(Retention *asked, text *unit)
{
	char	   *name = text_to_cstring(unit);
	int			i;

	for (i = 0; i < lengthof(units); i++)
		if (strcmp(units[i].unit, name) == 0)
		{
			asked->unit = cstring_to_text(name);
			asked->step = units[i].step;
			return;
		}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown period of retention"),
			 errhint("Periods are day, week and month; weeks start on Monday.")));
}

/* Finds where the days, weeks or months begin over which the records spread. */
static void
make_calendar(Counting *counting, const JpRecords *records)
{
	const Retention *asked = counting->asked;
	Datum		local = DirectFunctionCall2(timestamptz_zone, PointerGetDatum(asked->zone),
											TimestampTzGetDatum(records->first_at));
	Timestamp	first = DatumGetTimestamp(DirectFunctionCall2(timestamp_trunc,
															 PointerGetDatum(asked->unit), local));
	int			room = 64;

	counting->begin = palloc(room * sizeof(int64));
	for (;;)
	{
		if (counting->buckets + 1 >= room)
			counting->begin = repalloc(counting->begin, (room *= 2) * sizeof(int64));
		counting->begin[counting->buckets] = begin_of_bucket(asked, first, counting->buckets);
		if (counting->buckets > 0 && counting->begin[counting->buckets] > records->last_at)
			return;
		if (++counting->buckets > BUCKETS_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the events spread over more than %d periods", BUCKETS_MAX),
					 errhint("Bound the time.")));
		CHECK_FOR_INTERRUPTS();
	}
}

/* When a bucket begins. */
static int64
begin_of_bucket(const Retention *asked, Timestamp first, int number)
{
	Interval	span = {0, asked->step.day * number, asked->step.month * number};
	Datum		local = DirectFunctionCall2(timestamp_pl_interval, TimestampGetDatum(first),
											IntervalPGetDatum(&span));

	return DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone,
												   PointerGetDatum(asked->zone), local));
}

/* The bucket of a time; times mostly come close to the one before. */
static int
bucket_of(Counting *counting, int64 at)
{
	int			low = 0,
				high = counting->buckets - 1;

	if (counting->begin[counting->bucket] <= at && at < counting->begin[counting->bucket + 1])
		return counting->bucket;
	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (counting->begin[middle] <= at)
			low = middle;
		else
			high = middle - 1;
	}
	counting->bucket = low;
	return low;
}

/* Counts one subject. */
static void
count_subject(void *arg, const JpRecord *records, uint32 count)
{
	Counting   *counting = arg;
	uint32		start = counting->asked->start;
	uint32		i;
	int			cohort;
	uint64	   *cell;

	for (i = 0; i < count; i++)
		if (start == 0 || counting->mark[records[i].mark].event == start)
			break;
	if (i == count)
		return;
	cohort = bucket_of(counting, records[i].at);
	cell = jp_counts_of(counting->counts, counting->mark[records[i].mark].group, cohort);
	cell[0]++;
	count_returns(counting, cell, cohort, records + i + 1, count - i - 1);
}

/* Counts the periods of a subject's returns. */
static void
count_returns(Counting *counting, uint64 *cell, int cohort,
			  const JpRecord *records, uint32 count)
{
	const Retention *asked = counting->asked;
	int			counted = 0;
	uint32		i;

	for (i = 0; i < count && counted < asked->periods; i++)
	{
		int			period;

		if (asked->back != 0 && counting->mark[records[i].mark].event != asked->back)
			continue;
		period = bucket_of(counting, records[i].at) - cohort;
		if (period <= counted)
			continue;
		if (asked->or_after)
			while (counted < Min(period, asked->periods))
				cell[++counted]++;
		else if (period <= asked->periods)
			cell[period]++;
		counted = period;
	}
}

/* The cells, of periods that have begun by the last event. */
static Datum
cells_of(FunctionCallInfo fcinfo, const JpTally *tally, const Counting *counting)
{
	JpCellArray		cells;
	JpCount    *count;
	JpCountsScan scan;

	jp_cells_begin(&cells, fcinfo);
	jp_counts_scan(counting->counts, &scan);
	while ((count = jp_counts_next(counting->counts, &scan)) != NULL)
	{
		int			i;

		for (i = 0; i <= counting->asked->periods && (int) count->second + i < counting->buckets; i++)
		{
			text	   *group = jp_tally_name(tally, count->first);
			Datum		values[4] = {PointerGetDatum(group),
				TimestampTzGetDatum(counting->begin[count->second]),
			Int32GetDatum(i), Int64GetDatum(count->count[i])};
			bool		nulls[4] = {group == NULL, false, false, false};

			jp_cells_add(&cells, values, nulls);
		}
	}
	return jp_cells_end(&cells);
}
