/*
 * answer_subjects.h
 *		The floor that binds an answer about a protected table.
 */
#ifndef JP_ANSWER_SUBJECTS_H
#define JP_ANSWER_SUBJECTS_H

#include "utils/rangetypes.h"

#include "answer_floor.h"
#include "collection.h"

/* Bounds that are none. */
#define JP_UNBOUNDED_BEGIN	PG_INT64_MIN
#define JP_UNBOUNDED_END	PG_INT64_MAX

/*
 * The protection of a table that an answer is about; 42809 if it has none.
 * Valid until configuration changes.
 */
extern const JpProtection *jp_answer_protection(Oid relid);

/*
 * The floor of the purpose in force.  Whom row security binds must have one
 * that allows reading (42501); who is not bound may have none: a floor of 1.
 */
extern JpFloor jp_floor_in_force(Oid relid);

/*
 * The times that an answer is asked for, as begin <= time < end, coarse where
 * the floor is; during may be NULL.
 */
extern void jp_answer_during(const JpFloor *floor, const RangeType *during,
							  int64 *begin, int64 *end);

#endif							/* JP_ANSWER_SUBJECTS_H */
