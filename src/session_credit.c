/*
 * session_credit.c
 *		Which touches of one journey led to its conversions.  Pure.
 *
 * Conversions of one time see the same touches: those from the window's begin,
 * which only moves on, up to the last moment of that time.
 */
#include "session_core.h"

#include <math.h>

/* The touches that a conversion may look at, and what they weigh together. */
typedef struct Window
{
	const JpMoment *moments;
	size_t		begin;
	size_t		end;
	size_t		touches;
	int64		last;			/* time of the last touch */
	double		weight;
} Window;

static bool is_touch(const JpMoment *moment);
static bool is_conversion(const JpMoment *moment);
static size_t same_time(const JpMoment *moments, size_t count, size_t first);
static void weigh(const JpAttributionQuestion *question, Window *window);
static double weight_of(const JpAttributionQuestion *question, const Window *window,
						size_t order, int64 at);
static void share(const JpAttributionQuestion *question, const Window *window,
				  const JpMoment *conversion, JpGiveCredit give, void *to);

void
jp_attribute(const JpAttributionQuestion *question, const JpMoment *moments,
			 size_t count, JpGiveCredit give, void *to)
{
	Window		window = {moments, 0, 0, 0, 0, 0};
	size_t		first;

	for (first = 0; first < count; first = window.end)
	{
		bool		weighed = false;
		size_t		i;

		window.end = same_time(moments, count, first);
		for (i = first; i < window.end; i++)
		{
			if (!is_conversion(&moments[i]))
				continue;
			while ((uint64) moments[i].at - (uint64) moments[window.begin].at > question->lookback)
				window.begin++;
			if (!weighed)
				weigh(question, &window);
			weighed = true;
			share(question, &window, &moments[i], give, to);
		}
		if (weighed && !question->reuse)
			window.begin = window.end;
	}
}

static bool
is_touch(const JpMoment *moment)
{
	return (uint32) moment->steps != 0;
}

static bool
is_conversion(const JpMoment *moment)
{
	return (moment->steps & JP_CONVERTED) != 0;
}

/* The index after the moments of the first one's time. */
static size_t
same_time(const JpMoment *moments, size_t count, size_t first)
{
	size_t		end = first + 1;

	while (end < count && moments[end].at == moments[first].at)
		end++;
	return end;
}

static void
weigh(const JpAttributionQuestion *question, Window *window)
{
	size_t		order = 0;
	size_t		i;

	window->touches = 0;
	for (i = window->begin; i < window->end; i++)
		if (is_touch(&window->moments[i]))
		{
			window->touches++;
			window->last = window->moments[i].at;
		}
	window->weight = 0;
	for (i = window->begin; question->model == JP_MODEL_TIME_DECAY && i < window->end; i++)
		if (is_touch(&window->moments[i]))
			window->weight += weight_of(question, window, order++, window->moments[i].at);
	if (question->model == JP_MODEL_FIRST || question->model == JP_MODEL_LAST)
		window->weight = 1;
	if (question->model == JP_MODEL_LINEAR || question->model == JP_MODEL_POSITION)
		window->weight = window->touches;
	if (question->model == JP_MODEL_POSITION && window->touches > 2)
		window->weight = 5;
}

/* Of the window's touch of this order, from 0, and this time. */
static double
weight_of(const JpAttributionQuestion *question, const Window *window, size_t order, int64 at)
{
	bool		first = order == 0;
	bool		last = order == window->touches - 1;

	switch (question->model)
	{
		case JP_MODEL_FIRST:
			return first;
		case JP_MODEL_LAST:
			return last;
		case JP_MODEL_LINEAR:
			return 1;
		case JP_MODEL_POSITION:
			if (window->touches <= 2)
				return 1;
			return first || last ? 2 : 1.0 / (window->touches - 2);
		case JP_MODEL_TIME_DECAY:
			return exp2(-((double) ((uint64) window->last - (uint64) at) / question->half_life));
	}
	return 0;
}

static void
share(const JpAttributionQuestion *question, const Window *window,
	  const JpMoment *conversion, JpGiveCredit give, void *to)
{
	size_t		order = 0;
	size_t		i;

	if (window->touches == 0)
		give(to, conversion, NULL, 1);
	for (i = window->begin; i < window->end; i++)
	{
		const JpMoment *touch = &window->moments[i];
		double		weight;

		if (!is_touch(touch))
			continue;
		weight = weight_of(question, window, order++, touch->at);
		if (weight > 0)
			give(to, conversion, touch, weight / window->weight);
	}
}
