/*
 * audit_seal.c
 *		A batch of entries becomes rows, and leaves of the tree.
 *
 * Only the worker does this, so it keeps the tree's edge in memory; what it
 * has in hand becomes the tree when the transaction has committed.  Rows go
 * straight into their month's partition, many to a page write.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit_internal.h"
#include "catalog.h"
#include "compat.h"

#define ROWS_AT_A_TIME	500

/* A partition open for inserting. */
typedef struct Target
{
	Relation	relation;
	TimestampTz end;
	EState	   *estate;
	ResultRelInfo *info;
	TupleTableSlot *slot[ROWS_AT_A_TIME];
	int			filled;
	BulkInsertState bulk;
} Target;

static JpTree sealed;			/* committed */
static JpTree growing;			/* with what is in hand */
static TimestampTz latest = 0;	/* time of the last entry */

static void open_target(Target *target, TimestampTz at);
static void close_target(Target *target);
static void add_row(Target *target, const JpEntry *entry, const JpHash *hash);
static void write_rows(Target *target);
static void note_node(void *unused, int level, uint64 index, const JpHash *hash);
static TimestampTz time_of(uint64 number);

/* Reads how far the tree has come. */
void
jp_seal_load(void)
{
	uint64		size = jp_audit_size();

	jp_node_tree(size, &sealed);
	growing = sealed;
	latest = size == 0 ? 0 : time_of(size - 1);
}

/* Seals packed entries.  Times never go back, so that months end. */
void
jp_seal_entries(char *batch, uint64 size)
{
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "entry",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(each);
	Target		target = {0};
	char	   *message;

	growing = sealed;			/* whatever an abort left there */
	for (message = batch; message < batch + size; message += jp_entry_size(message))
	{
		StringInfoData leaf;
		JpEntry		entry;
		JpHash		hash;

		jp_entry_unpack(message, &entry);
		latest = Max(latest, entry.facts.at);
		entry.facts.at = latest;
		entry.facts.number = growing.size;
		initStringInfo(&leaf);
		jp_entry_leaf(&entry, &leaf);
		jp_tree_leaf(leaf.data, leaf.len, &hash);

		if (target.relation == NULL || latest >= target.end)
		{
			MemoryContextSwitchTo(caller);
			open_target(&target, latest);
			MemoryContextSwitchTo(each);
		}
		add_row(&target, &entry, &hash);
		jp_tree_append(&growing, &hash, note_node, NULL);
		MemoryContextReset(each);
	}
	MemoryContextSwitchTo(caller);
	close_target(&target);
	MemoryContextDelete(each);
}

/* What was in hand is the tree now. */
void
jp_seal_committed(void)
{
	sealed = growing;
}

/* The tree. */
const JpTree *
jp_sealed_tree(void)
{
	return &sealed;
}

/* Opens the partition for a time, after closing the one before. */
static void
open_target(Target *target, TimestampTz at)
{
	int			i;

	close_target(target);
	target->relation = table_open(jp_partition_for(at, &target->end),
								  RowExclusiveLock);
	target->estate = CreateExecutorState();
	target->info = makeNode(ResultRelInfo);
	InitResultRelInfo(target->info, target->relation, 1, NULL, 0);
	ExecOpenIndices(target->info, false);
	target->bulk = GetBulkInsertState();
	target->filled = 0;
	for (i = 0; i < ROWS_AT_A_TIME; i++)
		target->slot[i] = NULL;
}

/* Writes what is left. */
static void
close_target(Target *target)
{
	int			i;

	if (target->relation == NULL)
		return;
	write_rows(target);
	for (i = 0; i < ROWS_AT_A_TIME && target->slot[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(target->slot[i]);
	FreeBulkInsertState(target->bulk);
	ExecCloseIndices(target->info);
	FreeExecutorState(target->estate);
	table_close(target->relation, NoLock);
	target->relation = NULL;
}

/* Adds a row; the slot has a copy. */
static void
add_row(Target *target, const JpEntry *entry, const JpHash *hash)
{
	Datum		values[JP_ENTRY_COLUMNS];
	bool		nulls[JP_ENTRY_COLUMNS];
	TupleTableSlot *slot;
	HeapTuple	tuple;

	if (target->slot[target->filled] == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(target->info));

		target->slot[target->filled] = table_slot_create(target->relation, NULL);
		MemoryContextSwitchTo(caller);
	}
	slot = target->slot[target->filled++];

	jp_entry_to_row(entry, hash, values, nulls);
	tuple = heap_form_tuple(RelationGetDescr(target->relation), values, nulls);
	ExecForceStoreHeapTuple(tuple, slot, true);
	slot->tts_tableOid = RelationGetRelid(target->relation);
	if (target->filled == ROWS_AT_A_TIME)
		write_rows(target);
}

/* Writes the rows at hand, and their index entries. */
static void
write_rows(Target *target)
{
	int			i;

	if (target->filled == 0)
		return;
	table_multi_insert(target->relation, target->slot, target->filled,
					   GetCurrentCommandId(true), 0, target->bulk);
	for (i = 0; i < target->filled; i++)
	{
		list_free(jp_insert_index_tuples(target->info, target->slot[i],
										 target->estate));
		ExecClearTuple(target->slot[i]);
		ResetPerTupleExprContext(target->estate);
	}
	target->filled = 0;
}

/* Writes the nodes that are kept. */
static void
note_node(void *unused, int level, uint64 index, const JpHash *hash)
{
	if (level >= JP_NODE_LEVEL)
		jp_node_write(level, index, hash);
}

/* When an entry was made. */
static TimestampTz
time_of(uint64 number)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {INT8OID};
	Datum		values[1] = {Int64GetDatum(number)};
	bool		isnull;

	jp_execute(&plan, "SELECT at FROM journey_privacy.audit_entry WHERE number = $1",
			   1, types, values, NULL, SPI_OK_SELECT);
	return SPI_processed == 0 ? 0 :
		DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull));
}
