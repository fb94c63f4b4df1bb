/*
 * consent.h
 *		Purposes, decisions, and who may be seen for a purpose.
 */
#ifndef JP_CONSENT_H
#define JP_CONSENT_H

#include "datatype/timestamp.h"
#include "subject.h"

#define JP_CHUNK_BITS	13		/* subject numbers of a chunk: 8,192 */
#define JP_CHUNK_SUBJECTS	(1 << JP_CHUNK_BITS)
#define JP_CHUNK_BYTES	(JP_CHUNK_SUBJECTS / 8)

/* Where a subject number lies. */
#define JP_CHUNK_OF(number)	((uint32) (number) >> JP_CHUNK_BITS)
#define JP_OFFSET_OF(number)	((uint32) (number) & (JP_CHUNK_SUBJECTS - 1))

/* Legal bases: Art. 6 GDPR, and the opt-out model of the CCPA. */
typedef enum JpBasis
{
	JP_BASIS_CONSENT,
	JP_BASIS_OPT_OUT,
	JP_BASIS_CONTRACT,
	JP_BASIS_LEGAL_OBLIGATION,
	JP_BASIS_VITAL_INTERESTS,
	JP_BASIS_PUBLIC_TASK,
	JP_BASIS_LEGITIMATE_INTERESTS
} JpBasis;

typedef struct JpPurpose
{
	char		name[NAMEDATALEN];
	JpBasis		basis;
	bool		expires;		/* whether a yes lasts only for valid_for */
	Interval	valid_for;
	int32		min_group;		/* answers tell of no group with fewer subjects */
	bool		aggregates;		/* whether answers are all that may be had */
} JpPurpose;

/* A subject's decision on a purpose, as far as there is one. */
typedef struct JpDecision
{
	bool		made;
	bool		granted;
	TimestampTz valid_until;	/* DT_NOEND when it does not expire */
} JpDecision;

/* Who may be seen for one purpose, as one statement sees it. */
typedef struct JpPermitted
{
	JpPurpose	purpose;
	MemoryContext context;
	TimestampTz now;
	bool		by_statement;	/* the active snapshot is this statement's */
	uint32		chunks;			/* length of the array */
	const uint8 **chunk;		/* bits, or NULL where not read yet */
} JpPermitted;

/* The purpose of this name, or NULL.  Valid until configuration changes. */
extern const JpPurpose *jp_purpose_find(const char *name);

/* All purposes in order of their names. */
extern const JpPurpose *jp_purposes(int *count);

/* Throws 42704 for an unknown purpose. */
extern const JpPurpose *jp_purpose_get(const char *name);

/* 22023 unless something can be kept for that long; what names the argument. */
extern void jp_check_keep(const Interval *keep, const char *what);

/* The table of legal bases: may a subject be seen, given all that counts? */
extern bool jp_basis_permits(JpBasis basis, const JpDecision *decision,
							 bool restricted, TimestampTz now);

/*
 * Locks out whoever changes purposes, and returns the purpose as it is then:
 * what is decided under it stays true until the transaction ends.
 */
extern const JpPurpose *jp_purpose_settled(const char *name);

/*
 * A reader in a memory context.  It reads the bitmap chunk by chunk as
 * numbers are asked for, and is good for one statement of the client.
 * undecided is the answer for somebody who has no number yet.
 */
extern JpPermitted *jp_permitted_open(const JpPurpose *purpose,
									  MemoryContext context);
extern void jp_permitted_read_chunk(JpPermitted *permitted, uint32 chunk);
extern bool jp_permitted_undecided(const JpPermitted *permitted);

/* Whether the subject with this number may be seen. */
static inline bool
jp_permitted_test(JpPermitted *permitted, int32 number)
{
	uint32		chunk = JP_CHUNK_OF(number);
	uint32		offset = JP_OFFSET_OF(number);

	if (unlikely(number < 0))
		return false;
	if (unlikely(chunk >= permitted->chunks ||
				 permitted->chunk[chunk] == NULL))
		jp_permitted_read_chunk(permitted, chunk);
	return (permitted->chunk[chunk][offset / 8] >> (offset % 8)) & 1;
}

/*
 * The part of all subjects that may be seen, estimated from some chunks as
 * they are now; for the planner.
 */
extern double jp_permitted_fraction(const JpPurpose *purpose);

/*
 * Whether a subject might have been seen at a time in the past: what it had
 * decided then counts.  The reader of bits tells what the statement sees.
 */
typedef struct JpHeld JpHeld;

extern JpHeld *jp_held_open(JpPermitted *permitted, MemoryContext context);
extern bool jp_held_at(JpHeld *held, int32 number, TimestampTz time);

/* Writes a subject's bit.  The subject is locked.  Needs SPI. */
extern void jp_permitted_set(const JpPurpose *purpose, int32 number, bool bit,
							 TimestampTz valid_until);

/* What the ledger keeps with a decision besides who, what and when. */
typedef struct JpProof
{
	NullableDatum source;		/* text: where it came from */
	NullableDatum document;		/* text: the notice that the person saw */
	NullableDatum evidence;		/* jsonb */
	NullableDatum region;		/* text */
} JpProof;

/*
 * Records a yes or no to a purpose: ledger, decision in force, bit.  Returns
 * its id in the ledger (a uuid).  42704 for an unknown purpose, 22023 for a
 * time to come.
 */
extern Datum jp_consent_record(const JpPseudonym *subject, const char *purpose,
							   bool granted, TimestampTz at,
							   const JpProof *proof);

/*
 * Locks our tables for writing, in the one order in which erasure locks them
 * too, so that nobody waits in a circle.  Whatever writes decisions begins
 * with it.
 */
extern void jp_consent_begin(void);

/*
 * Links another identity, decisions merged, as link_identity(); false when
 * they are one subject already.  Needs SPI.
 */
extern bool jp_consent_link(const JpPseudonym *subject,
							const JpPseudonym *alias);

/*
 * Links identities that nobody has to a subject that is registered, which
 * gives them its decisions; returns how many.  One that is known already, or
 * was erased, is left alone.  Needs SPI.
 */
extern int	jp_consent_adopt(const JpPseudonym *subject,
							 const JpPseudonym *aliases, int count);

/*
 * Hides people from every purpose: deletes the decisions in force, whose
 * number it returns, and clears the bits.  Numbers ascending.  Needs SPI.
 */
extern int64 jp_consent_forget(const JpSubject *subject);

/* Deletes what people said from the ledger; returns the rows.  Needs SPI. */
extern int64 jp_ledger_erase(const JpSubject *subject);

/* Moves the ledger to the current pseudonyms, within rekey_pseudonyms(). */
extern void jp_ledger_rekey(void);

#endif							/* JP_CONSENT_H */
