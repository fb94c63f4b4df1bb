/*
 * store_aggregate.c
 *		Aggregates that make journeys: of events, and of journeys.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"
#include "store_internal.h"

/* Moments that are read at a time. */
#define CHUNK	256

PG_FUNCTION_INFO_V1(jp_journey_step);
PG_FUNCTION_INFO_V1(jp_journey_merge_step);
PG_FUNCTION_INFO_V1(jp_journey_final);

static JpSettings *read_nothing(FunctionCallInfo fcinfo);

/* A row: internal, occurred_at, event. */
Datum
jp_journey_step(PG_FUNCTION_ARGS)
{
	JpCall	   *call = jp_call_of(fcinfo, 1, 0, read_nothing);
	JpGathered *group = jp_gathered_of(fcinfo, call);

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(group);
	jp_journey_check_time(PG_GETARG_TIMESTAMPTZ(1));
	jp_gather(group, PG_GETARG_TIMESTAMPTZ(1), jp_call_code(call, fcinfo, 2));
	PG_RETURN_POINTER(group);
}

/* A row: internal, journey. */
Datum
jp_journey_merge_step(PG_FUNCTION_ARGS)
{
	JpCall	   *call = jp_call_of(fcinfo, 1, 0, read_nothing);
	JpGathered *group = jp_gathered_of(fcinfo, call);
	JpJourneyReading reading;
	JpMoment	moments[CHUNK];
	uint32		count;
	uint32		i;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(group);
	if (call->more == NULL)
		call->more = jp_journey_names_of(fcinfo->flinfo->fn_mcxt, call->names);
	jp_journey_open(&reading, (JpJourneyNames *) call->more, PG_GETARG_DATUM(1));
	while ((count = jp_journey_next(&reading, moments, CHUNK)) > 0)
		for (i = 0; i < count; i++)
			jp_gather(group, moments[i].at, moments[i].steps);
	jp_journey_close(&reading);
	PG_RETURN_POINTER(group);
}

/* The journey, its names in it. */
Datum
jp_journey_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);
	JpJourneyWriter *writer = (JpJourneyWriter *) fcinfo->flinfo->fn_extra;

	if (group == NULL)
		PG_RETURN_NULL();
	if (writer == NULL || jp_writer_names(writer) != group->names)
	{
		writer = jp_journey_writer(fcinfo->flinfo->fn_mcxt, group->names, false);
		fcinfo->flinfo->fn_extra = writer;
	}
	PG_RETURN_POINTER(jp_writer_journey(writer, group->moments, group->count));
}

/* There are no options. */
static JpSettings *
read_nothing(FunctionCallInfo fcinfo)
{
	return jp_settings_create(sizeof(JpSettings), JP_CODES_LOW);
}
