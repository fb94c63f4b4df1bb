-- doctor(): each check finds what is wrong, its statement mends it, and then it
-- finds nothing.  In a database of its own: others have left things to find.
-- What only a server of its own can show is in test/t/072_doctor.pl.
\set VERBOSITY terse
SELECT current_database() AS home \gset
CREATE DATABASE regress_doctor;
\c regress_doctor
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
RESET client_min_messages;
SELECT journey_privacy.create_keyring() AS made \gset ignored_
-- the worker of the audit comes
DO $$ BEGIN WHILE (SELECT waiting > 0 AND worker IS NULL FROM journey_privacy.audit_queue()) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$;
PREPARE found(text) AS
  SELECT severity, regexp_replace(object, '^root key \d+', 'root key N') AS object,
         regexp_replace(finding, '\d{4}-\d\d-\d\d( \d\d:\d\d)?', 'TIME', 'g') AS finding, statement
  FROM journey_privacy.doctor() WHERE "check" = $1;
PREPARE mend(text) AS
  SELECT statement FROM journey_privacy.doctor() WHERE "check" = $1 AND statement NOT LIKE '-- %';
-- of the extension as installed, but for what comes of the server and its roles
PREPARE others AS
  SELECT severity, "check", object, finding FROM journey_privacy.doctor()
  WHERE "check" NOT IN ('durability', 'data_checksums', 'audit_handout', 'keyring_backup', 'superuser',
                        'error_log', 'statement_log', 'activity', 'bypass_rls', 'beneath', 'locked_memory', 'replication_slot',
                        'keyring_place');
EXECUTE others;

-- what is protected as it should be has no findings either
CREATE ROLE regress_doctor_owner;
CREATE ROLE regress_doctor_reader;
GRANT CREATE, USAGE ON SCHEMA public TO regress_doctor_owner;
SELECT journey_privacy.create_purpose('doctor_analytics', 'consent', 'Measure', '13 months');
SET ROLE regress_doctor_owner;
CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text NOT NULL)
  WITH (autovacuum_enabled = off);
CREATE TABLE named (customer bigint, at timestamptz, "Odd ""name""" varchar) PARTITION BY RANGE (at);
CREATE TABLE named_1 PARTITION OF named FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE "Odd table" (who varchar(40), at timestamptz);
RESET ROLE;
SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '25 months');
SELECT journey_privacy.protect('named', 'customer', kind => 'customer_id', occurred_at => 'at', visibility => 'collected',
                               number_column => NULL, retain_for => '25 months');
SELECT journey_privacy.protect('"Odd table"', 'who', kind => 'email', occurred_at => 'at', number_column => NULL, retain_for => '25 months');
SET quote_all_identifiers = on;
EXECUTE others;
RESET quote_all_identifiers;

-- row security, policies, triggers
ALTER TABLE visit NO FORCE ROW LEVEL SECURITY;
ALTER TABLE named_1 DISABLE ROW LEVEL SECURITY;
EXECUTE found('row_security');
EXECUTE mend('row_security') \gexec
EXECUTE found('row_security');
DROP POLICY journey_privacy_select ON visit;
ALTER POLICY journey_privacy_update ON named USING (true);
ALTER POLICY journey_privacy_delete ON "Odd table" TO regress_doctor_reader;
EXECUTE found('policy');
EXECUTE mend('policy') \gexec
EXECUTE found('policy');
ALTER TABLE visit DISABLE TRIGGER zzz_journey_privacy;
ALTER TABLE named_1 ENABLE TRIGGER zzz_journey_privacy;
DROP TRIGGER zzz_journey_privacy_truncate ON visit;
CREATE OR REPLACE TRIGGER zzz_journey_privacy BEFORE INSERT ON "Odd table"
  FOR EACH ROW WHEN (new.at < '2020-01-01') EXECUTE FUNCTION journey_privacy.guard_row();
EXECUTE found('trigger');
EXECUTE mend('trigger') \gexec
EXECUTE found('trigger');
BEGIN;
UPDATE pg_attribute SET attname = 'since' WHERE attrelid = 'visit'::regclass AND attname = 'at';
EXECUTE found('column');
ROLLBACK;
EXECUTE found('column');
ALTER EVENT TRIGGER journey_privacy_cover_partitions DISABLE;
ALTER TABLE journey_privacy.consent_event ENABLE TRIGGER append_only;
CREATE TABLE named_2 PARTITION OF named FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
EXECUTE found('partition');
EXECUTE found('own_trigger');
EXECUTE mend('own_trigger') \gexec
EXECUTE found('own_trigger');
ALTER TABLE named DETACH PARTITION named_2;
ALTER TABLE named ATTACH PARTITION named_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
EXECUTE found('partition');
DROP TABLE named_2;
GRANT EXECUTE ON FUNCTION journey_privacy.doctor() TO PUBLIC;
EXECUTE found('open_function');
EXECUTE mend('open_function') \gexec
EXECUTE found('open_function');
EXECUTE others;

-- ways around row security
CREATE VIEW v_owner WITH (security_barrier) AS SELECT * FROM visit;
ALTER VIEW v_owner OWNER TO regress_doctor_owner;
CREATE VIEW v_super AS SELECT * FROM visit;
CREATE VIEW v_invoker WITH (security_invoker = true) AS SELECT v.*, n.customer FROM visit v, named n;
CREATE VIEW v_above AS SELECT * FROM v_invoker;
CREATE VIEW v_above_owner AS SELECT * FROM v_owner;
EXECUTE found('view');
EXECUTE mend('view') \gexec
EXECUTE found('view');
CREATE MATERIALIZED VIEW v_kept AS SELECT * FROM v_above WITH NO DATA;
EXECUTE found('materialized_view');
EXECUTE mend('materialized_view') \gexec
EXECUTE found('materialized_view');
CREATE FUNCTION f_atomic() RETURNS bigint LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT count(*) FROM visit; END;
CREATE PROCEDURE f_text() LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN PERFORM count(*) FROM "Odd table"; END';
CREATE FUNCTION f_other() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT count(*) FROM visits); END';
CREATE FUNCTION f_owner() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT count(*) FROM visit); END';
ALTER FUNCTION f_owner() OWNER TO regress_doctor_owner;
EXECUTE found('definer_function');
SET standard_conforming_strings = off;
EXECUTE mend('definer_function') \gexec
RESET standard_conforming_strings;
EXECUTE found('definer_function');
DROP VIEW v_owner CASCADE;
DROP VIEW v_super, v_invoker CASCADE;
DROP FUNCTION f_atomic(), f_other(), f_owner();
DROP PROCEDURE f_text();
SET client_min_messages = error;
CREATE PUBLICATION p_table FOR TABLE visit;
CREATE PUBLICATION p_schema FOR TABLES IN SCHEMA public;
CREATE PUBLICATION p_all FOR ALL TABLES;
RESET client_min_messages;
EXECUTE found('publication');
EXECUTE mend('publication') \gexec
EXECUTE found('publication');
DROP PUBLICATION p_all;
EXECUTE found('publication');
DROP PUBLICATION p_table, p_schema;
CREATE TABLE copied AS SELECT * FROM visit;
EXECUTE found('copy');
EXECUTE found('unreached_table');
DROP TABLE copied;
EXECUTE found('copy');
CREATE ROLE regress_doctor_bypass BYPASSRLS REPLICATION;
CREATE ROLE regress_doctor_member LOGIN IN ROLE regress_doctor_bypass, pg_read_server_files;
PREPARE role(text) AS SELECT severity, object, finding, statement FROM journey_privacy.doctor()
  WHERE "check" = $1 AND object LIKE 'regress_doctor%';
EXECUTE role('bypass_rls');
EXECUTE role('beneath');
SELECT statement FROM journey_privacy.doctor()
  WHERE "check" IN ('bypass_rls', 'beneath') AND object LIKE 'regress_doctor%' \gexec
EXECUTE role('bypass_rls');
EXECUTE role('beneath');
DROP ROLE regress_doctor_bypass, regress_doctor_member;
CREATE ROLE regress_doctor_admin BYPASSRLS;
ALTER TABLE visit OWNER TO regress_doctor_admin;
ALTER TABLE "Odd table" OWNER TO regress_doctor_admin;
EXECUTE found('table_owner');
ALTER TABLE visit OWNER TO regress_doctor_owner;
ALTER TABLE "Odd table" OWNER TO regress_doctor_owner;
EXECUTE found('table_owner');
DROP ROLE regress_doctor_admin;
CREATE ROLE regress_doctor_super SUPERUSER LOGIN;
SELECT severity, object, finding LIKE '%regress_doctor_super%' AS named, statement FROM journey_privacy.doctor()
  WHERE "check" = 'superuser';
DROP ROLE regress_doctor_super;
SELECT finding LIKE '%regress_doctor_super%' AS named FROM journey_privacy.doctor() WHERE "check" = 'superuser';
GRANT pg_monitor TO regress_doctor_reader;
EXECUTE role('activity');
SET track_activities = off;
EXECUTE role('activity');
RESET track_activities;
REVOKE pg_monitor FROM regress_doctor_reader;
EXECUTE role('activity');

-- links, and what looks personal
CREATE TABLE customer (customer_no int PRIMARY KEY, email text);
CREATE TABLE lookup (code int PRIMARY KEY, label text);
ALTER TABLE visit ADD customer int REFERENCES customer, ADD code int REFERENCES lookup;
CREATE TABLE purchase (visit int REFERENCES visit, amount numeric);
INSERT INTO purchase SELECT id, 1 FROM visit;
SELECT count(*) AS derived FROM journey_privacy.derived WHERE relation = 'purchase'::regclass;
EXECUTE found('copy');
CREATE TABLE known (number int PRIMARY KEY, whom journey_privacy.pseudonym);
CREATE TABLE contact (first_name text, iban text);
EXECUTE found('unreached_table');
EXECUTE found('link_index');
EXECUTE mend('link_index') \gexec
EXECUTE found('link_index');
EXECUTE found('link_null');
ALTER TABLE purchase ALTER visit SET NOT NULL;
EXECUTE found('link_null');
EXECUTE found('linked_table');
GRANT SELECT ON purchase TO regress_doctor_reader;
EXECUTE found('linked_table');
REVOKE SELECT ON purchase FROM regress_doctor_reader;
EXECUTE found('linked_table');
EXECUTE found('personal_data');
DROP TABLE contact, known;
ALTER TABLE visit DROP customer;
DROP TABLE customer;
EXECUTE found('personal_data');
EXECUTE found('unreached_table');
EXECUTE others;

-- purposes
SELECT journey_privacy.create_purpose('doctor_bare', 'consent', ' ');
SELECT journey_privacy.create_purpose('doctor_bill', 'contract', 'Bill');
EXECUTE found('purpose_description');
EXECUTE found('consent_validity');
EXECUTE mend('purpose_description') \gexec
EXECUTE mend('consent_validity') \gexec
EXECUTE found('purpose_description');
EXECUTE found('consent_validity');

-- nobody was erased yet
EXECUTE found('erasure_ledger');
-- requests: far from their deadline, near it, past it
SELECT journey_privacy.open_request('access', 'customer_id:9700001', received_at => now()) AS id \gset fresh_
EXECUTE others;
SELECT journey_privacy.open_request('access', 'customer_id:9700002', received_at => now() - interval '27 days') AS id \gset near_
SELECT journey_privacy.open_request('erasure', 'customer_id:9700003', 'ccpa', received_at => now() - interval '2 months', verified => true) AS id \gset late_
EXECUTE found('request_due');
EXECUTE found('request_overdue');
EXECUTE found('request_unconfirmed');
UPDATE journey_privacy.request SET last_error = 'XX000', attempts = 1 WHERE id = :'late_id';
EXECUTE found('request_failing');
SELECT journey_privacy.refuse_request(:'near_id', 'not theirs');
CALL journey_privacy.process_requests();
EXECUTE found('request_due');
EXECUTE found('request_overdue');
EXECUTE found('request_unconfirmed');
EXECUTE found('request_failing');
INSERT INTO journey_privacy.callback (request_id, url, status, due_at, next_attempt_at, attempts) VALUES
  (:'fresh_id', 'https://example.com/given-up', 'pending', now(), 'infinity', 20),
  (:'fresh_id', 'https://example.com/waiting', 'pending', now(), now() - interval '25 hours', 0);
EXECUTE found('callback');
EXECUTE found('callback_waiting');
EXECUTE mend('callback') \gexec
EXECUTE found('callback');
UPDATE journey_privacy.callback SET delivered_at = now();
EXECUTE found('callback_waiting');

-- a journey store that is out of date as a whole
SELECT journey_privacy.create_journey_store('visit', 'visit_journeys', '1 day') AS store \gset ignored_
EXECUTE found('journey_store');
INSERT INTO journey_privacy.store_change SELECT relation, NULL, '-infinity' FROM journey_privacy.journey_store;
EXECUTE found('journey_store');
EXECUTE mend('journey_store') \gexec
EXECUTE found('journey_store');
INSERT INTO journey_privacy.store_change SELECT relation, n, 'epoch' FROM journey_privacy.journey_store, generate_series(1, 100000) n;
EXECUTE found('journey_store');
DELETE FROM journey_privacy.store_change;
EXECUTE found('journey_store');
SELECT journey_privacy.drop_journey_store(name) FROM journey_privacy.journey_store;

-- erasures
INSERT INTO visit (id, visitor, at, event)
  SELECT n, ('customer_id:' || 9700100 + n)::journey_privacy.pseudonym, now(), 'home' FROM generate_series(1, 50) n;
VACUUM ANALYZE visit;
EXECUTE found('residue');
EXECUTE found('statistics');
CALL journey_privacy.erase('customer_id:9700101') \gset ignored_
SELECT pg_stat_force_next_flush() \gset ignored_
EXECUTE found('residue');
EXECUTE found('statistics');
EXECUTE mend('statistics') \gexec
SELECT pg_stat_force_next_flush() \gset ignored_
EXECUTE found('statistics');
VACUUM visit;
SELECT pg_stat_force_next_flush() \gset ignored_
EXECUTE found('residue');
SET client_min_messages = warning;
EXECUTE mend('residue') \gexec
RESET client_min_messages;
EXECUTE found('residue');
SELECT bool_and(level = 3) AS l3 FROM journey_privacy.scrub_run WHERE 'public.visit' = ANY (relations);
EXECUTE found('erasure_ledger');
SELECT request_id AS erasure FROM journey_privacy.erasure LIMIT 1 \gset
BEGIN;
UPDATE journey_privacy.erasure SET state = 'erasing', requested_at = now() - interval '59 minutes' WHERE request_id = :'erasure';
EXECUTE found('erasure_stuck');
UPDATE journey_privacy.erasure SET requested_at = now() - interval '61 minutes' WHERE request_id = :'erasure';
EXECUTE found('erasure_stuck');
ROLLBACK;
EXECUTE found('erasure_stuck');
SELECT journey_privacy.place_hold('a case in court', 'customer_id:9700102', held_until => now() + interval '1 hour') AS hold \gset
CALL journey_privacy.erase('customer_id:9700102') \gset ignored_
EXECUTE found('hold_ended');
UPDATE journey_privacy.hold SET held_until = now() - interval '1 minute' WHERE id = :'hold';
UPDATE journey_privacy.erasure_step SET held_until = now() - interval '1 minute' WHERE action = 'withhold';
EXECUTE found('hold_ended');
EXECUTE mend('hold_ended') \gexec
EXECUTE found('hold_ended');
-- what was erased since it was scrubbed
EXECUTE found('residue');
SELECT pg_create_physical_replication_slot('regress_doctor_slot', true) IS NOT NULL AS made;
EXECUTE found('replication_slot');
EXECUTE mend('replication_slot') \gexec
EXECUTE found('replication_slot');

-- keys, versions, the audit
BEGIN;
UPDATE journey_privacy.key_version SET created_at = now() - interval '25 months' WHERE kind = 'root';
EXECUTE found('root_key');
ROLLBACK;
EXECUTE found('root_key');
BEGIN;
UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'journey_privacy';
UPDATE pg_extension SET extname = 'pg_crypto' WHERE extname = 'pgcrypto';
SELECT severity, object, regexp_replace(finding, 'installed is version .*', 'installed is version …') AS finding, statement
  FROM journey_privacy.doctor() WHERE "check" IN ('extension_version', 'pgcrypto');
ROLLBACK;
EXECUTE found('extension_version');
EXECUTE found('pgcrypto');
SELECT problem FROM journey_privacy.verify_audit();
SELECT whole, outside, size > 0 AS sized, verified_at > now() - interval '1 minute' AS now FROM journey_privacy.audit_verification;
EXECUTE found('audit_verified');
EXECUTE found('audit_broken');
UPDATE journey_privacy.audit_verification SET verified_at = now() - interval '31 days';
EXECUTE found('audit_verified');
UPDATE journey_privacy.audit_verification SET whole = false;
EXECUTE found('audit_broken');
SELECT problem FROM journey_privacy.verify_audit((SELECT note FROM journey_privacy.audit_checkpoint ORDER BY size DESC LIMIT 1));
SELECT whole, outside FROM journey_privacy.audit_verification;
EXECUTE found('audit_verified');
EXECUTE found('audit_broken');
BEGIN READ ONLY;
SELECT problem FROM journey_privacy.verify_audit();
ROLLBACK;

-- statements in logs and statistics
PREPARE logs AS SELECT severity, object, finding, statement FROM journey_privacy.doctor() WHERE "check" = 'statement_log';
EXECUTE logs;
SET log_statement = 'mod';
SET log_min_duration_statement = 100;
SET log_min_duration_sample = 10;
SET log_transaction_sample_rate = 0.5;
SET log_parameter_max_length_on_error = -1;
SET debug_print_plan = on;
SET client_min_messages = notice;
EXECUTE logs;
SET log_statement_sample_rate = 0;
SET log_parameter_max_length = 0;
SELECT object FROM journey_privacy.doctor() WHERE "check" = 'statement_log';
RESET ALL;
EXECUTE logs;
ALTER ROLE regress_doctor_reader SET log_statement = 'all';
ALTER ROLE regress_doctor_reader IN DATABASE regress_doctor SET log_min_duration_statement = 0;
ALTER DATABASE regress_doctor SET log_parameter_max_length_on_error = 100;
ALTER ROLE regress_doctor_reader SET log_transaction_sample_rate = 0;
EXECUTE logs;
SELECT statement FROM journey_privacy.doctor() WHERE "check" = 'statement_log' \gexec
EXECUTE logs;
SET log_min_error_statement = 'error';
EXECUTE found('error_log');
SET log_min_error_statement = 'panic';
EXECUTE found('error_log');
RESET log_min_error_statement;

-- any role that may call it learns the same; one that may not, nothing
PREPARE all_of_it AS SELECT md5(string_agg(d::text, E'\n')) AS digest FROM journey_privacy.doctor() d;
EXECUTE all_of_it \gset dba_
SET ROLE regress_doctor_reader;
SELECT count(*) FROM journey_privacy.doctor();
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.doctor() TO regress_doctor_reader;
SET ROLE regress_doctor_reader;
SET row_security = off;
EXECUTE all_of_it \gset reader_
SELECT :'dba_digest' = :'reader_digest' AS same, current_user, current_setting('TimeZone') <> '' AS zone;
RESET row_security;
RESET ROLE;
-- the gravest first
ALTER TABLE visit NO FORCE ROW LEVEL SECURITY;
SELECT array_agg(DISTINCT severity) AS severities,
       bool_and(rank >= before) AS ordered
FROM (SELECT severity, rank, lag(rank, 1, 0) OVER (ORDER BY n) AS before
      FROM (SELECT severity, n, array_position(ARRAY['critical', 'warning', 'advice'], severity) AS rank
            FROM journey_privacy.doctor() WITH ORDINALITY d(severity, c, o, f, s, n)) x) y;
ALTER TABLE visit FORCE ROW LEVEL SECURITY;
-- what one check stumbles over hides nothing else, and is told
BEGIN;
ALTER TABLE journey_privacy.derived RENAME made_by TO by_whom;
SELECT severity, "check", finding, statement FROM journey_privacy.doctor() WHERE finding LIKE '%could not be made%';
SELECT count(*) > 3 AS others FROM journey_privacy.doctor();
ROLLBACK;
-- the audit is told nothing
SELECT count(*) AS noted FROM journey_privacy.audit_log WHERE command = 'discover';
-- no person in it
SELECT count(*) FROM journey_privacy.doctor() d WHERE d::text ~ '(97001|p1_|[0-9a-f]{8}-[0-9a-f]{4}-)';
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT count(*) > 3 AS some FROM journey_privacy.doctor();
ROLLBACK;
-- cancelled, it is cancelled
BEGIN;
SET LOCAL statement_timeout = 1;
SELECT count(*) FROM journey_privacy.doctor(), journey_privacy.doctor() d, journey_privacy.doctor() e;
ROLLBACK;

\c :home
DROP DATABASE regress_doctor;
DROP ROLE regress_doctor_owner, regress_doctor_reader;
