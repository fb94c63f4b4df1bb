/*
 * notice_document.h
 *		A document for people: a tree of sections, built once and written as
 *		JSON, Markdown or HTML.
 *
 * All text in it is UTF-8 and of unknown origin: the writers escape whatever
 * there is.  Sections that hold nothing are not written.
 */
#ifndef JP_NOTICE_DOCUMENT_H
#define JP_NOTICE_DOCUMENT_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Cells that a document may have; it is in memory as a whole. */
#define JP_DOCUMENT_MAX_CELLS	1000000

typedef enum JpDocumentFormat
{
	JP_DOCUMENT_JSON,
	JP_DOCUMENT_MARKDOWN,
	JP_DOCUMENT_HTML
} JpDocumentFormat;

/* A value in a table, for people and for programs. */
typedef struct JpCell
{
	const char *text;			/* NULL: none */
	const char *json;			/* NULL: the text as a string */
} JpCell;

typedef struct JpHeading
{
	const char *key;			/* in JSON */
	const char *title;			/* NULL: in JSON only */
} JpHeading;

typedef struct JpSection
{
	const char *key;			/* in JSON */
	const char *title;
	List	   *text;			/* paragraphs */
	List	   *items;			/* of a list */
	List	   *headings;		/* JpHeading: columns of a table */
	List	   *rows;			/* arrays of JpCell, one for each column */
	List	   *sections;		/* within this one */
} JpSection;

typedef struct JpDocument
{
	const char *name;			/* in JSON */
	const char *language;
	const char *title;
	const char *dated;			/* the line that says of when it is */
	List	   *sections;
	int64		cells;
} JpDocument;

/* A format by its name; 22023 for any other. */
extern JpDocumentFormat jp_document_format(const char *name);

extern JpDocument *jp_document_new(const char *name, const char *language,
								   const char *title);

/* A new section at the end of another, or of the document (parent NULL). */
extern JpSection *jp_section_new(JpDocument *document, JpSection *parent,
								 const char *key, const char *title);

/* Add to a section; a table has its columns before its rows. */
extern void jp_section_say(JpSection *section, const char *chars);
extern void jp_section_item(JpSection *section, const char *chars);
extern void jp_section_column(JpSection *section, const char *key,
							  const char *title);
extern JpCell *jp_section_row(JpDocument *document, JpSection *section);

/* Whether there is nothing in a section, nor in those within it. */
extern bool jp_section_is_empty(const JpSection *section);

/* The document in a format, in the database's encoding. */
extern text *jp_document_write(const JpDocument *document, JpDocumentFormat format);

#endif							/* JP_NOTICE_DOCUMENT_H */
