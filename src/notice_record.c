/*
 * notice_record.c
 *		processing_record(): the record of processing activities (Art. 30(1)
 *		GDPR), point by point, from the catalog.
 *
 * It says what is there and no more: a measure is named only while it is on.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "catalog.h"
#include "discovery_look.h"
#include "journey_privacy.h"
#include "notice.h"

/* Columns of the table in section "data". */
#define DATA_COLUMN		1
#define DATA_CLASS		3

static void add_controller(JpDocument *record);
static void add_purposes(JpDocument *record);
static void add_subjects(JpDocument *record);
static void add_data(JpDocument *record);
static void look_at_names(JpSection *data);
static const char *data_sql(void);
static void add_recipients(JpDocument *record);
static void add_countries(JpDocument *record);
static void add_retention(JpDocument *record);
static void add_safeguards(JpDocument *record);
static uint64 add_table(JpDocument *record, JpSection *section,
						const JpFactColumn *columns, int count, const char *sql);

PG_FUNCTION_INFO_V1(jp_processing_record);

/* SQL: processing_record(format). */
Datum
jp_processing_record(PG_FUNCTION_ARGS)
{
	JpDocumentFormat	format;
	JpPrivilege before;
	JpDocument *record;

	jp_notice_require(fcinfo, 0, "format");
	format = jp_document_format(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	jp_notice_begin(&before);
	record = jp_document_new("processing_record", "en",
							 "Record of processing activities (Article 30(1) GDPR)");
	record->dated = jp_dated(JP_ENGLISH);
	add_controller(record);
	add_purposes(record);
	add_subjects(record);
	add_data(record);
	add_recipients(record);
	add_countries(record);
	add_retention(record);
	add_safeguards(record);
	PG_RETURN_DATUM(jp_notice_end(record, format, &before));
}

/* A query about the catalog as the table of a section. */
static uint64
add_table(JpDocument *record, JpSection *section, const JpFactColumn *columns,
		  int count, const char *sql)
{
	SPITupleTable *rows = jp_facts(sql, 0, NULL, NULL);

	return jp_facts_table(record, section, JP_ENGLISH, columns, count, rows,
						  SPI_processed);
}

/* (a) Who answers for it. */
static void
add_controller(JpDocument *record)
{
	static const JpFactColumn columns[] = {
		{"name", "Name", NULL}, {"contact", "Contact", NULL},
		{"representative", "Representative in the Union", NULL},
		{"data_protection_officer", "Data protection officer", NULL},
		{"authority", "Supervisory authority", NULL}, {"website", "Website", NULL}
	};
	JpSection  *section = jp_section_new(record, NULL, "controller", "Controller");

	if (add_table(record, section, columns, lengthof(columns),
				  "SELECT name, contact, representative, data_protection_officer, authority, website"
				  " FROM journey_privacy.controller") == 0)
		jp_section_say(section, "None recorded: set_controller() says who it is.");
}

/* (b) What for. */
static void
add_purposes(JpDocument *record)
{
	static const JpFactColumn columns[] = {
		{"purpose", "Purpose", NULL}, {"name", "Called", NULL}, {"description", "Description", NULL},
		{"basis", "Legal basis", jp_code_basis},
		{"consent_valid_for", "Consent counts for", NULL},
		{"access", "Access", NULL}, {"min_group", "Smallest group in answers", NULL},
		{"tables", "Tables collected for it", NULL}
	};
	JpSection  *section = jp_section_new(record, NULL, "purposes", "Purposes of the processing");

	if (add_table(record, section, columns, lengthof(columns),
				  "SELECT p.name, t.name, coalesce(t.description, p.description), p.basis,"
				  " p.consent_valid_for, p.access, p.min_group,"
				  " ARRAY(SELECT c.relation::text FROM journey_privacy.protection c"
				  "  WHERE p.name = ANY (c.collected_for) AND c.inherited_from IS NULL ORDER BY c.relation::text COLLATE \"C\")"
				  " FROM journey_privacy.purpose p LEFT JOIN journey_privacy.purpose_translation t"
				  "  ON t.purpose = p.name AND t.language = 'en' ORDER BY p.name") == 0)
		jp_section_say(section, "None recorded.");
}

/* (c) About whom. */
static void
add_subjects(JpDocument *record)
{
	static const JpFactColumn columns[] = {
		{"table", "Table", NULL}, {"category", "Category of people", NULL},
		{"description", "Description", NULL}, {"known_by", "Known by", NULL},
		{"purposes", "Collected for", NULL}
	};
	JpSection  *section = jp_section_new(record, NULL, "data_subjects",
										 "Categories of data subjects");

	if (add_table(record, section, columns, lengthof(columns),
				  "SELECT p.relation::text, d.category,"
				  " coalesce(d.description, obj_description(p.relation, 'pg_class')),"
				  " coalesce(p.kind, 'pseudonym'), p.collected_for::text[]"
				  " FROM journey_privacy.protection p"
				  " LEFT JOIN journey_privacy.column_description d"
				  "  ON d.relation = p.relation AND d.column_name = ''"
				  " WHERE p.inherited_from IS NULL ORDER BY p.relation::text COLLATE \"C\"") == 0)
		jp_section_say(section, "None recorded: no table is protected.");
}

/* (c) Which data. */
static void
add_data(JpDocument *record)
{
	static const JpFactColumn columns[] = {
		{"table", "Table", NULL}, {"column", "Column", NULL}, {"type", "Type", NULL},
		{"class", "Class", NULL}, {"category", "Category", NULL},
		{"description", "Description", NULL}, {"minimization", "Minimisation", NULL},
		{"readable_for", "Readable only for", NULL}
	};
	JpSection  *section = jp_section_new(record, NULL, "data",
										 "Categories of personal data");

	if (add_table(record, section, columns, lengthof(columns), data_sql()) == 0)
		jp_section_say(section, "None recorded: no table is protected.");
	look_at_names(section);
}

/* Columns of protected tables and of those that belong to them. */
static const char *
data_sql(void)
{
	return "SELECT c.oid::regclass::text, a.attname::text, format_type(a.atttypid, a.atttypmod),"
					" CASE WHEN a.attname = p.number_column THEN 'subject number'"
					"  WHEN b.type = 'journey_privacy.sealed'::regtype THEN 'sealed value'"
					"  WHEN b.type = 'journey_privacy.pseudonym'::regtype THEN 'pseudonym'"
					"  WHEN a.attname = p.subject_column THEN 'identity'"
					"  WHEN a.attname = p.occurred_at THEN 'time of the event'"
					"  ELSE 'other' END,"
					" d.category, coalesce(d.description, col_description(c.oid, a.attnum)),"
					"ARRAY(SELECT m.transform || coalesce(' (' || nullif(concat_ws(', ',"
					"   'v4 ' || m.v4, 'v6 ' || m.v6, 'step ' || m.step, 'digits ' || m.digits,"
					"   'keys ' || array_to_string(m.keys, ' '), 'kind ' || m.kind), '') || ')', '')"
					"  FROM journey_privacy.minimization m"
					"  WHERE m.relation = c.oid AND m.column_name = a.attname ORDER BY m.position),"
					" (SELECT array_agg(w.purpose::text ORDER BY w.purpose) FROM journey_privacy.column_allowance w"
					"  WHERE w.relation = c.oid AND a.attname = ANY (w.columns))"
					" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
					" JOIN pg_type t ON t.oid = a.atttypid"
					" CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END AS type) b"
					" LEFT JOIN journey_privacy.protection p ON p.relation = c.oid"
					" LEFT JOIN journey_privacy.column_description d ON d.relation = c.oid AND d.column_name = a.attname"
					" WHERE p.inherited_from IS NULL AND NOT c.relispartition"
					"  AND c.relnamespace <> 'journey_privacy'::regnamespace"
					"  AND (p.relation IS NOT NULL OR c.oid IN (SELECT l.child::oid FROM journey_privacy.link l"
					"   WHERE l.parent IS NOT NULL))"
					" ORDER BY c.oid::regclass::text COLLATE \"C\", a.attnum";
}

/* What the names of columns say that have no class yet. */
static void
look_at_names(JpSection *data)
{
	ListCell   *cell;

	foreach(cell, data->rows)
	{
		JpCell	   *row = lfirst(cell);
		const char *name = row[DATA_COLUMN].text;
		uint32		said;
		int			look;

		if (strcmp(row[DATA_CLASS].text, "other") != 0)
			continue;
		said = jp_name_says(name, strlen(name));
		for (look = 0; look < JP_LOOKS; look++)
			if ((said & JP_LOOK_BIT(look)) != 0)
				row[DATA_CLASS].text = psprintf("by its name: %s",
												jp_look_name((JpLook) look));
	}
}

/* (d) Who receives it. */
static void
add_recipients(JpDocument *record)
{
	static const JpFactColumn roles[] = {
		{"purpose", "Purpose", NULL}, {"role", "Role", NULL}, {"description", "Description", NULL},
		{"members", "Members", NULL}
	};
	static const JpFactColumn others[] = {
		{"name", "Name", NULL}, {"description", "Description", NULL}, {"country", "Country", NULL},
		{"safeguard", "Safeguard there", NULL}
	};
	static const JpFactColumn unrestricted[] = {
		{"role", "Role", NULL}, {"superuser", "Superuser", NULL}
	};
	JpSection  *section = jp_section_new(record, NULL, "recipients",
										 "Categories of recipients");
	uint64		count;

	count = add_table(record,
					  jp_section_new(record, section, "roles", "Roles, by purpose"),
					  roles, lengthof(roles),
					  "SELECT a.purpose::text, a.role::text, r.description,"
					  " ARRAY(SELECT m.rolname::text FROM pg_roles m"
					  "  WHERE m.oid <> g.oid AND NOT m.rolsuper AND pg_has_role(m.oid, g.oid, 'USAGE')"
					  "  ORDER BY m.rolname)"
					  " FROM journey_privacy.allowance a"
					  " LEFT JOIN pg_roles g ON g.rolname = a.role"
					  " LEFT JOIN journey_privacy.recipient r ON r.name = a.role::text"
					  " ORDER BY a.purpose, a.role");
	count += add_table(record,
					   jp_section_new(record, section, "declared", "Others, as declared"),
					   others, lengthof(others),
					   "SELECT r.name, r.description, r.country, r.safeguard FROM journey_privacy.recipient r"
					   " WHERE r.name NOT IN (SELECT a.role::text FROM journey_privacy.allowance a)"
					   " ORDER BY r.name COLLATE \"C\"");
	if (count == 0)
		jp_section_say(section, "None recorded.");
	add_table(record,
			  jp_section_new(record, section, "unrestricted",
							 "Roles that no purpose binds (administration)"),
			  unrestricted, lengthof(unrestricted),
			  "SELECT rolname::text, rolsuper FROM pg_roles WHERE rolsuper OR rolbypassrls ORDER BY rolname");
}

/* (e) Where it goes. */
static void
add_countries(JpDocument *record)
{
	static const JpFactColumn columns[] = {
		{"country", "Country", NULL}, {"recipient", "Recipient", NULL},
		{"safeguard", "Safeguard there", NULL}
	};
	JpSection  *section = jp_section_new(record, NULL, "third_countries",
										 "Transfers to third countries");

	if (add_table(record, section, columns, lengthof(columns),
				  "SELECT r.country, r.name, r.safeguard FROM journey_privacy.recipient r"
				  " WHERE r.country IS NOT NULL ORDER BY r.country COLLATE \"C\", r.name COLLATE \"C\"") == 0)
		jp_section_say(section, "None recorded.");
}

/* (f) How long it is kept. */
static void
add_retention(JpDocument *record)
{
	static const JpFactColumn columns[] = {
		{"table", "Table", NULL}, {"keep", "Kept for", NULL}, {"follows", "By", NULL}
	};
	JpSection  *section = jp_section_new(record, NULL, "retention",
										 "Time limits for erasure");

	if (add_table(record, section, columns, lengthof(columns),
				  "SELECT p.relation::text, r.keep, r.follows FROM journey_privacy.protection p"
				  " LEFT JOIN journey_privacy.retention r ON r.relation = p.relation"
				  " WHERE p.inherited_from IS NULL ORDER BY p.relation::text COLLATE \"C\"") == 0)
		jp_section_say(section, "None recorded: no table is protected.");
	else
		jp_section_say(section, "A table without a time has no limit.");
}

/* What protects it: one row for each measure that is on. */
static const char *const safeguards_sql =
"WITH p AS (SELECT p.*, c.relrowsecurity AND c.relforcerowsecurity AS secured, a.atttypid,"
"  EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A'"
"   AND t.tgfoid = 'journey_privacy.guard_row'::regproc) AS guarded"
"  FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation"
"  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = p.subject_column"
"  WHERE p.inherited_from IS NULL),"
" n AS (SELECT count(*) AS tables, count(*) FILTER (WHERE p.secured) AS secured,"
"  count(*) FILTER (WHERE p.guarded) AS guarded,"
"  count(*) FILTER (WHERE p.atttypid = 'journey_privacy.pseudonym'::regtype) AS pseudonymous FROM p),"
" s AS (SELECT count(*) AS columns FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
"  WHERE a.atttypid = 'journey_privacy.sealed'::regtype AND NOT a.attisdropped AND a.attnum > 0"
"   AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
"   AND c.relnamespace <> 'journey_privacy'::regnamespace)"
" SELECT m.measure, m.detail FROM n, s, LATERAL (VALUES"
"  (1, 'pseudonymisation', n.pseudonymous > 0, format('people appear under keyed pseudonyms in %s of %s protected tables', n.pseudonymous, n.tables)),"
"  (2, 'encryption', s.columns > 0, format('values are encrypted under keys of their subjects in columns: %s', s.columns)),"
"  (3, 'row_security', $1 AND n.secured > 0, format('queries see only who may be seen for a purpose that their role is allowed, in %s of %s protected tables', n.secured, n.tables)),"
"  (4, 'column_rules', EXISTS (SELECT FROM journey_privacy.column_allowance), 'purposes may read certain columns only'),"
"  (5, 'insert_guard', n.guarded > 0, format('rows without a legal basis and of erased people are refused in %s of %s protected tables', n.guarded, n.tables)),"
"  (6, 'floor', $1 AND n.tables > 0 AND EXISTS (SELECT FROM journey_privacy.purpose WHERE min_group > 1),"
"   format('answers about journeys tell of no group with fewer people than the purpose''s smallest group; purposes that may have answers only: %s',"
"    (SELECT count(*) FROM journey_privacy.purpose WHERE access = 'aggregates'))),"
"  (7, 'audit', $1 AND $2 <> 'off', format('a tamper-evident record is kept of %s', CASE $2 WHEN 'all' THEN 'reading and changing' ELSE 'changing' END)),"
"  (8, 'erasure', n.tables > 0, format('erasures on request, with signed receipts; done so far: %s',"
"    (SELECT count(*) FROM journey_privacy.erasure WHERE state = 'done'))),"
"  (9, 'erasure_after_restore', $3, 'erasures are remembered outside of the database, and repeated after a backup is restored')"
", (10, 'minimisation', EXISTS (SELECT FROM journey_privacy.minimization),"
" format('columns that are dropped or made coarser before they are stored: %s',"
"  (SELECT count(DISTINCT (relation, column_name)) FROM journey_privacy.minimization)))"
") m(n, measure, is_on, detail) WHERE m.is_on ORDER BY m.n";

/* (g) Safeguards. */
static void
add_safeguards(JpDocument *record)
{
	static const JpFactColumn columns[] = {
		{"measure", "Measure", NULL}, {"detail", "Detail", NULL}
	};
	static const char *const setting[] = {"off", "changes", "all"};
	Oid			types[3] = {BOOLOID, TEXTOID, BOOLOID};
	Datum		values[3] = {BoolGetDatum(jp_preloaded),
		CStringGetTextDatum(setting[jp_setting_audit]),
		BoolGetDatum(jp_setting_erasure_ledger_file != NULL &&
					 jp_setting_erasure_ledger_file[0] != '\0')
	};
	JpSection  *section = jp_section_new(record, NULL, "safeguards",
										 "Technical and organisational measures");
	SPITupleTable *rows = jp_facts(safeguards_sql, 3, types, values);

	if (jp_facts_table(record, section, JP_ENGLISH, columns, lengthof(columns),
					   rows, SPI_processed) == 0)
		jp_section_say(section, "None is on.");
}
