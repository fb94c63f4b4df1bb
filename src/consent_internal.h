/*
 * consent_internal.h
 *		What the files of room consent share.
 */
#ifndef JP_CONSENT_INTERNAL_H
#define JP_CONSENT_INTERNAL_H

#include "consent.h"
#include "fmgr.h"
#include "subject.h"

/* consent.c: throws 22004 for an argument that is null. */
extern void jp_require_arg(FunctionCallInfo fcinfo, int n, const char *name);

/* consent.c: an argument that may be null. */
extern NullableDatum jp_optional_arg(FunctionCallInfo fcinfo, int n);

/* consent.c: until when a yes given at a time counts. */
extern TimestampTz jp_valid_until(const JpPurpose *purpose, TimestampTz at);

/* consent.c: sets a number's bit from the decision in force.  Needs SPI. */
extern void jp_set_bit_by_state(const JpPurpose *purpose, int32 number,
								bool restricted);

/* consent.c: the same for a locked subject and every purpose.  Needs SPI. */
extern void jp_set_bits_by_state(const JpSubject *subject);

#endif							/* JP_CONSENT_INTERNAL_H */
