/*
 * catalog.h
 *		Our own tables seen from C: OIDs, cached configuration, and the
 *		rights to write them.
 */
#ifndef JP_CATALOG_H
#define JP_CATALOG_H

#include "access/htup.h"
#include "fmgr.h"
#include "storage/lockdefs.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

struct _SPI_plan;

/* Who we were before jp_elevate(). */
typedef struct JpPrivilege
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} JpPrivilege;

/* OID of schema journey_privacy, InvalidOid where the extension is absent. */
extern Oid	jp_schema(void);

/*
 * OID of the extension, InvalidOid where it is absent: what was found out
 * about another one, dropped meanwhile, does not count.
 */
extern Oid	jp_extension(void);

/*
 * Whether the extension is here; it is then not dropped before the
 * transaction ends.  Whoever drops it waits before taking any other lock, so
 * call this before taking one.
 */
extern bool jp_extension_hold(void);

/* Whether the extension is here, with all its tables. */
extern bool jp_installed(void);

/* OID of one of our tables, indexes or sequences; an error when missing. */
extern Oid	jp_relation(const char *name);

/* OID of one of our types. */
extern Oid	jp_type(const char *name);

/* Opens a user's table; throws unless it exists and the caller owns it. */
extern Relation jp_open_owned(Oid relid, LOCKMODE lock);

/*
 * A copy of the one row that has this key in a column, by a unique index of
 * ours; NULL when there is none.  Sees what is committed now.
 */
extern HeapTuple jp_fetch_one(Relation rel, const char *index,
							  AttrNumber column, Datum key,
							  RegProcedure equal);

/* The number of a user's column; 42703 when there is none of this name. */
extern AttrNumber jp_column_get(Oid relid, const char *column);

/* A relation's name, qualified and quoted for dynamic SQL. */
extern char *jp_qualified_name(Relation rel);
extern char *jp_qualified_name_of(Oid relid);

/*
 * Changes whenever one of our configuration tables (those with the trigger
 * catalog_changed) may have changed: a cache filled under another number is
 * stale.  Never returns 0.
 */
extern uint64 jp_catalog_generation(void);

/* Refuses a transaction that does not see what others have just committed. */
extern void jp_require_read_committed(const char *what);

/* Whether a procedure was called where it may commit. */
extern bool jp_may_commit(FunctionCallInfo fcinfo);

/* Acts as the extension's owner under a fixed search_path until jp_restore();
 * an error in between is cleaned up by the (sub)transaction's end. */
extern void jp_elevate(JpPrivilege *before);
extern void jp_restore(const JpPrivilege *before);

/*
 * Acts as the owner of somebody's table until jp_restore(), restricted as in
 * VACUUM and not bound by the owner's FORCEd row security: whatever runs with
 * a statement on that table (casts, index expressions, checks, triggers)
 * gets no more rights than its owner has.  Names are looked up in path.
 */
extern void jp_act_as(Oid owner, const char *path, JpPrivilege *before);

/*
 * Runs a statement with parameters through SPI (connected by the caller),
 * its plan kept in *plan, on what is committed now whatever the isolation
 * level.  nulls as in SPI_execute_plan.  Anything but the expected SPI result
 * code is an internal error.
 */
extern void jp_execute(struct _SPI_plan **plan, const char *sql, int nargs,
					   const Oid *types, Datum *values, const char *nulls,
					   int expected);

/*
 * Runs a statement with at most four parameters whose text depends on tables,
 * as SPI_execute_with_args(); the plans of some are kept.  For few rows, as
 * such a plan does not know how many values an array has, and always with the
 * same rights.
 */
extern int	jp_execute_text(const char *sql, int nargs, const Oid *types,
							Datum *values, int64 limit);

/*
 * As jp_execute(), for a function that reads a few rows: by the snapshot of the statement
 * that called it.  What the query returns is put into the tuplestore that
 * InitMaterializedSRF() made for the function.
 */
extern void jp_return_query(FunctionCallInfo fcinfo, struct _SPI_plan **plan,
							const char *sql, int nargs, const Oid *types,
							Datum *values);

#endif							/* JP_CATALOG_H */
