/*
 * discovery.c
 *		discover(): columns and keys that look like personal data and that no
 *		rule of ours covers.  No value is ever told, nor a key that may be one.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "attempt.h"
#include "catalog.h"
#include "discovery.h"
#include "journey_privacy.h"
#include "note.h"

/* A format with one check digit is met by chance, too. */
#define CHANCE_CARD	0.2
#define CHANCE_NATIONAL_ID	0.3

/* Dates of birth spread over more years than events do. */
#define BIRTHS_SHARE	0.95
#define BIRTHS_YEARS	20
#define BIRTHS_MIN	10

/* A table to be sampled, and whether it may be. */
typedef struct Sampling
{
	JpTable    *table;
	int64		rows;
	bool		allowed;
} Sampling;

static void look_into(JpTable *table, int64 rows);
static bool sample(void *arg);
static void check_interrupts(void);
static List *tables_in(Datum schema);
static JpTable *table_from(HeapTuple row, TupleDesc desc);
static JpColumn *column_from(HeapTuple row, TupleDesc desc);
static JpReading reading_of(Oid type);
static int64 report(ReturnSetInfo *result, const JpTable *table, double min_share);
static int64 report_place(ReturnSetInfo *result, const JpTable *table,
						  const JpColumn *column, const JpSeen *seen,
						  double min_share);
static double part_of(const JpSeen *seen, JpLook look);
static bool may_say(JpLook look, Oid type);

PG_FUNCTION_INFO_V1(jp_discover);
PG_FUNCTION_INFO_V1(jp_looks_like_sql);

/* Columns of a schema without a rule, table by table. */
static const char *const columns_sql =
"WITH RECURSIVE reach(relid) AS ("
" SELECT p.relation::oid FROM journey_privacy.protection p"
" UNION SELECT l.child::oid FROM journey_privacy.link l WHERE l.parent IS NOT NULL"
" UNION SELECT i.inhrelid FROM reach r JOIN pg_catalog.pg_inherits i ON i.inhparent = r.relid"
"), ruled(relid, name) AS ("
" SELECT p.relation::oid, n.name FROM journey_privacy.protection p,"
"  LATERAL (VALUES (p.subject_column), (p.number_column), (p.occurred_at)) n(name)"
" UNION SELECT p.relation::oid, k::name FROM journey_privacy.protection p,"
"  pg_catalog.jsonb_object_keys(p.redact) k"
" UNION SELECT m.relation::oid, m.column_name FROM journey_privacy.minimization m WHERE m.transform <> 'drop_keys')"
"SELECT c.oid, c.relname::text, p.relation IS NOT NULL,"
" greatest(c.reltuples, 0)::float8,"
" (SELECT coalesce(sum(pg_catalog.pg_relation_size(t.relid)), 0)::float8 FROM pg_catalog.pg_partition_tree(c.oid) t"
"  WHERE t.isleaf) / pg_catalog.current_setting('block_size')::float8,"
" a.attname::text, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END"
" FROM pg_catalog.pg_class c"
" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
" JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
" LEFT JOIN journey_privacy.protection p ON p.relation::oid = c.oid"
" WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition"
"  AND (p.relation IS NOT NULL OR c.oid NOT IN (SELECT r.relid FROM reach r))"
"  AND NOT EXISTS (SELECT FROM ruled r WHERE r.relid = c.oid AND r.name = a.attname)"
"  AND a.atttypid <> 'journey_privacy.sealed'::pg_catalog.regtype"
"  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
"   AND d.objid = c.oid AND d.deptype = 'e')"
" ORDER BY c.relname, a.attnum";

/* SQL: discover(schema, sample_rows, min_share). */
Datum
jp_discover(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		rows = PG_GETARG_INT32(1);
	double		min_share = PG_GETARG_FLOAT8(2);
	int64		found = 0;
	List	   *tables;
	ListCell   *cell;

	if (rows < 0 || !(min_share > 0 && min_share <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 rows < 0 ? errmsg("\"sample_rows\" must not be negative") :
				 errmsg("\"min_share\" must be above 0 and at most 1")));
	(void) get_namespace_oid(NameStr(*PG_GETARG_NAME(0)), false);
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	tables = tables_in(PG_GETARG_DATUM(0));
	foreach(cell, tables)
	{
		JpTable    *table = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (rows > 0)
			look_into(table, rows);
		found += report(result, table, min_share);
	}
	SPI_finish();
	jp_note(JP_NOTE_PROTECTION, "discover", InvalidOid, found, NULL);
	return (Datum) 0;
}

/* Samples a table, or says why not: one that cannot be read hides no other. */
static void
look_into(JpTable *table, int64 rows)
{
	Sampling	sampling = {table, rows, true};
	ErrorData  *error;
	int			category;

	(void) jp_attempt(sample, &sampling, &error);
	if (error == NULL && sampling.allowed)
		return;
	category = error == NULL ? 0 : ERRCODE_TO_CATEGORY(error->sqlerrcode);
	if (category == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(error);
	ereport(WARNING,
			(errmsg("rows of table \"%s\" were not looked at, only the names of its columns",
					table->name),
			 error == NULL ? errdetail("You may not read all of them.") :
			 errdetail("Reading them failed with SQLSTATE %s.", unpack_sql_state(error->sqlerrcode))));
}

/* Samples it. */
static bool
sample(void *arg)
{
	Sampling   *sampling = arg;

	sampling->allowed = jp_discovery_sample(sampling->table, sampling->rows);
	return true;
}

/* Lets a long value be given up. */
static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/* SQL: looks_like(value). */
Datum
jp_looks_like_sql(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	Datum		looks[JP_LOOK_BY_CONTENT];
	int			count = 0;
	int			year;
	uint32		bits = jp_looks_like(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &year,
									   check_interrupts);
	int			look;

	for (look = 0; look < JP_LOOK_BY_CONTENT; look++)
		if (bits & JP_LOOK_BIT(look))
			looks[count++] = CStringGetTextDatum(jp_look_name(look));
	PG_RETURN_ARRAYTYPE_P(construct_array(looks, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The tables of a schema, with the columns that no rule covers. */
static List *
tables_in(Datum schema)
{
	Oid			types[1] = {NAMEOID};
	JpPrivilege before;
	List	   *tables = NIL;
	JpTable    *table = NULL;
	uint64		i;

	jp_elevate(&before);
	if (SPI_execute_with_args(columns_sql, 1, types, &schema, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the columns");
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;

		if (table == NULL ||
			table->relid != DatumGetObjectId(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull)))
			tables = lappend(tables, table = table_from(row, SPI_tuptable->tupdesc));
		table->columns = lappend(table->columns, column_from(row, SPI_tuptable->tupdesc));
	}
	jp_restore(&before);
	return tables;
}

/* The table of a row. */
static JpTable *
table_from(HeapTuple row, TupleDesc desc)
{
	JpTable    *table = palloc0(sizeof(JpTable));
	bool		isnull;

	table->relid = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
	table->name = SPI_getvalue(row, desc, 2);
	table->is_protected = DatumGetBool(SPI_getbinval(row, desc, 3, &isnull));
	table->rows = DatumGetFloat8(SPI_getbinval(row, desc, 4, &isnull));
	table->pages = DatumGetFloat8(SPI_getbinval(row, desc, 5, &isnull));
	return table;
}

/* The column of a row. */
static JpColumn *
column_from(HeapTuple row, TupleDesc desc)
{
	JpColumn   *column = palloc0(sizeof(JpColumn));
	bool		varlena;
	bool		isnull;

	column->name = SPI_getvalue(row, desc, 6);
	column->type = DatumGetObjectId(SPI_getbinval(row, desc, 7, &isnull));
	column->reading = reading_of(column->type);
	if (column->reading == JP_READ_TEXT)
		getTypeOutputInfo(column->type, &column->output, &varlena);
	return column;
}

/* How the values of a type are read: only of those that can hold it. */
static JpReading
reading_of(Oid type)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case XMLOID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case DATEOID:
			return JP_READ_TEXT;
		case TEXTARRAYOID:
			return JP_READ_TEXTS;
		case JSONOID:
			return JP_READ_JSON;
		case JSONBOID:
			return JP_READ_JSONB;
		case INETOID:
		case CIDROID:
		case MACADDROID:
		case MACADDR8OID:
			return JP_READ_ADDRESS;
		default:
			return JP_READ_NOTHING;
	}
}

/* Tells what was found in a table; returns how much. */
static int64
report(ReturnSetInfo *result, const JpTable *table, double min_share)
{
	Oid			pseudonym = jp_type("pseudonym");
	int64		found = 0;
	ListCell   *cell;

	foreach(cell, table->columns)
	{
		const JpColumn *column = lfirst(cell);
		ListCell   *key;

		/* there to be named in the statement */
		if (column->type == pseudonym)
			continue;
		found += report_place(result, table, column, &column->whole, min_share);
		foreach(key, column->keys)
			found += report_place(result, table, column, lfirst(key), min_share);
	}
	return found;
}

/* Tells what a column, or a key in it, looks like. */
static int64
report_place(ReturnSetInfo *result, const JpTable *table, const JpColumn *column,
			 const JpSeen *seen, double min_share)
{
	uint32		named = jp_discovery_named(table, column, seen->key);
	int64		found = 0;
	int			look;

	for (look = 0; look < JP_LOOKS; look++)
	{
		bool		says = (named & JP_LOOK_BIT(look)) != 0;
		double		share = jp_discovery_share(seen, look, min_share);
		Datum		values[8] = {ObjectIdGetDatum(table->relid)};
		bool		nulls[8] = {false};

		if (!says && share < 0)
			continue;
		values[1] = CStringGetDatum(column->name);
		nulls[2] = (seen->key == NULL);
		values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(seen->key);
		values[3] = CStringGetTextDatum(jp_look_name(look));
		values[4] = CStringGetTextDatum(share < 0 ? "name" : says ? "name and content" : "content");
		nulls[5] = !table->sampled || (column->reading == JP_READ_NOTHING);
		values[5] = Int64GetDatum(seen->values);
		nulls[6] = nulls[5] || look >= JP_LOOK_BY_CONTENT || seen->values == 0;
		values[6] = nulls[6] ? (Datum) 0 : Float8GetDatum(part_of(seen, look));
		values[7] = CStringGetTextDatum(jp_discovery_statement(table, column, seen->key, look));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		found++;
	}
	return found;
}

/* What a name says of a column, as far as its type can hold that. */
uint32
jp_discovery_named(const JpTable *table, const JpColumn *column, const char *key)
{
	const char *name = key != NULL ? key : column->name;
	uint32		named;
	size_t		length = strlen(table->name);
	const char *last = key == NULL ? NULL : strrchr(key, '.');
	int			look;

	if (last != NULL)
		name = last + 1;
	named = jp_name_says(name, strlen(name));
	/* the name of a customer, or of a product? */
	if (key == NULL && named == 0)
	{
		char	   *whole = psprintf("%.*s_%s", (int) (length > 1 && table->name[length - 1] == 's' ?
													  length - 1 : length), table->name, name);

		named = jp_name_says(whole, strlen(whole)) &
			(JP_LOOK_BIT(JP_LOOK_PERSON_NAME) | JP_LOOK_BIT(JP_LOOK_ACCOUNT));
		if (jp_name_says(table->name, strlen(table->name)) != 0)
			named = 0;
		pfree(whole);
	}
	for (look = 0; look < JP_LOOKS; look++)
		if ((named & JP_LOOK_BIT(look)) && key == NULL && !may_say(look, column->type))
			named &= ~JP_LOOK_BIT(look);
	return named;
}

/* Whether a column of this type can hold what its name says. */
static bool
may_say(JpLook look, Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(type, &category, &preferred);
	if (type == JSONOID || type == JSONBOID)
		return look == JP_LOOK_LOCATION || look == JP_LOOK_DEVICE || look == JP_LOOK_ADDRESS;
	switch (look)
	{
		case JP_LOOK_BIRTH_DATE:
			return category == TYPCATEGORY_DATETIME || category == TYPCATEGORY_STRING ||
				category == TYPCATEGORY_NUMERIC;
		case JP_LOOK_LOCATION:
			return category == TYPCATEGORY_GEOMETRIC || category == TYPCATEGORY_STRING ||
				category == TYPCATEGORY_USER ||
				type == FLOAT8OID || type == FLOAT4OID || type == NUMERICOID;
		case JP_LOOK_SPECIAL:
		case JP_LOOK_GENDER:
			return category != TYPCATEGORY_DATETIME;
		case JP_LOOK_EMAIL:
		case JP_LOOK_IP:
		case JP_LOOK_MAC:
			return category == TYPCATEGORY_STRING || category == TYPCATEGORY_NETWORK ||
				category == TYPCATEGORY_ARRAY || category == TYPCATEGORY_USER;
		default:
			return category == TYPCATEGORY_STRING || category == TYPCATEGORY_NUMERIC ||
				category == TYPCATEGORY_USER || category == TYPCATEGORY_ARRAY;
	}
}

/* The share of values that look like it, where it is more than chance. */
double
jp_discovery_share(const JpSeen *seen, JpLook look, double min_share)
{
	double		share;

	if (look >= JP_LOOK_BY_CONTENT || seen->values == 0)
		return -1;
	share = part_of(seen, look);
	if (look == JP_LOOK_BIRTH_DATE)
		return share >= BIRTHS_SHARE && seen->births >= BIRTHS_MIN &&
			seen->last_year - seen->first_year >= BIRTHS_YEARS ? share : -1;
	if (look == JP_LOOK_CARD)
		min_share = Max(min_share, CHANCE_CARD);
	if (look == JP_LOOK_NATIONAL_ID)
		min_share = Max(min_share, CHANCE_NATIONAL_ID);
	return share >= min_share ? share : -1;
}

/* The share of values, whatever it is worth. */
static double
part_of(const JpSeen *seen, JpLook look)
{
	return (double) (look == JP_LOOK_BIRTH_DATE ? seen->births : seen->matching[look]) /
		seen->values;
}
