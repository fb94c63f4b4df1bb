/*
 * request.h
 *		Requests of data subjects, for who brings them in.
 */
#ifndef JP_REQUEST_H
#define JP_REQUEST_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "pseudonym.h"
#include "utils/array.h"
#include "utils/uuid.h"

/* A request that has come in. */
typedef struct JpRequestNew
{
	pg_uuid_t	id;
	const char *kind;
	const char *regulation;
	const JpPseudonym *subjects;	/* identities of the one who asks, at least one */
	int			count;
	TimestampTz received_at;
	bool		verified;		/* it is known that the subject asks */
	ArrayType  *purposes;		/* text[], of an objection; NULL: all */
	List	   *callback_urls;	/* of char * */
	const char *controller;		/* who sent it, or NULL */
	bytea	   *fingerprint;	/* keyed hash of what was sent, or NULL */
} JpRequestNew;

/*
 * Takes a request in, with its deadlines; 42710 when there is one with this
 * id.  One with a fingerprint is confirmed by the answer to it.  The URLs are
 * told of what comes after.  Needs SPI and the rights of the extension's
 * owner, like all below.
 */
extern void jp_request_open(const JpRequestNew *request);

/*
 * Gives a request another status and tells the audit, the listeners and the
 * URLs; 42704 for an unknown one, 55000 where the status it has does not lead
 * there.
 */
extern void jp_request_move(const pg_uuid_t *id, const char *status);

/*
 * A status as OpenDSR calls it: one that was refused, which is before
 * anything was done, is cancelled to the one who brought it.
 */
extern const char *jp_request_public_status(const char *status);

#endif							/* JP_REQUEST_H */
