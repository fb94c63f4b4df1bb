/*
 * sequence.c
 *		Fuzzer for patterns of events.  Needs no PostgreSQL.
 *
 * With libFuzzer (test/extra/sequence.sh does this), any bytes as a pattern:
 *		clang -DJP_PURE -fsanitize=fuzzer,address,undefined -Isrc \
 *			test/fuzz/sequence.c src/sequence_{pattern,list,wait,match}.c
 * Alone, with -DSTANDALONE and any compiler:
 *		sequence run SECONDS [SEED]		random patterns and events against an
 *										oracle that tries every way there is,
 *										and damaged patterns
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sequence_match.h"

#define CHECK(what) \
	do { \
		if (!(what)) \
		{ \
			report(); \
			fprintf(stderr, "line %d: not %s\n", __LINE__, #what); \
			abort(); \
		} \
	} while (0)

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX		64

static char text[4096];			/* the pattern */
static size_t text_length;
static JpMoment moments[EVENTS_MAX];
static int	count;
static int	conditions = 3;
static JpSequenceDraft draft;

/* Tells what went wrong. */
static void
report(void)
{
	int			i;

	fprintf(stderr, "pattern %.*s\n", (int) text_length, text);
	for (i = 0; i < count; i++)
		fprintf(stderr, "  %d: at %lld conditions %llx\n", i, (long long) moments[i].at,
				(unsigned long long) moments[i].steps);
}

/* Between quotes: the number of characters. */
static const char *
read_quoted(const char *chars, size_t length, uint64 *span)
{
	(void) chars;
	*span = length;
	return length == 13 ? "13 is refused" : NULL;
}

static void *
resize(void *old, size_t size)
{
	void	   *memory = realloc(old, size == 0 ? 1 : size);

	if (memory == NULL)
		exit(3);
	return memory;
}

static void
no_pause(void)
{
}

static const JpSequenceUnits units = {1, read_quoted};
static const JpSequenceHost host = {resize, free, no_pause};

/* The text as a sequence, or NULL. */
static JpSequence *
parse(void)
{
	char	   *exact = resize(NULL, text_length);
	JpSequenceFault fault;
	JpSequence *sequence = NULL;
	bool		ok;

	memcpy(exact, text, text_length);
	ok = jp_sequence_parse(exact, text_length, conditions, &units, &draft, &fault);
	free(exact);
	CHECK(ok == (fault.what == NULL) && fault.at <= text_length);
	if (ok)
	{
		sequence = resize(NULL, jp_sequence_size(&draft));
		jp_sequence_pack(&draft, sequence);
	}
	return sequence;
}

/* Whatever the moves are, they stay among themselves and lead to the end. */
static void
check_moves(const JpSequence *sequence)
{
	const JpMove *moves = jp_sequence_moves(sequence);
	int			i;

	CHECK(sequence->moves >= 1 && sequence->moves <= JP_MOVES_MAX);
	for (i = 0; i < (int) sequence->moves; i++)
	{
		int			to = i + moves[i].jump;

		CHECK((moves[i].kind == JP_MOVE_END) == (i + 1 == (int) sequence->moves));
		CHECK(to >= 0 && to < (int) sequence->moves);
		CHECK(moves[i].kind != JP_MOVE_CONDITION || moves[i].number < conditions);
		CHECK(moves[i].kind != JP_MOVE_TIME || moves[i].number < sequence->spans);
	}
}

/* The first 16 bytes are events, the others a pattern. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	JpSequence *sequence;
	int64		at = 0;
	size_t		i;

	if (size < 16 || size > sizeof(text))
		return 0;
	count = 16;
	for (i = 0; i < 16; i++)
	{
		at += data[i] >> 3 & 7;
		moments[i].at = at;
		moments[i].steps = data[i] & 7;
	}
	text_length = size - 16;
	memcpy(text, data + 16, text_length);
	sequence = parse();
	if (sequence != NULL)
	{
		JpMatcher  *matcher = jp_matcher_create(sequence, &host);
		uint32		events[16];
		size_t		length;
		uint64		matches;
		bool		found;

		check_moves(sequence);
		CHECK(jp_sequence_match(matcher, moments, 16, &found));
		CHECK(jp_sequence_count(matcher, moments, 16, &matches));
		CHECK(jp_sequence_events(matcher, moments, 16, events, &length));
		CHECK(found || matches == 0);
		CHECK(matches <= 16 && length <= 16);
		jp_matcher_free(matcher);
	}
	free(sequence);
	return 0;
}

#ifdef STANDALONE

/* Patterns as trees ---------------------------------------------------------*/

typedef enum Kind
{
	CONDITION, ANY, TIMES, CHAIN, CHOICE, REPEAT
} Kind;

typedef struct Node
{
	Kind		kind;
	int			number;			/* of a condition */
	int			least;			/* of a repetition */
	int			most;
	int			children;		/* or operators of a time condition */
	int			operator[3];
	int			span[3];
	struct Node *child[4];
} Node;

static Node nodes[1000];
static int	node_count;
static const char *const operators[] = {"<", "<=", ">", ">=", "==", "!="};
static uint64_t state;

/* splitmix64: a number below limit. */
static int
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
static Node *
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
static Node *
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

static void
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

typedef struct List
{
	int			length;
	int			event[EVENTS_MAX];
} List;

static int	budget;
static int	begun;				/* where the match being tried begins */
static List list;				/* of it */
static int	best_end;			/* -1: no match yet */
static List best;
static int	part_end;
static List part;				/* the longest beginning */
static bool matched[EVENTS_MAX][EVENTS_MAX + 1];	/* from, to */

/* Whether list a comes before b. */
static bool
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
static bool
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
static uint64
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

typedef enum Found
{
	NO, YES, OUT_OF_EVENTS
} Found;

static int	their_end;
static int	their_budget;
static List their_list;
static List their_part;

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

static Found
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

static bool same(const List *wanted, const uint32 *events, size_t length);

/* Lists by themselves --------------------------------------------------------*/

#define LISTS	60

/* Random lists that grow out of each other, compared as they are and as arrays. */
static void
check_lists(void)
{
	static List array[LISTS];
	uint32		node[LISTS];
	JpLists		lists;
	uint32		events[EVENTS_MAX];
	int			i;
	int			j;
	int			event;

	jp_lists_begin(&lists, &host);
	memset(array, 0, sizeof(array));
	memset(node, 0, sizeof(node));
	for (event = 0; event < EVENTS_MAX; event++)
		for (i = 0; i < LISTS; i++)
		{
			int			from = any(6) == 0 ? any(LISTS) : i;

			/* a list that got this event just now is not for others to go on from */
			if (any(3) == 0 || (array[from].length > 0 && array[from].event[array[from].length - 1] == event))
				continue;
			array[i] = array[from];
			array[i].event[array[i].length++] = event;
			j = (int) node[i];
			node[i] = jp_list_append(&lists, node[from], (uint32) event);
			jp_list_drop(&lists, (uint32) j);
		}
	for (i = 0; i < LISTS; i++)
	{
		CHECK((int) jp_list_length(&lists, node[i]) == array[i].length);
		jp_list_events(&lists, node[i], events);
		CHECK(same(&array[i], events, (size_t) array[i].length));
		for (j = 0; j < LISTS; j++)
		{
			int			order = jp_list_order(&lists, node[i], node[j]);

			CHECK((order < 0) == before(&array[i], &array[j]));
			CHECK((order == 0) == (node[i] == node[j]));
		}
	}
	for (i = 0; i < LISTS; i++)
		jp_list_drop(&lists, node[i]);
	CHECK(lists.used == 1 || lists.unused != 0);
	jp_lists_end(&lists);
}

/* Running --------------------------------------------------------------------*/

static int
by_time(const void *a, const void *b)
{
	const JpMoment *left = a;
	const JpMoment *right = b;

	if (left->at != right->at)
		return left->at < right->at ? -1 : 1;
	return left->steps < right->steps ? -1 : left->steps > right->steps;
}

static void
make_events(int most)
{
	int			density = 1 + any(3);
	int			spread = 1 + any(4 * most);
	int			i;
	int			c;

	count = any(most + 1);
	for (i = 0; i < count; i++)
	{
		moments[i].at = any(spread);
		moments[i].steps = 0;
		for (c = 0; c < conditions; c++)
			if (any(4) < density)
				moments[i].steps |= (uint64) 1 << c;
	}
	qsort(moments, (size_t) count, sizeof(JpMoment), by_time);
}

static bool
same(const List *wanted, const uint32 *events, size_t length)
{
	size_t		i;

	if ((size_t) wanted->length != length)
		return false;
	for (i = 0; i < length; i++)
		if ((uint32) wanted->event[i] != events[i])
			return false;
	return true;
}

/* The answers of one pattern to one journey against the oracle. */
static bool
check_oracle(const Node *pattern, JpMatcher *matcher)
{
	uint32		events[EVENTS_MAX];
	size_t		length;
	uint64		matches;
	uint64		wanted = 0;
	bool		found;
	bool		empty = false;
	int			from = 0;

	budget = 200000;
	memset(matched, 0, sizeof(matched));
	if (!try_all(pattern, 0))
		return false;
	CHECK(jp_sequence_match(matcher, moments, (size_t) count, &found));
	CHECK(found == (best_end >= 0));
	CHECK(jp_sequence_events(matcher, moments, (size_t) count, events, &length));
	CHECK(same(found ? &best : &part, events, length));
	while (from < count && best_end >= 0)
	{
		if (!try_all(pattern, from))
			return false;
		empty |= best_end == from;
		wanted += best_end >= 0;
		from = best_end > from ? best_end : from + 1;
	}
	CHECK(jp_sequence_count(matcher, moments, (size_t) count, &matches));
	CHECK(matches == wanted);
	CHECK(empty || matches == most_matches());
	return true;
}

/* The same against ClickHouse's walk, in its language, unless that takes too long. */
static bool
check_theirs(const Node *pattern, JpMatcher *matcher)
{
	uint32		events[EVENTS_MAX];
	size_t		length;
	uint64		matches;
	uint64		wanted = 0;
	Found		found;
	int			from = 0;

	their_budget = 1000000;
	found = walk_from(pattern, 0);
	if (count == 0 || their_budget <= 0)
		return false;
	CHECK(jp_sequence_events(matcher, moments, (size_t) count, events, &length));
	CHECK(same(found == YES ? &their_list : &their_part, events, length));
	CHECK(jp_sequence_count(matcher, moments, (size_t) count, &matches));
	while (from < count && walk_from(pattern, from) == YES)
	{
		wanted++;
		from = their_end > from ? their_end : from + 1;
	}
	CHECK(their_budget <= 0 || matches == wanted);
	return true;
}

/* A pattern of too many ways in a long journey is refused, and what is not too many is not. */
static void
check_limits(void)
{
	static const char *const pattern[] = {"(?1)(?t==9999999)(?2)",
		"((?1)(?t==9999999)|(?1)(?t==9999998)|(?1)(?t==9999997))(?2)", "(?1)*(?2)"};
	size_t		events = 2200000;
	JpMoment   *journey = resize(NULL, events * sizeof(JpMoment));
	uint32	   *met = resize(NULL, events * sizeof(uint32));
	size_t		length;
	uint64		matches;
	size_t		i;

	count = 0;
	for (i = 0; i < events; i++)
	{
		journey[i].at = (int64) i;
		journey[i].steps = 1;
	}
	for (i = 0; i < 3; i++)
	{
		JpSequence *sequence;
		JpMatcher  *matcher;

		text_length = strlen(pattern[i]);
		memcpy(text, pattern[i], text_length);
		sequence = parse();
		matcher = jp_matcher_create(sequence, &host);
		CHECK(jp_sequence_count(matcher, journey, events, &matches) == (i != 1));
		CHECK(!jp_sequence_events(matcher, journey, events, met, &length));
		CHECK(jp_sequence_count(matcher, journey, 100000, &matches) && matches == 0);
		CHECK(jp_sequence_events(matcher, journey, 100000, met, &length));
		CHECK(length == (i == 2 ? 100000 : 1));
		jp_matcher_free(matcher);
		free(sequence);
	}
	free(journey);
	free(met);
}

/* Damages the pattern and tries it with the last events. */
static void
damage(void)
{
	static const char chars[] = "()?.*+|{},0123456789t<>=!' x";
	uint8_t		input[16 + 200];
	size_t		length = text_length < 200 ? text_length : 200;
	int			times = 1 + any(3);
	size_t		i;

	for (i = 0; i < 16; i++)
		input[i] = (uint8_t) any(256);
	memcpy(input + 16, text, length);
	while (times-- > 0 && length > 0)
	{
		uint8_t    *at = input + 16 + any((int) length);

		if (any(3) == 0)
			memmove(at, at + 1, (size_t) (input + 16 + length-- - at - 1));
		else if (any(2) && length < 200)
		{
			memmove(at + 1, at, (size_t) (input + 16 + length++ - at));
			*at = (uint8_t) chars[any((int) sizeof(chars) - 1)];
		}
		else
			*at = any(20) == 0 ? (uint8_t) any(256) : (uint8_t) chars[any((int) sizeof(chars) - 1)];
	}
	LLVMFuzzerTestOneInput(input, 16 + length);
}

/* Random patterns until the time is over. */
static int
run(int seconds, uint64_t seed)
{
	time_t		end;
	unsigned long tried = 0;
	unsigned long given_up = 0;
	unsigned long theirs = 0;
	int			i;

	printf("seed %llu\n", (unsigned long long) seed);
	fflush(stdout);
	state = seed;
	check_limits();
	end = time(NULL) + seconds;
	while (time(NULL) < end)
	{
		bool		linear = any(3) == 0;
		Node	   *pattern;
		JpSequence *sequence;
		JpMatcher  *matcher;

		node_count = 0;
		text_length = 0;
		pattern = linear ? make_theirs() : make(any(3), any(2) ? CHAIN : CHOICE);
		print(pattern, false);
		sequence = parse();
		CHECK(sequence != NULL || draft.moves == JP_MOVES_MAX);
		if (sequence == NULL)
			continue;
		check_moves(sequence);
		matcher = jp_matcher_create(sequence, &host);
		for (i = 0; i < 10; i++, tried++)
		{
			make_events(linear ? 12 : 7);
			given_up += !check_oracle(pattern, matcher);
			if (!linear)
				continue;
			theirs += check_theirs(pattern, matcher);
			make_events(EVENTS_MAX);
			theirs += check_theirs(pattern, matcher);
		}
		jp_matcher_free(matcher);
		free(sequence);
		damage();
		if (any(100) == 0)
			check_lists();
	}
	printf("%lu journeys, %lu of them as ClickHouse walks, %lu given up by the oracle\n",
		   tried, theirs, given_up);
	return tried > 0 && given_up < tried / 10 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return run(atoi(argv[2]), argc > 3 ? strtoull(argv[3], NULL, 10) :
				   (uint64_t) time(NULL));
	fprintf(stderr, "usage: %s run SECONDS [SEED]\n", argv[0]);
	return 2;
}
#endif
