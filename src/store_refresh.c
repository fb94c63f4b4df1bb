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
 * Rows are deleted and inserted, not updated: the insert guard looks at each
 * one and lets nobody in who has been erased.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
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
#include "store_internal.h"
#include "subject.h"

/* A name is shared once so many subjects have it. */
#define SHARED_BY		20

/* The dictionary has so many names at most, none longer than this. */
#define NAMES_MAX		65536
#define NAME_BYTES_MAX	1000

/* Of a larger table a sample shows which names are common. */
#define SAMPLE_ROWS		1000000

/* With more changes than this part of the store's rows, all of it is made anew. */
#define CHANGES_MANY	4
#define CHANGES_FEW		100000

/* Column number of table subject. */
#define SUBJECT_NUMBER	2

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
	char	   *subject;
	char	   *bucket;			/* expression */
} Refresh;

/* Numbers in the registry, while a store is being made anew. */
static bool refreshing = false;
static uint8 *registered = NULL;
static int32 registered_end = 0;

static void refresh(Refresh *r, bool whole, int64 *rows);
static void take_changes(Refresh *r);
static void read_changes(Refresh *r, SPITupleTable *taken);
static void decide_whole(Refresh *r);
static void read_registry(void);
static void name_parts(Refresh *r);
static char *rows_of_source(const Refresh *r, const char *sample);
static const char *first_subject(const Refresh *r);
static void share_names(Refresh *r);
static ArrayType *common_names(Refresh *r);
static void add_names(ArrayType *names);
static void remove_rows(Refresh *r);
static int64 insert_rows(Refresh *r);
static int	parameters(const Refresh *r, Oid *types, Datum *values);
static double rows_of(Oid relid);

PG_FUNCTION_INFO_V1(jp_refresh_journey_store);
PG_FUNCTION_INFO_V1(jp_store_numbered);

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

/* SQL: store_numbered(number), for nobody but a refresh. */
Datum
jp_store_numbered(PG_FUNCTION_ARGS)
{
	int32		number = PG_GETARG_INT32(0);

	if (!refreshing || registered == NULL)
		jp_refuse(JP_NOTE_PROTECTION, "store_numbered", InvalidOid,
				  errmsg("only refresh_journey_store() may do this"));
	PG_RETURN_BOOL(number >= 0 && number < registered_end &&
				   (registered[number / 8] >> number % 8 & 1));
}

bool
jp_store_refreshing(void)
{
	return refreshing;
}

static void
refresh(Refresh *r, bool whole, int64 *rows)
{
	r->whole = whole;
	take_changes(r);
	if (!r->whole && r->changes == 0)
		return;
	name_parts(r);
	refreshing = true;
	PG_TRY();
	{
		if (r->whole)
			read_registry();
		share_names(r);
		remove_rows(r);
		*rows = insert_rows(r);
	}
	PG_FINALLY();
	{
		refreshing = false;
		registered = NULL;
	}
	PG_END_TRY();
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
	decide_whole(r);
	jp_restore(&before);
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

/* Many changes are made faster with one pass over the table. */
static void
decide_whole(Refresh *r)
{
	r->whole |= r->changes > CHANGES_FEW &&
		r->changes > rows_of(r->store.relid) / CHANGES_MANY;
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

/*
 * Reads which numbers are registered.  Rows of the erased that a hold keeps
 * have numbers that are not: they would be taken for the subject that came back.
 */
static void
read_registry(void)
{
	Relation	rel = table_open(jp_relation("subject"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;
	Size		room = 8192;

	registered = (uint8 *) palloc0(room);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		bool		isnull;
		int32		number = DatumGetInt32(heap_getattr(row, SUBJECT_NUMBER, RelationGetDescr(rel), &isnull));

		CHECK_FOR_INTERRUPTS();
		if (number / 8 >= room)
		{
			Size		more = Max(2 * room, (Size) number / 8 + 1);

			registered = (uint8 *) repalloc(registered, more);
			memset(registered + room, 0, more - room);
			room = more;
		}
		registered[number / 8] |= 1 << number % 8;
	}
	registered_end = (int32) Min(room * 8, PG_INT32_MAX);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
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
	r->subject = psprintf("s.%s", quote_identifier(NameStr(protection->subject_column)));
	r->bucket = !r->whole ? "p.bucket" :
		psprintf("journey_privacy.store_bucket(%s, " INT64_FORMAT ")", r->at, r->store.bucket);
}

/* FROM and WHERE of the rows to be taken, or of a sample of them. */
static char *
rows_of_source(const Refresh *r, const char *sample)
{
	if (r->whole)
		return psprintf("%s s%s WHERE %s IS NOT NULL AND %s IS NOT NULL AND %s IS NOT NULL",
						r->source, sample, r->number, r->at, r->event);
	return psprintf("unnest($1, $2) p(number, bucket) JOIN %s s ON %s = p.number"
					" AND %s >= p.bucket AND %s < p.bucket + interval '" INT64_FORMAT " microseconds'"
					" WHERE %s >= $3 AND %s < $4 AND %s IS NOT NULL",
					r->source, r->number, r->at, r->at, r->store.bucket,
					r->at, r->at, r->event);
}

/* Puts names that many subjects have into the dictionary. */
static void
share_names(Refresh *r)
{
	ArrayType  *names;
	JpPrivilege before;

	if (!r->whole && r->changes < SHARED_BY)
		return;
	names = common_names(r);
	if (names == NULL)
		return;
	jp_elevate(&before);
	add_names(names);
	jp_restore(&before);
}

/* The names that many subjects have in the rows to be taken, the commonest first. */
static ArrayType *
common_names(Refresh *r)
{
	Oid			types[4];
	Datum		values[4];
	int			count = parameters(r, types, values);
	double		part = SAMPLE_ROWS / Max(rows_of(r->store.source), 1) * 100;
	char	   *rows = rows_of_source(r, part >= 100 ? "" :
									  psprintf(" TABLESAMPLE SYSTEM (%f)", part));
	JpPrivilege before;
	Datum		names;
	bool		isnull;

	jp_act_as(r->owner, "pg_catalog, pg_temp", &before);
	SPI_execute_with_args(psprintf("SELECT array_agg(c.name ORDER BY c.subjects DESC, c.name) FROM"
								   " (SELECT d.name, count(*) AS subjects FROM"
								   "  (SELECT DISTINCT %s::text COLLATE \"C\" AS name, %s AS number"
								   "   FROM %s AND octet_length(%s) <= %d) d"
								   "  GROUP BY d.name HAVING count(*) >= %d) c",
								   r->event, r->number, rows, r->event, NAME_BYTES_MAX, SHARED_BY),
						  count, types, values, NULL, false, 0);
	names = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	jp_restore(&before);
	return isnull ? NULL : DatumGetArrayTypeP(names);
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
remove_rows(Refresh *r)
{
	Oid			types[4];
	Datum		values[4];
	int			count = parameters(r, types, values);
	JpPrivilege before;
	int			code;

	jp_act_as(r->owner, "pg_catalog, pg_temp", &before);
	code = r->whole ? SPI_execute(psprintf("DELETE FROM %s", r->table), false, 0) :
		SPI_execute_with_args(psprintf("DELETE FROM %s t USING unnest($1, $2) p(number, bucket)"
									   " WHERE t.journey_subject = p.number AND t.bucket = p.bucket",
									   r->table), Min(count, 2), types, values, NULL, false, 0);
	jp_restore(&before);
	if (code != SPI_OK_DELETE)
		elog(ERROR, "could not empty a journey store: %s", SPI_result_code_string(code));
}

/* Makes the journeys; returns how many. */
static int64
insert_rows(Refresh *r)
{
	Oid			types[4];
	Datum		values[4];
	int			count = parameters(r, types, values);
	JpPrivilege before;
	char	   *sql;
	int			code;

	sql = psprintf("INSERT INTO %s (journey_subject, bucket, subject, events)"
				   " SELECT %s, %s, %s, journey_privacy.store_journey(%s, %s::text)"
				   " FROM %s GROUP BY 1, 2%s", r->table, r->number, r->bucket, first_subject(r),
				   r->at, r->event, rows_of_source(r, ""),
				   r->whole ? psprintf(" HAVING journey_privacy.store_numbered(%s)", r->number) : "");
	jp_act_as(r->owner, "pg_catalog, pg_temp", &before);
	/* one pass like that which makes an index, and with its memory */
	(void) set_config_option("work_mem", GetConfigOption("maintenance_work_mem", false, false),
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	code = SPI_execute_with_args(sql, count, types, values, NULL, false, 0);
	jp_restore(&before);
	if (code != SPI_OK_INSERT)
		elog(ERROR, "could not fill a journey store: %s", SPI_result_code_string(code));
	return SPI_processed;
}

/* Any of the subject's values in a group. */
static const char *
first_subject(const Refresh *r)
{
	const JpProtection *protection = jp_protection_find(r->store.source);
	Oid			type = get_atttype(r->store.source,
								   get_attnum(r->store.source, NameStr(protection->subject_column)));

	/* uuid has no min() before PostgreSQL 18 */
	if (type == UUIDOID)
		return psprintf("min(%s::text)::uuid", r->subject);
	return psprintf("min(%s)", r->subject);
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
