/*
 * consent_alias.c
 *		Linking and unlinking identities: decisions merge and part.
 *
 * Both settle what is in force from the ledger, which names the identity
 * under which each decision was made: after linking, the latest by event
 * time of all identities counts; after unlinking, each side has its own.  An
 * identity that nobody has brings no decisions along: it is given the
 * subject's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "consent_internal.h"
#include "note.h"

/*
 * The ledger of some identities.  What a hold keeps from before somebody was
 * erased is evidence, and nothing of it comes into force again.
 */
#define LEDGER_OF_NOW \
	"journey_privacy.consent_event e" \
	" JOIN journey_privacy.subject s ON s.pseudonym OPERATOR(pg_catalog.=) e.subject" \
	" WHERE e.subject OPERATOR(pg_catalog.=) ANY ($1) AND e.recorded_at >= s.created_at"

static void copy_states(const JpSubject *whole, const JpSubject *adopted);
static void set_copied_bits(SPITupleTable *found, uint64 count);
static void settle(JpSubject *subject);
static bool restricted_by_ledger(const JpSubject *subject);
static void settle_purpose(const JpPurpose *purpose, const JpSubject *subject);
static void write_state(const JpPurpose *purpose, const JpSubject *subject,
						bool granted, TimestampTz at);
static void clear_state(const JpPurpose *purpose, const JpSubject *subject);

PG_FUNCTION_INFO_V1(jp_link_identity);
PG_FUNCTION_INFO_V1(jp_unlink_identity);

/* SQL: link_identity(subject, alias). */
Datum
jp_link_identity(PG_FUNCTION_ARGS)
{
	JpPseudonym *subject = jp_subject_arg(fcinfo, 0);
	JpPseudonym *alias = jp_subject_arg(fcinfo, 1);
	bool		changed;

	if (memcmp(subject, alias, sizeof(JpPseudonym)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an identity cannot be an alias of itself")));
	SPI_connect();
	changed = jp_consent_link(subject, alias);
	SPI_finish();
	PG_RETURN_BOOL(changed);
}

/* Links an identity to another, with the decisions of both. */
bool
jp_consent_link(const JpPseudonym *subject, const JpPseudonym *alias)
{
	JpSubject	whole;
	const JpSubject *one = &whole;

	jp_consent_begin();
	subject = jp_subject_settled(subject);
	if (!jp_subject_link(subject, jp_subject_settled(alias), &whole))
		return false;
	settle(&whole);
	jp_set_bits_by_state(&one, 1);
	jp_note_about(JP_NOTE_CONSENT, "link_identity", subject, NULL);
	return true;
}

/* Gives a subject identities that nobody has. */
int
jp_consent_adopt(const JpPseudonym *subject, const JpPseudonym *aliases,
				 int count)
{
	JpSubject	whole;
	JpSubject	adopted;
	const JpSubject *one = &adopted;
	JpPseudonym *settled = palloc(Max(count, 1) * sizeof(JpPseudonym));
	int			i;

	jp_consent_begin();
	subject = jp_subject_settled(subject);
	for (i = 0; i < count; i++)
		settled[i] = *jp_subject_settled(&aliases[i]);
	if (!jp_subject_lock(subject, &whole))
		return 0;
	jp_subject_adopt(&whole, settled, count, &adopted);
	if (adopted.count == 0)
		return 0;
	copy_states(&whole, &adopted);
	if (adopted.restricted)
		jp_set_bits_by_state(&one, 1);
	jp_note_about(JP_NOTE_CONSENT, "link_identity", subject, NULL);
	return adopted.count;
}

/*
 * Gives new aliases the decisions of their subject, and the bits that come of
 * them.  Without a decision a new number's bit is right as it is.
 */
static void
copy_states(const JpSubject *whole, const JpSubject *adopted)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {INT4OID, INT4ARRAYOID};
	Datum		values[2] = {Int32GetDatum(whole->numbers[0]),
		jp_subject_numbers(adopted)
	};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.consent_state"
			   " (purpose, number, granted, decided_at, valid_until)"
			   " SELECT c.purpose, n, c.granted, c.decided_at, c.valid_until"
			   " FROM journey_privacy.purpose p JOIN journey_privacy.consent_state c"
			   "  ON c.purpose = p.name AND c.number = $1, unnest($2) n"
			   " ORDER BY c.purpose, n"
			   " RETURNING purpose, number, granted, coalesce(valid_until, 'infinity')",
			   2, types, values, NULL, SPI_OK_INSERT_RETURNING);
	if (!adopted->restricted)
		set_copied_bits(SPI_tuptable, SPI_processed);
}

/* Writes the bits of decisions (ordered by purpose and number), by chunk. */
static void
set_copied_bits(SPITupleTable *found, uint64 count)
{
	JpBitChange *changes = palloc(Max(count, 1) * sizeof(JpBitChange));
	TimestampTz now = GetCurrentTimestamp();
	const JpPurpose *purpose = NULL;
	int			pending = 0;
	uint64		i;

	for (i = 0; i < count; i++)
	{
		HeapTuple	tuple = found->vals[i];
		TupleDesc	desc = found->tupdesc;
		JpDecision	decision = {true, false, DT_NOEND};
		JpBitChange change;
		bool		isnull;
		char	   *name = TextDatumGetCString(SPI_getbinval(tuple, desc, 1, &isnull));

		change.number = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &isnull));
		decision.granted = DatumGetBool(SPI_getbinval(tuple, desc, 3, &isnull));
		decision.valid_until =
			DatumGetTimestampTz(SPI_getbinval(tuple, desc, 4, &isnull));
		if (pending > 0 &&
			(strcmp(name, purpose->name) != 0 ||
			 JP_CHUNK_OF(change.number) != JP_CHUNK_OF(changes[0].number)))
		{
			jp_permitted_change(purpose, changes, pending);
			pending = 0;
		}
		purpose = jp_purpose_get(name);
		change.bit = jp_basis_permits(purpose->basis, &decision, false, now);
		change.valid_until = decision.valid_until;
		changes[pending++] = change;
	}
	if (pending > 0)
		jp_permitted_change(purpose, changes, pending);
}

/* SQL: unlink_identity(alias). */
Datum
jp_unlink_identity(PG_FUNCTION_ARGS)
{
	JpSubject	rest;
	JpSubject	alone;
	const JpSubject *sides[2] = {&rest, &alone};
	bool		changed;

	SPI_connect();
	jp_consent_begin();
	changed = jp_subject_unlink(jp_subject_arg(fcinfo, 0), &rest, &alone);
	if (changed)
	{
		settle(&rest);
		settle(&alone);
		jp_set_bits_by_state(sides, 2);
	}
	SPI_finish();
	if (changed)
		jp_note_about(JP_NOTE_CONSENT, "unlink_identity",
					  jp_subject_arg(fcinfo, 0), NULL);
	PG_RETURN_BOOL(changed);
}

/* Puts in force what the ledger says of a locked subject; not its bits yet. */
static void
settle(JpSubject *subject)
{
	const JpPurpose *all;
	int			count;
	int			i;

	subject->restricted = restricted_by_ledger(subject);
	jp_subject_restrict(subject, subject->restricted);
	all = jp_purposes(&count);
	for (i = 0; i < count; i++)
		settle_purpose(&all[i], subject);
}

/* Whether the last word on restriction was to restrict. */
static bool
restricted_by_ledger(const JpSubject *subject)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {get_array_type(jp_type("pseudonym"))};
	Datum		values[1] = {jp_subject_pseudonyms(subject)};
	bool		isnull;

	jp_execute(&plan,
			   "SELECT e.decision = 'restricted' FROM " LEDGER_OF_NOW
			   " AND e.purpose IS NULL ORDER BY e.at DESC, e.decision = 'restricted' DESC LIMIT 1",
			   1, types, values, NULL, SPI_OK_SELECT);
	return SPI_processed == 1 &&
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
								   SPI_tuptable->tupdesc, 1, &isnull));
}

/* Puts in force the latest decision on a purpose; a no wins a tie. */
static void
settle_purpose(const JpPurpose *purpose, const JpSubject *subject)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {get_array_type(jp_type("pseudonym")), TEXTOID};
	Datum		values[2];
	bool		isnull;

	values[0] = jp_subject_pseudonyms(subject);
	values[1] = CStringGetTextDatum(purpose->name);
	jp_execute(&plan,
			   "SELECT e.decision = 'granted', e.at FROM " LEDGER_OF_NOW
			   " AND e.purpose = $2 ORDER BY e.at DESC, e.decision = 'granted' LIMIT 1",
			   2, types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
	{
		clear_state(purpose, subject);
		return;
	}
	write_state(purpose, subject,
				DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 1, &isnull)),
				DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
												  SPI_tuptable->tupdesc, 2,
												  &isnull)));
}

/* Writes a decision in force for every identity of a subject. */
static void
write_state(const JpPurpose *purpose, const JpSubject *subject, bool granted,
			TimestampTz at)
{
	static SPIPlanPtr plan = NULL;
	TimestampTz until = granted ? jp_valid_until(purpose, at) : DT_NOEND;
	Oid			types[5] = {TEXTOID, INT4ARRAYOID, BOOLOID, TIMESTAMPTZOID,
	TIMESTAMPTZOID};
	Datum		values[5];
	char		nulls[5] = {' ', ' ', ' ', ' ', ' '};

	values[0] = CStringGetTextDatum(purpose->name);
	values[1] = jp_subject_numbers(subject);
	values[2] = BoolGetDatum(granted);
	values[3] = TimestampTzGetDatum(at);
	values[4] = TimestampTzGetDatum(until);
	if (TIMESTAMP_IS_NOEND(until))
		nulls[4] = 'n';
	jp_execute(&plan,
			   "INSERT INTO journey_privacy.consent_state"
			   " (purpose, number, granted, decided_at, valid_until)"
			   " SELECT $1, n, $3, $4, $5 FROM unnest($2) n"
			   " ON CONFLICT (purpose, number) DO UPDATE"
			   " SET granted = EXCLUDED.granted, decided_at = EXCLUDED.decided_at,"
			   "     valid_until = EXCLUDED.valid_until",
			   5, types, values, nulls, SPI_OK_INSERT);
}

/* Takes decisions out of force. */
static void
clear_state(const JpPurpose *purpose, const JpSubject *subject)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {TEXTOID, INT4ARRAYOID};
	Datum		values[2];

	values[0] = CStringGetTextDatum(purpose->name);
	values[1] = jp_subject_numbers(subject);
	jp_execute(&plan,
			   "DELETE FROM journey_privacy.consent_state"
			   " WHERE purpose = $1 AND number = ANY ($2)",
			   2, types, values, NULL, SPI_OK_DELETE);
}
