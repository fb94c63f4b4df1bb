/*
 * scrub_targets.c
 *		Which tables, indexes and materialized views a call of scrub() is for,
 *		and who stands in its way.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "catalog.h"
#include "collection.h"
#include "scrub.h"

static JpScrubTarget *target_of(SPITupleTable *found, uint64 i);
static bool numbers_name_people(Oid relid);
static bool may_be_personal(Relation table, Relation index, bool numbers);
static bool is_personal_column(Form_pg_attribute column, const char *subject,
							   bool numbers);
static bool is_usable(Relation index);
static SPITupleTable *select_as_owner(const char *sql, Oid type, Datum value,
									  bool isnull);

/*
 * Tables with their partitions and children; parents above them, for their
 * statistics are of these rows too; materialized views at any depth.  Not
 * declared_link: it names nobody, and erasures keep it locked, for which we
 * would wait with a lock that they wait for.
 */
static const char *const targets_query =
"WITH RECURSIVE scope(relid) AS ("
" (SELECT $1 WHERE $1 IS NOT NULL"
"  UNION SELECT p.relation FROM journey_privacy.protection p WHERE $1 IS NULL"
"  UNION SELECT d.relation FROM journey_privacy.derived d WHERE $1 IS NULL"
"  UNION SELECT c.oid FROM pg_class c WHERE $1 IS NULL AND c.relkind = 'r'"
"   AND c.relnamespace = 'journey_privacy'::regnamespace"
"   AND c.oid <> 'journey_privacy.declared_link'::regclass)"
" UNION"
" SELECT x.relid FROM scope s, LATERAL ("
"   SELECT c.conrelid AS relid FROM pg_constraint c"
"    WHERE $1 IS NULL AND c.contype = 'f' AND c.confrelid = s.relid"
"   UNION ALL SELECT l.child FROM journey_privacy.declared_link l"
"    WHERE $1 IS NULL AND l.parent = s.relid"
"   UNION ALL SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = s.relid"
"   UNION ALL SELECT i.inhparent FROM pg_inherits i"
"    WHERE $1 IS NULL AND i.inhrelid = s.relid) x),"
" above(relid) AS ("
" SELECT relid FROM scope"
" UNION SELECT i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.relid),"
" made(relid, depth) AS ("
" SELECT relid, 0 FROM above"
" UNION SELECT c.oid, m.depth + 1 FROM made m"
"  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = m.relid"
"   AND d.classid = 'pg_rewrite'::regclass"
"  JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> m.relid"
"  JOIN pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm'))"
" SELECT c.oid, c.relkind, c.relkind = 'm' OR c.oid IN (SELECT relid FROM scope),"
"  coalesce((SELECT a.relid FROM pg_partition_ancestors(c.oid) WITH ORDINALITY a(relid, n)"
"   ORDER BY a.n DESC LIMIT 1), c.oid),"
"  format('%I.%I', n.nspname, c.relname)"
" FROM (SELECT relid, max(depth) AS depth FROM made GROUP BY relid) t"
" JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
" WHERE c.relkind IN ('r', 'p', 'm')"
" AND (c.relpersistence <> 't' OR c.relnamespace = pg_my_temp_schema())"
" ORDER BY c.relkind = 'm', t.depth, c.oid";

/* What REINDEX CONCURRENTLY leaves when it is stopped, the old or the new one. */
static const char *const leftovers_query =
"SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index i"
" JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
" WHERE i.indrelid = $1 AND NOT i.indisvalid AND c.relkind = 'i'"
"  AND c.relname ~ '_cc(old|new)[0-9]*$'";

/* Whoever has a transaction id or snapshot that is as old as $1 or older. */
static const char *const holders_query =
"SELECT string_agg(h.name, ', ') FROM ("
" SELECT CASE WHEN a.backend_type = 'walsender' THEN format('standby %I (process %s)', a.application_name, a.pid)"
"  ELSE 'process ' || a.pid END AS name"
" FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid()"
"  AND greatest(age(a.backend_xmin), age(a.backend_xid)) >= age($1)"
"  AND coalesce(a.datname = current_database(), true)"
"  AND a.pid NOT IN (SELECT v.pid FROM pg_stat_progress_vacuum v)"
" UNION ALL SELECT format('prepared transaction %L', p.gid) FROM pg_prepared_xacts p"
"  WHERE p.database = current_database() AND age(p.transaction) >= age($1)"
" UNION ALL SELECT format('replication slot %I', s.slot_name) FROM pg_replication_slots s"
"  WHERE greatest(age(s.xmin), age(s.catalog_xmin)) >= age($1)) h";

/* All that a call is for. */
List *
jp_scrub_targets(Oid relid)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *targets = NIL;
	SPITupleTable *found;
	uint64		i;

	SPI_connect();
	found = select_as_owner(targets_query, OIDOID, ObjectIdGetDatum(relid),
							!OidIsValid(relid));
	for (i = 0; i < found->numvals; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		targets = lappend(targets, target_of(found, i));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return targets;
}

/* One of them. */
static JpScrubTarget *
target_of(SPITupleTable *found, uint64 i)
{
	JpScrubTarget *target = palloc0(sizeof(JpScrubTarget));
	HeapTuple	row = found->vals[i];
	bool		isnull;

	target->relid = DatumGetObjectId(SPI_getbinval(row, found->tupdesc, 1, &isnull));
	target->kind = DatumGetChar(SPI_getbinval(row, found->tupdesc, 2, &isnull));
	target->whole = DatumGetBool(SPI_getbinval(row, found->tupdesc, 3, &isnull));
	target->root = DatumGetObjectId(SPI_getbinval(row, found->tupdesc, 4, &isnull));
	target->name = SPI_getvalue(row, found->tupdesc, 5);
	return target;
}

/* Who keeps deleted rows; an empty string when nobody is found any more. */
char *
jp_scrub_holders(TransactionId newest)
{
	MemoryContext caller = CurrentMemoryContext;
	SPITupleTable *found;
	char	   *names;

	SPI_connect();
	found = select_as_owner(holders_query, XIDOID, TransactionIdGetDatum(newest),
							false);
	names = SPI_getvalue(found->vals[0], found->tupdesc, 1);
	names = MemoryContextStrdup(caller, names == NULL ? "" : names);
	SPI_finish();
	return names;
}

/* Names of indexes that were being built when somebody stopped it. */
List *
jp_scrub_leftovers(Oid relid)
{
	MemoryContext caller = CurrentMemoryContext;
	SPITupleTable *found;
	List	   *names = NIL;
	uint64		i;

	SPI_connect();
	found = select_as_owner(leftovers_query, OIDOID, ObjectIdGetDatum(relid),
							false);
	for (i = 0; i < found->numvals; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		names = lappend(names, SPI_getvalue(found->vals[i], found->tupdesc, 1));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return names;
}

/* The indexes whose keys outlive VACUUM and may be personal data. */
List *
jp_scrub_indexes(Oid relid)
{
	Relation	table = try_relation_open(relid, AccessShareLock);
	bool		numbers = numbers_name_people(relid);
	List	   *indexes = NIL;
	ListCell   *cell;

	if (table == NULL)
		return NIL;
	foreach(cell, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (may_be_personal(table, index, numbers))
		{
			JpScrubIndex *found = palloc(sizeof(JpScrubIndex));

			found->name = jp_qualified_name(index);
			found->exclusion = index->rd_index->indisexclusion;
			indexes = lappend(indexes, found);
		}
		index_close(index, NoLock);
	}
	relation_close(table, NoLock);
	return indexes;
}

/*
 * Whether whole numbers in a table may be those of customers: it is not
 * protected, so nobody said which, and some other table has such subjects.
 */
static bool
numbers_name_people(Oid relid)
{
	bool		found;

	if (jp_protection_find(relid) != NULL)
		return false;
	SPI_connect();
	found = select_as_owner("SELECT FROM journey_privacy.protection p"
							" JOIN pg_attribute a ON a.attrelid = p.relation AND a.attname = p.subject_column"
							" WHERE a.atttypid = ANY ('{int2,int4,int8}'::regtype[]) AND a.attrelid <> $1 LIMIT 1",
							OIDOID, ObjectIdGetDatum(relid), false)->numvals > 0;
	SPI_finish();
	return found;
}

/* Whether an index has to be built anew.  Hash indexes hold no keys. */
static bool
may_be_personal(Relation table, Relation index, bool numbers)
{
	const JpProtection *protection = jp_protection_find(RelationGetRelid(table));
	int			i;

	if (index->rd_rel->relam == HASH_AM_OID)
		return false;
	for (i = 0; i < index->rd_index->indnatts; i++)
	{
		AttrNumber	column = index->rd_index->indkey.values[i];

		if (column == 0)
			return true;		/* an expression */
		if (column > 0 &&
			is_personal_column(TupleDescAttr(RelationGetDescr(table), column - 1),
							   protection == NULL ? NULL :
							   NameStr(protection->subject_column), numbers))
			return true;
	}
	return false;
}

/* Whether values of a column may be personal data: all that are not listed. */
static bool
is_personal_column(Form_pg_attribute column, const char *subject, bool numbers)
{
	if (subject != NULL && strcmp(NameStr(column->attname), subject) == 0)
		return true;
	switch (getBaseType(column->atttypid))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return numbers;
		case BOOLOID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return false;
		default:
			return true;
	}
}

/* A table and its toast table, and their indexes. */
List *
jp_scrub_relations(Oid relid, bool indexes, bool tables)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	List	   *relations = NIL;
	Oid			toast;

	if (rel == NULL)
		return NIL;
	if (tables && RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
		relations = lappend_oid(relations, relid);
	if (indexes && rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		relations = list_concat(relations, RelationGetIndexList(rel));
	toast = rel->rd_rel->reltoastrelid;
	relation_close(rel, NoLock);
	if (OidIsValid(toast))
		relations = list_concat(relations,
								jp_scrub_relations(toast, indexes, tables));
	return relations;
}

/* Whether a materialized view can be refreshed concurrently. */
bool
jp_scrub_refreshable(Oid relid, bool *populated)
{
	Relation	rel = table_open(relid, AccessShareLock);
	bool		found = false;
	ListCell   *cell;

	*populated = RelationIsPopulated(rel);
	foreach(cell, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		found |= is_usable(index);
		index_close(index, NoLock);
	}
	table_close(rel, NoLock);
	return found;
}

/* Whether an index tells rows apart, as REFRESH ... CONCURRENTLY wants. */
static bool
is_usable(Relation index)
{
	Form_pg_index form = index->rd_index;
	int			i;

	if (!form->indisunique || !form->indimmediate || !form->indisvalid ||
		index->rd_rel->relam != BTREE_AM_OID ||
		RelationGetIndexPredicate(index) != NIL)
		return false;
	for (i = 0; i < form->indnatts; i++)
		if (form->indkey.values[i] <= 0)
			return false;
	return true;
}

/*
 * Selects with one parameter and the rights of the extension's owner.  To
 * compile it would take longer than most tables do.
 */
static SPITupleTable *
select_as_owner(const char *sql, Oid type, Datum value, bool isnull)
{
	JpPrivilege before;

	jp_elevate(&before);
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_execute_with_args(sql, 1, &type, &value, isnull ? "n" : " ",
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for what is to be scrubbed");
	jp_restore(&before);
	return SPI_tuptable;
}
