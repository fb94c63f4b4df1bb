/*
 * picture_retention.c
 *		retention_svg("table", …): who comes back, as a grid of cohorts and the
 *		periods after them, the darker the more.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "markup.h"
#include "picture_svg.h"

/* Arguments that matter here; the first ten are retention()'s, as event and props. */
enum
{
	TABLE, START_EVENT, RETURN_EVENT, PERIOD, PERIODS, MODE, TITLE = 12, LANGUAGE
};

/* Columns of what retention() answers. */
enum
{
	COHORT = 1, NUMBER, SUBJECTS, SHARE
};

#define LEFT		200
#define NAMES		860			/* dates of cohorts */
#define SIZES		560			/* how many they are */
#define CELL		420
#define ROW			320
#define MOST_COLUMNS	60
#define MOST_ROWS		400

PG_FUNCTION_INFO_V1(jp_retention_svg);

static int	told_periods(void);
static char *subtitle(const JpPicture *picture, FunctionCallInfo fcinfo);
static void draw_axis(JpPicture *picture, FunctionCallInfo fcinfo, int columns);
static uint64 draw_cohort(JpPicture *picture, uint64 row, int columns);
static void draw_cell(JpPicture *picture, uint64 row, int column, int x);
static void tell_cell(JpPicture *picture, int column, const char *share);

/* SQL: retention_svg("table", start_event, return_event, period, periods, mode, …). */
Datum
jp_retention_svg(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID,
		TSTZRANGEOID, TEXTARRAYOID, JSONBOID, NAMEOID, NAMEOID
	};
	JpPicture	picture;
	uint64		row = 0;
	int			columns,
				rows;

	jp_picture_begin(&picture, fcinfo, TITLE, LANGUAGE, JP_WORD_RETENTION, 0);
	jp_picture_ask(fcinfo, "SELECT pg_catalog.to_char(cohort, 'YYYY-MM-DD'), period, subjects, share"
				   " FROM journey_privacy.retention($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
				   " event => $11, props => $12)", lengthof(types), types);
	columns = Min(told_periods(), MOST_COLUMNS);
	picture.width = Max(LEFT * 2 + NAMES + SIZES + columns * CELL, 4000);
	jp_picture_head(&picture, subtitle(&picture, fcinfo));
	if (SPI_processed == 0)
		jp_picture_nothing(&picture);
	else
		draw_axis(&picture, fcinfo, columns);
	for (rows = 0; row < SPI_processed && rows < MOST_ROWS; rows++)
		row = draw_cohort(&picture, row, columns);
	if (row < SPI_processed)
	{
		jp_svg_words(&picture, "dim", LEFT, picture.height + 180, "…");
		appendStringInfo(&picture.words, " %s: …", jp_picture_word(&picture, JP_WORD_NOT_DRAWN));
		picture.height += 240;
	}
	if (SPI_processed > 0)
		jp_picture_legend(&picture);
	picture.height += 200;
	return jp_picture_finish(&picture);
}

/* The last period that is told of any cohort. */
static int
told_periods(void)
{
	int			last = 0;
	uint64		row;
	bool		isnull;

	for (row = 0; row < SPI_processed; row++)
		last = Max(last, DatumGetInt32(jp_row_value(row, NUMBER, &isnull)));
	return last;
}

/* visit · home → buy */
static char *
subtitle(const JpPicture *picture, FunctionCallInfo fcinfo)
{
	const char *any = jp_picture_word(picture, JP_WORD_ANY);
	StringInfoData said;

	initStringInfo(&said);
	appendStringInfoString(&said, get_rel_name(PG_GETARG_OID(TABLE)));
	if (!PG_ARGISNULL(START_EVENT) || !PG_ARGISNULL(RETURN_EVENT))
		appendStringInfo(&said, " · %s → %s",
						 PG_ARGISNULL(START_EVENT) ? any : text_to_cstring(PG_GETARG_TEXT_PP(START_EVENT)),
						 PG_ARGISNULL(RETURN_EVENT) ? any : text_to_cstring(PG_GETARG_TEXT_PP(RETURN_EVENT)));
	return said.data;
}

/* What columns are: cohort, people, and periods by their numbers. */
static void
draw_axis(JpPicture *picture, FunctionCallInfo fcinfo, int columns)
{
	const char *period = text_to_cstring(PG_GETARG_TEXT_PP(PERIOD));
	const char *mode = text_to_cstring(PG_GETARG_TEXT_PP(MODE));
	JpWord		after = strcmp(period, "day") == 0 ? JP_WORD_AFTER_DAYS :
		strcmp(period, "week") == 0 ? JP_WORD_AFTER_WEEKS : JP_WORD_AFTER_MONTHS;
	int			top = picture->height;
	int			i;

	if (columns > 0)
		jp_svg_words(picture, "dim", LEFT + NAMES + SIZES + 40, top + 100,
					 strcmp(mode, "on") == 0 ? jp_picture_word(picture, after) :
					 psprintf("%s %s", jp_picture_word(picture, after), jp_picture_word(picture, JP_WORD_OR_LATER)));
	jp_svg_words(picture, "dim", LEFT, top + 300, jp_picture_word(picture, JP_WORD_COHORT));
	jp_svg_words(picture, "dim e", LEFT + NAMES + SIZES - 100, top + 300, jp_picture_word(picture, JP_WORD_PEOPLE));
	for (i = 1; i <= columns; i++)
		jp_svg_words(picture, "dim m", LEFT + NAMES + SIZES + i * CELL - CELL / 2, top + 300,
					 psprintf("%d", i));
	picture->height = top + 380;
	appendStringInfo(&picture->words, "%s:", jp_picture_word(picture, after));
}

/* A cohort from a row on; returns the row behind it. */
static uint64
draw_cohort(JpPicture *picture, uint64 row, int columns)
{
	char	   *name = jp_row_text(row, COHORT);
	bool		few;
	int64		subjects = jp_row_count(row, SUBJECTS, &few);
	int			middle = picture->height + ROW / 2 + 40;
	bool		isnull;

	CHECK_FOR_INTERRUPTS();
	jp_svg_add(picture, "<g data-cohort=\"%s\"", name == NULL ? "" : name);
	if (!few)
		appendStringInfo(&picture->body, " data-subjects=\"" INT64_FORMAT "\"", subjects);
	jp_svg_add(picture, ">");
	if (name == NULL)
		name = (char *) jp_picture_word(picture, JP_WORD_SMALL_COHORTS);
	jp_svg_words(picture, "ink", LEFT, middle, name);
	jp_svg_words(picture, "dim e", LEFT + NAMES + SIZES - 100, middle, few ? "–" : jp_said_count(picture, subjects));
	appendStringInfo(&picture->words, " %s, %s %s", name, few ? jp_picture_word(picture, JP_WORD_TOO_FEW) :
					 jp_said_count(picture, subjects), few ? "" : jp_picture_word(picture, JP_WORD_PEOPLE));
	for (row++; row < SPI_processed; row++)
	{
		int			column = DatumGetInt32(jp_row_value(row, NUMBER, &isnull));

		if (column == 0)
			break;
		if (column <= columns)
			draw_cell(picture, row, column, LEFT + NAMES + SIZES + (column - 1) * CELL);
	}
	jp_svg_add(picture, "</g>");
	appendStringInfoChar(&picture->words, '.');
	picture->height += ROW;
	return row;
}

/*
 * How many came back in a period, as a share of the cohort.  Shades are by its
 * root, because most shares are small.
 */
static void
draw_cell(JpPicture *picture, uint64 row, int column, int x)
{
	bool		unknown,
				few;
	Datum		value = jp_row_value(row, SHARE, &unknown);
	int64		subjects = jp_row_count(row, SUBJECTS, &few);
	double		share = unknown ? 0 : DatumGetFloat8(value);
	int			shade = Max(Min((int) (sqrt(rint(share * 1000) / 1000) * 10), 9), 0);
	const char *said;

	appendStringInfo(&picture->body, "<g data-period=\"%d\"", column);
	if (!few)
		appendStringInfo(&picture->body, " data-subjects=\"" INT64_FORMAT "\"", subjects);
	jp_svg_add(picture, ">");
	if (few || unknown)
	{
		said = jp_picture_word(picture, JP_WORD_TOO_FEW);
		jp_svg_box(picture, "few", x + 15, picture->height + 15, CELL - 30, ROW - 30, 40);
		jp_svg_tip(picture, "", said);
	}
	else
	{
		said = jp_said_share(picture, share);
		jp_svg_tip(picture, "", psprintf("%s %s", jp_said_count(picture, subjects), jp_picture_word(picture, JP_WORD_PEOPLE)));
		jp_svg_box(picture, psprintf("h%d", shade), x + 15, picture->height + 15, CELL - 30, ROW - 30, 40);
		jp_svg_words(picture, shade < 5 ? "on0 m" : "on1 m", x + CELL / 2, picture->height + ROW / 2 + 40, said);
	}
	jp_svg_add(picture, "</g>");
	tell_cell(picture, column, said);
}

/* A cell in words. */
static void
tell_cell(JpPicture *picture, int column, const char *share)
{
	appendStringInfo(&picture->words, "; %d: %s", column, share);
}
