/*
 * keyring_load.c
 *		From the settings to keys in the arena.
 *
 * A subkey is
 *
 *		BLAKE2b-256(key = root key, personalisation "journey_privacy\0",
 *					message = kind name, 0x00, version byte)
 *
 * and the check value of any key the first eight bytes of
 *
 *		BLAKE2b-128(key = it, personalisation "jp_check_value\0\0",
 *					message = kind name, 0x00, version byte)
 */
#include "postgres.h"

#include <sodium.h>

#include "journey_privacy.h"
#include "keyring_internal.h"

static void refuse_fault(JpKeyringFault fault);
static size_t name_version(int kind, int version, uint8 *message);

static const uint8 derive_personal[16] = "journey_privacy";
static const uint8 check_personal[16] = "jp_check_value";

/* The provider that the settings name. */
const JpKeyProvider *
jp_key_provider(void)
{
	bool		file = jp_setting_keyring_file[0] != '\0';
	bool		command = jp_setting_keyring_command[0] != '\0';

	if (file && command)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("journey_privacy.keyring_file and journey_privacy.keyring_command are both set"),
				 errhint("Set one of them.")));
	if (command)
		return &jp_key_command;
	if (!file)
		jp_keyring_missing("Set journey_privacy.keyring_file, then run SELECT journey_privacy.create_keyring().");
	return &jp_key_file;
}

/* Reads the keyring into the arena. */
bool
jp_keyring_load(void)
{
	JpKeyArena *arena = jp_key_arena();
	JpKeyringFault fault;
	size_t		len;

	arena->filled = false;
	memset(arena->derived, 0, sizeof(arena->derived));
	if (!jp_key_provider()->fetch(arena->chars, sizeof(arena->chars), &len))
		return false;
	fault = jp_keyring_parse(arena->chars, len, arena->entry, &arena->entries);
	sodium_memzero(arena->chars, sizeof(arena->chars));
	refuse_fault(fault);
	arena->filled = true;
	return true;
}

/* A key as it stands in the keyring. */
const uint8 *
jp_key_entry(int kind, int root, int version)
{
	JpKeyArena *arena = jp_key_arena();
	int			i;

	for (i = 0; i < arena->entries; i++)
	{
		const JpKeyEntry *entry = &arena->entry[i];

		if (entry->kind == kind && entry->root == root &&
			entry->version == version)
			return entry->key;
	}
	return NULL;
}

/* Derives a subkey, or takes the one that outlived its root key. */
bool
jp_key_derive(int kind, int root, int version, uint8 *key)
{
	const uint8 *from = jp_key_entry(kind, root, version);
	uint8		message[16];
	size_t		len = name_version(kind, version, message);

	if (from != NULL)
	{
		memcpy(key, from, JP_KEY_SIZE);
		return true;
	}
	from = jp_key_entry(JP_KEY_ROOT, root, 0);
	if (from == NULL)
		return false;
	(void) crypto_generichash_blake2b_salt_personal(key, JP_KEY_SIZE,
													message, len,
													from, JP_KEY_SIZE,
													NULL, derive_personal);
	return true;
}

/* Check value of a key. */
void
jp_key_check(int kind, int version, const uint8 *key, uint8 *check)
{
	uint8		message[16];
	size_t		len = name_version(kind, version, message);
	uint8		hash[16];

	(void) crypto_generichash_blake2b_salt_personal(hash, sizeof(hash),
													message, len,
													key, JP_KEY_SIZE,
													NULL, check_personal);
	memcpy(check, hash, JP_KEY_CHECK_SIZE);
}

/* Says that keys are missing, and what to do. */
void
jp_keyring_missing(const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("no keyring"),
			 errhint("%s", hint)));
}

/* Refuses a keyring that is not whole. */
static void
refuse_fault(JpKeyringFault fault)
{
	static const char *const fact[] = {
		[JP_KEYRING_EMPTY] = "keyring holds no key",
		[JP_KEYRING_TRUNCATED] = "keyring is truncated",
		[JP_KEYRING_FOREIGN] = "keyring holds a line that is not journey_privacy's",
		[JP_KEYRING_DAMAGED] = "keyring is damaged",
		[JP_KEYRING_REPEATED] = "keyring holds a key twice",
		[JP_KEYRING_TOO_LONG] = "keyring holds too many keys",
	};

	if (fault != JP_KEYRING_FINE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s", fact[fault]),
				 errhint("Put back an intact copy of the keyring.")));
}

/* Writes kind name, 0x00 and version byte. */
static size_t
name_version(int kind, int version, uint8 *message)
{
	const char *name = jp_key_kind_name(kind);
	size_t		len = strlen(name) + 1;

	memcpy(message, name, len);
	message[len] = (uint8) version;
	return len + 1;
}
