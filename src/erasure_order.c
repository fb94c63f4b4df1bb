/*
 * erasure_order.c
 *		The order in which tables are erased: what belongs to a table before the
 *		table itself.  Then foreign keys hold after every step, no row that is
 *		to go loses a reference before, and what is left after a crash is found
 *		again.
 *
 * Tables that belong to each other in a circle are one component and go at
 * once (Tarjan, Depth-first search and linear graph algorithms, 1972).
 */
#include "postgres.h"

#include "catalog.h"
#include "erasure.h"

/* The search under way. */
typedef struct Ordering
{
	JpReach    *reach;
	List	   *stack;			/* of JpReached */
	List	   *ordered;
	int			marks;
	int			components;
} Ordering;

static void visit(Ordering *ordering, JpReached *table);

/* Puts the tables in order, children first. */
void
jp_reach_order(JpReach *reach)
{
	Ordering	ordering = {.reach = reach};
	ListCell   *cell;

	foreach(cell, reach->tables)
		if (((JpReached *) lfirst(cell))->mark == 0)
			visit(&ordering, lfirst(cell));
	reach->tables = ordering.ordered;
}

/* Visits a table and what belongs to it. */
static void
visit(Ordering *ordering, JpReached *table)
{
	ListCell   *cell;
	ListCell   *other;
	JpReached  *member;

	table->mark = table->low = ++ordering->marks;
	table->on_stack = true;
	ordering->stack = lappend(ordering->stack, table);
	foreach(cell, jp_reach_edges(ordering->reach, table->relid))
	{
		JpEdge	   *edge = lfirst(cell);

		foreach(other, ordering->reach->tables)
		{
			JpReached  *child = lfirst(other);

			if (!jp_is_part_of(child->relid, edge->child))
				continue;
			if (child == table)
				table->refers_to_itself = true;
			else if (child->mark == 0)
			{
				visit(ordering, child);
				table->low = Min(table->low, child->low);
			}
			else if (child->on_stack)
				table->low = Min(table->low, child->mark);
		}
	}
	if (table->low != table->mark)
		return;
	ordering->components++;
	do
	{
		member = llast(ordering->stack);
		ordering->stack = list_delete_last(ordering->stack);
		member->on_stack = false;
		member->component = ordering->components;
		ordering->ordered = lappend(ordering->ordered, member);
	} while (member != table);
}
