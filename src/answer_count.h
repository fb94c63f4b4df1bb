/*
 * answer_count.h
 *		Counters by two numbers, several in each place.
 */
#ifndef JP_ANSWER_COUNT_H
#define JP_ANSWER_COUNT_H

typedef struct JpCounts JpCounts;

/* A place: count has as many counters as jp_counts_create was told. */
typedef struct JpCount
{
	uint64		first;
	uint32		second;
	uint32		number;			/* of the place, from 0 */
	uint32		seen;			/* the caller's; 0 at first */
	uint64	   *count;
} JpCount;

typedef struct JpCountsScan
{
	uint32		next;
} JpCountsScan;

extern JpCounts *jp_counts_create(MemoryContext context, int counters);

/* The place of two numbers, made with zeros on first sight; valid until the next is made. */
extern JpCount *jp_counts_find(JpCounts *counts, uint64 first, uint32 second);

/* Its counters, valid for ever. */
extern uint64 *jp_counts_of(JpCounts *counts, uint64 first, uint32 second);

/* All places, in the order in which they were made; none may be made meanwhile. */
extern void jp_counts_scan(const JpCounts *counts, JpCountsScan *scan);
extern JpCount *jp_counts_next(const JpCounts *counts, JpCountsScan *scan);

#endif							/* JP_ANSWER_COUNT_H */
