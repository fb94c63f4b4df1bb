/*
 * session_options.c
 *		Arguments of the aggregates of this room that say how it is meant.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "journey_gathered.h"
#include "session_options.h"

static void not_null(FunctionCallInfo fcinfo, int argument, const char *what);
static char *listed(const char *const *words);

int
jp_word(FunctionCallInfo fcinfo, int argument, const char *what, const char *const *words)
{
	text	   *given;
	int			i;

	not_null(fcinfo, argument, what);
	given = PG_GETARG_TEXT_PP(argument);
	for (i = 0; words[i] != NULL; i++)
		if (strlen(words[i]) == VARSIZE_ANY_EXHDR(given) &&
			memcmp(words[i], VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given)) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s", what),
			 errhint("It is one of %s.", listed(words))));
}

bool
jp_flag(FunctionCallInfo fcinfo, int argument, const char *what)
{
	not_null(fcinfo, argument, what);
	return PG_GETARG_BOOL(argument);
}

uint64
jp_span(FunctionCallInfo fcinfo, int argument, const char *what)
{
	not_null(fcinfo, argument, what);
	return jp_microseconds(PG_GETARG_INTERVAL_P(argument), what);
}

static void
not_null(FunctionCallInfo fcinfo, int argument, const char *what)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
}

/* The words with commas between them. */
static char *
listed(const char *const *words)
{
	StringInfoData list;
	int			i;

	initStringInfo(&list);
	for (i = 0; words[i] != NULL; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", words[i]);
	return list.data;
}
