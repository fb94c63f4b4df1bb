-- The type journey, and tables of journeys kept for speed.
\set VERBOSITY terse
SET search_path = public, journey_privacy;
SET timezone = 'Europe/Berlin';
SET datestyle = 'German, DMY';

-- the text form is the same whatever the session's settings
SELECT '{}'::journey AS none, ' { ( 2026-01-05 10:00:00.5+01 , home ) , (2026-01-04T23:59:59.000001Z,cart) } '::journey AS two;
SELECT e.event, e.event = j.name AS same FROM (SELECT name, journey(now(), name) AS j FROM (VALUES ('plain'), (''), (' '), ('a b'), ('"'), ('""'), ('\'), ('\"'), (','), ('(x)'),
  ('{}'), ('Grüße, 世界 🛒'), (E'tab\tand\nline'), ('NULL')) v(name) GROUP BY name) j, unnest(j::text::journey) e ORDER BY 1;
SELECT j AS ends, j = j::text::journey AS same FROM (SELECT '{(4714-11-24 00:00:00Z BC,first),(294276-12-31 23:59:59.999999Z,last)}'::journey) v(j);
SELECT '{(infinity,home)}'::journey;
SELECT journey('-infinity', 'home');
SELECT ''::journey;
SELECT '{(2026-01-05,home)'::journey;
SELECT '{(2026-01-05,home)} x'::journey;
SELECT '{(2026-01-05)}'::journey;
SELECT '{(2026-01-05,)}'::journey;
SELECT '{(2026-01-05,"home)}'::journey;
SELECT '{(2026-01-05,home,)}'::journey;
SELECT '{(2026-01-05,home)(2026-01-06,home)}'::journey;
SELECT '{(yesterweek,home)}'::journey;
RESET datestyle;
RESET timezone;
SET timezone = 'UTC';

-- order: by time, then by the bytes of the name; the same event twice stays
SELECT '{(2026-01-02,b),(2026-01-01,a),(2026-01-02,B),(2026-01-02,b),(2026-01-02,ab)}'::journey;
SELECT journey(at, event) AS journey, journey(at, NULL) AS no_names, journey(NULL, event) AS no_times
FROM (VALUES (timestamptz '2026-01-02', 'b'), ('2026-01-01', 'a'), (NULL, 'x'), ('2026-01-03', NULL)) v(at, event);
SELECT journey(now(), 'x') IS NULL AS no_rows, journey('{}'::journey) IS NULL AS no_journeys FROM generate_series(1, 0);

-- what can be asked
CREATE TEMP TABLE a AS SELECT '{(2026-01-01 10:00,home),(2026-01-01 10:05,cart),(2026-01-03 12:00,pay)}'::journey AS j;
SELECT events(j), first_at(j), last_at(j), span(j) FROM a;
SELECT events('{}'), first_at('{}'), last_at('{}'), span('{}');
SELECT e.* FROM a, unnest(j) WITH ORDINALITY e(at, event, place);
SELECT count(*) FROM unnest('{}'::journey);
SELECT r, journey_between(j, r::tstzrange) FROM a, (VALUES ('[2026-01-01 10:05,2026-01-03 12:00)'),
  ('(2026-01-01 10:05,2026-01-03 12:00]'), ('(,2026-01-02)'), ('[2026-01-02,infinity]'), ('empty'), ('(,)')) v(r);
SELECT j = '{(2026-01-03 12:00,pay),(2026-01-01 10:00,home),(2026-01-01 10:05,cart)}' AS same, j <> j || '{}' AS other,
  j = journey_between(j, '[2026-01-01 10:01,)') AS part FROM a;
SELECT j || '{(2026-01-01 10:05,cart),(2026-01-01 10:02,search)}' FROM a;
SELECT journey(x) FROM a, LATERAL (VALUES (j), (j), (NULL), ('{}')) v(x);

-- 10,000 random journeys: the rows come back, from text, binary, merged and in parts
SELECT setseed(0.42);
CREATE TABLE random_event AS
  SELECT n, unit, to_timestamp(1600000000 + floor(random() * size) * unit) AS at,
    left(md5((random() * names)::integer::text), (random() * 6)::integer) AS event, random() < 0.5 AS part
  FROM (SELECT n, (ARRAY[0.000001, 0.001, 1, 60, 3600, 86400])[1 + n % 6] AS unit, pow(10, random() * 8) AS size, random() * 40 AS names
        FROM generate_series(1, 10000) n) j, generate_series(1, 1 + (n * n) % 37);
CREATE TEMP TABLE made AS SELECT n, journey(at, event) AS j FROM random_event GROUP BY n;
CREATE FUNCTION pg_temp.differs(from_journeys text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  wrong bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM (
    SELECT n, array_agg(at ORDER BY at, event COLLATE "C") AS times, array_agg(event ORDER BY at, event COLLATE "C") AS names
    FROM random_event GROUP BY n) r FULL JOIN (
    SELECT n, array_agg(e.occurred_at ORDER BY place) AS times, array_agg(e.event ORDER BY place) AS names
    FROM (%s) j, unnest(j) WITH ORDINALITY e(occurred_at, event, place) GROUP BY n) j USING (n)
    WHERE (r.times, r.names) IS DISTINCT FROM (j.times, j.names)', from_journeys) INTO wrong;
  RETURN wrong;
END $$;
SELECT pg_temp.differs('SELECT n, j FROM made') AS made,
  pg_temp.differs('SELECT n, j::text::journey AS j FROM made') AS text,
  pg_temp.differs('SELECT n, (SELECT journey(at, event) FILTER (WHERE part) || coalesce(journey(at, event) FILTER (WHERE NOT part), ''{}'')
                               FROM random_event r WHERE r.n = m.n) AS j FROM made m WHERE n <= 0 UNION ALL SELECT n, j FROM made') AS nothing;
SELECT pg_temp.differs('SELECT n, coalesce(journey(at, event) FILTER (WHERE part), ''{}'') || coalesce(journey(at, event) FILTER (WHERE NOT part), ''{}'') AS j
                        FROM random_event GROUP BY n') AS concatenated,
  pg_temp.differs('SELECT n, journey(j) AS j FROM (SELECT n, part, journey(at, event) AS j FROM random_event GROUP BY n, part) p GROUP BY n') AS merged;
SELECT count(*) AS wrong FROM made WHERE events(j) <> (SELECT count(*) FROM random_event r WHERE r.n = made.n AND made.n <= 200)
  AND n <= 200;
SELECT count(*) AS wrong FROM made JOIN (SELECT n, min(at) AS first, max(at) AS last, count(*) AS count FROM random_event GROUP BY n) r USING (n)
WHERE (events(j), first_at(j), last_at(j), span(j)) IS DISTINCT FROM (count, first, last, last - first);
SELECT count(*) AS wrong FROM made, LATERAL (SELECT first_at(j) + span(j) * 0.3 AS from, first_at(j) + span(j) * 0.6 AS until) b
WHERE journey_between(j, tstzrange(b.from, b.until)) IS DISTINCT FROM
  (SELECT coalesce(journey(at, e.event), '{}') FROM unnest(j) e(at, event) WHERE at >= b.from AND at < b.until);
-- binary, through COPY
\set file `mktemp -u`
COPY made TO :'file' BINARY;
CREATE TEMP TABLE back (n integer, j journey);
COPY back FROM :'file' BINARY;
\setenv FILE :file
\! rm -f "$FILE"
SELECT count(*) AS wrong FROM made FULL JOIN back USING (n) WHERE made.j IS DISTINCT FROM back.j OR made.j <> back.j;

-- by workers: the same
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT n, journey(at, event) FROM random_event GROUP BY n;
CREATE TEMP TABLE by_workers AS SELECT n, journey(at, event) AS j FROM random_event GROUP BY n;
CREATE TABLE parts AS SELECT n, part, journey(at, event) AS j FROM random_event GROUP BY n, part;
CREATE TEMP TABLE merged_by_workers AS SELECT n, journey(j) AS j FROM parts GROUP BY n;
SELECT pg_temp.differs('SELECT * FROM by_workers') AS made, pg_temp.differs('SELECT * FROM merged_by_workers') AS merged;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
RESET enable_sort;
DROP TABLE random_event, parts;

-- what the aggregates answer, of 10,000 journeys
SELECT setseed(0.42);
CREATE TEMP TABLE asked AS
  SELECT n, timestamptz '2026-01-01Z' + (random() * 12)::integer * interval '10 minutes' AS at,
    (ARRAY['a', 'b', 'c', 'd', 'e|f', 'g'])[1 + (random() * 5)::integer] AS event
  FROM generate_series(1, 10000) n, generate_series(1, 1 + n % 9) ORDER BY random();
CREATE TEMP TABLE answering AS SELECT n, journey(at, event) AS j FROM asked GROUP BY n;
CREATE INDEX ON asked (n);
ANALYZE asked; ANALYZE answering;
CREATE FUNCTION pg_temp.disagree(aggregate text, of_journey text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  wrong bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM (SELECT n, %s AS x FROM asked GROUP BY n) a FULL JOIN (SELECT n, %s AS x FROM answering) j USING (n)
    WHERE a.x IS DISTINCT FROM j.x', aggregate, of_journey) INTO wrong;
  RETURN wrong;
END $$;
SELECT mode, pg_temp.disagree(format('window_funnel(at, ''30 min'', %L, event = ''a'', event IN (''b'', ''c''), event = ''d'', event = ''b'')', mode),
    format('journey_window_funnel(j, ''30 min'', %L, ''a'', ''b|c'', ''d'', ''b'')', mode)) AS depth,
  pg_temp.disagree(format('window_funnel_times(at, ''30 min'', %L, event = ''a'', event IN (''b'', ''c''), event = ''d'', event = ''b'')', mode),
    format('journey_window_funnel_times(j, ''30 min'', %L, ''a'', ''b|c'', ''d'', ''b'')', mode)) AS times
FROM (VALUES ('default'), ('strict_order'), ('strict_deduplication'), ('strict_increase'), ('strict_once')) m(mode);
SELECT options, pg_temp.disagree(format('funnel(at, event, ''{a,b|c,d}'', ''1 hour'', %L)', options),
    format('journey_funnel(j, ''{a,b|c,d}'', ''1 hour'', %L)', options)) AS depth,
  pg_temp.disagree(format('funnel_times(at, event, ''{a,b|c,d}'', ''1 hour'', %L)', options),
    format('journey_funnel_times(j, ''{a,b|c,d}'', ''1 hour'', %L)', options)) AS times
FROM (VALUES ('{}'), ('{"order": "strict"}'), ('{"order": "any"}'), ('{"start": "first"}')) m(options);
SELECT pattern, pg_temp.disagree(format('sequence_match(%L, at, event IN (''a'', ''e|f''), event = ''b'', event = ''c'')', pattern),
    format('journey_sequence_match(j, %L, ''a|e\|f'', ''b'', ''c'')', pattern)) AS match,
  pg_temp.disagree(format('sequence_count(%L, at, event IN (''a'', ''e|f''), event = ''b'', event = ''c'')', pattern),
    format('journey_sequence_count(j, %L, ''a|e\|f'', ''b'', ''c'')', pattern)) AS count,
  pg_temp.disagree(format('sequence_times(%L, at, event IN (''a'', ''e|f''), event = ''b'', event = ''c'')', pattern),
    format('journey_sequence_times(j, %L, ''a|e\|f'', ''b'', ''c'')', pattern)) AS times
FROM (VALUES ('(?1)(?2)'), ('(?1).*(?t<=1200)(?3)'), ('(?2)(?t>0)(?1)')) m(pattern);
SELECT pg_temp.disagree('sessions(at, ''15 min'')::text', 'journey_sessions(j, ''15 min'')::text') AS sessions,
  pg_temp.disagree('path(at, event)', 'journey_path(j)') AS path,
  pg_temp.disagree('path(at, event, 3)', 'journey_path(j, 3)') AS depth,
  pg_temp.disagree('path(at, event, NULL, false, ''c'', ''last'', ''to'')', 'journey_path(j, NULL, false, ''c'', ''last'', ''to'')') AS anchored,
  pg_temp.disagree('next_event(at, event, event = ''a'', event IN (''b'', ''c''))', 'journey_next_event(j, ''{a,b|c}'')') AS next,
  pg_temp.disagree('next_event(at, event, ''backward'', ''tail'', true, event <> ''a'')', 'journey_next_event(j, ''{b|c|d|e\\|f|g}'', ''backward'', ''tail'')') AS before;
SELECT model, pg_temp.disagree(format('attribution(at, CASE WHEN event <> ''d'' THEN event END, event = ''d'', %L, ''50 min'', ''20 min'', false)', model),
    format('journey_attribution(j, ''d'', %L, ''50 min'', ''20 min'', false)', model)) AS all,
  pg_temp.disagree(format('attribution(at, CASE WHEN event IN (''a'', ''d'') THEN event END, event = ''d'', %L, NULL)', model),
    format('journey_attribution(j, ''d'', %L, touches => ''{a,d}'')', model)) AS some
FROM (VALUES ('first'), ('last'), ('linear'), ('position'), ('time_decay')) m(model);
-- questions may differ from row to row; nothing is asked of no journey
SELECT steps, journey_funnel(j, steps) FROM (SELECT j FROM answering WHERE n = 8) a, (VALUES ('{a,b}'::text[]), ('{b,a}'), ('{a,b}')) v(steps);
SELECT journey_funnel(NULL, '{a}'), journey_path(NULL), journey_sessions(NULL, '1 day'), journey_sequence_count(NULL, '(?1)', 'a'),
  journey_funnel('{}', '{a}'), journey_path('{}'), journey_next_event('{}', '{a}'), journey_attribution('{}', 'a');
SELECT journey_funnel('{}', NULL);
SELECT journey_sessions('{}', NULL);
SELECT journey_sequence_match('{}', '(?2)', 'a');
SELECT journey_next_event('{}', '{}');
SELECT journey_attribution('{}', 'a', touches => '{b,NULL}');

-- toasted, and large
CREATE TEMP TABLE large AS SELECT journey(to_timestamp(i::bigint * i), 'event ' || i % 1000) AS j FROM generate_series(1, 100000) i;
SELECT events(j), pg_column_size(j) < 600000 AS small, last_at(j), (SELECT count(DISTINCT e.event) FROM unnest(j) e) AS names FROM large;

-- Stores.
SELECT create_purpose('st_analytics', 'consent');
CREATE ROLE regress_store_owner;
CREATE ROLE regress_store_analyst;
SELECT allow('regress_store_analyst', 'st_analytics');
GRANT CREATE ON SCHEMA public TO regress_store_owner;
GRANT EXECUTE ON FUNCTION protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name),
  unprotect(regclass), create_journey_store(regclass, name, interval, name), refresh_journey_store(name, boolean),
  drop_journey_store(name) TO regress_store_owner;
SET ROLE regress_store_owner;
CREATE TABLE st_visit (id integer PRIMARY KEY, visitor pseudonym, at timestamptz NOT NULL, event text NOT NULL, note text);
SELECT protect('st_visit', 'visitor', occurred_at => 'at');
GRANT SELECT ON st_visit TO regress_store_analyst;
RESET ROLE;
INSERT INTO st_visit SELECT i, ('customer_id:st' || i % 40)::pseudonym, timestamptz '2026-01-01' + i * interval '2 hours',
  CASE WHEN i % 97 = 0 THEN 'rare ' || i WHEN i % 7 = 0 THEN 'cart' ELSE 'home' END FROM generate_series(1, 1000) i;
INSERT INTO st_visit VALUES (0, NULL, now(), 'nobody');

-- what is refused
CREATE TABLE st_other (visitor pseudonym, at timestamptz, event text NOT NULL, kind text);
SELECT create_journey_store('st_other', 'st_journey', '30 days');
SELECT protect('st_other', 'visitor', occurred_at => 'at', visibility => 'collected');
SELECT create_journey_store('st_other', 'st_journey', '30 days');
SELECT unprotect('st_other');
SELECT protect('st_other', 'visitor');
SELECT create_journey_store('st_other', 'st_journey', '30 days');
SELECT unprotect('st_other');
SELECT protect('st_other', 'visitor', occurred_at => 'at', number_column => NULL);
SELECT create_journey_store('st_other', 'st_journey', '30 days');
SELECT unprotect('st_other');
SELECT protect('st_other', 'visitor', occurred_at => 'at');
SELECT create_journey_store('st_other', 'st_journey', '30 days', 'kind');
SELECT create_journey_store('st_other', 'st_journey', '30 days', 'at');
SELECT create_journey_store('st_other', 'st_journey', '30 days', 'none');
SELECT create_journey_store('st_other', 'st_visit', '30 days');
SELECT create_journey_store('st_other', 'st_journey', '1 month');
SELECT create_journey_store('st_other', 'st_journey', '59 seconds');
SELECT create_journey_store('st_other', 'st_journey', NULL);
CREATE POLICY own ON st_other USING (kind = 'x');
SELECT create_journey_store('st_other', 'st_journey', '30 days');
DROP TABLE st_other;
SET ROLE regress_store_analyst;
SELECT create_journey_store('st_visit', 'st_journey', '30 days');
SELECT refresh_journey_store('st_journey');
RESET ROLE;
SELECT refresh_journey_store('st_journey');

SET ROLE regress_store_owner;
SELECT create_journey_store('st_visit', 'st_journey', '30 days');
SELECT create_journey_store('st_visit', 'st_journey', '30 days');
RESET ROLE;
-- what the oracle sees: the rows and the store have the same events
CREATE VIEW st_wrong AS
  SELECT * FROM (SELECT journey_subject, visitor, at, event, count(*) FROM st_visit WHERE journey_subject IS NOT NULL GROUP BY 1, 2, 3, 4) v
  FULL JOIN (SELECT journey_subject, subject AS visitor, e.occurred_at AS at, e.event, count(*),
               bool_and(e.occurred_at >= bucket AND e.occurred_at < bucket + interval '30 days') AS within
             FROM st_journey, unnest(events) e GROUP BY 1, 2, 3, 4) j USING (journey_subject, visitor, at, event, count)
  WHERE v IS NULL OR j IS NULL OR NOT j.within;
CREATE VIEW st_pending AS SELECT number IS NULL AS whole, count(*) FROM store_change
  WHERE relation = 'st_journey'::regclass GROUP BY 1;
SELECT * FROM st_pending;
SET ROLE regress_store_owner;
SELECT refresh_journey_store('st_journey');
SELECT refresh_journey_store('st_journey') AS nothing_to_do;
RESET ROLE;
SELECT count(*) FROM st_wrong;
SELECT * FROM st_pending;
SELECT extract(epoch FROM bucket)::bigint % (30 * 86400) AS from_epoch, count(*), sum(events(events)) FROM st_journey GROUP BY 1;
-- names of 20 people are codes, those of fewer are in the journeys
SELECT code, name FROM event_name WHERE name IN ('home', 'cart') OR name LIKE 'rare%' ORDER BY name;
SELECT relation, owner.rolname FROM pg_class c JOIN pg_roles owner ON owner.oid = c.relowner JOIN journey_store s ON s.relation = c.oid;

-- late events, other times, other names, other people, deletes; ON CONFLICT, COPY
INSERT INTO st_visit VALUES (2000, 'customer_id:st1', '2026-01-03 00:00:01', 'late');
UPDATE st_visit SET at = at + interval '40 days' WHERE id = 10;
UPDATE st_visit SET event = 'other' WHERE id = 11;
UPDATE st_visit SET visitor = 'customer_id:st_new' WHERE id = 12;
UPDATE st_visit SET visitor = NULL WHERE id = 13;
DELETE FROM st_visit WHERE id = 14;
DELETE FROM st_visit WHERE visitor = 'customer_id:st15';
INSERT INTO st_visit VALUES (16, 'customer_id:st16', '2026-02-03', 'upsert') ON CONFLICT (id) DO UPDATE SET event = EXCLUDED.event;
COPY st_visit (id, visitor, at, event) FROM stdin (DELIMITER ',');
2001,customer_id:st17,2025-06-01 00:00Z,copied
\.
SELECT count(*) > 0 AS wrong FROM st_wrong;
SELECT refresh_journey_store('st_journey') > 0 AS made;
SELECT count(*) FROM st_wrong;
-- what changes nothing of it is not noted; what is rolled back does no harm
UPDATE st_visit SET note = 'x';
SELECT * FROM st_pending;
BEGIN; INSERT INTO st_visit VALUES (2002, 'customer_id:st1', '2026-01-03', 'never'); ROLLBACK;
SELECT * FROM st_pending;
BEGIN;
SAVEPOINT a; INSERT INTO st_visit VALUES (2002, 'customer_id:st1', '2026-01-03', 'never'); ROLLBACK TO a;
INSERT INTO st_visit VALUES (2003, 'customer_id:st2', '2026-01-03', 'kept');
COMMIT;
SELECT refresh_journey_store('st_journey') > 0 AS made;
SELECT count(*) FROM st_wrong;
-- in the transaction of the change; a refresh that is rolled back loses nothing
BEGIN;
INSERT INTO st_visit VALUES (2004, 'customer_id:st3', '2026-01-04', 'mine');
SAVEPOINT a;
SELECT refresh_journey_store('st_journey') AS made;
SELECT count(*) FROM st_wrong;
ROLLBACK TO a;
COMMIT;
SELECT * FROM st_pending;
SELECT refresh_journey_store('st_journey') AS made;
SELECT count(*) FROM st_wrong;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT refresh_journey_store('st_journey');
ROLLBACK;
-- TRUNCATE, and all of it anew
BEGIN;
TRUNCATE st_visit;
SELECT refresh_journey_store('st_journey') AS made, (SELECT count(*) FROM st_journey) AS before;
SELECT count(*) FROM st_journey;
ROLLBACK;
SELECT refresh_journey_store('st_journey', whole => true) = (SELECT count(*) FROM st_journey) AS all;
SELECT count(*) FROM st_wrong;
-- rewritten: every row may be another
BEGIN;
DROP VIEW st_wrong;
ALTER TABLE st_visit ALTER COLUMN event TYPE text USING upper(event);
SELECT * FROM st_pending;
SELECT refresh_journey_store('st_journey') > 0 AS made;
SELECT count(*) AS wrong FROM st_journey, unnest(events) WHERE event <> upper(event);
SAVEPOINT a;
ALTER TABLE st_visit DROP COLUMN event;
ROLLBACK;
ALTER TABLE st_visit RENAME COLUMN event TO name;
-- times without end are no part of a journey
BEGIN;
INSERT INTO st_visit VALUES (2005, 'customer_id:st3', 'infinity', 'never');
SELECT refresh_journey_store('st_journey');
ROLLBACK;

-- when it answers for its table: as long as nothing has changed there, in a range of times
SELECT store_covering('st_visit', '[2026-01-01,2026-02-01)');
SELECT store_covering('st_visit', '(,)'), store_covering('st_visit', 'empty'), store_covering('event_name', '(,)');
BEGIN;
INSERT INTO st_visit VALUES (2005, 'customer_id:st3', '2026-02-07', 'new');
SELECT day, (store_covering('st_visit', tstzrange(timestamptz '2026-02-06' + day, timestamptz '2026-02-07' + day))).store IS NOT NULL AS covers
FROM (VALUES (interval '-1 day'), ('0'), ('29 days'), ('30 days'), ('-30 days')) v(day);
SELECT store_covering('st_visit', '(,)');
ROLLBACK;
INSERT INTO st_visit VALUES (2005, 'customer_id:st3', '2026-02-07', 'new');
SELECT store_covering('st_visit', '[2026-02-20,2026-02-21)') AS same_bucket, store_covering('st_visit', '[2026-03-20,)') AS later,
  store_covering('st_visit', '(,2026-01-20]') AS before;
DELETE FROM st_visit WHERE id = 2005;
SELECT refresh_journey_store('st_journey') AS made;
ALTER TABLE st_visit ALTER COLUMN event DROP NOT NULL;
SELECT store_covering('st_visit', '(,)');
ALTER TABLE st_visit ALTER COLUMN event SET NOT NULL;
CREATE POLICY own ON st_visit USING (note = 'x');
SELECT store_covering('st_visit', '(,)');
DROP POLICY own ON st_visit;
GRANT EXECUTE ON FUNCTION store_covering TO regress_store_analyst;
SET ROLE regress_store_analyst;
SELECT store_covering('st_visit', '(,)');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION store_covering FROM regress_store_analyst;

-- who tampers with it is found out by the next refresh
SET ROLE regress_store_owner;
SET journey_privacy.purpose = 'st_analytics';
INSERT INTO st_journey VALUES (0, '2020-01-01', 'p1_000000000000000000000000', '{(2020-01-02,forged)}');
RESET ROLE;
INSERT INTO st_journey VALUES (0, '2019-12-07', 'customer_id:st5', '{(2019-12-08,forged)}');
DELETE FROM st_journey WHERE subject = 'customer_id:st6';
UPDATE st_journey SET events = '{}' WHERE subject = 'customer_id:st7';
SELECT count(*) > 0 AS wrong FROM st_wrong;
SELECT * FROM st_pending;
SELECT refresh_journey_store('st_journey') > 0 AS made;
SELECT count(*) FROM st_wrong;

-- nobody gets round: without purpose, without consent, without a privilege
SELECT record_consent(('customer_id:st' || i)::pseudonym, 'st_analytics', true) IS NULL AS n FROM generate_series(0, 9) i GROUP BY 1;
SET ROLE regress_store_analyst;
SELECT count(*) FROM st_journey;
RESET ROLE;
SET ROLE regress_store_owner;
GRANT SELECT ON st_journey TO regress_store_analyst;
RESET ROLE;
RESET journey_privacy.purpose;
SET ROLE regress_store_analyst;
SELECT count(*) FROM st_journey;
SET journey_privacy.purpose = 'st_analytics';
SELECT count(DISTINCT journey_subject) AS people, (SELECT count(DISTINCT journey_subject) FROM st_visit) AS of_rows FROM st_journey;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM st_journey;
RESET enable_bitmapscan;
-- events a SECURITY INVOKER function of the analyst's must not see before the policy
CREATE FUNCTION pg_temp.leak(journey) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
  $$BEGIN RAISE NOTICE 'saw one'; RETURN true; END$$;
SELECT count(*) FROM (SELECT FROM st_journey WHERE pg_temp.leak(events) AND subject = 'p1_000000000000000000000000') s;
RESET ROLE;
-- withdrawal hides the rows at once
SELECT record_consent('customer_id:st3', 'st_analytics', false) IS NULL AS n;
SET ROLE regress_store_analyst;
SELECT count(DISTINCT journey_subject) AS people FROM st_journey;
RESET ROLE;
-- the owner is bound too, and cannot take the protection away
SET ROLE regress_store_owner;
SELECT count(DISTINCT journey_subject) AS people FROM st_journey;
ALTER TABLE st_journey DISABLE ROW LEVEL SECURITY;
ALTER TABLE st_journey NO FORCE ROW LEVEL SECURITY;
ALTER TABLE st_journey DISABLE TRIGGER zzz_journey_privacy_store;
ALTER TABLE st_visit DISABLE TRIGGER zzz_journey_privacy_store;
DROP TRIGGER zzz_journey_privacy_store_truncate ON st_visit;
DROP POLICY journey_privacy_select ON st_journey;
CREATE POLICY mine ON st_journey USING (true);
CREATE TRIGGER mine AFTER INSERT ON st_journey EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE UNIQUE INDEX ON st_journey (events(events));
TRUNCATE st_journey;
SELECT unprotect('st_journey');
SELECT unprotect('st_visit');
SELECT count(*) FROM event_name;
SELECT count(*) FROM store_change;
DELETE FROM journey_store;
RESET ROLE;

-- columns that a purpose may not read are not in its journeys
SELECT allow_columns('st_analytics', 'st_visit', '{visitor,journey_subject,at}');
SELECT columns FROM column_allowance WHERE relation = 'st_journey'::regclass;
SET ROLE regress_store_analyst;
SELECT events FROM st_journey;
RESET ROLE;
SELECT allow_columns('st_analytics', 'st_visit', NULL);
SELECT columns FROM column_allowance WHERE relation = 'st_journey'::regclass;

-- the erased go from the store with everything else, and do not come back
SELECT journey_subject AS erased FROM st_journey WHERE subject = 'customer_id:st8' LIMIT 1 \gset
INSERT INTO st_visit VALUES (2010, 'customer_id:st8', '2026-01-04', 'noted');
SELECT count(*) FROM store_change WHERE number = :erased;
SELECT relation, action, rows > 0 AS rows FROM preview_erasure('customer_id:st8') WHERE relation::text LIKE 'st\_%' ORDER BY 1;
BEGIN;
CALL erase('customer_id:st8', receipt => NULL) \gset ignored_
COMMIT;
SELECT (SELECT count(*) FROM st_journey WHERE journey_subject = :erased) AS rows,
  (SELECT count(*) FROM store_change WHERE number = :erased) AS changes;
SELECT refresh_journey_store('st_journey') AS made;
SELECT count(*) FROM st_wrong;
-- rows that a hold keeps are not journeys; who comes back begins anew
SELECT journey_subject AS held FROM st_journey WHERE subject = 'customer_id:st9' LIMIT 1 \gset
SELECT place_hold('a case', 'customer_id:st9', 'st_visit') IS NULL AS n;
BEGIN;
CALL erase('customer_id:st9', receipt => NULL) \gset ignored_
COMMIT;
SELECT count(*) > 0 AS kept, (SELECT count(*) FROM st_journey WHERE journey_subject = :held) AS rows
FROM st_visit WHERE journey_subject = :held;
SELECT refresh_journey_store('st_journey', true) > 0 AS made;
SELECT count(*) FROM st_journey WHERE journey_subject = :held;
SELECT record_consent('customer_id:st9', 'st_analytics', true) IS NULL AS n;
INSERT INTO st_visit VALUES (2011, 'customer_id:st9', '2026-01-04', 'back');
SELECT refresh_journey_store('st_journey', true) > 0 AS made;
SELECT journey_subject = :held AS same_number, events FROM st_journey WHERE subject = 'customer_id:st9';
DELETE FROM st_visit WHERE journey_subject = :held;
SELECT refresh_journey_store('st_journey') AS made;
SELECT * FROM st_pending;

-- dropped: the table stays, and what followed it goes
SET ROLE regress_store_owner;
SELECT create_journey_store('st_visit', 'st_daily', '1 day');
SELECT refresh_journey_store('st_daily') > 0 AS made;
RESET ROLE;
SELECT count(*) AS wrong FROM (SELECT journey_subject, e.* FROM st_daily, unnest(events) e) d
FULL JOIN (SELECT journey_subject, e.* FROM st_journey, unnest(events) e) j USING (journey_subject, occurred_at, event)
WHERE d IS NULL OR j IS NULL;
DROP VIEW st_wrong, st_pending;
SET ROLE regress_store_owner;
SELECT drop_journey_store('st_journey');
RESET ROLE;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'st_visit'::regclass AND tgname LIKE '%store%' ORDER BY 1;
DROP TABLE st_daily;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'st_visit'::regclass AND tgname LIKE '%store%' ORDER BY 1;
SELECT (SELECT count(*) FROM journey_store) AS stores, (SELECT count(*) FROM store_change) AS changes;
SELECT create_journey_store('st_visit', 'st_journey', '7 days');
DROP TABLE st_visit;
SELECT to_regclass('st_journey') AS gone, (SELECT count(*) FROM journey_store) AS stores,
  (SELECT count(*) FROM protection WHERE relation::text LIKE '%st\_%') AS protected;

-- identities of every kind of column, in partitions and children that come and go
CREATE TABLE st_part (who bigint, at timestamptz NOT NULL, what varchar(20) NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE st_part_1 PARTITION OF st_part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE st_part_2 (LIKE st_part INCLUDING ALL);
SELECT protect('st_part', 'who', kind => 'customer_id', occurred_at => 'at');
SELECT create_journey_store('st_part', 'st_part_journey', '14 days', event => 'what');
ALTER TABLE st_part_2 ADD COLUMN journey_subject integer;
INSERT INTO st_part SELECT 8000000 + i % 10, timestamptz '2026-01-01' + i * interval '1 hour', 'e' || i % 3 FROM generate_series(0, 700) i;
INSERT INTO st_part_2 SELECT 8000000 + i % 10, timestamptz '2026-02-01' + i * interval '1 hour', 'e' || i % 3 FROM generate_series(0, 100) i;
CREATE VIEW st_wrong AS
  SELECT * FROM (SELECT journey_subject, at, what::text FROM st_part) v
  FULL JOIN (SELECT journey_subject, e.occurred_at AS at, e.event AS what
             FROM st_part_journey, unnest(events) e) j USING (journey_subject, at, what) WHERE v IS NULL OR j IS NULL;
SELECT refresh_journey_store('st_part_journey') > 0 AS made;
SELECT count(*) FROM st_wrong;
ALTER TABLE st_part ATTACH PARTITION st_part_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE st_part_3 PARTITION OF st_part FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
SELECT members FROM journey_store;
SELECT number, bucket FROM store_change WHERE number IS NULL GROUP BY 1, 2;
SELECT refresh_journey_store('st_part_journey') > 0 AS made;
SELECT count(*) FROM st_wrong;
INSERT INTO st_part_3 VALUES (3, '2026-03-05', 'in the third');
UPDATE st_part SET at = '2026-03-06' WHERE at = '2026-02-02';
SELECT number IS NULL AS whole, bucket FROM store_change GROUP BY 1, 2 ORDER BY 2;
SELECT refresh_journey_store('st_part_journey') AS made;
SELECT count(*) FROM st_wrong;
TRUNCATE st_part_3;
SELECT refresh_journey_store('st_part_journey') > 0 AS made;
SELECT count(*) FROM st_wrong;
ALTER TABLE st_part DETACH PARTITION st_part_2;
SELECT refresh_journey_store('st_part_journey') > 0 AS made;
SELECT count(*) FROM st_wrong;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'st_part_2'::regclass AND tgname LIKE '%store%' ORDER BY 1;
DROP TABLE st_part_1;
SELECT refresh_journey_store('st_part_journey') AS made, members FROM journey_store;
SELECT count(*) FROM st_wrong;
DROP TABLE st_part CASCADE;
DROP TABLE st_part_2;
CREATE TABLE st_parent (who uuid, at timestamptz, event text NOT NULL);
SELECT protect('st_parent', 'who', kind => 'device_id', occurred_at => 'at');
SELECT create_journey_store('st_parent', 'st_parent_journey', '1 day');
CREATE TABLE st_child () INHERITS (st_parent);
INSERT INTO st_child VALUES ('f36f1d54-8f36-4d3e-ab0c-3d1fbf3b8a5d', '2026-01-01', 'in the child');
SELECT refresh_journey_store('st_parent_journey') AS made;
INSERT INTO st_child VALUES ('f36f1d54-8f36-4d3e-ab0c-3d1fbf3b8a5d', '2026-01-01', 'later'), ('f36f1d54-8f36-4d3e-ab0c-3d1fbf3b8a5d', NULL, 'never');
SELECT refresh_journey_store('st_parent_journey') AS made;
SELECT subject = 'device_id:f36f1d54-8f36-4d3e-ab0c-3d1fbf3b8a5d' AS subject, events FROM st_parent_journey;
DROP TABLE st_parent CASCADE;
SELECT (SELECT count(*) FROM journey_store) AS stores, (SELECT count(*) FROM store_change) AS changes;

REVOKE ALL ON SCHEMA public FROM regress_store_owner;
DROP OWNED BY regress_store_owner, regress_store_analyst;
DROP ROLE regress_store_owner, regress_store_analyst;
