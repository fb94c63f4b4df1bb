/*
 * store_known.c
 *		The journey stores that there are.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "rewrite/rowsecurity.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "collection.h"
#include "policy_protect.h"
#include "store_internal.h"

/* Columns of table journey_store, in the order of CREATE TABLE. */
enum
{
	NAME = 1, RELATION, SOURCE, EVENT_COLUMN, BUCKET
};

/* All of them as of a generation of the configuration. */
static MemoryContext stores_context = NULL;
static JpStore *stores = NULL;
static int	store_count = 0;
static uint64 stores_as_of = 0;

static void read_stores(void);

const JpStore *
jp_stores(int *count)
{
	if (stores_as_of != jp_catalog_generation())
		read_stores();
	*count = store_count;
	return stores;
}

const JpStore *
jp_store_named(const char *name)
{
	int			count;
	const JpStore *store = jp_stores(&count);
	int			i;

	for (i = 0; i < count; i++)
		if (strcmp(NameStr(store[i].name), name) == 0)
			return &store[i];
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("journey store \"%s\" does not exist", name)));
}

/* The whole that a table is a part of. */
Oid
jp_store_source(Oid relid)
{
	const JpProtection *protection;

	while ((protection = jp_protection_find(relid)) != NULL &&
		   OidIsValid(protection->inherited_from))
		relid = protection->inherited_from;
	return relid;
}

bool
jp_has_own_policy(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		own = false;
	ListCell   *cell;

	if (rel->rd_rsdesc != NULL)
		foreach(cell, rel->rd_rsdesc->policies)
			own |= strncmp(((const RowSecurityPolicy *) lfirst(cell))->policy_name,
						   JP_POLICY, strlen(JP_POLICY)) != 0;
	table_close(rel, AccessShareLock);
	return own;
}

TimestampTz
jp_bucket_of(TimestampTz at, int64 bucket)
{
	/* from 1970 on, as everybody counts */
	const int64 origin = (UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
	int64		past = (at - origin) % bucket;

	if (past < 0)
		past += bucket;
	return at - past < MIN_TIMESTAMP ? MIN_TIMESTAMP : at - past;
}

/* Reads table journey_store. */
static void
read_stores(void)
{
	uint64		as_of = jp_catalog_generation();
	Relation	rel = table_open(jp_relation("journey_store"), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	int			room = 8;
	SysScanDesc scan;
	HeapTuple	row;

	stores_as_of = 0;
	store_count = 0;
	if (stores_context == NULL)
		stores_context = AllocSetContextCreate(TopMemoryContext, "journey_privacy stores",
											   ALLOCSET_SMALL_SIZES);
	MemoryContextReset(stores_context);
	stores = (JpStore *) MemoryContextAlloc(stores_context, room * sizeof(JpStore));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		JpStore    *store;
		bool		isnull;

		if (store_count == room)
			stores = (JpStore *) repalloc(stores, (room *= 2) * sizeof(JpStore));
		store = &stores[store_count++];
		store->name = *DatumGetName(heap_getattr(row, NAME, desc, &isnull));
		store->relid = DatumGetObjectId(heap_getattr(row, RELATION, desc, &isnull));
		store->source = DatumGetObjectId(heap_getattr(row, SOURCE, desc, &isnull));
		store->event = *DatumGetName(heap_getattr(row, EVENT_COLUMN, desc, &isnull));
		store->bucket = (int64) jp_microseconds(DatumGetIntervalP(heap_getattr(row, BUCKET, desc, &isnull)),
												"bucket");
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	stores_as_of = as_of;
}
