/*
 * keyring_text.c
 *		The text of a keyring: one line per key.  Pure.
 *
 *		journey_privacy root=1 key=<64 hex> check=<16 hex>
 *		journey_privacy root=1 kind=seal version=2 key=<64 hex> check=<16 hex>
 *
 * The check is the first 8 bytes of BLAKE2b-128 of the line up to "key=",
 * keyed with the key itself: a typo anywhere, a key on another's line and a
 * line cut short do not pass.  Blank lines and those that begin with # are
 * for people.  Lower case and single spaces only.
 */
#include "pure.h"

#include <sodium.h>

#include "keyring.h"
#include "keyring_text.h"

#define TAG			"journey_privacy "
#define CHECK_HEX	(2 * JP_KEY_CHECK_SIZE)
#define KEY_HEX		(2 * JP_KEY_SIZE)

/* What is left of a line. */
typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

static const char *const kind_name[] = {
	"pseudonym", "seal", "sign", "tombstone", "scope", "root"
};

static const uint8 line_personal[16] = "jp_keyring_line";

static JpKeyringFault parse_line(const char *line, size_t len,
								 JpKeyEntry *entry);
static bool repeated(const JpKeyEntry *entries, int count);
static bool take_word(Cursor *cursor, const char *word);
static bool take_number(Cursor *cursor, uint8 *number);
static bool take_kind(Cursor *cursor, uint8 *kind);
static bool take_hex(Cursor *cursor, uint8 *bytes, size_t count);
static void line_check(const char *line, size_t len, const uint8 *key,
					   uint8 *check);
static char *put_word(char *to, const char *word);
static char *put_number(char *to, uint8 number);

/* Name of a kind of key. */
const char *
jp_key_kind_name(int kind)
{
	return kind >= 0 && kind <= JP_KEY_ROOT ? kind_name[kind] : NULL;
}

/* Kind of a name. */
int
jp_key_kind_of(const char *name, size_t len)
{
	int			kind;

	for (kind = 0; kind <= JP_KEY_ROOT; kind++)
	{
		if (strlen(kind_name[kind]) == len &&
			memcmp(kind_name[kind], name, len) == 0)
			return kind;
	}
	return -1;
}

/* Writes one line. */
size_t
jp_keyring_format(const JpKeyEntry *entry, char *line)
{
	uint8		check[JP_KEY_CHECK_SIZE];
	char	   *to = put_word(line, TAG "root=");

	to = put_number(to, entry->root);
	if (entry->kind != JP_KEY_ROOT)
	{
		to = put_word(to, " kind=");
		to = put_word(to, kind_name[entry->kind]);
		to = put_word(to, " version=");
		to = put_number(to, entry->version);
	}
	to = put_word(to, " key=");
	line_check(line, to - line, entry->key, check);
	sodium_bin2hex(to, KEY_HEX + 1, entry->key, JP_KEY_SIZE);
	to = put_word(to + KEY_HEX, " check=");
	sodium_bin2hex(to, CHECK_HEX + 1, check, JP_KEY_CHECK_SIZE);
	to = put_word(to + CHECK_HEX, "\n");
	*to = '\0';
	return to - line;
}

/* Reads a whole keyring. */
JpKeyringFault
jp_keyring_parse(const char *chars, size_t len, JpKeyEntry *entries,
				 int *count)
{
	const char *end = chars + len;

	*count = 0;
	while (chars < end)
	{
		const char *newline = memchr(chars, '\n', end - chars);
		JpKeyEntry	entry;
		JpKeyringFault fault;

		if (newline == NULL)
			return JP_KEYRING_TRUNCATED;
		if (newline > chars && *chars != '#')
		{
			fault = parse_line(chars, newline - chars, &entry);
			if (fault == JP_KEYRING_FINE && *count == JP_KEYRING_ENTRIES)
				fault = JP_KEYRING_TOO_LONG;
			if (fault == JP_KEYRING_FINE)
				entries[(*count)++] = entry;
			sodium_memzero(&entry, sizeof(entry));
			if (fault == JP_KEYRING_FINE && repeated(entries, *count))
				fault = JP_KEYRING_REPEATED;
			if (fault != JP_KEYRING_FINE)
				return fault;
		}
		chars = newline + 1;
	}
	return *count > 0 ? JP_KEYRING_FINE : JP_KEYRING_EMPTY;
}

/* Reads one line. */
static JpKeyringFault
parse_line(const char *line, size_t len, JpKeyEntry *entry)
{
	Cursor		cursor = {line, line + len};
	uint8		found[JP_KEY_CHECK_SIZE];
	uint8		check[JP_KEY_CHECK_SIZE];
	const char *key;

	memset(entry, 0, sizeof(*entry));
	entry->kind = JP_KEY_ROOT;
	if (!take_word(&cursor, TAG))
		return JP_KEYRING_FOREIGN;
	if (!take_word(&cursor, "root=") || !take_number(&cursor, &entry->root))
		return JP_KEYRING_DAMAGED;
	if (take_word(&cursor, " kind=") &&
		!(take_kind(&cursor, &entry->kind) &&
		  take_word(&cursor, " version=") &&
		  take_number(&cursor, &entry->version)))
		return JP_KEYRING_DAMAGED;
	if (!take_word(&cursor, " key="))
		return JP_KEYRING_DAMAGED;
	key = cursor.at;
	if (!take_hex(&cursor, entry->key, JP_KEY_SIZE) ||
		!take_word(&cursor, " check=") ||
		!take_hex(&cursor, found, JP_KEY_CHECK_SIZE) ||
		cursor.at != cursor.end)
		return JP_KEYRING_DAMAGED;
	line_check(line, key - line, entry->key, check);
	if (sodium_memcmp(found, check, JP_KEY_CHECK_SIZE) != 0)
		return JP_KEYRING_DAMAGED;
	return JP_KEYRING_FINE;
}

/* Whether the last entry names a key that an earlier one names. */
static bool
repeated(const JpKeyEntry *entries, int count)
{
	const JpKeyEntry *last = &entries[count - 1];
	int			i;

	for (i = 0; i < count - 1; i++)
	{
		if (entries[i].kind == last->kind &&
			entries[i].root == last->root &&
			entries[i].version == last->version)
			return true;
	}
	return false;
}

/* Passes over a word, if it is what comes next. */
static bool
take_word(Cursor *cursor, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (cursor->end - cursor->at) < len ||
		memcmp(cursor->at, word, len) != 0)
		return false;
	cursor->at += len;
	return true;
}

/* Takes a number from 1 to 255 without leading zeros. */
static bool
take_number(Cursor *cursor, uint8 *number)
{
	int			value = 0;

	if (cursor->at < cursor->end && *cursor->at == '0')
		return false;
	while (cursor->at < cursor->end &&
		   *cursor->at >= '0' && *cursor->at <= '9')
	{
		value = value * 10 + (*cursor->at++ - '0');
		if (value > 255)
			return false;
	}
	*number = (uint8) value;
	return value > 0;
}

/* Takes the name of a kind other than root. */
static bool
take_kind(Cursor *cursor, uint8 *kind)
{
	const char *start = cursor->at;
	int			found;

	while (cursor->at < cursor->end && *cursor->at != ' ')
		cursor->at++;
	found = jp_key_kind_of(start, cursor->at - start);
	*kind = (uint8) found;
	return found >= 0 && found != JP_KEY_ROOT;
}

/* Takes bytes in lower-case hexadecimal, in time that tells nothing. */
static bool
take_hex(Cursor *cursor, uint8 *bytes, size_t count)
{
	size_t		i;

	if ((size_t) (cursor->end - cursor->at) < 2 * count)
		return false;
	for (i = 0; i < 2 * count; i++)
	{
		if (cursor->at[i] >= 'A' && cursor->at[i] <= 'F')
			return false;
	}
	if (sodium_hex2bin(bytes, count, cursor->at, 2 * count,
					   NULL, NULL, NULL) != 0)
		return false;
	cursor->at += 2 * count;
	return true;
}

/* Check of a line, from what stands before the key and the key. */
static void
line_check(const char *line, size_t len, const uint8 *key, uint8 *check)
{
	uint8		hash[16];

	(void) crypto_generichash_blake2b_salt_personal(hash, sizeof(hash),
													(const uint8 *) line, len,
													key, JP_KEY_SIZE,
													NULL, line_personal);
	memcpy(check, hash, JP_KEY_CHECK_SIZE);
}

/* Appends a word, without its NUL. */
static char *
put_word(char *to, const char *word)
{
	size_t		len = strlen(word);

	memcpy(to, word, len);
	return to + len;
}

/* Appends a number up to 255. */
static char *
put_number(char *to, uint8 number)
{
	if (number >= 100)
		*to++ = '0' + number / 100;
	if (number >= 10)
		*to++ = '0' + number / 10 % 10;
	*to++ = '0' + number % 10;
	return to;
}
