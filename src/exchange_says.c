/*
 * exchange_says.c
 *		What a consent string says: statements under external ids.
 *
 * External ids of tcf are KIND:NUMBER, for example purpose:1 or vendor:755;
 * those of gpp SECTION:FIELD, usnat:SaleOptOut, with :NUMBER for lists, and
 * tcfeu: before an id of tcf.  A bit that is not set says no to what was
 * asked, but not whether it was asked; so it is told (spoken) only where
 * somebody mapped it.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "exchange.h"

#define TCF_PREFIX		"tcfeu:"
#define USP_ID			"uspv1:OptOutSale"

/* The kinds of ids of tcf, in the order of sets below; vendors at the end. */
static const struct
{
	const char *kind;
	int			max;
	bool		opt_out;
}			tcf_kind[] = {
	{"purpose", JP_TCF_PURPOSES, false},
	{"legitimate_interest", JP_TCF_PURPOSES, true},
	{"special_feature", JP_TCF_FEATURES, false},
	{"publisher_purpose", JP_TCF_PURPOSES, false},
	{"publisher_legitimate_interest", JP_TCF_PURPOSES, true},
	{"custom_purpose", JP_TCF_CUSTOM, false},
	{"custom_legitimate_interest", JP_TCF_CUSTOM, true},
	{"vendor", JP_MAX_VENDOR, false},
	{"vendor_legitimate_interest", JP_MAX_VENDOR, true}
};

#define TCF_SETS			7
#define TCF_VENDOR			7
#define TCF_VENDOR_INTEREST	8

static const char *const format_name[] = {
	"tcf", "gpp", "google", "mparticle"
};

static List *tcf_says(List *says, const char *prefix, const JpTcf *tcf,
					  List *wanted);
static List *vendor_says(List *says, const char *prefix, const JpTcf *tcf,
						 const char *external_id);
static List *gpp_says(const text *string, List *wanted);
static List *us_says(List *says, const JpUs *us);
static List *usp_says(List *says, const char *letters);
static JpStatement *say(List **says, const char *external_id, bool granted);
static bool is_tcf_id(const char *external_id, int *kind, int *number);
static bool is_us_id(const char *external_id, bool *opt_out);
static bool is_field_id(const char *rest, const JpUsField *field);

/* Format of a name. */
JpFormat
jp_format_from_name(const char *name)
{
	int			i;

	for (i = 0; i < lengthof(format_name); i++)
		if (strcmp(format_name[i], name) == 0)
			return (JpFormat) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid consent format"),
			 errhint("Use tcf, gpp, google or mparticle.")));
}

/* Name of a format. */
const char *
jp_format_name(JpFormat format)
{
	return format_name[format];
}

/* Refuses an external id that no document of the format can know. */
void
jp_external_id_require(JpFormat format, const char *external_id)
{
	static const char *const example[] = {
		"Use purpose:1, legitimate_interest:7, special_feature:1, vendor:755, publisher_purpose:1, custom_purpose:1 and the like.",
		"Use tcfeu: and an id of tcf, uspv1:OptOutSale, or section and field: usnat:SaleOptOut, usca:SensitiveDataProcessing:3, usnat:Gpc.",
		"Use ad_storage, ad_user_data, ad_personalization, analytics_storage, functionality_storage, personalization_storage or security_storage.",
		"Use gdpr: and the purpose in lower case, or ccpa:data_sale_opt_out."
	};
	bool		opt_out;

	if (!jp_external_id_known(format, external_id, &opt_out))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid external id for consent format %s",
						format_name[format]),
				 errhint("%s", example[format])));
}

/* Can a document know this external id? */
bool
jp_external_id_known(JpFormat format, const char *external_id, bool *opt_out)
{
	size_t		prefix = strlen(TCF_PREFIX);
	int			kind;
	int			number;

	if (format == JP_FORMAT_GOOGLE || format == JP_FORMAT_MPARTICLE)
		return jp_json_knows(format, external_id, opt_out);
	if (format == JP_FORMAT_GPP)
	{
		*opt_out = true;
		if (strcmp(external_id, USP_ID) == 0)
			return true;
		if (strncmp(external_id, TCF_PREFIX, prefix) != 0)
			return is_us_id(external_id, opt_out);
		external_id += prefix;
	}
	if (!is_tcf_id(external_id, &kind, &number))
		return false;
	*opt_out = tcf_kind[kind].opt_out;
	return true;
}

/* Statements of a consent string. */
List *
jp_string_says(JpFormat format, const text *string, List *wanted)
{
	JpTcf		tcf;

	if (format == JP_FORMAT_GPP)
		return gpp_says(string, wanted);
	jp_tcf_require(string, &tcf);
	return tcf_says(NIL, "", &tcf, wanted);
}

/* Statements of a TCF string, dated by its last update. */
static List *
tcf_says(List *says, const char *prefix, const JpTcf *tcf, List *wanted)
{
	const uint64 set[TCF_SETS] = {
		tcf->purposes, tcf->legitimate_interests, tcf->special_features,
		tcf->publisher_purposes, tcf->publisher_legitimate_interests,
		tcf->custom_purposes, tcf->custom_legitimate_interests
	};
	const int	width[TCF_SETS] = {
		JP_TCF_PURPOSES, JP_TCF_PURPOSES, JP_TCF_FEATURES,
		tcf->has_publisher ? JP_TCF_PURPOSES : 0,
		tcf->has_publisher ? JP_TCF_PURPOSES : 0,
		tcf->custom_count, tcf->custom_count
	};
	ListCell   *cell;
	int			first = list_length(says);
	int			i;
	int			id;

	for (i = 0; i < TCF_SETS; i++)
		for (id = 1; id <= width[i]; id++)
		{
			bool		granted = jp_set_has(set[i], width[i], id);
			JpStatement *statement;

			/* not disclosed: neither yes nor no */
			if (i == 0 && id == 1 && tcf->purpose_one_treatment)
				continue;
			statement = say(&says, psprintf("%s%s:%d", prefix,
											tcf_kind[i].kind, id), granted);
			statement->opt_out = tcf_kind[i].opt_out;
			statement->spoken = granted;
		}
	foreach(cell, wanted)
		says = vendor_says(says, prefix, tcf, lfirst(cell));
	for_each_from(cell, says, first)
	{
		JpStatement *statement = lfirst(cell);

		statement->dated = true;
		statement->at = jp_tenths_to_timestamp(tcf->last_updated);
	}
	return says;
}

/* What is said of a vendor, if the external id is one. */
static List *
vendor_says(List *says, const char *prefix, const JpTcf *tcf,
			const char *external_id)
{
	size_t		skip = strlen(prefix);
	int			kind;
	int			id;

	if (strncmp(external_id, prefix, skip) == 0 &&
		is_tcf_id(external_id + skip, &kind, &id) && kind >= TCF_SETS)
	{
		const JpIdList *list = kind == TCF_VENDOR ? &tcf->vendors :
		&tcf->vendor_legitimate_interests;
		JpStatement *statement = say(&says, external_id,
									 jp_ids_has(list, id));

		statement->opt_out = tcf_kind[kind].opt_out;
	}
	return says;
}

/* Statements of a GPP string. */
static List *
gpp_says(const text *string, List *wanted)
{
	List	   *says = NIL;
	JpGpp		gpp;
	int			i;

	jp_gpp_require(string, &gpp);
	for (i = 0; i < gpp.count; i++)
	{
		const JpGppSection *section = &gpp.section[i];

		if (section->id == JP_GPP_TCF_EU)
		{
			JpTcf		tcf;

			jp_gpp_tcf(string, section, &tcf);
			says = tcf_says(says, TCF_PREFIX, &tcf, wanted);
		}
		else if (section->id == JP_GPP_USP)
		{
			char		letters[3];

			jp_gpp_usp(string, section, letters);
			says = usp_says(says, letters);
		}
		else if (jp_us_known(section->id))
		{
			JpUs		us;

			jp_gpp_us(string, section, &us);
			says = us_says(says, &us);
		}
	}
	return says;
}

/* Statements of a section of the United States: 1 is a no, 2 a yes. */
static List *
us_says(List *says, const JpUs *us)
{
	const JpUsField *field;
	const uint8 *value = us->value;
	int			i;

	for (field = us->field; field->name != NULL; field++)
		for (i = 0; i < field->count || i == 0; i++, value++)
		{
			char	   *external_id;

			if (field->meaning == JP_US_NOTICE || *value == 0)
				continue;
			external_id = field->count == 0 ?
				psprintf("%s:%s", us->section, field->name) :
				psprintf("%s:%s:%d", us->section, field->name, i + 1);
			say(&says, external_id, *value == 2)->opt_out =
				field->meaning == JP_US_OPT_OUT;
		}
	if (us->has_gpc && us->gpc)
		say(&says, psprintf("%s:Gpc", us->section), false)->opt_out = true;
	return says;
}

/* Statement of a US Privacy section. */
static List *
usp_says(List *says, const char *letters)
{
	if (letters[1] != '-')
		say(&says, USP_ID, letters[1] == 'N')->opt_out = true;
	return says;
}

/* Adds a statement. */
static JpStatement *
say(List **says, const char *external_id, bool granted)
{
	JpStatement *statement = palloc0(sizeof(JpStatement));

	statement->external_id = external_id;
	statement->granted = granted;
	statement->spoken = true;
	*says = lappend(*says, statement);
	return statement;
}

/* Is this KIND:NUMBER, the number in range and written plainly? */
static bool
is_tcf_id(const char *external_id, int *kind, int *number)
{
	const char *colon = strchr(external_id, ':');
	int			i;

	if (colon == NULL || strlen(colon) > 6 || colon[1] < '1' ||
		strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	*number = atoi(colon + 1);
	for (i = 0; i < lengthof(tcf_kind); i++)
	{
		size_t		length = strlen(tcf_kind[i].kind);

		if (length == colon - external_id &&
			strncmp(tcf_kind[i].kind, external_id, length) == 0)
		{
			*kind = i;
			return *number <= tcf_kind[i].max;
		}
	}
	return false;
}

/* Is this a decision that some section of the United States holds? */
static bool
is_us_id(const char *external_id, bool *opt_out)
{
	const char *colon = strchr(external_id, ':');
	JpUs		us;
	int			i;

	for (i = 0; colon != NULL && jp_us_layout(i, &us); i++)
	{
		const JpUsField *field;

		if (strlen(us.section) != colon - external_id ||
			strncmp(us.section, external_id, colon - external_id) != 0)
			continue;
		*opt_out = true;
		if (us.has_gpc && strcmp(colon, ":Gpc") == 0)
			return true;
		for (field = us.field; field->name != NULL; field++)
		{
			*opt_out = field->meaning == JP_US_OPT_OUT;
			if (field->meaning != JP_US_NOTICE &&
				is_field_id(colon + 1, field))
				return true;
		}
	}
	return false;
}

/* Is this FIELD, or for lists FIELD:NUMBER? */
static bool
is_field_id(const char *rest, const JpUsField *field)
{
	size_t		length = strlen(field->name);
	int			i;

	if (strncmp(rest, field->name, length) != 0)
		return false;
	if (field->count == 0)
		return rest[length] == '\0';
	for (i = 1; i <= field->count; i++)
		if (strcmp(rest + length, psprintf(":%d", i)) == 0)
			return true;
	return false;
}
