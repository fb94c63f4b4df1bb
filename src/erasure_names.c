/*
 * erasure_names.c
 *		Whether a value names the subject that is being erased, where a table
 *		holds identities and carries no numbers.
 *
 * Called while erasure reads the table as its owner, so open to all; it does
 * nothing for anybody else, who would learn who is known.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"

#include "collection.h"
#include "compat.h"
#include "erasure.h"

/* The subject, within the transaction that asks. */
static const JpSubject *wanted = NULL;
static LocalTransactionId wanted_in = InvalidLocalTransactionId;

PG_FUNCTION_INFO_V1(jp_names_subject);

/* Sets the subject; an error forgets it with its transaction. */
void
jp_names_subject_of(const JpSubject *subject)
{
	wanted = subject;
	wanted_in = JP_LOCAL_XID;
}

/* SQL: names_subject(tableoid, subject), for nobody but erasure. */
Datum
jp_names_subject(PG_FUNCTION_ARGS)
{
	const JpProtection *protection = jp_protection_find(PG_GETARG_OID(0));
	JpPseudonym pseudonym;
	int			i;

	if (wanted == NULL || wanted_in != JP_LOCAL_XID || protection == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only erasure may do this")));
	jp_subject_of_datum(PG_GETARG_DATUM(1), get_fn_expr_argtype(fcinfo->flinfo, 1),
						protection->kind, &pseudonym);
	for (i = 0; i < wanted->count; i++)
		if (memcmp(&wanted->pseudonyms[i], &pseudonym, sizeof(pseudonym)) == 0)
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}
