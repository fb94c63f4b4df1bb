/*
 * request.c
 *		The life of a request: it is opened, changes its status, and whoever
 *		must know is told.
 *
 * Each change locks the row of the request first, so that two never start
 * from the same status, and tells the audit, those who LISTEN and the outbox
 * of callbacks within its transaction.  None of them is told of a person.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "keyring.h"
#include "note.h"
#include "request_internal.h"
#include "subject.h"

/* Whom we NOTIFY. */
#define CHANNEL		"journey_privacy_request"

/* A status, and one that it leads to. */
typedef struct Transition
{
	const char *from;
	const char *to;
	const char *command;		/* of jp_request_move() */
} Transition;

static const Transition transition[] = {
	{"pending", "in_progress", "process_requests"},
	{"pending", "completed", "complete_request"},
	{"pending", "refused", "refuse_request"},
	{"pending", "cancelled", "cancel_request"},
	{"in_progress", "completed", "complete_request"}
};

static void insert_request(const JpRequestNew *request);
static void insert_subjects(const JpRequestNew *request);
static void insert_urls(const JpRequestNew *request);
pg_noreturn static void refuse_duplicate(void);
static const Transition *find_transition(const char *from, const char *to);
static void fill_outbox(const JpRequest *request);

/* Takes a request in. */
void
jp_request_open(const JpRequestNew *request)
{
	JpRequest	opened;

	PreventCommandIfReadOnly("opening a request");
	jp_keyring_require();
	jp_request_check_regulation(request->regulation);
	insert_request(request);
	insert_subjects(request);
	insert_urls(request);
	jp_request_lock(&request->id, &opened);
	jp_request_tell(&opened, "open_request", false);
}

/* Gives a request another status. */
void
jp_request_move(const pg_uuid_t *id, const char *status)
{
	JpRequest	request;
	const Transition *found;

	jp_request_lock(id, &request);
	found = find_transition(request.status, status);
	jp_request_change(&request, status, found != NULL ? found->command : NULL,
					  NULL);
}

/* A status as OpenDSR calls it. */
const char *
jp_request_public_status(const char *status)
{
	return strcmp(status, "refused") == 0 ? "cancelled" : status;
}

/* Writes the row; who sent it by OpenDSR has the confirmation in the answer. */
static void
insert_request(const JpRequestNew *request)
{
	static SPIPlanPtr erased = NULL;
	static SPIPlanPtr plan = NULL;
	Oid			types[10] = {UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
		TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, TEXTARRAYOID, TEXTOID, BYTEAOID
	};
	Datum		values[10] = {UUIDPGetDatum(&request->id),
		CStringGetTextDatum(request->kind),
		CStringGetTextDatum(request->regulation),
		TimestampTzGetDatum(request->received_at),
		TimestampTzGetDatum(jp_request_confirm_by(request->regulation, request->received_at)),
		TimestampTzGetDatum(jp_request_due(request->regulation, request->kind, request->received_at, false)),
		BoolGetDatum(request->verified), PointerGetDatum(request->purposes),
		request->controller == NULL ? (Datum) 0 : CStringGetTextDatum(request->controller),
		PointerGetDatum(request->fingerprint)
	};
	char		nulls[10] = {' ', ' ', ' ', ' ', ' ', ' ', ' ',
		request->purposes == NULL ? 'n' : ' ',
		request->controller == NULL ? 'n' : ' ',
		request->fingerprint == NULL ? 'n' : ' '
	};

	/* Its erasure will have the same id. */
	jp_execute(&erased,
			   "SELECT FROM journey_privacy.erasure WHERE request_id = $1 AND $2 = 'erasure'",
			   2, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
		refuse_duplicate();
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.request (id, kind, regulation, received_at, confirm_by,"
			   " due_at, verified_at, confirmed_at, purposes, controller, fingerprint)"
			   " VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN clock_timestamp() END,"
			   "  CASE WHEN $10 IS NOT NULL THEN clock_timestamp() END, $8, $9, $10)"
			   " ON CONFLICT (id) DO NOTHING",
			   10, types, values, nulls, SPI_OK_INSERT);
	if (SPI_processed == 0)
		refuse_duplicate();
}

/* Refuses an id that was used. */
static void
refuse_duplicate(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("a request with this id already exists")));
}

/*
 * Writes who asks.  rekey_pseudonyms() is waited for, then the pseudonyms are
 * moved on, so that no trace is of an old key.
 */
static void
insert_subjects(const JpRequestNew *request)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {UUIDOID, BYTEAARRAYOID};
	Datum		values[2] = {UUIDPGetDatum(&request->id)};
	JpPseudonym *subjects = palloc(request->count * sizeof(JpPseudonym));
	int			i;

	Assert(request->count > 0);
	LockRelationOid(jp_relation("request_subject"), RowExclusiveLock);
	for (i = 0; i < request->count; i++)
	{
		subjects[i] = request->subjects[i];
		jp_pseudonym_advance(&subjects[i], jp_key_version(JP_KEY_PSEUDONYM));
	}
	values[1] = jp_tombstone_current(subjects, request->count);
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.request_subject (request_id, trace)"
			   " SELECT DISTINCT $1, t FROM unnest($2) t",
			   2, types, values, NULL, SPI_OK_INSERT);
}

/* Writes who is told. */
static void
insert_urls(const JpRequestNew *request)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {UUIDOID, TEXTOID};
	Datum		values[2] = {UUIDPGetDatum(&request->id)};
	ListCell   *cell;

	foreach(cell, request->callback_urls)
	{
		values[1] = CStringGetTextDatum((char *) lfirst(cell));
		jp_execute(&plan,
				   "INSERT INTO journey_privacy.request_callback_url (request_id, url)"
				   " VALUES ($1, $2) ON CONFLICT DO NOTHING",
				   2, types, values, NULL, SPI_OK_INSERT);
	}
}

/* Throws: no request has this id. */
void
jp_request_unknown(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no request with this id")));
}

/* Reads a request and locks its row. */
void
jp_request_lock(const pg_uuid_t *id, JpRequest *request)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {UUIDOID};
	Datum		values[1] = {UUIDPGetDatum(id)};
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;
	Datum		purposes;

	jp_execute(&plan,
			   "SELECT kind, regulation, status, received_at, due_at, confirmed_at IS NOT NULL,"
			   " verified_at IS NOT NULL, extended_at IS NOT NULL, purposes"
			   " FROM journey_privacy.request WHERE id = $1 FOR UPDATE",
			   1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		jp_request_unknown();
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	request->id = *id;
	request->kind = SPI_getvalue(row, desc, 1);
	request->regulation = SPI_getvalue(row, desc, 2);
	request->status = SPI_getvalue(row, desc, 3);
	request->received_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 4, &isnull));
	request->due_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 5, &isnull));
	request->confirmed = DatumGetBool(SPI_getbinval(row, desc, 6, &isnull));
	request->verified = DatumGetBool(SPI_getbinval(row, desc, 7, &isnull));
	request->extended = DatumGetBool(SPI_getbinval(row, desc, 8, &isnull));
	purposes = SPI_getbinval(row, desc, 9, &isnull);
	request->purposes = isnull ? NULL : DatumGetArrayTypePCopy(purposes);
	SPI_freetuptable(SPI_tuptable);
}

/* Gives a locked request another status. */
void
jp_request_change(JpRequest *request, const char *status, const char *command,
				  const char *reason)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {UUIDOID, TEXTOID, TEXTOID};
	Datum		values[3] = {UUIDPGetDatum(&request->id), CStringGetTextDatum(status),
		reason == NULL ? (Datum) 0 : CStringGetTextDatum(reason)
	};
	char		nulls[3] = {' ', ' ', reason == NULL ? 'n' : ' '};

	if (find_transition(request->status, status) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a request that is %s cannot become %s",
						request->status, status)));
	if (!request->verified && (strcmp(status, "in_progress") == 0 ||
							   strcmp(status, "completed") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("it is not known that the subject asks"),
				 errhint("Once it is, call journey_privacy.verify_request().")));
	jp_execute(&plan,
			   "UPDATE journey_privacy.request SET status = $2, refusal_reason = $3,"
			   " started_at = CASE WHEN $2 IN ('in_progress', 'completed')"
			   "  THEN coalesce(started_at, clock_timestamp()) END,"
			   " finished_at = CASE WHEN $2 <> 'in_progress' THEN clock_timestamp() END,"
			   " next_attempt_at = CASE WHEN $2 = 'in_progress' THEN clock_timestamp() END,"
			   " last_error = NULL WHERE id = $1",
			   3, types, values, nulls, SPI_OK_UPDATE);
	request->status = pstrdup(status);
	jp_request_tell(request, command, true);
}

/* The way from a status to another, or NULL. */
static const Transition *
find_transition(const char *from, const char *to)
{
	int			i;

	for (i = 0; i < lengthof(transition); i++)
		if (strcmp(transition[i].from, from) == 0 &&
			strcmp(transition[i].to, to) == 0)
			return &transition[i];
	return NULL;
}

/* Tells of a change. */
void
jp_request_tell(const JpRequest *request, const char *command, bool urls)
{
	char	   *id = DatumGetCString(DirectFunctionCall1(uuid_out,
														 UUIDPGetDatum(&request->id)));

	if (urls)
		fill_outbox(request);
	Async_Notify(CHANNEL,
				 psprintf("{\"id\": \"%s\", \"kind\": \"%s\", \"status\": \"%s\", \"change\": \"%s\"}",
						  id, request->kind, request->status, command));
	jp_note(JP_NOTE_REQUEST, command, InvalidOid, -1,
			psprintf("%s %s", request->kind, request->status));
}

/* A row in the outbox for each URL. */
static void
fill_outbox(const JpRequest *request)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {UUIDOID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[3] = {UUIDPGetDatum(&request->id),
		CStringGetTextDatum(jp_request_public_status(request->status)),
		TimestampTzGetDatum(request->due_at)
	};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.callback (request_id, url, status, due_at)"
			   " SELECT request_id, url, $2, $3 FROM journey_privacy.request_callback_url"
			   " WHERE request_id = $1 ORDER BY url",
			   3, types, values, NULL, SPI_OK_INSERT);
}
