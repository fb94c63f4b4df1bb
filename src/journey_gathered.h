/*
 * journey_gathered.h
 *		What the aggregates of journeys share: the moments of a group, gathered
 *		in any order and by several processes.
 */
#ifndef JP_JOURNEY_GATHERED_H
#define JP_JOURNEY_GATHERED_H

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/array.h"

#include "journey_funnel.h"
#include "journey_names.h"
#include "journey_steps.h"

/* Halves of a moment's steps that are codes of names. */
#define JP_CODES_LOW	1
#define JP_CODES_HIGH	2

#define jp_low(steps)	((uint32) (steps))
#define jp_high(steps)	((uint32) ((steps) >> 32))
#define jp_halves(low, high)	((uint64) (uint32) (low) | (uint64) (uint32) (high) << 32)

/*
 * What an aggregate was asked, the same for a group: the head of a struct
 * without pointers whose padding is zero.  From jp_settings_create.
 */
typedef struct JpSettings
{
	uint32		size;			/* whole, in bytes */
	uint32		codes;
} JpSettings;

/* A group. */
typedef struct JpGathered
{
	const JpSettings *settings;
	JpNames    *names;			/* NULL without codes */
	bool		ordered;
	uint32		count;
	uint32		room;
	JpMoment   *moments;
} JpGathered;

/* A call site: its settings as last asked, and its names. */
typedef struct JpCall
{
	const JpSettings *settings;
	JpNames    *names;
	void	   *more;			/* the aggregate's own, NULL at first */
} JpCall;

extern JpSettings *jp_settings_create(Size size, uint32 codes);

/*
 * The call's settings, from its arguments first to last; read makes them, only
 * when the arguments are others than those of the row before.
 */
extern JpCall *jp_call_of(FunctionCallInfo fcinfo, int first, int last,
						  JpSettings *(*read) (FunctionCallInfo fcinfo));

/* The group of argument 0, begun when there is none. */
extern JpGathered *jp_gathered_of(FunctionCallInfo fcinfo, const JpCall *call);
extern void jp_gather(JpGathered *group, int64 at, uint64 steps);

/* The group of argument 0 in order, NULL without a row. */
extern JpGathered *jp_gathered_final(FunctionCallInfo fcinfo);

/* By time, and at one time by name or, without codes, by steps. */
extern void jp_moments_order(JpMoment *moments, Size count, uint32 codes, const JpNames *names);

/* A code for a text argument; 0 for null. */
extern uint32 jp_call_code(JpCall *call, FunctionCallInfo fcinfo, int argument);

/* Conditions, 1 to most of them, as bits; null is false; what names them. */
extern uint64 jp_conditions(ArrayType *conditions, const char *what, int most, int *count);

/* Times as timestamptz[], JP_NO_TIME as null. */
extern ArrayType *jp_times_array(const int64 *times, int count);

/* A span of fixed length that is not negative, days of 24 hours; what names it. */
extern uint64 jp_microseconds(const Interval *span, const char *what);

#endif							/* JP_JOURNEY_GATHERED_H */
