/*
 * policy_check.c
 *		What protect() refuses.
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "collection.h"
#include "compat.h"
#include "consent.h"
#include "journey_privacy.h"
#include "note.h"
#include "policy_protect.h"
#include "pseudonym_internal.h"

static void check_triggers(Relation rel);
static void check_number_column(JpProtecting *p, AttrNumber subject,
								AttrNumber number);
static bool is_generated(Oid relid, const char *column);

/* Refuses what cannot be a journey table. */
void
jp_protecting_check_table(Relation rel)
{
	Form_pg_class form = rel->rd_rel;
	const char *name = RelationGetRelationName(rel);

	if (form->relkind != RELKIND_RELATION &&
		form->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name),
				 errhint("Protect the tables under it.")));
	if (OidIsValid(form->reloftype))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is of a composite type", name),
				 errdetail("Whoever owns the type could alter the table."),
				 errhint("ALTER TABLE … NOT OF first.")));
	if (IsCatalogRelation(rel) || IsToastRelation(rel) ||
		form->relnamespace == jp_schema())
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system table", name)));
	if (form->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a temporary table", name),
				 errhint("Protect a permanent table.")));
	if (jp_protection_find(RelationGetRelid(rel)) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is already protected", name)));
	if (rel->rd_rules != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" has rules", name),
				 errdetail("A rule could write elsewhere what the insert guard has not seen."),
				 errhint("Use a trigger instead.")));
	check_triggers(rel);
}

/* Refuses triggers that would fire while the table is being numbered. */
static void
check_triggers(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;
	int			i;

	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (triggers->triggers[i].tgenabled == TRIGGER_FIRES_ALWAYS ||
			triggers->triggers[i].tgenabled == TRIGGER_FIRES_ON_REPLICA)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("table \"%s\" has a trigger enabled for replicas or always",
							RelationGetRelationName(rel)),
					 errhint("ENABLE it in the ordinary way while the table is being protected.")));
}

/* Finds the columns and checks that they can do what they are for. */
void
jp_protecting_check_columns(JpProtecting *p)
{
	AttrNumber	subject = get_attnum(p->relid, p->subject);
	AttrNumber	number = p->number == NULL ? InvalidAttrNumber :
		get_attnum(p->relid, p->number);
	AttrNumber	time = p->occurred_at == NULL ? InvalidAttrNumber :
		get_attnum(p->relid, p->occurred_at);

	if (subject <= 0 || (p->occurred_at != NULL && time <= 0))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						subject <= 0 ? p->subject : p->occurred_at,
						p->name)));
	p->subject_type = get_atttype(p->relid, subject);
	if (p->kind == NULL ? p->subject_type != jp_type("pseudonym") :
		!jp_subject_type_ok(p->subject_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of type %s cannot name subjects%s", p->subject,
						format_type_be(p->subject_type),
						p->kind == NULL ? " without a kind" : " of a kind"),
				 errhint("Use type journey_privacy.pseudonym, or integer, bigint, uuid or text together with the identity kind.")));
	if (time > 0 && get_atttype(p->relid, time) != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type timestamp with time zone",
						p->occurred_at)));
	if (is_generated(p->relid, p->subject) || is_generated(p->relid, p->number))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" is generated",
						is_generated(p->relid, p->subject) ? p->subject : p->number),
				 errdetail("The insert guard would not see its value.")));
	check_number_column(p, subject, number);
}

/*
 * The column for numbers is added, or is one that the guard may write: never
 * the one that says whose the row is.
 */
static void
check_number_column(JpProtecting *p, AttrNumber subject,
					AttrNumber number)
{
	p->add_number = (p->number != NULL && number == InvalidAttrNumber);
	if (p->number == NULL || p->add_number)
		return;
	if (number <= 0 || get_atttype(p->relid, number) != INT4OID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is not of type integer", p->number),
				 errhint("Name another number_column; protect() adds it.")));
	if (number == subject)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" cannot both name subjects and hold their numbers", p->number),
				 errhint("Name another number_column; protect() adds it.")));
}

/*
 * Refuses a kind that does not exist, and a caller who may not turn identities
 * into pseudonyms: the numbers of the rows would tell as much.
 */
void
jp_protecting_check_kind(const char *kind)
{
	static const Oid types[] = {TEXTOID, TEXTOID};
	List	   *name = list_make2(makeString(JP_SCHEMA),
								  makeString("pseudonymize"));
	Oid			function = LookupFuncName(name, lengthof(types), types, false);

	if (jp_proc_aclcheck(function, GetUserId()) != ACLCHECK_OK)
		jp_refuse(JP_NOTE_PROTECTION, "protect", InvalidOid,
				  errmsg("permission denied to protect a table of identities"),
				  errhint("This takes EXECUTE on journey_privacy.pseudonymize(text, text)."));
	(void) jp_kind_normalizer(kind, strlen(kind));
}

/* Whether a column's value is worked out after triggers have run. */
static bool
is_generated(Oid relid, const char *column)
{
	AttrNumber	number = column == NULL ? InvalidAttrNumber :
		get_attnum(relid, column);

	return number > 0 && get_attgenerated(relid, number) != '\0';
}

/* Refuses a purpose that does not exist. */
void
jp_protecting_check_purposes(ArrayType *purposes)
{
	Datum	   *names;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(purposes, TEXTOID, -1, false,
					  TYPALIGN_INT, &names, &nulls, &count);
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("collected_for must not contain null")));
		(void) jp_purpose_get(TextDatumGetCString(names[i]));
	}
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("collected_for must not be empty"),
				 errhint("Leave it out to collect without a basis.")));
}

/*
 * Refuses a table that has functions or operators built in which somebody
 * other than a superuser can replace: in indexes, checks, generated columns
 * and policies they are run over rows that are hidden from whoever that is.
 */
void
jp_protecting_check_code(const JpProtecting *p)
{
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(p->relid)};

	SPI_execute_with_args("WITH part(classid, objid) AS ("
						  "  SELECT 'pg_class'::regclass::oid, i.indexrelid FROM pg_index i WHERE i.indrelid = $1"
						  "  UNION ALL SELECT 'pg_class'::regclass, $1"
						  "  UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c"
						  "   WHERE c.conrelid = $1 AND c.contype = 'c'"
						  "  UNION ALL SELECT 'pg_policy'::regclass, l.oid FROM pg_policy l WHERE l.polrelid = $1"
						  "  UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d"
						  "   JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"
						  "   WHERE d.adrelid = $1 AND a.attgenerated <> ''),"
						  " code(oid, name, owner) AS ("
						  "  SELECT f.oid, f.oid::regprocedure::text, f.proowner FROM pg_proc f"
						  "  UNION ALL SELECT f.oid, o.oid::regoperator::text, f.proowner"
						  "  FROM pg_operator o JOIN pg_proc f ON f.oid = o.oprcode)"
						  " SELECT string_agg(DISTINCT code.name, ', ') FROM part JOIN pg_depend d USING (classid, objid)"
						  " LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid"
						  " JOIN code ON code.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode END"
						  " JOIN pg_roles r ON r.oid = code.owner WHERE NOT r.rolsuper",
						  1, types, values, NULL, false, 0);
	if (SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) != NULL)
		jp_refuse(JP_NOTE_PROTECTION, "protect", p->relid,
				  errmsg("indexes, checks or policies of table \"%s\" use functions that their owners could replace",
					   p->name),
				  errdetail("%s", SPI_getvalue(SPI_tuptable->vals[0],
					   SPI_tuptable->tupdesc, 1)),
				  errhint("Give the functions to a superuser with ALTER FUNCTION … OWNER TO."));
}
