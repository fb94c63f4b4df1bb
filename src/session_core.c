/*
 * session_core.c
 *		Sessions, paths and next events of one journey.  Pure.
 */
#include "session_core.h"

static size_t find_anchor(const JpPathQuestion *question, const JpMoment *moments, size_t count);
static size_t path_from(const JpPathQuestion *question, const JpMoment *moments,
						size_t begin, size_t count, uint32 *codes);
static size_t path_to(const JpPathQuestion *question, const JpMoment *moments,
					  size_t end, uint32 *codes);
static bool can_begin(const JpMoment *moment);
static size_t find_base(const JpNextQuestion *question, const JpMoment *moments, size_t count);

size_t
jp_session_end(const JpMoment *moments, size_t count, size_t first, uint64 gap)
{
	size_t		i;

	for (i = first + 1; i < count; i++)
		if ((uint64) moments[i].at - (uint64) moments[i - 1].at > gap)
			break;
	return i;
}

size_t
jp_path_of(const JpPathQuestion *question, const JpMoment *moments, size_t count, uint32 *codes)
{
	size_t		anchor = find_anchor(question, moments, count);

	if (anchor == count)
		return 0;
	if (question->to)
		return path_to(question, moments, anchor + 1, codes);
	return path_from(question, moments, anchor, count, codes);
}

/* Where the path begins or ends; count for nowhere. */
static size_t
find_anchor(const JpPathQuestion *question, const JpMoment *moments, size_t count)
{
	size_t		i;

	if (question->anchor == 0)
		return question->to && count > 0 ? count - 1 : 0;
	for (i = 0; i < count; i++)
	{
		size_t		at = question->last ? count - 1 - i : i;

		if ((uint32) moments[at].steps == question->anchor)
			return at;
	}
	return count;
}

static size_t
path_from(const JpPathQuestion *question, const JpMoment *moments,
		  size_t begin, size_t count, uint32 *codes)
{
	size_t		length = 0;
	size_t		i;

	for (i = begin; i < count && length < question->depth; i++)
	{
		uint32		code = (uint32) moments[i].steps;

		if (!question->collapse || length == 0 || codes[length - 1] != code)
			codes[length++] = code;
	}
	return length;
}

/* Gathers the path backwards, then turns it round. */
static size_t
path_to(const JpPathQuestion *question, const JpMoment *moments, size_t end, uint32 *codes)
{
	size_t		length = 0;
	size_t		i;

	while (end > 0 && length < question->depth)
	{
		uint32		code = (uint32) moments[--end].steps;

		if (!question->collapse || length == 0 || codes[length - 1] != code)
			codes[length++] = code;
	}
	for (i = 0; i < length / 2; i++)
	{
		uint32		code = codes[i];

		codes[i] = codes[length - 1 - i];
		codes[length - 1 - i] = code;
	}
	return length;
}

size_t
jp_next_event(const JpNextQuestion *question, const JpMoment *moments, size_t count)
{
	size_t		at = find_base(question, moments, count);
	int			i;

	if (at == count)
		return count;
	for (i = 0; i < question->conditions; i++)
	{
		if (!(moments[at].steps & JP_NEXT_CONDITION(i)))
			return count;
		if (question->backward ? at == 0 : at + 1 == count)
			return count;
		at += question->backward ? -1 : 1;
	}
	return at;
}

/* Where the chain begins; count for nowhere. */
static size_t
find_base(const JpNextQuestion *question, const JpMoment *moments, size_t count)
{
	bool		last = question->from == JP_NEXT_TAIL || question->from == JP_NEXT_LAST_MATCH;
	bool		matched = question->from == JP_NEXT_FIRST_MATCH || question->from == JP_NEXT_LAST_MATCH;
	size_t		i;

	for (i = 0; i < count; i++)
	{
		size_t		at = last ? count - 1 - i : i;

		if (can_begin(&moments[at]))
			return at;
		if (!matched)
			break;
	}
	return count;
}

/* Its first condition must hold there too, wherever the base is looked for. */
static bool
can_begin(const JpMoment *moment)
{
	return (moment->steps & JP_NEXT_BASE) && (moment->steps & JP_NEXT_CONDITION(0));
}
