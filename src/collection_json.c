/*
 * collection_json.c
 *		JSON text without some of its pairs: pure.
 *
 * The text has passed the input function of type json, so it is valid; what
 * is not is cut short or mended, never read beyond its end.  Whatever stays is
 * copied as it stands, duplicate keys too: each of them is looked at.
 */
#include "pure.h"

#include "collection_keys.h"

/* Where reading and writing are. */
typedef struct Pruning
{
	const char *next;
	const char *end;
	char	   *out;
	bool		keep;
	bool		dropped;
	bool		too_deep;
} Pruning;

static bool prune_value(Pruning *p, const JpKeys *keys, int depth);
static void prune_object(Pruning *p, const JpKeys *keys, int depth);
static void prune_array(Pruning *p, const JpKeys *keys, int depth);
static bool member_stays(Pruning *p, const JpKeys *child, int depth);
static const JpKeys *named_child(const JpKeys *keys, const char *key,
								 size_t length);
static size_t unescape(const char *key, size_t length, char *out);
static uint32 read_hex(const char *digits);
static size_t put_utf8(uint32 letter, char *out);
static void skip_space(Pruning *p);
static void skip_value(Pruning *p);
static void skip_string(Pruning *p);
static bool at(const Pruning *p, char letter);

/* The child with a key, by halving. */
const JpKeys *
jp_keys_child(const JpKeys *keys, const char *key, size_t length)
{
	int			low = 0;
	int			high = keys->count;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		const JpKeys *child = keys->children[middle];
		int			order = child->length != length ?
			(child->length < length ? -1 : 1) :
			memcmp(child->key, key, length);

		if (order == 0)
			return child;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* JSON text without what goes. */
JpPruned
jp_json_prune(const char *json, size_t len, const JpKeys *keys, bool keep,
			  char *out, size_t *outlen)
{
	Pruning		p = {json, json + len, out, keep, false, false};

	if (!prune_value(&p, keys, 0))
	{
		p.dropped = !at(&p, 'n');
		memcpy(out, "null", 4);
		p.out = out + 4;
	}
	*outlen = p.out - out;
	if (p.too_deep)
		return JP_PRUNED_TOO_DEEP;
	return p.dropped ? JP_PRUNED_SOME : JP_PRUNED_NOTHING;
}

/*
 * Writes what stays of an object or array; a scalar in the way of a path
 * stays only where everything does that is not named: false, and not read,
 * where it goes.
 */
static bool
prune_value(Pruning *p, const JpKeys *keys, int depth)
{
	const char *start;

	skip_space(p);
	if (depth >= JP_KEYS_DEPTH)
		p->too_deep = true;
	if (p->too_deep)
	{
		p->next = p->end;
		return true;
	}
	if (at(p, '{'))
		prune_object(p, keys, depth);
	else if (at(p, '['))
		prune_array(p, keys, depth);
	else if (p->keep)
		return false;
	else
	{
		start = p->next;
		skip_value(p);
		memcpy(p->out, start, p->next - start);
		p->out += p->next - start;
	}
	return true;
}

/* An object: looks at each pair. */
static void
prune_object(Pruning *p, const JpKeys *keys, int depth)
{
	bool		first = true;

	*p->out++ = *p->next++;
	for (skip_space(p); p->next < p->end && !at(p, '}'); skip_space(p))
	{
		const char *key = p->next;
		char	   *before = p->out;
		size_t		length;

		JP_CHECK_FOR_INTERRUPTS();
		skip_string(p);
		length = p->next - key;
		skip_space(p);
		if (at(p, ':'))
			p->next++;
		if (!first)
			*p->out++ = ',';
		memcpy(p->out, key, length);
		p->out += length;
		*p->out++ = ':';
		if (length >= 2 &&
			member_stays(p, named_child(keys, key + 1, length - 2), depth))
			first = false;
		else
		{
			p->out = before;
			p->dropped = true;
		}
		skip_space(p);
		if (at(p, ','))
			p->next++;
	}
	if (p->next < p->end)
		p->next++;
	*p->out++ = '}';
}

/* Reads the value of a pair, and writes what stays of it, if anything does. */
static bool
member_stays(Pruning *p, const JpKeys *child, int depth)
{
	const char *start;
	bool		stays = child == NULL ? !p->keep : p->keep;

	skip_space(p);
	start = p->next;
	if (child != NULL && !child->whole && prune_value(p, child, depth + 1))
		return true;
	skip_value(p);
	if (child != NULL && !child->whole)
		return false;			/* a scalar where an object was to be kept */
	if (stays)
	{
		memcpy(p->out, start, p->next - start);
		p->out += p->next - start;
	}
	return stays;
}

/* An array: its elements stand in its place. */
static void
prune_array(Pruning *p, const JpKeys *keys, int depth)
{
	bool		first = true;

	*p->out++ = *p->next++;
	for (skip_space(p); p->next < p->end && !at(p, ']'); skip_space(p))
	{
		char	   *before = p->out;
		const char *start = p->next;

		JP_CHECK_FOR_INTERRUPTS();
		if (!first)
			*p->out++ = ',';
		if (prune_value(p, keys, depth + 1))
			first = false;
		else
		{
			skip_value(p);
			p->out = before;
			p->dropped = true;
		}
		skip_space(p);
		if (at(p, ','))
			p->next++;
		if (p->next == start)
			p->next = p->end;	/* not JSON */
	}
	if (p->next < p->end)
		p->next++;
	*p->out++ = ']';
}

/* The child that a key names, which may be written with escapes. */
static const JpKeys *
named_child(const JpKeys *keys, const char *key, size_t length)
{
	char		plain[JP_KEYS_PATH];

	if (memchr(key, '\\', length) == NULL)
		return jp_keys_child(keys, key, length);
	/* An escape is at most six bytes for one, and two of them for four. */
	if (length > 6 * JP_KEYS_PATH)
		return NULL;
	length = unescape(key, length, plain);
	return length > JP_KEYS_PATH ? NULL : jp_keys_child(keys, plain, length);
}

/* Resolves escapes, in UTF-8; more than JP_KEYS_PATH when it does not fit. */
static size_t
unescape(const char *key, size_t length, char *out)
{
	static const char names[] = "bfnrt";
	static const char letters[] = "\b\f\n\r\t";
	const char *end = key + length;
	size_t		n = 0;

	while (key < end)
	{
		const char *name;

		if (n + 4 > JP_KEYS_PATH)
			return JP_KEYS_PATH + 1;
		if (*key != '\\' || key + 1 == end)
			out[n++] = *key++;
		else if (key[1] == 'u' && end - key >= 6)
		{
			uint32		letter = read_hex(key + 2);

			key += 6;
			if (letter >= 0xD800 && letter < 0xDC00 && end - key >= 6 &&
				key[0] == '\\' && key[1] == 'u')
			{
				letter = 0x10000 + ((letter - 0xD800) << 10) +
					((read_hex(key + 2) - 0xDC00) & 0x3FF);
				key += 6;
			}
			n += put_utf8(letter, out + n);
		}
		else
		{
			name = memchr(names, key[1], sizeof(names) - 1);
			out[n++] = name == NULL ? key[1] : letters[name - names];
			key += 2;
		}
	}
	return n;
}

/* The number that four hexadecimal digits are. */
static uint32
read_hex(const char *digits)
{
	uint32		number = 0;
	int			i;

	for (i = 0; i < 4; i++)
		number = number << 4 | ((digits[i] & 0xF) + (digits[i] > '9' ? 9 : 0));
	return number;
}

/* Writes a letter; returns its bytes. */
static size_t
put_utf8(uint32 letter, char *out)
{
	if (letter < 0x80)
	{
		out[0] = letter;
		return 1;
	}
	if (letter < 0x800)
	{
		out[0] = 0xC0 | letter >> 6;
		out[1] = 0x80 | (letter & 0x3F);
		return 2;
	}
	if (letter < 0x10000)
	{
		out[0] = 0xE0 | letter >> 12;
		out[1] = 0x80 | (letter >> 6 & 0x3F);
		out[2] = 0x80 | (letter & 0x3F);
		return 3;
	}
	out[0] = 0xF0 | (letter >> 18 & 0x7);
	out[1] = 0x80 | (letter >> 12 & 0x3F);
	out[2] = 0x80 | (letter >> 6 & 0x3F);
	out[3] = 0x80 | (letter & 0x3F);
	return 4;
}

/* Goes to what is not white space. */
static void
skip_space(Pruning *p)
{
	while (p->next < p->end &&
		   (*p->next == ' ' || *p->next == '\t' || *p->next == '\n' ||
			*p->next == '\r'))
		p->next++;
}

/* Goes behind a value, however deep it is. */
static void
skip_value(Pruning *p)
{
	size_t		open = 0;

	while (p->next < p->end)
	{
		if (at(p, '"'))
			skip_string(p);
		else if (at(p, '{') || at(p, '['))
		{
			open++;
			p->next++;
		}
		else if (at(p, '}') || at(p, ']'))
		{
			if (open == 0)
				return;
			open--;
			p->next++;
		}
		else if (open == 0 && (at(p, ',') || at(p, ' ') || at(p, '\t') ||
							   at(p, '\n') || at(p, '\r')))
			return;
		else
		{
			p->next++;
			continue;			/* within a number or a word */
		}
		if (open == 0)
			return;
	}
}

/* Goes behind a string. */
static void
skip_string(Pruning *p)
{
	if (p->next < p->end)
		p->next++;
	while (p->next < p->end && !at(p, '"'))
		p->next += *p->next == '\\' && p->next + 1 < p->end ? 2 : 1;
	if (p->next < p->end)
		p->next++;
}

/* Whether a letter is next. */
static bool
at(const Pruning *p, char letter)
{
	return p->next < p->end && *p->next == letter;
}
