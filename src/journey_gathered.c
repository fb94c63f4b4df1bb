/*
 * journey_gathered.c
 *		What the aggregates of journeys share: the moments of a group, gathered
 *		in any order and by several processes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "journey_gathered.h"

/* Of one group; 64 MB with their times. */
#define MOMENTS_MAX		(4 * 1024 * 1024)

/* Different questions in the groups of one call. */
#define SETTINGS_MAX	1000

/* An option as it was last given. */
typedef struct Given
{
	Datum		value;
	bool		null;
	bool		by_value;
	int16		len;
} Given;

typedef struct Site
{
	JpCall		call;
	int			known;
	int			room;
	const JpSettings **settings;
	uint32	   *code;			/* of names in a parcel, zero between parcels */
	uint32		codes;
	int			options;		/* 0 until the first call */
	Given		given[FLEXIBLE_ARRAY_MEMBER];
} Site;

/* A group on its way between processes; settings, moments and names follow. */
typedef struct Parcel
{
	uint32		count;
	uint32		names;
	bool		ordered;
} Parcel;

PG_FUNCTION_INFO_V1(jp_gathered_combine);
PG_FUNCTION_INFO_V1(jp_gathered_serial);
PG_FUNCTION_INFO_V1(jp_gathered_deserial);

static MemoryContext aggregate_context(FunctionCallInfo fcinfo);
static Site *site_of(FunctionCallInfo fcinfo, int options);
static bool same_options(const Site *site, FunctionCallInfo fcinfo, int first);
static void keep_options(Site *site, FunctionCallInfo fcinfo, int first);
static const JpSettings *known_settings(Site *site, const JpSettings *settings, MemoryContext context);
static bool same_settings(const JpSettings *a, const JpSettings *b);
static JpGathered *new_group(MemoryContext context, const JpCall *call, uint32 room);
static void make_room(JpGathered *group, uint64 count);
static uint64 recoded(const JpMoment *moment, uint32 codes, const uint32 *code);
static uint32 *codes_of(Site *site, MemoryContext context, uint32 count);
static void append_names(StringInfo bytes, const JpGathered *group, uint32 *code, uint32 *names);
static void read_names(JpNames *names, uint32 count, const char *bytes);
static bool follows(const JpMoment *moment, const JpMoment *last);

#define ST_SORT sort_moments
#define ST_ELEMENT_TYPE JpMoment
#define ST_COMPARE(a, b) \
	((a)->at != (b)->at ? ((a)->at < (b)->at ? -1 : 1) : \
	 (a)->steps < (b)->steps ? -1 : (a)->steps > (b)->steps)
#define ST_SCOPE static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

/* Who has one time, by what they are called. */
typedef struct Called
{
	uint32		codes;
	const JpNames *names;
} Called;

static int	compare_called(const JpMoment *a, const JpMoment *b, const Called *called);

#define ST_SORT sort_called
#define ST_ELEMENT_TYPE JpMoment
#define ST_COMPARE_ARG_TYPE const Called
#define ST_COMPARE(a, b, called) compare_called(a, b, called)
#define ST_SCOPE static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

JpSettings *
jp_settings_create(Size size, uint32 codes)
{
	JpSettings *settings = (JpSettings *) palloc0(size);

	settings->size = (uint32) size;
	settings->codes = codes;
	return settings;
}

JpCall *
jp_call_of(FunctionCallInfo fcinfo, int first, int last,
		   JpSettings *(*read) (FunctionCallInfo fcinfo))
{
	Site	   *site = site_of(fcinfo, last - first + 1);

	if (site->call.settings == NULL || !same_options(site, fcinfo, first))
	{
		JpSettings *settings = read(fcinfo);

		site->call.settings = known_settings(site, settings, fcinfo->flinfo->fn_mcxt);
		pfree(settings);
		keep_options(site, fcinfo, first);
	}
	if (site->call.settings->codes != 0 && site->call.names == NULL)
		site->call.names = jp_names_create(fcinfo->flinfo->fn_mcxt);
	return &site->call;
}

JpGathered *
jp_gathered_of(FunctionCallInfo fcinfo, const JpCall *call)
{
	MemoryContext context = aggregate_context(fcinfo);
	JpGathered *group;

	if (PG_ARGISNULL(0))
		return new_group(context, call, 4);
	group = (JpGathered *) PG_GETARG_POINTER(0);
	if (group->settings != call->settings)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what is asked of a journey must be the same in all rows of a group")));
	return group;
}

void
jp_gather(JpGathered *group, int64 at, uint64 steps)
{
	JpMoment	moment = {at, steps};

	make_room(group, 1);
	if (group->count > 0 && !follows(&moment, &group->moments[group->count - 1]))
		group->ordered = false;
	group->moments[group->count++] = moment;
}

JpGathered *
jp_gathered_final(FunctionCallInfo fcinfo)
{
	JpGathered *group = PG_ARGISNULL(0) ? NULL : (JpGathered *) PG_GETARG_POINTER(0);

	aggregate_context(fcinfo);
	if (group != NULL && !group->ordered)
		jp_moments_order(group->moments, group->count, group->settings->codes, group->names);
	if (group != NULL)
		group->ordered = true;
	return group;
}

void
jp_moments_order(JpMoment *moments, Size count, uint32 codes, const JpNames *names)
{
	Called		called = {codes, names};
	Size		begin,
				end;

	sort_moments(moments, count);
	if (codes == 0)
		return;
	for (begin = 0; begin < count; begin = end)
	{
		for (end = begin + 1; end < count && moments[end].at == moments[begin].at; end++)
			;
		if (end - begin > 1)
			sort_called(moments + begin, end - begin, &called);
	}
}

uint32
jp_call_code(JpCall *call, FunctionCallInfo fcinfo, int argument)
{
	text	   *name;

	if (PG_ARGISNULL(argument))
		return 0;
	name = PG_GETARG_TEXT_PP(argument);
	return jp_name_code(call->names, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

uint64
jp_conditions(ArrayType *conditions, const char *what, int most, int *count)
{
	uint64		bits = 0;
	bits8	   *nulls = ARR_NULLBITMAP(conditions);
	bool	   *values = (bool *) ARR_DATA_PTR(conditions);
	int			i;

	*count = ArrayGetNItems(ARR_NDIM(conditions), ARR_DIMS(conditions));
	if (*count < 1 || *count > most || ARR_NDIM(conditions) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there must be 1 to %d %s", most, what)));
	for (i = 0; i < *count; i++)
		if (nulls == NULL || (nulls[i / 8] >> i % 8 & 1))
			bits |= (uint64) *values++ << i;
	return bits;
}

ArrayType *
jp_times_array(const int64 *times, int count)
{
	Datum	   *values = (Datum *) palloc(count * sizeof(Datum) + 1);
	bool	   *nulls = (bool *) palloc(count + 1);
	int			lower = 1;
	int			i;

	if (count == 0)
		return construct_empty_array(TIMESTAMPTZOID);
	for (i = 0; i < count; i++)
	{
		values[i] = TimestampTzGetDatum(times[i]);
		nulls[i] = times[i] == JP_NO_TIME;
	}
	return construct_md_array(values, nulls, 1, &count, &lower, TIMESTAMPTZOID,
							  sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

uint64
jp_microseconds(const Interval *span, const char *what)
{
	int64		length;

	if (span->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not have months or years", what),
				 errhint("Their length varies. Give days, which are of 24 hours here.")));
	if (pg_mul_s64_overflow(span->day, USECS_PER_DAY, &length) ||
		pg_add_s64_overflow(length, span->time, &length))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("interval out of range")));
	if (length < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative", what)));
	return (uint64) length;
}

Datum
jp_gathered_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	JpGathered *group = PG_ARGISNULL(0) ? NULL : (JpGathered *) PG_GETARG_POINTER(0);
	JpGathered *more = PG_ARGISNULL(1) ? NULL : (JpGathered *) PG_GETARG_POINTER(1);
	Site	   *site = site_of(fcinfo, 0);
	uint32	   *code = NULL;
	uint32		i;

	if (more == NULL && group == NULL)
		PG_RETURN_NULL();
	if (more == NULL)
		PG_RETURN_POINTER(group);
	site->call.settings = known_settings(site, more->settings, fcinfo->flinfo->fn_mcxt);
	if (more->settings->codes != 0 && site->call.names == NULL)
		site->call.names = jp_names_create(fcinfo->flinfo->fn_mcxt);
	if (group == NULL)
		group = new_group(context, &site->call, Max(more->count, 4));
	else if (!same_settings(group->settings, more->settings))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what is asked of a journey must be the same in all rows of a group")));
	if (more->names != NULL && more->names != group->names)
	{
		code = (uint32 *) palloc((jp_names_count(more->names) + 1) * sizeof(uint32));
		code[0] = 0;
		for (i = 1; i <= jp_names_count(more->names); i++)
		{
			text	   *name = jp_name_text(more->names, i);

			code[i] = jp_name_code(group->names, VARDATA(name), VARSIZE(name) - VARHDRSZ);
		}
	}
	make_room(group, more->count);
	for (i = 0; i < more->count; i++)
		jp_gather(group, more->moments[i].at,
				  recoded(&more->moments[i], more->settings->codes, code));
	if (code != NULL)
		pfree(code);
	PG_RETURN_POINTER(group);
}

Datum
jp_gathered_serial(PG_FUNCTION_ARGS)
{
	JpGathered *group = (JpGathered *) PG_GETARG_POINTER(0);
	Parcel		parcel = {group->count, 0, group->ordered};
	StringInfoData bytes;
	bytea	   *result;

	aggregate_context(fcinfo);
	initStringInfo(&bytes);
	enlargeStringInfo(&bytes, VARHDRSZ + sizeof(Parcel) + group->settings->size +
					  group->count * sizeof(JpMoment));
	appendStringInfoSpaces(&bytes, VARHDRSZ + sizeof(Parcel));
	appendBinaryStringInfo(&bytes, (const char *) group->settings, group->settings->size);
	if (group->names == NULL)
		appendBinaryStringInfo(&bytes, (const char *) group->moments, group->count * sizeof(JpMoment));
	else
		append_names(&bytes, group, codes_of(site_of(fcinfo, 0), fcinfo->flinfo->fn_mcxt,
											 jp_names_count(group->names)), &parcel.names);
	result = (bytea *) bytes.data;
	memcpy(VARDATA(result), &parcel, sizeof(Parcel));
	SET_VARSIZE(result, bytes.len);
	PG_RETURN_BYTEA_P(result);
}

Datum
jp_gathered_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	const char *next = VARDATA_ANY(bytes);
	Parcel		parcel;
	uint32		size;
	JpCall		call = {NULL, NULL, NULL};
	JpSettings *settings;
	JpGathered *group;

	aggregate_context(fcinfo);
	memcpy(&parcel, next, sizeof(Parcel));
	next += sizeof(Parcel);
	memcpy(&size, next, sizeof(uint32));
	settings = (JpSettings *) palloc(size);
	memcpy(settings, next, size);
	next += size;
	call.settings = settings;
	if (settings->codes != 0)
		call.names = jp_names_create(CurrentMemoryContext);
	group = new_group(CurrentMemoryContext, &call, Max(parcel.count, 1));
	group->ordered = parcel.ordered;
	group->count = parcel.count;
	memcpy(group->moments, next, parcel.count * sizeof(JpMoment));
	next += parcel.count * sizeof(JpMoment);
	if (settings->codes != 0)
		read_names(group->names, parcel.names, next);
	PG_RETURN_POINTER(group);
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static Site *
site_of(FunctionCallInfo fcinfo, int options)
{
	Site	   *site = (Site *) fcinfo->flinfo->fn_extra;
	MemoryContext context = fcinfo->flinfo->fn_mcxt;

	if (site == NULL)
	{
		site = (Site *) MemoryContextAllocZero(context, offsetof(Site, given) + options * sizeof(Given));
		site->options = options;
		site->room = 4;
		site->settings = (const JpSettings **) MemoryContextAlloc(context, site->room * sizeof(JpSettings *));
		fcinfo->flinfo->fn_extra = site;
	}
	return site;
}

static bool
same_options(const Site *site, FunctionCallInfo fcinfo, int first)
{
	int			i;

	for (i = 0; i < site->options; i++)
	{
		const Given *given = &site->given[i];

		if (given->null != PG_ARGISNULL(first + i))
			return false;
		if (!given->null &&
			!datumIsEqual(given->value, PG_GETARG_DATUM(first + i), given->by_value, given->len))
			return false;
	}
	return true;
}

static void
keep_options(Site *site, FunctionCallInfo fcinfo, int first)
{
	MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	int			i;

	for (i = 0; i < site->options; i++)
	{
		Given	   *given = &site->given[i];

		if (given->len == 0)
			get_typlenbyval(get_fn_expr_argtype(fcinfo->flinfo, first + i),
							&given->len, &given->by_value);
		else if (!given->null && !given->by_value)
			pfree(DatumGetPointer(given->value));
		given->null = PG_ARGISNULL(first + i);
		if (!given->null)
			given->value = datumCopy(PG_GETARG_DATUM(first + i), given->by_value, given->len);
	}
	MemoryContextSwitchTo(before);
}

/* One copy for all groups that ask the same. */
static const JpSettings *
known_settings(Site *site, const JpSettings *settings, MemoryContext context)
{
	JpSettings *kept;
	int			i;

	for (i = 0; i < site->known; i++)
		if (same_settings(site->settings[i], settings))
			return site->settings[i];
	if (site->known == SETTINGS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a query asks more than %d different questions of journeys", SETTINGS_MAX)));
	if (site->known == site->room)
	{
		site->room *= 2;
		site->settings = (const JpSettings **) repalloc(site->settings, site->room * sizeof(JpSettings *));
	}
	kept = (JpSettings *) MemoryContextAlloc(context, settings->size);
	memcpy(kept, settings, settings->size);
	site->settings[site->known++] = kept;
	return kept;
}

static bool
same_settings(const JpSettings *a, const JpSettings *b)
{
	return a == b || (a->size == b->size && memcmp(a, b, a->size) == 0);
}

static JpGathered *
new_group(MemoryContext context, const JpCall *call, uint32 room)
{
	JpGathered *group = (JpGathered *) MemoryContextAlloc(context, sizeof(JpGathered));

	group->settings = call->settings;
	group->names = call->settings->codes == 0 ? NULL : call->names;
	group->ordered = true;
	group->count = 0;
	group->room = room;
	group->moments = (JpMoment *) MemoryContextAlloc(context, room * sizeof(JpMoment));
	return group;
}

static void
make_room(JpGathered *group, uint64 count)
{
	count += group->count;
	if (count > MOMENTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a journey has more than %d events", MOMENTS_MAX),
				 errhint("Group by subject, or bound the time.")));
	if (count <= group->room)
		return;
	while (group->room < count)
		group->room *= 2;
	group->moments = (JpMoment *) repalloc(group->moments, group->room * sizeof(JpMoment));
}

/* Later, not at the same time: what happens at one time is ordered by name. */
static bool
follows(const JpMoment *moment, const JpMoment *last)
{
	return moment->at > last->at;
}

static int
compare_called(const JpMoment *a, const JpMoment *b, const Called *called)
{
	int			order = 0;

	if (called->codes & JP_CODES_LOW)
		order = jp_name_compare(called->names, jp_low(a->steps), jp_low(b->steps));
	else if (jp_low(a->steps) != jp_low(b->steps))
		return jp_low(a->steps) < jp_low(b->steps) ? -1 : 1;
	if (order != 0)
		return order;
	if (called->codes & JP_CODES_HIGH)
		return jp_name_compare(called->names, jp_high(a->steps), jp_high(b->steps));
	return jp_high(a->steps) < jp_high(b->steps) ? -1 : jp_high(a->steps) > jp_high(b->steps);
}

/* A moment's steps with the codes of another dictionary. */
static uint64
recoded(const JpMoment *moment, uint32 codes, const uint32 *code)
{
	uint32		low = jp_low(moment->steps);
	uint32		high = jp_high(moment->steps);

	if (code == NULL)
		return moment->steps;
	return jp_halves(codes & JP_CODES_LOW ? code[low] : low,
					 codes & JP_CODES_HIGH ? code[high] : high);
}

/* Room for the new codes of so many names, all 0: one for all parcels of a call. */
static uint32 *
codes_of(Site *site, MemoryContext context, uint32 count)
{
	if (site->codes <= count)
	{
		if (site->code != NULL)
			pfree(site->code);
		site->codes = 2 * count + 1;
		site->code = (uint32 *) MemoryContextAllocHuge(context, site->codes * sizeof(uint32));
		memset(site->code, 0, site->codes * sizeof(uint32));
	}
	return site->code;
}

/* The group's moments and only the names that it uses, numbered anew. */
static void
append_names(StringInfo bytes, const JpGathered *group, uint32 *code, uint32 *names)
{
	uint32		codes = group->settings->codes;
	uint32	   *used = (uint32 *) palloc(group->count * 2 * sizeof(uint32) + 1);
	uint32		i;

	for (i = 0; i < group->count; i++)
	{
		const JpMoment *moment = &group->moments[i];
		JpMoment	sent = {moment->at, 0};
		uint32		half[2] = {jp_low(moment->steps), jp_high(moment->steps)};
		int			side;

		for (side = 0; side < 2; side++)
			if ((codes >> side & 1) && half[side] != 0 && code[half[side]] == 0)
			{
				used[(*names)++] = half[side];
				code[half[side]] = *names;
			}
		sent.steps = recoded(moment, codes, code);
		appendBinaryStringInfo(bytes, (const char *) &sent, sizeof(JpMoment));
	}
	for (i = 0; i < *names; i++)
	{
		text	   *name = jp_name_text(group->names, used[i]);
		uint32		len = VARSIZE(name) - VARHDRSZ;

		appendBinaryStringInfo(bytes, (const char *) &len, sizeof(uint32));
		appendBinaryStringInfo(bytes, VARDATA(name), len);
		code[used[i]] = 0;
	}
	pfree(used);
}

static void
read_names(JpNames *names, uint32 count, const char *bytes)
{
	uint32		i;

	for (i = 0; i < count; i++)
	{
		uint32		len;

		memcpy(&len, bytes, sizeof(uint32));
		bytes += sizeof(uint32);
		jp_name_code(names, bytes, len);
		bytes += len;
	}
}
