/*
 * answer_ask_sessions.c
 *		sessions("table", …): how many there are and how long they last.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "answer_ask.h"

enum
{
	TABLE, GAP, COMMON
};

/* Fields of a session_count. */
enum
{
	BREAKDOWN = 1, SUBJECTS, SESSIONS, EVENTS, BOUNCES, MEAN, MEDIAN, P90
};

PG_FUNCTION_INFO_V1(jp_sessions_of_table);

static void tell_group(JpAsk *ask, int cell);

/* SQL: sessions("table", gap, …). */
Datum
jp_sessions_of_table(PG_FUNCTION_ARGS)
{
	JpAsk		ask;
	int		   *cell;
	int			i;

	jp_ask_begin(&ask, fcinfo, COMMON, false);
	jp_ask_run(&ask, "session_counts", psprintf(", %s", jp_ask_breakdown(&ask)),
			   jp_ask_argument(&ask, GAP, INTERVALOID));
	cell = jp_ask_order(&ask, BREAKDOWN, 0);
	for (i = 0; i < ask.cells; i++)
		tell_group(&ask, cell[i]);
	PG_RETURN_VOID();
}

/* subjects, sessions, events, bounces, mean, median and p90 duration, breakdown */
static void
tell_group(JpAsk *ask, int cell)
{
	int64		behind = jp_ask_count(ask, cell, SUBJECTS);
	int64		told = jp_floor_count(&ask->floor, behind);
	Datum		values[8];
	bool		nulls[8] = {false};
	int			i;

	if (told == JP_HIDDEN)
		return;
	values[0] = Int64GetDatum(told);
	for (i = SESSIONS; i <= BOUNCES; i++)
		values[i - SUBJECTS] = jp_told(jp_floor_amount(&ask->floor, told,
													   jp_ask_count(ask, cell, i)),
									   &nulls[i - SUBJECTS]);
	for (i = MEAN; i <= P90; i++)
		values[i - SUBJECTS] = jp_ask_told_time(ask, jp_ask_field(ask, cell, i, &nulls[i - SUBJECTS]),
												told, behind, &nulls[i - SUBJECTS]);
	values[7] = jp_ask_field(ask, cell, BREAKDOWN, &nulls[7]);
	jp_ask_row(ask, values, nulls);
}
