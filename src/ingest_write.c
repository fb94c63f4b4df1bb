/*
 * ingest_write.c
 *		Writes events to the journey table, as whoever called.
 *
 * One statement for the whole batch, over an array for each column.  Its plan
 * is kept for the tables written last; the statement itself, with the types of
 * its parameters, tells whether it still fits.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "compat.h"
#include "ingest.h"

#define KEPT_PLANS	16			/* tables whose plans are kept, at most */
#define MAX_PARAMETERS	(JP_MAX_MAPPED + 5)

/* A kept plan, and what it was made for. */
typedef struct KeptPlan
{
	SPIPlanPtr	plan;
	char	   *sql;
	int			count;
	Oid			types[MAX_PARAMETERS];
} KeptPlan;

/* In a ring: the one made first is given up first. */
static KeptPlan kept[KEPT_PLANS];
static int	next_kept = 0;

static char *make_sql(const JpIngestMapping *mapping);
static Datum make_array(const JpIngestBatch *batch, int column, int count);
static SPIPlanPtr find_plan(const char *sql, int count, const Oid *types);

/* Inserts the events that are not known; returns how many there are now. */
int
jp_ingest_insert(const JpIngestBatch *batch)
{
	const JpIngestMapping *mapping = batch->mapping;
	int			columns = list_length(mapping->columns);
	Oid			types[MAX_PARAMETERS];
	Datum		values[MAX_PARAMETERS];
	int			count = 0;
	int			code;
	int			i;

	for (i = 0; i < batch->count; i++)
		count += !batch->events[i].known;
	if (count == 0)
		return 0;
	types[0] = mapping->subject_column.type;
	values[0] = batch->subject;
	for (i = 0; i < columns; i++)
	{
		types[i + 1] = ((JpIngestColumn *) list_nth(mapping->columns, i))->array;
		values[i + 1] = make_array(batch, i, count);
	}
	code = SPI_execute_plan(find_plan(make_sql(mapping), columns + 1, types),
							values, NULL, false, 0);
	/* a rule may have made something else of it */
	if (code < 0)
		elog(ERROR, "an internal statement returned %s",
			 SPI_result_code_string(code));
	return SPI_processed;
}

/* The statement. */
static char *
make_sql(const JpIngestMapping *mapping)
{
	StringInfoData sql;
	StringInfoData arrays;
	ListCell   *cell;
	int			n = 2;

	initStringInfo(&sql);
	initStringInfo(&arrays);
	appendStringInfo(&sql, "INSERT INTO %s (%s", mapping->table,
					 quote_identifier(mapping->subject));
	foreach(cell, mapping->columns)
	{
		const JpIngestColumn *column = lfirst(cell);

		appendStringInfo(&sql, ", %s", quote_identifier(column->name));
		appendStringInfo(&arrays, "%spg_catalog.unnest($%d)", n == 2 ? "" : ", ", n);
		n++;
	}
	appendStringInfo(&sql, ") SELECT $1, u.* FROM ROWS FROM (%s) u%s",
					 arrays.data, mapping->unique ? " ON CONFLICT DO NOTHING" : "");
	return sql.data;
}

/* A column's values of the events to be inserted. */
static Datum
make_array(const JpIngestBatch *batch, int column, int count)
{
	const JpIngestColumn *c = list_nth(batch->mapping->columns, column);
	Datum	   *values = palloc(count * sizeof(Datum));
	bool	   *nulls = palloc(count * sizeof(bool));
	int			lower = 1;
	int			n = 0;
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		const JpIngestEvent *event = &batch->events[i];

		if (event->known)
			continue;
		values[n] = event->values[column];
		nulls[n++] = event->nulls[column];
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, &count, &lower,
											  c->type, c->length, c->by_value,
											  c->align));
}

/* The plan for a statement. */
static SPIPlanPtr
find_plan(const char *sql, int count, const Oid *types)
{
	KeptPlan   *entry;
	SPIPlanPtr	made;
	int			i;

	for (i = 0; i < KEPT_PLANS; i++)
	{
		if (kept[i].plan != NULL && kept[i].count == count &&
			strcmp(kept[i].sql, sql) == 0 &&
			memcmp(kept[i].types, types, count * sizeof(Oid)) == 0)
			return kept[i].plan;
	}
	made = SPI_prepare(sql, count, (Oid *) types);
	if (made == NULL || SPI_keepplan(made) != 0)
		elog(ERROR, "could not prepare an internal statement: %s",
			 SPI_result_code_string(SPI_result));
	entry = &kept[next_kept];
	next_kept = (next_kept + 1) % KEPT_PLANS;
	if (entry->plan != NULL)
	{
		SPI_freeplan(entry->plan);
		pfree(entry->sql);
		entry->plan = NULL;
	}
	entry->sql = MemoryContextStrdup(TopMemoryContext, sql);
	entry->count = count;
	memcpy(entry->types, types, count * sizeof(Oid));
	entry->plan = made;
	return made;
}
