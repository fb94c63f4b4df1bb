/*
 * notice_document.c
 *		Building a document for people.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "notice_document.h"

/* A format by its name. */
JpDocumentFormat
jp_document_format(const char *name)
{
	if (strcmp(name, "markdown") == 0)
		return JP_DOCUMENT_MARKDOWN;
	if (strcmp(name, "html") == 0)
		return JP_DOCUMENT_HTML;
	if (strcmp(name, "json") == 0)
		return JP_DOCUMENT_JSON;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid format of a document"),
			 errhint("Use markdown, html or json.")));
}

/* A document without sections. */
JpDocument *
jp_document_new(const char *name, const char *language, const char *title)
{
	JpDocument *document = palloc0(sizeof(JpDocument));

	document->name = name;
	document->language = language;
	document->title = title;
	return document;
}

/* A section without anything in it. */
JpSection *
jp_section_new(JpDocument *document, JpSection *parent, const char *key,
			   const char *title)
{
	JpSection  *section = palloc0(sizeof(JpSection));

	section->key = key;
	section->title = title;
	if (parent != NULL)
		parent->sections = lappend(parent->sections, section);
	else
		document->sections = lappend(document->sections, section);
	return section;
}

/* Adds a paragraph. */
void
jp_section_say(JpSection *section, const char *chars)
{
	section->text = lappend(section->text, unconstify(char *, chars));
}

/* Adds a point to the list. */
void
jp_section_item(JpSection *section, const char *chars)
{
	section->items = lappend(section->items, unconstify(char *, chars));
}

/* Adds a column to the table. */
void
jp_section_column(JpSection *section, const char *key, const char *title)
{
	JpHeading  *heading = palloc(sizeof(JpHeading));

	heading->key = key;
	heading->title = title;
	section->headings = lappend(section->headings, heading);
}

/* Adds a row to the table; its cells are to be filled. */
JpCell *
jp_section_row(JpDocument *document, JpSection *section)
{
	int			columns = list_length(section->headings);
	JpCell	   *row = palloc0(columns * sizeof(JpCell));

	CHECK_FOR_INTERRUPTS();
	document->cells += columns;
	if (document->cells > JP_DOCUMENT_MAX_CELLS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a document may have at most %d cells in its tables",
						JP_DOCUMENT_MAX_CELLS)));
	section->rows = lappend(section->rows, row);
	return row;
}

/* Whether a section would show its title only. */
bool
jp_section_is_empty(const JpSection *section)
{
	ListCell   *cell;

	if (section->text != NIL || section->items != NIL || section->rows != NIL)
		return false;
	foreach(cell, section->sections)
		if (!jp_section_is_empty(lfirst(cell)))
			return false;
	return true;
}
