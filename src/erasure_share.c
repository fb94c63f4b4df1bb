/*
 * erasure_share.c
 *		Rows that belong to several people, and rows that a hold withholds.
 *
 * A shared row goes when nobody else is left in it: no other way on which
 * rows of the table are shared leads to anybody but the subject.  A row that
 * is withheld keeps those by which it was found, or a foreign key would be
 * broken and the row never found again.  When rows go because of their age, one
 * that is withheld keeps what belongs to it, too: that goes only with it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "erasure.h"

/* The rows of a table that are being withheld. */
typedef struct HoldingRows
{
	JpReach    *reach;
	JpReached  *table;
} HoldingRows;

static bool settle_table(JpReach *reach, JpReached *table,
						 void (*take) (JpReach *reach, JpReached *table, JpRow *row));
static void find_other_names(JpReach *reach, JpReached *table, JpRow **rows,
							 int count, HTAB *others);
static void find_other_parents(JpReach *reach, JpReached *table, JpRow **rows,
							   int count, HTAB *others);
static List *sharing_parents(Oid relid);
static void hold_people(JpReach *reach, const JpHeldPeople *held);
static void hold_row(void *arg, ItemPointer place);
static bool withhold_children(JpReach *reach, JpReached *parent);
static bool withhold_belonging(JpReach *reach, JpReached *parent,
							   JpReached *child, const JpEdge *edge,
							   JpRow **rows, int count);
static bool loses_way(const JpReached *table, JpRow *row, const char *name);
static bool withhold_parents(JpReach *reach, JpReached *child);
static void hold_table(JpReached *table, const char *reason, TimestampTz until);
static JpRow *row_at(JpReach *reach, Oid relid, Datum ctid);
static HTAB *row_set(const char *name);

/* Shared rows that are nobody else's go. */
bool
jp_reach_settle_shared(JpReach *reach,
					   void (*take) (JpReach *reach, JpReached *table, JpRow *row))
{
	bool		changed = false;
	int			i;

	for (i = 0; i < list_length(reach->tables); i++)
		changed |= settle_table(reach, list_nth(reach->tables, i), take);
	return changed;
}

/* The same for the rows of one table. */
static bool
settle_table(JpReach *reach, JpReached *table,
			 void (*take) (JpReach *reach, JpReached *table, JpRow *row))
{
	JpRow	  **rows = palloc(Max(table->count, 1) * sizeof(JpRow *));
	HTAB	   *others;
	int			count = 0;
	bool		changed = false;
	int			i;

	for (i = 0; i < table->count; i++)
		if (table->rows[i]->shared && table->rows[i]->fate != JP_ROW_DELETE)
			rows[count++] = table->rows[i];
	if (count == 0)
		return false;
	others = row_set("journey_privacy others");
	find_other_names(reach, table, rows, count, others);
	find_other_parents(reach, table, rows, count, others);
	for (i = 0; i < count; i++)
	{
		if (hash_search(others, &rows[i]->key, HASH_FIND, NULL) != NULL)
			continue;
		rows[i]->fate = JP_ROW_DELETE;
		take(reach, table, rows[i]);
		changed = true;
	}
	hash_destroy(others);
	pfree(rows);
	return changed;
}

/* Notes the rows that name somebody else. */
static void
find_other_names(JpReach *reach, JpReached *table, JpRow **rows, int count,
				 HTAB *others)
{
	uint64		names;
	SPITupleTable *found = jp_name_tables(&names);
	uint64		i;

	for (i = 0; i < names; i++)
	{
		JpWay		way = {0};
		int			bit;
		Oid			types[1] = {TIDARRAYOID};
		Datum		values[1] = {jp_rows_datum(rows, count)};
		JpPrivilege before;
		uint64		j;

		if (!jp_is_part_of(table->relid, jp_name_way(found, i, &way)) ||
			way.fate != JP_ROW_SHARED)
			continue;
		for (bit = 0; bit < list_length(table->ways); bit++)
			if (strcmp(((JpWay *) list_nth(table->ways, bit))->name, way.name) == 0)
				break;
		jp_act_as(table->owner, "pg_catalog, pg_temp", &before);
		SPI_execute_with_args(psprintf("SELECT t.ctid FROM ONLY %s t WHERE"
									   " t.ctid OPERATOR(pg_catalog.=) ANY ($1) AND t.%s IS NOT NULL",
									   table->table,
									   quote_identifier(strVal(linitial(way.columns)))),
							  1, types, values, NULL, false, 0);
		jp_restore(&before);
		for (j = 0; j < SPI_processed; j++)
		{
			bool		isnull;
			JpRow	   *row = row_at(reach, table->relid,
									 SPI_getbinval(SPI_tuptable->vals[j],
												   SPI_tuptable->tupdesc, 1, &isnull));

			if (row != NULL && (row->ways >> bit & 1) == 0)
				hash_search(others, &row->key, HASH_ENTER, NULL);
		}
		SPI_freetuptable(SPI_tuptable);
	}
}

/*
 * Notes the rows that somebody else's rows lead to.  It reads both tables at
 * once, so as the extension's owner: nothing but operators runs.
 */
static void
find_other_parents(JpReach *reach, JpReached *table, JpRow **rows, int count,
				   HTAB *others)
{
	Oid			types[1] = {TIDARRAYOID};
	Datum		values[1] = {jp_rows_datum(rows, count)};
	ListCell   *parent;
	ListCell   *cell;

	foreach(parent, sharing_parents(table->relid))
	{
		foreach(cell, jp_reach_edges(reach, lfirst_oid(parent)))
		{
			JpEdge	   *edge = lfirst(cell);
			uint64		i;

			if (edge->way.fate != JP_ROW_SHARED ||
				!jp_is_part_of(table->relid, edge->child))
				continue;
			SPI_execute_with_args(psprintf("SELECT c.ctid, p.tableoid, p.ctid FROM ONLY %s c, %s"
										   " WHERE c.ctid = ANY ($1) AND %s",
										   table->table, edge->parent_from, edge->meets),
								  1, types, values, NULL, false, 0);
			for (i = 0; i < SPI_processed; i++)
			{
				HeapTuple	tuple = SPI_tuptable->vals[i];
				TupleDesc	desc = SPI_tuptable->tupdesc;
				bool		isnull;
				Oid			relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &isnull));
				JpRow	   *other = row_at(reach, relid,
										   SPI_getbinval(tuple, desc, 3, &isnull));
				JpRow	   *row = row_at(reach, table->relid,
										 SPI_getbinval(tuple, desc, 1, &isnull));

				if (row != NULL && (other == NULL || !other->queued))
					hash_search(others, &row->key, HASH_ENTER, NULL);
			}
			SPI_freetuptable(SPI_tuptable);
		}
	}
}

/* The tables whose rows share the rows of a table. */
static List *
sharing_parents(Oid relid)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	List	   *parents = NIL;
	uint64		i;

	jp_execute(&plan,
			   "WITH RECURSIVE up(relid) AS (SELECT $1 UNION SELECT i.inhparent"
			   "  FROM up JOIN pg_inherits i ON i.inhrelid = up.relid)"
			   " SELECT DISTINCT d.parent::oid FROM journey_privacy.declared_link d JOIN up ON up.relid = d.child"
			   " WHERE d.on_erase = 'shared' AND d.parent <> 'journey_privacy.subject'::regclass",
			   1, types, values, NULL, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		parents = lappend_oid(parents,
							  DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
															 SPI_tuptable->tupdesc,
															 1, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
	return parents;
}

/* Marks what holds withhold, and what that depends on. */
void
jp_reach_withhold(JpReach *reach, const JpHolds *holds)
{
	ListCell   *cell;
	ListCell   *held;
	bool		more;

	foreach(cell, reach->tables)
	{
		JpReached  *table = lfirst(cell);

		if (holds->all)
			hold_table(table, holds->reason, holds->until);
		foreach(held, holds->tables)
		{
			JpHeldTable *hold = lfirst(held);

			if (jp_is_part_of(table->relid, hold->relid))
				hold_table(table, hold->reason, hold->until);
		}
	}
	foreach(held, holds->people)
		hold_people(reach, lfirst(held));
	if (holds->all || (holds->tables == NIL && holds->people == NIL))
		return;
	do
	{
		more = false;
		foreach(cell, reach->tables)
		{
			/* what belongs to rows goes because of them; to people, anyway */
			if (reach->subject == NULL)
				more |= withhold_children(reach, lfirst(cell));
			more |= withhold_parents(reach, lfirst(cell));
		}
	} while (more);
}

/* Withholds the rows that name some people. */
static void
hold_people(JpReach *reach, const JpHeldPeople *held)
{
	ListCell   *cell;

	foreach(cell, reach->tables)
	{
		JpReached  *table = lfirst(cell);
		HoldingRows holding = {reach, table};

		if (table->count > 0 &&
			(!OidIsValid(held->relid) || jp_is_part_of(table->relid, held->relid)))
			(void) jp_rows_naming(table->relid, jp_rows_datum(table->rows, table->count),
								  &held->people, 0, hold_row, &holding);
	}
}

/* Withholds one of them. */
static void
hold_row(void *arg, ItemPointer place)
{
	HoldingRows *holding = arg;
	JpRow	   *row = row_at(holding->reach, holding->table->relid, PointerGetDatum(place));

	if (row == NULL)
		return;
	row->withheld = true;
	if (holding->table->held_by == NULL)
		holding->table->held_by = "a hold on a subject, or a restriction";
}

/* Withholds all rows of a table. */
static void
hold_table(JpReached *table, const char *reason, TimestampTz until)
{
	int			i;

	for (i = 0; i < table->count; i++)
		table->rows[i]->withheld = true;
	table->held_by = table->held_by == NULL ? pstrdup(reason) :
		psprintf("%s; %s", table->held_by, reason);
	table->held_until = until;
}

/* Withholds what belongs to withheld rows of a table. */
static bool
withhold_children(JpReach *reach, JpReached *parent)
{
	JpRow	  **rows = palloc(Max(parent->count, 1) * sizeof(JpRow *));
	int			count = 0;
	bool		changed = false;
	ListCell   *cell;
	ListCell   *other;
	int			i;

	for (i = 0; i < parent->count; i++)
		if (parent->rows[i]->withheld)
			rows[count++] = parent->rows[i];
	if (count == 0)
		return false;
	foreach(cell, jp_reach_edges(reach, parent->relid))
	{
		JpEdge	   *edge = lfirst(cell);

		foreach(other, reach->tables)
		{
			JpReached  *child = lfirst(other);

			if (jp_is_part_of(child->relid, edge->child))
				changed |= withhold_belonging(reach, parent, child, edge, rows, count);
		}
	}
	pfree(rows);
	return changed;
}

/* Withholds the rows of one table that belong to these rows of another. */
static bool
withhold_belonging(JpReach *reach, JpReached *parent, JpReached *child,
				   const JpEdge *edge, JpRow **rows, int count)
{
	Oid			types[1] = {TIDARRAYOID};
	Datum		values[1] = {jp_rows_datum(rows, count)};
	bool		changed = false;
	uint64		i;

	SPI_execute_with_args(psprintf("SELECT DISTINCT c.ctid FROM ONLY %s c, ONLY %s p"
								   " WHERE p.ctid = ANY ($1) AND %s",
								   child->table, parent->table, edge->meets),
						  1, types, values, NULL, false, 0);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		JpRow	   *row = row_at(reach, child->relid,
								 SPI_getbinval(SPI_tuptable->vals[i],
											   SPI_tuptable->tupdesc, 1, &isnull));

		if (row == NULL || row->withheld || !loses_way(child, row, edge->way.name))
			continue;
		row->withheld = true;
		changed = true;
		if (child->held_by == NULL)
			child->held_by = parent->held_by;
	}
	SPI_freetuptable(SPI_tuptable);
	return changed;
}

/*
 * Whether a row stays as it is because one that it belongs to stays.  One that
 * is only redacted may still be so because of others.
 */
static bool
loses_way(const JpReached *table, JpRow *row, const char *name)
{
	int			i;

	if (row->fate == JP_ROW_DELETE)
		return true;
	for (i = 0; i < list_length(table->ways); i++)
		if (strcmp(((JpWay *) list_nth(table->ways, i))->name, name) == 0)
			row->ways &= ~(UINT64CONST(1) << i);
	return row->fate != JP_ROW_CLEAR && row->ways == 0;
}

/* Withholds the rows that withheld rows of a table belong to. */
static bool
withhold_parents(JpReach *reach, JpReached *child)
{
	JpRow	  **rows = palloc(Max(child->count, 1) * sizeof(JpRow *));
	int			count = 0;
	bool		changed = false;
	ListCell   *cell;
	ListCell   *edges;
	int			i;

	for (i = 0; i < child->count; i++)
		if (child->rows[i]->withheld)
			rows[count++] = child->rows[i];
	if (count == 0)
		return false;
	foreach(cell, reach->tables)
	{
		JpReached  *parent = lfirst(cell);

		foreach(edges, jp_reach_edges(reach, parent->relid))
		{
			JpEdge	   *edge = lfirst(edges);
			Oid			types[1] = {TIDARRAYOID};
			Datum		values[1] = {jp_rows_datum(rows, count)};
			uint64		j;

			if (!jp_is_part_of(child->relid, edge->child))
				continue;
			SPI_execute_with_args(psprintf("SELECT DISTINCT p.ctid FROM ONLY %s c, ONLY %s p"
										   " WHERE c.ctid = ANY ($1) AND %s",
										   child->table, parent->table, edge->meets),
								  1, types, values, NULL, false, 0);
			for (j = 0; j < SPI_processed; j++)
			{
				bool		isnull;
				JpRow	   *row = row_at(reach, parent->relid,
										 SPI_getbinval(SPI_tuptable->vals[j],
													   SPI_tuptable->tupdesc, 1, &isnull));

				if (row == NULL || row->withheld)
					continue;
				row->withheld = true;
				changed = true;
				if (parent->held_by == NULL)
				{
					parent->held_by = psprintf("needed by %s: %s", child->table,
											   child->held_by);
					parent->held_until = child->held_until;
				}
			}
			SPI_freetuptable(SPI_tuptable);
		}
	}
	pfree(rows);
	return changed;
}

/* The row of a table that the search has found at a place, if any. */
static JpRow *
row_at(JpReach *reach, Oid relid, Datum ctid)
{
	ItemPointer place = (ItemPointer) DatumGetPointer(ctid);
	JpRowKey	key = {relid, place->ip_blkid.bi_hi, place->ip_blkid.bi_lo,
		place->ip_posid, 0
	};

	return hash_search(reach->seen, &key, HASH_FIND, NULL);
}

/* A set of rows. */
static HTAB *
row_set(const char *name)
{
	HASHCTL		control = {.keysize = sizeof(JpRowKey), .entrysize = sizeof(JpRowKey)};

	control.hcxt = CurrentMemoryContext;
	return hash_create(name, 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}
