/*
 * ingest_trace.c
 *		What was taken in before: traces of batches and of events.
 *
 * A trace is a keyed hash behind the version of its key, the tombstone's.  An
 * event's is over the mapping, the subject's pseudonym and the event's id, or
 * where it has none over source_message_id, or over the batch's
 * source_request_id with the event's place and content.  A batch's is over
 * all of it.  So a trace tells nothing to whom has not both event and key,
 * and nobody can use up the ids of somebody else's events.
 *
 * Traces are taken in one order and before any other lock on a subject, so
 * two sessions with the same events wait for each other and not in a circle.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "catalog.h"
#include "compat.h"
#include "ingest.h"
#include "keyring.h"

/* What comes first in all that is hashed here, and in nothing else. */
#define DOMAIN_BYTE	'i'

/* What a trace is over; the second byte. */
#define OF_BATCH	'b'
#define OF_ID		'e'
#define OF_MESSAGE	'm'
#define OF_CONTENT	'c'

#define MAX_VERSIONS	255

/* The trace of an event, and which event it is. */
typedef struct Traced
{
	pg_uuid_t	trace;
	int			event;
} Traced;

static bool admit_batch(const JpIngestBatch *batch, pg_uuid_t *trace);
static bool is_known(const JpIngestBatch *batch, int version);
static void mark_older(JpIngestBatch *batch);
static Traced *trace_events(JpIngestBatch *batch, int version, int *count);
static void trace_batch(const JpIngestBatch *batch, int version, pg_uuid_t *trace);
static bool trace_event(const JpIngestBatch *batch, const JpIngestEvent *event,
						int version, pg_uuid_t *trace);
static void begin(StringInfo message, const JpIngestBatch *batch, char what);
static void finish(StringInfo message, int version, pg_uuid_t *trace);
static Datum trace_array(const Traced *traced, int count);
static uint64 insert_traces(const Traced *traced, int count);
static void mark(JpIngestBatch *batch, const Traced *traced, int count, bool found);
static int	compare_traces(const void *a, const void *b);

/* Takes the traces of a batch, and marks the events that are known. */
bool
jp_ingest_admit(JpIngestBatch *batch, JpIngestTraces *traces)
{
	Traced	   *traced;
	int			count;
	int			i;

	memset(traces, 0, sizeof(*traces));
	traces->traces = palloc((batch->count + 1) * sizeof(pg_uuid_t));
	if (!admit_batch(batch, &traces->traces[0]))
		return false;
	traces->count = 1;
	mark_older(batch);
	traced = trace_events(batch, jp_key_version(JP_KEY_TOMBSTONE), &count);
	if (count == 0)
		return true;
	if (insert_traces(traced, count) < count)
		mark(batch, traced, count, false);
	for (i = 0; i < count; i++)
	{
		if (!batch->events[traced[i].event].known)
			traces->traces[traces->count++] = traced[i].trace;
	}
	return true;
}

/* Forgets what was admitted: nothing of it was written. */
void
jp_ingest_drop_traces(const JpIngestTraces *traces)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDARRAYOID};
	Traced	   *traced = palloc(traces->count * sizeof(Traced));
	Datum		values[1];
	int			i;

	for (i = 0; i < traces->count; i++)
		traced[i].trace = traces->traces[i];
	values[0] = trace_array(traced, traces->count);
	jp_execute(&plan,
			   "DELETE FROM journey_privacy.ingested WHERE trace = ANY ($1)",
			   1, types, values, NULL, SPI_OK_DELETE);
}

/* Takes the trace of the batch; false when it is known. */
static bool
admit_batch(const JpIngestBatch *batch, pg_uuid_t *trace)
{
	int			versions[MAX_VERSIONS];
	int			count = jp_key_versions(JP_KEY_TOMBSTONE, versions);
	int			current = jp_key_version(JP_KEY_TOMBSTONE);
	Traced		traced = {.event = -1};
	int			i;

	for (i = 0; i < count; i++)
	{
		if (versions[i] != current && is_known(batch, versions[i]))
			return false;
	}
	trace_batch(batch, current, &traced.trace);
	*trace = traced.trace;
	return insert_traces(&traced, 1) == 1;
}

/* Whether the batch was taken in under an earlier version of the key. */
static bool
is_known(const JpIngestBatch *batch, int version)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	pg_uuid_t	trace;
	Datum		values[1] = {UUIDPGetDatum(&trace)};

	trace_batch(batch, version, &trace);
	jp_execute(&plan,
			   "SELECT FROM journey_privacy.ingested WHERE trace = $1",
			   1, types, values, NULL, SPI_OK_SELECT);
	return SPI_processed > 0;
}

/* Marks the events that were taken in under earlier versions of the key. */
static void
mark_older(JpIngestBatch *batch)
{
	static SPIPlanPtr plan = NULL;
	int			versions[MAX_VERSIONS];
	int			version_count = jp_key_versions(JP_KEY_TOMBSTONE, versions);
	Oid			types[1] = {UUIDARRAYOID};
	int			i;

	for (i = 0; i < version_count; i++)
	{
		int			count;
		Traced	   *traced;
		Datum		values[1];

		if (versions[i] == jp_key_version(JP_KEY_TOMBSTONE))
			continue;
		traced = trace_events(batch, versions[i], &count);
		values[0] = trace_array(traced, count);
		jp_execute(&plan,
				   "SELECT trace FROM journey_privacy.ingested WHERE trace = ANY ($1)",
				   1, types, values, NULL, SPI_OK_SELECT);
		mark(batch, traced, count, true);
	}
}

/*
 * The traces of the events that are not known, in order.  Of several with one
 * trace the first is it, the others are known.
 */
static Traced *
trace_events(JpIngestBatch *batch, int version, int *count)
{
	Traced	   *traced = palloc(Max(batch->count, 1) * sizeof(Traced));
	int			found = 0;
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		traced[found].event = i;
		if (!batch->events[i].known &&
			trace_event(batch, &batch->events[i], version, &traced[found].trace))
			found++;
	}
	qsort(traced, found, sizeof(Traced), compare_traces);
	*count = 0;
	for (i = 0; i < found; i++)
	{
		if (i > 0 &&
			memcmp(&traced[i].trace, &traced[*count - 1].trace, UUID_LEN) == 0)
			batch->events[traced[i].event].known = true;
		else
			traced[(*count)++] = traced[i];
	}
	return traced;
}

/* The trace of a batch. */
static void
trace_batch(const JpIngestBatch *batch, int version, pg_uuid_t *trace)
{
	StringInfoData message;

	begin(&message, batch, OF_BATCH);
	appendBinaryStringInfo(&message, VARDATA(batch->document),
						   VARSIZE(batch->document) - VARHDRSZ);
	finish(&message, version, trace);
}

/* The trace of an event; false when it cannot be known again. */
static bool
trace_event(const JpIngestBatch *batch, const JpIngestEvent *event,
			int version, pg_uuid_t *trace)
{
	StringInfoData message;

	if (event->id.type != jbvNull)
	{
		begin(&message, batch, OF_ID);
		if (event->id.type == jbvString)
			appendBinaryStringInfo(&message, event->id.val.string.val,
								   event->id.val.string.len);
		else
			appendStringInfoString(&message, jp_ingest_digits(&event->id, INT_MAX));
	}
	else if (event->message_id != NULL)
	{
		begin(&message, batch, OF_MESSAGE);
		appendStringInfoString(&message, event->message_id);
	}
	else if (batch->request_id != NULL)
	{
		begin(&message, batch, OF_CONTENT);
		appendBinaryStringInfo(&message, batch->request_id,
							   strlen(batch->request_id) + 1);
		appendBinaryStringInfo(&message, (const char *) &event->number, sizeof(int));
		appendBinaryStringInfo(&message, (const char *) event->content, event->size);
	}
	else
		return false;
	finish(&message, version, trace);
	return true;
}

/* Begins what is hashed. */
static void
begin(StringInfo message, const JpIngestBatch *batch, char what)
{
	initStringInfo(message);
	appendStringInfoCharMacro(message, DOMAIN_BYTE);
	appendStringInfoCharMacro(message, what);
	appendBinaryStringInfo(message, (const char *) batch->mapping->id.data, UUID_LEN);
	if (what != OF_BATCH)
		appendBinaryStringInfo(message,
							   (const char *) batch->identities[0].pseudonym.bytes,
							   JP_PSEUDONYM_SIZE);
}

/* Hashes it. */
static void
finish(StringInfo message, int version, pg_uuid_t *trace)
{
	jp_key_hash(JP_KEY_TOMBSTONE, version, message->data, message->len,
				trace->data, UUID_LEN);
	trace->data[0] = version;
	pfree(message->data);
}

/* Traces as an array for SQL. */
static Datum
trace_array(const Traced *traced, int count)
{
	Datum	   *values = palloc(Max(count, 1) * sizeof(Datum));
	int			i;

	for (i = 0; i < count; i++)
		values[i] = UUIDPGetDatum(&traced[i].trace);
	return PointerGetDatum(construct_array(values, count, UUIDOID, UUID_LEN,
										   false, TYPALIGN_CHAR));
}

/* Takes traces that nobody has taken; returns how many, which SPI shows. */
static uint64
insert_traces(const Traced *traced, int count)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDARRAYOID};
	Datum		values[1] = {trace_array(traced, count)};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.ingested (trace, seen_on)"
			   " SELECT u.t, CURRENT_DATE FROM unnest($1) u(t)"
			   " ON CONFLICT (trace) DO NOTHING RETURNING trace",
			   1, types, values, NULL, SPI_OK_INSERT_RETURNING);
	return SPI_processed;
}

/* Marks the events whose trace SPI has just found, or those it has not. */
static void
mark(JpIngestBatch *batch, const Traced *traced, int count, bool found)
{
	bool	   *shown = palloc0(Max(count, 1) * sizeof(bool));
	uint64		i;

	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);
		Traced		wanted = {.trace = *DatumGetUUIDP(value), .event = -1};
		int			low = 0;
		int			high = count;

		while (low < high)
		{
			int			middle = (low + high) / 2;

			if (memcmp(&traced[middle].trace, &wanted.trace, UUID_LEN) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < count && memcmp(&traced[low].trace, &wanted.trace, UUID_LEN) == 0)
			shown[low] = true;
	}
	for (i = 0; i < count; i++)
	{
		if (shown[i] == found)
			batch->events[traced[i].event].known = true;
	}
}

/* Orders traces, those of one event by its place. */
static int
compare_traces(const void *a, const void *b)
{
	const Traced *x = a;
	const Traced *y = b;
	int			order = memcmp(&x->trace, &y->trace, UUID_LEN);

	return order != 0 ? order : x->event - y->event;
}
