/*
 * session_path.c
 *		Aggregates path and next_event.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "journey_gathered.h"
#include "session_answer.h"
#include "session_core.h"
#include "session_options.h"

/* What is asked of path; the anchor's code differs from process to process. */
typedef struct Path
{
	JpSettings	head;
	JpPathQuestion question;
	uint32		anchored;		/* there is an anchor, and its name follows */
	uint32		len;
	char		anchor[FLEXIBLE_ARRAY_MEMBER];
} Path;

/* What is asked of next_event. */
typedef struct Next
{
	JpSettings	head;
	JpNextQuestion question;
} Next;

static const char *const ends[] = {"first", "last", NULL};
static const char *const ways[] = {"from", "to", NULL};
static const char *const directions[] = {"forward", "backward", NULL};

/* In the order of JpNextFrom. */
static const char *const bases[] = {"head", "tail", "first_match", "last_match", NULL};

PG_FUNCTION_INFO_V1(jp_path_step);
PG_FUNCTION_INFO_V1(jp_path_final);
PG_FUNCTION_INFO_V1(jp_next_event_step);
PG_FUNCTION_INFO_V1(jp_next_event_final);

static JpSettings *read_path(FunctionCallInfo fcinfo);
static size_t depth_of(FunctionCallInfo fcinfo, int argument);
static ArrayType *names_array(const JpNames *names, const uint32 *codes, size_t count);
static JpSettings *read_next(FunctionCallInfo fcinfo);
static uint64 chain_of(FunctionCallInfo fcinfo, int *count);

/* A row: internal, occurred_at, event, depth, collapse, anchor, anchor_at, direction. */
Datum
jp_path_step(PG_FUNCTION_ARGS)
{
	JpCall	   *call = jp_call_of(fcinfo, 3, PG_NARGS() - 1, read_path);
	JpGathered *group = jp_gathered_of(fcinfo, call);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		jp_gather(group, PG_GETARG_TIMESTAMPTZ(1), jp_call_code(call, fcinfo, 2));
	PG_RETURN_POINTER(group);
}

Datum
jp_path_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);

	if (group == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	PG_RETURN_ARRAYTYPE_P(jp_path_answer(group->settings, group->names,
										 group->moments, group->count));
}

ArrayType *
jp_path_answer(const JpSettings *settings, JpNames *names,
			   const JpMoment *moments, uint32 count)
{
	const Path *path = (const Path *) settings;
	JpPathQuestion question = path->question;
	uint32	   *codes = (uint32 *) palloc(Min(question.depth, count) * sizeof(uint32) + 1);
	size_t		length = 0;

	if (path->anchored)
		question.anchor = jp_name_find(names, path->anchor, path->len);
	if (!path->anchored || question.anchor != 0)
		length = jp_path_of(&question, moments, count, codes);
	return names_array(names, codes, length);
}

static JpSettings *
read_path(FunctionCallInfo fcinfo)
{
	return jp_path_settings(fcinfo, 3);
}

JpSettings *
jp_path_settings(FunctionCallInfo fcinfo, int first)
{
	bool		whole = PG_NARGS() > first + 1;
	text	   *anchor = whole && !PG_ARGISNULL(first + 2) ? PG_GETARG_TEXT_PP(first + 2) : NULL;
	uint32		len = anchor == NULL ? 0 : VARSIZE_ANY_EXHDR(anchor);
	Path	   *path = (Path *) jp_settings_create(offsetof(Path, anchor) + len, JP_CODES_LOW);

	path->question.depth = PG_NARGS() > first ? depth_of(fcinfo, first) : SIZE_MAX;
	path->question.collapse = true;
	path->anchored = anchor != NULL;
	path->len = len;
	if (anchor != NULL)
		memcpy(path->anchor, VARDATA_ANY(anchor), len);
	if (whole)
	{
		path->question.collapse = jp_flag(fcinfo, first + 1, "collapse");
		path->question.last = jp_word(fcinfo, first + 3, "anchor_at", ends) == 1;
		path->question.to = jp_word(fcinfo, first + 4, "direction", ways) == 1;
	}
	return &path->head;
}

/* Null is no bound. */
static size_t
depth_of(FunctionCallInfo fcinfo, int argument)
{
	if (PG_ARGISNULL(argument))
		return SIZE_MAX;
	if (PG_GETARG_INT32(argument) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("depth must be at least 1")));
	return PG_GETARG_INT32(argument);
}

static ArrayType *
names_array(const JpNames *names, const uint32 *codes, size_t count)
{
	Datum	   *texts = (Datum *) palloc(count * sizeof(Datum) + 1);
	size_t		i;

	for (i = 0; i < count; i++)
		texts[i] = PointerGetDatum(jp_name_text(names, codes[i]));
	return construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT);
}

/* A row: internal, occurred_at, event, direction, base, base_condition, conditions; or without those three. */
Datum
jp_next_event_step(PG_FUNCTION_ARGS)
{
	bool		whole = PG_NARGS() > 4;
	JpCall	   *call = jp_call_of(fcinfo, 3, whole ? 4 : 2, read_next);
	const Next *next = (const Next *) call->settings;
	JpGathered *group = jp_gathered_of(fcinfo, call);
	bool		base = !whole || (!PG_ARGISNULL(5) && PG_GETARG_BOOL(5));
	int			count;
	uint64		conditions = chain_of(fcinfo, &count);

	if (count != next->question.conditions)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of conditions must be the same in all rows")));
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		jp_gather(group, PG_GETARG_TIMESTAMPTZ(1),
				  conditions << 32 | (base ? JP_NEXT_BASE : 0) | jp_call_code(call, fcinfo, 2));
	PG_RETURN_POINTER(group);
}

Datum
jp_next_event_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);
	text	   *next = group == NULL ? NULL :
		jp_next_answer(group->settings, group->names, group->moments, group->count);

	if (next == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(next);
}

text *
jp_next_answer(const JpSettings *settings, const JpNames *names,
			   const JpMoment *moments, uint32 count)
{
	size_t		next = jp_next_event(&((const Next *) settings)->question, moments, count);

	return next == count ? NULL : jp_name_text(names, jp_low(moments[next].steps));
}

static JpSettings *
read_next(FunctionCallInfo fcinfo)
{
	int			conditions;

	chain_of(fcinfo, &conditions);
	return jp_next_settings(fcinfo, 3, PG_NARGS() > 4, conditions);
}

JpSettings *
jp_next_settings(FunctionCallInfo fcinfo, int first, bool given, int conditions)
{
	Next	   *next = (Next *) jp_settings_create(sizeof(Next), JP_CODES_LOW);
	JpNextQuestion *question = &next->question;

	question->from = JP_NEXT_FIRST_MATCH;
	question->conditions = conditions;
	if (given)
	{
		question->backward = jp_word(fcinfo, first, "direction", directions) == 1;
		question->from = (JpNextFrom) jp_word(fcinfo, first + 1, "base", bases);
	}
	if (question->from == (question->backward ? JP_NEXT_HEAD : JP_NEXT_TAIL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing comes %s", question->backward ? "before the head" : "after the tail"),
				 errhint("From the head go forward, from the tail backward.")));
	return &next->head;
}

/* The conditions of a row, the last argument, as bits. */
static uint64
chain_of(FunctionCallInfo fcinfo, int *count)
{
	int			last = PG_NARGS() - 1;

	if (PG_ARGISNULL(last))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("conditions must not be null")));
	return jp_conditions(PG_GETARG_ARRAYTYPE_P(last), "conditions", JP_NEXT_CONDITIONS_MAX, count);
}
