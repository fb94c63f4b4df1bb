/*
 * exchange_decode.c
 *		Consent strings in SQL: errors, tcf_decode() and gpp_decode().
 *
 * An error says what is wrong and at which character; what the string holds
 * is somebody's decision and stays out of messages.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "exchange.h"

/* A set of purposes or features and its name in jsonb. */
typedef struct NamedSet
{
	const char *key;
	uint64		set;
	int			width;
} NamedSet;

pg_noreturn static void refuse(JpFormat format, const JpFault *fault);
static void put_tcf(JsonbParseState **json, const char *key, const JpTcf *tcf);
static void put_general(JsonbParseState **json, const JpTcf *tcf);
static void put_set(JsonbParseState **json, const char *key, uint64 set,
					int width);
static void put_ids(JsonbParseState **json, const char *key,
					const JpIdList *list);
static void put_restrictions(JsonbParseState **json, const JpTcf *tcf);
static void put_section(JsonbParseState **json, const text *string,
						const JpGppSection *section);
static void put_usp(JsonbParseState **json, const char *key,
					const char *letters);
static void put_us(JsonbParseState **json, const char *key, const JpUs *us);
static void push(JsonbParseState **json, const char *key, JsonbValue *value);

PG_FUNCTION_INFO_V1(jp_tcf_decode);
PG_FUNCTION_INFO_V1(jp_gpp_decode);

/* SQL: tcf_decode(string). */
Datum
jp_tcf_decode(PG_FUNCTION_ARGS)
{
	text	   *string = jp_string_arg(PG_GETARG_DATUM(0), JP_FORMAT_TCF);
	JsonbParseState *json = NULL;
	JpTcf		tcf;

	jp_tcf_require(string, &tcf);
	put_tcf(&json, NULL, &tcf);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(jp_json_close(&json, false)));
}

/* SQL: gpp_decode(string). */
Datum
jp_gpp_decode(PG_FUNCTION_ARGS)
{
	text	   *string = jp_string_arg(PG_GETARG_DATUM(0), JP_FORMAT_GPP);
	JsonbParseState *json = NULL;
	JpGpp		gpp;
	int			i;

	jp_gpp_require(string, &gpp);
	jp_json_open(&json, NULL, false);
	jp_json_open(&json, "ids", true);
	for (i = 0; i < gpp.count; i++)
		jp_json_number(&json, NULL, gpp.section[i].id);
	jp_json_close(&json, true);
	jp_json_open(&json, "sections", false);
	for (i = 0; i < gpp.count; i++)
		put_section(&json, string, &gpp.section[i]);
	jp_json_close(&json, false);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(jp_json_close(&json, false)));
}

/* An argument that is not even detoasted when it is too long. */
text *
jp_string_arg(Datum value, JpFormat format)
{
	Size		length = toast_raw_datum_size(value) - VARHDRSZ;

	if (length > JP_EXCHANGE_LENGTH)
	{
		JpFault		fault = {JP_TOO_LONG, NULL, JP_EXCHANGE_LENGTH + 1};

		refuse(format, &fault);
	}
	return DatumGetTextPP(value);
}

/* Parses a TCF string. */
void
jp_tcf_require(const text *string, JpTcf *tcf)
{
	const char *chars = VARDATA_ANY(string);
	JpFault		fault;

	if (!jp_tcf_parse(chars, chars, VARSIZE_ANY_EXHDR(string), tcf, &fault))
		refuse(JP_FORMAT_TCF, &fault);
}

/* Splits a GPP string. */
void
jp_gpp_require(const text *string, JpGpp *gpp)
{
	JpFault		fault;

	if (!jp_gpp_parse(VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string), gpp,
					  &fault))
		refuse(JP_FORMAT_GPP, &fault);
}

/* Parses the TCF section of a GPP string. */
void
jp_gpp_tcf(const text *string, const JpGppSection *section, JpTcf *tcf)
{
	JpFault		fault;

	if (!jp_tcf_parse(VARDATA_ANY(string), section->part, section->length, tcf,
					  &fault))
		refuse(JP_FORMAT_GPP, &fault);
}

/* Parses the US Privacy section of a GPP string. */
void
jp_gpp_usp(const text *string, const JpGppSection *section, char *letters)
{
	JpFault		fault;

	if (!jp_usp_parse(VARDATA_ANY(string), section, letters, &fault))
		refuse(JP_FORMAT_GPP, &fault);
}

/* Parses a section of the United States of a GPP string. */
void
jp_gpp_us(const text *string, const JpGppSection *section, JpUs *us)
{
	JpFault		fault;

	if (!jp_us_parse(VARDATA_ANY(string), section, us, &fault))
		refuse(JP_FORMAT_GPP, &fault);
}

/* Tenths of a second since 1970, 36 bits: the year 2187 at the latest. */
TimestampTz
jp_tenths_to_timestamp(uint64 tenths)
{
	return (TimestampTz) tenths * (USECS_PER_SEC / 10) -
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

/* Opens an object or an array. */
void
jp_json_open(JsonbParseState **json, const char *key, bool array)
{
	if (key != NULL)
		push(json, key, NULL);
	pushJsonbValue(json, array ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT, NULL);
}

/* Closes it. */
JsonbValue *
jp_json_close(JsonbParseState **json, bool array)
{
	return pushJsonbValue(json, array ? WJB_END_ARRAY : WJB_END_OBJECT, NULL);
}

/* Adds a string. */
void
jp_json_text(JsonbParseState **json, const char *key, const char *value)
{
	JsonbValue	v;

	/* it is written at the very end, when value may be gone */
	v.type = jbvString;
	v.val.string.val = pstrdup(value);
	v.val.string.len = strlen(value);
	push(json, key, &v);
}

/* Adds a number. */
void
jp_json_number(JsonbParseState **json, const char *key, int64 value)
{
	JsonbValue	v;

	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric(value);
	push(json, key, &v);
}

/* Adds true or false. */
void
jp_json_bool(JsonbParseState **json, const char *key, bool value)
{
	JsonbValue	v;

	v.type = jbvBool;
	v.val.boolean = value;
	push(json, key, &v);
}

/* Adds a time as ISO 8601 writes it, in UTC, to the millisecond if exact. */
void
jp_json_time(JsonbParseState **json, const char *key, TimestampTz value)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(value, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	jp_json_text(json, key,
				 psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%0*dZ",
						  tm.tm_year, tm.tm_mon, tm.tm_mday,
						  tm.tm_hour, tm.tm_min, tm.tm_sec,
						  fsec % 1000 == 0 ? 3 : 6,
						  (int) (fsec % 1000 == 0 ? fsec / 1000 : fsec)));
}

/* Refuses a string. */
static void
refuse(JpFormat format, const JpFault *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid %s string: %s",
					format == JP_FORMAT_TCF ? "TCF" : "GPP", fault->what),
			 fault->field != NULL ?
			 errdetail("Field %s, character %zu.", fault->field, fault->at) :
			 errdetail("Character %zu.", fault->at)));
}

/* A TCF string; the object stays open. */
static void
put_tcf(JsonbParseState **json, const char *key, const JpTcf *tcf)
{
	const NamedSet sets[] = {
		{"specialFeatureOptins",
		tcf->special_features, JP_TCF_FEATURES},
		{"purposeConsents",
		tcf->purposes, JP_TCF_PURPOSES},
		{"purposeLegitimateInterests",
		tcf->legitimate_interests, JP_TCF_PURPOSES},
		{"publisherConsents",
		tcf->publisher_purposes, JP_TCF_PURPOSES},
		{"publisherLegitimateInterests",
		tcf->publisher_legitimate_interests, JP_TCF_PURPOSES},
		{"publisherCustomConsents",
		tcf->custom_purposes, tcf->custom_count},
		{"publisherCustomLegitimateInterests",
		tcf->custom_legitimate_interests, tcf->custom_count}
	};
	int			i;

	jp_json_open(json, key, false);
	put_general(json, tcf);
	for (i = 0; i < lengthof(sets); i++)
		put_set(json, sets[i].key, sets[i].set, sets[i].width);
	put_ids(json, "vendorConsents", &tcf->vendors);
	put_ids(json, "vendorLegitimateInterests",
			&tcf->vendor_legitimate_interests);
	put_ids(json, "vendorsDisclosed", &tcf->disclosed);
	put_ids(json, "vendorsAllowed", &tcf->allowed);
	put_restrictions(json, tcf);
}

/* What is said about the string itself. */
static void
put_general(JsonbParseState **json, const JpTcf *tcf)
{
	jp_json_number(json, "version", tcf->version);
	jp_json_time(json, "created", jp_tenths_to_timestamp(tcf->created));
	jp_json_time(json, "lastUpdated",
				 jp_tenths_to_timestamp(tcf->last_updated));
	jp_json_number(json, "cmpId", tcf->cmp_id);
	jp_json_number(json, "cmpVersion", tcf->cmp_version);
	jp_json_number(json, "consentScreen", tcf->consent_screen);
	jp_json_text(json, "consentLanguage", tcf->consent_language);
	jp_json_number(json, "vendorListVersion", tcf->vendor_list_version);
	jp_json_number(json, "policyVersion", tcf->policy_version);
	jp_json_bool(json, "isServiceSpecific", tcf->is_service_specific);
	jp_json_bool(json, "useNonStandardTexts", tcf->use_non_standard_texts);
	jp_json_bool(json, "purposeOneTreatment", tcf->purpose_one_treatment);
	jp_json_text(json, "publisherCountryCode", tcf->publisher_country);
	jp_json_number(json, "numCustomPurposes", tcf->custom_count);
	jp_json_number(json, "coreBits", tcf->core_bits);
}

/* A set of purposes as an array of their ids. */
static void
put_set(JsonbParseState **json, const char *key, uint64 set, int width)
{
	int			id;

	jp_json_open(json, key, true);
	for (id = 1; id <= width; id++)
		if (jp_set_has(set, width, id))
			jp_json_number(json, NULL, id);
	jp_json_close(json, true);
}

/* A set of vendors as an array of their ids. */
static void
put_ids(JsonbParseState **json, const char *key, const JpIdList *list)
{
	int			count = 0;
	int		   *ids = NULL;
	int			i;

	if (list->max > 0)
	{
		ids = palloc(JP_IDS_ROOM * sizeof(int));
		count = jp_ids_collect(list, ids);
	}
	jp_json_open(json, key, true);
	for (i = 0; i < count; i++)
		jp_json_number(json, NULL, ids[i]);
	jp_json_close(json, true);
	if (ids != NULL)
		pfree(ids);
}

/* What the publisher restricts. */
static void
put_restrictions(JsonbParseState **json, const JpTcf *tcf)
{
	int			i;

	jp_json_open(json, "publisherRestrictions", true);
	for (i = 0; i < tcf->restriction_count; i++)
	{
		const JpTcfRestriction *restriction = &tcf->restriction[i];

		CHECK_FOR_INTERRUPTS();
		jp_json_open(json, NULL, false);
		jp_json_number(json, "purposeId", restriction->purpose);
		jp_json_number(json, "restrictionType", restriction->type);
		put_ids(json, "vendors", &restriction->vendors);
		jp_json_close(json, false);
	}
	jp_json_close(json, true);
}

/* A section of a GPP string under its id, if it can be decoded. */
static void
put_section(JsonbParseState **json, const text *string,
			const JpGppSection *section)
{
	char	   *key = psprintf("%d", section->id);

	if (section->id == JP_GPP_TCF_EU)
	{
		JpTcf		tcf;

		jp_gpp_tcf(string, section, &tcf);
		put_tcf(json, key, &tcf);
		jp_json_close(json, false);
	}
	else if (section->id == JP_GPP_USP)
	{
		char		letters[3];

		jp_gpp_usp(string, section, letters);
		put_usp(json, key, letters);
	}
	else if (jp_us_known(section->id))
	{
		JpUs		us;

		jp_gpp_us(string, section, &us);
		put_us(json, key, &us);
	}
}

/* A US Privacy section. */
static void
put_usp(JsonbParseState **json, const char *key, const char *letters)
{
	static const char *const name[] = {"Notice", "OptOutSale", "LspaCovered"};
	int			i;

	jp_json_open(json, key, false);
	jp_json_number(json, "Version", 1);
	for (i = 0; i < lengthof(name); i++)
		jp_json_text(json, name[i], psprintf("%c", letters[i]));
	jp_json_close(json, false);
}

/* A section of the United States, fields named as its specification does. */
static void
put_us(JsonbParseState **json, const char *key, const JpUs *us)
{
	const JpUsField *field;
	const uint8 *value = us->value;
	int			i;

	jp_json_open(json, key, false);
	jp_json_number(json, "Version", us->version);
	for (field = us->field; field->name != NULL; field++)
	{
		if (field->count == 0)
		{
			jp_json_number(json, field->name, *value++);
			continue;
		}
		jp_json_open(json, field->name, true);
		for (i = 0; i < field->count; i++)
			jp_json_number(json, NULL, *value++);
		jp_json_close(json, true);
	}
	if (us->has_gpc)
	{
		jp_json_number(json, "GpcSegmentType", 1);
		jp_json_bool(json, "Gpc", us->gpc);
	}
	jp_json_close(json, false);
}

/* Adds a value, in an object under its key. */
static void
push(JsonbParseState **json, const char *key, JsonbValue *value)
{
	JsonbValue	k;

	if (key == NULL)
	{
		pushJsonbValue(json, WJB_ELEM, value);
		return;
	}
	k.type = jbvString;
	k.val.string.val = unconstify(char *, key);
	k.val.string.len = strlen(key);
	pushJsonbValue(json, WJB_KEY, &k);
	if (value != NULL)
		pushJsonbValue(json, WJB_VALUE, value);
}
