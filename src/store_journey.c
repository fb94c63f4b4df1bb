/*
 * store_journey.c
 *		Type journey: its forms.
 *
 * In text, {(2026-01-05 09:00:00+00,home),(2026-01-05 09:01:30+00,"to cart")}:
 * times in UTC whatever the session's settings, names in double quotes where
 * they would be misread.  What is read comes in any order and is ordered by
 * time, equal times by the bytes of the names.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "store_internal.h"

/* Events as they are read. */
typedef struct Events
{
	JpMoment   *moments;
	uint32		count;
	uint32		room;
	JpNames    *names;
} Events;

PG_FUNCTION_INFO_V1(jp_journey_in);
PG_FUNCTION_INFO_V1(jp_journey_out);
PG_FUNCTION_INFO_V1(jp_journey_recv);
PG_FUNCTION_INFO_V1(jp_journey_send);

static void send_name(StringInfo buffer, const text *name);
static void begin_events(Events *events);
static void add_event(Events *events, TimestampTz at, const char *chars, Size len);
static Datum ordered_journey(Events *events);
static void parse_event(const char **next, StringInfo part, Events *events);
static void parse_part(const char **next, StringInfo part, char end);
static bool parse_quoted(const char **next, StringInfo part);
static void skip_spaces(const char **next);
static void expect(const char **next, char wanted);
pg_noreturn static void refuse_literal(const char *detail);
static void append_time(StringInfo out, TimestampTz at);
static void append_name(StringInfo out, const char *chars, Size len);
static bool needs_quotes(const char *chars, Size len);

/* Reads the text form. */
Datum
jp_journey_in(PG_FUNCTION_ARGS)
{
	const char *next = PG_GETARG_CSTRING(0);
	StringInfoData part;
	Events		events;

	begin_events(&events);
	initStringInfo(&part);
	skip_spaces(&next);
	expect(&next, '{');
	skip_spaces(&next);
	while (*next != '}')
	{
		if (events.count > 0)
			expect(&next, ',');
		parse_event(&next, &part, &events);
		skip_spaces(&next);
	}
	next++;
	skip_spaces(&next);
	if (*next != '\0')
		refuse_literal("There is something after the closing brace.");
	return ordered_journey(&events);
}

/* Writes the text form. */
Datum
jp_journey_out(PG_FUNCTION_ARGS)
{
	JpNames    *names = jp_names_create(CurrentMemoryContext);
	JpJourneyNames *codes = jp_journey_names_of(CurrentMemoryContext, names);
	StringInfoData out;
	JpMoment   *moments;
	uint32		count;
	uint32		i;

	moments = jp_journey_moments(codes, PG_GETARG_DATUM(0), &count);
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (i = 0; i < count; i++)
	{
		text	   *name = jp_name_text(names, jp_low(moments[i].steps));

		appendStringInfoString(&out, i == 0 ? "(" : ",(");
		append_time(&out, moments[i].at);
		appendStringInfoChar(&out, ',');
		append_name(&out, VARDATA(name), VARSIZE(name) - VARHDRSZ);
		appendStringInfoChar(&out, ')');
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Reads the binary form: the number of events, of each its time and name. */
Datum
jp_journey_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int32		count = pq_getmsgint(buffer, 4);
	Events		events;
	int32		i;

	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary form of type journey")));
	begin_events(&events);
	for (i = 0; i < count; i++)
	{
		TimestampTz at = pq_getmsgint64(buffer);
		int			size = pq_getmsgint(buffer, 4);
		int			len;
		char	   *chars = pq_getmsgtext(buffer, size, &len);

		add_event(&events, at, chars, len);
		pfree(chars);
	}
	return ordered_journey(&events);
}

/* Writes the binary form. */
Datum
jp_journey_send(PG_FUNCTION_ARGS)
{
	JpNames    *names = jp_names_create(CurrentMemoryContext);
	JpJourneyNames *codes = jp_journey_names_of(CurrentMemoryContext, names);
	StringInfoData buffer;
	JpMoment   *moments;
	uint32		count;
	uint32		i;

	moments = jp_journey_moments(codes, PG_GETARG_DATUM(0), &count);
	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, count);
	for (i = 0; i < count; i++)
	{
		pq_sendint64(&buffer, moments[i].at);
		send_name(&buffer, jp_name_text(names, jp_low(moments[i].steps)));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* A name in the client's encoding, behind its length. */
static void
send_name(StringInfo buffer, const text *name)
{
	char	   *chars = VARDATA(name);
	int			len = VARSIZE(name) - VARHDRSZ;
	char	   *converted = pg_server_to_client(chars, len);

	if (converted != chars)
		len = strlen(converted);
	pq_sendint32(buffer, len);
	pq_sendbytes(buffer, converted, len);
	if (converted != chars)
		pfree(converted);
}

static void
begin_events(Events *events)
{
	events->count = 0;
	events->room = 32;
	events->moments = (JpMoment *) palloc(events->room * sizeof(JpMoment));
	events->names = jp_names_create(CurrentMemoryContext);
}

static void
add_event(Events *events, TimestampTz at, const char *chars, Size len)
{
	jp_journey_check_time(at);
	jp_journey_check_count((uint64) events->count + 1);
	if (events->count == events->room)
	{
		events->room *= 2;
		events->moments = (JpMoment *) repalloc(events->moments, events->room * sizeof(JpMoment));
	}
	events->moments[events->count].at = at;
	events->moments[events->count++].steps = jp_name_code(events->names, chars, len);
}

/* The journey of events that came in any order. */
static Datum
ordered_journey(Events *events)
{
	jp_moments_order(events->moments, events->count, JP_CODES_LOW, events->names);
	return jp_journey_make(events->moments, events->count, events->names);
}

/* One event, (time,name). */
static void
parse_event(const char **next, StringInfo part, Events *events)
{
	TimestampTz at;

	skip_spaces(next);
	expect(next, '(');
	parse_part(next, part, ',');
	at = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(part->data),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	parse_part(next, part, ')');
	add_event(events, at, part->data, part->len);
}

/* A time or a name, with quotes or without, and the character behind it. */
static void
parse_part(const char **next, StringInfo part, char end)
{
	resetStringInfo(part);
	skip_spaces(next);
	if (!parse_quoted(next, part))
	{
		while (**next != '\0' && strchr("(){},\"\\", **next) == NULL)
			appendStringInfoCharMacro(part, *(*next)++);
		while (part->len > 0 && scanner_isspace(part->data[part->len - 1]))
			part->data[--part->len] = '\0';
		if (part->len == 0)
			refuse_literal("An empty name is written with double quotes.");
	}
	skip_spaces(next);
	expect(next, end);
}

/* What stands between double quotes; false when it does not begin with one. */
static bool
parse_quoted(const char **next, StringInfo part)
{
	if (**next != '"')
		return false;
	for ((*next)++; **next != '"' || (*next)[1] == '"'; (*next)++)
	{
		if (**next == '"' || **next == '\\')
			(*next)++;
		if (**next == '\0')
			refuse_literal("A double quote is not closed.");
		appendStringInfoCharMacro(part, **next);
	}
	(*next)++;
	return true;
}

static void
skip_spaces(const char **next)
{
	while (scanner_isspace(**next))
		(*next)++;
}

static void
expect(const char **next, char wanted)
{
	char		detail[] = "There should be a \"?\".";

	detail[strlen(detail) - 3] = wanted;
	if (**next != wanted)
		refuse_literal(detail);
	(*next)++;
}

static void
refuse_literal(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed journey literal"),
			 errdetail("%s", detail),
			 errhint("Write {(time,name),(time,name)}.")));
}

/* A time in UTC, as ISO 8601 has it. */
static void
append_time(StringInfo out, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;
	char		buffer[MAXDATELEN + 1];

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		jp_journey_damaged();
	tm.tm_isdst = 0;			/* or the zone would be left out */
	EncodeDateTime(&tm, fsec, true, 0, NULL, USE_ISO_DATES, buffer);
	appendStringInfoString(out, buffer);
}

static void
append_name(StringInfo out, const char *chars, Size len)
{
	Size		i;

	if (!needs_quotes(chars, len))
	{
		appendBinaryStringInfo(out, chars, len);
		return;
	}
	appendStringInfoCharMacro(out, '"');
	for (i = 0; i < len; i++)
	{
		if (chars[i] == '"' || chars[i] == '\\')
			appendStringInfoCharMacro(out, chars[i]);
		appendStringInfoCharMacro(out, chars[i]);
	}
	appendStringInfoCharMacro(out, '"');
}

/* Whether a name would be misread as it is. */
static bool
needs_quotes(const char *chars, Size len)
{
	Size		i;

	for (i = 0; i < len; i++)
		if (scanner_isspace(chars[i]) || strchr("(){},\"\\", chars[i]) != NULL)
			return true;
	return len == 0;
}
