/*
 * audit_queue.c
 *		The bounded queue between sessions and the worker that seals.
 *
 * Each database has a queue of its own, a shared-memory segment that is made
 * when something is first noted there and stays until the server stops; the
 * registry in the main shared memory knows them.  A queue is a ring of bytes
 * with positions that only grow: from tail to head are packed entries, those
 * before tail are sealed and durable.
 *
 * A session reserves room before it begins what it will have to tell, and
 * waits there, interruptibly, when there is none.  So what it tells later,
 * while a transaction aborts for example, never waits and is never dropped.
 *
 * Locks: the registry's before a queue's, which is about the worker.  Entries
 * need none: room is claimed by adding to a counter, which never exceeds tail
 * by more than the queue's size but for a moment in which somebody finds that
 * out; a place is taken by adding to head; and an entry is there when its
 * first word, which is 0 until then, has its size.
 * The worker is started by whoever needs it and not found to run.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "replication/walsender.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit.h"
#include "audit_internal.h"
#include "audit_queue.h"
#include "journey_privacy.h"

#define TRANCHE		"journey_privacy_audit"
#define DATABASES	64			/* that can have a queue at a time */

typedef struct QueueSlot
{
	Oid			database;		/* InvalidOid: free */
	dsm_handle	handle;
} QueueSlot;

typedef struct Registry
{
	QueueSlot	slot[DATABASES];
} Registry;

static shmem_request_hook_type previous_shmem_request = NULL;
static shmem_startup_hook_type previous_shmem_startup = NULL;
static Registry *registry = NULL;
static LWLock *registry_lock = NULL;

/* The queue of this process's database. */
JpQueue    *jp_queue = NULL;
#define queue	jp_queue

/* What this session has there. */
static uint64 reserved = 0;
static uint64 last_put = 0;

/* What a session waits for: room for so many bytes, or a tail this far. */
typedef bool (*Condition) (uint64 wanted);

static void request_shmem(void);
static void startup_shmem(void);
static bool attach(void);
static QueueSlot *find_slot(Oid database);
static dsm_segment *make_queue(QueueSlot *slot, Oid database);
static void keep_mapped(dsm_segment *mapped);
static void detached(dsm_segment *detaching, Datum arg);
static bool take_room(uint64 size);
static bool is_durable(uint64 position);
static bool is_checkpointed(uint64 number);
static void wait_for(Condition condition, uint64 wanted);
static void require_worker(void);
static void register_worker(void);
static void wake(bool urgently);
static void refuse_deadlock(void);
static bool blocks(int waiting, int pid, int depth);
static void copy_in(uint64 position, const char *bytes, uint64 size);

/* Asks for the registry's memory and lock. */
void
jp_queue_init(void)
{
	if (!jp_preloaded)
		return;
	previous_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}

static void
request_shmem(void)
{
	if (previous_shmem_request)
		previous_shmem_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Registry)));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

static void
startup_shmem(void)
{
	bool		found;

	if (previous_shmem_startup)
		previous_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	registry = ShmemInitStruct(TRANCHE, sizeof(Registry), &found);
	if (!found)
		memset(registry, 0, sizeof(Registry));
	registry_lock = &GetNamedLWLockTranche(TRANCHE)[0].lock;
	LWLockRelease(AddinShmemInitLock);
}

/* Room for a message of the session. */
bool
jp_queue_reserve(uint32 size)
{
	if (!attach())
		return false;
	if (size > queue->size / 4)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an entry of the audit needs %u bytes, more than a quarter of its queue", size),
				 errhint("Increase journey_privacy.audit_queue_size.")));
	if (!take_room(size))
		wait_for(take_room, size);
	if (queue->worker_pid == 0)
		require_worker();
	return true;
}

/* Gives room back. */
void
jp_queue_release(uint32 size)
{
	if (queue == NULL)
		return;
	pg_atomic_fetch_sub_u64(&queue->claimed, size);
	reserved -= size;
}

/* Puts a message where room for it was reserved. */
void
jp_queue_put(const char *message, uint32 size)
{
	uint64		place = pg_atomic_fetch_add_u64(&queue->head, size);
	uint64		waiting = place + size - pg_atomic_read_u64(&queue->tail);

	Assert(size % 8 == 0);
	copy_in(place + 8, message + 8, size - 8);
	pg_write_barrier();
	*jp_queue_word(queue, place) = size;
	pg_memory_barrier();
	last_put = place + size;
	reserved -= size;
	if (queue->mood == JP_WORKER_IDLE ||
		(queue->mood == JP_WORKER_NAPPING && waiting > queue->size / 4))
		wake(false);
}

/* Waits for what this session has put. */
void
jp_queue_flush(void)
{
	if (queue != NULL && !is_durable(last_put))
		wait_for(is_durable, last_put);
}

/* Waits for what anybody has put; false where there is no queue. */
bool
jp_queue_flush_all(void)
{
	uint64		head;

	if (!attach())
		return false;
	head = pg_atomic_read_u64(&queue->head);
	if (!is_durable(head))
		wait_for(is_durable, head);
	return true;
}

/* Has a checkpoint made of what has been put so far. */
bool
jp_queue_checkpoint(void)
{
	uint64		number;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	number = ++queue->checkpoint_wanted;
	LWLockRelease(&queue->lock);
	wait_for(is_checkpointed, number);
	return queue->checkpoint_made;
}

/* Bytes that wait, size of the queue, the worker. */
void
jp_queue_figures(uint64 *waiting, uint64 *size, int *worker)
{
	*waiting = *size = *worker = 0;
	if (!attach())
		return;
	LWLockAcquire(&queue->lock, LW_SHARED);
	*waiting = pg_atomic_read_u64(&queue->head) - pg_atomic_read_u64(&queue->tail);
	*size = queue->size;
	*worker = queue->worker_pid;
	LWLockRelease(&queue->lock);
}

/*
 * Sends the worker away from a database that somebody wants to drop, rename
 * or copy.  It seals what there is first; DROP DATABASE then waits for it, as
 * it does for any session.
 */
void
jp_queue_vacate(Oid database)
{
	QueueSlot  *slot;
	dsm_segment *other;
	int			tries;

	if (registry == NULL || database == MyDatabaseId)
		return;
	LWLockAcquire(registry_lock, LW_SHARED);
	slot = find_slot(database);
	other = slot == NULL ? NULL : dsm_attach(slot->handle);
	LWLockRelease(registry_lock);
	if (other == NULL)
		return;
	for (tries = 0; tries < 100; tries++)
	{
		JpQueue    *vacating = dsm_segment_address(other);
		Latch	   *worker;

		LWLockAcquire(&vacating->lock, LW_EXCLUSIVE);
		vacating->leave = true;
		worker = vacating->worker;
		if (worker != NULL)
			SetLatch(worker);
		LWLockRelease(&vacating->lock);
		if (worker == NULL)
			break;
		ConditionVariableTimedSleep(&vacating->moved, 50, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	dsm_detach(other);
}

/* Frees the queue of a database that is gone. */
void
jp_queue_forget(Oid database)
{
	QueueSlot  *slot;

	if (registry == NULL)
		return;
	LWLockAcquire(registry_lock, LW_EXCLUSIVE);
	slot = find_slot(database);
	if (slot != NULL)
	{
		dsm_unpin_segment(slot->handle);
		slot->database = InvalidOid;
	}
	LWLockRelease(registry_lock);
}

/* Gets to the queue of this database; false where there can be none. */
static bool
attach(void)
{
	QueueSlot  *slot;
	dsm_segment *mapped;

	if (queue != NULL)
		return true;
	if (registry == NULL || RecoveryInProgress())
		return false;
	LWLockAcquire(registry_lock, LW_EXCLUSIVE);
	slot = find_slot(MyDatabaseId);
	if (slot != NULL)
		mapped = dsm_attach(slot->handle);
	else
	{
		slot = find_slot(InvalidOid);
		if (slot == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("the audit has queues for %d databases only", DATABASES)));
		mapped = make_queue(slot, MyDatabaseId);
	}
	keep_mapped(mapped);
	LWLockRelease(registry_lock);
	return true;
}

/* Maps the queue of a database for the worker, if there is one. */
bool
jp_queue_map(Oid database)
{
	QueueSlot  *slot;
	dsm_segment *mapped = NULL;

	if (registry == NULL)
		return false;
	LWLockAcquire(registry_lock, LW_SHARED);
	slot = find_slot(database);
	if (slot != NULL)
		mapped = dsm_attach(slot->handle);
	LWLockRelease(registry_lock);
	if (mapped == NULL)
		return false;
	dsm_pin_mapping(mapped);
	queue = dsm_segment_address(mapped);
	return true;
}

/* The slot of a database, or a free one; NULL when there is none. */
static QueueSlot *
find_slot(Oid database)
{
	int			i;

	for (i = 0; i < DATABASES; i++)
		if (registry->slot[i].database == database)
			return &registry->slot[i];
	return NULL;
}

/* Makes a queue in a free slot. */
static dsm_segment *
make_queue(QueueSlot *slot, Oid database)
{
	Size		size = (Size) jp_setting_audit_queue_size * 1024;
	dsm_segment *made = dsm_create(offsetof(JpQueue, ring) + size, 0);
	JpQueue    *new = dsm_segment_address(made);

	memset(new, 0, offsetof(JpQueue, ring) + size);
	LWLockInitialize(&new->lock, registry_lock->tranche);
	ConditionVariableInit(&new->moved);
	pg_atomic_init_u64(&new->claimed, 0);
	pg_atomic_init_u64(&new->head, 0);
	pg_atomic_init_u64(&new->tail, 0);
	new->size = size;
	dsm_pin_segment(made);
	slot->handle = dsm_segment_handle(made);
	slot->database = database;
	return made;
}

/* Keeps a segment until this session ends, and counts the session. */
static void
keep_mapped(dsm_segment *mapped)
{
	if (mapped == NULL)
		elog(ERROR, "could not attach to the queue of the audit");
	dsm_pin_mapping(mapped);
	queue = dsm_segment_address(mapped);
	if (am_walsender)
		return;
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->producers++;
	LWLockRelease(&queue->lock);
	on_dsm_detach(mapped, detached, (Datum) 0);
}

/* A session has ended, after its last transaction has. */
static void
detached(dsm_segment *detaching, Datum arg)
{
	Latch	   *worker;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->producers--;
	pg_atomic_fetch_sub_u64(&queue->claimed, reserved);
	worker = queue->worker;
	if (worker != NULL && queue->producers == 0)
		SetLatch(worker);
	LWLockRelease(&queue->lock);
	reserved = 0;
	ConditionVariableBroadcast(&queue->moved);
	queue = NULL;
}

/* Takes room if there is. */
static bool
take_room(uint64 size)
{
	uint64		claimed = pg_atomic_add_fetch_u64(&queue->claimed, size);

	if (claimed - pg_atomic_read_u64(&queue->tail) > queue->size)
	{
		pg_atomic_fetch_sub_u64(&queue->claimed, size);
		return false;
	}
	reserved += size;
	return true;
}

static bool
is_durable(uint64 position)
{
	return pg_atomic_read_u64(&queue->tail) >= position;
}

static bool
is_checkpointed(uint64 number)
{
	bool		done;

	LWLockAcquire(&queue->lock, LW_SHARED);
	done = queue->checkpoint_done >= number;
	LWLockRelease(&queue->lock);
	return done;
}

/* Waits until the worker has come so far. */
static void
wait_for(Condition condition, uint64 wanted)
{
	ConditionVariablePrepareToSleep(&queue->moved);
	while (!condition(wanted))
	{
		if (queue->worker_pid == 0)
			require_worker();
		wake(true);
		if (ConditionVariableTimedSleep(&queue->moved, 1000, PG_WAIT_EXTENSION))
			refuse_deadlock();
	}
	ConditionVariableCancelSleep();
}

/* Has a worker started, unless one has been. */
static void
require_worker(void)
{
	bool		asked;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	asked = queue->worker_asked;
	queue->worker_asked = true;
	LWLockRelease(&queue->lock);
	if (!asked)
		register_worker();
}

static void
register_worker(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, JP_EXTENSION, BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "jp_audit_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "journey_privacy audit", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "journey_privacy audit", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	if (RegisterDynamicBackgroundWorker(&worker, NULL))
		return;
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->worker_asked = false;
	LWLockRelease(&queue->lock);
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("there is no background worker left for the audit"),
			 errhint("Increase max_worker_processes.")));
}

/* Wakes the worker: not while it makes its way out, when it has no latch. */
static void
wake(bool urgently)
{
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	if (urgently)
		queue->urgent = true;
	if (queue->worker != NULL && queue->mood != JP_WORKER_BUSY)
	{
		SetLatch(queue->worker);
		queue->mood = JP_WORKER_BUSY;
	}
	LWLockRelease(&queue->lock);
}

/* Waiting for a worker that waits for a lock of ours would last for ever. */
static void
refuse_deadlock(void)
{
	int			worker = queue->worker_pid;

	if (worker != 0 && blocks(worker, MyProcPid, 0))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
				 errmsg("the audit waits for a lock that this transaction holds"),
				 errhint("Do not lock or alter tables of schema journey_privacy in a transaction that does anything else.")));
}

/* Whether a process waits, directly or not, for a lock of another. */
static bool
blocks(int waiting, int pid, int depth)
{
	ArrayType  *pids = DatumGetArrayTypeP(DirectFunctionCall1(pg_blocking_pids,
															  Int32GetDatum(waiting)));
	int32	   *blocking = (int32 *) ARR_DATA_PTR(pids);
	int			count = ArrayGetNItems(ARR_NDIM(pids), ARR_DIMS(pids));
	int			i;

	for (i = 0; i < count; i++)
		if (blocking[i] == pid ||
			(depth < 8 && blocking[i] != 0 && blocks(blocking[i], pid, depth + 1)))
			return true;
	return false;
}

/* Copies bytes into the ring. */
static void
copy_in(uint64 position, const char *bytes, uint64 size)
{
	uint64		at = position % queue->size;
	uint64		first = Min(size, queue->size - at);

	memcpy(queue->ring + at, bytes, first);
	memcpy(queue->ring, bytes + first, size - first);
}
