/*
 * request_call.c
 *		What an application calls for a request, from its receipt to its end.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "consent.h"
#include "erasure.h"
#include "keyring.h"
#include "note.h"
#include "request_internal.h"
#include "subject.h"

/* How far in the future a receipt may lie: clocks differ. */
#define MAX_CLOCK_SKEW	(5 * USECS_PER_MINUTE)

/* Bounds of a request. */
#define MAX_IDENTITIES	100
#define MAX_URLS		20
#define MAX_URL			2048

/* Arguments of open_request(). */
enum
{
	KIND, SUBJECT, REGULATION, RECEIVED_AT, VERIFIED, PURPOSES, CALLBACK_URLS,
	REQUEST_ID, IDENTITIES
};

static const char *const kind_name[] = {
	"access", "portability", "erasure", "rectification", "restriction",
	"objection"
};

static void require(FunctionCallInfo fcinfo, int n, const char *name);
static const char *kind_arg(FunctionCallInfo fcinfo);
static TimestampTz received_arg(FunctionCallInfo fcinfo);
static void identities_arg(FunctionCallInfo fcinfo, JpRequestNew *request);
static void check_objectable(const JpPurpose *purpose);
static ArrayType *purposes_arg(FunctionCallInfo fcinfo, const char *kind);
static List *urls_arg(FunctionCallInfo fcinfo);
static void check_url(const char *url);
static void begin(FunctionCallInfo fcinfo, JpPrivilege *before,
				  JpRequest *request);
static void finish(const JpPrivilege *before);
static bool stamp(FunctionCallInfo fcinfo, const char *command, bool verify);
static char *reason_arg(FunctionCallInfo fcinfo);
static void change(FunctionCallInfo fcinfo, const char *status,
				   const char *command, const char *reason);
static void refuse_finished(const JpRequest *request);

PG_FUNCTION_INFO_V1(jp_open_request);
PG_FUNCTION_INFO_V1(jp_confirm_request);
PG_FUNCTION_INFO_V1(jp_verify_request);
PG_FUNCTION_INFO_V1(jp_extend_request);
PG_FUNCTION_INFO_V1(jp_refuse_request);
PG_FUNCTION_INFO_V1(jp_complete_request);
PG_FUNCTION_INFO_V1(jp_cancel_request);

/* SQL: open_request(kind, subject, regulation, received_at, verified, …). */
Datum
jp_open_request(PG_FUNCTION_ARGS)
{
	JpRequestNew request = {0};
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));
	JpPrivilege before;

	jp_keyring_require();
	require(fcinfo, SUBJECT, "subject");
	require(fcinfo, REGULATION, "regulation");
	require(fcinfo, VERIFIED, "verified");
	request.kind = kind_arg(fcinfo);
	request.regulation = text_to_cstring(PG_GETARG_TEXT_PP(REGULATION));
	jp_request_check_regulation(request.regulation);
	request.received_at = received_arg(fcinfo);
	request.verified = PG_GETARG_BOOL(VERIFIED);
	identities_arg(fcinfo, &request);
	request.purposes = purposes_arg(fcinfo, request.kind);
	request.callback_urls = urls_arg(fcinfo);
	*id = *DatumGetUUIDP(PG_ARGISNULL(REQUEST_ID) ?
						 DirectFunctionCall1(gen_random_uuid, (Datum) 0) :
						 PG_GETARG_DATUM(REQUEST_ID));
	request.id = *id;
	jp_elevate(&before);
	SPI_connect();
	jp_request_open(&request);
	finish(&before);
	PG_RETURN_UUID_P(id);
}

/* SQL: confirm_request(id). */
Datum
jp_confirm_request(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(stamp(fcinfo, "confirm_request", false));
}

/* SQL: verify_request(id). */
Datum
jp_verify_request(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(stamp(fcinfo, "verify_request", true));
}

/* Notes when a request was confirmed or verified, once. */
static bool
stamp(FunctionCallInfo fcinfo, const char *command, bool verify)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[2] = {UUIDOID, BOOLOID};
	Datum		values[2];
	JpPrivilege before;
	JpRequest	request;
	bool		already;

	begin(fcinfo, &before, &request);
	already = verify ? request.verified : request.confirmed;
	if (!already)
	{
		refuse_finished(&request);
		values[0] = UUIDPGetDatum(&request.id);
		values[1] = BoolGetDatum(verify);
		jp_execute(&plan,
				   "UPDATE journey_privacy.request SET"
				   " verified_at = CASE WHEN $2 THEN clock_timestamp() ELSE verified_at END,"
				   " confirmed_at = CASE WHEN $2 THEN confirmed_at ELSE clock_timestamp() END"
				   " WHERE id = $1", 2, types, values, NULL, SPI_OK_UPDATE);
		jp_request_tell(&request, command, false);
	}
	finish(&before);
	return !already;
}

/* SQL: extend_request(id, reason). */
Datum
jp_extend_request(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[3] = {UUIDOID, TEXTOID, TIMESTAMPTZOID};
	char	   *reason = reason_arg(fcinfo);
	JpPrivilege before;
	JpRequest	request;
	Datum		values[3];

	begin(fcinfo, &before, &request);
	refuse_finished(&request);
	if (request.extended)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the request has been extended before")));
	if (!jp_request_extends(request.regulation, request.kind))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the regulation gives no extension for such a request")));
	/* The subject must be told of it before then. */
	if (GetCurrentTimestamp() > request.due_at)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the time to answer the request is over"),
				 errdetail("It can be extended only before.")));
	request.due_at = jp_request_due(request.regulation, request.kind,
									request.received_at, true);
	values[0] = UUIDPGetDatum(&request.id);
	values[1] = CStringGetTextDatum(reason);
	values[2] = TimestampTzGetDatum(request.due_at);
	jp_execute(&plan,
			   "UPDATE journey_privacy.request SET extended_at = clock_timestamp(),"
			   " extension_reason = $2, due_at = $3 WHERE id = $1",
			   3, types, values, NULL, SPI_OK_UPDATE);
	jp_request_tell(&request, "extend_request", true);
	finish(&before);
	PG_RETURN_TIMESTAMPTZ(request.due_at);
}

/* SQL: refuse_request(id, reason). */
Datum
jp_refuse_request(PG_FUNCTION_ARGS)
{
	change(fcinfo, "refused", "refuse_request", reason_arg(fcinfo));
	PG_RETURN_VOID();
}

/* SQL: complete_request(id). */
Datum
jp_complete_request(PG_FUNCTION_ARGS)
{
	change(fcinfo, "completed", "complete_request", NULL);
	PG_RETURN_VOID();
}

/* SQL: cancel_request(id). */
Datum
jp_cancel_request(PG_FUNCTION_ARGS)
{
	change(fcinfo, "cancelled", "cancel_request", NULL);
	PG_RETURN_VOID();
}

/* Gives the request of the first argument another status. */
static void
change(FunctionCallInfo fcinfo, const char *status, const char *command,
	   const char *reason)
{
	JpPrivilege before;
	JpRequest	request;

	begin(fcinfo, &before, &request);
	jp_request_change(&request, status, command, reason);
	finish(&before);
}

/* Locks the request of the first argument. */
static void
begin(FunctionCallInfo fcinfo, JpPrivilege *before, JpRequest *request)
{
	require(fcinfo, 0, "id");
	PreventCommandIfReadOnly("changing a request");
	jp_elevate(before);
	SPI_connect();
	jp_request_lock(PG_GETARG_UUID_P(0), request);
}

/* Ends what begin() began. */
static void
finish(const JpPrivilege *before)
{
	SPI_finish();
	jp_restore(before);
}

/* Refuses a request that has come to its end. */
static void
refuse_finished(const JpRequest *request)
{
	if (strcmp(request->status, "pending") != 0 &&
		strcmp(request->status, "in_progress") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the request is %s already", request->status)));
}

/* Refuses NULL where it has no meaning. */
static void
require(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

/* The second argument, a reason. */
static char *
reason_arg(FunctionCallInfo fcinfo)
{
	require(fcinfo, 1, "reason");
	return jp_reason(PG_GETARG_TEXT_PP(1));
}

/* The kind of request. */
static const char *
kind_arg(FunctionCallInfo fcinfo)
{
	require(fcinfo, KIND, "kind");
	return jp_request_kind(text_to_cstring(PG_GETARG_TEXT_PP(KIND)));
}

/* A kind of request by its name. */
const char *
jp_request_kind(const char *name)
{
	int			i;

	for (i = 0; i < lengthof(kind_name); i++)
		if (strcmp(kind_name[i], name) == 0)
			return kind_name[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid kind of request"),
			 errhint("Use access, portability, erasure, rectification, restriction or objection.")));
}

/* When it was received; a clock that runs ahead a little is set right. */
static TimestampTz
received_arg(FunctionCallInfo fcinfo)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz received_at;

	require(fcinfo, RECEIVED_AT, "received_at");
	received_at = PG_GETARG_TIMESTAMPTZ(RECEIVED_AT);
	if (TIMESTAMP_NOT_FINITE(received_at) || received_at > now + MAX_CLOCK_SKEW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the time of receipt must not lie in the future")));
	return Min(received_at, now);
}

/* Who asks: the subject and its further identities. */
static void
identities_arg(FunctionCallInfo fcinfo, JpRequestNew *request)
{
	JpPseudonym *subjects;
	Datum	   *values = NULL;
	bool	   *nulls = NULL;
	int			count = 0;
	int			i;

	if (!PG_ARGISNULL(IDENTITIES))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(IDENTITIES), jp_type("pseudonym"),
						  JP_PSEUDONYM_SIZE, false, TYPALIGN_CHAR, &values,
						  &nulls, &count);
	if (count >= MAX_IDENTITIES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a request cannot have more than %d identities",
						MAX_IDENTITIES)));
	subjects = palloc((count + 1) * sizeof(JpPseudonym));
	subjects[0] = *jp_subject_arg(fcinfo, SUBJECT);
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("identities must not be null")));
		subjects[i + 1] = *(JpPseudonym *) DatumGetPointer(values[i]);
	}
	request->subjects = subjects;
	request->count = count + 1;
}

/* The purposes of an objection, which all exist; NULL: none named. */
static ArrayType *
purposes_arg(FunctionCallInfo fcinfo, const char *kind)
{
	ArrayType  *purposes;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			i;

	if (PG_ARGISNULL(PURPOSES))
		return NULL;
	if (strcmp(kind, "objection") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only an objection names purposes")));
	purposes = PG_GETARG_ARRAYTYPE_P(PURPOSES);
	deconstruct_array(purposes, TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &nulls, &count);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("purposes must not be empty"),
				 errhint("Leave them out to object to all that can be objected to.")));
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("purposes must not be null")));
		check_objectable(jp_purpose_get(TextDatumGetCString(values[i])));
	}
	return purposes;
}

/* Refuses what an objection would change nothing about (Art. 21(1) GDPR). */
static void
check_objectable(const JpPurpose *purpose)
{
	if (purpose->basis == JP_BASIS_CONTRACT ||
		purpose->basis == JP_BASIS_LEGAL_OBLIGATION ||
		purpose->basis == JP_BASIS_VITAL_INTERESTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("purpose \"%s\" cannot be objected to", purpose->name),
				 errhint("Its basis is a contract, a legal obligation or vital interests.")));
}

/* The URLs that are told of changes. */
static List *
urls_arg(FunctionCallInfo fcinfo)
{
	List	   *urls = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			i;

	if (PG_ARGISNULL(CALLBACK_URLS))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(CALLBACK_URLS), TEXTOID, -1, false,
					  TYPALIGN_INT, &values, &nulls, &count);
	if (count > MAX_URLS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a request cannot have more than %d callback URLs",
						MAX_URLS)));
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("callback URLs must not be null")));
		urls = lappend(urls, TextDatumGetCString(values[i]));
		check_url(llast(urls));
	}
	return urls;
}

/* Refuses a URL that is not over TLS, or that carries a password. */
static void
check_url(const char *url)
{
	static const char scheme[] = "https://";
	const char *host = url + strlen(scheme);
	const char *c;

	if (strlen(url) <= MAX_URL && strncmp(url, scheme, strlen(scheme)) == 0 &&
		strcspn(host, "/?#@") > 0 && host[strcspn(host, "/?#@")] != '@' &&
		strchr(url, '#') == NULL)
	{
		for (c = url; *c > ' ' && *c < 0x7f; c++)
			;
		if (*c == '\0')
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid callback URL"),
			 errhint("Use https:// and a host, up to %d characters of ASCII, without a user or a fragment.",
					 MAX_URL)));
}
