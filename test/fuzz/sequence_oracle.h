/*
 * sequence_oracle.h
 *		Random patterns as trees, and what they match: by every way there is,
 *		and as ClickHouse walks.
 */
#ifndef SEQUENCE_ORACLE_H
#define SEQUENCE_ORACLE_H

#include "sequence_match.h"

#define EVENTS_MAX		64

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

/* Events that met conditions. */
typedef struct List
{
	int			length;
	int			event[EVENTS_MAX];
} List;

typedef enum Found
{
	NO, YES, OUT_OF_EVENTS
} Found;

/* The pattern as text, and the journey (sequence.c). */
extern char text[4096];
extern size_t text_length;
extern JpMoment moments[EVENTS_MAX];
extern int	count;
extern int	conditions;

/* Random numbers below limit, from a state. */
extern uint64_t state;
extern int	any(int limit);

/* Makes a pattern, of nodes that count from 0; in ClickHouse's language; prints it into the text. */
extern int	node_count;
extern Node *make(int depth, Kind kind);
extern Node *make_theirs(void);
extern void print(const Node *node, bool group);

/* All matches that begin at from or later; false when there are too many ways for the budget. */
extern int	budget;
extern int	best_end;			/* of the best match, -1 for none */
extern List best;
extern List part;				/* the longest beginning of one */
extern bool matched[EVENTS_MAX][EVENTS_MAX + 1];	/* from, to; never cleared */
extern bool try_all(const Node *pattern, int from);
extern bool before(const List *a, const List *b);

/* How many matches, none of them of no event, do not overlap at most. */
extern uint64 most_matches(void);

/* The first match that ClickHouse finds, within a budget. */
extern int	their_budget;
extern int	their_end;
extern List their_list;
extern List their_part;
extern Found walk_from(const Node *pattern, int from);

#endif							/* SEQUENCE_ORACLE_H */
