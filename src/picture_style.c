/*
 * picture_style.c
 *		The look of pictures, in light and in dark.
 *
 * Text has a contrast of at least 4.5 to 1 with what it stands on, what has to
 * be seen at least 3 to 1; test/t/070_pictures.pl measures it.  Blue and
 * orange, and shades of one blue, are told apart by people who do not see all
 * colours; no picture tells anything by colour alone.
 */
#include "postgres.h"

#include "picture_svg.h"

/* A class, what it colours, and its colours. */
typedef struct Rule
{
	const char *class;
	const char *property;
	const char *light;
	const char *dark;
} Rule;

static const Rule rules[] = {
	{"bg", "fill", "#ffffff", "#13171e"},
	{"ink", "fill", "#1b2330", "#e9edf3"},
	{"dim", "fill", "#566072", "#a6b0bf"},
	{"grid", "stroke", "#dfe5ec", "#2b333f"},
	{"track", "fill", "#eef2f7", "#1f2732"},
	{"bar", "fill", "#2f6fb5", "#6aaeee"},
	{"fall", "fill", "#d8e5f4", "#22364d"},
	{"yes", "fill", "#1f74b8", "#5fb0f0"},
	{"no", "fill", "#c4580c", "#f0a04f"},
	{"share", "stroke", "#1f74b8", "#5fb0f0"},
	{"few", "stroke", "#7b8595", "#8a95a5"},
	{"halo", "stroke", "#ffffff", "#13171e"},
	{"fade", "stop-color", "#6d7787", "#8f9aaa"},
	{"end", "color", "#6d7787", "#8f9aaa"},
	{"c0", "color", "#2f6fb5", "#6aaeee"},
	{"c1", "color", "#c4580c", "#f0a04f"},
	{"c2", "color", "#16807a", "#43c0b5"},
	{"c3", "color", "#9c3f8c", "#e08ed2"},
	{"c4", "color", "#77690a", "#cdb94a"},
	{"c5", "color", "#5a56c6", "#a9a4ff"},
	{"c6", "color", "#b03548", "#f28d97"},
	{"c7", "color", "#4b7828", "#98c96a"},
	{"h0", "fill", "#eff4fa", "#1a222d"},
	{"h1", "fill", "#dce8f5", "#1d2c3d"},
	{"h2", "fill", "#c4d9ef", "#20374f"},
	{"h3", "fill", "#a8c8e8", "#244363"},
	{"h4", "fill", "#87b2dd", "#295079"},
	{"h5", "fill", "#3a77b8", "#6aa6df"},
	{"h6", "fill", "#2c68a9", "#80b6ea"},
	{"h7", "fill", "#205998", "#97c5f2"},
	{"h8", "fill", "#164a86", "#b0d4f8"},
	{"h9", "fill", "#0d3b72", "#cbe3fc"},
	{"on0", "fill", "#1b2330", "#e9edf3"},
	{"on1", "fill", "#ffffff", "#0d1622"},
};

static const char *const shapes =
".jp-picture{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Noto Sans','DejaVu Sans',sans-serif;"
"font-size:12px;font-variant-numeric:tabular-nums}"
".jp-picture .t{font-size:17px;font-weight:600}"
".jp-picture .l{font-size:14px}"
".jp-picture .b{font-weight:600}"
".jp-picture .e{text-anchor:end}"
".jp-picture .m{text-anchor:middle}"
".jp-picture .grid,.jp-picture .share,.jp-picture .few{fill:none;stroke-width:1}"
".jp-picture .share{stroke-width:2;stroke-linejoin:round}"
".jp-picture .dash{stroke-dasharray:2 3}"
".jp-picture .halo{stroke-width:3;stroke-linejoin:round;paint-order:stroke}"
".jp-picture .col{fill:currentColor}"
".jp-picture .flow{fill-opacity:.28;stroke:currentColor;stroke-width:.5;stroke-opacity:.75}";

static void add_rules(StringInfo out, bool dark);

/* The whole style sheet. */
void
jp_picture_style(StringInfo out)
{
	appendStringInfoString(out, "<style>");
	appendStringInfoString(out, shapes);
	add_rules(out, false);
	appendStringInfoString(out, "@media (prefers-color-scheme:dark){");
	add_rules(out, true);
	appendStringInfoString(out, "}</style>");
}

/* The colours of one scheme. */
static void
add_rules(StringInfo out, bool dark)
{
	int			i;

	for (i = 0; i < lengthof(rules); i++)
		appendStringInfo(out, ".jp-picture .%s{%s:%s}", rules[i].class, rules[i].property,
						 dark ? rules[i].dark : rules[i].light);
}
