/*
 * report.h
 *		The page that dashboard_html() makes, section by section.
 */
#ifndef JP_REPORT_H
#define JP_REPORT_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "picture_svg.h"
#include "report_words.h"

typedef struct JpReport
{
	JpPicture	plain;			/* for the language alone */
	StringInfoData out;
	Datum		findings;		/* jsonb: what doctor() found */
	char	   *event;			/* columns of the journey map */
	char	   *props;
} JpReport;

/* How a value of a query is shown. */
typedef enum JpCellKind
{
	JP_CELL_TEXT,				/* somebody's text */
	JP_CELL_NAME,				/* a name from a catalog */
	JP_CELL_CODE,				/* one of our own words, in the reader's language */
	JP_CELL_COUNT,				/* bigint; null: too few people to tell */
	JP_CELL_NUMBER,				/* bigint; null: none */
	JP_CELL_SHARE,				/* double precision from 0 to 1, with a bar; null: not told */
	JP_CELL_TERM,				/* interval */
	JP_CELL_GOOD,				/* boolean: in order, or not */
	JP_CELL_GRAVITY,			/* severity of a finding, as a badge */
	JP_CELL_DUE,				/* bigint: days left; less than 0: overdue */
	JP_CELL_FINDING,			/* object, what is wrong, what mends it; a byte of 1 between them */
} JpCellKind;

#define JP_REPORT_COLUMNS	9

typedef struct JpReportColumn
{
	JpReportWord heading;
	JpCellKind	kind;
} JpReportColumn;

/* A table of the page; its query may use $1, the findings. */
typedef struct JpReportTable
{
	JpReportWord caption;
	JpReportWord empty;			/* what is said instead of an empty table */
	const char *sql;
	JpReportColumn column[JP_REPORT_COLUMNS];	/* ended by JP_REPORT_NO_WORD */
} JpReportTable;

/* A word in the report's language. */
extern const char *jp_report_word(const JpReport *report, JpReportWord word);

/* One of our codes in that language; NULL if it is none. */
extern const char *jp_report_code(const JpReport *report, const char *code);

/* Appends markup of ours; somebody's text; a word. */
extern void jp_report_add(JpReport *report, const char *format,...) pg_attribute_printf(2, 3);
extern void jp_report_text(JpReport *report, const char *chars, size_t limit);
extern void jp_report_say(JpReport *report, JpReportWord word);

/* A section begins, with its heading, and ends. */
extern void jp_report_begin(JpReport *report, const char *id, JpReportWord heading);
extern void jp_report_end(JpReport *report);

/* A note below a heading. */
extern void jp_report_note(JpReport *report, JpReportWord word);

/* Asks a query of ours with $1; rows are in SPI_tuptable. */
extern void jp_report_ask(JpReport *report, const char *sql);

/* A table of what a query tells. */
extern void jp_report_table(JpReport *report, const JpReportTable *table);

/* So many days, in words. */
extern char *jp_report_days(const JpReport *report, int64 days);

/* The parts of the page. */
extern void jp_report_style(StringInfo out);
extern void jp_report_header(JpReport *report, const char *title);
extern void jp_report_figures(JpReport *report);
extern void jp_report_people(JpReport *report);	/* requests, consent */
extern void jp_report_keeping(JpReport *report);	/* tables, erasures, audit, findings */
extern void jp_report_decisions(JpReport *report);

/* The journey map of a table, as the caller; to be called with their rights. */
extern void jp_report_map(JpReport *report, Oid relid);

#endif							/* JP_REPORT_H */
