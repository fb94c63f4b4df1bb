/*
 * scrub.h
 *		What scrub() and residue() share: tables and what belongs to them, and
 *		pages with what is left on them.
 */
#ifndef JP_SCRUB_H
#define JP_SCRUB_H

#include "nodes/pg_list.h"
#include "storage/block.h"
#include "storage/bufpage.h"
#include "utils/rel.h"

/* A table, a materialized view, or a parent whose statistics sample them. */
typedef struct JpScrubTarget
{
	Oid			relid;
	Oid			root;			/* of the partitions it belongs to, or itself */
	char		kind;			/* of relation */
	bool		whole;			/* false: nothing but its statistics */
	bool		analyzed;		/* a parent with new statistics */
	char	   *name;			/* qualified and quoted */
} JpScrubTarget;

/* An index that is to be built anew. */
typedef struct JpScrubIndex
{
	char	   *name;			/* qualified and quoted */
	bool		exclusion;		/* PostgreSQL cannot rebuild it concurrently */
} JpScrubIndex;

/* How pages are laid out. */
typedef enum JpPageKind
{
	JP_PAGE_OTHER,				/* not known: neither read nor written */
	JP_PAGE_HEAP,
	JP_PAGE_BTREE,
	JP_PAGE_GIST,
	JP_PAGE_GIN,
	JP_PAGE_HASH,
	JP_PAGE_SPGIST,
	JP_PAGE_BRIN				/* read, never written */
} JpPageKind;

/* What is left on pages. */
typedef struct JpResidue
{
	int64		pages;
	int64		dead;			/* deleted rows, dead line pointers */
	int64		hole;			/* bytes that are not zero between the bounds */
	int64		padding;		/* the same, between rows and their alignment */
} JpResidue;

/* What scrubbing pages met. */
typedef struct JpScrubbed
{
	int64		dead;			/* rows deleted before, but still there */
	TransactionId newest;		/* the last transaction that deleted one */
	bool		unknown;		/* pages that we cannot scrub */
} JpScrubbed;

/* scrub_page.c: how the pages of an open relation are laid out. */
extern JpPageKind jp_page_kind(Relation rel);

/* Adds up what is left on a page; changes nothing. */
extern void jp_page_count(Page page, BlockNumber block, JpPageKind kind,
						  JpResidue *residue);

/*
 * Zeroes what is left on the pages of a relation, and adds to found the rows
 * that were deleted before a transaction.  Nothing happens when it is gone.
 */
extern void jp_scrub_pages(Oid relid, TransactionId before, JpScrubbed *found);

/*
 * scrub_targets.c: the tables that a call is for (InvalidOid: all), and the
 * materialized views made of them in the order of refreshing, in the current
 * context.
 */
extern List *jp_scrub_targets(Oid relid);

/* The indexes of a table whose keys may be personal data. */
extern List *jp_scrub_indexes(Oid relid);

/* The indexes of a table that a stopped REINDEX CONCURRENTLY has left. */
extern List *jp_scrub_leftovers(Oid relid);

/* OIDs of a table, its indexes, its toast table and that one's index. */
extern List *jp_scrub_relations(Oid relid, bool indexes, bool tables);

/* Whether a materialized view can be refreshed while it is read, is filled. */
extern bool jp_scrub_refreshable(Oid relid, bool *populated);

/* Who keeps rows from being removed that this transaction deleted. */
extern char *jp_scrub_holders(TransactionId newest);

/*
 * scrub_run.c: runs VACUUM, ANALYZE or REINDEX CONCURRENTLY; commits; runs a
 * command that does not commit and returns the SQLSTATE of its error, or 0.
 * The context outlives transactions and is the current one afterwards.
 */
extern void jp_scrub_run(MemoryContext context, const char *command);
extern void jp_scrub_next(MemoryContext context);
extern int	jp_scrub_try(MemoryContext context, const char *command);

/*
 * scrub_statistics.c: deletes statistics of a table that are older than a
 * transaction: ANALYZE keeps those that it cannot make anew.
 */
extern void jp_scrub_old_statistics(Oid relid, TransactionId before);

/* Vacuums a system catalog and its toast table, whoever owns them. */
extern void jp_scrub_vacuum_catalog(Oid relid);

#endif							/* JP_SCRUB_H */
