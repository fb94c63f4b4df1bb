/*
 * discovery_keys.c
 *		Keys and values of JSON documents.
 *
 * A key can be a value itself, as in {"ann@example.com": 3}: such keys, and
 * those that are no words, are called *, and count as values of a place of
 * their own, (keys).  So are those that few documents have.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "discovery.h"

#define KEYS_MAX	500			/* of a column; further ones have no place */
#define DEPTH_MAX	32

/* Where in a document we are. */
typedef struct Place
{
	JpColumn   *column;
	int64		row;
	StringInfoData path;
	int			lengths[DEPTH_MAX];
	int			depth;
} Place;

static void walk(Place *place, JsonbContainer *container);
static void enter(Place *place, const char *step, size_t len, bool as_key);
static void leave(Place *place);
static bool is_plain_key(const char *key, size_t len);
static JpSeen *seen_at(Place *place);
static void take(Place *place, const JsonbValue *value);

/* Takes a document. */
void
jp_discovery_document(JpColumn *column, Jsonb *document, int64 row)
{
	Place		place = {.column = column, .row = row};

	initStringInfo(&place.path);
	walk(&place, &document->root);
	pfree(place.path.data);
}

/* Everything below a container; what lies too deep is left out. */
static void
walk(Place *place, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		in_array = false;

	check_stack_depth();
	token = JsonbIteratorNext(&iterator, &value, true);
	in_array = (token == WJB_BEGIN_ARRAY && !value.val.array.rawScalar);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			if (place->depth + 1 >= DEPTH_MAX)
				return;
			enter(place, value.val.string.val, value.val.string.len, true);
			(void) JsonbIteratorNext(&iterator, &value, true);
			take(place, &value);
			leave(place);
		}
		else if (token == WJB_ELEM)
		{
			if (place->depth + 1 >= DEPTH_MAX)
				return;
			if (in_array)
				enter(place, "[]", 2, false);
			take(place, &value);
			if (in_array)
				leave(place);
		}
	}
}

/* Goes a step down; a key that is no word is a value itself. */
static void
enter(Place *place, const char *step, size_t len, bool as_key)
{
	bool		plain = !as_key || is_plain_key(step, len);

	place->lengths[place->depth++] = place->path.len;
	if (as_key && place->path.len > 0)
		appendStringInfoChar(&place->path, '.');
	if (plain)
		appendBinaryStringInfo(&place->path, step, len);
	else
	{
		int			before = place->path.len;
		JpSeen	   *seen;

		appendStringInfoString(&place->path, "(keys)");
		seen = seen_at(place);
		if (seen != NULL)
			jp_discovery_value(seen, step, len);
		place->path.len = before;
		appendStringInfoChar(&place->path, '*');
	}
}

/* Goes back up. */
static void
leave(Place *place)
{
	place->path.len = place->lengths[--place->depth];
	place->path.data[place->path.len] = '\0';
}

/* A word as programmers choose it: letters first, few digits, not personal. */
static bool
is_plain_key(const char *key, size_t len)
{
	size_t		digits = 0;
	size_t		i;
	int			year;

	if (len == 0 || len > 40)
		return false;
	for (i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) key[i];

		if (c >= '0' && c <= '9')
			digits++;
		else if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c < 0x80 &&
				 strchr("_-$@:/", c) == NULL)
			return false;
	}
	return digits <= 3 && digits < len && jp_looks_like(key, len, &year, NULL) == 0 && year == 0;
}

/* What was seen at this place; NULL where there are too many places. */
static JpSeen *
seen_at(Place *place)
{
	ListCell   *cell;
	JpSeen	   *seen;

	foreach(cell, place->column->keys)
	{
		seen = lfirst(cell);
		if (strcmp(seen->key, place->path.data) == 0)
			return seen;
	}
	if (list_length(place->column->keys) >= KEYS_MAX)
	{
		place->column->more_keys++;
		return NULL;
	}
	seen = palloc0(sizeof(JpSeen));
	seen->key = pstrdup(place->path.data);
	seen->last_row = -1;
	place->column->keys = lappend(place->column->keys, seen);
	return seen;
}

/* Puts keys that few documents have together: they may be values. */
void
jp_discovery_fold_keys(JpColumn *column)
{
	int64		few = Max(column->whole.values / 100, column->whole.values >= 20 ? 1 : 0);
	JpSeen	   *rare = palloc0(sizeof(JpSeen));
	ListCell   *cell;

	rare->key = "*";
	foreach(cell, column->keys)
	{
		JpSeen	   *seen = lfirst(cell);
		int			look;

		if (seen->rows > few || strstr(seen->key, "(keys)") != NULL)
			continue;
		rare->values += seen->values;
		rare->rows += seen->rows;
		for (look = 0; look < JP_LOOK_BY_CONTENT; look++)
			rare->matching[look] += seen->matching[look];
		column->keys = foreach_delete_current(column->keys, cell);
	}
	if (rare->values > 0)
		column->keys = lappend(column->keys, rare);
}

/* Takes a scalar, or what is in a container. */
static void
take(Place *place, const JsonbValue *value)
{
	JpSeen	   *seen;
	char	   *number;

	if (value->type == jbvBinary)
	{
		walk(place, value->val.binary.data);
		return;
	}
	if (value->type == jbvNull)
		return;
	seen = seen_at(place);
	if (seen == NULL)
		return;
	if (seen->last_row != place->row)
	{
		seen->last_row = place->row;
		seen->rows++;
	}
	switch (value->type)
	{
		case jbvString:
			jp_discovery_value(seen, value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			number = DatumGetCString(DirectFunctionCall1(numeric_out,
														 NumericGetDatum(value->val.numeric)));
			jp_discovery_value(seen, number, strlen(number));
			pfree(number);
			break;
		default:
			seen->values++;
			break;
	}
}
