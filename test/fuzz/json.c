/*
 * json.c
 *		JSON text without some of its pairs: random documents, random sets of
 *		keys, and documents that are damaged.
 *
 *		json CASES [SEED]	(-DSTANDALONE) that many, else an exit status
 *
 * Any bytes with libFuzzer.
 *
 * What is left must be left alone by a second pass, and
 * fit; what is damaged must do no harm.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/collection_keys.h"

#define MOST	4000			/* bytes of a document */

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
below(int most)
{
	return (int) (random() % most);
}

/* A set of keys, of some levels. */
static JpKeys *
keys_made(int depth)
{
	static const char *const keys[] = {"", "a", "b", "\\", "\n", "\xc3\xa9", "b.c", "c\"d", "\xf0\x9f\x98\x80"};
	JpKeys	   *made = calloc(1, sizeof(JpKeys));
	int			i;

	made->children = calloc(9, sizeof(JpKeys *));
	for (i = 0; i < 9; i++)
	{
		JpKeys	   *child;

		if (below(3) != 0)
			continue;
		child = depth > 0 ? keys_made(depth - 1) : calloc(1, sizeof(JpKeys));
		child->key = keys[i];
		child->length = strlen(keys[i]);
		child->whole = depth == 0 || below(3) == 0;
		made->children[made->count++] = child;
	}
	return made;
}

static void
keys_freed(JpKeys *keys)
{
	int			i;

	for (i = 0; i < keys->count; i++)
		keys_freed(keys->children[i]);
	free(keys->children);
	free(keys);
}

/* Prunes exactly these bytes into exactly so much room. */
static JpPruned
prune(const char *chars, size_t len, const JpKeys *keys, bool keep, char **out,
	  size_t *outlen)
{
	char	   *copy = malloc(len == 0 ? 1 : len);
	JpPruned	pruned;

	memcpy(copy, chars, len);
	*out = malloc(2 * len + 4);
	pruned = jp_json_prune(copy, len, keys, keep, *out, outlen);
	free(copy);
	return pruned;
}

/* The first byte is the set and whether it is kept; the rest may be no JSON. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	JpKeys	   *keys;
	char	   *out;
	size_t		outlen;

	if (size == 0)
		return 0;
	srandom(data[0] >> 1);
	keys = keys_made(3);
	(void) prune((const char *) data + 1, size - 1, keys, data[0] & 1, &out, &outlen);
	free(out);
	keys_freed(keys);
	return 0;
}

#ifdef STANDALONE
static char document[MOST];
static size_t length;

static void
put(const char *chars)
{
	size_t		len = strlen(chars);

	if (length + len < MOST)
	{
		memcpy(document + length, chars, len);
		length += len;
	}
}

/* White space, most often none. */
static void
space(void)
{
	static const char *const spaces[] = {"", "", "", "", " ", "\n", "\t ", "\r"};

	put(spaces[below(8)]);
}

/* A key: some are the same in another spelling. */
static void
key(void)
{
	static const char *const keys[] = {
		"\"a\"", "\"\\u0061\"", "\"b\"", "\"b.c\"", "\"c\\\"d\"", "\"\\u00e9\"",
		"\"\xc3\xa9\"", "\"\\ud83d\\ude00\"", "\"\\\\\"", "\"\"", "\"\\n\"",
		"\"a longer key that nobody asks for\""
	};

	put(keys[below(12)]);
}

/* A value; what does not fit is closed all the same. */
static void
value(int depth)
{
	static const char *const scalars[] = {
		"null", "true", "-1.5e3", "\"\"", "\"x\\\"y}]\"", "\"\\u0000\"", "0"
	};
	int			kind = depth == 0 || length > MOST / 2 ? 2 : below(3);
	int			count = below(5);
	int			i;

	space();
	if (kind == 2)
		put(scalars[below(7)]);
	else
	{
		put(kind == 0 ? "{" : "[");
		for (i = 0; i < count; i++)
		{
			if (i > 0)
				put(",");
			space();
			if (kind == 0)
			{
				key();
				space();
				put(":");
			}
			value(depth - 1);
		}
		space();
		put(kind == 0 ? "}" : "]");
	}
	space();
}

/* One document and one set. */
static bool
one(void)
{
	JpKeys	   *keys = keys_made(3);
	bool		keep = below(2) == 0;
	char	   *left;
	char	   *again;
	size_t		leftlen;
	size_t		againlen;
	bool		good;
	int			i;

	length = 0;
	value(6);
	good = prune(document, length, keys, keep, &left, &leftlen) != JP_PRUNED_TOO_DEEP &&
		leftlen <= length + 4 &&
		prune(left, leftlen, keys, keep, &again, &againlen) == JP_PRUNED_NOTHING;
	free(left);
	free(again);
	for (i = below(4); i >= 0 && length > 0; i--)
		document[below(length)] = (char) below(256);
	(void) prune(document, below(length + 1), keys, keep, &left, &leftlen);
	free(left);
	keys_freed(keys);
	return good;
}

int
main(int argc, char **argv)
{
	long		cases = argc > 1 ? atol(argv[1]) : 100000;
	long		seed = argc > 2 ? atol(argv[2]) : 20260728;
	long		i;

	printf("seed %ld\n", seed);
	srandom(seed);
	for (i = 0; i < cases; i++)
		if (!one())
		{
			printf("case %ld: %.*s\n", i, (int) length, document);
			return 1;
		}
	printf("%ld documents\n", cases);
	return 0;
}
#endif
