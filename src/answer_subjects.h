/*
 * answer_subjects.h
 *		The floor that binds an answer about a protected table.
 */
#ifndef JP_ANSWER_SUBJECTS_H
#define JP_ANSWER_SUBJECTS_H

#include "answer_floor.h"

/*
 * The floor of the purpose in force.  Whom row security binds must have one
 * that allows reading (42501); who is not bound may have none: a floor of 1.
 */
extern JpFloor jp_floor_in_force(Oid relid);

/* Throws 42809 unless the table is protected. */
extern void jp_answer_check_table(Oid relid);

#endif							/* JP_ANSWER_SUBJECTS_H */
