/*
 * keyring_hash.c
 *		Keyed BLAKE2b-128 with the key's block hashed beforehand.  Pure.
 *
 * The same function as libsodium's crypto_generichash_blake2b_salt_personal()
 * with 16 bytes out, 32 bytes of key and no salt, which hashes the key's
 * block anew for each message: an identity fits into one block, so this takes
 * a third of the time.  RFC 7693, section 3; keyring.c compares the two
 * whenever it has derived a key, the fuzzer on random messages.
 */
#include "pure.h"

#include <sodium.h>

#include "keyring_hash.h"

#define BLOCK_SIZE	128
#define KEY_SIZE	32
#define ROUNDS		12

static void compress(uint64 *h, const uint64 *m, uint64 count, bool last);
static void load_words(uint64 *words, const uint8 *bytes, int count);

static const uint64 iv[8] = {
	UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
	UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
	UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
	UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179)
};

/* Which word of the message goes where in each round. */
static const uint8 sigma[ROUNDS][16] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}
};

/* Hashes the parameter block and the key's block. */
void
jp_keyed_hash_init(JpKeyedHash *state, const uint8 *key,
				   const uint8 *personal)
{
	uint8		parameters[64] = {JP_HASH_SIZE, KEY_SIZE, 1, 1};
	uint8		block[BLOCK_SIZE] = {0};
	uint64		m[16];
	int			i;

	memcpy(parameters + 48, personal, 16);
	load_words(state->h, parameters, 8);
	for (i = 0; i < 8; i++)
		state->h[i] ^= iv[i];
	memcpy(block, key, KEY_SIZE);
	load_words(m, block, 16);
	compress(state->h, m, BLOCK_SIZE, false);
	sodium_memzero(block, sizeof(block));
	sodium_memzero(m, sizeof(m));
}

/* Hashes the message's blocks. */
void
jp_keyed_hash(const JpKeyedHash *state, const void *message, size_t len,
			  uint8 *hash)
{
	const uint8 *at = message;
	uint64		count = BLOCK_SIZE;
	uint8		block[BLOCK_SIZE] = {0};
	uint64		m[16];
	uint64		h[8];
	int			i;

	memcpy(h, state->h, sizeof(h));
	for (; len > BLOCK_SIZE; len -= BLOCK_SIZE, at += BLOCK_SIZE)
	{
		load_words(m, at, 16);
		compress(h, m, count += BLOCK_SIZE, false);
	}
	memcpy(block, at, len);
	load_words(m, block, 16);
	compress(h, m, count + len, true);
	for (i = 0; i < JP_HASH_SIZE; i++)
		hash[i] = (uint8) (h[i / 8] >> (i % 8 * 8));
	sodium_memzero(block, sizeof(block));
	sodium_memzero(m, sizeof(m));
}

#define ROTATE(x, n)	((x) >> (n) | (x) << (64 - (n)))
#define MIX(a, b, c, d, x, y) \
	do { \
		a += b + (x); \
		d = ROTATE(d ^ a, 32); \
		c += d; \
		b = ROTATE(b ^ c, 24); \
		a += b + (y); \
		d = ROTATE(d ^ a, 16); \
		c += d; \
		b = ROTATE(b ^ c, 63); \
	} while (0)

/* The function F of the RFC; count is below 2^64. */
static void
compress(uint64 *h, const uint64 *m, uint64 count, bool last)
{
	uint64		a0 = h[0],
				a1 = h[1],
				a2 = h[2],
				a3 = h[3];
	uint64		b0 = h[4],
				b1 = h[5],
				b2 = h[6],
				b3 = h[7];
	uint64		c0 = iv[0],
				c1 = iv[1],
				c2 = iv[2],
				c3 = iv[3];
	uint64		d0 = iv[4] ^ count,
				d1 = iv[5];
	uint64		d2 = last ? ~iv[6] : iv[6],
				d3 = iv[7];
	int			i;

	for (i = 0; i < ROUNDS; i++)
	{
		const uint8 *s = sigma[i];

		MIX(a0, b0, c0, d0, m[s[0]], m[s[1]]);
		MIX(a1, b1, c1, d1, m[s[2]], m[s[3]]);
		MIX(a2, b2, c2, d2, m[s[4]], m[s[5]]);
		MIX(a3, b3, c3, d3, m[s[6]], m[s[7]]);
		MIX(a0, b1, c2, d3, m[s[8]], m[s[9]]);
		MIX(a1, b2, c3, d0, m[s[10]], m[s[11]]);
		MIX(a2, b3, c0, d1, m[s[12]], m[s[13]]);
		MIX(a3, b0, c1, d2, m[s[14]], m[s[15]]);
	}
	h[0] ^= a0 ^ c0;
	h[1] ^= a1 ^ c1;
	h[2] ^= a2 ^ c2;
	h[3] ^= a3 ^ c3;
	h[4] ^= b0 ^ d0;
	h[5] ^= b1 ^ d1;
	h[6] ^= b2 ^ d2;
	h[7] ^= b3 ^ d3;
}

/* Little-endian words. */
static void
load_words(uint64 *words, const uint8 *bytes, int count)
{
	for (; count > 0; count--, words++, bytes += 8)
		*words = (uint64) bytes[0] | (uint64) bytes[1] << 8 |
			(uint64) bytes[2] << 16 | (uint64) bytes[3] << 24 |
			(uint64) bytes[4] << 32 | (uint64) bytes[5] << 40 |
			(uint64) bytes[6] << 48 | (uint64) bytes[7] << 56;
}
