/*
 * sealed_text.h
 *		The bytes and the text of a sealed value.  Pure.
 */
#ifndef JP_SEALED_TEXT_H
#define JP_SEALED_TEXT_H

#include "keyring.h"

#define JP_SEALED_VERSION	1

/* Version, key id, nonce, then ciphertext and tag. */
#define JP_SEALED_NONCE_AT	(1 + JP_BOX_ID_SIZE)
#define JP_SEALED_CIPHER_AT	(JP_SEALED_NONCE_AT + JP_BOX_NONCE_SIZE)
#define JP_SEALED_OVERHEAD	(JP_SEALED_CIPHER_AT + JP_BOX_TAG_SIZE)

/* Whether bytes can be a sealed value. */
extern bool jp_sealed_wellformed(const uint8 *bytes, size_t len);

/* Size of the text of len bytes, with its NUL. */
extern size_t jp_sealed_text_size(size_t len);

/* Writes the text, base64url without padding, and a NUL. */
extern void jp_sealed_to_text(const uint8 *bytes, size_t len, char *text);

/*
 * Reads a text into bytes, for which len / 4 * 3 + 2 bytes must be there;
 * their number, or -1 when it is not the text of a sealed value.
 */
extern long jp_sealed_from_text(const char *text, size_t len, uint8 *bytes);

#endif							/* JP_SEALED_TEXT_H */
