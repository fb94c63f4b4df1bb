/*
 * report_picture.c
 *		Pictures within the page.
 *
 * Whoever may have the page may have its pictures, so the functions that make
 * them are called without asking whether the caller may execute them; what
 * they read they ask for themselves.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "attempt.h"
#include "catalog.h"
#include "report.h"

#define MAP_DEPTH		5
#define MAP_ARGUMENTS	14
#define DECISIONS_ARGUMENTS	6

/* A picture that is to be made. */
typedef struct Drawing
{
	const char *function;
	int			nargs;
	NullableDatum arg[MAP_ARGUMENTS];
	char	   *made;
} Drawing;

static void add_decisions(JpReport *report, const char *purpose);
static void set(Drawing *drawing, int n, Datum value);
static void add_picture(JpReport *report, Drawing *drawing);
static Oid	function_named(const char *name);
static bool draw(void *arg);

/* Decisions over time, on each purpose that people decide on. */
void
jp_report_decisions(JpReport *report)
{
	uint64		count,
				i;
	char	  **purpose;

	jp_report_ask(report, "SELECT name FROM journey_privacy.purpose"
				  " WHERE basis IN ('consent', 'opt_out', 'legitimate_interests') ORDER BY name LIMIT 24");
	count = SPI_processed;
	purpose = palloc((count + 1) * sizeof(char *));
	for (i = 0; i < count; i++)
		purpose[i] = jp_row_text(i, 1);
	jp_report_add(report, "<div class=\"pictures\">");
	for (i = 0; i < count; i++)
		add_decisions(report, purpose[i]);
	jp_report_add(report, "</div>");
}

/* On one purpose. */
static void
add_decisions(JpReport *report, const char *purpose)
{
	Drawing		drawing = {.function = "consent_svg", .nargs = DECISIONS_ARGUMENTS};
	int			i;

	for (i = 0; i < DECISIONS_ARGUMENTS; i++)
		drawing.arg[i].isnull = true;
	set(&drawing, 0, CStringGetTextDatum(purpose));
	set(&drawing, 1, CStringGetTextDatum("day"));
	set(&drawing, 3, CStringGetTextDatum(pg_get_timezone_name(session_timezone)));
	set(&drawing, 5, CStringGetTextDatum(jp_language_name(report->plain.language)));
	add_picture(report, &drawing);
}

/* The journey map of a table. */
void
jp_report_map(JpReport *report, Oid relid)
{
	Drawing		drawing = {.function = "journey_map_svg", .nargs = MAP_ARGUMENTS};
	NameData	event,
				props;
	int			i;

	namestrcpy(&event, report->event);
	namestrcpy(&props, report->props);
	for (i = 0; i < MAP_ARGUMENTS; i++)
		drawing.arg[i].isnull = true;
	set(&drawing, 0, ObjectIdGetDatum(relid));
	set(&drawing, 1, Int32GetDatum(MAP_DEPTH));
	set(&drawing, 3, BoolGetDatum(true));
	set(&drawing, 5, CStringGetTextDatum("first"));
	set(&drawing, 6, CStringGetTextDatum("from"));
	set(&drawing, 10, NameGetDatum(&event));
	set(&drawing, 11, NameGetDatum(&props));
	set(&drawing, 13, CStringGetTextDatum(jp_language_name(report->plain.language)));
	jp_report_begin(report, "map", JP_REPORT_MAP);
	jp_report_note(report, JP_REPORT_MAP_NOTE);
	add_picture(report, &drawing);
	jp_report_end(report);
}

/* An argument that is not null. */
static void
set(Drawing *drawing, int n, Datum value)
{
	drawing->arg[n].value = value;
	drawing->arg[n].isnull = false;
}

/* A picture; or that the caller may not have it. */
static void
add_picture(JpReport *report, Drawing *drawing)
{
	ErrorData  *error = NULL;

	(void) jp_attempt(draw, drawing, &error);
	if (error != NULL && error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
		ReThrowError(error);
	if (error != NULL)
		jp_report_add(report, "<p class=\"empty\">%s</p>", jp_report_word(report, JP_REPORT_MAP_REFUSED));
	else
		jp_report_add(report, "<figure tabindex=\"0\">%s</figure>", drawing->made);
}

/* One of our functions that has no sister of its name. */
static Oid
function_named(const char *name)
{
	CatCList   *all = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Oid			found = InvalidOid;
	int			i;

	for (i = 0; i < all->n_members; i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&all->members[i]->tuple);

		if (proc->pronamespace == jp_schema())
			found = proc->oid;
	}
	ReleaseSysCacheList(all);
	if (!OidIsValid(found))
		elog(ERROR, "function journey_privacy.%s is missing", name);
	return found;
}

/* Draws it. */
static bool
draw(void *arg)
{
	Drawing    *drawing = arg;
	FmgrInfo	function;
	Datum		made;

	LOCAL_FCINFO(call, MAP_ARGUMENTS);

	fmgr_info(function_named(drawing->function), &function);
	InitFunctionCallInfoData(*call, &function, drawing->nargs, InvalidOid, NULL, NULL);
	memcpy(call->args, drawing->arg, drawing->nargs * sizeof(NullableDatum));
	made = FunctionCallInvoke(call);
	drawing->made = text_to_cstring(DatumGetTextPP(made));
	return true;
}
