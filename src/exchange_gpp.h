/*
 * exchange_gpp.h
 *		Strings of the IAB Global Privacy Platform, version 1.  Pure.
 */
#ifndef JP_EXCHANGE_GPP_H
#define JP_EXCHANGE_GPP_H

#include "exchange_bits.h"

#define JP_GPP_SECTIONS		64	/* in one string; 27 ids are given out */
#define JP_GPP_TCF_EU		2
#define JP_GPP_USP			6

#define JP_US_FIELDS		16	/* of one section, closing entry included */
#define JP_US_VALUES		48

/* A section where it stands in the string. */
typedef struct JpGppSection
{
	int			id;
	const char *part;
	size_t		length;
} JpGppSection;

/* A string taken apart. */
typedef struct JpGpp
{
	int			count;
	JpGppSection section[JP_GPP_SECTIONS];
} JpGpp;

/* What the values 1 and 2 of a field mean; 0 is always "not applicable". */
typedef enum JpUsMeaning
{
	JP_US_NOTICE,				/* notice was given or not: no decision */
	JP_US_OPT_OUT,				/* 1 opted out, 2 did not */
	JP_US_CONSENT				/* 1 no, 2 yes */
} JpUsMeaning;

/* A field of a section: one value, or a list of count values. */
typedef struct JpUsField
{
	const char *name;			/* NULL after the last field */
	JpUsMeaning meaning;
	int			count;			/* 0: a single value */
} JpUsField;

/* A section of the United States taken apart. */
typedef struct JpUs
{
	const char *section;		/* its name: usnat, usca ... */
	int			version;
	JpUsField	field[JP_US_FIELDS];
	uint8		value[JP_US_VALUES];	/* of all fields in their order */
	bool		has_gpc;
	bool		gpc;			/* Global Privacy Control: opted out */
} JpUs;

/* Name of a section that can be decoded, or NULL. */
extern const char *jp_gpp_section_name(int id);

/* Splits a string by its header.  False: see fault. */
extern bool jp_gpp_parse(const char *string, size_t length, JpGpp *gpp,
						 JpFault *fault);

/* Is there a layout of fields for this section? */
extern bool jp_us_known(int id);

/* The fields of the nth layout there is, without values; false at the end.
 * has_gpc says whether the control may follow. */
extern bool jp_us_layout(int n, JpUs *us);

/* Reads a section of the United States. */
extern bool jp_us_parse(const char *string, const JpGppSection *section,
						JpUs *us, JpFault *fault);

/* Reads a US Privacy section: version "1", then notice, opt-out and covered
 * transaction, each Y, N or -. */
extern bool jp_usp_parse(const char *string, const JpGppSection *section,
						 char *letters, JpFault *fault);

#endif							/* JP_EXCHANGE_GPP_H */
