/*
 * store_codec.c
 *		Bytes of a journey, read.  Pure.
 *
 * What is read may be damaged: no byte is looked at before it is known to be
 * there, and every time and name is within its bounds.
 */
#include "store_bits.h"
#include "store_codec.h"

/* So many bits are there wherever eight bytes were looked at. */
#define BITS_AT_ONCE	57

const int64 jp_journey_units[JP_JOURNEY_UNITS] = {
	1, 1000, 1000000, INT64_C(60000000), INT64_C(3600000000), INT64_C(86400000000)
};

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
	reader->class_bits = (head >> JP_JOURNEY_CLASS_SHIFT) & 3;
	if (head >> JP_JOURNEY_VERSION_SHIFT != JP_JOURNEY_VERSION || (head & JP_JOURNEY_UNIT_MASK) >= JP_JOURNEY_UNITS ||
		reader->class_bits > 2 || !read_varint(reader, &at, &count) ||
		count > JP_JOURNEY_EVENTS_MAX)
		return false;
	reader->unit = jp_journey_units[head & JP_JOURNEY_UNIT_MASK];
	reader->count = reader->left = (uint32) count;
	if (count == 0)
		return at == size;
	if (!read_first(reader, &at) || !read_widths(reader, &at))
		return false;
	if (head & JP_JOURNEY_LIST)
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
		events[0].steps = eight_bytes(reader, reader->bit) & jp_low_bits(reader->name_bits);
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
	const uint64 class_mask = jp_low_bits(class_bits);
	const uint64 name_mask = jp_low_bits(reader->name_bits);
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
		uint64		span = (bits >> head) & jp_low_bits(width);

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
		int			width = reader->width[bits & jp_low_bits(reader->class_bits)];
		uint64		span = far_span(reader, reader->bit + head, width);

		events[i].steps = (bits >> reader->class_bits) & jp_low_bits(reader->name_bits);
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
	reader->name_bits = jp_bits_of(names - 1);
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

	return (eight_bytes(reader, bit) & jp_low_bits(low)) |
		(eight_bytes(reader, bit + low) & jp_low_bits(width - low)) << (low & 63);
}
