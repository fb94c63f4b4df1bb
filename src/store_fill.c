/*
 * store_fill.c
 *		Rows of a store made of rows of its table.
 *
 * One pass over the rows keeps 16 bytes of each, by subject, and finds out which
 * names many subjects have.  Then each subject is looked up in the registry:
 * whoever is not there any more gets no row.  The caller has locked the store, so
 * an erasure that begins later waits until it can see what was written here.
 *
 * The rows are written as they are, without triggers: their numbers are those
 * of rows that the insert guard has let in.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "journey_records.h"
#include "catalog.h"
#include "compat.h"
#include "pseudonym.h"
#include "store_fill.h"
#include "subject.h"

/* So many rows are written together. */
#define ROWS_AT_A_TIME	256

/* A name is shared once so many subjects have it, and when it is not longer. */
#define SHARED_BY		20
#define NAME_BYTES_MAX	1000

/* Columns of table subject. */
#define SUBJECT_PSEUDONYM	1
#define SUBJECT_NUMBER		2

/* A bucket of a subject, as a hash key without padding. */
typedef struct Wanted
{
	TimestampTz bucket;
	int64		number;
} Wanted;

/* Who has a name, as far as it matters. */
typedef struct Bearers
{
	uint32		code;
	uint32		events;
	uint32		count;
	int32	   *number;			/* NULL when there are enough */
} Bearers;

struct JpFilling
{
	DestReceiver receiver;		/* of the rows of the table; must come first */
	JpStore		store;
	MemoryContext context;
	MemoryContext row;			/* for one subject */
	HTAB	   *wanted;			/* NULL: whatever comes */
	JpRecords  *records;
	JpNames    *names;
	Bearers    *bearers;		/* by code - 1 */
	uint32		bearers_room;
	JpJourneyWriter *writer;
	Relation	subjects;
	Relation	relation;
	ResultRelInfo *info;
	EState	   *estate;
	BulkInsertState bulk;
	TupleTableSlot *slot[ROWS_AT_A_TIME];
	int			filled;
	int64		rows;
};

static bool is_wanted(const JpFilling *filling, int32 number, TimestampTz at);
static bool take_row(TupleTableSlot *slot, DestReceiver *self);
static void nothing_to_start(DestReceiver *self, int operation, TupleDesc desc);
static void nothing_to_end(DestReceiver *self);
static void count_bearer(JpFilling *filling, uint32 code, int32 number);
static int	compare_bearers(const void *a, const void *b);
static void open_target(JpFilling *filling);
static void close_target(JpFilling *filling);
static void take_subject(void *arg, const JpRecord *records, uint32 count);
static bool find_pseudonym(JpFilling *filling, int32 number, JpPseudonym *pseudonym);
static void add_row(JpFilling *filling, int32 number, TimestampTz bucket,
					const JpPseudonym *pseudonym, Datum events);
static void write_rows(JpFilling *filling);

JpFilling *
jp_filling_begin(const JpStore *store)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "journey_privacy filling",
												  ALLOCSET_DEFAULT_SIZES);
	JpFilling  *filling = (JpFilling *) MemoryContextAllocZero(context, sizeof(JpFilling));

	filling->receiver.receiveSlot = take_row;
	filling->receiver.rStartup = nothing_to_start;
	filling->receiver.rShutdown = nothing_to_end;
	filling->receiver.rDestroy = nothing_to_end;
	filling->receiver.mydest = DestTuplestore;	/* what SPI takes for rows wanted */
	filling->store = *store;
	filling->context = context;
	filling->row = AllocSetContextCreate(context, "journey_privacy journey", ALLOCSET_DEFAULT_SIZES);
	filling->records = jp_records_create(context);
	filling->names = jp_names_create(context);
	return filling;
}

void
jp_filling_only(JpFilling *filling, ArrayType *numbers, ArrayType *buckets)
{
	int			count = ArrayGetNItems(ARR_NDIM(numbers), ARR_DIMS(numbers));
	const int32 *number = (const int32 *) ARR_DATA_PTR(numbers);
	const TimestampTz *bucket = (const TimestampTz *) ARR_DATA_PTR(buckets);
	HASHCTL		control = {.keysize = sizeof(Wanted), .entrysize = sizeof(Wanted),
	.hcxt = filling->context};
	int			i;

	filling->wanted = hash_create("journey_privacy buckets", count, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (i = 0; i < count; i++)
	{
		Wanted		wanted = {bucket[i], number[i]};

		(void) hash_search(filling->wanted, &wanted, HASH_ENTER, NULL);
	}
}

/* Whether a row is among those to be taken. */
static bool
is_wanted(const JpFilling *filling, int32 number, TimestampTz at)
{
	Wanted		wanted = {0, number};

	if (filling->wanted == NULL)
		return true;
	wanted.bucket = jp_bucket_of(at, filling->store.bucket);
	return hash_search(filling->wanted, &wanted, HASH_FIND, NULL) != NULL;
}

DestReceiver *
jp_filling_receiver(JpFilling *filling)
{
	return &filling->receiver;
}

/* A row of the table: number, time, name; none of them null. */
static bool
take_row(TupleTableSlot *slot, DestReceiver *self)
{
	JpFilling  *filling = (JpFilling *) self;
	TimestampTz at;
	int32		number;
	text	   *name;
	uint32		code;

	slot_getallattrs(slot);
	number = DatumGetInt32(slot->tts_values[0]);
	at = DatumGetTimestampTz(slot->tts_values[1]);
	jp_journey_check_time(at);
	if (!is_wanted(filling, number, at))
		return true;
	name = DatumGetTextPP(slot->tts_values[2]);
	code = jp_name_code(filling->names, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	count_bearer(filling, code, number);
	jp_records_add(filling->records, (uint32) number, at, code);
	if ((Pointer) name != DatumGetPointer(slot->tts_values[2]))
		pfree(name);
	return true;
}

static void
nothing_to_start(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
nothing_to_end(DestReceiver *self)
{
}

/* Counts one more event of a name, and its subject until there are enough. */
static void
count_bearer(JpFilling *filling, uint32 code, int32 number)
{
	Bearers    *bearers;
	uint32		i;

	if (code > filling->bearers_room)
	{
		uint32		room = Max(2 * code, 64);
		Bearers    *more = (Bearers *) MemoryContextAllocExtended(filling->context, room * sizeof(Bearers),
																  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

		if (filling->bearers != NULL)
		{
			memcpy(more, filling->bearers, filling->bearers_room * sizeof(Bearers));
			pfree(filling->bearers);
		}
		filling->bearers = more;
		filling->bearers_room = room;
	}
	bearers = &filling->bearers[code - 1];
	bearers->code = code;
	bearers->events++;
	if (bearers->count == SHARED_BY)
		return;
	if (bearers->count == 0)
		bearers->number = (int32 *) MemoryContextAlloc(filling->context, SHARED_BY * sizeof(int32));
	for (i = 0; i < bearers->count; i++)
		if (bearers->number[i] == number)
			return;
	bearers->number[bearers->count++] = number;
	if (bearers->count == SHARED_BY)
		pfree(bearers->number);
}

ArrayType *
jp_filling_common_names(JpFilling *filling)
{
	uint32		count = jp_names_count(filling->names);
	Bearers    *bearers = (Bearers *) MemoryContextAllocHuge(filling->context,
															 Max(count, 1) * sizeof(Bearers));
	Datum	   *names;
	int			common = 0;
	uint32		i;

	for (i = 0; i < count; i++)
		if (filling->bearers[i].count == SHARED_BY &&
			VARSIZE(jp_name_text(filling->names, i + 1)) - VARHDRSZ <= NAME_BYTES_MAX)
			bearers[common++] = filling->bearers[i];
	qsort(bearers, common, sizeof(Bearers), compare_bearers);
	names = (Datum *) palloc(Max(common, 1) * sizeof(Datum));
	for (i = 0; i < common; i++)
		names[i] = PointerGetDatum(jp_name_text(filling->names, bearers[i].code));
	pfree(bearers);
	return common == 0 ? NULL : construct_array(names, common, TEXTOID, -1, false, TYPALIGN_INT);
}

/* The commonest first: short codes for what is often there. */
static int
compare_bearers(const void *a, const void *b)
{
	const Bearers *x = (const Bearers *) a;
	const Bearers *y = (const Bearers *) b;

	if (x->events != y->events)
		return x->events > y->events ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

int64
jp_filling_write(JpFilling *filling)
{
	open_target(filling);
	jp_records_take(filling->records, NULL, take_subject, filling);
	close_target(filling);
	return filling->rows;
}

void
jp_filling_end(JpFilling *filling)
{
	jp_records_close(filling->records);
	MemoryContextDelete(filling->context);
}

static void
open_target(JpFilling *filling)
{
	filling->writer = jp_journey_writer(filling->context, filling->names, true);
	filling->subjects = table_open(jp_relation("subject"), AccessShareLock);
	filling->relation = table_open(filling->store.relid, RowExclusiveLock);
	if (!jp_store_intact(filling->store.relid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("journey store \"%s\" has other columns than it was made with",
						NameStr(filling->store.name)),
				 errhint("Run journey_privacy.drop_journey_store() and create it anew.")));
	filling->estate = CreateExecutorState();
	filling->info = makeNode(ResultRelInfo);
	InitResultRelInfo(filling->info, filling->relation, 1, NULL, 0);
	ExecOpenIndices(filling->info, false);
	filling->bulk = GetBulkInsertState();
}

/* Writes what is left. */
static void
close_target(JpFilling *filling)
{
	int			i;

	write_rows(filling);
	for (i = 0; i < ROWS_AT_A_TIME && filling->slot[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(filling->slot[i]);
	FreeBulkInsertState(filling->bulk);
	ExecCloseIndices(filling->info);
	FreeExecutorState(filling->estate);
	table_close(filling->relation, NoLock);
	table_close(filling->subjects, AccessShareLock);
}

/* The rows of one subject: a journey for each bucket. */
static void
take_subject(void *arg, const JpRecord *records, uint32 count)
{
	JpFilling  *filling = (JpFilling *) arg;
	int32		number = (int32) records[0].subject;
	MemoryContext caller = MemoryContextSwitchTo(filling->row);
	JpPseudonym pseudonym;
	JpMoment   *moments;
	uint32		begin;
	uint32		end;

	CHECK_FOR_INTERRUPTS();
	if (find_pseudonym(filling, number, &pseudonym))
	{
		moments = (JpMoment *) MemoryContextAllocHuge(filling->row, count * sizeof(JpMoment));
		for (begin = 0; begin < count; begin = end)
		{
			TimestampTz bucket = jp_bucket_of(records[begin].at, filling->store.bucket);

			for (end = begin; end < count &&
				 jp_bucket_of(records[end].at, filling->store.bucket) == bucket; end++)
			{
				moments[end].at = records[end].at;
				moments[end].steps = records[end].mark;
			}
			jp_moments_order(moments + begin, end - begin, JP_CODES_LOW, filling->names);
			add_row(filling, number, bucket, &pseudonym,
					PointerGetDatum(jp_writer_journey(filling->writer, moments + begin, end - begin)));
		}
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(filling->row);
}

/*
 * The subject of a number; false when there is none.  Rows of the erased that a
 * hold keeps have numbers that are nobody's.
 */
static bool
find_pseudonym(JpFilling *filling, int32 number, JpPseudonym *pseudonym)
{
	HeapTuple	row = jp_fetch_one(filling->subjects, "subject_number_key", SUBJECT_NUMBER,
								   Int32GetDatum(number), F_INT4EQ);
	bool		isnull;

	if (!HeapTupleIsValid(row))
		return false;
	*pseudonym = *(const JpPseudonym *)
		DatumGetPointer(heap_getattr(row, SUBJECT_PSEUDONYM, RelationGetDescr(filling->subjects), &isnull));
	return true;
}

/* Adds a row; the slot has a copy. */
static void
add_row(JpFilling *filling, int32 number, TimestampTz bucket,
		const JpPseudonym *pseudonym, Datum events)
{
	TupleDesc	desc = RelationGetDescr(filling->relation);
	Datum		values[JP_STORE_COLUMNS];
	bool		nulls[JP_STORE_COLUMNS] = {false};
	TupleTableSlot *slot = filling->slot[filling->filled];

	if (slot == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(filling->context);

		slot = filling->slot[filling->filled] = table_slot_create(filling->relation, NULL);
		MemoryContextSwitchTo(caller);
	}
	values[JP_STORE_NUMBER - 1] = Int32GetDatum(number);
	values[JP_STORE_BUCKET - 1] = TimestampTzGetDatum(bucket);
	values[JP_STORE_SUBJECT - 1] = PointerGetDatum(pseudonym);
	values[JP_STORE_EVENTS - 1] = events;
	ExecForceStoreHeapTuple(heap_form_tuple(desc, values, nulls), slot, false);
	slot->tts_tableOid = RelationGetRelid(filling->relation);
	filling->rows++;
	if (++filling->filled == ROWS_AT_A_TIME)
		write_rows(filling);
}

/* Writes the rows at hand, and their index entries. */
static void
write_rows(JpFilling *filling)
{
	int			i;

	if (filling->filled == 0)
		return;
	table_multi_insert(filling->relation, filling->slot, filling->filled,
					   GetCurrentCommandId(true), 0, filling->bulk);
	for (i = 0; i < filling->filled; i++)
	{
		if (filling->info->ri_NumIndices > 0)
			list_free(jp_insert_index_tuples(filling->info, filling->slot[i], filling->estate));
		ExecClearTuple(filling->slot[i]);
		ResetPerTupleExprContext(filling->estate);
	}
	filling->filled = 0;
}
