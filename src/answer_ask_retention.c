/*
 * answer_ask_retention.c
 *		retention("table", …): cohorts, and how many of each come back.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "answer_ask.h"

enum
{
	TABLE, START_EVENT, RETURN_EVENT, PERIOD, PERIODS, MODE, TIME_ZONE, COMMON
};

/* Fields of a retention_count. */
enum
{
	BREAKDOWN = 1, COHORT, NUMBER, SUBJECTS
};

/* Cohorts as groups of the floor, their periods as cells. */
typedef struct Cohorts
{
	int			periods;		/* and the cohort itself */
	uint32		count;
	int		   *first;			/* the cell of each that came back first */
	int		   *known;			/* periods of each that have begun */
	JpFloorTable table;
} Cohorts;

PG_FUNCTION_INFO_V1(jp_retention_of_table);

static void read_cohorts(JpAsk *ask, Cohorts *cohorts);
static void tell_cohort(JpAsk *ask, const Cohorts *cohorts, uint32 cohort);
static void tell_period(JpAsk *ask, Datum cohort, Datum breakdown, bool *nulls,
						int period, int64 subjects, int64 all);
static int	compare_cells(const void *a, const void *b, void *arg);

/* SQL: retention("table", start_event, return_event, period, periods, mode, time_zone, …). */
Datum
jp_retention_of_table(PG_FUNCTION_ARGS)
{
	JpAsk		ask;
	Cohorts		cohorts = {0};
	uint32		i;

	jp_ask_begin(&ask, fcinfo, COMMON, true);
	jp_ask_run(&ask, "retention_counts",
			   psprintf(", %s, %s", ask.event, jp_ask_breakdown(&ask)),
			   psprintf("%s, %s, %s, %s, %s, %s",
						jp_ask_argument(&ask, START_EVENT, TEXTOID),
						jp_ask_argument(&ask, RETURN_EVENT, TEXTOID),
						jp_ask_argument(&ask, PERIOD, TEXTOID),
						jp_ask_argument(&ask, PERIODS, INT4OID),
						jp_ask_argument(&ask, MODE, TEXTOID),
						jp_ask_argument(&ask, TIME_ZONE, TEXTOID)));
	if (ask.cells == 0)
		PG_RETURN_VOID();
	cohorts.periods = PG_GETARG_INT32(PERIODS) + 1;
	read_cohorts(&ask, &cohorts);
	jp_floor_table(&ask.floor, &cohorts.table, NULL);
	for (i = 0; i < cohorts.count; i++)
		tell_cohort(&ask, &cohorts, i);
	if (cohorts.table.pooled > 0 && cohorts.table.other[0] != JP_HIDDEN)
	{
		bool		nulls[5] = {true, false, false, false, PG_ARGISNULL(COMMON + JP_BREAKDOWN)};

		for (i = 0; i < cohorts.periods; i++)
			tell_period(&ask, (Datum) 0, jp_other(), nulls, i,
						cohorts.table.other[i], cohorts.table.other[0]);
	}
	PG_RETURN_VOID();
}

/* Puts the cells that came back side by side, cohorts in order of time and name. */
static void
read_cohorts(JpAsk *ask, Cohorts *cohorts)
{
	int		   *order = palloc(ask->cells * sizeof(int));
	JpFloorTable *table = &cohorts->table;
	bool		isnull;
	int			i;

	for (i = 0; i < ask->cells; i++)
		if (DatumGetInt32(jp_ask_field(ask, i, NUMBER, &isnull)) == 0)
			order[cohorts->count++] = i;
	qsort_arg(order, cohorts->count, sizeof(int), compare_cells, ask);
	cohorts->first = order;
	cohorts->known = palloc0(cohorts->count * sizeof(int));
	jp_ask_table(table, JP_CELLS_OF_FIRST, cohorts->count, cohorts->periods);
	for (i = 0; i < cohorts->count; i++)
	{
		int			cell;

		for (cell = order[i]; cell < ask->cells && cohorts->known[i] < cohorts->periods; cell++)
		{
			if (DatumGetInt32(jp_ask_field(ask, cell, NUMBER, &isnull)) != cohorts->known[i])
				break;
			table->subjects[i * cohorts->periods + cohorts->known[i]++] =
				jp_ask_count(ask, cell, SUBJECTS);
		}
		/* How far they go tells when the last event of anybody was. */
		if (ask->floor.coarse)
			cohorts->known[i] = cohorts->periods;
	}
}

/* By cohort and breakdown. */
static int
compare_cells(const void *a, const void *b, void *arg)
{
	const JpAsk *ask = arg;
	int			left = *(const int *) a;
	int			right = *(const int *) b;
	int64		times[2] = {jp_ask_count(ask, left, COHORT), jp_ask_count(ask, right, COHORT)};

	if (times[0] != times[1])
		return times[0] < times[1] ? -1 : 1;
	return jp_ask_compare(ask, left, right, BREAKDOWN);
}

/* The rows of a cohort that is not pooled. */
static void
tell_cohort(JpAsk *ask, const Cohorts *cohorts, uint32 cohort)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	const int64 *subjects = cohorts->table.subjects + (size_t) cohort * cohorts->periods;
	Datum		begin,
				breakdown;
	bool		nulls[5] = {false};
	int			i;

	if (subjects[0] == JP_HIDDEN)
		return;
	begin = jp_ask_field(ask, cohorts->first[cohort], COHORT, &nulls[0]);
	breakdown = jp_ask_field(ask, cohorts->first[cohort], BREAKDOWN, &nulls[4]);
	begin = DirectFunctionCall2(timestamptz_zone, PG_GETARG_DATUM(TIME_ZONE), begin);
	begin = DirectFunctionCall1(timestamp_date, begin);
	for (i = 0; i < cohorts->known[cohort]; i++)
		tell_period(ask, begin, breakdown, nulls, i, subjects[i], subjects[0]);
}

/* cohort, period, subjects, share, breakdown */
static void
tell_period(JpAsk *ask, Datum cohort, Datum breakdown, bool *nulls,
			int period, int64 subjects, int64 all)
{
	Datum		values[5] = {cohort, Int32GetDatum(period),
		jp_told(subjects, &nulls[2]), jp_told_part(subjects, all, &nulls[3]), breakdown
	};

	jp_ask_row(ask, values, nulls);
}
