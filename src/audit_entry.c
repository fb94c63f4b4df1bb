/*
 * audit_entry.c
 *		An entry in its three forms: bytes in the queue, a row, and the line
 *		of JSON whose hash is in the tree.
 *
 * The line is made of what the row has, by the worker and by whoever checks.
 * So its form must never change for columns that there are: what is new goes
 * into new keys that are left out where they do not apply.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "audit_internal.h"
#include "compat.h"

static const char *const kind_name[JP_NOTE_KINDS] = {
	"use", "purpose", "consent", "erasure", "unsealing", "key", "protection",
	"export", "request", "audit", "transaction"
};

static const char *const outcome_name[JP_NOTE_OUTCOMES] = {
	"begun", "ok", "denied", "failed", "rolled back"
};

/* In a packed entry: how long it is, the facts, how many tables, the texts. */
typedef struct Packed
{
	JpEntryFacts facts;
	uint32		size;
	int32		tables;
} Packed;

static void pack_text(StringInfo message, const char *chars);
static const char *unpack_text(const char **next);
static const char *unpack_optional(const char **next);
static void add_key(StringInfo leaf, const char *key);
static void add_text(StringInfo leaf, const char *key, const char *chars);
static void add_value(StringInfo leaf, const char *chars);
static void add_number(StringInfo leaf, const char *key, int64 number);
static void add_array(StringInfo leaf, const char *key, const char **texts,
					  int count);
static void add_hex(StringInfo leaf, const char *key, const uint8 *bytes,
					int len);
static void add_time(StringInfo leaf, const char *key, TimestampTz at);
static char *session_of(const JpEntryFacts *facts);
static void session_from(const char *session, JpEntryFacts *facts);
static Datum text_array(const char **texts, int count);
static const char **texts_of(Datum array, int *count);
static Datum bytea_of(const void *bytes, int len);
static void take_bytes(Datum value, uint8 *bytes, int len);
static bool is_row_of(const JpEntry *entry, const JpHash *hash,
					  const Datum *values, const bool *nulls);
static bool is_same(int column, Datum one, Datum other);
static const char *text_or_null(const Datum *values, const bool *nulls, int i);
static int	index_of(const char *name, const char *const *names, int count);

/* To bytes; the message's length is a multiple of eight. */
void
jp_entry_pack(const JpEntry *entry, StringInfo message)
{
	int			begin = message->len;
	Packed		packed;
	int			i;

	memset(&packed, 0, sizeof(packed));
	packed.facts = entry->facts;
	packed.tables = entry->tables;
	appendBinaryStringInfo(message, (char *) &packed, sizeof(packed));
	pack_text(message, entry->session_user_name);
	pack_text(message, entry->current_user_name);
	pack_text(message, entry->as_role);
	pack_text(message, entry->purpose);
	pack_text(message, entry->command);
	pack_text(message, entry->detail);
	for (i = 0; i < entry->tables; i++)
	{
		pack_text(message, entry->table[i]);
		pack_text(message, entry->columns[i]);
	}
	while ((message->len - begin) % 8 != 0)
		appendStringInfoCharMacro(message, '\0');
	((Packed *) (message->data + begin))->size = message->len - begin;
}

/* From bytes, in place. */
void
jp_entry_unpack(const char *message, JpEntry *entry)
{
	const Packed *packed = (const Packed *) message;
	const char *next = message + sizeof(Packed);
	int			i;

	entry->facts = packed->facts;
	entry->facts.number = 0;	/* the queue has the size there */
	entry->session_user_name = unpack_text(&next);
	entry->current_user_name = unpack_text(&next);
	entry->as_role = unpack_optional(&next);
	entry->purpose = unpack_optional(&next);
	entry->command = unpack_optional(&next);
	entry->detail = unpack_optional(&next);
	entry->tables = packed->tables;
	entry->table = palloc(sizeof(char *) * entry->tables);
	entry->columns = palloc(sizeof(char *) * entry->tables);
	for (i = 0; i < entry->tables; i++)
	{
		entry->table[i] = unpack_text(&next);
		entry->columns[i] = unpack_text(&next);
	}
}

/* The facts in a packed entry. */
JpEntryFacts *
jp_entry_facts(char *message)
{
	return &((Packed *) message)->facts;
}

/* How long a packed entry is. */
uint32
jp_entry_size(const char *message)
{
	return ((const Packed *) message)->size;
}

/* Whether two packed entries differ in nothing but counts and times. */
bool
jp_entry_alike(const char *one, const char *other)
{
	size_t		same = offsetof(Packed, facts.kind);
	uint32		size = ((const Packed *) one)->size;

	return size == ((const Packed *) other)->size &&
		memcmp(one + same, other + same, size - same) == 0;
}

/* The line of JSON. */
void
jp_entry_leaf(const JpEntry *entry, StringInfo leaf)
{
	const JpEntryFacts *facts = &entry->facts;

	appendStringInfoChar(leaf, '{');
	add_time(leaf, "at", facts->at);
	if (entry->tables > 0)
		add_array(leaf, "columns", entry->columns, entry->tables);
	add_text(leaf, "command", entry->command);
	add_text(leaf, "current_user", entry->current_user_name);
	add_text(leaf, "detail", entry->detail);
	if (facts->duration >= 0)
		add_number(leaf, "duration_us", facts->duration);
	add_number(leaf, "executions", facts->executions);
	add_text(leaf, "kind", kind_name[facts->kind]);
	add_number(leaf, "number", facts->number);
	add_text(leaf, "outcome", outcome_name[facts->outcome]);
	add_text(leaf, "purpose", entry->purpose);
	if (facts->query_id != 0)
		add_number(leaf, "query_id", facts->query_id);
	add_text(leaf, "role", entry->as_role);
	if (facts->rows >= 0)
		add_number(leaf, "rows", facts->rows);
	add_text(leaf, "session", session_of(facts));
	add_text(leaf, "session_user", entry->session_user_name);
	add_number(leaf, "statement", facts->statement);
	if (facts->has_subject)
		add_hex(leaf, "subject", facts->subject, JP_COMMITMENT_SIZE);
	if (entry->tables > 0)
		add_array(leaf, "tables", entry->table, entry->tables);
	if (facts->transaction != 0)
		add_number(leaf, "transaction", (int64) facts->transaction);
	if (facts->unrestricted)
	{
		add_key(leaf, "unrestricted");
		appendStringInfoString(leaf, "true");
	}
	appendStringInfoChar(leaf, '}');
}

/* Columns of audit_entry. */
enum
{
	NUMBER, AT, KIND, SESSION, STATEMENT, SESSION_USER_NAME, CURRENT_USER_NAME,
	AS_ROLE, UNRESTRICTED, PURPOSE, TABLES, COLUMNS, COMMAND, ROWS, EXECUTIONS,
	DURATION, QUERY_ID, TRANSACTION, OUTCOME, DETAIL, SUBJECT, HASH
};

/* To a row. */
void
jp_entry_to_row(const JpEntry *entry, const JpHash *hash, Datum *values,
				bool *nulls)
{
	const JpEntryFacts *facts = &entry->facts;
	const char *texts[] = {
		[KIND] = kind_name[facts->kind],
		[SESSION] = session_of(facts),
		[SESSION_USER_NAME] = entry->session_user_name,
		[CURRENT_USER_NAME] = entry->current_user_name,
		[AS_ROLE] = entry->as_role,
		[PURPOSE] = entry->purpose,
		[COMMAND] = entry->command,
		[OUTCOME] = outcome_name[facts->outcome],
		[DETAIL] = entry->detail
	};
	Interval   *duration = palloc0(sizeof(Interval));
	int			i;

	memset(nulls, 0, sizeof(bool) * JP_ENTRY_COLUMNS);
	for (i = 0; i < lengthof(texts); i++)
		values[i] = texts[i] == NULL ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	nulls[AS_ROLE] = entry->as_role == NULL;
	nulls[PURPOSE] = entry->purpose == NULL;
	nulls[COMMAND] = entry->command == NULL;
	nulls[DETAIL] = entry->detail == NULL;
	nulls[TABLES] = nulls[COLUMNS] = entry->tables == 0;
	nulls[ROWS] = facts->rows < 0;
	nulls[DURATION] = facts->duration < 0;
	nulls[QUERY_ID] = facts->query_id == 0;
	nulls[TRANSACTION] = facts->transaction == 0;
	nulls[SUBJECT] = !facts->has_subject;

	duration->time = facts->duration;
	values[NUMBER] = Int64GetDatum(facts->number);
	values[AT] = TimestampTzGetDatum(facts->at);
	values[STATEMENT] = Int64GetDatum(facts->statement);
	values[UNRESTRICTED] = BoolGetDatum(facts->unrestricted != 0);
	values[TABLES] = text_array(entry->table, entry->tables);
	values[COLUMNS] = text_array(entry->columns, entry->tables);
	values[ROWS] = Int64GetDatum(facts->rows);
	values[EXECUTIONS] = Int64GetDatum(facts->executions);
	values[DURATION] = PointerGetDatum(duration);
	values[QUERY_ID] = Int64GetDatum(facts->query_id);
	values[TRANSACTION] = FullTransactionIdGetDatum(FullTransactionIdFromU64(facts->transaction));
	values[SUBJECT] = bytea_of(facts->subject, JP_COMMITMENT_SIZE);
	values[HASH] = bytea_of(hash, JP_HASH_SIZE);
}

/* From a row; false unless it is exactly what to_row makes of the entry. */
bool
jp_entry_from_row(const Datum *values, const bool *nulls, JpEntry *entry,
				  JpHash *hash)
{
	JpEntryFacts *facts = &entry->facts;
	int			columns = 0;

	memset(entry, 0, sizeof(*entry));
	memset(hash, 0, sizeof(*hash));
	facts->number = DatumGetInt64(values[NUMBER]);
	facts->at = DatumGetTimestampTz(values[AT]);
	facts->statement = DatumGetInt64(values[STATEMENT]);
	facts->rows = nulls[ROWS] ? -1 : DatumGetInt64(values[ROWS]);
	facts->executions = DatumGetInt64(values[EXECUTIONS]);
	facts->duration = nulls[DURATION] ? -1 :
		DatumGetIntervalP(values[DURATION])->time;
	facts->has_subject = !nulls[SUBJECT];
	if (facts->has_subject)
		take_bytes(values[SUBJECT], facts->subject, JP_COMMITMENT_SIZE);
	facts->kind = index_of(TextDatumGetCString(values[KIND]), kind_name,
						   JP_NOTE_KINDS);
	facts->outcome = index_of(TextDatumGetCString(values[OUTCOME]),
							  outcome_name, JP_NOTE_OUTCOMES);
	facts->query_id = nulls[QUERY_ID] ? 0 : DatumGetInt64(values[QUERY_ID]);
	facts->transaction = nulls[TRANSACTION] ? 0 :
		U64FromFullTransactionId(DatumGetFullTransactionId(values[TRANSACTION]));
	session_from(TextDatumGetCString(values[SESSION]), facts);
	facts->unrestricted = DatumGetBool(values[UNRESTRICTED]);
	entry->session_user_name = text_or_null(values, nulls, SESSION_USER_NAME);
	entry->current_user_name = text_or_null(values, nulls, CURRENT_USER_NAME);
	entry->as_role = text_or_null(values, nulls, AS_ROLE);
	entry->purpose = text_or_null(values, nulls, PURPOSE);
	entry->command = text_or_null(values, nulls, COMMAND);
	entry->detail = text_or_null(values, nulls, DETAIL);
	if (!nulls[TABLES] && !nulls[COLUMNS])
	{
		entry->table = texts_of(values[TABLES], &entry->tables);
		entry->columns = texts_of(values[COLUMNS], &columns);
		entry->tables = Min(entry->tables, columns);
	}
	take_bytes(values[HASH], hash->bytes, JP_HASH_SIZE);
	return is_row_of(entry, hash, values, nulls);
}

/* Whether a row has what an entry's row has, to the byte. */
static bool
is_row_of(const JpEntry *entry, const JpHash *hash, const Datum *values,
		  const bool *nulls)
{
	Datum		made[JP_ENTRY_COLUMNS];
	bool		none[JP_ENTRY_COLUMNS];
	int			i;

	jp_entry_to_row(entry, hash, made, none);
	for (i = 0; i < JP_ENTRY_COLUMNS; i++)
		if (nulls[i] != none[i] ||
			(!nulls[i] && !is_same(i, values[i], made[i])))
			return false;
	return true;
}

/* Whether two values of a column have the same bytes. */
static bool
is_same(int column, Datum one, Datum other)
{
	switch (column)
	{
		case NUMBER:
		case AT:
		case STATEMENT:
		case UNRESTRICTED:
		case ROWS:
		case EXECUTIONS:
		case QUERY_ID:
		case TRANSACTION:
			return one == other;
		case DURATION:
			return memcmp(DatumGetIntervalP(one), DatumGetIntervalP(other),
						  sizeof(Interval)) == 0;
		default:
			{
				struct varlena *a = PG_DETOAST_DATUM_PACKED(one);
				struct varlena *b = PG_DETOAST_DATUM_PACKED(other);

				return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
					memcmp(VARDATA_ANY(a), VARDATA_ANY(b),
						   VARSIZE_ANY_EXHDR(a)) == 0;
			}
	}
}

/* Adds a text to a message; there is none of length 0, so that is NULL. */
static void
pack_text(StringInfo message, const char *chars)
{
	if (chars == NULL)
		appendStringInfoCharMacro(message, '\0');
	else
		appendBinaryStringInfo(message, chars, strlen(chars) + 1);
}

static const char *
unpack_text(const char **next)
{
	const char *chars = *next;

	*next += strlen(chars) + 1;
	return chars;
}

static const char *
unpack_optional(const char **next)
{
	const char *chars = unpack_text(next);

	return chars[0] == '\0' ? NULL : chars;
}

/* Begins a pair. */
static void
add_key(StringInfo leaf, const char *key)
{
	if (leaf->data[leaf->len - 1] != '{')
		appendStringInfoChar(leaf, ',');
	appendStringInfo(leaf, "\"%s\":", key);
}

static void
add_text(StringInfo leaf, const char *key, const char *chars)
{
	if (chars == NULL)
		return;
	add_key(leaf, key);
	add_value(leaf, chars);
}

/* A string in UTF-8; what is not text in the server's encoding becomes "?". */
static void
add_value(StringInfo leaf, const char *chars)
{
	int			len = strlen(chars);
	int			i;

	for (i = 0; i < len && !IS_HIGHBIT_SET(chars[i]); i++)
		;
	if (i == len || GetDatabaseEncoding() == PG_UTF8)
		escape_json(leaf, chars);
	else if (GetDatabaseEncoding() == PG_SQL_ASCII ||
			 !pg_verify_mbstr(GetDatabaseEncoding(), chars, len, true))
	{
		char	   *plain = pstrdup(chars);

		for (i = 0; i < len; i++)
			if (IS_HIGHBIT_SET(plain[i]))
				plain[i] = '?';
		escape_json(leaf, plain);
	}
	else
		escape_json(leaf, pg_server_to_any(chars, len, PG_UTF8));
}

static void
add_number(StringInfo leaf, const char *key, int64 number)
{
	add_key(leaf, key);
	appendStringInfo(leaf, INT64_FORMAT, number);
}

static void
add_array(StringInfo leaf, const char *key, const char **texts, int count)
{
	int			i;

	add_key(leaf, key);
	for (i = 0; i < count; i++)
	{
		appendStringInfoChar(leaf, i == 0 ? '[' : ',');
		add_value(leaf, texts[i]);
	}
	appendStringInfoChar(leaf, ']');
}

static void
add_hex(StringInfo leaf, const char *key, const uint8 *bytes, int len)
{
	int			i;

	add_key(leaf, key);
	appendStringInfoChar(leaf, '"');
	for (i = 0; i < len; i++)
		appendStringInfo(leaf, "%02x", bytes[i]);
	appendStringInfoChar(leaf, '"');
}

/* A time as RFC 3339 has it, in UTC, to the microsecond. */
static void
add_time(StringInfo leaf, const char *key, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fraction;

	add_key(leaf, key);
	if (TIMESTAMP_NOT_FINITE(at) ||
		timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		appendStringInfoString(leaf, "null");
	else
		appendStringInfo(leaf, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"",
						 tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour,
						 tm.tm_min, tm.tm_sec, fraction);
}

/* A session's name: when it began and its process. */
static char *
session_of(const JpEntryFacts *facts)
{
	return psprintf(INT64_FORMAT ".%d", facts->session_start, facts->pid);
}

static void
session_from(const char *session, JpEntryFacts *facts)
{
	char	   *end;

	facts->session_start = strtoll(session, &end, 10);
	facts->pid = *end == '.' ? atoi(end + 1) : 0;
}

static Datum
text_array(const char **texts, int count)
{
	Datum	   *elements = palloc(sizeof(Datum) * (count + 1));
	int			i;

	for (i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

static const char **
texts_of(Datum array, int *count)
{
	const char **texts;
	Datum	   *elements;
	bool	   *nulls;
	int			i;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, count);
	texts = palloc(sizeof(char *) * (*count + 1));
	for (i = 0; i < *count; i++)
		texts[i] = nulls[i] ? "" : TextDatumGetCString(elements[i]);
	return texts;
}

static Datum
bytea_of(const void *bytes, int len)
{
	bytea	   *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), bytes, len);
	return PointerGetDatum(value);
}

/* Copies the bytes of a value that has so many. */
static void
take_bytes(Datum value, uint8 *bytes, int len)
{
	bytea	   *stored = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(stored) == len)
		memcpy(bytes, VARDATA_ANY(stored), len);
}

static const char *
text_or_null(const Datum *values, const bool *nulls, int i)
{
	return nulls[i] ? NULL : TextDatumGetCString(values[i]);
}

/* Place of a name in a list; the first for one that is not there. */
static int
index_of(const char *name, const char *const *names, int count)
{
	int			i;

	for (i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return 0;
}
