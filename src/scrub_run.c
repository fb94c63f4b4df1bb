/*
 * scrub_run.c
 *		Commands that commit, run from within a procedure.
 *
 * SPI runs no VACUUM and no REINDEX CONCURRENTLY.  They run here as the portal
 * runs them: with a snapshot that they may pop, in a transaction that they may
 * end and begin anew.  The caller has no SPI connection and no snapshot but the
 * portal's, and keeps what it remembers in a context that outlives
 * transactions; every function leaves that context as the current one.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "nodes/plannodes.h"
#include "parser/parser.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "attempt.h"
#include "scrub.h"

static bool run_command(void *command);

/*
 * Runs a command as if it had been sent at the top level.  It finds and leaves
 * a transaction, which need not be the same.
 */
void
jp_scrub_run(MemoryContext context, const char *command)
{
	RawStmt    *raw = linitial_node(RawStmt,
									raw_parser(command, RAW_PARSE_DEFAULT));
	PlannedStmt *statement = makeNode(PlannedStmt);

	statement->commandType = CMD_UTILITY;
	statement->utilityStmt = raw->stmt;
	statement->stmt_location = raw->stmt_location;
	statement->stmt_len = raw->stmt_len;

	ForgetPortalSnapshots();
	PushActiveSnapshot(GetTransactionSnapshot());
	ProcessUtility(statement, command, false, PROCESS_UTILITY_TOPLEVEL,
				   NULL, NULL, None_Receiver, NULL);

	/*
	 * As PortalRunUtility(): the command may have popped it, and an event
	 * trigger may have given the portal another since.
	 */
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	ActivePortal->portalSnapshot = NULL;
	jp_scrub_next(context);
}

/* Commits, and goes on with a new snapshot. */
void
jp_scrub_next(MemoryContext context)
{
	ForgetPortalSnapshots();
	CommitTransactionCommand();
	StartTransactionCommand();
	EnsurePortalSnapshotExists();
	MemoryContextSwitchTo(context);
}

/*
 * Runs a command that commits nothing in a subtransaction, then commits.
 * Returns the SQLSTATE of its error, or 0: the message itself may show values.
 */
int
jp_scrub_try(MemoryContext context, const char *command)
{
	ErrorData  *error;
	int			code = 0;

	(void) jp_attempt(run_command, unconstify(char *, command), &error);
	if (error != NULL)
	{
		code = error->sqlerrcode;
		if (code == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		FreeErrorData(error);
	}
	jp_scrub_next(context);
	return code;
}

/* Runs a command. */
static bool
run_command(void *command)
{
	SPI_connect();
	SPI_execute(command, false, 0);
	SPI_finish();
	return true;
}
