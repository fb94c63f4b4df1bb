/*
 * notice_fact.c
 *		Facts from the catalog on their way into a document.
 *
 * Everything is turned into UTF-8 here, the encoding of documents.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "notice.h"
#include "utf8.h"

static void fill_cell(JpCell *cell, SPITupleTable *rows, uint64 row,
					  int column, JpLanguage language, const JpCode *codes);
static void fill_array(JpCell *cell, Datum value);

/* Begins to gather facts; compiling the queries would take longer than they do. */
void
jp_notice_begin(JpPrivilege *before)
{
	SPI_connect();
	jp_elevate(before);
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* Writes the document, and ends what jp_notice_begin() began. */
Datum
jp_notice_end(const JpDocument *document, JpDocumentFormat format,
			  const JpPrivilege *before)
{
	Datum		written;

	jp_restore(before);
	written = SPI_datumTransfer(PointerGetDatum(jp_document_write(document, format)),
								false, -1);
	SPI_finish();
	return written;
}

/* Text of the database as UTF-8; the bytes of SQL_ASCII as they are. */
const char *
jp_fact_utf8(const char *chars)
{
	size_t		len = strlen(chars);

	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return pstrdup(chars);
	chars = jp_utf8_from(chars, len, &len);
	return pnstrdup(chars, len);
}

/* Runs a query. */
SPITupleTable *
jp_facts(const char *sql, int nargs, Oid *types, Datum *values)
{
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the catalog for a document");
	return SPI_tuptable;
}

/* A value as text. */
const char *
jp_fact(SPITupleTable *rows, uint64 row, int column)
{
	char	   *value = SPI_getvalue(rows->vals[row], rows->tupdesc, column);

	return value == NULL ? NULL : jp_fact_utf8(value);
}

/* The rows of a query as the table of a section. */
uint64
jp_facts_table(JpDocument *document, JpSection *section, JpLanguage language,
			   const JpFactColumn *columns, int count, SPITupleTable *rows,
			   uint64 processed)
{
	uint64		i;
	int			j;

	for (j = 0; j < count; j++)
		jp_section_column(section, columns[j].key, columns[j].title);
	for (i = 0; i < processed; i++)
	{
		JpCell	   *cells = jp_section_row(document, section);

		for (j = 0; j < count; j++)
			fill_cell(&cells[j], rows, i, j + 1, language, columns[j].codes);
	}
	return processed;
}

/* One value, by its type. */
static void
fill_cell(JpCell *cell, SPITupleTable *rows, uint64 row, int column,
		  JpLanguage language, const JpCode *codes)
{
	bool		isnull;
	Datum		value = SPI_getbinval(rows->vals[row], rows->tupdesc, column,
									  &isnull);

	if (isnull)
		return;
	switch (SPI_gettypeid(rows->tupdesc, column))
	{
		case BOOLOID:
			cell->text = jp_say_word(language, DatumGetBool(value) ? JP_SAY_YES : JP_SAY_NO);
			cell->json = DatumGetBool(value) ? "true" : "false";
			break;
		case INT4OID:
		case INT8OID:
			cell->text = cell->json = jp_fact(rows, row, column);
			break;
		case INTERVALOID:
			cell->text = jp_span_words(language, DatumGetIntervalP(value));
			cell->json = jp_json_string(jp_span_iso(DatumGetIntervalP(value)));
			break;
		case TIMESTAMPTZOID:
			cell->text = jp_time_words(DatumGetTimestampTz(value));
			cell->json = jp_json_string(jp_time_iso(DatumGetTimestampTz(value)));
			break;
		case TEXTARRAYOID:
			fill_array(cell, value);
			break;
		default:
			cell->text = jp_fact(rows, row, column);
			if (codes == NULL)
				break;
			cell->json = jp_json_string(cell->text);
			cell->text = jp_code_word(codes, cell->text, language);
	}
}

/* A text[]. */
static void
fill_array(JpCell *cell, Datum value)
{
	StringInfoData plain;
	StringInfoData json;
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	int			written = 0;
	int			i;

	initStringInfo(&plain);
	initStringInfo(&json);
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	for (i = 0; i < count; i++)
	{
		const char *element;

		if (nulls[i])
			continue;
		element = jp_fact_utf8(TextDatumGetCString(elements[i]));
		appendStringInfo(&plain, "%s%s", written > 0 ? ", " : "", element);
		appendStringInfo(&json, "%s%s", written > 0 ? ", " : "", jp_json_string(element));
		written++;
	}
	cell->text = plain.data;
	cell->json = psprintf("[%s]", json.data);
}

/* The word for a code. */
const char *
jp_code_word(const JpCode *codes, const char *code, JpLanguage language)
{
	for (; codes->code != NULL; codes++)
		if (strcmp(codes->code, code) == 0)
			return jp_say_word(language, codes->word);
	return code;
}

const JpCode jp_code_basis[] = {
	{"consent", JP_SAY_BASIS_CONSENT}, {"opt_out", JP_SAY_BASIS_OPT_OUT},
	{"contract", JP_SAY_BASIS_CONTRACT}, {"legal_obligation", JP_SAY_BASIS_LEGAL},
	{"vital_interests", JP_SAY_BASIS_VITAL}, {"public_task", JP_SAY_BASIS_TASK},
	{"legitimate_interests", JP_SAY_BASIS_INTERESTS}, {NULL, 0}
};

const JpCode jp_code_decision[] = {
	{"granted", JP_SAY_GRANTED}, {"refused", JP_SAY_REFUSED},
	{"withdrawn", JP_SAY_WITHDRAWN}, {"objected", JP_SAY_OBJECTED},
	{"restricted", JP_SAY_RESTRICTED}, {"unrestricted", JP_SAY_UNRESTRICTED},
	{NULL, 0}
};

const JpCode jp_code_request[] = {
	{"access", JP_SAY_ACCESS}, {"portability", JP_SAY_PORTABILITY},
	{"erasure", JP_SAY_ERASURE}, {"rectification", JP_SAY_RECTIFICATION},
	{"restriction", JP_SAY_RESTRICTION}, {"objection", JP_SAY_OBJECTION},
	{NULL, 0}
};

const JpCode jp_code_status[] = {
	{"pending", JP_SAY_PENDING}, {"in_progress", JP_SAY_IN_PROGRESS},
	{"completed", JP_SAY_COMPLETED}, {"refused", JP_SAY_REFUSED_REQUEST},
	{"cancelled", JP_SAY_CANCELLED}, {NULL, 0}
};

const JpCode jp_code_regulation[] = {
	{"gdpr", JP_SAY_GDPR}, {"ccpa", JP_SAY_CCPA}, {NULL, 0}
};

const JpCode jp_code_entry[] = {
	{"consent", JP_SAY_ENTRY_CONSENT}, {"erasure", JP_SAY_ENTRY_ERASURE},
	{"unsealing", JP_SAY_ENTRY_UNSEALING}, {"export", JP_SAY_ENTRY_EXPORT},
	{"request", JP_SAY_ENTRY_REQUEST}, {NULL, 0}
};
