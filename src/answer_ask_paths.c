/*
 * answer_ask_paths.c
 *		paths("table", …): from which event to which people go, by position.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "answer_ask.h"

enum
{
	TABLE, DEPTH, GAP, COLLAPSE, ANCHOR, ANCHOR_AT, DIRECTION, COMMON
};

/* Fields of an edge_count. */
enum
{
	BREAKDOWN = 1, POSITION, FROM_EVENT, TO_EVENT, SUBJECTS, TIMES
};

PG_FUNCTION_INFO_V1(jp_paths_of_table);

static int	compare_edges(const void *a, const void *b, void *arg);
static void tell_position(JpAsk *ask, const int *edge, uint32 count);
static void tell_edge(JpAsk *ask, int cell, int64 subjects);
static void tell_other(JpAsk *ask, const int *edge, const JpFloorTable *table);
static int32 position_of(const JpAsk *ask, int cell);
static bool same_position(const JpAsk *ask, int a, int b);

/* SQL: paths("table", depth, gap, collapse, anchor, anchor_at, direction, …). */
Datum
jp_paths_of_table(PG_FUNCTION_ARGS)
{
	JpAsk		ask;
	int		   *edge;
	int			begin,
				end;

	jp_ask_begin(&ask, fcinfo, COMMON, true);
	jp_ask_run(&ask, "edge_counts",
			   psprintf(", %s, %s", ask.event, jp_ask_breakdown(&ask)),
			   psprintf("%s, %s, %s, %s, %s, %s",
						jp_ask_argument(&ask, DEPTH, INT4OID),
						jp_ask_argument(&ask, GAP, INTERVALOID),
						jp_ask_argument(&ask, COLLAPSE, BOOLOID),
						jp_ask_argument(&ask, ANCHOR, TEXTOID),
						jp_ask_argument(&ask, ANCHOR_AT, TEXTOID),
						jp_ask_argument(&ask, DIRECTION, TEXTOID)));
	edge = palloc((ask.cells + 1) * sizeof(int));
	for (begin = 0; begin < ask.cells; begin++)
		edge[begin] = begin;
	qsort_arg(edge, ask.cells, sizeof(int), compare_edges, &ask);
	for (begin = 0; begin < ask.cells; begin = end)
	{
		for (end = begin + 1; end < ask.cells && same_position(&ask, edge[begin], edge[end]); end++)
			;
		tell_position(&ask, edge + begin, end - begin);
	}
	PG_RETURN_VOID();
}

/* Whether two edges begin at the same position. */
static bool
same_position(const JpAsk *ask, int a, int b)
{
	return position_of(ask, a) == position_of(ask, b);
}

/* At which position an edge begins; 0: at any. */
static int32
position_of(const JpAsk *ask, int cell)
{
	bool		isnull;
	Datum		position = jp_ask_field(ask, cell, POSITION, &isnull);

	return isnull ? 0 : DatumGetInt32(position);
}

/* By position, subjects as they are told (most first) and names. */
static int
compare_edges(const void *a, const void *b, void *arg)
{
	const JpAsk *ask = arg;
	int			left = *(const int *) a;
	int			right = *(const int *) b;
	static const int names[] = {FROM_EVENT, TO_EVENT, BREAKDOWN};
	int64		number[2] = {position_of(ask, left), position_of(ask, right)};
	int			i;

	if (number[0] != number[1])
		return number[0] < number[1] ? -1 : 1;
	number[0] = jp_floor_count(&ask->floor, jp_ask_count(ask, left, SUBJECTS));
	number[1] = jp_floor_count(&ask->floor, jp_ask_count(ask, right, SUBJECTS));
	if (number[0] != number[1])
		return number[0] > number[1] ? -1 : 1;
	for (i = 0; i < lengthof(names); i++)
	{
		int			order = jp_ask_compare(ask, left, right, names[i]);

		if (order != 0)
			return order;
	}
	return 0;
}

/*
 * The edges from one position.  Without a gap each subject has one of them at a
 * position; otherwise a subject may have several, and only those that many took
 * are told.
 */
static void
tell_position(JpAsk *ask, const int *edge, uint32 count)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	bool		apart = PG_ARGISNULL(GAP) && !PG_ARGISNULL(DEPTH);
	JpFloorTable table;
	uint32		i;

	jp_ask_table(&table, JP_CELLS_APART, count, 1);
	for (i = 0; i < count; i++)
		table.subjects[i] = jp_ask_count(ask, edge[i], SUBJECTS);
	if (apart)
		jp_floor_table(&ask->floor, &table, NULL);
	else
		for (i = 0; i < count; i++)
			table.subjects[i] = jp_floor_count(&ask->floor, table.subjects[i]);
	for (i = 0; i < count; i++)
		tell_edge(ask, edge[i], table.subjects[i]);
	if (apart && table.pooled > 0 && table.other[0] != JP_HIDDEN)
		tell_other(ask, edge, &table);
}

/* position, from_event, to_event, subjects, events, breakdown */
static void
tell_edge(JpAsk *ask, int cell, int64 subjects)
{
	Datum		values[6];
	bool		nulls[6];

	if (subjects == JP_HIDDEN)
		return;
	values[0] = jp_ask_field(ask, cell, POSITION, &nulls[0]);
	values[1] = jp_ask_field(ask, cell, FROM_EVENT, &nulls[1]);
	values[2] = jp_ask_field(ask, cell, TO_EVENT, &nulls[2]);
	values[3] = jp_told(subjects, &nulls[3]);
	values[4] = jp_told(jp_floor_amount(&ask->floor, subjects,
										jp_ask_count(ask, cell, TIMES)), &nulls[4]);
	values[5] = jp_ask_field(ask, cell, BREAKDOWN, &nulls[5]);
	jp_ask_row(ask, values, nulls);
}

/* The edges of a position that are pooled. */
static void
tell_other(JpAsk *ask, const int *edge, const JpFloorTable *table)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	Datum		values[6];
	bool		nulls[6] = {false};
	int64		times = 0;
	uint32		i;

	for (i = 0; i < table->pooled; i++)
		times += jp_ask_count(ask, edge[table->order[i]], TIMES);
	values[0] = jp_ask_field(ask, edge[0], POSITION, &nulls[0]);
	values[1] = values[2] = values[5] = jp_other();
	values[3] = jp_told(table->other[0], &nulls[3]);
	values[4] = jp_told(jp_floor_amount(&ask->floor, table->other[0], times), &nulls[4]);
	nulls[5] = PG_ARGISNULL(COMMON + JP_BREAKDOWN);
	jp_ask_row(ask, values, nulls);
}
