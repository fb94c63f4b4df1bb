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

#endif							/* JP_JOURNEY_QUESTION_H */
