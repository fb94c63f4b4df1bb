/*
 * audit_node.c
 *		Reading the tree: table audit_node and the hashes of entries.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "audit_internal.h"
#include "catalog.h"

static bool find(SPIPlanPtr *plan, const char *sql, int nargs, Datum *values,
				 JpHash *hash);
static uint64 number_of(SPIPlanPtr *plan, const char *sql);

/* Root of a complete subtree: kept, an entry's own, or of two halves. */
void
jp_node_read(void *unused, int level, uint64 index, JpHash *hash)
{
	static SPIPlanPtr plan = NULL;
	Datum		values[1] = {Int64GetDatum(index)};
	JpHash		left;
	JpHash		right;

	if (jp_node_kept(level, index, hash))
		return;
	if (level == 0)
	{
		if (!find(&plan, "SELECT hash FROM journey_privacy.audit_entry"
				  " WHERE number = $1", 1, values, hash))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("entry " UINT64_FORMAT " of the audit is missing", index)));
		return;
	}
	jp_node_read(NULL, level - 1, index * 2, &left);
	jp_node_read(NULL, level - 1, index * 2 + 1, &right);
	jp_tree_parent(&left, &right, hash);
}

/* A node that is kept. */
bool
jp_node_kept(int level, uint64 index, JpHash *hash)
{
	static SPIPlanPtr plan = NULL;
	Datum		values[2] = {Int64GetDatum(index), Int32GetDatum(level)};

	return find(&plan, "SELECT hash FROM journey_privacy.audit_node"
				" WHERE index = $1 AND level = $2", 2, values, hash);
}

/* Root of the entries from begin to before end. */
void
jp_node_range(void *unused, uint64 begin, uint64 end, JpHash *hash)
{
	jp_tree_range(begin, end, jp_node_read, NULL, hash);
}

/* The tree of a size. */
void
jp_node_tree(uint64 size, JpTree *tree)
{
	int			level;

	memset(tree, 0, sizeof(*tree));
	tree->size = size;
	for (level = 0; level < 64; level++)
		if ((size >> level) & 1)
			jp_node_read(NULL, level, (size >> level) - 1, &tree->edge[level]);
}

/* Keeps a node. */
void
jp_node_write(int level, uint64 index, const JpHash *hash)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {INT4OID, INT8OID, BYTEAOID};
	bytea	   *bytes = palloc(VARHDRSZ + JP_HASH_SIZE);
	Datum		values[3] = {Int32GetDatum(level), Int64GetDatum(index),
	PointerGetDatum(bytes)};

	SET_VARSIZE(bytes, VARHDRSZ + JP_HASH_SIZE);
	memcpy(VARDATA(bytes), hash, JP_HASH_SIZE);
	jp_execute(&plan, "INSERT INTO journey_privacy.audit_node (level, index, hash)"
			   " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
			   3, types, values, NULL, SPI_OK_INSERT);
	pfree(bytes);
}

/* How many entries there are, those purged included. */
uint64
jp_audit_size(void)
{
	static SPIPlanPtr plan = NULL;

	return Max(number_of(&plan, "SELECT max(number) + 1 FROM journey_privacy.audit_entry"),
			   jp_audit_first());
}

/* The first entry that has not been purged. */
uint64
jp_audit_first(void)
{
	static SPIPlanPtr plan = NULL;

	return number_of(&plan, "SELECT first FROM journey_privacy.audit_tree");
}

/* The hash that a query finds, if it finds one. */
static bool
find(SPIPlanPtr *plan, const char *sql, int nargs, Datum *values, JpHash *hash)
{
	Oid			types[2] = {INT8OID, INT4OID};
	bytea	   *bytes;
	bool		isnull;
	bool		found;

	jp_execute(plan, sql, nargs, types, values, NULL, SPI_OK_SELECT);
	found = SPI_processed > 0;
	if (found)
	{
		bytes = DatumGetByteaPP(SPI_getbinval(SPI_tuptable->vals[0],
											  SPI_tuptable->tupdesc, 1, &isnull));
		memset(hash, 0, sizeof(*hash));
		memcpy(hash, VARDATA_ANY(bytes), Min(VARSIZE_ANY_EXHDR(bytes), JP_HASH_SIZE));
	}
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* The number that a query gives, 0 for none. */
static uint64
number_of(SPIPlanPtr *plan, const char *sql)
{
	bool		isnull = true;
	Datum		value = (Datum) 0;

	jp_execute(plan, sql, 0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull);
	return isnull ? 0 : DatumGetInt64(value);
}
