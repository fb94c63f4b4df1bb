/*
 * answer_subjects.c
 *		The floor that binds an answer, and the simplest answer: how many
 *		subjects a table has.
 *
 * Answers run as the caller and read the table in one statement, so the
 * policies, the columns and the audit of the caller bind them.  What they name
 * in it is qualified, operators too: a name found by search_path would call
 * somebody's function with rows that only the answer may see.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "answer_subjects.h"
#include "catalog.h"
#include "collection.h"
#include "consent.h"
#include "guard.h"
#include "journey_privacy.h"
#include "policy.h"

static int64 after(const RangeBound *bound, bool next);
static int64 count_subjects(const JpProtection *protection, int64 begin,
							int64 end);

PG_FUNCTION_INFO_V1(jp_subject_count);

/* SQL: subject_count(table, during). */
Datum
jp_subject_count(PG_FUNCTION_ARGS)
{
	JpProtection protection;
	JpFloor		floor;
	int64		begin;
	int64		end;
	int64		subjects;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("table must not be null")));
	protection = *jp_answer_protection(PG_GETARG_OID(0));
	floor = jp_floor_in_force(protection.relid);
	jp_answer_during(&floor, PG_ARGISNULL(1) ? NULL : PG_GETARG_RANGE_P(1),
					  &begin, &end);
	if ((begin != JP_UNBOUNDED_BEGIN || end != JP_UNBOUNDED_END) &&
		NameStr(protection.occurred_at)[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no time of events",
						get_rel_name(protection.relid)),
				 errhint("Name the column as occurred_at in journey_privacy.protect().")));
	subjects = jp_floor_count(&floor, count_subjects(&protection, begin, end));
	if (subjects == JP_HIDDEN)
		PG_RETURN_NULL();
	PG_RETURN_INT64(subjects);
}

/* The protection of a table that an answer is about. */
const JpProtection *
jp_answer_protection(Oid relid)
{
	const JpProtection *protection = jp_protection_find(relid);
	char	   *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (protection == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a protected table", name),
				 errhint("Register it with journey_privacy.protect().")));
	return protection;
}

/* The floor of the purpose in force. */
JpFloor
jp_floor_in_force(Oid relid)
{
	JpFloor		floor = {1, false};
	const JpPurpose *purpose = NULL;

	if (jp_guard_binds(relid, InvalidOid))
		purpose = jp_policy_purpose(relid);
	else if (jp_setting_purpose[0] != '\0')
		purpose = jp_purpose_get(jp_setting_purpose);
	if (purpose != NULL)
	{
		floor.min_group = purpose->min_group;
		floor.coarse = purpose->aggregates;
	}
	return floor;
}

/* The bounds of a range of times. */
void
jp_answer_during(const JpFloor *floor, const RangeType *during,
				  int64 *begin, int64 *end)
{
	TypeCacheEntry *type;
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	*begin = JP_UNBOUNDED_BEGIN;
	*end = JP_UNBOUNDED_END;
	if (during == NULL)
		return;
	type = lookup_type_cache(RangeTypeGetOid(during), TYPECACHE_RANGE_INFO);
	range_deserialize(type, during, &lower, &upper, &empty);
	if (empty)
	{
		*begin = *end = 0;
		return;
	}
	if (!lower.infinite)
		*begin = jp_floor_bound(floor, after(&lower, !lower.inclusive));
	if (!upper.infinite)
		*end = jp_floor_bound(floor, after(&upper, upper.inclusive));
}

/* A bound, or the moment after it. */
static int64
after(const RangeBound *bound, bool next)
{
	TimestampTz at = DatumGetTimestampTz(bound->val);

	return next && !TIMESTAMP_NOT_FINITE(at) ? at + 1 : at;
}

/* Counts the subjects that the caller may see. */
static int64
count_subjects(const JpProtection *protection, int64 begin, int64 end)
{
	const char *number = NameStr(protection->number_column);
	const char *subject = number[0] != '\0' ? number :
		NameStr(protection->subject_column);
	const char *at = quote_identifier(NameStr(protection->occurred_at));
	Oid			types[2] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[2] = {TimestampTzGetDatum(begin), TimestampTzGetDatum(end)};
	StringInfoData sql;
	int64		count;
	bool		isnull;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT pg_catalog.count(s) FROM (SELECT DISTINCT %s FROM %s WHERE true",
					 quote_identifier(subject),
					 jp_qualified_name_of(protection->relid));
	if (begin != JP_UNBOUNDED_BEGIN)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.>=) $1", at);
	if (end != JP_UNBOUNDED_END)
		appendStringInfo(&sql, " AND %s OPERATOR(pg_catalog.<) $2", at);
	appendStringInfoString(&sql, ") t (s)");
	SPI_connect();
	jp_guard_answering();
	/* All rows, not the one there is: a limit would keep workers away. */
	if (SPI_execute_with_args(sql.data, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count subjects");
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return count;
}
