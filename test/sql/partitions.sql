-- Partitions and children: under the policy of their parent, those that come
-- later too, and no way out or in past it.
\set VERBOSITY terse
\pset null '-'
SELECT journey_privacy.create_purpose('t_analytics', 'consent') \gset
CREATE ROLE regress_parts_analyst;
CREATE ROLE regress_parts_owner;
GRANT CREATE ON SCHEMA public TO regress_parts_owner;
GRANT EXECUTE ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name),
  journey_privacy.unprotect(regclass), journey_privacy.pseudonymize(text, text) TO regress_parts_owner;
SELECT journey_privacy.allow('regress_parts_analyst', 't_analytics') \gset
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_parts_analyst;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_parts_owner GRANT SELECT ON TABLES TO regress_parts_analyst;
SELECT journey_privacy.record_consent('email:yes@parts.example', 't_analytics', true) IS NOT NULL AS ok;

-- what the analyst sees of a table, and what is wrong with any that is protected
CREATE FUNCTION seen(tab regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
  PERFORM set_config('role', 'regress_parts_analyst', true),
          set_config('journey_privacy.purpose', 't_analytics', true);
  EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM %s', tab) INTO answer;
  PERFORM set_config('role', 'none', true);
  RETURN answer;
END $$;
CREATE VIEW wrong AS
SELECT c.oid::regclass AS tab, x.what
FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation, LATERAL (
  SELECT 'row security is not forced' AS what WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
  UNION ALL SELECT 'policies are missing' WHERE (SELECT count(*) FROM pg_policy
    WHERE polrelid = c.oid AND polname LIKE 'journey\_privacy\_%' AND NOT polpermissive) <> 3
    OR NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polpermissive)
  UNION ALL SELECT 'guard_row fires ' || count(*) FROM pg_trigger
    WHERE tgrelid = c.oid AND tgfoid = 'journey_privacy.guard_row'::regproc AND tgenabled = 'A' HAVING count(*) <> 1
  UNION ALL SELECT 'guard_truncate fires ' || count(*) FROM pg_trigger
    WHERE tgrelid = c.oid AND tgfoid = 'journey_privacy.guard_truncate'::regproc AND tgenabled = 'A' HAVING count(*) <> 1
  UNION ALL SELECT 'is a part of another than it was covered with' WHERE p.inherited_from IS NOT NULL
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid AND inhparent = p.inherited_from)) x
UNION ALL
SELECT i.inhrelid::regclass, 'is not covered' FROM pg_inherits i
JOIN journey_privacy.protection p ON p.relation = i.inhparent
WHERE i.inhrelid NOT IN (SELECT relation FROM journey_privacy.protection);
-- what a table was before, to be compared with what it is after
CREATE VIEW structure AS
SELECT c.oid::regclass::text AS tab, c.relrowsecurity, c.relforcerowsecurity,
  (SELECT string_agg(attname || ' ' || atttypid::regtype::text, ', ' ORDER BY attnum)
   FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
  (SELECT string_agg(polname || pg_get_expr(polqual, polrelid), ', ' ORDER BY polname)
   FROM pg_policy WHERE polrelid = c.oid) AS policies,
  (SELECT string_agg(pg_get_triggerdef(oid) || tgenabled::text, ', ' ORDER BY tgname)
   FROM pg_trigger WHERE tgrelid = c.oid) AS triggers
FROM pg_class c WHERE relname ~ '^(part|heir)' AND relkind IN ('r', 'p');

-- Partitioned, in three levels, with rows that are there
SET ROLE regress_parts_owner;
CREATE TABLE part (id int, visitor journey_privacy.pseudonym, at timestamptz DEFAULT now()) PARTITION BY RANGE (id);
CREATE TABLE part_a PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE part_b PARTITION OF part FOR VALUES FROM (100) TO (200) PARTITION BY LIST (id);
CREATE TABLE part_b1 PARTITION OF part_b FOR VALUES IN (101, 102);
ALTER TABLE part_a ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON part_a USING (id < 50);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER mine BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION nothing();
INSERT INTO part VALUES (1, 'email:yes@parts.example'), (2, 'email:no@parts.example'),
  (3, NULL), (101, 'email:yes@parts.example'), (102, 'email:no@parts.example');
RESET ROLE;
CREATE TABLE before AS TABLE structure;
SET ROLE regress_parts_owner;
SELECT journey_privacy.protect('part_a', 'visitor');
SELECT journey_privacy.protect('part', 'visitor', occurred_at => 'at');
RESET ROLE;
SELECT relation, number_column, inherited_from FROM journey_privacy.protection ORDER BY 1;
SELECT * FROM wrong;
SELECT seen('part'), seen('part_a'), seen('part_b'), seen('part_b1');
-- who has no purpose gets an error from each of them
SET ROLE regress_parts_analyst;
SELECT * FROM part;
SELECT * FROM part_b1;
RESET ROLE;
-- later partitions: made, made in two levels, attached with rows and forged numbers
SET ROLE regress_parts_owner;
CREATE TABLE part_c PARTITION OF part FOR VALUES FROM (200) TO (300);
CREATE TABLE part_b2 PARTITION OF part_b FOR VALUES IN (103, 104);
CREATE TABLE part_d (id int, visitor journey_privacy.pseudonym, at timestamptz, journey_subject int);
INSERT INTO part_d VALUES (301, 'email:no@parts.example', now(), 0), (302, 'email:yes@parts.example', now(), 12345);
ALTER TABLE part ATTACH PARTITION part_d FOR VALUES FROM (300) TO (400);
CREATE TABLE part_e (LIKE part) PARTITION BY RANGE (id);
CREATE TABLE part_e1 PARTITION OF part_e DEFAULT;
INSERT INTO part_e VALUES (401, 'email:no@parts.example'), (402, 'email:yes@parts.example');
ALTER TABLE part ATTACH PARTITION part_e FOR VALUES FROM (400) TO (500);
INSERT INTO part VALUES (201, 'email:yes@parts.example'), (202, 'email:no@parts.example');
INSERT INTO part_b2 VALUES (103, 'email:yes@parts.example'), (104, 'email:no@parts.example');
RESET ROLE;
SELECT * FROM wrong;
SELECT seen('part'), seen('part_b2'), seen('part_c'), seen('part_d'), seen('part_e'), seen('part_e1');
-- in the transaction of the command itself
BEGIN;
CREATE TABLE part_f PARTITION OF part FOR VALUES FROM (500) TO (600);
INSERT INTO part_f VALUES (501, 'email:yes@parts.example'), (502, 'email:no@parts.example');
SELECT seen('part_f');
ROLLBACK;
SELECT count(*) AS left_over FROM journey_privacy.protection WHERE relation::text LIKE '%part_f%';
-- a rolled back attachment leaves a table as it was
BEGIN;
CREATE TABLE part_g (LIKE part);
SAVEPOINT s;
ALTER TABLE part ATTACH PARTITION part_g FOR VALUES FROM (600) TO (700);
ROLLBACK TO s;
SELECT count(*) FROM pg_policy WHERE polrelid = 'part_g'::regclass;
ROLLBACK;

-- Detached it stays protected, on its own; attached again it is a part again
ALTER TABLE part DETACH PARTITION part_c;
SELECT relation, inherited_from FROM journey_privacy.protection WHERE relation = 'part_c'::regclass;
INSERT INTO part_c VALUES (203, 'email:yes@parts.example');
SELECT * FROM wrong;
SELECT seen('part'), seen('part_c');
ALTER TABLE part ATTACH PARTITION part_c FOR VALUES FROM (200) TO (300);
ALTER TABLE part DETACH PARTITION part_b CONCURRENTLY;
SELECT relation, inherited_from FROM journey_privacy.protection WHERE relation::text LIKE 'part\_b%' ORDER BY 1;
SELECT * FROM wrong;
SELECT seen('part'), seen('part_b');
ALTER TABLE part ATTACH PARTITION part_b FOR VALUES FROM (100) TO (200);
SELECT * FROM wrong;
DROP TABLE part_d;
SELECT count(*) FROM journey_privacy.protection WHERE relation::text LIKE 'part%';

-- What may not be
SELECT journey_privacy.unprotect('part_b');
SELECT journey_privacy.allow_columns('t_analytics', 'part_b', '{id}');
CREATE TABLE part_x (LIKE part);
SELECT journey_privacy.protect('part_x', 'visitor', number_column => 'journey_subject') \gset
ALTER TABLE part ATTACH PARTITION part_x FOR VALUES FROM (700) TO (800);
DROP TABLE part_x;
CREATE TABLE part_x (LIKE part);
SELECT journey_privacy.protect('part_x', 'visitor', number_column => NULL) \gset
ALTER TABLE part ATTACH PARTITION part_x FOR VALUES FROM (700) TO (800);
DROP TABLE part_x;
CREATE FOREIGN DATA WRAPPER parts_dummy;
CREATE SERVER parts_dummy FOREIGN DATA WRAPPER parts_dummy;
CREATE FOREIGN TABLE part_x PARTITION OF part FOR VALUES FROM (700) TO (800) SERVER parts_dummy;
DROP FOREIGN DATA WRAPPER parts_dummy CASCADE;
CREATE TABLE part_whole (LIKE part) PARTITION BY RANGE (id);
CREATE TABLE alone (LIKE part);
SELECT journey_privacy.protect('alone', 'visitor') \gset
ALTER TABLE part_whole ATTACH PARTITION alone FOR VALUES FROM (700) TO (800);
ALTER TABLE part_whole ATTACH PARTITION part FOR VALUES FROM (700) TO (800);
DROP TABLE part_whole, alone;
-- an attached table may not bring back an erased person
CALL journey_privacy.erase('email:gone@parts.example') \gset
CREATE TABLE part_x (LIKE part);
INSERT INTO part_x VALUES (701, 'email:gone@parts.example');
ALTER TABLE part ATTACH PARTITION part_x FOR VALUES FROM (700) TO (800);
DROP TABLE part_x;

-- Erasing and moving keys reach each partition once
INSERT INTO part VALUES (11, 'email:more@parts.example'), (103, 'email:more@parts.example'), (411, 'email:more@parts.example');
CALL journey_privacy.erase('email:more@parts.example', receipt => NULL) \gset
SELECT t->>'table' AS "table", t->>'rows' AS deleted FROM jsonb_array_elements(:'receipt'::jsonb->'tables') t
  WHERE t->>'action' = 'delete' AND t->>'table' NOT LIKE 'journey\_privacy.%' ORDER BY 1;
SELECT count(*) FROM part WHERE visitor = 'email:more@parts.example';

-- Undone, everything is what it was
CREATE TABLE part_c_before AS TABLE part_c;
SET ROLE regress_parts_owner;
SELECT journey_privacy.unprotect('part');
RESET ROLE;
SELECT count(*) FROM journey_privacy.protection WHERE relation::text LIKE 'part%';
SELECT * FROM structure s JOIN before b USING (tab) WHERE s IS DISTINCT FROM b;
SELECT tab FROM structure WHERE tab LIKE 'part%' AND (policies ~ 'journey_privacy' OR triggers ~ 'journey_privacy');
DROP TABLE part, part_c_before, before;

-- Inheritance: children have no trigger of their parent
CREATE TABLE heir (id int, visitor journey_privacy.pseudonym);
CREATE TABLE heir_a (extra text) INHERITS (heir);
INSERT INTO heir VALUES (1, 'email:yes@parts.example'), (2, 'email:no@parts.example');
INSERT INTO heir_a VALUES (3, 'email:yes@parts.example'), (4, 'email:no@parts.example');
CREATE TABLE before AS TABLE structure;
SELECT journey_privacy.protect('heir', 'visitor');
CREATE TABLE heir_b () INHERITS (heir_a);
CREATE TABLE heir_c (LIKE heir);
INSERT INTO heir_c VALUES (5, 'email:yes@parts.example', 999), (6, 'email:no@parts.example', 0);
ALTER TABLE heir_c INHERIT heir;
INSERT INTO heir_b VALUES (7, 'email:yes@parts.example'), (8, 'email:no@parts.example');
SELECT * FROM wrong;
SELECT seen('heir'), seen('heir_a'), seen('heir_b'), seen('heir_c');
SELECT i.inhrelid::regclass FROM pg_inherits i JOIN journey_privacy.protection ON relation = inhparent
WHERE inhparent = 'heir'::regclass ORDER BY 1;
ALTER TABLE heir_c NO INHERIT heir;
SELECT seen('heir'), seen('heir_c');
SELECT * FROM wrong;
SELECT journey_privacy.unprotect('heir_c'), journey_privacy.unprotect('heir');
DROP TABLE heir_b, heir_c;
SELECT * FROM structure s JOIN before b USING (tab) WHERE s IS DISTINCT FROM b;
DROP TABLE heir, heir_a, before;

-- A row that an update moves to another partition is no new data: it is not lost where rows without a basis are left out
CREATE TABLE moves (kind text, visitor journey_privacy.pseudonym, n int, props jsonb) PARTITION BY LIST (kind);
CREATE TABLE moves_a PARTITION OF moves FOR VALUES IN ('a');
CREATE TABLE moves_b (journey_subject int, n int, dropped int, props jsonb, visitor journey_privacy.pseudonym, kind text);
ALTER TABLE moves_b DROP COLUMN dropped;
SELECT journey_privacy.protect('moves', 'visitor', collected_for => '{t_analytics}', on_refused => 'skip') \gset
ALTER TABLE moves ATTACH PARTITION moves_b FOR VALUES IN ('b');
SELECT journey_privacy.record_consent('email:moves@parts.example', 't_analytics', true) IS NOT NULL AS agreed;
INSERT INTO moves SELECT 'a', 'email:moves@parts.example', i, jsonb_build_object('long', repeat('x', 3000)) FROM generate_series(1, 3) i;
SELECT journey_privacy.withdraw('email:moves@parts.example', 't_analytics') IS NOT NULL AS withdrawn;
INSERT INTO moves VALUES ('a', 'email:moves@parts.example', 4);
UPDATE moves SET kind = 'b' WHERE n < 3;
UPDATE moves SET kind = 'b', n = 30, props = NULL WHERE n = 3;
SELECT tableoid::regclass, n, props IS NULL AS no_props, journey_subject IS NOT NULL AS numbered FROM moves ORDER BY n;
-- a row that is written beside one that moves, and not it, is new data
WITH moved AS (UPDATE moves SET kind = 'a' WHERE n = 1 RETURNING visitor)
INSERT INTO moves SELECT 'a', visitor, 99 FROM moved;
SELECT tableoid::regclass, n FROM moves ORDER BY n;
DROP TABLE moves;

-- A random tree against the oracle: whatever is made, attached, detached,
-- what is seen of each member is what consent says
SELECT coalesce(nullif(current_setting('jp.seed', true), ''), (random() * 1000000)::int::text) AS seed \gset
CREATE TABLE seed AS SELECT :'seed'::int AS seed;
CREATE TABLE part (id int, visitor journey_privacy.pseudonym) PARTITION BY RANGE (id);
SELECT journey_privacy.protect('part', 'visitor') \gset
DO $$
DECLARE
  n int; k int; bad text; tab regclass; attached boolean[] := array_fill(false, ARRAY[6]); made boolean[] := attached;
BEGIN
  PERFORM setseed((SELECT seed FROM seed) / 1000000.0);
  FOR n IN 1..150 LOOP
    k := 1 + floor(random() * 6);
    IF NOT made[k] THEN
      IF random() < 0.5 THEN
        EXECUTE format('CREATE TABLE part_%s PARTITION OF part FOR VALUES FROM (%s) TO (%s)', k, k * 100, k * 100 + 100);
      ELSE
        EXECUTE format('CREATE TABLE part_%s (LIKE part)', k);
        EXECUTE format('INSERT INTO part_%s VALUES (%s, ''email:no@parts.example'', 0), (%s, ''email:yes@parts.example'', 1)', k, k * 100, k * 100);
        EXECUTE format('ALTER TABLE part ATTACH PARTITION part_%s FOR VALUES FROM (%s) TO (%s)', k, k * 100, k * 100 + 100);
      END IF;
      made[k] := true; attached[k] := true;
    ELSIF random() < 0.2 THEN
      EXECUTE format('DROP TABLE part_%s', k);
      made[k] := false; attached[k] := false;
    ELSIF attached[k] THEN
      EXECUTE format('ALTER TABLE part DETACH PARTITION part_%s', k);
      attached[k] := false;
    ELSE
      EXECUTE format('ALTER TABLE part ATTACH PARTITION part_%s FOR VALUES FROM (%s) TO (%s)', k, k * 100, k * 100 + 100);
      attached[k] := true;
    END IF;
    IF made[k] THEN
      EXECUTE format('INSERT INTO part_%s VALUES (%s, %L)', k, k * 100 + n % 100,
        CASE WHEN random() < 0.5 THEN 'email:yes@parts.example' ELSE 'email:no@parts.example' END);
    END IF;
    SELECT string_agg(w.tab || ' ' || w.what, ', ') INTO bad FROM wrong w;
    IF bad IS NOT NULL THEN RAISE EXCEPTION 'seed %: %', (SELECT seed FROM seed), bad; END IF;
    FOR tab IN SELECT relation FROM journey_privacy.protection WHERE relation::text ~ '^part' LOOP
      EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM %s WHERE visitor = ''email:yes@parts.example''', tab) INTO bad;
      IF bad IS DISTINCT FROM seen(tab) THEN
        RAISE EXCEPTION 'seed %: of % is seen % instead of %', (SELECT seed FROM seed), tab, seen(tab), bad;
      END IF;
    END LOOP;
  END LOOP;
END $$;
DO $$ BEGIN
  EXECUTE (SELECT 'DROP TABLE ' || string_agg(relation::text, ', ') FROM journey_privacy.protection WHERE relation::text ~ '^part');
END $$;
DROP TABLE seed;
DROP VIEW wrong, structure;
DROP FUNCTION seen, nothing;
SELECT journey_privacy.disallow('regress_parts_analyst', 't_analytics') \gset
ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM regress_parts_analyst;
DROP OWNED BY regress_parts_owner;
DROP OWNED BY regress_parts_analyst;
DROP ROLE regress_parts_owner, regress_parts_analyst;
