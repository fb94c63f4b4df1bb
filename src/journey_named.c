/*
 * journey_named.c
 *		Aggregates funnel and funnel_times: steps by the names of events.
 *
 * A moment has in its low half the number of its meaning in the question, from
 * 1, and 0 for an event that is no step but comes in between; in its high half
 * the code of the property held constant.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "journey_gathered.h"
#include "journey_question.h"

/* Arguments of a row: internal, occurred_at, event, steps, within, options, constant. */
#define AT			1
#define EVENT		2
#define STEPS		3
#define WITHIN		4
#define OPTIONS		5
#define CONSTANT	6

PG_FUNCTION_INFO_V1(jp_funnel_step);
PG_FUNCTION_INFO_V1(jp_funnel_final);
PG_FUNCTION_INFO_V1(jp_funnel_times_final);

static JpSettings *read_question(FunctionCallInfo fcinfo);
static uint32 meaning_of(const JpQuestion *question, FunctionCallInfo fcinfo);
static int	depth_of(FunctionCallInfo fcinfo, int64 *times, int *count);

/* A row; options and constant may be missing. */
Datum
jp_funnel_step(PG_FUNCTION_ARGS)
{
	JpCall	   *call = jp_call_of(fcinfo, STEPS, Min(PG_NARGS() - 1, OPTIONS), read_question);
	const JpQuestion *question = (const JpQuestion *) call->settings;
	JpGathered *group = jp_gathered_of(fcinfo, call);
	uint32		meaning;

	if (PG_ARGISNULL(AT) || (question->steps.constant && PG_ARGISNULL(CONSTANT)))
		PG_RETURN_POINTER(group);
	meaning = meaning_of(question, fcinfo);
	if (meaning != 0 || question->steps.order == JP_STRICT)
		jp_gather(group, PG_GETARG_TIMESTAMPTZ(AT),
				  jp_halves(meaning, question->steps.constant ?
							jp_call_code(call, fcinfo, CONSTANT) : 0));
	PG_RETURN_POINTER(group);
}

Datum
jp_funnel_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(depth_of(fcinfo, NULL, NULL));
}

Datum
jp_funnel_times_final(PG_FUNCTION_ARGS)
{
	int64		times[JP_STEPS_MAX];
	int			count = 0;

	depth_of(fcinfo, times, &count);
	PG_RETURN_ARRAYTYPE_P(jp_question_times(times, count));
}

ArrayType *
jp_question_times(const int64 *times, int count)
{
	while (count > 0 && times[count - 1] == JP_NO_TIME)
		count--;
	return jp_times_array(times, count);
}

static JpSettings *
read_question(FunctionCallInfo fcinfo)
{
	bool		options = PG_NARGS() > OPTIONS && !PG_ARGISNULL(OPTIONS);

	if (PG_ARGISNULL(STEPS))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("steps must not be null")));
	return &jp_question_read(PG_GETARG_ARRAYTYPE_P(STEPS),
							 PG_ARGISNULL(WITHIN) ? NULL : PG_GETARG_INTERVAL_P(WITHIN),
							 options ? PG_GETARG_JSONB_P(OPTIONS) : NULL,
							 PG_NARGS() > CONSTANT)->head;
}

/* The number of what a row's event means, 0 for nothing. */
static uint32
meaning_of(const JpQuestion *question, FunctionCallInfo fcinfo)
{
	const JpMeaning *meaning;
	text	   *event;

	if (PG_ARGISNULL(EVENT))
		return 0;
	event = PG_GETARG_TEXT_PP(EVENT);
	meaning = jp_question_find(question, VARDATA_ANY(event), VARSIZE_ANY_EXHDR(event));
	return meaning == NULL ? 0 : (uint32) (meaning - question->meaning) + 1;
}

/* The depth of a group, with times of so many steps. */
static int
depth_of(FunctionCallInfo fcinfo, int64 *times, int *count)
{
	JpGathered *group = jp_gathered_final(fcinfo);
	const JpQuestion *question;

	if (group == NULL)
		return 0;
	question = (const JpQuestion *) group->settings;
	if (count != NULL)
		*count = question->steps.count;
	return jp_question_depth(question, group->moments, group->count, times);
}

int
jp_question_depth(const JpQuestion *question, const JpMoment *moments,
				  uint32 count, int64 *times)
{
	JpStepEvent *events = (JpStepEvent *) palloc0((Size) count * sizeof(JpStepEvent) + 1);
	uint32		i;
	int			depth;

	for (i = 0; i < count; i++)
	{
		uint32		meaning = jp_low(moments[i].steps);

		events[i].at = moments[i].at;
		events[i].property = jp_high(moments[i].steps);
		if (meaning == 0)
			continue;
		events[i].steps = question->meaning[meaning - 1].steps;
		events[i].excluded = question->meaning[meaning - 1].excluded;
	}
	depth = jp_steps_depth(&question->steps, events, count, times, NULL);
	pfree(events);
	return depth;
}
