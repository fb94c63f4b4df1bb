/*
 * answer_count.c
 *		Counters by two numbers, several in each place.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "answer_count.h"

/* Of one answer. */
#define COUNTERS_MAX	((uint64) 64 * 1024 * 1024)

typedef struct Key
{
	uint64		first;
	uint32		second;
} Key;

typedef struct Place
{
	Key			key;
	uint32		number;
	char		status;
} Place;

#define SH_PREFIX places
#define SH_ELEMENT_TYPE Place
#define SH_KEY_TYPE Key
#define SH_KEY key
#define SH_HASH_KEY(tb, key) murmurhash32((uint32) ((key).first ^ (key).first >> 29) ^ murmurhash32((key).second))
#define SH_EQUAL(tb, a, b) ((a).first == (b).first && (a).second == (b).second)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
/* The template shadows a variable of its own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "lib/simplehash.h"
#pragma GCC diagnostic pop

struct JpCounts
{
	MemoryContext context;
	int			counters;
	places_hash *places;
	uint32		count;
	uint32		room;
	JpCount    *at;				/* by number */
};

static void make_place(JpCounts *counts, uint64 first, uint32 second);

/* No places. */
JpCounts *
jp_counts_create(MemoryContext context, int counters)
{
	JpCounts   *counts = MemoryContextAllocZero(context, sizeof(JpCounts));

	counts->context = context;
	counts->counters = counters;
	counts->places = places_create(context, 256, NULL);
	counts->room = 64;
	counts->at = MemoryContextAlloc(context, counts->room * sizeof(JpCount));
	return counts;
}

/* The place of two numbers. */
JpCount *
jp_counts_find(JpCounts *counts, uint64 first, uint32 second)
{
	bool		found;
	Key			key = {first, second};
	Place	   *place = places_insert(counts->places, key, &found);

	if (!found)
	{
		place->number = counts->count;
		make_place(counts, first, second);
	}
	return &counts->at[place->number];
}

/* Makes one more place. */
static void
make_place(JpCounts *counts, uint64 first, uint32 second)
{
	JpCount    *made;

	if ((uint64) counts->count * counts->counters > COUNTERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an answer has more than " UINT64_FORMAT " cells", COUNTERS_MAX),
				 errhint("Break down by less, or bound the time.")));
	if (counts->count == counts->room)
	{
		counts->room *= 2;
		counts->at = repalloc_huge(counts->at, counts->room * sizeof(JpCount));
	}
	made = &counts->at[counts->count];
	memset(made, 0, sizeof(JpCount));
	made->first = first;
	made->second = second;
	made->number = counts->count++;
	made->count = MemoryContextAllocZero(counts->context, counts->counters * sizeof(uint64));
}

/* The counters of a place. */
uint64 *
jp_counts_of(JpCounts *counts, uint64 first, uint32 second)
{
	return jp_counts_find(counts, first, second)->count;
}

/* All places. */
void
jp_counts_scan(const JpCounts *counts, JpCountsScan *scan)
{
	scan->next = 0;
}

/* The next one. */
JpCount *
jp_counts_next(const JpCounts *counts, JpCountsScan *scan)
{
	return scan->next < counts->count ? &counts->at[scan->next++] : NULL;
}
