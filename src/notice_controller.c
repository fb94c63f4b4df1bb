/*
 * notice_controller.c
 *		What no catalog can know, said by who answers for the processing.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "consent.h"
#include "note.h"
#include "notice.h"

#define MOST_ARGUMENTS	6

static void check_text(FunctionCallInfo fcinfo, int n, const char *name);
static void store(FunctionCallInfo fcinfo, const char *sql, int nargs,
				  const Oid *types, int expected);

PG_FUNCTION_INFO_V1(jp_set_controller);
PG_FUNCTION_INFO_V1(jp_set_recipient);
PG_FUNCTION_INFO_V1(jp_describe_column);
PG_FUNCTION_INFO_V1(jp_translate_purpose);

/* Refuses NULL. */
void
jp_notice_require(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

/* Refuses a text that is empty or very long. */
static void
check_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	text	   *value;

	if (PG_ARGISNULL(n))
		return;
	value = PG_GETARG_TEXT_PP(n);
	if (VARSIZE_ANY_EXHDR(value) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be empty", name)));
	if (VARSIZE_ANY_EXHDR(value) > JP_NOTICE_MAX_TEXT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" may be at most %d bytes long", name,
						JP_NOTICE_MAX_TEXT)));
}

/* Runs a statement with the arguments as the extension's owner. */
static void
store(FunctionCallInfo fcinfo, const char *sql, int nargs, const Oid *types,
	  int expected)
{
	Datum		values[MOST_ARGUMENTS];
	char		nulls[MOST_ARGUMENTS];
	JpPrivilege before;
	int			i;

	Assert(nargs <= MOST_ARGUMENTS);
	for (i = 0; i < nargs; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	SPI_connect();
	jp_elevate(&before);
	if (SPI_execute_with_args(sql, nargs, unconstify(Oid *, types), values,
							  nulls, false, 0) != expected)
		elog(ERROR, "could not store what a document is to say");
	jp_restore(&before);
	SPI_finish();
}

/* SQL: set_controller(name, contact, representative, …). */
Datum
jp_set_controller(PG_FUNCTION_ARGS)
{
	static const char *const name[] = {
		"name", "contact", "representative", "data_protection_officer",
		"authority", "website"
	};
	static const Oid types[] = {
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID
	};
	int			i;

	jp_notice_require(fcinfo, 0, name[0]);
	jp_notice_require(fcinfo, 1, name[1]);
	for (i = 0; i < lengthof(name); i++)
		check_text(fcinfo, i, name[i]);
	store(fcinfo,
		  "INSERT INTO journey_privacy.controller"
		  " (name, contact, representative, data_protection_officer, authority, website)"
		  " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (one) DO UPDATE SET"
		  " name = excluded.name, contact = excluded.contact,"
		  " representative = excluded.representative,"
		  " data_protection_officer = excluded.data_protection_officer,"
		  " authority = excluded.authority, website = excluded.website,"
		  " set_at = excluded.set_at",
		  lengthof(types), types, SPI_OK_INSERT);
	jp_note(JP_NOTE_PROTECTION, "set_controller", InvalidOid, -1, NULL);
	PG_RETURN_VOID();
}

/* SQL: set_recipient(name, description, country, safeguard). */
Datum
jp_set_recipient(PG_FUNCTION_ARGS)
{
	static const char *const name[] = {"name", "description", "country", "safeguard"};
	static const Oid types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	int			i;

	jp_notice_require(fcinfo, 0, name[0]);
	for (i = 0; i < lengthof(name); i++)
		check_text(fcinfo, i, name[i]);
	if (PG_ARGISNULL(1))
		store(fcinfo, "DELETE FROM journey_privacy.recipient WHERE name = $1",
			  1, types, SPI_OK_DELETE);
	else
		store(fcinfo,
			  "INSERT INTO journey_privacy.recipient (name, description, country, safeguard)"
			  " VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET"
			  " description = excluded.description, country = excluded.country,"
			  " safeguard = excluded.safeguard",
			  lengthof(types), types, SPI_OK_INSERT);
	jp_note(JP_NOTE_PROTECTION, "set_recipient", InvalidOid, -1, NULL);
	PG_RETURN_VOID();
}

/* SQL: describe_column(table, column, category, description). */
Datum
jp_describe_column(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {REGCLASSOID, NAMEOID, TEXTOID, TEXTOID};
	Relation	rel;

	jp_notice_require(fcinfo, 0, "table");
	check_text(fcinfo, 2, "category");
	check_text(fcinfo, 3, "description");
	rel = jp_open_owned(PG_GETARG_OID(0), AccessShareLock);
	if (!PG_ARGISNULL(1) &&
		get_attnum(RelationGetRelid(rel), NameStr(*PG_GETARG_NAME(1))) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						NameStr(*PG_GETARG_NAME(1)), RelationGetRelationName(rel))));
	if (PG_ARGISNULL(2) && PG_ARGISNULL(3))
		store(fcinfo,
			  "DELETE FROM journey_privacy.column_description"
			  " WHERE relation = $1 AND column_name = coalesce($2, '')",
			  2, types, SPI_OK_DELETE);
	else
		store(fcinfo,
			  "INSERT INTO journey_privacy.column_description (relation, column_name, category, description)"
			  " VALUES ($1, coalesce($2, ''), $3, $4) ON CONFLICT (relation, column_name) DO UPDATE SET"
			  " category = excluded.category, description = excluded.description",
			  lengthof(types), types, SPI_OK_INSERT);
	table_close(rel, NoLock);
	jp_note(JP_NOTE_PROTECTION, "describe_column", PG_GETARG_OID(0), -1, NULL);
	PG_RETURN_VOID();
}

/* SQL: translate_purpose(purpose, language, name, description). */
Datum
jp_translate_purpose(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	const char *purpose;

	jp_notice_require(fcinfo, 0, "purpose");
	jp_notice_require(fcinfo, 1, "language");
	purpose = jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(0)))->name;
	(void) jp_language_from_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	check_text(fcinfo, 2, "name");
	check_text(fcinfo, 3, "description");
	jp_note(JP_NOTE_CONSENT, "translate_purpose", InvalidOid, -1, purpose);
	if (PG_ARGISNULL(2))
		store(fcinfo,
			  "DELETE FROM journey_privacy.purpose_translation"
			  " WHERE purpose = $1 AND language = $2", 2, types, SPI_OK_DELETE);
	else
		store(fcinfo,
			  "INSERT INTO journey_privacy.purpose_translation (purpose, language, name, description)"
			  " VALUES ($1, $2, $3, $4) ON CONFLICT (purpose, language) DO UPDATE SET"
			  " name = excluded.name, description = excluded.description",
			  lengthof(types), types, SPI_OK_INSERT);
	PG_RETURN_VOID();
}
