/*
 * notice_held.h
 *		What is held of a subject, counted.
 */
#ifndef JP_NOTICE_HELD_H
#define JP_NOTICE_HELD_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "subject.h"

/* Rows of a subject in a table with all its parts. */
typedef struct JpHeldRows
{
	Oid			relid;
	int64		rows;
	bool		dated;			/* the times of some are known */
	TimestampTz first;
	TimestampTz last;
} JpHeldRows;

/*
 * Counts what export_subject() would give of a subject, by table; partitions
 * and children count as their topmost parent.  Needs SPI and the rights of
 * the extension's owner.
 */
extern List *jp_held_rows(const JpSubject *subject);

#endif							/* JP_NOTICE_HELD_H */
