/*
 * attempt.h
 *		Work that may fail by itself.
 */
#ifndef JP_ATTEMPT_H
#define JP_ATTEMPT_H

#include "postgres.h"

/*
 * Works in a subtransaction, which is ended whatever happens: one left open
 * would leave the session in an aborted transaction.  What was done stays, and
 * true is returned, if work() returns true; otherwise it is undone, locks
 * included.  An error of work() is thrown again or, where the caller wants to
 * look at it, returned; then ReThrowError() throws it, FreeErrorData() ends it.
 */
extern bool jp_attempt(bool (*work) (void *arg), void *arg, ErrorData **error);

#endif							/* JP_ATTEMPT_H */
