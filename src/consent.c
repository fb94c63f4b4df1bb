/*
 * consent.c
 *		The ledger of decisions and the decisions in force.
 *
 * The latest decision by event time counts; at equal times a no beats a yes;
 * what arrives late never overrides what is newer.  Every change locks the
 * subject first, then writes ledger and decision, then the bits in the order
 * of purpose names, so that no two changes of one subject interleave and no
 * two transactions wait for each other in a circle within one call.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "consent_internal.h"
#include "journey_privacy.h"
#include "note.h"
#include "subject.h"

/* How far in the future an event time may lie: clocks differ. */
#define MAX_CLOCK_SKEW	(5 * USECS_PER_MINUTE)

/* One row of the ledger in the making. */
typedef struct LedgerEntry
{
	const JpPseudonym *subject;
	const char *purpose;		/* NULL for restrictions */
	const char *decision;
	TimestampTz at;
	NullableDatum source;
	NullableDatum document;
	NullableDatum evidence;
	NullableDatum region;
} LedgerEntry;

/* True while erasing or rekeying may change rows of the ledger. */
static bool ledger_open = false;

static void lock_subject(const LedgerEntry *entry, bool granted,
						 JpSubject *subject);
static Datum decide(LedgerEntry *entry, bool granted);
static Datum append_event(const LedgerEntry *entry);
static bool update_state(const LedgerEntry *entry, int32 number, bool granted,
						 TimestampTz until);
static JpDecision decision_of(const JpPurpose *purpose, int32 number);
static int	compare_bits(const void *a, const void *b);
static Datum change_restriction(FunctionCallInfo fcinfo, bool restricted);
static Datum say_no(FunctionCallInfo fcinfo, const char *decision);
static int64 write_ledger(const char *sql, int nargs, Oid *types,
						  Datum *values);
static void fill_uuid(pg_uuid_t *id);

PG_FUNCTION_INFO_V1(jp_record_consent);
PG_FUNCTION_INFO_V1(jp_withdraw);
PG_FUNCTION_INFO_V1(jp_object_to);
PG_FUNCTION_INFO_V1(jp_restrict_processing);
PG_FUNCTION_INFO_V1(jp_lift_restriction);
PG_FUNCTION_INFO_V1(jp_consent_event_kept);
PG_FUNCTION_INFO_V1(jp_uuid_v7);

/* SQL: record_consent(subject, purpose, granted, at, source, …). */
Datum
jp_record_consent(PG_FUNCTION_ARGS)
{
	LedgerEntry entry;
	bool		granted;

	jp_require_arg(fcinfo, 0, "subject");
	jp_require_arg(fcinfo, 1, "purpose");
	jp_require_arg(fcinfo, 2, "granted");
	jp_require_arg(fcinfo, 3, "at");
	granted = PG_GETARG_BOOL(2);
	entry.subject = jp_subject_arg(fcinfo, 0);
	entry.purpose = text_to_cstring(PG_GETARG_TEXT_PP(1));
	entry.decision = granted ? "granted" : "refused";
	entry.at = PG_GETARG_TIMESTAMPTZ(3);
	entry.source = jp_optional_arg(fcinfo, 4);
	entry.document = jp_optional_arg(fcinfo, 5);
	entry.evidence = jp_optional_arg(fcinfo, 6);
	entry.region = jp_optional_arg(fcinfo, 7);
	return decide(&entry, granted);
}

/* Records a yes or no that another room brings. */
Datum
jp_consent_record(const JpPseudonym *subject, const char *purpose,
				  bool granted, TimestampTz at, const JpProof *proof)
{
	LedgerEntry entry;

	entry.subject = subject;
	entry.purpose = purpose;
	entry.decision = granted ? "granted" : "refused";
	entry.at = at;
	entry.source = proof->source;
	entry.document = proof->document;
	entry.evidence = proof->evidence;
	entry.region = proof->region;
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

/* SQL: uuid_v7(), for the ledger in bulk. */
Datum
jp_uuid_v7(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	fill_uuid(id);
	PG_RETURN_UUID_P(id);
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
		jp_refuse(JP_NOTE_CONSENT, NULL, jp_relation("consent_event"),
				  errmsg("the ledger of decisions is append-only"),
				  errhint("Record a new decision, or erase the subject."));
	return PointerGetDatum(NULL);
}

/* Runs a statement that changes rows of the ledger. */
static int64
write_ledger(const char *sql, int nargs, Oid *types, Datum *values)
{
	ledger_open = true;
	PG_TRY();
	{
		SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0);
	}
	PG_FINALLY();
	{
		ledger_open = false;
	}
	PG_END_TRY();
	return SPI_processed;
}

/* Moves the ledger to the current pseudonyms. */
void
jp_ledger_rekey(void)
{
	(void) write_ledger("UPDATE journey_privacy.consent_event"
						" SET subject = journey_privacy.rekeyed(subject)",
						0, NULL, NULL);
}

/* Deletes what subjects said from the ledger. */
int64
jp_ledger_erase(const JpSubject *subject)
{
	Oid			types[1] = {get_array_type(jp_type("pseudonym"))};
	Datum		values[1] = {jp_subject_pseudonyms(subject)};

	return write_ledger("DELETE FROM journey_privacy.consent_event"
						" WHERE subject OPERATOR(pg_catalog.=) ANY ($1)",
						1, types, values);
}

/*
 * Until when a yes given at a time counts: under consent only.  Months are
 * counted in UTC.
 */
TimestampTz
jp_valid_until(const JpPurpose *purpose, TimestampTz at)
{
	if (!purpose->expires || purpose->basis != JP_BASIS_CONSENT)
		return DT_NOEND;
	return DatumGetTimestamp(DirectFunctionCall2(timestamp_pl_interval,
												 TimestampGetDatum(at),
												 IntervalPGetDatum(&purpose->valid_for)));
}

/*
 * The event time of a decision.  A clock that runs ahead a little is set
 * right, so that no later decision loses to it; more is refused.
 */
TimestampTz
jp_event_time(TimestampTz at)
{
	TimestampTz now = GetCurrentTimestamp();

	if (TIMESTAMP_NOT_FINITE(at) || at > now + MAX_CLOCK_SKEW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time of a decision must not lie in the future")));
	return Min(at, now);
}

/*
 * Locks the subject of a decision.  One who was erased comes back only by
 * agreeing anew, later than the erasure.
 */
static void
lock_subject(const LedgerEntry *entry, bool granted, JpSubject *subject)
{
	TimestampTz erased_at;

	if (jp_subject_lock(entry->subject, subject))
		return;
	if (granted && jp_tombstone_find(entry->subject, &erased_at) &&
		entry->at > erased_at)
	{
		jp_tombstone_lift(entry->subject);
		if (jp_subject_lock(entry->subject, subject))
			return;
	}
	jp_refuse(JP_NOTE_CONSENT, NULL, InvalidOid,
			  errmsg("the subject has been erased"),
			  errhint("Only a new consent, given after the erasure, lifts it."));
}

/*
 * Records a yes or no: ledger, decision in force, bit; the latter two for
 * every identity of the subject.  Returns the id in the ledger.
 */
static Datum
decide(LedgerEntry *entry, bool granted)
{
	JpPurpose	purpose;
	JpDecision	decision = {true, granted, DT_NOEND};
	JpSubject	subject;
	Datum		id;
	int			i;

	entry->at = jp_event_time(entry->at);
	purpose = *jp_purpose_settled(entry->purpose);
	entry->subject = jp_subject_settled(entry->subject);
	if (granted)
		decision.valid_until = jp_valid_until(&purpose, entry->at);

	SPI_connect();
	lock_subject(entry, granted, &subject);
	id = append_event(entry);
	for (i = 0; i < subject.count; i++)
		if (update_state(entry, subject.numbers[i], granted,
						 decision.valid_until))
			jp_permitted_set(&purpose, subject.numbers[i],
							 jp_basis_permits(purpose.basis, &decision,
											  subject.restricted,
											  GetCurrentTimestamp()),
							 decision.valid_until);
	SPI_finish();
	jp_note_about(JP_NOTE_CONSENT, entry->decision, entry->subject, purpose.name);
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
	pg_uuid_t  *id = SPI_palloc(sizeof(pg_uuid_t));
	Datum		values[9];
	char		nulls[9] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
	const NullableDatum *rest[4] = {&entry->source, &entry->document,
		&entry->evidence, &entry->region
	};
	int			i;

	fill_uuid(id);
	values[0] = PointerGetDatum(entry->subject);
	values[1] = UUIDPGetDatum(id);
	values[2] = (Datum) 0;
	nulls[2] = 'n';
	if (entry->purpose != NULL)
	{
		values[2] = CStringGetTextDatum(entry->purpose);
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

	values[0] = CStringGetTextDatum(entry->purpose);
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

/* Sets a number's bit from the decision in force. */
void
jp_set_bit_by_state(const JpPurpose *purpose, int32 number, bool restricted)
{
	JpDecision	decision = decision_of(purpose, number);

	jp_permitted_set(purpose, number,
					 jp_basis_permits(purpose->basis, &decision, restricted,
									  GetCurrentTimestamp()),
					 decision.valid_until);
}

/* Orders bits by subject number. */
static int
compare_bits(const void *a, const void *b)
{
	int32		x = ((const JpBitChange *) a)->number;
	int32		y = ((const JpBitChange *) b)->number;

	return x < y ? -1 : x > y;
}

/*
 * Sets all bits of locked subjects from the decisions in force, in the order
 * of purpose and number, in which everybody locks chunks.
 */
void
jp_set_bits_by_state(const JpSubject *const *subjects, int count)
{
	const JpPurpose *all;
	JpBitChange *bits;
	int			purposes;
	int			total = 0;
	int			i;
	int			j;

	for (i = 0; i < count; i++)
		total += subjects[i]->count;
	bits = palloc(total * sizeof(JpBitChange));
	total = 0;
	for (i = 0; i < count; i++)
		for (j = 0; j < subjects[i]->count; j++)
		{
			bits[total].number = subjects[i]->numbers[j];
			bits[total++].bit = subjects[i]->restricted;
		}
	qsort(bits, total, sizeof(JpBitChange), compare_bits);
	all = jp_purposes(&purposes);
	for (i = 0; i < purposes; i++)
		for (j = 0; j < total; j++)
			jp_set_bit_by_state(&all[i], bits[j].number, bits[j].bit);
}

/* Restricts processing of a subject or lifts that, for every purpose. */
static Datum
change_restriction(FunctionCallInfo fcinfo, bool restricted)
{
	LedgerEntry entry = {0};
	NullableDatum none = {(Datum) 0, true};
	JpSubject	subject;
	const JpSubject *one = &subject;
	Datum		id;

	jp_require_arg(fcinfo, 0, "subject");
	jp_consent_begin();
	entry.subject = jp_subject_settled(jp_subject_arg(fcinfo, 0));
	entry.decision = restricted ? "restricted" : "unrestricted";
	entry.source = jp_optional_arg(fcinfo, 1);
	entry.document = entry.evidence = entry.region = none;

	SPI_connect();
	lock_subject(&entry, false, &subject);
	/* The last to change it is the last in the ledger. */
	entry.at = GetCurrentTimestamp();
	id = append_event(&entry);
	jp_subject_restrict(&subject, restricted);
	subject.restricted = restricted;
	jp_set_bits_by_state(&one, 1);
	SPI_finish();
	jp_note_about(JP_NOTE_CONSENT, entry.decision, entry.subject, NULL);
	return id;
}

/* Records a withdrawal or an objection. */
static Datum
say_no(FunctionCallInfo fcinfo, const char *decision)
{
	LedgerEntry entry;
	NullableDatum none = {(Datum) 0, true};

	jp_require_arg(fcinfo, 0, "subject");
	jp_require_arg(fcinfo, 1, "purpose");
	jp_require_arg(fcinfo, 2, "at");
	entry.subject = jp_subject_arg(fcinfo, 0);
	entry.purpose = text_to_cstring(PG_GETARG_TEXT_PP(1));
	entry.decision = decision;
	entry.at = PG_GETARG_TIMESTAMPTZ(2);
	entry.source = jp_optional_arg(fcinfo, 3);
	entry.document = entry.evidence = entry.region = none;
	return decide(&entry, false);
}

/* An argument that may be NULL. */
NullableDatum
jp_optional_arg(FunctionCallInfo fcinfo, int n)
{
	NullableDatum arg = {PG_GETARG_DATUM(n), PG_ARGISNULL(n)};

	return arg;
}

/* Refuses NULL where it has no meaning. */
void
jp_require_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

/* Makes a uuid of version 7 (RFC 9562): it sorts by the millisecond. */
static void
fill_uuid(pg_uuid_t *id)
{
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
}
