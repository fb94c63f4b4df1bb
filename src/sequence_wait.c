/*
 * sequence_wait.c
 *		Who waits for a span of time to pass, and which of them may go on.  Pure.
 *
 * Events come in order, so bases do, and those who wait become due and too
 * late in the order of their bases: each is touched a few times only.
 */
#include "sequence_wait.h"

/* Of those who wait, in all; 32 MB. */
#define WAITERS_MAX		(4 * 1024 * 1024)

static void make_due(JpWaits *waits, JpWait *wait, JpWaiter waiter);
static bool make_room(JpWaits *waits, JpWait *wait);
static bool is_endless(const JpWait *wait);
static bool as_good(const JpWaits *waits, uint32 a, uint32 b);
static void drop(JpWaits *waits, uint32 list);
static uint64 elapsed(const JpWaits *waits, uint32 base, uint32 event);

void
jp_wait_add(JpWaits *waits, JpWait *wait, uint32 base, uint32 list)
{
	JpWaiter	waiter = {base, list};
	JpWaiter   *last = NULL;
	uint32		at;

	if (wait->early < wait->early_end)
		last = &wait->waiter[wait->early_end - 1];
	else if (wait->due < wait->due_end && is_endless(wait))
		last = &wait->waiter[wait->due_end - 1];
	if (last != NULL && last->base <= base && as_good(waits, last->list, list) &&
		(is_endless(wait) || elapsed(waits, last->base, base) == 0))
		return;
	if (!make_room(waits, wait))
		return;
	if (waits->lists != NULL)
		jp_list_keep(waits->lists, list);
	at = wait->early_end++;
	if (at > wait->early && wait->waiter[at - 1].base > base)
	{
		wait->waiter[at] = wait->waiter[at - 1];
		at--;
	}
	wait->waiter[at] = waiter;
}

bool
jp_wait_fits(const JpWaits *waits, const JpWait *wait, uint32 base, uint32 event)
{
	uint64		time = elapsed(waits, base, event);

	return time >= wait->span->least && time <= wait->span->most;
}

const JpWaiter *
jp_wait_due(JpWaits *waits, JpWait *wait, uint32 event)
{
	while (wait->early < wait->early_end &&
		   elapsed(waits, wait->waiter[wait->early].base, event) >= wait->span->least)
		make_due(waits, wait, wait->waiter[wait->early++]);
	while (wait->due < wait->due_end &&
		   elapsed(waits, wait->waiter[wait->due].base, event) > wait->span->most)
		drop(waits, wait->waiter[wait->due++].list);
	return wait->due < wait->due_end ? &wait->waiter[wait->due] : NULL;
}

void
jp_wait_clear(JpWaits *waits, JpWait *wait)
{
	while (wait->due < wait->due_end)
		drop(waits, wait->waiter[wait->due++].list);
	while (wait->early < wait->early_end)
		drop(waits, wait->waiter[wait->early++].list);
	wait->due = wait->due_end = wait->early = wait->early_end = 0;
}

/* Moves the first of the early ones, unless another will always do for it. */
static void
make_due(JpWaits *waits, JpWait *wait, JpWaiter waiter)
{
	JpWaiter   *last;

	while (wait->due < wait->due_end)
	{
		last = &wait->waiter[wait->due_end - 1];
		if (last->base > waiter.base ||
			(is_endless(wait) && as_good(waits, last->list, waiter.list)))
		{
			drop(waits, waiter.list);
			return;
		}
		if (!as_good(waits, waiter.list, last->list))
			break;
		drop(waits, last->list);
		wait->due_end--;
	}
	wait->waiter[wait->due_end++] = waiter;
}

/* Makes room for one more at the end. */
static bool
make_room(JpWaits *waits, JpWait *wait)
{
	uint32		due = wait->due_end - wait->due;
	uint32		early = wait->early_end - wait->early;

	if (wait->early_end < wait->room)
		return true;
	if (due + early > wait->room / 2 || wait->room == 0)
	{
		uint32		more = wait->room == 0 ? 4 : wait->room;

		if (waits->room + more > WAITERS_MAX)
		{
			waits->full = true;
			return false;
		}
		waits->room += more;
		wait->room += more;
		wait->waiter = (JpWaiter *) waits->host->resize(wait->waiter, wait->room * sizeof(JpWaiter));
	}
	memmove(wait->waiter, wait->waiter + wait->due, due * sizeof(JpWaiter));
	memmove(wait->waiter + due, wait->waiter + wait->early, early * sizeof(JpWaiter));
	wait->due = 0;
	wait->due_end = wait->early = due;
	wait->early_end = due + early;
	return true;
}

/* Who is due once is due for ever. */
static bool
is_endless(const JpWait *wait)
{
	return wait->span->most == UINT64_MAX;
}

static bool
as_good(const JpWaits *waits, uint32 a, uint32 b)
{
	return waits->lists == NULL || jp_list_order(waits->lists, a, b) <= 0;
}

static void
drop(JpWaits *waits, uint32 list)
{
	if (waits->lists != NULL)
		jp_list_drop(waits->lists, list);
}

static uint64
elapsed(const JpWaits *waits, uint32 base, uint32 event)
{
	return (uint64) waits->moments[event].at - (uint64) waits->moments[base].at;
}
