/*
 * session_core.h
 *		What one journey says of sessions, paths and what led to a conversion.
 *		Pure, and without memory of its own.
 *
 * Moments are in order of time; the low half of their steps is the code of an
 * event or a channel, from 1.
 */
#ifndef JP_SESSION_CORE_H
#define JP_SESSION_CORE_H

#include "journey_funnel.h"

/* The session that begins at moment first: the index after its last moment. */
extern size_t jp_session_end(const JpMoment *moments, size_t count, size_t first, uint64 gap);

typedef struct JpPathQuestion
{
	size_t		depth;			/* most events of a path; SIZE_MAX for no bound */
	bool		collapse;		/* the same event in a row counts once */
	bool		last;			/* anchored at the last such event, not the first */
	bool		to;				/* ends at the anchor instead of beginning there */
	uint32		anchor;			/* code of an event; 0: the journey's beginning or, with to, its end */
} JpPathQuestion;

/*
 * The path's events in order of time, their number returned: 0 when the anchor
 * never happens.  codes has room for the lesser of depth and count.
 */
extern size_t jp_path_of(const JpPathQuestion *question, const JpMoment *moments,
						 size_t count, uint32 *codes);

/* What a moment is to jp_next_event: it can be the base, condition i from 0 holds. */
#define JP_NEXT_BASE	((uint64) 1 << 63)
#define JP_NEXT_CONDITION(i)	((uint64) 1 << (32 + (i)))
#define JP_NEXT_CONDITIONS_MAX	31

/* Where a chain begins. */
typedef enum JpNextFrom
{
	JP_NEXT_HEAD,				/* with the first moment */
	JP_NEXT_TAIL,				/* with the last */
	JP_NEXT_FIRST_MATCH,		/* with the first that can be the base and condition 0 */
	JP_NEXT_LAST_MATCH			/* with the last such */
} JpNextFrom;

typedef struct JpNextQuestion
{
	int			conditions;		/* of the chain, at least 1 */
	JpNextFrom	from;
	bool		backward;
} JpNextQuestion;

/*
 * The moment after the chain: from its base on each moment meets the next
 * condition, none in between.  count when there is no such moment.
 */
extern size_t jp_next_event(const JpNextQuestion *question, const JpMoment *moments, size_t count);

/* A moment of jp_attribute that is a conversion; a touch is one with a code, it may be both. */
#define JP_CONVERTED	((uint64) 1 << 32)

typedef enum JpModel
{
	JP_MODEL_FIRST,
	JP_MODEL_LAST,
	JP_MODEL_LINEAR,
	JP_MODEL_POSITION,			/* 0.4 for the first and the last, 0.2 among the others; two 0.5 each */
	JP_MODEL_TIME_DECAY			/* half as much for each half_life before the last */
} JpModel;

typedef struct JpAttributionQuestion
{
	JpModel		model;
	bool		reuse;			/* touches up to an earlier conversion count again */
	uint64		lookback;		/* inclusive; UINT64_MAX for no bound */
	uint64		half_life;		/* not 0 */
} JpAttributionQuestion;

/* A touch's share of a conversion; touch is NULL, with credit 1, for one without touches. */
typedef void (*JpGiveCredit) (void *to, const JpMoment *conversion, const JpMoment *touch, double credit);

/*
 * Shares every conversion among the touches before it and at its time; give is
 * called for conversions in order and for the touches of each in order.
 */
extern void jp_attribute(const JpAttributionQuestion *question, const JpMoment *moments,
						 size_t count, JpGiveCredit give, void *to);

#endif							/* JP_SESSION_CORE_H */
