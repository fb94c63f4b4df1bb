/*
 * keyring_admin.c
 *		create_keyring(), rotate_key(), destroy_key().
 */
#include "postgres.h"

#include <sodium.h>

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "keyring_internal.h"

static bool create_first(void);
static int	newest_root(void);
static void register_root(int root);
static void register_key(int kind, int root, int version, JpKeyState state);

PG_FUNCTION_INFO_V1(jp_create_keyring);

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
	created = create_first();
	if (!jp_keyring_load())
		jp_keyring_missing("The keyring's provider has nothing to give.");
	root = newest_root();

	SPI_connect();
	register_root(root);
	for (kind = 0; kind < JP_KEY_KINDS; kind++)
		register_key(kind, root, 1, JP_KEY_ACTIVE);
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(created ? "created" : "adopted"));
}

/* Stores a keyring with one new root key, if there is none yet. */
static bool
create_first(void)
{
	const JpKeyProvider *provider = jp_key_provider();
	JpKeyArena *arena = jp_key_arena();
	JpKeyEntry *entry = &arena->entry[0];
	size_t		len;
	bool		created;

	if (provider->create == NULL)
		return false;
	arena->filled = false;
	memset(entry, 0, sizeof(*entry));
	entry->kind = JP_KEY_ROOT;
	entry->root = 1;
	randombytes_buf(entry->key, JP_KEY_SIZE);
	len = jp_keyring_format(entry, arena->chars);
	created = provider->create(arena->chars, len);
	sodium_memzero(arena->chars, sizeof(arena->chars));
	return created;
}

/* Version of the newest root key in the arena. */
static int
newest_root(void)
{
	JpKeyArena *arena = jp_key_arena();
	int			newest = 0;
	int			i;

	for (i = 0; i < arena->entries; i++)
	{
		if (arena->entry[i].kind == JP_KEY_ROOT)
			newest = Max(newest, arena->entry[i].root);
	}
	if (newest == 0)
		jp_keyring_missing("The keyring holds no root key.");
	return newest;
}

/* Registers a root key. */
static void
register_root(int root)
{
	JpKeyVersion row = {JP_KEY_ROOT, root, root, JP_KEY_ACTIVE, {0}};

	jp_key_check(JP_KEY_ROOT, root, jp_key_entry(JP_KEY_ROOT, root, 0),
				 row.check);
	jp_key_version_add(&row);
}

/* Registers a subkey. */
static void
register_key(int kind, int root, int version, JpKeyState state)
{
	JpKeyVersion row = {kind, version, root, state, {0}};
	JpKeyArena *arena = jp_key_arena();

	if (!jp_key_derive(kind, root, version, arena->subkey[0]))
		jp_keyring_missing("The keyring lacks a root key of this database.");
	arena->derived[0] = false;
	jp_key_check(kind, version, arena->subkey[0], row.check);
	jp_key_version_add(&row);
}
