/*
 * keyring_store.c
 *		Changes to the keyring itself.
 *
 * Destroying a subkey would mean nothing while the root key that it is
 * derived from is there.  So the root key goes: the subkeys that are still
 * needed are written in its place, the destroyed one is not, and new keys
 * come from another root key.
 */
#include "postgres.h"

#include <sodium.h>

#include "journey_privacy.h"
#include "keyring_internal.h"

#define HEADING \
	"# journey_privacy: keep a copy of this apart from the database's backups.\n" \
	"# Whoever has both can name the people; who has lost this cannot.\n"

static void drop_entries(int kind, int root, int version);
static void keep_subkey(const JpKeyVersion *row);
static JpKeyEntry *new_entry(int kind, int root, int version);
static size_t format_entries(void);

/* Writes a first keyring with one root key. */
bool
jp_keyring_create(void)
{
	const JpKeyProvider *provider = jp_key_provider();
	JpKeyArena *arena = jp_key_arena();
	bool		created;

	if (provider->create == NULL)
		return false;
	arena->filled = false;
	arena->entries = 0;
	randombytes_buf(new_entry(JP_KEY_ROOT, 1, 0)->key, JP_KEY_SIZE);
	created = provider->create(arena->chars, format_entries());
	sodium_memzero(arena->chars, sizeof(arena->chars));
	return created;
}

/* Version of the newest root key. */
int
jp_keyring_newest_root(void)
{
	JpKeyArena *arena = jp_key_arena();
	int			newest = 0;
	int			i;

	for (i = 0; i < arena->entries; i++)
	{
		if (arena->entry[i].kind == JP_KEY_ROOT)
			newest = Max(newest, arena->entry[i].root);
	}
	return newest;
}

/* Adds a root key, newer than any that left a trace. */
int
jp_keyring_add_root(int known)
{
	const JpKeyProvider *provider = jp_key_provider();
	JpKeyArena *arena = jp_key_arena();
	int			root = known;
	int			i;

	if (provider->replace == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("keyring cannot be written"),
				 errhint("Add a root key of a higher version where journey_privacy.keyring_command reads it, then try again.")));
	for (i = 0; i < arena->entries; i++)
		root = Max(root, arena->entry[i].root);
	randombytes_buf(new_entry(JP_KEY_ROOT, root + 1, 0)->key, JP_KEY_SIZE);
	provider->replace(arena->chars, format_entries());
	sodium_memzero(arena->chars, sizeof(arena->chars));
	return root + 1;
}

/* Puts the living subkeys in the place of their root key. */
bool
jp_keyring_burn_root(int root, const JpKeyVersion *rows, int count)
{
	const JpKeyProvider *provider = jp_key_provider();
	JpKeyArena *arena = jp_key_arena();
	int			i;

	if (provider->replace == NULL)
		return false;
	for (i = 0; i < count; i++)
	{
		if (rows[i].root == root && rows[i].kind != JP_KEY_ROOT &&
			rows[i].state != JP_KEY_DESTROYED)
			keep_subkey(&rows[i]);
	}
	drop_entries(JP_KEY_ROOT, root, 0);
	for (i = 0; i < count; i++)
	{
		if (rows[i].state == JP_KEY_DESTROYED)
			drop_entries(rows[i].kind, rows[i].root, rows[i].version);
	}
	provider->replace(arena->chars, format_entries());
	sodium_memzero(arena->chars, sizeof(arena->chars));
	return true;
}

/* Takes the entries of a key out. */
static void
drop_entries(int kind, int root, int version)
{
	JpKeyArena *arena = jp_key_arena();
	int			i;

	for (i = arena->entries - 1; i >= 0; i--)
	{
		JpKeyEntry *entry = &arena->entry[i];

		if (entry->kind != kind || entry->root != root ||
			entry->version != version)
			continue;
		arena->entries--;
		memmove(entry, entry + 1, (arena->entries - i) * sizeof(JpKeyEntry));
		sodium_memzero(&arena->entry[arena->entries], sizeof(JpKeyEntry));
	}
}

/* Makes a subkey independent of its root key. */
static void
keep_subkey(const JpKeyVersion *row)
{
	JpKeyEntry *entry;

	if (jp_key_entry(row->kind, row->root, row->version) != NULL)
		return;
	entry = new_entry(row->kind, row->root, row->version);
	jp_key_arena()->entries--;
	if (!jp_key_derive(row->kind, row->root, row->version, entry->key))
		jp_keyring_missing("The keyring lacks a key of this database: put back the line that was removed.");
	jp_key_arena()->entries++;
}

/* Begins another entry. */
static JpKeyEntry *
new_entry(int kind, int root, int version)
{
	JpKeyArena *arena = jp_key_arena();
	JpKeyEntry *entry;

	if (arena->entries == JP_KEYRING_ENTRIES || root > JP_KEY_VERSION_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("keyring cannot hold more keys")));
	entry = &arena->entry[arena->entries++];
	entry->kind = kind;
	entry->root = root;
	entry->version = version;
	return entry;
}

/* Writes the text of the whole keyring into the arena; returns its length. */
static size_t
format_entries(void)
{
	JpKeyArena *arena = jp_key_arena();
	size_t		len = strlen(HEADING);
	int			i;

	StaticAssertStmt(JP_KEYRING_ENTRIES * JP_KEY_LINE_SIZE + 256 < JP_KEYRING_SIZE,
					 "a keyring fits into the arena");
	memcpy(arena->chars, HEADING, len);
	for (i = 0; i < arena->entries; i++)
		len += jp_keyring_format(&arena->entry[i], arena->chars + len);
	return len;
}
