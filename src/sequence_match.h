/*
 * sequence_match.h
 *		Matches patterns of events.  Pure.
 *
 * A match takes events one after the other, all of them between its first and
 * its last.  Of several matches the one that ends first is meant, and of those
 * the one whose events that met conditions are the earliest, compared one by
 * one; where one has no more, the other comes first.
 *
 * Time is proportional to events times moves (with lists, times the logarithm
 * of their length), with time conditions too.  Memory is bounded: 32 MB for
 * those who wait, 64 MB for lists.
 */
#ifndef JP_SEQUENCE_MATCH_H
#define JP_SEQUENCE_MATCH_H

#include "journey_funnel.h"
#include "sequence_list.h"
#include "sequence_pattern.h"

typedef struct JpMatcher JpMatcher;

/* A matcher for any number of journeys; the sequence must outlive it. */
extern JpMatcher *jp_matcher_create(const JpSequence *sequence, const JpSequenceHost *host);
extern void jp_matcher_free(JpMatcher *matcher);

/*
 * Of moments in order, whose steps are the conditions that they meet: is there
 * a match, how many that do not overlap, and which moments met the conditions
 * of the first one, or of the longest beginning of one (of several the first
 * that is complete); events has room for count.  False when the memory did not
 * suffice.
 */
extern bool jp_sequence_match(JpMatcher *matcher, const JpMoment *moments,
							  size_t count, bool *found);
extern bool jp_sequence_count(JpMatcher *matcher, const JpMoment *moments,
							  size_t count, uint64 *matches);
extern bool jp_sequence_events(JpMatcher *matcher, const JpMoment *moments,
							   size_t count, uint32 *events, size_t *length);

#endif							/* JP_SEQUENCE_MATCH_H */
