/*
 * subject.c
 *		The registry: a number for each subject, traces of the erased.
 *
 * Reading never writes; a subject appears when something is first stored
 * about it.  Lookups see the latest committed state whatever the snapshot of
 * the statement, because a tombstone must bind at once.  Numbers found are
 * kept for the transaction: erasure waits for transactions that hold locks
 * on journey tables and so outlives what they keep.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "compat.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "subject.h"

#define MIN_KEPT		65536	/* so many may be kept by a transaction, at least */
#define KEPT_WORTH		4096	/* a larger table is made anew, not emptied */

typedef struct KeptNumber
{
	JpPseudonym pseudonym;
	int32		number;
	char		status;
} KeptNumber;

/* A pseudonym is uniformly distributed already. */
static inline uint32
hash_pseudonym(JpPseudonym pseudonym)
{
	uint32		hash;

	memcpy(&hash, pseudonym.bytes + 4, sizeof(hash));
	return hash;
}

#define SH_PREFIX kept
#define SH_ELEMENT_TYPE KeptNumber
#define SH_KEY_TYPE JpPseudonym
#define SH_KEY pseudonym
#define SH_HASH_KEY(tb, key) hash_pseudonym(key)
#define SH_EQUAL(tb, a, b) (memcmp((a).bytes, (b).bytes, JP_PSEUDONYM_SIZE) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
/* The template shadows a variable of its own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "lib/simplehash.h"
#pragma GCC diagnostic pop

/* Numbers this transaction has found or made, and in which extension. */
static kept_hash *kept = NULL;
static LocalTransactionId kept_in = InvalidLocalTransactionId;
static Oid	kept_of = InvalidOid;

static bool is_kept_now(void);
static int32 kept_number(const JpPseudonym *pseudonym);
static uint32 most_kept(void);
static void keep_number(const JpPseudonym *pseudonym, int32 number);
static int32 insert_subject(const JpPseudonym *pseudonym);
static void subxact_ended(SubXactEvent event, SubTransactionId mine,
						  SubTransactionId parent, void *arg);

PG_FUNCTION_INFO_V1(jp_is_erased);
PG_FUNCTION_INFO_V1(jp_pseudonym_current);

/* Numbers made in a subtransaction that is rolled back must not be kept. */
void
jp_subject_init(void)
{
	RegisterSubXactCallback(subxact_ended, NULL);
}

/* An argument's pseudonym under the current key. */
JpPseudonym *
jp_subject_arg(FunctionCallInfo fcinfo, int n)
{
	JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));

	*pseudonym = *PG_GETARG_PSEUDONYM(n);
	jp_pseudonym_advance(pseudonym, jp_key_version(JP_KEY_PSEUDONYM));
	return pseudonym;
}

/*
 * A pseudonym under the current key for who writes: rekey_pseudonyms() is
 * waited for, and waits from now on until the transaction ends.  Whoever
 * looked before may have waited since, with a pseudonym of the old key.
 */
JpPseudonym *
jp_subject_settled(const JpPseudonym *pseudonym)
{
	JpPseudonym *settled = palloc(sizeof(JpPseudonym));

	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	*settled = *pseudonym;
	jp_pseudonym_advance(settled, jp_key_version(JP_KEY_PSEUDONYM));
	return settled;
}

/* SQL: pseudonym_current(pseudonym), the same under the current key. */
Datum
jp_pseudonym_current(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(jp_subject_arg(fcinfo, 0));
}

/* Number of a registered subject. */
int32
jp_subject_find(const JpPseudonym *pseudonym)
{
	Relation	rel;
	HeapTuple	tuple;
	int32		number = kept_number(pseudonym);

	if (number != JP_NO_SUBJECT)
		return number;
	rel = table_open(jp_relation("subject"), AccessShareLock);
	tuple = jp_fetch_one(rel, "subject_pkey", 1, PointerGetDatum(pseudonym),
					  jp_pseudonym_equal());
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		number = DatumGetInt32(heap_getattr(tuple, 2, RelationGetDescr(rel),
											&isnull));
		heap_freetuple(tuple);
	}
	table_close(rel, AccessShareLock);
	return number;
}

/* The highest number that anybody has, or JP_NO_SUBJECT.  Never writes. */
int32
jp_subject_last(void)
{
	Relation	rel = table_open(jp_relation("subject"), AccessShareLock);
	Relation	index = index_open(jp_relation("subject_number_key"), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	HeapTuple	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	int32		last = JP_NO_SUBJECT;
	bool		isnull;

	if (HeapTupleIsValid(tuple))
		last = DatumGetInt32(heap_getattr(tuple, 2, RelationGetDescr(rel), &isnull));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return last;
}

/* Number of a subject, made now if need be and allowed. */
int32
jp_subject_register(const JpPseudonym *pseudonym)
{
	int32		number = jp_subject_find(pseudonym);
	TimestampTz erased_at;
	JpPrivilege before;

	if (number == JP_NO_SUBJECT)
	{
		/* Erasure locks out or waits for whoever holds a lock now. */
		JpPseudonym *settled = jp_subject_settled(pseudonym);

		if (jp_tombstone_find(settled, &erased_at))
			return JP_NO_SUBJECT;
		jp_elevate(&before);
		SPI_connect();
		number = insert_subject(settled);
		SPI_finish();
		jp_restore(&before);
	}
	keep_number(pseudonym, number);
	return number;
}

/* SQL: is_erased(subject). */
Datum
jp_is_erased(PG_FUNCTION_ARGS)
{
	TimestampTz erased_at;

	PG_RETURN_BOOL(jp_tombstone_find(jp_subject_arg(fcinfo, 0), &erased_at));
}

/* Forgets the numbers that this transaction has kept. */
void
jp_subject_forget_kept(void)
{
	kept_in = InvalidLocalTransactionId;
}

/* Whether what is kept is of this transaction, and of this extension. */
static bool
is_kept_now(void)
{
	return kept_in == JP_LOCAL_XID && kept_of == jp_extension();
}

/* Number kept by this transaction, if any. */
static int32
kept_number(const JpPseudonym *pseudonym)
{
	KeptNumber *entry;

	if (kept == NULL || !is_kept_now())
		return JP_NO_SUBJECT;
	entry = kept_lookup(kept, *pseudonym);
	return entry != NULL ? entry->number : JP_NO_SUBJECT;
}

/* How many numbers a transaction may keep: what a hash table may take. */
static uint32
most_kept(void)
{
	return Max(MIN_KEPT, get_hash_memory_limit() / (2 * sizeof(KeptNumber)));
}

/* Keeps a number for the rest of the transaction. */
static void
keep_number(const JpPseudonym *pseudonym, int32 number)
{
	KeptNumber *entry;
	bool		found;

	if (kept != NULL && kept->size > KEPT_WORTH && !is_kept_now())
	{
		kept_destroy(kept);
		kept = NULL;
	}
	if (kept == NULL)
		kept = kept_create(TopMemoryContext, 1024, NULL);
	if (!is_kept_now() || kept->members >= most_kept())
		kept_reset(kept);
	kept_in = JP_LOCAL_XID;
	kept_of = jp_extension();
	entry = kept_insert(kept, *pseudonym, &found);
	entry->number = number;
}

/* Makes a subject, or finds the one that another transaction has just made. */
static int32
insert_subject(const JpPseudonym *pseudonym)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {jp_type("pseudonym")};
	Datum		values[1] = {PointerGetDatum(pseudonym)};
	bool		isnull;

	for (;;)
	{
		int32		number;

		CHECK_FOR_INTERRUPTS();
		jp_execute(&plan,
				   "INSERT INTO journey_privacy.subject (pseudonym) VALUES ($1)"
				   " ON CONFLICT (pseudonym) DO NOTHING RETURNING number",
				   1, types, values, NULL, SPI_OK_INSERT_RETURNING);
		if (SPI_processed == 1)
			return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0],
											   SPI_tuptable->tupdesc, 1,
											   &isnull));
		number = jp_subject_find(pseudonym);
		if (number != JP_NO_SUBJECT)
			return number;
	}
}

/* The function behind = for pseudonyms. */
RegProcedure
jp_pseudonym_equal(void)
{
	TypeCacheEntry *type;

	type = lookup_type_cache(jp_type("pseudonym"), TYPECACHE_EQ_OPR);
	return get_opcode(type->eq_opr);
}

/* Forgets kept numbers when a subtransaction is rolled back. */
static void
subxact_ended(SubXactEvent event, SubTransactionId mine,
			  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		kept_in = InvalidLocalTransactionId;
		jp_epoch++;
	}
}
