/*
 * erasure_reach.c
 *		Which rows belong to a subject: those that name it, and all that belong
 *		to them by foreign keys and declared links, at any depth.
 *
 * Rows are told apart by table and ctid, so cycles, self-references and
 * several paths to one row end.  With the transaction that made a row, its
 * ctid stays the row's own even after locks are given back: another row in
 * its place would be of a later transaction.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "erasure.h"

/* The values of some rows' keys: one array for each column. */
typedef struct KeyValues
{
	int			count;
	int			columns;
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
} KeyValues;

/* An edge that was followed, and from where. */
typedef struct Followed
{
	JpEdge	   *edge;
	JpReached  *parent;
	JpRow	  **rows;
	KeyValues  *keys;
} Followed;

static JpReach *new_reach(void);
static void search(JpReach *reach, const JpHolds *holds);
static void add_named_rows(JpReach *reach);
static bool follow(JpReach *reach, JpReached *parent);
static void follow_edge(JpReach *reach, JpReached *parent, JpEdge *edge,
						JpRow **rows, int count);
static void find_cleared(JpReach *reach, JpReached *parent);
static void find_cleared_anew(JpReach *reach);
static void read_keys(const JpReached *parent, JpRow **rows, int count,
					  const JpEdge *edge, KeyValues *keys);
static void column_array(SPITupleTable *found, uint64 count, int column,
						 KeyValues *keys);
static void find_children(const JpEdge *edge, const KeyValues *keys);
static void take_rows(JpReach *reach, const char *parent_path, const JpWay *way);
static void take_row(JpReach *reach, JpReached *table, JpRow *row);
static JpReached *reached_table(JpReach *reach, Oid relid, const char *path);
static int	way_of(JpReached *table, const JpWay *way);
static void add_row(JpRow ***rows, int *count, int *room, JpRow *row);
static void find_pending(JpReached *table);
static void find_pending_of(JpReached *table, JpRow **rows, int count);

/* All that a subject reaches. */
JpReach *
jp_reach(const JpSubject *subject, const JpHolds *holds)
{
	JpReach    *reach = new_reach();

	reach->subject = subject;
	add_named_rows(reach);
	search(reach, holds);
	return reach;
}

/* All that rows reach which SPI has just found. */
JpReach *
jp_reach_rows(const char *table, const JpHolds *holds)
{
	JpReach    *reach = new_reach();
	JpWay		way = {.name = "expired", .fate = JP_ROW_DELETE};

	take_rows(reach, table, &way);
	search(reach, holds);
	return reach;
}

/* A search that has found nothing yet. */
static JpReach *
new_reach(void)
{
	JpReach    *reach = palloc0(sizeof(JpReach));
	HASHCTL		control = {.keysize = sizeof(JpRowKey), .entrysize = sizeof(JpRow)};

	control.hcxt = CurrentMemoryContext;
	reach->seen = hash_create("journey_privacy rows", 1024, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return reach;
}

/* Finds what belongs to the rows there are, and what becomes of each. */
static void
search(JpReach *reach, const JpHolds *holds)
{
	ListCell   *cell;
	bool		more;
	int			i;

	do
	{
		more = false;
		/* The list grows while we walk it. */
		for (i = 0; i < list_length(reach->tables); i++)
			more |= follow(reach, list_nth(reach->tables, i));
	} while (more || jp_reach_settle_shared(reach, take_row));
	/* Tables that only lose references come to the end of the list. */
	for (i = 0; i < list_length(reach->tables); i++)
		find_cleared(reach, list_nth(reach->tables, i));
	foreach(cell, reach->tables)
		find_pending(lfirst(cell));
	jp_reach_withhold(reach, holds);
	if (holds->tables != NIL || holds->people != NIL)
		find_cleared_anew(reach);
	jp_reach_order(reach);
}

/* The edges from a table, read once. */
List *
jp_reach_edges(JpReach *reach, Oid relid)
{
	int			i;
	List	   *edges;

	for (i = 0; i < list_length(reach->edges_of); i++)
		if (list_nth_oid(reach->edges_of, i) == relid)
			return list_nth(reach->edges, i);
	edges = jp_edges_from(relid);
	reach->edges_of = lappend_oid(reach->edges_of, relid);
	reach->edges = lappend(reach->edges, edges);
	return edges;
}

/* Whether a table is another, or a partition or child of it at any depth. */
bool
jp_is_part_of(Oid relid, Oid root)
{
	return relid == root ||
		(has_superclass(relid) &&
		 list_member_oid(find_all_inheritors(root, NoLock, NULL), relid));
}

/* Starts the search with the rows that name the subject. */
static void
add_named_rows(JpReach *reach)
{
	uint64		count;
	SPITupleTable *found = jp_name_tables(&count);
	uint64		i;

	for (i = 0; i < count; i++)
	{
		JpWay		way = {0};

		jp_name_way(found, i, &way);
		if (jp_named_rows(found, i, "t.tableoid, t.ctid, t.xmin", reach->subject) > 0)
			take_rows(reach, SPI_getvalue(found->vals[i], found->tupdesc, 1), &way);
		else
			SPI_freetuptable(SPI_tuptable);
	}
}

/* Follows the edges from rows of a table not followed yet. */
static bool
follow(JpReach *reach, JpReached *parent)
{
	int			first = parent->followed;
	ListCell   *cell;

	if (first == parent->queued)
		return false;
	parent->followed = parent->queued;
	foreach(cell, jp_reach_edges(reach, parent->relid))
	{
		JpEdge	   *edge = lfirst(cell);

		if (edge->way.fate != JP_ROW_CLEAR)
			follow_edge(reach, parent, edge, parent->queue + first,
						parent->followed - first);
	}
	return true;
}

/* Finds the rows whose references are cleared when rows of a table are gone. */
static void
find_cleared(JpReach *reach, JpReached *parent)
{
	JpRow	  **rows = palloc(Max(parent->queued, 1) * sizeof(JpRow *));
	int			count = 0;
	ListCell   *cell;
	int			i;

	for (i = 0; i < parent->queued; i++)
		if (parent->queue[i]->fate == JP_ROW_DELETE && !parent->queue[i]->withheld)
			rows[count++] = parent->queue[i];
	foreach(cell, jp_reach_edges(reach, parent->relid))
	{
		JpEdge	   *edge = lfirst(cell);

		if (edge->way.fate == JP_ROW_CLEAR && count > 0)
			follow_edge(reach, parent, edge, rows, count);
	}
	pfree(rows);
}

/* The same when it is known what does not go. */
static void
find_cleared_anew(JpReach *reach)
{
	HASH_SEQ_STATUS scan;
	JpRow	   *row;
	int			i;

	hash_seq_init(&scan, reach->seen);
	while ((row = hash_seq_search(&scan)) != NULL)
		row->clears = false;
	for (i = 0; i < list_length(reach->tables); i++)
		find_cleared(reach, list_nth(reach->tables, i));
}

/* Follows one edge from some rows. */
static void
follow_edge(JpReach *reach, JpReached *parent, JpEdge *edge, JpRow **rows,
			int count)
{
	Followed   *before = reach->followed == NIL ? NULL : llast(reach->followed);
	Followed   *followed = palloc0(sizeof(Followed));

	CHECK_FOR_INTERRUPTS();
	followed->edge = edge;
	followed->rows = rows;
	followed->parent = parent;
	/* Several foreign keys often refer to the same columns. */
	if (before != NULL && before->parent == parent && before->rows == rows &&
		strcmp(before->edge->keys, edge->keys) == 0)
		followed->keys = before->keys;
	else
	{
		followed->keys = palloc(sizeof(KeyValues));
		read_keys(parent, rows, count, edge, followed->keys);
	}
	if (followed->keys->count == 0)
		return;
	find_children(edge, followed->keys);
	take_rows(reach, parent->path, &edge->way);
	if (edge->way.redact == NULL)
		reach->followed = lappend(reach->followed, followed);
}

/* How many rows still refer to rows that are gone. */
int64
jp_reach_remaining(JpReach *reach)
{
	int64		remaining = 0;
	ListCell   *cell;
	uint64		i;

	foreach(cell, reach->followed)
	{
		Followed   *followed = lfirst(cell);

		find_children(followed->edge, followed->keys);
		for (i = 0; i < SPI_processed; i++)
		{
			bool		isnull;
			HeapTuple	tuple = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			ItemPointer ctid = (ItemPointer)
				DatumGetPointer(SPI_getbinval(tuple, desc, 2, &isnull));
			JpRowKey	key = {
				DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull)),
				ctid->ip_blkid.bi_hi, ctid->ip_blkid.bi_lo, ctid->ip_posid, 0
			};
			JpRow	   *row = hash_search(reach->seen, &key, HASH_FIND, NULL);

			remaining += row == NULL ||
				(!row->withheld && row->fate != JP_ROW_REDACT && row->fate != JP_ROW_SHARED);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	return remaining;
}

/* Reads, as the parent's owner, the values that rows are referred to by. */
static void
read_keys(const JpReached *parent, JpRow **rows, int count,
		  const JpEdge *edge, KeyValues *keys)
{
	Oid			types[1] = {TIDARRAYOID};
	Datum		values[1] = {jp_rows_datum(rows, count)};
	JpPrivilege before;
	char	   *sql;
	int			i;

	sql = psprintf("SELECT %s FROM ONLY %s p WHERE p.ctid OPERATOR(pg_catalog.=) ANY ($1)",
				   edge->keys, parent->table);
	jp_act_as(parent->owner, "pg_catalog, pg_temp", &before);
	if (SPI_execute_with_args(sql, 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the keys of a table");
	jp_restore(&before);

	keys->count = SPI_processed;
	keys->columns = SPI_tuptable->tupdesc->natts;
	for (i = 0; i < keys->columns; i++)
		column_array(SPI_tuptable, keys->count, i, keys);
	SPI_freetuptable(SPI_tuptable);
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
	pfree(values);
	pfree(nulls);
}

/* Finds, as the child's owner, the rows that belong to the keys. */
static void
find_children(const JpEdge *edge, const KeyValues *keys)
{
	StringInfoData sql;
	JpPrivilege before;
	int			i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT DISTINCT c.tableoid, c.ctid, c.xmin FROM %s, ROWS FROM (",
					 edge->from);
	for (i = 0; i < keys->columns; i++)
		appendStringInfo(&sql, "%spg_catalog.unnest($%d)", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&sql, ") k(");
	for (i = 0; i < keys->columns; i++)
		appendStringInfo(&sql, "%sk%d", i > 0 ? ", " : "", i + 1);
	appendStringInfo(&sql, ") WHERE %s", edge->join);

	jp_act_as(edge->owner, "pg_catalog, pg_temp", &before);
	if (SPI_execute_with_args(sql.data, keys->columns, (Oid *) keys->types,
							  (Datum *) keys->values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not follow a link");
	jp_restore(&before);
}

/* Takes the rows that SPI has just found (tableoid, ctid, xmin) into the search. */
static void
take_rows(JpReach *reach, const char *parent_path, const JpWay *way)
{
	SPITupleTable *found = SPI_tuptable;
	uint64		count = SPI_processed;
	uint64		i;

	for (i = 0; i < count; i++)
	{
		bool		isnull;
		bool		seen;
		HeapTuple	tuple = found->vals[i];
		Oid			relid = DatumGetObjectId(SPI_getbinval(tuple, found->tupdesc,
														   1, &isnull));
		ItemPointer ctid = (ItemPointer)
			DatumGetPointer(SPI_getbinval(tuple, found->tupdesc, 2, &isnull));
		JpRowKey	key = {relid, ctid->ip_blkid.bi_hi, ctid->ip_blkid.bi_lo,
			ctid->ip_posid, 0
		};
		JpReached  *table = reached_table(reach, relid, parent_path);
		JpRow	   *row = hash_search(reach->seen, &key, HASH_ENTER, &seen);

		if (!seen)
		{
			memset((char *) row + sizeof(JpRowKey), 0, sizeof(JpRow) - sizeof(JpRowKey));
			row->xmin = DatumGetTransactionId(SPI_getbinval(tuple, found->tupdesc,
															3, &isnull));
			row->fate = JP_ROW_CLEAR;
			add_row(&table->rows, &table->count, &table->room, row);
		}
		row->ways |= UINT64CONST(1) << way_of(table, way);
		row->shared |= way->fate == JP_ROW_SHARED;
		row->clears |= way->fate == JP_ROW_CLEAR;
		row->fate = Max(row->fate, way->fate);
		take_row(reach, table, row);
	}
	SPI_freetuptable(found);
}

/* Lets a row be followed, once it is the subject's for good. */
static void
take_row(JpReach *reach, JpReached *table, JpRow *row)
{
	if (row->queued || row->fate < JP_ROW_REDACT)
		return;
	row->queued = true;
	add_row(&table->queue, &table->queued, &table->queue_room, row);
}

/* The entry of a table, made when it is first reached. */
static JpReached *
reached_table(JpReach *reach, Oid relid, const char *path)
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
	table->held_until = DT_NOEND;
	table_close(rel, NoLock);
	table->path = strcmp(path, table->table) == 0 ? pstrdup(path) :
		psprintf("%s -> %s", path, table->table);
	reach->tables = lappend(reach->tables, table);
	return table;
}

/* The number of a way among those of a table, added when it is new. */
static int
way_of(JpReached *table, const JpWay *way)
{
	int			i;
	JpWay	   *added;

	for (i = 0; i < list_length(table->ways); i++)
		if (strcmp(((JpWay *) list_nth(table->ways, i))->name, way->name) == 0)
			return i;
	if (i == 64)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than 64 links lead to table %s", table->table)));
	added = palloc(sizeof(JpWay));
	*added = *way;
	table->ways = lappend(table->ways, added);
	if (way->redact != NULL)
		added->redaction = jp_redaction_read(table->relid, way->redact);
	return i;
}

/* Adds a row to an array that grows. */
static void
add_row(JpRow ***rows, int *count, int *room, JpRow *row)
{
	if (*count == *room)
	{
		*room = Max(16, *room * 2);
		*rows = *rows == NULL ? palloc(*room * sizeof(JpRow *)) :
			repalloc_huge(*rows, *room * sizeof(JpRow *));
	}
	(*rows)[(*count)++] = row;
}

/* Finds out which rows are not redacted yet. */
static void
find_pending(JpReached *table)
{
	JpRow	  **rows = palloc(Max(table->count, 1) * sizeof(JpRow *));
	int			way;
	int			i;

	for (way = 0; way < list_length(table->ways); way++)
	{
		JpRedaction *redaction = ((JpWay *) list_nth(table->ways, way))->redaction;
		int			count = 0;

		if (redaction == NULL || redaction->set == NULL)
			continue;
		for (i = 0; i < table->count; i++)
			if ((table->rows[i]->ways >> way & 1) != 0 &&
				table->rows[i]->fate != JP_ROW_DELETE &&
				table->rows[i]->fate != JP_ROW_CLEAR)
				rows[count++] = table->rows[i];
		if (count > 0)
		{
			JpReached	of_way = *table;

			of_way.ways = list_make1(list_nth(table->ways, way));
			find_pending_of(&of_way, rows, count);
		}
	}
	pfree(rows);
}

/* Marks those of some rows, all of one way, that are not redacted yet. */
static void
find_pending_of(JpReached *table, JpRow **rows, int count)
{
	JpWay	   *way = linitial(table->ways);
	Oid			types[1] = {TIDARRAYOID};
	Datum		values[1] = {jp_rows_datum(rows, count)};
	JpPrivilege before;
	SPITupleTable *found;
	HTAB	   *differing;
	HASHCTL		control = {.keysize = sizeof(ItemPointerData), .entrysize = sizeof(ItemPointerData)};
	uint64		i;

	jp_act_as(table->owner, "pg_catalog, pg_temp", &before);
	SPI_execute_with_args(psprintf("SELECT t.ctid FROM ONLY %s t WHERE"
								   " t.ctid OPERATOR(pg_catalog.=) ANY ($1) AND (%s)",
								   table->table, way->redaction->differs),
						  1, types, values, NULL, false, 0);
	jp_restore(&before);
	found = SPI_tuptable;
	control.hcxt = CurrentMemoryContext;
	differing = hash_create("journey_privacy differing", 256, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		hash_search(differing, DatumGetPointer(SPI_getbinval(found->vals[i],
															 found->tupdesc, 1, &isnull)),
					HASH_ENTER, NULL);
	}
	SPI_freetuptable(found);
	for (i = 0; i < count; i++)
	{
		ItemPointerData ctid = {{rows[i]->key.block_high, rows[i]->key.block_low},
		rows[i]->key.offset};

		if (hash_search(differing, &ctid, HASH_FIND, NULL) != NULL)
			rows[i]->pending = true;
	}
	hash_destroy(differing);
}
