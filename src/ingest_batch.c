/*
 * ingest_batch.c
 *		Reads a batch of mParticle's events, whole, before anything is written.
 *
 * What we use must be well formed, or the batch is refused with the path of
 * the fault; what we do not know or use is passed over.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "ingest.h"

/* A row of a time to come would never be too old; clocks of devices differ. */
#define MAX_DEVICE_SKEW	USECS_PER_DAY

#define MAX_ID_DIGITS	20		/* of a number of 64 bits, its sign among them */

static void check_environment(JpIngestBatch *batch);
static void read_time(JpIngestBatch *batch);
static JsonbContainer *find_events(JpIngestBatch *batch);
static void read_events(JpIngestBatch *batch, JsonbContainer *events);
static JsonbContainer *open_event(const JsonbValue *element, int event,
								  char **type);
static bool is_wanted(const JpIngestMapping *mapping, const char *type);
static void read_event(JpIngestBatch *batch, JpIngestEvent *event,
					   const char *type, JsonbContainer *data);
static void read_ids(JpIngestEvent *event, JsonbContainer *data);
static bool read_column(JpIngestBatch *batch, JpIngestColumn *column,
						const JpIngestEvent *event, const char *type,
						JsonbContainer *data, Datum *datum);

/* Reads a batch. */
JpIngestBatch *
jp_ingest_read(const JpIngestMapping *mapping, Jsonb *document)
{
	JpIngestBatch *batch = palloc0(sizeof(JpIngestBatch));
	JsonbContainer *root = &document->root;
	JsonbContainer *events;

	batch->mapping = mapping;
	batch->document = document;
	if (!JB_ROOT_IS_OBJECT(document))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid mParticle batch: not an object")));
	check_environment(batch);
	read_time(batch);
	batch->request_id = jp_ingest_text(root, "source_request_id", -1,
									   "source_request_id");
	jp_ingest_read_identities(batch);
	batch->has_consent = jp_ingest_check_consent(root);
	events = find_events(batch);
	if (events != NULL)
		read_events(batch, events);
	return batch;
}

/* Which environment the batch is of; production when it does not say. */
static void
check_environment(JpIngestBatch *batch)
{
	char	   *name = jp_ingest_text(&batch->document->root, "environment",
									  -1, "environment");

	batch->development = name != NULL && strcmp(name, "development") == 0;
	if (name != NULL && !batch->development && strcmp(name, "production") != 0)
		jp_ingest_fault(-1, "environment", "is not production or development");
}

/* When the batch was made: what it says of consent without a time is as of then. */
static void
read_time(JpIngestBatch *batch)
{
	JsonbValue *value = jp_ingest_member(&batch->document->root, "timestamp_unixtime_ms");

	batch->dated = value != NULL;
	if (batch->dated)
		batch->at = Min(jp_ingest_past_time(value, -1, "timestamp_unixtime_ms", MAX_DEVICE_SKEW),
						GetCurrentTimestamp());
}

/* The array of events, if there is one. */
static JsonbContainer *
find_events(JpIngestBatch *batch)
{
	JsonbValue *value = jp_ingest_member(&batch->document->root, "events");

	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		jp_ingest_fault(-1, "events", "is not an array");
	batch->sent = JsonContainerSize(value->val.binary.data);
	if (batch->sent > JP_MAX_EVENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("mParticle batch has more than %d events", JP_MAX_EVENTS)));
	return value->val.binary.data;
}

/* Reads the events that are wanted. */
static void
read_events(JpIngestBatch *batch, JsonbContainer *events)
{
	JsonbIterator *iterator = JsonbIteratorInit(events);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			number = 0;

	batch->events = palloc0(Max(batch->sent, 1) * sizeof(JpIngestEvent));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbContainer *data;
		char	   *type;

		CHECK_FOR_INTERRUPTS();
		if (token != WJB_ELEM)
			continue;
		data = open_event(&value, number, &type);
		if (is_wanted(batch->mapping, type))
		{
			JpIngestEvent *event = &batch->events[batch->count++];

			event->number = number;
			event->content = value.val.binary.data;
			event->size = value.val.binary.len;
			read_event(batch, event, type, data);
		}
		number++;
	}
	batch->skipped = number - batch->count;
}

/* The data of an event, and its type. */
static JsonbContainer *
open_event(const JsonbValue *element, int event, char **type)
{
	JsonbContainer *object;
	JsonbContainer *data;

	if (element->type != jbvBinary ||
		!JsonContainerIsObject(element->val.binary.data))
		jp_ingest_fault(-1, psprintf("events[%d]", event), "is not an object");
	object = element->val.binary.data;
	*type = jp_ingest_text(object, "event_type", event, "event_type");
	if (*type == NULL)
		jp_ingest_fault(event, "event_type", "is missing");
	data = jp_ingest_object(object, "data", event, "data");
	if (data == NULL)
		jp_ingest_fault(event, "data", "is missing");
	return data;
}

/* Whether events of a type are mapped. */
static bool
is_wanted(const JpIngestMapping *mapping, const char *type)
{
	ListCell   *cell;

	foreach(cell, mapping->event_types)
	{
		if (strcmp(lfirst(cell), type) == 0)
			return true;
	}
	return mapping->event_types == NIL;
}

/* Reads an event. */
static void
read_event(JpIngestBatch *batch, JpIngestEvent *event, const char *type,
		   JsonbContainer *data)
{
	int			count = list_length(batch->mapping->columns);
	int			i;

	read_ids(event, data);
	event->values = palloc0(count * sizeof(Datum));
	event->nulls = palloc0(count * sizeof(bool));
	for (i = 0; i < count; i++)
		event->nulls[i] = !read_column(batch, list_nth(batch->mapping->columns, i),
									   event, type, data, &event->values[i]);
}

/* What an event can be known again by: its id is a whole number or a string. */
static void
read_ids(JpIngestEvent *event, JsonbContainer *data)
{
	JsonbValue *value = jp_ingest_member(data, "event_id");

	event->message_id = jp_ingest_text(data, "source_message_id", event->number,
									   "data.source_message_id");
	event->id.type = jbvNull;
	if (value == NULL)
		return;
	if (value->type != jbvString && jp_ingest_digits(value, MAX_ID_DIGITS) == NULL)
		jp_ingest_fault(event->number, "data.event_id",
						"is not a whole number of 64 bits or a string");
	event->id = *value;
}

/* Reads what a column takes of an event; false for NULL. */
static bool
read_column(JpIngestBatch *batch, JpIngestColumn *column,
			const JpIngestEvent *event, const char *type,
			JsonbContainer *data, Datum *datum)
{
	JsonbContainer *root = &batch->document->root;
	int			number = event->number;
	JsonbValue	name;

	switch (column->source)
	{
		case JP_INGEST_TIME:
			*datum = TimestampTzGetDatum(jp_ingest_past_time(jp_ingest_member(data, "timestamp_unixtime_ms"),
															 number, column->path, MAX_DEVICE_SKEW));
			return true;
		case JP_INGEST_NAME:
			name.type = jbvString;
			name.val.string.val = jp_ingest_event_name(type, data, number);
			name.val.string.len = strlen(name.val.string.val);
			return jp_ingest_value(column, &name, number, datum);
		case JP_INGEST_PROPS:
			*datum = JsonbPGetDatum(jp_ingest_event_props(type, data, number));
			return true;
		case JP_INGEST_EVENT_ID:
			return jp_ingest_value(column, event->id.type == jbvNull ?
								   NULL : &event->id, number, datum);
		case JP_INGEST_OF_EVENT:
			return jp_ingest_value(column, jp_ingest_walk(column, data),
								   number, datum);
		case JP_INGEST_OF_BATCH:
			return jp_ingest_value(column, jp_ingest_walk(column, root),
								   -1, datum);
	}
	return false;
}
