/*
 * opendsr_take.c
 *		Taking in a request of OpenDSR, once.
 *
 * The body is not kept: it names a person.  A keyed hash of it tells whether
 * the same comes again, which then gets the same answer; a plain digest would
 * let whoever reads it try out names.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "compat.h"
#include "keyring.h"
#include "opendsr.h"
#include "request.h"
#include "utf8.h"

/*
 * What is hashed begins with this: other uses of the key hash a pseudonym
 * first, whose first byte is never 0.
 */
#define PREFIX		"\0opendsr request"
#define PREFIX_SIZE sizeof(PREFIX)
#define HASH_SIZE	32
#define VALUE_MAX	1024		/* of an identity, as in room pseudonym */

static void take_new(JpDsrCall *call, const JpDsrRequest *request);
static bool is_same(const JpDsrCall *call, const JpDsrKnown *known);
static bytea *fingerprint(const JpDsrCall *call, int version);
static int	add_subject(JpDsrCall *call, const JpDsrIdentity *identity,
						JpPseudonym *subjects, int count);
static bool pseudonymize(JpDsrCall *call, const char *kind,
						 const JpJsonText *value, JpPseudonym *pseudonym);
static List *callback_urls(const JpDsrRequest *request);
static void keep_expected(JpDsrKnown *known);
static TimestampTz time_column(int column);

/* Takes a request in. */
void
jp_dsr_take(JpDsrCall *call)
{
	JpDsrRequest *request = palloc(sizeof(JpDsrRequest));
	JpDsrFault	fault;
	JpDsrKnown	known;

	if (call->len > JP_DSR_BODY_MAX)
		jp_dsr_error(call, 413, "too_large", NULL,
					 "the body is larger than 256 kB");
	else if (!jp_dsr_read(call->body, call->len, call->processor->domain,
						  request, &fault))
		jp_dsr_error(call, 400, fault.reason, fault.field, fault.message);
	else if (!jp_dsr_find(request->id, false, &known))
		take_new(call, request);
	else if (is_same(call, &known))
		jp_dsr_answer_receipt(call, &known);
	else
		jp_dsr_error_duplicate(call);
}

/* A request. */
bool
jp_dsr_find(const char *id, bool lock, JpDsrKnown *known)
{
	static SPIPlanPtr plan[2] = {NULL, NULL};
	static const char *const sql[2] = {
		"SELECT kind, status, controller, fingerprint, received_at, due_at,"
		" (SELECT expected_at FROM journey_privacy.opendsr_receipt WHERE request_id = r.id)"
		" FROM journey_privacy.request r WHERE id = $1",
		"SELECT kind, status, controller, fingerprint, received_at, due_at, due_at"
		" FROM journey_privacy.request WHERE id = $1 FOR UPDATE"
	};
	static const Oid types[] = {UUIDOID};
	Datum		values[] = {DirectFunctionCall1(uuid_in, CStringGetDatum(id))};
	HeapTuple	row;
	TupleDesc	desc;
	Datum		print;
	bool		isnull;

	jp_execute(&plan[lock], sql[lock], lengthof(types), types, values, NULL,
			   SPI_OK_SELECT);
	if (SPI_processed == 0)
		return false;
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	known->id = *DatumGetUUIDP(values[0]);
	known->kind = SPI_getvalue(row, desc, 1);
	known->status = SPI_getvalue(row, desc, 2);
	known->controller = SPI_getvalue(row, desc, 3);
	print = SPI_getbinval(row, desc, 4, &isnull);
	known->fingerprint = isnull ? NULL : DatumGetByteaPP(print);
	known->received_at = time_column(5);
	known->due_at = time_column(6);
	known->expected_at = time_column(7);
	return true;
}

/* Takes in a request that nobody knows. */
static void
take_new(JpDsrCall *call, const JpDsrRequest *request)
{
	JpPseudonym *subjects = palloc(request->identities * sizeof(JpPseudonym));
	JpRequestNew new = {0};
	JpDsrKnown	known;
	int			i;

	for (i = 0; i < request->identities; i++)
	{
		new.count = add_subject(call, &request->identity[i], subjects,
								new.count);
		if (new.count < 0)
			return;
	}
	new.id = *DatumGetUUIDP(DirectFunctionCall1(uuid_in,
												CStringGetDatum(request->id)));
	new.kind = request->type;
	new.regulation = request->regulation;
	new.subjects = subjects;
	new.received_at = GetCurrentTimestamp();
	/* the controller knows who asks (3.1) */
	new.verified = true;
	new.callback_urls = callback_urls(request);
	new.controller = call->controller;
	new.fingerprint = fingerprint(call, jp_key_version(JP_KEY_SCOPE));
	jp_request_open(&new);

	known.id = new.id;
	known.controller = unconstify(char *, call->controller);
	known.received_at = new.received_at;
	keep_expected(&known);
	jp_dsr_answer_receipt(call, &known);
}

/* Whether a request that is known came from the same sender, byte by byte. */
static bool
is_same(const JpDsrCall *call, const JpDsrKnown *known)
{
	int			versions[255];
	int			count;
	int			version;
	bytea	   *print;

	if (known->controller == NULL || known->fingerprint == NULL ||
		strcmp(known->controller, call->controller) != 0 ||
		VARSIZE_ANY_EXHDR(known->fingerprint) != 1 + HASH_SIZE)
		return false;
	version = *(uint8 *) VARDATA_ANY(known->fingerprint);
	/* under a key that is gone nothing can be compared */
	count = jp_key_versions(JP_KEY_SCOPE, versions);
	while (count > 0 && versions[count - 1] != version)
		count--;
	if (count == 0)
		return false;
	print = fingerprint(call, version);
	return memcmp(VARDATA_ANY(known->fingerprint), VARDATA(print),
				  1 + HASH_SIZE) == 0;
}

/* The keyed hash of a body, behind the version of its key. */
static bytea *
fingerprint(const JpDsrCall *call, int version)
{
	bytea	   *print = palloc(VARHDRSZ + 1 + HASH_SIZE);
	char	   *message = palloc(PREFIX_SIZE + call->len);

	memcpy(message, PREFIX, PREFIX_SIZE);
	memcpy(message + PREFIX_SIZE, call->body, call->len);
	SET_VARSIZE(print, VARHDRSZ + 1 + HASH_SIZE);
	*(uint8 *) VARDATA(print) = (uint8) version;
	jp_key_hash(JP_KEY_SCOPE, version, message, PREFIX_SIZE + call->len,
				(uint8 *) VARDATA(print) + 1, HASH_SIZE);
	explicit_bzero(message, PREFIX_SIZE + call->len);
	pfree(message);
	return print;
}

/*
 * Adds the pseudonym of an identity to those that are there, once.  Returns
 * their number, or -1 after answering that it cannot be.
 */
static int
add_subject(JpDsrCall *call, const JpDsrIdentity *identity,
			JpPseudonym *subjects, int count)
{
	const char *kind = jp_dsr_kind(identity->type, identity->format);
	int			i;

	if (kind == NULL)
	{
		jp_dsr_error(call, 400, "unsupported_value", "identity_type",
					 "is not one that is supported in this identity_format");
		return -1;
	}
	if (!pseudonymize(call, kind, &identity->value, &subjects[count]))
	{
		jp_dsr_error_value(call);
		return -1;
	}
	for (i = 0; i < count; i++)
		if (memcmp(&subjects[i], &subjects[count], sizeof(JpPseudonym)) == 0)
			return count;
	return count + 1;
}

/*
 * The pseudonym of a value; false when it is too long for any.  An error says
 * that the kind cannot have it, and is answered as such (see serve()).
 */
static bool
pseudonymize(JpDsrCall *call, const char *kind, const JpJsonText *value,
			 JpPseudonym *pseudonym)
{
	char		utf8[VALUE_MAX + 1];
	int			len = jp_jsontext_decode(value, utf8, sizeof(utf8));
	const char *chars;
	size_t		size;

	if (len < 0)
		return false;
	call->judging_value = true;
	chars = jp_utf8_to(utf8, len, &size);
	jp_pseudonymize(kind, chars, size, pseudonym);
	call->judging_value = false;
	explicit_bzero(utf8, sizeof(utf8));
	return true;
}

/* URLs to call, as text of their own. */
static List *
callback_urls(const JpDsrRequest *request)
{
	List	   *urls = NIL;
	int			i;

	for (i = 0; i < request->urls; i++)
	{
		char	   *url = palloc(JP_DSR_URL_MAX + 1);
		ListCell   *cell;
		bool		known = false;

		(void) jp_jsontext_decode(&request->url[i], url, JP_DSR_URL_MAX + 1);
		foreach(cell, urls)
			known = known || strcmp(lfirst(cell), url) == 0;
		if (!known)
			urls = lappend(urls, url);
	}
	return urls;
}

/* Keeps when a new request was to be completed: its answer stays the same. */
static void
keep_expected(JpDsrKnown *known)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {UUIDOID};
	Datum		values[] = {UUIDPGetDatum(&known->id)};

	jp_execute(&plan,
			   "INSERT INTO journey_privacy.opendsr_receipt (request_id, expected_at)"
			   " SELECT id, due_at FROM journey_privacy.request WHERE id = $1"
			   " RETURNING expected_at",
			   lengthof(types), types, values, NULL, SPI_OK_INSERT_RETURNING);
	if (SPI_processed != 1)
		elog(ERROR, "a request that was just taken in is missing");
	known->expected_at = time_column(1);
}

/* A time of the row just read; without a receipt, when it is due counts. */
static TimestampTz
time_column(int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? time_column(column - 1) : DatumGetTimestampTz(value);
}
