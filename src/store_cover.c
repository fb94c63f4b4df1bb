/*
 * store_cover.c
 *		Which store can answer for its table.
 *
 * None where a change is pending in the range of times that is asked for: store
 * and changes are seen with one snapshot, so without a change the store is the
 * table.  Nor where the table has something that a store has not.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "compat.h"
#include "store_fill.h"
#include "store_internal.h"

/* Columns of table store_change, in the order of CREATE TABLE. */
enum
{
	RELATION = 1, NUMBER, BUCKET
};

static bool written_in(const JpStore *store, TimestampTz from, TimestampTz until);
static bool has_change(Relation rel, Oid store, TimestampTz from, TimestampTz until);
static const char *unusable(const JpStore *store);

PG_FUNCTION_INFO_V1(jp_store_covering_sql);

/* SQL: store_covering(table, during). */
Datum
jp_store_covering_sql(PG_FUNCTION_ARGS)
{
	TimestampTz from;
	TimestampTz until;
	const char *why = "the range is empty";
	Oid			store = InvalidOid;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (jp_range_bounds(fcinfo, PG_GETARG_RANGE_P(1), &from, &until))
		store = jp_store_covering(PG_GETARG_OID(0), NULL, from, until, &why);
	nulls[0] = !OidIsValid(store);
	nulls[1] = OidIsValid(store);
	values[0] = ObjectIdGetDatum(store);
	values[1] = CStringGetTextDatum(why);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

Oid
jp_store_covering(Oid relid, const char *event, TimestampTz from, TimestampTz until,
				  const char **why)
{
	int			count;
	const JpStore *store = jp_stores(&count);
	int			i;

	*why = "the table has no journey store";
	for (i = 0; i < count; i++)
	{
		const char *reason;

		if (store[i].source != relid)
			continue;
		reason = event != NULL && strcmp(event, NameStr(store[i].event)) != 0 ?
			"the journey store has events of another column" : unusable(&store[i]);
		if (reason == NULL && (jp_store_noted(&store[i], from, until) || written_in(&store[i], from, until)))
			reason = "rows have changed since the journey store was refreshed";
		if (reason == NULL)
			return store[i].relid;
		*why = reason;
	}
	return InvalidOid;
}

/* Whether a change is written that the active snapshot sees. */
static bool
written_in(const JpStore *store, TimestampTz from, TimestampTz until)
{
	Relation	rel = table_open(jp_relation("store_change"), AccessShareLock);
	bool		found = has_change(rel, store->relid, JP_WHOLE_STORE, MIN_TIMESTAMP) ||
		has_change(rel, store->relid,
				   TIMESTAMP_NOT_FINITE(from) ? from : jp_bucket_of(from, store->bucket), until);

	table_close(rel, AccessShareLock);
	return found;
}

static bool
has_change(Relation rel, Oid store, TimestampTz from, TimestampTz until)
{
	ScanKeyData key[3];
	SysScanDesc scan;
	bool		found;

	ScanKeyInit(&key[0], RELATION, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(store));
	ScanKeyInit(&key[1], BUCKET, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE,
				TimestampTzGetDatum(from));
	ScanKeyInit(&key[2], BUCKET, BTLessStrategyNumber, F_TIMESTAMPTZ_LT,
				TimestampTzGetDatum(until));
	scan = systable_beginscan(rel, jp_relation("store_change_bucket"), true,
							  GetActiveSnapshot(), 3, key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	return found;
}

/* Whether a store has the columns that it was made with, and no others. */
bool
jp_store_intact(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		intact = RelationGetDescr(rel)->natts == JP_STORE_COLUMNS &&
		get_attnum(relid, "journey_subject") == JP_STORE_NUMBER &&
		get_attnum(relid, "bucket") == JP_STORE_BUCKET &&
		get_attnum(relid, "subject") == JP_STORE_SUBJECT &&
		get_attnum(relid, "events") == JP_STORE_EVENTS &&
		get_atttype(relid, JP_STORE_EVENTS) == jp_type("journey") &&
		get_atttype(relid, JP_STORE_BUCKET) == TIMESTAMPTZOID;

	table_close(rel, AccessShareLock);
	return intact;
}

/* Why a store must not answer for its table, whatever it holds; NULL: it may. */
static const char *
unusable(const JpStore *store)
{
	AttrNumber	event = get_attnum(store->source, NameStr(store->event));
	HeapTuple	attribute;
	bool		nullable = true;

	if (pg_class_aclcheck(store->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return "the user may not read the journey store";
	if (!jp_store_intact(store->relid))
		return "the journey store has other columns than it was made with";
	attribute = SearchSysCache2(ATTNUM, ObjectIdGetDatum(store->source), Int16GetDatum(event));
	if (HeapTupleIsValid(attribute))
	{
		nullable = !((Form_pg_attribute) GETSTRUCT(attribute))->attnotnull;
		ReleaseSysCache(attribute);
	}
	if (nullable)
		return "the table may have events without a name";
	return jp_has_own_policy(store->source) ? "the table has policies of its own" : NULL;
}
