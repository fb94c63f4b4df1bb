/*
 * known.c
 *		The primitives against published vectors.
 *
 * BLAKE2b keyed: blake2b-test-vectors (key 00..3f, messages of 0, 1 and 255
 * bytes 00..).  XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03, A.3.1.
 */
#include "pure.h"

#include <sodium.h>
#include <stdio.h>

static int	failures = 0;

/* Compares bytes with hexadecimal digits. */
static void
expect(const char *what, const uint8 *bytes, size_t len, const char *hex)
{
	char		text[1024];

	sodium_bin2hex(text, sizeof(text), bytes, len);
	if (strcmp(text, hex) == 0)
		return;
	printf("%s:\n  is        %s\n  should be %s\n", what, text, hex);
	failures++;
}

/* BLAKE2b with a key. */
static void
blake2b(size_t len, const char *hex)
{
	uint8		bytes[256];
	uint8		hash[64];
	int			i;

	for (i = 0; i < 256; i++)
		bytes[i] = (uint8) i;
	crypto_generichash_blake2b(hash, sizeof(hash), bytes, len, bytes, 64);
	expect("BLAKE2b", hash, sizeof(hash), hex);
}

/* XChaCha20-Poly1305. */
static void
xchacha20_poly1305(void)
{
	static const char plain[] = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
	static const uint8 bound[] = {
		0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7
	};
	uint8		key[32];
	uint8		nonce[24];
	uint8		cipher[sizeof(plain) + 16];
	uint8		back[sizeof(plain)];
	unsigned long long len;
	int			i;

	for (i = 0; i < 32; i++)
		key[i] = (uint8) (0x80 + i);
	for (i = 0; i < 24; i++)
		nonce[i] = (uint8) (0x40 + i);
	crypto_aead_xchacha20poly1305_ietf_encrypt(cipher, &len,
											   (const uint8 *) plain,
											   sizeof(plain) - 1,
											   bound, sizeof(bound), NULL,
											   nonce, key);
	expect("XChaCha20-Poly1305", cipher, len,
		   "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
		   "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
		   "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
		   "21f9664c97637da9768812f615c68b13b52e"
		   "c0875924c1c7987947deafd8780acf49");
	cipher[20] ^= 1;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(back, NULL, NULL, cipher,
												   len, bound, sizeof(bound),
												   nonce, key) == 0)
	{
		printf("XChaCha20-Poly1305: a changed ciphertext opened\n");
		failures++;
	}
}

int
main(void)
{
	if (sodium_init() < 0)
		return 1;
	blake2b(0, "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786"
			"b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568");
	blake2b(1, "961f6dd1e4dd30f63901690c512e78e4b45e4742ed197c3c5e45c549fd25f2e4"
			"187b0bc9fe30492b16b0d0bc4ef9b0f34c7003fac09a5ef1532e69430234cebd");
	blake2b(255, "142709d62e28fcccd0af97fad0f8465b971e82201dc51070faa0372aa43e9248"
			"4be1c1e73ba10906d5d1853db6a4106e0a7bf9800d373d6dee2d46d62ef2a461");
	xchacha20_poly1305();
	printf("%s\n", failures == 0 ? "all as published" : "differences");
	return failures;
}
