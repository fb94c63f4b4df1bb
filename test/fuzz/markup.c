/*
 * markup.c
 *		Any bytes give text of XML: checked by a second, slower reader of XML
 *		text, on random bytes and on hostile pieces; Markdown likewise never
 *		breaks a line nor opens a tag.  Any bytes with libFuzzer, those of main()
 *		with -DSTANDALONE.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/markup_escape.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what is wrong and where. */
static void
fail(const char *what, const char *out, size_t n)
{
	printf("FAILED: %s\n", what);
	fwrite(out, 1, n, stdout);
	printf("\n");
	abort();
}

/* Reads a character as the Unicode standard draws it, by another way. */
static long
strict(const unsigned char *s, size_t left, size_t *size)
{
	long		code;

	if (s[0] < 0x80)
		return *size = 1, s[0];
	if (left >= 2 && s[0] >= 0xC2 && s[0] <= 0xDF && (s[1] >> 6) == 2)
		return *size = 2, (s[0] - 0xC0L) * 64 + s[1] - 0x80;
	if (left >= 3 && (s[0] >> 4) == 14 && (s[1] >> 6) == 2 && (s[2] >> 6) == 2)
	{
		code = ((s[0] - 0xE0L) * 64 + s[1] - 0x80) * 64 + s[2] - 0x80;
		*size = 3;
		return code < 0x800 || (code >= 0xD800 && code < 0xE000) ? -1 : code;
	}
	if (left >= 4 && (s[0] >> 3) == 30 && (s[1] >> 6) == 2 && (s[2] >> 6) == 2 && (s[3] >> 6) == 2)
	{
		code = (((s[0] - 0xF0L) * 64 + s[1] - 0x80) * 64 + s[2] - 0x80) * 64 + s[3] - 0x80;
		*size = 4;
		return code < 0x10000 || code > 0x10FFFF ? -1 : code;
	}
	return -1;
}

/* Text of XML: characters that XML knows, references that we write. */
static void
check(const char *out, size_t n, size_t limit, JpMarkup how)
{
	size_t		at = 0,
				characters = 0;
	int			open = 0;

	while (at < n)
	{
		size_t		size;
		long		code = strict((const unsigned char *) out + at, n - at, &size);

		if (code < 0)
			fail("not UTF-8", out, n);
		if (code == '<' || code == '>')
			fail("a tag", out, n);
		if (how == JP_MARKUP_XML && (code == '"' || code == '\''))
			fail("a quote", out, n);
		if (how == JP_MARKUP_MARKDOWN && code < 0x20)
			fail("a line's end", out, n);
		if (!(code == 9 || code == 10 || code == 13 || (code >= 0x20 && code <= 0xD7FF) ||
			  (code >= 0xE000 && code <= 0xFFFD) || code >= 0x10000))
			fail("what XML forbids", out, n);
		if (code == 0x2068)
			open++;
		else if (code == 0x2069)
			open--;
		else
			characters++;
		if (open < 0 || open > 1)
			fail("isolates", out, n);
		if (code == '&')
		{
			const char *end = memchr(out + at, ';', n - at > 6 ? 6 : n - at);

			if (end == NULL)
				fail("a bare ampersand", out, n);
			size = end + 1 - (out + at);
		}
		if (code == '\\' && how == JP_MARKUP_MARKDOWN)
		{
			if (at + 1 >= n || (unsigned char) out[at + 1] >= 0x80)
				fail("a bare backslash", out, n);
			size++;
		}
		at += size;
	}
	if (open != 0)
		fail("isolates", out, n);
	if (limit > 0 && characters > limit)
		fail("too long", out, n);
}

/* One text, in memory whose ends are watched. */
static void
once(const char *text, size_t len, size_t limit)
{
	int			how;

	for (how = JP_MARKUP_XML; how <= JP_MARKUP_MARKDOWN; how++)
	{
		char	   *out = malloc(jp_markup_room(len, limit));
		size_t		n = jp_markup_escape(out, text, len, limit, how);

		check(out, n, limit, how);
		free(out);
	}
}

/* The first byte is the limit. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t		len = size > 0 ? size - 1 : 0;
	char	   *text = malloc(len > 0 ? len : 1);

	memcpy(text, data + (size > 0), len);
	once(text, len, size > 0 ? data[0] % 20 : 0);
	free(text);
	return 0;
}

#ifdef STANDALONE
static const char *const known[] = {
	"<script>", "]]>", "<!--", "&amp;", "&#0;", "\"'", "\xF0\x9F\x98\x80", "\xE2\x80\x8D",
	"\xD7\xA9\xD7\x9C", "\xE2\x80\xAE", "\xE2\x81\xA9", "\xED\xA0\x80", "\xEF\xBF\xBE",
	"\xEF\xBF\xBF", "\xCC\x81", "\xC0\x80", "\xF4\x90\x80\x80", "\r\n", "\x0B", "\x7F", "\xC2\x85",
	"www.", "http://", "1. ", "# ", "| a", "`", "[x](y)", "    code", "plain"
};

static uint64 state;

static uint32
next(uint32 below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32) (state >> 33) % below;
}

int
main(int argc, char **argv)
{
	long		cases = argc > 1 ? atol(argv[1]) : 100000;
	long		i;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 20240917;
	printf("seed %llu\n", (unsigned long long) state);
	for (i = 0; i < cases; i++)
	{
		char		made[256];
		size_t		len = 0;
		uint32		pieces = next(10);
		char	   *text;

		while (pieces-- > 0)
		{
			const char *piece = known[next(sizeof(known) / sizeof(known[0]))];

			if (next(3) == 0)
				made[len++] = (char) next(256);
			else
				len += strlen(strcpy(made + len, piece));
		}
		if (len > 0 && next(3) == 0)
			made[next((uint32) len)] = (char) next(256);
		text = malloc(len > 0 ? len : 1);
		memcpy(text, made, len);
		once(text, len, next(2) == 0 ? 0 : 1 + next(12));
		free(text);
	}
	printf("%ld cases\n", cases);
	return 0;
}
#endif
