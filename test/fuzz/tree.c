/*
 * tree.c
 *		The Merkle tree against the vectors published with Certificate
 *		Transparency (RFC 6962), against the definitions of RFC 9162 followed
 *		word by word, and checkpoints against every change of a bit.
 *
 * FUZZ_SEED repeats a run.  Any bytes as checkpoints and proofs with libFuzzer;
 * the rest with -DSTANDALONE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sodium.h>

#include "../../src/audit_note.h"
#include "../../src/audit_tree.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Proofs that anybody can hand in: two sizes and a path, 32 bytes a hash. */
static void
check_any_path(const uint8_t *data, size_t size)
{
	uint64		number[2];
	JpHash	   *path;
	JpHash		root;
	int			count;

	if (size < sizeof(number) + sizeof(root))
		return;
	memcpy(number, data, sizeof(number));
	memcpy(&root, data + sizeof(number), sizeof(root));
	count = (size - sizeof(number) - sizeof(root)) / sizeof(JpHash);
	path = malloc(count == 0 ? 1 : count * sizeof(JpHash));
	memcpy(path, data + sizeof(number) + sizeof(root), count * sizeof(JpHash));
	(void) jp_tree_check_inclusion(number[0], number[1], &root, path, count, &root);
	(void) jp_tree_check_consistency(number[0], number[1], &root, &root, path, count);
	free(path);
}

/* A checkpoint that anybody can hand in: nobody has signed it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[32] = {1};
	uint8_t		public[32];
	uint8_t		secret[64];
	JpCheckpoint parsed;
	char	   *note = malloc(size > 0 ? size : 1);

	crypto_sign_seed_keypair(public, secret, seed);
	memcpy(note, data, size);
	if (jp_checkpoint_parse(note, size, &parsed))
	{
		if (parsed.text_len > size || parsed.origin < note || parsed.origin + parsed.origin_len > note + size ||
			jp_checkpoint_verify(note, size, &parsed, "journey_privacy/test", public))
			abort();
	}
	free(note);
	check_any_path(data, size);
	return 0;
}

#ifdef STANDALONE
#define MOST	130

static JpHash leaf[MOST];
static int	failures = 0;

static void
expect(bool right, const char *what, int one, int two)
{
	if (right)
		return;
	fprintf(stderr, "not ok: %s (%d, %d)\n", what, one, two);
	failures++;
}

static JpHash
from_hex(const char *hex)
{
	JpHash		hash;

	sodium_hex2bin(hash.bytes, JP_HASH_SIZE, hex, strlen(hex), NULL, NULL, NULL);
	return hash;
}

static bool
same(const JpHash *a, const JpHash *b)
{
	return memcmp(a, b, sizeof(JpHash)) == 0;
}

/* MTH(D[begin:end]), as defined. */
static void
mth(void *unused, uint64 begin, uint64 end, JpHash *hash)
{
	uint64		k = 1;
	JpHash		left,
				right;

	(void) unused;
	if (end - begin == 1)
	{
		*hash = leaf[begin];
		return;
	}
	while (k * 2 < end - begin)
		k *= 2;
	mth(NULL, begin, begin + k, &left);
	mth(NULL, begin + k, end, &right);
	jp_tree_parent(&left, &right, hash);
}

static void
node(void *unused, int level, uint64 index, JpHash *hash)
{
	mth(unused, index << level, (index + 1) << level, hash);
}

/* What jp_tree_append() tells of must be what is defined. */
static void
made(void *size, int level, uint64 index, const JpHash *hash)
{
	JpHash		defined;

	node(NULL, level, index, &defined);
	expect(same(&defined, hash), "a node", level, (int) index);
	expect((index + 1) << level == *(uint64 *) size + 1, "its place", level, (int) index);
}

static const char *const published_leaf[8] = {
	"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
	"606162636465666768696a6b6c6d6e6f"
};
static const char *const published_root[8] = {
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
};

typedef struct Published
{
	bool		inclusion;
	int			one;			/* leaf, counted from 1, or old size */
	int			size;
	const char *path[4];
} Published;

static const Published published[] = {
	{true, 1, 1, {NULL}},
	{true, 1, 8, {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
	{true, 6, 8, {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
	{true, 3, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
	{true, 2, 5, {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
	{false, 1, 1, {NULL}},
	{false, 1, 8, {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
	{false, 6, 8, {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
	{false, 2, 5, {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}}
};

static void
check_published(void)
{
	JpTree		tree = {0};
	JpHash		root;
	JpHash		wanted = from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	unsigned	i;

	jp_tree_root(&tree, &root);
	expect(same(&root, &wanted), "the empty tree", 0, 0);
	for (i = 0; i < 8; i++)
	{
		uint8		data[16];
		size_t		len;

		sodium_hex2bin(data, sizeof(data), published_leaf[i], strlen(published_leaf[i]), NULL, &len, NULL);
		jp_tree_leaf(data, len, &leaf[i]);
		jp_tree_append(&tree, &leaf[i], NULL, NULL);
		jp_tree_root(&tree, &root);
		wanted = from_hex(published_root[i]);
		expect(same(&root, &wanted), "published root", (int) i + 1, 0);
	}
	for (i = 0; i < sizeof(published) / sizeof(published[0]); i++)
	{
		const Published *p = &published[i];
		JpHash		path[JP_PATH_MAX];
		int			count = p->inclusion ?
			jp_tree_inclusion(p->one - 1, p->size, mth, NULL, path) :
			jp_tree_consistency(p->one, p->size, mth, NULL, path);
		int			n;

		for (n = 0; n < 4 && p->path[n] != NULL; n++)
		{
			wanted = from_hex(p->path[n]);
			expect(n < count && same(&path[n], &wanted), "published proof", p->one, p->size);
		}
		expect(n == count, "length of a published proof", p->one, p->size);
	}
	puts("ok published vectors");
}

static void
check_inclusion(int n, int size, const JpHash *root)
{
	JpHash		path[JP_PATH_MAX];
	int			count = jp_tree_inclusion(n, size, mth, NULL, path);
	JpHash		wrong;
	int			i;

	expect(jp_tree_check_inclusion(n, size, &leaf[n], path, count, root), "inclusion", n, size);
	expect(!jp_tree_check_inclusion((n + 1) % size, size, &leaf[n], path, count, root) || size == 1,
		   "inclusion elsewhere", n, size);
	expect(!jp_tree_check_inclusion(n, size, &leaf[(n + 1) % MOST], path, count, root), "another leaf", n, size);
	expect(count == 0 || !jp_tree_check_inclusion(n, size, &leaf[n], path, count - 1, root), "a short path", n, size);
	path[count] = *root;
	expect(!jp_tree_check_inclusion(n, size, &leaf[n], path, count + 1, root), "a long path", n, size);
	for (i = 0; i < count; i++)
	{
		wrong = path[i];
		path[i].bytes[random() % JP_HASH_SIZE] ^= 1 << random() % 8;
		expect(!jp_tree_check_inclusion(n, size, &leaf[n], path, count, root), "a wrong path", n, size);
		path[i] = wrong;
	}
}

static void
check_consistency(int old, int size, const JpHash *oldroot, const JpHash *root)
{
	JpHash		path[JP_PATH_MAX];
	int			count = jp_tree_consistency(old, size, mth, NULL, path);
	JpHash		wrong = *oldroot;
	int			i;

	expect(jp_tree_check_consistency(old, size, oldroot, root, path, count), "consistency", old, size);
	wrong.bytes[random() % JP_HASH_SIZE] ^= 1;
	expect(!jp_tree_check_consistency(old, size, &wrong, root, path, count), "another old root", old, size);
	expect(old == size || !jp_tree_check_consistency(old, size, oldroot, &wrong, path, count), "another root", old, size);
	for (i = 0; i < count; i++)
	{
		wrong = path[i];
		path[i].bytes[random() % JP_HASH_SIZE] ^= 1 << random() % 8;
		expect(!jp_tree_check_consistency(old, size, oldroot, root, path, count), "a wrong proof", old, size);
		path[i] = wrong;
	}
}

static void
check_random(void)
{
	JpTree		tree = {0};
	JpHash		root[MOST + 1];
	uint64		i;
	int			size;

	for (i = 0; i < MOST; i++)
		randombytes_buf_deterministic(leaf[i].bytes, JP_HASH_SIZE,
									  (uint8[randombytes_SEEDBYTES]){random() & 255, random() & 255});
	for (i = 0; i < MOST; i++)
	{
		JpHash		defined;

		jp_tree_append(&tree, &leaf[i], made, &i);
		jp_tree_root(&tree, &root[i + 1]);
		mth(NULL, 0, i + 1, &defined);
		expect(same(&defined, &root[i + 1]), "root", (int) i + 1, 0);
		jp_tree_range(0, i + 1, node, NULL, &defined);
		expect(same(&defined, &root[i + 1]), "range", (int) i + 1, 0);
	}
	for (size = 1; size <= MOST; size++)
	{
		int			n;

		for (n = 0; n < size; n++)
		{
			check_inclusion(n, size, &root[size]);
			check_consistency(n + 1, size, &root[n + 1], &root[size]);
		}
	}
	puts("ok random trees");
}

/* No change of a bit leaves a checkpoint that says something else and verifies. */
static void
check_notes(void)
{
	const char *origin = "journey_privacy/test";
	uint8		public[32];
	uint8		secret[64];
	uint8		signature[64];
	char		chars[256];
	char		note[512];
	char		key[256];
	JpCheckpoint parsed;
	size_t		len;
	size_t		i;

	crypto_sign_keypair(public, secret);
	len = jp_checkpoint_text(origin, 123456, &leaf[0], chars, sizeof(chars));
	crypto_sign_detached(signature, NULL, (uint8 *) chars, len, secret);
	len = jp_checkpoint_signed(chars, origin, public, signature, note, sizeof(note));
	expect(len > 0 && jp_checkpoint_parse(note, len, &parsed) && parsed.size == 123456 &&
		   same(&parsed.root, &leaf[0]) && parsed.origin_len == strlen(origin) &&
		   jp_checkpoint_verify(note, len, &parsed, origin, public), "a checkpoint", 0, 0);
	expect(!jp_checkpoint_verify(note, len, &parsed, "another", public), "of another name", 0, 0);
	expect(jp_checkpoint_signed(chars, origin, public, signature, note, len) == 0, "no room", 0, 0);
	len = jp_checkpoint_signed(chars, origin, public, signature, note, sizeof(note));
	expect(jp_verifier_key(origin, public, key, sizeof(key)) == strlen(origin) + 1 + 8 + 1 + 44, "a key", 0, 0);
	for (i = 0; i < len * 8; i++)
	{
		note[i / 8] ^= 1 << i % 8;
		expect(!jp_checkpoint_parse(note, len, &parsed) ||
			   !jp_checkpoint_verify(note, len, &parsed, origin, public), "a changed bit", (int) i, 0);
		note[i / 8] ^= 1 << i % 8;
	}
	for (i = 0; i < len; i++)
		expect(!jp_checkpoint_parse(note, i, &parsed) ||
			   !jp_checkpoint_verify(note, i, &parsed, origin, public), "a cut note", (int) i, 0);
	for (i = 0; i < 200000; i++)
	{
		char		any[200];
		size_t		n = random() % sizeof(any);
		size_t		j;

		for (j = 0; j < n; j++)
			any[j] = random() % 3 ? note[random() % len] : (char) random();
		if (jp_checkpoint_parse(any, n, &parsed))
			expect(!jp_checkpoint_verify(any, n, &parsed, origin, public), "garbage", (int) i, 0);
	}
	puts("ok checkpoints");
}

int
main(void)
{
	const char *given = getenv("FUZZ_SEED");
	unsigned	seed = given ? (unsigned) strtoul(given, NULL, 10) : (unsigned) time(NULL);

	if (sodium_init() < 0)
		return 2;
	printf("seed %u\n", seed);
	srandom(seed);
	check_published();
	check_random();
	check_notes();
	return failures > 0;
}
#endif
