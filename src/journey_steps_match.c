/*
 * journey_steps_match.c
 *		Which events are which steps, when each may be one only (Kuhn's
 *		algorithm, from either side).  Pure.
 */
#include "journey_steps_internal.h"

static bool match_seeing(JpMatch *match, int step, uint64 *seen);
static int	owner_of(const JpMatch *match, uint32 event);

/* With JP_STEPS_MAX events for a step, one of them is always free. */
void
jp_match_list(JpMatch *match, const JpTogether *together)
{
	size_t		i;
	uint64		left;

	memset(match->listed, 0, sizeof(match->listed));
	match->done = 0;
	for (i = 0; i < together->count; i++)
		for (left = together->events[i].steps; left != 0; left &= left - 1)
		{
			int			step = jp_lowest_step(left);

			if (match->listed[step] < JP_STEPS_MAX)
				match->list[step][match->listed[step]++] = (uint32) i;
		}
}

bool
jp_match_step(JpMatch *match, int step)
{
	uint64		seen = 0;

	return match_seeing(match, step, &seen);
}

/* Gives a step an event, moving others' when need be. */
static bool
match_seeing(JpMatch *match, int step, uint64 *seen)
{
	int			i;

	*seen |= jp_step_bit(step);
	for (i = 0; i < match->listed[step]; i++)
	{
		int			owner = owner_of(match, match->list[step][i]);

		if (owner >= 0 && ((*seen & jp_step_bit(owner)) || !match_seeing(match, owner, seen)))
			continue;
		match->event[step] = match->list[step][i];
		match->done |= jp_step_bit(step);
		return true;
	}
	return false;
}

/* The step that has an event, or -1. */
static int
owner_of(const JpMatch *match, uint32 event)
{
	uint64		left;

	for (left = match->done; left != 0; left &= left - 1)
		if (match->event[jp_lowest_step(left)] == event)
			return jp_lowest_step(left);
	return -1;
}

bool
jp_match_event(const JpStepEvent *events, size_t event, size_t *owner,
			   uint64 *owned, uint64 *seen)
{
	uint64		left;

	while ((left = events[event].steps & ~*seen) != 0)
	{
		int			step = jp_lowest_step(left);

		*seen |= jp_step_bit(step);
		if (!(*owned & jp_step_bit(step)) ||
			jp_match_event(events, owner[step], owner, owned, seen))
		{
			owner[step] = event;
			*owned |= jp_step_bit(step);
			return true;
		}
	}
	return false;
}
