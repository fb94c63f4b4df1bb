/*
 * guard_drop.c
 *		The extension stays as long as tables are protected.
 *
 * Dropped CASCADE it would take the policies, the insert guard and every
 * column of our types along, and with the registry the memory of who decided
 * what and who was erased.  There are many ways there: its schema, a language
 * or an extension that it needs, all that its owner has.  So we look at what
 * is being dropped, not at the command: table protection goes with all of
 * them.  An event trigger loads the library where it is not preloaded, and
 * finds the plain way early: the server would hint at CASCADE.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "storage/lmgr.h"
#include "tcop/cmdtag.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "collection.h"
#include "guard.h"
#include "journey_privacy.h"
#include "note.h"

static object_access_hook_type previous_object_access = NULL;

static void guard_object_access(ObjectAccessType access, Oid class,
								Oid object, int column, void *arg);
static bool takes_from_us(const Node *statement);
static bool is_month_of_audit(const AlterExtensionContentsStmt *alter);
static void require_unprotected(const char *command);

PG_FUNCTION_INFO_V1(jp_keep_extension);

/* Installs the hook. */
void
jp_guard_drop_init(void)
{
	previous_object_access = object_access_hook;
	object_access_hook = guard_object_access;
}

/* Event trigger before commands that could take the extension away. */
Datum
jp_keep_extension(PG_FUNCTION_ARGS)
{
	EventTriggerData *trigger = (EventTriggerData *) fcinfo->context;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("keep_extension() can only be called as an event trigger")));
	/* Who may not do this anyway is told so by the server. */
	if (superuser() && !creating_extension && jp_installed() &&
		takes_from_us(trigger->parsetree))
		require_unprotected(GetCommandTagName(trigger->tag));
	return PointerGetDatum(NULL);
}

/*
 * Looks at each object that is about to be dropped.  An extension that is made
 * stays locked until all are told of it: its commit is to be seen a little
 * earlier, and whoever holds it by then would take names for those of before.
 */
static void
guard_object_access(ObjectAccessType access, Oid class, Oid object, int column,
					void *arg)
{
	if (access == OAT_POST_CREATE && class == ExtensionRelationId)
		LockDatabaseObject(class, object, 0, AccessExclusiveLock);
	if (access == OAT_DROP && class == RelationRelationId && column == 0 &&
		OidIsValid(jp_schema()) &&
		object == get_relname_relid("protection", jp_schema()))
		require_unprotected("DROP EXTENSION");
	if (previous_object_access)
		previous_object_access(access, class, object, column, arg);
}

/* Whether a command drops the extension, or takes something from it. */
static bool
takes_from_us(const Node *statement)
{
	ListCell   *cell;

	if (IsA(statement, AlterExtensionContentsStmt))
	{
		const AlterExtensionContentsStmt *alter =
			(const AlterExtensionContentsStmt *) statement;

		return alter->action < 0 && strcmp(alter->extname, JP_EXTENSION) == 0 &&
			!is_month_of_audit(alter);
	}
	if (!IsA(statement, DropStmt) ||
		((const DropStmt *) statement)->removeType != OBJECT_EXTENSION)
		return false;
	foreach(cell, ((const DropStmt *) statement)->objects)
		if (strcmp(strVal(lfirst(cell)), JP_EXTENSION) == 0)
			return true;
	return false;
}

/* Whether a command is about a partition of the audit: they come and go. */
static bool
is_month_of_audit(const AlterExtensionContentsStmt *alter)
{
	Oid			relid;

	if (alter->objtype != OBJECT_TABLE)
		return false;
	relid = RangeVarGetRelid(makeRangeVarFromNameList(castNode(List, alter->object)),
							 NoLock, true);
	return OidIsValid(relid) && get_rel_relispartition(relid) &&
		get_partition_parent(relid, true) == jp_relation("audit_entry");
}

/* Refuses a command as long as a table is protected. */
static void
require_unprotected(const char *command)
{
	int			count;
	Oid			relid = jp_protection_head(&count);

	if (!OidIsValid(relid))
		return;
	jp_note_denied(JP_NOTE_PROTECTION, command, relid);
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop extension journey_privacy or parts of it while tables are protected"),
			 count == 1 ?
			 errdetail("Table \"%s\" is protected.", get_rel_name(relid)) :
			 errdetail("Table \"%s\" and %d more are protected.",
					   get_rel_name(relid), count - 1),
			 errhint("Run journey_privacy.unprotect() on each table in journey_privacy.protection, or drop the table, first.")));
}
