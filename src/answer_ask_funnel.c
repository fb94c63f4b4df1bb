/*
 * answer_ask_funnel.c
 *		funnel("table", …) and time_to("table", …): how far people come, and how
 *		long it takes them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "answer_ask.h"
#include "catalog.h"
#include "journey_question.h"

/* Arguments of funnel() before the common ones. */
enum
{
	TABLE, STEPS, WITHIN, OPTIONS, CONSTANT, CONSTANT_KEY, COMMON
};

/* Arguments of time_to(). */
enum
{
	FROM_EVENT = 1, TO_EVENT, TIME_WITHIN, TIME_COMMON
};

/* Fields of a funnel_count. */
enum
{
	BREAKDOWN = 1, STEP, SUBJECTS, P25, MEDIAN, P75, P90
};

/* Groups of the floor, the steps as their cells. */
typedef struct Groups
{
	int			steps;
	uint64		optional;
	int		   *first;			/* the cell of each that came back first */
	JpFloorTable table;
} Groups;

static JpQuestion *read_funnel(FunctionCallInfo fcinfo);
static void begin_funnel(JpAsk *ask, FunctionCallInfo fcinfo);
static char *funnel_arguments(JpAsk *ask);
static char *funnel_options(JpAsk *ask);
static void tell_line(JpAsk *ask, const char *line);
static void read_groups(JpAsk *ask, Groups *groups, JpCells how);
static int	compare_groups(const void *a, const void *b, void *arg);
static void tell_funnel(JpAsk *ask, const Groups *groups);
static void tell_group(JpAsk *ask, const Groups *groups, int group, const int64 *subjects);
static void tell_step(JpAsk *ask, const Groups *groups, int group, const int64 *subjects, int step);
static void tell_time(JpAsk *ask, const Groups *groups, int group, const int64 *subjects);
static Datum told_time(const JpAsk *ask, int cell, int field, int64 told, bool *isnull);
static Datum group_name(JpAsk *ask, const Groups *groups, int group, bool *isnull);

PG_FUNCTION_INFO_V1(jp_funnel_of_table);
PG_FUNCTION_INFO_V1(jp_funnel_plan);
PG_FUNCTION_INFO_V1(jp_time_to);

/* SQL: funnel("table", steps, within, options, constant, constant_key, …). */
Datum
jp_funnel_of_table(PG_FUNCTION_ARGS)
{
	JpAsk		ask;
	JpQuestion *question;
	Groups		groups = {0};

	question = read_funnel(fcinfo);
	groups.steps = question->steps.count;
	groups.optional = question->steps.optional;
	begin_funnel(&ask, fcinfo);
	jp_ask_run(&ask, "funnel_counts", funnel_arguments(&ask), funnel_options(&ask));
	read_groups(&ask, &groups, groups.optional == 0 ? JP_CELLS_NESTED : JP_CELLS_OF_FIRST);
	jp_floor_table(&ask.floor, &groups.table, NULL);
	tell_funnel(&ask, &groups);
	PG_RETURN_VOID();
}

/* Reads what is asked, so that what cannot be meant is refused first. */
static JpQuestion *
read_funnel(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(STEPS))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("steps must not be null")));
	return jp_question_read(PG_GETARG_ARRAYTYPE_P(STEPS),
							PG_ARGISNULL(WITHIN) ? NULL : PG_GETARG_INTERVAL_P(WITHIN),
							PG_ARGISNULL(OPTIONS) ? NULL : PG_GETARG_JSONB_P(OPTIONS),
							!PG_ARGISNULL(CONSTANT));
}

/* Begins a funnel. */
static void
begin_funnel(JpAsk *ask, FunctionCallInfo fcinfo)
{
	jp_ask_begin(ask, fcinfo, COMMON, true);
	if (!PG_ARGISNULL(CONSTANT) && ask->rows_only == NULL)
		ask->rows_only = "journeys have no columns to hold constant";
}

/* The aggregate's arguments between time and options. */
static char *
funnel_arguments(JpAsk *ask)
{
	return psprintf(", %s, %s, %s", ask->event, jp_ask_breakdown(ask),
					jp_ask_value(ask, CONSTANT, CONSTANT_KEY));
}

/* Its options. */
static char *
funnel_options(JpAsk *ask)
{
	FunctionCallInfo fcinfo = ask->fcinfo;

	return psprintf("%s, %s, %s, %s",
					jp_ask_argument(ask, STEPS, TEXTARRAYOID),
					jp_ask_argument(ask, WITHIN, INTERVALOID),
					jp_ask_argument(ask, OPTIONS, JSONBOID),
					PG_ARGISNULL(CONSTANT) ? "false" : "true");
}

/* SQL: funnel_plan("table", steps, within, options, constant, constant_key, …). */
Datum
jp_funnel_plan(PG_FUNCTION_ARGS)
{
	JpAsk		ask;
	const char *why;
	char	   *statement;

	(void) read_funnel(fcinfo);
	begin_funnel(&ask, fcinfo);
	statement = jp_ask_statement(&ask, "funnel_counts", funnel_arguments(&ask),
								 funnel_options(&ask), &why);
	if (ask.floor.coarse)
	{
		/* Whether a store may be used tells of single writes. */
		tell_line(&ask, psprintf("Funnel on table %s, or a journey store", jp_qualified_name_of(ask.relid)));
		tell_line(&ask, psprintf("  Floor: " INT64_FORMAT " subjects, counts rounded down to multiples of it",
								 ask.floor.min_group));
		PG_RETURN_VOID();
	}
	tell_line(&ask, psprintf("Funnel on %s %s",
							 OidIsValid(ask.store) ? "journey store" : "table",
							 jp_qualified_name_of(OidIsValid(ask.store) ? ask.store : ask.relid)));
	if (why != NULL)
		tell_line(&ask, psprintf("  No Journey Store: %s", why));
	tell_line(&ask, ask.floor.min_group == 1 ? "  Floor: none" :
			  psprintf("  Floor: " INT64_FORMAT " subjects", ask.floor.min_group));
	tell_line(&ask, psprintf("  Statement: %s", statement));
	PG_RETURN_VOID();
}

/* A line of a plan. */
static void
tell_line(JpAsk *ask, const char *line)
{
	Datum		values[1] = {CStringGetTextDatum(line)};
	bool		nulls[1] = {false};

	jp_ask_row(ask, values, nulls);
}

/* SQL: time_to("table", from_event, to_event, within, …). */
Datum
jp_time_to(PG_FUNCTION_ARGS)
{
	JpAsk		ask;
	Groups		groups = {.steps = 2};
	uint32		i;

	if (PG_ARGISNULL(FROM_EVENT) || PG_ARGISNULL(TO_EVENT))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("from_event and to_event must not be null")));
	jp_ask_begin(&ask, fcinfo, TIME_COMMON, true);
	jp_ask_run(&ask, "funnel_counts",
			   psprintf(", %s, %s, NULL", ask.event, jp_ask_breakdown(&ask)),
			   psprintf("ARRAY[%s, %s], %s, NULL, false",
						jp_ask_argument(&ask, FROM_EVENT, TEXTOID),
						jp_ask_argument(&ask, TO_EVENT, TEXTOID),
						jp_ask_argument(&ask, TIME_WITHIN, INTERVALOID)));
	read_groups(&ask, &groups, JP_CELLS_NESTED);
	jp_floor_table(&ask.floor, &groups.table, NULL);
	for (i = 0; i < groups.table.groups; i++)
		tell_time(&ask, &groups, i, groups.table.subjects + i * 2);
	if (groups.table.pooled > 0)
		tell_time(&ask, &groups, -1, groups.table.other);
	PG_RETURN_VOID();
}

/* Puts the cells that came back side by side, groups in order of their names. */
static void
read_groups(JpAsk *ask, Groups *groups, JpCells how)
{
	JpFloorTable *table = &groups->table;
	uint32		i;
	int			step;

	jp_ask_table(table, how, ask->cells / groups->steps, groups->steps);
	groups->first = palloc((table->groups + 1) * sizeof(int));
	for (i = 0; i < table->groups; i++)
		groups->first[i] = i * groups->steps;
	qsort_arg(groups->first, table->groups, sizeof(int), compare_groups, ask);
	for (i = 0; i < table->groups; i++)
		for (step = 0; step < groups->steps; step++)
			table->subjects[i * groups->steps + step] =
				jp_ask_count(ask, groups->first[i] + step, SUBJECTS);
}

/* By name, none last. */
static int
compare_groups(const void *a, const void *b, void *arg)
{
	const JpAsk *ask = arg;

	return jp_ask_compare(ask, *(const int *) a, *(const int *) b, BREAKDOWN);
}

/*
 * All rows: groups, then what has been pooled.  Where nothing may be told the
 * rows are those of a funnel that nobody began, whether somebody did or not.
 */
static void
tell_funnel(JpAsk *ask, const Groups *groups)
{
	const JpFloorTable *table = &groups->table;
	bool		told = false;
	int64	   *none;
	uint32		i;

	for (i = 0; i < table->groups; i++)
		if (table->subjects[i * groups->steps] != JP_HIDDEN)
		{
			tell_group(ask, groups, i, table->subjects + i * groups->steps);
			told = true;
		}
	if (table->pooled > 0 && table->other[0] != JP_HIDDEN)
		tell_group(ask, groups, -1, table->other);
	else if (!told)
	{
		none = palloc0(sizeof(int64) * groups->steps);
		jp_floor_cells(&ask->floor, JP_CELLS_NESTED, groups->steps, none);
		tell_group(ask, groups, -2, none);
	}
}

/* The steps of a group; -1: (other), -2: none. */
static void
tell_group(JpAsk *ask, const Groups *groups, int group, const int64 *subjects)
{
	int			step;

	for (step = 0; step < groups->steps; step++)
		tell_step(ask, groups, group, subjects, step);
}

/* step, event, subjects, of_previous, of_first, median_time, p90_time, breakdown */
static void
tell_step(JpAsk *ask, const Groups *groups, int group, const int64 *subjects, int step)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	int			previous = step - 1;
	ArrayType  *steps = PG_GETARG_ARRAYTYPE_P(STEPS);
	int			place[1] = {ARR_LBOUND(steps)[0] + step};
	Datum		values[8];
	bool		nulls[8];

	while (previous > 0 && (groups->optional >> previous & 1))
		previous--;
	values[0] = Int32GetDatum(step + 1);
	nulls[0] = false;
	values[1] = array_get_element(PointerGetDatum(steps), 1, place, -1, -1, false,
								  TYPALIGN_INT, &nulls[1]);
	values[2] = jp_told(subjects[step], &nulls[2]);
	values[3] = jp_told_part(subjects[step], subjects[Max(previous, 0)], &nulls[3]);
	values[4] = jp_told_part(subjects[step], subjects[0], &nulls[4]);
	nulls[5] = nulls[6] = true;
	if (group >= 0)
	{
		values[5] = told_time(ask, groups->first[group] + step, MEDIAN, subjects[step], &nulls[5]);
		values[6] = told_time(ask, groups->first[group] + step, P90, subjects[step], &nulls[6]);
	}
	values[7] = group_name(ask, groups, group, &nulls[7]);
	jp_ask_row(ask, values, nulls);
}

/* subjects, reached, share, p25_time, median_time, p75_time, p90_time, breakdown */
static void
tell_time(JpAsk *ask, const Groups *groups, int group, const int64 *subjects)
{
	Datum		values[8];
	bool		nulls[8];
	int			i;

	if (subjects[0] == JP_HIDDEN)
		return;
	values[0] = jp_told(subjects[0], &nulls[0]);
	values[1] = jp_told(subjects[1], &nulls[1]);
	values[2] = jp_told_part(subjects[1], subjects[0], &nulls[2]);
	for (i = 0; i < 4; i++)
	{
		nulls[3 + i] = true;
		if (group >= 0)
			values[3 + i] = told_time(ask, groups->first[group] + 1, P25 + i, subjects[1], &nulls[3 + i]);
	}
	values[7] = group_name(ask, groups, group, &nulls[7]);
	jp_ask_row(ask, values, nulls);
}

/* A time that enough subjects stand behind. */
static Datum
told_time(const JpAsk *ask, int cell, int field, int64 told, bool *isnull)
{
	Datum		time = jp_ask_field(ask, cell, field, isnull);

	return *isnull ? time : jp_ask_told_time(ask, time, told, jp_ask_count(ask, cell, SUBJECTS), isnull);
}

/* What a group is called. */
static Datum
group_name(JpAsk *ask, const Groups *groups, int group, bool *isnull)
{
	*isnull = group == -2;
	if (group < 0)
		return jp_other();
	return jp_ask_field(ask, groups->first[group], BREAKDOWN, isnull);
}
