/*
 * store_session.c
 *		Sessions, path, next event and attribution of one journey: the aggregates'
 *		answers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "session_answer.h"
#include "session_core.h"
#include "session_options.h"
#include "store_asked.h"

/* Settings of an aggregate, within ours; meanings follow, all aligned. */
typedef struct Inner
{
	JpSettings	head;
	uint32		at;				/* of the meanings */
	bool		any;			/* whatever event is a touch */
} Inner;

#define inner_settings(settings) \
	((const JpSettings *) ((const char *) (settings) + MAXALIGN(sizeof(Inner))))

PG_FUNCTION_INFO_V1(jp_journey_sessions);
PG_FUNCTION_INFO_V1(jp_journey_path);
PG_FUNCTION_INFO_V1(jp_journey_next_event);
PG_FUNCTION_INFO_V1(jp_journey_attribution);

static uint32 no_code(void *arg, const char *chars, Size len);
static JpSettings *read_path(FunctionCallInfo fcinfo);
static JpSettings *read_next(FunctionCallInfo fcinfo);
static JpSettings *read_attribution(FunctionCallInfo fcinfo);
static JpSettings *with_meanings(JpSettings *inner, ArrayType *names);
static ArrayType *conversion_and_touches(FunctionCallInfo fcinfo);

/* SQL: journey_sessions(journey, session_gap). */
Datum
jp_journey_sessions(PG_FUNCTION_ARGS)
{
	uint64		gap = jp_span(fcinfo, 1, "session_gap");
	JpMoment   *moments;
	uint32		count;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	moments = jp_journey_moments(jp_journey_names(CurrentMemoryContext, no_code, NULL),
								 PG_GETARG_DATUM(0), &count);
	return jp_sessions_row(fcinfo, moments, count, gap);
}

/* Names do not matter. */
static uint32
no_code(void *arg, const char *chars, Size len)
{
	return 0;
}

/* SQL: journey_path(journey, depth, collapse, anchor, anchor_at, direction). */
Datum
jp_journey_path(PG_FUNCTION_ARGS)
{
	JpAsked    *asked = jp_asked(fcinfo, 1, 5, read_path, NULL);
	JpMoment   *moments;
	uint32		count;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	moments = jp_asked_moments(asked, PG_GETARG_DATUM(0), true, &count);
	PG_RETURN_ARRAYTYPE_P(jp_path_answer(asked->settings, asked->names, moments, count));
}

static JpSettings *
read_path(FunctionCallInfo fcinfo)
{
	return jp_path_settings(fcinfo, 1);
}

/* SQL: journey_next_event(journey, conditions, direction, base). */
Datum
jp_journey_next_event(PG_FUNCTION_ARGS)
{
	JpAsked    *asked = jp_asked(fcinfo, 1, 3, read_next, NULL);
	JpMoment   *moments;
	text	   *next;
	uint32		count;
	uint32		i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	moments = jp_asked_moments(asked, PG_GETARG_DATUM(0), true, &count);
	for (i = 0; i < count; i++)
		moments[i].steps |= JP_NEXT_BASE | jp_asked_steps(asked, (uint32) moments[i].steps) << 32;
	next = jp_next_answer(inner_settings(asked->settings), asked->names, moments, count);
	if (next == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(next);
}

static JpSettings *
read_next(FunctionCallInfo fcinfo)
{
	ArrayType  *conditions;
	int			count;

	jp_not_null(fcinfo, 1, "conditions");
	conditions = PG_GETARG_ARRAYTYPE_P(1);
	count = ArrayGetNItems(ARR_NDIM(conditions), ARR_DIMS(conditions));
	if (count > JP_NEXT_CONDITIONS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there must be 1 to %d %s", JP_NEXT_CONDITIONS_MAX, "conditions")));
	return with_meanings(jp_next_settings(fcinfo, 2, true, count), conditions);
}

/* SQL: journey_attribution(journey, conversion, model, lookback, half_life, reuse, touches). */
Datum
jp_journey_attribution(PG_FUNCTION_ARGS)
{
	JpAsked    *asked = jp_asked(fcinfo, 1, 6, read_attribution, NULL);
	bool		any = ((const Inner *) asked->settings)->any;
	JpMoment   *moments;
	uint32		count;
	uint32		kept = 0;
	uint32		i;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	moments = jp_asked_moments(asked, PG_GETARG_DATUM(0), true, &count);
	for (i = 0; i < count; i++)
	{
		uint32		code = (uint32) moments[i].steps;
		uint64		steps = jp_asked_steps(asked, code);
		bool		converted = (steps & 1) != 0;
		bool		touched = any ? !converted : (steps & ~(uint64) 1) != 0;

		moments[kept].at = moments[i].at;
		moments[kept].steps = (converted ? JP_CONVERTED : 0) | (touched ? code : 0);
		kept += converted || touched;
	}
	PG_RETURN_ARRAYTYPE_P(jp_attribution_answer(fcinfo, &asked->kept, inner_settings(asked->settings),
												asked->names, moments, kept));
}

static JpSettings *
read_attribution(FunctionCallInfo fcinfo)
{
	JpSettings *settings;

	jp_not_null(fcinfo, 1, "conversion");
	settings = with_meanings(jp_attribution_settings(fcinfo, 2, true), conversion_and_touches(fcinfo));
	((Inner *) settings)->any = PG_ARGISNULL(6);
	return settings;
}

/* Names of events as steps: the conversion is the first. */
static ArrayType *
conversion_and_touches(FunctionCallInfo fcinfo)
{
	Datum	   *touches = NULL;
	Datum	   *names;
	bool	   *nulls = NULL;
	int			count = 0;
	int			i;

	if (!PG_ARGISNULL(6))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(6), TEXTOID, -1, false, TYPALIGN_INT,
						  &touches, &nulls, &count);
	names = (Datum *) palloc((count + 1) * sizeof(Datum));
	names[0] = PG_GETARG_DATUM(1);
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("touches must not contain null")));
		names[i + 1] = touches[i];
	}
	return construct_array(names, count + 1, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Settings of an aggregate with what names mean. */
static JpSettings *
with_meanings(JpSettings *inner, ArrayType *names)
{
	JpSettings *settings = jp_meaning_settings(names, MAXALIGN(sizeof(Inner)) + inner->size, JP_CODES_LOW);

	memcpy((char *) settings + MAXALIGN(sizeof(Inner)), inner, inner->size);
	pfree(inner);
	return settings;
}
