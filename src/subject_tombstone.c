/*
 * subject_tombstone.c
 *		Traces of the erased, which keep their data from coming back.
 *
 * A trace conceals the pseudonym under the tombstone key, the same way each
 * time, so that it can be looked up, and so that a rotation of keys can move
 * it along: with p the pseudonym and v the version of the key,
 *
 *		nonce = BLAKE2b-192(key v, 0x00, p)
 *		trace = v, nonce, p XOR BLAKE2b-128(key v, 0x01, nonce)
 *
 * (a synthetic nonce, as in RFC 5297, over the keyed hash that all else here
 * uses).  Without the key it says nothing.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "keyring.h"
#include "subject.h"

#define NONCE_SIZE	24

/* The parts of a trace. */
typedef struct Trace
{
	uint8		version;
	uint8		nonce[NONCE_SIZE];
	uint8		concealed[JP_PSEUDONYM_SIZE];
} Trace;

StaticAssertDecl(sizeof(Trace) == JP_TRACE_SIZE, "a trace has no padding");

static void make_trace(const JpPseudonym *pseudonym, int version, Trace *trace);
static bool reveal(const Trace *trace, JpPseudonym *pseudonym);
static void conceal(int version, const uint8 *nonce, const uint8 *from,
					uint8 *to);
static Datum trace_datum(const Trace *trace);
static HeapTuple find_trace(Relation rel, const JpPseudonym *pseudonym);
static void change_trace(Datum from, Datum to);

/* The trace of a subject under the current key. */
void
jp_tombstone_trace(const JpPseudonym *pseudonym, uint8 *trace)
{
	make_trace(pseudonym, jp_key_version(JP_KEY_TOMBSTONE), (Trace *) trace);
}

/* The traces of a subject under every version of the key. */
Datum
jp_tombstone_traces(const JpPseudonym *pseudonym)
{
	int			versions[255];
	int			count = jp_key_versions(JP_KEY_TOMBSTONE, versions);
	Datum	   *traces = palloc(Max(count, 1) * sizeof(Datum));
	int			i;

	for (i = 0; i < count; i++)
	{
		Trace		trace;

		make_trace(pseudonym, versions[i], &trace);
		traces[i] = trace_datum(&trace);
	}
	return PointerGetDatum(construct_array(traces, count, BYTEAOID, -1, false,
										   TYPALIGN_INT));
}

/* When a subject was erased, if it was. */
bool
jp_tombstone_find(const JpPseudonym *pseudonym, TimestampTz *erased_at)
{
	Relation	rel = table_open(jp_relation("tombstone"), AccessShareLock);
	HeapTuple	tuple = find_trace(rel, pseudonym);

	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		*erased_at = DatumGetTimestampTz(heap_getattr(tuple, 2,
													  RelationGetDescr(rel),
													  &isnull));
		heap_freetuple(tuple);
	}
	table_close(rel, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/* Lays a tombstone, or renews the one that is there. */
void
jp_tombstone_lay(const JpPseudonym *pseudonym)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {BYTEAOID};
	Datum		values[1];
	Trace		trace;

	jp_tombstone_lift(pseudonym);
	jp_tombstone_trace(pseudonym, (uint8 *) &trace);
	values[0] = trace_datum(&trace);
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.tombstone VALUES ($1, pg_catalog.clock_timestamp())",
			   1, types, values, NULL, SPI_OK_INSERT);
}

/* Lifts a tombstone: the person has come back and agreed anew. */
void
jp_tombstone_lift(const JpPseudonym *pseudonym)
{
	static SPIPlanPtr plan = NULL;
	Relation	rel = table_open(jp_relation("tombstone"), RowExclusiveLock);
	HeapTuple	tuple = find_trace(rel, pseudonym);
	Oid			types[1] = {BYTEAOID};
	Datum		values[1];
	bool		isnull;

	if (HeapTupleIsValid(tuple))
	{
		values[0] = heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull);
		jp_execute(&plan,
				   "DELETE FROM journey_privacy.tombstone WHERE trace = $1",
				   1, types, values, NULL, SPI_OK_DELETE);
		heap_freetuple(tuple);
	}
	table_close(rel, NoLock);
}

/* Moves tombstones, and the erasures they belong to, to the current keys. */
void
jp_tombstones_rekey(void)
{
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	SPI_execute("SELECT trace FROM journey_privacy.tombstone"
				" UNION SELECT trace FROM journey_privacy.erasure", false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(found->vals[i], found->tupdesc, 1,
										  &isnull);
		bytea	   *stored = DatumGetByteaPP(value);
		JpPseudonym pseudonym;
		Trace		trace;

		CHECK_FOR_INTERRUPTS();
		if (VARSIZE_ANY_EXHDR(stored) != JP_TRACE_SIZE)
			continue;
		memcpy(&trace, VARDATA_ANY(stored), JP_TRACE_SIZE);
		if (!reveal(&trace, &pseudonym))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("a tombstone is damaged")));
		jp_pseudonym_advance(&pseudonym, jp_key_version(JP_KEY_PSEUDONYM));
		jp_tombstone_trace(&pseudonym, (uint8 *) &trace);
		change_trace(value, trace_datum(&trace));
	}
}

/* Conceals a pseudonym under a version of the tombstone key. */
static void
make_trace(const JpPseudonym *pseudonym, int version, Trace *trace)
{
	uint8		message[1 + JP_PSEUDONYM_SIZE] = {0x00};

	memcpy(message + 1, pseudonym->bytes, JP_PSEUDONYM_SIZE);
	trace->version = (uint8) version;
	jp_key_hash(JP_KEY_TOMBSTONE, version, message, sizeof(message),
				trace->nonce, NONCE_SIZE);
	conceal(version, trace->nonce, pseudonym->bytes, trace->concealed);
}

/* The pseudonym of a trace; false when the trace was tampered with. */
static bool
reveal(const Trace *trace, JpPseudonym *pseudonym)
{
	Trace		again;

	conceal(trace->version, trace->nonce, trace->concealed, pseudonym->bytes);
	make_trace(pseudonym, trace->version, &again);
	return memcmp(trace, &again, sizeof(Trace)) == 0;
}

/* Adds the pad that belongs to a nonce. */
static void
conceal(int version, const uint8 *nonce, const uint8 *from, uint8 *to)
{
	uint8		message[1 + NONCE_SIZE] = {0x01};
	uint8		pad[JP_PSEUDONYM_SIZE];
	int			i;

	memcpy(message + 1, nonce, NONCE_SIZE);
	jp_key_hash(JP_KEY_TOMBSTONE, version, message, sizeof(message), pad,
				sizeof(pad));
	for (i = 0; i < JP_PSEUDONYM_SIZE; i++)
		to[i] = from[i] ^ pad[i];
}

/* A trace as a bytea. */
static Datum
trace_datum(const Trace *trace)
{
	bytea	   *value = palloc(VARHDRSZ + sizeof(Trace));

	SET_VARSIZE(value, VARHDRSZ + sizeof(Trace));
	memcpy(VARDATA(value), trace, sizeof(Trace));
	return PointerGetDatum(value);
}

/* The tombstone of a subject under any version of the key. */
static HeapTuple
find_trace(Relation rel, const JpPseudonym *pseudonym)
{
	int			versions[255];
	int			count = jp_key_versions(JP_KEY_TOMBSTONE, versions);
	HeapTuple	tuple = NULL;

	while (tuple == NULL && --count >= 0)
	{
		Trace		trace;

		make_trace(pseudonym, versions[count], &trace);
		tuple = jp_fetch_one(rel, "tombstone_pkey", 1, trace_datum(&trace),
							 F_BYTEAEQ);
	}
	return tuple;
}

/* Writes another trace in place of one. */
static void
change_trace(Datum from, Datum to)
{
	static SPIPlanPtr tombstone = NULL;
	static SPIPlanPtr erasure = NULL;
	Oid			types[2] = {BYTEAOID, BYTEAOID};
	Datum		values[2] = {from, to};

	jp_execute(&tombstone,
			   "UPDATE journey_privacy.tombstone SET trace = $2 WHERE trace = $1",
			   2, types, values, NULL, SPI_OK_UPDATE);
	jp_execute(&erasure,
			   "UPDATE journey_privacy.erasure SET trace = $2 WHERE trace = $1",
			   2, types, values, NULL, SPI_OK_UPDATE);
}
