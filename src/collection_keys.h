/*
 * collection_keys.h
 *		Sets of keys of JSON documents, nested ones by paths, and documents
 *		without what such a set leaves out.
 *
 * A path is keys joined by dots; a backslash before a dot or a backslash makes
 * it part of the key.  Arrays on the way are passed through: their elements
 * stand in the array's place.
 */
#ifndef JP_COLLECTION_KEYS_H
#define JP_COLLECTION_KEYS_H

#include "pure.h"

#define JP_KEYS_PATHS	1000	/* paths of a set */
#define JP_KEYS_PATH	1024	/* bytes of a path */
#define JP_KEYS_DEPTH	1000	/* levels of a document of type json */

/* A key and what lies below it; the root of a set has no key. */
typedef struct JpKeys
{
	const char *key;
	size_t		length;
	bool		whole;			/* a path ends here: all below is meant */
	int			count;
	int			room;
	struct JpKeys **children;	/* ordered by length, then bytes */
} JpKeys;

/* What jp_json_prune() found. */
typedef enum JpPruned
{
	JP_PRUNED_NOTHING,
	JP_PRUNED_SOME,
	JP_PRUNED_TOO_DEEP
} JpPruned;

/* The child with a key, or NULL. */
extern const JpKeys *jp_keys_child(const JpKeys *keys, const char *key,
								   size_t length);

/*
 * Pure: writes JSON text, which is valid and of len bytes, without the pairs
 * that the set does not name (keep) or names.  out has room for 2 * len + 4
 * bytes.
 */
extern JpPruned jp_json_prune(const char *json, size_t len,
							  const JpKeys *keys, bool keep,
							  char *out, size_t *outlen);

#ifndef JP_PURE
#include "utils/array.h"
#include "utils/jsonb.h"

/* A set in the current memory context; 22023 for what is not a path. */
extern JpKeys *jp_keys_read(ArrayType *paths);

/* Adds paths to a set. */
extern void jp_keys_add(JpKeys *keys, ArrayType *paths);

/*
 * The document without the pairs that the set does not name (keep) or names;
 * the same pointer when there are none.
 */
extern Jsonb *jp_jsonb_prune(Jsonb *document, const JpKeys *keys, bool keep);

/* Whether a document has a value at the one path of a set. */
extern bool jp_jsonb_has(Jsonb *document, const JpKeys *path);
#endif

#endif							/* JP_COLLECTION_KEYS_H */
