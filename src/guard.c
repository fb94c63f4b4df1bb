/*
 * guard.c
 *		The hooks: what row security cannot do.
 *
 * Row security asks policy for each row, so a scan that meets no row would
 * answer without anyone having asked, and so would a cursor that sorted its
 * rows before the purpose changed.  We ask when a statement starts and each
 * time it is run.  The hooks work without preloading too: planning a query on
 * a protected table calls permits' planner support function, and so loads the
 * library before the query starts.
 *
 * EXPLAIN tells of hidden rows: ANALYZE counts those that a filter removed,
 * and estimates come from statistics of all rows.  Preloaded, we refuse both
 * to those whom row security binds; the plan's shape they may see.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/supportnodes.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "journey_privacy.h"
#include "policy.h"

static ExecutorStart_hook_type previous_executor_start = NULL;
static ExecutorRun_hook_type previous_executor_run = NULL;
static ProcessUtility_hook_type previous_process_utility = NULL;

/* True within an EXPLAIN that shows more than the shape of a plan. */
static bool explaining = false;

static void guard_executor_start(QueryDesc *query, int eflags);
static void guard_executor_run(QueryDesc *query, ScanDirection direction,
							   uint64 count JP_EXECUTE_ONCE_PARAM);
static void guard_process_utility(PlannedStmt *statement, const char *query,
								  bool read_only, ProcessUtilityContext context,
								  ParamListInfo params, QueryEnvironment *env,
								  DestReceiver *dest, QueryCompletion *done);
static bool shows_numbers(const ExplainStmt *explain);
static void check_reading(PlannedStmt *statement);

PG_FUNCTION_INFO_V1(jp_permits_support);

/* Installs the hooks. */
void
jp_guard_init(void)
{
	previous_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = guard_executor_start;
	previous_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = guard_executor_run;
	if (jp_preloaded)
	{
		previous_process_utility = ProcessUtility_hook;
		ProcessUtility_hook = guard_process_utility;
	}
}

/*
 * SQL: permits_support(internal).  It plans nothing yet; being called is
 * what loads the library.
 */
Datum
jp_permits_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(NULL);
}

/* Asks policy before the first row is looked for. */
static void
guard_executor_start(QueryDesc *query, int eflags)
{
	check_reading(query->plannedstmt);
	if (previous_executor_start)
		previous_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

/* Asks policy again: a cursor may be run long after it was started. */
static void
guard_executor_run(QueryDesc *query, ScanDirection direction,
				   uint64 count JP_EXECUTE_ONCE_PARAM)
{
	check_reading(query->plannedstmt);
	if (previous_executor_run)
		previous_executor_run(query, direction, count JP_EXECUTE_ONCE);
	else
		standard_ExecutorRun(query, direction, count JP_EXECUTE_ONCE);
}

/* Notes for check_reading() what an EXPLAIN would show. */
static void
guard_process_utility(PlannedStmt *statement, const char *query, bool read_only,
					  ProcessUtilityContext context, ParamListInfo params,
					  QueryEnvironment *env, DestReceiver *dest,
					  QueryCompletion *done)
{
	bool		before = explaining;
	ProcessUtility_hook_type next = previous_process_utility != NULL ?
		previous_process_utility : standard_ProcessUtility;

	if (!IsA(statement->utilityStmt, ExplainStmt))
	{
		next(statement, query, read_only, context, params, env, dest, done);
		return;
	}
	explaining = shows_numbers((ExplainStmt *) statement->utilityStmt);
	PG_TRY();
	{
		next(statement, query, read_only, context, params, env, dest, done);
	}
	PG_FINALLY();
	{
		explaining = before;
	}
	PG_END_TRY();
}

/* Whether an EXPLAIN shows estimates or counts. */
static bool
shows_numbers(const ExplainStmt *explain)
{
	bool		costs = true;
	bool		analyze = false;
	ListCell   *cell;

	foreach(cell, explain->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "costs") == 0)
			costs = defGetBoolean(option);
		else if (strcmp(option->defname, "analyze") == 0)
			analyze = defGetBoolean(option);
	}
	return costs || analyze;
}

/* Refuses a statement that may not read a protected table it reads. */
static void
check_reading(PlannedStmt *statement)
{
	ListCell   *cell;

	if (IsParallelWorker() || !jp_installed())
		return;
	foreach(cell, statement->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
		AclMode		perms;
		Oid			user;

		if (rte->rtekind != RTE_RELATION)
			continue;
		jp_rte_permissions(statement, rte, &perms, &user);
		if ((perms & (ACL_SELECT | ACL_UPDATE | ACL_DELETE)) == 0 ||
			jp_protection_find(rte->relid) == NULL)
			continue;
		if (check_enable_rls(rte->relid, user, true) != RLS_ENABLED)
			continue;
		(void) jp_policy_purpose(rte->relid);
		if (explaining)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("estimates and counts of protected table \"%s\" tell of hidden rows",
							get_rel_name(rte->relid)),
					 errhint("Use EXPLAIN (COSTS OFF) without ANALYZE.")));
	}
}
