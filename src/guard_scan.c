/*
 * guard_scan.c
 *		A scan that tests permission before it makes a row of a tuple.
 *
 * Row security has the executor evaluate permits() as an expression for each
 * row: a function call, a row taken apart as far as the number.  Where the
 * policy is the call that protect() made, on a plain table that carries
 * numbers, this scan reads the heap itself, tests the bit by the number where
 * it lies, and hands on only what may be seen.  Every other condition is
 * evaluated after that, so nothing leaks by it.  It is one more path for the
 * planner: index scans and all others remain as they are.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "guard.h"
#include "journey_privacy.h"
#include "policy.h"

/* So many tuples ahead are brought into the processor's cache. */
#define PREFETCHED	8

/* The executor's state of one scan. */
typedef struct JourneyScanState
{
	CustomScanState css;
	AttrNumber	number;			/* column that carries the subject number */
	JpReading  *reading;
	TableScanDesc scan;			/* NULL until the first row is asked for */
	ExprState  *permits;		/* for a row that somebody has changed meanwhile */
} JourneyScanState;

static set_rel_pathlist_hook_type previous_set_rel_pathlist = NULL;

static void add_journey_paths(PlannerInfo *root, RelOptInfo *rel, Index rti,
							  RangeTblEntry *rte);
static RestrictInfo *eligible_policy(const RelOptInfo *rel, const RangeTblEntry *rte);
static bool is_heap(Oid relid);
static AttrNumber number_tested(const Node *clause, Oid relid, Index rti);
static const Path *seq_scan(const List *paths);
static CustomPath *make_path(RelOptInfo *rel, const Path *seq);
static Plan *plan_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path,
					   List *tlist, List *clauses, List *children);
static Node *create_state(CustomScan *plan);
static void begin_scan(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_scan(CustomScanState *node);
static TupleTableSlot *next_permitted(ScanState *node);
static inline bool may_be_seen(HeapTuple tuple, AttrNumber column,
							   TupleDesc desc, JpPermitted *permitted);
static bool skip_hidden(HeapScanDesc scan, AttrNumber column, TupleDesc desc,
						JpPermitted *permitted);
static bool recheck(ScanState *node, TupleTableSlot *slot);
static void end_scan(CustomScanState *node);
static void rescan(CustomScanState *node);
static Size estimate_dsm(CustomScanState *node, ParallelContext *context);
static void initialize_dsm(CustomScanState *node, ParallelContext *context,
						   void *coordinate);
static void reinitialize_dsm(CustomScanState *node, ParallelContext *context,
							 void *coordinate);
static void initialize_worker(CustomScanState *node, shm_toc *toc,
							  void *coordinate);

static const CustomPathMethods path_methods = {
	.CustomName = "JourneyScan",
	.PlanCustomPath = plan_scan,
};
static const CustomScanMethods scan_methods = {
	.CustomName = "JourneyScan",
	.CreateCustomScanState = create_state,
};
static const CustomExecMethods exec_methods = {
	.CustomName = "JourneyScan",
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,
	.EstimateDSMCustomScan = estimate_dsm,
	.InitializeDSMCustomScan = initialize_dsm,
	.ReInitializeDSMCustomScan = reinitialize_dsm,
	.InitializeWorkerCustomScan = initialize_worker,
};

/* Registers the scan, and the hook that offers it to the planner. */
void
jp_guard_scan_init(void)
{
	RegisterCustomScanMethods(&scan_methods);
	previous_set_rel_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_journey_paths;
}

/*
 * Offers the scan wherever the planner thinks of a sequential one, and a scan
 * of an index by the numbers.
 */
static void
add_journey_paths(PlannerInfo *root, RelOptInfo *rel, Index rti,
				  RangeTblEntry *rte)
{
	RestrictInfo *policy;
	const Path *seq;
	CustomPath *path;

	if (previous_set_rel_pathlist)
		previous_set_rel_pathlist(root, rel, rti, rte);
	policy = eligible_policy(rel, rte);
	if (policy == NULL)
		return;
	jp_guard_index_paths(root, rel, policy);
	seq = seq_scan(rel->pathlist);
	if (seq != NULL)
		add_path(rel, (Path *) make_path(rel, seq));
	seq = seq_scan(rel->partial_pathlist);
	if (seq != NULL)
	{
		path = make_path(rel, seq);
		path->path.parallel_aware = true;
		path->path.parallel_workers = seq->parallel_workers;
		add_partial_path(rel, (Path *) path);
	}
}

/* The table's policy where a scan of ours can test it, or NULL. */
static RestrictInfo *
eligible_policy(const RelOptInfo *rel, const RangeTblEntry *rte)
{
	ListCell   *cell;

	if (!jp_setting_enable_scan || rte->rtekind != RTE_RELATION ||
		rte->relkind != RELKIND_RELATION || rte->inh ||
		rte->tablesample != NULL || !bms_is_empty(rel->lateral_relids) ||
		!jp_installed() || !is_heap(rte->relid))
		return NULL;
	foreach(cell, rel->baserestrictinfo)
	{
		RestrictInfo *policy = lfirst_node(RestrictInfo, cell);

		if (number_tested((Node *) policy->clause, rte->relid, rel->relid) > 0)
			return policy;
	}
	return NULL;
}

/* Whether a table is stored as a heap. */
static bool
is_heap(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	bool		heap = rel->rd_tableam == GetHeapamTableAmRoutine();

	table_close(rel, NoLock);
	return heap;
}

/*
 * The number column, when a clause is the call of permits() in the policies
 * of a table that carries numbers; 0 otherwise.
 */
static AttrNumber
number_tested(const Node *clause, Oid relid, Index rti)
{
	const FuncExpr *call = (const FuncExpr *) clause;
	const JpProtection *protection;
	const Var  *table;
	const Var  *number;

	if (!IsA(clause, FuncExpr) || list_length(call->args) != 2 ||
		call->funcid != jp_permits_oid())
		return InvalidAttrNumber;
	table = linitial(call->args);
	number = lsecond(call->args);
	protection = jp_protection_find(relid);
	if (protection == NULL || protection->collected ||
		!IsA(table, Var) || !IsA(number, Var) ||
		table->varno != rti || number->varno != rti ||
		table->varattno != TableOidAttributeNumber || number->varattno <= 0 ||
		number->varattno != get_attnum(relid, NameStr(protection->number_column)))
		return InvalidAttrNumber;
	return number->varattno;
}

/* The sequential scan among paths. */
static const Path *
seq_scan(const List *paths)
{
	ListCell   *cell;

	foreach(cell, paths)
	{
		const Path *path = lfirst(cell);

		if (path->pathtype == T_SeqScan && path->param_info == NULL)
			return path;
	}
	return NULL;
}

/* Our path: as the sequential one, but for evaluating the policy. */
static CustomPath *
make_path(RelOptInfo *rel, const Path *seq)
{
	CustomPath *path = makeNode(CustomPath);
	double		workers = Max(seq->parallel_workers, 1);

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.parallel_safe = seq->parallel_safe;
	path->path.rows = seq->rows;
	path->path.startup_cost = seq->startup_cost;
	path->path.total_cost = Max(seq->startup_cost, seq->total_cost -
								cpu_operator_cost * rel->tuples / workers);
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION |
		CUSTOMPATH_SUPPORT_BACKWARD_SCAN;
	path->methods = &path_methods;
	return path;
}

/* Makes the plan: the call of permits() leaves the conditions. */
static Plan *
plan_scan(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
		  List *clauses, List *children)
{
	CustomScan *scan = makeNode(CustomScan);
	Oid			relid = planner_rt_fetch(rel->relid, root)->relid;
	ListCell   *cell;

	foreach(cell, extract_actual_clauses(clauses, false))
	{
		Node	   *clause = lfirst(cell);
		AttrNumber	number = number_tested(clause, relid, rel->relid);

		if (number <= 0)
			scan->scan.plan.qual = lappend(scan->scan.plan.qual, clause);
		else if (scan->custom_exprs == NIL)
		{
			scan->custom_exprs = list_make1(clause);
			scan->custom_private = list_make1_int(number);
		}
	}
	scan->scan.plan.targetlist = tlist;
	scan->scan.scanrelid = rel->relid;
	scan->flags = path->flags;
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

/* Makes the executor's state. */
static Node *
create_state(CustomScan *plan)
{
	JourneyScanState *state = palloc0(sizeof(JourneyScanState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &exec_methods;
	state->number = linitial_int(plan->custom_private);
	return (Node *) state;
}

/*
 * Begins.  PostgreSQL expects rows of a custom scan to be virtual; ours are
 * those of the heap, so what was compiled for the former is compiled again.
 */
static void
begin_scan(CustomScanState *node, EState *estate, int eflags)
{
	JourneyScanState *state = (JourneyScanState *) node;
	ScanState  *ss = &node->ss;
	CustomScan *plan = (CustomScan *) ss->ps.plan;

	ExecInitScanTupleSlot(estate, ss, RelationGetDescr(ss->ss_currentRelation),
						  &TTSOpsBufferHeapTuple);
	ExecAssignScanProjectionInfoWithVarno(ss, plan->scan.scanrelid);
	ss->ps.qual = ExecInitQual(plan->scan.plan.qual, &ss->ps);
	state->permits = ExecInitQual(plan->custom_exprs, &ss->ps);
	state->reading = jp_reading_make(RelationGetRelid(ss->ss_currentRelation),
									 estate->es_query_cxt);
}

/* The next row that may be seen and meets the conditions. */
static TupleTableSlot *
exec_scan(CustomScanState *node)
{
	return ExecScan(&node->ss, next_permitted, recheck);
}

/* The next row that may be seen. */
static TupleTableSlot *
next_permitted(ScanState *node)
{
	JourneyScanState *state = (JourneyScanState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	TupleDesc	desc = slot->tts_tupleDescriptor;
	ScanDirection direction = node->ps.state->es_direction;
	JpPermitted *permitted = jp_reading_permitted(state->reading);
	HeapTuple	tuple;

	if (state->scan == NULL)
		state->scan = table_beginscan(node->ss_currentRelation,
									  node->ps.state->es_snapshot, 0, NULL);
	for (;;)
	{
		bool		tested = ScanDirectionIsForward(direction) &&
			skip_hidden((HeapScanDesc) state->scan, state->number, desc, permitted);

		tuple = heap_getnext(state->scan, direction);
		if (tuple == NULL)
			break;
		if (tested || may_be_seen(tuple, state->number, desc, permitted))
			return ExecStoreBufferHeapTuple(tuple, slot,
											((HeapScanDesc) state->scan)->rs_cbuf);
		CHECK_FOR_INTERRUPTS();
	}
	return ExecClearTuple(slot);
}

/* Whether a tuple's subject may be seen. */
static inline bool
may_be_seen(HeapTuple tuple, AttrNumber column, TupleDesc desc,
			JpPermitted *permitted)
{
	bool		isnull;
	int32		number = DatumGetInt32(heap_getattr(tuple, column, desc, &isnull));

	return !isnull && jp_permitted_test(permitted, number);
}

/*
 * Moves on over the tuples of the page at hand that may not be seen; true
 * when it stopped before one that may.  Tuples further on are fetched into
 * the processor's cache meanwhile.
 */
static bool
skip_hidden(HeapScanDesc scan, AttrNumber column, TupleDesc desc,
			JpPermitted *permitted)
{
	Page		page;
	HeapTupleData tuple;
	int			i;

	if (!scan->rs_inited || (scan->rs_base.rs_flags & SO_ALLOW_PAGEMODE) == 0)
		return false;
	page = BufferGetPage(scan->rs_cbuf);
	tuple.t_tableOid = InvalidOid;
	for (i = scan->rs_cindex + 1; i < scan->rs_ntuples; i++)
	{
		ItemId		item = PageGetItemId(page, scan->rs_vistuples[i]);

		if (i + PREFETCHED < scan->rs_ntuples)
			__builtin_prefetch(PageGetItem(page,
										   PageGetItemId(page, scan->rs_vistuples[i + PREFETCHED])));
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		if (may_be_seen(&tuple, column, desc, permitted))
		{
			scan->rs_cindex = i - 1;
			return true;
		}
	}
	scan->rs_cindex = i - 1;
	return false;
}

/* Whether a row as somebody else has just changed it may be seen. */
static bool
recheck(ScanState *node, TupleTableSlot *slot)
{
	JourneyScanState *state = (JourneyScanState *) node;
	ExprContext *context = node->ps.ps_ExprContext;

	context->ecxt_scantuple = slot;
	return ExecQual(state->permits, context);
}

/* Ends. */
static void
end_scan(CustomScanState *node)
{
	JourneyScanState *state = (JourneyScanState *) node;

	if (state->scan != NULL)
		table_endscan(state->scan);
}

/* Starts anew. */
static void
rescan(CustomScanState *node)
{
	JourneyScanState *state = (JourneyScanState *) node;

	if (state->scan != NULL)
		table_rescan(state->scan, NULL);
	ExecScanReScan(&node->ss);
}

/* Shared memory that a parallel scan takes. */
static Size
estimate_dsm(CustomScanState *node, ParallelContext *context)
{
	return table_parallelscan_estimate(node->ss.ss_currentRelation,
									   node->ss.ps.state->es_snapshot);
}

/* Starts a parallel scan in the leader. */
static void
initialize_dsm(CustomScanState *node, ParallelContext *context,
			   void *coordinate)
{
	table_parallelscan_initialize(node->ss.ss_currentRelation, coordinate,
								  node->ss.ps.state->es_snapshot);
	initialize_worker(node, NULL, coordinate);
}

/* Starts a parallel scan anew. */
static void
reinitialize_dsm(CustomScanState *node, ParallelContext *context,
				 void *coordinate)
{
	table_parallelscan_reinitialize(node->ss.ss_currentRelation, coordinate);
}

/* Joins a parallel scan. */
static void
initialize_worker(CustomScanState *node, shm_toc *toc, void *coordinate)
{
	((JourneyScanState *) node)->scan =
		table_beginscan_parallel(node->ss.ss_currentRelation, coordinate);
}
