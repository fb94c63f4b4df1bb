-- What a database can have of the extension: tables of every shape, decisions,
-- aliases, erasures done and withheld, sealed values, keys of several
-- versions, requests, rules, a store of journeys, an audit with checkpoints.
SET client_min_messages = error;
CREATE ROLE analyst;
CREATE ROLE clerk;
CREATE SCHEMA lib;
CREATE EXTENSION pgcrypto SCHEMA lib;
CREATE EXTENSION journey_privacy;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_identity_kind('loyalty_card', 'trim', 'plastic');
SELECT journey_privacy.create_purpose('analytics', 'consent', 'why not', '13 months'),
       journey_privacy.create_purpose('ads', 'opt_out'),
       journey_privacy.create_purpose('billing', 'contract');
SELECT journey_privacy.allow('analyst', 'analytics'), journey_privacy.allow('analyst', 'ads'),
       journey_privacy.allow('clerk', 'billing');

-- by pseudonym, in partitions, with an index and two linked tables
CREATE TABLE visit (id int, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL,
  event text NOT NULL, ip inet, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE visit_old PARTITION OF visit FOR VALUES FROM (MINVALUE) TO (date_trunc('month', now()));
CREATE TABLE visit_new PARTITION OF visit DEFAULT;
CREATE INDEX ON visit (visitor, at);
CREATE INDEX ON visit USING hash (visitor);
CREATE TABLE page (id int PRIMARY KEY, visit int, at timestamptz, url text, FOREIGN KEY (visit, at) REFERENCES visit);
CREATE TABLE parcel (id int PRIMARY KEY, page int, receiver journey_privacy.pseudonym);
-- by a kind, in four types; inherited; without a number; partitioned by hash of the pseudonym
CREATE TABLE customer (id bigint PRIMARY KEY, phone journey_privacy.sealed);
CREATE TABLE lead (mail text, note text);
CREATE TABLE lead_hot (since date) INHERITS (lead);
CREATE TABLE device (id uuid, model text, at timestamptz DEFAULT now());
CREATE TABLE screening (watcher journey_privacy.pseudonym, film text);
CREATE TABLE scan (card varchar(30), n int) PARTITION BY LIST (card);
CREATE TABLE scan_all PARTITION OF scan DEFAULT;
CREATE TABLE spread (who journey_privacy.pseudonym, n int) PARTITION BY HASH (who);
CREATE TABLE spread_0 PARTITION OF spread FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE spread_1 PARTITION OF spread FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE spread_2 PARTITION OF spread FOR VALUES WITH (MODULUS 3, REMAINDER 2);
SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '25 months'),
       journey_privacy.protect('customer', 'id', kind => 'customer_id'),
       journey_privacy.protect('lead', 'mail', kind => 'email', on_refused => 'skip'),
       journey_privacy.protect('device', 'id', kind => 'device_id', occurred_at => 'at', visibility => 'collected'),
       journey_privacy.protect('screening', 'watcher', number_column => NULL, on_erase => 'redact', redact => '{"watcher": null}'),
       journey_privacy.protect('spread', 'who'),
       journey_privacy.protect('scan', 'card', kind => 'loyalty_card');
SELECT journey_privacy.link_table('parcel', '{page}', 'page', '{id}');
SELECT journey_privacy.register_pseudonym_column('parcel', 'receiver');
SELECT journey_privacy.minimize('visit', 'ip', 'truncate_ip');
SELECT journey_privacy.allow_columns('ads', 'visit', '{id,at,event}');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO analyst, clerk;

INSERT INTO visit SELECT n, journey_privacy.pseudonymize('customer_id', n % 97), now() - n * interval '2 hours',
  (ARRAY['home','cart','buy'])[n % 3 + 1], ('192.0.2.' || n % 256)::inet FROM generate_series(1, 2000) n;
INSERT INTO page SELECT id, id, at, '/' || id FROM visit WHERE id % 2 = 0;
INSERT INTO parcel SELECT id, id, journey_privacy.pseudonymize('customer_id', id % 10) FROM page WHERE id % 4 = 0;
INSERT INTO customer SELECT n, journey_privacy.seal(journey_privacy.pseudonymize('customer_id', n), 'phone of ' || n, 'phone')
  FROM generate_series(0, 96) n;
INSERT INTO lead SELECT 'person' || n || '@example.com', n FROM generate_series(1, 40) n;
INSERT INTO lead_hot SELECT 'person' || n || '@example.com', n, now() FROM generate_series(20, 60) n;
INSERT INTO device SELECT md5(n::text)::uuid, n, '2026-01-01'::timestamptz + n * interval '1 day' FROM generate_series(1, 30) n;
INSERT INTO screening SELECT journey_privacy.pseudonymize('customer_id', n % 50), n FROM generate_series(1, 200) n;
INSERT INTO scan SELECT 'L-' || n % 20, n FROM generate_series(1, 60) n;
INSERT INTO spread SELECT journey_privacy.pseudonymize('customer_id', n % 60), n FROM generate_series(1, 300) n;
SELECT journey_privacy.create_journey_store('visit', 'visit_journey', '7 days');
SELECT journey_privacy.refresh_journey_store('visit_journey');
CREATE TABLE derived AS SELECT id, event FROM visit WHERE id < 10;

SELECT journey_privacy.record_consent(('customer_id:' || n)::journey_privacy.pseudonym, 'analytics', n % 3 > 0,
  now() - n * interval '5 days', 'banner', 'v1', jsonb_build_object('n', n), 'FR') FROM generate_series(1, 90) n;
SELECT journey_privacy.record_consent(journey_privacy.pseudonymize('device_id', md5(n::text)::uuid), 'analytics', true, '2026-01-15') FROM generate_series(1, 30) n;
SELECT journey_privacy.object_to(('customer_id:' || n)::journey_privacy.pseudonym, 'ads') FROM generate_series(1, 90, 4) n;
SELECT journey_privacy.restrict_processing(('customer_id:' || n)::journey_privacy.pseudonym, 'disputed') FROM generate_series(5, 90, 17) n;
SELECT journey_privacy.link_identity(('customer_id:' || n)::journey_privacy.pseudonym,
  ('email:person' || n || '@example.com')::journey_privacy.pseudonym) FROM generate_series(1, 20) n;
SELECT journey_privacy.rotate_key('seal');
INSERT INTO customer SELECT n, journey_privacy.seal(journey_privacy.pseudonymize('customer_id', n), 'phone of ' || n, 'phone')
  FROM generate_series(200, 210) n;
SELECT journey_privacy.rotate_key('pseudonym');
SELECT journey_privacy.rekey_pseudonyms();
SELECT journey_privacy.place_hold('a lawsuit', subject => 'customer_id:31');
SELECT count(*) FROM journey_privacy.open_request('access', 'customer_id:40');
CALL journey_privacy.erase('customer_id:30', 'asked', md5('30')::uuid);
CALL journey_privacy.erase('customer_id:31', 'asked', md5('31')::uuid);
CALL journey_privacy.erase('email:person7@example.com', 'asked', md5('7')::uuid);
SET journey_privacy.purpose = billing;
SET ROLE clerk;
SELECT count(*) FROM visit;
RESET ROLE;
SELECT journey_privacy.checkpoint_audit();
