/*
 * journey_records.c
 *		Events of many subjects, kept by subject in little memory.
 *
 * A record is 16 bytes.  The hash of its subject says its partition, one of
 * 256, so that a final step can put one partition at a time in order while it
 * lies in the processor's cache.  What would take more memory than a hash
 * table may is written to one temporary file, partition by partition.
 */
#include "postgres.h"

#include "executor/nodeHash.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "journey_records.h"

/* Records that are put in order together, about. */
#define BUCKET_RECORDS	16

/* A partition that is being put in order. */
typedef struct Order
{
	MemoryContext context;
	uint64		room;
	JpRecord   *loaded;			/* as they came */
	JpRecord   *ordered;
	uint32		buckets_room;
	uint32	   *begin;			/* of each bucket */
} Order;

static void spill(JpRecords *records);
static void spill_partition(JpRecords *records, JpPartition *partition);
static void load(JpRecords *records, JpPartition *partition, JpRecord *to);
static void make_order_room(Order *order, uint64 count);
static uint32 into_buckets(Order *order, uint32 count, const uint32 *marks);
static void hand_over(JpRecord *records, uint32 count, JpSubjectTaker take, void *arg);

#define ST_SORT sort_records
#define ST_ELEMENT_TYPE JpRecord
#define ST_COMPARE(a, b) \
	((a)->subject != (b)->subject ? ((a)->subject < (b)->subject ? -1 : 1) : \
	 (a)->at != (b)->at ? ((a)->at < (b)->at ? -1 : 1) : \
	 (a)->mark < (b)->mark ? -1 : (a)->mark > (b)->mark)
#define ST_SCOPE static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

/* Empty records. */
JpRecords *
jp_records_create(MemoryContext context)
{
	JpRecords  *records = MemoryContextAllocZero(context, sizeof(JpRecords));

	records->context = context;
	records->first_at = PG_INT64_MAX;
	records->last_at = PG_INT64_MIN;
	records->chunks = AllocSetContextCreate(context, "journey_privacy records",
											ALLOCSET_DEFAULT_SIZES);
	records->most = get_hash_memory_limit();
	return records;
}

/* Gives the file back. */
void
jp_records_close(JpRecords *records)
{
	if (records->file != NULL)
		BufFileClose(records->file);
	records->file = NULL;
}

/* A chunk with room in it. */
JpRecordChunk *
jp_records_chunk(JpRecords *records, JpPartition *partition)
{
	JpRecordChunk *chunk;

	if (records->used + sizeof(JpRecordChunk) > records->most &&
		records->used >= JP_PARTITIONS * sizeof(JpRecordChunk))
		spill(records);
	chunk = MemoryContextAlloc(records->chunks, sizeof(JpRecordChunk));
	records->used += sizeof(JpRecordChunk);
	chunk->next = NULL;
	chunk->count = 0;
	if (partition->last == NULL)
		partition->first = chunk;
	else
		partition->last->next = chunk;
	partition->last = chunk;
	return chunk;
}

/* Writes all chunks to the file. */
static void
spill(JpRecords *records)
{
	MemoryContext caller = MemoryContextSwitchTo(records->context);
	int			i;

	if (records->file == NULL)
		records->file = BufFileCreateTemp(false);
	for (i = 0; i < JP_PARTITIONS; i++)
		if (records->partition[i].first != NULL)
			spill_partition(records, &records->partition[i]);
	MemoryContextReset(records->chunks);
	records->used = 0;
	MemoryContextSwitchTo(caller);
}

/* Writes the chunks of a partition. */
static void
spill_partition(JpRecords *records, JpPartition *partition)
{
	JpRecordRun *run;
	JpRecordChunk *chunk;

	if (partition->runs == partition->room)
	{
		partition->room = Max(partition->room * 2, 8);
		partition->run = partition->run == NULL ?
			palloc(partition->room * sizeof(JpRecordRun)) :
			repalloc(partition->run, partition->room * sizeof(JpRecordRun));
	}
	run = &partition->run[partition->runs++];
	run->count = 0;
	BufFileTell(records->file, &run->file, &run->offset);
	for (chunk = partition->first; chunk != NULL; chunk = chunk->next)
	{
		BufFileWrite(records->file, chunk->record, chunk->count * sizeof(JpRecord));
		run->count += chunk->count;
	}
	partition->first = partition->last = NULL;
}

/* Hands over subject by subject. */
void
jp_records_take(JpRecords *records, const uint32 *marks, JpSubjectTaker take,
				void *arg)
{
	Order		order = {0};
	int			i;

	order.context = AllocSetContextCreate(CurrentMemoryContext,
										  "journey_privacy order",
										  ALLOCSET_DEFAULT_SIZES);
	for (i = 0; i < JP_PARTITIONS; i++)
	{
		JpPartition *partition = &records->partition[i];
		uint32		buckets;
		uint32		j;

		if (partition->count == 0)
			continue;
		if (partition->count > PG_UINT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many events for one answer"),
					 errhint("Bound the time.")));
		make_order_room(&order, partition->count);
		load(records, partition, order.loaded);
		buckets = into_buckets(&order, (uint32) partition->count, marks);
		for (j = 0; j < buckets; j++)
			hand_over(order.ordered + order.begin[j],
					  order.begin[j + 1] - order.begin[j], take, arg);
	}
	MemoryContextDelete(order.context);
}

/* Room for so many records in order. */
static void
make_order_room(Order *order, uint64 count)
{
	uint32		buckets = pg_nextpower2_32(Max(count / BUCKET_RECORDS, 1));

	if (count > order->room)
	{
		if (order->loaded != NULL)
		{
			pfree(order->loaded);
			pfree(order->ordered);
		}
		order->room = count + count / 8;
		order->loaded = MemoryContextAllocHuge(order->context, order->room * sizeof(JpRecord));
		order->ordered = MemoryContextAllocHuge(order->context, order->room * sizeof(JpRecord));
	}
	if (buckets > order->buckets_room)
	{
		if (order->begin != NULL)
			pfree(order->begin);
		order->buckets_room = buckets;
		order->begin = MemoryContextAllocHuge(order->context, (buckets + 2) * sizeof(uint32));
	}
}

/* Brings all records of a partition together. */
static void
load(JpRecords *records, JpPartition *partition, JpRecord *to)
{
	JpRecordChunk *chunk;
	int			i;

	CHECK_FOR_INTERRUPTS();
	for (i = 0; i < partition->runs; i++)
	{
		JpRecordRun *run = &partition->run[i];
		size_t		bytes = run->count * sizeof(JpRecord);

		if (BufFileSeek(records->file, run->file, run->offset, SEEK_SET) != 0 ||
			BufFileRead(records->file, to, bytes) != bytes)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read from a temporary file")));
		to += run->count;
	}
	for (chunk = partition->first; chunk != NULL; chunk = chunk->next)
	{
		memcpy(to, chunk->record, chunk->count * sizeof(JpRecord));
		to += chunk->count;
	}
}

/*
 * Puts the loaded records into buckets by further bits of their hash; returns
 * how many there are, the last one's end in begin behind them.
 */
static uint32
into_buckets(Order *order, uint32 count, const uint32 *marks)
{
	uint32		buckets = pg_nextpower2_32(Max(count / BUCKET_RECORDS, 1));
	uint32	   *begin = order->begin;
	uint32		i;

#define bucket_of(record) \
	(murmurhash32((record)->subject) & (buckets - 1))

	memset(begin, 0, (buckets + 2) * sizeof(uint32));
	for (i = 0; i < count; i++)
		begin[bucket_of(&order->loaded[i]) + 2]++;
	for (i = 2; i < buckets + 2; i++)
		begin[i] += begin[i - 1];
	for (i = 0; i < count; i++)
	{
		const JpRecord *from = &order->loaded[i];
		JpRecord   *to = &order->ordered[begin[bucket_of(from) + 1]++];

		*to = *from;
		if (marks != NULL)
			to->mark = marks[from->mark];
	}
	return buckets;
}

/* Orders the records of a bucket and hands them over by subject. */
static void
hand_over(JpRecord *records, uint32 count, JpSubjectTaker take, void *arg)
{
	uint32		begin,
				end;

	if (count > 1)
		sort_records(records, count);
	for (begin = 0; begin < count; begin = end)
	{
		for (end = begin + 1; end < count && records[end].subject == records[begin].subject; end++)
			;
		take(arg, records + begin, end - begin);
	}
}

/* All records in no order. */
void
jp_records_copy(JpRecords *records, JpRecord *to)
{
	int			i;

	for (i = 0; i < JP_PARTITIONS; i++)
	{
		load(records, &records->partition[i], to);
		to += records->partition[i].count;
	}
}
