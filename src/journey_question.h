/*
 * journey_question.h
 *		What is asked of journeys by the names of events: steps and options of a
 *		funnel, as SQL gives them.
 */
#ifndef JP_JOURNEY_QUESTION_H
#define JP_JOURNEY_QUESTION_H

#include "utils/jsonb.h"

#include "journey_gathered.h"

/* What an event of some name means. */
typedef struct JpMeaning
{
	uint64		steps;			/* as in JpStepEvent */
	uint64		excluded;
	uint32		offset;			/* of the name in the question, from its begin */
	uint32		len;
} JpMeaning;

/* The names follow the last meaning; by length, then bytes. */
typedef struct JpQuestion
{
	JpSettings	head;
	JpSteps		steps;
	uint32		meanings;
	JpMeaning	meaning[FLEXIBLE_ARRAY_MEMBER];
} JpQuestion;

/*
 * The question, in the current context; throws what cannot be meant.  Without
 * within there is no bound, without options none; constant says whether events
 * come with a property that chains hold constant.
 */
extern JpQuestion *jp_question_read(ArrayType *steps, const Interval *within,
									Jsonb *options, bool constant);

/* What an event means; NULL when it is no step and excludes nothing. */
extern const JpMeaning *jp_question_find(const JpQuestion *question,
										 const char *chars, Size len);

/*
 * journey_named.c: the deepest step of moments whose low half is the number of
 * a meaning in the question, from 1, or 0, and whose high half is the property
 * held constant; with times, as of jp_steps_depth.
 */
extern int	jp_question_depth(const JpQuestion *question, const JpMoment *moments,
							  uint32 count, int64 *times);

/* The array of so many times up to the last step that was made. */
extern ArrayType *jp_question_times(const int64 *times, int count);

/* journey_window.c: modes from their names, with commas between them. */
extern int	jp_funnel_modes(const text *mode);

#endif							/* JP_JOURNEY_QUESTION_H */
