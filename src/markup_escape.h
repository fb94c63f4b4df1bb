/*
 * markup_escape.h
 *		Text of unknown origin made harmless in XML, HTML and Markdown.  Pure.
 */
#ifndef JP_MARKUP_ESCAPE_H
#define JP_MARKUP_ESCAPE_H

#include "pure.h"

typedef enum JpMarkup
{
	JP_MARKUP_XML,				/* text and attributes, of HTML too */
	JP_MARKUP_MARKDOWN			/* within a line, outside of code */
} JpMarkup;

/* Bytes that jp_markup_escape() may write for so many bytes and this limit. */
extern size_t jp_markup_room(size_t len, size_t limit);

/*
 * Writes bytes, in UTF-8 if all is well, so that a reader of the markup shows
 * them as text and nothing else; returns how many bytes that took, without a
 * terminating zero.  Of more than limit characters (0: any number) the first
 * stay, with an ellipsis as the last.  What XML 1.0 forbids, other control
 * characters, characters that turn the direction of what follows, and
 * combining marks beyond the fourth in a row are dropped; what is not UTF-8
 * becomes U+FFFD; text that may run from right to left is put in an isolate.
 */
extern size_t jp_markup_escape(char *out, const char *chars, size_t len,
							   size_t limit, JpMarkup how);

/*
 * The character at *at, which moves behind it; U+FFFD for a byte that is not
 * UTF-8.  *at must be less than len.
 */
extern uint32 jp_markup_next(const char *chars, size_t len, size_t *at);

/* Writes a character in UTF-8; returns how many bytes, 1 to 4. */
extern size_t jp_markup_put(char *out, uint32 code);

/* Whether a character is drawn with the one before it. */
extern bool jp_markup_joins(uint32 code);

#endif							/* JP_MARKUP_ESCAPE_H */
