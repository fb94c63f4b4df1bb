/*
 * audit_note.h
 *		Checkpoints as C2SP's tlog-checkpoint and signed-note have them.  Pure.
 */
#ifndef JP_AUDIT_NOTE_H
#define JP_AUDIT_NOTE_H

#include "audit_tree.h"

/* What a checkpoint says; origin is within the note. */
typedef struct JpCheckpoint
{
	const char *origin;
	size_t		origin_len;
	uint64		size;
	JpHash		root;
	size_t		text_len;		/* of the signed text, at the note's start */
} JpCheckpoint;

/* The text that is signed; its length, 0 when there is not enough room. */
extern size_t jp_checkpoint_text(const char *origin, uint64 size,
								 const JpHash *root, char *chars, size_t room);

/* The note: the text and an Ed25519 signature of it; its length or 0. */
extern size_t jp_checkpoint_signed(const char *chars, const char *name,
								   const uint8 *public_key,
								   const uint8 *signature, char *note,
								   size_t room);

/* The verifier's key in the form of signed notes; its length or 0. */
extern size_t jp_verifier_key(const char *name, const uint8 *public_key,
							  char *key, size_t room);

/* Reads a note; false when it is not a signed checkpoint. */
extern bool jp_checkpoint_parse(const char *note, size_t len,
								JpCheckpoint *parsed);

/* Whether some signature of a parsed note is of a name and its key. */
extern bool jp_checkpoint_verify(const char *note, size_t len,
								 const JpCheckpoint *parsed,
								 const char *name, const uint8 *public_key);

#endif							/* JP_AUDIT_NOTE_H */
