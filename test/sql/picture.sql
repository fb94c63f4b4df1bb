-- Pictures: each is XML that is complete by itself; each figure in it is one
-- that the answer tells; names of whatever kind harm nothing.
\set VERBOSITY terse
\pset null '-'
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE ROLE regress_picture_analyst;
CREATE SCHEMA pictures;
SELECT journey_privacy.create_purpose('picture_exact', 'consent', min_group => 1) \gset
SELECT journey_privacy.create_purpose('picture_floor', 'consent', min_group => 10) \gset
SELECT journey_privacy.create_purpose('picture_answers', 'consent', min_group => 10, access => 'aggregates') \gset
SELECT journey_privacy.allow('regress_picture_analyst', p) FROM unnest(ARRAY['picture_exact', 'picture_floor', 'picture_answers']) p;
CREATE TABLE pictures.visit (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text NOT NULL, props jsonb);
CREATE TABLE pictures.empty (visitor journey_privacy.pseudonym, at timestamptz, event text, props jsonb);
CREATE TABLE pictures.plain (visitor journey_privacy.pseudonym, at timestamptz, event text, props jsonb);
SELECT journey_privacy.protect('pictures.visit', 'visitor', occurred_at => 'at') \gset
SELECT journey_privacy.protect('pictures.empty', 'visitor', occurred_at => 'at') \gset
GRANT USAGE ON SCHEMA pictures TO regress_picture_analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA pictures TO regress_picture_analyst;

-- 300 people with up to 7 events of 7 names; decisions of theirs over 30 days
SELECT setseed(0.96);
\echo seed 0.96
CREATE TABLE pictures.draw AS
  SELECT i, k, random() AS r, random() AS q FROM generate_series(1, 300) i, generate_series(1, 7) k;
INSERT INTO pictures.visit
  SELECT journey_privacy.pseudonymize('customer_id', 9600000 + i::bigint),
    timestamptz '2024-03-04 08:00Z' + i % 21 * interval '1 day' + k * interval '7 minutes' + CASE WHEN q < 0.3 THEN k * interval '2 days' ELSE '0' END,
    (ARRAY['home', 'home', 'search', 'view', 'cart', 'buy', 'help'])[1 + floor(7 * r ^ (1.0 / (1 + k / 3.0)))::int],
    jsonb_build_object('device', CASE WHEN i % 40 = 0 THEN 'watch' WHEN i % 3 = 0 THEN 'phone' ELSE 'desktop' END)
  FROM pictures.draw WHERE k <= 1 + i % 7;
SELECT count(journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9600000 + i::bigint), p, r < 0.8,
    timestamptz '2024-03-01 06:00Z' + floor(r * 97)::int % 30 * interval '1 day'))
  FROM pictures.draw, unnest(ARRAY['picture_exact', 'picture_floor', 'picture_answers']) p WHERE k = 1;
SELECT count(journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9600000 + i::bigint), p, r < 0.5,
    timestamptz '2024-03-01 07:00Z' + floor(q * 30)::int * interval '1 day'))
  FROM pictures.draw, unnest(ARRAY['picture_exact', 'picture_floor']) p WHERE k = 2 AND i % 5 = 0;

-- what is found in a picture
CREATE FUNCTION pg_temp.found(svg text, path text) RETURNS xml[] LANGUAGE sql AS $$
  SELECT xpath(path, xmlparse(document svg), ARRAY[ARRAY['s', 'http://www.w3.org/2000/svg']]) $$;
-- an attribute or the text of what is found, in order; null where it is not there
CREATE FUNCTION pg_temp.said(svg text, path text, what text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT (xpath(what, xmlparse(document replace(x::text, 'xmlns="http://www.w3.org/2000/svg"', ''))))[1]::text
  FROM unnest(pg_temp.found(svg, path)) WITH ORDINALITY u(x, n) ORDER BY n $$;
-- complete by itself: only what we know, nothing from elsewhere, no script, named and described
CREATE FUNCTION pg_temp.sound(svg text) RETURNS boolean LANGUAGE sql AS $$
  SELECT cardinality(pg_temp.found(svg, '//*[not(self::s:svg or self::s:title or self::s:desc or self::s:style or self::s:defs or self::s:pattern
      or self::s:linearGradient or self::s:stop or self::s:rect or self::s:path or self::s:g or self::s:text)]')) = 0
    AND cardinality(pg_temp.found(svg, '//@*[starts-with(name(), "on") or name() = "href" or name() = "style" or contains(name(), ":href")]')) = 0
    AND cardinality(pg_temp.found(svg, '/s:svg[@role = "img" and @viewBox and @lang = @xml:lang]')) = 1
    AND (pg_temp.found(svg, 'concat(/s:svg/s:title/@id, " ", /s:svg/s:desc/@id)'))[1]::text = (pg_temp.found(svg, '/s:svg/@aria-labelledby'))[1]::text
    AND (pg_temp.found(svg, 'string-length(/s:svg/s:title) > 0 and string-length(/s:svg/s:desc) > 0'))[1]::text = 'true'
    AND svg !~ '[\x01-\x08\x0B\x0C\x0E-\x1F]' AND svg !~ 'import|url\((?!#)|http(?!://www.w3.org/2000/svg")' $$;

-- nobody but whom the DBA grants it to
SET ROLE regress_picture_analyst;
SELECT journey_privacy.funnel_svg('pictures.visit', '{home,buy}');
SELECT journey_privacy.journey_map_svg('pictures.visit');
SELECT journey_privacy.retention_svg('pictures.visit');
SELECT journey_privacy.consent_svg();
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.funnel_svg, journey_privacy.journey_map_svg, journey_privacy.retention_svg, journey_privacy.consent_svg
  TO regress_picture_analyst;
GRANT SELECT ON pictures.draw TO regress_picture_analyst;
SET ROLE regress_picture_analyst;
-- and they are bound as by the answers
SELECT journey_privacy.funnel_svg('pictures.visit', '{home,buy}');
SELECT journey_privacy.consent_svg('picture_exact') LIKE '<svg %' AS needs_no_purpose;

--
-- Funnels
--
CREATE TEMP TABLE funnel_case (name text, steps text[], within interval, options jsonb, breakdown name, breakdown_key text);
INSERT INTO funnel_case VALUES
  ('three steps', '{home,cart,buy}', '1 day', NULL, NULL, NULL), ('one step', '{home}', NULL, NULL, NULL, NULL), ('nobody', '{nothing,home}', NULL, NULL, NULL, NULL),
  ('alternatives', '{home|search,cart|view,buy}', NULL, NULL, NULL, NULL), ('optional', '{home,search,buy}', NULL, '{"optional": [2]}', NULL, NULL), ('by device', '{home,cart,buy}', '3 days', NULL, 'props', 'device'),
  ('nobody by device', '{nothing,buy}', '3 days', NULL, 'props', 'device');
INSERT INTO funnel_case SELECT '64 steps', array_agg((ARRAY['home', 'search', 'view', 'cart'])[1 + n % 4]) FROM generate_series(1, 64) n;
-- each step with its figures, as the answer and as the picture tell them
CREATE FUNCTION pg_temp.funnel_told(c funnel_case) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(concat_ws(' ', f.step, coalesce(f.subjects::text, 'few'),
    CASE WHEN f.subjects IS NULL THEN 'too few to tell' ELSE to_char(f.subjects, 'FM999,999,990') END,
    CASE WHEN f.subjects IS NULL OR f.of_previous IS NULL THEN NULL WHEN f.of_first >= 1 THEN round(f.of_first * 100) || '%'
         WHEN f.of_first > 0.995 THEN '>99%' WHEN f.of_first = 0 THEN '0%' WHEN round(f.of_first * 1000) >= 100 THEN round(f.of_first * 100) || '%'
         ELSE to_char(round(f.of_first * 1000) / 10, 'FM990.0') || '%' END))
  FROM journey_privacy.funnel('pictures.visit', c.steps, c.within, c.options, breakdown => c.breakdown, breakdown_key => c.breakdown_key) f $$;
CREATE FUNCTION pg_temp.funnel_drawn(c funnel_case) RETURNS text[] LANGUAGE sql AS $$
  WITH p AS MATERIALIZED (
    SELECT journey_privacy.funnel_svg('pictures.visit', c.steps, c.within, c.options, breakdown => c.breakdown, breakdown_key => c.breakdown_key) AS svg)
  SELECT CASE WHEN (SELECT pg_temp.sound(svg) FROM p) THEN array_agg(concat_ws(' ', step, coalesce(subjects, 'few'), count, share)) END
  FROM (SELECT pg_temp.said(svg, '//s:g[@data-step]', '/g/@data-step') AS step, pg_temp.said(svg, '//s:g[@data-step]', '/g/@data-subjects') AS subjects,
          pg_temp.said(svg, '//s:g[@data-step]', '/g/text[2]/text()') AS count, pg_temp.said(svg, '//s:g[@data-step]', '/g/text[3]/text()') AS share FROM p) d $$;
SET journey_privacy.purpose = 'picture_exact';
SELECT name, cardinality(pg_temp.funnel_told(c)) AS steps, pg_temp.funnel_told(c) = pg_temp.funnel_drawn(c) AS same FROM funnel_case c;
SET journey_privacy.purpose = 'picture_floor';
SELECT name, pg_temp.funnel_told(c) = pg_temp.funnel_drawn(c) AS same FROM funnel_case c;
SET journey_privacy.purpose = 'picture_answers';
SELECT name, pg_temp.funnel_told(c) = pg_temp.funnel_drawn(c) AS same FROM funnel_case c;
SET journey_privacy.purpose = 'picture_exact';
-- in words
SELECT pg_temp.said(journey_privacy.funnel_svg('pictures.visit', '{home,cart,buy}', '1 day', title => 'A & B', language => l), '/s:svg/s:desc', '/desc/text()') AS words
  FROM unnest(ARRAY['en', 'de', 'fr', 'es']) l;
SELECT pg_temp.said(journey_privacy.funnel_svg('pictures.visit', '{home,cart,buy}', '1 day', title => 'A & B'), '/s:svg/s:title', '/title/text()') AS title,
  pg_temp.said(journey_privacy.funnel_svg('pictures.visit', '{home,cart,buy}', '1 day 12 hours', during => '[2024-03-01,2024-04-01)'), '/s:svg/s:text[2]', '/text/text()') AS subtitle;

--
-- Journeys
--
-- ways that the answer tells and the picture draws, the ends apart
CREATE FUNCTION pg_temp.map_told(depth integer, gap interval, anchor text, direction text) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(concat_ws(' ', coalesce("position", 1), from_event, to_event, CASE WHEN gap IS NULL AND depth IS NOT NULL THEN subjects ELSE events END)
    ORDER BY "position", from_event COLLATE "C", to_event COLLATE "C")
  FROM journey_privacy.paths('pictures.visit', depth, gap, anchor => anchor, direction => direction) WHERE "position" IS NULL OR "position" < 8 $$;
CREATE FUNCTION pg_temp.map_drawn(depth integer, gap interval, anchor text, direction text) RETURNS text[] LANGUAGE sql AS $$
  WITH p AS MATERIALIZED (SELECT journey_privacy.journey_map_svg('pictures.visit', depth, gap, anchor => anchor, direction => direction) AS svg)
  SELECT CASE WHEN (SELECT pg_temp.sound(svg) FROM p) THEN
    array_agg(concat_ws(' ', c, f, t, v) ORDER BY c::int, f COLLATE "C", t COLLATE "C") FILTER (WHERE t <> '(end)') END
  FROM (SELECT pg_temp.said(svg, '//s:path[@data-from]', '/path/@data-column') AS c, pg_temp.said(svg, '//s:path[@data-from]', '/path/@data-from') AS f,
          pg_temp.said(svg, '//s:path[@data-from]', '/path/@data-to') AS t, pg_temp.said(svg, '//s:path[@data-from]', '/path/@data-value') AS v FROM p) d $$;
CREATE TEMP TABLE map_case (depth integer, gap interval, anchor text, direction text);
INSERT INTO map_case VALUES (2, NULL, NULL, 'from'), (5, NULL, NULL, 'from'), (7, NULL, NULL, 'from'), (100, NULL, NULL, 'from'), (NULL, NULL, NULL, 'from'), (4, '1 hour', NULL, 'from'),
  (NULL, '1 hour', NULL, 'from'), (4, NULL, 'cart', 'from'), (4, NULL, 'buy', 'to'), (3, NULL, 'nothing', 'from');
SELECT c.*, cardinality(t) AS ways, t IS NOT DISTINCT FROM d AS same
  FROM map_case c, pg_temp.map_told(depth, gap, anchor, direction) t, pg_temp.map_drawn(depth, gap, anchor, direction) d;
-- those who ended: exactly who has a path that ends there; a node is all who are there
WITH path AS (SELECT journey_privacy.path(at, event, 5) AS p FROM pictures.visit GROUP BY visitor),
 there AS (SELECT n, p[n] AS event, count(*) AS people FROM path, generate_series(1, 5) n WHERE cardinality(p) >= greatest(n, 2) GROUP BY 1, 2
           UNION ALL SELECT n + 1, '(end)', count(*) FROM path, generate_series(2, 4) n WHERE cardinality(p) = n GROUP BY 1),
 p AS MATERIALIZED (SELECT journey_privacy.journey_map_svg('pictures.visit') AS svg),
 drawn AS (SELECT pg_temp.said(svg, '//s:g[@data-node]', '/g/@data-column')::int AS n, pg_temp.said(svg, '//s:g[@data-node]', '/g/@data-node') AS event,
                  pg_temp.said(svg, '//s:g[@data-node]', '/g/@data-value')::bigint AS people FROM p)
SELECT (SELECT count(*) FROM drawn) AS nodes, (SELECT count(*) FROM (TABLE there EXCEPT TABLE drawn) x) AS missing, (SELECT count(*) FROM (TABLE drawn EXCEPT TABLE there) x) AS wrong;
-- under the floor, no figure below it; and none where counts are rounded but what the answer tells
SET journey_privacy.purpose = 'picture_floor';
SELECT c.*, cardinality(t) AS ways, t IS NOT DISTINCT FROM d AS same
  FROM map_case c, pg_temp.map_told(depth, gap, anchor, direction) t, pg_temp.map_drawn(depth, gap, anchor, direction) d;
SELECT min(v::bigint) >= 10 AS no_less, count(*) FILTER (WHERE e = '(end)') AS ends, count(*) FILTER (WHERE e = '(other)') AS others
  FROM (SELECT pg_temp.said(svg, '//*[@data-value]', '/*/@data-value') AS v, pg_temp.said(svg, '//*[@data-value]', '/g/@data-node') AS e
        FROM journey_privacy.journey_map_svg('pictures.visit') svg) x;
SET journey_privacy.purpose = 'picture_answers';
SELECT c.*, cardinality(t) AS ways, t IS NOT DISTINCT FROM d AS same
  FROM map_case c, pg_temp.map_told(depth, gap, anchor, direction) t, pg_temp.map_drawn(depth, gap, anchor, direction) d WHERE depth < 100;
SELECT journey_privacy.journey_map_svg('pictures.visit') LIKE '%(end)%' AS ends;

--
-- Retention
--
CREATE TEMP TABLE retention_case (start_event text, return_event text, period text, periods integer, mode text);
INSERT INTO retention_case VALUES (NULL, NULL, 'week', 4, 'on'), ('home', 'buy', 'week', 4, 'on'), ('home', NULL, 'day', 12, 'on_or_after'),
  (NULL, NULL, 'month', 3, 'on'), ('nothing', NULL, 'day', 5, 'on'), (NULL, NULL, 'day', 1, 'on');
CREATE FUNCTION pg_temp.retention_told(c retention_case) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(concat_ws(' ', coalesce(cohort::text, '+'), period, coalesce(subjects::text, 'few'), CASE WHEN period > 0 THEN
    CASE WHEN share IS NULL THEN 'too few to tell' WHEN share >= 1 THEN '100%' WHEN share > 0.995 THEN '>99%' WHEN share = 0 THEN '0%'
         WHEN round(share * 1000) >= 100 THEN round(share * 100) || '%' ELSE to_char(round(share * 1000) / 10, 'FM990.0') || '%' END END)
    ORDER BY cohort, period)
  FROM journey_privacy.retention('pictures.visit', c.start_event, c.return_event, c.period, c.periods, c.mode, 'UTC') $$;
CREATE FUNCTION pg_temp.retention_drawn(c retention_case) RETURNS text[] LANGUAGE sql AS $$
  WITH p AS MATERIALIZED (SELECT journey_privacy.retention_svg('pictures.visit', c.start_event, c.return_event, c.period, c.periods, c.mode, 'UTC') AS svg),
  cohort AS (SELECT (xpath('/g/@data-cohort', g))[1]::text AS name, g FROM p,
    unnest(pg_temp.found(svg, '//s:g[@data-cohort]')) x, LATERAL (SELECT xmlparse(document replace(x::text, 'xmlns="http://www.w3.org/2000/svg"', '')) AS g) y),
  cell AS (SELECT name, 0 AS period, (xpath('/g/@data-subjects', g))[1]::text AS subjects, NULL AS share FROM cohort
    UNION ALL SELECT name, (xpath('/g/@data-period', c))[1]::text::int, (xpath('/g/@data-subjects', c))[1]::text,
      coalesce((xpath('/g/text/text()', c))[1]::text, (xpath('/g/title/text()', c))[1]::text)
    FROM cohort, unnest(xpath('/g/g', g)) c)
  SELECT CASE WHEN (SELECT pg_temp.sound(svg) FROM p) THEN
    array_agg(concat_ws(' ', coalesce(nullif(name, ''), '+'), period, coalesce(subjects, 'few'), share) ORDER BY nullif(name, ''), period) END FROM cell $$;
SET journey_privacy.purpose = 'picture_exact';
SELECT c.*, cardinality(t) AS cells, t IS NOT DISTINCT FROM d AS same FROM retention_case c, pg_temp.retention_told(c) t, pg_temp.retention_drawn(c) d;
SET journey_privacy.purpose = 'picture_floor';
SELECT c.*, cardinality(t) AS cells, t IS NOT DISTINCT FROM d AS same FROM retention_case c, pg_temp.retention_told(c) t, pg_temp.retention_drawn(c) d;
SET journey_privacy.purpose = 'picture_answers';
SELECT c.*, cardinality(t) AS cells, t IS NOT DISTINCT FROM d AS same FROM retention_case c, pg_temp.retention_told(c) t, pg_temp.retention_drawn(c) d;
SET journey_privacy.purpose = 'picture_exact';
SELECT pg_temp.said(journey_privacy.retention_svg('pictures.visit', 'home', 'buy', 'month', 2, time_zone => 'UTC', language => l), '/s:svg/s:desc', '/desc/text()') AS words
  FROM unnest(ARRAY['en', 'de', 'fr', 'es']) l;

--
-- Nothing to show
--
SELECT pg_temp.sound(svg) AS sound, pg_temp.said(svg, '/s:svg/s:desc', '/desc/text()') AS words FROM (VALUES
  (journey_privacy.funnel_svg('pictures.empty', '{home,buy}')), (journey_privacy.journey_map_svg('pictures.empty')),
  (journey_privacy.retention_svg('pictures.empty')), (journey_privacy.journey_map_svg('pictures.visit', anchor => 'nothing', language => 'fr'))) v (svg);
SET journey_privacy.purpose = 'picture_floor';
-- all pooled, and still too few: nine people
SELECT pg_temp.sound(svg) AS sound, pg_temp.said(svg, '/s:svg/s:desc', '/desc/text()') AS words FROM (VALUES
  (journey_privacy.funnel_svg('pictures.visit', '{home,buy}', where_props => '{"device": "watch"}')),
  (journey_privacy.journey_map_svg('pictures.visit', where_props => '{"device": "watch"}')),
  (journey_privacy.retention_svg('pictures.visit', where_props => '{"device": "watch"}'))) v (svg);
RESET ROLE;
RESET journey_privacy.purpose;

--
-- Decisions
--
-- the ledger day by day, the slow way: who decided, whose yes was in force at its end
CREATE TEMP VIEW day AS SELECT d::timestamptz AS at, d::date::text AS name FROM generate_series(timestamp '2024-03-01', '2024-03-30', '1 day') d;
CREATE TEMP VIEW decided AS
  SELECT p AS purpose, coalesce(s.head, s.number) AS number, e.at, e.decision = 'granted' AS yes
  FROM unnest(ARRAY['picture_exact', 'picture_floor', 'picture_answers']) p
  JOIN journey_privacy.consent_event e ON e.purpose = p JOIN journey_privacy.subject s ON s.pseudonym = e.subject;
CREATE FUNCTION pg_temp.consent(purpose text, period text DEFAULT 'day') RETURNS text LANGUAGE sql AS $$
  SELECT journey_privacy.consent_svg(purpose, period, '[2024-03-01,2024-03-31)', 'UTC') $$;
CREATE FUNCTION pg_temp.bars(svg text) RETURNS TABLE (kind text, first text, last text, people bigint) LANGUAGE sql AS $$
  SELECT pg_temp.said(svg, '//s:g[@data-kind]', '/g/@data-kind'), pg_temp.said(svg, '//s:g[@data-kind]', '/g/@data-from'),
    pg_temp.said(svg, '//s:g[@data-kind]', '/g/@data-to'), pg_temp.said(svg, '//s:g[@data-kind]', '/g/@data-subjects')::bigint $$;
-- exactly: each day has its bar
WITH slow AS (
  SELECT CASE WHEN yes THEN 'yes' ELSE 'no' END AS kind, day.name AS first, day.name AS last, count(DISTINCT number) AS people
  FROM day JOIN decided d ON d.at >= day.at AND d.at < day.at + interval '1 day' AND purpose = 'picture_exact' GROUP BY 1, 2, 3)
SELECT pg_temp.sound(svg) AS sound, (SELECT count(*) FROM slow) AS bars,
  (SELECT count(*) FROM (TABLE slow EXCEPT SELECT * FROM pg_temp.bars(svg)) x) AS missing, (SELECT count(*) FROM (SELECT * FROM pg_temp.bars(svg) EXCEPT TABLE slow) x) AS wrong
FROM pg_temp.consent('picture_exact') svg;
-- under a floor: each day is in one bar of either kind, each told bar has at least ten people and just as many as it says, two untold ones are never neighbours
SELECT purpose, period, pg_temp.sound(svg) AS sound, count(*) > 3 AS bars, bool_and(people >= 10) AS floor,
  bool_and(people IS NULL OR people = CASE purpose WHEN 'picture_answers' THEN n / 10 * 10 ELSE n END) AS right,
  bool_and(people IS NOT NULL OR n < 10) AS few_are_few, count(*) FILTER (WHERE people IS NULL) AS untold
FROM (VALUES ('picture_floor', 'day'), ('picture_floor', 'week'), ('picture_answers', 'day')) v (purpose, period), pg_temp.consent(purpose, period) svg,
  LATERAL (SELECT b.*, (SELECT count(DISTINCT number) FROM decided d WHERE d.purpose = v.purpose AND yes = (b.kind = 'yes')
      AND d.at >= b.first::timestamptz AND d.at < b.last::timestamptz + ('1 ' || period)::interval) AS n FROM pg_temp.bars(svg) b) b
GROUP BY purpose, period, svg ORDER BY purpose, period;
SELECT kind, count(*) = count(DISTINCT day.name) AND count(*) = (SELECT count(*) FROM day) AS each_day_once
FROM pg_temp.bars(pg_temp.consent('picture_floor')) b JOIN day ON day.name BETWEEN b.first AND b.last GROUP BY kind ORDER BY kind;
-- the share in force, when a yes lasts and when it expires
CREATE FUNCTION pg_temp.share(purpose text, days integer) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' of ', pg_temp.said(svg, '//*[@data-decided]', '/text/@data-in-force'), pg_temp.said(svg, '//*[@data-decided]', '/text/@data-decided'))
  FROM journey_privacy.consent_svg(purpose, 'day', tstzrange('2024-03-01Z', timestamptz '2024-03-01Z' + days * interval '1 day'), 'UTC') svg $$;
CREATE FUNCTION pg_temp.slow_share(purpose text, days integer, lasts interval) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' of ', count(*) FILTER (WHERE yes AND at + lasts >= timestamptz '2024-03-01Z' + days * interval '1 day'), count(*))
  FROM (SELECT DISTINCT ON (number) * FROM decided d WHERE d.purpose = slow_share.purpose AND at < timestamptz '2024-03-01Z' + days * interval '1 day'
        ORDER BY number, at DESC, yes) d $$;
SELECT bool_and(pg_temp.share('picture_exact', d) = pg_temp.slow_share('picture_exact', d, '10 years')) AS same FROM generate_series(1, 30) d;
SELECT journey_privacy.change_purpose('picture_exact', consent_valid_for => '6 days');
SELECT bool_and(pg_temp.share('picture_exact', d) = pg_temp.slow_share('picture_exact', d, '6 days')) AS same FROM generate_series(1, 30) d;
SELECT pg_temp.share('picture_exact', 30) AS exact, pg_temp.share('picture_floor', 30) AS floor, pg_temp.share('picture_answers', 30) AS answers;
-- one decision a day: nothing changes but when ten people have decided
SELECT journey_privacy.create_purpose('picture_rare', 'consent', min_group => 10) \gset
SELECT count(journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9600000 + i::bigint), 'picture_rare', i % 2 = 0, timestamptz '2024-02-29 12:00Z' + i * interval '1 day'))
  FROM generate_series(1, 30) i;
SELECT d, pg_temp.share('picture_rare', d), (SELECT string_agg(concat_ws(' ', kind, first, last, people), ', ') FROM pg_temp.bars(journey_privacy.consent_svg('picture_rare', 'day',
    tstzrange('2024-03-01Z', timestamptz '2024-03-01Z' + d * interval '1 day'), 'UTC'))) AS bars FROM unnest(ARRAY[9, 10, 19, 20, 29, 30]) d;
-- all purposes at once; the last 90 periods
SELECT pg_temp.sound(svg) AS sound, pg_temp.said(svg, '//s:g[starts-with(@data-purpose, "picture")]', '/g/@data-purpose') AS purpose FROM journey_privacy.consent_svg(language => 'de') svg;
SELECT pg_temp.sound(journey_privacy.consent_svg(p, 'month', during => r)) FROM (VALUES ('picture_exact', NULL::tstzrange), ('picture_floor', '[2024-01-01,)'), ('picture_floor', '(,2024-03-20)'), ('picture_floor', '[-infinity,infinity]')) v (p, r);

--
-- Names of whatever kind
--
CREATE TEMP TABLE hostile (n serial, name text);
INSERT INTO hostile (name) VALUES ('<script>alert(1)</script>'), ('"><img src=x onerror=alert(1)>'), ('a'' onload=''x'), (']]></title></svg><b>'), ('&lt;&#0;&amp'),
  (E'\U0001F468\u200D\U0001F469\u200D\U0001F467 \U0001F6D2'), (U&'\05E9\05DC\05D5\05DD "\202Eabc'), (U&'\0645\0631\062D\0628\0627'),
  (E'tab\there\nnew line\x01\x1f'), (repeat('long ', 2000)), (repeat(U&'\0301', 500) || 'zalgo'), (' '), ('<!-- %s %d -->'), ('(other)'), ('url(#jp-few)');
INSERT INTO pictures.visit SELECT journey_privacy.pseudonymize('customer_id', 9601000 + i::bigint), timestamptz '2025-01-01Z' + interval '1 hour' * n, name, jsonb_build_object('device', name)
  FROM hostile, generate_series(1, 3) i;
CREATE TEMP TABLE hostile_picture AS SELECT n, name, svg FROM hostile, LATERAL (VALUES
  (journey_privacy.funnel_svg('pictures.visit', ARRAY[replace(name, '|', '\|')], during => '[2025-01-01,2025-02-01)', title => name)),
  (journey_privacy.funnel_svg('pictures.visit', '{" "}', during => '[2025-01-01,2025-02-01)', breakdown => 'props', breakdown_key => 'device')),
  (journey_privacy.retention_svg('pictures.visit', name, name, 'month', 1, during => '[2025-01-01,2025-02-01)', title => name)),
  (journey_privacy.journey_map_svg('pictures.visit', 2, anchor => name, during => '[2025-01-01,2025-02-01)')),
  (journey_privacy.journey_map_svg('pictures.visit', 15, during => '[2025-01-01,2025-02-01)')),
  (journey_privacy.journey_map_svg('pictures.visit', NULL, during => '[2025-01-01,2025-02-01)'))) v (svg);
SELECT count(*), bool_and(pg_temp.sound(svg)) AS sound, max(length(svg)) < 1000000 AS bounded FROM hostile_picture;
-- the title is the name as it was, without what no XML may hold
SELECT n, translate(pg_temp.said(svg, '/s:svg/s:title', 'string(/title)'), U&'\2068\2069', '') =
    replace(replace(replace(regexp_replace(translate(name, E'\x01\x1f' || U&'\202E', ''), U&'(\0301{4})\0301+', '\1'), '&', '&amp;'), '<', '&lt;'), '>', '&gt;') AS same
  FROM (SELECT DISTINCT ON (n) * FROM hostile_picture WHERE svg LIKE '%data-step%') p ORDER BY n;

--
-- More than is drawn
--
INSERT INTO pictures.visit SELECT journey_privacy.pseudonymize('customer_id', 9602000 + i::bigint), timestamptz '2025-06-01Z' + interval '1 hour' * k, 'event ' || (i * k * 7) % 40, NULL
  FROM generate_series(1, 200) i, generate_series(1, 12) k;
SELECT sum(v::bigint) FILTER (WHERE t <> '(end)') AS ways, max(c::int) AS columns,
  (SELECT sum(subjects) FROM journey_privacy.paths('pictures.visit', 12, during => '[2025-06-01,2025-07-01)') WHERE "position" < 8) AS told
FROM (SELECT pg_temp.said(svg, '//s:path[@data-from]', '/path/@data-column') AS c, pg_temp.said(svg, '//s:path[@data-from]', '/path/@data-to') AS t,
        pg_temp.said(svg, '//s:path[@data-from]', '/path/@data-value') AS v FROM journey_privacy.journey_map_svg('pictures.visit', 12, during => '[2025-06-01,2025-07-01)') svg) x;
SELECT pg_temp.sound(svg) AS sound, count(*) <= 14 AS nodes FROM journey_privacy.journey_map_svg('pictures.visit', 12, during => '[2025-06-01,2025-07-01)') svg,
  pg_temp.said(svg, '//s:g[@data-node]', '/g/@data-column') c GROUP BY svg, c ORDER BY c;
SELECT pg_temp.sound(svg) AS sound, cardinality(pg_temp.found(svg, '//s:g[@data-step]')) AS steps
FROM journey_privacy.funnel_svg('pictures.visit', '{event 7|event 14|event 21|event 28}', during => '[2025-06-01,2025-07-01)', breakdown => 'visitor') svg;
SET journey_privacy.purpose = 'picture_answers';
SELECT pg_temp.sound(svg) AS sound, cardinality(pg_temp.found(svg, '//s:g[@data-period]')) AS cells
FROM journey_privacy.retention_svg('pictures.visit', period => 'day', periods => 1000, during => '[2024-03-01,2024-03-06)', time_zone => 'UTC') svg;
RESET journey_privacy.purpose;
-- the same each time
SELECT journey_privacy.journey_map_svg('pictures.visit') = journey_privacy.journey_map_svg('pictures.visit') AS same;

--
-- What cannot be meant
--
SELECT journey_privacy.funnel_svg('pictures.visit', '{home}', language => 'tlh');
SELECT journey_privacy.funnel_svg('pictures.visit', '{home}', language => NULL);
SELECT journey_privacy.funnel_svg('pictures.visit', NULL);
SELECT journey_privacy.funnel_svg(NULL, '{home}');
SELECT journey_privacy.funnel_svg('pictures.plain', '{home}');
SELECT journey_privacy.journey_map_svg(NULL);
SELECT journey_privacy.journey_map_svg('pictures.visit', 0);
SELECT journey_privacy.journey_map_svg('pictures.visit', direction => NULL);
SELECT journey_privacy.retention_svg('pictures.visit', period => 'hour');
SELECT journey_privacy.retention_svg('pictures.visit', period => NULL);
SELECT journey_privacy.retention_svg('pictures.visit', event => 'nothing');
SELECT journey_privacy.consent_svg('nothing');
SELECT journey_privacy.consent_svg(period => 'hour');
SELECT journey_privacy.consent_svg(period => NULL);
SELECT journey_privacy.consent_svg(time_zone => NULL);
SELECT journey_privacy.consent_svg(time_zone => 'Mars/Olympus');
SELECT journey_privacy.consent_svg(during => 'empty');
SELECT journey_privacy.consent_svg(during => '[2020-01-01,2024-01-01)');
SELECT journey_privacy.consent_svg(period => 'month', during => '[0044-03-15 BC,2024-01-01)');

DROP SCHEMA pictures CASCADE;
DROP OWNED BY regress_picture_analyst;
SELECT journey_privacy.disallow('regress_picture_analyst', p) FROM unnest(ARRAY['picture_exact', 'picture_floor', 'picture_answers']) p;
DROP ROLE regress_picture_analyst;
