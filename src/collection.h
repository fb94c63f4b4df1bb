/*
 * collection.h
 *		The registered journey tables.
 */
#ifndef JP_COLLECTION_H
#define JP_COLLECTION_H

#include "compat.h"
#include "pseudonym.h"

/* A journey table as protect() registered it. */
typedef struct JpProtection
{
	Oid			relid;			/* hash key */
	NameData	subject_column;
	NameData	number_column;	/* empty: the table carries no numbers */
	NameData	occurred_at;	/* empty: none */
	bool		collected;		/* consent must have held at that time, too */
	Oid			inherited_from; /* the parent that a partition is covered with */
	char	   *kind;			/* NULL: the column is a pseudonym */
	char	  **collected_for;
	int			collected_count;
	bool		skip;			/* leave refused rows out, without an error */
} JpProtection;

/* The protection of a table, or NULL.  Valid until configuration changes. */
extern const JpProtection *jp_protection_find(Oid relid);

/* The pseudonym in a subject column of this type. */
extern void jp_subject_of_datum(Datum value, Oid type, const char *kind,
								JpPseudonym *pseudonym);

/*
 * While a table is being numbered, the guard works out its numbers anew and
 * asks for no basis: the rows are there.  Those of the erased are refused or,
 * with keep, as while keys change, go on as they are.  InvalidOid ends it.
 */
extern void jp_guard_numbering(Oid relid, bool keep);

/*
 * While rows that are there are minimised, the guard does so whatever the
 * update names, and leaves out those that are; while an erasure redacts rows,
 * it writes what the erasure says.  InvalidOid ends it.
 */
extern void jp_guard_minimizing(Oid relid);
extern void jp_guard_redacting(Oid relid);

/* Whether any table is protected. */
extern bool jp_protection_any(void);

/*
 * A table that is protected on its own account, and how many there are.  Those
 * that the command under way has dropped do not count.
 */
extern Oid	jp_protection_head(int *count);

/* Throws: a table to be protected holds rows of somebody erased. */
pg_noreturn extern void jp_refuse_erased_rows(const char *table);

/* Whether a column of this type can name subjects. */
extern bool jp_subject_type_ok(Oid type);

#endif							/* JP_COLLECTION_H */
