/*
 * sequence_wait.h
 *		Who waits for a span of time to pass, and which of them may go on.  Pure.
 */
#ifndef JP_SEQUENCE_WAIT_H
#define JP_SEQUENCE_WAIT_H

#include "journey_funnel.h"
#include "sequence_list.h"
#include "sequence_pattern.h"

/* One who waits: the event from which time runs, and its list. */
typedef struct JpWaiter
{
	uint32		base;
	uint32		list;
} JpWaiter;

/*
 * Those who wait at one time condition.  All by base; of those that are due
 * only the ones that no later one is as good as.
 */
typedef struct JpWait
{
	const JpSpan *span;
	JpWaiter   *waiter;
	uint32		due;			/* those who have waited long enough */
	uint32		due_end;
	uint32		early;			/* those who have not */
	uint32		early_end;
	uint32		room;
} JpWait;

/* All who wait in a run. */
typedef struct JpWaits
{
	const JpSequenceHost *host;
	const JpMoment *moments;
	JpLists    *lists;			/* NULL: all lists are the same */
	JpWait	   *wait;
	uint32		count;
	uint32		room;			/* of all together */
	bool		full;			/* there was no room for one who waits */
} JpWaits;

/* Adds one who waits, later than all but those of the same event. */
extern void jp_wait_add(JpWaits *waits, JpWait *wait, uint32 base, uint32 list);

/* Whether the time from base to an event is in the span. */
extern bool jp_wait_fits(const JpWaits *waits, const JpWait *wait, uint32 base, uint32 event);

/* The one with the best list who may go on at an event, or NULL. */
extern const JpWaiter *jp_wait_due(JpWaits *waits, JpWait *wait, uint32 event);

extern void jp_wait_clear(JpWaits *waits, JpWait *wait);

#endif							/* JP_SEQUENCE_WAIT_H */
