/*
 * collection_rules.c
 *		The rules of protected tables: kept for the session, found for each
 *		statement.
 *
 * The rules of a table are read when first asked for and kept until any
 * configuration changes.  A statement holds on to those it began with, by a
 * reference that its memory context gives back: nothing that happens while a
 * row is worked on takes them away.  Partitions and children have the rules
 * of the table that was protected.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "collection.h"
#include "collection_rules.h"

/* Columns, in the order of CREATE TABLE. */
enum
{
	M_RELATION = 1, M_COLUMN, M_TRANSFORM, M_POSITION, M_V4, M_V6, M_STEP,
	M_DIGITS, M_KEYS, M_KIND
};
enum
{
	P_RELATION = 1, P_EVENT_COLUMN, P_PROPS_COLUMN, P_ON_VIOLATION
};
enum
{
	E_RELATION = 1, E_EVENT, E_ALLOWED, E_REQUIRED
};

/* The rules of a table as the cache knows them. */
typedef struct Known
{
	Oid			relid;			/* hash key */
	JpRules    *rules;
} Known;

/* Rules of tables, and the generation of the configuration they are of. */
static HTAB *known = NULL;
static uint64 known_as_of = 0;

static void bind_minimizations(JpBoundRules *bound, Relation rel);
static void bind_plan(JpBoundRules *bound, Relation rel);
static JpRules *rules_of(Oid head);
static void forget_all(void);
static JpRules *read_rules(Oid head);
static void read_minimizations(JpRules *rules);
static void read_minimization(JpMinimization *rule, HeapTuple tuple,
							  TupleDesc desc);
static int	compare_positions(const ListCell *a, const ListCell *b);
static void read_plan(JpRules *rules);
static void read_events(JpRules *rules);
static void read_event(JpPlannedEvent *event, HeapTuple tuple, TupleDesc desc);
static int	compare_events(const void *a, const void *b);
static List *rows_of(const char *table, const char *index, Oid relid,
					 TupleDesc *desc);
static char *text_at(HeapTuple tuple, int column, TupleDesc desc);
static int	int_at(HeapTuple tuple, int column, TupleDesc desc);
static AttrNumber bound_column(Relation rel, const NameData *name);
pg_noreturn static void column_gone(Relation rel);

/* The rules for a relation. */
JpBoundRules *
jp_rules_bind(Relation rel, Oid head, MemoryContext context)
{
	JpRules    *rules = rules_of(head);
	MemoryContext caller;
	JpBoundRules *bound;
	MemoryContextCallback *release;

	if (rules->count == 0 && rules->plan == NULL)
		return NULL;
	caller = MemoryContextSwitchTo(context);
	bound = palloc0(sizeof(JpBoundRules));
	release = palloc0(sizeof(MemoryContextCallback));
	release->func = jp_rules_release;
	release->arg = rules;
	rules->references++;
	MemoryContextRegisterResetCallback(context, release);
	bound->rules = rules;
	bound->relation = pstrdup(RelationGetRelationName(rel));
	bound->relid = RelationGetRelid(rel);
	bind_minimizations(bound, rel);
	if (rules->plan != NULL)
		bind_plan(bound, rel);
	MemoryContextSwitchTo(caller);
	return bound;
}

/* Finds the columns that are minimised. */
static void
bind_minimizations(JpBoundRules *bound, Relation rel)
{
	const JpRules *rules = bound->rules;
	int			i;

	bound->minimizations = palloc0(sizeof(JpBoundMinimization) * (rules->count + 1));
	for (i = 0; i < rules->count; i++)
	{
		JpBoundMinimization *one = &bound->minimizations[i];
		Form_pg_attribute attribute;

		one->rule = &rules->minimizations[i];
		one->column = bound_column(rel, &one->rule->column);
		attribute = TupleDescAttr(RelationGetDescr(rel), one->column - 1);
		one->type = attribute->atttypid;
		one->typmod = attribute->atttypmod;
		if (!jp_transform_fits(one->rule->transform, one->type))
			column_gone(rel);
	}
}

/* Finds the columns of the data plan. */
static void
bind_plan(JpBoundRules *bound, Relation rel)
{
	const JpDataPlan *plan = bound->rules->plan;
	TupleDesc	desc = RelationGetDescr(rel);
	Oid			type;

	bound->event = bound_column(rel, &plan->event_column);
	type = TupleDescAttr(desc, bound->event - 1)->atttypid;
	if (type != TEXTOID && type != VARCHAROID)
		column_gone(rel);
	if (NameStr(plan->props_column)[0] == '\0')
		return;
	bound->props = bound_column(rel, &plan->props_column);
	if (TupleDescAttr(desc, bound->props - 1)->atttypid != JSONBOID)
		column_gone(rel);
}

/* Gives back a reference to rules. */
void
jp_rules_release(void *arg)
{
	JpRules    *rules = arg;

	if (--rules->references == 0)
		MemoryContextDelete(rules->context);
}

/* The protected table that a relation is a part of. */
Oid
jp_protected_head(Oid relid)
{
	const JpProtection *protection = jp_protection_find(relid);

	while (protection != NULL && OidIsValid(protection->inherited_from))
	{
		relid = protection->inherited_from;
		protection = jp_protection_find(relid);
	}
	return protection == NULL ? InvalidOid : relid;
}

/* The rules of a table, from the cache. */
static JpRules *
rules_of(Oid head)
{
	Known	   *entry;
	bool		found;
	JpRules    *rules;

	if (known == NULL || known_as_of != jp_catalog_generation())
		forget_all();
	entry = hash_search(known, &head, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->rules;
	rules = read_rules(head);
	entry = hash_search(known, &head, HASH_ENTER, &found);
	entry->rules = rules;
	return rules;
}

/* Begins an empty cache. */
static void
forget_all(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Known)};
	uint64		as_of = jp_catalog_generation();

	if (known != NULL)
	{
		HASH_SEQ_STATUS scan;
		Known	   *entry;

		hash_seq_init(&scan, known);
		while ((entry = hash_seq_search(&scan)) != NULL)
			jp_rules_release(entry->rules);
		hash_destroy(known);
		known = NULL;
	}
	known = hash_create("journey_privacy rules", 32, &control,
						HASH_ELEM | HASH_BLOBS);
	known_as_of = as_of;
}

/* Reads the rules of a table. */
static JpRules *
read_rules(Oid head)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller,
												  "journey_privacy rules",
												  ALLOCSET_SMALL_SIZES);
	JpRules    *rules;

	MemoryContextSwitchTo(context);
	rules = palloc0(sizeof(JpRules));
	rules->relid = head;
	rules->context = context;
	rules->references = 1;		/* the cache's */
	read_minimizations(rules);
	read_plan(rules);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);
	return rules;
}

/* Reads what is minimised. */
static void
read_minimizations(JpRules *rules)
{
	TupleDesc	desc;
	List	   *rows = rows_of("minimization", "minimization_pkey",
							   rules->relid, &desc);
	List	   *read = NIL;
	ListCell   *cell;

	foreach(cell, rows)
	{
		JpMinimization *rule = palloc0(sizeof(JpMinimization));

		read_minimization(rule, lfirst(cell), desc);
		read = lappend(read, rule);
	}
	list_sort(read, compare_positions);
	rules->minimizations = palloc(sizeof(JpMinimization) * (list_length(read) + 1));
	foreach(cell, read)
		rules->minimizations[rules->count++] = *(JpMinimization *) lfirst(cell);
}

/* Reads one row of table minimization. */
static void
read_minimization(JpMinimization *rule, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, M_COLUMN, desc, &isnull);
	int			transform = jp_transform_named(text_at(tuple, M_TRANSFORM, desc));

	if (isnull || transform < 0)
		elog(ERROR, "a row of table minimization is damaged");
	rule->column = *DatumGetName(value);
	rule->transform = transform;
	rule->position = int_at(tuple, M_POSITION, desc);
	rule->v4 = int_at(tuple, M_V4, desc);
	rule->v6 = int_at(tuple, M_V6, desc);
	rule->digits = int_at(tuple, M_DIGITS, desc);
	rule->kind = text_at(tuple, M_KIND, desc);
	value = heap_getattr(tuple, M_STEP, desc, &isnull);
	if (!isnull)
		rule->step = *DatumGetIntervalP(value);
	value = heap_getattr(tuple, M_KEYS, desc, &isnull);
	if (!isnull)
		rule->keys = jp_keys_read(DatumGetArrayTypeP(value));
}

/* In the order in which they were made. */
static int
compare_positions(const ListCell *a, const ListCell *b)
{
	return ((const JpMinimization *) lfirst(a))->position -
		((const JpMinimization *) lfirst(b))->position;
}

/* Reads the data plan, if there is one. */
static void
read_plan(JpRules *rules)
{
	TupleDesc	desc;
	List	   *rows = rows_of("data_plan", "data_plan_pkey", rules->relid, &desc);
	HeapTuple	tuple;
	char	   *on_violation;
	bool		isnull;
	Datum		value;

	if (rows == NIL)
		return;
	tuple = linitial(rows);
	rules->plan = palloc0(sizeof(JpDataPlan));
	value = heap_getattr(tuple, P_EVENT_COLUMN, desc, &isnull);
	rules->plan->event_column = *DatumGetName(value);
	value = heap_getattr(tuple, P_PROPS_COLUMN, desc, &isnull);
	if (!isnull)
		rules->plan->props_column = *DatumGetName(value);
	on_violation = text_at(tuple, P_ON_VIOLATION, desc);
	rules->plan->on_violation =
		strcmp(on_violation, "strip") == 0 ? JP_PLAN_STRIP :
		strcmp(on_violation, "count") == 0 ? JP_PLAN_COUNT : JP_PLAN_REFUSE;
	read_events(rules);
}

/* Reads the planned events, in an order to search in. */
static void
read_events(JpRules *rules)
{
	TupleDesc	desc;
	List	   *rows = rows_of("planned_event", "planned_event_pkey",
							   rules->relid, &desc);
	JpDataPlan *plan = rules->plan;
	ListCell   *cell;

	plan->events = palloc0(sizeof(JpPlannedEvent) * (list_length(rows) + 1));
	foreach(cell, rows)
		read_event(&plan->events[plan->count++], lfirst(cell), desc);
	qsort(plan->events, plan->count, sizeof(JpPlannedEvent), compare_events);
}

/* Reads one row of table planned_event. */
static void
read_event(JpPlannedEvent *event, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	bool		none_required;
	Datum		required = heap_getattr(tuple, E_REQUIRED, desc, &none_required);
	Datum		allowed = heap_getattr(tuple, E_ALLOWED, desc, &isnull);

	event->name = text_at(tuple, E_EVENT, desc);
	event->length = strlen(event->name);
	if (!isnull)
	{
		event->allowed = jp_keys_read(DatumGetArrayTypeP(allowed));
		if (!none_required)
			jp_keys_add(event->allowed, DatumGetArrayTypeP(required));
	}
	if (!none_required)
	{
		Datum	   *paths;
		int			count;
		int			i;

		deconstruct_array(DatumGetArrayTypeP(required), TEXTOID, -1, false,
						  TYPALIGN_INT, &paths, NULL, &count);
		for (i = 0; i < count; i++)
		{
			event->required = lappend(event->required,
									  jp_keys_read(construct_array(&paths[i], 1,
																   TEXTOID, -1, false,
																   TYPALIGN_INT)));
			event->required_names = lappend(event->required_names,
											TextDatumGetCString(paths[i]));
		}
	}
}

/* By length, then bytes. */
static int
compare_events(const void *a, const void *b)
{
	const JpPlannedEvent *x = a;
	const JpPlannedEvent *y = b;

	return x->length != y->length ? (x->length < y->length ? -1 : 1) :
		memcmp(x->name, y->name, x->length);
}

/* Copies of the rows of one of our tables that are about a relation. */
static List *
rows_of(const char *table, const char *index, Oid relid, TupleDesc *desc)
{
	Relation	rel = table_open(jp_relation(table), AccessShareLock);
	List	   *rows = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, jp_relation(index), true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rows = lappend(rows, heap_copytuple(tuple));
	systable_endscan(scan);
	*desc = CreateTupleDescCopy(RelationGetDescr(rel));
	table_close(rel, AccessShareLock);
	return rows;
}

/* A column of type text; NULL when it is null. */
static char *
text_at(HeapTuple tuple, int column, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* A column of type integer; -1 when it is null. */
static int
int_at(HeapTuple tuple, int column, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, desc, &isnull);

	return isnull ? -1 : DatumGetInt32(value);
}

/* A column that must be there. */
static AttrNumber
bound_column(Relation rel, const NameData *name)
{
	AttrNumber	column = get_attnum(RelationGetRelid(rel), NameStr(*name));

	if (column <= 0)
		column_gone(rel);
	return column;
}

/* Nothing is written past rules that cannot be followed. */
static void
column_gone(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a column that rules of table \"%s\" rest on is gone, renamed or of another type",
					RelationGetRelationName(rel)),
			 errhint("Run journey_privacy.unminimize() or drop_data_plan(), and declare the rule anew.")));
}

/* Reads a row. */
JpRuleRow *
jp_rule_row(const JpBoundRules *bound, TriggerData *trigger, HeapTuple tuple)
{
	JpRuleRow  *row = palloc0(sizeof(JpRuleRow));
	int			natts;

	row->desc = RelationGetDescr(trigger->tg_relation);
	natts = row->desc->natts;
	row->values = palloc(sizeof(Datum) * natts);
	row->nulls = palloc(sizeof(bool) * natts);
	heap_deform_tuple(tuple, row->desc, row->values, row->nulls);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		row->before = trigger->tg_trigtuple;
		row->updated = trigger->tg_updatedcols;
	}
	return row;
}

/*
 * Whether the statement gives a column its value: an insert does, and an
 * update that names it, or in which a trigger has changed it.
 */
bool
jp_rule_touches(const JpRuleRow *row, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->desc, column - 1);
	bool		isnull;
	Datum		was;

	if (row->before == NULL ||
		bms_is_member(column - FirstLowInvalidHeapAttributeNumber, row->updated))
		return true;
	was = heap_getattr(row->before, column, row->desc, &isnull);
	if (isnull || row->nulls[column - 1])
		return isnull != row->nulls[column - 1];
	/* What lies elsewhere is the same when the pointer is: not read for that. */
	if (attribute->attlen == -1 &&
		VARSIZE_ANY(DatumGetPointer(was)) ==
		VARSIZE_ANY(DatumGetPointer(row->values[column - 1])) &&
		memcmp(DatumGetPointer(was), DatumGetPointer(row->values[column - 1]),
			   VARSIZE_ANY(DatumGetPointer(was))) == 0)
		return false;
	return !datum_image_eq(was, row->values[column - 1], attribute->attbyval,
						   attribute->attlen);
}

/* Changes a column. */
void
jp_rule_set(JpRuleRow *row, AttrNumber column, Datum value, bool isnull)
{
	row->values[column - 1] = value;
	row->nulls[column - 1] = isnull;
	row->changed = true;
}

/* The row as a tuple. */
HeapTuple
jp_rule_tuple(const JpRuleRow *row, HeapTuple tuple)
{
	HeapTuple	made;

	if (!row->changed)
		return tuple;
	made = heap_form_tuple(row->desc, row->values, row->nulls);
	made->t_data->t_ctid = tuple->t_data->t_ctid;
	made->t_self = tuple->t_self;
	made->t_tableOid = tuple->t_tableOid;
	return made;
}
