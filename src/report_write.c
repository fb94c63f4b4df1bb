/*
 * report_write.c
 *		Writes the page: text, cells, tables of what queries tell.
 */
#include "postgres.h"

#include <math.h>
#include <stdarg.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "markup.h"
#include "report.h"

#define TEXT_LIMIT		300		/* characters of somebody's text */

static const char *class_of(JpCellKind kind);
static void add_head(JpReport *report, const JpReportTable *table);
static void add_row(JpReport *report, const JpReportTable *table, uint64 row);
static void add_value(JpReport *report, JpCellKind kind, uint64 row, int column);
static void add_known(JpReport *report, JpCellKind kind, uint64 row, int column);
static void add_share(JpReport *report, double share);
static void add_term(JpReport *report, const Interval *term);
static void add_finding(JpReport *report, char *finding);
static char *count_of(const JpReport *report, int64 count, JpReportWord one, JpReportWord more);

/* Markup of ours. */
void
jp_report_add(JpReport *report, const char *format,...)
{
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&report->out, format, args);
		va_end(args);
		if (needed == 0)
			return;
		enlargeStringInfo(&report->out, needed);
	}
}

/* Somebody's text. */
void
jp_report_text(JpReport *report, const char *chars, size_t limit)
{
	jp_markup_text(&report->out, chars, limit);
}

/* A word. */
void
jp_report_say(JpReport *report, JpReportWord word)
{
	appendStringInfoString(&report->out, jp_report_word(report, word));
}

/* A section begins. */
void
jp_report_begin(JpReport *report, const char *id, JpReportWord heading)
{
	jp_report_add(report, "<section id=\"%s\" aria-labelledby=\"%s-h\"><h2 id=\"%s-h\">%s</h2>",
				  id, id, id, jp_report_word(report, heading));
}

/* And ends. */
void
jp_report_end(JpReport *report)
{
	jp_report_add(report, "</section>\n");
}

/* A note. */
void
jp_report_note(JpReport *report, JpReportWord word)
{
	jp_report_add(report, "<p class=\"note\">%s</p>", jp_report_word(report, word));
}

/* Asks. */
void
jp_report_ask(JpReport *report, const char *sql)
{
	Oid			type = JSONBOID;

	if (SPI_execute_with_args(sql, 1, &type, &report->findings, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask for what the page shows");
}

/* A table. */
void
jp_report_table(JpReport *report, const JpReportTable *table)
{
	uint64		row;

	jp_report_ask(report, table->sql);
	if (SPI_processed == 0)
	{
		jp_report_add(report, "<p class=\"empty\">%s</p>", jp_report_word(report, table->empty));
		return;
	}
	add_head(report, table);
	for (row = 0; row < SPI_processed; row++)
	{
		CHECK_FOR_INTERRUPTS();
		add_row(report, table, row);
	}
	jp_report_add(report, "</tbody></table>");
	SPI_freetuptable(SPI_tuptable);
}

/* Numbers are aligned, text may be broken anywhere. */
static const char *
class_of(JpCellKind kind)
{
	if (kind == JP_CELL_COUNT || kind == JP_CELL_NUMBER)
		return " class=\"n\"";
	if (kind == JP_CELL_TEXT || kind == JP_CELL_FINDING)
		return " class=\"t\"";
	return "";
}

/* Caption and headings. */
static void
add_head(JpReport *report, const JpReportTable *table)
{
	const JpReportColumn *column;

	jp_report_add(report, "<table><caption>%s</caption><thead><tr>", jp_report_word(report, table->caption));
	for (column = table->column; column->heading != JP_REPORT_NO_WORD; column++)
		jp_report_add(report, "<th scope=\"col\"%s>%s</th>", class_of(column->kind),
					  jp_report_word(report, column->heading));
	jp_report_add(report, "</tr></thead><tbody>");
}

/* A row; its first cell is its heading. */
static void
add_row(JpReport *report, const JpReportTable *table, uint64 row)
{
	int			i;

	jp_report_add(report, "<tr>");
	for (i = 0; table->column[i].heading != JP_REPORT_NO_WORD; i++)
	{
		const JpReportColumn *column = &table->column[i];

		if (i == 0)
			jp_report_add(report, "<th scope=\"row\">");
		else
			jp_report_add(report, "<td data-label=\"%s\"%s>", jp_report_word(report, column->heading),
						  class_of(column->kind));
		add_value(report, column->kind, row, i + 1);
		jp_report_add(report, "</t%c>", i == 0 ? 'h' : 'd');
	}
	jp_report_add(report, "</tr>");
}

/* A value, or what stands for none. */
static void
add_value(JpReport *report, JpCellKind kind, uint64 row, int column)
{
	bool		isnull;

	(void) jp_row_value(row, column, &isnull);
	if (!isnull)
		add_known(report, kind, row, column);
	else if (kind == JP_CELL_COUNT || kind == JP_CELL_SHARE)
		jp_report_add(report, "<span class=\"few\">%s</span>", jp_report_word(report, JP_REPORT_FEW));
	else
		jp_report_add(report, "<span class=\"few\">–</span>");
}

/* A value that is there. */
static void
add_known(JpReport *report, JpCellKind kind, uint64 row, int column)
{
	bool		isnull;
	Datum		value = jp_row_value(row, column, &isnull);
	char	   *chars = jp_row_text(row, column);
	const char *said;

	switch (kind)
	{
		case JP_CELL_TEXT:
			jp_report_text(report, chars, TEXT_LIMIT);
			break;
		case JP_CELL_NAME:
			jp_report_add(report, "<code>");
			jp_report_text(report, chars, TEXT_LIMIT);
			jp_report_add(report, "</code>");
			break;
		case JP_CELL_CODE:
			said = jp_report_code(report, chars);
			if (said != NULL)
				jp_report_add(report, "%s", said);
			else
				jp_report_text(report, chars, TEXT_LIMIT);
			break;
		case JP_CELL_COUNT:
		case JP_CELL_NUMBER:
			jp_report_add(report, "%s", jp_said_count(&report->plain, DatumGetInt64(value)));
			break;
		case JP_CELL_SHARE:
			add_share(report, DatumGetFloat8(value));
			break;
		case JP_CELL_TERM:
			add_term(report, DatumGetIntervalP(value));
			break;
		case JP_CELL_GOOD:
			jp_report_add(report, "<span class=\"badge %s</span>", DatumGetBool(value) ?
						  psprintf("good\">✓ %s", jp_report_word(report, JP_REPORT_GOOD)) :
						  psprintf("critical\">✗ %s", jp_report_word(report, JP_REPORT_BAD)));
			break;
		case JP_CELL_GRAVITY:
			said = jp_report_code(report, chars);
			jp_report_add(report, "<span class=\"badge %s\">%s</span>", said != NULL ? chars : "advice",
						  said != NULL ? said : "");
			break;
		case JP_CELL_DUE:
			jp_report_add(report, "<span class=\"%s\">%s</span>", DatumGetInt64(value) < 0 ? "badge critical" : "due",
						  jp_report_days(report, DatumGetInt64(value)));
			break;
		case JP_CELL_FINDING:
			add_finding(report, chars);
			break;
	}
}

/* A share, drawn and told. */
static void
add_share(JpReport *report, double share)
{
	jp_report_add(report, "<span><svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">"
				  "<rect class=\"track\" width=\"100\" height=\"8\"/><rect class=\"fill\" width=\"%d\" height=\"8\"/></svg> %s</span>",
				  (int) rint(share * 100), jp_said_share(&report->plain, share));
}

/* So many of something. */
static char *
count_of(const JpReport *report, int64 count, JpReportWord one, JpReportWord more)
{
	return psprintf(jp_report_word(report, count == 1 ? one : more), jp_said_count(&report->plain, count));
}

/* How long something is kept. */
static void
add_term(JpReport *report, const Interval *term)
{
	int			months = term->month;
	const char *space = "";

	if (term->time != 0 || months < 0 || term->day < 0)
	{
		jp_report_add(report, "%s", jp_said_interval(&report->plain, term));
		return;
	}
	if (months != 0)
	{
		jp_report_add(report, "%s", months % 12 == 0 ? count_of(report, months / 12, JP_REPORT_YEAR, JP_REPORT_YEARS) :
					  count_of(report, months, JP_REPORT_MONTH, JP_REPORT_MONTHS));
		space = " ";
	}
	if (term->day != 0)
		jp_report_add(report, "%s%s", space, count_of(report, term->day, JP_REPORT_DAY, JP_REPORT_DAYS));
}

/* Days left, or past. */
char *
jp_report_days(const JpReport *report, int64 days)
{
	if (days == 0)
		return pstrdup(jp_report_word(report, JP_REPORT_TODAY));
	if (days > 0)
		return count_of(report, days, JP_REPORT_IN_DAY, JP_REPORT_IN_DAYS);
	return count_of(report, -days, JP_REPORT_LATE_DAY, JP_REPORT_LATE_DAYS);
}

/* What doctor() found, in its own language. */
static void
add_finding(JpReport *report, char *finding)
{
	char	   *wrong = strchr(finding, '\001');
	char	   *mend = wrong == NULL ? NULL : strchr(wrong + 1, '\001');

	if (mend == NULL)
		return;
	*wrong++ = '\0';
	*mend++ = '\0';
	jp_report_add(report, "<div lang=\"en\">");
	if (finding[0] != '\0')
	{
		jp_report_add(report, "<code>");
		jp_report_text(report, finding, TEXT_LIMIT);
		jp_report_add(report, "</code> ");
	}
	jp_report_text(report, wrong, 0);
	jp_report_add(report, "</div>");
	if (mend[0] == '\0')
		return;
	jp_report_add(report, "<details><summary>%s</summary><pre lang=\"en\" tabindex=\"0\">", jp_report_word(report, JP_REPORT_MEND));
	jp_report_text(report, mend, 0);
	jp_report_add(report, "</pre></details>");
}
