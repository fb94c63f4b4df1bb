/*
 * erasure_names.c
 *		The rows that name a subject: by pseudonym, by number, or, where a
 *		table holds identities and carries no numbers, by names_subject().
 *
 * That is called while erasure reads the table as its owner, so open to all;
 * it does nothing for anybody else, who would learn who is known.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/value.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "erasure.h"
#include "note.h"

#define FEW_IDENTITIES	16		/* of more, a plan is made for their number */

/* The subject that is asked about, within the transaction that asks. */
static const JpSubject *wanted = NULL;
static const char *wanted_kind = NULL;
static LocalTransactionId wanted_in = InvalidLocalTransactionId;

static int64 select_named(SPITupleTable *from, uint64 i, const char *select,
						  const char *table, Oid owner, Datum places,
						  const JpSubject *subject, int64 limit);
static bool came_back(const JpSubject *subject);
static bool has_rows(const char *name);

PG_FUNCTION_INFO_V1(jp_names_subject);

/* What jp_name_tables() tells of each table. */
#define TABLE_AND_WAY \
	"SELECT format('%I.%I', c.nspname, c.relname)," \
	" quote_ident(p.subject_column), quote_ident(p.number_column)," \
	" p.kind IS NOT NULL, c.relowner, p.on_erase, p.redact," \
	" concat_ws(' ', p.way, p.subject_column), p.kind, p.subject_column::text," \
	" CASE p.way WHEN 'link' THEN '' ELSE 'ONLY ' END, c.oid, p.exported" \
	" FROM ("
#define PROTECTED \
	"SELECT relation::oid, subject_column, number_column, kind, on_erase, redact, 'named' AS way, true AS exported" \
	" FROM journey_privacy.protection"
#define DERIVED_AND_LINKED \
	" UNION SELECT d.relation, a.attname," \
	"  CASE WHEN a.attname = s.number_column THEN a.attname END," \
	"  CASE WHEN a.attname = s.number_column THEN '' ELSE s.kind END, 'delete', NULL, 'derived', true" \
	" FROM journey_privacy.derived d" \
	" JOIN journey_privacy.protection s ON s.relation = d.source" \
	" CROSS JOIN LATERAL (SELECT a.attname FROM pg_attribute a, pg_attribute b" \
	"  WHERE b.attrelid = s.relation AND b.attname = s.subject_column" \
	"  AND a.attrelid = d.relation AND NOT a.attisdropped" \
	"  AND ((s.kind IS NULL AND a.atttypid = 'journey_privacy.pseudonym'::regtype)" \
	"   OR (a.atttypid = 'int4'::regtype AND a.attname = s.number_column)" \
	"   OR (s.kind IS NOT NULL AND a.attname = s.subject_column AND a.atttypid = b.atttypid))" \
	"  OFFSET 0) a" \
	" WHERE d.relation NOT IN (SELECT relation FROM journey_privacy.protection)" \
	" UNION ALL SELECT d.child, d.child_columns[1]," \
	"  CASE d.parent_columns[1] WHEN 'number' THEN d.child_columns[1] END," \
	"  CASE d.parent_columns[1] WHEN 'number' THEN '' END, d.on_erase, d.redact, 'link', d.on_export = 'include'" \
	" FROM journey_privacy.declared_link d" \
	" WHERE d.parent = 'journey_privacy.subject'::regclass"
#define THAT_IS_THERE \
	") p CROSS JOIN LATERAL (SELECT k.oid, k.relname, k.relowner, m.nspname" \
	"  FROM pg_class k JOIN pg_namespace m ON m.oid = k.relnamespace" \
	"  WHERE k.oid = p.relation AND k.relkind IN ('r', 'p') OFFSET 0) c" \
	" ORDER BY p.relation"

/*
 * Name, subject column, number column, whether it has a kind, and owner: of
 * protected tables, of those filled from them that hold pseudonyms, numbers or
 * identities, and of those linked to the registry.  Then what erasing does,
 * the redaction, the way's name, the kind, the column unquoted, ONLY, OID,
 * whether it is exported.  OFFSET 0, so that the catalog is looked up for the
 * few tables there are and never read whole.  Mostly there are protected tables
 * only, and starting the long query takes longer than all else.
 */
SPITupleTable *
jp_name_tables(uint64 *count)
{
	static SPIPlanPtr all = NULL;
	static SPIPlanPtr protected = NULL;

	if (has_rows("derived") || has_rows("declared_link"))
		jp_execute(&all, TABLE_AND_WAY PROTECTED DERIVED_AND_LINKED THAT_IS_THERE,
				   0, NULL, NULL, NULL, SPI_OK_SELECT);
	else
		jp_execute(&protected, TABLE_AND_WAY PROTECTED THAT_IS_THERE,
				   0, NULL, NULL, NULL, SPI_OK_SELECT);
	*count = SPI_processed;
	return SPI_tuptable;
}

/* Whether a table of ours has any row now. */
static bool
has_rows(const char *name)
{
	Relation	rel = table_open(jp_relation(name), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	bool		found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* The table in row i, and the way by which its rows name subjects. */
Oid
jp_name_way(SPITupleTable *from, uint64 i, JpWay *way)
{
	HeapTuple	row = from->vals[i];
	TupleDesc	desc = from->tupdesc;
	char	   *on_erase = SPI_getvalue(row, desc, 6);
	bool		isnull;
	Datum		redact = SPI_getbinval(row, desc, 7, &isnull);

	way->fate = on_erase[0] == 'd' ? JP_ROW_DELETE :
		on_erase[0] == 's' ? JP_ROW_SHARED : JP_ROW_REDACT;
	way->redact = isnull ? NULL : DatumGetJsonbPCopy(redact);
	way->name = SPI_getvalue(row, desc, 8);
	way->exported = DatumGetBool(SPI_getbinval(row, desc, 13, &isnull));
	way->columns = list_make1(makeString(SPI_getvalue(row, desc, 10)));
	return DatumGetObjectId(SPI_getbinval(row, desc, 12, &isnull));
}

/* Selects the rows of one table that name a subject. */
int64
jp_named_rows(SPITupleTable *from, uint64 i, const char *select,
			  const JpSubject *subject)
{
	char	   *table = psprintf("%s%s", SPI_getvalue(from->vals[i], from->tupdesc, 11),
								 SPI_getvalue(from->vals[i], from->tupdesc, 1));

	bool		isnull;
	Oid			owner = DatumGetObjectId(SPI_getbinval(from->vals[i], from->tupdesc,
													   5, &isnull));

	return select_named(from, i, select, table, owner, (Datum) 0, subject, 0);
}

/* Tells of the rows of one table that name a subject. */
int64
jp_rows_naming(Oid relid, Datum places, const JpSubject *subject, int64 limit,
			   void (*found) (void *arg, ItemPointer place), void *arg)
{
	uint64		count;
	SPITupleTable *names = jp_name_tables(&count);
	Relation	rel = table_open(relid, AccessShareLock);
	char	   *table = psprintf("ONLY %s", jp_qualified_name(rel));
	Oid			owner = rel->rd_rel->relowner;
	int64		rows = 0;
	uint64		i;
	uint64		j;

	table_close(rel, NoLock);

	for (i = 0; i < count; i++)
	{
		JpWay		way = {0};

		Oid			named = jp_name_way(names, i, &way);

		/* A protected table's parts are there by themselves. */
		if (SPI_getvalue(names->vals[i], names->tupdesc, 11)[0] != '\0' ?
			relid != named : !jp_is_part_of(relid, named))
			continue;
		rows += select_named(names, i, "t.ctid", table, owner, places, subject, limit);
		for (j = 0; found != NULL && j < SPI_processed; j++)
		{
			bool		isnull;

			found(arg, (ItemPointer) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[j],
																   SPI_tuptable->tupdesc,
																   1, &isnull)));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_freetuptable(names);
	return rows;
}

/*
 * Selects, as its owner, the rows of the table in row i, or of a part of it,
 * that name a subject, at some places or any.
 */
static int64
select_named(SPITupleTable *from, uint64 i, const char *select,
			 const char *table, Oid owner, Datum places,
			 const JpSubject *subject, int64 limit)
{
	HeapTuple	row = from->vals[i];
	TupleDesc	desc = from->tupdesc;
	bool		isnull;
	bool		has_kind = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull));
	char	   *number = SPI_getvalue(row, desc, 3);
	bool		by_number = has_kind && number != NULL;
	bool		both = !has_kind && number != NULL && came_back(subject);
	Oid			types[3] = {by_number ? INT4ARRAYOID :
		get_array_type(jp_type("pseudonym")), INT4ARRAYOID, TIDARRAYOID
	};
	Datum		values[3] = {by_number ? jp_subject_numbers(subject) :
		jp_subject_pseudonyms(subject), jp_subject_numbers(subject), places
	};
	char	   *condition;
	char	   *sql;
	int			args;
	int			code;
	JpPrivilege before;

	if (has_kind && !by_number)
		condition = psprintf("$1 IS NOT NULL AND"
							 " journey_privacy.names_subject(t.tableoid, t.%s)",
							 SPI_getvalue(row, desc, 2));
	else
		condition = psprintf("t.%s OPERATOR(pg_catalog.=) ANY ($1)%s",
							 by_number ? number : SPI_getvalue(row, desc, 2),
							 !both ? "" :
							 psprintf(" AND (t.%s OPERATOR(pg_catalog.=) ANY ($2) OR t.%s IS NULL)",
									  number, number));
	wanted = subject;
	wanted_kind = SPI_getvalue(row, desc, 9);
	wanted_in = JP_LOCAL_XID;
	sql = psprintf("SELECT %s FROM %s t WHERE %s%s", select, table, condition,
				   places == (Datum) 0 ? "" :
				   " AND t.ctid OPERATOR(pg_catalog.=) ANY ($3)");
	args = places != (Datum) 0 ? 3 : both ? 2 : 1;
	jp_act_as(owner, "pg_catalog, pg_temp", &before);
	code = subject->count > FEW_IDENTITIES ?
		SPI_execute_with_args(sql, args, types, values, NULL, false, limit) :
		jp_execute_text(sql, args, types, values, limit);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not read a protected table");
	jp_restore(&before);
	wanted = NULL;
	return SPI_processed;
}

/*
 * Whether the subject is registered anew, having agreed after an erasure that
 * is not done yet: then only the numbers of before are meant.
 */
static bool
came_back(const JpSubject *subject)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {get_array_type(jp_type("pseudonym")), INT4ARRAYOID};
	Datum		values[2] = {jp_subject_pseudonyms(subject),
		jp_subject_numbers(subject)
	};

	jp_execute(&plan,
			   "SELECT FROM journey_privacy.subject"
			   " WHERE pseudonym OPERATOR(pg_catalog.=) ANY ($1) AND number <> ALL ($2) LIMIT 1",
			   2, types, values, NULL, SPI_OK_SELECT);
	return SPI_processed > 0;
}

/* SQL: names_subject(tableoid, subject), for nobody but erasure. */
Datum
jp_names_subject(PG_FUNCTION_ARGS)
{
	JpPseudonym pseudonym;
	int			i;

	if (wanted == NULL || wanted_in != JP_LOCAL_XID || wanted_kind == NULL)
		jp_refuse(JP_NOTE_ERASURE, "names_subject", InvalidOid,
				  errmsg("only erasure may do this"));
	jp_subject_of_datum(PG_GETARG_DATUM(1), get_fn_expr_argtype(fcinfo->flinfo, 1),
						wanted_kind, &pseudonym);
	for (i = 0; i < wanted->count; i++)
		if (memcmp(&wanted->pseudonyms[i], &pseudonym, sizeof(pseudonym)) == 0)
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}
