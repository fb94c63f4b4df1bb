/*
 * discovery.h
 *		What the files of the room discovery share.
 */
#ifndef JP_DISCOVERY_H
#define JP_DISCOVERY_H

#include "discovery_look.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* What was seen of a column, or of one key in its documents. */
typedef struct JpSeen
{
	const char *key;			/* path in the document; NULL: the column */
	int64		values;			/* that are not null */
	int64		matching[JP_LOOK_BY_CONTENT];
	int64		births;			/* dates on which somebody alive may be born */
	int			first_year;
	int			last_year;
	int64		rows;			/* in which the key was, for its place */
	int64		last_row;
} JpSeen;

/* How the values of a column are read. */
typedef enum JpReading
{
	JP_READ_NOTHING,			/* its name must do */
	JP_READ_TEXT,				/* by its output function */
	JP_READ_JSON,
	JP_READ_JSONB,
	JP_READ_TEXTS,				/* an array of text */
	JP_READ_ADDRESS				/* an IP or MAC address by its type */
} JpReading;

/* A column that no rule of ours covers. */
typedef struct JpColumn
{
	const char *name;
	Oid			type;			/* below domains */
	Oid			output;			/* function, for JP_READ_TEXT */
	JpReading	reading;
	JpSeen		whole;
	List	   *keys;			/* JpSeen */
	int64		more_keys;		/* values under keys that have no place */
} JpColumn;

/* A table with such columns. */
typedef struct JpTable
{
	Oid			relid;
	const char *name;			/* without its schema */
	bool		is_protected;
	double		rows;			/* estimates */
	double		pages;
	bool		sampled;
	List	   *columns;		/* JpColumn */
} JpTable;

/*
 * discovery_sample.c: reads some rows of a table as the caller, who must see
 * all of them; false where they do not.  Needs SPI.
 */
extern bool jp_discovery_sample(JpTable *table, int64 rows);

/* discovery_keys.c: takes the keys and values of a document into a column. */
extern void jp_discovery_document(JpColumn *column, Jsonb *document,
								  int64 row);

/* Puts keys that few documents have together, when all have been taken. */
extern void jp_discovery_fold_keys(JpColumn *column);

/* discovery_sample.c: takes one value. */
extern void jp_discovery_value(JpSeen *seen, const char *value, size_t len);

/*
 * discovery_statement.c: the statement that brings what was found under our
 * rules.
 */
extern char *jp_discovery_statement(const JpTable *table,
									const JpColumn *column, const char *key,
									JpLook look);

/* What the name of a column says, given its type and its table's name. */
extern uint32 jp_discovery_named(const JpTable *table, const JpColumn *column,
								 const char *key);

/* discovery.c: the share of values that look like it; negative: too few. */
extern double jp_discovery_share(const JpSeen *seen, JpLook look,
								 double min_share);

#endif							/* JP_DISCOVERY_H */
