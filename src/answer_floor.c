/*
 * answer_floor.c
 *		What of counted subjects may be published.
 *
 * A group is what remains of any difference between published figures: those
 * of a cell, those of a total who are in no published group, those who made
 * one step and not the next.  No group of 1 to min_group - 1 subjects may be
 * told in this way.
 *
 * Coarse figures are multiples of min_group, rounded down, or hidden.  So any
 * sum or difference of them is a multiple, too, and says of a group no more
 * than a range; groups are still pooled by what was counted.  What many calls
 * find out all the same is where a count passes from one multiple to the next:
 * that is why the bounds of time are coarse as well.
 *
 * Exact figures are safe within one breakdown and its total.  The table has a
 * row for each group that is not pooled and one for (other), a column for each
 * cell.  In column c all that is known of rows are the published cells and,
 * when the total of the column is told as well, the sum of the hidden ones,
 * H(c).  Somebody who subtracts gets nowhere but to sets of rows that are made
 * of published cells, each by itself, and of H(c) as a whole.  Those who are in
 * column a and not in column c (nested: any a before c; parts of the first: a
 * is 0) are counted by two such sets of the same rows, and the smallest sets
 * that both columns have are
 *   - a row published in both,
 *   - the union of H(a) and H(c) where they have a row in common,
 *   - H(a), H(c) by themselves where they have none;
 * every other is made of these.  It is enough that none of them counts 1 to
 * min_group - 1 subjects, with c against the a before and against nothing.
 *
 * Columns are settled from left to right.  A cell is hidden that is small, or
 * that differs too little from the last one published of its row: the later
 * step, so that a funnel keeps its beginning.  As long as one of the sets above
 * is too small, the smallest cell published in the column is hidden as well.
 * That ends well at the latest when the whole column is hidden: what is left
 * then is the total, which follows the same rule.
 */
#include "pure.h"

#include <stdlib.h>

#include "answer_floor.h"

/* Coarse bounds of time are full hours, in microseconds. */
#define BOUND	INT64_C(3600000000)

/* A row, to be sorted. */
typedef struct Ranked
{
	int64		subjects;
	uint32		row;
} Ranked;

/* The column at hand, c, against one before: sums of who is in a, not in c. */
typedef struct Against
{
	int64		of_a;			/* in the rows of H(a) */
	int64		of_c;			/* in the rows of H(c) */
	int64		of_both;		/* in the union */
	uint32		common;			/* rows in both */
} Against;

/* What is worked with. */
typedef struct Work
{
	int64		min;
	JpFloorTable *table;
	uint32		rows;			/* (other), if there is one, is the last */
	Ranked	   *ranked;
	int64	   *totals;			/* as they are published */
	Against    *against;
	uint32		hidden;			/* of the column at hand: rows of H(c), */
	int64		hidden_largest;	/* the subjects of the largest of them, */
	int64		hidden_sum;		/* and of all */
} Work;

static inline bool is_small(int64 min, int64 subjects);
static bool is_telling(int64 min, uint32 count, int64 subjects,
					   int64 largest, int64 next);
static int	compare_ranked(const void *a, const void *b);
static bool is_told(const JpFloor *floor, int64 total, int64 subjects);
static void pool(const JpFloor *floor, JpFloorTable *table, const int64 *together);
static void sum_pooled(JpFloorTable *table, const int64 *together);
static void hide_pooled(JpFloorTable *table);
static void publish_apart(const JpFloor *floor, JpFloorTable *table);
static void publish_exact(const JpFloor *floor, JpFloorTable *table);
static void begin_work(Work *work, const JpFloor *floor, JpFloorTable *table);
static int64 *cell_of(const Work *work, uint32 row, int column);
static inline int64 counted(int64 cell);
static int	first_against(const Work *work, int column);
static int	end_against(const Work *work, int column);
static void settle_column(Work *work, int column);
static bool is_near(const Work *work, uint32 row, int column);
static void look_back(Work *work, int column);
static void hide(Work *work, uint32 row, int column);
static bool is_safe(const Work *work, int column, int64 next);
static void rank_column(Work *work, int column, uint32 *count);
static void finish(JpFloorTable *table);

/* A count of subjects as it may be published. */
int64
jp_floor_count(const JpFloor *floor, int64 subjects)
{
	if (floor->min_group <= 1)
		return subjects;
	if (subjects < floor->min_group)
		return JP_HIDDEN;
	return floor->coarse ? subjects - subjects % floor->min_group : subjects;
}

/* A count of what subjects did. */
int64
jp_floor_amount(const JpFloor *floor, int64 published, int64 amount)
{
	if (published == JP_HIDDEN)
		return JP_HIDDEN;
	return floor->coarse ? amount - amount % floor->min_group : amount;
}

/* A duration; coarse ones have two significant digits. */
int64
jp_floor_duration(const JpFloor *floor, int64 published, int64 behind,
				  int64 microseconds)
{
	int64		unit = 1;

	if (published == JP_HIDDEN || behind < 1 || behind < floor->min_group)
		return JP_HIDDEN;
	if (!floor->coarse)
		return microseconds;
	while (microseconds / unit >= 100)
		unit *= 10;
	return (int64) (((uint64) microseconds + (uint64) unit / 2) / (uint64) unit * (uint64) unit);
}

/* A bound of time. */
int64
jp_floor_bound(const JpFloor *floor, int64 at)
{
	int64		past = at % BOUND;

	if (!floor->coarse || at < INT64_MIN + BOUND || at == INT64_MAX)
		return at;
	return at - past - (past < 0 ? BOUND : 0);
}

/* The cells of one group. */
void
jp_floor_cells(const JpFloor *floor, JpCells how, int cells, int64 *subjects)
{
	int64		before = -1;	/* the cell to differ from */
	int			c;

	if (floor->min_group <= 1)
		return;
	for (c = 0; c < cells; c++)
	{
		int64		here = subjects[c];

		subjects[c] = jp_floor_count(floor, here);
		if (floor->coarse || subjects[c] == JP_HIDDEN)
			continue;
		if (before >= 0 && is_small(floor->min_group, before - here))
			subjects[c] = JP_HIDDEN;
		else if (how == JP_CELLS_NESTED || (how == JP_CELLS_OF_FIRST && c == 0))
			before = here;
	}
}

/* Room for the work on a table. */
size_t
jp_floor_room(uint32 groups, int cells)
{
	return ((size_t) groups + 1) * sizeof(Ranked) +
		(size_t) cells * (sizeof(int64) + sizeof(Against));
}

/* Groups that may not be told first, then by size, then as they are given. */
void
jp_floor_order(const JpFloor *floor, JpFloorTable *table)
{
	Ranked	   *ranked = (Ranked *) table->room;
	uint32		count = 0;
	uint32		i;
	int			told;

	for (told = 0; told <= 1; told++)
	{
		uint32		begin = count;

		for (i = 0; i < table->groups; i++)
		{
			int64		subjects = table->subjects[(size_t) i * table->cells];

			if (is_told(floor, table->total, subjects) == (told == 1))
			{
				ranked[count].subjects = subjects;
				ranked[count++].row = i;
			}
		}
		if (count > begin)
			qsort(ranked + begin, count - begin, sizeof(Ranked), compare_ranked);
	}
	for (i = 0; i < table->groups; i++)
		table->order[i] = ranked[i].row;
}

/* Decides what may be published of a table. */
void
jp_floor_table(const JpFloor *floor, JpFloorTable *table, const int64 *together)
{
	int			c;

	if (table->total < 0)
		jp_floor_order(floor, table);
	table->pooled = 0;
	for (c = 0; c < table->cells; c++)
		table->other[c] = JP_HIDDEN;
	if (floor->min_group <= 1)
		return;
	pool(floor, table, together);
	sum_pooled(table, together);
	if (floor->coarse || table->total >= 0)
		publish_apart(floor, table);
	else
		publish_exact(floor, table);
	hide_pooled(table);
}

/* Whether so many subjects are a group too small to be told of. */
static inline bool
is_small(int64 min, int64 subjects)
{
	return subjects >= 1 && subjects < min;
}

/*
 * Whether a sum of hidden groups tells each of them: all are as large as a
 * small group can be, but perhaps for one that was hidden for their sake and
 * is no smaller than the next, which is published.
 */
static bool
is_telling(int64 min, uint32 count, int64 subjects, int64 largest, int64 next)
{
	if (count == 0 || (largest >= min && next != largest))
		return false;
	return subjects == (min - 1) * (int64) (count - 1) +
		(largest < min ? min - 1 : largest);
}

/* By size, then as given. */
static int
compare_ranked(const void *a, const void *b)
{
	const Ranked *left = (const Ranked *) a;
	const Ranked *right = (const Ranked *) b;

	if (left->subjects != right->subjects)
		return left->subjects < right->subjects ? -1 : 1;
	return left->row < right->row ? -1 : left->row > right->row;
}

/*
 * Whether a group of this size may stand by itself: where subjects are in
 * several groups, those who are not in it are a group, too.
 */
static bool
is_told(const JpFloor *floor, int64 total, int64 subjects)
{
	return subjects >= floor->min_group &&
		(floor->coarse || total < 0 || !is_small(floor->min_group, total - subjects));
}

/* Finds how many groups, the smallest first, are (other). */
static void
pool(const JpFloor *floor, JpFloorTable *table, const int64 *together)
{
	int64		subjects = 0;
	int64		last = 0;
	uint32		i;

	for (i = 0; i < table->groups; i++)
	{
		int64		here = table->subjects[(size_t) table->order[i] * table->cells];

		if (is_told(floor, table->total, here) &&
			(subjects == 0 || is_told(floor, table->total, subjects)) &&
			!is_telling(floor->min_group, i, subjects, last, here))
			break;
		subjects = together != NULL ? together[i] : subjects + here;
		last = here;
	}
	table->pooled = i;
}

/* Counts the subjects of (other), not yet looking at what may be told. */
static void
sum_pooled(JpFloorTable *table, const int64 *together)
{
	uint32		i;
	int			c;

	if (table->pooled == 0)
		return;
	if (together != NULL)
	{
		table->other[0] = together[table->pooled - 1];
		return;
	}
	for (c = 0; c < table->cells; c++)
	{
		table->other[c] = 0;
		for (i = 0; i < table->pooled; i++)
			table->other[c] += table->subjects[(size_t) table->order[i] * table->cells + c];
	}
}

/* Pooled groups are not told of. */
static void
hide_pooled(JpFloorTable *table)
{
	uint32		i;
	int			c;

	for (i = 0; i < table->pooled; i++)
		for (c = 0; c < table->cells; c++)
			table->subjects[(size_t) table->order[i] * table->cells + c] = JP_HIDDEN;
}

/* Publishes groups from which nothing follows for others. */
static void
publish_apart(const JpFloor *floor, JpFloorTable *table)
{
	uint32		i;

	for (i = table->pooled; i < table->groups; i++)
		jp_floor_cells(floor, table->how, table->cells,
					   table->subjects + (size_t) table->order[i] * table->cells);
	if (table->pooled > 0)
		jp_floor_cells(floor, table->how, table->total < 0 ? table->cells : 1,
					   table->other);
}

/* Publishes exact figures; a cell that is to be hidden is its complement. */
static void
publish_exact(const JpFloor *floor, JpFloorTable *table)
{
	Work		work;
	int			c;

	begin_work(&work, floor, table);
	for (c = 0; c < table->cells; c++)
		settle_column(&work, c);
	finish(table);
}

/* Lays out the room, and works out what is told of the total. */
static void
begin_work(Work *work, const JpFloor *floor, JpFloorTable *table)
{
	uint32		row;
	int			c;

	work->min = floor->min_group;
	work->table = table;
	work->rows = table->groups - table->pooled + (table->pooled > 0 ? 1 : 0);
	work->ranked = (Ranked *) table->room;
	work->against = (Against *) (work->ranked + table->groups + 1);
	work->totals = (int64 *) (work->against + table->cells);
	for (c = 0; c < table->cells; c++)
	{
		work->totals[c] = 0;
		for (row = 0; row < work->rows; row++)
			work->totals[c] += *cell_of(work, row, c);
	}
	jp_floor_cells(floor, table->how, table->cells, work->totals);
}

/* A cell. */
static int64 *
cell_of(const Work *work, uint32 row, int column)
{
	const JpFloorTable *table = work->table;

	if (row == table->groups - table->pooled)
		return &table->other[column];
	return &table->subjects[(size_t) table->order[table->pooled + row] * table->cells +
							column];
}

/* What a cell counts, hidden or not. */
static inline int64
counted(int64 cell)
{
	return cell < 0 ? ~cell : cell;
}

/* The columns that a column is compared with. */
static int
first_against(const Work *work, int column)
{
	return work->table->how == JP_CELLS_APART ? column : 0;
}

static int
end_against(const Work *work, int column)
{
	return work->table->how == JP_CELLS_OF_FIRST && column > 1 ? 1 : column;
}

/* Hides what must be of a column; those before are settled. */
static void
settle_column(Work *work, int column)
{
	uint32		row;
	uint32		candidates;
	uint32		next = 0;

	look_back(work, column);
	for (row = 0; row < work->rows; row++)
		if (*cell_of(work, row, column) < work->min || is_near(work, row, column))
			hide(work, row, column);
	rank_column(work, column, &candidates);
	while (next < candidates &&
		   !is_safe(work, column, work->ranked[next].subjects))
		hide(work, work->ranked[next++].row, column);
}

/* Whether too few are in the last published cell of a row and not in this. */
static bool
is_near(const Work *work, uint32 row, int column)
{
	const int64 *cells = cell_of(work, row, 0);
	int			first = first_against(work, column);
	int			a;

	for (a = end_against(work, column) - 1; a >= first; a--)
		if (cells[a] >= 0)
			return is_small(work->min, cells[a] - cells[column]);
	return false;
}

/* Begins a column: nothing is hidden in it yet. */
static void
look_back(Work *work, int column)
{
	int			first = first_against(work, column);
	int			end = end_against(work, column);
	uint32		row;
	int			a;

	work->hidden = 0;
	work->hidden_largest = 0;
	work->hidden_sum = 0;
	memset(work->against, 0, sizeof(Against) * (size_t) work->table->cells);
	for (row = 0; row < work->rows; row++)
	{
		const int64 *cells = cell_of(work, row, 0);

		for (a = first; a < end; a++)
			if (cells[a] < 0)
				work->against[a].of_a += counted(cells[a]) - cells[column];
	}
	for (a = first; a < end; a++)
		work->against[a].of_both = work->against[a].of_a;
}

/* Hides a cell. */
static void
hide(Work *work, uint32 row, int column)
{
	int			first = first_against(work, column);
	int			end = end_against(work, column);
	int64	   *cells = cell_of(work, row, 0);
	int64		cell = cells[column];
	int			a;

	for (a = first; a < end; a++)
	{
		Against    *against = &work->against[a];

		against->of_c += counted(cells[a]) - cell;
		if (cells[a] < 0)
			against->common++;
		else
			against->of_both += cells[a] - cell;
	}
	work->hidden++;
	if (cell > work->hidden_largest)
		work->hidden_largest = cell;
	work->hidden_sum += cell;
	cells[column] = ~cell;
}

/* Whether no set of rows that can be told apart is too small. */
static bool
is_safe(const Work *work, int column, int64 next)
{
	bool		told = work->totals[column] != JP_HIDDEN;
	int			a;

	if (told && (is_small(work->min, work->hidden_sum) ||
				 is_telling(work->min, work->hidden, work->hidden_sum,
							work->hidden_largest, next)))
		return false;
	for (a = first_against(work, column); a < end_against(work, column); a++)
	{
		const Against *against = &work->against[a];
		bool		told_a = work->totals[a] != JP_HIDDEN;

		if (against->common > 0)
		{
			if (told && told_a && is_small(work->min, against->of_both))
				return false;
			continue;
		}
		if (told_a && is_small(work->min, against->of_a))
			return false;
		if (told && is_small(work->min, against->of_c))
			return false;
	}
	return true;
}

/* The cells still published of a column, the smallest first. */
static void
rank_column(Work *work, int column, uint32 *count)
{
	uint32		row;

	*count = 0;
	for (row = 0; row < work->rows; row++)
	{
		int64		cell = *cell_of(work, row, column);

		if (cell < 0)
			continue;
		work->ranked[*count].subjects = cell;
		work->ranked[(*count)++].row = row;
	}
	qsort(work->ranked, *count, sizeof(Ranked), compare_ranked);
}

/* What is hidden stays so. */
static void
finish(JpFloorTable *table)
{
	size_t		cells = (size_t) table->groups * table->cells;
	size_t		i;

	for (i = 0; i < cells; i++)
		if (table->subjects[i] < 0)
			table->subjects[i] = JP_HIDDEN;
	for (i = 0; i < (size_t) table->cells; i++)
		if (table->other[i] < 0)
			table->other[i] = JP_HIDDEN;
}
