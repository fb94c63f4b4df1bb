/*
 * notice_write.c
 *		Writing a document for people: JSON for programs, Markdown, and HTML
 *		as a page of its own that needs nothing from elsewhere.
 *
 * Everything but what stands here between quotes goes through put() or
 * put_json().
 */
#include "postgres.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "markup.h"
#include "notice.h"

/* Titles deeper than this look alike. */
#define DEEPEST	6

/* Contrast: text at least 7:1, lines at least 3:1, in light and dark. */
static const char *const style =
":root{color-scheme:light dark;--ink:#1b1f24;--soft:#4a525b;--paper:#fff;--band:#f3f5f7;--line:#7d8894}"
"@media (prefers-color-scheme:dark){:root{--ink:#e8ebee;--soft:#b4bcc4;--paper:#14171a;--band:#1e2327;--line:#75808b}}"
"body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}"
"main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}"
"h1{font-size:1.9rem;line-height:1.25}h2{font-size:1.35rem;margin-top:2.2rem}h3{font-size:1.1rem;margin-top:1.6rem}"
"h1,h2,h3,p,li{overflow-wrap:anywhere}th,td{overflow-wrap:break-word;max-width:22rem}p,ul{max-width:44rem}"
".scroll{overflow-x:auto}"
"table{border-collapse:collapse;width:100%;font-size:.925rem}"
"th,td{text-align:start;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line);min-width:5rem}"
"th{background:var(--band)}footer{margin-top:3rem;color:var(--soft);font-size:.9rem}"
"@media print{body{background:#fff;color:#000}.scroll{overflow:visible}}";

static void put(StringInfo out, const char *chars, JpMarkup how);
static void bare_colons(StringInfo out, int start);
static void put_json(StringInfo out, const char *chars);
static void json_document(StringInfo out, const JpDocument *document);
static void json_sections(StringInfo out, const List *sections);
static void json_section(StringInfo out, const JpSection *section);
static void json_texts(StringInfo out, const char *key, const List *texts);
static void json_rows(StringInfo out, const JpSection *section);
static void markdown_document(StringInfo out, const JpDocument *document);
static void markdown_section(StringInfo out, const JpSection *section, int depth);
static void markdown_table(StringInfo out, const JpSection *section);
static void markdown_cell(StringInfo out, const JpHeading *heading,
						  const char *chars);
static void html_document(StringInfo out, const JpDocument *document);
static void html_section(StringInfo out, const JpSection *section, int depth);
static void html_table(StringInfo out, const JpSection *section);
static void html_cell(StringInfo out, const JpHeading *heading, const char *opening,
					  const char *closing, const char *chars);

/* The document in a format. */
text *
jp_document_write(const JpDocument *document, JpDocumentFormat format)
{
	StringInfoData out;

	initStringInfo(&out);
	switch (format)
	{
		case JP_DOCUMENT_JSON:
			json_document(&out, document);
			break;
		case JP_DOCUMENT_MARKDOWN:
			markdown_document(&out, document);
			break;
		case JP_DOCUMENT_HTML:
			html_document(&out, document);
			break;
	}
	return jp_markup_finish(&out);
}

/* Text of unknown origin. */
static void
put(StringInfo out, const char *chars, JpMarkup how)
{
	size_t		len = strlen(chars);
	size_t		room = jp_markup_room(len, 0);
	int			start;

	if (room > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a chars is too long for a document")));
	enlargeStringInfo(out, room);
	start = out->len;
	out->len += jp_markup_escape(out->data + out->len, chars, len, 0, how);
	out->data[out->len] = '\0';
	if (how == JP_MARKUP_MARKDOWN)
		bare_colons(out, start);
}

/*
 * Takes the backslash from colons before a space and in times (12:30), which
 * cannot begin anything, so that who reads the Markdown itself is not bothered.
 */
static void
bare_colons(StringInfo out, int start)
{
	char	   *to = out->data + start;
	const char *from = to;
	const char *begin = to;

	while (*from != '\0')
	{
		bool		doubled = from[0] == '\\' && from[1] == '\\';
		bool		bare = from[0] == '\\' && from[1] == ':' && from > begin &&
			(from[2] == ' ' ||
			 (isdigit((unsigned char) from[-1]) && isdigit((unsigned char) from[2]) &&
			  isdigit((unsigned char) from[3]) && strchr(" ", from[4]) != NULL));

		if (bare)
			from++;
		*to++ = *from++;
		if (doubled)
			*to++ = *from++;
	}
	*to = '\0';
	out->len = to - out->data;
}

/* JSON ----------------------------------------------------------------------*/

/* A string, in ASCII where the database's encoding is not UTF-8. */
static void
put_json(StringInfo out, const char *chars)
{
	size_t		len = strlen(chars);
	size_t		at = 0;
	bool		plain = GetDatabaseEncoding() != PG_UTF8;
	char		bytes[4];

	appendStringInfoChar(out, '"');
	while (at < len)
	{
		uint32		code = jp_markup_next(chars, len, &at);

		if (code == '"' || code == '\\')
			appendStringInfo(out, "\\%c", (char) code);
		else if (code < 0x20 || code == 0x7F || (plain && code >= 0x80 && code < 0x10000))
			appendStringInfo(out, "\\u%04x", code);
		else if (plain && code >= 0x10000)
			appendStringInfo(out, "\\u%04x\\u%04x",
							 0xD800 + ((code - 0x10000) >> 10),
							 0xDC00 + ((code - 0x10000) & 0x3FF));
		else
			appendBinaryStringInfo(out, bytes, (int) jp_markup_put(bytes, code));
	}
	appendStringInfoChar(out, '"');
}

/* The same by itself. */
const char *
jp_json_string(const char *chars)
{
	StringInfoData out;

	initStringInfo(&out);
	put_json(&out, chars);
	return out.data;
}

/* The document as an object. */
static void
json_document(StringInfo out, const JpDocument *document)
{
	appendStringInfoString(out, "{\"document\": ");
	put_json(out, document->name);
	appendStringInfoString(out, ", \"version\": 1, \"language\": ");
	put_json(out, document->language);
	appendStringInfoString(out, ", \"title\": ");
	put_json(out, document->title);
	if (document->dated != NULL)
	{
		appendStringInfoString(out, ", \"dated\": ");
		put_json(out, document->dated);
	}
	json_sections(out, document->sections);
	appendStringInfoChar(out, '}');
}

/* Sections as an object by their keys. */
static void
json_sections(StringInfo out, const List *sections)
{
	const char *separator = "";
	ListCell   *cell;

	appendStringInfoString(out, ", \"sections\": {");
	foreach(cell, sections)
	{
		if (jp_section_is_empty(lfirst(cell)))
			continue;
		appendStringInfoString(out, separator);
		json_section(out, lfirst(cell));
		separator = ", ";
	}
	appendStringInfoChar(out, '}');
}

/* One of them. */
static void
json_section(StringInfo out, const JpSection *section)
{
	put_json(out, section->key);
	appendStringInfoString(out, ": {\"title\": ");
	put_json(out, section->title);
	json_texts(out, "text", section->text);
	json_texts(out, "items", section->items);
	if (section->rows != NIL)
		json_rows(out, section);
	if (section->sections != NIL)
		json_sections(out, section->sections);
	appendStringInfoChar(out, '}');
}

/* Texts as an array, if there are any. */
static void
json_texts(StringInfo out, const char *key, const List *texts)
{
	ListCell   *cell;

	if (texts == NIL)
		return;
	appendStringInfo(out, ", \"%s\": [", key);
	foreach(cell, texts)
	{
		if (foreach_current_index(cell) > 0)
			appendStringInfoString(out, ", ");
		put_json(out, lfirst(cell));
	}
	appendStringInfoChar(out, ']');
}

/* The table as an array of objects. */
static void
json_rows(StringInfo out, const JpSection *section)
{
	ListCell   *line;
	ListCell   *column;

	appendStringInfoString(out, ", \"rows\": [");
	foreach(line, section->rows)
	{
		const JpCell *row = lfirst(line);

		appendStringInfoString(out, foreach_current_index(line) > 0 ? ", {" : "{");
		foreach(column, section->headings)
		{
			const JpHeading *heading = lfirst(column);
			const JpCell *cell = &row[foreach_current_index(column)];

			if (foreach_current_index(column) > 0)
				appendStringInfoString(out, ", ");
			put_json(out, heading->key);
			appendStringInfoString(out, ": ");
			if (cell->json != NULL)
				appendStringInfoString(out, cell->json);
			else if (cell->text != NULL)
				put_json(out, cell->text);
			else
				appendStringInfoString(out, "null");
		}
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/* Markdown ------------------------------------------------------------------*/

/* The document, its title first. */
static void
markdown_document(StringInfo out, const JpDocument *document)
{
	ListCell   *cell;

	appendStringInfoString(out, "# ");
	put(out, document->title, JP_MARKUP_MARKDOWN);
	appendStringInfoChar(out, '\n');
	foreach(cell, document->sections)
		markdown_section(out, lfirst(cell), 2);
	if (document->dated != NULL)
	{
		appendStringInfoChar(out, '\n');
		put(out, document->dated, JP_MARKUP_MARKDOWN);
		appendStringInfoChar(out, '\n');
	}
}

/* A section with those within it. */
static void
markdown_section(StringInfo out, const JpSection *section, int depth)
{
	ListCell   *cell;

	if (jp_section_is_empty(section))
		return;
	appendStringInfo(out, "\n%.*s ", Min(depth, DEEPEST), "######");
	put(out, section->title, JP_MARKUP_MARKDOWN);
	appendStringInfoChar(out, '\n');
	foreach(cell, section->text)
	{
		appendStringInfoChar(out, '\n');
		put(out, lfirst(cell), JP_MARKUP_MARKDOWN);
		appendStringInfoChar(out, '\n');
	}
	foreach(cell, section->items)
	{
		appendStringInfoString(out, foreach_current_index(cell) == 0 ? "\n- " : "- ");
		put(out, lfirst(cell), JP_MARKUP_MARKDOWN);
		appendStringInfoChar(out, '\n');
	}
	if (section->rows != NIL)
		markdown_table(out, section);
	foreach(cell, section->sections)
		markdown_section(out, lfirst(cell), depth + 1);
}

/* A table with its headings. */
static void
markdown_table(StringInfo out, const JpSection *section)
{
	ListCell   *line;
	ListCell   *column;

	appendStringInfoString(out, "\n|");
	foreach(column, section->headings)
		markdown_cell(out, lfirst(column), ((JpHeading *) lfirst(column))->title);
	appendStringInfoString(out, "\n|");
	foreach(column, section->headings)
		if (((JpHeading *) lfirst(column))->title != NULL)
			appendStringInfoString(out, " --- |");
	foreach(line, section->rows)
	{
		const JpCell *row = lfirst(line);

		appendStringInfoString(out, "\n|");
		foreach(column, section->headings)
			markdown_cell(out, lfirst(column), row[foreach_current_index(column)].text);
	}
	appendStringInfoChar(out, '\n');
}

/* A cell, unless it is for programs. */
static void
markdown_cell(StringInfo out, const JpHeading *heading, const char *chars)
{
	if (heading->title == NULL)
		return;
	appendStringInfoChar(out, ' ');
	if (chars != NULL)
		put(out, chars, JP_MARKUP_MARKDOWN);
	appendStringInfoString(out, " |");
}

/* HTML ----------------------------------------------------------------------*/

/* A page that is well-formed XML, too. */
static void
html_document(StringInfo out, const JpDocument *document)
{
	ListCell   *cell;

	appendStringInfoString(out, "<!DOCTYPE html>\n<html lang=\"");
	put(out, document->language, JP_MARKUP_XML);
	appendStringInfoString(out, "\">\n<head>\n<meta charset=\"utf-8\" />\n"
						   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
						   "<meta http-equiv=\"Content-Security-Policy\""
						   " content=\"default-src 'none'; style-src 'unsafe-inline'\" />\n<title>");
	put(out, document->title, JP_MARKUP_XML);
	appendStringInfo(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
	put(out, document->title, JP_MARKUP_XML);
	appendStringInfoString(out, "</h1>\n");
	foreach(cell, document->sections)
		html_section(out, lfirst(cell), 2);
	if (document->dated != NULL)
	{
		appendStringInfoString(out, "<footer><p>");
		put(out, document->dated, JP_MARKUP_XML);
		appendStringInfoString(out, "</p></footer>\n");
	}
	appendStringInfoString(out, "</main>\n</body>\n</html>\n");
}

/* A section with those within it. */
static void
html_section(StringInfo out, const JpSection *section, int depth)
{
	int			level = Min(depth, DEEPEST);
	ListCell   *cell;

	if (jp_section_is_empty(section))
		return;
	appendStringInfo(out, "<section>\n<h%d>", level);
	put(out, section->title, JP_MARKUP_XML);
	appendStringInfo(out, "</h%d>\n", level);
	foreach(cell, section->text)
	{
		appendStringInfoString(out, "<p>");
		put(out, lfirst(cell), JP_MARKUP_XML);
		appendStringInfoString(out, "</p>\n");
	}
	if (section->items != NIL)
		appendStringInfoString(out, "<ul>\n");
	foreach(cell, section->items)
	{
		appendStringInfoString(out, "<li>");
		put(out, lfirst(cell), JP_MARKUP_XML);
		appendStringInfoString(out, "</li>\n");
	}
	if (section->items != NIL)
		appendStringInfoString(out, "</ul>\n");
	if (section->rows != NIL)
		html_table(out, section);
	foreach(cell, section->sections)
		html_section(out, lfirst(cell), depth + 1);
	appendStringInfoString(out, "</section>\n");
}

/* A table, which scrolls by itself where the screen is narrow. */
static void
html_table(StringInfo out, const JpSection *section)
{
	ListCell   *line;
	ListCell   *column;

	appendStringInfoString(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
	put(out, section->title, JP_MARKUP_XML);
	appendStringInfoString(out, "\">\n<table>\n<thead><tr>");
	foreach(column, section->headings)
		html_cell(out, lfirst(column), "th scope=\"col\"", "th",
				  ((JpHeading *) lfirst(column))->title);
	appendStringInfoString(out, "</tr></thead>\n<tbody>\n");
	foreach(line, section->rows)
	{
		const JpCell *row = lfirst(line);

		appendStringInfoString(out, "<tr>");
		foreach(column, section->headings)
			html_cell(out, lfirst(column), "td", "td",
					  row[foreach_current_index(column)].text);
		appendStringInfoString(out, "</tr>\n");
	}
	appendStringInfoString(out, "</tbody>\n</table>\n</div>\n");
}

/* A cell, unless it is for programs. */
static void
html_cell(StringInfo out, const JpHeading *heading, const char *opening,
		  const char *closing, const char *chars)
{
	if (heading->title == NULL)
		return;
	appendStringInfo(out, "<%s>", opening);
	if (chars != NULL)
		put(out, chars, JP_MARKUP_XML);
	appendStringInfo(out, "</%s>", closing);
}
