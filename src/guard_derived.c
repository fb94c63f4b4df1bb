/*
 * guard_derived.c
 *		Where the rows of protected tables go.
 *
 * A table that is filled from a protected one by INSERT … SELECT or CREATE
 * TABLE AS holds what no policy hides.  It is recorded, whoever fills it, so
 * that the privacy officer sees it and erasure can look for people there.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "guard.h"
#include "journey_privacy.h"

static void record(Oid target, const List *sources);

/* Records where a statement writes. */
void
jp_derived_fill(PlannedStmt *statement, const List *sources)
{
	ListCell   *cell;

	foreach(cell, statement->resultRelations)
	{
		RangeTblEntry *target = rt_fetch(lfirst_int(cell), statement->rtable);
		AclMode		perms;
		Oid			user;
		Bitmapset  *selected;

		jp_rte_permissions(statement, target, &perms, &user, &selected);
		if ((perms & (ACL_INSERT | ACL_UPDATE)) != 0 &&
			jp_protection_find(target->relid) == NULL)
			record(target->relid, sources);
	}
}

/* Records a table that has just been made. */
void
jp_derived_make(Oid namespace, const char *made, const List *sources)
{
	Oid			target;

	if (sources == NIL)
		return;
	CommandCounterIncrement();
	target = get_relname_relid(made, namespace);
	if (OidIsValid(target) && get_rel_relkind(target) == RELKIND_RELATION)
		record(target, sources);
}

/* Writes table derived. */
static void
record(Oid target, const List *sources)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[4] = {REGCLASSOID, REGCLASSOID, NAMEOID, TEXTOID};
	JpPrivilege before;
	ListCell   *cell;
	Datum		role = PointerGetDatum(palloc(NAMEDATALEN));

	if (get_rel_persistence(target) == RELPERSISTENCE_TEMP)
		return;
	namestrcpy((Name) DatumGetPointer(role), GetUserNameFromId(GetUserId(), false));
	jp_elevate(&before);
	SPI_connect();
	foreach(cell, sources)
	{
		Datum		values[4] = {ObjectIdGetDatum(target),
			ObjectIdGetDatum(lfirst_oid(cell)), role,
			CStringGetTextDatum(jp_setting_purpose)
		};

		jp_execute(&plan,
				   "INSERT INTO journey_privacy.derived (relation, source, made_by, purpose)"
				   " VALUES ($1, $2, $3, nullif($4, '')) ON CONFLICT DO NOTHING",
				   4, types, values, NULL, SPI_OK_INSERT);
	}
	SPI_finish();
	jp_restore(&before);
}
