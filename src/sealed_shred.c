/*
 * sealed_shred.c
 *		The end of data keys, and keys wrapped anew.
 *
 * Shredding deletes the rows, which a rollback undoes, and overwrites the
 * bytes just before the commit, which nothing undoes.  A crash in between
 * leaves rows of zeros: as good as shredded.
 *
 * Wrapping anew overwrites every row under ACCESS EXCLUSIVE, so that nobody
 * reads half of a key.  It is not undone by a rollback and need not be; but
 * the seal key must have been committed before.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "journey_privacy.h"
#include "note.h"
#include "sealed_internal.h"
#include "subject.h"

/* A row to be overwritten before the commit. */
typedef struct Doomed
{
	Oid			table;			/* data_key, that of the time */
	ItemPointerData tid;
	SubTransactionId subxact;
} Doomed;

/* This transaction's, in TopTransactionContext. */
static Doomed *doomed = NULL;
static int	doomed_count = 0;
static int	doomed_room = 0;

static ArrayType *pseudonym_array(const JpPseudonym *subjects, int count);
static void doom(ItemPointer tid);
static void xact_ends(XactEvent event, void *arg);
static void subxact_ends(SubXactEvent event, SubTransactionId mine,
						 SubTransactionId parent, void *arg);
static void wipe_doomed(void);
static void refuse_prepare(void);
static void refuse_destruction(JpKeyKind kind, int version);

PG_FUNCTION_INFO_V1(jp_shred_keys);
PG_FUNCTION_INFO_V1(jp_rewrap_keys);

/* Registers what must happen before commits and before keys are destroyed. */
void
jp_sealed_init(void)
{
	RegisterXactCallback(xact_ends, NULL);
	RegisterSubXactCallback(subxact_ends, NULL);
	jp_key_guard(refuse_destruction);
}

/* Shreds the data keys of subjects. */
int64
jp_sealed_shred(const JpPseudonym *subjects, int count)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {get_array_type(jp_type("pseudonym"))};
	Datum		values[1] = {PointerGetDatum(pseudonym_array(subjects, count))};
	uint64		i;

	/* Serializable transactions can still fail after the keys are wiped. */
	if (IsolationIsSerializable())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("keys cannot be shredded at isolation level serializable")));

	jp_execute(&plan,
			   "WITH gone AS (DELETE FROM journey_privacy.subject_key"
			   " WHERE subject OPERATOR(pg_catalog.=) ANY ($1)"
			   " RETURNING key_id)"
			   " DELETE FROM journey_privacy.data_key d USING gone"
			   " WHERE d.key_id OPERATOR(pg_catalog.=) gone.key_id"
			   " RETURNING d.ctid",
			   1, types, values, NULL, SPI_OK_DELETE_RETURNING);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		tid = SPI_getbinval(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 1, &isnull);

		doom((ItemPointer) DatumGetPointer(tid));
	}
	return (int64) SPI_processed;
}

/* Gives one subject's data keys to another. */
void
jp_sealed_resubject(const JpPseudonym *from, const JpPseudonym *to)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {jp_type("pseudonym"), jp_type("pseudonym")};
	Datum		values[2] = {PointerGetDatum(from), PointerGetDatum(to)};

	jp_execute(&plan,
			   "UPDATE journey_privacy.subject_key SET subject = $2"
			   " WHERE subject OPERATOR(pg_catalog.=) $1",
			   2, types, values, NULL, SPI_OK_UPDATE);
}

/* shred_keys(subject): shreds one subject's data keys */
Datum
jp_shred_keys(PG_FUNCTION_ARGS)
{
	int64		count;

	SPI_connect();
	count = jp_sealed_shred(jp_subject_settled(jp_subject_arg(fcinfo, 0)), 1);
	SPI_finish();
	jp_note(JP_NOTE_ERASURE, "shred_keys", InvalidOid, count, NULL);
	PG_RETURN_INT64(count);
}

/* rewrap_keys(): wraps every data key under the current seal key. */
Datum
jp_rewrap_keys(PG_FUNCTION_ARGS)
{
	Relation	table;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			version;
	int64		count = 0;

	table = table_open(jp_relation("data_key"), AccessExclusiveLock);
	version = jp_key_version(JP_KEY_SEAL);
	if (jp_key_uncommitted(JP_KEY_SEAL, version))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the seal key of this transaction may still be rolled back"),
				 errhint("Commit journey_privacy.rotate_key('seal') first.")));
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		JpDataKey	key;
		bool		isnull;
		Datum		id = heap_getattr(tuple, 1, RelationGetDescr(table),
									  &isnull);

		CHECK_FOR_INTERRUPTS();
		memcpy(key.id, DatumGetUUIDP(id), JP_BOX_ID_SIZE);
		jp_data_key_read(table, &tuple->t_self, key.wrapped);
		if (jp_data_key_blank(key.wrapped) || key.wrapped[0] == version)
			continue;
		jp_box_rewrap(key.id, key.wrapped);
		jp_data_key_write(table, &tuple->t_self, key.wrapped);
		count++;
	}
	systable_endscan(scan);
	table_close(table, NoLock);
	jp_note(JP_NOTE_KEY, "rewrap_keys", InvalidOid, count, NULL);
	PG_RETURN_INT64(count);
}

/* Pseudonyms as an array. */
static ArrayType *
pseudonym_array(const JpPseudonym *subjects, int count)
{
	Datum	   *values = palloc(Max(count, 1) * sizeof(Datum));
	int			i;

	for (i = 0; i < count; i++)
		values[i] = PointerGetDatum(&subjects[i]);
	return construct_array(values, count, jp_type("pseudonym"),
						   JP_PSEUDONYM_SIZE, false, TYPALIGN_CHAR);
}

/* Notes a row to be overwritten. */
static void
doom(ItemPointer tid)
{
	if (doomed == NULL)
	{
		doomed_room = 64;
		doomed = MemoryContextAlloc(TopTransactionContext,
									doomed_room * sizeof(Doomed));
	}
	else if (doomed_count == doomed_room)
	{
		doomed_room *= 2;
		doomed = repalloc_huge(doomed, doomed_room * sizeof(Doomed));
	}
	doomed[doomed_count].table = jp_relation("data_key");
	doomed[doomed_count].tid = *tid;
	doomed[doomed_count].subxact = GetCurrentSubTransactionId();
	doomed_count++;
}

/* Overwrites before a commit, forgets at the end. */
static void
xact_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			wipe_doomed();
			break;
		case XACT_EVENT_PRE_PREPARE:
			refuse_prepare();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			doomed = NULL;
			doomed_count = 0;
			break;
		default:
			break;
	}
}

/* A subtransaction's rows become its parent's, or are forgotten. */
static void
subxact_ends(SubXactEvent event, SubTransactionId mine,
			 SubTransactionId parent, void *arg)
{
	int			kept = 0;
	int			i;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	for (i = 0; i < doomed_count; i++)
	{
		if (doomed[i].subxact == mine)
		{
			if (event == SUBXACT_EVENT_ABORT_SUB)
				continue;
			doomed[i].subxact = parent;
		}
		doomed[kept++] = doomed[i];
	}
	doomed_count = kept;
}

/* Overwrites the keys that were shredded. */
static void
wipe_doomed(void)
{
	static const uint8 zeros[JP_BOX_SIZE];
	Relation	table;
	int			i;

	if (doomed_count == 0)
		return;
	table = table_open(jp_relation("data_key"), RowExclusiveLock);
	for (i = 0; i < doomed_count; i++)
	{
		/* In the file of a table that was dropped they would stay. */
		if (doomed[i].table != RelationGetRelid(table))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the extension was dropped in a transaction that has shredded keys"),
					 errhint("Commit before DROP EXTENSION.")));
		jp_data_key_write(table, &doomed[i].tid, zeros);
	}
	table_close(table, NoLock);
	doomed_count = 0;
}

/* A prepared transaction could be rolled back by another session. */
static void
refuse_prepare(void)
{
	if (doomed_count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a transaction that has shredded keys cannot be prepared")));
}

/* Refuses to destroy a seal key under which data keys are wrapped. */
static void
refuse_destruction(JpKeyKind kind, int version)
{
	Relation	table;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		used = false;

	if (kind != JP_KEY_SEAL)
		return;
	table = table_open(jp_relation("data_key"), ShareLock);
	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (!used && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		uint8		wrapped[JP_BOX_SIZE];

		jp_data_key_read(table, &tuple->t_self, wrapped);
		used = wrapped[0] == version;
	}
	systable_endscan(scan);
	table_close(table, NoLock);
	if (used)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("key version %d of kind \"seal\" is in use", version),
				 errhint("Run journey_privacy.rewrap_keys() first.")));
}
