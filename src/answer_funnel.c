/*
 * answer_funnel.c
 *		Aggregates funnel_counts: how far many subjects come.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "answer_count.h"
#include "answer_durations.h"
#include "answer_tally.h"
#include "journey_question.h"

/* While subjects are counted. */
typedef struct Counting
{
	const JpQuestion *asked;
	const JpMark *mark;			/* by rank */
	JpStepEvent *means;			/* by rank, without a time */
	JpStepEvent *event;			/* of one subject */
	uint32		room;
	JpCounts   *counts;			/* by group */
	JpDurations *durations;		/* by place and step; NULL: not asked for */
} Counting;

static void *read_funnel(JpTally *tally, const NullableDatum *options);
static void *read_plain_funnel(JpTally *tally, const NullableDatum *options);
static void *know_names(JpTally *tally, JpQuestion *asked);
static void count_subjects(Counting *counting, JpTally *tally, bool timed);
static void make_meanings(Counting *counting, const JpTally *tally, uint32 marks);
static void count_subject(void *arg, const JpRecord *records, uint32 count);
static void count_steps(Counting *counting, uint32 group, int depth, int64 *times);
static void put_in_order(int64 *times, int count);
static Datum cells_of(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting);
static Datum told_percentile(Counting *counting, uint32 cell, double part, bool *isnull);

/* subject, occurred_at, event, steps, within */
static const JpTallyKind plain = {
	.event = 3,.options = 4,.option_count = 2,.read = read_plain_funnel
};

/* subject, occurred_at, event, breakdown, property, steps, within, options, constant */
static const JpTallyKind kind = {
	.event = 3,.group = 4,.property = 5,.options = 6,.option_count = 4,.read = read_funnel
};

/* subject, events, from, until, steps, within, options, constant */
static const JpTallyKind journeys = {
	.event = 2,.options = 5,.option_count = 4,.read = read_funnel
};

JP_TALLY_FUNCTIONS(funnel_levels, plain)

Datum
jp_funnel_levels_final(PG_FUNCTION_ARGS)
{
	JpTally    *tally = jp_tally_final(fcinfo);
	Counting	counting = {0};
	Datum		level[JP_STEPS_MAX];
	uint64	   *count;
	int			i;

	if (tally == NULL)
		PG_RETURN_NULL();
	count_subjects(&counting, tally, false);
	count = jp_counts_of(counting.counts, 0, 0);
	for (i = 0; i < counting.asked->steps.count; i++)
		level[i] = Int64GetDatum(count[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(level, counting.asked->steps.count, INT8OID,
										  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

JP_TALLY_FUNCTIONS(funnel_counts, kind)
JP_TALLY_JOURNEY_FUNCTIONS(funnel_counts, journeys)

Datum
jp_funnel_counts_final(PG_FUNCTION_ARGS)
{
	JpTally    *tally = jp_tally_final(fcinfo);
	Counting	counting = {0};

	if (tally == NULL)
		PG_RETURN_NULL();
	count_subjects(&counting, tally, true);
	return cells_of(fcinfo, tally, &counting);
}

/* Reads what is asked: steps, within. */
static void *
read_plain_funnel(JpTally *tally, const NullableDatum *options)
{
	NullableDatum all[4] = {options[0], options[1], {0, true}, {BoolGetDatum(false), false}};

	return read_funnel(tally, all);
}

/* Reads what is asked: steps, within, options, constant. */
static void *
read_funnel(JpTally *tally, const NullableDatum *options)
{
	if (options[0].isnull || options[3].isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("steps and constant must not be null")));
	return know_names(tally, jp_question_read(DatumGetArrayTypeP(options[0].value),
											  options[1].isnull ? NULL :
											  DatumGetIntervalP(options[1].value),
											  options[2].isnull ? NULL :
											  DatumGetJsonbP(options[2].value),
											  DatumGetBool(options[3].value)));
}

/* Gives the names that mean something the first codes; others matter in strict order only. */
static void *
know_names(JpTally *tally, JpQuestion *asked)
{
	uint32		i;

	for (i = 0; i < asked->meanings; i++)
		(void) jp_name_code(tally->names, (const char *) asked + asked->meaning[i].offset,
							asked->meaning[i].len);
	if (asked->steps.order != JP_STRICT)
		tally->known = asked->meanings;
	return asked;
}

/* Counts all subjects. */
static void
count_subjects(Counting *counting, JpTally *tally, bool timed)
{
	uint32	   *rank;

	counting->asked = tally->asked;
	counting->mark = jp_tally_ranks(tally, &rank);
	make_meanings(counting, tally, tally->mark_of == NULL ?
				  jp_names_count(tally->names) + 1 : tally->marks);
	counting->counts = jp_counts_create(CurrentMemoryContext, counting->asked->steps.count);
	if (timed)
		counting->durations = jp_durations_create(CurrentMemoryContext);
	jp_records_take(tally->records, rank, count_subject, counting);
}

/* What each mark means to the steps. */
static void
make_meanings(Counting *counting, const JpTally *tally, uint32 marks)
{
	uint32		i;

	counting->means = MemoryContextAllocHuge(CurrentMemoryContext, (marks + 1) * sizeof(JpStepEvent));
	memset(counting->means, 0, (marks + 1) * sizeof(JpStepEvent));
	for (i = 0; i < marks; i++)
	{
		uint32		event = counting->mark[i].event;

		if (event >= 1 && event <= counting->asked->meanings)
		{
			counting->means[i].steps = counting->asked->meaning[event - 1].steps;
			counting->means[i].excluded = counting->asked->meaning[event - 1].excluded;
		}
		counting->means[i].property = counting->mark[i].property;
		counting->means[i].mark = i;
	}
}

/* Counts one subject, in the group of the event that its chain begins with. */
static void
count_subject(void *arg, const JpRecord *records, uint32 count)
{
	Counting   *counting = arg;
	int64		times[JP_STEPS_MAX];
	uint32		mark = 0;
	uint32		i;
	int			depth;

	if (count > counting->room)
	{
		counting->room = Max(count, 2 * counting->room);
		if (counting->event != NULL)
			pfree(counting->event);
		counting->event = MemoryContextAllocHuge(CurrentMemoryContext, counting->room * sizeof(JpStepEvent));
	}
	for (i = 0; i < count; i++)
	{
		counting->event[i] = counting->means[records[i].mark];
		counting->event[i].at = records[i].at;
	}
	depth = jp_steps_depth(&counting->asked->steps, counting->event, count, times, &mark);
	if (depth > 0)
		count_steps(counting, counting->mark[mark].group, depth, times);
}

/* Counts the steps that were made, and how long after the one before. */
static void
count_steps(Counting *counting, uint32 group, int depth, int64 *times)
{
	int			steps = counting->asked->steps.count;
	JpCount    *place = jp_counts_find(counting->counts, group, 0);
	int64		before = JP_NO_TIME;
	int			i;

	if (counting->asked->steps.order == JP_ANY)
		put_in_order(times, steps);
	for (i = 0; i < depth; i++)
	{
		if (times[i] == JP_NO_TIME)
			continue;
		place->count[i]++;
		if (counting->durations != NULL && before != JP_NO_TIME)
			jp_durations_add(counting->durations, place->number * steps + i, times[i] - before);
		before = times[i];
	}
}

/* Orders times, those that are none last. */
static void
put_in_order(int64 *times, int count)
{
	int			i;

	for (i = 1; i < count; i++)
	{
		int64		time = times[i];
		int			j;

		for (j = i; j > 0 && times[j - 1] > time; j--)
			times[j] = times[j - 1];
		times[j] = time;
	}
}

/* breakdown, step, subjects, and percentiles of the time since the step before */
static Datum
cells_of(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting)
{
	int			steps = counting->asked->steps.count;
	JpCellArray cells;
	JpCount    *place;
	JpCountsScan scan;

	jp_cells_begin(&cells, fcinfo);
	jp_counts_scan(counting->counts, &scan);
	while ((place = jp_counts_next(counting->counts, &scan)) != NULL)
	{
		int			i;

		for (i = 0; i < steps; i++)
		{
			text	   *group = jp_tally_name(tally, place->first);
			uint32		cell = place->number * steps + i;
			bool		nulls[7] = {group == NULL};
			Datum		values[7] = {PointerGetDatum(group), Int32GetDatum(i + 1),
				Int64GetDatum(place->count[i]),
				told_percentile(counting, cell, 0.25, &nulls[3]),
				told_percentile(counting, cell, 0.5, &nulls[4]),
				told_percentile(counting, cell, 0.75, &nulls[5]),
			told_percentile(counting, cell, 0.9, &nulls[6])};

			jp_cells_add(&cells, values, nulls);
		}
	}
	return jp_cells_end(&cells);
}

/* A percentile of the times of a cell, null when there are none. */
static Datum
told_percentile(Counting *counting, uint32 cell, double part, bool *isnull)
{
	*isnull = jp_durations_count(counting->durations, cell) == 0;
	return *isnull ? (Datum) 0 :
		jp_interval_datum(jp_durations_percentile(counting->durations, cell, part));
}
