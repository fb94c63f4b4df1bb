/*
 * sequence_match.c
 *		Matches patterns of events.  Pure.
 *
 * All ways to match go through the events together, in no place of the pattern
 * more than once: of two ways that meet, only the better list counts for what
 * follows.  Where time runs from is either the event before or the next one,
 * but for those who wait at a time condition, of whom each keeps its own.
 */
#include "sequence_match.h"
#include "sequence_wait.h"

/* Events between calls of pause. */
#define PAUSE_EVERY		256

/* A way to a move, to be followed until it needs an event. */
typedef struct Arrival
{
	uint32		move;
	bool		here;			/* time runs from the next event, not the one before */
	uint32		list;
} Arrival;

/* A way that has come to a move that takes an event. */
typedef struct Thread
{
	uint32		move;
	uint32		list;
} Thread;

struct JpMatcher
{
	const JpSequence *sequence;
	const JpMove *moves;
	const JpSequenceHost *host;
	const JpMoment *moments;
	size_t		count;
	JpLists    *lists;			/* NULL: nobody asks for them */
	JpLists		kept_lists;
	JpWaits		waits;
	uint32	   *wait_of;		/* of a time condition */
	uint32	   *wait_move;		/* of a wait */
	Arrival    *arrivals;		/* the best first */
	uint32		arrival_count;
	Thread	   *threads;
	uint32		thread_count;
	uint64	   *visited;		/* when, two for each move: time from before, from here */
	uint64		visit;
	Arrival    *stack;
	uint32		stacked;
	bool		found;			/* a match */
	uint32		list;			/* its list, or the longest */
	size_t		list_end;		/* the event that completed it */
};

static void begin_journey(JpMatcher *matcher, const JpMoment *moments, size_t count);
static bool search(JpMatcher *matcher, size_t begin, size_t *end);
static bool stop(JpMatcher *matcher);
static void arrive_late(JpMatcher *matcher, size_t event);
static void follow_all(JpMatcher *matcher, size_t event);
static void follow(JpMatcher *matcher, size_t event, const Arrival *arrival);
static void push(JpMatcher *matcher, uint32 move, bool here);
static bool wait_for(JpMatcher *matcher, size_t event, uint32 move, bool here, uint32 list);
static void take(JpMatcher *matcher, size_t event);
static uint32 append(JpMatcher *matcher, uint32 list, size_t event);
static void arrive(JpMatcher *matcher, uint32 move, bool here, uint32 list);
static bool has_room(const JpMatcher *matcher);
static uint32 keep(JpMatcher *matcher, uint32 list);
static void drop(JpMatcher *matcher, uint32 list);
static void *zeroed(const JpSequenceHost *host, size_t size);

JpMatcher *
jp_matcher_create(const JpSequence *sequence, const JpSequenceHost *host)
{
	JpMatcher  *matcher = (JpMatcher *) zeroed(host, sizeof(JpMatcher));
	uint32		moves = sequence->moves;
	uint32		i;

	matcher->sequence = sequence;
	matcher->moves = jp_sequence_moves(sequence);
	matcher->host = host;
	matcher->wait_of = (uint32 *) zeroed(host, moves * sizeof(uint32));
	matcher->wait_move = (uint32 *) zeroed(host, moves * sizeof(uint32));
	for (i = 0; i < moves; i++)
		if (matcher->moves[i].kind == JP_MOVE_TIME)
		{
			matcher->wait_move[matcher->waits.count] = i;
			matcher->wait_of[i] = matcher->waits.count++;
		}
	matcher->waits.host = host;
	matcher->waits.wait = (JpWait *) zeroed(host, (matcher->waits.count + 1) * sizeof(JpWait));
	for (i = 0; i < matcher->waits.count; i++)
		matcher->waits.wait[i].span = jp_sequence_spans(sequence) +
			matcher->moves[matcher->wait_move[i]].number;
	matcher->arrivals = (Arrival *) zeroed(host, (2 * moves + 1) * sizeof(Arrival));
	matcher->threads = (Thread *) zeroed(host, moves * sizeof(Thread));
	matcher->visited = (uint64 *) zeroed(host, 2 * moves * sizeof(uint64));
	matcher->stack = (Arrival *) zeroed(host, 2 * moves * sizeof(Arrival));
	return matcher;
}

void
jp_matcher_free(JpMatcher *matcher)
{
	const JpSequenceHost *host = matcher->host;
	uint32		i;

	for (i = 0; i < matcher->waits.count; i++)
		if (matcher->waits.wait[i].waiter != NULL)
			host->release(matcher->waits.wait[i].waiter);
	host->release(matcher->waits.wait);
	host->release(matcher->wait_of);
	host->release(matcher->wait_move);
	host->release(matcher->arrivals);
	host->release(matcher->threads);
	host->release(matcher->visited);
	host->release(matcher->stack);
	host->release(matcher);
}

bool
jp_sequence_match(JpMatcher *matcher, const JpMoment *moments, size_t count,
				  bool *found)
{
	size_t		end;

	begin_journey(matcher, moments, count);
	*found = search(matcher, 0, &end);
	return has_room(matcher);
}

bool
jp_sequence_count(JpMatcher *matcher, const JpMoment *moments, size_t count,
				  uint64 *matches)
{
	size_t		begin = 0;
	size_t		end;

	begin_journey(matcher, moments, count);
	*matches = 0;
	while (begin < count && search(matcher, begin, &end))
	{
		(*matches)++;
		begin = end > begin ? end : begin + 1;
	}
	return has_room(matcher);
}

bool
jp_sequence_events(JpMatcher *matcher, const JpMoment *moments, size_t count,
				   uint32 *events, size_t *length)
{
	size_t		end;
	bool		enough;

	begin_journey(matcher, moments, count);
	jp_lists_begin(&matcher->kept_lists, matcher->host);
	matcher->lists = matcher->waits.lists = &matcher->kept_lists;
	if (!search(matcher, 0, &end) && has_room(matcher))
	{
		drop(matcher, matcher->list);
		matcher->list = JP_LIST_EMPTY;
		matcher->lists->longer = true;
		search(matcher, 0, &end);
	}
	*length = jp_list_length(matcher->lists, matcher->list);
	jp_list_events(matcher->lists, matcher->list, events);
	enough = has_room(matcher);
	jp_lists_end(matcher->lists);
	matcher->lists = matcher->waits.lists = NULL;
	return enough;
}

static void
begin_journey(JpMatcher *matcher, const JpMoment *moments, size_t count)
{
	matcher->moments = matcher->waits.moments = moments;
	matcher->count = count;
	matcher->waits.full = false;
	matcher->list = JP_LIST_EMPTY;
}

/* The match that ends first, of those that begin at begin or later. */
static bool
search(JpMatcher *matcher, size_t begin, size_t *end)
{
	size_t		event;

	matcher->found = false;
	for (event = begin;; event++)
	{
		if (event % PAUSE_EVERY == 0)
			matcher->host->pause();
		if (event < matcher->count)
			arrive_late(matcher, event);
		arrive(matcher, 0, true, JP_LIST_EMPTY);
		follow_all(matcher, event);
		*end = event;
		if (matcher->found || event == matcher->count || !has_room(matcher))
			return stop(matcher);
		take(matcher, event);
	}
}

/* Forgets all ways; tells whether there is a match. */
static bool
stop(JpMatcher *matcher)
{
	uint32		i;

	for (i = 0; i < matcher->thread_count; i++)
		drop(matcher, matcher->threads[i].list);
	matcher->thread_count = 0;
	for (i = 0; i < matcher->waits.count; i++)
		jp_wait_clear(&matcher->waits, &matcher->waits.wait[i]);
	return matcher->found;
}

/* Those who have waited arrive behind their time condition. */
static void
arrive_late(JpMatcher *matcher, size_t event)
{
	uint32		i;

	for (i = 0; i < matcher->waits.count; i++)
	{
		const JpWaiter *waiter = jp_wait_due(&matcher->waits, &matcher->waits.wait[i], (uint32) event);

		if (waiter != NULL)
			arrive(matcher, matcher->wait_move[i] + 1, true, keep(matcher, waiter->list));
	}
}

/* Follows what has arrived, the best first, to where events are taken. */
static void
follow_all(JpMatcher *matcher, size_t event)
{
	uint32		i;

	matcher->visit++;
	for (i = 0; i < matcher->arrival_count && !matcher->found; i++)
		follow(matcher, event, &matcher->arrivals[i]);
	for (i = 0; i < matcher->arrival_count; i++)
		drop(matcher, matcher->arrivals[i].list);
	matcher->arrival_count = 0;
}

static void
follow(JpMatcher *matcher, size_t event, const Arrival *arrival)
{
	push(matcher, arrival->move, arrival->here);
	while (matcher->stacked > 0)
	{
		Arrival		way = matcher->stack[--matcher->stacked];
		const JpMove *move = &matcher->moves[way.move];

		switch ((JpMoveKind) move->kind)
		{
			case JP_MOVE_SKIP:
				push(matcher, way.move + 1, true);
				/* FALLTHROUGH */
			case JP_MOVE_CONDITION:
			case JP_MOVE_ANY:
				matcher->threads[matcher->thread_count].move = way.move;
				matcher->threads[matcher->thread_count++].list = keep(matcher, arrival->list);
				break;
			case JP_MOVE_TIME:
				if (wait_for(matcher, event, way.move, way.here, arrival->list))
					push(matcher, way.move + 1, true);
				break;
			case JP_MOVE_SPLIT:
				push(matcher, way.move + 1, way.here);
				/* FALLTHROUGH */
			case JP_MOVE_JUMP:
				push(matcher, way.move + move->jump, way.here);
				break;
			case JP_MOVE_END:
				if (matcher->found)
					break;
				matcher->found = true;
				if (!matcher->lists)
					break;
				drop(matcher, matcher->list);
				matcher->list = keep(matcher, arrival->list);
				break;
		}
	}
}

/* To be followed, unless a better way has been there. */
static void
push(JpMatcher *matcher, uint32 move, bool here)
{
	JpMoveKind	kind = (JpMoveKind) matcher->moves[move].kind;
	bool		timed = matcher->waits.count > 0 &&
		(kind == JP_MOVE_TIME || kind == JP_MOVE_SPLIT || kind == JP_MOVE_JUMP);
	uint64	   *visited = &matcher->visited[2 * move + (timed && here)];

	if (*visited == matcher->visit)
		return;
	*visited = matcher->visit;
	matcher->stack[matcher->stacked].move = move;
	matcher->stack[matcher->stacked++].here = here;
}

/* Begins to wait; true when it is over at once. */
static bool
wait_for(JpMatcher *matcher, size_t event, uint32 move, bool here, uint32 list)
{
	JpWait	   *wait = &matcher->waits.wait[matcher->wait_of[move]];
	uint32		base = (uint32) (here ? event : event - 1);

	if (event == matcher->count)
		return false;
	jp_wait_add(&matcher->waits, wait, base, list);
	return jp_wait_fits(&matcher->waits, wait, base, (uint32) event);
}

/* All ways take an event, or end. */
static void
take(JpMatcher *matcher, size_t event)
{
	uint64		conditions = matcher->moments[event].steps;
	uint32		i;

	for (i = 0; i < matcher->thread_count; i++)
	{
		uint32		at = matcher->threads[i].move;
		uint32		list = matcher->threads[i].list;
		const JpMove *move = &matcher->moves[at];

		if (move->kind == JP_MOVE_SKIP)
			arrive(matcher, at, false, keep(matcher, list));
		else if (move->kind == JP_MOVE_ANY)
			arrive(matcher, at + 1, false, keep(matcher, list));
		else if (conditions >> move->number & 1)
			arrive(matcher, at + 1, false, append(matcher, list, event));
	}
	for (i = 0; i < matcher->thread_count; i++)
		drop(matcher, matcher->threads[i].list);
	matcher->thread_count = 0;
}

/* The list with an event more; the longest one is remembered. */
static uint32
append(JpMatcher *matcher, uint32 list, size_t event)
{
	uint32		longer;
	uint32		length;
	uint32		longest;

	if (matcher->lists == NULL)
		return JP_LIST_EMPTY;
	longer = jp_list_append(matcher->lists, list, (uint32) event);
	length = jp_list_length(matcher->lists, longer);
	longest = jp_list_length(matcher->lists, matcher->list);
	if (matcher->lists->longer &&
		(length > longest || (length == longest && event == matcher->list_end &&
							  jp_list_order(matcher->lists, longer, matcher->list) < 0)))
	{
		drop(matcher, matcher->list);
		matcher->list = keep(matcher, longer);
		matcher->list_end = event;
	}
	return longer;
}

/* Adds a way behind those that are as good; the list is its own. */
static void
arrive(JpMatcher *matcher, uint32 move, bool here, uint32 list)
{
	Arrival		arrival = {move, here, list};
	uint32		low = 0;
	uint32		high = matcher->arrival_count;

	while (matcher->lists != NULL && low < high)
	{
		uint32		middle = (low + high) / 2;

		if (jp_list_order(matcher->lists, matcher->arrivals[middle].list, list) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	memmove(&matcher->arrivals[high + 1], &matcher->arrivals[high],
			(matcher->arrival_count - high) * sizeof(Arrival));
	matcher->arrivals[high] = arrival;
	matcher->arrival_count++;
}

static bool
has_room(const JpMatcher *matcher)
{
	return !matcher->waits.full && (matcher->lists == NULL || !matcher->lists->full);
}

static uint32
keep(JpMatcher *matcher, uint32 list)
{
	return matcher->lists == NULL ? list : jp_list_keep(matcher->lists, list);
}

static void
drop(JpMatcher *matcher, uint32 list)
{
	if (matcher->lists != NULL)
		jp_list_drop(matcher->lists, list);
}

static void *
zeroed(const JpSequenceHost *host, size_t size)
{
	void	   *memory = host->resize(NULL, size);

	memset(memory, 0, size);
	return memory;
}
