/*
 * guard_answer.c
 *		Which statements are answers of ours.
 *
 * Under a purpose whose access is 'aggregates' protected tables are read by
 * the one statement of a function that answers, and by no other.  The function
 * announces it; the next statement that starts takes the announcement, unless
 * it runs while the announced one is still being planned: planning calls
 * functions that are immutable.  From its start to its end the mark is bound
 * to that QueryDesc and to the purpose that was in force, so that nothing run
 * within it has part in it.  The mark lives in the statement's memory and goes
 * with it, an announcement with the transaction or subtransaction at the
 * latest.
 *
 * A parallel worker runs a piece of a statement that was checked in the
 * leader, when it started and when it was run; it is known by where its rows
 * go.  Functions within run statements of their own, which are checked there.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "lib/ilist.h"
#include "nodes/execnodes.h"
#include "tcop/dest.h"
#include "utils/memutils.h"

#include "guard.h"
#include "journey_privacy.h"

struct JpAnswer
{
	dlist_node	node;
	const QueryDesc *query;
	MemoryContextCallback ending;
	char		purpose[NAMEDATALEN];
};

/* What was announced. */
static bool announced = false;
static char announced_for[NAMEDATALEN];
static int	announced_at = 0;	/* how deep planning was then */

static int	planning = 0;		/* plans being made, one within the other */
static dlist_head answers = DLIST_STATIC_INIT(answers);

static void forget_answer(void *arg);
static void xact_ends(XactEvent event, void *arg);
static void subxact_ends(SubXactEvent event, SubTransactionId mine,
						 SubTransactionId parent, void *arg);

/* Registers what happens when transactions end. */
void
jp_guard_answer_init(void)
{
	RegisterXactCallback(xact_ends, NULL);
	RegisterSubXactCallback(subxact_ends, NULL);
}

/* Announces the next statement. */
void
jp_guard_answering(void)
{
	announced = true;
	announced_at = planning;
	strlcpy(announced_for, jp_setting_purpose, NAMEDATALEN);
}

/* Plans are made within jp_answer_planning() and jp_answer_planned(). */
void
jp_answer_planning(void)
{
	planning++;
}

void
jp_answer_planned(void)
{
	planning--;
}

/* The mark of a statement that starts, or NULL. */
JpAnswer *
jp_answer_take(QueryDesc *query)
{
	bool		piece = IsParallelWorker() && query->dest != NULL &&
	query->dest->mydest == DestTupleQueue;
	bool		taken = announced && planning <= announced_at;
	JpAnswer   *answer;

	if (taken)
		announced = false;
	if (!piece && !(taken && planning == announced_at))
		return NULL;
	answer = palloc0(sizeof(JpAnswer));
	answer->query = query;
	strlcpy(answer->purpose, piece ? jp_setting_purpose : announced_for, NAMEDATALEN);
	return answer;
}

/* Keeps the mark until the statement has ended. */
void
jp_answer_keep(JpAnswer *answer)
{
	answer->ending.func = forget_answer;
	answer->ending.arg = answer;
	dlist_push_head(&answers, &answer->node);
	MemoryContextRegisterResetCallback(answer->query->estate->es_query_cxt,
									   &answer->ending);
}

/* The purpose for which a statement is an answer, or NULL. */
const char *
jp_answer_purpose(const JpAnswer *answer)
{
	return answer == NULL ? NULL : answer->purpose;
}

/* The mark of a statement that runs, or NULL. */
JpAnswer *
jp_answer_of(const QueryDesc *query)
{
	dlist_iter	iter;

	dlist_foreach(iter, &answers)
	{
		JpAnswer   *answer = dlist_container(JpAnswer, node, iter.cur);

		if (answer->query == query)
			return answer;
	}
	return NULL;
}

/* The statement's memory goes. */
static void
forget_answer(void *arg)
{
	dlist_delete(&((JpAnswer *) arg)->node);
}

/* Nothing stays announced. */
static void
xact_ends(XactEvent event, void *arg)
{
	announced = false;
}

static void
subxact_ends(SubXactEvent event, SubTransactionId mine,
			 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		announced = false;
}
