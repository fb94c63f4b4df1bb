/*
 * collection_subject.c
 *		Columns that name subjects: which types will do, and whom a value means.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "collection.h"
#include "keyring.h"

/* The pseudonym, under the current key, that a subject column's value means. */
void
jp_subject_of_datum(Datum value, Oid type, const char *kind,
					JpPseudonym *pseudonym)
{
	char	   *identity;

	if (kind == NULL)
	{
		*pseudonym = *(JpPseudonym *) DatumGetPointer(value);
		jp_pseudonym_advance(pseudonym, jp_key_version(JP_KEY_PSEUDONYM));
		return;
	}
	switch (type)
	{
		case INT4OID:
			identity = psprintf("%d", DatumGetInt32(value));
			break;
		case INT8OID:
			identity = psprintf(INT64_FORMAT, DatumGetInt64(value));
			break;
		case UUIDOID:
			identity = DatumGetCString(DirectFunctionCall1(uuid_out, value));
			break;
		default:
			identity = TextDatumGetCString(value);
			break;
	}
	jp_pseudonymize(kind, identity, strlen(identity), pseudonym);
	pfree(identity);
}

/* Whether a column of this type can name subjects, given their kind. */
bool
jp_subject_type_ok(Oid type)
{
	return type == INT4OID || type == INT8OID || type == UUIDOID ||
		type == TEXTOID || type == VARCHAROID;
}
