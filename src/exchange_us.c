/*
 * exchange_us.c
 *		GPP sections of the United States.  Pure.
 *
 * Every section is a version and fields of two bits, laid out as the
 * section's specification says; most may be followed by a segment that holds
 * the browser's Global Privacy Control.  Sections that are not in the table
 * (newer states, whose layout is still moving) are not decoded.
 */
#include "exchange_gpp.h"

#define US_NATIONAL		7
#define GPC_SEGMENT		1
#define SLOTS			18		/* of the longest layout, with its end */

/* The fields there are. */
typedef enum FieldId
{
	LAYOUT_END,
	SHARING_NOTICE,
	PROCESSING_NOTICE,
	SALE_OPT_OUT_NOTICE,
	SHARING_OPT_OUT_NOTICE,
	TARGETED_OPT_OUT_NOTICE,
	SENSITIVE_PROCESSING_NOTICE,
	SENSITIVE_LIMIT_NOTICE,
	SENSITIVE_OPT_OUT_NOTICE,
	SALE_OPT_OUT,
	SHARING_OPT_OUT,
	TARGETED_OPT_OUT,
	SENSITIVE_CONSENT,
	SENSITIVE_OPT_OUT,
	CHILD_CONSENT,
	PERSONAL_CONSENT,
	ADDITIONAL_CONSENT,
	MSPA_COVERED,
	MSPA_OPT_OUT_MODE,
	MSPA_PROVIDER_MODE,
	UNNAMED						/* values that this version does not define */
} FieldId;

/* A slot of a layout: a field, or a list of n values of it. */
#define LIST(n)			((n) << 5)
#define SLOT_FIELD(slot)	((slot) & 0x1f)
#define SLOT_COUNT(slot)	((slot) >> 5)

/* The fields of a version of a section. */
typedef struct Layout
{
	int			id;
	int			version;
	bool		gpc;			/* may the control follow? */
	short		slot[SLOTS];
} Layout;

static const struct
{
	const char *name;
	JpUsMeaning meaning;
}			known_field[] = {
	[SHARING_NOTICE] = {"SharingNotice", JP_US_NOTICE},
	[PROCESSING_NOTICE] = {"ProcessingNotice", JP_US_NOTICE},
	[SALE_OPT_OUT_NOTICE] = {"SaleOptOutNotice", JP_US_NOTICE},
	[SHARING_OPT_OUT_NOTICE] = {"SharingOptOutNotice", JP_US_NOTICE},
	[TARGETED_OPT_OUT_NOTICE] = {"TargetedAdvertisingOptOutNotice", JP_US_NOTICE},
	[SENSITIVE_PROCESSING_NOTICE] = {"SensitiveDataProcessingOptOutNotice", JP_US_NOTICE},
	[SENSITIVE_LIMIT_NOTICE] = {"SensitiveDataLimitUseNotice", JP_US_NOTICE},
	[SENSITIVE_OPT_OUT_NOTICE] = {"SensitiveDataOptOutNotice", JP_US_NOTICE},
	[SALE_OPT_OUT] = {"SaleOptOut", JP_US_OPT_OUT},
	[SHARING_OPT_OUT] = {"SharingOptOut", JP_US_OPT_OUT},
	[TARGETED_OPT_OUT] = {"TargetedAdvertisingOptOut", JP_US_OPT_OUT},
	[SENSITIVE_CONSENT] = {"SensitiveDataProcessing", JP_US_CONSENT},
	[SENSITIVE_OPT_OUT] = {"SensitiveDataProcessing", JP_US_OPT_OUT},
	[CHILD_CONSENT] = {"KnownChildSensitiveDataConsents", JP_US_CONSENT},
	[PERSONAL_CONSENT] = {"PersonalDataConsents", JP_US_CONSENT},
	[ADDITIONAL_CONSENT] = {"AdditionalDataProcessingConsent", JP_US_CONSENT},
	[MSPA_COVERED] = {"MspaCoveredTransaction", JP_US_NOTICE},
	[MSPA_OPT_OUT_MODE] = {"MspaOptOutOptionMode", JP_US_NOTICE},
	[MSPA_PROVIDER_MODE] = {"MspaServiceProviderMode", JP_US_NOTICE},
	[UNNAMED] = {NULL, JP_US_NOTICE}
};

#define NATIONAL_HEAD \
	SHARING_NOTICE, SALE_OPT_OUT_NOTICE, SHARING_OPT_OUT_NOTICE, \
	TARGETED_OPT_OUT_NOTICE, SENSITIVE_PROCESSING_NOTICE, \
	SENSITIVE_LIMIT_NOTICE, SALE_OPT_OUT, SHARING_OPT_OUT, \
	TARGETED_OPT_OUT
#define STATE_HEAD(notice) \
	notice, SALE_OPT_OUT_NOTICE, TARGETED_OPT_OUT_NOTICE, \
	SALE_OPT_OUT, TARGETED_OPT_OUT
#define MSPA \
	MSPA_COVERED, MSPA_OPT_OUT_MODE, MSPA_PROVIDER_MODE

static const Layout layouts[] = {
	{US_NATIONAL, 1, true, {
			NATIONAL_HEAD, SENSITIVE_CONSENT | LIST(12),
			CHILD_CONSENT | LIST(2), PERSONAL_CONSENT, MSPA
	}},
	{US_NATIONAL, 2, true, {
			NATIONAL_HEAD, SENSITIVE_CONSENT | LIST(16),
			CHILD_CONSENT | LIST(3), PERSONAL_CONSENT, MSPA
	}},
	{8, 1, true, {
			SALE_OPT_OUT_NOTICE, SHARING_OPT_OUT_NOTICE,
			SENSITIVE_LIMIT_NOTICE, SALE_OPT_OUT, SHARING_OPT_OUT,
			SENSITIVE_OPT_OUT | LIST(9), CHILD_CONSENT | LIST(2),
			PERSONAL_CONSENT, MSPA
	}},
	{9, 1, false, {
			STATE_HEAD(SHARING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT, MSPA
	}},
	{10, 1, true, {
			STATE_HEAD(SHARING_NOTICE), SENSITIVE_CONSENT | LIST(7),
			CHILD_CONSENT, MSPA
	}},
	{11, 1, false, {
			SHARING_NOTICE, SALE_OPT_OUT_NOTICE, TARGETED_OPT_OUT_NOTICE,
			SENSITIVE_PROCESSING_NOTICE, SALE_OPT_OUT, TARGETED_OPT_OUT,
			SENSITIVE_OPT_OUT | LIST(8), CHILD_CONSENT, MSPA
	}},
	{12, 1, true, {
			STATE_HEAD(SHARING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT | LIST(3), MSPA
	}},
	{13, 1, false, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT | LIST(3), ADDITIONAL_CONSENT, MSPA
	}},
	{14, 1, true, {
			STATE_HEAD(SHARING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT | LIST(3), ADDITIONAL_CONSENT, MSPA
	}},
	{15, 1, true, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(11),
			CHILD_CONSENT | LIST(3), ADDITIONAL_CONSENT, MSPA
	}},
	{16, 1, true, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT, ADDITIONAL_CONSENT, MSPA
	}},
	{17, 1, true, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(9),
			CHILD_CONSENT | LIST(5), ADDITIONAL_CONSENT, MSPA
	}},
	{18, 1, true, {
			PROCESSING_NOTICE, SALE_OPT_OUT_NOTICE, TARGETED_OPT_OUT_NOTICE,
			SENSITIVE_OPT_OUT_NOTICE, SALE_OPT_OUT, TARGETED_OPT_OUT,
			SENSITIVE_OPT_OUT | LIST(8), CHILD_CONSENT, MSPA
	}},
	{19, 1, true, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT, ADDITIONAL_CONSENT, MSPA
	}},
	{20, 1, true, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT | LIST(3), ADDITIONAL_CONSENT, MSPA
	}},
	{21, 1, true, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(10),
			CHILD_CONSENT | LIST(5), ADDITIONAL_CONSENT, MSPA
	}},
	{22, 1, true, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT, ADDITIONAL_CONSENT, MSPA
	}},
	{23, 1, true, {
			STATE_HEAD(PROCESSING_NOTICE), SENSITIVE_CONSENT | LIST(8),
			CHILD_CONSENT, ADDITIONAL_CONSENT, MSPA
	}},
};

/*
 * Encoders of 2024 wrote version 1 of the national section with the lists of
 * version 2.  What version 1 does not define is passed over.
 */
static const Layout national_1_long = {
	US_NATIONAL, 1, true, {
		NATIONAL_HEAD, SENSITIVE_CONSENT | LIST(12), UNNAMED | LIST(4),
		CHILD_CONSENT | LIST(2), UNNAMED | LIST(1), PERSONAL_CONSENT, MSPA
	}
};

static JpUsField field_of(int slot);
static const Layout *find_layout(int id, const JpBits *bits, int version);
static void read_fields(JpBits *bits, const Layout *layout, JpUs *us);
static void read_gpc(JpBits *bits, const Layout *layout, JpUs *us);
static bool is_long(const JpBits *bits);

/* Is there a layout? */
bool
jp_us_known(int id)
{
	return id >= US_NATIONAL && jp_gpp_section_name(id) != NULL;
}

/* The nth layout. */
bool
jp_us_layout(int n, JpUs *us)
{
	const short *slot;
	JpUsField  *field = us->field;

	memset(us, 0, sizeof(*us));
	if (n >= (int) (sizeof(layouts) / sizeof(layouts[0])))
		return false;
	us->section = jp_gpp_section_name(layouts[n].id);
	us->version = layouts[n].version;
	us->has_gpc = layouts[n].gpc;
	for (slot = layouts[n].slot; *slot != LAYOUT_END; slot++)
		*field++ = field_of(*slot);
	return true;
}

/* Reads a section. */
bool
jp_us_parse(const char *string, const JpGppSection *section, JpUs *us,
			JpFault *fault)
{
	const char *part = section->part;
	const char *end = part + section->length;
	const char *dot = memchr(part, '.', section->length);
	const Layout *layout;
	JpBits		bits;

	memset(us, 0, sizeof(*us));
	memset(fault, 0, sizeof(*fault));
	us->section = jp_gpp_section_name(section->id);
	jp_bits_open(&bits, string, part, (dot ? dot : end) - part, fault);
	us->version = (int) jp_bits_take(&bits, "Version", 6);
	layout = find_layout(section->id, &bits, us->version);
	if (layout == NULL)
	{
		jp_bits_refuse(&bits, "the version of the section is not known");
		return false;
	}
	read_fields(&bits, layout, us);
	jp_bits_close(&bits);
	if (dot != NULL)
	{
		jp_bits_open(&bits, string, dot + 1, end - dot - 1, fault);
		read_gpc(&bits, layout, us);
		jp_bits_close(&bits);
	}
	return fault->what == NULL;
}

/* The layout of a version of a section. */
static const Layout *
find_layout(int id, const JpBits *bits, int version)
{
	size_t		i;

	if (id == US_NATIONAL && version == 1 && is_long(bits))
		return &national_1_long;
	for (i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].id == id && layouts[i].version == version)
			return &layouts[i];
	return NULL;
}

/* The field of a slot. */
static JpUsField
field_of(int slot)
{
	JpUsField	field;

	field.name = known_field[SLOT_FIELD(slot)].name;
	field.meaning = known_field[SLOT_FIELD(slot)].meaning;
	field.count = SLOT_COUNT(slot);
	return field;
}

/* The fields of the core. */
static void
read_fields(JpBits *bits, const Layout *layout, JpUs *us)
{
	const short *slot;
	JpUsField  *field = us->field;
	uint8	   *value = us->value;
	int			i;

	for (slot = layout->slot; *slot != LAYOUT_END; slot++)
	{
		bool		named = SLOT_FIELD(*slot) != UNNAMED;
		int			count = SLOT_COUNT(*slot);

		*field = field_of(*slot);
		for (i = 0; i < count || i == 0; i++)
		{
			*value = (uint8) jp_bits_take(bits, field->name, 2);
			if (*value > 2)
				jp_bits_refuse(bits, "3 is not a value of the field");
			if (named)
				value++;
		}
		if (named)
			field++;
	}
}

/* The segment of the Global Privacy Control. */
static void
read_gpc(JpBits *bits, const Layout *layout, JpUs *us)
{
	if (jp_bits_take(bits, "GpcSegmentType", 2) != GPC_SEGMENT || !layout->gpc)
		jp_bits_refuse(bits, "there is no such segment");
	us->has_gpc = true;
	us->gpc = jp_bits_take(bits, "Gpc", 1) != 0;
}

/* Does a national core have the lists of version 2? */
static bool
is_long(const JpBits *bits)
{
	return bits->length == 12 &&
		(bits->part[10] != 'A' || bits->part[11] != 'A');
}
