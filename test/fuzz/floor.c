/*
 * floor.c
 *		Attacks on the floor under small groups: whoever knows everything that
 *		is published, and how it is decided, and subtracts.
 *
 * floor [SEED]
 */
#include <stdio.h>
#include <stdlib.h>

#include "answer_floor.h"

#define GROUPS	6
#define CELLS	5
#define UNKNOWN	(GROUPS * CELLS)
#define PRIME	INT64_C(1000003)

/* A table with what was counted and what is published. */
typedef struct Case
{
	uint32		groups;
	int			cells;
	JpCells		how;
	int64		counted[UNKNOWN];
	int64		published[UNKNOWN];
	int64		other[CELLS];
	uint32		order[GROUPS];
	uint32		pooled;
	int64		totals[CELLS];
} Case;

static uint64 state;
static const char *const how_name[] = {"apart", "of first", "nested"};

/* xorshift64*: the same numbers everywhere. */
static uint32
draw(uint32 below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32) ((state * UINT64_C(2685821657736338717)) >> 33) % below;
}

static void
die(const char *what, const Case *c)
{
	uint32		g;
	int			i;

	printf("FAILED: %s\n", what);
	for (g = 0; c != NULL && g < c->groups; g++)
		for (i = 0; i < c->cells; i++)
			printf("%lld (%lld)%s", (long long) c->counted[g * c->cells + i],
				   (long long) c->published[g * c->cells + i],
				   i == c->cells - 1 ? "\n" : "\t");
	for (i = 0; c != NULL && i < c->cells; i++)
		printf("other %lld total %lld\n", (long long) c->other[i], (long long) c->totals[i]);
	exit(1);
}

static bool
is_small(const JpFloor *floor, int64 n)
{
	return n >= 1 && n < floor->min_group;
}

/* Publishes a case, and its total as another call would tell it. */
static void
publish(const JpFloor *floor, Case *c)
{
	JpFloorTable table = {0};
	uint32		g;
	int			i;

	memcpy(c->published, c->counted, sizeof(c->counted));
	table.how = c->how;
	table.groups = c->groups;
	table.cells = c->cells;
	table.total = -1;
	table.subjects = c->published;
	table.order = c->order;
	table.other = c->other;
	/* exactly as much as is asked for: AddressSanitizer looks on */
	table.room = malloc(jp_floor_room(c->groups, c->cells));
	jp_floor_table(floor, &table, NULL);
	free(table.room);
	c->pooled = table.pooled;
	for (i = 0; i < c->cells; i++)
	{
		c->totals[i] = 0;
		for (g = 0; g < c->groups; g++)
			c->totals[i] += c->counted[g * c->cells + i];
	}
	jp_floor_cells(floor, c->how, c->cells, c->totals);
}

/* Random counts around the floor, so that something is always the matter. */
static void
make_case(const JpFloor *floor, Case *c, JpCells how)
{
	uint32		g;
	int			i;

	memset(c, 0, sizeof(*c));
	c->how = how;
	c->groups = draw(GROUPS + 1);
	c->cells = 1 + (int) draw(CELLS);
	for (g = 0; g < c->groups; g++)
		for (i = 0; i < c->cells; i++)
		{
			int64	   *cell = &c->counted[g * c->cells + i];
			uint32		size = (uint32) floor->min_group * (1 + draw(4));

			if (i == 0 || how == JP_CELLS_APART)
				*cell = draw(size);
			else
			{
				int64		whole = how == JP_CELLS_NESTED ? cell[-1] : cell[-i];

				*cell = draw(3) == 0 ? whole : draw((uint32) whole + 1);
				if (draw(3) == 0)
					*cell = whole - draw((uint32) (whole < 4 ? whole : 4) + 1);
			}
		}
}

/*
 * Subtraction.  What is published are equations over the counted cells; a sum
 * of cells is determined when its row is among what the equations span.
 */
typedef struct System
{
	int			count;
	int			width;
	int			pivot[UNKNOWN];
	int64		row[UNKNOWN][UNKNOWN];
} System;

static int64
inverse(int64 a)
{
	int64		result = 1;
	int64		power = PRIME - 2;

	for (a %= PRIME; power > 0; power /= 2, a = a * a % PRIME)
		if (power % 2 == 1)
			result = result * a % PRIME;
	return result;
}

/* Takes out of a row what the equations give; whether nothing is left. */
static bool
reduce(const System *system, int64 *row)
{
	int			i;
	int			k;

	for (i = 0; i < system->count; i++)
	{
		int64		factor = row[system->pivot[i]];

		for (k = 0; factor != 0 && k < system->width; k++)
			row[k] = (row[k] + (PRIME - factor) * system->row[i][k]) % PRIME;
	}
	for (k = 0; k < system->width; k++)
		if (row[k] != 0)
			return false;
	return true;
}

static void
add_equation(System *system, const int64 *equation)
{
	int64	   *row = system->row[system->count];
	int64		factor;
	int			k;

	memcpy(row, equation, sizeof(int64) * UNKNOWN);
	if (reduce(system, row))
		return;
	for (k = 0; row[k] == 0; k++)
		;
	system->pivot[system->count] = k;
	factor = inverse(row[k]);
	for (k = 0; k < system->width; k++)
		row[k] = row[k] * factor % PRIME;
	system->count++;
}

static void
add_sum(System *system, const Case *c, uint32 set, int column)
{
	int64		row[UNKNOWN] = {0};
	uint32		g;

	for (g = 0; g < c->groups; g++)
		if (set >> g & 1)
			row[g * c->cells + column] = 1;
	add_equation(system, row);
}

static void
collect(System *system, const Case *c)
{
	uint32		g;
	uint32		pool = 0;
	int			i;

	memset(system, 0, sizeof(*system));
	system->width = (int) c->groups * c->cells;
	for (g = 0; g < c->pooled; g++)
		pool |= 1u << c->order[g];
	for (i = 0; i < c->cells; i++)
	{
		for (g = 0; g < c->groups; g++)
			if (c->published[g * c->cells + i] != JP_HIDDEN)
				add_sum(system, c, 1u << g, i);
		if (c->other[i] != JP_HIDDEN)
			add_sum(system, c, pool, i);
		if (c->totals[i] != JP_HIDDEN)
			add_sum(system, c, (1u << c->groups) - 1, i);
	}
}

/* Those of some groups who are in column a and not in b; b < 0: all in a. */
static void
check_set(const JpFloor *floor, const System *system, const Case *c, uint32 set,
		  int a, int b)
{
	int64		row[UNKNOWN] = {0};
	int64		subjects = 0;
	uint32		g;

	for (g = 0; g < c->groups; g++)
	{
		if ((set >> g & 1) == 0)
			continue;
		row[g * c->cells + a] = 1;
		subjects += c->counted[g * c->cells + a];
		if (b >= 0)
		{
			row[g * c->cells + b] = PRIME - 1;
			subjects -= c->counted[g * c->cells + b];
		}
	}
	if (is_small(floor, subjects) && reduce(system, row))
		die("a small group is determined", c);
}

static void
check_exact(const JpFloor *floor, const Case *c)
{
	System		system;
	uint32		set;
	int			a;
	int			b;

	collect(&system, c);
	for (set = 1; set < 1u << c->groups; set++)
		for (a = 0; a < c->cells; a++)
		{
			check_set(floor, &system, c, set, a, -1);
			for (b = a + 1; b < c->cells; b++)
				if (c->how == JP_CELLS_NESTED || (c->how == JP_CELLS_OF_FIRST && a == 0))
					check_set(floor, &system, c, set, a, b);
		}
}

/* What is promised of every table. */
static void
check_promises(const JpFloor *floor, const Case *c)
{
	int64		pool = 0;
	uint32		i;
	int			k;

	for (i = 0; i < c->groups; i++)
		for (k = 0; k < c->cells; k++)
		{
			int64		is = c->published[c->order[i] * c->cells + k];
			int64		was = c->counted[c->order[i] * c->cells + k];

			if (is != JP_HIDDEN && (i < c->pooled || is < floor->min_group ||
									is != (floor->coarse ? was - was % floor->min_group : was)))
				die("a cell is published that must not be, or another", c);
			if (i < c->pooled && k == 0)
				pool += was;
			if (i >= c->pooled && k == 0 && is == JP_HIDDEN)
				die("a group that is not pooled has no size", c);
		}
	for (i = c->pooled + 1; i < c->groups; i++)
		if (c->counted[c->order[i] * c->cells] < c->counted[c->order[i - 1] * c->cells])
			die("the order is another", c);
	if (is_small(floor, pool) && c->pooled < c->groups)
		die("(other) is small", c);
	if ((pool >= floor->min_group) != (c->other[0] != JP_HIDDEN))
		die("(other) is not told, or told in vain", c);
	for (k = 0; k < c->cells; k++)
		if (c->other[k] != JP_HIDDEN && c->other[k] < floor->min_group)
			die("a cell of (other) is small", c);
}

/* How much is published must not sink unseen: cells told of those that may be. */
static void
attack_exact(JpCells how, int cases)
{
	JpFloor		floor = {0, false};
	Case		c;
	int			told = 0;
	int			big = 0;
	int			n;
	uint32		g;

	for (n = 0; n < cases; n++)
	{
		floor.min_group = 2 + draw(19);
		make_case(&floor, &c, how);
		publish(&floor, &c);
		check_promises(&floor, &c);
		check_exact(&floor, &c);
		for (g = 0; g < c.groups * c.cells; g++)
		{
			told += c.published[g] != JP_HIDDEN;
			big += c.counted[g] >= floor.min_group;
		}
	}
	printf("exact, %s: %d tables; %d of %d cells that are no small groups are told\n",
		   how_name[how], cases, told, big);
}

/*
 * Everything that can be concluded by whoever knows the rules as well: all
 * tables of a size that look the same when published, side by side.  What is
 * small and the same in all of them is determined.  Between two columns that
 * is more than is promised; it happens where a floor is so low that hardly any
 * table is left, and is to stay rare.
 */
typedef struct View
{
	signed char figures[3 * 2 + 2 + 2];
	signed char fact[3 * 3];
} View;

static int
compare_views(const void *a, const void *b)
{
	return memcmp(((const View *) a)->figures, ((const View *) b)->figures,
				  sizeof(((const View *) a)->figures));
}

/* A table by its number, what is published of it, and what nobody may know. */
static void
make_view(const JpFloor *floor, JpCells how, int cells, int64 n, int64 rows,
		  signed char (*row)[2], View *view)
{
	Case		c = {0};
	int			i;
	int			g;

	c.groups = 3;
	c.cells = cells;
	c.how = how;
	for (g = 0; g < 3; g++, n /= rows)
	{
		for (i = 0; i < cells; i++)
			c.counted[g * cells + i] = view->fact[g * 3 + i] = row[n % rows][i];
		if (how == JP_CELLS_NESTED)
			view->fact[g * 3 + 2] = (signed char) (row[n % rows][0] - row[n % rows][1]);
	}
	publish(floor, &c);
	for (i = 0; i < 3 * cells; i++)
		view->figures[i] = (signed char) c.published[i];
	for (i = 0; i < cells; i++)
	{
		view->figures[6 + i] = (signed char) c.other[i];
		view->figures[8 + i] = (signed char) c.totals[i];
	}
}

/* How many small facts are the same in all of some views that look the same. */
static int
inferred(const JpFloor *floor, const View *views, int64 count)
{
	int			facts = 0;
	int			i;

	for (i = 0; i < 9; i++)
	{
		int64		k = 0;

		while (k < count && views[k].fact[i] == views[0].fact[i])
			k++;
		facts += k == count && is_small(floor, views[0].fact[i]);
	}
	return facts;
}

static void
attack_by_inference(JpCells how, int cells, int64 min, int most)
{
	JpFloor		floor = {0, false};
	signed char row[400][2];
	View	   *views;
	int64		rows = 0;
	int64		count;
	int64		n;
	int64		classes = 0;
	int64		first = 0;
	int64		facts = 0;
	int			i;
	int			k;

	floor.min_group = min;
	for (i = 0; i <= most; i++)
		for (k = 0; k <= (cells == 1 ? 0 : i); k++, rows++)
		{
			row[rows][0] = (signed char) i;
			row[rows][1] = (signed char) k;
		}
	count = rows * rows * rows;
	views = calloc((size_t) count, sizeof(View));
	for (n = 0; n < count; n++)
		make_view(&floor, how, cells, n, rows, row, &views[n]);
	qsort(views, (size_t) count, sizeof(View), compare_views);
	for (n = 1; n <= count; n++)
		if (n == count || compare_views(&views[n], &views[first]) != 0)
		{
			facts += inferred(&floor, &views[first], n - first);
			classes++;
			first = n;
		}
	free(views);
	if (facts > (cells == 1 ? 1 : classes / 50))
		die("too much can be inferred", NULL);
	printf("exact, %s, %d cells, at least %lld: %lld small facts follow from %lld answers to %lld tables\n",
		   how_name[how], cells, (long long) min, (long long) facts, (long long) classes, (long long) count);
}

/*
 * Coarse figures: all that is published about people with two attributes and
 * a day, in breakdowns, totals, windows, and again after one of them has gone.
 */
typedef struct Person
{
	uint32		attribute[2];
	uint32		day;
	uint32		depth;
} Person;

static int64 figures[4096];
static int	figure_count;

static void
note_figures(const int64 *published, int count)
{
	int			i;

	for (i = 0; i < count; i++)
		if (published[i] != JP_HIDDEN)
			figures[figure_count++] = published[i];
}

/* One call: by an attribute, both or none, of people within days. */
static void
ask(const JpFloor *floor, const Person *people, int count, int by, uint32 begin, uint32 end)
{
	Case		c = {0};
	int			i;
	uint32		k;

	c.how = JP_CELLS_NESTED;
	c.groups = by == 0 ? 1 : by == 3 ? 6 : by == 1 ? 3 : 2;
	c.cells = 3;
	for (i = 0; i < count; i++)
	{
		const Person *person = &people[i];
		uint32		group = by == 0 ? 0 : by == 3 ? person->attribute[0] * 2 + person->attribute[1] :
			person->attribute[by - 1];

		for (k = 0; person->day >= begin && person->day < end && k <= person->depth; k++)
			c.counted[group * 3 + k]++;
	}
	publish(floor, &c);
	check_promises(floor, &c);
	note_figures(c.published, (int) c.groups * 3);
	note_figures(c.other, 3);
	note_figures(c.totals, 3);
}

static void
attack_coarse(int cases)
{
	JpFloor		floor = {0, true};
	Person		people[300];
	long		pairs = 0;
	int			n;
	int			i;
	int			k;

	for (n = 0; n < cases; n++)
	{
		int			count = 20 + (int) draw(280);
		uint32		end;

		floor.min_group = 2 + draw(30);
		for (i = 0; i < count; i++)
		{
			people[i].attribute[0] = draw(3) * draw(2);
			people[i].attribute[1] = draw(2);
			people[i].day = draw(8);
			people[i].depth = draw(3);
		}
		figure_count = 0;
		for (i = 0; i < 4; i++)
			for (end = 5; end <= 8; end++)
			{
				ask(&floor, people, count, i, 0, end);
				ask(&floor, people, count, i, end - 5, end);
				ask(&floor, people, count - 1, i, 0, end);
			}
		for (i = 0; i < figure_count; i++)
			for (k = i; k < figure_count; k++, pairs++)
				if (is_small(&floor, figures[i]) || is_small(&floor, llabs(figures[i] - figures[k])))
					die("figures differ by a small group", NULL);
	}
	printf("coarse: %d sets of people, no two of %ld pairs of figures differ by a small group\n",
		   cases, pairs);
}

/* Subjects in several groups, as bits of 60 people. */
static int64
size_of(uint64 set)
{
	return (int64) __builtin_popcountll(set);
}

static void
attack_overlapping(int cases)
{
	JpFloor		floor;
	int			told = 0;
	int			n;
	int			i;

	for (n = 0; n < cases; n++)
	{
		JpFloorTable table = {0};
		uint64		group[GROUPS];
		uint64		all = 0;
		uint64		pool = 0;
		int64		subjects[GROUPS];
		int64		together[GROUPS];
		uint32		order[GROUPS];
		int64		other[1];

		floor.min_group = 2 + draw(12);
		floor.coarse = draw(2) == 0;
		table.groups = draw(GROUPS + 1);
		table.cells = 1;
		for (i = 0; i < (int) table.groups; i++)
		{
			uint32		k;
			uint32		density = 1 + draw(60);

			group[i] = 0;
			for (k = 0; k < 60; k++)
				if (draw(60) < density)
					group[i] |= UINT64_C(1) << k;
			all |= group[i];
			subjects[i] = size_of(group[i]);
		}
		table.total = size_of(all);
		table.subjects = subjects;
		table.order = order;
		table.other = other;
		table.room = malloc(jp_floor_room(table.groups, 1));
		jp_floor_order(&floor, &table);
		for (i = 0; i < (int) table.groups; i++)
		{
			pool |= group[order[i]];
			together[i] = size_of(pool);
		}
		jp_floor_table(&floor, &table, together);
		free(table.room);
		pool = 0;
		for (i = 0; i < (int) table.groups; i++)
		{
			if (i < (int) table.pooled)
				pool |= group[order[i]];
			else if (size_of(group[order[i]]) < floor.min_group ||
					 (!floor.coarse && is_small(&floor, size_of(all & ~group[order[i]]))))
				die("a small group of an overlapping table", NULL);
			if ((i < (int) table.pooled) != (subjects[order[i]] == JP_HIDDEN))
				die("a pooled group is told, or the other way round", NULL);
			told += i >= (int) table.pooled;
		}
		if (table.pooled < table.groups &&
			(is_small(&floor, size_of(pool)) ||
			 (!floor.coarse && is_small(&floor, size_of(all & ~pool)))))
			die("(other) of an overlapping table is small", NULL);
		if (other[0] != jp_floor_count(&floor, size_of(pool)))
			die("(other) of an overlapping table is another", NULL);
	}
	printf("overlapping: %d tables, %d groups told\n", cases, told);
}

/* A floor of one hides nothing. */
static void
check_none(void)
{
	JpFloor		floor = {1, true};
	Case		c;
	int			n;

	for (n = 0; n < 1000; n++)
	{
		make_case(&(JpFloor) {20, false}, &c, (JpCells) (n % 3));
		publish(&floor, &c);
		if (c.pooled != 0 || memcmp(c.published, c.counted, sizeof(c.counted)) != 0)
			die("a floor of one hides", &c);
	}
}

static void
check_figures(void)
{
	static const JpFloor exact = {20, false};
	static const JpFloor coarse = {20, true};
	static const struct
	{
		int64		from;
		int64		to;
	}			duration[] = {
		{0, 0}, {7, 7}, {99, 99}, {104, 100}, {105, 110}, {994, 990}, {995, 1000},
		{61234567, 61000000}, {61500000, 62000000}, {86399999999, INT64_C(86000000000)},
		{INT64_MAX, INT64_C(9200000000000000000)}
	}, bound[] = {
		{0, 0}, {1, 0}, {-1, INT64_C(-3600000000)}, {INT64_C(3599999999), 0},
		{INT64_C(3600000000), INT64_C(3600000000)}, {INT64_C(-3600000000), INT64_C(-3600000000)},
		{INT64_MAX, INT64_MAX}, {INT64_MIN, INT64_MIN}
	};
	size_t		i;

	for (i = 0; i < sizeof(duration) / sizeof(duration[0]); i++)
		if (jp_floor_duration(&coarse, 20, 20, duration[i].from) != duration[i].to ||
			jp_floor_duration(&exact, 20, 20, duration[i].from) != duration[i].from)
			die("a duration", NULL);
	for (i = 0; i < sizeof(bound) / sizeof(bound[0]); i++)
		if (jp_floor_bound(&coarse, bound[i].from) != bound[i].to ||
			jp_floor_bound(&exact, bound[i].from) != bound[i].from)
			die("a bound of time", NULL);
	if (jp_floor_duration(&exact, JP_HIDDEN, 20, 1) != JP_HIDDEN ||
		jp_floor_duration(&exact, 20, 19, 1) != JP_HIDDEN ||
		jp_floor_duration(&(JpFloor) {1, false}, 1, 0, 1) != JP_HIDDEN ||
		jp_floor_amount(&coarse, JP_HIDDEN, 100) != JP_HIDDEN ||
		jp_floor_amount(&coarse, 20, 119) != 100 || jp_floor_amount(&exact, 20, 119) != 119 ||
		jp_floor_count(&coarse, 19) != JP_HIDDEN || jp_floor_count(&coarse, 39) != 20 ||
		jp_floor_count(&exact, 39) != 39 || jp_floor_count(&exact, 0) != JP_HIDDEN)
		die("a single figure", NULL);
}

int
main(int argc, char **argv)
{
	uint64		seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 8;

	state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	printf("seed %llu\n", (unsigned long long) seed);
	check_figures();
	check_none();
	attack_exact(JP_CELLS_APART, 10000);
	attack_exact(JP_CELLS_OF_FIRST, 10000);
	attack_exact(JP_CELLS_NESTED, 10000);
	attack_by_inference(JP_CELLS_APART, 1, 5, 25);
	attack_by_inference(JP_CELLS_NESTED, 2, 4, 9);
	attack_by_inference(JP_CELLS_NESTED, 2, 5, 11);
	attack_coarse(300);
	attack_overlapping(10000);
	return 0;
}
