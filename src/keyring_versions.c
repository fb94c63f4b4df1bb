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
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"

#include "catalog.h"
#include "compat.h"
#include "keyring_internal.h"

/* Columns, in the order of CREATE TABLE. */
enum
{
	KIND = 1, VERSION, ROOT_VERSION, STATE, CREATED_AT, CHECK_VALUE
};

static const char *const state_name[] = {
	[JP_KEY_NEXT] = "next",
	[JP_KEY_ACTIVE] = "active",
	[JP_KEY_RETIRED] = "retired",
	[JP_KEY_DESTROYED] = "destroyed"
};

static void read_row(Relation table, HeapTuple tuple, JpKeyVersion *row);
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
	static const Oid types[] = {TEXTOID, INT4OID, INT4OID, TEXTOID, BYTEAOID};
	bytea	   *check = palloc(VARHDRSZ + JP_KEY_CHECK_SIZE);
	Datum		values[5];

	SET_VARSIZE(check, VARHDRSZ + JP_KEY_CHECK_SIZE);
	memcpy(VARDATA(check), row->check, JP_KEY_CHECK_SIZE);
	values[0] = CStringGetTextDatum(jp_key_kind_name(row->kind));
	values[1] = Int32GetDatum(row->version);
	values[2] = Int32GetDatum(row->root);
	values[3] = CStringGetTextDatum(state_name[row->state]);
	values[4] = PointerGetDatum(check);
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.key_version"
			   " (kind, version, root_version, state, check_value)"
			   " VALUES ($1, $2, $3, $4, $5)",
			   lengthof(types), types, values, NULL, SPI_OK_INSERT);
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

/* Reads one row. */
static void
read_row(Relation table, HeapTuple tuple, JpKeyVersion *row)
{
	text	   *kind = DatumGetTextPP(column(table, tuple, KIND));
	text	   *state = DatumGetTextPP(column(table, tuple, STATE));
	bytea	   *check = DatumGetByteaPP(column(table, tuple, CHECK_VALUE));

	if (VARSIZE_ANY_EXHDR(check) != JP_KEY_CHECK_SIZE)
		elog(ERROR, "a check value in key_version is damaged");
	row->kind = jp_key_kind_of(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind));
	row->version = DatumGetInt32(column(table, tuple, VERSION));
	row->root = DatumGetInt32(column(table, tuple, ROOT_VERSION));
	row->state = state_of(VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state));
	memcpy(row->check, VARDATA_ANY(check), JP_KEY_CHECK_SIZE);
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
