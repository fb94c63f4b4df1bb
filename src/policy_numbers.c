/*
 * policy_numbers.c
 *		The subject number of each distinct value of a column, for tables
 *		that carry no numbers.
 *
 * A value is turned into a pseudonym and looked up in the registry once, then
 * kept for the scan, within the memory that a hash table may take.  Where the
 * column holds pseudonyms and many are asked for, the whole registry is read
 * at once: one pass is cheaper than a lookup for each.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "collection.h"
#include "keyring.h"
#include "policy.h"
#include "pseudonym_internal.h"
#include "subject.h"

/* Values up to this many bytes lie in the table itself. */
#define INLINE_BYTES	16

/* So many lookups by index are cheaper than reading the registry. */
#define WORTH_READING_ALL	1000

/* At least so many rows of the registry lie on a page. */
#define ROWS_PER_PAGE	64

/* A value by its bytes. */
typedef struct ValueKey
{
	uint32		hash;
	uint32		length;
	union
	{
		uint8		bytes[INLINE_BYTES];
		const char *pointer;	/* when longer */
	}			value;
} ValueKey;

typedef struct KnownValue
{
	ValueKey	key;
	int32		number;
	char		status;
} KnownValue;

static inline bool same_value(const ValueKey *a, const ValueKey *b);

#define SH_PREFIX values
#define SH_ELEMENT_TYPE KnownValue
#define SH_KEY_TYPE ValueKey
#define SH_KEY key
#define SH_HASH_KEY(tb, k) ((k).hash)
#define SH_EQUAL(tb, a, b) same_value(&(a), &(b))
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) ((a)->key.hash)
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
/* The template shadows a variable of its own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "lib/simplehash.h"
#pragma GCC diagnostic pop

struct JpNumbers
{
	Oid			type;
	char	   *kind;			/* NULL: the values are pseudonyms */
	MemoryContext long_values;
	values_hash *known;
	uint64		most;			/* entries, then it starts anew */
	uint32		lookups;
	bool		read_all;		/* the registry has been read */
};

static void make_key(const JpNumbers *numbers, Datum value, ValueKey *key);
static int32 find_number(JpNumbers *numbers, Datum value);
static void read_registry(JpNumbers *numbers);

/* Whether two values have the same bytes. */
static inline bool
same_value(const ValueKey *a, const ValueKey *b)
{
	if (a->hash != b->hash || a->length != b->length)
		return false;
	if (a->length <= INLINE_BYTES)
		return memcmp(a->value.bytes, b->value.bytes, INLINE_BYTES) == 0;
	return memcmp(a->value.pointer, b->value.pointer, a->length) == 0;
}

/* Opens a finder of numbers in a memory context, for one scan. */
JpNumbers *
jp_numbers_open(const JpProtection *protection, Oid type, MemoryContext context)
{
	JpNumbers  *numbers = MemoryContextAllocZero(context, sizeof(JpNumbers));

	numbers->type = type;
	numbers->kind = protection->kind == NULL ? NULL :
		MemoryContextStrdup(context, protection->kind);
	numbers->long_values = AllocSetContextCreate(context,
												 "journey_privacy values",
												 ALLOCSET_DEFAULT_SIZES);
	numbers->known = values_create(context, 1024, NULL);
	/* Growing, a table is there twice, the new one at most 90 % full. */
	numbers->most = Max(1024, get_hash_memory_limit() / (4 * sizeof(KnownValue)));
	return numbers;
}

/* The number of the subject that a value names, or JP_NO_SUBJECT. */
int32
jp_numbers_find(JpNumbers *numbers, Datum value)
{
	ValueKey	key;
	KnownValue *known;
	bool		found;
	int32		number;

	make_key(numbers, value, &key);
	known = values_lookup(numbers->known, key);
	if (likely(known != NULL))
		return known->number;

	number = find_number(numbers, value);
	if (numbers->known->members >= numbers->most)
	{
		values_reset(numbers->known);
		MemoryContextReset(numbers->long_values);
		numbers->read_all = true;	/* it does not fit: not again */
	}
	if (key.length > INLINE_BYTES)
	{
		char	   *copy = MemoryContextAlloc(numbers->long_values, key.length);

		memcpy(copy, key.value.pointer, key.length);
		key.value.pointer = copy;
	}
	known = values_insert(numbers->known, key, &found);
	known->number = number;
	if (++numbers->lookups == WORTH_READING_ALL)
		read_registry(numbers);
	return number;
}

/* Makes the key of a value of the column's type. */
static void
make_key(const JpNumbers *numbers, Datum value, ValueKey *key)
{
	const void *bytes = key->value.bytes;
	int64		integer;

	memset(key, 0, sizeof(ValueKey));
	switch (numbers->type)
	{
		case INT4OID:
		case INT8OID:
			integer = numbers->type == INT4OID ? DatumGetInt32(value) :
				DatumGetInt64(value);
			key->length = sizeof(integer);
			memcpy(key->value.bytes, &integer, sizeof(integer));
			break;
		case TEXTOID:
			{
				text	   *string = DatumGetTextPP(value);

				key->length = VARSIZE_ANY_EXHDR(string);
				key->value.pointer = bytes = VARDATA_ANY(string);
				if (key->length <= INLINE_BYTES)
				{
					memset(&key->value, 0, sizeof(key->value));
					memcpy(key->value.bytes, bytes, key->length);
					bytes = key->value.bytes;
				}
				break;
			}
		default:
			StaticAssertStmt(UUID_LEN == INLINE_BYTES &&
							 sizeof(JpPseudonym) == INLINE_BYTES,
							 "uuid and pseudonym are keys as they are");
			key->length = INLINE_BYTES;
			memcpy(key->value.bytes, DatumGetPointer(value), INLINE_BYTES);
			break;
	}
	/* A pseudonym is uniformly distributed already. */
	if (numbers->kind == NULL)
		memcpy(&key->hash, key->value.bytes + 4, sizeof(key->hash));
	else
		key->hash = hash_bytes(bytes, key->length);
}

/* Looks a value up in the registry. */
static int32
find_number(JpNumbers *numbers, Datum value)
{
	JpPseudonym pseudonym;

	CHECK_FOR_INTERRUPTS();
	jp_subject_of_datum(value, numbers->type, numbers->kind, &pseudonym);
	return jp_subject_find(&pseudonym);
}

/* Reads the whole registry, if it fits. */
static void
read_registry(JpNumbers *numbers)
{
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;

	if (numbers->read_all || numbers->kind != NULL)
		return;
	numbers->read_all = true;
	rel = table_open(jp_relation("subject"), AccessShareLock);
	if ((uint64) RelationGetNumberOfBlocks(rel) * ROWS_PER_PAGE <= numbers->most)
	{
		slot = table_slot_create(rel, NULL);
		scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			bool		isnull;
			bool		found;
			ValueKey	key;
			Datum		pseudonym = slot_getattr(slot, 1, &isnull);
			int32		number = DatumGetInt32(slot_getattr(slot, 2, &isnull));

			CHECK_FOR_INTERRUPTS();
			make_key(numbers, pseudonym, &key);
			values_insert(numbers->known, key, &found)->number = number;
		}
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(rel, AccessShareLock);
}
