/*
 * opendsr.c
 *		OpenDSR 2.0, the processor's side: functions that a web layer serves
 *		as they are.  Numbers of paragraphs are those of the specification at
 *		github.com/opengdpr/OpenDSR.
 *
 * Whatever comes from outside gets an answer, never an error of PostgreSQL:
 * the work is done in a subtransaction, and what goes wrong in it becomes an
 * error document that says nothing about people.  Only when the server itself
 * wants the statement or its transaction to end does the error go through.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "attempt.h"
#include "catalog.h"
#include "compat.h"
#include "opendsr.h"
#include "request.h"

/* What a call is to do. */
typedef struct Work
{
	JpDsrCall  *call;
	void		(*work) (JpDsrCall *call);
} Work;

static Datum serve(FunctionCallInfo fcinfo, JpDsrCall *call,
				   void (*work) (JpDsrCall *call));
static int	attempt(Work *work);
static bool work_as_owner(void *arg);
static void answer_failure(JpDsrCall *call, int code);
static bool goes_through(int code);
static void tell_status(JpDsrCall *call);
static void cancel(JpDsrCall *call);
static bool find_called(JpDsrCall *call, bool lock, JpDsrKnown *known);
static const char *text_arg(FunctionCallInfo fcinfo, int n);

PG_FUNCTION_INFO_V1(jp_opendsr_discovery);
PG_FUNCTION_INFO_V1(jp_opendsr_request);
PG_FUNCTION_INFO_V1(jp_opendsr_status);
PG_FUNCTION_INFO_V1(jp_opendsr_cancel);

/* SQL: opendsr_discovery() (6). */
Datum
jp_opendsr_discovery(PG_FUNCTION_ARGS)
{
	JpDsrCall	call = {0};

	return serve(fcinfo, &call, jp_dsr_answer_discovery);
}

/* SQL: opendsr_request(body, controller) (7). */
Datum
jp_opendsr_request(PG_FUNCTION_ARGS)
{
	JpDsrCall	call = {.body = ""};

	if (!PG_ARGISNULL(0))
	{
		bytea	   *body = PG_GETARG_BYTEA_PP(0);

		call.body = VARDATA_ANY(body);
		call.len = VARSIZE_ANY_EXHDR(body);
	}
	call.controller = PG_ARGISNULL(1) ?
		GetUserNameFromId(GetSessionUserId(), false) : text_arg(fcinfo, 1);
	return serve(fcinfo, &call, jp_dsr_take);
}

/* SQL: opendsr_status(request_id, controller) (8.1). */
Datum
jp_opendsr_status(PG_FUNCTION_ARGS)
{
	JpDsrCall	call = {0};

	call.id = text_arg(fcinfo, 0);
	call.controller = text_arg(fcinfo, 1);
	return serve(fcinfo, &call, tell_status);
}

/* SQL: opendsr_cancel(request_id, controller) (9). */
Datum
jp_opendsr_cancel(PG_FUNCTION_ARGS)
{
	JpDsrCall	call = {0};

	call.id = text_arg(fcinfo, 0);
	call.controller = text_arg(fcinfo, 1);
	return serve(fcinfo, &call, cancel);
}

/*
 * Does the work and returns the answer.  When another session has taken in
 * the same request meanwhile, the second attempt finds it.
 */
static Datum
serve(FunctionCallInfo fcinfo, JpDsrCall *call, void (*work) (JpDsrCall *call))
{
	Work		attempted = {call, work};
	int			code;

	call->context = CurrentMemoryContext;
	initStringInfo(&call->answer);
	code = attempt(&attempted);
	if (code == ERRCODE_DUPLICATE_OBJECT)
		code = attempt(&attempted);
	if (code != 0)
		answer_failure(call, code);
	return jp_dsr_answer(fcinfo, call);
}

/* Works in a subtransaction; returns the SQLSTATE of its error, or 0. */
static int
attempt(Work *work)
{
	ErrorData  *error;
	int			code = 0;

	(void) jp_attempt(work_as_owner, work, &error);
	if (error != NULL)
	{
		code = error->sqlerrcode;
		if (goes_through(code))
			ReThrowError(error);
		FreeErrorData(error);
	}
	return code;
}

/* Works with the rights of the extension's owner. */
static bool
work_as_owner(void *arg)
{
	const Work *work = arg;
	JpDsrCall  *call = work->call;
	JpPrivilege before;

	jp_elevate(&before);
	SPI_connect();
	call->judging_value = false;
	call->processor = jp_dsr_processor();
	if (call->processor == NULL)
		jp_dsr_error(call, 503, "not_configured", NULL,
					 "this processor is not configured yet");
	else
	{
		call->domain = MemoryContextStrdup(call->context,
										   call->processor->domain);
		work->work(call);
	}
	SPI_finish();
	jp_restore(&before);
	return true;
}

/*
 * Answers an error.  Unless it is about a value of theirs, it is not meant for
 * whoever called; its text may show values, so the log gets the code.
 */
static void
answer_failure(JpDsrCall *call, int code)
{
	int			category = ERRCODE_TO_CATEGORY(code);

	if (call->judging_value && (code == ERRCODE_INVALID_PARAMETER_VALUE ||
								code == ERRCODE_CHARACTER_NOT_IN_REPERTOIRE))
	{
		jp_dsr_error_value(call);
		return;
	}
	/* of a request that is gone, whose erasure is kept */
	if (code == ERRCODE_DUPLICATE_OBJECT)
	{
		jp_dsr_error_duplicate(call);
		return;
	}
	ereport(LOG,
			(errcode(code),
			 errmsg("an OpenDSR request could not be answered: SQLSTATE %s",
					unpack_sql_state(code))));
	if (category == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		category == ERRCODE_INSUFFICIENT_RESOURCES ||
		category == ERRCODE_INVALID_TRANSACTION_STATE ||
		category == ERRCODE_SYSTEM_ERROR)
		jp_dsr_error(call, 503, "unavailable", NULL,
					 "this processor cannot do that now");
	else
		jp_dsr_error(call, 500, "internal", NULL,
					 "an error inside the processor");
}

/* Whether the server wants the statement or the transaction to end. */
static bool
goes_through(int code)
{
	int			category = ERRCODE_TO_CATEGORY(code);

	return category == ERRCODE_OPERATOR_INTERVENTION ||
		category == ERRCODE_TRANSACTION_ROLLBACK ||
		code == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* The status of a request. */
static void
tell_status(JpDsrCall *call)
{
	JpDsrKnown	known;

	if (find_called(call, false, &known))
		jp_dsr_answer_status(call, &known);
}

/* Cancels a request that is pending (9). */
static void
cancel(JpDsrCall *call)
{
	JpDsrKnown	known;

	if (!find_called(call, true, &known))
		return;
	if (strcmp(known.status, "pending") != 0)
	{
		jp_dsr_error(call, 400, "not_pending", NULL,
					 "the request is not pending any more and cannot be cancelled");
		return;
	}
	jp_request_move(&known.id, "cancelled");
	jp_dsr_answer_cancelled(call, &known);
}

/* The request that a URL names; answers with an error when there is none. */
static bool
find_called(JpDsrCall *call, bool lock, JpDsrKnown *known)
{
	if (call->id == NULL || !jp_dsr_id_valid(call->id, strlen(call->id)))
	{
		jp_dsr_error(call, 400, "invalid_field", "subject_request_id",
					 "is not a UUID of version 4 in lower case");
		return false;
	}
	if (jp_dsr_find(call->id, lock, known) && known->controller != NULL &&
		(call->controller == NULL ||
		 strcmp(call->controller, known->controller) == 0))
		return true;
	jp_dsr_error(call, 404, "not_found", NULL, "there is no such request");
	return false;
}

/* An argument of type text, or NULL. */
static const char *
text_arg(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}
