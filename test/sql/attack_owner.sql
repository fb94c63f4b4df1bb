-- What owners of tables, and roles with next to no rights, have tried.  Each
-- attempt says what must happen, and looks for the harm itself.
\set VERBOSITY terse
\pset null '-'
SELECT current_database() AS db, session_user AS dba \gset
\set A p1_00000000000000000000000a
\set B p1_00000000000000000000000b
\set C p1_00000000000000000000000c
\set D p1_00000000000000000000000d
\set E p1_00000000000000000000000e
\set F p1_00000000000000000000000f
\set G p1_00000000000000000000000g
\set H p1_00000000000000000000000h
\set J p1_00000000000000000000000j
\set K p1_00000000000000000000000k
\set M p1_00000000000000000000000m
\set N p1_00000000000000000000000n
\set P p1_00000000000000000000000p
\set Q p1_00000000000000000000000q
CREATE ROLE attack_mallory LOGIN;
CREATE ROLE attack_owner;
CREATE ROLE attack_owner2;
CREATE ROLE attack_app;
CREATE ROLE attack_analyst;
CREATE SCHEMA attack;
GRANT USAGE, CREATE ON SCHEMA attack TO attack_mallory, attack_owner, attack_owner2, attack_app, attack_analyst;
SELECT journey_privacy.create_purpose('a_consent', 'consent') \gset
SELECT journey_privacy.allow('attack_analyst', 'a_consent') \gset
GRANT EXECUTE ON FUNCTION journey_privacy.pseudonymize(text, text),
  journey_privacy.record_consent(journey_privacy.pseudonym, text, boolean, timestamptz, text, text, jsonb, text),
  journey_privacy.withdraw(journey_privacy.pseudonym, text, timestamptz, text) TO attack_app;
GRANT EXECUTE ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) TO attack_app;
CREATE TABLE attack.visit (visitor journey_privacy.pseudonym, event text);
SELECT journey_privacy.protect('attack.visit', 'visitor') \gset
GRANT SELECT ON attack.visit TO attack_analyst;
GRANT INSERT ON attack.visit TO attack_app;

-- the weapon: says as whom it ran, and takes what there is to take
CREATE TABLE attack.ran (who name);
GRANT INSERT ON attack.ran TO PUBLIC;
CREATE FUNCTION attack.evil() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO attack.ran VALUES (current_user);
  IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    ALTER ROLE attack_mallory SUPERUSER;
  END IF;
  RETURN true;
END $$;
CREATE FUNCTION attack.evil_immutable(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
  $$ BEGIN RETURN attack.evil(); END $$;
CREATE FUNCTION attack.evil_trigger() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM attack.evil(); RETURN NULL; END $$;
-- what it got, and a clean slate
CREATE FUNCTION attack.harm(OUT superuser boolean, OUT ran_as text) LANGUAGE plpgsql AS $$
BEGIN
  SELECT rolsuper INTO superuser FROM pg_roles WHERE rolname = 'attack_mallory';
  SELECT string_agg(DISTINCT who::text, ' ') INTO ran_as FROM attack.ran;
  DELETE FROM attack.ran;
  IF superuser THEN ALTER ROLE attack_mallory NOSUPERUSER; END IF;
END $$;
REVOKE ALL ON FUNCTION attack.harm() FROM PUBLIC;

-- 1. who was granted nothing cannot protect() even an own table
SET ROLE attack_mallory;
CREATE TABLE attack.checked (v journey_privacy.pseudonym, CHECK (attack.evil()));
INSERT INTO attack.checked VALUES (:'A');
SELECT journey_privacy.protect('attack.checked', 'v');
RESET ROLE;
SELECT * FROM attack.harm();
SELECT count(*) AS protected FROM journey_privacy.protection WHERE relation = 'attack.checked'::regclass;

-- 2. an owner who may protect(): the owner's CHECK does not run as superuser
GRANT EXECUTE ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name)
  TO attack_mallory, attack_owner, attack_app, attack_analyst;
SET ROLE attack_mallory;
SELECT journey_privacy.protect('attack.checked', 'v') \gset
RESET ROLE;
SELECT * FROM attack.harm();
SELECT journey_subject IS NOT NULL AS numbered FROM attack.checked;

-- 3. nor does an ALWAYS rule on UPDATE: such a table is not protected
SET ROLE attack_mallory;
CREATE TABLE attack.ruled (v journey_privacy.pseudonym);
INSERT INTO attack.ruled VALUES (:'A');
CREATE RULE x AS ON UPDATE TO attack.ruled DO ALSO SELECT attack.evil();
ALTER TABLE attack.ruled ENABLE ALWAYS RULE x;
SELECT journey_privacy.protect('attack.ruled', 'v');
RESET ROLE;
SELECT * FROM attack.harm();

-- 4. nor an ALWAYS trigger on UPDATE
SET ROLE attack_mallory;
CREATE TABLE attack.triggered (v journey_privacy.pseudonym);
INSERT INTO attack.triggered VALUES (:'A');
CREATE TRIGGER x AFTER UPDATE ON attack.triggered FOR EACH ROW EXECUTE FUNCTION attack.evil_trigger();
ALTER TABLE attack.triggered ENABLE ALWAYS TRIGGER x;
SELECT journey_privacy.protect('attack.triggered', 'v');
RESET ROLE;
SELECT * FROM attack.harm();

-- 5. nor an index predicate that the planner works out
SET ROLE attack_mallory;
CREATE TABLE attack.indexed (v journey_privacy.pseudonym);
CREATE INDEX ON attack.indexed (v) WHERE attack.evil_immutable(1);
SELECT journey_privacy.protect('attack.indexed', 'v') \gset
RESET ROLE;
SELECT * FROM attack.harm();

-- 6. nor does any of them when a DBA protects the owner's table
SET ROLE attack_mallory;
CREATE TABLE attack.given (v journey_privacy.pseudonym, CHECK (attack.evil()));
INSERT INTO attack.given VALUES (:'A');
CREATE INDEX ON attack.given (v) WHERE attack.evil_immutable(1);
RESET ROLE;
DELETE FROM attack.ran;
SELECT journey_privacy.protect('attack.given', 'v') \gset
SELECT * FROM attack.harm();

-- 7. erasing and looking what to erase plan and read as the owner, too
CALL journey_privacy.erase(:'B') \gset
SELECT count(*) AS found FROM journey_privacy.preview_erasure(:'B');
SELECT * FROM attack.harm();
DROP TABLE attack.checked, attack.ruled, attack.triggered, attack.indexed, attack.given;

-- 8. a search_path that a DELETE trigger leaves behind leads no later statement
-- of erase() to the owner's functions
CREATE SCHEMA attack_trap AUTHORIZATION attack_owner;
GRANT USAGE ON SCHEMA attack_trap TO PUBLIC;
SET ROLE attack_owner;
CREATE FUNCTION attack_trap.quote_ident(name) RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN PERFORM attack.evil(); RETURN pg_catalog.quote_ident($1::pg_catalog.text); END $$;
CREATE FUNCTION attack_trap.now() RETURNS timestamptz LANGUAGE plpgsql AS
  $$ BEGIN PERFORM attack.evil(); RETURN pg_catalog.now(); END $$;
CREATE FUNCTION attack_trap.set_path() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_catalog.set_config('search_path', 'attack_trap, pg_catalog', false); RETURN OLD; END $$;
CREATE TABLE attack_trap.path (v journey_privacy.pseudonym);
CREATE TRIGGER d BEFORE DELETE ON attack_trap.path FOR EACH ROW EXECUTE FUNCTION attack_trap.set_path();
SELECT journey_privacy.protect('attack_trap.path', 'v') \gset
INSERT INTO attack_trap.path VALUES (:'A');
SET ROLE attack_app;
CALL journey_privacy.erase(:'A') \gset
RESET ROLE;
SELECT * FROM attack.harm();
SHOW search_path;
SELECT count(*) AS "left" FROM attack_trap.path;

-- 9. a DELETE trigger cannot slip out of the owner's skin when a DBA erases
SET ROLE attack_owner;
CREATE TABLE attack.skin (v journey_privacy.pseudonym);
CREATE FUNCTION attack_trap.shed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  BEGIN RESET ROLE; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', SQLERRM; END;
  BEGIN RESET SESSION AUTHORIZATION; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', SQLERRM; END;
  BEGIN PERFORM set_config('role', 'none', false); EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', SQLERRM; END;
  PERFORM attack.evil();
  RETURN OLD;
END $$;
CREATE TRIGGER d BEFORE DELETE ON attack.skin FOR EACH ROW EXECUTE FUNCTION attack_trap.shed();
SELECT journey_privacy.protect('attack.skin', 'v') \gset
RESET ROLE;
-- erased above; a new yes lets B in again
SELECT journey_privacy.record_consent(:'B', 'a_consent', true) IS NOT NULL AS ok;
INSERT INTO attack.skin VALUES (:'B');
CALL journey_privacy.erase(:'B') \gset
SELECT * FROM attack.harm();
SELECT current_user = session_user AS same_user, count(*) AS "left" FROM attack.skin;
DROP TABLE attack_trap.path, attack.skin;

-- 10. a deferred trigger of whoever calls erase() runs as the caller, not as
-- the extension's owner when erase() settles constraints
SET ROLE attack_app;
CREATE TABLE attack.par (id int PRIMARY KEY, v journey_privacy.pseudonym);
CREATE TABLE attack.chi (id int REFERENCES attack.par DEFERRABLE);
SELECT journey_privacy.protect('attack.par', 'v') \gset
INSERT INTO attack.par VALUES (1, :'C');
CREATE TABLE attack.trap (x int);
CREATE CONSTRAINT TRIGGER c AFTER INSERT ON attack.trap DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION attack.evil_trigger();
BEGIN;
INSERT INTO attack.trap VALUES (1);
CALL journey_privacy.erase(:'C') \gset
COMMIT;
RESET ROLE;
SELECT * FROM attack.harm();
SELECT count(*) AS "left" FROM attack.par;

-- 11. nor as the DBA who wrapped erase() in a SECURITY DEFINER function
CREATE FUNCTION attack.forget(journey_privacy.pseudonym) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
  $$ DECLARE r jsonb; BEGIN CALL journey_privacy.erase($1, receipt => r); END $$;
GRANT EXECUTE ON FUNCTION attack.forget(journey_privacy.pseudonym) TO PUBLIC;
GRANT INSERT ON attack.trap TO attack_mallory;
SET ROLE attack_mallory;
BEGIN;
INSERT INTO attack.trap VALUES (2);
SELECT attack.forget(:'C');
COMMIT;
RESET ROLE;
SELECT * FROM attack.harm();
-- the same as somebody who logged in
\c - attack_mallory
\set VERBOSITY terse
BEGIN;
INSERT INTO attack.trap VALUES (3);
SELECT attack.forget(:'C');
COMMIT;
\c - :dba
SELECT * FROM attack.harm();
DROP TABLE attack.trap, attack.chi, attack.par;

-- 12. an implicit cast in a foreign key's join runs as the owner
SET ROLE attack_owner;
CREATE TABLE attack.p (id bigint PRIMARY KEY, v journey_privacy.pseudonym);
CREATE TYPE attack.mytype AS ENUM ('one');
CREATE FUNCTION attack_trap.to8(attack.mytype) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
  $$ BEGIN PERFORM attack.evil(); RETURN 1; END $$;
CREATE CAST (attack.mytype AS bigint) WITH FUNCTION attack_trap.to8(attack.mytype) AS IMPLICIT;
CREATE TABLE attack.c (p attack.mytype REFERENCES attack.p);
SELECT journey_privacy.protect('attack.p', 'v') \gset
INSERT INTO attack.p VALUES (1, :'D');
INSERT INTO attack.c VALUES ('one');
RESET ROLE;
SELECT ran_as = 'attack_owner' AS fired_before FROM attack.harm();
SET ROLE attack_app;
CALL journey_privacy.erase(:'D') \gset
RESET ROLE;
SELECT * FROM attack.harm();
SELECT (SELECT count(*) FROM attack.p) AS parents, (SELECT count(*) FROM attack.c) AS children;
DROP TABLE attack.c, attack.p;
DROP TYPE attack.mytype CASCADE;

-- 13. an index predicate is worked out as the owner when an app erases
SET ROLE attack_owner;
CREATE TABLE attack.i (v journey_privacy.pseudonym);
CREATE INDEX ON attack.i (v) WHERE attack.evil_immutable(1);
SELECT journey_privacy.protect('attack.i', 'v') \gset
RESET ROLE;
SELECT ran_as = 'attack_owner' AS fired_before FROM attack.harm();
SET ROLE attack_app;
CALL journey_privacy.erase(:'D') \gset
RESET ROLE;
SELECT * FROM attack.harm();
DROP TABLE attack.i;

-- 14. columns that change under the guard: refused; and where nobody looked
-- after them: an error, and the server lives
SET ROLE attack_owner;
CREATE TABLE attack.t (v journey_privacy.pseudonym);
SELECT journey_privacy.protect('attack.t', 'v') \gset
ALTER TABLE attack.t ALTER v TYPE int USING 5;
ALTER TABLE attack.t RENAME journey_subject TO x;
RESET ROLE;
ALTER TABLE attack.t ALTER v TYPE int USING 5;
ALTER EVENT TRIGGER journey_privacy_cover_partitions DISABLE;
ALTER TABLE attack.t ALTER v TYPE int USING 5;
SET ROLE attack_owner;
INSERT INTO attack.t VALUES (5);
CREATE TABLE attack.k (v text);
RESET ROLE;
SELECT pg_backend_pid() AS pid \gset
SELECT journey_privacy.protect('attack.k', 'v', kind => 'email') \gset
ALTER TABLE attack.k ALTER v TYPE float8 USING 5;
INSERT INTO attack.k VALUES (5);
SET ROLE attack_owner;
CREATE TABLE attack.n (v journey_privacy.pseudonym);
SELECT journey_privacy.protect('attack.n', 'v') \gset
RESET ROLE;
ALTER TABLE attack.n RENAME journey_subject TO x;
ALTER TABLE attack.n ADD COLUMN journey_subject text;
SET ROLE attack_owner;
INSERT INTO attack.n VALUES (:'D');
RESET ROLE;
ALTER EVENT TRIGGER journey_privacy_cover_partitions ENABLE;
SELECT (SELECT count(*) FROM attack.t) + (SELECT count(*) FROM attack.k) + (SELECT count(*) FROM attack.n) AS rows,
       pg_backend_pid() = :pid AS alive;
DROP TABLE attack.t, attack.k, attack.n;

-- 15. a database without the extension, with a schema of that name: neither a
-- crash nor an effect on anybody's tables
CREATE DATABASE attack_other OWNER attack_mallory;
\c attack_other
SET ROLE attack_mallory;
CREATE SCHEMA journey_privacy;
CREATE TABLE journey_privacy.protection (relation oid, subject_column int);
INSERT INTO journey_privacy.protection VALUES (1, 5);
CREATE TABLE s (x int);
INSERT INTO s VALUES (1);
INSERT INTO journey_privacy.protection VALUES ('s'::regclass, 5);
ALTER TABLE s ENABLE ROW LEVEL SECURITY;
ALTER TABLE s FORCE ROW LEVEL SECURITY;
CREATE POLICY a ON s USING (true);
SELECT * FROM s;
RESET ROLE;
SELECT * FROM s;
\c :db
DROP DATABASE attack_other;

-- 16. who was erased is forgotten also where another row refers to the row,
-- and that row's subject has withdrawn since
CREATE TABLE attack.v (id int PRIMARY KEY, who journey_privacy.pseudonym, referrer int REFERENCES attack.v ON DELETE SET NULL);
CREATE TABLE attack.w (id int PRIMARY KEY, who journey_privacy.pseudonym, referrer int REFERENCES attack.w ON DELETE SET NULL);
SELECT journey_privacy.protect('attack.v', 'who', collected_for => '{a_consent}') \gset
SELECT journey_privacy.protect('attack.w', 'who', collected_for => '{a_consent}', on_refused => 'skip') \gset
SELECT count(journey_privacy.record_consent(('email:' || n || '@attack.example')::journey_privacy.pseudonym, 'a_consent', true))
  FROM unnest(ARRAY['ann', 'bob']) n;
INSERT INTO attack.v VALUES (1, 'email:ann@attack.example', NULL), (2, 'email:bob@attack.example', 1);
INSERT INTO attack.w VALUES (1, 'email:ann@attack.example', NULL), (2, 'email:bob@attack.example', 1);
SELECT journey_privacy.withdraw('email:bob@attack.example', 'a_consent') IS NOT NULL AS ok;
CALL journey_privacy.erase('email:ann@attack.example') \gset
SELECT t ->> 'table' AS "table", t ->> 'action' AS action, t ->> 'rows' AS rows
  FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t;
SELECT id, referrer FROM attack.v UNION ALL SELECT id, referrer FROM attack.w;
-- but no update makes Bob's row another's, or another's his
UPDATE attack.v SET who = 'email:ann@attack.example';
INSERT INTO attack.v VALUES (3, NULL);
UPDATE attack.v SET who = 'email:bob@attack.example' WHERE id = 3;
SELECT id, who = 'email:bob@attack.example' AS bob FROM attack.v ORDER BY id;
DROP TABLE attack.v, attack.w;

-- 17. who may not turn identities into pseudonyms does not get it from protect()
INSERT INTO attack.visit VALUES ('email:cat@attack.example', 'cat');
SET ROLE attack_analyst;
SELECT 'email:cat@attack.example'::journey_privacy.pseudonym;
CREATE TABLE attack.probe (e text);
SELECT journey_privacy.protect('attack.probe', 'e', kind => 'email');
RESET ROLE;
SELECT count(*) AS number_columns FROM pg_attribute WHERE attrelid = 'attack.probe'::regclass AND attname = 'journey_subject';
DROP TABLE attack.probe;

-- 18. a role without any grant does not learn who consents
REVOKE EXECUTE ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name) FROM attack_mallory;
SET ROLE attack_mallory;
CREATE TABLE attack.probe (e journey_privacy.pseudonym);
SELECT journey_privacy.protect('attack.probe', 'e', collected_for => '{a_consent}', on_refused => 'skip');
CREATE TRIGGER probe BEFORE INSERT ON attack.probe FOR EACH ROW EXECUTE FUNCTION journey_privacy.guard_row();
RESET ROLE;
SELECT count(*) AS protected FROM journey_privacy.protection WHERE relation = 'attack.probe'::regclass;
DROP TABLE attack.probe;

-- 19. a generated subject column would blind guard and erasure: refused
CREATE TABLE attack.g (raw text, email text GENERATED ALWAYS AS (lower(raw)) STORED,
                       n int GENERATED ALWAYS AS (1) STORED, who journey_privacy.pseudonym);
SELECT journey_privacy.protect('attack.g', 'email', kind => 'email');
SELECT journey_privacy.protect('attack.g', 'who', number_column => 'n');
SELECT count(*) AS protected FROM journey_privacy.protection WHERE relation = 'attack.g'::regclass;
DROP TABLE attack.g;

-- 20. a table that holds rows of an erased subject is not protected before
-- they are gone: they would be out of reach of the next erasure
CALL journey_privacy.erase('email:dan@attack.example') \gset
CREATE TABLE attack.k (email text);
INSERT INTO attack.k VALUES ('dan@attack.example');
SELECT journey_privacy.protect('attack.k', 'email', kind => 'email');
SELECT journey_privacy.protect('attack.k', 'email', kind => 'email', on_refused => 'skip');
SELECT count(*) AS protected FROM journey_privacy.protection WHERE relation = 'attack.k'::regclass;
DELETE FROM attack.k WHERE journey_privacy.is_erased(journey_privacy.pseudonymize('email', email));
SELECT journey_privacy.protect('attack.k', 'email', kind => 'email') \gset
SELECT journey_privacy.record_consent('email:dan@attack.example', 'a_consent', true) IS NOT NULL AS ok;
INSERT INTO attack.k VALUES ('dan@attack.example');
CALL journey_privacy.erase('email:dan@attack.example') \gset
SELECT count(*) AS "left" FROM attack.k;

-- 21. protect() and erase() do not work from an old snapshot
CREATE TABLE attack.r (email text);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT journey_privacy.protect('attack.r', 'email', kind => 'email');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
CALL journey_privacy.erase('email:dan@attack.example');
ROLLBACK;
DROP TABLE attack.k, attack.r;

-- 22. a number column that was there: rows of nobody do not keep another's number
SELECT journey_privacy.record_consent('email:eve@attack.example', 'a_consent', true) IS NOT NULL AS ok;
SELECT number AS eve FROM journey_privacy.subject WHERE pseudonym = 'email:eve@attack.example' \gset
SET ROLE attack_owner;
CREATE TABLE attack.s (who journey_privacy.pseudonym, journey_subject int, what text);
INSERT INTO attack.s VALUES (NULL, :eve, 'of nobody'), (:'E', :eve, 'of another');
SELECT journey_privacy.protect('attack.s', 'who') \gset
GRANT SELECT ON attack.s TO attack_analyst;
SET ROLE attack_analyst;
SET journey_privacy.purpose = 'a_consent';
SELECT what FROM attack.s;
RESET ROLE;
SELECT what, journey_subject = :eve AS eves FROM attack.s ORDER BY what;
CREATE TABLE attack.sk (who text, journey_subject int);
INSERT INTO attack.sk VALUES (NULL, :eve);
SELECT journey_privacy.protect('attack.sk', 'who', kind => 'email') \gset
CALL journey_privacy.erase('email:eve@attack.example') \gset
SELECT (SELECT count(*) FROM attack.sk) AS nobodys_left, (SELECT count(*) FROM attack.s) AS others_left;
DROP TABLE attack.s, attack.sk;

-- what the analyst sees
CREATE FUNCTION attack.seen(purpose text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE events text;
BEGIN
  PERFORM set_config('journey_privacy.purpose', purpose, true);
  SET LOCAL ROLE attack_analyst;
  SELECT string_agg(event, ' ' ORDER BY event) INTO events FROM attack.visit;
  RESET ROLE;
  RETURN events;
END $$;
RESET journey_privacy.purpose;

-- 23. a yes by a clock that is ahead does not beat the withdrawal after it
INSERT INTO attack.visit VALUES ('email:fay@attack.example', 'fay');
SELECT journey_privacy.record_consent('email:fay@attack.example', 'a_consent', true, at => now() + interval '4 min') IS NOT NULL AS ok;
SELECT attack.seen('a_consent');
SELECT journey_privacy.withdraw('email:fay@attack.example', 'a_consent') IS NOT NULL AS ok;
SELECT attack.seen('a_consent');

-- 24. nor does a yes that came while the withdrawal's transaction was open
BEGIN;
SELECT journey_privacy.record_consent('email:fay@attack.example', 'a_consent', true, at => clock_timestamp()) IS NOT NULL AS ok;
SELECT attack.seen('a_consent');
SELECT journey_privacy.withdraw('email:fay@attack.example', 'a_consent') IS NOT NULL AS ok;
COMMIT;
SELECT attack.seen('a_consent');

-- 25. only consent expires: not the right to object, not a legal obligation
SELECT journey_privacy.create_purpose('a_opt_out', 'opt_out', consent_valid_for => '1 second') \gset
SELECT journey_privacy.create_purpose('a_law', 'legal_obligation', consent_valid_for => '1 second') \gset
SELECT journey_privacy.create_purpose('a_short', 'consent', consent_valid_for => '1 second') \gset
SELECT count(journey_privacy.allow('attack_analyst', p)) FROM unnest(ARRAY['a_opt_out', 'a_law', 'a_short']) p;
SELECT count(journey_privacy.record_consent('email:fay@attack.example', p, true, at => now() - interval '1 hour'))
  FROM unnest(ARRAY['a_opt_out', 'a_law', 'a_short']) p;
SELECT attack.seen('a_opt_out') AS opt_out, attack.seen('a_law') AS law, attack.seen('a_short') AS short;

-- 26. a statement that commits inside does not keep expired consent alive
SELECT journey_privacy.create_purpose('a_moment', 'consent', consent_valid_for => '10 milliseconds') \gset
SELECT journey_privacy.allow('attack_analyst', 'a_moment') \gset
DO $$
DECLARE expired timestamptz;
BEGIN
  PERFORM journey_privacy.record_consent('email:fay@attack.example', 'a_moment', true);
  expired := clock_timestamp() + interval '11 milliseconds';
  COMMIT;
  WHILE clock_timestamp() < expired LOOP END LOOP;
  RAISE NOTICE 'sees: %', attack.seen('a_moment');
  COMMIT;
  RAISE NOTICE 'sees: %', attack.seen('a_moment');
END $$;

-- 27. what the guard says about a row of COPY does not quote it
CREATE TABLE attack.copied (email text);
SELECT journey_privacy.protect('attack.copied', 'email', kind => 'email', collected_for => '{a_consent}') \gset
CALL journey_privacy.erase('email:gus@attack.example') \gset
\set VERBOSITY default
\set SHOW_CONTEXT always
COPY attack.copied (email) FROM stdin;
bob@attack.example
\.
COPY attack.visit (visitor, event) FROM stdin;
email:gus@attack.example	gus
\.
COPY attack.copied FROM stdin (FORMAT csv);
"  BOB@attack.example  ",1
\.
\set VERBOSITY terse
\set SHOW_CONTEXT errors
SELECT (SELECT count(*) FROM attack.copied) AS copied, (SELECT count(*) FROM attack.visit WHERE event = 'gus') AS visits;
DROP TABLE attack.copied;

-- 28. a dropped extension leaves tables that show nobody anything, and no plan
-- of it outlives it
CREATE DATABASE attack_other;
\c attack_other
SET client_min_messages = error;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
CREATE TABLE visit (visitor journey_privacy.pseudonym, event text);
SELECT journey_privacy.protect('visit', 'visitor'), journey_privacy.create_purpose('a_consent', 'consent'),
       journey_privacy.allow('attack_analyst', 'a_consent');
GRANT SELECT ON visit TO attack_analyst;
INSERT INTO visit VALUES ('email:ann@attack.example', 'ann');
SELECT journey_privacy.record_consent('email:ann@attack.example', 'a_consent', true) IS NOT NULL AS ok;
SELECT journey_privacy.restrict_processing('email:ann@attack.example') IS NOT NULL AS ok;
CALL journey_privacy.erase('email:zoe@attack.example') \gset
-- by force: as long as it knows of protected tables it stays
DELETE FROM journey_privacy.protection;
DROP EXTENSION journey_privacy CASCADE;
CREATE TABLE other (x int);
INSERT INTO other VALUES (1);
ALTER TABLE other ENABLE ROW LEVEL SECURITY;
CREATE POLICY a ON other USING (true);
GRANT SELECT ON other TO attack_analyst;
SET ROLE attack_analyst;
SELECT count(*) AS unprotected FROM other;
SELECT * FROM visit;
RESET ROLE;
SELECT polname FROM pg_policy WHERE polrelid = 'visit'::regclass;
CREATE EXTENSION journey_privacy;
SELECT journey_privacy.create_keyring();
CREATE TABLE visit2 (visitor journey_privacy.pseudonym);
SELECT journey_privacy.create_purpose('a_consent', 'consent'), journey_privacy.protect('visit2', 'visitor');
INSERT INTO visit2 VALUES ('email:ann@attack.example');
SELECT journey_privacy.record_consent('email:ann@attack.example', 'a_consent', true) IS NOT NULL AS ok;
SELECT journey_privacy.restrict_processing('email:ann@attack.example') IS NOT NULL AS ok;
SELECT count(*) AS before FROM visit2;
CALL journey_privacy.erase('email:ann@attack.example') \gset
SELECT count(*) AS "left" FROM visit2;
\c :db
DROP DATABASE attack_other;

-- 29. a table that goes with its type takes its registration along, and does
-- not keep others from being erased
SET client_min_messages = error;
SET ROLE attack_owner;
CREATE TYPE attack.ty AS (v journey_privacy.pseudonym, journey_subject int);
CREATE TABLE attack.tt OF attack.ty;
SELECT journey_privacy.protect('attack.tt', 'v', number_column => 'v');
SELECT journey_privacy.protect('attack.tt', 'v') \gset
RESET ROLE;
SELECT count(*) AS protected FROM journey_privacy.protection WHERE relation = 'attack.tt'::regclass;
SET ROLE attack_owner;
DROP TYPE attack.ty CASCADE;
RESET ROLE;
RESET client_min_messages;
SELECT count(*) AS of_no_table FROM journey_privacy.protection p
  WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.relation);
SET ROLE attack_app;
CALL journey_privacy.erase(:'F') \gset
RESET ROLE;
SELECT journey_privacy.is_erased(:'F');

-- 30. a renamed column stops writing and erasing, and unprotect() is the way out
CREATE TABLE attack.renamed (visitor journey_privacy.pseudonym);
SELECT journey_privacy.protect('attack.renamed', 'visitor') \gset
INSERT INTO attack.renamed VALUES (:'G');
ALTER EVENT TRIGGER journey_privacy_cover_partitions DISABLE;
ALTER TABLE attack.renamed RENAME visitor TO who;
\set VERBOSITY sqlstate
BEGIN;
CALL journey_privacy.erase(:'G');
ROLLBACK;
\set VERBOSITY terse
SELECT journey_privacy.is_erased(:'G'), count(*) FROM attack.renamed;
ALTER TABLE attack.renamed RENAME who TO visitor;
ALTER TABLE attack.renamed RENAME journey_subject TO js;
INSERT INTO attack.renamed VALUES (:'H');
ALTER EVENT TRIGGER journey_privacy_cover_partitions ENABLE;
SELECT journey_privacy.unprotect('attack.renamed') \gset
ALTER TABLE attack.renamed DROP COLUMN js;
SELECT journey_privacy.protect('attack.renamed', 'visitor') \gset
CALL journey_privacy.erase(:'G') \gset
SELECT count(*) AS "left" FROM attack.renamed;
DROP TABLE attack.renamed;

-- 31. protecting people who are known uses up no numbers
CREATE TABLE attack.big AS
  SELECT ('p1_' || lpad(i::text, 24, '0'))::journey_privacy.pseudonym AS v FROM generate_series(1, 500) i;
CREATE TABLE attack.big2 AS TABLE attack.big;
SELECT journey_privacy.protect('attack.big', 'v') \gset
SELECT last_value AS first FROM journey_privacy.subject_number \gset
SELECT journey_privacy.protect('attack.big2', 'v') \gset
SELECT last_value - :first AS used_up FROM journey_privacy.subject_number;
SELECT count(*) AS same_number FROM attack.big JOIN attack.big2 USING (v, journey_subject);
DROP TABLE attack.big, attack.big2;

-- 32. people whom a collation holds for equal have numbers of their own
CREATE COLLATION attack.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE attack.collated (id text COLLATE attack.ci);
INSERT INTO attack.collated VALUES ('ABC'), ('abc');
SELECT journey_privacy.protect('attack.collated', 'id', kind => 'customer_id') \gset
SELECT count(DISTINCT journey_subject) AS numbers,
       count(*) FILTER (WHERE journey_subject <> s.number) AS wrong
  FROM attack.collated LEFT JOIN journey_privacy.subject s
    ON s.pseudonym = journey_privacy.pseudonymize('customer_id', id);
CALL journey_privacy.erase('customer_id:abc') \gset
SELECT id AS "left" FROM attack.collated;
DROP TABLE attack.collated;

-- 33. a deferred constraint trigger on the protected table
CREATE TABLE attack.d (who journey_privacy.pseudonym);
SELECT journey_privacy.protect('attack.d', 'who') \gset
ALTER TABLE attack.d OWNER TO attack_owner;
CREATE CONSTRAINT TRIGGER c AFTER DELETE ON attack.d DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION attack.evil_trigger();
INSERT INTO attack.d VALUES (:'K');
CALL journey_privacy.erase(:'K') \gset
SELECT * FROM attack.harm();
SELECT count(*) AS "left" FROM attack.d;
DROP TABLE attack.d;

-- 34. a trigger that puts a reference to an erased row back: no receipt for that
CREATE TABLE attack.pe (id int PRIMARY KEY, who journey_privacy.pseudonym);
CREATE TABLE attack.ce (id int, pe int REFERENCES attack.pe ON DELETE SET NULL, street text);
SELECT journey_privacy.protect('attack.pe', 'who') \gset
CREATE FUNCTION attack.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.pe := OLD.pe; RETURN NEW; END $$;
CREATE TRIGGER k BEFORE UPDATE ON attack.ce FOR EACH ROW EXECUTE FUNCTION attack.keep();
INSERT INTO attack.pe VALUES (1, :'N');
INSERT INTO attack.ce VALUES (1, 1, 'Street');
BEGIN;
CALL journey_privacy.erase(:'N', request_id => '00000000-0000-4000-8000-0000000000a1');
ROLLBACK;
SELECT (SELECT count(*) FROM attack.pe) AS parents, pe, journey_privacy.is_erased(:'N'),
       (SELECT count(*) FROM journey_privacy.erasure WHERE request_id = '00000000-0000-4000-8000-0000000000a1') AS receipts
  FROM attack.ce;
DROP TABLE attack.ce, attack.pe;

-- 35. while protect() numbers one table the guard of the others stands
CREATE TABLE attack.strict (visitor journey_privacy.pseudonym, event text);
SELECT journey_privacy.protect('attack.strict', 'visitor', collected_for => '{a_consent}') \gset
GRANT INSERT ON attack.strict TO attack_app;
SET ROLE attack_app;
INSERT INTO attack.strict VALUES (:'D', 'erased');
CREATE FUNCTION attack.smuggle() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO attack.strict VALUES ('p1_00000000000000000000000d', 'erased, back again'),
                                   ('p1_00000000000000000000000p', 'never consented');
  RETURN true;
END $$;
CREATE TABLE attack.own (v journey_privacy.pseudonym);
INSERT INTO attack.own VALUES (:'Q');
ALTER TABLE attack.own ADD CHECK (attack.smuggle()) NOT VALID;
SELECT journey_privacy.protect('attack.own', 'v');
RESET ROLE;
SELECT * FROM attack.strict;
SET ROLE attack_app;
-- nor does an owner smuggle an erased person into the very table that is numbered
ALTER TABLE attack.own DROP CONSTRAINT own_check;
CREATE FUNCTION attack.smuggle_own() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('attack.smuggled', true) IS DISTINCT FROM 'yes' THEN
    PERFORM set_config('attack.smuggled', 'yes', false);
    INSERT INTO attack.own VALUES ('p1_00000000000000000000000d');
  END IF;
  RETURN true;
END $$;
ALTER TABLE attack.own ADD CHECK (attack.smuggle_own()) NOT VALID;
SELECT journey_privacy.protect('attack.own', 'v');
SELECT count(*) AS smuggled FROM attack.own WHERE v = :'D';
RESET ROLE;
SELECT count(*) AS protected FROM journey_privacy.protection WHERE relation = 'attack.own'::regclass;
-- without the smuggling it is protected, and the guard of the others still stands
SET ROLE attack_app;
ALTER TABLE attack.own DROP CONSTRAINT own_check;
SELECT journey_privacy.protect('attack.own', 'v') \gset
INSERT INTO attack.strict VALUES (:'D', 'erased');
INSERT INTO attack.strict VALUES (:'P', 'never consented');
RESET ROLE;
SELECT count(*) AS own FROM attack.own;
SELECT * FROM attack.strict;
DROP TABLE attack.strict, attack.own;

-- nothing stays behind
REVOKE ALL ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name)
  FROM attack_owner, attack_app, attack_analyst;
REVOKE ALL ON FUNCTION journey_privacy.pseudonymize(text, text),
  journey_privacy.record_consent(journey_privacy.pseudonym, text, boolean, timestamptz, text, text, jsonb, text),
  journey_privacy.withdraw(journey_privacy.pseudonym, text, timestamptz, text) FROM attack_app;
REVOKE ALL ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) FROM attack_app;
CALL journey_privacy.erase('email:bob@attack.example') \gset
CALL journey_privacy.erase('email:fay@attack.example') \gset
SELECT count(journey_privacy.drop_purpose(name)) AS dropped FROM journey_privacy.purpose WHERE name LIKE 'a\_%';
SELECT count(*) AS allowances FROM journey_privacy.allowance WHERE role LIKE 'attack\_%';
SET client_min_messages = warning;
DROP SCHEMA attack, attack_trap CASCADE;
RESET client_min_messages;
DROP OWNED BY attack_mallory, attack_owner, attack_owner2, attack_app, attack_analyst;
DROP ROLE attack_mallory, attack_owner, attack_owner2, attack_app, attack_analyst;
SELECT count(*) AS "left" FROM journey_privacy.protection p
  WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.relation);
