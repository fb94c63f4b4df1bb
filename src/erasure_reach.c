/*
 * erasure_reach.c
 *		Which rows belong to a subject: those of protected tables that name
 *		it, and all that refer to them by foreign keys, at any depth.
 *
 * A foreign key says itself what becomes of the row that refers: NO ACTION,
 * RESTRICT and CASCADE rows belong to the subject too; SET NULL and SET
 * DEFAULT rows stay and lose the reference.  Rows are told apart by table and
 * ctid, so cycles, self-references and several paths to one row end.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "collection.h"
#include "erasure.h"
#include "journey_privacy.h"
#include "subject.h"

/* A row, as a hash key without padding. */
typedef struct RowKey
{
	Oid			relid;
	uint16		block_high;
	uint16		block_low;
	uint16		offset;
	uint16		zero;
} RowKey;

/* A row that was met. */
typedef struct SeenRow
{
	RowKey		key;
	bool		belongs;		/* false: kept, its reference is cleared */
} SeenRow;

/* A foreign key that refers to a table. */
typedef struct Reference
{
	Oid			child;
	Oid			owner;			/* of the child */
	char	   *from;			/* FROM item of the child, under alias c */
	char	   *keys;			/* columns of the parent that are referred to */
	char	   *join;			/* condition between c and their values k */
	bool		belongs;		/* the row goes with its parent */
} Reference;

/* The values of some rows' keys: one array for each column. */
typedef struct KeyValues
{
	int			count;
	int			columns;
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
} KeyValues;

/* How often to look for all tables being free before queuing for each. */
#define PATIENCE	100

/* Our own tables that recording and erasing write. */
static const char *const own_table[] = {
	"subject", "tombstone", "consent_event", "consent_state", "permitted"
};

/* A foreign key that was followed, and from where. */
typedef struct Followed
{
	Reference  *reference;
	KeyValues  *keys;
} Followed;

/* The search under way. */
typedef struct Reach
{
	HTAB	   *seen;			/* of SeenRow */
	List	   *tables;			/* JpReached, in the order found */
	List	   *ordered;		/* the same, children first */
	List	   *followed;		/* of Followed */
} Reach;

static List *reachable_tables(void);
static Oid	lock_tables(List *tables, Oid first, bool wait);
static void unlock_tables(List *tables, int count);
static void add_named_rows(Reach *reach, const JpSubject *subject);
static bool follow(Reach *reach, JpReached *parent);
static void read_keys(const JpReached *parent, int first,
					  const Reference *reference, KeyValues *keys);
static void column_array(SPITupleTable *found, uint64 count, int column,
						 KeyValues *keys);
static void find_referring(const Reference *reference, const KeyValues *keys);
static List *references_to(Oid relid);
static void take_rows(Reach *reach, const char *parent_path, bool belongs);
static JpReached *reached_table(Reach *reach, Oid relid, const char *path);
static void add_row(JpReached *table, ItemPointer row);
static void order_table(Reach *reach, JpReached *table);
static bool is_part_of(Oid relid, Oid root);

/*
 * Locks every table that erasing anyone could touch.  Writers come in any
 * order, so a table is waited for only while no other is held: whoever waits
 * for us does not hold what we wait for.
 */
void
jp_reach_lock(void)
{
	List	   *tables = reachable_tables();
	Oid			busy = InvalidOid;
	int			tries = 0;

	for (;;)
	{
		List	   *now;

		CHECK_FOR_INTERRUPTS();
		busy = lock_tables(tables, busy, ++tries > PATIENCE);
		if (OidIsValid(busy))
			continue;
		/* Another may have become reachable while we waited. */
		now = reachable_tables();
		if (equal(tables, now))
			return;
		unlock_tables(tables, list_length(tables));
		tables = now;
	}
}

/* All that a subject reaches. */
List *
jp_reach(const JpSubject *subject, List **followed)
{
	Reach		reach = {0};
	HASHCTL		control = {.keysize = sizeof(RowKey), .entrysize = sizeof(SeenRow)};
	bool		more = true;
	ListCell   *cell;

	control.hcxt = CurrentMemoryContext;
	reach.seen = hash_create("journey_privacy rows", 1024, &control,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	add_named_rows(&reach, subject);
	while (more)
	{
		int			i;

		more = false;
		/* The list grows while we walk it. */
		for (i = 0; i < list_length(reach.tables); i++)
			more |= follow(&reach, list_nth(reach.tables, i));
	}
	foreach(cell, reach.tables)
		order_table(&reach, lfirst(cell));
	*followed = reach.followed;
	return reach.ordered;
}

/* How many rows still name a subject, or refer to rows that are gone. */
int64
jp_reach_remaining(const JpSubject *subject, List *followed)
{
	ListCell   *cell;
	uint64		count;
	SPITupleTable *found = jp_name_tables(&count);
	int64		remaining = 0;
	uint64		i;

	for (i = 0; i < count; i++)
		remaining += jp_named_rows(found, i, "1", subject);
	foreach(cell, followed)
	{
		Followed   *step = lfirst(cell);

		find_referring(step->reference, step->keys);
		remaining += SPI_processed;
	}
	return remaining;
}

/* The tables that erasing may touch, in order of OIDs, then our own. */
static List *
reachable_tables(void)
{
	List	   *tables = NIL;
	uint64		i;

	SPI_execute("WITH RECURSIVE reach(relid) AS ("
				"  (SELECT p.relation::oid FROM journey_privacy.protection p"
				"   UNION SELECT d.relation::oid FROM journey_privacy.derived d)"
				"  UNION"
				"  SELECT x.relid FROM reach r,"
				"   LATERAL (SELECT c.conrelid AS relid FROM pg_constraint c"
				"             WHERE c.contype = 'f' AND c.confrelid = r.relid"
				"            UNION ALL"
				"            SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = r.relid"
				"            UNION ALL"
				"            SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = r.relid) x)"
				" SELECT relid FROM reach ORDER BY relid", false, 0);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		relid = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);

		tables = lappend_oid(tables, DatumGetObjectId(relid));
	}
	for (i = 0; i < lengthof(own_table); i++)
		tables = lappend_oid(tables, jp_relation(own_table[i]));
	return tables;
}

/*
 * Locks tables against writers and row locks.  Only the first is waited for;
 * when another is busy, it locks none and tells which.
 */
static Oid
lock_tables(List *tables, Oid first, bool wait)
{
	int			i;

	if (OidIsValid(first))
		LockRelationOid(first, ExclusiveLock);
	for (i = 0; i < list_length(tables); i++)
	{
		Oid			relid = list_nth_oid(tables, i);

		if (wait)
			LockRelationOid(relid, ExclusiveLock);
		else if (!ConditionalLockRelationOid(relid, ExclusiveLock))
		{
			unlock_tables(tables, i);
			if (OidIsValid(first))
				UnlockRelationOid(first, ExclusiveLock);
			return relid;
		}
	}
	if (OidIsValid(first))
		UnlockRelationOid(first, ExclusiveLock);	/* it was locked twice */
	return InvalidOid;
}

/* Gives back the locks on the first tables of a list. */
static void
unlock_tables(List *tables, int count)
{
	while (--count >= 0)
		UnlockRelationOid(list_nth_oid(tables, count), ExclusiveLock);
}

/* Starts the search with the rows that name the subject. */
static void
add_named_rows(Reach *reach, const JpSubject *subject)
{
	uint64		count;
	SPITupleTable *found = jp_name_tables(&count);
	uint64		i;

	for (i = 0; i < count; i++)
	{
		char	   *table = SPI_getvalue(found->vals[i], found->tupdesc, 1);

		if (jp_named_rows(found, i, "t.tableoid, t.ctid", subject) > 0)
			take_rows(reach, table, true);
	}
}

/* Follows foreign keys from rows of a table not followed yet. */
static bool
follow(Reach *reach, JpReached *parent)
{
	int			first = parent->followed;
	ListCell   *cell;

	if (first == parent->count)
		return false;
	parent->followed = parent->count;
	foreach(cell, references_to(parent->relid))
	{
		Reference  *reference = lfirst(cell);
		Followed   *followed = palloc(sizeof(Followed));

		CHECK_FOR_INTERRUPTS();
		followed->reference = reference;
		followed->keys = palloc(sizeof(KeyValues));
		read_keys(parent, first, reference, followed->keys);
		if (followed->keys->count == 0)
			continue;
		reach->followed = lappend(reach->followed, followed);
		find_referring(reference, followed->keys);
		take_rows(reach, parent->path, reference->belongs);
	}
	return true;
}

/* Reads, as the parent's owner, the values that rows are referred to by. */
static void
read_keys(const JpReached *parent, int first, const Reference *reference,
		  KeyValues *keys)
{
	Oid			types[1] = {TIDARRAYOID};
	Datum		values[1] = {jp_rows_datum(parent->rows + first,
	parent->followed - first)};
	JpPrivilege before;
	char	   *sql;
	int			i;

	sql = psprintf("SELECT %s FROM ONLY %s p WHERE p.ctid OPERATOR(pg_catalog.=) ANY ($1)",
				   reference->keys, parent->table);
	jp_act_as(parent->owner, "pg_catalog, pg_temp", &before);
	if (SPI_execute_with_args(sql, 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the keys of a table");
	jp_restore(&before);

	keys->count = SPI_processed;
	keys->columns = SPI_tuptable->tupdesc->natts;
	for (i = 0; i < keys->columns; i++)
		column_array(SPI_tuptable, keys->count, i, keys);
}

/* One column of what SPI found as an array. */
static void
column_array(SPITupleTable *found, uint64 count, int column, KeyValues *keys)
{
	Form_pg_attribute attribute = TupleDescAttr(found->tupdesc, column);
	Oid			type = attribute->atttypid;
	Datum	   *values = palloc(Max(count, 1) * sizeof(Datum));
	bool	   *nulls = palloc(Max(count, 1) * sizeof(bool));
	int			length = count;
	int			lower = 1;
	uint64		i;

	keys->types[column] = get_array_type(type);
	if (!OidIsValid(keys->types[column]))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot follow a foreign key to a column of type %s",
						format_type_be(type))));
	for (i = 0; i < count; i++)
		values[i] = SPI_getbinval(found->vals[i], found->tupdesc, column + 1,
								  &nulls[i]);
	keys->values[column] =
		PointerGetDatum(construct_md_array(values, nulls, 1, &length, &lower,
										   type, attribute->attlen,
										   attribute->attbyval,
										   attribute->attalign));
}

/* Finds, as the child's owner, the rows that refer to the keys. */
static void
find_referring(const Reference *reference, const KeyValues *keys)
{
	StringInfoData sql;
	JpPrivilege before;
	int			i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT DISTINCT c.tableoid, c.ctid FROM %s, ROWS FROM (",
					 reference->from);
	for (i = 0; i < keys->columns; i++)
		appendStringInfo(&sql, "%spg_catalog.unnest($%d)", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&sql, ") k(");
	for (i = 0; i < keys->columns; i++)
		appendStringInfo(&sql, "%sk%d", i > 0 ? ", " : "", i + 1);
	appendStringInfo(&sql, ") WHERE %s", reference->join);

	jp_act_as(reference->owner, "pg_catalog, pg_temp", &before);
	if (SPI_execute_with_args(sql.data, keys->columns, (Oid *) keys->types,
							  (Datum *) keys->values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not follow a foreign key");
	jp_restore(&before);
}

/* The foreign keys that refer to a table or to what it is a partition of. */
static List *
references_to(Oid relid)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	List	   *references = NIL;
	uint64		i;

	jp_execute(&plan,
			   "SELECT c.conrelid, r.relowner,"
			   " (CASE r.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END)"
			   "  || format('%I.%I c', n.nspname, r.relname),"
			   " k.keys, k.joined, c.confdeltype IN ('a', 'r', 'c')"
			   " FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid"
			   " JOIN pg_namespace n ON n.oid = r.relnamespace,"
			   " LATERAL (SELECT string_agg(format('p.%I', pa.attname), ', ' ORDER BY u.o) AS keys,"
			   "   string_agg(format('k.k%s OPERATOR(%I.%s) c.%I', u.o, opn.nspname,"
			   "    op.oprname, ca.attname), ' AND ' ORDER BY u.o) AS joined"
			   "  FROM unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY u(ck, pk, eq, o)"
			   "  JOIN pg_attribute ca ON ca.attrelid = c.conrelid AND ca.attnum = u.ck"
			   "  JOIN pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = u.pk"
			   "  JOIN pg_attribute pa ON pa.attrelid = $1 AND pa.attname = ra.attname"
			   "  JOIN pg_operator op ON op.oid = u.eq"
			   "  JOIN pg_namespace opn ON opn.oid = op.oprnamespace) k"
			   " WHERE c.contype = 'f' AND c.conparentid = 0"
			   " AND (c.confrelid = $1 OR c.confrelid IN"
			   "  (SELECT a.relid FROM pg_partition_ancestors($1) a))"
			   " ORDER BY c.oid",
			   1, types, values, NULL, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Reference  *reference = palloc(sizeof(Reference));
		bool		isnull;

		reference->child = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
		reference->owner = DatumGetObjectId(SPI_getbinval(row, desc, 2, &isnull));
		reference->from = SPI_getvalue(row, desc, 3);
		reference->keys = SPI_getvalue(row, desc, 4);
		reference->join = SPI_getvalue(row, desc, 5);
		reference->belongs = DatumGetBool(SPI_getbinval(row, desc, 6, &isnull));
		references = lappend(references, reference);
	}
	return references;
}

/* Takes the rows that SPI has just found (tableoid, ctid) into the search. */
static void
take_rows(Reach *reach, const char *parent_path, bool belongs)
{
	SPITupleTable *found = SPI_tuptable;
	uint64		count = SPI_processed;
	uint64		i;

	for (i = 0; i < count; i++)
	{
		bool		isnull;
		bool		seen;
		Oid			relid = DatumGetObjectId(SPI_getbinval(found->vals[i],
														   found->tupdesc, 1,
														   &isnull));
		ItemPointer row = (ItemPointer)
			DatumGetPointer(SPI_getbinval(found->vals[i], found->tupdesc, 2,
										  &isnull));
		RowKey		key = {relid, row->ip_blkid.bi_hi, row->ip_blkid.bi_lo,
			row->ip_posid, 0
		};
		JpReached  *table = reached_table(reach, relid, parent_path);
		SeenRow    *entry = hash_search(reach->seen, &key, HASH_ENTER, &seen);

		if (!seen)
		{
			entry->belongs = false;
			table->cleared++;
		}
		if (belongs && !entry->belongs)
		{
			entry->belongs = true;
			table->cleared--;
			add_row(table, row);
		}
	}
	SPI_freetuptable(found);
}

/* The entry of a table, made when it is first reached. */
static JpReached *
reached_table(Reach *reach, Oid relid, const char *path)
{
	JpReached  *table;
	ListCell   *cell;
	Relation	rel;

	foreach(cell, reach->tables)
	{
		table = lfirst(cell);
		if (table->relid == relid)
			return table;
	}
	table = palloc0(sizeof(JpReached));
	rel = table_open(relid, AccessShareLock);
	table->relid = relid;
	table->owner = rel->rd_rel->relowner;
	table->table = jp_qualified_name(rel);
	table_close(rel, NoLock);
	table->path = strcmp(path, table->table) == 0 ? table->table :
		psprintf("%s -> %s", path, table->table);
	reach->tables = lappend(reach->tables, table);
	return table;
}

/* Adds a row to those that go. */
static void
add_row(JpReached *table, ItemPointer row)
{
	if (table->count == table->room)
	{
		table->room = Max(16, table->room * 2);
		table->rows = table->rows == NULL ?
			palloc(table->room * sizeof(ItemPointerData)) :
			repalloc_huge(table->rows, table->room * sizeof(ItemPointerData));
	}
	table->rows[table->count++] = *row;
}

/* Puts a table into the order after all reached tables that refer to it. */
static void
order_table(Reach *reach, JpReached *table)
{
	ListCell   *cell;
	ListCell   *other;

	if (table->ordered)
		return;
	table->ordered = true;		/* ends cycles, too */
	foreach(cell, references_to(table->relid))
		foreach(other, reach->tables)
			if (is_part_of(((JpReached *) lfirst(other))->relid,
						   ((Reference *) lfirst(cell))->child))
				order_table(reach, lfirst(other));
	reach->ordered = lappend(reach->ordered, table);
}

/* Whether a table is another, or a partition of it at any depth. */
static bool
is_part_of(Oid relid, Oid root)
{
	return relid == root ||
		(get_rel_relispartition(relid) &&
		 list_member_oid(get_partition_ancestors(relid), root));
}

/* Rows as a tid[]. */
Datum
jp_rows_datum(const ItemPointerData *rows, int count)
{
	Datum	   *values = palloc(count * sizeof(Datum));
	ArrayType  *array;
	int			i;

	for (i = 0; i < count; i++)
		values[i] = PointerGetDatum(&rows[i]);
	array = construct_array(values, count, TIDOID, sizeof(ItemPointerData),
							false, TYPALIGN_SHORT);
	pfree(values);
	return PointerGetDatum(array);
}
