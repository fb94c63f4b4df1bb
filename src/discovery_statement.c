/*
 * discovery_statement.c
 *		What to do about personal data that no rule covers: the statement that
 *		a DBA would write.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/ruleutils.h"

#include "catalog.h"
#include "collection.h"
#include "discovery.h"

static char *protect_by(const JpTable *table, const JpColumn *column, const char *kind);
static char *minimize(const JpTable *table, const JpColumn *column,
					  const char *key, JpLook look);
static char *drop_key(const char *start, const char *key);
static const JpColumn *naming_column(const JpTable *table, const char **kind);
static const char *kind_for(const JpTable *table, const JpColumn *column);
static const char *kind_named(const char *name);
static char *call(const char *function, Oid relid);

/* The statement. */
char *
jp_discovery_statement(const JpTable *table, const JpColumn *column,
					   const char *key, JpLook look)
{
	const JpColumn *naming;
	const char *kind;
	char	   *start;

	if (table->is_protected)
		return minimize(table, column, key, look);
	naming = naming_column(table, &kind);
	if (naming != NULL)
		return protect_by(table, naming, kind);
	start = call("link_table", table->relid);
	return psprintf("%s, ARRAY['...'], '...', ARRAY['...']);", start);
}

/* Registers a table by the column that names people in it. */
static char *
protect_by(const JpTable *table, const JpColumn *column, const char *kind)
{
	return psprintf("%s, subject => %s%s%s);", call("protect", table->relid),
					quote_literal_cstr(column->name), kind == NULL ? "" : ", kind => ",
					kind == NULL ? "" : quote_literal_cstr(kind));
}

/* Keeps less of a column of a protected table. */
static char *
minimize(const JpTable *table, const JpColumn *column, const char *key,
		 JpLook look)
{
	const char *start = psprintf("%s, %s", call("minimize", table->relid),
								 quote_literal_cstr(column->name));
	const char *kind = kind_for(table, column);

	if (key != NULL)
		return drop_key(start, key);
	if (column->type == INETOID || column->type == CIDROID)
		return psprintf("%s, 'truncate_ip');", start);
	if (column->type == POINTOID || column->type == FLOAT8OID || column->type == NUMERICOID)
		return psprintf("%s, 'round_position');", start);
	if (column->type == DATEOID)
		return psprintf("%s, 'coarsen', step => '1 year');", start);
	if (kind != NULL && (column->type == TEXTOID || column->type == VARCHAROID))
		return psprintf("%s, 'pseudonymize', kind => %s);", start, quote_literal_cstr(kind));
	return psprintf("%s, 'drop');", start);
}

/* Leaves out a key, or what is above one that has no name. */
static char *
drop_key(const char *start, const char *key)
{
	StringInfoData path;
	const char *end = strpbrk(key, "(*");
	size_t		len = end == NULL ? strlen(key) : end > key ? end - key - 1 : 0;
	size_t		i;

	/* arrays are passed through */
	initStringInfo(&path);
	for (i = 0; i < len; i++)
		if (key[i] != '[' && key[i] != ']')
			appendStringInfoChar(&path, key[i]);
	if (path.len == 0)
		return psprintf("%s, 'drop');", start);
	return psprintf("%s, 'drop_keys', keys => ARRAY[%s]);", start, quote_literal_cstr(path.data));
}

/* The column by which a table names people, the surest first. */
static const JpColumn *
naming_column(const JpTable *table, const char **kind)
{
	static const char *const order[] = {"customer_id", "email", "mobile_number", "device_id", NULL};
	Oid			pseudonym = jp_type("pseudonym");
	ListCell   *cell;
	int			i;

	*kind = NULL;
	foreach(cell, table->columns)
		if (((JpColumn *) lfirst(cell))->type == pseudonym)
			return lfirst(cell);
	for (i = 0; order[i] != NULL; i++)
		foreach(cell, table->columns)
		{
			const JpColumn *column = lfirst(cell);

			*kind = jp_subject_type_ok(column->type) ? kind_for(table, column) : NULL;
			if (*kind != NULL && strcmp(*kind, order[i]) == 0)
				return column;
		}
	return NULL;
}

/* The kind of identity that a column holds, or NULL. */
static const char *
kind_for(const JpTable *table, const JpColumn *column)
{
	uint32		named = jp_discovery_named(table, column, NULL);

	if (jp_discovery_share(&column->whole, JP_LOOK_EMAIL, 0.5) > 0 ||
		(named & JP_LOOK_BIT(JP_LOOK_EMAIL)))
		return "email";
	if (jp_discovery_share(&column->whole, JP_LOOK_PHONE, 0.5) > 0 ||
		(named & JP_LOOK_BIT(JP_LOOK_PHONE)))
		return "mobile_number";
	if (named & JP_LOOK_BIT(JP_LOOK_ACCOUNT))
		return "customer_id";
	if (named & JP_LOOK_BIT(JP_LOOK_DEVICE))
		return kind_named(column->name);
	return NULL;
}

/* Names of columns that are kinds of identities, in whatever case. */
static const char *
kind_named(const char *name)
{
	return pg_strcasecmp(name, "idfa") == 0 ? "ios_advertising_id" :
		pg_strcasecmp(name, "idfv") == 0 ? "ios_idfv" :
		pg_strcasecmp(name, "mpid") == 0 ? "mpid" :
		pg_strcasecmp(name, "push_token") == 0 ? "push_token" :
		pg_strcasecmp(name, "user_agent") == 0 ? NULL : "device_id";
}

/* The beginning of a call that is about a table. */
static char *
call(const char *function, Oid relid)
{
	return psprintf("SELECT journey_privacy.%s(%s", function,
					quote_literal_cstr(jp_qualified_name_of(relid)));
}
