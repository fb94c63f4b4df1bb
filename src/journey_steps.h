/*
 * journey_steps.h
 *		How far a journey comes along named steps, with the options that product
 *		tools have.  Pure.
 *
 * A chain is a way through events of which each is one step only, in order of
 * time; events of one time are in whatever order suits the chain, and what
 * happens at the very time of a step is neither before nor after it.
 */
#ifndef JP_JOURNEY_STEPS_H
#define JP_JOURNEY_STEPS_H

#include "journey_funnel.h"

/* Not a time: the step was not made. */
#define JP_NO_TIME	(INT64_MAX - 1)

/* No bound on a time. */
#define JP_NO_BOUND	UINT64_MAX

typedef enum JpOrder
{
	JP_ORDERED,					/* other events may come in between */
	JP_STRICT,					/* no other event, of those given, in between */
	JP_ANY						/* in any order */
} JpOrder;

typedef struct JpSteps
{
	int			count;
	JpOrder		order;
	bool		first;			/* chains begin at the time of the first event only that can begin one */
	bool		constant;		/* each property has a journey of its own; the best counts */
	uint64		optional;		/* steps that may be left out; not the first, and none in any order */
	uint64		within;			/* from the first step made to any other */
	uint64		step_within[JP_STEPS_MAX];	/* from the step made before; no bounds in any order */
} JpSteps;

/* An event as the steps see it. */
typedef struct JpStepEvent
{
	int64		at;
	uint64		steps;			/* that it can be, the first as bit 0 */
	uint64		excluded;		/* bit i: it ends chains whose last step so far is i; in any order, all chains */
	uint32		property;		/* held constant; 0: none, and no part of any journey */
	uint32		mark;			/* the caller's */
} JpStepEvent;

/*
 * The deepest step that a chain of events, ordered by time, reaches: 0 for
 * none; with JP_ANY how many steps were made.  Of the deepest chains it is the
 * one that got there first, and of those the one whose steps, from the last
 * back, are made rather than left out, and late; with JP_ANY of those the one
 * that began last.  Its times, count of them, go to times, JP_NO_TIME for
 * steps not made, and the mark of the event that began it to mark, both unless
 * NULL.  Where events of one time differ only in their marks, or for JP_ANY,
 * their order decides between what is left.  With constant, the events come
 * back in another order.
 */
extern int	jp_steps_depth(const JpSteps *steps, JpStepEvent *events,
						   size_t count, int64 *times, uint32 *mark);

#endif							/* JP_JOURNEY_STEPS_H */
