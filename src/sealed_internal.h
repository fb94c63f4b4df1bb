/*
 * sealed_internal.h
 *		What the sealed room's own files share, grouped by file.
 */
#ifndef JP_SEALED_INTERNAL_H
#define JP_SEALED_INTERNAL_H

#include "storage/itemptr.h"
#include "utils/rel.h"

#include "keyring.h"
#include "sealed.h"

/* A subject's data key as it is stored. */
typedef struct JpDataKey
{
	uint8		id[JP_BOX_ID_SIZE];
	uint8		wrapped[JP_BOX_SIZE];
} JpDataKey;

/* What is known of a key that a value names. */
typedef enum JpDataKeyState
{
	JP_DATA_KEY_HERE,			/* and is this subject's */
	JP_DATA_KEY_ANOTHERS,		/* another subject's */
	JP_DATA_KEY_SHREDDED,
	JP_DATA_KEY_FORGED			/* never one of ours */
} JpDataKeyState;

/* sealed_key.c: a data key of the subject, if there is one. */
extern bool jp_data_key_here(const JpPseudonym *subject, JpDataKey *key);

/* sealed_key.c: a data key of the subject, made if need be; false if erased. */
extern bool jp_data_key_of(const JpPseudonym *subject, JpDataKey *key);

/* sealed_key.c: the data key of an id, for a subject. */
extern JpDataKeyState jp_data_key_find(const JpPseudonym *subject,
									   const uint8 *id, JpDataKey *key);

/* sealed_store.c: reads and overwrites a wrapped key where it lies. */
extern void jp_data_key_read(Relation table, ItemPointer tid, uint8 *wrapped);
extern void jp_data_key_write(Relation table, ItemPointer tid,
							  const uint8 *wrapped);

/* sealed_store.c: whether a wrapped key has been shredded. */
extern bool jp_data_key_blank(const uint8 *wrapped);

#endif							/* JP_SEALED_INTERNAL_H */
