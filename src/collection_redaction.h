/*
 * collection_redaction.h
 *		What erasing makes of a row that it does not delete.
 */
#ifndef JP_COLLECTION_REDACTION_H
#define JP_COLLECTION_REDACTION_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* Columns and what they are set to, ready for SQL under alias t. */
typedef struct JpRedaction
{
	char	   *set;			/* for UPDATE; NULL when nothing is to be set */
	char	   *differs;		/* whether a row is not redacted yet */
	List	   *columns;		/* their names */
} JpRedaction;

/*
 * Throws 22023 unless on_erase is delete, redact or shared, and the redaction,
 * NULL when left out, fits it and the table: 42703 for a column that is not
 * there, 22023 for a value that the table would not take, or for none of the
 * columns by which the row is found (naming) where one must be among them:
 * in a shared row, and with must_hide in any.  Needs SPI, and the rights of
 * the extension's owner.
 */
extern void jp_redaction_check(Oid relid, const char *on_erase,
							   Jsonb *redaction, List *naming, bool must_hide);

/*
 * A redaction as SQL; 55000 when a column of it is gone.  Needs SPI, and the
 * rights of the extension's owner.
 */
extern JpRedaction *jp_redaction_read(Oid relid, Jsonb *redaction);

#endif							/* JP_COLLECTION_REDACTION_H */
