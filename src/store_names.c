/*
 * store_names.c
 *		Names in journeys: the shared dictionary as this backend knows it, and
 *		the codes that a query gives to names that it meets.
 *
 * The dictionary only grows, so what was read once stays true; a code that is
 * not known is looked for again before the journey is called damaged.  It is
 * read with a snapshot of its own: who sees a journey sees its names.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog.h"
#include "compat.h"
#include "store_internal.h"

/* Columns of table event_name, in the order of CREATE TABLE. */
enum
{
	CODE = 1, NAME
};

/* The caller's code for a name is not known yet. */
#define UNKNOWN		UINT32_MAX

struct JpJourneyNames
{
	MemoryContext context;
	JpNameCode	code;
	void	   *arg;
	uint32	   *shared;			/* by shared code */
	uint32		shared_count;
	uint32	   *listed;			/* by place in the list of the journey at hand */
	JpJourneyName *list;
	uint32		listed_room;
};

/* The dictionary: names by place, and the place of each code. */
static MemoryContext dictionary_context = NULL;
static JpNames *dictionary = NULL;
static uint32 *code_at = NULL;	/* by place - 1 */
static uint32 *place_of = NULL; /* by code */
static uint32 codes = 0;
static uint64 read_as_of = 0;

static void read_dictionary(void);
static void take_name(uint32 code, const text *name);
static void list_names(JpJourneyReading *reading);
static void make_list_room(JpJourneyNames *names, uint32 count);
static uint32 shared_name(JpJourneyNames *names, uint32 code);
static uint32 code_of_name(void *arg, const char *chars, Size len);

/* A name by its code. */
void
jp_shared_name(uint32 code, const char **chars, Size *len)
{
	text	   *name;

	if (read_as_of != jp_catalog_generation() || code >= codes || place_of[code] == 0)
		read_dictionary();
	if (code >= codes || place_of[code] == 0)
		jp_journey_damaged();
	name = jp_name_text(dictionary, place_of[code]);
	*chars = VARDATA(name);
	*len = VARSIZE(name) - VARHDRSZ;
}

/* The code of a name. */
uint32
jp_shared_code(const char *chars, Size len)
{
	uint32		place;

	if (read_as_of != jp_catalog_generation())
		read_dictionary();
	place = jp_name_find(dictionary, chars, len);
	return place == 0 ? 0 : code_at[place - 1];
}

/* Reads the dictionary, which refresh_journey_store() keeps small. */
static void
read_dictionary(void)
{
	uint64		as_of = jp_catalog_generation();
	Relation	rel = table_open(jp_relation("event_name"), AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	read_as_of = 0;
	if (dictionary_context == NULL)
		dictionary_context = AllocSetContextCreate(TopMemoryContext,
												   "journey_privacy event names",
												   ALLOCSET_SMALL_SIZES);
	MemoryContextReset(dictionary_context);
	dictionary = jp_names_create(dictionary_context);
	codes = 0;
	place_of = code_at = NULL;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		take_name(DatumGetInt32(heap_getattr(tuple, CODE, RelationGetDescr(rel), &isnull)),
				  DatumGetTextPP(heap_getattr(tuple, NAME, RelationGetDescr(rel), &isnull)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	read_as_of = as_of;
}

/* Takes a name into the dictionary. */
static void
take_name(uint32 code, const text *name)
{
	uint32		place = jp_name_code(dictionary, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	uint32		room = codes;

	while (code >= codes || place > codes)
		codes = codes == 0 ? 64 : 2 * codes;
	if (codes > room)
	{
		uint32	   *places = (uint32 *) MemoryContextAllocZero(dictionary_context, codes * sizeof(uint32));
		uint32	   *by_place = (uint32 *) MemoryContextAllocZero(dictionary_context, codes * sizeof(uint32));

		if (room > 0)
		{
			memcpy(places, place_of, room * sizeof(uint32));
			memcpy(by_place, code_at, room * sizeof(uint32));
		}
		place_of = places;
		code_at = by_place;
	}
	place_of[code] = place;
	code_at[place - 1] = code;
}

JpJourneyNames *
jp_journey_names(MemoryContext context, JpNameCode code, void *arg)
{
	JpJourneyNames *names = (JpJourneyNames *) MemoryContextAllocZero(context, sizeof(JpJourneyNames));

	names->context = context;
	names->code = code;
	names->arg = arg;
	return names;
}

JpJourneyNames *
jp_journey_names_of(MemoryContext context, JpNames *names)
{
	return jp_journey_names(context, code_of_name, names);
}

/* The code of a JpNames. */
static uint32
code_of_name(void *arg, const char *chars, Size len)
{
	return jp_name_code((JpNames *) arg, chars, len);
}

void
jp_journey_open(JpJourneyReading *reading, JpJourneyNames *names, Datum journey)
{
	struct varlena *given = (struct varlena *) DatumGetPointer(journey);
	struct varlena *bytes = pg_detoast_datum_packed(given);

	reading->names = names;
	reading->detoasted = bytes == given ? NULL : bytes;
	if (!jp_reader_begin(&reading->reader, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)))
		jp_journey_damaged();
	reading->code = names->shared;
	reading->codes = names->shared_count;
	if (reading->reader.names > 0)
		list_names(reading);
}

/* Gives codes to the names of a journey's list. */
static void
list_names(JpJourneyReading *reading)
{
	JpJourneyNames *names = reading->names;
	uint32		count = reading->reader.names;
	uint32		i;

	make_list_room(names, count);
	jp_reader_names(&reading->reader, names->list);
	for (i = 0; i < count; i++)
	{
		const JpJourneyName *name = &names->list[i];

		names->listed[i] = name->chars == NULL ? shared_name(names, name->code) :
			names->code(names->arg, name->chars, name->length);
	}
	reading->code = names->listed;
	reading->codes = count;
}

static void
make_list_room(JpJourneyNames *names, uint32 count)
{
	if (count <= names->listed_room)
		return;
	if (names->listed_room > 0)
	{
		pfree(names->listed);
		pfree(names->list);
	}
	names->listed_room = Max(2 * count, 32);
	names->listed = (uint32 *) MemoryContextAlloc(names->context, names->listed_room * sizeof(uint32));
	names->list = (JpJourneyName *) MemoryContextAlloc(names->context,
													   names->listed_room * sizeof(JpJourneyName));
}

/* The caller's code for a shared name. */
static uint32
shared_name(JpJourneyNames *names, uint32 code)
{
	const char *chars;
	Size		len;

	if (code < names->shared_count && names->shared[code] != UNKNOWN)
		return names->shared[code];
	jp_shared_name(code, &chars, &len);
	if (code >= names->shared_count)
	{
		uint32		count = Max(2 * code, 64);
		uint32	   *shared = (uint32 *) MemoryContextAlloc(names->context, count * sizeof(uint32));

		memset(shared, 0xff, count * sizeof(uint32));
		if (names->shared != NULL)
		{
			memcpy(shared, names->shared, names->shared_count * sizeof(uint32));
			pfree(names->shared);
		}
		names->shared = shared;
		names->shared_count = count;
	}
	names->shared[code] = names->code(names->arg, chars, len);
	return names->shared[code];
}

uint32
jp_journey_next(JpJourneyReading *reading, JpMoment *moments, uint32 room)
{
	int			count = jp_reader_events(&reading->reader, moments, room);
	bool		listed = reading->reader.names > 0;
	int			i;

	if (count < 0)
		jp_journey_damaged();
	for (i = 0; i < count; i++)
	{
		uint32		name = (uint32) moments[i].steps;

		if (!listed && (name >= reading->codes || reading->code[name] == UNKNOWN))
		{
			moments[i].steps = shared_name(reading->names, name);
			reading->code = reading->names->shared;
			reading->codes = reading->names->shared_count;
		}
		else
			moments[i].steps = reading->code[name];
	}
	return (uint32) count;
}

void
jp_journey_close(JpJourneyReading *reading)
{
	if (reading->detoasted != NULL)
		pfree(reading->detoasted);
	reading->detoasted = NULL;
}

JpMoment *
jp_journey_moments(JpJourneyNames *names, Datum journey, uint32 *count)
{
	JpJourneyReading reading;
	JpMoment   *moments;

	jp_journey_open(&reading, names, journey);
	*count = reading.reader.count;
	moments = (JpMoment *) palloc(Max(*count, 1) * sizeof(JpMoment));
	if (jp_journey_next(&reading, moments, *count) != *count)
		jp_journey_damaged();
	jp_journey_close(&reading);
	return moments;
}

void
jp_journey_damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("a journey is damaged")));
}
