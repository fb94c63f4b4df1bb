/*
 * sealed_text.c
 *		The bytes and the text of a sealed value.  Pure.
 *
 * One value has one text: base64url (RFC 4648, section 5) without padding,
 * line breaks or stray bits.
 */
#include "pure.h"

#include <sodium.h>

#include "sealed_text.h"

#define VARIANT		sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* Whether bytes can be a sealed value. */
bool
jp_sealed_wellformed(const uint8 *bytes, size_t len)
{
	return len >= JP_SEALED_OVERHEAD && bytes[0] == JP_SEALED_VERSION &&
		bytes[1] != 0;
}

/* Size of the text, with its NUL. */
size_t
jp_sealed_text_size(size_t len)
{
	return sodium_base64_encoded_len(len, VARIANT);
}

/* Writes the text. */
void
jp_sealed_to_text(const uint8 *bytes, size_t len, char *chars)
{
	(void) sodium_bin2base64(chars, jp_sealed_text_size(len), bytes, len,
							 VARIANT);
}

/* Reads a text. */
long
jp_sealed_from_text(const char *chars, size_t len, uint8 *bytes)
{
	size_t		got;

	if (sodium_base642bin(bytes, len / 4 * 3 + 2, chars, len, NULL, &got,
						  NULL, VARIANT) != 0 ||
		!jp_sealed_wellformed(bytes, got))
		return -1;
	return (long) got;
}
