/*
 * exchange_bits.h
 *		Numbers out of base64url text, as the consent strings of the IAB hold
 *		them.  Pure.
 */
#ifndef JP_EXCHANGE_BITS_H
#define JP_EXCHANGE_BITS_H

#include "pure.h"

/* Far above any honest string; what is longer is refused unread. */
#define JP_EXCHANGE_LENGTH	(256 * 1024)
#define JP_TOO_LONG			"the string is too long"

#define JP_MAX_VENDOR		65535
#define JP_IDS_ROOM			(JP_MAX_VENDOR + 2)

/* Why a string was refused, and where; never what it says. */
typedef struct JpFault
{
	const char *what;			/* the fact, NULL as long as there is none */
	const char *field;			/* the field it was found in, or NULL */
	size_t		at;				/* its first character, counted from 1 */
} JpFault;

/* A part of a string being read.  After a fault all reads give 0. */
typedef struct JpBits
{
	const char *string;			/* the whole string: faults count from here */
	const char *part;			/* the part: characters of base64url only */
	size_t		length;
	size_t		next;			/* number of bits read */
	const char *field;			/* the field read last */
	size_t		start;			/* its first bit */
	JpFault    *fault;
} JpBits;

/* A set of ids (vendors) where it stands in the string, already checked. */
typedef struct JpIdList
{
	const char *part;
	size_t		first;			/* first bit of the field or of the ranges */
	int			max;
	bool		ranges;
	int			entries;		/* number of ranges */
	int			sum;			/* of their lengths */
} JpIdList;

/* Notes the first fault; later ones are only its consequences. */
extern void jp_fault(JpFault *fault, const char *what, const char *field,
					 size_t at);

/* Begins a part; checks that it is not empty and base64url throughout. */
extern void jp_bits_open(JpBits *bits, const char *string, const char *part,
						 size_t length, JpFault *fault);

/* The next number, of up to 64 bits, most significant first. */
extern uint64 jp_bits_take(JpBits *bits, const char *field, int count);

/* Two letters of 6 bits, A = 0; letters has room for 3. */
extern void jp_bits_letters(JpBits *bits, const char *field, char *letters);

/* A number in Fibonacci coding, at most 65,535. */
extern int	jp_bits_fibonacci(JpBits *bits, const char *field);

/* A set of ids: its maximum, then a bit field or ranges. */
extern void jp_bits_vendors(JpBits *bits, const char *field, JpIdList *list);

/* A set of ids as ranges. */
extern void jp_bits_ranges(JpBits *bits, const char *field, int max,
						   JpIdList *list);

/* Refuses the value of the field read last. */
extern void jp_bits_refuse(JpBits *bits, const char *what);

/* Ends a part: nothing may follow its fields but zeros that pad them. */
extern void jp_bits_close(JpBits *bits);

/* Writes the ids in ascending order, each once; ids has JP_IDS_ROOM. */
extern int	jp_ids_collect(const JpIdList *list, int *ids);

/* Is this id in the set? */
extern bool jp_ids_has(const JpIdList *list, int id);

/* Bit of an id (1 to width) in a number whose first bit stands for id 1. */
static inline bool
jp_set_has(uint64 set, int width, int id)
{
	return (set >> (width - id) & 1) != 0;
}

#endif							/* JP_EXCHANGE_BITS_H */
