/*
 * policy.h
 *		Decisions about who may read what, for which purpose.
 */
#ifndef JP_POLICY_H
#define JP_POLICY_H

#include "consent.h"

/*
 * The purpose for which the current user reads a protected table now.
 * Throws 42501 when none is set, it does not exist or is not allowed, and
 * 55000 when the table's protection cannot be relied on.
 */
extern const JpPurpose *jp_policy_purpose(Oid relid);

#endif							/* JP_POLICY_H */
