/*
 * keyring_versions.c
 *		Table key_version: which keys this database uses.
 *
 * Read by a scan under the catalog snapshot, so that it works wherever a
 * type's input function may be called.  Writers hold SHARE ROW EXCLUSIVE on
 * the table from before they look until they commit.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"

#include "catalog.h"
#include "keyring_internal.h"

/* Columns, in the order of CREATE TABLE. */
enum
{
	KIND = 1, VERSION, ROOT_VERSION, STATE, CREATED_AT, CHECK_VALUE,
	PUBLIC_KEY
};

static const char *const state_name[] = {
	[JP_KEY_NEXT] = "next",
	[JP_KEY_ACTIVE] = "active",
	[JP_KEY_RETIRED] = "retired",
	[JP_KEY_DESTROYED] = "destroyed"
};

static void read_row(Relation table, HeapTuple tuple, JpKeyVersion *row);
static void copy_bytes(Datum value, uint8 *to, size_t len);
static Datum bytes_datum(const uint8 *from, size_t len);
static Datum column(Relation table, HeapTuple tuple, int number);
static JpKeyState state_of(const char *name, size_t len);
static int	compare_rows(const void *a, const void *b);

/* Reads the table. */
int
jp_key_versions_read(JpKeyVersion *rows)
{
	Relation	table = table_open(jp_relation("key_version"), AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	int			count = 0;

	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (count == JP_KEY_VERSIONS)
			elog(ERROR, "too many key versions");
		read_row(table, tuple, &rows[count++]);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	qsort(rows, count, sizeof(JpKeyVersion), compare_rows);
	return count;
}

/* Keeps other writers out until the transaction ends. */
void
jp_key_versions_lock(void)
{
	LockRelationOid(jp_relation("key_version"), ShareRowExclusiveLock);
}

/* Registers a key. */
void
jp_key_version_add(const JpKeyVersion *row)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {
		TEXTOID, INT4OID, INT4OID, TEXTOID, BYTEAOID, BYTEAOID
	};
	const char *nulls = row->kind == JP_KEY_SIGN ? "      " : "     n";
	Datum		values[6];

	values[0] = CStringGetTextDatum(jp_key_kind_name(row->kind));
	values[1] = Int32GetDatum(row->version);
	values[2] = Int32GetDatum(row->root);
	values[3] = CStringGetTextDatum(state_name[row->state]);
	values[4] = bytes_datum(row->check, JP_KEY_CHECK_SIZE);
	values[5] = bytes_datum(row->public_key, JP_PUBLIC_KEY_SIZE);
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.key_version"
			   " (kind, version, root_version, state, check_value, public_key)"
			   " VALUES ($1, $2, $3, $4, $5, $6)",
			   lengthof(types), types, values, nulls, SPI_OK_INSERT);
}

/* Changes the state of a key. */
void
jp_key_version_change(int kind, int version, JpKeyState state)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {TEXTOID, INT4OID, TEXTOID};
	Datum		values[3];

	values[0] = CStringGetTextDatum(jp_key_kind_name(kind));
	values[1] = Int32GetDatum(version);
	values[2] = CStringGetTextDatum(state_name[state]);
	jp_execute(&plan,
			   "UPDATE journey_privacy.key_version SET state = $3"
			   " WHERE kind OPERATOR(pg_catalog.=) $1"
			   " AND version OPERATOR(pg_catalog.=) $2",
			   lengthof(types), types, values, NULL, SPI_OK_UPDATE);
}

/* Whether a version is this transaction's own. */
bool
jp_key_uncommitted(JpKeyKind kind, int version)
{
	Relation	table = table_open(jp_relation("key_version"), AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	JpKeyVersion row;
	bool		found = false;

	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		read_row(table, tuple, &row);
		if (row.kind == kind && row.version == version &&
			TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
			found = true;
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return found;
}

/* Reads one row. */
static void
read_row(Relation table, HeapTuple tuple, JpKeyVersion *row)
{
	text	   *kind = DatumGetTextPP(column(table, tuple, KIND));
	text	   *state = DatumGetTextPP(column(table, tuple, STATE));

	memset(row, 0, sizeof(*row));
	row->kind = jp_key_kind_of(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind));
	row->version = DatumGetInt32(column(table, tuple, VERSION));
	row->root = DatumGetInt32(column(table, tuple, ROOT_VERSION));
	row->state = state_of(VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state));
	copy_bytes(column(table, tuple, CHECK_VALUE), row->check,
			   JP_KEY_CHECK_SIZE);
	if (row->kind == JP_KEY_SIGN)
		copy_bytes(column(table, tuple, PUBLIC_KEY), row->public_key,
				   JP_PUBLIC_KEY_SIZE);
}

/* Copies a bytea of a known length. */
static void
copy_bytes(Datum value, uint8 *to, size_t len)
{
	bytea	   *from = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(from) != len)
		elog(ERROR, "a row of key_version is damaged");
	memcpy(to, VARDATA_ANY(from), len);
}

/* Bytes as a bytea. */
static Datum
bytes_datum(const uint8 *from, size_t len)
{
	bytea	   *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), from, len);
	return PointerGetDatum(value);
}

/* A column that is not NULL. */
static Datum
column(Relation table, HeapTuple tuple, int number)
{
	bool		isnull;
	Datum		value;

	value = heap_getattr(tuple, number, RelationGetDescr(table), &isnull);
	if (isnull)
		elog(ERROR, "a row of key_version is damaged");
	return value;
}

/* State of a name. */
static JpKeyState
state_of(const char *name, size_t len)
{
	int			state;

	for (state = 0; state < lengthof(state_name); state++)
	{
		if (strlen(state_name[state]) == len &&
			memcmp(state_name[state], name, len) == 0)
			return state;
	}
	elog(ERROR, "a state in key_version is unknown");
}

/* Order that does not depend on where rows lie. */
static int
compare_rows(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(JpKeyVersion));
}
