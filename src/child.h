/*
 * child.h
 *		Commands of the administrator, run by a shell in a child.
 */
#ifndef JP_CHILD_H
#define JP_CHILD_H

#include "postgres.h"

#include "compat.h"

/*
 * In the child, after fork(): becomes a shell, in a process group of its own,
 * that runs the command with these descriptors as its standard ones and no
 * others.  -1 is nothing to read, and leaves an output as it is.  Only async-signal-safe calls.
 */
pg_noreturn extern void jp_child_becomes_shell(int in, int out, int err,
											   const char *command);

#endif							/* JP_CHILD_H */
