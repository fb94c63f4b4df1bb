/*
 * audit_note.c
 *		Checkpoints as C2SP's tlog-checkpoint and signed-note have them: pure.
 *
 * The text is three lines (origin, size, root in base64) and perhaps more;
 * then an empty line, then a line for each signature: an em dash, the name of
 * the key, and in base64 the key's hash and the signature.
 */
#include "pure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sodium.h>

#include "audit_note.h"

#define DASH		"\xe2\x80\x94 "
#define ED25519		1			/* the algorithm's byte */
#define ID_SIZE		4
#define KEY_SIZE	crypto_sign_PUBLICKEYBYTES
#define SIGNATURE_SIZE	(ID_SIZE + crypto_sign_BYTES)
#define BASE64(bytes)	(((bytes) + 2) / 3 * 4 + 1)

static void key_id(const char *name, const uint8 *public_key, uint8 *id);
static size_t fits(int len, size_t room);
static bool next_line(const char **next, const char *end, const char **line,
					  size_t *len);
static bool read_size(const char *line, size_t len, uint64 *size);
static bool read_base64(const char *chars, size_t len, uint8 *bytes,
						size_t size);
static bool verify_line(const char *line, size_t len, const char *note,
						size_t text_len, const char *name,
						const uint8 *public_key);

/* The text that is signed. */
size_t
jp_checkpoint_text(const char *origin, uint64 size, const JpHash *root,
				   char *chars, size_t room)
{
	char		base64[BASE64(JP_HASH_SIZE)];

	sodium_bin2base64(base64, sizeof(base64), root->bytes, JP_HASH_SIZE,
					  sodium_base64_VARIANT_ORIGINAL);
	return fits(snprintf(chars, room, "%s\n%" PRIu64 "\n%s\n", origin,
						 (uint64_t) size, base64), room);
}

/* The note. */
size_t
jp_checkpoint_signed(const char *chars, const char *name,
					 const uint8 *public_key, const uint8 *signature,
					 char *note, size_t room)
{
	uint8		bytes[SIGNATURE_SIZE];
	char		base64[BASE64(SIGNATURE_SIZE)];

	key_id(name, public_key, bytes);
	memcpy(bytes + ID_SIZE, signature, crypto_sign_BYTES);
	sodium_bin2base64(base64, sizeof(base64), bytes, sizeof(bytes),
					  sodium_base64_VARIANT_ORIGINAL);
	return fits(snprintf(note, room, "%s\n" DASH "%s %s\n", chars, name, base64),
				room);
}

/* The verifier's key. */
size_t
jp_verifier_key(const char *name, const uint8 *public_key, char *key,
				size_t room)
{
	uint8		id[ID_SIZE];
	char		hex[ID_SIZE * 2 + 1];
	uint8		bytes[1 + KEY_SIZE] = {ED25519};
	char		base64[BASE64(1 + KEY_SIZE)];

	key_id(name, public_key, id);
	sodium_bin2hex(hex, sizeof(hex), id, sizeof(id));
	memcpy(bytes + 1, public_key, KEY_SIZE);
	sodium_bin2base64(base64, sizeof(base64), bytes, sizeof(bytes),
					  sodium_base64_VARIANT_ORIGINAL);
	return fits(snprintf(key, room, "%s+%s+%s", name, hex, base64), room);
}

/* Reads a note. */
bool
jp_checkpoint_parse(const char *note, size_t len, JpCheckpoint *parsed)
{
	const char *next = note;
	const char *end = note + len;
	const char *line;
	size_t		size;

	if (!next_line(&next, end, &parsed->origin, &parsed->origin_len) ||
		parsed->origin_len == 0 ||
		!next_line(&next, end, &line, &size) ||
		!read_size(line, size, &parsed->size) ||
		!next_line(&next, end, &line, &size) ||
		!read_base64(line, size, parsed->root.bytes, JP_HASH_SIZE))
		return false;
	do
	{
		parsed->text_len = next - note;
		if (!next_line(&next, end, &line, &size))
			return false;
	} while (size > 0);
	return next_line(&next, end, &line, &size) &&
		size > strlen(DASH) && memcmp(line, DASH, strlen(DASH)) == 0;
}

/* Whether a signature verifies. */
bool
jp_checkpoint_verify(const char *note, size_t len, const JpCheckpoint *parsed,
					 const char *name, const uint8 *public_key)
{
	const char *next = note + parsed->text_len + 1;
	const char *line;
	size_t		size;

	while (next_line(&next, note + len, &line, &size))
		if (verify_line(line, size, note, parsed->text_len, name, public_key))
			return true;
	return false;
}

/* Whether a line is a signature of a key, and a good one. */
static bool
verify_line(const char *line, size_t len, const char *note, size_t text_len,
			const char *name, const uint8 *public_key)
{
	size_t		before = strlen(DASH) + strlen(name) + 1;
	uint8		bytes[SIGNATURE_SIZE];
	uint8		id[ID_SIZE];

	if (len <= before || memcmp(line, DASH, strlen(DASH)) != 0 ||
		memcmp(line + strlen(DASH), name, strlen(name)) != 0 ||
		line[before - 1] != ' ' ||
		!read_base64(line + before, len - before, bytes, sizeof(bytes)))
		return false;
	key_id(name, public_key, id);
	return memcmp(id, bytes, ID_SIZE) == 0 &&
		crypto_sign_verify_detached(bytes + ID_SIZE, (const uint8 *) note,
									text_len, public_key) == 0;
}

/* What stands for a key in signatures. */
static void
key_id(const char *name, const uint8 *public_key, uint8 *id)
{
	static const uint8 between[] = {'\n', ED25519};
	uint8		hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8 *) name, strlen(name));
	crypto_hash_sha256_update(&state, between, sizeof(between));
	crypto_hash_sha256_update(&state, public_key, KEY_SIZE);
	crypto_hash_sha256_final(&state, hash);
	memcpy(id, hash, ID_SIZE);
}

/* What snprintf has written, 0 when it was cut. */
static size_t
fits(int len, size_t room)
{
	return len < 0 || (size_t) len >= room ? 0 : (size_t) len;
}

/* The next line, which must have an end. */
static bool
next_line(const char **next, const char *end, const char **line, size_t *len)
{
	const char *newline = *next < end ?
		memchr(*next, '\n', end - *next) : NULL;

	if (newline == NULL)
		return false;
	*line = *next;
	*len = newline - *next;
	*next = newline + 1;
	return true;
}

/* A decimal number without leading zeros. */
static bool
read_size(const char *line, size_t len, uint64 *size)
{
	size_t		i;

	*size = 0;
	if (len == 0 || len > 19 || (len > 1 && line[0] == '0'))
		return false;
	for (i = 0; i < len; i++)
	{
		if (line[i] < '0' || line[i] > '9')
			return false;
		*size = *size * 10 + (uint64) (line[i] - '0');
	}
	return true;
}

/* So many bytes in base64, in the one way of writing them. */
static bool
read_base64(const char *chars, size_t len, uint8 *bytes, size_t size)
{
	char		again[BASE64(SIGNATURE_SIZE)];
	size_t		got;

	if (len + 1 != BASE64(size) ||
		sodium_base642bin(bytes, size, chars, len, NULL, &got, NULL,
						  sodium_base64_VARIANT_ORIGINAL) != 0 ||
		got != size)
		return false;
	sodium_bin2base64(again, sizeof(again), bytes, size,
					  sodium_base64_VARIANT_ORIGINAL);
	return memcmp(again, chars, len) == 0;
}
