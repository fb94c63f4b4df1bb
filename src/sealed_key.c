/*
 * sealed_key.c
 *		Tables subject_key and data_key: whose key is whose, and the keys.
 *
 * They are apart because a row of data_key is never updated, only overwritten
 * where it lies or deleted: no dead tuple keeps a wrapped key that has been
 * shredded or wrapped anew.  Whoever makes a key takes the lock on data_key
 * first, so that it knows of every key version that lock's holders made or
 * destroyed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "sealed_internal.h"
#include "subject.h"

static void make_key(const JpPseudonym *subject, JpDataKey *key);
static bool subject_has(const JpPseudonym *subject, const uint8 *id,
						uint8 *found);
static bool read_key(const uint8 *id, uint8 *wrapped);
static RegProcedure pseudonym_equal(void);

/* A data key that a subject has. */
bool
jp_data_key_here(const JpPseudonym *subject, JpDataKey *key)
{
	return subject_has(subject, NULL, key->id) &&
		read_key(key->id, key->wrapped) && !jp_data_key_blank(key->wrapped);
}

/* A data key of a subject. */
bool
jp_data_key_of(const JpPseudonym *subject, JpDataKey *key)
{
	TimestampTz erased_at;

	if (jp_data_key_here(subject, key))
		return true;
	if (jp_tombstone_find(subject, &erased_at))
		return false;
	make_key(subject, key);
	return true;
}

/* The data key of an id. */
JpDataKeyState
jp_data_key_find(const JpPseudonym *subject, const uint8 *id, JpDataKey *key)
{
	bool		theirs = subject_has(subject, id, key->id);

	if (read_key(id, key->wrapped) && !jp_data_key_blank(key->wrapped))
		return theirs ? JP_DATA_KEY_HERE : JP_DATA_KEY_ANOTHERS;
	if (theirs || jp_box_ours(id))
		return JP_DATA_KEY_SHREDDED;
	return JP_DATA_KEY_FORGED;
}

/* Makes a data key for a subject. */
static void
make_key(const JpPseudonym *subject, JpDataKey *key)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {jp_type("pseudonym"), UUIDOID, BYTEAOID};
	Datum		values[3];
	bytea	   *wrapped = palloc(VARHDRSZ + JP_BOX_SIZE);
	JpPrivilege before;

	LockRelationOid(jp_relation("data_key"), RowExclusiveLock);
	jp_box_create(key->id, key->wrapped);
	SET_VARSIZE(wrapped, VARHDRSZ + JP_BOX_SIZE);
	memcpy(VARDATA(wrapped), key->wrapped, JP_BOX_SIZE);
	values[0] = PointerGetDatum(subject);
	values[1] = UUIDPGetDatum((pg_uuid_t *) key->id);
	values[2] = PointerGetDatum(wrapped);

	jp_elevate(&before);
	SPI_connect();
	jp_execute(&plan,
			   "WITH made AS (INSERT INTO journey_privacy.data_key"
			   " (key_id, wrapped) VALUES ($2, $3))"
			   " INSERT INTO journey_privacy.subject_key (subject, key_id)"
			   " VALUES ($1, $2)",
			   3, types, values, NULL, SPI_OK_INSERT);
	SPI_finish();
	jp_restore(&before);
}

/* Whether a key is the subject's; without an id, any key that is. */
static bool
subject_has(const JpPseudonym *subject, const uint8 *id, uint8 *found)
{
	Relation	table = table_open(jp_relation("subject_key"), AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, pseudonym_equal(),
				PointerGetDatum(subject));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_UUID_EQ,
				PointerGetDatum(id));
	scan = systable_beginscan(table, jp_relation("subject_key_pkey"), true,
							  NULL, id != NULL ? 2 : 1, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, 2, RelationGetDescr(table),
										 &isnull);

		memcpy(found, DatumGetUUIDP(value), JP_BOX_ID_SIZE);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/* Reads a wrapped key. */
static bool
read_key(const uint8 *id, uint8 *wrapped)
{
	Relation	table = table_open(jp_relation("data_key"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ,
				PointerGetDatum(id));
	scan = systable_beginscan(table, jp_relation("data_key_pkey"), true,
							  NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		jp_data_key_read(table, &tuple->t_self, wrapped);
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/* The function behind = for pseudonyms. */
static RegProcedure
pseudonym_equal(void)
{
	TypeCacheEntry *type;

	type = lookup_type_cache(jp_type("pseudonym"), TYPECACHE_EQ_OPR);
	return get_opcode(type->eq_opr);
}
