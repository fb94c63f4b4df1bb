/*
 * collection_moving.c
 *		Rows on their way from one partition to another.
 *
 * PostgreSQL updates a row to another partition as a delete and an insert.
 * The insert is no new data about anybody; to leave it out would lose the
 * row, which is deleted by then.  What tells it from any other is that the
 * row is, to the last column, the one that was updated just before.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "access/xact.h"
#include "storage/proc.h"

#include "collection_moving.h"
#include "compat.h"

typedef struct Trace
{
	unsigned char bytes[crypto_generichash_BYTES_MIN];
} Trace;

/* The row that was updated last, if it may be on its way. */
static struct
{
	LocalTransactionId transaction;
	CommandId	command;
	Trace		trace;
	int32		number;
}			moving;

static Trace trace_of(Relation rel, HeapTuple row);
static void hash_column(crypto_generichash_state *hash, Form_pg_attribute column,
						Datum value, bool isnull);

/* A row is updated. */
void
jp_moving_note(Relation rel, HeapTuple row, int32 number)
{
	moving.transaction = JP_LOCAL_XID;
	moving.command = GetCurrentCommandId(false);
	moving.trace = trace_of(rel, row);
	moving.number = number;
}

/* Whether it is this one that is inserted; it arrives once. */
bool
jp_moving_arrives(Relation rel, HeapTuple row, int32 *number)
{
	Trace		trace;

	if (moving.transaction != JP_LOCAL_XID ||
		moving.command != GetCurrentCommandId(false))
		return false;
	trace = trace_of(rel, row);
	if (memcmp(&trace, &moving.trace, sizeof(trace)) != 0)
		return false;
	moving.transaction = InvalidLocalTransactionId;
	*number = moving.number;
	return true;
}

/* Names and values of a row, in any order: that of partitions may differ. */
static Trace
trace_of(Relation rel, HeapTuple row)
{
	static unsigned char key[crypto_generichash_KEYBYTES];
	static bool has_key = false;
	TupleDesc	desc = RelationGetDescr(rel);
	Trace		trace = {{0}};
	int			i;

	if (!has_key)
	{
		randombytes_buf(key, sizeof(key));
		has_key = true;
	}
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		crypto_generichash_state hash;
		Trace		one;
		bool		isnull;
		Datum		value;
		size_t		byte;

		if (column->attisdropped)
			continue;
		value = heap_getattr(row, i + 1, desc, &isnull);
		crypto_generichash_init(&hash, key, sizeof(key), sizeof(one));
		hash_column(&hash, column, value, isnull);
		crypto_generichash_final(&hash, one.bytes, sizeof(one));
		for (byte = 0; byte < sizeof(one); byte++)
			trace.bytes[byte] ^= one.bytes[byte];
	}
	return trace;
}

/* A column's name, which is of fixed length, and its value. */
static void
hash_column(crypto_generichash_state *hash, Form_pg_attribute column,
			Datum value, bool isnull)
{
	unsigned char plain[sizeof(Datum)];

	crypto_generichash_update(hash, (unsigned char *) &column->attname, NAMEDATALEN);
	crypto_generichash_update(hash, (unsigned char *) &isnull, sizeof(isnull));
	if (isnull)
		return;
	if (column->attbyval)
	{
		store_att_byval(plain, value, column->attlen);
		crypto_generichash_update(hash, plain, column->attlen);
	}
	else if (column->attlen == -1)
	{
		struct varlena *chars = PG_DETOAST_DATUM_PACKED(value);

		crypto_generichash_update(hash, (unsigned char *) VARDATA_ANY(chars),
								  VARSIZE_ANY_EXHDR(chars));
	}
	else if (column->attlen == -2)
		crypto_generichash_update(hash, (unsigned char *) DatumGetCString(value),
								  strlen(DatumGetCString(value)));
	else
		crypto_generichash_update(hash, (unsigned char *) DatumGetPointer(value),
								  column->attlen);
}
