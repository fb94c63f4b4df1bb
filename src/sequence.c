/*
 * sequence.c
 *		Aggregates sequence_match, sequence_count and sequence_times.
 */
#include "postgres.h"

#include "common/int.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "sequence.h"
#include "sequence_match.h"
#include "sequence_pattern.h"

/* What is asked. */
typedef struct Pattern
{
	JpSettings	head;
	uint64		conditions;
	JpSequence	sequence;		/* with its spans and moves */
} Pattern;

PG_FUNCTION_INFO_V1(jp_sequence_step);
PG_FUNCTION_INFO_V1(jp_sequence_match_final);
PG_FUNCTION_INFO_V1(jp_sequence_count_final);
PG_FUNCTION_INFO_V1(jp_sequence_times_final);

static JpSettings *read_pattern(FunctionCallInfo fcinfo);
pg_noreturn static void refuse(const text *pattern, const JpSequenceFault *fault);
static const char *read_interval(const char *chars, size_t length, uint64 *span);
static bool decode_interval(char *chars, Interval *interval);
static JpMatcher *matcher_of(const JpSettings *settings);
static void end_matcher(JpMatcher *matcher, bool enough);
static void *resize(void *old, size_t size);
static void pause_here(void);

static const JpSequenceUnits units = {USECS_PER_SEC, read_interval};
static const JpSequenceHost host = {resize, pfree, pause_here};

/* A row: internal, pattern, occurred_at, conditions. */
Datum
jp_sequence_step(PG_FUNCTION_ARGS)
{
	JpCall	   *call = jp_call_of(fcinfo, 1, 1, read_pattern);
	JpGathered *group = jp_gathered_of(fcinfo, call);
	uint64		conditions;
	int			count;

	if (PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("pattern and conditions must not be null")));
	conditions = jp_conditions(PG_GETARG_ARRAYTYPE_P(3), "conditions of a sequence", JP_STEPS_MAX, &count);
	if (count != jp_pattern_conditions(call->settings))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of conditions must be the same in all rows")));
	if (!PG_ARGISNULL(2) && conditions != 0)
		jp_gather(group, PG_GETARG_TIMESTAMPTZ(2), conditions);
	PG_RETURN_POINTER(group);
}

Datum
jp_sequence_match_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);

	PG_RETURN_BOOL(group != NULL &&
				   jp_pattern_match(group->settings, group->moments, group->count));
}

Datum
jp_sequence_count_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);

	PG_RETURN_INT64(group == NULL ? 0 :
					jp_pattern_count(group->settings, group->moments, group->count));
}

Datum
jp_sequence_times_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);

	PG_RETURN_ARRAYTYPE_P(group == NULL ? jp_times_array(NULL, 0) :
						  jp_pattern_times(group->settings, group->moments, group->count));
}

JpSettings *
jp_pattern_settings(const text *pattern, int conditions)
{
	JpSequenceDraft *draft = (JpSequenceDraft *) palloc(sizeof(JpSequenceDraft));
	JpSequenceFault fault;
	Pattern    *settings;

	if (!jp_sequence_parse(VARDATA_ANY(pattern), VARSIZE_ANY_EXHDR(pattern), conditions,
						   &units, draft, &fault))
		refuse(pattern, &fault);
	settings = (Pattern *) jp_settings_create(offsetof(Pattern, sequence) + jp_sequence_size(draft), 0);
	settings->conditions = conditions;
	jp_sequence_pack(draft, &settings->sequence);
	pfree(draft);
	return &settings->head;
}

int
jp_pattern_conditions(const JpSettings *settings)
{
	return (int) ((const Pattern *) settings)->conditions;
}

bool
jp_pattern_match(const JpSettings *settings, const JpMoment *moments, Size count)
{
	JpMatcher  *matcher = matcher_of(settings);
	bool		found;

	end_matcher(matcher, jp_sequence_match(matcher, moments, count, &found));
	return found;
}

int64
jp_pattern_count(const JpSettings *settings, const JpMoment *moments, Size count)
{
	JpMatcher  *matcher = matcher_of(settings);
	uint64		matches;

	end_matcher(matcher, jp_sequence_count(matcher, moments, count, &matches));
	return (int64) matches;
}

ArrayType *
jp_pattern_times(const JpSettings *settings, const JpMoment *moments, Size count)
{
	JpMatcher  *matcher = matcher_of(settings);
	uint32	   *events = (uint32 *) palloc(count * sizeof(uint32) + 1);
	int64	   *times;
	size_t		length;
	size_t		i;

	end_matcher(matcher, jp_sequence_events(matcher, moments, count, events, &length));
	times = (int64 *) palloc(length * sizeof(int64) + 1);
	for (i = 0; i < length; i++)
		times[i] = moments[events[i]].at;
	return jp_times_array(times, (int) length);
}

static JpSettings *
read_pattern(FunctionCallInfo fcinfo)
{
	int			count;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("pattern and conditions must not be null")));
	jp_conditions(PG_GETARG_ARRAYTYPE_P(3), "conditions of a sequence", JP_STEPS_MAX, &count);
	return jp_pattern_settings(PG_GETARG_TEXT_PP(1), count);
}

static void
refuse(const text *pattern, const JpSequenceFault *fault)
{
	int			character = pg_mbstrlen_with_len(VARDATA_ANY(pattern), (int) fault->at) + 1;

	if (fault->size)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("invalid pattern: %s", fault->what),
				 errdetail("Character %d.", character),
				 errhint("It may have about %d elements, repetitions written out, and %d time conditions.",
						 JP_MOVES_MAX, JP_SPANS_MAX)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid pattern: %s", fault->what),
			 errdetail("Character %d.", character)));
}

/* An interval of fixed length; NULL or what is wrong with it. */
static const char *
read_interval(const char *chars, size_t length, uint64 *span)
{
	Interval	interval;
	int64		microseconds;

	/* what a sign before the first field does to the others is a setting */
	if (memchr(chars, '-', length) != NULL)
		return "a span of time has no signs";
	if (!decode_interval(pnstrdup(chars, length), &interval))
		return "not an interval";
	if (interval.month != 0)
		return "a span of time has no months or years";
	if (pg_mul_s64_overflow(interval.day, USECS_PER_DAY, &microseconds) ||
		pg_add_s64_overflow(microseconds, interval.time, &microseconds))
		return "the span of time is too long";
	if (microseconds < 0)
		return "a span of time is not negative";
	*span = (uint64) microseconds;
	return NULL;
}

/* As the input function does, without its errors. */
static bool
decode_interval(char *chars, Interval *interval)
{
	struct pg_itm_in itm;
	char		work[256];
	char	   *field[MAXDATEFIELDS];
	int			field_type[MAXDATEFIELDS];
	int			fields;
	int			type;
	int			error;

	memset(&itm, 0, sizeof(itm));
	error = ParseDateTime(chars, work, sizeof(work), field, field_type, MAXDATEFIELDS, &fields);
	if (error == 0)
		error = DecodeInterval(field, field_type, fields, INTERVAL_FULL_RANGE, &type, &itm);
	if (error == DTERR_BAD_FORMAT)
		error = DecodeISO8601Interval(chars, &type, &itm);
	return error == 0 && type == DTK_DELTA && itmin2interval(&itm, interval) == 0;
}

static JpMatcher *
matcher_of(const JpSettings *settings)
{
	return jp_matcher_create(&((const Pattern *) settings)->sequence, &host);
}

static void
end_matcher(JpMatcher *matcher, bool enough)
{
	if (!enough)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a pattern leaves too many ways open in a journey"),
				 errhint("Bound the time of the journey, or shorten the spans of time in the pattern.")));
	jp_matcher_free(matcher);
}

static void *
resize(void *old, size_t size)
{
	return old == NULL ? palloc(size) : repalloc(old, size);
}

static void
pause_here(void)
{
	CHECK_FOR_INTERRUPTS();
}
