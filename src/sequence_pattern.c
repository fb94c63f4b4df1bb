/*
 * sequence_pattern.c
 *		Patterns of events: from text to moves.  Pure.
 *
 * Moves are written as they are read.  Jumps are relative, so moves that
 * belong together can be shifted and repeated as they are.
 */
#include "sequence_pattern.h"

/* Groups in groups. */
#define DEPTH_MAX		100

/* No bound on repetitions. */
#define UNBOUNDED		(-1)

typedef struct Parser
{
	const char *chars;
	size_t		length;
	size_t		next;
	int			conditions;
	int			depth;
	const JpSequenceUnits *units;
	JpSequenceDraft *draft;
	JpSequenceFault *fault;
} Parser;

/* A time condition: spans, any of which will do. */
typedef struct Spans
{
	int			count;
	JpSpan		span[JP_SPANS_MAX];
} Spans;

static void read_alternatives(Parser *parser);
static void end_alternative(Parser *parser, uint32 begin, uint32 *last);
static void end_alternatives(Parser *parser, uint32 last);
static void read_element(Parser *parser);
static void read_group(Parser *parser);
static void read_condition(Parser *parser);
static void read_times(Parser *parser);
static void read_time(Parser *parser, Spans *spans);
static uint64 read_span(Parser *parser);
static void keep_between(Spans *spans, uint64 least, uint64 most);
static void leave_out(Parser *parser, Spans *spans, uint64 span);
static void add_spans(Parser *parser, const Spans *spans);
static void read_repetition(Parser *parser, uint32 begin, bool any);
static bool read_bounds(Parser *parser, int *least, int *most);
static void repeat(Parser *parser, uint32 begin, int least, int most);
static void repeat_any(Parser *parser, int least);
static uint64 read_number(Parser *parser, uint64 most);
static bool add_move(Parser *parser, JpMoveKind kind, int number, int jump);
static bool add_copy(Parser *parser, uint32 begin, uint32 moves);
static bool insert_split(Parser *parser, uint32 begin, int jump);
static bool follows(Parser *parser, const char *what);
static bool took(Parser *parser, const char *what);
static bool refuse(Parser *parser, const char *what, size_t at);
static bool too_large(Parser *parser);

bool
jp_sequence_parse(const char *chars, size_t length, int conditions,
				  const JpSequenceUnits *units,
				  JpSequenceDraft *draft, JpSequenceFault *fault)
{
	Parser		parser = {chars, length, 0, conditions, 0, units, draft, fault};

	memset(fault, 0, sizeof(*fault));
	draft->spans = draft->moves = 0;
	read_alternatives(&parser);
	if (parser.next < length)
		refuse(&parser, "there is no group to close", parser.next);
	add_move(&parser, JP_MOVE_END, 0, 0);
	return fault->what == NULL;
}

size_t
jp_sequence_size(const JpSequenceDraft *draft)
{
	return sizeof(JpSequence) + draft->spans * sizeof(JpSpan) + draft->moves * sizeof(JpMove);
}

void
jp_sequence_pack(const JpSequenceDraft *draft, JpSequence *sequence)
{
	JpSpan	   *spans = (JpSpan *) (sequence + 1);

	sequence->spans = draft->spans;
	sequence->moves = draft->moves;
	memcpy(spans, draft->span, draft->spans * sizeof(JpSpan));
	memcpy(spans + draft->spans, draft->move, draft->moves * sizeof(JpMove));
}

/* Up to the end of the pattern or of the group. */
static void
read_alternatives(Parser *parser)
{
	uint32		begin = parser->draft->moves;
	uint32		last = 0;

	while (parser->fault->what == NULL)
	{
		if (took(parser, "|"))
		{
			end_alternative(parser, begin, &last);
			begin = parser->draft->moves;
		}
		else if (parser->next == parser->length || follows(parser, ")"))
			break;
		else
			read_element(parser);
	}
	if (parser->fault->what == NULL)
		end_alternatives(parser, last);
}

/* Another alternative follows; jumps to the end tell how far back the one before is. */
static void
end_alternative(Parser *parser, uint32 begin, uint32 *last)
{
	uint32		moves = parser->draft->moves - begin;

	if (insert_split(parser, begin, (int) moves + 2) &&
		add_move(parser, JP_MOVE_JUMP, 0, 0))
	{
		uint32		at = parser->draft->moves - 1;

		parser->draft->move[at].jump = *last == 0 ? 0 : (short) (at - *last);
		*last = at;
	}
}

static void
end_alternatives(Parser *parser, uint32 last)
{
	while (last != 0)
	{
		JpMove	   *move = &parser->draft->move[last];
		uint32		back = (uint32) move->jump;

		move->jump = (short) (parser->draft->moves - last);
		last = back == 0 ? 0 : last - back;
	}
}

/* One element with its repetition, or times. */
static void
read_element(Parser *parser)
{
	uint32		begin = parser->draft->moves;

	if (follows(parser, "(?t"))
		read_times(parser);
	else if (took(parser, "."))
	{
		add_move(parser, JP_MOVE_ANY, 0, 0);
		read_repetition(parser, begin, true);
	}
	else
	{
		if (follows(parser, "(?"))
			read_condition(parser);
		else if (follows(parser, "("))
			read_group(parser);
		else if (follows(parser, "*") || follows(parser, "+") ||
				 follows(parser, "?") || follows(parser, "{"))
			refuse(parser, "there is nothing to repeat", parser->next);
		else
			refuse(parser, "neither an element nor an operator", parser->next);
		read_repetition(parser, begin, false);
	}
}

static void
read_group(Parser *parser)
{
	size_t		at = parser->next++;

	if (parser->depth == DEPTH_MAX)
	{
		too_large(parser);
		return;
	}
	parser->depth++;
	read_alternatives(parser);
	parser->depth--;
	if (parser->fault->what == NULL && !took(parser, ")"))
		refuse(parser, "the group is not closed", at);
}

/* (?number) */
static void
read_condition(Parser *parser)
{
	size_t		at = parser->next + 2;
	uint64		number;

	parser->next = at;
	number = read_number(parser, UINT64_MAX);
	if (parser->fault->what != NULL)
		return;
	if (number < 1 || number > (uint64) parser->conditions)
		refuse(parser, "there is no condition of this number", at);
	else if (!took(parser, ")"))
		refuse(parser, "a closing parenthesis is missing", parser->next);
	else
		add_move(parser, JP_MOVE_CONDITION, (int) number - 1, 0);
}

/* (?t...) and those that follow at once. */
static void
read_times(Parser *parser)
{
	Spans		spans;

	spans.count = 1;
	spans.span[0].least = 0;
	spans.span[0].most = UINT64_MAX;
	while (parser->fault->what == NULL && took(parser, "(?t"))
	{
		read_time(parser, &spans);
		if (parser->fault->what == NULL && !took(parser, ")"))
			refuse(parser, "a closing parenthesis is missing", parser->next);
	}
	if (follows(parser, "*") || follows(parser, "+") ||
		follows(parser, "?") || follows(parser, "{"))
		refuse(parser, "a time condition cannot be repeated", parser->next);
	if (parser->fault->what == NULL)
		add_spans(parser, &spans);
}

/* An operator and a span. */
static void
read_time(Parser *parser, Spans *spans)
{
	static const char *const operators[] = {"<=", "<", ">=", ">", "==", "!="};
	size_t		at = parser->next;
	int			i = 0;
	uint64		span;

	while (i < 6 && !took(parser, operators[i]))
		i++;
	if (i == 6)
	{
		refuse(parser, "a time condition has <, <=, >, >=, == or !=", at);
		return;
	}
	span = read_span(parser);
	if (parser->fault->what != NULL)
		return;
	if (i == 5)
		leave_out(parser, spans, span);
	else if (i == 1 && span == 0)
		spans->count = 0;
	else
		keep_between(spans, i == 3 ? span + 1 : i > 1 ? span : 0,
					 i == 1 ? span - 1 : i == 0 || i == 4 ? span : UINT64_MAX);
}

/* A number of seconds, or what stands between quotes. */
static uint64
read_span(Parser *parser)
{
	size_t		at = parser->next;
	const char *begin;
	const char *end;
	const char *what;
	uint64		span = 0;

	if (!took(parser, "'"))
		return read_number(parser, INT64_MAX / parser->units->second) * parser->units->second;
	begin = parser->chars + parser->next;
	end = memchr(begin, '\'', parser->length - parser->next);
	if (end == NULL)
	{
		refuse(parser, "the closing quote is missing", at);
		return 0;
	}
	parser->next += (size_t) (end - begin) + 1;
	what = parser->units->read(begin, (size_t) (end - begin), &span);
	if (what != NULL)
		refuse(parser, what, at + 1);
	return span;
}

/* What the spans have in common with another. */
static void
keep_between(Spans *spans, uint64 least, uint64 most)
{
	int			count = spans->count;
	int			i;

	spans->count = 0;
	for (i = 0; i < count; i++)
	{
		JpSpan		span = spans->span[i];

		if (span.least < least)
			span.least = least;
		if (span.most > most)
			span.most = most;
		if (span.least <= span.most)
			spans->span[spans->count++] = span;
	}
}

/* The spans without one length. */
static void
leave_out(Parser *parser, Spans *spans, uint64 span)
{
	Spans		below = *spans;
	int			i;

	if (span > 0)
		keep_between(&below, 0, span - 1);
	else
		below.count = 0;
	keep_between(spans, span + 1, UINT64_MAX);
	if (below.count + spans->count > JP_SPANS_MAX)
	{
		too_large(parser);
		return;
	}
	for (i = 0; i < below.count; i++)
		spans->span[spans->count++] = below.span[i];
}

/* A move for each span, all but the last as an alternative to the rest. */
static void
add_spans(Parser *parser, const Spans *spans)
{
	JpSequenceDraft *draft = parser->draft;
	static const JpSpan never = {1, 0};
	int			count = spans->count == 0 ? 1 : spans->count;
	int			i;

	if (draft->spans + (uint32) count > JP_SPANS_MAX)
	{
		too_large(parser);
		return;
	}
	for (i = 0; i < count; i++)
	{
		int			rest = 3 * (count - 1 - i);

		draft->span[draft->spans++] = spans->count == 0 ? never : spans->span[i];
		if ((rest > 0 && !add_move(parser, JP_MOVE_SPLIT, 0, 3)) ||
			!add_move(parser, JP_MOVE_TIME, (int) draft->spans - 1, 0) ||
			(rest > 0 && !add_move(parser, JP_MOVE_JUMP, 0, rest - 1)))
			return;
	}
}

/* The repetition of the moves from begin on, if there is one; any: of an event. */
static void
read_repetition(Parser *parser, uint32 begin, bool any)
{
	int			least;
	int			most;

	if (parser->fault->what != NULL || !read_bounds(parser, &least, &most))
		return;
	if (any && most == UNBOUNDED)
		repeat_any(parser, least);
	else
		repeat(parser, begin, least, most);
}

/* False when there is no repetition, or a bad one. */
static bool
read_bounds(Parser *parser, int *least, int *most)
{
	size_t		at = parser->next;

	*least = follows(parser, "+") ? 1 : 0;
	*most = follows(parser, "?") ? 1 : UNBOUNDED;
	if (took(parser, "*") || took(parser, "+") || took(parser, "?"))
		return true;
	if (!took(parser, "{"))
		return false;
	*least = *most = (int) read_number(parser, JP_MOVES_MAX);
	if (took(parser, ","))
		*most = follows(parser, "}") ? UNBOUNDED : (int) read_number(parser, JP_MOVES_MAX);
	if (parser->fault->what == NULL && !took(parser, "}"))
		refuse(parser, "a closing brace is missing", parser->next);
	if (parser->fault->what == NULL && *most != UNBOUNDED && *most < *least)
		refuse(parser, "the bounds of the repetition are the wrong way round", at);
	return parser->fault->what == NULL;
}

/* Repeats the moves from begin on. */
static void
repeat(Parser *parser, uint32 begin, int least, int most)
{
	JpSequenceDraft *draft = parser->draft;
	uint32		moves = draft->moves - begin;
	uint32		first;
	int			i;

	if (most == 0)
		draft->moves = begin;
	if (most == 0 || moves == 0)
		return;
	for (i = 1; i < least; i++)
		if (!add_copy(parser, begin, moves))
			return;
	if (most == UNBOUNDED && least > 0)
		add_move(parser, JP_MOVE_SPLIT, 0, -(int) moves);
	else if (most == UNBOUNDED)
	{
		if (insert_split(parser, begin, (int) moves + 2))
			add_move(parser, JP_MOVE_JUMP, 0, -(int) moves - 1);
	}
	else
	{
		first = least == 0 ? begin : draft->moves;
		if (least == 0 && !insert_split(parser, begin++, 0))
			return;
		for (i = least == 0 ? 1 : least; i < most; i++)
			if (!add_move(parser, JP_MOVE_SPLIT, 0, 0) ||
				!add_copy(parser, begin, moves))
				return;
		for (; first < draft->moves; first += moves + 1)
			draft->move[first].jump = (short) (draft->moves - first);
	}
}

/* Repeats the move for any event, the last one, without end. */
static void
repeat_any(Parser *parser, int least)
{
	int			i;

	parser->draft->moves--;
	for (i = 0; i < least; i++)
		if (!add_move(parser, JP_MOVE_ANY, 0, 0))
			return;
	add_move(parser, JP_MOVE_SKIP, 0, 0);
}

static uint64
read_number(Parser *parser, uint64 most)
{
	size_t		at = parser->next;
	uint64		number = 0;

	while (parser->next < parser->length &&
		   parser->chars[parser->next] >= '0' && parser->chars[parser->next] <= '9')
	{
		uint64		digit = (uint64) (parser->chars[parser->next++] - '0');

		if (number > most / 10 || number * 10 > most - digit)
		{
			refuse(parser, "the number is too large", at);
			return 0;
		}
		number = number * 10 + digit;
	}
	if (parser->next == at)
		refuse(parser, "a number is missing", at);
	return number;
}

static bool
add_move(Parser *parser, JpMoveKind kind, int number, int jump)
{
	JpSequenceDraft *draft = parser->draft;
	JpMove		move = {(uint8) kind, (uint8) number, (short) jump};

	if (draft->moves == JP_MOVES_MAX)
		return too_large(parser);
	draft->move[draft->moves++] = move;
	return true;
}

/* Adds moves that are there once more. */
static bool
add_copy(Parser *parser, uint32 begin, uint32 moves)
{
	JpSequenceDraft *draft = parser->draft;

	if (draft->moves + moves > JP_MOVES_MAX)
		return too_large(parser);
	memcpy(&draft->move[draft->moves], &draft->move[begin], moves * sizeof(JpMove));
	draft->moves += moves;
	return true;
}

/* Puts a split before the moves from begin on. */
static bool
insert_split(Parser *parser, uint32 begin, int jump)
{
	JpSequenceDraft *draft = parser->draft;
	JpMove		split = {JP_MOVE_SPLIT, 0, (short) jump};

	if (!add_move(parser, JP_MOVE_SPLIT, 0, jump))
		return false;
	memmove(&draft->move[begin + 1], &draft->move[begin],
			(draft->moves - 1 - begin) * sizeof(JpMove));
	draft->move[begin] = split;
	return true;
}

static bool
follows(Parser *parser, const char *what)
{
	size_t		length = strlen(what);

	return parser->length - parser->next >= length &&
		memcmp(parser->chars + parser->next, what, length) == 0;
}

static bool
took(Parser *parser, const char *what)
{
	if (!follows(parser, what))
		return false;
	parser->next += strlen(what);
	return true;
}

/* Notes the first fault; false. */
static bool
refuse(Parser *parser, const char *what, size_t at)
{
	if (parser->fault->what == NULL)
	{
		parser->fault->what = what;
		parser->fault->at = at;
	}
	return false;
}

static bool
too_large(Parser *parser)
{
	parser->fault->size |= parser->fault->what == NULL;
	return refuse(parser, "the pattern is too large", parser->next);
}
