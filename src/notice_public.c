/*
 * notice_public.c
 *		privacy_notice(): what people are told of the processing (Art. 13 GDPR).
 *
 * Nothing is said that the catalog does not have.  Names and descriptions of
 * purposes are the controller's own, translated where they have been.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "journey_privacy.h"
#include "notice.h"

/* A notice that is being written. */
typedef struct Notice
{
	JpDocument *document;
	JpLanguage	language;
} Notice;

/* Columns of the query of purposes. */
enum
{
	PURPOSE = 1, NAME, DESCRIPTION, BASIS, VALID_FOR, GROUPS, LONGEST, SEVERAL,
	LIMITLESS
};

static JpSection *section(const Notice *notice, const char *key, JpWord title);
static void say(const Notice *notice, JpSection *section, JpWord word,
				const char *what);
static const char *add_controller(const Notice *notice);
static SPITupleTable *read_purposes(const Notice *notice);
static void add_purpose(const Notice *notice, JpSection *purposes,
						SPITupleTable *rows, uint64 row);
static void add_keeping(const Notice *notice, JpSection *purpose,
						SPITupleTable *rows, uint64 row);
static const char *span(const Notice *notice, SPITupleTable *rows, uint64 row,
						int column);
static bool is_true(SPITupleTable *rows, uint64 row, int column);
static void add_data(const Notice *notice);
static void add_recipients(const Notice *notice);
static void add_protection(const Notice *notice);
static void add_rights(const Notice *notice, SPITupleTable *purposes,
					   uint64 count, const char *contact);
static const char *purposes_on(SPITupleTable *purposes, uint64 count,
							   const char *basis, const char *other);
static void add_complaint(const Notice *notice);

PG_FUNCTION_INFO_V1(jp_privacy_notice);

/* The sentence for each legal basis. */
static const JpCode basis_said[] = {
	{"consent", JP_SAY_NOTICE_CONSENT}, {"opt_out", JP_SAY_NOTICE_OPT_OUT},
	{"contract", JP_SAY_NOTICE_CONTRACT}, {"legal_obligation", JP_SAY_NOTICE_LEGAL},
	{"vital_interests", JP_SAY_NOTICE_VITAL}, {"public_task", JP_SAY_NOTICE_TASK},
	{"legitimate_interests", JP_SAY_NOTICE_INTERESTS}, {NULL, 0}
};

/* SQL: privacy_notice(language, format). */
Datum
jp_privacy_notice(PG_FUNCTION_ARGS)
{
	Notice		notice;
	JpDocumentFormat	format;
	JpPrivilege before;
	JpSection  *why;
	SPITupleTable *purposes;
	const char *contact;
	uint64		count;
	uint64		i;

	jp_notice_require(fcinfo, 0, "language");
	jp_notice_require(fcinfo, 1, "format");
	notice.language = jp_language_from_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	format = jp_document_format(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	jp_notice_begin(&before);
	notice.document = jp_document_new("privacy_notice",
									  jp_language_code(notice.language),
									  jp_say_word(notice.language, JP_SAY_NOTICE_TITLE));
	notice.document->dated = jp_dated(notice.language);
	contact = add_controller(&notice);
	purposes = read_purposes(&notice);
	count = SPI_processed;
	why = section(&notice, "purposes", JP_SAY_NOTICE_WHY);
	for (i = 0; i < count; i++)
		add_purpose(&notice, why, purposes, i);
	add_data(&notice);
	add_recipients(&notice);
	add_protection(&notice);
	add_rights(&notice, purposes, count, contact);
	add_complaint(&notice);
	PG_RETURN_DATUM(jp_notice_end(notice.document, format, &before));
}

/* A section at the end of the notice. */
static JpSection *
section(const Notice *notice, const char *key, JpWord title)
{
	return jp_section_new(notice->document, NULL, key,
						  jp_say_word(notice->language, title));
}

/* A paragraph, if there is what it tells of. */
static void
say(const Notice *notice, JpSection *where, JpWord word, const char *what)
{
	if (what != NULL)
		jp_section_say(where, jp_say(notice->language, word, what, ""));
}

/* Who we are; returns how people reach us, or NULL. */
static const char *
add_controller(const Notice *notice)
{
	JpSection  *who = section(notice, "controller", JP_SAY_NOTICE_WHO);
	SPITupleTable *rows = jp_facts("SELECT name, contact, representative, data_protection_officer, website"
								   " FROM journey_privacy.controller", 0, NULL, NULL);

	if (SPI_processed == 0)
		return NULL;
	say(notice, who, JP_SAY_NOTICE_WE_ARE, jp_fact(rows, 0, 1));
	say(notice, who, JP_SAY_NOTICE_REACH, jp_fact(rows, 0, 2));
	say(notice, who, JP_SAY_NOTICE_REPRESENTATIVE, jp_fact(rows, 0, 3));
	say(notice, who, JP_SAY_NOTICE_OFFICER, jp_fact(rows, 0, 4));
	say(notice, who, JP_SAY_NOTICE_WEBSITE, jp_fact(rows, 0, 5));
	return jp_fact(rows, 0, 2);
}

/* The purposes, and how long the data is kept that may be used for them. */
static SPITupleTable *
read_purposes(const Notice *notice)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(jp_language_code(notice->language))};

	return jp_facts("SELECT p.name::text, coalesce(t.name, p.name), coalesce(t.description, p.description),"
					" p.basis, p.consent_valid_for,"
					" CASE WHEN p.access = 'aggregates' AND p.min_group > 1 THEN p.min_group END,"
					" k.longest, k.several, k.limitless"
					" FROM journey_privacy.purpose p"
					" LEFT JOIN journey_privacy.purpose_translation t ON t.purpose = p.name AND t.language = $1"
					" CROSS JOIN LATERAL (SELECT max(l.keep) AS longest, max(l.keep) > min(l.keep) AS several,"
					"  bool_or(l.keep IS NULL) AS limitless"
					"  FROM journey_privacy.protection r LEFT JOIN journey_privacy.retention l ON l.relation = r.relation"
					"  WHERE r.inherited_from IS NULL"
					"   AND (r.collected_for IS NULL OR p.name = ANY (r.collected_for))) k"
					" ORDER BY p.name", 1, types, values);
}

/* One purpose. */
static void
add_purpose(const Notice *notice, JpSection *purposes, SPITupleTable *rows,
			uint64 row)
{
	JpSection  *purpose = jp_section_new(notice->document, purposes,
										 jp_fact(rows, row, PURPOSE),
										 jp_fact(rows, row, NAME));
	const char *description = jp_fact(rows, row, DESCRIPTION);

	if (description != NULL)
		jp_section_say(purpose, description);
	jp_section_say(purpose, jp_code_word(basis_said, jp_fact(rows, row, BASIS),
										 notice->language));
	if (strcmp(jp_fact(rows, row, BASIS), "consent") == 0)
		say(notice, purpose, JP_SAY_NOTICE_YES_COUNTS,
			span(notice, rows, row, VALID_FOR));
	say(notice, purpose, JP_SAY_NOTICE_GROUPS, jp_fact(rows, row, GROUPS));
	add_keeping(notice, purpose, rows, row);
}

/* How long its data is kept. */
static void
add_keeping(const Notice *notice, JpSection *purpose, SPITupleTable *rows,
			uint64 row)
{
	bool		limitless = is_true(rows, row, LIMITLESS);
	const char *longest = span(notice, rows, row, LONGEST);

	if (longest != NULL)
		say(notice, purpose,
			is_true(rows, row, SEVERAL) || limitless ?
			JP_SAY_NOTICE_KEEP_UP_TO : JP_SAY_NOTICE_KEEP, longest);
	if (limitless)
		jp_section_say(purpose, jp_say_word(notice->language, longest == NULL ?
										JP_SAY_NOTICE_NO_LIMIT :
										JP_SAY_NOTICE_SOME_NO_LIMIT));
}

/* A length of time in words, or NULL. */
static const char *
span(const Notice *notice, SPITupleTable *rows, uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(rows->vals[row], rows->tupdesc, column, &isnull);

	return isnull ? NULL : jp_span_words(notice->language, DatumGetIntervalP(value));
}

/* Whether a boolean is there and true. */
static bool
is_true(SPITupleTable *rows, uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(rows->vals[row], rows->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/* Which categories of data, as described. */
static void
add_data(const Notice *notice)
{
	JpSection  *data = section(notice, "data", JP_SAY_NOTICE_DATA);
	SPITupleTable *rows = jp_facts("SELECT d.category, string_agg(DISTINCT d.description, '; ' ORDER BY d.description)"
								   " FROM journey_privacy.column_description d"
								   " JOIN pg_class c ON c.oid = d.relation"
								   " WHERE d.column_name <> '' AND d.category IS NOT NULL"
								   " GROUP BY d.category COLLATE \"C\", d.category"
								   " ORDER BY d.category COLLATE \"C\"", 0, NULL, NULL);
	uint64		count = SPI_processed;
	uint64		i;

	for (i = 0; i < count; i++)
	{
		const char *description = jp_fact(rows, i, 2);

		jp_section_item(data, description == NULL ? jp_fact(rows, i, 1) :
						jp_say(notice->language, JP_SAY_LABELLED,
							   jp_fact(rows, i, 1), description));
	}
}

/* Who receives it, and in which countries outside of Europe. */
static void
add_recipients(const Notice *notice)
{
	JpSection  *who = section(notice, "recipients", JP_SAY_NOTICE_RECIPIENTS);
	JpSection  *where = section(notice, "third_countries", JP_SAY_NOTICE_COUNTRIES);
	SPITupleTable *rows = jp_facts("SELECT r.name, r.description, r.country, r.safeguard"
								   " FROM journey_privacy.recipient r ORDER BY r.name COLLATE \"C\"",
								   0, NULL, NULL);
	uint64		count = SPI_processed;
	uint64		i;

	for (i = 0; i < count; i++)
	{
		const char *name = jp_fact(rows, i, 1);
		const char *country = jp_fact(rows, i, 3);
		const char *safeguard = jp_fact(rows, i, 4);
		const char *said;

		jp_section_item(who, jp_say(notice->language, JP_SAY_LABELLED, name,
									jp_fact(rows, i, 2)));
		if (country == NULL)
			continue;
		said = jp_say(notice->language, JP_SAY_NOTICE_COUNTRY, name, country);
		jp_section_item(where, safeguard == NULL ? said :
						jp_say(notice->language, JP_SAY_NOTICE_SAFEGUARD, said,
							   safeguard));
	}
}

/* What protects it, as far as it is on for all protected tables. */
static void
add_protection(const Notice *notice)
{
	JpSection  *how = section(notice, "protection", JP_SAY_NOTICE_PROTECTED);
	SPITupleTable *rows = jp_facts("SELECT bool_and(a.atttypid = 'journey_privacy.pseudonym'::regtype),"
								   " bool_or(a.atttypid = 'journey_privacy.pseudonym'::regtype),"
								   " bool_and(c.relrowsecurity AND c.relforcerowsecurity),"
								   " EXISTS (SELECT FROM pg_attribute s JOIN pg_class o ON o.oid = s.attrelid"
								   "  WHERE s.atttypid = 'journey_privacy.sealed'::regtype AND NOT s.attisdropped"
								   "   AND s.attnum > 0 AND o.relkind IN ('r', 'p')"
								   "   AND o.relnamespace <> 'journey_privacy'::regnamespace)"
								   " FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation"
								   " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = p.subject_column"
								   " WHERE p.inherited_from IS NULL", 0, NULL, NULL);

	if (is_true(rows, 0, 2))
		jp_section_item(how, jp_say_word(notice->language, is_true(rows, 0, 1) ?
									 JP_SAY_NOTICE_PSEUDONYMS :
									 JP_SAY_NOTICE_SOME_PSEUDONYMS));
	if (is_true(rows, 0, 4))
		jp_section_item(how, jp_say_word(notice->language, JP_SAY_NOTICE_SEALED));
	if (jp_preloaded && is_true(rows, 0, 3))
		jp_section_item(how, jp_say_word(notice->language, JP_SAY_NOTICE_ROWS));
	if (jp_preloaded && jp_setting_audit == JP_AUDIT_ALL && is_true(rows, 0, 3))
		jp_section_item(how, jp_say_word(notice->language, JP_SAY_NOTICE_AUDIT));
}

/* What people may ask for, by the legal bases of the purposes. */
static void
add_rights(const Notice *notice, SPITupleTable *purposes, uint64 count,
		   const char *contact)
{
	static const JpWord always[] = {
		JP_SAY_RIGHT_ACCESS, JP_SAY_RIGHT_RECTIFY, JP_SAY_RIGHT_ERASE,
		JP_SAY_RIGHT_RESTRICT
	};
	static const struct
	{
		JpWord		word;
		const char *basis;
		const char *other;
	}			by_basis[] = {
		{JP_SAY_RIGHT_WITHDRAW, "consent", "consent"},
		{JP_SAY_RIGHT_OPT_OUT, "opt_out", "opt_out"},
		{JP_SAY_RIGHT_OBJECT, "legitimate_interests", "public_task"},
		{JP_SAY_RIGHT_PORT, "consent", "contract"}
	};
	JpSection  *rights = section(notice, "rights", JP_SAY_NOTICE_RIGHTS);
	int			i;

	for (i = 0; i < lengthof(always); i++)
		jp_section_item(rights, jp_say_word(notice->language, always[i]));
	for (i = 0; i < lengthof(by_basis); i++)
	{
		const char *names = purposes_on(purposes, count, by_basis[i].basis,
										by_basis[i].other);

		if (names != NULL)
			jp_section_item(rights, jp_say(notice->language, by_basis[i].word,
										   names, ""));
	}
	say(notice, rights, JP_SAY_NOTICE_HOW, contact);
}

/* The names of the purposes on either basis; NULL: none. */
static const char *
purposes_on(SPITupleTable *purposes, uint64 count, const char *basis,
			const char *other)
{
	const char *names = NULL;
	uint64		i;

	for (i = 0; i < count; i++)
	{
		const char *this = jp_fact(purposes, i, BASIS);
		const char *name = jp_fact(purposes, i, NAME);

		if (strcmp(this, basis) == 0 || strcmp(this, other) == 0)
			names = names == NULL ? name : psprintf("%s, %s", names, name);
	}
	return names;
}

/* Whom people can complain to. */
static void
add_complaint(const Notice *notice)
{
	JpSection  *complaint = section(notice, "complaint", JP_SAY_NOTICE_COMPLAIN);
	SPITupleTable *rows = jp_facts("SELECT authority FROM journey_privacy.controller",
								   0, NULL, NULL);

	jp_section_say(complaint, jp_say_word(notice->language, JP_SAY_NOTICE_COMPLAINT));
	if (SPI_processed > 0)
		say(notice, complaint, JP_SAY_NOTICE_AUTHORITY, jp_fact(rows, 0, 1));
}
