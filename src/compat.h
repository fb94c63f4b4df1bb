/*
 * compat.h
 *		Every difference between PostgreSQL versions, each with its reason.
 */
#ifndef JP_COMPAT_H
#define JP_COMPAT_H

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "nodes/plannodes.h"
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#endif
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/guc_tables.h"

/* 16 replaced the per-catalog aclcheck functions by object_aclcheck(). */
#if PG_VERSION_NUM >= 160000
#define jp_proc_aclcheck(oid, role) \
	object_aclcheck(ProcedureRelationId, (oid), (role), ACL_EXECUTE)
#define jp_class_ownercheck(oid, role) \
	object_ownercheck(RelationRelationId, (oid), (role))
#else
#define jp_proc_aclcheck(oid, role) \
	pg_proc_aclcheck((oid), (role), ACL_EXECUTE)
#define jp_class_ownercheck(oid, role) \
	pg_class_ownercheck((oid), (role))
#endif

/* 16 moved the macros of variable-length values out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 replaced pg_attribute_noreturn() by this, which goes before a declaration. */
#ifndef pg_noreturn
#define pg_noreturn	__attribute__((noreturn))
#endif

/* 16 turned the array of all settings into a hash table. */
static inline struct config_generic **
jp_guc_variables(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* 17 moved the local transaction id of a backend into a struct. */
#if PG_VERSION_NUM >= 170000
#define JP_LOCAL_XID	(MyProc->vxid.lxid)
#else
#define JP_LOCAL_XID	(MyProc->lxid)
#endif

/* 17 numbers backends by their place among the processes. */
#if PG_VERSION_NUM >= 170000
#define JP_BACKEND_SLOT	((int64) MyProcNumber)
#else
#define JP_BACKEND_SLOT	((int64) MyBackendId)
#endif

/* 18 took an argument away from ExecutorRun(). */
#if PG_VERSION_NUM >= 180000
#define JP_EXECUTE_ONCE_PARAM
#define JP_EXECUTE_ONCE
#else
#define JP_EXECUTE_ONCE_PARAM	, bool execute_once
#define JP_EXECUTE_ONCE			, execute_once
#endif

/* 16 moved what a query may do to a relation out of its range table entry. */
static inline void
jp_rte_permissions(PlannedStmt *statement, RangeTblEntry *rte,
				   AclMode *permissions, Oid *user, Bitmapset **selected)
{
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *info = rte->perminfoindex == 0 ? NULL :
		getRTEPermissionInfo(statement->permInfos, rte);

	*permissions = info == NULL ? 0 : info->requiredPerms;
	*user = info == NULL ? InvalidOid : info->checkAsUser;
	*selected = info == NULL ? NULL : info->selectedCols;
#else
	*permissions = rte->requiredPerms;
	*user = rte->checkAsUser;
	*selected = rte->selectedCols;
#endif
}

/* Whether a role may vacuum and reindex a table: 17 has a privilege for it. */
static inline bool
jp_may_maintain(Oid relid, Oid role)
{
#if PG_VERSION_NUM >= 170000
	if (pg_class_aclcheck(relid, role, ACL_MAINTAIN) == ACLCHECK_OK)
		return true;
#endif
	return jp_class_ownercheck(relid, role);
}

/* 16 added the last argument, for BRIN after heap-only updates. */
static inline List *
jp_insert_index_tuples(ResultRelInfo *info, TupleTableSlot *slot,
					   EState *estate)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(info, slot, estate, false, false, NULL, NIL,
								 false);
#else
	return ExecInsertIndexTuples(info, slot, estate, false, false, NULL, NIL);
#endif
}

/* Columns of a relation that a statement reads or writes; see above. */
static inline Bitmapset *
jp_rte_columns(PlannedStmt *statement, RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *info = getRTEPermissionInfo(statement->permInfos, rte);
#else
	RangeTblEntry *info = rte;
#endif

	return bms_union(bms_union(info->selectedCols, info->insertedCols),
					 info->updatedCols);
}

/* Whether the privileges that the server itself asks for are there. */
static inline bool
jp_has_privileges(PlannedStmt *statement)
{
#if PG_VERSION_NUM >= 160000
	return ExecCheckPermissions(statement->rtable, statement->permInfos, false);
#else
	return ExecCheckRTPerms(statement->rtable, false);
#endif
}

#endif							/* JP_COMPAT_H */
