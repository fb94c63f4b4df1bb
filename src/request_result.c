/*
 * request_result.c
 *		What requests of access and portability bring, sealed until it expires.
 *
 * The export is sealed under a data key of who asks; of people with several
 * subjects once more under that of each further one, layer upon layer, so
 * that erasing any of them makes it noise.  Identities that were aliases when
 * it was made are added to the request, so that erasing them deletes it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "erasure.h"
#include "keyring.h"
#include "note.h"
#include "request_internal.h"
#include "subject.h"

/* What the results are sealed in. */
#define CONTEXT		"journey_privacy.request_result"

static bool is_nothing(Datum export, int *identities, Datum *plain);
static Datum seal_layers(JpWork *work, Datum plain, const JpPseudonym *persons,
						 int count);
static Datum seal(const JpPseudonym *person, Datum plain);
static void note_layer(JpWork *work, const JpPseudonym *person, int layer);
static void store(JpWork *work, Datum document, bool nothing, int identities);
static void add_aliases(JpWork *work, const JpPseudonym *subjects, int count);
static bool read_result(const pg_uuid_t *id, Datum *document, bool *nothing,
						int *identities);
static bool open_layers(const pg_uuid_t *id, Datum document, Datum *plain);
static bool unseal(const JpPseudonym *person, Datum value, Datum *plain);

PG_FUNCTION_INFO_V1(jp_request_result);

/*
 * Exports, and keeps the result.  While table subject is locked no erasure
 * ends that would not find the result.
 */
bool
jp_request_keep_result(JpWork *work)
{
	JpPseudonym *subjects;
	JpPseudonym *persons;
	int			count;
	int			person_count;
	Datum		plain;
	Datum		document = (Datum) 0;
	bool		nothing;
	int			identities;

	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	subjects = jp_request_subjects(&work->request.id, &count);
	persons = jp_request_persons(subjects, count, &person_count);
	nothing = is_nothing(jp_export_of(subjects, count), &identities, &plain);
	if (!nothing && person_count == 0)
	{
		/* There is no key of theirs to seal it under. */
		jp_request_put_off(work, DT_NOEND, USECS_PER_DAY,
						   "what a hold keeps of the erased is not exported");
		return false;
	}
	if (!nothing)
		document = seal_layers(work, plain, persons, person_count);
	add_aliases(work, subjects, count);
	store(work, document, nothing, identities);
	return true;
}

/* Whether nothing is known; of how many identities; the export as text. */
static bool
is_nothing(Datum export, int *identities, Datum *plain)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {JSONBOID};
	Datum		values[1] = {export};
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;

	jp_execute(&plan,
			   "SELECT $1 -> 'tables' = '{}' AND $1 -> 'consent' = '[]',"
			   " ($1 ->> 'identities')::integer, $1::text",
			   1, types, values, NULL, SPI_OK_SELECT);
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	*identities = DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull));
	*plain = SPI_getbinval(row, desc, 3, &isnull);
	return DatumGetBool(SPI_getbinval(row, desc, 1, &isnull));
}

/* Seals an export under the keys of all who ask. */
static Datum
seal_layers(JpWork *work, Datum plain, const JpPseudonym *persons, int count)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(&work->request.id)};
	Datum		document = plain;
	int			i;

	jp_execute(&plan,
			   "UPDATE journey_privacy.request_subject SET layer = NULL WHERE request_id = $1 AND layer IS NOT NULL",
			   1, types, values, NULL, SPI_OK_UPDATE);
	for (i = 0; i < count; i++)
	{
		document = seal(&persons[i], document);
		note_layer(work, &persons[i], i + 1);
	}
	return document;
}

/* Seals a text; the text form of what comes out. */
static Datum
seal(const JpPseudonym *person, Datum plain)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {jp_type("pseudonym"), TEXTOID, TEXTOID};
	Datum		values[3] = {PointerGetDatum(person), plain, CStringGetTextDatum(CONTEXT)};
	Datum		sealed;
	bool		isnull;

	jp_execute(&plan, "SELECT journey_privacy.seal($1, $2, $3)::text",
			   3, types, values, NULL, SPI_OK_SELECT);
	sealed = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the subject of the request has just been erased")));
	return sealed;
}

/* Writes down that an identity's key is needed to open a layer. */
static void
note_layer(JpWork *work, const JpPseudonym *person, int layer)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {UUIDOID, BYTEAARRAYOID, INT4OID};
	Datum		values[3] = {UUIDPGetDatum(&work->request.id),
		jp_tombstone_traces(person, 1), Int32GetDatum(layer)
	};

	jp_execute(&plan,
			   "UPDATE journey_privacy.request_subject SET layer = $3"
			   " WHERE request_id = $1 AND trace = ANY ($2)",
			   3, types, values, NULL, SPI_OK_UPDATE);
}

/* Adds the aliases of who asks to the request. */
static void
add_aliases(JpWork *work, const JpPseudonym *subjects, int count)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {UUIDOID, BYTEAARRAYOID, BYTEAARRAYOID};
	Datum		values[3] = {UUIDPGetDatum(&work->request.id)};
	int			i;
	int			j;

	for (i = 0; i < count; i++)
	{
		JpSubject	whole;

		jp_subject_get(&subjects[i], &whole);
		for (j = 0; j < whole.count; j++)
		{
			values[1] = jp_tombstone_current(&whole.pseudonyms[j], 1);
			values[2] = jp_tombstone_traces(&whole.pseudonyms[j], 1);
			jp_execute(&plan,
					   "INSERT INTO journey_privacy.request_subject (request_id, trace)"
					   " SELECT $1, ($2)[1] WHERE NOT EXISTS (SELECT FROM journey_privacy.request_subject"
					   "  WHERE request_id = $1 AND trace = ANY ($3))",
					   3, types, values, NULL, SPI_OK_INSERT);
		}
	}
}

/* Stores the result; one from an attempt before is replaced. */
static void
store(JpWork *work, Datum document, bool nothing, int identities)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[4] = {UUIDOID, TEXTOID, INT4OID, INTERVALOID};
	Datum		values[4] = {UUIDPGetDatum(&work->request.id), document,
		Int32GetDatum(identities), IntervalPGetDatum(&work->keep_for)
	};
	char		nulls[4] = {' ', nothing ? 'n' : ' ', ' ', ' '};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.request_result (request_id, document, identities, expires_at)"
			   " VALUES ($1, $2::journey_privacy.sealed, $3, clock_timestamp() + $4)"
			   " ON CONFLICT (request_id) DO UPDATE SET document = excluded.document,"
			   " identities = excluded.identities, made_at = excluded.made_at, expires_at = excluded.expires_at",
			   4, types, values, nulls, SPI_OK_INSERT);
}

/* Deletes the results that have expired. */
void
jp_request_purge_results(void)
{
	static SPIPlanPtr plan = NULL;

	jp_execute(&plan,
			   "DELETE FROM journey_privacy.request_result WHERE expires_at <= clock_timestamp()",
			   0, NULL, NULL, NULL, SPI_OK_DELETE);
	if (SPI_processed > 0)
		jp_note(JP_NOTE_REQUEST, "process_requests", InvalidOid, SPI_processed,
				"results expired");
}

/* SQL: request_result(id). */
Datum
jp_request_result(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	JpPrivilege before;
	Datum		document;
	Datum		plain = (Datum) 0;
	Datum		result = (Datum) 0;
	bool		nothing;
	int			identities;
	bool		found;

	jp_keyring_require();
	jp_elevate(&before);
	SPI_connect();
	found = read_result(PG_GETARG_UUID_P(0), &document, &nothing, &identities);
	if (found && nothing)
		plain = CStringGetTextDatum(psprintf("{\"tables\": {}, \"consent\": [], \"identities\": %d}",
											 identities));
	if (found && (nothing || open_layers(PG_GETARG_UUID_P(0), document, &plain)))
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		if (nothing)
			jp_note(JP_NOTE_EXPORT, "request_result", InvalidOid, -1, NULL);
		result = DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(plain)));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	jp_restore(&before);
	if (result == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/* Reads a result that has not expired; false when there is none. */
static bool
read_result(const pg_uuid_t *id, Datum *document, bool *nothing, int *identities)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(id)};
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;

	jp_execute(&plan,
			   "SELECT s.document::text, s.identities FROM journey_privacy.request r"
			   " LEFT JOIN journey_privacy.request_result s ON s.request_id = r.id"
			   "  AND s.expires_at > clock_timestamp() AND r.status = 'completed'"
			   " WHERE r.id = $1",
			   1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		jp_request_unknown();
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	*document = SPI_getbinval(row, desc, 1, nothing);
	*identities = DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull));
	return !isnull;
}

/* Opens a result, the last layer first; false when a key was shredded. */
static bool
open_layers(const pg_uuid_t *id, Datum document, Datum *plain)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(id)};
	SPITupleTable *layers;
	uint64		count;
	uint64		i;

	jp_execute(&plan,
			   "SELECT trace FROM journey_privacy.request_subject"
			   " WHERE request_id = $1 AND layer IS NOT NULL ORDER BY layer DESC",
			   1, types, values, NULL, SPI_OK_SELECT);
	layers = SPI_tuptable;
	count = SPI_processed;
	*plain = document;
	for (i = 0; i < count; i++)
	{
		bool		isnull;
		bytea	   *trace = DatumGetByteaPP(SPI_getbinval(layers->vals[i], layers->tupdesc,
														  1, &isnull));
		JpPseudonym person;

		if (!jp_tombstone_reveal(VARDATA_ANY(trace), VARSIZE_ANY_EXHDR(trace), &person) ||
			!unseal(&person, *plain, plain))
			return false;
		jp_note_about(JP_NOTE_EXPORT, "request_result", &person, NULL);
	}
	return count > 0;
}

/* Opens one layer; false when its key was shredded. */
static bool
unseal(const JpPseudonym *person, Datum value, Datum *plain)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {jp_type("pseudonym"), TEXTOID, TEXTOID};
	Datum		values[3] = {PointerGetDatum(person), value, CStringGetTextDatum(CONTEXT)};
	bool		isnull;

	jp_execute(&plan, "SELECT journey_privacy.unseal($1, $2::journey_privacy.sealed, $3)",
			   3, types, values, NULL, SPI_OK_SELECT);
	*plain = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	return !isnull;
}
