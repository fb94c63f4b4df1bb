/*
 * pseudonym_text.c
 *		Text form of pseudonyms: "p", key version, "_", 24 letters.  Pure.
 *
 * The letters are Crockford's base 32 in lower case, most significant bits
 * first: 120 bits are 24 letters exactly.  One value has one text: no upper
 * case, no leading zeros, no look-alikes (Crockford's i, l for 1, o for 0).
 */
#include "pseudonym.h"

#define LETTERS		24

static const char letter[] = "0123456789abcdefghjkmnpqrstvwxyz";

static const char *read_version(const char *chars, const char *end,
								uint8 *version);
static int	letter_value(char c);

/* Writes the text form. */
int
jp_pseudonym_to_text(const JpPseudonym *pseudonym, char *chars)
{
	const uint8 *byte = pseudonym->bytes;
	char	   *to = chars;
	int			group;

	*to++ = 'p';
	if (byte[0] >= 100)
		*to++ = '0' + byte[0] / 100;
	if (byte[0] >= 10)
		*to++ = '0' + byte[0] / 10 % 10;
	*to++ = '0' + byte[0] % 10;
	*to++ = '_';
	for (group = 0, byte++; group < LETTERS / 8; group++, byte += 5)
	{
		uint64		bits = (uint64) byte[0] << 32 | (uint64) byte[1] << 24 |
		(uint64) byte[2] << 16 | (uint64) byte[3] << 8 | byte[4];
		int			shift;

		for (shift = 35; shift >= 0; shift -= 5)
			*to++ = letter[bits >> shift & 31];
	}
	*to = '\0';
	return to - chars;
}

/* Reads the text form. */
bool
jp_pseudonym_from_text(const char *chars, size_t len, JpPseudonym *pseudonym)
{
	const char *end = chars + len;
	uint8	   *byte = pseudonym->bytes;
	int			group;

	chars = read_version(chars, end, byte);
	if (chars == NULL || end - chars != LETTERS)
		return false;
	for (group = 0, byte++; group < LETTERS / 8; group++)
	{
		uint64		bits = 0;
		int			i;

		for (i = 0; i < 8; i++)
		{
			int			value = letter_value(*chars++);

			if (value < 0)
				return false;
			bits = bits << 5 | (uint64) value;
		}
		for (i = 32; i >= 0; i -= 8)
			*byte++ = (uint8) (bits >> i);
	}
	return true;
}

/* Reads "p", a version from 1 to 255, "_"; NULL when it is something else. */
static const char *
read_version(const char *chars, const char *end, uint8 *version)
{
	int			number = 0;

	if (end - chars < 3 || *chars++ != 'p' || *chars == '0')
		return NULL;
	while (chars < end && *chars >= '0' && *chars <= '9')
	{
		number = number * 10 + (*chars++ - '0');
		if (number > 255)
			return NULL;
	}
	if (number == 0 || chars == end || *chars++ != '_')
		return NULL;
	*version = (uint8) number;
	return chars;
}

/* Value of a letter; -1 when it is none. */
static int
letter_value(char c)
{
	static const signed char value['z' - '0' + 1] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, 10, 11, 12, 13, 14, 15, 16, 17, -1, 18, 19,
		-1, 20, 21, -1, 22, 23, 24, 25, 26, -1, 27, 28, 29, 30, 31
	};

	return c >= '0' && c <= 'z' ? value[c - '0'] : -1;
}
