/*
 * store_codec.h
 *		Bytes of a journey: events in order of time, few bits each.  Pure.
 *
 * A head of whole bytes: version, unit of time, classes of spans, how names
 * are kept; the number of events; then, unless there are none, the first one's
 * time, the widths of the classes and the names.  Then the events as bits, the
 * lowest first: each has the class of the span since the event before, its
 * name, and the span in units.  The first has its name only.
 */
#ifndef JP_STORE_CODEC_H
#define JP_STORE_CODEC_H

#include "journey_funnel.h"

/* Of one journey. */
#define JP_JOURNEY_EVENTS_MAX	(4 * 1024 * 1024)

/* Times from and before, in microseconds from 2000: those of the server. */
#define JP_JOURNEY_TIME_MIN		INT64_C(-211813488000000000)
#define JP_JOURNEY_TIME_END		INT64_C(9223371331200000000)

/* Spans are of so many classes at most, each with a width in bits. */
#define JP_SPAN_CLASSES	4

/* A name: bytes, or a code of the shared dictionary; 0: it has none. */
typedef struct JpJourneyName
{
	const char *chars;			/* NULL when read as a code */
	uint32		length;
	uint32		code;
} JpJourneyName;

/* A journey being read.  The bytes must stay. */
typedef struct JpJourneyReader
{
	const unsigned char *bytes;
	size_t		size;
	size_t		names_at;		/* the list of names */
	uint64		bit;			/* of the next event */
	int64		unit;			/* in microseconds */
	int64		origin;			/* the first time that there can be */
	uint64		since;			/* units from there to the event before */
	uint64		since_max;
	uint32		count;			/* of events, whole */
	uint32		left;			/* not read yet */
	uint32		names;			/* in the list; 0 when events carry shared codes */
	int			name_bits;
	int			class_bits;
	int			width[JP_SPAN_CLASSES];
} JpJourneyReader;

/* Begins to read; false when the bytes are no journey. */
extern bool jp_reader_begin(JpJourneyReader *reader, const void *bytes, size_t size);

/* The names of the list, in order; begin has found them well-formed. */
extern void jp_reader_names(const JpJourneyReader *reader, JpJourneyName *names);

/*
 * Reads up to room events: time in at, and in steps the name's place in the
 * list from 0 or, without a list, its shared code.  How many there were, 0 at
 * the end, -1 when the bytes are no journey.
 */
extern int	jp_reader_events(JpJourneyReader *reader, JpMoment *events, uint32 room);

/*
 * Writes events, in order, whose steps are places in the list of names, each
 * name once and used.  Codes are written for the names that have one.  bytes
 * has room for jp_journey_room(); returns the size.
 */
extern size_t jp_journey_write(unsigned char *bytes, const JpMoment *events, uint32 count,
							   const JpJourneyName *names, uint32 name_count);
extern size_t jp_journey_room(uint32 count, const JpJourneyName *names, uint32 name_count);

#endif							/* JP_STORE_CODEC_H */
