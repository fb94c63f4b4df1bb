/*
 * journey_steps.c
 *		How far a journey comes along named steps.  Pure.
 *
 * For each step the walk keeps one chain that ends there, the latest, which is
 * also the one that began last: whatever can follow another can follow it.
 * Only where steps are optional and something ends chains by their last step
 * can a chain that began earlier go on where one that began later does not.
 * Each begin then has a walk of its own.
 */
#include <stdlib.h>

#include "journey_steps_internal.h"

/* A chain that ends at some step; its times are in the walk. */
typedef struct Chain
{
	int64		begin;
	int64		last;
	uint32		mark;
} Chain;

typedef struct Walk
{
	const JpSteps *steps;
	JpBest	   *best;
	bool		single;			/* one begin only, the first */
	bool		begun;
	int64		begin;			/* of the first */
	bool		alike;			/* all begins count as this one */
	int64		bound;
	uint64		made;			/* steps at which a chain ends */
	Chain		chain[JP_STEPS_MAX];
	int64		times[JP_STEPS_MAX * (JP_STEPS_MAX + 1) / 2];	/* see times_of */
} Walk;

/* Steps made at one time, by one chain. */
typedef struct Run
{
	int			from;			/* step made before, -1 for none */
	int			last;
	uint64		made;
} Run;

static void walk_parts(const JpSteps *steps, JpStepEvent *events, size_t count, JpBest *best);
static int	compare_events(const void *a, const void *b);
static void walk_part(const JpSteps *steps, const JpStepEvent *events, size_t count, JpBest *best);
static void walk_twice(Walk *walk, const JpStepEvent *events, size_t count);
static bool begins_compete(const JpSteps *steps, const JpStepEvent *events, size_t count);
static void walk_each_begin(Walk *walk, const JpStepEvent *events, size_t count);
static void walk_events(Walk *walk, const JpStepEvent *events, size_t count);
static void make_steps(Walk *walk, const JpTogether *together);
static void make_one_of(Walk *walk, const JpTogether *together);
static void make_step(Walk *walk, int step, const JpTogether *together);
static uint32 mark_of(const JpTogether *together);
static bool may_begin(Walk *walk, int64 at);
static int	step_before(const Walk *walk, int step, int64 at);
static bool may_follow(const Walk *walk, int from, int step, int64 at);
static void make_shared(Walk *walk, const JpTogether *together);
static bool last_begin(Walk *walk, JpMatch *match, const JpTogether *together, int low, int64 *begin);
static void find_run(Walk *walk, JpMatch *match, const JpTogether *together, int64 begin, Run *run);
static void add_run(Walk *walk, const Run *run, int64 at, uint32 mark);
static bool is_better(const JpBest *best, const JpReached *reached);
static void end_chains(Walk *walk, const JpTogether *together);

/* A chain to a step has as many times as there are steps up to it. */
static inline int64 *
times_of(Walk *walk, int step)
{
	return walk->times + step * (step + 1) / 2;
}

int
jp_steps_depth(const JpSteps *steps, JpStepEvent *events, size_t count,
			   int64 *times, uint32 *mark)
{
	JpBest		best;
	int			i;

	best.depth = 0;
	best.known = 0;
	if (steps->constant)
		walk_parts(steps, events, count, &best);
	else if (!jp_steps_plain(steps, events, count, &best))
		walk_part(steps, events, count, &best);
	for (i = 0; times != NULL && i < steps->count; i++)
		times[i] = i < best.known ? best.times[i] : JP_NO_TIME;
	if (mark != NULL && best.depth > 0)
		*mark = best.mark;
	return best.depth;
}

/* The best of the journeys that the properties make. */
static void
walk_parts(const JpSteps *steps, JpStepEvent *events, size_t count, JpBest *best)
{
	size_t		begin,
				end;

	qsort(events, count, sizeof(JpStepEvent), compare_events);
	for (begin = 0; begin < count; begin = end)
	{
		for (end = begin + 1; end < count && events[end].property == events[begin].property; end++)
			;
		if (events[begin].property != 0)
			walk_part(steps, events + begin, end - begin, best);
		JP_CHECK_FOR_INTERRUPTS();
	}
}

#define compare(field) \
	if (left->field != right->field) \
		return left->field < right->field ? -1 : 1

static int
compare_events(const void *a, const void *b)
{
	const JpStepEvent *left = (const JpStepEvent *) a;
	const JpStepEvent *right = (const JpStepEvent *) b;

	compare(property);
	compare(at);
	compare(steps);
	compare(excluded);
	compare(mark);
	return 0;
}

static void
walk_part(const JpSteps *steps, const JpStepEvent *events, size_t count, JpBest *best)
{
	Walk		walk;

	if (steps->order == JP_ANY)
	{
		jp_steps_any(steps, events, count, best);
		return;
	}
	walk.steps = steps;
	walk.best = best;
	walk.single = steps->first;
	walk.alike = false;
	if (steps->optional != 0)
		walk_twice(&walk, events, count);
	else
		walk_events(&walk, events, count);
}

/*
 * With optional steps, the chain that began last need not be the one that
 * leaves out the fewest: first how deep and when, then the best chain of those
 * that began in time for that.
 */
static void
walk_twice(Walk *walk, const JpStepEvent *events, size_t count)
{
	const JpSteps *steps = walk->steps;
	JpBest	   *best = walk->best;
	JpBest		found;
	size_t		begin = 0;
	size_t		end;

	found.depth = 0;
	walk->best = &found;
	if (begins_compete(steps, events, count))
		walk_each_begin(walk, events, count);
	else
		walk_events(walk, events, count);
	if (found.depth == 0 || !jp_may_be_better(best, found.depth, found.end))
		return;
	while ((uint64) found.end - (uint64) events[begin].at > steps->within)
		begin++;
	for (end = begin; end < count && events[end].at <= found.end; end++)
		;
	walk->best = best;
	walk->single = steps->first;
	walk->alike = true;
	walk->bound = events[begin].at;
	walk_events(walk, events + begin, end - begin);
}

/* Whether something ends only some of the chains that could make a step next. */
static bool
begins_compete(const JpSteps *steps, const JpStepEvent *events, size_t count)
{
	uint64		all = jp_step_bit(steps->count - 1) - 1;
	size_t		i;

	if (steps->optional == 0 || steps->first || steps->order == JP_STRICT)
		return false;
	for (i = 0; i < count; i++)
		if ((events[i].excluded & all) != 0 && (events[i].excluded & all) != all)
			return true;
	return false;
}

static void
walk_each_begin(Walk *walk, const JpStepEvent *events, size_t count)
{
	const JpBest *best = walk->best;
	JpTogether	together;
	size_t		i;

	walk->single = true;
	for (i = 0; i < count; i += together.count)
	{
		jp_take_together(&together, events + i, count - i);
		if (best->depth == walk->steps->count && together.at > best->end)
			break;
		if (!(together.steps & 1))
			continue;
		walk_events(walk, events + i, count - i);
		JP_CHECK_FOR_INTERRUPTS();
	}
}

static void
walk_events(Walk *walk, const JpStepEvent *events, size_t count)
{
	const JpSteps *steps = walk->steps;
	const JpBest *best = walk->best;
	JpTogether	together;
	size_t		i;

	walk->begun = false;
	walk->made = 0;
	for (i = 0; i < count; i += together.count)
	{
		jp_take_together(&together, events + i, count - i);
		if (best->depth == steps->count && together.at > best->end)
			break;
		if (walk->single && walk->begun &&
			(walk->made == 0 || (uint64) together.at - (uint64) walk->begin > steps->within))
			break;
		if (!together.shared)
			make_steps(walk, &together);
		else if (together.count == 1)
			make_one_of(walk, &together);
		else
			make_shared(walk, &together);
		if (together.excluded != 0 || steps->order == JP_STRICT)
			end_chains(walk, &together);
	}
}

/* Events that can be one step each: a step may follow that of another. */
static void
make_steps(Walk *walk, const JpTogether *together)
{
	uint64		left;

	for (left = together->steps; left != 0; left &= left - 1)
		make_step(walk, jp_lowest_step(left), together);
}

/* One event that can be several steps: no step may follow another of it. */
static void
make_one_of(Walk *walk, const JpTogether *together)
{
	uint64		left = together->steps;

	while (left != 0)
	{
		int			step = jp_highest_step(left);

		make_step(walk, step, together);
		left &= ~jp_step_bit(step);
	}
}

static void
make_step(Walk *walk, int step, const JpTogether *together)
{
	Run			run = {-1, step, jp_step_bit(step)};

	if (step == 0)
	{
		if (may_begin(walk, together->at))
			add_run(walk, &run, together->at, mark_of(together));
		return;
	}
	run.from = step_before(walk, step, together->at);
	if (run.from >= 0)
		add_run(walk, &run, together->at, 0);
}

/* Of an event that can begin a chain. */
static uint32
mark_of(const JpTogether *together)
{
	const JpStepEvent *event = together->events + together->count - 1;

	while (!(event->steps & 1))
		event--;
	return event->mark;
}

static bool
may_begin(Walk *walk, int64 at)
{
	if (walk->single && walk->begun)
		return at == walk->begin;
	walk->begun = true;
	walk->begin = at;
	return true;
}

/* The step, the nearest, after which the chain that began last makes this one; or -1. */
static int
step_before(const Walk *walk, int step, int64 at)
{
	int			best = -1;
	int			from;

	for (from = step - 1; from >= 0; from--)
	{
		if (may_follow(walk, from, step, at) &&
			(best < 0 || walk->chain[from].begin > walk->chain[best].begin))
			best = from;
		if (!(walk->steps->optional & jp_step_bit(from)))
			break;
	}
	return best;
}

static bool
may_follow(const Walk *walk, int from, int step, int64 at)
{
	const Chain *chain = &walk->chain[from];

	return (walk->made & jp_step_bit(from)) &&
		(uint64) at - (uint64) chain->begin <= walk->steps->within &&
		(uint64) at - (uint64) chain->last <= walk->steps->step_within[step];
}

/*
 * Several events, of which some can be several steps.  Each run of steps at
 * this time follows a chain to a step before it, as that was before this time:
 * the last steps go first.
 */
static void
make_shared(Walk *walk, const JpTogether *together)
{
	JpMatch		match;
	Run			run;
	uint64		left = together->steps;
	int64		begin;

	jp_match_list(&match, together);
	while (left != 0)
	{
		JP_CHECK_FOR_INTERRUPTS();
		run.last = jp_highest_step(left);
		left &= ~jp_step_bit(run.last);
		match.done = 0;
		jp_match_step(&match, run.last);
		if (!last_begin(walk, &match, together, run.last, &begin))
			continue;
		find_run(walk, &match, together, begin, &run);
		add_run(walk, &run, together->at,
				run.from < 0 ? together->events[match.event[match.taken[0]]].mark : 0);
	}
}

/*
 * The last begin of chains that make the matched steps at this time, of which
 * low is the first; false for none.  The match stays as it is.
 */
static bool
last_begin(Walk *walk, JpMatch *match, const JpTogether *together, int low, int64 *begin)
{
	uint64		before = match->done;
	bool		found = false;
	int			first;
	int			from;

	for (first = low; first > 0; first--)
	{
		uint64		bit = jp_step_bit(first);
		bool		may_skip = first < low && (walk->steps->optional & bit);

		if (first < low && (!(together->steps & bit) || !jp_match_step(match, first)))
		{
			if (may_skip)
				continue;
			break;
		}
		from = step_before(walk, first, together->at);
		if (from >= 0 && (!found || walk->chain[from].begin > *begin))
		{
			*begin = walk->chain[from].begin;
			found = true;
		}
		if (may_skip)
			match->done &= ~bit;
	}
	if (first == 0 &&
		(low == 0 || ((together->steps & 1) && jp_match_step(match, 0))) &&
		may_begin(walk, together->at))
	{
		*begin = walk->alike ? walk->bound : together->at;
		found = true;
	}
	match->done = before;
	return found;
}

/* The run with a begin whose steps, from the last back, are made and made late. */
static void
find_run(Walk *walk, JpMatch *match, const JpTogether *together, int64 begin, Run *run)
{
	int			low = run->last;
	int64		other;

	for (run->from = low - 1; run->from >= 0; run->from--)
	{
		uint64		bit = jp_step_bit(run->from);

		if ((together->steps & bit) && jp_match_step(match, run->from))
		{
			if (last_begin(walk, match, together, run->from, &other) && other == begin)
			{
				low = run->from;
				continue;
			}
			match->done &= ~bit;
		}
		if (may_follow(walk, run->from, low, together->at) &&
			walk->chain[run->from].begin == begin)
			break;
	}
	run->made = match->done;
}

/* A chain with the steps of a run, in place of the one to its last step. */
static void
add_run(Walk *walk, const Run *run, int64 at, uint32 mark)
{
	Chain	   *chain = &walk->chain[run->last];
	int64	   *times = times_of(walk, run->last);
	int			step;

	if (run->from < 0)
	{
		chain->begin = walk->alike ? walk->bound : at;
		chain->mark = mark;
	}
	else
	{
		const int64 *from = times_of(walk, run->from);

		*chain = walk->chain[run->from];
		for (step = 0; step <= run->from; step++)
			times[step] = from[step];
	}
	for (step = run->from + 1; step <= run->last; step++)
		times[step] = run->made & jp_step_bit(step) ? at : JP_NO_TIME;
	chain->last = at;
	walk->made |= jp_step_bit(run->last);
	if (jp_may_be_better(walk->best, run->last + 1, at))
	{
		JpReached	reached = {run->last + 1, run->last + 1, 0, at, chain->mark, times};

		jp_keep_best(walk->best, &reached);
	}
}

void
jp_keep_best(JpBest *best, const JpReached *reached)
{
	int			i;

	if (reached->depth == best->depth && !is_better(best, reached))
		return;
	best->depth = reached->depth;
	best->known = reached->known;
	best->begin = reached->begin;
	best->end = reached->end;
	best->mark = reached->mark;
	for (i = 0; i < reached->known; i++)
		best->times[i] = reached->times[i];
}

/* Of two chains of one depth: there first, begun last, steps from the last back made, and late. */
static bool
is_better(const JpBest *best, const JpReached *reached)
{
	int			i;

	if (reached->end != best->end)
		return reached->end < best->end;
	if (reached->begin != best->begin)
		return reached->begin > best->begin;
	for (i = best->known - 1; i >= 0; i--)
		if (reached->times[i] != best->times[i])
			return best->times[i] == JP_NO_TIME ||
				(reached->times[i] != JP_NO_TIME && reached->times[i] > best->times[i]);
	return false;
}

/* Chains that something excluded follows. */
static void
end_chains(Walk *walk, const JpTogether *together)
{
	uint64		left = walk->made;

	if (walk->steps->order != JP_STRICT)
		left &= together->excluded;
	for (; left != 0; left &= left - 1)
	{
		int			step = jp_lowest_step(left);

		if (walk->chain[step].last < together->at)
			walk->made &= ~jp_step_bit(step);
	}
}
