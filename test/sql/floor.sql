-- The floor under small groups, and purposes under which only answers are
-- given.  An analyst with skill and bad intent tries to read rows, or groups
-- smaller than the floor; each attempt says what must happen.
\set VERBOSITY terse
\pset null '-'
SELECT current_database() AS db, session_user AS dba \gset
CREATE ROLE floor_analyst LOGIN;
CREATE ROLE floor_both LOGIN;
CREATE ROLE floor_owner;
CREATE SCHEMA floor AUTHORIZATION floor_analyst;
CREATE SCHEMA floor_both AUTHORIZATION floor_both;
CREATE SCHEMA floor_data;
GRANT USAGE, CREATE ON SCHEMA floor_data TO floor_owner;
GRANT USAGE ON SCHEMA floor_data TO PUBLIC;

-- purposes: a floor of 20 and rows unless something else is said
SELECT journey_privacy.create_purpose('floor_default', 'consent') \gset
SELECT journey_privacy.create_purpose('floor_rows', 'consent', min_group => 10) \gset
SELECT journey_privacy.create_purpose('floor_answers', 'consent', min_group => 10, access => 'aggregates') \gset
SELECT name, min_group, access FROM journey_privacy.purpose WHERE name LIKE 'floor%' ORDER BY name;
SELECT journey_privacy.change_purpose('floor_default', min_group => 1);
SELECT journey_privacy.change_purpose('floor_default', access => 'aggregates');
SELECT journey_privacy.change_purpose('floor_default', description => 'nothing else');
SELECT name, min_group, access FROM journey_privacy.purpose WHERE name = 'floor_default';
SELECT journey_privacy.create_purpose('floor_x', 'consent', min_group => 0);
SELECT journey_privacy.create_purpose('floor_x', 'consent', min_group => NULL);
SELECT journey_privacy.create_purpose('floor_x', 'consent', access => 'Rows');
SELECT journey_privacy.create_purpose('floor_x', 'consent', access => NULL);
SELECT journey_privacy.change_purpose('floor_default', min_group => -1);
SELECT journey_privacy.change_purpose('floor_default', access => 'row');

-- 40 people; 27 agreed to answers, 14 of them to rows; nobody else does
SELECT journey_privacy.allow('floor_analyst', 'floor_answers') \gset
SELECT journey_privacy.allow('floor_owner', 'floor_answers') \gset
SELECT journey_privacy.allow('floor_both', 'floor_answers') \gset
SELECT journey_privacy.allow('floor_both', 'floor_rows') \gset
SELECT count(journey_privacy.record_consent(('customer_id:floor' || i)::journey_privacy.pseudonym, 'floor_answers', true)) AS answers,
  count(journey_privacy.record_consent(('customer_id:floor' || i)::journey_privacy.pseudonym, 'floor_rows', true)) FILTER (WHERE i <= 14) AS rows
  FROM generate_series(1, 27) i;
CREATE TABLE floor_data.visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text, amount int);
CREATE TABLE floor_data.plain (visitor journey_privacy.pseudonym);
CREATE TABLE floor_data.region (region text, visitor journey_privacy.pseudonym, at timestamptz) PARTITION BY LIST (region);
CREATE TABLE floor_data.region_a PARTITION OF floor_data.region FOR VALUES IN ('a');
CREATE TABLE floor_data.owned (visitor journey_privacy.pseudonym, event text);
ALTER TABLE floor_data.owned OWNER TO floor_owner;
SELECT journey_privacy.protect('floor_data.visit', 'visitor', occurred_at => 'at') \gset
SELECT journey_privacy.protect('floor_data.region', 'visitor', occurred_at => 'at') \gset
SELECT journey_privacy.protect('floor_data.owned', 'visitor') \gset
-- a day each: customer n is there for the first time on day n
INSERT INTO floor_data.visit
  SELECT i * 100 + k, ('customer_id:floor' || i)::journey_privacy.pseudonym, timestamptz '2024-03-01Z' + (i - 1) * interval '1 day' + k * interval '1 minute',
    CASE WHEN i <= 3 AND k = 0 THEN 'rare' ELSE 'home' END, i
  FROM generate_series(1, 40) i, generate_series(0, 20) k;
INSERT INTO floor_data.region SELECT 'a', visitor, at FROM floor_data.visit;
INSERT INTO floor_data.owned SELECT visitor, event FROM floor_data.visit;
ANALYZE floor_data.visit, floor_data.region, floor_data.owned;
GRANT SELECT ON ALL TABLES IN SCHEMA floor_data TO floor_analyst, floor_both;
GRANT INSERT, UPDATE, DELETE ON floor_data.visit TO floor_analyst;
CREATE VIEW floor_data.as_dba AS SELECT event, count(*) FROM floor_data.visit GROUP BY event;
GRANT SELECT ON floor_data.as_dba TO floor_analyst;

-- the DBA is bound by no policy: exact without a purpose, floored and rounded with one
SELECT journey_privacy.subject_count('floor_data.visit') AS all_of_them,
  journey_privacy.subject_count('floor_data.visit', '[2024-03-02Z,2024-03-05Z)') AS three,
  journey_privacy.subject_count('floor_data.visit', 'empty') AS none,
  journey_privacy.subject_count('floor_data.owned') AS owned;
SET journey_privacy.purpose = 'floor_rows';
SELECT journey_privacy.subject_count('floor_data.visit'), journey_privacy.subject_count('floor_data.visit', '[2024-03-02Z,2024-03-05Z)') AS three,
  journey_privacy.subject_count('floor_data.visit', '[2024-03-02Z,2024-03-12Z)') AS ten;
SET journey_privacy.purpose = 'floor_answers';
SELECT journey_privacy.subject_count('floor_data.visit', '[2024-03-01Z,2024-04-08Z)') AS "38";
SET journey_privacy.purpose = 'floor_nowhere';
SELECT journey_privacy.subject_count('floor_data.visit');
RESET journey_privacy.purpose;
-- what cannot be meant is refused
SELECT journey_privacy.subject_count('floor_data.plain');
SELECT journey_privacy.subject_count('floor_data.as_dba');
SELECT journey_privacy.subject_count(NULL);
SELECT journey_privacy.subject_count(1);
SELECT journey_privacy.subject_count('floor_data.owned', '[2024-03-02Z,)');

\c - floor_both
\set VERBOSITY terse
\pset null '-'
SET timezone = 'UTC';
SET datestyle = 'ISO';
-- under rows: exact, with the floor; bounds of time to the microsecond
SET journey_privacy.purpose = 'floor_rows';
SELECT count(DISTINCT visitor) AS direct, journey_privacy.subject_count('floor_data.visit') AS answer FROM floor_data.visit;
SELECT range, journey_privacy.subject_count('floor_data.visit', range) FROM (VALUES
  (tstzrange('2024-03-01Z', '2024-03-11Z')), ('[2024-03-01Z,2024-03-11Z]'), ('(2024-03-01 00:20Z,2024-03-11Z]'), ('[2024-03-01 00:20Z,2024-03-11Z)'),
  ('(,2024-03-10 12:00Z)'), ('(,2024-03-09 12:00Z)'), ('[2024-03-05Z,)'), ('[-infinity,infinity]'), ('empty')) v (range);
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET timezone = 'UTC';
SET datestyle = 'ISO';
-- without a purpose, and with one of somebody else
SELECT journey_privacy.subject_count('floor_data.visit');
SET journey_privacy.purpose = 'floor_rows';
SELECT journey_privacy.subject_count('floor_data.visit');
SET journey_privacy.purpose = 'floor_answers';
-- 27 agreed, rounded down; the hour is all that counts of a time
SELECT journey_privacy.subject_count('floor_data.visit'), journey_privacy.subject_count('floor_data.region') AS parent,
  journey_privacy.subject_count('floor_data.region_a') AS partition;
SELECT range, journey_privacy.subject_count('floor_data.visit', range) FROM (VALUES
  (tstzrange('2024-03-01Z', '2024-03-11Z')), ('[2024-03-01 00:59Z,2024-03-11Z)'), ('[2024-03-01 01:00Z,2024-03-11Z)'),
  ('[2024-03-01Z,2024-03-10 00:59Z)'), ('[2024-03-01Z,2024-03-10 01:00Z)'), ('[2024-03-01Z,2024-03-10 01:00:00.000001Z)')) v (range);

--
-- Reading rows
--

-- 1. SELECT, in every form: an error each time
SELECT * FROM floor_data.visit;
SELECT count(*) FROM floor_data.visit;
SELECT event, count(*) FROM floor_data.visit GROUP BY event HAVING count(*) > 1000;
SELECT 1 FROM floor_data.visit LIMIT 0;
SELECT FROM floor_data.visit WHERE false;
SELECT EXISTS (SELECT FROM floor_data.visit WHERE event = 'rare');
SELECT (SELECT max(amount) FROM floor_data.visit);
WITH v AS MATERIALIZED (SELECT * FROM floor_data.visit) SELECT 1 FROM v WHERE false;
TABLE floor_data.visit;
SELECT count(*) FROM ONLY floor_data.region;
SELECT count(*) FROM floor_data.region_a;
SELECT journey_privacy.subject_count('floor_data.visit') FROM floor_data.visit;
-- what planning drops is not read
SELECT 1 WHERE false AND EXISTS (SELECT FROM floor_data.visit);

-- 2. with locks, samples, by ctid: the same
SELECT id FROM floor_data.visit FOR UPDATE;
SELECT id FROM floor_data.visit FOR KEY SHARE SKIP LOCKED;
SELECT id FROM floor_data.visit TABLESAMPLE SYSTEM (100);
SELECT tableoid FROM floor_data.visit WHERE ctid = '(0,1)';

-- 3. views and functions of one's own, with one's own rights or the caller's: the same
CREATE VIEW floor.seen AS SELECT * FROM floor_data.visit;
CREATE VIEW floor.invoked WITH (security_invoker, security_barrier) AS SELECT * FROM floor_data.visit;
SELECT count(*) FROM floor.seen;
SELECT count(*) FROM floor.invoked;
CREATE FUNCTION floor.inlined() RETURNS SETOF floor_data.visit LANGUAGE sql STABLE AS 'SELECT * FROM floor_data.visit';
CREATE FUNCTION floor.definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM floor_data.visit';
CREATE FUNCTION floor.atomic() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM floor_data.visit; END;
CREATE FUNCTION floor.peek() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS
  $$ BEGIN RETURN (SELECT count(*) FROM floor_data.visit); END $$;
CREATE FUNCTION floor.looped() RETURNS SETOF text LANGUAGE plpgsql AS
  $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM floor_data.visit LOOP RETURN NEXT r.event; END LOOP; END $$;
SELECT count(*) FROM floor.inlined();
SELECT floor.definer();
SELECT floor.atomic();
SELECT floor.peek();
SELECT * FROM floor.looped();
DO $$ BEGIN PERFORM FROM floor_data.visit; RAISE NOTICE 'seen'; END $$;

-- 4. a view that the DBA made for all is the DBA's to show
SELECT * FROM floor_data.as_dba ORDER BY event;

-- 5. writing that reads, or tells how many: an error each time
UPDATE floor_data.visit SET amount = 0;
UPDATE floor_data.visit SET amount = 0 WHERE event = 'rare' RETURNING *;
DELETE FROM floor_data.visit;
DELETE FROM floor_data.visit USING floor.seen s WHERE s.id = visit.id;
INSERT INTO floor_data.visit SELECT * FROM floor_data.visit;
BEGIN;
INSERT INTO floor_data.visit VALUES (1, 'p1_00000000000000000000spya', now()) RETURNING *;
ROLLBACK;
INSERT INTO floor_data.visit VALUES (100, 'p1_00000000000000000000spya', now()) ON CONFLICT (id) DO NOTHING;
INSERT INTO floor_data.visit VALUES (100, 'p1_00000000000000000000spya', now()) ON CONFLICT (id) DO UPDATE SET amount = 0;
WITH d AS (DELETE FROM floor_data.visit RETURNING 1) SELECT 1;

-- 6. MERGE, even one that does nothing and names no column: the same
CREATE TABLE floor.own (id int, x text);
INSERT INTO floor.own VALUES (100, 'a'), (101, 'b');
MERGE INTO floor_data.visit v USING floor.own o ON v.id = o.id WHEN MATCHED THEN DELETE;
MERGE INTO floor_data.visit v USING floor.own o ON true WHEN MATCHED THEN DO NOTHING;
MERGE INTO floor_data.visit v USING floor.own o ON true WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO floor_data.visit v USING (SELECT 1 LIMIT 0) o ON true WHEN MATCHED THEN DO NOTHING;
MERGE INTO floor.own o USING floor_data.visit v ON v.id = o.id WHEN MATCHED THEN UPDATE SET x = v.event;

-- 7. COPY, to and from: an error each time
COPY floor_data.visit TO stdout;
COPY (SELECT event FROM floor_data.visit) TO stdout;
COPY floor_data.region_a TO stdout;

-- 8. keeping: an error each time
CREATE TABLE floor.copied AS SELECT * FROM floor_data.visit;
SELECT * INTO floor.copied FROM floor_data.visit;
CREATE MATERIALIZED VIEW floor.kept AS SELECT * FROM floor_data.visit;
CREATE MATERIALIZED VIEW floor.kept AS SELECT * FROM floor_data.visit WITH NO DATA;
REFRESH MATERIALIZED VIEW floor.kept;
INSERT INTO floor.own SELECT id, event FROM floor_data.visit;

-- 9. cursors, in every way: the same
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM floor_data.visit;
FETCH c;
ROLLBACK;
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM floor_data.visit;

-- 10. prepared statements, custom or generic: the same
PREPARE reading AS SELECT count(*) FROM floor_data.visit;
EXECUTE reading;
SET plan_cache_mode = force_generic_plan;
EXECUTE reading;
RESET plan_cache_mode;

-- 11. EXPLAIN, even of the shape alone; of an answer its own shape and nothing within
EXPLAIN SELECT * FROM floor_data.visit;
EXPLAIN (COSTS OFF) SELECT * FROM floor_data.visit WHERE event = 'rare';
EXPLAIN (COSTS OFF) EXECUTE reading;
EXPLAIN (COSTS OFF) CREATE TABLE floor.copied AS SELECT * FROM floor_data.visit;
EXPLAIN (COSTS OFF) SELECT journey_privacy.subject_count('floor_data.visit');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT journey_privacy.subject_count('floor_data.visit');
SET client_min_messages = error;
SET debug_print_plan = on;
SELECT journey_privacy.subject_count('floor_data.visit');
RESET debug_print_plan;
RESET client_min_messages;

-- 12. functions that run queries given as text: the same
SELECT query_to_xml('SELECT * FROM floor_data.visit', true, false, '');
SELECT table_to_xml('floor_data.visit', true, false, '');
SELECT schema_to_xml('floor_data', true, false, '');
SELECT * FROM ts_stat('SELECT to_tsvector(event) FROM floor_data.visit');

-- 13. rules, triggers, defaults and policies on a table of one's own: the same
CREATE RULE r AS ON UPDATE TO floor.own DO ALSO SELECT * FROM floor_data.visit;
UPDATE floor.own SET x = 'c';
DROP RULE r ON floor.own;
CREATE FUNCTION floor.triggered() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.x := (SELECT min(event) FROM floor_data.visit); RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON floor.own FOR EACH ROW EXECUTE FUNCTION floor.triggered();
INSERT INTO floor.own VALUES (1);
DROP TRIGGER t ON floor.own;
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON floor.own DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION floor.triggered();
BEGIN;
INSERT INTO floor.own VALUES (1);
COMMIT;
DROP TRIGGER t ON floor.own;
ALTER TABLE floor.own ADD peeked bigint DEFAULT floor.peek();
ALTER TABLE floor.own ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON floor.own USING (floor.peek() > 0);
SELECT * FROM floor.own;
ALTER TABLE floor.own DISABLE ROW LEVEL SECURITY;

-- 14. statistics, the settings of row security, the call itself: no rows, errors
SELECT attname FROM pg_stats WHERE schemaname = 'floor_data' AND tablename <> 'plain';
SET row_security = off;
SELECT * FROM floor_data.visit;
SELECT journey_privacy.subject_count('floor_data.visit');
RESET row_security;
SELECT journey_privacy.permits(c.oid, i) FROM pg_class c, generate_series(1, 9) i WHERE relname = 'visit';
TRUNCATE floor_data.visit;
ALTER TABLE floor.own ADD FOREIGN KEY (id) REFERENCES floor_data.visit;

--
-- Being the answer
--

-- 15. names that come first in search_path are not called by the answer
CREATE FUNCTION floor.later(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN RAISE NOTICE 'got %', $1; RETURN true; END $$;
CREATE OPERATOR floor.>= (FUNCTION = floor.later, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE OPERATOR floor.< (FUNCTION = floor.later, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE FUNCTION floor.count(integer) RETURNS bigint LANGUAGE sql AS 'SELECT 4711';
SET search_path = floor, pg_catalog, floor_data;
SELECT journey_privacy.subject_count('visit', '[2024-03-01Z,2024-04-01Z)');
RESET search_path;
CREATE FUNCTION pg_temp.later(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''got %'', $1; RETURN true; END';
CREATE OPERATOR pg_temp.>= (FUNCTION = pg_temp.later, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE TEMP TABLE visit (visitor int);
SELECT journey_privacy.subject_count('floor_data.visit', '[2024-03-01Z,2024-04-01Z)');
SELECT journey_privacy.subject_count('pg_temp.visit');

-- 16. what comes after an answer is none: an error each time
SELECT journey_privacy.subject_count('floor_data.visit'), floor.peek();
SELECT journey_privacy.subject_count('floor_data.visit') AS n \; SELECT count(*) FROM floor_data.visit;
DO $$ BEGIN PERFORM journey_privacy.subject_count('floor_data.visit'); PERFORM FROM floor_data.visit; END $$;
BEGIN;
SELECT journey_privacy.subject_count('floor_data.visit');
SELECT count(*) FROM floor_data.visit;
ROLLBACK;

-- 17. an answer that fails leaves nothing behind, in a block, a savepoint or a transaction
\c - :dba
REVOKE SELECT ON floor_data.owned FROM floor_analyst;
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET timezone = 'UTC';
SET journey_privacy.purpose = 'floor_answers';
DO $$
BEGIN
  BEGIN
    PERFORM journey_privacy.subject_count('floor_data.owned');
  EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE '%', SQLERRM;
  END;
  PERFORM FROM floor_data.visit;
END $$;
BEGIN;
SAVEPOINT s;
SELECT journey_privacy.subject_count('floor_data.owned');
ROLLBACK TO s;
SELECT count(*) FROM floor_data.visit;
ROLLBACK;
SELECT journey_privacy.subject_count('floor_data.owned');
SELECT count(*) FROM floor_data.visit;
-- one that the planner refuses, before the statement starts
SET client_min_messages = error;
SET debug_print_plan = on;
BEGIN;
SAVEPOINT s;
SELECT journey_privacy.subject_count('floor_data.visit');
ROLLBACK TO s;
SET LOCAL debug_print_plan = off;
SELECT count(*) FROM floor_data.visit;
ROLLBACK;
RESET debug_print_plan;
RESET client_min_messages;

-- 18. answers within answers, a thousand of them, and a cursor over them: still no rows
SELECT count(DISTINCT journey_privacy.subject_count('floor_data.visit', tstzrange('2024-03-01Z', '2024-03-01Z'::timestamptz + i * interval '1 day')))
  FROM generate_series(1, 40) i;
BEGIN;
DECLARE c CURSOR FOR SELECT i, journey_privacy.subject_count('floor_data.visit'), CASE WHEN i = 2 THEN floor.peek() END FROM generate_series(1, 3) i;
FETCH c;
SELECT count(*) FROM floor_data.visit;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT i, journey_privacy.subject_count('floor_data.visit'), CASE WHEN i = 2 THEN floor.peek() END FROM generate_series(1, 3) i;
FETCH c;
FETCH c;
ROLLBACK;

-- 19. a function that planning calls, while an answer is being planned or not: an error
CREATE FUNCTION floor.folded() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN RAISE NOTICE 'saw %', (SELECT count(*) FROM floor_data.visit); RETURN true; END $$;
SELECT journey_privacy.subject_count('floor_data.visit') WHERE floor.folded();
CREATE FUNCTION floor.asks() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN RAISE NOTICE 'answer %', journey_privacy.subject_count('floor_data.visit'); RETURN floor.folded(); END $$;
SELECT 1 WHERE floor.asks();

--
-- Other purposes, users and processes
--

-- 20. another user's function with rights to rows: the purpose in force counts, an error
\c - floor_both
\set VERBOSITY terse
\pset null '-'
CREATE FUNCTION floor_both.lends() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM floor_data.visit';
GRANT USAGE ON SCHEMA floor_both TO PUBLIC;
SET journey_privacy.purpose = 'floor_answers';
SELECT floor_both.lends();

-- 21. a purpose that changes while a statement runs: an error at the next row
SET journey_privacy.purpose = 'floor_rows';
SELECT set_config('journey_privacy.purpose', 'floor_answers', false) <> '' AS changed, event FROM floor_data.visit;
SHOW journey_privacy.purpose;
SET journey_privacy.purpose = 'floor_rows';
SET journey_privacy.enable_journeyscan = off;
SELECT set_config('journey_privacy.purpose', 'floor_answers', false) <> '' AS changed, event FROM floor_data.visit;
SET enable_seqscan = off;
SET journey_privacy.purpose = 'floor_rows';
SELECT set_config('journey_privacy.purpose', 'floor_answers', false) <> '' AS changed, event FROM floor_data.visit WHERE id > 0;
RESET enable_seqscan;
RESET journey_privacy.enable_journeyscan;
-- before the first row, in a subquery, in WITH that is run at the end
SET journey_privacy.purpose = 'floor_rows';
SELECT count(*) FROM floor_data.visit WHERE (SELECT set_config('journey_privacy.purpose', 'floor_answers', false)) <> '';
SET journey_privacy.purpose = 'floor_rows';
CREATE TABLE floor_both.got (x text);
WITH w AS (INSERT INTO floor_both.got SELECT event FROM floor_data.visit RETURNING x)
  SELECT set_config('journey_privacy.purpose', 'floor_answers', false) LIMIT 1;

-- 22. a cursor opened for rows, fetched for answers: an error
SET journey_privacy.purpose = 'floor_rows';
BEGIN;
DECLARE c CURSOR FOR SELECT event FROM floor_data.visit ORDER BY id;
FETCH c;
SET LOCAL journey_privacy.purpose = 'floor_answers';
FETCH c;
ROLLBACK;
-- and one that sorted its rows before
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT event FROM floor_data.visit ORDER BY event DESC;
FETCH c;
SELECT set_config('journey_privacy.purpose', 'floor_answers', true);
FETCH BACKWARD ALL FROM c;
ROLLBACK;

-- 23. a statement prepared for rows: an error
PREPARE reading AS SELECT count(*) FROM floor_data.visit;
EXECUTE reading;
SET plan_cache_mode = force_generic_plan;
EXECUTE reading;
SET journey_privacy.purpose = 'floor_answers';
EXECUTE reading;
RESET plan_cache_mode;
EXECUTE reading;
BEGIN;
SET LOCAL journey_privacy.purpose = 'floor_rows';
EXECUTE reading;
COMMIT;
EXECUTE reading;

-- 24. a function with a purpose of its own, of rows, gives those of that purpose; of answers, none
CREATE FUNCTION floor_both.by_rows() RETURNS bigint LANGUAGE sql SET journey_privacy.purpose = 'floor_rows'
  AS 'SELECT count(DISTINCT visitor) FROM floor_data.visit';
CREATE FUNCTION floor_both.by_answers() RETURNS bigint LANGUAGE sql SET journey_privacy.purpose = 'floor_answers'
  AS 'SELECT count(DISTINCT visitor) FROM floor_data.visit';
SELECT floor_both.by_rows();
SET journey_privacy.purpose = 'floor_rows';
SELECT floor_both.by_answers();
SELECT floor_both.by_answers() FROM floor_data.visit LIMIT 1;

-- 25. an answer for rows tells of those who agreed to rows
SELECT journey_privacy.subject_count('floor_data.visit') AS rows;
SET journey_privacy.purpose = 'floor_answers';
SELECT journey_privacy.subject_count('floor_data.visit') AS answers;

-- 26. parallel workers: an answer may have them, functions in them read nothing
\c - :dba
\set VERBOSITY terse
ALTER TABLE floor_data.visit SET (parallel_workers = 2);
CREATE FUNCTION floor_data.in_worker() RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  IF (SELECT leader_pid IS NOT NULL FROM pg_stat_activity WHERE pid = pg_backend_pid()) THEN
    RAISE 'in a worker';
  END IF;
  RETURN true;
END $$;
CREATE FUNCTION floor_data.reads() RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS
  $$ BEGIN RETURN (SELECT count(*) > 0 FROM floor_data.region); END $$;
CREATE POLICY in_worker ON floor_data.visit AS RESTRICTIVE FOR SELECT USING (floor_data.in_worker());
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET journey_privacy.purpose = 'floor_answers';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT journey_privacy.subject_count('floor_data.visit');
-- a policy of the DBA's that reads with the caller's rights, in a worker and in the leader
\c - :dba
DROP POLICY in_worker ON floor_data.visit;
CREATE POLICY reads ON floor_data.visit AS RESTRICTIVE FOR SELECT USING (floor_data.reads());
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET journey_privacy.purpose = 'floor_answers';
SELECT journey_privacy.subject_count('floor_data.visit');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT journey_privacy.subject_count('floor_data.visit');
-- planning calls it when it says that it is immutable
\c - :dba
ALTER FUNCTION floor_data.reads() IMMUTABLE;
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET journey_privacy.purpose = 'floor_answers';
SELECT journey_privacy.subject_count('floor_data.visit');
\c - :dba
DROP POLICY reads ON floor_data.visit;
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET journey_privacy.purpose = 'floor_answers';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT journey_privacy.subject_count('floor_data.visit');

-- 27. functions in workers of one's own statements: at a row, and as a worker prunes partitions
CREATE TABLE floor.part (k bigint) PARTITION BY LIST (k);
CREATE TABLE floor.part_1 PARTITION OF floor.part FOR VALUES IN (1) WITH (parallel_workers = 2);
CREATE TABLE floor.part_2 PARTITION OF floor.part FOR VALUES IN (2) WITH (parallel_workers = 2);
INSERT INTO floor.part SELECT 1 + i % 2 FROM generate_series(1, 1000) i;
ANALYZE floor.part;
CREATE FUNCTION floor.peek_there() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  IF (SELECT leader_pid IS NULL FROM pg_stat_activity WHERE pid = pg_backend_pid()) THEN
    RETURN 1;
  END IF;
  RAISE 'a worker saw % rows', (SELECT count(*) FROM floor_data.visit);
END $$;
SELECT count(*) FROM floor.part WHERE floor.peek_there() > k;
SELECT count(*) FROM floor.part WHERE k = floor.peek_there();
CREATE FUNCTION floor.switch() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS
  $$ BEGIN PERFORM set_config('journey_privacy.purpose', 'floor_answers', false); RETURN 1; END $$;
SELECT count(*) FROM floor.part, floor_data.visit WHERE k = floor.switch();

-- 28. an index on an expression, built by workers or not: an error
-- the leader, who always takes part in building one, waits for the error of a worker
CREATE FUNCTION floor.indexed(bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  PERFORM floor.peek_there();
  FOR i IN 1 .. 3000 LOOP
    PERFORM pg_sleep(0.01);
  END LOOP;
  RAISE 'no worker came';
END $$;
CREATE TABLE floor.big (k bigint) WITH (parallel_workers = 2);
INSERT INTO floor.big SELECT generate_series(1, 1000);
CREATE INDEX ON floor.big (floor.indexed(k));

-- 29. other users: not theirs to be
SET ROLE floor_both;
SET ROLE floor_owner;
SET SESSION AUTHORIZATION floor_both;

-- 30. an owner is bound as everybody is
\c - :dba
\set VERBOSITY terse
\pset null '-'
GRANT floor_owner TO floor_analyst;
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET ROLE floor_owner;
SET journey_privacy.purpose = 'floor_answers';
SELECT count(*) FROM floor_data.owned;
SELECT journey_privacy.subject_count('floor_data.owned');
CREATE FUNCTION floor_data.leak(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''got %'', $1; RETURN true; END';
CREATE POLICY mine ON floor_data.owned USING (floor_data.leak(event));
ALTER TABLE floor_data.owned DISABLE ROW LEVEL SECURITY;
ANALYZE floor_data.owned;
SELECT attname FROM pg_stats WHERE tablename = 'owned';
RESET ROLE;

--
-- Small groups
--

-- 31. windows that grow, or move, by an hour: no two figures differ by 1 to 9
SET journey_privacy.purpose = 'floor_answers';
CREATE TABLE floor.told AS
  SELECT journey_privacy.subject_count('floor_data.visit', tstzrange(lower, lower + j * interval '5 hours')) AS n
  FROM generate_series(timestamptz '2024-03-01Z', '2024-03-15Z', '30 hours') lower, generate_series(0, 200, 3) j;
SELECT n, count(*) > 0 AS told FROM floor.told GROUP BY n ORDER BY n;
SELECT count(*) FROM floor.told a, floor.told b WHERE abs(a.n - b.n) BETWEEN 1 AND 9 OR a.n BETWEEN 0 AND 9;

-- 32. somebody comes or goes: the figure stays, or moves by as much as a group
\c - :dba
SELECT count(journey_privacy.withdraw(('customer_id:floor' || i)::journey_privacy.pseudonym, 'floor_answers')) FROM generate_series(21, 27) i;
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET journey_privacy.purpose = 'floor_answers';
SELECT journey_privacy.subject_count('floor_data.visit') AS "20";
\c - :dba
SELECT count(journey_privacy.withdraw('customer_id:floor20', 'floor_answers'));
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET journey_privacy.purpose = 'floor_answers';
SELECT journey_privacy.subject_count('floor_data.visit') AS "19";

-- 33. people of one's own invention have not agreed: they do not lift a group over the floor
INSERT INTO floor_data.visit SELECT 100000 + i, ('p1_0000000000000000000000' || lpad(i::text, 2, '0'))::journey_privacy.pseudonym, '2024-03-01 00:30Z', 'rare'
  FROM generate_series(1, 20) i;
SELECT journey_privacy.subject_count('floor_data.visit', '[2024-03-01Z,2024-03-02Z)');

-- 34. columns that are allowed bind an answer, too
\c - :dba
SELECT journey_privacy.allow_columns('floor_answers', 'floor_data.visit', '{at,event}') \gset
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET journey_privacy.purpose = 'floor_answers';
SELECT journey_privacy.subject_count('floor_data.visit');
\c - :dba
SELECT journey_privacy.allow_columns('floor_answers', 'floor_data.visit', NULL) \gset
REVOKE SELECT ON floor_data.visit FROM floor_analyst;
\c - floor_analyst
\set VERBOSITY terse
\pset null '-'
SET journey_privacy.purpose = 'floor_answers';
SELECT journey_privacy.subject_count('floor_data.visit');

-- 35. keeping an answer: a table may, what promises to be as good as the table may not
CREATE TABLE floor.report AS SELECT journey_privacy.subject_count('floor_data.region') AS n;
SELECT * FROM floor.report;
CREATE MATERIALIZED VIEW floor.report_kept AS SELECT journey_privacy.subject_count('floor_data.region') AS n;

-- the application goes on under the purpose: it writes, and people are erased
\c - :dba
\set VERBOSITY terse
SET journey_privacy.purpose = 'floor_answers';
CALL journey_privacy.erase('customer_id:floor1') \gset
SELECT count(*) FROM floor_data.visit WHERE amount = 1;
-- what was refused is on record
SELECT journey_privacy.checkpoint_audit() IS NOT NULL AS sealed;
SELECT count(*) > 50 AS refused FROM journey_privacy.audit_log WHERE outcome = 'denied' AND current_user_name = 'floor_analyst';

-- nothing stays behind
SET client_min_messages = warning;
DROP SCHEMA floor, floor_both, floor_data CASCADE;
RESET client_min_messages;
SELECT array_agg(('customer_id:floor' || i)::journey_privacy.pseudonym) AS everybody FROM generate_series(2, 40) i \gset
CALL journey_privacy.erase_many(:'everybody') \gset
SELECT count(journey_privacy.drop_purpose(name)) AS dropped FROM journey_privacy.purpose WHERE name LIKE 'floor\_%';
DROP OWNED BY floor_analyst, floor_both, floor_owner;
DROP ROLE floor_analyst, floor_both, floor_owner;
