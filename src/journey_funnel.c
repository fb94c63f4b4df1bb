/*
 * journey_funnel.c
 *		The deepest step of a funnel that a journey reaches.  Pure.
 *
 * For each step the walk keeps, of the chains that end there, the one that
 * began last: whatever can follow another can follow it.  Moments of one time
 * are taken together, their steps in order.
 */
#include "journey_funnel.h"

/* A chain that ends at some step. */
typedef struct Chain
{
	bool		made;
	int64		begin;
	int64		times[JP_STEPS_MAX];
} Chain;

/* Moments of one time. */
typedef struct Group
{
	const JpMoment *moments;
	size_t		count;
	uint64		steps;			/* of any of them */
	uint64		repeated;		/* of more than one */
	bool		stray;			/* one of them is no step */
	bool		shared;			/* one of them can be several */
} Group;

/* Which moment of a group is which step, when each may be one only. */
typedef struct Match
{
	size_t		moment[JP_STEPS_MAX][JP_STEPS_MAX];	/* that can be the step */
	int			moments[JP_STEPS_MAX];
	size_t		taken[JP_STEPS_MAX];
	uint64		done;			/* steps that have a moment */
} Match;

typedef struct Walk
{
	const JpFunnel *funnel;
	int64	   *times;
	int			depth;
	Chain		chain[JP_STEPS_MAX];
	Chain		before[JP_STEPS_MAX];	/* as it was before the group */
	uint64		changed;				/* steps for which before is set */
	Match		match;
} Walk;

static void take_group(Group *group, const JpMoment *moments, size_t count);
static bool walk_group(Walk *walk, const Group *group);
static int	first_of_run(Walk *walk, int first, int step, const Group *group);
static void extend_chain(Walk *walk, int first, int step, int64 at);
static void list_moments(Match *match, const Group *group);
static bool match_step(Match *match, int step, uint64 *seen);
static int	owner_of(const Match *match, size_t moment);
static void copy_chain(const Walk *walk, Chain *to, const Chain *from, int steps);

int
jp_funnel_depth(const JpFunnel *funnel, const JpMoment *moments, size_t count,
				int64 *times)
{
	Walk		walk;
	Group		group;
	size_t		i;
	int			step;

	walk.funnel = funnel;
	walk.times = times;
	walk.depth = 0;
	for (step = 0; step < funnel->steps; step++)
		walk.chain[step].made = false;
	for (i = 0; i < count && walk.depth < funnel->steps; i += group.count)
	{
		take_group(&group, moments + i, count - i);
		if (!walk_group(&walk, &group))
			break;
	}
	return walk.depth;
}

/* The moments of the first one's time. */
static void
take_group(Group *group, const JpMoment *moments, size_t count)
{
	uint64		steps;

	memset(group, 0, sizeof(*group));
	group->moments = moments;
	while (group->count < count && moments[group->count].at == moments[0].at)
	{
		steps = moments[group->count++].steps;
		group->repeated |= group->steps & steps;
		group->steps |= steps;
		group->stray |= steps == 0;
		group->shared |= (steps & (steps - 1)) != 0;
	}
}

/* Takes a group into the chains; false when a strict mode ends the walk. */
static bool
walk_group(Walk *walk, const Group *group)
{
	int			modes = walk->funnel->modes;
	int			first = 0;
	int			step;
	uint64		bit;

	if ((modes & JP_STRICT_ORDER) && group->stray && walk->depth > 0)
		return false;
	walk->changed = 0;
	if ((modes & JP_STRICT_ONCE) && group->shared)
		list_moments(&walk->match, group);
	for (step = 0; step < walk->funnel->steps; step++)
	{
		bit = (uint64) 1 << step;
		if (!(group->steps & bit))
			continue;
		if (step > 0 && (modes & JP_STRICT_DEDUPLICATION) && walk->chain[step].made)
			return false;
		if (step > 0 && (modes & JP_STRICT_ORDER) && walk->depth > 0 &&
			!walk->chain[step - 1].made)
			return false;
		first = first_of_run(walk, first, step, group);
		extend_chain(walk, first, step, group->moments[0].at);
		if (step > 0 && (modes & JP_STRICT_DEDUPLICATION) &&
			(group->repeated & bit) && walk->chain[step].made)
			return false;
	}
	return true;
}

/*
 * The first of the steps up to this one that can be made at the group's time
 * by one chain, given the first of the step before.
 */
static int
first_of_run(Walk *walk, int first, int step, const Group *group)
{
	uint64		seen = 0;

	if (walk->funnel->modes & JP_STRICT_INCREASE)
		return step;
	if (step == 0 || !(group->steps & (uint64) 1 << (step - 1)))
	{
		first = step;
		walk->match.done = 0;
	}
	if (!(walk->funnel->modes & JP_STRICT_ONCE) || !group->shared)
		return first;
	while (!match_step(&walk->match, step, &seen))
	{
		walk->match.done &= ~((uint64) 1 << first++);
		seen = 0;
	}
	return first;
}

/* The chain to the step before first, with the steps from there to step. */
static void
extend_chain(Walk *walk, int first, int step, int64 at)
{
	Chain	   *chain = &walk->chain[step];
	const Chain *from = NULL;
	int			i;

	if (first > 0)
	{
		from = walk->changed & (uint64) 1 << (first - 1) ?
			&walk->before[first - 1] : &walk->chain[first - 1];
		if (!from->made || (uint64) at - (uint64) from->begin > walk->funnel->within)
			return;
	}
	walk->before[step].made = chain->made;
	if (chain->made)
		copy_chain(walk, &walk->before[step], chain, step + 1);
	walk->changed |= (uint64) 1 << step;
	if (from != NULL)
		copy_chain(walk, chain, from, first);
	else
		chain->begin = at;
	chain->made = true;
	for (i = first; walk->times != NULL && i <= step; i++)
		chain->times[i] = at;
	if (step + 1 > walk->depth)
	{
		walk->depth = step + 1;
		if (walk->times != NULL)
			memcpy(walk->times, chain->times, walk->depth * sizeof(int64));
	}
}

/* Lists for each step moments that can be it; with JP_STEPS_MAX one is free. */
static void
list_moments(Match *match, const Group *group)
{
	size_t		i;
	int			step;

	memset(match->moments, 0, sizeof(match->moments));
	match->done = 0;
	for (i = 0; i < group->count; i++)
		for (step = 0; step < JP_STEPS_MAX && group->moments[i].steps >> step != 0; step++)
			if ((group->moments[i].steps >> step & 1) &&
				match->moments[step] < JP_STEPS_MAX)
				match->moment[step][match->moments[step]++] = i;
}

/* Gives a step a moment, moving others' when need be (Kuhn's algorithm). */
static bool
match_step(Match *match, int step, uint64 *seen)
{
	int			i;
	int			owner;

	*seen |= (uint64) 1 << step;
	for (i = 0; i < match->moments[step]; i++)
	{
		owner = owner_of(match, match->moment[step][i]);
		if (owner >= 0 && ((*seen >> owner & 1) || !match_step(match, owner, seen)))
			continue;
		match->taken[step] = match->moment[step][i];
		match->done |= (uint64) 1 << step;
		return true;
	}
	return false;
}

/* The step that has a moment, or -1. */
static int
owner_of(const Match *match, size_t moment)
{
	int			step;

	for (step = 0; step < JP_STEPS_MAX; step++)
		if ((match->done >> step & 1) && match->taken[step] == moment)
			return step;
	return -1;
}

static void
copy_chain(const Walk *walk, Chain *to, const Chain *from, int steps)
{
	to->begin = from->begin;
	if (walk->times != NULL)
		memcpy(to->times, from->times, steps * sizeof(int64));
}
