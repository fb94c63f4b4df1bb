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

static bool letters_only(const char *chars, size_t len);

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

	if (!letters_only(chars, len) ||
		sodium_base642bin(bytes, len / 4 * 3 + 2, chars, len, NULL, &got,
						  NULL, VARIANT) != 0 ||
		!jp_sealed_wellformed(bytes, got))
		return -1;
	return (long) got;
}

/* libsodium 1.0.18 takes bytes above 127 for letters. */
static bool
letters_only(const char *chars, size_t len)
{
	size_t		i;

	for (i = 0; i < len; i++)
	{
		char		c = chars[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}
