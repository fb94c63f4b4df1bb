/*
 * ingest.c
 *		Batches of mParticle's events become rows of a journey table.
 *
 * A batch is read whole (ingest_batch.c), so that what is malformed is refused
 * before anything is written.  Then, in one transaction: what was taken in
 * before is left out (ingest_trace.c), decisions are recorded, so that the
 * guard sees them, events are inserted as the caller (ingest_write.c), and
 * identities are linked (ingest_subject.c), last, because a batch of which
 * nothing may be kept must not make anybody known.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "compat.h"
#include "ingest.h"
#include "keyring.h"
#include "note.h"
#include "pseudonym_internal.h"

/* The columns of the answer. */
enum
{
	EVENTS, INSERTED, DUPLICATES, REFUSED, SKIPPED, LINKED, CONFLICTS,
	DECISIONS, RESULTS
};

static void check_privilege(const JpIngestMapping *mapping);
static void take_in(JpIngestBatch *batch, int *result);
static void take_in_new(JpIngestBatch *batch, const JpIngestTraces *traces,
						int *result);
static int	count_known(const JpIngestBatch *batch);

PG_FUNCTION_INFO_V1(jp_ingest_mparticle);

/* SQL: ingest_mparticle(batch, table). */
Datum
jp_ingest_mparticle(PG_FUNCTION_ARGS)
{
	/* which would quote the batch */
	ErrorContextCallback *context = jp_hide_value();
	const JpIngestMapping *mapping;
	JpIngestBatch *batch;
	TupleDesc	desc;
	int			result[RESULTS] = {0};
	Datum		values[RESULTS];
	bool		nulls[RESULTS] = {false};
	int			i;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("batch must not be null")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	jp_keyring_require();
	mapping = jp_ingest_mapping(PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1));
	check_privilege(mapping);
	batch = jp_ingest_read(mapping, PG_GETARG_JSONB_P(0));
	result[EVENTS] = batch->sent;
	result[SKIPPED] = batch->skipped;
	if (batch->development && !mapping->development)
		result[SKIPPED] = batch->sent;
	else
		take_in(batch, result);
	for (i = 0; i < RESULTS; i++)
		values[i] = Int32GetDatum(result[i]);
	error_context_stack = context;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/* Who may not insert does not decide or link either. */
static void
check_privilege(const JpIngestMapping *mapping)
{
	if (pg_class_aclcheck(mapping->relid, GetUserId(), ACL_INSERT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(mapping->relid, GetUserId(), ACL_INSERT,
								  ACLMASK_ANY) == ACLCHECK_OK)
		return;
	jp_note_denied(JP_NOTE_USE, "ingest_mparticle", mapping->relid);
	aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(mapping->relid));
}

/* Writes what a batch holds, unless it was taken in before. */
static void
take_in(JpIngestBatch *batch, int *result)
{
	JpIngestTraces traces;
	JpPrivilege before;
	bool		is_new;

	SPI_connect();
	jp_elevate(&before);
	is_new = jp_ingest_admit(batch, &traces);
	jp_restore(&before);
	if (is_new)
		take_in_new(batch, &traces, result);
	else
		result[DUPLICATES] = batch->count;
	SPI_finish();
}

/* Writes what a new batch holds. */
static void
take_in_new(JpIngestBatch *batch, const JpIngestTraces *traces, int *result)
{
	JpPrivilege before;
	bool		welcome;
	int			wanted;

	result[DUPLICATES] = count_known(batch);
	wanted = batch->count - result[DUPLICATES];
	jp_elevate(&before);
	welcome = jp_ingest_decide(batch, &result[DECISIONS]);
	jp_restore(&before);
	if (welcome)
		result[INSERTED] = jp_ingest_insert(batch);
	result[REFUSED] = wanted - result[INSERTED];
	jp_elevate(&before);
	if (welcome)
		jp_ingest_link(batch, &result[LINKED], &result[CONFLICTS]);
	/* what was refused may come again, when it may be kept */
	if (!welcome || (wanted > 0 && result[INSERTED] == 0))
		jp_ingest_drop_traces(traces);
	jp_restore(&before);
}

/* How many events were taken in before. */
static int
count_known(const JpIngestBatch *batch)
{
	int			count = 0;
	int			i;

	for (i = 0; i < batch->count; i++)
		count += batch->events[i].known;
	return count;
}
