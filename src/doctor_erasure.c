/*
 * doctor_erasure.c
 *		Checks of erasures: those that got stuck, and what keeps erased rows.
 */
#include "postgres.h"

#include "doctor.h"

/* When the last erasure was done; no row when there was none. */
#define LAST \
	"last AS (SELECT max(coalesce((receipt ->> 'erased_at')::timestamptz, requested_at)) AS at" \
	" FROM journey_privacy.erasure HAVING count(*) > 0)"

/* Users' tables from which something was erased, and when it last was. */
#define ERASED \
	"done AS (SELECT s.relation AS name, max(coalesce((e.receipt ->> 'erased_at')::timestamptz, e.requested_at)) AS at" \
	"  FROM journey_privacy.erasure_step s JOIN journey_privacy.erasure e USING (request_id) WHERE s.done > 0 GROUP BY 1)," \
	" erased AS (SELECT c.oid, c.oid::regclass::text AS name, d.at, 'erased'::text AS how FROM done d JOIN pg_class c ON c.oid = to_regclass(d.name)" \
	"  WHERE c.relnamespace <> 'journey_privacy'::regnamespace AND c.relkind = 'r')"

/* The same, of what was purged. */
#define PURGED \
	"erased AS (SELECT c.oid, c.oid::regclass::text AS name, max(u.finished_at) AS at, 'purged'::text AS how" \
	"  FROM journey_privacy.purge_run u JOIN pg_class c ON c.oid = to_regclass(u.relation)" \
	"  WHERE u.deleted > 0 AND c.relkind = 'r' GROUP BY 1)"

/* Tables not scrubbed since; of those under a parent, the parent's counts. */
#define UNSCRUBBED \
	" SELECT e.name, format('rows were %s on %s, and %s', e.how, to_char(e.at, 'YYYY-MM-DD HH24:MI')," \
	"   CASE WHEN coalesce(greatest(t.last_vacuum, t.last_autovacuum) > e.at, false) THEN 'vacuumed since, but not scrubbed: bytes are left in pages and indexes'" \
	"    ELSE 'the table was not vacuumed since: they are still in its files' END)," \
	"  format('CALL journey_privacy.scrub(%L)', e.name)" \
	" FROM erased e LEFT JOIN pg_stat_all_tables t ON t.relid = e.oid" \
	" WHERE NOT EXISTS (SELECT FROM journey_privacy.scrub_run r WHERE e.name = ANY (r.relations) AND r.level = 3 AND r.finished_at > e.at)" \
	" ORDER BY 1"

/* Tables with statistics from before. */
#define STALE \
	" SELECT e.name, format('rows were %s on %s, and statistics of the table may still have values of them', e.how," \
	"  to_char(e.at, 'YYYY-MM-DD HH24:MI')), 'ANALYZE ' || e.name" \
	" FROM erased e LEFT JOIN pg_stat_all_tables t ON t.relid = e.oid" \
	" WHERE EXISTS (SELECT FROM pg_statistic s WHERE s.starelid = e.oid)" \
	"  AND coalesce(greatest(t.last_analyze, t.last_autoanalyze), '-infinity') < e.at ORDER BY 1"

const JpCheck jp_checks_erasure[] = {
	JP_ASK(JP_CRITICAL, "erasure_stuck", NULL,
		"SELECT 'erasures', format('%s were begun more than an hour ago and are not done, the first on %s',"
		"  count(*), to_char(min(requested_at), 'YYYY-MM-DD HH24:MI')), 'CALL journey_privacy.resume_erasures()'"
		" FROM journey_privacy.erasure WHERE state = 'erasing' AND requested_at < now() - interval '1 hour'"
		" HAVING count(*) > 0"),
	JP_ASK(JP_WARNING, "hold_ended", NULL,
		"SELECT 'erasures', format('%s were withheld by holds that have ended', count(*)), 'CALL journey_privacy.resume_erasures()'"
		" FROM journey_privacy.erasure e WHERE e.state = 'withheld' AND NOT EXISTS (SELECT FROM journey_privacy.erasure_step s"
		"  WHERE s.request_id = e.request_id AND s.action = 'withhold'"
		"   AND (s.held_until IS NULL OR s.held_until > now())) HAVING count(*) > 0"),
	JP_ASK(JP_WARNING, "erasure_ledger", NULL,
		"SELECT 'journey_privacy.erasure_ledger_file', 'is not set, and people were erased: a backup that is restored would bring them back',"
		" $$ALTER SYSTEM SET journey_privacy.erasure_ledger_file = '/PATH/OUTSIDE/THE/DATA/DIRECTORY'; SELECT pg_reload_conf()$$"
		" FROM pg_settings WHERE name = 'journey_privacy.erasure_ledger_file' AND setting = ''"
		" AND EXISTS (SELECT FROM journey_privacy.erasure)"),
	JP_ASK(JP_WARNING, "old_snapshot", NULL,
		"WITH " LAST " SELECT 'session ' || a.pid, format('has a transaction from %s, before the last erasure: VACUUM keeps erased rows for it',"
		"  to_char(a.xact_start, 'YYYY-MM-DD HH24:MI')), format('SELECT pg_terminate_backend(%s)', a.pid)"
		" FROM pg_stat_activity a JOIN last ON a.xact_start < last.at"
		" WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_backend_pid()"
		"  AND a.datname = current_database() ORDER BY a.xact_start"),
	JP_ASK(JP_WARNING, "prepared_transaction", NULL,
		"WITH " LAST " SELECT 'transaction ' || p.transaction, format('was prepared on %s, before the last erasure: VACUUM keeps erased rows for it',"
		"  to_char(p.prepared, 'YYYY-MM-DD HH24:MI')), '-- COMMIT PREPARED or ROLLBACK PREPARED it; its name is in pg_prepared_xacts'"
		" FROM pg_prepared_xacts p JOIN last ON p.prepared < last.at WHERE p.database = current_database() ORDER BY p.prepared"),
	JP_ASK(JP_WARNING, "replication_slot", NULL,
		"SELECT 'slot ' || s.slot_name, 'is not in use, and keeps WAL with erased rows in it',"
		" format('SELECT pg_drop_replication_slot(%L)', s.slot_name)"
		" FROM pg_replication_slots s WHERE NOT s.active AND NOT s.temporary"
		"  AND (s.restart_lsn IS NOT NULL OR s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL)"
		"  AND EXISTS (SELECT FROM journey_privacy.erasure) ORDER BY 1"),
	JP_ASK(JP_ADVICE, "residue", "scrub_run", "WITH " ERASED UNSCRUBBED),
	JP_ASK(JP_ADVICE, "residue", "purge_run", "WITH " PURGED UNSCRUBBED),
	JP_ASK(JP_ADVICE, "statistics", NULL, "WITH " ERASED STALE),
	JP_ASK(JP_ADVICE, "statistics", "purge_run", "WITH " PURGED STALE),
	JP_NO_MORE_CHECKS
};
