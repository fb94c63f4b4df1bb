/*
 * pseudonym_normalize.c
 *		How the value of an identity is brought to one form.  Pure.
 *
 * Only ASCII is touched, so that any language gives the same bytes:
 *
 *		none	as it is
 *		trim	without space, \t \n \v \f \r at both ends
 *		lower	trim, then A-Z to a-z
 *		e164	"+" and 7 to 15 digits, the first not 0; a leading "00" is "+";
 *				space ( ) - . / between digits are dropped
 *		uuid	8-4-4-4-12 in lower case, from any form that PostgreSQL reads
 */
#include "pseudonym_internal.h"

#define E164_MIN	7
#define E164_MAX	15
#define UUID_DIGITS	32

static int	normalize_e164(const char *value, size_t len, char *out);
static int	normalize_uuid(const char *value, size_t len, char *out);
static int	hex_digit(char c);
static bool is_space(char c);

static const char *const normalizer_name[JP_NORMALIZERS] = {
	"none", "trim", "lower", "e164", "uuid"
};

/* Normalizer of a name. */
int
jp_normalizer_of(const char *name, size_t len)
{
	int			i;

	for (i = 0; i < JP_NORMALIZERS; i++)
	{
		if (strlen(normalizer_name[i]) == len &&
			memcmp(normalizer_name[i], name, len) == 0)
			return i;
	}
	return -1;
}

/* Whether this could be the name of a kind. */
bool
jp_kind_wellformed(const char *name, size_t len)
{
	size_t		i;

	if (len == 0 || len >= JP_KIND_SIZE || name[0] < 'a' || name[0] > 'z')
		return false;
	for (i = 1; i < len; i++)
	{
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
			!(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
			return false;
	}
	return true;
}

/* Writes the form that is hashed. */
int
jp_normalize(JpNormalizer normalizer, const char *value, size_t len, char *out)
{
	size_t		i;

	if (len > JP_VALUE_MAX)
		return -1;
	if (normalizer != JP_NORMALIZE_NONE)
	{
		while (len > 0 && is_space(value[len - 1]))
			len--;
		while (len > 0 && is_space(value[0]))
			value++, len--;
	}
	if (normalizer == JP_NORMALIZE_E164)
		return normalize_e164(value, len, out);
	if (normalizer == JP_NORMALIZE_UUID)
		return normalize_uuid(value, len, out);
	if (normalizer != JP_NORMALIZE_LOWER)
		memcpy(out, value, len);
	else
	{
		for (i = 0; i < len; i++)
			out[i] = value[i] | ((uint8) (value[i] - 'A') < 26) << 5;
	}
	return len > 0 ? (int) len : -1;
}

/* An international telephone number (ITU-T E.164). */
static int
normalize_e164(const char *value, size_t len, char *out)
{
	const char *end = value + len;
	int			digits = 0;

	if (len >= 1 && value[0] == '+')
		value += 1;
	else if (len >= 2 && value[0] == '0' && value[1] == '0')
		value += 2;
	else
		return -1;
	out[0] = '+';
	for (; value < end; value++)
	{
		if (*value >= '0' && *value <= '9')
		{
			if (digits == E164_MAX || (digits == 0 && *value == '0'))
				return -1;
			out[++digits] = *value;
		}
		else if (*value == '\0' || strchr(" ()-./", *value) == NULL)
			return -1;
	}
	return digits >= E164_MIN ? digits + 1 : -1;
}

/* A UUID: braces around it and hyphens after every fourth digit may be. */
static int
normalize_uuid(const char *value, size_t len, char *out)
{
	const char *end = value + len;
	int			digits = 0;
	int			length = 0;

	if (len >= 2 && value[0] == '{' && end[-1] == '}')
		value++, end--;
	while (value < end && digits < UUID_DIGITS)
	{
		int			digit = hex_digit(*value++);

		if (digit < 0)
			return -1;
		if (digits == 8 || digits == 12 || digits == 16 || digits == 20)
			out[length++] = '-';
		out[length++] = "0123456789abcdef"[digit];
		digits++;
		if (digits % 4 == 0 && digits < UUID_DIGITS &&
			value < end && *value == '-')
			value++;
	}
	return digits == UUID_DIGITS && value == end ? length : -1;
}

/* Value of a hexadecimal digit; -1 when it is none. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* ASCII white space. */
static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
