/*
 * guard_utility.c
 *		Commands on protected tables that only a superuser may give.
 *
 * The owner of a protected table is bound by its policies, yet may alter the
 * table.  So what removes the protection is refused, and what would run an
 * expression of the owner's over rows that the owner may not see: a check,
 * an index on an expression, a changed type, a policy, a trigger, a rule.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "parser/parse_type.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "collection.h"
#include "guard.h"
#include "note.h"
#include "policy_protect.h"

static const char *checked_command = NULL;

static void check_command(Node *statement);
static void check_alter_table(const AlterTableStmt *statement);
static bool is_harmless(const AlterTableCmd *command);
static bool is_plain_column(const ColumnDef *column);
static void check_drop(const DropStmt *statement);
static void check_rename(const RenameStmt *statement);
static void check_index(const IndexStmt *statement);
static void check_domain(const AlterDomainStmt *statement);
static void check_statistics(const CreateStatsStmt *statement);
static void check_publication(List *objects);
static bool begins_with(const char *string, const char *start);
static bool is_protected(RangeVar *relation);
static void refuse(RangeVar *relation, const char *what);

/* Refuses a command that would get round the policies. */
void
jp_guard_utility(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
		case T_RenameStmt:
		case T_DropStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_CreateTrigStmt:
		case T_RuleStmt:
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
		case T_CreateStatsStmt:
		case T_IndexStmt:
		case T_AlterDomainStmt:
		case T_AlterObjectDependsStmt:
			if (IsTransactionState() && jp_installed() && !superuser() &&
				jp_protection_any())
				check_command(statement);
			break;
		default:
			break;
	}
}

/* Looks at a command by its kind. */
static void
check_command(Node *statement)
{
	checked_command = GetCommandTagName(CreateCommandTag(statement));
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			check_alter_table((AlterTableStmt *) statement);
			break;
		case T_RenameStmt:
			check_rename((RenameStmt *) statement);
			break;
		case T_DropStmt:
			check_drop((DropStmt *) statement);
			break;
		case T_CreatePolicyStmt:
			refuse(((CreatePolicyStmt *) statement)->table, "policies");
			break;
		case T_AlterPolicyStmt:
			refuse(((AlterPolicyStmt *) statement)->table, "policies");
			break;
		case T_CreateTrigStmt:
			refuse(((CreateTrigStmt *) statement)->relation, "triggers");
			break;
		case T_RuleStmt:
			refuse(((RuleStmt *) statement)->relation, "rules");
			break;
		case T_CreatePublicationStmt:
			check_publication(((CreatePublicationStmt *) statement)->pubobjects);
			break;
		case T_AlterPublicationStmt:
			check_publication(((AlterPublicationStmt *) statement)->pubobjects);
			break;
		case T_CreateStatsStmt:
			check_statistics((CreateStatsStmt *) statement);
			break;
		case T_AlterDomainStmt:
			check_domain((AlterDomainStmt *) statement);
			break;
		case T_AlterObjectDependsStmt:
			if (((AlterObjectDependsStmt *) statement)->objectType == OBJECT_TRIGGER)
				refuse(((AlterObjectDependsStmt *) statement)->relation, "triggers");
			break;
		default:
			check_index((IndexStmt *) statement);
			break;
	}
}

/* ALTER TABLE may do what shows no row and weakens nothing. */
static void
check_alter_table(const AlterTableStmt *statement)
{
	ListCell   *cell;

	if (statement->objtype != OBJECT_TABLE || !is_protected(statement->relation))
		return;
	foreach(cell, statement->cmds)
		if (!is_harmless(lfirst_node(AlterTableCmd, cell)))
			refuse(statement->relation, "structure, in this way,");
}

/* Whether a part of ALTER TABLE is among those that may be. */
static bool
is_harmless(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AddColumn:
			return is_plain_column((ColumnDef *) command->def);
		case AT_EnableTrig:
		case AT_DisableTrig:
			return !begins_with(command->name, JP_GUARD_TRIGGER);
		case AT_DropColumn:		/* not ours: see policy_cover.c */
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_SetCompression:
		case AT_DropConstraint:
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
		case AT_ChangeOwner:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_SetTableSpace:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_SetLogged:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			return true;
		default:
			return false;
	}
}

/* Whether a new column has no expression but a constant. */
static bool
is_plain_column(const ColumnDef *column)
{
	ListCell   *cell;

	foreach(cell, column->constraints)
	{
		const Constraint *constraint = lfirst_node(Constraint, cell);
		const Node *value = constraint->raw_expr;

		if (constraint->contype == CONSTR_NULL ||
			constraint->contype == CONSTR_NOTNULL ||
			constraint->contype == CONSTR_IDENTITY)
			continue;
		if (value != NULL && IsA(value, TypeCast))
			value = ((const TypeCast *) value)->arg;
		if (constraint->contype != CONSTR_DEFAULT || value == NULL ||
			!IsA(value, A_Const))
			return false;
	}
	return true;
}

/* No policy of a protected table may be dropped, and no trigger of ours. */
static void
check_drop(const DropStmt *statement)
{
	ListCell   *cell;

	if (statement->removeType != OBJECT_POLICY &&
		statement->removeType != OBJECT_TRIGGER)
		return;
	foreach(cell, statement->objects)
	{
		List	   *name = lfirst(cell);
		RangeVar   *relation =
			makeRangeVarFromNameList(list_truncate(list_copy(name),
												   list_length(name) - 1));

		if (statement->removeType == OBJECT_POLICY)
			refuse(relation, "policies");
		else if (begins_with(strVal(llast(name)), JP_GUARD_TRIGGER))
			refuse(relation, "triggers");
	}
}

/* What is ours keeps its name. */
static void
check_rename(const RenameStmt *statement)
{
	if (statement->renameType == OBJECT_POLICY &&
		begins_with(statement->subname, JP_POLICY))
		refuse(statement->relation, "policies");
	if (statement->renameType == OBJECT_TRIGGER &&
		begins_with(statement->subname, JP_GUARD_TRIGGER))
		refuse(statement->relation, "triggers");
}

/* An expression or a condition would be run, a duplicate told, of all rows. */
static void
check_index(const IndexStmt *statement)
{
	ListCell   *cell;
	bool		tells = statement->unique || statement->whereClause != NULL;

	foreach(cell, statement->indexParams)
		if (lfirst_node(IndexElem, cell)->expr != NULL)
			tells = true;
	if (tells)
		refuse(statement->relation, "unique, partial and expression indexes");
}

/* A constraint of a domain would be run over the rows of all its columns. */
static void
check_domain(const AlterDomainStmt *statement)
{
	Oid			types[1] = {OIDOID};
	Datum		values[1];
	JpPrivilege before;

	if (statement->subtype != 'C' && statement->subtype != 'V' &&
		statement->subtype != 'O')
		return;
	values[0] = ObjectIdGetDatum(typenameTypeId(NULL,
												makeTypeNameFromNameList(statement->typeName)));
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("WITH RECURSIVE holds(type) AS (SELECT $1"
						  " UNION SELECT t.oid FROM holds h JOIN pg_type t ON t.typbasetype = h.type"
						  "  OR t.typelem = h.type)"
						  " SELECT FROM pg_attribute a JOIN journey_privacy.protection p ON p.relation = a.attrelid"
						  " WHERE a.atttypid IN (SELECT type FROM holds) AND NOT a.attisdropped",
						  1, types, values, NULL, false, 1);
	if (SPI_processed > 0)
		jp_refuse(JP_NOTE_PROTECTION, checked_command, InvalidOid,
				  errmsg("permission denied to change constraints of a domain that protected tables hold"),
				  errhint("Only a superuser may, as long as the tables are protected."));
	SPI_finish();
	jp_restore(&before);
}

/* Extended statistics are of all rows. */
static void
check_statistics(const CreateStatsStmt *statement)
{
	ListCell   *cell;

	foreach(cell, statement->relations)
		if (IsA(lfirst(cell), RangeVar))
			refuse(lfirst(cell), "statistics");
}

/* A subscriber would get every row. */
static void
check_publication(List *objects)
{
	ListCell   *cell;

	foreach(cell, objects)
	{
		PublicationObjSpec *object = lfirst(cell);

		if (object->pubtable != NULL)
			refuse(object->pubtable->relation, "publications");
	}
}

/* Whether a string begins with another. */
static bool
begins_with(const char *string, const char *start)
{
	return strncmp(string, start, strlen(start)) == 0;
}

/* Whether a name means a protected table. */
static bool
is_protected(RangeVar *relation)
{
	Oid			relid = RangeVarGetRelid(relation, NoLock, true);

	return OidIsValid(relid) && jp_protection_find(relid) != NULL;
}

/* Refuses, if the table is protected. */
static void
refuse(RangeVar *relation, const char *what)
{
	if (is_protected(relation))
		jp_refuse(JP_NOTE_PROTECTION, checked_command,
				  RangeVarGetRelid(relation, NoLock, true),
				  errmsg("permission denied to change %s of protected table \"%s\"",
					   what, relation->relname),
				  errhint("Only a superuser may, as long as the table is protected."));
}
