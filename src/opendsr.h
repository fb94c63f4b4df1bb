/*
 * opendsr.h
 *		What the room's own files share, grouped by file.
 */
#ifndef JP_OPENDSR_H
#define JP_OPENDSR_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

#include "opendsr_read.h"

#define JP_DSR_VERSION	"2.0"

/* Who answers, as configured. */
typedef struct JpDsrProcessor
{
	char	   *domain;
	char	   *certificate_url;
	char	   *results_url;	/* where results lie, or NULL */
} JpDsrProcessor;

/* A request that is known. */
typedef struct JpDsrKnown
{
	pg_uuid_t	id;
	char	   *kind;
	char	   *status;			/* ours, not OpenDSR's */
	char	   *controller;		/* NULL when it did not come by OpenDSR */
	bytea	   *fingerprint;	/* likewise */
	TimestampTz received_at;
	TimestampTz due_at;
	TimestampTz expected_at;	/* due_at, as it was when the request came */
} JpDsrKnown;

/* One call of the web layer: what came, and the answer in the making. */
typedef struct JpDsrCall
{
	const char *body;			/* of a request, or NULL */
	size_t		len;
	const char *id;				/* from the URL, or NULL */
	const char *controller;		/* who calls, or NULL */
	const JpDsrProcessor *processor;
	MemoryContext context;		/* the answer's */
	int			status;			/* of HTTP */
	char	   *domain;			/* of the processor, or NULL */
	StringInfoData answer;		/* UTF-8 */
	bool		judging_value;	/* an error is about an identity's value */
} JpDsrCall;

/* opendsr_answer.c: an error document (7.6); message without quotation. */
extern void jp_dsr_error(JpDsrCall *call, int status, const char *reason,
						 const char *field, const char *message);

/* opendsr_answer.c: the same for a value that cannot be, an id that was used. */
extern void jp_dsr_error_value(JpDsrCall *call);
extern void jp_dsr_error_duplicate(JpDsrCall *call);

/* opendsr_answer.c: the answers of 6.3, 7.3, 8.3 and 9.2.  Need SPI. */
extern void jp_dsr_answer_discovery(JpDsrCall *call);
extern void jp_dsr_answer_receipt(JpDsrCall *call, const JpDsrKnown *known);
extern void jp_dsr_answer_status(JpDsrCall *call, const JpDsrKnown *known);
extern void jp_dsr_answer_cancelled(JpDsrCall *call, const JpDsrKnown *known);

/* opendsr_answer.c: status, headers and body as SQL has them. */
extern Datum jp_dsr_answer(FunctionCallInfo fcinfo, JpDsrCall *call);
extern Datum jp_dsr_headers(int status, const char *domain);

/* opendsr_answer.c: a callback's document (8.6); url is NULL in a status. */
extern void jp_dsr_put_status(StringInfo json, const JpDsrProcessor *processor,
							  const JpDsrKnown *known, const char *public_status,
							  const char *url);

/* opendsr_processor.c: the configuration, NULL when there is none.  Needs SPI. */
extern const JpDsrProcessor *jp_dsr_processor(void);

/*
 * opendsr_processor.c: the kind of identity that a type in a format stands
 * for; NULL when there is none.  Needs SPI.
 */
extern char *jp_dsr_kind(const char *type, JpDsrFormat format);

/* opendsr_take.c: takes a request in, or knows it already.  Needs SPI. */
extern void jp_dsr_take(JpDsrCall *call);

/*
 * opendsr_take.c: a request, locked if so asked; false when there is none.
 * Needs SPI.
 */
extern bool jp_dsr_find(const char *id, bool lock, JpDsrKnown *known);

#endif							/* JP_OPENDSR_H */
