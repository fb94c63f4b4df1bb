/*
 * keyring_admin.c
 *		create_keyring(), rotate_key(), destroy_key().
 *
 * Each holds the lock on key_version from before it looks.  What is done to
 * the keyring is not undone by ROLLBACK; the order is such that a rolled back
 * or interrupted call leaves a database that works, and can be repeated.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "keyring_internal.h"
#include "note.h"

#define MAX_GUARDS	4

typedef void (*KeyGuard) (JpKeyKind kind, int version);

/* What other rooms have to say before a key is destroyed. */
static KeyGuard guards[MAX_GUARDS];
static int	guard_count = 0;

static int	rotate_root(const JpKeyVersion *rows, int count);
static int	rotate_subkey(int kind, const JpKeyVersion *rows, int count);
static void check_destroyable(const JpKeyVersion *row,
							  const JpKeyVersion *rows, int count);
static void burn(int kind, int version, int root);
static int	read_and_load(JpKeyVersion *rows);
static void add_version(int kind, int root, int version, JpKeyState state);
static const JpKeyVersion *find_version(const JpKeyVersion *rows, int count,
										int kind, int version);
static int	highest(const JpKeyVersion *rows, int count, int kind);
static int	kind_argument(text *name);

PG_FUNCTION_INFO_V1(jp_create_keyring);
PG_FUNCTION_INFO_V1(jp_rotate_key);
PG_FUNCTION_INFO_V1(jp_destroy_key);

/* Makes or adopts the keyring and registers its keys with this database. */
Datum
jp_create_keyring(PG_FUNCTION_ARGS)
{
	JpKeyVersion rows[JP_KEY_VERSIONS];
	bool		created;
	int			root;
	int			kind;

	jp_key_versions_lock();
	if (jp_key_versions_read(rows) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("this database has a keyring already"),
				 errhint("Use journey_privacy.rotate_key() for new keys.")));
	created = jp_keyring_create();
	if (!jp_keyring_load())
		jp_keyring_missing("Nothing came from where the settings say.");
	root = jp_keyring_newest_root();
	if (root == 0)
		jp_keyring_missing("The keyring holds no root key.");

	SPI_connect();
	add_version(JP_KEY_ROOT, root, root, JP_KEY_ACTIVE);
	for (kind = 0; kind < JP_KEY_KINDS; kind++)
		add_version(kind, root, 1, JP_KEY_ACTIVE);
	SPI_finish();
	jp_note(JP_NOTE_KEY, "create_keyring", InvalidOid, -1, NULL);
	PG_RETURN_TEXT_P(cstring_to_text(created ? "created" : "adopted"));
}

/* Makes a new version of a kind of key. */
Datum
jp_rotate_key(PG_FUNCTION_ARGS)
{
	JpKeyVersion rows[JP_KEY_VERSIONS];
	int			kind = kind_argument(PG_GETARG_TEXT_PP(0));
	int			count;
	int			version;

	count = read_and_load(rows);
	SPI_connect();
	if (kind == JP_KEY_ROOT)
		version = rotate_root(rows, count);
	else
		version = rotate_subkey(kind, rows, count);
	SPI_finish();
	jp_note(JP_NOTE_KEY, "rotate_key", InvalidOid, -1,
			psprintf("%s %d", jp_key_kind_name(kind), version));
	PG_RETURN_INT32(version);
}

/* Destroys an old version for good. */
Datum
jp_destroy_key(PG_FUNCTION_ARGS)
{
	JpKeyVersion rows[JP_KEY_VERSIONS];
	int			kind = kind_argument(PG_GETARG_TEXT_PP(0));
	int			version = PG_GETARG_INT32(1);
	const JpKeyVersion *row;
	int			count;

	count = read_and_load(rows);
	row = find_version(rows, count, kind, version);
	if (row == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("key version %d of kind \"%s\" does not exist",
						version, jp_key_kind_name(kind))));
	check_destroyable(row, rows, count);
	SPI_connect();
	burn(kind, version, row->root);
	SPI_finish();
	jp_note(JP_NOTE_KEY, "destroy_key", InvalidOid, -1,
			psprintf("%s %d", jp_key_kind_name(kind), version));
	PG_RETURN_VOID();
}

/* Adds a guard. */
void
jp_key_guard(void (*refuse) (JpKeyKind kind, int version))
{
	if (guard_count == MAX_GUARDS)
		elog(ERROR, "too many key guards");
	guards[guard_count++] = refuse;
}

/* Registers a root key that is new to this database; makes one if need be. */
static int
rotate_root(const JpKeyVersion *rows, int count)
{
	int			known = highest(rows, count, JP_KEY_ROOT);
	int			root = jp_keyring_newest_root();
	int			i;

	if (root <= known)
		root = jp_keyring_add_root(known);
	for (i = 0; i < count; i++)
	{
		if (rows[i].kind == JP_KEY_ROOT && rows[i].state == JP_KEY_ACTIVE)
			jp_key_version_change(JP_KEY_ROOT, rows[i].version, JP_KEY_RETIRED);
	}
	add_version(JP_KEY_ROOT, root, root, JP_KEY_ACTIVE);
	return root;
}

/*
 * Makes a subkey from the newest root key.  A pseudonym key waits until
 * rekey_pseudonyms() has moved what is stored.
 */
static int
rotate_subkey(int kind, const JpKeyVersion *rows, int count)
{
	int			version = highest(rows, count, kind) + 1;
	int			root = jp_keyring_newest_root();
	const JpKeyVersion *known = find_version(rows, count, JP_KEY_ROOT, root);
	int			i;

	if (known == NULL || known->state == JP_KEY_DESTROYED)
		root = rotate_root(rows, count);
	for (i = 0; i < count; i++)
	{
		if (rows[i].kind != kind)
			continue;
		if (rows[i].state == JP_KEY_NEXT)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("key version %d of kind \"%s\" is not in use yet",
							rows[i].version, jp_key_kind_name(kind)),
					 errhint("Run journey_privacy.rekey_pseudonyms() first.")));
		if (rows[i].state == JP_KEY_ACTIVE && kind != JP_KEY_PSEUDONYM)
			jp_key_version_change(kind, rows[i].version, JP_KEY_RETIRED);
	}
	add_version(kind, root, version,
				kind == JP_KEY_PSEUDONYM ? JP_KEY_NEXT : JP_KEY_ACTIVE);
	return version;
}

/* Refuses to destroy what is needed. */
static void
check_destroyable(const JpKeyVersion *row, const JpKeyVersion *rows, int count)
{
	int			i;

	if (row->state == JP_KEY_ACTIVE && row->kind != JP_KEY_ROOT)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("key version %d of kind \"%s\" is in use",
						row->version, jp_key_kind_name(row->kind)),
				 errhint("Run journey_privacy.rotate_key() first.")));
	if (row->kind != JP_KEY_ROOT && row->state != JP_KEY_DESTROYED &&
		jp_key_uncommitted(row->kind, row->version))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("key version %d of kind \"%s\" was changed in this transaction, which may still be rolled back",
						row->version, jp_key_kind_name(row->kind)),
				 errhint("Commit first.")));
	if (row->state != JP_KEY_DESTROYED && row->kind == JP_KEY_PSEUDONYM)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("key version %d of kind \"%s\" is in use",
						row->version, jp_key_kind_name(row->kind)),
				 errdetail("Every later version of a pseudonym is computed from it.")));
	for (i = 0; i < guard_count; i++)
		guards[i] (row->kind, row->version);
}

/* Marks a version destroyed, then takes it and its root key away. */
static void
burn(int kind, int version, int root)
{
	JpKeyVersion rows[JP_KEY_VERSIONS];
	int			count;

	if (jp_keyring_newest_root() <= root && jp_key_provider()->replace != NULL)
	{
		count = jp_key_versions_read(rows);
		(void) rotate_root(rows, count);
	}
	jp_key_version_change(kind, version, JP_KEY_DESTROYED);
	if (jp_key_provider()->replace != NULL)
		jp_key_version_change(JP_KEY_ROOT, root, JP_KEY_DESTROYED);
	CommandCounterIncrement();
	count = jp_key_versions_read(rows);
	/* What lets go of the key must outlast a crash before the key goes. */
	XLogFlush(XactLastRecEnd);
	if (!jp_keyring_burn_root(root, rows, count))
		ereport(WARNING,
				(errmsg("keyring cannot be written"),
				 errdetail("This database will not use the key again, but the root key that it is derived from is still there."),
				 errhint("Remove root key %d where journey_privacy.keyring_command reads it once no key in journey_privacy.key comes from it.",
						 root)));
}

/* Locks and reads key_version and loads the right keyring. */
static int
read_and_load(JpKeyVersion *rows)
{
	int			count;

	jp_key_versions_lock();
	jp_keyring_recheck();
	count = jp_key_versions_read(rows);
	if (count + 2 > JP_KEY_VERSIONS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there cannot be more than %d key versions",
						JP_KEY_VERSIONS)));
	return count;
}

/* Registers a key. */
static void
add_version(int kind, int root, int version, JpKeyState state)
{
	JpKeyVersion row = {kind, version, root, state, {0}, {0}};
	uint8	   *key = jp_key_arena()->data_key;

	if (version > JP_KEY_VERSION_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there cannot be more than %d versions of a key",
						JP_KEY_VERSION_MAX)));
	if (kind == JP_KEY_ROOT)
		memcpy(key, jp_key_entry(JP_KEY_ROOT, root, 0), JP_KEY_SIZE);
	else if (!jp_key_derive(kind, root, version, key))
		jp_keyring_missing("The keyring lacks a key of this database: put back the line that was removed.");
	jp_key_check(kind, version, key, row.check);
	if (kind == JP_KEY_SIGN)
		jp_key_public_of(key, row.public_key);
	explicit_bzero(key, JP_KEY_SIZE);
	jp_key_version_add(&row);
}

/* A row of key_version. */
static const JpKeyVersion *
find_version(const JpKeyVersion *rows, int count, int kind, int version)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (rows[i].kind == kind && rows[i].version == version)
			return &rows[i];
	}
	return NULL;
}

/* Highest version of a kind, of any state. */
static int
highest(const JpKeyVersion *rows, int count, int kind)
{
	int			version = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		if (rows[i].kind == kind)
			version = Max(version, rows[i].version);
	}
	return version;
}

/* Kind of key of a name. */
static int
kind_argument(text *name)
{
	int			kind = jp_key_kind_of(VARDATA_ANY(name),
									  VARSIZE_ANY_EXHDR(name));

	if (kind < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("kind of key does not exist"),
				 errhint("Kinds are root, pseudonym, seal, sign, tombstone and scope.")));
	return kind;
}
