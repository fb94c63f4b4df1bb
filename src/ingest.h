/*
 * ingest.h
 *		The room's own promises: an mParticle batch is read whole, then
 *		written whole or not at all.
 */
#ifndef JP_INGEST_H
#define JP_INGEST_H

#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "compat.h"
#include "exchange.h"
#include "pseudonym.h"

#define JP_MAX_EVENTS	10000	/* of a batch; mParticle sends at most 100 */
#define JP_MAX_MAPPED	100		/* further columns of a mapping */

/* What a column of the journey table takes. */
typedef enum JpIngestSource
{
	JP_INGEST_TIME,				/* when the event occurred */
	JP_INGEST_NAME,				/* its name */
	JP_INGEST_PROPS,			/* what else it says of itself */
	JP_INGEST_EVENT_ID,
	JP_INGEST_OF_BATCH,			/* a path in the batch, the same for all events */
	JP_INGEST_OF_EVENT			/* a path in the event's data */
} JpIngestSource;

/* A column that is filled. */
typedef struct JpIngestColumn
{
	const char *name;
	JpIngestSource source;
	const char *path;			/* for messages, below batch or event */
	List	   *keys;			/* of char *, the path itself */
	bool		required;		/* NOT NULL */
	Oid			type;			/* of a domain the one below it */
	int32		typmod;
	Oid			array;			/* the type of its arrays */
	int16		length;
	bool		by_value;
	char		align;
	FmgrInfo	input;
	Oid			ioparam;
} JpIngestColumn;

/* Where events go, and what of them, as the table is now. */
typedef struct JpIngestMapping
{
	Oid			relid;
	pg_uuid_t	id;				/* of the mapping: what it has taken in */
	const char *table;			/* qualified and quoted */
	const char *subject;		/* column */
	const char *kind;			/* NULL: the column is a pseudonym */
	JpIngestColumn subject_column;
	List	   *columns;		/* of JpIngestColumn * */
	List	   *identities;		/* kinds, of char *, the subject's first */
	List	   *event_types;	/* of char *; NIL: all */
	bool		development;	/* take batches of that environment too */
	bool		merge;			/* link identities that are subjects already */
	bool		skip;			/* the guard leaves out what it refuses */
	bool		unique;			/* an index forbids an event id twice */
} JpIngestMapping;

/* An identity in a batch. */
typedef struct JpIngestIdentity
{
	const char *kind;
	const char *path;
	char	   *value;
	JpPseudonym pseudonym;
} JpIngestIdentity;

/* An event in a batch. */
typedef struct JpIngestEvent
{
	int			number;			/* its place in the batch */
	const char *message_id;		/* source_message_id, or NULL */
	JsonbValue	id;				/* event_id; jbvNull for none */
	JsonbContainer *content;	/* all of it, so many bytes */
	int			size;
	bool		known;			/* it was taken in before */
	Datum	   *values;			/* in the order of the mapping's columns */
	bool	   *nulls;
} JpIngestEvent;

/* What a batch leaves behind once taken in. */
typedef struct JpIngestTraces
{
	int			count;
	pg_uuid_t  *traces;
} JpIngestTraces;

/* A batch as it was read; nothing is written yet. */
typedef struct JpIngestBatch
{
	const JpIngestMapping *mapping;
	Jsonb	   *document;
	bool		development;
	bool		dated;			/* it says when it was made */
	TimestampTz at;
	const char *request_id;		/* source_request_id, or NULL */
	bool		has_consent;
	int			identity_count;
	JpIngestIdentity *identities;	/* the first one is the subject */
	Datum		subject;		/* the subject column's value */
	int			sent;			/* events in the batch */
	int			skipped;		/* of types that are not wanted */
	int			count;
	JpIngestEvent *events;
} JpIngestBatch;

/*
 * ingest_mapping.c: the mapping of a table, or the only one there is when
 * relid is InvalidOid.  Locks the table for writing.  42704 where there is
 * none, 22023 where there are several, 55000 where the table has changed.
 */
extern const JpIngestMapping *jp_ingest_mapping(Oid relid);

/* ingest_batch.c: reads a batch; 22023 with the path of what is wrong. */
extern JpIngestBatch *jp_ingest_read(const JpIngestMapping *mapping,
									 Jsonb *document);

/* ingest_identity.c: who the batch is about. */
extern void jp_ingest_read_identities(JpIngestBatch *batch);

/*
 * ingest_subject.c: records what the batch says of consent; false when the
 * guard is to refuse its events, because its subject was erased.  Linking
 * gives a registered subject the batch's other identities.  Both need SPI and
 * the rights of the extension's owner.
 */
extern bool jp_ingest_decide(const JpIngestBatch *batch, int *recorded);
extern void jp_ingest_link(const JpIngestBatch *batch, int *linked,
						   int *conflicts);

/* ingest_consent.c: throws 22023 unless consent_state is well formed. */
extern bool jp_ingest_check_consent(JsonbContainer *batch);

/* ingest_value.c: the fault of a batch; event is its number, or -1. */
pg_noreturn extern void jp_ingest_fault(int event, const char *path,
										const char *what);

/* A member of an object, or NULL where it is missing or null. */
extern JsonbValue *jp_ingest_member(JsonbContainer *object, const char *key);

/* The same, which must be an object, or text; path as for the fault. */
extern JsonbContainer *jp_ingest_object(JsonbContainer *object,
										const char *key, int event,
										const char *path);
extern char *jp_ingest_text(JsonbContainer *object, const char *key,
							int event, const char *path);

/* Digits of a whole number of at most max digits; NULL when it is none. */
extern char *jp_ingest_digits(const JsonbValue *value, int max);

/* Milliseconds since 1970; of a time that has passed, with so much skew. */
extern TimestampTz jp_ingest_time(const JsonbValue *value, int event,
								  const char *path);
extern TimestampTz jp_ingest_past_time(const JsonbValue *value, int event,
									   const char *path, int64 skew);

/* A value for a column; false for NULL. */
extern bool jp_ingest_value(JpIngestColumn *column, const JsonbValue *value,
							int event, Datum *datum);

/* The value at the path of a column, or NULL. */
extern JsonbValue *jp_ingest_walk(const JpIngestColumn *column,
								  JsonbContainer *object);

/*
 * ingest_event.c: name and properties of an event of a type, data being what
 * it says.
 */
extern char *jp_ingest_event_name(const char *type, JsonbContainer *data,
								  int event);
extern Jsonb *jp_ingest_event_props(const char *type, JsonbContainer *data,
									int event);

/*
 * ingest_trace.c: traces of what was taken in.  Admitting marks the events
 * that are known and returns false when the whole batch is; waits for others
 * who take in the same.  Dropping forgets what was admitted.  Both need SPI
 * and the rights of the extension's owner.
 */
extern bool jp_ingest_admit(JpIngestBatch *batch, JpIngestTraces *traces);
extern void jp_ingest_drop_traces(const JpIngestTraces *traces);

/* ingest_write.c: inserts the events that are not known, as the caller. */
extern int	jp_ingest_insert(const JpIngestBatch *batch);

#endif							/* JP_INGEST_H */
