/*
 * notice.h
 *		What the files of the room notice share: words in four languages, and
 *		facts from the catalog on their way into a document.
 */
#ifndef JP_NOTICE_H
#define JP_NOTICE_H

#include "postgres.h"

#include "catalog.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "notice_document.h"
#include "notice_words.h"

/* A language by its code; 22023 for any other. */
extern JpLanguage jp_language_from_name(const char *code);
extern const char *jp_language_code(JpLanguage language);

/* A text; the second with {1} and {2} filled in. */
extern const char *jp_say_word(JpLanguage language, JpWord word);
extern const char *jp_say(JpLanguage language, JpWord word, const char *first,
						  const char *second);

/* A length of time in words ("13 months"), and as ISO 8601 has it. */
extern const char *jp_span_words(JpLanguage language, const Interval *span);
extern const char *jp_span_iso(const Interval *span);

/* Dates and times, in UTC. */
extern const char *jp_time_words(TimestampTz time);
extern const char *jp_time_iso(TimestampTz time);

/* What a code in the catalog is called. */
typedef struct JpCode
{
	const char *code;			/* NULL ends a list of them */
	JpWord		word;
} JpCode;

extern const JpCode jp_code_basis[];
extern const JpCode jp_code_decision[];
extern const JpCode jp_code_request[];
extern const JpCode jp_code_status[];
extern const JpCode jp_code_regulation[];
extern const JpCode jp_code_entry[];

/* The word for a code, or the code itself. */
extern const char *jp_code_word(const JpCode *codes, const char *code,
								JpLanguage language);

/* A string of JSON in UTF-8, for JpCell. */
extern const char *jp_json_string(const char *chars);

/* Text of the database as UTF-8. */
extern const char *jp_fact_utf8(const char *chars);

/*
 * Begins to gather facts, with SPI and the rights of the extension's owner;
 * writes the document and ends that, returning it as text.
 */
extern void jp_notice_begin(JpPrivilege *before);
extern Datum jp_notice_end(const JpDocument *document, JpDocumentFormat format,
						   const JpPrivilege *before);

/* Runs a query about the catalog: its rows, whose number is SPI_processed. */
extern SPITupleTable *jp_facts(const char *sql, int nargs, Oid *types,
							   Datum *values);

/* A value of such a row as UTF-8; NULL: none. */
extern const char *jp_fact(SPITupleTable *rows, uint64 row, int column);

/* A column of a table in a document; codes is NULL where there are none. */
typedef struct JpFactColumn
{
	const char *key;
	const char *title;
	const JpCode *codes;
} JpFactColumn;

/* Makes the rows of a query the table of a section; returns how many. */
extern uint64 jp_facts_table(JpDocument *document, JpSection *section,
							 JpLanguage language, const JpFactColumn *columns,
							 int count, SPITupleTable *rows, uint64 processed);

/*
 * An argument of a function of this room; 22004 for NULL.  Texts are at most
 * so many bytes long, 22023 beyond.
 */
#define JP_NOTICE_MAX_TEXT	10000

extern void jp_notice_require(FunctionCallInfo fcinfo, int n, const char *name);

/* The line at the end of a document that says of when it is. */
extern const char *jp_dated(JpLanguage language);

#endif							/* JP_NOTICE_H */
