/*
 * sequence_pattern.h
 *		Patterns of events: from text to moves.  Pure.
 *
 * (?2)			an event that meets condition 2
 * .			any event
 * .*			any events, none too
 * (?t<=10)		any events, none too, up to one that comes so much later: < <= >
 *				>= == != and a number of seconds, or a span in single quotes;
 *				several in a row must hold together
 * ( ) |		groups and alternatives
 * * + ? {m} {m,} {m,n}		repetition of what stands before, not of a time
 */
#ifndef JP_SEQUENCE_PATTERN_H
#define JP_SEQUENCE_PATTERN_H

#include "pure.h"

#define JP_MOVES_MAX	1000
#define JP_SPANS_MAX	100

typedef enum JpMoveKind
{
	JP_MOVE_CONDITION,			/* takes an event that meets condition number, the first as 0 */
	JP_MOVE_ANY,				/* takes an event */
	JP_MOVE_SKIP,				/* takes any events; then time runs from the event that is next */
	JP_MOVE_TIME,				/* takes any events, until the next is in span number from where
								 * time runs; then time runs from it */
	JP_MOVE_SPLIT,				/* goes on here and by jump */
	JP_MOVE_JUMP,				/* goes on by jump only */
	JP_MOVE_END					/* the pattern is complete */
} JpMoveKind;

typedef struct JpMove
{
	uint8		kind;
	uint8		number;
	short		jump;			/* relative to this move */
} JpMove;

/* Spans of time, both ends included; more than most in least: never. */
typedef struct JpSpan
{
	uint64		least;
	uint64		most;
} JpSpan;

/* A pattern as moves: the head, its spans, its moves; no pointers, no padding. */
typedef struct JpSequence
{
	uint32		spans;
	uint32		moves;
} JpSequence;

#define jp_sequence_spans(sequence)	((const JpSpan *) ((sequence) + 1))
#define jp_sequence_moves(sequence) \
	((const JpMove *) (jp_sequence_spans(sequence) + (sequence)->spans))

/* A pattern in the making. */
typedef struct JpSequenceDraft
{
	uint32		spans;
	uint32		moves;
	JpSpan		span[JP_SPANS_MAX];
	JpMove		move[JP_MOVES_MAX];
} JpSequenceDraft;

/* Why a pattern was refused, and where. */
typedef struct JpSequenceFault
{
	const char *what;			/* the fact, NULL for none */
	size_t		at;				/* bytes before it */
	bool		size;			/* well formed, but too large */
} JpSequenceFault;

/* The units of the moments. */
typedef struct JpSequenceUnits
{
	uint64		second;
	/* reads a span between quotes; NULL or the fact when it is none */
	const char *(*read) (const char *chars, size_t length, uint64 *span);
} JpSequenceUnits;

/* Reads a pattern over so many conditions, at most 64; false with a fault. */
extern bool jp_sequence_parse(const char *chars, size_t length, int conditions,
							  const JpSequenceUnits *units,
							  JpSequenceDraft *draft, JpSequenceFault *fault);

/* The size of a sequence, and the sequence, from a draft. */
extern size_t jp_sequence_size(const JpSequenceDraft *draft);
extern void jp_sequence_pack(const JpSequenceDraft *draft, JpSequence *sequence);

#endif							/* JP_SEQUENCE_PATTERN_H */
