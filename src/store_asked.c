/*
 * store_asked.c
 *		A function of a journey between its calls.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "compat.h"
#include "store_asked.h"

/* The head of settings with meanings, which lie behind all else. */
typedef struct Meant
{
	JpSettings	head;
	uint32		at;
} Meant;

static JpAsked *begin_asking(FunctionCallInfo fcinfo, JpCall *call, JpNameCode code);

JpAsked *
jp_asked(FunctionCallInfo fcinfo, int first, int last,
		 JpSettings *(*read) (FunctionCallInfo fcinfo), JpNameCode code)
{
	JpCall	   *call = jp_call_of(fcinfo, first, last, read);
	JpAsked    *asked = (JpAsked *) call->more;

	if (asked != NULL && asked->settings == call->settings)
		return asked;
	return begin_asking(fcinfo, call, code);
}

/* What is asked now, in place of what was. */
static JpAsked *
begin_asking(FunctionCallInfo fcinfo, JpCall *call, JpNameCode code)
{
	JpAsked    *asked = (JpAsked *) call->more;
	MemoryContext context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "journey_privacy asked",
												  ALLOCSET_SMALL_SIZES);

	if (asked != NULL)
		MemoryContextDelete(asked->context);
	call->more = NULL;
	asked = (JpAsked *) MemoryContextAllocZero(context, sizeof(JpAsked));
	asked->settings = call->settings;
	asked->context = context;
	asked->names = code == NULL ? jp_names_create(context) : NULL;
	asked->codes = code == NULL ? jp_journey_names_of(context, asked->names) :
		jp_journey_names(context, code, (void *) call->settings);
	call->more = asked;
	return asked;
}

JpMoment *
jp_asked_moments(const JpAsked *asked, Datum journey, bool strays, uint32 *count)
{
	uint32		all;
	JpMoment   *moments = jp_journey_moments(asked->codes, journey, &all);
	uint32		i;

	if (asked->names != NULL)
	{
		*count = all;
		return moments;
	}
	for (i = *count = 0; i < all; i++)
		if (strays || moments[i].steps != 0)
			moments[(*count)++] = moments[i];
	/* at one time by meaning, not by name: as aggregates have them */
	jp_moments_order(moments, *count, 0, NULL);
	return moments;
}

JpSettings *
jp_meaning_settings(ArrayType *names, Size size, uint32 codes)
{
	Size		at = MAXALIGN(Max(size, sizeof(Meant)));
	JpQuestion *question = jp_question_read(names, NULL, NULL, false);
	JpSettings *settings = jp_settings_create(at + question->head.size, codes);

	((Meant *) settings)->at = at;
	memcpy((char *) settings + at, question, question->head.size);
	pfree(question);
	return settings;
}

JpQuestion *
jp_meanings(const JpSettings *settings)
{
	return (JpQuestion *) ((char *) settings + ((const Meant *) settings)->at);
}

uint32
jp_meaning_code(void *settings, const char *chars, Size len)
{
	const JpQuestion *question = jp_meanings((const JpSettings *) settings);
	const JpMeaning *meaning = jp_question_find(question, chars, len);

	return meaning == NULL ? 0 : (uint32) (meaning - question->meaning) + 1;
}

uint64
jp_asked_steps(JpAsked *asked, uint32 code)
{
	if (code >= asked->steps_room)
	{
		uint32		room = Max(2 * code, 64);
		uint64	   *steps = (uint64 *) MemoryContextAllocHuge(asked->context, room * sizeof(uint64));

		memset(steps, 0xff, room * sizeof(uint64));
		if (asked->steps != NULL)
		{
			memcpy(steps, asked->steps, asked->steps_room * sizeof(uint64));
			pfree(asked->steps);
		}
		asked->steps = steps;
		asked->steps_room = room;
	}
	if (asked->steps[code] == PG_UINT64_MAX)
	{
		text	   *name = jp_name_text(asked->names, code);
		uint32		meaning = jp_meaning_code((void *) asked->settings, VARDATA(name), VARSIZE(name) - VARHDRSZ);

		asked->steps[code] = meaning == 0 ? 0 : jp_meanings(asked->settings)->meaning[meaning - 1].steps;
	}
	return asked->steps[code];
}

void
jp_not_null(FunctionCallInfo fcinfo, int argument, const char *what)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
}
