/*
 * audit_queue.h
 *		A database's queue, as sessions (audit_queue.c) and the worker
 *		(audit_drain.c) see it.
 */
#ifndef JP_AUDIT_QUEUE_H
#define JP_AUDIT_QUEUE_H

#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

typedef enum JpWorkerMood
{
	JP_WORKER_BUSY,
	JP_WORKER_NAPPING,				/* wake it when there is much to do */
	JP_WORKER_IDLE					/* wake it when there is anything to do */
} JpWorkerMood;

typedef struct JpQueue
{
	LWLock		lock;
	ConditionVariable moved;	/* tail has, or the worker came or went */
	Latch	   *worker;
	volatile pid_t worker_pid;
	bool		worker_asked;	/* one is registered with the postmaster */
	volatile JpWorkerMood mood;
	volatile bool urgent;			/* somebody waits */
	bool		leave;			/* wanted: the worker away from the database */
	int			producers;		/* sessions attached, but for walsenders */
	uint64		checkpoint_wanted;
	uint64		checkpoint_done;
	bool		checkpoint_made;	/* the last one could be */
	uint64		size;
	pg_atomic_uint64 claimed;	/* all that was ever put or is reserved */
	pg_atomic_uint64 head;
	pg_atomic_uint64 tail;
	char		ring[FLEXIBLE_ARRAY_MEMBER] pg_attribute_aligned(8);
} JpQueue;

/* audit_queue.c: the queue of this process's database, once it has one. */
extern JpQueue *jp_queue;

/* audit_queue.c: for the worker: gets it; false where there is none. */
extern bool jp_queue_map(Oid database);

/* The first word of an entry; entries and the ring are multiples of it. */
static inline volatile uint64 *
jp_queue_word(JpQueue *queue, uint64 place)
{
	return (volatile uint64 *) (queue->ring + place % queue->size);
}

#endif							/* JP_AUDIT_QUEUE_H */
