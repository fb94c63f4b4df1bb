/*
 * collection_guard.c
 *		What may be written: the insert guard.
 *
 * A row trigger, not row security: it binds owners, superusers, COPY and
 * logical replication too.  It keeps the subject number of each row whatever
 * the statement says, refuses subjects that were erased, and, where the table
 * is collected for purposes, rows of people whom none of them permits.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "catalog.h"
#include "collection.h"
#include "collection_moving.h"
#include "collection_rules.h"
#include "consent.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "note.h"
#include "pseudonym_internal.h"
#include "subject.h"

/* What one statement's trigger remembers between rows. */
typedef struct GuardState
{
	uint64		epoch;			/* jp_epoch when this was filled */
	TimestampTz statement;
	AttrNumber	subject;
	AttrNumber	number;			/* 0 where the table carries none */
	Oid			subject_type;
	char	   *kind;
	bool		skip;
	bool		numbering;		/* its rows, which are there, are being numbered */
	int			collected_count;
	JpPermitted **permitted;	/* one for each purpose it is collected for */
	JpBoundRules *rules;		/* plan and minimisation; NULL: none */
	MemoryContext context;
} GuardState;

/* The table whose rows, which are there, are being numbered, in partitions too. */
static Oid	numbering = InvalidOid;

/* Then: rows of the erased, who may be on hold, keep the number they have. */
static bool numbering_keeps = false;

/* The tables whose rows, which are there, are being minimised, or redacted. */
static Oid	minimizing = InvalidOid;
static Oid	redacting = InvalidOid;

static GuardState *guard_state(FunctionCallInfo fcinfo, Relation rel);
static void find_columns(GuardState *state, Relation rel,
						 const JpProtection *protection);
static void open_purposes(GuardState *state, const JpProtection *protection);
static bool has_basis(GuardState *state, const JpPseudonym *pseudonym);
static bool same_subject(const GuardState *state, Relation rel,
						 HeapTuple before, HeapTuple after, int32 *number);
static int32 number_in(const GuardState *state, Relation rel, HeapTuple row);
static HeapTuple refuse(const GuardState *state, Relation rel,
						const char *why, const char *hint);
static bool is_numbering(Relation rel);
static bool rules_rest(const GuardState *state, Oid relid);
static HeapTuple finished(const GuardState *state, Relation rel,
						  HeapTuple tuple, JpRuleRow *row, int32 number,
						  const JpPseudonym *pseudonym);
static HeapTuple written(const GuardState *state, const TriggerData *trigger,
						 HeapTuple tuple, JpRuleRow *row, int32 number,
						 const JpPseudonym *pseudonym);
static bool may_move(const GuardState *state, Relation rel);
static HeapTuple with_number(const GuardState *state, Relation rel,
							 HeapTuple tuple, int32 number,
							 const JpPseudonym *pseudonym);
static void set_number(const GuardState *state, JpRuleRow *row, int32 number,
					   const JpPseudonym *pseudonym);

PG_FUNCTION_INFO_V1(jp_guard_row);
PG_FUNCTION_INFO_V1(jp_guard_truncate);

/* Row trigger of every protected table. */
Datum
jp_guard_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	rel;
	HeapTuple	tuple;
	GuardState *state;
	JpRuleRow  *row = NULL;
	JpPseudonym pseudonym;
	Datum		value;
	bool		isnull;
	bool		lenient;
	int32		number;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("guard_row() can only be called as a row trigger before insert or update")));
	rel = trigger->tg_relation;
	tuple = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	state = guard_state(fcinfo, rel);
	if (state->rules != NULL && !rules_rest(state, RelationGetRelid(rel)))
		row = jp_rule_row(state->rules, trigger, tuple);

	lenient = state->numbering;
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && !lenient &&
		same_subject(state, rel, trigger->tg_trigtuple, tuple, &number))
		return PointerGetDatum(written(state, trigger, tuple, row, number, NULL));
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && may_move(state, rel) &&
		jp_moving_arrives(rel, tuple, &number))
		return PointerGetDatum(with_number(state, rel, tuple, number, NULL));

	if (row != NULL)
	{
		value = row->values[state->subject - 1];
		isnull = row->nulls[state->subject - 1];
	}
	else
		value = heap_getattr(tuple, state->subject, RelationGetDescr(rel), &isnull);
	if (isnull)
		return PointerGetDatum(written(state, trigger, tuple, row, JP_NO_SUBJECT, NULL));
	jp_subject_of_datum(value, state->subject_type, state->kind,
						&pseudonym);
	if (!lenient && !has_basis(state, &pseudonym))
		return PointerGetDatum(refuse(state, rel, "no purpose it is collected for permits its subject",
									  "Record the subject's consent first, or let protect() collect the table for another purpose."));
	/* Nobody is registered because of a row that the plan leaves out. */
	if (row != NULL && !jp_plan_admits(state->rules, row))
		return PointerGetDatum(NULL);
	number = jp_subject_register(&pseudonym);
	if (number == JP_NO_SUBJECT && lenient && numbering_keeps)
		return PointerGetDatum(with_number(state, rel, tuple,
										   number_in(state, rel, trigger->tg_trigtuple),
										   &pseudonym));
	if (number == JP_NO_SUBJECT)
		return PointerGetDatum(refuse(state, rel, "its subject has been erased",
									  "Only a new consent, given after the erasure, lets the subject's data in again."));
	return PointerGetDatum(written(state, trigger, tuple, row, number, &pseudonym));
}

/*
 * The row as it is written, or NULL.  One that is updated may be on its way to
 * another partition.
 */
static HeapTuple
written(const GuardState *state, const TriggerData *trigger, HeapTuple tuple,
		JpRuleRow *row, int32 number, const JpPseudonym *pseudonym)
{
	Relation	rel = trigger->tg_relation;

	tuple = finished(state, rel, tuple, row, number, pseudonym);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) && tuple != NULL &&
		may_move(state, rel))
		jp_moving_note(rel, tuple, number);
	return tuple;
}

/* Whether rows can move to another partition, where they might be left out. */
static bool
may_move(const GuardState *state, Relation rel)
{
	return rel->rd_rel->relispartition &&
		(state->skip ||
		 (state->rules != NULL && state->rules->rules->plan != NULL));
}

/*
 * Statement trigger: who sees only some of the rows must not remove all, with
 * those of people they do not know of.
 */
Datum
jp_guard_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	rel;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("guard_truncate() can only be called as a trigger before truncate")));
	rel = trigger->tg_relation;
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, true) == RLS_ENABLED)
		jp_refuse(JP_NOTE_USE, "TRUNCATE TABLE", RelationGetRelid(rel),
				  errmsg("permission denied to truncate protected table \"%s\"",
					   RelationGetRelationName(rel)),
				  errhint("Row security binds you; a superuser may, and DELETE removes the rows that you see."));
	return PointerGetDatum(NULL);
}

/* Lets the guard number the rows of a table. */
void
jp_guard_numbering(Oid relid, bool keep)
{
	numbering = relid;
	numbering_keeps = keep;
}

/* Lets the guard minimise the rows of a table, and leave out those that are. */
void
jp_guard_minimizing(Oid relid)
{
	minimizing = relid;
}

/* Lets an erasure redact the rows of a table. */
void
jp_guard_redacting(Oid relid)
{
	redacting = relid;
}

/*
 * What the trigger remembers, made anew when the statement or anything that
 * counts has changed.
 */
static GuardState *
guard_state(FunctionCallInfo fcinfo, Relation rel)
{
	GuardState *state = fcinfo->flinfo->fn_extra;
	const JpProtection *protection;

	if (state != NULL && state->epoch == jp_epoch &&
		state->statement == GetCurrentStatementStartTimestamp())
		return state;

	protection = jp_protection_find(RelationGetRelid(rel));
	if (protection == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has the insert guard but is not registered",
						RelationGetRelationName(rel)),
				 errhint("Drop the trigger and run journey_privacy.protect().")));
	jp_keyring_require();

	if (state == NULL)
	{
		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(*state));
		state->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt,
											   "journey_privacy guard",
											   ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = state;
	}
	MemoryContextReset(state->context);
	state->epoch = 0;
	state->kind = protection->kind == NULL ? NULL :
		MemoryContextStrdup(state->context, protection->kind);
	state->skip = protection->skip;
	state->numbering = is_numbering(rel);
	find_columns(state, rel, protection);
	open_purposes(state, protection);
	state->rules = jp_rules_bind(rel, jp_protected_head(RelationGetRelid(rel)),
								 state->context);
	state->statement = GetCurrentStatementStartTimestamp();
	state->epoch = jp_epoch;
	return state;
}

/* Finds the columns, which must still be of the types they had. */
static void
find_columns(GuardState *state, Relation rel, const JpProtection *protection)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Oid			relid = RelationGetRelid(rel);

	state->subject = get_attnum(relid, NameStr(protection->subject_column));
	state->number = InvalidAttrNumber;
	if (NameStr(protection->number_column)[0] != '\0')
		state->number = get_attnum(relid, NameStr(protection->number_column));
	if (state->subject > 0)
		state->subject_type = TupleDescAttr(desc, state->subject - 1)->atttypid;
	if (state->subject <= 0 ||
		(NameStr(protection->number_column)[0] != '\0' &&
		 (state->number <= 0 ||
		  TupleDescAttr(desc, state->number - 1)->atttypid != INT4OID)) ||
		(protection->kind == NULL ?
		 state->subject_type != jp_type("pseudonym") :
		 !jp_subject_type_ok(state->subject_type)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a column that protects table \"%s\" is gone, renamed or of another type",
						RelationGetRelationName(rel)),
				 errhint("Run journey_privacy.unprotect() and journey_privacy.protect().")));
}

/* Opens a reader for each purpose that the table is collected for. */
static void
open_purposes(GuardState *state, const JpProtection *protection)
{
	int			i;

	state->collected_count = protection->collected_count;
	state->permitted = MemoryContextAlloc(state->context,
										  sizeof(JpPermitted *) *
										  (protection->collected_count + 1));
	for (i = 0; i < protection->collected_count; i++)
		state->permitted[i] =
			jp_permitted_open(jp_purpose_get(protection->collected_for[i]),
							  state->context);
}

/*
 * Whether one of the purposes permits the subject.  One who is not
 * registered has not decided, and is not registered to find that out.
 */
static bool
has_basis(GuardState *state, const JpPseudonym *pseudonym)
{
	int32		number;
	int			i;

	if (state->collected_count == 0)
		return true;
	number = jp_subject_find(pseudonym);
	for (i = 0; i < state->collected_count; i++)
		if (number == JP_NO_SUBJECT ?
			jp_permitted_undecided(state->permitted[i]) :
			jp_permitted_test(state->permitted[i], number))
			return true;
	return false;
}

/*
 * Whether an update leaves the subject as it was, and so its number: such a
 * row is no new data about anybody.
 */
static bool
same_subject(const GuardState *state, Relation rel, HeapTuple before,
			 HeapTuple after, int32 *number)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute attribute = TupleDescAttr(desc, state->subject - 1);
	bool		null_before;
	bool		null_after;
	Datum		was = heap_getattr(before, state->subject, desc, &null_before);
	Datum		is = heap_getattr(after, state->subject, desc, &null_after);

	if (null_before || null_after ||
		!datum_image_eq(was, is, attribute->attbyval, attribute->attlen))
		return false;
	*number = number_in(state, rel, before);
	return true;
}

/* The number that a row carries. */
static int32
number_in(const GuardState *state, Relation rel, HeapTuple row)
{
	bool		isnull = true;
	Datum		number = (Datum) 0;

	if (state->number > 0)
		number = heap_getattr(row, state->number, RelationGetDescr(rel), &isnull);
	return isnull ? JP_NO_SUBJECT : DatumGetInt32(number);
}

/*
 * Leaves a row out, with an error unless the table says otherwise.  The
 * context of COPY would quote the row.
 */
static HeapTuple
refuse(const GuardState *state, Relation rel, const char *why, const char *hint)
{
	if (!state->skip || state->numbering)
		(void) jp_hide_value();
	if (state->numbering)
		jp_refuse_erased_rows(RelationGetRelationName(rel));
	if (!state->skip)
		jp_refuse(JP_NOTE_USE, "INSERT", RelationGetRelid(rel),
				  errmsg("row for protected table \"%s\" refused: %s",
					   RelationGetRelationName(rel), why),
				  errhint("%s", hint));
	return NULL;
}

/* Refuses to protect a table that holds rows of somebody erased. */
void
jp_refuse_erased_rows(const char *table)
{
	jp_refuse(JP_NOTE_USE, "INSERT", InvalidOid,
			  errmsg("table \"%s\" holds rows of a subject that has been erased",
				   table),
			  errhint("Delete the rows for which journey_privacy.is_erased() is true of the subject."));
}

/*
 * Whether rows are written as they are: what an erasure puts in place of a
 * value, and what has been through the guard before a key was rotated.
 */
static bool
rules_rest(const GuardState *state, Oid relid)
{
	return state->numbering || relid == redacting;
}

/* Whether a table's rows are being numbered, or those of a whole it is part of. */
static bool
is_numbering(Relation rel)
{
	if (!OidIsValid(numbering))
		return false;
	return RelationGetRelid(rel) == numbering ||
		(rel->rd_rel->relispartition &&
		 list_member_oid(get_partition_ancestors(RelationGetRelid(rel)),
						 numbering));
}

/*
 * The row as it is written: what its table's plan makes of it, minimised, and
 * with its subject number.  NULL when the plan leaves it out, or, while rows
 * that are there are minimised, when there is nothing to do.
 */
static HeapTuple
finished(const GuardState *state, Relation rel, HeapTuple tuple,
		 JpRuleRow *row, int32 number, const JpPseudonym *pseudonym)
{
	bool		all = RelationGetRelid(rel) == minimizing;

	if (row == NULL)
		return with_number(state, rel, tuple, number, pseudonym);
	if (!all)
	{
		if (!row->judged && !jp_plan_admits(state->rules, row))
			return NULL;
		jp_plan_apply(state->rules, row);
	}
	jp_minimize_apply(state->rules, row, all);
	if (all && !row->changed)
		return NULL;
	set_number(state, row, number, pseudonym);
	return jp_rule_tuple(row, tuple);
}

/* As with_number(), of a row that has been read. */
static void
set_number(const GuardState *state, JpRuleRow *row, int32 number,
		   const JpPseudonym *pseudonym)
{
	int			at = state->number - 1;

	if (pseudonym != NULL && state->kind == NULL &&
		memcmp(DatumGetPointer(row->values[state->subject - 1]), pseudonym,
			   sizeof(JpPseudonym)) != 0)
		jp_rule_set(row, state->subject, PointerGetDatum(pseudonym), false);
	if (state->number > 0 &&
		(row->nulls[at] != (number == JP_NO_SUBJECT) ||
		 (!row->nulls[at] && DatumGetInt32(row->values[at]) != number)))
		jp_rule_set(row, state->number, Int32GetDatum(number),
					number == JP_NO_SUBJECT);
}

/*
 * The row with its subject number, and its pseudonym under the current key,
 * as they must be.
 */
static HeapTuple
with_number(const GuardState *state, Relation rel, HeapTuple tuple,
			int32 number, const JpPseudonym *pseudonym)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			columns[2];
	Datum		values[2];
	bool		nulls[2] = {false, false};
	int			count = 0;
	bool		isnull;

	if (pseudonym != NULL && state->kind == NULL &&
		memcmp(DatumGetPointer(heap_getattr(tuple, state->subject, desc, &isnull)),
			   pseudonym, sizeof(JpPseudonym)) != 0)
	{
		columns[count] = state->subject;
		values[count++] = PointerGetDatum(pseudonym);
	}
	if (state->number > 0)
	{
		Datum		was = heap_getattr(tuple, state->number, desc, &isnull);

		if (isnull != (number == JP_NO_SUBJECT) ||
			(!isnull && DatumGetInt32(was) != number))
		{
			nulls[count] = (number == JP_NO_SUBJECT);
			columns[count] = state->number;
			values[count++] = Int32GetDatum(number);
		}
	}
	if (count == 0)
		return tuple;
	return heap_modify_tuple_by_cols(tuple, desc, count, columns, values, nulls);
}
