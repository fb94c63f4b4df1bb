/*
 * consent_held.c
 *		Whether somebody might have been seen when something happened.
 *
 * The decision in force answers for every time since it was made, which is
 * most; only for earlier times is the ledger read, for all identities of the
 * subject, and kept within the memory that a hash table may take.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "consent_internal.h"

/* A decision on the purpose, as the ledger has it. */
typedef struct Event
{
	TimestampTz at;
	bool		granted;
} Event;

/* All decisions of a person, in the order of their times. */
typedef struct History
{
	int32		number;			/* hash key */
	int			count;
	Event	   *events;
} History;

struct JpHeld
{
	JpPermitted *permitted;
	const JpPurpose *purpose;
	MemoryContext context;
	uint32		chunks;
	Event	  **chunk;			/* decisions in force, NULL where not read */
	MemoryContext history_context;
	HTAB	   *histories;
	Size		histories_size;
};

static const Event *decision_in_force(JpHeld *held, int32 number);
static void read_chunk(JpHeld *held, uint32 chunk);
static const History *history_of(JpHeld *held, int32 number);
static void forget_histories(JpHeld *held);
static void read_history(JpHeld *held, History *history);
static List *identities_of(const JpHeld *held, int32 number);
static void add_identities(const JpHeld *held, Relation rel, const char *index,
						   AttrNumber column, int32 number, int32 *head,
						   List **identities);
static void add_events(JpHeld *held, const JpPseudonym *pseudonym,
					   History *history, int *room);
static int	compare_events(const void *a, const void *b);

/* Opens a reader that goes with one of bits. */
JpHeld *
jp_held_open(JpPermitted *permitted, MemoryContext context)
{
	JpHeld	   *held = MemoryContextAllocZero(context, sizeof(JpHeld));

	held->permitted = permitted;
	held->purpose = &permitted->purpose;
	held->context = context;
	held->history_context = AllocSetContextCreate(context,
												  "journey_privacy histories",
												  ALLOCSET_DEFAULT_SIZES);
	forget_histories(held);
	return held;
}

/* Whether the basis permitted the subject at a time, restrictions apart. */
bool
jp_held_at(JpHeld *held, int32 number, TimestampTz time)
{
	const Event *event = decision_in_force(held, number);
	JpDecision	decision = {false, false, DT_NOEND};

	if (event->at > time)
	{
		const History *history = history_of(held, number);
		int			i = history->count;

		event = NULL;
		while (--i >= 0 && event == NULL)
			if (history->events[i].at <= time)
				event = &history->events[i];
	}
	else if (event->at == DT_NOBEGIN)
		event = NULL;
	if (event != NULL)
	{
		decision.made = true;
		decision.granted = event->granted;
		if (event->granted)
			decision.valid_until = jp_valid_until(held->purpose, event->at);
	}
	return jp_basis_permits(held->purpose->basis, &decision, false, time);
}

/* The decision in force; its time is -infinity when there is none. */
static const Event *
decision_in_force(JpHeld *held, int32 number)
{
	uint32		chunk = JP_CHUNK_OF(number);

	if (chunk >= held->chunks || held->chunk[chunk] == NULL)
		read_chunk(held, chunk);
	return &held->chunk[chunk][JP_OFFSET_OF(number)];
}

/* Reads the decisions in force of a chunk of subjects. */
static void
read_chunk(JpHeld *held, uint32 chunk)
{
	Relation	rel = table_open(jp_relation("consent_state"), AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	Event	   *events;
	int			i;

	if (chunk >= held->chunks)
	{
		uint32		chunks = Max(64, pg_nextpower2_32(chunk + 1));
		Event	  **grown = MemoryContextAllocZero(held->context,
												   chunks * sizeof(Event *));

		if (held->chunks > 0)
			memcpy(grown, held->chunk, held->chunks * sizeof(Event *));
		held->chunk = grown;
		held->chunks = chunks;
	}
	events = MemoryContextAlloc(held->context, JP_CHUNK_SUBJECTS * sizeof(Event));
	for (i = 0; i < JP_CHUNK_SUBJECTS; i++)
		events[i].at = DT_NOBEGIN;
	scan = jp_decisions_scan(rel, held->purpose->name, chunk,
							 jp_permitted_snapshot(held->permitted));
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		bool		isnull;
		int32		number = DatumGetInt32(heap_getattr(tuple, 2, desc, &isnull));
		Event	   *event = &events[JP_OFFSET_OF(number)];

		event->granted = DatumGetBool(heap_getattr(tuple, 3, desc, &isnull));
		event->at = DatumGetTimestampTz(heap_getattr(tuple, 4, desc, &isnull));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	held->chunk[chunk] = events;
}

/* All decisions of the person with this number. */
static const History *
history_of(JpHeld *held, int32 number)
{
	History    *history = hash_search(held->histories, &number, HASH_FIND, NULL);

	if (history != NULL)
		return history;
	CHECK_FOR_INTERRUPTS();
	if (held->histories_size > get_hash_memory_limit())
		forget_histories(held);
	history = hash_search(held->histories, &number, HASH_ENTER, NULL);
	history->count = 0;
	history->events = NULL;
	read_history(held, history);
	held->histories_size += sizeof(History) + 4 * sizeof(void *) +
		history->count * sizeof(Event);
	return history;
}

/* Starts anew. */
static void
forget_histories(JpHeld *held)
{
	HASHCTL		control = {.keysize = sizeof(int32), .entrysize = sizeof(History)};

	MemoryContextReset(held->history_context);
	control.hcxt = held->history_context;
	held->histories = hash_create("journey_privacy histories", 256, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	held->histories_size = 0;
}

/* Reads the ledger for a person. */
static void
read_history(JpHeld *held, History *history)
{
	ListCell   *cell;
	int			room = 0;
	List	   *identities = identities_of(held, history->number);

	foreach(cell, identities)
		add_events(held, lfirst(cell), history, &room);
	list_free_deep(identities);
	if (history->count > 1)
		qsort(history->events, history->count, sizeof(Event), compare_events);
}

/* The pseudonyms of the person with this number. */
static List *
identities_of(const JpHeld *held, int32 number)
{
	Relation	rel = table_open(jp_relation("subject"), AccessShareLock);
	List	   *identities = NIL;
	int32		head = number;
	int32		ignored;

	add_identities(held, rel, "subject_number_key", 2, number, &head, &identities);
	if (head != number)
		add_identities(held, rel, "subject_number_key", 2, head, &ignored,
					   &identities);
	add_identities(held, rel, "subject_head", 3, head, &ignored, &identities);
	table_close(rel, AccessShareLock);
	return identities;
}

/* Adds the identities found by an index; tells the head of the last. */
static void
add_identities(const JpHeld *held, Relation rel, const char *index,
			   AttrNumber column, int32 number, int32 *head, List **identities)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(number));
	scan = systable_beginscan(rel, jp_relation(index), true,
							  jp_permitted_snapshot(held->permitted), 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));
		bool		isnull;
		Datum		value;

		*pseudonym = *(JpPseudonym *) DatumGetPointer(heap_getattr(tuple, 1,
																   desc,
																   &isnull));
		*identities = lappend(*identities, pseudonym);
		value = heap_getattr(tuple, 3, desc, &isnull);
		*head = isnull ? number : DatumGetInt32(value);
	}
	systable_endscan(scan);
}

/* Adds what the ledger has of one identity on the purpose. */
static void
add_events(JpHeld *held, const JpPseudonym *pseudonym, History *history,
		   int *room)
{
	Relation	rel = table_open(jp_relation("consent_event"), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, jp_pseudonym_equal(),
				PointerGetDatum(pseudonym));
	scan = systable_beginscan(rel, jp_relation("consent_event_pkey"), true,
							  jp_permitted_snapshot(held->permitted), 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		purpose = heap_getattr(tuple, 3, desc, &isnull);
		char	   *decision;

		if (isnull || strcmp(TextDatumGetCString(purpose), held->purpose->name) != 0)
			continue;
		if (history->count == *room)
		{
			*room = Max(4, *room * 2);
			history->events = history->events == NULL ?
				MemoryContextAlloc(held->history_context, *room * sizeof(Event)) :
				repalloc(history->events, *room * sizeof(Event));
		}
		decision = TextDatumGetCString(heap_getattr(tuple, 4, desc, &isnull));
		history->events[history->count].at =
			DatumGetTimestampTz(heap_getattr(tuple, 5, desc, &isnull));
		history->events[history->count++].granted =
			strcmp(decision, "granted") == 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Orders decisions by time; at equal times a no comes after, and counts. */
static int
compare_events(const void *a, const void *b)
{
	const Event *x = a;
	const Event *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (int) y->granted - (int) x->granted;
}
