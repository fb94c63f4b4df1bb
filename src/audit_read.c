/*
 * audit_read.c
 *		Reading entries in the order of their numbers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#include "audit_internal.h"
#include "catalog.h"

#define FETCH	1000

/* Begins to read entries first to end - 1; SPI is connected. */
void
jp_entries_begin(JpEntries *entries, uint64 first, uint64 end)
{
	Oid			types[2] = {INT8OID, INT8OID};
	Datum		values[2] = {Int64GetDatum(first), Int64GetDatum(end)};

	entries->portal =
		SPI_cursor_open_with_args(NULL, "SELECT * FROM journey_privacy.audit_entry"
								  " WHERE number >= $1 AND number < $2 ORDER BY number",
								  2, types, values, NULL, false, 0);
	entries->table = NULL;
	entries->at = 0;
}

/* The next entry's row, which lives until the one after it; false at the end. */
bool
jp_entries_next(JpEntries *entries, Datum *values, bool *nulls)
{
	if (entries->table == NULL || entries->at == entries->table->numvals)
	{
		if (entries->table != NULL)
			SPI_freetuptable(entries->table);
		SPI_cursor_fetch(entries->portal, true, FETCH);
		entries->table = SPI_tuptable;
		entries->at = 0;
		if (SPI_processed == 0)
			return false;
	}
	heap_deform_tuple(entries->table->vals[entries->at++],
					  entries->table->tupdesc, values, nulls);
	return true;
}

/* Ends reading. */
void
jp_entries_end(JpEntries *entries)
{
	SPI_cursor_close(entries->portal);
}
