/*
 * doctor.c
 *		doctor(): what is wrong, and the statement that mends it.
 *
 * The checks are entries of tables (doctor_*.c).  Each runs by itself as the
 * extension's owner, so that whoever may call doctor() learns the same; what
 * one of them stumbles over does not hide what the others find.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "attempt.h"
#include "catalog.h"
#include "compat.h"
#include "doctor.h"
#include "note.h"

typedef struct Finding
{
	JpSeverity	severity;
	int			number;			/* in the order in which they were found */
	const char *check;
	const char *object;
	const char *finding;
	const char *statement;
} Finding;

struct JpFindings
{
	MemoryContext context;
	const JpCheck *check;		/* the one that looks */
	List	   *found;
};

static void set_plainly(void);
static void make_unnoted(JpFindings *findings);
static void make_all(JpFindings *findings);
static bool has_what_it_needs(const JpCheck *check);
static void make(JpFindings *findings, const JpCheck *check);
static bool look(void *arg);
static void ask(JpFindings *findings, const JpCheck *check);
static void tell_failure(JpFindings *findings, const ErrorData *error);
static void add(JpFindings *findings, JpSeverity severity, const char *object,
				const char *told, const char *statement);
static char *kept(const char *string);
static int	by_severity(const ListCell *one, const ListCell *other);
static void put(ReturnSetInfo *result, const Finding *finding);

static const char *const severity_name[] = {"critical", "warning", "advice"};

static const JpCheck *const all[] = {
	jp_checks_server, jp_checks_settings, jp_checks_tables, jp_checks_access,
	jp_checks_replication, jp_checks_links, jp_checks_duties,
	jp_checks_erasure
};

PG_FUNCTION_INFO_V1(jp_doctor);

/* SQL: doctor(). */
Datum
jp_doctor(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	JpFindings	findings = {CurrentMemoryContext, NULL, NIL};
	JpPrivilege before;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	(void) jp_relation("protection");
	jp_elevate(&before);
	set_plainly();
	make_unnoted(&findings);
	jp_restore(&before);
	list_sort(findings.found, by_severity);
	foreach(cell, findings.found)
		put(result, lfirst(cell));
	return (Datum) 0;
}

/*
 * Reads and writes names and strings in one way, whatever the caller has set;
 * jp_restore() takes it back.
 */
static void
set_plainly(void)
{
	static const char *const plain[][2] = {
		{"quote_all_identifiers", "off"}, {"standard_conforming_strings", "on"},
		{"DateStyle", "ISO"}, {"IntervalStyle", "postgres"}, {"TimeZone", "UTC"},
		{"jit", "off"}			/* it would take longer than all checks */
	};
	int			i;

	for (i = 0; i < lengthof(plain); i++)
		(void) set_config_option(plain[i][0], plain[i][1], PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Makes the checks and tells the audit nothing: nobody's rows are read, and
 * that the audit is stuck is one of the things to find.
 */
static void
make_unnoted(JpFindings *findings)
{
	void		(*sink) (const JpNote *note) = jp_note_sink;

	jp_note_sink = NULL;
	PG_TRY();
	{
		make_all(findings);
	}
	PG_FINALLY();
	{
		jp_note_sink = sink;
	}
	PG_END_TRY();
}

/* Makes the checks, one after the other. */
static void
make_all(JpFindings *findings)
{
	const JpCheck *check;
	int			i;

	for (i = 0; i < lengthof(all); i++)
		for (check = all[i]; check->name != NULL; check++)
		{
			CHECK_FOR_INTERRUPTS();
			if (has_what_it_needs(check))
				make(findings, check);
		}
}

/*
 * Whether what a check is about is there: the library may be newer than the
 * extension.
 */
static bool
has_what_it_needs(const JpCheck *check)
{
	const char *dot = check->needs == NULL ? NULL : strchr(check->needs, '.');
	Oid			relid;

	if (check->needs == NULL)
		return true;
	relid = get_relname_relid(dot == NULL ? check->needs :
							  pnstrdup(check->needs, dot - check->needs),
							  jp_schema());
	return OidIsValid(relid) &&
		(dot == NULL || get_attnum(relid, dot + 1) != InvalidAttrNumber);
}

/* Makes a check, in a subtransaction. */
static void
make(JpFindings *findings, const JpCheck *check)
{
	ErrorData  *error;

	findings->check = check;
	(void) jp_attempt(look, findings, &error);
	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	tell_failure(findings, error);
}

/* Looks, or throws. */
static bool
look(void *arg)
{
	JpFindings *findings = arg;

	SPI_connect();
	if (findings->check->look != NULL)
		findings->check->look(findings);
	else
		ask(findings, findings->check);
	SPI_finish();
	return true;
}

/* Makes a check that is a query. */
static void
ask(JpFindings *findings, const JpCheck *check)
{
	uint64		i;

	if (SPI_execute(check->sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "check \"%s\" is not a query", check->name);
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		jp_find(findings, SPI_getvalue(row, desc, 1),
				SPI_getvalue(row, desc, 2), SPI_getvalue(row, desc, 3));
	}
}

/* A check has failed, which may be what it was to find. */
static void
tell_failure(JpFindings *findings, const ErrorData *error)
{
	const char *way_out = error->hint == NULL ? NULL :
		psprintf("-- %s", error->hint);

	if (findings->check->fails)
		jp_find(findings, NULL, error->message, way_out);
	else
		add(findings, JP_WARNING, NULL,
			psprintf("this check could not be made: %s", error->message), way_out);
}

/* Something was found. */
void
jp_find(JpFindings *findings, const char *object, const char *finding,
		const char *statement)
{
	MemoryContext caller = MemoryContextSwitchTo(findings->context);

	add(findings, findings->check->severity, object, finding, statement);
	MemoryContextSwitchTo(caller);
}

/* Keeps a finding. */
static void
add(JpFindings *findings, JpSeverity severity, const char *object,
	const char *told, const char *statement)
{
	Finding    *finding = palloc(sizeof(Finding));

	finding->severity = severity;
	finding->number = list_length(findings->found);
	finding->check = findings->check->name;
	finding->object = kept(object);
	finding->finding = kept(told);
	finding->statement = kept(statement);
	findings->found = lappend(findings->found, finding);
}

/* A copy of a string, NULL of none. */
static char *
kept(const char *string)
{
	return string == NULL ? NULL : pstrdup(string);
}

/* The gravest first, otherwise as they were found. */
static int
by_severity(const ListCell *one, const ListCell *other)
{
	const Finding *a = lfirst(one);
	const Finding *b = lfirst(other);

	return a->severity != b->severity ? (int) a->severity - (int) b->severity :
		a->number - b->number;
}

/* Returns a finding. */
static void
put(ReturnSetInfo *result, const Finding *finding)
{
	const char *const texts[] = {
		severity_name[finding->severity], finding->check, finding->object,
		finding->finding, finding->statement
	};
	Datum		values[lengthof(texts)];
	bool		nulls[lengthof(texts)];
	int			i;

	for (i = 0; i < lengthof(texts); i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}
