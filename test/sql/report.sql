-- The page and the metrics: each figure is one that counting gives, and none is
-- told of fewer people than the floor allows.
\set VERBOSITY terse
\pset null '-'
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE ROLE regress_report_officer;
CREATE ROLE regress_report_analyst;
CREATE SCHEMA report;

-- Decisions of 300 people on purposes of each basis and floor; an answer of
-- few, or of nobody, on most of them.
SELECT setseed(0.77);
\echo seed 0.77
CREATE TABLE report.purpose AS
  SELECT n, 'report_' || n AS name, b AS basis, 1 + floor(random() * 40)::int AS floor,
         random() ^ 3 AS yes, random() ^ 3 AS no, random() < 0.5 AS expires
  FROM generate_series(1, 35) n,
       LATERAL (SELECT (ARRAY['consent', 'opt_out', 'contract', 'legal_obligation', 'legitimate_interests', 'consent', 'vital_interests'])[1 + n % 7]) u(b);
SELECT count(journey_privacy.create_purpose(name, basis, min_group => floor,
    consent_valid_for => CASE WHEN expires AND basis = 'consent' THEN interval '30 days' END)) FROM report.purpose;
CREATE TABLE report.decision AS
  SELECT p.name, i, r < p.yes / (p.yes + p.no + 0.1) AS granted, now() - CASE WHEN q < 0.1 THEN interval '40 days' ELSE '1 day' END AS at
  FROM report.purpose p, generate_series(1, 300) i, LATERAL (SELECT random() + 0 * i * p.n AS r, random() + 0 * i * p.n AS q) u
  WHERE r < (p.yes + p.no) / (p.yes + p.no + 0.1);
SELECT count(*) = (SELECT count(*) FROM report.decision) AS recorded FROM (
  SELECT journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9900000 + i::bigint), name, granted, at) FROM report.decision) d;
-- 12 of them are restricted
SELECT count(*) FROM (SELECT journey_privacy.restrict_processing(journey_privacy.pseudonymize('customer_id', 9900000 + i::bigint), 'asked')
  FROM generate_series(1, 300, 25) i) r;

-- what is told is what consent_rate counts
SELECT count(*) AS told_otherwise FROM journey_privacy.consent_told t JOIN journey_privacy.consent_rate r USING (purpose)
WHERE (coalesce(t.yes, r.yes), coalesce(t.no, r.no), coalesce(t.expired, r.expired), coalesce(t.silent, r.silent), t.subjects)
  IS DISTINCT FROM (r.yes, r.no, r.expired, r.silent, r.subjects);
-- few are never told, and what is hidden is never one number nor fewer people than the floor
CREATE TEMP VIEW part AS
  SELECT t.purpose, t.min_group, v.told, v.n FROM journey_privacy.consent_told t JOIN journey_privacy.consent_rate r USING (purpose),
    LATERAL (VALUES (t.yes, r.yes), (t.no, r.no), (t.expired, r.expired), (t.silent, r.silent)) v(told, n);
SELECT count(*) FILTER (WHERE told BETWEEN 1 AND min_group - 1) AS few_told FROM part;
SELECT count(*) AS given_away FROM (SELECT purpose FROM part WHERE told IS NULL GROUP BY purpose, min_group
  HAVING count(*) = 1 OR sum(n) < min_group) p;
-- and no more is hidden than that takes
SELECT count(*) AS hidden_in_vain FROM (SELECT purpose FROM part GROUP BY purpose, min_group
  HAVING bool_or(told IS NULL) AND NOT bool_or(n BETWEEN 1 AND min_group - 1)) p;
SELECT count(DISTINCT purpose) > 5 AS some_hide, bool_or(told > 0) AS some_tell FROM part WHERE purpose LIKE 'report%' AND (told IS NULL OR told > 0);

-- who may be seen, by the bitmaps that decide it
CREATE TEMP VIEW seen AS
  SELECT p.name AS purpose, count(*) FILTER (WHERE CASE WHEN c.bits IS NULL THEN p.basis <> 'consent' AND NOT (s.restricted AND p.basis <> 'legal_obligation')
                                            ELSE get_bit(c.bits, s.number % 8192) = 1 END) AS n
  FROM journey_privacy.purpose p CROSS JOIN journey_privacy.subject s
  LEFT JOIN journey_privacy.permitted c ON c.purpose = p.name AND c.chunk = s.number / 8192
  WHERE p.name LIKE 'report%' GROUP BY p.name;
SELECT journey_privacy.rebuild_permitted() \gset ignored_
SELECT count(*) FILTER (WHERE t.permitted <> s.n) AS seen_otherwise,
       count(*) FILTER (WHERE t.permitted IS NOT NULL) > 10 AS some_told,
       count(*) FILTER (WHERE t.permitted BETWEEN 1 AND t.min_group - 1) AS few_told,
       count(*) FILTER (WHERE t.permitted IS NOT NULL AND t.basis = 'consent' AND t.yes IS NULL) AS given_away
FROM journey_privacy.consent_told t JOIN seen s USING (purpose);

-- Metrics: as Prometheus wants them.
SELECT count(*) AS malformed FROM journey_privacy.metric
WHERE name !~ '^journey_privacy_[a-z_]+[a-z]$' OR jsonb_typeof(labels) <> 'object' OR value IS NULL
  OR EXISTS (SELECT FROM jsonb_each(labels) WHERE key !~ '^[a-z]+$' OR jsonb_typeof(value) <> 'string');
SELECT count(*) - count(DISTINCT (name, labels)) AS twice FROM journey_privacy.metric;
SELECT array_agg(DISTINCT name) AS of_no_known_unit FROM journey_privacy.metric
WHERE value <> trunc(value) AND name !~ '_(seconds|ratio)$';

-- Figures by counting; those of earlier tests are still there.
CREATE TABLE report.before AS SELECT * FROM journey_privacy.metric;
CREATE FUNCTION pg_temp.more(name text, VARIADIC labels text[] DEFAULT '{}') RETURNS double precision LANGUAGE sql AS $$
  SELECT m.value - coalesce(b.value, 0) FROM journey_privacy.metric m LEFT JOIN report.before b USING (name, labels)
  WHERE m.name = 'journey_privacy_' || $1 AND m.labels = jsonb_object($2) $$;
CREATE TABLE report.visit (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text NOT NULL, props jsonb);
SELECT journey_privacy.protect('report.visit', 'visitor', occurred_at => 'at', retain_for => '100 years');
SELECT journey_privacy.set_data_plan('report.visit', 'event', on_violation => 'count');
SELECT journey_privacy.plan_event('report.visit', e) FROM unnest(ARRAY['home', 'cart', 'buy']) e;
INSERT INTO report.visit SELECT journey_privacy.pseudonymize('customer_id', 9900000 + i::bigint), now() - (10 - k) * interval '1 minute',
    CASE WHEN i = 7 THEN 'help' ELSE (ARRAY['home', 'cart', 'buy'])[k] END
  FROM generate_series(1, 400) i, generate_series(1, 3) k WHERE k <= 1 + i % 3;
CREATE TABLE report.asked AS
  SELECT journey_privacy.open_request(kind, journey_privacy.pseudonymize('customer_id', 9900000 + n::bigint), received_at => now() - days * interval '1 day') AS id
  FROM (VALUES ('access', 1, 40), ('access', 2, 3), ('portability', 3, 50), ('erasure', 4, 1)) r(kind, n, days);
SELECT journey_privacy.place_hold('a claim', "table" => 'report.visit') AS hold \gset
SELECT pg_temp.more('subjects') AS subjects, pg_temp.more('protected_tables') AS tables,
       pg_temp.more('requests_open', 'kind', 'access') AS access, pg_temp.more('requests_overdue', 'kind', 'access') AS late,
       pg_temp.more('requests_open', 'kind', 'objection') AS objections, pg_temp.more('holds_active') AS holds,
       pg_temp.more('plan_violations_total', 'table', 'report.visit', 'violation', 'unplanned event') AS unplanned,
       pg_temp.more('purge_age_seconds', 'table', 'report.visit') BETWEEN 0 AND 600 AS never_purged;
SELECT value BETWEEN -30 * 86400 AND -15 * 86400 AS late FROM journey_privacy.metric WHERE name = 'journey_privacy_requests_deadline_seconds';
CALL journey_privacy.erase(journey_privacy.pseudonymize('customer_id', 9900310)) \gset
SELECT pg_temp.more('erasures_done_total') AS done, pg_temp.more('erasures_withheld') AS withheld;
CALL journey_privacy.release_hold(:'hold');
-- releasing goes on with whatever else waited for nothing any more, too
SELECT pg_temp.more('erasures_done_total') + pg_temp.more('erasures_withheld') AS done, pg_temp.more('erasures_done_total') >= 1 AS at_least_one, pg_temp.more('holds_active') AS holds;
SELECT checked > 0 AS checked FROM journey_privacy.verify_audit(journey_privacy.checkpoint_audit());
SELECT replace(name, 'journey_privacy_audit_', '') AS audit, CASE WHEN name ~ '_seconds$' THEN value < 600 WHEN name ~ 'up$' THEN value = 1 ELSE value >= 0 END AS good
FROM journey_privacy.metric WHERE name LIKE 'journey\_privacy\_audit\_%' ORDER BY 1;
-- who asks for one pays for one
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
SELECT name, count(*) FILTER (WHERE l ~ ' (subject|consent_state|consent_event)\M') > 0 AS scans_people
FROM unnest(ARRAY['holds_active', 'audit_queue_bytes', 'subjects']) name,
  LATERAL pg_temp.plan(format('SELECT value FROM journey_privacy.metric WHERE name = %L', 'journey_privacy_' || name)) l GROUP BY name ORDER BY name;

-- The page.
SELECT journey_privacy.allow('regress_report_analyst', 'report_7');
SELECT count(journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9900000 + i::bigint), 'report_7', true))
  FROM generate_series(1, 400) i WHERE i <> 310;
GRANT USAGE ON SCHEMA report TO regress_report_analyst, regress_report_officer;
GRANT SELECT ON report.visit TO regress_report_analyst;
GRANT EXECUTE ON FUNCTION journey_privacy.dashboard_html(regclass, text, text) TO regress_report_analyst, regress_report_officer;
CREATE FUNCTION pg_temp.says(page text, what text) RETURNS boolean LANGUAGE sql AS $$ SELECT strpos(page, what) > 0 $$;
-- a figure of it
CREATE FUNCTION pg_temp.cell(page text, id text, heading text, n int) RETURNS text LANGUAGE sql AS $$
  SELECT v FROM (SELECT split_part(split_part(page, '<section id="' || id || '"', 2), '</section>', 1)) s(section),
    LATERAL (SELECT split_part(substring(section FROM '<th scope="row">(?:<code>)?' || replace(heading, '.', '\.') || '(?:</code>)?</th>.*'), '</tr>', 1)) r(u),
    LATERAL (SELECT regexp_replace((regexp_split_to_array(u, '</td>'))[n], '^.*<td[^>]*>', '')) c(v) $$;
SELECT journey_privacy.dashboard_html() AS page \gset
SELECT pg_temp.says(:'page', '<!DOCTYPE html>') AS html, pg_temp.says(:'page', '<title>Privacy report</title>') AS title,
       pg_temp.says(:'page', 'id="map"') AS map, :'page' ~ '<script|src=|@import|href="[^#]|url\((?!#)' AS loads,
       :'page' ~ 'p1_[0-9a-z]{24}' AS pseudonyms, pg_temp.says(:'page', 'a claim') AS reasons;
SELECT kind, pg_temp.cell(:'page', 'requests', kind, 1)::int = count(*) FILTER (WHERE status = 'pending') AS pending,
       pg_temp.cell(:'page', 'requests', kind, 3)::int = count(*) FILTER (WHERE status IN ('pending', 'in_progress') AND due_at < now()) AS overdue
FROM journey_privacy.request WHERE kind IN ('access', 'portability') GROUP BY kind ORDER BY kind;
SELECT count(*) AS purposes, count(*) FILTER (WHERE pg_temp.cell(:'page', 'consent', t.purpose, 4)
    IS DISTINCT FROM coalesce(t.yes::text, '<span class="few">too few</span>')) AS otherwise
FROM journey_privacy.consent_told t WHERE t.purpose LIKE 'report%';
SELECT pg_temp.cell(:'page', 'tables', 'report.visit', 2) AS kept, pg_temp.cell(:'page', 'tables', 'report.visit', 6) AS protection;
-- what is out of order is said to be
ALTER TABLE report.visit DISABLE TRIGGER ALL;
ALTER TABLE report.visit NO FORCE ROW LEVEL SECURITY;
SELECT pg_temp.cell(journey_privacy.dashboard_html(), 'tables', 'report.visit', 6) AS protection;
ALTER TABLE report.visit ENABLE TRIGGER ALL;
ALTER TABLE report.visit FORCE ROW LEVEL SECURITY;
ALTER TABLE report.visit ENABLE ALWAYS TRIGGER zzz_journey_privacy, ENABLE ALWAYS TRIGGER zzz_journey_privacy_truncate;
SELECT pg_temp.cell(journey_privacy.dashboard_html(), 'tables', 'report.visit', 6) AS protection;

-- The map is the caller's: with the purpose, without, and without the right.
SET ROLE regress_report_analyst;
SELECT pg_temp.says(journey_privacy.dashboard_html('report.visit'), 'The map is not shown') AS refused;
SET journey_privacy.purpose = 'report_7';
SELECT journey_privacy.dashboard_html('report.visit', 'A <title> & "more"') AS page \gset
SELECT pg_temp.says(:'page', 'The map is not shown') AS refused, pg_temp.says(:'page', '<title>A &lt;title&gt; &amp; &quot;more&quot;</title>') AS title,
       pg_temp.says(substring(:'page' FROM '<section id="map".*?</section>'), '>home<') AS map,
       pg_temp.says(:'page', '>help<') AS of_one;
RESET ROLE;
SET ROLE regress_report_officer;
SELECT pg_temp.says(journey_privacy.dashboard_html('report.visit'), 'The map is not shown') AS refused;
SELECT count(*) FROM journey_privacy.metric;
SELECT count(*) FROM journey_privacy.consent_told;
RESET ROLE;
RESET journey_privacy.purpose;
-- in each language, all of it
SELECT l, pg_temp.says(page, 'lang="' || l || '"') AS said, regexp_count AS sections
FROM (SELECT l, journey_privacy.dashboard_html(language => l) AS page FROM unnest(ARRAY['en', 'de', 'fr', 'es']) l) p,
     LATERAL (SELECT count(*) AS regexp_count FROM regexp_matches(page, '<h2', 'g')) c ORDER BY l;
SELECT journey_privacy.dashboard_html(language => 'tlh');
SELECT journey_privacy.dashboard_html(language => NULL);
SELECT journey_privacy.dashboard_html('report.purpose');
-- whoever may not have it
REVOKE EXECUTE ON FUNCTION journey_privacy.dashboard_html(regclass, text, text) FROM regress_report_officer;
SET ROLE regress_report_officer;
SELECT journey_privacy.dashboard_html();
RESET ROLE;

SELECT journey_privacy.drop_data_plan('report.visit');
SELECT journey_privacy.unprotect('report.visit');
SELECT count(journey_privacy.lift_restriction(journey_privacy.pseudonymize('customer_id', 9900000 + i::bigint))) FROM generate_series(1, 300, 25) i;
SELECT count(journey_privacy.cancel_request(id)) FROM report.asked;
SELECT journey_privacy.disallow('regress_report_analyst', 'report_7');
DROP FUNCTION pg_temp.more, pg_temp.cell;
DROP VIEW part, seen;
DROP SCHEMA report CASCADE;
REVOKE ALL ON FUNCTION journey_privacy.dashboard_html(regclass, text, text) FROM regress_report_analyst;
DROP ROLE regress_report_officer, regress_report_analyst;
