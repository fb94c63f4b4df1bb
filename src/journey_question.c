/*
 * journey_question.c
 *		Steps and options of a funnel, as SQL gives them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "journey_question.h"

/* A name of an event, as often as it is given. */
typedef struct Given
{
	char	   *chars;
	uint32		len;
	uint64		steps;
	uint64		excluded;
} Given;

/* A question while it is read. */
typedef struct Reader
{
	JpSteps		steps;
	bool		by_step;		/* something is excluded after some step only */
	bool		bounded;		/* there is a time for a step */
	uint32		count;
	uint32		room;
	Given	   *given;
} Reader;

static void read_steps(Reader *reader, ArrayType *steps);
static void read_options(Reader *reader, Jsonb *options);
static void read_order(Reader *reader, const JsonbValue *value);
static void read_start(Reader *reader, const JsonbValue *value);
static void read_step_within(Reader *reader, const JsonbValue *value);
static void read_exclude(Reader *reader, const JsonbValue *value);
static void read_optional(Reader *reader, const JsonbValue *value);
static uint64 time_for_step(const JsonbValue *value);
static void exclude_names(Reader *reader, const JsonbValue *value, uint64 after);
static void add_names(Reader *reader, const char *chars, Size len, uint64 steps, uint64 excluded);
static void add_name(Reader *reader, StringInfo name, uint64 steps, uint64 excluded);
static bool is_word(const JsonbValue *value, const char *word);
static char *string_of(const JsonbValue *value);
static int	step_number(const JsonbValue *value, int first, int last, const char *what);
static void refuse_combinations(const Reader *reader);
static uint32 merge_names(Reader *reader);
static int	compare_given(const void *a, const void *b);
static int	compare_names(const char *a, Size a_len, const char *b, Size b_len);
static JpQuestion *question_of(const Reader *reader, uint32 names);
static void refuse_contradiction(const Reader *reader, const Given *given);

static const struct
{
	const char *name;
	void		(*read) (Reader *reader, const JsonbValue *value);
}			options_known[] = {
	{"order", read_order},
	{"start", read_start},
	{"step_within", read_step_within},
	{"exclude", read_exclude},
	{"optional", read_optional},
};

JpQuestion *
jp_question_read(ArrayType *steps, const Interval *within, Jsonb *options, bool constant)
{
	Reader		reader;
	JpQuestion *question;
	int			i;

	memset(&reader, 0, sizeof(reader));
	reader.room = 16;
	reader.given = (Given *) palloc(reader.room * sizeof(Given));
	reader.steps.within = within == NULL ? JP_NO_BOUND : jp_microseconds(within, "within");
	for (i = 0; i < JP_STEPS_MAX; i++)
		reader.steps.step_within[i] = JP_NO_BOUND;
	read_steps(&reader, steps);
	if (options != NULL)
		read_options(&reader, options);
	refuse_combinations(&reader);
	question = question_of(&reader, merge_names(&reader));
	question->steps.constant = constant;
	question->head.codes = constant ? JP_CODES_HIGH : 0;
	return question;
}

const JpMeaning *
jp_question_find(const JpQuestion *question, const char *chars, Size len)
{
	uint32		low = 0;
	uint32		high = question->meanings;

	while (low < high)
	{
		const JpMeaning *meaning = &question->meaning[(low + high) / 2];
		int			order = compare_names(chars, len, (const char *) question + meaning->offset,
										  meaning->len);

		if (order == 0)
			return meaning;
		if (order < 0)
			high = (low + high) / 2;
		else
			low = (low + high) / 2 + 1;
	}
	return NULL;
}

static void
read_steps(Reader *reader, ArrayType *steps)
{
	Datum	   *values;
	bool	   *nulls;
	int			i;

	deconstruct_array(steps, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &reader->steps.count);
	if (ARR_NDIM(steps) != 1 || reader->steps.count > JP_STEPS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there must be 1 to %d steps of a funnel", JP_STEPS_MAX)));
	for (i = 0; i < reader->steps.count; i++)
	{
		text	   *step;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a step of a funnel must not be null")));
		step = DatumGetTextPP(values[i]);
		add_names(reader, VARDATA_ANY(step), VARSIZE_ANY_EXHDR(step), (uint64) 1 << i, 0);
	}
}

static void
read_options(Reader *reader, Jsonb *options)
{
	JsonbIterator *iterator = JsonbIteratorInit(&options->root);
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;
	int			i;

	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options of a funnel must be a JSON object")));
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		JsonbIteratorNext(&iterator, &value, true);
		for (i = 0; i < lengthof(options_known) && !is_word(&key, options_known[i].name); i++)
			;
		if (i == lengthof(options_known))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown option \"%s\" of a funnel", string_of(&key)),
					 errhint("Options are order, start, step_within, exclude and optional.")));
		if (value.type != jbvNull)
			options_known[i].read(reader, &value);
	}
}

static void
read_order(Reader *reader, const JsonbValue *value)
{
	if (is_word(value, "ordered"))
		reader->steps.order = JP_ORDERED;
	else if (is_word(value, "strict"))
		reader->steps.order = JP_STRICT;
	else if (is_word(value, "any"))
		reader->steps.order = JP_ANY;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("order of a funnel must be \"ordered\", \"strict\" or \"any\"")));
}

static void
read_start(Reader *reader, const JsonbValue *value)
{
	if (!is_word(value, "any") && !is_word(value, "first"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("start of a funnel must be \"any\" or \"first\"")));
	reader->steps.first = is_word(value, "first");
}

/* A time for all steps, or by number of the step that must be made in time. */
static void
read_step_within(Reader *reader, const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	part;
	int			step;

	reader->bounded = true;
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
	{
		for (step = 1; step < reader->steps.count; step++)
			reader->steps.step_within[step] = time_for_step(value);
		return;
	}
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &part, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		step = step_number(&part, 2, reader->steps.count, "step_within");
		JsonbIteratorNext(&iterator, &part, true);
		reader->steps.step_within[step - 1] = time_for_step(&part);
	}
}

static uint64
time_for_step(const JsonbValue *value)
{
	Datum		span;

	if (value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step_within must be an interval, or an object of intervals by the number of a step")));
	span = DirectFunctionCall3(interval_in, CStringGetDatum(string_of(value)),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	return jp_microseconds(DatumGetIntervalP(span), "step_within");
}

/* Names of events, or objects of them by number of the step after which they count. */
static void
read_exclude(Reader *reader, const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	part;
	int			step;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
	{
		exclude_names(reader, value, ((uint64) 1 << (reader->steps.count - 1)) - 1);
		return;
	}
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &part, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		step = step_number(&part, 1, reader->steps.count - 1, "exclude");
		JsonbIteratorNext(&iterator, &part, true);
		exclude_names(reader, &part, (uint64) 1 << (step - 1));
		reader->by_step = true;
	}
}

/* One string or an array of them. */
static void
exclude_names(Reader *reader, const JsonbValue *value, uint64 after)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	name;

	if (value->type == jbvString)
	{
		add_names(reader, value->val.string.val, value->val.string.len, 0, after);
		return;
	}
	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
	{
		iterator = JsonbIteratorInit(value->val.binary.data);
		while ((token = JsonbIteratorNext(&iterator, &name, true)) == WJB_BEGIN_ARRAY ||
			   (token == WJB_ELEM && name.type == jbvString))
			if (token == WJB_ELEM)
				add_names(reader, name.val.string.val, name.val.string.len, 0, after);
		if (token == WJB_END_ARRAY)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("exclude must be names of events, or an object of such names by the number of a step")));
}

static void
read_optional(Reader *reader, const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	part;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("optional must be an array of numbers of steps")));
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &part, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			reader->steps.optional |= (uint64) 1 <<
				(step_number(&part, 2, reader->steps.count, "optional") - 1);
}

/* Names with | between them; a backslash before | or another is none. */
static void
add_names(Reader *reader, const char *chars, Size len, uint64 steps, uint64 excluded)
{
	const char *end = chars + len;
	StringInfoData name;

	initStringInfo(&name);
	for (; chars < end; chars++)
	{
		if (*chars == '|')
		{
			add_name(reader, &name, steps, excluded);
			continue;
		}
		if (*chars == '\\' && (++chars == end || (*chars != '|' && *chars != '\\')))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a backslash in a step of a funnel must stand before | or another backslash"),
					 errhint("Write \\\\ for a backslash in the name of an event.")));
		appendStringInfoChar(&name, *chars);
	}
	add_name(reader, &name, steps, excluded);
	pfree(name.data);
}

/* Takes a name, and leaves an empty one. */
static void
add_name(Reader *reader, StringInfo name, uint64 steps, uint64 excluded)
{
	Given	   *given;

	if (name->len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an event of a funnel has no name")));
	if (reader->count == reader->room)
	{
		reader->room *= 2;
		reader->given = (Given *) repalloc(reader->given, reader->room * sizeof(Given));
	}
	given = &reader->given[reader->count++];
	given->chars = pnstrdup(name->data, name->len);
	given->len = name->len;
	given->steps = steps;
	given->excluded = excluded;
	resetStringInfo(name);
}

static bool
is_word(const JsonbValue *value, const char *word)
{
	return value->type == jbvString && value->val.string.len == strlen(word) &&
		memcmp(value->val.string.val, word, value->val.string.len) == 0;
}

static char *
string_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A number, or the key of an object, that is the number of a step. */
static int
step_number(const JsonbValue *value, int first, int last, const char *what)
{
	const char *chars = "";
	int			step = 0;

	if (value->type == jbvString)
		chars = string_of(value);
	else if (value->type == jbvNumeric)
		chars = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	if (strlen(chars) <= 2 && strspn(chars, "0123456789") == strlen(chars))
		step = atoi(chars);
	if (step < first || step > last)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 last < first ? errmsg("%s does not go with one step", what) :
				 errmsg("%s must name steps from %d to %d by their numbers", what, first, last)));
	return step;
}

static void
refuse_combinations(const Reader *reader)
{
	const char *what = NULL;

	if (reader->steps.order != JP_ANY)
		return;
	if (reader->steps.optional != 0)
		what = "optional steps";
	else if (reader->by_step)
		what = "events excluded after some step";
	if (what != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a funnel in any order cannot have %s", what),
				 errhint("In any order, no step comes before another.")));
	if (reader->bounded)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a funnel in any order cannot have step_within"),
				 errdetail("An exact answer would need time that doubles with each step."),
				 errhint("Bound the whole by within.")));
}

/* Sorts the names given and makes one of those that are the same. */
static uint32
merge_names(Reader *reader)
{
	Given	   *given = reader->given;
	uint32		names = 0;
	uint32		i;

	qsort(given, reader->count, sizeof(Given), compare_given);
	for (i = 0; i < reader->count; i++)
	{
		if (i > 0 && compare_given(&given[i], &given[names - 1]) == 0)
		{
			given[names - 1].steps |= given[i].steps;
			given[names - 1].excluded |= given[i].excluded;
		}
		else
			given[names++] = given[i];
	}
	for (i = 0; i < names; i++)
		refuse_contradiction(reader, &given[i]);
	return names;
}

static int
compare_given(const void *a, const void *b)
{
	const Given *left = (const Given *) a;
	const Given *right = (const Given *) b;

	return compare_names(left->chars, left->len, right->chars, right->len);
}

static int
compare_names(const char *a, Size a_len, const char *b, Size b_len)
{
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a, b, a_len);
}

/* What is excluded until a step is made should not make it. */
static void
refuse_contradiction(const Reader *reader, const Given *given)
{
	uint64		both = given->steps & given->excluded << 1;

	if (reader->steps.order == JP_ANY && given->excluded != 0)
		both = given->steps;
	if (both != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event \"%s\" is a step, and excluded before it", given->chars)));
}

/* All in one piece, without pointers. */
static JpQuestion *
question_of(const Reader *reader, uint32 names)
{
	Size		size = offsetof(JpQuestion, meaning) + names * sizeof(JpMeaning);
	uint32		offset = (uint32) size;
	JpQuestion *question;
	uint32		i;

	for (i = 0; i < names; i++)
		size += reader->given[i].len;
	question = (JpQuestion *) jp_settings_create(size, 0);
	memcpy(&question->steps, &reader->steps, sizeof(JpSteps));
	question->meanings = names;
	for (i = 0; i < names; i++)
	{
		JpMeaning  *meaning = &question->meaning[i];
		const Given *given = &reader->given[i];

		meaning->steps = given->steps;
		meaning->excluded = given->excluded;
		meaning->offset = offset;
		meaning->len = given->len;
		memcpy((char *) question + offset, given->chars, given->len);
		offset += given->len;
	}
	return question;
}
