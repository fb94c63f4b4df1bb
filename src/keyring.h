/*
 * keyring.h
 *		Keyed operations.  No caller ever sees a key.
 */
#ifndef JP_KEYRING_H
#define JP_KEYRING_H

#include "pure.h"

/* What a subkey is used for. */
typedef enum JpKeyKind
{
	JP_KEY_PSEUDONYM,
	JP_KEY_SEAL,
	JP_KEY_SIGN,
	JP_KEY_TOMBSTONE,
	JP_KEY_SCOPE
} JpKeyKind;

#define JP_KEY_KINDS	5

#define JP_SIGNATURE_SIZE	64
#define JP_PUBLIC_KEY_SIZE	32
#define JP_BOX_ID_SIZE		16
#define JP_BOX_NONCE_SIZE	24
#define JP_BOX_TAG_SIZE		16

/* A wrapped data key: version of the seal key, nonce, key, tag. */
#define JP_BOX_SIZE			(1 + JP_BOX_NONCE_SIZE + 32 + JP_BOX_TAG_SIZE)

/* Throws 55000 unless the root keys are here and are this database's. */
extern void jp_keyring_require(void);

/* Fetches the keyring again and checks it; throws as jp_keyring_require(). */
extern void jp_keyring_recheck(void);

/* False where keys could be swapped out; true where no key was used yet. */
extern bool jp_keyring_locked(void);

/* Version of the key that makes new values of a kind. */
extern int	jp_key_version(JpKeyKind kind);

/* Version that rotate_key() has made ready but not put to use; 0 for none. */
extern int	jp_key_next_version(JpKeyKind kind);

/* Puts a version to use and retires the one before.  Needs SPI. */
extern void jp_key_activate(JpKeyKind kind, int version);

/* Versions that are not destroyed, at most 255, ascending; their number. */
extern int	jp_key_versions(JpKeyKind kind, int *versions);

/* Whether this transaction made a version, which may still be rolled back. */
extern bool jp_key_uncommitted(JpKeyKind kind, int version);

/*
 * Keyed BLAKE2b of data under a subkey: outlen (16 to 64) bytes.  An unknown
 * or destroyed version is 42704.
 */
extern void jp_key_hash(JpKeyKind kind, int version,
						const void *data, size_t len,
						uint8 *out, size_t outlen);

/* Ed25519 under the sign key of a version: its public key, a signature. */
extern void jp_key_public(int version, uint8 *key);
extern void jp_key_sign(int version, const void *data, size_t len,
						uint8 *signature);

/* Whether a signature is of the sign key of a version; false when unknown. */
extern bool jp_key_verify(int version, const void *data, size_t len,
						  const uint8 *signature);

/*
 * Data keys ("boxes"): random keys kept wrapped under a seal key.  An id says
 * whether it was ever one of ours without a table to look it up in.
 */
extern void jp_box_create(uint8 *id, uint8 *wrapped);
extern bool jp_box_ours(const uint8 *id);

/* Wraps a data key under the current seal key; XX001 when it is damaged. */
extern void jp_box_rewrap(const uint8 *id, uint8 *wrapped);

/*
 * XChaCha20-Poly1305 under a wrapped data key.  cipher has len bytes and the
 * tag; opening returns false when anything differs from what was sealed.
 */
extern void jp_box_seal(const uint8 *id, const uint8 *wrapped,
						const void *bound, size_t boundlen,
						const uint8 *nonce, const void *plain, size_t len,
						uint8 *cipher);
extern bool jp_box_open(const uint8 *id, const uint8 *wrapped,
						const void *bound, size_t boundlen,
						const uint8 *nonce, const uint8 *cipher, size_t len,
						void *plain);

/*
 * Lets a room keep a key version from being destroyed while it needs it; the
 * function throws if it does.
 */
extern void jp_key_guard(void (*refuse) (JpKeyKind kind, int version));

#endif							/* JP_KEYRING_H */
