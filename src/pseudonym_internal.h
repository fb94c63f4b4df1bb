/*
 * pseudonym_internal.h
 *		What the pseudonym's own files share, grouped by file.
 */
#ifndef JP_PSEUDONYM_INTERNAL_H
#define JP_PSEUDONYM_INTERNAL_H

#include "pseudonym.h"

#define JP_KIND_SIZE		64	/* a kind's name and its NUL */
#define JP_VALUE_MAX		1024	/* bytes of a value, in UTF-8 */

/* How a value is brought to the form that is hashed. */
typedef enum JpNormalizer
{
	JP_NORMALIZE_NONE,
	JP_NORMALIZE_TRIM,
	JP_NORMALIZE_LOWER,
	JP_NORMALIZE_E164,
	JP_NORMALIZE_UUID
} JpNormalizer;

#define JP_NORMALIZERS		5

/* pseudonym_normalize.c, pure: normalizer of a name; -1 when there is none. */
extern int	jp_normalizer_of(const char *name, size_t len);

/* pseudonym_normalize.c, pure: whether this could be the name of a kind. */
extern bool jp_kind_wellformed(const char *name, size_t len);

/*
 * pseudonym_normalize.c, pure: writes the form that is hashed, at most
 * JP_VALUE_MAX bytes; returns its length, or -1 for what the kind cannot have.
 */
extern int	jp_normalize(JpNormalizer normalizer, const char *value,
						 size_t len, char *out);

#ifndef JP_PURE
/* pseudonym.c: refuses those who may not turn identities into pseudonyms. */
extern void jp_pseudonymize_require(void);

/* pseudonym_kind.c: normalizer of a kind; 42704 when there is no such kind. */
extern JpNormalizer jp_kind_normalizer(const char *kind, size_t len);

/*
 * Takes away the error context, in which COPY and Bind quote the value at
 * hand for message and server log.  Whoever does not throw puts it back.
 */
static inline ErrorContextCallback *
jp_hide_value(void)
{
	ErrorContextCallback *context = error_context_stack;

	error_context_stack = NULL;
	return context;
}
#endif

#endif							/* JP_PSEUDONYM_INTERNAL_H */
