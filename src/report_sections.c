/*
 * report_sections.c
 *		What the page tells, as queries.
 *
 * Neither reasons that somebody typed nor ids of requests and erasures are
 * told: they may name people.
 */
#include "postgres.h"

#include "executor/spi.h"

#include "report.h"

/* When something was, as far as a page needs it. */
#define TIME "'YYYY-MM-DD HH24:MI TZ'"
#define DATE "'YYYY-MM-DD'"

#define FINDINGS(condition) \
	"SELECT d->>'severity', coalesce(d->>'object', '') || chr(1) || (d->>'finding') || chr(1) || coalesce(d->>'statement', '')" \
	" FROM jsonb_array_elements($1) WITH ORDINALITY u(d, n) WHERE d->>'severity' " condition " ORDER BY n", \
	{{JP_REPORT_SEVERITY, JP_CELL_GRAVITY}, {JP_REPORT_FINDING, JP_CELL_FINDING}}

static const JpReportTable findings = {
	JP_REPORT_FINDINGS, JP_REPORT_NO_FINDINGS, FINDINGS("<> 'advice'")
};

static const JpReportTable advice = {
	JP_REPORT_ADVICE_TOO, JP_REPORT_NO_FINDINGS, FINDINGS("= 'advice'")
};

static const JpReportTable requests = {
	JP_REPORT_REQUESTS, JP_REPORT_NO_REQUESTS,
	"SELECT kind, count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'in_progress'),"
	" count(*) FILTER (WHERE status IN ('pending', 'in_progress') AND due_at < now()),"
	" floor(extract(epoch FROM min(due_at) FILTER (WHERE status IN ('pending', 'in_progress')) - now()) / 86400)::bigint,"
	" count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'refused'),"
	" count(*) FILTER (WHERE status = 'cancelled')"
	" FROM journey_privacy.request GROUP BY kind"
	" ORDER BY array_position(ARRAY['access', 'portability', 'erasure', 'rectification', 'restriction', 'objection'], kind)",
	{{JP_REPORT_KIND, JP_CELL_CODE}, {JP_REPORT_PENDING, JP_CELL_NUMBER}, {JP_REPORT_IN_PROGRESS, JP_CELL_NUMBER},
	{JP_REPORT_OVERDUE, JP_CELL_NUMBER}, {JP_REPORT_DEADLINE, JP_CELL_DUE}, {JP_REPORT_COMPLETED, JP_CELL_NUMBER},
	{JP_REPORT_REFUSED, JP_CELL_NUMBER}, {JP_REPORT_CANCELLED, JP_CELL_NUMBER}}
};

static const JpReportTable purposes = {
	JP_REPORT_CONSENT, JP_REPORT_NO_PURPOSES,
	"SELECT t.purpose, p.description, t.basis, t.permitted::double precision / nullif(t.subjects, 0),"
	" t.yes, t.no, t.expired, t.silent,"
	" (SELECT string_agg(a.role, ', ' ORDER BY a.role) FROM journey_privacy.allowance a WHERE a.purpose = t.purpose)"
	" FROM journey_privacy.consent_told t JOIN journey_privacy.purpose p ON p.name = t.purpose ORDER BY t.purpose",
	{{JP_REPORT_PURPOSE, JP_CELL_NAME}, {JP_REPORT_MEANING, JP_CELL_TEXT}, {JP_REPORT_BASIS, JP_CELL_CODE},
	{JP_REPORT_SEEN, JP_CELL_SHARE}, {JP_REPORT_YES, JP_CELL_COUNT}, {JP_REPORT_NO, JP_CELL_COUNT},
	{JP_REPORT_EXPIRED, JP_CELL_COUNT}, {JP_REPORT_SILENT, JP_CELL_COUNT}}
};

/* In order is what doctor() finds nothing critical about. */
static const JpReportTable tables = {
	JP_REPORT_PROTECTED, JP_REPORT_NO_TABLES,
	"SELECT p.relation::text,"
	" (SELECT sum(greatest(c.reltuples, 0))::bigint FROM journey_privacy.protection m JOIN pg_class c ON c.oid = m.relation"
	"  WHERE coalesce(m.inherited_from, m.relation) = p.relation AND c.relkind <> 'p'),"
	" r.keep, array_to_string(p.collected_for, ', '), p.on_erase,"
	" (SELECT to_char(max(u.finished_at), " DATE ") FROM journey_privacy.purge_run u"
	"  WHERE u.state = 'done' AND to_regclass(u.relation) = p.relation),"
	" NOT EXISTS (SELECT FROM jsonb_array_elements($1) d JOIN journey_privacy.protection m ON m.relation::text = d->>'object'"
	"  WHERE d->>'severity' = 'critical' AND coalesce(m.inherited_from, m.relation) = p.relation)"
	" FROM journey_privacy.protection p LEFT JOIN journey_privacy.retention r USING (relation)"
	" WHERE p.inherited_from IS NULL ORDER BY 1",
	{{JP_REPORT_TABLE, JP_CELL_NAME}, {JP_REPORT_ROWS, JP_CELL_NUMBER}, {JP_REPORT_KEPT, JP_CELL_TERM},
	{JP_REPORT_PURPOSES, JP_CELL_TEXT}, {JP_REPORT_ON_ERASE, JP_CELL_CODE}, {JP_REPORT_PURGED, JP_CELL_TEXT},
	{JP_REPORT_IN_ORDER, JP_CELL_GOOD}}
};

/* What scrub() went over afterwards has reached its level. */
static const JpReportTable erasures = {
	JP_REPORT_ERASURES, JP_REPORT_NO_ERASURES,
	"WITH erased AS (SELECT (e.receipt->>'erased_at')::timestamptz AS at, (e.receipt->>'subjects')::bigint AS subjects,"
	"  CASE WHEN e.state <> 'done' THEN 0 ELSE coalesce((SELECT min(coalesce((SELECT max(r.level) FROM journey_privacy.scrub_run r"
	"    WHERE t->>'table' = ANY (r.relations) AND r.finished_at > (e.receipt->>'erased_at')::timestamptz), 1))"
	"   FROM jsonb_array_elements(e.receipt->'tables') t), 1) END AS level"
	"  FROM journey_privacy.erasure e WHERE e.receipt IS NOT NULL)"
	"SELECT 'L' || level, 'L' || level, count(*), sum(subjects)::bigint, to_char(max(at), " DATE ")"
	" FROM erased GROUP BY level ORDER BY level",
	{{JP_REPORT_LEVEL, JP_CELL_NAME}, {JP_REPORT_LEVEL_MEANS, JP_CELL_CODE}, {JP_REPORT_REQUESTS_DONE, JP_CELL_NUMBER},
	{JP_REPORT_PEOPLE, JP_CELL_NUMBER}, {JP_REPORT_LATEST, JP_CELL_TEXT}}
};

static const JpReportTable holds = {
	JP_REPORT_HOLDS, JP_REPORT_NO_HOLDS,
	"SELECT coalesce(relation::text, '*'), CASE WHEN trace IS NULL THEN 'everybody' ELSE 'people' END, count(*),"
	" CASE WHEN bool_or(held_until IS NULL) THEN 'for good' ELSE to_char(max(held_until), " DATE ") END"
	" FROM journey_privacy.hold WHERE released_at IS NULL AND coalesce(held_until > now(), true)"
	" GROUP BY 1, 2 ORDER BY 1, 2",
	{{JP_REPORT_TABLE, JP_CELL_NAME}, {JP_REPORT_HELD, JP_CELL_CODE}, {JP_REPORT_COUNT, JP_CELL_NUMBER},
	{JP_REPORT_UNTIL, JP_CELL_CODE}}
};

static const JpReportTable audit = {
	JP_REPORT_FACTS, JP_REPORT_NO_CHECKPOINT,
	"SELECT v.* FROM journey_privacy.audit_state a LEFT JOIN journey_privacy.audit_verification f ON f.whole,"
	" LATERAL (VALUES ('log', a.origin), ('entries', a.size::text), ('signed', coalesce(a.checkpoint_size, 0)::text),"
	"  ('made', coalesce(to_char(a.checkpoint_at, " TIME "), 'never')),"
	"  ('verified', coalesce(to_char(f.verified_at, " TIME "), 'never')),"
	"  ('outside', CASE WHEN f.outside THEN 'yes' ELSE 'no' END),"
	"  ('worker', CASE WHEN a.worker IS NULL THEN 'stopped' ELSE 'runs' END), ('waiting', a.waiting::text))"
	" v (fact, value) WHERE v.value IS NOT NULL",
	{{JP_REPORT_FACT, JP_CELL_CODE}, {JP_REPORT_VALUE, JP_CELL_CODE}}
};

static void add_advice(JpReport *report);
static void add_checkpoint(JpReport *report);

/* What people asked for and decided. */
void
jp_report_people(JpReport *report)
{
	jp_report_begin(report, "requests", JP_REPORT_REQUESTS);
	jp_report_note(report, JP_REPORT_REQUESTS_NOTE);
	jp_report_table(report, &requests);
	jp_report_end(report);
	jp_report_begin(report, "consent", JP_REPORT_CONSENT);
	jp_report_note(report, JP_REPORT_CONSENT_NOTE);
	jp_report_table(report, &purposes);
	jp_report_decisions(report);
	jp_report_end(report);
}

/* How data are kept, erased and watched over. */
void
jp_report_keeping(JpReport *report)
{
	jp_report_begin(report, "tables", JP_REPORT_PROTECTED);
	jp_report_note(report, JP_REPORT_PROTECTED_NOTE);
	jp_report_table(report, &tables);
	jp_report_end(report);
	jp_report_begin(report, "erasures", JP_REPORT_ERASURES);
	jp_report_note(report, JP_REPORT_ERASURES_NOTE);
	jp_report_table(report, &erasures);
	jp_report_table(report, &holds);
	jp_report_end(report);
	jp_report_begin(report, "audit", JP_REPORT_AUDIT);
	jp_report_note(report, JP_REPORT_AUDIT_NOTE);
	jp_report_table(report, &audit);
	add_checkpoint(report);
	jp_report_end(report);
	jp_report_begin(report, "findings", JP_REPORT_FINDINGS);
	jp_report_note(report, JP_REPORT_FINDINGS_NOTE);
	jp_report_table(report, &findings);
	add_advice(report);
	jp_report_end(report);
}

/* What could be better, for who wants to know. */
static void
add_advice(JpReport *report)
{
	jp_report_ask(report, "SELECT count(*) FROM jsonb_array_elements($1) d WHERE d->>'severity' = 'advice'");
	if (jp_row_text(0, 1)[0] == '0')
		return;
	jp_report_add(report, "<details><summary>%s: %s</summary>", jp_report_word(report, JP_REPORT_ADVICE_TOO), jp_row_text(0, 1));
	jp_report_table(report, &advice);
	jp_report_add(report, "</details>");
}

/* The checkpoint as it is handed out. */
static void
add_checkpoint(JpReport *report)
{
	jp_report_ask(report, "SELECT note FROM journey_privacy.audit_checkpoint"
				  " WHERE origin = (SELECT origin FROM journey_privacy.audit_tree) ORDER BY size DESC LIMIT 1");
	jp_report_add(report, "<h3>%s</h3>", jp_report_word(report, JP_REPORT_CHECKPOINT));
	if (SPI_processed == 0)
	{
		jp_report_add(report, "<p class=\"empty\">%s</p>", jp_report_word(report, JP_REPORT_NO_CHECKPOINT));
		return;
	}
	jp_report_add(report, "<pre tabindex=\"0\" aria-label=\"%s\">", jp_report_word(report, JP_REPORT_CHECKPOINT));
	jp_report_text(report, jp_row_text(0, 1), 0);
	jp_report_add(report, "</pre>");
}
