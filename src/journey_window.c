/*
 * journey_window.c
 *		Aggregates window_funnel and window_funnel_times.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "journey_funnel.h"

/* Of one group; 64 MB with their times. */
#define MOMENTS_MAX		(4 * 1024 * 1024)

/* The moments of a group, in one allocation that grows. */
typedef struct Moments
{
	JpFunnel	funnel;
	bool		ordered;
	uint32		count;
	uint32		room;
	JpMoment   *moments;
} Moments;

/* What a call was last told, so that it is read once. */
typedef struct Options
{
	Interval	within;
	JpFunnel	funnel;
	Size		mode_len;
	char		mode[FLEXIBLE_ARRAY_MEMBER];
} Options;

static const struct
{
	const char *name;
	int			mode;
}			mode_names[] = {
	{"default", 0},
	{"strict_deduplication", JP_STRICT_DEDUPLICATION},
	{"strict_order", JP_STRICT_ORDER},
	{"strict_increase", JP_STRICT_INCREASE},
	{"strict_once", JP_STRICT_ONCE},
};

PG_FUNCTION_INFO_V1(jp_window_funnel_step);
PG_FUNCTION_INFO_V1(jp_window_funnel_combine);
PG_FUNCTION_INFO_V1(jp_window_funnel_serial);
PG_FUNCTION_INFO_V1(jp_window_funnel_deserial);
PG_FUNCTION_INFO_V1(jp_window_funnel_final);
PG_FUNCTION_INFO_V1(jp_window_funnel_times_final);

static MemoryContext aggregate_context(FunctionCallInfo fcinfo);
static const JpFunnel *funnel_of(FunctionCallInfo fcinfo);
static uint64 microseconds(const Interval *span);
static int	modes_of(const text *mode);
static int	mode_of(const char *name, Size len);
static uint64 steps_of(ArrayType *steps, int *count);
static Moments *new_moments(MemoryContext context, const JpFunnel *funnel, uint32 room);
static void make_room(Moments *all, uint64 count);
static void order_moments(Moments *all);

#define ST_SORT sort_moments
#define ST_ELEMENT_TYPE JpMoment
#define ST_COMPARE(a, b) ((a)->at < (b)->at ? -1 : (a)->at > (b)->at)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* A row: internal, occurred_at, within, mode, steps. */
Datum
jp_window_funnel_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	Moments    *all = PG_ARGISNULL(0) ? NULL : (Moments *) PG_GETARG_POINTER(0);
	JpFunnel	funnel;
	JpMoment	moment;

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("within, mode and steps must not be null")));
	funnel = *funnel_of(fcinfo);
	moment.steps = steps_of(PG_GETARG_ARRAYTYPE_P(4), &funnel.steps);
	if (all == NULL)
		all = new_moments(context, &funnel, 4);
	else if (all->funnel.within != funnel.within || all->funnel.modes != funnel.modes ||
			 all->funnel.steps != funnel.steps)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("within, mode and the number of steps must be the same in all rows of a group")));
	if (!PG_ARGISNULL(1) && (moment.steps != 0 || (funnel.modes & JP_STRICT_ORDER)))
	{
		moment.at = PG_GETARG_TIMESTAMPTZ(1);
		make_room(all, 1);
		if (all->count > 0 && moment.at < all->moments[all->count - 1].at)
			all->ordered = false;
		all->moments[all->count++] = moment;
	}
	PG_RETURN_POINTER(all);
}

Datum
jp_window_funnel_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	Moments    *all = PG_ARGISNULL(0) ? NULL : (Moments *) PG_GETARG_POINTER(0);
	Moments    *more = PG_ARGISNULL(1) ? NULL : (Moments *) PG_GETARG_POINTER(1);

	if (more == NULL && all == NULL)
		PG_RETURN_NULL();
	if (more == NULL)
		PG_RETURN_POINTER(all);
	if (all == NULL)
		all = new_moments(context, &more->funnel, Max(more->count, 4));
	make_room(all, more->count);
	memcpy(all->moments + all->count, more->moments, more->count * sizeof(JpMoment));
	all->ordered = all->ordered && more->ordered &&
		(all->count == 0 || more->count == 0 ||
		 all->moments[all->count - 1].at <= more->moments[0].at);
	all->count += more->count;
	PG_RETURN_POINTER(all);
}

/* Its header and its moments, for another process of this server. */
Datum
jp_window_funnel_serial(PG_FUNCTION_ARGS)
{
	Moments    *all = (Moments *) PG_GETARG_POINTER(0);
	Size		size = VARHDRSZ + sizeof(Moments) + all->count * sizeof(JpMoment);
	bytea	   *bytes = (bytea *) palloc(size);

	aggregate_context(fcinfo);
	SET_VARSIZE(bytes, size);
	memcpy(VARDATA(bytes), all, sizeof(Moments));
	memcpy(VARDATA(bytes) + sizeof(Moments), all->moments, all->count * sizeof(JpMoment));
	PG_RETURN_BYTEA_P(bytes);
}

Datum
jp_window_funnel_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	Moments		head;
	Moments    *all;

	aggregate_context(fcinfo);
	memcpy(&head, VARDATA_ANY(bytes), sizeof(Moments));
	all = new_moments(CurrentMemoryContext, &head.funnel, Max(head.count, 1));
	all->ordered = head.ordered;
	all->count = head.count;
	memcpy(all->moments, VARDATA_ANY(bytes) + sizeof(Moments), head.count * sizeof(JpMoment));
	PG_RETURN_POINTER(all);
}

Datum
jp_window_funnel_final(PG_FUNCTION_ARGS)
{
	Moments    *all = PG_ARGISNULL(0) ? NULL : (Moments *) PG_GETARG_POINTER(0);

	aggregate_context(fcinfo);
	if (all == NULL)
		PG_RETURN_INT32(0);
	order_moments(all);
	PG_RETURN_INT32(jp_funnel_depth(&all->funnel, all->moments, all->count, NULL));
}

Datum
jp_window_funnel_times_final(PG_FUNCTION_ARGS)
{
	Moments    *all = PG_ARGISNULL(0) ? NULL : (Moments *) PG_GETARG_POINTER(0);
	int64		times[JP_STEPS_MAX];
	Datum		values[JP_STEPS_MAX];
	int			depth = 0;
	int			i;

	aggregate_context(fcinfo);
	if (all != NULL)
	{
		order_moments(all);
		depth = jp_funnel_depth(&all->funnel, all->moments, all->count, times);
	}
	for (i = 0; i < depth; i++)
		values[i] = TimestampTzGetDatum(times[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, depth, TIMESTAMPTZOID,
										  sizeof(TimestampTz), FLOAT8PASSBYVAL,
										  TYPALIGN_DOUBLE));
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* What within and mode say, read again only when they are others. */
static const JpFunnel *
funnel_of(FunctionCallInfo fcinfo)
{
	Options    *options = (Options *) fcinfo->flinfo->fn_extra;
	const Interval *within = PG_GETARG_INTERVAL_P(2);
	text	   *mode = PG_GETARG_TEXT_PP(3);
	Size		len = VARSIZE_ANY_EXHDR(mode);

	if (options == NULL || options->mode_len != len ||
		memcmp(options->mode, VARDATA_ANY(mode), len) != 0 ||
		memcmp(&options->within, within, sizeof(Interval)) != 0)
	{
		options = (Options *) MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
													 offsetof(Options, mode) + len);
		options->within = *within;
		options->funnel.within = microseconds(within);
		options->funnel.modes = modes_of(mode);
		options->mode_len = len;
		memcpy(options->mode, VARDATA_ANY(mode), len);
		if (fcinfo->flinfo->fn_extra != NULL)
			pfree(fcinfo->flinfo->fn_extra);
		fcinfo->flinfo->fn_extra = options;
	}
	return &options->funnel;
}

/* A span of fixed length, days of 24 hours. */
static uint64
microseconds(const Interval *span)
{
	int64		length;

	if (span->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("within must not have months or years"),
				 errhint("Their length varies. Give days, which are of 24 hours here.")));
	if (pg_mul_s64_overflow(span->day, USECS_PER_DAY, &length) ||
		pg_add_s64_overflow(length, span->time, &length))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("interval out of range")));
	if (length < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("within must not be negative")));
	return (uint64) length;
}

/* Modes from their names, with commas between them. */
static int
modes_of(const text *mode)
{
	const char *chars = VARDATA_ANY(mode);
	const char *end = chars + VARSIZE_ANY_EXHDR(mode);
	int			modes = 0;

	for (;;)
	{
		const char *comma = memchr(chars, ',', end - chars);
		const char *stop = comma == NULL ? end : comma;

		while (chars < stop && *chars == ' ')
			chars++;
		modes |= mode_of(chars, stop - chars);
		if (comma == NULL)
			return modes;
		chars = comma + 1;
	}
}

static int
mode_of(const char *name, Size len)
{
	int			i;

	while (len > 0 && name[len - 1] == ' ')
		len--;
	for (i = 0; i < lengthof(mode_names); i++)
		if (strlen(mode_names[i].name) == len && memcmp(mode_names[i].name, name, len) == 0)
			return mode_names[i].mode;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown mode of a funnel"),
			 errhint("Modes are default, strict_deduplication, strict_order, strict_increase and strict_once; commas combine them.")));
}

/* Conditions as bits; null is false. */
static uint64
steps_of(ArrayType *steps, int *count)
{
	uint64		bits = 0;
	bits8	   *nulls = ARR_NULLBITMAP(steps);
	bool	   *values = (bool *) ARR_DATA_PTR(steps);
	int			i;

	*count = ArrayGetNItems(ARR_NDIM(steps), ARR_DIMS(steps));
	if (*count < 1 || *count > JP_STEPS_MAX || ARR_NDIM(steps) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a funnel has 1 to %d steps", JP_STEPS_MAX)));
	for (i = 0; i < *count; i++)
		if (nulls == NULL || (nulls[i / 8] >> i % 8 & 1))
			bits |= (uint64) *values++ << i;
	return bits;
}

static Moments *
new_moments(MemoryContext context, const JpFunnel *funnel, uint32 room)
{
	Moments    *all = (Moments *) MemoryContextAlloc(context, sizeof(Moments));

	all->funnel = *funnel;
	all->ordered = true;
	all->count = 0;
	all->room = room;
	all->moments = (JpMoment *) MemoryContextAlloc(context, room * sizeof(JpMoment));
	return all;
}

static void
make_room(Moments *all, uint64 count)
{
	count += all->count;
	if (count > MOMENTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a group of a funnel has more than %d events", MOMENTS_MAX),
				 errhint("Group by subject, or bound the time.")));
	if (count <= all->room)
		return;
	while (all->room < count)
		all->room *= 2;
	all->moments = (JpMoment *) repalloc(all->moments, all->room * sizeof(JpMoment));
}

/* Moments of one time may stay as they are: the walk takes them together. */
static void
order_moments(Moments *all)
{
	if (!all->ordered)
		sort_moments(all->moments, all->count);
	all->ordered = true;
}
