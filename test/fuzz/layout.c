/*
 * layout.c
 *		What must hold of every layout, on random ones: labels and boxes do not
 *		overlap and stay in the picture, ribbons lie within their boxes beside
 *		each other, text that is said to fit does.  Any text with libFuzzer; with
 *		-DSTANDALONE, main().
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/markup_escape.h"
#include "../../src/picture_layout.h"

#define MOST_COLUMNS	8

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds, const char *what)
{
	if (holds)
		return;
	printf("FAILED: %s\n", what);
	abort();
}

/* Text that fits, and as much of it as does. */
static void
fit(const char *text, size_t len, int size, int width)
{
	char	   *out = malloc(len * 6 + 9);
	size_t		characters = jp_text_fit(text, len, size, width);
	size_t		i;

	if (characters == 0)
		check(jp_text_width(text, len, size) <= width, "text that does not fit");
	else
	{
		size_t		n = 0;
		size_t		at = 0;

		/* as jp_markup_escape cuts it, before it is escaped */
		for (i = 1; i < characters && at < len; i++)
			n += jp_markup_put(out + n, jp_markup_next(text, len, &at));
		n += jp_markup_put(out + n, 0x2026);
		check(characters == 1 || jp_text_width(out, n, size) <= width, "cut text that does not fit");
		check(jp_text_width(text, len, size) >= width, "text that is cut without need");
	}
	free(out);
	i = jp_text_break(text, len, size, width);
	check(i <= len, "a break outside of the text");
	while (i > 0 && i < len && text[i - 1] == ' ')
		i--;
	check(i == len || jp_text_width(text, i, size) <= width, "a first line that does not fit");
}

/* A size, a width and a text, in memory whose end is watched. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *text;

	if (size < 3)
		return 0;
	text = malloc(size == 3 ? 1 : size - 3);
	memcpy(text, data + 3, size - 3);
	fit(text, size - 3, 1 + data[0], data[1] * 256 + data[2]);
	free(text);
	return 0;
}

#ifdef STANDALONE
static uint64 state;

static uint32
next(uint32 below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32) (state >> 33) % below;
}

/* The sum of squares that a placing costs. */
static int64
cost(const JpSpan *span, const int *at, int count)
{
	int64		sum = 0;
	int			i;

	for (i = 0; i < count; i++)
		sum += (int64) (at[i] - span[i].wanted) * (at[i] - span[i].wanted);
	return sum;
}

/* The least cost of placing spans from one on, tried one by one. */
static int64
least(const JpSpan *span, int count, int i, int low, int high, int *at)
{
	int64		best = INT64_MAX;
	int			after = 0;
	int			j;

	if (i == count)
		return cost(span, at, count);
	for (j = i; j < count; j++)
		after += span[j].length;
	for (at[i] = low; at[i] <= high - after; at[i]++)
	{
		int			here = at[i];
		int64		found = least(span, count, i + 1, here + span[i].length, high, at);

		at[i] = here;
		best = found < best ? found : best;
	}
	return best;
}

/* Spans apart and in bounds; few of them as near as can be. */
static void
spread(void)
{
	JpSpan		span[40];
	int			at[40];
	bool		small = next(4) == 0;
	int			count = small ? 1 + next(3) : next(41);
	int			high = small ? 12 : 400 + next(2000);
	int			low = (int) next(small ? 3 : 100) - 1;
	int			total = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		span[i].wanted = (int) next(small ? 16 : 3000) - 2;
		span[i].length = 1 + next(small ? 3 : 120);
		total += span[i].length;
	}
	jp_spread(span, count, low, high);
	for (i = 0; i < count; i++)
	{
		check(span[i].at >= low, "a span above the picture");
		check(i == 0 || span[i].at >= span[i - 1].at + span[i - 1].length, "spans overlap");
		check(total > high - low || span[i].at + span[i].length <= high, "a span below the picture");
		at[i] = span[i].at;
	}
	if (small && total <= high - low)
	{
		int64		mine = cost(span, at, count);

		/* means are rounded down, which costs at most one each */
		check(mine <= least(span, count, 0, low, high, at) + count, "spans are not where they would like to be");
	}
}

/* Boxes of a column apart, in bounds, as long as their flows. */
static void
check_nodes(const JpFlows *flows)
{
	int			i,
				j;

	for (i = 0; i < flows->nodes; i++)
	{
		const JpNode *a = &flows->node[i];

		check(a->slot >= a->length && a->slot >= a->label, "a label has no room");
		check(a->at >= 0 && a->at + a->slot <= flows->length, "a box outside of the picture");
		for (j = 0; j < flows->nodes; j++)
		{
			const JpNode *b = &flows->node[j];

			if (i == j || a->column != b->column)
				continue;
			check(a->rank != b->rank, "two boxes of one rank");
			check(a->rank > b->rank || a->at + a->slot + flows->gap <= b->at, "boxes overlap");
			check(a->kind <= b->kind || a->rank > b->rank, "what ends is not at the bottom");
		}
	}
}

/* Ribbons in their boxes, apart, none forgotten. */
static void
check_flows(const JpFlows *flows)
{
	int			i,
				j;

	for (i = 0; i < flows->flows; i++)
	{
		const JpFlow *a = &flows->flow[i];
		const JpNode *from = &flows->node[a->from];
		const JpNode *to = &flows->node[a->to];

		check(a->thickness >= JP_UNIT, "a flow that is not seen");
		check(a->at_from >= from->at && a->at_from + a->thickness <= from->at + from->length, "a flow outside of its box");
		check(a->at_to >= to->at && a->at_to + a->thickness <= to->at + to->length, "a flow outside of the box it comes to");
		for (j = 0; j < i; j++)
		{
			const JpFlow *b = &flows->flow[j];

			check(a->from != b->from || a->at_from >= b->at_from + b->thickness ||
				  b->at_from >= a->at_from + a->thickness, "flows overlap where they begin");
			check(a->to != b->to || a->at_to >= b->at_to + b->thickness ||
				  b->at_to >= a->at_to + a->thickness, "flows overlap where they end");
			check(a->value != b->value || a->thickness == b->thickness, "equal flows that differ");
			check(a->value <= b->value || a->thickness >= b->thickness, "more is drawn thinner");
		}
	}
}

/* A random flow picture. */
static void
lay(void)
{
	JpNode		node[MOST_COLUMNS * JP_COLUMN_NODES] = {{0}};
	JpFlow		flow[MOST_COLUMNS * JP_COLUMN_NODES * JP_COLUMN_NODES] = {{0}};
	JpFlows		flows = {.node = node, .flow = flow};
	bool		huge = next(8) == 0;
	int			i,
				j;

	flows.columns = 1 + next(MOST_COLUMNS);
	flows.tall = 1000 + next(4000);
	flows.gap = next(100);
	for (i = 0; i < flows.columns; i++)
	{
		int			count = next(JP_COLUMN_NODES + 1);

		for (j = 0; j < count; j++)
		{
			node[flows.nodes].column = i;
			node[flows.nodes].label = next(500);
			node[flows.nodes].value = next(4) == 0 ? next(2000) : 0;
			node[flows.nodes++].kind = next(5) == 0 ? 1 + next(2) : JP_NODE_EVENT;
		}
	}
	for (i = 0; i < flows.nodes; i++)
		for (j = 0; j < flows.nodes; j++)
			if (node[j].column == node[i].column + 1 && next(3) != 0)
			{
				flow[flows.flows].from = i;
				flow[flows.flows].to = j;
				flow[flows.flows++].value = huge ? INT64_C(1) << next(54) : 1 + next(1 + next(1000));
			}
	jp_flows_lay(&flows);
	check_nodes(&flows);
	check_flows(&flows);
}

/* Random text. */
static void
fit_any(void)
{
	char		text[40];
	size_t		len = next(sizeof(text));
	size_t		i;

	for (i = 0; i < len; i++)
		text[i] = next(10) == 0 ? (char) next(256) : (char) (' ' + next(95));
	fit(text, len, 60 + next(200), next(1500));
}

int
main(int argc, char **argv)
{
	long		cases = argc > 1 ? atol(argv[1]) : 8000;
	long		i;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 20240918;
	printf("seed %llu\n", (unsigned long long) state);
	for (i = 0; i < cases; i++)
	{
		spread();
		fit_any();
		if (i % 10 == 0)
			lay();
	}
	printf("%ld cases\n", cases);
	return 0;
}
#endif
