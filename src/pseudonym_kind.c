/*
 * pseudonym_kind.c
 *		Kinds of identity: table identity_kind and its cache.
 *
 * The cache holds every row (create_identity_kind() allows MAX_KINDS) in a
 * context of its own and is filled anew when the catalog generation changes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "compat.h"
#include "note.h"
#include "pseudonym_internal.h"

#define MAX_KINDS	1000

/* Columns, in the order of CREATE TABLE. */
enum
{
	NAME = 1, NORMALIZER
};

typedef struct Kind
{
	char		name[JP_KIND_SIZE]; /* hash key */
	size_t		len;
	JpNormalizer normalizer;
} Kind;

/* The cache, when it was filled, and what was found last. */
static MemoryContext kind_context = NULL;
static HTAB *kinds = NULL;
static const Kind *last_kind = NULL;
static uint64 seen_catalog = 0;

static const Kind *find_kind(const char *name, size_t len);
static void fill_cache(void);
static void read_kinds(HTAB *into);
static text *text_column(Relation table, HeapTuple tuple, int number);
static void insert_kind(text *name, text *normalizer, text *description);

PG_FUNCTION_INFO_V1(jp_create_identity_kind);

/* Normalizer of a kind. */
JpNormalizer
jp_kind_normalizer(const char *kind, size_t len)
{
	if (seen_catalog != jp_catalog_generation())
		fill_cache();
	if (last_kind == NULL || last_kind->len != len ||
		memcmp(last_kind->name, kind, len) != 0)
		last_kind = find_kind(kind, len);
	return last_kind->normalizer;
}

/* Adds a kind. */
Datum
jp_create_identity_kind(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	text	   *normalizer = PG_GETARG_TEXT_PP(1);
	text	   *description = PG_GETARG_TEXT_PP(2);

	if (!jp_kind_wellformed(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of an identity kind is not well formed"),
				 errhint("Use at most %d lower-case letters, digits and underscores, a letter first.",
						 JP_KIND_SIZE - 1)));
	if (jp_normalizer_of(VARDATA_ANY(normalizer),
						 VARSIZE_ANY_EXHDR(normalizer)) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("normalizer is not known"),
				 errhint("Normalizers are none, trim, lower, e164 and uuid.")));
	LockRelationOid(jp_relation("identity_kind"), ShareRowExclusiveLock);
	fill_cache();
	if (hash_search(kinds, text_to_cstring(name), HASH_FIND, NULL) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("identity kind \"%s\" exists already",
						text_to_cstring(name))));
	if (hash_get_num_entries(kinds) >= MAX_KINDS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there cannot be more than %d identity kinds",
						MAX_KINDS)));
	insert_kind(name, normalizer, description);
	jp_note(JP_NOTE_KEY, "create_identity_kind", InvalidOid, -1,
			text_to_cstring(name));
	PG_RETURN_VOID();
}

/*
 * Finds a kind.  What is not even a name is not repeated in the message: it
 * may be a person's.
 */
static const Kind *
find_kind(const char *name, size_t len)
{
	char		key[JP_KIND_SIZE];
	const Kind *kind;

	if (!jp_kind_wellformed(name, len))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("identity kind does not exist"),
				 errhint("An identity is \"kind:value\"; table journey_privacy.identity_kind lists the kinds.")));
	memcpy(key, name, len);
	key[len] = '\0';
	kind = hash_search(kinds, key, HASH_FIND, NULL);
	if (kind == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("identity kind \"%s\" does not exist", key),
				 errhint("Table journey_privacy.identity_kind lists the kinds; create_identity_kind() adds one.")));
	return kind;
}

/* Fills the cache beside the old one, which an error leaves alone. */
static void
fill_cache(void)
{
	uint64		catalog = jp_catalog_generation();
	MemoryContext context;
	HASHCTL		info;
	HTAB	   *table;

	context = AllocSetContextCreate(TopMemoryContext,
									"journey_privacy identity kinds",
									ALLOCSET_SMALL_SIZES);
	info.keysize = JP_KIND_SIZE;
	info.entrysize = sizeof(Kind);
	info.hcxt = context;
	table = hash_create("journey_privacy identity kinds", 64, &info,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	read_kinds(table);

	if (kind_context != NULL)
		MemoryContextDelete(kind_context);
	kind_context = context;
	kinds = table;
	last_kind = NULL;
	seen_catalog = catalog;
}

/* Reads the table. */
static void
read_kinds(HTAB *into)
{
	Relation	table = table_open(jp_relation("identity_kind"),
								   AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		text	   *name = text_column(table, tuple, NAME);
		text	   *normalizer = text_column(table, tuple, NORMALIZER);
		char		key[JP_KIND_SIZE];
		Kind	   *kind;

		text_to_cstring_buffer(name, key, sizeof(key));
		kind = hash_search(into, key, HASH_ENTER, NULL);
		kind->len = strlen(key);
		kind->normalizer = jp_normalizer_of(VARDATA_ANY(normalizer),
											VARSIZE_ANY_EXHDR(normalizer));
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
}

/* A column of type text that is not NULL. */
static text *
text_column(Relation table, HeapTuple tuple, int number)
{
	bool		isnull;
	Datum		value;

	value = heap_getattr(tuple, number, RelationGetDescr(table), &isnull);
	if (isnull)
		elog(ERROR, "a row of identity_kind is damaged");
	return DatumGetTextPP(value);
}

/* Writes a row. */
static void
insert_kind(text *name, text *normalizer, text *description)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[3];

	values[0] = PointerGetDatum(name);
	values[1] = PointerGetDatum(normalizer);
	values[2] = PointerGetDatum(description);
	SPI_connect();
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.identity_kind"
			   " (name, normalizer, description) VALUES ($1, $2, $3)",
			   lengthof(types), types, values, NULL, SPI_OK_INSERT);
	SPI_finish();
}
