/*
 * subject_alias.c
 *		Subjects with several identities.
 *
 * An alias keeps a number of its own, so that linking and unlinking rewrite
 * no journey table; its row names the number of its head.  Whoever changes a
 * subject locks the row of the head and, for two subjects, the lower number
 * first; the rows of aliases change only under that lock.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "attempt.h"
#include "catalog.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "note.h"
#include "subject.h"

/* Columns of table subject, in the order of CREATE TABLE. */
enum
{
	PSEUDONYM = 1, NUMBER, HEAD, LINKED, RESTRICTED
};

/* Two identities that somebody links, or parts. */
typedef struct Pair
{
	const JpPseudonym *pseudonym;	/* NULL to part */
	const JpPseudonym *alias;
	int32		head;
	int32		other;
	bool		restricted;		/* the lower head is */
} Pair;

/* An alias whose head is to be locked. */
typedef struct AliasHead
{
	const JpPseudonym *pseudonym;
	int32		head;
	bool	   *linked;
	bool	   *restricted;
} AliasHead;

static int32 head_of(const JpPseudonym *pseudonym, bool *is_alias);
static int32 find_head(const JpPseudonym *pseudonym, bool *is_alias,
					   bool *is_linked);
static bool lock_pair(void *arg);
static bool lock_head_of_alias(void *arg);
static int32 lock_subject(const JpPseudonym *pseudonym, bool *linked,
						  bool *restricted);
static void read_members(int32 head, bool restricted, JpSubject *subject);
static void take_members(bool restricted, JpSubject *subject);
static void set_alone(const JpPseudonym *pseudonym, int32 number,
					  bool restricted, JpSubject *subject);
static int32 register_or_refuse(const JpPseudonym *pseudonym);
static void change_rows(SPIPlanPtr *plan, const char *sql, int32 a, int32 b);

/* Locks a subject, registered now if need be and allowed. */
bool
jp_subject_lock(const JpPseudonym *pseudonym, JpSubject *subject)
{
	bool		linked;
	bool		restricted;
	int32		head;

	jp_keyring_require();		/* known or not: nothing without the keys */
	for (;;)
	{
		head = lock_subject(pseudonym, &linked, &restricted);
		if (head != JP_NO_SUBJECT)
			break;
		/* What was kept may have been erased meanwhile. */
		jp_subject_forget_kept();
		if (jp_subject_register(pseudonym) == JP_NO_SUBJECT)
			return false;
	}
	if (linked)
		read_members(head, restricted, subject);
	else
		set_alone(pseudonym, head, restricted, subject);
	return true;
}

/* Reads a subject without locking it. */
void
jp_subject_get(const JpPseudonym *pseudonym, JpSubject *subject)
{
	bool		is_alias = false;
	bool		is_linked = false;
	int32		head = find_head(pseudonym, &is_alias, &is_linked);

	if (is_alias || is_linked)
		read_members(head, false, subject);
	else
		set_alone(pseudonym, head, false, subject);
}

/* Changes the restriction of a locked subject. */
void
jp_subject_restrict(const JpSubject *subject, bool restricted)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {INT4ARRAYOID, BOOLOID};
	Datum		values[2];

	values[0] = jp_subject_numbers(subject);
	values[1] = BoolGetDatum(restricted);
	jp_execute(&plan,
			   "UPDATE journey_privacy.subject SET restricted = $2"
			   " WHERE number = ANY ($1) AND restricted <> $2",
			   2, types, values, NULL, SPI_OK_UPDATE);
}

/* Joins two subjects under the head of the first. */
bool
jp_subject_link(const JpPseudonym *pseudonym, const JpPseudonym *alias,
				JpSubject *whole)
{
	static SPIPlanPtr joining = NULL;
	static SPIPlanPtr flagging = NULL;
	bool		first = memcmp(pseudonym, alias, sizeof(JpPseudonym)) < 0;
	Pair		pair = {pseudonym, alias, 0, 0, false};

	jp_keyring_require();
	do
	{
		/* Two who link the same new identities register them in one order. */
		(void) register_or_refuse(first ? pseudonym : alias);
		pair.other = register_or_refuse(alias);
		pair.head = register_or_refuse(pseudonym);
		if (pair.head == pair.other)
			return false;
	} while (!jp_attempt(lock_pair, &pair, NULL));
	change_rows(&joining,
				"UPDATE journey_privacy.subject SET head = $1, linked = false"
				" WHERE number = $2 OR head = $2", pair.head, pair.other);
	change_rows(&flagging,
				"UPDATE journey_privacy.subject SET linked = true"
				" WHERE number = $1 AND $2 IS NOT NULL", pair.head, pair.other);
	read_members(pair.head, false, whole);
	return true;
}

/*
 * Registers aliases.  Whether somebody has one of them is for the unique index
 * to say, not for us to have looked.
 */
void
jp_subject_adopt(const JpSubject *subject, const JpPseudonym *aliases,
				 int count, JpSubject *adopted)
{
	static SPIPlanPtr plan = NULL;
	JpSubject	wanted = {count, (JpPseudonym *) aliases, NULL, false};
	Oid			types[2] = {get_array_type(jp_type("pseudonym")), INT4OID};
	Datum		values[2] = {jp_subject_pseudonyms(&wanted),
		Int32GetDatum(subject->numbers[0])
	};

	jp_execute(&plan,
			   "WITH head AS MATERIALIZED ("
			   "  SELECT coalesce(s.head, s.number) AS number"
			   "  FROM journey_privacy.subject s WHERE s.number = $2),"
			   " adopted AS ("
			   "  INSERT INTO journey_privacy.subject (pseudonym, head, restricted)"
			   "  SELECT DISTINCT u.p, h.number, s.restricted FROM unnest($1) u(p), head h"
			   "   JOIN journey_privacy.subject s ON s.number = h.number"
			   "  WHERE NOT journey_privacy.is_erased(u.p) ORDER BY u.p"
			   "  ON CONFLICT (pseudonym) DO NOTHING RETURNING number, pseudonym),"
			   " flagged AS ("
			   "  UPDATE journey_privacy.subject s SET linked = true FROM head h"
			   "  WHERE s.number = h.number AND NOT s.linked AND EXISTS (SELECT FROM adopted))"
			   " SELECT number, pseudonym FROM adopted ORDER BY number",
			   2, types, values, NULL, SPI_OK_SELECT);
	take_members(subject->restricted, adopted);
}

/* Makes an alias a subject of its own. */
bool
jp_subject_unlink(const JpPseudonym *alias, JpSubject *rest, JpSubject *alone)
{
	static SPIPlanPtr parting = NULL;
	static SPIPlanPtr flagging = NULL;
	Pair		pair = {NULL, alias, 0, 0, false};
	int32		number;
	bool		is_alias;

	jp_keyring_require();
	do
	{
		number = jp_subject_find(alias);
		pair.head = pair.other = head_of(alias, &is_alias);
		if (pair.head == number)
			return false;
	} while (!jp_attempt(lock_pair, &pair, NULL));
	change_rows(&parting,
				"UPDATE journey_privacy.subject SET head = NULL"
				" WHERE number = $1 AND head = $2", number, pair.head);
	change_rows(&flagging,
				"UPDATE journey_privacy.subject s SET linked = EXISTS"
				" (SELECT FROM journey_privacy.subject a WHERE a.head = $1)"
				" WHERE s.number = $1 AND $2 IS NOT NULL", pair.head, number);
	read_members(pair.head, pair.restricted, rest);
	set_alone(alias, number, pair.restricted, alone);
	return true;
}

/* The pseudonyms of a subject as an array. */
Datum
jp_subject_pseudonyms(const JpSubject *subject)
{
	Datum	   *values = palloc(subject->count * sizeof(Datum));
	int			i;

	for (i = 0; i < subject->count; i++)
		values[i] = PointerGetDatum(&subject->pseudonyms[i]);
	return PointerGetDatum(construct_array(values, subject->count,
										   jp_type("pseudonym"),
										   JP_PSEUDONYM_SIZE, false,
										   TYPALIGN_CHAR));
}

/* The numbers of a subject as an array. */
Datum
jp_subject_numbers(const JpSubject *subject)
{
	Datum	   *values = palloc(subject->count * sizeof(Datum));
	int			i;

	for (i = 0; i < subject->count; i++)
		values[i] = Int32GetDatum(subject->numbers[i]);
	return PointerGetDatum(construct_array(values, subject->count, INT4OID,
										   sizeof(int32), true, TYPALIGN_INT));
}

/* Number of a registered identity's head, as committed now. */
static int32
head_of(const JpPseudonym *pseudonym, bool *is_alias)
{
	bool		is_linked;

	return find_head(pseudonym, is_alias, &is_linked);
}

/* The same; also whether the identity is a head that has aliases. */
static int32
find_head(const JpPseudonym *pseudonym, bool *is_alias, bool *is_linked)
{
	Relation	rel = table_open(jp_relation("subject"), AccessShareLock);
	HeapTuple	tuple = jp_fetch_one(rel, "subject_pkey", PSEUDONYM,
									 PointerGetDatum(pseudonym),
									 jp_pseudonym_equal());
	int32		head = JP_NO_SUBJECT;

	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		bool		isnull;
		Datum		value = heap_getattr(tuple, HEAD, desc, &isnull);

		*is_alias = !isnull;
		if (isnull)
			value = heap_getattr(tuple, NUMBER, desc, &isnull);
		head = DatumGetInt32(value);
		*is_linked = DatumGetBool(heap_getattr(tuple, LINKED, desc, &isnull));
		heap_freetuple(tuple);
	}
	table_close(rel, AccessShareLock);
	return head;
}

/*
 * Locks a head by its number; false when it is none any more.  Not FOR NO KEY
 * UPDATE, which may wait, find that the row has become an alias, and keep it
 * locked all the same: whoever changes the subject then would wait for us.
 */
bool
jp_subject_lock_head(int32 head, bool *linked, bool *restricted)
{
	Relation	rel = table_open(jp_relation("subject"), RowExclusiveLock);
	TupleDesc	desc = RelationGetDescr(rel);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TM_Result	result = TM_Updated;

	while (result != TM_Ok)
	{
		HeapTuple	tuple = jp_fetch_one(rel, "subject_number_key", NUMBER,
										 Int32GetDatum(head), F_INT4EQ);
		TM_FailureData failure;
		bool		is_head;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		if (!HeapTupleIsValid(tuple))
			break;
		(void) heap_getattr(tuple, HEAD, desc, &is_head);
		if (!is_head)
			break;
		*linked = DatumGetBool(heap_getattr(tuple, LINKED, desc, &isnull));
		*restricted = DatumGetBool(heap_getattr(tuple, RESTRICTED, desc, &isnull));
		/* Locks this version of the row, or none. */
		result = table_tuple_lock(rel, &tuple->t_self, SnapshotAny, slot,
								  GetCurrentCommandId(true),
								  LockTupleNoKeyExclusive, LockWaitBlock, 0,
								  &failure);
		heap_freetuple(tuple);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return result == TM_Ok;
}

/* Locks the heads of a pair, the lower number first, if they still are. */
static bool
lock_pair(void *arg)
{
	Pair	   *pair = arg;
	bool		linked;
	bool		restricted;
	bool		is_alias;

	return jp_subject_lock_head(Min(pair->head, pair->other), &linked,
								&pair->restricted) &&
		(pair->head == pair->other ||
		 jp_subject_lock_head(Max(pair->head, pair->other), &linked,
							  &restricted)) &&
		(pair->pseudonym == NULL ||
		 head_of(pair->pseudonym, &is_alias) == pair->head) &&
		head_of(pair->alias, &is_alias) == pair->other;
}

/* Locks the head of an alias, if it still is its head. */
static bool
lock_head_of_alias(void *arg)
{
	AliasHead  *alias = arg;
	bool		is_alias;

	return jp_subject_lock_head(alias->head, alias->linked, alias->restricted) &&
		head_of(alias->pseudonym, &is_alias) == alias->head;
}

/* Locks the head of an identity and returns its number. */
static int32
lock_subject(const JpPseudonym *pseudonym, bool *linked, bool *restricted)
{
	AliasHead	alias = {pseudonym, 0, linked, restricted};
	bool		is_alias;

	while ((alias.head = head_of(pseudonym, &is_alias)) != JP_NO_SUBJECT)
	{
		/* A head that is locked stays one. */
		if (is_alias ? jp_attempt(lock_head_of_alias, &alias, NULL)
			: jp_subject_lock_head(alias.head, linked, restricted))
			break;
	}
	return alias.head;
}

/* Reads every identity of a subject, ordered by number. */
static void
read_members(int32 head, bool restricted, JpSubject *subject)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(head)};

	jp_execute(&plan,
			   "SELECT number, pseudonym FROM journey_privacy.subject"
			   " WHERE number = $1 OR head = $1 ORDER BY number",
			   1, types, values, NULL, SPI_OK_SELECT);
	take_members(restricted, subject);
}

/* Takes the identities that SPI has just found. */
static void
take_members(bool restricted, JpSubject *subject)
{
	int			i;

	subject->count = SPI_processed;
	subject->restricted = restricted;
	subject->numbers = palloc(Max(subject->count, 1) * sizeof(int32));
	subject->pseudonyms = palloc(Max(subject->count, 1) * sizeof(JpPseudonym));
	for (i = 0; i < subject->count; i++)
	{
		bool		isnull;
		Datum		value;

		subject->numbers[i] =
			DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 1, &isnull));
		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2,
							  &isnull);
		subject->pseudonyms[i] = *(JpPseudonym *) DatumGetPointer(value);
	}
}

/* A subject of one identity. */
static void
set_alone(const JpPseudonym *pseudonym, int32 number, bool restricted,
		  JpSubject *subject)
{
	subject->count = 1;
	subject->restricted = restricted;
	subject->numbers = palloc(sizeof(int32));
	subject->pseudonyms = palloc(sizeof(JpPseudonym));
	subject->numbers[0] = number;
	subject->pseudonyms[0] = *pseudonym;
}

/* Number of an identity's head; the identity is registered if need be. */
static int32
register_or_refuse(const JpPseudonym *pseudonym)
{
	bool		is_alias;
	int32		head = head_of(pseudonym, &is_alias);

	if (head == JP_NO_SUBJECT)
	{
		jp_subject_forget_kept();
		head = jp_subject_register(pseudonym);
	}
	if (head == JP_NO_SUBJECT)
		jp_refuse(JP_NOTE_CONSENT, NULL, InvalidOid,
				  errmsg("the subject has been erased"),
				  errhint("Only a new consent, given after the erasure, lifts it."));
	return head;
}

/* Runs an UPDATE of the registry with two numbers. */
static void
change_rows(SPIPlanPtr *plan, const char *sql, int32 a, int32 b)
{
	Oid			types[2] = {INT4OID, INT4OID};
	Datum		values[2] = {Int32GetDatum(a), Int32GetDatum(b)};

	jp_execute(plan, sql, 2, types, values, NULL, SPI_OK_UPDATE);
}
