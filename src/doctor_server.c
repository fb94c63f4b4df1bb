/*
 * doctor_server.c
 *		Checks of the server: the library, the keyring, the audit, durability.
 *
 * The keyring's file is looked at as it is now; what a session has read of it
 * before does not count.  Where the file lies is told to nobody.
 */
#include "postgres.h"

#include <limits.h>
#include <sys/stat.h>

#include "access/xlog.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "doctor.h"
#include "journey_privacy.h"
#include "keyring.h"

/* How long a worker may take to start: naps, and microseconds of each. */
#define WORKER_NAPS	20
#define NAP			100000L

#define LOCK_HINT \
	"-- raise the limit on locked memory (ulimit -l, LimitMEMLOCK) of the server's user, then restart"

static void look_at_preload(JpFindings *findings);
static void look_at_standby(JpFindings *findings);
static void look_at_keyring(JpFindings *findings);
static void look_at_keyring_place(JpFindings *findings);
static void look_at_keyring_backup(JpFindings *findings);
static void look_at_locked_memory(JpFindings *findings);
static void look_at_audit_worker(JpFindings *findings);
static bool keyring_directory(char *directory);

const JpCheck jp_checks_server[] = {
	JP_LOOK(JP_CRITICAL, "preload", look_at_preload, false),
	JP_LOOK(JP_CRITICAL, "keyring", look_at_keyring, true),
	JP_LOOK(JP_WARNING, "keyring_place", look_at_keyring_place, false),
	JP_LOOK(JP_ADVICE, "keyring_backup", look_at_keyring_backup, false),
	JP_LOOK(JP_WARNING, "locked_memory", look_at_locked_memory, false),
	JP_LOOK(JP_ADVICE, "standby", look_at_standby, false),
	JP_ASK(JP_ADVICE, "root_key", NULL,
		"SELECT 'root key ' || version,"
		" format('was made on %s, more than two years ago', to_char(created_at, 'YYYY-MM-DD')),"
		" $$SELECT journey_privacy.rotate_key('root')$$"
		" FROM journey_privacy.key_version"
		" WHERE kind = 'root' AND state = 'active' AND created_at < now() - interval '2 years'"),
	JP_ASK(JP_WARNING, "extension_version", NULL,
		"SELECT 'journey_privacy', format('is version %s, the library that is installed is version %s', e.extversion, a.default_version),"
		" 'ALTER EXTENSION journey_privacy UPDATE'"
		" FROM pg_extension e JOIN pg_available_extensions a ON a.name = e.extname"
		" WHERE e.extname = 'journey_privacy' AND e.extversion <> a.default_version"),
	JP_ASK(JP_WARNING, "pgcrypto", NULL,
		"SELECT 'pgcrypto', 'is missing: hashed identities and encrypted exports do not work',"
		" 'CREATE EXTENSION pgcrypto'"
		" WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pgcrypto')"),
	JP_ASK(JP_CRITICAL, "durability", NULL,
		"SELECT name, 'is off: a crash may undo withdrawals and erasures, or break the database',"
		" format('ALTER SYSTEM SET %I = on; SELECT pg_reload_conf()', name)"
		" FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY 1"),
	JP_ASK(JP_ADVICE, "data_checksums", NULL,
		"SELECT name, 'is off: damage to files goes unnoticed', '-- pg_checksums --enable, while the server is stopped'"
		" FROM pg_settings WHERE name = 'data_checksums' AND setting = 'off'"),
	JP_ASK(JP_CRITICAL, "audit", NULL,
		"SELECT name, 'is off: nobody will know who used what', format($$ALTER SYSTEM SET %s = 'all'; SELECT pg_reload_conf()$$, name)"
		" FROM pg_settings WHERE name = 'journey_privacy.audit' AND setting = 'off'"),
	JP_ASK(JP_ADVICE, "audit_reading", NULL,
		"SELECT name, 'is changes: who read what is not recorded', format($$ALTER SYSTEM SET %s = 'all'; SELECT pg_reload_conf()$$, name)"
		" FROM pg_settings WHERE name = 'journey_privacy.audit' AND setting = 'changes'"),
	JP_LOOK(JP_CRITICAL, "audit_worker", look_at_audit_worker, false),
	JP_ASK(JP_WARNING, "audit_queue", NULL,
		"SELECT 'journey_privacy.audit_queue_size', format('entries fill %s of %s bytes: when it is full, sessions wait', waiting, size),"
		" format($$ALTER SYSTEM SET journey_privacy.audit_queue_size = '%sMB'; -- then restart$$, 2 * size / 1048576 + 1)"
		" FROM journey_privacy.audit_queue() WHERE waiting > size / 2"),
	JP_ASK(JP_CRITICAL, "audit_broken", "audit_verification",
		"SELECT 'audit', format('verify_audit() found on %s that it is not what was sealed', to_char(verified_at, 'YYYY-MM-DD')),"
		" 'SELECT * FROM journey_privacy.verify_audit()'"
		" FROM journey_privacy.audit_verification WHERE NOT whole"),
	JP_ASK(JP_ADVICE, "audit_verified", "audit_verification",
		"SELECT 'audit', coalesce('was last verified on ' || to_char(v.verified_at, 'YYYY-MM-DD'), 'was never verified'),"
		" 'SELECT * FROM journey_privacy.verify_audit()'"
		" FROM (SELECT e.at FROM journey_privacy.audit_entry e ORDER BY e.number LIMIT 1) f"
		" LEFT JOIN journey_privacy.audit_verification v ON true"
		" WHERE coalesce(v.verified_at, f.at) < now() - interval '30 days'"),
	JP_ASK(JP_WARNING, "audit_checkpoint", NULL,
		"SELECT 'audit', coalesce('has grown since its last checkpoint, of ' || to_char(s.checkpoint_at, 'YYYY-MM-DD HH24:MI'),"
		"  'has no checkpoint'), 'SELECT journey_privacy.checkpoint_audit()'"
		" FROM journey_privacy.audit_state s"
		" LEFT JOIN LATERAL (SELECT e.at FROM journey_privacy.audit_entry e"
		"  WHERE e.number >= coalesce(s.checkpoint_size, 0) ORDER BY e.number LIMIT 1) e ON true"
		" WHERE NOT pg_is_in_recovery() AND e.at < now() - greatest(interval '1 hour',"
		"  10 * current_setting('journey_privacy.checkpoint_interval')::interval)"),
	JP_ASK(JP_WARNING, "audit_handout", NULL,
		"SELECT 'journey_privacy.checkpoint_file', 'no checkpoint leaves the server: whoever administers it could rewrite the audit',"
		" $$ALTER SYSTEM SET journey_privacy.checkpoint_command = 'COMMAND'; SELECT pg_reload_conf() -- a command that keeps its standard input elsewhere$$"
		" WHERE current_setting('journey_privacy.audit') <> 'off'"
		" AND current_setting('journey_privacy.checkpoint_file') = '' AND current_setting('journey_privacy.checkpoint_command') = ''"),
	JP_NO_MORE_CHECKS
};

/* Without the library from the start there is neither guard nor audit. */
static void
look_at_preload(JpFindings *findings)
{
	const char *now = GetConfigOption("shared_preload_libraries", false, false);

	if (!jp_preloaded)
		jp_find(findings, "shared_preload_libraries",
				"journey_privacy is not preloaded: nothing is audited, and what row security cannot refuse is not refused",
				psprintf("-- shared_preload_libraries = '%s%sjourney_privacy' in postgresql.conf, then restart",
						 now, now[0] == '\0' ? "" : ", "));
}

/* Says what the findings are about. */
static void
look_at_standby(JpFindings *findings)
{
	if (RecoveryInProgress())
		jp_find(findings, NULL,
				"this server is a standby: settings, sessions and keyring are its own, the rest is as replayed from the primary, and its audit goes to the server log",
				"-- call doctor() on the primary, too");
}

/* Reads the keyring; the error says what is wrong. */
static void
look_at_keyring(JpFindings *findings)
{
	jp_keyring_recheck();
}

/* Whether somebody else could put another keyring there. */
static void
look_at_keyring_place(JpFindings *findings)
{
	char		directory[MAXPGPATH];
	struct stat status;
	const char *archive = GetConfigOption("archive_command", true, false);

	if (!keyring_directory(directory) || stat(directory, &status) != 0)
		return;
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		jp_find(findings, "journey_privacy.keyring_file",
				"the directory of the keyring is writable for group or others, who could remove it",
				"-- chmod go-w the directory of journey_privacy.keyring_file");
	if (status.st_uid != geteuid() && status.st_uid != 0)
		jp_find(findings, "journey_privacy.keyring_file",
				"the directory of the keyring belongs to another user, who could remove it",
				"-- chown the directory of journey_privacy.keyring_file to the server's user");
	if (XLogArchivingActive() && archive != NULL && strcmp(directory, "/") != 0 &&
		strstr(archive, directory) != NULL)
		jp_find(findings, "archive_command",
				"names the directory of the keyring: an archive must not lie beside the key to what it holds",
				"-- keep the keyring and the archive in different places");
}

/* Whether a snapshot of the data has the keyring, too. */
static void
look_at_keyring_backup(JpFindings *findings)
{
	char		directory[MAXPGPATH];
	struct stat keys;
	struct stat data;

	if (keyring_directory(directory) && stat(directory, &keys) == 0 &&
		stat(DataDir, &data) == 0 && keys.st_dev == data.st_dev)
		jp_find(findings, "journey_privacy.keyring_file",
				"the keyring lies on the file system of the data directory: a snapshot holds both; which other backups hold it, the server cannot know",
				"-- move the keyring to a file system of its own, or let journey_privacy.keyring_command fetch it");
}

/* Whether keys could be swapped out. */
static void
look_at_locked_memory(JpFindings *findings)
{
	if (!jp_keyring_locked())
		jp_find(findings, NULL,
				"memory for keys could not be locked: they could be written to swap space or a core dump",
				LOCK_HINT);
}

/* Whether entries wait for nobody; a worker that starts needs a moment. */
static void
look_at_audit_worker(JpFindings *findings)
{
	int			naps;

	for (naps = 0; naps < WORKER_NAPS; naps++)
	{
		SPI_execute("SELECT waiting FROM journey_privacy.audit_queue()"
					" WHERE NOT pg_is_in_recovery() AND waiting > 0 AND worker IS NULL",
					true, 1);
		if (SPI_processed == 0)
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(NAP);
	}
	jp_find(findings, "journey_privacy audit",
			psprintf("%s bytes of entries wait, and no worker seals them",
					 SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1)),
			"-- see the server log, and whether max_worker_processes is large enough");
}

/* The directory where the file of the keyring really lies, if there is one. */
static bool
keyring_directory(char *directory)
{
	char		found[PATH_MAX];

	if (jp_setting_keyring_file[0] == '\0' ||
		realpath(jp_setting_keyring_file, found) == NULL ||
		strlcpy(directory, found, MAXPGPATH) >= MAXPGPATH)
		return false;
	get_parent_directory(directory);
	return true;
}
