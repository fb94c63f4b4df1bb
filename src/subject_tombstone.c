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
static Datum traces_under(const JpPseudonym *pseudonyms, int count,
						  const int *versions, int version_count);
static bool knows_version(int version);

/* The traces of pseudonyms under the current key. */
Datum
jp_tombstone_current(const JpPseudonym *pseudonyms, int count)
{
	int			version = jp_key_version(JP_KEY_TOMBSTONE);

	return traces_under(pseudonyms, count, &version, 1);
}

/* The traces of pseudonyms under every version of the key. */
Datum
jp_tombstone_traces(const JpPseudonym *pseudonyms, int count)
{
	int			versions[255];
	int			known = jp_key_versions(JP_KEY_TOMBSTONE, versions);

	return traces_under(pseudonyms, count, versions, known);
}

/* The pseudonym that a trace conceals. */
bool
jp_tombstone_reveal(const void *trace, Size length, JpPseudonym *pseudonym)
{
	Trace		copy;

	if (length != JP_TRACE_SIZE)
		return false;
	memcpy(&copy, trace, JP_TRACE_SIZE);
	if (!knows_version(copy.version) || !reveal(&copy, pseudonym) ||
		pseudonym->bytes[0] > jp_key_version(JP_KEY_PSEUDONYM))
		return false;
	jp_pseudonym_advance(pseudonym, jp_key_version(JP_KEY_PSEUDONYM));
	return true;
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

/*
 * Lays tombstones, or renews those that are there.  Somebody else who lays the
 * same is waited for, and has its say about what is under way after that.
 */
void
jp_tombstones_lay(const JpPseudonym *pseudonyms, int count, bool erasing)
{
	static SPIPlanPtr clearing = NULL;
	static SPIPlanPtr laying = NULL;
	static SPIPlanPtr settling = NULL;
	Oid			types[2] = {BYTEAARRAYOID, BOOLOID};
	Datum		values[2] = {jp_tombstone_traces(pseudonyms, count),
		BoolGetDatum(erasing)
	};

	jp_execute(&clearing,
			   "DELETE FROM journey_privacy.tombstone WHERE trace = ANY ($1)",
			   1, types, values, NULL, SPI_OK_DELETE);
	values[0] = jp_tombstone_current(pseudonyms, count);
	jp_execute(&laying,
			   "INSERT INTO journey_privacy.tombstone (trace, erased_at, erasing)"
			   " SELECT u.t, pg_catalog.clock_timestamp(), $2 FROM unnest($1) u(t) GROUP BY u.t ORDER BY u.t"
			   " ON CONFLICT (trace) DO UPDATE SET erased_at = excluded.erased_at",
			   2, types, values, NULL, SPI_OK_INSERT);
	jp_execute(&settling,
			   "UPDATE journey_privacy.tombstone t SET erasing = NOT t.erasing"
			   " WHERE t.trace = ANY ($1) AND t.erasing <> ($2 OR EXISTS"
			   "  (SELECT FROM journey_privacy.erasure_subject s"
			   "   JOIN journey_privacy.erasure e ON e.request_id = s.request_id"
			   "   WHERE s.trace = t.trace AND e.state = 'erasing'))",
			   2, types, values, NULL, SPI_OK_UPDATE);
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
		if (DatumGetBool(heap_getattr(tuple, 3, RelationGetDescr(rel), &isnull)))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the erasure of this subject is still under way"),
					 errhint("Wait for it, or finish it with CALL journey_privacy.resume_erasures().")));
		values[0] = heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull);
		jp_execute(&plan,
				   "DELETE FROM journey_privacy.tombstone WHERE trace = $1",
				   1, types, values, NULL, SPI_OK_DELETE);
		heap_freetuple(tuple);
	}
	table_close(rel, NoLock);
}

/* Moves tombstones, and the erasures, holds and requests of the same subjects. */
void
jp_tombstones_rekey(void)
{
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	SPI_execute("SELECT trace FROM journey_privacy.tombstone"
				" UNION SELECT trace FROM journey_privacy.erasure_subject"
				" UNION SELECT trace FROM journey_privacy.hold WHERE trace IS NOT NULL"
				" UNION SELECT trace FROM journey_privacy.request_subject", false, 0);
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
		make_trace(&pseudonym, jp_key_version(JP_KEY_TOMBSTONE), &trace);
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
	static SPIPlanPtr plans[4] = {NULL, NULL, NULL, NULL};
	static const char *const changes[] = {
		"UPDATE journey_privacy.tombstone SET trace = $2 WHERE trace = $1",
		"UPDATE journey_privacy.erasure_subject SET trace = $2 WHERE trace = $1",
		"UPDATE journey_privacy.hold SET trace = $2 WHERE trace = $1",
		"UPDATE journey_privacy.request_subject SET trace = $2 WHERE trace = $1"
	};
	Oid			types[2] = {BYTEAOID, BYTEAOID};
	Datum		values[2] = {from, to};
	int			i;

	for (i = 0; i < lengthof(changes); i++)
		jp_execute(&plans[i], changes[i], 2, types, values, NULL, SPI_OK_UPDATE);
}

/* The traces of pseudonyms under some versions of the key. */
static Datum
traces_under(const JpPseudonym *pseudonyms, int count, const int *versions,
			 int version_count)
{
	Datum	   *traces = palloc(Max(count * version_count, 1) * sizeof(Datum));
	int			i;
	int			j;

	for (i = 0; i < count; i++)
		for (j = 0; j < version_count; j++)
		{
			Trace		trace;

			make_trace(&pseudonyms[i], versions[j], &trace);
			traces[i * version_count + j] = trace_datum(&trace);
		}
	return PointerGetDatum(construct_array(traces, count * version_count,
										   BYTEAOID, -1, false, TYPALIGN_INT));
}

/* Whether a version of the key is there to reveal traces with. */
static bool
knows_version(int version)
{
	int			versions[255];
	int			count = jp_key_versions(JP_KEY_TOMBSTONE, versions);

	while (--count >= 0)
		if (versions[count] == version)
			return true;
	return false;
}
