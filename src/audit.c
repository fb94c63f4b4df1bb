/*
 * audit.c
 *		Notes become entries: who is asking, from which session, as whom.
 *
 * What cannot go to the queue goes to the server log as a line of JSON: on a
 * standby, and where the library is not preloaded.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit.h"
#include "audit_internal.h"
#include "catalog.h"
#include "journey_privacy.h"

/* Names of roles, until one changes. */
typedef struct RoleName
{
	Oid			role;
	char		name[NAMEDATALEN];
} RoleName;

static RoleName role_names[2];

/* The purpose last looked up, and whether there is such a one. */
static char *looked_up = NULL;
static bool is_known = false;
static uint64 known_generation = 0;

static bool off = false;

static void take_note(const JpNote *note);
static void roles_changed(Datum arg, int cacheid, uint32 hash);
static const char *name_of(RoleName *cached, Oid role);
static bool find_purpose(const char *purpose);

/* Takes the notes of all rooms. */
void
jp_audit_init(void)
{
	jp_note_sink = take_note;
	CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
	jp_queue_init();
	jp_use_init();
}

/* The worker does not note what it does to its own tables. */
void
jp_audit_off(void)
{
	off = true;
	jp_note_sink = NULL;
}

/* Whether something should be noted: reads are the most and the first to go. */
bool
jp_audit_wants(bool read)
{
	return !off && !IsBootstrapProcessingMode() && !IsBinaryUpgrade &&
		jp_setting_audit != JP_AUDIT_OFF &&
		(!read || jp_setting_audit == JP_AUDIT_ALL);
}

/* Begins an entry with all that is known of the session. */
void
jp_audit_fill(JpEntry *entry, JpNoteKind kind, JpNoteOutcome outcome,
			  const char *command)
{
	memset(entry, 0, sizeof(*entry));
	entry->facts.at = GetCurrentTimestamp();
	entry->facts.statement = jp_use_statement();
	entry->facts.rows = -1;
	entry->facts.executions = 1;
	entry->facts.duration = -1;
	entry->facts.kind = kind;
	entry->facts.outcome = outcome;
	entry->facts.transaction =
		U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	entry->facts.session_start = MyStartTimestamp;
	entry->facts.pid = MyProcPid;
	entry->session_user_name = name_of(&role_names[0], GetSessionUserId());
	entry->current_user_name = name_of(&role_names[1], GetOuterUserId());
	if (GetUserId() != GetOuterUserId())
		entry->as_role = GetUserNameFromId(GetUserId(), true);
	entry->purpose = jp_audit_purpose();
	entry->command = command;
	if (IsParallelWorker() && MyProc->lockGroupLeader != NULL)
		entry->detail = psprintf("parallel worker of %d",
								 MyProc->lockGroupLeader->pid);
}

/* The purpose in force, if it is one; whatever else was set may be anything. */
const char *
jp_audit_purpose(void)
{
	const char *purpose = jp_setting_purpose;

	if (purpose == NULL || purpose[0] == '\0')
		return NULL;
	if (looked_up == NULL || strcmp(looked_up, purpose) != 0 ||
		known_generation != jp_catalog_generation())
	{
		char	   *copy = MemoryContextStrdup(TopMemoryContext, purpose);

		if (looked_up != NULL)
			pfree(looked_up);
		looked_up = copy;
		known_generation = jp_catalog_generation();
		is_known = find_purpose(purpose);
	}
	return is_known ? looked_up : "(unknown)";
}

/* Writes a packed entry to the server log, and there only. */
void
jp_audit_to_log(const char *message)
{
	StringInfoData leaf;
	JpEntry		entry;

	jp_entry_unpack(message, &entry);
	initStringInfo(&leaf);
	jp_entry_leaf(&entry, &leaf);
	ereport(LOG_SERVER_ONLY,
			(errmsg("journey_privacy audit: %s", leaf.data),
			 errhidestmt(true), errhidecontext(true)));
	pfree(leaf.data);
}

/* Makes an entry of a note. */
static void
take_note(const JpNote *note)
{
	JpEntry		entry;
	char	   *table;
	const char *columns = "";

	if (!jp_audit_wants(false) || !IsTransactionState() || creating_extension)
		return;
	if (note->outcome == JP_NOTE_DENIED && jp_use_deny())
		return;
	if (note->kind == JP_NOTE_UNSEALING && note->outcome == JP_NOTE_OK &&
		jp_use_again(note->kind, note->subject))
		return;
	jp_use_purpose();
	jp_audit_fill(&entry, note->kind, note->outcome, note->command);
	entry.facts.rows = note->rows;
	if (note->detail != NULL)
		entry.detail = note->detail;
	if (OidIsValid(note->relation) && get_rel_name(note->relation) != NULL)
	{
		table = jp_qualified_name_of(note->relation);
		entry.tables = 1;
		entry.table = (const char **) &table;
		entry.columns = &columns;
	}
	if (note->subject != NULL)
		entry.facts.has_subject = jp_audit_commit_to(note->subject,
													 entry.facts.subject);
	if (note->kind == JP_NOTE_UNSEALING && note->outcome == JP_NOTE_OK)
		jp_use_first(&entry, note->subject);
	else
		jp_use_emit(&entry);
}

/* A role has changed its name. */
static void
roles_changed(Datum arg, int cacheid, uint32 hash)
{
	role_names[0].role = role_names[1].role = InvalidOid;
}

/* Name of a role. */
static const char *
name_of(RoleName *cached, Oid role)
{
	if (cached->role != role)
	{
		char	   *name = GetUserNameFromId(role, true);

		strlcpy(cached->name, name != NULL ? name : "(dropped)", NAMEDATALEN);
		cached->role = role;
	}
	return cached->name;
}

/* Whether a purpose exists. */
static bool
find_purpose(const char *purpose)
{
	Relation	table;
	HeapTuple	row;

	if (!OidIsValid(jp_schema()))
		return false;
	table = table_open(jp_relation("purpose"), AccessShareLock);
	row = jp_fetch_one(table, "purpose_pkey", 1, CStringGetTextDatum(purpose),
					   F_TEXTEQ);
	table_close(table, AccessShareLock);
	return row != NULL;
}
