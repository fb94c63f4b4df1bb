-- Journeys: aggregates over the events of one subject.
\set VERBOSITY terse
SET search_path = public, journey_privacy;

-- inclusive window, equal times in step order, rows in any order, null times left out
CREATE TEMP TABLE visit (at timestamptz, event text);
INSERT INTO visit VALUES
  ('2024-03-02 10:00Z', 'pay'), ('2024-03-01 10:00Z', 'view'), ('2024-03-01 12:00Z', 'cart'), (NULL, 'view');
SELECT window_funnel(at, '24 hours', 'default', event = 'view', event = 'cart', event = 'pay') AS inclusive,
  window_funnel(at, '23:59:59', 'default', event = 'view', event = 'cart', event = 'pay') AS outside,
  window_funnel(at, '1 day', 'default', event = 'pay', event = 'view') AS other_order,
  window_funnel(at, '1 day', 'default', event = 'none', event = 'view') AS none,
  window_funnel(at, '1 day', 'default', NULL, event = 'view') AS null_is_false
FROM visit;
SELECT window_funnel_times(at, '1 day', 'default', event = 'view', event = 'cart', event = 'pay') =
  ARRAY['2024-03-01 10:00Z', '2024-03-01 12:00Z', '2024-03-02 10:00Z']::timestamptz[] AS times,
  window_funnel_times(at, '1 day', 'default', event = 'none') AS none
FROM visit;
SELECT window_funnel(at, '1 day', 'default', true) AS no_rows,
  window_funnel_times(at, '1 day', 'default', true) AS no_times FROM visit WHERE false;
-- times without end are further away than any window
SELECT window_funnel(t, '100000 days', 'default', t = '-infinity', t = 'infinity')
FROM (VALUES (timestamptz '-infinity'), ('infinity')) v (t);
-- 64 steps and not one more
SELECT window_funnel(to_timestamp(i), '1 hour', 'default', VARIADIC (SELECT array_agg(i = j ORDER BY j) FROM generate_series(1, 64) j))
FROM generate_series(1, 64) i;
SELECT window_funnel(now(), '1 hour', 'default', VARIADIC array_fill(true, ARRAY[65]));
SELECT window_funnel(now(), '1 hour', 'default', VARIADIC '{}'::boolean[]);

-- what cannot be meant is refused
SELECT window_funnel(at, '1 month', 'default', true) FROM visit;
SELECT window_funnel(at, '-1 day', 'default', true) FROM visit;
SELECT window_funnel(at, NULL, 'default', true) FROM visit;
SELECT window_funnel(at, '1 day', 'strict', true) FROM visit;
SELECT window_funnel(at, '1 day', 'strict_order,', true) FROM visit;
SELECT window_funnel(at, make_interval(mins => extract(day FROM at)::integer), 'default', true) FROM visit WHERE at IS NOT NULL;

-- 10,000 random journeys: events with some of four steps, at a few times
SELECT setseed(0.42);
CREATE TEMP TABLE random_event AS
  SELECT journey, event, (random() * 9)::integer AS at,
    ARRAY[random() < density, random() < density, random() < density, random() < density] AS steps
  FROM (SELECT journey, 0.15 + 0.35 * random() AS density FROM generate_series(1, 10000) journey) j,
    generate_series(1, 1 + journey % 9) event;
CREATE INDEX ON random_event (journey);
ANALYZE random_event;
CREATE TEMP TABLE way (mode text, later boolean, once boolean);
INSERT INTO way VALUES ('default', false, false), ('strict_increase', true, false),
  ('strict_once', false, true), ('strict_once, strict_increase', true, true);

-- the oracle makes every chain there is
CREATE TEMP TABLE oracle AS
WITH RECURSIVE chain AS (
  SELECT mode, later, once, journey, 1 AS depth, at AS begin, at, CASE WHEN once THEN ARRAY[event] END AS used
  FROM way, random_event WHERE steps[1]
  UNION
  SELECT c.mode, c.later, c.once, c.journey, c.depth + 1, c.begin, e.at, c.used || CASE WHEN once THEN e.event END
  FROM chain c JOIN random_event e USING (journey)
  WHERE e.steps[c.depth + 1] AND e.at >= c.at AND NOT (c.later AND e.at = c.at)
    AND e.at - c.begin <= 5 AND NOT (c.once AND e.event = ANY (c.used)))
SELECT mode, journey, max(depth) AS depth FROM chain GROUP BY mode, journey;
CREATE TEMP TABLE ours AS
  SELECT mode, journey, window_funnel(to_timestamp(at), '5 seconds', mode, VARIADIC steps) AS depth,
    window_funnel_times(to_timestamp(at), '5 seconds', mode, VARIADIC steps) AS times
  FROM way, random_event GROUP BY mode, journey;
SELECT mode, count(*) AS journeys, count(*) FILTER (WHERE o.depth IS DISTINCT FROM coalesce(x.depth, 0)) AS wrong
FROM ours o LEFT JOIN oracle x USING (mode, journey) GROUP BY mode ORDER BY mode;

-- the times are of such a chain
ANALYZE ours;
SELECT count(*) AS wrong FROM ours o JOIN way w USING (mode)
WHERE cardinality(times) <> depth OR times[depth] - times[1] > '5 seconds'
  OR EXISTS (SELECT FROM generate_series(1, depth) i WHERE times[i] < times[i - 1] OR w.later AND times[i] = times[i - 1]
    OR NOT EXISTS (SELECT FROM random_event e WHERE e.journey = o.journey AND e.steps[i] AND to_timestamp(e.at) = times[i]));

-- strict_order and strict_deduplication as ClickHouse walks, step by step
CREATE FUNCTION pg_temp.walk(events random_event[], strict_order boolean, deduplication boolean) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  begins integer[] := '{}';
  e record;
BEGIN
  FOR e IN SELECT at, s FROM unnest(events) x, generate_series(0, 4) s
           WHERE steps[s] OR s = 0 AND NOT (true = ANY (steps)) ORDER BY at, s LOOP
    IF e.s = 0 THEN
      EXIT WHEN strict_order AND begins[1] IS NOT NULL;
    ELSIF e.s = 1 THEN
      begins[1] := e.at;
    ELSIF deduplication AND begins[e.s] IS NOT NULL THEN
      EXIT;
    ELSIF begins[e.s - 1] IS NULL THEN
      EXIT WHEN strict_order AND begins[1] IS NOT NULL;
    ELSIF e.at - begins[e.s - 1] <= 5 THEN
      begins[e.s] := begins[e.s - 1];
      EXIT WHEN e.s = 4;
    END IF;
  END LOOP;
  RETURN cardinality(begins);
END $$;
SELECT mode, count(*) AS journeys, count(*) FILTER (WHERE ours <> theirs) AS wrong
FROM (VALUES ('strict_order', true, false), ('strict_deduplication', false, true),
             ('strict_order,strict_deduplication', true, true)) m (mode, o, d),
  LATERAL (SELECT journey, window_funnel(to_timestamp(at), '5 seconds', mode, VARIADIC steps) AS ours,
             pg_temp.walk(array_agg(random_event), o, d) AS theirs
           FROM random_event GROUP BY journey) j
GROUP BY mode ORDER BY mode;

-- in parts, by workers: the same
CREATE TABLE journey_event AS SELECT * FROM random_event;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET enable_sort = off; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT journey % 10, window_funnel(to_timestamp(at), '5 seconds', 'strict_once', VARIADIC steps)
FROM journey_event GROUP BY 1;
CREATE TEMP TABLE parts AS
  SELECT journey % 10 AS part, window_funnel(to_timestamp(at + journey * 20), '3 seconds', 'strict_once', VARIADIC steps) AS depth,
    window_funnel_times(to_timestamp(at + journey * 20), '3 seconds', 'strict_once', VARIADIC steps) AS times
  FROM journey_event GROUP BY 1;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) AS different FROM parts FULL JOIN (
  SELECT journey % 10 AS part, window_funnel(to_timestamp(at + journey * 20), '3 seconds', 'strict_once', VARIADIC steps) AS depth,
    window_funnel_times(to_timestamp(at + journey * 20), '3 seconds', 'strict_once', VARIADIC steps) AS times
  FROM journey_event GROUP BY 1) s USING (part)
WHERE (parts.depth, parts.times) IS DISTINCT FROM (s.depth, s.times);
DROP TABLE journey_event;
