/*
 * audit.h
 *		What the guard tells of statements that use protected tables.
 *
 * A statement's use is prepared before it is checked, so that a refusal has
 * all that the statement would have touched; it is begun when it may run, and
 * ended when it is through.  Uses that an error cuts off end as failed by
 * themselves.
 */
#ifndef JP_AUDIT_H
#define JP_AUDIT_H

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

typedef struct JpUse JpUse;

/* A protected table that a statement uses. */
typedef struct JpTouched
{
	Oid			relid;
	Oid			user;			/* whose privileges count */
	bool		bound;			/* by row security */
	Bitmapset  *columns;		/* read or written, as in a PlannedStmt */
} JpTouched;

/* A statement as a whole. */
typedef struct JpUsing
{
	const char *command;
	List	   *touched;		/* of JpTouched */
	bool		writes;
	bool		answers;		/* rows go to whoever asked */
	uint64		query_id;
} JpUsing;

/* The use of a statement; NULL when the settings do not want it noted. */
extern JpUse *jp_use_prepare(const JpUsing *using);

/*
 * From here on a refusal is of this use; NULL: of none.  jp_use_deny() is a
 * refusal, after which the use is gone; false when none is being checked.
 */
extern void jp_use_checking(JpUse *use);
extern bool jp_use_deny(void);

/* Runs; owner finds it again.  Under "flush" returns when that is durable. */
extern void jp_use_begin(JpUse *use, const void *owner);
extern JpUse *jp_use_of(const void *owner);

/* So many rows more were returned or changed. */
extern void jp_use_rows(JpUse *use, uint64 rows);
extern void jp_use_end(JpUse *use);

/* Another statement begins, within another or not. */
extern void jp_use_statement_begins(void);

/*
 * Under "flush" has durable what this session has told so far: before it takes
 * locks that the worker waits for.
 */
extern void jp_use_settle(void);

/* Around whatever may run statements within a statement. */
extern int	jp_use_enter(void);
extern void jp_use_leave(int depth);
extern bool jp_use_nested(void);

/* Notes another purpose, if it has been set since the last time. */
extern void jp_use_purpose(void);

/* Nothing that this process does is noted, for it writes the notes. */
extern void jp_audit_off(void);

/* The worker of a database leaves it; its queue goes. */
extern void jp_queue_vacate(Oid database);
extern void jp_queue_forget(Oid database);

#endif							/* JP_AUDIT_H */
