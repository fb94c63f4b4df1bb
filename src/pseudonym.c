/*
 * pseudonym.c
 *		Type pseudonym: its forms, and how identities become one.
 *
 * A pseudonym is the key version's byte and the first 15 bytes of
 *
 *		h1 = BLAKE2b-128(key = subkey "pseudonym" 1,
 *						 personalisation "pseudonym" zero padded,
 *						 message = kind ':' normalised value, in UTF-8)
 *
 * Version n + 1 hashes the 16 bytes of version n the same way under the next
 * subkey, so that stored pseudonyms can follow without their identities.
 *
 * To compute a pseudonym from an identity is a privilege (design, rule 8):
 * EXECUTE on pseudonymize(text, text).  No message names an identity.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "compat.h"
#include "keyring.h"
#include "note.h"
#include "pseudonym_internal.h"
#include "utf8.h"

#define MESSAGE_SIZE	(JP_KIND_SIZE + JP_VALUE_MAX)

static void identity_in(const char *chars, const char *colon,
						JpPseudonym *pseudonym);
static Oid	privilege_function(void);
static void hash_identity(const char *kind, size_t kindlen,
						  const char *value, size_t len,
						  JpPseudonym *pseudonym);
static int	normalize(JpNormalizer normalizer, const char *value, size_t len,
					  char *out);
static void hash_message(const char *message, size_t len,
						 JpPseudonym *pseudonym);
static void hash_version(JpKeyKind kind, int version, const void *message,
						 size_t len, JpPseudonym *pseudonym);
pg_noreturn static void bad_value(const char *fact, const char *hint);

PG_FUNCTION_INFO_V1(jp_pseudonym_in);
PG_FUNCTION_INFO_V1(jp_pseudonym_out);
PG_FUNCTION_INFO_V1(jp_pseudonym_recv);
PG_FUNCTION_INFO_V1(jp_pseudonym_send);
PG_FUNCTION_INFO_V1(jp_pseudonymize_text);
PG_FUNCTION_INFO_V1(jp_pseudonymize_bigint);
PG_FUNCTION_INFO_V1(jp_pseudonymize_uuid);
PG_FUNCTION_INFO_V1(jp_scoped);

/* What the values of a kind look like. */
static const char *const value_hint[JP_NORMALIZERS] = {
	[JP_NORMALIZE_E164] = "A telephone number is \"+\" or \"00\", country code and number, at most 15 digits.",
	[JP_NORMALIZE_UUID] = "The value is 32 hexadecimal digits, with or without hyphens."
};

/* Reads the text form, or an identity. */
Datum
jp_pseudonym_in(PG_FUNCTION_ARGS)
{
	const char *chars = PG_GETARG_CSTRING(0);
	const char *colon = strchr(chars, ':');
	JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));
	ErrorContextCallback *context = jp_hide_value();

	if (colon != NULL)
		identity_in(chars, colon, pseudonym);
	else if (!jp_pseudonym_from_text(chars, strlen(chars), pseudonym))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type pseudonym"),
				 errhint("A pseudonym is \"p1_\" and 24 letters; an identity is \"kind:value\", for example \"customer_id:42\".")));
	error_context_stack = context;
	PG_RETURN_POINTER(pseudonym);
}

/* Writes the text form. */
Datum
jp_pseudonym_out(PG_FUNCTION_ARGS)
{
	char	   *chars = palloc(JP_PSEUDONYM_TEXT);

	jp_pseudonym_to_text(PG_GETARG_PSEUDONYM(0), chars);
	PG_RETURN_CSTRING(chars);
}

/* Reads the binary form. */
Datum
jp_pseudonym_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));

	if (buffer->len - buffer->cursor != JP_PSEUDONYM_SIZE ||
		buffer->data[buffer->cursor] == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary form of type pseudonym")));
	pq_copymsgbytes(buffer, (char *) pseudonym->bytes, JP_PSEUDONYM_SIZE);
	PG_RETURN_POINTER(pseudonym);
}

/* Writes the binary form. */
Datum
jp_pseudonym_send(PG_FUNCTION_ARGS)
{
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendbytes(&buffer, (char *) PG_GETARG_PSEUDONYM(0)->bytes,
				 JP_PSEUDONYM_SIZE);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* pseudonymize(kind, value text) */
Datum
jp_pseudonymize_text(PG_FUNCTION_ARGS)
{
	text	   *kind = PG_GETARG_TEXT_PP(0);
	text	   *value = PG_GETARG_TEXT_PP(1);
	JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));

	hash_identity(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind),
				  VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), pseudonym);
	PG_RETURN_POINTER(pseudonym);
}

/* pseudonymize(kind, value bigint): as its decimal text */
Datum
jp_pseudonymize_bigint(PG_FUNCTION_ARGS)
{
	text	   *kind = PG_GETARG_TEXT_PP(0);
	JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));
	char		value[MAXINT8LEN + 1];
	int			len = pg_lltoa(PG_GETARG_INT64(1), value);

	hash_identity(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind), value, len,
				  pseudonym);
	PG_RETURN_POINTER(pseudonym);
}

/* pseudonymize(kind, value uuid): as its text */
Datum
jp_pseudonymize_uuid(PG_FUNCTION_ARGS)
{
	text	   *kind = PG_GETARG_TEXT_PP(0);
	JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));
	char	   *value = DatumGetCString(DirectFunctionCall1(uuid_out,
															PG_GETARG_DATUM(1)));

	hash_identity(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind), value,
				  strlen(value), pseudonym);
	PG_RETURN_POINTER(pseudonym);
}

/* scoped(subject, scope): unlinkable with the subject but for the key */
Datum
jp_scoped(PG_FUNCTION_ARGS)
{
	text	   *scope = PG_GETARG_TEXT_PP(1);
	JpPseudonym *pseudonym = palloc(sizeof(JpPseudonym));
	JpPseudonym subject = *PG_GETARG_PSEUDONYM(0);
	char		message[JP_PSEUDONYM_SIZE + JP_VALUE_MAX];
	const char *utf8;
	size_t		len;

	utf8 = jp_utf8_from(VARDATA_ANY(scope), VARSIZE_ANY_EXHDR(scope), &len);
	if (len == 0 || len > JP_VALUE_MAX)
		bad_value("scope is empty or longer than 1024 bytes", NULL);
	jp_pseudonym_advance(&subject, jp_key_version(JP_KEY_PSEUDONYM));
	memcpy(message, subject.bytes, JP_PSEUDONYM_SIZE);
	memcpy(message + JP_PSEUDONYM_SIZE, utf8, len);
	hash_version(JP_KEY_SCOPE, jp_key_version(JP_KEY_SCOPE),
				 message, JP_PSEUDONYM_SIZE + len, pseudonym);
	PG_RETURN_POINTER(pseudonym);
}

/* The pseudonym of an identity under the current key. */
void
jp_pseudonymize(const char *kind, const char *value, size_t len,
				JpPseudonym *pseudonym)
{
	hash_identity(kind, strlen(kind), value, len, pseudonym);
}

/* Moves a pseudonym to a later key version. */
void
jp_pseudonym_advance(JpPseudonym *pseudonym, int version)
{
	while (pseudonym->bytes[0] < version)
		hash_version(JP_KEY_PSEUDONYM, pseudonym->bytes[0] + 1,
					 pseudonym->bytes, JP_PSEUDONYM_SIZE, pseudonym);
}

/* Reads an identity, kind:value, for those who may. */
static void
identity_in(const char *chars, const char *colon, JpPseudonym *pseudonym)
{
	jp_pseudonymize_require();
	hash_identity(chars, colon - chars, colon + 1, strlen(colon + 1),
				  pseudonym);
}

/* Refuses those who may not turn identities into pseudonyms. */
void
jp_pseudonymize_require(void)
{
	Oid			function = privilege_function();

	if (OidIsValid(function) &&
		jp_proc_aclcheck(function, GetUserId()) == ACLCHECK_OK)
		return;
	jp_refuse(JP_NOTE_KEY, "pseudonymize", InvalidOid,
			  errmsg("permission denied to turn an identity into a pseudonym"),
			  errhint("This takes EXECUTE on journey_privacy.pseudonymize(text, text)."));
}

/* The function whose privilege counts. */
static Oid
privilege_function(void)
{
	static const Oid types[] = {TEXTOID, TEXTOID};
	oidvector  *arguments = buildoidvector(types, lengthof(types));
	Oid			function;

	function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							   CStringGetDatum("pseudonymize"),
							   PointerGetDatum(arguments),
							   ObjectIdGetDatum(jp_schema()));
	pfree(arguments);
	return function;
}

/* Normalises and hashes an identity. */
static void
hash_identity(const char *kind, size_t kindlen, const char *value, size_t len,
			  JpPseudonym *pseudonym)
{
	ErrorContextCallback *context = jp_hide_value();
	JpNormalizer normalizer = jp_kind_normalizer(kind, kindlen);
	char		message[MESSAGE_SIZE];
	size_t		prefix = kindlen + 1;
	int			length;

	memcpy(message, kind, kindlen);
	message[kindlen] = ':';
	length = normalize(normalizer, value, len, message + prefix);
	if (length < 0)
		bad_value("value is empty or not one that this identity kind can have",
				  value_hint[normalizer]);
	hash_message(message, prefix + length, pseudonym);
	sodium_memzero(message, prefix + length);
	error_context_stack = context;
}

/* Normalises a value, in UTF-8. */
static int
normalize(JpNormalizer normalizer, const char *value, size_t len, char *out)
{
	const char *utf8;
	size_t		utf8len;
	int			length;

	if (len > JP_VALUE_MAX)
		bad_value("value is longer than 1024 bytes", NULL);
	utf8 = jp_utf8_from(value, len, &utf8len);
	if (utf8len > JP_VALUE_MAX)
		bad_value("value is longer than 1024 bytes", NULL);
	length = jp_normalize(normalizer, utf8, utf8len, out);
	if (utf8 != value)
	{
		explicit_bzero(unconstify(char *, utf8), utf8len);
		pfree(unconstify(char *, utf8));
	}
	return length;
}

/* Hashes kind:value up to the current version. */
static void
hash_message(const char *message, size_t len, JpPseudonym *pseudonym)
{
	int			version = jp_key_version(JP_KEY_PSEUDONYM);

	hash_version(JP_KEY_PSEUDONYM, 1, message, len, pseudonym);
	jp_pseudonym_advance(pseudonym, version);
}

/* One keyed hash; the message may be the pseudonym itself. */
static void
hash_version(JpKeyKind kind, int version, const void *message, size_t len,
			 JpPseudonym *pseudonym)
{
	uint8		hash[JP_PSEUDONYM_SIZE];

	jp_key_hash(kind, version, message, len, hash, sizeof(hash));
	pseudonym->bytes[0] = (uint8) version;
	memcpy(pseudonym->bytes + 1, hash, JP_PSEUDONYM_SIZE - 1);
}

/* Refuses a value without naming it. */
static void
bad_value(const char *fact, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", fact),
			 hint != NULL ? errhint("%s", hint) : 0));
}
