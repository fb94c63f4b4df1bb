/*
 * erasure_receipt.c
 *		The signed account of an erasure.
 *
 * What is signed (Ed25519, RFC 8032) is a JSON text, byte for byte; the
 * receipt holds these bytes in base64 beside the same as jsonb, so that
 * anybody can verify it without knowing how PostgreSQL writes jsonb.  Each
 * receipt has the digest of the one before it.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "common/base64.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "catalog.h"
#include "erasure.h"
#include "keyring.h"
#include "note.h"

/* Field of the advisory lock tag under which receipts are numbered. */
#define RECEIPT_LOCK	0x4a52

static char *digest_of(const char *payload);
static char *payload_of(Datum request_id, const char *state);
static bool is_signed(HeapTuple row, TupleDesc desc);
static char *encoded(const void *bytes, int length);

PG_FUNCTION_INFO_V1(jp_verify_receipt);
PG_FUNCTION_INFO_V1(jp_signing_key);

/* Numbers, signs and stores the receipt of an erasure. */
Datum
jp_receipt_make(Datum request_id, const char *state)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[6] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID};
	Datum		values[6];
	uint8		signature[JP_SIGNATURE_SIZE];
	int			version = jp_key_version(JP_KEY_SIGN);
	LOCKTAG		tag;
	char	   *payload;
	char	   *utf8;
	bool		isnull;

	/* One after the other, until each has committed. */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, RECEIPT_LOCK);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	payload = payload_of(request_id, state);
	utf8 = pg_server_to_any(payload, strlen(payload), PG_UTF8);
	jp_key_sign(version, utf8, strlen(utf8), signature);

	values[0] = request_id;
	values[1] = CStringGetTextDatum(state);
	values[2] = CStringGetTextDatum(payload);
	values[3] = CStringGetTextDatum(encoded(utf8, strlen(utf8)));
	values[4] = CStringGetTextDatum(encoded(signature, sizeof(signature)));
	values[5] = Int32GetDatum(version);
	jp_execute(&plan,
			   "UPDATE journey_privacy.erasure SET state = $2,"
			   " number = ($3::jsonb ->> 'number')::bigint,"
			   " receipt = $3::jsonb || jsonb_build_object('signed', jsonb_build_object("
			   "  'bytes', $4, 'signature', $5, 'algorithm', 'Ed25519', 'key_version', $6))"
			   " WHERE request_id = $1 RETURNING receipt",
			   6, types, values, NULL, SPI_OK_UPDATE_RETURNING);
	jp_note(JP_NOTE_ERASURE, "erase", InvalidOid, -1, digest_of(utf8));
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
}

/* What the audit has of a receipt, as the next receipt has it. */
static char *
digest_of(const char *payload)
{
	uint8		digest[crypto_hash_sha256_BYTES];
	char		hex[2 * crypto_hash_sha256_BYTES + 1];

	(void) crypto_hash_sha256(digest, (const uint8 *) payload, strlen(payload));
	return psprintf("receipt %s", sodium_bin2hex(hex, sizeof(hex), digest,
												 sizeof(digest)));
}

/* What is signed. */
static char *
payload_of(Datum request_id, const char *state)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[5] = {UUIDOID, TEXTOID, INT4OID, INT4OID, INT4OID};
	Datum		values[5] = {request_id, CStringGetTextDatum(state),
		Int32GetDatum(jp_key_version(JP_KEY_SIGN)),
		Int32GetDatum(jp_key_version(JP_KEY_PSEUDONYM)),
		Int32GetDatum(jp_key_version(JP_KEY_TOMBSTONE))
	};

	jp_execute(&plan,
			   "WITH RECURSIVE step AS (SELECT * FROM journey_privacy.erasure_step WHERE request_id = $1),"
			   " last AS (SELECT number, receipt FROM journey_privacy.erasure"
			   "  WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1),"
			   " dependent(oid) AS (SELECT to_regclass(relation)::oid FROM step WHERE action IN ('delete', 'redact')"
			   "  UNION SELECT r.ev_class FROM dependent x JOIN pg_depend d ON d.refobjid = x.oid"
			   "   AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass"
			   "   JOIN pg_rewrite r ON r.oid = d.objid)"
			   " SELECT jsonb_build_object('request_id', e.request_id, 'state', $2,"
			   " 'number', coalesce((SELECT number FROM last), 0) + 1,"
			   " 'previous', (SELECT encode(sha256(decode(receipt #>> '{signed,bytes}', 'base64')), 'hex') FROM last),"
			   " 'requested_at', e.requested_at, 'erased_at', clock_timestamp(),"
			   " 'level', CASE $2 WHEN 'done' THEN 'L1' ELSE 'L0' END, 'verified', true,"
			   " 'subjects', (SELECT count(DISTINCT person) FROM journey_privacy.erasure_subject WHERE request_id = $1),"
			   " 'tables', (SELECT coalesce(jsonb_agg(jsonb_build_object('table', relation, 'action', action,"
			   "   'rows', done, 'path', path) ORDER BY relation COLLATE \"C\", action), '[]')"
			   "  FROM step WHERE action <> 'withhold' AND done > 0),"
			   " 'withheld', (SELECT coalesce(jsonb_agg(jsonb_build_object('table', relation, 'rows', found,"
			   "   'reason', reason, 'until', held_until) ORDER BY relation COLLATE \"C\"), '[]')"
			   "  FROM step WHERE action = 'withhold'),"
			   " 'materialized_views', (SELECT coalesce(jsonb_agg(c.oid::regclass::text ORDER BY 1), '[]')"
			   "  FROM dependent x JOIN pg_class c ON c.oid = x.oid AND c.relkind = 'm'),"
			   " 'key_versions', jsonb_build_object('sign', $3, 'pseudonym', $4, 'tombstone', $5))::text"
			   " FROM journey_privacy.erasure e WHERE e.request_id = $1",
			   5, types, values, NULL, SPI_OK_SELECT);
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* SQL: verify_receipt(receipt). */
Datum
jp_verify_receipt(PG_FUNCTION_ARGS)
{
	Oid			types[1] = {JSONBOID};
	Datum		values[1] = {PG_GETARG_DATUM(0)};
	bool		valid;

	jp_keyring_require();
	SPI_connect();
	/* CASE, because constants are worked out before any WHERE. */
	SPI_execute_with_args("SELECT CASE WHEN ok THEN decode(b, 'base64') END,"
						  " CASE WHEN ok THEN decode(s, 'base64') END, CASE WHEN ok THEN v::integer END"
						  " FROM (SELECT b, s, v, jsonb_typeof($1) = 'object'"
						  "   AND b ~ '^([A-Za-z0-9+/]{4})+([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'"
						  "   AND s ~ '^[A-Za-z0-9+/]{86}==$' AND v ~ '^[0-9]{1,3}$' AS ok"
						  "  FROM (SELECT $1 #>> '{signed,bytes}' AS b, $1 #>> '{signed,signature}' AS s,"
						  "   $1 #>> '{signed,key_version}' AS v) x) y",
						  1, types, values, NULL, true, 0);
	valid = is_signed(SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
	if (valid)
	{
		bool		isnull;

		SPI_execute_with_args("SELECT convert_from(decode($1 #>> '{signed,bytes}', 'base64'), 'UTF8')::jsonb"
							  " = $1 - 'signed'", 1, types, values, NULL, true, 0);
		valid = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_finish();
	PG_RETURN_BOOL(valid);
}

/* Whether a row of bytes, signature and key version verifies. */
static bool
is_signed(HeapTuple row, TupleDesc desc)
{
	bool		isnull;
	Datum		bytes = SPI_getbinval(row, desc, 1, &isnull);
	bytea	   *message;
	bytea	   *signature;

	if (isnull)
		return false;
	message = DatumGetByteaPP(bytes);
	signature = DatumGetByteaPP(SPI_getbinval(row, desc, 2, &isnull));
	return VARSIZE_ANY_EXHDR(signature) == JP_SIGNATURE_SIZE &&
		jp_key_verify(DatumGetInt32(SPI_getbinval(row, desc, 3, &isnull)),
					  VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message),
					  (uint8 *) VARDATA_ANY(signature));
}

/* SQL: signing_key(version), in the form of RFC 8410. */
Datum
jp_signing_key(PG_FUNCTION_ARGS)
{
	static const uint8 header[] = {
		0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
	};
	uint8		key[sizeof(header) + JP_PUBLIC_KEY_SIZE];

	jp_keyring_require();
	memcpy(key, header, sizeof(header));
	jp_key_public(PG_ARGISNULL(0) ? jp_key_version(JP_KEY_SIGN) : PG_GETARG_INT32(0),
				  key + sizeof(header));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n",
											  encoded(key, sizeof(key)))));
}

/* Bytes in base64, without line ends. */
static char *
encoded(const void *bytes, int length)
{
	int			room = pg_b64_enc_len(length);
	char	   *base64 = palloc(room + 1);
	int			written = pg_b64_encode(bytes, length, base64, room);

	if (written < 0)
		elog(ERROR, "could not encode base64");
	base64[written] = '\0';
	return base64;
}
