/*
 * sealed.h
 *		Values under a subject's own data key, and the end of such keys.
 */
#ifndef JP_SEALED_H
#define JP_SEALED_H

#include "pseudonym.h"

/*
 * Shreds the data keys of subjects: their rows are deleted at once, their
 * bytes overwritten on disk just before the transaction commits.  Returns
 * the number of keys.  Needs SPI and the extension owner's rights.
 */
extern int64 jp_sealed_shred(const JpPseudonym *subjects, int count);

/* Gives one subject's data keys to another.  Needs SPI and the owner's rights. */
extern void jp_sealed_resubject(const JpPseudonym *from,
								const JpPseudonym *to);

#endif							/* JP_SEALED_H */
