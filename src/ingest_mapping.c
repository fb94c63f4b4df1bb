/*
 * ingest_mapping.c
 *		Where events of mParticle go: map_mparticle() and what it registered.
 *
 * A mapping is read for each batch, together with the table as it is then,
 * under the lock that writing to it needs; so nothing here can be stale.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "ingest.h"
#include "journey_privacy.h"
#include "note.h"
#include "policy_protect.h"
#include "pseudonym_internal.h"

/* Columns of table mparticle_mapping, in the order of CREATE TABLE. */
enum
{
	RELATION = 1, ID, EVENT_COLUMN, PROPS_COLUMN, EVENT_ID_COLUMN, COLUMNS,
	IDENTITIES, EVENT_TYPES, DEVELOPMENT, MERGE
};

/* The arguments of map_mparticle(). */
enum
{
	ARG_TABLE, ARG_EVENT, ARG_PROPS, ARG_EVENT_ID, ARG_COLUMNS,
	ARG_IDENTITIES, ARG_EVENT_TYPES, ARG_DEVELOPMENT, ARG_MERGE, ARGUMENTS
};

/* First keys of paths that are of the batch; all others are of the event. */
static const char *const batch_key[] = {
	"application_info", "attribution_info", "batch_id", "context",
	"device_info", "environment", "integration_attributes", "ip",
	"job_id", "mp_deviceid", "mpid", "origin_mpid", "sdk_version",
	"source_info", "source_request_id", "user_attributes"
};

static void check_arguments(FunctionCallInfo fcinfo);
static void check_kinds(ArrayType *kinds);
static void check_merge(Oid relid);
static void warn_of_errors(const JpIngestMapping *mapping);
static HeapTuple find_row(Relation rel, Oid relid);
static JpIngestMapping *compile(HeapTuple row, TupleDesc desc);
static void add_column(JpIngestMapping *mapping, const char *name,
					   JpIngestSource source, const char *path);
static void fill_column(JpIngestColumn *column, Oid relid, const char *name);
static void check_type(const JpIngestColumn *column);
static void add_mapped(JpIngestMapping *mapping, Jsonb *columns);
static void add_path(JpIngestMapping *mapping, const char *name,
					 const char *path);
static bool is_of_batch(const char *key);
static List *texts(Datum array);
static void take_identities(JpIngestMapping *mapping, List *kinds);
static bool has_unique_id(Oid relid, const char *event_id, const char *occurred_at);
static bool index_covers(HeapTuple index, AttrNumber id, AttrNumber time);

PG_FUNCTION_INFO_V1(jp_map_mparticle);
PG_FUNCTION_INFO_V1(jp_unmap_mparticle);

/* SQL: map_mparticle(table, event_column, props_column, …). */
Datum
jp_map_mparticle(PG_FUNCTION_ARGS)
{
	Oid			types[ARGUMENTS] = {REGCLASSOID, NAMEOID, NAMEOID, NAMEOID,
		JSONBOID, TEXTARRAYOID, TEXTARRAYOID, BOOLOID, BOOLOID
	};
	Datum		values[ARGUMENTS];
	char		nulls[ARGUMENTS];
	JpPrivilege before;
	Oid			relid;
	int			i;

	check_arguments(fcinfo);
	relid = PG_GETARG_OID(ARG_TABLE);
	table_close(jp_open_owned(relid, RowExclusiveLock), NoLock);
	jp_protecting_check_own(relid, "Map that table.");
	if (PG_GETARG_BOOL(ARG_MERGE))
		check_merge(relid);
	for (i = 0; i < ARGUMENTS; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("INSERT INTO journey_privacy.mparticle_mapping (relation, event_column,"
						  "  props_column, event_id_column, columns, identities, event_types,"
						  "  development, merge)"
						  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
						  " ON CONFLICT (relation) DO UPDATE SET"
						  "  event_column = EXCLUDED.event_column, props_column = EXCLUDED.props_column,"
						  "  event_id_column = EXCLUDED.event_id_column, columns = EXCLUDED.columns,"
						  "  identities = EXCLUDED.identities, event_types = EXCLUDED.event_types,"
						  "  development = EXCLUDED.development, merge = EXCLUDED.merge",
						  ARGUMENTS, types, values, nulls, false, 0);
	/* what reading it refuses must not be registered */
	CommandCounterIncrement();
	warn_of_errors(jp_ingest_mapping(relid));
	SPI_finish();
	jp_restore(&before);
	jp_note(JP_NOTE_PROTECTION, "map_mparticle", relid, -1, NULL);
	PG_RETURN_VOID();
}

/* SQL: unmap_mparticle(table). */
Datum
jp_unmap_mparticle(PG_FUNCTION_ARGS)
{
	Oid			types[1] = {REGCLASSOID};
	Datum		values[1] = {PG_GETARG_DATUM(0)};
	JpPrivilege before;
	uint64		deleted;

	table_close(jp_open_owned(PG_GETARG_OID(0), RowExclusiveLock), NoLock);
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("DELETE FROM journey_privacy.mparticle_mapping WHERE relation = $1",
						  1, types, values, NULL, false, 0);
	deleted = SPI_processed;
	SPI_finish();
	jp_restore(&before);
	if (deleted == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no events of mParticle are mapped to table \"%s\"",
						get_rel_name(PG_GETARG_OID(0)))));
	jp_note(JP_NOTE_PROTECTION, "unmap_mparticle", PG_GETARG_OID(0), -1, NULL);
	PG_RETURN_VOID();
}

/* Refuses arguments that mean nothing. */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	static const int required[] = {ARG_TABLE, ARG_EVENT, ARG_COLUMNS,
	ARG_IDENTITIES, ARG_DEVELOPMENT, ARG_MERGE};
	int			i;

	for (i = 0; i < lengthof(required); i++)
		if (PG_ARGISNULL(required[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("table, event_column, columns, identities, development and merge must not be null")));
	if (!JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(ARG_COLUMNS)) ||
		JB_ROOT_COUNT(PG_GETARG_JSONB_P(ARG_COLUMNS)) > JP_MAX_MAPPED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns must be an object of at most %d columns", JP_MAX_MAPPED),
				 errhint("For example {\"os\": \"device_info.platform\"}.")));
	check_kinds(PG_GETARG_ARRAYTYPE_P(ARG_IDENTITIES));
	if (!PG_ARGISNULL(ARG_EVENT_TYPES) &&
		array_contains_nulls(PG_GETARG_ARRAYTYPE_P(ARG_EVENT_TYPES)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event_types must not contain nulls")));
}

/* Refuses identities that are no list of kinds. */
static void
check_kinds(ArrayType *kinds)
{
	List	   *names = NIL;
	ListCell   *cell;

	if (ARR_NDIM(kinds) == 1 && !array_contains_nulls(kinds))
		names = texts(PointerGetDatum(kinds));
	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("identities must list at least one kind, and no nulls")));
	foreach(cell, names)
	{
		ListCell   *other;

		(void) jp_kind_normalizer(lfirst(cell), strlen(lfirst(cell)));
		for_each_cell(other, names, lnext(names, cell))
		{
			if (strcmp(lfirst(cell), lfirst(other)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("identities must list each kind once")));
		}
	}
}

/* Who lets batches merge people must be one who may: owning a table is not enough. */
static void
check_merge(Oid relid)
{
	Oid			types[2] = {jp_type("pseudonym"), jp_type("pseudonym")};
	List	   *name = list_make2(makeString(JP_SCHEMA), makeString("link_identity"));
	Oid			function = LookupFuncName(name, lengthof(types), types, false);

	if (jp_proc_aclcheck(function, GetUserId()) != ACLCHECK_OK)
		jp_refuse(JP_NOTE_PROTECTION, "map_mparticle", relid,
				  errmsg("permission denied to let batches merge people"),
				  errhint("This takes EXECUTE on journey_privacy.link_identity()."));
}

/* A withdrawal must not be lost with the events that it came with. */
static void
warn_of_errors(const JpIngestMapping *mapping)
{
	const JpProtection *protection = jp_protection_find(mapping->relid);

	if (!protection->skip && protection->collected_count > 0)
		ereport(WARNING,
				(errmsg("table \"%s\" refuses rows without a basis with an error",
						get_rel_name(mapping->relid)),
				 errdetail("A batch in which somebody withdraws consent would be refused whole, the withdrawal with it."),
				 errhint("Protect the table with on_refused => 'skip'.")));
}

/* The mapping of a table. */
const JpIngestMapping *
jp_ingest_mapping(Oid relid)
{
	Relation	rel = table_open(jp_relation("mparticle_mapping"), AccessShareLock);
	HeapTuple	row = find_row(rel, relid);
	JpIngestMapping *mapping;

	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 OidIsValid(relid) && get_rel_name(relid) != NULL ?
				 errmsg("no events of mParticle are mapped to table \"%s\"",
						get_rel_name(relid)) :
				 errmsg("no events of mParticle are mapped to any table"),
				 errhint("Map them with journey_privacy.map_mparticle().")));
	mapping = compile(row, RelationGetDescr(rel));
	table_close(rel, AccessShareLock);
	return mapping;
}

/* A copy of the row of a table, or the only one, or NULL. */
static HeapTuple
find_row(Relation rel, Oid relid)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	HeapTuple	found = NULL;

	ScanKeyInit(&key, RELATION, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InvalidOid, false, NULL,
							  OidIsValid(relid) ? 1 : 0, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (found != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("events of mParticle are mapped to several tables"),
					 errhint("Name the table that the batch is for.")));
		found = heap_copytuple(tuple);
	}
	systable_endscan(scan);
	return found;
}

/* A mapping and the table that it maps to. */
static JpIngestMapping *
compile(HeapTuple row, TupleDesc desc)
{
	JpIngestMapping *mapping = palloc0(sizeof(JpIngestMapping));
	const JpProtection *protection;
	Datum		value[MERGE + 1];
	bool		isnull[MERGE + 1];
	int			i;

	for (i = RELATION; i <= MERGE; i++)
		value[i] = heap_getattr(row, i, desc, &isnull[i]);
	mapping->relid = DatumGetObjectId(value[RELATION]);
	mapping->id = *DatumGetUUIDP(value[ID]);
	mapping->development = DatumGetBool(value[DEVELOPMENT]);
	mapping->merge = DatumGetBool(value[MERGE]);
	LockRelationOid(mapping->relid, RowExclusiveLock);
	protection = jp_protection_find(mapping->relid);
	if (protection == NULL || NameStr(protection->occurred_at)[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the table that events of mParticle are mapped to is not protected, or has no occurred_at"),
				 errhint("Run journey_privacy.protect() with occurred_at, the column that says when an event occurred.")));
	mapping->table = jp_qualified_name_of(mapping->relid);
	mapping->skip = protection->skip;
	mapping->subject = pstrdup(NameStr(protection->subject_column));
	mapping->kind = protection->kind == NULL ? NULL : pstrdup(protection->kind);
	fill_column(&mapping->subject_column, mapping->relid, mapping->subject);
	take_identities(mapping, texts(value[IDENTITIES]));
	if (!isnull[EVENT_TYPES])
		mapping->event_types = texts(value[EVENT_TYPES]);
	add_column(mapping, NameStr(protection->occurred_at), JP_INGEST_TIME,
			   "data.timestamp_unixtime_ms");
	add_column(mapping, NameStr(*DatumGetName(value[EVENT_COLUMN])),
			   JP_INGEST_NAME, "data.event_name");
	if (!isnull[PROPS_COLUMN])
		add_column(mapping, NameStr(*DatumGetName(value[PROPS_COLUMN])),
				   JP_INGEST_PROPS, "data");
	if (!isnull[EVENT_ID_COLUMN])
	{
		char	   *name = NameStr(*DatumGetName(value[EVENT_ID_COLUMN]));

		add_column(mapping, name, JP_INGEST_EVENT_ID, "data.event_id");
		mapping->unique = has_unique_id(mapping->relid, name,
										NameStr(protection->occurred_at));
	}
	add_mapped(mapping, DatumGetJsonbP(value[COLUMNS]));
	return mapping;
}

/* Adds a column to be filled, each once. */
static void
add_column(JpIngestMapping *mapping, const char *name, JpIngestSource source,
		   const char *path)
{
	const JpProtection *protection = jp_protection_find(mapping->relid);
	JpIngestColumn *column = palloc0(sizeof(JpIngestColumn));
	ListCell   *cell;
	bool		taken = strcmp(name, mapping->subject) == 0 ||
		strcmp(name, NameStr(protection->number_column)) == 0;

	foreach(cell, mapping->columns)
	{
		if (strcmp(((JpIngestColumn *) lfirst(cell))->name, name) == 0)
			taken = true;
	}
	if (taken)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" is filled with something else already", name)));
	column->source = source;
	column->path = pstrdup(path);
	fill_column(column, mapping->relid, name);
	check_type(column);
	mapping->columns = lappend(mapping->columns, column);
}

/* Fills in what a column is. */
static void
fill_column(JpIngestColumn *column, Oid relid, const char *name)
{
	AttrNumber	number = jp_column_get(relid, name);
	HeapTuple	tuple;
	Form_pg_attribute attribute;
	Oid			function;

	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(number));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for column %d of relation %u", number, relid);
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	column->name = pstrdup(name);
	/* what a domain checks, it checks when the row is inserted */
	column->typmod = attribute->atttypmod;
	column->type = getBaseTypeAndTypmod(attribute->atttypid, &column->typmod);
	column->required = attribute->attnotnull;
	column->length = attribute->attlen;
	column->by_value = attribute->attbyval;
	column->align = attribute->attalign;
	if (attribute->attgenerated != '\0' ||
		attribute->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" is generated", name)));
	ReleaseSysCache(tuple);
	column->array = get_array_type(column->type);
	getTypeInputInfo(column->type, &function, &column->ioparam);
	fmgr_info(function, &column->input);
}

/* Refuses a type that cannot take what the column is to hold. */
static void
check_type(const JpIngestColumn *column)
{
	bool		good = OidIsValid(column->array) &&
		get_typtype(column->type) != TYPTYPE_COMPOSITE;

	if (column->source == JP_INGEST_PROPS)
		good = column->type == JSONBOID;
	else if (column->source == JP_INGEST_TIME)
		good = column->type == TIMESTAMPTZOID;
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of type %s cannot be filled with this", column->name,
						format_type_be(column->type)),
				 errhint("props_column is of type jsonb; no other column may be of a composite or array type.")));
}

/* Adds the further columns. */
static void
add_mapped(JpIngestMapping *mapping, Jsonb *columns)
{
	JsonbIterator *iterator = JsonbIteratorInit(&columns->root);
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		char	   *name;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		name = pnstrdup(key.val.string.val, key.val.string.len);
		if (value.type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the path for column \"%s\" is not a string", name)));
		add_path(mapping, name, pnstrdup(value.val.string.val,
										 value.val.string.len));
	}
}

/* Adds a column that takes what is at a path. */
static void
add_path(JpIngestMapping *mapping, const char *name, const char *path)
{
	List	   *keys = NIL;
	const char *rest = path;
	const char *dot;
	bool		of_batch;
	JpIngestColumn *column;

	while ((dot = strchr(rest, '.')) != NULL)
	{
		keys = lappend(keys, pnstrdup(rest, dot - rest));
		rest = dot + 1;
	}
	keys = lappend(keys, pstrdup(rest));
	if (strstr(path, "..") != NULL || linitial(keys) == NULL ||
		((char *) linitial(keys))[0] == '\0' || rest[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the path for column \"%s\" is not keys with dots between them", name)));
	if (strcmp(linitial(keys), "user_identities") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("identities are not stored in columns"),
				 errhint("They become the subject's pseudonym and its aliases; see argument \"identities\".")));
	of_batch = is_of_batch(linitial(keys));
	add_column(mapping, name, of_batch ? JP_INGEST_OF_BATCH : JP_INGEST_OF_EVENT,
			   of_batch ? path : psprintf("data.%s", path));
	column = llast(mapping->columns);
	column->keys = keys;
}

/* Whether a path that begins with this key is of the batch. */
static bool
is_of_batch(const char *key)
{
	int			i;

	for (i = 0; i < lengthof(batch_key); i++)
	{
		if (strcmp(batch_key[i], key) == 0)
			return true;
	}
	return false;
}

/* An array of texts as a list of strings. */
static List *
texts(Datum array)
{
	Datum	   *values;
	int			count;
	List	   *list = NIL;
	int			i;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &values, NULL, &count);
	for (i = 0; i < count; i++)
		list = lappend(list, TextDatumGetCString(values[i]));
	return list;
}

/* Puts the kind that the table names its subjects by first. */
static void
take_identities(JpIngestMapping *mapping, List *kinds)
{
	ListCell   *cell;

	foreach(cell, kinds)
	{
		if (mapping->kind != NULL && strcmp(lfirst(cell), mapping->kind) == 0)
		{
			kinds = foreach_delete_current(kinds, cell);
			mapping->identities = list_make1(pstrdup(mapping->kind));
		}
	}
	if (mapping->kind != NULL && mapping->identities == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the table names its subjects by %s, which identities do not list",
						mapping->kind)));
	mapping->identities = list_concat(mapping->identities, kinds);
}

/* Whether a unique index forbids an event id twice. */
static bool
has_unique_id(Oid relid, const char *event_id, const char *occurred_at)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *indexes = RelationGetIndexList(rel);
	AttrNumber	id = get_attnum(relid, event_id);
	AttrNumber	time = get_attnum(relid, occurred_at);
	bool		found = false;
	ListCell   *cell;

	table_close(rel, NoLock);
	foreach(cell, indexes)
	{
		HeapTuple	index = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(cell)));

		if (!HeapTupleIsValid(index))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(cell));
		found = found || index_covers(index, id, time);
		ReleaseSysCache(index);
	}
	return found;
}

/* Whether an index is unique on the event id, or that and the time. */
static bool
index_covers(HeapTuple tuple, AttrNumber id, AttrNumber time)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
	bool		covers = false;
	int			i;

	if (!index->indisunique || !index->indisvalid || !index->indimmediate ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
		return false;
	for (i = 0; i < index->indnkeyatts; i++)
	{
		if (index->indkey.values[i] == id)
			covers = true;
		else if (index->indkey.values[i] != time)
			return false;
	}
	return covers;
}
