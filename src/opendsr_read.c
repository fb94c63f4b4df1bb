/*
 * opendsr_read.c
 *		Requests of OpenDSR 2.0 as they come in.  Pure.
 */
#include "opendsr_read.h"

/* A member of an object that means something to us. */
typedef struct Member
{
	const char *name;
	bool		required;
	bool		found;
	JpJsonText	value;
} Member;

/* Members of a request (7.1.1), in the order in which faults are told. */
enum
{
	REQUEST_ID, REQUEST_TYPE, REGULATION, SUBMITTED, VERSION, IDENTITIES,
	CALLBACKS, EXTENSIONS, REQUEST_MEMBERS
};

/* Members of an identity (5.3). */
enum
{
	TYPE, VALUE, FORMAT, IDENTITY_MEMBERS
};

const char *const jp_dsr_formats[JP_DSR_FORMATS] = {"raw", "md5", "sha1", "sha256"};

/* 5.1 */
const char *const jp_dsr_types[] = {
	"controller_customer_id", "android_advertising_id", "android_id", "email",
	"fire_advertising_id", "ios_advertising_id", "ios_vendor_id",
	"microsoft_advertising_id", "microsoft_publisher_id", "roku_publisher_id",
	"roku_advertising_id", NULL
};

/* 6.2 */
const char *const jp_dsr_request_types[] = {
	"access", "portability", "erasure", NULL
};

static const char *const regulations[] = {"gdpr", "ccpa", NULL};

/* Digits of a hashed value. */
static const int format_digits[JP_DSR_FORMATS] = {0, 32, 40, 64};

static bool read_fields(Member *member, JpDsrRequest *request,
						JpDsrFault *fault);
static bool read_version(const Member *member, JpDsrFault *fault);
static bool read_identities(const JpJsonText *array, bool extension,
							JpDsrRequest *request, JpDsrFault *fault);
static bool read_identity(const JpJsonText *object, bool extension,
						  JpDsrRequest *request, JpDsrFault *fault);
static bool read_type(const JpJsonText *type, bool extension,
					  JpDsrIdentity *identity, JpDsrFault *fault);
static bool read_value(const Member *member, JpDsrIdentity *identity,
					   JpDsrFault *fault);
static bool read_urls(const Member *member, JpDsrRequest *request,
					  JpDsrFault *fault);
static bool read_extensions(const Member *member, const char *domain,
							JpDsrRequest *request, JpDsrFault *fault);
static bool read_extension(const JpJsonText *object, JpDsrRequest *request,
						   JpDsrFault *fault);
static bool read_object(const JpJsonText *object, const char *what,
						Member *member, int count, JpDsrFault *fault);
static bool once_only(const JpJsonText *object, const char *what,
					  JpDsrFault *fault);
static const char *one_of(const JpJsonText *value, const char *const *names);
static bool is_string(const JpJsonText *value);
static bool refuse(JpDsrFault *fault, const char *reason, const char *field,
				   const char *message);

/* Reads a request. */
bool
jp_dsr_read(const char *body, size_t len, const char *domain,
			JpDsrRequest *request, JpDsrFault *fault)
{
	Member		member[REQUEST_MEMBERS] = {
		[REQUEST_ID] = {.name = "subject_request_id",.required = true},
		[REQUEST_TYPE] = {.name = "subject_request_type",.required = true},
		[REGULATION] = {.name = "regulation",.required = true},
		[SUBMITTED] = {.name = "submitted_time",.required = true},
		[VERSION] = {.name = "api_version"},
		[IDENTITIES] = {.name = "subject_identities"},
		[CALLBACKS] = {.name = "status_callback_urls"},
		[EXTENSIONS] = {.name = "extensions"}
	};
	JpJsonText	whole;

	memset(request, 0, sizeof(*request));
	if (!jp_jsontext_check(body, len, &whole))
		return refuse(fault, "malformed_json", NULL,
					  "the body is not valid JSON in UTF-8, or is nested too deeply");
	if (jp_jsontext_kind(&whole) != '{')
		return refuse(fault, "malformed_json", NULL,
					  "the body is not a JSON object");
	if (!read_object(&whole, "the body", member, REQUEST_MEMBERS, fault) ||
		!read_version(&member[VERSION], fault) ||
		!read_fields(member, request, fault) ||
		(member[IDENTITIES].found &&
		 !read_identities(&member[IDENTITIES].value, false, request, fault)) ||
		!read_urls(&member[CALLBACKS], request, fault) ||
		!read_extensions(&member[EXTENSIONS], domain, request, fault))
		return false;
	if (request->identities == 0)
		return refuse(fault, "missing_field", "subject_identities",
					  "field is required, with one identity at least");
	return true;
}

/* The fields that every request has. */
static bool
read_fields(Member *member, JpDsrRequest *request, JpDsrFault *fault)
{
	char		time[64];
	int			len;

	if (!is_string(&member[REQUEST_ID].value) ||
		jp_jsontext_decode(&member[REQUEST_ID].value, request->id,
						   sizeof(request->id)) != JP_DSR_ID_LENGTH ||
		!jp_dsr_id_valid(request->id, JP_DSR_ID_LENGTH))
		return refuse(fault, "invalid_field", "subject_request_id",
					  "is not a UUID of version 4 in lower case");
	request->type = one_of(&member[REQUEST_TYPE].value, jp_dsr_request_types);
	if (request->type == NULL)
		return refuse(fault, "unsupported_value", "subject_request_type",
					  "is not access, portability or erasure");
	request->regulation = one_of(&member[REGULATION].value, regulations);
	if (request->regulation == NULL)
		return refuse(fault, "unsupported_value", "regulation",
					  "is not gdpr or ccpa");
	len = is_string(&member[SUBMITTED].value) ?
		jp_jsontext_decode(&member[SUBMITTED].value, time, sizeof(time)) : -1;
	if (len < 0 || !jp_dsr_time_valid(time, len))
		return refuse(fault, "invalid_field", "submitted_time",
					  "is not a date and time of RFC 3339");
	return true;
}

/* The version asked for, if any: "2", or "2." and digits (3.4). */
static bool
read_version(const Member *member, JpDsrFault *fault)
{
	char		version[16];
	int			len = 0;
	int			i;

	if (!member->found)
		return true;
	if (is_string(&member->value))
		len = jp_jsontext_decode(&member->value, version, sizeof(version));
	for (i = 2; i < len && version[i] >= '0' && version[i] <= '9';)
		i++;
	if (len < 1 || version[0] != '2' ||
		(len > 1 && (version[1] != '.' || len == 2 || i < len)))
		return refuse(fault, "unsupported_value", "api_version",
					  "is not 2.0, the version that is supported");
	return true;
}

/* An array of identities, of the request or of our extension. */
static bool
read_identities(const JpJsonText *array, bool extension,
				JpDsrRequest *request, JpDsrFault *fault)
{
	const char *field = extension ? "identities" : "subject_identities";
	JpJsonWalk	walk;
	JpJsonText	object;

	if (jp_jsontext_kind(array) != '[')
		return refuse(fault, "invalid_field", field, "is not an array");
	jp_jsontext_walk(array, &walk);
	while (jp_jsontext_element(&walk, &object))
	{
		if (jp_jsontext_kind(&object) != '{')
			return refuse(fault, "invalid_field", field,
						  "has an element that is not an object");
		if (request->identities == JP_DSR_IDENTITIES)
			return refuse(fault, "too_many", field,
						  "has more identities than the 100 that a request may have");
		if (!read_identity(&object, extension, request, fault))
			return false;
		request->identities++;
	}
	return true;
}

/* One identity (5.3).  In our extension the format is raw unless given. */
static bool
read_identity(const JpJsonText *object, bool extension,
			  JpDsrRequest *request, JpDsrFault *fault)
{
	JpDsrIdentity *identity = &request->identity[request->identities];
	const char *format;
	Member		member[IDENTITY_MEMBERS] = {
		[TYPE] = {.name = "identity_type",.required = true},
		[VALUE] = {.name = "identity_value",.required = true},
		[FORMAT] = {.name = "identity_format",.required = !extension}
	};

	if (!read_object(object, "an identity", member, IDENTITY_MEMBERS, fault) ||
		!read_type(&member[TYPE].value, extension, identity, fault))
		return false;
	identity->format = JP_DSR_RAW;
	if (member[FORMAT].found)
	{
		format = NULL;
		if (is_string(&member[FORMAT].value))
			for (; identity->format < JP_DSR_FORMATS; identity->format++)
			{
				format = jp_dsr_formats[identity->format];
				if (jp_jsontext_is(&member[FORMAT].value, format, false))
					break;
				format = NULL;
			}
		if (format == NULL)
			return refuse(fault, "unsupported_value", "identity_format",
						  "is not raw, md5, sha1 or sha256");
	}
	return read_value(&member[VALUE], identity, fault);
}

/* A type: one of the specification's, or any name in our extension (7.1.2). */
static bool
read_type(const JpJsonText *type, bool extension, JpDsrIdentity *identity,
		  JpDsrFault *fault)
{
	int			len = -1;
	int			i;

	if (is_string(type) && (extension || one_of(type, jp_dsr_types) != NULL))
		len = jp_jsontext_decode(type, identity->type, JP_DSR_TYPE_SIZE);
	for (i = 0; i < len; i++)
		if (!((identity->type[i] >= 'a' && identity->type[i] <= 'z') ||
			  identity->type[i] == '_' ||
			  (i > 0 && identity->type[i] >= '0' && identity->type[i] <= '9')))
			len = -1;
	if (len <= 0)
		return refuse(fault, "unsupported_value", "identity_type",
					  "is not one that is supported");
	return true;
}

/* A value: text, or as many hexadecimal digits as its format has. */
static bool
read_value(const Member *member, JpDsrIdentity *identity, JpDsrFault *fault)
{
	int			digits = format_digits[identity->format];
	char		value[65];
	int			len;
	int			i;

	if (!is_string(&member->value))
		return refuse(fault, "invalid_field", "identity_value",
					  "is not a string");
	identity->value = member->value;
	if (digits == 0)
		return true;
	len = jp_jsontext_decode(&member->value, value, sizeof(value));
	for (i = 0; i < len && strchr("0123456789abcdefABCDEF", value[i]) != NULL;)
		i++;
	if (len != digits || i < digits)
		return refuse(fault, "invalid_field", "identity_value",
					  "is not a digest of its identity_format, in hexadecimal digits");
	return true;
}

/* URLs to call at each change of status (8.5). */
static bool
read_urls(const Member *member, JpDsrRequest *request, JpDsrFault *fault)
{
	JpJsonWalk	walk;
	JpJsonText	element;

	if (!member->found)
		return true;
	if (jp_jsontext_kind(&member->value) != '[')
		return refuse(fault, "invalid_field", member->name, "is not an array");
	jp_jsontext_walk(&member->value, &walk);
	while (jp_jsontext_element(&walk, &element))
	{
		char		url[JP_DSR_URL_MAX + 1];
		int			len = -1;

		if (is_string(&element))
			len = jp_jsontext_decode(&element, url, sizeof(url));
		if (len < 0 || !jp_dsr_url_valid(url, len))
			return refuse(fault, "invalid_field", member->name,
						  "has an element that is not an https URL with a public host name, without user and fragment");
		if (request->urls == JP_DSR_URLS)
			return refuse(fault, "too_many", member->name,
						  "has more than the 10 URLs that a request may have");
		request->url[request->urls++] = element;
	}
	return true;
}

/* Extensions (7.1.2): those of other processors are none of our business. */
static bool
read_extensions(const Member *member, const char *domain,
				JpDsrRequest *request, JpDsrFault *fault)
{
	JpJsonWalk	walk;
	JpJsonText	name;
	JpJsonText	value;
	bool		found = false;

	if (!member->found)
		return true;
	if (jp_jsontext_kind(&member->value) != '{')
		return refuse(fault, "invalid_field", member->name, "is not an object");
	if (!once_only(&member->value, member->name, fault))
		return false;
	jp_jsontext_walk(&member->value, &walk);
	while (jp_jsontext_member(&walk, &name, &value))
	{
		if (!jp_jsontext_is(&name, domain, true))
			continue;
		if (found)
			return refuse(fault, "duplicate_name", member->name,
						  "has the extension of this processor twice");
		found = true;
		if (!read_extension(&value, request, fault))
			return false;
	}
	return true;
}

/* Our own extension: identities of further types. */
static bool
read_extension(const JpJsonText *object, JpDsrRequest *request,
			   JpDsrFault *fault)
{
	Member		member[1] = {{.name = "identities"}};

	if (jp_jsontext_kind(object) != '{')
		return refuse(fault, "invalid_field", "extensions",
					  "has for this processor what is not an object");
	if (!read_object(object, "an extension", member, 1, fault))
		return false;
	return !member[0].found ||
		read_identities(&member[0].value, true, request, fault);
}

/*
 * Finds the members that mean something; others are passed over.  What is
 * optional may be null.
 */
static bool
read_object(const JpJsonText *object, const char *what, Member *member,
			int count, JpDsrFault *fault)
{
	JpJsonWalk	walk;
	JpJsonText	name;
	JpJsonText	value;
	int			i;

	if (!once_only(object, what, fault))
		return false;
	jp_jsontext_walk(object, &walk);
	while (jp_jsontext_member(&walk, &name, &value))
		for (i = 0; i < count; i++)
			if (jp_jsontext_is(&name, member[i].name, false))
			{
				member[i].found = member[i].required || *value.start != 'n';
				member[i].value = value;
			}
	for (i = 0; i < count; i++)
		if (member[i].required && !member[i].found)
			return refuse(fault, "missing_field", member[i].name,
						  "field is required");
	return true;
}

/* No name twice: others may have read the other one. */
static bool
once_only(const JpJsonText *object, const char *what, JpDsrFault *fault)
{
	JpJsonText	names[JP_DSR_MEMBERS + 1];
	JpJsonWalk	walk;
	JpJsonText	value;
	int			count = 0;
	int			i;

	jp_jsontext_walk(object, &walk);
	while (count <= JP_DSR_MEMBERS &&
		   jp_jsontext_member(&walk, &names[count], &value))
	{
		for (i = 0; i < count; i++)
			if (jp_jsontext_same(&names[i], &names[count]))
				return refuse(fault, "duplicate_name", what,
							  "has a name twice");
		count++;
	}
	if (count > JP_DSR_MEMBERS)
		return refuse(fault, "too_many", what, "has too many members");
	return true;
}

/* The one of these names that a string is, or NULL. */
static const char *
one_of(const JpJsonText *value, const char *const *names)
{
	for (; is_string(value) && *names != NULL; names++)
		if (jp_jsontext_is(value, *names, false))
			return *names;
	return NULL;
}

/* Whether a value is a string. */
static bool
is_string(const JpJsonText *value)
{
	return jp_jsontext_kind(value) == '"';
}

/* Notes a fault. */
static bool
refuse(JpDsrFault *fault, const char *reason, const char *field,
	   const char *message)
{
	fault->reason = reason;
	fault->field = field;
	fault->message = message;
	return false;
}
