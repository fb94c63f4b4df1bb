/*
 * journey_steps_internal.h
 *		What the files of the steps of a journey share.  Pure.
 */
#ifndef JP_JOURNEY_STEPS_INTERNAL_H
#define JP_JOURNEY_STEPS_INTERNAL_H

#include "journey_steps.h"

/* The best chain so far. */
typedef struct JpBest
{
	int			depth;
	int			known;			/* times that are set */
	int64		begin;
	int64		end;
	uint32		mark;
	int64		times[JP_STEPS_MAX];
} JpBest;

/* A chain that may be better. */
typedef struct JpReached
{
	int			depth;
	int			known;
	int64		begin;			/* 0 where it is not asked */
	int64		end;
	uint32		mark;
	const int64 *times;
} JpReached;

/* Events of one time. */
typedef struct JpTogether
{
	const JpStepEvent *events;
	size_t		count;
	int64		at;
	uint64		steps;			/* of any of them */
	uint64		excluded;
	bool		shared;			/* one of them can be several steps */
} JpTogether;

/* Of one time, events that can be steps. */
#define JP_CANDIDATES_MAX	(JP_STEPS_MAX * JP_STEPS_MAX)

/* Which event is which step, when each may be one only. */
typedef struct JpMatch
{
	int			candidates;
	uint32		event[JP_CANDIDATES_MAX];	/* each candidate is */
	uint8		owner[JP_CANDIDATES_MAX];	/* step that took it last */
	int			listed[JP_STEPS_MAX];
	uint16		list[JP_STEPS_MAX][JP_STEPS_MAX];	/* candidates for the step */
	uint16		taken[JP_STEPS_MAX];	/* by the step */
	uint64		done;			/* steps that have a candidate; the caller may take some back */
} JpMatch;

#define jp_step_bit(step)	((uint64) 1 << (step))
#define jp_lowest_step(steps)	__builtin_ctzll(steps)
#define jp_highest_step(steps)	(63 - __builtin_clzll(steps))

/* The first of the events and those of its time. */
static inline void
jp_take_together(JpTogether *together, const JpStepEvent *events, size_t count)
{
	uint64		steps = events->steps;

	together->events = events;
	together->count = 1;
	together->at = events->at;
	together->steps = steps;
	together->excluded = events->excluded;
	together->shared = (steps & (steps - 1)) != 0;
	while (together->count < count && events[together->count].at == events->at)
	{
		steps = events[together->count].steps;
		together->steps |= steps;
		together->excluded |= events[together->count++].excluded;
		together->shared |= (steps & (steps - 1)) != 0;
	}
}

/* journey_steps_match.c: lists who can be what; gives a step an event or changes nothing. */
extern void jp_match_list(JpMatch *match, const JpTogether *together);
extern bool jp_match_step(JpMatch *match, int step);

/* Makes an event a step, by the steps' owners, or changes nothing. */
extern bool jp_match_event(const JpStepEvent *events, size_t event,
						   size_t *owner, uint64 *owned, uint64 *seen);

/*
 * journey_steps_plain.c: the best chain, with an empty best to begin with;
 * false when the question or an event is not plain enough.
 */
extern bool jp_steps_plain(const JpSteps *steps, const JpStepEvent *events,
						   size_t count, JpBest *best);

/* journey_steps_any.c: jp_steps_depth in any order, for one property. */
extern void jp_steps_any(const JpSteps *steps, const JpStepEvent *events,
						 size_t count, JpBest *best);

/* journey_steps.c: deepest, there first, begun last; alike, steps from the last back made, and late. */
extern void jp_keep_best(JpBest *best, const JpReached *reached);

/* Whether a chain may be better that comes so far at a time. */
static inline bool
jp_may_be_better(const JpBest *best, int depth, int64 end)
{
	return depth > best->depth || (depth == best->depth && end <= best->end);
}

#endif							/* JP_JOURNEY_STEPS_INTERNAL_H */
