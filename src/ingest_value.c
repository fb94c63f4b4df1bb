/*
 * ingest_value.c
 *		Values of a batch: checked, and turned into those of columns.
 *
 * What is wrong is told by its path and never by its value.  That holds for
 * what the input functions of types say, too: their messages quote.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "ingest.h"

#define MAX_TIME_DIGITS	15		/* of milliseconds since 1970 */
#define MAX_NUMBER	1000		/* letters of a number that becomes text: 1e131000 is short only in JSON */

static char *number_text(const JsonbValue *value);
static char *plain_text(const JsonbValue *value, int *length);
static Datum input(JpIngestColumn *column, char *chars, int event);

/* Refuses the batch. */
void
jp_ingest_fault(int event, const char *path, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 event < 0 ?
			 errmsg("invalid mParticle batch: %s %s", path, what) :
			 errmsg("invalid mParticle batch: events[%d].%s %s",
					event, path, what)));
}

/* A member of an object, unless it is null. */
JsonbValue *
jp_ingest_member(JsonbContainer *object, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key),
													 NULL);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

/* A member that is an object. */
JsonbContainer *
jp_ingest_object(JsonbContainer *object, const char *key, int event,
				 const char *path)
{
	JsonbValue *value = jp_ingest_member(object, key);

	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary ||
		!JsonContainerIsObject(value->val.binary.data))
		jp_ingest_fault(event, path, "is not an object");
	return value->val.binary.data;
}

/* A member that is a string; an empty one is none. */
char *
jp_ingest_text(JsonbContainer *object, const char *key, int event,
			   const char *path)
{
	JsonbValue *value = jp_ingest_member(object, key);

	if (value == NULL)
		return NULL;
	if (value->type != jbvString)
		jp_ingest_fault(event, path, "is not a string");
	if (value->val.string.len == 0)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* The digits of a whole number, exact however large it is. */
char *
jp_ingest_digits(const JsonbValue *value, int max)
{
	char	   *digits;
	size_t		length;

	if (value->type != jbvNumeric)
		return NULL;
	digits = number_text(value);
	length = strlen(digits);
	if (length > max ||
		strspn(digits + (digits[0] == '-'), "0123456789") != length - (digits[0] == '-'))
		return NULL;
	return digits;
}

/* A number as it is written out. */
static char *
number_text(const JsonbValue *value)
{
	Datum		number = NumericGetDatum(value->val.numeric);

	return DatumGetCString(DirectFunctionCall1(numeric_out, number));
}

/* Milliseconds since 1970 as a time. */
TimestampTz
jp_ingest_time(const JsonbValue *value, int event, const char *path)
{
	char	   *digits = value == NULL ? NULL :
		jp_ingest_digits(value, MAX_TIME_DIGITS);

	if (digits == NULL || digits[0] == '-')
		jp_ingest_fault(event, path,
						value == NULL ? "is missing" :
						"is not a whole number of milliseconds since 1970");
	return (TimestampTz) strtoll(digits, NULL, 10) * 1000 -
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

/* The same of what has happened: clocks differ by so many microseconds. */
TimestampTz
jp_ingest_past_time(const JsonbValue *value, int event, const char *path,
					int64 skew)
{
	TimestampTz time = jp_ingest_time(value, event, path);

	if (time > GetCurrentTimestamp() + skew)
		jp_ingest_fault(event, path, "lies in the future");
	return time;
}

/* The value at a path. */
JsonbValue *
jp_ingest_walk(const JpIngestColumn *column, JsonbContainer *object)
{
	JsonbValue *value = NULL;
	ListCell   *cell;

	foreach(cell, column->keys)
	{
		if (value != NULL)
		{
			if (value->type != jbvBinary ||
				!JsonContainerIsObject(value->val.binary.data))
				return NULL;
			object = value->val.binary.data;
		}
		value = jp_ingest_member(object, lfirst(cell));
		if (value == NULL)
			return NULL;
	}
	return value;
}

/* A value as the type of its column. */
bool
jp_ingest_value(JpIngestColumn *column, const JsonbValue *value, int event,
				Datum *datum)
{
	char	   *chars;
	int			length;

	if (value == NULL)
	{
		if (column->required)
			jp_ingest_fault(event, column->path, "is missing");
		return false;
	}
	if (column->type == JSONBOID)
	{
		*datum = JsonbPGetDatum(JsonbValueToJsonb((JsonbValue *) value));
		return true;
	}
	if (column->type == TIMESTAMPTZOID && value->type == jbvNumeric)
	{
		*datum = TimestampTzGetDatum(jp_ingest_time(value, event, column->path));
		return true;
	}
	chars = plain_text(value, &length);
	if (chars == NULL)
		jp_ingest_fault(event, column->path, "is not a plain value");
	if (value->type == jbvNumeric && length > MAX_NUMBER)
		jp_ingest_fault(event, column->path, psprintf("is a number of more than %d digits", MAX_NUMBER));
	if (column->type == TEXTOID)
		*datum = PointerGetDatum(cstring_to_text_with_len(chars, length));
	else
		*datum = input(column, pnstrdup(chars, length), event);
	return true;
}

/* The text of a string, a number, true or false; NULL for anything else. */
static char *
plain_text(const JsonbValue *value, int *length)
{
	char	   *chars;

	switch (value->type)
	{
		case jbvString:
			*length = value->val.string.len;
			return value->val.string.val;
		case jbvNumeric:
			chars = number_text(value);
			break;
		case jbvBool:
			chars = value->val.boolean ? "true" : "false";
			break;
		default:
			return NULL;
	}
	*length = strlen(chars);
	return chars;
}

/*
 * Reads a type's text form; what the type says of it is not told.  No code
 * but the type's own runs here: that of domains does when rows are inserted.
 */
static Datum
input(JpIngestColumn *column, char *chars, int event)
{
	MemoryContext context = CurrentMemoryContext;
	volatile Datum datum = (Datum) 0;
	volatile bool good = true;

	PG_TRY();
	{
		datum = InputFunctionCall(&column->input, chars, column->ioparam,
								  column->typmod);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		good = false;
	}
	PG_END_TRY();
	if (!good)
		jp_ingest_fault(event, column->path,
						psprintf("is no value of type %s, which column \"%s\" has",
								 format_type_be(column->type), column->name));
	return datum;
}
