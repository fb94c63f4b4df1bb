/*
 * session_attribution.c
 *		Aggregate attribution.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "journey_gathered.h"
#include "session_answer.h"
#include "session_core.h"
#include "session_options.h"

/* Of one group. */
#define BYTES_MAX		((Size) 64 * 1024 * 1024)

#define HALF_LIFE		(7 * USECS_PER_DAY)

/* What is asked. */
typedef struct Attribution
{
	JpSettings	head;
	JpAttributionQuestion question;
} Attribution;

/* A channel's share of the conversion at hand. */
typedef struct Share
{
	uint32		code;			/* 0: no channel */
	double		credit;
} Share;

/* The conversion at hand: who has a share in it, and where, by code, from 1. */
typedef struct Shares
{
	const JpMoment *conversion;
	Share	   *share;
	uint32		count;
	uint32		room;
	uint32	   *place;			/* zero for who has none */
} Shares;

/* Kept from group to group. */
typedef struct Site
{
	TupleDesc	row;
	uint32		codes;			/* that place has room for, 0 included */
	Shares		shares;
} Site;

/* A group's credits on their way to an array. */
typedef struct Credits
{
	Site	   *site;
	const JpNames *names;
	Datum	   *row;
	uint32		count;
	uint32		room;
	Size		bytes;
} Credits;

/* In the order of JpModel. */
static const char *const models[] = {"first", "last", "linear", "position", "time_decay", NULL};

PG_FUNCTION_INFO_V1(jp_attribution_step);
PG_FUNCTION_INFO_V1(jp_attribution_final);

static JpSettings *read_attribution(FunctionCallInfo fcinfo);
static Site *site_of(FunctionCallInfo fcinfo, void **kept);
static TupleDesc copy_of(TupleDesc row, MemoryContext context);
static void make_places(Site *site, uint32 codes, MemoryContext context);
static void give_credit(void *to, const JpMoment *conversion, const JpMoment *touch, double credit);
static void close_conversion(Credits *credits);
static void round_off(Shares *shares);
static Datum credit_row(const Credits *credits, const Share *share);

/* A row: internal, touched_at, channel, converted, model, lookback, half_life, reuse. */
Datum
jp_attribution_step(PG_FUNCTION_ARGS)
{
	JpCall	   *call = jp_call_of(fcinfo, 4, PG_NARGS() - 1, read_attribution);
	JpGathered *group = jp_gathered_of(fcinfo, call);
	bool		converted = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);

	if (!PG_ARGISNULL(1) && (converted || !PG_ARGISNULL(2)))
		jp_gather(group, PG_GETARG_TIMESTAMPTZ(1),
				  (converted ? JP_CONVERTED : 0) | jp_call_code(call, fcinfo, 2));
	PG_RETURN_POINTER(group);
}

Datum
jp_attribution_final(PG_FUNCTION_ARGS)
{
	JpGathered *group = jp_gathered_final(fcinfo);

	if (group == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(site_of(fcinfo, &fcinfo->flinfo->fn_extra)->row->tdtypeid));
	PG_RETURN_ARRAYTYPE_P(jp_attribution_answer(fcinfo, &fcinfo->flinfo->fn_extra, group->settings,
												group->names, group->moments, group->count));
}

ArrayType *
jp_attribution_answer(FunctionCallInfo fcinfo, void **kept, const JpSettings *attribution,
					  const JpNames *names, const JpMoment *moments, uint32 count)
{
	Site	   *site = site_of(fcinfo, kept);
	Credits		credits = {site, names, NULL, 0, 256, 0};

	make_places(site, jp_names_count(names) + 1, fcinfo->flinfo->fn_mcxt);
	credits.row = (Datum *) palloc(credits.room * sizeof(Datum));
	jp_attribute(&((const Attribution *) attribution)->question, moments, count, give_credit, &credits);
	close_conversion(&credits);
	return construct_array(credits.row, credits.count, site->row->tdtypeid,
						   -1, false, TYPALIGN_DOUBLE);
}

static JpSettings *
read_attribution(FunctionCallInfo fcinfo)
{
	return jp_attribution_settings(fcinfo, 4, PG_NARGS() > 6);
}

JpSettings *
jp_attribution_settings(FunctionCallInfo fcinfo, int first, bool whole)
{
	Attribution *attribution = (Attribution *) jp_settings_create(sizeof(Attribution), JP_CODES_LOW);
	JpAttributionQuestion *question = &attribution->question;

	question->model = (JpModel) jp_word(fcinfo, first, "model", models);
	question->lookback = PG_ARGISNULL(first + 1) ? PG_UINT64_MAX : jp_span(fcinfo, first + 1, "lookback");
	question->half_life = whole && !PG_ARGISNULL(first + 2) ? jp_span(fcinfo, first + 2, "half_life") : HALF_LIFE;
	question->reuse = !whole || jp_flag(fcinfo, first + 3, "reuse");
	if (question->half_life == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life must be longer than nothing")));
	return &attribution->head;
}

static Site *
site_of(FunctionCallInfo fcinfo, void **kept)
{
	Site	   *site = (Site *) *kept;
	MemoryContext context = fcinfo->flinfo->fn_mcxt;

	if (site == NULL)
	{
		Oid			type = get_element_type(get_fn_expr_rettype(fcinfo->flinfo));
		TupleDesc	row = lookup_rowtype_tupdesc(type, -1);

		site = (Site *) MemoryContextAllocZero(context, sizeof(Site));
		site->shares.room = 16;
		site->shares.share = (Share *) MemoryContextAlloc(context, site->shares.room * sizeof(Share));
		site->row = copy_of(row, context);
		ReleaseTupleDesc(row);
		*kept = site;
	}
	return site;
}

static TupleDesc
copy_of(TupleDesc row, MemoryContext context)
{
	MemoryContext before = MemoryContextSwitchTo(context);
	TupleDesc	copy = CreateTupleDescCopy(row);

	MemoryContextSwitchTo(before);
	return copy;
}

/* Room for the places of so many codes, all 0. */
static void
make_places(Site *site, uint32 codes, MemoryContext context)
{
	if (site->codes >= codes)
		return;
	if (site->shares.place != NULL)
		pfree(site->shares.place);
	site->codes = 2 * codes;
	site->shares.place = (uint32 *)
		MemoryContextAllocExtended(context, site->codes * sizeof(uint32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Adds to the share of the touch's channel. */
static void
give_credit(void *to, const JpMoment *conversion, const JpMoment *touch, double credit)
{
	Credits    *credits = (Credits *) to;
	Shares	   *shares = &credits->site->shares;
	uint32		code = touch == NULL ? 0 : jp_low(touch->steps);

	if (shares->conversion != conversion)
	{
		close_conversion(credits);
		shares->conversion = conversion;
	}
	if (shares->place[code] == 0)
	{
		if (shares->count == shares->room)
		{
			shares->room *= 2;
			shares->share = (Share *) repalloc_huge(shares->share, shares->room * sizeof(Share));
		}
		shares->share[shares->count].code = code;
		shares->share[shares->count].credit = 0;
		shares->place[code] = ++shares->count;
	}
	shares->share[shares->place[code] - 1].credit += credit;
}

/* Its shares become credits. */
static void
close_conversion(Credits *credits)
{
	Shares	   *shares = &credits->site->shares;
	uint32		i;

	CHECK_FOR_INTERRUPTS();
	round_off(shares);
	for (i = 0; i < shares->count; i++)
	{
		if (credits->count == credits->room)
		{
			credits->room *= 2;
			credits->row = (Datum *) repalloc_huge(credits->row, credits->room * sizeof(Datum));
		}
		credits->row[credits->count++] = credit_row(credits, &shares->share[i]);
		credits->bytes += VARSIZE_ANY(DatumGetPointer(credits->row[credits->count - 1]));
		if (credits->bytes > BYTES_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the credits of a journey take more than %zu MB", BYTES_MAX / 1024 / 1024),
					 errhint("Group by subject, or bound the time.")));
		shares->place[shares->share[i].code] = 0;
	}
	shares->count = 0;
	shares->conversion = NULL;
}

/* Gives the largest share what is left of 1, so that rounding errors do not add up. */
static void
round_off(Shares *shares)
{
	double		others = 0;
	uint32		largest = 0;
	uint32		i;

	for (i = 1; i < shares->count; i++)
		if (shares->share[i].credit > shares->share[largest].credit)
			largest = i;
	for (i = 0; i < shares->count; i++)
		if (i != largest)
			others += shares->share[i].credit;
	shares->share[largest].credit = 1 - others;
}

static Datum
credit_row(const Credits *credits, const Share *share)
{
	bool		nulls[3] = {false, share->code == 0, false};
	Datum		values[3] = {0, 0, 0};

	values[0] = TimestampTzGetDatum(credits->site->shares.conversion->at);
	if (share->code != 0)
		values[1] = PointerGetDatum(jp_name_text(credits->names, share->code));
	values[2] = Float8GetDatum(share->credit);
	return HeapTupleGetDatum(heap_form_tuple(credits->site->row, values, nulls));
}
