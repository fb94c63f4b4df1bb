-- The insert guard: it binds everyone who writes, COPY and superusers too.
\set VERBOSITY terse
\pset null '-'
SELECT journey_privacy.create_purpose('g_consent', 'consent'),
       journey_privacy.create_purpose('g_opt_out', 'opt_out');
CREATE TABLE guarded (id int PRIMARY KEY, visitor journey_privacy.pseudonym, note text);
SELECT journey_privacy.protect('guarded', 'visitor');

-- the number is what the registry says, whatever the statement says
CREATE VIEW wrong AS
  SELECT id, journey_subject, s.number FROM guarded g
  LEFT JOIN journey_privacy.subject s ON s.pseudonym = g.visitor
  WHERE journey_subject IS DISTINCT FROM s.number;
INSERT INTO guarded VALUES (1, 'email:g1@example.com', 'a'), (2, 'email:g2@example.com', 'b'),
                           (3, NULL, 'nobody');
INSERT INTO guarded (id, visitor, journey_subject) VALUES (4, 'email:g1@example.com', 12345);
UPDATE guarded SET journey_subject = 54321 WHERE id = 1;
UPDATE guarded SET visitor = 'email:g2@example.com' WHERE id = 4;
UPDATE guarded SET visitor = NULL WHERE id = 2;
INSERT INTO guarded VALUES (1, 'email:g3@example.com', 'c')
  ON CONFLICT (id) DO UPDATE SET visitor = EXCLUDED.visitor, journey_subject = -1;
MERGE INTO guarded g USING (VALUES (5, 'email:g5@example.com')) v(id, identity) ON g.id = v.id
  WHEN NOT MATCHED THEN INSERT (id, visitor) VALUES (v.id, v.identity::journey_privacy.pseudonym);
COPY guarded (id, visitor, journey_subject) FROM stdin;
6	email:g6@example.com	77
7	\N	78
\.
SELECT count(*) AS wrong FROM wrong;
SELECT count(*) FILTER (WHERE journey_subject IS NULL) AS nobodys, count(*) FROM guarded;
-- a trigger of the table's own that fires before ours has no say
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.journey_subject := 4711; NEW.visitor := 'email:g6@example.com'; RETURN NEW; END $$;
CREATE TRIGGER meddle BEFORE INSERT OR UPDATE ON guarded FOR EACH ROW EXECUTE FUNCTION meddle();
INSERT INTO guarded VALUES (8, 'email:g1@example.com', 'meddled');
SELECT count(*) AS wrong FROM wrong;
DROP TRIGGER meddle ON guarded;
-- replicas and restores with triggers off for the rest keep the numbers too
SET session_replication_role = replica;
INSERT INTO guarded VALUES (9, 'email:g9@example.com', 'replicated', 3);
RESET session_replication_role;
SELECT count(*) AS wrong FROM wrong;

-- the trigger function does nothing else
CREATE TABLE unguarded (visitor journey_privacy.pseudonym);
CREATE TRIGGER guard BEFORE INSERT ON unguarded
  FOR EACH ROW EXECUTE FUNCTION journey_privacy.guard_row();
INSERT INTO unguarded VALUES ('email:g1@example.com');
DROP TABLE unguarded;
SELECT journey_privacy.guard_row();
-- a renamed column is refused, and noticed where nobody looked after it
ALTER TABLE guarded RENAME visitor TO person;
ALTER EVENT TRIGGER journey_privacy_cover_partitions DISABLE;
ALTER TABLE guarded RENAME visitor TO person;
INSERT INTO guarded VALUES (10, 'email:g1@example.com', 'renamed');
ALTER TABLE guarded RENAME person TO visitor;
ALTER EVENT TRIGGER journey_privacy_cover_partitions ENABLE;

-- Collected for purposes: an error, or the row is left out
CREATE TABLE strict_visit (visitor journey_privacy.pseudonym, at timestamptz DEFAULT now());
CREATE TABLE lenient_visit (LIKE strict_visit);
CREATE TABLE open_visit (LIKE strict_visit);
SELECT journey_privacy.protect('strict_visit', 'visitor', collected_for => '{g_consent}'),
       journey_privacy.protect('lenient_visit', 'visitor', collected_for => '{g_consent}', on_refused => 'skip'),
       journey_privacy.protect('open_visit', 'visitor', collected_for => '{g_consent,g_opt_out}');
SELECT count(*) AS registered FROM journey_privacy.subject \gset
INSERT INTO strict_visit VALUES ('email:undecided@example.com');
INSERT INTO lenient_visit VALUES ('email:undecided@example.com');
SELECT count(*) - :registered AS registered_by_refused_rows FROM journey_privacy.subject;
INSERT INTO open_visit VALUES ('email:undecided@example.com');
SELECT journey_privacy.record_consent('email:yes@example.com', 'g_consent', true) IS NOT NULL AS ok,
       journey_privacy.record_consent('email:no@example.com', 'g_consent', false) IS NOT NULL AS ok,
       journey_privacy.object_to('email:no@example.com', 'g_opt_out') IS NOT NULL AS ok;
INSERT INTO strict_visit VALUES ('email:yes@example.com');
INSERT INTO strict_visit VALUES ('email:no@example.com');
INSERT INTO lenient_visit SELECT ('email:' || a || '@example.com')::journey_privacy.pseudonym
  FROM unnest(ARRAY['yes', 'no', 'undecided', 'yes']) a;
INSERT INTO open_visit VALUES ('email:no@example.com');
INSERT INTO open_visit VALUES ('email:yes@example.com');
COPY lenient_visit (visitor) FROM stdin;
email:no@example.com
email:yes@example.com
\.
SELECT (SELECT count(*) FROM strict_visit) AS strict, (SELECT count(*) FROM lenient_visit) AS lenient,
       (SELECT count(*) FROM open_visit) AS open;
-- a decision earlier in the same transaction, or the same function, counts
BEGIN;
SELECT journey_privacy.withdraw('email:yes@example.com', 'g_consent') IS NOT NULL AS ok;
INSERT INTO strict_visit VALUES ('email:yes@example.com');
ROLLBACK;
DO $$
BEGIN
  PERFORM journey_privacy.record_consent('email:undecided@example.com', 'g_consent', true);
  INSERT INTO strict_visit VALUES ('email:undecided@example.com');
  PERFORM journey_privacy.withdraw('email:undecided@example.com', 'g_consent', at => clock_timestamp());
  INSERT INTO lenient_visit VALUES ('email:undecided@example.com');
END $$;
SELECT (SELECT count(*) FROM strict_visit) AS strict, (SELECT count(*) FROM lenient_visit) AS lenient;

-- an erased subject's data does not come back, for anybody
CALL journey_privacy.erase('email:g6@example.com') \gset
INSERT INTO guarded VALUES (11, 'email:g6@example.com', 'back');
COPY guarded (id, visitor) FROM stdin;
12	email:g6@example.com
\.
UPDATE guarded SET visitor = 'email:g6@example.com' WHERE id = 1;
CALL journey_privacy.erase('email:yes@example.com') \gset
INSERT INTO lenient_visit VALUES ('email:yes@example.com');
SELECT count(*) FROM lenient_visit;

DROP VIEW wrong;
DROP TABLE guarded, strict_visit, lenient_visit, open_visit;
DROP FUNCTION meddle;

-- Rotation: every pseudonym moves, nothing that joins falls apart
CREATE TABLE r_person (person journey_privacy.pseudonym PRIMARY KEY, note text);
CREATE TABLE r_visit (id int PRIMARY KEY, person journey_privacy.pseudonym REFERENCES r_person, at timestamptz DEFAULT now());
CREATE TABLE r_order (id int, buyer journey_privacy.pseudonym REFERENCES r_person ON UPDATE RESTRICT);
CREATE TABLE r_hashed (person journey_privacy.pseudonym, n int) PARTITION BY HASH (person);
CREATE TABLE r_hashed_0 PARTITION OF r_hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE r_hashed_1 PARTITION OF r_hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT journey_privacy.protect('r_visit', 'person');
CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'fired'; END $$;
INSERT INTO r_person SELECT ('customer_id:r' || i)::journey_privacy.pseudonym, 'r' || i FROM generate_series(1, 50) i;
INSERT INTO r_visit SELECT i, ('customer_id:r' || 1 + i % 50)::journey_privacy.pseudonym FROM generate_series(1, 200) i;
INSERT INTO r_order SELECT i, ('customer_id:r' || 1 + i % 50)::journey_privacy.pseudonym FROM generate_series(1, 100) i;
INSERT INTO r_hashed SELECT person, 1 FROM r_person;
CREATE TRIGGER fired BEFORE UPDATE ON r_order FOR EACH ROW EXECUTE FUNCTION fired();
SELECT journey_privacy.record_consent(person, 'g_consent', true) IS NOT NULL AS ok, count(*) FROM r_person GROUP BY 1;
SELECT journey_privacy.link_identity('customer_id:r1', 'email:r1@example.com');
CALL journey_privacy.erase('customer_id:r50', request_id => '00000000-0000-4000-8000-0000000000aa') \gset first_
SELECT journey_privacy.seal('customer_id:r1', 'a secret') AS sealed \gset
SELECT 'customer_id:r2'::journey_privacy.pseudonym AS r2_before, 'customer_id:r50'::journey_privacy.pseudonym AS r50_before \gset
CREATE VIEW r_state AS
  SELECT p.note, s.number, s.head, c.granted, (SELECT count(*) FROM r_visit v WHERE v.person = p.person) AS visits,
         (SELECT count(*) FROM r_visit v WHERE v.person = p.person AND v.journey_subject = s.number) AS numbered,
         (SELECT count(*) FROM r_order o WHERE o.buyer = p.person) AS orders,
         (SELECT count(*) FROM r_hashed h WHERE h.person = p.person) AS hashed,
         (SELECT count(*) FROM journey_privacy.consent_event e WHERE e.subject = p.person) AS events
  FROM r_person p LEFT JOIN journey_privacy.subject s ON s.pseudonym = p.person
  LEFT JOIN journey_privacy.consent_state c ON c.number = s.number AND c.purpose = 'g_consent';
CREATE TEMP TABLE r_before AS SELECT * FROM r_state;

SELECT journey_privacy.rekey_pseudonyms();
SELECT journey_privacy.rotate_key('pseudonym') > 1 AS rotated;
SELECT journey_privacy.rekeyed('customer_id:r2');
-- whatever holds pseudonyms must be known first
CREATE DOMAIN r_domain AS journey_privacy.pseudonym;
CREATE TABLE r_unknown (a r_domain, b journey_privacy.pseudonym[], c journey_privacy.pseudonym);
\set VERBOSITY default
SELECT journey_privacy.rekey_pseudonyms();
\set VERBOSITY terse
SELECT journey_privacy.register_pseudonym_column('r_unknown', 'a');
SELECT journey_privacy.register_pseudonym_column('r_unknown', 'nothing');
DROP TABLE r_unknown;
SELECT journey_privacy.register_pseudonym_column('r_person', 'person'),
       journey_privacy.register_pseudonym_column('r_order', 'buyer'),
       journey_privacy.register_pseudonym_column('r_hashed', 'person');
CREATE VIEW r_moved AS SELECT count(*) AS under_the_key_in_use FROM r_person WHERE person::text LIKE
  (SELECT 'p' || version || '\_%' FROM journey_privacy.key WHERE kind = 'pseudonym' AND state = 'active');
TABLE r_moved;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT journey_privacy.rekey_pseudonyms();
ROLLBACK;
BEGIN;
SELECT journey_privacy.rekey_pseudonyms();
ROLLBACK;
TABLE r_moved;
SELECT journey_privacy.rekey_pseudonyms();
TABLE r_moved;
SELECT count(*) AS differing FROM (SELECT * FROM r_state EXCEPT SELECT * FROM r_before) d;
SELECT count(*) AS differing FROM (SELECT * FROM r_before EXCEPT SELECT * FROM r_state) d;
SELECT count(*) AS orphans FROM r_order o WHERE NOT EXISTS (SELECT FROM r_person p WHERE p.person = o.buyer);
-- the identity leads to the new one, the old form is still the same subject
SELECT 'customer_id:r2'::journey_privacy.pseudonym <> :'r2_before' AS new_form,
       journey_privacy.pseudonym_current(:'r2_before') = 'customer_id:r2' AS same_subject;
INSERT INTO r_visit VALUES (1000, :'r2_before');
INSERT INTO r_visit VALUES (1000, 'customer_id:r2');
SELECT person = 'customer_id:r2' AS stored_anew FROM r_visit WHERE id = 1000;
SELECT journey_privacy.record_consent(:'r2_before', 'g_consent', false) IS NOT NULL AS ok;
SELECT count(*) AS decisions FROM journey_privacy.consent_history('customer_id:r2');
-- tombstones, receipts and sealed values moved along
SELECT journey_privacy.is_erased('customer_id:r50'), journey_privacy.is_erased(:'r50_before');
CALL journey_privacy.erase('customer_id:r50', request_id => '00000000-0000-4000-8000-0000000000aa') \gset again_
SELECT :'first_receipt' = :'again_receipt' AS same_receipt;
SELECT journey_privacy.unseal('customer_id:r1', :'sealed');
SELECT journey_privacy.rotate_key('tombstone') > 1 AS rotated;
SELECT journey_privacy.is_erased('customer_id:r50');
CALL journey_privacy.erase('customer_id:r50', request_id => '00000000-0000-4000-8000-0000000000aa') \gset again_
SELECT :'first_receipt' = :'again_receipt' AS same_receipt;
DROP VIEW r_state, r_moved;
DROP TABLE r_visit, r_order, r_hashed, r_person;
DROP FUNCTION fired;
DROP DOMAIN r_domain;
SELECT count(*) AS registered FROM journey_privacy.pseudonym_column;
