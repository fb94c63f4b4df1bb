/*
 * doctor_tables.c
 *		Checks of what protect() made: row security, policies, triggers.
 */
#include "postgres.h"

#include "doctor.h"

const JpCheck jp_checks_tables[] = {
	JP_ASK(JP_CRITICAL, "row_security", NULL,
		"SELECT p.relation::text, CASE WHEN c.relrowsecurity THEN 'row security is not forced: it does not bind the table''s owner'"
		"  ELSE 'row security is off: whoever may read the table sees the rows of everybody' END,"
		" format('ALTER TABLE ONLY %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', p.relation)"
		" FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation"
		" WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"),
	JP_ASK(JP_CRITICAL, "policy", NULL,
		"WITH made AS (SELECT p.relation, v.command, v.code, 'journey_privacy_' || v.command AS name,"
		"  format('journey_privacy.permits(tableoid, %I%s)', coalesce(p.number_column, p.subject_column),"
		"   CASE p.visibility WHEN 'collected' THEN ', ' || quote_ident(p.occurred_at) END) AS expression"
		"  FROM journey_privacy.protection p,"
		"   (VALUES ('select', 'r'::\"char\"), ('update', 'w'), ('delete', 'd')) v(command, code))"
		"SELECT m.relation::text, format(CASE WHEN l.oid IS NULL THEN 'policy %s is missing' ELSE 'policy %s is not as protect() made it' END, m.name),"
		" CASE WHEN l.oid IS NOT NULL THEN format('DROP POLICY %s ON %s; ', m.name, m.relation) ELSE '' END"
		" || format('CREATE POLICY %s ON %s AS RESTRICTIVE FOR %s USING (%s)', m.name, m.relation, upper(m.command), m.expression)"
		" FROM made m JOIN pg_class c ON c.oid = m.relation"
		" LEFT JOIN pg_policy l ON l.polrelid = m.relation AND l.polname = m.name"
		/* a column of type varchar is cast */
		" WHERE l.oid IS NULL OR l.polcmd <> m.code OR l.polpermissive OR l.polroles <> '{0}' OR l.polwithcheck IS NOT NULL"
		"  OR regexp_replace(pg_get_expr(l.polqual, l.polrelid), '\\(([^()]+)\\)::text', '\\1') <> m.expression"
		" ORDER BY m.relation::text, m.name"),
	JP_ASK(JP_CRITICAL, "trigger", NULL,
		"WITH made(relation, name, function, type, event) AS (SELECT p.relation, v.* FROM journey_privacy.protection p,"
		"  (VALUES ('zzz_journey_privacy', 'guard_row', 23, 'BEFORE INSERT OR UPDATE ON %s FOR EACH ROW'),"
		"          ('zzz_journey_privacy_truncate', 'guard_truncate', 34, 'BEFORE TRUNCATE ON %s FOR EACH STATEMENT')) v)"
		"SELECT m.relation::text, format(CASE WHEN t.oid IS NULL THEN 'the trigger that calls %s() is missing'"
		"   WHEN t.altered THEN 'the trigger that calls %s() is not as protect() made it'"
		"   ELSE 'the trigger that calls %s() does not always fire' END, m.function),"
		" CASE WHEN t.oid IS NULL THEN format('CREATE TRIGGER %s %s EXECUTE FUNCTION journey_privacy.%s(); ',"
		"    m.name, format(m.event, m.relation), m.function)"
		"   WHEN t.altered THEN format('CREATE OR REPLACE TRIGGER %I %s EXECUTE FUNCTION journey_privacy.%s(); ',"
		"    t.tgname, format(m.event, m.relation), m.function) ELSE '' END"
		" || format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', m.relation, coalesce(t.tgname, m.name))"
		" FROM made m JOIN pg_class c ON c.oid = m.relation"
		" LEFT JOIN LATERAL (SELECT *, t.tgtype <> m.type OR t.tgattr::text <> '' OR t.tgqual IS NOT NULL AS altered"
		"  FROM pg_trigger t WHERE t.tgrelid = m.relation"
		"  AND t.tgfoid = ('journey_privacy.' || m.function)::regproc ORDER BY t.tgenabled = 'A' DESC, t.tgname LIMIT 1) t ON true"
		" WHERE t.oid IS NULL OR t.tgenabled <> 'A' OR t.altered"
		" ORDER BY m.relation::text, m.function"),
	JP_ASK(JP_CRITICAL, "column", NULL,
		"SELECT p.relation::text, format('column %I, by which the table is protected, is gone or has another name: nothing can be read', v.name),"
		" '-- rename it back, or unprotect() and protect() the table'"
		" FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation,"
		"  LATERAL (VALUES (p.subject_column), (p.number_column), (p.occurred_at)) v(name)"
		" WHERE v.name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute a"
		"  WHERE a.attrelid = p.relation AND a.attname = v.name AND NOT a.attisdropped) ORDER BY 1, 2"),
	JP_ASK(JP_CRITICAL, "partition", NULL,
		"SELECT i.inhrelid::regclass::text, format('is a partition or child of protected table %s and is not covered', i.inhparent::regclass),"
		" '-- detach it and attach it again'"
		" FROM pg_inherits i JOIN journey_privacy.protection p ON p.relation = i.inhparent"
		" WHERE i.inhrelid NOT IN (SELECT relation FROM journey_privacy.protection) ORDER BY 1"),
	JP_ASK(JP_CRITICAL, "own_trigger", NULL,
		"WITH ours AS (SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid"
		"  WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'journey_privacy')"
		"SELECT t.tgrelid::regclass::text, format('trigger %I of the extension does not always fire', t.tgname),"
		" format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::regclass, t.tgname)"
		" FROM pg_trigger t JOIN ours o ON o.classid = 'pg_class'::regclass AND o.objid = t.tgrelid"
		" WHERE NOT t.tgisinternal AND t.tgenabled <> 'A'"
		" UNION ALL SELECT t.evtname, 'event trigger of the extension is disabled: new partitions and dropped tables go unnoticed',"
		" format('ALTER EVENT TRIGGER %I ENABLE', t.evtname)"
		" FROM pg_event_trigger t JOIN ours o ON o.classid = 'pg_event_trigger'::regclass AND o.objid = t.oid"
		" WHERE t.evtenabled NOT IN ('O', 'A') ORDER BY 1, 2"),
	JP_ASK(JP_WARNING, "open_function", NULL,
		"SELECT f.oid::regprocedure::text, 'may be called by everybody, and was not when it was installed',"
		" format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', f.oid::regprocedure)"
		" FROM pg_proc f JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = f.oid AND i.privtype = 'e'"
		" WHERE f.pronamespace = 'journey_privacy'::regnamespace"
		"  AND EXISTS (SELECT FROM aclexplode(f.proacl) WHERE grantee = 0)"
		"  AND NOT EXISTS (SELECT FROM aclexplode(i.initprivs) WHERE grantee = 0) ORDER BY 1"),
	JP_NO_MORE_CHECKS
};
