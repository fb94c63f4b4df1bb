-- What doctor() finds of retention, where the room is there.
\set VERBOSITY terse
SELECT to_regclass('journey_privacy.retention') IS NULL AS without \gset
\if :without
\quit
\endif
SELECT current_database() AS home \gset
CREATE DATABASE regress_doctor;
\c regress_doctor
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
RESET client_min_messages;
SELECT journey_privacy.create_keyring() AS made \gset ignored_
PREPARE found(text) AS
  SELECT severity, object, regexp_replace(finding, '\d{4}-\d\d-\d\d( \d\d:\d\d)?', 'TIME', 'g') AS finding, statement
  FROM journey_privacy.doctor() WHERE "check" = $1;
PREPARE mend(text) AS
  SELECT statement FROM journey_privacy.doctor() WHERE "check" = $1 AND statement NOT LIKE '-- %';
SELECT journey_privacy.create_purpose('doctor_short', 'contract', 'Short', keep_for => NULL);
CREATE TABLE kept (id int, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL) WITH (autovacuum_enabled = off);
CREATE TABLE ever (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL);
SELECT journey_privacy.protect('kept', 'visitor', occurred_at => 'at', collected_for => '{doctor_short}');
SELECT journey_privacy.protect('ever', 'visitor', occurred_at => 'at');
EXECUTE found('retention');
EXECUTE mend('retention') \gexec
EXECUTE found('retention');
UPDATE journey_privacy.purpose SET keep_for = '30 days' WHERE name = 'doctor_short';
INSERT INTO kept SELECT n, ('customer_id:' || 9700200 + n)::journey_privacy.pseudonym, now() - n * interval '1 day' FROM generate_series(1, 29) n;
ANALYZE kept;
EXECUTE found('retention_overdue');
EXECUTE found('purge');
UPDATE journey_privacy.protection SET protected_at = now() - interval '8 days' WHERE relation = 'kept'::regclass;
EXECUTE found('purge');
INSERT INTO kept SELECT n, ('customer_id:' || 9700200 + n)::journey_privacy.pseudonym, now() - n * interval '1 day' FROM generate_series(33, 40) n;
ANALYZE kept;
EXECUTE found('retention_overdue');
EXECUTE mend('retention_overdue') \gexec
SELECT pg_stat_force_next_flush() \gset ignored_
EXECUTE found('retention_overdue');
EXECUTE found('purge');
EXECUTE found('residue');
EXECUTE found('statistics');
ANALYZE kept;
SET client_min_messages = warning;
EXECUTE mend('residue') \gexec
RESET client_min_messages;
SELECT pg_stat_force_next_flush() \gset ignored_
EXECUTE found('residue');
EXECUTE found('statistics');
EXECUTE found('retention_overdue');
-- held back: it was purged after the statistics were made, and after them again
SELECT journey_privacy.place_hold('a case in court', "table" => 'kept', held_until => now() + interval '1 day') AS hold \gset ignored_
INSERT INTO kept SELECT n, ('customer_id:' || 9700300 + n)::journey_privacy.pseudonym, now() - n * interval '1 day' FROM generate_series(33, 40) n;
ANALYZE kept;
SELECT pg_stat_force_next_flush() \gset ignored_
EXECUTE found('retention_overdue');
SET client_min_messages = warning;
CALL journey_privacy.purge_expired('kept');
ANALYZE kept;
RESET client_min_messages;
SELECT pg_stat_force_next_flush() \gset ignored_
EXECUTE found('retention_overdue');
UPDATE journey_privacy.purge_run SET finished_at = now() - interval '3 days';
EXECUTE found('retention_overdue');
SELECT "check", finding FROM journey_privacy.doctor() WHERE finding LIKE '%could not be%' AND "check" <> 'personal_data';
-- violations of a data plan, where there are any
SELECT to_regclass('journey_privacy.plan_tally') IS NOT NULL AS planned \gset
\if :planned
INSERT INTO journey_privacy.plan_tally VALUES
  ('kept', '', '', 'unplanned event', 1, 5, now() - interval '1 day'), ('kept', 'home', 'id', 'missing key', 2, 2, now()),
  ('ever', '', '', 'unplanned event', 1, 5, now() - interval '31 days');
EXECUTE found('data_plan');
DELETE FROM journey_privacy.plan_tally;
EXECUTE found('data_plan');
\endif
\c :home
DROP DATABASE regress_doctor;
