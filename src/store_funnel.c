/*
 * store_funnel.c
 *		Funnels and sequences of one journey: the aggregates' answers, by the names
 *		of events.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "sequence.h"
#include "store_asked.h"

/* What is asked of window_funnel; meanings follow. */
typedef struct Window
{
	JpSettings	head;
	uint32		at;				/* of the meanings */
	JpFunnel	funnel;
} Window;

/* What is asked of sequences; the pattern and meanings follow, aligned. */
typedef struct Sequence
{
	JpSettings	head;
	uint32		at;				/* of the meanings */
} Sequence;

PG_FUNCTION_INFO_V1(jp_journey_window_funnel);
PG_FUNCTION_INFO_V1(jp_journey_window_funnel_times);
PG_FUNCTION_INFO_V1(jp_journey_funnel);
PG_FUNCTION_INFO_V1(jp_journey_funnel_times);
PG_FUNCTION_INFO_V1(jp_journey_sequence_match);
PG_FUNCTION_INFO_V1(jp_journey_sequence_count);
PG_FUNCTION_INFO_V1(jp_journey_sequence_times);

static JpSettings *read_window(FunctionCallInfo fcinfo);
static int	window_depth(FunctionCallInfo fcinfo, int64 *times);
static JpSettings *read_funnel(FunctionCallInfo fcinfo);
static uint32 funnel_code(void *settings, const char *chars, Size len);
static int	funnel_depth(FunctionCallInfo fcinfo, int64 *times, int *steps);
static JpSettings *read_sequence(FunctionCallInfo fcinfo);
static const JpSettings *open_sequence(FunctionCallInfo fcinfo, JpMoment **moments, uint32 *count);
static void conditions_of(const JpSettings *settings, JpMoment *moments, uint32 count);

/* SQL: window_funnel(journey, within, mode, steps). */
Datum
jp_journey_window_funnel(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_INT32(window_depth(fcinfo, NULL));
}

/* SQL: window_funnel_times(journey, within, mode, steps). */
Datum
jp_journey_window_funnel_times(PG_FUNCTION_ARGS)
{
	int64		times[JP_STEPS_MAX];

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(jp_times_array(times, window_depth(fcinfo, times)));
}

static JpSettings *
read_window(FunctionCallInfo fcinfo)
{
	Window	   *window;

	jp_not_null(fcinfo, 1, "within");
	jp_not_null(fcinfo, 2, "mode");
	jp_not_null(fcinfo, 3, "steps");
	window = (Window *) jp_meaning_settings(PG_GETARG_ARRAYTYPE_P(3), sizeof(Window), 0);
	window->funnel.within = jp_microseconds(PG_GETARG_INTERVAL_P(1), "within");
	window->funnel.modes = jp_funnel_modes(PG_GETARG_TEXT_PP(2));
	window->funnel.steps = jp_meanings(&window->head)->steps.count;
	return &window->head;
}

static int
window_depth(FunctionCallInfo fcinfo, int64 *times)
{
	JpAsked    *asked = jp_asked(fcinfo, 1, 3, read_window, jp_meaning_code);
	const Window *window = (const Window *) asked->settings;
	uint32		count;
	JpMoment   *moments = jp_asked_moments(asked, PG_GETARG_DATUM(0),
										   (window->funnel.modes & JP_STRICT_ORDER) != 0, &count);

	conditions_of(asked->settings, moments, count);
	return jp_funnel_depth(&window->funnel, moments, count, times);
}

/* SQL: funnel(journey, steps, within, options). */
Datum
jp_journey_funnel(PG_FUNCTION_ARGS)
{
	int			steps;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_INT32(funnel_depth(fcinfo, NULL, &steps));
}

/* SQL: funnel_times(journey, steps, within, options). */
Datum
jp_journey_funnel_times(PG_FUNCTION_ARGS)
{
	int64		times[JP_STEPS_MAX];
	int			steps;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	funnel_depth(fcinfo, times, &steps);
	PG_RETURN_ARRAYTYPE_P(jp_question_times(times, steps));
}

static JpSettings *
read_funnel(FunctionCallInfo fcinfo)
{
	jp_not_null(fcinfo, 1, "steps");
	return &jp_question_read(PG_GETARG_ARRAYTYPE_P(1),
							 PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERVAL_P(2),
							 PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3), false)->head;
}

static uint32
funnel_code(void *settings, const char *chars, Size len)
{
	const JpQuestion *question = (const JpQuestion *) settings;
	const JpMeaning *meaning = jp_question_find(question, chars, len);

	return meaning == NULL ? 0 : (uint32) (meaning - question->meaning) + 1;
}

static int
funnel_depth(FunctionCallInfo fcinfo, int64 *times, int *steps)
{
	JpAsked    *asked = jp_asked(fcinfo, 1, 3, read_funnel, funnel_code);
	const JpQuestion *question = (const JpQuestion *) asked->settings;
	uint32		count;
	JpMoment   *moments = jp_asked_moments(asked, PG_GETARG_DATUM(0),
										   question->steps.order == JP_STRICT, &count);

	*steps = question->steps.count;
	return jp_question_depth(question, moments, count, times);
}

/* SQL: sequence_match(journey, pattern, conditions). */
Datum
jp_journey_sequence_match(PG_FUNCTION_ARGS)
{
	JpMoment   *moments;
	uint32		count;
	const JpSettings *pattern = open_sequence(fcinfo, &moments, &count);

	if (pattern == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(jp_pattern_match(pattern, moments, count));
}

/* SQL: sequence_count(journey, pattern, conditions). */
Datum
jp_journey_sequence_count(PG_FUNCTION_ARGS)
{
	JpMoment   *moments;
	uint32		count;
	const JpSettings *pattern = open_sequence(fcinfo, &moments, &count);

	if (pattern == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT64(jp_pattern_count(pattern, moments, count));
}

/* SQL: sequence_times(journey, pattern, conditions). */
Datum
jp_journey_sequence_times(PG_FUNCTION_ARGS)
{
	JpMoment   *moments;
	uint32		count;
	const JpSettings *pattern = open_sequence(fcinfo, &moments, &count);

	if (pattern == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(jp_pattern_times(pattern, moments, count));
}

/* The pattern, and the events that meet conditions of it; NULL without a journey. */
static const JpSettings *
open_sequence(FunctionCallInfo fcinfo, JpMoment **moments, uint32 *count)
{
	JpAsked    *asked;

	if (PG_ARGISNULL(0))
		return NULL;
	asked = jp_asked(fcinfo, 1, 2, read_sequence, jp_meaning_code);
	*moments = jp_asked_moments(asked, PG_GETARG_DATUM(0), false, count);
	conditions_of(asked->settings, *moments, *count);
	jp_moments_order(*moments, *count, 0, NULL);
	return (const JpSettings *) ((const char *) asked->settings + MAXALIGN(sizeof(Sequence)));
}

static JpSettings *
read_sequence(FunctionCallInfo fcinfo)
{
	ArrayType  *conditions;
	JpSettings *pattern;
	JpSettings *settings;

	jp_not_null(fcinfo, 1, "pattern");
	jp_not_null(fcinfo, 2, "conditions");
	conditions = PG_GETARG_ARRAYTYPE_P(2);
	pattern = jp_pattern_settings(PG_GETARG_TEXT_PP(1),
								  ArrayGetNItems(ARR_NDIM(conditions), ARR_DIMS(conditions)));
	settings = jp_meaning_settings(conditions, MAXALIGN(sizeof(Sequence)) + pattern->size, 0);
	memcpy((char *) settings + MAXALIGN(sizeof(Sequence)), pattern, pattern->size);
	pfree(pattern);
	return settings;
}

/* The steps that moments can be, in place of the numbers of their meanings. */
static void
conditions_of(const JpSettings *settings, JpMoment *moments, uint32 count)
{
	const JpQuestion *question = jp_meanings(settings);
	uint32		i;

	for (i = 0; i < count; i++)
		if (moments[i].steps != 0)
			moments[i].steps = question->meaning[moments[i].steps - 1].steps;
}
