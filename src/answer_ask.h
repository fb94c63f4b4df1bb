/*
 * answer_ask.h
 *		What the answers in one call share: a question about one protected
 *		table, asked as the caller with one of our aggregates, and its rows.
 */
#ifndef JP_ANSWER_ASK_H
#define JP_ANSWER_ASK_H

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"

#include "answer_floor.h"
#include "collection.h"

#define JP_ASK_PARAMETERS	24

/* The arguments that all answers end with, from the first of them on. */
enum
{
	JP_DURING, JP_WHERE_EVENT, JP_WHERE_PROPS, JP_BREAKDOWN, JP_BREAKDOWN_KEY,
	JP_EVENT_COLUMN, JP_PROPS_COLUMN, JP_COMMON_ARGUMENTS
};

typedef struct JpAsk
{
	FunctionCallInfo fcinfo;
	int			common;			/* the first of the common arguments */
	Oid			relid;
	JpFloor		floor;
	const char *subject;		/* columns, quoted, under the alias t */
	const char *occurred_at;
	const char *event;			/* NULL: the question is about none */
	const char *rows_only;		/* why no journey store can answer; NULL: one may */
	Oid			store;			/* that answers; InvalidOid: none */
	int			parameters;
	Oid			type[JP_ASK_PARAMETERS];
	Datum		value[JP_ASK_PARAMETERS];
	char		null[JP_ASK_PARAMETERS];
	int			cells;			/* what came back */
	Datum	   *cell;
	TupleDesc	desc;			/* of a cell */
} JpAsk;

/*
 * Begins an answer about the table in argument 0; with_event says whether the
 * question is about a column of events.  Throws 42809 unless it is protected
 * with a time.
 */
extern void jp_ask_begin(JpAsk *ask, FunctionCallInfo fcinfo, int common, bool with_event);

/* An argument of the call as a parameter, $1 and so on. */
extern char *jp_ask_argument(JpAsk *ask, int argument, Oid type);

/* A column as text: its own value, or with a key that of the key in its jsonb. */
extern char *jp_ask_value(JpAsk *ask, int column, int key);

/* What a row is broken down by. */
extern char *jp_ask_breakdown(JpAsk *ask);

/*
 * Runs an aggregate over the rows asked about, or over a journey store that has
 * what they would say: its arguments between the time and the options (each
 * with a comma before it), and the options.
 */
extern void jp_ask_run(JpAsk *ask, const char *aggregate, const char *arguments,
					   const char *options);

/* The statement that jp_ask_run would run, and why it is over rows, NULL: it is not. */
extern char *jp_ask_statement(JpAsk *ask, const char *aggregate, const char *arguments,
							  const char *options, const char **why);

/* A field of a cell that came back. */
extern Datum jp_ask_field(const JpAsk *ask, int cell, int field, bool *isnull);
extern int64 jp_ask_count(const JpAsk *ask, int cell, int field);

/* Two cells by a field that is text; null comes last. */
extern int	jp_ask_compare(const JpAsk *ask, int a, int b, int field);

/* The cells in order of two fields that are text (0: none). */
extern int *jp_ask_order(const JpAsk *ask, int field, int then);

/*
 * A duration, given as an interval of microseconds, that so many subjects
 * stand behind, told is how many of them may be told; sets isnull when it may
 * not be.
 */
extern Datum jp_ask_told_time(const JpAsk *ask, Datum time, int64 told, int64 behind, bool *isnull);

/* A table for the floor, its subjects 0, of groups that have none in common. */
extern void jp_ask_table(JpFloorTable *table, JpCells how, uint32 groups, int cells);

/* A row of the result. */
extern void jp_ask_row(JpAsk *ask, Datum *values, bool *nulls);

/* What a count is when it may be told; sets isnull when it may not. */
extern Datum jp_told(int64 count, bool *isnull);

/* One count as a part of another; sets isnull when either may not be told. */
extern Datum jp_told_part(int64 part, int64 whole, bool *isnull);

/* How a group is called that has been pooled. */
extern Datum jp_other(void);

#endif							/* JP_ANSWER_ASK_H */
