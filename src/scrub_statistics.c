/*
 * scrub_statistics.c
 *		The planner's statistics, which keep values of rows: most common
 *		values, bounds of histograms.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_statistic_ext_data.h"
#include "commands/vacuum.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "scrub.h"

static void delete_old(Oid catalog, Oid index, AttrNumber column, Oid value,
					   TransactionId before);

/* Deletes statistics that ANALYZE has not made anew. */
void
jp_scrub_old_statistics(Oid relid, TransactionId before)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	ListCell   *cell;

	if (rel == NULL)
		return;
	delete_old(StatisticRelationId, StatisticRelidAttnumInhIndexId,
			   Anum_pg_statistic_starelid, relid, before);
	foreach(cell, RelationGetIndexList(rel))
		delete_old(StatisticRelationId, StatisticRelidAttnumInhIndexId,
				   Anum_pg_statistic_starelid, lfirst_oid(cell), before);
	foreach(cell, RelationGetStatExtList(rel))
		delete_old(StatisticExtDataRelationId, StatisticExtDataStxoidInhIndexId,
				   Anum_pg_statistic_ext_data_stxoid, lfirst_oid(cell), before);
	relation_close(rel, NoLock);
}

/* Deletes the rows of a catalog with this key that are older. */
static void
delete_old(Oid catalog, Oid index, AttrNumber column, Oid value,
		   TransactionId before)
{
	Relation	rel = table_open(catalog, RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(value));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (TransactionIdPrecedes(HeapTupleHeaderGetXmin(tuple->t_data), before))
			CatalogTupleDelete(rel, &tuple->t_self);
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);
}

/*
 * Vacuums a catalog and its toast table in the transaction under way.  Not
 * the command, which asks who owns the catalog: old versions of its rows hold
 * values of tables that the caller owns.
 */
void
jp_scrub_vacuum_catalog(Oid relid)
{
	Relation	rel = relation_open(relid, ShareUpdateExclusiveLock);
	Oid			toast = rel->rd_rel->reltoastrelid;
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_VACUUM);
	VacuumParams params = {0};

	params.options = VACOPT_VACUUM;
	params.freeze_min_age = -1;
	params.freeze_table_age = -1;
	params.multixact_freeze_min_age = -1;
	params.multixact_freeze_table_age = -1;
	params.log_min_duration = -1;
	params.index_cleanup = VACOPTVALUE_ENABLED;
	params.truncate = VACOPTVALUE_DISABLED; /* it would lock everybody out */
	params.nworkers = -1;
	table_relation_vacuum(rel, &params, strategy);
	FreeAccessStrategy(strategy);
	relation_close(rel, NoLock);
	if (OidIsValid(toast))
		jp_scrub_vacuum_catalog(toast);
}
