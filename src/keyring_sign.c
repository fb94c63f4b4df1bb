/*
 * keyring_sign.c
 *		Signatures that others can check: Ed25519, with the subkey "sign" of a
 *		version as its seed.
 *
 * The public key is kept in key_version, so that what was signed can still
 * be checked when the key itself has been destroyed.
 */
#include "postgres.h"

#include <sodium.h>

#include "keyring_internal.h"

/* Public key of a sign key in the arena. */
void
jp_key_public_of(const uint8 *seed, uint8 *key)
{
	JpKeyArena *arena = jp_key_arena();

	(void) crypto_sign_seed_keypair(key, arena->pair, seed);
	sodium_memzero(arena->pair, sizeof(arena->pair));
}

/* Signs. */
void
jp_key_sign(int version, const void *data, size_t len, uint8 *signature)
{
	JpKeyArena *arena = jp_key_arena();
	uint8		key[JP_PUBLIC_KEY_SIZE];

	(void) crypto_sign_seed_keypair(key, arena->pair,
									jp_key_secret(JP_KEY_SIGN, version));
	(void) crypto_sign_detached(signature, NULL, data, len, arena->pair);
	sodium_memzero(arena->pair, sizeof(arena->pair));
}

/* Whether a signature is of the sign key of a version. */
bool
jp_key_verify(int version, const void *data, size_t len, const uint8 *signature)
{
	uint8		key[JP_PUBLIC_KEY_SIZE];

	if (version < 1 || version > 255 || !jp_key_known(JP_KEY_SIGN, version))
		return false;
	jp_key_public(version, key);
	return crypto_sign_verify_detached(signature, data, len, key) == 0;
}
