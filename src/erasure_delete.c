/*
 * erasure_delete.c
 *		Carries out what the search has found: rows redacted, then deleted,
 *		component by component, a large table in batches by its place on disk.
 *
 * Everything is done as the owner of the table, restricted as in VACUUM: the
 * owner's code runs with the owner's rights only.  Triggers look names up in
 * the schemas of the tables, not where the caller says.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "collection.h"
#include "erasure.h"

/* So many rows go between two commits. */
#define BATCH	10000

static int64 erase_component(List *tables, JpErasing *erasing);
static int64 erase_single(JpReached *table, JpErasing *erasing);
static int64 delete_together(List *tables, JpErasing *erasing);
static int64 redact_rows(JpReached *table, JpErasing *erasing);
static int64 redact_alike(JpReached *table, uint64 ways, JpRow **rows, int count);
static Jsonb *merged_redaction(const JpReached *table, uint64 ways);
static void end_batch(JpErasing *erasing);
static bool goes(const JpRow *row);
static JpRow **going_rows(const JpReached *table, int *count);
static int	compare_places(const void *a, const void *b);
static int	compare_ways(const void *a, const void *b);
static void refuse_kept(const JpReached *table);

/* Carries out what the search has found. */
int64
jp_erase_reached(JpReach *reach, JpErasing *erasing)
{
	int			count = list_length(reach->tables);
	int64		rows = 0;
	int			first;
	int			last;

	for (first = 0; first < count && !erasing->stopped; first = last)
	{
		int			component = ((JpReached *) list_nth(reach->tables, first))->component;
		List	   *tables = NIL;

		for (last = first; last < count; last++)
		{
			JpReached  *table = list_nth(reach->tables, last);

			if (table->component != component)
				break;
			tables = lappend(tables, table);
		}
		rows += erase_component(tables, erasing);
	}
	return rows;
}

/* Erases the rows of tables that belong to each other. */
static int64
erase_component(List *tables, JpErasing *erasing)
{
	JpReached  *only = linitial(tables);
	int64		rows = 0;
	ListCell   *cell;
	List	   *run = NIL;

	foreach(cell, tables)
	{
		JpReached  *table = lfirst(cell);
		int64		cleared = jp_reached_cleared(table);

		if (cleared > 0)
			erasing->done(erasing->arg, table, "clear reference", cleared);
		rows += redact_rows(table, erasing);
	}
	if (list_length(tables) == 1 && !only->refers_to_itself)
		return rows + erase_single(only, erasing);

	/* One statement for each run of tables of one owner. */
	foreach(cell, tables)
	{
		JpReached  *table = lfirst(cell);

		if (run != NIL && ((JpReached *) linitial(run))->owner != table->owner)
		{
			rows += delete_together(run, erasing);
			run = NIL;
		}
		run = lappend(run, table);
	}
	rows += delete_together(run, erasing);
	if (rows > BATCH)
		end_batch(erasing);
	return rows;
}

/* Deletes the rows of a table that nothing in it refers to, in batches. */
static int64
erase_single(JpReached *table, JpErasing *erasing)
{
	int			count;
	JpRow	  **rows = going_rows(table, &count);
	JpReached	part = *table;
	int64		deleted = 0;
	int			first;

	for (first = 0; first < count; first += BATCH)
	{
		part.rows = rows + first;
		part.count = Min(BATCH, count - first);
		if (first > 0)
			end_batch(erasing);
		if (erasing->stopped)
			return deleted;
		deleted += delete_together(list_make1(&part), erasing);
	}
	if (count > BATCH)
		end_batch(erasing);
	return deleted;
}

/* Commits what was done so far. */
static void
end_batch(JpErasing *erasing)
{
	if (erasing->commit != NULL && !erasing->commit(erasing->arg))
		erasing->stopped = true;
}

/*
 * Deletes rows of some tables, all of one owner, in one statement, so that
 * foreign keys between them are checked when all are gone.
 */
static int64
delete_together(List *tables, JpErasing *erasing)
{
	int			count = list_length(tables);
	Oid		   *types = palloc(2 * count * sizeof(Oid));
	Datum	   *values = palloc(2 * count * sizeof(Datum));
	int		   *wanted = palloc(count * sizeof(int));
	StringInfoData sql;
	StringInfoData counts;
	StringInfoData path;
	JpPrivilege before;
	SPITupleTable *found;
	int64		total = 0;
	int			i;

	initStringInfo(&sql);
	initStringInfo(&counts);
	initStringInfo(&path);
	for (i = 0; i < count; i++)
	{
		JpReached  *table = list_nth(tables, i);
		JpRow	  **rows = going_rows(table, &wanted[i]);

		total += wanted[i];
		types[2 * i] = TIDARRAYOID;
		values[2 * i] = jp_rows_datum(rows, wanted[i]);
		types[2 * i + 1] = get_array_type(XIDOID);
		values[2 * i + 1] = jp_xmins_datum(rows, wanted[i]);
		appendStringInfo(&sql, "%s d%d AS (DELETE FROM ONLY %s"
						 " WHERE ctid OPERATOR(pg_catalog.=) ANY ($%d)"
						 " AND xmin OPERATOR(pg_catalog.=) ANY ($%d) RETURNING 1)",
						 i == 0 ? "WITH" : ",", i, table->table, 2 * i + 1, 2 * i + 2);
		appendStringInfo(&counts, "%s (SELECT pg_catalog.count(*) FROM d%d)",
						 i == 0 ? " SELECT" : ",", i);
		appendStringInfo(&path, "%s, ",
						 quote_identifier(get_namespace_name(get_rel_namespace(table->relid))));
	}
	if (total == 0)
		return 0;
	appendStringInfoString(&path, "pg_temp");
	appendStringInfoString(&sql, counts.data);

	jp_act_as(((JpReached *) linitial(tables))->owner, path.data, &before);
	SPI_execute_with_args(sql.data, 2 * count, types, values, NULL, false, 0);
	jp_restore(&before);
	found = SPI_tuptable;

	total = 0;
	for (i = 0; i < count; i++)
	{
		JpReached  *table = list_nth(tables, i);
		bool		isnull;
		int64		deleted = DatumGetInt64(SPI_getbinval(found->vals[0],
														  found->tupdesc, i + 1,
														  &isnull));

		if (erasing->strict && deleted != wanted[i])
			refuse_kept(table);
		if (deleted > 0)
			erasing->done(erasing->arg, table, "delete", deleted);
		total += deleted;
	}
	SPI_freetuptable(found);
	return total;
}

/* Says that a table does not let go of its rows. */
static void
refuse_kept(const JpReached *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("not all rows to be erased from table %s could be deleted",
					table->table),
			 errhint("Look for a trigger or rule on DELETE that keeps rows.")));
}

/* Redacts the rows of a table, those found by the same ways at once. */
static int64
redact_rows(JpReached *table, JpErasing *erasing)
{
	JpRow	  **rows = palloc(Max(table->count, 1) * sizeof(JpRow *));
	int64		redacted = 0;
	int			count = 0;
	int			first;
	int			i;

	for (i = 0; i < table->count; i++)
		if (table->rows[i]->pending && !table->rows[i]->withheld &&
			table->rows[i]->fate != JP_ROW_DELETE)
			rows[count++] = table->rows[i];
	qsort(rows, count, sizeof(JpRow *), compare_ways);
	for (first = 0; first < count; first = i)
	{
		for (i = first; i < count && rows[i]->ways == rows[first]->ways; i++)
			;
		redacted += redact_alike(table, rows[first]->ways, rows + first, i - first);
	}
	if (erasing->strict && redacted != count)
		refuse_kept(table);
	if (redacted > 0)
		erasing->done(erasing->arg, table, "redact", redacted);
	pfree(rows);
	return redacted;
}

/* Redacts rows that were found by the same ways. */
static int64
redact_alike(JpReached *table, uint64 ways, JpRow **rows, int count)
{
	JpRedaction *redaction = jp_redaction_read(table->relid,
											   merged_redaction(table, ways));
	Oid			types[2] = {TIDARRAYOID, get_array_type(XIDOID)};
	Datum		values[2] = {jp_rows_datum(rows, count), jp_xmins_datum(rows, count)};
	char	   *path = psprintf("%s, pg_temp",
								quote_identifier(get_namespace_name(get_rel_namespace(table->relid))));
	JpPrivilege before;

	jp_act_as(table->owner, path, &before);
	jp_guard_redacting(table->relid);
	PG_TRY();
	{
		SPI_execute_with_args(psprintf("UPDATE ONLY %s t SET %s"
									   " WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1)"
									   " AND t.xmin OPERATOR(pg_catalog.=) ANY ($2)",
									   table->table, redaction->set),
							  2, types, values, NULL, false, 0);
	}
	PG_FINALLY();
	{
		jp_guard_redacting(InvalidOid);
	}
	PG_END_TRY();
	jp_restore(&before);
	return SPI_processed;
}

/* What several ways together ask for. */
static Jsonb *
merged_redaction(const JpReached *table, uint64 ways)
{
	Jsonb	   *merged = NULL;
	int			i;

	for (i = 0; i < list_length(table->ways); i++)
	{
		JpWay	   *way = list_nth(table->ways, i);

		if ((ways >> i & 1) == 0 || way->redact == NULL)
			continue;
		merged = merged == NULL ? way->redact :
			DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(merged),
											   JsonbPGetDatum(way->redact)));
	}
	return merged;
}

/* Whether a row is to be deleted. */
static bool
goes(const JpRow *row)
{
	return row->fate == JP_ROW_DELETE && !row->withheld;
}

/* The rows to be deleted, by their place on disk. */
static JpRow **
going_rows(const JpReached *table, int *count)
{
	JpRow	  **rows = palloc(Max(table->count, 1) * sizeof(JpRow *));
	int			i;

	*count = 0;
	for (i = 0; i < table->count; i++)
		if (goes(table->rows[i]))
			rows[(*count)++] = table->rows[i];
	qsort(rows, *count, sizeof(JpRow *), compare_places);
	return rows;
}

/* Orders rows by their place on disk. */
static int
compare_places(const void *a, const void *b)
{
	const JpRowKey *x = &(*(JpRow *const *) a)->key;
	const JpRowKey *y = &(*(JpRow *const *) b)->key;
	uint64		at_x = ((uint64) x->block_high << 32) | ((uint64) x->block_low << 16) | x->offset;
	uint64		at_y = ((uint64) y->block_high << 32) | ((uint64) y->block_low << 16) | y->offset;

	return at_x < at_y ? -1 : at_x > at_y;
}

/* Orders rows by the ways by which they were found. */
static int
compare_ways(const void *a, const void *b)
{
	uint64		x = (*(JpRow *const *) a)->ways;
	uint64		y = (*(JpRow *const *) b)->ways;

	return x < y ? -1 : x > y;
}

/* Counts of what is still to be done to a table's rows. */
int64
jp_reached_deleted(const JpReached *table)
{
	int64		count = 0;
	int			i;

	for (i = 0; i < table->count; i++)
		count += goes(table->rows[i]);
	return count;
}

int64
jp_reached_redacted(const JpReached *table)
{
	int64		count = 0;
	int			i;

	for (i = 0; i < table->count; i++)
		count += table->rows[i]->pending && !table->rows[i]->withheld &&
			table->rows[i]->fate != JP_ROW_DELETE;
	return count;
}

int64
jp_reached_cleared(const JpReached *table)
{
	int64		count = 0;
	int			i;

	for (i = 0; i < table->count; i++)
		count += table->rows[i]->fate == JP_ROW_CLEAR && table->rows[i]->clears &&
			!table->rows[i]->withheld;
	return count;
}

int64
jp_reached_withheld(const JpReached *table)
{
	int64		count = 0;
	int			i;

	for (i = 0; i < table->count; i++)
		count += table->rows[i]->withheld;
	return count;
}

/* Rows as a tid[]. */
Datum
jp_rows_datum(JpRow *const *rows, int count)
{
	ItemPointerData *ctids = palloc(Max(count, 1) * sizeof(ItemPointerData));
	Datum	   *values = palloc(Max(count, 1) * sizeof(Datum));
	ArrayType  *array;
	int			i;

	for (i = 0; i < count; i++)
	{
		ctids[i].ip_blkid.bi_hi = rows[i]->key.block_high;
		ctids[i].ip_blkid.bi_lo = rows[i]->key.block_low;
		ctids[i].ip_posid = rows[i]->key.offset;
		values[i] = PointerGetDatum(&ctids[i]);
	}
	array = construct_array(values, count, TIDOID, sizeof(ItemPointerData),
							false, TYPALIGN_SHORT);
	pfree(values);
	pfree(ctids);
	return PointerGetDatum(array);
}

/* The transactions that made rows, as a xid[]. */
Datum
jp_xmins_datum(JpRow *const *rows, int count)
{
	Datum	   *values = palloc(Max(count, 1) * sizeof(Datum));
	ArrayType  *array;
	int			distinct = 0;
	int			i;

	for (i = 0; i < count; i++)
		if (i == 0 || rows[i]->xmin != rows[i - 1]->xmin)
			values[distinct++] = TransactionIdGetDatum(rows[i]->xmin);
	array = construct_array(values, distinct, XIDOID, sizeof(TransactionId), true,
							TYPALIGN_INT);
	pfree(values);
	return PointerGetDatum(array);
}
