/*
 * opendsr_form.c
 *		Forms of what stands in requests of OpenDSR: ids, times, URLs.  Pure.
 */
#include "opendsr_read.h"

#define SCHEME	"https://"

/* Zones that lead into somebody's own network, or nowhere. */
static const char *const private_zones[] = {
	"localhost", "local", "internal", "intranet", "lan", "corp", "home",
	"private", "arpa", "invalid", "test", "onion", NULL
};

static bool is_digit(char c);
static bool is_letter(char c);
static int	number(const char *digits, int count);
static bool date_valid(const char *date);
static bool clock_valid(const char *clock);
static bool label_valid(const char *label, size_t len);
static bool zone_private(const char *zone, size_t len);

/* A UUID of version 4 (RFC 4122: variant 10) in lower case. */
bool
jp_dsr_id_valid(const char *id, size_t len)
{
	size_t		i;

	if (len != JP_DSR_ID_LENGTH)
		return false;
	for (i = 0; i < len; i++)
	{
		bool		hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? id[i] != '-' :
			!is_digit(id[i]) && !(id[i] >= 'a' && id[i] <= 'f'))
			return false;
	}
	return id[14] == '4' && (id[19] == '8' || id[19] == '9' ||
							 id[19] == 'a' || id[19] == 'b');
}

/* date "T" time, fractions if any, "Z" or an offset (RFC 3339, 5.6). */
bool
jp_dsr_time_valid(const char *time, size_t len)
{
	const char *end = time + len;

	if (len < 20 || !date_valid(time) || (time[10] | 0x20) != 't' ||
		!clock_valid(time + 11) || time[16] != ':' ||
		number(time + 17, 2) < 0 || number(time + 17, 2) > 60)
		return false;
	time += 19;
	if (*time == '.')
	{
		time++;
		if (time == end || !is_digit(*time))
			return false;
		while (time < end && is_digit(*time))
			time++;
	}
	if (time == end)
		return false;
	if ((*time | 0x20) == 'z')
		return time + 1 == end;
	return (*time == '+' || *time == '-') && end - time == 6 &&
		clock_valid(time + 1);
}

/* An https URL to a public name. */
bool
jp_dsr_url_valid(const char *url, size_t len)
{
	size_t		scheme = strlen(SCHEME);
	size_t		host = 0;
	size_t		port = 0;
	size_t		i;

	if (len > JP_DSR_URL_MAX || len <= scheme)
		return false;
	for (i = 0; i < scheme; i++)
		if ((is_letter(url[i]) ? url[i] | 0x20 : url[i]) != SCHEME[i])
			return false;
	/* what a URL cannot have, or what readers of URLs differ about */
	for (i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] > '~' || strchr("#\\\"<>^`{|}", url[i]) != NULL)
			return false;
	url += scheme;
	len -= scheme;
	while (host < len && strchr("/?:", url[host]) == NULL)
		host++;
	if (!jp_dsr_domain_valid(url, host))
		return false;
	if (host == len || url[host] != ':')
		return true;
	while (host + 1 + port < len && is_digit(url[host + 1 + port]))
		port++;
	return port >= 1 && port <= 5 && number(url + host + 1, port) >= 1 &&
		number(url + host + 1, port) <= 65535 &&
		(host + 1 + port == len || strchr("/?", url[host + 1 + port]) != NULL);
}

/* Host of a URL. */
size_t
jp_dsr_url_host(const char *url, const char **host)
{
	*host = url + strlen(SCHEME);
	return strcspn(*host, "/?:");
}

/* Labels with points between them, two or more, the last no number. */
bool
jp_dsr_domain_valid(const char *name, size_t len)
{
	size_t		start = 0;
	size_t		i;

	if (len == 0 || len > 253)
		return false;
	for (i = 0; i < len; i++)
		if (name[i] == '.')
		{
			if (!label_valid(name + start, i - start))
				return false;
			start = i + 1;
		}
	return start > 0 && label_valid(name + start, len - start) &&
		is_letter(name[start]) && !zone_private(name + start, len - start);
}

/* A digit. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A letter of ASCII. */
static bool
is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* A number of some digits, or -1. */
static int
number(const char *digits, int count)
{
	int			value = 0;

	for (; count > 0; count--, digits++)
	{
		if (!is_digit(*digits))
			return -1;
		value = value * 10 + *digits - '0';
	}
	return value;
}

/* A day that there is: YYYY-MM-DD. */
static bool
date_valid(const char *date)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year = number(date, 4);
	int			month = number(date + 5, 2);
	int			day = number(date + 8, 2);
	bool		leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return year >= 0 && date[4] == '-' && date[7] == '-' &&
		month >= 1 && month <= 12 && day >= 1 &&
		day <= days[month - 1] + (leap && month == 2);
}

/* An hour and a minute: HH:MM. */
static bool
clock_valid(const char *clock)
{
	int			hour = number(clock, 2);
	int			minute = number(clock + 3, 2);

	return hour >= 0 && hour <= 23 && clock[2] == ':' &&
		minute >= 0 && minute <= 59;
}

/* A label of a name: letters, digits, hyphens within. */
static bool
label_valid(const char *label, size_t len)
{
	size_t		i;

	if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (!is_digit(label[i]) && !is_letter(label[i]) && label[i] != '-')
			return false;
	return true;
}

/* Whether a last label is one of ours above. */
static bool
zone_private(const char *zone, size_t len)
{
	const char *const *private_zone;
	size_t		i;

	for (private_zone = private_zones; *private_zone != NULL; private_zone++)
	{
		if (strlen(*private_zone) != len)
			continue;
		for (i = 0; i < len && (zone[i] | 0x20) == (*private_zone)[i];)
			i++;
		if (i == len)
			return true;
	}
	return false;
}
