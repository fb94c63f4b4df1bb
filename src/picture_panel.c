/*
 * picture_panel.c
 *		Draws the decisions on a purpose: the share in force as a line, below it
 *		how many said yes (up) and no (down).
 */
#include "postgres.h"

#include "miscadmin.h"

#include "answer_floor.h"
#include "markup.h"
#include "picture_consent.h"

#define LEFT		200
#define HEADING		440
#define SHARE		700			/* height of the line's plot */
#define BETWEEN		300
#define BARS		1000		/* height of the bars' plot */
#define AXIS		390
#define TOLD		60			/* bars told in words */

/* A panel in the picture. */
typedef struct Panel
{
	JpPicture  *picture;
	const JpDecisions *decisions;
	const JpPeriods *periods;
	int			width;
	int			top;			/* of a plot */
	double		highest[2];		/* people a period, of both series */
} Panel;

static int	last_told(const JpDecisions *decisions, const JpPeriods *periods);
static void draw_heading(Panel *panel, int last);
static void draw_share(Panel *panel);
static void draw_grid(Panel *panel, int y, const char *said);
static void draw_line(Panel *panel);
static void draw_bars(Panel *panel);
static void measure_bars(Panel *panel);
static void draw_series(Panel *panel, JpSeriesKind kind, int baseline, double scale);
static void draw_bin(Panel *panel, JpSeriesKind kind, const JpBin *bin, int baseline, double scale);
static void draw_dates(Panel *panel);
static void tell(Panel *panel, int last);
static int	period_x(const Panel *panel, int period);
static char *span_name(const Panel *panel, const JpBin *bin);

/* Draws a panel. */
void
jp_decisions_draw(JpPicture *picture, const JpDecisions *decisions, const JpPeriods *periods)
{
	Panel		panel = {.picture = picture, .decisions = decisions, .periods = periods};
	int			last = last_told(decisions, periods);

	CHECK_FOR_INTERRUPTS();
	panel.width = picture->width - 2 * LEFT;
	if (picture->words.len > 0)
		picture->height += 260;
	jp_svg_add(picture, "<g data-purpose=\"%s\">", decisions->purpose);
	draw_heading(&panel, last);
	panel.top = picture->height + HEADING;
	draw_share(&panel);
	panel.top += SHARE + BETWEEN;
	draw_bars(&panel);
	panel.top += BARS;
	draw_dates(&panel);
	jp_svg_add(picture, "</g>");
	tell(&panel, last);
	picture->height = panel.top + AXIS + 100;
}

/* The last period whose share is told; -1: none. */
static int
last_told(const JpDecisions *decisions, const JpPeriods *periods)
{
	int			last = periods->count - 1;

	while (last >= 0 && decisions->decided[last] == JP_HIDDEN)
		last--;
	return last;
}

/* The purpose, and its last share. */
static void
draw_heading(Panel *panel, int last)
{
	JpPicture  *picture = panel->picture;
	const JpDecisions *decisions = panel->decisions;
	const char *said = jp_picture_word(picture, JP_WORD_TOO_FEW);
	int			y = picture->height + 120;

	if (last >= 0 && decisions->decided[last] > 0)
		said = psprintf("%s %s", jp_said_share(picture, (double) decisions->in_force[last] / decisions->decided[last]),
						jp_picture_word(picture, JP_WORD_IN_FORCE));
	jp_svg_label(picture, "ink l b", LEFT, y, JP_SIZE_LABEL * 12 / 10,
				 panel->width - jp_label_width(said, JP_SIZE_LABEL) - 200, decisions->purpose);
	jp_svg_add(picture, "<text class=\"ink l e\" x=\"%d\" y=\"%d\"", LEFT + panel->width, y);
	if (last >= 0)
		appendStringInfo(&picture->body, " data-decided=\"" INT64_FORMAT "\" data-in-force=\"" INT64_FORMAT "\"",
						 decisions->decided[last], decisions->in_force[last]);
	jp_svg_add(picture, ">%s</text>", said);
}

/* The share in force over time. */
static void
draw_share(Panel *panel)
{
	JpPicture  *picture = panel->picture;

	draw_grid(panel, panel->top, jp_said_share(picture, 1));
	draw_grid(panel, panel->top + SHARE / 2, jp_said_share(picture, 0.5));
	draw_grid(panel, panel->top + SHARE, jp_said_share(picture, 0));
	draw_line(panel);
}

/* A line of the grid, and what it stands for. */
static void
draw_grid(Panel *panel, int y, const char *said)
{
	jp_svg_add(panel->picture, "<path class=\"grid\" d=\"M%d %dh%d\"/>", LEFT, y, panel->width);
	jp_svg_words(panel->picture, "dim halo", LEFT, y - 40, said);
}

/* From point to point; a point alone is a short line. */
static void
draw_line(Panel *panel)
{
	JpPicture  *picture = panel->picture;
	const JpDecisions *decisions = panel->decisions;
	bool		drawn = false;
	int			i;

	for (i = 0; i < panel->periods->count; i++)
	{
		int			y;

		if (decisions->decided[i] <= 0)
			continue;
		y = panel->top + SHARE - (int) (SHARE * (double) decisions->in_force[i] / decisions->decided[i] + 0.5);
		if (!drawn)
			jp_svg_add(picture, "<path class=\"share\" d=\"M%d %dH%d", period_x(panel, i), y, period_x(panel, i + 1));
		else
			jp_svg_add(picture, "L%d %d", period_x(panel, i + 1), y);
		drawn = true;
	}
	if (drawn)
		jp_svg_add(picture, "\"/>");
}

/* Both series, yes upwards. */
static void
draw_bars(Panel *panel)
{
	JpPicture  *picture = panel->picture;
	double		scale;
	int			baseline;

	measure_bars(panel);
	scale = (BARS - 120) / Max(panel->highest[0] + panel->highest[1], 1.0);
	baseline = panel->top + 60 + (int) (panel->highest[0] * scale + 0.5);
	if (panel->highest[0] + panel->highest[1] == 0)
		baseline = panel->top + BARS / 2;
	draw_series(panel, JP_SERIES_YES, baseline, scale);
	draw_series(panel, JP_SERIES_NO, baseline, scale);
	jp_svg_add(picture, "<path class=\"grid\" d=\"M%d %dh%d\"/>", LEFT, baseline, panel->width);
}

/* The highest bar of both. */
static void
measure_bars(Panel *panel)
{
	int			kind,
				i;

	for (kind = JP_SERIES_YES; kind <= JP_SERIES_NO; kind++)
		for (i = 0; i < panel->decisions->series[kind].count; i++)
		{
			const JpBin *bin = &panel->decisions->series[kind].bin[i];
			double		height = (double) bin->people / (bin->last - bin->first + 1);

			panel->highest[kind] = Max(panel->highest[kind], height);
		}
}

/* The bars of a series, and how high its highest is. */
static void
draw_series(Panel *panel, JpSeriesKind kind, int baseline, double scale)
{
	JpPicture  *picture = panel->picture;
	bool		up = kind == JP_SERIES_YES;
	int			height = Max((int) (panel->highest[kind] * scale + 0.5), 90);
	int			y = up ? baseline - height : baseline + height;
	const JpSeries *series = &panel->decisions->series[kind];
	int			i;

	for (i = 0; i < series->count; i++)
		draw_bin(panel, kind, &series->bin[i], baseline, scale);
	jp_svg_box(picture, up ? "yes" : "no", LEFT, up ? y - 170 : y + 50, 100, 100, 20);
	jp_svg_words(picture, "ink halo", LEFT + 150, up ? y - 80 : y + 140,
				 panel->highest[kind] == 0 ? jp_picture_word(picture, up ? JP_WORD_YES : JP_WORD_NO) :
				 psprintf("%s (max. %d)", jp_picture_word(picture, up ? JP_WORD_YES : JP_WORD_NO), (int) (panel->highest[kind] + 0.5)));
}

/* A bar: as high as people a period on average. */
static void
draw_bin(Panel *panel, JpSeriesKind kind, const JpBin *bin, int baseline, double scale)
{
	JpPicture  *picture = panel->picture;
	int			periods = bin->last - bin->first + 1;
	int			x = period_x(panel, bin->first);
	int			width = Max(period_x(panel, bin->last + 1) - x, 6);
	int			height = (int) (bin->people / (double) periods * scale + 0.5);
	bool		few = bin->people == JP_HIDDEN;

	/* Where nothing is hidden, nobody is nobody. */
	if (few && panel->decisions->min_group == 1)
		return;
	width -= Min(width / 4, 20);
	height = few ? 80 : Max(height, 8);
	jp_svg_add(picture, "<g data-kind=\"%s\" data-from=\"%s\" data-to=\"", kind == JP_SERIES_YES ? "yes" : "no",
			   panel->periods->name[bin->first]);
	jp_svg_add(picture, "%s\"", panel->periods->name[bin->last]);
	if (!few)
		appendStringInfo(&picture->body, " data-subjects=\"" INT64_FORMAT "\"", bin->people);
	jp_svg_add(picture, "><title>%s: ", span_name(panel, bin));
	jp_svg_add(picture, few ? "%s</title>" : "%s %s</title>", few ? jp_picture_word(picture, JP_WORD_TOO_FEW) :
			   jp_said_count(picture, bin->people), jp_picture_word(picture, kind == JP_SERIES_YES ? JP_WORD_YES : JP_WORD_NO));
	jp_svg_box(picture, few ? "few" : kind == JP_SERIES_YES ? "yes" : "no", x,
			   kind == JP_SERIES_YES ? baseline - height : baseline, width, height, few ? 0 : Min(15, height / 2));
	jp_svg_add(picture, "</g>");
}

/* The first, the middle and the last day. */
static void
draw_dates(Panel *panel)
{
	JpPicture  *picture = panel->picture;
	const JpPeriods *periods = panel->periods;
	int			y = panel->top + 330;

	jp_svg_words(picture, "dim", LEFT, y, periods->name[0]);
	if (periods->count > 2)
		jp_svg_words(picture, "dim m", period_x(panel, periods->count / 2), y, periods->name[periods->count / 2]);
	if (periods->count > 1)
		jp_svg_words(picture, "dim e", LEFT + panel->width, y, periods->name[periods->count - 1]);
}

/* The panel in words. */
static void
tell(Panel *panel, int last)
{
	JpPicture  *picture = panel->picture;
	StringInfo	out = &picture->words;
	const JpDecisions *decisions = panel->decisions;
	int			told = 0;
	int			kind,
				i;

	appendStringInfo(out, "%s%s: ", out->len > 0 ? " " : "", decisions->purpose);
	if (last >= 0 && decisions->decided[last] > 0)
		appendStringInfo(out, "%s %s. ",
						 jp_said_share(picture, (double) decisions->in_force[last] / decisions->decided[last]),
						 jp_picture_word(picture, JP_WORD_IN_FORCE));
	else
		appendStringInfo(out, "%s. ", jp_picture_word(picture, JP_WORD_TOO_FEW));
	for (kind = JP_SERIES_YES; kind <= JP_SERIES_NO; kind++)
		for (i = 0; i < decisions->series[kind].count; i++)
		{
			const JpBin *bin = &decisions->series[kind].bin[i];

			if (bin->people == JP_HIDDEN || told++ >= TOLD)
				continue;
			appendStringInfo(out, "%s: %s %s. ", span_name(panel, bin), jp_said_count(picture, bin->people),
							 jp_picture_word(picture, kind == JP_SERIES_YES ? JP_WORD_YES : JP_WORD_NO));
		}
	if (told > TOLD)
		appendStringInfoString(out, "…");
}

/* Where a period begins. */
static int
period_x(const Panel *panel, int period)
{
	return LEFT + (int) ((int64) panel->width * period / panel->periods->count);
}

/* 2027-01-04, or 2027-01-04 – 2027-01-08. */
static char *
span_name(const Panel *panel, const JpBin *bin)
{
	char	  **name = (char **) panel->periods->name;

	if (bin->first == bin->last)
		return name[bin->first];
	return psprintf("%s – %s", name[bin->first], name[bin->last]);
}
