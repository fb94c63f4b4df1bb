-- The hook: no silent empty answer, whatever the shape of the statement.
\set VERBOSITY terse
\pset null '-'
SELECT journey_privacy.create_purpose('h_analytics', 'consent');
CREATE ROLE regress_guard_analyst;
GRANT CREATE ON SCHEMA public TO regress_guard_analyst;
CREATE TABLE hooked (id int PRIMARY KEY, visitor journey_privacy.pseudonym);
CREATE TABLE plain (id int);
SELECT journey_privacy.protect('hooked', 'visitor');
GRANT SELECT, INSERT, UPDATE, DELETE ON hooked, plain TO regress_guard_analyst;
SET ROLE regress_guard_analyst;
-- the table is empty: row security alone would answer nothing, or null
SELECT * FROM hooked;
SELECT count(*) FROM hooked WHERE id = 1;
SELECT * FROM hooked WHERE false;
SELECT * FROM plain WHERE EXISTS (SELECT FROM hooked);
SELECT (SELECT max(id) FROM hooked);
WITH h AS MATERIALIZED (SELECT * FROM hooked) SELECT * FROM plain LEFT JOIN h USING (id);
SELECT * FROM plain UNION ALL SELECT id FROM hooked;
UPDATE hooked SET id = 2;
DELETE FROM hooked;
DELETE FROM plain USING hooked WHERE plain.id = hooked.id;
INSERT INTO plain SELECT id FROM hooked;
INSERT INTO hooked VALUES (1) RETURNING id;
MERGE INTO hooked USING plain ON false WHEN NOT MATCHED THEN DO NOTHING;
COPY hooked TO stdout;
EXPLAIN (COSTS OFF) SELECT * FROM hooked;
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM hooked;
CREATE TABLE copied AS SELECT * FROM hooked;
CREATE VIEW viewed AS SELECT * FROM hooked;
SELECT * FROM viewed;
CREATE FUNCTION looked() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM hooked';
SELECT looked();
PREPARE looking AS SELECT count(*) FROM hooked WHERE id = $1;
EXECUTE looking(1);
-- writing alone needs no purpose; what is not protected needs none either
INSERT INTO hooked VALUES (1);
SELECT count(*) FROM plain;
SET journey_privacy.purpose = 'h_analytics';
SELECT * FROM hooked;
RESET ROLE;
SELECT journey_privacy.allow('regress_guard_analyst', 'h_analytics');
SET ROLE regress_guard_analyst;
SELECT count(*) FROM hooked;
SELECT * FROM viewed;
SELECT looked();
EXECUTE looking(1);
-- EXPLAIN shows the shape of a plan, no number that tells of hidden rows
EXPLAIN (COSTS OFF) SELECT * FROM hooked;
EXPLAIN SELECT * FROM hooked;
EXPLAIN (COSTS OFF, ANALYZE) SELECT * FROM hooked;
EXPLAIN (COSTS OFF, ANALYZE OFF) SELECT * FROM viewed;
EXPLAIN EXECUTE looking(1);
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) CREATE TABLE copied AS SELECT * FROM hooked;
EXPLAIN DECLARE c CURSOR FOR SELECT * FROM hooked;
DO $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN SELECT * FROM hooked' LOOP RAISE WARNING '%', line; END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE INFO '%', SQLERRM;
END $$;
SELECT count(*) FROM hooked;
EXPLAIN (COSTS OFF) SELECT * FROM plain;
RESET ROLE;
-- those whom row security does not bind need no purpose
RESET journey_privacy.purpose;
SELECT count(*) FROM hooked;
-- foreign keys to and from a protected table are checked without one
CREATE TABLE referring (id int REFERENCES hooked);
GRANT INSERT ON referring TO regress_guard_analyst;
SET ROLE regress_guard_analyst;
INSERT INTO referring VALUES (1);
RESET ROLE;
DROP VIEW viewed;
DROP FUNCTION looked;
DROP TABLE referring, hooked, plain;
DEALLOCATE looking;
REVOKE CREATE ON SCHEMA public FROM regress_guard_analyst;
SELECT journey_privacy.disallow('regress_guard_analyst', 'h_analytics');
DROP ROLE regress_guard_analyst;
