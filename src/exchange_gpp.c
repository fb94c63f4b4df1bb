/*
 * exchange_gpp.c
 *		GPP strings: a header that lists the sections, and these.  Pure.
 *
 * Sections are joined by tildes.  The header lists their ids in ascending
 * order as ranges in Fibonacci coding.  Decoded are the EU's TCF (by
 * exchange_tcf.c), US Privacy, and the sections of the United States
 * (exchange_us.c); the others are only looked at for their characters.
 */
#include "exchange_gpp.h"

#define HEADER_TYPE		3
#define HEADER_VERSION	1

static void read_header(JpBits *bits, JpGpp *gpp);
static void add_section(JpBits *bits, JpGpp *gpp, int id);
static void check_characters(const char *string, const JpGppSection *section,
							 JpFault *fault);

/* Splits a string. */
bool
jp_gpp_parse(const char *string, size_t length, JpGpp *gpp, JpFault *fault)
{
	const char *end = string + length;
	const char *tilde;
	JpBits		bits;
	int			i;

	memset(gpp, 0, sizeof(*gpp));
	memset(fault, 0, sizeof(*fault));
	if (length == 0)
		return true;			/* nobody was asked for anything */
	if (length > JP_EXCHANGE_LENGTH)
	{
		jp_fault(fault, JP_TOO_LONG, NULL, JP_EXCHANGE_LENGTH + 1);
		return false;
	}
	tilde = memchr(string, '~', length);
	jp_bits_open(&bits, string, string, (tilde ? tilde : end) - string, fault);
	read_header(&bits, gpp);
	jp_bits_close(&bits);
	for (i = 0; i < gpp->count && fault->what == NULL; i++)
	{
		const char *part = tilde ? tilde + 1 : end;

		if (tilde == NULL)
			jp_fault(fault, "fewer sections than the header names", NULL,
					 length + 1);
		tilde = memchr(part, '~', end - part);
		gpp->section[i].part = part;
		gpp->section[i].length = (tilde ? tilde : end) - part;
		check_characters(string, &gpp->section[i], fault);
	}
	if (tilde != NULL)
		jp_fault(fault, "more sections than the header names", NULL,
				 tilde - string + 1);
	return fault->what == NULL;
}

/* Reads a US Privacy section, which is not encoded. */
bool
jp_usp_parse(const char *string, const JpGppSection *section, char *letters,
			 JpFault *fault)
{
	const char *part = section->part;
	size_t		i;

	memset(fault, 0, sizeof(*fault));
	if (section->length != 4)
		jp_fault(fault, "not four characters", NULL, part - string + 1);
	else if (part[0] != '1')
		jp_fault(fault, "the version is not 1", NULL, part - string + 1);
	for (i = 1; i < 4 && fault->what == NULL; i++)
	{
		letters[i - 1] = part[i] == 'y' ? 'Y' : part[i] == 'n' ? 'N' : part[i];
		if (strchr("YN-", letters[i - 1]) == NULL || part[i] == '\0')
			jp_fault(fault, "not Y, N or -", NULL, part + i - string + 1);
	}
	return fault->what == NULL;
}

/* Name of a section. */
const char *
jp_gpp_section_name(int id)
{
	static const char *const name[] = {
		NULL, NULL, "tcfeu", NULL, NULL, NULL, "uspv1", "usnat", "usca",
		"usva", "usco", "usut", "usct", "usfl", "usmt", "usor", "ustx",
		"usde", "usia", "usne", "usnh", "usnj", "ustn", "usmn"
	};

	if (id < 0 || id >= (int) (sizeof(name) / sizeof(name[0])))
		return NULL;
	return name[id];
}

/* Ids of the sections: each an offset from the one before, or a group. */
static void
read_header(JpBits *bits, JpGpp *gpp)
{
	int			entries;
	int			last = 0;
	int			i;

	if (jp_bits_take(bits, "Type", 6) != HEADER_TYPE)
		jp_bits_refuse(bits, "not a header");
	if (jp_bits_take(bits, "Version", 6) != HEADER_VERSION)
		jp_bits_refuse(bits, "the version is not 1");
	entries = (int) jp_bits_take(bits, "Sections", 12);
	for (i = 0; i < entries && bits->fault->what == NULL; i++)
	{
		bool		group = jp_bits_take(bits, "Sections", 1) != 0;
		int			more;

		last += jp_bits_fibonacci(bits, "Sections");
		add_section(bits, gpp, last);
		if (!group)
			continue;
		more = jp_bits_fibonacci(bits, "Sections");
		while (more-- > 0 && bits->fault->what == NULL)
			add_section(bits, gpp, ++last);
	}
}

/* Notes the id of a section. */
static void
add_section(JpBits *bits, JpGpp *gpp, int id)
{
	if (gpp->count == JP_GPP_SECTIONS)
		jp_bits_refuse(bits, "too many sections");
	if (bits->fault->what == NULL)
		gpp->section[gpp->count++].id = id;
}

/* What any section may consist of: characters that are safe in addresses. */
static void
check_characters(const char *string, const JpGppSection *section,
				 JpFault *fault)
{
	size_t		i;

	if (section->length == 0)
		jp_fault(fault, "a section is empty", NULL,
				 section->part - string + 1);
	for (i = 0; i < section->length && fault->what == NULL; i++)
	{
		char		c = section->part[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			  (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
			jp_fault(fault, "character that has no place in a section", NULL,
					 section->part + i - string + 1);
	}
}
