/*
 * picture_funnel.c
 *		funnel_svg("table", steps, …): how far people come, as bars under each
 *		other with those who leave in between.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "markup.h"
#include "picture_svg.h"

/* Arguments that matter here; all before the title are funnel()'s. */
enum
{
	TABLE, STEPS, WITHIN, BREAKDOWN = 9, TITLE = 13, LANGUAGE
};

/* Columns of what funnel() answers. */
enum
{
	STEP = 1, EVENT, SUBJECTS, OF_PREVIOUS, OF_FIRST, MEDIAN, GROUP
};

#define WIDTH		4000
#define LEFT		200
#define FULL		(WIDTH - 2 * LEFT)
#define BAR			240
#define PITCH		840
#define HEADING		340
#define MOST_GROUPS	24

/* A step as the answer told it. */
typedef struct Step
{
	char	   *event;
	bool		few;			/* too few to tell */
	int64		subjects;
	bool		part_known;
	double		of_previous;
	double		of_first;
	bool		timed;
	Interval	median;
} Step;

PG_FUNCTION_INFO_V1(jp_funnel_svg);

static char *subtitle(const JpPicture *picture, FunctionCallInfo fcinfo);
static uint64 draw_group(JpPicture *picture, uint64 row, bool named);
static void draw_heading(JpPicture *picture, uint64 row);
static Step read_step(uint64 row);
static void draw_step(JpPicture *picture, const Step *step, int number, int top);
static void draw_fall(JpPicture *picture, const Step *before, const Step *step, int top);
static void tell_leaving(JpPicture *picture, const Step *before, const Step *step, int y);
static void tell_step(JpPicture *picture, const Step *step);
static int	bar_width(const Step *step);

/* SQL: funnel_svg("table", steps, within, …, title, language). */
Datum
jp_funnel_svg(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, TEXTARRAYOID, INTERVALOID, JSONBOID, NAMEOID, TEXTOID,
		TSTZRANGEOID, TEXTARRAYOID, JSONBOID, NAMEOID, TEXTOID, NAMEOID, NAMEOID
	};
	JpPicture	picture;
	uint64		row = 0;
	int			groups = 0;

	jp_picture_begin(&picture, fcinfo, TITLE, LANGUAGE, JP_WORD_FUNNEL, WIDTH);
	jp_picture_ask(fcinfo, "SELECT step, event, subjects, of_previous, of_first, median_time, breakdown"
				   " FROM journey_privacy.funnel($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
				   lengthof(types), types);
	jp_picture_head(&picture, subtitle(&picture, fcinfo));
	while (row < SPI_processed && groups++ < MOST_GROUPS)
		row = draw_group(&picture, row, !PG_ARGISNULL(BREAKDOWN));
	if (row < SPI_processed)
	{
		jp_svg_words(&picture, "dim", LEFT, picture.height + 120, "…");
		appendStringInfo(&picture.words, " %s: …", jp_picture_word(&picture, JP_WORD_NOT_DRAWN));
		picture.height += 240;
	}
	picture.height += 60;
	return jp_picture_finish(&picture);
}

/* visit · within 1 d */
static char *
subtitle(const JpPicture *picture, FunctionCallInfo fcinfo)
{
	const char *table = get_rel_name(PG_GETARG_OID(TABLE));

	if (PG_ARGISNULL(WITHIN))
		return pstrdup(table);
	return psprintf("%s · %s %s", table, jp_picture_word(picture, JP_WORD_WITHIN),
					jp_said_interval(picture, PG_GETARG_INTERVAL_P(WITHIN)));
}

/* The steps of one group from a row on; returns the row behind them. */
static uint64
draw_group(JpPicture *picture, uint64 row, bool named)
{
	Step		before = {0};
	int			number = 0;
	int			top;
	bool		isnull;

	/* A funnel that nobody began, or nobody that may be told of, has no group. */
	if (named && !(jp_row_text(row, GROUP) == NULL && read_step(row).few))
		draw_heading(picture, row);
	top = picture->height + 200;
	do
	{
		Step		step = read_step(row);

		CHECK_FOR_INTERRUPTS();
		if (number > 0)
			draw_fall(picture, &before, &step, top - PITCH + BAR);
		draw_step(picture, &step, ++number, top);
		tell_step(picture, &step);
		before = step;
		top += PITCH;
		row++;
	} while (row < SPI_processed && DatumGetInt32(jp_row_value(row, STEP, &isnull)) > 1);
	picture->height = top - PITCH + BAR + 240;
	return row;
}

/* What a group is called. */
static void
draw_heading(JpPicture *picture, uint64 row)
{
	char	   *name = jp_row_text(row, GROUP);

	if (name == NULL)
		jp_svg_words(picture, "ink b", LEFT, picture->height + 120, jp_picture_word(picture, JP_WORD_NO_VALUE));
	else if (strcmp(name, "(other)") == 0)
		jp_svg_words(picture, "ink b", LEFT, picture->height + 120, jp_picture_word(picture, JP_WORD_OTHER));
	else
		jp_svg_label(picture, "ink b", LEFT, picture->height + 120, JP_SIZE_SMALL * 12 / 10, FULL, name);
	jp_svg_add(picture, "<path class=\"grid\" d=\"M%d %dH%d\"/>", LEFT, picture->height + 200, LEFT + FULL);
	if (picture->words.len > 0)
		appendStringInfoChar(&picture->words, ' ');
	jp_words_label(picture, name == NULL ? "" : name);
	appendStringInfoString(&picture->words, ":");
	picture->height += HEADING;
}

/* A row as a step. */
static Step
read_step(uint64 row)
{
	Step		step = {0};
	Datum		value;
	bool		isnull;

	step.event = jp_row_text(row, EVENT);
	step.subjects = jp_row_count(row, SUBJECTS, &step.few);
	value = jp_row_value(row, OF_FIRST, &isnull);
	step.part_known = !isnull && !step.few;
	step.of_first = isnull ? 0 : DatumGetFloat8(value);
	value = jp_row_value(row, OF_PREVIOUS, &isnull);
	step.part_known = step.part_known && !isnull;
	step.of_previous = isnull ? 0 : DatumGetFloat8(value);
	value = jp_row_value(row, MEDIAN, &isnull);
	step.timed = !isnull;
	if (step.timed)
		step.median = *DatumGetIntervalP(value);
	return step;
}

/* Name, figures and bar of a step. */
static void
draw_step(JpPicture *picture, const Step *step, int number, int top)
{
	const char *count = step->few ? jp_picture_word(picture, JP_WORD_TOO_FEW) : jp_said_count(picture, step->subjects);
	const char *share = step->few || !step->part_known ? "" : jp_said_share(picture, step->of_first);
	int			right = LEFT + FULL - (share[0] != '\0' ? 560 : 0);
	int			taken = step->few ? jp_label_width(count, JP_SIZE_SMALL) :
		jp_label_width(count, JP_SIZE_LABEL * 12 / 10);

	appendStringInfo(&picture->body, "<g data-step=\"%d\"", number);
	if (!step->few)
		appendStringInfo(&picture->body, " data-subjects=\"" INT64_FORMAT "\"", step->subjects);
	jp_svg_add(picture, ">");
	jp_svg_box(picture, "track", LEFT, top, FULL, BAR, 40);
	if (step->few)
		jp_svg_box(picture, "few", LEFT, top, FULL, BAR, 40);
	else if (bar_width(step) > 0)
		jp_svg_box(picture, "bar", LEFT, top, bar_width(step), BAR, Min(40, bar_width(step) / 2));
	jp_svg_label(picture, "ink l", LEFT, top - 80, JP_SIZE_LABEL, right - taken - 120 - LEFT, step->event);
	jp_svg_words(picture, step->few ? "dim e" : "ink l b e", right, top - 80, count);
	if (share[0] != '\0')
		jp_svg_words(picture, "ink l e", LEFT + FULL, top - 80, share);
	jp_svg_add(picture, "</g>");
}

/* How long a bar is; who is there is seen. */
static int
bar_width(const Step *step)
{
	double		part = step->part_known ? Min(step->of_first, 1.0) : step->subjects > 0 ? 1.0 : 0.0;
	int			width = (int) (part * FULL + 0.5);

	return step->subjects > 0 && width < 20 ? 20 : width;
}

/* What becomes less from a bar to the next. */
static void
draw_fall(JpPicture *picture, const Step *before, const Step *step, int top)
{
	if (!before->few && !step->few)
		jp_svg_add(picture, "<path class=\"fall\" d=\"M%d %dH%dL%d %dH%dZ\"/>",
				   LEFT + 20, top, LEFT + Max(bar_width(before) - 20, 20),
				   LEFT + Max(bar_width(step) - 20, 20), top + PITCH - BAR, LEFT + 20);
	tell_leaving(picture, before, step, top + 200);
}

/* 38% leave (766) · median 3 min */
static void
tell_leaving(JpPicture *picture, const Step *before, const Step *step, int y)
{
	StringInfoData said;
	int			x = LEFT + 120;

	initStringInfo(&said);
	if (!before->few && step->part_known && step->of_previous < 1)
	{
		jp_svg_add(picture, "<path class=\"no\" d=\"M%d %dh8l-4 7z\"/>", x, y - 80);
		x += 140;
		appendStringInfo(&said, "%s %s", jp_said_share(picture, 1 - step->of_previous),
						 jp_picture_word(picture, JP_WORD_LEAVE));
		/* Where a step may be left out, its part is of one before. */
		if (fabs(step->of_previous * before->subjects - step->subjects) < 0.5)
			appendStringInfo(&said, " (%s)", jp_said_count(picture, before->subjects - step->subjects));
	}
	if (step->timed)
		appendStringInfo(&said, "%s%s %s", said.len > 0 ? " · " : "", jp_picture_word(picture, JP_WORD_MEDIAN),
						 jp_said_interval(picture, &step->median));
	if (said.len > 0)
		jp_svg_words(picture, "ink", x, y, said.data);
}

/* A step in words. */
static void
tell_step(JpPicture *picture, const Step *step)
{
	if (picture->words.len > 0)
		appendStringInfoChar(&picture->words, ' ');
	jp_words_label(picture, step->event);
	if (step->few)
		appendStringInfo(&picture->words, ": %s.", jp_picture_word(picture, JP_WORD_TOO_FEW));
	else
	{
		appendStringInfo(&picture->words, ": %s %s", jp_said_count(picture, step->subjects),
						 jp_picture_word(picture, JP_WORD_PEOPLE));
		if (step->part_known)
			appendStringInfo(&picture->words, ", %s %s", jp_said_share(picture, step->of_first),
							 jp_picture_word(picture, JP_WORD_OF_FIRST));
		appendStringInfoChar(&picture->words, '.');
	}
}
