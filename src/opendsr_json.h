/*
 * opendsr_json.h
 *		JSON (RFC 8259) where it stands in the bytes of a message: checked
 *		once, then walked without a copy.  Pure.
 *
 * The server's own json would do for well-meant messages; this one refuses by
 * a return value, has a bound for depth, and tells a name given twice.
 */
#ifndef JP_OPENDSR_JSON_H
#define JP_OPENDSR_JSON_H

#include "pure.h"

#define JP_JSON_DEPTH	32		/* arrays and objects within each other */

/* One value, from its first byte to its last. */
typedef struct JpJsonText
{
	const char *start;
	size_t		len;
} JpJsonText;

/* A walk over the members of an object or the elements of an array. */
typedef struct JpJsonWalk
{
	const char *next;
	const char *end;
} JpJsonWalk;

/*
 * Whether this is one JSON value in valid UTF-8, with space around it at
 * most, not too deep.  What follows needs a value found so.
 */
extern bool jp_jsontext_check(const char *chars, size_t len, JpJsonText *value);

/* Its first byte: { [ " t f n, or 0 for a number. */
extern char jp_jsontext_kind(const JpJsonText *value);

/* A walk over an object or array, and its next member or element. */
extern void jp_jsontext_walk(const JpJsonText *value, JpJsonWalk *walk);
extern bool jp_jsontext_member(JpJsonWalk *walk, JpJsonText *name,
							   JpJsonText *value);
extern bool jp_jsontext_element(JpJsonWalk *walk, JpJsonText *value);

/* Whether two strings say the same, however they are written. */
extern bool jp_jsontext_same(const JpJsonText *a, const JpJsonText *b);

/* Whether a string says this, in ASCII; capitals may differ if so asked. */
extern bool jp_jsontext_is(const JpJsonText *string, const char *ascii,
						   bool any_case);

/*
 * Writes what a string says, in UTF-8, and a NUL; returns its length, or -1
 * when room does not suffice or it has a NUL itself.
 */
extern int	jp_jsontext_decode(const JpJsonText *string, char *out,
							   size_t room);

#endif							/* JP_OPENDSR_JSON_H */
