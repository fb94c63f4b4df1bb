/*
 * audit_tree.c
 *		Merkle trees of RFC 6962: pure.
 */
#include "pure.h"

#include <sodium.h>

#include "audit_tree.h"

static uint64 split_of(uint64 size);
static int	inclusion(uint64 leaf, uint64 begin, uint64 end,
					  JpTreeRange range, void *arg, JpHash *path);
static int	consistency(uint64 old, uint64 begin, uint64 end, bool whole,
						JpTreeRange range, void *arg, JpHash *path);
static bool is_same(const JpHash *one, const JpHash *other);

/* Hash of a leaf. */
void
jp_tree_leaf(const void *data, size_t len, JpHash *hash)
{
	static const uint8 prefix = 0;
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, &prefix, 1);
	crypto_hash_sha256_update(&state, data, len);
	crypto_hash_sha256_final(&state, hash->bytes);
}

/* Hash of a node. */
void
jp_tree_parent(const JpHash *left, const JpHash *right, JpHash *parent)
{
	uint8		bytes[1 + 2 * JP_HASH_SIZE] = {1};

	memcpy(bytes + 1, left, JP_HASH_SIZE);
	memcpy(bytes + 1 + JP_HASH_SIZE, right, JP_HASH_SIZE);
	crypto_hash_sha256(parent->bytes, bytes, sizeof(bytes));
}

/* Adds a leaf: like adding one to a number, with carries. */
void
jp_tree_append(JpTree *tree, const JpHash *leaf, JpTreeMade made, void *arg)
{
	JpHash		hash = *leaf;
	int			level = 0;

	while ((tree->size >> level) & 1)
	{
		jp_tree_parent(&tree->edge[level], &hash, &hash);
		level++;
		if (made != NULL)
			made(arg, level, tree->size >> level, &hash);
	}
	tree->edge[level] = hash;
	tree->size++;
}

/* The root: the subtrees from the smallest on. */
void
jp_tree_root(const JpTree *tree, JpHash *root)
{
	bool		found = false;
	int			level;

	crypto_hash_sha256(root->bytes, (const uint8 *) "", 0);
	for (level = 0; level < 64; level++)
	{
		if (((tree->size >> level) & 1) == 0)
			continue;
		if (found)
			jp_tree_parent(&tree->edge[level], root, root);
		else
			*root = tree->edge[level];
		found = true;
	}
}

/* Root of a range. */
void
jp_tree_range(uint64 begin, uint64 end, JpTreeNode node, void *arg,
			  JpHash *hash)
{
	uint64		size = end - begin;
	uint64		split;
	JpHash		left;
	JpHash		right;
	int			level = 0;

	if ((size & (size - 1)) == 0)
	{
		while (((uint64) 1 << level) < size)
			level++;
		node(arg, level, begin >> level, hash);
		return;
	}
	split = split_of(size);
	jp_tree_range(begin, begin + split, node, arg, &left);
	jp_tree_range(begin + split, end, node, arg, &right);
	jp_tree_parent(&left, &right, hash);
}

/* PATH(m, D[n]). */
int
jp_tree_inclusion(uint64 leaf, uint64 size, JpTreeRange range, void *arg,
				  JpHash *path)
{
	return inclusion(leaf, 0, size, range, arg, path);
}

/* PROOF(m, D[n]). */
int
jp_tree_consistency(uint64 old, uint64 size, JpTreeRange range, void *arg,
					JpHash *path)
{
	if (old == 0 || old >= size)
		return 0;
	return consistency(old, 0, size, true, range, arg, path);
}

/* RFC 9162, section 2.1.3.2. */
bool
jp_tree_check_inclusion(uint64 leaf, uint64 size, const JpHash *hash,
						const JpHash *path, int count, const JpHash *root)
{
	uint64		fn = leaf;
	uint64		sn = size - 1;
	JpHash		r = *hash;
	int			i;

	if (leaf >= size)
		return false;
	for (i = 0; i < count; i++)
	{
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn)
		{
			jp_tree_parent(&path[i], &r, &r);
			while ((fn & 1) == 0 && fn != 0)
			{
				fn >>= 1;
				sn >>= 1;
			}
		}
		else
			jp_tree_parent(&r, &path[i], &r);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && is_same(&r, root);
}

/* RFC 9162, section 2.1.4.2. */
bool
jp_tree_check_consistency(uint64 old, uint64 size, const JpHash *oldroot,
						  const JpHash *root, const JpHash *path, int count)
{
	bool		power = old != 0 && (old & (old - 1)) == 0;
	uint64		fn = old - 1;
	uint64		sn = size - 1;
	JpHash		fr;
	JpHash		sr;
	int			i = 0;

	if (old > size || (old == size && !is_same(oldroot, root)))
		return false;
	if (old == 0 || old == size)
		return count == 0;
	if (count == 0 && !power)
		return false;
	while (fn & 1)
	{
		fn >>= 1;
		sn >>= 1;
	}
	if (!power && count > 0)
		fr = sr = path[i++];
	else
		fr = sr = *oldroot;
	for (; i < count; i++)
	{
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn)
		{
			jp_tree_parent(&path[i], &fr, &fr);
			jp_tree_parent(&path[i], &sr, &sr);
			while ((fn & 1) == 0 && fn != 0)
			{
				fn >>= 1;
				sn >>= 1;
			}
		}
		else
			jp_tree_parent(&sr, &path[i], &sr);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && is_same(&fr, oldroot) && is_same(&sr, root);
}

/* The largest power of two smaller than a size. */
static uint64
split_of(uint64 size)
{
	uint64		split = 1;

	while (split * 2 < size)
		split *= 2;
	return split;
}

static int
inclusion(uint64 leaf, uint64 begin, uint64 end, JpTreeRange range, void *arg,
		  JpHash *path)
{
	uint64		split;
	int			count;

	if (end - begin == 1)
		return 0;
	split = begin + split_of(end - begin);
	if (leaf < split)
	{
		count = inclusion(leaf, begin, split, range, arg, path);
		range(arg, split, end, &path[count]);
	}
	else
	{
		count = inclusion(leaf, split, end, range, arg, path);
		range(arg, begin, split, &path[count]);
	}
	return count + 1;
}

/* SUBPROOF(m, D[n], b); old is a position, not a length. */
static int
consistency(uint64 old, uint64 begin, uint64 end, bool whole,
			JpTreeRange range, void *arg, JpHash *path)
{
	uint64		split;
	int			count;

	if (old == end)
	{
		if (whole)
			return 0;
		range(arg, begin, end, &path[0]);
		return 1;
	}
	split = begin + split_of(end - begin);
	if (old <= split)
	{
		count = consistency(old, begin, split, whole, range, arg, path);
		range(arg, split, end, &path[count]);
	}
	else
	{
		count = consistency(old, split, end, false, range, arg, path);
		range(arg, begin, split, &path[count]);
	}
	return count + 1;
}

static bool
is_same(const JpHash *one, const JpHash *other)
{
	return memcmp(one, other, sizeof(JpHash)) == 0;
}
