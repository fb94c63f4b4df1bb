/*
 * audit_use.c
 *		Statements and transactions as the audit sees them.
 *
 * A use of protected tables lives from its statement's start to its end, or
 * to the abort of its (sub)transaction.  Room in the queue is reserved when
 * it begins, so that telling of its end needs nothing that an abort has not.
 * What a statement does within itself many times (a function per row, a
 * loop) is counted and told once, when the statement is through.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/sysattr.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit.h"
#include "audit_internal.h"
#include "catalog.h"
#include "journey_privacy.h"
#include "pseudonym.h"

struct JpUse
{
	dlist_node	node;
	const void *owner;
	SubTransactionId subxact;
	Oid			user;
	bool		running;
	bool		nested;
	bool		writes;
	bool		answers;
	bool		queued;			/* room is reserved; else it goes to the log */
	bool		timed;
	instr_time	began;
	int64		duration;		/* of earlier executions */
	uint64		rows;
	bool		counts_rows;
	int64		executions;
	JpPseudonym subject;
	uint32		size;
	/* begins with numbers of eight bytes */
	char		message[FLEXIBLE_ARRAY_MEMBER] pg_attribute_aligned(8);
};

static dlist_head open_uses = DLIST_STATIC_INIT(open_uses);
static dlist_head counted = DLIST_STATIC_INIT(counted);	/* ended, nested */
static dlist_head kept = DLIST_STATIC_INIT(kept); /* for audit_change.c */
static JpUse *checking = NULL;
static JpUse *again = NULL;		/* of counted, what jp_use_again() counts */
static int	depth = 0;
static int64 statement = 0;
static char noted_purpose[NAMEDATALEN] = "";
static int	noted_audit = -1;	/* journey_privacy.audit */

static JpUse *make_use(const JpEntry *entry);
static char *columns_of(Oid relid, Bitmapset *columns);
static void add_table(JpEntry *entry, const JpTouched *touched);
static bool wants_flush(void);
static void announce(JpUse *use);
static JpUse *find_counted(const JpUse *use);
static void tell(JpUse *use, JpNoteOutcome outcome);
static void tell_counted(void);
static void cut_off(SubTransactionId subxact, bool aborted);
static void xact_ends(XactEvent event, void *arg);
static void subxact_ends(SubXactEvent event, SubTransactionId mine,
						 SubTransactionId parent, void *arg);

/* Registers what happens when transactions end. */
void
jp_use_init(void)
{
	RegisterXactCallback(xact_ends, NULL);
	RegisterSubXactCallback(subxact_ends, NULL);
}

/* Prepares the use of a statement. */
JpUse *
jp_use_prepare(const JpUsing *using)
{
	JpEntry		entry;
	JpUse	   *use;
	ListCell   *cell;

	if (!jp_audit_wants(!using->writes))
		return NULL;
	jp_use_purpose();
	jp_audit_fill(&entry, JP_NOTE_USE, JP_NOTE_OK, using->command);
	entry.facts.query_id = (int64) using->query_id;
	entry.facts.transaction = 0;	/* when it ends */
	entry.table = palloc(sizeof(char *) * list_length(using->touched));
	entry.columns = palloc(sizeof(char *) * list_length(using->touched));
	foreach(cell, using->touched)
		add_table(&entry, lfirst(cell));
	use = make_use(&entry);
	use->writes = using->writes;
	use->answers = using->answers;
	use->counts_rows = true;
	return use;
}

/* From here on a refusal is of this use, or of none. */
void
jp_use_checking(JpUse *use)
{
	checking = use;
}

/* A statement may run. */
void
jp_use_begin(JpUse *use, const void *owner)
{
	use->owner = owner;
	if (use->writes)
		jp_change_note();
	use->running = true;
	use->timed = true;
	INSTR_TIME_SET_CURRENT(use->began);
	if (use->answers)
		announce(use);
}

/* The use of a statement that runs. */
JpUse *
jp_use_of(const void *owner)
{
	dlist_iter	iter;

	dlist_foreach(iter, &open_uses)
	{
		JpUse	   *use = dlist_container(JpUse, node, iter.cur);

		if (use->owner == owner)
			return use;
	}
	return NULL;
}

/* Rows were returned or changed. */
void
jp_use_rows(JpUse *use, uint64 rows)
{
	use->rows += rows;
}

/* A statement is through. */
void
jp_use_end(JpUse *use)
{
	instr_time	now;
	JpUse	   *same;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, use->began);
	use->duration = INSTR_TIME_GET_MICROSEC(now);
	use->timed = false;
	use->owner = NULL;
	if (!use->nested)
	{
		tell(use, JP_NOTE_OK);
		return;
	}
	same = find_counted(use);
	if (same == NULL)
	{
		dlist_delete(&use->node);
		dlist_push_head(&counted, &use->node);
		return;
	}
	same->executions += use->executions;
	same->rows += use->rows;
	same->duration += use->duration;
	jp_use_discard(use);
}

/*
 * Another statement begins.  If the audit is set to something else than when
 * the last one did, that is noted, even if it is off: whoever turned it off
 * may have done so while no worker was there to note it.
 */
void
jp_use_statement_begins(void)
{
	JpEntry		entry;

	if (depth > 0)
		return;
	statement++;
	if (noted_audit == jp_setting_audit || jp_note_sink == NULL ||
		!IsTransactionState())
		return;
	if (noted_audit >= 0 && !RecoveryInProgress() && jp_installed())
	{
		jp_audit_fill(&entry, JP_NOTE_AUDIT, JP_NOTE_OK, "reload");
		entry.detail = psprintf("audit=%s", GetConfigOption("journey_privacy.audit", false, false));
		tell(make_use(&entry), JP_NOTE_OK);
	}
	noted_audit = jp_setting_audit;
}

/* Waits, under "flush", for what this session has told. */
void
jp_use_settle(void)
{
	if (wants_flush())
		jp_queue_flush();
}

int64
jp_use_statement(void)
{
	return statement;
}

/* What runs from here on is within a statement.  Returns the depth before. */
int
jp_use_enter(void)
{
	return depth++;
}

bool
jp_use_nested(void)
{
	return depth > 0;
}

/* Back at a depth: the outermost statement tells what was counted in it. */
void
jp_use_leave(int before)
{
	depth = before;
	if (depth == 0)
		tell_counted();
}

/* Notes another purpose. */
void
jp_use_purpose(void)
{
	JpEntry		entry;

	if (strncmp(noted_purpose, jp_setting_purpose, NAMEDATALEN - 1) == 0 ||
		!IsTransactionState())
		return;
	strlcpy(noted_purpose, jp_setting_purpose, NAMEDATALEN);
	if (!jp_audit_wants(false) || IsParallelWorker() || !jp_installed())
		return;
	jp_audit_fill(&entry, JP_NOTE_PURPOSE, JP_NOTE_OK, "SET");
	tell(make_use(&entry), JP_NOTE_OK);
}

/* Hands an entry over. */
void
jp_use_emit(const JpEntry *entry)
{
	if (entry->facts.outcome == JP_NOTE_OK && entry->facts.kind != JP_NOTE_EXPORT)
		jp_change_note();
	tell(make_use(entry), entry->facts.outcome);
}

/* Counts what the same user has done before in this statement. */
bool
jp_use_again(JpNoteKind kind, const struct JpPseudonym *subject)
{
	JpEntryFacts *facts;

	if (again == NULL || again->user != GetUserId())
		return false;
	facts = jp_entry_facts(again->message);
	if (facts->kind != (int32) kind || facts->statement != statement)
		return false;
	again->executions++;
	if (memcmp(&again->subject, subject, sizeof(JpPseudonym)) != 0)
		facts->has_subject = false;
	return true;
}

/* The first of what a statement may do many times. */
void
jp_use_first(const JpEntry *entry, const struct JpPseudonym *subject)
{
	again = make_use(entry);
	again->subject = *subject;
	again->running = true;
	announce(again);
	dlist_delete(&again->node);
	dlist_push_head(&counted, &again->node);
}

/* Refuses the use that is being checked. */
bool
jp_use_deny(void)
{
	JpUse	   *use = checking;

	if (use == NULL)
		return false;
	checking = NULL;
	if (use->running)
	{
		JpUse	   *copy = MemoryContextAlloc(TopTransactionContext,
											  offsetof(JpUse, message) + use->size);

		memcpy(copy, use, offsetof(JpUse, message) + use->size);
		copy->queued = jp_queue_reserve(copy->size);
		copy->timed = false;
		dlist_push_head(&open_uses, &copy->node);
		use = copy;
	}
	use->counts_rows = false;
	use->duration = -1;
	tell(use, JP_NOTE_DENIED);
	return true;
}

/* Makes a use that can be told whatever happens. */
static JpUse *
make_use(const JpEntry *entry)
{
	StringInfoData message;
	JpUse	   *use;

	initStringInfo(&message);
	jp_entry_pack(entry, &message);
	use = MemoryContextAllocZero(TopTransactionContext,
								 offsetof(JpUse, message) + message.len);
	memcpy(use->message, message.data, message.len);
	use->size = message.len;
	use->subxact = GetCurrentSubTransactionId();
	use->user = GetUserId();
	use->nested = depth > 0;
	use->executions = 1;
	use->duration = -1;
	pfree(message.data);
	use->queued = jp_queue_reserve(use->size);
	dlist_push_head(&open_uses, &use->node);
	return use;
}

/* Adds a table that a statement touches. */
static void
add_table(JpEntry *entry, const JpTouched *touched)
{
	entry->table[entry->tables] = jp_qualified_name_of(touched->relid);
	entry->columns[entry->tables++] = columns_of(touched->relid,
												 touched->columns);
	if (!touched->bound)
		entry->facts.unrestricted = true;
	if (OidIsValid(touched->user) && touched->user != GetUserId())
		entry->as_role = GetUserNameFromId(touched->user, true);
}

/* Names of columns, quoted where need be; "*" is the row as a whole. */
static char *
columns_of(Oid relid, Bitmapset *columns)
{
	StringInfoData names;
	int			member = -1;

	initStringInfo(&names);
	while ((member = bms_next_member(columns, member)) >= 0)
	{
		AttrNumber	number = member + FirstLowInvalidHeapAttributeNumber;
		char	   *name = number == InvalidAttrNumber ? NULL :
		get_attname(relid, number, true);

		if (name == NULL && number != InvalidAttrNumber)
			continue;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 name == NULL ? "*" : quote_identifier(name));
	}
	return names.data;
}

static bool
wants_flush(void)
{
	return jp_setting_audit_durability == JP_AUDIT_FLUSH;
}

/* Has it durable that a use has begun, once for what will be counted. */
static void
announce(JpUse *use)
{
	if (!wants_flush() || !use->queued ||
		(use->nested && find_counted(use) != NULL))
		return;
	(void) jp_queue_reserve(use->size);
	jp_entry_facts(use->message)->outcome = JP_NOTE_BEGUN;
	jp_queue_put(use->message, use->size);
	jp_entry_facts(use->message)->outcome = JP_NOTE_OK;
	jp_queue_flush();
}

/* A use that is told of by jp_use_undone() or not at all. */
JpUse *
jp_use_keep(const JpEntry *entry)
{
	JpUse	   *use = make_use(entry);

	dlist_delete(&use->node);
	dlist_push_head(&kept, &use->node);
	return use;
}

/* Tells that so many changes are undone. */
void
jp_use_undone(JpUse *use, int64 count)
{
	jp_entry_facts(use->message)->at = GetCurrentTimestamp();
	use->rows = count;
	use->counts_rows = true;
	tell(use, JP_NOTE_ROLLED_BACK);
}

/* What was counted of the same. */
static JpUse *
find_counted(const JpUse *use)
{
	dlist_iter	iter;

	dlist_foreach(iter, &counted)
	{
		JpUse	   *other = dlist_container(JpUse, node, iter.cur);

		if (jp_entry_alike(other->message, use->message))
			return other;
	}
	return NULL;
}

/* Tells of a use and forgets it.  Nothing here waits or throws. */
static void
tell(JpUse *use, JpNoteOutcome outcome)
{
	JpEntryFacts *facts = jp_entry_facts(use->message);

	if (use->timed)
	{
		instr_time	now;

		INSTR_TIME_SET_CURRENT(now);
		INSTR_TIME_SUBTRACT(now, use->began);
		use->duration = INSTR_TIME_GET_MICROSEC(now);
	}
	facts->outcome = outcome;
	facts->executions = use->executions;
	facts->duration = use->duration;
	if (use->counts_rows)
		facts->rows = use->rows;
	facts->transaction =
		U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	if (use->queued)
		jp_queue_put(use->message, use->size);
	else
		jp_audit_to_log(use->message);
	use->queued = false;
	jp_use_discard(use);
}

/* Forgets a use. */
void
jp_use_discard(JpUse *use)
{
	if (use->queued)
		jp_queue_release(use->size);
	if (use == again)
		again = NULL;
	if (use == checking)
		checking = NULL;
	dlist_delete(&use->node);
	pfree(use);
}

/* Tells what was counted. */
static void
tell_counted(void)
{
	while (!dlist_is_empty(&counted))
		tell(dlist_tail_element(JpUse, node, &counted), JP_NOTE_OK);
}

/* Ends the uses that a (sub)transaction's end has cut off. */
static void
cut_off(SubTransactionId subxact, bool aborted)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &open_uses)
	{
		JpUse	   *use = dlist_container(JpUse, node, iter.cur);

		if (subxact != InvalidSubTransactionId && use->subxact != subxact)
			continue;
		if (use->running)
			tell(use, aborted ? JP_NOTE_FAILED : JP_NOTE_OK);
		else
			jp_use_discard(use);
	}
}

/* At the end of a transaction nothing is left to tell. */
static void
xact_ends(XactEvent event, void *arg)
{
	bool		aborted = event == XACT_EVENT_ABORT ||
	event == XACT_EVENT_PARALLEL_ABORT;

	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (wants_flush() && jp_changes_any())
			{
				tell_counted();
				jp_queue_flush();
			}
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
			break;
		default:
			cut_off(InvalidSubTransactionId, aborted);
			tell_counted();
			jp_changes_end(aborted);
			checking = NULL;
			again = NULL;
			break;
	}
}

/* Uses and changes of a subtransaction become its parent's, or end with it. */
static void
subxact_ends(SubXactEvent event, SubTransactionId mine,
			 SubTransactionId parent, void *arg)
{
	dlist_iter	iter;

	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		cut_off(mine, true);
		tell_counted();
		jp_change_undone(mine);
		checking = NULL;
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		dlist_foreach(iter, &open_uses)
		{
			JpUse	   *use = dlist_container(JpUse, node, iter.cur);

			if (use->subxact == mine)
				use->subxact = parent;
		}
		jp_change_merge(mine, parent);
	}
}
