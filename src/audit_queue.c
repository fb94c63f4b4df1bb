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
 * Locks: the registry's before a queue's, a queue's for a few instructions.
 * The worker is started by whoever needs it and not found to run.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
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

typedef enum WorkerMood
{
	WORKER_BUSY,
	WORKER_NAPPING,				/* wake it when there is much to do */
	WORKER_IDLE					/* wake it when there is anything to do */
} WorkerMood;

typedef struct Queue
{
	LWLock		lock;
	ConditionVariable moved;	/* tail has, or the worker came or went */
	Latch	   *worker;
	pid_t		worker_pid;
	bool		worker_asked;	/* one is registered with the postmaster */
	WorkerMood	mood;
	bool		urgent;			/* somebody waits */
	bool		leave;			/* wanted: the worker away from the database */
	int			producers;		/* sessions attached, but for walsenders */
	uint64		checkpoint_wanted;
	uint64		checkpoint_done;
	bool		checkpoint_made;	/* the last one could be */
	uint64		size;
	uint64		head;
	uint64		tail;
	uint64		reserved;
	char		ring[FLEXIBLE_ARRAY_MEMBER];
} Queue;

static shmem_request_hook_type previous_shmem_request = NULL;
static shmem_startup_hook_type previous_shmem_startup = NULL;
static Registry *registry = NULL;
static LWLock *registry_lock = NULL;

/* Of this backend: the queue of its database, and what it has there. */
static Queue *queue = NULL;
static dsm_segment *segment = NULL;
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
static void copy_out(uint64 position, char *bytes, uint64 size);

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
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->reserved -= size;
	LWLockRelease(&queue->lock);
	reserved -= size;
}

/* Puts a message where room for it was reserved. */
void
jp_queue_put(const char *message, uint32 size)
{
	WorkerMood	mood;
	uint64		used;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	copy_in(queue->head, message, size);
	queue->head += size;
	queue->reserved -= size;
	last_put = queue->head;
	used = queue->head - queue->tail;
	mood = queue->mood;
	LWLockRelease(&queue->lock);
	reserved -= size;
	if (mood == WORKER_IDLE ||
		(mood == WORKER_NAPPING && used > queue->size / 4))
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
	LWLockAcquire(&queue->lock, LW_SHARED);
	head = queue->head;
	LWLockRelease(&queue->lock);
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
	*waiting = queue->head - queue->tail;
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
		Queue	   *vacating = dsm_segment_address(other);
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

/* The worker arrives. */
bool
jp_queue_serve(Oid database)
{
	QueueSlot  *slot;
	bool		served;

	if (registry == NULL)
		return false;
	LWLockAcquire(registry_lock, LW_SHARED);
	slot = find_slot(database);
	segment = slot == NULL ? NULL : dsm_attach(slot->handle);
	LWLockRelease(registry_lock);
	if (segment == NULL)
		return false;
	dsm_pin_mapping(segment);
	queue = dsm_segment_address(segment);
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	served = queue->worker_pid != 0;
	if (!served)
	{
		queue->worker = MyLatch;
		queue->worker_pid = MyProcPid;
		queue->worker_asked = true;
		queue->mood = WORKER_BUSY;
		queue->leave = false;
	}
	LWLockRelease(&queue->lock);
	ConditionVariableBroadcast(&queue->moved);
	return !served;
}

/* The worker goes; if not for good, the postmaster starts another. */
void
jp_queue_unserve(bool for_good)
{
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	if (queue->worker_pid == MyProcPid)
	{
		queue->worker = NULL;
		queue->worker_pid = 0;
		queue->worker_asked = !for_good;
		queue->leave = false;
	}
	LWLockRelease(&queue->lock);
	ConditionVariableBroadcast(&queue->moved);
}

/* The worker goes for good if nothing has come in between. */
bool
jp_queue_unserve_empty(void)
{
	bool		empty;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	empty = queue->head == queue->tail;
	if (empty)
	{
		queue->worker = NULL;
		queue->worker_pid = 0;
		queue->worker_asked = false;
		queue->leave = false;
	}
	LWLockRelease(&queue->lock);
	if (empty)
		ConditionVariableBroadcast(&queue->moved);
	return empty;
}

/* Copies whole entries out, as many as fit, one at least. */
uint64
jp_queue_peek(StringInfo batch, uint64 max)
{
	uint64		tail = queue->tail; /* moved by us only */
	uint64		head;
	uint64		size = 0;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	head = queue->head;
	queue->urgent = false;
	LWLockRelease(&queue->lock);

	resetStringInfo(batch);
	enlargeStringInfo(batch, Min(head - tail, max + queue->size / 4));
	copy_out(tail, batch->data, Min(head - tail, max + queue->size / 4));
	while (tail + size < head && size < max)
		size += jp_entry_size(batch->data + size);
	batch->len = size;
	return size;
}

/* So many bytes at the tail are sealed, and their transaction is durable. */
void
jp_queue_sealed(uint64 bytes)
{
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->tail += bytes;
	LWLockRelease(&queue->lock);
	ConditionVariableBroadcast(&queue->moved);
}

/* What the worker should know. */
void
jp_queue_state(JpQueueState *state)
{
	LWLockAcquire(&queue->lock, LW_SHARED);
	state->empty = queue->head == queue->tail;
	state->leave = queue->leave;
	state->alone = queue->producers == 0;
	state->checkpoint = queue->checkpoint_wanted > queue->checkpoint_done ?
		queue->checkpoint_wanted : 0;
	LWLockRelease(&queue->lock);
}

/*
 * The worker sleeps: idle, until there is anything to do; otherwise until
 * somebody waits or there is much, so that it seals many entries at a time.
 */
void
jp_queue_nap(bool idle, long milliseconds)
{
	bool		busy;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	busy = queue->urgent || queue->leave ||
		queue->checkpoint_wanted > queue->checkpoint_done ||
		(idle && queue->head > queue->tail) ||
		(!idle && queue->head == queue->tail) ||
		queue->head - queue->tail > queue->size / 4;
	queue->mood = busy ? WORKER_BUSY : idle ? WORKER_IDLE : WORKER_NAPPING;
	LWLockRelease(&queue->lock);
	if (busy)
		return;
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->mood = WORKER_BUSY;
	LWLockRelease(&queue->lock);
}

/* The worker has made a checkpoint, or could not. */
void
jp_queue_checkpointed(uint64 wanted, bool made)
{
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->checkpoint_done = wanted;
	queue->checkpoint_made = made;
	LWLockRelease(&queue->lock);
	ConditionVariableBroadcast(&queue->moved);
}

/* Gets to the queue of this database; false where there can be none. */
static bool
attach(void)
{
	QueueSlot  *slot;

	if (queue != NULL)
		return true;
	if (registry == NULL || RecoveryInProgress())
		return false;
	LWLockAcquire(registry_lock, LW_EXCLUSIVE);
	slot = find_slot(MyDatabaseId);
	if (slot != NULL)
		segment = dsm_attach(slot->handle);
	else
	{
		slot = find_slot(InvalidOid);
		if (slot == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					 errmsg("the audit has queues for %d databases only", DATABASES)));
		segment = make_queue(slot, MyDatabaseId);
	}
	keep_mapped(segment);
	LWLockRelease(registry_lock);
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
	dsm_segment *made = dsm_create(offsetof(Queue, ring) + size, 0);
	Queue	   *new = dsm_segment_address(made);

	memset(new, 0, offsetof(Queue, ring));
	LWLockInitialize(&new->lock, registry_lock->tranche);
	ConditionVariableInit(&new->moved);
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
	queue->reserved -= reserved;
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
	bool		taken;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	taken = queue->head - queue->tail + queue->reserved + size <= queue->size;
	if (taken)
		queue->reserved += size;
	LWLockRelease(&queue->lock);
	if (taken)
		reserved += size;
	return taken;
}

static bool
is_durable(uint64 position)
{
	bool		durable;

	LWLockAcquire(&queue->lock, LW_SHARED);
	durable = queue->tail >= position;
	LWLockRelease(&queue->lock);
	return durable;
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
	if (queue->worker != NULL && queue->mood != WORKER_BUSY)
		SetLatch(queue->worker);
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

/* Copies bytes out of the ring. */
static void
copy_out(uint64 position, char *bytes, uint64 size)
{
	uint64		at = position % queue->size;
	uint64		first = Min(size, queue->size - at);

	memcpy(bytes, queue->ring + at, first);
	memcpy(bytes + first, queue->ring, size - first);
}
