/*
 * retention_inactive.c
 *		erase_inactive(): people of whom nothing was heard for long, and whom no
 *		legal basis asks to be kept, are erased.
 *
 * A subject is inactive when none of its identities has, since the cut-off, an
 * event in a protected table, a decision or a request; nor at any time a yes in
 * force, or a row of a table that is collected for a contract, a legal
 * obligation, vital interests or a public task and within its time; nor a row
 * whose time is not known; nor is it held or restricted.  Who has nothing dated
 * at all is as old as the entry in the registry.
 *
 * Signs are looked for once for everybody, and again for each group right
 * before it is erased.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "consent.h"
#include "consent_internal.h"
#include "erasure_job.h"
#include "keyring.h"
#include "note.h"
#include "retention.h"

/* Subjects of one group at most. */
#define GROUP_MAX	100000

/* Subjects, counted by what is true of them first. */
enum
{
	SUBJECTS, ACTIVE, BASIS, UNDATED, WITHHELD, INACTIVE, COUNTS
};

/* A walk through the registry. */
typedef struct Walk
{
	JpSigns		signs;
	bool		ignore_undated;
	MemoryContext context;		/* of the numbers */
	int32	   *numbers;		/* of those that are inactive */
	int			room;
	int32	   *young;			/* of those who are, unless they are new */
	int			young_count;
	int			young_room;
	int64		count[COUNTS];
} Walk;

static TimestampTz cut_off_of(FunctionCallInfo fcinfo, int n);
static void walk(Walk *w, Datum only);
static bool take_subject(TupleTableSlot *slot, void *arg);
static int	judge(Walk *w, int32 number);
static void settle_young(Walk *w);
static void add_number(MemoryContext context, int32 **numbers, int64 count,
					   int *room, int32 number);
static void erase_all(Walk *w, bool atomic, int batch, int64 *erased);
static int64 erase_group(Walk *w, bool atomic, const int32 *numbers, int count,
						 TimestampTz cut_off);
static int	still_inactive(Walk *w, const int32 *numbers, int count,
						   JpPseudonym **pseudonyms);
static Datum with_aliases(Datum numbers);
static Datum number_array(const int32 *numbers, int count);

PG_FUNCTION_INFO_V1(jp_inactive_subjects);
PG_FUNCTION_INFO_V1(jp_erase_inactive);

/* SQL: inactive_subjects(older_than, ignore_undated). */
Datum
jp_inactive_subjects(PG_FUNCTION_ARGS)
{
	Walk		w = {.ignore_undated = PG_GETARG_BOOL(1)};
	Datum		values[COUNTS];
	bool		nulls[COUNTS] = {0};
	TupleDesc	desc;
	int			i;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "inactive_subjects must return a row");
	jp_keyring_require();
	SPI_connect();
	w.context = CurrentMemoryContext;
	w.signs.cut_off = cut_off_of(fcinfo, 0);
	walk(&w, (Datum) 0);
	SPI_finish();
	for (i = 0; i < COUNTS; i++)
		values[i] = Int64GetDatum(w.count[i]);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* SQL: CALL erase_inactive(older_than, batch, ignore_undated, erased). */
Datum
jp_erase_inactive(PG_FUNCTION_ARGS)
{
	bool		atomic = !jp_may_commit(fcinfo);
	Walk		w = {0};
	JpPrivilege before;
	int64		erased = 0;
	Datum		value;
	bool		isnull = false;
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "erase_inactive must return a row");
	jp_require_arg(fcinfo, 0, "older_than");
	jp_require_arg(fcinfo, 1, "batch");
	jp_require_arg(fcinfo, 2, "ignore_undated");
	if (PG_GETARG_INT32(1) < 1 || PG_GETARG_INT32(1) > GROUP_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch must be between 1 and %d", GROUP_MAX)));
	PreventCommandDuringRecovery("erase_inactive()");
	PreventCommandIfReadOnly("erase_inactive()");
	jp_require_read_committed("erase_inactive()");
	jp_keyring_require();
	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	w.context = CurrentMemoryContext;
	w.ignore_undated = PG_GETARG_BOOL(2);
	jp_step_begin(&before);
	w.signs.cut_off = cut_off_of(fcinfo, 0);
	walk(&w, (Datum) 0);
	jp_step_end(&before, atomic);
	erase_all(&w, atomic, PG_GETARG_INT32(1), &erased);
	jp_note(JP_NOTE_ERASURE, "erase_inactive", InvalidOid, erased, NULL);
	SPI_finish();
	value = Int64GetDatum(erased);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), &value, &isnull)));
}

/* The time before which nothing counts; by the calendar, in UTC. */
static TimestampTz
cut_off_of(FunctionCallInfo fcinfo, int n)
{
	Oid			types[1] = {INTERVALOID};
	Datum		values[1] = {PG_GETARG_DATUM(n)};
	bool		isnull;

	jp_check_keep(PG_GETARG_INTERVAL_P(n), "older_than");
	SPI_execute_with_args("SELECT (pg_catalog.now() AT TIME ZONE 'UTC' - $1) AT TIME ZONE 'UTC'",
						  1, types, values, NULL, false, 1);
	return DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
											 1, &isnull));
}

/* Goes through the registry, or through some numbers of heads in it. */
static void
walk(Walk *w, Datum only)
{
	Oid			types[1] = {INT4ARRAYOID};
	Datum		values[1] = {only};

	jp_signs_read(&w->signs, only == (Datum) 0 ? only : with_aliases(only));
	jp_query_into(psprintf("SELECT number, created_at FROM journey_privacy.subject"
						   " WHERE head IS NULL%s",
						   only == (Datum) 0 ? "" : " AND number = ANY ($1)"),
				  only == (Datum) 0 ? 0 : 1, types, values, take_subject, w);
	settle_young(w);
}

/* Counts one subject. */
static bool
take_subject(TupleTableSlot *slot, void *arg)
{
	Walk	   *w = arg;
	bool		isnull;
	int32		number = DatumGetInt32(slot_getattr(slot, 1, &isnull));
	TimestampTz created_at = DatumGetTimestampTz(slot_getattr(slot, 2, &isnull));
	int			what = judge(w, number);

	w->count[SUBJECTS]++;
	if (what == INACTIVE && created_at >= w->signs.cut_off)
		add_number(w->context, &w->young, w->young_count++, &w->young_room, number);
	else
	{
		if (what == INACTIVE)
			add_number(w->context, &w->numbers, w->count[INACTIVE], &w->room, number);
		w->count[what]++;
	}
	return true;
}

/* What is true of a subject. */
static int
judge(Walk *w, int32 number)
{
	if (jp_sign(&w->signs, JP_SIGN_WITHHELD, number))
		return WITHHELD;
	if (jp_sign(&w->signs, JP_SIGN_ACTIVE, number))
		return ACTIVE;
	if (jp_sign(&w->signs, JP_SIGN_BASIS, number))
		return BASIS;
	if (jp_sign(&w->signs, JP_SIGN_UNDATED, number) && !w->ignore_undated)
		return UNDATED;
	return INACTIVE;
}

/*
 * Those who were registered of late and have nothing older are not inactive:
 * they have just come.
 */
static void
settle_young(Walk *w)
{
	int			i;

	if (w->young_count == 0)
		return;
	jp_signs_read_old(&w->signs, with_aliases(number_array(w->young, w->young_count)));
	for (i = 0; i < w->young_count; i++)
	{
		if (jp_sign(&w->signs, JP_SIGN_OLD, w->young[i]))
			add_number(w->context, &w->numbers, w->count[INACTIVE]++, &w->room, w->young[i]);
		else
			w->count[ACTIVE]++;
	}
}

/* Adds a number to an array that grows. */
static void
add_number(MemoryContext context, int32 **numbers, int64 count, int *room, int32 number)
{
	if (count == *room)
	{
		*room = Max(1024, *room * 2);
		*numbers = *numbers == NULL ? MemoryContextAlloc(context, *room * sizeof(int32)) :
			repalloc_huge(*numbers, *room * sizeof(int32));
	}
	(*numbers)[count] = number;
}

/* Erases those who were found, group by group. */
static void
erase_all(Walk *w, bool atomic, int batch, int64 *erased)
{
	int64		first;

	for (first = 0; first < w->count[INACTIVE]; first += batch)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
		*erased += erase_group(w, atomic, w->numbers + first,
							   Min(batch, w->count[INACTIVE] - first), w->signs.cut_off);
		SPI_finish();
	}
}

/* Erases those of a group who are still inactive; returns how many. */
static int64
erase_group(Walk *w, bool atomic, const int32 *numbers, int count, TimestampTz cut_off)
{
	Walk		again = {.ignore_undated = w->ignore_undated, .context = CurrentMemoryContext};
	JpErasure	job = {.atomic = atomic};
	NullableDatum reason = {CStringGetTextDatum("inactive"), false};
	JpPrivilege before;
	JpPseudonym *pseudonyms;

	again.signs.cut_off = cut_off;
	jp_step_begin(&before);
	count = still_inactive(&again, numbers, count, &pseudonyms);
	jp_step_end(&before, atomic);
	if (count == 0)
		return 0;
	job.request_id = DirectFunctionCall1(gen_random_uuid, (Datum) 0);
	(void) jp_erasure_run(&job, pseudonyms, count, reason);
	return count;
}

/* Reads who of a group is still inactive. */
static int
still_inactive(Walk *w, const int32 *numbers, int count, JpPseudonym **pseudonyms)
{
	Oid			types[1] = {INT4ARRAYOID};
	Datum		values[1];
	int			i;

	walk(w, number_array(numbers, count));
	values[0] = number_array(w->numbers, w->count[INACTIVE]);
	SPI_execute_with_args("SELECT pseudonym FROM journey_privacy.subject"
						  " WHERE number = ANY ($1) AND head IS NULL ORDER BY number",
						  1, types, values, NULL, false, 0);
	count = SPI_processed;
	*pseudonyms = palloc(Max(count, 1) * sizeof(JpPseudonym));
	for (i = 0; i < count; i++)
	{
		bool		isnull;

		(*pseudonyms)[i] =
			*(JpPseudonym *) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[i],
														   SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return count;
}

/* The numbers of some heads with those of their aliases. */
static Datum
with_aliases(Datum numbers)
{
	Oid			types[1] = {INT4ARRAYOID};
	bool		isnull;

	SPI_execute_with_args("SELECT pg_catalog.array_agg(n) FROM (SELECT pg_catalog.unnest($1)"
						  " UNION ALL SELECT number FROM journey_privacy.subject WHERE head = ANY ($1)) u(n)",
						  1, types, &numbers, NULL, false, 1);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
}

/* Numbers as an array for SQL. */
static Datum
number_array(const int32 *numbers, int count)
{
	Datum	   *values = palloc(Max(count, 1) * sizeof(Datum));
	int			i;

	for (i = 0; i < count; i++)
		values[i] = Int32GetDatum(numbers[i]);
	return PointerGetDatum(construct_array(values, count, INT4OID, sizeof(int32),
										   true, TYPALIGN_INT));
}
