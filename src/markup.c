/*
 * markup.c
 *		Documents for people (SVG, HTML, Markdown), put together in UTF-8.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "markup.h"
#include "utf8.h"

static void append(StringInfo out, const char *chars, size_t limit, JpMarkup how);

/* Text of XML or HTML. */
void
jp_markup_text(StringInfo out, const char *chars, size_t limit)
{
	append(out, chars, limit, JP_MARKUP_XML);
}

/* Text of Markdown. */
void
jp_markup_markdown(StringInfo out, const char *chars, size_t limit)
{
	append(out, chars, limit, JP_MARKUP_MARKDOWN);
}

/* Either; a database in SQL_ASCII may hold any bytes. */
static void
append(StringInfo out, const char *chars, size_t limit, JpMarkup how)
{
	size_t		len = strlen(chars);
	size_t		room;

	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		chars = jp_utf8_from(chars, len, &len);
	room = jp_markup_room(len, limit);
	if (room > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a text is too long for a document")));
	enlargeStringInfo(out, room);
	out->len += jp_markup_escape(out->data + out->len, chars, len, limit, how);
	out->data[out->len] = '\0';
}

/* In the database's encoding. */
text *
jp_markup_finish(StringInfo out)
{
	StringInfoData plain;
	size_t		at = 0;

	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return cstring_to_text_with_len(out->data, out->len);
	initStringInfo(&plain);
	while (at < out->len)
	{
		uint32		code = jp_markup_next(out->data, out->len, &at);

		if (code < 0x80)
			appendStringInfoChar(&plain, (char) code);
		else
			appendStringInfo(&plain, "&#%u;", code);
	}
	return cstring_to_text_with_len(plain.data, plain.len);
}
