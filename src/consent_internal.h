/*
 * consent_internal.h
 *		What the files of room consent share.
 */
#ifndef JP_CONSENT_INTERNAL_H
#define JP_CONSENT_INTERNAL_H

#include "access/genam.h"
#include "consent.h"
#include "fmgr.h"
#include "subject.h"
#include "utils/snapshot.h"

/* consent.c: throws 22004 for an argument that is null. */
extern void jp_require_arg(FunctionCallInfo fcinfo, int n, const char *name);

/* consent.c: an argument that may be null. */
extern NullableDatum jp_optional_arg(FunctionCallInfo fcinfo, int n);

/* consent.c: until when a yes given at a time counts. */
extern TimestampTz jp_valid_until(const JpPurpose *purpose, TimestampTz at);

/* consent.c: sets a number's bit from the decision in force.  Needs SPI. */
extern void jp_set_bit_by_state(const JpPurpose *purpose, int32 number,
								bool restricted);

/* consent.c: the same for locked subjects and every purpose.  Needs SPI. */
extern void jp_set_bits_by_state(const JpSubject *const *subjects, int count);

/* consent.c: a decision's time, not after now; 22023 if it cannot be one. */
extern TimestampTz jp_event_time(TimestampTz at);

/* A bit to be written. */
typedef struct JpBitChange
{
	int32		number;
	bool		bit;
	TimestampTz valid_until;
} JpBitChange;

/*
 * consent_bits.c: writes bits of one chunk, whose subjects are locked.
 * Needs SPI.
 */
extern void jp_permitted_change(const JpPurpose *purpose,
								const JpBitChange *changes, int count);

/* consent_bits.c: writes a chunk whole.  Needs SPI. */
extern void jp_permitted_write(const JpPurpose *purpose, uint32 chunk,
							   const uint8 *bits, TimestampTz next_expiry);

/* consent_bits.c: scans the decisions in force, table consent_state, of a chunk. */
extern SysScanDesc jp_decisions_scan(Relation rel, const char *purpose,
									 uint32 chunk, Snapshot snapshot);

/* consent_bits.c: the snapshot to read decisions by; NULL is the latest. */
extern Snapshot jp_permitted_snapshot(const JpPermitted *permitted);

/* consent_bits.c: what a chunk holds that nobody has written. */
extern const uint8 *jp_permitted_missing(JpBasis basis);

#endif							/* JP_CONSENT_INTERNAL_H */
