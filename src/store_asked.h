/*
 * store_asked.h
 *		A function of a journey between its calls: what is asked, and what names
 *		mean then.
 */
#ifndef JP_STORE_ASKED_H
#define JP_STORE_ASKED_H

#include "journey_question.h"
#include "store_internal.h"

typedef struct JpAsked
{
	const JpSettings *settings;
	JpNames    *names;			/* where names have codes of their own */
	MemoryContext context;
	JpJourneyNames *codes;
	uint64	   *steps;			/* by code, as far as they were asked for */
	uint32		steps_room;
	void	   *kept;			/* of who answers */
} JpAsked;

/*
 * What is asked, by the arguments first to last, which read reads when they are
 * others than in the call before.  code says, given the settings, what a name
 * means; NULL: names have the codes of asked->names.
 */
extern JpAsked *jp_asked(FunctionCallInfo fcinfo, int first, int last,
						 JpSettings *(*read) (FunctionCallInfo fcinfo), JpNameCode code);

/* The events of a journey in these codes; strays: those that mean 0 as well. */
extern JpMoment *jp_asked_moments(const JpAsked *asked, Datum journey, bool strays, uint32 *count);

/*
 * Settings of so many bytes, behind them the events that an array of names or
 * alternatives ('cart|wishlist') means, one bit each; and where those are.
 */
extern JpSettings *jp_meaning_settings(ArrayType *names, Size size, uint32 codes);
extern JpQuestion *jp_meanings(const JpSettings *settings);

/* The number of a name's meaning, from 1; 0: none.  A JpNameCode. */
extern uint32 jp_meaning_code(void *settings, const char *chars, Size len);

/* The steps that a code of asked->names means, by the settings' meanings; 0: none. */
extern uint64 jp_asked_steps(JpAsked *asked, uint32 code);

/* Throws 22004 when an argument is null; what names it. */
extern void jp_not_null(FunctionCallInfo fcinfo, int argument, const char *what);

#endif							/* JP_STORE_ASKED_H */
