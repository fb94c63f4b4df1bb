/*
 * audit_change.c
 *		Changes that may yet be rolled back.
 *
 * An entry of what was done outlives what was done.  So a (sub)transaction
 * that recorded changes and aborts is told of as well; the entry for that is
 * made with the first change, because an abort can make none.
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/memutils.h"

#include "audit.h"
#include "audit_internal.h"

/* A (sub)transaction that has changed something. */
typedef struct Change
{
	dlist_node	node;
	SubTransactionId subxact;
	int64		count;
	JpUse	   *rollback;		/* what to tell if it aborts */
} Change;

static dlist_head changes = DLIST_STATIC_INIT(changes); /* innermost first */

static Change *innermost(void);

/* Something changes in this (sub)transaction. */
void
jp_change_note(void)
{
	SubTransactionId mine = GetCurrentSubTransactionId();
	Change	   *change = innermost();
	JpEntry		entry;

	if (change == NULL || change->subxact != mine)
	{
		jp_audit_fill(&entry, JP_NOTE_TRANSACTION, JP_NOTE_ROLLED_BACK,
					  "ROLLBACK");
		change = MemoryContextAllocZero(TopTransactionContext, sizeof(Change));
		change->subxact = mine;
		change->rollback = jp_use_keep(&entry);
		dlist_push_head(&changes, &change->node);
	}
	change->count++;
}

/* Whether anything has changed in this transaction. */
bool
jp_changes_any(void)
{
	return !dlist_is_empty(&changes);
}

/* A subtransaction's changes are its parent's now. */
void
jp_change_merge(SubTransactionId mine, SubTransactionId parent)
{
	Change	   *change = innermost();
	Change	   *outer = NULL;

	if (change == NULL || change->subxact != mine)
		return;
	if (dlist_has_next(&changes, &change->node))
		outer = dlist_container(Change, node,
								dlist_next_node(&changes, &change->node));
	if (outer == NULL || outer->subxact != parent)
	{
		change->subxact = parent;
		return;
	}
	outer->count += change->count;
	dlist_delete(&change->node);
	jp_use_discard(change->rollback);
	pfree(change);
}

/* Tells that a (sub)transaction's changes are undone. */
void
jp_change_undone(SubTransactionId subxact)
{
	Change	   *change = innermost();

	if (change == NULL || change->subxact != subxact)
		return;
	dlist_delete(&change->node);
	jp_use_undone(change->rollback, change->count);
	pfree(change);
}

/* The transaction has ended: its changes came to be, or did not. */
void
jp_changes_end(bool aborted)
{
	Change	   *change;

	while ((change = innermost()) != NULL)
	{
		if (aborted)
		{
			jp_change_undone(change->subxact);
			continue;
		}
		dlist_delete(&change->node);
		jp_use_discard(change->rollback);
		pfree(change);
	}
}

/* The changes of the innermost (sub)transaction that has any. */
static Change *
innermost(void)
{
	return dlist_is_empty(&changes) ? NULL :
		dlist_head_element(Change, node, &changes);
}
