/*
 * store_make.c
 *		Journey stores made and dropped.
 *
 * A store is a table beside the one that it follows, of the same owner and
 * protected like it: subjects in it are found by erasure, moved with their
 * pseudonyms and hidden without consent as anywhere.  It is made empty; the
 * first refresh fills it.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "journey_privacy.h"
#include "note.h"
#include "policy_protect.h"
#include "store_internal.h"

/* Buckets are not shorter. */
#define BUCKET_MIN		USECS_PER_MINUTE

/* What is asked for, and what is known of the table. */
typedef struct Making
{
	Oid			source;
	Oid			owner;
	Oid			relid;			/* the store's, once it is made */
	const char *name;
	const char *table;			/* the store's, qualified and quoted */
	const char *event;
	Interval   *bucket;
	List	   *members;		/* the source and its parts */
} Making;

/* The function of SQL, from policy_protect.c. */
extern Datum jp_protect(PG_FUNCTION_ARGS);

static void check_arguments(FunctionCallInfo fcinfo, Making *m);
static void check_source(const Making *m);
static void check_event(const Making *m);
static void check_policies(const Making *m);
static void check_count(const Making *m);
static void make_table(Making *m);
static void protect_store(const Making *m);
static void register_store(const Making *m);
static void make_triggers(void *arg);
static void drop_store(void *arg);

PG_FUNCTION_INFO_V1(jp_create_journey_store);
PG_FUNCTION_INFO_V1(jp_drop_journey_store);

/* SQL: create_journey_store(table, name, bucket, event). */
Datum
jp_create_journey_store(PG_FUNCTION_ARGS)
{
	Making		m = {0};
	Relation	source;
	JpPrivilege before;

	check_arguments(fcinfo, &m);
	jp_require_read_committed("create_journey_store()");
	/* triggers are made on it: nobody writes meanwhile */
	source = jp_open_owned(m.source, ShareRowExclusiveLock);
	m.owner = source->rd_rel->relowner;
	m.table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(source)), m.name);
	table_close(source, NoLock);
	m.members = find_all_inheritors(m.source, ShareRowExclusiveLock, NULL);
	check_source(&m);
	check_event(&m);
	check_policies(&m);
	check_count(&m);
	SPI_connect();
	make_table(&m);
	protect_store(&m);
	jp_elevate(&before);
	register_store(&m);
	jp_without_covering(make_triggers, &m);
	jp_restore(&before);
	SPI_finish();
	jp_store_note_whole(m.relid);
	jp_note(JP_NOTE_PROTECTION, "create_journey_store", m.relid, -1, get_rel_name(m.source));
	PG_RETURN_OID(m.relid);
}

/* SQL: drop_journey_store(name). */
Datum
jp_drop_journey_store(PG_FUNCTION_ARGS)
{
	JpStore		store = *jp_store_named(NameStr(*PG_GETARG_NAME(0)));
	JpPrivilege before;

	table_close(jp_open_owned(store.relid, AccessExclusiveLock), NoLock);
	jp_note(JP_NOTE_PROTECTION, "drop_journey_store", store.relid, -1, get_rel_name(store.source));
	jp_elevate(&before);
	SPI_connect();
	jp_without_covering(drop_store, &store);
	SPI_finish();
	jp_restore(&before);
	PG_RETURN_VOID();
}

/* Refuses arguments that mean nothing. */
static void
check_arguments(FunctionCallInfo fcinfo, Making *m)
{
	int			i;

	for (i = 0; i < 4; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("table, name, bucket and event must not be null")));
	m->source = PG_GETARG_OID(0);
	m->name = pstrdup(NameStr(*PG_GETARG_NAME(1)));
	m->bucket = PG_GETARG_INTERVAL_P(2);
	m->event = pstrdup(NameStr(*PG_GETARG_NAME(3)));
	if (jp_microseconds(m->bucket, "bucket") < BUCKET_MIN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bucket must not be shorter than a minute")));
}

/* Refuses a table whose rows a store could not stand for. */
static void
check_source(const Making *m)
{
	const JpProtection *protection;
	char	   *name = get_rel_name(m->source);

	jp_protecting_check_own(m->source, "Make the store of that table.");
	protection = jp_protection_find(m->source);
	if (protection->collected)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" has visibility collected", name),
				 errdetail("Each of its events has a consent of its own; a journey is seen whole or not at all."),
				 errhint("Protect it with visibility current, or do without a journey store.")));
	if (NameStr(protection->number_column)[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" carries no subject numbers", name),
				 errhint("Protect it with a number_column.")));
	if (NameStr(protection->occurred_at)[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("it is not known when events of table \"%s\" occurred", name),
				 errhint("Name the column by protect(…, occurred_at => …).")));
	if (SearchSysCacheExists2(RELNAMENSP, CStringGetDatum(m->name),
							  ObjectIdGetDatum(get_rel_namespace(m->source))))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s\" already exists", m->name)));
}

/* The event must be a name, and every row must have one. */
static void
check_event(const Making *m)
{
	AttrNumber	column = get_attnum(m->source, m->event);
	Relation	source;
	Form_pg_attribute attribute;

	if (column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						m->event, get_rel_name(m->source)),
				 errhint("Name the column of the events by create_journey_store(…, event => …).")));
	source = table_open(m->source, NoLock);
	attribute = TupleDescAttr(RelationGetDescr(source), column - 1);
	if (attribute->atttypid != TEXTOID && attribute->atttypid != VARCHAROID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type text", m->event)));
	if (!attribute->attnotnull)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" may be null", m->event),
				 errdetail("A journey has no event without a name."),
				 errhint("ALTER TABLE … ALTER COLUMN … SET NOT NULL.")));
	table_close(source, NoLock);
}

/* Policies of its own may hide rows by what a journey has not. */
static void
check_policies(const Making *m)
{
	ListCell   *cell;

	foreach(cell, m->members)
		if (jp_has_own_policy(lfirst_oid(cell)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table \"%s\" has policies of its own", get_rel_name(lfirst_oid(cell))),
					 errdetail("They may hide rows by columns that a journey does not have.")));
}

/* The trigger follows so many only. */
static void
check_count(const Making *m)
{
	int			count;
	const JpStore *store = jp_stores(&count);
	int			here = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		if (strcmp(NameStr(store[i].name), m->name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("journey store \"%s\" already exists", m->name)));
		if (store[i].source == m->source && ++here == JP_STORES_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("table \"%s\" has %d journey stores", get_rel_name(m->source), JP_STORES_MAX)));
	}
}

/*
 * Makes the table, as the owner of the other.  It has pseudonyms whatever the
 * other has: no identity is written twice.
 */
static void
make_table(Making *m)
{
	JpPrivilege before;

	jp_act_as(m->owner, "pg_catalog, pg_temp", &before);
	jp_run("CREATE TABLE %s (journey_subject integer NOT NULL, bucket timestamptz NOT NULL,"
		   " subject journey_privacy.pseudonym NOT NULL, events journey_privacy.journey NOT NULL,"
		   " PRIMARY KEY (journey_subject, bucket))", m->table);
	jp_run("COMMENT ON TABLE %s IS 'journeys for speed: what refresh_journey_store() made of a table'",
		   m->table);
	jp_restore(&before);
	m->relid = get_relname_relid(m->name, get_rel_namespace(m->source));
}

/* Protects it as the caller would by hand. */
static void
protect_store(const Making *m)
{
	LOCAL_FCINFO(call, 11);
	NameData	subject = {"subject"};
	NameData	number = {"journey_subject"};
	int			i;

	InitFunctionCallInfoData(*call, NULL, 11, InvalidOid, NULL, NULL);
	for (i = 0; i < 11; i++)
		call->args[i].value = (Datum) 0;
	call->args[0].value = ObjectIdGetDatum(m->relid);
	call->args[1].value = NameGetDatum(&subject);
	call->args[6].value = CStringGetTextDatum("current");
	call->args[7].value = CStringGetTextDatum("skip");
	call->args[8].value = CStringGetTextDatum("delete");
	call->args[10].value = NameGetDatum(&number);
	for (i = 0; i < 11; i++)
		call->args[i].isnull = call->args[i].value == (Datum) 0;
	(void) jp_protect(call);
}

/* Writes table journey_store, and which columns may be read for what. */
static void
register_store(const Making *m)
{
	Oid			types[6] = {NAMEOID, REGCLASSOID, REGCLASSOID, NAMEOID, INTERVALOID, OIDARRAYOID};
	Datum	   *members = (Datum *) palloc(list_length(m->members) * sizeof(Datum));
	NameData	name;
	NameData	event;
	Datum		values[6];
	int			i;

	for (i = 0; i < list_length(m->members); i++)
		members[i] = ObjectIdGetDatum(list_nth_oid(m->members, i));
	namestrcpy(&name, m->name);
	namestrcpy(&event, m->event);
	values[0] = NameGetDatum(&name);
	values[1] = ObjectIdGetDatum(m->relid);
	values[2] = ObjectIdGetDatum(m->source);
	values[3] = NameGetDatum(&event);
	values[4] = IntervalPGetDatum(m->bucket);
	values[5] = PointerGetDatum(construct_array(members, list_length(m->members), OIDOID,
												sizeof(Oid), true, TYPALIGN_INT));
	SPI_execute_with_args("INSERT INTO journey_privacy.journey_store"
						  " (name, relation, source, event_column, bucket, members)"
						  " VALUES ($1, $2, $3, $4, $5, $6::regclass[])",
						  6, types, values, NULL, false, 0);
	SPI_execute_with_args("SELECT journey_privacy.store_columns($2, $1)", 2, types, values, NULL, false, 0);
}

/* Makes what follows changes, unless another store has made it. */
static void
make_triggers(void *arg)
{
	const Making *m = (const Making *) arg;

	jp_run("SELECT journey_privacy.store_follow(%u)", m->source);
}

/* Drops the table, which takes its registration along. */
static void
drop_store(void *arg)
{
	jp_run("DROP TABLE %s", jp_qualified_name_of(((const JpStore *) arg)->relid));
}
