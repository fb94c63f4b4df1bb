/*
 * audit_handout.c
 *		Checkpoints to where the database's administrators do not reach: a file
 *		that is appended to, a command that reads the note.
 *
 * Neither holds up sealing: the command runs by itself and is killed, with
 * its children, when it takes longer than a minute.  What goes wrong is in
 * the server log; the next checkpoint covers this one's entries too.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#include "audit_internal.h"
#include "child.h"
#include "journey_privacy.h"

#define COMMAND_TIME	60000	/* ms */

static pid_t running = 0;
static TimestampTz running_until = 0;

static void append(const char *path, const char *note);
static void start(const char *note);
static void warn(const char *what, const char *detail);

/* Gives a note away. */
void
jp_handout(const char *note)
{
	if (jp_setting_checkpoint_file[0] != '\0')
		append(jp_setting_checkpoint_file, note);
	if (jp_setting_checkpoint_command[0] != '\0')
		start(note);
}

/* Sees whether the command has ended, or has to. */
void
jp_handout_watch(void)
{
	int			status;
	pid_t		done;

	if (running == 0)
		return;
	done = waitpid(running, &status, WNOHANG);
	if (done == 0 && GetCurrentTimestamp() < running_until)
		return;
	if (done == 0)
	{
		(void) kill(-running, SIGKILL);
		(void) kill(running, SIGKILL);
		(void) waitpid(running, &status, 0);
		warn("command took too long", NULL);
	}
	else if (done < 0 || status != 0)
		warn("command failed", done < 0 ? NULL : wait_result_to_str(status));
	running = 0;
}

/* Appends a note and an empty line to a file, durably. */
static void
append(const char *path, const char *note)
{
	char	   *chars = psprintf("%s\n", note);
	int			file = OpenTransientFilePerm(path, O_WRONLY | O_APPEND | O_CREAT | PG_BINARY,
											 S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);

	if (file < 0)
	{
		warn("file could not be opened", strerror(errno));
		return;
	}
	if (write(file, chars, strlen(chars)) != (ssize_t) strlen(chars))
		warn("file could not be written", strerror(errno));
	else if (pg_fsync(file) != 0)
		warn("file could not be synced", strerror(errno));
	CloseTransientFile(file);
	pfree(chars);
}

/* Starts the command; a note is shorter than what a pipe holds. */
static void
start(const char *note)
{
	int			in[2];

	jp_handout_watch();
	if (running != 0 || pipe(in) != 0)
	{
		warn("command could not be started",
			 running != 0 ? "The one before still runs." : strerror(errno));
		return;
	}
	running = fork();
	if (running == 0)
		jp_child_becomes_shell(in[0], -1, -1, jp_setting_checkpoint_command);
	close(in[0]);
	if (running > 0)
	{
		running_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													COMMAND_TIME);
		(void) setpgid(running, running);
		/* backends and workers ignore SIGPIPE */
		(void) !write(in[1], note, strlen(note));
	}
	else
	{
		warn("command could not be started", strerror(errno));
		running = 0;
	}
	close(in[1]);
}

/* Says what went wrong; entries are sealed all the same. */
static void
warn(const char *what, const char *detail)
{
	ereport(WARNING,
			(errmsg("checkpoint %s", what),
			 detail != NULL ? errdetail("%s", detail) : 0,
			 errhint("See journey_privacy.checkpoint_file and journey_privacy.checkpoint_command.")));
}
