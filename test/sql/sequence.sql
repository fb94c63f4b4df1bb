-- Patterns of events.
SET search_path = public, journey_privacy;
SET timezone = 'UTC';

-- rows in any order, events that meet no condition and null times left out, null is false
CREATE TEMP TABLE visit (at timestamptz, event text);
INSERT INTO visit VALUES
  ('2024-03-01 10:30Z', 'cart'), ('2024-03-01 10:00Z', 'view'), ('2024-03-01 10:10Z', 'help'),
  ('2024-03-01 11:00Z', 'view'), (NULL, 'view'), ('2024-03-01 11:05Z', 'cart'), ('2024-03-01 11:06Z', 'pay');
SELECT p AS pattern, sequence_match(p, at, event = 'view', event = 'cart', event = 'pay') AS match,
  sequence_count(p, at, event = 'view', event = 'cart', event = 'pay') AS count,
  sequence_times(p, at, event = 'view', event = 'cart', event = 'pay')::time[] AS times
FROM visit, (VALUES (1, '(?1)(?2)'), (2, '(?1)(?2)(?3)'), (3, '(?1).*(?3)'), (4, '(?1)(?3)'), (5, '(?3)(?1)'), (6, '(?1)..'),
  (7, ''), (8, '.*'), (9, '((?1)(?2)){2}'), (10, '(?1)+(?2)|(?2)(?3)'), (11, '(?2)(?3)?'), (12, '(?2)(?1)?(?2)'),
  (13, '(?1)(?2){0}(?2)'), (14, '()(?3)(|(?1))'), (15, '(?1){2,}')) v (n, p)
GROUP BY n, p ORDER BY n;
-- times: seconds or an interval, several together, between the last event taken and the next;
-- other events may lie between; after .* from the first event that it leaves; at the end another event must follow
SELECT p AS pattern, sequence_times(p, at, event = 'view', event = 'cart', event = 'pay')::time[] AS times,
  sequence_match(p, at, event = 'view', event = 'cart', event = 'pay') AS match
FROM visit, (VALUES (1, '(?1)(?t<=1800)(?2)'), (2, '(?1)(?t<1800)(?2)'), (3, '(?1)(?t>1800)(?2)'), (4, '(?1)(?t>=''1 hour'')(?2)'),
  (5, '(?1)(?t==''PT5M'')(?2)'), (6, '(?1)(?t!=1800)(?2)'), (7, '(?1)(?t!=1800)(?t!=300)(?t<''1 day'')(?2)'), (8, '(?1)(?t>0)(?t<1)(?2)'),
  (9, '(?1)(?t<0)(?2)'), (10, '(?1).*(?t>=2160)(?2)'), (11, '(?1).*(?t>=2100)(?2)'), (12, '(?3)(?t<60)'), (13, '(?2)(?t<=''0.5 hours'')'),
  (14, '(?t>3900)(?3)'), (15, '(?1)((?t<=1800)((?1)|(?2))){3}(?3)')) v (n, p)
GROUP BY n, p ORDER BY n;
-- at one time in the order of the conditions as a binary number, the first the lowest digit
SELECT sequence_match('(?1)(?2)', at, a, b, c) AS first_second, sequence_match('(?2)(?1)', at, a, b, c) AS second_first,
  sequence_match('(?2)(?3)', at, a, b, c) AS second_third, sequence_match('(?3)(?2)', at, a, b, c) AS third_second
FROM (VALUES (timestamptz '2024-03-01', false, false, true), ('2024-03-01', false, true, false), ('2024-03-01', true, false, false)) v (at, a, b, c);
SELECT sequence_match('(?2)(?3)', at, a, b, c) AS both_third, sequence_match('(?1)(?1)', at, a, b, c) AS first_both
FROM (VALUES (timestamptz '2024-03-01', false, false, true), ('2024-03-01', true, true, false), ('2024-03-01', true, false, false)) v (at, a, b, c);
-- without a row, and without an event
SELECT sequence_match('.*', at, true) AS match, sequence_count('.*', at, true) AS count, sequence_times('.*', at, true) AS times FROM visit WHERE false;
SELECT sequence_match('.*', at, false) AS match, sequence_count('.*', at, false) AS count, sequence_times('.*', at, NULL) AS times,
  sequence_match('(?1)', at, false) AS one FROM visit;
-- times without end are further away than any span but an open one
SELECT sequence_match('(?1)(?t<=9223372036854)(?2)', t, t = '-infinity', t = 'infinity') AS at_most,
  sequence_match('(?1)(?t>9223372036854)(?2)', t, t = '-infinity', t = 'infinity') AS more
FROM (VALUES (timestamptz '-infinity'), ('infinity')) v (t);
-- 64 conditions and not one more
SELECT sequence_count('(?1).*(?64)', to_timestamp(i), VARIADIC (SELECT array_agg(i = j ORDER BY j) FROM generate_series(1, 64) j))
FROM generate_series(1, 64) i;
SELECT sequence_match('(?1)', now(), VARIADIC array_fill(true, ARRAY[65]));
SELECT sequence_match('(?1)', now(), VARIADIC '{}'::boolean[]);

-- what cannot be meant is refused, with the character
SELECT sequence_match(NULL, at, true) FROM visit;
SELECT sequence_match('(?1)', at, VARIADIC NULL::boolean[]) FROM visit;
SELECT sequence_match(event, at, true) FROM visit;
SELECT sequence_match(CASE event WHEN 'view' THEN '.' ELSE '..' END, at, true) FROM visit;
SELECT sequence_match('.', at, VARIADIC CASE event WHEN 'view' THEN ARRAY[true] ELSE ARRAY[true, true] END) FROM visit;
CREATE FUNCTION pg_temp.refusal(pattern text, OUT state text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM sequence_match(pattern, now(), true, true);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END $$;
SELECT pattern, state, message, detail FROM (VALUES (1, '(?3)'), (2, '(?0)'), (3, '(?1'), (4, '(?)'), (5, '(?x)'), (6, '(?18446744073709551616)'),
  (7, 'a'), (8, '.(?1) .'), (9, '(.'), (10, '.)'), (11, '(.))('), (12, '*'), (13, '(*)'), (14, '.**'), (15, '(?1)*?'), (16, '.|+'),
  (17, '.{'), (18, '.{1'), (19, '.{1,'), (20, '.{,2}'), (21, '.{2,1}'), (22, '.{1001}'), (23, '{2}'), (24, '(?t=5)'), (25, '(?t<)'),
  (26, '(?t<x)'), (27, '(?t<5'), (28, '.(?t<5)*'), (29, '.(?t<5){2}'), (30, '(?t<9223372036855)'), (31, '(?t<''1 day)'),
  (32, '.(?t<''1 month'')'), (33, '(?t<''soon'')'), (34, '(?t<'''')'), (35, '(?t<''-1 day'')'), (36, '(?t<''1 day ago'')'),
  (37, '(?t<''99999999999 hours'')'), (38, '(?t<''infinity'')'), (39, '(?1)' || U&'\00FC'), (40, '(?t<''' || U&'\00FC\00FC' || ''')'), (41, '(?t<-5)')) v (n, pattern),
  pg_temp.refusal(pattern) ORDER BY n;
-- and what is too large
SELECT left(pattern, 20) AS pattern, state, message, detail FROM (VALUES (1, repeat('.', 1000)), (2, '((.{10}){10}){10}'), (3, '((?1)|(?2)){400}'),
  (4, repeat('(', 101) || repeat(')', 101)), (5, repeat('(?t<1)(?1)', 101)), (6, '(?1)' || (SELECT string_agg(format('(?t!=%s)', i), '') FROM generate_series(1, 101) i)),
  (7, repeat('()', 5000) || '((((){1000}){1000}){1000}){1000}' || repeat('.', 999))) v (n, pattern),
  pg_temp.refusal(pattern) ORDER BY n;
SELECT sequence_match(repeat('.', 1001), at, true) FROM visit;

-- a hard one can be cancelled
SET statement_timeout = '500ms';
SELECT sequence_count('((?1)?){490}(?2)', to_timestamp(i), true, false) FROM generate_series(1, 300000) i;
RESET statement_timeout;

-- 10,000 random journeys: events with some of three conditions, at a few times
SELECT setseed(0.42);
-- (sorted outside: PostgreSQL takes all that is random() in a query ordered by it as one value)
CREATE TEMP TABLE random_event AS
  SELECT * FROM (
    SELECT journey, (random() * 12)::integer AS at, ARRAY[random() < density, random() < density, random() < density] AS conditions
    FROM (SELECT journey, 0.2 + 0.3 * random() AS density FROM generate_series(1, 10000) journey) j,
      generate_series(1, 1 + journey % 7) event OFFSET 0) e
  ORDER BY random();
SELECT count(DISTINCT conditions) AS kinds_of_event FROM random_event;
CREATE TEMP TABLE random_journey AS
  SELECT journey, coalesce(array_agg(at ORDER BY at, met) FILTER (WHERE met > 0), '{}') AS at,
    coalesce(array_agg(met ORDER BY at, met) FILTER (WHERE met > 0), '{}') AS met
  FROM random_event, LATERAL (SELECT conditions[1]::integer + 2 * conditions[2]::integer + 4 * conditions[3]::integer AS met) m
  GROUP BY journey;
ANALYZE random_event, random_journey;

-- 300 random patterns without times, against PostgreSQL's own regular expressions: each journey
-- as a word of letters, one for each set of conditions
CREATE FUNCTION pg_temp.random_pattern(depth integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  pattern text := '';
BEGIN
  FOR i IN 1 .. 1 + floor(random() * 3) LOOP
    pattern := pattern || CASE WHEN depth > 0 AND random() < 0.3 THEN '(' || pg_temp.random_pattern(depth - 1) || ')'
        ELSE (ARRAY['(?1)', '(?2)', '(?3)', '.'])[1 + floor(random() * 4)] END ||
      (ARRAY['', '', '', '', '*', '+', '?', '{2}', '{1,2}', '{2,}'])[1 + floor(random() * 10)];
  END LOOP;
  RETURN pattern || CASE WHEN random() < 0.25 THEN '|' || pg_temp.random_pattern(depth - 1) ELSE '' END;
END $$;
CREATE TEMP TABLE random_pattern AS SELECT id, pg_temp.random_pattern(2) AS pattern FROM generate_series(0, 299) id;
CREATE TEMP TABLE expression AS
  SELECT id, replace(replace(replace(regexp_replace(pattern, '\((?!\?)', '(?:', 'g'),
    '(?1)', '[ACEG]'), '(?2)', '[BCFG]'), '(?3)', '[DEFG]') AS expression FROM random_pattern;
-- the match that ends first, again and again; one of no event at each event
CREATE TEMP TABLE oracle AS
  SELECT journey, word ~ expression AS match,
    CASE WHEN '' ~ ('^(?:' || expression || ')$') THEN length(word)
      ELSE regexp_count(word, '(?:.*(?:' || expression || ')){1,1}?') END AS count
  FROM (SELECT journey, translate(array_to_string(met, ''), '1234567', 'ABCDEFG') AS word, expression
        FROM random_journey JOIN expression ON id = journey % 300 ORDER BY id OFFSET 0) w;
CREATE TEMP TABLE ours AS
  SELECT journey, sequence_match(pattern, to_timestamp(at), VARIADIC conditions) AS match,
    sequence_count(pattern, to_timestamp(at), VARIADIC conditions) AS count
  FROM random_event JOIN random_pattern ON id = journey % 300 GROUP BY journey;
SELECT count(*) AS journeys, count(*) FILTER (WHERE ours.match <> oracle.match) AS wrong_match,
  count(*) FILTER (WHERE ours.count <> oracle.count) AS wrong_count,
  count(*) FILTER (WHERE ours.match) BETWEEN 2000 AND 8000 AS some_match, count(*) FILTER (WHERE ours.count > 1) > 1000 AS some_twice
FROM ours JOIN oracle USING (journey);

-- 200 random patterns with times, against every way there is
CREATE FUNCTION pg_temp.random_elements() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  elements text[] := '{}';
  element text;
BEGIN
  FOR i IN 1 .. 1 + floor(random() * 6) LOOP
    element := (ARRAY['(?1)', '(?2)', '(?3)', '(?1)', '(?2)', '(?3)', '.', '.*', 't', 't', 't'])[1 + floor(random() * 11)];
    CONTINUE WHEN element = 't' AND elements[cardinality(elements)] LIKE '(?t%';
    IF element = 't' THEN
      element := '(?t' || (ARRAY['<', '<=', '>', '>=', '==', '!='])[1 + floor(random() * 6)] || floor(random() * 7) || ')';
    END IF;
    elements := elements || element;
  END LOOP;
  RETURN elements;
END $$;
CREATE TEMP TABLE timed_pattern AS
  SELECT id, elements, array_to_string(elements, '') AS pattern,
    (SELECT array_agg(substring(e FROM 't(\D+)\d') ORDER BY n) FROM unnest(elements) WITH ORDINALITY u (e, n)) AS operators,
    (SELECT array_agg(substring(e FROM '\d+')::integer ORDER BY n) FROM unnest(elements) WITH ORDINALITY u (e, n)) AS numbers
  FROM (SELECT id, pg_temp.random_elements() AS elements FROM generate_series(0, 199) id OFFSET 0) p;
-- a way: begins before an event, has come to an element and an event, time runs from base, list is of events that met conditions
CREATE TEMP TABLE way AS
WITH RECURSIVE way AS (
  SELECT journey, id, 1 AS element, begin, begin AS event, begin AS base, '{}'::integer[] AS list
  FROM random_journey JOIN timed_pattern ON id = journey % 200, generate_series(1, cardinality(met) + 1) begin
  UNION
  SELECT w.journey, w.id, w.element + 1, w.begin, s.event, s.base, s.list
  FROM way w JOIN random_journey j USING (journey) JOIN timed_pattern p USING (id),
    LATERAL (
      SELECT w.event + 1 AS event, w.event AS base, CASE elements[element] WHEN '.' THEN list ELSE list || w.event END AS list
      WHERE w.event <= cardinality(met) AND (elements[element] = '.' OR
        operators[element] IS NULL AND elements[element] <> '.*' AND met[w.event] >> numbers[element] - 1 & 1 = 1)
      UNION ALL
      SELECT q, q, list FROM generate_series(w.event, cardinality(met) + 1) q WHERE elements[element] = '.*'
      UNION ALL
      SELECT q, q, list FROM generate_series(w.event, cardinality(met)) q
      WHERE CASE operators[element] WHEN '<' THEN at[q] - at[w.base] < numbers[element] WHEN '<=' THEN at[q] - at[w.base] <= numbers[element]
        WHEN '>' THEN at[q] - at[w.base] > numbers[element] WHEN '>=' THEN at[q] - at[w.base] >= numbers[element]
        WHEN '==' THEN at[q] - at[w.base] = numbers[element] WHEN '!=' THEN at[q] - at[w.base] <> numbers[element] END) s
  WHERE w.element <= cardinality(elements))
SELECT journey, begin, event AS "end", list, element > cardinality(elements) AS complete FROM way JOIN timed_pattern USING (id);
CREATE INDEX ON way (journey) WHERE complete;
ANALYZE way;
-- of matches the one that ends first, or the longest beginning; of several the earliest, compared one by one
CREATE TEMP TABLE timed_oracle AS
  SELECT DISTINCT ON (journey) journey, complete AS match, ARRAY(SELECT at[i] FROM unnest(list) i) AS times
  FROM way JOIN random_journey USING (journey)
  ORDER BY journey, complete DESC, CASE WHEN complete THEN "end" END, CASE WHEN NOT complete THEN -cardinality(list) END,
    CASE WHEN NOT complete THEN list[cardinality(list)] END, list || 1000;
-- counted from the end of one to the end of the next
CREATE TEMP TABLE timed_count AS
WITH RECURSIVE next AS (
  SELECT journey, 1 AS begin, 0 AS count FROM random_journey
  UNION ALL
  SELECT journey, greatest(e."end", n.begin + 1), n.count + 1
  FROM next n JOIN random_journey j USING (journey),
    LATERAL (SELECT min(w."end") AS "end" FROM way w WHERE w.complete AND w.journey = n.journey AND w.begin >= n.begin) e
  WHERE e."end" IS NOT NULL AND n.begin <= cardinality(met))
SELECT journey, max(count) AS count FROM next GROUP BY journey;
CREATE TEMP TABLE timed_ours AS
  SELECT journey, sequence_match(pattern, to_timestamp(at), VARIADIC conditions) AS match,
    sequence_count(pattern, to_timestamp(at), VARIADIC conditions) AS count,
    sequence_times(pattern, to_timestamp(at), VARIADIC conditions) AS times
  FROM random_event JOIN timed_pattern ON id = journey % 200 GROUP BY journey;
SELECT count(*) AS journeys, count(*) FILTER (WHERE ours.match <> oracle.match) AS wrong_match,
  count(*) FILTER (WHERE ours.count <> timed_count.count) AS wrong_count,
  count(*) FILTER (WHERE ours.times IS DISTINCT FROM ARRAY(SELECT to_timestamp(t) FROM unnest(oracle.times) t)) AS wrong_times,
  count(*) FILTER (WHERE ours.match) BETWEEN 2000 AND 8000 AS some_match, count(*) FILTER (WHERE ours.count > 1) > 500 AS some_twice
FROM timed_ours ours JOIN timed_oracle oracle USING (journey) JOIN timed_count USING (journey);

-- in any order the same
SELECT count(*) AS different FROM timed_ours ours JOIN (
  SELECT journey, sequence_match(pattern, to_timestamp(at), VARIADIC conditions) AS match,
    sequence_count(pattern, to_timestamp(at), VARIADIC conditions) AS count,
    sequence_times(pattern, to_timestamp(at), VARIADIC conditions) AS times
  FROM (SELECT * FROM random_event ORDER BY journey, at DESC, conditions) e JOIN timed_pattern ON id = journey % 200 GROUP BY journey) other USING (journey)
WHERE (ours.match, ours.count, ours.times) IS DISTINCT FROM (other.match, other.count, other.times);

-- in parts, by workers: the same
CREATE TABLE sequence_event AS SELECT * FROM random_event;
CREATE TABLE sequence_pattern AS SELECT id, pattern FROM timed_pattern;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET enable_sort = off; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT journey % 20, sequence_count('(?1)(?t<=3)(?2)', to_timestamp(at), VARIADIC conditions)
FROM sequence_event GROUP BY 1;
CREATE TEMP TABLE parts AS
  SELECT id, sequence_match(pattern, to_timestamp(at + journey * 20), VARIADIC conditions) AS match,
    sequence_count(pattern, to_timestamp(at + journey * 20), VARIADIC conditions) AS count,
    sequence_times(pattern, to_timestamp(at + journey * 20), VARIADIC conditions) AS times
  FROM sequence_event JOIN sequence_pattern ON id = journey % 200 GROUP BY id;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) AS groups, count(*) FILTER (WHERE (parts.match, parts.count, parts.times) IS DISTINCT FROM (s.match, s.count, s.times)) AS different
FROM parts FULL JOIN (
  SELECT id, sequence_match(pattern, to_timestamp(at + journey * 20), VARIADIC conditions) AS match,
    sequence_count(pattern, to_timestamp(at + journey * 20), VARIADIC conditions) AS count,
    sequence_times(pattern, to_timestamp(at + journey * 20), VARIADIC conditions) AS times
  FROM sequence_event JOIN sequence_pattern ON id = journey % 200 GROUP BY id) s USING (id);
DROP TABLE sequence_event, sequence_pattern;
