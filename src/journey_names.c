/*
 * journey_names.c
 *		Names of events as small numbers, for as long as a query runs.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/memutils.h"

#include "compat.h"
#include "journey_names.h"

/* Of all names of a call. */
#define BYTES_MAX	((Size) 256 * 1024 * 1024)

/* A name as it is looked for, and as it is kept. */
typedef struct Spelling
{
	const char *chars;
	Size		len;
} Spelling;

typedef struct Entry
{
	Spelling	name;
	uint32		code;
	uint32		hash;
	char		status;
} Entry;

#define SH_PREFIX names
#define SH_ELEMENT_TYPE Entry
#define SH_KEY_TYPE Spelling
#define SH_KEY name
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).chars, (int) (key).len)
#define SH_EQUAL(tb, a, b) ((a).len == (b).len && memcmp((a).chars, (b).chars, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
/* PostgreSQL 15 shadows a variable of its own in there. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "lib/simplehash.h"
#pragma GCC diagnostic pop

/* Names that were asked for lately, by their ends and length. */
#define RECENT	256

typedef struct Recent
{
	uint64		ends;
	Size		len;
	uint32		code;			/* 0: none yet */
} Recent;

/* Bits by the ends of names, set for those that are there. */
#define FILTER	4096

struct JpNames
{
	MemoryContext context;
	Recent		recent[RECENT];
	uint64		filter[FILTER / 64];
	names_hash *codes;
	uint32		count;
	uint32		room;
	Size		bytes;
	text	  **texts;			/* by code - 1 */
};

static uint64 ends_of(const char *chars, Size len);
static uint64 spread(uint64 ends, Size len);
static Recent *recent_of(JpNames *names, uint64 ends, Size len);
static bool is_recent(const JpNames *names, const Recent *recent, uint64 ends,
					  const char *chars, Size len);
static uint32 code_of(JpNames *names, const char *chars, Size len);

JpNames *
jp_names_create(MemoryContext context)
{
	JpNames    *names = (JpNames *) MemoryContextAllocZero(context, sizeof(JpNames));

	names->context = context;
	names->codes = names_create(context, 32, NULL);
	names->room = 16;
	names->texts = (text **) MemoryContextAlloc(context, names->room * sizeof(text *));
	return names;
}

uint32
jp_name_code(JpNames *names, const char *chars, Size len)
{
	uint64		ends = ends_of(chars, len);
	Recent	   *recent = recent_of(names, ends, len);

	if (!is_recent(names, recent, ends, chars, len))
	{
		recent->code = code_of(names, chars, len);
		recent->ends = ends;
		recent->len = len;
	}
	return recent->code;
}

/* The first and the last bytes: all there are of a short name. */
static inline uint64
ends_of(const char *chars, Size len)
{
	uint32		first,
				last;

	if (len >= sizeof(uint32))
	{
		memcpy(&first, chars, sizeof(uint32));
		memcpy(&last, chars + len - sizeof(uint32), sizeof(uint32));
		return (uint64) first << 32 | last;
	}
	if (len == 0)
		return 0;
	return (uint64) (uint8) chars[0] << 16 | (uint64) (uint8) chars[len / 2] << 8 |
		(uint8) chars[len - 1];
}

/* The same, spread over the higher bits. */
static inline uint64
spread(uint64 ends, Size len)
{
	return ends * UINT64CONST(0x9E3779B97F4A7C15) + ((uint64) len << 52);
}

/* Where such a name would be remembered. */
static inline Recent *
recent_of(JpNames *names, uint64 ends, Size len)
{
	return &names->recent[spread(ends, len) >> 56];
}

/* Whether it is. */
static inline bool
is_recent(const JpNames *names, const Recent *recent, uint64 ends,
		  const char *chars, Size len)
{
	return recent->code != 0 && recent->ends == ends && recent->len == len &&
		(len <= 2 * sizeof(uint32) ||
		 memcmp(VARDATA(names->texts[recent->code - 1]), chars, len) == 0);
}

/* The code of a name in the table of all. */
static uint32
code_of(JpNames *names, const char *chars, Size len)
{
	Spelling	name = {chars, len};
	uint64		bit;
	bool		found;
	Entry	   *entry = names_insert(names->codes, name, &found);
	text	   *kept;

	if (found)
		return entry->code;
	entry->name.len = 0;
	entry->code = 0;
	names->bytes += len + VARHDRSZ + sizeof(Entry);
	if (names->bytes > BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the names of events take more than %zu MB", BYTES_MAX / 1024 / 1024),
				 errhint("What tells every event apart is no name of an event.")));
	if (names->count == names->room)
	{
		names->room *= 2;
		names->texts = (text **) repalloc(names->texts, names->room * sizeof(text *));
	}
	kept = (text *) MemoryContextAlloc(names->context, VARHDRSZ + len);
	SET_VARSIZE(kept, VARHDRSZ + len);
	memcpy(VARDATA(kept), chars, len);
	names->texts[names->count++] = kept;
	bit = spread(ends_of(chars, len), len) >> 52;
	names->filter[bit / 64] |= UINT64CONST(1) << (bit % 64);
	entry->name.chars = VARDATA(kept);
	entry->name.len = len;
	entry->code = names->count;
	return entry->code;
}

uint32
jp_name_find(JpNames *names, const char *chars, Size len)
{
	uint64		ends = ends_of(chars, len);
	uint64		bit = spread(ends, len) >> 52;
	Recent	   *recent = recent_of(names, ends, len);
	Spelling	name = {chars, len};
	Entry	   *entry;

	if (!(names->filter[bit / 64] >> (bit % 64) & 1))
		return 0;
	if (is_recent(names, recent, ends, chars, len))
		return recent->code;
	entry = names_lookup(names->codes, name);
	if (entry == NULL)
		return 0;
	recent->code = entry->code;
	recent->ends = ends;
	recent->len = len;
	return entry->code;
}

uint32
jp_names_count(const JpNames *names)
{
	return names->count;
}

text *
jp_name_text(const JpNames *names, uint32 code)
{
	Assert(code >= 1 && code <= names->count);
	return names->texts[code - 1];
}

int
jp_name_compare(const JpNames *names, uint32 a, uint32 b)
{
	const text *left,
			   *right;
	Size		left_len,
				right_len;
	int			order;

	if (a == b || a == 0 || b == 0)
		return a == b ? 0 : a == 0 ? -1 : 1;
	left = names->texts[a - 1];
	right = names->texts[b - 1];
	left_len = VARSIZE(left) - VARHDRSZ;
	right_len = VARSIZE(right) - VARHDRSZ;
	order = memcmp(VARDATA(left), VARDATA(right), Min(left_len, right_len));
	if (order != 0)
		return order;
	return left_len < right_len ? -1 : left_len > right_len;
}
