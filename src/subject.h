/*
 * subject.h
 *		The registry: a number for each subject, traces of the erased.
 */
#ifndef JP_SUBJECT_H
#define JP_SUBJECT_H

#include "datatype/timestamp.h"
#include "pseudonym.h"

#define JP_NO_SUBJECT	(-1)
#define JP_TRACE_SIZE	32		/* keyed BLAKE2b-256 */

/* Number of a registered subject, or JP_NO_SUBJECT.  Never writes. */
extern int32 jp_subject_find(const JpPseudonym *pseudonym);

/*
 * Number of a subject, registered now if need be; JP_NO_SUBJECT when a
 * tombstone forbids it.  Kept for the transaction, so that the caller must
 * hold a lock that erasure waits for (on the table it writes to).
 */
extern int32 jp_subject_register(const JpPseudonym *pseudonym);

/*
 * Like jp_subject_register, and locks the subject against every other change
 * of its decisions until the transaction ends.  Needs SPI.
 */
extern int32 jp_subject_lock(const JpPseudonym *pseudonym, bool *restricted);

/* Changes the restriction (Art. 18) of a locked subject.  Needs SPI. */
extern void jp_subject_restrict(int32 number, bool restricted);

/* When a subject was erased; false when there is no tombstone. */
extern bool jp_tombstone_find(const JpPseudonym *pseudonym,
							  TimestampTz *erased_at);

/* The keyed trace that a tombstone holds: JP_TRACE_SIZE bytes. */
extern void jp_tombstone_trace(const JpPseudonym *pseudonym, uint8 *trace);

/* Lays and lifts a tombstone.  Need SPI. */
extern void jp_tombstone_lay(const JpPseudonym *pseudonym);
extern void jp_tombstone_lift(const JpPseudonym *pseudonym);

/* Takes a subject out of the registry and tells its number.  Needs SPI. */
extern int32 jp_subject_remove(const JpPseudonym *pseudonym);

#endif							/* JP_SUBJECT_H */
