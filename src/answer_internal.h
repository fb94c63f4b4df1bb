/*
 * answer_internal.h
 *		What the files of tallies share.
 */
#ifndef JP_ANSWER_INTERNAL_H
#define JP_ANSWER_INTERNAL_H

#include "answer_tally.h"

/* The context of the states; throws unless an aggregate is run. */
extern MemoryContext jp_tally_context(FunctionCallInfo fcinfo);

/* An empty state; numbered: its subjects are numbers. */
extern JpTally *jp_tally_new(FunctionCallInfo fcinfo, MemoryContext context,
							 const JpTallyKind *kind, const bytea *question, bool numbered);

/* The number of a mark, given on first sight. */
extern uint32 jp_tally_mark(JpTally *tally, JpMark mark);

/* Throws when a question is another than the state's. */
extern void jp_tally_check_question(const JpTally *tally, const bytea *question);

#endif							/* JP_ANSWER_INTERNAL_H */
