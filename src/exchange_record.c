/*
 * exchange_record.c
 *		What a document comes to, and how the ledger keeps it.
 *
 * All statements mapped to one purpose make one decision, at the time of the
 * latest: no when one says no, yes when all say yes, and nothing when some
 * say yes and others that belong to them (see group_of) are silent.  A signal
 * that somebody has not opted out, or was told of a legitimate interest and
 * did not object, is no consent: for a purpose whose basis is consent it
 * counts for nothing.
 *
 * The ledger knows a decision again by its evidence, so that importing a
 * document twice changes nothing: with a time of its own, when the same
 * statements of that time are on record; without one (Google, GPP outside
 * the EU), when they are what the format said last.  So a signal that stays
 * as it was neither undoes a withdrawal nor brings back the erased.  Purposes
 * are settled first, then the subject is locked while we look, and decisions
 * are recorded in the order of purposes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "consent.h"
#include "exchange.h"
#include "note.h"
#include "subject.h"

/* What all statements on one purpose come to. */
typedef struct Verdict
{
	const char *purpose;
	List	   *outcomes;		/* those that count */
	bool		granted;
	bool		dated;
	TimestampTz at;
} Verdict;

static List *judge_all(const JpImport *import);
static Verdict *judge(const JpImport *import, const char *purpose);
static bool is_complete(const JpImport *import, const Verdict *verdict);
static int	group_of(JpFormat format, const char *external_id);
static bool has_spoken(const Verdict *verdict, const char *external_id,
					   int length);
static bool lifts_erasure(const JpImport *import, const Verdict *verdict);
static void record(const JpImport *import, const Verdict *verdict);
static pg_uuid_t append(const JpImport *import, const Verdict *verdict,
						Datum evidence);
static bool find_on_record(const JpSubject *subject, const Verdict *verdict,
						   Datum evidence, pg_uuid_t *id);
static Datum make_evidence(const JpImport *import, const Verdict *verdict);
static void put_details(JsonbParseState **json, const JpStatement *statement);
static const char *notice_of(const Verdict *verdict);

/*
 * Records what a document comes to.  Somebody who was erased comes back only
 * by a yes: then that goes first, whatever its name.
 */
void
jp_import_record(const JpImport *import)
{
	List	   *verdicts = judge_all(import);
	Verdict    *first = NULL;
	ListCell   *cell;

	foreach(cell, verdicts)
	{
		if (first == NULL && lifts_erasure(import, lfirst(cell)))
			first = lfirst(cell);
	}
	if (first != NULL)
		record(import, first);
	foreach(cell, verdicts)
	{
		if (lfirst(cell) != first)
			record(import, lfirst(cell));
	}
}

/* Whether what a document comes to is a yes after a time. */
bool
jp_import_agrees_after(const JpImport *import, TimestampTz time)
{
	ListCell   *cell;

	foreach(cell, judge_all(import))
	{
		Verdict    *verdict = lfirst(cell);

		if (verdict->granted && verdict->dated && verdict->at > time)
			return true;
	}
	return false;
}

/* What the document comes to, purpose by purpose in the order of names. */
static List *
judge_all(const JpImport *import)
{
	List	   *verdicts = NIL;
	const char *last = NULL;
	ListCell   *cell;

	foreach(cell, import->mappings)
	{
		JpMapping  *mapping = lfirst(cell);
		Verdict    *verdict;

		if (last != NULL && strcmp(last, mapping->purpose) == 0)
			continue;
		last = mapping->purpose;
		verdict = judge(import, last);
		if (verdict->outcomes != NIL &&
			(!verdict->granted || is_complete(import, verdict)))
			verdicts = lappend(verdicts, verdict);
	}
	return verdicts;
}

/* What the document comes to for a purpose. */
static Verdict *
judge(const JpImport *import, const char *purpose)
{
	Verdict    *verdict = palloc0(sizeof(Verdict));
	JpBasis		basis = jp_purpose_settled(purpose)->basis;
	ListCell   *cell;

	verdict->purpose = purpose;
	verdict->granted = true;
	verdict->dated = true;
	verdict->at = DT_NOBEGIN;
	foreach(cell, import->outcomes)
	{
		JpOutcome  *outcome = lfirst(cell);
		JpStatement *statement = outcome->statement;

		if (outcome->purpose == NULL || strcmp(outcome->purpose, purpose) != 0)
			continue;
		if (statement->granted && statement->opt_out &&
			basis == JP_BASIS_CONSENT)
			continue;
		verdict->outcomes = lappend(verdict->outcomes, outcome);
		verdict->granted = verdict->granted && statement->granted;
		verdict->dated = verdict->dated && (statement->dated || import->dated);
		verdict->at = Max(verdict->at, statement->at);
	}
	return verdict;
}

/* Has everything spoken that a yes to the purpose needs? */
static bool
is_complete(const JpImport *import, const Verdict *verdict)
{
	ListCell   *cell;

	foreach(cell, import->mappings)
	{
		JpMapping  *mapping = lfirst(cell);
		const char *external_id = mapping->external_id;
		bool		opt_out;

		if (strcmp(mapping->purpose, verdict->purpose) != 0 ||
			!jp_external_id_known(import->format, external_id, &opt_out) ||
			opt_out)
			continue;
		if (has_spoken(verdict, external_id,
					   group_of(import->format, external_id)) &&
			!has_spoken(verdict, external_id, strlen(external_id) + 1))
			return false;
	}
	return true;
}

/*
 * Length of the part of an external id that names its group: sections of GPP
 * and mParticle's regulations are alternatives, one alone may speak.
 */
static int
group_of(JpFormat format, const char *external_id)
{
	const char *colon = strchr(external_id, ':');

	if (format == JP_FORMAT_TCF || format == JP_FORMAT_GOOGLE || colon == NULL)
		return 0;
	return colon - external_id + 1;
}

/* Does a statement that counts begin like this? */
static bool
has_spoken(const Verdict *verdict, const char *external_id, int length)
{
	ListCell   *cell;

	foreach(cell, verdict->outcomes)
	{
		JpStatement *statement = ((JpOutcome *) lfirst(cell))->statement;

		if (strncmp(statement->external_id, external_id, length) == 0)
			return true;
	}
	return false;
}

/* Does this verdict bring back a subject that was erased? */
static bool
lifts_erasure(const JpImport *import, const Verdict *verdict)
{
	TimestampTz erased_at;

	return verdict->granted && verdict->dated &&
		jp_tombstone_find(import->subject, &erased_at) &&
		verdict->at > erased_at;
}

/* Records a verdict unless the ledger has it. */
static void
record(const JpImport *import, const Verdict *verdict)
{
	Datum		evidence = make_evidence(import, verdict);
	JpSubject	subject;
	bool		on_record;
	pg_uuid_t	id;
	ListCell   *cell;

	on_record = false;
	if (jp_subject_lock(import->subject, &subject))
		on_record = find_on_record(&subject, verdict, evidence, &id);
	else if (!verdict->dated)
		jp_refuse(JP_NOTE_CONSENT, "import_consent", InvalidOid,
				  errmsg("the subject has been erased"),
				  errdetail("The document does not say when it was agreed to."),
				  errhint("If it was after the erasure, pass the time as argument \"at\"."));
	if (!on_record)
		id = append(import, verdict, evidence);
	foreach(cell, verdict->outcomes)
	{
		JpOutcome  *outcome = lfirst(cell);

		outcome->recorded = !on_record;
		outcome->known = true;
		outcome->id = id;
		outcome->at = verdict->at;
	}
}

/* Makes a verdict a decision of the subject. */
static pg_uuid_t
append(const JpImport *import, const Verdict *verdict, Datum evidence)
{
	const char *format = jp_format_name(import->format);
	const char *notice = notice_of(verdict);
	JpProof		proof;
	Datum		id;

	proof.source.value = CStringGetTextDatum(format);
	proof.source.isnull = false;
	proof.document = import->notice;
	if (notice != NULL)
	{
		proof.document.value = CStringGetTextDatum(notice);
		proof.document.isnull = false;
	}
	proof.evidence.value = evidence;
	proof.evidence.isnull = false;
	proof.region = import->region;
	id = jp_consent_record(import->subject, verdict->purpose,
						   verdict->granted, verdict->at, &proof);
	return *DatumGetUUIDP(id);
}

/*
 * Looks for the verdict in the ledger: at its own time, or when it has none,
 * as what the format said last.
 */
static bool
find_on_record(const JpSubject *subject, const Verdict *verdict,
			   Datum evidence, pg_uuid_t *id)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[5] = {get_array_type(jp_type("pseudonym")), TEXTOID,
	BOOLOID, TEXTOID, JSONBOID};
	Datum		values[5];
	bool		isnull;

	values[0] = jp_subject_pseudonyms(subject);
	values[1] = CStringGetTextDatum(verdict->purpose);
	values[2] = BoolGetDatum(verdict->dated);
	values[3] = CStringGetTextDatum(verdict->granted ? "granted" : "refused");
	values[4] = evidence;
	jp_execute(&plan,
			   "SELECT e.id FROM"
			   " (SELECT id, decision, evidence FROM journey_privacy.consent_event"
			   "  WHERE subject OPERATOR(pg_catalog.=) ANY ($1) AND purpose = $2"
			   "    AND (NOT $3 OR evidence -> 'at' = $5 -> 'at')"
			   "    AND evidence -> 'format' = $5 -> 'format'"
			   "  ORDER BY at DESC, recorded_at DESC, id DESC"
			   "  LIMIT CASE WHEN $3 THEN NULL ELSE 1 END) AS e"
			   " WHERE e.decision = $4"
			   "   AND e.evidence -> 'statements' = $5 -> 'statements'"
			   " LIMIT 1",
			   5, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return false;
	*id = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
	return true;
}

/* What the ledger keeps as evidence: who said what, and the string itself. */
static Datum
make_evidence(const JpImport *import, const Verdict *verdict)
{
	JsonbParseState *json = NULL;
	ListCell   *cell;

	jp_json_open(&json, NULL, false);
	jp_json_text(&json, "format", jp_format_name(import->format));
	/* the ledger's own time is never after now, whatever the document's */
	if (verdict->dated)
		jp_json_time(&json, "at", verdict->at);
	jp_json_open(&json, "statements", false);
	foreach(cell, verdict->outcomes)
	{
		JpStatement *statement = ((JpOutcome *) lfirst(cell))->statement;

		jp_json_bool(&json, statement->external_id, statement->granted);
	}
	jp_json_close(&json, false);
	if (import->format == JP_FORMAT_TCF || import->format == JP_FORMAT_GPP)
		jp_json_text(&json, "string",
					 TextDatumGetCString(import->document));
	foreach(cell, verdict->outcomes)
		put_details(&json, ((JpOutcome *) lfirst(cell))->statement);
	return JsonbPGetDatum(JsonbValueToJsonb(jp_json_close(&json, false)));
}

/* Where a statement was made and on which device, by pseudonym. */
static void
put_details(JsonbParseState **json, const JpStatement *statement)
{
	if (statement->location == NULL && statement->hardware == NULL)
		return;
	jp_json_open(json, statement->external_id, false);
	if (statement->location != NULL)
		jp_json_text(json, "location", statement->location);
	if (statement->hardware != NULL)
	{
		JpPseudonym device;
		char	   *chars = palloc(JP_PSEUDONYM_TEXT);

		jp_pseudonymize("device_id", statement->hardware,
						strlen(statement->hardware), &device);
		jp_pseudonym_to_text(&device, chars);
		jp_json_text(json, "device", chars);
	}
	jp_json_close(json, false);
}

/* The notice that the person saw, as the document tells it. */
static const char *
notice_of(const Verdict *verdict)
{
	ListCell   *cell;

	foreach(cell, verdict->outcomes)
	{
		JpStatement *statement = ((JpOutcome *) lfirst(cell))->statement;

		if (statement->notice != NULL)
			return statement->notice;
	}
	return NULL;
}
