/*
 * picture_flows.c
 *		Layout of a flow picture: columns of boxes, ribbons between them.
 *
 * Boxes of a column are put in an order in which ribbons cross little: by the
 * mean place of their neighbours, sweeping to and fro, then by exchanging
 * neighbours as long as that helps.  What is pooled and what ends stay at the
 * bottom.
 */
#include "picture_layout.h"

#define SWEEPS		12
#define LARGEST		(INT64_C(1) << 40)

static void sum_flows(JpFlows *flows);
static void measure(JpFlows *flows);
static int	thick(const JpFlows *flows, int64 value, int64 largest, int shift);
static int64 most(int64 a, int64 b);
static void begin_order(JpFlows *flows);
static void sweep(JpFlows *flows, int column, bool from_left);
static void exchange(JpFlows *flows, int column);
static int64 crossings(const JpFlows *flows, int column);
static int64 all_crossings(const JpFlows *flows);
static int64 mean_rank(const JpFlows *flows, int node, bool from_left);
static void rank_nodes(JpFlows *flows, int *nodes, int64 *key, int count);
static int	column_nodes(const JpFlows *flows, int column, int *nodes);
static void keep_order(JpFlows *flows, int64 *best);
static void place_columns(JpFlows *flows);
static int	wanted_at(const JpFlows *flows, int node);
static void place_flows(JpFlows *flows);
static void place_end(JpFlows *flows, int node, bool leaving);
static bool flow_before(const JpFlows *flows, int a, int b, bool leaving);

/* Lays out everything. */
void
jp_flows_lay(JpFlows *flows)
{
	int64		best;
	int			round,
				column;

	sum_flows(flows);
	measure(flows);
	begin_order(flows);
	best = INT64_MAX;
	keep_order(flows, &best);
	for (round = 0; round < SWEEPS && best > 0; round++)
	{
		for (column = 1; column < flows->columns; column++)
			sweep(flows, column, true);
		for (column = flows->columns - 2; column >= 0; column--)
			sweep(flows, column, false);
		for (column = 0; column < flows->columns; column++)
			exchange(flows, column);
		keep_order(flows, &best);
	}
	/* The best order lies in slot, which has been free so far. */
	for (column = 0; column < flows->nodes; column++)
		flows->node[column].rank = flows->node[column].slot;
	place_columns(flows);
	place_flows(flows);
}

/* What comes into each node and goes out. */
static void
sum_flows(JpFlows *flows)
{
	int			i;

	for (i = 0; i < flows->nodes; i++)
		flows->node[i].in = flows->node[i].out = 0;
	for (i = 0; i < flows->flows; i++)
	{
		flows->node[flows->flow[i].from].out += flows->flow[i].value;
		flows->node[flows->flow[i].to].in += flows->flow[i].value;
	}
}

/* How thick flows and how long boxes are. */
static void
measure(JpFlows *flows)
{
	int64		largest = 1;
	int			shift = 0;
	int			i,
				column;

	for (column = 0; column < flows->columns; column++)
	{
		int64		total = 0;

		for (i = 0; i < flows->nodes; i++)
			if (flows->node[i].column == column)
				total += most(flows->node[i].value, most(flows->node[i].in, flows->node[i].out));
		largest = total > largest ? total : largest;
	}
	while (largest >> shift > LARGEST)
		shift++;
	for (i = 0; i < flows->nodes; i++)
		flows->node[i].length = flows->node[i].slot = 0;
	for (i = 0; i < flows->flows; i++)
	{
		JpFlow	   *flow = &flows->flow[i];

		flow->thickness = thick(flows, flow->value, largest, shift);
		flows->node[flow->from].length += flow->thickness;
		flows->node[flow->to].slot += flow->thickness;
	}
	for (i = 0; i < flows->nodes; i++)
	{
		JpNode	   *node = &flows->node[i];

		node->length = (int) most(node->length, node->slot);
		node->length = (int) most(node->length, thick(flows, node->value, largest, shift));
	}
}

/* How thick so much is drawn; nothing is thinner than a unit. */
static int
thick(const JpFlows *flows, int64 value, int64 largest, int shift)
{
	return (int) most((value >> shift) * flows->tall / (largest >> shift), JP_UNIT);
}

/* The larger one. */
static int64
most(int64 a, int64 b)
{
	return a > b ? a : b;
}

/* The nodes of a column in their order; returns how many. */
static int
column_nodes(const JpFlows *flows, int column, int *nodes)
{
	int			count = 0;
	int			i;

	for (i = 0; i < flows->nodes; i++)
		if (flows->node[i].column == column)
		{
			int			at = count++;

			for (; at > 0 && flows->node[nodes[at - 1]].rank > flows->node[i].rank; at--)
				nodes[at] = nodes[at - 1];
			nodes[at] = i;
		}
	return count;
}

/* At first, the largest come first. */
static void
begin_order(JpFlows *flows)
{
	int			column,
				i;

	for (i = 0; i < flows->nodes; i++)
		flows->node[i].rank = 0;
	for (column = 0; column < flows->columns; column++)
	{
		int			nodes[JP_COLUMN_NODES];
		int64		key[JP_COLUMN_NODES];
		int			count = column_nodes(flows, column, nodes);

		for (i = 0; i < count; i++)
			key[i] = -(int64) flows->node[nodes[i]].length;
		rank_nodes(flows, nodes, key, count);
	}
}

/* Orders a column by the neighbours on one side; those without any stay. */
static void
sweep(JpFlows *flows, int column, bool from_left)
{
	int			nodes[JP_COLUMN_NODES];
	int64		key[JP_COLUMN_NODES];
	int			count = column_nodes(flows, column, nodes);
	int			i;

	for (i = 0; i < count; i++)
		key[i] = mean_rank(flows, nodes[i], from_left);
	rank_nodes(flows, nodes, key, count);
}

/* Ranks the nodes of a column by kind, then by their keys; equal ones stay. */
static void
rank_nodes(JpFlows *flows, int *nodes, int64 *key, int count)
{
	int			i;

	for (i = 1; i < count; i++)
	{
		int			node = nodes[i];
		int64		mine = key[i];
		int			at = i;

		for (; at > 0; at--)
		{
			JpNodeKind	other = flows->node[nodes[at - 1]].kind;

			if (flows->node[node].kind > other ||
				(flows->node[node].kind == other && mine >= key[at - 1]))
				break;
			nodes[at] = nodes[at - 1];
			key[at] = key[at - 1];
		}
		nodes[at] = node;
		key[at] = mine;
	}
	for (i = 0; i < count; i++)
		flows->node[nodes[i]].rank = i;
}

/* The mean rank of a node's neighbours on a side, weighed, times 1024. */
static int64
mean_rank(const JpFlows *flows, int node, bool from_left)
{
	int64		sum = 0;
	int64		weight = 0;
	int			i;

	for (i = 0; i < flows->flows; i++)
	{
		const JpFlow *flow = &flows->flow[i];

		if ((from_left ? flow->to : flow->from) != node)
			continue;
		sum += (int64) flow->thickness * flows->node[from_left ? flow->from : flow->to].rank;
		weight += flow->thickness;
	}
	return weight > 0 ? sum * 1024 / weight : (int64) flows->node[node].rank * 1024;
}

/* Exchanges neighbours in a column while that makes crossings fewer. */
static void
exchange(JpFlows *flows, int column)
{
	int			nodes[JP_COLUMN_NODES];
	int			count = column_nodes(flows, column, nodes);
	int64		now = crossings(flows, column - 1) + crossings(flows, column);
	int			i;

	JP_CHECK_FOR_INTERRUPTS();
	for (i = 0; i + 1 < count; i++)
	{
		JpNode	   *a = &flows->node[nodes[i]];
		JpNode	   *b = &flows->node[nodes[i + 1]];
		int64		then;

		if (a->kind != b->kind)
			continue;
		a->rank = i + 1;
		b->rank = i;
		then = crossings(flows, column - 1) + crossings(flows, column);
		if (then < now)
		{
			int			node = nodes[i];

			nodes[i] = nodes[i + 1];
			nodes[i + 1] = node;
			now = then;
		}
		else
		{
			a->rank = i;
			b->rank = i + 1;
		}
	}
}

/* How much flows from a column to the next cross: each pair by its area. */
static int64
crossings(const JpFlows *flows, int column)
{
	const JpFlow *found[JP_COLUMN_NODES * JP_COLUMN_NODES];
	int64		area = 0;
	int			count = 0;
	int			i,
				j;

	for (i = 0; i < flows->flows; i++)
		if (flows->node[flows->flow[i].from].column == column)
			found[count++] = &flows->flow[i];
	for (i = 0; i < count; i++)
	{
		int			from = flows->node[found[i]->from].rank;
		int			to = flows->node[found[i]->to].rank;

		for (j = 0; j < i; j++)
		{
			int			left = from - flows->node[found[j]->from].rank;
			int			right = to - flows->node[found[j]->to].rank;

			if ((left < 0 && right > 0) || (left > 0 && right < 0))
				area += (int64) found[i]->thickness * found[j]->thickness;
		}
	}
	return area;
}

/* Between all columns. */
static int64
all_crossings(const JpFlows *flows)
{
	int64		area = 0;
	int			column;

	for (column = 0; column < flows->columns; column++)
		area += crossings(flows, column);
	return area;
}

/* Remembers the order, in slot, when it is the best so far. */
static void
keep_order(JpFlows *flows, int64 *best)
{
	int64		area = all_crossings(flows);
	int			i;

	if (area >= *best)
		return;
	*best = area;
	for (i = 0; i < flows->nodes; i++)
		flows->node[i].slot = flows->node[i].rank;
}

/* Places boxes, each column as near as may be to where its flows come from. */
static void
place_columns(JpFlows *flows)
{
	int			column,
				i;

	flows->length = 0;
	for (column = 0; column < flows->columns; column++)
	{
		int			nodes[JP_COLUMN_NODES];
		int			count = column_nodes(flows, column, nodes);
		int			length = 0;

		for (i = 0; i < count; i++)
		{
			JpNode	   *node = &flows->node[nodes[i]];

			node->slot = (int) most(node->length, node->label);
			length += node->slot + (i > 0 ? flows->gap : 0);
		}
		flows->length = length > flows->length ? length : flows->length;
	}
	for (column = 0; column < flows->columns; column++)
	{
		int			nodes[JP_COLUMN_NODES];
		JpSpan		span[JP_COLUMN_NODES];
		int			count = column_nodes(flows, column, nodes);

		for (i = 0; i < count; i++)
		{
			span[i].wanted = column == 0 ? 0 : wanted_at(flows, nodes[i]);
			span[i].length = flows->node[nodes[i]].slot + flows->gap;
		}
		jp_spread(span, count, 0, flows->length + flows->gap);
		for (i = 0; i < count; i++)
			flows->node[nodes[i]].at = span[i].at;
	}
}

/* Where a box would lie straight beside those its flows come from. */
static int
wanted_at(const JpFlows *flows, int node)
{
	int64		sum = 0;
	int64		weight = 0;
	int			i;

	for (i = 0; i < flows->flows; i++)
	{
		const JpFlow *flow = &flows->flow[i];
		const JpNode *from = &flows->node[flow->from];

		if (flow->to != node)
			continue;
		sum += (int64) flow->thickness * (from->at + from->length / 2);
		weight += flow->thickness;
	}
	return weight > 0 ? (int) (sum / weight) - flows->node[node].length / 2 : 0;
}

/* Places both ends of the flows along their boxes. */
static void
place_flows(JpFlows *flows)
{
	int			i;

	for (i = 0; i < flows->nodes; i++)
	{
		place_end(flows, i, true);
		place_end(flows, i, false);
	}
}

/*
 * Places the flows that leave a node, or come to it, in the order of the nodes
 * at their other ends.
 */
static void
place_end(JpFlows *flows, int node, bool leaving)
{
	int			order[JP_COLUMN_NODES];
	int			count = 0;
	int			at = flows->node[node].at;
	int			i;

	for (i = 0; i < flows->flows; i++)
		if ((leaving ? flows->flow[i].from : flows->flow[i].to) == node)
		{
			int			place = count++;

			for (; place > 0 && flow_before(flows, i, order[place - 1], leaving); place--)
				order[place] = order[place - 1];
			order[place] = i;
		}
	for (i = 0; i < count; i++)
	{
		JpFlow	   *flow = &flows->flow[order[i]];

		*(leaving ? &flow->at_from : &flow->at_to) = at;
		at += flow->thickness;
	}
}

/* By the rank of the node at the other end. */
static bool
flow_before(const JpFlows *flows, int a, int b, bool leaving)
{
	const JpFlow *first = &flows->flow[a];
	const JpFlow *second = &flows->flow[b];

	return flows->node[leaving ? first->to : first->from].rank <
		flows->node[leaving ? second->to : second->from].rank;
}
