/*
 * ingest_consent.c
 *		Whether the consent state of a batch is well formed, told by its path.
 *
 * Names of purposes under the GDPR are the sender's: one that nobody mapped
 * stands as "*", whatever it is.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "compat.h"
#include "ingest.h"
#include "pseudonym_internal.h"

/* Columns of table consent_mapping, in the order of CREATE TABLE. */
enum
{
	FORMAT = 1, EXTERNAL_ID
};

/* How far in the future a decision may lie: clocks differ. */
#define MAX_CLOCK_SKEW	(5 * USECS_PER_MINUTE)

static void check_regulation(JsonbContainer *purposes, const char *name);
static const char *path_of(const char *regulation, const JsonbValue *key);
static bool is_mapped(const char *external_id);
static void check_consent(const JsonbValue *value, const char *path);
static void check_device(JsonbContainer *object, const char *path);

/* Checks consent_state; false when there is none. */
bool
jp_ingest_check_consent(JsonbContainer *batch)
{
	JsonbContainer *state = jp_ingest_object(batch, "consent_state", -1,
											 "consent_state");
	JsonbContainer *gdpr;
	JsonbContainer *ccpa;

	if (state == NULL)
		return false;
	gdpr = jp_ingest_object(state, "gdpr", -1, "consent_state.gdpr");
	ccpa = jp_ingest_object(state, "ccpa", -1, "consent_state.ccpa");
	/* a regulation that is not understood could hold a no */
	if (JsonContainerSize(state) >
		(getKeyJsonValueFromContainer(state, "gdpr", 4, NULL) != NULL) +
		(getKeyJsonValueFromContainer(state, "ccpa", 4, NULL) != NULL))
		jp_ingest_fault(-1, "consent_state", "names a regulation that is not known");
	if (gdpr != NULL)
		check_regulation(gdpr, "gdpr");
	if (ccpa != NULL && JsonContainerSize(ccpa) > 0)
	{
		if (JsonContainerSize(ccpa) > 1 ||
			getKeyJsonValueFromContainer(ccpa, "data_sale_opt_out", 17, NULL) == NULL)
			jp_ingest_fault(-1, "consent_state.ccpa", "names a purpose that is not known");
		check_regulation(ccpa, "ccpa");
	}
	return gdpr != NULL || ccpa != NULL;
}

/* Checks each purpose under a regulation. */
static void
check_regulation(JsonbContainer *purposes, const char *name)
{
	JsonbIterator *iterator = JsonbIteratorInit(purposes);
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		check_consent(&value, path_of(name, &key));
	}
}

/* Where a purpose stands in a batch. */
static const char *
path_of(const char *regulation, const JsonbValue *key)
{
	char	   *name = pnstrdup(key->val.string.val, key->val.string.len);
	char	   *lower = asc_tolower(name, strlen(name));

	/* the CCPA's only purpose is mParticle's own */
	if (strcmp(regulation, "gdpr") == 0 && !is_mapped(psprintf("gdpr:%s", lower)))
		name = "*";
	return psprintf("consent_state.%s.%s", regulation, name);
}

/* Whether an external id stands for a purpose. */
static bool
is_mapped(const char *external_id)
{
	Relation	rel = table_open(jp_relation("consent_mapping"), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		if (strcmp(TextDatumGetCString(heap_getattr(tuple, FORMAT, desc, &isnull)),
				   "mparticle") == 0)
			found = strcmp(TextDatumGetCString(heap_getattr(tuple, EXTERNAL_ID,
															desc, &isnull)),
						   external_id) == 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Checks one consent. */
static void
check_consent(const JsonbValue *value, const char *path)
{
	char	   *time_path = psprintf("%s.timestamp_unixtime_ms", path);
	JsonbContainer *object;
	JsonbValue *member;

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		jp_ingest_fault(-1, path, "is not an object");
	object = value->val.binary.data;
	member = jp_ingest_member(object, "consented");
	if (member == NULL || member->type != jbvBool)
		jp_ingest_fault(-1, psprintf("%s.consented", path),
						member == NULL ? "is missing" : "is not true or false");
	member = jp_ingest_member(object, "timestamp_unixtime_ms");
	if (member != NULL)
		(void) jp_ingest_past_time(member, -1, time_path, MAX_CLOCK_SKEW);
	(void) jp_ingest_text(object, "document", -1, psprintf("%s.document", path));
	(void) jp_ingest_text(object, "location", -1, psprintf("%s.location", path));
	check_device(object, psprintf("%s.hardware_id", path));
}

/* The device becomes a pseudonym, which it must be good for. */
static void
check_device(JsonbContainer *object, const char *path)
{
	char	   *value = jp_ingest_text(object, "hardware_id", -1, path);
	char		form[JP_VALUE_MAX];

	if (value != NULL &&
		jp_normalize(JP_NORMALIZE_TRIM, value, strlen(value), form) < 0)
		jp_ingest_fault(-1, path, "cannot be an identity");
}
