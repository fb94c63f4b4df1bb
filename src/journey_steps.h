/*
 * journey_steps.h
 *		How far a journey comes along named steps, with the options that product
 *		tools have.  Pure.
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
	bool		first;			/* chains begin with the first event only that is a first step */
	bool		constant;		/* all steps of a chain have the same property */
	uint64		optional;		/* steps that may be left out; not the first */
	uint64		within;			/* from the first step to any other */
	uint64		step_within[JP_STEPS_MAX];	/* from the step made before */
} JpSteps;

/* An event as the steps see it. */
typedef struct JpStepEvent
{
	int64		at;
	uint64		steps;			/* that it can be, the first as bit 0 */
	uint64		excluded;		/* bit i: it ends chains that have made step i and not yet step i + 1 */
	uint32		property;		/* held constant; 0: none, and the event is no step then */
	uint32		mark;			/* the caller's */
} JpStepEvent;

/*
 * The deepest step that a chain of events, ordered by time, reaches: 0 for
 * none; with JP_ANY how many steps were made.  times gets count times, of the
 * chain that got there first, JP_NO_TIME for steps that were not made; mark,
 * unless NULL, that of the event which began it.
 */
extern int	jp_steps_depth(const JpSteps *steps, const JpStepEvent *events,
						   size_t count, int64 *times, uint32 *mark);

#endif							/* JP_JOURNEY_STEPS_H */
