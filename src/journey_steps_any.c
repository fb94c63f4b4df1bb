/*
 * journey_steps_any.c
 *		How many steps a journey makes within a time, in any order.  Pure.
 *
 * For each time at which a chain may end, the steps that were made since it
 * may have begun.  While no event can be several steps, these are known from
 * when each step was made last; else events are made steps from the latest
 * back, which finds the most steps and, for so many, the latest begin.  Of the
 * events for a step, more than there are steps are never needed.
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
	uint32		last[JP_STEPS_MAX]; /* events that make them */
	uint32		events_of[JP_STEPS_MAX];	/* how many so far can be the step */
	uint32		recent[JP_STEPS_MAX][JP_STEPS_MAX];	/* the last of them, in turn */
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
static void see_step(Any *any, int step, uint32 event);
static void forget_steps(Any *any, int64 at);
static void keep_seen(const Any *any, int64 end);
static void keep_matched(const Any *any, int64 end);
static void match_back(const Any *any, int64 end, Owners *owners);
static bool recent_before(const Any *any, uint32 *passed, size_t *event);
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
	memset(any.events_of, 0, steps->count * sizeof(uint32));
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
				keep_matched(&any, together.at);
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

static void
see_steps(Any *any, const JpTogether *together)
{
	size_t		event = together->events - any->events;
	size_t		i;
	uint64		left;

	if (!any->begun)
		any->first = together->at;
	any->begun = true;
	any->shared |= together->shared;
	for (i = event; i < event + together->count; i++)
		for (left = any->events[i].steps; left != 0; left &= left - 1)
			see_step(any, jp_lowest_step(left), (uint32) i);
}

/* With one begin, what is made then stays. */
static void
see_step(Any *any, int step, uint32 event)
{
	any->recent[step][any->events_of[step]++ % JP_STEPS_MAX] = event;
	if (any->steps->first && (any->seen & jp_step_bit(step)) &&
		any->events[any->last[step]].at == any->first)
		return;
	any->seen |= jp_step_bit(step);
	any->last[step] = event;
}

static void
forget_steps(Any *any, int64 at)
{
	uint64		left;

	for (left = any->seen; left != 0; left &= left - 1)
	{
		int			step = jp_lowest_step(left);

		if ((uint64) at - (uint64) any->events[any->last[step]].at > any->steps->within)
			any->seen &= ~jp_step_bit(step);
	}
}

/* The steps seen are a chain. */
static void
keep_seen(const Any *any, int64 end)
{
	JpReached	reached = {__builtin_popcountll(any->seen), any->steps->count, end, end, 0, NULL};
	int64		times[JP_STEPS_MAX];
	const JpStepEvent *event;
	int			step;

	if (!jp_may_be_better(any->best, reached.depth, end))
		return;
	reached.times = times;
	for (step = any->steps->count - 1; step >= 0; step--)
	{
		times[step] = JP_NO_TIME;
		if (!(any->seen & jp_step_bit(step)))
			continue;
		event = &any->events[any->last[step]];
		times[step] = event->at;
		if (event->at > reached.begin)
			continue;
		reached.begin = event->at;
		reached.mark = event->mark;
	}
	jp_keep_best(any->best, &reached);
}

/* Of the events so far, those that are steps of the best chain. */
static void
keep_matched(const Any *any, int64 end)
{
	JpReached	reached = {0, any->steps->count, 0, end, 0, NULL};
	Owners		owners;
	int64		times[JP_STEPS_MAX];
	int			step;

	if (!jp_may_be_better(any->best, __builtin_popcountll(any->seen), end))
		return;
	match_back(any, end, &owners);
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
match_back(const Any *any, int64 end, Owners *owners)
{
	int			most = __builtin_popcountll(any->seen);
	int			made = 0;
	uint32		passed[JP_STEPS_MAX] = {0};
	size_t		event;

	JP_CHECK_FOR_INTERRUPTS();
	owners->owned = 0;
	if (any->steps->first)
	{
		owners->first = first_event(any);
		made += match_event(any, owners->first, owners);
	}
	while (made < most && recent_before(any, passed, &event))
	{
		if (event < any->begin || (uint64) end - (uint64) any->events[event].at > any->steps->within)
			break;
		if ((any->steps->first && event == owners->first) || !match_event(any, event, owners))
			continue;
		made++;
		if (!any->steps->first)
			owners->first = event;
	}
}

/* The event before those passed, of any step. */
static bool
recent_before(const Any *any, uint32 *passed, size_t *event)
{
	uint32		most = any->steps->count;
	uint32		best = 0;
	bool		found = false;
	int			step;

	for (step = 0; step < any->steps->count; step++)
	{
		uint32		next;

		if (passed[step] == most || passed[step] == any->events_of[step])
			continue;
		next = any->recent[step][(any->events_of[step] - passed[step] - 1) % JP_STEPS_MAX];
		if (found && next < best)
			continue;
		best = next;
		found = true;
	}
	if (!found)
		return false;
	*event = best;
	for (step = 0; step < any->steps->count; step++)
		passed[step] += passed[step] < most && (any->events[best].steps & jp_step_bit(step));
	return true;
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
