/*
 * sequence.c
 *		Fuzzer for patterns of events.  Needs no PostgreSQL.
 *
 * With libFuzzer (test/extra/sequence.sh does this), any bytes as a pattern:
 *		clang -DJP_PURE -fsanitize=fuzzer,address,undefined -Isrc \
 *			test/fuzz/sequence.c src/sequence_{pattern,list,wait,match}.c
 * Alone, with -DSTANDALONE, sequence_oracle.c and any compiler:
 *		sequence run SECONDS [SEED]		random patterns and events against an
 *										oracle that tries every way there is,
 *										and damaged patterns
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sequence_oracle.h"

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

char		text[4096];
size_t		text_length;
JpMoment	moments[EVENTS_MAX];
int			count;
int			conditions = 3;
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
