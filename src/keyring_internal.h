/*
 * keyring_internal.h
 *		What the keyring's own files share, grouped by file.  No other room
 *		includes this.
 */
#ifndef JP_KEYRING_INTERNAL_H
#define JP_KEYRING_INTERNAL_H

#include "compat.h"
#include "keyring.h"
#include "keyring_text.h"

#define JP_KEY_VERSIONS		64	/* rows of key_version */
#define JP_KEY_VERSION_MAX	255

/* The one place in a backend where keys lie. */
typedef struct JpKeyArena
{
	bool		filled;			/* false again in a forked child */
	int			entries;
	JpKeyEntry	entry[JP_KEYRING_ENTRIES];
	bool		derived[JP_KEY_VERSIONS];
	uint8		subkey[JP_KEY_VERSIONS][JP_KEY_SIZE];
	uint8		data_key[JP_KEY_SIZE];
	uint8		wrapping_key[JP_KEY_SIZE];
	uint8		pair[2 * JP_KEY_SIZE];	/* Ed25519 secret key */
	char		chars[JP_KEYRING_SIZE];
} JpKeyArena;

/* State of a key version. */
typedef enum JpKeyState
{
	JP_KEY_NEXT,				/* waits for rekey_pseudonyms() */
	JP_KEY_ACTIVE,				/* makes new values */
	JP_KEY_RETIRED,				/* reads old values */
	JP_KEY_DESTROYED
} JpKeyState;

/* A row of key_version; no padding, so that rows compare by their bytes. */
typedef struct JpKeyVersion
{
	uint8		kind;
	uint8		version;
	uint8		root;
	uint8		state;
	uint8		check[JP_KEY_CHECK_SIZE];
	uint8		public_key[JP_PUBLIC_KEY_SIZE]; /* of a sign key */
} JpKeyVersion;

/* Where the text of the keyring comes from. */
typedef struct JpKeyProvider
{
	/* Puts the text and its length; false where there is nothing yet. */
	bool		(*fetch) (char *text, size_t size, size_t *len);

	/* Stores a first text; false where there is one.  NULL: cannot write. */
	bool		(*create) (const char *text, size_t len);

	/* Puts another text in place of the one there.  NULL: cannot write. */
	void		(*replace) (const char *text, size_t len);
} JpKeyProvider;

/* keyring_arena.c: the arena, made and locked when first asked for. */
extern JpKeyArena *jp_key_arena(void);

/* keyring_arena.c: the arena if it holds keys, otherwise NULL. */
extern JpKeyArena *jp_key_arena_filled(void);

/* keyring_file.c, keyring_command.c */
extern const JpKeyProvider jp_key_file;
extern const JpKeyProvider jp_key_command;

/* keyring_load.c: the provider of the settings; an error unless there is one. */
extern const JpKeyProvider *jp_key_provider(void);

/* keyring_load.c: fetches the keyring into the arena; false where there is none. */
extern bool jp_keyring_load(void);

/* keyring_load.c: a key of the arena; NULL where it has none. */
extern const uint8 *jp_key_entry(int kind, int root, int version);

/* keyring_load.c: derives a subkey; false for want of its root key. */
extern bool jp_key_derive(int kind, int root, int version, uint8 *key);

/* keyring_load.c: check value of a key. */
extern void jp_key_check(int kind, int version, const uint8 *key,
						 uint8 *check);

/* keyring_load.c: throws 55000, no keyring, with a way out. */
pg_noreturn extern void jp_keyring_missing(const char *hint);

/* keyring.c: a subkey, in the arena. */
/* Whether there ever was a version of a key, destroyed or not. */
extern bool jp_key_known(JpKeyKind kind, int version);

extern const uint8 *jp_key_secret(JpKeyKind kind, int version);

/* keyring_sign.c: public key of a sign key. */
extern void jp_key_public_of(const uint8 *seed, uint8 *key);

/* keyring_versions.c: reads key_version, sorted; returns the number of rows. */
extern int	jp_key_versions_read(JpKeyVersion *rows);

/* keyring_versions.c: writes key_version.  Need SPI. */
extern void jp_key_versions_lock(void);
extern void jp_key_version_add(const JpKeyVersion *row);
extern void jp_key_version_change(int kind, int version, JpKeyState state);

/* keyring_store.c: writes a first keyring; false where there is one. */
extern bool jp_keyring_create(void);

/* keyring_store.c: version of the newest root key in the arena. */
extern int	jp_keyring_newest_root(void);

/*
 * keyring_store.c: adds a root key to arena and keyring, of a higher
 * version than known; returns its version.
 */
extern int	jp_keyring_add_root(int known);

/*
 * keyring_store.c: puts those of the rows that live and come from a root key
 * in its place, in arena and keyring.  False when the provider cannot write.
 */
extern bool jp_keyring_burn_root(int root, const JpKeyVersion *rows,
								 int count);

#endif							/* JP_KEYRING_INTERNAL_H */
