/*
 * request_process.c
 *		process_requests(): does what is due, request by request.
 *
 * Each is taken under an advisory lock that outlives commits and ends with
 * the session, so that no two workers do one, and what a crash leaves in
 * progress is taken up by the next call.  It is marked, which others see,
 * done, and completed; a failure rolls back what was not committed, is kept
 * in our own words, and puts the request off, longer each time.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "erasure_job.h"
#include "keyring.h"
#include "note.h"
#include "request_internal.h"

/* Field of the advisory lock tag under which a request is worked on. */
#define WORK_LOCK	0x4a53

/* Of a request r: whether it is to be worked on now; when a hold has ended, at once. */
#define IS_DUE \
	"r.status IN ('pending', 'in_progress') AND r.verified_at IS NOT NULL AND r.kind <> 'rectification'" \
	" AND (r.status = 'pending' OR r.next_attempt_at <= clock_timestamp()" \
	"  OR (r.last_error = '" JP_WITHHELD "'" \
	"   AND EXISTS (SELECT FROM journey_privacy.erasure e WHERE e.request_id = r.id AND e.state = 'done')))"

/* How far a call has come in the order of deadlines. */
typedef struct Position
{
	TimestampTz due_at;
	pg_uuid_t	id;
} Position;

/* What became of an attempt. */
typedef enum Outcome
{
	DONE, PUT_OFF, FAILED
} Outcome;

/* What classes of SQLSTATE are about, without a word of the message. */
static const struct
{
	const char *class;
	const char *about;
}			about[] =
{
	{"22", "invalid data"},
	{"23", "a constraint"},
	{"40", "a conflict with another transaction"},
	{"42", "a definition or a privilege"},
	{"53", "resources of the server"},
	{"54", "a limit of the server"},
	{"55", "something not in the state it needs"},
	{"58", "the operating system"},
	{"P0", "an error raised by a procedure"},
	{"XX", "damaged data or a defect"}
};

static void read_args(FunctionCallInfo fcinfo, JpWork *work, int *max);
static void begin_step(JpWork *work);
static void end_step(JpWork *work);
static bool next_due(JpWork *work, Position *position);
static bool process(JpWork *work, const pg_uuid_t *id);
static bool process_locked(JpWork *work, const pg_uuid_t *id);
static bool take(JpWork *work, const pg_uuid_t *id);
static Outcome attempt(JpWork *work);
static void roll_back(JpWork *work, int level, ResourceOwner owner);
static char *failure_of(const ErrorData *error);
static void record(JpWork *work, Outcome outcome);
static void postpone(JpWork *work, bool failed);
static void tell_failure(JpWork *work);

PG_FUNCTION_INFO_V1(jp_process_requests);

/* SQL: CALL process_requests(max, keep_results_for). */
Datum
jp_process_requests(PG_FUNCTION_ARGS)
{
	JpWork		work = {0};
	Position	position = {DT_NOBEGIN, {{0}}};
	MemoryContext each;
	MemoryContext all;
	int			max;

	read_args(fcinfo, &work, &max);
	jp_require_read_committed("process_requests()");
	PreventCommandIfReadOnly("process_requests()");
	jp_keyring_require();
	work.atomic = !jp_may_commit(fcinfo);
	SPI_connect_ext(work.atomic ? 0 : SPI_OPT_NONATOMIC);
	begin_step(&work);
	jp_request_purge_results();
	end_step(&work);
	all = CurrentMemoryContext;
	each = AllocSetContextCreate(all, "journey_privacy request",
								 ALLOCSET_DEFAULT_SIZES);
	while (max > 0 && next_due(&work, &position))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(each);
		if (process(&work, &position.id))
			max--;
		MemoryContextSwitchTo(all);
		MemoryContextReset(each);
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/* Reads the arguments. */
static void
read_args(FunctionCallInfo fcinfo, JpWork *work, int *max)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz until;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null",
						PG_ARGISNULL(0) ? "max" : "keep_results_for")));
	*max = PG_GETARG_INT32(0);
	if (*max < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max must not be negative")));
	work->keep_for = *PG_GETARG_INTERVAL_P(1);
	/* an error here, not a failure of each request */
	until = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													TimestampTzGetDatum(now),
													PG_GETARG_DATUM(1)));
	if (until <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("keep_results_for must be longer than nothing")));
}

/* Gets the rights to our tables. */
static void
begin_step(JpWork *work)
{
	jp_elevate(&work->before);
}

/* Gives them back, and commits where that is ours to do. */
static void
end_step(JpWork *work)
{
	jp_restore(&work->before);
	if (work->atomic)
		return;
	SPI_commit();
	EnsurePortalSnapshotExists();
}

/* Moves on to the next request that is due; false when there is none. */
static bool
next_due(JpWork *work, Position *position)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {TIMESTAMPTZOID, UUIDOID};
	Datum		values[2] = {TimestampTzGetDatum(position->due_at),
		UUIDPGetDatum(&position->id)
	};
	bool		found;

	begin_step(work);
	jp_execute(&plan,
			   "SELECT r.due_at, r.id FROM journey_privacy.request r"
			   " WHERE (r.due_at, r.id) > ($1, $2) AND " IS_DUE
			   " ORDER BY r.due_at, r.id LIMIT 1",
			   2, types, values, NULL, SPI_OK_SELECT);
	found = SPI_processed > 0;
	if (found)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;

		position->due_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 1, &isnull));
		position->id = *DatumGetUUIDP(SPI_getbinval(row, desc, 2, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	jp_restore(&work->before);
	return found;
}

/* Works on a request unless another session does; false when it was not to be. */
static bool
process(JpWork *work, const pg_uuid_t *id)
{
	volatile bool worked = false;
	LOCKTAG		tag;

	jp_uuid_lock_tag(&tag, id, WORK_LOCK);
	if (LockAcquire(&tag, ExclusiveLock, !work->atomic, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	PG_TRY();
	{
		worked = process_locked(work, id);
	}
	PG_FINALLY();
	{
		if (!work->atomic)
			(void) LockRelease(&tag, ExclusiveLock, true);
	}
	PG_END_TRY();
	return worked;
}

/* Takes a request, tries to do it, and writes down what came of that. */
static bool
process_locked(JpWork *work, const pg_uuid_t *id)
{
	Outcome		outcome;
	bool		taken;

	begin_step(work);
	taken = take(work, id);
	end_step(work);
	if (!taken)
		return false;
	outcome = attempt(work);
	begin_step(work);
	record(work, outcome);
	end_step(work);
	if (outcome == FAILED)
		tell_failure(work);
	return true;
}

/* Marks a request; false when it is not due any more, or being changed. */
static bool
take(JpWork *work, const pg_uuid_t *id)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(id)};

	jp_execute(&plan,
			   "SELECT FROM journey_privacy.request r WHERE r.id = $1 AND " IS_DUE
			   " FOR UPDATE SKIP LOCKED",
			   1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return false;
	jp_request_lock(id, &work->request);
	if (strcmp(work->request.status, "pending") == 0)
		jp_request_change(&work->request, "in_progress", "process_requests", NULL);
	return true;
}

/* Tries to do a request.  Whoever cancels the call is not a failure of it. */
static Outcome
attempt(JpWork *work)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int			level = GetCurrentTransactionNestLevel();
	volatile Outcome outcome = FAILED;

	PG_TRY();
	{
		outcome = jp_request_do(work) ? DONE : PUT_OFF;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		/* First of all: what fails from here on fails in the caller's. */
		roll_back(work, level, owner);
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			ReThrowError(error);
		work->why = failure_of(error);
	}
	PG_END_TRY();
	return outcome;
}

/* Rolls back what an attempt has begun and not committed. */
static void
roll_back(JpWork *work, int level, ResourceOwner owner)
{
	while (GetCurrentTransactionNestLevel() > level)
		RollbackAndReleaseCurrentSubTransaction();
	/* That of a transaction which has ended is gone. */
	if (work->atomic)
		CurrentResourceOwner = owner;
}

/*
 * What is kept of an error: its code, what that is about, and the table and
 * constraint if they are such.  Messages may hold values.
 */
static char *
failure_of(const ErrorData *error)
{
	char	   *code = unpack_sql_state(error->sqlerrcode);
	StringInfoData words;
	Oid			schema;
	Oid			table = InvalidOid;
	int			i;

	initStringInfo(&words);
	appendStringInfo(&words, "%s", code);
	for (i = 0; i < lengthof(about); i++)
		if (strncmp(code, about[i].class, 2) == 0)
			appendStringInfo(&words, ", %s", about[i].about);
	if (error->schema_name != NULL && error->table_name != NULL)
	{
		schema = get_namespace_oid(error->schema_name, true);
		if (OidIsValid(schema))
			table = get_relname_relid(error->table_name, schema);
	}
	if (!OidIsValid(table))
		return words.data;
	appendStringInfo(&words, ", table %s", jp_qualified_name_of(table));
	if (error->constraint_name != NULL &&
		OidIsValid(get_relation_constraint_oid(table, error->constraint_name, true)))
		appendStringInfo(&words, ", constraint %s", quote_identifier(error->constraint_name));
	return words.data;
}

/* Writes down what became of a request, unless somebody has ended it. */
static void
record(JpWork *work, Outcome outcome)
{
	jp_request_lock(&work->request.id, &work->request);
	if (strcmp(work->request.status, "in_progress") != 0)
		return;
	if (outcome == DONE)
		jp_request_change(&work->request, "completed", "process_requests", NULL);
	else
		postpone(work, outcome == FAILED);
}

/* Puts a request off; after failures for a minute, doubled up to a day. */
static void
postpone(JpWork *work, bool failed)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[4] = {UUIDOID, BOOLOID, TIMESTAMPTZOID, TEXTOID};
	Datum		values[4] = {UUIDPGetDatum(&work->request.id), BoolGetDatum(failed),
		TimestampTzGetDatum(work->again_at), CStringGetTextDatum(work->why)
	};

	jp_execute(&plan,
			   "UPDATE journey_privacy.request SET last_error = $4,"
			   " attempts = attempts + CASE WHEN $2 THEN 1 ELSE 0 END,"
			   " next_attempt_at = CASE WHEN $2 THEN clock_timestamp()"
			   "  + least(interval '1 minute' * (1 << least(attempts, 11)), interval '1 day')"
			   "  ELSE $3 END"
			   " WHERE id = $1",
			   4, types, values, NULL, SPI_OK_UPDATE);
}

/* Tells the audit and whoever called of a failure. */
static void
tell_failure(JpWork *work)
{
	JpNote		note = {JP_NOTE_REQUEST, JP_NOTE_FAILED, "process_requests",
		InvalidOid, NULL, -1, psprintf("%s %s", work->request.kind, work->why)
	};

	if (jp_note_sink != NULL)
		jp_note_sink(&note);
	ereport(WARNING,
			(errmsg("request %s could not be done",
					DatumGetCString(DirectFunctionCall1(uuid_out,
														UUIDPGetDatum(&work->request.id)))),
			 errdetail("%s", work->why),
			 errhint("It is tried again after a while.")));
}
