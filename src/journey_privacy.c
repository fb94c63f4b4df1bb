/*
 * journey_privacy.c
 *		The module's entry point, a table of contents.
 *
 * The library works preloaded and loaded on first use.  Only what must see
 * every session from its first statement on needs preloading.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "miscadmin.h"

#include "journey_privacy.h"

PG_MODULE_MAGIC;

bool		jp_preloaded = false;
uint64		jp_epoch = 1;

void		_PG_init(void);

/* Sets up every room that has something to set up. */
void
_PG_init(void)
{
	if (sodium_init() < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("libsodium could not be initialised")));

	jp_preloaded = process_shared_preload_libraries_in_progress;

	jp_config_init();
	jp_catalog_init();
	jp_subject_init();
	jp_sealed_init();
	jp_audit_init();
	jp_consent_init();
	jp_plan_init();
	jp_guard_init();
	jp_erasure_init();
	jp_store_init();
}
