/*
 * policy.c
 *		Who may read protected tables, for which purpose, and whom they see.
 *
 * The purpose is a setting that anyone can change; what counts is allow().
 * Both are looked at when a scan starts and again whenever the statement,
 * the user, the purpose or our configuration has changed, so that cursors,
 * prepared statements and SET ROLE carry no old answer along.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "collection.h"
#include "consent.h"
#include "journey_privacy.h"
#include "keyring.h"
#include "note.h"
#include "policy.h"

/* How long the planner may rely on how many are permitted. */
#define SELECTIVITY_LASTS	(10 * USECS_PER_SEC)

/* What one scan remembers between rows. */
struct JpReading
{
	uint64		epoch;			/* jp_epoch when this was settled */
	TimestampTz statement;
	Oid			userid;
	Oid			relid;
	JpPermitted *permitted;
	JpNumbers  *numbers;		/* where the table carries none */
	JpHeld	   *held;			/* where consent must have held earlier, too */
	MemoryContext context;
};

/* One row of table allowance. */
typedef struct Allowance
{
	NameData	role;
	Oid			granted;		/* the role that was meant, if it still is */
	char		purpose[NAMEDATALEN];
} Allowance;

/* All allowances as of a generation of the configuration. */
static Allowance *allowances = NULL;
static int	allowance_count = 0;
static uint64 allowances_as_of = 0;
static MemoryContext allowances_context = NULL;

/* The purpose for which the statement that runs is an answer, or NULL. */
static const char *answering = NULL;

/* The range table of the statement that runs, where there are hooks. */
static List *running = NIL;

static inline bool is_settled(const JpReading *reading, Oid relid);
static const JpProtection *protection_of(Oid relid);
static Oid	relation_of_call(FunctionCallInfo fcinfo);
static const JpProtection *settle(JpReading *reading, Oid relid);
static JpReading *settle_call(FunctionCallInfo fcinfo, Oid relid);
static bool held_then(FunctionCallInfo fcinfo, JpHeld *held, int32 number);
static void check_call(FunctionCallInfo fcinfo, const JpProtection *protection);
static bool is_policy_call(const Node *call, const JpProtection *protection);
static void load_allowances(void);
static Oid	granted_role(const char *role, Datum acl, bool no_acl);
static bool is_allowed(Oid userid, const Allowance *allowance);
static char *allowed_purposes(Oid userid);
static void refuse_reading(Oid relid, const char *purpose);
static char *allowance_of(FunctionCallInfo fcinfo);
static void change_allowance(FunctionCallInfo fcinfo, const char *sql,
							 const char *grant);

PG_FUNCTION_INFO_V1(jp_permits);
PG_FUNCTION_INFO_V1(jp_allow);
PG_FUNCTION_INFO_V1(jp_disallow);

/* SQL: permits(tableoid, journey_subject, …), once for each row. */
Datum
jp_permits(PG_FUNCTION_ARGS)
{
	JpReading  *state = fcinfo->flinfo->fn_extra;
	Oid			relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	int32		number;

	if (unlikely(!OidIsValid(relid)))
		relid = relation_of_call(fcinfo);
	if (unlikely(state == NULL || !is_settled(state, relid)))
		state = settle_call(fcinfo, relid);

	/* A row of nobody we know is nobody's to see. */
	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	number = likely(state->numbers == NULL) ? PG_GETARG_INT32(1) :
		jp_numbers_find(state->numbers, PG_GETARG_DATUM(1));
	PG_RETURN_BOOL(jp_permitted_test(state->permitted, number) &&
				   (likely(state->held == NULL) ||
					held_then(fcinfo, state->held, number)));
}

/* Whether consent held at the time in the third argument. */
static bool
held_then(FunctionCallInfo fcinfo, JpHeld *held, int32 number)
{
	return !PG_ARGISNULL(2) && jp_held_at(held, number, PG_GETARG_TIMESTAMPTZ(2));
}

/* The part of all subjects that is permitted for the purpose in force. */
double
jp_policy_selectivity(Oid relid)
{
	static TimestampTz as_of = 0;
	static uint64 epoch = 0;
	static double fraction = 1;
	const JpPurpose *purpose = jp_purpose_find(jp_setting_purpose);

	if (purpose == NULL || jp_protection_find(relid) == NULL)
		return 1;
	/* Planning is more often than decisions change the picture. */
	if (epoch != jp_epoch ||
		GetCurrentStatementStartTimestamp() - as_of > SELECTIVITY_LASTS)
	{
		fraction = jp_permitted_fraction(purpose);
		as_of = GetCurrentStatementStartTimestamp();
		epoch = jp_epoch;
	}
	return fraction;
}

/* The purpose for which the current user reads a table. */
const JpPurpose *
jp_policy_purpose(Oid relid)
{
	const JpPurpose *purpose;
	int			i;

	if (jp_setting_require_preload && !jp_preloaded)
		jp_preload_required("reading protected tables under journey_privacy.require_preload");
	(void) protection_of(relid);
	jp_keyring_require();

	purpose = jp_purpose_find(jp_setting_purpose);
	if (purpose == NULL)
		refuse_reading(relid, pstrdup(jp_setting_purpose));
	if (allowances_as_of != jp_catalog_generation())
		load_allowances();
	for (i = 0; i < allowance_count; i++)
		if (strcmp(allowances[i].purpose, purpose->name) == 0 &&
			is_allowed(GetUserId(), &allowances[i]))
			return purpose;
	refuse_reading(relid, pstrdup(purpose->name));
	return NULL;				/* not reached */
}

/* Refuses rows where answers are all that may be had. */
void
jp_policy_check_access(const JpPurpose *purpose, Oid relid, const char *answers)
{
	if (!purpose->aggregates ||
		(answers != NULL && strcmp(answers, purpose->name) == 0))
		return;
	jp_refuse(JP_NOTE_USE, NULL, relid,
			  errmsg("rows of protected table \"%s\" may not be read for purpose \"%s\"",
				   get_rel_name(relid), purpose->name),
			  errdetail("The access of the purpose is aggregates."),
			  errhint("Use journey_privacy.funnel() and the other functions that answer in one call."));
}

/* Sets for which purpose the statement that runs is an answer. */
const char *
jp_policy_answering(const char *purpose)
{
	const char *before = answering;

	answering = purpose;
	return before;
}

/* SQL: allow(role, purpose). */
Datum
jp_allow(PG_FUNCTION_ARGS)
{
	(void) get_role_oid(NameStr(*PG_GETARG_NAME(0)), false);
	(void) jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	change_allowance(fcinfo,
					 "INSERT INTO journey_privacy.allowance (role, purpose)"
					 " SELECT $1, p.name FROM (SELECT name FROM journey_privacy.purpose"
					 "  WHERE name = $2 FOR KEY SHARE) p ON CONFLICT DO NOTHING",
					 "GRANT SELECT ON journey_privacy.allowance TO %s");
	jp_note(JP_NOTE_PROTECTION, "allow", InvalidOid, -1, allowance_of(fcinfo));
	PG_RETURN_VOID();
}

/* SQL: disallow(role, purpose). */
Datum
jp_disallow(PG_FUNCTION_ARGS)
{
	(void) jp_purpose_get(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	change_allowance(fcinfo,
					 "DELETE FROM journey_privacy.allowance"
					 " WHERE role = $1 AND purpose = $2",
					 NULL);
	jp_note(JP_NOTE_PROTECTION, "disallow", InvalidOid, -1, allowance_of(fcinfo));
	PG_RETURN_VOID();
}

/* Whether nothing has changed that a reading rests on. */
static inline bool
is_settled(const JpReading *reading, Oid relid)
{
	return reading->epoch == jp_epoch &&
		reading->statement == GetCurrentStatementStartTimestamp() &&
		reading->userid == GetUserId() && reading->relid == relid;
}

/* Makes a reading of a table. */
JpReading *
jp_reading_make(Oid relid, MemoryContext context)
{
	JpReading  *reading = MemoryContextAllocZero(context, sizeof(JpReading));

	reading->relid = relid;
	reading->context = AllocSetContextCreate(context, "journey_privacy scan",
											 ALLOCSET_DEFAULT_SIZES);
	return reading;
}

/* The reader of bits, as of now. */
JpPermitted *
jp_reading_permitted(JpReading *reading)
{
	if (unlikely(!is_settled(reading, reading->relid)))
		(void) settle(reading, reading->relid);
	return reading->permitted;
}

/* The protection of a table that must have one. */
static const JpProtection *
protection_of(Oid relid)
{
	const JpProtection *protection = jp_protection_find(relid);

	if (protection == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation with OID %u is not a protected table", relid),
				 errhint("Register it with journey_privacy.protect().")));
	return protection;
}

/* Sets the range table of the statement that runs. */
List *
jp_policy_running(List *range_table)
{
	List	   *before = running;

	running = range_table;
	return before;
}

/*
 * The table whose tableoid a call was given as 0: of a row that an UPDATE or
 * DELETE has waited for and looks at again, the server does not keep it where
 * there are row triggers.
 */
static Oid
relation_of_call(FunctionCallInfo fcinfo)
{
	const Node *call = fcinfo->flinfo->fn_expr;
	const Var  *var;

	if (call == NULL || !IsA(call, FuncExpr))
		return InvalidOid;
	var = linitial(((const FuncExpr *) call)->args);
	if (!IsA(var, Var) || var->varattno != TableOidAttributeNumber ||
		var->varno < 1 || var->varno > list_length(running))
		return InvalidOid;
	return rt_fetch(var->varno, running)->relid;
}

/* Settles everything that is constant for a scan. */
static const JpProtection *
settle(JpReading *reading, Oid relid)
{
	const JpPurpose *purpose;

	reading->epoch = 0;
	AcceptInvalidationMessages();
	purpose = jp_policy_purpose(relid);
	jp_policy_check_access(purpose, relid, answering);
	MemoryContextReset(reading->context);
	reading->permitted = jp_permitted_open(purpose, reading->context);
	reading->statement = GetCurrentStatementStartTimestamp();
	reading->userid = GetUserId();
	reading->relid = relid;
	reading->epoch = jp_epoch;
	return protection_of(relid);
}

/* The same for a call of permits(). */
static JpReading *
settle_call(FunctionCallInfo fcinfo, Oid relid)
{
	JpReading  *reading = fcinfo->flinfo->fn_extra;
	const JpProtection *protection;

	if (reading == NULL)
		fcinfo->flinfo->fn_extra = reading =
			jp_reading_make(relid, fcinfo->flinfo->fn_mcxt);
	protection = settle(reading, relid);
	reading->epoch = 0;
	check_call(fcinfo, protection);
	reading->numbers = NameStr(protection->number_column)[0] != '\0' ? NULL :
		jp_numbers_open(protection, get_fn_expr_argtype(fcinfo->flinfo, 1),
						reading->context);
	reading->held = !protection->collected ? NULL :
		jp_held_open(reading->permitted, reading->context);
	reading->epoch = jp_epoch;
	return reading;
}

/* OID of the call in the policies of tables that carry numbers. */
Oid
jp_permits_oid(void)
{
	static Oid	permits = InvalidOid;
	static uint64 as_of = 0;

	if (as_of != jp_catalog_generation())
	{
		Oid			types[2] = {OIDOID, INT4OID};

		permits = LookupFuncName(list_make2(makeString(JP_SCHEMA),
											makeString("permits")),
								 2, types, true);
		as_of = jp_catalog_generation();
	}
	return permits;
}

/*
 * Refuses a call that is not the one of the table's policies.  To ask about a
 * value of one's own would be to ask whether somebody is known, and agrees.
 */
static void
check_call(FunctionCallInfo fcinfo, const JpProtection *protection)
{
	bool		by_number = NameStr(protection->number_column)[0] != '\0';

	if ((by_number && get_fn_expr_argtype(fcinfo->flinfo, 1) != INT4OID) ||
		(protection->collected && PG_NARGS() < 3))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is protected in another way than permits() is asked",
						get_rel_name(protection->relid))));
	if (!is_policy_call((Node *) fcinfo->flinfo->fn_expr, protection))
		jp_refuse(JP_NOTE_USE, "permits", protection->relid,
				  errmsg("permits() is for the policies of protected tables"));
}

/* Whether a call is about the columns of a row that the policies are about. */
static bool
is_policy_call(const Node *call, const JpProtection *protection)
{
	const char *column[3] = {NULL,
		NameStr(protection->number_column)[0] != '\0' ?
		NameStr(protection->number_column) : NameStr(protection->subject_column),
		NameStr(protection->occurred_at)
	};
	const Var  *table = NULL;
	int			i = 0;
	ListCell   *cell;

	if (call == NULL || !IsA(call, FuncExpr))
		return false;
	foreach(cell, ((const FuncExpr *) call)->args)
	{
		Node	   *arg = lfirst(cell);
		const Var  *var = (Var *) (IsA(arg, RelabelType) ?
								   (Node *) ((RelabelType *) arg)->arg : arg);

		if (!IsA(var, Var) || var->varlevelsup > 0)
			return false;
		if (table == NULL)
			table = var;
		else if (var->varattno != get_attnum(protection->relid, column[i]))
			return false;
		if (var->varno != table->varno)
			return false;
		i++;
	}
	return table != NULL && table->varattno == TableOidAttributeNumber;
}

/* Reads all allowances. */
static void
load_allowances(void)
{
	uint64		as_of = jp_catalog_generation();
	Relation	rel = table_open(jp_relation("allowance"), AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;
	HeapTuple	class;
	Datum		acl;
	bool		no_acl;
	int			room = 16;

	allowances_as_of = 0;
	allowance_count = 0;
	if (allowances_context == NULL)
		allowances_context = AllocSetContextCreate(TopMemoryContext,
												   "journey_privacy allowances",
												   ALLOCSET_SMALL_SIZES);
	MemoryContextReset(allowances_context);
	allowances = MemoryContextAlloc(allowances_context, room * sizeof(Allowance));
	class = SearchSysCache1(RELOID, ObjectIdGetDatum(RelationGetRelid(rel)));
	acl = SysCacheGetAttr(RELOID, class, Anum_pg_class_relacl, &no_acl);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		Allowance  *allowance;
		bool		isnull;

		if (allowance_count == room)
			allowances = repalloc(allowances, (room *= 2) * sizeof(Allowance));
		allowance = &allowances[allowance_count++];
		allowance->role = *DatumGetName(heap_getattr(tuple, 1, desc, &isnull));
		strlcpy(allowance->purpose,
				TextDatumGetCString(heap_getattr(tuple, 2, desc, &isnull)),
				NAMEDATALEN);
		allowance->granted = granted_role(NameStr(allowance->role), acl, no_acl);
	}
	systable_endscan(scan);
	ReleaseSysCache(class);
	table_close(rel, AccessShareLock);
	allowances_as_of = as_of;
}

/*
 * The role of an allowance.  allow() also grants it SELECT on the table, so
 * that DROP ROLE must do away with it: a role made later under the same name
 * has no such grant and is allowed nothing.
 */
static Oid
granted_role(const char *role, Datum acl, bool no_acl)
{
	Oid			oid = get_role_oid(role, true);
	Acl		   *items;
	int			i;

	if (no_acl || !OidIsValid(oid))
		return InvalidOid;
	items = DatumGetAclP(acl);
	for (i = 0; i < ACL_NUM(items); i++)
		if (ACL_DAT(items)[i].ai_grantee == oid &&
			(ACLITEM_GET_PRIVS(ACL_DAT(items)[i]) & ACL_SELECT) != 0)
			return oid;
	return InvalidOid;
}

/* Whether a user has the privileges of the role that is allowed. */
static bool
is_allowed(Oid userid, const Allowance *allowance)
{
	Oid			role = get_role_oid(NameStr(allowance->role), true);

	return OidIsValid(role) && role == allowance->granted &&
		has_privs_of_role(userid, role);
}

/* The purposes a user may set, for a hint. */
static char *
allowed_purposes(Oid userid)
{
	StringInfoData list;
	int			i;

	if (allowances_as_of != jp_catalog_generation())
		load_allowances();
	initStringInfo(&list);
	for (i = 0; i < allowance_count; i++)
		if (is_allowed(userid, &allowances[i]))
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 allowances[i].purpose);
	return list.data;
}

/* Throws what is wrong with a purpose, and what may be done. */
static void
refuse_reading(Oid relid, const char *purpose)
{
	char	   *table = get_rel_name(relid);
	char	   *role = GetUserNameFromId(GetUserId(), false);
	char	   *allowed = allowed_purposes(GetUserId());
	bool		unset = (purpose == NULL || purpose[0] == '\0');

	jp_refuse(JP_NOTE_USE, NULL, relid,
			  unset ?
			  errmsg("no purpose is set for reading protected table \"%s\"", table) :
			  jp_purpose_find(purpose) == NULL ?
			  errmsg("purpose \"%s\" does not exist", purpose) :
			  errmsg("role \"%s\" is not allowed to read protected table \"%s\" for purpose \"%s\"",
				   role, table, purpose),
			  allowed[0] != '\0' ?
			  errhint("SET journey_privacy.purpose to one that role \"%s\" is allowed: %s.",
				   role, allowed) :
			  errhint("Role \"%s\" is allowed no purpose; see journey_privacy.allow().",
				   role));
}

/* A role and a purpose in words. */
static char *
allowance_of(FunctionCallInfo fcinfo)
{
	return psprintf("%s for %s", quote_identifier(NameStr(*PG_GETARG_NAME(0))),
					text_to_cstring(PG_GETARG_TEXT_PP(1)));
}

/* Writes table allowance, and the grant that goes with it. */
static void
change_allowance(FunctionCallInfo fcinfo, const char *sql, const char *grant)
{
	const char *role = NameStr(*PG_GETARG_NAME(0));
	Oid			types[2] = {NAMEOID, TEXTOID};
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};

	SPI_connect();
	SPI_execute_with_args(sql, 2, types, values, NULL, false, 0);
	if (grant == NULL)
	{
		SPI_execute_with_args("SELECT FROM journey_privacy.allowance WHERE role = $1",
							  1, types, values, NULL, false, 1);
		if (SPI_processed == 0 && OidIsValid(get_role_oid(role, true)))
			grant = "REVOKE SELECT ON journey_privacy.allowance FROM %s";
	}
	if (grant != NULL)
	{
		/* Two that grant on one table at a time fail (XX000). */
		LockDatabaseObject(RelationRelationId, jp_relation("allowance"), 0,
						   ExclusiveLock);
		SPI_execute(psprintf(grant, quote_identifier(role)), false, 0);
	}
	SPI_finish();
}
