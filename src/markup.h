/*
 * markup.h
 *		Documents for people (SVG, HTML, Markdown), put together in UTF-8.
 *
 * What comes from a table, a catalog or a caller goes through here; only our
 * own constants are appended as they are.
 */
#ifndef JP_MARKUP_H
#define JP_MARKUP_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "markup_escape.h"

/*
 * Appends text in the database's encoding as text of XML or HTML, or as the
 * value of an attribute in quotes: escaped, cut at limit characters with an
 * ellipsis (0: not cut), in an isolate where it may run from right to left.
 * Never an error because of what the text holds.
 */
extern void jp_markup_text(StringInfo out, const char *chars, size_t limit);

/* The same within a line of Markdown. */
extern void jp_markup_markdown(StringInfo out, const char *chars, size_t limit);

/*
 * The finished document as a text in the database's encoding; where that is
 * not UTF-8, character references stand for what is not ASCII.
 */
extern text *jp_markup_finish(StringInfo out);

#endif							/* JP_MARKUP_H */
