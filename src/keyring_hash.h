/*
 * keyring_hash.h
 *		Keyed BLAKE2b-128 with the key's block hashed beforehand.  Pure.
 */
#ifndef JP_KEYRING_HASH_H
#define JP_KEYRING_HASH_H

#include "pure.h"

#define JP_HASH_SIZE	16

/* State after the key's block; as secret as the key. */
typedef struct JpKeyedHash
{
	uint64		h[8];
} JpKeyedHash;

/* Begins with a key of 32 bytes and a personalisation of 16. */
extern void jp_keyed_hash_init(JpKeyedHash *state, const uint8 *key,
							   const uint8 *personal);

/* Hashes a message that is not empty. */
extern void jp_keyed_hash(const JpKeyedHash *state, const void *message,
						  size_t len, uint8 *hash);

#endif							/* JP_KEYRING_HASH_H */
