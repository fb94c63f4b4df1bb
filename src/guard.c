/*
 * guard.c
 *		The hooks: what row security cannot do.
 *
 * Row security asks policy for each row, so a scan that meets no row would
 * answer without anyone having asked, and so would a cursor that sorted its
 * rows before the purpose changed.  We ask when a statement starts and each
 * time it is run.  These hooks work without preloading too: planning a query
 * on a protected table calls permits' planner support function, and so loads
 * the library before the query starts.
 *
 * Under a purpose that gives answers only, whoever row security binds is
 * refused every statement but those that guard_answer.c knows as answers.
 *
 * Preloaded, we also refuse what would get round the policies: EXPLAIN that
 * counts hidden rows, results that outlive the permission to read them, and
 * commands (guard_utility.c) that change what protect() made.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"

#include "audit.h"
#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "guard.h"
#include "journey_privacy.h"
#include "note.h"
#include "policy.h"

/* What the utility command under way would do with a query's rows. */
typedef struct Purview
{
	bool		explaining;		/* tell more than the shape of a plan */
	bool		keeping;		/* keep them: a cursor WITH HOLD, a matview */
	bool		making;			/* make a table of them */
	List	   *sources;		/* protected tables read for that */
} Purview;

static ExecutorStart_hook_type previous_executor_start = NULL;
static ExecutorRun_hook_type previous_executor_run = NULL;
static ExecutorFinish_hook_type previous_executor_finish = NULL;
static ExecutorEnd_hook_type previous_executor_end = NULL;
static ProcessUtility_hook_type previous_process_utility = NULL;
static planner_hook_type previous_planner = NULL;

static Purview purview = {false, false, false, NIL};

static void guard_executor_start(QueryDesc *query, int eflags);
static void guard_executor_run(QueryDesc *query, ScanDirection direction,
							   uint64 count JP_EXECUTE_ONCE_PARAM);
static void run_next(QueryDesc *query, ScanDirection direction,
					 uint64 count JP_EXECUTE_ONCE_PARAM);
static void guard_executor_finish(QueryDesc *query);
static void guard_executor_end(QueryDesc *query);
static void guard_process_utility(PlannedStmt *statement, const char *query,
								  bool read_only, ProcessUtilityContext context,
								  ParamListInfo params, QueryEnvironment *env,
								  DestReceiver *dest, QueryCompletion *done);
static void process_utility(PlannedStmt *statement, const char *query,
							bool read_only, ProcessUtilityContext context,
							ParamListInfo params, QueryEnvironment *env,
							DestReceiver *dest, QueryCompletion *done);
static PlannedStmt *guard_planner(Query *parse, const char *query,
								  int options, ParamListInfo params);
static bool shows_numbers(const ExplainStmt *explain);
static bool keeps_rows(const Node *statement);
static void note_sources(PlannedStmt *statement, List *sources);
static List *check_reading(PlannedStmt *statement, bool explaining,
						   const char *answering);
static bool is_keeping(void);
static void refuse_purview(Oid relid, bool explaining);
static Node *estimate_selectivity(SupportRequestSelectivity *request);
static Node *estimate_cost(SupportRequestCost *request);

PG_FUNCTION_INFO_V1(jp_permits_support);

/* Installs the hooks. */
void
jp_guard_init(void)
{
	previous_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = guard_executor_start;
	previous_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = guard_executor_run;
	previous_executor_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = guard_executor_finish;
	previous_executor_end = ExecutorEnd_hook;
	ExecutorEnd_hook = guard_executor_end;
	previous_planner = planner_hook;
	planner_hook = guard_planner;
	jp_guard_answer_init();
	jp_guard_scan_init();
	jp_guard_drop_init();
	if (jp_preloaded)
	{
		previous_process_utility = ProcessUtility_hook;
		ProcessUtility_hook = guard_process_utility;
		jp_guard_force_init();
	}
}

/*
 * SQL: permits_support(internal).  Tells the planner how many rows pass; and
 * being called is what loads the library.
 */
Datum
jp_permits_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSelectivity))
		PG_RETURN_POINTER(estimate_selectivity((SupportRequestSelectivity *) request));
	if (IsA(request, SupportRequestCost))
		PG_RETURN_POINTER(estimate_cost((SupportRequestCost *) request));
	PG_RETURN_POINTER(NULL);
}

/* The part of all subjects that is permitted. */
static Node *
estimate_selectivity(SupportRequestSelectivity *request)
{
	Var		   *table = linitial(request->args);

	if (!IsA(table, Var) || table->varattno != TableOidAttributeNumber ||
		table->varno <= 0 ||
		table->varno >= request->root->simple_rel_array_size)
		return NULL;
	request->selectivity =
		jp_policy_selectivity(request->root->simple_rte_array[table->varno]->relid);
	return (Node *) request;
}

/* A bit test; more where the number or a past decision has to be found. */
static Node *
estimate_cost(SupportRequestCost *request)
{
	FuncExpr   *call = (FuncExpr *) request->node;
	double		operators = 1;

	if (call == NULL || !IsA(call, FuncExpr))
		return NULL;
	if (exprType(lsecond(call->args)) != INT4OID)
		operators += 2;
	if (list_length(call->args) > 2)
		operators += 2;
	request->startup = 0;
	request->per_tuple = operators * cpu_operator_cost;
	return (Node *) request;
}

/*
 * Asks policy before the first row is looked for.  The audit has the use
 * ready before anybody refuses it, the server's own checks included.
 */
static void
guard_executor_start(QueryDesc *query, int eflags)
{
	bool		runs = (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0;
	JpAnswer   *answer = jp_answer_take(query);
	JpUse	   *use = NULL;
	List	   *sources;

	jp_use_statement_begins();
	if (runs && jp_installed())
	{
		jp_guard_functions(query->plannedstmt);
		use = jp_guard_use(query);
	}
	jp_use_checking(use);
	sources = check_reading(query->plannedstmt, purview.explaining,
							jp_answer_purpose(answer));
	if (use != NULL && !jp_has_privileges(query->plannedstmt) && jp_use_deny())
		use = NULL;
	jp_use_checking(NULL);
	if (sources != NIL && runs)
		note_sources(query->plannedstmt, sources);
	if (previous_executor_start)
		previous_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (answer != NULL)
		jp_answer_keep(answer);
	if (use != NULL)
		jp_use_begin(use, query);
}

/* Notes that the rows of protected tables go elsewhere. */
static void
note_sources(PlannedStmt *statement, List *sources)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);

	/* An erasure waits for whoever may be making another place for rows. */
	if (purview.making && !IsInParallelMode() && !RecoveryInProgress())
		LockRelationOid(jp_relation("derived"), RowExclusiveLock);
	if (purview.making)
		purview.sources = list_concat_unique_oid(purview.sources, sources);
	MemoryContextSwitchTo(caller);
	if (statement->resultRelations != NIL && !XactReadOnly && !IsInParallelMode())
		jp_derived_fill(statement, sources);
}

/* Asks policy again: a cursor may be run long after it was started. */
static void
guard_executor_run(QueryDesc *query, ScanDirection direction,
				   uint64 count JP_EXECUTE_ONCE_PARAM)
{
	JpUse	   *use = jp_use_of(query);
	Purview		before = purview;
	const char *answering = jp_answer_purpose(jp_answer_of(query));
	const char *around;
	List	   *running;
	int			depth;

	jp_use_checking(use);
	(void) check_reading(query->plannedstmt, purview.explaining, answering);
	jp_use_checking(NULL);
	/* What the functions in it read is kept as well. */
	purview.keeping = is_keeping();
	depth = jp_use_enter();
	around = jp_policy_answering(answering);
	running = jp_policy_running(query->plannedstmt->rtable);
	PG_TRY();
	{
		run_next(query, direction, count JP_EXECUTE_ONCE);
	}
	PG_FINALLY();
	{
		(void) jp_policy_running(running);
		(void) jp_policy_answering(around);
		purview.keeping = before.keeping;
		if (use != NULL)
			jp_use_rows(use, query->estate->es_processed);
		jp_use_leave(depth);
	}
	PG_END_TRY();
}

/* Runs a query by whoever comes after us. */
static void
run_next(QueryDesc *query, ScanDirection direction,
		 uint64 count JP_EXECUTE_ONCE_PARAM)
{
	if (previous_executor_run)
		previous_executor_run(query, direction, count JP_EXECUTE_ONCE);
	else
		standard_ExecutorRun(query, direction, count JP_EXECUTE_ONCE);
}

/* Runs what triggers, and WITH, do at the end of a statement within it. */
static void
guard_executor_finish(QueryDesc *query)
{
	int			depth = jp_use_enter();
	const char *around =
		jp_policy_answering(jp_answer_purpose(jp_answer_of(query)));

	PG_TRY();
	{
		if (previous_executor_finish)
			previous_executor_finish(query);
		else
			standard_ExecutorFinish(query);
	}
	PG_FINALLY();
	{
		(void) jp_policy_answering(around);
		jp_use_leave(depth);
	}
	PG_END_TRY();
}

/* A statement is through. */
static void
guard_executor_end(QueryDesc *query)
{
	JpUse	   *use = jp_use_of(query);

	if (previous_executor_end)
		previous_executor_end(query);
	else
		standard_ExecutorEnd(query);
	if (use != NULL)
		jp_use_end(use);
	jp_use_purpose();
}

/* Notes a command, and whatever runs within it. */
static void
guard_process_utility(PlannedStmt *statement, const char *query, bool read_only,
					  ProcessUtilityContext context, ParamListInfo params,
					  QueryEnvironment *env, DestReceiver *dest,
					  QueryCompletion *done)
{
	Node	   *tree = statement->utilityStmt;
	JpUse	   *use;
	int			depth;

	jp_use_statement_begins();
	jp_guard_utility(tree);
	use = jp_guard_command_use(tree);
	jp_guard_command_begins(tree);
	if (use != NULL)
		jp_use_begin(use, tree);
	depth = jp_use_enter();
	PG_TRY();
	{
		process_utility(statement, query, read_only, context, params, env,
						dest, done);
	}
	PG_FINALLY();
	{
		jp_use_leave(depth);
	}
	PG_END_TRY();
	jp_guard_command_ended(tree);
	if (use != NULL)
	{
		jp_use_rows(use, done != NULL ? done->nprocessed : 0);
		jp_use_end(use);
	}
	jp_use_purpose();
}

/* Notes what a command would do with rows, and refuses what it may not. */
static void
process_utility(PlannedStmt *statement, const char *query, bool read_only,
					  ProcessUtilityContext context, ParamListInfo params,
					  QueryEnvironment *env, DestReceiver *dest,
					  QueryCompletion *done)
{
	Node	   *tree = statement->utilityStmt;
	Purview		before = purview;
	List	   *volatile sources = NIL;
	RangeVar   *volatile into = NULL;
	volatile Oid namespace = InvalidOid;
	ProcessUtility_hook_type volatile next = previous_process_utility != NULL ?
		previous_process_utility : standard_ProcessUtility;

	if (!IsA(tree, ExplainStmt) && !IsA(tree, CreateTableAsStmt) &&
		!keeps_rows(tree))
	{
		next(statement, query, read_only, context, params, env, dest, done);
		return;
	}
	if (IsA(tree, ExplainStmt))
		purview.explaining = shows_numbers((ExplainStmt *) tree);
	if (keeps_rows(tree))
		purview.keeping = true;
	if (IsA(tree, CreateTableAsStmt) && IsTransactionState())
	{
		purview.making = true;
		purview.sources = NIL;
		into = ((CreateTableAsStmt *) tree)->into->rel;
		namespace = RangeVarGetCreationNamespace(into);
	}
	PG_TRY();
	{
		next(statement, query, read_only, context, params, env, dest, done);
		sources = purview.sources;
	}
	PG_FINALLY();
	{
		purview = before;
	}
	PG_END_TRY();
	if (into != NULL)
		jp_derived_make(namespace, into->relname, sources);
}

/*
 * Makes a plan; what runs meanwhile is no answer.  Refuses to print one with
 * its estimates, which a client may ask for.
 */
static PlannedStmt *
guard_planner(Query *parse, const char *query, int options,
			  ParamListInfo params)
{
	PlannedStmt *volatile plan = NULL;

	jp_answer_planning();
	PG_TRY();
	{
		plan = previous_planner != NULL ?
			previous_planner(parse, query, options, params) :
			standard_planner(parse, query, options, params);
	}
	PG_FINALLY();
	{
		jp_answer_planned();
	}
	PG_END_TRY();
	if (Debug_print_plan && jp_preloaded)
		(void) check_reading(plan, true, jp_setting_purpose);
	return plan;
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

/* Whether a command keeps rows where no policy guards them. */
static bool
keeps_rows(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DeclareCursorStmt:
			return (((const DeclareCursorStmt *) statement)->options &
					CURSOR_OPT_HOLD) != 0;
		case T_CreateTableAsStmt:
			return ((const CreateTableAsStmt *) statement)->objtype == OBJECT_MATVIEW;
		case T_RefreshMatViewStmt:
			return true;
		default:
			return false;
	}
}

/*
 * Refuses a statement that may not read a protected table it reads; answering
 * is the purpose for which it is an answer, or NULL.  Returns the protected
 * tables that it reads, as whoever.
 */
static List *
check_reading(PlannedStmt *statement, bool explaining, const char *answering)
{
	List	   *read = NIL;
	ListCell   *cell;

	if (!jp_installed())
		return NIL;
	foreach(cell, statement->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);
		const JpPurpose *purpose;
		AclMode		perms;
		Oid			user;
		Bitmapset  *selected;

		if (rte->rtekind != RTE_RELATION)
			continue;
		jp_rte_permissions(statement, rte, &perms, &user, &selected);
		if ((perms & (ACL_SELECT | ACL_UPDATE | ACL_DELETE)) == 0 ||
			jp_protection_find(rte->relid) == NULL)
			continue;
		if ((perms & ACL_SELECT) != 0)
			read = list_append_unique_oid(read, rte->relid);
		if (!jp_guard_binds(rte->relid, user))
			continue;
		purpose = jp_policy_purpose(rte->relid);
		jp_policy_check_access(purpose, rte->relid, answering);
		jp_policy_check_columns(purpose, rte->relid, selected);
		if (explaining || is_keeping())
			refuse_purview(rte->relid, explaining);
	}
	return read;
}

/* Whether rows would be kept: by the command, or a cursor that is being held. */
static bool
is_keeping(void)
{
	return purview.keeping ||
		(jp_preloaded && ActivePortal != NULL &&
		 (ActivePortal->cursorOptions & CURSOR_OPT_HOLD) != 0);
}

/* Whether row security binds a user on a table. */
bool
jp_guard_binds(Oid relid, Oid user)
{
	return check_enable_rls(relid, user, true) == RLS_ENABLED;
}

/* Refuses what the command under way would do with rows. */
static void
refuse_purview(Oid relid, bool explaining)
{
	if (explaining)
		jp_refuse(JP_NOTE_USE, "EXPLAIN", relid,
				  errmsg("estimates and counts of protected table \"%s\" tell of hidden rows",
					   get_rel_name(relid)),
				  errhint("Use EXPLAIN (COSTS OFF) without ANALYZE."));
	jp_refuse(JP_NOTE_USE, NULL, relid,
			  errmsg("rows of protected table \"%s\" may not be kept",
				   get_rel_name(relid)),
			  errdetail("Who withdraws consent would still be seen in them."),
			  errhint("Use a view, or a cursor WITHOUT HOLD."));
}
