/*
 * policy_permitted.c
 *		The numbers of all who may be seen, for a scan that looks each of them
 *		up in an index.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/array.h"

#include "journey_privacy.h"
#include "note.h"
#include "policy.h"
#include "subject.h"

PG_FUNCTION_INFO_V1(jp_permitted_numbers);

/*
 * SQL: permitted_numbers(tableoid), as the planner of ours calls it.  Whoever
 * else could would learn who agrees; no SQL text makes a call of that format.
 */
Datum
jp_permitted_numbers(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const Node *call = fcinfo->flinfo->fn_expr;
	JpPermitted *permitted;
	int32		last;
	int			room = 1024;
	int			count = 0;
	Datum	   *numbers = palloc(room * sizeof(Datum));
	int64		number;

	if (call == NULL || !IsA(call, FuncExpr) ||
		((const FuncExpr *) call)->funcformat != JP_CALL_OF_PLANNER)
		jp_refuse(JP_NOTE_USE, "permitted_numbers", relid,
				  errmsg("permitted_numbers() is for index scans of protected tables"));
	permitted = jp_reading_permitted(jp_reading_make(relid, CurrentMemoryContext));
	last = jp_subject_last();
	for (number = 0; number <= last; number++)
	{
		if (JP_OFFSET_OF(number) == 0)
			CHECK_FOR_INTERRUPTS();
		if (!jp_permitted_test(permitted, number))
			continue;
		if (count == room)
			numbers = repalloc_huge(numbers, (room *= 2) * sizeof(Datum));
		numbers[count++] = Int32GetDatum((int32) number);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(numbers, count, INT4OID,
										  sizeof(int32), true, TYPALIGN_INT));
}

/* Its OID. */
Oid
jp_permitted_numbers_oid(void)
{
	Oid			types[1] = {OIDOID};

	return LookupFuncName(list_make2(makeString(JP_SCHEMA),
									 makeString("permitted_numbers")),
						  1, types, true);
}
