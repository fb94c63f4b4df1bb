/*
 * keyring_box.c
 *		Data keys: random, kept by others, wrapped under a seal key.
 *
 *		wrapping key = BLAKE2b-256(key = subkey "seal" v,
 *						personalisation "seal", message = "wrap")
 *		id		= v, ten random bytes, and the first five bytes of
 *				  BLAKE2b-128(the same key, message = the eleven before)
 *		wrapped = v, nonce, XChaCha20-Poly1305(data key), bound to id and v
 *
 * A data key is in the clear only in the arena and only during a call.
 */
#include "postgres.h"

#include <sodium.h>

#include "keyring_internal.h"

#define ID_HASH_SIZE	16	/* of which the key id keeps some */
#define ID_RANDOM	11			/* version and random bytes */
#define ID_CHECK	(JP_BOX_ID_SIZE - ID_RANDOM)

static void wrap(const uint8 *id, const uint8 *key, uint8 *wrapped);
static bool unwrap(const uint8 *id, const uint8 *wrapped);
static void wrapping_key(int version);
static void bind_id(const uint8 *id, uint8 version, uint8 *bound);
static void id_check(const uint8 *id, uint8 *check);

/* Makes a data key. */
void
jp_box_create(uint8 *id, uint8 *wrapped)
{
	JpKeyArena *arena = jp_key_arena();

	id[0] = (uint8) jp_key_version(JP_KEY_SEAL);
	randombytes_buf(id + 1, ID_RANDOM - 1);
	id_check(id, id + ID_RANDOM);
	randombytes_buf(arena->data_key, JP_KEY_SIZE);
	wrap(id, arena->data_key, wrapped);
	sodium_memzero(arena->data_key, JP_KEY_SIZE);
}

/* Whether an id was made here; yes when that can no longer be told. */
bool
jp_box_ours(const uint8 *id)
{
	int			versions[JP_KEY_VERSION_MAX];
	int			count = jp_key_versions(JP_KEY_SEAL, versions);
	uint8		check[ID_CHECK];
	int			i;

	if (id[0] == 0 || id[0] > jp_key_version(JP_KEY_SEAL))
		return false;
	for (i = 0; i < count && versions[i] != id[0]; i++)
		;
	if (i == count)
		return true;
	id_check(id, check);
	return memcmp(check, id + ID_RANDOM, ID_CHECK) == 0;
}

/* Wraps a data key under the current seal key. */
void
jp_box_rewrap(const uint8 *id, uint8 *wrapped)
{
	JpKeyArena *arena = jp_key_arena();

	if (!unwrap(id, wrapped))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a wrapped data key is damaged")));
	wrap(id, arena->data_key, wrapped);
	sodium_memzero(arena->data_key, JP_KEY_SIZE);
}

/* Seals a text. */
void
jp_box_seal(const uint8 *id, const uint8 *wrapped, const void *bound,
			size_t boundlen, const uint8 *nonce, const void *plain,
			size_t len, uint8 *cipher)
{
	JpKeyArena *arena = jp_key_arena();

	if (!unwrap(id, wrapped))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a wrapped data key is damaged")));
	(void) crypto_aead_xchacha20poly1305_ietf_encrypt(cipher, NULL,
													  plain, len,
													  bound, boundlen, NULL,
													  nonce, arena->data_key);
	sodium_memzero(arena->data_key, JP_KEY_SIZE);
}

/* Opens a text. */
bool
jp_box_open(const uint8 *id, const uint8 *wrapped, const void *bound,
			size_t boundlen, const uint8 *nonce, const uint8 *cipher,
			size_t len, void *plain)
{
	JpKeyArena *arena = jp_key_arena();
	bool		opened;

	if (!unwrap(id, wrapped))
		return false;
	opened = crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL,
														cipher,
														len + JP_BOX_TAG_SIZE,
														bound, boundlen,
														nonce,
														arena->data_key) == 0;
	sodium_memzero(arena->data_key, JP_KEY_SIZE);
	return opened;
}

/* Encrypts a data key. */
static void
wrap(const uint8 *id, const uint8 *key, uint8 *wrapped)
{
	JpKeyArena *arena = jp_key_arena();
	int			version = jp_key_version(JP_KEY_SEAL);
	uint8		bound[JP_BOX_ID_SIZE + 1];

	wrapped[0] = (uint8) version;
	randombytes_buf(wrapped + 1, JP_BOX_NONCE_SIZE);
	bind_id(id, wrapped[0], bound);
	wrapping_key(version);
	(void) crypto_aead_xchacha20poly1305_ietf_encrypt(wrapped + 1 + JP_BOX_NONCE_SIZE,
													  NULL, key, JP_KEY_SIZE,
													  bound, sizeof(bound),
													  NULL, wrapped + 1,
													  arena->wrapping_key);
	sodium_memzero(arena->wrapping_key, JP_KEY_SIZE);
}

/* Decrypts a data key into the arena. */
static bool
unwrap(const uint8 *id, const uint8 *wrapped)
{
	JpKeyArena *arena = jp_key_arena();
	uint8		bound[JP_BOX_ID_SIZE + 1];
	int			result;

	bind_id(id, wrapped[0], bound);
	wrapping_key(wrapped[0]);
	result = crypto_aead_xchacha20poly1305_ietf_decrypt(arena->data_key, NULL,
														NULL,
														wrapped + 1 + JP_BOX_NONCE_SIZE,
														JP_KEY_SIZE + JP_BOX_TAG_SIZE,
														bound, sizeof(bound),
														wrapped + 1,
														arena->wrapping_key);
	sodium_memzero(arena->wrapping_key, JP_KEY_SIZE);
	return result == 0;
}

/* Puts the key that wraps data keys into the arena. */
static void
wrapping_key(int version)
{
	jp_key_hash(JP_KEY_SEAL, version, "wrap", 4,
				jp_key_arena()->wrapping_key, JP_KEY_SIZE);
}

/* What a wrapped data key is bound to. */
static void
bind_id(const uint8 *id, uint8 version, uint8 *bound)
{
	memcpy(bound, id, JP_BOX_ID_SIZE);
	bound[JP_BOX_ID_SIZE] = version;
}

/* The end of an id. */
static void
id_check(const uint8 *id, uint8 *check)
{
	uint8		hash[ID_HASH_SIZE];

	jp_key_hash(JP_KEY_SEAL, id[0], id, ID_RANDOM, hash, sizeof(hash));
	memcpy(check, hash, ID_CHECK);
}
