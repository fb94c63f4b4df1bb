/*
 * erasure_names.c
 *		The rows that name a subject: by pseudonym, by number, or, where a
 *		table holds identities and carries no numbers, by names_subject().
 *
 * That is called while erasure reads the table as its owner, so open to all;
 * it does nothing for anybody else, who would learn who is known.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "erasure.h"

/* The subject that is asked about, within the transaction that asks. */
static const JpSubject *wanted = NULL;
static LocalTransactionId wanted_in = InvalidLocalTransactionId;

PG_FUNCTION_INFO_V1(jp_names_subject);

/*
 * Table, subject column, number column, whether it has a kind, and owner: of
 * protected tables, and of those filled from them that hold pseudonyms or
 * numbers.
 */
SPITupleTable *
jp_name_tables(uint64 *count)
{
	if (SPI_execute("SELECT format('%I.%I', n.nspname, c.relname),"
					" quote_ident(p.subject_column), quote_ident(p.number_column),"
					" p.kind IS NOT NULL, c.relowner"
					" FROM (SELECT relation::oid, subject_column, number_column, kind"
					"        FROM journey_privacy.protection"
					"       UNION SELECT d.relation, a.attname,"
					"        CASE WHEN a.atttypid = 'int4'::regtype THEN a.attname END,"
					"        CASE WHEN a.atttypid = 'int4'::regtype THEN '' END"
					"       FROM journey_privacy.derived d"
					"       JOIN journey_privacy.protection s ON s.relation = d.source"
					"       JOIN pg_attribute a ON a.attrelid = d.relation AND NOT a.attisdropped"
					"        AND (a.atttypid = 'journey_privacy.pseudonym'::regtype"
					"         OR (a.atttypid = 'int4'::regtype AND a.attname = s.number_column))"
					"       WHERE d.relation NOT IN (SELECT relation FROM journey_privacy.protection)) p"
					" JOIN pg_class c ON c.oid = p.relation AND c.relkind IN ('r', 'p')"
					" JOIN pg_namespace n ON n.oid = c.relnamespace"
					" ORDER BY p.relation", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the protections");
	*count = SPI_processed;
	return SPI_tuptable;
}

/* Selects the rows of one protected table that name a subject. */
int64
jp_named_rows(SPITupleTable *from, uint64 i, const char *select,
			  const JpSubject *subject)
{
	HeapTuple	row = from->vals[i];
	TupleDesc	desc = from->tupdesc;
	bool		isnull;
	bool		has_kind = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull));
	char	   *number = SPI_getvalue(row, desc, 3);
	bool		by_number = has_kind && number != NULL;
	Oid			types[1] = {by_number ? INT4ARRAYOID :
		get_array_type(jp_type("pseudonym"))
	};
	Datum		values[1] = {by_number ? jp_subject_numbers(subject) :
		jp_subject_pseudonyms(subject)
	};
	char	   *sql;
	JpPrivilege before;

	if (has_kind && !by_number)
		sql = psprintf("SELECT %s FROM ONLY %s t WHERE $1 IS NOT NULL AND"
					   " journey_privacy.names_subject(t.tableoid, t.%s)",
					   select, SPI_getvalue(row, desc, 1),
					   SPI_getvalue(row, desc, 2));
	else
		sql = psprintf("SELECT %s FROM ONLY %s t WHERE t.%s OPERATOR(pg_catalog.=) ANY ($1)",
					   select, SPI_getvalue(row, desc, 1),
					   by_number ? number : SPI_getvalue(row, desc, 2));
	wanted = subject;
	wanted_in = JP_LOCAL_XID;
	jp_act_as(DatumGetObjectId(SPI_getbinval(row, desc, 5, &isnull)),
			  "pg_catalog, pg_temp", &before);
	if (SPI_execute_with_args(sql, 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read a protected table");
	jp_restore(&before);
	wanted = NULL;
	return SPI_processed;
}

/* SQL: names_subject(tableoid, subject), for nobody but erasure. */
Datum
jp_names_subject(PG_FUNCTION_ARGS)
{
	const JpProtection *protection = jp_protection_find(PG_GETARG_OID(0));
	JpPseudonym pseudonym;
	int			i;

	if (wanted == NULL || wanted_in != JP_LOCAL_XID || protection == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only erasure may do this")));
	jp_subject_of_datum(PG_GETARG_DATUM(1), get_fn_expr_argtype(fcinfo->flinfo, 1),
						protection->kind, &pseudonym);
	for (i = 0; i < wanted->count; i++)
		if (memcmp(&wanted->pseudonyms[i], &pseudonym, sizeof(pseudonym)) == 0)
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}
