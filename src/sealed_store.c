/*
 * sealed_store.c
 *		Wrapped keys where they lie in the table's pages.
 *
 * Read and written under the buffer's lock, since they are overwritten in
 * place.  A generic WAL record carries the new bytes, so that standbys and
 * crash recovery follow, and zeroes the page's hole, where pruning may have
 * left copies of tuples that it moved.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/htup_details.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "compat.h"
#include "sealed_internal.h"

#define WRAPPED		2			/* its column in data_key */

static uint8 *wrapped_of(Relation table, Page page, ItemPointer tid);

/* Reads a wrapped key. */
void
jp_data_key_read(Relation table, ItemPointer tid, uint8 *wrapped)
{
	Buffer		buffer = ReadBuffer(table, ItemPointerGetBlockNumber(tid));

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(wrapped, wrapped_of(table, BufferGetPage(buffer), tid),
		   JP_BOX_SIZE);
	UnlockReleaseBuffer(buffer);
}

/* Overwrites a wrapped key. */
void
jp_data_key_write(Relation table, ItemPointer tid, const uint8 *wrapped)
{
	Buffer		buffer = ReadBuffer(table, ItemPointerGetBlockNumber(tid));
	GenericXLogState *state;
	Page		page;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	state = GenericXLogStart(table);
	page = GenericXLogRegisterBuffer(state, buffer, 0);
	memcpy(wrapped_of(table, page, tid), wrapped, JP_BOX_SIZE);
	GenericXLogFinish(state);
	UnlockReleaseBuffer(buffer);
}

/* Whether a wrapped key has been overwritten with zeros. */
bool
jp_data_key_blank(const uint8 *wrapped)
{
	return wrapped[0] == 0;
}

/* Where a wrapped key lies in a page. */
static uint8 *
wrapped_of(Relation table, Page page, ItemPointer tid)
{
	ItemId		item = PageGetItemId(page, ItemPointerGetOffsetNumber(tid));
	HeapTupleData tuple;
	bytea	   *value;
	bool		isnull;

	if (!ItemIdIsNormal(item))
		elog(ERROR, "a row of data_key has moved");
	tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
	tuple.t_len = ItemIdGetLength(item);
	tuple.t_self = *tid;
	tuple.t_tableOid = RelationGetRelid(table);
	value = (bytea *) DatumGetPointer(heap_getattr(&tuple, WRAPPED,
												   RelationGetDescr(table),
												   &isnull));
	if (isnull || VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value) ||
		VARSIZE_ANY_EXHDR(value) != JP_BOX_SIZE)
		elog(ERROR, "a row of data_key is damaged");
	return (uint8 *) VARDATA_ANY(value);
}
