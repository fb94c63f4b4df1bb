/*
 * retention_rows.c
 *		Deletes the rows of a table that are past their time, in batches.
 *
 * Where the rows are is looked up once, by whatever plan is best, and kept as
 * their places, 6 bytes each; so no batch reads again what those before it
 * have left dead.  When there are too many, the table is gone through by ranges
 * of its pages instead.  A place says nothing of what is there later, so each
 * batch asks again whether the row that it deletes is past its time.
 *
 * Where nothing belongs to the rows of the table, one statement deletes a batch;
 * else the search of erasure finds what belongs to them and what becomes of it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "retention.h"

/* Pages of a range; the places in one are kept, 29 MB at most. */
#define RANGE_PAGES	16384
#define PLACES_MAX	(RANGE_PAGES * MaxHeapTuplesPerPage)

/* So often a batch is tried when others come between. */
#define PATIENCE	3

/* Where rows are. */
typedef struct Places
{
	MemoryContext context;
	ItemPointerData *place;
	int			count;
	int			room;
	bool		full;			/* there were more */
} Places;

/* A table as it is now. */
typedef struct Leaf
{
	Oid			relid;
	Oid			owner;
	char	   *table;			/* qualified and quoted */
	char	   *path;			/* search_path while its rows are deleted */
	BlockNumber pages;
} Leaf;

/* Some rows that go in one transaction. */
typedef struct Batch
{
	JpPurge    *purge;
	Leaf		leaf;
	ItemPointerData *place;
	int			count;
	bool		linked;
	JpHolds		holds;
	HTAB	   *kept;			/* places of rows that are withheld */
	JpPurged	done;
} Batch;

static bool look(JpPurge *purge, Oid relid, int64 from, Places *places);
static bool open_leaf(Oid relid, Leaf *leaf);
static void find_places(const JpPurge *purge, const Leaf *leaf, int64 from,
						Places *places);
static bool place_found(TupleTableSlot *slot, void *arg);
static void delete_places(JpPurge *purge, Oid relid, Places *places);
static void delete_batch(JpPurge *purge, Oid relid, ItemPointerData *place,
						 int count);
static void carry_out(Batch *batch);
static bool work(void *arg);
static void delete_plain(Batch *batch);
static void refuse_kept(const Batch *batch, Oid *types, Datum *values);
static void leave_out_kept(Batch *batch);
static void keep_place(void *arg, ItemPointer place);
static void delete_linked(Batch *batch);
static void linked_done(void *arg, const JpReached *table, const char *action,
						int64 rows);
static Datum places_datum(const ItemPointerData *place, int count);
static int	compare_places(const void *a, const void *b);

/* Deletes the rows of one table. */
void
jp_purge_rows(JpPurge *purge, Oid relid)
{
	Places		places = {.context = CurrentMemoryContext};
	int64		from;

	if (!look(purge, relid, -1, &places))
		return;
	if (!places.full)
		delete_places(purge, relid, &places);
	else
		for (from = 0; look(purge, relid, from, &places); from += RANGE_PAGES)
			delete_places(purge, relid, &places);
	if (places.place != NULL)
		pfree(places.place);
}

/*
 * Looks up where rows are that are past their time, from a page on; everywhere
 * with -1.  False when the table ends before, or is gone.
 */
static bool
look(JpPurge *purge, Oid relid, int64 from, Places *places)
{
	Leaf		leaf;
	bool		there;

	CHECK_FOR_INTERRUPTS();
	jp_purge_begin(purge);
	SPI_connect();
	places->count = 0;
	places->full = false;
	there = open_leaf(relid, &leaf) && from < leaf.pages;
	if (there)
		find_places(purge, &leaf, from, places);
	SPI_finish();
	jp_purge_end(purge);
	return there;
}

/* What there is to know of a table; false when it has been dropped. */
static bool
open_leaf(Oid relid, Leaf *leaf)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		return false;
	leaf->relid = relid;
	leaf->owner = rel->rd_rel->relowner;
	leaf->table = jp_qualified_name(rel);
	leaf->path = psprintf("%s, pg_temp",
						  quote_identifier(get_namespace_name(RelationGetNamespace(rel))));
	leaf->pages = RelationGetNumberOfBlocks(rel);
	relation_close(rel, NoLock);
	return true;
}

/* Finds the places, as the table's owner. */
static void
find_places(const JpPurge *purge, const Leaf *leaf, int64 from, Places *places)
{
	Oid			types[1] = {TIMESTAMPTZOID};
	Datum		values[1] = {TimestampTzGetDatum(purge->cut_off)};
	JpPrivilege before;
	char	   *sql;

	sql = psprintf("SELECT t.ctid FROM ONLY %s t WHERE t.%s OPERATOR(pg_catalog.<) $1",
				   leaf->table, purge->at);
	if (from >= 0)
		sql = psprintf("%s AND t.ctid OPERATOR(pg_catalog.>=) '(" INT64_FORMAT ",0)'::pg_catalog.tid"
					   " AND t.ctid OPERATOR(pg_catalog.<) '(" INT64_FORMAT ",0)'::pg_catalog.tid",
					   sql, from, Min(from + RANGE_PAGES, (int64) MaxBlockNumber));
	jp_act_as(leaf->owner, "pg_catalog, pg_temp", &before);
	jp_query_into(sql, 1, types, values, place_found, places);
	jp_restore(&before);
}

/* Takes a place; false when there is no room for more. */
static bool
place_found(TupleTableSlot *slot, void *arg)
{
	Places	   *places = arg;
	bool		isnull;

	if (places->count == PLACES_MAX)
	{
		places->full = true;
		return false;
	}
	if (places->count == places->room)
	{
		places->room = Max(1024, places->room * 2);
		places->place = places->place == NULL ?
			MemoryContextAlloc(places->context, places->room * sizeof(ItemPointerData)) :
			repalloc(places->place, places->room * sizeof(ItemPointerData));
	}
	places->place[places->count++] =
		*(ItemPointer) DatumGetPointer(slot_getattr(slot, 1, &isnull));
	return true;
}

/* Deletes the rows at some places, in their order on disk. */
static void
delete_places(JpPurge *purge, Oid relid, Places *places)
{
	int			first;
	int			i;

	for (i = 1; i < places->count; i++)
		if (compare_places(&places->place[i - 1], &places->place[i]) > 0)
			break;
	if (i < places->count)
		qsort(places->place, places->count, sizeof(ItemPointerData), compare_places);
	for (first = 0; first < places->count; first += purge->batch)
		delete_batch(purge, relid, places->place + first,
					 Min(purge->batch, places->count - first));
}

/* Deletes one batch, in a transaction of its own; nothing of it stays in memory. */
static void
delete_batch(JpPurge *purge, Oid relid, ItemPointerData *place, int count)
{
	Batch		batch = {.purge = purge, .place = place, .count = count};

	CHECK_FOR_INTERRUPTS();
	jp_purge_begin(purge);
	SPI_connect();
	if (open_leaf(relid, &batch.leaf) && jp_purge_goes_on(purge))
	{
		jp_purge_holds(&batch.holds);
		if (jp_purge_holds_table(&batch.holds, relid))
			batch.done.withheld = count;
		else
			carry_out(&batch);
		jp_purge_add(purge, &batch.done, NULL);
	}
	SPI_finish();
	jp_purge_end(purge);
}

/* Tries until nobody comes between, the last time for good. */
static void
carry_out(Batch *batch)
{
	int			tries;

	batch->linked = jp_edges_from(batch->leaf.relid) != NIL;
	for (tries = 1; tries < PATIENCE; tries++)
		if (jp_step_attempt(work, batch))
			return;
	(void) work(batch);
}

/* Deletes the rows of a batch with what belongs to them. */
static bool
work(void *arg)
{
	Batch	   *batch = arg;

	memset(&batch->done, 0, sizeof(batch->done));
	if (batch->linked)
		delete_linked(batch);
	else
		delete_plain(batch);
	return true;
}

/* Deletes rows to which nothing belongs, as their table's owner. */
static void
delete_plain(Batch *batch)
{
	const Leaf *leaf = &batch->leaf;
	Oid			types[2] = {TIDARRAYOID, TIMESTAMPTZOID};
	Datum		values[2];
	JpPrivilege before;
	int			code;

	leave_out_kept(batch);
	values[0] = places_datum(batch->place, batch->count);
	values[1] = TimestampTzGetDatum(batch->purge->cut_off);
	jp_act_as(leaf->owner, leaf->path, &before);
	code = SPI_execute_with_args(psprintf("DELETE FROM ONLY %s t"
										  " WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1)"
										  " AND t.%s OPERATOR(pg_catalog.<) $2",
										  leaf->table, batch->purge->at),
								 2, types, values, NULL, false, 0);
	if (code != SPI_OK_DELETE)
		elog(ERROR, "could not delete rows that are past their time: %s",
			 SPI_result_code_string(code));
	batch->done.deleted = SPI_processed;
	if (batch->done.deleted < batch->count)
		refuse_kept(batch, types, values);
	jp_restore(&before);
}

/* Where fewer were deleted, others were faster, or a trigger kept some. */
static void
refuse_kept(const Batch *batch, Oid *types, Datum *values)
{
	SPI_execute_with_args(psprintf("SELECT FROM ONLY %s t"
								   " WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1)"
								   " AND t.%s OPERATOR(pg_catalog.<) $2 LIMIT 1",
								   batch->leaf.table, batch->purge->at),
						  2, types, values, NULL, false, 1);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("not all rows of table %s that are past their time could be deleted",
						batch->leaf.table),
				 errdetail("A trigger or rule of the table kept them.")));
}

/* Leaves the rows of people out who are held. */
static void
leave_out_kept(Batch *batch)
{
	HASHCTL		control = {.keysize = sizeof(ItemPointerData), .entrysize = sizeof(ItemPointerData)};
	ItemPointerData *left;
	ListCell   *cell;
	int			count = 0;
	int			i;

	if (batch->holds.people == NIL)
		return;
	control.hcxt = CurrentMemoryContext;
	batch->kept = hash_create("journey_privacy kept rows", 256, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(cell, batch->holds.people)
	{
		JpHeldPeople *held = lfirst(cell);

		if (jp_purge_holds_in(held, batch->leaf.relid))
			(void) jp_rows_naming(batch->leaf.relid, places_datum(batch->place, batch->count),
								  &held->people, 0, keep_place, batch);
	}
	left = palloc(batch->count * sizeof(ItemPointerData));
	for (i = 0; i < batch->count; i++)
		if (hash_search(batch->kept, &batch->place[i], HASH_FIND, NULL) == NULL)
			left[count++] = batch->place[i];
	batch->done.withheld = batch->count - count;
	batch->place = left;
	batch->count = count;
}

static void
keep_place(void *arg, ItemPointer place)
{
	hash_search(((Batch *) arg)->kept, place, HASH_ENTER, NULL);
}

/* Deletes rows with what belongs to them, as erasure does. */
static void
delete_linked(Batch *batch)
{
	const Leaf *leaf = &batch->leaf;
	Oid			types[2] = {TIDARRAYOID, TIMESTAMPTZOID};
	Datum		values[2] = {places_datum(batch->place, batch->count),
		TimestampTzGetDatum(batch->purge->cut_off)
	};
	JpErasing	erasing = {NULL, linked_done, batch, true, false};
	JpPrivilege before;
	JpReach    *reach;
	ListCell   *cell;

	jp_act_as(leaf->owner, "pg_catalog, pg_temp", &before);
	SPI_execute_with_args(psprintf("SELECT t.tableoid, t.ctid, t.xmin FROM ONLY %s t"
								   " WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1)"
								   " AND t.%s OPERATOR(pg_catalog.<) $2",
								   leaf->table, batch->purge->at),
						  2, types, values, NULL, false, 0);
	jp_restore(&before);
	reach = jp_reach_rows(leaf->table, &batch->holds);
	foreach(cell, reach->tables)
	{
		JpReached  *table = lfirst(cell);

		if (table->relid == leaf->relid)
			batch->done.withheld += jp_reached_withheld(table);
	}
	(void) jp_erase_reached(reach, &erasing);
}

/* Counts what was done to a table. */
static void
linked_done(void *arg, const JpReached *table, const char *action, int64 rows)
{
	Batch	   *batch = arg;
	JpPurged   *done = &batch->done;

	if (strcmp(action, "delete") == 0 && jp_is_part_of(table->relid, batch->purge->relid))
		done->deleted += rows;
	else if (strcmp(action, "delete") == 0)
		done->linked_deleted += rows;
	else if (strcmp(action, "redact") == 0)
		done->linked_redacted += rows;
	else
		done->cleared += rows;
}

/* Places as a tid[]. */
static Datum
places_datum(const ItemPointerData *place, int count)
{
	Datum	   *values = palloc(Max(count, 1) * sizeof(Datum));
	ArrayType  *array;
	int			i;

	for (i = 0; i < count; i++)
		values[i] = PointerGetDatum(&place[i]);
	array = construct_array(values, count, TIDOID, sizeof(ItemPointerData), false,
							TYPALIGN_SHORT);
	pfree(values);
	return PointerGetDatum(array);
}

static int
compare_places(const void *a, const void *b)
{
	return ItemPointerCompare((ItemPointer) a, (ItemPointer) b);
}
