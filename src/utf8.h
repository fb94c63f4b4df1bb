/*
 * utf8.h
 *		Text between the database's encoding and UTF-8, with errors that do
 *		not quote it, unlike the server's own.
 */
#ifndef JP_UTF8_H
#define JP_UTF8_H

/*
 * The same text in UTF-8: chars itself where it is that already, otherwise a
 * palloc'd copy.  22021 when it is not valid.
 */
extern const char *jp_utf8_from(const char *chars, size_t len,
								size_t *utf8len);

/* The other way round. */
extern const char *jp_utf8_to(const char *utf8, size_t utf8len, size_t *len);

#endif							/* JP_UTF8_H */
