/*
 * policy_protect.c
 *		protect() and unprotect(): what puts a table under policy.
 *
 * The caller must own the table.  Our statements run as the extension's
 * owner under a fixed search_path, but for the one that touches rows: it runs
 * as the owner of the table, restricted, so that the owner's code gets no
 * rights by it.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"
#include "collection_redaction.h"
#include "collection_rules.h"
#include "consent.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "note.h"
#include "policy.h"
#include "policy_protect.h"

/* The arguments of protect(). */
enum
{
	TABLE, SUBJECT, KIND, OCCURRED_AT, COLLECTED_FOR, RETAIN_FOR, VISIBILITY,
	ON_REFUSED, ON_ERASE, REDACT, NUMBER_COLUMN, ARGUMENTS
};

static void lock_tree(FunctionCallInfo fcinfo, JpProtecting *head);
static void protect_members(void *arg);
static void unprotect_tree(void *arg);
static void check_arguments(FunctionCallInfo fcinfo);
static void number_rows(const JpProtecting *p);
static void register_rows(const JpProtecting *p);
static void make_policies(const JpProtecting *p);
static void make_triggers(const JpProtecting *p);
static bool has_permissive_policy(Oid relid);
static void register_head(FunctionCallInfo fcinfo, const JpProtecting *p);
static void unprotect_one(HeapTuple row, TupleDesc desc, Oid head);
static void drop_trigger(Oid relid, const char *name, const char *table);
static char *text_arg(FunctionCallInfo fcinfo, int n);
static char *name_arg(FunctionCallInfo fcinfo, int n);

PG_FUNCTION_INFO_V1(jp_protect);
PG_FUNCTION_INFO_V1(jp_unprotect);

/* SQL: protect(table, subject, kind, occurred_at, collected_for, …). */
Datum
jp_protect(PG_FUNCTION_ARGS)
{
	JpProtecting head = {0};
	JpPrivilege before;

	check_arguments(fcinfo);
	head.subject = name_arg(fcinfo, SUBJECT);
	head.kind = text_arg(fcinfo, KIND);
	head.number = name_arg(fcinfo, NUMBER_COLUMN);
	head.occurred_at = name_arg(fcinfo, OCCURRED_AT);
	head.collected = strcmp(text_arg(fcinfo, VISIBILITY), "collected") == 0;
	lock_tree(fcinfo, &head);
	jp_protecting_check_columns(&head);
	if (head.kind != NULL)
		jp_protecting_check_kind(head.kind);
	if (!PG_ARGISNULL(COLLECTED_FOR))
		jp_protecting_check_purposes(PG_GETARG_ARRAYTYPE_P(COLLECTED_FOR));
	jp_require_read_committed("protect()");
	jp_keyring_require();

	/* An erasure under way must not miss the table, nor we its tombstone. */
	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	jp_elevate(&before);
	SPI_connect();
	jp_redaction_check(head.relid, text_arg(fcinfo, ON_ERASE),
					   PG_ARGISNULL(REDACT) ? NULL : PG_GETARG_JSONB_P(REDACT),
					   list_make1(head.subject), true);
	register_head(fcinfo, &head);
	jp_without_covering(protect_members, &head);
	SPI_finish();
	jp_restore(&before);
	jp_note(JP_NOTE_PROTECTION, "protect", head.relid, -1, NULL);
	PG_RETURN_VOID();
}

/* Puts the head, and then all under it, under policy. */
static void
protect_members(void *arg)
{
	const JpProtecting *head = arg;
	ListCell   *cell;

	jp_protecting_check_code(head);
	foreach(cell, head->members)
	{
		JpProtecting member = {0};

		jp_protecting_look(&member, lfirst_oid(cell));
		jp_protecting_check_code(&member);
	}
	if (head->add_number)
		jp_run("ALTER TABLE %s ADD COLUMN %s integer", head->table,
			   quote_identifier(head->number));
	jp_protecting_apply(head);
	foreach(cell, head->members)
		jp_cover(lfirst_oid(cell));
}

/* Checks and locks a table and all under it. */
static void
lock_tree(FunctionCallInfo fcinfo, JpProtecting *head)
{
	Relation	rel = jp_open_owned(PG_GETARG_OID(TABLE), AccessExclusiveLock);
	ListCell   *cell;

	jp_protecting_check_table(rel);
	if (has_superclass(RelationGetRelid(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is a partition or child of another",
						RelationGetRelationName(rel)),
				 errdetail("Its rows are read through its parent, too."),
				 errhint("Protect the parent: its partitions and children are covered with it.")));
	table_close(rel, NoLock);	/* ALTER TABLE wants it unused; we keep the lock */
	jp_protecting_look(head, PG_GETARG_OID(TABLE));
	head->members =
		list_delete_first(find_all_inheritors(head->relid, AccessExclusiveLock,
											  NULL));
	foreach(cell, head->members)
	{
		rel = jp_open_owned(lfirst_oid(cell), AccessExclusiveLock);
		jp_protecting_check_table(rel);
		table_close(rel, NoLock);
	}
}

/* Refuses arguments that mean nothing. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	static const int required[] = {TABLE, SUBJECT, VISIBILITY, ON_REFUSED, ON_ERASE};
	char	   *visibility;
	char	   *on_refused;
	int			i;

	for (i = 0; i < lengthof(required); i++)
		if (PG_ARGISNULL(required[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("table, subject, visibility, on_refused and on_erase must not be null")));
	visibility = text_arg(fcinfo, VISIBILITY);
	on_refused = text_arg(fcinfo, ON_REFUSED);
	if (strcmp(on_refused, "error") != 0 && strcmp(on_refused, "skip") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_refused must be error or skip")));
	if (strcmp(visibility, "current") != 0 && strcmp(visibility, "collected") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("visibility must be current or collected")));
	if (strcmp(visibility, "collected") == 0 && PG_ARGISNULL(OCCURRED_AT))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("visibility collected needs occurred_at"),
				 errhint("Name the column that says when an event occurred.")));
	if (PG_ARGISNULL(RETAIN_FOR))
		return;
	jp_check_keep(PG_GETARG_INTERVAL_P(RETAIN_FOR), "retain_for");
	if (PG_ARGISNULL(OCCURRED_AT))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("retain_for needs occurred_at"),
				 errhint("Name the column that says when an event occurred.")));
}

/* Fills in what a table has of its own. */
void
jp_protecting_look(JpProtecting *p, Oid relid)
{
	Relation	rel = table_open(relid, NoLock);

	p->relid = relid;
	p->owner = rel->rd_rel->relowner;
	p->name = pstrdup(RelationGetRelationName(rel));
	p->table = jp_qualified_name(rel);
	p->had_security = rel->rd_rel->relrowsecurity;
	p->had_force = rel->rd_rel->relforcerowsecurity;
	p->is_clone = rel->rd_rel->relispartition;
	table_close(rel, NoLock);
}

/* SQL: unprotect(table). */
Datum
jp_unprotect(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel = jp_open_owned(relid, AccessExclusiveLock);
	JpPrivilege before;
	Oid			types[1] = {REGCLASSOID};
	Datum		values[1] = {PG_GETARG_DATUM(0)};

	jp_protecting_check_own(relid, "Unprotect that table, or detach this one first.");
	table_close(rel, NoLock);
	(void) find_all_inheritors(relid, AccessExclusiveLock, NULL);
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("WITH RECURSIVE tree(relation) AS ("
						  "  SELECT $1 UNION SELECT p.relation FROM tree t"
						  "  JOIN journey_privacy.protection p ON p.inherited_from = t.relation),"
						  " gone AS (DELETE FROM journey_privacy.protection p USING tree t"
						  "  WHERE p.relation = t.relation RETURNING p.*)"
						  " SELECT relation::oid, added_number, had_security, had_force, number_column"
						  " FROM gone ORDER BY relation = $1",
						  1, types, values, NULL, false, 0);
	jp_without_covering(unprotect_tree, &relid);
	jp_rules_forget(relid);
	SPI_finish();
	jp_restore(&before);
	jp_note(JP_NOTE_PROTECTION, "unprotect", relid, -1, NULL);
	PG_RETURN_VOID();
}

/* Refuses a table that is not protected on its own account. */
void
jp_protecting_check_own(Oid relid, const char *hint)
{
	const JpProtection *protection = jp_protection_find(relid);
	const char *name = get_rel_name(relid);

	if (protection == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 name == NULL ?
				 errmsg("relation with OID %u does not exist", relid) :
				 errmsg("table \"%s\" is not protected", name)));
	if (OidIsValid(protection->inherited_from))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is protected as a part of \"%s\"",
						name, get_rel_name(protection->inherited_from)),
				 errhint("%s", hint)));
}

/* Unprotects the tables that SPI has just deleted from the registry. */
static void
unprotect_tree(void *arg)
{
	SPITupleTable *found = SPI_tuptable;
	uint64		count = SPI_processed;
	uint64		i;

	for (i = 0; i < count; i++)
		unprotect_one(found->vals[i], found->tupdesc, *(Oid *) arg);
}

/* Takes from one table what protect() gave it. */
static void
unprotect_one(HeapTuple row, TupleDesc desc, Oid head)
{
	static const char *const policies[] = {
		JP_POLICY "select", JP_POLICY "update", JP_POLICY "delete",
		JP_POLICY "open"
	};
	bool		isnull;
	Oid			relid = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
	char	   *table = jp_qualified_name_of(relid);
	int			i;

	for (i = 0; i < lengthof(policies); i++)
		if (OidIsValid(get_relation_policy_oid(relid, policies[i], true)))
			jp_run("DROP POLICY %s ON %s", policies[i], table);
	drop_trigger(relid, JP_GUARD_TRIGGER, table);
	drop_trigger(relid, JP_DETACHED_TRIGGER, table);
	drop_trigger(relid, JP_TRUNCATE_TRIGGER, table);
	if (!DatumGetBool(SPI_getbinval(row, desc, 3, &isnull)))
		jp_run("ALTER TABLE ONLY %s DISABLE ROW LEVEL SECURITY", table);
	if (!DatumGetBool(SPI_getbinval(row, desc, 4, &isnull)))
		jp_run("ALTER TABLE ONLY %s NO FORCE ROW LEVEL SECURITY", table);
	if (relid == head && DatumGetBool(SPI_getbinval(row, desc, 2, &isnull)))
		jp_run("ALTER TABLE %s DROP COLUMN IF EXISTS %s", table,
			   quote_identifier(SPI_getvalue(row, desc, 5)));
}

/* Drops a trigger of ours, unless it is the clone of a parent's. */
static void
drop_trigger(Oid relid, const char *name, const char *table)
{
	Oid			trigger = get_trigger_oid(relid, name, true);
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(trigger)};

	if (!OidIsValid(trigger))
		return;
	SPI_execute_with_args("SELECT FROM pg_trigger WHERE oid = $1 AND tgparentid = 0",
						  1, types, values, NULL, false, 0);
	if (SPI_processed > 0)
		jp_run("DROP TRIGGER %s ON %s", name, table);
}

/* Runs a statement without parameters. */
void
jp_run(const char *format,...)
{
	char		sql[4096];
	va_list		args;
	int			length;
	int			code;

	va_start(args, format);
	length = vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	if (length < 0 || length >= sizeof(sql))
		elog(ERROR, "a statement is too long");
	code = SPI_execute(sql, false, 0);
	if (code < 0)
		elog(ERROR, "a statement returned %s", SPI_result_code_string(code));
}

/* Policies, triggers, and numbers for the rows that are there. */
void
jp_protecting_apply(const JpProtecting *p)
{
	make_policies(p);
	make_triggers(p);
	if (p->number != NULL)
		number_rows(p);
	else
		register_rows(p);
}

/*
 * Numbers the rows that are there: an UPDATE that changes nothing lets the
 * insert guard do it.  No other trigger fires, and what runs with it (checks,
 * index expressions, rules) has the rights of the table's owner.
 */
static void
number_rows(const JpProtecting *p)
{
	JpPrivilege before;
	char	   *number = pstrdup(quote_identifier(p->number));

	(void) set_config_option("session_replication_role", "replica",
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	jp_act_as(p->owner, "pg_catalog, pg_temp", &before);
	jp_guard_numbering(p->relid, false);
	PG_TRY();
	{
		jp_run("UPDATE ONLY %s SET %s = %s", p->table, number, number);
	}
	PG_FINALLY();
	{
		jp_guard_numbering(InvalidOid, false);
	}
	PG_END_TRY();
	jp_restore(&before);
	(void) set_config_option("session_replication_role", "origin",
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Registers the subjects of rows that are there and will not be changed. */
static void
register_rows(const JpProtecting *p)
{
	JpPrivilege before;
	Portal		portal;
	SPIPlanPtr	plan;
	char	   *sql = psprintf("SELECT DISTINCT %s FROM ONLY %s WHERE %s IS NOT NULL",
							   quote_identifier(p->subject), p->table,
							   quote_identifier(p->subject));

	jp_act_as(p->owner, "pg_catalog, pg_temp", &before);
	plan = SPI_prepare(sql, 0, NULL);
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, false);
	do
	{
		uint64		i;

		SPI_cursor_fetch(portal, true, 1000);
		for (i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			JpPseudonym pseudonym;

			jp_subject_of_datum(SPI_getbinval(SPI_tuptable->vals[i],
											  SPI_tuptable->tupdesc, 1,
											  &isnull),
								p->subject_type, p->kind, &pseudonym);
			if (jp_subject_register(&pseudonym) == JP_NO_SUBJECT)
				jp_refuse_erased_rows(p->name);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	jp_restore(&before);
}

/* Makes the policies: one call of permits() each, nothing around it. */
static void
make_policies(const JpProtecting *p)
{
	static const char *const commands[] = {"select", "update", "delete"};
	char	   *column = pstrdup(quote_identifier(p->number != NULL ? p->number :
												  p->subject));
	char	   *time = p->collected ?
		psprintf(", %s", quote_identifier(p->occurred_at)) : "";
	int			i;

	for (i = 0; i < lengthof(commands); i++)
		jp_run("CREATE POLICY " JP_POLICY "%s ON %s AS RESTRICTIVE FOR %s"
			   " USING (journey_privacy.permits(tableoid, %s%s))",
			   commands[i], p->table, commands[i], column, time);
	if (!has_permissive_policy(p->relid))
		jp_run("CREATE POLICY " JP_POLICY "open ON %s USING (journey_privacy.everybody())",
			   p->table);
	jp_run("ALTER TABLE ONLY %s ENABLE ROW LEVEL SECURITY", p->table);
	jp_run("ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY", p->table);
}

/* Makes the insert guard, and the guard against TRUNCATE. */
static void
make_triggers(const JpProtecting *p)
{
	if (!p->is_clone)
		jp_make_guard(p->table, JP_GUARD_TRIGGER);
	jp_run("CREATE TRIGGER " JP_TRUNCATE_TRIGGER " BEFORE TRUNCATE ON %s"
		   " FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.guard_truncate()", p->table);
	jp_run("ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER " JP_TRUNCATE_TRIGGER, p->table);
}

/* Makes the insert guard of a table. */
void
jp_make_guard(const char *table, const char *name)
{
	jp_run("CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s"
		   " FOR EACH ROW EXECUTE FUNCTION journey_privacy.guard_row()", name, table);
	jp_run("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, name);
}

/* Whether the table has a policy that lets rows through. */
static bool
has_permissive_policy(Oid relid)
{
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	SPI_execute_with_args("SELECT FROM pg_policy WHERE polrelid = $1 AND polpermissive",
						  1, types, values, NULL, false, 1);
	return SPI_processed > 0;
}

/* Writes table protection. */
static void
register_head(FunctionCallInfo fcinfo, const JpProtecting *p)
{
	Oid			types[ARGUMENTS + 3] = {REGCLASSOID, NAMEOID, TEXTOID, NAMEOID,
		TEXTARRAYOID, INTERVALOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID, NAMEOID,
		BOOLOID, BOOLOID, BOOLOID
	};
	Datum		values[ARGUMENTS + 3];
	char		nulls[ARGUMENTS + 3];
	int			i;

	memset(nulls, ' ', sizeof(nulls));
	for (i = 0; i < ARGUMENTS; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		if (PG_ARGISNULL(i))
			nulls[i] = 'n';
	}
	values[ARGUMENTS] = BoolGetDatum(p->add_number);
	values[ARGUMENTS + 1] = BoolGetDatum(p->had_security);
	values[ARGUMENTS + 2] = BoolGetDatum(p->had_force);
	SPI_execute_with_args("INSERT INTO journey_privacy.protection"
						  " (relation, subject_column, kind, occurred_at, collected_for,"
						  "  retain_for, visibility, on_refused, on_erase, redact, number_column,"
						  "  added_number, had_security, had_force)"
						  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
						  lengthof(types), types, values, nulls, false, 0);
}

/* A text argument, NULL when it is null. */
static char *
text_arg(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* A name argument, NULL when it is null. */
static char *
name_arg(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(n)));
}
