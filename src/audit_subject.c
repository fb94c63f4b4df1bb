/*
 * audit_subject.c
 *		Whom an entry is about, for those only who hold the subject's data key.
 *
 * A commitment is a random nonce and the tag of XChaCha20-Poly1305 over the
 * pseudonym under that key.  Without the key no entry can be told to be about
 * a given subject, and no two to be about the same one; once it is shredded,
 * never again, and no hash of the tree has changed.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "audit_internal.h"
#include "catalog.h"
#include "sealed_internal.h"

#define NONCE_SIZE	(JP_COMMITMENT_SIZE - JP_BOX_TAG_SIZE)

static void tag_of(const JpPseudonym *subject, const JpDataKey *key,
				   const uint8 *nonce, uint8 *tag);
static int	keys_of(const JpPseudonym *subject, JpDataKey **keys);
static bool is_about(const JpPseudonym *subject, const JpDataKey *keys,
					 int count, Datum commitment);

PG_FUNCTION_INFO_V1(jp_audit_of);

/* Commits to a subject; false when there is no key and can be none. */
bool
jp_audit_commit_to(const JpPseudonym *subject, uint8 *commitment)
{
	JpDataKey	key;
	bool		may_write = !XactReadOnly && !IsInParallelMode() &&
	!RecoveryInProgress();

	if (!(may_write ? jp_data_key_of(subject, &key) :
		  jp_data_key_here(subject, &key)))
		return false;
	randombytes_buf(commitment, NONCE_SIZE);
	tag_of(subject, &key, commitment, commitment + NONCE_SIZE);
	return true;
}

/* SQL: audit_of(subject). */
Datum
jp_audit_of(PG_FUNCTION_ARGS)
{
	const JpPseudonym *subject = PG_GETARG_PSEUDONYM(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	JpDataKey  *keys;
	int			count;
	uint64		i;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	jp_queue_flush_all();
	count = keys_of(subject, &keys);
	if (count == 0)
		PG_RETURN_NULL();
	SPI_connect();
	SPI_execute("SELECT number, subject FROM journey_privacy.audit_entry"
				" WHERE subject IS NOT NULL ORDER BY number", false, 0);
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		null;
		Datum		values[1] = {SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &null)};

		if (is_about(subject, keys, count,
					 SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &null)))
			tuplestore_putvalues(result->setResult, result->setDesc, values, &null);
	}
	SPI_finish();
	PG_RETURN_NULL();
}

/* The tag over a pseudonym, under a data key and a nonce. */
static void
tag_of(const JpPseudonym *subject, const JpDataKey *key, const uint8 *nonce,
	   uint8 *tag)
{
	static const char use[] = "journey_privacy audit";
	uint8		bound[sizeof(use) + JP_PSEUDONYM_SIZE];
	uint8		long_nonce[JP_BOX_NONCE_SIZE] = {0};

	memcpy(bound, use, sizeof(use));
	memcpy(bound + sizeof(use), subject->bytes, JP_PSEUDONYM_SIZE);
	memcpy(long_nonce, nonce, NONCE_SIZE);
	jp_box_seal(key->id, key->wrapped, bound, sizeof(bound), long_nonce, "", 0,
				tag);
}

/* All data keys of a subject that are not shredded. */
static int
keys_of(const JpPseudonym *subject, JpDataKey **keys)
{
	Oid			types[1] = {jp_type("pseudonym")};
	Datum		values[1] = {PointerGetDatum(subject)};
	MemoryContext caller = CurrentMemoryContext;
	int			count = 0;
	uint64		i;

	SPI_connect();
	SPI_execute_with_args("SELECT key_id FROM journey_privacy.subject_key WHERE subject = $1",
						  1, types, values, NULL, false, 0);
	*keys = MemoryContextAlloc(caller, sizeof(JpDataKey) * (SPI_processed + 1));
	for (i = 0; i < SPI_processed; i++)
	{
		bool		null;
		Datum		id = SPI_getbinval(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc, 1, &null);

		if (jp_data_key_find(subject, DatumGetUUIDP(id)->data,
							 &(*keys)[count]) == JP_DATA_KEY_HERE)
			count++;
	}
	SPI_finish();
	return count;
}

/* Whether a commitment is to a subject. */
static bool
is_about(const JpPseudonym *subject, const JpDataKey *keys, int count,
		 Datum commitment)
{
	bytea	   *bytes = DatumGetByteaPP(commitment);
	const uint8 *nonce = (const uint8 *) VARDATA_ANY(bytes);
	uint8		tag[JP_BOX_TAG_SIZE];
	int			i;

	if (VARSIZE_ANY_EXHDR(bytes) != JP_COMMITMENT_SIZE)
		return false;
	for (i = 0; i < count; i++)
	{
		tag_of(subject, &keys[i], nonce, tag);
		if (sodium_memcmp(tag, nonce + NONCE_SIZE, sizeof(tag)) == 0)
			return true;
	}
	return false;
}
