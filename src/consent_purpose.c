/*
 * consent_purpose.c
 *		Purposes and their legal bases.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "consent_internal.h"
#include "journey_privacy.h"
#include "note.h"

/* The purposes as of a generation of the configuration, ordered by name. */
static JpPurpose *purposes = NULL;
static int	purpose_count = 0;
static uint64 purposes_as_of = 0;
static MemoryContext purposes_context = NULL;

/* Columns of table purpose, in the order of CREATE TABLE. */
enum
{
	NAME = 1, BASIS, DESCRIPTION, VALID_FOR, CREATED_AT, MIN_GROUP, ACCESS
};

/* Arguments of create_purpose() and change_purpose(). */
#define ARGUMENTS	7

static const char *const basis_name[] = {
	"consent", "opt_out", "contract", "legal_obligation",
	"vital_interests", "public_task", "legitimate_interests"
};

static JpBasis basis_from_name(const char *name);
static bool is_aggregates(const char *access);
static void load_purposes(void);
static void read_purpose(JpPurpose *purpose, HeapTuple tuple, TupleDesc desc);
static void check_purpose_name(const char *name);
static void check_values(FunctionCallInfo fcinfo);
static void read_arguments(FunctionCallInfo fcinfo, Datum *values, char *nulls);
static void hide_in_new(const JpPurpose *purpose);

PG_FUNCTION_INFO_V1(jp_create_purpose);
PG_FUNCTION_INFO_V1(jp_change_purpose);
PG_FUNCTION_INFO_V1(jp_drop_purpose);

/* Makes the context of the purposes. */
void
jp_consent_init(void)
{
	purposes_context = AllocSetContextCreate(TopMemoryContext,
											 "journey_privacy purposes",
											 ALLOCSET_SMALL_SIZES);
}

/* The table of legal bases. */
bool
jp_basis_permits(JpBasis basis, const JpDecision *decision, bool restricted,
				 TimestampTz now)
{
	if (basis == JP_BASIS_LEGAL_OBLIGATION)
		return true;
	if (restricted)
		return false;
	switch (basis)
	{
		case JP_BASIS_CONSENT:
			return decision->made && decision->granted &&
				decision->valid_until > now;
		case JP_BASIS_OPT_OUT:
		case JP_BASIS_PUBLIC_TASK:	/* Art. 21(1): to be objected to as well */
		case JP_BASIS_LEGITIMATE_INTERESTS:
			return !decision->made || decision->granted;
		case JP_BASIS_CONTRACT:
		case JP_BASIS_VITAL_INTERESTS:
			return true;
		case JP_BASIS_LEGAL_OBLIGATION:
			break;
	}
	return false;
}

/* All purposes. */
const JpPurpose *
jp_purposes(int *count)
{
	if (purposes_as_of != jp_catalog_generation())
		load_purposes();
	*count = purpose_count;
	return purposes;
}

/* The purpose of a name, if there is one. */
const JpPurpose *
jp_purpose_find(const char *name)
{
	int			count;
	const JpPurpose *all = jp_purposes(&count);
	int			i;

	for (i = 0; i < count; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

/* The purpose of a name. */
const JpPurpose *
jp_purpose_get(const char *name)
{
	const JpPurpose *purpose = jp_purpose_find(name);

	if (purpose == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("purpose \"%s\" does not exist", name),
				 errhint("Make it with journey_privacy.create_purpose().")));
	return purpose;
}

/* The purpose of a name, which nobody can change now. */
const JpPurpose *
jp_purpose_settled(const char *name)
{
	jp_consent_begin();
	return jp_purpose_get(name);
}

/* Locks our tables for writing. */
void
jp_consent_begin(void)
{
	static const char *const table[] = {
		"subject", "tombstone", "consent_event", "consent_state", "permitted"
	};
	int			i;

	PreventCommandIfReadOnly("recording a decision");
	PreventCommandDuringRecovery("recording a decision");
	for (i = 0; i < lengthof(table); i++)
		LockRelationOid(jp_relation(table[i]), RowExclusiveLock);
}

/* SQL: create_purpose(name, basis, description, consent_valid_for, min_group, access, keep_for). */
Datum
jp_create_purpose(PG_FUNCTION_ARGS)
{
	Oid			types[ARGUMENTS] = {TEXTOID, TEXTOID, TEXTOID, INTERVALOID, INT4OID, TEXTOID,
		INTERVALOID
	};
	Datum		values[ARGUMENTS];
	char		nulls[ARGUMENTS];
	char	   *name;

	jp_require_arg(fcinfo, 0, "name");
	jp_require_arg(fcinfo, 1, "basis");
	jp_require_arg(fcinfo, 4, "min_group");
	jp_require_arg(fcinfo, 5, "access");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	check_purpose_name(name);
	check_values(fcinfo);
	if (jp_purpose_find(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("purpose \"%s\" already exists", name)));
	read_arguments(fcinfo, values, nulls);
	SPI_connect();
	SPI_execute("LOCK TABLE journey_privacy.subject IN SHARE ROW EXCLUSIVE MODE",
				false, 0);
	jp_consent_begin();
	SPI_execute_with_args("INSERT INTO journey_privacy.purpose"
						  " (name, basis, description, consent_valid_for, min_group, access, keep_for)"
						  " VALUES ($1, $2, $3, $4, $5, $6, $7)",
						  ARGUMENTS, types, values, nulls, false, 0);
	/* Nothing may be inherited from a purpose of that name before. */
	SPI_execute_with_args("DELETE FROM journey_privacy.permitted WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("DELETE FROM journey_privacy.consent_state WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	hide_in_new(jp_purpose_get(name));
	SPI_finish();
	jp_note(JP_NOTE_CONSENT, "create_purpose", InvalidOid, -1, name);
	PG_RETURN_VOID();
}

/* SQL: change_purpose(name, basis, description, consent_valid_for, min_group, access, keep_for). */
Datum
jp_change_purpose(PG_FUNCTION_ARGS)
{
	Oid			types[ARGUMENTS] = {TEXTOID, TEXTOID, TEXTOID, INTERVALOID, INT4OID, TEXTOID,
		INTERVALOID
	};
	Datum		values[ARGUMENTS];
	char		nulls[ARGUMENTS];

	jp_require_arg(fcinfo, 0, "name");
	(void) jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	check_values(fcinfo);
	read_arguments(fcinfo, values, nulls);
	SPI_connect();
	SPI_execute("LOCK TABLE journey_privacy.subject, journey_privacy.consent_event,"
				" journey_privacy.consent_state IN SHARE ROW EXCLUSIVE MODE", false, 0);
	SPI_execute_with_args("UPDATE journey_privacy.purpose"
						  " SET basis = coalesce($2, basis),"
						  "     description = coalesce($3, description),"
						  "     consent_valid_for = coalesce($4, consent_valid_for),"
						  "     min_group = coalesce($5, min_group),"
						  "     access = coalesce($6, access),"
						  "     keep_for = coalesce($7, keep_for)"
						  " WHERE name = $1",
						  ARGUMENTS, types, values, nulls, false, 0);
	SPI_execute_with_args("UPDATE journey_privacy.consent_state c"
						  " SET valid_until = CASE p.basis WHEN 'consent' THEN"
						  "  (c.decided_at AT TIME ZONE 'UTC' + p.consent_valid_for)"
						  "  AT TIME ZONE 'UTC' END"
						  " FROM journey_privacy.purpose p"
						  " WHERE p.name = $1 AND c.purpose = p.name AND c.granted",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("SELECT journey_privacy.rebuild_permitted($1)",
						  1, types, values, NULL, false, 0);
	SPI_finish();
	jp_note(JP_NOTE_CONSENT, "change_purpose", InvalidOid, -1,
			text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}

/* The arguments of both, for SPI. */
static void
read_arguments(FunctionCallInfo fcinfo, Datum *values, char *nulls)
{
	int			i;

	for (i = 0; i < ARGUMENTS; i++)
	{
		NullableDatum arg = jp_optional_arg(fcinfo, i);

		values[i] = arg.value;
		nulls[i] = arg.isnull ? 'n' : ' ';
	}
}

/* SQL: drop_purpose(name). */
Datum
jp_drop_purpose(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr deciding = NULL;
	static SPIPlanPtr collecting = NULL;
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {PG_GETARG_DATUM(0)};
	const JpPurpose *purpose;

	purpose = jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	SPI_connect();
	SPI_execute("LOCK TABLE journey_privacy.consent_event, journey_privacy.consent_state"
				" IN SHARE ROW EXCLUSIVE MODE", false, 0);
	jp_execute(&deciding,
			   "SELECT FROM journey_privacy.consent_event WHERE purpose = $1 LIMIT 1",
			   1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("purpose \"%s\" has decisions on record", purpose->name),
				 errhint("Disallow it to every role instead; the ledger is evidence.")));
	jp_execute(&collecting,
			   "SELECT FROM journey_privacy.protection"
			   " WHERE $1 = ANY (collected_for) LIMIT 1",
			   1, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("a protected table is collected for purpose \"%s\"",
						purpose->name)));
	SPI_execute_with_args("DELETE FROM journey_privacy.permitted WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("DELETE FROM journey_privacy.purpose WHERE name = $1",
						  1, types, values, NULL, false, 0);
	/* Whoever was just allowing it has committed now. */
	SPI_execute_with_args("DELETE FROM journey_privacy.allowance WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("DELETE FROM journey_privacy.column_allowance WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("DELETE FROM journey_privacy.consent_mapping WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("DELETE FROM journey_privacy.purpose_translation WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	SPI_finish();
	jp_note(JP_NOTE_CONSENT, "drop_purpose", InvalidOid, -1,
			text_to_cstring(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_VOID();
}

/* Refuses a name that would need quoting somewhere. */
static void
check_purpose_name(const char *name)
{
	if (strlen(name) >= NAMEDATALEN ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) ||
		!(name[0] >= 'a' && name[0] <= 'z'))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name for a purpose"),
				 errhint("Use a lower-case letter, then up to 62 lower-case letters, digits and underscores.")));
}

/* Refuses what no purpose can have: arguments 1 and 3 to 6, where given. */
static void
check_values(FunctionCallInfo fcinfo)
{
	Interval	nothing = {0};

	if (!PG_ARGISNULL(1))
		(void) basis_from_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (!PG_ARGISNULL(3) &&
		DatumGetBool(DirectFunctionCall2(interval_le, PG_GETARG_DATUM(3),
										 IntervalPGetDatum(&nothing))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("consent_valid_for must be longer than nothing")));
	if (!PG_ARGISNULL(4) && PG_GETARG_INT32(4) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("min_group must be at least 1")));
	if (!PG_ARGISNULL(5))
		(void) is_aggregates(text_to_cstring(PG_GETARG_TEXT_PP(5)));
	if (!PG_ARGISNULL(6))
		jp_check_keep(PG_GETARG_INTERVAL_P(6), "keep_for");
}

/*
 * Refuses what cannot be a time for which something is kept.  No part may be
 * negative: a month less 29 days would end tomorrow, in February.
 */
void
jp_check_keep(const Interval *keep, const char *what)
{
	Interval	most = {.month = 1000 * MONTHS_PER_YEAR};

	if (keep->month < 0 || keep->day < 0 || keep->time < 0 ||
		(keep->month == 0 && keep->day == 0 && keep->time == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be longer than nothing, and no part of it negative", what)));
	if (DatumGetBool(DirectFunctionCall2(interval_gt, IntervalPGetDatum(keep),
										 IntervalPGetDatum(&most))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be longer than 1000 years", what)));
}

/* A legal basis by its name. */
static JpBasis
basis_from_name(const char *name)
{
	int			i;

	for (i = 0; i < lengthof(basis_name); i++)
		if (strcmp(basis_name[i], name) == 0)
			return (JpBasis) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid legal basis"),
			 errhint("Use consent, opt_out, contract, legal_obligation, vital_interests, public_task or legitimate_interests.")));
}

/* Whether answers are all that may be had, by the name of the access. */
static bool
is_aggregates(const char *access)
{
	if (strcmp(access, "aggregates") == 0)
		return true;
	if (strcmp(access, "rows") == 0)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid access"),
			 errhint("Use rows or aggregates.")));
}

/* Reads the purposes, latest committed and our own. */
static void
load_purposes(void)
{
	uint64		as_of = jp_catalog_generation();
	Relation	rel = table_open(jp_relation("purpose"), AccessShareLock);
	Relation	index = index_open(jp_relation("purpose_pkey"),
								   AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	int			room = 8;

	MemoryContextReset(purposes_context);
	purposes_as_of = 0;
	purpose_count = 0;
	purposes = MemoryContextAlloc(purposes_context, room * sizeof(JpPurpose));

	scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan,
															 ForwardScanDirection)))
	{
		if (purpose_count == room)
			purposes = repalloc(purposes, (room *= 2) * sizeof(JpPurpose));
		read_purpose(&purposes[purpose_count++], tuple, RelationGetDescr(rel));
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	purposes_as_of = as_of;
}

/* One of them. */
static void
read_purpose(JpPurpose *purpose, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		value;

	strlcpy(purpose->name,
			TextDatumGetCString(heap_getattr(tuple, NAME, desc, &isnull)),
			NAMEDATALEN);
	purpose->basis =
		basis_from_name(TextDatumGetCString(heap_getattr(tuple, BASIS, desc,
														 &isnull)));
	value = heap_getattr(tuple, VALID_FOR, desc, &isnull);
	purpose->expires = !isnull;
	if (!isnull)
		purpose->valid_for = *DatumGetIntervalP(value);
	purpose->min_group = DatumGetInt32(heap_getattr(tuple, MIN_GROUP, desc,
													&isnull));
	purpose->aggregates =
		is_aggregates(TextDatumGetCString(heap_getattr(tuple, ACCESS, desc,
													   &isnull)));
}

/*
 * Clears the bits of restricted subjects for a purpose that is new, and of
 * erased ones whose rows are still there: withheld, or not erased yet.
 */
static void
hide_in_new(const JpPurpose *purpose)
{
	static SPIPlanPtr plan = NULL;
	JpPurpose	copy = *purpose;
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	jp_execute(&plan,
			   "SELECT number, true AS registered FROM journey_privacy.subject WHERE restricted"
			   " UNION SELECT s.number, false FROM journey_privacy.erasure_subject s"
			   "  JOIN journey_privacy.erasure e USING (request_id)"
			   "  WHERE e.state <> 'done' AND s.number >= 0 ORDER BY number",
			   0, NULL, NULL, NULL, SPI_OK_SELECT);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		HeapTuple	row = found->vals[i];
		bool		isnull;
		int32		number = DatumGetInt32(SPI_getbinval(row, found->tupdesc, 1,
														&isnull));

		if (DatumGetBool(SPI_getbinval(row, found->tupdesc, 2, &isnull)))
			jp_set_bit_by_state(&copy, number, true);
		else
			jp_permitted_set(&copy, number, false, DT_NOEND);
	}
}
