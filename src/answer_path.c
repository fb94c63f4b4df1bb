/*
 * answer_path.c
 *		Aggregates path_counts and edge_counts: which ways many subjects take.
 *
 * A path is one journey, or with a gap one session, as far as it is asked for.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "answer_count.h"
#include "answer_tally.h"
#include "session_core.h"

#define DEPTH_MAX		100

/* Counters of a path or of an edge. */
enum
{
	SUBJECTS, TIMES, COUNTERS
};

/* What is asked. */
typedef struct Paths
{
	JpPathQuestion question;
	uint64		gap;			/* UINT64_MAX: a journey is one */
} Paths;

/* While subjects are counted. */
typedef struct Counting
{
	JpWalk		walk;
	const Paths *asked;
	JpCounts   *counts;			/* of paths by group and number; of edges by where they begin and lead to */
	JpNames    *paths;			/* by the bytes of their codes */
	uint32	   *code;			/* room for a path */
	uint32		room;
	void		(*count) (struct Counting *counting, uint32 group, const uint32 *code, uint32 length);
} Counting;

/*
 * Where an edge begins as one number: its group, position (0: all of them) and
 * event.  There are not 2^24 groups: their names would take too much memory.
 */
#define EDGE_FROM(group, position, event) \
	((uint64) (group) << 40 | (uint64) (position) << 32 | (event))
#define EDGE_GROUP(from)	((uint32) ((from) >> 40))
#define EDGE_POSITION(from)	((uint32) ((from) >> 32) & 0xFF)
#define EDGE_EVENT(from)	((uint32) (from))

static Datum count_ways(FunctionCallInfo fcinfo,
						void (*count) (Counting *counting, uint32 group, const uint32 *code, uint32 length),
						Datum (*cells) (FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting));
static void *read_paths(JpTally *tally, const NullableDatum *options);
static size_t depth_of(const NullableDatum *option);
static bool read_word(const NullableDatum *option, const char *name, const char *other, const char *one);
static void count_subject(void *arg, const JpRecord *records, uint32 count);
static void make_room(Counting *counting, uint32 count);
static void count_at(Counting *counting, uint64 first, uint32 second);
static void count_path(Counting *counting, uint32 group, const uint32 *code, uint32 length);
static void count_edges(Counting *counting, uint32 group, const uint32 *code, uint32 length);
static Datum path_cells(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting);
static Datum path_array(const JpTally *tally, const text *codes);
static Datum edge_cells(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting);

/* subject, occurred_at, event, breakdown, depth, gap, collapse, anchor, anchor_at, direction */
static const JpTallyKind kind = {
	.event = 3,.group = 4,.options = 5,.option_count = 6,.read = read_paths
};

/* subject, events, from, until, depth, gap, collapse, anchor, anchor_at, direction */
static const JpTallyKind journeys = {
	.event = 2,.options = 5,.option_count = 6,.read = read_paths
};

PG_FUNCTION_INFO_V1(jp_edge_counts_final);

JP_TALLY_FUNCTIONS(path_counts, kind)
JP_TALLY_JOURNEY_FUNCTIONS(path_counts, journeys)

Datum
jp_path_counts_final(PG_FUNCTION_ARGS)
{
	return count_ways(fcinfo, count_path, path_cells);
}

Datum
jp_edge_counts_final(PG_FUNCTION_ARGS)
{
	return count_ways(fcinfo, count_edges, edge_cells);
}

/* Counts what one of the two counts. */
static Datum
count_ways(FunctionCallInfo fcinfo,
		   void (*count) (Counting *counting, uint32 group, const uint32 *code, uint32 length),
		   Datum (*cells) (FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting))
{
	JpTally    *tally = jp_tally_final(fcinfo);
	Counting	counting = {0};
	uint32	   *rank;

	if (tally == NULL)
		PG_RETURN_NULL();
	counting.walk.mark = jp_tally_ranks(tally, &rank);
	counting.asked = tally->asked;
	counting.counts = jp_counts_create(CurrentMemoryContext, COUNTERS);
	counting.paths = jp_names_create(CurrentMemoryContext);
	counting.count = count;
	jp_records_take(tally->records, rank, count_subject, &counting);
	return cells(fcinfo, tally, &counting);
}

/* Reads what is asked. */
static void *
read_paths(JpTally *tally, const NullableDatum *options)
{
	Paths	   *asked = palloc0(sizeof(Paths));

	if (options[2].isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("collapse must not be null")));
	asked->question.depth = depth_of(&options[0]);
	asked->gap = options[1].isnull ? PG_UINT64_MAX :
		jp_microseconds(DatumGetIntervalP(options[1].value), "gap");
	asked->question.collapse = DatumGetBool(options[2].value);
	asked->question.anchor = jp_tally_option_code(tally, &options[3]);
	asked->question.last = read_word(&options[4], "anchor_at", "first", "last");
	asked->question.to = read_word(&options[5], "direction", "from", "to");
	return asked;
}

/* How many events of a path are asked for; null: all. */
static size_t
depth_of(const NullableDatum *option)
{
	int32		depth = DatumGetInt32(option->value);

	if (option->isnull)
		return SIZE_MAX;
	if (depth < 1 || depth > DEPTH_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("depth must be from 1 to %d events", DEPTH_MAX),
				 errhint("NULL stands for all of them.")));
	return depth;
}

/* Whether an option is one of two words. */
static bool
read_word(const NullableDatum *option, const char *name, const char *other, const char *one)
{
	char	   *word = option->isnull ? NULL : text_to_cstring(DatumGetTextPP(option->value));

	if (word == NULL || (strcmp(word, one) != 0 && strcmp(word, other) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be %s or %s", name, other, one)));
	return strcmp(word, one) == 0;
}

/* Counts the paths of one subject, each in the group of its first event. */
static void
count_subject(void *arg, const JpRecord *records, uint32 count)
{
	Counting   *counting = arg;
	size_t		begin,
				end;

	jp_walk_subject(&counting->walk, records, count);
	make_room(counting, count);
	for (begin = 0; begin < count; begin = end)
	{
		size_t		length;

		end = counting->asked->gap == PG_UINT64_MAX ? count :
			jp_session_end(counting->walk.moment, count, begin, counting->asked->gap);
		length = jp_path_of(&counting->asked->question, counting->walk.moment + begin,
							end - begin, counting->code);
		if (length > 0)
			counting->count(counting, counting->walk.mark[records[begin].mark].group,
							counting->code, (uint32) length);
	}
}

/* Room for a path of so many events. */
static void
make_room(Counting *counting, uint32 count)
{
	if (count <= counting->room)
		return;
	counting->room = Max(count, 2 * counting->room);
	if (counting->code != NULL)
		pfree(counting->code);
	counting->code = MemoryContextAllocHuge(CurrentMemoryContext, counting->room * sizeof(uint32));
}

/* Counts once more, and the subject if it has not been. */
static void
count_at(Counting *counting, uint64 first, uint32 second)
{
	JpCount    *cell = jp_counts_find(counting->counts, first, second);

	if (cell->seen != counting->walk.subject)
		cell->count[SUBJECTS]++;
	cell->seen = counting->walk.subject;
	cell->count[TIMES]++;
}

/* Counts a path. */
static void
count_path(Counting *counting, uint32 group, const uint32 *code, uint32 length)
{
	count_at(counting, group,
			 jp_name_code(counting->paths, (const char *) code, length * sizeof(uint32)));
}

/* Counts the edges of a path. */
static void
count_edges(Counting *counting, uint32 group, const uint32 *code, uint32 length)
{
	bool		placed = counting->asked->question.depth != SIZE_MAX;
	uint32		i;

	for (i = 0; i + 1 < length; i++)
		count_at(counting, EDGE_FROM(group, placed ? i + 1 : 0, code[i]), code[i + 1]);
}

/* breakdown, path, subjects, times */
static Datum
path_cells(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting)
{
	JpCellArray cells;
	JpCount    *cell;
	JpCountsScan scan;

	jp_cells_begin(&cells, fcinfo);
	jp_counts_scan(counting->counts, &scan);
	while ((cell = jp_counts_next(counting->counts, &scan)) != NULL)
	{
		text	   *group = jp_tally_name(tally, cell->first);
		Datum		values[4] = {PointerGetDatum(group),
			path_array(tally, jp_name_text(counting->paths, cell->second)),
			Int64GetDatum(cell->count[SUBJECTS]),
		Int64GetDatum(cell->count[TIMES])};
		bool		nulls[4] = {group == NULL};

		jp_cells_add(&cells, values, nulls);
	}
	return jp_cells_end(&cells);
}

/* A path as text[]. */
static Datum
path_array(const JpTally *tally, const text *codes)
{
	int			length = (VARSIZE(codes) - VARHDRSZ) / sizeof(uint32);
	Datum	   *event = palloc(length * sizeof(Datum));
	uint32	   *code = palloc(length * sizeof(uint32));
	int			i;

	memcpy(code, VARDATA(codes), length * sizeof(uint32));
	for (i = 0; i < length; i++)
		event[i] = PointerGetDatum(jp_tally_name(tally, code[i]));
	return PointerGetDatum(construct_array(event, length, TEXTOID, -1, false, TYPALIGN_INT));
}

/* breakdown, position, from_event, to_event, subjects, times */
static Datum
edge_cells(FunctionCallInfo fcinfo, const JpTally *tally, Counting *counting)
{
	JpCellArray cells;
	JpCount    *cell;
	JpCountsScan scan;

	jp_cells_begin(&cells, fcinfo);
	jp_counts_scan(counting->counts, &scan);
	while ((cell = jp_counts_next(counting->counts, &scan)) != NULL)
	{
		text	   *group = jp_tally_name(tally, EDGE_GROUP(cell->first));
		int			position = EDGE_POSITION(cell->first);
		Datum		values[6] = {PointerGetDatum(group), Int32GetDatum(position),
			PointerGetDatum(jp_tally_name(tally, EDGE_EVENT(cell->first))),
			PointerGetDatum(jp_tally_name(tally, cell->second)),
			Int64GetDatum(cell->count[SUBJECTS]),
		Int64GetDatum(cell->count[TIMES])};
		bool		nulls[6] = {group == NULL, position == 0};

		jp_cells_add(&cells, values, nulls);
	}
	return jp_cells_end(&cells);
}
