/*
 * notice_subject.c
 *		subject_report(): what a privacy centre shows a person (Art. 15 GDPR).
 *
 * Counts and spans of time, never a row; no pseudonym, no number.  Holds are
 * left out: why something is kept may have to be kept from the person (a suit,
 * an inquiry), and Art. 15 does not ask for it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "note.h"
#include "notice.h"
#include "notice_held.h"
#include "subject.h"
#include "utf8.h"

/* The latest so many decisions and entries are told. */
#define MOST_TOLD	"1000"

/* A report that is being written. */
typedef struct Report
{
	JpDocument *document;
	JpLanguage	language;
	const JpPseudonym *pseudonym;
	JpSubject	subject;
	Datum		language_code;	/* text */
	Datum		pseudonyms;		/* pseudonym[] */
	List	   *held;			/* JpHeldRows */
} Report;

static JpSection *section(const Report *report, const char *key, JpWord title);
static uint64 add_table(const Report *report, JpSection *section,
						const JpFactColumn *columns, int count, const char *sql,
						int nargs, Oid *types, Datum *values);
static void add_held(const Report *report);
static bool is_restricted(const Report *report);
static void add_decisions(const Report *report);
static void add_history(const Report *report);
static Datum entries_about(const Report *report);
static Datum names_of_held(const Report *report);
static void add_uses(const Report *report);
static Datum database_text(const char *word);
static void say_since_when(const Report *report, JpSection *uses);
static void add_entries(const Report *report, Datum numbers);
static void add_requests(const Report *report);

PG_FUNCTION_INFO_V1(jp_subject_report);

#define WORD(word)	jp_say_word(report->language, JP_SAY_##word)

/* SQL: subject_report(subject, format, language). */
Datum
jp_subject_report(PG_FUNCTION_ARGS)
{
	Report		report = {0};
	JpDocumentFormat	format;
	JpPrivilege before;
	Datum		numbers;

	jp_notice_require(fcinfo, 0, "subject");
	jp_notice_require(fcinfo, 1, "format");
	jp_notice_require(fcinfo, 2, "language");
	format = jp_document_format(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	report.language = jp_language_from_name(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	report.language_code = PG_GETARG_DATUM(2);
	jp_keyring_require();
	report.pseudonym = jp_subject_arg(fcinfo, 0);
	jp_note_about(JP_NOTE_EXPORT, "subject_report", report.pseudonym, NULL);
	jp_notice_begin(&before);
	jp_subject_get(report.pseudonym, &report.subject);
	report.pseudonyms = jp_subject_pseudonyms(&report.subject);
	report.held = jp_held_rows(&report.subject);
	report.document = jp_document_new("subject_report", jp_language_code(report.language),
									  jp_say_word(report.language, JP_SAY_REPORT_TITLE));
	report.document->dated = jp_dated(report.language);
	add_held(&report);
	add_decisions(&report);
	add_history(&report);
	/* what waits to be sealed is sealed by this */
	numbers = entries_about(&report);
	add_uses(&report);
	add_entries(&report, numbers);
	add_requests(&report);
	PG_RETURN_DATUM(jp_notice_end(report.document, format, &before));
}

/* A section at the end of the report. */
static JpSection *
section(const Report *report, const char *key, JpWord title)
{
	return jp_section_new(report->document, NULL, key,
						  jp_say_word(report->language, title));
}

/* A query as the table of a section. */
static uint64
add_table(const Report *report, JpSection *where, const JpFactColumn *columns,
		  int count, const char *sql, int nargs, Oid *types, Datum *values)
{
	SPITupleTable *rows = jp_facts(sql, nargs, types, values);

	return jp_facts_table(report->document, where, report->language, columns,
						  count, rows, SPI_processed);
}

/* What is held, by table. */
static void
add_held(const Report *report)
{
	JpFactColumn columns[] = {
		{"table", NULL, NULL}, {"what", WORD(H_TABLE), NULL},
		{"rows", WORD(H_ROWS), NULL}, {"first", WORD(H_FIRST), NULL},
		{"last", WORD(H_LAST), NULL}
	};
	JpSection  *held = section(report, "held", JP_SAY_REPORT_HELD);
	ListCell   *cell;

	if (report->held == NIL)
		jp_section_say(held, WORD(REPORT_NOTHING));
	if (report->subject.numbers[0] != JP_NO_SUBJECT)
		jp_section_say(held, jp_say(report->language, JP_SAY_REPORT_IDENTITIES,
									psprintf("%d", report->subject.count), ""));
	foreach(cell, report->held)
	{
		const JpHeldRows *rows = lfirst(cell);
		Oid			types[5] = {OIDOID, INT8OID, BOOLOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
		Datum		values[5] = {ObjectIdGetDatum(rows->relid), Int64GetDatum(rows->rows),
			BoolGetDatum(rows->dated), TimestampTzGetDatum(rows->first),
			TimestampTzGetDatum(rows->last)
		};

		held->headings = NIL;
		add_table(report, held, columns, lengthof(columns),
				  "SELECT c.oid::regclass::text, coalesce((SELECT d.description FROM journey_privacy.column_description d"
				  "  WHERE d.relation = c.oid AND d.column_name = ''),"
				  " obj_description(c.oid, 'pg_class'), c.relname::text), $2,"
				  " CASE WHEN $3 THEN $4 END, CASE WHEN $3 THEN $5 END FROM pg_class c WHERE c.oid = $1",
				  lengthof(values), types, values);
	}
}

/* Whether processing is restricted (Art. 18). */
static bool
is_restricted(const Report *report)
{
	Oid			types[1] = {INT4ARRAYOID};
	Datum		values[1] = {jp_subject_numbers(&report->subject)};

	(void) jp_facts("SELECT FROM journey_privacy.subject WHERE number = ANY ($1) AND restricted",
					1, types, values);
	return SPI_processed > 0;
}

/* The decision in force for each purpose, and what it means now. */
static void
add_decisions(const Report *report)
{
	JpFactColumn columns[] = {
		{"purpose", NULL, NULL}, {"name", WORD(H_PURPOSE), NULL},
		{"basis", WORD(H_BASIS), jp_code_basis},
		{"granted", WORD(H_DECISION), NULL}, {"decided_at", WORD(H_AT), NULL},
		{"valid_until", WORD(H_UNTIL), NULL}, {"usable", WORD(H_USABLE), NULL}
	};
	Oid			types[2] = {jp_type("pseudonym"), TEXTOID};
	Datum		values[2] = {PointerGetDatum(report->pseudonym), report->language_code};
	JpSection  *decisions = section(report, "decisions", JP_SAY_REPORT_DECISIONS);

	if (report->subject.numbers[0] == JP_NO_SUBJECT)
		return;
	if (is_restricted(report))
		jp_section_say(decisions, WORD(REPORT_RESTRICTED));
	add_table(report, decisions, columns, lengthof(columns),
			  "SELECT c.purpose, coalesce(t.name, c.purpose), c.basis, c.granted, c.decided_at, c.valid_until,"
			  " CASE WHEN c.basis = 'legal_obligation' THEN true WHEN c.restricted THEN false"
			  "  WHEN c.basis = 'consent' THEN coalesce(c.granted AND NOT c.expired, false)"
			  "  WHEN c.basis IN ('opt_out', 'legitimate_interests') THEN coalesce(c.granted, true)"
			  "  ELSE true END"
			  " FROM journey_privacy.consent_of($1) c"
			  " LEFT JOIN journey_privacy.purpose_translation t ON t.purpose = c.purpose AND t.language = $2"
			  " ORDER BY c.purpose", 2, types, values);
}

/* Every decision, the latest first. */
static void
add_history(const Report *report)
{
	JpFactColumn columns[] = {
		{"at", WORD(H_AT), NULL}, {"decision", WORD(H_DECISION), jp_code_decision},
		{"purpose", NULL, NULL}, {"name", WORD(H_PURPOSE), NULL},
		{"source", WORD(H_SOURCE), NULL}, {"document", WORD(H_DOCUMENT), NULL}
	};
	Oid			types[2] = {jp_type("pseudonym"), TEXTOID};
	Datum		values[2] = {PointerGetDatum(report->pseudonym), report->language_code};

	add_table(report, section(report, "history", JP_SAY_REPORT_HISTORY),
			  columns, lengthof(columns),
			  "SELECT h.at, h.decision, h.purpose, coalesce(t.name, h.purpose), h.source, h.document"
			  " FROM journey_privacy.consent_history($1) h"
			  " LEFT JOIN journey_privacy.purpose_translation t ON t.purpose = h.purpose AND t.language = $2"
			  " ORDER BY h.at DESC, h.id DESC LIMIT " MOST_TOLD, 2, types, values);
}

/* Numbers of the audit's entries about the person, as bigint[]. */
static Datum
entries_about(const Report *report)
{
	Oid			types[1] = {get_array_type(jp_type("pseudonym"))};
	Datum		values[1] = {report->pseudonyms};
	SPITupleTable *rows = jp_facts("SELECT coalesce(array_agg(n ORDER BY n), '{}') FROM"
								   " unnest($1) p(p), LATERAL journey_privacy.audit_of(p.p) n",
								   1, types, values);
	bool		isnull;

	return SPI_getbinval(rows->vals[0], rows->tupdesc, 1, &isnull);
}

/* What the audit calls the tables in which something is held, with their parts, as text[]. */
static Datum
names_of_held(const Report *report)
{
	ArrayBuildState *oids = initArrayResult(OIDOID, CurrentMemoryContext, false);
	Oid			types[1] = {OIDARRAYOID};
	Datum		values[1];
	SPITupleTable *rows;
	ListCell   *cell;
	bool		isnull;

	foreach(cell, report->held)
		oids = accumArrayResult(oids, ObjectIdGetDatum(((JpHeldRows *) lfirst(cell))->relid),
								false, OIDOID, CurrentMemoryContext);
	values[0] = makeArrayResult(oids, CurrentMemoryContext);
	rows = jp_facts("WITH RECURSIVE part(relid) AS (SELECT unnest($1) UNION"
					" SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.relid)"
					" SELECT coalesce(array_agg(format('%I.%I', n.nspname, c.relname)), '{}')"
					" FROM part p JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace",
					1, types, values);
	return SPI_getbinval(rows->vals[0], rows->tupdesc, 1, &isnull);
}

/*
 * Who has read the tables: $1 the identities, $2 the tables, $3 the language.
 * When the person could be seen is worked out from the ledger as the bits
 * are: the latest decision counts, at equal times a no; a yes expires; who is
 * restricted is seen for legal obligations only.  Whoever is neither allowed a
 * purpose nor declared as a recipient is not named: they may be employees,
 * who have a privacy of their own.
 */
static const char *const uses_sql =
"WITH event AS (SELECT e.id, e.purpose, e.at, e.decision FROM journey_privacy.consent_event e"
"  WHERE e.subject OPERATOR(pg_catalog.=) ANY ($1)),"
" decided AS (SELECT p.name, p.basis, p.consent_valid_for, v.at, v.yes,"
"  coalesce(lead(v.at) OVER (PARTITION BY p.name ORDER BY v.at, v.yes DESC, v.id), 'infinity') AS until"
"  FROM journey_privacy.purpose p CROSS JOIN LATERAL ("
"   SELECT NULL::uuid AS id, '-infinity'::timestamptz AS at, p.basis <> 'consent' AS yes"
"   UNION ALL SELECT e.id, e.at, e.decision = 'granted' OR p.basis NOT IN ('consent', 'opt_out', 'legitimate_interests')"
"    FROM event e WHERE e.purpose = p.name"
"    AND e.decision IN ('granted', 'refused', 'withdrawn', 'objected')) v),"
" hidden AS (SELECT coalesce(range_agg(tstzrange(r.at, r.until)) FILTER (WHERE r.decision = 'restricted'), '{}') AS spans"
"  FROM (SELECT e.at, e.decision, coalesce(lead(e.at) OVER (ORDER BY e.at, e.id), 'infinity') AS until"
"   FROM event e WHERE e.decision IN ('restricted', 'unrestricted')) r),"
" seen AS (SELECT d.name, range_agg(tstzrange(d.at, CASE WHEN d.basis = 'consent' AND d.consent_valid_for IS NOT NULL"
"   THEN least(d.until, (d.at AT TIME ZONE 'UTC' + d.consent_valid_for) AT TIME ZONE 'UTC')"
"   ELSE d.until END)) - CASE WHEN d.basis = 'legal_obligation' THEN '{}' ELSE h.spans END AS spans"
"  FROM decided d, hidden h WHERE d.yes GROUP BY d.name, d.basis, h.spans),"
" used AS (SELECT e.current_user_name AS who, CASE WHEN NOT e.unrestricted THEN e.purpose END AS purpose,"
"   sum(e.executions) AS times, max(e.at) AS latest"
"  FROM journey_privacy.audit_entry e LEFT JOIN seen s ON s.name = e.purpose"
"  WHERE e.kind = 'use' AND e.outcome NOT IN ('begun', 'denied') AND e.command IS DISTINCT FROM 'INSERT'"
"   AND e.tables && $2 AND (e.unrestricted OR s.spans @> e.at) GROUP BY 1, 2),"
" by_role AS (SELECT coalesce(a.roles, d.name) AS role, coalesce(a.descriptions, d.description, $5) AS who,"
"   used.purpose, used.times, used.latest FROM used"
"  LEFT JOIN journey_privacy.recipient d ON d.name = used.who"
"  CROSS JOIN LATERAL (SELECT string_agg(a.role::text, ', ' ORDER BY a.role) AS roles,"
"    string_agg(coalesce(r.description, a.role::text), ', ' ORDER BY a.role) AS descriptions"
"   FROM journey_privacy.allowance a JOIN pg_roles g ON g.rolname = a.role"
"   JOIN pg_roles u ON u.rolname = used.who"
"   LEFT JOIN journey_privacy.recipient r ON r.name = a.role::text"
"   WHERE a.purpose = used.purpose AND pg_has_role(u.oid, g.oid, 'USAGE')) a)"
" SELECT b.role, b.who, b.purpose, coalesce(t.name, b.purpose, $4), sum(b.times)::bigint, max(b.latest)"
" FROM by_role b LEFT JOIN journey_privacy.purpose_translation t ON t.purpose = b.purpose AND t.language = $3"
" GROUP BY 1, 2, 3, 4 ORDER BY 6 DESC, 1, 3";

/* Who could see it, and for what. */
static void
add_uses(const Report *report)
{
	JpFactColumn columns[] = {
		{"role", NULL, NULL}, {"who", WORD(H_ROLE), NULL},
		{"purpose", NULL, NULL}, {"name", WORD(H_PURPOSE), NULL},
		{"times", WORD(H_TIMES), NULL}, {"latest", WORD(H_LATEST), NULL}
	};
	Oid			types[5] = {get_array_type(jp_type("pseudonym")), TEXTARRAYOID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[5] = {report->pseudonyms, (Datum) 0, report->language_code,
		database_text(WORD(REPORT_ADMIN)), database_text(WORD(REPORT_STAFF))
	};
	JpSection  *uses = section(report, "uses", JP_SAY_REPORT_USED);

	if (report->held == NIL)
		return;
	values[1] = names_of_held(report);
	jp_section_say(uses, WORD(REPORT_USED_HOW));
	say_since_when(report, uses);
	if (add_table(report, uses, columns, lengthof(columns), uses_sql,
				  lengthof(values), types, values) == 0)
		jp_section_say(uses, WORD(REPORT_UNUSED));
}

/* Our own words as a text that a query can take. */
static Datum
database_text(const char *word)
{
	size_t		len;
	const char *chars = jp_utf8_to(word, strlen(word), &len);

	return PointerGetDatum(cstring_to_text_with_len(chars, len));
}

/* How far back the record goes, and whether it is kept. */
static void
say_since_when(const Report *report, JpSection *uses)
{
	SPITupleTable *rows = jp_facts("SELECT min(at) FROM journey_privacy.audit_entry WHERE kind = 'use'",
								   0, NULL, NULL);
	bool		isnull;
	Datum		since = SPI_getbinval(rows->vals[0], rows->tupdesc, 1, &isnull);

	if (!isnull)
		jp_section_say(uses, jp_say(report->language, JP_SAY_REPORT_USED_SINCE,
									jp_time_words(DatumGetTimestampTz(since)), ""));
	if (!jp_preloaded || jp_setting_audit != JP_AUDIT_ALL)
		jp_section_say(uses, WORD(REPORT_UNWATCHED));
}

/* What was done that is about nobody else. */
static void
add_entries(const Report *report, Datum numbers)
{
	JpFactColumn columns[] = {
		{"at", WORD(H_AT), NULL}, {"kind", WORD(H_WHAT), jp_code_entry},
		{"command", NULL, NULL}, {"role", NULL, NULL},
		{"who", WORD(H_ROLE), NULL}
	};
	Oid			types[1] = {INT8ARRAYOID};
	Datum		values[1] = {numbers};

	add_table(report, section(report, "entries", JP_SAY_REPORT_ENTRIES),
			  columns, lengthof(columns),
			  "SELECT e.at, e.kind, e.command, r.name, r.description"
			  " FROM journey_privacy.audit_entry e"
			  " LEFT JOIN journey_privacy.recipient r ON r.name = e.current_user_name"
			  " WHERE e.number = ANY ($1) AND e.outcome = 'ok'"
			  "  AND e.kind IN ('consent', 'erasure', 'unsealing', 'export', 'request')"
			  " ORDER BY e.number DESC LIMIT " MOST_TOLD, 1, types, values);
}

/* Requests, open and past. */
static void
add_requests(const Report *report)
{
	JpFactColumn columns[] = {
		{"id", NULL, NULL}, {"kind", WORD(H_REQUEST), jp_code_request},
		{"regulation", WORD(H_LAW), jp_code_regulation},
		{"status", WORD(H_STATUS), jp_code_status},
		{"received_at", WORD(H_RECEIVED), NULL}, {"due_at", WORD(H_DUE), NULL},
		{"finished_at", WORD(H_FINISHED), NULL}, {"reason", WORD(H_REASON), NULL}
	};
	Oid			types[1] = {BYTEAARRAYOID};
	Datum		values[1] = {jp_tombstone_traces(report->subject.pseudonyms,
												 report->subject.count)};

	add_table(report, section(report, "requests", JP_SAY_REPORT_REQUESTS),
			  columns, lengthof(columns),
			  "SELECT r.id::text, r.kind, r.regulation, r.status, r.received_at, r.due_at, r.finished_at,"
			  " coalesce(r.refusal_reason, r.extension_reason)"
			  " FROM journey_privacy.request r WHERE r.id IN (SELECT s.request_id"
			  "  FROM journey_privacy.request_subject s WHERE s.trace = ANY ($1))"
			  " ORDER BY r.received_at DESC, r.id", 1, types, values);
}
