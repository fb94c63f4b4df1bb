/*
 * journey_steps.c
 *		How far a journey comes along named steps.  Pure.
 *
 * For each step the walk keeps one chain that ends there: of those that began
 * last, the one whose last step is the latest.  Whatever can follow another
 * can follow it.  That is so because a later chain to a step never began
 * earlier, which ceases to hold where optional steps meet bounds other than
 * the one from the begin; each begin then has a walk of its own, in which
 * the latest step is best.
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
	uint64		made;			/* steps at which a chain ends */
	Chain		chain[JP_STEPS_MAX];
	int64		times[JP_STEPS_MAX * (JP_STEPS_MAX + 1) / 2];	/* see times_of */
} Walk;

/* Steps made at one time, by one chain. */
typedef struct Run
{
	int			from;			/* step made before, -1 for none */
	int			first;
	int			last;
	uint64		made;
} Run;

static void walk_parts(const JpSteps *steps, JpStepEvent *events, size_t count, JpBest *best);
static int	compare_events(const void *a, const void *b);
static void walk_part(const JpSteps *steps, const JpStepEvent *events, size_t count, JpBest *best);
static bool begins_compete(const JpSteps *steps, const JpStepEvent *events, size_t count);
static void walk_each_begin(Walk *walk, const JpStepEvent *events, size_t count);
static void walk_events(Walk *walk, const JpStepEvent *events, size_t count);
static void make_steps(Walk *walk, const JpTogether *together);
static void make_one_of(Walk *walk, const JpTogether *together);
static void make_step(Walk *walk, int step, const JpTogether *together);
static uint32 mark_of(const JpTogether *together);
static bool may_begin(Walk *walk, int64 at);
static int	step_before(const Walk *walk, int step, int64 at);
static bool later_chain(const Chain *a, const Chain *b);
static void make_shared(Walk *walk, const JpTogether *together);
static bool find_run(Walk *walk, JpMatch *match, const JpTogether *together, int last, Run *run);
static bool better_run(const Walk *walk, const Run *run, int from);
static void fill_run(const Walk *walk, JpMatch *match, const JpTogether *together, Run *run);
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
	else
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
	if (begins_compete(steps, events, count))
		walk_each_begin(&walk, events, count);
	else
		walk_events(&walk, events, count);
}

/* Whether a chain that began earlier can outlive one that began later. */
static bool
begins_compete(const JpSteps *steps, const JpStepEvent *events, size_t count)
{
	uint64		excluded = 0;
	size_t		i;
	int			step;

	if (steps->optional == 0 || steps->first)
		return false;
	if (steps->order == JP_STRICT)
		return true;
	for (step = 1; step < steps->count; step++)
		if (steps->step_within[step] != JP_NO_BOUND)
			return true;
	for (i = 0; i < count; i++)
		excluded |= events[i].excluded;
	return excluded != 0;
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
	Run			run = {-1, step, step, jp_step_bit(step)};

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

/* Of the first event that can begin a chain. */
static uint32
mark_of(const JpTogether *together)
{
	const JpStepEvent *event = together->events;

	while (!(event->steps & 1))
		event++;
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

/* The step after which a chain makes this one best, or -1. */
static int
step_before(const Walk *walk, int step, int64 at)
{
	const JpSteps *steps = walk->steps;
	int			best = -1;
	int			from;

	for (from = step - 1; from >= 0; from--)
	{
		const Chain *chain = &walk->chain[from];

		if ((walk->made & jp_step_bit(from)) &&
			(uint64) at - (uint64) chain->begin <= steps->within &&
			(uint64) at - (uint64) chain->last <= steps->step_within[step] &&
			(best < 0 || later_chain(chain, &walk->chain[best])))
			best = from;
		if (!(steps->optional & jp_step_bit(from)))
			break;
	}
	return best;
}

static bool
later_chain(const Chain *a, const Chain *b)
{
	return a->begin > b->begin || (a->begin == b->begin && a->last > b->last);
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

	jp_match_list(&match, together);
	while (left != 0)
	{
		int			last = jp_highest_step(left);

		left &= ~jp_step_bit(last);
		if (!find_run(walk, &match, together, last, &run))
			continue;
		fill_run(walk, &match, together, &run);
		add_run(walk, &run, together->at,
				run.first == 0 ? together->events[match.event[0]].mark : 0);
	}
}

/* The run up to a step that makes the best chain. */
static bool
find_run(Walk *walk, JpMatch *match, const JpTogether *together, int last, Run *run)
{
	bool		found = false;
	int			first;
	int			from;

	match->done = 0;
	for (first = last; first >= 0; first--)
	{
		uint64		bit = jp_step_bit(first);
		bool		may_skip = first < last && (walk->steps->optional & bit);

		if (!(together->steps & bit) || !jp_match_step(match, first))
		{
			if (may_skip)
				continue;
			break;
		}
		from = first == 0 ? -1 : step_before(walk, first, together->at);
		if (first == 0 ? may_begin(walk, together->at) :
			from >= 0 && (!found || better_run(walk, run, from)))
		{
			*run = (Run) {from, first, last, 0};
			found = true;
		}
		if (may_skip)
			match->done &= ~bit;
	}
	return found;
}

static bool
better_run(const Walk *walk, const Run *run, int from)
{
	return later_chain(&walk->chain[from], &walk->chain[run->from]);
}

/* Gives the steps of a run their events, optional ones as there are some left. */
static void
fill_run(const Walk *walk, JpMatch *match, const JpTogether *together, Run *run)
{
	uint64		optional = walk->steps->optional;
	int			step;

	match->done = 0;
	for (step = run->first; step <= run->last; step++)
		if (step == run->first || step == run->last || !(optional & jp_step_bit(step)))
			jp_match_step(match, step);
	for (step = run->last - 1; step > run->first; step--)
		if (optional & together->steps & jp_step_bit(step))
			jp_match_step(match, step);
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
		chain->begin = at;
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
		JpReached	reached = {run->last + 1, run->last + 1, chain->begin, at, chain->mark, times};

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

/* Of two chains of one depth: there first, begun last, of parts alike later times. */
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
