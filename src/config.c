/*
 * config.c
 *		All settings.
 *
 * What weakens protection is for superusers only.  The purpose is for
 * anyone: it is a declaration, not a password; what counts is allow().
 */
#include "postgres.h"

#include "utils/guc.h"

#include "compat.h"
#include "journey_privacy.h"

char	   *jp_setting_purpose = NULL;
char	   *jp_setting_keyring_file = NULL;
char	   *jp_setting_keyring_command = NULL;
int			jp_setting_keyring_timeout = 10000;
char	   *jp_setting_erasure_ledger_file = NULL;
bool		jp_setting_require_locked_memory = false;
bool		jp_setting_require_preload = false;
bool		jp_setting_enable_scan = true;
int			jp_setting_audit = JP_AUDIT_ALL;
int			jp_setting_audit_durability = JP_AUDIT_ASYNC;
int			jp_setting_audit_queue_size = 8192;
int			jp_setting_checkpoint_interval = 300;
char	   *jp_setting_checkpoint_file = NULL;
char	   *jp_setting_checkpoint_command = NULL;

static const struct config_enum_entry audit_options[] = {
	{"off", JP_AUDIT_OFF, false},
	{"changes", JP_AUDIT_CHANGES, false},
	{"all", JP_AUDIT_ALL, false},
	{NULL, 0, false}
};

static const struct config_enum_entry durability_options[] = {
	{"async", JP_AUDIT_ASYNC, false},
	{"flush", JP_AUDIT_FLUSH, false},
	{NULL, 0, false}
};

/* Grows with every assignment: the keyring is read again before its next use. */
uint64		jp_keyring_setting_generation = 1;

static void define_audit(void);
static void refuse_placeholders(void);
static void purpose_assigned(const char *newval, void *extra);
static void keyring_assigned(const char *newval, void *extra);

/* Defines the settings. */
void
jp_config_init(void)
{
	refuse_placeholders();
	DefineCustomStringVariable("journey_privacy.purpose",
							   "Purpose for which protected tables are read.",
							   "Checked against journey_privacy.allow() whenever a protected table is read.",
							   &jp_setting_purpose, "",
							   PGC_USERSET, 0,
							   NULL, purpose_assigned, NULL);
	DefineCustomStringVariable("journey_privacy.keyring_file",
							   "File that holds the root keys.",
							   "Absolute path outside the data directory; mode 0600, owned by the server's user.",
							   &jp_setting_keyring_file, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, keyring_assigned, NULL);
	DefineCustomStringVariable("journey_privacy.keyring_command",
							   "Shell command that writes the keyring to its standard output.",
							   "Run by each session that needs keys; its standard error goes to the server log.",
							   &jp_setting_keyring_command, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, keyring_assigned, NULL);
	DefineCustomIntVariable("journey_privacy.keyring_timeout",
							"Time that journey_privacy.keyring_command may take.",
							NULL,
							&jp_setting_keyring_timeout, 10000, 1, 600000,
							PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomStringVariable("journey_privacy.erasure_ledger_file",
							   "File that remembers erasures, for when a backup is restored.",
							   "Absolute path outside the data directory; appended to and synced before anything is erased.",
							   &jp_setting_erasure_ledger_file, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomBoolVariable("journey_privacy.require_locked_memory",
							 "Refuses to hold keys in memory that could be swapped out.",
							 NULL,
							 &jp_setting_require_locked_memory, false,
							 PGC_SIGHUP, 0,
							 NULL, NULL, NULL);
	DefineCustomBoolVariable("journey_privacy.require_preload",
							 "Refuses to read protected tables unless the library is preloaded.",
							 NULL,
							 &jp_setting_require_preload, false,
							 PGC_SIGHUP, 0,
							 NULL, NULL, NULL);
	DefineCustomBoolVariable("journey_privacy.enable_journeyscan",
							 "Enables the planner's use of scans that test permission before they make rows.",
							 NULL,
							 &jp_setting_enable_scan, true,
							 PGC_USERSET, GUC_EXPLAIN,
							 NULL, NULL, NULL);
	define_audit();
	MarkGUCPrefixReserved(JP_EXTENSION);
}

/* Defines the settings of the audit. */
static void
define_audit(void)
{
	DefineCustomEnumVariable("journey_privacy.audit",
							 "What the audit records.",
							 "\"changes\" leaves out reading.",
							 &jp_setting_audit, JP_AUDIT_ALL, audit_options,
							 PGC_SIGHUP, 0,
							 NULL, NULL, NULL);
	DefineCustomEnumVariable("journey_privacy.audit_durability",
							 "Whether entries are durable before rows leave and changes commit.",
							 NULL,
							 &jp_setting_audit_durability, JP_AUDIT_ASYNC,
							 durability_options,
							 PGC_SIGHUP, 0,
							 NULL, NULL, NULL);
	/* Only a preloaded library may define what takes effect at start. */
	DefineCustomIntVariable("journey_privacy.audit_queue_size",
							"Memory in which entries of one database wait to be sealed.",
							NULL,
							&jp_setting_audit_queue_size, 8192, 1024, 1024 * 1024,
							jp_preloaded ? PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("journey_privacy.checkpoint_interval",
							"Time between checkpoints of the audit, as long as it grows.",
							NULL,
							&jp_setting_checkpoint_interval, 300, 1, 86400,
							PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomStringVariable("journey_privacy.checkpoint_file",
							   "File that each checkpoint of the audit is appended to.",
							   NULL,
							   &jp_setting_checkpoint_file, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("journey_privacy.checkpoint_command",
							   "Shell command that gets each checkpoint of the audit on its standard input.",
							   NULL,
							   &jp_setting_checkpoint_command, "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
}

/*
 * Until the library is loaded our settings are placeholders, which any client
 * may set in its startup packet.  The server refuses such a value when the
 * setting is defined, but then the one of the configuration file is gone too.
 */
static void
refuse_placeholders(void)
{
	int			count;
	struct config_generic **all = jp_guc_variables(&count);
	int			i;

	for (i = 0; i < count; i++)
		if ((all[i]->flags & GUC_CUSTOM_PLACEHOLDER) &&
			all[i]->reset_source > PGC_S_ARGV &&
			pg_strncasecmp(all[i]->name, JP_EXTENSION ".",
						   strlen(JP_EXTENSION ".")) == 0 &&
			pg_strcasecmp(all[i]->name, JP_EXTENSION ".purpose") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_CANT_CHANGE_RUNTIME_PARAM),
					 errmsg("parameter \"%s\" cannot be set for a session, role or database",
							all[i]->name),
					 errhint("Set it in postgresql.conf.")));
}

/* Says that something works only in a preloaded library, and how. */
void
jp_preload_required(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s requires journey_privacy to be preloaded", what),
			 errhint("Add the line shared_preload_libraries = 'journey_privacy' to postgresql.conf and restart the server.")));
}

/* Makes scans that are under way look at the purpose again. */
static void
purpose_assigned(const char *newval, void *extra)
{
	jp_epoch++;
}

/* Makes the keyring read its file again before the next use. */
static void
keyring_assigned(const char *newval, void *extra)
{
	jp_keyring_setting_generation++;
}
