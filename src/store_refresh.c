/*
 * store_refresh.c
 *		refresh_journey_store(): brings a store in line with its table.
 *
 * It takes the changes that it sees, then makes the journeys of their buckets
 * anew from what a later snapshot sees.  Who changes rows meanwhile has noted
 * so in a change that it did not see, which the next refresh takes.  Readers
 * see store and changes with one snapshot: a store with no change pending is
 * the table.
 *
 * Locks: ShareUpdateExclusive on the store, so that one refreshes at a time and
 * erasure waits for it; AccessShare on the table; writers are never in the way.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/params.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "note.h"
#include "store_fill.h"

/* The dictionary has so many names at most. */
#define NAMES_MAX		65536

/* With more changes than this part of the store's rows, all of it is made anew. */
#define CHANGES_MANY	4
#define CHANGES_FEW		100000

/* What a refresh is about. */
typedef struct Refresh
{
	JpStore		store;
	Oid			owner;
	bool		whole;
	int64		changes;
	Datum		numbers;		/* arrays: subject and bucket of each change */
	Datum		buckets;
	TimestampTz from;			/* of the first bucket */
	TimestampTz until;			/* end of the last */
	char	   *table;			/* the store, for SQL */
	char	   *source;
	char	   *number;			/* columns of that */
	char	   *at;
	char	   *event;
} Refresh;

/* True while what is written to a store is right. */
static bool refreshing = false;

static void refresh(Refresh *r, bool whole, int64 *rows);
static void take_changes(Refresh *r);
static void read_changes(Refresh *r, SPITupleTable *taken);
static double rows_of(Oid relid);
static void name_parts(Refresh *r);
static JpFilling *read_rows(const Refresh *r);
static int	run_into(const Refresh *r, const char *sql, DestReceiver *receiver);
static char *rows_of_source(const Refresh *r);
static void share_names(JpFilling *filling);
static void add_names(ArrayType *names);
static void remove_rows(const Refresh *r);
static int64 write_journeys(const Refresh *r, JpFilling *filling);
static int	parameters(const Refresh *r, Oid *types, Datum *values);

PG_FUNCTION_INFO_V1(jp_refresh_journey_store);

/* SQL: refresh_journey_store(name, whole). */
Datum
jp_refresh_journey_store(PG_FUNCTION_ARGS)
{
	Refresh		r = {0};
	Relation	store;
	Relation	source;
	int64		rows = 0;

	jp_require_read_committed("refresh_journey_store()");
	r.store = *jp_store_named(NameStr(*PG_GETARG_NAME(0)));
	store = jp_open_owned(r.store.relid, ShareUpdateExclusiveLock);
	source = jp_open_owned(r.store.source, AccessShareLock);
	r.owner = store->rd_rel->relowner;
	if (source->rd_rel->relowner != r.owner)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("journey store \"%s\" has another owner than table \"%s\"",
						NameStr(r.store.name), RelationGetRelationName(source)),
				 errhint("Make it one with ALTER TABLE … OWNER TO.")));
	if (refreshing)
		elog(ERROR, "a journey store is being refreshed already");
	jp_store_flush();
	SPI_connect();
	refresh(&r, PG_GETARG_BOOL(1), &rows);
	SPI_finish();
	table_close(source, NoLock);
	table_close(store, NoLock);
	jp_note(JP_NOTE_PROTECTION, "refresh_journey_store", r.store.relid, rows,
			r.whole ? "whole" : NULL);
	PG_RETURN_INT64(rows);
}

bool
jp_store_refreshing(void)
{
	return refreshing;
}

static void
refresh(Refresh *r, bool whole, int64 *rows)
{
	JpFilling  *filling;

	r->whole = whole;
	take_changes(r);
	if (!r->whole && r->changes == 0)
		return;
	name_parts(r);
	filling = read_rows(r);
	share_names(filling);
	refreshing = true;
	PG_TRY();
	{
		remove_rows(r);
		*rows = write_journeys(r, filling);
	}
	PG_FINALLY();
	{
		refreshing = false;
	}
	PG_END_TRY();
	jp_filling_end(filling);
}

/* Takes the changes that there are, of subjects who are still registered. */
static void
take_changes(Refresh *r)
{
	static SPIPlanPtr plan = NULL;
	JpPrivilege before;
	Oid			types[1] = {REGCLASSOID};
	Datum		values[1] = {ObjectIdGetDatum(r->store.relid)};

	jp_elevate(&before);
	jp_execute(&plan,
			   "WITH taken AS (DELETE FROM journey_privacy.store_change"
			   "  WHERE relation = $1 RETURNING number, bucket),"
			   " change AS (SELECT DISTINCT number, bucket FROM taken)"
			   " SELECT count(*), coalesce(bool_or(c.bucket = '-infinity'), false),"
			   "  array_agg(c.number), array_agg(c.bucket), min(c.bucket), max(c.bucket)"
			   " FROM change c WHERE c.bucket = '-infinity' OR EXISTS"
			   "  (SELECT FROM journey_privacy.subject s WHERE s.number = c.number)",
			   1, types, values, NULL, SPI_OK_SELECT);
	read_changes(r, SPI_tuptable);
	jp_restore(&before);
	/* many changes are made faster with one pass over the table */
	r->whole |= r->changes > CHANGES_FEW &&
		r->changes > rows_of(r->store.relid) / CHANGES_MANY;
}

static void
read_changes(Refresh *r, SPITupleTable *taken)
{
	HeapTuple	row = taken->vals[0];
	bool		isnull;

	r->changes = DatumGetInt64(SPI_getbinval(row, taken->tupdesc, 1, &isnull));
	r->whole |= DatumGetBool(SPI_getbinval(row, taken->tupdesc, 2, &isnull));
	if (r->whole || r->changes == 0)
		return;
	r->numbers = SPI_getbinval(row, taken->tupdesc, 3, &isnull);
	r->buckets = SPI_getbinval(row, taken->tupdesc, 4, &isnull);
	r->from = DatumGetTimestampTz(SPI_getbinval(row, taken->tupdesc, 5, &isnull));
	r->until = DatumGetTimestampTz(SPI_getbinval(row, taken->tupdesc, 6, &isnull));
	r->until = END_TIMESTAMP - r->until <= r->store.bucket ? DT_NOEND : r->until + r->store.bucket;
}

/* Rows as of the last ANALYZE, or 0. */
static double
rows_of(Oid relid)
{
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows = 0;

	if (HeapTupleIsValid(row))
	{
		rows = Max(((Form_pg_class) GETSTRUCT(row))->reltuples, 0);
		ReleaseSysCache(row);
	}
	return rows;
}

/* Names of what is read and written, for SQL. */
static void
name_parts(Refresh *r)
{
	const JpProtection *protection = jp_protection_find(r->store.source);

	if (protection == NULL || jp_protection_find(r->store.relid) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("journey store \"%s\" or its table is not protected", NameStr(r->store.name))));
	r->source = jp_qualified_name_of(r->store.source);
	r->table = jp_qualified_name_of(r->store.relid);
	r->number = psprintf("s.%s", quote_identifier(NameStr(protection->number_column)));
	r->at = psprintf("s.%s", quote_identifier(NameStr(protection->occurred_at)));
	r->event = psprintf("s.%s", quote_identifier(NameStr(r->store.event)));
}

/* Reads the rows, as the owner of the table. */
static JpFilling *
read_rows(const Refresh *r)
{
	JpFilling  *filling;
	JpPrivilege before;
	int			code;

	jp_act_as(r->owner, "pg_catalog, pg_temp", &before);
	/* one pass like that which makes an index, and with its memory */
	(void) set_config_option("work_mem", GetConfigOption("maintenance_work_mem", false, false),
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	filling = jp_filling_begin(&r->store);
	if (!r->whole)
		jp_filling_only(filling, DatumGetArrayTypeP(r->numbers), DatumGetArrayTypeP(r->buckets));
	code = run_into(r, rows_of_source(r), jp_filling_receiver(filling));
	jp_restore(&before);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not read the table of a journey store: %s", SPI_result_code_string(code));
	return filling;
}

/* Runs a query about the changes into a receiver. */
static int
run_into(const Refresh *r, const char *sql, DestReceiver *receiver)
{
	Oid			types[4];
	Datum		values[4];
	int			count = parameters(r, types, values);
	SPIExecuteOptions options = {0};
	int			i;

	options.params = makeParamList(count);
	for (i = 0; i < count; i++)
	{
		options.params->params[i].value = values[i];
		options.params->params[i].isnull = false;
		options.params->params[i].pflags = PARAM_FLAG_CONST;
		options.params->params[i].ptype = types[i];
	}
	options.dest = receiver;
	return SPI_execute_extended(sql, &options);
}

/*
 * The rows to be read, as SQL.  Of the subjects with changes also those in other
 * buckets come; a join with the changes is planned badly too easily.
 */
static char *
rows_of_source(const Refresh *r)
{
	char	   *all = psprintf("SELECT %s, %s, %s::text FROM %s s", r->number, r->at, r->event, r->source);

	if (r->whole)
		return psprintf("%s WHERE %s IS NOT NULL AND %s IS NOT NULL AND %s IS NOT NULL",
						all, r->number, r->at, r->event);
	return psprintf("%s WHERE %s = ANY ($1) AND %s >= $3 AND %s < $4 AND %s IS NOT NULL",
					all, r->number, r->at, r->at, r->event);
}

/* Puts names that many subjects have into the dictionary. */
static void
share_names(JpFilling *filling)
{
	ArrayType  *names = jp_filling_common_names(filling);
	JpPrivilege before;

	if (names == NULL)
		return;
	jp_elevate(&before);
	add_names(names);
	jp_restore(&before);
}

/* Adds what the dictionary does not have yet; codes are small numbers. */
static void
add_names(ArrayType *names)
{
	static SPIPlanPtr missing = NULL;
	static SPIPlanPtr adding = NULL;
	Oid			types[2] = {TEXTARRAYOID, INT4OID};
	Datum		values[2] = {PointerGetDatum(names), Int32GetDatum(NAMES_MAX)};

	/* it is seldom that there are any, and then everybody's caches are stale */
	jp_execute(&missing,
			   "SELECT FROM unnest($1) n(name) WHERE NOT EXISTS"
			   " (SELECT FROM journey_privacy.event_name e WHERE e.name = n.name) LIMIT 1",
			   1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;
	SPI_execute("LOCK TABLE journey_privacy.event_name IN SHARE ROW EXCLUSIVE MODE", false, 0);
	jp_execute(&adding,
			   "INSERT INTO journey_privacy.event_name (code, name)"
			   " SELECT m.code + row_number() OVER (ORDER BY n.place), n.name"
			   " FROM unnest($1) WITH ORDINALITY n(name, place),"
			   "  (SELECT coalesce(max(code), 0) AS code FROM journey_privacy.event_name) m"
			   " WHERE NOT EXISTS (SELECT FROM journey_privacy.event_name e WHERE e.name = n.name)"
			   " ORDER BY n.place LIMIT (SELECT greatest($2 - count(*), 0) FROM journey_privacy.event_name)",
			   2, types, values, NULL, SPI_OK_INSERT);
}

/* Removes what will be made anew. */
static void
remove_rows(const Refresh *r)
{
	Oid			types[4];
	Datum		values[4];
	int			count = Min(parameters(r, types, values), 2);
	char	   *sql = r->whole ? psprintf("DELETE FROM %s", r->table) :
		psprintf("DELETE FROM %s t WHERE t.journey_subject = ANY ($1) AND (t.journey_subject, t.bucket)"
				 " IN (SELECT p.number, p.bucket FROM unnest($1, $2) p(number, bucket))", r->table);
	JpPrivilege before;
	int			code;

	jp_act_as(r->owner, "pg_catalog, pg_temp", &before);
	code = SPI_execute_with_args(sql, count, types, values, NULL, false, 0);
	jp_restore(&before);
	if (code != SPI_OK_DELETE)
		elog(ERROR, "could not empty a journey store: %s", SPI_result_code_string(code));
}

/* Writes the journeys, as the owner of the store. */
static int64
write_journeys(const Refresh *r, JpFilling *filling)
{
	JpPrivilege before;
	int64		rows;

	jp_act_as(r->owner, "pg_catalog, pg_temp", &before);
	rows = jp_filling_write(filling);
	jp_restore(&before);
	CommandCounterIncrement();
	return rows;
}

/* Parameters of SQL about the changes; none when all is made anew. */
static int
parameters(const Refresh *r, Oid *types, Datum *values)
{
	if (r->whole)
		return 0;
	types[0] = INT4ARRAYOID;
	types[1] = get_array_type(TIMESTAMPTZOID);
	types[2] = types[3] = TIMESTAMPTZOID;
	values[0] = r->numbers;
	values[1] = r->buckets;
	values[2] = TimestampTzGetDatum(r->from);
	values[3] = TimestampTzGetDatum(r->until);
	return 4;
}
