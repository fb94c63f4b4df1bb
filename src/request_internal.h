/*
 * request_internal.h
 *		What the files of the room request share.
 */
#ifndef JP_REQUEST_INTERNAL_H
#define JP_REQUEST_INTERNAL_H

#include "request.h"

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

/* request_deadline.c: throws 22023 unless it is a regulation we know. */
extern void jp_request_check_regulation(const char *regulation);

/*
 * request_deadline.c: until when a request is to be confirmed, and answered,
 * extended or not.
 */
extern TimestampTz jp_request_confirm_by(const char *regulation,
										 TimestampTz received_at);
extern TimestampTz jp_request_due(const char *regulation,
								  TimestampTz received_at, bool extended);

#endif							/* JP_REQUEST_INTERNAL_H */
