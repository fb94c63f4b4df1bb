/*
 * guard.h
 *		What the files of room guard share.
 */
#ifndef JP_GUARD_H
#define JP_GUARD_H

#include "executor/execdesc.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/*
 * guard_utility.c: throws 42501 when a command, of somebody who is not a
 * superuser, would change what protect() made or show rows that it hides.
 */
extern void jp_guard_utility(Node *statement);

/*
 * guard_derived.c: records that the rows of protected tables go into the
 * table that a statement writes, or into one that was made of them.
 */
extern void jp_derived_fill(PlannedStmt *statement, const List *sources);
extern void jp_derived_make(Oid namespace, const char *made,
							const List *sources);

/*
 * guard_audit.c: the use of a statement, prepared and being checked; NULL
 * when there is nothing to note.  Notes functions of ours that the user may
 * not call, and whose call the server is about to refuse.
 */
extern struct JpUse *jp_guard_use(QueryDesc *query);
extern void jp_guard_functions(const PlannedStmt *statement);

/*
 * guard_audit.c: the same of a command; what it does to databases' queues,
 * before and after it.
 */
extern struct JpUse *jp_guard_command_use(Node *statement);
extern void jp_guard_command_begins(Node *statement);
extern void jp_guard_command_ended(Node *statement);

/* guard.c: whether row security binds a user on a table. */
extern bool jp_guard_binds(Oid relid, Oid user);

/*
 * guard_answer.c: the next statement that this backend starts is an answer of
 * ours, and may read protected tables under a purpose whose access is
 * 'aggregates'; not what is run within it, nor what runs while it is planned.
 * Call it right before SPI executes the one statement.
 */
extern void jp_guard_answering(void);

/*
 * guard_answer.c, for guard.c: statements that are answers.  The mark of one
 * that starts, or NULL, which the caller keeps once the statement has started;
 * then it is found until the statement ends.
 */
typedef struct JpAnswer JpAnswer;

extern void jp_guard_answer_init(void);
extern void jp_answer_planning(void);
extern void jp_answer_planned(void);
extern JpAnswer *jp_answer_take(QueryDesc *query);
extern void jp_answer_keep(JpAnswer *answer);
extern JpAnswer *jp_answer_of(const QueryDesc *query);
extern const char *jp_answer_purpose(const JpAnswer *answer);

/*
 * guard_drop.c: refuses (2BP01) to drop the extension while tables are
 * protected, on whatever way.
 */
extern void jp_guard_drop_init(void);

/* guard_force.c: keeps row security in force in functions of owners. */
extern void jp_guard_force_init(void);

/* guard_scan.c: registers the scan that tests permission early. */
extern void jp_guard_scan_init(void);

/*
 * guard_index.c, for guard_scan.c: offers the planner to look up who may be
 * seen in an index; policy is the call of permits() with the number column.
 */
extern void jp_guard_index_paths(PlannerInfo *root, RelOptInfo *rel,
								 RestrictInfo *policy);

#endif							/* JP_GUARD_H */
