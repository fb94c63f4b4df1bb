/*
 * keyring_command.c
 *		The keyring from a command, for those who keep keys in a vault.
 *
 * The command is run by the shell with an empty standard input and none of
 * the server's descriptors.  Its standard output goes straight into the
 * arena; its standard error to the server log, without what could be a key.
 * It has journey_privacy.keyring_timeout and is killed with its children
 * when that has passed or the query is cancelled.
 */
#include "postgres.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "child.h"
#include "journey_privacy.h"
#include "keyring_internal.h"

#define REPORT_SIZE		2048	/* of standard error, that is logged */
#define SECRET_RUN		16		/* this many letters in a row may be a key */
#define POLL_SLICE		100		/* ms between looks at interrupts */

/* A running command. */
typedef struct Command
{
	pid_t		pid;
	int			out;			/* -1 when at its end */
	int			err;
	char	   *chars;			/* what came from out */
	size_t		size;
	size_t		len;
	char		report[REPORT_SIZE];	/* what came from err */
	size_t		reported;
} Command;

static bool fetch_output(char *chars, size_t size, size_t *len);
static void start(Command *command);
static void collect(Command *command);
static void read_out(Command *command);
static void read_err(Command *command);
static int	finish(Command *command);
static void abandon(Command *command);
static void log_report(Command *command);
static void withhold(char *line);
pg_noreturn static void fail(const char *fact, const char *detail);

const JpKeyProvider jp_key_command = {fetch_output, NULL, NULL};

/* Runs the command. */
static bool
fetch_output(char *chars, size_t size, size_t *len)
{
	Command		command = {.out = -1,.err = -1,.chars = chars,.size = size};
	int			status = 0;

	start(&command);
	PG_TRY();
	{
		collect(&command);
		status = finish(&command);
	}
	PG_CATCH();
	{
		abandon(&command);
		PG_RE_THROW();
	}
	PG_END_TRY();
	log_report(&command);
	if (status != 0)
		fail("failed", wait_result_to_str(status));
	*len = command.len;
	return true;
}

/* Starts the shell in a process group of its own. */
static void
start(Command *command)
{
	int			out[2];
	int			err[2];

	if (pipe(out) != 0)
		fail("cannot be started", strerror(errno));
	if (pipe(err) != 0)
	{
		close(out[0]);
		close(out[1]);
		fail("cannot be started", strerror(errno));
	}
	command->pid = fork();
	if (command->pid == 0)
		jp_child_becomes_shell(-1, out[1], err[1], jp_setting_keyring_command);
	close(out[1]);
	close(err[1]);
	command->out = out[0];
	command->err = err[0];
	if (command->pid < 0)
	{
		abandon(command);
		fail("cannot be started", strerror(errno));
	}
	(void) setpgid(command->pid, command->pid);
}

/* Reads both outputs to their ends. */
static void
collect(Command *command)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
												  jp_setting_keyring_timeout);

	while (command->out >= 0 || command->err >= 0)
	{
		struct pollfd fds[2] = {
			{command->out, POLLIN, 0}, {command->err, POLLIN, 0}
		};

		CHECK_FOR_INTERRUPTS();
		if (GetCurrentTimestamp() >= end)
			fail("took too long", "See journey_privacy.keyring_timeout.");
		if (poll(fds, 2, POLL_SLICE) < 0 && errno != EINTR)
			fail("cannot be read", strerror(errno));
		if (fds[0].revents != 0)
			read_out(command);
		if (fds[1].revents != 0)
			read_err(command);
	}
}

/* Reads some of the keyring. */
static void
read_out(Command *command)
{
	ssize_t		got = read(command->out, command->chars + command->len,
						   command->size - command->len);

	if (got < 0 && errno == EINTR)
		return;
	if (got < 0)
		fail("cannot be read", strerror(errno));
	if (got == 0)
	{
		close(command->out);
		command->out = -1;
		return;
	}
	command->len += got;
	if (command->len == command->size)
		fail("wrote too much", "A keyring holds one line for each key and a few comments.");
}

/* Reads some of the report; what does not fit is lost. */
static void
read_err(Command *command)
{
	char		buffer[512];
	ssize_t		got = read(command->err, buffer, sizeof(buffer));
	size_t		room = REPORT_SIZE - 1 - command->reported;

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0)
	{
		close(command->err);
		command->err = -1;
		return;
	}
	memcpy(command->report + command->reported, buffer, Min(got, room));
	command->reported += Min(got, room);
	explicit_bzero(buffer, sizeof(buffer));
}

/* Waits for the end, which is near: both outputs are closed. */
static int
finish(Command *command)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
												  jp_setting_keyring_timeout);
	int			status;
	pid_t		done;

	while ((done = waitpid(command->pid, &status, WNOHANG)) == 0 ||
		   (done < 0 && errno == EINTR))
	{
		CHECK_FOR_INTERRUPTS();
		if (GetCurrentTimestamp() >= end)
			fail("took too long", "See journey_privacy.keyring_timeout.");
		pg_usleep(1000L);
	}
	command->pid = -1;
	return done < 0 ? -1 : status;
}

/* Kills what still runs and closes what is open. */
static void
abandon(Command *command)
{
	if (command->pid > 0)
	{
		(void) kill(-command->pid, SIGKILL);
		(void) kill(command->pid, SIGKILL);
		while (waitpid(command->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (command->out >= 0)
		close(command->out);
	if (command->err >= 0)
		close(command->err);
	explicit_bzero(command->chars, command->size);
	explicit_bzero(command->report, REPORT_SIZE);
}

/* Logs what the command reported, line by line. */
static void
log_report(Command *command)
{
	char	   *line;
	char	   *rest = NULL;

	command->report[command->reported] = '\0';
	for (line = strtok_r(command->report, "\n", &rest); line != NULL;
		 line = strtok_r(NULL, "\n", &rest))
	{
		withhold(line);
		ereport(LOG_SERVER_ONLY,
				(errmsg("journey_privacy.keyring_command: %s", line),
				 errhidestmt(true), errhidecontext(true)));
	}
	explicit_bzero(command->report, REPORT_SIZE);
}

/* Strikes out every run of letters that is long enough to be a key. */
static void
withhold(char *line)
{
	while (*line != '\0')
	{
		size_t		run = 0;

		while (isalnum((unsigned char) line[run]) ||
			   (line[run] != '\0' && strchr("+/_=-", line[run]) != NULL))
			run++;
		if (run >= SECRET_RUN)
			memset(line, '*', run);
		line += run > 0 ? run : 1;
	}
}

/* Says what went wrong; the command itself may hold secrets. */
static void
fail(const char *fact, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("keyring command %s", fact),
			 errdetail_log("%s", detail),
			 errhint("The command of journey_privacy.keyring_command writes the keyring to its standard output; what it writes to standard error is in the server log.")));
}
