/*
 * erasure_job.h
 *		One request to erase, and what our own tables know of it.
 */
#ifndef JP_ERASURE_JOB_H
#define JP_ERASURE_JOB_H

#include "catalog.h"
#include "erasure.h"
#include "fmgr.h"
#include "storage/lock.h"
#include "utils/resowner.h"
#include "utils/uuid.h"

/* A request that is worked on. */
typedef struct JpErasure
{
	Datum		request_id;		/* uuid */
	char	   *id_text;
	bool		atomic;			/* in the caller's transaction, not in our own */
	bool		only_if_free;	/* leave it to whoever is working on it */
	bool		guarded;		/* each step is a subtransaction: errors can be caught */
	ResourceOwner owner;		/* around a guarded step */
	JpSubject	subject;		/* one or many, with all identities */
	int		   *person;			/* which of them each identity is */
	JpHolds		holds;			/* as of the last search */
	bool		late_hidden;
	bool		resumed_withheld;	/* the tombstone no longer binds */
	JpPrivilege before;
	LOCKTAG		tag;
} JpErasure;

/* erasure.c: the tag of an advisory lock on a uuid; field is one of ours. */
extern void jp_uuid_lock_tag(LOCKTAG *tag, const pg_uuid_t *id, uint16 field);

/*
 * Of an erasure e: whether a hold in force still keeps what it withholds.
 * Part of statements.
 */
#define JP_ERASURE_HELD \
	"EXISTS (SELECT FROM journey_privacy.hold h WHERE h.released_at IS NULL" \
	" AND coalesce(h.held_until, 'infinity') > pg_catalog.clock_timestamp()" \
	" AND (h.trace IN (SELECT s.trace FROM journey_privacy.erasure_subject s WHERE s.request_id = e.request_id)" \
	"  OR (h.trace IS NULL AND EXISTS (SELECT FROM journey_privacy.erasure_step t" \
	"   WHERE t.request_id = e.request_id AND t.action = 'withhold'" \
	"    AND to_regclass(t.relation) = h.relation))))"

/*
 * erasure.c: erases subjects, or goes on with a request: then no pseudonyms
 * are needed.  Returns the receipt; 0 when somebody else works on it and
 * that was to be left to them.  Needs SPI, which may commit unless atomic.
 * Whoever catches an error of a guarded one rolls back to the level at which
 * it was called.
 */
extern Datum jp_erasure_run(JpErasure *job, const JpPseudonym *pseudonyms,
							int count, NullableDatum reason);

/*
 * erasure_job.c: notes a request, hides its subjects, lays tombstones.
 * Returns the receipt of a request that is done; 0 for one to be carried out.
 * 42710 when it was made for others.
 */
extern Datum jp_erasure_claim(JpErasure *job, const JpPseudonym *pseudonyms,
							  int count, NullableDatum reason);

/* Reads whom a request is about, under the current keys. */
extern void jp_erasure_load(JpErasure *job);

/* Adds numbers that its subjects were given by who began to write before. */
extern void jp_erasure_add_late(JpErasure *job, const JpSubject *late,
								const int *person);

/* Writes down what a search found, and what was done. */
extern void jp_erasure_note_found(JpErasure *job, const JpReach *reach);
extern void jp_erasure_note_done(JpErasure *job, const char *table,
								 const char *action, int64 rows,
								 const char *path);

/* Deletes what requests of access have brought of its subjects. */
extern void jp_erasure_forget_results(JpErasure *job);

/* Whether anything is withheld; whether tombstones may be lifted again. */
extern bool jp_erasure_withholds(JpErasure *job);
extern void jp_erasure_end_tombstones(JpErasure *job);

#endif							/* JP_ERASURE_JOB_H */
