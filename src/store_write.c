/*
 * store_write.c
 *		Journeys made of moments whose names have codes.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "store_internal.h"

struct JpJourneyWriter
{
	MemoryContext context;
	const JpNames *names;
	bool		shared;
	uint32	   *place;			/* by code, from 1 in the journey at hand; zero in between */
	uint32	   *code;			/* shared code by code; UINT32_MAX: not looked for yet */
	uint32		room;
};

static void make_code_room(JpJourneyWriter *writer);
static uint32 place_names(JpJourneyWriter *writer, const JpMoment *moments, uint32 count,
						  JpMoment *events, JpJourneyName **list, uint32 *names);
static void name_of_code(JpJourneyWriter *writer, uint32 code, JpJourneyName *name);

JpJourneyWriter *
jp_journey_writer(MemoryContext context, const JpNames *names, bool shared)
{
	JpJourneyWriter *writer = (JpJourneyWriter *) MemoryContextAllocZero(context, sizeof(JpJourneyWriter));

	writer->context = context;
	writer->names = names;
	writer->shared = shared;
	return writer;
}

const JpNames *
jp_writer_names(const JpJourneyWriter *writer)
{
	return writer->names;
}

struct varlena *
jp_writer_journey(JpJourneyWriter *writer, const JpMoment *moments, uint32 count)
{
	JpMoment   *events = (JpMoment *) palloc(Max(count, 1) * sizeof(JpMoment));
	JpJourneyName *list;
	uint32		names;
	struct varlena *journey;
	size_t		size;

	jp_journey_check_count(count);
	make_code_room(writer);
	count = place_names(writer, moments, count, events, &list, &names);
	size = jp_journey_room(count, list, names);
	if (!AllocSizeIsValid(VARHDRSZ + size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the names in a journey are too long")));
	journey = (struct varlena *) palloc(VARHDRSZ + size);
	size = jp_journey_write((unsigned char *) VARDATA(journey), events, count, list, names);
	SET_VARSIZE(journey, VARHDRSZ + size);
	pfree(events);
	pfree(list);
	return journey;
}

/* Room for all codes that there are by now. */
static void
make_code_room(JpJourneyWriter *writer)
{
	uint32		room = jp_names_count(writer->names) + 1;

	if (room <= writer->room)
		return;
	room = Max(2 * room, 64);
	if (writer->room > 0)
	{
		pfree(writer->place);
		pfree(writer->code);
	}
	writer->place = (uint32 *) MemoryContextAllocExtended(writer->context, room * sizeof(uint32),
														  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	writer->code = (uint32 *) MemoryContextAllocExtended(writer->context, room * sizeof(uint32),
														 MCXT_ALLOC_HUGE);
	memset(writer->code, 0xff, room * sizeof(uint32));
	writer->room = room;
}

/* Events with places instead of codes, and the names in these places. */
static uint32
place_names(JpJourneyWriter *writer, const JpMoment *moments, uint32 count,
			JpMoment *events, JpJourneyName **list, uint32 *names)
{
	uint32		room = 16;
	uint32	   *used = (uint32 *) palloc(room * sizeof(uint32));
	uint32		made = 0;
	uint32		i;

	*names = 0;
	for (i = 0; i < count; i++)
	{
		uint32		code = jp_low(moments[i].steps);

		if (code == 0)
			continue;
		if (writer->place[code] == 0)
		{
			if (*names == room)
				used = (uint32 *) repalloc(used, (room *= 2) * sizeof(uint32));
			used[(*names)++] = code;
			writer->place[code] = *names;
		}
		events[made].at = moments[i].at;
		events[made++].steps = writer->place[code] - 1;
	}
	*list = (JpJourneyName *) palloc(Max(*names, 1) * sizeof(JpJourneyName));
	for (i = 0; i < *names; i++)
	{
		name_of_code(writer, used[i], &(*list)[i]);
		writer->place[used[i]] = 0;
	}
	pfree(used);
	return made;
}

static void
name_of_code(JpJourneyWriter *writer, uint32 code, JpJourneyName *name)
{
	text	   *spelling = jp_name_text(writer->names, code);

	name->chars = VARDATA(spelling);
	name->length = VARSIZE(spelling) - VARHDRSZ;
	if (writer->code[code] == UINT32_MAX)
		writer->code[code] = writer->shared ? jp_shared_code(name->chars, name->length) : 0;
	name->code = writer->code[code];
}

Datum
jp_journey_make(const JpMoment *moments, uint32 count, const JpNames *names)
{
	JpJourneyWriter *writer = jp_journey_writer(CurrentMemoryContext, names, false);
	struct varlena *journey = jp_writer_journey(writer, moments, count);

	pfree(writer->place);
	pfree(writer->code);
	pfree(writer);
	return PointerGetDatum(journey);
}

void
jp_journey_check_time(TimestampTz at)
{
	if (!IS_VALID_TIMESTAMP(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an event of a journey must have a finite time")));
}

void
jp_journey_check_count(uint64 count)
{
	if (count > JP_JOURNEY_EVENTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a journey has more than %d events", JP_JOURNEY_EVENTS_MAX),
				 errhint("Group by subject, or bound the time.")));
}
