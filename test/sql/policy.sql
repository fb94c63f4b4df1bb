-- protect, allow, permits: errors, never empty answers.
\pset null '-'
SELECT journey_privacy.create_purpose('p_analytics', 'consent'),
       journey_privacy.create_purpose('p_billing', 'contract'),
       journey_privacy.create_purpose('p_ads', 'consent');
CREATE ROLE regress_analyst;
CREATE ROLE regress_trainee;
CREATE ROLE regress_owner;
GRANT regress_analyst TO regress_trainee;
GRANT CREATE ON SCHEMA public TO regress_owner;
SET ROLE regress_owner;
CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz,
                    region text DEFAULT 'north', n int);
CREATE INDEX ON visit (at);
RESET ROLE;

-- Bad input: each an error, nothing changed
\set VERBOSITY terse
CREATE VIEW a_view AS SELECT * FROM visit;
CREATE TEMP TABLE a_temp (visitor journey_privacy.pseudonym);
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER dummy FOREIGN DATA WRAPPER dummy;
CREATE FOREIGN TABLE a_foreign (visitor journey_privacy.pseudonym) SERVER dummy;
CREATE TABLE a_partitioned (visitor journey_privacy.pseudonym, at date) PARTITION BY RANGE (at);
CREATE TABLE a_partition PARTITION OF a_partitioned FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE a_parent (visitor journey_privacy.pseudonym);
CREATE TABLE a_child () INHERITS (a_parent);
DO $$
DECLARE
  call text;
BEGIN
  FOREACH call IN ARRAY ARRAY[
    $c$protect('visit', 'nothing')$c$,
    $c$protect('visit', NULL)$c$,
    $c$protect('visit', 'ctid')$c$,
    $c$protect('visit', 'at')$c$,
    $c$protect('visit', 'n')$c$,
    $c$protect('visit', 'at', kind => 'email')$c$,
    $c$protect('visit', 'n', kind => 'no_such_kind')$c$,
    $c$protect('visit', 'visitor', kind => 'email')$c$,
    $c$protect('visit', 'visitor', occurred_at => 'nothing')$c$,
    $c$protect('visit', 'visitor', occurred_at => 'n')$c$,
    $c$protect('visit', 'visitor', collected_for => '{p_nothing}')$c$,
    $c$protect('visit', 'visitor', collected_for => '{}')$c$,
    $c$protect('visit', 'visitor', collected_for => '{NULL}')$c$,
    $c$protect('visit', 'visitor', on_refused => 'ignore')$c$,
    $c$protect('visit', 'visitor', visibility => 'always')$c$,
    $c$protect('visit', 'visitor', visibility => 'collected')$c$,
    $c$protect('visit', 'visitor', visibility => NULL)$c$,
    $c$protect('visit', 'visitor', number_column => 'at')$c$,
    $c$protect('visit', 'n', kind => 'customer_id', number_column => 'n')$c$,
    $c$protect('a_view', 'visitor')$c$,
    $c$protect('a_temp', 'visitor')$c$,
    $c$protect('a_foreign', 'visitor')$c$,
    $c$protect('a_partition', 'visitor')$c$,
    $c$protect('a_child', 'visitor')$c$,
    $c$protect('pg_catalog.pg_class', 'relname')$c$,
    $c$protect('journey_privacy.subject', 'pseudonym')$c$,
    $c$protect(0, 'visitor')$c$,
    $c$unprotect('visit')$c$,
    $c$allow('no_such_role', 'p_ads')$c$,
    $c$allow('public', 'p_ads')$c$,
    $c$allow('regress_analyst', 'p_nothing')$c$,
    $c$disallow('regress_analyst', 'p_nothing')$c$] LOOP
    BEGIN
      EXECUTE 'SELECT journey_privacy.' || call;
      RAISE WARNING '% went through', call;
    EXCEPTION WHEN OTHERS THEN
      RAISE INFO '% % %', SQLSTATE, call, SQLERRM;
    END;
  END LOOP;
END $$;
DROP TABLE a_child, a_parent, a_partitioned;
DROP FOREIGN TABLE a_foreign;
DROP SERVER dummy;
DROP FOREIGN DATA WRAPPER dummy;
\set VERBOSITY default
SELECT count(*) AS changed FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
  WHERE c.relname IN ('visit', 'subject') AND (c.relrowsecurity OR p.oid IS NOT NULL);

-- unprotect restores exactly what was there
CREATE TEMP VIEW everything AS
  SELECT (SELECT ROW(relrowsecurity, relforcerowsecurity, relacl, relhasrules)
          FROM pg_class WHERE oid = 'visit'::regclass)::text AS class,
         (SELECT string_agg(ROW(attname, atttypid::regtype, attnotnull)::text, ' ' ORDER BY attnum) FROM pg_attribute
          WHERE attrelid = 'visit'::regclass AND attnum > 0 AND NOT attisdropped) AS columns,
         (SELECT string_agg(polname, ' ') FROM pg_policy WHERE polrelid = 'visit'::regclass) AS policies,
         (SELECT string_agg(tgname, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'visit'::regclass) AS triggers;
CREATE TEMP TABLE before AS SELECT * FROM everything;
SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '2 years');
SELECT * FROM everything;
SELECT relation, subject_column, number_column, kind, occurred_at, collected_for, retain_for, on_refused
  FROM journey_privacy.protection WHERE relation = 'visit'::regclass;
SELECT journey_privacy.protect('visit', 'visitor');
SELECT journey_privacy.unprotect('visit');
SELECT e.* = b.* AS restored FROM everything e, before b;
-- also when the DBA had row security, a policy and a number column of their own
CREATE POLICY north ON visit USING (region = 'north');
ALTER TABLE visit ENABLE ROW LEVEL SECURITY;
TRUNCATE before;
INSERT INTO before SELECT * FROM everything;
SELECT journey_privacy.protect('visit', 'visitor', number_column => 'n');
SELECT policies FROM everything;
SELECT journey_privacy.unprotect('visit');
SELECT e.* = b.* AS restored FROM everything e, before b;
ALTER TABLE visit DISABLE ROW LEVEL SECURITY;

DROP VIEW everything;

-- Rows that are there get their numbers, without firing the table's triggers
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$;
INSERT INTO visit SELECT i, ('customer_id:v' || i % 10)::journey_privacy.pseudonym,
  '2026-01-01'::timestamptz + i * interval '1 hour',
  CASE WHEN i % 3 = 0 THEN 'south' ELSE 'north' END FROM generate_series(1, 90) i;
INSERT INTO visit VALUES (91, NULL, now(), 'north');
CREATE TRIGGER refuse BEFORE UPDATE ON visit FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER refuse_statement AFTER UPDATE ON visit EXECUTE FUNCTION refuse();
SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at');
DROP TRIGGER refuse ON visit;
DROP TRIGGER refuse_statement ON visit;
SELECT count(*) FILTER (WHERE journey_subject IS NULL) AS nobodys,
       count(*) FILTER (WHERE journey_subject <> s.number) AS wrong
  FROM visit LEFT JOIN journey_privacy.subject s ON s.pseudonym = visitor;

GRANT SELECT, UPDATE, DELETE ON visit TO regress_analyst, regress_owner;
SELECT journey_privacy.allow('regress_analyst', 'p_analytics'),
       journey_privacy.allow('regress_analyst', 'p_analytics');
SELECT journey_privacy.record_consent(('customer_id:v' || i)::journey_privacy.pseudonym, 'p_analytics', i < 5)
  IS NOT NULL AS ok, count(*) FROM generate_series(0, 7) i GROUP BY 1;

-- Errors, never empty answers
SET ROLE regress_analyst;
SELECT count(*) FROM visit;
SET journey_privacy.purpose = 'p_nothing';
SELECT count(*) FROM visit;
SET journey_privacy.purpose = 'p_ads';
SELECT count(*) FROM visit;
SELECT count(*) FROM visit WHERE id = -1;
SET journey_privacy.purpose = 'P_ANALYTICS';
SELECT count(*) FROM visit;
SET journey_privacy.purpose = 'p_analytics';
-- consenting people in the north: the DBA's policy and ours, ANDed
SELECT count(*), count(DISTINCT visitor), min(region), max(region) FROM visit;
SELECT count(*) AS nobodys FROM visit WHERE visitor IS NULL;
UPDATE visit SET n = 1;
DELETE FROM visit WHERE at < '2026-01-02';
SELECT count(*) FROM visit;
-- nobody moves a row out of sight or to a person who is hidden
UPDATE visit SET visitor = (SELECT visitor FROM visit ORDER BY id LIMIT 1) WHERE id = 50;
UPDATE visit SET visitor = NULL WHERE id = 50;
-- a role that inherits may, an allowed purpose can be taken away
SET ROLE regress_trainee;
SELECT count(*) FROM visit;
SET ROLE regress_owner;
SELECT count(*) FROM visit;
SET row_security = off;
SELECT count(*) FROM visit;
RESET row_security;
RESET ROLE;
SELECT count(*) AS all_of_them FROM visit;
SELECT count(*) FILTER (WHERE n = 1) AS updated FROM visit;

-- No old answers: cursors, prepared statements, functions
PREPARE look AS SELECT count(*) FROM visit;
SET plan_cache_mode = force_generic_plan;
SET ROLE regress_analyst;
EXECUTE look;
SET journey_privacy.purpose = 'p_ads';
EXECUTE look;
SET journey_privacy.purpose = 'p_analytics';
EXECUTE look;
RESET ROLE;
SELECT journey_privacy.record_consent('customer_id:v5', 'p_analytics', true, at => clock_timestamp()) IS NOT NULL AS ok;
SET ROLE regress_analyst;
EXECUTE look;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM visit ORDER BY ctid;
FETCH 2 FROM c;
SET LOCAL journey_privacy.purpose = 'p_ads';
FETCH 2 FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM visit;
FETCH 1 FROM c;
RESET ROLE;
SET LOCAL ROLE regress_owner;
FETCH 1 FROM c;
ROLLBACK;
RESET ROLE;
BEGIN;
SET LOCAL ROLE regress_analyst;
DECLARE c CURSOR FOR SELECT id FROM visit;
FETCH 1 FROM c;
RESET ROLE;
SELECT journey_privacy.disallow('regress_analyst', 'p_analytics');
SET LOCAL ROLE regress_analyst;
FETCH 1 FROM c;
ROLLBACK;
DEALLOCATE look;
RESET plan_cache_mode;

-- permits() answers only for rows of a protected table, and an allowed purpose
SET ROLE regress_analyst;
SELECT journey_privacy.permits('visit'::regclass, NULL::int), journey_privacy.permits('visit'::regclass, -1);
SELECT journey_privacy.permits('pg_class'::regclass, 1);
SELECT journey_privacy.permits(NULL, 1);
SET journey_privacy.purpose = '';
SELECT journey_privacy.permits('visit'::regclass, 1);
RESET ROLE;

-- Plain subject columns of a declared kind
CREATE TABLE by_int (who int, at timestamptz DEFAULT now());
CREATE TABLE by_bigint (who bigint);
CREATE TABLE by_uuid (who uuid);
CREATE TABLE by_text (who text);
CREATE TABLE by_varchar (who varchar(40));
INSERT INTO by_int VALUES (1), (2), (2), (NULL);
INSERT INTO by_uuid VALUES ('11111111-1111-4111-8111-111111111111');
SELECT journey_privacy.protect('by_int', 'who', kind => 'customer_id'),
       journey_privacy.protect('by_bigint', 'who', kind => 'customer_id'),
       journey_privacy.protect('by_uuid', 'who', kind => 'device_id'),
       journey_privacy.protect('by_text', 'who', kind => 'email'),
       journey_privacy.protect('by_varchar', 'who', kind => 'email');
INSERT INTO by_int VALUES (3), (2);
INSERT INTO by_bigint VALUES (2), (3);
INSERT INTO by_uuid VALUES ('11111111-1111-4111-8111-111111111111'), ('22222222-2222-4222-8222-222222222222');
INSERT INTO by_text VALUES ('Ann@Example.com'), ('bob@example.com');
INSERT INTO by_varchar VALUES (' ann@example.COM');
INSERT INTO by_text VALUES ('');
GRANT SELECT ON by_int, by_bigint, by_uuid, by_text, by_varchar TO regress_analyst;
SELECT journey_privacy.record_consent(identity::journey_privacy.pseudonym, 'p_analytics', true) IS NOT NULL AS ok
  FROM unnest(ARRAY['customer_id:2', 'email:ann@example.com',
                    'device_id:11111111-1111-4111-8111-111111111111']) identity;
SET ROLE regress_analyst;
SET journey_privacy.purpose = 'p_analytics';
SELECT (SELECT string_agg(who::text, ' ') FROM by_int) AS by_int,
       (SELECT string_agg(who::text, ' ') FROM by_bigint) AS by_bigint,
       (SELECT count(*) FROM by_uuid) AS by_uuid,
       (SELECT string_agg(who, ' ') FROM by_text) AS by_text,
       (SELECT count(*) FROM by_varchar) AS by_varchar;
RESET ROLE;

-- An owner protects what is theirs and nothing else; unprotecting is the DBA's
SET ROLE regress_owner;
CREATE TABLE owned (visitor journey_privacy.pseudonym);
SELECT journey_privacy.protect('owned', 'visitor');
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name)
  TO regress_owner;
SET ROLE regress_owner;
SELECT journey_privacy.protect('owned', 'visitor');
SELECT journey_privacy.protect('by_int', 'who', kind => 'customer_id');
SELECT journey_privacy.unprotect('owned');
SELECT journey_privacy.allow('regress_owner', 'p_analytics');
RESET ROLE;

-- A role that is allowed something cannot be dropped before; one made anew
-- under the same name is allowed nothing
CREATE ROLE regress_short_lived;
GRANT regress_short_lived TO regress_owner;
SELECT journey_privacy.allow('regress_short_lived', 'p_billing');
DROP ROLE regress_short_lived;
DROP OWNED BY regress_short_lived;
DROP ROLE regress_short_lived;
CREATE ROLE regress_short_lived;
GRANT SELECT ON by_text TO regress_short_lived;
SET ROLE regress_short_lived;
SET journey_privacy.purpose = 'p_billing';
SELECT count(*) FROM by_text;
RESET ROLE;
SELECT journey_privacy.allow('regress_short_lived', 'p_billing');
SET ROLE regress_short_lived;
SELECT count(*) FROM by_text;
RESET ROLE;
SELECT journey_privacy.disallow('regress_short_lived', 'p_billing');
DROP OWNED BY regress_short_lived;
DROP ROLE regress_short_lived;

-- A dropped table takes its registration along
SELECT count(*) FROM journey_privacy.protection;
DROP TABLE owned, by_int, by_bigint, by_uuid, by_text, by_varchar;
DROP VIEW a_view;
DROP TABLE visit;
SELECT count(*) FROM journey_privacy.protection;
RESET journey_privacy.purpose;
DROP FUNCTION refuse;
SELECT journey_privacy.disallow('regress_analyst', 'p_analytics');
REVOKE CREATE ON SCHEMA public FROM regress_owner;
REVOKE ALL ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name)
  FROM regress_owner;
DROP ROLE regress_analyst, regress_trainee, regress_owner;
