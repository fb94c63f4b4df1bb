/*
 * exchange_tcf.c
 *		TCF consent strings, version 2.  Pure.
 *
 * A string is a core and up to three more segments, joined by dots: vendors
 * disclosed, vendors allowed, the publisher's own purposes.  Fields have the
 * names of the specification ("Consent string and vendor list formats v2").
 * Policy version 4 (TCF 2.2) ended legitimate interest for purposes 3 to 6;
 * version 5 (TCF 2.3) made the disclosed vendors mandatory.
 */
#include "exchange_tcf.h"

#define VERSION				2
#define POLICY_NO_INTEREST	4
#define POLICY_DISCLOSED	5

/* Purposes 3 to 6 in a set of 24. */
#define PURPOSES_3_TO_6		(0xfu << (JP_TCF_PURPOSES - 6))

typedef enum SegmentType
{
	SEGMENT_DISCLOSED = 1,
	SEGMENT_ALLOWED = 2,
	SEGMENT_PUBLISHER = 3
} SegmentType;

static void read_core(JpBits *bits, JpTcf *tcf);
static void read_purposes(JpBits *bits, JpTcf *tcf);
static void read_restrictions(JpBits *bits, JpTcf *tcf);
static void read_segment(JpBits *bits, JpTcf *tcf);
static void read_publisher(JpBits *bits, JpTcf *tcf);
static bool once(JpBits *bits, bool *seen);

/* Takes a string apart. */
bool
jp_tcf_parse(const char *string, const char *part, size_t length, JpTcf *tcf,
			 JpFault *fault)
{
	const char *end = part + length;
	bool		core = true;

	memset(tcf, 0, sizeof(*tcf));
	memset(fault, 0, sizeof(*fault));
	if (length > JP_EXCHANGE_LENGTH)
		jp_fault(fault, JP_TOO_LONG, NULL,
				 part - string + JP_EXCHANGE_LENGTH + 1);
	while (fault->what == NULL && part != NULL)
	{
		const char *dot = memchr(part, '.', end - part);
		JpBits		bits;

		jp_bits_open(&bits, string, part, (dot ? dot : end) - part, fault);
		if (core)
			read_core(&bits, tcf);
		else
			read_segment(&bits, tcf);
		jp_bits_close(&bits);
		core = false;
		part = dot ? dot + 1 : NULL;
	}
	if (tcf->policy_version >= POLICY_DISCLOSED && !tcf->has_disclosed)
		jp_fault(fault, "disclosed vendors are missing,"
				 " mandatory since policy version 5", NULL, end - string + 1);
	return fault->what == NULL;
}

/* The core: general data, purposes, vendors, restrictions. */
static void
read_core(JpBits *bits, JpTcf *tcf)
{
	tcf->version = (int) jp_bits_take(bits, "Version", 6);
	if (tcf->version != VERSION)
		jp_bits_refuse(bits, "the version is not 2");
	tcf->created = jp_bits_take(bits, "Created", 36);
	tcf->last_updated = jp_bits_take(bits, "LastUpdated", 36);
	tcf->cmp_id = (int) jp_bits_take(bits, "CmpId", 12);
	tcf->cmp_version = (int) jp_bits_take(bits, "CmpVersion", 12);
	tcf->consent_screen = (int) jp_bits_take(bits, "ConsentScreen", 6);
	jp_bits_letters(bits, "ConsentLanguage", tcf->consent_language);
	tcf->vendor_list_version =
		(int) jp_bits_take(bits, "VendorListVersion", 12);
	tcf->policy_version = (int) jp_bits_take(bits, "TcfPolicyVersion", 6);
	tcf->is_service_specific =
		jp_bits_take(bits, "IsServiceSpecific", 1) != 0;
	tcf->use_non_standard_texts =
		jp_bits_take(bits, "UseNonStandardTexts", 1) != 0;
	read_purposes(bits, tcf);
	jp_bits_vendors(bits, "VendorConsents", &tcf->vendors);
	jp_bits_vendors(bits, "VendorLegitimateInterests",
					&tcf->vendor_legitimate_interests);
	read_restrictions(bits, tcf);
	tcf->core_bits = (int) bits->next;
}

/* What the person said to purposes and special features. */
static void
read_purposes(JpBits *bits, JpTcf *tcf)
{
	tcf->special_features =
		(uint32) jp_bits_take(bits, "SpecialFeatureOptIns", JP_TCF_FEATURES);
	tcf->purposes =
		(uint32) jp_bits_take(bits, "PurposesConsent", JP_TCF_PURPOSES);
	tcf->legitimate_interests =
		(uint32) jp_bits_take(bits, "PurposesLITransparency", JP_TCF_PURPOSES);
	if (tcf->policy_version >= POLICY_NO_INTEREST &&
		(tcf->legitimate_interests & PURPOSES_3_TO_6) != 0)
		jp_bits_refuse(bits, "legitimate interest for purposes 3 to 6,"
					   " ended by policy version 4");
	tcf->purpose_one_treatment =
		jp_bits_take(bits, "PurposeOneTreatment", 1) != 0;
	jp_bits_letters(bits, "PublisherCC", tcf->publisher_country);
}

/* What the publisher restricts. */
static void
read_restrictions(JpBits *bits, JpTcf *tcf)
{
	int			count = (int) jp_bits_take(bits, "NumPubRestrictions", 12);
	int			restricted = 0;
	int			i;

	if (count > JP_TCF_RESTRICTIONS)
		jp_bits_refuse(bits, "more restrictions than purposes and types");
	for (i = 0; i < count && bits->fault->what == NULL; i++)
	{
		JpTcfRestriction *restriction = &tcf->restriction[i];

		restriction->purpose = (int) jp_bits_take(bits, "PurposeId", 6);
		if (restriction->purpose < 1 || restriction->purpose > JP_TCF_PURPOSES)
			jp_bits_refuse(bits, "there is no such purpose");
		restriction->type = (int) jp_bits_take(bits, "RestrictionType", 2);
		if (restriction->type > 2)
			jp_bits_refuse(bits, "there is no restriction type 3");
		jp_bits_ranges(bits, "PubRestrictionEntry", JP_MAX_VENDOR,
					   &restriction->vendors);
		restricted += restriction->vendors.sum;
		if (restricted > JP_TCF_RESTRICTED)
			jp_bits_refuse(bits, "too many vendors are restricted");
		tcf->restriction_count = i + 1;
	}
}

/* Any segment but the core. */
static void
read_segment(JpBits *bits, JpTcf *tcf)
{
	switch (jp_bits_take(bits, "SegmentType", 3))
	{
		case SEGMENT_DISCLOSED:
			if (once(bits, &tcf->has_disclosed))
				jp_bits_vendors(bits, "DisclosedVendors", &tcf->disclosed);
			break;
		case SEGMENT_ALLOWED:
			if (once(bits, &tcf->has_allowed))
				jp_bits_vendors(bits, "AllowedVendors", &tcf->allowed);
			break;
		case SEGMENT_PUBLISHER:
			if (once(bits, &tcf->has_publisher))
				read_publisher(bits, tcf);
			break;
		default:
			jp_bits_refuse(bits, "there is no such segment");
	}
}

/* The publisher's own purposes. */
static void
read_publisher(JpBits *bits, JpTcf *tcf)
{
	tcf->publisher_purposes =
		(uint32) jp_bits_take(bits, "PubPurposesConsent", JP_TCF_PURPOSES);
	tcf->publisher_legitimate_interests =
		(uint32) jp_bits_take(bits, "PubPurposesLITransparency",
							  JP_TCF_PURPOSES);
	tcf->custom_count = (int) jp_bits_take(bits, "NumCustomPurposes", 6);
	tcf->custom_purposes =
		jp_bits_take(bits, "CustomPurposesConsent", tcf->custom_count);
	tcf->custom_legitimate_interests =
		jp_bits_take(bits, "CustomPurposesLITransparency", tcf->custom_count);
}

/* Refuses a segment that was there already. */
static bool
once(JpBits *bits, bool *seen)
{
	if (*seen)
		jp_bits_refuse(bits, "the segment occurs twice");
	*seen = true;
	return bits->fault->what == NULL;
}
