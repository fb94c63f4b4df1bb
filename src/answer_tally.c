/*
 * answer_tally.c
 *		What the aggregates over the events of many subjects share.
 *
 * GROUP BY subject is where the time of such a question goes: a hash table of
 * half a million groups, a state and its memory for each.  These aggregates
 * take the subject as an argument, keep 16 bytes for an event (journey_records.c)
 * and group them at the end, a part that fits the cache at a time.  A parallel
 * worker hands its events over as they are.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "answer_internal.h"
#include "compat.h"
#include "store_journey.h"

/* Events of a journey that are read together. */
#define JOURNEY_BATCH	128

/* A mark, as a key without padding. */
typedef struct MarkEntry
{
	JpMark		mark;
	uint32		number;
	char		status;
} MarkEntry;

#define SH_PREFIX marks
#define SH_ELEMENT_TYPE MarkEntry
#define SH_KEY_TYPE JpMark
#define SH_KEY mark
#define SH_HASH_KEY(tb, key) \
	murmurhash32((key).event ^ murmurhash32((key).group ^ murmurhash32((key).property)))
#define SH_EQUAL(tb, a, b) \
	((a).event == (b).event && (a).group == (b).group && (a).property == (b).property)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
/* The template shadows a variable of its own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "lib/simplehash.h"
#pragma GCC diagnostic pop

/* A call site of a transition. */
typedef struct Site
{
	int16		subject_len;
	bool		subject_by_value;
	bool		numbered;		/* the subject is an integer */
	bool		constant;		/* so are the options */
	bytea	   *question;
} Site;

static Site *site_of(FunctionCallInfo fcinfo, const JpTallyKind *kind);
static bool options_constant(FunctionCallInfo fcinfo, const JpTallyKind *kind);
static bytea *question_of(FunctionCallInfo fcinfo, const JpTallyKind *kind);
static void read_question(JpTally *tally);
static void close_tally(Datum tally);
static inline JpTally *tally_of_row(FunctionCallInfo fcinfo, const JpTallyKind *kind);
static void check_question(FunctionCallInfo fcinfo, const JpTallyKind *kind, const JpTally *tally);
static uint32 code_in_journeys(void *arg, const char *chars, Size len);
static uint32 subject_of(JpTally *tally, const Site *site, Datum subject);
static bool mark_of_row(FunctionCallInfo fcinfo, const JpTallyKind *kind,
						JpTally *tally, uint32 *mark);
static inline uint32 event_of(FunctionCallInfo fcinfo, const JpTallyKind *kind, JpTally *tally);
static uint32 code_of(JpNames *names, FunctionCallInfo fcinfo, int argument);
static uint32 number_of_kept_mark(JpTally *tally, JpMark mark);
static void keep_marks(JpTally *tally);

/* Transition: internal, subject, occurred_at, … */
Datum
jp_tally_step(FunctionCallInfo fcinfo, const JpTallyKind *kind)
{
	JpTally    *tally = tally_of_row(fcinfo, kind);
	const Site *site = fcinfo->flinfo->fn_extra;
	uint32		mark;

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) &&
		!TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(2)) &&
		mark_of_row(fcinfo, kind, tally, &mark))
		jp_records_add(tally->records,
					   site->numbered ? (uint32) PG_GETARG_INT32(1) :
					   subject_of(tally, site, PG_GETARG_DATUM(1)),
					   PG_GETARG_TIMESTAMPTZ(2), mark);
	PG_RETURN_POINTER(tally);
}

/* Transition: internal, a subject's number, a journey, from, until, … */
Datum
jp_tally_journey_step(FunctionCallInfo fcinfo, const JpTallyKind *kind)
{
	JpTally    *tally = tally_of_row(fcinfo, kind);
	int64		from = PG_ARGISNULL(3) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(3);
	int64		until = PG_ARGISNULL(4) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(4);
	JpMoment	moment[JOURNEY_BATCH];
	JpJourneyReading reading;
	uint32		subject;
	JpPartition *partition;
	uint32		count;
	uint32		i;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(tally);
	subject = (uint32) PG_GETARG_INT32(1);
	partition = jp_records_partition(tally->records, subject);
	if (tally->journey_names == NULL)
		tally->journey_names = jp_journey_names(tally->context, code_in_journeys, tally);
	jp_journey_open(&reading, tally->journey_names, PG_GETARG_DATUM(2));
	while ((count = jp_journey_next(&reading, moment, JOURNEY_BATCH)) > 0)
		for (i = 0; i < count; i++)
			if (moment[i].steps != 0 && moment[i].at >= from && moment[i].at < until)
				jp_records_add_to(tally->records, partition, subject, moment[i].at,
								  jp_low(moment[i].steps) - 1);
	jp_journey_close(&reading);
	PG_RETURN_POINTER(tally);
}

/* The mark of an event of some name in journeys, from 1; 0 when it does not count. */
static uint32
code_in_journeys(void *arg, const char *chars, Size len)
{
	JpTally    *tally = arg;
	JpMark		mark = {0, 0, 0};

	if (tally->kind->event == 0)
		return 1;
	mark.event = tally->known == 0 ? jp_name_code(tally->names, chars, len) :
		jp_name_find(tally->names, chars, len);
	if (mark.event == 0 || (tally->known != 0 && mark.event > tally->known))
		return 0;
	return jp_tally_mark(tally, mark) + 1;
}

/* The state of a row's group, begun when there is none. */
static inline JpTally *
tally_of_row(FunctionCallInfo fcinfo, const JpTallyKind *kind)
{
	Site	   *site = fcinfo->flinfo->fn_extra;
	JpTally    *tally = PG_ARGISNULL(0) ? NULL : (JpTally *) PG_GETARG_POINTER(0);

	if (unlikely(site == NULL))
		site = site_of(fcinfo, kind);
	if (unlikely(tally == NULL))
		return jp_tally_new(fcinfo, jp_tally_context(fcinfo), kind,
						 site->constant ? site->question : question_of(fcinfo, kind),
						 site->numbered);
	if (unlikely(!site->constant))
		check_question(fcinfo, kind, tally);
	return tally;
}

/* Refuses a row that asks something else than the others of its group. */
static void
check_question(FunctionCallInfo fcinfo, const JpTallyKind *kind, const JpTally *tally)
{
	bytea	   *question = question_of(fcinfo, kind);

	jp_tally_check_question(tally, question);
	pfree(question);
}

/* Refuses another question than the state's. */
void
jp_tally_check_question(const JpTally *tally, const bytea *question)
{
	if (VARSIZE(question) != VARSIZE(tally->question) ||
		memcmp(question, tally->question, VARSIZE(question)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what is asked of a journey must be the same in all rows of a group")));
}

/* What a row is marked with; false when it does not count. */
static bool
mark_of_row(FunctionCallInfo fcinfo, const JpTallyKind *kind, JpTally *tally,
			uint32 *mark)
{
	JpMark		key = {0, 0, 0};

	if (kind->flag != 0)
		key.property = !PG_ARGISNULL(kind->flag) && PG_GETARG_BOOL(kind->flag);
	if (kind->event != 0)
	{
		key.event = event_of(fcinfo, kind, tally);
		if (key.event == 0 && key.property == 0)
			return false;
	}
	if (kind->group != 0)
		key.group = code_of(tally->names, fcinfo, kind->group);
	if (kind->property != 0)
		key.property = code_of(tally->names, fcinfo, kind->property);
	*mark = jp_tally_mark(tally, key);
	return true;
}

/* The code of a row's event, 0 when it is none that counts. */
static inline uint32
event_of(FunctionCallInfo fcinfo, const JpTallyKind *kind, JpTally *tally)
{
	text	   *event;
	uint32		code;

	if (PG_ARGISNULL(kind->event))
		return 0;
	event = PG_GETARG_TEXT_PP(kind->event);
	if (tally->known == 0)
		return jp_name_code(tally->names, VARDATA_ANY(event), VARSIZE_ANY_EXHDR(event));
	code = jp_name_find(tally->names, VARDATA_ANY(event), VARSIZE_ANY_EXHDR(event));
	return code > tally->known ? 0 : code;
}

/* The code of a text argument, 0 for null. */
static uint32
code_of(JpNames *names, FunctionCallInfo fcinfo, int argument)
{
	text	   *name;

	if (PG_ARGISNULL(argument))
		return 0;
	name = PG_GETARG_TEXT_PP(argument);
	return jp_name_code(names, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

/* The number of a mark, given on first sight. */
uint32
jp_tally_mark(JpTally *tally, JpMark mark)
{
	if (mark.group == 0 && mark.property == 0 && tally->mark_of == NULL)
		return mark.event;
	return number_of_kept_mark(tally, mark);
}

/* The same where marks are kept. */
static uint32
number_of_kept_mark(JpTally *tally, JpMark mark)
{
	bool		found;
	MarkEntry  *entry;

	if (tally->mark_of == NULL)
		keep_marks(tally);
	if (tally->marks > 0 && memcmp(&mark, &tally->last, sizeof(JpMark)) == 0)
		return tally->last_number;
	entry = marks_insert(tally->mark_of, mark, &found);
	tally->last = mark;
	tally->last_number = entry->number;
	if (found)
		return entry->number;
	if (tally->marks == tally->marks_room)
	{
		tally->marks_room *= 2;
		tally->mark = repalloc_huge(tally->mark, tally->marks_room * sizeof(JpMark));
	}
	tally->last_number = entry->number = tally->marks;
	tally->mark[tally->marks++] = mark;
	return entry->number;
}

/* Keeps marks from now on; those so far were the codes of events. */
static void
keep_marks(JpTally *tally)
{
	JpMark		mark = {0, 0, 0};

	tally->mark_of = marks_create(tally->context, 64, NULL);
	tally->marks_room = 64;
	tally->mark = MemoryContextAlloc(tally->context, tally->marks_room * sizeof(JpMark));
	for (mark.event = 0; mark.event <= jp_names_count(tally->names); mark.event++)
		(void) number_of_kept_mark(tally, mark);
}

/* A number for a subject that is none. */
static uint32
subject_of(JpTally *tally, const Site *site, Datum subject)
{
	if (site->subject_by_value)
		return jp_name_code(tally->subjects, (const char *) &subject, sizeof(Datum));
	if (site->subject_len > 0)
		return jp_name_code(tally->subjects, DatumGetPointer(subject), site->subject_len);
	subject = PointerGetDatum(PG_DETOAST_DATUM_PACKED(subject));
	return jp_name_code(tally->subjects, VARDATA_ANY(DatumGetPointer(subject)),
						VARSIZE_ANY_EXHDR(DatumGetPointer(subject)));
}

/* The state for a final function. */
JpTally *
jp_tally_final(FunctionCallInfo fcinfo)
{
	jp_tally_context(fcinfo);
	return PG_ARGISNULL(0) ? NULL : (JpTally *) PG_GETARG_POINTER(0);
}

/* The context of the state; throws unless an aggregate is run. */
MemoryContext
jp_tally_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

/* What a call site keeps from row to row. */
static Site *
site_of(FunctionCallInfo fcinfo, const JpTallyKind *kind)
{
	Site	   *site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Site));
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	MemoryContext caller;

	get_typlenbyval(type, &site->subject_len, &site->subject_by_value);
	if (get_typtype(type) == TYPTYPE_PSEUDO)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a subject cannot be of type %s", format_type_be(type))));
	site->numbered = (type == INT4OID);
	site->constant = options_constant(fcinfo, kind);
	if (site->constant)
	{
		caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		site->question = question_of(fcinfo, kind);
		MemoryContextSwitchTo(caller);
	}
	fcinfo->flinfo->fn_extra = site;
	return site;
}

/* Whether all that is asked is the same for every row by the way it is written. */
static bool
options_constant(FunctionCallInfo fcinfo, const JpTallyKind *kind)
{
	Aggref	   *call = AggGetAggref(fcinfo);
	int			i;

	if (call == NULL)
		return false;
	for (i = 0; i < kind->option_count; i++)
	{
		TargetEntry *arg = list_nth(call->args, kind->options + i - 1);

		if (!IsA(arg->expr, Const) &&
			!(IsA(arg->expr, Param) && ((Param *) arg->expr)->paramkind == PARAM_EXTERN))
			return false;
	}
	return true;
}

/* The options as one piece of bytes. */
static bytea *
question_of(FunctionCallInfo fcinfo, const JpTallyKind *kind)
{
	NullableDatum option[16];
	int16		len[16];
	bool		by_value[16];
	Size		size = VARHDRSZ;
	bytea	   *bytes;
	char	   *next;
	int			i;

	Assert(kind->option_count <= lengthof(option));
	for (i = 0; i < kind->option_count; i++)
	{
		int			argument = kind->options + i;

		get_typlenbyval(get_fn_expr_argtype(fcinfo->flinfo, argument), &len[i], &by_value[i]);
		option[i].isnull = PG_ARGISNULL(argument);
		if (!option[i].isnull)
			option[i].value = len[i] == -1 ?
				PointerGetDatum(PG_DETOAST_DATUM(PG_GETARG_DATUM(argument))) :
				PG_GETARG_DATUM(argument);
		size += datumEstimateSpace(option[i].value, option[i].isnull, by_value[i], len[i]);
	}
	bytes = palloc0(size);
	SET_VARSIZE(bytes, size);
	next = VARDATA(bytes);
	for (i = 0; i < kind->option_count; i++)
		datumSerialize(option[i].value, option[i].isnull, by_value[i], len[i], &next);
	return bytes;
}

/* An empty state. */
JpTally *
jp_tally_new(FunctionCallInfo fcinfo, MemoryContext context,
		  const JpTallyKind *kind, const bytea *question, bool numbered)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	JpTally    *tally = palloc0(sizeof(JpTally));

	tally->context = context;
	tally->kind = kind;
	tally->question = palloc(VARSIZE(question));
	memcpy(tally->question, question, VARSIZE(question));
	tally->names = jp_names_create(context);
	if (!numbered)
		tally->subjects = jp_names_create(context);
	tally->records = jp_records_create(context);
	read_question(tally);
	AggRegisterCallback(fcinfo, close_tally, PointerGetDatum(tally));
	MemoryContextSwitchTo(caller);
	return tally;
}

/* Has the kind read what is asked. */
static void
read_question(JpTally *tally)
{
	NullableDatum option[16] = {0};
	char	   *next = VARDATA(tally->question);
	int			i;

	for (i = 0; i < tally->kind->option_count; i++)
		option[i].value = datumRestore(&next, &option[i].isnull);
	tally->asked = tally->kind->read(tally, option);
}

/* Gives the file of records back when the query ends or begins anew. */
static void
close_tally(Datum tally)
{
	jp_records_close(((JpTally *) DatumGetPointer(tally))->records);
}

/* Marks in the order of their names. */
typedef struct Ranked
{
	const JpNames *names;
	bool		flag;
	const JpMark *mark;
} Ranked;

static int	compare_ranked(const void *a, const void *b, void *arg);

/* Which place each mark has by its names. */
JpMark *
jp_tally_ranks(const JpTally *tally, uint32 **rank)
{
	bool		events_only = tally->mark_of == NULL;
	uint32		count = events_only ? jp_names_count(tally->names) + 1 : tally->marks;
	JpMark	   *mark = MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(JpMark));
	JpMark	   *sorted = MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(JpMark));
	uint32	   *order = MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(uint32));
	Ranked		ranked = {tally->names, tally->kind->flag != 0, mark};
	uint32		i;

	*rank = MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(uint32));
	for (i = 0; i < count; i++)
	{
		order[i] = i;
		if (events_only)
			mark[i] = (JpMark) {i, 0, 0};
		else
			mark[i] = tally->mark[i];
	}
	qsort_arg(order, count, sizeof(uint32), compare_ranked, &ranked);
	for (i = 0; i < count; i++)
	{
		(*rank)[order[i]] = i;
		sorted[i] = mark[order[i]];
	}
	pfree(order);
	pfree(mark);
	return sorted;
}

static int
compare_ranked(const void *a, const void *b, void *arg)
{
	const Ranked *ranked = arg;
	const JpMark *left = &ranked->mark[*(const uint32 *) a];
	const JpMark *right = &ranked->mark[*(const uint32 *) b];
	int			order = jp_name_compare(ranked->names, left->event, right->event);

	if (order == 0)
		order = jp_name_compare(ranked->names, left->group, right->group);
	if (order != 0)
		return order;
	if (ranked->flag)
		return (int) left->property - (int) right->property;
	return jp_name_compare(ranked->names, left->property, right->property);
}

/* One subject's records as moments. */
void
jp_walk_subject(JpWalk *walk, const JpRecord *records, uint32 count)
{
	uint32		i;

	if (count > walk->room)
	{
		walk->room = Max(count, 2 * walk->room);
		if (walk->moment != NULL)
			pfree(walk->moment);
		walk->moment = MemoryContextAllocHuge(CurrentMemoryContext, walk->room * sizeof(JpMoment));
	}
	for (i = 0; i < count; i++)
	{
		const JpMark *mark = &walk->mark[records[i].mark];

		walk->moment[i].at = records[i].at;
		walk->moment[i].steps = jp_halves(mark->event, mark->property);
	}
	walk->subject++;
}

/* The code of an event that is asked about. */
uint32
jp_tally_option_code(JpTally *tally, const NullableDatum *option)
{
	text	   *name;

	if (option->isnull)
		return 0;
	name = DatumGetTextPP(option->value);
	return jp_name_code(tally->names, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

/* A name as text. */
text *
jp_tally_name(const JpTally *tally, uint32 code)
{
	return code == 0 ? NULL : jp_name_text(tally->names, code);
}

/* Begins an array of the element type of the function's result. */
void
jp_cells_begin(JpCellArray *cells, FunctionCallInfo fcinfo)
{
	cells->type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	cells->desc = lookup_rowtype_tupdesc_copy(cells->type, -1);
	cells->count = 0;
	cells->room = 64;
	cells->cell = palloc(cells->room * sizeof(Datum));
}

/* Adds a cell. */
void
jp_cells_add(JpCellArray *cells, Datum *values, bool *nulls)
{
	if (cells->count == cells->room)
	{
		cells->room *= 2;
		cells->cell = repalloc_huge(cells->cell, cells->room * sizeof(Datum));
	}
	cells->cell[cells->count++] =
		HeapTupleGetDatum(heap_form_tuple(cells->desc, values, nulls));
}

/* The array. */
Datum
jp_cells_end(JpCellArray *cells)
{
	PG_RETURN_ARRAYTYPE_P(construct_array(cells->cell, cells->count, cells->type,
										  -1, false, TYPALIGN_DOUBLE));
}
