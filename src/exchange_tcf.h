/*
 * exchange_tcf.h
 *		Consent strings of the IAB Europe Transparency and Consent Framework,
 *		version 2 (2.0 to 2.3).  Pure.
 */
#ifndef JP_EXCHANGE_TCF_H
#define JP_EXCHANGE_TCF_H

#include "exchange_bits.h"

#define JP_TCF_PURPOSES			24
#define JP_TCF_FEATURES			12
#define JP_TCF_CUSTOM			63
#define JP_TCF_RESTRICTIONS		(JP_TCF_PURPOSES * 3)

/*
 * Vendors under all restrictions together.  A few characters could name five
 * million of them; honest strings stay far below.
 */
#define JP_TCF_RESTRICTED		250000

/* What a publisher restricts for some vendors. */
typedef struct JpTcfRestriction
{
	int			purpose;
	int			type;			/* 0 not allowed, 1 consent, 2 interest */
	JpIdList	vendors;
} JpTcfRestriction;

/* A string taken apart.  Sets of purposes are read with jp_set_has(). */
typedef struct JpTcf
{
	int			version;
	uint64		created;		/* tenths of a second since 1970 */
	uint64		last_updated;
	int			cmp_id;
	int			cmp_version;
	int			consent_screen;
	char		consent_language[3];
	int			vendor_list_version;
	int			policy_version;
	bool		is_service_specific;
	bool		use_non_standard_texts;
	uint32		special_features;
	uint32		purposes;
	uint32		legitimate_interests;
	bool		purpose_one_treatment;	/* purpose 1 was not disclosed */
	char		publisher_country[3];
	JpIdList	vendors;
	JpIdList	vendor_legitimate_interests;
	int			restriction_count;
	JpTcfRestriction restriction[JP_TCF_RESTRICTIONS];
	int			core_bits;

	bool		has_disclosed;
	JpIdList	disclosed;
	bool		has_allowed;
	JpIdList	allowed;
	bool		has_publisher;
	uint32		publisher_purposes;
	uint32		publisher_legitimate_interests;
	int			custom_count;
	uint64		custom_purposes;
	uint64		custom_legitimate_interests;
} JpTcf;

/*
 * Reads the string at part, which may lie in a longer one that begins at
 * string.  The sets of vendors point into it.  False: see fault.
 */
extern bool jp_tcf_parse(const char *string, const char *part, size_t length,
						 JpTcf *tcf, JpFault *fault);

#endif							/* JP_EXCHANGE_TCF_H */
