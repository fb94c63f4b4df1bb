/*
 * picture_map.c
 *		Draws a journey map: ribbons first, boxes on them, labels on top.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "markup.h"
#include "picture_journey.h"

#define LEFT		200
#define BOX			80
#define GAP			90			/* between boxes */
#define TALL		3400		/* of the fullest column */
#define LINE		165			/* of a label */
#define COLOURS		8
#define TOLD		60			/* flows told in words */
#define TIP			120			/* characters of a name at a ribbon */

/* What drawing adds to a map. */
typedef struct Drawing
{
	JpPicture  *picture;
	JpMap	   *map;
	int			top;
	int			pitch;			/* from column to column */
	int			room;			/* width of a label */
	int			colour[JP_MAP_COLUMNS * JP_COLUMN_NODES];	/* -1: grey */
} Drawing;

static void lay(Drawing *drawing, JpFlows *flows);
static int	label_lines(const Drawing *drawing, int node);
static void choose_colours(Drawing *drawing);
static void draw_positions(Drawing *drawing);
static void draw_flow(Drawing *drawing, const JpFlow *flow);
static void draw_node(Drawing *drawing, int number);
static void draw_label(Drawing *drawing, int number);
static void tell(Drawing *drawing);
static int	column_x(const Drawing *drawing, int column);
static const char *colour_of(const Drawing *drawing, int node);
static const char *name_of(const Drawing *drawing, int node, bool *ours);
static void append_name(Drawing *drawing, StringInfo out, int node, size_t limit);
static int64 node_value(const JpNode *node);
static char *said_value(const Drawing *drawing, int64 value);

/* Draws a map. */
void
jp_map_draw(JpPicture *picture, JpMap *map, const char *subtitle)
{
	Drawing		drawing = {.picture = picture, .map = map};
	JpFlows		flows = {0};
	int			i;

	drawing.pitch = map->columns <= 2 ? 1830 : map->columns == 3 ? 1220 : map->columns == 4 ? 1080 : 940;
	drawing.room = drawing.pitch - BOX - 110;
	picture->width = Max(2 * LEFT + map->columns * drawing.pitch - 60, 4000);
	jp_picture_head(picture, subtitle);
	if (map->flows == 0)
	{
		jp_picture_nothing(picture);
		return;
	}
	lay(&drawing, &flows);
	draw_positions(&drawing);
	drawing.top = picture->height;
	for (i = 0; i < map->flows; i++)
		draw_flow(&drawing, &map->flow[i]);
	for (i = 0; i < map->nodes; i++)
		draw_node(&drawing, i);
	for (i = 0; i < map->nodes; i++)
		draw_label(&drawing, i);
	tell(&drawing);
	picture->height += flows.length + LEFT;
}

/* Lays it out, with room for labels of as many lines as are needed. */
static void
lay(Drawing *drawing, JpFlows *flows)
{
	JpMap	   *map = drawing->map;
	int			i;

	flows->columns = map->columns;
	flows->nodes = map->nodes;
	flows->node = map->node;
	flows->flows = map->flows;
	flows->flow = map->flow;
	flows->tall = TALL;
	flows->gap = GAP;
	for (i = 0; i < map->nodes; i++)
		map->node[i].label = (label_lines(drawing, i) + 1) * LINE + 20;
	jp_flows_lay(flows);
	choose_colours(drawing);
}

/* Lines that a name takes. */
static int
label_lines(const Drawing *drawing, int node)
{
	const char *name = drawing->map->name[node];

	return name != NULL && jp_label_width(name, JP_SIZE_LABEL) > drawing->room ? 2 : 1;
}

/* An event has the same colour in all columns; what is pooled has none. */
static void
choose_colours(Drawing *drawing)
{
	const JpMap *map = drawing->map;
	int			used = 0;
	int			i,
				j;

	for (i = 0; i < map->nodes; i++)
	{
		drawing->colour[i] = -1;
		if (map->node[i].kind != JP_NODE_EVENT)
			continue;
		for (j = 0; j < i && drawing->colour[i] < 0; j++)
			if (map->node[j].kind == JP_NODE_EVENT && strcmp(map->name[i], map->name[j]) == 0)
				drawing->colour[i] = drawing->colour[j];
		if (drawing->colour[i] < 0)
			drawing->colour[i] = used++ % COLOURS;
	}
}

/* The numbers of the columns. */
static void
draw_positions(Drawing *drawing)
{
	JpPicture  *picture = drawing->picture;
	int			i;

	if (!drawing->map->numbered)
		return;
	for (i = 0; i < drawing->map->columns; i++)
		jp_svg_words(picture, "dim", column_x(drawing, i), picture->height + 100, psprintf("%d", i + 1));
	if (drawing->map->more)
		jp_svg_words(picture, "dim e", picture->width - LEFT, picture->height + 100, "…");
	picture->height += 200;
}

/* A ribbon. */
static void
draw_flow(Drawing *drawing, const JpFlow *flow)
{
	JpPicture  *picture = drawing->picture;
	const JpNode *from = &drawing->map->node[flow->from];
	int			x0 = column_x(drawing, from->column) + BOX;
	int			x1 = column_x(drawing, from->column + 1);
	int			middle = (x0 + x1) / 2;
	int			y0 = drawing->top + flow->at_from;
	int			y1 = drawing->top + flow->at_to;

	CHECK_FOR_INTERRUPTS();
	jp_svg_add(picture, "<path class=\"flow %s\" data-column=\"", colour_of(drawing, flow->from));
	appendStringInfo(&picture->body, "%d\" data-value=\"" INT64_FORMAT "\" data-from=\"", from->column + 1, flow->value);
	append_name(drawing, &picture->body, flow->from, TIP);
	jp_svg_add(picture, "\" data-to=\"");
	append_name(drawing, &picture->body, flow->to, TIP);
	jp_svg_add(picture, "\" d=\"M%d %dC%d %d %d %d %d %d", x0, y0, middle, y0, middle, y1, x1, y1);
	jp_svg_add(picture, "v%dC%d %d %d %d %d %dz\"><title>", flow->thickness,
			   middle, y1 + flow->thickness, middle, y0 + flow->thickness, x0, y0 + flow->thickness);
	append_name(drawing, &picture->body, flow->from, TIP);
	jp_svg_add(picture, " → ");
	append_name(drawing, &picture->body, flow->to, TIP);
	jp_svg_add(picture, ": %s</title></path>", said_value(drawing, flow->value));
}

/* A box; an end without flows has a stub, since somebody came to it. */
static void
draw_node(Drawing *drawing, int number)
{
	JpPicture  *picture = drawing->picture;
	const JpNode *node = &drawing->map->node[number];
	int			x = column_x(drawing, node->column);
	int			y = drawing->top + node->at;

	jp_svg_add(picture, "<g data-column=\"");
	appendStringInfo(&picture->body, "%d\" data-value=\"" INT64_FORMAT "\" data-node=\"",
					 node->column + 1, node_value(node));
	append_name(drawing, &picture->body, number, 0);
	jp_svg_add(picture, "\"><title>");
	append_name(drawing, &picture->body, number, 0);
	jp_svg_add(picture, ": %s", said_value(drawing, node_value(node)));
	if (node->kind != JP_NODE_EVENT)
		jp_svg_add(picture, " (%s)", jp_picture_word(picture, node->kind == JP_NODE_END ? JP_WORD_END_WHY : JP_WORD_POOLED_WHY));
	jp_svg_add(picture, "</title>");
	if (node->kind == JP_NODE_END && node->in == 0)
		jp_svg_add(picture, "<path d=\"M%d %dh-30v%dh30z\" fill=\"url(#jp-fade\001)\"/>", x, y, node->length);
	jp_svg_box(picture, colour_of(drawing, number), x, y, BOX, node->length, 0);
	if (node->kind == JP_NODE_OTHER)
		jp_svg_box(picture, "few", x, y, BOX, node->length, 0);
	jp_svg_add(picture, "</g>");
}

/* Its name and figure, beside the box. */
static void
draw_label(Drawing *drawing, int number)
{
	JpPicture  *picture = drawing->picture;
	const JpNode *node = &drawing->map->node[number];
	bool		ours;
	const char *name = name_of(drawing, number, &ours);
	int			x = column_x(drawing, node->column) + BOX + 50;
	int			y = drawing->top + node->at + 125;
	int			lines = 1;

	if (ours)
		jp_svg_words(picture, "dim halo l", x, y, name);
	else
		lines = jp_svg_label2(picture, "ink halo l", x, y, JP_SIZE_LABEL, drawing->room, name);
	jp_svg_words(picture, "ink halo b", x, y + lines * LINE - 10, jp_said_count(picture, node_value(node)));
}

/* The flows in words. */
static void
tell(Drawing *drawing)
{
	const JpMap *map = drawing->map;
	StringInfo	out = &drawing->picture->words;
	int			i;

	for (i = 0; i < map->flows && i < TOLD; i++)
	{
		if (map->numbered)
			appendStringInfo(out, "%d. ", map->node[map->flow[i].from].column + 1);
		append_name(drawing, out, map->flow[i].from, 80);
		appendStringInfo(out, " %s ", jp_picture_word(drawing->picture, JP_WORD_TO));
		append_name(drawing, out, map->flow[i].to, 80);
		appendStringInfo(out, ": %s. ", said_value(drawing, map->flow[i].value));
	}
	if (i < map->flows)
		appendStringInfoString(out, "…");
}

/* Where a column begins. */
static int
column_x(const Drawing *drawing, int column)
{
	return LEFT + column * drawing->pitch;
}

/* The class of a node's colour. */
static const char *
colour_of(const Drawing *drawing, int node)
{
	return drawing->colour[node] < 0 ? "col end" : psprintf("col c%d", drawing->colour[node]);
}

/* What a node is called: a word of ours, or a user's name. */
static const char *
name_of(const Drawing *drawing, int node, bool *ours)
{
	JpNodeKind	kind = drawing->map->node[node].kind;

	*ours = kind != JP_NODE_EVENT;
	return kind == JP_NODE_EVENT ? drawing->map->name[node] :
		jp_picture_word(drawing->picture, kind == JP_NODE_END ? JP_WORD_END : JP_WORD_OTHER);
}

/* The same as markup. */
static void
append_name(Drawing *drawing, StringInfo out, int node, size_t limit)
{
	bool		ours;
	const char *name = name_of(drawing, node, &ours);

	if (ours)
		appendStringInfoString(out, name);
	else
		jp_markup_text(out, name, limit);
}

/* How many are at a node, as far as flows tell. */
static int64
node_value(const JpNode *node)
{
	return Max(node->value, Max(node->in, node->out));
}

/* 536 people */
static char *
said_value(const Drawing *drawing, int64 value)
{
	return psprintf("%s %s", jp_said_count(drawing->picture, value),
					jp_picture_word(drawing->picture, drawing->map->of_times ? JP_WORD_TIMES : JP_WORD_PEOPLE));
}
