/*
 * store_codec.c
 *		Bytes of a journey.  Pure.
 *
 * What is read may be damaged: no byte is looked at before it is known to be
 * there, and every time and name is within its bounds.
 */
#include "store_codec.h"

#define VERSION			1
#define VERSION_SHIFT	6
#define UNIT_MASK		7
#define CLASS_SHIFT		3
#define LIST_FLAG		0x20

/* So many bits are there wherever eight bytes were looked at. */
#define BITS_AT_ONCE	57

/* Of a number in groups of seven bits. */
#define VARINT_MAX		10

/* What journeys can be counted in: as much as all their times allow. */
static const int64 units[] = {
	1, 1000, 1000000, INT64_C(60000000), INT64_C(3600000000), INT64_C(86400000000)
};

#define UNITS	((int) (sizeof(units) / sizeof(units[0])))

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

static bool read_varint(JpJourneyReader *reader, size_t *at, uint64 *value);
static bool read_first(JpJourneyReader *reader, size_t *at);
static bool read_widths(JpJourneyReader *reader, size_t *at);
static bool read_list(JpJourneyReader *reader, size_t *at);
static bool read_near(JpJourneyReader *reader, JpMoment *events, uint32 *done, uint32 count);
static inline bool read_run(JpJourneyReader *reader, const unsigned char *bytes, uint64 begin, uint64 end,
							JpMoment *events, uint32 *done, uint32 count);
static bool read_far(JpJourneyReader *reader, JpMoment *events, uint32 done, uint32 count);
static int64 time_of(const JpJourneyReader *reader, uint64 since);
static inline bool name_is_within(const JpJourneyReader *reader, uint64 name);
static uint64 eight_bytes(const JpJourneyReader *reader, uint64 bit);
static inline uint64 load(const unsigned char *b);
static uint64 far_span(const JpJourneyReader *reader, uint64 bit, int width);
static inline uint64 low_bits(int count);
static int	bits_of(uint64 value);
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

bool
jp_reader_begin(JpJourneyReader *reader, const void *bytes, size_t size)
{
	unsigned char head;
	uint64		count;
	size_t		at = 1;

	memset(reader, 0, sizeof(*reader));
	reader->bytes = (const unsigned char *) bytes;
	reader->size = size;
	if (size < 2)
		return false;
	head = reader->bytes[0];
	reader->class_bits = (head >> CLASS_SHIFT) & 3;
	if (head >> VERSION_SHIFT != VERSION || (head & UNIT_MASK) >= UNITS ||
		reader->class_bits > 2 || !read_varint(reader, &at, &count) ||
		count > JP_JOURNEY_EVENTS_MAX)
		return false;
	reader->unit = units[head & UNIT_MASK];
	reader->count = reader->left = (uint32) count;
	if (count == 0)
		return at == size;
	if (!read_first(reader, &at) || !read_widths(reader, &at))
		return false;
	if (head & LIST_FLAG)
	{
		if (!read_list(reader, &at))
			return false;
	}
	else if (at == size || (reader->name_bits = reader->bytes[at++]) < 1 ||
			 reader->name_bits > 31)
		return false;
	reader->bit = (uint64) at * 8;
	return true;
}

void
jp_reader_names(const JpJourneyReader *reader, JpJourneyName *names)
{
	JpJourneyReader copy = *reader;
	size_t		at = reader->names_at;
	uint64		entry;
	uint32		i;

	for (i = 0; i < reader->names; i++)
	{
		if (!read_varint(&copy, &at, &entry))
			return;
		names[i].chars = NULL;
		names[i].length = 0;
		names[i].code = entry & 1 ? (uint32) (entry >> 1) : 0;
		if (entry & 1)
			continue;
		names[i].chars = (const char *) reader->bytes + at;
		names[i].length = (uint32) (entry >> 1);
		at += names[i].length;
	}
}

int
jp_reader_events(JpJourneyReader *reader, JpMoment *events, uint32 room)
{
	uint32		count = reader->left < room ? reader->left : room;
	uint32		done = 0;

	if (count > 0 && reader->left == reader->count)
	{
		events[0].steps = eight_bytes(reader, reader->bit) & low_bits(reader->name_bits);
		events[0].at = time_of(reader, reader->since);
		reader->bit += reader->name_bits;
		if (!name_is_within(reader, events[0].steps))
			return -1;
		done = 1;
	}
	if (!read_near(reader, events, &done, count) || !read_far(reader, events, done, count))
		return -1;
	reader->left -= count;
	if (reader->left == 0 && reader->count > 0 && (reader->bit + 7) / 8 != reader->size)
		return -1;
	return (int) count;
}

/*
 * Reads events that fit into what eight bytes have: first those that lie eight
 * bytes before the end, then the last ones from a copy with zeros behind it.
 */
static bool
read_near(JpJourneyReader *reader, JpMoment *events, uint32 *done, uint32 count)
{
	unsigned char tail[16] = {0};
	uint64		end = (uint64) reader->size * 8;
	uint64		tail_at = reader->size < 8 ? 0 : (uint64) (reader->size - 7) * 8;
	int			i;

	for (i = 0; i < 1 << reader->class_bits; i++)
		if (reader->class_bits + reader->name_bits + reader->width[i] > BITS_AT_ONCE)
			return true;
	if (!read_run(reader, reader->bytes, 0, tail_at, events, done, count))
		return false;
	if (*done == count)
		return true;
	memcpy(tail, reader->bytes + tail_at / 8, reader->size - tail_at / 8);
	return read_run(reader, tail, tail_at, end, events, done, count) && reader->bit <= end;
}

/* Reads the events that begin before a bit; the bytes begin at another. */
static inline bool
read_run(JpJourneyReader *reader, const unsigned char *bytes, uint64 begin, uint64 end,
		 JpMoment *events, uint32 *done, uint32 count)
{
	const int	class_bits = reader->class_bits;
	const int	head = class_bits + reader->name_bits;
	const uint64 class_mask = low_bits(class_bits);
	const uint64 name_mask = low_bits(reader->name_bits);
	const uint64 least = reader->names > 0 ? 0 : 1;
	const uint64 names = reader->names > 0 ? reader->names : name_mask;
	const uint64 origin = (uint64) reader->origin;
	const uint64 unit = (uint64) reader->unit;
	uint64		bit = reader->bit;
	uint64		since = reader->since;
	uint64		room = reader->since_max - since;
	bool		within = true;
	uint32		i;

	for (i = *done; i < count && bit < end; i++)
	{
		uint64		bits = load(bytes + ((bit - begin) >> 3)) >> (bit & 7);
		int			width = reader->width[bits & class_mask];
		uint64		name = (bits >> class_bits) & name_mask;
		uint64		span = (bits >> head) & low_bits(width);

		within &= name - least < names && span <= room;
		room -= span;
		since += span;
		bit += head + width;
		events[i].steps = name;
		events[i].at = (int64) (origin + since * unit);
	}
	*done = i;
	reader->bit = bit;
	reader->since = since;
	return within;
}

/* Reads the rest of the events, however wide, up to the last byte. */
static bool
read_far(JpJourneyReader *reader, JpMoment *events, uint32 done, uint32 count)
{
	int			head = reader->class_bits + reader->name_bits;
	uint32		i;

	for (i = done; i < count; i++)
	{
		uint64		bits = eight_bytes(reader, reader->bit);
		int			width = reader->width[bits & low_bits(reader->class_bits)];
		uint64		span = far_span(reader, reader->bit + head, width);

		events[i].steps = (bits >> reader->class_bits) & low_bits(reader->name_bits);
		reader->bit += head + width;
		if (reader->bit > (uint64) reader->size * 8 ||
			!name_is_within(reader, events[i].steps) ||
			span > reader->since_max - reader->since)
			return false;
		reader->since += span;
		events[i].at = time_of(reader, reader->since);
	}
	return true;
}

/* A time by its units from the first that there can be. */
static int64
time_of(const JpJourneyReader *reader, uint64 since)
{
	return (int64) ((uint64) reader->origin + since * (uint64) reader->unit);
}

/* Whether a place is one of the list, or a code can be one. */
static inline bool
name_is_within(const JpJourneyReader *reader, uint64 name)
{
	return reader->names > 0 ? name < reader->names : name > 0;
}

/* A number in groups of seven bits, the lowest first. */
static bool
read_varint(JpJourneyReader *reader, size_t *at, uint64 *value)
{
	int			shift;

	*value = 0;
	for (shift = 0; shift < 64; shift += 7)
	{
		unsigned char byte;

		if (*at >= reader->size)
			return false;
		byte = reader->bytes[(*at)++];
		if (shift == 63 && byte > 1)
			return false;
		*value |= (uint64) (byte & 127) << shift;
		if (byte < 128)
			return true;
	}
	return false;
}

/* The first time, zigzag. */
static bool
read_first(JpJourneyReader *reader, size_t *at)
{
	int64		least = JP_JOURNEY_TIME_MIN / reader->unit;
	int64		most = (JP_JOURNEY_TIME_END - 1) / reader->unit;
	uint64		zigzag;
	int64		first;

	if (!read_varint(reader, at, &zigzag))
		return false;
	first = (int64) (zigzag >> 1) ^ -(int64) (zigzag & 1);
	if (first < least || first > most)
		return false;
	reader->origin = least * reader->unit;
	reader->since = (uint64) first - (uint64) least;
	reader->since_max = (uint64) most - (uint64) least;
	return true;
}

static bool
read_widths(JpJourneyReader *reader, size_t *at)
{
	int			classes = 1 << reader->class_bits;
	int			i;

	if (reader->size - *at < (size_t) classes)
		return false;
	for (i = 0; i < classes; i++)
	{
		reader->width[i] = reader->bytes[(*at)++];
		if (reader->width[i] > 64)
			return false;
	}
	return true;
}

/* Passes over the list of names. */
static bool
read_list(JpJourneyReader *reader, size_t *at)
{
	uint64		names;
	uint64		entry;
	uint32		i;

	if (!read_varint(reader, at, &names) || names < 1 || names > reader->count ||
		names > reader->size - *at)
		return false;
	reader->names = (uint32) names;
	reader->names_at = *at;
	reader->name_bits = bits_of(names - 1);
	for (i = 0; i < names; i++)
	{
		if (!read_varint(reader, at, &entry))
			return false;
		if (entry & 1 ? (entry >> 1) < 1 || (entry >> 1) > INT32_MAX :
			(entry >> 1) > reader->size - *at)
			return false;
		if (!(entry & 1))
			*at += (size_t) (entry >> 1);
	}
	return true;
}

/* Bits from one on, BITS_AT_ONCE at least; 0 where there are no bytes any more. */
static uint64
eight_bytes(const JpJourneyReader *reader, uint64 bit)
{
	size_t		at = (size_t) (bit >> 3);
	const unsigned char *b = reader->bytes + at;
	unsigned char tail[8] = {0};

	if (at >= reader->size)
		return 0;
	if (reader->size - at < 8)
		b = (const unsigned char *) memcpy(tail, b, reader->size - at);
	return load(b) >> (bit & 7);
}

/* Eight bytes as a number, the lowest first; one instruction. */
static inline uint64
load(const unsigned char *b)
{
	return (uint64) b[0] | (uint64) b[1] << 8 | (uint64) b[2] << 16 |
		(uint64) b[3] << 24 | (uint64) b[4] << 32 | (uint64) b[5] << 40 |
		(uint64) b[6] << 48 | (uint64) b[7] << 56;
}

/* A span that does not fit into what was looked at. */
static uint64
far_span(const JpJourneyReader *reader, uint64 bit, int width)
{
	int			low = width < 32 ? width : 32;

	return (eight_bytes(reader, bit) & low_bits(low)) |
		(eight_bytes(reader, bit + low) & low_bits(width - low)) << (low & 63);
}

/* So many ones, 0 to 64. */
static inline uint64
low_bits(int count)
{
	return count == 0 ? 0 : UINT64_MAX >> (64 - count);
}

/* Bits of a number, 0 for 0. */
static int
bits_of(uint64 value)
{
	return value == 0 ? 0 : 64 - __builtin_clzll(value);
}

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
	int64		first = count == 0 ? 0 : events[0].at / units[unit];
	unsigned char *next = bytes + 1;
	Classes		classes;
	Bits		bits = {NULL, 0, 0};
	uint32		i;

	next += write_varint(next, count);
	bytes[0] = (unsigned char) (VERSION << VERSION_SHIFT);
	if (count == 0)
		return next - bytes;
	choose_classes(&classes, events, count, units[unit]);
	bytes[0] |= unit | classes.bits << CLASS_SHIFT | (direct ? 0 : LIST_FLAG);
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
		uint64		span = i == 0 ? 0 : span_before(&events[i], units[unit]);
		int			class = classes.of[bits_of(span)];

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
	int			unit = UNITS - 1;
	uint32		i;

	for (i = 0; i < count && unit > 0; i++)
		while (events[i].at % units[unit] != 0)
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
		spans[bits_of(span_before(&events[i], unit))]++;
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
	int			place_bits = name_count == 0 ? 0 : bits_of(name_count - 1);
	bool		direct = name_count > 0;

	for (i = 0; i < name_count; i++)
	{
		direct &= names[i].code != 0;
		most = names[i].code > most ? names[i].code : most;
		list += 8 * write_varint(scratch, (uint64) names[i].code << 1 | 1);
	}
	list += (uint64) count * place_bits;
	direct &= most <= INT32_MAX && (uint64) count * bits_of(most) < list;
	*name_bits = direct ? bits_of(most) : place_bits;
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

		bits->held |= (value & low_bits(some)) << bits->count;
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
