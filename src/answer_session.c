/*
 * answer_session.c
 *		Aggregate session_counts: sessions of many subjects.
 */
#include "postgres.h"

#include "common/int.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "answer_count.h"
#include "answer_durations.h"
#include "answer_tally.h"
#include "session_core.h"

/* Counters of a group. */
enum
{
	SUBJECTS, SESSIONS, EVENTS, BOUNCES, DURATION, DURATION_HIGH, COUNTERS
};

/* While subjects are counted. */
typedef struct Counting
{
	JpWalk		walk;
	uint64		gap;
	JpCounts   *counts;			/* by group */
	JpDurations *durations;
} Counting;

static void *read_gap(JpTally *tally, const NullableDatum *options);
static void count_subject(void *arg, const JpRecord *records, uint32 count);
static int64 span_of(int64 begin, int64 end);
static int64 mean_of(const JpCount *cell);
static void count_session(Counting *counting, uint32 group, uint32 events, int64 duration);
static Datum cells_of(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting);

/* subject, occurred_at, breakdown, gap */
static const JpTallyKind kind = {
	.group = 3,.options = 4,.option_count = 1,.read = read_gap
};

/* subject, events, from, until, gap */
static const JpTallyKind journeys = {
	.options = 5,.option_count = 1,.read = read_gap
};

JP_TALLY_FUNCTIONS(session_counts, kind)
JP_TALLY_JOURNEY_FUNCTIONS(session_counts, journeys)

Datum
jp_session_counts_final(PG_FUNCTION_ARGS)
{
	JpTally    *tally = jp_tally_final(fcinfo);
	Counting	counting = {0};
	uint32	   *rank;

	if (tally == NULL)
		PG_RETURN_NULL();
	counting.walk.mark = jp_tally_ranks(tally, &rank);
	counting.gap = *(uint64 *) tally->asked;
	counting.counts = jp_counts_create(CurrentMemoryContext, COUNTERS);
	counting.durations = jp_durations_create(CurrentMemoryContext);
	jp_records_take(tally->records, rank, count_subject, &counting);
	return cells_of(fcinfo, tally, &counting);
}

/* Reads what is asked: a gap. */
static void *
read_gap(JpTally *tally, const NullableDatum *options)
{
	uint64	   *gap = palloc(sizeof(uint64));

	if (options[0].isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("gap must not be null")));
	*gap = jp_microseconds(DatumGetIntervalP(options[0].value), "gap");
	return gap;
}

/* Counts the sessions of one subject, each in the group of its first event. */
static void
count_subject(void *arg, const JpRecord *records, uint32 count)
{
	Counting   *counting = arg;
	uint32		begin,
				end;

	jp_walk_subject(&counting->walk, records, count);
	for (begin = 0; begin < count; begin = end)
	{
		end = jp_session_end(counting->walk.moment, count, begin, counting->gap);
		count_session(counting, counting->walk.mark[records[begin].mark].group,
					  end - begin, span_of(records[begin].at, records[end - 1].at));
	}
}

/* From one time to a later one, as far as microseconds go. */
static int64
span_of(int64 begin, int64 end)
{
	int64		span;

	return pg_sub_s64_overflow(end, begin, &span) ? PG_INT64_MAX : span;
}

/* How long a session of a group is on average. */
static int64
mean_of(const JpCount *cell)
{
	uint128		sum = (uint128) cell->count[DURATION_HIGH] << 64 | cell->count[DURATION];

	return (int64) (sum / cell->count[SESSIONS]);
}

/* Counts one session. */
static void
count_session(Counting *counting, uint32 group, uint32 events, int64 duration)
{
	JpCount    *cell = jp_counts_find(counting->counts, group, 0);

	if (cell->seen != counting->walk.subject)
		cell->count[SUBJECTS]++;
	cell->seen = counting->walk.subject;
	cell->count[SESSIONS]++;
	cell->count[EVENTS] += events;
	cell->count[BOUNCES] += events == 1;
	cell->count[DURATION] += duration;
	cell->count[DURATION_HIGH] += cell->count[DURATION] < (uint64) duration;
	jp_durations_add(counting->durations, cell->number, duration);
}

/* breakdown, subjects, sessions, events, bounces, mean, median and p90 duration */
static Datum
cells_of(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting)
{
	JpCellArray		cells;
	JpCount    *cell;
	JpCountsScan scan;

	jp_cells_begin(&cells, fcinfo);
	jp_counts_scan(counting->counts, &scan);
	while ((cell = jp_counts_next(counting->counts, &scan)) != NULL)
	{
		text	   *group = jp_tally_name(tally, cell->first);
		Datum		values[8] = {PointerGetDatum(group),
			Int64GetDatum(cell->count[SUBJECTS]),
			Int64GetDatum(cell->count[SESSIONS]),
			Int64GetDatum(cell->count[EVENTS]),
			Int64GetDatum(cell->count[BOUNCES]),
			jp_interval_datum(mean_of(cell)),
			jp_interval_datum(jp_durations_percentile(counting->durations, cell->number, 0.5)),
		jp_interval_datum(jp_durations_percentile(counting->durations, cell->number, 0.9))};
		bool		nulls[8] = {group == NULL};

		jp_cells_add(&cells, values, nulls);
	}
	return jp_cells_end(&cells);
}
