/*
 * child.c
 *		A child process becomes a shell, and inherits nothing else.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "libpq/pqsignal.h"

#include "child.h"

#define DESCRIPTORS_MAX	65536	/* where the system names no limit */

/* Becomes the shell. */
void
jp_child_becomes_shell(int in, int out, int err, const char *command)
{
	int			most = (int) sysconf(_SC_OPEN_MAX);
	int			fd;

	(void) setpgid(0, 0);
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	if (in < 0 || dup2(in, 0) < 0 || (out >= 0 && dup2(out, 1) < 0) ||
		(err >= 0 && dup2(err, 2) < 0))
		_exit(126);
	if (most < 0 || most > DESCRIPTORS_MAX)
		most = DESCRIPTORS_MAX;
	for (fd = 3; fd < most; fd++)
		(void) close(fd);
	for (fd = 1; fd < NSIG; fd++)
		(void) signal(fd, SIG_DFL);
	(void) sigprocmask(SIG_SETMASK, &UnBlockSig, NULL);
	(void) execl("/bin/sh", "sh", "-c", command, (char *) NULL);
	_exit(127);
}
