/*
 * consent.c
 *		Purposes, the ledger of decisions and the decisions in force.
 *
 * The latest decision by event time counts; at equal times a no beats a yes;
 * what arrives late never overrides what is newer.  Every change locks the
 * subject first, then writes ledger and decision, then the bits in the order
 * of purpose names, so that no two changes of one subject interleave and no
 * two transactions wait for each other in a circle within one call.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "consent.h"
#include "journey_privacy.h"
#include "subject.h"

/* How far in the future an event time may lie: clocks differ. */
#define MAX_CLOCK_SKEW	(5 * USECS_PER_MINUTE)

/* One row of the ledger in the making. */
typedef struct LedgerEntry
{
	const JpPseudonym *subject;
	const JpPurpose *purpose;	/* NULL for restrictions */
	const char *decision;
	TimestampTz at;
	NullableDatum source;
	NullableDatum document;
	NullableDatum evidence;
	NullableDatum region;
} LedgerEntry;

/* The purposes as of a generation of the configuration, ordered by name. */
static JpPurpose *purposes = NULL;
static int	purpose_count = 0;
static uint64 purposes_as_of = 0;
static MemoryContext purposes_context = NULL;

/* True while the ledger gives up the rows of an erased subject. */
static bool ledger_open = false;

static const char *const basis_name[] = {
	"consent", "opt_out", "contract", "legal_obligation",
	"vital_interests", "public_task", "legitimate_interests"
};

static JpBasis basis_from_name(const char *name);
static void load_purposes(void);
static TimestampTz valid_until(const JpPurpose *purpose, TimestampTz at);
static void check_event_time(TimestampTz at);
static int32 lock_subject(const LedgerEntry *entry, bool granted,
						  bool *restricted);
static Datum decide(LedgerEntry *entry, bool granted);
static Datum append_event(const LedgerEntry *entry);
static bool update_state(const LedgerEntry *entry, int32 number, bool granted,
						 TimestampTz until);
static JpDecision decision_of(const JpPurpose *purpose, int32 number);
static void set_bit_by_state(const JpPurpose *purpose, int32 number,
							 bool restricted);
static Datum change_restriction(FunctionCallInfo fcinfo, bool restricted);
static Datum say_no(FunctionCallInfo fcinfo, const char *decision);
static NullableDatum optional_arg(FunctionCallInfo fcinfo, int n);
static void require_arg(FunctionCallInfo fcinfo, int n, const char *name);
static pg_uuid_t *new_uuid(void);
static void hide_restricted(const JpPurpose *purpose);

PG_FUNCTION_INFO_V1(jp_create_purpose);
PG_FUNCTION_INFO_V1(jp_drop_purpose);
PG_FUNCTION_INFO_V1(jp_record_consent);
PG_FUNCTION_INFO_V1(jp_withdraw);
PG_FUNCTION_INFO_V1(jp_object_to);
PG_FUNCTION_INFO_V1(jp_restrict_processing);
PG_FUNCTION_INFO_V1(jp_lift_restriction);
PG_FUNCTION_INFO_V1(jp_consent_event_kept);

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
		case JP_BASIS_LEGITIMATE_INTERESTS:
			return !decision->made || decision->granted;
		case JP_BASIS_CONTRACT:
		case JP_BASIS_VITAL_INTERESTS:
		case JP_BASIS_PUBLIC_TASK:
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

/* SQL: create_purpose(name, basis, description, consent_valid_for). */
Datum
jp_create_purpose(PG_FUNCTION_ARGS)
{
	Oid			types[4] = {TEXTOID, TEXTOID, TEXTOID, INTERVALOID};
	Datum		values[4];
	char		nulls[4];
	char	   *name;
	int			i;

	require_arg(fcinfo, 0, "name");
	require_arg(fcinfo, 1, "basis");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	(void) basis_from_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (strlen(name) >= NAMEDATALEN ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) ||
		!(name[0] >= 'a' && name[0] <= 'z'))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name for a purpose"),
				 errhint("Use a lower-case letter, then up to 62 lower-case letters, digits and underscores.")));
	if (jp_purpose_find(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("purpose \"%s\" already exists", name)));
	if (!PG_ARGISNULL(3) &&
		DatumGetBool(DirectFunctionCall2(interval_le, PG_GETARG_DATUM(3),
										 PointerGetDatum(palloc0(sizeof(Interval))))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("consent_valid_for must be longer than nothing")));

	for (i = 0; i < 4; i++)
	{
		NullableDatum arg = optional_arg(fcinfo, i);

		values[i] = arg.value;
		nulls[i] = arg.isnull ? 'n' : ' ';
	}
	SPI_connect();
	SPI_execute_with_args("INSERT INTO journey_privacy.purpose"
						  " (name, basis, description, consent_valid_for)"
						  " VALUES ($1, $2, $3, $4)",
						  4, types, values, nulls, false, 0);
	hide_restricted(jp_purpose_get(name));
	SPI_finish();
	PG_RETURN_VOID();
}

/* SQL: drop_purpose(name). */
Datum
jp_drop_purpose(PG_FUNCTION_ARGS)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {PG_GETARG_DATUM(0)};
	const JpPurpose *purpose;

	purpose = jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	SPI_connect();
	SPI_execute("LOCK TABLE journey_privacy.consent_event IN SHARE ROW EXCLUSIVE MODE",
				false, 0);
	SPI_execute_with_args("SELECT FROM journey_privacy.consent_event"
						  " WHERE purpose = $1 LIMIT 1",
						  1, types, values, NULL, false, 1);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("purpose \"%s\" has decisions on record", purpose->name),
				 errhint("Disallow it to every role instead; the ledger is evidence.")));
	SPI_execute_with_args("SELECT FROM journey_privacy.protection"
						  " WHERE $1 = ANY (collected_for) LIMIT 1",
						  1, types, values, NULL, false, 1);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("a protected table is collected for purpose \"%s\"",
						purpose->name)));
	SPI_execute_with_args("DELETE FROM journey_privacy.allowance WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("DELETE FROM journey_privacy.permitted WHERE purpose = $1",
						  1, types, values, NULL, false, 0);
	SPI_execute_with_args("DELETE FROM journey_privacy.purpose WHERE name = $1",
						  1, types, values, NULL, false, 0);
	SPI_finish();
	PG_RETURN_VOID();
}

/* SQL: record_consent(subject, purpose, granted, at, source, …). */
Datum
jp_record_consent(PG_FUNCTION_ARGS)
{
	LedgerEntry entry;
	bool		granted;

	require_arg(fcinfo, 0, "subject");
	require_arg(fcinfo, 1, "purpose");
	require_arg(fcinfo, 2, "granted");
	require_arg(fcinfo, 3, "at");
	granted = PG_GETARG_BOOL(2);
	entry.subject = PG_GETARG_PSEUDONYM(0);
	entry.purpose = jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	entry.decision = granted ? "granted" : "refused";
	entry.at = PG_GETARG_TIMESTAMPTZ(3);
	entry.source = optional_arg(fcinfo, 4);
	entry.document = optional_arg(fcinfo, 5);
	entry.evidence = optional_arg(fcinfo, 6);
	entry.region = optional_arg(fcinfo, 7);
	return decide(&entry, granted);
}

/* SQL: withdraw(subject, purpose, at, source). */
Datum
jp_withdraw(PG_FUNCTION_ARGS)
{
	return say_no(fcinfo, "withdrawn");
}

/* SQL: object_to(subject, purpose, at, source). */
Datum
jp_object_to(PG_FUNCTION_ARGS)
{
	return say_no(fcinfo, "objected");
}

/* SQL: restrict_processing(subject, reason). */
Datum
jp_restrict_processing(PG_FUNCTION_ARGS)
{
	return change_restriction(fcinfo, true);
}

/* SQL: lift_restriction(subject, reason). */
Datum
jp_lift_restriction(PG_FUNCTION_ARGS)
{
	return change_restriction(fcinfo, false);
}

/* Statement trigger: the ledger only grows, erasure apart. */
Datum
jp_consent_event_kept(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("consent_event_kept() can only be called as a trigger")));
	if (!ledger_open)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the ledger of decisions is append-only"),
				 errhint("Record a new decision, or erase the subject.")));
	return PointerGetDatum(NULL);
}

/* Forgets what a subject decided. */
void
jp_consent_erase(const JpPseudonym *subject, int32 number,
				 int64 *events, int64 *states)
{
	Oid			types[1] = {jp_type("pseudonym")};
	Datum		values[1] = {PointerGetDatum(subject)};
	const JpPurpose *all;
	int			count;
	int			i;

	ledger_open = true;
	PG_TRY();
	{
		SPI_execute_with_args("DELETE FROM journey_privacy.consent_event"
							  " WHERE subject OPERATOR(pg_catalog.=) $1",
							  1, types, values, NULL, false, 0);
		*events = SPI_processed;
	}
	PG_FINALLY();
	{
		ledger_open = false;
	}
	PG_END_TRY();

	*states = 0;
	if (number == JP_NO_SUBJECT)
		return;
	types[0] = INT4OID;
	values[0] = Int32GetDatum(number);
	all = jp_purposes(&count);
	for (i = 0; i < count; i++)
		jp_permitted_set(&all[i], number, false, DT_NOEND);
	SPI_execute_with_args("DELETE FROM journey_privacy.consent_state"
						  " WHERE number = $1 AND purpose IN"
						  " (SELECT name FROM journey_privacy.purpose)",
						  1, types, values, NULL, false, 0);
	*states = SPI_processed;
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
		TupleDesc	desc = RelationGetDescr(rel);
		JpPurpose  *purpose;
		bool		isnull;
		Datum		value;

		if (purpose_count == room)
			purposes = repalloc(purposes, (room *= 2) * sizeof(JpPurpose));
		purpose = &purposes[purpose_count++];
		strlcpy(purpose->name,
				TextDatumGetCString(heap_getattr(tuple, 1, desc, &isnull)),
				NAMEDATALEN);
		purpose->basis =
			basis_from_name(TextDatumGetCString(heap_getattr(tuple, 2, desc,
															 &isnull)));
		value = heap_getattr(tuple, 4, desc, &isnull);
		purpose->expires = !isnull;
		if (!isnull)
			purpose->valid_for = *DatumGetIntervalP(value);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	purposes_as_of = as_of;
}

/* Until when a yes given at a time counts.  Months are counted in UTC. */
static TimestampTz
valid_until(const JpPurpose *purpose, TimestampTz at)
{
	if (!purpose->expires)
		return DT_NOEND;
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval,
												 TimestampGetDatum(at),
												 IntervalPGetDatum(&purpose->valid_for)));
}

/* A decision happened at some time that has come. */
static void
check_event_time(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at) ||
		at > GetCurrentTimestamp() + MAX_CLOCK_SKEW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time of a decision must not lie in the future")));
}

/*
 * Locks the subject of a decision.  One who was erased comes back only by
 * agreeing anew, later than the erasure.
 */
static int32
lock_subject(const LedgerEntry *entry, bool granted, bool *restricted)
{
	int32		number = jp_subject_lock(entry->subject, restricted);
	TimestampTz erased_at;

	if (number != JP_NO_SUBJECT)
		return number;
	if (granted && jp_tombstone_find(entry->subject, &erased_at) &&
		entry->at > erased_at)
	{
		jp_tombstone_lift(entry->subject);
		number = jp_subject_lock(entry->subject, restricted);
	}
	if (number == JP_NO_SUBJECT)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the subject has been erased"),
				 errhint("Only a new consent, given after the erasure, lifts it.")));
	return number;
}

/* Records a yes or no: ledger, decision in force, bit.  Returns the id. */
static Datum
decide(LedgerEntry *entry, bool granted)
{
	JpPurpose	purpose = *entry->purpose;
	TimestampTz until;
	bool		restricted;
	int32		number;
	Datum		id;

	check_event_time(entry->at);
	entry->purpose = &purpose;
	until = granted ? valid_until(&purpose, entry->at) : DT_NOEND;

	SPI_connect();
	number = lock_subject(entry, granted, &restricted);
	id = append_event(entry);
	if (update_state(entry, number, granted, until))
	{
		JpDecision	decision = {true, granted, until};

		jp_permitted_set(&purpose, number,
						 jp_basis_permits(purpose.basis, &decision, restricted,
										  GetCurrentTimestamp()),
						 until);
	}
	SPI_finish();
	return id;
}

/* Writes the ledger; returns the id, allocated outside SPI. */
static Datum
append_event(const LedgerEntry *entry)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[9] = {jp_type("pseudonym"), UUIDOID, TEXTOID, TEXTOID,
		TIMESTAMPTZOID, TEXTOID, TEXTOID, JSONBOID, TEXTOID
	};
	pg_uuid_t  *id = new_uuid();
	Datum		values[9];
	char		nulls[9] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
	const NullableDatum *rest[4] = {&entry->source, &entry->document,
		&entry->evidence, &entry->region
	};
	int			i;

	values[0] = PointerGetDatum(entry->subject);
	values[1] = UUIDPGetDatum(id);
	values[2] = (Datum) 0;
	nulls[2] = 'n';
	if (entry->purpose != NULL)
	{
		values[2] = CStringGetTextDatum(entry->purpose->name);
		nulls[2] = ' ';
	}
	values[3] = CStringGetTextDatum(entry->decision);
	values[4] = TimestampTzGetDatum(entry->at);
	for (i = 0; i < 4; i++)
	{
		values[5 + i] = rest[i]->value;
		nulls[5 + i] = rest[i]->isnull ? 'n' : ' ';
	}
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.consent_event"
			   " (subject, id, purpose, decision, at, source, document, evidence, region)"
			   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			   9, types, values, nulls, SPI_OK_INSERT);
	return UUIDPGetDatum(id);
}

/* Puts a decision in force unless a newer one is; says whether it did. */
static bool
update_state(const LedgerEntry *entry, int32 number, bool granted,
			 TimestampTz until)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[5] = {TEXTOID, INT4OID, BOOLOID, TIMESTAMPTZOID,
	TIMESTAMPTZOID};
	Datum		values[5];
	char		nulls[5] = {' ', ' ', ' ', ' ', ' '};

	values[0] = CStringGetTextDatum(entry->purpose->name);
	values[1] = Int32GetDatum(number);
	values[2] = BoolGetDatum(granted);
	values[3] = TimestampTzGetDatum(entry->at);
	values[4] = TimestampTzGetDatum(until);
	if (TIMESTAMP_IS_NOEND(until))
		nulls[4] = 'n';
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.consent_state AS s"
			   " (purpose, number, granted, decided_at, valid_until)"
			   " VALUES ($1, $2, $3, $4, $5)"
			   " ON CONFLICT (purpose, number) DO UPDATE"
			   " SET granted = EXCLUDED.granted, decided_at = EXCLUDED.decided_at,"
			   "     valid_until = EXCLUDED.valid_until"
			   " WHERE EXCLUDED.decided_at > s.decided_at"
			   "    OR (EXCLUDED.decided_at = s.decided_at AND NOT EXCLUDED.granted)",
			   5, types, values, nulls, SPI_OK_INSERT);
	return SPI_processed == 1;
}

/* The decision in force of a locked subject. */
static JpDecision
decision_of(const JpPurpose *purpose, int32 number)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2];
	JpDecision	decision = {false, false, DT_NOEND};
	bool		isnull;

	values[0] = CStringGetTextDatum(purpose->name);
	values[1] = Int32GetDatum(number);
	jp_execute(&plan,
			   "SELECT granted, coalesce(valid_until, 'infinity')"
			   " FROM journey_privacy.consent_state"
			   " WHERE purpose = $1 AND number = $2",
			   2, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 1)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		decision.made = true;
		decision.granted = DatumGetBool(SPI_getbinval(tuple, desc, 1, &isnull));
		decision.valid_until =
			DatumGetTimestampTz(SPI_getbinval(tuple, desc, 2, &isnull));
	}
	return decision;
}

/* Sets a subject's bit from the decision in force. */
static void
set_bit_by_state(const JpPurpose *purpose, int32 number, bool restricted)
{
	JpDecision	decision = decision_of(purpose, number);

	jp_permitted_set(purpose, number,
					 jp_basis_permits(purpose->basis, &decision, restricted,
									  GetCurrentTimestamp()),
					 decision.valid_until);
}

/* Restricts processing of a subject or lifts that, for every purpose. */
static Datum
change_restriction(FunctionCallInfo fcinfo, bool restricted)
{
	LedgerEntry entry = {0};
	NullableDatum none = {(Datum) 0, true};
	const JpPurpose *all;
	bool		was_restricted;
	int32		number;
	int			count;
	int			i;
	Datum		id;

	require_arg(fcinfo, 0, "subject");
	entry.subject = PG_GETARG_PSEUDONYM(0);
	entry.decision = restricted ? "restricted" : "unrestricted";
	entry.at = GetCurrentTimestamp();
	entry.source = optional_arg(fcinfo, 1);
	entry.document = entry.evidence = entry.region = none;

	SPI_connect();
	number = lock_subject(&entry, false, &was_restricted);
	id = append_event(&entry);
	jp_subject_restrict(number, restricted);
	all = jp_purposes(&count);
	for (i = 0; i < count; i++)
		set_bit_by_state(&all[i], number, restricted);
	SPI_finish();
	return id;
}

/* Records a withdrawal or an objection. */
static Datum
say_no(FunctionCallInfo fcinfo, const char *decision)
{
	LedgerEntry entry;
	NullableDatum none = {(Datum) 0, true};

	require_arg(fcinfo, 0, "subject");
	require_arg(fcinfo, 1, "purpose");
	require_arg(fcinfo, 2, "at");
	entry.subject = PG_GETARG_PSEUDONYM(0);
	entry.purpose = jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	entry.decision = decision;
	entry.at = PG_GETARG_TIMESTAMPTZ(2);
	entry.source = optional_arg(fcinfo, 3);
	entry.document = entry.evidence = entry.region = none;
	return decide(&entry, false);
}

/* An argument that may be NULL. */
static NullableDatum
optional_arg(FunctionCallInfo fcinfo, int n)
{
	NullableDatum arg = {PG_GETARG_DATUM(n), PG_ARGISNULL(n)};

	return arg;
}

/* Refuses NULL where it has no meaning. */
static void
require_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

/* A uuid of version 7 (RFC 9562): sorts by the millisecond it was made. */
static pg_uuid_t *
new_uuid(void)
{
	pg_uuid_t  *id = SPI_palloc(sizeof(pg_uuid_t));
	uint64		unix_ms = (GetCurrentTimestamp() +
						   (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) *
						   USECS_PER_DAY) / 1000;
	int			i;

	if (!pg_strong_random(id->data, UUID_LEN))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	for (i = 0; i < 6; i++)
		id->data[i] = (uint8) (unix_ms >> (8 * (5 - i)));
	id->data[6] = (id->data[6] & 0x0f) | 0x70;
	id->data[8] = (id->data[8] & 0x3f) | 0x80;
	return id;
}

/* Clears the bits of restricted subjects for a purpose that is new. */
static void
hide_restricted(const JpPurpose *purpose)
{
	JpPurpose	copy = *purpose;
	SPITupleTable *found;
	uint64		count;
	uint64		i;
	bool		isnull;

	SPI_execute("LOCK TABLE journey_privacy.subject IN SHARE ROW EXCLUSIVE MODE",
				false, 0);
	SPI_execute("SELECT number FROM journey_privacy.subject"
				" WHERE restricted ORDER BY number", false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
		set_bit_by_state(&copy,
						 DatumGetInt32(SPI_getbinval(found->vals[i],
													 found->tupdesc, 1,
													 &isnull)),
						 true);
}
