/*
 * collection_keys.c
 *		Sets of keys, read from paths.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "collection_keys.h"
#include "compat.h"

static void add_path(JpKeys *keys, const char *path, size_t length);
static size_t read_key(const char *path, size_t length, char *key,
					   size_t *keylen);
static JpKeys *child_made(JpKeys *keys, char *key, size_t length);
pg_noreturn static void bad_path(void);

/* A set of paths. */
JpKeys *
jp_keys_read(ArrayType *paths)
{
	JpKeys	   *keys = palloc0(sizeof(JpKeys));

	jp_keys_add(keys, paths);
	return keys;
}

/* Adds paths to a set. */
void
jp_keys_add(JpKeys *keys, ArrayType *paths)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(paths, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	if (count > JP_KEYS_PATHS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there cannot be more than %d paths of keys", JP_KEYS_PATHS)));
	for (i = 0; i < count; i++)
	{
		text	   *path;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a path of keys must not be null")));
		path = DatumGetTextPP(elements[i]);
		add_path(keys, VARDATA_ANY(path), VARSIZE_ANY_EXHDR(path));
	}
}

/* Adds one path. */
static void
add_path(JpKeys *keys, const char *path, size_t length)
{
	size_t		at = 0;

	if (length == 0 || length > JP_KEYS_PATH)
		bad_path();
	for (;;)
	{
		char	   *key = palloc(length - at + 1);
		size_t		keylen;

		at += read_key(path + at, length - at, key, &keylen);
		keys = child_made(keys, key, keylen);
		if (at == length)
			break;
		at++;					/* the dot */
	}
	keys->whole = true;
}

/* Reads a key up to a dot or the end; returns how far that is. */
static size_t
read_key(const char *path, size_t length, char *key, size_t *keylen)
{
	size_t		i;

	*keylen = 0;
	for (i = 0; i < length && path[i] != '.'; i++)
	{
		if (path[i] == '\\' &&
			(++i == length || (path[i] != '.' && path[i] != '\\')))
			bad_path();
		key[(*keylen)++] = path[i];
	}
	if (*keylen == 0)
		bad_path();
	return i;
}

/* The child with a key, made where there is none yet. */
static JpKeys *
child_made(JpKeys *keys, char *key, size_t length)
{
	JpKeys	   *child = unconstify(JpKeys *, jp_keys_child(keys, key, length));
	int			i;

	if (child != NULL)
		return child;
	child = palloc0(sizeof(JpKeys));
	child->key = key;
	child->length = length;
	if (keys->count == keys->room)
	{
		keys->room = Max(4, keys->room * 2);
		keys->children = keys->children == NULL ?
			palloc(keys->room * sizeof(JpKeys *)) :
			repalloc(keys->children, keys->room * sizeof(JpKeys *));
	}
	for (i = keys->count++; i > 0; i--)
	{
		const JpKeys *before = keys->children[i - 1];

		if (before->length < length ||
			(before->length == length && memcmp(before->key, key, length) < 0))
			break;
		keys->children[i] = keys->children[i - 1];
	}
	keys->children[i] = child;
	return child;
}

/* Refuses what is not a path, without repeating it. */
static void
bad_path(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a path of keys is not well formed"),
			 errhint("A path is keys joined by dots, at most %d bytes; write \\. for a dot within a key, and \\\\ for a backslash.",
					 JP_KEYS_PATH)));
}
