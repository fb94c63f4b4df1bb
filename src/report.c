/*
 * report.c
 *		dashboard_html("table", title, language): the state of the database on
 *		one page, for people.
 *
 * Our tables are read as the extension's owner; the journey map is made as the
 * caller, so that it shows what the caller may see.  The page needs nothing
 * from elsewhere and no script.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "consent_internal.h"
#include "journey_privacy.h"
#include "markup.h"
#include "report.h"

enum
{
	TABLE, TITLE, LANGUAGE
};

PG_FUNCTION_INFO_V1(jp_dashboard_html);

static void read_findings(JpReport *report);
static void read_columns(JpReport *report, Oid relid, MemoryContext context);
static void begin(JpReport *report, const char *title);

/* SQL: dashboard_html("table", title, language). */
Datum
jp_dashboard_html(PG_FUNCTION_ARGS)
{
	JpReport	report = {0};
	JpPrivilege before;
	MemoryContext caller = CurrentMemoryContext;
	char	   *title = NULL;

	jp_require_arg(fcinfo, LANGUAGE, "language");
	report.plain.language = jp_language(text_to_cstring(PG_GETARG_TEXT_PP(LANGUAGE)));
	if (!PG_ARGISNULL(TITLE))
		title = text_to_cstring(PG_GETARG_TEXT_PP(TITLE));
	initStringInfo(&report.out);
	SPI_connect();
	jp_elevate(&before);
	read_findings(&report);
	if (!PG_ARGISNULL(TABLE))
		read_columns(&report, PG_GETARG_OID(TABLE), caller);
	begin(&report, title);
	jp_report_header(&report, title);
	jp_report_add(&report, "<main id=\"content\">");
	jp_report_figures(&report);
	jp_report_people(&report);
	jp_restore(&before);
	if (!PG_ARGISNULL(TABLE))
		jp_report_map(&report, PG_GETARG_OID(TABLE));
	jp_elevate(&before);
	jp_report_keeping(&report);
	jp_restore(&before);
	SPI_finish();
	jp_report_add(&report, "</main><footer>%s</footer></body></html>\n",
				  jp_report_word(&report, JP_REPORT_FOOTER));
	PG_RETURN_TEXT_P(jp_markup_finish(&report.out));
}

/* Lets doctor() look, once for all that depends on what it finds. */
static void
read_findings(JpReport *report)
{
	bool		isnull;
	int			result;

	result = SPI_execute("SELECT coalesce(jsonb_agg(to_jsonb(d)), '[]') FROM journey_privacy.doctor() d",
						 false, 0);
	if (result != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not ask doctor()");
	report->findings = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
}

/* The columns of events and their properties are those of the data plan. */
static void
read_columns(JpReport *report, Oid relid, MemoryContext context)
{
	Oid			type = REGCLASSOID;
	Datum		value = ObjectIdGetDatum(relid);
	bool		planned;

	SPI_execute_with_args("SELECT event_column::text, coalesce(props_column, 'props')::text"
						  " FROM journey_privacy.data_plan WHERE relation = $1",
						  1, &type, &value, NULL, false, 1);
	planned = SPI_processed == 1;
	report->event = MemoryContextStrdup(context, planned ? jp_row_text(0, 1) : "event");
	report->props = MemoryContextStrdup(context, planned ? jp_row_text(0, 2) : "props");
}

/* The head of the page: nothing is to be loaded, whatever is in it. */
static void
begin(JpReport *report, const char *title)
{
	jp_report_add(report, "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
				  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">"
				  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
				  "<meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\"><title>",
				  jp_language_name(report->plain.language));
	if (title != NULL)
		jp_report_text(report, title, 200);
	else
		jp_report_say(report, JP_REPORT_TITLE);
	jp_report_add(report, "</title>");
	jp_report_style(&report->out);
	jp_report_add(report, "</head><body>");
}
