/*
 * request_internal.h
 *		What the files of the room request share.
 */
#ifndef JP_REQUEST_INTERNAL_H
#define JP_REQUEST_INTERNAL_H

#include "catalog.h"
#include "compat.h"
#include "request.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

/* What last_error says of a request that waits for a hold. */
#define JP_WITHHELD	"withheld by a hold"

/* A request as it stands, its row locked. */
typedef struct JpRequest
{
	pg_uuid_t	id;
	char	   *kind;
	char	   *regulation;
	char	   *status;
	TimestampTz received_at;
	TimestampTz due_at;
	bool		confirmed;
	bool		verified;
	bool		extended;
	ArrayType  *purposes;		/* NULL: none named */
} JpRequest;

/*
 * request.c: reads a request and locks its row; 42704 for an unknown one.
 * Needs SPI and the rights of the extension's owner, like all below.
 */
extern void jp_request_lock(const pg_uuid_t *id, JpRequest *request);

/* request.c: throws 42704, no request has this id. */
pg_noreturn extern void jp_request_unknown(void);

/*
 * request.c: gives a locked request another status, for the function of this
 * name; a reason for refusals only.
 */
extern void jp_request_change(JpRequest *request, const char *status,
							  const char *command, const char *reason);

/*
 * request.c: tells the audit and the listeners that a function changed a
 * request, and with urls set the URLs, too.
 */
extern void jp_request_tell(const JpRequest *request, const char *command,
							bool urls);

/* request_call.c: a kind of request by its name; throws 22023. */
extern const char *jp_request_kind(const char *name);

/* request_deadline.c: throws 22023 unless it is a regulation we know. */
extern void jp_request_check_regulation(const char *regulation);

/*
 * request_deadline.c: until when a request is to be confirmed, and answered,
 * extended or not.
 */
extern TimestampTz jp_request_confirm_by(const char *regulation,
										 TimestampTz received_at);
extern TimestampTz jp_request_due(const char *regulation, const char *kind,
								  TimestampTz received_at, bool extended);

/* Whether the time to answer may be extended; a kind of NULL is most kinds. */
extern bool jp_request_extends(const char *regulation, const char *kind);

/* A request that is worked on. */
typedef struct JpWork
{
	JpRequest	request;
	bool		atomic;			/* in the caller's transaction, not in our own */
	Interval	keep_for;		/* so long results are kept */
	JpPrivilege before;
	ResourceOwner owner;		/* around a guarded piece of work */
	TimestampTz again_at;		/* of work put off: when it is due again */
	const char *why;			/* and why, in our own words */
} JpWork;

/*
 * request_work.c: does what a request asks for, all that can fail in
 * subtransactions.  False when it was put off.
 */
extern bool jp_request_do(JpWork *work);

/*
 * request_work.c: the ones who ask, under the current keys, and of them one
 * identity for each that is a subject of its own and was not erased.  They
 * stay what they are while the lock on table subject is held that this takes.
 */
extern JpPseudonym *jp_request_subjects(const pg_uuid_t *id, int *count);
extern JpPseudonym *jp_request_persons(const JpPseudonym *subjects, int count,
									   int *persons);

/*
 * request_work.c: puts a request off until a time to come, if one is known,
 * or otherwise for so long.
 */
extern void jp_request_put_off(JpWork *work, TimestampTz until,
							   int64 otherwise, const char *why);

/*
 * request_result.c: exports, and keeps the result sealed.  False when it was
 * put off.
 */
extern bool jp_request_keep_result(JpWork *work);

/* request_result.c: deletes the results that have expired. */
extern void jp_request_purge_results(void);

#endif							/* JP_REQUEST_INTERNAL_H */
