/*
 * policy_columns.c
 *		Which columns may be read for which purpose.
 *
 * The columns that a statement reads are those that PostgreSQL itself found
 * for its privilege check, so views, joins, whole rows and RETURNING count.
 * A partition has the columns of the table it is covered with.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"
#include "note.h"
#include "policy.h"
#include "policy_protect.h"

/* Columns of table column_allowance, in the order of CREATE TABLE. */
enum
{
	PURPOSE = 1, RELATION, COLUMNS
};

/* One row of table column_allowance. */
typedef struct Allowed
{
	char		purpose[NAMEDATALEN];
	Oid			relid;
	int			count;
	NameData   *names;
} Allowed;

/* All of them as of a generation of the configuration. */
static List *all_allowed = NIL;
static uint64 all_allowed_as_of = 0;
static MemoryContext all_allowed_context = NULL;

static const Allowed *allowed_columns(const JpPurpose *purpose, Oid relid);
static void load_allowed(void);
static bool is_listed(const Allowed *allowed, const char *column);
static void check_whole_row(const Allowed *allowed, Oid relid);
static void refuse_column(const Allowed *allowed, Oid relid, const char *column);
static void check_names(Oid relid, ArrayType *array);

PG_FUNCTION_INFO_V1(jp_allow_columns);

/* Refuses columns that may not be read for a purpose. */
void
jp_policy_check_columns(const JpPurpose *purpose, Oid relid,
						const Bitmapset *selected)
{
	const Allowed *allowed = allowed_columns(purpose, relid);
	int			member = -1;

	if (allowed == NULL)
		return;
	while ((member = bms_next_member(selected, member)) >= 0)
	{
		AttrNumber	column = member + FirstLowInvalidHeapAttributeNumber;
		char	   *name;

		if (column == InvalidAttrNumber)
		{
			check_whole_row(allowed, relid);
			continue;
		}
		if (column == TableOidAttributeNumber)
			continue;
		name = get_attname(relid, column, false);
		if (!is_listed(allowed, name))
			refuse_column(allowed, relid, name);
	}
}

/* A whole row holds every column. */
static void
check_whole_row(const Allowed *allowed, Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped &&
			!is_listed(allowed, NameStr(attribute->attname)))
			refuse_column(allowed, relid, NameStr(attribute->attname));
	}
	table_close(rel, NoLock);
}

/* SQL: allow_columns(purpose, table, columns). */
Datum
jp_allow_columns(PG_FUNCTION_ARGS)
{
	Oid			types[3] = {TEXTOID, REGCLASSOID, NAMEARRAYOID};
	Datum		values[3];
	int			i;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("purpose and table must not be null")));
	(void) jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	jp_protecting_check_own(PG_GETARG_OID(1), "Allow the columns of that table.");
	for (i = 0; i < 3; i++)
		values[i] = PG_GETARG_DATUM(i);
	SPI_connect();
	if (PG_ARGISNULL(2))
		SPI_execute_with_args("DELETE FROM journey_privacy.column_allowance"
							  " WHERE purpose = $1 AND relation = $2",
							  2, types, values, NULL, false, 0);
	else
	{
		check_names(PG_GETARG_OID(1), PG_GETARG_ARRAYTYPE_P(2));
		SPI_execute_with_args("INSERT INTO journey_privacy.column_allowance"
							  " SELECT p.name, $2, $3 FROM (SELECT name FROM journey_privacy.purpose"
							  "  WHERE name = $1 FOR KEY SHARE) p"
							  " ON CONFLICT (purpose, relation) DO UPDATE SET columns = EXCLUDED.columns",
							  3, types, values, NULL, false, 0);
	}
	SPI_finish();
	jp_note(JP_NOTE_PROTECTION, "allow_columns", PG_GETARG_OID(1), -1,
			text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}

/* Refuses columns that the table does not have. */
static void
check_names(Oid relid, ArrayType *array)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &names, &nulls, &count);
	for (i = 0; i < count; i++)
		if (nulls[i] || get_attnum(relid, NameStr(*DatumGetName(names[i]))) == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 nulls[i] ? errmsg("columns must not contain null") :
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							NameStr(*DatumGetName(names[i])), get_rel_name(relid))));
}

/* What is allowed of a table for a purpose; NULL where nothing is laid down. */
static const Allowed *
allowed_columns(const JpPurpose *purpose, Oid relid)
{
	ListCell   *cell;

	if (all_allowed_as_of != jp_catalog_generation())
		load_allowed();
	if (all_allowed == NIL)
		return NULL;
	while (OidIsValid(relid))
	{
		const JpProtection *protection = jp_protection_find(relid);

		foreach(cell, all_allowed)
		{
			const Allowed *allowed = lfirst(cell);

			if (allowed->relid == relid &&
				strcmp(allowed->purpose, purpose->name) == 0)
				return allowed;
		}
		relid = protection == NULL ? InvalidOid : protection->inherited_from;
	}
	return NULL;
}

/* Reads table column_allowance. */
static void
load_allowed(void)
{
	uint64		as_of = jp_catalog_generation();
	Relation	rel = table_open(jp_relation("column_allowance"), AccessShareLock);
	MemoryContext caller;
	SysScanDesc scan;
	HeapTuple	tuple;

	all_allowed_as_of = 0;
	all_allowed = NIL;
	if (all_allowed_context == NULL)
		all_allowed_context = AllocSetContextCreate(TopMemoryContext,
													"journey_privacy columns",
													ALLOCSET_SMALL_SIZES);
	MemoryContextReset(all_allowed_context);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		Allowed    *allowed;
		Datum	   *names;
		bool		isnull;
		int			i;

		caller = MemoryContextSwitchTo(all_allowed_context);
		allowed = palloc(sizeof(Allowed));
		strlcpy(allowed->purpose,
				TextDatumGetCString(heap_getattr(tuple, PURPOSE, desc, &isnull)),
				NAMEDATALEN);
		allowed->relid = DatumGetObjectId(heap_getattr(tuple, RELATION, desc,
													   &isnull));
		deconstruct_array(DatumGetArrayTypeP(heap_getattr(tuple, COLUMNS, desc,
														  &isnull)),
						  NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
						  &names, NULL, &allowed->count);
		allowed->names = palloc(Max(allowed->count, 1) * sizeof(NameData));
		for (i = 0; i < allowed->count; i++)
			allowed->names[i] = *DatumGetName(names[i]);
		all_allowed = lappend(all_allowed, allowed);
		MemoryContextSwitchTo(caller);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	all_allowed_as_of = as_of;
}

/* Whether a column is among those that are allowed; a number stands for its subject. */
static bool
is_listed(const Allowed *allowed, const char *column)
{
	const JpProtection *protection = jp_protection_find(allowed->relid);
	int			i;

	if (protection != NULL && strcmp(NameStr(protection->number_column), column) == 0 &&
		is_listed(allowed, NameStr(protection->subject_column)))
		return true;
	for (i = 0; i < allowed->count; i++)
		if (strcmp(NameStr(allowed->names[i]), column) == 0)
			return true;
	return false;
}

/* Says which columns may be read. */
static void
refuse_column(const Allowed *allowed, Oid relid, const char *column)
{
	StringInfoData list;
	int			i;

	initStringInfo(&list);
	for (i = 0; i < allowed->count; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "",
						 NameStr(allowed->names[i]));
	jp_refuse(JP_NOTE_USE, NULL, relid,
			  errmsg("column \"%s\" of protected table \"%s\" may not be read for purpose \"%s\"",
				   column, get_rel_name(relid), allowed->purpose),
			  list.len == 0 ? errhint("No column of it may.") :
			  errhint("Columns that may: %s.", list.data));
}
