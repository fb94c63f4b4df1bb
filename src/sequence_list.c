/*
 * sequence_list.c
 *		Lists of the events that met conditions: many at a time, with what they
 *		begin with in common.  Pure.
 *
 * Lists are the nodes of a tree; a node is its last event.  The same list is
 * always the same node.  Each node also knows an ancestor further up, chosen
 * by its depth alone, so that two lists are compared in logarithmic time.
 */
#include "sequence_list.h"

/* Of lists at a time; 64 MB. */
#define NODES_MAX	(2 * 1024 * 1024)

struct JpListNode
{
	uint32		event;
	uint32		length;
	uint32		parent;			/* of those given back the next one */
	uint32		jump;			/* an ancestor */
	uint32		uses;			/* by the caller and by children */
	uint32		child;			/* the one made last, while it is there */
};

static uint32 new_node(JpLists *lists);
static uint32 ancestor(const JpLists *lists, uint32 list, uint32 length);

void
jp_lists_begin(JpLists *lists, const JpSequenceHost *host)
{
	memset(lists, 0, sizeof(*lists));
	lists->host = host;
	lists->room = 16;
	lists->node = (JpListNode *) host->resize(NULL, lists->room * sizeof(JpListNode));
	memset(lists->node, 0, sizeof(JpListNode));
	lists->used = 1;
}

void
jp_lists_end(JpLists *lists)
{
	lists->host->release(lists->node);
}

uint32
jp_list_append(JpLists *lists, uint32 list, uint32 event)
{
	uint32		child = lists->node[list].child;
	JpListNode *node;
	JpListNode *parent;
	const JpListNode *jump;

	if (child != 0 && lists->node[child].event == event)
		return jp_list_keep(lists, child);
	child = new_node(lists);
	if (child == 0)
		return jp_list_keep(lists, list);
	node = &lists->node[child];
	parent = &lists->node[list];
	jump = &lists->node[parent->jump];
	node->event = event;
	node->length = parent->length + 1;
	node->parent = jp_list_keep(lists, list);
	if (parent->length - jump->length == jump->length - lists->node[jump->jump].length)
		node->jump = jump->jump;
	else
		node->jump = list;
	node->uses = 1;
	node->child = 0;
	parent->child = child;
	return child;
}

uint32
jp_list_keep(JpLists *lists, uint32 list)
{
	if (list != JP_LIST_EMPTY)
		lists->node[list].uses++;
	return list;
}

void
jp_list_drop(JpLists *lists, uint32 list)
{
	while (list != JP_LIST_EMPTY && --lists->node[list].uses == 0)
	{
		uint32		parent = lists->node[list].parent;

		if (lists->node[parent].child == list)
			lists->node[parent].child = 0;
		lists->node[list].parent = lists->unused;
		lists->unused = list;
		list = parent;
	}
}

int
jp_list_order(const JpLists *lists, uint32 a, uint32 b)
{
	const JpListNode *node = lists->node;
	uint32		a_length = node[a].length;
	uint32		b_length = node[b].length;

	if (a == b)
		return 0;
	if (lists->longer && a_length != b_length)
		return a_length > b_length ? -1 : 1;
	a = ancestor(lists, a, b_length);
	b = ancestor(lists, b, a_length);
	if (a == b)
		return a_length > b_length ? -1 : 1;
	while (node[a].parent != node[b].parent)
	{
		bool		far = node[a].jump != node[b].jump;

		a = far ? node[a].jump : node[a].parent;
		b = far ? node[b].jump : node[b].parent;
	}
	return node[a].event < node[b].event ? -1 : 1;
}

uint32
jp_list_length(const JpLists *lists, uint32 list)
{
	return lists->node[list].length;
}

void
jp_list_events(const JpLists *lists, uint32 list, uint32 *events)
{
	for (; list != JP_LIST_EMPTY; list = lists->node[list].parent)
		events[lists->node[list].length - 1] = lists->node[list].event;
}

/* 0 when there is no room. */
static uint32
new_node(JpLists *lists)
{
	uint32		node = lists->unused;

	if (node != 0)
	{
		lists->unused = lists->node[node].parent;
		return node;
	}
	if (lists->used == NODES_MAX)
	{
		lists->full = true;
		return 0;
	}
	if (lists->used == lists->room)
	{
		lists->room *= 2;
		lists->node = (JpListNode *) lists->host->resize(lists->node, lists->room * sizeof(JpListNode));
	}
	return lists->used++;
}

/* What the list begins with, as long as that; a shorter list itself. */
static uint32
ancestor(const JpLists *lists, uint32 list, uint32 length)
{
	const JpListNode *node = lists->node;

	while (node[list].length > length)
		list = node[node[list].jump].length >= length ? node[list].jump : node[list].parent;
	return list;
}
