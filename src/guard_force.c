/*
 * guard_force.c
 *		FORCEd row security holds within foreign keys and erasure, too.
 *
 * PostgreSQL checks foreign keys, and we erase, as the owner of a table and
 * without the owner's FORCEd row security.  Functions of the owner's that run
 * with it (triggers, casts, checks) would read what is hidden from the
 * owner.  So whatever function is not PostgreSQL's own is called with row
 * security in force again.
 */
#include "postgres.h"

#include "access/transam.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "guard.h"

static needs_fmgr_hook_type previous_needs_fmgr = NULL;
static fmgr_hook_type previous_fmgr = NULL;

static bool needs_force(Oid function);
static void call_with_force(FmgrHookEventType event, FmgrInfo *function,
							Datum *private);
static void change_context(int set, int clear);

/* What the calls of one function have changed. */
typedef struct Forced
{
	int			depth;			/* calls under way, one within the other */
	bool		cleared;		/* the outermost had to */
	Datum		private;		/* of the hook before ours */
} Forced;

/* Installs the hooks. */
void
jp_guard_force_init(void)
{
	previous_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = needs_force;
	previous_fmgr = fmgr_hook;
	fmgr_hook = call_with_force;
}

/* Functions looked up within a foreign key's check or within erasure. */
static bool
needs_force(Oid function)
{
	if (previous_needs_fmgr && previous_needs_fmgr(function))
		return true;
	return function >= FirstNormalObjectId && InNoForceRLSOperation();
}

/* Puts row security in force for the time of a call. */
static void
call_with_force(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	Forced	   *forced = (Forced *) DatumGetPointer(*private);

	if (forced == NULL)
	{
		forced = MemoryContextAllocZero(function->fn_mcxt, sizeof(Forced));
		*private = PointerGetDatum(forced);
	}
	/* At the end the function's own change of user has been undone already. */
	if (event == FHET_START && forced->depth++ == 0)
	{
		forced->cleared = InNoForceRLSOperation();
		if (forced->cleared)
			change_context(0, SECURITY_NOFORCE_RLS);
	}
	if (previous_fmgr)
		previous_fmgr(event, function, &forced->private);
	if (event != FHET_START && --forced->depth == 0 && event == FHET_END &&
		forced->cleared)
		change_context(SECURITY_NOFORCE_RLS, 0);
}

/* Sets and clears bits of the security context. */
static void
change_context(int set, int clear)
{
	Oid			userid;
	int			context;

	GetUserIdAndSecContext(&userid, &context);
	SetUserIdAndSecContext(userid, (context | set) & ~clear);
}
