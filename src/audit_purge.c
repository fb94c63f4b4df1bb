/*
 * audit_purge.c
 *		The end of old entries: whole months go, and leave behind the hashes
 *		that proofs of later entries need.
 *
 * The nodes from level 8 up are kept for ever (a hash for 256 entries).  Below
 * that only the subtrees of the block that the purge cuts through are needed.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit_internal.h"
#include "catalog.h"

static uint64 drop_months(char **names, uint64 count);
static void keep_nodes(uint64 end);
static uint64 end_of(char **names, uint64 count);
static void set_first(uint64 first);

PG_FUNCTION_INFO_V1(jp_purge_audit);

/* SQL: purge_audit(keep). */
Datum
jp_purge_audit(PG_FUNCTION_ARGS)
{
	Interval   *keep = PG_GETARG_INTERVAL_P(0);
	Oid			types[1] = {INTERVALOID};
	Datum		values[1] = {IntervalPGetDatum(keep)};
	char	  **names;
	uint64		count;
	uint64		purged = 0;
	uint64		i;

	jp_require_read_committed("purge_audit");
	if (keep->month < 0 || keep->day < 0 || keep->time < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no part of what is kept may be negative")));
	jp_audit_checkpoint();
	SPI_connect();
	SPI_execute_with_args("SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
						  " WHERE i.inhparent = 'journey_privacy.audit_entry'::regclass"
						  " AND ((to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC')"
						  "  <= now() - $1 ORDER BY 1",
						  1, types, values, NULL, false, 0);
	count = SPI_processed;
	names = palloc(sizeof(char *) * (count + 1));
	for (i = 0; i < count; i++)
		names[i] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
	if (count > 0)
		purged = drop_months(names, count);
	SPI_finish();
	if (count > 0)
		jp_note(JP_NOTE_AUDIT, "purge_audit", InvalidOid, purged, NULL);
	PG_RETURN_INT64(purged);
}

/* Drops months, after making sure that nothing in them was changed. */
static uint64
drop_months(char **names, uint64 count)
{
	uint64		first = jp_audit_first();
	uint64		end = end_of(names, count);
	uint64		i;

	if (end > first)
	{
		jp_audit_require_whole(end);
		keep_nodes(end);
		set_first(end);
	}
	for (i = 0; i < count; i++)
	{
		const char *name = quote_identifier(names[i]);

		SPI_execute(psprintf("ALTER EXTENSION journey_privacy DROP TABLE journey_privacy.%s",
							 name), false, 0);
		SPI_execute(psprintf("DROP TABLE journey_privacy.%s", name), false, 0);
	}
	return end > first ? end - first : 0;
}

/* Keeps the nodes below level 8 that lie before the first entry to stay. */
static void
keep_nodes(uint64 end)
{
	uint64		begin = end >> JP_NODE_LEVEL << JP_NODE_LEVEL;

	while (begin < end)
	{
		int			level = 0;
		JpHash		hash;

		while (((begin >> level) & 1) == 0 &&
			   begin + ((uint64) 2 << level) <= end)
			level++;
		jp_node_read(NULL, level, begin >> level, &hash);
		jp_node_write(level, begin >> level, &hash);
		begin += (uint64) 1 << level;
	}
}

/* The number after the last entry in months; 0 when there is none in them. */
static uint64
end_of(char **names, uint64 count)
{
	uint64		end = 0;
	bool		isnull;
	uint64		i;

	for (i = 0; i < count; i++)
	{
		SPI_execute(psprintf("SELECT coalesce(max(number) + 1, 0) FROM journey_privacy.%s",
							 quote_identifier(names[i])), false, 0);
		end = Max(end, (uint64) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
															SPI_tuptable->tupdesc,
															1, &isnull)));
	}
	return end;
}

static void
set_first(uint64 first)
{
	Oid			types[1] = {INT8OID};
	Datum		values[1] = {Int64GetDatum(first)};

	SPI_execute_with_args("UPDATE journey_privacy.audit_tree SET first = $1",
						  1, types, values, NULL, false, 0);
}
