/*
 * picture_journey.c
 *		journey_map_svg("table", …): from where to where people go, as ribbons
 *		between boxes in a column for each position.
 *
 * The answer tells of ways from one event to the next, so how many end at a
 * position is how many came there less how many went on, if the floor allows
 * to tell; from which event they did is known only where nothing was pooled.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "answer_subjects.h"
#include "markup.h"
#include "picture_journey.h"
#include "picture_svg.h"

/* Arguments that matter here; the first ten are paths()'s, as event and props. */
enum
{
	TABLE, DEPTH, GAP, ANCHOR = 4, DIRECTION = 6, TITLE = 12, LANGUAGE
};

/* Columns of what paths() answers. */
enum
{
	POSITION = 1, FROM_EVENT, TO_EVENT, SUBJECTS, EVENTS
};

PG_FUNCTION_INFO_V1(jp_journey_map_svg);

static void read_ways(JpMap *map, FunctionCallInfo fcinfo);
static void find_events(JpMap *map);
static int	compare_ends(const void *a, const void *b);
static void choose_nodes(JpMap *map);
static int	compare_events(const void *a, const void *b, void *arg);
static int	add_node(JpMap *map, int column, JpNodeKind kind, const char *name);
static void add_flow(JpMap *map, int from, int to, int64 value);
static void join_ways(JpMap *map);
static void add_ends(JpMap *map, const JpFloor *floor);
static void add_end(JpMap *map, const JpFloor *floor, int column);
static bool is_pooled(const JpMap *map, int column);

/* SQL: journey_map_svg("table", depth, gap, collapse, anchor, …). */
Datum
jp_journey_map_svg(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, INT4OID, INTERVALOID, BOOLOID, TEXTOID, TEXTOID, TEXTOID,
		TSTZRANGEOID, TEXTARRAYOID, JSONBOID, NAMEOID, NAMEOID
	};
	JpPicture	picture;
	JpMap		map = {0};
	JpFloor		floor;

	jp_picture_begin(&picture, fcinfo, TITLE, LANGUAGE, JP_WORD_JOURNEY, 4000);
	jp_picture_ask(fcinfo, "SELECT \"position\", from_event, to_event, subjects, events"
				   " FROM journey_privacy.paths($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
				   " event => $11, props => $12)", lengthof(types), types);
	floor = jp_floor_in_force(PG_GETARG_OID(TABLE));
	map.of_times = !PG_ARGISNULL(GAP) || PG_ARGISNULL(DEPTH);
	read_ways(&map, fcinfo);
	find_events(&map);
	choose_nodes(&map);
	join_ways(&map);
	/* Figures that are rounded differ by more than people. */
	if (!PG_ARGISNULL(DEPTH) && !floor.coarse && (!map.of_times || floor.min_group == 1) &&
		strcmp(text_to_cstring(PG_GETARG_TEXT_PP(DIRECTION)), "from") == 0)
		add_ends(&map, &floor);
	jp_map_draw(&picture, &map, PG_ARGISNULL(ANCHOR) ? get_rel_name(PG_GETARG_OID(TABLE)) :
				psprintf("%s · %s", get_rel_name(PG_GETARG_OID(TABLE)),
						 text_to_cstring(PG_GETARG_TEXT_PP(ANCHOR))));
	return jp_picture_finish(&picture);
}

/* Reads the ways that came back, as many columns as are drawn. */
static void
read_ways(JpMap *map, FunctionCallInfo fcinfo)
{
	uint64		row;
	bool		isnull;

	map->way = MemoryContextAllocHuge(CurrentMemoryContext, (SPI_processed + 1) * sizeof(JpWay));
	for (row = 0; row < SPI_processed; row++)
	{
		JpWay	   *way = &map->way[map->ways];
		Datum		position = jp_row_value(row, POSITION, &isnull);

		CHECK_FOR_INTERRUPTS();
		way->column = isnull ? 0 : DatumGetInt32(position) - 1;
		if (way->column + 1 >= JP_MAP_COLUMNS)
		{
			map->more = true;
			continue;
		}
		way->name[0] = jp_row_text(row, FROM_EVENT);
		way->name[1] = jp_row_text(row, TO_EVENT);
		way->value = jp_row_count(row, map->of_times ? EVENTS : SUBJECTS, &isnull);
		if (isnull || way->value <= 0)
			continue;
		map->columns = Max(map->columns, way->column + 2);
		map->ways++;
	}
	map->numbered = !PG_ARGISNULL(DEPTH);
	map->depth = PG_ARGISNULL(DEPTH) ? 0 : PG_GETARG_INT32(DEPTH);
}

/* Finds the different events of each column, and what comes in and goes out. */
static void
find_events(JpMap *map)
{
	JpWayEnd   *end = MemoryContextAllocHuge(CurrentMemoryContext, (map->ways * 2 + 1) * sizeof(JpWayEnd));
	uint64		i;

	for (i = 0; i < map->ways * 2; i++)
	{
		JpWay	   *way = &map->way[i / 2];

		end[i].way = way;
		end[i].to = i % 2;
		end[i].column = way->column + i % 2;
		end[i].name = way->name[i % 2];
	}
	qsort(end, map->ways * 2, sizeof(JpWayEnd), compare_ends);
	map->event = MemoryContextAllocHuge(CurrentMemoryContext, (map->ways * 2 + 1) * sizeof(JpMapEvent));
	for (i = 0; i < map->ways * 2; i++)
	{
		JpMapEvent *event;

		if (i == 0 || compare_ends(&end[i - 1], &end[i]) != 0)
		{
			event = &map->event[map->events++];
			memset(event, 0, sizeof(JpMapEvent));
			event->column = end[i].column;
			event->name = end[i].name;
		}
		event = &map->event[map->events - 1];
		*(end[i].to ? &event->in : &event->out) += end[i].way->value;
		end[i].way->event[end[i].to] = map->events - 1;
	}
}

/* By column and name. */
static int
compare_ends(const void *a, const void *b)
{
	const JpWayEnd *left = a;
	const JpWayEnd *right = b;

	if (left->column != right->column)
		return left->column < right->column ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* The largest events of each column become nodes, the others one together. */
static void
choose_nodes(JpMap *map)
{
	uint64	   *order = MemoryContextAllocHuge(CurrentMemoryContext, (map->events + 1) * sizeof(uint64));
	int			column = -1;
	int			taken = 0;
	int			other = -1;
	uint64		i;

	for (i = 0; i < map->events; i++)
		order[i] = i;
	qsort_arg(order, map->events, sizeof(uint64), compare_events, map);
	for (i = 0; i < map->events; i++)
	{
		JpMapEvent *event = &map->event[order[i]];

		if (event->column != column)
		{
			column = event->column;
			taken = 0;
			other = -1;
		}
		if (taken < JP_MAP_EVENTS && strcmp(event->name, JP_MAP_OTHER) != 0)
		{
			event->node = add_node(map, column, JP_NODE_EVENT, event->name);
			taken++;
			continue;
		}
		if (other < 0)
			other = add_node(map, column, JP_NODE_OTHER, NULL);
		event->node = other;
	}
}

/* By column, size (most first) and name. */
static int
compare_events(const void *a, const void *b, void *arg)
{
	const JpMap *map = arg;
	const JpMapEvent *left = &map->event[*(const uint64 *) a];
	const JpMapEvent *right = &map->event[*(const uint64 *) b];
	int64		size[2] = {Max(left->in, left->out), Max(right->in, right->out)};

	if (left->column != right->column)
		return left->column < right->column ? -1 : 1;
	if (size[0] != size[1])
		return size[0] > size[1] ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* A node more; there is room for all of them. */
static int
add_node(JpMap *map, int column, JpNodeKind kind, const char *name)
{
	JpNode	   *node = &map->node[map->nodes];

	memset(node, 0, sizeof(JpNode));
	node->column = column;
	node->kind = kind;
	map->name[map->nodes] = name;
	return map->nodes++;
}

/* The ways between nodes; those between the same two are one flow. */
static void
join_ways(JpMap *map)
{
	uint64		i;

	for (i = 0; i < map->ways; i++)
	{
		const JpWay *way = &map->way[i];

		CHECK_FOR_INTERRUPTS();
		add_flow(map, map->event[way->event[0]].node, map->event[way->event[1]].node, way->value);
	}
}

/* So many more from a node to another. */
static void
add_flow(JpMap *map, int from, int to, int64 value)
{
	int			i = 0;

	while (i < map->flows && (map->flow[i].from != from || map->flow[i].to != to))
		i++;
	if (i == map->flows)
	{
		memset(&map->flow[i], 0, sizeof(JpFlow));
		map->flow[i].from = from;
		map->flow[i].to = to;
		map->flows++;
	}
	map->flow[i].value += value;
	map->node[from].out += value;
	map->node[to].in += value;
}

/* Those who went no further, after each position but the first and the last. */
static void
add_ends(JpMap *map, const JpFloor *floor)
{
	int			columns = map->columns;
	int			column;

	for (column = 1; column < columns && column + 1 < map->depth && column + 1 < JP_MAP_COLUMNS; column++)
		add_end(map, floor, column);
}

/* Those who came to a column and no further. */
static void
add_end(JpMap *map, const JpFloor *floor, int column)
{
	int			nodes = map->nodes;
	int64		ended = 0;
	int			end;
	int			i;

	for (i = 0; i < nodes; i++)
		if (map->node[i].column == column && map->node[i].kind != JP_NODE_END)
			ended += map->node[i].in - map->node[i].out;
	ended = ended > 0 ? jp_floor_count(floor, ended) : 0;
	if (ended <= 0)
		return;
	map->columns = Max(map->columns, column + 2);
	end = add_node(map, column + 1, JP_NODE_END, NULL);
	map->node[end].value = ended;
	if (is_pooled(map, column - 1) || is_pooled(map, column))
		return;
	for (i = 0; i < nodes; i++)
	{
		const JpNode *node = &map->node[i];

		if (node->column != column || node->kind == JP_NODE_END || node->in <= node->out)
			continue;
		if (jp_floor_count(floor, node->in - node->out) == node->in - node->out)
			add_flow(map, i, end, node->in - node->out);
	}
}

/* Whether the answer has pooled ways from a column. */
static bool
is_pooled(const JpMap *map, int column)
{
	uint64		i;

	for (i = 0; i < map->ways; i++)
		if (map->way[i].column == column && strcmp(map->way[i].name[0], JP_MAP_OTHER) == 0)
			return true;
	return false;
}
