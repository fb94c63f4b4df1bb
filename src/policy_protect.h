/*
 * policy_protect.h
 *		What protect() and the covering of partitions share.
 */
#ifndef JP_POLICY_PROTECT_H
#define JP_POLICY_PROTECT_H

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/rel.h"

/* What the names of our policies begin with. */
#define JP_POLICY	"journey_privacy_"

/*
 * Sorts after any other trigger a sane table has, so it has the last word.
 * The names of the others begin with it.
 */
#define JP_GUARD_TRIGGER	"zzz_journey_privacy"

/* On a table that lost the clone of its parent's trigger when detached. */
#define JP_DETACHED_TRIGGER	JP_GUARD_TRIGGER "_detached"

/* On every protected table: who is bound by its policies truncates none. */
#define JP_TRUNCATE_TRIGGER	JP_GUARD_TRIGGER "_truncate"

/* How a table is to be protected; strings are NULL where left out. */
typedef struct JpProtecting
{
	Oid			relid;
	char	   *name;
	char	   *table;			/* qualified and quoted */
	char	   *subject;
	char	   *kind;
	char	   *number;
	char	   *occurred_at;
	bool		collected;
	Oid			owner;
	Oid			subject_type;
	Oid			parent;			/* the protected table it belongs to, if any */
	List	   *members;		/* OIDs of its partitions and children */
	bool		add_number;
	bool		is_clone;		/* it has its row trigger from the parent */
	bool		had_security;
	bool		had_force;
} JpProtecting;

/* Fills in what a table, locked by the caller, has of its own. */
extern void jp_protecting_look(JpProtecting *p, Oid relid);

/*
 * policy_check.c: each throws unless all is as it must be: the table is an
 * ordinary one (0A000, 42809, 42710), its columns are there and of types
 * that will do (42703, 42804), nobody but superusers can replace the code in
 * it (42501; needs SPI), the kind and the purposes exist (42704).
 */
extern void jp_protecting_check_table(Relation rel);
extern void jp_protecting_check_columns(JpProtecting *p);
extern void jp_protecting_check_code(const JpProtecting *p);
extern void jp_protecting_check_kind(const char *kind);
extern void jp_protecting_check_purposes(ArrayType *purposes);

/*
 * Policies, triggers, and numbers for the rows that are there.  The table is
 * registered.  Needs SPI, and the rights of the extension's owner.
 */
extern void jp_protecting_apply(const JpProtecting *p);

/*
 * policy_cover.c: runs what changes protected tables; the event trigger looks
 * away meanwhile.
 */
extern void jp_without_covering(void (*change) (void *arg), void *arg);

/* Makes the insert guard of a table under a name. */
extern void jp_make_guard(const char *table, const char *name);

/*
 * Throws unless a table is protected (42704), and on its own account: 55000
 * with a hint when it is covered because of another.
 */
extern void jp_protecting_check_own(Oid relid, const char *hint);

/* Runs a statement without parameters through SPI. */
extern void jp_run(const char *format,...) pg_attribute_printf(1, 2);

#endif							/* JP_POLICY_PROTECT_H */
