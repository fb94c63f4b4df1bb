/*
 * exchange.h
 *		The room's own promises: documents of foreign formats become
 *		statements, statements become jsonb or decisions.
 */
#ifndef JP_EXCHANGE_H
#define JP_EXCHANGE_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "exchange_gpp.h"
#include "exchange_tcf.h"
#include "pseudonym.h"

typedef enum JpFormat
{
	JP_FORMAT_TCF,
	JP_FORMAT_GPP,
	JP_FORMAT_GOOGLE,
	JP_FORMAT_MPARTICLE
} JpFormat;

/* What a document says about one thing, which it knows by an external id. */
typedef struct JpStatement
{
	const char *external_id;
	bool		granted;
	bool		opt_out;		/* a yes only means "has not opted out" */
	bool		spoken;			/* worth telling even where nobody mapped it */
	bool		dated;			/* whether the document says when */
	TimestampTz at;
	const char *notice;			/* what the person saw, or NULL */
	const char *location;		/* where, or NULL */
	const char *hardware;		/* on which device, or NULL: an identity */
} JpStatement;

/* An external id and the purpose it stands for. */
typedef struct JpMapping
{
	char	   *external_id;
	char	   *purpose;
} JpMapping;

/* One row of the answer of import_consent(). */
typedef struct JpOutcome
{
	JpStatement *statement;
	const char *purpose;		/* NULL when nobody mapped it */
	bool		recorded;		/* by this call */
	bool		known;			/* on record, now or already; id is set */
	pg_uuid_t	id;
	TimestampTz at;
} JpOutcome;

/* One call of import_consent(). */
typedef struct JpImport
{
	const JpPseudonym *subject;
	JpFormat	format;
	Datum		document;		/* text or jsonb */
	bool		dated;			/* by the caller */
	TimestampTz at;
	NullableDatum notice;
	NullableDatum region;
	List	   *mappings;		/* of JpMapping, in the order of purposes */
	List	   *outcomes;		/* of JpOutcome */
} JpImport;

/*
 * Records what the outcomes come to, purpose by purpose, unless the ledger
 * has it, and notes in them what became of them.  Needs SPI.
 */
extern void jp_import_record(const JpImport *import);

/*
 * Reads the consent_state of an mParticle batch, which must have one, and may
 * be dated: then so is what it says without a time.  Records nothing yet.  Needs SPI and the rights of the extension's owner.
 */
extern void jp_import_read_batch(JpImport *import, const JpPseudonym *subject,
								 Jsonb *batch, bool dated, TimestampTz at);

/*
 * Whether what a document comes to is a yes after a time: one that lets
 * somebody who was erased then come back.
 */
extern bool jp_import_agrees_after(const JpImport *import, TimestampTz time);

/* The format of a name; 22023 when there is none. */
extern JpFormat jp_format_from_name(const char *name);
extern const char *jp_format_name(JpFormat format);

/*
 * Can a document of the format know this external id?  opt_out says whether a
 * yes under it only means "has not opted out".
 */
extern bool jp_external_id_known(JpFormat format, const char *external_id,
								 bool *opt_out);

/* Throws 22023 unless it can. */
extern void jp_external_id_require(JpFormat format, const char *external_id);

/* Can a document in JSON of the format know this external id? */
extern bool jp_json_knows(JpFormat format, const char *external_id,
						  bool *opt_out);

/*
 * Statements of a string of format tcf or gpp, of a document of format google
 * or mparticle.  Of vendors only those in wanted (external ids) are told.
 * A malformed document is 22P02.
 */
extern List *jp_string_says(JpFormat format, const text *string, List *wanted);
extern List *jp_json_says(JpFormat format, Jsonb *document);

/* Parse strings; 22P02 tells what is wrong and where, never the content. */
extern void jp_tcf_require(const text *string, JpTcf *tcf);
extern void jp_gpp_require(const text *string, JpGpp *gpp);
extern void jp_gpp_tcf(const text *string, const JpGppSection *section,
					   JpTcf *tcf);
extern void jp_gpp_usp(const text *string, const JpGppSection *section,
					   char *letters);
extern void jp_gpp_us(const text *string, const JpGppSection *section,
					  JpUs *us);

/* Tenths of a second since 1970 as a timestamp. */
extern TimestampTz jp_tenths_to_timestamp(uint64 tenths);

/* An argument of type text, refused unread when it is too long. */
extern text *jp_string_arg(Datum value, JpFormat format);

/* Members of a jsonb in the making; key is NULL in arrays. */
extern void jp_json_open(JsonbParseState **json, const char *key, bool array);
extern JsonbValue *jp_json_close(JsonbParseState **json, bool array);
extern void jp_json_text(JsonbParseState **json, const char *key,
						 const char *value);
extern void jp_json_number(JsonbParseState **json, const char *key,
						   int64 value);
extern void jp_json_bool(JsonbParseState **json, const char *key, bool value);
extern void jp_json_time(JsonbParseState **json, const char *key,
						 TimestampTz value);

#endif							/* JP_EXCHANGE_H */
