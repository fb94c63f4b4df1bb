/*
 * collection_rules.h
 *		What the insert guard makes of a row before it is written: the data
 *		plan of its table, then what is minimised.
 */
#ifndef JP_COLLECTION_RULES_H
#define JP_COLLECTION_RULES_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "commands/trigger.h"
#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/rel.h"

#include "collection_keys.h"

typedef enum JpTransform
{
	JP_DROP,
	JP_TRUNCATE_IP,
	JP_COARSEN,
	JP_ROUND_POSITION,
	JP_KEEP_KEYS,
	JP_DROP_KEYS,
	JP_PSEUDONYMIZE
} JpTransform;

#define JP_TRANSFORMS	7

/* A row of table minimization. */
typedef struct JpMinimization
{
	NameData	column;
	JpTransform transform;
	int			position;
	int			v4;				/* bits that stay of an address */
	int			v6;
	Interval	step;
	int			digits;
	JpKeys	   *keys;
	char	   *kind;
} JpMinimization;

typedef enum JpOnViolation
{
	JP_PLAN_REFUSE,
	JP_PLAN_STRIP,
	JP_PLAN_COUNT
} JpOnViolation;

/* A row of table planned_event. */
typedef struct JpPlannedEvent
{
	const char *name;
	size_t		length;
	JpKeys	   *allowed;		/* NULL: any */
	List	   *required;		/* JpKeys of one path each */
	List	   *required_names; /* the paths as they were given */
} JpPlannedEvent;

/* A row of table data_plan, with its events. */
typedef struct JpDataPlan
{
	NameData	event_column;
	NameData	props_column;	/* empty: none */
	JpOnViolation on_violation;
	JpPlannedEvent *events;		/* ordered by length, then bytes */
	int			count;
} JpDataPlan;

/* The rules of one table, shared by the statements that need them. */
typedef struct JpRules
{
	Oid			relid;			/* hash key */
	MemoryContext context;
	int			references;
	JpMinimization *minimizations;	/* in the order in which they apply */
	int			count;
	JpDataPlan *plan;			/* NULL: none */
} JpRules;

/* A minimisation where the column of one relation is found. */
typedef struct JpBoundMinimization
{
	const JpMinimization *rule;
	AttrNumber	column;
	Oid			type;
	int32		typmod;
} JpBoundMinimization;

/* The rules of a table for a relation of its tree. */
typedef struct JpBoundRules
{
	const JpRules *rules;
	const char *relation;		/* its name, for errors */
	Oid			relid;
	JpBoundMinimization *minimizations;
	AttrNumber	event;
	AttrNumber	props;			/* 0: none */
} JpBoundRules;

/* A row that is looked at, in the memory of the row. */
typedef struct JpRuleRow
{
	TupleDesc	desc;
	HeapTuple	before;			/* of an update; NULL */
	const Bitmapset *updated;	/* columns that an update names */
	Datum	   *values;
	bool	   *nulls;
	bool		changed;
	const JpPlannedEvent *event;	/* by the plan */
	bool		judged;			/* whether the plan lets it in is known */
	bool		planned;		/* the plan applies to it */
} JpRuleRow;

/*
 * The rules for a relation under a protected table, found anew for each
 * statement; NULL where there are none.  They live as long as the context.
 * 55000 when a column is gone or of another type.
 */
extern JpBoundRules *jp_rules_bind(Relation rel, Oid head,
								   MemoryContext context);

/* Gives back a reference to rules: a callback of memory contexts. */
extern void jp_rules_release(void *rules);

/* Reads a row in the current memory context. */
extern JpRuleRow *jp_rule_row(const JpBoundRules *bound, TriggerData *trigger,
							  HeapTuple tuple);

/* Whether an update, or an insert, gives a column its value. */
extern bool jp_rule_touches(const JpRuleRow *row, AttrNumber column);

/* Changes a column. */
extern void jp_rule_set(JpRuleRow *row, AttrNumber column, Datum value,
						bool isnull);

/* The row as a tuple, the one that was read when nothing has changed. */
extern HeapTuple jp_rule_tuple(const JpRuleRow *row, HeapTuple tuple);

/*
 * collection_plan_row.c: whether the plan lets a row in.  Throws 23514, or
 * says false when its event is not planned and is to be left out.  Then what
 * the plan makes of its keys, with the counting.
 */
extern bool jp_plan_admits(const JpBoundRules *bound, JpRuleRow *row);
extern void jp_plan_apply(const JpBoundRules *bound, JpRuleRow *row);

/* collection_minimize_row.c: minimises; all columns, or those that are touched. */
extern void jp_minimize_apply(const JpBoundRules *bound, JpRuleRow *row,
							  bool all);

/* Whether a transform is one for columns of a type. */
extern bool jp_transform_fits(JpTransform transform, Oid type);

/* A transform by its name; -1 when there is none, and the name of one. */
extern int	jp_transform_named(const char *name);
extern const char *jp_transform_name(JpTransform transform);

/* collection_plan_tally.c: counts a violation, written when it is committed. */
extern void jp_plan_tally(Oid relid, const char *event, size_t length,
						  const char *key, const char *what);

/*
 * The protected table that a relation is a part of, itself in most cases;
 * InvalidOid when it is none.
 */
extern Oid	jp_protected_head(Oid relid);

/* Opens a protected table of the caller's with all under it, to change rules. */
extern Relation jp_rules_open(Oid relid, LOCKMODE lock);

/*
 * Rules when tables change, for room policy.  Need SPI, and the rights of the
 * extension's owner: gives a table that has left another its rules; forgets
 * those of a table; throws 55000 when the rules of a table that joins another
 * differ, when a column that rules rest on is gone or of another type.
 */
extern void jp_rules_copy(Oid from, Oid to);
extern void jp_rules_forget(Oid relid);
extern void jp_rules_join(Oid relid, Oid head);
extern void jp_rules_check_columns(void);

#endif							/* JP_COLLECTION_RULES_H */
