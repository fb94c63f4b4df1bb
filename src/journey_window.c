/*
 * journey_window.c
 *		Aggregates window_funnel and window_funnel_times.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "journey_question.h"

/* What is asked. */
typedef struct Window
{
	JpSettings	head;
	JpFunnel	funnel;
} Window;

static const struct
{
	const char *name;
	int			mode;
}			mode_names[] = {
	{"default", 0},
	{"strict_deduplication", JP_STRICT_DEDUPLICATION},
	{"strict_order", JP_STRICT_ORDER},
	{"strict_increase", JP_STRICT_INCREASE},
	{"strict_once", JP_STRICT_ONCE},
};

PG_FUNCTION_INFO_V1(jp_window_funnel_step);
PG_FUNCTION_INFO_V1(jp_window_funnel_final);
PG_FUNCTION_INFO_V1(jp_window_funnel_times_final);

static JpSettings *read_window(FunctionCallInfo fcinfo);
static int	mode_of(const char *name, Size len);

/* A row: internal, occurred_at, within, mode, steps. */
Datum
jp_window_funnel_step(PG_FUNCTION_ARGS)
{
	JpCall	   *call = jp_call_of(fcinfo, 2, 3, read_window);
	const Window *window = (const Window *) call->settings;
	JpGathered *group = jp_gathered_of(fcinfo, call);
	uint64		steps;
	int			count;

	if (PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("within, mode and steps must not be null")));
	steps = jp_conditions(PG_GETARG_ARRAYTYPE_P(4), "steps of a funnel", JP_STEPS_MAX, &count);
	if (count != window->funnel.steps)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of steps must be the same in all rows")));
	if (!PG_ARGISNULL(1) && (steps != 0 || (window->funnel.modes & JP_STRICT_ORDER)))
		jp_gather(group, PG_GETARG_TIMESTAMPTZ(1), steps);
	PG_RETURN_POINTER(group);
}

Datum
jp_window_funnel_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);

	if (group == NULL)
		PG_RETURN_INT32(0);
	PG_RETURN_INT32(jp_funnel_depth(&((const Window *) group->settings)->funnel,
									group->moments, group->count, NULL));
}

Datum
jp_window_funnel_times_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);
	int64		times[JP_STEPS_MAX];
	int			depth = 0;

	if (group != NULL)
		depth = jp_funnel_depth(&((const Window *) group->settings)->funnel,
								group->moments, group->count, times);
	PG_RETURN_ARRAYTYPE_P(jp_times_array(times, depth));
}

static JpSettings *
read_window(FunctionCallInfo fcinfo)
{
	Window	   *window = (Window *) jp_settings_create(sizeof(Window), 0);

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("within, mode and steps must not be null")));
	window->funnel.within = jp_microseconds(PG_GETARG_INTERVAL_P(2), "within");
	window->funnel.modes = jp_funnel_modes(PG_GETARG_TEXT_PP(3));
	jp_conditions(PG_GETARG_ARRAYTYPE_P(4), "steps of a funnel", JP_STEPS_MAX, &window->funnel.steps);
	return &window->head;
}

int
jp_funnel_modes(const text *mode)
{
	const char *chars = VARDATA_ANY(mode);
	const char *end = chars + VARSIZE_ANY_EXHDR(mode);
	int			modes = 0;

	for (;;)
	{
		const char *comma = memchr(chars, ',', end - chars);
		const char *stop = comma == NULL ? end : comma;

		while (chars < stop && *chars == ' ')
			chars++;
		modes |= mode_of(chars, stop - chars);
		if (comma == NULL)
			return modes;
		chars = comma + 1;
	}
}

static int
mode_of(const char *name, Size len)
{
	int			i;

	while (len > 0 && name[len - 1] == ' ')
		len--;
	for (i = 0; i < lengthof(mode_names); i++)
		if (strlen(mode_names[i].name) == len && memcmp(mode_names[i].name, name, len) == 0)
			return mode_names[i].mode;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown mode of a funnel"),
			 errhint("Modes are default, strict_deduplication, strict_order, strict_increase and strict_once; commas combine them.")));
}
