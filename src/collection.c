/*
 * collection.c
 *		The registered journey tables, as this session knows them.
 *
 * Table protection is read whole when the configuration has changed: what
 * writes to a protected table asks for every statement.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"

/* Columns of table protection, in the order of CREATE TABLE. */
enum
{
	RELATION = 1, SUBJECT_COLUMN, KIND, NUMBER_COLUMN, OCCURRED_AT,
	COLLECTED_FOR, RETAIN_FOR, VISIBILITY, ON_REFUSED, ADDED_NUMBER,
	HAD_SECURITY, HAD_FORCE, INHERITED_FROM
};

/* All protections as of a generation of the configuration. */
static HTAB *protections = NULL;
static uint64 protections_as_of = 0;
static MemoryContext protections_context = NULL;

static void load_protections(void);
static void load_protection(HeapTuple tuple, TupleDesc desc);
static NameData name_of(HeapTuple tuple, AttrNumber column, TupleDesc desc);

/* The protection of a table, if any. */
const JpProtection *
jp_protection_find(Oid relid)
{
	if (protections_as_of != jp_catalog_generation())
		load_protections();
	return hash_search(protections, &relid, HASH_FIND, NULL);
}

/* Whether any table is protected. */
bool
jp_protection_any(void)
{
	if (protections_as_of != jp_catalog_generation())
		load_protections();
	return hash_get_num_entries(protections) > 0;
}

/* A table that is protected on its own account, and how many there are. */
Oid
jp_protection_head(int *count)
{
	HASH_SEQ_STATUS all;
	const JpProtection *protection;
	Oid			head = InvalidOid;

	*count = 0;
	if (!jp_protection_any())
		return InvalidOid;
	hash_seq_init(&all, protections);
	while ((protection = hash_seq_search(&all)) != NULL)
		if (!OidIsValid(protection->inherited_from) &&
			get_rel_name(protection->relid) != NULL &&
			(*count)++ == 0)
			head = protection->relid;
	return head;
}

/* Reads all protections. */
static void
load_protections(void)
{
	uint64		as_of = jp_catalog_generation();
	Relation	rel = table_open(jp_relation("protection"), AccessShareLock);
	HASHCTL		control = {.keysize = sizeof(Oid),
		.entrysize = sizeof(JpProtection)
	};
	SysScanDesc scan;
	HeapTuple	tuple;

	protections_as_of = 0;
	if (protections_context == NULL)
		protections_context = AllocSetContextCreate(TopMemoryContext,
													"journey_privacy protections",
													ALLOCSET_SMALL_SIZES);
	MemoryContextReset(protections_context);
	control.hcxt = protections_context;
	protections = hash_create("journey_privacy protections", 32, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		load_protection(tuple, RelationGetDescr(rel));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	protections_as_of = as_of;
}

/* Takes one protection into the cache. */
static void
load_protection(HeapTuple tuple, TupleDesc desc)
{
	MemoryContext caller = MemoryContextSwitchTo(protections_context);
	JpProtection *entry;
	Datum		value;
	Oid			relid;
	bool		isnull;
	bool		found;

	relid = DatumGetObjectId(heap_getattr(tuple, RELATION, desc, &isnull));
	entry = hash_search(protections, &relid, HASH_ENTER, &found);
	entry->subject_column = name_of(tuple, SUBJECT_COLUMN, desc);
	entry->number_column = name_of(tuple, NUMBER_COLUMN, desc);
	entry->occurred_at = name_of(tuple, OCCURRED_AT, desc);
	value = heap_getattr(tuple, KIND, desc, &isnull);
	entry->kind = isnull ? NULL : TextDatumGetCString(value);
	value = heap_getattr(tuple, COLLECTED_FOR, desc, &isnull);
	entry->collected_for = NULL;
	entry->collected_count = 0;
	if (!isnull)
	{
		Datum	   *names;
		int			i;

		deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false,
						  TYPALIGN_INT, &names, NULL, &entry->collected_count);
		entry->collected_for = palloc(entry->collected_count * sizeof(char *));
		for (i = 0; i < entry->collected_count; i++)
			entry->collected_for[i] = TextDatumGetCString(names[i]);
	}
	value = heap_getattr(tuple, VISIBILITY, desc, &isnull);
	entry->collected = strcmp(TextDatumGetCString(value), "collected") == 0;
	value = heap_getattr(tuple, ON_REFUSED, desc, &isnull);
	entry->skip = strcmp(TextDatumGetCString(value), "skip") == 0;
	value = heap_getattr(tuple, INHERITED_FROM, desc, &isnull);
	entry->inherited_from = isnull ? InvalidOid : DatumGetObjectId(value);
	MemoryContextSwitchTo(caller);
}

/* A column of type name; empty when it is null. */
static NameData
name_of(HeapTuple tuple, AttrNumber column, TupleDesc desc)
{
	NameData	name = {""};
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	if (!isnull)
		name = *DatumGetName(value);
	return name;
}
