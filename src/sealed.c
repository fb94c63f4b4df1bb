/*
 * sealed.c
 *		Type sealed: its forms, seal() and unseal().
 *
 * A value is version, key id, nonce, and XChaCha20-Poly1305 of the text in
 * UTF-8 under the data key of that id.  It is bound to version, key id and
 * context; the key id is bound to the subject by table subject_key, so that
 * a subject can get another pseudonym and keep the values.
 *
 * There is no equality: the same text sealed twice gives two values, and
 * GROUP BY, DISTINCT or a join on them could only mislead.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "pseudonym_internal.h"
#include "note.h"
#include "sealed_internal.h"
#include "sealed_text.h"
#include "subject.h"
#include "utf8.h"

static bytea *seal_text(const JpDataKey *key, text *plain, text *context);
static text *open_value(const JpDataKey *key, bytea *value, text *context);
static uint8 *bind_context(const uint8 *bytes, text *context, size_t *len);
static void wipe_copy(const char *copy, size_t len, const void *original);
pg_noreturn static void refuse_value(const char *detail);

PG_FUNCTION_INFO_V1(jp_sealed_in);
PG_FUNCTION_INFO_V1(jp_sealed_out);
PG_FUNCTION_INFO_V1(jp_sealed_recv);
PG_FUNCTION_INFO_V1(jp_sealed_send);
PG_FUNCTION_INFO_V1(jp_seal);
PG_FUNCTION_INFO_V1(jp_unseal);

/* Reads the text form. */
Datum
jp_sealed_in(PG_FUNCTION_ARGS)
{
	const char *chars = PG_GETARG_CSTRING(0);
	size_t		len = strlen(chars);
	bytea	   *value = palloc(VARHDRSZ + len / 4 * 3 + 2);
	long		got = jp_sealed_from_text(chars, len,
										  (uint8 *) VARDATA(value));

	if (got < 0)
	{
		(void) jp_hide_value();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type sealed"),
				 errhint("Use journey_privacy.seal() to seal a text.")));
	}
	SET_VARSIZE(value, VARHDRSZ + got);
	PG_RETURN_BYTEA_P(value);
}

/* Writes the text form. */
Datum
jp_sealed_out(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	size_t		len = VARSIZE_ANY_EXHDR(value);
	char	   *chars = palloc(jp_sealed_text_size(len));

	jp_sealed_to_text((uint8 *) VARDATA_ANY(value), len, chars);
	PG_RETURN_CSTRING(chars);
}

/* Reads the binary form. */
Datum
jp_sealed_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	size_t		len = buffer->len - buffer->cursor;
	bytea	   *value = palloc(VARHDRSZ + len);

	pq_copymsgbytes(buffer, VARDATA(value), len);
	if (!jp_sealed_wellformed((uint8 *) VARDATA(value), len))
	{
		(void) jp_hide_value();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary form of type sealed")));
	}
	SET_VARSIZE(value, VARHDRSZ + len);
	PG_RETURN_BYTEA_P(value);
}

/* Writes the binary form. */
Datum
jp_sealed_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

/* seal(subject, plaintext, context); NULL for an erased subject */
Datum
jp_seal(PG_FUNCTION_ARGS)
{
	const JpPseudonym *subject = jp_subject_arg(fcinfo, 0);
	ErrorContextCallback *context = jp_hide_value();
	text	   *plain;
	bytea	   *value;
	JpDataKey	key;

	if (!jp_data_key_of(subject, &key))
	{
		error_context_stack = context;
		PG_RETURN_NULL();
	}
	plain = PG_GETARG_TEXT_PP(1);
	value = seal_text(&key, plain, PG_GETARG_TEXT_PP(2));
	wipe_copy((char *) plain, VARSIZE_ANY(plain), PG_GETARG_POINTER(1));
	error_context_stack = context;
	PG_RETURN_BYTEA_P(value);
}

/* unseal(subject, value, context); NULL when the key was shredded */
Datum
jp_unseal(PG_FUNCTION_ARGS)
{
	const JpPseudonym *subject = jp_subject_arg(fcinfo, 0);
	bytea	   *value = PG_GETARG_BYTEA_PP(1);
	const uint8 *bytes = (uint8 *) VARDATA_ANY(value);
	JpDataKey	key;

	if (!jp_sealed_wellformed(bytes, VARSIZE_ANY_EXHDR(value)))
		refuse_value("It is not well formed.");
	switch (jp_data_key_find(subject, bytes + 1, &key))
	{
		case JP_DATA_KEY_HERE:
			jp_note_about(JP_NOTE_UNSEALING, "unseal", subject, NULL);
			PG_RETURN_TEXT_P(open_value(&key, value, PG_GETARG_TEXT_PP(2)));
		case JP_DATA_KEY_SHREDDED:
			PG_RETURN_NULL();
		case JP_DATA_KEY_ANOTHERS:
			refuse_value("It was sealed for another subject.");
		case JP_DATA_KEY_FORGED:
			refuse_value("It names a key that never was.");
	}
	pg_unreachable();
}

/* Seals a text under a data key. */
static bytea *
seal_text(const JpDataKey *key, text *plain, text *context)
{
	size_t		len;
	const char *utf8 = jp_utf8_from(VARDATA_ANY(plain),
									VARSIZE_ANY_EXHDR(plain), &len);
	bytea	   *value;
	uint8	   *bytes;
	uint8	   *bound;
	size_t		boundlen;

	if (len > MaxAllocSize - VARHDRSZ - JP_SEALED_OVERHEAD)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text is too long to be sealed")));
	value = palloc(VARHDRSZ + JP_SEALED_OVERHEAD + len);
	SET_VARSIZE(value, VARHDRSZ + JP_SEALED_OVERHEAD + len);
	bytes = (uint8 *) VARDATA(value);
	bytes[0] = JP_SEALED_VERSION;
	memcpy(bytes + 1, key->id, JP_BOX_ID_SIZE);
	randombytes_buf(bytes + JP_SEALED_NONCE_AT, JP_BOX_NONCE_SIZE);
	bound = bind_context(bytes, context, &boundlen);
	jp_box_seal(key->id, key->wrapped, bound, boundlen,
				bytes + JP_SEALED_NONCE_AT, utf8, len,
				bytes + JP_SEALED_CIPHER_AT);
	pfree(bound);
	wipe_copy(utf8, len, VARDATA_ANY(plain));
	return value;
}

/* Opens a value. */
static text *
open_value(const JpDataKey *key, bytea *value, text *context)
{
	const uint8 *bytes = (uint8 *) VARDATA_ANY(value);
	size_t		utf8len = VARSIZE_ANY_EXHDR(value) - JP_SEALED_OVERHEAD;
	text	   *opened = palloc(VARHDRSZ + utf8len);
	text	   *result = opened;
	const char *chars;
	size_t		len;
	size_t		boundlen;
	uint8	   *bound = bind_context(bytes, context, &boundlen);

	if (!jp_box_open(key->id, key->wrapped, bound, boundlen,
					 bytes + JP_SEALED_NONCE_AT, bytes + JP_SEALED_CIPHER_AT,
					 utf8len, VARDATA(opened)))
		refuse_value("It was changed, or sealed in another context.");
	pfree(bound);
	SET_VARSIZE(opened, VARHDRSZ + utf8len);
	chars = jp_utf8_to(VARDATA(opened), utf8len, &len);
	if (chars != VARDATA(opened))
	{
		result = cstring_to_text_with_len(chars, len);
		wipe_copy(chars, len, NULL);
		wipe_copy((char *) opened, VARSIZE(opened), NULL);
	}
	return result;
}

/* What a value is bound to: version, key id, context. */
static uint8 *
bind_context(const uint8 *bytes, text *context, size_t *len)
{
	size_t		utf8len;
	const char *utf8 = jp_utf8_from(VARDATA_ANY(context),
									VARSIZE_ANY_EXHDR(context), &utf8len);
	uint8	   *bound = palloc(JP_SEALED_NONCE_AT + utf8len);

	memcpy(bound, bytes, JP_SEALED_NONCE_AT);
	memcpy(bound + JP_SEALED_NONCE_AT, utf8, utf8len);
	*len = JP_SEALED_NONCE_AT + utf8len;
	return bound;
}

/* Wipes and frees a text, unless it is the caller's own. */
static void
wipe_copy(const char *copy, size_t len, const void *original)
{
	if ((const void *) copy == original)
		return;
	explicit_bzero(unconstify(char *, copy), len);
	pfree(unconstify(char *, copy));
}

/* Refuses a value that is not what seal() made for this subject. */
static void
refuse_value(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("sealed value does not open"),
			 errdetail("%s", detail)));
}
