/*
 * discovery_national.c
 *		National identification numbers, by format and check digit.
 *
 * A format is written with 9 for a digit and A for a letter; anything else
 * stands for itself.
 */
#include "pure.h"

#include "discovery_look.h"

#define ID_MAX	20

typedef struct Format
{
	const char *format;
	bool		(*checks) (const char *compact, size_t len);
} Format;

static bool matches(const char *format, const char *s, size_t n, char *compact,
					size_t *len);
static bool us_ssn(const char *s, size_t n);
static bool gb_nino(const char *s, size_t n);
static bool de_idnr(const char *s, size_t n);
static bool fr_nir(const char *s, size_t n);
static bool es_dni(const char *s, size_t n);
static bool it_fiscal_code(const char *s, size_t n);
static bool nl_bsn(const char *s, size_t n);
static bool pl_pesel(const char *s, size_t n);
static bool be_number(const char *s, size_t n);
static bool ch_ahv(const char *s, size_t n);
static bool se_number(const char *s, size_t n);
static bool br_cpf(const char *s, size_t n);
static int	number_in(const char *s, size_t from, size_t count);
static bool is_day(int month, int day);

static const Format formats[] = {
	{"999-99-9999", us_ssn},
	{"AA999999A", gb_nino}, {"AA 99 99 99 A", gb_nino},
	{"99999999999", de_idnr}, {"99 999 999 999", de_idnr},
	{"999999999999999", fr_nir}, {"9 99 99 99 999 999 99", fr_nir},
	{"999999A99999999", fr_nir},
	{"99999999A", es_dni}, {"99999999-A", es_dni}, {"A9999999A", es_dni}, {"A-9999999-A", es_dni},
	{"AAAAAA99A99A999A", it_fiscal_code},
	{"999999999", nl_bsn}, {"9999.99.999", nl_bsn},
	{"99999999999", pl_pesel},
	{"99999999999", be_number}, {"99.99.99-999.99", be_number},
	{"9999999999999", ch_ahv}, {"999.9999.9999.99", ch_ahv},
	{"999999-9999", se_number}, {"99999999-9999", se_number}, {"999999999999", se_number},
	{"999.999.999-99", br_cpf}, {"99999999999", br_cpf},
};

/* Whether a value is a national identification number. */
bool
jp_is_national_id(const char *value, size_t len)
{
	char		compact[ID_MAX + 1];
	size_t		n;
	size_t		i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (matches(formats[i].format, value, len, compact, &n) &&
			formats[i].checks(compact, n))
			return true;
	return false;
}

/* Whether it has the format; then its letters, in upper case, and digits. */
static bool
matches(const char *format, const char *s, size_t n, char *compact, size_t *len)
{
	size_t		i;

	if (strlen(format) != n)
		return false;
	*len = 0;
	for (i = 0; i < n; i++)
	{
		bool		digit = s[i] >= '0' && s[i] <= '9';
		char		upper = s[i] & ~0x20;
		bool		letter = (unsigned char) s[i] < 0x80 && upper >= 'A' && upper <= 'Z';

		if (format[i] == '9' ? !digit : format[i] == 'A' ? !letter : format[i] != s[i])
			return false;
		if (format[i] == '9' || format[i] == 'A')
		{
			if (*len == ID_MAX)
				return false;
			compact[(*len)++] = letter ? upper : s[i];
		}
	}
	return true;
}

/* United States: areas 000, 666 and from 900 on are not given out. */
static bool
us_ssn(const char *s, size_t n)
{
	int			area = number_in(s, 0, 3);

	return area > 0 && area != 666 && area < 900 && number_in(s, 3, 2) > 0 &&
		number_in(s, 5, 4) > 0;
}

/* United Kingdom: prefixes that are given out, suffix A to D. */
static bool
gb_nino(const char *s, size_t n)
{
	static const char *const never[] = {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"};
	size_t		i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (memcmp(s, never[i], 2) == 0)
			return false;
	return strchr("DFIQUV", s[0]) == NULL && strchr("DFIOQUV", s[1]) == NULL &&
		s[8] <= 'D';
}

/* Germany: ISO 7064 MOD 11,10; of the first ten digits one comes twice or thrice. */
static bool
de_idnr(const char *s, size_t n)
{
	int			seen[10] = {0};
	int			repeated = 0;
	int			product = 10;
	int			i;

	if (s[0] == '0')
		return false;
	for (i = 0; i < 10; i++)
	{
		int			sum = ((s[i] - '0') + product) % 10;

		product = (sum == 0 ? 10 : sum) * 2 % 11;
		seen[s[i] - '0']++;
	}
	for (i = 0; i < 10; i++)
	{
		if (seen[i] > 3)
			return false;
		repeated += seen[i] > 1;
	}
	return repeated == 1 && (11 - product) % 10 == s[10] - '0';
}

/* France: the key is 97 less the rest; departments 2A and 2B count 19 and 18. */
static bool
fr_nir(const char *s, size_t n)
{
	int			department = s[6] == 'A' ? 19 : 18;
	bool		corsica = s[6] >= 'A';
	int			rest = 0;
	int			i;

	if ((s[0] != '1' && s[0] != '2') || number_in(s, 3, 2) == 0 ||
		(corsica && (s[5] != '2' || s[6] > 'B')))
		return false;
	for (i = 0; i < 13; i++)
	{
		int			digit = s[i] - '0';

		if (corsica && (i == 5 || i == 6))
			digit = i == 5 ? department / 10 : department % 10;
		rest = (rest * 10 + digit) % 97;
	}
	return 97 - rest == number_in(s, 13, 2);
}

/* Spain: a letter by the rest of 23; foreigners begin with X, Y or Z. */
static bool
es_dni(const char *s, size_t n)
{
	int			number;

	if (s[0] >= 'A')
	{
		if (s[0] < 'X' || s[0] > 'Z' || n != 9)
			return false;
		number = (s[0] - 'X') * 10000000 + number_in(s, 1, 7);
	}
	else
		number = number_in(s, 0, 8);
	return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == s[8];
}

/* Italy: values of characters at odd places are other than at even ones. */
static bool
it_fiscal_code(const char *s, size_t n)
{
	static const int odd[] = {1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20,
	11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
	int			sum = 0;
	int			i;

	if (strchr("ABCDEHLMPRST", s[8]) == NULL)
		return false;
	for (i = 0; i < 15; i++)
	{
		int			value = s[i] >= 'A' ? s[i] - 'A' : s[i] - '0';

		sum += i % 2 == 0 ? odd[value] : value;
	}
	return 'A' + sum % 26 == s[15];
}

/* Netherlands: weights 9 to 2 and -1 come to a multiple of 11. */
static bool
nl_bsn(const char *s, size_t n)
{
	int			sum = -(s[8] - '0');
	int			i;

	for (i = 0; i < 8; i++)
		sum += (9 - i) * (s[i] - '0');
	return sum != 0 && sum % 11 == 0;
}

/* Poland: a day of birth, the century in its month, and a weighted check. */
static bool
pl_pesel(const char *s, size_t n)
{
	static const int weights[] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3};
	int			sum = 0;
	int			i;

	for (i = 0; i < 10; i++)
		sum += weights[i] * (s[i] - '0');
	return is_day(number_in(s, 2, 2) % 20, number_in(s, 4, 2)) &&
		(10 - sum % 10) % 10 == s[10] - '0';
}

/* Belgium: 97 less the rest; of those born since 2000 with a 2 before it. */
static bool
be_number(const char *s, size_t n)
{
	int64		number = (int64) number_in(s, 0, 9);
	int			check = number_in(s, 9, 2);

	return number_in(s, 2, 2) <= 12 && number_in(s, 4, 2) <= 31 && check > 0 &&
		(97 - (int) (number % 97) == check ||
		 97 - (int) ((number + INT64_C(2000000000)) % 97) == check);
}

/* Switzerland: 756 and the check digit of EAN-13. */
static bool
ch_ahv(const char *s, size_t n)
{
	int			sum = 0;
	int			i;

	for (i = 0; i < 12; i++)
		sum += (i % 2 == 0 ? 1 : 3) * (s[i] - '0');
	return number_in(s, 0, 3) == 756 && (10 - sum % 10) % 10 == s[12] - '0';
}

/* Sweden: a day of birth and Luhn's digit; days plus 60 are coordination numbers. */
static bool
se_number(const char *s, size_t n)
{
	const char *ten = s + (n - 10);
	int			century = n == 12 ? number_in(s, 0, 2) : 19;
	int			day = number_in(ten, 4, 2);

	return (century == 19 || century == 20) &&
		is_day(number_in(ten, 2, 2), day > 60 ? day - 60 : day) && jp_luhn(ten, 10);
}

/* Brazil: two check digits; not the same digit eleven times. */
static bool
br_cpf(const char *s, size_t n)
{
	int			i;
	int			j;

	for (i = 1; i < 11 && s[i] == s[0]; i++)
		;
	if (i == 11)
		return false;
	for (i = 9; i < 11; i++)
	{
		int			sum = 0;

		for (j = 0; j < i; j++)
			sum += (i + 1 - j) * (s[j] - '0');
		if (sum * 10 % 11 % 10 != s[i] - '0')
			return false;
	}
	return true;
}

/* The number that some digits are; at most nine. */
static int
number_in(const char *s, size_t from, size_t count)
{
	int			number = 0;
	size_t		i;

	for (i = from; i < from + count; i++)
		number = number * 10 + (s[i] - '0');
	return number;
}

/* Whether a year has this day. */
static bool
is_day(int month, int day)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}
