/*
 * pseudonym_hashed.c
 *		The bytes of an identity that others hash: what partners send as the
 *		MD5, SHA-1 or SHA-256 of an e-mail address is of these bytes.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "pseudonym_internal.h"
#include "utf8.h"

PG_FUNCTION_INFO_V1(jp_normalize_identity);

/* SQL: normalize_identity(kind, value), in UTF-8. */
Datum
jp_normalize_identity(PG_FUNCTION_ARGS)
{
	text	   *kind = PG_GETARG_TEXT_PP(0);
	text	   *value = PG_GETARG_TEXT_PP(1);
	JpNormalizer normalizer = jp_kind_normalizer(VARDATA_ANY(kind),
												 VARSIZE_ANY_EXHDR(kind));
	bytea	   *out = palloc(VARHDRSZ + JP_VALUE_MAX);
	size_t		len;
	const char *utf8 = jp_utf8_from(VARDATA_ANY(value),
									VARSIZE_ANY_EXHDR(value), &len);
	int			written = len > JP_VALUE_MAX ? -1 :
		jp_normalize(normalizer, utf8, len, VARDATA(out));

	if (written <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value is empty, too long or not one that this identity kind can have")));
	SET_VARSIZE(out, VARHDRSZ + written);
	PG_RETURN_BYTEA_P(out);
}
