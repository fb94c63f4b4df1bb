/*
 * store_journey.h
 *		The type journey seen from C: events read in the caller's own codes for
 *		names, fast enough for a transition function.
 *
 *		JpJourneyNames *names = jp_journey_names(context, code_of, arg);
 *
 *		jp_journey_open(&reading, names, datum);
 *		while ((n = jp_journey_next(&reading, moments, lengthof(moments))) > 0)
 *			... moments[i].at, jp_low(moments[i].steps) ...
 *		jp_journey_close(&reading);
 */
#ifndef JP_STORE_JOURNEY_H
#define JP_STORE_JOURNEY_H

#include "fmgr.h"

#include "journey_gathered.h"
#include "store_codec.h"

/* The caller's code for a name, any number; called once for a name that is shared. */
typedef uint32 (*JpNameCode) (void *arg, const char *chars, Size len);

/* Which codes a call site gave to names that it met. */
typedef struct JpJourneyNames JpJourneyNames;

extern JpJourneyNames *jp_journey_names(MemoryContext context, JpNameCode code, void *arg);

/* The same with the codes of a JpNames. */
extern JpJourneyNames *jp_journey_names_of(MemoryContext context, JpNames *names);

/* A journey being read. */
typedef struct JpJourneyReading
{
	JpJourneyReader reader;
	JpJourneyNames *names;
	const uint32 *code;			/* by place in the journey's list, or by shared code */
	uint32		codes;
	struct varlena *detoasted;	/* NULL when it need not be freed */
} JpJourneyReading;

/*
 * Begins to read a journey, its names coded; one reading at a time for one
 * JpJourneyNames.  count is in reading->reader.count.  XX001 when damaged.
 */
extern void jp_journey_open(JpJourneyReading *reading, JpJourneyNames *names, Datum journey);

/*
 * Up to room events in order (equal times by bytes of the name), the caller's
 * code in the low half of steps and 0 in the high one.  0 at the end.
 */
extern uint32 jp_journey_next(JpJourneyReading *reading, JpMoment *moments, uint32 room);
extern void jp_journey_close(JpJourneyReading *reading);

/* All events of a journey in one array; palloc'd. */
extern JpMoment *jp_journey_moments(JpJourneyNames *names, Datum journey, uint32 *count);

/* A journey of ordered moments whose low halves are codes of names; 0: left out. */
extern Datum jp_journey_make(const JpMoment *moments, uint32 count, const JpNames *names);

/*
 * The store whose rows hold every event of a table, named by this column (NULL:
 * any), from a time (inclusive) to another (exclusive), nothing changed since its last refresh; else
 * InvalidOid and why, as a phrase for funnel_plan().  Sees what the active
 * snapshot sees.
 */
extern Oid	jp_store_covering(Oid relid, const char *event, TimestampTz from, TimestampTz until,
							  const char **why);

#endif							/* JP_STORE_JOURNEY_H */
