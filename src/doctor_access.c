/*
 * doctor_access.c
 *		Checks of ways around row security: roles that it does not bind, and
 *		what runs with their rights or carries rows away.
 *
 * A view without security_invoker reads as its owner, one with it as whoever
 * reads the view above it: so views over views are followed as long as they
 * have security_invoker.  A function is known to read a table when PostgreSQL
 * knows it (BEGIN ATOMIC) or when the text of its body has the table's name.
 */
#include "postgres.h"

#include "compat.h"
#include "doctor.h"

/* Which view or materialized view reads which relation. */
#define READS \
	"reads(view, relation) AS (SELECT DISTINCT r.ev_class, d.refobjid FROM pg_depend d" \
	" JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'" \
	" WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class)"

#define IS_INVOKER(class) \
	"EXISTS (SELECT FROM pg_options_to_table(" class ".reloptions) o" \
	" WHERE o.option_name = 'security_invoker' AND o.option_value::bool)"

const JpCheck jp_checks_access[] = {
	JP_ASK(JP_CRITICAL, "view", NULL,
		"WITH RECURSIVE " JP_SQL_UNBOUND ", " READS ", reach(view, source) AS ("
		" SELECT r.view, r.relation FROM reads r JOIN journey_privacy.protection p ON p.relation = r.relation"
		" UNION SELECT r.view, h.source FROM reach h JOIN pg_class c ON c.oid = h.view"
		"  JOIN reads r ON r.relation = h.view WHERE c.relkind = 'v' AND " IS_INVOKER("c") ")"
		"SELECT c.oid::regclass::text, format('reads %s as its owner %s, who %s: whoever may read the view sees the rows of everybody',"
		"  string_agg(DISTINCT h.source::regclass::text, ', '), u.rolname, u.why),"
		" format('ALTER VIEW %s SET (security_invoker = true)', c.oid::regclass)"
		" FROM reach h JOIN pg_class c ON c.oid = h.view JOIN unbound u ON u.oid = c.relowner"
		" WHERE c.relkind = 'v' AND NOT " IS_INVOKER("c")
		" GROUP BY c.oid, u.rolname, u.why ORDER BY 1"),
	JP_ASK(JP_WARNING, "materialized_view", NULL,
		"WITH RECURSIVE " READS ", reach(relation, source) AS ("
		" SELECT p.relation::oid, p.relation::oid FROM journey_privacy.protection p"
		" UNION SELECT r.view, h.source FROM reach h JOIN reads r ON r.relation = h.relation)"
		"SELECT c.oid::regclass::text, format('keeps rows of %s, as %s saw them, where no policy hides them',"
		"  string_agg(DISTINCT h.source::regclass::text, ', '), c.relowner::regrole),"
		" format('DROP MATERIALIZED VIEW %s', c.oid::regclass)"
		" FROM reach h JOIN pg_class c ON c.oid = h.relation WHERE c.relkind = 'm'"
		" GROUP BY c.oid, c.relowner ORDER BY 1"),
	JP_ASK(JP_WARNING, "definer_function", NULL,
		"WITH " JP_SQL_UNBOUND
		"SELECT f.oid::regprocedure::text, format('is SECURITY DEFINER, its owner %s %s, and its body names %s',"
		"  u.rolname, u.why, string_agg(p.relation::text, ', ' ORDER BY p.relation::text)),"
		" format('ALTER ROUTINE %s SECURITY INVOKER', f.oid::regprocedure)"
		" FROM pg_proc f JOIN unbound u ON u.oid = f.proowner CROSS JOIN journey_privacy.protection p"
		" JOIN pg_class c ON c.oid = p.relation"
		" WHERE f.prosecdef AND p.inherited_from IS NULL"
		"  AND (f.prosrc ~* ('\\m' || regexp_replace(c.relname, '([^[:alnum:]_])', '\\\\\\1', 'g') || '\\M')"
		"   OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid"
		"    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.relation))"
		"  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'e')"
		" GROUP BY f.oid, u.rolname, u.why ORDER BY 1"),
	JP_ASK(JP_WARNING, "publication", NULL,
		"SELECT 'publication ' || quote_ident(b.pubname), format('sends the rows of %s, of everybody, to whoever subscribes', v.names),"
		" CASE WHEN b.puballtables THEN format('-- DROP PUBLICATION %I, and make one that names its tables', b.pubname)"
		"  ELSE concat_ws('; ', format('ALTER PUBLICATION %I DROP TABLE ', b.pubname) || v.named,"
		"   format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA ', b.pubname) || v.schemas) END"
		" FROM pg_publication b, LATERAL (SELECT string_agg(p.relation::text, ', ' ORDER BY p.relation::text) AS names,"
		"   string_agg(r.prrelid::regclass::text, ', ' ORDER BY p.relation::text) AS named,"
		"   string_agg(DISTINCT n.pnnspid::regnamespace::text, ', ') AS schemas"
		"  FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation"
		"  LEFT JOIN pg_publication_rel r ON r.prpubid = b.oid AND r.prrelid = p.relation"
		"  LEFT JOIN pg_publication_namespace n ON n.pnpubid = b.oid AND n.pnnspid = c.relnamespace"
		"  WHERE b.puballtables OR r.oid IS NOT NULL OR n.oid IS NOT NULL) v"
		" WHERE v.names IS NOT NULL ORDER BY 1"),
	JP_ASK(JP_WARNING, "copy", NULL,
		"SELECT d.relation::text, format('was filled from %s by %s: no policy hides these rows, and erasing does not reach them',"
		"  string_agg(DISTINCT d.source::text, ', '), string_agg(DISTINCT d.made_by::text, ', ')),"
		" format('-- protect(%L, …), link_table() it, or drop it', d.relation)"
		" FROM journey_privacy.derived d JOIN pg_class c ON c.oid = d.relation"
		" WHERE d.relation NOT IN (SELECT relation FROM journey_privacy.protection)"
		/* what is linked is reached; whether others read it is doctor_links.c's */
		"  AND d.relation NOT IN (SELECT child FROM journey_privacy.link WHERE parent IS NOT NULL)"
		" GROUP BY d.relation ORDER BY 1"),
	JP_ASK(JP_WARNING, "bypass_rls", NULL,
		"SELECT r.rolname, concat('has BYPASSRLS: row security does not bind it',"
		"  (SELECT ', and may be taken on by ' || string_agg(m.rolname, ', ' ORDER BY m.rolname) FROM pg_roles m"
		"   WHERE m.rolcanlogin AND NOT m.rolsuper AND m.oid <> r.oid AND pg_has_role(m.oid, r.oid, 'MEMBER'))),"
		" format('ALTER ROLE %I NOBYPASSRLS', r.rolname)"
		" FROM pg_roles r WHERE r.rolbypassrls AND NOT r.rolsuper ORDER BY 1"),
	JP_ASK(JP_WARNING, "beneath", NULL,
		"SELECT r.rolname, 'may take backups and the stream of changes: row security does not bind it',"
		" format('ALTER ROLE %I NOREPLICATION', r.rolname)"
		" FROM pg_roles r WHERE r.rolreplication AND NOT r.rolsuper"
		" UNION ALL SELECT r.rolname, 'has CREATEROLE: it may become a member of every role that is no superuser, and reach files of the server',"
		" format('ALTER ROLE %I NOCREATEROLE', r.rolname)"
		" FROM pg_roles r WHERE r.rolcreaterole AND NOT r.rolsuper AND " JP_SQL_CREATEROLE_IS_ENOUGH
		" UNION ALL SELECT m.rolname, format('is a member of %s: it reaches files of the server, beneath row security', g.rolname),"
		" format('REVOKE %I FROM %I', g.rolname, m.rolname)"
		" FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member"
		" WHERE g.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')"
		"  AND NOT m.rolsuper ORDER BY 1, 2"),
	JP_ASK(JP_ADVICE, "table_owner", NULL,
		"WITH " JP_SQL_UNBOUND
		"SELECT u.rolname, format('%s and owns %s%s: row security does not bind whoever maintains them', u.why,"
		"  array_to_string((array_agg(p.relation::text ORDER BY p.relation::text))[1:5], ', '),"
		"  CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) END),"
		" format('-- ALTER TABLE %s OWNER TO a role that it binds', min(p.relation::text))"
		" FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation JOIN unbound u ON u.oid = c.relowner"
		" WHERE p.inherited_from IS NULL GROUP BY u.rolname, u.why ORDER BY 1"),
	JP_ASK(JP_ADVICE, "superuser", NULL,
		"SELECT NULL, format('superusers see and may change everything; these may log in: %s', string_agg(rolname, ', ' ORDER BY rolname)),"
		" '-- ALTER ROLE … NOSUPERUSER or NOLOGIN those that need not be'"
		" FROM pg_roles WHERE rolsuper AND rolcanlogin HAVING count(*) > 0"),
	JP_NO_MORE_CHECKS
};
