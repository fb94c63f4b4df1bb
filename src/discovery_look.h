/*
 * discovery_look.h
 *		What personal data looks like: by its content, by the name it has.
 *		Pure: no fmgr, no locale, UTF-8.
 */
#ifndef JP_DISCOVERY_LOOK_H
#define JP_DISCOVERY_LOOK_H

#include "pure.h"

/* Kinds of personal data; the first few can be told by content. */
typedef enum JpLook
{
	JP_LOOK_EMAIL,
	JP_LOOK_PHONE,
	JP_LOOK_IP,
	JP_LOOK_MAC,
	JP_LOOK_CARD,
	JP_LOOK_IBAN,
	JP_LOOK_NATIONAL_ID,
	JP_LOOK_BIRTH_DATE,
	JP_LOOK_BY_CONTENT,			/* how many those are */
	JP_LOOK_PERSON_NAME = JP_LOOK_BY_CONTENT,
	JP_LOOK_ADDRESS,
	JP_LOOK_LOCATION,
	JP_LOOK_DEVICE,
	JP_LOOK_ACCOUNT,
	JP_LOOK_SECRET,
	JP_LOOK_GENDER,
	JP_LOOK_SPECIAL,
	JP_LOOKS
} JpLook;

#define JP_LOOK_BIT(look)	((uint32) 1 << (look))

/* How it is called. */
extern const char *jp_look_name(JpLook look);

/*
 * Bits of what a value looks like, as a whole or in one of its words.  A date
 * may be anything: of it, *year is told instead, 0 where it is none.  Between
 * words, interrupt is called, unless it is NULL.
 */
extern uint32 jp_looks_like(const char *value, size_t len, int *year,
							void (*interrupt) (void));

/*
 * Bits of what the name of a column or a key says, in English, German,
 * French, Spanish, Italian and Dutch.
 */
extern uint32 jp_name_says(const char *name, size_t len);

/* discovery_national.c: whether it is a national identification number. */
extern bool jp_is_national_id(const char *value, size_t len);

/* Whether digits, which may be grouped, have the check digit of Luhn. */
extern bool jp_luhn(const char *digits, size_t count);

#endif							/* JP_DISCOVERY_LOOK_H */
