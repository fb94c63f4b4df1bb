/*
 * keyring.h
 *		Keyed operations.  No caller ever sees a key.
 */
#ifndef JP_KEYRING_H
#define JP_KEYRING_H

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

/* Throws 55000 unless the root keys are here and are this database's. */
extern void jp_keyring_require(void);

/* Version of the key that makes new values of a kind. */
extern int	jp_key_version(JpKeyKind kind);

/*
 * Keyed BLAKE2b of data under a subkey: outlen (16 to 64) bytes.  An unknown
 * or destroyed version is 42704.
 */
extern void jp_key_hash(JpKeyKind kind, int version,
						const void *data, size_t len,
						uint8 *out, size_t outlen);

#endif							/* JP_KEYRING_H */
