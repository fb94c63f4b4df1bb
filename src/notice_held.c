/*
 * notice_held.c
 *		What is held of a subject: the rows that erasing would reach and
 *		exporting would give, counted with the span of their times.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "collection.h"
#include "erasure.h"
#include "notice_held.h"

static JpHeldRows *held_in(List **held, Oid relid);
static void count_rows(const JpReached *table, JpRow **rows, int count,
					   JpHeldRows *into);
static Oid	topmost(Oid relid);
static void widen(JpHeldRows *held, TimestampTz first, TimestampTz last);

/* What is held, table by table. */
List *
jp_held_rows(const JpSubject *subject)
{
	JpHolds		holds = {0};
	List	   *held = NIL;
	ListCell   *cell;

	foreach(cell, jp_reach(subject, &holds)->tables)
	{
		const JpReached *table = lfirst(cell);
		JpRow	  **rows = palloc(Max(table->count, 1) * sizeof(JpRow *));
		int			count = 0;
		int			i;

		CHECK_FOR_INTERRUPTS();
		for (i = 0; i < table->count; i++)
			if (jp_reached_exported(table, table->rows[i]))
				rows[count++] = table->rows[i];
		if (count > 0)
			count_rows(table, rows, count, held_in(&held, topmost(table->relid)));
		pfree(rows);
	}
	return held;
}

/* The account of a table, begun if need be. */
static JpHeldRows *
held_in(List **held, Oid relid)
{
	JpHeldRows *new;
	ListCell   *cell;

	foreach(cell, *held)
		if (((JpHeldRows *) lfirst(cell))->relid == relid)
			return lfirst(cell);
	new = palloc0(sizeof(JpHeldRows));
	new->relid = relid;
	*held = lappend(*held, new);
	return new;
}

/* Counts rows as the table's owner, with their times where they have any. */
static void
count_rows(const JpReached *table, JpRow **rows, int count, JpHeldRows *into)
{
	const JpProtection *protection = jp_protection_find(table->relid);
	const char *at = protection == NULL || NameStr(protection->occurred_at)[0] == '\0' ?
		"NULL" : psprintf("t.%s", quote_identifier(NameStr(protection->occurred_at)));
	Oid			types[1] = {TIDARRAYOID};
	Datum		values[1] = {jp_rows_datum(rows, count)};
	char	   *sql = psprintf("SELECT pg_catalog.count(*), pg_catalog.min(%s::pg_catalog.timestamptz),"
							   " pg_catalog.max(%s::pg_catalog.timestamptz)"
							   " FROM ONLY %s t WHERE t.ctid OPERATOR(pg_catalog.=) ANY ($1)",
							   at, at, table->table);
	JpPrivilege before;
	bool		isnull;
	Datum		first;

	jp_act_as(table->owner, "pg_catalog, pg_temp", &before);
	if (SPI_execute_with_args(sql, 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count the rows of a table");
	jp_restore(&before);
	into->rows += DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
											  SPI_tuptable->tupdesc, 1, &isnull));
	first = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
	if (!isnull)
		widen(into, DatumGetTimestampTz(first),
			  DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
												SPI_tuptable->tupdesc, 3, &isnull)));
	SPI_freetuptable(SPI_tuptable);
	pfree(DatumGetPointer(values[0]));
	pfree(sql);
}

/* Takes a span of times in. */
static void
widen(JpHeldRows *held, TimestampTz first, TimestampTz last)
{
	held->first = held->dated ? Min(held->first, first) : first;
	held->last = held->dated ? Max(held->last, last) : last;
	held->dated = true;
}

/* The table that a partition or child is a part of, at any depth. */
static Oid
topmost(Oid relid)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	bool		isnull;
	Datum		top;

	jp_execute(&plan,
			   "WITH RECURSIVE up(relid, depth) AS (SELECT $1, 0 UNION ALL"
			   " SELECT i.inhparent, u.depth + 1 FROM up u JOIN pg_inherits i ON i.inhrelid = u.relid"
			   "  AND i.inhseqno = 1)"
			   " SELECT relid FROM up ORDER BY depth DESC LIMIT 1",
			   1, types, values, NULL, SPI_OK_SELECT);
	top = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	SPI_freetuptable(SPI_tuptable);
	return DatumGetObjectId(top);
}
