/*
 * exchange_json.c
 *		Documents in JSON: Google Consent Mode v2, mParticle's consent_state.
 *
 * Google's signals have three states: granted, denied, and unset, which is
 * not a denial.  mParticle's only CCPA purpose is an opt-out: "consented"
 * means that the person has opted out, so a yes there is a no here.
 * Whatever is not understood is refused rather than passed over, because it
 * could be a no.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "exchange.h"

#define GOOGLE		"Google consent signals"
#define MPARTICLE	"mParticle consent state"
#define CCPA_ID		"ccpa:data_sale_opt_out"
#define MAX_DIGITS	15			/* of milliseconds since 1970 */

/* The signals: the four of Consent Mode v2, then those for the site itself. */
static const char *const google_signal[] = {
	"ad_storage", "ad_user_data", "ad_personalization", "analytics_storage",
	"functionality_storage", "personalization_storage", "security_storage"
};

#define GOOGLE_SIGNALS	4		/* that google_decode() always tells */

static List *google_says(Jsonb *document);
static bool google_state(const char *signal, const JsonbValue *value,
						 bool *granted);
static bool is_google_signal(const char *key);
static List *mparticle_says(Jsonb *document);
static JsonbContainer *consent_state(Jsonb *document);
static List *says_gdpr(JsonbContainer *gdpr);
static List *says_ccpa(JsonbContainer *ccpa);
static JpStatement *read_consent(const char *external_id,
								 const JsonbValue *value);
static void read_timestamp(const JsonbValue *value, JpStatement *statement);
static JsonbContainer *member_object(JsonbContainer *object, const char *key);
static char *member_text(JsonbContainer *object, const char *key);
static JsonbValue *member(JsonbContainer *object, const char *key);
static bool next_member(JsonbIterator **iterator, char **key,
						JsonbValue *value);
pg_noreturn static void refuse(const char *format, const char *what, const char *where);

PG_FUNCTION_INFO_V1(jp_google_decode);
PG_FUNCTION_INFO_V1(jp_mparticle_decode);

/* SQL: google_decode(signals). */
Datum
jp_google_decode(PG_FUNCTION_ARGS)
{
	List	   *says = google_says(PG_GETARG_JSONB_P(0));
	JsonbParseState *json = NULL;
	int			i;

	jp_json_open(&json, NULL, false);
	for (i = 0; i < lengthof(google_signal); i++)
	{
		const char *state = i < GOOGLE_SIGNALS ? "unset" : NULL;
		ListCell   *cell;

		foreach(cell, says)
		{
			JpStatement *statement = lfirst(cell);

			if (strcmp(statement->external_id, google_signal[i]) == 0)
				state = statement->granted ? "granted" : "denied";
		}
		if (state != NULL)
			jp_json_text(&json, google_signal[i], state);
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(jp_json_close(&json, false)));
}

/* SQL: mparticle_decode(document). */
Datum
jp_mparticle_decode(PG_FUNCTION_ARGS)
{
	List	   *says = mparticle_says(PG_GETARG_JSONB_P(0));
	JsonbParseState *json = NULL;
	ListCell   *cell;

	jp_json_open(&json, NULL, false);
	foreach(cell, says)
	{
		JpStatement *statement = lfirst(cell);

		jp_json_open(&json, statement->external_id, false);
		jp_json_bool(&json, "granted", statement->granted);
		if (statement->dated)
			jp_json_time(&json, "at", statement->at);
		if (statement->notice != NULL)
			jp_json_text(&json, "document", statement->notice);
		if (statement->location != NULL)
			jp_json_text(&json, "location", statement->location);
		if (statement->hardware != NULL)
			jp_json_text(&json, "hardware_id", statement->hardware);
		jp_json_close(&json, false);
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(jp_json_close(&json, false)));
}

/* Statements of a document in JSON. */
List *
jp_json_says(JpFormat format, Jsonb *document)
{
	return format == JP_FORMAT_GOOGLE ?
		google_says(document) : mparticle_says(document);
}

/* Can a document know this external id? */
bool
jp_json_knows(JpFormat format, const char *external_id, bool *opt_out)
{
	*opt_out = strcmp(external_id, CCPA_ID) == 0;
	if (format == JP_FORMAT_GOOGLE)
		return is_google_signal(external_id);
	if (strncmp(external_id, "gdpr:", 5) == 0 && external_id[5] != '\0')
		return strcmp(asc_tolower(external_id, strlen(external_id)),
					  external_id) == 0;
	return *opt_out;
}

/* Statements of Google's signals; an unset signal makes none. */
static List *
google_says(Jsonb *document)
{
	JsonbIterator *iterator;
	List	   *says = NIL;
	JsonbValue	value;
	char	   *key;

	if (!JB_ROOT_IS_OBJECT(document))
		refuse(GOOGLE, "not an object", NULL);
	iterator = JsonbIteratorInit(&document->root);
	while (next_member(&iterator, &key, &value))
	{
		bool		granted;

		if (!is_google_signal(key))
			refuse(GOOGLE, "a key is not a signal", NULL);
		if (google_state(key, &value, &granted))
		{
			JpStatement *statement = palloc0(sizeof(JpStatement));

			statement->external_id = key;
			statement->granted = granted;
			statement->spoken = true;
			says = lappend(says, statement);
		}
	}
	return says;
}

/* State of a signal; false when it is unset. */
static bool
google_state(const char *signal, const JsonbValue *value, bool *granted)
{
	char	   *state;

	if (value->type == jbvNull)
		return false;
	if (value->type != jbvString)
		refuse(GOOGLE, "a state is not a string", signal);
	state = asc_tolower(value->val.string.val, value->val.string.len);
	*granted = strcmp(state, "granted") == 0;
	if (*granted || strcmp(state, "denied") == 0)
		return true;
	if (strcmp(state, "unset") != 0 && strcmp(state, "unspecified") != 0)
		refuse(GOOGLE, "a state is not granted, denied or unset", signal);
	return false;
}

/* Is this one of the signals? */
static bool
is_google_signal(const char *key)
{
	int			i;

	for (i = 0; i < lengthof(google_signal); i++)
		if (strcmp(google_signal[i], key) == 0)
			return true;
	return false;
}

/* Statements of mParticle's consent_state. */
static List *
mparticle_says(Jsonb *document)
{
	JsonbContainer *state = consent_state(document);
	JsonbIterator *iterator;
	List	   *says = NIL;
	JsonbValue	value;
	char	   *key;

	if (state == NULL)
		return NIL;
	iterator = JsonbIteratorInit(state);
	while (next_member(&iterator, &key, &value))
	{
		JsonbContainer *purposes;

		if (strcmp(key, "gdpr") != 0 && strcmp(key, "ccpa") != 0)
			refuse(MPARTICLE, "a regulation is not known", NULL);
		purposes = member_object(state, key);
		if (purposes != NULL)
			says = list_concat(says, key[0] == 'g' ?
							   says_gdpr(purposes) : says_ccpa(purposes));
	}
	return says;
}

/* The consent_state of a batch, or the document if it is one itself. */
static JsonbContainer *
consent_state(Jsonb *document)
{
	JsonbContainer *root = &document->root;

	if (!JB_ROOT_IS_OBJECT(document))
		refuse(MPARTICLE, "not an object", NULL);
	if (member(root, "consent_state") != NULL)
		return member_object(root, "consent_state");
	if (member(root, "gdpr") != NULL || member(root, "ccpa") != NULL)
		return root;
	if (member(root, "events") == NULL && member(root, "mpid") == NULL &&
		JsonContainerSize(root) > 0)
		refuse(MPARTICLE, "neither a batch nor a consent state",
			   NULL);
	return NULL;
}

/* Purposes under the GDPR; their names are the customer's own. */
static List *
says_gdpr(JsonbContainer *gdpr)
{
	JsonbIterator *iterator = JsonbIteratorInit(gdpr);
	List	   *says = NIL;
	JsonbValue	value;
	char	   *key;

	while (next_member(&iterator, &key, &value))
		says = lappend(says,
					   read_consent(psprintf("gdpr:%s",
											 asc_tolower(key, strlen(key))),
									&value));
	return says;
}

/* The opt-out of the CCPA: consented means opted out. */
static List *
says_ccpa(JsonbContainer *ccpa)
{
	JsonbIterator *iterator = JsonbIteratorInit(ccpa);
	List	   *says = NIL;
	JsonbValue	value;
	char	   *key;

	while (next_member(&iterator, &key, &value))
	{
		JpStatement *statement;

		if (strcmp(key, "data_sale_opt_out") != 0)
			refuse(MPARTICLE, "a CCPA purpose is not known", NULL);
		statement = read_consent(CCPA_ID, &value);
		statement->granted = !statement->granted;
		statement->opt_out = true;
		says = lappend(says, statement);
	}
	return says;
}

/* One consent: whether, when, to which notice, where, on which device. */
static JpStatement *
read_consent(const char *external_id, const JsonbValue *value)
{
	JpStatement *statement = palloc0(sizeof(JpStatement));
	JsonbContainer *object;
	JsonbValue *consented;

	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		refuse(MPARTICLE, "a consent is not an object", NULL);
	object = value->val.binary.data;
	consented = member(object, "consented");
	if (consented == NULL || consented->type != jbvBool)
		refuse(MPARTICLE, "not true or false", "consented");
	statement->external_id = external_id;
	statement->granted = consented->val.boolean;
	statement->spoken = true;
	read_timestamp(member(object, "timestamp_unixtime_ms"), statement);
	statement->notice = member_text(object, "document");
	statement->location = member_text(object, "location");
	statement->hardware = member_text(object, "hardware_id");
	return statement;
}

/* Milliseconds since 1970. */
static void
read_timestamp(const JsonbValue *value, JpStatement *statement)
{
	char	   *digits = "";

	if (value == NULL || value->type == jbvNull)
		return;
	if (value->type == jbvNumeric)
	{
		Datum		number = NumericGetDatum(value->val.numeric);

		digits = DatumGetCString(DirectFunctionCall1(numeric_out, number));
	}
	if (strspn(digits, "0123456789") != strlen(digits) ||
		digits[0] == '\0' || strlen(digits) > MAX_DIGITS)
		refuse(MPARTICLE, "not milliseconds since 1970",
			   "timestamp_unixtime_ms");
	statement->dated = true;
	statement->at = strtoll(digits, NULL, 10) * 1000 -
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

/* A member that is an object; NULL when it is missing or null. */
static JsonbContainer *
member_object(JsonbContainer *object, const char *key)
{
	JsonbValue *value = member(object, key);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		refuse(MPARTICLE, "not an object", key);
	return value->val.binary.data;
}

/* A member that is a string; NULL when it is missing, null or empty. */
static char *
member_text(JsonbContainer *object, const char *key)
{
	JsonbValue *value = member(object, key);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type != jbvString)
		refuse(MPARTICLE, "not a string", key);
	if (value->val.string.len == 0)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A member of an object. */
static JsonbValue *
member(JsonbContainer *object, const char *key)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

/* The next member of an object, nested ones as a whole. */
static bool
next_member(JsonbIterator **iterator, char **key, JsonbValue *value)
{
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(iterator, value, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		*key = pnstrdup(value->val.string.val, value->val.string.len);
		(void) JsonbIteratorNext(iterator, value, true);
		return true;
	}
	return false;
}

/* Refuses a document; where is the name of a field, never its value. */
static void
refuse(const char *format, const char *what, const char *where)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid %s: %s", format, what),
			 where != NULL ? errdetail("Field %s.", where) : 0));
}
