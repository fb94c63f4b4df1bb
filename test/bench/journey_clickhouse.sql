-- The works of journey_postgres.sql for ClickHouse, over %t (subject UInt32,
-- at DateTime('UTC'), event of the type %e, an Enum8 in the order of the names'
-- bytes).

--# funnel3: windowFunnel
SELECT countIf(n > 0), countIf(n > 1), countIf(n > 2)
FROM (SELECT windowFunnel(86400)(at, event = 'home', event = 'cart', event = 'buy') AS n FROM %t GROUP BY subject)

--# funnel3: windowFunnel of three events
SELECT countIf(n > 0), countIf(n > 1), countIf(n > 2)
FROM (SELECT windowFunnel(86400)(at, event = 'home', event = 'cart', event = 'buy') AS n
      FROM %t WHERE event IN ('home', 'cart', 'buy') GROUP BY subject)

--# funnel3: windowFunnel in order
SELECT countIf(n > 0), countIf(n > 1), countIf(n > 2)
FROM (SELECT windowFunnel(86400)(at, event = 'home', event = 'cart', event = 'buy') AS n
      FROM %t WHERE event IN ('home', 'cart', 'buy') GROUP BY subject) SETTINGS optimize_aggregation_in_order = 1

--# funnel5: windowFunnel
SELECT countIf(n > 0), countIf(n > 1), countIf(n > 2), countIf(n > 3), countIf(n > 4)
FROM (SELECT windowFunnel(86400)(at, event = 'home', event = 'search', event = 'product', event = 'cart', event = 'buy') AS n
      FROM %t GROUP BY subject)

--# funnel5: windowFunnel of five events
SELECT countIf(n > 0), countIf(n > 1), countIf(n > 2), countIf(n > 3), countIf(n > 4)
FROM (SELECT windowFunnel(86400)(at, event = 'home', event = 'search', event = 'product', event = 'cart', event = 'buy') AS n
      FROM %t WHERE event IN ('home', 'search', 'product', 'cart', 'buy') GROUP BY subject)

--# funnel5: windowFunnel in order
SELECT countIf(n > 0), countIf(n > 1), countIf(n > 2), countIf(n > 3), countIf(n > 4)
FROM (SELECT windowFunnel(86400)(at, event = 'home', event = 'search', event = 'product', event = 'cart', event = 'buy') AS n
      FROM %t WHERE event IN ('home', 'search', 'product', 'cart', 'buy') GROUP BY subject) SETTINGS optimize_aggregation_in_order = 1

--# sessions: arrays
SELECT sum(n), toInt64(round(1000 * sum(d) / sum(n))), sum(b)
FROM (
  SELECT arrayDifference(arraySort(groupArray(toUnixTimestamp(at)))) AS gaps, arrayPopFront(gaps) AS g,
    1 + countEqual(arrayMap(x -> x > 1800, g), 1) AS n, arraySum(x -> x <= 1800 ? x : 0, g) AS d,
    arrayCount((x, y) -> x > 1800 AND y > 1800, arrayPushFront(g, 9999), arrayPushBack(g, 9999)) AS b
  FROM %t GROUP BY subject)

--# sessions: arrays in order
SELECT sum(n), toInt64(round(1000 * sum(d) / sum(n))), sum(b)
FROM (
  SELECT arrayDifference(arraySort(groupArray(toUnixTimestamp(at)))) AS gaps, arrayPopFront(gaps) AS g,
    1 + countEqual(arrayMap(x -> x > 1800, g), 1) AS n, arraySum(x -> x <= 1800 ? x : 0, g) AS d,
    arrayCount((x, y) -> x > 1800 AND y > 1800, arrayPushFront(g, 9999), arrayPushBack(g, 9999)) AS b
  FROM %t GROUP BY subject) SETTINGS optimize_aggregation_in_order = 1

--# sessions: arrays, counted
SELECT sum(n), toInt64(round(1000 * sum(d) / sum(n))), sum(b)
FROM (
  SELECT arrayDifference(arrayPushBack(arrayPushFront(arraySort(groupArray(toInt64(toUnixTimestamp(at)))), 0), 9999999999)) AS gaps,
    arrayPopFront(gaps) AS g, arrayPopBack(g) AS before, arrayPopFront(g) AS after,
    arrayCount(x -> x > 1800, before) AS n, arraySum(x -> x * (x <= 1800), before) AS d,
    arrayCount((x, y) -> x > 1800 AND y > 1800, before, after) AS b
  FROM %t GROUP BY subject)

--# sessions: both neighbours
SELECT countIf(begins), toInt64(round(1000 * sumIf(at - before, NOT begins) / countIf(begins))), countIf(begins AND ends)
FROM (
  SELECT toInt64(toUnixTimestamp(at)) AS at, before, after, at - before > 1800 AS begins, after = 0 OR after - at > 1800 AS ends
  FROM (
    SELECT at, toInt64(toUnixTimestamp(lagInFrame(at) OVER w)) AS before, toInt64(toUnixTimestamp(leadInFrame(at) OVER w)) AS after
    FROM %t WINDOW w AS (PARTITION BY subject ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)))

--# paths: arrays
SELECT arrayStringConcat(arrayMap(x -> toString(x.2), path), '>') AS names, count() FROM (
  SELECT arraySlice(arraySort(groupArray((at, event))), 1, 5) AS path FROM %t GROUP BY subject)
GROUP BY names ORDER BY count() DESC, names LIMIT 20

--# paths: five least
SELECT arrayStringConcat(arrayMap(x -> toString(x.2), path), '>') AS names, count() FROM (
  SELECT groupArraySorted(5)((at, event)) AS path FROM %t GROUP BY subject)
GROUP BY names ORDER BY count() DESC, names LIMIT 20

--# paths: five least, numbers
SELECT arrayStringConcat(arrayMap(x -> toString(CAST(x, '%e')), codes), '>') AS names, n FROM (
  SELECT codes, count() AS n FROM (
    SELECT arrayMap(x -> toInt8(x % 32), groupArraySorted(5)(toUInt64(toUnixTimestamp(at)) * 32 + toInt8(event))) AS codes
    FROM %t GROUP BY subject)
  GROUP BY codes)
ORDER BY n DESC, names LIMIT 20

--# paths: five least, numbers in order
SELECT arrayStringConcat(arrayMap(x -> toString(CAST(x, '%e')), codes), '>') AS names, n FROM (
  SELECT codes, count() AS n FROM (
    SELECT arrayMap(x -> toInt8(x % 32), groupArraySorted(5)(toUInt64(toUnixTimestamp(at)) * 32 + toInt8(event))) AS codes
    FROM %t GROUP BY subject)
  GROUP BY codes)
ORDER BY n DESC, names LIMIT 20 SETTINGS optimize_aggregation_in_order = 1

--# paths: sorted arrays, numbers
SELECT arrayStringConcat(arrayMap(x -> toString(CAST(x, '%e')), codes), '>') AS names, n FROM (
  SELECT codes, count() AS n FROM (
    SELECT arrayMap(x -> toInt8(x % 32), arraySlice(arraySort(groupArray(toUInt64(toUnixTimestamp(at)) * 32 + toInt8(event))), 1, 5)) AS codes
    FROM %t GROUP BY subject)
  GROUP BY codes)
ORDER BY n DESC, names LIMIT 20

--# paths: limit by
SELECT arrayStringConcat(path, '>') AS names, count() FROM (
  SELECT groupArray(toString(event)) AS path FROM (SELECT subject, event FROM %t ORDER BY subject, at, event LIMIT 5 BY subject)
  GROUP BY subject)
GROUP BY names ORDER BY count() DESC, names LIMIT 20 SETTINGS max_threads = 1

--# edges: window
SELECT event, next, sum(n), count() FROM (
  SELECT subject, event, next, count() AS n FROM (
    SELECT subject, event, leadInFrame(toNullable(event)) OVER (
      PARTITION BY subject ORDER BY at, event ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next
    FROM %t)
  WHERE next IS NOT NULL GROUP BY subject, event, next)
GROUP BY event, next

--# edges: arrays, numbers
SELECT CAST(toInt8(intDiv(p, 32)), '%e'), CAST(toInt8(p % 32), '%e'),
  sum(n), count()
FROM (
  SELECT subject, p, count() AS n FROM (
    SELECT subject, arrayMap(x -> toUInt8(x % 32), arraySort(groupArray(toUInt64(toUnixTimestamp(at)) * 32 + toInt8(event)))) AS codes,
      arrayMap((x, y) -> toUInt16(x) * 32 + y, arrayPopBack(codes), arrayPopFront(codes)) AS pairs
    FROM %t GROUP BY subject) ARRAY JOIN pairs AS p
  GROUP BY subject, p)
GROUP BY p

--# edges: arrays, firsts marked
SELECT CAST(toInt8(intDiv(p, 32)), '%e'), CAST(toInt8(p % 32), '%e'),
  count(), countIf(k = 1)
FROM (
  SELECT arrayMap(x -> toUInt8(x % 32), arraySort(groupArray(toUInt64(toUnixTimestamp(at)) * 32 + toInt8(event)))) AS codes,
    arrayMap((x, y) -> toUInt16(x) * 32 + y, arrayPopBack(codes), arrayPopFront(codes)) AS pairs
  FROM %t GROUP BY subject) ARRAY JOIN pairs AS p, arrayEnumerateUniq(pairs) AS k
GROUP BY p

--# edges: arrays, firsts marked, in order
SELECT CAST(toInt8(intDiv(p, 32)), '%e'), CAST(toInt8(p % 32), '%e'),
  count(), countIf(k = 1)
FROM (
  SELECT arrayMap(x -> toUInt8(x % 32), arraySort(groupArray(toUInt64(toUnixTimestamp(at)) * 32 + toInt8(event)))) AS codes,
    arrayMap((x, y) -> toUInt16(x) * 32 + y, arrayPopBack(codes), arrayPopFront(codes)) AS pairs
  FROM %t GROUP BY subject) ARRAY JOIN pairs AS p, arrayEnumerateUniq(pairs) AS k
GROUP BY p SETTINGS optimize_aggregation_in_order = 1

--# weeks: bits
SELECT toDate('2025-12-29') + 7 * cohort, week - cohort, sum(n) FROM (
  SELECT bitPositionsToArray(weeks) AS p, p[1] AS cohort, arrayJoin(p) AS week, n FROM (
    SELECT weeks, count() AS n FROM (
      SELECT groupBitOr(bitShiftLeft(toUInt64(1), intDiv(toUInt32(toDate(at)) - toUInt32(toDate('2025-12-29')), 7))) AS weeks
      FROM %t GROUP BY subject)
    GROUP BY weeks))
GROUP BY cohort, week

--# weeks: bits in order
SELECT toDate('2025-12-29') + 7 * cohort, week - cohort, sum(n) FROM (
  SELECT bitPositionsToArray(weeks) AS p, p[1] AS cohort, arrayJoin(p) AS week, n FROM (
    SELECT weeks, count() AS n FROM (
      SELECT groupBitOr(bitShiftLeft(toUInt64(1), intDiv(toUInt32(toDate(at)) - toUInt32(toDate('2025-12-29')), 7))) AS weeks
      FROM %t GROUP BY subject)
    GROUP BY weeks))
GROUP BY cohort, week SETTINGS optimize_aggregation_in_order = 1

--# weeks: sets
SELECT toDate('2025-12-29') + 7 * cohort, week - cohort, count() FROM (
  SELECT arrayMin(weeks) AS cohort, arrayJoin(weeks) AS week FROM (
    SELECT groupUniqArray(intDiv(toUInt32(toDate(at)) - toUInt32(toDate('2025-12-29')), 7)) AS weeks FROM %t GROUP BY subject))
GROUP BY cohort, week
