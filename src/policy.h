/*
 * policy.h
 *		Decisions about who may read what, for which purpose.
 */
#ifndef JP_POLICY_H
#define JP_POLICY_H

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "collection.h"
#include "consent.h"

/*
 * The purpose for which the current user reads a protected table now.
 * Throws 42501 when none is set, it does not exist or is not allowed, and
 * 55000 when the table's protection cannot be relied on.
 */
extern const JpPurpose *jp_policy_purpose(Oid relid);

/*
 * Throws 42501 where answers are all that may be had for the purpose, and the
 * statement is none; answering is the purpose for which it is one, or NULL.
 */
extern void jp_policy_check_access(const JpPurpose *purpose, Oid relid,
								   const char *answering);

/*
 * Sets for which purpose the statement that runs is an answer, and returns
 * what was set: scans ask for it whenever their purpose may have changed.
 */
extern const char *jp_policy_answering(const char *purpose);

/*
 * Sets the range table of the statement that runs, and returns what was set:
 * where the server does not say which table a row is of, it tells.
 */
extern List *jp_policy_running(List *range_table);

/*
 * Reading of one table by a scan.  The reader of bits is settled when first
 * asked for, and again whenever the statement, the user, the purpose or our
 * configuration has changed: ask before each row.
 */
typedef struct JpReading JpReading;

extern JpReading *jp_reading_make(Oid relid, MemoryContext context);
extern JpPermitted *jp_reading_permitted(JpReading *reading);

/* OID of permits(oid, integer), the call in policies of tables with numbers. */
extern Oid	jp_permits_oid(void);

/*
 * policy_permitted.c: OID of permitted_numbers(oid), and the format of the
 * calls that it answers: one of those that come from the grammar, for functions
 * of the server only, and are shown as ordinary calls for all others.
 */
extern Oid	jp_permitted_numbers_oid(void);

#define JP_CALL_OF_PLANNER	COERCE_SQL_SYNTAX

/*
 * Throws 42501 unless the columns (as in RangeTblEntry.selectedCols) may be
 * read for the purpose.
 */
extern void jp_policy_check_columns(const JpPurpose *purpose, Oid relid,
									const Bitmapset *selected);

/* The part of all subjects that is permitted for the purpose in force. */
extern double jp_policy_selectivity(Oid relid);

/*
 * Puts a partition or child under the policy of its parent.  As the
 * extension's owner.
 */
extern void jp_cover(Oid relid);

/* A finder of the numbers of subjects by the values of a column. */
typedef struct JpNumbers JpNumbers;

extern JpNumbers *jp_numbers_open(const JpProtection *protection, Oid type,
								  MemoryContext context);
extern int32 jp_numbers_find(JpNumbers *numbers, Datum value);

#endif							/* JP_POLICY_H */
