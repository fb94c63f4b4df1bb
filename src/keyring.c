/*
 * keyring.c
 *		Keyed operations with the keys of this database.
 *
 * The keyring holds root keys; the database holds, in key_version, which key
 * versions it uses and a check value of each.  No key is used before its
 * check value was compared, so that a foreign root key can neither find nor
 * write anything.  What is held is checked again whenever the settings or
 * key_version may have changed.
 *
 * A subkey (keyring_load.c says how it is derived) is used by
 *
 *		BLAKE2b(key = subkey, personalisation = kind name, zero padded)
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog.h"
#include "journey_privacy.h"
#include "keyring_internal.h"

#define NO_SLOT		JP_KEY_VERSIONS

/* key_version as last read. */
static JpKeyVersion held[JP_KEY_VERSIONS];
static int	held_count = 0;

/* Where in held a version is, and which version makes new values. */
static uint8 slot_of[JP_KEY_KINDS][JP_KEY_VERSION_MAX + 1];
static uint8 active[JP_KEY_KINDS];

/* The generations under which all this was found right; 0 is never. */
static uint64 seen_catalog = 0;
static uint64 seen_setting = 0;

static void refresh(void);
static void reload(void);
static void index_versions(void);
static void check_roots(void);
static void check_active(void);
static int	key_slot(JpKeyKind kind, int version);
static void prepare_slot(int slot);
pg_noreturn static void unknown_version(JpKeyKind kind, int version);
static void check_key(const JpKeyVersion *row, const uint8 *key);

/* Personalisations of the uses, zero padded. */
static const uint8 use_personal[JP_KEY_KINDS][16] = {
	"pseudonym", "seal", "sign", "tombstone", "scope"
};

/* Has the right keys at hand, or throws. */
void
jp_keyring_require(void)
{
	if (seen_catalog != jp_catalog_generation() ||
		seen_setting != jp_keyring_setting_generation ||
		jp_key_arena_filled() == NULL)
		refresh();
}

/* Fetches the keyring and checks it again, whatever was found before. */
void
jp_keyring_recheck(void)
{
	seen_setting = 0;
	refresh();
}

/* Version of the key that makes new values. */
int
jp_key_version(JpKeyKind kind)
{
	jp_keyring_require();
	return active[kind];
}

/* Version that is ready but not in use. */
int
jp_key_next_version(JpKeyKind kind)
{
	int			i;

	jp_keyring_require();
	for (i = 0; i < held_count; i++)
	{
		if (held[i].kind == kind && held[i].state == JP_KEY_NEXT)
			return held[i].version;
	}
	return 0;
}

/* Versions that are not destroyed. */
int
jp_key_versions(JpKeyKind kind, int *versions)
{
	int			count = 0;
	int			i;

	jp_keyring_require();
	for (i = 0; i < held_count; i++)
	{
		if (held[i].kind == kind && held[i].state != JP_KEY_DESTROYED)
			versions[count++] = held[i].version;
	}
	return count;
}

/* Puts a version to use. */
void
jp_key_activate(JpKeyKind kind, int version)
{
	jp_key_version_change(kind, jp_key_version(kind), JP_KEY_RETIRED);
	jp_key_version_change(kind, version, JP_KEY_ACTIVE);
}

/* Public key of a sign key, also of a destroyed one. */
void
jp_key_public(int version, uint8 *key)
{
	int			i;

	jp_keyring_require();
	for (i = 0; i < held_count; i++)
	{
		if (held[i].kind == JP_KEY_SIGN && held[i].version == version)
		{
			memcpy(key, held[i].public_key, JP_PUBLIC_KEY_SIZE);
			return;
		}
	}
	unknown_version(JP_KEY_SIGN, version);
}

/* Whether there ever was a version of a key, destroyed or not. */
bool
jp_key_known(JpKeyKind kind, int version)
{
	int			i;

	jp_keyring_require();
	for (i = 0; i < held_count; i++)
		if (held[i].kind == kind && held[i].version == version)
			return true;
	return false;
}

/* A subkey, for the keyring's own files. */
const uint8 *
jp_key_secret(JpKeyKind kind, int version)
{
	int			slot = key_slot(kind, version);

	return jp_key_arena()->subkey[slot];
}

/* Keyed hash. */
void
jp_key_hash(JpKeyKind kind, int version, const void *data, size_t len,
			uint8 *out, size_t outlen)
{
	const uint8 *key = jp_key_secret(kind, version);

	if (crypto_generichash_blake2b_salt_personal(out, outlen, data, len,
												 key, JP_KEY_SIZE, NULL,
												 use_personal[kind]) != 0)
		elog(ERROR, "a keyed hash of %zu bytes cannot be made", outlen);
}

/* Brings what is held up to date; an error leaves it out of date. */
static void
refresh(void)
{
	uint64		catalog = jp_catalog_generation();
	uint64		setting = jp_keyring_setting_generation;
	bool		stale = seen_setting != setting;
	JpKeyVersion found[JP_KEY_VERSIONS];
	int			count;

	seen_catalog = 0;
	seen_setting = 0;
	count = jp_key_versions_read(found);
	if (stale || jp_key_arena_filled() == NULL || count != held_count ||
		memcmp(found, held, count * sizeof(JpKeyVersion)) != 0)
	{
		memcpy(held, found, count * sizeof(JpKeyVersion));
		held_count = count;
		reload();
	}
	seen_catalog = catalog;
	seen_setting = setting;
}

/* Reads the keyring again and checks it against key_version. */
static void
reload(void)
{
	if (held_count == 0)
		jp_keyring_missing("Run SELECT journey_privacy.create_keyring().");
	if (!jp_keyring_load())
		jp_keyring_missing("Put the keyring that this database was made with where the settings say.");
	index_versions();
	check_roots();
	check_active();
}

/* Makes versions quick to find. */
static void
index_versions(void)
{
	int			i;

	memset(slot_of, NO_SLOT, sizeof(slot_of));
	memset(active, 0, sizeof(active));
	for (i = 0; i < held_count; i++)
	{
		const JpKeyVersion *row = &held[i];

		if (row->kind == JP_KEY_ROOT || row->state == JP_KEY_DESTROYED)
			continue;
		slot_of[row->kind][row->version] = i;
		if (row->state == JP_KEY_ACTIVE)
			active[row->kind] = row->version;
	}
}

/* Compares the root keys with their check values. */
static void
check_roots(void)
{
	int			i;

	for (i = 0; i < held_count; i++)
	{
		const uint8 *key;

		if (held[i].kind != JP_KEY_ROOT)
			continue;
		key = jp_key_entry(JP_KEY_ROOT, held[i].root, 0);
		if (key != NULL)
			check_key(&held[i], key);
	}
}

/* Derives and checks the keys that make new values. */
static void
check_active(void)
{
	int			kind;

	for (kind = 0; kind < JP_KEY_KINDS; kind++)
	{
		if (active[kind] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("this database has no active key of kind \"%s\"",
							jp_key_kind_name(kind))));
		prepare_slot(slot_of[kind][active[kind]]);
	}
}

/* Slot of a subkey, ready for use. */
static int
key_slot(JpKeyKind kind, int version)
{
	int			slot = NO_SLOT;

	jp_keyring_require();
	if (version >= 1 && version <= JP_KEY_VERSION_MAX)
		slot = slot_of[kind][version];
	if (slot == NO_SLOT)
		unknown_version(kind, version);
	prepare_slot(slot);
	return slot;
}

/* Derives and checks a subkey when it is first used. */
static void
prepare_slot(int slot)
{
	JpKeyArena *arena = jp_key_arena();
	const JpKeyVersion *row = &held[slot];

	if (arena->derived[slot])
		return;
	if (!jp_key_derive(row->kind, row->root, row->version,
					   arena->subkey[slot]))
		jp_keyring_missing("The keyring lacks a key of this database: put back the line that was removed.");
	check_key(row, arena->subkey[slot]);
	arena->derived[slot] = true;
}

/* Says that a version is not there, or no more. */
static void
unknown_version(JpKeyKind kind, int version)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("key version %d of kind \"%s\" does not exist or was destroyed",
					version, jp_key_kind_name(kind))));
}

/* Refuses a key that is not this database's. */
static void
check_key(const JpKeyVersion *row, const uint8 *key)
{
	uint8		check[JP_KEY_CHECK_SIZE];

	jp_key_check(row->kind, row->version, key, check);
	if (memcmp(check, row->check, sizeof(check)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("keyring does not belong to this database"),
				 errdetail("The check value of a key differs from the one that the database keeps."),
				 errhint("Put the keyring that this database was made with where the settings say.")));
}
