/*
 * ingest_event.c
 *		What is kept of an event: a name, and what it says of itself.
 *
 * An allow-list.  Properties are the event's custom attributes and, for each
 * type, the fields below; a field wins over an attribute of its name.  Ids,
 * times, location, the state of the device, tokens, messages, what a user
 * attribute or identity was or is: none of that, unless a column is mapped.
 */
#include "postgres.h"

#include "compat.h"
#include "ingest.h"

/* What a field must be. */
typedef enum Shape
{
	SCALAR, OBJECT, ARRAY
} Shape;

typedef struct Field
{
	const char *type;			/* of event */
	const char *name;
	Shape		shape;
	bool		required;
} Field;

/* Named below and where the name of an event is made. */
#define SCREEN	"screen_view"
#define COMMERCE "commerce_event"
#define STATE	"application_state_transition"

static const Field field[] = {
	{"custom_event", "custom_event_type", SCALAR, false},
	{SCREEN, "screen_name", SCALAR, true},
	{COMMERCE, "product_action", OBJECT, false},
	{COMMERCE, "promotion_action", OBJECT, false},
	{COMMERCE, "product_impressions", ARRAY, false},
	{COMMERCE, "currency_code", SCALAR, false},
	{COMMERCE, "screen_name", SCALAR, false},
	{COMMERCE, "is_non_interactive", SCALAR, false},
	{"session_end", "session_duration_ms", SCALAR, false},
	{STATE, "is_first_run", SCALAR, false},
	{STATE, "is_upgrade", SCALAR, false},
	{STATE, "successfully_closed", SCALAR, false},
	{"user_attribute_change", "user_attribute_name", SCALAR, true},
	{"opt_out", "is_opted_out", SCALAR, false},
	{"profile", "profile_event_type", SCALAR, false},
	{"push_message", "push_message_type", SCALAR, false},
	{"breadcrumb", "label", SCALAR, false},
	{"crash_report", "severity", SCALAR, false}
};

static char *required_text(JsonbContainer *object, const char *key, int event,
						   const char *path);
static char *commerce_name(JsonbContainer *data, int event);
static bool has_shape(const JsonbValue *value, Shape shape);
static void push_attributes(JsonbParseState **json, JsonbContainer *data,
							int event);
static void push_member(JsonbParseState **json, const char *key, int length,
						JsonbValue *value);

/* The name of an event. */
char *
jp_ingest_event_name(const char *type, JsonbContainer *data, int event)
{
	if (strcmp(type, "custom_event") == 0)
		return required_text(data, "event_name", event, "data.event_name");
	if (strcmp(type, STATE) == 0)
		return required_text(data, "application_transition_type", event,
							 "data.application_transition_type");
	if (strcmp(type, COMMERCE) == 0)
		return commerce_name(data, event);
	return pstrdup(type);
}

/* Its properties. */
Jsonb *
jp_ingest_event_props(const char *type, JsonbContainer *data, int event)
{
	JsonbParseState *json = NULL;
	int			i;

	pushJsonbValue(&json, WJB_BEGIN_OBJECT, NULL);
	push_attributes(&json, data, event);
	for (i = 0; i < lengthof(field); i++)
	{
		JsonbValue *value;

		if (strcmp(field[i].type, type) != 0)
			continue;
		value = jp_ingest_member(data, field[i].name);
		if (value == NULL && field[i].required)
			jp_ingest_fault(event, psprintf("data.%s", field[i].name), "is missing");
		if (value == NULL)
			continue;
		if (!has_shape(value, field[i].shape))
			jp_ingest_fault(event, psprintf("data.%s", field[i].name),
							field[i].shape == SCALAR ? "is not a plain value" :
							field[i].shape == OBJECT ? "is not an object" :
							"is not an array");
		push_member(&json, field[i].name, strlen(field[i].name), value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&json, WJB_END_OBJECT, NULL));
}

/* A string that must be there, and not be empty. */
static char *
required_text(JsonbContainer *object, const char *key, int event,
			  const char *path)
{
	char	   *chars = jp_ingest_text(object, key, event, path);

	if (chars == NULL)
		jp_ingest_fault(event, path, "is missing");
	return chars;
}

/* What was done in a shop: to products, or with a promotion. */
static char *
commerce_name(JsonbContainer *data, int event)
{
	JsonbContainer *product = jp_ingest_object(data, "product_action", event,
											   "data.product_action");
	JsonbContainer *promotion = jp_ingest_object(data, "promotion_action", event,
												 "data.promotion_action");

	if (product != NULL)
		return required_text(product, "action", event,
							 "data.product_action.action");
	if (promotion != NULL)
		return psprintf("promotion_%s",
						required_text(promotion, "action", event,
									  "data.promotion_action.action"));
	return pstrdup(jp_ingest_member(data, "product_impressions") != NULL ?
				   "impression" : COMMERCE);
}

/* Whether a value is what its field must be. */
static bool
has_shape(const JsonbValue *value, Shape shape)
{
	if (value->type != jbvBinary)
		return shape == SCALAR;
	return shape == (JsonContainerIsObject(value->val.binary.data) ?
					 OBJECT : ARRAY);
}

/* Adds the custom attributes, those that are null apart. */
static void
push_attributes(JsonbParseState **json, JsonbContainer *data, int event)
{
	JsonbContainer *attributes = jp_ingest_object(data, "custom_attributes",
												  event, "data.custom_attributes");
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;

	if (attributes == NULL)
		return;
	iterator = JsonbIteratorInit(attributes);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &value, true);
		if (value.type != jbvNull)
			push_member(json, key.val.string.val, key.val.string.len, &value);
	}
}

/* Adds a member. */
static void
push_member(JsonbParseState **json, const char *key, int length,
			JsonbValue *value)
{
	JsonbValue	name;

	name.type = jbvString;
	name.val.string.val = (char *) key;
	name.val.string.len = length;
	pushJsonbValue(json, WJB_KEY, &name);
	pushJsonbValue(json, WJB_VALUE, value);
}
