/*
 * opendsr_callback.c
 *		The outbox: what a sender posts to the URLs of controllers (8.5, 8.6).
 *
 * A sender takes what is due for a while (the lease), posts it, and says how
 * it went; what a sender that died had taken is due again afterwards.  For
 * one request and URL only the earliest change that is still open can be
 * taken, so no controller hears of a later status before an earlier one.  A
 * callback is given up after MAX_ATTEMPTS; infinity is its next attempt then.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "opendsr.h"

#define MAX_ATTEMPTS	20
#define MAX_TAKEN		1000
#define SQL_NUMBER_(n)	#n
#define SQL_NUMBER(n)	SQL_NUMBER_(n)

static void check_lease(Interval *lease);
static void give_up(void);
static void take(int max, Interval *lease);
static void return_taken(ReturnSetInfo *result, const JpDsrProcessor *processor);
static void return_callback(ReturnSetInfo *result,
							const JpDsrProcessor *processor,
							HeapTuple row, TupleDesc desc);
static void require_callback(Datum id);

PG_FUNCTION_INFO_V1(jp_opendsr_callbacks);
PG_FUNCTION_INFO_V1(jp_opendsr_delivered);
PG_FUNCTION_INFO_V1(jp_opendsr_failed);

/* SQL: opendsr_callbacks(max, lease). */
Datum
jp_opendsr_callbacks(PG_FUNCTION_ARGS)
{
	int32		max = PG_GETARG_INT32(0);
	Interval   *lease = PG_GETARG_INTERVAL_P(1);
	const JpDsrProcessor *processor;
	JpPrivilege before;

	if (max < 1 || max > MAX_TAKEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max is not between 1 and %d", MAX_TAKEN)));
	check_lease(lease);
	InitMaterializedSRF(fcinfo, 0);
	jp_elevate(&before);
	SPI_connect();
	processor = jp_dsr_processor();
	if (processor == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the OpenDSR processor is not configured"),
				 errhint("Use journey_privacy.configure_opendsr().")));
	give_up();
	take(max, lease);
	return_taken((ReturnSetInfo *) fcinfo->resultinfo, processor);
	SPI_finish();
	jp_restore(&before);
	return (Datum) 0;
}

/* SQL: opendsr_delivered(id). */
Datum
jp_opendsr_delivered(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {INT8OID};
	Datum		values[] = {PG_GETARG_DATUM(0)};
	JpPrivilege before;
	bool		changed;

	jp_elevate(&before);
	SPI_connect();
	jp_execute(&plan,
			   "UPDATE journey_privacy.callback"
			   " SET delivered_at = clock_timestamp(), last_error = NULL"
			   " WHERE id = $1 AND delivered_at IS NULL",
			   lengthof(types), types, values, NULL, SPI_OK_UPDATE);
	changed = SPI_processed > 0;
	if (!changed)
		require_callback(values[0]);
	SPI_finish();
	jp_restore(&before);
	PG_RETURN_BOOL(changed);
}

/*
 * SQL: opendsr_failed(id, reason).  Waits a minute after the first attempt,
 * then twice as long each time, at most six hours: three days in all.
 */
Datum
jp_opendsr_failed(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {INT8OID, TEXTOID};
	Datum		values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	TimestampTz next = DT_NOEND;
	JpPrivilege before;
	bool		isnull;

	jp_elevate(&before);
	SPI_connect();
	jp_execute(&plan,
			   "UPDATE journey_privacy.callback SET last_error = left($2, 200),"
			   " next_attempt_at = CASE WHEN attempts >= " SQL_NUMBER(MAX_ATTEMPTS)
			   " THEN 'infinity' ELSE clock_timestamp() + least(interval '6 hours',"
			   " interval '1 minute' * power(2, greatest(attempts, 1) - 1)) END"
			   " WHERE id = $1 AND delivered_at IS NULL AND next_attempt_at < 'infinity'"
			   " RETURNING next_attempt_at",
			   lengthof(types), types, values, NULL, SPI_OK_UPDATE_RETURNING);
	if (SPI_processed > 0)
		next = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
												 SPI_tuptable->tupdesc, 1,
												 &isnull));
	else
		require_callback(values[0]);
	SPI_finish();
	jp_restore(&before);
	if (TIMESTAMP_IS_NOEND(next))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(next);
}

/* More than nothing, at most a day: what a dead sender has waits as long. */
static void
check_lease(Interval *lease)
{
	Interval	least = {0, 0, 0};
	Interval	most = {0, 1, 0};

	if (!DatumGetBool(DirectFunctionCall2(interval_gt,
										  IntervalPGetDatum(lease),
										  IntervalPGetDatum(&least))) ||
		DatumGetBool(DirectFunctionCall2(interval_gt,
										 IntervalPGetDatum(lease),
										 IntervalPGetDatum(&most))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lease is not positive, or longer than a day")));
}

/* Gives up what was tried often enough by senders that said nothing. */
static void
give_up(void)
{
	static SPIPlanPtr plan = NULL;

	jp_execute(&plan,
			   "UPDATE journey_privacy.callback SET next_attempt_at = 'infinity',"
			   " last_error = coalesce(last_error, 'no sender said how it went')"
			   " WHERE id IN (SELECT id FROM journey_privacy.callback"
			   "  WHERE delivered_at IS NULL AND next_attempt_at <= clock_timestamp()"
			   "  AND attempts >= " SQL_NUMBER(MAX_ATTEMPTS)
			   "  FOR UPDATE SKIP LOCKED)",
			   0, NULL, NULL, NULL, SPI_OK_UPDATE);
}

/*
 * Takes what is due, leaving what others are taking.  The earliest that is
 * open is looked up row by row: joined, it could cost the square of them.
 */
static void
take(int max, Interval *lease)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {INT4OID, INTERVALOID};
	Datum		values[] = {Int32GetDatum(max), IntervalPGetDatum(lease)};

	jp_execute(&plan,
			   "WITH due AS MATERIALIZED ("
			   "  SELECT c.id FROM journey_privacy.callback c"
			   "  WHERE c.delivered_at IS NULL AND c.next_attempt_at <= clock_timestamp()"
			   "  AND c.id = (SELECT e.id FROM journey_privacy.callback e"
			   "   WHERE e.request_id = c.request_id AND e.url = c.url"
			   "   AND e.delivered_at IS NULL AND e.next_attempt_at < 'infinity'"
			   "   ORDER BY e.id LIMIT 1)"
			   "  ORDER BY c.next_attempt_at, c.id LIMIT $1 FOR UPDATE OF c SKIP LOCKED),"
			   " taken AS ("
			   "  UPDATE journey_privacy.callback c"
			   "  SET attempts = c.attempts + 1, next_attempt_at = clock_timestamp() + $2"
			   "  FROM due WHERE c.id = due.id"
			   "  RETURNING c.id, c.request_id, c.url, c.status, c.due_at)"
			   " SELECT t.id, t.url, t.request_id, t.status, t.due_at, r.kind, r.controller"
			   " FROM taken t JOIN journey_privacy.request r ON r.id = t.request_id"
			   " ORDER BY t.id",
			   lengthof(types), types, values, NULL, SPI_OK_SELECT);
}

/* Returns what was taken. */
static void
return_taken(ReturnSetInfo *result, const JpDsrProcessor *processor)
{
	SPITupleTable *taken = SPI_tuptable;
	uint64		count = SPI_processed;
	uint64		i;

	for (i = 0; i < count; i++)
		return_callback(result, processor, taken->vals[i], taken->tupdesc);
}

/* One callback: id, URL, headers and body, as its change of status was. */
static void
return_callback(ReturnSetInfo *result, const JpDsrProcessor *processor,
				HeapTuple row, TupleDesc desc)
{
	JpDsrKnown	known = {0};
	StringInfoData json;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};
	bytea	   *body;
	bool		isnull;

	known.id = *DatumGetUUIDP(SPI_getbinval(row, desc, 3, &isnull));
	known.due_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 5, &isnull));
	known.kind = SPI_getvalue(row, desc, 6);
	known.controller = SPI_getvalue(row, desc, 7);
	initStringInfo(&json);
	jp_dsr_put_status(&json, processor, &known, SPI_getvalue(row, desc, 4),
					  SPI_getvalue(row, desc, 2));
	body = palloc(VARHDRSZ + json.len);
	SET_VARSIZE(body, VARHDRSZ + json.len);
	memcpy(VARDATA(body), json.data, json.len);
	values[0] = SPI_getbinval(row, desc, 1, &isnull);
	values[1] = SPI_getbinval(row, desc, 2, &isnull);
	values[2] = jp_dsr_headers(200, processor->domain);
	values[3] = PointerGetDatum(body);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Throws unless there is such a callback. */
static void
require_callback(Datum id)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {INT8OID};

	jp_execute(&plan, "SELECT FROM journey_privacy.callback WHERE id = $1",
			   lengthof(types), types, &id, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("callback does not exist")));
}
