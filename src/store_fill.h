/*
 * store_fill.h
 *		Rows of a store made of rows of its table.
 */
#ifndef JP_STORE_FILL_H
#define JP_STORE_FILL_H

#include "tcop/dest.h"

#include "store_internal.h"

/* Columns of a store. */
#define JP_STORE_NUMBER		1
#define JP_STORE_BUCKET		2
#define JP_STORE_SUBJECT	3
#define JP_STORE_EVENTS		4
#define JP_STORE_COLUMNS	4

typedef struct JpFilling JpFilling;

/*
 * Begins to fill a store, which the caller has locked; may take work_mem times
 * hash_mem_multiplier, as of now, before it writes to a file.
 */
extern JpFilling *jp_filling_begin(const JpStore *store);

/* Of rows that come it will take those in these buckets of these subjects only. */
extern void jp_filling_only(JpFilling *filling, ArrayType *numbers, ArrayType *buckets);

/* Takes rows of the table: number, time and name, none of them null. */
extern DestReceiver *jp_filling_receiver(JpFilling *filling);

/* Names that many subjects have in them, the commonest first; NULL: none. */
extern ArrayType *jp_filling_common_names(JpFilling *filling);

/* Writes the journeys of these rows; how many. */
extern int64 jp_filling_write(JpFilling *filling);
extern void jp_filling_end(JpFilling *filling);

#endif							/* JP_STORE_FILL_H */
