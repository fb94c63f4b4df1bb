/*
 * steps.c
 *		The steps of a journey against every chain there is: random questions
 *		and random journeys, small enough to try all chains.
 *
 *		steps CASES [SEED]		that many, else an exit status
 *		steps time				nanoseconds for journeys of three events
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../src/journey_steps.h"

#define EVENTS_MOST	9
#define STEPS_MOST	6
#define LATEST		9			/* time of an event */

/* The best chain, tried so far. */
typedef struct Tried
{
	int			depth;
	int64		begin;
	int64		end;
	int64		times[STEPS_MOST];
} Tried;

static JpSteps steps;
static JpStepEvent events[EVENTS_MOST];
static int	count;
static Tried tried;
static int	way[STEPS_MOST];	/* events of the chain being tried, -1 for a step not made */

static int
below(int most)
{
	return (int) (random() % most);
}

static bool
odds(int percent)
{
	return below(100) < percent;
}

/* What a chain has to do with: events of one journey. */
static bool
together(int a, int b)
{
	return !steps.constant || events[a].property == events[b].property;
}

static bool
within(int64 from, int64 to, uint64 bound)
{
	return to >= from && (uint64) (to - from) <= bound;
}

/* The first that begins a chain, in the journey of an event. */
static int64
first_time(int event)
{
	int64		first = INT64_MAX;
	int			i;

	for (i = 0; i < count; i++)
		if (together(i, event) && events[i].at < first &&
			(steps.order == JP_ANY ? events[i].steps != 0 : events[i].steps & 1))
			first = events[i].at;
	return first;
}

/* Whether something between two times ends a chain with this last step; -1: any. */
static bool
broken(int event, int step, int64 from, int64 to)
{
	int			i;

	for (i = 0; i < count; i++)
		if (together(i, event) && events[i].at > from && events[i].at < to &&
			(steps.order == JP_STRICT ||
			 (step < 0 ? events[i].excluded != 0 : events[i].excluded >> step & 1)))
			return true;
	return false;
}

static bool
used(int event, int made)
{
	int			i;

	for (i = 0; i < made; i++)
		if (way[i] == event)
			return true;
	return false;
}

/* Whether steps, from the last back, are made rather than left out, and late. */
static bool
later(const int64 *times, const int64 *than)
{
	int			i;

	for (i = steps.count - 1; i >= 0; i--)
		if (times[i] != than[i])
			return than[i] == JP_NO_TIME || (times[i] != JP_NO_TIME && times[i] > than[i]);
	return false;
}

static void
note(int depth, int64 begin, int64 end)
{
	Tried		this = {depth, begin, end, {0}};
	int			i;

	for (i = 0; i < steps.count; i++)
		this.times[i] = way[i] < 0 ? JP_NO_TIME : events[way[i]].at;
	if (depth != tried.depth ? depth > tried.depth :
		end != tried.end ? end < tried.end :
		steps.order == JP_ANY && begin != tried.begin ? begin > tried.begin :
		later(this.times, tried.times))
		tried = this;
}

/* Whether an event can be a step right after another that a chain ends with. */
static bool
follows(int event, int step, int last, int last_step)
{
	return events[event].at >= events[last].at && together(event, last) &&
		within(events[last].at, events[event].at, steps.step_within[step]) &&
		within(events[way[0]].at, events[event].at, steps.within) &&
		!broken(event, last_step, events[last].at, events[event].at);
}

/* All chains that go on from one. */
static void
try_ordered(int last_step)
{
	int			last = way[last_step];
	int			step;
	int			i;

	note(last_step + 1, events[way[0]].at, events[last].at);
	for (step = last_step + 1; step < steps.count; step++)
	{
		for (i = 0; i < count; i++)
			if ((events[i].steps >> step & 1) && !used(i, step) &&
				follows(i, step, last, last_step))
			{
				way[step] = i;
				try_ordered(step);
			}
		way[step] = -1;
		if (!(steps.optional >> step & 1))
			break;
	}
}

/* Whether what was chosen, in any order, is a chain. */
static bool
is_any(int *depth, int64 *begin, int64 *end)
{
	int			one = -1;
	int			i;

	*depth = 0;
	*begin = INT64_MAX;
	*end = INT64_MIN;
	for (i = 0; i < steps.count; i++)
	{
		if (way[i] < 0)
			continue;
		if (one >= 0 && !together(one, way[i]))
			return false;
		one = way[i];
		(*depth)++;
		*begin = events[one].at < *begin ? events[one].at : *begin;
		*end = events[one].at > *end ? events[one].at : *end;
	}
	return one >= 0 && within(*begin, *end, steps.within) && !broken(one, -1, *begin, *end) &&
		(!steps.first || *begin == first_time(one));
}

static void
try_any(int step)
{
	int			depth;
	int64		begin,
				end;
	int			i;

	if (step == steps.count)
	{
		if (is_any(&depth, &begin, &end))
			note(depth, begin, end);
		return;
	}
	way[step] = -1;
	try_any(step + 1);
	for (i = 0; i < count; i++)
		if ((events[i].steps >> step & 1) && !used(i, step) &&
			!(steps.constant && events[i].property == 0))
		{
			way[step] = i;
			try_any(step + 1);
		}
	way[step] = -1;
}

static void
try_all(void)
{
	int			i;

	memset(&tried, 0, sizeof(tried));
	memset(way, 0xff, sizeof(way));
	if (steps.order == JP_ANY)
		try_any(0);
	for (i = 0; i < count && steps.order != JP_ANY; i++)
	{
		if (!(events[i].steps & 1) || (steps.constant && events[i].property == 0) ||
			(steps.first && events[i].at != first_time(i)))
			continue;
		way[0] = i;
		try_ordered(0);
	}
}

/* Whether a chain has just these times and a begin so marked; way up to step is tried. */
static bool
has_chain(const int64 *times, uint32 mark, int step, int last_step)
{
	int			depth;
	int64		begin,
				end;
	int			i;

	if (step == steps.count && steps.order == JP_ANY)
	{
		if (!is_any(&depth, &begin, &end) || depth != tried.depth)
			return false;
		for (i = 0; i < steps.count; i++)
			if (way[i] >= 0 && events[way[i]].at == begin && events[way[i]].mark == mark)
				return true;
		return false;
	}
	if (step == steps.count)
		return last_step + 1 == tried.depth && events[way[0]].mark == mark;
	way[step] = -1;
	if (times[step] == JP_NO_TIME)
		return (steps.order == JP_ANY || step >= tried.depth || (steps.optional >> step & 1)) &&
			has_chain(times, mark, step + 1, last_step);
	for (i = 0; i < count; i++)
	{
		if (events[i].at != times[step] || !(events[i].steps >> step & 1) || used(i, step) ||
			(steps.constant && events[i].property == 0))
			continue;
		if (steps.order != JP_ANY && step == 0 && steps.first && events[i].at != first_time(i))
			continue;
		if (steps.order != JP_ANY && step > 0 && !follows(i, step, way[last_step], last_step))
			continue;
		way[step] = i;
		if (has_chain(times, mark, step + 1, step))
			return true;
		way[step] = -1;
	}
	return false;
}

static void
random_steps(void)
{
	int			i;

	memset(&steps, 0, sizeof(steps));
	steps.count = 1 + below(STEPS_MOST);
	steps.order = odds(50) ? JP_ORDERED : (JpOrder) below(3);
	steps.first = odds(25);
	steps.constant = odds(15);
	steps.within = odds(20) ? JP_NO_BOUND : (uint64) below(LATEST);
	for (i = 0; i < JP_STEPS_MAX; i++)
		steps.step_within[i] = JP_NO_BOUND;
	if (steps.order == JP_ANY)
		return;
	if (odds(40))
		for (i = 1; i < steps.count; i++)
			if (odds(60))
				steps.step_within[i] = (uint64) below(LATEST / 2);
	if (odds(50))
		for (i = 1; i < steps.count; i++)
			steps.optional |= (uint64) odds(40) << i;
}

static int
by_time(const void *a, const void *b)
{
	const JpStepEvent *left = a;
	const JpStepEvent *right = b;

	return left->at < right->at ? -1 : left->at > right->at;
}

static void
random_events(void)
{
	bool		shared = odds(40);
	bool		excluded = odds(40);
	int			latest = 1 + below(LATEST);
	int			i;

	count = odds(70) ? EVENTS_MOST : below(EVENTS_MOST);
	for (i = 0; i < count; i++)
	{
		JpStepEvent *event = &events[i];

		memset(event, 0, sizeof(*event));
		event->at = below(latest);
		event->steps = odds(80) ? (uint64) 1 << below(steps.count) : 0;
		if (shared && odds(50))
			event->steps |= (uint64) 1 << below(steps.count);
		if (excluded && odds(25))
			event->excluded = odds(30) ? ~(uint64) 0 >> 1 : (uint64) 1 << below(steps.count);
		event->property = odds(10) ? 0 : 1 + below(3);
		event->mark = i;
	}
	qsort(events, count, sizeof(JpStepEvent), by_time);
}

/* Optional steps, and what ends chains by their last step: begins compete. */
static void
random_rivals(void)
{
	int			i;

	random_steps();
	steps.count = 4 + below(STEPS_MOST - 3);
	steps.order = JP_ORDERED;
	steps.first = steps.constant = false;
	steps.optional = (((uint64) 1 << (steps.count - 1)) - 2) & ~(odds(30) ? (uint64) 1 << (1 + below(3)) : 0);
	steps.within = 3 + below(EVENTS_MOST - 3);
	count = EVENTS_MOST;
	for (i = 0; i < count; i++)
	{
		events[i] = (JpStepEvent) {i, (uint64) 1 << (odds(30) ? 0 : below(steps.count)), 0, 1, i};
		if (i > 1 && odds(20))
			events[i].excluded = (uint64) 1 << below(2);
	}
	events[count - 1].steps = (uint64) 1 << (steps.count - 1);
}

static void
show(int depth, const int64 *times, uint32 mark)
{
	int			i;

	printf("%d steps, order %d, first %d, constant %d, optional %llx, within %lld; step_within",
		   steps.count, steps.order, steps.first, steps.constant,
		   (unsigned long long) steps.optional, (long long) steps.within);
	for (i = 1; i < steps.count; i++)
		printf(" %lld", (long long) steps.step_within[i]);
	for (i = 0; i < count; i++)
		printf("\nat %lld: steps %llx, excluded %llx, property %u, mark %u",
			   (long long) events[i].at, (unsigned long long) events[i].steps,
			   (unsigned long long) events[i].excluded, events[i].property, events[i].mark);
	printf("\nthere is %d from %lld to %lld; answered %d, mark %u, times", tried.depth,
		   (long long) tried.begin, (long long) tried.end, depth, mark);
	for (i = 0; i < steps.count; i++)
		times[i] == JP_NO_TIME ? printf(" -") : printf(" %lld", (long long) times[i]);
	puts("");
}

/* Whether the answer is the best chain that there is. */
static bool
answers_right(void)
{
	int64		times[STEPS_MOST];
	int64		begin = INT64_MAX;
	int64		end = INT64_MIN;
	uint32		mark = 0;
	int			depth;
	int			i;

	try_all();
	depth = jp_steps_depth(&steps, events, count, times, &mark);
	for (i = 0; i < steps.count; i++)
	{
		if (times[i] == JP_NO_TIME)
			continue;
		begin = times[i] < begin ? times[i] : begin;
		end = times[i] > end ? times[i] : end;
	}
	if (depth == tried.depth &&
		(depth == 0 ? begin == INT64_MAX :
		 begin == tried.begin && end == tried.end && has_chain(times, mark, 0, -1) &&
		 (steps.order == JP_ANY || memcmp(times, tried.times, steps.count * sizeof(int64)) == 0)) &&
		jp_steps_depth(&steps, events, count, NULL, NULL) == depth)
		return true;
	show(depth, times, mark);
	return false;
}

/* Journeys of three events for three steps, all made or in any order. */
static void
measure(const char *what, bool ordered)
{
	static JpStepEvent one[1024][3];
	int64		times[3];
	uint32		mark;
	struct timespec begin,
				end;
	long		sum = 0;
	int			i;

	for (i = 0; i < 3 * 1024; i++)
		one[i / 3][i % 3] = (JpStepEvent) {10 * i, (uint64) 1 << (ordered ? i % 3 : below(3)), 0, 0, i};
	memset(&steps, 0, sizeof(steps));
	memset(steps.step_within, 0xff, sizeof(steps.step_within));
	steps.count = 3;
	steps.within = 50;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < 20000000; i++)
		sum += jp_steps_depth(&steps, one[i & 1023], 3, times, &mark);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%s: %.1f ns, %.2f steps\n", what,
		   ((end.tv_sec - begin.tv_sec) * 1e9 + end.tv_nsec - begin.tv_nsec) / i, (double) sum / i);
}

int
main(int argc, char **argv)
{
	unsigned	seed = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : (unsigned) time(NULL);
	int			cases = argc > 1 ? atoi(argv[1]) : 0;
	int			i;

	if (argc > 1 && strcmp(argv[1], "time") == 0)
	{
		measure("all steps", true);
		measure("some steps", false);
		return 0;
	}
	printf("%d cases, seed %u\n", cases, seed);
	srandom(seed);
	for (i = 0; i < cases; i++)
	{
		if (odds(25))
			random_rivals();
		else
		{
			random_steps();
			random_events();
		}
		if (!answers_right())
			return 1;
	}
	puts("ok");
	return 0;
}
