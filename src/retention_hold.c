/*
 * retention_hold.c
 *		What purging leaves alone although its time is over.
 *
 * Holds (Art. 17(3) GDPR) on tables, on people, and on people in a table; and
 * people whose processing is restricted: to delete is to process (Art. 4(2)),
 * and what is restricted may be stored and no more (Art. 18(2)).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "keyring.h"
#include "retention.h"

static void read_tables(JpHolds *holds);
static void read_people(JpHolds *holds);
static void reveal(JpSubject *people, Datum trace);
static void add_identities(JpHolds *holds, Oid relid, const JpSubject *named,
						   bool restricted);
static void room_for(JpSubject *people, int more);

/* Everything that is withheld.  The caller has locked the holds. */
void
jp_purge_holds(JpHolds *holds)
{
	memset(holds, 0, sizeof(*holds));
	read_tables(holds);
	read_people(holds);
}

/* The tables that are held whole. */
static void
read_tables(JpHolds *holds)
{
	static SPIPlanPtr plan = NULL;
	uint64		i;

	jp_execute(&plan,
			   "SELECT relation::oid, string_agg(reason, '; ' ORDER BY placed_at)"
			   " FROM journey_privacy.hold WHERE trace IS NULL AND released_at IS NULL"
			   " AND coalesce(held_until, 'infinity') > pg_catalog.clock_timestamp()"
			   " GROUP BY relation ORDER BY relation",
			   0, NULL, NULL, NULL, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
	{
		JpHeldTable *held = palloc0(sizeof(JpHeldTable));
		bool		isnull;

		held->relid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
													 SPI_tuptable->tupdesc, 1, &isnull));
		held->reason = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		held->until = DT_NOEND;
		holds->tables = lappend(holds->tables, held);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The people who are held, table by table, and those who are everywhere. */
static void
read_people(JpHolds *holds)
{
	static SPIPlanPtr plan = NULL;
	SPITupleTable *found;
	uint64		count;
	JpSubject	named = {0};
	Oid			relid = InvalidOid;
	uint64		i;

	jp_execute(&plan,
			   "SELECT coalesce(relation::oid, 0), trace"
			   " FROM journey_privacy.hold WHERE trace IS NOT NULL AND released_at IS NULL"
			   " AND coalesce(held_until, 'infinity') > pg_catalog.clock_timestamp()"
			   " ORDER BY 1",
			   0, NULL, NULL, NULL, SPI_OK_SELECT);
	found = SPI_tuptable;
	count = SPI_processed;
	/* those held everywhere come first */
	for (i = 0; i < count; i++)
	{
		bool		isnull;
		Oid			of = DatumGetObjectId(SPI_getbinval(found->vals[i], found->tupdesc,
														1, &isnull));

		if (of != relid)
		{
			add_identities(holds, relid, &named, !OidIsValid(relid));
			named.count = 0;
			relid = of;
		}
		reveal(&named, SPI_getbinval(found->vals[i], found->tupdesc, 2, &isnull));
	}
	add_identities(holds, relid, &named, !OidIsValid(relid));
	SPI_freetuptable(found);
}

/* Adds the one whom a trace conceals. */
static void
reveal(JpSubject *people, Datum trace)
{
	bytea	   *bytes = DatumGetByteaPP(trace);

	room_for(people, 1);
	if (!jp_tombstone_reveal(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes),
							 &people->pseudonyms[people->count]))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("whom a hold is about cannot be read"),
				 errdetail("The tombstone key of that time is gone, or the row is damaged."),
				 errhint("Release the hold, and place it anew if its reason stands.")));
	people->numbers[people->count++] = JP_NO_SUBJECT;
}

/* Adds some people with all their identities, and those who are restricted. */
static void
add_identities(JpHolds *holds, Oid relid, const JpSubject *named, bool restricted)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {get_array_type(jp_type("pseudonym")), BOOLOID};
	Datum		values[2] = {jp_subject_pseudonyms(named), BoolGetDatum(restricted)};
	JpHeldPeople *held = palloc0(sizeof(JpHeldPeople));
	JpSubject  *people = &held->people;
	uint64		i;

	jp_execute(&plan,
			   "WITH h AS MATERIALIZED (SELECT coalesce(head, number) AS head FROM journey_privacy.subject"
			   "  WHERE pseudonym OPERATOR(pg_catalog.=) ANY ($1)"
			   "  UNION SELECT coalesce(head, number) FROM journey_privacy.subject WHERE restricted AND $2)"
			   " SELECT s.number, s.pseudonym FROM h JOIN journey_privacy.subject s ON s.number = h.head"
			   " UNION ALL SELECT s.number, s.pseudonym FROM h JOIN journey_privacy.subject s ON s.head = h.head",
			   2, types, values, NULL, SPI_OK_SELECT);
	room_for(people, named->count + SPI_processed);
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		pseudonym = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
											  2, &isnull);

		people->numbers[people->count] =
			DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
										1, &isnull));
		people->pseudonyms[people->count++] = *(JpPseudonym *) DatumGetPointer(pseudonym);
	}
	SPI_freetuptable(SPI_tuptable);
	/* somebody held may not be registered */
	for (i = 0; i < named->count; i++)
	{
		people->numbers[people->count] = JP_NO_SUBJECT;
		people->pseudonyms[people->count++] = named->pseudonyms[i];
	}
	held->relid = relid;
	if (people->count > 0)
		holds->people = lappend(holds->people, held);
}

/* Makes room for more people. */
static void
room_for(JpSubject *people, int more)
{
	int			room = people->count + more;

	/* whenever the count reaches a power of two */
	if (people->pseudonyms == NULL || more > 1)
	{
		people->pseudonyms = palloc(Max(room, 16) * sizeof(JpPseudonym));
		people->numbers = palloc(Max(room, 16) * sizeof(int32));
	}
	else if (people->count >= 16 && (people->count & (people->count - 1)) == 0)
	{
		people->pseudonyms = repalloc(people->pseudonyms, 2 * people->count * sizeof(JpPseudonym));
		people->numbers = repalloc(people->numbers, 2 * people->count * sizeof(int32));
	}
}

/* Whether a table, or what it is a part of, is held. */
bool
jp_purge_holds_table(const JpHolds *holds, Oid relid)
{
	ListCell   *cell;

	foreach(cell, holds->tables)
		if (jp_is_part_of(relid, ((JpHeldTable *) lfirst(cell))->relid))
			return true;
	return false;
}

/* Whether a hold on some people counts in a table. */
bool
jp_purge_holds_in(const JpHeldPeople *held, Oid relid)
{
	return !OidIsValid(held->relid) || jp_is_part_of(relid, held->relid);
}
