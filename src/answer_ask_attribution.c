/*
 * answer_ask_attribution.c
 *		attribution("table", …): which channels led to conversions.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "answer_ask.h"

enum
{
	TABLE, CONVERSION, CHANNEL, CHANNEL_KEY, MODEL, LOOKBACK, HALF_LIFE, REUSE, TOUCH_EVENTS, COMMON
};

/* Fields of an attribution_count. */
enum
{
	NAME = 1, CREDIT, CONVERSIONS, SUBJECTS, BREAKDOWN
};

PG_FUNCTION_INFO_V1(jp_attribution_of_table);

static void check_arguments(FunctionCallInfo fcinfo);
static char *touched_channel(JpAsk *ask);
static void tell_channel(JpAsk *ask, int cell);

/* SQL: attribution("table", conversion, channel, channel_key, model, …). */
Datum
jp_attribution_of_table(PG_FUNCTION_ARGS)
{
	JpAsk		ask;
	int		   *cell;
	int			i;

	check_arguments(fcinfo);
	jp_ask_begin(&ask, fcinfo, COMMON, true);
	ask.rows_only = "journeys have no channels";
	jp_ask_run(&ask, "attribution_counts",
			   psprintf(", %s, %s OPERATOR(pg_catalog.=) %s, %s",
						touched_channel(&ask), ask.event,
						jp_ask_argument(&ask, CONVERSION, TEXTOID), jp_ask_breakdown(&ask)),
			   psprintf("%s, %s, %s, %s",
						jp_ask_argument(&ask, MODEL, TEXTOID),
						jp_ask_argument(&ask, LOOKBACK, INTERVALOID),
						jp_ask_argument(&ask, HALF_LIFE, INTERVALOID),
						jp_ask_argument(&ask, REUSE, BOOLOID)));
	cell = jp_ask_order(&ask, NAME, BREAKDOWN);
	for (i = 0; i < ask.cells; i++)
		tell_channel(&ask, cell[i]);
	PG_RETURN_VOID();
}

/* Refuses what cannot be left out. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(CONVERSION) || PG_ARGISNULL(CHANNEL))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("conversion and channel must not be null")));
}

/* A row's channel, where the row is a touch. */
static char *
touched_channel(JpAsk *ask)
{
	FunctionCallInfo fcinfo = ask->fcinfo;
	char	   *channel = jp_ask_value(ask, CHANNEL, CHANNEL_KEY);

	if (PG_ARGISNULL(TOUCH_EVENTS))
		return channel;
	return psprintf("CASE WHEN %s OPERATOR(pg_catalog.=) ANY (%s) THEN %s END", ask->event,
					jp_ask_argument(ask, TOUCH_EVENTS, TEXTARRAYOID), channel);
}

/* channel, credit, conversions, subjects, breakdown */
static void
tell_channel(JpAsk *ask, int cell)
{
	int64		subjects = jp_floor_count(&ask->floor,
										  jp_ask_count(ask, cell, SUBJECTS));
	Datum		values[5];
	bool		nulls[5];
	double		credit;

	if (subjects == JP_HIDDEN)
		return;
	values[0] = jp_ask_field(ask, cell, NAME, &nulls[0]);
	credit = DatumGetFloat8(jp_ask_field(ask, cell, CREDIT, &nulls[1]));
	if (ask->floor.coarse)
		credit = (double) jp_floor_amount(&ask->floor, subjects, (int64) credit);
	nulls[1] = credit < 0;
	values[1] = Float8GetDatum(credit);
	values[2] = jp_told(jp_floor_amount(&ask->floor, subjects,
										jp_ask_count(ask, cell, CONVERSIONS)), &nulls[2]);
	values[3] = jp_told(subjects, &nulls[3]);
	values[4] = jp_ask_field(ask, cell, BREAKDOWN, &nulls[4]);
	jp_ask_row(ask, values, nulls);
}
