/*
 * ingest_identity.c
 *		Who a batch is about: the identities in it that the mapping lists.
 *
 * The first of the list that is there is the subject, the others are its
 * aliases.  Where the journey table's subject column is of a kind, that kind
 * goes first and must be there.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "compat.h"
#include "ingest.h"
#include "pseudonym_internal.h"

#define MAX_ID_DIGITS	20		/* of a number of 64 bits */

static bool read_identity(JsonbContainer *batch, const char *kind,
						  JpIngestIdentity *identity);
static JsonbContainer *place_of(JsonbContainer *batch, const char *kind,
								const char **key, const char **path);
static char *identity_text(const JsonbValue *value, const char *kind,
						   const char *path);
static bool is_of_device(const char *kind);

/* Kinds that device_info holds; all others are in user_identities. */
static const char *const device_kind[] = {
	"amp_id", "android_advertising_id", "android_id", "android_uuid",
	"fire_advertising_id", "google_advertising_id", "ios_advertising_id",
	"ios_idfv", "ios_vendor_id", "microsoft_advertising_id",
	"microsoft_publisher_id", "push_token", "roku_advertising_id",
	"roku_publisher_id"
};

/* Reads the identities. */
void
jp_ingest_read_identities(JpIngestBatch *batch)
{
	const JpIngestMapping *mapping = batch->mapping;
	JsonbContainer *root = &batch->document->root;
	JpIngestIdentity *subject;
	ListCell   *cell;

	batch->identities = palloc0(list_length(mapping->identities) *
								sizeof(JpIngestIdentity));
	foreach(cell, mapping->identities)
	{
		if (read_identity(root, lfirst(cell),
						  &batch->identities[batch->identity_count]))
			batch->identity_count++;
	}
	subject = &batch->identities[0];
	if (batch->identity_count == 0)
		jp_ingest_fault(-1, "user_identities", "holds none of the identities that are mapped");
	if (mapping->kind == NULL)
		batch->subject = PointerGetDatum(&subject->pseudonym);
	else
	{
		JpIngestColumn column = mapping->subject_column;
		JsonbValue	value;

		if (strcmp(subject->kind, mapping->kind) != 0)
			jp_ingest_fault(-1, psprintf("user_identities.%s", mapping->kind),
							"is missing, and the table names its subjects by it");
		column.path = subject->path;
		value.type = jbvString;
		value.val.string.val = subject->value;
		value.val.string.len = strlen(subject->value);
		(void) jp_ingest_value(&column, &value, -1, &batch->subject);
	}
}

/* Reads an identity; false when it is not there. */
static bool
read_identity(JsonbContainer *batch, const char *kind,
			  JpIngestIdentity *identity)
{
	const char *key;
	JsonbContainer *place = place_of(batch, kind, &key, &identity->path);
	JsonbValue *value = place == NULL ? NULL : jp_ingest_member(place, key);
	char		form[JP_VALUE_MAX];

	if (value == NULL)
		return false;
	identity->kind = kind;
	identity->value = identity_text(value, kind, identity->path);
	if (identity->value == NULL)
		return false;
	if (jp_normalize(jp_kind_normalizer(kind, strlen(kind)), identity->value,
					 strlen(identity->value), form) < 0)
		jp_ingest_fault(-1, identity->path,
						psprintf("cannot be an identity of kind %s", kind));
	jp_pseudonymize(kind, identity->value, strlen(identity->value),
					&identity->pseudonym);
	return true;
}

/* Where in a batch a kind is found: an object, a key, a path. */
static JsonbContainer *
place_of(JsonbContainer *batch, const char *kind, const char **key,
		 const char **path)
{
	const char *object;

	*key = *path = kind;
	if (strcmp(kind, "mpid") == 0)
		return batch;
	if (strcmp(kind, "device_id") == 0)
	{
		*key = *path = "mp_deviceid";
		return batch;
	}
	object = is_of_device(kind) ? "device_info" : "user_identities";
	*path = psprintf("%s.%s", object, kind);
	return jp_ingest_object(batch, object, -1, object);
}

/* An identity's text; NULL for one that is empty, or mParticle's 0. */
static char *
identity_text(const JsonbValue *value, const char *kind, const char *path)
{
	bool		is_mpid = strcmp(kind, "mpid") == 0;
	char	   *chars = NULL;

	if (value->type == jbvString)
		chars = pnstrdup(value->val.string.val, value->val.string.len);
	else if (value->type == jbvNumeric)
	{
		chars = jp_ingest_digits(value, is_mpid ? MAX_ID_DIGITS : JP_VALUE_MAX);
		if (chars == NULL)
			jp_ingest_fault(-1, path, "is not a whole number");
	}
	else
		jp_ingest_fault(-1, path, "is not a string or a number");
	if (is_mpid && chars[0] != '\0')
	{
		const char *digits = chars + (chars[0] == '-');

		if (digits[0] == '\0' || strlen(chars) > MAX_ID_DIGITS ||
			strspn(digits, "0123456789") != strlen(digits))
			jp_ingest_fault(-1, path, "is not a whole number of 64 bits");
	}
	return chars[0] == '\0' || (is_mpid && strcmp(chars, "0") == 0) ? NULL : chars;
}

/* Whether a kind is of a device. */
static bool
is_of_device(const char *kind)
{
	int			i;

	for (i = 0; i < lengthof(device_kind); i++)
	{
		if (strcmp(device_kind[i], kind) == 0)
			return true;
	}
	return false;
}
