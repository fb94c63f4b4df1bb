/*
 * erasure_hold.c
 *		Holds: why something must not be erased yet (Art. 17(3) GDPR).
 *
 * An erasure reads them under a lock that keeps others from coming until it
 * commits, so none is placed between the reading and the deleting.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "erasure.h"
#include "keyring.h"
#include "note.h"

PG_FUNCTION_INFO_V1(jp_place_hold);

/* SQL: place_hold(reason, subject, table, held_until). */
Datum
jp_place_hold(PG_FUNCTION_ARGS)
{
	Oid			types[5] = {TEXTOID, BYTEAARRAYOID, REGCLASSOID, TIMESTAMPTZOID, NAMEOID};
	Datum		values[5] = {PG_GETARG_DATUM(0), (Datum) 0, PG_GETARG_DATUM(2),
		PG_GETARG_DATUM(3)
	};
	char		nulls[5] = {' ', PG_ARGISNULL(1) ? 'n' : ' ',
		PG_ARGISNULL(2) ? 'n' : ' ', PG_ARGISNULL(3) ? 'n' : ' ', ' '
	};
	NameData	role;
	pg_uuid_t  *id;
	bool		isnull;

	if (PG_ARGISNULL(0) || (PG_ARGISNULL(1) && PG_ARGISNULL(2)))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a hold needs a reason, and a subject or a table")));
	(void) jp_reason(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(2) && get_rel_relkind(PG_GETARG_OID(2)) != RELKIND_RELATION &&
		get_rel_relkind(PG_GETARG_OID(2)) != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("a hold needs an ordinary or partitioned table")));
	jp_keyring_require();
	if (!PG_ARGISNULL(1))
		values[1] = jp_tombstone_current(jp_subject_settled(jp_subject_arg(fcinfo, 1)), 1);
	namestrcpy(&role, GetUserNameFromId(GetSessionUserId(), false));
	values[4] = NameGetDatum(&role);
	SPI_connect();
	SPI_execute_with_args("INSERT INTO journey_privacy.hold (reason, trace, relation, held_until, placed_by)"
						  " VALUES ($1, ($2)[1], $3, $4, $5) RETURNING id",
						  5, types, values, nulls, false, 0);
	id = SPI_palloc(sizeof(pg_uuid_t));
	memcpy(id, DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 1, &isnull)),
		   sizeof(pg_uuid_t));
	SPI_finish();
	jp_note(JP_NOTE_ERASURE, "place_hold",
			PG_ARGISNULL(2) ? InvalidOid : PG_GETARG_OID(2), -1, NULL);
	PG_RETURN_UUID_P(id);
}

/* A reason as text, which must say something. */
char *
jp_reason(const text *reason)
{
	char	   *said = text_to_cstring(reason);

	if (strspn(said, " \t\r\n") == strlen(said))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the reason must not be empty")));
	return said;
}

/* The holds in force on a subject. */
void
jp_holds_read(const JpSubject *subject, JpHolds *holds)
{
	Oid			types[1] = {BYTEAARRAYOID};
	Datum		values[1] = {jp_tombstone_traces(subject->pseudonyms, subject->count)};
	uint64		i;

	memset(holds, 0, sizeof(*holds));
	LockRelationOid(jp_relation("hold"), ShareLock);
	SPI_execute_with_args("SELECT relation::oid, string_agg(reason, '; ' ORDER BY placed_at),"
						  " max(coalesce(held_until, 'infinity'))"
						  " FROM journey_privacy.hold WHERE released_at IS NULL"
						  " AND coalesce(held_until, 'infinity') > pg_catalog.clock_timestamp()"
						  " AND (trace IS NULL OR trace = ANY ($1))"
						  " GROUP BY relation ORDER BY relation",
						  1, types, values, NULL, false, 0);
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		JpHeldTable *held = palloc0(sizeof(JpHeldTable));
		bool		isnull;
		Datum		relid = SPI_getbinval(row, desc, 1, &isnull);

		held->relid = isnull ? InvalidOid : DatumGetObjectId(relid);
		held->reason = SPI_getvalue(row, desc, 2);
		held->until = DatumGetTimestampTz(SPI_getbinval(row, desc, 3, &isnull));
		if (OidIsValid(held->relid))
			holds->tables = lappend(holds->tables, held);
		else
		{
			holds->all = true;
			holds->reason = held->reason;
			holds->until = held->until;
		}
	}
	SPI_freetuptable(SPI_tuptable);
}
