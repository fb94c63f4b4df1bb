/*
 * collection_redaction.c
 *		What erasing makes of a row that it does not delete: columns set to
 *		null, to a constant, or to their default.
 *
 * A redaction is checked when it is declared, so that no erasure stops at a
 * constraint later.  Constants become values as the owner of the table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/nodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "access/table.h"
#include "catalog.h"
#include "collection_redaction.h"

static void check_values(Oid relid, Jsonb *redaction);
static void check_defaults(Oid relid, const List *columns);
static void check_accepted(Oid relid, Jsonb *redaction);
static void refuse_first(const char *sql, Oid relid, Jsonb *redaction,
						 const char *message);
static char *text_at(HeapTuple row, int column);

/* One row for each column of a redaction: its name, and what it is set to. */
#define ASSIGNMENTS \
	"SELECT a.attnum, a.attname, a.attnotnull, a.attgenerated, e.value," \
	" CASE WHEN e.value = 'null' THEN 'NULL'" \
	"  WHEN e.value = '{\"default\": true}' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), 'NULL')" \
	"  ELSE format('CAST(%L AS %s)', CASE jsonb_typeof(e.value) WHEN 'string'" \
	"   THEN e.value #>> '{}' ELSE e.value::text END, format_type(a.atttypid, a.atttypmod)) END AS sql" \
	" FROM jsonb_each($2) e" \
	" JOIN pg_attribute a ON a.attrelid = $1 AND a.attname = e.key AND a.attnum > 0 AND NOT a.attisdropped" \
	" LEFT JOIN pg_attrdef d ON d.adrelid = $1 AND d.adnum = a.attnum"

/* Refuses a redaction that could not be carried out. */
void
jp_redaction_check(Oid relid, const char *on_erase, Jsonb *redaction,
				   List *naming, bool must_hide)
{
	bool		shared = strcmp(on_erase, "shared") == 0;
	ListCell   *cell;

	if (strcmp(on_erase, "delete") != 0 && strcmp(on_erase, "redact") != 0 && !shared)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_erase must be delete, redact or shared")));
	if ((redaction == NULL) != (strcmp(on_erase, "delete") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 redaction == NULL ?
				 errmsg("on_erase %s needs redact", on_erase) :
				 errmsg("redact goes with on_erase redact or shared"),
				 errhint("redact is an object such as {\"email\": null, \"name\": \"erased\", \"city\": {\"default\": true}}.")));
	if (redaction == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(redaction))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("redact must be an object with the columns as keys")));
	check_values(relid, redaction);
	if (!shared && !must_hide)
		return;
	foreach(cell, naming)
		if (list_member(jp_redaction_read(relid, redaction)->columns,
						makeString(lfirst(cell))))
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("redact must set the column by which the row is found: \"%s\"",
					(char *) linitial(naming)),
			 errdetail("The row would go on naming who was erased.")));
}

/* A redaction as SQL. */
JpRedaction *
jp_redaction_read(Oid relid, Jsonb *redaction)
{
	Oid			types[2] = {OIDOID, JSONBOID};
	Datum		values[2] = {ObjectIdGetDatum(relid), JsonbPGetDatum(redaction)};
	JpRedaction *read = palloc0(sizeof(JpRedaction));
	HeapTuple	row;
	uint64		i;

	SPI_execute_with_args("SELECT string_agg(format('%I = %s', attname, sql), ', ' ORDER BY attnum),"
						  " string_agg(format('t.%I::text IS DISTINCT FROM (%s)::text', attname, sql),"
						  "  ' OR ' ORDER BY attnum),"
						  " count(*) = (SELECT count(*) FROM jsonb_object_keys($2))"
						  " FROM (" ASSIGNMENTS ") s", 2, types, values, NULL, false, 0);
	row = SPI_tuptable->vals[0];
	read->set = text_at(row, 1);
	read->differs = text_at(row, 2);
	if (strcmp(text_at(row, 3), "t") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a column that erasing redacts in table \"%s\" is gone or renamed",
						get_rel_name(relid)),
				 errhint("Declare anew what is to be redacted, with protect() or link_table().")));
	SPI_execute_with_args("SELECT attname FROM (" ASSIGNMENTS ") s ORDER BY attnum",
						  2, types, values, NULL, false, 0);
	for (i = 0; i < SPI_processed; i++)
		read->columns = lappend(read->columns,
								makeString(text_at(SPI_tuptable->vals[i], 1)));
	return read;
}

/* Refuses columns and values that the table would not take. */
static void
check_values(Oid relid, Jsonb *redaction)
{
	refuse_first("SELECT k FROM jsonb_object_keys($2) k WHERE NOT EXISTS"
				 " (SELECT FROM pg_attribute a WHERE a.attrelid = $1 AND a.attname = k"
				 "  AND a.attnum > 0 AND NOT a.attisdropped)", relid, redaction,
				 "column \"%s\" does not exist");
	refuse_first("SELECT attname FROM (" ASSIGNMENTS ") s WHERE attgenerated <> ''",
				 relid, redaction, "column \"%s\" is generated and cannot be redacted");
	refuse_first("SELECT attname FROM (" ASSIGNMENTS ") s WHERE attnotnull AND sql = 'NULL'",
				 relid, redaction, "column \"%s\" is not null and cannot be redacted to null");
	refuse_first("SELECT attname FROM (" ASSIGNMENTS ") s WHERE sql <> 'NULL' AND EXISTS"
				 " (SELECT FROM pg_index i WHERE i.indrelid = $1 AND i.indisunique"
				 "  AND s.attnum = ANY (i.indkey::int2[]))", relid, redaction,
				 "column \"%s\" is unique and cannot be redacted to the same value in every row");
	check_defaults(relid, jp_redaction_read(relid, redaction)->columns);
	check_accepted(relid, redaction);
}

/* Refuses defaults that differ from one time to another. */
static void
check_defaults(Oid relid, const List *columns)
{
	Relation	rel = table_open(relid, NoLock);
	TupleConstr *constraints = RelationGetDescr(rel)->constr;
	int			i;

	for (i = 0; constraints != NULL && i < constraints->num_defval; i++)
	{
		char	   *name = get_attname(relid, constraints->defval[i].adnum, false);

		if (list_member(columns, makeString(name)) &&
			contain_mutable_functions(stringToNode(constraints->defval[i].adbin)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the default of column \"%s\" is not the same each time and cannot be redacted to",
							name)));
	}
	table_close(rel, NoLock);
}

/* Makes the values, and asks the checks that they alone decide. */
static void
check_accepted(Oid relid, Jsonb *redaction)
{
	Oid			types[2] = {OIDOID, JSONBOID};
	Datum		values[2] = {ObjectIdGetDatum(relid), JsonbPGetDatum(redaction)};
	Relation	rel = table_open(relid, NoLock);
	Oid			owner = rel->rd_rel->relowner;
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	table_close(rel, NoLock);
	SPI_execute_with_args("WITH s AS (" ASSIGNMENTS "), made AS"
						  " (SELECT format('(SELECT %s) t', string_agg(format('%s AS %I', sql, attname), ', ')) AS row,"
						  "   array_agg(attnum) AS columns FROM s)"
						  " SELECT format('SELECT FROM %s', row), NULL FROM made"
						  " UNION ALL SELECT format('SELECT FROM %s WHERE NOT (%s)', m.row,"
						  "   pg_get_expr(c.conbin, c.conrelid)), c.conname"
						  " FROM made m JOIN pg_constraint c ON c.conrelid = $1 AND c.contype = 'c'"
						  "  AND c.conkey <@ m.columns", 2, types, values, NULL, false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		bool		isnull;
		char	   *sql = SPI_getvalue(found->vals[i], found->tupdesc, 1);
		JpPrivilege before;

		if (sql == NULL)
			continue;
		jp_act_as(owner, "pg_catalog, pg_temp", &before);
		SPI_execute(sql, true, 0);
		jp_restore(&before);
		(void) SPI_getbinval(found->vals[i], found->tupdesc, 2, &isnull);
		if (!isnull && SPI_processed > 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a redacted row of table \"%s\" would violate check constraint \"%s\"",
							get_rel_name(relid),
							SPI_getvalue(found->vals[i], found->tupdesc, 2))));
	}
}

/* Refuses the first column that a query finds. */
static void
refuse_first(const char *sql, Oid relid, Jsonb *redaction, const char *message)
{
	Oid			types[2] = {OIDOID, JSONBOID};
	Datum		values[2] = {ObjectIdGetDatum(relid), JsonbPGetDatum(redaction)};

	SPI_execute_with_args(sql, 2, types, values, NULL, false, 1);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(strstr(message, "exist") != NULL ?
						 ERRCODE_UNDEFINED_COLUMN : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg_internal(message, text_at(SPI_tuptable->vals[0], 1))));
}

/* A column of a row that SPI has found, as text; NULL when it is null. */
static char *
text_at(HeapTuple row, int column)
{
	return SPI_getvalue(row, SPI_tuptable->tupdesc, column);
}
