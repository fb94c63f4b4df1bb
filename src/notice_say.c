/*
 * notice_say.c
 *		Words, lengths of time and times in the language of a document.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "notice.h"

/* So many months are told as months; of more, the years. */
#define MONTHS_TOLD	36

static const char *const language_code[JP_LANGUAGES] = {"en", "de", "fr", "es"};

static bool is_plain(const Interval *span);
static void add_part(StringInfo *parts, int *count, JpLanguage language,
					 int64 number, JpWord one, JpWord many);

/* A language by its code. */
JpLanguage
jp_language_from_name(const char *code)
{
	int			i;

	for (i = 0; i < JP_LANGUAGES; i++)
		if (strcmp(language_code[i], code) == 0)
			return (JpLanguage) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid language of a document"),
			 errhint("Use en, de, fr or es.")));
}

/* The code of a language. */
const char *
jp_language_code(JpLanguage language)
{
	return language_code[language];
}

/* A text as it is. */
const char *
jp_say_word(JpLanguage language, JpWord word)
{
	return jp_say_words[word][language];
}

/* A text with what is filled in; what that holds is not looked at again. */
const char *
jp_say(JpLanguage language, JpWord word, const char *first, const char *second)
{
	const char *at = jp_say_words[word][language];
	StringInfoData said;

	initStringInfo(&said);
	while (*at != '\0')
	{
		if (strncmp(at, "{1}", 3) == 0 || strncmp(at, "{2}", 3) == 0)
		{
			appendStringInfoString(&said, at[1] == '1' ? first : second);
			at += 3;
		}
		else
			appendStringInfoChar(&said, *at++);
	}
	return said.data;
}

/* A length of time: years, months, days, hours, minutes and seconds. */
const char *
jp_span_words(JpLanguage language, const Interval *span)
{
	StringInfo	parts[6];
	int			count = 0;
	int64		seconds = span->time / USECS_PER_SEC;
	int64		left = span->month;
	const char *said;
	int			i;

	if (!is_plain(span))
		return jp_span_iso(span);
	if (left % MONTHS_PER_YEAR == 0 || left > MONTHS_TOLD)
	{
		add_part(parts, &count, language, left / MONTHS_PER_YEAR, JP_SAY_YEAR, JP_SAY_YEARS);
		left %= MONTHS_PER_YEAR;
	}
	add_part(parts, &count, language, left, JP_SAY_MONTH, JP_SAY_MONTHS);
	add_part(parts, &count, language, span->day, JP_SAY_DAY, JP_SAY_DAYS);
	add_part(parts, &count, language, seconds / SECS_PER_HOUR, JP_SAY_HOUR, JP_SAY_HOURS);
	seconds %= SECS_PER_HOUR;
	add_part(parts, &count, language, seconds / SECS_PER_MINUTE, JP_SAY_MINUTE, JP_SAY_MINUTES);
	add_part(parts, &count, language, seconds % SECS_PER_MINUTE, JP_SAY_SECOND, JP_SAY_SECONDS);
	said = parts[0]->data;
	for (i = 1; i < count - 1; i++)
		said = psprintf("%s, %s", said, parts[i]->data);
	return count < 2 ? said : jp_say(language, JP_SAY_AND, said, parts[count - 1]->data);
}

/* Whether a length of time can be told in words: whole seconds, forwards. */
static bool
is_plain(const Interval *span)
{
#ifdef INTERVAL_NOT_FINITE
	if (INTERVAL_NOT_FINITE(span))
		return false;
#endif
	return span->month >= 0 && span->day >= 0 && span->time >= 0 &&
		span->time % USECS_PER_SEC == 0 &&
		(span->month > 0 || span->day > 0 || span->time > 0);
}

/* Adds a number of something, unless it is 0; all four have 1 in the singular. */
static void
add_part(StringInfo *parts, int *count, JpLanguage language, int64 number,
		 JpWord one, JpWord many)
{
	if (number == 0)
		return;
	parts[*count] = makeStringInfo();
	appendStringInfo(parts[(*count)++], INT64_FORMAT " %s", number,
					 jp_say_word(language, number == 1 ? one : many));
}

/* As ISO 8601 has it, whatever IntervalStyle is. */
const char *
jp_span_iso(const Interval *span)
{
	struct pg_itm itm;
	char		buffer[MAXDATELEN + 1];

#ifdef INTERVAL_NOT_FINITE
	if (INTERVAL_NOT_FINITE(span))
		return "infinity";
#endif
	interval2itm(*span, &itm);
	EncodeInterval(&itm, INTSTYLE_ISO_8601, buffer);
	return pstrdup(buffer);
}

/* A date and time for people. */
const char *
jp_time_words(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_NOT_FINITE(time))
		return TIMESTAMP_IS_NOBEGIN(time) ? "-infinity" : "infinity";
	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	return psprintf("%04d-%02d-%02d %02d:%02d UTC", tm.tm_year, tm.tm_mon,
					tm.tm_mday, tm.tm_hour, tm.tm_min);
}

/* A date and time for programs, to the microsecond. */
const char *
jp_time_iso(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_NOT_FINITE(time))
		return TIMESTAMP_IS_NOBEGIN(time) ? "-infinity" : "infinity";
	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon,
					tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
}

/* The line at the end of a document. */
const char *
jp_dated(JpLanguage language)
{
	return jp_say(language, JP_SAY_DATED, jp_time_words(GetCurrentTimestamp()), "");
}
