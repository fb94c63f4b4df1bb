/*
 * store_encode.c
 *		Bytes of a journey, written.  Pure.
 */
#include "store_bits.h"
#include "store_codec.h"

/* Of a number in groups of seven bits. */
#define VARINT_MAX		10

/* How the spans of a journey fall into classes. */
typedef struct Classes
{
	int			bits;			/* 0, 1 or 2: 1, 2 or 4 classes */
	int			width[JP_SPAN_CLASSES];
	unsigned char of[65];		/* class of a span by its bits */
} Classes;

/* Lengths of spans in bits that occur, ascending. */
typedef struct Lengths
{
	int			count;
	int			bits[65];
	uint64		spans[66];		/* shorter than this one */
} Lengths;

/* Bits being written. */
typedef struct Bits
{
	unsigned char *next;
	uint64		held;
	int			count;			/* of them; less than 8 between calls */
} Bits;

static size_t write_varint(unsigned char *bytes, uint64 value);
static int	common_unit(const JpMoment *events, uint32 count);
static uint64 span_before(const JpMoment *event, int64 unit);
static void choose_classes(Classes *classes, const JpMoment *events, uint32 count, int64 unit);
static void measure_spans(Lengths *lengths, const JpMoment *events, uint32 count, int64 unit);
static uint64 part_lengths(const Lengths *lengths, int parts, int *last);
static bool direct_is_shorter(const JpJourneyName *names, uint32 name_count, uint32 count,
							  int *name_bits);
static size_t write_list(unsigned char *bytes, const JpJourneyName *names, uint32 name_count);
static void put_bits(Bits *bits, uint64 value, int count);

size_t
jp_journey_room(uint32 count, const JpJourneyName *names, uint32 name_count)
{
	size_t		room = 1 + 3 * VARINT_MAX + JP_SPAN_CLASSES + 8;
	uint32		i;

	for (i = 0; i < name_count; i++)
		room += VARINT_MAX + names[i].length;
	/* a class, a name's place or code, and a span: at most 2 + 31 + 64 bits */
	return room + ((size_t) count * 97 + 7) / 8;
}

size_t
jp_journey_write(unsigned char *bytes, const JpMoment *events, uint32 count,
				 const JpJourneyName *names, uint32 name_count)
{
	int			unit = common_unit(events, count);
	int			name_bits;
	bool		direct = direct_is_shorter(names, name_count, count, &name_bits);
	int64		first = count == 0 ? 0 : events[0].at / jp_journey_units[unit];
	unsigned char *next = bytes + 1;
	Classes		classes;
	Bits		bits = {NULL, 0, 0};
	uint32		i;

	next += write_varint(next, count);
	bytes[0] = (unsigned char) (JP_JOURNEY_VERSION << JP_JOURNEY_VERSION_SHIFT);
	if (count == 0)
		return next - bytes;
	choose_classes(&classes, events, count, jp_journey_units[unit]);
	bytes[0] |= unit | classes.bits << JP_JOURNEY_CLASS_SHIFT | (direct ? 0 : JP_JOURNEY_LIST);
	next += write_varint(next, ((uint64) first << 1) ^ (uint64) (first >> 63));
	for (i = 0; i < 1u << classes.bits; i++)
		*next++ = (unsigned char) classes.width[i];
	if (direct)
		*next++ = (unsigned char) name_bits;
	else
		next += write_list(next, names, name_count);
	bits.next = next;
	for (i = 0; i < count; i++)
	{
		uint64		name = direct ? names[events[i].steps].code : events[i].steps;
		uint64		span = i == 0 ? 0 : span_before(&events[i], jp_journey_units[unit]);
		int			class = classes.of[jp_bits_of(span)];

		if (i > 0)
			put_bits(&bits, class, classes.bits);
		put_bits(&bits, name, name_bits);
		if (i > 0)
			put_bits(&bits, span, classes.width[class]);
	}
	put_bits(&bits, 0, (8 - bits.count) & 7);
	return bits.next - bytes;
}

static size_t
write_varint(unsigned char *bytes, uint64 value)
{
	size_t		size = 0;

	for (; value >= 128; value >>= 7)
		bytes[size++] = (unsigned char) (value | 128);
	bytes[size++] = (unsigned char) value;
	return size;
}

/* The largest unit that all times are multiples of. */
static int
common_unit(const JpMoment *events, uint32 count)
{
	int			unit = JP_JOURNEY_UNITS - 1;
	uint32		i;

	for (i = 0; i < count && unit > 0; i++)
		while (events[i].at % jp_journey_units[unit] != 0)
			unit--;
	return unit;
}

/* Units from the event before to this one. */
static uint64
span_before(const JpMoment *event, int64 unit)
{
	return ((uint64) event[0].at - (uint64) event[-1].at) / (uint64) unit;
}

/* Classes that make the events shortest. */
static void
choose_classes(Classes *classes, const JpMoment *events, uint32 count, int64 unit)
{
	Lengths		lengths;
	uint64		best = UINT64_MAX;
	int			bits;
	int			i;
	int			class;

	measure_spans(&lengths, events, count, unit);
	memset(classes, 0, sizeof(*classes));
	for (bits = 0; bits <= 2; bits++)
	{
		int			last[JP_SPAN_CLASSES];
		uint64		size = part_lengths(&lengths, 1 << bits, last) +
			(uint64) bits * (count - 1) + 8 * (1 << bits);

		if (size >= best)
			continue;
		best = size;
		classes->bits = bits;
		for (i = 0; i < 1 << bits; i++)
			classes->width[i] = lengths.count == 0 ? 0 : lengths.bits[last[i]];
	}
	for (i = 0, class = 0; i <= 64; i++)
	{
		while (class < (1 << classes->bits) - 1 && classes->width[class] < i)
			class++;
		classes->of[i] = (unsigned char) class;
	}
}

static void
measure_spans(Lengths *lengths, const JpMoment *events, uint32 count, int64 unit)
{
	uint32		spans[65] = {0};
	uint64		shorter = 0;
	uint32		i;
	int			bits;

	for (i = 1; i < count; i++)
		spans[jp_bits_of(span_before(&events[i], unit))]++;
	lengths->count = 0;
	for (bits = 0; bits <= 64; bits++)
	{
		if (spans[bits] == 0)
			continue;
		lengths->bits[lengths->count] = bits;
		lengths->spans[lengths->count++] = shorter;
		shorter += spans[bits];
	}
	lengths->spans[lengths->count] = shorter;
}

/*
 * Parts the lengths into classes so that the spans take the fewest bits, which
 * it returns; last gets the longest of each class.
 */
static uint64
part_lengths(const Lengths *lengths, int parts, int *last)
{
	uint64		cost[JP_SPAN_CLASSES][65];
	int			from[JP_SPAN_CLASSES][65];
	int			part,
				i,
				j;

	for (part = 0; part < parts; part++)
		for (j = 0; j < lengths->count; j++)
		{
			cost[part][j] = lengths->bits[j] * lengths->spans[j + 1];
			from[part][j] = -1;
			for (i = 0; part > 0 && i < j; i++)
			{
				uint64		sum = cost[part - 1][i] +
					lengths->bits[j] * (lengths->spans[j + 1] - lengths->spans[i + 1]);

				if (sum < cost[part][j])
				{
					cost[part][j] = sum;
					from[part][j] = i;
				}
			}
		}
	if (lengths->count == 0)
		return 0;
	j = lengths->count - 1;
	for (part = parts - 1; part >= 0; part--)
	{
		last[part] = j;
		if (from[part][j] >= 0)
			j = from[part][j];
	}
	return cost[parts - 1][lengths->count - 1];
}

/* Whether codes in the events are shorter than a list; the bits of a name. */
static bool
direct_is_shorter(const JpJourneyName *names, uint32 name_count, uint32 count,
				  int *name_bits)
{
	uint64		list = 8;
	uint32		most = 0;
	uint32		i;
	unsigned char scratch[VARINT_MAX];
	int			place_bits = name_count == 0 ? 0 : jp_bits_of(name_count - 1);
	bool		direct = name_count > 0;

	for (i = 0; i < name_count; i++)
	{
		direct &= names[i].code != 0;
		most = names[i].code > most ? names[i].code : most;
		list += 8 * write_varint(scratch, (uint64) names[i].code << 1 | 1);
	}
	list += (uint64) count * place_bits;
	direct &= most <= INT32_MAX && (uint64) count * jp_bits_of(most) < list;
	*name_bits = direct ? jp_bits_of(most) : place_bits;
	return direct;
}

static size_t
write_list(unsigned char *bytes, const JpJourneyName *names, uint32 name_count)
{
	unsigned char *next = bytes + write_varint(bytes, name_count);
	uint32		i;

	for (i = 0; i < name_count; i++)
	{
		if (names[i].code != 0)
		{
			next += write_varint(next, (uint64) names[i].code << 1 | 1);
			continue;
		}
		next += write_varint(next, (uint64) names[i].length << 1);
		memcpy(next, names[i].chars, names[i].length);
		next += names[i].length;
	}
	return next - bytes;
}

static void
put_bits(Bits *bits, uint64 value, int count)
{
	while (count > 0)
	{
		int			some = count < 32 ? count : 32;

		bits->held |= (value & jp_low_bits(some)) << bits->count;
		bits->count += some;
		value = some == 64 ? 0 : value >> some;
		count -= some;
		for (; bits->count >= 8; bits->count -= 8)
		{
			*bits->next++ = (unsigned char) bits->held;
			bits->held >>= 8;
		}
	}
}
