/*
 * guard_index.c
 *		A bitmap scan of those who may be seen, for purposes that few agree to.
 *
 * Where a table that carries subject numbers has a B-tree index that begins
 * with them, the numbers that are permitted when the scan starts can be looked
 * up there, instead of reading the rows of everybody.  It is one more path for
 * the planner, with costs of its own; the policy stays a condition on every
 * row, so that who withdraws meanwhile is not seen.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/selfuncs.h"

#include "catalog.h"
#include "guard.h"
#include "policy.h"

/* What btcostestimate() takes for a page on the way down, in operators. */
#define PAGE_IN_OPERATORS	50

static IndexOptInfo *index_of_numbers(const RelOptInfo *rel, AttrNumber number);
static IndexPath *make_path(PlannerInfo *root, RelOptInfo *rel,
							IndexOptInfo *index, RestrictInfo *policy,
							Var *number);
static Node *number_among_permitted(PlannerInfo *root, RelOptInfo *rel,
									Var *number);
static double distinct_numbers(PlannerInfo *root, Var *number);

/*
 * Adds the scan, serial and parallel, of a table whose policy is a call of
 * permits() with its number column.
 */
void
jp_guard_index_paths(PlannerInfo *root, RelOptInfo *rel, RestrictInfo *policy)
{
	Var		   *number = lsecond(((FuncExpr *) policy->clause)->args);
	IndexOptInfo *index = index_of_numbers(rel, number->varattno);
	Path	   *path;

	if (index == NULL || !OidIsValid(jp_permitted_numbers_oid()))
		return;
	path = (Path *) make_path(root, rel, index, policy, number);
	add_path(rel, (Path *) create_bitmap_heap_path(root, rel, path, NULL, 1.0, 0));
	if (rel->consider_parallel)
		create_partial_bitmap_paths(root, rel, path);
}

/* The smallest index that begins with the numbers. */
static IndexOptInfo *
index_of_numbers(const RelOptInfo *rel, AttrNumber number)
{
	IndexOptInfo *best = NULL;
	ListCell   *cell;

	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, cell);

		if (index->relam == BTREE_AM_OID && !index->hypothetical &&
			(index->indpred == NIL || index->predOK) &&
			index->indexkeys[0] == number &&
			index->opfamily[0] == INTEGER_BTREE_FAM_OID &&
			(best == NULL || index->pages < best->pages))
			best = index;
	}
	return best;
}

/*
 * The scan of the index.  Core's own estimate would take the array for ten
 * numbers, so ours counts what is permitted; else it is as in core.
 */
static IndexPath *
make_path(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index,
		  RestrictInfo *policy, Var *number)
{
	IndexPath  *path = makeNode(IndexPath);
	IndexClause *clause = makeNode(IndexClause);
	double		permitted = jp_policy_selectivity(planner_rt_fetch(rel->relid, root)->relid);
	double		lookups = permitted * distinct_numbers(root, number);
	double		rows = permitted * index->tuples;

	clause->rinfo = policy;
	clause->indexquals = list_make1(make_simple_restrictinfo(root,
															 (Expr *) number_among_permitted(root, rel, number)));
	clause->lossy = true;

	path->path.pathtype = T_IndexScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.parallel_safe = rel->consider_parallel;
	path->path.rows = clamp_row_est(rows);
	path->indexinfo = index;
	path->indexclauses = list_make1(clause);
	path->indexscandir = ForwardScanDirection;
	path->indexselectivity = permitted;
	path->indextotalcost =
		lookups * cpu_operator_cost *
		(ceil(log2(index->tuples + 1)) + (index->tree_height + 1) * PAGE_IN_OPERATORS) +
		ceil(Min(Max(lookups, permitted * index->pages), index->pages)) * random_page_cost +
		rows * (cpu_index_tuple_cost + cpu_operator_cost);
	path->path.total_cost = path->indextotalcost;
	return path;
}

/* number = ANY (permitted_numbers(table)) */
static Node *
number_among_permitted(PlannerInfo *root, RelOptInfo *rel, Var *number)
{
	ScalarArrayOpExpr *among = makeNode(ScalarArrayOpExpr);
	Const	   *table = makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
								  ObjectIdGetDatum(planner_rt_fetch(rel->relid, root)->relid),
								  false, true);

	among->opno = Int4EqualOperator;
	among->opfuncid = F_INT4EQ;
	among->useOr = true;
	among->args = list_make2(copyObject(number),
							 makeFuncExpr(jp_permitted_numbers_oid(), INT4ARRAYOID,
										  list_make1(table), InvalidOid,
										  InvalidOid, JP_CALL_OF_PLANNER));
	among->location = -1;
	return (Node *) among;
}

/* How many numbers the table has. */
static double
distinct_numbers(PlannerInfo *root, Var *number)
{
	VariableStatData column;
	bool		guessed;
	double		distinct;

	examine_variable(root, (Node *) number, 0, &column);
	distinct = get_variable_numdistinct(&column, &guessed);
	ReleaseVariableStats(column);
	return distinct;
}
