/*
 * collection_rules_follow.c
 *		Rules follow their tables: partitions that leave or join, columns that
 *		change, protection that ends.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "collection_rules.h"

/* Our tables of rules, and what they say of a table. */
static const char *const tables[] = {"minimization", "data_plan", "planned_event"};
static const char *const columns[] = {
	"column_name, transform, position, v4, v6, step, digits, keys, kind",
	"event_column, props_column, on_violation",
	"event, allowed_keys, required_keys"
};

static bool column_ok(Oid relid, const char *column, const char *what);
static void run(const char *sql, Oid a, Oid b);

/* Gives a table the rules of another. */
void
jp_rules_copy(Oid from, Oid to)
{
	int			i;

	for (i = 0; i < lengthof(tables); i++)
		run(psprintf("INSERT INTO journey_privacy.%s (relation, %s)"
					 " SELECT $2, %s FROM journey_privacy.%s WHERE relation = $1",
					 tables[i], columns[i], columns[i], tables[i]), from, to);
}

/* Forgets the rules of a table, if it has any: a change is told to everybody. */
void
jp_rules_forget(Oid relid)
{
	int			i;

	for (i = 0; i < lengthof(tables); i++)
	{
		run(psprintf("SELECT FROM journey_privacy.%s WHERE relation = $1 LIMIT 1",
					 tables[i]), relid, InvalidOid);
		if (SPI_processed > 0)
			run(psprintf("DELETE FROM journey_privacy.%s WHERE relation = $1",
						 tables[i]), relid, InvalidOid);
	}
	run("DELETE FROM journey_privacy.plan_tally WHERE relation = $1", relid, InvalidOid);
}

/* Refuses a table with other rules than its new parent's, whose it will have. */
void
jp_rules_join(Oid relid, Oid head)
{
	int			i;

	for (i = 0; i < lengthof(tables); i++)
	{
		run(psprintf("(SELECT %s FROM journey_privacy.%s WHERE relation = $1"
					 " EXCEPT SELECT %s FROM journey_privacy.%s WHERE relation = $2) LIMIT 1",
					 columns[i], tables[i], columns[i], tables[i]), relid, head);
		if (SPI_processed > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" has other rules of minimization or another data plan than \"%s\"",
							get_rel_name(relid), get_rel_name(head)),
					 errhint("Run journey_privacy.unminimize() or drop_data_plan() on it first.")));
	}
	jp_rules_forget(relid);
}

/* Refuses to rename, retype or drop the columns that rules rest on. */
void
jp_rules_check_columns(void)
{
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	SPI_execute("SELECT p.relation::oid, r.column_name, r.transform"
				" FROM (SELECT relation, column_name, transform FROM journey_privacy.minimization"
				"  UNION ALL SELECT relation, event_column, 'event' FROM journey_privacy.data_plan"
				"  UNION ALL SELECT relation, props_column, 'props' FROM journey_privacy.data_plan"
				"  WHERE props_column IS NOT NULL) r"
				" JOIN journey_privacy.protection p ON p.relation = r.relation"
				" ORDER BY 1, 2", false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		bool		isnull;
		Oid			relid = DatumGetObjectId(SPI_getbinval(found->vals[i],
														   found->tupdesc, 1, &isnull));
		char	   *column = SPI_getvalue(found->vals[i], found->tupdesc, 2);
		char	   *what = SPI_getvalue(found->vals[i], found->tupdesc, 3);

		if (!column_ok(relid, column, what))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("rules of table \"%s\" rest on column \"%s\"",
							get_rel_name(relid), column),
					 errhint("Run journey_privacy.unminimize() or drop_data_plan() first, and declare the rule anew after the change.")));
	}
}

/* Whether a column can still do what a rule says of it. */
static bool
column_ok(Oid relid, const char *column, const char *what)
{
	AttrNumber	number = get_attnum(relid, column);
	Oid			type;

	if (number <= 0 || get_attgenerated(relid, number) != '\0')
		return false;
	type = get_atttype(relid, number);
	if (strcmp(what, "event") == 0)
		return type == TEXTOID || type == VARCHAROID;
	if (strcmp(what, "props") == 0)
		return type == JSONBOID;
	return jp_transform_fits(jp_transform_named(what), type);
}

/* Runs a statement about one or two tables. */
static void
run(const char *sql, Oid a, Oid b)
{
	Oid			types[2] = {REGCLASSOID, REGCLASSOID};
	Datum		values[2] = {ObjectIdGetDatum(a), ObjectIdGetDatum(b)};

	if (SPI_execute_with_args(sql, 2, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not follow a table with its rules");
}
