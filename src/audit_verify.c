/*
 * audit_verify.c
 *		Whether the audit is what was sealed.
 *
 * Everything is computed again from the rows: each entry's hash, each node
 * that is kept, the root at each checkpoint, each signature.  Where the first
 * difference shows is where the first broken entry is, or the first of a few:
 * if its hash was changed with it, it shows at the next node or checkpoint.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "audit_internal.h"
#include "audit_note.h"
#include "catalog.h"
#include "keyring.h"

/* A statement of the root at a size. */
typedef struct Claim
{
	uint64		size;
	JpHash		root;
	bool		outside;		/* was kept elsewhere */
} Claim;

typedef struct Checking
{
	JpTree		tree;
	List	   *claims;			/* by size */
	uint64		agreed;			/* size of the last claim that was true */
	bool		broken;
	uint64		broken_entry;
	const char *problem;
} Checking;

static void check(Checking *checking, uint64 end);
static void check_entry(Checking *checking, const Datum *values,
						const bool *nulls);
static void check_node(void *arg, int level, uint64 index, const JpHash *hash);
static void check_claims(Checking *checking);
static void break_at(Checking *checking, uint64 entry, const char *problem);
static void add_stored_claims(Checking *checking);
static void add_outside_claim(Checking *checking, text *note);
static bool is_signed(const char *note, size_t len, JpCheckpoint *parsed);
static int	by_size(const ListCell *one, const ListCell *other);
static void remember(const Checking *checking, bool outside);
static Datum row_of(Checking *checking, TupleDesc desc, uint64 first);

PG_FUNCTION_INFO_V1(jp_verify_audit);

/* SQL: verify_audit(checkpoint). */
Datum
jp_verify_audit(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Checking	checking = {0};
	TupleDesc	desc;
	uint64		first;
	uint64		end;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	jp_require_read_committed("verify_audit");
	jp_keyring_require();
	jp_queue_flush_all();
	SPI_connect();
	add_stored_claims(&checking);
	if (!PG_ARGISNULL(0))
		add_outside_claim(&checking, PG_GETARG_TEXT_PP(0));
	list_sort(checking.claims, by_size);
	first = jp_audit_first();
	end = jp_audit_size();
	if (!checking.broken)
	{
		jp_node_tree(first, &checking.tree);
		check(&checking, end);
	}
	remember(&checking, !PG_ARGISNULL(0));
	MemoryContextSwitchTo(caller);
	desc = BlessTupleDesc(desc);
	{
		Datum		row = row_of(&checking, desc, first);

		SPI_finish();
		PG_RETURN_DATUM(row);
	}
}

/* Throws unless what is kept, up to an entry, is whole. */
void
jp_audit_require_whole(uint64 end)
{
	Checking	checking = {0};

	jp_node_tree(jp_audit_first(), &checking.tree);
	check(&checking, end);
	if (checking.broken)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("entry " UINT64_FORMAT " of the audit is broken: %s",
						checking.broken_entry, checking.problem),
				 errhint("Look into it with verify_audit() and a checkpoint that was kept elsewhere.")));
}

/* Goes through the entries up to one. */
static void
check(Checking *checking, uint64 end)
{
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "entry",
											   ALLOCSET_DEFAULT_SIZES);
	Datum		values[JP_ENTRY_COLUMNS];
	bool		nulls[JP_ENTRY_COLUMNS];
	JpEntries	entries;

	check_claims(checking);
	jp_entries_begin(&entries, checking->tree.size, end);
	while (!checking->broken && jp_entries_next(&entries, values, nulls))
	{
		MemoryContext caller = MemoryContextSwitchTo(each);

		CHECK_FOR_INTERRUPTS();
		check_entry(checking, values, nulls);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(each);
	}
	jp_entries_end(&entries);
	if (!checking->broken && checking->claims != NIL)
		break_at(checking, checking->tree.size,
				 "entries from here on are missing, a checkpoint has them");
	MemoryContextDelete(each);
}

/* Checks an entry, and what the tree is with it. */
static void
check_entry(Checking *checking, const Datum *values, const bool *nulls)
{
	uint64		expected = checking->tree.size;
	StringInfoData leaf;
	JpEntry		entry;
	JpHash		stored;
	JpHash		hash;
	bool		proper = jp_entry_from_row(values, nulls, &entry, &stored);

	if (entry.facts.number != expected)
	{
		break_at(checking, Min(expected, entry.facts.number),
				 entry.facts.number > expected ? "is missing" : "is there twice");
		return;
	}
	initStringInfo(&leaf);
	jp_entry_leaf(&entry, &leaf);
	jp_tree_leaf(leaf.data, leaf.len, &hash);
	if (!proper || memcmp(&hash, &stored, sizeof(hash)) != 0)
	{
		break_at(checking, expected, "is not what was sealed");
		return;
	}
	jp_tree_append(&checking->tree, &hash, check_node, checking);
	if (!checking->broken)
		check_claims(checking);
}

/* Checks a node that should be kept. */
static void
check_node(void *arg, int level, uint64 index, const JpHash *hash)
{
	Checking   *checking = arg;
	JpHash		stored;

	if (level < JP_NODE_LEVEL || checking->broken)
		return;
	if (!jp_node_kept(level, index, &stored) ||
		memcmp(hash, &stored, sizeof(stored)) != 0)
		break_at(checking, Max(index << level, checking->agreed),
				 psprintf("this entry or one of the %u after it is not what was sealed",
						  (unsigned) ((1 << level) - 1)));
}

/* Checks what is said of the tree at the size it now has. */
static void
check_claims(Checking *checking)
{
	JpHash		root;

	while (checking->claims != NIL && !checking->broken)
	{
		Claim	   *claim = linitial(checking->claims);

		if (claim->size > checking->tree.size)
			return;
		jp_tree_root(&checking->tree, &root);
		if (claim->size == checking->tree.size &&
			memcmp(&root, &claim->root, sizeof(root)) != 0)
			break_at(checking, checking->agreed,
					 psprintf("this entry or one after it, before " UINT64_FORMAT ", is not what %s checkpoint says",
							  claim->size, claim->outside ? "the given" : "a"));
		else
		{
			checking->agreed = Max(checking->agreed, claim->size);
			checking->claims = list_delete_first(checking->claims);
		}
	}
}

/* Something is wrong. */
static void
break_at(Checking *checking, uint64 entry, const char *problem)
{
	checking->broken = true;
	checking->broken_entry = entry;
	checking->problem = MemoryContextStrdup(PortalContext != NULL ? PortalContext :
											TopTransactionContext, problem);
}

/* The checkpoints that are stored. */
static void
add_stored_claims(Checking *checking)
{
	uint64		i;

	SPI_execute("SELECT c.size, c.root, c.note FROM journey_privacy.audit_checkpoint c"
				" JOIN journey_privacy.audit_tree t USING (origin) WHERE c.size >= t.first"
				" ORDER BY c.size", false, 0);
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		Claim	   *claim = palloc0(sizeof(Claim));
		bool		isnull;
		bytea	   *root;
		text	   *note;
		JpCheckpoint parsed;

		claim->size = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		root = DatumGetByteaPP(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));
		note = DatumGetTextPP(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull));
		memcpy(&claim->root, VARDATA_ANY(root),
			   Min(VARSIZE_ANY_EXHDR(root), JP_HASH_SIZE));
		checking->claims = lappend(checking->claims, claim);
		if (!checking->broken &&
			(!is_signed(VARDATA_ANY(note), VARSIZE_ANY_EXHDR(note), &parsed) ||
			 parsed.size != claim->size ||
			 memcmp(&parsed.root, &claim->root, JP_HASH_SIZE) != 0))
			break_at(checking, claim->size > 0 ? claim->size - 1 : 0,
					 "the checkpoint after this entry is not what was signed");
	}
}

/* The checkpoint that was kept elsewhere. */
static void
add_outside_claim(Checking *checking, text *note)
{
	Claim	   *claim = palloc0(sizeof(Claim));
	JpCheckpoint parsed;

	if (!is_signed(VARDATA_ANY(note), VARSIZE_ANY_EXHDR(note), &parsed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this is not a checkpoint that was signed for this audit"),
				 errhint("Give the whole note as checkpoint_audit() returned it, line ends included.")));
	if (parsed.size < jp_audit_first())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("all entries of this checkpoint have been purged")));
	claim->size = parsed.size;
	claim->root = parsed.root;
	claim->outside = true;
	checking->claims = lappend(checking->claims, claim);
}

/* Whether a note is a checkpoint of this audit, signed with a key of ours. */
static bool
is_signed(const char *note, size_t len, JpCheckpoint *parsed)
{
	char	   *origin = jp_audit_origin();
	int			version;

	if (origin == NULL || !jp_checkpoint_parse(note, len, parsed) ||
		parsed->origin_len != strlen(origin) ||
		memcmp(parsed->origin, origin, parsed->origin_len) != 0)
		return false;
	for (version = jp_key_version(JP_KEY_SIGN); version > 0; version--)
	{
		uint8		key[JP_PUBLIC_KEY_SIZE];

		jp_key_public(version, key);
		if (jp_checkpoint_verify(note, len, parsed, origin, key))
			return true;
	}
	return false;
}

static int
by_size(const ListCell *one, const ListCell *other)
{
	const Claim *a = lfirst(one);
	const Claim *b = lfirst(other);

	return a->size < b->size ? -1 : a->size > b->size;
}

/* Writes down that the audit was verified, where anything may be written. */
static void
remember(const Checking *checking, bool outside)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {INT8OID, BOOLOID, BOOLOID};
	Datum		values[3] = {Int64GetDatum(checking->tree.size),
		BoolGetDatum(!checking->broken), BoolGetDatum(outside)
	};

	if (XactReadOnly)
		return;
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.audit_verification (verified_at, size, whole, outside)"
			   " VALUES (clock_timestamp(), $1, $2, $3) ON CONFLICT (one) DO UPDATE"
			   " SET verified_at = excluded.verified_at, size = excluded.size,"
			   "  whole = excluded.whole, outside = excluded.outside",
			   3, types, values, NULL, SPI_OK_INSERT);
}

/* The result. */
static Datum
row_of(Checking *checking, TupleDesc desc, uint64 first)
{
	Datum		values[5];
	bool		nulls[5] = {false, false, false, false, false};
	bytea	   *root = palloc(VARHDRSZ + JP_HASH_SIZE);

	SET_VARSIZE(root, VARHDRSZ + JP_HASH_SIZE);
	jp_tree_root(&checking->tree, (JpHash *) VARDATA(root));
	values[0] = Int64GetDatum(checking->tree.size - Min(first, checking->tree.size));
	values[1] = Int64GetDatum(checking->tree.size);
	values[2] = PointerGetDatum(root);
	values[3] = Int64GetDatum(checking->broken_entry);
	nulls[3] = nulls[4] = !checking->broken;
	values[4] = checking->broken ? CStringGetTextDatum(checking->problem) : (Datum) 0;
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}
