/*
 * retention_purge.c
 *		purge_expired(): what is older than it may be kept goes.
 *
 * Table by table: the run is noted, partitions that are past their time are
 * dropped, what is left goes in batches, each in a transaction of its own with
 * its counts.  After a crash, a run that is not finished is closed by the next
 * one, which finds whatever is left: that depends on nothing but the rows.
 *
 * One session purges a table at a time, by an advisory lock; others leave it
 * to that one.  In a transaction block all is done in it, and no partition is
 * dropped, for that would keep everybody out until it ends.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "collection.h"
#include "consent_internal.h"
#include "erasure_job.h"
#include "keyring.h"
#include "note.h"
#include "policy_protect.h"
#include "retention.h"

/* Rows of one batch at most. */
#define BATCH_MAX	1000000

/* Field of the advisory lock tag under which a table is purged. */
#define PURGE_LOCK	0x4a52

static List *limited_tables(void);
static void purge_table(JpPurge *purge, bool named);
static bool lock_table(const JpPurge *purge, LOCKTAG *tag);
static void carry_out(JpPurge *purge, bool named);
static bool read_limit(JpPurge *purge, bool named);
static void begin_run(JpPurge *purge);
static List *leaves(JpPurge *purge);
static void end_run(JpPurge *purge);
static void refresh_stores(JpPurge *purge);

PG_FUNCTION_INFO_V1(jp_purge_expired);

/* SQL: CALL purge_expired(table, batch). */
Datum
jp_purge_expired(PG_FUNCTION_ARGS)
{
	bool		named = !PG_ARGISNULL(0);
	int			batch;
	bool		atomic = !jp_may_commit(fcinfo);
	List	   *tables;
	ListCell   *cell;

	jp_require_arg(fcinfo, 1, "batch");
	batch = PG_GETARG_INT32(1);
	if (batch < 1 || batch > BATCH_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch must be between 1 and %d", BATCH_MAX)));
	PreventCommandDuringRecovery("purge_expired()");
	PreventCommandIfReadOnly("purge_expired()");
	jp_require_read_committed("purge_expired()");
	jp_keyring_require();
	if (named)
		jp_protecting_check_own(PG_GETARG_OID(0), "Purge that table: its partitions and children are purged with it.");
	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	tables = named ? list_make1_oid(PG_GETARG_OID(0)) : limited_tables();
	foreach(cell, tables)
	{
		JpPurge		purge = {.atomic = atomic, .batch = batch, .relid = lfirst_oid(cell)};

		CHECK_FOR_INTERRUPTS();
		purge_table(&purge, named);
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * The tables with a limit.  An error ends the call, so those that have ended
 * one come last: no table's owner keeps those of others from being purged.
 */
static List *
limited_tables(void)
{
	JpPrivilege before;
	List	   *tables = NIL;
	uint64		i;

	jp_elevate(&before);
	SPI_execute("SELECT r.relation::oid FROM journey_privacy.retention r"
				" ORDER BY EXISTS (SELECT FROM journey_privacy.purge_run p"
				"  WHERE p.state = 'running' AND to_regclass(p.relation) = r.relation), r.relation",
				false, 0);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		tables = lappend_oid(tables,
							 DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
															SPI_tuptable->tupdesc,
															1, &isnull)));
	}
	jp_restore(&before);
	return tables;
}

/* Purges one table, unless somebody else is at it. */
static void
purge_table(JpPurge *purge, bool named)
{
	LOCKTAG		tag;

	if (!lock_table(purge, &tag))
	{
		ereport(NOTICE,
				(errmsg("table \"%s\" is being purged by another session",
						get_rel_name(purge->relid))));
		return;
	}
	PG_TRY();
	{
		carry_out(purge, named);
	}
	PG_FINALLY();
	{
		if (!purge->atomic)
			(void) LockRelease(&tag, ExclusiveLock, true);
	}
	PG_END_TRY();
}

/* Keeps others from purging a table; false when they do already. */
static bool
lock_table(const JpPurge *purge, LOCKTAG *tag)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, purge->relid, 0, PURGE_LOCK);
	return LockAcquire(tag, ExclusiveLock, !purge->atomic, true) !=
		LOCKACQUIRE_NOT_AVAIL;
}

/* From the note of the run to its end. */
static void
carry_out(JpPurge *purge, bool named)
{
	ListCell   *cell;
	bool		limited;

	jp_purge_begin(purge);
	limited = read_limit(purge, named);
	if (limited)
		begin_run(purge);
	jp_purge_end(purge);
	if (!limited)
		return;
	if (!purge->atomic)
		jp_purge_partitions(purge);
	foreach(cell, leaves(purge))
		jp_purge_rows(purge, lfirst_oid(cell));
	end_run(purge);
}

/* Begins a step. */
void
jp_purge_begin(JpPurge *purge)
{
	jp_step_begin(&purge->before);
	/* in the order of erasure; rekey_pseudonyms() waits for the first */
	LockRelationOid(jp_relation("erasure"), RowExclusiveLock);
	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	LockRelationOid(jp_relation("declared_link"), ShareLock);
	LockRelationOid(jp_relation("hold"), ShareLock);
}

/* Ends a step. */
void
jp_purge_end(JpPurge *purge)
{
	jp_step_end(&purge->before, purge->atomic);
}

/* Reads how long the rows of a table are kept; false when there is no limit. */
static bool
read_limit(JpPurge *purge, bool named)
{
	Oid			types[1] = {REGCLASSOID};
	Datum		values[1] = {ObjectIdGetDatum(purge->relid)};
	Interval   *keep = palloc(sizeof(Interval));
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;

	SPI_execute_with_args("SELECT quote_ident(occurred_at), oldest_kept, keep, follows"
						  " FROM journey_privacy.retention WHERE relation = $1",
						  1, types, values, NULL, false, 1);
	if (SPI_processed == 0)
	{
		if (named)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("nothing says how long rows of table \"%s\" are kept",
							get_rel_name(purge->relid)),
					 errhint("Protect it with retain_for, or collect it for a purpose with keep_for.")));
		return false;
	}
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	purge->at = SPI_getvalue(row, desc, 1);
	purge->cut_off = DatumGetTimestampTz(SPI_getbinval(row, desc, 2, &isnull));
	*keep = *DatumGetIntervalP(SPI_getbinval(row, desc, 3, &isnull));
	purge->keep = IntervalPGetDatum(keep);
	purge->follows = SPI_getvalue(row, desc, 4);
	purge->table = jp_qualified_name_of(purge->relid);
	if (purge->at == NULL)
		ereport(named ? ERROR : WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no column that says how old a row is",
						get_rel_name(purge->relid)),
				 errdetail("Its rows are to be kept no longer than by %s.", purge->follows),
				 errhint("Protect it with occurred_at.")));
	return purge->at != NULL;
}

/* Reads the limit again; rows are never kept shorter than when the run began. */
bool
jp_purge_goes_on(JpPurge *purge)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {REGCLASSOID, TEXTOID};
	Datum		values[2] = {ObjectIdGetDatum(purge->relid), CStringGetTextDatum(purge->at)};
	TimestampTz oldest_kept;
	bool		isnull;

	jp_execute(&plan,
			   "SELECT oldest_kept FROM journey_privacy.retention WHERE relation = $1"
			   " AND quote_ident(occurred_at) = $2",
			   2, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return false;
	oldest_kept = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
													SPI_tuptable->tupdesc, 1, &isnull));
	purge->cut_off = Min(purge->cut_off, oldest_kept);
	SPI_freetuptable(SPI_tuptable);
	return true;
}

/* Notes that a run has begun, and closes those that a crash left open. */
static void
begin_run(JpPurge *purge)
{
	Oid			types[5] = {TEXTOID, TEXTOID, INTERVALOID, TIMESTAMPTZOID, NAMEOID};
	NameData	role;
	Datum		values[5] = {CStringGetTextDatum(purge->table),
		CStringGetTextDatum(purge->follows), purge->keep,
		TimestampTzGetDatum(purge->cut_off), NameGetDatum(&role)
	};
	pg_uuid_t  *run = palloc(sizeof(pg_uuid_t));
	bool		isnull;

	namestrcpy(&role, GetUserNameFromId(GetSessionUserId(), false));
	SPI_execute_with_args("UPDATE journey_privacy.purge_run SET state = 'interrupted',"
						  " finished_at = pg_catalog.clock_timestamp()"
						  " WHERE state = 'running' AND (relation = $1 OR to_regclass(relation) IS NULL)",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("INSERT INTO journey_privacy.purge_run (relation, follows, keep, cut_off, run_by)"
						  " VALUES ($1, $2, $3, $4, $5) RETURNING id",
						  5, types, values, NULL, false, 0);
	memcpy(run, DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
											SPI_tuptable->tupdesc, 1, &isnull)),
		   sizeof(pg_uuid_t));
	purge->run = UUIDPGetDatum(run);
}

/* The tables that hold the rows: the table itself, and those under it. */
static List *
leaves(JpPurge *purge)
{
	List	   *found = NIL;
	ListCell   *cell;

	jp_purge_begin(purge);
	foreach(cell, find_all_inheritors(purge->relid, NoLock, NULL))
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION)
			found = lappend_oid(found, lfirst_oid(cell));
	jp_purge_end(purge);
	return found;
}

/* Adds what was done in a step to the run. */
void
jp_purge_add(JpPurge *purge, const JpPurged *done, const char *dropped)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[7] = {UUIDOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, TEXTOID};
	Datum		values[7] = {purge->run, Int64GetDatum(done->deleted),
		Int64GetDatum(done->linked_deleted), Int64GetDatum(done->linked_redacted),
		Int64GetDatum(done->cleared), Int64GetDatum(done->withheld),
		dropped == NULL ? (Datum) 0 : CStringGetTextDatum(dropped)
	};
	char		nulls[8] = "      ";

	nulls[6] = dropped == NULL ? 'n' : ' ';
	jp_execute(&plan,
			   "UPDATE journey_privacy.purge_run SET deleted = deleted + $2,"
			   " linked_deleted = linked_deleted + $3, linked_redacted = linked_redacted + $4,"
			   " references_cleared = references_cleared + $5, withheld = withheld + $6,"
			   " dropped = CASE WHEN $7 IS NULL THEN dropped ELSE dropped || $7 END"
			   " WHERE id = $1",
			   7, types, values, nulls, SPI_OK_UPDATE);
	purge->done.deleted += done->deleted;
	purge->done.linked_deleted += done->linked_deleted;
	purge->done.linked_redacted += done->linked_redacted;
	purge->done.cleared += done->cleared;
	purge->done.withheld += done->withheld;
	purge->done.dropped += dropped != NULL;
}

/* Journey stores follow; then the run is over, and said to be. */
static void
end_run(JpPurge *purge)
{
	const JpPurged *done = &purge->done;
	Oid			types[1] = {UUIDOID};
	int64		linked = done->linked_deleted + done->linked_redacted + done->cleared;

	jp_purge_begin(purge);
	refresh_stores(purge);
	SPI_execute_with_args("UPDATE journey_privacy.purge_run SET state = 'done',"
						  " finished_at = pg_catalog.clock_timestamp() WHERE id = $1",
						  1, types, &purge->run, NULL, false, 0);
	jp_note(JP_NOTE_ERASURE, "purge_expired", purge->relid, done->deleted + linked,
			psprintf("linked: " INT64_FORMAT ", withheld: " INT64_FORMAT ", partitions dropped: %d",
					 linked, done->withheld, done->dropped));
	jp_purge_end(purge);
	if (done->deleted + linked + done->withheld + done->dropped > 0)
		ereport(NOTICE,
				(errmsg("table %s: rows deleted: " INT64_FORMAT ", rows that belong to them: " INT64_FORMAT
						", rows withheld: " INT64_FORMAT ", partitions dropped: %d",
						purge->table, done->deleted, linked, done->withheld, done->dropped)));
}

/* Journey stores have what is left, and no more. */
static void
refresh_stores(JpPurge *purge)
{
	Oid			types[1] = {REGCLASSOID};
	Datum		values[1] = {ObjectIdGetDatum(purge->relid)};

	SPI_execute_with_args("SELECT journey_privacy.refresh_journey_store(name)"
						  " FROM journey_privacy.journey_store WHERE source = $1 ORDER BY name",
						  1, types, values, NULL, false, 0);
}
