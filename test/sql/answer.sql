-- Questions about a whole journey table, against plain SQL.
\set VERBOSITY terse
SET search_path = public, journey_privacy;
SET timezone = 'UTC';

-- 10,000 journeys of 1 to 12 events within three months; some of one time
SELECT setseed(0.4711);
CREATE TABLE journey_event AS
  SELECT subject, timestamptz '2024-02-26 22:00Z' + (random() * random() * 90 * 48)::integer * interval '30 minutes' AS at,
    (ARRAY['home', 'view', 'cart', 'pay', 'view|cart', ''])[1 + floor(random() * 6)::integer] AS event,
    (ARRAY['phone', 'desktop', NULL])[1 + subject % 3] AS device,
    (ARRAY['mail', 'ads', 'search', NULL])[1 + floor(random() * 4)::integer] AS channel
  FROM generate_series(1, 10000) subject, generate_series(1, 1 + subject % 12) n
  ORDER BY md5((subject * 100 + n)::text);
INSERT INTO journey_event VALUES (NULL, now(), 'home'), (1, NULL, 'home'), (1, 'infinity', 'home');
CREATE INDEX ON journey_event (subject);
ANALYZE journey_event;
CREATE VIEW counted AS SELECT * FROM journey_event WHERE subject IS NOT NULL AND isfinite(at);

-- retention: who did the first event, by calendar; who came back
CREATE TEMP TABLE calendar (period text, mode text, zone text, back text);
INSERT INTO calendar VALUES ('day', 'on', 'UTC', 'pay'), ('week', 'on', 'UTC', 'pay'), ('week', 'on_or_after', 'America/New_York', 'home'),
  ('month', 'on', 'Europe/Berlin', NULL), ('month', 'on_or_after', 'Asia/Kolkata', NULL);
CREATE TEMP TABLE retention_oracle AS
WITH start AS (
  SELECT calendar.period, mode, zone, back, subject, device, min(at) AS first_at
  FROM counted, calendar WHERE event = 'home' GROUP BY calendar.period, mode, zone, back, subject, device),
cohort AS (
  SELECT *, date_trunc(period, first_at AT TIME ZONE zone) AS begin FROM start),
last AS (
  SELECT calendar.period, mode, zone, date_trunc(calendar.period, max(at) AT TIME ZONE zone) AS last FROM counted, calendar
  WHERE back IS NULL OR event IN ('home', back) GROUP BY calendar.period, mode, zone, back),
wanted AS (
  SELECT cohort.*, number, begin + ('1 ' || period)::interval * number AS then_on
  FROM cohort JOIN last USING (period, mode, zone), generate_series(0, 4) number
  WHERE begin + ('1 ' || period)::interval * number <= last),
returned AS (
  SELECT DISTINCT period, mode, zone, c.subject, date_trunc(period, e.at AT TIME ZONE zone) AS then_on
  FROM cohort c JOIN counted e ON e.subject = c.subject AND e.at >= c.first_at AND (back IS NULL OR event = back)),
latest AS (
  SELECT period, mode, zone, subject, max(then_on) AS then_on FROM returned GROUP BY period, mode, zone, subject)
SELECT w.period, mode, zone, device, begin AT TIME ZONE zone AS cohort, number,
  count(*) FILTER (WHERE number = 0 OR CASE mode WHEN 'on' THEN r.then_on IS NOT NULL ELSE l.then_on >= w.then_on END) AS subjects
FROM wanted w LEFT JOIN returned r USING (period, mode, zone, subject, then_on) LEFT JOIN latest l USING (period, mode, zone, subject)
GROUP BY 1, 2, 3, 4, 5, 6;
CREATE TEMP TABLE retention_ours AS
  SELECT c.period, mode, zone, r.breakdown AS device, r.cohort, r.period AS number, r.subjects
  FROM calendar c,
    LATERAL (SELECT retention_counts(subject, at, event, device, 'home', back, c.period, 4, mode, zone) AS counts FROM journey_event) a,
    LATERAL unnest(counts) r;
SELECT period, mode, count(*) AS cells FROM retention_ours GROUP BY 1, 2 ORDER BY 1, 2;
TABLE retention_oracle EXCEPT ALL TABLE retention_ours;
TABLE retention_ours EXCEPT ALL TABLE retention_oracle;

-- sessions: a new one after more than half an hour; in the group of its first event
CREATE TEMP TABLE sessions_ours AS
  SELECT s.* FROM unnest((SELECT session_counts(subject, at, channel, '30 minutes') FROM journey_event)) s;
CREATE TEMP TABLE sessions_oracle AS
WITH numbered AS (
  SELECT *, row_number() OVER j AS n, lag(at) OVER j AS before FROM counted
  WINDOW j AS (PARTITION BY subject ORDER BY at, channel COLLATE "C" NULLS FIRST)),
parted AS (
  SELECT *, count(*) FILTER (WHERE before IS NULL OR at - before > '30 minutes') OVER (PARTITION BY subject ORDER BY n) AS session FROM numbered),
session AS (
  SELECT subject, (array_agg(channel ORDER BY n))[1] AS channel, count(*) AS events, max(at) - min(at) AS duration
  FROM parted GROUP BY subject, session)
SELECT channel, count(DISTINCT subject) AS subjects, count(*) AS sessions, sum(events)::bigint AS events, count(*) FILTER (WHERE events = 1) AS bounces,
  make_interval(secs => floor(extract(epoch FROM sum(duration)) * 1000000 / count(*)) / 1000000) AS mean,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY duration) AS median, percentile_disc(0.9) WITHIN GROUP (ORDER BY duration) AS p90
FROM session GROUP BY channel;
SELECT count(*) FROM sessions_ours;
TABLE sessions_ours EXCEPT ALL TABLE sessions_oracle;
TABLE sessions_oracle EXCEPT ALL TABLE sessions_ours;

-- paths and edges: as the aggregate path() has them for one subject, or for one session
CREATE TEMP TABLE way (number serial, depth integer, gap interval, folded boolean, anchor text, anchor_at text, direction text);
INSERT INTO way (depth, gap, folded, anchor, anchor_at, direction) VALUES (5, NULL, true, NULL, 'first', 'from'), (3, '1 day', false, NULL, 'first', 'from'), (4, NULL, false, 'cart', 'first', 'from'),
  (4, NULL, true, 'pay', 'last', 'to'), (3, '2 days', true, 'cart', 'last', 'from'), (2, NULL, true, NULL, 'first', 'to'), (100, NULL, false, '', 'first', 'to');
CREATE TEMP TABLE path_oracle AS
WITH numbered AS (
  SELECT w.*, e.*, row_number() OVER j AS n, lag(at) OVER j AS before FROM counted e, way w
  WINDOW j AS (PARTITION BY w.number, subject ORDER BY at, event COLLATE "C", device COLLATE "C" NULLS FIRST)),
parted AS (
  SELECT *, count(*) FILTER (WHERE before IS NULL OR at - before > gap) OVER (PARTITION BY number, subject ORDER BY n) AS part FROM numbered)
SELECT number, subject, (array_agg(device ORDER BY n))[1] AS device,
  path(at, event, depth, folded, anchor, anchor_at, direction) AS path
FROM parted GROUP BY number, subject, part;
CREATE TEMP TABLE path_ours AS
  SELECT number, p.* FROM way w,
    LATERAL (SELECT path_counts(subject, at, event, device, depth, gap, folded, anchor, anchor_at, direction) AS counts FROM journey_event) a, LATERAL unnest(counts) p;
CREATE TEMP TABLE path_wanted AS
  SELECT number, device, path, count(DISTINCT subject) AS subjects, count(*) AS times FROM path_oracle WHERE cardinality(path) > 0 GROUP BY number, device, path;
SELECT number, count(*) AS paths FROM path_ours GROUP BY number ORDER BY number;
TABLE path_ours EXCEPT ALL TABLE path_wanted;
TABLE path_wanted EXCEPT ALL TABLE path_ours;
CREATE TEMP TABLE edge_ours AS
  SELECT number, p.* FROM way w,
    LATERAL (SELECT edge_counts(subject, at, event, device, depth, gap, folded, anchor, anchor_at, direction) AS counts FROM journey_event) a, LATERAL unnest(counts) p;
CREATE TEMP TABLE edge_wanted AS
  SELECT number, device, n AS position, path[n] AS from_event, path[n + 1] AS to_event, count(DISTINCT subject) AS subjects, count(*) AS times
  FROM path_oracle, generate_series(1, cardinality(path) - 1) n GROUP BY 1, 2, 3, 4, 5;
SELECT number, count(*) AS edges FROM edge_ours GROUP BY number ORDER BY number;
TABLE edge_ours EXCEPT ALL TABLE edge_wanted;
TABLE edge_wanted EXCEPT ALL TABLE edge_ours;

-- attribution: as the aggregate attribution() has it for one subject
CREATE TEMP TABLE model (model text, lookback interval, half_life interval, reuse boolean);
INSERT INTO model VALUES ('first', '30 days', NULL, true), ('last', '1 day', NULL, true), ('linear', NULL, NULL, false),
  ('position', '20 days', NULL, true), ('time_decay', '30 days', '2 days', true), ('time_decay', NULL, NULL, false);
CREATE TEMP TABLE credit_wanted AS
WITH given AS (
  SELECT m AS model, subject, device, unnest(attribution(at, channel, event = 'pay', m.model, lookback, half_life, reuse)) AS c
  FROM counted, model m GROUP BY m, subject, device)
SELECT model, (c).channel, sum((c).credit) AS credit, count(DISTINCT (subject, (c).converted_at)) AS conversions, count(DISTINCT subject) AS subjects, device
FROM given GROUP BY model, (c).channel, device;
CREATE TEMP TABLE credit_ours AS
  SELECT m AS model, a.* FROM model m,
    LATERAL (SELECT attribution_counts(subject, at, channel, event = 'pay', device, m.model, lookback, half_life, reuse) AS counts FROM journey_event) c, LATERAL unnest(counts) a;
SELECT (o.model).model, count(*) AS channels, count(*) FILTER (WHERE abs(o.credit - w.credit) > 0.000001 OR o.subjects <> w.subjects OR o.credit IS NULL OR w.credit IS NULL) AS wrong
FROM credit_ours o FULL JOIN credit_wanted w ON o.model = w.model AND coalesce(o.channel, '-') = coalesce(w.channel, '-') AND coalesce(breakdown, '-') = coalesce(device, '-')
GROUP BY o.model, (o.model).model ORDER BY o.model;

-- funnels: as the aggregate funnel() has them for one subject, whose own test knows every chain
CREATE TEMP TABLE question (number serial, steps text[], within interval, options jsonb, held boolean);
INSERT INTO question (steps, within, options, held) VALUES
  ('{home,view,cart}', '10 days', NULL, false), ('{home,cart|view,pay}', NULL, '{"order": "strict"}', false),
  ('{home,view,pay,cart}', '30 days', '{"order": "any"}', false), ('{home,view,pay}', '60 days', '{"optional": [2]}', false),
  ('{home,pay}', '30 days', '{"start": "first", "exclude": ["cart"]}', false), ('{home,view,cart}', '60 days', NULL, true),
  ('{view\\|cart,home}', '30 days', '{"step_within": "5 days"}', false);
CREATE TEMP TABLE made AS
  SELECT number, subject, device, funnel_times(at, event, steps, within, coalesce(options, '{}')) AS times
  FROM counted, question WHERE NOT held GROUP BY number, subject, device
  UNION ALL SELECT number, subject, device, funnel_times(at, event, steps, within, coalesce(options, '{}'), channel)
  FROM counted, question WHERE held GROUP BY number, subject, device;
CREATE TEMP TABLE funnel_wanted AS
WITH sorted AS (
  SELECT number, subject, device, CASE WHEN options ->> 'order' = 'any' THEN ARRAY(SELECT t FROM unnest(times) t WHERE t IS NOT NULL ORDER BY t) ELSE times END AS times
  FROM made JOIN question USING (number)),
step AS (
  SELECT number, subject, device, i, times[i] AS at, max(times[i]) OVER (PARTITION BY number, subject ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM sorted, generate_series(1, cardinality(times)) i)
SELECT number, device AS breakdown, i AS step, count(at) AS subjects,
  percentile_disc(0.25) WITHIN GROUP (ORDER BY at - before) FILTER (WHERE at IS NOT NULL AND before IS NOT NULL) AS p25,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY at - before) FILTER (WHERE at IS NOT NULL AND before IS NOT NULL) AS median,
  percentile_disc(0.75) WITHIN GROUP (ORDER BY at - before) FILTER (WHERE at IS NOT NULL AND before IS NOT NULL) AS p75,
  percentile_disc(0.9) WITHIN GROUP (ORDER BY at - before) FILTER (WHERE at IS NOT NULL AND before IS NOT NULL) AS p90
FROM step GROUP BY 1, 2, 3;
CREATE TEMP TABLE funnel_ours AS
  SELECT number, f.* FROM question q,
    LATERAL (SELECT funnel_counts(subject, at, event, device, channel, steps, within, options, held) AS counts FROM journey_event) c, LATERAL unnest(counts) f;
SELECT number, max(subjects) FILTER (WHERE step = 1) AS first_step, max(subjects) FILTER (WHERE step = 2) AS second_step,
  max(subjects) FILTER (WHERE step = 3) AS third_step FROM funnel_ours GROUP BY number ORDER BY number;
SELECT count(*) AS wrong FROM funnel_ours o FULL JOIN funnel_wanted w
  ON w.number = o.number AND coalesce(w.breakdown, '-') = coalesce(o.breakdown, '-') AND w.step = o.step
WHERE coalesce(o.subjects, 0) <> coalesce(w.subjects, 0) OR o.subjects > 0 AND
  (p25, median, p75, p90) IS DISTINCT FROM (p25_time, median_time, p75_time, p90_time);
SELECT (SELECT funnel_counts(subject, at, event, '{home,view,cart}', '10 days') FROM journey_event) = ARRAY[
  count(*) FILTER (WHERE depth >= 1), count(*) FILTER (WHERE depth >= 2), count(*) FILTER (WHERE depth >= 3)] AS levels
FROM (SELECT window_funnel(at, '10 days', 'strict_once', event = 'home', event = 'view', event = 'cart') AS depth FROM counted GROUP BY subject) d;

-- in parts, by workers; with little memory; by subjects of other types: the same
CREATE TEMP VIEW all_of_them AS SELECT (SELECT md5(string_agg(f::text, ',' ORDER BY f::text COLLATE "C")) FROM unnest(funnel) f) AS funnel,
  (SELECT md5(string_agg(f::text, ',' ORDER BY f::text COLLATE "C")) FROM unnest(retention) f) AS retention,
  (SELECT md5(string_agg(f::text, ',' ORDER BY f::text COLLATE "C")) FROM unnest(sessions) f) AS sessions,
  (SELECT md5(string_agg(f::text, ',' ORDER BY f::text COLLATE "C")) FROM unnest(paths) f) AS paths,
  (SELECT md5(string_agg(f::text, ',' ORDER BY f::text COLLATE "C")) FROM unnest(edges) f) AS edges,
  (SELECT md5(string_agg(f::text, ',' ORDER BY f::text COLLATE "C")) FROM unnest(attribution) f) AS attribution FROM (
  SELECT funnel_counts(subject, at, event, device, channel, '{home,view,cart}', '20 days', '{"order": "strict"}', true) AS funnel,
    retention_counts(subject, at, event, device, 'home', NULL, 'day', 5, 'on', 'UTC') AS retention,
    session_counts(subject, at, channel, '30 minutes') AS sessions,
    path_counts(subject, at, event, device, 5, '1 day', true, NULL, 'first', 'from') AS paths,
    edge_counts(subject, at, event, device, 5, NULL, true, NULL, 'first', 'from') AS edges,
    attribution_counts(subject, at, channel, event = 'pay', device, 'time_decay', NULL, NULL, true) AS attribution
  FROM journey_event) a;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE alone AS TABLE all_of_them;
SET work_mem = '64kB';
SELECT (SELECT a FROM alone a) = (SELECT a FROM all_of_them a) AS with_little_memory;
RESET work_mem;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT session_counts(subject, at, channel, '30 minutes') FROM journey_event;
SELECT (SELECT a FROM alone a) = (SELECT a FROM all_of_them a) AS by_workers;
SET max_parallel_workers_per_gather = 0;
SELECT o.* FROM funnel_ours o WHERE number = 1 EXCEPT ALL SELECT 1, f.* FROM unnest((
  SELECT funnel_counts(subject::bigint, at, event, device, channel, '{home,view,cart}', '10 days', NULL, false) FROM journey_event)) f;
SELECT o.* FROM funnel_ours o WHERE number = 1 EXCEPT ALL SELECT 1, f.* FROM unnest((
  SELECT funnel_counts(md5(subject::text)::uuid, at, event, device, channel, '{home,view,cart}', '10 days', NULL, false) FROM journey_event)) f;
SET max_parallel_workers_per_gather = 2;
SELECT o.* FROM funnel_ours o WHERE number = 1 EXCEPT ALL SELECT 1, f.* FROM unnest((
  SELECT funnel_counts('subject ' || subject, at, event, device, channel, '{home,view,cart}', '10 days', NULL, false) FROM journey_event)) f;
RESET max_parallel_workers_per_gather;

-- In one call, of a protected table: what the aggregates say, as the caller may see it.
SELECT create_purpose('answer_rows', 'opt_out', min_group => 5);
SELECT create_purpose('answer_only', 'opt_out', min_group => 5, access => 'aggregates');
CREATE TABLE answer_visit (visitor pseudonym NOT NULL, at timestamptz NOT NULL, event text NOT NULL, props jsonb NOT NULL DEFAULT '{}', kind varchar);
INSERT INTO answer_visit SELECT pseudonymize('customer_id', 7000000 + subject), at, event, jsonb_strip_nulls(jsonb_build_object('device', device, 'channel', channel)), device
  FROM counted WHERE subject <= 600;
CREATE ROLE regress_answer_analyst;
GRANT SELECT ON answer_visit TO regress_answer_analyst;
SELECT allow('regress_answer_analyst', 'answer_rows'), allow('regress_answer_analyst', 'answer_only');

-- a table that is not protected, or without a time, a column or a type that will not do
SELECT * FROM funnel('answer_visit', '{home}');
SELECT protect('answer_visit', 'visitor');
SELECT * FROM funnel('answer_visit', '{home}');
SELECT unprotect('answer_visit');
SELECT protect('answer_visit', 'visitor', occurred_at => 'at');
SELECT * FROM funnel(NULL, '{home}');
SELECT * FROM funnel('answer_visit', NULL);
SELECT * FROM funnel('answer_visit', '{home}', event => 'name');
SELECT * FROM funnel('answer_visit', '{home}', breakdown => 'xmin');
SELECT * FROM funnel('answer_visit', '{home}', breakdown => 'kind', breakdown_key => 'device');
SELECT * FROM funnel('answer_visit', '{home}', breakdown_key => 'device');
SELECT * FROM funnel('answer_visit', '{home}', where_props => '{}', props => 'kind');
SELECT * FROM funnel('answer_visit', '{home}', '-1 day');
SELECT * FROM retention('answer_visit', period => 'hour');
SELECT * FROM retention('answer_visit', mode => 'off');
SELECT * FROM retention('answer_visit', time_zone => 'Nowhere');
-- offsets of one's own would move the bounds of periods
SELECT * FROM retention('answer_visit', time_zone => 'XYZ0:07');
SELECT * FROM retention('answer_visit', time_zone => '<X>3');
SELECT * FROM retention('answer_visit', time_zone => '+0007');
SELECT count(*) > 0 FROM retention('answer_visit', 'home', 'pay', time_zone => 'Etc/GMT+12');
SELECT * FROM retention('answer_visit', periods => 1001);
SELECT * FROM paths('answer_visit', depth => 0);
SELECT * FROM paths('answer_visit', direction => 'up');
SELECT * FROM attribution('answer_visit', 'pay', 'props', 'channel', model => 'best');
SELECT * FROM sessions('answer_visit', gap => '1 month');

-- no floor binds who is not bound and has no purpose: the same as the aggregates
SELECT step, subjects, median_time, p90_time, breakdown FROM funnel('answer_visit', '{home,view,cart}', '10 days', breakdown => 'props', breakdown_key => 'device')
EXCEPT ALL SELECT step, subjects, median_time, p90_time, breakdown FROM unnest((
  SELECT funnel_counts(subject, at, event, device, NULL, '{home,view,cart}', '10 days', NULL, false) FROM counted WHERE subject <= 600)) f;
SELECT (cohort AT TIME ZONE 'UTC'), period, subjects, breakdown FROM retention('answer_visit', 'home', 'pay', 'week', 4, time_zone => 'UTC', breakdown => 'kind')
EXCEPT ALL SELECT cohort::date AT TIME ZONE 'UTC', period, subjects, breakdown FROM unnest((
  SELECT retention_counts(subject, at, event, device, 'home', 'pay', 'week', 4, 'on', 'UTC') FROM counted WHERE subject <= 600)) f;
SELECT sessions, events, bounces, mean_duration, breakdown FROM sessions('answer_visit', breakdown => 'props', breakdown_key => 'channel')
EXCEPT ALL SELECT sessions, events, bounces, mean_duration, breakdown FROM unnest((
  SELECT session_counts(subject, at, channel, '30 minutes') FROM counted WHERE subject <= 600)) f;
SELECT "position", from_event, to_event, subjects, events FROM paths('answer_visit', where_event => '{home,view}', during => '[2024-03-01,2024-04-01)')
EXCEPT ALL SELECT "position", from_event, to_event, subjects, times FROM unnest((
  SELECT edge_counts(subject, at, event, NULL, 5, NULL, true, NULL, 'first', 'from') FROM counted
  WHERE subject <= 600 AND at >= '2024-03-01' AND at < '2024-04-01' AND event IN ('home', 'view'))) f;
SELECT channel, round(credit::numeric, 6), conversions, subjects FROM attribution('answer_visit', 'pay', 'props', 'channel', model => 'linear', where_props => '{"device": "phone"}')
EXCEPT ALL SELECT channel, round(credit::numeric, 6), conversions, subjects FROM unnest((
  SELECT attribution_counts(subject, at, channel, event = 'pay', NULL, 'linear', '30 days', '7 days', true) FROM counted WHERE subject <= 600 AND device = 'phone')) f;
SELECT subjects, reached, p25_time, median_time, p75_time, p90_time FROM time_to('answer_visit', 'home', 'pay', '20 days')
EXCEPT ALL SELECT max(subjects) FILTER (WHERE step = 1), max(subjects) FILTER (WHERE step = 2), max(p25_time), max(median_time), max(p75_time), max(p90_time) FROM unnest((
  SELECT funnel_counts(subject, at, event, NULL, NULL, '{home,pay}', '20 days', NULL, false) FROM counted WHERE subject <= 600)) f;
SELECT * FROM funnel('answer_visit', '{home,view}', during => 'empty');

-- an analyst: only of people who may be seen, with a floor
SELECT count(object_to(pseudonymize('customer_id', 7000000 + subject), 'answer_rows')) FROM generate_series(1, 300) subject;
SET ROLE regress_answer_analyst;
SELECT * FROM funnel('answer_visit', '{home}');
SET journey_privacy.purpose = 'answer_rows';
CREATE TEMP TABLE seen AS SELECT step, subjects FROM funnel('answer_visit', '{home,view,cart}', '30 days');
RESET ROLE;
SELECT s.step, s.subjects = f.subjects AS same FROM seen s JOIN unnest((
  SELECT funnel_counts(subject, at, event, NULL, NULL, '{home,view,cart}', '30 days', NULL, false) FROM counted WHERE subject BETWEEN 301 AND 600)) f USING (step) ORDER BY step;
SET ROLE regress_answer_analyst;
SELECT bool_and(subjects >= 5 OR subjects IS NULL) AS floor, count(*) FILTER (WHERE subjects IS NULL) > 0 AS hidden FROM (
  SELECT subjects FROM paths('answer_visit') UNION ALL SELECT subjects FROM retention('answer_visit', 'home', 'pay', 'day')
  UNION ALL SELECT subjects FROM funnel('answer_visit', '{home,view,cart,pay,home,view}', '30 days', breakdown => 'props', breakdown_key => 'channel')
  UNION ALL SELECT subjects FROM attribution('answer_visit', 'pay', 'kind')) a;
SET journey_privacy.purpose = 'answer_only';
SELECT count(*) FROM answer_visit;
SELECT bool_and(subjects % 5 = 0 AND subjects > 0 OR subjects IS NULL) AS rounded FROM (
  SELECT subjects FROM paths('answer_visit') UNION ALL SELECT subjects FROM retention('answer_visit', 'home', 'pay', 'day')
  UNION ALL SELECT subjects FROM funnel('answer_visit', '{home,view,cart,pay,home,view}', '30 days', breakdown => 'props', breakdown_key => 'channel')
  UNION ALL SELECT subjects FROM attribution('answer_visit', 'pay', 'kind') UNION ALL SELECT subjects FROM sessions('answer_visit')
  UNION ALL SELECT reached FROM time_to('answer_visit', 'home', 'view')) a;
-- one group of few is not named; few are told as nobody is
SELECT f::text FROM funnel('answer_visit', '{home}', breakdown => 'at', during => '[2024-03-05 10:00Z,2024-03-05 11:00Z)') f;
SELECT f::text FROM funnel('answer_visit', '{nothing}', breakdown => 'at') f;
SELECT count(*) FROM retention('answer_visit', 'home', 'pay', 'day', during => '[2024-03-05 10:00Z,2024-03-05 11:00Z)');
SELECT count(*) FROM retention('answer_visit', 'nothing', 'pay', 'day');
SELECT plan FROM funnel_plan('answer_visit', '{home}') p(plan);
-- a subject of no real type would be read as something else
SELECT session_counts('x'::cstring, now(), NULL, '1 day');
SELECT funnel_counts('x'::cstring, now(), 'home', '{home}', '1 day');
-- an operator of one's own in front of the search_path is not asked
CREATE FUNCTION pg_temp.listen(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''heard''; RETURN true; END';
CREATE OPERATOR pg_temp.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = pg_temp.listen);
SET search_path = pg_temp, public, pg_catalog;
SELECT count(*) FROM journey_privacy.funnel('answer_visit', '{home}', during => '[2024-03-01,2024-04-01)');
RESET ROLE;
SET search_path = public, journey_privacy;
RESET journey_privacy.purpose;

-- nor is a cast to text of somebody's own
CREATE TYPE answer_word AS ENUM ('a', 'b');
ALTER TABLE answer_visit ADD word answer_word DEFAULT 'a';
SELECT count(*) > 0 AS word FROM funnel('answer_visit', '{home}', breakdown => 'word');
CREATE FUNCTION answer_heard(answer_word) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''heard''; RETURN $1; END';
CREATE CAST (answer_word AS text) WITH FUNCTION answer_heard(answer_word);
SELECT * FROM funnel('answer_visit', '{home}', breakdown => 'word');
SELECT * FROM funnel('answer_visit', '{home}', event => 'word');
ALTER TABLE answer_visit DROP word;
DROP FUNCTION answer_heard(answer_word) CASCADE;
DROP TYPE answer_word;

-- times at the ends of the calendar
SELECT s.* FROM unnest((SELECT session_counts(1, t, NULL, '106751991 days') FROM (VALUES (timestamptz '4714-11-24 BC'), ('294276-12-31')) v (t))) s;
SELECT f.event FROM funnel('answer_visit', '[5:6]={home,view}'::text[]) f ORDER BY step;

-- a journey store answers where it has what the rows would say
SELECT create_journey_store('answer_visit', 'answer_journeys', '30 days');
SELECT refresh_journey_store('answer_journeys') > 0 AS filled;
GRANT SELECT ON answer_journeys TO regress_answer_analyst;
SELECT plan FROM funnel_plan('answer_visit', '{home,view}', '1 day') p(plan) WHERE plan !~ 'Statement';
SELECT plan FROM funnel_plan('answer_visit', '{home,view}', '1 day', breakdown => 'props', breakdown_key => 'device') p(plan) WHERE plan !~ 'Statement';
SELECT plan FROM funnel_plan('answer_visit', '{home,view}', '1 day', constant => 'kind') p(plan) WHERE plan !~ 'Statement';
SELECT plan FROM funnel_plan('answer_visit', '{home,view}', '1 day', event => 'kind') p(plan) WHERE plan !~ 'Statement';
CREATE TEMP VIEW answers AS
  SELECT 'funnel' AS question, f::text FROM funnel('answer_visit', '{home,view|cart,pay}', '20 days', '{"order": "strict"}', during => '[2024-03-01 12:00,2024-04-20 12:00)') f
  UNION ALL SELECT 'retention', f::text FROM retention('answer_visit', 'home', NULL, 'week') f
  UNION ALL SELECT 'sessions', f::text FROM sessions('answer_visit', gap => '2 days', during => '(,2024-04-10]') f
  UNION ALL SELECT 'paths', f::text FROM paths('answer_visit', gap => '5 days') f
  UNION ALL SELECT 'time_to', f::text FROM time_to('answer_visit', 'home', 'pay') f;
CREATE TEMP TABLE of_store AS TABLE answers;
INSERT INTO answer_visit SELECT visitor, at, event, '{}', 'again' FROM answer_visit LIMIT 1;
DELETE FROM answer_visit WHERE kind = 'again';
SELECT plan FROM funnel_plan('answer_visit', '{home,view}', '1 day') p(plan) WHERE plan !~ 'Statement';
SELECT question, count(*) FROM of_store GROUP BY question ORDER BY question;
TABLE of_store EXCEPT ALL TABLE answers;
TABLE answers EXCEPT ALL TABLE of_store;
SELECT refresh_journey_store('answer_journeys') > 0 AS refreshed;
SET ROLE regress_answer_analyst;
SET journey_privacy.purpose = 'answer_only';
SELECT plan FROM funnel_plan('answer_visit', '{home,view}', '1 day') p(plan) WHERE plan !~ 'Statement';
SELECT count(*) FROM answer_journeys;
SELECT step, subjects % 5 AS rest FROM funnel('answer_visit', '{home,view}', '30 days') ORDER BY step;
RESET ROLE;
RESET journey_privacy.purpose;

-- a store that somebody has changed does not answer
ALTER TABLE answer_journeys RENAME bucket TO bin;
SELECT plan FROM funnel_plan('answer_visit', '{home,view}', '1 day') p(plan) WHERE plan !~ 'Statement';
ALTER TABLE answer_journeys RENAME bin TO bucket;
ALTER TABLE answer_journeys ADD more integer;
SELECT plan FROM funnel_plan('answer_visit', '{home,view}', '1 day') p(plan) WHERE plan !~ 'Statement';
SELECT refresh_journey_store('answer_journeys');
SELECT drop_journey_store('answer_journeys');
DROP VIEW counted, all_of_them, answers;
DROP TABLE answer_visit;
DROP TABLE journey_event;
SELECT disallow('regress_answer_analyst', 'answer_rows'), disallow('regress_answer_analyst', 'answer_only');
DROP OWNED BY regress_answer_analyst;
DROP ROLE regress_answer_analyst;
