/*
 * erasure_link.c
 *		link_table() and unlink_table(): links between tables that no foreign key
 *		tells of, or that say otherwise than it does.
 *
 * The caller must own the child, whose rows erasing will change, and must be
 * able to read the parent, or a link would tell which values stand in it.
 * Locks: the child, the parent, then our registry.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection_redaction.h"
#include "compat.h"
#include "note.h"

/* The arguments of link_table(). */
enum
{
	CHILD, CHILD_COLUMNS, PARENT, PARENT_COLUMNS, ON_ERASE, REDACT, ON_EXPORT,
	ARGUMENTS
};

/* The columns on one side of a link. */
typedef struct LinkSide
{
	Oid			relid;
	int			count;
	char	   *names[INDEX_MAX_KEYS];
	Oid			types[INDEX_MAX_KEYS];
	Datum		array;			/* name[] with the usual bounds */
} LinkSide;

static void check_arguments(FunctionCallInfo fcinfo);
static void open_child(Oid relid);
static void open_parent(Oid relid);
static void check_table(Relation rel);
static void read_names(Datum names, const char *argument, LinkSide *side);
static void check_columns(LinkSide *side);
static void check_pairs(const LinkSide *child, const LinkSide *parent);
static void check_type(const LinkSide *side, int column);
static void check_names_subject(const LinkSide *child, const LinkSide *parent);

PG_FUNCTION_INFO_V1(jp_link_table);
PG_FUNCTION_INFO_V1(jp_unlink_table);

/* SQL: link_table(child, child_columns, parent, parent_columns, …). */
Datum
jp_link_table(PG_FUNCTION_ARGS)
{
	LinkSide	child = {0};
	LinkSide	parent = {0};
	List	   *naming = NIL;
	Oid			types[ARGUMENTS] = {REGCLASSOID, NAMEARRAYOID, REGCLASSOID,
		NAMEARRAYOID, TEXTOID, JSONBOID, TEXTOID
	};
	Datum		values[ARGUMENTS];
	char		nulls[ARGUMENTS + 1] = "       ";
	JpPrivilege before;
	int			i;

	check_arguments(fcinfo);
	child.relid = PG_GETARG_OID(CHILD);
	parent.relid = PG_GETARG_OID(PARENT);
	read_names(PG_GETARG_DATUM(CHILD_COLUMNS), "child_columns", &child);
	read_names(PG_GETARG_DATUM(PARENT_COLUMNS), "parent_columns", &parent);
	open_child(child.relid);
	open_parent(parent.relid);
	check_columns(&child);
	check_columns(&parent);
	check_pairs(&child, &parent);
	if (parent.relid == jp_relation("subject"))
		check_names_subject(&child, &parent);

	for (i = 0; i < child.count; i++)
		naming = lappend(naming, child.names[i]);
	for (i = 0; i < ARGUMENTS; i++)
		values[i] = fcinfo->args[i].value;
	values[CHILD_COLUMNS] = child.array;
	values[PARENT_COLUMNS] = parent.array;
	nulls[REDACT] = PG_ARGISNULL(REDACT) ? 'n' : ' ';

	/* An erasure under way must not miss the link. */
	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	jp_elevate(&before);
	SPI_connect();
	jp_redaction_check(child.relid, text_to_cstring(PG_GETARG_TEXT_PP(ON_ERASE)),
					   PG_ARGISNULL(REDACT) ? NULL : PG_GETARG_JSONB_P(REDACT),
					   naming, parent.relid == jp_relation("subject"));
	SPI_execute_with_args("INSERT INTO journey_privacy.declared_link"
						  " (child, child_columns, parent, parent_columns, on_erase, redact, on_export)"
						  " VALUES ($1, $2, $3, $4, $5, $6, $7)"
						  " ON CONFLICT (child, child_columns, parent, parent_columns) DO UPDATE"
						  " SET on_erase = EXCLUDED.on_erase, redact = EXCLUDED.redact,"
						  " on_export = EXCLUDED.on_export",
						  ARGUMENTS, types, values, nulls, false, 0);
	SPI_finish();
	jp_restore(&before);
	jp_note(JP_NOTE_PROTECTION, "link_table", child.relid, -1, NULL);
	PG_RETURN_VOID();
}

/* SQL: unlink_table(child, child_columns, parent, parent_columns). */
Datum
jp_unlink_table(PG_FUNCTION_ARGS)
{
	LinkSide	child = {0};
	LinkSide	parent = {0};
	Oid			types[4] = {REGCLASSOID, NAMEARRAYOID, REGCLASSOID, NAMEARRAYOID};
	Datum		values[4];
	JpPrivilege before;

	read_names(PG_GETARG_DATUM(CHILD_COLUMNS), "child_columns", &child);
	read_names(PG_GETARG_DATUM(PARENT_COLUMNS), "parent_columns", &parent);
	relation_close(jp_open_owned(PG_GETARG_OID(CHILD), ShareRowExclusiveLock),
				   NoLock);
	values[CHILD] = PG_GETARG_DATUM(CHILD);
	values[CHILD_COLUMNS] = child.array;
	values[PARENT] = PG_GETARG_DATUM(PARENT);
	values[PARENT_COLUMNS] = parent.array;

	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("DELETE FROM journey_privacy.declared_link"
						  " WHERE child = $1 AND child_columns = $2"
						  " AND parent = $3 AND parent_columns = $4",
						  4, types, values, NULL, false, 0);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no such link of table \"%s\" is declared",
						get_rel_name(PG_GETARG_OID(CHILD))),
				 errhint("View journey_privacy.link shows those that are, with declared_by link_table.")));
	SPI_finish();
	jp_restore(&before);
	jp_note(JP_NOTE_PROTECTION, "unlink_table", PG_GETARG_OID(CHILD), -1, NULL);
	PG_RETURN_VOID();
}

/* Refuses arguments that mean nothing; on_erase is left to the redaction. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	static const char *const names[ARGUMENTS] = {
		"child", "child_columns", "parent", "parent_columns", "on_erase",
		"redact", "on_export"
	};
	char	   *on_export;
	int			i;

	for (i = 0; i < ARGUMENTS; i++)
		if (PG_ARGISNULL(i) && i != REDACT)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be null", names[i])));
	on_export = text_to_cstring(PG_GETARG_TEXT_PP(ON_EXPORT));
	if (strcmp(on_export, "include") != 0 && strcmp(on_export, "exclude") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_export must be include or exclude")));
}

/* Locks the child, and refuses what erasing must not change. */
static void
open_child(Oid relid)
{
	Relation	rel = jp_open_owned(relid, ShareRowExclusiveLock);

	check_table(rel);
	if (IsCatalogRelation(rel) || RelationGetNamespace(rel) == jp_schema())
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system table", RelationGetRelationName(rel))));
	relation_close(rel, NoLock);
}

/* Locks the parent, and refuses one that the caller may not read. */
static void
open_parent(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	AclResult	allowed;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	check_table(rel);
	if (relid != jp_relation("subject"))
	{
		if (RelationGetNamespace(rel) == jp_schema())
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is a system table", RelationGetRelationName(rel)),
					 errhint("Link to journey_privacy.subject, by pseudonym or number.")));
		allowed = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
		if (allowed != ACLCHECK_OK)
			aclcheck_error(allowed, get_relkind_objtype(rel->rd_rel->relkind),
						   RelationGetRelationName(rel));
	}
	relation_close(rel, NoLock);
}

/* Refuses what is not a table that stays. */
static void
check_table(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(rel)),
				 errhint("Link the tables under it.")));
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a temporary table", RelationGetRelationName(rel)),
				 errhint("Link a permanent table.")));
}

/* Reads a name[]. */
static void
read_names(Datum names, const char *argument, LinkSide *side)
{
	ArrayType  *array = DatumGetArrayTypeP(names);
	Datum	   *values;
	int			i;

	if (ARR_NDIM(array) != 1 || array_contains_nulls(array) ||
		ARR_DIMS(array)[0] > INDEX_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be an array of 1 to %d column names",
						argument, INDEX_MAX_KEYS)));
	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &values, NULL, &side->count);
	for (i = 0; i < side->count; i++)
		side->names[i] = NameStr(*DatumGetName(values[i]));
	side->array = PointerGetDatum(construct_array(values, side->count, NAMEOID,
												  NAMEDATALEN, false,
												  TYPALIGN_CHAR));
}

/* Finds the columns. */
static void
check_columns(LinkSide *side)
{
	int			i;

	for (i = 0; i < side->count; i++)
	{
		AttrNumber	number = jp_column_get(side->relid, side->names[i]);

		side->types[i] = get_atttype(side->relid, number);
		check_type(side, i);
	}
}

/*
 * Refuses a type that erasing cannot compare, or could only by code that
 * somebody other than a superuser may have written: the owner of a row type,
 * an enum or a range can give it a cast to text.
 */
static void
check_type(const LinkSide *side, int column)
{
	Oid			type = side->types[column];
	Oid			base = getBaseType(type);

	if (!OidIsValid(get_array_type(type)) || get_typtype(base) != TYPTYPE_BASE ||
		OidIsValid(get_element_type(base)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of type %s cannot be linked",
						side->names[column], format_type_be(type)),
				 errhint("Link columns of base types such as integer, uuid or text.")));
}

/* Refuses sides that do not match. */
static void
check_pairs(const LinkSide *child, const LinkSide *parent)
{
	int			i;
	int			j;

	if (child->count != parent->count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("child_columns and parent_columns must be of the same length")));
	for (i = 0; i < child->count; i++)
		for (j = 0; j < i; j++)
			if (strcmp(child->names[i], child->names[j]) == 0 &&
				strcmp(parent->names[i], parent->names[j]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("columns \"%s\" and \"%s\" are linked twice",
								child->names[i], parent->names[i])));
}

/* Refuses a link to the registry but by what names a subject. */
static void
check_names_subject(const LinkSide *child, const LinkSide *parent)
{
	bool		by_number = strcmp(parent->names[0], "number") == 0;
	Oid			type = by_number ? INT4OID : jp_type("pseudonym");

	if (parent->count != 1 ||
		(!by_number && strcmp(parent->names[0], "pseudonym") != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a link to journey_privacy.subject must be to column pseudonym or number")));
	if (child->types[0] != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type %s", child->names[0],
						format_type_be(type))));
}
