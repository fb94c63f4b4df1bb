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
  FROM generate_series(1, 10000) subject, generate_series(1, 1 + subject % 12)
  ORDER BY random();
INSERT INTO journey_event VALUES (NULL, now(), 'home'), (1, NULL, 'home'), (1, 'infinity', 'home');
ANALYZE journey_event;
CREATE VIEW counted AS SELECT * FROM journey_event WHERE subject IS NOT NULL AND isfinite(at);

-- retention: who did the first event, by calendar; who came back
CREATE TEMP TABLE calendar (period text, mode text, zone text, back text);
INSERT INTO calendar VALUES ('day', 'on', 'UTC', 'pay'), ('week', 'on', 'UTC', 'pay'), ('week', 'on_or_after', 'America/New_York', 'home'),
  ('month', 'on', 'Europe/Berlin', NULL), ('month', 'on_or_after', 'Asia/Kolkata', NULL);
CREATE TEMP TABLE retention_oracle AS
WITH start AS (
  SELECT period, mode, zone, back, subject, device, min(at) AS first_at
  FROM counted, calendar WHERE event = 'home' GROUP BY period, mode, zone, back, subject, device),
cohort AS (
  SELECT *, date_trunc(period, first_at AT TIME ZONE zone) AS begin,
    (SELECT date_trunc(period, max(at) AT TIME ZONE zone) FROM counted WHERE back IS NULL OR event IN ('home', back)) AS last
  FROM start),
wanted AS (
  SELECT cohort.*, number, begin + ('1 ' || period)::interval * number AS then FROM cohort, generate_series(0, 4) number
  WHERE begin + ('1 ' || period)::interval * number <= last)
SELECT period, mode, zone, device, begin AT TIME ZONE zone AS cohort, number,
  count(*) FILTER (WHERE number = 0 OR EXISTS (
    SELECT FROM counted e WHERE e.subject = w.subject AND e.at >= w.first_at AND (back IS NULL OR event = back)
    AND CASE mode WHEN 'on' THEN date_trunc(period, e.at AT TIME ZONE zone) = w.then
        ELSE date_trunc(period, e.at AT TIME ZONE zone) >= w.then END)) AS subjects
FROM wanted w GROUP BY 1, 2, 3, 4, 5, 6;
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
SELECT channel, count(DISTINCT subject), count(*), sum(events)::bigint, count(*) FILTER (WHERE events = 1),
  to_timestamp(floor(extract(epoch FROM sum(duration)) * 1000000 / count(*)) / 1000000) - to_timestamp(0),
  percentile_disc(0.5) WITHIN GROUP (ORDER BY duration), percentile_disc(0.9) WITHIN GROUP (ORDER BY duration)
FROM session GROUP BY channel;
SELECT count(*) FROM sessions_ours;
TABLE sessions_ours EXCEPT ALL TABLE sessions_oracle;
TABLE sessions_oracle EXCEPT ALL TABLE sessions_ours;

-- paths and edges: as the aggregate path() has them for one subject, or for one session
CREATE TEMP TABLE way (depth integer, gap interval, folded boolean, anchor text, anchor_at text, direction text);
INSERT INTO way VALUES (5, NULL, true, NULL, 'first', 'from'), (3, '1 day', false, NULL, 'first', 'from'), (4, NULL, false, 'cart', 'first', 'from'),
  (4, NULL, true, 'pay', 'last', 'to'), (3, '2 days', true, 'cart', 'last', 'from'), (2, NULL, true, NULL, 'first', 'to'), (100, NULL, false, '', 'first', 'to');
CREATE TEMP TABLE path_oracle AS
WITH numbered AS (
  SELECT w AS way, w.*, e.*, row_number() OVER j AS n, lag(at) OVER j AS before FROM counted e, way w
  WINDOW j AS (PARTITION BY w, subject ORDER BY at, event COLLATE "C", device COLLATE "C" NULLS FIRST)),
parted AS (
  SELECT *, count(*) FILTER (WHERE before IS NULL OR at - before > gap) OVER (PARTITION BY way, subject ORDER BY n) AS part FROM numbered)
SELECT way, subject, (array_agg(device ORDER BY n))[1] AS device,
  path(at, event, depth, folded, anchor, anchor_at, direction) AS path
FROM parted GROUP BY way, subject, part;
CREATE TEMP TABLE path_ours AS
  SELECT w AS way, p.* FROM way w,
    LATERAL (SELECT path_counts(subject, at, event, device, depth, gap, folded, anchor, anchor_at, direction) AS counts FROM journey_event) a, LATERAL unnest(counts) p;
CREATE TEMP TABLE path_wanted AS
  SELECT way, device, path, count(DISTINCT subject), count(*) FROM path_oracle WHERE cardinality(path) > 0 GROUP BY way, device, path;
SELECT way, count(*) AS paths FROM path_ours GROUP BY way ORDER BY way;
TABLE path_ours EXCEPT ALL TABLE path_wanted;
TABLE path_wanted EXCEPT ALL TABLE path_ours;
CREATE TEMP TABLE edge_ours AS
  SELECT w AS way, p.* FROM way w,
    LATERAL (SELECT edge_counts(subject, at, event, device, depth, gap, folded, anchor, anchor_at, direction) AS counts FROM journey_event) a, LATERAL unnest(counts) p;
CREATE TEMP TABLE edge_wanted AS
  SELECT way, device, n AS position, path[n] AS from_event, path[n + 1] AS to_event, count(DISTINCT subject), count(*)
  FROM path_oracle, generate_series(1, cardinality(path) - 1) n GROUP BY 1, 2, 3, 4, 5;
SELECT way, count(*) AS edges FROM edge_ours GROUP BY way ORDER BY way;
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
