/*
 * exchange.c
 *		Foreign consent formats: which of their ids stand for which purpose,
 *		and documents recorded as decisions.
 *
 * A document is read as statements (exchange_says.c, exchange_json.c); those
 * whose external id stands for a purpose are recorded (exchange_record.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "compat.h"
#include "consent.h"
#include "exchange.h"
#include "note.h"
#include "subject.h"

static Datum import_document(FunctionCallInfo fcinfo, bool json);
static void read_import(JpImport *import, bool json);
static List *read_document(const JpImport *import, bool json);
static Jsonb *parse_json(Datum document);
static List *load_mappings(JpFormat format);
static List *mapped_ids(const List *mappings);
static void match(JpImport *import, List *says);
static void add_outcome(JpImport *import, JpStatement *statement,
						const char *purpose);
static void change_mapping(FunctionCallInfo fcinfo, const char *sql);
static void emit(ReturnSetInfo *result, const List *outcomes);

PG_FUNCTION_INFO_V1(jp_map_consent);
PG_FUNCTION_INFO_V1(jp_unmap_consent);
PG_FUNCTION_INFO_V1(jp_import_consent);
PG_FUNCTION_INFO_V1(jp_import_consent_jsonb);

/* SQL: map_consent(format, external_id, purpose). */
Datum
jp_map_consent(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	JpFormat	format = jp_format_from_name(name);

	jp_external_id_require(format, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	(void) jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	change_mapping(fcinfo,
				   "INSERT INTO journey_privacy.consent_mapping"
				   " (format, external_id, purpose)"
				   " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
	jp_note(JP_NOTE_CONSENT, "map_consent", InvalidOid, -1,
			text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_VOID();
}

/* SQL: unmap_consent(format, external_id, purpose). */
Datum
jp_unmap_consent(PG_FUNCTION_ARGS)
{
	(void) jp_format_from_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	(void) jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	change_mapping(fcinfo,
				   "DELETE FROM journey_privacy.consent_mapping"
				   " WHERE format = $1 AND external_id = $2 AND purpose = $3");
	jp_note(JP_NOTE_CONSENT, "unmap_consent", InvalidOid, -1,
			text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_VOID();
}

/* SQL: import_consent(subject, format, document text, …). */
Datum
jp_import_consent(PG_FUNCTION_ARGS)
{
	return import_document(fcinfo, false);
}

/* SQL: import_consent(subject, format, document jsonb, …). */
Datum
jp_import_consent_jsonb(PG_FUNCTION_ARGS)
{
	return import_document(fcinfo, true);
}

/* Reads a document and records what is mapped. */
static Datum
import_document(FunctionCallInfo fcinfo, bool json)
{
	JpImport	import = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("subject, format and document must not be null")));
	import.subject = jp_subject_arg(fcinfo, 0);
	import.format = jp_format_from_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	import.document = PG_GETARG_DATUM(2);
	import.dated = !PG_ARGISNULL(3);
	import.at = import.dated ?
		PG_GETARG_TIMESTAMPTZ(3) : GetCurrentTimestamp();
	if (TIMESTAMP_NOT_FINITE(import.at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time of a decision must be finite")));
	import.notice.value = PG_GETARG_DATUM(4);
	import.notice.isnull = PG_ARGISNULL(4);
	import.region.value = PG_GETARG_DATUM(5);
	import.region.isnull = PG_ARGISNULL(5);

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	read_import(&import, json);
	jp_import_record(&import);
	emit((ReturnSetInfo *) fcinfo->resultinfo, import.outcomes);
	SPI_finish();
	return (Datum) 0;
}

/* Reads the document and finds the purposes of what it says. */
static void
read_import(JpImport *import, bool json)
{
	import->mappings = load_mappings(import->format);
	match(import, read_document(import, json));
}

/* The consent state of a batch, for another room. */
void
jp_import_read_batch(JpImport *import, const JpPseudonym *subject, Jsonb *batch,
					 bool dated, TimestampTz at)
{
	memset(import, 0, sizeof(*import));
	import->subject = subject;
	import->format = JP_FORMAT_MPARTICLE;
	import->document = JsonbPGetDatum(batch);
	import->dated = dated;
	import->at = dated ? at : GetCurrentTimestamp();
	import->notice.isnull = true;
	import->region.isnull = true;
	read_import(import, true);
}

/* What the document says. */
static List *
read_document(const JpImport *import, bool json)
{
	const char *name = jp_format_name(import->format);

	switch (import->format)
	{
		case JP_FORMAT_GOOGLE:
		case JP_FORMAT_MPARTICLE:
			return jp_json_says(import->format, json ?
								DatumGetJsonbP(import->document) :
								parse_json(import->document));
		case JP_FORMAT_TCF:
		case JP_FORMAT_GPP:
			if (!json)
				break;
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a document of format %s is text, not jsonb",
							name)));
	}
	return jp_string_says(import->format,
						  jp_string_arg(import->document, import->format),
						  mapped_ids(import->mappings));
}

/* A text as jsonb; errors do not show it, as those of jsonb_in() would. */
static Jsonb *
parse_json(Datum document)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *chars = TextDatumGetCString(document);
	Jsonb	   *volatile parsed = NULL;

	PG_TRY();
	{
		parsed = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
													CStringGetDatum(chars)));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid consent document: not JSON")));
	}
	PG_END_TRY();
	return parsed;
}

/* Which external ids stand for which purpose, in the order of purposes. */
static List *
load_mappings(JpFormat format)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(jp_format_name(format))};
	List	   *mappings = NIL;
	uint64		i;

	jp_execute(&plan,
			   "SELECT external_id, purpose"
			   " FROM journey_privacy.consent_mapping"
			   " WHERE format = $1 ORDER BY purpose, external_id",
			   1, types, values, NULL, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		JpMapping  *mapping = palloc(sizeof(JpMapping));

		mapping->external_id = SPI_getvalue(SPI_tuptable->vals[i],
											SPI_tuptable->tupdesc, 1);
		mapping->purpose = SPI_getvalue(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 2);
		mappings = lappend(mappings, mapping);
	}
	return mappings;
}

/* The external ids that are mapped, each once. */
static List *
mapped_ids(const List *mappings)
{
	List	   *ids = NIL;
	ListCell   *cell;

	foreach(cell, mappings)
	{
		char	   *external_id = ((JpMapping *) lfirst(cell))->external_id;
		ListCell   *other;

		foreach(other, ids)
		{
			if (strcmp(lfirst(other), external_id) == 0)
				break;
		}
		if (other == NULL)
			ids = lappend(ids, external_id);
	}
	return ids;
}

/* Finds the purposes of every statement. */
static void
match(JpImport *import, List *says)
{
	ListCell   *cell;

	foreach(cell, says)
	{
		JpStatement *statement = lfirst(cell);
		bool		mapped = false;
		ListCell   *other;

		if (!statement->dated)
			statement->at = import->at;
		foreach(other, import->mappings)
		{
			JpMapping  *mapping = lfirst(other);

			if (strcmp(mapping->external_id, statement->external_id) != 0)
				continue;
			add_outcome(import, statement, mapping->purpose);
			mapped = true;
		}
		if (!mapped && statement->spoken)
			add_outcome(import, statement, NULL);
	}
}

/* Adds a row to the answer. */
static void
add_outcome(JpImport *import, JpStatement *statement, const char *purpose)
{
	JpOutcome  *outcome = palloc0(sizeof(JpOutcome));

	outcome->statement = statement;
	outcome->purpose = purpose;
	outcome->at = statement->at;
	import->outcomes = lappend(import->outcomes, outcome);
}

/* Runs a statement on the mappings with the three arguments. */
static void
change_mapping(FunctionCallInfo fcinfo, const char *sql)
{
	Oid			types[3] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[3];
	int			i;

	for (i = 0; i < 3; i++)
		values[i] = PG_GETARG_DATUM(i);
	SPI_connect();
	SPI_execute_with_args(sql, 3, types, values, NULL, false, 0);
	SPI_finish();
}

/* Returns the outcomes as rows. */
static void
emit(ReturnSetInfo *result, const List *outcomes)
{
	ListCell   *cell;

	foreach(cell, outcomes)
	{
		JpOutcome  *outcome = lfirst(cell);
		const char *purpose = outcome->purpose;
		Datum		values[6] = {0};
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(outcome->statement->external_id);
		nulls[1] = purpose == NULL;
		if (purpose != NULL)
			values[1] = CStringGetTextDatum(purpose);
		values[2] = BoolGetDatum(outcome->statement->granted);
		values[3] = TimestampTzGetDatum(outcome->at);
		values[4] = BoolGetDatum(outcome->recorded);
		nulls[5] = !outcome->known;
		values[5] = UUIDPGetDatum(&outcome->id);
		tuplestore_putvalues(result->setResult, result->setDesc,
							 values, nulls);
	}
}
