/*
 * doctor_settings.c
 *		Checks of settings that let identities into logs and statistics.
 *
 * Statements carry identities: record_consent('email:…'), INSERTs of them.
 * What counts is what is in force in the session that asks, and what roles and
 * databases have of their own.
 */
#include "postgres.h"

#include "doctor.h"

/* Settings that record statements or parameters: the value that does not. */
#define RECORDING \
	"recording(name, harmless, what) AS (VALUES" \
	" ('log_statement', 'none', 'statements are logged with the identities in them')," \
	" ('log_min_duration_statement', '-1', 'slow statements are logged with the identities in them')," \
	" ('log_min_duration_sample', '-1', 'slow statements are logged with the identities in them')," \
	" ('log_transaction_sample_rate', '0', 'statements of sampled transactions are logged with the identities in them')," \
	" ('log_parameter_max_length', '0', 'statements are logged with their parameters, which are identities')," \
	" ('log_parameter_max_length_on_error', '0', 'parameters of statements that fail are logged, which are identities')," \
	" ('debug_print_parse', 'off', 'the constants of statements are logged')," \
	" ('debug_print_rewritten', 'off', 'the constants of statements are logged')," \
	" ('debug_print_plan', 'off', 'the constants of statements are logged')," \
	" ('auto_explain.log_min_duration', '-1', 'slow statements are logged with the identities in them')," \
	" ('pg_stat_statements.track_utility', 'off', 'CALL and other utility statements are kept as they were written, identities included'))"

const JpCheck jp_checks_settings[] = {
	JP_ASK(JP_WARNING, "statement_log", NULL,
		"WITH " RECORDING ", now AS (SELECT name, setting FROM pg_settings),"
		" logged AS (SELECT FROM now WHERE name = 'log_statement' AND setting <> 'none'"
		"  OR name IN ('log_min_duration_statement', 'auto_explain.log_min_duration') AND setting::numeric >= 0"
		"  OR name = 'log_transaction_sample_rate' AND setting::numeric > 0)"
		"SELECT r.name, format('is %s: %s', n.setting, r.what),"
		" format('ALTER SYSTEM SET %s = %L; SELECT pg_reload_conf()', r.name, r.harmless)"
		" FROM recording r JOIN now n USING (name)"
		" WHERE CASE WHEN r.name = 'log_parameter_max_length' THEN n.setting <> '0' AND EXISTS (SELECT FROM logged)"
		"  WHEN r.name = 'log_min_duration_sample' THEN n.setting::numeric >= 0"
		"   AND current_setting('log_statement_sample_rate')::float8 > 0"
		"  WHEN r.harmless IN ('-1', '0') THEN n.setting::numeric <> r.harmless::numeric"
		"  ELSE n.setting <> r.harmless END"
		" UNION ALL "
		"SELECT r.name, format('is %s for %s: %s', split_part(c, '=', 2),"
		"  concat_ws(' in ', 'role ' || o.rolname, 'database ' || b.datname), r.what),"
		" CASE WHEN o.oid IS NULL AND b.oid IS NULL THEN format('ALTER ROLE ALL RESET %s', r.name)"
		"  WHEN o.oid IS NULL THEN format('ALTER DATABASE %I RESET %s', b.datname, r.name)"
		"  ELSE concat(format('ALTER ROLE %I', o.rolname), ' IN DATABASE ' || quote_ident(b.datname), ' RESET ', r.name) END"
		" FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c"
		" JOIN recording r ON r.name = split_part(c, '=', 1)"
		" LEFT JOIN pg_roles o ON o.oid = s.setrole LEFT JOIN pg_database b ON b.oid = s.setdatabase"
		" WHERE (b.oid IS NULL OR b.datname = current_database()) AND r.name <> 'log_parameter_max_length'"
		"  AND split_part(c, '=', 2) <> r.harmless"
		"  AND NOT (r.harmless = 'off' AND split_part(c, '=', 2) IN ('false', 'no', '0'))"
		" ORDER BY 1, 2"),
	JP_ASK(JP_ADVICE, "error_log", NULL,
		"SELECT name, format('is %s: statements that fail are logged with the identities in them', setting),"
		" $$ALTER SYSTEM SET log_min_error_statement = 'panic'; SELECT pg_reload_conf()$$"
		" FROM pg_settings WHERE name = 'log_min_error_statement' AND setting NOT IN ('fatal', 'panic')"),
	JP_ASK(JP_ADVICE, "activity", NULL,
		"SELECT r.rolname, format('sees the statements of all sessions, %s of each, with the identities in them, in pg_stat_activity',"
		"  current_setting('track_activity_query_size')), format('REVOKE %I FROM %I', g.rolname, r.rolname)"
		" FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member"
		" WHERE g.rolname IN ('pg_read_all_stats', 'pg_monitor') AND r.rolname !~ '^pg_' AND NOT r.rolsuper"
		"  AND current_setting('track_activities')::bool ORDER BY 1, 3"),
	JP_NO_MORE_CHECKS
};
