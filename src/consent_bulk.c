/*
 * consent_bulk.c
 *		Many decisions in one call, and bitmaps made anew.
 *
 * record_consents() does in a few statements over arrays what
 * record_consent() does for one: subjects are registered and locked in the
 * order of their numbers, then ledger and decisions written, then each chunk
 * of bits once, in the order of purpose and chunk.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "attempt.h"
#include "catalog.h"
#include "consent_internal.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "note.h"

/* The arguments of record_consents(); the first four are arrays. */
enum
{
	SUBJECTS, PURPOSES, GRANTED, TIMES, SOURCE, DOCUMENT, REGION, ARGUMENTS
};

/* Subject numbers, sorted. */
typedef struct Numbers
{
	int			count;
	int32	   *numbers;
} Numbers;

/* The heads that a call is to lock. */
typedef struct Wanted
{
	Datum	   *values;
	const Oid  *types;
	Numbers		heads;
} Wanted;

static Datum check_arrays(FunctionCallInfo fcinfo);
static Datum current_subjects(ArrayType *array);
static void check_purposes(ArrayType *names);
static Datum check_times(FunctionCallInfo fcinfo, int count);
static void lift_tombstones(Datum *values, const Oid *types);
static void register_subjects(Datum *values, const Oid *types);
static void lock_subjects(Datum *values, const Oid *types);
static bool lock_heads(void *arg);
static void read_heads(Datum *values, const Oid *types, Numbers *heads);
static void take_numbers(Numbers *numbers);
static void write_states(Datum *values, const Oid *types);
static void read_restricted(Numbers *restricted);
static void apply_changes(SPITupleTable *found, uint64 count,
						  const Numbers *restricted);
static int	compare_numbers(const void *a, const void *b);
static void rebuild(const JpPurpose *purpose, int32 next_number);

PG_FUNCTION_INFO_V1(jp_record_consents);
PG_FUNCTION_INFO_V1(jp_rebuild_permitted);

/* SQL: record_consents(subjects, purposes, granted, at, source, …). */
Datum
jp_record_consents(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr ledger = NULL;
	Oid			types[ARGUMENTS] = {get_array_type(jp_type("pseudonym")),
		TEXTARRAYOID, BOOLARRAYOID, TIMESTAMPTZARRAYOID, TEXTOID, TEXTOID,
		TEXTOID
	};
	Datum		values[ARGUMENTS];
	char		nulls[ARGUMENTS];
	int64		recorded;
	int			i;

	for (i = 0; i < ARGUMENTS; i++)
	{
		NullableDatum arg = jp_optional_arg(fcinfo, i);

		values[i] = arg.value;
		nulls[i] = arg.isnull && i >= SOURCE ? 'n' : ' ';
	}
	values[TIMES] = check_arrays(fcinfo);
	jp_keyring_require();
	jp_consent_begin();
	/* not before rekey_pseudonyms() is waited for */
	values[SUBJECTS] = current_subjects(PG_GETARG_ARRAYTYPE_P(SUBJECTS));

	SPI_connect();
	lift_tombstones(values, types);
	register_subjects(values, types);
	lock_subjects(values, types);
	jp_execute(&ledger,
			   "INSERT INTO journey_privacy.consent_event"
			   " (subject, id, purpose, decision, at, source, document, region)"
			   " SELECT i.s, journey_privacy.uuid_v7(), i.p,"
			   "  CASE WHEN i.g THEN 'granted' ELSE 'refused' END, i.at, $5, $6, $7"
			   " FROM unnest($1, $2, $3, $4) i(s, p, g, at)"
			   " JOIN journey_privacy.subject r ON r.pseudonym = i.s",
			   ARGUMENTS, types, values, nulls, SPI_OK_INSERT);
	recorded = SPI_processed;
	write_states(values, types);
	SPI_finish();
	jp_note(JP_NOTE_CONSENT, "record_consents", InvalidOid, recorded, NULL);
	PG_RETURN_INT64(recorded);
}

/* SQL: rebuild_permitted(purpose). */
Datum
jp_rebuild_permitted(PG_FUNCTION_ARGS)
{
	const JpPurpose *all;
	JpPurpose  *copies;
	bool		isnull;
	int32		next_number;
	int			count;
	int			i;

	SPI_connect();
	SPI_execute("LOCK TABLE journey_privacy.subject, journey_privacy.consent_state,"
				" journey_privacy.permitted IN SHARE ROW EXCLUSIVE MODE", false, 0);
	SPI_execute("SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END"
				" FROM journey_privacy.subject_number", false, 0);
	next_number = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
											  SPI_tuptable->tupdesc, 1, &isnull));
	all = jp_purposes(&count);
	copies = palloc(Max(count, 1) * sizeof(JpPurpose));
	memcpy(copies, all, count * sizeof(JpPurpose));
	if (!PG_ARGISNULL(0))
	{
		copies[0] = *jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
		count = 1;
	}
	for (i = 0; i < count; i++)
		rebuild(&copies[i], next_number);
	SPI_finish();
	PG_RETURN_VOID();
}

/* Checks the arrays; returns the times, now() for each when left out. */
static Datum
check_arrays(FunctionCallInfo fcinfo)
{
	static const char *const name[] = {"subjects", "purposes", "granted", "at"};
	int			count = -1;
	int			i;

	for (i = SUBJECTS; i <= TIMES; i++)
	{
		ArrayType  *array;

		if (i == TIMES && PG_ARGISNULL(i))
			break;
		jp_require_arg(fcinfo, i, name[i]);
		array = PG_GETARG_ARRAYTYPE_P(i);
		if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("array \"%s\" must have one dimension and no nulls",
							name[i])));
		if (count >= 0 && ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) != count)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the arrays must be of the same length")));
		count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	}
	check_purposes(PG_GETARG_ARRAYTYPE_P(PURPOSES));
	return check_times(fcinfo, count);
}

/* The subjects under the current key. */
static Datum
current_subjects(ArrayType *array)
{
	ArrayType  *copy = DatumGetArrayTypePCopy(PointerGetDatum(array));
	JpPseudonym *subjects = (JpPseudonym *) ARR_DATA_PTR(copy);
	int			count = ArrayGetNItems(ARR_NDIM(copy), ARR_DIMS(copy));
	int			version = jp_key_version(JP_KEY_PSEUDONYM);
	int			i;

	for (i = 0; i < count; i++)
		jp_pseudonym_advance(&subjects[i], version);
	return PointerGetDatum(copy);
}

/* Refuses a purpose that does not exist, and locks out who would change one. */
static void
check_purposes(ArrayType *names)
{
	ArrayIterator iterator = array_create_iterator(names, 0, NULL);
	char		last[NAMEDATALEN] = "";
	Datum		value;
	bool		isnull;

	while (array_iterate(iterator, &value, &isnull))
	{
		char	   *name = TextDatumGetCString(value);

		if (strcmp(name, last) != 0)
			strlcpy(last, jp_purpose_settled(name)->name, NAMEDATALEN);
		pfree(name);
	}
	array_free_iterator(iterator);
}

/* Checks the event times, or makes them. */
static Datum
check_times(FunctionCallInfo fcinfo, int count)
{
	Datum	   *times;
	int			i;

	if (PG_ARGISNULL(TIMES))
	{
		times = palloc(Max(count, 1) * sizeof(Datum));
		for (i = 0; i < count; i++)
			times[i] = TimestampTzGetDatum(GetCurrentTimestamp());
		return PointerGetDatum(construct_array(times, count, TIMESTAMPTZOID, 8,
											   true, TYPALIGN_DOUBLE));
	}
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(TIMES), TIMESTAMPTZOID, 8, true,
					  TYPALIGN_DOUBLE, &times, NULL, &count);
	for (i = 0; i < count; i++)
		times[i] = TimestampTzGetDatum(jp_event_time(DatumGetTimestampTz(times[i])));
	return PointerGetDatum(construct_array(times, count, TIMESTAMPTZOID, 8,
										   true, TYPALIGN_DOUBLE));
}

/* Lifts the tombstones of those who agreed after they were erased. */
static void
lift_tombstones(Datum *values, const Oid *types)
{
	static SPIPlanPtr plan = NULL;
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	jp_execute(&plan,
			   "SELECT i.s, max(i.at) FROM unnest($1, $3, $4) i(s, g, at)"
			   " LEFT JOIN journey_privacy.subject r ON r.pseudonym = i.s"
			   " WHERE i.g AND cardinality($2) > 0 AND CASE WHEN r.pseudonym IS NULL"
			   "  THEN journey_privacy.is_erased(i.s) ELSE false END GROUP BY i.s",
			   4, types, values, NULL, SPI_OK_SELECT);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		bool		isnull;
		JpPseudonym *subject = (JpPseudonym *)
			DatumGetPointer(SPI_getbinval(found->vals[i], found->tupdesc, 1,
										  &isnull));
		Datum		at = SPI_getbinval(found->vals[i], found->tupdesc, 2, &isnull);
		TimestampTz erased_at;

		if (jp_tombstone_find(subject, &erased_at) &&
			DatumGetTimestampTz(at) > erased_at)
			jp_tombstone_lift(subject);
	}
}

/* Registers those who are new; who was erased stays out. */
static void
register_subjects(Datum *values, const Oid *types)
{
	static SPIPlanPtr plan = NULL;

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.subject (pseudonym)"
			   " SELECT DISTINCT i.s FROM unnest($1) i(s)"
			   " LEFT JOIN journey_privacy.subject r ON r.pseudonym = i.s"
			   " WHERE CASE WHEN r.pseudonym IS NULL"
			   "  THEN NOT journey_privacy.is_erased(i.s) ELSE false END"
			   " ORDER BY i.s"
			   " ON CONFLICT (pseudonym) DO NOTHING",
			   1, types, values, NULL, SPI_OK_INSERT);
}

/*
 * Locks the heads of all subjects in the order of their numbers; anew, when
 * somebody has linked or unlinked one of them while we waited.
 */
static void
lock_subjects(Datum *values, const Oid *types)
{
	Wanted		wanted = {values, types, {0, NULL}};

	do
	{
		CHECK_FOR_INTERRUPTS();
		read_heads(values, types, &wanted.heads);
	} while (!jp_attempt(lock_heads, &wanted, NULL));
}

/* Locks the heads as read; false when there are others now. */
static bool
lock_heads(void *arg)
{
	const Wanted *wanted = arg;
	const Numbers *heads = &wanted->heads;
	Numbers		now;
	int			i;

	for (i = 0; i < heads->count; i++)
	{
		bool		linked;
		bool		restricted;

		if (!jp_subject_lock_head(heads->numbers[i], &linked, &restricted))
			return false;
	}
	read_heads(wanted->values, wanted->types, &now);
	return heads->count == now.count &&
		memcmp(heads->numbers, now.numbers, now.count * sizeof(int32)) == 0;
}

/* Reads the heads of all subjects, as committed now. */
static void
read_heads(Datum *values, const Oid *types, Numbers *heads)
{
	static SPIPlanPtr plan = NULL;

	jp_execute(&plan,
			   "SELECT DISTINCT coalesce(s.head, s.number)"
			   " FROM journey_privacy.subject s JOIN unnest($1) u ON s.pseudonym = u"
			   " ORDER BY 1",
			   1, types, values, NULL, SPI_OK_SELECT);
	take_numbers(heads);
}

/* Takes the numbers that SPI has just found. */
static void
take_numbers(Numbers *numbers)
{
	SPITupleTable *found = SPI_tuptable;
	int			i;

	numbers->count = SPI_processed;
	numbers->numbers = palloc(Max(numbers->count, 1) * sizeof(int32));
	for (i = 0; i < numbers->count; i++)
	{
		bool		isnull;

		numbers->numbers[i] = DatumGetInt32(SPI_getbinval(found->vals[i],
														  found->tupdesc, 1,
														  &isnull));
	}
	SPI_freetuptable(found);
}

/* Puts in force what is newer, for every identity; then writes the bits. */
static void
write_states(Datum *values, const Oid *types)
{
	static SPIPlanPtr plan = NULL;
	Numbers		restricted;
	SPITupleTable *found;
	uint64		count;

	jp_execute(&plan,
			   "WITH decided AS MATERIALIZED ("
			   "  SELECT i.p, i.g, i.at, s.number, coalesce(s.head, s.number) AS head,"
			   "   s.linked OR s.head IS NOT NULL AS several"
			   "  FROM unnest($1, $2, $3, $4) i(s, p, g, at)"
			   "  JOIN journey_privacy.subject s ON s.pseudonym = i.s),"
			   " everybody AS ("
			   "  SELECT p, g, at, number FROM decided"
			   "  UNION ALL SELECT d.p, d.g, d.at, m.number FROM decided d"
			   "   JOIN journey_privacy.subject m ON coalesce(m.head, m.number) = d.head"
			   "    AND m.number <> d.number WHERE d.several)"
			   " INSERT INTO journey_privacy.consent_state AS c"
			   "  (purpose, number, granted, decided_at, valid_until)"
			   " SELECT DISTINCT ON (e.p, e.number) e.p, e.number, e.g, e.at,"
			   "  CASE WHEN e.g AND u.basis = 'consent' THEN (e.at AT TIME ZONE 'UTC' + u.consent_valid_for)"
			   "   AT TIME ZONE 'UTC' END"
			   " FROM everybody e JOIN journey_privacy.purpose u ON u.name = e.p"
			   " ORDER BY e.p, e.number, e.at DESC, e.g"
			   " ON CONFLICT (purpose, number) DO UPDATE"
			   " SET granted = EXCLUDED.granted, decided_at = EXCLUDED.decided_at,"
			   "     valid_until = EXCLUDED.valid_until"
			   " WHERE EXCLUDED.decided_at > c.decided_at"
			   "    OR (EXCLUDED.decided_at = c.decided_at AND NOT EXCLUDED.granted)"
			   " RETURNING purpose, number, granted, coalesce(valid_until, 'infinity')",
			   TIMES + 1, types, values, NULL, SPI_OK_INSERT_RETURNING);
	found = SPI_tuptable;
	count = SPI_processed;
	read_restricted(&restricted);
	apply_changes(found, count, &restricted);
}

/* Reads who is restricted: few, as a rule. */
static void
read_restricted(Numbers *restricted)
{
	static SPIPlanPtr plan = NULL;

	jp_execute(&plan,
			   "SELECT number FROM journey_privacy.subject WHERE restricted"
			   " ORDER BY number",
			   0, NULL, NULL, NULL, SPI_OK_SELECT);
	take_numbers(restricted);
}

/* Writes the bits of decisions (ordered by purpose and number), by chunk. */
static void
apply_changes(SPITupleTable *found, uint64 count, const Numbers *restricted)
{
	JpBitChange *changes = palloc((1 << JP_CHUNK_BITS) * sizeof(JpBitChange));
	TimestampTz now = GetCurrentTimestamp();
	JpPurpose	purpose;
	int			pending = 0;
	uint64		i;

	memset(&purpose, 0, sizeof(purpose));
	for (i = 0; i < count; i++)
	{
		HeapTuple	tuple = found->vals[i];
		TupleDesc	desc = found->tupdesc;
		bool		isnull;
		char	   *name = TextDatumGetCString(SPI_getbinval(tuple, desc, 1, &isnull));
		JpBitChange change;
		JpDecision	decision = {true, false, DT_NOEND};

		change.number = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &isnull));
		decision.granted = DatumGetBool(SPI_getbinval(tuple, desc, 3, &isnull));
		decision.valid_until =
			DatumGetTimestampTz(SPI_getbinval(tuple, desc, 4, &isnull));
		if (pending > 0 &&
			(strcmp(name, purpose.name) != 0 ||
			 change.number >> JP_CHUNK_BITS != changes[0].number >> JP_CHUNK_BITS))
		{
			jp_permitted_change(&purpose, changes, pending);
			pending = 0;
		}
		if (strcmp(name, purpose.name) != 0)
			purpose = *jp_purpose_get(name);
		change.valid_until = decision.valid_until;
		change.bit = jp_basis_permits(purpose.basis, &decision,
									  bsearch(&change.number, restricted->numbers,
											  restricted->count, sizeof(int32),
											  compare_numbers) != NULL, now);
		changes[pending++] = change;
		pfree(name);
	}
	if (pending > 0)
		jp_permitted_change(&purpose, changes, pending);
	pfree(changes);
}

/* Orders subject numbers. */
static int
compare_numbers(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/*
 * Makes the bitmap of a purpose anew from registry and decisions.  Numbers
 * that were given but are not registered belong to nobody: their bits are 0.
 * Each chunk reads its own range of both: the join alone would let the planner
 * read all decisions of the purpose for each.
 */
static void
rebuild(const JpPurpose *purpose, int32 next_number)
{
	static SPIPlanPtr plan = NULL;
	static SPIPlanPtr clearing = NULL;
	int32		numbers = 1 << JP_CHUNK_BITS;
	Oid			types[3] = {TEXTOID, INT4OID, INT4OID};
	Datum		values[3] = {CStringGetTextDatum(purpose->name)};
	TimestampTz now = GetCurrentTimestamp();
	int32		first;

	jp_execute(&clearing, "DELETE FROM journey_privacy.permitted WHERE purpose = $1",
			   1, types, values, NULL, SPI_OK_DELETE);
	for (first = 0; first < next_number; first += numbers)
	{
		uint8		bits[JP_CHUNK_BYTES];
		TimestampTz next = DT_NOEND;
		int32		number;
		uint64		i;

		memcpy(bits, jp_permitted_missing(purpose->basis), JP_CHUNK_BYTES);
		for (number = first; number < Min(first + numbers, next_number); number++)
			bits[(number - first) / 8] &= ~(1 << (number % 8));
		values[1] = Int32GetDatum(first);
		values[2] = Int32GetDatum(first + numbers);
		jp_execute(&plan,
				   "SELECT s.number, s.restricted, c.granted, coalesce(c.valid_until, 'infinity')"
				   " FROM journey_privacy.subject s LEFT JOIN journey_privacy.consent_state c"
				   "  ON c.purpose = $1 AND c.number = s.number"
				   "  AND c.number >= $2 AND c.number < $3"
				   " WHERE s.number >= $2 AND s.number < $3",
				   3, types, values, NULL, SPI_OK_SELECT);
		for (i = 0; i < SPI_processed; i++)
		{
			HeapTuple	tuple = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			JpDecision	decision = {false, false, DT_NOEND};
			bool		restricted;
			bool		isnull;

			number = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
			restricted = DatumGetBool(SPI_getbinval(tuple, desc, 2, &isnull));
			decision.granted = DatumGetBool(SPI_getbinval(tuple, desc, 3, &isnull));
			decision.made = !isnull;
			decision.valid_until =
				DatumGetTimestampTz(SPI_getbinval(tuple, desc, 4, &isnull));
			if (!jp_basis_permits(purpose->basis, &decision, restricted, now))
				continue;
			bits[(number - first) / 8] |= 1 << (number % 8);
			next = Min(next, decision.valid_until);
		}
		SPI_freetuptable(SPI_tuptable);
		jp_permitted_write(purpose, first >> JP_CHUNK_BITS, bits, next);
	}
}
