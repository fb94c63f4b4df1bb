-- What an analyst with skill and bad intent has tried, and an owner of
-- protected tables who is no superuser.  Each attempt says what must happen.
-- Rows of people who never agreed say CANARY; the word must not come out.
\set VERBOSITY terse
\pset null '-'
SELECT current_database() AS db, session_user AS dba \gset
-- as they are under the key in use
SELECT journey_privacy.pseudonym_current('p1_00000000000000000000spya') AS "A",
       journey_privacy.pseudonym_current('p1_00000000000000000000spyb') AS "B",
       journey_privacy.pseudonym_current('p1_00000000000000000000spyc') AS "C",
       journey_privacy.pseudonym_current('p1_00000000000000000000spyd') AS "D" \gset
CREATE ROLE spy_analyst LOGIN;
CREATE ROLE spy_owner LOGIN;
CREATE ROLE spy_other;
CREATE SCHEMA spy AUTHORIZATION spy_analyst;
CREATE SCHEMA spy_data AUTHORIZATION spy_owner;
GRANT USAGE ON SCHEMA spy_data TO spy_analyst;
SELECT format('GRANT CREATE ON DATABASE %I TO spy_owner', current_database()) \gexec
SELECT journey_privacy.create_purpose('spy_analytics', 'consent') \gset
SELECT journey_privacy.create_purpose('spy_other_purpose', 'consent') \gset
SELECT journey_privacy.allow('spy_analyst', 'spy_analytics') \gset
SELECT journey_privacy.allow('spy_owner', 'spy_analytics') \gset
SELECT count(journey_privacy.record_consent(s::journey_privacy.pseudonym, 'spy_analytics', true)) AS agreed
  FROM unnest(ARRAY[:'A', :'B', 'email:one@spy.example', 'email:two@spy.example']) s;

-- tables of the owner; some code of the owner is there before they are protected
SET ROLE spy_owner;
CREATE TABLE spy_data.visit (
  id int PRIMARY KEY, visitor journey_privacy.pseudonym NOT NULL, note text,
  amount int CHECK (amount < 1000));
CREATE INDEX visit_note ON spy_data.visit (note);
CREATE INDEX visit_visitor ON spy_data.visit (visitor);
CREATE TABLE spy_data.big (visitor journey_privacy.pseudonym NOT NULL, note text, n int);
CREATE INDEX big_note ON spy_data.big (note);
CREATE TABLE spy_data.secret (id int PRIMARY KEY, visitor journey_privacy.pseudonym, secret text);
CREATE TABLE spy_data.mail (email text, friend text, note text);
CREATE TABLE spy_data.region (region text, visitor journey_privacy.pseudonym, note text) PARTITION BY LIST (region);
CREATE TABLE spy_data.region_a PARTITION OF spy_data.region FOR VALUES IN ('a');
CREATE TABLE spy_data.base (visitor journey_privacy.pseudonym, note text);
CREATE TABLE spy_data.child (extra text) INHERITS (spy_data.base);
CREATE TABLE spy_data.entry (id int PRIMARY KEY, visitor journey_privacy.pseudonym, note text UNIQUE,
                             amount int CHECK (amount > 0));
CREATE FUNCTION spy_data.digest(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)';
CREATE FUNCTION spy_data.always(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
RESET ROLE;
SELECT count(journey_privacy.protect(t::regclass, 'visitor')) AS protected
  FROM unnest(ARRAY['visit', 'big', 'secret', 'region', 'base', 'entry']) n, concat('spy_data.', n) t;
SELECT journey_privacy.protect('spy_data.mail', 'email', kind => 'email', number_column => NULL) \gset
SELECT journey_privacy.allow_columns('spy_analytics', 'spy_data.secret', '{id,visitor}') \gset
SET ROLE spy_owner;
CREATE TABLE spy_data.region_b PARTITION OF spy_data.region FOR VALUES IN ('b');
RESET ROLE;
INSERT INTO spy_data.visit VALUES (1, :'C', 'CANARY 1', 0), (2, :'A', 'fine 2', 2), (3, :'D', 'CANARY 3', NULL),
  (4, :'B', 'fine 4', 4), (5, :'C', 'CANARY 5', 0);
INSERT INTO spy_data.big SELECT :'C', 'CANARY', i FROM generate_series(1, 2000) i;
INSERT INTO spy_data.big SELECT :'A', 'fine', i FROM generate_series(1, 1000) i;
INSERT INTO spy_data.secret VALUES (1, :'C', 'CANARY secret'), (2, :'A', 'CANARY secret of a'), (3, :'B', 'CANARY secret of b');
INSERT INTO spy_data.mail VALUES ('canary@spy.example', 'one@spy.example', 'CANARY mail'),
  ('one@spy.example', 'canary@spy.example', 'fine mail'), ('two@spy.example', 'one@spy.example', 'fine mail');
INSERT INTO spy_data.region VALUES ('a', :'C', 'CANARY a'), ('a', :'A', 'fine a'), ('b', :'C', 'CANARY b'), ('b', :'B', 'fine b');
INSERT INTO spy_data.base VALUES (:'C', 'CANARY base'), (:'A', 'fine base');
INSERT INTO spy_data.child VALUES (:'C', 'CANARY child', 'CANARY extra'), (:'B', 'fine child', 'fine extra');
INSERT INTO spy_data.entry VALUES (1, :'C', 'CANARY entry', 1), (2, :'A', 'fine entry', 2);
ANALYZE spy_data.visit, spy_data.big, spy_data.secret, spy_data.region, spy_data.base, spy_data.entry;
GRANT SELECT ON ALL TABLES IN SCHEMA spy_data TO spy_analyst;
GRANT INSERT, UPDATE, DELETE ON spy_data.entry TO spy_analyst;

\c - spy_analyst
\set VERBOSITY terse
SET journey_privacy.purpose = 'spy_analytics';
-- the tools: a cheap function that tells and keeps what it gets
CREATE TABLE spy.loot (x text);
CREATE FUNCTION spy.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
  $$ BEGIN RAISE NOTICE 'leaked: %', $1; INSERT INTO spy.loot VALUES ($1); RETURN true; END $$;
CREATE FUNCTION spy.say(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 IMMUTABLE PARALLEL SAFE AS
  $$ BEGIN RAISE NOTICE 'said: %', regexp_replace($1::text, '^p[0-9]+_.{24}$', 'a pseudonym'); RETURN true; END $$;
CREATE FUNCTION spy.same(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 IMMUTABLE AS
  $$ BEGIN RAISE NOTICE 'same: %', $1; RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
-- how a command that says different things in different versions ends
CREATE FUNCTION spy.ends(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE sql LOOP NULL; END LOOP;
  RETURN 'done';
EXCEPTION WHEN insufficient_privilege THEN RETURN 'refused';
  WHEN OTHERS THEN RETURN 'error';
END $$;

--
-- Functions, operators and casts on hidden rows
--

-- 1. a cheap function in WHERE: it gets visible rows only
SELECT id FROM spy_data.visit WHERE spy.leak(note) ORDER BY id;

-- 2. an operator with somebody else's estimator: visible rows only
CREATE OPERATOR spy.=== (FUNCTION = spy.same, LEFTARG = text, RIGHTARG = text,
                         RESTRICT = eqsel, JOIN = eqjoinsel, COMMUTATOR = OPERATOR(spy.===));
SELECT id FROM spy_data.visit WHERE note OPERATOR(spy.===) 'fine 2';

-- 3. the planner does not show the function the most common values
SELECT count(*) FROM spy_data.big WHERE n = 1 AND note OPERATOR(spy.===) 'fine';

-- 4. nor those of a partition
SELECT note FROM spy_data.region WHERE note OPERATOR(spy.===) 'fine b';

-- 5. nor in a join
SELECT count(*) FROM spy_data.visit v JOIN spy_data.entry e ON v.note OPERATOR(spy.===) e.note;

-- 6. under OR and CASE: visible rows only
SELECT id FROM spy_data.visit WHERE id = 1 OR CASE WHEN amount = 0 THEN spy.leak(note) ELSE spy.leak(note) END ORDER BY id;

-- 7. with an index scan on the leaky side: visible rows only
SET enable_seqscan = off;
SELECT id FROM spy_data.visit WHERE note >= 'A' AND spy.say(note) ORDER BY note;
RESET enable_seqscan;

-- 8. in HAVING, ORDER BY, DISTINCT ON and a window: visible rows only
SELECT DISTINCT ON (spy.say(note)) count(*) OVER () AS n FROM spy_data.visit
  GROUP BY note HAVING spy.say(note) ORDER BY spy.say(note);

-- 9. a security_barrier view of one's own around it: visible rows only
CREATE VIEW spy.barrier WITH (security_barrier) AS SELECT * FROM spy_data.visit WHERE spy.say(note);
SELECT id FROM spy.barrier ORDER BY id;

-- 10. LEAKPROOF is not for everybody: an error
CREATE FUNCTION spy.proof(text) RETURNS boolean LANGUAGE plpgsql LEAKPROOF AS 'BEGIN RETURN true; END';
ALTER FUNCTION spy.say(text) LEAKPROOF;

-- 11. a cast that fails names a visible row: "fine", whatever comes first in the table
SELECT id FROM spy_data.visit WHERE note::int > 0;

-- 12. division by zero on hidden rows: no error, two rows
SELECT id FROM spy_data.visit WHERE 1 / amount >= 0 ORDER BY id;

-- 13. the same by aggregate, filter and subquery
SELECT sum(1 / amount), count(*) FILTER (WHERE 1 / amount > 5) AS n FROM spy_data.visit;
SELECT (SELECT sum(1 / v.amount) FROM spy_data.visit v WHERE v.visitor = :'C') AS of_canary;

-- 14. a domain over the pseudonym with a check that talks: visible rows only
CREATE DOMAIN spy.talking AS journey_privacy.pseudonym CHECK (spy.say(VALUE::text));
SELECT count(visitor::spy.talking) FROM spy_data.visit WHERE note LIKE '%4';

-- 15. a cast of one's own from the pseudonym, implicit: visible rows only
CREATE TYPE spy.wrapped AS (p text);
CREATE FUNCTION spy.wrap(journey_privacy.pseudonym) RETURNS spy.wrapped LANGUAGE plpgsql AS
  $$ BEGIN RAISE NOTICE 'wrapped: %', regexp_replace($1::text, '^p[0-9]+_.{24}$', 'a pseudonym'); RETURN ROW($1::text)::spy.wrapped; END $$;
CREATE CAST (journey_privacy.pseudonym AS spy.wrapped) WITH FUNCTION spy.wrap(journey_privacy.pseudonym) AS IMPLICIT;
SELECT count(visitor::spy.wrapped) FROM spy_data.visit;
DROP CAST (journey_privacy.pseudonym AS spy.wrapped);
CREATE CAST (journey_privacy.pseudonym AS text) WITH INOUT AS IMPLICIT;

-- 16. an operator = for the pseudonym in a schema that comes first: visible rows only
CREATE FUNCTION spy.equal(journey_privacy.pseudonym, journey_privacy.pseudonym) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
  $$ BEGIN RAISE NOTICE 'compared: %', regexp_replace($1::text, '^p[0-9]+_.{24}$', 'a pseudonym'); RETURN true; END $$;
CREATE OPERATOR spy.= (FUNCTION = spy.equal, LEFTARG = journey_privacy.pseudonym, RIGHTARG = journey_privacy.pseudonym);
SET search_path = spy, pg_catalog, spy_data;
SELECT id FROM visit WHERE visitor = 'p1_00000000000000000000spyc' ORDER BY id;
RESET search_path;

-- 17. functions of our names in schemas that come first change nothing: two rows, no errors
CREATE FUNCTION pg_temp.permits(oid, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION spy.permits(oid, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION spy.everybody() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE TEMP TABLE protection (relation regclass);
CREATE TEMP TABLE allowance AS SELECT 'spy_analyst'::name AS role, 'spy_other_purpose' AS purpose;
CREATE TEMP TABLE permitted (purpose text, chunk int, bits bytea, next_expiry timestamptz);
CREATE FUNCTION pg_temp.int4eq(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SET search_path = pg_temp, spy, journey_privacy, pg_catalog, spy_data;
SELECT count(*) FROM spy_data.visit;
SET journey_privacy.purpose = 'spy_other_purpose';
SELECT count(*) FROM spy_data.visit;
SET journey_privacy.purpose = 'spy_analytics';
RESET search_path;

-- 18. a table of the name in pg_temp is another table: its own row only
CREATE TEMP TABLE visit AS SELECT 'mine' AS note;
SET search_path = pg_temp, spy_data;
SELECT note FROM visit;
RESET search_path;
DROP TABLE pg_temp.visit;

-- 19. schemas that look like ours cannot be made, nor anything in ours
CREATE SCHEMA journey_privacy_x;
CREATE FUNCTION journey_privacy.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION journey_privacy.everybody() RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE VIEW journey_privacy.v AS SELECT 1;

-- 20. a function in C, or a library: an error
CREATE FUNCTION spy.c(oid, integer) RETURNS boolean LANGUAGE c AS 'journey_privacy', 'jp_permits';
LOAD 'auto_explain';

--
-- EXPLAIN and statistics
--

-- 21. EXPLAIN with estimates or counts: an error each time
EXPLAIN SELECT * FROM spy_data.visit;
EXPLAIN ANALYZE SELECT * FROM spy_data.visit;
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) SELECT * FROM spy_data.visit;
EXPLAIN (VERBOSE) SELECT * FROM spy_data.visit;
EXPLAIN (FORMAT JSON) SELECT * FROM spy_data.visit;
EXPLAIN (COSTS OFF, FORMAT JSON, ANALYZE true, COSTS true) SELECT * FROM spy_data.visit;
SELECT spy.ends('EXPLAIN (GENERIC_PLAN) SELECT * FROM spy_data.visit') <> 'done' AS stopped;

-- 22. of commands that change: an error each time
EXPLAIN DELETE FROM spy_data.entry;
EXPLAIN UPDATE spy_data.entry SET note = 'x';
EXPLAIN MERGE INTO spy_data.entry e USING spy_data.visit v ON e.id = v.id WHEN MATCHED THEN DELETE;
EXPLAIN INSERT INTO spy.loot SELECT note FROM spy_data.visit;
EXPLAIN CREATE TABLE spy.x AS SELECT note FROM spy_data.visit;
EXPLAIN DECLARE c CURSOR FOR SELECT * FROM spy_data.visit;

-- 23. of a prepared statement, generic or not: an error
PREPARE counting(text) AS SELECT count(*) FROM spy_data.big WHERE note = $1;
EXPLAIN EXECUTE counting('CANARY');
SET plan_cache_mode = force_generic_plan;
EXPLAIN EXECUTE counting('CANARY');
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE counting('CANARY');
RESET plan_cache_mode;

-- 24. in DO, and in a function
DO $$ DECLARE l text; BEGIN FOR l IN EXECUTE 'EXPLAIN SELECT * FROM spy_data.visit' LOOP RAISE NOTICE '%', l; END LOOP; END $$;
CREATE FUNCTION spy.explain(sql text) RETURNS SETOF text LANGUAGE plpgsql AS
  $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || sql; END $$;
SELECT * FROM spy.explain('(ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM spy_data.big');

-- 25. EXPLAIN of a function that reads: nothing of the table
CREATE FUNCTION spy.definer() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT note FROM spy_data.visit ORDER BY id';
EXPLAIN (COSTS OFF) SELECT * FROM spy.explain('SELECT * FROM spy_data.visit');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT spy.definer();

-- 26. through views, CTE, a branch that is never run: an error
EXPLAIN SELECT * FROM spy.barrier;
EXPLAIN WITH v AS MATERIALIZED (SELECT * FROM spy_data.visit) SELECT 1 FROM v;
EXPLAIN SELECT * FROM spy_data.visit WHERE false;

-- 27. the shape alone may be seen, without numbers
CREATE FUNCTION spy.plan(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF, VERBOSE) ' || sql LOOP plan := plan || line || E'\n'; END LOOP;
  RETURN plan;
END $$;
SELECT plan LIKE '%Scan%' AS scan, plan ~ '[0-9]{2}|CANARY|rows|Removed' AS numbers
  FROM spy.plan('SELECT note FROM spy_data.entry') plan;

-- 28. the shape of a plan tells whether a value is frequent in hidden rows, as the README says:
-- CANARY and a value that is nowhere have different plans
CREATE FUNCTION spy.shape(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; shape text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || sql LOOP
    shape := shape || regexp_replace(line, '''.*''', '?') || E'\n';
  END LOOP;
  RETURN shape;
END $$;
SELECT spy.shape($$SELECT n FROM spy_data.big WHERE note = 'CANARY'$$) =
       spy.shape($$SELECT n FROM spy_data.big WHERE note = 'NOWHERE'$$) AS same_shape;

-- 29. the plan that debug_print_plan shows has no estimates of hidden rows: refused
SET client_min_messages = error;
SET debug_print_plan = on;
SELECT spy.ends($$SELECT count(*) FROM spy_data.big WHERE note = 'CANARY'$$);
RESET debug_print_plan;
RESET client_min_messages;

-- 30. auto_explain cannot be turned on by its settings: no plan comes out
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_analyze = on;
SET client_min_messages = log;
SELECT count(*) FROM spy_data.visit;
RESET client_min_messages;

-- 31. statistics views show no value of a protected table: no rows
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'spy_data';
SELECT * FROM pg_stats_ext WHERE schemaname = 'spy_data';
SELECT * FROM pg_stats_ext_exprs WHERE schemaname = 'spy_data';

-- 32. the catalogs behind them: an error
SELECT count(*) FROM pg_statistic;
SELECT count(*) FROM pg_statistic_ext_data;

-- 33. statistics of one's own on the table, and ANALYZE: an error, a warning
CREATE STATISTICS spy.s (mcv) ON visitor, note FROM spy_data.visit;
\set VERBOSITY sqlstate
ANALYZE spy_data.visit;
\set VERBOSITY terse

-- 34. counters of the server count hidden rows that an index finds, as the README says
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT coalesce(pg_stat_get_xact_tuples_fetched('spy_data.visit_visitor'::regclass), 0) +
       coalesce(pg_stat_get_xact_tuples_returned('spy_data.visit_visitor'::regclass), 0) AS before \gset
SELECT count(*) FROM spy_data.visit WHERE visitor = :'C';
SELECT coalesce(pg_stat_get_xact_tuples_fetched('spy_data.visit_visitor'::regclass), 0) +
       coalesce(pg_stat_get_xact_tuples_returned('spy_data.visit_visitor'::regclass), 0) - :before AS counted;
COMMIT;

-- 35. predicate locks name hidden rows that an index finds, as the README says
BEGIN ISOLATION LEVEL SERIALIZABLE;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT count(*) FROM spy_data.visit WHERE visitor = :'C';
SELECT count(*) AS hidden_rows_locked FROM pg_locks
  WHERE relation = 'spy_data.visit'::regclass AND mode = 'SIReadLock' AND locktype = 'tuple' AND pid = pg_backend_pid();
COMMIT;

--
-- Views, functions, cursors, prepared statements and the purpose
--

-- 36. views with and without security_invoker: two rows each
CREATE VIEW spy.defined AS SELECT id, note FROM spy_data.visit;
CREATE VIEW spy.invoked WITH (security_invoker) AS SELECT id, note FROM spy_data.visit;
SELECT * FROM spy.defined ORDER BY id;
SELECT * FROM spy.invoked ORDER BY id;

-- 37. SECURITY DEFINER functions of one's own: two rows, and none without a purpose
SELECT * FROM spy.definer();
RESET journey_privacy.purpose;
SELECT * FROM spy.definer();
SET journey_privacy.purpose = 'spy_analytics';

-- 38. SQL functions, PL/pgSQL functions, BEGIN ATOMIC: the same
CREATE FUNCTION spy.inlined() RETURNS SETOF spy_data.visit LANGUAGE sql STABLE AS 'SELECT * FROM spy_data.visit';
CREATE FUNCTION spy.looped() RETURNS SETOF text LANGUAGE plpgsql AS
  $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM spy_data.visit LOOP RETURN NEXT r.note; END LOOP; END $$;
CREATE FUNCTION spy.atomic() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM spy_data.visit; END;
SELECT id FROM spy.inlined() WHERE spy.say(note) ORDER BY id;
SELECT * FROM spy.looped();
SELECT spy.atomic();

-- 39. they were planned once: without the purpose an error each time
RESET journey_privacy.purpose;
SELECT * FROM spy.inlined();
SELECT * FROM spy.looped();
SELECT spy.atomic();
SET journey_privacy.purpose = 'spy_analytics';

-- 40. a function with a purpose of its own that is not allowed: an error
CREATE FUNCTION spy.with_purpose() RETURNS bigint LANGUAGE sql SET journey_privacy.purpose = 'spy_other_purpose'
  AS 'SELECT count(*) FROM spy_data.visit';
SELECT spy.with_purpose();

-- 41. a function whose own setting ends with it: its cursor gives no rows after it
RESET journey_privacy.purpose;
CREATE FUNCTION spy.opens(c refcursor) RETURNS refcursor LANGUAGE plpgsql SET journey_privacy.purpose = 'spy_analytics' AS
  $$ BEGIN OPEN c FOR SELECT id FROM spy_data.visit ORDER BY id; RETURN c; END $$;
BEGIN;
SELECT spy.opens('opened');
FETCH opened;
ROLLBACK;
SET journey_privacy.purpose = 'spy_analytics';

-- 42. a cursor across a change of purpose: an error at the next fetch
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM spy_data.visit;
FETCH c;
SET LOCAL journey_privacy.purpose = 'spy_other_purpose';
FETCH c;
ROLLBACK;

-- forwards and backwards: two rows
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, note FROM spy_data.visit;
FETCH ALL FROM c;
FETCH BACKWARD ALL FROM c;
FETCH ABSOLUTE 1 FROM c;
FETCH RELATIVE -1 FROM c;
MOVE FORWARD ALL FROM c;
COMMIT;

-- 43. a cursor WITH HOLD: an error; by a function that reads, too
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM spy_data.visit;
DECLARE held CURSOR WITH HOLD FOR SELECT * FROM spy.looped();
FETCH ALL FROM held;
CLOSE held;

-- 44. a loop that commits keeps rows in a portal: two rows, no hidden ones
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT note FROM spy_data.visit LOOP
    COMMIT;
    RAISE NOTICE '%', r.note;
  END LOOP;
END $$;

-- 45. a prepared statement across SET, RESET, set_config, SET LOCAL: an error each time
PREPARE reading AS SELECT count(*) FROM spy_data.visit;
EXECUTE reading;
SET journey_privacy.purpose = 'spy_other_purpose';
EXECUTE reading;
RESET journey_privacy.purpose;
EXECUTE reading;
SELECT set_config('journey_privacy.purpose', 'SPY_ANALYTICS', false);
EXECUTE reading;
SELECT set_config('journey_privacy.purpose', 'spy_analytics ', false);
EXECUTE reading;
SET journey_privacy.purpose = 'spy_analytics';
EXECUTE reading;
BEGIN;
SET LOCAL journey_privacy.purpose = '';
EXECUTE reading;
ROLLBACK;

-- 46. generic plans: the same
SET plan_cache_mode = force_generic_plan;
PREPARE generic(text) AS SELECT count(*) FROM spy_data.visit WHERE note LIKE $1;
EXECUTE generic('%');
EXECUTE generic('CANARY%');
SET journey_privacy.purpose = '';
EXECUTE generic('%');
SET journey_privacy.purpose = 'spy_analytics';
RESET plan_cache_mode;

-- 47. ROLLBACK TO restores the purpose, right or wrong: error, then two rows
BEGIN;
SAVEPOINT s;
SET LOCAL journey_privacy.purpose = 'spy_other_purpose';
SAVEPOINT t;
EXECUTE reading;
ROLLBACK TO t;
EXECUTE reading;
ROLLBACK TO s;
EXECUTE reading;
COMMIT;

-- 48. the purpose changes while a query runs: an error at the next row
SELECT id, CASE WHEN id = 2 THEN set_config('journey_privacy.purpose', 'spy_other_purpose', false) END
  FROM spy_data.visit;
SHOW journey_privacy.purpose;
SET journey_privacy.purpose = 'spy_analytics';

-- 49. another role: an error
SET ROLE spy_owner;
SET SESSION AUTHORIZATION spy_owner;
SET ROLE pg_read_all_data;

-- 50. row_security = off does not turn it off: an error
SET row_security = off;
SELECT * FROM spy_data.visit;
SELECT * FROM spy_data.region_b;
COPY spy_data.visit TO stdout;
RESET row_security;

-- 51. a role's own setting is a setting: the purpose is still checked
ALTER ROLE spy_analyst SET journey_privacy.purpose = 'spy_other_purpose';
ALTER ROLE spy_analyst SET row_security = off;
\c - spy_analyst
\set VERBOSITY terse
SELECT * FROM spy_data.visit;
SET row_security = on;
SELECT * FROM spy_data.visit;
ALTER ROLE spy_analyst RESET ALL;
\c - spy_analyst
\set VERBOSITY terse
SET journey_privacy.purpose = 'spy_analytics';

--
-- Parallel workers, scans, partitions
--

-- 52. parallel plans: the thousand visible rows
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT count(*), min(note), max(note) FROM spy_data.big;
SELECT count(*) FROM spy_data.big a JOIN spy_data.big b USING (n) WHERE a.note <> b.note;

-- 53. a leaky function in a worker: visible rows only
SELECT count(*) FROM spy_data.big WHERE n < 3 AND spy.say(note);

-- 54. a function that reads inside a worker is asked as everywhere: errors
SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
CREATE FUNCTION spy.secret() RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS
  $$ BEGIN RETURN (SELECT max(secret) FROM spy_data.secret); END $$;
SELECT spy.secret();
CREATE FUNCTION spy.empty() RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE SET journey_privacy.purpose = '' AS
  $$ BEGIN RETURN (SELECT count(*) FROM spy_data.visit WHERE false); END $$;
SELECT spy.empty();

-- 55. EXPLAIN inside a worker: an error
CREATE FUNCTION spy.explains() RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS
  $$ DECLARE l text; BEGIN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT n FROM spy_data.visit v(n)' INTO l; RETURN l; END $$;
SELECT spy.explains();
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- 56. TABLESAMPLE of everything: two rows
SELECT note FROM spy_data.visit TABLESAMPLE SYSTEM (100) REPEATABLE (1) ORDER BY id;
SELECT note FROM spy_data.visit TABLESAMPLE BERNOULLI (100) WHERE spy.say(note) ORDER BY id;

-- 57. TID scans: no hidden row
SELECT note FROM spy_data.visit WHERE ctid = '(0,1)';
SELECT note FROM spy_data.visit WHERE ctid >= '(0,0)' AND ctid < '(9,9)' AND spy.say(note) ORDER BY id;
SELECT note FROM spy_data.visit WHERE ctid = ANY (ARRAY(SELECT format('(0,%s)', i)::tid FROM generate_series(1, 20) i)) ORDER BY id;

-- 58. tableoid and system columns: two rows
SELECT tableoid::regclass, cmin, xmax FROM spy_data.visit;

-- 59. partitions by name, old and new: one row each
SELECT region, note FROM spy_data.region_a;
SELECT region, note FROM spy_data.region_b;
SELECT note FROM spy_data.region WHERE spy.say(note) ORDER BY note;
SELECT note FROM ONLY spy_data.region;

-- 60. without a purpose: an error
RESET journey_privacy.purpose;
SELECT * FROM spy_data.region_b;
SELECT * FROM spy_data.child;
SET journey_privacy.purpose = 'spy_analytics';

-- 61. an inheritance child by name, the parent, ONLY: visible rows only
SELECT visitor = :'B' AS b, note, extra FROM spy_data.child;
SELECT note FROM spy_data.base WHERE spy.say(note) ORDER BY note;
SELECT note FROM ONLY spy_data.base;

-- 62. a child or partition of one's own: an error
CREATE TABLE spy.child () INHERITS (spy_data.base);
CREATE TABLE spy.part PARTITION OF spy_data.region FOR VALUES IN ('c');
CREATE TABLE spy.typed (LIKE spy_data.visit INCLUDING ALL);
SELECT count(*) FROM spy.typed;

-- 63. row locks: an error, or visible rows only
SELECT id FROM spy_data.visit FOR UPDATE;
SELECT id FROM spy_data.entry FOR UPDATE;
SELECT id FROM spy_data.entry WHERE id = 1 FOR SHARE NOWAIT;

-- 64. recursion, windows, grouping sets, LATERAL, set-returning functions: visible rows only
WITH RECURSIVE r(id, note) AS (
  SELECT id, note FROM spy_data.visit WHERE id <= 2
  UNION SELECT v.id, v.note FROM r JOIN spy_data.visit v ON v.id > r.id WHERE spy.say(v.note))
SELECT * FROM r ORDER BY id;
SELECT id, lag(note) OVER w, lead(note) OVER w, first_value(note) OVER w FROM spy_data.visit WINDOW w AS (ORDER BY id);
SELECT note, count(*) FROM spy_data.visit GROUP BY GROUPING SETS ((note), ()) ORDER BY note;
SELECT v.id, l.note FROM spy_data.visit v, LATERAL (SELECT note FROM spy_data.visit w WHERE w.id <= v.id ORDER BY id LIMIT 1) l ORDER BY 1;
SELECT id, unnest(string_to_array(note, ' ')) FROM spy_data.visit ORDER BY 1, 2;
SELECT count(*) FROM generate_series(1, 5) i LEFT JOIN spy_data.visit v ON v.id = i WHERE v.id IS NOT NULL;

-- 65. XML and text search functions run queries given as text: visible rows only
SELECT query_to_xml('SELECT note FROM spy_data.visit', true, false, '')::text LIKE '%CANARY%' AS canary;
SELECT table_to_xml('spy_data.visit', true, false, '')::text LIKE '%CANARY%' AS canary;
SELECT schema_to_xml('spy_data', true, false, '');
SELECT word FROM ts_stat('SELECT to_tsvector(''simple'', note) FROM spy_data.visit') ORDER BY word;

--
-- Writing, copying, keeping
--

-- 66. TRUNCATE, DROP, ALTER: an error
TRUNCATE spy_data.visit;
TRUNCATE spy_data.region_b;
DROP TABLE spy_data.visit;
ALTER TABLE spy_data.visit NO FORCE ROW LEVEL SECURITY;

-- 67. COPY: two rows, to the client only
COPY spy_data.visit (id, note) TO stdout;
COPY (SELECT note FROM spy_data.visit WHERE spy.say(note)) TO stdout;
\set VERBOSITY sqlstate
COPY spy_data.visit TO '/tmp/spy';
COPY (SELECT note FROM spy_data.visit) TO PROGRAM 'cat';
\set VERBOSITY terse
COPY spy_data.region_b (note) TO stdout;

-- 68. COPY FROM into a table with row security: an error
COPY spy_data.entry FROM stdin;
\.

-- 69. DO
DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM spy_data.visit ORDER BY id LOOP PERFORM spy.leak(r.note); END LOOP; END $$;
DO $$ BEGIN PERFORM set_config('journey_privacy.purpose', '', true); PERFORM count(*) FROM spy_data.visit; END $$;

-- 70. UPDATE and DELETE of hidden rows: none
UPDATE spy_data.entry SET note = 'taken' WHERE id = 1 RETURNING note;
DELETE FROM spy_data.entry WHERE spy.leak(note) AND id = 1 RETURNING note;
UPDATE spy_data.entry e SET amount = e.amount FROM spy_data.visit v WHERE v.visitor = e.visitor AND spy.say(v.note) RETURNING e.note, v.note;

-- 71. ON CONFLICT with a hidden row: an error that does not show it
\set VERBOSITY default
\set SHOW_CONTEXT always
INSERT INTO spy_data.entry VALUES (1, :'A', 'x', 1) ON CONFLICT (id) DO UPDATE SET note = entry.note || '!' RETURNING note;
INSERT INTO spy_data.entry VALUES (2, :'A', 'y', 1) ON CONFLICT (id) DO UPDATE SET note = entry.note || '!' RETURNING note;

-- 72. a unique violation shows no hidden row, and no value of one
INSERT INTO spy_data.entry VALUES (1, :'A', 'z', 1);
INSERT INTO spy_data.entry VALUES (9, :'A', 'CANARY entry', 1);
UPDATE spy_data.entry SET id = 1 WHERE id = 2;

-- 73. a check constraint shows no row
INSERT INTO spy_data.entry VALUES (10, :'A', 'checked', -1);
UPDATE spy_data.entry SET amount = -1;
INSERT INTO spy_data.entry (id, visitor) VALUES (NULL, :'A');

-- 74. a row for a hidden person, and a row moved to one: an error that shows no row
INSERT INTO spy_data.entry VALUES (11, :'C', 'for canary', 1) RETURNING *;
UPDATE spy_data.entry SET visitor = :'C' WHERE id = 2;
-- the number is the guard's to set, and a row of nobody is nobody's
INSERT INTO spy_data.entry (id, visitor, amount, journey_subject) VALUES (12, :'C', 1, 0) RETURNING id;
UPDATE spy_data.entry SET journey_subject = journey_subject + 1 WHERE id = 2 RETURNING id, visitor = :'A' AS a;
UPDATE spy_data.entry SET visitor = NULL WHERE id = 2;
\set VERBOSITY terse
\set SHOW_CONTEXT errors

-- 75. MERGE: hidden rows are not matched
MERGE INTO spy_data.entry e USING spy_data.visit v ON e.visitor = v.visitor AND spy.say(e.note)
  WHEN MATCHED AND spy.leak(e.note) THEN UPDATE SET amount = 7;
MERGE INTO spy.loot l USING spy_data.visit v ON false WHEN NOT MATCHED THEN INSERT VALUES (v.note);
SELECT id, note, amount FROM spy_data.entry ORDER BY id;

-- 76. CREATE TABLE AS and SELECT INTO: done with visible rows, and recorded
CREATE TABLE spy.made AS SELECT id, visitor, note FROM spy_data.visit;
SELECT note INTO spy.made_into FROM spy_data.visit;
PREPARE reading AS SELECT note FROM spy_data.visit;
CREATE TABLE spy.made_executed AS EXECUTE reading;
SELECT note FROM spy.made ORDER BY id;

-- 77. made in a way that hides where or whence: recorded all the same, but for what
-- passes through a function, a temporary table or a copy, as the README says
CREATE TABLE spy.by_cte (x text);
WITH w AS (INSERT INTO spy.by_cte SELECT note FROM spy_data.visit RETURNING x) SELECT count(*) FROM w;
SET search_path = spy, spy_data;
CREATE TABLE by_path AS SELECT note, set_config('search_path', 'pg_catalog', false) IS NULL AS x FROM spy_data.visit;
RESET search_path;
CREATE TABLE spy.by_function AS SELECT * FROM spy.looped();
CREATE TABLE spy.by_update (x text);
INSERT INTO spy.by_update VALUES ('');
UPDATE spy.by_update SET x = (SELECT string_agg(note, ',' ORDER BY id) FROM spy_data.visit);
CREATE TABLE spy.by_insert (x text);
INSERT INTO spy.by_insert SELECT * FROM spy.looped();
CREATE TEMP TABLE passing AS SELECT note FROM spy_data.visit;
CREATE TABLE spy.by_temp AS SELECT * FROM passing;
CREATE TABLE spy.by_copy AS SELECT * FROM spy.made;

-- 78. materialized views: refused, also by a function and by a refresh
CREATE MATERIALIZED VIEW spy.m AS SELECT * FROM spy_data.visit;
CREATE MATERIALIZED VIEW spy.m AS SELECT * FROM spy.looped();
CREATE MATERIALIZED VIEW spy.m AS SELECT * FROM spy.definer() WITH NO DATA;
REFRESH MATERIALIZED VIEW spy.m;
DROP MATERIALIZED VIEW IF EXISTS spy.m;

-- 79. triggers and rules of one's own: not on the table; elsewhere they read as their owner
CREATE TRIGGER t BEFORE INSERT ON spy_data.entry FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE RULE r AS ON INSERT TO spy_data.entry DO ALSO SELECT 1;
CREATE TABLE spy.bait (x int);
CREATE RULE r AS ON INSERT TO spy.bait DO ALSO INSERT INTO spy.loot SELECT note FROM spy_data.visit;
CREATE FUNCTION spy.bite() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  $$ BEGIN INSERT INTO spy.loot SELECT note FROM spy_data.visit; RETURN NULL; END $$;
CREATE TRIGGER t AFTER INSERT ON spy.bait FOR EACH ROW EXECUTE FUNCTION spy.bite();
INSERT INTO spy.bait VALUES (1);

-- 80. a foreign key of one's own as an oracle: an error
CREATE TABLE spy.oracle (id int REFERENCES spy_data.visit);
CREATE TABLE spy.oracle (note text REFERENCES spy_data.entry (note));

-- 81. LISTEN and NOTIFY with rows, large objects: visible rows only
SELECT count(pg_notify('spy', note)) FROM spy_data.visit WHERE pg_notify('spy', note) IS NOT NULL AND spy.say(note);
SELECT lo_from_bytea(0, convert_to(string_agg(note, ','), 'UTF8')) AS lo FROM spy_data.visit \gset
SELECT position('CANARY'::bytea IN lo_get(:lo)) AS canary, lo_unlink(:lo);
SELECT lo_export(:lo, '/tmp/spy');
SELECT lo_import('/tmp/spy');

-- 82. what the catalog tells is the policy, not the rows
SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'spy_data.visit'::regclass ORDER BY polname;
SELECT count(pg_get_viewdef('spy.defined'::regclass));
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'spy_data.entry'::regclass AND contype = 'c';
SELECT pg_get_indexdef('spy_data.visit_note'::regclass);

--
-- Our own functions and tables
--

-- 83. the registry, the ledger and the bitmaps: an error
SELECT * FROM journey_privacy.subject;
SELECT * FROM journey_privacy.consent_event;
SELECT * FROM journey_privacy.consent_state;
SELECT * FROM journey_privacy.permitted;
SELECT * FROM journey_privacy.tombstone;
SELECT * FROM journey_privacy.derived;
SELECT * FROM journey_privacy.consent_rate;
SELECT * FROM journey_privacy.erasure;
SELECT nextval('journey_privacy.subject_number');
SELECT last_value FROM journey_privacy.subject_number;

-- 84. configuration may be read, not written
INSERT INTO journey_privacy.allowance VALUES ('spy_analyst', 'spy_other_purpose');
DELETE FROM journey_privacy.protection;
UPDATE journey_privacy.column_allowance SET columns = '{secret}';
SELECT journey_privacy.allow('spy_analyst', 'spy_other_purpose');
SELECT journey_privacy.allow_columns('spy_analytics', 'spy_data.secret', NULL);
SELECT journey_privacy.unprotect('spy_data.visit');
SELECT journey_privacy.record_consent(:'C', 'spy_analytics', true);

-- 85. accounts of one person: an error
SELECT * FROM journey_privacy.consent_of(:'C');
SELECT * FROM journey_privacy.consent_history(:'C');
SELECT * FROM journey_privacy.why('spy_data.visit', :'C');
SELECT journey_privacy.is_erased(:'C');
SELECT * FROM journey_privacy.preview_erasure(:'C');
CALL journey_privacy.erase(:'A');
SELECT journey_privacy.pseudonymize('email', 'canary@spy.example');
SELECT 'email:canary@spy.example'::journey_privacy.pseudonym;

-- 86. permits() asked about numbers of one's own: an error, or it would tell who agrees
SELECT count(*) > 0 AS told FROM generate_series(0, 99999) n WHERE journey_privacy.permits('spy_data.visit'::regclass, n);
SELECT journey_privacy.permits(NULL, NULL::int);
SELECT journey_privacy.permits('spy_data.visit'::regclass, NULL::int);
SELECT journey_privacy.permits('pg_class'::regclass, 1);

-- 87. asked about identities, where the table has no numbers: an error
SELECT journey_privacy.permits('spy_data.mail'::regclass, 'canary@spy.example'::text);
SELECT journey_privacy.permits('spy_data.mail'::regclass, e) FROM unnest(ARRAY['one@spy.example', 'canary@spy.example']) e;
CREATE TABLE spy.guess (email text);
INSERT INTO spy.guess VALUES ('one@spy.example'), ('canary@spy.example');
SELECT email, journey_privacy.permits('spy_data.mail'::regclass, email) FROM spy.guess;
SELECT spy.ends('SELECT email, journey_privacy.permits(tableoid, email) FROM spy.guess');
SELECT g.email, journey_privacy.permits(m.tableoid, g.email) FROM spy.guess g, spy_data.mail m;
SELECT g.email, (SELECT journey_privacy.permits(m.tableoid, g.email) FROM spy_data.mail m LIMIT 1) FROM spy.guess g;
SELECT journey_privacy.permits(tableoid, concat(email, '')) FROM spy_data.mail;
SELECT count(*) FROM spy_data.mail WHERE journey_privacy.permits(tableoid, 'canary@spy.example'::text);

-- 88. asked about another column of the same row: an error, or it would tell of the friend
SELECT email, journey_privacy.permits(tableoid, friend) FROM spy_data.mail;

-- 89. asked by an operator, an aggregate, a cast of the type, fast: an error
CREATE OPERATOR spy.@@@ (FUNCTION = journey_privacy.permits, LEFTARG = oid, RIGHTARG = text);
SELECT ('spy_data.mail'::regclass::oid) OPERATOR(spy.@@@) 'canary@spy.example'::text;
SELECT ('spy_data.mail'::regclass::oid) OPERATOR(spy.@@@) friend FROM spy_data.mail;
SELECT journey_privacy.permits('spy_data.mail'::regclass, 7);
SELECT journey_privacy.permits('spy_data.mail'::regclass, '11111111-1111-1111-1111-111111111111'::uuid);
SELECT journey_privacy.permits('spy_data.mail'::regclass, :'C'::journey_privacy.pseudonym);
SELECT journey_privacy.permits('spy_data.visit'::regclass, :'C'::journey_privacy.pseudonym);
SELECT journey_privacy.permits('spy_data.visit'::regclass, 1, now());

-- 90. the table without numbers itself: two rows, functions see visible rows only
SELECT email, note FROM spy_data.mail WHERE spy.say(note) ORDER BY email;
SELECT email FROM spy_data.mail WHERE email = 'canary@spy.example';

-- 91. functions that are for ourselves: an error
SELECT journey_privacy.names_subject('spy_data.mail'::regclass, 'canary@spy.example'::text);
SELECT journey_privacy.names_subject('spy_data.visit'::regclass, 1);
SELECT journey_privacy.rekeyed(:'C');
SELECT journey_privacy.guard_row();
SELECT journey_privacy.guard_truncate();
SELECT journey_privacy.cover_partitions();
SELECT journey_privacy.forget_dropped();
SELECT journey_privacy.permits_support(NULL::internal);
SELECT journey_privacy.everybody();
CREATE TABLE spy.guarded (who text);
CREATE TRIGGER g BEFORE INSERT ON spy.guarded FOR EACH ROW EXECUTE FUNCTION journey_privacy.guard_row();
INSERT INTO spy.guarded VALUES ('canary@spy.example');

-- 92. our settings and the keyring: an error, or nothing
\set VERBOSITY sqlstate
SHOW journey_privacy.keyring_file;
\set VERBOSITY terse
SET journey_privacy.require_preload = off;
SET session_replication_role = replica;
SELECT count(*) FROM pg_settings WHERE name = 'journey_privacy.keyring_file' AND setting <> '';
SELECT count(*) FROM pg_read_file('postgresql.conf');
ALTER SYSTEM SET journey_privacy.keyring_file = '/tmp/spy';

--
-- Columns by purpose: id and visitor may be read, secret may not
--

-- 93. named, starred, whole: an error
SELECT id, visitor = :'A' AS a FROM spy_data.secret ORDER BY id;
SELECT secret FROM spy_data.secret;
SELECT * FROM spy_data.secret;
TABLE spy_data.secret;
SELECT s FROM spy_data.secret s;
SELECT s.* FROM spy_data.secret s;
SELECT (s).id FROM (SELECT s FROM spy_data.secret s OFFSET 0) x;
SELECT secret(s) FROM spy_data.secret s;

-- 94. as JSON, counted, compared, hashed: an error
SELECT row_to_json(s) FROM spy_data.secret s;
SELECT to_jsonb(s) - 'secret' FROM spy_data.secret s;
SELECT count(s) FROM spy_data.secret s;
SELECT count(secret) FROM spy_data.secret;
SELECT s IS NULL FROM spy_data.secret s;
SELECT s::text FROM spy_data.secret s;
SELECT DISTINCT s FROM spy_data.secret s;

-- 95. read without being shown: an error
SELECT id FROM spy_data.secret WHERE secret LIKE 'C%';
SELECT id FROM spy_data.secret ORDER BY secret;
SELECT count(*) FROM spy_data.secret GROUP BY secret;
SELECT id FROM spy_data.secret s WHERE EXISTS (SELECT WHERE spy.leak(s.secret));
SELECT id, row_number() OVER (ORDER BY secret) FROM spy_data.secret;
SELECT id FROM spy_data.secret WHERE false AND secret IS NULL;
SELECT ctid FROM spy_data.secret;

-- 96. joined: an error
CREATE TABLE spy.words (secret text);
INSERT INTO spy.words VALUES ('CANARY secret of a');
SELECT 1 FROM spy.words JOIN spy_data.secret USING (secret);
SELECT 1 FROM spy.words NATURAL JOIN spy_data.secret;
SELECT 1 FROM spy.words w FULL JOIN spy_data.secret USING (secret);
SELECT 1 FROM spy.words w WHERE w.secret IN (SELECT secret FROM spy_data.secret);
SELECT w.* FROM spy.words w, LATERAL (SELECT FROM spy_data.secret s WHERE s.secret = w.secret) x;
SELECT j.id FROM (spy_data.secret s CROSS JOIN spy.words w) AS j(id, v, x, n, y);
SELECT j FROM (spy_data.secret s CROSS JOIN spy.words w) j;

-- 97. views with and without security_invoker, functions, prepared: an error
CREATE VIEW spy.secret_defined AS SELECT id, secret FROM spy_data.secret;
CREATE VIEW spy.secret_invoked WITH (security_invoker) AS SELECT id, secret FROM spy_data.secret;
SELECT * FROM spy.secret_defined;
SELECT * FROM spy.secret_invoked;
SELECT secret FROM spy.secret_defined;
CREATE FUNCTION spy.secret_sql() RETURNS text LANGUAGE sql STABLE AS 'SELECT max(secret) FROM spy_data.secret';
CREATE FUNCTION spy.secret_row() RETURNS SETOF spy_data.secret LANGUAGE sql STABLE AS 'SELECT * FROM spy_data.secret';
SELECT spy.secret_sql();
SELECT id FROM spy.secret_row();
PREPARE secretly AS SELECT secret FROM spy_data.secret;
EXECUTE secretly;
DO $$ DECLARE r spy_data.secret; BEGIN SELECT * INTO r FROM spy_data.secret; RAISE NOTICE '%', r.secret; END $$;
COPY spy_data.secret TO stdout;
COPY spy_data.secret (secret) TO stdout;
SELECT query_to_xml('SELECT * FROM spy_data.secret', true, false, '');
CREATE TABLE spy.made_secret AS SELECT secret FROM spy_data.secret;

-- 98. with the right to write, RETURNING, ON CONFLICT and MERGE do not read either: an error
\c - :dba
\set VERBOSITY terse
GRANT INSERT, UPDATE, DELETE ON spy_data.secret TO spy_analyst;
\c - spy_analyst
\set VERBOSITY terse
SET journey_privacy.purpose = 'spy_analytics';
UPDATE spy_data.secret SET id = id RETURNING secret;
UPDATE spy_data.secret SET id = id RETURNING *;
UPDATE spy_data.secret SET id = length(secret);
DELETE FROM spy_data.secret WHERE id = 2 RETURNING secret;
DELETE FROM spy_data.secret s USING spy.words w WHERE s.secret = w.secret;
INSERT INTO spy_data.secret VALUES (2, :'A', 'x') ON CONFLICT (id) DO UPDATE SET id = length(secret.secret);
INSERT INTO spy_data.secret VALUES (2, :'A', 'x') ON CONFLICT (id) DO UPDATE SET id = 2 RETURNING secret;
INSERT INTO spy_data.secret VALUES (2, :'A', 'x') ON CONFLICT (id) DO UPDATE SET id = 2 WHERE secret.secret LIKE 'C%';
MERGE INTO spy_data.secret s USING spy.words w ON s.secret = w.secret WHEN MATCHED THEN DELETE;
MERGE INTO spy_data.secret s USING spy.words w ON s.id = 2 WHEN MATCHED AND s.secret LIKE 'C%' THEN DELETE;
MERGE INTO spy_data.secret s USING spy.words w ON s.id = 2 WHEN MATCHED THEN UPDATE SET id = length(s.secret);
MERGE INTO spy.words w USING spy_data.secret s ON false WHEN NOT MATCHED THEN INSERT VALUES (s.secret);
INSERT INTO spy_data.entry (id, visitor, note) SELECT id + 20, visitor, secret FROM spy_data.secret;
-- without them it may be done
UPDATE spy_data.secret SET id = id WHERE id = 2 RETURNING id, visitor = :'A' AS a;
SELECT count(*) FROM spy_data.secret;
SELECT count(*) FROM spy.words WHERE secret LIKE '%of b';

--
-- The owner, who is no superuser
--

-- code and types of the owner that are there when a superuser protects the tables
\c - spy_owner
\set VERBOSITY terse
CREATE TABLE spy_data.loot (x text);
CREATE FUNCTION spy_data.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
  $$ BEGIN RAISE NOTICE 'leaked: %', $1; INSERT INTO spy_data.loot VALUES ($1); RETURN true; END $$;
CREATE FUNCTION spy_data.say(text) RETURNS text LANGUAGE plpgsql COST 0.0001 IMMUTABLE AS
  $$ BEGIN RAISE NOTICE 'said: %', regexp_replace($1::text, '^p[0-9]+_.{24}$', 'a pseudonym'); RETURN $1; END $$;
CREATE TABLE spy_data.indexed (visitor journey_privacy.pseudonym, note text);
CREATE INDEX indexed_digest ON spy_data.indexed (spy_data.digest(note));
CREATE TABLE spy_data.ruled (visitor journey_privacy.pseudonym, note text);
CREATE POLICY a_own ON spy_data.ruled AS RESTRICTIVE USING (spy_data.always(note));
CREATE POLICY b_own ON spy_data.ruled USING (true);
CREATE COLLATION spy_data.mine FROM "C";
CREATE TABLE spy_data.collated (email text COLLATE spy_data.mine, note text);
CREATE TYPE spy_data.row_type AS (visitor journey_privacy.pseudonym, note text, journey_subject int);
CREATE TABLE spy_data.typed OF spy_data.row_type;
CREATE DOMAIN spy_data.words AS text;
CREATE TABLE spy_data.worded (visitor journey_privacy.pseudonym, note spy_data.words);
CREATE TABLE spy_data.renamed (visitor journey_privacy.pseudonym, note text);
CREATE TABLE spy_data.area (area text, visitor journey_privacy.pseudonym, note text) PARTITION BY LIST (area);
CREATE TABLE spy_data.area_default PARTITION OF spy_data.area DEFAULT;
\c - :dba
\set VERBOSITY terse
-- what the owner has built in, and could replace, keeps a table from being protected
SELECT journey_privacy.protect('spy_data.indexed', 'visitor') \gset
SELECT journey_privacy.protect('spy_data.ruled', 'visitor') \gset
ALTER FUNCTION spy_data.digest(text) OWNER TO CURRENT_USER;
ALTER FUNCTION spy_data.always(text) OWNER TO CURRENT_USER;
SELECT journey_privacy.protect('spy_data.indexed', 'visitor') \gset
SELECT journey_privacy.protect('spy_data.ruled', 'visitor') \gset
SELECT journey_privacy.protect('spy_data.collated', 'email', kind => 'email', number_column => NULL) \gset
SELECT journey_privacy.protect('spy_data.typed', 'visitor') \gset
SELECT journey_privacy.protect('spy_data.area', 'visitor') \gset
SELECT journey_privacy.protect('spy_data.worded', 'visitor') \gset
SELECT journey_privacy.protect('spy_data.renamed', 'visitor') \gset
INSERT INTO spy_data.worded VALUES (:'C', 'CANARY worded'), (:'A', 'fine worded');
INSERT INTO spy_data.renamed VALUES (:'C', 'CANARY renamed'), (:'A', 'fine renamed');
INSERT INTO spy_data.indexed VALUES (:'C', 'CANARY indexed'), (:'A', 'fine indexed');
INSERT INTO spy_data.ruled VALUES (:'C', 'CANARY ruled'), (:'A', 'fine ruled');
INSERT INTO spy_data.collated VALUES ('canary@spy.example', 'CANARY collated'), ('one@spy.example', 'fine collated');
DROP TABLE spy_data.typed;
INSERT INTO spy_data.area VALUES ('CANARY', :'C', 'CANARY area'), ('fine', :'A', 'fine area');
GRANT spy_other TO spy_owner;
GRANT USAGE, CREATE ON SCHEMA spy_data TO spy_other;
\c - spy_owner
\set VERBOSITY terse
SET journey_privacy.purpose = 'spy_analytics';

-- 99. the owner sees who agreed, and nobody without a purpose
SELECT note FROM spy_data.visit ORDER BY id;
SELECT note FROM spy_data.visit WHERE spy_data.leak(note) ORDER BY id;
RESET journey_privacy.purpose;
SELECT note FROM spy_data.visit;
SET journey_privacy.purpose = 'spy_analytics';

-- 100. row security off, not forced, triggers off: an error
ALTER TABLE spy_data.visit DISABLE ROW LEVEL SECURITY;
ALTER TABLE spy_data.visit NO FORCE ROW LEVEL SECURITY;
ALTER TABLE spy_data.region_b NO FORCE ROW LEVEL SECURITY;
ALTER TABLE spy_data.visit DISABLE TRIGGER ALL;
ALTER TABLE spy_data.visit DISABLE TRIGGER USER;
ALTER TABLE spy_data.visit DISABLE TRIGGER zzz_journey_privacy;
ALTER TABLE spy_data.visit ENABLE REPLICA TRIGGER zzz_journey_privacy;
ALTER TABLE spy_data.visit ALTER amount SET DEFAULT 1, NO FORCE ROW LEVEL SECURITY;

-- 101. policies and triggers dropped, altered, renamed: an error
DROP POLICY journey_privacy_select ON spy_data.visit;
ALTER POLICY journey_privacy_select ON spy_data.visit USING (true);
ALTER POLICY journey_privacy_select ON spy_data.visit TO spy_other;
ALTER POLICY journey_privacy_select ON spy_data.visit RENAME TO zzz;
DROP TRIGGER zzz_journey_privacy ON spy_data.visit;
ALTER TRIGGER zzz_journey_privacy ON spy_data.visit RENAME TO aaa;
DROP FUNCTION journey_privacy.guard_row() CASCADE;
DROP FUNCTION journey_privacy.permits(oid, integer) CASCADE;

-- 102. policies with a leaky function: an error
CREATE POLICY a ON spy_data.visit AS RESTRICTIVE USING (spy_data.leak(note));
CREATE POLICY a ON spy_data.visit USING (spy_data.leak(note));
CREATE POLICY a ON spy_data.region_a AS RESTRICTIVE USING (spy_data.leak(note));
CREATE POLICY a ON spy_data.child USING (true);

-- 103. constraints with a leaky function, now or later: an error
ALTER TABLE spy_data.visit ADD CHECK (spy_data.leak(note));
ALTER TABLE spy_data.visit ADD CHECK (spy_data.leak(note)) NOT VALID;
ALTER TABLE spy_data.visit ADD COLUMN x int CHECK (spy_data.leak(note));
ALTER TABLE spy_data.visit ADD EXCLUDE USING btree (spy_data.digest(note) WITH =);
ALTER TABLE spy_data.visit ADD UNIQUE (amount);
ALTER TABLE spy_data.visit ADD FOREIGN KEY (amount) REFERENCES spy_data.entry;

-- 104. indexes on expressions, partial, unique: an error; on a column, none
CREATE INDEX ON spy_data.visit (spy_data.say(note));
CREATE INDEX ON spy_data.visit ((note || spy_data.say(note)));
CREATE INDEX ON spy_data.visit (id) WHERE spy_data.say(note) IS NOT NULL;
CREATE UNIQUE INDEX ON spy_data.visit (amount);
CREATE INDEX CONCURRENTLY ON spy_data.visit (spy_data.say(note));
CREATE INDEX ON spy_data.region (spy_data.say(note));
CREATE INDEX ON spy_data.visit (amount);

-- 105. columns retyped, generated, with a default that is worked out, or to ask permits() about: an error
ALTER TABLE spy_data.visit ALTER note TYPE text USING spy_data.say(note);
ALTER TABLE spy_data.visit ALTER amount TYPE bigint;
ALTER TABLE spy_data.visit ADD COLUMN g text GENERATED ALWAYS AS (spy_data.say(note)) STORED;
ALTER TABLE spy_data.visit ADD COLUMN d boolean DEFAULT spy_data.leak('x');
ALTER TABLE spy_data.mail ADD COLUMN probe text DEFAULT 'canary@spy.example';
SELECT email, journey_privacy.permits(tableoid, probe) FROM spy_data.mail;
ALTER TABLE spy_data.mail DROP COLUMN probe;
ALTER TABLE spy_data.visit VALIDATE CONSTRAINT visit_amount_check;

-- 106. rules and triggers: an error
CREATE RULE r AS ON SELECT TO spy_data.visit DO INSTEAD SELECT 1;
CREATE RULE r AS ON INSERT TO spy_data.visit DO ALSO INSERT INTO spy_data.loot VALUES (NEW.note);
CREATE FUNCTION spy_data.take() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM spy_data.leak(NEW.note); RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON spy_data.visit FOR EACH ROW EXECUTE FUNCTION spy_data.take();
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON spy_data.region_a FOR EACH ROW EXECUTE FUNCTION spy_data.take();
CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION spy_data.take();

-- 107. publications: an error
SET client_min_messages = error;
CREATE PUBLICATION spy_pub FOR TABLE spy_data.visit;
CREATE PUBLICATION spy_pub FOR ALL TABLES;
CREATE PUBLICATION spy_pub FOR TABLES IN SCHEMA spy_data;
CREATE PUBLICATION spy_pub FOR TABLE spy_data.loot;
ALTER PUBLICATION spy_pub ADD TABLE spy_data.loot, spy_data.region_b;
ALTER PUBLICATION spy_pub SET TABLE spy_data.visit WHERE (id > 0);
DROP PUBLICATION spy_pub;
RESET client_min_messages;

-- 108. statistics: an error; ANALYZE and pg_stats show none
CREATE STATISTICS spy_data.s (mcv) ON visitor, note FROM spy_data.visit;
CREATE STATISTICS spy_data.s ON (spy_data.say(note)) FROM spy_data.visit;
ANALYZE spy_data.visit;
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'spy_data' AND tablename NOT IN ('loot');
EXPLAIN SELECT * FROM spy_data.visit;

-- 109. a parent that is not protected: an error
CREATE TABLE spy_data.open_parent (note text);
ALTER TABLE spy_data.visit INHERIT spy_data.open_parent;
CREATE TABLE spy_data.open_region (region text, visitor journey_privacy.pseudonym, note text, journey_subject int)
  PARTITION BY LIST (region);
ALTER TABLE spy_data.region DETACH PARTITION spy_data.region_b;
ALTER TABLE spy_data.open_region ATTACH PARTITION spy_data.region_b FOR VALUES IN ('b');
SELECT note FROM spy_data.region_b;
ALTER TABLE spy_data.region ATTACH PARTITION spy_data.region_b FOR VALUES IN ('b');
CREATE TABLE spy_data.both () INHERITS (spy_data.open_parent, spy_data.base);
ALTER TABLE spy_data.child NO INHERIT spy_data.base;
ALTER TABLE spy_data.child INHERIT spy_data.open_parent;
SELECT note FROM spy_data.child;
ALTER TABLE spy_data.child INHERIT spy_data.base;
CREATE TEMP TABLE temp_child () INHERITS (spy_data.base);
SELECT note FROM spy_data.region ORDER BY note;

-- 110. TRUNCATE, of a parent and by a foreign key too: an error
TRUNCATE spy_data.visit;
TRUNCATE spy_data.region;
TRUNCATE spy_data.base;

-- 111. another owner, another schema, another name: still protected
ALTER TABLE spy_data.visit OWNER TO spy_other;
SET ROLE spy_other;
SELECT note FROM spy_data.visit;
ALTER TABLE spy_data.visit NO FORCE ROW LEVEL SECURITY;
RESET ROLE;
ALTER TABLE spy_data.visit OWNER TO spy_owner;
CREATE SCHEMA spy_data2;
ALTER TABLE spy_data.visit SET SCHEMA spy_data2;
ALTER TABLE spy_data2.visit RENAME TO renamed;
ALTER TABLE spy_data2.renamed NO FORCE ROW LEVEL SECURITY;
SELECT note FROM spy_data2.renamed ORDER BY id;
ALTER TABLE spy_data2.renamed RENAME TO visit;
ALTER TABLE spy_data2.visit SET SCHEMA spy_data;

-- 112. the columns that protection rests on renamed, dropped, retyped: an error
ALTER TABLE spy_data.visit RENAME visitor TO who;
ALTER TABLE spy_data.visit RENAME journey_subject TO js;
SET client_min_messages = error;
ALTER TABLE spy_data.visit DROP COLUMN visitor CASCADE;
ALTER TABLE spy_data.visit DROP COLUMN journey_subject CASCADE;
ALTER TABLE spy_data.region_a RENAME visitor TO who;
ALTER TABLE spy_data.base DROP COLUMN journey_subject CASCADE;
RESET client_min_messages;
ALTER TABLE spy_data.visit ALTER journey_subject SET DEFAULT 0;

-- 113. a view, or a function with the owner's rights, granted to others: it asks for their purpose
CREATE VIEW spy_data.shown AS SELECT id, note FROM spy_data.visit WHERE spy_data.leak(note);
GRANT SELECT ON spy_data.shown TO spy_other;
SET ROLE spy_other;
SELECT * FROM spy_data.shown;
RESET ROLE;
SELECT id FROM spy_data.shown ORDER BY id;

-- 114. a foreign key says what was asked for, as README has it, and no more
CREATE TABLE spy_data.follow (id int REFERENCES spy_data.visit ON DELETE CASCADE ON UPDATE CASCADE);
\set VERBOSITY default
INSERT INTO spy_data.follow VALUES (77);
INSERT INTO spy_data.follow VALUES (4);
\set VERBOSITY terse

-- 115. a trigger that a cascade fires sees what its owner may see: fine rows only
CREATE FUNCTION spy_data.look() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT note FROM spy_data.visit ORDER BY id LOOP RAISE NOTICE 'looked: %', r.note; END LOOP;
  RETURN OLD;
END $$;
CREATE TRIGGER look BEFORE DELETE ON spy_data.follow FOR EACH ROW EXECUTE FUNCTION spy_data.look();
BEGIN;
DELETE FROM spy_data.visit WHERE id = 4;
ROLLBACK;
-- nor does one that fires while somebody is erased see more: an error, or fine rows only
\c - :dba
\set VERBOSITY terse
SET journey_privacy.purpose = 'spy_analytics';
BEGIN;
CALL journey_privacy.erase(:'B') \gset
ROLLBACK;
\c - spy_owner
\set VERBOSITY terse
SET journey_privacy.purpose = 'spy_analytics';
DROP TABLE spy_data.follow;

-- 116. so does a cast that a foreign key calls: fine rows only
CREATE TYPE spy_data.key AS ENUM ('four');
CREATE FUNCTION spy_data.to_int(spy_data.key) RETURNS int LANGUAGE plpgsql STABLE AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT note FROM spy_data.visit ORDER BY id LOOP RAISE NOTICE 'looked: %', r.note; END LOOP;
  RETURN 4;
END $$;
CREATE CAST (spy_data.key AS int) WITH FUNCTION spy_data.to_int(spy_data.key) AS IMPLICIT;
CREATE TABLE spy_data.follow (id spy_data.key REFERENCES spy_data.visit);
INSERT INTO spy_data.follow VALUES ('four');
DROP TABLE spy_data.follow;

-- 117. the function of an index on an expression replaced: an error, no hidden row reaches it
CREATE OR REPLACE FUNCTION spy_data.digest(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
  $$ BEGIN RAISE NOTICE 'digested: %', $1; RETURN upper($1); END $$;
REINDEX TABLE spy_data.indexed;
REINDEX INDEX spy_data.indexed_digest;
ANALYZE spy_data.indexed;
VACUUM FULL spy_data.indexed;
CLUSTER spy_data.indexed USING indexed_digest;
ALTER TABLE spy_data.indexed ADD COLUMN i int GENERATED ALWAYS AS IDENTITY;
-- statistics of an index on an expression are shown to its owner, as the README says
SELECT attname, histogram_bounds IS NOT NULL AS told FROM pg_stats WHERE schemaname = 'spy_data' AND tablename LIKE 'indexed%';

-- 118. the function of a policy replaced: an error, no hidden row reaches it
CREATE OR REPLACE FUNCTION spy_data.always(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
  $$ BEGIN RAISE NOTICE 'ruled: %', $1; RETURN true; END $$;
SELECT note FROM spy_data.ruled;
SELECT note FROM spy_data.ruled TABLESAMPLE SYSTEM (100);
SELECT note FROM spy_data.ruled WHERE ctid >= '(0,0)';

-- 119. what a column rests on dropped, and the column and its policies with it: an error
BEGIN;
SET LOCAL client_min_messages = error;
DROP COLLATION spy_data.mine CASCADE;
SELECT note FROM spy_data.collated;
ROLLBACK;
SELECT note FROM spy_data.collated;

-- 120. a table whose type the owner could alter is not protected at all: an error
CREATE TABLE spy_data.typed OF spy_data.row_type;
\c - :dba
\set VERBOSITY terse
SELECT journey_privacy.protect('spy_data.typed', 'visitor');
\c - spy_owner
\set VERBOSITY terse
DROP TABLE spy_data.typed;

-- 121. a partition or child that brings code along: an error, or the code sees no hidden row
CREATE TABLE spy_data.region_c PARTITION OF spy_data.region (CHECK (spy_data.leak(note))) FOR VALUES IN ('c');
CREATE TABLE spy_data.region_d (region text, visitor journey_privacy.pseudonym, note text, journey_subject int);
CREATE TRIGGER t BEFORE INSERT ON spy_data.region_d FOR EACH ROW EXECUTE FUNCTION spy_data.take();
ALTER TABLE spy_data.region ATTACH PARTITION spy_data.region_d FOR VALUES IN ('d');
CREATE TABLE spy_data.region_e (region text, visitor journey_privacy.pseudonym, note text, journey_subject int);
CREATE POLICY a ON spy_data.region_e AS RESTRICTIVE USING (spy_data.leak(note));
ALTER TABLE spy_data.region ATTACH PARTITION spy_data.region_e FOR VALUES IN ('e');
CREATE TABLE spy_data.child_c (CHECK (spy_data.leak(note))) INHERITS (spy_data.base);
\c - :dba
\set VERBOSITY terse
INSERT INTO spy_data.region VALUES ('c', :'C', 'CANARY c');
INSERT INTO spy_data.region VALUES ('d', :'C', 'CANARY d');
INSERT INTO spy_data.region VALUES ('e', :'C', 'CANARY e');
\c - spy_owner
\set VERBOSITY terse
SET journey_privacy.purpose = 'spy_analytics';
SELECT note FROM spy_data.region_e TABLESAMPLE SYSTEM (100);

-- 122. a new partition beside a default one tells the owner what hidden rows hold there, as the README says
CREATE TABLE spy_data.area_canary PARTITION OF spy_data.area FOR VALUES IN ('CANARY');
CREATE TABLE spy_data.area_nowhere PARTITION OF spy_data.area FOR VALUES IN ('NOWHERE');

-- 123. a trigger of ours tied to an extension that the owner may drop: it stays
SET client_min_messages = error;
CREATE EXTENSION hstore SCHEMA spy_data;
ALTER TRIGGER zzz_journey_privacy ON spy_data.visit DEPENDS ON EXTENSION hstore;
ALTER TRIGGER zzz_journey_privacy_truncate ON spy_data.visit DEPENDS ON EXTENSION hstore;
BEGIN;
DROP EXTENSION hstore;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'spy_data.visit'::regclass AND NOT tgisinternal ORDER BY 1;
TRUNCATE spy_data.visit CASCADE;
ROLLBACK;
RESET client_min_messages;
-- a number of one's own does not make a hidden row a visible one
BEGIN;
INSERT INTO spy_data.visit SELECT 100, :'C', 'planted', 1, min(journey_subject) FROM spy_data.visit WHERE visitor = :'A';
SELECT note FROM spy_data.visit WHERE id = 100;
ROLLBACK;

-- 124. NOT NULL would tell of nulls in hidden rows: refused
ALTER TABLE spy_data.visit ALTER amount SET NOT NULL;

-- 125. a constraint of a domain asks hidden rows, with code of one's own and without: refused
BEGIN;
ALTER DOMAIN spy_data.words ADD CHECK (spy_data.leak(VALUE));
ROLLBACK;
ALTER DOMAIN spy_data.words ADD CHECK (VALUE NOT LIKE 'CANARY%');
ALTER DOMAIN spy_data.words ADD CONSTRAINT later CHECK (VALUE NOT LIKE 'CANARY%') NOT VALID;
ALTER DOMAIN spy_data.words VALIDATE CONSTRAINT later;
ALTER DOMAIN spy_data.words DROP CONSTRAINT IF EXISTS later;

-- 126. ALTER of another kind of relation does not get round: an error
ALTER VIEW spy_data.visit NO FORCE ROW LEVEL SECURITY;
ALTER MATERIALIZED VIEW spy_data.visit NO FORCE ROW LEVEL SECURITY;
ALTER FOREIGN TABLE spy_data.visit NO FORCE ROW LEVEL SECURITY;
ALTER SEQUENCE spy_data.visit NO FORCE ROW LEVEL SECURITY;
ALTER INDEX spy_data.visit NO FORCE ROW LEVEL SECURITY;

-- 127. nor does it rename the column of the number and put another in its place: an error,
-- or new rows of people who have not agreed stay hidden
BEGIN;
ALTER VIEW spy_data.renamed RENAME COLUMN journey_subject TO js;
ALTER TABLE spy_data.renamed ADD COLUMN journey_subject int;
\set mine 0
SELECT js AS mine FROM spy_data.renamed WHERE note = 'fine renamed' \gset
ALTER TABLE spy_data.renamed ALTER js SET DEFAULT :mine;
INSERT INTO spy_data.renamed (visitor, note) VALUES (:'C', 'CANARY renamed later');
SELECT note FROM spy_data.renamed;
ROLLBACK;
BEGIN;
ALTER MATERIALIZED VIEW spy_data.renamed RENAME COLUMN visitor TO who;
ROLLBACK;
SELECT note FROM spy_data.renamed;

-- 128. protection undone, or done another way: an error
SELECT journey_privacy.unprotect('spy_data.visit');
SELECT journey_privacy.protect('spy_data.loot', 'x', kind => 'email');
SELECT journey_privacy.allow('spy_owner', 'spy_other_purpose');
DELETE FROM journey_privacy.protection WHERE relation = 'spy_data.visit'::regclass;
ALTER EXTENSION journey_privacy DROP FUNCTION journey_privacy.everybody();
DROP EXTENSION journey_privacy CASCADE;
ALTER EVENT TRIGGER journey_privacy_cover_partitions DISABLE;

-- 129. tables made from it by the owner: visible rows, recorded
CREATE TABLE spy_data.owners AS SELECT note FROM spy_data.visit;
CREATE MATERIALIZED VIEW spy_data.m AS SELECT note FROM spy_data.visit;

--
-- What came of it
--

\c - :dba
\set VERBOSITY terse
-- nothing taken was of people who have not agreed, or of a column that may not be read
SELECT (SELECT count(*) FROM spy.loot) > 0 AS taken,
       (SELECT count(*) FROM spy.loot WHERE x LIKE '%CANARY%') +
       (SELECT count(*) FROM spy_data.loot WHERE x LIKE '%CANARY%') AS canary;
-- all that was made is recorded
SELECT relation, source, made_by, purpose FROM journey_privacy.derived
  WHERE made_by LIKE 'spy\_%' ORDER BY relation::text COLLATE "C", source::text COLLATE "C";
-- the protected tables are as they were
SELECT p.relation, count(o.polname) AS policies, c.relrowsecurity AND c.relforcerowsecurity AS forced
  FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation
  LEFT JOIN pg_policy o ON o.polrelid = p.relation AND o.polname LIKE 'journey\_privacy\_%'
  WHERE p.relation::text LIKE 'spy\_data.%' GROUP BY 1, 3 ORDER BY p.relation::text COLLATE "C";

-- nothing stays behind
SET client_min_messages = warning;
DROP SCHEMA spy, spy_data, spy_data2 CASCADE;
RESET client_min_messages;
CALL journey_privacy.erase(:'A') \gset
CALL journey_privacy.erase(:'B') \gset
CALL journey_privacy.erase(:'C') \gset
CALL journey_privacy.erase(:'D') \gset
CALL journey_privacy.erase('email:one@spy.example') \gset
CALL journey_privacy.erase('email:two@spy.example') \gset
CALL journey_privacy.erase('email:canary@spy.example') \gset
SELECT count(journey_privacy.drop_purpose(name)) AS dropped FROM journey_privacy.purpose WHERE name LIKE 'spy\_%';
SELECT count(*) AS allowances FROM journey_privacy.allowance WHERE role LIKE 'spy\_%';
DROP OWNED BY spy_analyst, spy_owner, spy_other;
DROP ROLE spy_analyst, spy_owner, spy_other;
SELECT count(*) AS "left" FROM journey_privacy.protection p
  WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.relation);
