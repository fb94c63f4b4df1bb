/*
 * doctor_duties.c
 *		Checks of purposes, requests, retention, data plans and stores.
 */
#include "postgres.h"

#include "doctor.h"

/* Requests that nobody has finished. */
#define UNFINISHED	"r.status IN ('pending', 'in_progress')"

/* The first of some requests, by a time. */
#define FIRST(time) \
	"(array_agg(r.kind ORDER BY " time "))[1], to_char(min(" time "), 'YYYY-MM-DD HH24:MI')"

/* The earliest time that ANALYZE has seen in a table or its partitions. */
#define EARLIEST \
	"earliest AS (SELECT r.relation, r.keep, r.follows, r.oldest_kept, min(s.at) AS at, max(s.analyzed) AS analyzed" \
	" FROM journey_privacy.retention r," \
	"  LATERAL (SELECT r.relation::oid UNION SELECT t.relid FROM pg_partition_tree(r.relation) t" \
	"   UNION SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = r.relation) m(relid)" \
	"  JOIN pg_class c ON c.oid = m.relid JOIN pg_namespace n ON n.oid = c.relnamespace" \
	"  JOIN LATERAL (SELECT v.at, greatest(l.last_analyze, l.last_autoanalyze) AS analyzed FROM pg_stats s" \
	"   LEFT JOIN pg_stat_all_tables l ON l.relid = c.oid" \
	"   CROSS JOIN unnest(s.histogram_bounds::text::timestamptz[] || s.most_common_vals::text::timestamptz[]) v(at)" \
	"   WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = r.occurred_at) s ON true" \
	" GROUP BY 1, 2, 3, 4)"

const JpCheck jp_checks_duties[] = {
	JP_ASK(JP_ADVICE, "purpose_description", NULL,
		"SELECT 'purpose ' || name, 'has no description: nobody can be told why their data is processed',"
		" format($$UPDATE journey_privacy.purpose SET description = '…' WHERE name = %L$$, name)"
		" FROM journey_privacy.purpose WHERE coalesce(trim(description), '') = '' ORDER BY 1"),
	JP_ASK(JP_ADVICE, "consent_validity", NULL,
		"SELECT 'purpose ' || name, 'rests on consent that never expires: consent_valid_for is not set',"
		" format($$UPDATE journey_privacy.purpose SET consent_valid_for = '13 months' WHERE name = %L$$, name)"
		" FROM journey_privacy.purpose WHERE basis = 'consent' AND consent_valid_for IS NULL ORDER BY 1"),
	JP_ASK(JP_WARNING, "retention", "retention",
		"SELECT p.relation::text, 'is kept for ever: it has no retain_for, and no purpose it is collected for has keep_for',"
		" CASE WHEN p.collected_for IS NULL THEN format('-- unprotect(%L) and protect() it again with retain_for', p.relation)"
		"  ELSE format($$UPDATE journey_privacy.purpose SET keep_for = '25 months' WHERE name = %L$$, p.collected_for[1]) END"
		" FROM journey_privacy.protection p WHERE p.inherited_from IS NULL"
		"  AND p.relation NOT IN (SELECT relation FROM journey_privacy.retention) ORDER BY 1"),
	JP_ASK(JP_WARNING, "retention_overdue", "purge_run",
		"WITH " EARLIEST "SELECT e.relation::text, format('has rows from %s and should keep none from before %s (%s, %s); %s',"
		"  to_char(e.at, 'YYYY-MM-DD'), to_char(e.oldest_kept, 'YYYY-MM-DD'), e.follows, e.keep,"
		"  coalesce('last purged on ' || to_char(p.at, 'YYYY-MM-DD'), 'never purged')),"
		" format('CALL journey_privacy.purge_expired(%L)', e.relation)"
		" FROM earliest e LEFT JOIN LATERAL (SELECT max(u.finished_at) AS at FROM journey_privacy.purge_run u"
		"  WHERE u.relation = e.relation::text AND u.state = 'done') p ON true"
		/* a purge each day or two is in time; what it left is held */
		" WHERE e.at < e.oldest_kept - interval '2 days'"
		"  AND coalesce(p.at < now() - interval '2 days' OR p.at < e.analyzed AND NOT EXISTS ("
		"    SELECT FROM journey_privacy.purge_run u WHERE u.relation = e.relation::text AND u.finished_at = p.at AND u.withheld > 0), true)"
		" ORDER BY 1"),
	JP_ASK(JP_ADVICE, "purge", "purge_run",
		"SELECT r.relation::text, format('should keep rows for %s, but purge_expired() has not been run %s', r.keep,"
		"  coalesce('since ' || to_char(u.at, 'YYYY-MM-DD'), 'yet')),"
		" 'CALL journey_privacy.purge_expired() -- each day, with pg_cron for example'"
		" FROM journey_privacy.retention r JOIN journey_privacy.protection p ON p.relation = r.relation"
		" LEFT JOIN LATERAL (SELECT max(u.finished_at) AS at FROM journey_privacy.purge_run u"
		"  WHERE u.relation = r.relation::text AND u.state = 'done') u ON true"
		" WHERE coalesce(u.at, p.protected_at) < now() - interval '7 days' ORDER BY 1"),
	JP_ASK(JP_CRITICAL, "request_overdue", NULL,
		"SELECT 'requests', format('%s should have been answered, the first (%s) on %s', count(*), " FIRST("r.due_at") "),"
		" 'SELECT * FROM journey_privacy.overdue_request; CALL journey_privacy.process_requests()'"
		" FROM journey_privacy.request r WHERE " UNFINISHED " AND r.due_at < now() HAVING count(*) > 0"),
	JP_ASK(JP_WARNING, "request_due", NULL,
		"SELECT 'requests', format('%s must be answered within 5 days, the first (%s) until %s; %s of them are not verified',"
		"  count(*), " FIRST("r.due_at") ", count(*) FILTER (WHERE r.verified_at IS NULL)),"
		" 'CALL journey_privacy.process_requests() -- or extend_request()'"
		" FROM journey_privacy.request r WHERE " UNFINISHED
		"  AND r.due_at >= now() AND r.due_at < now() + interval '5 days' HAVING count(*) > 0"),
	JP_ASK(JP_WARNING, "request_unconfirmed", NULL,
		"SELECT 'requests', format('receipt of %s was not confirmed, the first (%s) until %s', count(*), " FIRST("r.confirm_by") "),"
		" 'SELECT * FROM journey_privacy.overdue_request -- tell them, then confirm_request()'"
		" FROM journey_privacy.request r WHERE " UNFINISHED
		"  AND r.confirmed_at IS NULL AND r.confirm_by < now() HAVING count(*) > 0"),
	JP_ASK(JP_WARNING, "request_failing", NULL,
		"SELECT 'requests', format('%s failed when they were processed, the first (%s) is due on %s', count(*), " FIRST("r.due_at") "),"
		" 'SELECT id, kind, attempts, last_error FROM journey_privacy.request WHERE last_error IS NOT NULL'"
		" FROM journey_privacy.request r WHERE " UNFINISHED " AND r.last_error IS NOT NULL HAVING count(*) > 0"),
	JP_ASK(JP_WARNING, "callback", NULL,
		"SELECT 'callbacks', format('%s were given up: those who asked to be told of their requests were not', count(*)),"
		" $$UPDATE journey_privacy.callback SET attempts = 0, next_attempt_at = now() WHERE delivered_at IS NULL AND next_attempt_at = 'infinity'$$"
		" FROM journey_privacy.callback WHERE delivered_at IS NULL AND next_attempt_at = 'infinity' HAVING count(*) > 0"),
	JP_ASK(JP_WARNING, "callback_waiting", NULL,
		"SELECT 'callbacks', format('%s wait for more than a day to be sent, the first since %s: does anything send them?',"
		"  count(*), to_char(min(created_at), 'YYYY-MM-DD HH24:MI')), '-- see the section on callbacks in the README'"
		" FROM journey_privacy.callback WHERE delivered_at IS NULL AND next_attempt_at < now() - interval '1 day'"
		" HAVING count(*) > 0"),
	JP_ASK(JP_ADVICE, "data_plan", "plan_violation",
		"SELECT v.\"table\"::text, format('%s rows were outside the data plan, the last on %s', sum(v.count), to_char(max(v.last_seen), 'YYYY-MM-DD HH24:MI')),"
		" format($$SELECT * FROM journey_privacy.plan_violation WHERE \"table\" = %L::regclass$$, v.\"table\")"
		" FROM journey_privacy.plan_violation v WHERE v.last_seen > now() - interval '30 days'"
		" GROUP BY v.\"table\" ORDER BY 1"),
	JP_ASK(JP_ADVICE, "journey_store", NULL,
		"SELECT s.relation::text, CASE WHEN c.whole THEN 'is out of date as a whole: answers read the table, not the store'"
		"  ELSE 'has 100,000 changes or more to take in: answers slow down' END,"
		" format('SELECT journey_privacy.refresh_journey_store(%L)', s.name)"
		" FROM journey_privacy.journey_store s, LATERAL (SELECT"
		"  EXISTS (SELECT FROM journey_privacy.store_change c WHERE c.relation = s.relation AND c.bucket = '-infinity') AS whole,"
		"  EXISTS (SELECT FROM journey_privacy.store_change c WHERE c.relation = s.relation OFFSET 99999) AS many) c"
		" WHERE c.whole OR c.many ORDER BY 1"),
	JP_NO_MORE_CHECKS
};
