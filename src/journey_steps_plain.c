/*
 * journey_steps_plain.c
 *		The steps of a journey when nothing but the time from the begin bounds
 *		them: what most funnels ask, of most journeys, millions of times.  Pure.
 *
 * Forth, the latest begin of a chain to each step; back from where the deepest
 * was reached first, for each step before the latest event that is it.
 */
#include "journey_steps_internal.h"

static bool is_plain(const JpSteps *steps);
static void trace_back(const JpStepEvent *event, JpBest *best);

bool
jp_steps_plain(const JpSteps *steps, const JpStepEvent *events, size_t count,
			   JpBest *best)
{
	const JpStepEvent *event;
	const JpStepEvent *end = NULL;
	int64		begin[JP_STEPS_MAX];
	int			last = 0;
	int			depth = 0;
	int			step;

	if (!is_plain(steps))
		return false;
	for (event = events; event < events + count && depth < steps->count; event++)
	{
		if ((event->steps & (event->steps - 1)) != 0 || event->excluded != 0)
			return false;
		if (event->steps == 0)
			continue;
		step = jp_lowest_step(event->steps);
		if (step < last && event->at == event[-1].at)
			return false;
		last = step;
		if (step > depth ||
			(step > 0 && (uint64) event->at - (uint64) begin[step - 1] > steps->within) ||
			(step == 0 && steps->first && depth > 0))
			continue;
		begin[step] = step == 0 ? event->at : begin[step - 1];
		if (step < depth)
			continue;
		best->begin = begin[step];
		end = event;
		depth++;
	}
	/* what follows at the time of the last step could give it a later begin */
	if (depth > 1 && event < events + count && event->at == event[-1].at)
		return false;
	best->depth = depth;
	if (depth > 0)
		trace_back(end, best);
	return true;
}

static bool
is_plain(const JpSteps *steps)
{
	int			step;

	if (steps->order != JP_ORDERED || steps->constant || steps->optional != 0)
		return false;
	for (step = 1; step < steps->count; step++)
		if (steps->step_within[step] != JP_NO_BOUND)
			return false;
	return true;
}

/* Each step before the last at the latest time; the first where the chain began. */
static void
trace_back(const JpStepEvent *event, JpBest *best)
{
	int			step = best->depth - 1;

	best->known = best->depth;
	best->end = event->at;
	for (;; event--)
	{
		if (event->steps != jp_step_bit(step) || (step == 0 && event->at != best->begin))
			continue;
		best->times[step] = event->at;
		if (step-- == 0)
			break;
	}
	best->mark = event->mark;
}
