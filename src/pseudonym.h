/*
 * pseudonym.h
 *		The value of type pseudonym, and how identities become one.
 */
#ifndef JP_PSEUDONYM_H
#define JP_PSEUDONYM_H

#include "pure.h"

#define JP_PSEUDONYM_SIZE	16
#define JP_PSEUDONYM_LETTERS	29	/* of the text form, at most */
#define JP_PSEUDONYM_TEXT	32	/* "p255_" + 24 letters + NUL, rounded up */

/* One byte key version, fifteen bytes keyed BLAKE2b. */
typedef struct JpPseudonym
{
	uint8		bytes[JP_PSEUDONYM_SIZE];
} JpPseudonym;

#define PG_GETARG_PSEUDONYM(n)	((JpPseudonym *) PG_GETARG_POINTER(n))

/* Pure: writes the canonical text form and a NUL; returns its length. */
extern int	jp_pseudonym_to_text(const JpPseudonym *pseudonym, char *text);

/* Pure: reads the canonical text form; false when it is not one. */
extern bool jp_pseudonym_from_text(const char *text, size_t len,
								   JpPseudonym *pseudonym);

/*
 * The pseudonym of an identity under the current key.  Throws 42704 for an
 * unknown kind, 22023 for a value that the kind cannot have.  The caller has
 * checked the privilege (design, rule 8) where one is needed.
 */
extern void jp_pseudonymize(const char *kind, const char *value, size_t len,
							JpPseudonym *pseudonym);

/* Moves a pseudonym from its own key version to a later one, in place. */
extern void jp_pseudonym_advance(JpPseudonym *pseudonym, int version);

#endif							/* JP_PSEUDONYM_H */
