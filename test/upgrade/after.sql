-- Life goes on after pg_upgrade; each statement throws where it does not.
SET client_min_messages = error;
CREATE FUNCTION pg_temp.must(truth boolean, claim text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN IF truth IS NOT TRUE THEN RAISE 'not true: %', claim; END IF; END $$;
SELECT max(number) AS max FROM journey_privacy.subject \gset
INSERT INTO visit VALUES (9001, 'customer_id:9001', now(), 'home', '192.0.2.77'), (9002, 'customer_id:1', now(), 'home', NULL);
SELECT pg_temp.must(bool_and(journey_subject > :max) AND bool_and(host(ip) = '192.0.2.0'), 'new subjects get new numbers, addresses are cut')
FROM visit WHERE id = 9001;
SELECT pg_temp.must(journey_subject <= :max, 'who was known keeps the number') FROM visit WHERE id = 9002;
DO $$ BEGIN INSERT INTO visit VALUES (9003, 'customer_id:30', now(), 'home'); RAISE 'not true: who was erased stays away';
  EXCEPTION WHEN insufficient_privilege OR check_violation THEN NULL; END $$;
SELECT journey_privacy.record_consent('customer_id:9001', 'analytics', true);
SET ROLE analyst;
SET journey_privacy.purpose = analytics;
SELECT pg_temp.must(count(*) = 1, 'a new decision counts') FROM visit WHERE id = 9001;
RESET ROLE;
SELECT journey_privacy.withdraw('customer_id:9001', 'analytics');
CREATE TABLE visit_next PARTITION OF visit FOR VALUES FROM ('2100-01-01') TO ('2101-01-01');
SELECT pg_temp.must(count(*) = 1, 'new partitions are covered') FROM journey_privacy.protection WHERE relation = 'visit_next'::regclass;
CALL journey_privacy.erase('customer_id:9001', 'asked', md5('9001')::uuid);
CALL journey_privacy.erase('customer_id:12', 'asked', md5('12')::uuid);
SELECT pg_temp.must(count(*) = 0, 'erased') FROM visit WHERE visitor IN ('customer_id:12', 'customer_id:9001');
SELECT pg_temp.must(count(*) = 0, 'erased where it is linked') FROM page p WHERE NOT EXISTS (SELECT FROM visit v WHERE v.id = p.visit);
SELECT pg_temp.must(journey_privacy.unseal('customer_id:12', phone, 'phone') IS NULL, 'shredded') FROM customer WHERE id = 12;
SELECT pg_temp.must(bool_and(journey_privacy.verify_receipt(receipt)), 'receipts verify') FROM journey_privacy.erasure;
SELECT id AS hold FROM journey_privacy.hold WHERE released_at IS NULL \gset
CALL journey_privacy.release_hold(:'hold');
SELECT pg_temp.must(count(*) = 0, 'what was withheld before is erased') FROM visit WHERE visitor = 'customer_id:31';
SELECT count(*) AS erasures FROM journey_privacy.erasure \gset
CALL journey_privacy.replay_erasures();
SELECT pg_temp.must(count(*) = :erasures, 'the ledger names nobody who is still there') FROM journey_privacy.erasure;
SELECT journey_privacy.refresh_journey_store('visit_journey');
SELECT pg_temp.must(count(*) = 0, 'nobody erased is in the store') FROM visit_journey j
WHERE NOT EXISTS (SELECT FROM journey_privacy.subject s WHERE s.number = j.journey_subject);
SELECT journey_privacy.rotate_key('pseudonym');
SELECT journey_privacy.rekey_pseudonyms();
SELECT pg_temp.must(count(*) > 0, 'and keys go on') FROM visit WHERE visitor = 'customer_id:1';
CALL journey_privacy.scrub('visit');
CALL journey_privacy.purge_expired();
SELECT pg_temp.must(count(*) > 0, 'requests are there') FROM journey_privacy.request;
SELECT size AS before FROM journey_privacy.verify_audit() \gset
SELECT journey_privacy.checkpoint_audit() AS checkpoint \gset
SELECT pg_temp.must(broken_entry IS NULL AND checked = size AND size >= :before, 'the audit is one line') FROM journey_privacy.verify_audit();
SELECT pg_temp.must(broken_entry IS NULL, 'the checkpoint from before the upgrade holds')
FROM journey_privacy.audit_checkpoint c, journey_privacy.verify_audit(c.note) WHERE c.size = (SELECT min(size) FROM journey_privacy.audit_checkpoint);
