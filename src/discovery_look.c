/*
 * discovery_look.c
 *		Values that look like personal data.
 *
 * Each test is as narrow as check digits and formats allow: a column of
 * numbers must not be taken for cards because there are many of them.
 */
#include "pure.h"

#include <arpa/inet.h>

#include "discovery_look.h"

#define WORD_MAX	64			/* an address with its separators fits */

static bool is_digit(char c);
static bool is_letter(char c);
static bool is_space(char c);
static bool is_between(char c);
static uint32 word(const char *s, size_t n, size_t left);
static bool is_email(const char *s, size_t n);
static bool is_label(const char *s, size_t n);
static bool is_phone(const char *s, size_t n);
static bool is_ip(const char *s, size_t n);
static bool is_mac(const char *s, size_t n);
static bool is_card(const char *s, size_t n);
static bool is_iban(const char *s, size_t n);
static int	year_of(const char *s, size_t n);
static uint32 whole(const char *s, size_t n);
static size_t trim(const char **s, size_t n);
static size_t squeeze(const char *s, size_t n, const char *leave, char *out,
					  size_t room);

static const char *const names[JP_LOOKS] = {
	[JP_LOOK_EMAIL] = "e-mail address",
	[JP_LOOK_PHONE] = "telephone number",
	[JP_LOOK_IP] = "IP address",
	[JP_LOOK_MAC] = "MAC address",
	[JP_LOOK_CARD] = "payment card",
	[JP_LOOK_IBAN] = "IBAN",
	[JP_LOOK_NATIONAL_ID] = "national id",
	[JP_LOOK_BIRTH_DATE] = "date of birth",
	[JP_LOOK_PERSON_NAME] = "name",
	[JP_LOOK_ADDRESS] = "postal address",
	[JP_LOOK_LOCATION] = "location",
	[JP_LOOK_DEVICE] = "device id",
	[JP_LOOK_ACCOUNT] = "account",
	[JP_LOOK_SECRET] = "secret",
	[JP_LOOK_GENDER] = "gender",
	[JP_LOOK_SPECIAL] = "special category",
};

/* How a kind is called. */
const char *
jp_look_name(JpLook look)
{
	return names[look];
}

/* What a value looks like, as a whole or in one of its words. */
uint32
jp_looks_like(const char *value, size_t len, int *year,
			  void (*interrupt) (void))
{
	uint32		looks;
	size_t		i = 0;

	len = trim(&value, len);
	*year = year_of(value, len);
	looks = whole(value, len);
	if (looks != 0 || len < 7)
		return looks;
	while (i < len)
	{
		size_t		n = 0;

		if (interrupt != NULL)
			interrupt();
		while (i < len && is_between(value[i]))
			i++;
		while (i + n < len && !is_between(value[i + n]))
			n++;
		if (n > 0)
			looks |= word(value + i, n, len - i);
		i += n;
	}
	return looks;
}

/* Whether a character separates words. */
static bool
is_between(char c)
{
	return c == '\0' || is_space(c) || strchr(",;()<>\"'[]{}=|", c) != NULL;
}

/* What a word looks like, or some words that it begins. */
static uint32
word(const char *s, size_t n, size_t left)
{
	size_t		length = n;
	size_t		end;

	/* mailto:ann@example.com. */
	while (length > 0 && strchr(".:!?", s[length - 1]) != NULL)
		length--;
	if (length > 7 && memcmp(s, "mailto:", 7) == 0)
		return whole(s + 7, length - 7);
	if (whole(s, length) != 0)
		return whole(s, length);

	/* numbers in groups */
	left = left < WORD_MAX ? left : WORD_MAX;
	if (n < 2 || !(is_digit(s[0]) || s[0] == '+' || (is_letter(s[0]) && is_letter(s[1]))))
		return 0;
	for (end = left; end > n; end--)
		if (is_digit(s[end - 1]) || is_letter(s[end - 1]))
		{
			if (end < left && (is_digit(s[end]) || is_letter(s[end])))
				continue;
			if (s[0] == '+' ? is_phone(s, end) : is_digit(s[0]) ? is_card(s, end) : is_iban(s, end))
				return JP_LOOK_BIT(s[0] == '+' ? JP_LOOK_PHONE :
								   is_digit(s[0]) ? JP_LOOK_CARD : JP_LOOK_IBAN);
		}
	return 0;
}

/* What a value looks like as it is. */
static uint32
whole(const char *s, size_t n)
{
	uint32		looks = 0;

	if (is_email(s, n))
		looks |= JP_LOOK_BIT(JP_LOOK_EMAIL);
	if (n > WORD_MAX)
		return looks;
	if (is_phone(s, n))
		looks |= JP_LOOK_BIT(JP_LOOK_PHONE);
	if (is_ip(s, n))
		looks |= JP_LOOK_BIT(JP_LOOK_IP);
	if (is_mac(s, n))
		looks |= JP_LOOK_BIT(JP_LOOK_MAC);
	if (is_card(s, n))
		looks |= JP_LOOK_BIT(JP_LOOK_CARD);
	if (is_iban(s, n))
		looks |= JP_LOOK_BIT(JP_LOOK_IBAN);
	if (jp_is_national_id(s, n))
		looks |= JP_LOOK_BIT(JP_LOOK_NATIONAL_ID);
	return looks;
}

/* local@label.label, the last of two letters or more (RFC 5321, no quotes). */
static bool
is_email(const char *s, size_t n)
{
	size_t		at = 0;
	size_t		label;
	size_t		i;
	int			labels = 0;

	while (at < n && s[at] != '@')
	{
		if (!is_letter(s[at]) && !is_digit(s[at]) && (unsigned char) s[at] < 0x80 &&
			(s[at] == '\0' || strchr("!#$%&'*+/=?^_`{|}~.-", s[at]) == NULL))
			return false;
		at++;
	}
	if (at == 0 || at > 64 || at >= n || n - at > 256 || s[0] == '.' || s[at - 1] == '.')
		return false;
	label = at + 1;
	for (i = label; i <= n; i++)
	{
		if (i < n && s[i] != '.')
			continue;
		if (!is_label(s + label, i - label))
			return false;
		labels++;
		if (i == n)
			return labels > 1 && i - label >= 2 && !is_digit(s[i - 1]);
		label = i + 1;
	}
	return false;
}

/* Letters, digits and hyphens within, of any script. */
static bool
is_label(const char *s, size_t n)
{
	size_t		i;

	if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (i = 0; i < n; i++)
		if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != '-' && (unsigned char) s[i] < 0x80)
			return false;
	return true;
}

/* E.164 with its plus sign: 8 to 15 digits, grouped as people do. */
static bool
is_phone(const char *s, size_t n)
{
	char		digits[16];
	size_t		count;

	if (n < 9 || s[0] != '+' || s[1] < '1' || s[1] > '9')
		return false;
	count = squeeze(s + 1, n - 1, " -./()", digits, sizeof(digits));
	return count >= 8 && count <= 15;
}

/* Version 4 or 6, perhaps with the length of a network. */
static bool
is_ip(const char *s, size_t n)
{
	char		written[INET6_ADDRSTRLEN];
	unsigned char address[16];
	size_t		length = n;
	const char *slash = memchr(s, '/', n);

	if (slash != NULL)
	{
		length = slash - s;
		if (n - length < 2 || n - length > 4 || !is_digit(s[n - 1]) || !is_digit(s[length + 1]))
			return false;
	}
	if (length < 3 || length >= sizeof(written))
		return false;
	memcpy(written, s, length);
	written[length] = '\0';
	if (inet_pton(AF_INET, written, address) == 1)
		return true;
	/* :: and 1::2 are times or ranges more often than addresses */
	return length > 6 && inet_pton(AF_INET6, written, address) == 1;
}

/* Six pairs of hexadecimal digits between colons or hyphens. */
static bool
is_mac(const char *s, size_t n)
{
	size_t		i;

	if (n != 17 || (s[2] != ':' && s[2] != '-'))
		return false;
	for (i = 0; i < n; i++)
		if (i % 3 == 2 ? s[i] != s[2] :
			!is_digit(s[i]) && !((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f'))
			return false;
	return true;
}

/* 13 to 19 digits of an issuer of cards, with the check digit. */
static bool
is_card(const char *s, size_t n)
{
	char		digits[20];
	size_t		count = squeeze(s, n, " -", digits, sizeof(digits));
	size_t		i;

	if (count < 13 || count > 19 || digits[0] < '3' || digits[0] > '6')
		return false;
	for (i = 1; i < count && digits[i] == digits[0]; i++)
		;
	return i < count && jp_luhn(digits, count);
}

/* Check digit of ISO/IEC 7812-1. */
bool
jp_luhn(const char *digits, size_t count)
{
	int			sum = 0;
	size_t		i;

	for (i = 0; i < count; i++)
	{
		int			digit = digits[count - 1 - i] - '0';

		if (i % 2 == 1)
			digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
		sum += digit;
	}
	return sum % 10 == 0;
}

/* ISO 13616: country, two check digits, the account; 97 divides it plus 96. */
static bool
is_iban(const char *s, size_t n)
{
	char		iban[35];
	size_t		length = 0;
	int			rest = 0;
	size_t		i;

	for (i = 0; i < n; i++)
	{
		if (s[i] == ' ')
			continue;
		if ((!is_letter(s[i]) && !is_digit(s[i])) || length == 34)
			return false;
		iban[length++] = is_letter(s[i]) ? s[i] & ~0x20 : s[i];
	}
	if (length < 15 || !is_letter(iban[0]) || !is_letter(iban[1]) ||
		!is_digit(iban[2]) || !is_digit(iban[3]))
		return false;
	for (i = 0; i < length; i++)
	{
		char		c = iban[(i + 4) % length];

		rest = is_digit(c) ? (rest * 10 + (c - '0')) % 97 :
			(rest * 100 + (c - 'A' + 10)) % 97;
	}
	return rest == 1;
}

/* The year of 1985-12-31 or 31.12.1985 or 12/31/1985; 0: no date. */
static int
year_of(const char *s, size_t n)
{
	int			part[3] = {0, 0, 0};
	size_t		width[3] = {0, 0, 0};
	char		between = '\0';
	int			parts = 0;
	size_t		i;

	if (n < 8 || n > 10)
		return 0;
	for (i = 0; i < n; i++)
	{
		if (is_digit(s[i]) && width[parts] < 4)
		{
			part[parts] = part[parts] * 10 + (s[i] - '0');
			width[parts]++;
		}
		else if (parts < 2 && width[parts] > 0 && strchr("-./", s[i]) != NULL &&
				 s[i] != '\0' && (parts == 0 || s[i] == between))
		{
			between = s[i];
			parts++;
		}
		else
			return 0;
	}
	if (parts != 2 || width[1] == 0 || width[1] > 2 || part[1] < 1 || part[1] > 31)
		return 0;
	if (width[0] == 4 && width[2] >= 1 && width[2] <= 2)
		return part[1] <= 12 && part[2] >= 1 && part[2] <= 31 ? part[0] : 0;
	if (width[2] == 4 && width[0] >= 1 && width[0] <= 2)
		return part[0] >= 1 && part[0] <= 31 && (part[0] <= 12 || part[1] <= 12) ? part[2] : 0;
	return 0;
}

/* Leaves out space around a value. */
static size_t
trim(const char **s, size_t n)
{
	while (n > 0 && is_space((*s)[0]))
	{
		(*s)++;
		n--;
	}
	while (n > 0 && is_space((*s)[n - 1]))
		n--;
	return n;
}

/* The digits of a value that has only some other characters; 0 if not. */
static size_t
squeeze(const char *s, size_t n, const char *leave, char *out, size_t room)
{
	size_t		count = 0;
	size_t		i;

	for (i = 0; i < n; i++)
	{
		if (is_digit(s[i]))
		{
			if (count == room)
				return 0;
			out[count++] = s[i];
		}
		else if (s[i] == '\0' || strchr(leave, s[i]) == NULL)
			return 0;
	}
	return n > 0 && (is_digit(s[0]) || s[0] == '(') && is_digit(s[n - 1]) ? count : 0;
}

/* In ASCII, whatever the locale. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}
