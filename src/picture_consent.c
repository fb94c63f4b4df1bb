/*
 * picture_consent.c
 *		consent_svg(purpose, period, during, time_zone, …): decisions over time.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "consent_internal.h"
#include "journey_privacy.h"
#include "picture_consent.h"

enum
{
	PURPOSE, PERIOD, DURING, TIME_ZONE, TITLE, LANGUAGE
};

#define WIDTH			4800
#define MOST_PURPOSES	24

PG_FUNCTION_INFO_V1(jp_consent_svg);

static JpWord period_word(const char *period);
static void read_periods(JpPeriods *periods, FunctionCallInfo fcinfo);
static void bounds(FunctionCallInfo fcinfo, Datum *values, char *nulls);
static void keep_periods(JpPeriods *periods);
static void draw_purposes(JpPicture *picture, const JpPeriods *periods, const char *only);

/* SQL: consent_svg(purpose, period, during, time_zone, title, language). */
Datum
jp_consent_svg(PG_FUNCTION_ARGS)
{
	JpPicture	picture;
	JpPeriods	periods = {0};
	JpPrivilege before;
	char	   *purpose = NULL;

	jp_require_arg(fcinfo, PERIOD, "period");
	jp_require_arg(fcinfo, TIME_ZONE, "time_zone");
	jp_picture_begin(&picture, fcinfo, TITLE, LANGUAGE, JP_WORD_DECISIONS, WIDTH);
	periods.word = period_word(text_to_cstring(PG_GETARG_TEXT_PP(PERIOD)));
	if (!PG_ARGISNULL(PURPOSE))
		purpose = pstrdup(jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(PURPOSE)))->name);
	SPI_connect();
	jp_elevate(&before);
	read_periods(&periods, fcinfo);
	jp_picture_head(&picture, jp_picture_word(&picture, periods.word));
	draw_purposes(&picture, &periods, purpose);
	jp_picture_legend(&picture);
	jp_restore(&before);
	return jp_picture_finish(&picture);
}

/* What a period is called; 22023 when it is none. */
static JpWord
period_word(const char *period)
{
	if (strcmp(period, "day") == 0)
		return JP_WORD_PER_DAY;
	if (strcmp(period, "week") == 0)
		return JP_WORD_PER_WEEK;
	if (strcmp(period, "month") == 0)
		return JP_WORD_PER_MONTH;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid period"),
			 errhint("Use day, week or month.")));
}

/* Finds the periods: those of during, or the last 90. */
static void
read_periods(JpPeriods *periods, FunctionCallInfo fcinfo)
{
	Oid			types[] = {TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[4] = {PG_GETARG_DATUM(PERIOD), PG_GETARG_DATUM(TIME_ZONE)};
	char		nulls[4] = {' ', ' ', 'n', 'n'};

	bounds(fcinfo, values, nulls);
	SPI_execute_with_args("WITH step AS (SELECT ('1 ' || $1)::interval AS one),"
						  " last AS (SELECT coalesce($4 AT TIME ZONE $2 - interval '1 microsecond', now() AT TIME ZONE $2) AS at),"
						  " begin AS (SELECT date_trunc($1, coalesce($3 AT TIME ZONE $2, date_trunc($1, last.at) - 89 * one)) AS at FROM last, step)"
						  " SELECT to_char(b, 'YYYY-MM-DD'), b AT TIME ZONE $2, (b + one) AT TIME ZONE $2"
						  " FROM step, last, begin, generate_series(begin.at, last.at, one) b LIMIT 401",
						  4, types, values, nulls, true, 0);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("during has no time in it")));
	if (SPI_processed > JP_CONSENT_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("during has more than %d periods", JP_CONSENT_PERIODS),
				 errhint("Use a longer period, or a shorter time.")));
	keep_periods(periods);
}

/* Both ends of during, where they are given. */
static void
bounds(FunctionCallInfo fcinfo, Datum *values, char *nulls)
{
	RangeType  *range;
	RangeBound	lower,
				upper;
	bool		empty;

	if (PG_ARGISNULL(DURING))
		return;
	range = PG_GETARG_RANGE_P(DURING);
	range_deserialize(lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO),
					  range, &lower, &upper, &empty);
	if (empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("during has no time in it")));
	if (!lower.infinite && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(lower.val)))
	{
		values[2] = lower.val;
		nulls[2] = ' ';
	}
	if (!upper.infinite && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(upper.val)))
	{
		values[3] = upper.val;
		nulls[3] = ' ';
	}
}

/* Keeps the periods that came back. */
static void
keep_periods(JpPeriods *periods)
{
	Datum		ends[JP_CONSENT_PERIODS];
	bool		isnull;
	int			i;

	periods->count = (int) SPI_processed;
	for (i = 0; i < periods->count; i++)
	{
		periods->name[i] = jp_row_text(i, 1);
		ends[i] = jp_row_value(i, 3, &isnull);
	}
	periods->begin = DatumGetTimestampTz(jp_row_value(0, 2, &isnull));
	periods->end = DatumGetTimestampTz(ends[periods->count - 1]);
	periods->upper = PointerGetDatum(construct_array(ends, periods->count, TIMESTAMPTZOID,
													 sizeof(TimestampTz), FLOAT8PASSBYVAL,
													 TYPALIGN_DOUBLE));
}

/* One purpose, or all of them. */
static void
draw_purposes(JpPicture *picture, const JpPeriods *periods, const char *only)
{
	int			count;
	const JpPurpose *known = jp_purposes(&count);
	JpPurpose  *purpose = palloc((count + 1) * sizeof(JpPurpose));
	JpDecisions *decisions = palloc(sizeof(JpDecisions));
	int			drawn = 0;
	int			i;

	/* What is read below may make them be loaded anew. */
	memcpy(purpose, known, count * sizeof(JpPurpose));
	for (i = 0; i < count && drawn < MOST_PURPOSES; i++)
		if (only == NULL || strcmp(purpose[i].name, only) == 0)
		{
			jp_decisions_read(decisions, &purpose[i], periods);
			jp_decisions_draw(picture, decisions, periods);
			drawn++;
		}
	if (drawn == 0)
	{
		const char *none = jp_picture_word(picture, JP_WORD_NO_PURPOSE);

		jp_svg_words(picture, "ink", 200, picture->height + 200, none);
		appendStringInfoString(&picture->words, none);
		picture->height += 400;
	}
	if (only == NULL && i < count)
	{
		jp_svg_words(picture, "dim", 200, picture->height + 100, "…");
		appendStringInfo(&picture->words, " %s: …", jp_picture_word(picture, JP_WORD_NOT_DRAWN));
		picture->height += 240;
	}
}
