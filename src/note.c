/*
 * note.c
 *		The way of a note to the audit.
 */
#include "postgres.h"

#include "note.h"

void		(*jp_note_sink) (const JpNote *note) = NULL;

/* Something was done. */
void
jp_note(JpNoteKind kind, const char *command, Oid relation, int64 rows,
		const char *detail)
{
	JpNote		note = {kind, JP_NOTE_OK, command, relation, NULL, rows, detail};

	if (jp_note_sink != NULL)
		jp_note_sink(&note);
}

/* Something was done that is about one subject. */
void
jp_note_about(JpNoteKind kind, const char *command,
			  const struct JpPseudonym *subject, const char *detail)
{
	JpNote		note = {kind, JP_NOTE_OK, command, InvalidOid, subject, -1, detail};

	if (jp_note_sink != NULL)
		jp_note_sink(&note);
}

/* Something is about to be refused. */
void
jp_note_denied(JpNoteKind kind, const char *command, Oid relation)
{
	JpNote		note = {kind, JP_NOTE_DENIED, command, relation, NULL, -1, NULL};

	if (jp_note_sink != NULL)
		jp_note_sink(&note);
}
