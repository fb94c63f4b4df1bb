/*
 * discovery_sample.c
 *		Reads some rows of a table and counts what its values look like.
 *
 * As the caller, and only where the caller sees every row: what row security
 * leaves over would tell another share, and which share would tell of people.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#include "attempt.h"
#include "catalog.h"
#include "discovery.h"

#define VALUE_MAX	10000		/* bytes of a value that are looked at */
#define FETCH	100
#define ALIVE	120				/* years; nobody is older */
#define GROWN	5				/* nor has an account before */

/* A document that is read. */
typedef struct Document
{
	char	   *json;
	Jsonb	   *jsonb;
} Document;

static char *query_for(const JpTable *table, int64 rows);
static void take_row(JpTable *table, HeapTuple row, TupleDesc desc, int64 number);
static void take_value(JpColumn *column, Datum value, int64 row);
static void take_texts(JpColumn *column, ArrayType *array);
static Jsonb *read_json(text *document);
static bool convert(void *arg);
static int	year_now(void);

/* Reads rows. */
bool
jp_discovery_sample(JpTable *table, int64 rows)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext one_row;
	Portal		portal;
	ListCell   *cell;
	int64		number = 0;

	if (pg_class_aclcheck(table->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
		check_enable_rls(table->relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	portal = SPI_cursor_parse_open(NULL, query_for(table, rows),
								   &(SPIParseOpenOptions){.read_only = true});
	one_row = AllocSetContextCreate(caller, "journey_privacy sampled row",
									ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		uint64		i;

		SPI_cursor_fetch(portal, true, FETCH);
		if (SPI_processed == 0)
			break;
		for (i = 0; i < SPI_processed; i++)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextSwitchTo(one_row);
			take_row(table, SPI_tuptable->vals[i], SPI_tuptable->tupdesc, number++);
			MemoryContextSwitchTo(caller);
			MemoryContextReset(one_row);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(one_row);
	foreach(cell, table->columns)
		jp_discovery_fold_keys(lfirst(cell));
	table->sampled = true;
	return true;
}

/* Some pages of a large table, the beginning of what they hold. */
static char *
query_for(const JpTable *table, int64 rows)
{
	StringInfoData sql;
	double		per_page = table->rows > 0 && table->pages > 0 ? table->rows / table->pages : 50;
	double		pages = ceil(2 * rows / Max(per_page, 1)) + 10;
	ListCell   *cell;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	foreach(cell, table->columns)
	{
		JpColumn   *column = lfirst(cell);

		appendStringInfo(&sql, "%s%s", foreach_current_index(cell) > 0 ? ", " : "",
						 column->reading == JP_READ_NOTHING ? "NULL" :
						 quote_identifier(column->name));
	}
	appendStringInfo(&sql, " FROM %s", jp_qualified_name_of(table->relid));
	if (table->pages > pages && get_rel_relkind(table->relid) != RELKIND_FOREIGN_TABLE)
		appendStringInfo(&sql, " TABLESAMPLE pg_catalog.system (%.6f) REPEATABLE (0)",
						 100 * pages / table->pages);
	appendStringInfo(&sql, " LIMIT " INT64_FORMAT, rows);
	return sql.data;
}

/* Takes a row; what is kept is in the memory of the columns. */
static void
take_row(JpTable *table, HeapTuple row, TupleDesc desc, int64 number)
{
	ListCell   *cell;

	foreach(cell, table->columns)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(row, desc, foreach_current_index(cell) + 1, &isnull);

		if (!isnull)
			take_value(lfirst(cell), value, number);
	}
}

/* Takes a value that is not null. */
static void
take_value(JpColumn *column, Datum value, int64 row)
{
	MemoryContext one_row = CurrentMemoryContext;
	Jsonb	   *document = NULL;
	char	   *string;

	switch (column->reading)
	{
		case JP_READ_TEXT:
			string = OidOutputFunctionCall(column->output, value);
			jp_discovery_value(&column->whole, string, strlen(string));
			break;
		case JP_READ_TEXTS:
			take_texts(column, DatumGetArrayTypeP(value));
			break;
		case JP_READ_ADDRESS:
			column->whole.values++;
			column->whole.matching[column->type == MACADDROID || column->type == MACADDR8OID ?
								   JP_LOOK_MAC : JP_LOOK_IP]++;
			break;
		case JP_READ_JSON:
			document = read_json(DatumGetTextPP(value));
			break;
		case JP_READ_JSONB:
			document = DatumGetJsonbP(value);
			break;
		case JP_READ_NOTHING:
			break;
	}
	if (document != NULL)
	{
		column->whole.values++;
		MemoryContextSwitchTo(GetMemoryChunkContext(column));
		jp_discovery_document(column, document, row);
		MemoryContextSwitchTo(one_row);
	}
}

/* Takes the elements of an array. */
static void
take_texts(JpColumn *column, ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (i = 0; i < count; i++)
		if (!nulls[i])
		{
			text	   *value = DatumGetTextPP(values[i]);

			jp_discovery_value(&column->whole, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
		}
}

/* json as jsonb; NULL for what jsonb cannot hold. */
static Jsonb *
read_json(text *document)
{
	Document	read = {text_to_cstring(document), NULL};
	ErrorData  *error;

	(void) jp_attempt(convert, &read, &error);
	if (error != NULL &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		ReThrowError(error);
	return read.jsonb;
}

/* Converts it, or throws. */
static bool
convert(void *arg)
{
	Document   *read = arg;

	read->jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(read->json)));
	return true;
}

/* Counts what a value looks like. */
void
jp_discovery_value(JpSeen *seen, const char *value, size_t len)
{
	int			year;
	uint32		looks = jp_looks_like(value, Min(len, VALUE_MAX), &year, NULL);
	int			now = year_now();
	int			look;

	seen->values++;
	for (look = 0; look < JP_LOOK_BY_CONTENT; look++)
		if (looks & JP_LOOK_BIT(look))
			seen->matching[look]++;
	if (year < now - ALIVE || year > now - GROWN)
		return;
	seen->first_year = seen->births == 0 ? year : Min(seen->first_year, year);
	seen->last_year = seen->births == 0 ? year : Max(seen->last_year, year);
	seen->births++;
}

/* The year, as of this transaction. */
static int
year_now(void)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(GetCurrentTransactionStartTimestamp(), NULL, &tm, &fsec, NULL, NULL) != 0)
		return 0;
	return tm.tm_year;
}
