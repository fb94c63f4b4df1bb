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
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/policy.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "consent.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "pseudonym_internal.h"

/* Sorts after any other trigger a sane table has, so it has the last word. */
#define GUARD_TRIGGER	"zzz_journey_privacy"

/* The arguments of protect(), checked. */
typedef struct Protecting
{
	Oid			relid;
	char	   *name;
	char	   *table;			/* qualified and quoted */
	char	   *subject;
	char	   *kind;
	char	   *number;
	Oid			owner;
	Oid			subject_type;
	bool		add_number;
	bool		had_security;
	bool		had_force;
} Protecting;

static void check_relation(Relation rel);
static void check_columns(Protecting *p, const char *occurred_at);
static void check_kind(const char *kind);
static bool is_generated(Oid relid, AttrNumber number);
static void check_purposes(FunctionCallInfo fcinfo, int n);
static void run(const char *format,...) pg_attribute_printf(1, 2);
static void number_rows(const Protecting *p);
static void make_policies(const Protecting *p);
static bool has_permissive_policy(Oid relid);
static void register_table(FunctionCallInfo fcinfo, const Protecting *p);
static char *text_arg(FunctionCallInfo fcinfo, int n);
static char *name_arg(FunctionCallInfo fcinfo, int n);

PG_FUNCTION_INFO_V1(jp_protect);
PG_FUNCTION_INFO_V1(jp_unprotect);

/* SQL: protect(table, subject, kind, occurred_at, collected_for, …). */
Datum
jp_protect(PG_FUNCTION_ARGS)
{
	Protecting	p = {0};
	Relation	rel;
	JpPrivilege before;
	char	   *on_refused;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(6) || PG_ARGISNULL(7))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table, subject, on_refused and number_column must not be null")));
	on_refused = text_arg(fcinfo, 6);
	if (strcmp(on_refused, "error") != 0 && strcmp(on_refused, "skip") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_refused must be error or skip")));

	rel = jp_open_owned(PG_GETARG_OID(0), AccessExclusiveLock);
	check_relation(rel);
	p.relid = RelationGetRelid(rel);
	p.owner = rel->rd_rel->relowner;
	p.name = pstrdup(RelationGetRelationName(rel));
	p.table = jp_qualified_name(rel);
	p.had_security = rel->rd_rel->relrowsecurity;
	p.had_force = rel->rd_rel->relforcerowsecurity;
	table_close(rel, NoLock);	/* ALTER TABLE wants it unused; we keep the lock */

	p.subject = name_arg(fcinfo, 1);
	p.kind = text_arg(fcinfo, 2);
	p.number = name_arg(fcinfo, 7);
	check_columns(&p, name_arg(fcinfo, 3));
	check_purposes(fcinfo, 4);
	jp_require_read_committed("protect()");
	jp_keyring_require();

	/* An erasure under way must not miss the table, nor we its tombstone. */
	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	jp_elevate(&before);
	SPI_connect();
	register_table(fcinfo, &p);
	if (p.add_number)
		run("ALTER TABLE %s ADD COLUMN %s integer", p.table,
			quote_identifier(p.number));
	make_policies(&p);
	number_rows(&p);
	SPI_finish();
	jp_restore(&before);
	PG_RETURN_VOID();
}

/* SQL: unprotect(table). */
Datum
jp_unprotect(PG_FUNCTION_ARGS)
{
	static const char *const policies[] = {
		"journey_privacy_select", "journey_privacy_update",
		"journey_privacy_delete", "journey_privacy_open"
	};
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel = jp_open_owned(relid, AccessExclusiveLock);
	char	   *table;
	char	   *name;
	JpPrivilege before;
	Oid			types[1] = {REGCLASSOID};
	Datum		values[1] = {PG_GETARG_DATUM(0)};
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;
	int			i;

	table = jp_qualified_name(rel);
	name = pstrdup(RelationGetRelationName(rel));
	table_close(rel, NoLock);
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("DELETE FROM journey_privacy.protection WHERE relation = $1"
						  " RETURNING added_number, had_security, had_force, number_column",
						  1, types, values, NULL, false, 0);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" is not protected", name)));
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;

	for (i = 0; i < lengthof(policies); i++)
		if (OidIsValid(get_relation_policy_oid(relid, policies[i], true)))
			run("DROP POLICY %s ON %s", policies[i], table);
	if (OidIsValid(get_trigger_oid(relid, GUARD_TRIGGER, true)))
		run("DROP TRIGGER " GUARD_TRIGGER " ON %s", table);
	if (!DatumGetBool(SPI_getbinval(row, desc, 2, &isnull)))
		run("ALTER TABLE %s DISABLE ROW LEVEL SECURITY", table);
	if (!DatumGetBool(SPI_getbinval(row, desc, 3, &isnull)))
		run("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY", table);
	if (DatumGetBool(SPI_getbinval(row, desc, 1, &isnull)))
		run("ALTER TABLE %s DROP COLUMN IF EXISTS %s", table,
			quote_identifier(SPI_getvalue(row, desc, 4)));
	SPI_finish();
	jp_restore(&before);
	PG_RETURN_VOID();
}

/* Refuses what cannot be a journey table. */
static void
check_relation(Relation rel)
{
	Form_pg_class form = rel->rd_rel;
	const char *name = RelationGetRelationName(rel);
	TriggerDesc *triggers = rel->trigdesc;
	int			i;

	if (form->relkind == RELKIND_PARTITIONED_TABLE || form->relispartition ||
		find_inheritance_children(RelationGetRelid(rel), NoLock) != NIL ||
		has_superclass(RelationGetRelid(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is partitioned or inherits", name),
				 errdetail("Policies of a parent do not bind direct reads of its partitions and children."),
				 errhint("Protect a plain table.")));
	if (form->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name),
				 errhint("Protect the tables under it.")));
	if (IsCatalogRelation(rel) || IsToastRelation(rel) ||
		form->relnamespace == jp_schema())
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system table", name)));
	if (form->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a temporary table", name),
				 errhint("Protect a permanent table.")));
	if (jp_protection_find(RelationGetRelid(rel)) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is already protected", name)));
	if (rel->rd_rules != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" has rules", name),
				 errdetail("A rule could write elsewhere what the insert guard has not seen."),
				 errhint("Use a trigger instead.")));
	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgenabled == TRIGGER_FIRES_ALWAYS ||
			triggers->triggers[i].tgenabled == TRIGGER_FIRES_ON_REPLICA)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table \"%s\" has a trigger enabled for replicas or always", name),
					 errhint("ENABLE it in the ordinary way while the table is being protected.")));
}

/* Finds the columns and checks that they can do what they are for. */
static void
check_columns(Protecting *p, const char *occurred_at)
{
	AttrNumber	subject = get_attnum(p->relid, p->subject);
	AttrNumber	number = get_attnum(p->relid, p->number);
	AttrNumber	time = occurred_at == NULL ? InvalidAttrNumber :
		get_attnum(p->relid, occurred_at);

	if (subject <= 0 || (occurred_at != NULL && time <= 0))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						subject <= 0 ? p->subject : occurred_at,
						p->name)));
	p->subject_type = get_atttype(p->relid, subject);
	if (p->kind == NULL ? p->subject_type != jp_type("pseudonym") :
		!jp_subject_type_ok(p->subject_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of type %s cannot name subjects%s", p->subject,
						format_type_be(p->subject_type),
						p->kind == NULL ? " without a kind" : " of a kind"),
				 errhint("Use type journey_privacy.pseudonym, or integer, bigint, uuid or text together with the identity kind.")));
	if (time > 0 && get_atttype(p->relid, time) != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type timestamp with time zone",
						occurred_at)));
	if (is_generated(p->relid, subject) || is_generated(p->relid, number))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" is generated",
						is_generated(p->relid, subject) ? p->subject : p->number),
				 errdetail("The insert guard would not see its value.")));
	p->add_number = (number == InvalidAttrNumber);
	if (!p->add_number && (number <= 0 || get_atttype(p->relid, number) != INT4OID))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type integer", p->number),
				 errhint("Name another number_column; protect() adds it.")));
	if (p->kind != NULL)
		check_kind(p->kind);
}

/*
 * Refuses a kind that does not exist, and a caller who may not turn identities
 * into pseudonyms: the numbers of the rows would tell as much.
 */
static void
check_kind(const char *kind)
{
	static const Oid types[] = {TEXTOID, TEXTOID};
	List	   *name = list_make2(makeString(JP_SCHEMA),
								  makeString("pseudonymize"));
	Oid			function = LookupFuncName(name, lengthof(types), types, false);

	if (jp_proc_aclcheck(function, GetUserId()) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to protect a table of identities"),
				 errhint("This takes EXECUTE on journey_privacy.pseudonymize(text, text).")));
	(void) jp_kind_normalizer(kind, strlen(kind));
}

/* Whether a column's value is worked out after triggers have run. */
static bool
is_generated(Oid relid, AttrNumber number)
{
	return number > 0 && get_attgenerated(relid, number) != '\0';
}

/* Refuses a purpose that does not exist. */
static void
check_purposes(FunctionCallInfo fcinfo, int n)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;
	int			i;

	if (PG_ARGISNULL(n))
		return;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false,
					  TYPALIGN_INT, &names, &nulls, &count);
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("collected_for must not contain null")));
		(void) jp_purpose_get(TextDatumGetCString(names[i]));
	}
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("collected_for must not be empty"),
				 errhint("Leave it out to collect without a basis.")));
}

/* Runs a statement without parameters. */
static void
run(const char *format,...)
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

/*
 * Numbers the rows that are there: an UPDATE that changes nothing lets the
 * insert guard do it.  No other trigger fires, and what runs with it (checks,
 * index expressions, rules) has the rights of the table's owner.
 */
static void
number_rows(const Protecting *p)
{
	JpPrivilege before;
	char	   *number = pstrdup(quote_identifier(p->number));

	(void) set_config_option("session_replication_role", "replica",
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	jp_act_as(p->owner, "pg_catalog, pg_temp", &before);
	jp_guard_numbering(p->relid);
	PG_TRY();
	{
		run("UPDATE ONLY %s SET %s = %s", p->table, number, number);
	}
	PG_FINALLY();
	{
		jp_guard_numbering(InvalidOid);
	}
	PG_END_TRY();
	jp_restore(&before);
	(void) set_config_option("session_replication_role", "origin",
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Makes the policies and the insert guard. */
static void
make_policies(const Protecting *p)
{
	static const char *const commands[] = {"select", "update", "delete"};
	int			i;

	for (i = 0; i < lengthof(commands); i++)
		run("CREATE POLICY journey_privacy_%s ON %s AS RESTRICTIVE FOR %s"
			" USING (journey_privacy.permits(tableoid, %s))",
			commands[i], p->table, commands[i], quote_identifier(p->number));
	if (!has_permissive_policy(p->relid))
		run("CREATE POLICY journey_privacy_open ON %s USING (journey_privacy.everybody())",
			p->table);
	run("CREATE TRIGGER " GUARD_TRIGGER " BEFORE INSERT OR UPDATE ON %s"
		" FOR EACH ROW EXECUTE FUNCTION journey_privacy.guard_row()", p->table);
	run("ALTER TABLE %s ENABLE ALWAYS TRIGGER " GUARD_TRIGGER, p->table);
	run("ALTER TABLE %s ENABLE ROW LEVEL SECURITY", p->table);
	run("ALTER TABLE %s FORCE ROW LEVEL SECURITY", p->table);
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
register_table(FunctionCallInfo fcinfo, const Protecting *p)
{
	static const int argument[] = {0, 1, 2, 3, 4, 5, 6, 7};
	Oid			types[11] = {REGCLASSOID, NAMEOID, TEXTOID, NAMEOID,
		TEXTARRAYOID, INTERVALOID, TEXTOID, NAMEOID, BOOLOID, BOOLOID, BOOLOID
	};
	Datum		values[11];
	char		nulls[11];
	int			i;

	memset(nulls, ' ', sizeof(nulls));
	for (i = 0; i < lengthof(argument); i++)
	{
		values[i] = PG_GETARG_DATUM(argument[i]);
		if (PG_ARGISNULL(argument[i]))
			nulls[i] = 'n';
	}
	values[8] = BoolGetDatum(p->add_number);
	values[9] = BoolGetDatum(p->had_security);
	values[10] = BoolGetDatum(p->had_force);
	SPI_execute_with_args("INSERT INTO journey_privacy.protection"
						  " (relation, subject_column, kind, occurred_at, collected_for,"
						  "  retain_for, on_refused, number_column, added_number,"
						  "  had_security, had_force)"
						  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
						  11, types, values, nulls, false, 0);
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
