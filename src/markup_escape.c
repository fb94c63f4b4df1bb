/*
 * markup_escape.c
 *		Text of unknown origin made harmless in XML, HTML and Markdown.
 *
 * Names of events come from browsers and phones: they may hold tags, quotes,
 * bytes that no encoding knows, or characters that turn around the text
 * beside them.  Two passes: one finds how much of the text stays and whether
 * it may run from right to left, the other writes.
 */
#include "markup_escape.h"

#define REPLACEMENT		0xFFFD
#define ELLIPSIS		0x2026
#define ISOLATE			0x2068	/* first strong isolate */
#define END_ISOLATE		0x2069
#define ZERO_WIDTH_JOINER	0x200D
#define RIGHT_TO_LEFT	0x0590	/* below, everything runs from left to right */

#define MOST_MARKS		4

/* A walk over the characters that are kept. */
typedef struct Walk
{
	const char *chars;
	size_t		len;
	size_t		at;
	int			marks;			/* in a row */
} Walk;

/* What is seen of the text before a character, for Markdown. */
typedef struct Line
{
	size_t		count;			/* characters written */
	bool		digits;			/* nothing but digits so far */
	uint32		last;
} Line;

static bool next_kept(Walk *walk, uint32 *code);
static bool is_kept(uint32 code);
static size_t measure(const char *chars, size_t len, size_t limit,
					  bool *turns, bool *cut);
static size_t put_xml(char *out, uint32 code);
static size_t put_markdown(char *out, uint32 code, Line *line);
static bool is_special(uint32 code, const Line *line);
static size_t put_string(char *out, const char *string);

/* Six bytes for a quote, nine for an isolate and an ellipsis. */
size_t
jp_markup_room(size_t len, size_t limit)
{
	return (limit > 0 && limit < len ? limit : len) * 6 + 9;
}

/* Writes text as markup. */
size_t
jp_markup_escape(char *out, const char *chars, size_t len, size_t limit,
				 JpMarkup how)
{
	Walk		walk = {.chars = chars, .len = len};
	Line		line = {.digits = true};
	bool		turns,
				cut;
	size_t		left = measure(chars, len, limit, &turns, &cut);
	size_t		n = 0;
	uint32		code;

	if (turns)
		n += jp_markup_put(out, ISOLATE);
	for (; left > 0 && next_kept(&walk, &code); left--)
		n += how == JP_MARKUP_XML ? put_xml(out + n, code) :
			put_markdown(out + n, code, &line);
	if (cut)
		n += jp_markup_put(out + n, ELLIPSIS);
	if (turns)
		n += jp_markup_put(out + n, END_ISOLATE);
	return n;
}

/*
 * How many characters stay, and whether they may turn around or are cut.  A
 * cut does not part a character from the marks drawn with it.
 */
static size_t
measure(const char *chars, size_t len, size_t limit, bool *turns, bool *cut)
{
	Walk		walk = {.chars = chars, .len = len};
	size_t		count = 0;
	size_t		whole = 0;		/* where the text may be cut */
	uint32		code,
				before = 0;

	*turns = *cut = false;
	while (next_kept(&walk, &code))
	{
		JP_CHECK_FOR_INTERRUPTS();
		if (limit > 0 && count == limit)
		{
			*cut = true;
			return whole > 0 ? whole : limit - 1;
		}
		if (limit > 0 && count < limit && !jp_markup_joins(code) &&
			before != ZERO_WIDTH_JOINER)
			whole = count;
		if (code >= RIGHT_TO_LEFT)
			*turns = true;
		before = code;
		count++;
	}
	return count;
}

/* The next character that is kept; false: there is none. */
static bool
next_kept(Walk *walk, uint32 *code)
{
	while (walk->at < walk->len)
	{
		*code = jp_markup_next(walk->chars, walk->len, &walk->at);
		if (!is_kept(*code))
			continue;
		walk->marks = jp_markup_joins(*code) ? walk->marks + 1 : 0;
		if (walk->marks <= MOST_MARKS)
			return true;
	}
	return false;
}

/*
 * Whether a character may stand in XML 1.0 (production 2), is no control
 * character but a space, and turns nothing around.
 */
static bool
is_kept(uint32 code)
{
	if (code < 0x20)
		return code == '\t' || code == '\n' || code == '\r';
	if (code >= 0x7F && code < 0xA0)
		return false;
	if (code >= 0x202A && code <= 0x202E)
		return false;
	if (code >= 0x2066 && code <= 0x2069)
		return false;
	return code != 0xFFFE && code != 0xFFFF;
}

/* Whether a character is drawn with the one before it. */
bool
jp_markup_joins(uint32 code)
{
	static const uint32 ranges[][2] = {
		{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
		{0x064B, 0x065F}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x0900, 0x0903},
		{0x093A, 0x094F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200C, 0x200D},
		{0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0x1F3FB, 0x1F3FF},
		{0xE0020, 0xE007F}, {0xE0100, 0xE01EF}
	};
	size_t		i;

	if (code < ranges[0][0])
		return false;
	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i][0] && code <= ranges[i][1])
			return true;
	return false;
}

/* A character of XML text or of an attribute in quotes of either kind. */
static size_t
put_xml(char *out, uint32 code)
{
	switch (code)
	{
		case '&':
			return put_string(out, "&amp;");
		case '<':
			return put_string(out, "&lt;");
		case '>':
			return put_string(out, "&gt;");
		case '"':
			return put_string(out, "&quot;");
		case '\'':
			return put_string(out, "&#39;");
	}
	return jp_markup_put(out, code);
}

/* A character of a line of Markdown; space at the beginning would mean code. */
static size_t
put_markdown(char *out, uint32 code, Line *line)
{
	size_t		n = 0;

	if (code == '\t' || code == '\n' || code == '\r' || code == 0x2028 || code == 0x2029)
		code = ' ';
	if (code == ' ' && line->count == 0)
		return 0;
	if (code == '&' || code == '<' || code == '>')
		n = put_xml(out, code);
	else
	{
		if (is_special(code, line))
			out[n++] = '\\';
		n += jp_markup_put(out + n, code);
	}
	line->digits = line->digits && code >= '0' && code <= '9';
	line->last = code;
	line->count++;
	return n;
}

/*
 * Whether a character means something in Markdown: anywhere, where a line
 * begins with it or with a number before it, or in the beginning of a link.
 */
static bool
is_special(uint32 code, const Line *line)
{
	if (code >= 0x80 || code == 0)
		return false;
	if (strchr("\\`*_{}[]|~$^:@!", (int) code) != NULL)
		return true;
	if (line->count == 0)
		return strchr("-+#=", (int) code) != NULL;
	if (code == '.' && (line->last == 'w' || line->last == 'W'))
		return true;
	return line->digits && (code == '.' || code == ')');
}

/* The character at a place of text, by the table of well-formed UTF-8. */
uint32
jp_markup_next(const char *chars, size_t len, size_t *at)
{
	const unsigned char *byte = (const unsigned char *) chars + *at;
	size_t		left = len - *at;
	uint32		code = byte[0];
	uint32		least;
	size_t		size,
				i;

	(*at)++;
	if (code < 0x80)
		return code;
	if (code >= 0xF8 || code < 0xC2)
		return REPLACEMENT;
	size = code >= 0xF0 ? 4 : code >= 0xE0 ? 3 : 2;
	least = size == 4 ? 0x10000 : size == 3 ? 0x800 : 0x80;
	code &= 0x7F >> size;
	for (i = 1; i < size; i++)
	{
		if (i >= left || (byte[i] & 0xC0) != 0x80)
			return REPLACEMENT;
		code = code << 6 | (byte[i] & 0x3F);
	}
	if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
		return REPLACEMENT;
	*at += size - 1;
	return code;
}

/* Writes a character in UTF-8. */
size_t
jp_markup_put(char *out, uint32 code)
{
	size_t		size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	size_t		i;

	if (size == 1)
	{
		out[0] = (char) code;
		return 1;
	}
	for (i = size - 1; i > 0; i--, code >>= 6)
		out[i] = (char) (0x80 | (code & 0x3F));
	out[0] = (char) ((0xF00 >> size & 0xFF) | code);
	return size;
}

/* Writes a string without its end. */
static size_t
put_string(char *out, const char *string)
{
	size_t		len = strlen(string);

	memcpy(out, string, len);
	return len;
}
