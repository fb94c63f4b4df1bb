/*
 * journey_steps_any.c
 *		How many steps a journey makes within a time, in any order.  Pure.
 *
 * For each time at which a chain may end, the steps that were made since it
 * may have begun.  While no event can be several steps, these are known from
 * when each step was made last; else events are made steps from the latest
 * back, which finds the most steps and, for so many, the latest begin.
 */
#include "journey_steps_internal.h"

typedef struct Any
{
	const JpSteps *steps;
	const JpStepEvent *events;
	JpBest	   *best;
	size_t		begin;			/* of the events that a chain may have now */
	bool		shared;			/* one event so far can be several steps */
	bool		begun;
	int64		first;			/* when it did, should it begin with the first event only */
	uint64		seen;			/* steps that may be made now */
	int64		last[JP_STEPS_MAX];
	uint32		mark[JP_STEPS_MAX];
} Any;

/* Which event is which step. */
typedef struct Owners
{
	uint64		owned;			/* steps that are made */
	size_t		event[JP_STEPS_MAX];
	size_t		first;			/* event of the chain */
} Owners;

static bool is_over(const Any *any, int64 at);
static void see_steps(Any *any, const JpTogether *together);
static void forget_steps(Any *any, int64 at);
static uint32 mark_of(const JpTogether *together, int step);
static void keep_seen(const Any *any, int64 end);
static void keep_matched(const Any *any, size_t count, int64 end);
static void match_back(const Any *any, size_t count, int64 end, Owners *owners);
static bool match_event(const Any *any, size_t event, Owners *owners);
static size_t first_event(const Any *any);
static void begin_anew(Any *any, const JpTogether *together, size_t event);

void
jp_steps_any(const JpSteps *steps, const JpStepEvent *events, size_t count,
			 JpBest *best)
{
	Any			any;
	JpTogether	together;
	size_t		i;

	memset(&any, 0, offsetof(Any, last));
	any.steps = steps;
	any.events = events;
	any.best = best;
	for (i = 0; i < count; i += together.count)
	{
		jp_take_together(&together, events + i, count - i);
		if (is_over(&any, together.at))
			break;
		if (together.steps != 0)
		{
			see_steps(&any, &together);
			forget_steps(&any, together.at);
			if (any.shared)
				keep_matched(&any, i + together.count, together.at);
			else
				keep_seen(&any, together.at);
		}
		if (together.excluded != 0)
			begin_anew(&any, &together, i);
	}
}

/* No chain that ends at a time, or later, can be better. */
static bool
is_over(const Any *any, int64 at)
{
	if (any->best->depth == any->steps->count && at > any->best->end)
		return true;
	return any->steps->first && any->begun &&
		(any->seen == 0 || (uint64) at - (uint64) any->first > any->steps->within);
}

/* With one begin, what is made then stays. */
static void
see_steps(Any *any, const JpTogether *together)
{
	uint64		left;

	if (!any->begun)
		any->first = together->at;
	any->begun = true;
	any->shared |= together->shared;
	for (left = together->steps; left != 0; left &= left - 1)
	{
		int			step = jp_lowest_step(left);

		if (any->steps->first && (any->seen & jp_step_bit(step)) &&
			any->last[step] == any->first)
			continue;
		any->seen |= jp_step_bit(step);
		any->last[step] = together->at;
		any->mark[step] = mark_of(together, step);
	}
}

/* Of the first event that can be the step. */
static uint32
mark_of(const JpTogether *together, int step)
{
	const JpStepEvent *event = together->events;

	while (!(event->steps & jp_step_bit(step)))
		event++;
	return event->mark;
}

static void
forget_steps(Any *any, int64 at)
{
	uint64		left;

	for (left = any->seen; left != 0; left &= left - 1)
	{
		int			step = jp_lowest_step(left);

		if ((uint64) at - (uint64) any->last[step] > any->steps->within)
			any->seen &= ~jp_step_bit(step);
	}
}

/* The steps seen are a chain. */
static void
keep_seen(const Any *any, int64 end)
{
	JpReached	reached = {__builtin_popcountll(any->seen), any->steps->count, end, end, 0, NULL};
	int64		times[JP_STEPS_MAX];
	int			step;

	if (!jp_may_be_better(any->best, reached.depth, end))
		return;
	reached.times = times;
	for (step = any->steps->count - 1; step >= 0; step--)
	{
		times[step] = JP_NO_TIME;
		if (!(any->seen & jp_step_bit(step)))
			continue;
		times[step] = any->last[step];
		if (times[step] > reached.begin)
			continue;
		reached.begin = times[step];
		reached.mark = any->mark[step];
	}
	jp_keep_best(any->best, &reached);
}

/* Of the events so far, so many, those that are steps of the best chain. */
static void
keep_matched(const Any *any, size_t count, int64 end)
{
	JpReached	reached = {0, any->steps->count, 0, end, 0, NULL};
	Owners		owners;
	int64		times[JP_STEPS_MAX];
	int			step;

	if (!jp_may_be_better(any->best, __builtin_popcountll(any->seen), end))
		return;
	match_back(any, count, end, &owners);
	reached.depth = __builtin_popcountll(owners.owned);
	if (!jp_may_be_better(any->best, reached.depth, end))
		return;
	for (step = 0; step < any->steps->count; step++)
		times[step] = owners.owned & jp_step_bit(step) ?
			any->events[owners.event[step]].at : JP_NO_TIME;
	reached.begin = any->events[owners.first].at;
	reached.mark = any->events[owners.first].mark;
	reached.times = times;
	jp_keep_best(any->best, &reached);
}

/*
 * Makes events steps from the latest back: each that fits is in, for it takes
 * no more room than an earlier one would.  With one begin, that comes first.
 */
static void
match_back(const Any *any, size_t count, int64 end, Owners *owners)
{
	int			most = __builtin_popcountll(any->seen);
	int			made = 0;
	size_t		i;

	JP_CHECK_FOR_INTERRUPTS();
	owners->owned = 0;
	owners->first = count;
	if (any->steps->first)
	{
		owners->first = first_event(any);
		made += match_event(any, owners->first, owners);
	}
	for (i = count; i-- > any->begin && made < most;)
	{
		if ((uint64) end - (uint64) any->events[i].at > any->steps->within)
			break;
		if (i == owners->first || !match_event(any, i, owners))
			continue;
		made++;
		if (!any->steps->first)
			owners->first = i;
	}
}

static bool
match_event(const Any *any, size_t event, Owners *owners)
{
	uint64		seen = 0;

	return jp_match_event(any->events, event, owners->event, &owners->owned, &seen);
}

/* That begins the only chain. */
static size_t
first_event(const Any *any)
{
	size_t		i = 0;

	while (any->events[i].steps == 0)
		i++;
	return i;
}

/* Chains go on from the time of something excluded, not over it. */
static void
begin_anew(Any *any, const JpTogether *together, size_t event)
{
	if (any->steps->first && any->begun && together->at > any->first)
		any->seen = 0;
	if (any->steps->first)
		return;
	any->seen &= together->steps;
	any->begin = event;
}
