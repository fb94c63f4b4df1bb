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

/* A request that is worked on. */
typedef struct JpErasure
{
	Datum		request_id;		/* uuid */
	char	   *id_text;
	bool		atomic;			/* in the caller's transaction, not in our own */
	bool		only_if_free;	/* leave it to whoever is working on it */
	JpSubject	subject;		/* one or many, with all identities */
	int		   *person;			/* which of them each identity is */
	JpHolds		holds;			/* as of the last search */
	bool		late_hidden;
	bool		resumed_withheld;	/* the tombstone no longer binds */
	JpPrivilege before;
	LOCKTAG		tag;
} JpErasure;

/*
 * erasure.c: erases subjects, or goes on with a request: then no pseudonyms
 * are needed.  Returns the receipt; 0 when somebody else works on it and
 * that was to be left to them.  Needs SPI, which may commit unless atomic.
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

/* Whether anything is withheld; whether tombstones may be lifted again. */
extern bool jp_erasure_withholds(JpErasure *job);
extern void jp_erasure_end_tombstones(JpErasure *job);

#endif							/* JP_ERASURE_JOB_H */
