/*
 * note.h
 *		What every room tells the audit: that something was done, or refused.
 *
 * Room audit takes the notes; the rooms above it may make some too, so the
 * way there is a pointer that audit sets.  A note is about what the caller
 * has just done; its transaction may still roll back, which the audit then
 * notes by itself.
 */
#ifndef JP_NOTE_H
#define JP_NOTE_H

#include "postgres.h"

/* What an entry is about. */
typedef enum JpNoteKind
{
	JP_NOTE_USE,				/* reading or writing a protected table */
	JP_NOTE_PURPOSE,			/* another purpose was set */
	JP_NOTE_CONSENT,			/* decisions, restrictions, purposes */
	JP_NOTE_ERASURE,			/* erasing, holds */
	JP_NOTE_UNSEALING,			/* opening sealed values */
	JP_NOTE_KEY,				/* keys made, rotated, destroyed */
	JP_NOTE_PROTECTION,			/* what is protected, and who may what */
	JP_NOTE_EXPORT,				/* a subject's data handed out */
	JP_NOTE_REQUEST,			/* requests of data subjects */
	JP_NOTE_AUDIT,				/* the audit itself */
	JP_NOTE_TRANSACTION			/* what was noted did not come to be */
} JpNoteKind;

#define JP_NOTE_KINDS	11

typedef enum JpNoteOutcome
{
	JP_NOTE_BEGUN,
	JP_NOTE_OK,
	JP_NOTE_DENIED,
	JP_NOTE_FAILED,
	JP_NOTE_ROLLED_BACK
} JpNoteOutcome;

#define JP_NOTE_OUTCOMES	5

typedef struct JpNote
{
	JpNoteKind	kind;
	JpNoteOutcome outcome;
	const char *command;		/* the SQL function or command */
	Oid			relation;		/* the table it is about, or InvalidOid */
	const struct JpPseudonym *subject;	/* whom it is about, or NULL */
	int64		rows;			/* how many, or -1 */
	const char *detail;			/* names from catalogs, never a caller's text */
} JpNote;

/* Set by room audit; NULL where nothing is noted. */
extern void (*jp_note_sink) (const JpNote *note);

/* Something was done, to a table or none; rows or -1; detail or NULL. */
extern void jp_note(JpNoteKind kind, const char *command, Oid relation,
					int64 rows, const char *detail);

/* Something was done that is about one subject, who must still be there. */
extern void jp_note_about(JpNoteKind kind, const char *command,
						  const struct JpPseudonym *subject, const char *detail);

/* Something is about to be refused; see jp_refuse(). */
extern void jp_note_denied(JpNoteKind kind, const char *command, Oid relation);

/* Throws 42501 with what errmsg() and the like say, after telling the audit. */
#define jp_refuse(kind, command, relation, ...) \
	do { \
		jp_note_denied(kind, command, relation); \
		ereport(ERROR, \
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), __VA_ARGS__)); \
	} while (0)

#endif							/* JP_NOTE_H */
