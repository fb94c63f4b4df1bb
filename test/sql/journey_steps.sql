-- Funnels by the names of events, with the options of product tools.
\set VERBOSITY terse
SET search_path = public, journey_privacy;
SET timezone = 'UTC';

-- a letter is an event, one a second from 00:00:01; = at the time of the one before, . a second without
CREATE FUNCTION pg_temp.journey(letters text, OUT at timestamptz, OUT event text) RETURNS SETOF record
LANGUAGE sql AS $$
  SELECT to_timestamp(n - 2 * (length(h) - length(replace(h, '=', '')))), c
  FROM regexp_split_to_table(letters, '') WITH ORDINALITY l(c, n), LATERAL (SELECT left(letters, n::integer) AS h) s
  WHERE c NOT IN ('=', '.') $$;
CREATE FUNCTION pg_temp.shown(times timestamptz[]) RETURNS text
LANGUAGE sql AS $$
  SELECT coalesce(string_agg(coalesce(extract(epoch FROM t)::integer::text, '-'), ' ' ORDER BY n), '')
  FROM unnest(times) WITH ORDINALITY u(t, n) $$;
SELECT * FROM pg_temp.journey('ab=c.d');

-- what each option means, and what holds at equal times
CREATE TEMP TABLE example (nr serial, letters text, steps text, within interval, options jsonb);
\copy example (letters, steps, within, options) FROM STDIN
abc	a,b,c	1 day	{}
acb	a,b,c	1 day	{}
a.b.c	a,b,c	4 s	{}
a.b.c	a,b,c	3 s	{}
a.b.c	a,b,c	\N	{}
bca	a,b	1 day	{}
xyz	a,b	1 day	{}
b=a	a,b	0	{}
abbc	a,b,c	1 day	{}
aabc	a,b,c	1 day	{}
a..ab	a,b	3 s	{}
ab	a,a	1 day	{}
aa	a,a	1 day	{}
a=a	a,a	0	{}
a=b	a|b,a|b	0	{}
ab	b|a,b|a,a|b	1 day	{}
a|b	\\|,b	1 day	{}
a\\b	a,\\\\|x	1 day	{}
axb	a,b	1 day	{"order": "strict"}
axab	a,b	1 day	{"order": "strict"}
ab=x	a,b	1 day	{"order": "strict"}
ax=b	a,b	1 day	{"order": "strict"}
abbc	a,b,c	1 day	{"order": "strict"}
cab	a,b,c	1 day	{"order": "any"}
c.ab	a,b,c	2 s	{"order": "any"}
c.abc	a,b,c	2 s	{"order": "any"}
a	a,a	1 day	{"order": "any"}
aba	a,b,a	1 day	{"order": "any"}
ab	a|b,a,b	1 day	{"order": "any"}
a..ab	a,b	3 s	{"start": "first"}
a..ab	a,b	4 s	{"start": "first"}
ca.b	a,b,c	2 s	{"start": "first", "order": "any"}
a.ab.c	a,b,c	9 s	{"start": "any", "step_within": "1 s"}
a.ab.c	a,b,c	9 s	{"step_within": {"2": "1 s"}}
a.ab.c	a,b,c	9 s	{"step_within": {"2": "1 s", "3": "PT2S"}}
axb	a,b	1 day	{"exclude": ["x"]}
axab	a,b	1 day	{"exclude": "x|y"}
abxc	a,b,c	1 day	{"exclude": {"1": "x"}}
axbc	a,b,c	1 day	{"exclude": {"1": ["y", "x"]}}
axbc	a,b,c	1 day	{"exclude": {"2": ["x"]}}
a=xb	a,b	1 day	{"exclude": ["x"]}
ab=x	a,b	1 day	{"exclude": ["x"]}
a=x=b	a,b	1 day	{"exclude": ["x"]}
ax=xb	a,b	1 day	{"exclude": ["x"]}
xabx	a,b	1 day	{"exclude": ["x"]}
aab	a,b	1 day	{"exclude": ["a"]}
axb	a,b	1 day	{"order": "any", "exclude": ["x"]}
bxa=xb	a,b	1 day	{"order": "any", "exclude": ["x"]}
ac	a,b,c	1 day	{"optional": [2]}
abc	a,b,c	1 day	{"optional": [2]}
abac	a,b,c	1 day	{"optional": [2]}
abab	a,b,c	1 day	{"optional": [3, 2]}
a	a,b,c	1 day	{"optional": [3, 2]}
ac=b	a,b,c	1 day	{"optional": [2]}
ad	a,b,c,d	1 day	{"optional": [3]}
axc	a,b,c	1 day	{"optional": [2], "exclude": {"2": ["x"]}}
axc	a,b,c	1 day	{"optional": [2], "exclude": {"1": ["x"]}}
a.b.c	a,b,c	1 day	{"optional": [2], "step_within": {"3": "2 s"}}
a...c	a,b,c	1 day	{"optional": [2], "step_within": {"3": "2 s"}}
abac.xcd	a,b,c,d	6 s	{"optional": [2, 3], "exclude": {"1": ["x"]}}
ab	a,b	1 day	{"order": null, "start": null, "step_within": null, "exclude": null, "optional": null}
\.
SELECT letters, steps, within, options, funnel(at, event, string_to_array(steps, ','), within, options) AS depth,
  pg_temp.shown(funnel_times(at, event, string_to_array(steps, ','), within, options)) AS times
FROM example, pg_temp.journey(letters) GROUP BY nr, letters, steps, within, options ORDER BY nr;

-- without options and with none; a step is never made by no event, no row makes no step
SELECT funnel(at, event, ARRAY['a', 'b'], '1 day') AS depth, funnel_times(at, event, ARRAY['a', 'b'], '1 day') AS times,
  funnel(at, event, ARRAY['a', 'b'], '1 day', NULL) AS no_options,
  funnel(at, event, ARRAY['a', 'b'], '1 day', '{"order": "strict"}') AS a_null_event_comes_between,
  funnel_times(at, event, ARRAY['b', 'a'], '1 day', '{"order": "any"}') AS of_any
FROM (SELECT * FROM pg_temp.journey('a.b') UNION ALL VALUES ('1970-01-01 00:00:02Z'::timestamptz, NULL), (NULL, 'a')) v;
SELECT funnel(at, event, ARRAY['a'], '1 day') AS depth, funnel_times(at, event, ARRAY['a'], '1 day') AS times
FROM pg_temp.journey('a') WHERE false;

-- held constant: a journey for each value, none for null
CREATE TEMP TABLE bought (at timestamptz, event text, item text);
INSERT INTO bought SELECT at, event, item
FROM pg_temp.journey('abacbc') j JOIN (VALUES (1, 'u'), (2, 'v'), (3, 'v'), (4, NULL), (5, 'u'), (6, 'u')) i(s, item)
  ON s = extract(epoch FROM at);
SELECT funnel(at, event, ARRAY['a', 'b', 'c'], '1 day', NULL, item) AS depth,
  pg_temp.shown(funnel_times(at, event, ARRAY['a', 'b', 'c'], '1 day', '{}', item)) AS times,
  funnel(at, event, ARRAY['a', 'b', 'c'], '1 day', '{"exclude": {"1": ["c"]}}', item) AS not_ended_by_other_items,
  funnel(at, event, ARRAY['a', 'b'], '1 day', '{"order": "strict"}', item) AS strict,
  funnel(at, event, ARRAY['a', 'c'], '1 day', '{"start": "first"}', item) AS first,
  funnel(at, event, ARRAY['a', 'b'], '1 day', NULL, NULL) AS none
FROM bought;

-- 64 steps and not one more; times without end
SELECT funnel(to_timestamp(i), 'e' || i, ARRAY(SELECT 'e' || j FROM generate_series(1, 64) j), '1 hour') AS depth,
  funnel(to_timestamp(i), 'e' || i, ARRAY(SELECT 'e' || j FROM generate_series(1, 64) j), '1 hour', '{"order": "any", "exclude": ["x"]}') AS of_any,
  funnel(to_timestamp(i), 'e' || i, ARRAY(SELECT 'e' || j FROM generate_series(1, 64) j), '1 hour', '{"optional": [2, 63, 64], "exclude": {"63": ["x"]}}') AS optional
FROM generate_series(1, 64) i;
SELECT funnel(t, t::text, ARRAY['-infinity', 'infinity'], '100000 days') AS bounded,
  funnel(t, t::text, ARRAY['-infinity', 'infinity'], NULL) AS unbounded
FROM (VALUES (timestamptz '-infinity'), ('infinity')) v (t);

-- what cannot be meant is refused
CREATE FUNCTION pg_temp.refused(steps text[], options jsonb, within interval DEFAULT '1 day') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  hint text;
BEGIN
  PERFORM funnel(now(), 'a', steps, within, options);
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' ', SQLSTATE, SQLERRM, '// ' || nullif(hint, ''));
END $$;
SELECT pg_temp.refused(steps, NULL) FROM (VALUES
  (NULL), ('{}'), (ARRAY['a', NULL]), (ARRAY[['a', 'b'], ['c', 'd']]), (array_fill('a'::text, ARRAY[65])),
  (ARRAY['a', '']), (ARRAY['a|']), (ARRAY['|a']), (ARRAY['a||b']), (ARRAY['a\']), (ARRAY['\b'])) v (steps);
SELECT pg_temp.refused(ARRAY['a'], NULL, within) FROM (VALUES (interval '1 month'), ('-1 s'), ('2000000000 days')) v (within);
SELECT options, pg_temp.refused(ARRAY['a', 'b', 'c'], options) FROM (VALUES
  ('[]'::jsonb), ('"strict"'), ('{"oder": "any"}'), ('{"order": "none"}'), ('{"order": true}'), ('{"start": "last"}'),
  ('{"step_within": 5}'), ('{"step_within": "soon"}'), ('{"step_within": "1 month"}'), ('{"step_within": "-1 s"}'), ('{"step_within": ["1 h"]}'),
  ('{"step_within": {"1": "1 h"}}'), ('{"step_within": {"4": "1 h"}}'), ('{"step_within": {"b": "1 h"}}'), ('{"step_within": {"2": null}}'),
  ('{"exclude": 1}'), ('{"exclude": [1]}'), ('{"exclude": [["x"]]}'), ('{"exclude": [""]}'), ('{"exclude": {"0": ["x"]}}'), ('{"exclude": {"3": ["x"]}}'),
  ('{"exclude": {"1": {"x": 1}}}'), ('{"exclude": ["b"]}'), ('{"exclude": {"2": ["x", "c"]}}'),
  ('{"optional": 2}'), ('{"optional": [1]}'), ('{"optional": [4]}'), ('{"optional": [2.5]}'), ('{"optional": ["b"]}'), ('{"optional": [-2]}'), ('{"optional": [18446744073709551618]}'),
  ('{"order": "any", "optional": [2]}'), ('{"order": "any", "exclude": {"1": "x"}}'), ('{"order": "any", "step_within": "1 h"}'), ('{"order": "any", "exclude": ["a"]}'),
  ('{"exclude": {"1": "c"}}')) v (options);
SELECT pg_temp.refused(ARRAY['a'], options) FROM (VALUES ('{"exclude": ["x"]}'::jsonb), ('{"exclude": {"1": "x"}}'), ('{"optional": [2]}'), ('{"step_within": "1 h"}')) v (options);
SELECT funnel(at, event, ARRAY['a', event], '1 day') FROM pg_temp.journey('ab');

-- Random journeys: two to eight of six events, at a few times.
SELECT setseed(0.8);
CREATE TEMP TABLE random_event AS
  SELECT journey, event, (random() * 8)::integer AS at, substr('abcdxy', 1 + floor(random() * 6)::integer, 1) AS name,
    CASE WHEN random() < 0.9 THEN substr('uv', 1 + floor(random() * 2)::integer, 1) END AS item
  FROM generate_series(1, 10000) journey, generate_series(1, 2 + journey % 7) event;
CREATE INDEX ON random_event (journey);
ANALYZE random_event;

-- Questions: one for each option and 10,000 journeys, and 500 of any combination of them for ten each.
CREATE TEMP TABLE question (q integer, what text, steps text[], within integer, options jsonb, constant boolean DEFAULT false);
INSERT INTO question (q, what, steps, within, options, constant) VALUES
  (1, 'ordered', '{a,b,c}', 5, '{}', false),
  (2, 'the same event twice, alternatives', '{a,b|x,a,b|c}', 6, '{}', false),
  (3, 'strict', '{a,b,c}', 5, '{"order": "strict"}', false),
  (4, 'any order', '{a,b,c,d}', 4, '{"order": "any"}', false),
  (5, 'any order, the same event twice', '{a,b|x,a,b|c}', 4, '{"order": "any"}', false),
  (6, 'the first start', '{a|x,b|y,c|d}', 4, '{"start": "first"}', false),
  (7, 'time for each step', '{a|x,b|y,c|d}', 6, '{"step_within": {"2": "2 s", "3": "3 s"}}', false),
  (8, 'excluded between all', '{a,b,c}', 7, '{"exclude": ["x"]}', false),
  (9, 'excluded after a step', '{a,b,c,d}', 7, '{"exclude": {"1": ["x", "a"], "3": "y"}}', false),
  (10, 'optional', '{a,b,c,d}', 6, '{"optional": [2, 4]}', false),
  (11, 'constant', '{a|x,b|y,c|d}', 6, '{}', true);
INSERT INTO question
  SELECT 100 + n, 'combined',
    CASE n % 3 WHEN 0 THEN '{a,b,c,d}' WHEN 1 THEN '{a,b|x,c|y,a|d}' ELSE '{a|b,b,c|a}' END::text[], CASE WHEN random() < 0.8 THEN 2 + random() * 6 END,
    CASE n % 2 WHEN 0 THEN jsonb_build_object('order', 'any') ELSE
      jsonb_strip_nulls(jsonb_build_object('order', CASE WHEN random() < 0.3 THEN 'strict' END,
        'step_within', CASE WHEN random() < 0.4 THEN jsonb_build_object('2', (random() * 4)::integer || ' s', '3', (random() * 4)::integer || ' s') END,
        'optional', CASE WHEN random() < 0.6 THEN to_jsonb(ARRAY[2 + (random())::integer, 3]) END)) END ||
    jsonb_strip_nulls(jsonb_build_object('start', CASE WHEN random() < 0.3 THEN 'first' END,
      'exclude', CASE WHEN random() < 0.4 THEN CASE WHEN n % 2 = 0 OR random() < 0.3 THEN '["e", "y"]'::jsonb ELSE '{"1": ["y"], "2": "x"}' END END)),
    random() < 0.3
  FROM generate_series(1, 500) n;
DELETE FROM question WHERE q > 100 AND options ? 'exclude' AND 'c|y' = ANY (steps);

CREATE TEMP TABLE asked AS SELECT q, journey FROM question, generate_series(1, 10000) journey WHERE q < 100
  UNION ALL SELECT q, (q - 100) * 10 + j FROM question, generate_series(1, 10) j WHERE q > 100;
ANALYZE question, asked;

-- The oracle: what each event can be, ...
CREATE TEMP TABLE step AS
  SELECT q, n::integer AS step, name, coalesce(options -> 'optional' @> to_jsonb(n), false) AS optional,
    extract(epoch FROM (options -> 'step_within' ->> n::text)::interval)::integer AS within, 0 AS after
  FROM question, unnest(steps) WITH ORDINALITY s(alternatives, n), unnest(string_to_array(alternatives, '|')) name;
UPDATE step s SET after = (SELECT coalesce(max(r.step), 0) FROM step r WHERE r.q = s.q AND r.step < s.step AND NOT r.optional);
ANALYZE step;
CREATE TEMP TABLE could AS
  SELECT a.q, a.journey, e.event, e.at, CASE WHEN constant THEN item END AS item, s.step, s.within AS step_within, s.after
  FROM asked a JOIN question USING (q) JOIN random_event e USING (journey) JOIN step s USING (q, name)
  WHERE NOT (constant AND item IS NULL);
CREATE INDEX ON could (journey, q, step);
ANALYZE could;
-- ... which times end a chain, after which step or, null, after any, ...
CREATE TEMP TABLE ender AS
  SELECT a.q, a.journey, e.at, CASE WHEN constant THEN item END AS item, x.after
  FROM question JOIN asked a USING (q) JOIN random_event e USING (journey), LATERAL (
    SELECT NULL::integer AS after WHERE options ->> 'order' = 'strict' OR jsonb_typeof(options -> 'exclude') = 'array' AND options -> 'exclude' ? name
    UNION ALL SELECT key::integer FROM jsonb_each(CASE jsonb_typeof(options -> 'exclude') WHEN 'object' THEN options -> 'exclude' ELSE '{}' END) WHERE value ? name) x;
CREATE INDEX ON ender (journey, q);
ANALYZE ender;
-- ... every chain there is, with its times from the last step back, -1 for a step left out, ...
CREATE TEMP TABLE best AS
WITH RECURSIVE chain AS (
  SELECT q, journey, item, step, at AS begin, at, ARRAY[event] AS used, ARRAY[at] AS times
  FROM could c JOIN question USING (q)
  WHERE step = 1 AND options ->> 'order' IS DISTINCT FROM 'any' AND (options ->> 'start' IS DISTINCT FROM 'first' OR
    at = (SELECT min(f.at) FROM could f WHERE (f.q, f.journey, f.step) = (c.q, c.journey, 1) AND f.item IS NOT DISTINCT FROM c.item))
  UNION ALL
  SELECT q, journey, c.item, n.step, c.begin, n.at, c.used || n.event, n.at || array_fill(-1, ARRAY[n.step - c.step - 1]) || c.times
  FROM chain c JOIN question w USING (q) JOIN could n USING (journey, q)
  WHERE n.step > c.step AND n.after <= c.step AND n.at >= c.at AND n.item IS NOT DISTINCT FROM c.item AND n.event <> ALL (c.used)
    AND (w.within IS NULL OR n.at - c.begin <= w.within) AND (n.step_within IS NULL OR n.at - c.at <= n.step_within)
    AND NOT EXISTS (SELECT FROM ender x WHERE (x.q, x.journey) = (c.q, c.journey) AND x.item IS NOT DISTINCT FROM c.item
                      AND x.at > c.at AND x.at < n.at AND (x.after IS NULL OR x.after = c.step)))
SELECT DISTINCT ON (q, journey) q, journey, step AS depth, times FROM chain ORDER BY q, journey, step DESC, at, times DESC;
-- ... and in any order every choice of events for steps
CREATE TEMP TABLE best_any AS
WITH RECURSIVE choice AS (
  SELECT q, journey, NULL AS item, 0 AS step, 0 AS made, 99 AS begin, -1 AS at, '{}'::integer[] AS used
  FROM asked JOIN question USING (q) WHERE options ->> 'order' = 'any'
  UNION ALL
  SELECT q, journey, coalesce(c.item, n.item), c.step + 1, c.made + n.made, least(c.begin, n.at), greatest(c.at, n.at), c.used || coalesce(n.event, 0)
  FROM choice c JOIN question w USING (q), LATERAL (
    SELECT 1 AS made, event, at, item FROM could n WHERE (n.q, n.journey, n.step) = (c.q, c.journey, c.step + 1)
      AND n.event <> ALL (c.used) AND (c.made = 0 OR n.item IS NOT DISTINCT FROM c.item)
    UNION ALL SELECT 0, NULL, NULL, NULL) n
  WHERE c.step < cardinality(w.steps) AND (w.within IS NULL OR greatest(c.at, n.at) - least(c.begin, n.at) <= w.within))
SELECT DISTINCT ON (q, journey) q, journey, made AS depth, begin, at
FROM choice c JOIN question USING (q)
WHERE step = cardinality(steps) AND made > 0
  AND NOT EXISTS (SELECT FROM ender x WHERE (x.q, x.journey) = (c.q, c.journey) AND x.item IS NOT DISTINCT FROM c.item AND x.at > begin AND x.at < c.at)
  AND (options ->> 'start' IS DISTINCT FROM 'first' OR
    begin = (SELECT min(f.at) FROM could f WHERE (f.q, f.journey) = (c.q, c.journey) AND f.item IS NOT DISTINCT FROM c.item))
ORDER BY q, journey, made DESC, c.at, begin DESC;

-- ours are the same
CREATE TEMP TABLE ours AS
  SELECT q, journey, funnel(to_timestamp(at), name, steps, within * interval '1 s', options) AS depth,
    funnel_times(to_timestamp(at), name, steps, within * interval '1 s', options) AS times
  FROM asked JOIN question USING (q) JOIN random_event USING (journey) WHERE NOT constant GROUP BY q, journey
  UNION ALL
  SELECT q, journey, funnel(to_timestamp(at), name, steps, within * interval '1 s', options, item),
    funnel_times(to_timestamp(at), name, steps, within * interval '1 s', options, item)
  FROM asked JOIN question USING (q) JOIN random_event USING (journey) WHERE constant GROUP BY q, journey;
CREATE TEMP VIEW told AS
  SELECT q, journey, what, options ->> 'order' IS NOT DISTINCT FROM 'any' AS of_any, depth, times,
    (SELECT array_agg(coalesce(extract(epoch FROM t)::integer, -1) ORDER BY n DESC) FROM unnest(times) WITH ORDINALITY u(t, n)) AS back
  FROM ours JOIN question USING (q);
SELECT min(what) AS what, count(DISTINCT t.q) AS questions, count(*) AS journeys, sum(t.depth) AS steps,
  count(*) FILTER (WHERE t.depth <> coalesce(b.depth, a.depth, 0)
    OR NOT of_any AND (back IS DISTINCT FROM b.times)
    OR of_any AND ((SELECT (count(b), min(b), max(b)) FROM unnest(back) b WHERE b >= 0) IS DISTINCT FROM (coalesce(a.depth, 0)::bigint, a.begin, a.at)
      OR EXISTS (SELECT FROM unnest(t.times) WITH ORDINALITY u(w, n) WHERE w IS NOT NULL AND NOT EXISTS (
        SELECT FROM could c WHERE (c.q, c.journey, c.step) = (t.q, t.journey, u.n) AND to_timestamp(c.at) = w)))) AS wrong
FROM told t LEFT JOIN best b USING (q, journey) LEFT JOIN best_any a USING (q, journey)
GROUP BY least(t.q, 100) ORDER BY least(t.q, 100);

-- rows in another order: the same, with all times
SELECT count(*) AS journeys, count(*) FILTER (WHERE (o.depth, o.times) IS DISTINCT FROM (r.depth, r.times)) AS different
FROM ours o JOIN (
  SELECT q, journey, funnel(to_timestamp(at), name, steps, within * interval '1 s', options ORDER BY event DESC) AS depth,
    funnel_times(to_timestamp(at), name, steps, within * interval '1 s', options ORDER BY md5(concat_ws(q::text, journey, event))) AS times
  FROM asked JOIN question USING (q) JOIN random_event USING (journey) WHERE NOT constant AND (q IN (2, 5, 10) OR q > 100) GROUP BY q, journey
  UNION ALL
  SELECT q, journey, funnel(to_timestamp(at), name, steps, within * interval '1 s', options, item ORDER BY event DESC),
    funnel_times(to_timestamp(at), name, steps, within * interval '1 s', options, item ORDER BY md5(concat_ws(q::text, journey, event)))
  FROM asked JOIN question USING (q) JOIN random_event USING (journey) WHERE constant GROUP BY q, journey) r USING (q, journey);

-- in parts, by workers: the same
CREATE TABLE journey_event AS SELECT journey % 100 AS part, to_timestamp(at + journey / 100 * 9) AS at, name, item || journey % 3 AS item FROM random_event;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET enable_sort = off; SET max_parallel_workers_per_gather = 2;
PREPARE answers AS SELECT part,
  funnel_times(at, name, '{a,b|x,c,d}', '20 s') AS plain,
  funnel(at, name, '{a,b,c}', '5 s', '{"order": "strict"}') AS strict,
  funnel_times(at, name, '{a,b,a|c,d,y}', '6 s', '{"order": "any", "exclude": ["x"]}') AS of_any,
  funnel_times(at, name, '{a,b,c,d}', '30 s', '{"optional": [2], "exclude": {"1": "y"}, "step_within": "9 s"}', item) AS constant
FROM journey_event GROUP BY part;
EXPLAIN (COSTS OFF) EXECUTE answers;
CREATE TEMP TABLE parts AS EXECUTE answers;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE whole AS EXECUTE answers;
SELECT count(*) AS parts, sum(parts.strict) AS strict, sum(cardinality(parts.plain)) AS plain, sum(cardinality(parts.of_any)) AS of_any, sum(cardinality(parts.constant)) AS constant,
  count(*) FILTER (WHERE parts IS DISTINCT FROM whole) AS different
FROM parts FULL JOIN whole USING (part);
DROP TABLE journey_event;
