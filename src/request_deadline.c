/*
 * request_deadline.c
 *		Until when a request is to be confirmed and answered.
 *
 * Times to answer run from receipt: one calendar month, with two further
 * ones three (Art. 12(3) GDPR), or 45 days, with 45 further ones 90 (Cal. Civ.
 * Code 1798.130(a)(2)).  A month ends on the day of the same number or, where
 * there is none, on the last one (Art. 3(2)(c) of Regulation 1182/71).  That
 * Article's paragraph 4 moves an end on a weekend or holiday to the next
 * working day, and its paragraph 2 to the end of that day; both are left
 * unused, for which days these are differs by place: who answers by the time
 * given here is never late.
 *
 * Receipt is confirmed within 10 business days under the CCPA (11 CCR
 * 7021(a)).  The GDPR has no such time; 3 business days are "without undue
 * delay".  Opting out of sale and sharing and limiting the use of sensitive
 * data, kinds objection and restriction, are answered within 15 business days
 * there, and no extension is given (11 CCR 7026(f), 7027(g)).  Business days are Monday to Friday but for those in table holiday;
 * the day of receipt does not count.  Days are those of UTC.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "request_internal.h"

/* So many days are looked through for business days. */
#define HORIZON		366

/* What a regulation demands. */
typedef struct Regulation
{
	const char *name;
	int			confirm_days;	/* business days */
	Interval	period;
	Interval	extended;
	int			opt_out_days;	/* business days, or 0: as all others */
} Regulation;

static const Regulation regulation[] = {
	{"gdpr", 3, {.month = 1}, {.month = 3}, 0},
	{"ccpa", 10, {.day = 45}, {.day = 90}, 15}
};

static const Regulation *find_regulation(const char *name);
static bool opts_out(const Regulation *by, const char *kind);
static TimestampTz business_days_after(const Regulation *by, TimestampTz time,
									   int count);
static DateADT business_day_after(const Regulation *by, DateADT day, int count);
static bool *read_holidays(const Regulation *by, DateADT day);
static bool is_weekend(DateADT day);
static DateADT day_of(TimestampTz time);

PG_FUNCTION_INFO_V1(jp_request_deadlines);

/* SQL: request_deadlines(regulation, received_at, kind). */
Datum
jp_request_deadlines(PG_FUNCTION_ARGS)
{
	const char *by;
	const char *kind;
	TimestampTz received_at;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	JpPrivilege before;
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "request_deadlines must return a row");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	by = text_to_cstring(PG_GETARG_TEXT_PP(0));
	received_at = PG_GETARG_TIMESTAMPTZ(1);
	kind = PG_ARGISNULL(2) ? NULL :
		jp_request_kind(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	jp_request_check_regulation(by);
	jp_elevate(&before);
	SPI_connect();
	values[0] = TimestampTzGetDatum(jp_request_confirm_by(by, received_at));
	values[1] = TimestampTzGetDatum(jp_request_due(by, kind, received_at, false));
	nulls[2] = !jp_request_extends(by, kind);
	if (!nulls[2])
		values[2] = TimestampTzGetDatum(jp_request_due(by, kind, received_at, true));
	SPI_finish();
	jp_restore(&before);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* Refuses what is no regulation. */
void
jp_request_check_regulation(const char *name)
{
	if (find_regulation(name) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid regulation"),
				 errhint("Use gdpr or ccpa.")));
}

/* Until when a request is to be answered; months are counted in UTC. */
TimestampTz
jp_request_due(const char *name, const char *kind, TimestampTz received_at,
			   bool extended)
{
	const Regulation *by = find_regulation(name);
	Interval	period = extended ? by->extended : by->period;

	if (opts_out(by, kind))
		return business_days_after(by, received_at, by->opt_out_days);
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval,
												 TimestampGetDatum(received_at),
												 IntervalPGetDatum(&period)));
}

/* Whether the time to answer may be extended. */
bool
jp_request_extends(const char *name, const char *kind)
{
	return !opts_out(find_regulation(name), kind);
}

/* Until when its receipt is to be confirmed. */
TimestampTz
jp_request_confirm_by(const char *name, TimestampTz received_at)
{
	const Regulation *by = find_regulation(name);

	return business_days_after(by, received_at, by->confirm_days);
}

/* Whether a kind of request, or NULL, has a time of its own. */
static bool
opts_out(const Regulation *by, const char *kind)
{
	return by->opt_out_days > 0 && kind != NULL &&
		(strcmp(kind, "objection") == 0 || strcmp(kind, "restriction") == 0);
}

/* So many business days after a time: the time of day stays. */
static TimestampTz
business_days_after(const Regulation *by, TimestampTz time, int count)
{
	Interval	wait = {0};
	DateADT		day;

	if (TIMESTAMP_NOT_FINITE(time))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time of receipt must be finite")));
	day = day_of(time);
	wait.day = business_day_after(by, day, count) - day;
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval,
												 TimestampGetDatum(time),
												 IntervalPGetDatum(&wait)));
}

/* A regulation by its name, or NULL. */
static const Regulation *
find_regulation(const char *name)
{
	int			i;

	for (i = 0; i < lengthof(regulation); i++)
		if (strcmp(regulation[i].name, name) == 0)
			return &regulation[i];
	return NULL;
}

/* The last of so many business days after a day. */
static DateADT
business_day_after(const Regulation *by, DateADT day, int count)
{
	bool	   *holiday = read_holidays(by, day);
	int			left = count;
	int			i;

	for (i = 1; i <= HORIZON; i++)
		if (!is_weekend(day + i) && !holiday[i] && --left == 0)
			return day + i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("table journey_privacy.holiday leaves too few business days in a year")));
}

/* Which of the days after a day are holidays. */
static bool *
read_holidays(const Regulation *by, DateADT day)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {TEXTOID, DATEOID, INT4OID};
	Datum		values[3] = {CStringGetTextDatum(by->name), DateADTGetDatum(day),
		Int32GetDatum(HORIZON)
	};
	bool	   *holiday = palloc0((HORIZON + 1) * sizeof(bool));
	uint64		i;

	jp_execute(&plan,
			   "SELECT day - $2 FROM journey_privacy.holiday WHERE regulation = $1"
			   " AND day > $2 AND day - $2 <= $3",
			   3, types, values, NULL, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		holiday[DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i],
											SPI_tuptable->tupdesc, 1, &isnull))] = true;
	}
	SPI_freetuptable(SPI_tuptable);
	return holiday;
}

/* Saturdays and Sundays; day 0 was a Saturday. */
static bool
is_weekend(DateADT day)
{
	return ((day % 7) + 7) % 7 <= 1;
}

/* The day of UTC. */
static DateADT
day_of(TimestampTz time)
{
	int64		day = time / USECS_PER_DAY;

	return (DateADT) (time % USECS_PER_DAY < 0 ? day - 1 : day);
}
