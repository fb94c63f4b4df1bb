/*
 * request_work.c
 *		Doing what a request asks for, by the functions that an application
 *		would call.
 *
 * Erasing commits its steps; everything else is done in one transaction with
 * the completion of the request, so that it is done once.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "erasure_job.h"
#include "keyring.h"
#include "request_internal.h"
#include "subject.h"

static void begin_guarded(JpWork *work);
static void end_guarded(JpWork *work);
static bool erase(JpWork *work);
static bool is_held(JpWork *work);
static bool look_at_erasure(JpWork *work);
static void restrict_persons(JpWork *work);
static void object(JpWork *work);
static void object_to(const JpWork *work, const JpPseudonym *person,
					  Datum purpose);
static void find_purposes(const JpWork *work);
static Datum source_of(const JpWork *work);

/* Does what a request asks for. */
bool
jp_request_do(JpWork *work)
{
	const char *kind = work->request.kind;
	bool		done = true;

	if (strcmp(kind, "erasure") == 0)
		return erase(work);
	begin_guarded(work);
	if (strcmp(kind, "restriction") == 0)
		restrict_persons(work);
	else if (strcmp(kind, "objection") == 0)
		object(work);
	else
		done = jp_request_keep_result(work);
	end_guarded(work);
	return done;
}

/* Begins a piece of work that can be rolled back by itself. */
static void
begin_guarded(JpWork *work)
{
	MemoryContext context = CurrentMemoryContext;

	work->owner = CurrentResourceOwner;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	jp_elevate(&work->before);
}

/* Ends what begin_guarded() began. */
static void
end_guarded(JpWork *work)
{
	MemoryContext context = CurrentMemoryContext;

	jp_restore(&work->before);
	ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = work->owner;
}

/*
 * Erases who asks, under the id of the request.  The lock on table erasure,
 * which rekey_pseudonyms() takes first, is kept until the erasure is noted.
 */
static bool
erase(JpWork *work)
{
	JpErasure	job = {0};
	NullableDatum reason = {CStringGetTextDatum("request"), false};
	JpPseudonym *subjects;
	bool		held;
	bool		done;
	int			count;

	begin_guarded(work);
	LockRelationOid(jp_relation("erasure"), RowExclusiveLock);
	subjects = jp_request_subjects(&work->request.id, &count);
	held = is_held(work);
	end_guarded(work);
	if (held)
		return false;

	job.request_id = UUIDPGetDatum(&work->request.id);
	job.atomic = work->atomic;
	job.only_if_free = true;
	job.guarded = true;
	if (jp_erasure_run(&job, subjects, count, reason) == (Datum) 0)
	{
		jp_request_put_off(work, DT_NOEND, USECS_PER_MINUTE,
						   "another session is erasing");
		return false;
	}
	begin_guarded(work);
	done = look_at_erasure(work);
	end_guarded(work);
	return done;
}

/* Whether the erasure has come as far as holds let it; then puts it off. */
static bool
is_held(JpWork *work)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(&work->request.id)};

	jp_execute(&plan,
			   "SELECT FROM journey_privacy.erasure e WHERE e.request_id = $1"
			   " AND e.state = 'withheld' AND " JP_ERASURE_HELD,
			   1, types, values, NULL, SPI_OK_SELECT);
	return SPI_processed > 0 && !look_at_erasure(work);
}

/* Whether the erasure is done; else puts the request off until a hold ends. */
static bool
look_at_erasure(JpWork *work)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(&work->request.id)};
	HeapTuple	row;
	bool		isnull;

	jp_execute(&plan,
			   "SELECT e.state = 'done', (SELECT coalesce(min(t.held_until), 'infinity')"
			   "  FROM journey_privacy.erasure_step t WHERE t.request_id = $1 AND t.action = 'withhold')"
			   " FROM journey_privacy.erasure e WHERE e.request_id = $1",
			   1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed != 1)
		elog(ERROR, "an erasure is not on record");
	row = SPI_tuptable->vals[0];
	if (DatumGetBool(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull)))
		return true;
	jp_request_put_off(work, DatumGetTimestampTz(SPI_getbinval(row, SPI_tuptable->tupdesc,
															   2, &isnull)),
					   USECS_PER_DAY, JP_WITHHELD);
	return false;
}

/* Notes until when to wait: a time to come if one is known. */
void
jp_request_put_off(JpWork *work, TimestampTz until, int64 otherwise,
				   const char *why)
{
	TimestampTz now = GetCurrentTimestamp();

	work->again_at = TIMESTAMP_IS_NOEND(until) || until <= now ?
		now + otherwise : until;
	work->why = why;
}

/* Who asks. */
JpPseudonym *
jp_request_subjects(const pg_uuid_t *id, int *count)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(id)};
	JpPseudonym *subjects;
	int			i;

	jp_execute(&plan,
			   "SELECT trace FROM journey_privacy.request_subject WHERE request_id = $1 ORDER BY trace",
			   1, types, values, NULL, SPI_OK_SELECT);
	*count = SPI_processed;
	subjects = palloc(Max(*count, 1) * sizeof(JpPseudonym));
	for (i = 0; i < *count; i++)
	{
		bool		isnull;
		bytea	   *trace = DatumGetByteaPP(SPI_getbinval(SPI_tuptable->vals[i],
														  SPI_tuptable->tupdesc, 1,
														  &isnull));

		if (!jp_tombstone_reveal(VARDATA_ANY(trace), VARSIZE_ANY_EXHDR(trace),
								 &subjects[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("whom the request is about cannot be read"),
					 errdetail("The tombstone key of that time is gone, or the row is damaged.")));
	}
	SPI_freetuptable(SPI_tuptable);
	return subjects;
}

/* One identity of each subject among them that was not erased. */
JpPseudonym *
jp_request_persons(const JpPseudonym *subjects, int count, int *persons)
{
	JpPseudonym *person = palloc(Max(count, 1) * sizeof(JpPseudonym));
	int			i;
	int			j;
	int			k;

	*persons = 0;
	for (i = 0; i < count; i++)
	{
		TimestampTz erased_at;
		JpSubject	whole;
		bool		again = jp_tombstone_find(&subjects[i], &erased_at);

		jp_subject_get(&subjects[i], &whole);
		for (j = 0; j < *persons && !again; j++)
			for (k = 0; k < whole.count && !again; k++)
				again = memcmp(&whole.pseudonyms[k], &person[j], sizeof(JpPseudonym)) == 0;
		if (!again)
			person[(*persons)++] = subjects[i];
	}
	return person;
}

/* Restricts the processing of who asks (Art. 18 GDPR). */
static void
restrict_persons(JpWork *work)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {jp_type("pseudonym"), TEXTOID};
	Datum		values[2] = {(Datum) 0, source_of(work)};
	JpPseudonym *persons;
	int			count;
	int			i;

	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	persons = jp_request_subjects(&work->request.id, &count);
	persons = jp_request_persons(persons, count, &count);
	for (i = 0; i < count; i++)
	{
		values[0] = PointerGetDatum(&persons[i]);
		jp_execute(&plan, "SELECT journey_privacy.restrict_processing($1, $2)",
				   2, types, values, NULL, SPI_OK_SELECT);
	}
}

/* Objects for who asks (Art. 21 GDPR), purpose by purpose in their order. */
static void
object(JpWork *work)
{
	SPITupleTable *purposes;
	uint64		purpose_count;
	JpPseudonym *persons;
	int			count;
	uint64		i;
	int			j;

	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	persons = jp_request_subjects(&work->request.id, &count);
	persons = jp_request_persons(persons, count, &count);
	find_purposes(work);
	purposes = SPI_tuptable;
	purpose_count = SPI_processed;
	for (i = 0; i < purpose_count; i++)
		for (j = 0; j < count; j++)
		{
			bool		isnull;

			object_to(work, &persons[j],
					  SPI_getbinval(purposes->vals[i], purposes->tupdesc, 1, &isnull));
		}
}

/* Selects the purposes named, or all whose basis an objection can end. */
static void
find_purposes(const JpWork *work)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {TEXTARRAYOID};
	Datum		values[1] = {PointerGetDatum(work->request.purposes)};
	char		nulls[1] = {work->request.purposes == NULL ? 'n' : ' '};

	jp_execute(&plan,
			   "SELECT DISTINCT name COLLATE \"C\" FROM unnest(coalesce($1,"
			   " ARRAY(SELECT p.name FROM journey_privacy.purpose p"
			   "  WHERE p.basis IN ('opt_out', 'legitimate_interests', 'public_task')))) u(name)"
			   " ORDER BY 1", 1, types, values, nulls, SPI_OK_SELECT);
}

/* Objects to one purpose, as of receipt: a later decision stays in force. */
static void
object_to(const JpWork *work, const JpPseudonym *person, Datum purpose)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[4] = {jp_type("pseudonym"), TEXTOID, TIMESTAMPTZOID, TEXTOID};
	Datum		values[4] = {PointerGetDatum(person), purpose,
		TimestampTzGetDatum(work->request.received_at), source_of(work)
	};

	jp_execute(&plan, "SELECT journey_privacy.object_to($1, $2, $3, $4)",
			   4, types, values, NULL, SPI_OK_SELECT);
}

/* What the ledger keeps of where a decision came from. */
static Datum
source_of(const JpWork *work)
{
	return CStringGetTextDatum(psprintf("request %s",
										DatumGetCString(DirectFunctionCall1(uuid_out,
																			UUIDPGetDatum(&work->request.id)))));
}
