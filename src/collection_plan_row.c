/*
 * collection_plan_row.c
 *		A row and the data plan of its table.
 *
 * The plan comes first, then minimising: what is required must have been
 * sent, and what is stripped is gone.  Names of events and keys that are not
 * in the plan may be anything that was sent, so no message and no count tells
 * them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"

#include "collection_rules.h"
#include "compat.h"
#include "note.h"
#include "pseudonym_internal.h"

static const JpPlannedEvent *find_event(const JpDataPlan *plan, text *name);
static int	compare_name(const void *name, const void *event);
static void check_required(const JpBoundRules *bound, const JpRuleRow *row,
						   Jsonb *props);
static void check_allowed(const JpBoundRules *bound, JpRuleRow *row,
						  Jsonb *props);
static void tally(const JpBoundRules *bound, const JpRuleRow *row,
				  const char *key, const char *what);
static void refuse(const JpBoundRules *bound, const JpPlannedEvent *event,
				   const char *fact, const char *key);

/* Whether the plan lets a row in. */
bool
jp_plan_admits(const JpBoundRules *bound, JpRuleRow *row)
{
	const JpDataPlan *plan = bound->rules->plan;

	row->judged = true;
	if (plan == NULL ||
		(!jp_rule_touches(row, bound->event) &&
		 (bound->props == 0 || !jp_rule_touches(row, bound->props))))
		return true;
	row->planned = true;
	if (!row->nulls[bound->event - 1])
		row->event = find_event(plan, DatumGetTextPP(row->values[bound->event - 1]));
	if (row->event != NULL)
		return true;
	if (plan->on_violation == JP_PLAN_REFUSE)
		refuse(bound, NULL, "its event is not in the data plan", NULL);
	if (plan->on_violation == JP_PLAN_STRIP)
		tally(bound, row, "", "unplanned event");
	return plan->on_violation == JP_PLAN_COUNT;
}

/* What the plan makes of the keys of a row that is let in. */
void
jp_plan_apply(const JpBoundRules *bound, JpRuleRow *row)
{
	Jsonb	   *props = NULL;

	if (!row->planned)
		return;
	if (row->event == NULL)
		tally(bound, row, "", "unplanned event");
	else if (bound->props != 0)
	{
		if (!row->nulls[bound->props - 1])
			props = DatumGetJsonbP(row->values[bound->props - 1]);
		check_required(bound, row, props);
		if (row->event->allowed != NULL && props != NULL)
			check_allowed(bound, row, props);
	}
}

/* The planned event of a name, or NULL. */
static const JpPlannedEvent *
find_event(const JpDataPlan *plan, text *name)
{
	JpPlannedEvent wanted = {.name = VARDATA_ANY(name), .length = VARSIZE_ANY_EXHDR(name)};

	return bsearch(&wanted, plan->events, plan->count, sizeof(JpPlannedEvent),
				   compare_name);
}

/* The order in which collection_rules.c has them. */
static int
compare_name(const void *name, const void *event)
{
	const JpPlannedEvent *a = name;
	const JpPlannedEvent *b = event;

	return a->length != b->length ? (a->length < b->length ? -1 : 1) :
		memcmp(a->name, b->name, a->length);
}

/* Refuses or counts each required key that is missing. */
static void
check_required(const JpBoundRules *bound, const JpRuleRow *row, Jsonb *props)
{
	int			i;

	for (i = 0; i < list_length(row->event->required); i++)
	{
		const char *key = list_nth(row->event->required_names, i);

		if (props != NULL && jp_jsonb_has(props, list_nth(row->event->required, i)))
			continue;
		if (bound->rules->plan->on_violation == JP_PLAN_REFUSE)
			refuse(bound, row->event, "a required key is missing", key);
		tally(bound, row, key, "missing key");
	}
}

/* Refuses, strips or counts keys that are not planned. */
static void
check_allowed(const JpBoundRules *bound, JpRuleRow *row, Jsonb *props)
{
	Jsonb	   *left = jp_jsonb_prune(props, row->event->allowed, true);

	if (left == props)
		return;
	if (bound->rules->plan->on_violation == JP_PLAN_REFUSE)
		refuse(bound, row->event, "it has a key that is not in the data plan", NULL);
	if (bound->rules->plan->on_violation == JP_PLAN_STRIP)
		jp_rule_set(row, bound->props, JsonbPGetDatum(left), false);
	tally(bound, row, "", "unplanned key");
}

/* Counts a violation. */
static void
tally(const JpBoundRules *bound, const JpRuleRow *row, const char *key,
	  const char *what)
{
	jp_plan_tally(bound->rules->relid, row->event == NULL ? "" : row->event->name,
				  row->event == NULL ? 0 : row->event->length, key, what);
}

/* Refuses a row, and tells the audit, which outlives the rollback. */
static void
refuse(const JpBoundRules *bound, const JpPlannedEvent *event,
	   const char *fact, const char *key)
{
	(void) jp_hide_value();
	jp_note_denied(JP_NOTE_USE, "INSERT", bound->relid);
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("row for protected table \"%s\" refused: %s", bound->relation, fact),
			 key != NULL ?
			 errdetail("Event \"%s\" needs key \"%s\".", event->name, key) :
			 event != NULL ? errdetail("It is of event \"%s\".", event->name) : 0,
			 errhint("journey_privacy.plan_event() plans it; set_data_plan() lets rows through with a count.")));
}
