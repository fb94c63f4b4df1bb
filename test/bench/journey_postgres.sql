-- Plain SQL over %t (subject, at, event), read by journey.sh: after a line that
-- begins with --# come the work and what the form is called.  A form `oracle`
-- is the definition of its work, slow and obvious, and is asked of the sample
-- only; one called `wrong: …` is timed and compared, and expected to differ.
-- `index: …` makes no sense without the covering indexes.
--
-- The works:
--   funnel3   subjects who did home; then cart; then buy; each at the time of
--             the one before or later, buy at most a day after home
--   funnel5   home, search, product, cart, buy likewise
--   sessions  a pause of more than 30 minutes ends one: how many there are, mean
--             duration in milliseconds, how many of a single event
--   paths     the first five events of each subject by time and, at one time, by
--             name; the 20 most frequent paths with the number of subjects
--   edges     from one event of a subject to the next in that order: how often,
--             by how many subjects
--   weeks     subjects by the week of their first event (from Monday, UTC) and
--             how many weeks later they had any event

--# funnel3: oracle
WITH RECURSIVE step (n, event) AS (VALUES (2, 'cart'), (3, 'buy')),
chain AS (
  SELECT subject, at AS begun, at, 1 AS n FROM %t WHERE event = 'home'
  UNION
  SELECT c.subject, c.begun, e.at, s.n FROM chain c JOIN step s ON s.n = c.n + 1 JOIN %t e ON e.subject = c.subject
  WHERE e.event = s.event AND e.at >= c.at AND e.at <= c.begun + interval '1 day')
SELECT count(DISTINCT subject), count(DISTINCT subject) FILTER (WHERE n > 1), count(DISTINCT subject) FILTER (WHERE n > 2)
FROM chain

--# funnel3: windows
WITH a AS (
  SELECT subject, at, event, max(at) FILTER (WHERE event = 'home') OVER w AS begun
  FROM %t WHERE event IN ('home', 'cart', 'buy') WINDOW w AS (PARTITION BY subject ORDER BY at)),
b AS (
  SELECT subject, at, event, begun,
    max(begun) FILTER (WHERE event = 'cart' AND at <= begun + interval '1 day') OVER w AS begun2
  FROM a WINDOW w AS (PARTITION BY subject ORDER BY at)),
reached AS (
  SELECT max(CASE WHEN event = 'buy' AND at <= begun2 + interval '1 day' THEN 3
                  WHEN begun2 IS NOT NULL THEN 2 ELSE 1 END) AS n
  FROM b WHERE begun IS NOT NULL GROUP BY subject)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2) FROM reached

--# funnel3: windows over rows
WITH e AS (
  SELECT subject, at, CASE event WHEN 'home' THEN 1 WHEN 'cart' THEN 2 ELSE 3 END AS step
  FROM %t WHERE event IN ('home', 'cart', 'buy')),
a AS (
  SELECT subject, at, step, max(at) FILTER (WHERE step = 1) OVER w AS begun
  FROM e WINDOW w AS (PARTITION BY subject ORDER BY at, step ROWS UNBOUNDED PRECEDING)),
b AS (
  SELECT subject, at, step, begun, max(begun) FILTER (WHERE step = 2 AND at <= begun + interval '1 day') OVER w AS begun2
  FROM a WINDOW w AS (PARTITION BY subject ORDER BY at, step ROWS UNBOUNDED PRECEDING)),
reached AS (
  SELECT max(CASE WHEN step = 3 AND at <= begun2 + interval '1 day' THEN 3
                  WHEN begun2 IS NOT NULL THEN 2 ELSE 1 END) AS n
  FROM b WHERE begun IS NOT NULL GROUP BY subject)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2) FROM reached

--# funnel3: joins
SELECT (SELECT count(*) FROM (SELECT DISTINCT subject FROM %t WHERE event = 'home') a),
  (SELECT count(*) FROM (
    SELECT DISTINCT a.subject FROM %t a JOIN %t b ON b.subject = a.subject AND b.at BETWEEN a.at AND a.at + interval '1 day'
    WHERE a.event = 'home' AND b.event = 'cart') b),
  (SELECT count(*) FROM (
    SELECT DISTINCT a.subject FROM %t a JOIN %t b ON b.subject = a.subject AND b.at BETWEEN a.at AND a.at + interval '1 day'
    JOIN %t c ON c.subject = a.subject AND c.at BETWEEN b.at AND a.at + interval '1 day'
    WHERE a.event = 'home' AND b.event = 'cart' AND c.event = 'buy') c)

--# funnel3: joins step by step
WITH a AS (SELECT subject, at AS begun FROM %t WHERE event = 'home'),
b AS (
  SELECT e.subject, max(begun) AS begun, e.at FROM a JOIN %t e USING (subject)
  WHERE e.event = 'cart' AND e.at BETWEEN begun AND begun + interval '1 day' GROUP BY e.subject, e.at),
c AS (
  SELECT DISTINCT e.subject FROM b JOIN %t e USING (subject)
  WHERE e.event = 'buy' AND e.at BETWEEN b.at AND begun + interval '1 day')
SELECT (SELECT count(*) FROM (SELECT DISTINCT subject FROM a) x), (SELECT count(*) FROM (SELECT DISTINCT subject FROM b) x),
  (SELECT count(*) FROM c)

--# funnel3: arrays
WITH g AS (
  SELECT array_agg(at) FILTER (WHERE event = 'home') AS a, array_agg(at) FILTER (WHERE event = 'cart') AS b,
    array_agg(at) FILTER (WHERE event = 'buy') AS c
  FROM %t WHERE event IN ('home', 'cart', 'buy') GROUP BY subject),
reached AS (
  SELECT CASE WHEN c IS NOT NULL AND EXISTS (
      SELECT FROM unnest(a) x, unnest(b) y, unnest(c) z WHERE y >= x AND z >= y AND z <= x + interval '1 day') THEN 3
    WHEN b IS NOT NULL AND EXISTS (
      SELECT FROM unnest(a) x, unnest(b) y WHERE y >= x AND y <= x + interval '1 day') THEN 2 ELSE 1 END AS n
  FROM g WHERE a IS NOT NULL)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2) FROM reached

--# funnel3: index: laterals
WITH chain AS (
  SELECT a.subject, b.at AS at2, c.at AS at3
  FROM %t a
  CROSS JOIN LATERAL (
    SELECT min(at) AS at FROM %t b WHERE b.event = 'cart' AND b.subject = a.subject
      AND b.at >= a.at AND b.at <= a.at + interval '1 day') b
  CROSS JOIN LATERAL (
    SELECT min(at) AS at FROM %t c WHERE c.event = 'buy' AND c.subject = a.subject
      AND c.at >= b.at AND c.at <= a.at + interval '1 day') c
  WHERE a.event = 'home'),
reached AS (SELECT max(at2) AS at2, max(at3) AS at3 FROM chain GROUP BY subject)
SELECT count(*), count(at2), count(at3) FROM reached

--# funnel3: recursive
WITH RECURSIVE step (n, event) AS (VALUES (2, 'cart'), (3, 'buy')),
chain AS (
  SELECT subject, at AS begun, at, 1 AS n FROM %t WHERE event = 'home'
  UNION ALL
  SELECT subject, begun, min(at), n FROM (
    SELECT c.subject, c.begun, e.at, s.n FROM chain c JOIN step s ON s.n = c.n + 1
    JOIN %t e ON e.subject = c.subject AND e.event = s.event AND e.at BETWEEN c.at AND c.begun + interval '1 day') x
  GROUP BY subject, begun, n),
reached AS (SELECT max(n) AS n FROM chain GROUP BY subject)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2) FROM reached

--# funnel3: wrong: join of first touches
SELECT count(*), count(b.at), count(c.at)
FROM (SELECT subject, min(at) AS at FROM %t WHERE event = 'home' GROUP BY subject) a
LEFT JOIN (SELECT subject, min(at) AS at FROM %t WHERE event = 'cart' GROUP BY subject) b
  ON b.subject = a.subject AND b.at >= a.at AND b.at <= a.at + interval '1 day'
LEFT JOIN (SELECT subject, min(at) AS at FROM %t WHERE event = 'buy' GROUP BY subject) c
  ON c.subject = a.subject AND c.at >= b.at AND c.at <= a.at + interval '1 day'

--# funnel5: oracle
WITH RECURSIVE step (n, event) AS (VALUES (2, 'search'), (3, 'product'), (4, 'cart'), (5, 'buy')),
chain AS (
  SELECT subject, at AS begun, at, 1 AS n FROM %t WHERE event = 'home'
  UNION
  SELECT c.subject, c.begun, e.at, s.n FROM chain c JOIN step s ON s.n = c.n + 1 JOIN %t e ON e.subject = c.subject
  WHERE e.event = s.event AND e.at >= c.at AND e.at <= c.begun + interval '1 day')
SELECT count(DISTINCT subject), count(DISTINCT subject) FILTER (WHERE n > 1), count(DISTINCT subject) FILTER (WHERE n > 2),
  count(DISTINCT subject) FILTER (WHERE n > 3), count(DISTINCT subject) FILTER (WHERE n > 4)
FROM chain

--# funnel5: windows
WITH a AS (
  SELECT subject, at, event, max(at) FILTER (WHERE event = 'home') OVER w AS begun
  FROM %t WHERE event IN ('home', 'search', 'product', 'cart', 'buy') WINDOW w AS (PARTITION BY subject ORDER BY at)),
b AS (
  SELECT subject, at, event, begun,
    max(begun) FILTER (WHERE event = 'search' AND at <= begun + interval '1 day') OVER w AS begun2
  FROM a WINDOW w AS (PARTITION BY subject ORDER BY at)),
c AS (
  SELECT subject, at, event, begun, begun2,
    max(begun2) FILTER (WHERE event = 'product' AND at <= begun2 + interval '1 day') OVER w AS begun3
  FROM b WINDOW w AS (PARTITION BY subject ORDER BY at)),
d AS (
  SELECT subject, at, event, begun, begun2, begun3,
    max(begun3) FILTER (WHERE event = 'cart' AND at <= begun3 + interval '1 day') OVER w AS begun4
  FROM c WINDOW w AS (PARTITION BY subject ORDER BY at)),
reached AS (
  SELECT max(CASE WHEN event = 'buy' AND at <= begun4 + interval '1 day' THEN 5 WHEN begun4 IS NOT NULL THEN 4
                  WHEN begun3 IS NOT NULL THEN 3 WHEN begun2 IS NOT NULL THEN 2 ELSE 1 END) AS n
  FROM d WHERE begun IS NOT NULL GROUP BY subject)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2), count(*) FILTER (WHERE n > 3),
  count(*) FILTER (WHERE n > 4) FROM reached

--# funnel5: windows over rows
WITH e AS (
  SELECT subject, at, CASE event WHEN 'home' THEN 1 WHEN 'search' THEN 2 WHEN 'product' THEN 3 WHEN 'cart' THEN 4 ELSE 5 END AS step
  FROM %t WHERE event IN ('home', 'search', 'product', 'cart', 'buy')),
a AS (
  SELECT subject, at, step, max(at) FILTER (WHERE step = 1) OVER w AS begun
  FROM e WINDOW w AS (PARTITION BY subject ORDER BY at, step ROWS UNBOUNDED PRECEDING)),
b AS (
  SELECT subject, at, step, begun, max(begun) FILTER (WHERE step = 2 AND at <= begun + interval '1 day') OVER w AS begun2
  FROM a WINDOW w AS (PARTITION BY subject ORDER BY at, step ROWS UNBOUNDED PRECEDING)),
c AS (
  SELECT subject, at, step, begun, begun2,
    max(begun2) FILTER (WHERE step = 3 AND at <= begun2 + interval '1 day') OVER w AS begun3
  FROM b WINDOW w AS (PARTITION BY subject ORDER BY at, step ROWS UNBOUNDED PRECEDING)),
d AS (
  SELECT subject, at, step, begun, begun2, begun3,
    max(begun3) FILTER (WHERE step = 4 AND at <= begun3 + interval '1 day') OVER w AS begun4
  FROM c WINDOW w AS (PARTITION BY subject ORDER BY at, step ROWS UNBOUNDED PRECEDING)),
reached AS (
  SELECT max(CASE WHEN step = 5 AND at <= begun4 + interval '1 day' THEN 5 WHEN begun4 IS NOT NULL THEN 4
                  WHEN begun3 IS NOT NULL THEN 3 WHEN begun2 IS NOT NULL THEN 2 ELSE 1 END) AS n
  FROM d WHERE begun IS NOT NULL GROUP BY subject)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2), count(*) FILTER (WHERE n > 3),
  count(*) FILTER (WHERE n > 4) FROM reached

--# funnel5: joins
SELECT (SELECT count(*) FROM (SELECT DISTINCT subject FROM %t WHERE event = 'home') a),
  (SELECT count(*) FROM (
    SELECT DISTINCT a.subject FROM %t a JOIN %t b ON b.subject = a.subject AND b.at BETWEEN a.at AND a.at + interval '1 day'
    WHERE a.event = 'home' AND b.event = 'search') b),
  (SELECT count(*) FROM (
    SELECT DISTINCT a.subject FROM %t a JOIN %t b ON b.subject = a.subject AND b.at BETWEEN a.at AND a.at + interval '1 day'
    JOIN %t c ON c.subject = a.subject AND c.at BETWEEN b.at AND a.at + interval '1 day'
    WHERE a.event = 'home' AND b.event = 'search' AND c.event = 'product') c),
  (SELECT count(*) FROM (
    SELECT DISTINCT a.subject FROM %t a JOIN %t b ON b.subject = a.subject AND b.at BETWEEN a.at AND a.at + interval '1 day'
    JOIN %t c ON c.subject = a.subject AND c.at BETWEEN b.at AND a.at + interval '1 day'
    JOIN %t d ON d.subject = a.subject AND d.at BETWEEN c.at AND a.at + interval '1 day'
    WHERE a.event = 'home' AND b.event = 'search' AND c.event = 'product' AND d.event = 'cart') d),
  (SELECT count(*) FROM (
    SELECT DISTINCT a.subject FROM %t a JOIN %t b ON b.subject = a.subject AND b.at BETWEEN a.at AND a.at + interval '1 day'
    JOIN %t c ON c.subject = a.subject AND c.at BETWEEN b.at AND a.at + interval '1 day'
    JOIN %t d ON d.subject = a.subject AND d.at BETWEEN c.at AND a.at + interval '1 day'
    JOIN %t e ON e.subject = a.subject AND e.at BETWEEN d.at AND a.at + interval '1 day'
    WHERE a.event = 'home' AND b.event = 'search' AND c.event = 'product' AND d.event = 'cart' AND e.event = 'buy') e)

--# funnel5: joins step by step
WITH a AS (SELECT subject, at AS begun FROM %t WHERE event = 'home'),
b AS (
  SELECT e.subject, max(begun) AS begun, e.at FROM a JOIN %t e USING (subject)
  WHERE e.event = 'search' AND e.at BETWEEN begun AND begun + interval '1 day' GROUP BY e.subject, e.at),
c AS (
  SELECT e.subject, max(begun) AS begun, e.at FROM b JOIN %t e USING (subject)
  WHERE e.event = 'product' AND e.at BETWEEN b.at AND begun + interval '1 day' GROUP BY e.subject, e.at),
d AS (
  SELECT e.subject, max(begun) AS begun, e.at FROM c JOIN %t e USING (subject)
  WHERE e.event = 'cart' AND e.at BETWEEN c.at AND begun + interval '1 day' GROUP BY e.subject, e.at),
f AS (
  SELECT DISTINCT e.subject FROM d JOIN %t e USING (subject)
  WHERE e.event = 'buy' AND e.at BETWEEN d.at AND begun + interval '1 day')
SELECT (SELECT count(*) FROM (SELECT DISTINCT subject FROM a) x), (SELECT count(*) FROM (SELECT DISTINCT subject FROM b) x),
  (SELECT count(*) FROM (SELECT DISTINCT subject FROM c) x), (SELECT count(*) FROM (SELECT DISTINCT subject FROM d) x),
  (SELECT count(*) FROM f)

--# funnel5: arrays
WITH g AS (
  SELECT array_agg(at) FILTER (WHERE event = 'home') AS a, array_agg(at) FILTER (WHERE event = 'search') AS b,
    array_agg(at) FILTER (WHERE event = 'product') AS c, array_agg(at) FILTER (WHERE event = 'cart') AS d,
    array_agg(at) FILTER (WHERE event = 'buy') AS e
  FROM %t WHERE event IN ('home', 'search', 'product', 'cart', 'buy') GROUP BY subject),
reached AS (
  SELECT (SELECT max(CASE
      WHEN EXISTS (SELECT FROM unnest(b) y, unnest(c) z, unnest(d) u, unnest(e) v
                   WHERE y >= x AND z >= y AND u >= z AND v >= u AND v <= x + interval '1 day') THEN 5
      WHEN EXISTS (SELECT FROM unnest(b) y, unnest(c) z, unnest(d) u
                   WHERE y >= x AND z >= y AND u >= z AND u <= x + interval '1 day') THEN 4
      WHEN EXISTS (SELECT FROM unnest(b) y, unnest(c) z WHERE y >= x AND z >= y AND z <= x + interval '1 day') THEN 3
      WHEN EXISTS (SELECT FROM unnest(b) y WHERE y >= x AND y <= x + interval '1 day') THEN 2 ELSE 1 END)
    FROM unnest(a) x) AS n
  FROM g WHERE a IS NOT NULL)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2), count(*) FILTER (WHERE n > 3),
  count(*) FILTER (WHERE n > 4) FROM reached

--# funnel5: index: laterals
WITH chain AS (
  SELECT a.subject, b.at AS at2, c.at AS at3, d.at AS at4, e.at AS at5
  FROM %t a
  CROSS JOIN LATERAL (
    SELECT min(at) AS at FROM %t b WHERE b.event = 'search' AND b.subject = a.subject
      AND b.at >= a.at AND b.at <= a.at + interval '1 day') b
  CROSS JOIN LATERAL (
    SELECT min(at) AS at FROM %t c WHERE c.event = 'product' AND c.subject = a.subject
      AND c.at >= b.at AND c.at <= a.at + interval '1 day') c
  CROSS JOIN LATERAL (
    SELECT min(at) AS at FROM %t d WHERE d.event = 'cart' AND d.subject = a.subject
      AND d.at >= c.at AND d.at <= a.at + interval '1 day') d
  CROSS JOIN LATERAL (
    SELECT min(at) AS at FROM %t e WHERE e.event = 'buy' AND e.subject = a.subject
      AND e.at >= d.at AND e.at <= a.at + interval '1 day') e
  WHERE a.event = 'home'),
reached AS (SELECT max(at2) AS at2, max(at3) AS at3, max(at4) AS at4, max(at5) AS at5 FROM chain GROUP BY subject)
SELECT count(*), count(at2), count(at3), count(at4), count(at5) FROM reached

--# sessions: oracle
WITH e AS (
  SELECT subject, at, NOT EXISTS (
    SELECT FROM %t p WHERE p.subject = e.subject AND p.ctid <> e.ctid AND p.at >= e.at - interval '30 minutes'
      AND (p.at < e.at OR p.at = e.at AND p.ctid < e.ctid)) AS begins
  FROM %t e),
s AS (
  SELECT subject, at AS begun, lead(at) OVER (PARTITION BY subject ORDER BY at) AS until FROM e WHERE begins),
one AS (
  SELECT max(e.at) - begun AS duration, count(*) AS events
  FROM s JOIN e ON e.subject = s.subject AND e.at >= begun AND (until IS NULL OR e.at < until) GROUP BY s.subject, begun)
SELECT count(*), round(avg(1000 * extract(epoch FROM duration)))::bigint, count(*) FILTER (WHERE events = 1) FROM one

--# sessions: running sum
SELECT count(*), round(1000 * extract(epoch FROM avg(duration)))::bigint, count(*) FILTER (WHERE events = 1)
FROM (
  SELECT max(at) - min(at) AS duration, count(*) AS events
  FROM (
    SELECT subject, at, count(*) FILTER (WHERE begins) OVER (PARTITION BY subject ORDER BY at) AS session
    FROM (
      SELECT subject, at, (lag(at) OVER (PARTITION BY subject ORDER BY at) < at - interval '30 minutes') IS NOT FALSE AS begins
      FROM %t) b) s
  GROUP BY subject, session) x

--# sessions: both neighbours
SELECT count(*) FILTER (WHERE begins),
  round(1000 * extract(epoch FROM sum(at - before) FILTER (WHERE NOT begins)) / count(*) FILTER (WHERE begins))::bigint,
  count(*) FILTER (WHERE begins AND ends)
FROM (
  SELECT at, before, (before < at - interval '30 minutes') IS NOT FALSE AS begins,
    (after > at + interval '30 minutes') IS NOT FALSE AS ends
  FROM (
    SELECT at, lag(at) OVER w AS before, lead(at) OVER w AS after
    FROM %t WINDOW w AS (PARTITION BY subject ORDER BY at)) n) b

--# sessions: both neighbours, numbers
SELECT count(*) FILTER (WHERE begins), round(1000 * (sum(at - before) FILTER (WHERE NOT begins) / count(*) FILTER (WHERE begins)))::bigint,
  count(*) FILTER (WHERE begins AND (after - at > 1800) IS NOT FALSE)
FROM (
  SELECT at, before, (at - before > 1800) IS NOT FALSE AS begins, after
  FROM (
    SELECT at, lag(at) OVER w AS before, lead(at) OVER w AS after
    FROM (SELECT subject, date_part('epoch', at) AS at FROM %t) e WINDOW w AS (PARTITION BY subject ORDER BY at)) n) b

--# paths: oracle
SELECT path, count(*) FROM (
  SELECT (SELECT string_agg(event, '>' ORDER BY at, event) FROM (
    SELECT at, event FROM %t e WHERE e.subject = s.subject ORDER BY at, event LIMIT 5) f) AS path
  FROM (SELECT DISTINCT subject FROM %t) s) p
GROUP BY path ORDER BY count(*) DESC, path COLLATE "C" LIMIT 20

--# paths: row_number
SELECT path, count(*) FROM (
  SELECT string_agg(event, '>' ORDER BY at, event) AS path
  FROM (SELECT subject, at, event, row_number() OVER (PARTITION BY subject ORDER BY at, event) AS n FROM %t) e
  WHERE n <= 5 GROUP BY subject) p
GROUP BY path ORDER BY count(*) DESC, path COLLATE "C" LIMIT 20

--# paths: four leads
SELECT concat_ws('>', event, e2, e3, e4, e5) AS path, n FROM (
  SELECT event, e2, e3, e4, e5, count(*) AS n FROM (
    SELECT event, lead(event, 1) OVER w AS e2, lead(event, 2) OVER w AS e3, lead(event, 3) OVER w AS e4, lead(event, 4) OVER w AS e5,
      row_number() OVER w AS place
    FROM %t WINDOW w AS (PARTITION BY subject ORDER BY at, event)) e
  WHERE place = 1 GROUP BY event, e2, e3, e4, e5) p
ORDER BY n DESC, 1 LIMIT 20

--# paths: array
SELECT array_to_string(path, '>') AS path, count(*) FROM (
  SELECT (array_agg(event ORDER BY at, event))[1:5] AS path FROM %t GROUP BY subject) p
GROUP BY p.path ORDER BY count(*) DESC, 1 LIMIT 20

--# paths: index: from subject to subject
WITH RECURSIVE s AS (
  (SELECT subject FROM %t ORDER BY subject LIMIT 1)
  UNION ALL
  SELECT (SELECT e.subject FROM %t e WHERE e.subject > s.subject ORDER BY e.subject LIMIT 1) FROM s WHERE s.subject IS NOT NULL)
SELECT path, count(*) FROM (
  SELECT (SELECT string_agg(event, '>') FROM (
    SELECT event FROM %t e WHERE e.subject = s.subject ORDER BY at, event LIMIT 5) f) AS path
  FROM s WHERE subject IS NOT NULL) p
GROUP BY path ORDER BY count(*) DESC, path COLLATE "C" LIMIT 20

--# edges: oracle
SELECT event, next, count(*), count(DISTINCT subject) FROM (
  SELECT subject, event, (
    SELECT f.event FROM %t f WHERE f.subject = e.subject
      AND (f.at, f.event) >= (e.at, e.event) AND f.ctid <> e.ctid AND ((f.at, f.event) > (e.at, e.event) OR f.ctid > e.ctid)
    ORDER BY f.at, f.event, f.ctid LIMIT 1) AS next
  FROM %t e) x
WHERE next IS NOT NULL GROUP BY event, next

--# edges: distinct
SELECT event, next, count(*), count(DISTINCT subject)
FROM (SELECT subject, event, lead(event) OVER (PARTITION BY subject ORDER BY at, event) AS next FROM %t) e
WHERE next IS NOT NULL GROUP BY event, next

--# edges: group twice
SELECT event, next, sum(n)::bigint, count(*)
FROM (
  SELECT event, next, count(*) AS n
  FROM (SELECT subject, event, lead(event) OVER (PARTITION BY subject ORDER BY at, event) AS next FROM %t) e
  WHERE next IS NOT NULL GROUP BY subject, event, next) s
GROUP BY event, next

--# weeks: oracle
SELECT cohort, (e.week - cohort) / 7, count(DISTINCT e.subject)
FROM (SELECT subject, date_trunc('week', min(at))::date AS cohort FROM %t GROUP BY subject) c
JOIN (SELECT subject, date_trunc('week', at)::date AS week FROM %t) e USING (subject)
GROUP BY 1, 2

--# weeks: distinct
WITH w AS (SELECT DISTINCT subject, (at::date - date '2025-12-29') / 7 AS week FROM %t),
c AS (SELECT week, min(week) OVER (PARTITION BY subject) AS cohort FROM w)
SELECT date '2025-12-29' + 7 * cohort, week - cohort, count(*) FROM c GROUP BY cohort, week

--# weeks: first week joined
WITH w AS MATERIALIZED (SELECT subject, (at::date - date '2025-12-29') / 7 AS week FROM %t GROUP BY 1, 2),
c AS (SELECT subject, min(week) AS cohort FROM w GROUP BY subject)
SELECT date '2025-12-29' + 7 * cohort, week - cohort, count(*) FROM w JOIN c USING (subject) GROUP BY cohort, week

--# weeks: bits
WITH s AS (
  SELECT bit_or(1::bigint << (at::date - date '2025-12-29') / 7) AS weeks FROM %t GROUP BY subject),
m AS (SELECT weeks, count(*) AS n FROM s GROUP BY weeks),
b AS (SELECT n, week, min(week) OVER (PARTITION BY weeks) AS cohort
      FROM m, generate_series(0, 20) week WHERE weeks >> week & 1 = 1)
SELECT date '2025-12-29' + 7 * cohort, week - cohort, sum(n)::bigint FROM b GROUP BY cohort, week
