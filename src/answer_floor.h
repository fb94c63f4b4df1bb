/*
 * answer_floor.h
 *		The floor under small groups: what of counted subjects may be published.
 *		Pure.
 */
#ifndef JP_ANSWER_FLOOR_H
#define JP_ANSWER_FLOOR_H

#include "pure.h"

/* Stands for what may not be published; NULL in SQL. */
#define JP_HIDDEN	(-1)

typedef struct JpFloor
{
	int64		min_group;		/* subjects; at least 1, which hides nothing */
	bool		coarse;			/* what is published is rounded, too */
} JpFloor;

/* How the cells of one group lie to each other. */
typedef enum JpCells
{
	JP_CELLS_APART,				/* any subjects: nothing follows from two of them */
	JP_CELLS_OF_FIRST,			/* each some of the subjects of cell 0: retention */
	JP_CELLS_NESTED				/* each some of the subjects of the one before: a funnel */
} JpCells;

/* A count of subjects, not less than 0, as it may be published or JP_HIDDEN. */
extern int64 jp_floor_count(const JpFloor *floor, int64 subjects);

/*
 * The same of something else than subjects, like events, that so many
 * subjects, as published, stand behind.
 */
extern int64 jp_floor_amount(const JpFloor *floor, int64 published, int64 amount);

/*
 * A duration in microseconds, not less than 0 (a median, a percentile), as it
 * may be published or JP_HIDDEN.  published is the step's count of subjects
 * as published, behind is of how many subjects the duration is.
 */
extern int64 jp_floor_duration(const JpFloor *floor, int64 published,
							   int64 behind, int64 microseconds);

/*
 * A bound of time, in microseconds UTC, that an answer may be asked with:
 * coarse ones go back to the full hour.  Infinity stays.
 */
extern int64 jp_floor_bound(const JpFloor *floor, int64 at);

/* The cells of one group, or of a total, in place: as they may be published. */
extern void jp_floor_cells(const JpFloor *floor, JpCells how, int cells,
						   int64 *subjects);

/*
 * Groups beside each other: a breakdown, cohorts, pairs of events.  The caller
 * gives them in an order that depends on nothing hidden (by name), fills the
 * first part and provides the arrays; cell 0 counts the group's subjects.
 */
typedef struct JpFloorTable
{
	JpCells		how;
	uint32		groups;
	int			cells;			/* at least 1 */
	int64		total;			/* -1: no subject is in two groups; else different subjects in all */
	int64	   *subjects;		/* groups × cells, group after group */

	/* what comes out */
	uint32	   *order;			/* groups: smallest first; the first `pooled` of them are (other) */
	uint32		pooled;
	int64	   *other;			/* cells: of (other); all JP_HIDDEN when there is nothing to tell */
	char	   *room;			/* jp_floor_room() bytes */
} JpFloorTable;

extern size_t jp_floor_room(uint32 groups, int cells);

/* Fills order; nothing else.  Only for a table with a total. */
extern void jp_floor_order(const JpFloor *floor, JpFloorTable *table);

/*
 * Decides.  Cells of groups that stay become what may be published, those of
 * pooled groups JP_HIDDEN; pooled and other are filled.  With a total,
 * together[i] is of how many different subjects the first i + 1 groups in
 * order are, and of (other) only cell 0 is told; otherwise it is NULL and
 * order is filled here.  Takes n log n in the groups, and nested cells squared.
 */
extern void jp_floor_table(const JpFloor *floor, JpFloorTable *table,
						   const int64 *together);

#endif							/* JP_ANSWER_FLOOR_H */
