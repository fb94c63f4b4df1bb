/*
 * erasure_export.c
 *		export_subject(): everything that erasing would touch, for the person
 *		itself (Art. 15 and 20 GDPR).
 *
 * Each table is read as its owner.  A row that is somebody else's too comes
 * without the columns that are theirs (Art. 15(4)): those that a link, or the
 * protection of the table, would redact for them.  Subject numbers are ours
 * alone and stay here.  Sealed values are opened where they are the subject's
 * and sealed in no context or in that of the column's name.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/value.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "attempt.h"
#include "catalog.h"
#include "erasure.h"
#include "note.h"

/* Columns that are left out of rows not found by the columns of a way. */
typedef struct Foreign
{
	List	   *way;			/* NIL: left out of every row */
	Datum		columns;		/* text[] */
} Foreign;

/* One identity of a person. */
typedef struct Member
{
	int32		number;
	JpPseudonym pseudonym;
} Member;

/* What is exported so far. */
typedef struct Export
{
	JpReach    *reach;
	MemoryContext context;		/* where the arrays are */
	MemoryContext row_context;	/* reset after each row */
	ArrayBuildState *tables;	/* text: of each row its table */
	ArrayBuildState *rows;		/* jsonb */
} Export;

/* A sealed value that may be opened. */
typedef struct Opening
{
	const JpPseudonym *subject;
	Datum		value;
	const char *context;
	Datum	   *plain;
} Opening;

static void whole_person(const JpPseudonym *pseudonyms, int count,
						 JpSubject *subject);
static int	compare_members(const void *a, const void *b);
static void export_table(Export *exported, const JpReached *table);
static SPITupleTable *read_rows(const JpReached *table, const List *sealed,
								JpRow **rows, int count);
static JpRow *row_of(const Export *exported, const JpReached *table,
					 HeapTuple tuple, TupleDesc desc);
static List *foreign_columns(Oid relid);
static bool is_found_by(const JpReached *table, const JpRow *row,
						const List *way);
static List *sealed_columns(Oid relid);
static Datum open_columns(const Export *exported, Datum row,
						  const List *sealed, HeapTuple tuple, TupleDesc desc);
static bool open_value(const JpSubject *subject, Datum value,
					   const char *column, Datum *plain);
static bool unseal(void *arg);
static bool try_open(const JpPseudonym *subject, Datum value,
					 const char *context, Datum *plain);
static Datum whole_export(const Export *exported);
static char *pgcrypto_schema(void);

PG_FUNCTION_INFO_V1(jp_export_subject);
PG_FUNCTION_INFO_V1(jp_export_encrypted);

/* SQL: export_subject(subject). */
Datum
jp_export_subject(PG_FUNCTION_ARGS)
{
	jp_note_about(JP_NOTE_EXPORT, "export_subject", jp_subject_arg(fcinfo, 0), NULL);
	PG_RETURN_DATUM(jp_export_of(jp_subject_arg(fcinfo, 0), 1));
}

/* SQL: export_encrypted(subject, pgp_public_key). */
Datum
jp_export_encrypted(PG_FUNCTION_ARGS)
{
	Oid			types[2] = {JSONBOID, TEXTOID};
	Datum		values[2];
	const char *schema;
	Datum		message;
	bool		isnull;

	jp_note_about(JP_NOTE_EXPORT, "export_encrypted", jp_subject_arg(fcinfo, 0),
				  NULL);
	SPI_connect();
	schema = quote_identifier(pgcrypto_schema());
	values[0] = jp_export_of(jp_subject_arg(fcinfo, 0), 1);
	values[1] = PG_GETARG_DATUM(1);
	SPI_execute_with_args(psprintf("SELECT %s.armor(%s.pgp_pub_encrypt($1::text, %s.dearmor($2)))",
								   schema, schema, schema),
						  2, types, values, NULL, false, 0);
	message = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							&isnull);
	message = SPI_datumTransfer(message, false, -1);
	SPI_finish();
	PG_RETURN_DATUM(message);
}

/* Everything of a person as jsonb, in the caller's memory context. */
Datum
jp_export_of(const JpPseudonym *pseudonyms, int count)
{
	JpSubject	subject;
	JpHolds		holds = {0};
	Export		exported = {0};
	Datum		result;
	ListCell   *cell;

	SPI_connect();
	exported.context = CurrentMemoryContext;
	exported.row_context = AllocSetContextCreate(CurrentMemoryContext,
												 "journey_privacy exported row",
												 ALLOCSET_DEFAULT_SIZES);
	exported.tables = initArrayResult(TEXTOID, exported.context, false);
	exported.rows = initArrayResult(JSONBOID, exported.context, false);
	whole_person(pseudonyms, count, &subject);
	exported.reach = jp_reach(&subject, &holds);
	foreach(cell, exported.reach->tables)
		export_table(&exported, lfirst(cell));
	result = SPI_datumTransfer(whole_export(&exported), false, -1);
	SPI_finish();
	return result;
}

/* All identities of a person who may be several subjects, by number. */
static void
whole_person(const JpPseudonym *pseudonyms, int count, JpSubject *subject)
{
	Member	   *members = NULL;
	int			found = 0;
	int			i;
	int			j;

	jp_subject_get(pseudonyms, subject);
	if (count == 1)
		return;
	for (i = 0; i < count; i++)
	{
		JpSubject	one;

		jp_subject_get(&pseudonyms[i], &one);
		members = members == NULL ? palloc(one.count * sizeof(Member)) :
			repalloc(members, (found + one.count) * sizeof(Member));
		for (j = 0; j < one.count; j++)
		{
			members[found].number = one.numbers[j];
			members[found++].pseudonym = one.pseudonyms[j];
		}
	}
	qsort(members, found, sizeof(Member), compare_members);
	subject->pseudonyms = palloc(found * sizeof(JpPseudonym));
	subject->numbers = palloc(found * sizeof(int32));
	subject->count = 0;
	for (i = 0; i < found; i++)
	{
		if (i > 0 && compare_members(&members[i - 1], &members[i]) == 0)
			continue;
		subject->pseudonyms[subject->count] = members[i].pseudonym;
		subject->numbers[subject->count++] = members[i].number;
	}
}

/* Orders identities by number, then by pseudonym. */
static int
compare_members(const void *a, const void *b)
{
	const Member *x = a;
	const Member *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return memcmp(&x->pseudonym, &y->pseudonym, sizeof(JpPseudonym));
}

/* Adds the rows of a table. */
static void
export_table(Export *exported, const JpReached *table)
{
	JpRow	  **rows = palloc(Max(table->count, 1) * sizeof(JpRow *));
	Datum		name = CStringGetTextDatum(table->table);
	List	   *foreign = foreign_columns(table->relid);
	List	   *sealed = sealed_columns(table->relid);
	SPITupleTable *found;
	int			count = 0;
	int			i;

	for (i = 0; i < table->count; i++)
		if (jp_reached_exported(table, table->rows[i]))
			rows[count++] = table->rows[i];
	found = count == 0 ? NULL : read_rows(table, sealed, rows, count);
	pfree(rows);
	for (i = 0; i < count; i++)
	{
		MemoryContext before = MemoryContextSwitchTo(exported->row_context);
		JpRow	   *row = row_of(exported, table, found->vals[i], found->tupdesc);
		bool		isnull;
		Datum		value = SPI_getbinval(found->vals[i], found->tupdesc, 3, &isnull);
		ListCell   *cell;

		value = open_columns(exported, value, sealed, found->vals[i],
							 found->tupdesc);
		foreach(cell, foreign)
		{
			Foreign    *columns = lfirst(cell);

			if (!is_found_by(table, row, columns->way))
				value = DirectFunctionCall2(jsonb_delete_array, value,
											columns->columns);
		}
		accumArrayResult(exported->tables, name, false, TEXTOID, exported->context);
		accumArrayResult(exported->rows, value, false, JSONBOID, exported->context);
		MemoryContextSwitchTo(before);
		MemoryContextReset(exported->row_context);
	}
	if (found != NULL)
		SPI_freetuptable(found);
}

/* Whether a row is the subject's, by a way that is not left out. */
bool
jp_reached_exported(const JpReached *table, const JpRow *row)
{
	int			i;

	if (row->fate == JP_ROW_CLEAR)
		return false;
	for (i = 0; i < list_length(table->ways); i++)
	{
		const JpWay *way = list_nth(table->ways, i);

		if ((row->ways >> i & 1) != 0 && way->exported && way->fate != JP_ROW_CLEAR)
			return true;
	}
	return false;
}

/*
 * Reads rows as the table's owner: ctid, xmin, the row as jsonb, and its
 * sealed columns.
 */
static SPITupleTable *
read_rows(const JpReached *table, const List *sealed, JpRow **rows, int count)
{
	Oid			types[1] = {TIDARRAYOID};
	Datum		values[1] = {jp_rows_datum(rows, count)};
	StringInfoData sql;
	JpPrivilege before;
	ListCell   *cell;

	initStringInfo(&sql);
	/* t.* is the row even where a column is called t */
	appendStringInfoString(&sql, "SELECT t.ctid, t.xmin, pg_catalog.to_jsonb(t.*)");
	foreach(cell, sealed)
		appendStringInfo(&sql, ", t.%s", quote_identifier(strVal(lfirst(cell))));
	appendStringInfo(&sql, " FROM ONLY %s t WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1)"
					 " ORDER BY t.ctid", table->table);
	jp_act_as(table->owner, "pg_catalog, pg_temp", &before);
	if (SPI_execute_with_args(sql.data, 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the rows of a table");
	jp_restore(&before);
	pfree(sql.data);
	pfree(DatumGetPointer(values[0]));
	if (SPI_processed != count)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("rows of the subject in table %s were changed meanwhile",
						table->table),
				 errhint("Export again.")));
	return SPI_tuptable;
}

/* The row that the search has found where this one was read. */
static JpRow *
row_of(const Export *exported, const JpReached *table, HeapTuple tuple,
	   TupleDesc desc)
{
	bool		isnull;
	ItemPointer place = (ItemPointer)
		DatumGetPointer(SPI_getbinval(tuple, desc, 1, &isnull));
	TransactionId xmin = DatumGetTransactionId(SPI_getbinval(tuple, desc, 2,
															 &isnull));
	JpRowKey	key = {table->relid, place->ip_blkid.bi_hi,
		place->ip_blkid.bi_lo, place->ip_posid, 0
	};
	JpRow	   *row = hash_search(exported->reach->seen, &key, HASH_FIND, NULL);

	if (row == NULL || row->xmin != xmin)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("rows of the subject in table %s were changed meanwhile",
						table->table),
				 errhint("Export again.")));
	return row;
}

/*
 * Columns of a table that are somebody else's where the row was not found by
 * them: all that is redacted for those to whom a way leads, followed or not.
 * And columns with subject numbers, always.
 */
static List *
foreign_columns(Oid relid)
{
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	SPITupleTable *found;
	uint64		count;
	List	   *foreign = NIL;
	uint64		i;

	SPI_execute_with_args("WITH RECURSIVE up(relid) AS (SELECT $1 UNION SELECT i.inhparent"
						  "  FROM up JOIN pg_inherits i ON i.inhrelid = up.relid),"
						  " way(columns, redact) AS ("
						  "  SELECT d.child_columns, d.redact FROM journey_privacy.declared_link d"
						  "   JOIN up ON up.relid = d.child WHERE d.on_erase <> 'delete'"
						  "  UNION ALL SELECT ARRAY[p.subject_column], p.redact"
						  "   FROM journey_privacy.protection p WHERE p.relation = $1 AND p.on_erase <> 'delete')"
						  " SELECT w.columns, w.columns::text[] ||"
						  "  ARRAY(SELECT k FROM jsonb_object_keys(w.redact) k) FROM way w"
						  " UNION ALL SELECT NULL, ARRAY[p.number_column::text]"
						  "  FROM journey_privacy.protection p WHERE p.number_column IS NOT NULL"
						  "  AND (p.relation = $1 OR p.relation IN (SELECT d.source"
						  "   FROM journey_privacy.derived d WHERE d.relation = $1))",
						  1, types, values, NULL, false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		Foreign    *columns = palloc(sizeof(Foreign));
		bool		isnull;
		Datum		way = SPI_getbinval(found->vals[i], found->tupdesc, 1, &isnull);

		columns->way = isnull ? NIL : jp_name_list(way);
		columns->columns = PointerGetDatum(DatumGetArrayTypePCopy(SPI_getbinval(found->vals[i],
																				found->tupdesc,
																				2, &isnull)));
		foreign = lappend(foreign, columns);
	}
	SPI_freetuptable(found);
	return foreign;
}

/* Whether a row was found by these columns. */
static bool
is_found_by(const JpReached *table, const JpRow *row, const List *way)
{
	int			i;

	for (i = 0; i < list_length(table->ways); i++)
		if ((row->ways >> i & 1) != 0 && way != NIL &&
			equal(((JpWay *) list_nth(table->ways, i))->columns, way))
			return true;
	return false;
}

/* The columns of a table that hold sealed values. */
static List *
sealed_columns(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *sealed = NIL;
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (!column->attisdropped && getBaseType(column->atttypid) == jp_type("sealed"))
			sealed = lappend(sealed, makeString(pstrdup(NameStr(column->attname))));
	}
	table_close(rel, NoLock);
	return sealed;
}

/* A row with its sealed values opened, as far as they are the subject's. */
static Datum
open_columns(const Export *exported, Datum row, const List *sealed,
			 HeapTuple tuple, TupleDesc desc)
{
	int			i;

	for (i = 0; i < list_length(sealed); i++)
	{
		char	   *column = strVal(list_nth(sealed, i));
		bool		isnull;
		Datum		value = SPI_getbinval(tuple, desc, 4 + i, &isnull);
		Datum		name = CStringGetTextDatum(column);
		Datum		plain;

		if (isnull || !open_value(exported->reach->subject, value, column, &plain))
			continue;
		row = DirectFunctionCall2(jsonb_concat, row,
								  DirectFunctionCall2(jsonb_object_two_arg,
													  PointerGetDatum(construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT)),
													  PointerGetDatum(construct_array(&plain, 1, TEXTOID, -1, false, TYPALIGN_INT))));
	}
	return row;
}

/* Opens a sealed value; false when it is not the subject's to read. */
static bool
open_value(const JpSubject *subject, Datum value, const char *column,
		   Datum *plain)
{
	int			i;

	for (i = 0; i < subject->count; i++)
		if (try_open(&subject->pseudonyms[i], value, "", plain) ||
			try_open(&subject->pseudonyms[i], value, column, plain))
			return true;
	return false;
}

/*
 * Opens a sealed value of one identity in one context; false when it does
 * not open, or not any more.
 */
static bool
try_open(const JpPseudonym *subject, Datum value, const char *context,
		 Datum *plain)
{
	Opening		opening = {subject, value, context, plain};
	ErrorData  *error;
	bool		opened = jp_attempt(unseal, &opening, &error);

	/* Another's, or in another context; anything else is not for us. */
	if (error != NULL && error->sqlerrcode != ERRCODE_DATA_CORRUPTED)
		ReThrowError(error);
	return opened;
}

/* Opens it, or throws. */
static bool
unseal(void *arg)
{
	static SPIPlanPtr plan = NULL;
	const Opening *opening = arg;
	Oid			types[3] = {jp_type("pseudonym"), jp_type("sealed"), TEXTOID};
	Datum		values[3] = {PointerGetDatum(opening->subject), opening->value,
		CStringGetTextDatum(opening->context)
	};
	bool		isnull;
	Datum		plain;

	jp_execute(&plan, "SELECT journey_privacy.unseal($1, $2, $3)",
			   3, types, values, NULL, SPI_OK_SELECT);
	plain = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		*opening->plain = PointerGetDatum(DatumGetTextPCopy(plain));
	SPI_freetuptable(SPI_tuptable);
	return !isnull;
}

/* The exported rows by table, and what our own tables say of the subject. */
static Datum
whole_export(const Export *exported)
{
	const JpSubject *subject = exported->reach->subject;
	Oid			types[4] = {TEXTARRAYOID, JSONBARRAYOID, INT4OID,
		get_array_type(jp_type("pseudonym"))
	};
	Datum		values[4] = {makeArrayResult(exported->tables, exported->context),
		makeArrayResult(exported->rows, exported->context),
		Int32GetDatum(subject->count), jp_subject_pseudonyms(subject)
	};
	bool		isnull;

	SPI_execute_with_args("SELECT jsonb_build_object("
						  " 'tables', (SELECT coalesce(jsonb_object_agg(t.name, t.rows), '{}')"
						  "  FROM (SELECT u.name, jsonb_agg(u.value ORDER BY u.n) AS rows"
						  "        FROM unnest($1, $2) WITH ORDINALITY u(name, value, n) GROUP BY u.name) t),"
						  " 'identities', $3,"
						  " 'consent', (SELECT coalesce(jsonb_agg(jsonb_build_object("
						  "   'decision', e.decision, 'purpose', e.purpose, 'at', e.at,"
						  "   'source', e.source, 'document', e.document,"
						  "   'evidence', e.evidence, 'region', e.region) ORDER BY e.at, e.id), '[]')"
						  "  FROM journey_privacy.consent_event e"
						  "  WHERE e.subject OPERATOR(pg_catalog.=) ANY ($4)))",
						  4, types, values, NULL, false, 0);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
}

/* The schema of pgcrypto's functions. */
static char *
pgcrypto_schema(void)
{
	SPI_execute("SELECT n.nspname FROM pg_extension e JOIN pg_namespace n"
				" ON n.oid = e.extnamespace WHERE e.extname = 'pgcrypto'", true, 0);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension pgcrypto is not installed in this database"),
				 errhint("Run CREATE EXTENSION pgcrypto.")));
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}
