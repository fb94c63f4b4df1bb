/*
 * sequence.h
 *		Patterns of events over moments, for the aggregates and for stored journeys.
 */
#ifndef JP_SEQUENCE_H
#define JP_SEQUENCE_H

#include "journey_gathered.h"

/* The settings of a pattern over so many conditions; 22023 or 54000 when it is none. */
extern JpSettings *jp_pattern_settings(const text *pattern, int conditions);
extern int	jp_pattern_conditions(const JpSettings *settings);

/*
 * The answers for moments in the order of jp_moments_order, whose steps are the
 * conditions that they meet; those that meet none must not be among them.
 * 54000 when the memory does not suffice.
 */
extern bool jp_pattern_match(const JpSettings *settings, const JpMoment *moments, Size count);
extern int64 jp_pattern_count(const JpSettings *settings, const JpMoment *moments, Size count);
extern ArrayType *jp_pattern_times(const JpSettings *settings, const JpMoment *moments, Size count);

#endif							/* JP_SEQUENCE_H */
