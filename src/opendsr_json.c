/*
 * opendsr_json.c
 *		JSON (RFC 8259) where it stands.  Pure.
 *
 * A cursor goes over the bytes.  Each skip_* leaves it behind what it has
 * found, or says that it is not there.  The walks over checked values use the
 * same functions, which cannot fail then.
 */
#include "opendsr_json.h"

typedef struct Cursor
{
	const char *next;
	const char *end;
} Cursor;

#define NO_CHARACTER	(-1)

static bool skip_value(Cursor *cursor, int depth);
static bool skip_container(Cursor *cursor, int depth);
static bool skip_string(Cursor *cursor);
static bool skip_number(Cursor *cursor);
static bool skip_digits(Cursor *cursor);
static bool skip_word(Cursor *cursor, const char *word);
static void skip_space(Cursor *cursor);
static bool skip_byte(Cursor *cursor, char byte);
static int32_t next_character(Cursor *cursor);
static int32_t escaped_character(Cursor *cursor);
static int32_t hexadecimal(Cursor *cursor);
static int32_t utf8_character(Cursor *cursor);
static Cursor inside(const JpJsonText *string);
static int	encode(int32_t character, char *out);

/* Checks a text. */
bool
jp_jsontext_check(const char *chars, size_t len, JpJsonText *value)
{
	Cursor		cursor = {chars, chars + len};

	skip_space(&cursor);
	value->start = cursor.next;
	if (!skip_value(&cursor, 0))
		return false;
	value->len = cursor.next - value->start;
	skip_space(&cursor);
	return cursor.next == cursor.end;
}

/* Kind of a value. */
char
jp_jsontext_kind(const JpJsonText *value)
{
	char		first = *value->start;

	return first == '-' || (first >= '0' && first <= '9') ? '0' : first;
}

/* Begins a walk. */
void
jp_jsontext_walk(const JpJsonText *value, JpJsonWalk *walk)
{
	walk->next = value->start + 1;
	walk->end = value->start + value->len - 1;
}

/* The next member. */
bool
jp_jsontext_member(JpJsonWalk *walk, JpJsonText *name, JpJsonText *value)
{
	Cursor		cursor = {walk->next, walk->end};

	if (!jp_jsontext_element(walk, name))
		return false;
	cursor.next = walk->next;
	skip_space(&cursor);
	(void) skip_byte(&cursor, ':');
	walk->next = cursor.next;
	return jp_jsontext_element(walk, value);
}

/* The next element, with the comma before it. */
bool
jp_jsontext_element(JpJsonWalk *walk, JpJsonText *value)
{
	Cursor		cursor = {walk->next, walk->end};

	skip_space(&cursor);
	if (skip_byte(&cursor, ','))
		skip_space(&cursor);
	value->start = cursor.next;
	if (!skip_value(&cursor, 0))
		return false;
	value->len = cursor.next - value->start;
	walk->next = cursor.next;
	return true;
}

/* Compares two strings. */
bool
jp_jsontext_same(const JpJsonText *a, const JpJsonText *b)
{
	Cursor		left = inside(a);
	Cursor		right = inside(b);

	while (left.next < left.end && right.next < right.end)
		if (next_character(&left) != next_character(&right))
			return false;
	return left.next == left.end && right.next == right.end;
}

/* Compares a string with one in ASCII. */
bool
jp_jsontext_is(const JpJsonText *string, const char *ascii, bool any_case)
{
	Cursor		cursor = inside(string);

	while (cursor.next < cursor.end && *ascii != '\0')
	{
		int32_t		character = next_character(&cursor);
		int32_t		wanted = (unsigned char) *ascii++;

		if (any_case && character >= 'A' && character <= 'Z')
			character += 'a' - 'A';
		if (any_case && wanted >= 'A' && wanted <= 'Z')
			wanted += 'a' - 'A';
		if (character != wanted)
			return false;
	}
	return cursor.next == cursor.end && *ascii == '\0';
}

/* Writes what a string says. */
int
jp_jsontext_decode(const JpJsonText *string, char *out, size_t room)
{
	Cursor		cursor = inside(string);
	size_t		len = 0;

	while (cursor.next < cursor.end)
	{
		char		bytes[4];
		int32_t		character = next_character(&cursor);
		int			count = encode(character, bytes);

		if (character == 0 || len + count >= room)
			return -1;
		memcpy(out + len, bytes, count);
		len += count;
	}
	if (room == 0)
		return -1;
	out[len] = '\0';
	return (int) len;
}

/* A value, at a depth of so many containers around it. */
static bool
skip_value(Cursor *cursor, int depth)
{
	if (cursor->next == cursor->end)
		return false;
	switch (*cursor->next)
	{
		case '{':
		case '[':
			return depth < JP_JSON_DEPTH && skip_container(cursor, depth + 1);
		case '"':
			return skip_string(cursor);
		case 't':
			return skip_word(cursor, "true");
		case 'f':
			return skip_word(cursor, "false");
		case 'n':
			return skip_word(cursor, "null");
		default:
			return skip_number(cursor);
	}
}

/* An object or array. */
static bool
skip_container(Cursor *cursor, int depth)
{
	bool		object = *cursor->next++ == '{';
	char		close = object ? '}' : ']';

	JP_CHECK_FOR_INTERRUPTS();
	skip_space(cursor);
	if (skip_byte(cursor, close))
		return true;
	do
	{
		skip_space(cursor);
		if (object)
		{
			if (!skip_string(cursor))
				return false;
			skip_space(cursor);
			if (!skip_byte(cursor, ':'))
				return false;
			skip_space(cursor);
		}
		if (!skip_value(cursor, depth))
			return false;
		skip_space(cursor);
	} while (skip_byte(cursor, ','));
	return skip_byte(cursor, close);
}

/* A string, in quotation marks. */
static bool
skip_string(Cursor *cursor)
{
	if (!skip_byte(cursor, '"'))
		return false;
	while (!skip_byte(cursor, '"'))
		if (next_character(cursor) == NO_CHARACTER)
			return false;
	return true;
}

/* A number: no zero before other digits, digits around a point. */
static bool
skip_number(Cursor *cursor)
{
	(void) skip_byte(cursor, '-');
	if (!skip_byte(cursor, '0') && !skip_digits(cursor))
		return false;
	if (skip_byte(cursor, '.') && !skip_digits(cursor))
		return false;
	if (skip_byte(cursor, 'e') || skip_byte(cursor, 'E'))
	{
		if (!skip_byte(cursor, '+'))
			(void) skip_byte(cursor, '-');
		return skip_digits(cursor);
	}
	return true;
}

/* One digit or more. */
static bool
skip_digits(Cursor *cursor)
{
	const char *start = cursor->next;

	while (cursor->next < cursor->end && *cursor->next >= '0' &&
		   *cursor->next <= '9')
		cursor->next++;
	return cursor->next > start;
}

/* A word of JSON. */
static bool
skip_word(Cursor *cursor, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (cursor->end - cursor->next) < len ||
		memcmp(cursor->next, word, len) != 0)
		return false;
	cursor->next += len;
	return true;
}

/* Space, if any. */
static void
skip_space(Cursor *cursor)
{
	while (cursor->next < cursor->end &&
		   (*cursor->next == ' ' || *cursor->next == '\t' ||
			*cursor->next == '\n' || *cursor->next == '\r'))
		cursor->next++;
}

/* One byte, if it is there. */
static bool
skip_byte(Cursor *cursor, char byte)
{
	if (cursor->next == cursor->end || *cursor->next != byte)
		return false;
	cursor->next++;
	return true;
}

/* The next character within a string, or NO_CHARACTER where none is valid. */
static int32_t
next_character(Cursor *cursor)
{
	if (cursor->next == cursor->end || (unsigned char) *cursor->next < 0x20)
		return NO_CHARACTER;
	if (*cursor->next == '\\')
		return escaped_character(cursor);
	return utf8_character(cursor);
}

/* A character behind a backslash; above U+FFFF it takes two. */
static int32_t
escaped_character(Cursor *cursor)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	int32_t		high;
	int32_t		low;

	cursor->next++;
	if (cursor->next == cursor->end || *cursor->next == '\0')
		return NO_CHARACTER;
	letter = strchr(letters, *cursor->next);
	if (letter != NULL)
	{
		cursor->next++;
		return meant[letter - letters];
	}
	if (!skip_byte(cursor, 'u'))
		return NO_CHARACTER;
	high = hexadecimal(cursor);
	if (high < 0xD800 || high > 0xDFFF)
		return high;
	if (high > 0xDBFF || !skip_byte(cursor, '\\') || !skip_byte(cursor, 'u'))
		return NO_CHARACTER;
	low = hexadecimal(cursor);
	if (low < 0xDC00 || low > 0xDFFF)
		return NO_CHARACTER;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* Four hexadecimal digits. */
static int32_t
hexadecimal(Cursor *cursor)
{
	int32_t		value = 0;
	int			i;

	for (i = 0; i < 4; i++)
	{
		char		c = cursor->next == cursor->end ? '\0' : *cursor->next++;

		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + (c | 0x20) - 'a' + 10;
		else
			return NO_CHARACTER;
	}
	return value;
}

/* A character in UTF-8, in its shortest form, and no half of a pair. */
static int32_t
utf8_character(Cursor *cursor)
{
	static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
	unsigned char first = *cursor->next++;
	int			more;
	int32_t		character;
	int			i;

	more = first < 0x80 ? 0 : (first & 0xE0) == 0xC0 ? 1 :
		(first & 0xF0) == 0xE0 ? 2 : (first & 0xF8) == 0xF0 ? 3 : -1;
	character = more <= 0 ? first : first & (0x3F >> more);
	if (more < 0 || cursor->end - cursor->next < more)
		return NO_CHARACTER;
	for (i = 0; i < more; i++)
	{
		unsigned char byte = *cursor->next++;

		if ((byte & 0xC0) != 0x80)
			return NO_CHARACTER;
		character = character << 6 | (byte & 0x3F);
	}
	if (character < least[more] || character > 0x10FFFF ||
		(character >= 0xD800 && character <= 0xDFFF))
		return NO_CHARACTER;
	return character;
}

/* What is between the quotation marks. */
static Cursor
inside(const JpJsonText *string)
{
	Cursor		cursor = {string->start + 1, string->start + string->len - 1};

	return cursor;
}

/* Writes a character in UTF-8; returns its bytes. */
static int
encode(int32_t character, char *out)
{
	int			count;
	int			i;

	count = character < 0x80 ? 1 : character < 0x800 ? 2 :
		character < 0x10000 ? 3 : 4;
	for (i = count - 1; i > 0; i--)
	{
		out[i] = (char) (0x80 | (character & 0x3F));
		character >>= 6;
	}
	out[0] = (char) (count == 1 ? character :
					 ((0xF00 >> count) & 0xFF) | character);
	return count;
}
