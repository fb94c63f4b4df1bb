/*
 * answer_durations.h
 *		Durations by cell, and what part of them is how long.
 */
#ifndef JP_ANSWER_DURATIONS_H
#define JP_ANSWER_DURATIONS_H

typedef struct JpDurations JpDurations;

extern JpDurations *jp_durations_create(MemoryContext context);

/* Adds microseconds to a cell, of which there may be any number. */
extern void jp_durations_add(JpDurations *durations, uint32 cell, int64 duration);
extern uint64 jp_durations_count(const JpDurations *durations, uint32 cell);

/*
 * The shortest duration that at least this part of a cell's durations does not
 * exceed, as percentile_disc() has it; the cell must not be empty.
 */
extern int64 jp_durations_percentile(JpDurations *durations, uint32 cell, double part);

/* Microseconds as an interval of hours. */
extern Datum jp_interval_datum(int64 duration);

#endif							/* JP_ANSWER_DURATIONS_H */
