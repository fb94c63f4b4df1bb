/*
 * sequence_oracle.c
 *		Random patterns as trees, and what they match: by every way there is,
 *		and as ClickHouse walks.
 */
#include <stdio.h>

#include "sequence_oracle.h"

static Node nodes[1000];
int			node_count;
static const char *const operators[] = {"<", "<=", ">", ">=", "==", "!="};
uint64_t state;

/* splitmix64: a number below limit. */
int
any(int limit)
{
	uint64_t	z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return (int) (z % (uint64_t) limit);
}

static Node *
new_node(Kind kind)
{
	Node	   *node = &nodes[node_count++];

	memset(node, 0, sizeof(*node));
	node->kind = kind;
	return node;
}

/* One or more time conditions; in ClickHouse's language one, without !=. */
static Node *
make_times(bool theirs)
{
	Node	   *node = new_node(TIMES);
	int			i;

	node->children = theirs || any(3) > 0 ? 1 : 2 + any(2);
	for (i = 0; i < node->children; i++)
	{
		node->operator[i] = any(theirs ? 5 : 6);
		node->span[i] = any(6);
	}
	return node;
}

static Node *
make_event(void)
{
	Node	   *node = new_node(any(4) == 0 ? ANY : CONDITION);

	node->number = any(conditions);
	return node;
}

static Node *
make_repeat(Node *child)
{
	Node	   *node = new_node(REPEAT);

	node->child[0] = child;
	node->least = any(3);
	node->most = any(2) == 0 ? -1 : node->least + any(3);
	return node;
}

/* Alternatives, or a chain in which no two time conditions are neighbours. */
Node *
make(int depth, Kind kind)
{
	Node	   *node = new_node(kind);
	int			i;

	node->children = kind == CHOICE ? 2 + any(2) : any(4) + (depth > 1);
	for (i = 0; i < node->children; i++)
	{
		Node	   *child;

		if (kind == CHOICE)
		{
			node->child[i] = make(depth - 1, CHAIN);
			continue;
		}
		if (any(4) == 0 && (i == 0 || node->child[i - 1]->kind != TIMES))
		{
			node->child[i] = make_times(false);
			continue;
		}
		child = depth > 0 && any(3) == 0 ? make(depth - 1, any(2) ? CHAIN : CHOICE) : make_event();
		if (any(3) == 0)
			child = make_repeat(child);
		node->child[i] = child;
	}
	return node;
}

/* A pattern in ClickHouse's language. */
Node *
make_theirs(void)
{
	Node	   *node = new_node(CHAIN);
	int			i;

	node->children = any(5);
	for (i = 0; i < node->children; i++)
	{
		Kind		before = i == 0 ? ANY : node->child[i - 1]->kind;

		if (before != TIMES && any(3) == 0)
			node->child[i] = make_times(true);
		else if (any(4) == 0)
		{
			node->child[i] = make_repeat(new_node(ANY));
			node->child[i]->least = 0;
			node->child[i]->most = -1;
		}
		else
			node->child[i] = make_event();
	}
	return node;
}

static void
put(const char *format, int number)
{
	text_length += (size_t) snprintf(text + text_length, sizeof(text) - text_length, format, number);
}

static void
print_bounds(const Node *node)
{
	if (node->least == 0 && node->most == 1)
		put("?", 0);
	else if (node->least < 2 && node->most < 0)
		put(node->least == 0 ? "*" : "+", 0);
	else
	{
		put("{%d", node->least);
		if (node->most < 0)
			put(",", 0);
		else if (node->most > node->least)
			put(",%d", node->most);
		put("}", 0);
	}
}

void
print(const Node *node, bool group)
{
	int			i;

	if (group && (node->kind == CHAIN || node->kind == CHOICE))
	{
		put("(", 0);
		print(node, false);
		put(")", 0);
		return;
	}
	if (node->kind == CONDITION)
		put("(?%d)", node->number + 1);
	if (node->kind == ANY)
		put(".", 0);
	for (i = 0; i < node->children; i++)
	{
		if (node->kind == TIMES)
		{
			put("(?t", 0);
			put(operators[node->operator[i]], 0);
			if (node->span[i] == 3)
				put("'abc')", 0);
			else
				put("%d)", node->span[i]);
		}
		else
		{
			if (node->kind == CHOICE && i > 0)
				put("|", 0);
			print(node->child[i], node->kind == CHAIN);
		}
	}
	if (node->kind == REPEAT)
	{
		print(node->child[0], true);
		print_bounds(node);
	}
}

/* The oracle: every way there is --------------------------------------------*/

/* What remains to be matched. */
typedef struct Frame
{
	const Node *node;
	int			done;			/* children, or repetitions */
	int			position;		/* where the repetition began */
	int			base;
	const struct Frame *next;
} Frame;

int			budget;
static int	begun;				/* where the match being tried begins */
static List list;				/* of it */
int			best_end;			/* -1: no match yet */
List		best;
static int	part_end;
List		part;				/* the longest beginning */
bool		matched[EVENTS_MAX][EVENTS_MAX + 1];	/* from, to */

/* Whether list a comes before b. */
bool
before(const List *a, const List *b)
{
	int			i;

	for (i = 0; i < a->length && i < b->length; i++)
		if (a->event[i] != b->event[i])
			return a->event[i] < b->event[i];
	return a->length > b->length;
}

static void
complete(int end)
{
	if (begun < count)
		matched[begun][end] = true;
	if (best_end < 0 || end < best_end || (end == best_end && before(&list, &best)))
	{
		best_end = end;
		best = list;
	}
}

static void
add_event(int event)
{
	list.event[list.length++] = event;
	if (list.length > part.length || (list.length == part.length &&
									  (event < part_end || (event == part_end && before(&list, &part)))))
	{
		part = list;
		part_end = event;
	}
}

static bool
holds(const Node *node, int64 passed)
{
	int			i;

	for (i = 0; i < node->children; i++)
	{
		int64		span = node->span[i];
		bool		is[] = {passed < span, passed <= span, passed > span,
		passed >= span, passed == span, passed != span};

		if (!is[node->operator[i]])
			return false;
	}
	return true;
}

static void go(const Frame *todo, int position, int base);

static void
go_repeat(const Frame *todo, int position, int base)
{
	const Node *node = todo->node;
	bool		skip = node->child[0]->kind == ANY && node->most < 0;
	Frame		rest = {node, todo->done + 1, position, base, todo->next};
	Frame		first = {node->child[0], 0, 0, 0, &rest};
	int			q;

	if (skip && todo->done == node->least)
	{
		for (q = position; q <= count; q++)
			go(todo->next, q, q);
		return;
	}
	if (todo->done > node->least && todo->position == position && todo->base == base)
		return;
	if (todo->done >= node->least)
		go(todo->next, position, base);
	if (node->most < 0 || todo->done < node->most)
		go(&first, position, base);
}

/* Goes all ways from a position, time running from base. */
static void
go(const Frame *todo, int position, int base)
{
	const Node *node;
	Frame		rest;
	Frame		first = {NULL, 0, 0, 0, NULL};
	int			i;

	if (budget-- <= 0)
		return;
	if (todo == NULL)
	{
		complete(position);
		return;
	}
	node = todo->node;
	rest = *todo;
	switch (node->kind)
	{
		case CONDITION:
			if (position == count || !(moments[position].steps >> node->number & 1))
				return;
			add_event(position);
			go(todo->next, position + 1, position);
			list.length--;
			break;
		case ANY:
			if (position < count)
				go(todo->next, position + 1, position);
			break;
		case TIMES:
			for (i = position; i < count; i++)
				if (holds(node, moments[i].at - moments[base].at))
					go(todo->next, i, i);
			break;
		case CHAIN:
			rest.done++;
			first.node = todo->done < node->children ? node->child[todo->done] : NULL;
			first.next = &rest;
			go(first.node == NULL ? todo->next : &first, position, base);
			break;
		case CHOICE:
			for (i = 0; i < node->children; i++)
			{
				first.node = node->child[i];
				first.next = todo->next;
				go(&first, position, base);
			}
			break;
		case REPEAT:
			go_repeat(todo, position, base);
			break;
	}
}

/* All matches that begin at from or later; false when there are too many ways. */
bool
try_all(const Node *pattern, int from)
{
	Frame		all = {pattern, 0, 0, 0, NULL};

	best_end = -1;
	part.length = list.length = 0;
	for (begun = from; begun <= count; begun++)
		go(&all, begun, begun);
	return budget > 0;
}

/* How many matches, none of them of no event, do not overlap at most. */
uint64
most_matches(void)
{
	uint64		most[EVENTS_MAX + 1] = {0};
	int			to;
	int			from;

	for (to = 1; to <= count; to++)
	{
		most[to] = most[to - 1];
		for (from = 0; from < to; from++)
			if (matched[from][to] && most[from] + 1 > most[to])
				most[to] = most[from] + 1;
	}
	return most[count];
}

/* As ClickHouse walks: the first way that it finds, depth first -------------*/

int			their_end;
int			their_budget;
List		their_list;
List		their_part;

static Found
walk(const Node *pattern, int element, int position, int base)
{
	const Node *node;
	Found		found = NO;
	int			length = their_list.length;
	int			q;

	if (their_budget-- <= 0)
		return NO;
	for (; position == count && element < pattern->children &&
		 pattern->child[element]->kind == REPEAT; element++)
		;
	their_end = position;
	if (element == pattern->children)
		return YES;
	if (position == count)
		return OUT_OF_EVENTS;
	node = pattern->child[element];
	switch (node->kind)
	{
		case CONDITION:
			if (!(moments[position].steps >> node->number & 1))
				return NO;
			their_list.event[their_list.length++] = position;
			if (their_list.length > their_part.length)
				their_part = their_list;
			/* FALLTHROUGH */
		case ANY:
			found = walk(pattern, element + 1, position + 1, position);
			break;
		default:
			for (q = position; q < count && found == NO; q++)
				if (node->kind == REPEAT || holds(node, moments[q].at - moments[base].at))
					found = walk(pattern, element + 1, q, q);
				else if (node->operator[0] < 2)
					break;
	}
	if (found == NO)
		their_list.length = length;
	return found;
}

Found
walk_from(const Node *pattern, int from)
{
	Found		found = NO;
	int			begin;

	their_part.length = 0;
	for (begin = from; begin < count && found == NO; begin++)
	{
		their_list.length = 0;
		found = walk(pattern, 0, begin, begin);
	}
	return found;
}
