/*
 * audit_tree.h
 *		Merkle trees of RFC 6962 (RFC 9162, section 2.1) over SHA-256.  Pure.
 */
#ifndef JP_AUDIT_TREE_H
#define JP_AUDIT_TREE_H

#include "pure.h"

#define JP_HASH_SIZE	32

/* A path has at most so many hashes. */
#define JP_PATH_MAX		65

typedef struct JpHash
{
	uint8		bytes[JP_HASH_SIZE];
} JpHash;

/*
 * A tree that grows: edge[k] is the root of the complete subtree of 2^k
 * leaves that is there when bit k of size is set.
 */
typedef struct JpTree
{
	uint64		size;
	JpHash		edge[64];
} JpTree;

/* Gives the root of the complete subtree index * 2^level .. + 2^level - 1. */
typedef void (*JpTreeNode) (void *arg, int level, uint64 index, JpHash *hash);

/* Gives the root of the leaves from begin to before end. */
typedef void (*JpTreeRange) (void *arg, uint64 begin, uint64 end, JpHash *hash);

/* Is told of a complete subtree. */
typedef void (*JpTreeMade) (void *arg, int level, uint64 index,
							const JpHash *hash);

extern void jp_tree_leaf(const void *data, size_t len, JpHash *hash);
extern void jp_tree_parent(const JpHash *left, const JpHash *right,
						   JpHash *parent);

/* Adds a leaf; made (or NULL) is told of each subtree above it now complete. */
extern void jp_tree_append(JpTree *tree, const JpHash *leaf, JpTreeMade made,
						   void *arg);

/* The root; that of no leaves is the hash of nothing. */
extern void jp_tree_root(const JpTree *tree, JpHash *root);

/* Root of a range that begins where RFC 6962 may split, from subtrees. */
extern void jp_tree_range(uint64 begin, uint64 end, JpTreeNode node, void *arg,
						  JpHash *hash);

/* The hashes from a leaf to the root; their number. */
extern int	jp_tree_inclusion(uint64 leaf, uint64 size, JpTreeRange range,
							  void *arg, JpHash *path);

/* The hashes that lead from one size to another; their number. */
extern int	jp_tree_consistency(uint64 old, uint64 size, JpTreeRange range,
								void *arg, JpHash *path);

extern bool jp_tree_check_inclusion(uint64 leaf, uint64 size,
									const JpHash *hash, const JpHash *path,
									int count, const JpHash *root);
extern bool jp_tree_check_consistency(uint64 old, uint64 size,
									  const JpHash *oldroot,
									  const JpHash *root,
									  const JpHash *path, int count);

#endif							/* JP_AUDIT_TREE_H */
