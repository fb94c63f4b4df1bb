/*
 * collection_moving.h
 *		Rows on their way from one partition to another.
 */
#ifndef JP_COLLECTION_MOVING_H
#define JP_COLLECTION_MOVING_H

#include "access/htup.h"
#include "utils/rel.h"

/* A row is updated, subject and number unchanged; maybe to another partition. */
extern void jp_moving_note(Relation rel, HeapTuple row, int32 number);

/*
 * Whether a row that is inserted is the one that was noted last, by the same
 * command; then its number.
 */
extern bool jp_moving_arrives(Relation rel, HeapTuple row, int32 *number);

#endif							/* JP_COLLECTION_MOVING_H */
