/*
 * erasure_job.c
 *		What our own tables know of a request to erase: whom it is about, and
 *		how far it has come.  All of it is there to go on after a crash.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "consent.h"
#include "erasure_job.h"
#include "keyring.h"

static Datum go_on(JpErasure *job, const JpPseudonym *pseudonyms, int count);
static void add_subjects(JpErasure *job, const JpSubject *subject,
						 const int *person);
static void add_unfinished(JpErasure *job);
static void note_withheld(JpErasure *job, const char *table, const char *path,
						  int64 rows, const char *reason, TimestampTz until);
static Datum int_array(const int *values, int count);

/* Notes a request and hides its subjects. */
Datum
jp_erasure_claim(JpErasure *job, const JpPseudonym *pseudonyms, int count,
				 NullableDatum reason)
{
	Oid			types[3] = {UUIDOID, TEXTOID, NAMEOID};
	NameData	role;
	Datum		values[3] = {job->request_id, reason.value, NameGetDatum(&role)};
	char		nulls[3] = {' ', reason.isnull ? 'n' : ' ', ' '};
	JpPseudonym *settled = palloc(Max(count, 1) * sizeof(JpPseudonym));
	JpSubject	whole;
	int		   *person;
	int			i;

	namestrcpy(&role, GetUserNameFromId(GetSessionUserId(), false));
	/* rekey_pseudonyms() takes it first, too */
	LockRelationOid(jp_relation("erasure"), RowExclusiveLock);
	for (i = 0; i < count; i++)
		settled[i] = *jp_subject_settled(&pseudonyms[i]);
	if (count > 0)
		SPI_execute_with_args("INSERT INTO journey_privacy.erasure (request_id, reason, requested_by)"
							  " VALUES ($1, $2, $3) ON CONFLICT (request_id) DO NOTHING",
							  3, types, values, nulls, false, 0);
	if (count == 0 || SPI_processed == 0)
		return go_on(job, settled, count);

	jp_subjects_remove(settled, count, &whole, &person);
	jp_tombstones_lay(whole.pseudonyms, whole.count, !job->atomic);
	add_subjects(job, &whole, person);
	for (i = 0; i < whole.count && whole.numbers[i] != JP_NO_SUBJECT; i++)
		;
	jp_erasure_note_done(job, "journey_privacy.subject", "delete", i, "registry");
	jp_erasure_note_done(job, "journey_privacy.consent_state", "delete",
						 jp_consent_forget(&whole), "decisions in force");
	add_unfinished(job);
	jp_erasure_load(job);
	jp_erasure_forget_results(job);
	return (Datum) 0;
}

/* The receipt of a request that is done, or the request as it stands. */
static Datum
go_on(JpErasure *job, const JpPseudonym *pseudonyms, int count)
{
	Oid			types[2] = {UUIDOID, BYTEAARRAYOID};
	Datum		values[2] = {job->request_id, jp_tombstone_traces(pseudonyms, count)};
	char	   *state;
	bool		isnull;

	if (count > 0)
	{
		SPI_execute_with_args("SELECT bool_and(known) FROM (SELECT bool_or(trace = ANY ($2)) AS known"
							  " FROM journey_privacy.erasure_subject WHERE request_id = $1 GROUP BY person) p",
							  2, types, values, NULL, false, 0);
		if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
										1, &isnull)) || isnull)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("the request_id was used to erase another subject")));
	}
	SPI_execute_with_args("SELECT state, receipt FROM journey_privacy.erasure WHERE request_id = $1",
						  1, types, values, NULL, false, 0);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no erasure with this request_id")));
	state = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (strcmp(state, "done") == 0)
		return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	job->resumed_withheld = strcmp(state, "withheld") == 0;
	jp_erasure_load(job);
	return (Datum) 0;
}

/* Writes down whom a request is about. */
static void
add_subjects(JpErasure *job, const JpSubject *subject, const int *person)
{
	Oid			types[4] = {UUIDOID, INT4ARRAYOID, BYTEAARRAYOID, INT4ARRAYOID};
	Datum		values[4] = {job->request_id, int_array(person, subject->count),
		jp_tombstone_current(subject->pseudonyms, subject->count),
		jp_subject_numbers(subject)
	};

	SPI_execute_with_args("INSERT INTO journey_privacy.erasure_subject (request_id, person, trace, number)"
						  " SELECT $1, * FROM unnest($2, $3, $4) ON CONFLICT DO NOTHING",
						  4, types, values, NULL, false, 0);
}

/*
 * Rows that an earlier request has not erased yet are this one's too: nothing
 * else knows of the numbers and aliases that the subject had.
 */
static void
add_unfinished(JpErasure *job)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {job->request_id};

	jp_execute(&plan,
			   "SELECT FROM journey_privacy.erasure WHERE state <> 'done' AND request_id <> $1 LIMIT 1",
			   1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;
	SPI_execute_with_args("INSERT INTO journey_privacy.erasure_subject (request_id, person, trace, number)"
						  " SELECT $1, m.person, a.trace, a.number"
						  " FROM journey_privacy.erasure_subject m"
						  " JOIN journey_privacy.erasure_subject s ON s.trace = m.trace AND s.request_id <> $1"
						  " JOIN journey_privacy.erasure e ON e.request_id = s.request_id AND e.state <> 'done'"
						  " JOIN journey_privacy.erasure_subject a ON a.request_id = s.request_id AND a.person = s.person"
						  " WHERE m.request_id = $1 ON CONFLICT DO NOTHING",
						  1, types, values, NULL, false, 0);
}

/*
 * Deletes what requests of access have brought.  Whoever made such a result
 * meanwhile was waited for before this is called again at the end.
 */
void
jp_erasure_forget_results(JpErasure *job)
{
	Oid			types[1] = {BYTEAARRAYOID};
	Datum		values[1] = {jp_tombstone_traces(job->subject.pseudonyms, job->subject.count)};

	SPI_execute_with_args("DELETE FROM journey_privacy.request_result WHERE request_id IN"
						  " (SELECT request_id FROM journey_privacy.request_subject WHERE trace = ANY ($1))",
						  1, types, values, NULL, false, 0);
	jp_erasure_note_done(job, "journey_privacy.request_result", "delete",
						 SPI_processed, "results of requests");
}

/* Adds numbers that were given by who began to write before. */
void
jp_erasure_add_late(JpErasure *job, const JpSubject *late, const int *person)
{
	int		   *of_job = palloc(late->count * sizeof(int));
	int			i;

	for (i = 0; i < late->count; i++)
		of_job[i] = job->person[person[i]];
	add_subjects(job, late, of_job);
}

/* Reads whom a request is about. */
void
jp_erasure_load(JpErasure *job)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {job->request_id};
	JpSubject  *subject = &job->subject;
	int			i;

	jp_execute(&plan,
			   "SELECT trace, number, person FROM journey_privacy.erasure_subject"
			   " WHERE request_id = $1 ORDER BY number, trace",
			   1, types, values, NULL, SPI_OK_SELECT);
	subject->count = SPI_processed;
	subject->restricted = false;
	subject->pseudonyms = palloc(Max(subject->count, 1) * sizeof(JpPseudonym));
	subject->numbers = palloc(Max(subject->count, 1) * sizeof(int32));
	job->person = palloc(Max(subject->count, 1) * sizeof(int));
	for (i = 0; i < subject->count; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		bytea	   *trace = DatumGetByteaPP(SPI_getbinval(row, desc, 1, &isnull));

		if (!jp_tombstone_reveal(VARDATA_ANY(trace), VARSIZE_ANY_EXHDR(trace),
								 &subject->pseudonyms[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("whom the erasure is about cannot be read"),
					 errdetail("The tombstone key of that time is gone, or the row is damaged.")));
		subject->numbers[i] = DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull));
		job->person[i] = DatumGetInt32(SPI_getbinval(row, desc, 3, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Writes down what a search found: what is left to do, and what is withheld. */
void
jp_erasure_note_found(JpErasure *job, const JpReach *reach)
{
	static SPIPlanPtr clearing = NULL;
	static SPIPlanPtr finding = NULL;
	Oid			types[4] = {UUIDOID, TEXTOID, TEXTOID, INT8OID};
	Datum		values[4] = {job->request_id};
	ListCell   *cell;

	jp_execute(&clearing,
			   "DELETE FROM journey_privacy.erasure_step WHERE request_id = $1 AND action = 'withhold'",
			   1, types, values, NULL, SPI_OK_DELETE);
	foreach(cell, reach->tables)
	{
		JpReached  *table = lfirst(cell);
		int64		withheld = jp_reached_withheld(table);
		int64		found = jp_reached_deleted(table);

		values[1] = CStringGetTextDatum(table->table);
		values[2] = CStringGetTextDatum(table->path);
		values[3] = Int64GetDatum(found);
		if (found > 0)
			jp_execute(&finding,
					   "INSERT INTO journey_privacy.erasure_step AS s (request_id, relation, action, path, found, done)"
					   " VALUES ($1, $2, 'delete', $3, $4, 0) ON CONFLICT (request_id, relation, action)"
					   " DO UPDATE SET found = s.done + excluded.found",
					   4, types, values, NULL, SPI_OK_INSERT);
		if (withheld > 0)
			note_withheld(job, table->table, table->path, withheld,
						  table->held_by, table->held_until);
	}
	if (job->holds.all)
		note_withheld(job, "journey_privacy.consent_event", "ledger of decisions",
					  0, job->holds.reason, job->holds.until);
}

/* Writes down what is withheld. */
static void
note_withheld(JpErasure *job, const char *table, const char *path, int64 rows,
			  const char *reason, TimestampTz until)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[6] = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[6] = {job->request_id, CStringGetTextDatum(table),
		CStringGetTextDatum(path), Int64GetDatum(rows),
		CStringGetTextDatum(reason), TimestampTzGetDatum(until)
	};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.erasure_step"
			   " (request_id, relation, action, path, found, done, reason, held_until)"
			   " VALUES ($1, $2, 'withhold', $3, $4, 0, $5, nullif($6, 'infinity'))",
			   6, types, values, NULL, SPI_OK_INSERT);
}

/* Writes down what was done. */
void
jp_erasure_note_done(JpErasure *job, const char *table, const char *action,
					 int64 rows, const char *path)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[5] = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID};
	Datum		values[5] = {job->request_id, CStringGetTextDatum(table),
		CStringGetTextDatum(action), Int64GetDatum(rows), CStringGetTextDatum(path)
	};

	if (rows == 0)
		return;
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.erasure_step AS s (request_id, relation, action, found, done, path)"
			   " VALUES ($1, $2, $3, $4, $4, $5) ON CONFLICT (request_id, relation, action)"
			   " DO UPDATE SET done = s.done + excluded.done,"
			   "  found = greatest(s.found, s.done + excluded.done)",
			   5, types, values, NULL, SPI_OK_INSERT);
}

/* Whether anything is withheld. */
bool
jp_erasure_withholds(JpErasure *job)
{
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {job->request_id};

	SPI_execute_with_args("SELECT FROM journey_privacy.erasure_step"
						  " WHERE request_id = $1 AND action = 'withhold'",
						  1, types, values, NULL, false, 1);
	return SPI_processed > 0;
}

/* From now on a new consent lifts the tombstones, unless others are at it. */
void
jp_erasure_end_tombstones(JpErasure *job)
{
	Oid			types[2] = {BYTEAARRAYOID, UUIDOID};
	Datum		values[2];

	if (job->atomic)
		return;
	values[0] = jp_tombstone_current(job->subject.pseudonyms, job->subject.count);
	values[1] = job->request_id;
	/* of two that end at the same time, the second sees that the first has */
	SPI_execute_with_args("SELECT FROM journey_privacy.tombstone WHERE trace = ANY ($1) ORDER BY trace FOR UPDATE",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("UPDATE journey_privacy.tombstone t SET erasing = false"
						  " WHERE t.trace = ANY ($1) AND t.erasing AND NOT EXISTS"
						  "  (SELECT FROM journey_privacy.erasure_subject s"
						  "   JOIN journey_privacy.erasure e ON e.request_id = s.request_id"
						  "   WHERE s.trace = t.trace AND e.state = 'erasing' AND e.request_id <> $2)",
						  2, types, values, NULL, false, 0);
}

/* Integers as an array for SQL. */
static Datum
int_array(const int *values, int count)
{
	Datum	   *datums = palloc(Max(count, 1) * sizeof(Datum));
	int			i;

	for (i = 0; i < count; i++)
		datums[i] = Int32GetDatum(values[i]);
	return PointerGetDatum(construct_array(datums, count, INT4OID, sizeof(int32),
										   true, TYPALIGN_INT));
}
