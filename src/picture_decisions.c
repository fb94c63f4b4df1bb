/*
 * picture_decisions.c
 *		What may be told of the decisions on a purpose, from the ledger.
 *
 * People who said yes, people who said no and people who decided at all are
 * three series.  In each, periods with fewer people than the floor are pooled
 * with their neighbours until they are enough together; pools that end before
 * are not told, whether somebody decided in them or nobody.  The share whose
 * yes is in force is told at the ends of told periods of the third series, so
 * that between two of its points at least the floor's people have decided.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "answer_floor.h"
#include "picture_consent.h"

/* Columns of the first query. */
enum
{
	KIND = 1, PERIOD, PEOPLE, NUMBER
};

/* People of the periods that are being pooled. */
typedef struct Pool
{
	int			first;
	int			count;
	int			room;
	int32	   *number;
} Pool;

/* The decisions on purpose $1 that were made from $2 on, before $3. */
static const char *const people_query =
"WITH made AS (SELECT DISTINCT k.kind, width_bucket(e.at, $4) AS period, coalesce(s.head, s.number) AS number"
"  FROM journey_privacy.consent_event e JOIN journey_privacy.subject s ON s.pseudonym = e.subject,"
"  LATERAL (VALUES (CASE e.decision WHEN 'granted' THEN 0 ELSE 1 END), (2)) k(kind)"
"  WHERE e.purpose = $1 AND e.at >= $2 AND e.at < $3"
"   AND e.decision IN ('granted', 'refused', 'withdrawn', 'objected')),"
" counted AS (SELECT *, count(*) OVER (PARTITION BY kind, period) AS people,"
"  row_number() OVER (PARTITION BY kind, period ORDER BY number) AS place FROM made)"
" SELECT kind, period, people, number FROM counted"
" WHERE people < $5 OR place = 1 ORDER BY kind, period, number";

/* How many decided first, and how many more have a yes in force, by period. */
static const char *const share_query =
"WITH made AS (SELECT coalesce(s.head, s.number) AS number, e.at, e.decision = 'granted' AS yes"
"  FROM journey_privacy.consent_event e JOIN journey_privacy.subject s ON s.pseudonym = e.subject"
"  WHERE e.purpose = $1 AND e.at < $2 AND e.decision IN ('granted', 'refused', 'withdrawn', 'objected')),"
" held AS (SELECT at, yes, lag(at) OVER way IS NULL AS first,"
"  least(lead(at) OVER way, (at AT TIME ZONE 'UTC' + $4) AT TIME ZONE 'UTC') AS until"
"  FROM made WINDOW way AS (PARTITION BY number ORDER BY at, yes DESC))"
" SELECT period, sum(decided)::bigint, sum(yes)::bigint FROM ("
"  SELECT width_bucket(at, $3) AS period, first::int AS decided, yes::int AS yes FROM held"
"  UNION ALL SELECT width_bucket(until, $3), 0, -1 FROM held WHERE yes AND until < $2) d"
" GROUP BY period ORDER BY period";

static uint64 pool_series(JpSeries *series, const JpFloor *floor, uint64 row, int kind, int periods);
static uint64 pool_period(Pool *pool, uint64 row, int kind, int period, int64 *people);
static int	different(Pool *pool);
static int	compare_numbers(const void *a, const void *b);
static void add_bin(JpSeries *series, int first, int last, int64 people);
static void read_shares(JpDecisions *decisions, const JpPurpose *purpose,
						const JpFloor *floor, const JpPeriods *periods);

/* Reads what may be told. */
void
jp_decisions_read(JpDecisions *decisions, const JpPurpose *purpose, const JpPeriods *periods)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID, INT8OID};
	JpFloor		floor = {purpose->min_group, purpose->aggregates};
	Datum		values[] = {CStringGetTextDatum(purpose->name), TimestampTzGetDatum(periods->begin),
	TimestampTzGetDatum(periods->end), periods->upper, Int64GetDatum(floor.min_group)};
	uint64		row = 0;
	int			kind;

	memset(decisions, 0, sizeof(JpDecisions));
	decisions->purpose = purpose->name;
	decisions->min_group = floor.min_group;
	SPI_execute_with_args(people_query, 5, types, values, NULL, true, 0);
	for (kind = 0; kind < JP_SERIES; kind++)
		row = pool_series(&decisions->series[kind], &floor, row, kind, periods->count);
	SPI_freetuptable(SPI_tuptable);
	read_shares(decisions, purpose, &floor, periods);
}

/* Pools the periods of a series, whose rows begin at row; returns the row behind. */
static uint64
pool_series(JpSeries *series, const JpFloor *floor, uint64 row, int kind, int periods)
{
	Pool		pool = {.room = 256, .number = palloc(256 * sizeof(int32))};
	int			period;

	for (period = 0; period < periods; period++)
	{
		int64		people;

		CHECK_FOR_INTERRUPTS();
		row = pool_period(&pool, row, kind, period, &people);
		if (people >= floor->min_group)
		{
			if (pool.first < period)
				add_bin(series, pool.first, period - 1, JP_HIDDEN);
			add_bin(series, period, period, jp_floor_count(floor, people));
		}
		else if (different(&pool) >= floor->min_group)
			add_bin(series, pool.first, period, jp_floor_count(floor, pool.count));
		else
			continue;
		pool.first = period + 1;
		pool.count = 0;
	}
	if (pool.first < periods)
		add_bin(series, pool.first, periods - 1, JP_HIDDEN);
	return row;
}

/* Reads how many are in a period, and who, where they are few. */
static uint64
pool_period(Pool *pool, uint64 row, int kind, int period, int64 *people)
{
	bool		isnull;

	*people = 0;
	for (; row < SPI_processed; row++)
	{
		if (DatumGetInt32(jp_row_value(row, KIND, &isnull)) != kind ||
			DatumGetInt32(jp_row_value(row, PERIOD, &isnull)) != period)
			break;
		*people = jp_row_count(row, PEOPLE, &isnull);
		if (pool->count == pool->room)
			pool->number = repalloc_huge(pool->number, (Size) (pool->room *= 2) * sizeof(int32));
		pool->number[pool->count++] = DatumGetInt32(jp_row_value(row, NUMBER, &isnull));
	}
	return row;
}

/* How many different people are in a pool, which keeps each once. */
static int
different(Pool *pool)
{
	int			kept = 0;
	int			i;

	qsort(pool->number, pool->count, sizeof(int32), compare_numbers);
	for (i = 0; i < pool->count; i++)
		if (kept == 0 || pool->number[kept - 1] != pool->number[i])
			pool->number[kept++] = pool->number[i];
	return pool->count = kept;
}

/* By number. */
static int
compare_numbers(const void *a, const void *b)
{
	int32		left = *(const int32 *) a;
	int32		right = *(const int32 *) b;

	return left < right ? -1 : left > right;
}

/* Periods told of together. */
static void
add_bin(JpSeries *series, int first, int last, int64 people)
{
	JpBin	   *bin = &series->bin[series->count++];

	bin->first = first;
	bin->last = last;
	bin->people = people;
}

/* The share in force at the end of each told period of all decisions. */
static void
read_shares(JpDecisions *decisions, const JpPurpose *purpose, const JpFloor *floor,
			const JpPeriods *periods)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID, INTERVALOID};
	Datum		values[] = {CStringGetTextDatum(purpose->name), TimestampTzGetDatum(periods->end),
	periods->upper, IntervalPGetDatum(&purpose->valid_for)};
	bool		expires = purpose->expires && purpose->basis == JP_BASIS_CONSENT;
	const JpSeries *series = &decisions->series[JP_SERIES_ANY];
	int64		cells[2] = {0, 0};
	uint64		row = 0;
	int			bin = 0;
	int			period;
	bool		isnull;

	SPI_execute_with_args(share_query, 4, types, values, expires ? "    " : "   n", true, 0);
	for (period = 0; period < periods->count; period++)
	{
		int64		told[2];

		if (row < SPI_processed && DatumGetInt32(jp_row_value(row, 1, &isnull)) == period)
		{
			cells[0] += jp_row_count(row, 2, &isnull);
			cells[1] += jp_row_count(row++, 3, &isnull);
		}
		memcpy(told, cells, sizeof(told));
		jp_floor_cells(floor, JP_CELLS_NESTED, 2, told);
		while (series->bin[bin].last < period)
			bin++;
		if (told[0] == JP_HIDDEN || told[1] == JP_HIDDEN ||
			(floor->min_group > 1 &&
			 (series->bin[bin].last != period || series->bin[bin].people == JP_HIDDEN)))
			told[0] = told[1] = JP_HIDDEN;
		decisions->decided[period] = told[0];
		decisions->in_force[period] = told[1];
	}
	SPI_freetuptable(SPI_tuptable);
}
