/*
 * scrub_page.c
 *		What is left on pages: rows that were deleted, bytes in the hole
 *		between line pointers and rows, bytes between a row and the next
 *		multiple of eight.  VACUUM frees this space and zeroes none of it.
 *
 * Only pages whose layout we know are written: generic WAL takes the hole for
 * empty, and BRIN's revmap lies there.  Metapages hold no keys; those written
 * by old versions do not tell where they end.
 *
 * A page is read under a share lock.  It is written under an exclusive lock,
 * which keeps out all who change it; those who hold a pin and read a row see
 * the bytes that were there.
 */
#include "postgres.h"

#include "access/brin_page.h"
#include "access/generic_xlog.h"
#include "access/gin_private.h"
#include "access/gist.h"
#include "access/hash.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/procarray.h"
#include "utils/rel.h"

#include "compat.h"
#include "scrub.h"

static bool is_sane(Page page);
static bool has_hole(Page page, BlockNumber block, JpPageKind kind);
static bool has_bytes(Page page, BlockNumber block, JpPageKind kind);
static int64 hole_bytes(Page page);
static int	row_padding(Page page, OffsetNumber offset, char **start);
static int64 padding_bytes(Page page);
static void zero_page(Relation rel, Buffer buffer, JpPageKind kind);
static void count_dead_rows(Page page, TransactionId before,
							JpScrubbed *found);
static bool is_deleted(HeapTupleHeader row, TransactionId *since);
static bool is_over(TransactionId xid, bool *committed);
static bool has_dead_lines(Page page, BlockNumber block, JpPageKind kind);
static int64 dead_lines(Page page);

/* Layout of a relation's pages. */
JpPageKind
jp_page_kind(Relation rel)
{
	switch (rel->rd_rel->relam)
	{
		case HEAP_TABLE_AM_OID:
			return JP_PAGE_HEAP;
		case BTREE_AM_OID:
			return JP_PAGE_BTREE;
		case GIST_AM_OID:
			return JP_PAGE_GIST;
		case GIN_AM_OID:
			return JP_PAGE_GIN;
		case HASH_AM_OID:
			return JP_PAGE_HASH;
		case SPGIST_AM_OID:
			return JP_PAGE_SPGIST;
		case BRIN_AM_OID:
			return JP_PAGE_BRIN;
		default:
			return JP_PAGE_OTHER;
	}
}

/* Counts for residue(). */
void
jp_page_count(Page page, BlockNumber block, JpPageKind kind,
			  JpResidue *residue)
{
	JpScrubbed	rows = {0};

	if (!is_sane(page))
		return;
	if (has_hole(page, block, kind))
		residue->hole += hole_bytes(page);
	if (kind == JP_PAGE_HEAP)
	{
		residue->padding += padding_bytes(page);
		count_dead_rows(page, InvalidTransactionId, &rows);
		residue->dead += rows.dead + dead_lines(page);
	}
	else if (has_dead_lines(page, block, kind))
		residue->dead += dead_lines(page);
}

/* Zeroes pages, and counts what VACUUM has left there. */
void
jp_scrub_pages(Oid relid, TransactionId before, JpScrubbed *found)
{
	Relation	rel = try_relation_open(relid, RowExclusiveLock);
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	JpPageKind	kind;
	BlockNumber block;
	BlockNumber blocks;

	if (rel == NULL)
		return;
	kind = jp_page_kind(rel);
	if (kind == JP_PAGE_OTHER)
		found->unknown = true;
	blocks = kind == JP_PAGE_OTHER || kind == JP_PAGE_BRIN ? 0 :
		RelationGetNumberOfBlocks(rel);
	for (block = 0; block < blocks; block++)
	{
		Buffer		buffer;
		bool		zero;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL,
									strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		zero = has_bytes(BufferGetPage(buffer), block, kind);
		if (kind == JP_PAGE_HEAP && is_sane(BufferGetPage(buffer)))
			count_dead_rows(BufferGetPage(buffer), before, found);
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		if (zero)
		{
			LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
			if (has_bytes(BufferGetPage(buffer), block, kind))
				zero_page(rel, buffer, kind);
			LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		}
		ReleaseBuffer(buffer);
	}
	FreeAccessStrategy(strategy);
	relation_close(rel, NoLock);
}

/* Whether a page is in use and its header makes sense. */
static bool
is_sane(Page page)
{
	PageHeader	header = (PageHeader) page;

	return !PageIsNew(page) &&
		PageGetPageLayoutVersion(page) == PG_PAGE_LAYOUT_VERSION &&
		header->pd_lower >= SizeOfPageHeaderData &&
		header->pd_lower <= header->pd_upper &&
		header->pd_upper <= header->pd_special &&
		header->pd_special <= BLCKSZ;
}

/* Whether nothing of use lies between the bounds of a page. */
static bool
has_hole(Page page, BlockNumber block, JpPageKind kind)
{
	switch (kind)
	{
		case JP_PAGE_HEAP:
		case JP_PAGE_GIST:
			return true;
		case JP_PAGE_BTREE:
		case JP_PAGE_SPGIST:
			return block != 0;
		case JP_PAGE_GIN:
			/* Old versions did not set the bound on posting tree pages. */
			return block != 0 && PageGetSpecialSize(page) >= sizeof(GinPageOpaqueData) &&
				(!GinPageIsData(page) ||
				 ((PageHeader) page)->pd_lower > SizeOfPageHeaderData);
		case JP_PAGE_HASH:
			return block != 0 && PageGetSpecialSize(page) >= sizeof(HashPageOpaqueData) &&
				(HashPageGetOpaque(page)->hasho_flag & LH_BITMAP_PAGE) == 0;
		case JP_PAGE_BRIN:
			return PageGetSpecialSize(page) >= sizeof(BrinSpecialSpace) &&
				BRIN_IS_REGULAR_PAGE(page);
		default:
			return false;
	}
}

/* Whether there is something to be zeroed. */
static bool
has_bytes(Page page, BlockNumber block, JpPageKind kind)
{
	return is_sane(page) && has_hole(page, block, kind) &&
		(hole_bytes(page) > 0 ||
		 (kind == JP_PAGE_HEAP && padding_bytes(page) > 0));
}

/* Bytes in the hole that are not zero. */
static int64
hole_bytes(Page page)
{
	PageHeader	header = (PageHeader) page;
	char	   *byte = (char *) page + header->pd_lower;
	char	   *end = (char *) page + header->pd_upper;
	int64		count = 0;

	while (byte < end)
	{
		uint64		eight;

		if (end - byte >= sizeof(eight))
		{
			memcpy(&eight, byte, sizeof(eight));
			if (eight == 0)
			{
				byte += sizeof(eight);
				continue;
			}
		}
		count += *byte++ != 0;
	}
	return count;
}

/* How many bytes lie between a row and its alignment; 0 when not sane. */
static int
row_padding(Page page, OffsetNumber offset, char **start)
{
	ItemId		line = PageGetItemId(page, offset);
	PageHeader	header = (PageHeader) page;
	Size		end;

	if (!ItemIdIsNormal(line))
		return 0;
	end = ItemIdGetOffset(line) + ItemIdGetLength(line);
	if (ItemIdGetOffset(line) < header->pd_upper ||
		ItemIdGetOffset(line) != MAXALIGN(ItemIdGetOffset(line)) ||
		MAXALIGN(end) > header->pd_special)
		return 0;
	*start = (char *) page + end;
	return MAXALIGN(end) - end;
}

/* Bytes between rows and their alignment that are not zero. */
static int64
padding_bytes(Page page)
{
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	OffsetNumber offset;
	int64		count = 0;

	for (offset = FirstOffsetNumber; offset <= last; offset++)
	{
		char	   *start;
		int			size = row_padding(page, offset, &start);

		while (size > 0)
			count += start[--size] != 0;
	}
	return count;
}

/* Zeroes what is left on a page that the caller has locked. */
static void
zero_page(Relation rel, Buffer buffer, JpPageKind kind)
{
	GenericXLogState *state = GenericXLogStart(rel);
	Page		page = GenericXLogRegisterBuffer(state, buffer, 0);
	PageHeader	header = (PageHeader) page;

	/* For unlogged tables: else generic WAL does it, here and on standbys. */
	memset((char *) page + header->pd_lower, 0,
		   header->pd_upper - header->pd_lower);
	if (kind == JP_PAGE_HEAP)
	{
		OffsetNumber last = PageGetMaxOffsetNumber(page);
		OffsetNumber offset;

		for (offset = FirstOffsetNumber; offset <= last; offset++)
		{
			char	   *start = NULL;
			int			size = row_padding(page, offset, &start);

			if (size > 0)
				memset(start, 0, size);
		}
	}
	GenericXLogFinish(state);
}

/*
 * Counts rows of a page that are deleted, or were never committed: those
 * before a transaction, or all.
 */
static void
count_dead_rows(Page page, TransactionId before, JpScrubbed *found)
{
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	OffsetNumber offset;

	if (PageIsAllVisible(page))
		return;
	for (offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId		line = PageGetItemId(page, offset);
		TransactionId since;

		if (!ItemIdIsNormal(line) ||
			ItemIdGetLength(line) < SizeofHeapTupleHeader ||
			ItemIdGetOffset(line) + ItemIdGetLength(line) > BLCKSZ)
			continue;
		if (!is_deleted((HeapTupleHeader) PageGetItem(page, line), &since) ||
			(TransactionIdIsValid(before) && !TransactionIdPrecedes(since, before)))
			continue;
		if (found->dead++ == 0 || TransactionIdFollows(since, found->newest))
			found->newest = since;
	}
}

/*
 * Whether no new transaction can see a row, and which one has brought this
 * about.  As HeapTupleSatisfiesVacuum(), but leaves no hints on the page.
 */
static bool
is_deleted(HeapTupleHeader row, TransactionId *since)
{
	bool		committed;

	*since = HeapTupleHeaderGetXmin(row);
	if (HeapTupleHeaderXminInvalid(row))
		return true;
	if (!HeapTupleHeaderXminCommitted(row))
	{
		if (!is_over(*since, &committed))
			return false;
		if (!committed)
			return true;
	}
	if ((row->t_infomask & HEAP_XMAX_INVALID) != 0 ||
		HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask))
		return false;
	*since = HeapTupleHeaderGetUpdateXid(row);
	return TransactionIdIsValid(*since) &&
		is_over(*since, &committed) && committed;
}

/* Whether a transaction has ended, and if so, how. */
static bool
is_over(TransactionId xid, bool *committed)
{
	if (TransactionIdIsCurrentTransactionId(xid) ||
		TransactionIdIsInProgress(xid))
		return false;
	*committed = TransactionIdDidCommit(xid);
	return true;
}

/* Whether scans mark line pointers of this index page as dead. */
static bool
has_dead_lines(Page page, BlockNumber block, JpPageKind kind)
{
	if (!has_hole(page, block, kind))
		return false;
	switch (kind)
	{
			/* Deleted pages keep something else where line pointers were. */
		case JP_PAGE_BTREE:
			return PageGetSpecialSize(page) >= sizeof(BTPageOpaqueData) &&
				!P_ISDELETED((BTPageOpaque) PageGetSpecialPointer(page));
		case JP_PAGE_GIST:
			return PageGetSpecialSize(page) >= sizeof(GISTPageOpaqueData) &&
				!GistPageIsDeleted(page);
		case JP_PAGE_HASH:
			return true;
		default:
			return false;
	}
}

/* Line pointers that are marked as dead. */
static int64
dead_lines(Page page)
{
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	OffsetNumber offset;
	int64		count = 0;

	for (offset = FirstOffsetNumber; offset <= last; offset++)
		count += ItemIdIsDead(PageGetItemId(page, offset));
	return count;
}
