/*
 * journey.c
 *		Fuzzer for the bytes of journeys.  Needs no PostgreSQL.
 *
 * With libFuzzer (test/extra/journey.sh does this):
 *		clang -DJP_PURE -fsanitize=fuzzer,address,undefined -Isrc \
 *			test/fuzz/journey.c src/store_{codec,encode}.c
 * Alone, with -DSTANDALONE and any compiler:
 *		journey run SECONDS [SEED]		random journeys, whole and damaged
 *		journey corpus DIRECTORY		journeys for libFuzzer to begin with
 *
 * Bytes lie in memory that ends where they end, so that AddressSanitizer sees
 * any look beyond.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store_codec.h"

#define CHECK(what) \
	do { \
		if (!(what)) \
		{ \
			fprintf(stderr, "line %d: not %s\n", __LINE__, #what); \
			abort(); \
		} \
	} while (0)

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The names of a list lie within the bytes. */
static void
check_names(const JpJourneyReader *reader, const uint8_t *data, size_t size)
{
	JpJourneyName *names = malloc((reader->names + 1) * sizeof(JpJourneyName));
	uint32		i;

	jp_reader_names(reader, names);
	for (i = 0; i < reader->names; i++)
		if (names[i].chars == NULL)
			CHECK(names[i].code >= 1 && names[i].code <= INT32_MAX);
		else
			CHECK((const uint8_t *) names[i].chars >= data &&
				  (const uint8_t *) names[i].chars + names[i].length <= data + size);
	free(names);
}

/* Reads bytes that may be anything: what is read is within its bounds. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	JpJourneyReader reader;
	JpMoment	events[100];
	uint8_t    *copy = malloc(size == 0 ? 1 : size);
	int64		last = INT64_MIN;
	uint32		seen = 0;
	int			count;
	int			i;

	memcpy(copy, data, size);
	if (jp_reader_begin(&reader, copy, size))
	{
		check_names(&reader, copy, size);
		while ((count = jp_reader_events(&reader, events, 1 + seen % 100)) > 0)
		{
			for (i = 0; i < count; i++)
			{
				CHECK(events[i].at >= last && events[i].at >= JP_JOURNEY_TIME_MIN &&
					  events[i].at < JP_JOURNEY_TIME_END);
				CHECK(reader.names == 0 ? events[i].steps >= 1 && events[i].steps <= INT32_MAX :
					  events[i].steps < reader.names);
				last = events[i].at;
			}
			seen += (uint32) count;
		}
		CHECK(count == 0 ? seen == reader.count : seen <= reader.count);
	}
	free(copy);
	return 0;
}

#ifdef STANDALONE

static uint64 state;

static uint64
next_random(void)
{
	uint64		z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64
below(uint64 end)
{
	return next_random() % end;
}

/* A journey that was made up. */
typedef struct Made
{
	uint32		count;
	uint32		names;
	JpMoment	events[600];
	JpJourneyName name[600];
	char		chars[600][8];
} Made;

/* Some events in order, and names, each used. */
static void
make_up(Made *made)
{
	static const int64 units[] = {1, 1000, 1000000, 60000000, INT64_C(3600000000), INT64_C(86400000000)};
	int64		unit = units[below(6)];
	int64		at = below(8) == 0 ? JP_JOURNEY_TIME_MIN / unit * unit :
		(int64) below(UINT64_C(2000000000000000)) / unit * unit;
	int			widest = 1 + (int) below(below(4) == 0 ? 64 : 34);
	int			coded = (int) below(3);
	uint32		i;

	made->count = (uint32) below(below(4) == 0 ? 600 : 30);
	made->names = 0;
	for (i = 0; i < made->count; i++)
	{
		uint64		span = next_random() >> (63 - below(widest));

		if (i > 0 && span <= ((uint64) JP_JOURNEY_TIME_END - 1 - (uint64) at) / (uint64) unit)
			at = (int64) ((uint64) at + span * (uint64) unit);
		made->events[i].at = at;
		made->events[i].steps = below(made->names + 1);
		if (made->events[i].steps == made->names)
			made->names++;
	}
	for (i = 0; i < made->names; i++)
	{
		made->name[i].chars = made->chars[i];
		made->name[i].length = (uint32) below(9);
		memset(made->chars[i], 'a' + (int) below(26), 8);
		made->name[i].code = coded == 0 || (coded == 1 && below(2) == 0) ? 0 :
			below(50) == 0 ? INT32_MAX - i : i + 1 + (uint32) below(2) * 600;
	}
}

/* What was written is read again. */
static void
check_made(const Made *made, const uint8_t *bytes, size_t size)
{
	JpJourneyReader reader;
	JpJourneyName names[600];
	JpMoment	events[600];
	uint32		seen = 0;
	int			count;
	uint32		i;

	CHECK(jp_reader_begin(&reader, bytes, size) && reader.count == made->count);
	CHECK(made->count == 0 || reader.names == 0 || reader.names == made->names);
	jp_reader_names(&reader, names);
	while ((count = jp_reader_events(&reader, events + seen, 1 + (uint32) below(40))) > 0)
		seen += (uint32) count;
	CHECK(count == 0 && seen == made->count);
	for (i = 0; i < made->count; i++)
	{
		const JpJourneyName *name = &made->name[made->events[i].steps];
		const JpJourneyName *read = &names[reader.names == 0 ? 0 : events[i].steps];

		CHECK(events[i].at == made->events[i].at);
		if (reader.names == 0)
			CHECK(events[i].steps == name->code);
		else if (name->code != 0)
			CHECK(read->chars == NULL && read->code == name->code);
		else
			CHECK(read->chars != NULL && read->length == name->length &&
				  memcmp(read->chars, name->chars, name->length) == 0);
	}
}

/* Writes a made-up journey into memory of its own that ends where it ends. */
static uint8_t *
write_made(const Made *made, size_t *size)
{
	size_t		room = jp_journey_room(made->count, made->name, made->names);
	uint8_t    *bytes = malloc(room);
	uint8_t    *exact;

	*size = jp_journey_write(bytes, made->events, made->count, made->name, made->names);
	CHECK(*size <= room);
	exact = malloc(*size);
	memcpy(exact, bytes, *size);
	free(bytes);
	return exact;
}

static void
damage(uint8_t *bytes, size_t *size)
{
	int			times = 1 + (int) below(3);

	while (times-- > 0 && *size > 0)
		switch (below(3))
		{
			case 0:
				bytes[below(*size)] ^= (uint8_t) (1 << below(8));
				break;
			case 1:
				bytes[below(*size < 16 ? *size : 16)] = (uint8_t) next_random();
				break;
			default:
				*size -= below(*size) + 1;
		}
}

static void
run(int seconds, uint64 seed)
{
	time_t		end = time(NULL) + seconds;
	uint64		rounds = 0;

	state = seed;
	while ((rounds & 1023) != 0 || time(NULL) < end)
	{
		static Made made;
		size_t		size;
		uint8_t    *bytes;

		make_up(&made);
		bytes = write_made(&made, &size);
		check_made(&made, bytes, size);
		damage(bytes, &size);
		LLVMFuzzerTestOneInput(bytes, size);
		free(bytes);
		rounds++;
	}
	printf("%llu journeys, seed %llu\n", (unsigned long long) rounds, (unsigned long long) seed);
}

static void
corpus(const char *directory)
{
	int			i;

	for (i = 0; i < 100; i++)
	{
		static Made made;
		char		path[1024];
		size_t		size;
		uint8_t    *bytes;
		FILE	   *file;

		make_up(&made);
		bytes = write_made(&made, &size);
		snprintf(path, sizeof(path), "%s/%d", directory, i);
		file = fopen(path, "wb");
		CHECK(file != NULL && fwrite(bytes, 1, size, file) == size);
		fclose(file);
		free(bytes);
	}
}

int
main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		run(atoi(argv[2]), argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64) time(NULL));
	else if (argc == 3 && strcmp(argv[1], "corpus") == 0)
		corpus(argv[2]);
	else
		return 2;
	return 0;
}

#endif
