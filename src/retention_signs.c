/*
 * retention_signs.c
 *		What tells that a subject is not inactive, found set by set: a bit for
 *		each subject number, so that a million people take 125 kB for each sign.
 *
 * Each protected table is read once, as its owner.  The number column says
 * whose a row is; where there is none, the values that name subjects are
 * looked up in the registry, each once.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "collection.h"
#include "retention.h"

/* A protected table, as far as it has signs. */
typedef struct Signing
{
	JpSigns    *signs;
	Oid			owner;
	char	   *table;
	char	   *number;			/* NULL: there is none */
	char	   *subject;
	char	   *kind;
	char	   *at;				/* NULL: rows have no time */
	bool		basis;			/* rows must be kept, by a purpose */
	TimestampTz since;			/* but not older ones */
	bool		old;			/* only rows before the cut-off are wanted */
} Signing;

static void read_tables(JpSigns *signs, Datum only, bool old);
static void read_table(Signing *s, Datum only);
static char *row_query(const Signing *s, bool only);
static bool take_row(TupleTableSlot *slot, void *arg);
static int32 number_of(const Signing *s, TupleTableSlot *slot);
static void read_decisions(JpSigns *signs, Datum only);
static bool take_decision(TupleTableSlot *slot, void *arg);
static void read_events(JpSigns *signs, bool old);
static bool take_active(TupleTableSlot *slot, void *arg);
static bool take_old(TupleTableSlot *slot, void *arg);
static void read_requests(JpSigns *signs);
static void read_holds(JpSigns *signs);
static void join_aliases(JpSigns *signs);
static bool take_alias(TupleTableSlot *slot, void *arg);
static void mark(JpSigns *signs, JpSign sign, int32 number);

/* Looks for all signs but the old ones. */
void
jp_signs_read(JpSigns *signs, Datum only)
{
	bool		isnull;
	int			i;

	SPI_execute("SELECT coalesce(max(number), -1) + 1 FROM journey_privacy.subject", false, 1);
	signs->count = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0],
											   SPI_tuptable->tupdesc, 1, &isnull));
	for (i = 0; i < JP_SIGNS; i++)
		signs->bits[i] = palloc0(signs->count / 8 + 1);
	read_tables(signs, only, false);
	read_decisions(signs, only);
	/* whoever decides after everybody was looked for has a decision in force */
	if (only == (Datum) 0)
		read_events(signs, false);
	read_requests(signs);
	read_holds(signs);
	join_aliases(signs);
}

/* Looks for signs of before the cut-off. */
void
jp_signs_read_old(JpSigns *signs, Datum only)
{
	read_tables(signs, only, true);
	read_events(signs, true);
	join_aliases(signs);
}

/* Looks into every protected table; partitions are read with their parents. */
static void
read_tables(JpSigns *signs, Datum only, bool old)
{
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	SPI_execute("SELECT c.relowner, format('%I.%I', n.nspname, c.relname), quote_ident(p.number_column),"
				" quote_ident(p.subject_column), p.kind, quote_ident(p.occurred_at),"
				" b.counts, greatest(b.since, r.oldest_kept)"
				" FROM journey_privacy.protection p"
				" JOIN pg_class c ON c.oid = p.relation JOIN pg_namespace n ON n.oid = c.relnamespace"
				" LEFT JOIN journey_privacy.retention r ON r.relation = p.relation,"
				" LATERAL (SELECT count(*) > 0 AS counts, coalesce(min(coalesce("
				"   (now() AT TIME ZONE 'UTC' - u.keep_for) AT TIME ZONE 'UTC', '-infinity')), '-infinity') AS since"
				"  FROM journey_privacy.purpose u WHERE u.name = ANY (p.collected_for)"
				"   AND u.basis IN ('contract', 'legal_obligation', 'vital_interests', 'public_task')) b"
				" WHERE p.inherited_from IS NULL ORDER BY p.relation", false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		HeapTuple	row = found->vals[i];
		TupleDesc	desc = found->tupdesc;
		bool		isnull;
		Signing		s = {.signs = signs, .old = old};

		CHECK_FOR_INTERRUPTS();
		s.owner = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
		s.table = SPI_getvalue(row, desc, 2);
		s.number = SPI_getvalue(row, desc, 3);
		s.subject = SPI_getvalue(row, desc, 4);
		s.kind = SPI_getvalue(row, desc, 5);
		s.at = SPI_getvalue(row, desc, 6);
		s.basis = DatumGetBool(SPI_getbinval(row, desc, 7, &isnull));
		s.since = DatumGetTimestampTz(SPI_getbinval(row, desc, 8, &isnull));
		if (!old || s.at != NULL)
			read_table(&s, only);
	}
	SPI_freetuptable(found);
}

/* Looks into one. */
static void
read_table(Signing *s, Datum only)
{
	Oid			types[2] = {TIMESTAMPTZOID, INT4ARRAYOID};
	Datum		values[2] = {TimestampTzGetDatum(!s->old && s->basis ?
												 Min(s->since, s->signs->cut_off) :
												 s->signs->cut_off), only};
	JpPrivilege before;

	jp_act_as(s->owner, "pg_catalog, pg_temp", &before);
	jp_query_into(row_query(s, only != (Datum) 0), only == (Datum) 0 ? 1 : 2,
				  types, values, take_row, s);
	jp_restore(&before);
}

/* Whose rows there are, and of when; each once where it must be looked up. */
static char *
row_query(const Signing *s, bool only)
{
	const char *who = s->number != NULL ? s->number : s->subject;
	char	   *at = s->at == NULL ? "NULL::pg_catalog.timestamptz" : psprintf("t.%s", s->at);
	char	   *when = s->at == NULL ? "$1 IS NOT NULL" :
		psprintf(s->old ? "%s OPERATOR(pg_catalog.<) $1" :
				 "(%s OPERATOR(pg_catalog.>=) $1 OR %s IS NULL)", at, at);
	char	   *these = !only || s->number == NULL ? "" :
		psprintf(" AND t.%s OPERATOR(pg_catalog.=) ANY ($2)", s->number);

	if (s->number != NULL)
		return psprintf("SELECT t.%s, %s FROM %s t WHERE t.%s IS NOT NULL AND %s%s",
						who, at, s->table, who, when, these);
	return psprintf("SELECT t.%s, pg_catalog.max(%s) FROM %s t WHERE t.%s IS NOT NULL AND %s"
					" GROUP BY t.%s, %s IS NULL", who, at, s->table, who, when, who, at);
}

/* Marks whose row it is. */
static bool
take_row(TupleTableSlot *slot, void *arg)
{
	Signing    *s = arg;
	bool		no_time;
	TimestampTz at = DatumGetTimestampTz(slot_getattr(slot, 2, &no_time));
	int32		number = number_of(s, slot);

	if (s->old)
		mark(s->signs, JP_SIGN_OLD, number);
	else if (no_time)
		mark(s->signs, JP_SIGN_UNDATED, number);
	else if (at >= s->signs->cut_off)
		mark(s->signs, JP_SIGN_ACTIVE, number);
	if (s->basis && (no_time || at >= s->since))
		mark(s->signs, JP_SIGN_BASIS, number);
	return true;
}

/* The number of the subject whom a row names. */
static int32
number_of(const Signing *s, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		who = slot_getattr(slot, 1, &isnull);
	JpPseudonym pseudonym;

	if (s->number != NULL)
		return DatumGetInt32(who);
	jp_subject_of_datum(who, TupleDescAttr(slot->tts_tupleDescriptor, 0)->atttypid,
						s->kind, &pseudonym);
	return jp_subject_find(&pseudonym);
}

/* Decisions in force: a yes is a basis, and a late one of either kind a sign. */
static void
read_decisions(JpSigns *signs, Datum only)
{
	Oid			types[1] = {INT4ARRAYOID};
	Datum		values[1] = {only};

	jp_query_into(psprintf("SELECT number, decided_at,"
						   " granted AND coalesce(valid_until, 'infinity') > now()"
						   " FROM journey_privacy.consent_state"
						   " WHERE purpose IN (SELECT name FROM journey_privacy.purpose)%s",
						   only == (Datum) 0 ? "" : " AND number = ANY ($1)"),
				  only == (Datum) 0 ? 0 : 1, types, values, take_decision, signs);
}

static bool
take_decision(TupleTableSlot *slot, void *arg)
{
	JpSigns    *signs = arg;
	bool		isnull;
	int32		number = DatumGetInt32(slot_getattr(slot, 1, &isnull));

	if (DatumGetTimestampTz(slot_getattr(slot, 2, &isnull)) >= signs->cut_off)
		mark(signs, JP_SIGN_ACTIVE, number);
	if (DatumGetBool(slot_getattr(slot, 3, &isnull)))
		mark(signs, JP_SIGN_BASIS, number);
	return true;
}

/* All that was ever decided. */
static void
read_events(JpSigns *signs, bool old)
{
	Oid			types[1] = {TIMESTAMPTZOID};
	Datum		values[1] = {TimestampTzGetDatum(signs->cut_off)};

	jp_query_into(psprintf("SELECT DISTINCT s.number FROM journey_privacy.consent_event e"
						   " JOIN journey_privacy.subject s ON s.pseudonym = e.subject"
						   " WHERE e.at %s $1", old ? "<" : ">="),
				  1, types, values, old ? take_old : take_active, signs);
}

static bool
take_active(TupleTableSlot *slot, void *arg)
{
	bool		isnull;

	mark(arg, JP_SIGN_ACTIVE, DatumGetInt32(slot_getattr(slot, 1, &isnull)));
	return true;
}

static bool
take_old(TupleTableSlot *slot, void *arg)
{
	bool		isnull;

	mark(arg, JP_SIGN_OLD, DatumGetInt32(slot_getattr(slot, 1, &isnull)));
	return true;
}

/* Requests of late, and those that are not answered yet. */
static void
read_requests(JpSigns *signs)
{
	Oid			types[1] = {TIMESTAMPTZOID};
	Datum		values[1] = {TimestampTzGetDatum(signs->cut_off)};
	SPITupleTable *found;
	uint64		count;
	uint64		i;

	SPI_execute_with_args("SELECT DISTINCT s.trace FROM journey_privacy.request r"
						  " JOIN journey_privacy.request_subject s ON s.request_id = r.id"
						  " WHERE r.received_at >= $1 OR r.status IN ('pending', 'in_progress')",
						  1, types, values, NULL, false, 0);
	found = SPI_tuptable;
	count = SPI_processed;
	for (i = 0; i < count; i++)
	{
		bool		isnull;
		JpPseudonym pseudonym;
		bytea	   *trace = DatumGetByteaPP(SPI_getbinval(found->vals[i], found->tupdesc,
														  1, &isnull));

		if (!jp_tombstone_reveal(VARDATA_ANY(trace), VARSIZE_ANY_EXHDR(trace), &pseudonym))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("whom a request is about cannot be read"),
					 errdetail("The tombstone key of that time is gone, or the row is damaged.")));
		mark(signs, JP_SIGN_ACTIVE, jp_subject_find(&pseudonym));
	}
	SPI_freetuptable(found);
}

/* People who are held everywhere, and those who are restricted. */
static void
read_holds(JpSigns *signs)
{
	JpHolds		holds;
	ListCell   *cell;
	int			i;

	jp_purge_holds(&holds);
	foreach(cell, holds.people)
	{
		JpHeldPeople *held = lfirst(cell);

		for (i = 0; !OidIsValid(held->relid) && i < held->people.count; i++)
			mark(signs, JP_SIGN_WITHHELD, held->people.numbers[i]);
	}
}

/* What is true of an alias is true of its head. */
static void
join_aliases(JpSigns *signs)
{
	jp_query_into("SELECT number, head FROM journey_privacy.subject WHERE head IS NOT NULL",
				  0, NULL, NULL, take_alias, signs);
}

static bool
take_alias(TupleTableSlot *slot, void *arg)
{
	JpSigns    *signs = arg;
	bool		isnull;
	int32		number = DatumGetInt32(slot_getattr(slot, 1, &isnull));
	int32		head = DatumGetInt32(slot_getattr(slot, 2, &isnull));
	int			sign;

	for (sign = 0; sign < JP_SIGNS; sign++)
		if (jp_sign(signs, sign, number))
			mark(signs, sign, head);
	return true;
}

static void
mark(JpSigns *signs, JpSign sign, int32 number)
{
	if (number >= 0 && number < signs->count)
		signs->bits[sign][number / 8] |= 1 << (number % 8);
}
