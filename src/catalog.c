/*
 * catalog.c
 *		Our own tables seen from C.
 *
 * Configuration tables (purposes, allowances, protections, identity kinds,
 * key versions) carry the statement trigger catalog_changed, which sends a
 * relcache invalidation for them; every backend, standbys included, then
 * grows its generation number and refills its caches when next asked.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "journey_privacy.h"
#include "note.h"

/* The configuration tables, as far as known; see relation_changed(). */
#define MAX_CONFIG_RELATIONS	16

static Oid	config_relation[MAX_CONFIG_RELATIONS];
static int	config_relations = 0;
static uint64 generation = 1;

/* The extension and its schema, until either may have come or gone. */
static bool known = false;
static Oid	extension = InvalidOid;
static Oid	schema = InvalidOid;

/* Where kept plans hang, and the type pseudonym they were made for. */
static List *kept_plans = NIL;
static Oid	plans_made_for = InvalidOid;

/* A kept plan that is known by its text and the types of its parameters. */
#define MOST_TEXT_PLANS		64
#define MOST_TEXT_TYPES		4

typedef struct TextPlan
{
	struct TextPlan *next;
	char	   *sql;
	Oid			types[MOST_TEXT_TYPES];
	SPIPlanPtr	plan;
} TextPlan;

static TextPlan *text_plans = NULL;
static int	text_plan_count = 0;

static void require_object(bool found, const char *name);
static void remember_plan(SPIPlanPtr *plan);
static void forget_stale_plans(void);
static void become(Oid userid, int sec_context, const char *path,
				   JpPrivilege *before);
static void relation_changed(Datum arg, Oid relid);
static void find_extension(void);
static void extension_changed(Datum arg, int cacheid, uint32 hash);
static void watch_configuration(void);

PG_FUNCTION_INFO_V1(jp_catalog_changed);

/* Names of the tables whose changes must reach every cache. */
static const char *const config_name[] = {
	"key_version", "identity_kind", "purpose", "allowance",
	"protection", "column_allowance", "event_name", "journey_store",
	"minimization", "data_plan", "planned_event"
};

/* Registers the invalidation callback. */
void
jp_catalog_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, extension_changed, (Datum) 0);
	/* The schema outlives the extension; its operator classes do not. */
	CacheRegisterSyscacheCallback(CLAOID, extension_changed, (Datum) 0);
}

/* OID of the extension, another one each time it is made. */
Oid
jp_extension(void)
{
	if (!known)
		find_extension();
	return extension;
}

/* Keeps the extension from being dropped until the transaction ends. */
bool
jp_extension_hold(void)
{
	Oid			held;

	while (OidIsValid(held = get_extension_oid(JP_EXTENSION, true)))
	{
		LockDatabaseObject(ExtensionRelationId, held, 0, AccessShareLock);
		if (get_extension_oid(JP_EXTENSION, true) == held)
			return true;
		UnlockDatabaseObject(ExtensionRelationId, held, 0, AccessShareLock);
	}
	return false;
}

/*
 * OID of our schema, InvalidOid where the extension is absent.  A schema of
 * that name alone is not ours: anybody could have made it.
 */
Oid
jp_schema(void)
{
	if (!known)
		find_extension();
	return schema;
}

/* Whether the extension is here and all of it. */
bool
jp_installed(void)
{
	return OidIsValid(jp_schema()) &&
		OidIsValid(get_relname_relid("erasure", schema));
}

/* OID of one of our relations. */
Oid
jp_relation(const char *name)
{
	Oid			relid = InvalidOid;

	if (OidIsValid(jp_schema()))
		relid = get_relname_relid(name, schema);
	require_object(OidIsValid(relid), name);
	return relid;
}

/* OID of one of our types. */
Oid
jp_type(const char *name)
{
	Oid			typid;

	typid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
							CStringGetDatum(name),
							ObjectIdGetDatum(jp_schema()));
	require_object(OidIsValid(typid), name);
	return typid;
}

/*
 * Refuses to go on without one of our objects.  It is missing where the
 * extension is, or where that is older than the library.
 */
static void
require_object(bool found, const char *name)
{
	if (found)
		return;
	/* Asked anew: what is remembered may be from within DROP EXTENSION. */
	if (!OidIsValid(get_extension_oid(JP_EXTENSION, true)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension journey_privacy is not installed in this database"),
				 errhint("Run CREATE EXTENSION journey_privacy CASCADE.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("extension journey_privacy has no \"%s\" in this database", name),
			 errdetail("The extension is older than the library that is installed, or damaged."),
			 errhint("Run ALTER EXTENSION journey_privacy UPDATE.")));
}

/* Opens a table that the caller must own. */
Relation
jp_open_owned(Oid relid, LOCKMODE lock)
{
	Relation	rel = try_relation_open(relid, lock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (!jp_class_ownercheck(relid, GetUserId()))
	{
		jp_note_denied(JP_NOTE_PROTECTION, NULL, relid);
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(rel->rd_rel->relkind),
					   RelationGetRelationName(rel));
	}
	return rel;
}

/* The number of a column that a caller names. */
AttrNumber
jp_column_get(Oid relid, const char *column)
{
	AttrNumber	number = get_attnum(relid, column);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, get_rel_name(relid))));
	return number;
}

/* A relation's name for dynamic SQL. */
char *
jp_qualified_name(Relation rel)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
									  RelationGetRelationName(rel));
}

/* The same, of a relation that is there. */
char *
jp_qualified_name_of(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/* A copy of the one row with this key in a column, or NULL. */
HeapTuple
jp_fetch_one(Relation rel, const char *index, AttrNumber column, Datum key,
			 RegProcedure equal)
{
	ScanKeyData scankey;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&scankey, column, BTEqualStrategyNumber, equal, key);
	scan = systable_beginscan(rel, jp_relation(index), true, NULL, 1, &scankey);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	return tuple;
}

/* Number of the configuration as this backend knows it. */
uint64
jp_catalog_generation(void)
{
	if (config_relations == 0)
		watch_configuration();
	return generation;
}

/* Statement trigger on configuration tables: tells every backend. */
Datum
jp_catalog_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("catalog_changed() can only be called as a trigger")));
	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

/* Refuses a transaction with a view of its own. */
void
jp_require_read_committed(const char *what)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s needs isolation level read committed", what),
				 errdetail("Under repeatable read it would not see rows that others have just written.")));
}

/* Whether a procedure was called where it may commit. */
bool
jp_may_commit(FunctionCallInfo fcinfo)
{
	return fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!((CallContext *) fcinfo->context)->atomic && !IsSubTransaction();
}

/* Becomes the extension's owner, deaf to the caller's search_path. */
void
jp_elevate(JpPrivilege *before)
{
	HeapTuple	tuple;
	Oid			owner;

	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(jp_schema()));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "schema %s is missing", JP_SCHEMA);
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);

	become(owner, SECURITY_LOCAL_USERID_CHANGE, "pg_catalog, pg_temp", before);
}

/* Becomes the owner of a table, restricted. */
void
jp_act_as(Oid owner, const char *path, JpPrivilege *before)
{
	become(owner, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION |
		   SECURITY_NOFORCE_RLS, path, before);
}

/*
 * Becomes whoever we were before.  Settings changed meanwhile, by triggers
 * for example, are taken back.
 */
void
jp_restore(const JpPrivilege *before)
{
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->userid, before->sec_context);
}

/* Becomes somebody, remembering who we were. */
static void
become(Oid userid, int sec_context, const char *path, JpPrivilege *before)
{
	GetUserIdAndSecContext(&before->userid, &before->sec_context);
	SetUserIdAndSecContext(userid, before->sec_context | sec_context);
	before->guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Notes where a kept plan hangs. */
static void
remember_plan(SPIPlanPtr *plan)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

	kept_plans = lappend(kept_plans, plan);
	MemoryContextSwitchTo(caller);
}

/*
 * Frees all kept plans when the extension has been dropped and made anew:
 * they hold OIDs of types that are gone.
 */
static void
forget_stale_plans(void)
{
	Oid			type = jp_type("pseudonym");
	ListCell   *cell;

	if (type == plans_made_for)
		return;
	foreach(cell, kept_plans)
	{
		SPIPlanPtr *plan = lfirst(cell);

		SPI_freeplan(*plan);
		*plan = NULL;
	}
	list_free(kept_plans);
	kept_plans = NIL;
	plans_made_for = type;
}

/* Prepares a statement the first time, to keep its plan; options of cursors. */
static void
keep_plan(SPIPlanPtr *plan, const char *sql, int nargs, const Oid *types,
		  int options)
{
	SPIPlanPtr	made;

	forget_stale_plans();
	if (*plan != NULL)
		return;
	made = SPI_prepare_cursor(sql, nargs, (Oid *) types, options);
	if (made == NULL || SPI_keepplan(made) != 0)
		elog(ERROR, "could not prepare an internal statement: %s",
			 SPI_result_code_string(SPI_result));
	*plan = made;
	remember_plan(plan);
}

/*
 * Runs a kept plan, preparing it the first time.  Under repeatable read too
 * it works on what is committed now, as foreign keys do: a decision must not
 * be settled by what was in force when the transaction began.
 */
void
jp_execute(SPIPlanPtr *plan, const char *sql, int nargs, const Oid *types,
		   Datum *values, const char *nulls, int expected)
{
	Snapshot	snapshot = InvalidSnapshot;
	int			code;

	keep_plan(plan, sql, nargs, types, 0);
	if (IsolationUsesXactSnapshot())
		snapshot = GetLatestSnapshot();
	code = SPI_execute_snapshot(*plan, values, nulls, snapshot,
								InvalidSnapshot, false, true, 0);
	if (code != expected)
		elog(ERROR, "an internal statement returned %s",
			 SPI_result_code_string(code));
}

/* The kept plan of a text, new if there is room; else NULL. */
static TextPlan *
text_plan(const char *sql, int nargs, const Oid *types)
{
	TextPlan   *kept;

	Assert(nargs <= MOST_TEXT_TYPES);
	for (kept = text_plans; kept != NULL; kept = kept->next)
		if (strcmp(kept->sql, sql) == 0 &&
			memcmp(kept->types, types, nargs * sizeof(Oid)) == 0)
			return kept;
	if (text_plan_count == MOST_TEXT_PLANS)
		return NULL;
	kept = MemoryContextAllocZero(TopMemoryContext, sizeof(TextPlan));
	kept->sql = MemoryContextStrdup(TopMemoryContext, sql);
	memcpy(kept->types, types, nargs * sizeof(Oid));
	kept->next = text_plans;
	text_plans = kept;
	text_plan_count++;
	return kept;
}

/*
 * Runs a statement whose text depends on tables, as SPI_execute_with_args();
 * of the first of them that a backend runs the plans are kept.
 */
int
jp_execute_text(const char *sql, int nargs, const Oid *types, Datum *values,
				int64 limit)
{
	TextPlan   *kept = text_plan(sql, nargs, types);

	if (kept == NULL)
		return SPI_execute_with_args(sql, nargs, (Oid *) types, values, NULL,
									 false, limit);
	keep_plan(&kept->plan, sql, nargs, types, CURSOR_OPT_GENERIC_PLAN);
	return SPI_execute_plan(kept->plan, values, NULL, false, limit);
}

/* Runs a kept plan by the caller's snapshot; its rows are the function's. */
void
jp_return_query(FunctionCallInfo fcinfo, SPIPlanPtr *plan, const char *sql,
				int nargs, const Oid *types, Datum *values)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64		i;

	keep_plan(plan, sql, nargs, types, CURSOR_OPT_GENERIC_PLAN);
	if (SPI_execute_plan(*plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "an internal statement returned %s",
			 SPI_result_code_string(SPI_result));
	for (i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
}

/*
 * Relcache callback.  It may not read catalogs, so it compares with OIDs
 * that watch_configuration() noted; InvalidOid means "everything".
 */
static void
relation_changed(Datum arg, Oid relid)
{
	int			i;

	if (!OidIsValid(relid))
	{
		config_relations = 0;
		generation++;
		jp_epoch++;
		return;
	}
	for (i = 0; i < config_relations; i++)
	{
		if (config_relation[i] == relid)
		{
			config_relations = 0;
			generation++;
			jp_epoch++;
			return;
		}
	}
}

/* Finds the extension and the schema that it is installed in. */
static void
find_extension(void)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	known = true;				/* an invalidation from here on unsets it */
	extension = schema = InvalidOid;
	if (!OidIsValid(get_namespace_oid(JP_SCHEMA, true)))
		return;
	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(JP_EXTENSION));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		extension = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Syscache callback. */
static void
extension_changed(Datum arg, int cacheid, uint32 hash)
{
	known = false;
}

/*
 * Notes the OIDs of the configuration tables, if the extension is here.  What
 * was read while they were not watched is out of date.
 */
static void
watch_configuration(void)
{
	uint64		seen = ++generation;
	int			count = 0;
	int			i;

	jp_epoch++;
	if (!OidIsValid(jp_schema()))
		return;
	for (i = 0; i < lengthof(config_name); i++)
	{
		Oid			relid = get_relname_relid(config_name[i], schema);

		if (OidIsValid(relid))
			config_relation[count++] = relid;
	}
	/* An invalidation in between leaves the list empty: we come again. */
	if (seen == generation)
		config_relations = count;
}
