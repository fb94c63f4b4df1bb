/*
 * erasure_call.c
 *		What callers of erasure see: erase() and its sisters, the preview, the
 *		second look.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "erasure_job.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "note.h"
#include "subject.h"

static Datum erase(FunctionCallInfo fcinfo, JpPseudonym *pseudonyms, int count);
static Datum erase_one_by_one(JpErasure *job, JpPseudonym *pseudonyms,
							  int count, NullableDatum reason);
static int	held_apart(JpErasure *job, JpPseudonym *pseudonyms, int count);
static bool is_held(const JpPseudonym *pseudonym);
static void resume(FunctionCallInfo fcinfo, const char *sql, Datum hold);
static void open_job(FunctionCallInfo fcinfo, JpErasure *job, const char *what);
static Datum copied_uuid(Datum id);
static void put_row(ReturnSetInfo *result, Oid relid, const char *action,
					int64 rows, const char *path, const JpReached *held);
static int64 count_own(const char *sql, Oid type, Datum value);

PG_FUNCTION_INFO_V1(jp_erase);
PG_FUNCTION_INFO_V1(jp_erase_many);
PG_FUNCTION_INFO_V1(jp_resume_erasures);
PG_FUNCTION_INFO_V1(jp_release_hold);
PG_FUNCTION_INFO_V1(jp_replay_erasures);
PG_FUNCTION_INFO_V1(jp_preview_erasure);
PG_FUNCTION_INFO_V1(jp_verify_erasure);

/* SQL: CALL erase(subject, reason, request_id, receipt). */
Datum
jp_erase(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"subject\" must not be null")));
	return erase(fcinfo, jp_subject_arg(fcinfo, 0), 1);
}

/* SQL: CALL erase_many(subjects, reason, request_id, receipt). */
Datum
jp_erase_many(PG_FUNCTION_ARGS)
{
	Datum	   *values;
	bool	   *nulls;
	JpPseudonym *pseudonyms;
	int			count;
	int			version;
	int			i;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"subjects\" must not be null")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), jp_type("pseudonym"),
					  JP_PSEUDONYM_SIZE, false, TYPALIGN_CHAR, &values, &nulls,
					  &count);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is nobody to erase: the array is empty")));
	version = jp_key_version(JP_KEY_PSEUDONYM);
	pseudonyms = palloc(count * sizeof(JpPseudonym));
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("subjects must not be null")));
		pseudonyms[i] = *(JpPseudonym *) DatumGetPointer(values[i]);
		jp_pseudonym_advance(&pseudonyms[i], version);
	}
	return erase(fcinfo, pseudonyms, count);
}

/* Erases, and returns the row with the receipt. */
static Datum
erase(FunctionCallInfo fcinfo, JpPseudonym *pseudonyms, int count)
{
	NullableDatum reason = {PG_GETARG_DATUM(1), PG_ARGISNULL(1)};
	JpErasure	job = {0};
	Datum		receipt;
	bool		isnull = false;
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "erase must return a row");
	job.request_id = copied_uuid(PG_ARGISNULL(2) ?
								 DirectFunctionCall1(gen_random_uuid, (Datum) 0) :
								 PG_GETARG_DATUM(2));
	open_job(fcinfo, &job, "erase()");
	receipt = erase_one_by_one(&job, pseudonyms, count, reason);
	receipt = SPI_datumTransfer(receipt, false, -1);
	SPI_finish();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  &receipt, &isnull)));
}

/* Those whom a hold names get an erasure of their own, the rest go at once. */
static Datum
erase_one_by_one(JpErasure *job, JpPseudonym *pseudonyms, int count,
				 NullableDatum reason)
{
	int			apart = count == 1 ? 0 : held_apart(job, pseudonyms, count);
	int			together = Max(count - apart, 1);
	Datum		receipt = jp_erasure_run(job, pseudonyms, together, reason);
	int			i;

	for (i = together; i < count; i++)
	{
		JpErasure	alone = {0};

		alone.request_id = DirectFunctionCall1(gen_random_uuid, (Datum) 0);
		alone.atomic = job->atomic;
		(void) jp_erasure_run(&alone, &pseudonyms[i], 1, reason);
	}
	return receipt;
}

/* Moves those whom a hold names to the end; returns how many they are. */
static int
held_apart(JpErasure *job, JpPseudonym *pseudonyms, int count)
{
	JpPrivilege before;
	int			apart = 0;
	int			i = 0;

	jp_elevate(&before);
	SPI_execute("SELECT FROM journey_privacy.hold WHERE trace IS NOT NULL AND released_at IS NULL"
				" AND coalesce(held_until, 'infinity') > pg_catalog.clock_timestamp() LIMIT 1", false, 1);
	while (SPI_processed > 0 && i < count - apart)
	{
		JpPseudonym swap = pseudonyms[i];

		if (!is_held(&swap))
		{
			i++;
			SPI_processed = 1;
			continue;
		}
		apart++;
		pseudonyms[i] = pseudonyms[count - apart];
		pseudonyms[count - apart] = swap;
		SPI_processed = 1;
	}
	jp_restore(&before);
	return apart;
}

/* Whether a hold names a subject. */
static bool
is_held(const JpPseudonym *pseudonym)
{
	JpSubject	subject;
	Oid			types[1] = {BYTEAARRAYOID};
	Datum		values[1];

	jp_subject_get(pseudonym, &subject);
	values[0] = jp_tombstone_traces(subject.pseudonyms, subject.count);
	SPI_execute_with_args("SELECT FROM journey_privacy.hold WHERE trace = ANY ($1) AND released_at IS NULL"
						  " AND coalesce(held_until, 'infinity') > pg_catalog.clock_timestamp()",
						  1, types, values, NULL, false, 1);
	return SPI_processed > 0;
}

/* SQL: CALL resume_erasures(). */
Datum
jp_resume_erasures(PG_FUNCTION_ARGS)
{
	resume(fcinfo, "SELECT e.request_id FROM journey_privacy.erasure e"
		   " WHERE e.state = 'erasing' OR (e.state = 'withheld' AND NOT " JP_ERASURE_HELD ")"
		   " ORDER BY e.requested_at", (Datum) 0);
	PG_RETURN_VOID();
}

/* SQL: CALL release_hold(hold). */
Datum
jp_release_hold(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"hold\" must not be null")));
	resume(fcinfo, "SELECT e.request_id FROM journey_privacy.erasure e, journey_privacy.hold h"
		   " WHERE h.id = $1 AND e.state = 'withheld' AND (h.trace IS NULL OR h.trace IN"
		   "  (SELECT s.trace FROM journey_privacy.erasure_subject s WHERE s.request_id = e.request_id))"
		   " ORDER BY e.requested_at", copied_uuid(PG_GETARG_DATUM(0)));
	PG_RETURN_VOID();
}

/* Goes on with the requests that a query finds, after releasing a hold. */
static void
resume(FunctionCallInfo fcinfo, const char *sql, Datum hold)
{
	JpErasure	first = {0};
	JpPrivilege before;
	Oid			types[2] = {UUIDOID, NAMEOID};
	NameData	role;
	Datum		values[2] = {hold, NameGetDatum(&role)};
	Datum	   *requests;
	int			count;
	int			i;

	open_job(fcinfo, &first, "resuming erasures");
	jp_elevate(&before);
	if (hold != (Datum) 0)
	{
		namestrcpy(&role, GetUserNameFromId(GetSessionUserId(), false));
		SPI_execute_with_args("UPDATE journey_privacy.hold SET released_at = pg_catalog.clock_timestamp(),"
							  " released_by = $2 WHERE id = $1 AND released_at IS NULL",
							  2, types, values, NULL, false, 0);
		if (SPI_processed == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("there is no such hold in force")));
		jp_note(JP_NOTE_ERASURE, "release_hold", InvalidOid, -1, NULL);
	}
	SPI_execute_with_args(sql, hold == (Datum) 0 ? 0 : 1, types, values, NULL, false, 0);
	count = SPI_processed;
	requests = palloc(Max(count, 1) * sizeof(Datum));
	for (i = 0; i < count; i++)
	{
		bool		isnull;

		requests[i] = copied_uuid(SPI_getbinval(SPI_tuptable->vals[i],
												SPI_tuptable->tupdesc, 1, &isnull));
	}
	jp_restore(&before);
	for (i = 0; i < count; i++)
	{
		JpErasure	job = {0};
		NullableDatum none = {(Datum) 0, true};

		CHECK_FOR_INTERRUPTS();
		job.request_id = requests[i];
		job.atomic = first.atomic;
		job.only_if_free = true;
		(void) jp_erasure_run(&job, NULL, 0, none);
	}
	SPI_finish();
}

/* SQL: CALL replay_erasures(). */
Datum
jp_replay_erasures(PG_FUNCTION_ARGS)
{
	JpErasure	first = {0};
	NullableDatum reason = {CStringGetTextDatum("replayed after a restore"), false};
	int			replayed = 0;
	int			unreadable = 0;
	ListCell   *cell;

	open_job(fcinfo, &first, "replay_erasures()");
	foreach(cell, jp_erasures_remembered())
	{
		JpRemembered *one = lfirst(cell);
		JpErasure	job = {0};
		JpPrivilege before;
		Oid			types[1] = {UUIDOID};

		job.request_id = DirectFunctionCall1(uuid_in, CStringGetDatum(one->request_id));
		job.atomic = first.atomic;
		jp_elevate(&before);
		SPI_execute_with_args("SELECT FROM journey_privacy.erasure WHERE request_id = $1 AND state <> 'erasing'",
							  1, types, &job.request_id, NULL, false, 1);
		jp_restore(&before);
		if (SPI_processed > 0)
			continue;
		unreadable += one->unreadable;
		if (one->count == 0)
			continue;
		(void) jp_erasure_run(&job, one->pseudonyms, one->count, reason);
		replayed++;
	}
	SPI_finish();
	jp_note(JP_NOTE_ERASURE, "replay_erasures", InvalidOid, replayed, NULL);
	ereport(NOTICE, (errmsg("erasures replayed: %d", replayed)));
	if (unreadable > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%d identities in the erasure ledger cannot be read", unreadable),
				 errdetail("Their traces are of a key that is destroyed, or pseudonyms were rekeyed after the backup."),
				 errhint("If pseudonyms were rekeyed since, run journey_privacy.rotate_key('pseudonym') and journey_privacy.rekey_pseudonyms(), then replay again.")));
	PG_RETURN_VOID();
}

/* Connects, and finds out whether the procedure may commit. */
static void
open_job(FunctionCallInfo fcinfo, JpErasure *job, const char *what)
{
	jp_require_read_committed(what);
	jp_keyring_require();
	job->atomic = !jp_may_commit(fcinfo);
	SPI_connect_ext(job->atomic ? 0 : SPI_OPT_NONATOMIC);
}

/* A uuid that outlives SPI's rows. */
static Datum
copied_uuid(Datum id)
{
	pg_uuid_t  *copy = palloc(sizeof(pg_uuid_t));

	memcpy(copy, DatumGetUUIDP(id), sizeof(pg_uuid_t));
	return UUIDPGetDatum(copy);
}

/* SQL: preview_erasure(subject). */
Datum
jp_preview_erasure(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			pseudonyms = get_array_type(jp_type("pseudonym"));
	JpSubject	subject;
	JpHolds		holds;
	ListCell   *cell;
	bool		withheld = false;
	int			registered = 0;
	JpReached	all = {0};

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	jp_subject_get(jp_subject_arg(fcinfo, 0), &subject);
	jp_holds_read(&subject, &holds);
	foreach(cell, jp_reach(&subject, &holds)->tables)
	{
		JpReached  *table = lfirst(cell);

		put_row(result, table->relid, "delete", jp_reached_deleted(table), table->path, NULL);
		put_row(result, table->relid, "redact", jp_reached_redacted(table), table->path, NULL);
		put_row(result, table->relid, "clear reference", jp_reached_cleared(table), table->path, NULL);
		put_row(result, table->relid, "withhold", jp_reached_withheld(table), table->path, table);
		withheld |= jp_reached_withheld(table) > 0;
	}
	all.held_by = holds.reason;
	all.held_until = holds.until;
	put_row(result, jp_relation("consent_event"), holds.all ? "withhold" : "delete",
			count_own("SELECT FROM journey_privacy.consent_event"
					  " WHERE subject OPERATOR(pg_catalog.=) ANY ($1)",
					  pseudonyms, jp_subject_pseudonyms(&subject)), "ledger of decisions",
			holds.all ? &all : NULL);
	put_row(result, jp_relation("consent_state"), "delete",
			count_own("SELECT FROM journey_privacy.consent_state"
					  " WHERE number = ANY ($1) AND purpose IN"
					  " (SELECT name FROM journey_privacy.purpose)",
					  INT4ARRAYOID, jp_subject_numbers(&subject)), "decisions in force", NULL);
	put_row(result, jp_relation("request_result"), "delete",
			count_own("SELECT FROM journey_privacy.request_result WHERE request_id IN"
					  " (SELECT request_id FROM journey_privacy.request_subject WHERE trace = ANY ($1))",
					  BYTEAARRAYOID, jp_tombstone_traces(subject.pseudonyms, subject.count)),
			"results of requests", NULL);
	if (!withheld && !holds.all)
		put_row(result, jp_relation("subject_key"), "shred",
				count_own("SELECT FROM journey_privacy.subject_key"
						  " WHERE subject OPERATOR(pg_catalog.=) ANY ($1)",
						  pseudonyms, jp_subject_pseudonyms(&subject)), "data keys", NULL);
	if (subject.numbers[0] != JP_NO_SUBJECT)
		registered = subject.count;
	put_row(result, jp_relation("subject"), "delete", registered, "registry", NULL);
	SPI_finish();
	return (Datum) 0;
}

/* SQL: verify_erasure(request_id). */
Datum
jp_verify_erasure(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	JpErasure	job = {0};
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	InitMaterializedSRF(fcinfo, 0);
	jp_keyring_require();
	SPI_connect();
	job.request_id = PG_GETARG_DATUM(0);
	jp_erasure_load(&job);
	if (job.subject.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no erasure with this request_id")));
	found = jp_name_tables(&count);
	for (i = 0; i < count; i++)
	{
		JpWay		way = {0};
		Datum		values[2];
		bool		nulls[2] = {false, false};

		values[0] = ObjectIdGetDatum(jp_name_way(found, i, &way));
		values[1] = Int64GetDatum(jp_named_rows(found, i, "1", &job.subject));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}

/* Adds a row to the preview, unless there is nothing to do. */
static void
put_row(ReturnSetInfo *result, Oid relid, const char *action, int64 rows,
		const char *path, const JpReached *held)
{
	Datum		values[6] = {ObjectIdGetDatum(relid), CStringGetTextDatum(action),
		Int64GetDatum(rows), CStringGetTextDatum(path)
	};
	bool		nulls[6] = {false, false, false, false, true, true};

	if (rows == 0)
		return;
	if (held != NULL)
	{
		values[4] = CStringGetTextDatum(held->held_by);
		nulls[4] = false;
		values[5] = TimestampTzGetDatum(held->held_until);
		nulls[5] = TIMESTAMP_IS_NOEND(held->held_until);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* How many rows a query on our own tables finds. */
static int64
count_own(const char *sql, Oid type, Datum value)
{
	SPI_execute_with_args(sql, 1, &type, &value, NULL, false, 0);
	return SPI_processed;
}
