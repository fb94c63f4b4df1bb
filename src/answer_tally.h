/*
 * answer_tally.h
 *		What the aggregates over the events of many subjects share: each takes
 *		the subject as an argument and keeps the events by subject itself.
 */
#ifndef JP_ANSWER_TALLY_H
#define JP_ANSWER_TALLY_H

#include "access/tupdesc.h"
#include "fmgr.h"

#include "journey_gathered.h"
#include "journey_records.h"

/* What a record is marked with: codes of names, 0 for null. */
typedef struct JpMark
{
	uint32		event;
	uint32		group;
	uint32		property;
} JpMark;

typedef struct JpTally JpTally;

/* One aggregate: which argument is what, 0 for none, and how it reads its question. */
typedef struct JpTallyKind
{
	int			event;			/* the subject is argument 1, its time 2 */
	int			group;
	int			property;
	int			flag;			/* a boolean, kept as the property */
	int			options;		/* from this argument on, what is asked */
	int			option_count;
	/* What is asked, in the current context; may give names codes beforehand. */
	void	   *(*read) (JpTally *tally, const NullableDatum *options);
} JpTallyKind;

/* The state of a group. */
struct JpTally
{
	MemoryContext context;
	const JpTallyKind *kind;
	bytea	   *question;		/* the options, as they came */
	void	   *asked;			/* as kind->read made it */
	uint32		known;			/* > 0: only events with codes up to this count */
	JpNames    *names;
	struct marks_hash *mark_of;	/* NULL: all marks so far are codes of events */
	JpMark	   *mark;
	uint32		marks;
	uint32		marks_room;
	JpMark		last;			/* the mark of the row before, and its number */
	uint32		last_number;
	JpNames    *subjects;		/* NULL: subjects are numbers */
	struct JpJourneyNames *journey_names;
	JpRecords  *records;
	const JpRecord *flat;		/* instead of records, on the way between processes */
	uint64		flat_count;
};

/* Transition: a row into the state of argument 0. */
extern Datum jp_tally_step(FunctionCallInfo fcinfo, const JpTallyKind *kind);

/*
 * The same for a row of a journey store: the subject's number, the journey,
 * and from when until when its events count, before the options.
 */
extern Datum jp_tally_journey_step(FunctionCallInfo fcinfo, const JpTallyKind *kind);
extern Datum jp_tally_combine(FunctionCallInfo fcinfo, const JpTallyKind *kind);
extern Datum jp_tally_deserial(FunctionCallInfo fcinfo, const JpTallyKind *kind);

/* What SQL calls of an aggregate, but for its final function. */
#define JP_TALLY_FUNCTIONS(name, kind) \
PG_FUNCTION_INFO_V1(jp_##name##_step); \
PG_FUNCTION_INFO_V1(jp_##name##_combine); \
PG_FUNCTION_INFO_V1(jp_##name##_deserial); \
PG_FUNCTION_INFO_V1(jp_##name##_final); \
Datum \
jp_##name##_step(PG_FUNCTION_ARGS) \
{ \
	return jp_tally_step(fcinfo, &(kind)); \
} \
Datum \
jp_##name##_combine(PG_FUNCTION_ARGS) \
{ \
	return jp_tally_combine(fcinfo, &(kind)); \
} \
Datum \
jp_##name##_deserial(PG_FUNCTION_ARGS) \
{ \
	return jp_tally_deserial(fcinfo, &(kind)); \
}

/* The same over journeys, whose other functions are those above. */
#define JP_TALLY_JOURNEY_FUNCTIONS(name, kind) \
PG_FUNCTION_INFO_V1(jp_##name##_journey_step); \
Datum \
jp_##name##_journey_step(PG_FUNCTION_ARGS) \
{ \
	return jp_tally_journey_step(fcinfo, &(kind)); \
}

/* The state for a final function, NULL without a row. */
extern JpTally *jp_tally_final(FunctionCallInfo fcinfo);

/*
 * The marks in order of their names, so that events of one time come in an
 * order that does not depend on how they were read: rank[mark] says which
 * place of the returned array a mark has.
 */
extern JpMark *jp_tally_ranks(const JpTally *tally, uint32 **rank);

/* One subject's records as moments: the event's code in the low half, the property's in the high one. */
typedef struct JpWalk
{
	const JpMark *mark;			/* by rank */
	JpMoment   *moment;
	uint32		room;
	uint32		subject;		/* how many have been walked over */
} JpWalk;

extern void jp_walk_subject(JpWalk *walk, const JpRecord *records, uint32 count);

/* The code of an event that is asked about, for kind->read; 0 for null. */
extern uint32 jp_tally_option_code(JpTally *tally, const NullableDatum *option);

/* A name as text, NULL for code 0. */
extern text *jp_tally_name(const JpTally *tally, uint32 code);

/* An array of a composite type of ours, cell by cell. */
typedef struct JpCellArray
{
	Oid			type;
	TupleDesc	desc;
	Datum	   *cell;
	int			count;
	int			room;
} JpCellArray;

extern void jp_cells_begin(JpCellArray *cells, FunctionCallInfo fcinfo);
extern void jp_cells_add(JpCellArray *cells, Datum *values, bool *nulls);
extern Datum jp_cells_end(JpCellArray *cells);

#endif							/* JP_ANSWER_TALLY_H */
