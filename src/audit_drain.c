/*
 * audit_drain.c
 *		The worker's end of the queue.
 *
 * Only the worker moves tail, and it leaves zeros behind, because an entry
 * begins with its size.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"

#include "audit_internal.h"
#include "audit_queue.h"

#define queue	jp_queue

static void copy_out(uint64 position, char *bytes, uint64 size);

/* The worker arrives. */
bool
jp_queue_serve(Oid database)
{
	bool		served;

	if (!jp_queue_map(database))
		return false;
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	served = queue->worker_pid != 0;
	if (!served)
	{
		queue->worker = MyLatch;
		queue->worker_pid = MyProcPid;
		queue->worker_asked = true;
		queue->mood = JP_WORKER_BUSY;
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

/*
 * The worker goes for good if nobody has anything to tell.  Whoever claims
 * room looks for a worker afterwards; we look at the claims after we are gone.
 */
bool
jp_queue_unserve_empty(void)
{
	Latch	   *worker = queue->worker;
	bool		empty;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->worker = NULL;
	queue->worker_pid = 0;
	pg_memory_barrier();
	empty = pg_atomic_read_u64(&queue->claimed) == pg_atomic_read_u64(&queue->tail);
	if (empty)
	{
		queue->worker_asked = false;
		queue->leave = false;
	}
	else
	{
		queue->worker = worker;
		queue->worker_pid = MyProcPid;
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
	uint64		tail = pg_atomic_read_u64(&queue->tail);	/* moved by us only */
	uint64		waiting = pg_atomic_read_u64(&queue->head) - tail;
	uint64		size = 0;

	while (size < Min(waiting, max))
	{
		uint64		entry = *jp_queue_word(queue, tail + size);

		if (entry == 0)
			break;
		size += entry;
	}
	pg_read_barrier();
	/* Whoever waits for an entry that is not quite there waits on. */
	if (size == waiting || size >= max)
		queue->urgent = false;
	resetStringInfo(batch);
	enlargeStringInfo(batch, size);
	copy_out(tail, batch->data, size);
	batch->len = size;
	return size;
}

/* So many bytes at the tail are sealed, and their transaction is durable. */
void
jp_queue_sealed(uint64 bytes)
{
	uint64		tail = pg_atomic_read_u64(&queue->tail);
	uint64		at = tail % queue->size;
	uint64		first = Min(bytes, queue->size - at);

	memset(queue->ring + at, 0, first);
	memset(queue->ring, 0, bytes - first);
	pg_write_barrier();
	pg_atomic_write_u64(&queue->tail, tail + bytes);
	ConditionVariableBroadcast(&queue->moved);
}

/* What the worker should know. */
void
jp_queue_state(JpQueueState *state)
{
	LWLockAcquire(&queue->lock, LW_SHARED);
	state->empty = pg_atomic_read_u64(&queue->head) == pg_atomic_read_u64(&queue->tail);
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
	uint64		waiting;
	bool		busy;

	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->mood = idle ? JP_WORKER_IDLE : JP_WORKER_NAPPING;
	pg_memory_barrier();
	waiting = pg_atomic_read_u64(&queue->head) - pg_atomic_read_u64(&queue->tail);
	busy = queue->urgent || queue->leave ||
		queue->checkpoint_wanted > queue->checkpoint_done ||
		(idle ? waiting > 0 : waiting == 0 || waiting > queue->size / 4);
	if (busy)
		queue->mood = JP_WORKER_BUSY;
	LWLockRelease(&queue->lock);
	if (busy)
		return;
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	LWLockAcquire(&queue->lock, LW_EXCLUSIVE);
	queue->mood = JP_WORKER_BUSY;
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

/* Copies bytes out of the ring. */
static void
copy_out(uint64 position, char *bytes, uint64 size)
{
	uint64		at = position % queue->size;
	uint64		first = Min(size, queue->size - at);

	memcpy(bytes, queue->ring + at, first);
	memcpy(bytes + first, queue->ring, size - first);
}
