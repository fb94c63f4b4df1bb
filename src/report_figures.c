/*
 * report_figures.c
 *		The beginning of the page: whose it is, how things stand, key figures.
 */
#include "postgres.h"

#include "executor/spi.h"

#include "report.h"

static void add_state(JpReport *report);
static void add_count(JpReport *report, const char *class, int64 count, JpReportWord word);
static void add_contents(JpReport *report);
static void add_figure(JpReport *report, JpReportWord label, const char *value, const char *note, bool bad);
static char *said(const JpReport *report, int column);
static int64 number(int column);

/* The header. */
void
jp_report_header(JpReport *report, const char *title)
{
	jp_report_ask(report, "SELECT current_database(), to_char(now(), 'YYYY-MM-DD HH24:MI TZ'),"
				  " (SELECT name FROM journey_privacy.controller)");
	jp_report_add(report, "<a class=\"skip\" href=\"#content\">%s</a><header><p class=\"who\">",
				  jp_report_word(report, JP_REPORT_SKIP));
	jp_report_text(report, jp_row_text(0, 3) == NULL ? "journey_privacy" : jp_row_text(0, 3), 200);
	jp_report_add(report, "</p><h1>");
	if (title != NULL)
		jp_report_text(report, title, 200);
	else
		jp_report_say(report, JP_REPORT_TITLE);
	jp_report_add(report, "</h1><p class=\"made\"><span>%s <b>", jp_report_word(report, JP_REPORT_DATABASE));
	jp_report_text(report, jp_row_text(0, 1), 63);
	jp_report_add(report, "</b></span> <span>%s <b>%s</b></span></p></header>\n",
				  jp_report_word(report, JP_REPORT_MADE), jp_row_text(0, 2));
	add_contents(report);
}

/* Where to go. */
static void
add_contents(JpReport *report)
{
	static const struct
	{
		const char *id;
		JpReportWord word;
	}			section[] = {
		{"requests", JP_REPORT_REQUESTS}, {"consent", JP_REPORT_CONSENT}, {"map", JP_REPORT_MAP},
		{"tables", JP_REPORT_PROTECTED}, {"erasures", JP_REPORT_ERASURES}, {"audit", JP_REPORT_AUDIT},
		{"findings", JP_REPORT_FINDINGS}
	};
	int			i;

	jp_report_add(report, "<nav aria-label=\"%s\"><ul>", jp_report_word(report, JP_REPORT_SECTIONS));
	for (i = 0; i < lengthof(section); i++)
		if (section[i].word != JP_REPORT_MAP || report->event != NULL)
			jp_report_add(report, "<li><a href=\"#%s\">%s</a></li>", section[i].id,
						  jp_report_word(report, section[i].word));
	jp_report_add(report, "</ul></nav>\n");
}

/* How things stand, in a line. */
static void
add_state(JpReport *report)
{
	int64		critical,
				warnings,
				advices,
				overdue;
	const char *class = "good";
	JpReportWord word = JP_REPORT_STATE_GOOD;

	jp_report_ask(report, "SELECT count(*) FILTER (WHERE d->>'severity' = 'critical'),"
				  " count(*) FILTER (WHERE d->>'severity' = 'warning'), count(*) FILTER (WHERE d->>'severity' = 'advice'),"
				  " (SELECT count(*) FROM journey_privacy.request WHERE status IN ('pending', 'in_progress') AND due_at < now())"
				  " FROM jsonb_array_elements($1) d");
	critical = number(1);
	warnings = number(2);
	advices = number(3);
	overdue = number(4);
	if (critical > 0 || overdue > 0)
	{
		class = "bad";
		word = JP_REPORT_STATE_BAD;
	}
	else if (warnings > 0)
	{
		class = "warn";
		word = JP_REPORT_STATE_WARN;
	}
	jp_report_add(report, "<div class=\"state %s\"><p><strong>%s</strong></p><ul>", class, jp_report_word(report, word));
	add_count(report, "critical", critical, JP_REPORT_CRITICALS);
	add_count(report, "critical", overdue, JP_REPORT_OVERDUES);
	add_count(report, "warning", warnings, JP_REPORT_WARNINGS);
	add_count(report, "advice", advices, JP_REPORT_ADVICES);
	jp_report_add(report, "</ul></div>");
}

/* One of its counts. */
static void
add_count(JpReport *report, const char *class, int64 count, JpReportWord word)
{
	jp_report_add(report, "<li><span class=\"badge %s\">%s</span> %s</li>", count == 0 ? "none" : class,
				  jp_said_count(&report->plain, count), jp_report_word(report, word));
}

/* Key figures. */
void
jp_report_figures(JpReport *report)
{
	int64		broken;

	add_state(report);
	jp_report_ask(report, "WITH floor AS (SELECT coalesce(max(min_group), 20) AS least FROM journey_privacy.purpose),"
				  " decided AS (SELECT count(*) AS n, count(*) FILTER (WHERE recorded_at > now() - interval '30 days') AS lately"
				  "  FROM journey_privacy.consent_event),"
				  " open AS (SELECT count(*) AS n, floor(extract(epoch FROM min(due_at) - now()) / 86400)::bigint AS days"
				  "  FROM journey_privacy.request WHERE status IN ('pending', 'in_progress')),"
				  " erased AS (SELECT count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state = 'erasing') AS running,"
				  "  count(*) FILTER (WHERE state = 'withheld') AS withheld FROM journey_privacy.erasure)"
				  " SELECT (SELECT count(*) FROM journey_privacy.subject WHERE head IS NULL),"
				  " (SELECT count(*) FROM journey_privacy.protection WHERE inherited_from IS NULL),"
				  " (SELECT count(DISTINCT coalesce(p.inherited_from, p.relation)) FROM journey_privacy.protection p"
				  "  JOIN jsonb_array_elements($1) d ON d->>'object' = p.relation::text AND d->>'severity' = 'critical'),"
				  " CASE WHEN lately = 0 OR lately >= least THEN lately END, CASE WHEN decided.n = 0 OR decided.n >= least THEN decided.n END,"
				  " open.n, open.days, done, running, withheld, a.size, to_char(a.checkpoint_at, 'YYYY-MM-DD HH24:MI TZ')"
				  " FROM floor, decided, open, erased, journey_privacy.audit_state a");
	if (SPI_processed != 1)
		elog(ERROR, "could not ask for the key figures");
	broken = number(3);
	jp_report_add(report, "<section aria-labelledby=\"figures\"><h2 id=\"figures\" class=\"quiet\">%s</h2><ul class=\"figures\">",
				  jp_report_word(report, JP_REPORT_FIGURES));
	add_figure(report, JP_REPORT_SUBJECTS, said(report, 1), jp_report_word(report, JP_REPORT_SUBJECTS_NOTE), false);
	add_figure(report, JP_REPORT_TABLES, said(report, 2), broken == 0 ? jp_report_word(report, JP_REPORT_TABLES_GOOD) :
			   psprintf(jp_report_word(report, JP_REPORT_TABLES_BAD), said(report, 3)), broken > 0);
	add_figure(report, JP_REPORT_DECISIONS, said(report, 4),
			   psprintf(jp_report_word(report, JP_REPORT_DECISIONS_NOTE), said(report, 5)), false);
	add_figure(report, JP_REPORT_OPEN, said(report, 6), number(6) == 0 ? jp_report_word(report, JP_REPORT_NO_NEXT) :
			   psprintf(jp_report_word(report, JP_REPORT_NEXT), jp_report_days(report, number(7))), number(6) > 0 && number(7) < 0);
	add_figure(report, JP_REPORT_ERASED, said(report, 8),
			   psprintf(jp_report_word(report, JP_REPORT_ERASED_NOTE), said(report, 9), said(report, 10)), false);
	add_figure(report, JP_REPORT_ENTRIES, said(report, 11), jp_row_text(0, 12) == NULL ? jp_report_word(report, JP_REPORT_UNSIGNED) :
			   psprintf(jp_report_word(report, JP_REPORT_SIGNED), jp_row_text(0, 12)), false);
	jp_report_add(report, "</ul></section>\n");
}

/* One of them. */
static void
add_figure(JpReport *report, JpReportWord label, const char *value, const char *note, bool bad)
{
	jp_report_add(report, "<li%s><span class=\"label\">%s</span> <b>%s</b> <span class=\"under\">%s</span></li>",
				  bad ? " class=\"bad\"" : "", jp_report_word(report, label), value, note);
}

/* A count of the row that came back, in words. */
static char *
said(const JpReport *report, int column)
{
	bool		isnull;
	int64		count = jp_row_count(0, column, &isnull);

	return isnull ? pstrdup(jp_report_word(report, JP_REPORT_FEW)) : jp_said_count(&report->plain, count);
}

/* The same as a number; 0 when there is none. */
static int64
number(int column)
{
	bool		isnull;

	return jp_row_count(0, column, &isnull);
}
