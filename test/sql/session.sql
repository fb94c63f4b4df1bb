-- Sessions, paths, attribution.
\set VERBOSITY terse
SET search_path = public, journey_privacy;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';

CREATE TABLE visit (visitor integer, at timestamptz, event text);
INSERT INTO visit VALUES
  (1, '2024-03-01 10:00Z', 'home'), (1, '2024-03-01 10:30Z', 'home'), (1, '2024-03-01 10:20Z', 'cart'),
  (1, '2024-03-01 11:00:01Z', 'buy'), (1, NULL, 'home'), (1, '2024-03-02 09:00Z', NULL), (1, '2024-03-02 09:05Z', 'home'),
  (2, '2024-03-01 10:00Z', 'cart'), (2, '2024-03-01 10:00Z', 'buy'), (2, '2024-03-01 10:00Z', 'cart');

-- sessions: a gap ends one when it is longer than session_gap; a row without a time is in none
SELECT visitor, at, sessionize(at, '30 minutes') OVER (PARTITION BY visitor ORDER BY at)
FROM visit ORDER BY visitor, at, event;
SELECT visitor, (sessions(at, '30 minutes')).* FROM visit GROUP BY visitor ORDER BY visitor;
SELECT (sessions(at, '30 minutes')).* FROM visit WHERE at IS NULL;
SELECT (sessions(at, '30 minutes')).* FROM visit WHERE false;
SELECT at, sessionize(at, '0') OVER (ORDER BY at)
FROM (VALUES (timestamptz '-infinity'), ('-infinity'), ('2024-01-01Z'), ('2024-01-01 00:00:00.000001Z'), ('infinity')) v (at);
SELECT sessions(at, '100000 days') FROM (VALUES (timestamptz '-infinity'), ('infinity'), ('infinity')) v (at);
SELECT sessions(at, '106751990 days') FROM (VALUES (timestamptz '4713-01-01 BC'), ('100000-01-01'), ('290000-01-01')) v (at);
SELECT sessionize(at, '1 hour') OVER (ORDER BY at DESC) FROM visit WHERE visitor = 1;
SELECT sessionize(at, '1 hour') OVER () FROM visit WHERE visitor = 1;
SELECT sessionize(at, NULL) OVER (ORDER BY at) FROM visit;
SELECT sessionize(at, '1 month') OVER (ORDER BY at) FROM visit;
SELECT sessionize(at, '-1 hour') OVER (ORDER BY at) FROM visit;
SELECT sessions(at, NULL) FROM visit;
SELECT sessions(at, '1 month') FROM visit;
SELECT sessions(at, visitor * interval '1 hour') FROM visit;

-- paths: what happens at one time is in order of name
SELECT visitor, path(at, event), path(at, event, 2) AS two, path(at, event, NULL, false, NULL, 'first', 'from') AS whole,
  path(at, event, 2, true, NULL, 'first', 'to') AS ending, path(at, event, NULL, true, 'cart', 'first', 'from') AS from_cart,
  path(at, event, NULL, true, 'home', 'last', 'to') AS to_home, path(at, event, NULL, true, 'none', 'last', 'to') AS to_none
FROM visit GROUP BY visitor ORDER BY visitor;
SELECT path(at, event) AS nothing, path(at, event, 1, false, 'home', 'last', 'to') AS nothing FROM visit WHERE at IS NULL;
SELECT path(at, event) AS no_rows FROM visit WHERE false;
SELECT path(at, event, 3, true, '', 'last', 'from') AS empty_name FROM (VALUES (now(), ''), (now() + '1 s', 'b')) v (at, event);
SELECT path(at, event, 0) FROM visit;
SELECT path(at, event, 1, NULL, NULL, 'first', 'from') FROM visit;
SELECT path(at, event, 1, true, NULL, NULL, 'from') FROM visit;
SELECT path(at, event, 1, true, NULL, 'middle', 'from') FROM visit;
SELECT path(at, event, 1, true, NULL, 'first', 'forward') FROM visit;
SELECT path(at, event, visitor) FROM visit;

-- next_event, with the cases that ClickHouse's documentation works out
CREATE TEMP TABLE flow (id integer, at timestamptz, page text, ref text);
INSERT INTO flow SELECT id, to_timestamp(n), page, 'ref' || ref
FROM (VALUES (1, 1, 'Home', 1), (1, 2, 'Gift', 1), (1, 3, 'Exit', 2),
             (2, 1, 'Home', 1), (2, 2, 'Home', 2), (2, 3, 'Gift', 1), (2, 4, 'Basket', 2),
             (3, 1, 'Gift', 1), (3, 2, 'Home', 1), (3, 3, 'Gift', 2), (3, 4, 'Basket', 1)) v (id, n, page, ref);
SELECT id, next_event(at, page, 'forward', 'head', page = 'Home', page = 'Home', page = 'Gift') AS head,
  next_event(at, page, 'backward', 'tail', page = 'Basket', page = 'Basket', page = 'Gift') AS tail,
  next_event(at, page, 'forward', 'first_match', page = 'Gift', page = 'Gift') AS first,
  next_event(at, page, page = 'Gift') AS short,
  next_event(at, page, 'forward', 'first_match', page = 'Gift', page = 'Gift', page = 'Home') AS first_home,
  next_event(at, page, 'backward', 'last_match', page = 'Gift', page = 'Gift') AS last,
  next_event(at, page, 'backward', 'last_match', page = 'Gift', page = 'Gift', page = 'Home') AS last_home,
  next_event(at, page, 'forward', 'head', ref = 'ref1', page = 'Gift') AS ref_head,
  next_event(at, page, 'backward', 'tail', ref = 'ref2', page = 'Basket') AS ref_tail,
  next_event(at, page, 'forward', 'first_match', ref = 'ref2', page = 'Gift') AS ref_first,
  next_event(at, page, 'backward', 'last_match', ref = 'ref2', page = 'Gift') AS ref_last,
  next_event(at, page, 'forward', 'first_match', NULL, page = 'Gift') AS no_base,
  next_event(at, page, page = 'Exit') AS after_exit
FROM flow GROUP BY id ORDER BY id;
SELECT next_event(at, page, true) AS no_rows FROM flow WHERE false;
SELECT next_event(at, page, VARIADIC array_fill(true, ARRAY[31])) AS longer_than_it FROM flow;
SELECT next_event(at, page, VARIADIC array_fill(true, ARRAY[32])) FROM flow;
SELECT next_event(at, page, VARIADIC '{}'::boolean[]) FROM flow;
SELECT next_event(at, page, VARIADIC NULL::boolean[]) FROM flow;
SELECT next_event(at, page, VARIADIC array_fill(true, ARRAY[id])) FROM flow;
SELECT next_event(at, page, 'forward', 'tail', true, true) FROM flow;
SELECT next_event(at, page, 'backward', 'head', true, true) FROM flow;
SELECT next_event(at, page, 'back', 'head', true, true) FROM flow;
SELECT next_event(at, page, 'forward', NULL, true, true) FROM flow;

-- attribution: a touch at the time of a conversion counts, one after it only for the next
CREATE TEMP TABLE touch (at timestamptz, channel text, converted boolean);
INSERT INTO touch VALUES ('2024-03-01Z', 'mail', false), ('2024-03-04Z', 'search', NULL), ('2024-03-08Z', 'mail', false),
  ('2024-03-08Z', NULL, true), ('2024-03-09Z', 'ad', false), ('2024-03-10Z', 'shop', true), ('2024-04-10Z', NULL, true),
  ('2024-04-11Z', 'ad', false), (NULL, 'ad', true), ('2024-03-05Z', NULL, false);
CREATE TEMP VIEW answer AS
  SELECT model, reuse, attribution(at, channel, converted, model, '7 days', NULL, reuse) AS credits
  FROM touch, unnest(ARRAY['first', 'last', 'linear', 'position', 'time_decay']) model, unnest(ARRAY[true, false]) reuse
  GROUP BY model, reuse;
SELECT model, reuse, converted_at::date, channel, round(credit::numeric, 4) AS credit
FROM answer, unnest(credits) WITH ORDINALITY c (converted_at, channel, credit, n) ORDER BY model, reuse, n;
SELECT attribution(at, channel, converted, 'last', NULL) AS without_end,
  attribution(at, channel, converted, 'last', '30 days 23:59:59') AS outside,
  attribution(at, channel, converted, 'last', '31 days') AS inclusive
FROM touch WHERE channel = 'shop' OR at > '2024-04-01';
SELECT attribution(at, channel, false, 'last', NULL) AS no_conversion FROM touch;
SELECT attribution(at, channel, true, 'last', NULL) AS no_rows FROM touch WHERE false;
-- one touch, two, far ones, both ends of time
SELECT model, attribution(at, channel, converted, model, NULL)
FROM (VALUES (timestamptz '-infinity', 'a', false), ('2024-01-01Z', 'a', true), ('infinity', 'b', false), ('infinity', NULL, true)) v (at, channel, converted),
  unnest(ARRAY['first', 'last', 'linear', 'position', 'time_decay']) model GROUP BY model ORDER BY model;
SELECT attribution(at, channel, converted, NULL, '1 day') FROM touch;
SELECT attribution(at, channel, converted, 'middle', '1 day') FROM touch;
SELECT attribution(at, channel, converted, 'last', '1 month') FROM touch;
SELECT attribution(at, channel, converted, 'last', '-1 day') FROM touch;
SELECT attribution(at, channel, converted, 'time_decay', '1 day', '0', true) FROM touch;
SELECT attribution(at, channel, converted, 'last', '1 day', NULL, NULL) FROM touch;
SELECT attribution(now(), CASE WHEN i = 1 THEN repeat('x', 1000000) END, true, 'last', NULL) FROM generate_series(1, 70) i;

-- retained: any order, null is false
SELECT retained(event = 'cart', event = 'buy', event = 'home', event = 'none') FROM visit WHERE visitor = 2;
SELECT retained(event = 'none', event = 'buy') AS without_first, retained(NULL, true) AS nulls, retained(true) AS one FROM visit;
SELECT retained(VARIADIC (SELECT array_agg(i = j ORDER BY j) FROM generate_series(1, 64) j)) = array_fill(true, ARRAY[64]) AS all_64
FROM generate_series(1, 64) i;
SELECT retained(true) IS NULL AS no_rows FROM visit WHERE false;
SELECT retained(VARIADIC array_fill(true, ARRAY[65])) FROM visit;
SELECT retained(VARIADIC '{}'::boolean[]) FROM visit;
SELECT retained(VARIADIC NULL::boolean[]) FROM visit;
SELECT retained(VARIADIC array_fill(true, ARRAY[visitor])) FROM visit;

-- 10,000 random journeys: few times, few names, some rows alike
SELECT setseed(0.42);
SET work_mem = '64MB';
CREATE TEMP TABLE drawn AS
  SELECT journey, journey % 10 AS part, to_timestamp((random() * 12)::integer) AS at, chr(97 + (random() * 3)::integer) AS event,
    random() < 0.25 AS converted, random() < 0.7 AS base
  FROM generate_series(1, 10000) journey, generate_series(1, 1 + journey % 9);
CREATE TABLE random_event AS SELECT * FROM drawn ORDER BY random();
CREATE INDEX ON random_event (journey);
ANALYZE random_event;
CREATE TEMP TABLE numbered AS
  SELECT *, row_number() OVER (PARTITION BY journey ORDER BY at, event COLLATE "C", base) AS n,
    count(*) OVER (PARTITION BY journey) AS events,
    max(at) FILTER (WHERE converted) OVER (PARTITION BY journey ORDER BY at GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS converted_before
  FROM random_event;
ANALYZE numbered;

-- sessionize and sessions
CREATE TEMP TABLE session AS
  SELECT journey, at, 1 + count(*) FILTER (WHERE begins) OVER (PARTITION BY journey ORDER BY at ROWS UNBOUNDED PRECEDING) AS session, ours
  FROM (SELECT journey, at, at - lag(at) OVER w > journey % 4 * interval '1 second' AS begins,
          sessionize(at, journey % 4 * interval '1 second') OVER w AS ours
        FROM random_event WINDOW w AS (PARTITION BY journey ORDER BY at)) e;
SELECT count(*) > 40000 AS rows, count(DISTINCT (journey, session)) > 20000 AS sessions, count(*) FILTER (WHERE session <> ours) AS wrong
FROM session;
CREATE TEMP TABLE ours AS
  SELECT journey, (sessions(at, journey % 4 * interval '1 second')).* FROM random_event GROUP BY journey;
SELECT count(*) AS journeys, count(*) FILTER (WHERE ours IS DISTINCT FROM theirs) AS wrong
FROM (SELECT journey, row(sessions, events, bounces, total_duration, longest_duration, first_at, last_at) AS ours FROM ours) o
FULL JOIN (
  SELECT journey, row(count(*)::integer, sum(events)::integer, (count(*) FILTER (WHERE events = 1))::integer, sum(ends - begins), max(ends - begins), min(begins), max(ends)) AS theirs
  FROM (SELECT journey, count(*) AS events, min(at) AS begins, max(at) AS ends FROM session GROUP BY journey, session) s
  GROUP BY journey) t USING (journey);

-- path
CREATE TEMP TABLE way AS
  SELECT row_number() OVER () AS way, * FROM (VALUES (NULL, 'first'), ('b', 'first'), ('b', 'last')) a (anchor, anchor_at),
    unnest(ARRAY['from', 'to']) direction, unnest(ARRAY[true, false]) collapse;
CREATE TEMP TABLE our_path AS
  SELECT way, journey, path(at, event, nullif(journey % 5, 0), collapse, anchor, anchor_at, direction) AS ours
  FROM way, random_event GROUP BY way, journey;
CREATE TEMP TABLE their_path AS
WITH placed AS (
  SELECT w.*, journey, CASE WHEN anchor IS NULL THEN CASE direction WHEN 'from' THEN 1 ELSE events END
    WHEN anchor_at = 'first' THEN min(n) FILTER (WHERE event = anchor) ELSE max(n) FILTER (WHERE event = anchor) END AS place
  FROM way w, numbered GROUP BY way, anchor, anchor_at, direction, collapse, journey, events
), cut AS (
  SELECT way, direction, collapse, journey, n, event, lag(event) OVER (PARTITION BY way, journey ORDER BY n) AS before
  FROM placed JOIN numbered USING (journey) WHERE CASE direction WHEN 'from' THEN n >= place ELSE n <= place END
), kept AS (
  SELECT *, row_number() OVER (PARTITION BY way, journey ORDER BY CASE direction WHEN 'from' THEN n ELSE -n END) AS position
  FROM cut WHERE NOT collapse OR before IS DISTINCT FROM event
)
SELECT way, journey, array_agg(event ORDER BY n) AS theirs
FROM kept WHERE position <= coalesce(nullif(journey % 5, 0), 100) GROUP BY way, journey;
SELECT anchor, anchor_at, direction, collapse, count(*) AS journeys, count(theirs) > 4000 AS paths,
  count(*) FILTER (WHERE ours IS DISTINCT FROM coalesce(theirs, '{}')) AS wrong
FROM way JOIN our_path USING (way) LEFT JOIN their_path USING (way, journey) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
SELECT count(*) FILTER (WHERE three <> long OR whole <> all_of_it) AS wrong
FROM (SELECT path(at, event, 3) AS three, path(at, event, 3, true, NULL, 'last', 'from') AS long,
        path(at, event) AS whole, path(at, event, NULL, true, NULL, 'first', 'to') AS all_of_it
      FROM random_event GROUP BY journey) p;

-- next_event
CREATE TEMP TABLE direction (direction text, base text);
INSERT INTO direction VALUES ('forward', 'head'), ('forward', 'first_match'), ('forward', 'last_match'),
  ('backward', 'tail'), ('backward', 'first_match'), ('backward', 'last_match');
CREATE TEMP TABLE our_next AS
  SELECT d.direction, d.base, journey, next_event(at, event, d.direction, d.base, e.base, event IN ('a', 'b')) AS ours
  FROM direction d, random_event e WHERE journey % 3 = 0 GROUP BY 1, 2, 3
  UNION ALL
  SELECT d.direction, d.base, journey, next_event(at, event, d.direction, d.base, e.base, event IN ('a', 'b'), event IN ('b', 'c'))
  FROM direction d, random_event e WHERE journey % 3 = 1 GROUP BY 1, 2, 3
  UNION ALL
  SELECT d.direction, d.base, journey, next_event(at, event, d.direction, d.base, e.base, event IN ('a', 'b'), event IN ('b', 'c'), event <> 'a')
  FROM direction d, random_event e WHERE journey % 3 = 2 GROUP BY 1, 2, 3;
CREATE TEMP TABLE their_next AS
WITH placed AS (
  SELECT direction, d.base, journey, CASE d.base WHEN 'head' THEN min(n) FILTER (WHERE n = 1 AND e.base) WHEN 'tail' THEN max(n) FILTER (WHERE n = events AND e.base)
    WHEN 'first_match' THEN min(n) FILTER (WHERE e.base AND event IN ('a', 'b')) ELSE max(n) FILTER (WHERE e.base AND event IN ('a', 'b')) END AS place
  FROM direction d, numbered e GROUP BY 1, 2, 3
), chain AS (
  SELECT p.*, e.event, CASE direction WHEN 'forward' THEN n - place ELSE place - n END AS step FROM placed p JOIN numbered e USING (journey)
)
SELECT direction, base, journey, CASE WHEN count(*) FILTER (WHERE step = 0 AND event IN ('a', 'b') OR step = 1 AND journey % 3 >= 1 AND event IN ('b', 'c') OR step = 2 AND journey % 3 = 2 AND event <> 'a') = 1 + journey % 3
  THEN max(event) FILTER (WHERE step = 1 + journey % 3) END AS theirs
FROM chain GROUP BY 1, 2, 3;
SELECT direction, base, count(*) AS journeys, count(theirs) > 200 AS found, count(*) FILTER (WHERE ours IS DISTINCT FROM theirs) AS wrong
FROM our_next JOIN their_next USING (direction, base, journey) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FILTER (WHERE short IS DISTINCT FROM long) AS wrong
FROM (SELECT next_event(at, event, event IN ('a', 'b'), event IN ('b', 'c')) AS short,
        next_event(at, event, 'forward', 'first_match', true, event IN ('a', 'b'), event IN ('b', 'c')) AS long
      FROM random_event GROUP BY journey) n;

-- attribution: some rows are touches, some conversions, some both
CREATE TEMP TABLE our_answer AS
  SELECT model, reuse, journey, attribution(at, CASE WHEN event <> 'd' THEN event END, converted, model, '4 seconds', '3 seconds', reuse) AS credits
  FROM random_event, unnest(ARRAY['first', 'last', 'linear', 'position', 'time_decay']) model, unnest(ARRAY[true, false]) reuse
  GROUP BY 1, 2, 3;
CREATE TEMP TABLE our_credit AS
  SELECT model, reuse, journey, converted_at, coalesce(channel, 'none') AS channel, count(*) AS conversions, sum(credit) AS credit
  FROM our_answer, unnest(credits) GROUP BY 1, 2, 3, 4, 5;
CREATE TEMP TABLE their_credit AS
WITH pair AS (
  SELECT reuse, c.journey, c.n AS conversion, c.at AS converted_at, t.event AS channel, extract(epoch FROM c.at - t.at)::double precision AS age,
    row_number() OVER (PARTITION BY reuse, c.journey, c.n ORDER BY t.at, t.event COLLATE "C") AS first,
    row_number() OVER (PARTITION BY reuse, c.journey, c.n ORDER BY t.at DESC, t.event COLLATE "C" DESC) AS last,
    count(t.at) OVER (PARTITION BY reuse, c.journey, c.n) AS touches
  FROM unnest(ARRAY[true, false]) reuse CROSS JOIN numbered c
  LEFT JOIN random_event t ON t.journey = c.journey AND t.event <> 'd' AND t.at BETWEEN c.at - interval '4 seconds' AND c.at
    AND (reuse OR c.converted_before IS NULL OR t.at > c.converted_before)
  WHERE c.converted
), weighed AS (
  SELECT *, CASE model WHEN 'first' THEN (first = 1)::integer WHEN 'last' THEN (last = 1)::integer WHEN 'linear' THEN 1
    WHEN 'position' THEN CASE WHEN touches <= 2 THEN 1 WHEN first = 1 OR last = 1 THEN 0.4 ELSE 0.2 / (touches - 2) END
    ELSE 0.5 ^ (coalesce(age, 0) / 3) END AS weight
  FROM pair, unnest(ARRAY['first', 'last', 'linear', 'position', 'time_decay']) model
)
SELECT model, reuse, journey, converted_at, coalesce(channel, 'none') AS channel, count(DISTINCT conversion) AS conversions, sum(credit) AS credit
FROM (SELECT *, weight / sum(weight) OVER (PARTITION BY model, reuse, journey, conversion) AS credit FROM weighed) w
WHERE credit > 0 GROUP BY 1, 2, 3, 4, 5;
SELECT model, reuse, count(DISTINCT journey) > 6000 AS journeys, count(*) > 10000 AS credits,
  count(*) FILTER (WHERE (o.conversions = t.conversions AND abs(o.credit - t.credit) < 1e-12) IS NOT TRUE) AS wrong
FROM our_credit o FULL JOIN their_credit t USING (model, reuse, journey, converted_at, channel) GROUP BY 1, 2 ORDER BY 1, 2;
-- the credits of a conversion sum to 1, those of all to their number
SELECT sum(credit) - (SELECT 10 * count(*) FROM random_event WHERE converted) BETWEEN -1e-6 AND 1e-6 AS all_of_them FROM our_credit;
SELECT count(*) > 20000 AS alone, max(abs(credits - 1)) < 2.3e-16 AS one
FROM (SELECT sum(c.credit ORDER BY n) AS credits FROM our_answer a, unnest(credits) WITH ORDINALITY c (converted_at, channel, credit, n)
      WHERE journey IN (SELECT journey FROM random_event WHERE converted GROUP BY journey HAVING count(*) = 1) GROUP BY model, reuse, journey) s;

-- retained
SELECT count(*) AS journeys, count(*) FILTER (WHERE ours <> theirs) AS wrong FROM (
  SELECT retained(event = 'b', event = 'a', converted, base AND event = 'c') AS ours,
    ARRAY[bool_or(event = 'b'), bool_or(event = 'b') AND bool_or(event = 'a'), bool_or(event = 'b') AND bool_or(converted), bool_or(event = 'b') AND bool_or(base AND event = 'c')] AS theirs
  FROM random_event GROUP BY journey) r;

-- in parts by workers, and in another order: the same
CREATE TEMP VIEW everything AS
  SELECT part, sessions(at + journey * interval '20 seconds', '3 seconds') AS sessions,
    path(at + journey * interval '20 seconds', event || journey % 40, 50, true, 'b' || part, 'last', 'from') AS path,
    next_event(at + journey * interval '20 seconds', event || journey % 40, 'backward', 'last_match', base, event = 'b', converted) AS next,
    attribution(at + journey * interval '20 seconds', event || journey % 40, converted, 'time_decay', '60 seconds', '1 second', true) AS credits,
    retained(journey < 20 AND base, journey = 9999) AS retention
  FROM random_event GROUP BY part;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET enable_sort = off; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT * FROM everything;
CREATE TEMP TABLE parts AS SELECT * FROM everything;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) AS parts, max(cardinality(e.path)) AS path, min(cardinality(e.credits)) > 1000 AS credits, count(e.next) > 0 AS next, count(*) FILTER (WHERE e.retention[2]) AS retained,
  count(*) FILTER (WHERE p IS DISTINCT FROM e) AS different
FROM parts p FULL JOIN everything e USING (part);
CREATE TEMP TABLE other AS SELECT * FROM random_event;
TRUNCATE random_event;
INSERT INTO random_event SELECT * FROM other ORDER BY at DESC, event DESC, converted, base, journey DESC;
SELECT count(*) AS parts, count(*) FILTER (WHERE p IS DISTINCT FROM e) AS different FROM parts p FULL JOIN everything e USING (part);
DROP TABLE visit, random_event CASCADE;
