/*
 * guard_audit.c
 *		What a statement or a command is about to touch, for the audit.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/parallel.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "audit.h"
#include "catalog.h"
#include "compat.h"
#include "guard.h"
#include "journey_privacy.h"
#include "note.h"
#include "policy.h"

#define WRITING	(ACL_INSERT | ACL_UPDATE | ACL_DELETE)

/* A function of ours that not everybody may call, as plans name it. */
typedef struct Restricted
{
	uint32		hash;			/* of pg_proc's syscache entry */
	Oid			function;
} Restricted;

static Restricted restricted[256];
static int	restricteds = 0;
static Oid	restricted_of = InvalidOid; /* the extension they are of */

/* The database that the command under way needs for itself. */
static Oid	vacated = InvalidOid;

static bool is_ours(Oid relid, AclMode permissions);
static JpTouched *touch(Oid relid, Oid user, Bitmapset *columns);
static JpUse *copy_use(CopyStmt *copy);
static JpUse *truncate_use(TruncateStmt *truncate);
static Bitmapset *copied_columns(Oid relid, List *names);
static bool may(Oid relid, AclMode mode);
static void note_command(Node *statement);
static void note_relation(const char *command, RangeVar *relation);
static void note_dropped(const char *command, DropStmt *drop);
static void note_grant(const char *command, GrantStmt *grant);
static Oid	granted_routine(Node *object, ObjectType type);
static void note_role(const char *command, List *options);
static bool gives_power(const char *option);
static void note_membership(const char *command, GrantRoleStmt *grant);
static void note_extension(const char *command, const char *name);
static void note_setting(const char *command, const char *name);
static void note_prepared(const char *gid);
static void note_call(CallStmt *call);
static char *vacated_database(Node *statement);
static void find_restricted(void);

/* The use of a statement. */
JpUse *
jp_guard_use(QueryDesc *query)
{
	PlannedStmt *statement = query->plannedstmt;
	JpUsing		using = {.query_id = statement->queryId};
	ListCell   *cell;

	using.writes = statement->resultRelations != NIL;
	using.answers = statement->commandType == CMD_SELECT || statement->hasReturning;
	/* The leader tells of what its workers do. */
	if (IsParallelWorker() && !jp_use_nested())
		return NULL;
	/* A foreign key's own look at the other table. */
	if (InNoForceRLSOperation() && !using.writes)
		return NULL;
	foreach(cell, statement->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
		AclMode		permissions;
		Oid			user;
		Bitmapset  *selected;

		if (rte->rtekind != RTE_RELATION)
			continue;
		jp_rte_permissions(statement, rte, &permissions, &user, &selected);
		if ((permissions & (ACL_SELECT | WRITING)) != 0 &&
			(jp_protection_find(rte->relid) != NULL ||
			 is_ours(rte->relid, permissions)))
			using.touched = lappend(using.touched,
									touch(rte->relid, user,
										  jp_rte_columns(statement, rte)));
	}
	if (using.touched == NIL)
		return NULL;
	using.command = GetCommandTagName(CreateCommandTag((Node *) statement));
	return jp_use_prepare(&using);
}

/* Notes calls that the server is about to refuse. */
void
jp_guard_functions(const PlannedStmt *statement)
{
	ListCell   *cell;
	int			i;

	if (creating_extension)
		return;
	if (statement->invalItems != NIL && restricted_of != jp_extension())
		find_restricted();
	foreach(cell, statement->invalItems)
	{
		PlanInvalItem *item = lfirst_node(PlanInvalItem, cell);

		if (item->cacheId != PROCOID)
			continue;
		for (i = 0; i < restricteds; i++)
			if (restricted[i].hash == item->hashValue &&
				jp_proc_aclcheck(restricted[i].function, GetUserId()) != ACLCHECK_OK)
				jp_note_denied(JP_NOTE_USE,
							   get_func_name(restricted[i].function),
							   InvalidOid);
	}
}

/* The use of a command that reads or writes rows without the executor. */
JpUse *
jp_guard_command_use(Node *statement)
{
	JpUse	   *use = NULL;

	if (!IsTransactionState() || !jp_installed())
		return NULL;
	if (IsA(statement, CopyStmt) && ((CopyStmt *) statement)->relation != NULL)
		use = copy_use((CopyStmt *) statement);
	else if (IsA(statement, TruncateStmt))
		use = truncate_use((TruncateStmt *) statement);
	return use;
}

/* Notes a command that changes what is protected, and clears databases. */
void
jp_guard_command_begins(Node *statement)
{
	char	   *database = vacated_database(statement);

	vacated = database == NULL ? InvalidOid : get_database_oid(database, true);
	if (OidIsValid(vacated))
		jp_queue_vacate(vacated);
	if (IsTransactionState() && jp_installed())
		note_command(statement);
}

/* A database may be gone. */
void
jp_guard_command_ended(Node *statement)
{
	if (IsA(statement, DropdbStmt) && OidIsValid(vacated))
		jp_queue_forget(vacated);
}

/* Whether a statement that is not within another writes to a table of ours. */
static bool
is_ours(Oid relid, AclMode permissions)
{
	return (permissions & WRITING) != 0 && !jp_use_nested() &&
		get_rel_namespace(relid) == jp_schema();
}

/* A table that is touched. */
static JpTouched *
touch(Oid relid, Oid user, Bitmapset *columns)
{
	JpTouched  *touched = palloc(sizeof(JpTouched));

	touched->relid = relid;
	touched->user = user;
	touched->bound = jp_guard_binds(relid, user);
	touched->columns = columns;
	return touched;
}

/* COPY of a table; those bound by row security get a query instead. */
static JpUse *
copy_use(CopyStmt *copy)
{
	Oid			relid = RangeVarGetRelid(copy->relation, NoLock, true);
	AclMode		mode = copy->is_from ? ACL_INSERT : ACL_SELECT;
	JpUsing		using = {.command = "COPY",.writes = copy->is_from,.answers = !copy->is_from};
	JpUse	   *use;

	if (!OidIsValid(relid) ||
		(jp_protection_find(relid) == NULL && !is_ours(relid, mode)) ||
		(!copy->is_from && jp_guard_binds(relid, InvalidOid)))
		return NULL;
	using.touched = list_make1(touch(relid, InvalidOid,
									 copied_columns(relid, copy->attlist)));
	use = jp_use_prepare(&using);
	jp_use_checking(use);
	if (!may(relid, mode) && jp_use_deny())
		use = NULL;
	jp_use_checking(NULL);
	return use;
}

/* TRUNCATE of protected tables. */
static JpUse *
truncate_use(TruncateStmt *truncate)
{
	JpUsing		using = {.command = "TRUNCATE TABLE",.writes = true};
	bool		allowed = true;
	JpUse	   *use;
	ListCell   *cell;

	foreach(cell, truncate->relations)
	{
		Oid			relid = RangeVarGetRelid(lfirst(cell), NoLock, true);

		if (!OidIsValid(relid) ||
			(jp_protection_find(relid) == NULL && !is_ours(relid, ACL_DELETE)))
			continue;
		using.touched = lappend(using.touched, touch(relid, InvalidOid, NULL));
		allowed = allowed && may(relid, ACL_TRUNCATE);
	}
	if (using.touched == NIL)
		return NULL;
	use = jp_use_prepare(&using);
	jp_use_checking(use);
	if (!allowed && jp_use_deny())
		use = NULL;
	jp_use_checking(NULL);
	return use;
}

/* Columns that COPY names, or the whole row. */
static Bitmapset *
copied_columns(Oid relid, List *names)
{
	Bitmapset  *columns = NULL;
	ListCell   *cell;

	if (names == NIL)
		return bms_make_singleton(InvalidAttrNumber -
								  FirstLowInvalidHeapAttributeNumber);
	foreach(cell, names)
	{
		AttrNumber	number = get_attnum(relid, strVal(lfirst(cell)));

		if (number != InvalidAttrNumber)
			columns = bms_add_member(columns, number -
									 FirstLowInvalidHeapAttributeNumber);
	}
	return columns;
}

/* Whether the user has a privilege on a table, or on some column of it. */
static bool
may(Oid relid, AclMode mode)
{
	return pg_class_aclcheck(relid, GetUserId(), mode) == ACLCHECK_OK ||
		(mode != ACL_TRUNCATE &&
		 pg_attribute_aclcheck_all(relid, GetUserId(), mode,
								   ACLMASK_ANY) == ACLCHECK_OK);
}

/* Notes a command that changes what is protected or who sees it. */
static void
note_command(Node *statement)
{
	const char *command = GetCommandTagName(CreateCommandTag(statement));

	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			note_relation(command, ((AlterTableStmt *) statement)->relation);
			break;
		case T_RenameStmt:
			note_relation(command, ((RenameStmt *) statement)->relation);
			break;
		case T_AlterObjectSchemaStmt:
			note_relation(command, ((AlterObjectSchemaStmt *) statement)->relation);
			break;
		case T_CreatePolicyStmt:
			note_relation(command, ((CreatePolicyStmt *) statement)->table);
			break;
		case T_AlterPolicyStmt:
			note_relation(command, ((AlterPolicyStmt *) statement)->table);
			break;
		case T_CreateTrigStmt:
			note_relation(command, ((CreateTrigStmt *) statement)->relation);
			break;
		case T_RuleStmt:
			note_relation(command, ((RuleStmt *) statement)->relation);
			break;
		case T_DropStmt:
			note_dropped(command, (DropStmt *) statement);
			break;
		case T_GrantStmt:
			note_grant(command, (GrantStmt *) statement);
			break;
		case T_GrantRoleStmt:
			note_membership(command, (GrantRoleStmt *) statement);
			break;
		case T_CreateRoleStmt:
			note_role(command, ((CreateRoleStmt *) statement)->options);
			break;
		case T_AlterRoleStmt:
			note_role(command, ((AlterRoleStmt *) statement)->options);
			break;
		case T_AlterExtensionStmt:
			note_extension(command, ((AlterExtensionStmt *) statement)->extname);
			break;
		case T_AlterExtensionContentsStmt:
			note_extension(command, ((AlterExtensionContentsStmt *) statement)->extname);
			break;
		case T_AlterSystemStmt:
			note_setting(command, ((AlterSystemStmt *) statement)->setstmt->name);
			break;
		case T_TransactionStmt:
			if (((TransactionStmt *) statement)->kind == TRANS_STMT_ROLLBACK_PREPARED)
				note_prepared(((TransactionStmt *) statement)->gid);
			break;
		case T_CallStmt:
			note_call((CallStmt *) statement);
			break;
		default:
			break;
	}
}

/* Notes a command on a table that is protected or ours. */
static void
note_relation(const char *command, RangeVar *relation)
{
	Oid			relid = relation == NULL ? InvalidOid :
	RangeVarGetRelid(relation, NoLock, true);

	if (OidIsValid(relid) &&
		(jp_protection_find(relid) != NULL ||
		 get_rel_namespace(relid) == jp_schema()))
		jp_note(JP_NOTE_PROTECTION, command, relid, -1, NULL);
}

/* Notes what is about to be dropped, of tables, or the extension itself. */
static void
note_dropped(const char *command, DropStmt *drop)
{
	ListCell   *cell;

	foreach(cell, drop->objects)
	{
		List	   *name;

		if (drop->removeType == OBJECT_EXTENSION)
		{
			note_extension(command, strVal(lfirst(cell)));
			continue;
		}
		if (drop->removeType != OBJECT_TABLE && drop->removeType != OBJECT_POLICY &&
			drop->removeType != OBJECT_TRIGGER && drop->removeType != OBJECT_RULE)
			return;
		name = list_copy(lfirst(cell));
		if (drop->removeType != OBJECT_TABLE)
			name = list_truncate(name, list_length(name) - 1);
		note_relation(command, makeRangeVarFromNameList(name));
	}
}

/* Notes privileges given on what is protected or ours. */
static void
note_grant(const char *command, GrantStmt *grant)
{
	ListCell   *cell;

	foreach(cell, grant->objects)
	{
		Oid			routine;

		if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
			jp_note(JP_NOTE_PROTECTION, command, InvalidOid, -1,
					strVal(lfirst(cell)));
		else if (grant->targtype != ACL_TARGET_OBJECT)
			return;
		else if (grant->objtype == OBJECT_TABLE)
			note_relation(command, lfirst(cell));
		else if (OidIsValid(routine = granted_routine(lfirst(cell),
													  grant->objtype)))
			jp_note(JP_NOTE_PROTECTION, command, InvalidOid, -1,
					get_func_name(routine));
	}
}

/* The routine of ours that privileges are given on, or InvalidOid. */
static Oid
granted_routine(Node *object, ObjectType type)
{
	Oid			routine = InvalidOid;

	if (type == OBJECT_FUNCTION || type == OBJECT_PROCEDURE ||
		type == OBJECT_ROUTINE)
		routine = LookupFuncWithArgs(type, castNode(ObjectWithArgs, object), true);
	if (OidIsValid(routine) && get_func_namespace(routine) != jp_schema())
		return InvalidOid;
	return routine;
}

/* Notes what lets a role get at more: by itself, or through other roles. */
static void
note_role(const char *command, List *options)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		const char *option = lfirst_node(DefElem, cell)->defname;

		if (gives_power(option))
			jp_note(JP_NOTE_PROTECTION, command, InvalidOid, -1, option);
	}
}

/* Whether an option of a role is one of those. */
static bool
gives_power(const char *option)
{
	static const char *const powers[] = {
		"superuser", "bypassrls", "createrole", "isreplication",
		"addroleto", "rolemembers", "adminmembers"
	};
	int			i;

	for (i = 0; i < lengthof(powers); i++)
	{
		if (strcmp(option, powers[i]) == 0)
			return true;
	}
	return false;
}

/* Notes the roles that others become members of: purposes are inherited. */
static void
note_membership(const char *command, GrantRoleStmt *grant)
{
	ListCell   *cell;

	foreach(cell, grant->granted_roles)
		jp_note(JP_NOTE_PROTECTION, command, InvalidOid, -1,
				lfirst_node(AccessPriv, cell)->priv_name);
}

/*
 * Notes what is done to the extension as a whole.  Nothing can be sealed from
 * when it is dropped until that has committed.
 */
static void
note_extension(const char *command, const char *name)
{
	if (strcmp(name, JP_EXTENSION) != 0)
		return;
	jp_note(JP_NOTE_PROTECTION, command, InvalidOid, -1, JP_EXTENSION);
	jp_use_settle();
}

/* Notes that the server is to have another setting of ours, or of all. */
static void
note_setting(const char *command, const char *name)
{
	if (name == NULL)
		jp_note(JP_NOTE_PROTECTION, command, InvalidOid, -1, "all");
	else if (pg_strncasecmp(name, JP_EXTENSION ".", strlen(JP_EXTENSION ".")) == 0 &&
			 GetConfigOption(name, true, false) != NULL)
		jp_note(JP_NOTE_PROTECTION, command, InvalidOid, -1, name);
}

/*
 * Notes that a prepared transaction is about to be rolled back, of which the
 * entries of its changes know only the number.
 */
static void
note_prepared(const char *gid)
{
	JpNote		note = {JP_NOTE_TRANSACTION, JP_NOTE_ROLLED_BACK,
	"ROLLBACK PREPARED", InvalidOid, NULL, -1, NULL};
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(gid)};

	if (jp_note_sink == NULL)
		return;
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_execute_with_args("SELECT 'transaction ' || transaction FROM pg_catalog.pg_prepared_xacts"
						  " WHERE gid OPERATOR(pg_catalog.=) $1",
						  1, types, values, NULL, true, 1);
	if (SPI_processed == 1)
	{
		note.detail = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		jp_note_sink(&note);
	}
	PopActiveSnapshot();
	SPI_finish();
}

/* Notes a call of a procedure of ours that the server is about to refuse. */
static void
note_call(CallStmt *call)
{
	Oid			function = call->funcexpr->funcid;

	if (get_func_namespace(function) == jp_schema() &&
		jp_proc_aclcheck(function, GetUserId()) != ACLCHECK_OK)
		jp_note_denied(JP_NOTE_USE, get_func_name(function), InvalidOid);
}

/* The database that a command needs to have for itself, or NULL. */
static char *
vacated_database(Node *statement)
{
	ListCell   *cell;

	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return ((DropdbStmt *) statement)->dbname;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_DATABASE ?
				((RenameStmt *) statement)->subname : NULL;
		case T_AlterDatabaseStmt:
			return ((AlterDatabaseStmt *) statement)->dbname;
		case T_CreatedbStmt:
			foreach(cell, ((CreatedbStmt *) statement)->options)
				if (strcmp(lfirst_node(DefElem, cell)->defname, "template") == 0)
					return defGetString(lfirst_node(DefElem, cell));
			return "template1";
		default:
			return NULL;
	}
}

/*
 * Learns which functions of ours have privileges of their own.  Their number
 * is that of a release, so they are looked for once for an extension.
 */
static void
find_restricted(void)
{
	Relation	table = table_open(ProcedureRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	restricteds = 0;
	restricted_of = jp_extension();
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(tuple);

		if (function->pronamespace != jp_schema() ||
			heap_attisnull(tuple, Anum_pg_proc_proacl, NULL) ||
			restricteds == lengthof(restricted))
			continue;
		restricted[restricteds].function = function->oid;
		restricted[restricteds++].hash =
			GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(function->oid));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
}
