/*
 * store_change.c
 *		What has changed since a store was refreshed.
 *
 * A row trigger on the table notes subject and bucket of every row that comes,
 * goes or changes; one on the store does the same when anybody but a refresh
 * changes it.  What a transaction has noted is written to store_change
 * when it commits, so whoever sees the rows sees that they are not in the store
 * yet.  refresh_journey_store() takes what it sees there and then reads the
 * rows with a later snapshot: nothing is missed, some buckets are made twice.
 *
 * Rows of subjects who are registered no more are not noted: erasure has taken
 * them from the store too, and leaves no number behind.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "journey_privacy.h"
#include "store_internal.h"
#include "subject.h"

/* Of one transaction, about 64 MB; more, and the whole store has changed. */
#define NOTED_MAX	1000000

/* Columns of table store_change, in the order of CREATE TABLE. */
enum
{
	RELATION = 1, NUMBER, BUCKET, COLUMNS = BUCKET
};

/* Column number of table subject. */
#define SUBJECT_NUMBER	2

/* A change, as a hash key without padding. */
typedef struct Change
{
	TimestampTz bucket;
	Oid			store;
	int32		number;
} Change;

typedef struct Noted
{
	Change		change;
	bool		gone;			/* rows went, none came: they may be erased */
} Noted;

/* What the trigger remembers between rows. */
typedef struct Following
{
	uint64		generation;
	bool		itself;			/* the table is a store, its time the bucket */
	AttrNumber	number;
	AttrNumber	at;
	int			stores;
	JpStore		store[JP_STORES_MAX];
	AttrNumber	event[JP_STORES_MAX];
} Following;

/* What this transaction has noted and not written; NULL: nothing. */
static HTAB *noted = NULL;

static Following *following(FunctionCallInfo fcinfo, Relation rel);
static void follow(Following *f, Relation rel, const JpStore *store, const char *number,
				   const char *at, const char *event);
static void note_row(const Following *f, Relation rel, HeapTuple row, bool gone);
static TimestampTz bucket_of(const Following *f, const JpStore *store, TimestampTz at);
static bool same_event(const Following *f, Relation rel, HeapTuple before, HeapTuple after);
static bool same_column(Relation rel, AttrNumber column, HeapTuple before, HeapTuple after);
static void note(Oid store, int32 number, TimestampTz bucket, bool gone);
static bool is_registered(Relation subjects, int32 number);
static void insert_change(Relation rel, CatalogIndexState indexes, const Change *change);
static void transaction_ends(XactEvent event, void *arg);

PG_FUNCTION_INFO_V1(jp_store_row);
PG_FUNCTION_INFO_V1(jp_store_truncated);

/* Has transactions write what they have noted. */
void
jp_store_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
}

/*
 * Row trigger, before anything is done: a row that is left out after all was
 * noted for nothing.  Its name is last, so it sees the number that is stored.
 */
Datum
jp_store_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	rel;
	Following  *f;
	HeapTuple	row;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("store_row() can only be called as a row trigger before a change")));
	rel = trigger->tg_relation;
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	f = following(fcinfo, rel);
	if (f->stores == 0 || jp_store_refreshing())
		return PointerGetDatum(row);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		if (same_event(f, rel, trigger->tg_trigtuple, row))
			return PointerGetDatum(row);
		note_row(f, rel, trigger->tg_trigtuple, true);
	}
	note_row(f, rel, row, TRIGGER_FIRED_BY_DELETE(trigger->tg_event));
	return PointerGetDatum(row);
}

/* Statement trigger after TRUNCATE: all of it has changed. */
Datum
jp_store_truncated(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	int			count;
	const JpStore *store;
	Oid			source;
	int			i;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("store_truncated() can only be called as a trigger after truncate")));
	source = jp_store_source(RelationGetRelid(trigger->tg_relation));
	store = jp_stores(&count);
	for (i = 0; i < count; i++)
		if ((store[i].source == source || store[i].relid == source) && !jp_store_refreshing())
			note(store[i].relid, JP_NO_SUBJECT, JP_WHOLE_STORE, false);
	return PointerGetDatum(NULL);
}

/* The stores that follow a table, looked up again when there may be others. */
static Following *
following(FunctionCallInfo fcinfo, Relation rel)
{
	Following  *f = (Following *) fcinfo->flinfo->fn_extra;
	uint64		generation = jp_catalog_generation();
	const JpProtection *protection;
	const JpStore *store;
	Oid			source;
	int			count;
	int			i;

	if (f != NULL && f->generation == generation)
		return f;
	if (f == NULL)
		f = fcinfo->flinfo->fn_extra = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Following));
	f->generation = 0;
	f->stores = 0;
	f->itself = false;
	source = jp_store_source(RelationGetRelid(rel));
	protection = jp_protection_find(RelationGetRelid(rel));
	store = jp_stores(&count);
	for (i = 0; i < count && protection != NULL && f->stores < JP_STORES_MAX; i++)
		if (store[i].relid == source)
		{
			f->itself = true;
			follow(f, rel, &store[i], "journey_subject", "bucket", "events");
		}
		else if (store[i].source == source)
			follow(f, rel, &store[i], NameStr(protection->number_column),
				   NameStr(protection->occurred_at), NameStr(store[i].event));
	f->generation = generation;
	return f;
}

/* Follows changes of three columns for a store. */
static void
follow(Following *f, Relation rel, const JpStore *store, const char *number,
	   const char *at, const char *event)
{
	Oid			relid = RelationGetRelid(rel);

	f->number = get_attnum(relid, number);
	f->at = get_attnum(relid, at);
	f->event[f->stores] = get_attnum(relid, event);
	if (f->number <= 0 || f->at <= 0 || f->event[f->stores] <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a column that journey store \"%s\" follows is gone or renamed",
						NameStr(store->name)),
				 errhint("Run journey_privacy.drop_journey_store() and create it anew.")));
	f->store[f->stores++] = *store;
}

/* Notes a row in every store that follows its table. */
static void
note_row(const Following *f, Relation rel, HeapTuple row, bool gone)
{
	bool		no_number;
	bool		no_time;
	Datum		number = heap_getattr(row, f->number, RelationGetDescr(rel), &no_number);
	Datum		at = heap_getattr(row, f->at, RelationGetDescr(rel), &no_time);
	int			i;

	if (no_number || no_time)
		return;
	for (i = 0; i < f->stores; i++)
	{
		TimestampTz bucket = bucket_of(f, &f->store[i], DatumGetTimestampTz(at));

		note(f->store[i].relid, bucket == JP_WHOLE_STORE ? JP_NO_SUBJECT : DatumGetInt32(number),
			 bucket, gone && bucket != JP_WHOLE_STORE);
	}
}

/* The bucket of a time; all of a store where it can have none. */
static TimestampTz
bucket_of(const Following *f, const JpStore *store, TimestampTz at)
{
	TimestampTz bucket;

	if (TIMESTAMP_NOT_FINITE(at))
		return JP_WHOLE_STORE;
	bucket = jp_bucket_of(at, store->bucket);
	return f->itself && bucket != at ? JP_WHOLE_STORE : bucket;
}

/* Whether an update leaves all that a store has of a row. */
static bool
same_event(const Following *f, Relation rel, HeapTuple before, HeapTuple after)
{
	int			i;

	for (i = 0; i < f->stores; i++)
		if (!same_column(rel, f->event[i], before, after))
			return false;
	return same_column(rel, f->number, before, after) && same_column(rel, f->at, before, after);
}

static bool
same_column(Relation rel, AttrNumber column, HeapTuple before, HeapTuple after)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);
	bool		null_before;
	bool		null_after;
	Datum		was = heap_getattr(before, column, desc, &null_before);
	Datum		is = heap_getattr(after, column, desc, &null_after);

	if (null_before || null_after)
		return null_before && null_after;
	return datum_image_eq(was, is, attribute->attbyval, attribute->attlen);
}

/* Notes a change. */
static void
note(Oid store, int32 number, TimestampTz bucket, bool gone)
{
	static Noted *last = NULL;
	Change		change = {bucket, store, number};
	bool		found;

	if (noted == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Change), .entrysize = sizeof(Noted),
		.hcxt = TopTransactionContext};

		noted = hash_create("journey_privacy changes", 256, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		last = NULL;
	}
	if (last != NULL && memcmp(&last->change, &change, sizeof(Change)) == 0)
	{
		last->gone &= gone;
		return;
	}
	if (hash_get_num_entries(noted) >= NOTED_MAX)
	{
		change.number = JP_NO_SUBJECT;
		change.bucket = JP_WHOLE_STORE;
	}
	last = (Noted *) hash_search(noted, &change, HASH_ENTER, &found);
	last->gone = found ? last->gone && gone : gone;
}

void
jp_store_note_whole(Oid store)
{
	note(store, JP_NO_SUBJECT, JP_WHOLE_STORE, false);
	jp_store_flush();
}

/*
 * Writes what was noted to table store_change.  A subtransaction may be rolled
 * back, with what others had noted before it: so that is kept and written again.
 */
void
jp_store_flush(void)
{
	HASH_SEQ_STATUS scan;
	Noted	   *one;
	Relation	rel;
	Relation	subjects;
	CatalogIndexState indexes;

	if (noted == NULL)
		return;
	rel = table_open(jp_relation("store_change"), RowExclusiveLock);
	subjects = table_open(jp_relation("subject"), AccessShareLock);
	indexes = CatalogOpenIndexes(rel);
	hash_seq_init(&scan, noted);
	while ((one = (Noted *) hash_seq_search(&scan)) != NULL)
		if (!one->gone || one->change.number == JP_NO_SUBJECT ||
			is_registered(subjects, one->change.number))
			insert_change(rel, indexes, &one->change);
	CatalogCloseIndexes(indexes);
	table_close(subjects, AccessShareLock);
	table_close(rel, RowExclusiveLock);
	if (GetCurrentTransactionNestLevel() > 1)
		return;
	hash_destroy(noted);
	noted = NULL;
}

/* Whether a number is a subject's. */
static bool
is_registered(Relation subjects, int32 number)
{
	HeapTuple	row = jp_fetch_one(subjects, "subject_number_key", SUBJECT_NUMBER,
								   Int32GetDatum(number), F_INT4EQ);

	if (!HeapTupleIsValid(row))
		return false;
	heap_freetuple(row);
	return true;
}

static void
insert_change(Relation rel, CatalogIndexState indexes, const Change *change)
{
	Datum		values[COLUMNS] = {ObjectIdGetDatum(change->store),
		Int32GetDatum(change->number), TimestampTzGetDatum(change->bucket)
	};
	bool		nulls[COLUMNS] = {false, change->number == JP_NO_SUBJECT, false};
	HeapTuple	row = heap_form_tuple(RelationGetDescr(rel), values, nulls);

	CatalogTupleInsertWithInfo(rel, row, indexes);
	heap_freetuple(row);
}

/* Writes before the commit; the memory goes with the transaction. */
static void
transaction_ends(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			jp_store_flush();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			noted = NULL;
			break;
		default:
			break;
	}
}

bool
jp_store_noted(const JpStore *store, TimestampTz from, TimestampTz until)
{
	HASH_SEQ_STATUS scan;
	Noted	   *one;
	bool		found = false;

	if (noted == NULL)
		return false;
	hash_seq_init(&scan, noted);
	while (!found && (one = (Noted *) hash_seq_search(&scan)) != NULL)
		found = one->change.store == store->relid &&
			(one->change.bucket == JP_WHOLE_STORE ||
			 (one->change.bucket < until &&
			  (TIMESTAMP_NOT_FINITE(from) || one->change.bucket >= jp_bucket_of(from, store->bucket))));
	if (found)
		hash_seq_term(&scan);
	return found;
}
