/*
 * ingest_subject.c
 *		What a batch does to its subject: decisions and aliases.
 *
 * A batch is not proof of who somebody is.  So an identity that nobody has
 * becomes an alias of the subject, but one that is known as somebody else's
 * stays theirs, and is counted; and one that was erased stays erased.  Only
 * where the mapping says merge are they linked, as link_identity() would.
 *
 * Somebody who was erased does not come back by a side door: a subject that
 * is not known, with an identity that was erased, counts as erased, unless the
 * batch has a yes from after that.
 */
#include "postgres.h"

#include "executor/spi.h"

#include "catalog.h"
#include "compat.h"
#include "consent.h"
#include "ingest.h"
#include "note.h"
#include "subject.h"

static bool was_erased(const JpIngestBatch *batch, TimestampTz *erased_at);
static void refuse_erased(const JpIngestBatch *batch);
static int	count_recorded(const JpImport *import);
static int	foreign_identities(const JpIngestBatch *batch, JpPseudonym *foreign);

/* Records the decisions in a batch. */
bool
jp_ingest_decide(const JpIngestBatch *batch, int *recorded)
{
	const JpPseudonym *subject = &batch->identities[0].pseudonym;
	TimestampTz erased_at;
	JpImport	import;

	jp_consent_begin();
	if (batch->has_consent)
		jp_import_read_batch(&import, subject, batch->document, batch->dated, batch->at);
	if (was_erased(batch, &erased_at) &&
		!(batch->has_consent && jp_import_agrees_after(&import, erased_at)))
	{
		refuse_erased(batch);
		return false;
	}
	if (batch->has_consent)
	{
		jp_import_record(&import);
		*recorded = count_recorded(&import);
	}
	return true;
}

/* When the subject, or somebody unknown by another identity, was erased last. */
static bool
was_erased(const JpIngestBatch *batch, TimestampTz *erased_at)
{
	bool		erased = false;
	int			i;

	if (jp_subject_find(&batch->identities[0].pseudonym) != JP_NO_SUBJECT)
		return false;
	for (i = 0; i < batch->identity_count; i++)
	{
		TimestampTz at;

		if (jp_subject_find(&batch->identities[i].pseudonym) != JP_NO_SUBJECT ||
			!jp_tombstone_find(&batch->identities[i].pseudonym, &at))
			continue;
		*erased_at = erased ? Max(*erased_at, at) : at;
		erased = true;
	}
	return erased;
}

/* Refuses the batch as the guard does, unless the table leaves such out. */
static void
refuse_erased(const JpIngestBatch *batch)
{
	if (batch->mapping->skip)
		return;
	jp_refuse(JP_NOTE_USE, "ingest_mparticle", batch->mapping->relid,
			  errmsg("batch for protected table %s refused: its subject has been erased",
					 batch->mapping->table),
			  errhint("Only a new consent, given after the erasure, lets the subject's data in again."));
}

/* How many decisions were recorded. */
static int
count_recorded(const JpImport *import)
{
	List	   *ids = NIL;
	ListCell   *cell;
	int			count = 0;

	/* several statements on one purpose are one decision */
	foreach(cell, import->outcomes)
	{
		JpOutcome  *outcome = lfirst(cell);
		ListCell   *other;

		if (!outcome->recorded)
			continue;
		foreach(other, ids)
		{
			if (memcmp(lfirst(other), &outcome->id, UUID_LEN) == 0)
				break;
		}
		if (other == NULL)
		{
			ids = lappend(ids, &outcome->id);
			count++;
		}
	}
	return count;
}

/* Links the other identities in a batch. */
void
jp_ingest_link(const JpIngestBatch *batch, int *linked, int *conflicts)
{
	const JpPseudonym *subject = &batch->identities[0].pseudonym;
	JpPseudonym *foreign = palloc(batch->identity_count * sizeof(JpPseudonym));
	int			count;
	int			i;

	if (batch->identity_count < 2 || jp_subject_find(subject) == JP_NO_SUBJECT)
		return;
	count = foreign_identities(batch, foreign);
	if (count == 0)
		return;
	*linked = jp_consent_adopt(subject, foreign, count);
	*conflicts = count - *linked;
	if (*conflicts == 0 || !batch->mapping->merge)
		return;
	count = foreign_identities(batch, foreign);
	for (i = 0; i < count; i++)
	{
		if (jp_subject_find(&foreign[i]) == JP_NO_SUBJECT ||
			!jp_consent_link(subject, &foreign[i]))
			continue;
		(*linked)++;
		(*conflicts)--;
	}
}

/* The identities in a batch that are not the subject's, each once. */
static int
foreign_identities(const JpIngestBatch *batch, JpPseudonym *foreign)
{
	JpSubject	whole;
	int			count = 0;
	int			i;

	jp_subject_get(&batch->identities[0].pseudonym, &whole);
	for (i = 1; i < batch->identity_count; i++)
	{
		const JpPseudonym *one = &batch->identities[i].pseudonym;
		int			n;

		for (n = 0; n < whole.count; n++)
		{
			if (memcmp(&whole.pseudonyms[n], one, sizeof(*one)) == 0)
				break;
		}
		if (n == whole.count)
			foreign[count++] = *one;
	}
	return count;
}
