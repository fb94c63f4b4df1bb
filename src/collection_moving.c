/*
 * collection_moving.c
 *		Rows on their way from one partition to another.
 *
 * PostgreSQL updates a row to another partition as a delete and an insert.
 * The insert is no new data about anybody; to leave it out would lose the
 * row, which is deleted by then.  What tells it from any other is that the
 * row is, to the last column, the one that was updated just before.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "storage/proc.h"
#include "utils/datum.h"

#include "collection_moving.h"
#include "compat.h"

/* The row that was updated last, if it may be on its way. */
static struct
{
	LocalTransactionId transaction;
	CommandId	command;
	uint64		hash;
	int32		number;
}			moving;

static uint64 hash_row(Relation rel, HeapTuple row);

/* A row is updated. */
void
jp_moving_note(Relation rel, HeapTuple row, int32 number)
{
	moving.transaction = JP_LOCAL_XID;
	moving.command = GetCurrentCommandId(false);
	moving.hash = hash_row(rel, row);
	moving.number = number;
}

/* Whether it is this one that is inserted; it arrives once. */
bool
jp_moving_arrives(Relation rel, HeapTuple row, int32 *number)
{
	if (moving.transaction != JP_LOCAL_XID ||
		moving.command != GetCurrentCommandId(false) ||
		moving.hash != hash_row(rel, row))
		return false;
	moving.transaction = InvalidLocalTransactionId;
	*number = moving.number;
	return true;
}

/* Names and values of a row, in any order: that of partitions may differ. */
static uint64
hash_row(Relation rel, HeapTuple row)
{
	TupleDesc	desc = RelationGetDescr(rel);
	uint64		hash = 0;
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		bool		isnull;
		Datum		value;

		if (column->attisdropped)
			continue;
		value = heap_getattr(row, i + 1, desc, &isnull);
		hash += hash_combine64(hash_bytes_extended((unsigned char *) NameStr(column->attname),
												   strlen(NameStr(column->attname)), 0),
							   isnull ? 0 : datum_image_hash(value, column->attbyval,
															 column->attlen));
	}
	return hash;
}
