/*
 * keyring_arena.c
 *		The one place in a backend where keys lie.
 *
 * Guard pages around it, locked into memory, left out of core dumps, empty
 * in a forked child, wiped when the backend exits.  The postmaster never has
 * one: its children would inherit it.
 */
#include "postgres.h"

#include <sys/mman.h>
#include <unistd.h>
#include <sodium.h>

#include "miscadmin.h"
#include "storage/ipc.h"

#include "journey_privacy.h"
#include "keyring_internal.h"

/* This backend's arena. */
static JpKeyArena *arena = NULL;

/* Whether its lock was refused: said once, asked whenever keys are used. */
static bool unlocked = false;

static void make_arena(void);
static bool lock_arena(size_t size);
static void require_lock(void);
static void wipe_arena(int code, Datum arg);

/* The arena. */
JpKeyArena *
jp_key_arena(void)
{
	if (arena == NULL)
		make_arena();
	require_lock();
	return arena;
}

/* The arena, if it holds keys. */
JpKeyArena *
jp_key_arena_filled(void)
{
	if (arena == NULL || !arena->filled)
		return NULL;
	return arena;
}

/* Whether what this backend has of the keyring cannot be swapped out. */
bool
jp_keyring_locked(void)
{
	return !unlocked;
}

/* Makes the arena from whole pages, so that madvise() reaches just them. */
static void
make_arena(void)
{
	size_t		page = sysconf(_SC_PAGESIZE);
	size_t		size = TYPEALIGN(page, sizeof(JpKeyArena));

	if (IsPostmasterEnvironment && !IsUnderPostmaster)
		elog(ERROR, "keys are not for the postmaster");
	arena = sodium_malloc(size);
	if (arena == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory for keys")));
	sodium_memzero(arena, size);
	on_proc_exit(wipe_arena, (Datum) size);
	unlocked = !lock_arena(size);
	if (unlocked && !jp_setting_require_locked_memory)
		ereport(WARNING,
				(errmsg("memory for keys could not be locked: %m"),
				 errdetail("Keys could be written to swap space or a core dump."),
				 errhint("Raise the limit on locked memory (ulimit -l, LimitMEMLOCK) of the server's user.")));
}

/* Keeps the pages out of swap, core dumps and children, as far as it goes. */
static bool
lock_arena(size_t size)
{
	bool		locked = true;

#ifdef MADV_DONTDUMP
	locked = madvise(arena, size, MADV_DONTDUMP) == 0 && locked;
#endif
#ifdef MADV_WIPEONFORK
	locked = madvise(arena, size, MADV_WIPEONFORK) == 0 && locked;
#endif
	return sodium_mlock(arena, size) == 0 && locked;
}

/* Refuses unlocked memory, if the administrator wants it so. */
static void
require_lock(void)
{
	if (unlocked && jp_setting_require_locked_memory)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("memory for keys could not be locked"),
				 errdetail("journey_privacy.require_locked_memory is on."),
				 errhint("Raise the limit on locked memory (ulimit -l, LimitMEMLOCK) of the server's user.")));
}

/* Leaves nothing behind. */
static void
wipe_arena(int code, Datum arg)
{
	JpKeyArena *old = arena;

	arena = NULL;
	if (old != NULL)
		sodium_free(old);
}
