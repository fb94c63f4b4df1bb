/*
 * scrub_residue.c
 *		residue(): what is left in the files of a table, for those who have to
 *		show that scrub() did what it says.
 *
 * Every page is copied under a share lock and looked at in the copy, so
 * nothing changes, not even hints, and it works on a standby.  Messages and
 * rows name nobody.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_type.h"
#include "common/relpath.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog.h"
#include "compat.h"
#include "journey_privacy.h"
#include "note.h"
#include "pseudonym.h"
#include "scrub.h"

/* Bytes that are searched for. */
typedef struct Needle
{
	char	   *bytes;
	size_t		len;
} Needle;

/* Columns of the result. */
enum
{
	RELATION, FORK, PAGES, DEAD, HOLE, PADDING, OCCURRENCES, COLUMNS
};

static void check_readable(Oid relid);
static List *needles_of(ArrayType *identities);
static List *add_identity(List *needles, char *identity);
static List *add_needle(List *needles, const char *bytes, size_t len);
static void put_relation(ReturnSetInfo *result, Oid relid, List *needles,
						 bool search);
static void put_fork(ReturnSetInfo *result, Relation rel, ForkNumber fork,
					 List *needles, bool search);
static int64 count_needles(const char *page, List *needles);

PG_FUNCTION_INFO_V1(jp_residue);

/* SQL: residue(table, identities). */
Datum
jp_residue(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		search = !PG_ARGISNULL(1);
	List	   *needles = NIL;
	List	   *tables;
	ListCell   *cell;
	ListCell   *part;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"table\" must not be null")));
	check_readable(PG_GETARG_OID(0));
	InitMaterializedSRF(fcinfo, 0);
	if (search)
		needles = needles_of(PG_GETARG_ARRAYTYPE_P(1));
	tables = find_all_inheritors(PG_GETARG_OID(0), AccessShareLock, NULL);
	foreach(cell, tables)
		foreach(part, jp_scrub_relations(lfirst_oid(cell), true, true))
			put_relation(result, lfirst_oid(part), needles, search);
	return (Datum) 0;
}

/* Refuses what is no table, and catalogs: they hold secrets of others. */
static void
check_readable(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	if (kind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or materialized view",
						get_rel_name(relid))));
	if (IsCatalogRelationOid(relid) && relid != StatisticRelationId &&
		relid != StatisticExtDataRelationId && !superuser())
		jp_refuse(JP_NOTE_ERASURE, "residue", relid,
				  errmsg("permission denied to search system catalog \"%s\"",
					   get_rel_name(relid)));
}

/* What identities may look like on a page. */
static List *
needles_of(ArrayType *identities)
{
	List	   *needles = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(identities, TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &nulls, &count);
	for (i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("identities must not be null")));
		needles = add_identity(needles, TextDatumGetCString(values[i]));
	}
	return needles;
}

/*
 * Adds a pseudonym, and of an identity the value as given and normalised.
 * The input function of the type asks for the privilege and checks the form.
 */
static List *
add_identity(List *needles, char *identity)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	char	   *colon = strchr(identity, ':');
	Oid			input;
	Oid			param;
	Datum		pseudonym;
	bytea	   *normal;

	getTypeInputInfo(jp_type("pseudonym"), &input, &param);
	pseudonym = OidInputFunctionCall(input, identity, param, -1);
	needles = add_needle(needles, DatumGetPointer(pseudonym), JP_PSEUDONYM_SIZE);
	if (colon == NULL)
		return needles;
	needles = add_needle(needles, colon + 1, strlen(colon + 1));
	normal = DatumGetByteaPP(OidFunctionCall2(LookupFuncName(list_make2(makeString(JP_SCHEMA),
																		makeString("normalize_identity")),
															 2, types, false),
											  PointerGetDatum(cstring_to_text_with_len(identity, colon - identity)),
											  CStringGetTextDatum(colon + 1)));
	return add_needle(needles, VARDATA_ANY(normal), VARSIZE_ANY_EXHDR(normal));
}

/* Adds bytes that are not there yet. */
static List *
add_needle(List *needles, const char *bytes, size_t len)
{
	Needle	   *needle;
	ListCell   *cell;

	foreach(cell, needles)
	{
		needle = lfirst(cell);
		if (needle->len == len && memcmp(needle->bytes, bytes, len) == 0)
			return needles;
	}
	needle = palloc(sizeof(Needle));
	needle->bytes = memcpy(palloc(len), bytes, len);
	needle->len = len;
	return lappend(needles, needle);
}

/* Rows of a table or index, one for each fork. */
static void
put_relation(ReturnSetInfo *result, Oid relid, List *needles, bool search)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	ForkNumber	fork;

	if (rel == NULL)
		return;
	if (RELATION_IS_OTHER_TEMP(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot read temporary tables of other sessions")));
	for (fork = MAIN_FORKNUM; fork <= MAX_FORKNUM; fork++)
		if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind) &&
			smgrexists(RelationGetSmgr(rel), fork))
			put_fork(result, rel, fork, needles, search);
	relation_close(rel, NoLock);
}

/* Reads a fork.  Maps of free space and visibility have no holes. */
static void
put_fork(ReturnSetInfo *result, Relation rel, ForkNumber fork, List *needles,
		 bool search)
{
	bool		map = fork == FSM_FORKNUM || fork == VISIBILITYMAP_FORKNUM;
	JpPageKind	kind = jp_page_kind(rel);
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	BlockNumber blocks = RelationGetNumberOfBlocksInFork(rel, fork);
	BlockNumber block;
	JpResidue	residue = {0};
	int64		occurrences = 0;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	PGAlignedBlock page;

	for (block = 0; block < blocks; block++)
	{
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(rel, fork, block,
									map ? RBM_ZERO_ON_ERROR : RBM_NORMAL, strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		memcpy(page.data, BufferGetPage(buffer), BLCKSZ);
		UnlockReleaseBuffer(buffer);
		if (!map)
			jp_page_count((Page) page.data, block, kind, &residue);
		occurrences += count_needles(page.data, needles);
	}
	FreeAccessStrategy(strategy);

	values[RELATION] = ObjectIdGetDatum(RelationGetRelid(rel));
	values[FORK] = CStringGetTextDatum(forkNames[fork]);
	values[PAGES] = Int64GetDatum(blocks);
	values[DEAD] = Int64GetDatum(residue.dead);
	values[HOLE] = Int64GetDatum(residue.hole);
	values[PADDING] = Int64GetDatum(residue.padding);
	values[OCCURRENCES] = Int64GetDatum(occurrences);
	nulls[DEAD] = nulls[HOLE] = nulls[PADDING] = kind == JP_PAGE_OTHER && !map;
	nulls[OCCURRENCES] = !search;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* How often what is searched for begins on a page. */
static int64
count_needles(const char *page, List *needles)
{
	int64		count = 0;
	ListCell   *cell;

	foreach(cell, needles)
	{
		Needle	   *needle = lfirst(cell);
		const char *from = page;

		while ((from = memmem(from, page + BLCKSZ - from, needle->bytes,
							  needle->len)) != NULL)
		{
			count++;
			from++;
		}
	}
	return count;
}
