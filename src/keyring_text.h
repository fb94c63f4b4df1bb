/*
 * keyring_text.h
 *		The text of a keyring: one line per key.  Pure.
 */
#ifndef JP_KEYRING_TEXT_H
#define JP_KEYRING_TEXT_H

#define JP_KEY_SIZE			32
#define JP_KEY_CHECK_SIZE	8
#define JP_KEY_LINE_SIZE	192 /* a line, its newline and a NUL */
#define JP_KEYRING_ENTRIES	32	/* keys in one keyring */
#define JP_KEYRING_SIZE		8192	/* bytes in one keyring */

/* Kind of a root key, beside those of JpKeyKind. */
#define JP_KEY_ROOT			JP_KEY_KINDS

/*
 * One line: a root key (kind JP_KEY_ROOT, version 0), or a single subkey of a
 * root key that has itself been destroyed.
 */
typedef struct JpKeyEntry
{
	uint8		kind;
	uint8		root;
	uint8		version;
	uint8		key[JP_KEY_SIZE];
} JpKeyEntry;

/* What can be wrong with a keyring. */
typedef enum JpKeyringFault
{
	JP_KEYRING_FINE,
	JP_KEYRING_EMPTY,			/* not a single key */
	JP_KEYRING_TRUNCATED,		/* the last line has no end */
	JP_KEYRING_FOREIGN,			/* a line is not one of ours */
	JP_KEYRING_DAMAGED,			/* a line of ours is misspelt */
	JP_KEYRING_REPEATED,		/* a key is there twice */
	JP_KEYRING_TOO_LONG			/* more than JP_KEYRING_ENTRIES keys */
} JpKeyringFault;

/* Name of a kind, "root" included; NULL for a number that is none. */
extern const char *jp_key_kind_name(int kind);

/* Kind of a name; -1 when there is none. */
extern int	jp_key_kind_of(const char *name, size_t len);

/* Writes one line with its newline and a NUL; returns its length. */
extern size_t jp_keyring_format(const JpKeyEntry *entry, char *line);

/* Reads a whole keyring into JP_KEYRING_ENTRIES places. */
extern JpKeyringFault jp_keyring_parse(const char *text, size_t len,
									   JpKeyEntry *entries, int *count);

#endif							/* JP_KEYRING_TEXT_H */
