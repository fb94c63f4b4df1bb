/*
 * collection_minimize.c
 *		minimize() and unminimize(): what is declared of columns.
 *
 * The caller owns the table.  Writers are waited for, so that nothing is
 * written after the change is committed that did not know of it.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"
#include "collection_rules.h"
#include "note.h"
#include "pseudonym_internal.h"

/* The arguments of minimize(). */
enum
{
	TABLE, COLUMN, TRANSFORM, V4, V6, STEP, DIGITS, KEYS, KIND, ARGUMENTS
};

/* The longest step of coarsen: a century. */
#define MOST_MONTHS	1200
#define MOST_DAYS	36525

/* An option of a transform: which it is for, and whether it takes it. */
typedef struct Option
{
	int			argument;
	const char *name;
	bool		needed;
	JpTransform transform;
	JpTransform other;
} Option;

static const Option options[] = {
	{V4, "v4", false, JP_TRUNCATE_IP, JP_TRUNCATE_IP},
	{V6, "v6", false, JP_TRUNCATE_IP, JP_TRUNCATE_IP},
	{STEP, "step", true, JP_COARSEN, JP_COARSEN},
	{DIGITS, "digits", false, JP_ROUND_POSITION, JP_ROUND_POSITION},
	{KEYS, "keys", true, JP_KEEP_KEYS, JP_DROP_KEYS},
	{KIND, "kind", true, JP_PSEUDONYMIZE, JP_PSEUDONYMIZE}
};

static JpTransform transform_arg(FunctionCallInfo fcinfo);
static void check_options(FunctionCallInfo fcinfo, JpTransform transform);
static int	number_arg(FunctionCallInfo fcinfo, int n, int unset, int most);
static void check_step(const Interval *step, Oid type);
static void check_column(Relation rel, const char *column,
						 JpTransform transform);
static void check_type(Relation rel, AttrNumber number, JpTransform transform);
static void check_keys(ArrayType *keys, Oid type);
static void check_protection(const JpProtection *protection,
							 const char *column, JpTransform transform);
static void check_others(Oid relid, const char *column, JpTransform transform);
static void warn_of_triggers(Relation rel);
static void store(FunctionCallInfo fcinfo, JpTransform transform);

PG_FUNCTION_INFO_V1(jp_minimize);
PG_FUNCTION_INFO_V1(jp_unminimize);

/* SQL: minimize(table, column, transform, v4, v6, step, digits, keys, kind). */
Datum
jp_minimize(PG_FUNCTION_ARGS)
{
	JpTransform transform;
	const char *column;
	Relation	rel;
	Oid			relid;
	Oid			type;

	if (PG_ARGISNULL(TABLE) || PG_ARGISNULL(COLUMN) || PG_ARGISNULL(TRANSFORM))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table, column and transform must not be null")));
	relid = PG_GETARG_OID(TABLE);
	column = NameStr(*PG_GETARG_NAME(COLUMN));
	transform = transform_arg(fcinfo);
	check_options(fcinfo, transform);
	rel = jp_rules_open(relid, ShareRowExclusiveLock);
	check_column(rel, column, transform);
	type = get_atttype(relid, get_attnum(relid, column));
	if (transform == JP_COARSEN)
		check_step(PG_GETARG_INTERVAL_P(STEP), type);
	if (transform == JP_KEEP_KEYS || transform == JP_DROP_KEYS)
		check_keys(PG_GETARG_ARRAYTYPE_P(KEYS), type);
	if (transform == JP_PSEUDONYMIZE)
	{
		char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(KIND));

		jp_pseudonymize_require();
		(void) jp_kind_normalizer(kind, strlen(kind));
	}
	warn_of_triggers(rel);
	check_others(relid, column, transform);
	store(fcinfo, transform);
	table_close(rel, NoLock);
	jp_note(JP_NOTE_PROTECTION, "minimize", relid, -1,
			psprintf("%s %s", column, jp_transform_name(transform)));
	PG_RETURN_VOID();
}

/* SQL: unminimize(table, column, transform). */
Datum
jp_unminimize(PG_FUNCTION_ARGS)
{
	Oid			types[3] = {REGCLASSOID, NAMEOID, TEXTOID};
	Datum		values[3] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};
	char		nulls[3] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' '};
	JpPrivilege before;
	Relation	rel;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table and column must not be null")));
	if (!PG_ARGISNULL(2))
		(void) transform_arg(fcinfo);
	rel = jp_rules_open(PG_GETARG_OID(0), ShareRowExclusiveLock);
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("DELETE FROM journey_privacy.minimization"
						  " WHERE relation = $1 AND column_name = $2"
						  " AND transform = coalesce($3, transform)",
						  3, types, values, nulls, false, 0);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("column \"%s\" of table \"%s\" is not minimized in this way",
						NameStr(*PG_GETARG_NAME(1)), RelationGetRelationName(rel))));
	SPI_finish();
	jp_restore(&before);
	table_close(rel, NoLock);
	jp_note(JP_NOTE_PROTECTION, "unminimize", PG_GETARG_OID(0), -1,
			NameStr(*PG_GETARG_NAME(1)));
	PG_RETURN_VOID();
}

/* Opens a protected table of the caller's with all under it. */
Relation
jp_rules_open(Oid relid, LOCKMODE lock)
{
	Relation	rel = jp_open_owned(relid, lock);
	const JpProtection *protection = jp_protection_find(relid);

	if (protection == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not protected", RelationGetRelationName(rel)),
				 errhint("Run journey_privacy.protect() first: its insert guard does the work.")));
	if (OidIsValid(protection->inherited_from))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is protected as a part of \"%s\"",
						RelationGetRelationName(rel),
						get_rel_name(protection->inherited_from)),
				 errhint("It has the rules of that table.")));
	(void) find_all_inheritors(relid, lock, NULL);
	return rel;
}

/* The transform of minimize() or unminimize(). */
static JpTransform
transform_arg(FunctionCallInfo fcinfo)
{
	int			transform = jp_transform_named(text_to_cstring(PG_GETARG_TEXT_PP(TRANSFORM)));

	if (transform < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("transform must be drop, truncate_ip, coarsen, round_position, keep_keys, drop_keys or pseudonymize")));
	return transform;
}

/* Refuses options that are missing, not the transform's, or out of range. */
static void
check_options(FunctionCallInfo fcinfo, JpTransform transform)
{
	int			i;

	for (i = 0; i < lengthof(options); i++)
	{
		const Option *option = &options[i];
		bool		fits = option->transform == transform || option->other == transform;
		bool		given = !PG_ARGISNULL(option->argument);

		if (given && !fits)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("transform %s has no option %s",
							jp_transform_name(transform), option->name)));
		if (fits && option->needed && !given)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("transform %s needs option %s",
							jp_transform_name(transform), option->name)));
	}
	(void) number_arg(fcinfo, V4, 24, 32);
	(void) number_arg(fcinfo, V6, 48, 128);
	(void) number_arg(fcinfo, DIGITS, 2, 8);
}

/* A number from 0 to the most there may be. */
static int
number_arg(FunctionCallInfo fcinfo, int n, int unset, int most)
{
	int			i;

	if (PG_ARGISNULL(n))
		return unset;
	for (i = 0; options[i].argument != n; i++)
		;
	if (PG_GETARG_INT32(n) < 0 || PG_GETARG_INT32(n) > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be from 0 to %d", options[i].name, most)));
	return PG_GETARG_INT32(n);
}

/* Refuses steps that are not of one kind of unit, or that a date cannot take. */
static void
check_step(const Interval *step, Oid type)
{
	bool		months = step->month > 0 && step->day == 0 && step->time == 0;
	bool		rest = step->month == 0 && step->day >= 0 && step->time >= 0 &&
		(step->day > 0 || step->time > 0);

	if ((!months && !rest) || step->month > MOST_MONTHS ||
		step->day > MOST_DAYS || step->time > MOST_DAYS * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step must be positive, of months and years or of smaller units only, and at most a century")));
	if (type == DATEOID && step->time != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step of a date must be whole days")));
}

/* Refuses columns that protection rests on, and types that do not fit. */
static void
check_column(Relation rel, const char *column, JpTransform transform)
{
	Oid			relid = RelationGetRelid(rel);
	AttrNumber	number = jp_column_get(relid, column);

	check_protection(jp_protection_find(relid), column, transform);
	if (get_attgenerated(relid, number) != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" is generated", column),
				 errdetail("It is worked out after the insert guard, from what has been minimized.")));
	check_type(rel, number, transform);
}

/* Refuses types that a transform is not for, and columns that take no null. */
static void
check_type(Relation rel, AttrNumber number, JpTransform transform)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), number - 1);
	Oid			type = attribute->atttypid;

	if (!jp_transform_fits(transform, type) || get_typtype(type) == TYPTYPE_DOMAIN)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("transform %s is not for column \"%s\" of type %s",
						jp_transform_name(transform), NameStr(attribute->attname),
						format_type_be(type)),
				 get_typtype(type) == TYPTYPE_DOMAIN ?
				 errhint("The checks of a domain would not see what is stored; use its base type.") : 0));
	if (transform == JP_DROP && attribute->attnotnull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" is not null and cannot be dropped to null",
						NameStr(attribute->attname))));
	if (transform == JP_PSEUDONYMIZE && attribute->atttypmod >= 0 &&
		attribute->atttypmod < VARHDRSZ + JP_PSEUDONYM_LETTERS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is too short for a pseudonym, which has up to %d letters",
						NameStr(attribute->attname), JP_PSEUDONYM_LETTERS)));
}

/* Refuses to make a table's subjects, numbers or times unusable. */
static void
check_protection(const JpProtection *protection, const char *column,
				 JpTransform transform)
{
	if (strcmp(column, NameStr(protection->subject_column)) == 0 ||
		strcmp(column, NameStr(protection->number_column)) == 0 ||
		(strcmp(column, NameStr(protection->occurred_at)) == 0 &&
		 transform == JP_DROP))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" is what protection rests on", column),
				 errhint("A subject column of type journey_privacy.pseudonym holds no identity; occurred_at may be made coarse.")));
}

/* Refuses paths that are none, or that cannot be told apart in the text. */
static void
check_keys(ArrayType *keys, Oid type)
{
	const char *bytes = (const char *) keys;
	Size		i;

	(void) jp_keys_read(keys);
	if (type != JSONOID || GetDatabaseEncoding() == PG_UTF8)
		return;
	for (i = ARR_DATA_OFFSET(keys); i < VARSIZE(keys); i++)
		if (IS_HIGHBIT_SET(bytes[i]))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("keys of type json must be ASCII in a database that is not UTF-8"),
					 errhint("Use type jsonb.")));
}

/* Refuses a second rule of the same column, but for keys. */
static void
check_others(Oid relid, const char *column, JpTransform transform)
{
	Oid			types[2] = {REGCLASSOID, NAMEOID};
	NameData	name;
	Datum		values[2] = {ObjectIdGetDatum(relid), NameGetDatum(&name)};
	JpPrivilege before;
	uint64		i;

	namestrcpy(&name, column);
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("SELECT transform FROM journey_privacy.minimization"
						  " WHERE relation = $1 AND column_name = $2",
						  2, types, values, NULL, true, 0);
	for (i = 0; i < SPI_processed; i++)
	{
		JpTransform other = jp_transform_named(SPI_getvalue(SPI_tuptable->vals[i],
															SPI_tuptable->tupdesc, 1));

		if (other == transform ||
			(transform != JP_KEEP_KEYS && transform != JP_DROP_KEYS) ||
			(other != JP_KEEP_KEYS && other != JP_DROP_KEYS))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("column \"%s\" is minimized already, by transform %s",
							column, jp_transform_name(other)),
					 errhint("Run journey_privacy.unminimize() first.")));
	}
	SPI_finish();
	jp_restore(&before);
}

/* Warns of row triggers that fire after the insert guard. */
static void
warn_of_triggers(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;
	int			guard = -1;
	int			i;

	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (get_func_namespace(trigger->tgfoid) == jp_schema())
			guard = i;
		else if (guard >= 0 && TRIGGER_FOR_ROW(trigger->tgtype) &&
				 TRIGGER_FOR_BEFORE(trigger->tgtype))
			ereport(WARNING,
					(errmsg("trigger \"%s\" of table \"%s\" fires after the insert guard",
							trigger->tgname, RelationGetRelationName(rel)),
					 errdetail("What it changes is not minimized."),
					 errhint("Triggers fire in the order of their names; rename it.")));
	}
}

/* Writes table minimization. */
static void
store(FunctionCallInfo fcinfo, JpTransform transform)
{
	Oid			types[ARGUMENTS] = {REGCLASSOID, NAMEOID, TEXTOID, INT4OID,
		INT4OID, INTERVALOID, INT4OID, TEXTARRAYOID, TEXTOID
	};
	Datum		values[ARGUMENTS];
	char		nulls[ARGUMENTS];
	JpPrivilege before;
	int			i;

	for (i = 0; i < ARGUMENTS; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	if (transform == JP_TRUNCATE_IP)
	{
		values[V4] = Int32GetDatum(number_arg(fcinfo, V4, 24, 32));
		values[V6] = Int32GetDatum(number_arg(fcinfo, V6, 48, 128));
		nulls[V4] = nulls[V6] = ' ';
	}
	if (transform == JP_ROUND_POSITION)
	{
		values[DIGITS] = Int32GetDatum(number_arg(fcinfo, DIGITS, 2, 8));
		nulls[DIGITS] = ' ';
	}
	jp_elevate(&before);
	SPI_connect();
	SPI_execute_with_args("INSERT INTO journey_privacy.minimization"
						  " (relation, column_name, transform, v4, v6, step, digits, keys, kind, position)"
						  " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce(max(position), 0) + 1"
						  " FROM journey_privacy.minimization WHERE relation = $1",
						  ARGUMENTS, types, values, nulls, false, 0);
	SPI_finish();
	jp_restore(&before);
}
