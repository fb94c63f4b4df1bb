/*
 * exchange_bits.c
 *		Numbers out of base64url text.  Pure.
 *
 * Every character is looked at once when a part is opened, so that reading
 * needs to care for the end alone.  A fault is kept by the first who finds
 * one and makes every later read give 0: parsers read field after field and
 * look at the end.  What loops over a count read from the string checks for
 * a fault in each round, so that the time is linear in the text.
 */
#include "exchange_bits.h"

#define BITS			6		/* of a character */
#define VENDOR_BITS		16
#define ENTRIES_BITS	12
#define MAX_FIBONACCI	23		/* bits of 65,535, with the closing one */

static int	letter_value(unsigned char c);
static uint64 bits_at(const char *part, size_t first, int count);
static void read_entry(const JpIdList *list, size_t *at, int *start, int *end);
static int	check_entry(JpBits *bits, int max);

/* Notes the first fault. */
void
jp_fault(JpFault *fault, const char *what, const char *field, size_t at)
{
	if (fault->what != NULL)
		return;
	fault->what = what;
	fault->field = field;
	fault->at = at;
}

/* Begins a part. */
void
jp_bits_open(JpBits *bits, const char *string, const char *part,
			 size_t length, JpFault *fault)
{
	size_t		i;

	memset(bits, 0, sizeof(*bits));
	bits->string = string;
	bits->part = part;
	bits->length = length;
	bits->fault = fault;
	if (length == 0)
		jp_fault(fault, "a part of the string is empty", NULL,
				 part - string + 1);
	for (i = 0; i < length && fault->what == NULL; i++)
		if (letter_value((unsigned char) part[i]) < 0)
			jp_fault(fault, "character outside of base64url", NULL,
					 part + i - string + 1);
}

/* The next number. */
uint64
jp_bits_take(JpBits *bits, const char *field, int count)
{
	if (bits->fault->what != NULL)
		return 0;
	bits->field = field;
	bits->start = bits->next;
	if ((size_t) count > bits->length * BITS - bits->next)
	{
		jp_bits_refuse(bits, "the string ends too early");
		return 0;
	}
	bits->next += count;
	return bits_at(bits->part, bits->start, count);
}

/* Two letters. */
void
jp_bits_letters(JpBits *bits, const char *field, char *letters)
{
	uint64		both = jp_bits_take(bits, field, 2 * BITS);
	int			first = (int) (both >> BITS);
	int			second = (int) (both & 0x3f);

	if (first >= 26 || second >= 26)
	{
		jp_bits_refuse(bits, "not two letters");
		first = second = 0;
	}
	letters[0] = 'A' + first;
	letters[1] = 'A' + second;
	letters[2] = '\0';
}

/* A number in Fibonacci coding: the bits of 1, 2, 3, 5, 8 ..., then a 1. */
int
jp_bits_fibonacci(JpBits *bits, const char *field)
{
	int			value = 0;
	int			number = 1;
	int			following = 2;
	bool		last = false;
	int			i;

	for (i = 0; i <= MAX_FIBONACCI; i++)
	{
		bool		bit = jp_bits_take(bits, field, 1) != 0;
		int			sum = number + following;

		if (bit && last)
			break;
		if (bit)
			value += number;
		last = bit;
		number = following;
		following = sum;
	}
	if (i > MAX_FIBONACCI || value > JP_MAX_VENDOR)
	{
		jp_bits_refuse(bits, "the number is too large");
		return 0;
	}
	return value;
}

/* A set of ids in either encoding. */
void
jp_bits_vendors(JpBits *bits, const char *field, JpIdList *list)
{
	int			max = (int) jp_bits_take(bits, field, VENDOR_BITS);
	bool		ranges = jp_bits_take(bits, field, 1) != 0;

	if (ranges)
	{
		jp_bits_ranges(bits, field, max, list);
		return;
	}
	memset(list, 0, sizeof(*list));
	list->part = bits->part;
	list->first = bits->next;
	list->max = max;
	if (bits->fault->what != NULL)
		list->max = 0;
	else if ((size_t) max > bits->length * BITS - bits->next)
	{
		list->max = 0;
		jp_bits_refuse(bits, "the string ends too early");
	}
	else
		bits->next += max;
}

/* A set of ids as ranges; they may touch and come in any order. */
void
jp_bits_ranges(JpBits *bits, const char *field, int max, JpIdList *list)
{
	int			entries = (int) jp_bits_take(bits, field, ENTRIES_BITS);
	int			i;

	memset(list, 0, sizeof(*list));
	list->part = bits->part;
	list->first = bits->next;
	list->max = max;
	list->ranges = true;
	for (i = 0; i < entries && bits->fault->what == NULL; i++)
		list->sum += check_entry(bits, max);
	if (bits->fault->what == NULL)
		list->entries = entries;
}

/* Refuses the value of the field read last. */
void
jp_bits_refuse(JpBits *bits, const char *what)
{
	jp_fault(bits->fault, what, bits->field,
			 bits->part - bits->string + bits->start / BITS + 1);
}

/*
 * Ends a part.  Encoders fill the last character, or the last byte first, or
 * up to four characters: any of these, with zeros, and nothing more.
 */
void
jp_bits_close(JpBits *bits)
{
	size_t		used = bits->next;
	size_t		full = (used + BITS - 1) / BITS;
	size_t		bytes = ((used + 7) / 8 * 8 + BITS - 1) / BITS;
	size_t		fours = (used + 23) / 24 * 4;
	size_t		i;

	if (bits->fault->what != NULL)
		return;
	if (bits->length != full && bits->length != bytes && bits->length != fours)
	{
		jp_fault(bits->fault, "the string is longer than its fields", NULL,
				 bits->part - bits->string + full + 1);
		return;
	}
	for (i = used; i < bits->length * BITS; i++)
		if (bits_at(bits->part, i, 1) != 0)
		{
			jp_fault(bits->fault, "bits are set after the last field", NULL,
					 bits->part - bits->string + i / BITS + 1);
			return;
		}
}

/* The ids of a set in ascending order. */
int
jp_ids_collect(const JpIdList *list, int *ids)
{
	size_t		at = list->first;
	int			count = 0;
	int			covering = 0;
	int			id;
	int			i;

	if (!list->ranges)
	{
		for (id = 1; id <= list->max; id++)
			if (bits_at(list->part, list->first + id - 1, 1) != 0)
				ids[count++] = id;
		return count;
	}
	/* ids[id]: ranges that begin at this id less those that ended before it */
	memset(ids, 0, JP_IDS_ROOM * sizeof(int));
	for (i = 0; i < list->entries; i++)
	{
		int			start;
		int			end;

		read_entry(list, &at, &start, &end);
		ids[start]++;
		ids[end + 1]--;
	}
	/* in place: count < id */
	for (id = 1; id <= list->max; id++)
	{
		covering += ids[id];
		if (covering > 0)
			ids[count++] = id;
	}
	return count;
}

/* Is this id in the set? */
bool
jp_ids_has(const JpIdList *list, int id)
{
	size_t		at = list->first;
	int			i;

	if (id < 1 || id > list->max)
		return false;
	if (!list->ranges)
		return bits_at(list->part, list->first + id - 1, 1) != 0;
	for (i = 0; i < list->entries; i++)
	{
		int			start;
		int			end;

		read_entry(list, &at, &start, &end);
		if (id >= start && id <= end)
			return true;
	}
	return false;
}

/* Value of a character of base64url, -1 for any other. */
static int
letter_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* A number out of checked text. */
static uint64
bits_at(const char *part, size_t first, int count)
{
	uint64		value = 0;

	while (count > 0)
	{
		int			skipped = first % BITS;
		int			here = BITS - skipped < count ? BITS - skipped : count;
		uint32		letter = letter_value((unsigned char) part[first / BITS]);

		letter = letter >> (BITS - skipped - here) & ((1u << here) - 1);
		value = value << here | letter;
		first += here;
		count -= here;
	}
	return value;
}

/* The next range of a checked set. */
static void
read_entry(const JpIdList *list, size_t *at, int *start, int *end)
{
	bool		range = bits_at(list->part, *at, 1) != 0;

	*start = (int) bits_at(list->part, *at + 1, VENDOR_BITS);
	*end = *start;
	*at += 1 + VENDOR_BITS;
	if (range)
	{
		*end = (int) bits_at(list->part, *at, VENDOR_BITS);
		*at += VENDOR_BITS;
	}
}

/* Reads a range and checks it; returns its length. */
static int
check_entry(JpBits *bits, int max)
{
	const char *field = bits->field;
	bool		range = jp_bits_take(bits, field, 1) != 0;
	int			start = (int) jp_bits_take(bits, field, VENDOR_BITS);
	int			end = start;

	if (range)
		end = (int) jp_bits_take(bits, field, VENDOR_BITS);
	if (bits->fault->what != NULL)
		return 0;
	if (start == 0)
		jp_bits_refuse(bits, "there is no vendor 0");
	else if (end < start)
		jp_bits_refuse(bits, "a range runs backwards");
	else if (end > max)
		jp_bits_refuse(bits, "a range runs past the maximum");
	return end - start + 1;
}
