/*
 * answer_durations.c
 *		Durations by cell, and what part of them is how long.
 */
#include "postgres.h"

#include <math.h>

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "answer_durations.h"

/* Of one answer; 512 MB. */
#define DURATIONS_MAX	((uint64) 64 * 1024 * 1024)

typedef struct Cell
{
	int64	   *duration;
	uint64		count;
	uint64		room;
} Cell;

struct JpDurations
{
	MemoryContext context;
	uint64		total;			/* there is room for in all cells */
	uint32		room;
	Cell	   *cell;
};

static void make_room(JpDurations *durations, Cell *cell);
static Cell *cell_of(JpDurations *durations, uint32 number);
static int64 nth_shortest(int64 *value, uint64 count, uint64 n);

/* No durations. */
JpDurations *
jp_durations_create(MemoryContext context)
{
	JpDurations *durations = MemoryContextAllocZero(context, sizeof(JpDurations));

	durations->context = context;
	return durations;
}

/* Adds a duration to a cell. */
void
jp_durations_add(JpDurations *durations, uint32 number, int64 duration)
{
	Cell	   *cell = cell_of(durations, number);

	if (cell->count == cell->room)
		make_room(durations, cell);
	cell->duration[cell->count++] = duration;
}

/* Twice the room for a cell. */
static void
make_room(JpDurations *durations, Cell *cell)
{
	uint64		room = Max(cell->room * 2, 16);

	durations->total += room - cell->room;
	if (durations->total > DURATIONS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than " UINT64_FORMAT " durations in one answer", DURATIONS_MAX),
				 errhint("Bound the time.")));
	cell->duration = cell->duration == NULL ?
		MemoryContextAllocHuge(durations->context, room * sizeof(int64)) :
		repalloc_huge(cell->duration, room * sizeof(int64));
	cell->room = room;
}

/* The cell of a number. */
static Cell *
cell_of(JpDurations *durations, uint32 number)
{
	if (number >= durations->room)
	{
		uint32		room = Max(durations->room * 2, Max(number + 1, 64));

		durations->cell = durations->cell == NULL ?
			MemoryContextAllocHuge(durations->context, room * sizeof(Cell)) :
			repalloc_huge(durations->cell, room * sizeof(Cell));
		memset(durations->cell + durations->room, 0,
			   (room - durations->room) * sizeof(Cell));
		durations->room = room;
	}
	return &durations->cell[number];
}

/* How many there are in a cell. */
uint64
jp_durations_count(const JpDurations *durations, uint32 cell)
{
	return cell < durations->room ? durations->cell[cell].count : 0;
}

/* A percentile of a cell. */
int64
jp_durations_percentile(JpDurations *durations, uint32 number, double part)
{
	Cell	   *cell = &durations->cell[number];
	uint64		n = (uint64) ceil(part * cell->count);

	return nth_shortest(cell->duration, cell->count, Max(n, 1) - 1);
}

/* The value at place n were they in order (Hoare's selection). */
static int64
nth_shortest(int64 *value, uint64 count, uint64 n)
{
	int64		low = 0,
				high = (int64) count - 1;

	while (low < high)
	{
		int64		pivot = value[low + (high - low) / 2];
		int64		i = low,
					j = high;

		CHECK_FOR_INTERRUPTS();
		while (i <= j)
		{
			while (value[i] < pivot)
				i++;
			while (value[j] > pivot)
				j--;
			if (i <= j)
			{
				int64		swapped = value[i];

				value[i++] = value[j];
				value[j--] = swapped;
			}
		}
		if ((int64) n <= j)
			high = j;
		else if ((int64) n >= i)
			low = i;
		else
			break;
	}
	return value[n];
}

/* Microseconds as an interval. */
Datum
jp_interval_datum(int64 duration)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = duration;
	return IntervalPGetDatum(interval);
}
