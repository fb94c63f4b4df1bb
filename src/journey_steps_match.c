/*
 * journey_steps_match.c
 *		Which events are which steps, when each may be one only (Kuhn's
 *		algorithm, from either side).  Pure.
 */
#include "journey_steps_internal.h"

static bool match_seeing(JpMatch *match, int step, uint64 *seen);
static bool is_free(const JpMatch *match, int candidate);
static bool take(JpMatch *match, int step, int candidate);

/* With JP_STEPS_MAX events for a step, one of them is always free. */
void
jp_match_list(JpMatch *match, const JpTogether *together)
{
	size_t		i;

	memset(match->listed, 0, sizeof(match->listed));
	match->candidates = 0;
	match->done = 0;
	for (i = 0; i < together->count; i++)
	{
		uint64		left = together->events[i].steps;
		bool		listed = false;

		for (; left != 0; left &= left - 1)
		{
			int			step = jp_lowest_step(left);

			if (match->listed[step] == JP_STEPS_MAX)
				continue;
			match->list[step][match->listed[step]++] = (uint16) match->candidates;
			listed = true;
		}
		if (!listed)
			continue;
		match->owner[match->candidates] = 0;
		match->event[match->candidates++] = (uint32) i;
	}
}

bool
jp_match_step(JpMatch *match, int step)
{
	uint64		seen = 0;

	return match_seeing(match, step, &seen);
}

/* Gives a step a candidate that is free, or else one of a step that can have another. */
static bool
match_seeing(JpMatch *match, int step, uint64 *seen)
{
	const uint16 *list = match->list[step];
	int			i;

	*seen |= jp_step_bit(step);
	for (i = 0; i < match->listed[step]; i++)
		if (is_free(match, list[i]))
			return take(match, step, list[i]);
	for (i = 0; i < match->listed[step]; i++)
		if (!(*seen & jp_step_bit(match->owner[list[i]])) &&
			match_seeing(match, match->owner[list[i]], seen))
			return take(match, step, list[i]);
	return false;
}

static bool
is_free(const JpMatch *match, int candidate)
{
	int			owner = match->owner[candidate];

	return !(match->done & jp_step_bit(owner)) || match->taken[owner] != candidate;
}

static bool
take(JpMatch *match, int step, int candidate)
{
	match->owner[candidate] = (uint8) step;
	match->taken[step] = (uint16) candidate;
	match->done |= jp_step_bit(step);
	return true;
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
