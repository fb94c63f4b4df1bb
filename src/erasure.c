/*
 * erasure.c
 *		erase(): everything about a subject goes, and stays gone.
 *
 * At top level it is done in steps, each committed: the request is noted, the
 * subject taken out of the registry and its tombstone laid, so that it is
 * hidden and nothing new is written; then whoever began to write before is
 * waited for; then rows go in batches, until a search finds nothing more; then
 * the receipt is signed.  Every step may be the last before a crash: the same
 * request begins again with what the tables of this room tell.
 *
 * Within a transaction block the same is done at once, under locks on every
 * table that could hold the subject.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/uuid.h"

#include "attempt.h"
#include "catalog.h"
#include "compat.h"
#include "consent.h"
#include "erasure.h"
#include "erasure_job.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "sealed.h"

/* So often rows are looked for before all tables are locked for the rest. */
#define PATIENCE	3

/* So many rows are erased in a subtransaction, to be tried again. */
#define SMALL		10000

/* Field of the advisory lock tag under which a request is worked on. */
#define REQUEST_LOCK	0x4a51

/* What a search has found, to be carried out. */
typedef struct Pass
{
	JpReach    *reach;
	JpErasing  *erasing;
} Pass;

static void commit_step(void);
static void begin_step(JpErasure *job);
static void end_step(JpErasure *job);
static void begin_pass(JpErasure *job, bool locked);
static bool next_batch(void *arg);
static bool lock_request(JpErasure *job, bool wait);
static void unlock_request(JpErasure *job);
static Datum carry_out(JpErasure *job);
static void hide_late(JpErasure *job);
static bool pass(JpErasure *job, bool locked);
static void carry_out_pass(JpReach *reach, JpErasing *erasing);
static void try_pass(JpReach *reach, JpErasing *erasing);
static bool work_pass(void *arg);
pg_noreturn static void refuse_remaining(void);
static void row_done(void *arg, const JpReached *table, const char *action,
					 int64 rows);
static Datum finish(JpErasure *job);
static void settle_constraints(void);
static void say_how_to_resume(void *arg);

/* Erases; returns the receipt, in memory of the procedure. */
Datum
jp_erasure_run(JpErasure *job, const JpPseudonym *pseudonyms, int count,
			   NullableDatum reason)
{
	volatile Datum receipt = (Datum) 0;
	ErrorContextCallback context = {error_context_stack, say_how_to_resume, job};

	job->id_text = DatumGetCString(DirectFunctionCall1(uuid_out, job->request_id));
	if (!lock_request(job, !job->only_if_free))
		return receipt;
	error_context_stack = &context;
	PG_TRY();
	{
		begin_step(job);
		if (job->atomic)
			jp_erasure_lock();
		receipt = jp_erasure_claim(job, pseudonyms, count, reason);
		if (receipt == (Datum) 0)
			receipt = carry_out(job);
		receipt = PointerGetDatum(PG_DETOAST_DATUM_COPY(receipt));
		end_step(job);
	}
	PG_FINALLY();
	{
		unlock_request(job);
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	return receipt;
}

/* Tells whoever sees an error what is left to be done. */
static void
say_how_to_resume(void *arg)
{
	JpErasure  *job = arg;

	if (!job->atomic)
		errcontext("erasure %s, which CALL journey_privacy.resume_erasures() continues if it had begun",
				   job->id_text);
}

/* From the tombstone on. */
static Datum
carry_out(JpErasure *job)
{
	int			tries = 0;

	jp_erasure_remember(job->id_text, &job->subject, job->person, job->atomic);
	if (!job->atomic)
	{
		end_step(job);
		begin_step(job);
		jp_erasure_wait();
	}
	while (!pass(job, job->atomic || tries >= PATIENCE))
		if (++tries > PATIENCE + 1)
			refuse_remaining();
	return finish(job);
}

/*
 * Looks for rows and erases them; true when none were left, so that what is
 * gone has been looked for once more.
 */
static bool
pass(JpErasure *job, bool locked)
{
	JpErasing	erasing = {job->atomic ? NULL : next_batch, row_done, job, locked, false};
	JpReach    *reach;
	ListCell   *cell;
	int64		left = 0;

	begin_pass(job, locked);
	hide_late(job);
	jp_holds_read(&job->subject, &job->holds);
	reach = jp_reach(&job->subject, &job->holds);
	foreach(cell, reach->tables)
	{
		JpReached  *table = lfirst(cell);

		left += jp_reached_deleted(table) + jp_reached_redacted(table);
	}
	jp_erasure_note_found(job, reach);
	if (left == 0)
		return true;
	if (locked || left > SMALL)
		carry_out_pass(reach, &erasing);
	else
		try_pass(reach, &erasing);
	return false;
}

/* Erases what a search has found. */
static void
carry_out_pass(JpReach *reach, JpErasing *erasing)
{
	(void) jp_erase_reached(reach, erasing);
	if (!erasing->stopped && jp_reach_remaining(reach) > 0)
		refuse_remaining();
}

/* The same in a subtransaction: the next search finds out what was left. */
static void
try_pass(JpReach *reach, JpErasing *erasing)
{
	Pass		todo = {reach, erasing};

	erasing->commit = NULL;
	(void) jp_step_attempt(work_pass, &todo);
}

/* Carries it out, or throws. */
static bool
work_pass(void *arg)
{
	Pass	   *todo = arg;

	carry_out_pass(todo->reach, todo->erasing);
	return true;
}

/* Works in a subtransaction; false when that is to be tried again. */
bool
jp_step_attempt(bool (*work) (void *arg), void *arg)
{
	ErrorData  *error;
	bool		done = jp_attempt(work, arg, &error);

	if (error == NULL)
		return done;
	if (error->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION &&
		error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED &&
		error->sqlerrcode != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST &&
		error->sqlerrcode != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
		ReThrowError(error);
	FreeErrorData(error);
	return false;
}

/* Says that something of the subject does not go. */
static void
refuse_remaining(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rows of the subject are still there after erasing"),
			 errdetail("A trigger or rule of a table kept or wrote them, or another session just did.")));
}

/* Takes the locks of one pass, whose names of the subject stay true meanwhile. */
static void
begin_pass(JpErasure *job, bool locked)
{
	/* rekey_pseudonyms() takes it first, too */
	LockRelationOid(jp_relation("erasure"), RowExclusiveLock);
	if (locked && !job->atomic)
		jp_erasure_lock();
	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	LockRelationOid(jp_relation("declared_link"), ShareLock);
	jp_erasure_load(job);
}

/* Commits a batch; false when a hold has been placed meanwhile. */
static bool
next_batch(void *arg)
{
	JpErasure  *job = arg;
	JpHolds		now;

	end_step(job);
	begin_step(job);
	LockRelationOid(jp_relation("erasure"), RowExclusiveLock);
	LockRelationOid(jp_relation("subject"), RowExclusiveLock);
	LockRelationOid(jp_relation("declared_link"), ShareLock);
	jp_holds_read(&job->subject, &now);
	return now.all == job->holds.all &&
		list_length(now.tables) == list_length(job->holds.tables);
}

/* Hides those who were registered by a transaction that began before. */
static void
hide_late(JpErasure *job)
{
	JpSubject	late;
	int		   *person;

	if (job->atomic || job->late_hidden)
		return;
	job->late_hidden = true;
	if (job->resumed_withheld)
		return;					/* who is registered has come back */
	jp_subjects_remove(job->subject.pseudonyms, job->subject.count, &late, &person);
	if (late.numbers[0] == JP_NO_SUBJECT)
		return;
	jp_tombstones_lay(late.pseudonyms, late.count, true);
	(void) jp_consent_forget(&late);
	jp_erasure_add_late(job, &late, person);
	jp_erasure_load(job);
}

/* Writes down what was done to a table. */
static void
row_done(void *arg, const JpReached *table, const char *action, int64 rows)
{
	jp_erasure_note_done(arg, table->table, action, rows, table->path);
}

/* What has no rows of its own goes last; then the receipt is made. */
static Datum
finish(JpErasure *job)
{
	bool		withheld = jp_erasure_withholds(job);

	jp_erasure_forget_results(job);
	if (!withheld)
		jp_erasure_note_done(job, "journey_privacy.subject_key", "shred",
							 jp_sealed_shred(job->subject.pseudonyms,
											 job->subject.count), "data keys");
	if (!job->holds.all)
		jp_erasure_note_done(job, "journey_privacy.consent_event", "delete",
							 jp_ledger_erase(&job->subject), "ledger of decisions");
	jp_erasure_end_tombstones(job);
	return jp_receipt_make(job->request_id, withheld ? "withheld" : "done");
}

/* Begins to work, in a transaction that is new or the caller's. */
void
jp_step_begin(JpPrivilege *before)
{
	settle_constraints();
	jp_elevate(before);
}

/* Ends what jp_step_begin() began, and commits where that is ours to do. */
void
jp_step_end(const JpPrivilege *before, bool atomic)
{
	jp_restore(before);
	if (!atomic)
		commit_step();
}

/* What SPI_commit() leaves without a snapshot goes on. */
static void
commit_step(void)
{
	SPI_commit();
	EnsurePortalSnapshotExists();
}

/* Begins a step, which can be undone by itself if the caller wants that. */
static void
begin_step(JpErasure *job)
{
	if (job->guarded)
	{
		MemoryContext context = CurrentMemoryContext;

		job->owner = CurrentResourceOwner;
		BeginInternalSubTransaction(NULL);
		MemoryContextSwitchTo(context);
	}
	jp_step_begin(&job->before);
}

/* Ends it, and commits where that is ours to do. */
static void
end_step(JpErasure *job)
{
	jp_restore(&job->before);
	if (job->guarded)
	{
		MemoryContext context = CurrentMemoryContext;

		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = job->owner;
	}
	if (!job->atomic)
		commit_step();
}

/*
 * Keeps others from working on the same request; until the transaction ends
 * within a transaction block, else until unlock_request().
 */
static bool
lock_request(JpErasure *job, bool wait)
{
	jp_uuid_lock_tag(&job->tag, DatumGetUUIDP(job->request_id), REQUEST_LOCK);
	return LockAcquire(&job->tag, ExclusiveLock, !job->atomic, !wait) !=
		LOCKACQUIRE_NOT_AVAIL;
}

/* The tag of an advisory lock on a uuid; their first halves are often alike. */
void
jp_uuid_lock_tag(LOCKTAG *tag, const pg_uuid_t *id, uint16 field)
{
	uint64		hash = hash_bytes_extended(id->data, UUID_LEN, 0);

	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, (uint32) (hash >> 32),
						 (uint32) hash, field);
}

/* Lets others work on the request. */
static void
unlock_request(JpErasure *job)
{
	if (!job->atomic)
		(void) LockRelease(&job->tag, ExclusiveLock, true);
}

/*
 * A foreign key that is checked at commit could not be checked in a
 * restricted operation: all are checked at once, from now on.  Deferred
 * triggers may be among them: they run as whom they would have run at commit.
 */
static void
settle_constraints(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(GetOuterUserId(),
						   sec_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0);
	SetUserIdAndSecContext(userid, sec_context);
}
