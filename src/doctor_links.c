/*
 * doctor_links.c
 *		Checks of what belongs to people and is not under protect(): linked
 *		tables, and columns that look personal.  Copies and materialized views
 *		of protected tables are doctor_access.c's.
 */
#include "postgres.h"

#include "doctor.h"

/* Of the view link; our own tables have their indexes. */
#define OURS	"'journey_privacy'::regnamespace"

const JpCheck jp_checks_links[] = {
	JP_ASK(JP_WARNING, "linked_table", NULL,
		"SELECT l.child::text, format('belongs to %s but is not protected itself: %s may read the rows of everybody',"
		"  string_agg(DISTINCT l.parent::text, ', '), g.names),"
		" format('-- protect(%L, …) by a column that names the subject, or revoke SELECT', l.child)"
		" FROM journey_privacy.link l JOIN pg_class c ON c.oid = l.child,"
		"  LATERAL (SELECT string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(a.grantee) END, ', ') AS names"
		"   FROM aclexplode(c.relacl) a WHERE a.privilege_type = 'SELECT' AND a.grantee <> c.relowner) g"
		" WHERE l.parent IS NOT NULL AND c.relnamespace <> " OURS " AND g.names IS NOT NULL"
		"  AND l.child NOT IN (SELECT relation FROM journey_privacy.protection)"
		" GROUP BY l.child, g.names ORDER BY 1"),
	JP_ASK(JP_WARNING, "unreached_table", NULL,
		"SELECT l.child::text, CASE WHEN f.names IS NOT NULL THEN format('looks personal and %s refers to it, but erasing does not reach it', f.names)"
		"  ELSE 'has pseudonyms or sealed values, but erasing does not reach it' END,"
		" format('-- protect(%L, …) or link_table() it', l.child)"
		" FROM journey_privacy.link l,"
		"  LATERAL (SELECT string_agg(DISTINCT n.conrelid::regclass::text, ', ') AS names FROM pg_constraint n"
		"   WHERE n.contype = 'f' AND n.confrelid = l.child AND (n.conrelid IN (SELECT relation FROM journey_privacy.protection)"
		"    OR n.conrelid IN (SELECT k.child FROM journey_privacy.link k WHERE k.parent IS NOT NULL))) f"
		" WHERE l.parent IS NULL AND l.child NOT IN (SELECT relation FROM journey_privacy.derived)"
		"  AND (SELECT relkind FROM pg_class WHERE oid = l.child) <> 'm' AND (f.names IS NOT NULL OR EXISTS (SELECT FROM pg_attribute a"
		"   WHERE a.attrelid = l.child AND NOT a.attisdropped"
		"    AND a.atttypid IN ('journey_privacy.pseudonym'::regtype, 'journey_privacy.sealed'::regtype))) ORDER BY 1"),
	JP_ASK(JP_WARNING, "link_index", NULL,
		"SELECT l.child::text, format('no index begins with %s: every erasure reads the whole table', v.columns),"
		" format('CREATE INDEX CONCURRENTLY ON %s (%s)', l.child, v.columns)"
		" FROM journey_privacy.link l JOIN pg_class c ON c.oid = l.child,"
		"  LATERAL (SELECT string_agg(quote_ident(u.name), ', ' ORDER BY u.n) AS columns"
		"   FROM unnest(l.child_columns) WITH ORDINALITY u(name, n)) v"
		" WHERE c.relnamespace <> " OURS " AND EXISTS (SELECT FROM unnest(l.warnings) w WHERE w LIKE 'no index %')"
		" GROUP BY l.child, v.columns ORDER BY 1, 2"),
	JP_ASK(JP_ADVICE, "link_null", NULL,
		"SELECT l.child::text, format('%s may be null: such rows belong to nobody, and erasing does not reach them', v.columns),"
		" format('-- ALTER TABLE %s ALTER %s SET NOT NULL, where no such rows are meant to be', l.child, v.columns)"
		" FROM journey_privacy.link l JOIN pg_class c ON c.oid = l.child,"
		"  LATERAL (SELECT string_agg(quote_ident(u.name), ', ' ORDER BY u.n) AS columns"
		"   FROM unnest(l.child_columns) WITH ORDINALITY u(name, n)) v"
		" WHERE c.relnamespace <> " OURS " AND EXISTS (SELECT FROM unnest(l.warnings) w WHERE w LIKE 'the columns may be null%')"
		" GROUP BY l.child, v.columns ORDER BY 1, 2"),
	JP_ASK(JP_ADVICE, "personal_data", NULL,
		"SELECT d.relation::text, format('by their names these look like personal data under no rule: %s',"
		"  string_agg(format('%I (%s)', d.\"column\", d.looks_like), ', ' ORDER BY d.\"column\")),"
		" format('SELECT * FROM journey_privacy.discover(%L)', n.nspname)"
		" FROM pg_namespace n, LATERAL journey_privacy.discover(n.nspname, 0) d"
		" WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'journey_privacy')"
		"  AND EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'm', 'f'))"
		" GROUP BY d.relation, n.nspname ORDER BY 1"),
	JP_NO_MORE_CHECKS
};
