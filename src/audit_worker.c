/*
 * audit_worker.c
 *		The process that seals: one for each database in which something is
 *		being noted.
 *
 * It takes entries out of the queue in batches, a transaction each, and
 * moves the queue's tail in a callback of the commit itself: an entry is
 * either sealed or still in the queue.  An error (a full disk) ends the
 * process; the postmaster starts another a second later, and it goes on where
 * the tail is.  Asked to terminate, it stays until no session is left that
 * could note something and all is sealed, so that a clean shutdown loses
 * nothing.  It goes when it has been idle for a minute.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit.h"
#include "audit_internal.h"
#include "catalog.h"
#include "journey_privacy.h"

#define BATCH_SIZE	(1024 * 1024)
#define NAP			200			/* ms: how long entries gather */
#define LOOK		1000		/* ms between looks at the clock when idle */
#define IDLE		60000		/* ms until the worker goes */

PGDLLEXPORT void jp_audit_main(Datum arg);

static volatile sig_atomic_t leaving = false;
static bool sealed_some = false;	/* in this transaction */
static uint64 sealing = 0;		/* bytes of the queue of it */
static Oid	sealing_into = InvalidOid;	/* audit_entry whose tree is loaded */
static uint64 checkpointed = 0; /* size of the last checkpoint */
static TimestampTz checkpointed_at = 0;
static StringInfoData batch;
static StringInfoData own;		/* entries that the worker makes itself */

static void set_leaving(SIGNAL_ARGS);
static void depart(int code, Datum arg);
static void sealed_with_commit(XactEvent event, void *arg);
static void serve(void);
static bool seal_batch(void);
static bool ready(void);
static void log_entries(StringInfo entries);
static void begin(void);
static void commit(void);
static bool checkpoint(void);
static void reload(void);
static void note_settings(const char *command);

/* Entry point of the background worker. */
void
jp_audit_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);

	pqsignal(SIGTERM, set_leaving);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGINT, SIG_IGN);
	BackgroundWorkerUnblockSignals();
	jp_audit_off();
	if (!jp_queue_serve(database))
		proc_exit(0);
	before_shmem_exit(depart, (Datum) 0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("synchronous_commit", "on", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET,
					PGC_S_SESSION);
	SetConfigOption("statement_timeout", "0", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("lock_timeout", "0", PGC_SUSET, PGC_S_SESSION);
	RegisterXactCallback(sealed_with_commit, NULL);
	MemoryContextSwitchTo(TopMemoryContext);
	initStringInfo(&batch);
	initStringInfo(&own);
	note_settings("start");
	checkpointed_at = GetCurrentTimestamp();
	serve();
	proc_exit(0);
}

/* SIGTERM: leave when everything is done. */
static void
set_leaving(SIGNAL_ARGS)
{
	int			before = errno;

	leaving = true;
	SetLatch(MyLatch);
	errno = before;
}

/* Tells the queue, on a way out that was not planned too. */
static void
depart(int code, Datum arg)
{
	jp_queue_unserve(code == 0);
}

/* Seals until there is no more to do. */
static void
serve(void)
{
	TimestampTz idle_since = GetCurrentTimestamp();

	for (;;)
	{
		JpQueueState state;
		TimestampTz now;
		bool		due;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
			reload();
		while (seal_batch())
			idle_since = GetCurrentTimestamp();
		jp_handout_watch();
		jp_queue_state(&state);
		now = GetCurrentTimestamp();
		due = jp_sealed_tree()->size > checkpointed &&
			TimestampDifferenceExceeds(checkpointed_at, now,
									   jp_setting_checkpoint_interval * 1000);
		if (state.checkpoint != 0)
			jp_queue_checkpointed(state.checkpoint, checkpoint());
		else if (due)
			(void) checkpoint();
		else if (state.empty &&
				 (state.leave || (leaving && state.alone) ||
				  TimestampDifferenceExceeds(idle_since, now, IDLE)) &&
				 jp_queue_unserve_empty())
			break;
		else
		{
			jp_queue_nap(true, LOOK);
			jp_queue_nap(false, NAP);
		}
	}
	if (jp_sealed_tree()->size > checkpointed)
		(void) checkpoint();
}

/* Seals some of what waits; false when nothing does. */
static bool
seal_batch(void)
{
	uint64		bytes = own.len > 0 ? 0 : jp_queue_peek(&batch, BATCH_SIZE);
	StringInfo	source = own.len > 0 ? &own : &batch;

	if (own.len == 0 && bytes == 0)
		return false;
	pgstat_report_activity(STATE_RUNNING, "sealing entries of the audit");
	begin();
	if (ready())
		jp_seal_entries(source->data, source->len);
	else
		log_entries(source);
	sealing = bytes;
	sealed_some = true;
	commit();
	resetStringInfo(source);
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	return true;
}

/* Moves the tail in the same breath as the commit. */
static void
sealed_with_commit(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT || !sealed_some)
		return;
	if (OidIsValid(sealing_into))
		jp_seal_committed();
	jp_queue_sealed(sealing);
	sealed_some = false;
}

/*
 * Whether there are tables to seal into, and this tree of theirs is loaded.
 * They stay until the transaction ends.
 */
static bool
ready(void)
{
	Oid			relid = jp_extension_hold() ?
		get_relname_relid("audit_entry", jp_schema()) : InvalidOid;

	if (!OidIsValid(relid))
		return false;
	if (relid != sealing_into)
	{
		jp_audit_name();
		jp_seal_load();
		checkpointed = jp_last_checkpoint();
		sealing_into = relid;
	}
	return true;
}

/* Without the extension, which was dropped, entries go to the server log. */
static void
log_entries(StringInfo entries)
{
	int			at;

	sealing_into = InvalidOid;
	for (at = 0; at < entries->len; at += jp_entry_size(entries->data + at))
		jp_audit_to_log(entries->data + at);
}

static void
begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit(void)
{
	PopActiveSnapshot();
	SPI_finish();
	CommitTransactionCommand();
}

/* Makes a checkpoint and hands it out; false when it cannot be made. */
static bool
checkpoint(void)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool made = false;
	char	   *volatile note = NULL;

	checkpointed_at = GetCurrentTimestamp();
	begin();
	PG_TRY();
	{
		if (ready())
		{
			note = MemoryContextStrdup(TopMemoryContext,
									   jp_checkpoint_make(jp_sealed_tree()));
			checkpointed = jp_sealed_tree()->size;
			made = true;
		}
		commit();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		sealing_into = InvalidOid;
		made = false;
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (made)
		jp_handout(note);
	if (note != NULL)
		pfree(note);
	return made;
}

/* Reads the settings again, and notes if those of the audit have changed. */
static void
reload(void)
{
	int			audit = jp_setting_audit;
	int			durability = jp_setting_audit_durability;

	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	if (audit != jp_setting_audit || durability != jp_setting_audit_durability)
		note_settings("reload");
}

/* Makes an entry of what the audit is set to; it goes with the next batch. */
static void
note_settings(const char *command)
{
	JpEntry		entry;

	begin();
	jp_audit_fill(&entry, JP_NOTE_AUDIT, JP_NOTE_OK, command);
	entry.detail = psprintf("audit=%s durability=%s",
							GetConfigOption("journey_privacy.audit", false, false),
							GetConfigOption("journey_privacy.audit_durability", false, false));
	jp_entry_pack(&entry, &own);
	commit();
}
