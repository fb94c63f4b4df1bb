/*
 * audit_checkpoint.c
 *		Signed statements of the tree's size and root, as C2SP's
 *		tlog-checkpoint and signed-note have them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit_internal.h"
#include "audit_note.h"
#include "catalog.h"
#include "journey_privacy.h"
#include "keyring.h"

#define NOTE_SIZE	1024

static text *stored_note(void);
static char *sign(const char *origin, const JpTree *tree, const JpHash *root);

PG_FUNCTION_INFO_V1(jp_checkpoint_audit);
PG_FUNCTION_INFO_V1(jp_audit_verifier_key);
PG_FUNCTION_INFO_V1(jp_audit_queue);

/* The log's name, made up the first time by the worker; NULL before. */
char *
jp_audit_origin(void)
{
	static SPIPlanPtr plan = NULL;

	jp_execute(&plan, "SELECT origin FROM journey_privacy.audit_tree", 0, NULL,
			   NULL, NULL, SPI_OK_SELECT);
	return SPI_processed == 0 ? NULL :
		SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Gives the log a name, if it has none or that of the database's template. */
void
jp_audit_name(void)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(MyDatabaseId)};

	jp_execute(&plan, "INSERT INTO journey_privacy.audit_tree AS t (origin, database)"
			   " SELECT 'journey_privacy/' || gen_random_uuid(), $1"
			   " WHERE NOT EXISTS (SELECT FROM journey_privacy.audit_tree WHERE database = $1)"
			   " ON CONFLICT (one) DO UPDATE SET origin = EXCLUDED.origin, database = $1",
			   1, types, values, NULL, SPI_OK_INSERT);
}

/* Signs and stores a checkpoint of a tree; the note, in the caller's memory. */
char *
jp_checkpoint_make(const JpTree *tree)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[4] = {INT8OID, BYTEAOID, TEXTOID, TEXTOID};
	Datum		values[4];
	bytea	   *bytes = palloc(VARHDRSZ + JP_HASH_SIZE);
	char	   *origin = jp_audit_origin();
	JpHash		root;
	char	   *note;

	jp_tree_root(tree, &root);
	note = sign(origin, tree, &root);
	SET_VARSIZE(bytes, VARHDRSZ + JP_HASH_SIZE);
	memcpy(VARDATA(bytes), &root, JP_HASH_SIZE);
	values[0] = Int64GetDatum(tree->size);
	values[1] = PointerGetDatum(bytes);
	values[2] = CStringGetTextDatum(note);
	values[3] = CStringGetTextDatum(origin);
	jp_execute(&plan, "INSERT INTO journey_privacy.audit_checkpoint (size, root, note, origin)"
			   " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
			   4, types, values, NULL, SPI_OK_INSERT);
	return note;
}

/* Size of the last checkpoint, 0 when there is none. */
uint64
jp_last_checkpoint(void)
{
	static SPIPlanPtr plan = NULL;
	bool		isnull;
	Datum		size;

	jp_execute(&plan, "SELECT coalesce(max(c.size), 0) FROM journey_privacy.audit_checkpoint c"
			   " JOIN journey_privacy.audit_tree USING (origin)",
			   0, NULL, NULL, NULL, SPI_OK_SELECT);
	size = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	return DatumGetInt64(size);
}

/* Has the worker seal all there is and make a checkpoint. */
void
jp_audit_checkpoint(void)
{
	if (!jp_queue_flush_all())
		jp_preload_required("the audit");
	if (!jp_queue_checkpoint())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the checkpoint could not be made"),
				 errhint("The worker \"journey_privacy audit\" says why in the server log.")));
}

/* SQL: checkpoint_audit(). */
Datum
jp_checkpoint_audit(PG_FUNCTION_ARGS)
{
	text	   *note;

	jp_audit_checkpoint();
	SPI_connect();
	note = stored_note();
	SPI_finish();
	PG_RETURN_TEXT_P(note);
}

/* SQL: audit_verifier_key(version). */
Datum
jp_audit_verifier_key(PG_FUNCTION_ARGS)
{
	uint8		public[JP_PUBLIC_KEY_SIZE];
	char		key[NOTE_SIZE];
	char	   *origin;

	jp_keyring_require();
	jp_key_public(PG_ARGISNULL(0) ? jp_key_version(JP_KEY_SIGN) : PG_GETARG_INT32(0),
				  public);
	SPI_connect();
	origin = jp_audit_origin();
	if (origin == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit has no entries yet")));
	if (jp_verifier_key(origin, public, key, sizeof(key)) == 0)
		elog(ERROR, "the name of the audit is too long");
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(key));
}

/* SQL: audit_queue(). */
Datum
jp_audit_queue(PG_FUNCTION_ARGS)
{
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	TupleDesc	desc;
	uint64		waiting;
	uint64		size;
	int			worker;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	jp_queue_figures(&waiting, &size, &worker);
	values[0] = Int64GetDatum(waiting);
	values[1] = Int64GetDatum(size);
	values[2] = Int32GetDatum(worker);
	nulls[2] = worker == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* The note of the last checkpoint, in memory that outlives SPI. */
static text *
stored_note(void)
{
	static SPIPlanPtr plan = NULL;
	bool		isnull;
	Datum		note;

	jp_execute(&plan, "SELECT note FROM journey_privacy.audit_checkpoint"
			   " JOIN journey_privacy.audit_tree USING (origin) ORDER BY size DESC LIMIT 1", 0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		elog(ERROR, "there is no checkpoint");
	note = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	return (text *) DatumGetPointer(SPI_datumTransfer(note, false, -1));
}

/* A signed note. */
static char *
sign(const char *origin, const JpTree *tree, const JpHash *root)
{
	int			version = jp_key_version(JP_KEY_SIGN);
	char		statement[NOTE_SIZE];
	char	   *note = palloc(NOTE_SIZE);
	uint8		public[JP_PUBLIC_KEY_SIZE];
	uint8		signature[JP_SIGNATURE_SIZE];
	size_t		len;

	len = jp_checkpoint_text(origin, tree->size, root, statement,
							 sizeof(statement));
	jp_key_public(version, public);
	jp_key_sign(version, statement, len, signature);
	if (len == 0 ||
		jp_checkpoint_signed(statement, origin, public, signature, note,
							 NOTE_SIZE) == 0)
		elog(ERROR, "the name of the audit is too long");
	return note;
}
