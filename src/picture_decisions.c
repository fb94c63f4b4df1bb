/*
 * picture_decisions.c
 *		What may be told of the decisions on a purpose, from the ledger.
 *
 * People who said yes and people who said no are two series.  In each, periods
 * with fewer people than the floor are pooled with their neighbours until they
 * are enough together; pools that end before are not told, whether somebody
 * decided in them or nobody.  The share whose yes is in force is told at the
 * end of a period if, since it was told last, those who said yes, those who
 * said no and those whose yes expired are nobody or as many as the floor wants:
 * two of its points do not tell of fewer.
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

/* What the ledger has: how many decided in a period, and who, where they are few. */
typedef struct Ledger
{
	int64		people[JP_SERIES][JP_CONSENT_PERIODS];
	int			first[JP_SERIES][JP_CONSENT_PERIODS];	/* in number */
	int32	   *number;
} Ledger;

/* People of the periods that are being pooled. */
typedef struct Pool
{
	bool		enough;			/* in one period alone */
	int			count;
	int			room;
	int32	   *number;
} Pool;

/* The decisions on purpose $1 that were made from $2 on, before $3. */
static const char *const people_query =
"WITH made AS (SELECT DISTINCT (e.decision <> 'granted')::int AS kind, width_bucket(e.at, $4) AS period, coalesce(s.head, s.number) AS number"
"  FROM journey_privacy.consent_event e JOIN journey_privacy.subject s ON s.pseudonym = e.subject"
"  WHERE e.purpose = $1 AND e.at >= $2 AND e.at < $3"
"   AND e.decision IN ('granted', 'refused', 'withdrawn', 'objected')),"
" counted AS (SELECT *, count(*) OVER (PARTITION BY kind, period) AS people,"
"  row_number() OVER (PARTITION BY kind, period ORDER BY number) AS place FROM made)"
" SELECT kind, period, people, number FROM counted"
" WHERE people < $5 OR place = 1 ORDER BY kind, period, number";

/* How many decided first, have a yes in force from then on or not any more, and had one expire, by period. */
static const char *const share_query =
"WITH made AS (SELECT coalesce(s.head, s.number) AS number, e.at, e.decision = 'granted' AS yes"
"  FROM journey_privacy.consent_event e JOIN journey_privacy.subject s ON s.pseudonym = e.subject"
"  WHERE e.purpose = $1 AND e.at < $2 AND e.decision IN ('granted', 'refused', 'withdrawn', 'objected')),"
" held AS (SELECT at, yes, lag(at) OVER way IS NULL AS first,"
"  lead(at) OVER way AS next, (at AT TIME ZONE 'UTC' + $4) AT TIME ZONE 'UTC' AS expiry"
"  FROM made WINDOW way AS (PARTITION BY number ORDER BY at, yes DESC))"
" SELECT period, sum(decided)::bigint, sum(yes)::bigint, sum(expired)::bigint FROM ("
"  SELECT width_bucket(at, $3) AS period, first::int AS decided, yes::int AS yes, 0 AS expired FROM held"
"  UNION ALL SELECT width_bucket(least(next, expiry), $3), 0, -1, (expiry < coalesce(next, 'infinity'))::int"
"  FROM held WHERE yes AND least(next, expiry) < $2) d"
" GROUP BY period ORDER BY period";

static void read_ledger(Ledger *ledger);
static void pool_series(JpSeries *series, const Ledger *ledger, const JpFloor *floor, int kind, int periods);
static void pool_period(Pool *pool, const Ledger *ledger, const JpFloor *floor, int kind, int period);
static int	different(Pool *pool);
static bool is_tellable(Pool *pool, const JpFloor *floor);
static int	compare_numbers(const void *a, const void *b);
static void add_bin(JpSeries *series, int first, int last, int64 people);
static void read_shares(JpDecisions *decisions, const JpPurpose *purpose,
						const Ledger *ledger, const JpFloor *floor, const JpPeriods *periods);
static void choose_shares(JpDecisions *decisions, const Ledger *ledger, const JpFloor *floor, int periods);

/* Reads what may be told. */
void
jp_decisions_read(JpDecisions *decisions, const JpPurpose *purpose, const JpPeriods *periods)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID, INT8OID};
	JpFloor		floor = {purpose->min_group, purpose->aggregates};
	Datum		values[] = {CStringGetTextDatum(purpose->name), TimestampTzGetDatum(periods->begin),
	TimestampTzGetDatum(periods->end), periods->upper, Int64GetDatum(floor.min_group)};
	Ledger	   *ledger = palloc0(sizeof(Ledger));
	int			kind;

	memset(decisions, 0, sizeof(JpDecisions));
	decisions->purpose = purpose->name;
	decisions->min_group = floor.min_group;
	SPI_execute_with_args(people_query, 5, types, values, NULL, true, 0);
	read_ledger(ledger);
	SPI_freetuptable(SPI_tuptable);
	for (kind = 0; kind < JP_SERIES; kind++)
		pool_series(&decisions->series[kind], ledger, &floor, kind, periods->count);
	read_shares(decisions, purpose, ledger, &floor, periods);
	pfree(ledger->number);
	pfree(ledger);
}

/* Keeps what came back. */
static void
read_ledger(Ledger *ledger)
{
	uint64		row;
	bool		isnull;

	if (SPI_processed >= INT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many decisions for a picture")));
	ledger->number = palloc_extended((SPI_processed + 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	for (row = 0; row < SPI_processed; row++)
	{
		int			kind = DatumGetInt32(jp_row_value(row, KIND, &isnull));
		int			period = DatumGetInt32(jp_row_value(row, PERIOD, &isnull));

		if (ledger->people[kind][period] == 0)
			ledger->first[kind][period] = (int) row;
		ledger->people[kind][period] = jp_row_count(row, PEOPLE, &isnull);
		ledger->number[row] = DatumGetInt32(jp_row_value(row, NUMBER, &isnull));
	}
}

/* Pools the periods of a series. */
static void
pool_series(JpSeries *series, const Ledger *ledger, const JpFloor *floor, int kind, int periods)
{
	Pool		pool = {0};
	int			first = 0;
	int			period;

	for (period = 0; period < periods; period++)
	{
		int64		people = ledger->people[kind][period];

		CHECK_FOR_INTERRUPTS();
		pool_period(&pool, ledger, floor, kind, period);
		if (people >= floor->min_group)
		{
			if (first < period)
				add_bin(series, first, period - 1, JP_HIDDEN);
			add_bin(series, period, period, jp_floor_count(floor, people));
		}
		else if (different(&pool) >= floor->min_group)
			add_bin(series, first, period, jp_floor_count(floor, pool.count));
		else
			continue;
		first = period + 1;
		pool.count = 0;
	}
	if (first < periods)
		add_bin(series, first, periods - 1, JP_HIDDEN);
}

/* Takes the people of a period into a pool. */
static void
pool_period(Pool *pool, const Ledger *ledger, const JpFloor *floor, int kind, int period)
{
	int64		people = ledger->people[kind][period];

	if (people >= floor->min_group)
	{
		pool->enough = true;
		return;
	}
	if (pool->count + people > pool->room)
	{
		pool->room = (pool->count + (int) people) * 2;
		pool->number = pool->number == NULL ? palloc_extended(pool->room * sizeof(int32), MCXT_ALLOC_HUGE) :
			repalloc_huge(pool->number, pool->room * sizeof(int32));
	}
	if (people > 0)
		memcpy(pool->number + pool->count, ledger->number + ledger->first[kind][period], people * sizeof(int32));
	pool->count += (int) people;
}

/* How many different people are in a pool, which keeps each once. */
static int
different(Pool *pool)
{
	int			kept = 0;
	int			i;

	if (pool->count > 1)
		qsort(pool->number, pool->count, sizeof(int32), compare_numbers);
	for (i = 0; i < pool->count; i++)
		if (kept == 0 || pool->number[kept - 1] != pool->number[i])
			pool->number[kept++] = pool->number[i];
	return pool->count = kept;
}

/* Nobody, or as many as the floor wants. */
static bool
is_tellable(Pool *pool, const JpFloor *floor)
{
	return pool->enough || pool->count == 0 || different(pool) >= floor->min_group;
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

/* How many decided by the end of each period, and whose yes is in force. */
static void
read_shares(JpDecisions *decisions, const JpPurpose *purpose, const Ledger *ledger,
			const JpFloor *floor, const JpPeriods *periods)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID, INTERVALOID};
	Datum		values[] = {CStringGetTextDatum(purpose->name), TimestampTzGetDatum(periods->end),
	periods->upper, IntervalPGetDatum(&purpose->valid_for)};
	bool		expires = purpose->expires && purpose->basis == JP_BASIS_CONSENT;
	int64		cells[2] = {0, 0};
	uint64		row = 0;
	int			period;
	bool		isnull;

	SPI_execute_with_args(share_query, 4, types, values, expires ? "    " : "   n", true, 0);
	for (period = 0; period < periods->count; period++)
	{
		decisions->expired[period] = 0;
		if (row < SPI_processed && DatumGetInt32(jp_row_value(row, 1, &isnull)) == period)
		{
			cells[0] += jp_row_count(row, 2, &isnull);
			cells[1] += jp_row_count(row, 3, &isnull);
			decisions->expired[period] = jp_row_count(row++, 4, &isnull);
		}
		decisions->decided[period] = cells[0];
		decisions->in_force[period] = cells[1];
	}
	SPI_freetuptable(SPI_tuptable);
	choose_shares(decisions, ledger, floor, periods->count);
}

/* Keeps the shares that may be told. */
static void
choose_shares(JpDecisions *decisions, const Ledger *ledger, const JpFloor *floor, int periods)
{
	Pool		pool[JP_SERIES] = {{0}};
	int64		expired = 0;
	int			period,
				kind;

	for (period = 0; period < periods; period++)
	{
		int64		cells[2] = {decisions->decided[period], decisions->in_force[period]};
		bool		told = true;
		bool		changed;

		for (kind = 0; kind < JP_SERIES; kind++)
		{
			pool_period(&pool[kind], ledger, floor, kind, period);
			told = told && is_tellable(&pool[kind], floor);
		}
		expired += decisions->expired[period];
		changed = pool[0].enough || pool[1].enough || pool[0].count + pool[1].count + expired > 0;
		jp_floor_cells(floor, JP_CELLS_NESTED, 2, cells);
		told = told && (expired == 0 || expired >= floor->min_group) && (changed || floor->min_group == 1);
		if (!told || cells[0] == JP_HIDDEN || cells[1] == JP_HIDDEN)
			cells[0] = cells[1] = JP_HIDDEN;
		else
		{
			pool[0].enough = pool[1].enough = false;
			pool[0].count = pool[1].count = expired = 0;
		}
		decisions->decided[period] = cells[0];
		decisions->in_force[period] = cells[1];
	}
}
