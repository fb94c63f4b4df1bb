/*
 * fuzz.c
 *		Any bytes into the pure cores of pseudonyms, keyrings and sealed values.
 *
 * With libFuzzer (clang -fsanitize=fuzzer) or with the main() below, which
 * mutates good inputs for some seconds (-DSTANDALONE).  What is read must be
 * written back the same: one value, one text.
 */
#include "pure.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "keyring.h"
#include "keyring_text.h"
#include "pseudonym_internal.h"
#include "sealed_text.h"

#define MUST(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* A copy of exactly this size, so that the sanitizer sees a byte too many. */
static char *
copy_of(const uint8 *data, size_t size)
{
	char	   *copy = malloc(size + 1);

	MUST(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return realloc(copy, size > 0 ? size : 1);
}

/* pseudonym_in */
static void
pseudonym_text(const char *text, size_t size)
{
	JpPseudonym pseudonym;
	char		back[JP_PSEUDONYM_TEXT];

	if (!jp_pseudonym_from_text(text, size, &pseudonym))
		return;
	MUST(pseudonym.bytes[0] != 0);
	MUST(jp_pseudonym_to_text(&pseudonym, back) == (int) size);
	MUST(memcmp(back, text, size) == 0);
}

/* pseudonym_recv and pseudonym_out */
static void
pseudonym_bytes(const char *bytes, size_t size)
{
	JpPseudonym pseudonym;
	JpPseudonym again;
	char		text[JP_PSEUDONYM_TEXT];
	int			len;

	if (size != JP_PSEUDONYM_SIZE || bytes[0] == 0)
		return;
	memcpy(pseudonym.bytes, bytes, size);
	len = jp_pseudonym_to_text(&pseudonym, text);
	MUST(len < JP_PSEUDONYM_TEXT && text[len] == '\0');
	MUST(jp_pseudonym_from_text(text, len, &again));
	MUST(memcmp(&pseudonym, &again, sizeof(again)) == 0);
}

/* Identities: what is normal stays as it is. */
static void
identity(const char *text, size_t size)
{
	JpNormalizer normalizer;
	char		first[JP_VALUE_MAX];
	char		second[JP_VALUE_MAX];
	int			len;

	if (size == 0)
		return;
	normalizer = (uint8) text[0] % JP_NORMALIZERS;
	(void) jp_kind_wellformed(text + 1, size - 1);
	(void) jp_normalizer_of(text + 1, size - 1);
	len = jp_normalize(normalizer, text + 1, size - 1, first);
	MUST(len == -1 || (len > 0 && len <= JP_VALUE_MAX));
	if (len < 0)
		return;
	MUST(jp_normalize(normalizer, first, len, second) == len);
	MUST(memcmp(first, second, len) == 0);
}

/* Keyrings: what is read is written so that it reads the same. */
static void
keyring(const char *text, size_t size)
{
	JpKeyEntry	entries[JP_KEYRING_ENTRIES];
	JpKeyEntry	again[JP_KEYRING_ENTRIES];
	char		back[JP_KEYRING_ENTRIES * JP_KEY_LINE_SIZE];
	size_t		len = 0;
	int			count;
	int			recount;
	int			i;

	if (jp_keyring_parse(text, size, entries, &count) != JP_KEYRING_FINE)
		return;
	MUST(count > 0 && count <= JP_KEYRING_ENTRIES);
	for (i = 0; i < count; i++)
		len += jp_keyring_format(&entries[i], back + len);
	MUST(jp_keyring_parse(back, len, again, &recount) == JP_KEYRING_FINE);
	MUST(recount == count);
	MUST(memcmp(entries, again, count * sizeof(JpKeyEntry)) == 0);
}

/* sealed_in and sealed_out */
static void
sealed_text(const char *text, size_t size)
{
	uint8	   *bytes = malloc(size / 4 * 3 + 2);
	char	   *back;
	long		len;

	MUST(bytes != NULL);
	len = jp_sealed_from_text(text, size, bytes);
	if (len >= 0)
	{
		MUST(jp_sealed_wellformed(bytes, len));
		MUST(jp_sealed_text_size(len) == size + 1);
		back = malloc(size + 1);
		MUST(back != NULL);
		jp_sealed_to_text(bytes, len, back);
		MUST(memcmp(back, text, size) == 0);
		free(back);
	}
	free(bytes);
}

/* sealed_recv */
static void
sealed_bytes(const char *bytes, size_t size)
{
	char	   *text;
	uint8	   *again;
	size_t		len;

	if (!jp_sealed_wellformed((const uint8 *) bytes, size))
		return;
	len = jp_sealed_text_size(size);
	text = malloc(len);
	MUST(text != NULL);
	jp_sealed_to_text((const uint8 *) bytes, size, text);
	again = malloc((len - 1) / 4 * 3 + 2);
	MUST(again != NULL);
	MUST(jp_sealed_from_text(text, len - 1, again) == (long) size);
	MUST(memcmp(again, bytes, size) == 0);
	free(again);
	free(text);
}

static void (*const target[]) (const char *, size_t) = {
	pseudonym_text, pseudonym_bytes, identity, keyring, sealed_text,
	sealed_bytes
};

#define TARGETS		(sizeof(target) / sizeof(target[0]))

/* The first byte chooses the target. */
int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char	   *copy;

	if (size == 0)
		return 0;
	copy = copy_of(data + 1, size - 1);
	target[data[0] % TARGETS] (copy, size - 1);
	free(copy);
	return 0;
}

/* Before the first input. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void) argc;
	(void) argv;
	MUST(sodium_init() >= 0);
	return 0;
}

#ifdef STANDALONE

#define LARGEST		4096

/* Good inputs, the target's number first. */
static const char *const good[] = {
	"\0p1_8eap4swt9v7fxdaqz6136zk1",
	"\0p255_zzzzzzzzzzzzzzzzzzzzzzzz",
	"\1\1bcdefghijklmnop",
	"\2\2 Ann@Example.COM",
	"\2\3+49 (151) 123-456.78",
	"\2\4{6F9619FF-8B86-D011-B42D-00C04FC964FF}",
	"\3journey_privacy root=1 key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f check=0d2fc4be9fac4c81\n",
	"\4AQEBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"\5\1\1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
};

/* Changes an input a little; returns its new size. */
static size_t
mutate(uint8 *input, size_t size)
{
	int			times = rand() % 4;

	while (times-- > 0)
	{
		size_t		at = 1 + rand() % size;

		switch (rand() % 4)
		{
			case 0:				/* another byte */
				if (at < size)
					input[at] = (uint8) rand();
				break;
			case 1:				/* another bit */
				if (at < size)
					input[at] ^= (uint8) (1 << rand() % 8);
				break;
			case 2:				/* the end cut off */
				size = at;
				break;
			case 3:				/* a part twice */
				if (size - at <= LARGEST - size)
				{
					memmove(input + size, input + at, size - at);
					size += size - at;
				}
				break;
		}
	}
	return size;
}

/* fuzz [seconds [seed]] */
int
main(int argc, char **argv)
{
	time_t		end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	unsigned	seed = argc > 2 ? (unsigned) atoi(argv[2]) : (unsigned) time(NULL);
	unsigned long cases = 0;

	LLVMFuzzerInitialize(&argc, &argv);
	printf("seed %u\n", seed);
	srand(seed);
	while (time(NULL) < end)
	{
		int			n;

		for (n = 0; n < 10000; n++)
		{
			uint8		input[LARGEST];
			const char *from = good[rand() % (sizeof(good) / sizeof(good[0]))];
			size_t		size = 1 + strlen(from + 1);

			memcpy(input, from, size);
			LLVMFuzzerTestOneInput(input, mutate(input, size));
			cases++;
		}
	}
	printf("%lu cases\n", cases);
	return 0;
}

#endif							/* STANDALONE */
