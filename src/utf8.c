/*
 * utf8.c
 *		Text between the database's encoding and UTF-8.
 *
 * What is hashed or sealed is UTF-8, so that it means the same in a database
 * of another encoding.  A database in SQL_ASCII holds UTF-8 or it is refused.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "compat.h"
#include "utf8.h"

static const char *convert(const char *chars, size_t len, int from, int to,
						   size_t *newlen);
pg_noreturn static void refuse(void);

/* Database encoding to UTF-8. */
const char *
jp_utf8_from(const char *chars, size_t len, size_t *utf8len)
{
	int			encoding = GetDatabaseEncoding();

	*utf8len = len;
	if (encoding == PG_UTF8)
		return chars;
	if (encoding != PG_SQL_ASCII)
		return convert(chars, len, encoding, PG_UTF8, utf8len);
	if (!pg_verify_mbstr(PG_UTF8, chars, len, true))
		refuse();
	return chars;
}

/* UTF-8 to database encoding. */
const char *
jp_utf8_to(const char *utf8, size_t utf8len, size_t *len)
{
	int			encoding = GetDatabaseEncoding();

	*len = utf8len;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return utf8;
	return convert(utf8, utf8len, PG_UTF8, encoding, len);
}

/* Converts, or refuses without quoting bytes. */
static const char *
convert(const char *chars, size_t len, int from, int to, size_t *newlen)
{
	Oid			function = FindDefaultConversionProc(from, to);
	size_t		size = len * MAX_CONVERSION_GROWTH + 1;
	char	   *converted;

	if (!OidIsValid(function) || size > MaxAllocHugeSize || len > INT_MAX)
		refuse();
	converted = MemoryContextAllocHuge(CurrentMemoryContext, size);
	if (pg_do_encoding_conversion_buf(function, from, to,
									  (unsigned char *) unconstify(char *, chars), len,
									  (unsigned char *) converted,
									  Min(size, INT_MAX), true) != len)
		refuse();
	*newlen = strlen(converted);
	return converted;
}

/* Says that it is not text, and no more. */
static void
refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("text cannot be converted between the database's encoding and UTF-8")));
}
