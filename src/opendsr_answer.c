/*
 * opendsr_answer.c
 *		Documents of OpenDSR, byte by byte: the web layer signs what is here.
 *
 * Bodies are UTF-8 whatever the database's encoding.  Times are in UTC, to the
 * second, as in the specification's examples.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "opendsr.h"
#include "request.h"
#include "utf8.h"

static void put_name(StringInfo json, const char *name);
static void put_text(StringInfo json, const char *name, const char *value);
static void put_utf8(StringInfo json, const char *value);
static void put_id(StringInfo json, const JpDsrKnown *known);
static void put_time(StringInfo json, const char *name, TimestampTz at);
static void put_identities(StringInfo json);
static void put_base64(StringInfo json, const char *name, const char *bytes,
					   size_t len);

/* An error document (7.6), which never quotes what came. */
void
jp_dsr_error(JpDsrCall *call, int status, const char *reason,
			 const char *field, const char *message)
{
	StringInfo	json = &call->answer;
	const char *whole = field == NULL ? message : psprintf("%s %s", field, message);

	call->status = status;
	resetStringInfo(json);
	appendStringInfo(json, "{\"error\":{\"code\":%d", status);
	put_text(json, "message", whole);
	put_name(json, "errors");
	appendStringInfoString(json, "[{");
	put_text(json, "domain", status == 400 || status == 413 ? "Validation" :
			 status < 500 ? "Request" : "Processor");
	put_text(json, "reason", reason);
	put_text(json, "message", whole);
	appendStringInfoString(json, "}]}}");
}

/* The same, for a value. */
void
jp_dsr_error_value(JpDsrCall *call)
{
	jp_dsr_error(call, 400, "invalid_field", "identity_value",
				 "is not one that its identity_type can have");
}

/* The same, for an id. */
void
jp_dsr_error_duplicate(JpDsrCall *call)
{
	jp_dsr_error(call, 400, "duplicate_request", "subject_request_id",
				 "is that of another request");
}

/* What this processor can do (6.3). */
void
jp_dsr_answer_discovery(JpDsrCall *call)
{
	StringInfo	json = &call->answer;
	const char *const *type;

	call->status = 200;
	resetStringInfo(json);
	appendStringInfoChar(json, '{');
	put_text(json, "api_version", JP_DSR_VERSION);
	put_identities(json);
	put_name(json, "supported_subject_request_types");
	appendStringInfoChar(json, '[');
	for (type = jp_dsr_request_types; *type != NULL; type++)
		appendStringInfo(json, "%s\"%s\"",
						 type == jp_dsr_request_types ? "" : ",", *type);
	appendStringInfoChar(json, ']');
	put_text(json, "processor_certificate", call->processor->certificate_url);
	appendStringInfoChar(json, '}');
}

/* A request is here (7.3). */
void
jp_dsr_answer_receipt(JpDsrCall *call, const JpDsrKnown *known)
{
	StringInfo	json = &call->answer;

	call->status = 201;
	resetStringInfo(json);
	appendStringInfoChar(json, '{');
	put_text(json, "controller_id", known->controller);
	put_time(json, "expected_completion_time", known->expected_at);
	put_time(json, "received_time", known->received_at);
	put_base64(json, "encoded_request", call->body, call->len);
	put_id(json, known);
	appendStringInfoChar(json, '}');
}

/* How a request fares (8.3). */
void
jp_dsr_answer_status(JpDsrCall *call, const JpDsrKnown *known)
{
	call->status = 200;
	resetStringInfo(&call->answer);
	jp_dsr_put_status(&call->answer, call->processor, known,
					  jp_request_public_status(known->status), NULL);
}

/* A request is cancelled (9.2), which was asked just now. */
void
jp_dsr_answer_cancelled(JpDsrCall *call, const JpDsrKnown *known)
{
	StringInfo	json = &call->answer;

	call->status = 202;
	resetStringInfo(json);
	appendStringInfoChar(json, '{');
	put_text(json, "controller_id", known->controller);
	put_id(json, known);
	put_time(json, "received_time", GetCurrentTimestamp());
	put_text(json, "api_version", JP_DSR_VERSION);
	appendStringInfoChar(json, '}');
}

/* The document of a status (8.3), or of a callback to a URL (8.6). */
void
jp_dsr_put_status(StringInfo json, const JpDsrProcessor *processor,
				  const JpDsrKnown *known, const char *public_status,
				  const char *url)
{
	appendStringInfoChar(json, '{');
	/* a request that we took in ourselves has no other controller */
	put_text(json, "controller_id",
			 known->controller == NULL ? processor->domain : known->controller);
	put_time(json, "expected_completion_time", known->due_at);
	if (url != NULL)
		put_text(json, "status_callback_url", url);
	put_id(json, known);
	put_text(json, "request_status", public_status);
	put_text(json, "api_version", JP_DSR_VERSION);
	if (processor->results_url != NULL && strcmp(public_status, "completed") == 0 &&
		(strcmp(known->kind, "access") == 0 ||
		 strcmp(known->kind, "portability") == 0))
		put_text(json, "results_url",
				 psprintf("%s/%s", processor->results_url,
						  DatumGetCString(DirectFunctionCall1(uuid_out,
															  UUIDPGetDatum(&known->id)))));
	appendStringInfoChar(json, '}');
}

/* Status, headers and body. */
Datum
jp_dsr_answer(FunctionCallInfo fcinfo, JpDsrCall *call)
{
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};
	bytea	   *body = palloc(VARHDRSZ + call->answer.len);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "an OpenDSR function returns no answer");
	SET_VARSIZE(body, VARHDRSZ + call->answer.len);
	memcpy(VARDATA(body), call->answer.data, call->answer.len);
	values[0] = Int32GetDatum(call->status);
	values[1] = jp_dsr_headers(call->status, call->domain);
	values[2] = PointerGetDatum(body);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * Headers of an answer (7.4, 7.7) or callback (8.7); the signature is the web
 * layer's to add.
 */
Datum
jp_dsr_headers(int status, const char *domain)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"Cache-Control\": \"no-store\", ");
	if (status >= 400)
		appendStringInfoString(&json, "\"Pragma\": \"no-cache\", ");
	if (domain != NULL)
		appendStringInfo(&json, "\"X-OpenDSR-Processor-Domain\": \"%s\", ", domain);
	appendStringInfo(&json, "\"Content-Type\": \"application/json%s\"}",
					 status >= 400 ? ";charset=UTF-8" : "");
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* A member's name, with the comma before it. */
static void
put_name(StringInfo json, const char *name)
{
	if (json->data[json->len - 1] != '{')
		appendStringInfoChar(json, ',');
	appendStringInfo(json, "\"%s\":", name);
}

/* A member that is text in the database's encoding. */
static void
put_text(StringInfo json, const char *name, const char *value)
{
	put_name(json, name);
	put_utf8(json, value);
}

/* A string. */
static void
put_utf8(StringInfo json, const char *value)
{
	size_t		len;
	const char *utf8 = jp_utf8_from(value, strlen(value), &len);

	escape_json(json, pnstrdup(utf8, len));
}

/* The id of a request. */
static void
put_id(StringInfo json, const JpDsrKnown *known)
{
	put_text(json, "subject_request_id",
			 DatumGetCString(DirectFunctionCall1(uuid_out,
												 UUIDPGetDatum(&known->id))));
}

/* A time of RFC 3339. */
static void
put_time(StringInfo json, const char *name, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_NOT_FINITE(at) ||
		timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "a time of a request is out of range");
	put_name(json, name);
	appendStringInfo(json, "\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", tm.tm_year,
					 tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The types of identities in the formats that are known here. */
static void
put_identities(StringInfo json)
{
	const char *const *type;
	const char *comma = "";

	put_name(json, "supported_identities");
	appendStringInfoChar(json, '[');
	for (type = jp_dsr_types; *type != NULL; type++)
	{
		int			format;

		for (format = 0; format < JP_DSR_FORMATS; format++)
			if (jp_dsr_kind(*type, format) != NULL)
			{
				appendStringInfo(json, "%s{\"identity_type\":\"%s\",\"identity_format\":\"%s\"}",
								 comma, *type, jp_dsr_formats[format]);
				comma = ",";
			}
	}
	appendStringInfoChar(json, ']');
}

/* Bytes in base64, which JSON needs not escape. */
static void
put_base64(StringInfo json, const char *name, const char *bytes, size_t len)
{
	size_t		size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);

	put_name(json, name);
	appendStringInfoChar(json, '"');
	enlargeStringInfo(json, size);
	(void) sodium_bin2base64(json->data + json->len, size,
							 (const unsigned char *) bytes, len,
							 sodium_base64_VARIANT_ORIGINAL);
	json->len += size - 1;
	appendStringInfoChar(json, '"');
}
