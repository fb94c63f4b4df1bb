/*
 * collection_rekey.c
 *		rekey_pseudonyms(): every pseudonym under a new key, in one transaction.
 *
 * A pseudonym of version n + 1 is the keyed hash of the one of version n, so
 * no identity is needed.  All columns of the type must be known, or joins
 * would break; foreign keys between them hold because both sides move alike.
 * Triggers do not fire, but the insert guard, which keeps the numbers.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"
#include "consent.h"
#include "keyring.h"
#include "note.h"
#include "subject.h"

/* True while rekey_pseudonyms() runs in this backend. */
static bool rekeying = false;

static void refuse_unknown_columns(void);
static void lock_all(void);
static void move_own_tables(void);
static int64 move_columns(void);
static int64 move_column(const char *table, const char *column, Oid owner);

PG_FUNCTION_INFO_V1(jp_register_pseudonym_column);
PG_FUNCTION_INFO_V1(jp_rekey_pseudonyms);
PG_FUNCTION_INFO_V1(jp_rekeyed);

/* SQL: register_pseudonym_column(table, column). */
Datum
jp_register_pseudonym_column(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *column = NameStr(*PG_GETARG_NAME(1));
	Relation	rel = jp_open_owned(relid, AccessShareLock);
	Oid			types[2] = {REGCLASSOID, NAMEOID};
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	JpPrivilege before;
	AttrNumber	attnum;

	attnum = jp_column_get(relid, column);
	if (get_atttype(relid, attnum) != jp_type("pseudonym"))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type pseudonym", column)));
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("INSERT INTO journey_privacy.pseudonym_column"
						  " VALUES ($1, $2) ON CONFLICT DO NOTHING",
						  2, types, values, NULL, false, 0);
	SPI_finish();
	jp_restore(&before);
	table_close(rel, NoLock);
	jp_note(JP_NOTE_PROTECTION, "register_pseudonym_column", relid, -1, column);
	PG_RETURN_VOID();
}

/* SQL: rekey_pseudonyms(). */
Datum
jp_rekey_pseudonyms(PG_FUNCTION_ARGS)
{
	int			next = jp_key_next_version(JP_KEY_PSEUDONYM);
	volatile int64 rows = 0;
	JpPrivilege before;

	if (next == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no new key version for pseudonyms"),
				 errhint("Make one with SELECT journey_privacy.rotate_key('pseudonym').")));
	jp_require_read_committed("rekey_pseudonyms()");
	jp_elevate(&before);
	SPI_connect();
	lock_all();
	refuse_unknown_columns();
	(void) set_config_option("session_replication_role", "replica",
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	jp_key_activate(JP_KEY_PSEUDONYM, next);
	rekeying = true;
	PG_TRY();
	{
		move_own_tables();
		rows = move_columns();
	}
	PG_FINALLY();
	{
		rekeying = false;
		jp_guard_numbering(InvalidOid, false);
	}
	PG_END_TRY();
	SPI_finish();
	jp_restore(&before);
	jp_note(JP_NOTE_KEY, "rekey_pseudonyms", InvalidOid, rows, NULL);
	PG_RETURN_INT64(rows);
}

/* SQL: rekeyed(pseudonym), for nobody but rekey_pseudonyms(). */
Datum
jp_rekeyed(PG_FUNCTION_ARGS)
{
	if (!rekeying)
		jp_refuse(JP_NOTE_KEY, "rekeyed", InvalidOid,
				  errmsg("only rekey_pseudonyms() may do this"));
	PG_RETURN_POINTER(jp_subject_arg(fcinfo, 0));
}

/* Locks the tables to be moved, then our own, against everyone but readers. */
static void
lock_all(void)
{
	static const char *const own[] = {
		"subject", "tombstone", "consent_event", "subject_key",
		"erasure_subject", "hold", "request_subject"
	};
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	/* An erasure under way holds it before any other. */
	LockRelationOid(jp_relation("erasure"), ExclusiveLock);
	SPI_execute("SELECT relation::oid FROM journey_privacy.protection WHERE kind IS NULL"
				" UNION SELECT relation::oid FROM journey_privacy.pseudonym_column"
				" ORDER BY 1", false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		bool		isnull;

		LockRelationOid(DatumGetObjectId(SPI_getbinval(found->vals[i],
													   found->tupdesc, 1,
													   &isnull)),
						ExclusiveLock);
	}
	for (i = 0; i < lengthof(own); i++)
		LockRelationOid(jp_relation(own[i]), ExclusiveLock);
}

/*
 * Refuses when the type stands in a column that nobody registered: itself, or
 * within a domain, an array, a range or a row.
 */
static void
refuse_unknown_columns(void)
{
	StringInfoData list;
	uint64		i;

	SPI_execute("WITH RECURSIVE holds(type) AS ("
				"  SELECT 'journey_privacy.pseudonym'::regtype::oid"
				"  UNION SELECT x.type FROM holds h, LATERAL ("
				"   SELECT t.oid AS type FROM pg_type t"
				"    WHERE t.typbasetype = h.type OR (t.typelem = h.type AND t.typlen = -1)"
				"   UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngsubtype = h.type"
				"   UNION ALL SELECT r.rngmultitypid FROM pg_range r WHERE r.rngsubtype = h.type"
				"   UNION ALL SELECT c.reltype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
				"    WHERE a.atttypid = h.type AND c.reltype <> 0 AND NOT a.attisdropped) x)"
				" SELECT format('%s.%I', a.attrelid::regclass, a.attname)"
				" FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
				" WHERE a.atttypid IN (SELECT type FROM holds) AND NOT a.attisdropped"
				" AND a.attnum > 0 AND c.relkind IN ('r', 'p', 'm', 'f')"
				" AND c.relnamespace <> 'journey_privacy'::regnamespace"
				" AND NOT (a.atttypid = 'journey_privacy.pseudonym'::regtype AND EXISTS ("
				"  SELECT FROM (SELECT p.relation, p.subject_column AS name"
				"               FROM journey_privacy.protection p WHERE p.kind IS NULL"
				"               UNION ALL SELECT relation, column_name"
				"               FROM journey_privacy.pseudonym_column) k"
				"  WHERE k.name = a.attname AND (k.relation = c.oid OR k.relation IN"
				"   (SELECT relid FROM pg_partition_ancestors(c.oid)))))"
				" ORDER BY 1", false, 0);
	if (SPI_processed == 0)
		return;
	initStringInfo(&list);
	for (i = 0; i < SPI_processed; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "",
						 SPI_getvalue(SPI_tuptable->vals[i],
									  SPI_tuptable->tupdesc, 1));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("pseudonyms stand in columns that are not registered"),
			 errdetail("%s", list.data),
			 errhint("Register them with journey_privacy.register_pseudonym_column(), or drop them.")));
}

/* Moves what our own tables hold. */
static void
move_own_tables(void)
{
	SPI_execute("UPDATE journey_privacy.subject SET pseudonym = journey_privacy.rekeyed(pseudonym)",
				false, 0);
	SPI_execute("UPDATE journey_privacy.subject_key SET subject = journey_privacy.rekeyed(subject)",
				false, 0);
	jp_ledger_rekey();
	jp_tombstones_rekey();
}

/* Moves every registered column; returns the number of rows. */
static int64
move_columns(void)
{
	SPITupleTable *found;
	uint64		count;
	uint64		i;
	int64		rows = 0;

	/*
	 * Partitions go with the whole, as a key may move rows from one to
	 * another; children of other kinds are there themselves.
	 */
	SPI_execute("SELECT CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY ' END"
				"  || format('%I.%I', n.nspname, c.relname), quote_ident(k.name), c.relowner, c.oid"
				" FROM (SELECT relation, name, bool_or(protected) AS protected FROM ("
				"        SELECT p.relation::oid AS relation, p.subject_column AS name, true AS protected"
				"        FROM journey_privacy.protection p WHERE p.kind IS NULL"
				"        UNION ALL SELECT relation::oid, column_name, false"
				"        FROM journey_privacy.pseudonym_column) a GROUP BY relation, name) k"
				" JOIN pg_class c ON c.oid = k.relation"
				" JOIN pg_namespace n ON n.oid = c.relnamespace"
				" WHERE NOT (k.protected AND c.relispartition) ORDER BY c.oid, k.name",
				false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		owner = SPI_getbinval(found->vals[i], found->tupdesc, 3, &isnull);

		jp_guard_numbering(DatumGetObjectId(SPI_getbinval(found->vals[i],
														  found->tupdesc, 4,
														  &isnull)), true);
		rows += move_column(SPI_getvalue(found->vals[i], found->tupdesc, 1),
							SPI_getvalue(found->vals[i], found->tupdesc, 2),
							DatumGetObjectId(owner));
	}
	return rows;
}

/* Moves one column, as the owner of its table. */
static int64
move_column(const char *table, const char *column, Oid owner)
{
	JpPrivilege before;
	char	   *sql = psprintf("UPDATE %s SET %s = journey_privacy.rekeyed(%s)"
							   " WHERE %s IS NOT NULL", table, column, column, column);
	int			code;

	jp_act_as(owner, "pg_catalog, pg_temp", &before);
	code = SPI_execute(sql, false, 0);
	jp_restore(&before);
	if (code != SPI_OK_UPDATE)
		elog(ERROR, "could not move a column: %s", SPI_result_code_string(code));
	return SPI_processed;
}
