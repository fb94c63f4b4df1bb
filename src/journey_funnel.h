/*
 * journey_funnel.h
 *		The deepest step of a funnel that a journey reaches.  Pure.
 */
#ifndef JP_JOURNEY_FUNNEL_H
#define JP_JOURNEY_FUNNEL_H

#include "pure.h"

/* A funnel has at most so many steps: the bits of a moment. */
#define JP_STEPS_MAX	64

/* Modes, combinable. */
#define JP_STRICT_DEDUPLICATION	1
#define JP_STRICT_ORDER			2
#define JP_STRICT_INCREASE		4
#define JP_STRICT_ONCE			8

/* An event: when, in any unit, and the steps that it can be, the first as bit 0. */
typedef struct JpMoment
{
	int64		at;
	uint64		steps;
} JpMoment;

typedef struct JpFunnel
{
	int			steps;
	int			modes;
	uint64		within;			/* in the unit of the moments */
} JpFunnel;

/*
 * The deepest step, 0 for none, of moments ordered by time.  With times, when
 * each step of the chain that first reached it was made; JP_STEPS_MAX of them.
 */
extern int	jp_funnel_depth(const JpFunnel *funnel, const JpMoment *moments,
							size_t count, int64 *times);

#endif							/* JP_JOURNEY_FUNNEL_H */
