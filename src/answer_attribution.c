/*
 * answer_attribution.c
 *		Aggregate attribution_counts: what led many subjects to convert.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "answer_count.h"
#include "answer_tally.h"
#include "session_core.h"

/* Counters of a channel. */
enum
{
	SUBJECTS, CONVERSIONS, CREDIT, COUNTERS
};

/* Credit is counted in parts of so many, so that no order of adding matters. */
#define CREDIT_PARTS	4294967296.0

/* While subjects are counted. */
typedef struct Counting
{
	JpWalk		walk;
	const JpAttributionQuestion *asked;
	const JpRecord *records;	/* this subject's */
	JpCounts   *counts;			/* by channel and the conversion's group */
	uint32		conversion;		/* how many have given credit */
	uint32		conversions_before; /* this subject's */
	const JpMoment *last;		/* conversion that did */
} Counting;

static void *read_attribution(JpTally *tally, const NullableDatum *options);
static JpModel model_of(const NullableDatum *option);
static uint64 span_of(const NullableDatum *option, const char *name);
static void count_subject(void *arg, const JpRecord *records, uint32 count);
static void give_credit(void *to, const JpMoment *conversion, const JpMoment *touch, double credit);
static Datum cells_of(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting);

/* subject, occurred_at, channel, converted, breakdown, model, lookback, half_life, reuse */
static const JpTallyKind kind = {
	.event = 3,.flag = 4,.group = 5,.options = 6,.option_count = 4,.read = read_attribution
};

static const struct
{
	const char *name;
	JpModel		model;
}			models[] = {
	{"first", JP_MODEL_FIRST},
	{"last", JP_MODEL_LAST},
	{"linear", JP_MODEL_LINEAR},
	{"position", JP_MODEL_POSITION},
	{"time_decay", JP_MODEL_TIME_DECAY},
};

JP_TALLY_FUNCTIONS(attribution_counts, kind)

Datum
jp_attribution_counts_final(PG_FUNCTION_ARGS)
{
	JpTally    *tally = jp_tally_final(fcinfo);
	Counting	counting = {0};
	uint32	   *rank;

	if (tally == NULL)
		PG_RETURN_NULL();
	counting.walk.mark = jp_tally_ranks(tally, &rank);
	counting.asked = tally->asked;
	counting.counts = jp_counts_create(CurrentMemoryContext, COUNTERS);
	jp_records_take(tally->records, rank, count_subject, &counting);
	return cells_of(fcinfo, tally, &counting);
}

/* Reads what is asked. */
static void *
read_attribution(JpTally *tally, const NullableDatum *options)
{
	JpAttributionQuestion *asked = palloc0(sizeof(JpAttributionQuestion));

	asked->model = model_of(&options[0]);
	asked->lookback = span_of(&options[1], "lookback");
	asked->half_life = span_of(&options[2], "half_life");
	if (options[2].isnull)
		asked->half_life = 7 * USECS_PER_DAY;
	if (asked->half_life == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life must be longer than nothing")));
	if (options[3].isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("reuse must not be null")));
	asked->reuse = DatumGetBool(options[3].value);
	return asked;
}

/* A model by its name. */
static JpModel
model_of(const NullableDatum *option)
{
	const char *name = option->isnull ? "" : text_to_cstring(DatumGetTextPP(option->value));
	int			i;

	for (i = 0; i < lengthof(models); i++)
		if (strcmp(models[i].name, name) == 0)
			return models[i].model;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown model of attribution"),
			 errhint("Models are first, last, linear, position and time_decay.")));
}

/* A span; no bound for null. */
static uint64
span_of(const NullableDatum *option, const char *name)
{
	return option->isnull ? PG_UINT64_MAX :
		jp_microseconds(DatumGetIntervalP(option->value), name);
}

/* Counts the conversions of one subject. */
static void
count_subject(void *arg, const JpRecord *records, uint32 count)
{
	Counting   *counting = arg;

	jp_walk_subject(&counting->walk, records, count);
	counting->records = records;
	counting->conversions_before = counting->conversion;
	counting->last = NULL;
	jp_attribute(counting->asked, counting->walk.moment, count, give_credit, counting);
}

/* Gives a channel, or none, a part of a conversion. */
static void
give_credit(void *to, const JpMoment *conversion, const JpMoment *touch, double credit)
{
	Counting   *counting = to;
	const JpRecord *record = &counting->records[conversion - counting->walk.moment];
	JpCount    *cell = jp_counts_find(counting->counts,
									  touch == NULL ? 0 : jp_low(touch->steps),
									  counting->walk.mark[record->mark].group);

	if (conversion != counting->last)
		counting->conversion++;
	counting->last = conversion;
	cell->count[SUBJECTS] += cell->seen <= counting->conversions_before;
	cell->count[CONVERSIONS] += cell->seen != counting->conversion;
	cell->count[CREDIT] += (uint64) (credit * CREDIT_PARTS + 0.5);
	cell->seen = counting->conversion;
}

/* channel, credit, conversions, subjects, breakdown */
static Datum
cells_of(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting)
{
	JpCellArray cells;
	JpCount    *cell;
	JpCountsScan scan;

	jp_cells_begin(&cells, fcinfo);
	jp_counts_scan(counting->counts, &scan);
	while ((cell = jp_counts_next(counting->counts, &scan)) != NULL)
	{
		text	   *channel = jp_tally_name(tally, cell->first);
		text	   *group = jp_tally_name(tally, cell->second);
		Datum		values[5] = {PointerGetDatum(channel),
			Float8GetDatum(cell->count[CREDIT] / CREDIT_PARTS),
			Int64GetDatum(cell->count[CONVERSIONS]),
			Int64GetDatum(cell->count[SUBJECTS]),
		PointerGetDatum(group)};
		bool		nulls[5] = {channel == NULL, false, false, false, group == NULL};

		jp_cells_add(&cells, values, nulls);
	}
	return jp_cells_end(&cells);
}
