-- The works of journey_postgres.sql for DuckDB, over events (subject INTEGER,
-- moment TIMESTAMP, event an ENUM in the order of the names' bytes).

--# funnel3: windows
WITH a AS (
  SELECT subject, moment, event, max(moment) FILTER (WHERE event = 'home') OVER w AS begun
  FROM events WHERE event IN ('home', 'cart', 'buy') WINDOW w AS (PARTITION BY subject ORDER BY moment)),
b AS (
  SELECT subject, moment, event, begun,
    max(begun) FILTER (WHERE event = 'cart' AND moment <= begun + INTERVAL 1 DAY) OVER w AS begun2
  FROM a WINDOW w AS (PARTITION BY subject ORDER BY moment)),
reached AS (
  SELECT max(CASE WHEN event = 'buy' AND moment <= begun2 + INTERVAL 1 DAY THEN 3 WHEN begun2 IS NOT NULL THEN 2 ELSE 1 END) AS n
  FROM b WHERE begun IS NOT NULL GROUP BY subject)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2) FROM reached

--# funnel3: as-of joins
WITH b AS (
  SELECT e.subject, e.moment, a.moment AS begun
  FROM (SELECT subject, moment FROM events WHERE event = 'cart') e
  ASOF JOIN (SELECT subject, moment FROM events WHERE event = 'home') a ON a.subject = e.subject AND e.moment >= a.moment
  WHERE e.moment <= a.moment + INTERVAL 1 DAY),
c AS (
  SELECT DISTINCT e.subject
  FROM (SELECT subject, moment FROM events WHERE event = 'buy') e
  ASOF JOIN b ON b.subject = e.subject AND e.moment >= b.moment
  WHERE e.moment <= b.begun + INTERVAL 1 DAY)
SELECT (SELECT count(DISTINCT subject) FROM events WHERE event = 'home'), (SELECT count(DISTINCT subject) FROM b),
  (SELECT count(*) FROM c)

--# funnel3: joins
SELECT (SELECT count(DISTINCT subject) FROM events WHERE event = 'home'),
  (SELECT count(DISTINCT a.subject) FROM events a JOIN events b ON b.subject = a.subject
     AND b.moment >= a.moment AND b.moment <= a.moment + INTERVAL 1 DAY WHERE a.event = 'home' AND b.event = 'cart'),
  (SELECT count(DISTINCT a.subject) FROM events a JOIN events b ON b.subject = a.subject
     AND b.moment >= a.moment AND b.moment <= a.moment + INTERVAL 1 DAY
     JOIN events c ON c.subject = a.subject AND c.moment >= b.moment AND c.moment <= a.moment + INTERVAL 1 DAY
     WHERE a.event = 'home' AND b.event = 'cart' AND c.event = 'buy')

--# funnel3: joins step by step
WITH a AS (SELECT subject, moment AS begun FROM events WHERE event = 'home'),
b AS (
  SELECT e.subject, max(begun) AS begun, e.moment FROM a JOIN events e ON e.subject = a.subject
  WHERE e.event = 'cart' AND e.moment >= begun AND e.moment <= begun + INTERVAL 1 DAY GROUP BY e.subject, e.moment),
c AS (
  SELECT DISTINCT e.subject FROM b JOIN events e ON e.subject = b.subject
  WHERE e.event = 'buy' AND e.moment >= b.moment AND e.moment <= begun + INTERVAL 1 DAY)
SELECT (SELECT count(DISTINCT subject) FROM a), (SELECT count(DISTINCT subject) FROM b), (SELECT count(*) FROM c)

--# funnel3: lists
WITH g AS (
  SELECT list(moment) FILTER (WHERE event = 'home') AS a, list(moment) FILTER (WHERE event = 'cart') AS b,
    list(moment) FILTER (WHERE event = 'buy') AS c
  FROM events WHERE event IN ('home', 'cart', 'buy') GROUP BY subject),
reached AS (
  SELECT list_max(list_transform(a, lambda x: CASE
    WHEN len(list_filter(c, lambda z: z >= list_min(list_filter(b, lambda y: y >= x)) AND z <= x + INTERVAL 1 DAY)) > 0 THEN 3
    WHEN len(list_filter(b, lambda y: y >= x AND y <= x + INTERVAL 1 DAY)) > 0 THEN 2 ELSE 1 END)) AS n
  FROM g WHERE a IS NOT NULL)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2) FROM reached

--# funnel5: windows
WITH a AS (
  SELECT subject, moment, event, max(moment) FILTER (WHERE event = 'home') OVER w AS begun
  FROM events WHERE event IN ('home', 'search', 'product', 'cart', 'buy') WINDOW w AS (PARTITION BY subject ORDER BY moment)),
b AS (
  SELECT subject, moment, event, begun,
    max(begun) FILTER (WHERE event = 'search' AND moment <= begun + INTERVAL 1 DAY) OVER w AS begun2
  FROM a WINDOW w AS (PARTITION BY subject ORDER BY moment)),
c AS (
  SELECT subject, moment, event, begun, begun2,
    max(begun2) FILTER (WHERE event = 'product' AND moment <= begun2 + INTERVAL 1 DAY) OVER w AS begun3
  FROM b WINDOW w AS (PARTITION BY subject ORDER BY moment)),
d AS (
  SELECT subject, moment, event, begun, begun2, begun3,
    max(begun3) FILTER (WHERE event = 'cart' AND moment <= begun3 + INTERVAL 1 DAY) OVER w AS begun4
  FROM c WINDOW w AS (PARTITION BY subject ORDER BY moment)),
reached AS (
  SELECT max(CASE WHEN event = 'buy' AND moment <= begun4 + INTERVAL 1 DAY THEN 5 WHEN begun4 IS NOT NULL THEN 4
                  WHEN begun3 IS NOT NULL THEN 3 WHEN begun2 IS NOT NULL THEN 2 ELSE 1 END) AS n
  FROM d WHERE begun IS NOT NULL GROUP BY subject)
SELECT count(*), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2), count(*) FILTER (WHERE n > 3),
  count(*) FILTER (WHERE n > 4) FROM reached

--# funnel5: as-of joins
WITH b AS (
  SELECT e.subject, e.moment, a.moment AS begun
  FROM (SELECT subject, moment FROM events WHERE event = 'search') e
  ASOF JOIN (SELECT subject, moment FROM events WHERE event = 'home') a ON a.subject = e.subject AND e.moment >= a.moment
  WHERE e.moment <= a.moment + INTERVAL 1 DAY),
c AS (
  SELECT e.subject, e.moment, b.begun FROM (SELECT subject, moment FROM events WHERE event = 'product') e
  ASOF JOIN b ON b.subject = e.subject AND e.moment >= b.moment WHERE e.moment <= b.begun + INTERVAL 1 DAY),
d AS (
  SELECT e.subject, e.moment, c.begun FROM (SELECT subject, moment FROM events WHERE event = 'cart') e
  ASOF JOIN c ON c.subject = e.subject AND e.moment >= c.moment WHERE e.moment <= c.begun + INTERVAL 1 DAY),
f AS (
  SELECT DISTINCT e.subject FROM (SELECT subject, moment FROM events WHERE event = 'buy') e
  ASOF JOIN d ON d.subject = e.subject AND e.moment >= d.moment WHERE e.moment <= d.begun + INTERVAL 1 DAY)
SELECT (SELECT count(DISTINCT subject) FROM events WHERE event = 'home'), (SELECT count(DISTINCT subject) FROM b),
  (SELECT count(DISTINCT subject) FROM c), (SELECT count(DISTINCT subject) FROM d), (SELECT count(*) FROM f)

--# funnel5: joins step by step
WITH a AS (SELECT subject, moment AS begun FROM events WHERE event = 'home'),
b AS (
  SELECT e.subject, max(begun) AS begun, e.moment FROM a JOIN events e ON e.subject = a.subject
  WHERE e.event = 'search' AND e.moment >= begun AND e.moment <= begun + INTERVAL 1 DAY GROUP BY e.subject, e.moment),
c AS (
  SELECT e.subject, max(begun) AS begun, e.moment FROM b JOIN events e ON e.subject = b.subject
  WHERE e.event = 'product' AND e.moment >= b.moment AND e.moment <= begun + INTERVAL 1 DAY GROUP BY e.subject, e.moment),
d AS (
  SELECT e.subject, max(begun) AS begun, e.moment FROM c JOIN events e ON e.subject = c.subject
  WHERE e.event = 'cart' AND e.moment >= c.moment AND e.moment <= begun + INTERVAL 1 DAY GROUP BY e.subject, e.moment),
f AS (
  SELECT DISTINCT e.subject FROM d JOIN events e ON e.subject = d.subject
  WHERE e.event = 'buy' AND e.moment >= d.moment AND e.moment <= begun + INTERVAL 1 DAY)
SELECT (SELECT count(DISTINCT subject) FROM a), (SELECT count(DISTINCT subject) FROM b), (SELECT count(DISTINCT subject) FROM c),
  (SELECT count(DISTINCT subject) FROM d), (SELECT count(*) FROM f)

--# sessions: both neighbours
SELECT count(*) FILTER (WHERE begins), round(1000.0 * sum(epoch(moment) - epoch(before)) FILTER (WHERE NOT begins) / count(*) FILTER (WHERE begins))::BIGINT,
  count(*) FILTER (WHERE begins AND ends)
FROM (
  SELECT moment, before, before IS NULL OR before < moment - INTERVAL 30 MINUTE AS begins, after IS NULL OR after > moment + INTERVAL 30 MINUTE AS ends
  FROM (SELECT moment, lag(moment) OVER w AS before, lead(moment) OVER w AS after FROM events WINDOW w AS (PARTITION BY subject ORDER BY moment)) n) b

--# sessions: both neighbours, numbers
SELECT count(*) FILTER (WHERE begins), round(1000.0 * sum(moment - before) FILTER (WHERE NOT begins) / count(*) FILTER (WHERE begins))::BIGINT,
  count(*) FILTER (WHERE begins AND ends)
FROM (
  SELECT moment, before, before IS NULL OR moment - before > 1800 AS begins, after IS NULL OR after - moment > 1800 AS ends
  FROM (SELECT moment, lag(moment) OVER w AS before, lead(moment) OVER w AS after
        FROM (SELECT subject, epoch_us(moment) // 1000000 AS moment FROM events) e WINDOW w AS (PARTITION BY subject ORDER BY moment)) n) b

--# sessions: lists
SELECT sum(list_count(list_filter(gaps, lambda g: g > 1800)) + 1)::BIGINT,
  round(1000.0 * sum(coalesce(list_sum(list_filter(gaps, lambda g: g <= 1800)), 0))
    / sum(list_count(list_filter(gaps, lambda g: g > 1800)) + 1))::BIGINT,
  sum(len(list_filter(list_zip([9999] || gaps, gaps || [9999]), lambda p: p[1] > 1800 AND p[2] > 1800)))::BIGINT
FROM (
  SELECT list_transform(list_zip(t[2:], t[:-2]), lambda p: p[1] - p[2]) AS gaps
  FROM (SELECT list_sort(list(epoch_us(moment) // 1000000)) AS t FROM events GROUP BY subject) s) g

--# paths: row_number
SELECT path, count(*) FROM (
  SELECT string_agg(event, '>' ORDER BY n) AS path
  FROM (SELECT subject, event, row_number() OVER (PARTITION BY subject ORDER BY moment, event) AS n FROM events QUALIFY n <= 5) e
  GROUP BY subject) p
GROUP BY path ORDER BY count(*) DESC, path LIMIT 20

--# paths: four leads
SELECT concat_ws('>', event, e2, e3, e4, e5) AS path, n FROM (
  SELECT event, e2, e3, e4, e5, count(*) AS n FROM (
    SELECT event, lead(event, 1) OVER w AS e2, lead(event, 2) OVER w AS e3, lead(event, 3) OVER w AS e4, lead(event, 4) OVER w AS e5,
      row_number() OVER w AS n
    FROM events WINDOW w AS (PARTITION BY subject ORDER BY moment, event)) e
  WHERE n = 1 GROUP BY ALL) p
ORDER BY n DESC, path LIMIT 20

--# paths: five least
SELECT array_to_string(path, '>') AS path, n FROM (
  SELECT path, count(*) AS n FROM (
    SELECT arg_min(event, epoch_us(moment) * 32 + enum_code(event), 5) AS path FROM events GROUP BY subject) p
  GROUP BY path) c
ORDER BY n DESC, path LIMIT 20

--# edges: group twice
SELECT event, next, sum(n)::BIGINT, count(*)
FROM (
  SELECT subject, event, next, count(*) AS n
  FROM (SELECT subject, event, lead(event) OVER (PARTITION BY subject ORDER BY moment, event) AS next FROM events) e
  WHERE next IS NOT NULL GROUP BY subject, event, next) s
GROUP BY event, next

--# edges: distinct
SELECT event, next, count(*), count(DISTINCT subject)
FROM (SELECT subject, event, lead(event) OVER (PARTITION BY subject ORDER BY moment, event) AS next FROM events) e
WHERE next IS NOT NULL GROUP BY event, next

--# edges: group twice, numbers
SELECT event, next, sum(n)::BIGINT, count(*)
FROM (
  SELECT subject, event, next, count(*) AS n
  FROM (SELECT subject, event, lead(event) OVER (PARTITION BY subject ORDER BY epoch_us(moment) * 32 + enum_code(event)) AS next FROM events) e
  WHERE next IS NOT NULL GROUP BY subject, event, next) s
GROUP BY event, next

--# weeks: bits
WITH s AS (SELECT bit_or(1::BIGINT << ((moment::DATE - DATE '2025-12-29') // 7)) AS weeks FROM events GROUP BY subject),
m AS (SELECT weeks, count(*) AS n FROM s GROUP BY weeks),
b AS (SELECT n, week, min(week) OVER (PARTITION BY weeks) AS cohort
      FROM m, range(0, 20) r (week) WHERE (weeks >> week) & 1 = 1)
SELECT DATE '2025-12-29' + (7 * cohort)::INTEGER, week - cohort, sum(n)::BIGINT FROM b GROUP BY cohort, week

--# weeks: distinct
WITH w AS (SELECT DISTINCT subject, (moment::DATE - DATE '2025-12-29') // 7 AS week FROM events),
c AS (SELECT week, min(week) OVER (PARTITION BY subject) AS cohort FROM w)
SELECT DATE '2025-12-29' + (7 * cohort)::INTEGER, week - cohort, count(*) FROM c GROUP BY cohort, week
