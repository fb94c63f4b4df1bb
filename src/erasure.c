/*
 * erasure.c
 *		erase(): everything about a subject goes in one transaction.
 *
 * Order: the request is claimed, every table that could hold the subject and
 * our own are locked against writers (all at once: see jp_reach_lock), the
 * registry rows of all the subject's identities go, tombstones are laid, then
 * rows, decisions and bits go; at last it is counted that nothing is left.
 * From commit on nothing about the subject can be written without its new
 * consent.
 *
 * Rows are read and deleted as the owner of their table, restricted as in
 * VACUUM: the owner's code runs with the owner's rights only.  Triggers look
 * names up in the schemas of the tables, not where the caller says.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "consent.h"
#include "erasure.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "sealed.h"
#include "subject.h"

static Datum stored_receipt(Datum request_id, const JpPseudonym *subject);
static bool claim_request(Datum request_id, Datum trace, Datum reason,
						  bool no_reason);
static Datum store_receipt(Datum request_id, List *tables, int64 events,
						   int64 states, int64 keys, int registered);
static void delete_rows(List *tables);
static void delete_run(List *tables, int first, int last);
static void settle_constraints(void);
static Datum trace_datum(const JpPseudonym *subject);
static void put_row(ReturnSetInfo *result, Oid relid, const char *action,
					int64 rows, const char *path);
static int64 count_own(const char *sql, Oid type, Datum value);
static int	registered_count(const JpSubject *subject);

PG_FUNCTION_INFO_V1(jp_erase);
PG_FUNCTION_INFO_V1(jp_preview_erasure);

/* SQL: CALL erase(subject, reason, request_id, receipt). */
Datum
jp_erase(PG_FUNCTION_ARGS)
{
	JpPseudonym *subject;
	Datum		request_id;
	Datum		receipt;
	Datum		trace;
	bool		isnull = false;
	TupleDesc	desc;
	JpPrivilege before;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"subject\" must not be null")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "erase must return a row");
	subject = jp_subject_arg(fcinfo, 0);
	request_id = PG_ARGISNULL(2) ?
		DirectFunctionCall1(gen_random_uuid, (Datum) 0) : PG_GETARG_DATUM(2);
	jp_require_read_committed("erase()");
	jp_keyring_require();
	trace = trace_datum(subject);

	SPI_connect();
	settle_constraints();
	jp_elevate(&before);
	if (claim_request(request_id, trace, PG_GETARG_DATUM(1), PG_ARGISNULL(1)))
	{
		int64		events;
		int64		states;
		int64		keys;
		JpSubject	whole;
		List	   *tables;
		List	   *followed;
		int			i;

		jp_reach_lock();
		jp_subject_remove(subject, &whole);
		for (i = 0; i < whole.count; i++)
			jp_tombstone_lay(&whole.pseudonyms[i]);
		tables = jp_reach(&whole, &followed);
		delete_rows(tables);
		keys = jp_sealed_shred(whole.pseudonyms, whole.count);
		jp_consent_erase(&whole, &events, &states);
		if (jp_reach_remaining(&whole, followed) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("rows of the subject are still there after erasing"),
					 errdetail("A trigger or rule of a protected table kept or wrote them.")));
		receipt = store_receipt(request_id, tables, events, states,
								keys, registered_count(&whole));
	}
	else
		receipt = stored_receipt(request_id, subject);
	receipt = SPI_datumTransfer(receipt, false, -1);
	jp_restore(&before);
	SPI_finish();

	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  &receipt, &isnull)));
}

/* SQL: preview_erasure(subject). */
Datum
jp_preview_erasure(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	JpSubject	subject;
	List	   *followed;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	jp_subject_get(jp_subject_arg(fcinfo, 0), &subject);
	foreach(cell, jp_reach(&subject, &followed))
	{
		JpReached  *table = lfirst(cell);

		put_row(result, table->relid, "delete", table->count, table->path);
		put_row(result, table->relid, "clear reference", table->cleared,
				table->path);
	}
	put_row(result, jp_relation("consent_event"), "delete",
			count_own("SELECT FROM journey_privacy.consent_event"
					  " WHERE subject OPERATOR(pg_catalog.=) ANY ($1)",
					  get_array_type(jp_type("pseudonym")),
					  jp_subject_pseudonyms(&subject)), "ledger of decisions");
	put_row(result, jp_relation("consent_state"), "delete",
			count_own("SELECT FROM journey_privacy.consent_state"
					  " WHERE number = ANY ($1) AND purpose IN"
					  " (SELECT name FROM journey_privacy.purpose)",
					  INT4ARRAYOID, jp_subject_numbers(&subject)), "decisions in force");
	put_row(result, jp_relation("subject_key"), "shred",
			count_own("SELECT FROM journey_privacy.subject_key"
					  " WHERE subject OPERATOR(pg_catalog.=) ANY ($1)",
					  get_array_type(jp_type("pseudonym")),
					  jp_subject_pseudonyms(&subject)), "data keys");
	put_row(result, jp_relation("subject"), "delete",
			registered_count(&subject), "registry");
	SPI_finish();
	return (Datum) 0;
}

/*
 * Claims a request; false when it was done before.  Waits for another
 * session that is doing the same one.
 */
static bool
claim_request(Datum request_id, Datum trace, Datum reason, bool no_reason)
{
	Oid			types[4] = {UUIDOID, BYTEAOID, TEXTOID, NAMEOID};
	Datum		values[4] = {request_id, trace, reason,
		CStringGetDatum(GetUserNameFromId(GetSessionUserId(), false))
	};
	char		nulls[4] = {' ', ' ', no_reason ? 'n' : ' ', ' '};
	NameData	session_user;

	namestrcpy(&session_user, DatumGetCString(values[3]));
	values[3] = NameGetDatum(&session_user);
	SPI_execute_with_args("INSERT INTO journey_privacy.erasure"
						  " (request_id, trace, reason, requested_by)"
						  " VALUES ($1, $2, $3, $4) ON CONFLICT (request_id) DO NOTHING",
						  4, types, values, nulls, false, 0);
	return SPI_processed == 1;
}

/* The receipt of a request that was done before, for the same subject. */
static Datum
stored_receipt(Datum request_id, const JpPseudonym *subject)
{
	Oid			types[2] = {UUIDOID, BYTEAARRAYOID};
	Datum		values[2] = {request_id, jp_tombstone_traces(subject)};
	bool		isnull;

	SPI_execute_with_args("SELECT receipt FROM journey_privacy.erasure"
						  " WHERE request_id = $1 AND trace = ANY ($2)",
						  2, types, values, NULL, false, 0);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("the request_id was used to erase another subject")));
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
}

/* Writes and returns the account of what was done. */
static Datum
store_receipt(Datum request_id, List *tables, int64 events, int64 states,
			  int64 keys, int registered)
{
	int			count = list_length(tables);
	Datum	   *names = palloc((count + 1) * sizeof(Datum));
	Datum	   *paths = palloc((count + 1) * sizeof(Datum));
	Datum	   *deleted = palloc((count + 1) * sizeof(Datum));
	Datum	   *cleared = palloc((count + 1) * sizeof(Datum));
	Oid			types[9] = {UUIDOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID, INT8OID, INT8OID, INT8OID, INT8OID
	};
	Datum		values[9];
	ListCell   *cell;
	bool		isnull;
	int			i = 0;

	foreach(cell, tables)
	{
		JpReached  *table = lfirst(cell);

		names[i] = CStringGetTextDatum(table->table);
		paths[i] = CStringGetTextDatum(table->path);
		deleted[i] = Int64GetDatum(table->count);
		cleared[i] = Int64GetDatum(table->cleared);
		i++;
	}
	values[0] = request_id;
	values[1] = PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
	values[2] = PointerGetDatum(construct_array(paths, count, TEXTOID, -1, false, TYPALIGN_INT));
	values[3] = PointerGetDatum(construct_array(deleted, count, INT8OID, 8, true, TYPALIGN_DOUBLE));
	values[4] = PointerGetDatum(construct_array(cleared, count, INT8OID, 8, true, TYPALIGN_DOUBLE));
	values[5] = Int64GetDatum(events);
	values[6] = Int64GetDatum(states);
	values[7] = Int64GetDatum(registered);
	values[8] = Int64GetDatum(keys);
	SPI_execute_with_args("UPDATE journey_privacy.erasure e SET receipt = jsonb_build_object("
						  " 'request_id', e.request_id, 'erased_at', e.erased_at,"
						  " 'level', 'L1', 'verified', true, 'signed', false,"
						  " 'tables', (SELECT coalesce(jsonb_agg(jsonb_build_object("
						  "   'table', t.name, 'path', t.path, 'rows_deleted', t.deleted,"
						  "   'references_cleared', t.cleared) ORDER BY t.name), '[]')"
						  "  FROM unnest($2, $3, $4, $5) t(name, path, deleted, cleared)),"
						  " 'consent_events_deleted', $6, 'decisions_deleted', $7,"
						  " 'identities_deleted', $8, 'data_keys_shredded', $9, 'withheld', '[]'::jsonb)"
						  " WHERE e.request_id = $1 RETURNING receipt",
						  9, types, values, NULL, false, 0);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
}

/*
 * Deletes the rows, in one statement for each run of tables of one owner, so
 * that foreign keys between them are checked when all are gone.
 */
static void
delete_rows(List *tables)
{
	int			count = list_length(tables);
	int			first = 0;
	int			i;

	for (i = 1; i <= count; i++)
	{
		if (i < count && ((JpReached *) list_nth(tables, i))->owner ==
			((JpReached *) list_nth(tables, first))->owner)
			continue;
		delete_run(tables, first, i);
		first = i;
	}
}

/* Deletes the rows of tables first to last - 1, all of one owner. */
static void
delete_run(List *tables, int first, int last)
{
	int			count = last - first;
	Oid		   *types = palloc(count * sizeof(Oid));
	Datum	   *values = palloc(count * sizeof(Datum));
	StringInfoData sql;
	StringInfoData counts;
	StringInfoData path;
	JpPrivilege before;
	int			i;

	initStringInfo(&sql);
	initStringInfo(&counts);
	initStringInfo(&path);
	for (i = 0; i < count; i++)
	{
		JpReached  *table = list_nth(tables, first + i);

		types[i] = TIDARRAYOID;
		values[i] = jp_rows_datum(table->rows, table->count);
		appendStringInfo(&sql, "%s d%d AS (DELETE FROM ONLY %s"
						 " WHERE ctid OPERATOR(pg_catalog.=) ANY ($%d) RETURNING 1)",
						 i == 0 ? "WITH" : ",", i, table->table, i + 1);
		appendStringInfo(&counts, "%s (SELECT pg_catalog.count(*) FROM d%d)",
						 i == 0 ? " SELECT" : ",", i);
		appendStringInfo(&path, "%s, ",
						 quote_identifier(get_namespace_name(get_rel_namespace(table->relid))));
	}
	appendStringInfoString(&path, "pg_temp");
	appendStringInfoString(&sql, counts.data);

	jp_act_as(((JpReached *) list_nth(tables, first))->owner, path.data, &before);
	SPI_execute_with_args(sql.data, count, types, values, NULL, false, 0);
	jp_restore(&before);

	for (i = 0; i < count; i++)
	{
		JpReached  *table = list_nth(tables, first + i);
		bool		isnull;

		if (DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, i + 1,
										&isnull)) != table->count)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("not all rows of the subject in table %s could be deleted",
							table->table),
					 errhint("Look for a trigger or rule on DELETE that keeps rows.")));
	}
}

/*
 * A foreign key that is checked at commit could not be checked in a
 * restricted operation: all are checked at once, from now on.  Deferred
 * triggers may be among them: they run as whom they would have run at commit.
 */
static void
settle_constraints(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(GetOuterUserId(),
						   sec_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0);
	SetUserIdAndSecContext(userid, sec_context);
}

/* A subject's keyed trace as a bytea. */
static Datum
trace_datum(const JpPseudonym *subject)
{
	bytea	   *trace = palloc(VARHDRSZ + JP_TRACE_SIZE);

	SET_VARSIZE(trace, VARHDRSZ + JP_TRACE_SIZE);
	jp_tombstone_trace(subject, (uint8 *) VARDATA(trace));
	return PointerGetDatum(trace);
}

/* Adds a row to the preview, unless there is nothing to do. */
static void
put_row(ReturnSetInfo *result, Oid relid, const char *action, int64 rows,
		const char *path)
{
	Datum		values[4] = {ObjectIdGetDatum(relid), CStringGetTextDatum(action),
		Int64GetDatum(rows), CStringGetTextDatum(path)
	};
	bool		nulls[4] = {false};

	if (rows > 0)
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* How many rows a query on our own tables finds. */
static int64
count_own(const char *sql, Oid type, Datum value)
{
	SPI_execute_with_args(sql, 1, &type, &value, NULL, false, 0);
	return SPI_processed;
}

/* How many identities of a subject the registry knows. */
static int
registered_count(const JpSubject *subject)
{
	return subject->numbers[0] == JP_NO_SUBJECT ? 0 : subject->count;
}
