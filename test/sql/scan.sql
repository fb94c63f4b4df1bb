-- The scan that tests permission early: the same rows as through row security
-- alone, whatever the plan around it.
\set VERBOSITY terse
SELECT journey_privacy.create_purpose('x_consent', 'consent'),
       journey_privacy.create_purpose('x_opt_out', 'opt_out') \gset
CREATE ROLE regress_scanner;
SELECT journey_privacy.allow('regress_scanner', 'x_consent'), journey_privacy.allow('regress_scanner', 'x_opt_out') \gset
-- numbers that are null, rows that are dead, columns before the number that are null
CREATE TABLE scanned (id int, note text, journey_subject int, visitor journey_privacy.pseudonym, n int);
SELECT journey_privacy.protect('scanned', 'visitor') \gset
INSERT INTO scanned SELECT i, CASE WHEN i % 3 = 0 THEN repeat('x', i % 50) END, 7,
  CASE WHEN i % 11 > 0 THEN ('customer_id:x' || i % 400)::journey_privacy.pseudonym END, i % 10
FROM generate_series(1, 5000) i;
DELETE FROM scanned WHERE id % 17 = 0;
UPDATE scanned SET n = n + 100 WHERE id % 13 = 0;
SELECT journey_privacy.record_consents(array_agg(('customer_id:x' || i)::journey_privacy.pseudonym),
  array_agg('x_consent'::text), array_agg(i % 3 = 0)) FROM generate_series(0, 399) i;
SELECT count(journey_privacy.object_to(('customer_id:x' || i)::journey_privacy.pseudonym, 'x_opt_out')) FROM generate_series(0, 399, 5) i;
CREATE TABLE joined AS SELECT i AS id FROM generate_series(1, 60) i;
ANALYZE scanned;
GRANT SELECT, UPDATE, DELETE ON scanned TO regress_scanner;
GRANT SELECT ON joined TO regress_scanner;
SET ROLE regress_scanner;
SET journey_privacy.purpose = x_consent;
EXPLAIN (COSTS OFF) SELECT * FROM scanned WHERE n > 3;
SET journey_privacy.enable_journeyscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM scanned WHERE n > 3;
RESET journey_privacy.enable_journeyscan;
-- each query under each purpose with and without the scan
CREATE TEMP TABLE query (n int, sql text);
INSERT INTO query VALUES
  (1, 'SELECT s FROM scanned s'),
  (2, 'SELECT id, note FROM scanned WHERE n BETWEEN 2 AND 105 AND length(note) > 3'),
  (3, 'SELECT j.id, s.id, s.n FROM joined j LEFT JOIN scanned s ON s.id % 60 = j.id AND s.n <> j.id % 7'),
  (4, 'SELECT j.id, (SELECT count(*) FROM scanned s WHERE s.n = j.id) FROM joined j'),
  (5, 'SELECT ctid, tableoid::regclass, journey_subject FROM scanned'),
  (6, 'SELECT n, count(*), max(note) FROM scanned GROUP BY n'),
  (7, 'SELECT id FROM joined j WHERE EXISTS (SELECT FROM scanned s WHERE s.id = j.id OFFSET 0)'),
  (8, 'SELECT * FROM (SELECT id FROM scanned ORDER BY id DESC LIMIT 20) a UNION ALL SELECT id FROM scanned WHERE n > 103'),
  (9, 'WITH RECURSIVE r(id) AS (SELECT 1 UNION SELECT s.id FROM r JOIN scanned s ON s.id = r.id + 3) SELECT id FROM r');
CREATE TEMP TABLE differs (purpose text, n int, workers int);
DO $$
DECLARE q record; p text; w int; k int; a bigint; b bigint; total bigint := 0;
BEGIN
  FOREACH p IN ARRAY ARRAY['x_consent', 'x_opt_out'] LOOP
    PERFORM set_config('journey_privacy.purpose', p, true);
    FOR w IN 0..2 LOOP
      PERFORM set_config('max_parallel_workers_per_gather', w::text, true), set_config('parallel_setup_cost', '0', true),
        set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true);
      FOR q IN TABLE query LOOP
        FOR k IN 0..1 LOOP
          PERFORM set_config('journey_privacy.enable_journeyscan', k::text, true);
          EXECUTE format('SELECT coalesce(sum(hashtext(x::text)::bigint), 0) FROM (%s) x', q.sql) INTO b;
          IF k = 0 THEN a := b; END IF;
        END LOOP;
        total := total + abs(a);
        IF a <> b THEN INSERT INTO differs VALUES (p, q.n, w); END IF;
      END LOOP;
    END LOOP;
  END LOOP;
  RAISE INFO 'something was compared: %', total > 0;
END $$;
SELECT * FROM differs;
-- cursors back and forth, and across a change of the purpose
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM scanned WHERE id < 40;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
FETCH LAST FROM c;
FETCH FIRST FROM c;
DECLARE d CURSOR FOR SELECT id FROM scanned WHERE id < 40;
FETCH 2 FROM d;
SET LOCAL journey_privacy.purpose = x_opt_out;
FETCH 2 FROM d;
RESET journey_privacy.purpose;
FETCH 2 FROM d;
ROLLBACK;
SET journey_privacy.purpose = x_consent;
-- writing reads by it, too
BEGIN;
WITH u AS (UPDATE scanned SET n = -1 WHERE n < 100 RETURNING id) SELECT count(*), count(*) FILTER (WHERE id % 400 % 3 <> 0) AS wrong FROM u;
WITH u AS (DELETE FROM scanned WHERE n = -1 RETURNING id) SELECT count(*), count(*) FILTER (WHERE id % 400 % 3 <> 0) AS wrong FROM u;
ROLLBACK;
SELECT count(*) FROM (SELECT id FROM scanned FOR UPDATE) x;
RESET ROLE;
DROP TABLE scanned, joined;
SELECT journey_privacy.disallow('regress_scanner', 'x_consent'), journey_privacy.disallow('regress_scanner', 'x_opt_out') \gset
DROP OWNED BY regress_scanner;
DROP ROLE regress_scanner;

-- Where rows go: recorded, whoever takes them, and erased with the person
CREATE ROLE regress_taker;
GRANT CREATE ON SCHEMA public TO regress_taker;
CREATE TABLE origin (id int, visitor journey_privacy.pseudonym);
SELECT journey_privacy.protect('origin', 'visitor'), journey_privacy.allow('regress_taker', 'x_consent') \gset
GRANT SELECT ON origin TO regress_taker;
SELECT count(journey_privacy.record_consent(('customer_id:y' || i)::journey_privacy.pseudonym, 'x_consent', true)) FROM generate_series(1, 3) i;
INSERT INTO origin SELECT i, ('customer_id:y' || 1 + i % 3)::journey_privacy.pseudonym FROM generate_series(1, 9) i;
CREATE TABLE copied AS TABLE origin;
SET ROLE regress_taker;
SET journey_privacy.purpose = x_consent;
CREATE TABLE taken AS SELECT visitor AS v, count(*) FROM origin GROUP BY 1;
SELECT id, journey_subject INTO numbered FROM origin;
CREATE TABLE filled (n bigint, who journey_privacy.pseudonym);
INSERT INTO filled SELECT count(*), NULL FROM origin;
INSERT INTO filled SELECT id, visitor FROM origin;
PREPARE maker AS SELECT * FROM origin;
CREATE TABLE executed AS EXECUTE maker;
CREATE TEMP TABLE temporary AS TABLE origin;
CREATE TABLE empty AS TABLE origin WITH NO DATA;
INSERT INTO origin SELECT 1;
CREATE MATERIALIZED VIEW kept AS TABLE origin;
RESET ROLE;
SELECT relation, source, made_by, purpose FROM journey_privacy.derived WHERE source = 'origin'::regclass ORDER BY relation::text;
BEGIN;
CREATE TABLE undone AS TABLE origin;
ROLLBACK;
DROP TABLE executed;
SELECT count(*) FROM journey_privacy.derived WHERE source = 'origin'::regclass;
CALL journey_privacy.erase('customer_id:y1', receipt => NULL) \gset
SELECT t->>'table' AS "table", t->>'rows' AS deleted FROM jsonb_array_elements(:'receipt'::jsonb->'tables') t
  WHERE t->>'action' = 'delete' AND t->>'table' NOT LIKE 'journey\_privacy.%' ORDER BY 1;
SELECT (SELECT count(*) FROM taken), (SELECT count(*) FROM numbered), (SELECT count(*) FROM filled), (SELECT count(*) FROM copied);
DROP TABLE origin, copied, taken, numbered, filled, temporary, empty;
SELECT count(*) FROM journey_privacy.derived;
DEALLOCATE maker;
RESET journey_privacy.purpose;
SELECT journey_privacy.disallow('regress_taker', 'x_consent') \gset
DROP OWNED BY regress_taker;
DROP ROLE regress_taker;
