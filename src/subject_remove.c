/*
 * subject_remove.c
 *		Takes subjects out of the registry, which is how an erasure begins.
 *
 * The heads are locked in the order of their numbers, as by whoever changes
 * subjects.  When somebody has linked or unlinked one of them meanwhile, the
 * locks are given back and it begins anew.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "attempt.h"
#include "catalog.h"
#include "subject.h"

/* The heads of the subjects to be removed. */
typedef struct Heads
{
	Datum		wanted;			/* their pseudonyms, as an array */
	int			count;
	int32	   *numbers;		/* ascending */
	int		   *person;			/* which of the wanted each one is */
} Heads;

static void read_heads(Heads *heads);
static bool lock_heads(void *arg);
static int *delete_members(const Heads *heads, int spare, JpSubject *whole);
static int	compare_numbers(const void *a, const void *b);
static int	compare_pseudonyms(const void *a, const void *b);

/* Takes subjects with all their aliases out of the registry. */
void
jp_subjects_remove(const JpPseudonym *pseudonyms, int count, JpSubject *whole,
				   int **person)
{
	JpSubject	wanted = {count, (JpPseudonym *) pseudonyms, NULL, false};
	Heads		heads = {.wanted = jp_subject_pseudonyms(&wanted)};
	JpPseudonym *known;
	int			known_count;
	int			i;

	do
	{
		CHECK_FOR_INTERRUPTS();
		read_heads(&heads);
	} while (!jp_attempt(lock_heads, &heads, NULL));

	*person = delete_members(&heads, count, whole);
	known_count = whole->count;
	known = palloc((known_count + 1) * sizeof(JpPseudonym));
	memcpy(known, whole->pseudonyms, known_count * sizeof(JpPseudonym));
	qsort(known, known_count, sizeof(JpPseudonym), compare_pseudonyms);
	for (i = 0; i < count; i++)
	{
		if (bsearch(&pseudonyms[i], known, known_count, sizeof(JpPseudonym),
					compare_pseudonyms) != NULL)
			continue;
		whole->pseudonyms[whole->count] = pseudonyms[i];
		whole->numbers[whole->count] = JP_NO_SUBJECT;
		(*person)[whole->count++] = i;
	}
	jp_subject_forget_kept();
}

/* Reads the heads of the wanted subjects, as committed now. */
static void
read_heads(Heads *heads)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {get_array_type(jp_type("pseudonym"))};
	SPITupleTable *found;
	int			i;

	jp_execute(&plan,
			   "SELECT coalesce(s.head, s.number), min(u.n)::integer - 1"
			   " FROM unnest($1) WITH ORDINALITY u(pseudonym, n)"
			   " JOIN journey_privacy.subject s ON s.pseudonym = u.pseudonym"
			   " GROUP BY 1 ORDER BY 1",
			   1, types, &heads->wanted, NULL, SPI_OK_SELECT);
	found = SPI_tuptable;
	heads->count = SPI_processed;
	heads->numbers = palloc(Max(heads->count, 1) * sizeof(int32));
	heads->person = palloc(Max(heads->count, 1) * sizeof(int));
	for (i = 0; i < heads->count; i++)
	{
		bool		isnull;

		heads->numbers[i] =
			DatumGetInt32(SPI_getbinval(found->vals[i], found->tupdesc, 1, &isnull));
		heads->person[i] =
			DatumGetInt32(SPI_getbinval(found->vals[i], found->tupdesc, 2, &isnull));
	}
	SPI_freetuptable(found);
}

/* Locks the heads as read; false when there are others now. */
static bool
lock_heads(void *arg)
{
	const Heads *heads = arg;
	Heads		now = {.wanted = heads->wanted};
	int			i;

	for (i = 0; i < heads->count; i++)
	{
		bool		linked;
		bool		restricted;

		if (!jp_subject_lock_head(heads->numbers[i], &linked, &restricted))
			return false;
	}
	read_heads(&now);
	return heads->count == now.count &&
		memcmp(heads->numbers, now.numbers, now.count * sizeof(int32)) == 0;
}

/*
 * Deletes the heads and their aliases, and tells which they were; leaves
 * room for some more.  Returns of each which of the wanted it is.
 */
static int *
delete_members(const Heads *heads, int spare, JpSubject *whole)
{
	static SPIPlanPtr plan = NULL;
	JpSubject	numbers = {heads->count, NULL, heads->numbers, false};
	Oid			types[1] = {INT4ARRAYOID};
	Datum		values[1] = {jp_subject_numbers(&numbers)};
	int		   *person;
	int			i;

	jp_execute(&plan,
			   "WITH gone AS (DELETE FROM journey_privacy.subject WHERE number IN"
			   "  (SELECT number FROM journey_privacy.subject WHERE number = ANY ($1)"
			   "   UNION ALL"
			   "   SELECT number FROM journey_privacy.subject WHERE head = ANY ($1))"
			   "  RETURNING number, pseudonym, coalesce(head, number) AS head)"
			   " SELECT number, pseudonym, head FROM gone ORDER BY number",
			   1, types, values, NULL, SPI_OK_SELECT);
	whole->count = SPI_processed;
	whole->restricted = false;
	whole->numbers = palloc((whole->count + spare) * sizeof(int32));
	whole->pseudonyms = palloc((whole->count + spare) * sizeof(JpPseudonym));
	person = palloc((whole->count + spare) * sizeof(int));
	for (i = 0; i < whole->count; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		int32		head = DatumGetInt32(SPI_getbinval(row, desc, 3, &isnull));
		int32	   *place = bsearch(&head, heads->numbers, heads->count,
									sizeof(int32), compare_numbers);

		whole->numbers[i] = DatumGetInt32(SPI_getbinval(row, desc, 1, &isnull));
		whole->pseudonyms[i] = *(JpPseudonym *)
			DatumGetPointer(SPI_getbinval(row, desc, 2, &isnull));
		person[i] = heads->person[place - heads->numbers];
	}
	return person;
}

/* Orders subject numbers. */
static int
compare_numbers(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/* Orders pseudonyms. */
static int
compare_pseudonyms(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(JpPseudonym));
}
