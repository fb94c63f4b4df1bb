/*
 * ingest_consent.c
 *		Whether the consent state of a batch is well formed, told by its path.
 *
 * Names of purposes under the GDPR are the sender's; they stand as "*".
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "compat.h"
#include "ingest.h"
#include "pseudonym_internal.h"

/* How far in the future a decision may lie: clocks differ. */
#define MAX_CLOCK_SKEW	(5 * USECS_PER_MINUTE)

static void check_regulation(JsonbContainer *purposes, const char *path);
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
		check_regulation(gdpr, "consent_state.gdpr.*");
	if (ccpa != NULL && JsonContainerSize(ccpa) > 0)
	{
		if (JsonContainerSize(ccpa) > 1 ||
			getKeyJsonValueFromContainer(ccpa, "data_sale_opt_out", 17, NULL) == NULL)
			jp_ingest_fault(-1, "consent_state.ccpa", "names a purpose that is not known");
		check_regulation(ccpa, "consent_state.ccpa.data_sale_opt_out");
	}
	return gdpr != NULL || ccpa != NULL;
}

/* Checks each purpose under a regulation. */
static void
check_regulation(JsonbContainer *purposes, const char *path)
{
	JsonbIterator *iterator = JsonbIteratorInit(purposes);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_VALUE)
			check_consent(&value, path);
	}
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
	if (member != NULL &&
		jp_ingest_time(member, -1, time_path) > GetCurrentTimestamp() + MAX_CLOCK_SKEW)
		jp_ingest_fault(-1, time_path, "lies in the future");
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
