/*
 * picture_svg.c
 *		Writes pictures: shapes, labels, and the element around them.
 */
#include "postgres.h"

#include <stdarg.h>

#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "markup.h"
#include "picture_svg.h"
#include "utf8.h"

#define MARGIN			200
#define WORDS_LABEL		80		/* characters of a user's text in <desc> */

static const char *as_utf8(const char *chars, size_t *len);
static void add_line(JpPicture *picture, const char *class, int x, int y,
					 const char *chars, size_t limit, const char *whole);
static uint32 mark_of(const JpPicture *picture);
static void append_body(StringInfo out, const JpPicture *picture, uint32 mark);

/* Begins. */
void
jp_picture_begin(JpPicture *picture, FunctionCallInfo fcinfo, int title,
				 int language, JpWord kind, int width)
{
	memset(picture, 0, sizeof(JpPicture));
	if (PG_ARGISNULL(language))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("language must not be null")));
	picture->language = jp_language(text_to_cstring(PG_GETARG_TEXT_PP(language)));
	picture->kind = kind;
	picture->width = width;
	if (!PG_ARGISNULL(title))
		picture->title = text_to_cstring(PG_GETARG_TEXT_PP(title));
	initStringInfo(&picture->body);
	initStringInfo(&picture->words);
}

/* Title and subtitle; what follows begins at height. */
void
jp_picture_head(JpPicture *picture, const char *subtitle)
{
	int			width = picture->width - 2 * MARGIN;

	if (picture->title != NULL)
		jp_svg_label(picture, "ink t", MARGIN, 330, JP_SIZE_TITLE * 12 / 10, width, picture->title);
	else
		jp_svg_words(picture, "ink t", MARGIN, 330, jp_picture_word(picture, picture->kind));
	if (subtitle[0] != '\0')
		jp_svg_label(picture, "dim", MARGIN, 520, JP_SIZE_SMALL, width, subtitle);
	picture->height = 720;
}

/* Puts the element together. */
Datum
jp_picture_finish(JpPicture *picture)
{
	StringInfoData out;
	uint32		mark = mark_of(picture);
	const char *language = jp_language_name(picture->language);
	text	   *made,
			   *result;

	initStringInfo(&out);
	appendStringInfoString(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"jp-picture\" role=\"img\" viewBox=\"0 0 ");
	jp_svg_length(&out, picture->width);
	appendStringInfoChar(&out, ' ');
	jp_svg_length(&out, picture->height);
	appendStringInfo(&out, "\" lang=\"%s\" xml:lang=\"%s\" aria-labelledby=\"jp-t-%08x jp-d-%08x\"><title id=\"jp-t-%08x\">",
					 language, language, mark, mark, mark);
	if (picture->title != NULL)
		jp_markup_text(&out, picture->title, 0);
	else
		appendStringInfoString(&out, jp_picture_word(picture, picture->kind));
	appendStringInfo(&out, "</title><desc id=\"jp-d-%08x\">%s</desc>", mark, picture->words.data);
	jp_picture_style(&out);
	appendStringInfo(&out, "<defs><pattern id=\"jp-few-%08x\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
					 "<path class=\"few\" d=\"M2.5 0V5\"/></pattern><linearGradient id=\"jp-fade-%08x\">"
					 "<stop class=\"fade\" stop-opacity=\"0\"/><stop class=\"fade\" offset=\"1\" stop-opacity=\".6\"/></linearGradient></defs>",
					 mark, mark);
	appendStringInfoString(&out, "<rect class=\"bg\" width=\"100%\" height=\"100%\" rx=\"8\"/>");
	append_body(&out, picture, mark);
	appendStringInfoString(&out, "</svg>");
	made = jp_markup_finish(&out);
	result = SPI_palloc(VARSIZE(made));
	memcpy(result, made, VARSIZE(made));
	SPI_finish();
	return PointerGetDatum(result);
}

/*
 * Tells the ids of pictures in one page apart: FNV-1a over what is in them.
 */
static uint32
mark_of(const JpPicture *picture)
{
	uint32		mark = 2166136261u;
	int			i;

	for (i = 0; i < picture->body.len; i++)
		mark = (mark ^ (unsigned char) picture->body.data[i]) * 16777619u;
	for (i = 0; i < picture->words.len; i++)
		mark = (mark ^ (unsigned char) picture->words.data[i]) * 16777619u;
	return mark;
}

/*
 * The body, with the mark where it names an id: there it has a byte of 1, which
 * no text of a user's can hold.
 */
static void
append_body(StringInfo out, const JpPicture *picture, uint32 mark)
{
	const char *from = picture->body.data;
	const char *end;

	for (; (end = strchr(from, '\001')) != NULL; from = end + 1)
	{
		appendBinaryStringInfo(out, from, end - from);
		appendStringInfo(out, "-%08x", mark);
	}
	appendStringInfoString(out, from);
}

/* A length. */
void
jp_svg_length(StringInfo out, int64 tenths)
{
	if (tenths < 0)
		appendStringInfoChar(out, '-');
	tenths = tenths < 0 ? -tenths : tenths;
	appendStringInfo(out, INT64_FORMAT, tenths / JP_UNIT);
	if (tenths % JP_UNIT != 0)
		appendStringInfo(out, ".%d", (int) (tenths % JP_UNIT));
}

/* Markup with lengths and texts of our own in it. */
void
jp_svg_add(JpPicture *picture, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	for (; *format != '\0'; format++)
	{
		if (format[0] == '%' && format[1] == 'd')
			jp_svg_length(&picture->body, va_arg(args, int));
		else if (format[0] == '%' && format[1] == 's')
			appendStringInfoString(&picture->body, va_arg(args, const char *));
		else
		{
			appendStringInfoChar(&picture->body, *format);
			continue;
		}
		format++;
	}
	va_end(args);
}

/* A rectangle. */
void
jp_svg_box(JpPicture *picture, const char *class, int x, int y, int width, int height, int round)
{
	bool		few = strcmp(class, "few") == 0;

	picture->few |= few;
	jp_svg_add(picture, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"",
			   few ? "" : class, x, y, width, height);
	if (round > 0)
		jp_svg_add(picture, " rx=\"%d\"", round);
	jp_svg_add(picture, few ? " fill=\"url(#jp-few\001)\"/>" : "/>");
}

/* A line of words of our own. */
void
jp_svg_words(JpPicture *picture, const char *class, int x, int y, const char *words)
{
	jp_svg_add(picture, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>", class, x, y, words);
}

/* A line of a user's text. */
void
jp_svg_label(JpPicture *picture, const char *class, int x, int y, int size, int width,
			 const char *chars)
{
	size_t		len;
	const char *utf8 = as_utf8(chars, &len);
	size_t		limit = jp_text_fit(utf8, len, size, width);

	add_line(picture, class, x, y, chars, limit, limit > 0 ? chars : NULL);
}

/* Up to two lines of it. */
int
jp_svg_label2(JpPicture *picture, const char *class, int x, int y, int size, int width,
			  const char *chars)
{
	size_t		len;
	const char *utf8 = as_utf8(chars, &len);
	size_t		first = jp_text_break(utf8, len, size, width);
	size_t		limit;
	char	   *line;

	/* A byte of text is one of UTF-8 only where that is the encoding. */
	if (utf8 != chars || first >= len)
	{
		jp_svg_label(picture, class, x, y, size, width, chars);
		return 1;
	}
	line = pnstrdup(chars, first);
	add_line(picture, class, x, y, line, 0, NULL);
	limit = jp_text_fit(utf8 + first, len - first, size, width);
	add_line(picture, class, x, y + size * 12 / 10, chars + first, limit, limit > 0 ? chars : NULL);
	return 2;
}

/* Writes it: so many characters, and the whole as its title. */
static void
add_line(JpPicture *picture, const char *class, int x, int y, const char *chars,
		 size_t limit, const char *whole)
{
	jp_svg_add(picture, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
	if (whole != NULL)
		jp_svg_tip(picture, whole, "");
	jp_markup_text(&picture->body, chars, limit);
	jp_svg_add(picture, "</text>");
}

/* How wide text is. */
int
jp_label_width(const char *chars, int size)
{
	size_t		len;

	chars = as_utf8(chars, &len);
	return jp_text_width(chars, len, size);
}

/* Text of the database's encoding to measure; SQL_ASCII may hold anything. */
static const char *
as_utf8(const char *chars, size_t *len)
{
	*len = strlen(chars);
	return GetDatabaseEncoding() == PG_SQL_ASCII ? chars : jp_utf8_from(chars, *len, len);
}

/* What the pointer shows. */
void
jp_svg_tip(JpPicture *picture, const char *chars, const char *words)
{
	appendStringInfoString(&picture->body, "<title>");
	jp_markup_text(&picture->body, chars, 0);
	appendStringInfo(&picture->body, "%s</title>", words);
}

/* A user's text in the description. */
void
jp_words_label(JpPicture *picture, const char *chars)
{
	jp_markup_text(&picture->words, chars, WORDS_LABEL);
}

/* What hatching means. */
void
jp_picture_legend(JpPicture *picture)
{
	if (!picture->few)
		return;
	jp_svg_box(picture, "few", MARGIN, picture->height + 100, 220, 120, 20);
	jp_svg_words(picture, "dim", MARGIN + 300, picture->height + 205, jp_picture_word(picture, JP_WORD_TOO_FEW));
	picture->height += 300;
}

/* Nothing to see. */
void
jp_picture_nothing(JpPicture *picture)
{
	const char *nothing = jp_picture_word(picture, JP_WORD_NOTHING);
	size_t		len = strlen(nothing);
	int			room = picture->width - 2 * MARGIN - 400;
	size_t		first = jp_text_break(nothing, len, JP_SIZE_SMALL, room);

	jp_svg_add(picture, "<g data-nothing=\"\">");
	jp_svg_box(picture, "few", MARGIN, picture->height, picture->width - 2 * MARGIN, 1100, 60);
	jp_svg_box(picture, "bg", MARGIN + 120, picture->height + 300, picture->width - 2 * MARGIN - 240, 500, 40);
	jp_svg_words(picture, "dim m", picture->width / 2, picture->height + (first < len ? 520 : 590),
				 pnstrdup(nothing, first));
	if (first < len)
		jp_svg_words(picture, "dim m", picture->width / 2, picture->height + 680, nothing + first);
	jp_svg_add(picture, "</g>");
	appendStringInfoString(&picture->words, nothing);
	picture->height += 1300;
}

/* Asks an answer. */
void
jp_picture_ask(FunctionCallInfo fcinfo, const char *sql, int nargs, const Oid *types)
{
	Datum		values[FUNC_MAX_ARGS];
	char		nulls[FUNC_MAX_ARGS];
	int			i;

	for (i = 0; i < nargs; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	SPI_connect();
	if (SPI_execute_with_args(sql, nargs, unconstify(Oid *, types), values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask for what a picture shows");
}

/* A field. */
Datum
jp_row_value(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* A field that counts. */
int64
jp_row_count(uint64 row, int column, bool *isnull)
{
	Datum		value = jp_row_value(row, column, isnull);

	return *isnull ? 0 : DatumGetInt64(value);
}

/* A field that is text; NULL: it is null. */
char *
jp_row_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}
