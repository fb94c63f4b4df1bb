/*
 * opendsr_processor.c
 *		Who we are to OpenDSR: the one row of table opendsr_processor, and
 *		what the identity types of its requests mean here.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "catalog.h"
#include "note.h"
#include "opendsr.h"

static void check_domain(const char *domain);
static void check_url(const char *url, const char *domain, const char *what);
static void check_kinds(Datum kinds);
static void write_processor(Datum *values, const char *nulls);

PG_FUNCTION_INFO_V1(jp_configure_opendsr);

/*
 * SQL: configure_opendsr(processor_domain, certificate_url, results_url,
 * identity_kinds).
 */
Datum
jp_configure_opendsr(PG_FUNCTION_ARGS)
{
	JpPrivilege before;
	Datum		values[4];
	char		nulls[4] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' '};
	char	   *domain;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a processor needs a domain, the URL of a certificate and an object of identity kinds")));
	domain = text_to_cstring(PG_GETARG_TEXT_PP(0));
	check_domain(domain);
	check_url(text_to_cstring(PG_GETARG_TEXT_PP(1)), domain, "certificate_url");
	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(1);
	values[2] = (Datum) 0;
	values[3] = PG_GETARG_DATUM(3);
	if (!PG_ARGISNULL(2))
	{
		char	   *url = text_to_cstring(PG_GETARG_TEXT_PP(2));
		size_t		len = strlen(url);

		check_url(url, NULL, "results_url");
		while (len > 0 && url[len - 1] == '/')
			url[--len] = '\0';
		values[2] = CStringGetTextDatum(url);
	}
	jp_elevate(&before);
	SPI_connect();
	check_kinds(values[3]);
	write_processor(values, nulls);
	SPI_finish();
	jp_restore(&before);
	jp_note(JP_NOTE_REQUEST, "configure_opendsr", InvalidOid, -1, NULL);
	PG_RETURN_VOID();
}

/* Who we are. */
const JpDsrProcessor *
jp_dsr_processor(void)
{
	static SPIPlanPtr plan = NULL;
	JpDsrProcessor *processor;
	HeapTuple	row;
	TupleDesc	desc;

	jp_execute(&plan,
			   "SELECT processor_domain, certificate_url, results_url"
			   " FROM journey_privacy.opendsr_processor",
			   0, NULL, NULL, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return NULL;
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	processor = palloc(sizeof(JpDsrProcessor));
	processor->domain = SPI_getvalue(row, desc, 1);
	processor->certificate_url = SPI_getvalue(row, desc, 2);
	processor->results_url = SPI_getvalue(row, desc, 3);
	return processor;
}

/*
 * What a type means: what was configured, mParticle's own names by theirs
 * here, or the kind of the same name.  A hashed one is a kind of its own.
 */
char *
jp_dsr_kind(const char *type, JpDsrFormat format)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	char		suffix[16] = "";

	if (format != JP_DSR_RAW)
		snprintf(suffix, sizeof(suffix), "_%s", jp_dsr_formats[format]);
	values[0] = CStringGetTextDatum(type);
	values[1] = CStringGetTextDatum(suffix);
	jp_execute(&plan,
			   "SELECT k.name FROM journey_privacy.opendsr_processor p"
			   " JOIN journey_privacy.identity_kind k ON k.name ="
			   " coalesce(p.identity_kinds ->> $1,"
			   " regexp_replace($1, '^other([2-9]|10)$', 'other_id_\\1')) || $2",
			   lengthof(types), types, values, NULL, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return NULL;
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* A name of the public domain name system in lower case: it goes into headers. */
static void
check_domain(const char *domain)
{
	const char *c = domain;

	while (*c != '\0' && !(*c >= 'A' && *c <= 'Z'))
		c++;
	if (*c != '\0' || !jp_dsr_domain_valid(domain, strlen(domain)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("processor_domain is not a public host name in lower case"),
				 errhint("OpenDSR names processors by their domain, for example opendsr.example.com.")));
}

/* An https URL, at this host unless domain is NULL (6.3). */
static void
check_url(const char *url, const char *domain, const char *what)
{
	const char *host;
	size_t		len;

	if (!jp_dsr_url_valid(url, strlen(url)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not an https URL with a public host name, without user and fragment",
						what)));
	if (domain == NULL)
		return;
	len = jp_dsr_url_host(url, &host);
	if (len != strlen(domain) || pg_strncasecmp(host, domain, len) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not at the processor's domain", what),
				 errdetail("OpenDSR wants the certificate to be downloaded from the domain that answers.")));
}

/* An object whose values are names of kinds. */
static void
check_kinds(Datum kinds)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {JSONBOID};

	jp_execute(&plan,
			   "SELECT FROM (SELECT 1) one"
			   " WHERE jsonb_typeof($1) <> 'object' OR EXISTS (SELECT FROM jsonb_each("
			   "  CASE jsonb_typeof($1) WHEN 'object' THEN $1 ELSE '{}' END) e"
			   "  WHERE jsonb_typeof(e.value) <> 'string' OR NOT EXISTS ("
			   "   SELECT FROM journey_privacy.identity_kind k WHERE k.name = e.value #>> '{}'))",
			   lengthof(types), types, &kinds, NULL, SPI_OK_SELECT);
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("identity_kinds is not an object whose values are identity kinds"),
				 errhint("For example '{\"controller_customer_id\": \"customer_id\"}'; table journey_privacy.identity_kind lists the kinds.")));
}

/* Writes the row. */
static void
write_processor(Datum *values, const char *nulls)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {TEXTOID, TEXTOID, TEXTOID, JSONBOID};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.opendsr_processor"
			   " (processor_domain, certificate_url, results_url, identity_kinds)"
			   " VALUES ($1, $2, $3, $4) ON CONFLICT (single) DO UPDATE"
			   " SET processor_domain = EXCLUDED.processor_domain,"
			   "     certificate_url = EXCLUDED.certificate_url,"
			   "     results_url = EXCLUDED.results_url,"
			   "     identity_kinds = EXCLUDED.identity_kinds",
			   lengthof(types), types, values, nulls, SPI_OK_INSERT);
}
