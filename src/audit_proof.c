/*
 * audit_proof.c
 *		Proofs about the audit for those who check it elsewhere (RFC 9162,
 *		section 2.1), and the entries as they are hashed.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "audit_internal.h"
#include "catalog.h"

static uint64 size_or_all(FunctionCallInfo fcinfo, int argument);
static void require_number(int64 number, int64 size, const char *what);
static void require_kept(uint64 number);
static Datum datum_of(const JpHash *hash);
static Datum array_of(const JpHash *hashes, int count);
static void put_nodes(ReturnSetInfo *result, uint64 begin, uint64 end);

PG_FUNCTION_INFO_V1(jp_keep_audit);
PG_FUNCTION_INFO_V1(jp_audit_leaf);
PG_FUNCTION_INFO_V1(jp_audit_inclusion_proof);
PG_FUNCTION_INFO_V1(jp_audit_consistency_proof);
PG_FUNCTION_INFO_V1(jp_audit_range_proof);

/* Trigger on the audit's tables. */
Datum
jp_keep_audit(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("keep_audit() can only be called as a trigger")));
	jp_note_denied(JP_NOTE_AUDIT, NULL,
				   RelationGetRelid(((TriggerData *) fcinfo->context)->tg_relation));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("the audit cannot be changed"),
			 errhint("Use purge_audit() for entries that need not be kept any longer.")));
}

/* SQL: audit_leaf(first, last). */
Datum
jp_audit_leaf(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		row[JP_ENTRY_COLUMNS];
	bool		nulls[JP_ENTRY_COLUMNS];
	uint64		end;
	JpEntries	entries;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	end = PG_ARGISNULL(1) ? PG_GETARG_INT64(0) : PG_GETARG_INT64(1);
	SPI_connect();
	jp_entries_begin(&entries, PG_GETARG_INT64(0), end + 1);
	while (jp_entries_next(&entries, row, nulls))
	{
		StringInfoData leaf;
		JpEntry		entry;
		JpHash		hash;
		Datum		values[2];
		bool		none[2] = {false, false};

		(void) jp_entry_from_row(row, nulls, &entry, &hash);
		initStringInfo(&leaf);
		jp_entry_leaf(&entry, &leaf);
		values[0] = Int64GetDatum(entry.facts.number);
		values[1] = CStringGetTextDatum(pg_any_to_server(leaf.data, leaf.len, PG_UTF8));
		tuplestore_putvalues(result->setResult, result->setDesc, values, none);
	}
	jp_entries_end(&entries);
	SPI_finish();
	PG_RETURN_NULL();
}

/* SQL: audit_inclusion_proof(entry, size). */
Datum
jp_audit_inclusion_proof(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};
	JpHash		path[JP_PATH_MAX];
	JpHash		hash;
	uint64		size;
	int			count;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	size = size_or_all(fcinfo, 1);
	require_number(PG_GETARG_INT64(0), (int64) size - 1, "entry");
	require_kept(PG_GETARG_INT64(0));
	count = jp_tree_inclusion(PG_GETARG_INT64(0), size, jp_node_range, NULL, path);
	MemoryContextSwitchTo(caller);
	values[0] = Int64GetDatum(size);
	jp_node_range(NULL, 0, size, &hash);
	values[1] = datum_of(&hash);
	jp_node_read(NULL, 0, PG_GETARG_INT64(0), &hash);
	values[2] = datum_of(&hash);
	values[3] = array_of(path, count);
	SPI_finish();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/* SQL: audit_consistency_proof(old, new). */
Datum
jp_audit_consistency_proof(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	JpHash		path[JP_PATH_MAX];
	uint64		size;
	int			count;
	Datum		proof;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	size = size_or_all(fcinfo, 1);
	require_number(PG_GETARG_INT64(0), size, "size");
	count = jp_tree_consistency(PG_GETARG_INT64(0), size, jp_node_range, NULL, path);
	MemoryContextSwitchTo(caller);
	proof = array_of(path, count);
	SPI_finish();
	PG_RETURN_DATUM(proof);
}

/* SQL: audit_range_proof(first, last, size). */
Datum
jp_audit_range_proof(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		size;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	SPI_connect();
	size = size_or_all(fcinfo, 2);
	require_number(PG_GETARG_INT64(1), size - 1, "entry");
	require_number(PG_GETARG_INT64(0), PG_GETARG_INT64(1), "entry");
	put_nodes(result, 0, PG_GETARG_INT64(0));
	put_nodes(result, PG_GETARG_INT64(1) + 1, size);
	SPI_finish();
	PG_RETURN_NULL();
}

/* The size that is asked for, by default all there is. */
static uint64
size_or_all(FunctionCallInfo fcinfo, int argument)
{
	uint64		all = jp_audit_size();

	if (PG_ARGISNULL(argument))
		return all;
	require_number(PG_GETARG_INT64(argument), all, "size");
	return PG_GETARG_INT64(argument);
}

/* Refuses a number that is not among those there are. */
static void
require_number(int64 number, int64 most, const char *what)
{
	if (number < 0 || number > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 most < 0 ? errmsg("there is no %s here yet", what) :
				 errmsg("there is no %s " INT64_FORMAT " here, the last is " INT64_FORMAT,
						what, number, most)));
}

/* Refuses an entry that has been purged. */
static void
require_kept(uint64 number)
{
	if (number < jp_audit_first())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("entry " UINT64_FORMAT " has been purged", number)));
}

static Datum
datum_of(const JpHash *hash)
{
	bytea	   *bytes = palloc(VARHDRSZ + JP_HASH_SIZE);

	SET_VARSIZE(bytes, VARHDRSZ + JP_HASH_SIZE);
	memcpy(VARDATA(bytes), hash, JP_HASH_SIZE);
	return PointerGetDatum(bytes);
}

static Datum
array_of(const JpHash *hashes, int count)
{
	Datum	   *elements = palloc(sizeof(Datum) * (count + 1));
	int			i;

	for (i = 0; i < count; i++)
		elements[i] = datum_of(&hashes[i]);
	return PointerGetDatum(construct_array(elements, count, BYTEAOID, -1, false,
										   TYPALIGN_INT));
}

/* The largest complete subtrees from begin to end, in their order. */
static void
put_nodes(ReturnSetInfo *result, uint64 begin, uint64 end)
{
	while (begin < end)
	{
		int			level = 0;
		JpHash		hash;
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		while (((begin >> level) & 1) == 0 &&
			   begin + ((uint64) 2 << level) <= end)
			level++;
		jp_node_read(NULL, level, begin >> level, &hash);
		values[0] = Int16GetDatum(level);
		values[1] = Int64GetDatum(begin >> level);
		values[2] = datum_of(&hash);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		begin += (uint64) 1 << level;
	}
}
