/*
 * policy_cover.c
 *		Partitions and inheritance children are under the policy of their
 *		parent, those that come later too.
 *
 * Policies of a parent do not bind who reads a partition by its name, and
 * row triggers of an inheritance parent none of its children, so each member
 * is registered and has policies of its own.  An event trigger looks after
 * every command that can change the tree: in the transaction of the command,
 * before anybody can read.  It needs no preloading.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "collection.h"
#include "collection_rules.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "note.h"
#include "policy.h"
#include "policy_protect.h"

/* True while we change tables ourselves: what we do needs no looking after. */
static bool covering = false;

/* Whether the command that is looked after is a superuser's. */
static bool for_superuser = false;

static void look_after(void *arg);
static void adopt_protected(void);
static void cover_new(void);
static void check_code(Oid relid);
static void part_detached(void);
static void detach(Oid relid, Oid parent);
static void check_parents(void);
static void check_columns(void);
static bool first_oids(const char *sql, Oid *a, Oid *b);
static void copy_protection(const JpProtecting *p);

PG_FUNCTION_INFO_V1(jp_cover_partitions);

/* Event trigger at the end of commands that make or alter tables. */
Datum
jp_cover_partitions(PG_FUNCTION_ARGS)
{
	JpPrivilege before;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("cover_partitions() can only be called as an event trigger")));
	if (covering || !jp_installed() || !jp_protection_any())
		return PointerGetDatum(NULL);
	for_superuser = superuser();
	jp_elevate(&before);
	SPI_connect();
	jp_without_covering(look_after, NULL);
	SPI_finish();
	jp_restore(&before);
	return PointerGetDatum(NULL);
}

/* Runs what changes protected tables itself. */
void
jp_without_covering(void (*change) (void *arg), void *arg)
{
	bool		before = covering;

	covering = true;
	PG_TRY();
	{
		change(arg);
	}
	PG_FINALLY();
	{
		covering = before;
	}
	PG_END_TRY();
}

/* Brings the registry in line with the trees of tables. */
static void
look_after(void *arg)
{
	part_detached();
	adopt_protected();
	cover_new();
	check_parents();
	check_columns();
	jp_rules_check_columns();
}

/* Covers tables that have become members, parents first. */
static void
cover_new(void)
{
	Oid			child;
	Oid			parent;

	while (first_oids("SELECT i.inhrelid, i.inhparent FROM pg_inherits i"
					  " JOIN journey_privacy.protection p ON p.relation = i.inhparent"
					  " WHERE NOT EXISTS (SELECT FROM journey_privacy.protection q"
					  "  WHERE q.relation = i.inhrelid) ORDER BY i.inhrelid LIMIT 1",
					  &child, &parent))
	{
		check_code(child);
		jp_cover(child);
	}
}

/* Refuses code of the owner's that would see rows before the policies do. */
static void
check_code(Oid relid)
{
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	if (for_superuser)
		return;
	SPI_execute_with_args("SELECT FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal AND tgparentid = 0"
						  " AND tgfoid NOT IN ('journey_privacy.guard_row'::regproc, 'journey_privacy.guard_truncate'::regproc)"
						  " UNION ALL SELECT FROM pg_policy WHERE polrelid = $1"
						  " UNION ALL SELECT FROM pg_constraint WHERE conrelid = $1"
						  "  AND contype = 'c' AND coninhcount = 0"
						  " UNION ALL SELECT FROM pg_rewrite WHERE ev_class = $1"
						  " UNION ALL SELECT FROM pg_index WHERE indrelid = $1"
						  "  AND (indexprs IS NOT NULL OR indpred IS NOT NULL)"
						  "  AND indexrelid NOT IN (SELECT inhrelid FROM pg_inherits)"
						  " UNION ALL SELECT FROM pg_attribute WHERE attrelid = $1 AND attgenerated <> ''"
						  "  AND attinhcount = 0",
						  1, types, values, NULL, false, 1);
	if (SPI_processed > 0)
		jp_refuse(JP_NOTE_PROTECTION, NULL, relid,
				  errmsg("permission denied to make \"%s\" a part of a protected table",
					   get_rel_name(relid)),
				  errdetail("It has triggers, policies, checks, rules, generated columns or indexes on expressions of its own."),
				  errhint("Only a superuser may, or drop them first."));
}

/* Puts a partition or child of a protected table under the same policy. */
void
jp_cover(Oid relid)
{
	JpProtecting p = {0};
	const JpProtection *parent;
	Oid			child;
	char		kind = get_rel_relkind(relid);

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot belong to a protected table",
						get_rel_name(relid)),
				 errdetail("Row security does not bind foreign tables.")));
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("temporary table \"%s\" cannot belong to a protected table",
						get_rel_name(relid))));
	LockRelationOid(relid, AccessExclusiveLock);
	SPI_connect();
	if (!first_oids(psprintf("SELECT i.inhrelid, i.inhparent FROM pg_inherits i"
							 " JOIN journey_privacy.protection p ON p.relation = i.inhparent"
							 " WHERE i.inhrelid = %u ORDER BY i.inhseqno LIMIT 1", relid),
					&child, &p.parent))
		elog(ERROR, "a table to be covered has no protected parent");
	parent = jp_protection_find(p.parent);
	if (parent == NULL)
		elog(ERROR, "the parent of a table to be covered is no longer protected");
	p.subject = pstrdup(NameStr(parent->subject_column));
	p.kind = parent->kind == NULL ? NULL : pstrdup(parent->kind);
	p.collected = parent->collected;
	if (NameStr(parent->number_column)[0] != '\0')
		p.number = pstrdup(NameStr(parent->number_column));
	if (NameStr(parent->occurred_at)[0] != '\0')
		p.occurred_at = pstrdup(NameStr(parent->occurred_at));
	jp_protecting_look(&p, relid);
	jp_protecting_check_columns(&p);
	jp_keyring_require();
	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	copy_protection(&p);
	jp_protecting_apply(&p);
	SPI_finish();
}

/* Registers a member as its parent is. */
static void
copy_protection(const JpProtecting *p)
{
	Oid			types[4] = {REGCLASSOID, REGCLASSOID, BOOLOID, BOOLOID};
	Datum		values[4] = {ObjectIdGetDatum(p->relid),
		ObjectIdGetDatum(p->parent), BoolGetDatum(p->had_security),
		BoolGetDatum(p->had_force)
	};

	SPI_execute_with_args("INSERT INTO journey_privacy.protection"
						  " (relation, subject_column, kind, number_column, occurred_at,"
						  "  collected_for, retain_for, visibility, on_refused,"
						  "  added_number, had_security, had_force, inherited_from, on_erase, redact)"
						  " SELECT $1, subject_column, kind, number_column, occurred_at,"
						  "  collected_for, retain_for, visibility, on_refused,"
						  "  added_number, $3, $4, $2, on_erase, redact FROM journey_privacy.protection WHERE relation = $2",
						  4, types, values, NULL, false, 0);
}

/*
 * A table that was protected on its own, or detached before, keeps what it
 * has when it is the same as its new parent's.
 */
static void
adopt_protected(void)
{
	static const char *const alone =
		" FROM pg_inherits i JOIN journey_privacy.protection p ON p.relation = i.inhrelid"
		" JOIN journey_privacy.protection q ON q.relation = i.inhparent"
		" WHERE p.inherited_from IS NULL";
	static const char *const same =
		"(p.subject_column, p.kind, p.number_column, p.occurred_at, p.visibility)"
		" IS NOT DISTINCT FROM"
		" (q.subject_column, q.kind, q.number_column, q.occurred_at, q.visibility)";
	Oid			child;
	Oid			parent;

	if (first_oids(psprintf("SELECT i.inhrelid, i.inhparent %s AND NOT (%s)"
							" ORDER BY 1 LIMIT 1", alone, same), &child, &parent))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is protected in another way than \"%s\"",
						get_rel_name(child), get_rel_name(parent)),
				 errhint("Run journey_privacy.unprotect() on it first.")));
	while (first_oids(psprintf("SELECT i.inhrelid, i.inhparent %s ORDER BY 1 LIMIT 1",
							   alone), &child, &parent))
	{
		Oid			types[2] = {REGCLASSOID, REGCLASSOID};
		Datum		values[2] = {ObjectIdGetDatum(child), ObjectIdGetDatum(parent)};

		jp_rules_join(child, jp_protected_head(parent));
		SPI_execute_with_args("UPDATE journey_privacy.protection p SET inherited_from = $2,"
							  " collected_for = q.collected_for, retain_for = q.retain_for,"
							  " on_refused = q.on_refused"
							  " FROM journey_privacy.protection q"
							  " WHERE p.relation = $1 AND q.relation = $2",
							  2, types, values, NULL, false, 0);
		if (OidIsValid(get_trigger_oid(child, JP_DETACHED_TRIGGER, true)))
			jp_run("DROP TRIGGER " JP_DETACHED_TRIGGER " ON %s",
				   jp_qualified_name_of(child));
	}
}

/* What has left its parent stays protected, on its own. */
static void
part_detached(void)
{
	Oid			relid;
	Oid			parent;

	while (first_oids("SELECT p.relation::oid, p.inherited_from::oid"
					  " FROM journey_privacy.protection p WHERE p.inherited_from IS NOT NULL"
					  " AND NOT EXISTS (SELECT FROM pg_inherits i"
					  "  WHERE i.inhrelid = p.relation AND i.inhparent = p.inherited_from)"
					  " ORDER BY 1 LIMIT 1", &relid, &parent))
		detach(relid, parent);
}

/*
 * Lets a detached table stand on its own, with a trigger and the rules of its
 * own.
 */
static void
detach(Oid relid, Oid parent)
{
	char	   *table = jp_qualified_name_of(relid);
	Oid			types[1] = {REGCLASSOID};
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	LockRelationOid(relid, AccessExclusiveLock);
	jp_rules_copy(jp_protected_head(parent), relid);
	SPI_execute_with_args("UPDATE journey_privacy.protection SET inherited_from = NULL"
						  " WHERE relation = $1",
						  1, types, values, NULL, false, 0);
	if (OidIsValid(get_trigger_oid(relid, JP_GUARD_TRIGGER, true)))
		return;
	jp_make_guard(table, JP_DETACHED_TRIGGER);
}

/* Refuses a parent that would let the rows of a protected table be read. */
static void
check_parents(void)
{
	Oid			child;
	Oid			parent;

	if (first_oids("SELECT i.inhrelid, i.inhparent FROM pg_inherits i"
				   " JOIN journey_privacy.protection p ON p.relation = i.inhrelid"
				   " WHERE NOT EXISTS (SELECT FROM journey_privacy.protection q"
				   "  WHERE q.relation = i.inhparent) ORDER BY i.inhrelid LIMIT 1",
				   &child, &parent))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("protected table \"%s\" cannot become a partition or child of \"%s\"",
						get_rel_name(child), get_rel_name(parent)),
				 errdetail("Its rows could be read through a table that is not protected."),
				 errhint("Protect the parent, before the other is attached.")));
}

/* Refuses to rename, retype or drop the columns that protection rests on. */
static void
check_columns(void)
{
	SPI_execute("SELECT p.relation::oid, k.name"
				" FROM journey_privacy.protection p,"
				" LATERAL (VALUES (p.subject_column, NULL::regtype), (p.number_column, 'int4'),"
				"  (p.occurred_at, 'timestamptz')) k(name, type)"
				" WHERE k.name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute a"
				"  WHERE a.attrelid = p.relation AND a.attname = k.name"
				"  AND NOT a.attisdropped AND a.attgenerated = ''"
				"  AND a.atttypid = coalesce(k.type, CASE WHEN p.kind IS NULL"
				"    THEN 'journey_privacy.pseudonym'::regtype ELSE a.atttypid END)"
				"  AND (k.name <> p.subject_column OR p.kind IS NULL OR a.atttypid = ANY"
				"   ('{int4,int8,uuid,text,varchar}'::regtype[])))"
				" ORDER BY 1 LIMIT 1", false, 0);
	if (SPI_processed > 0)
	{
		bool		isnull;
		Oid			relid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0],
														   SPI_tuptable->tupdesc,
														   1, &isnull));

		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("protection of table \"%s\" rests on column \"%s\"",
						get_rel_name(relid),
						SPI_getvalue(SPI_tuptable->vals[0],
									 SPI_tuptable->tupdesc, 2)),
				 errhint("Run journey_privacy.unprotect() first, and protect() after the change.")));
	}
}

/* Two OIDs of the first row that a query finds; false when it finds none. */
static bool
first_oids(const char *sql, Oid *a, Oid *b)
{
	bool		isnull;

	if (SPI_execute(sql, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look after protected tables");
	if (SPI_processed == 0)
		return false;
	*a = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 1, &isnull));
	*b = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 2, &isnull));
	return true;
}
