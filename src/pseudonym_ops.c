/*
 * pseudonym_ops.c
 *		Order, hash, sort support and casts of type pseudonym.
 *
 * The order is that of the bytes, so the version comes first.  The hash is
 * PostgreSQL's hash_bytes over all sixteen bytes and is frozen for ever:
 * partitions and shards depend on it.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"
#include "utils/uuid.h"

#include "compat.h"
#include "pseudonym.h"

static int	fast_compare(Datum a, Datum b, SortSupport support);
static Datum abbreviate(Datum original, SortSupport support);
static bool abbreviate_abort(int count, SortSupport support);
static JpPseudonym *from_bytes(const void *bytes);

PG_FUNCTION_INFO_V1(jp_pseudonym_eq);
PG_FUNCTION_INFO_V1(jp_pseudonym_ne);
PG_FUNCTION_INFO_V1(jp_pseudonym_lt);
PG_FUNCTION_INFO_V1(jp_pseudonym_le);
PG_FUNCTION_INFO_V1(jp_pseudonym_gt);
PG_FUNCTION_INFO_V1(jp_pseudonym_ge);
PG_FUNCTION_INFO_V1(jp_pseudonym_cmp);
PG_FUNCTION_INFO_V1(jp_pseudonym_smaller);
PG_FUNCTION_INFO_V1(jp_pseudonym_larger);
PG_FUNCTION_INFO_V1(jp_pseudonym_hash);
PG_FUNCTION_INFO_V1(jp_pseudonym_hash_extended);
PG_FUNCTION_INFO_V1(jp_pseudonym_sortsupport);
PG_FUNCTION_INFO_V1(jp_pseudonym_from_uuid);
PG_FUNCTION_INFO_V1(jp_pseudonym_from_bytea);
PG_FUNCTION_INFO_V1(jp_pseudonym_to_bytea);

/* Eight bytes as a number that orders like them. */
static inline uint64
eight(const uint8 *bytes)
{
	uint64		number;

	memcpy(&number, bytes, sizeof(number));
	return pg_ntoh64(number);
}

/* Order of the bytes. */
static inline int
compare(const JpPseudonym *a, const JpPseudonym *b)
{
	uint64		x = eight(a->bytes);
	uint64		y = eight(b->bytes);

	if (x == y)
	{
		x = eight(a->bytes + 8);
		y = eight(b->bytes + 8);
	}
	return (x > y) - (x < y);
}

/* = */
Datum
jp_pseudonym_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(memcmp(PG_GETARG_PSEUDONYM(0), PG_GETARG_PSEUDONYM(1),
						  JP_PSEUDONYM_SIZE) == 0);
}

/* <> */
Datum
jp_pseudonym_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(memcmp(PG_GETARG_PSEUDONYM(0), PG_GETARG_PSEUDONYM(1),
						  JP_PSEUDONYM_SIZE) != 0);
}

/* < */
Datum
jp_pseudonym_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(PG_GETARG_PSEUDONYM(0), PG_GETARG_PSEUDONYM(1)) < 0);
}

/* <= */
Datum
jp_pseudonym_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(PG_GETARG_PSEUDONYM(0), PG_GETARG_PSEUDONYM(1)) <= 0);
}

/* > */
Datum
jp_pseudonym_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(PG_GETARG_PSEUDONYM(0), PG_GETARG_PSEUDONYM(1)) > 0);
}

/* >= */
Datum
jp_pseudonym_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(PG_GETARG_PSEUDONYM(0), PG_GETARG_PSEUDONYM(1)) >= 0);
}

/* Order, for btree. */
Datum
jp_pseudonym_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(PG_GETARG_PSEUDONYM(0), PG_GETARG_PSEUDONYM(1)));
}

/* The smaller of two, for min(). */
Datum
jp_pseudonym_smaller(PG_FUNCTION_ARGS)
{
	JpPseudonym *a = PG_GETARG_PSEUDONYM(0);
	JpPseudonym *b = PG_GETARG_PSEUDONYM(1);

	PG_RETURN_POINTER(compare(a, b) < 0 ? a : b);
}

/* The larger of two, for max(). */
Datum
jp_pseudonym_larger(PG_FUNCTION_ARGS)
{
	JpPseudonym *a = PG_GETARG_PSEUDONYM(0);
	JpPseudonym *b = PG_GETARG_PSEUDONYM(1);

	PG_RETURN_POINTER(compare(a, b) > 0 ? a : b);
}

/* Hash; frozen. */
Datum
jp_pseudonym_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(hash_any(PG_GETARG_PSEUDONYM(0)->bytes,
							 JP_PSEUDONYM_SIZE));
}

/* Hash with a seed; frozen. */
Datum
jp_pseudonym_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(hash_any_extended(PG_GETARG_PSEUDONYM(0)->bytes,
									  JP_PSEUDONYM_SIZE, PG_GETARG_INT64(1)));
}

/* Sort support. */
Datum
jp_pseudonym_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport support = (SortSupport) PG_GETARG_POINTER(0);

	support->comparator = fast_compare;
	if (support->abbreviate)
	{
		support->comparator = ssup_datum_unsigned_cmp;
		support->abbrev_converter = abbreviate;
		support->abbrev_abort = abbreviate_abort;
		support->abbrev_full_comparator = fast_compare;
	}
	PG_RETURN_VOID();
}

/* uuid to pseudonym. */
Datum
jp_pseudonym_from_uuid(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(from_bytes(PG_GETARG_UUID_P(0)->data));
}

/* bytea to pseudonym. */
Datum
jp_pseudonym_from_bytea(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);

	if (VARSIZE_ANY_EXHDR(bytes) != JP_PSEUDONYM_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("a pseudonym has %d bytes", JP_PSEUDONYM_SIZE)));
	PG_RETURN_POINTER(from_bytes(VARDATA_ANY(bytes)));
}

/* pseudonym to bytea. */
Datum
jp_pseudonym_to_bytea(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = palloc(VARHDRSZ + JP_PSEUDONYM_SIZE);

	SET_VARSIZE(bytes, VARHDRSZ + JP_PSEUDONYM_SIZE);
	memcpy(VARDATA(bytes), PG_GETARG_PSEUDONYM(0)->bytes, JP_PSEUDONYM_SIZE);
	PG_RETURN_BYTEA_P(bytes);
}

/* Order, called without fmgr. */
static int
fast_compare(Datum a, Datum b, SortSupport support)
{
	return compare((JpPseudonym *) DatumGetPointer(a),
				   (JpPseudonym *) DatumGetPointer(b));
}

/* The version byte and the first of the hash, as many as a Datum has. */
static Datum
abbreviate(Datum original, SortSupport support)
{
	const JpPseudonym *pseudonym = (JpPseudonym *) DatumGetPointer(original);
	uint64		number = eight(pseudonym->bytes);

	return (Datum) (number >> (64 - 8 * SIZEOF_DATUM));
}

/*
 * Never gives up.  Hashes differ in their first bytes unless they are equal,
 * and then the full comparison costs what it would have cost anyway.
 */
static bool
abbreviate_abort(int count, SortSupport support)
{
	return false;
}

/* A pseudonym of 16 bytes, if they can be one. */
static JpPseudonym *
from_bytes(const void *bytes)
{
	JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));

	memcpy(pseudonym->bytes, bytes, JP_PSEUDONYM_SIZE);
	if (pseudonym->bytes[0] == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("a pseudonym does not begin with key version 0")));
	return pseudonym;
}
