/*
 * subject.h
 *		The registry: a number for each identity of a subject, traces of the
 *		erased.
 */
#ifndef JP_SUBJECT_H
#define JP_SUBJECT_H

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "pseudonym.h"

#define JP_NO_SUBJECT	(-1)
#define JP_TRACE_SIZE	41		/* version, nonce, concealed pseudonym */

/* One person: every identity they are known by, ordered by number. */
typedef struct JpSubject
{
	int			count;			/* at least one */
	JpPseudonym *pseudonyms;
	int32	   *numbers;		/* JP_NO_SUBJECT when not registered */
	bool		restricted;
} JpSubject;

/*
 * An argument's pseudonym as it is under the current key: one of an earlier
 * key version, from an old export say, is the same subject.
 */
extern JpPseudonym *jp_subject_arg(FunctionCallInfo fcinfo, int n);

/* The same for who writes: locks, and no other key comes meanwhile. */
extern JpPseudonym *jp_subject_settled(const JpPseudonym *pseudonym);

/* Number of a registered subject, or JP_NO_SUBJECT.  Never writes. */
extern int32 jp_subject_find(const JpPseudonym *pseudonym);

/* The highest number that a registered subject has, or JP_NO_SUBJECT. */
extern int32 jp_subject_last(void);

/*
 * Number of a subject, registered now if need be; JP_NO_SUBJECT when a
 * tombstone forbids it.  Kept for the transaction, so that the caller must
 * hold a lock that erasure waits for (on the table it writes to).
 */
extern int32 jp_subject_register(const JpPseudonym *pseudonym);

/* Forgets what jp_subject_register has kept. */
extern void jp_subject_forget_kept(void);

/*
 * Like jp_subject_register, and locks the subject with all its aliases
 * against every other change until the transaction ends.  False when a
 * tombstone forbids it.  Needs SPI.
 */
extern bool jp_subject_lock(const JpPseudonym *pseudonym, JpSubject *subject);

/*
 * Locks the row of a head; false when there is no head of this number.  A
 * row that is not a head (any more) is not locked.
 */
extern bool jp_subject_lock_head(int32 head, bool *linked, bool *restricted);

/* The function behind = for pseudonyms. */
extern RegProcedure jp_pseudonym_equal(void);

/* The subject with all its aliases, unlocked; alone if it is not known. */
extern void jp_subject_get(const JpPseudonym *pseudonym, JpSubject *subject);

/* Changes the restriction (Art. 18) of a locked subject.  Needs SPI. */
extern void jp_subject_restrict(const JpSubject *subject, bool restricted);

/*
 * Makes an alias of another identity, or makes it a subject of its own
 * again.  Both leave the subjects locked and say whether anything changed;
 * decisions are the caller's to merge or part.  Need SPI.
 */
extern bool jp_subject_link(const JpPseudonym *pseudonym,
							const JpPseudonym *alias, JpSubject *whole);
extern bool jp_subject_unlink(const JpPseudonym *alias, JpSubject *rest,
							  JpSubject *alone);

/*
 * Registers identities that nobody has as aliases of a locked subject.  One
 * that is known already, or was erased, is left alone.  Needs SPI.
 */
extern void jp_subject_adopt(const JpSubject *subject,
							 const JpPseudonym *aliases, int count,
							 JpSubject *adopted);

/* When a subject was erased; false when there is no tombstone. */
extern bool jp_tombstone_find(const JpPseudonym *pseudonym,
							  TimestampTz *erased_at);

/*
 * Keyed traces of pseudonyms as bytea[]: under the current key, what a
 * tombstone holds; under every version of it, to look for one.
 */
extern Datum jp_tombstone_current(const JpPseudonym *pseudonyms, int count);
extern Datum jp_tombstone_traces(const JpPseudonym *pseudonyms, int count);

/*
 * The pseudonym, under the current key, that a trace conceals; false when the
 * trace is damaged or of a later key than the current one.
 */
extern bool jp_tombstone_reveal(const void *trace, Size length,
								JpPseudonym *pseudonym);

/* Moves every tombstone to the current keys, after a rotation.  Needs SPI. */
extern void jp_tombstones_rekey(void);

/*
 * Lays tombstones, or renews those that are there; while erasing, they cannot
 * be lifted (55000).  Need SPI.
 */
extern void jp_tombstones_lay(const JpPseudonym *pseudonyms, int count,
							  bool erasing);
extern void jp_tombstone_lift(const JpPseudonym *pseudonym);

/*
 * Takes subjects with all their aliases out of the registry, waiting for
 * changes under way, and adds those that were not in it with JP_NO_SUBJECT.
 * person tells of each identity which of the subjects it is.  Ordered by
 * number.  Needs SPI.
 */
extern void jp_subjects_remove(const JpPseudonym *pseudonyms, int count,
							   JpSubject *whole, int **person);

/* Pseudonyms and numbers of a subject as arrays for SQL. */
extern Datum jp_subject_pseudonyms(const JpSubject *subject);
extern Datum jp_subject_numbers(const JpSubject *subject);

#endif							/* JP_SUBJECT_H */
