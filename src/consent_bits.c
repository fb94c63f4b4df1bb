/*
 * consent_bits.c
 *		The permitted bitmaps: one bit for each subject number and purpose.
 *
 * A bitmap is an ordinary table of chunks, changed in the transaction of the
 * decision, so MVCC makes it right on standbys, after crashes and under
 * repeatable read.  Whoever sets a bit has locked the subject first and then
 * locks the chunk by updating it; several bits go in the order of purpose
 * and chunk.  A missing chunk is what the legal basis says of people who
 * have not decided.  A chunk past its next_expiry is mended by the reader in
 * memory and by the next writer in the table.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "port/pg_bitutils.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "compat.h"
#include "consent_internal.h"
#include "journey_privacy.h"

/* So many chunks tell the planner enough: 65,536 subjects. */
#define SAMPLED_CHUNKS	8

/* The transaction that last wrote a chunk in this backend. */
static LocalTransactionId wrote_in = InvalidLocalTransactionId;

/* What a missing chunk holds. */
static uint8 all_clear[JP_CHUNK_BYTES];
static uint8 all_set[JP_CHUNK_BYTES];

static bool snapshot_is_fresh(void);
static void clear_expired(const char *purpose, uint32 chunk, uint8 *bits,
						  Snapshot snapshot, TimestampTz now,
						  TimestampTz *next_expiry);
static void mend_chunk(const JpPurpose *purpose, uint32 chunk);
static bool lock_chunk(const JpPurpose *purpose, uint32 chunk, uint8 *bits,
					   TimestampTz *next_expiry);
static Datum chunk_datum(const uint8 *bits);

/* Opens a reader for the statement that is running. */
JpPermitted *
jp_permitted_open(const JpPurpose *purpose, MemoryContext context)
{
	JpPermitted *permitted;

	permitted = MemoryContextAllocZero(context, sizeof(JpPermitted));
	permitted->purpose = *purpose;
	permitted->context = context;
	permitted->now = GetCurrentTimestamp();
	permitted->by_statement = snapshot_is_fresh();
	return permitted;
}

/* Whether somebody who has not decided may be seen. */
bool
jp_permitted_undecided(const JpPermitted *permitted)
{
	return jp_permitted_missing(permitted->purpose.basis) == all_set;
}

/* The part of all subjects that may be seen, as some chunks have it. */
double
jp_permitted_fraction(const JpPurpose *purpose)
{
	Relation	rel = table_open(jp_relation("permitted"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		numbers = (int64) jp_subject_last() + 1;
	int			chunks = 0;
	int64		asked = 0;
	int64		bits = 0;

	ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, InvalidOid,
						   C_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(purpose->name));
	scan = systable_beginscan(rel, jp_relation("permitted_pkey"), true, NULL, 1,
							  &key);
	while (chunks < SAMPLED_CHUNKS &&
		   HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		bool		isnull;
		int64		chunk = DatumGetInt32(heap_getattr(tuple, 2, desc, &isnull));
		bytea	   *stored = DatumGetByteaPP(heap_getattr(tuple, 3, desc, &isnull));

		/* In whole bytes; the last chunk is partly of nobody. */
		int64		bytes = Min(VARSIZE_ANY_EXHDR(stored),
								(numbers - (chunk << JP_CHUNK_BITS)) / BITS_PER_BYTE);

		chunks++;
		if (bytes <= 0)
			continue;
		bits += pg_popcount(VARDATA_ANY(stored), bytes);
		asked += bytes * BITS_PER_BYTE;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (asked == 0)
		return jp_permitted_missing(purpose->basis) == all_set ? 1 : 0;
	return (double) bits / asked;
}

/* Sets or clears the bit of a locked subject. */
void
jp_permitted_set(const JpPurpose *purpose, int32 number, bool bit,
				 TimestampTz valid_until)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[6] = {TEXTOID, INT4OID, BYTEAOID, INT4OID, INT4OID,
	TIMESTAMPTZOID};
	bool		expires = bit && !TIMESTAMP_IS_NOEND(valid_until);
	char		nulls[6] = {' ', ' ', ' ', ' ', ' ', expires ? ' ' : 'n'};
	Datum		values[6];
	bool		isnull;

	values[0] = CStringGetTextDatum(purpose->name);
	values[1] = Int32GetDatum(JP_CHUNK_OF(number));
	values[2] = chunk_datum(jp_permitted_missing(purpose->basis));
	values[3] = Int32GetDatum(JP_OFFSET_OF(number));
	values[4] = Int32GetDatum(bit ? 1 : 0);
	values[5] = TimestampTzGetDatum(valid_until);

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.permitted AS p (purpose, chunk, bits, next_expiry)"
			   " VALUES ($1, $2, set_bit($3, $4, $5), $6)"
			   " ON CONFLICT (purpose, chunk) DO UPDATE"
			   " SET bits = set_bit(p.bits, $4, $5),"
			   "     next_expiry = least(p.next_expiry, $6)"
			   " WHERE get_bit(p.bits, $4) <> $5"
			   "    OR $6 < coalesce(p.next_expiry, 'infinity')"
			   "    OR p.next_expiry <= statement_timestamp()"
			   " RETURNING next_expiry <= statement_timestamp()",
			   6, types, values, nulls, SPI_OK_INSERT_RETURNING);
	if (SPI_processed == 1 &&
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
								   SPI_tuptable->tupdesc, 1, &isnull)) &&
		!isnull)
		mend_chunk(purpose, JP_CHUNK_OF(number));
	wrote_in = JP_LOCAL_XID;
	jp_epoch++;
}

/* Reads a chunk as the running statement sees it. */
void
jp_permitted_read_chunk(JpPermitted *permitted, uint32 chunk)
{
	Relation	rel = table_open(jp_relation("permitted"), AccessShareLock);
	MemoryContext caller = MemoryContextSwitchTo(permitted->context);
	Snapshot	snapshot = jp_permitted_snapshot(permitted);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	const uint8 *bits = jp_permitted_missing(permitted->purpose.basis);

	if (chunk >= permitted->chunks)
	{
		uint32		chunks = Max(64, pg_nextpower2_32(chunk + 1));
		const uint8 **grown = palloc0(chunks * sizeof(uint8 *));

		if (permitted->chunks > 0)
			memcpy(grown, permitted->chunk,
				   permitted->chunks * sizeof(uint8 *));
		permitted->chunk = grown;
		permitted->chunks = chunks;
	}

	ScanKeyEntryInitialize(&key[0], 0, 1, BTEqualStrategyNumber, InvalidOid,
						   C_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(permitted->purpose.name));
	ScanKeyInit(&key[1], 2, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(chunk));
	scan = systable_beginscan(rel, jp_relation("permitted_pkey"), true,
							  snapshot, 2, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		bool		isnull;
		bytea	   *stored = DatumGetByteaPP(heap_getattr(tuple, 3, desc,
														  &isnull));
		Datum		next_expiry = heap_getattr(tuple, 4, desc, &isnull);
		uint8	   *copy = palloc(JP_CHUNK_BYTES);

		if (VARSIZE_ANY_EXHDR(stored) != JP_CHUNK_BYTES)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("a chunk of table \"%s\" has the wrong length",
							"journey_privacy.permitted")));
		memcpy(copy, VARDATA_ANY(stored), JP_CHUNK_BYTES);
		if (!isnull && DatumGetTimestampTz(next_expiry) <= permitted->now)
			clear_expired(permitted->purpose.name, chunk, copy, snapshot,
						  permitted->now, NULL);
		bits = copy;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	MemoryContextSwitchTo(caller);
	permitted->chunk[chunk] = bits;
}

/* What a chunk that nobody has written holds. */
const uint8 *
jp_permitted_missing(JpBasis basis)
{
	static const JpDecision none = {false, false, DT_NOEND};

	if (!jp_basis_permits(basis, &none, false, 0))
		return all_clear;
	if (all_set[0] == 0)
		memset(all_set, 0xff, sizeof(all_set));
	return all_set;
}

/*
 * Whether the active snapshot was taken for the client's present statement.
 * It was not when the query belongs to a cursor, or to a portal bound by an
 * earlier message; unless nothing has been committed since.
 */
static bool
snapshot_is_fresh(void)
{
	if (IsInParallelMode() || IsolationUsesXactSnapshot())
		return true;
	if (ActivePortal != NULL &&
		ActivePortal->creation_time == GetCurrentStatementStartTimestamp())
		return true;
	return GetLatestSnapshot()->snapXactCompletionCount ==
		GetActiveSnapshot()->snapXactCompletionCount;
}

/*
 * The snapshot to read chunks by; NULL is the latest.  Under repeatable read
 * it is the transaction's, with what the transaction itself has done since.
 */
Snapshot
jp_permitted_snapshot(const JpPermitted *permitted)
{
	if (!permitted->by_statement)
		return NULL;
	/* Chunks are written on top of what others have committed meanwhile. */
	if (IsolationUsesXactSnapshot() && wrote_in == JP_LOCAL_XID)
		return NULL;
	if (IsolationUsesXactSnapshot() && !IsInParallelMode())
		return GetTransactionSnapshot();
	return GetActiveSnapshot();
}

/* Scans the decisions in force of a chunk of subjects. */
SysScanDesc
jp_decisions_scan(Relation rel, const char *purpose, uint32 chunk,
				  Snapshot snapshot)
{
	int32		first = (int32) (chunk << JP_CHUNK_BITS);
	ScanKeyData key[3];

	ScanKeyEntryInitialize(&key[0], 0, 1, BTEqualStrategyNumber, InvalidOid,
						   C_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(purpose));
	ScanKeyInit(&key[1], 2, BTGreaterEqualStrategyNumber, F_INT4GE,
				Int32GetDatum(first));
	ScanKeyInit(&key[2], 2, BTLessEqualStrategyNumber, F_INT4LE,
				Int32GetDatum(first + JP_CHUNK_SUBJECTS - 1));
	return systable_beginscan(rel, jp_relation("consent_state_pkey"), true,
							  snapshot, 3, key);
}

/*
 * Clears the bits of a chunk whose consent has expired.  Also tells when the
 * next of the others will, if asked.
 */
static void
clear_expired(const char *purpose, uint32 chunk, uint8 *bits,
			  Snapshot snapshot, TimestampTz now, TimestampTz *next_expiry)
{
	Relation	rel = table_open(jp_relation("consent_state"), AccessShareLock);
	SysScanDesc scan = jp_decisions_scan(rel, purpose, chunk, snapshot);
	HeapTuple	tuple;
	TimestampTz next = DT_NOEND;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		bool		isnull;
		int32		number = DatumGetInt32(heap_getattr(tuple, 2, desc, &isnull));
		bool		granted = DatumGetBool(heap_getattr(tuple, 3, desc, &isnull));
		TimestampTz until = DatumGetTimestampTz(heap_getattr(tuple, 5, desc,
															 &isnull));

		if (isnull || !granted)
			continue;
		if (until <= now)
			bits[JP_OFFSET_OF(number) / 8] &= ~(1 << (JP_OFFSET_OF(number) % 8));
		else
			next = Min(next, until);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (next_expiry != NULL)
		*next_expiry = next;
}

/* Writes an expired chunk anew, so that readers need not mend it. */
static void
mend_chunk(const JpPurpose *purpose, uint32 chunk)
{
	uint8		bits[JP_CHUNK_BYTES];
	TimestampTz next;

	if (!lock_chunk(purpose, chunk, bits, &next))
		return;
	clear_expired(purpose->name, chunk, bits, NULL,
				  GetCurrentStatementStartTimestamp(), &next);
	jp_permitted_write(purpose, chunk, bits, next);
}

/* Writes bits of one chunk. */
void
jp_permitted_change(const JpPurpose *purpose, const JpBitChange *changes,
					int count)
{
	uint32		chunk = JP_CHUNK_OF(changes[0].number);
	uint8		bits[JP_CHUNK_BYTES];
	TimestampTz next = DT_NOEND;
	TimestampTz now = GetCurrentStatementStartTimestamp();
	int			i;

	while (!lock_chunk(purpose, chunk, bits, &next))
		jp_permitted_set(purpose, changes[0].number, changes[0].bit,
						 changes[0].valid_until);
	if (next <= now)
		clear_expired(purpose->name, chunk, bits, NULL, now, &next);
	for (i = 0; i < count; i++)
	{
		uint32		offset = JP_OFFSET_OF(changes[i].number);
		uint8		mask = 1 << (offset % 8);

		if (changes[i].bit)
		{
			bits[offset / 8] |= mask;
			next = Min(next, changes[i].valid_until);
		}
		else
			bits[offset / 8] &= ~mask;
	}
	jp_permitted_write(purpose, chunk, bits, next);
}

/* Locks and reads a chunk; false when there is none. */
static bool
lock_chunk(const JpPurpose *purpose, uint32 chunk, uint8 *bits,
		   TimestampTz *next_expiry)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2] = {CStringGetTextDatum(purpose->name),
		Int32GetDatum(chunk)
	};
	bool		isnull;

	jp_execute(&plan,
			   "SELECT bits, coalesce(next_expiry, 'infinity')"
			   " FROM journey_privacy.permitted"
			   " WHERE purpose = $1 AND chunk = $2 FOR NO KEY UPDATE",
			   2, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed != 1)
		return false;
	memcpy(bits,
		   VARDATA_ANY(DatumGetByteaPP(SPI_getbinval(SPI_tuptable->vals[0],
													 SPI_tuptable->tupdesc, 1,
													 &isnull))),
		   JP_CHUNK_BYTES);
	*next_expiry = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
													 SPI_tuptable->tupdesc, 2,
													 &isnull));
	return true;
}

/* Writes a chunk whole. */
void
jp_permitted_write(const JpPurpose *purpose, uint32 chunk, const uint8 *bits,
				   TimestampTz next_expiry)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[4] = {TEXTOID, INT4OID, BYTEAOID, TIMESTAMPTZOID};
	Datum		values[4] = {CStringGetTextDatum(purpose->name),
		Int32GetDatum(chunk), chunk_datum(bits),
		TimestampTzGetDatum(next_expiry)
	};
	char		nulls[4] = {' ', ' ', ' ',
		TIMESTAMP_IS_NOEND(next_expiry) ? 'n' : ' '
	};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.permitted VALUES ($1, $2, $3, $4)"
			   " ON CONFLICT (purpose, chunk) DO UPDATE"
			   " SET bits = EXCLUDED.bits, next_expiry = EXCLUDED.next_expiry",
			   4, types, values, nulls, SPI_OK_INSERT);
	wrote_in = JP_LOCAL_XID;
	jp_epoch++;
}

/* A chunk's bits as a bytea. */
static Datum
chunk_datum(const uint8 *bits)
{
	bytea	   *value = palloc(VARHDRSZ + JP_CHUNK_BYTES);

	SET_VARSIZE(value, VARHDRSZ + JP_CHUNK_BYTES);
	memcpy(VARDATA(value), bits, JP_CHUNK_BYTES);
	return PointerGetDatum(value);
}
