-- The records under journey_privacy: :records of them, ten to a person.  What
-- GDPRbench keeps beside every record, we keep once for a person: PUR, OBJ, DEC
-- and SHR are decisions.  TTL is the column by which retain_for counts, ACL is
-- allow(), SRC and CAT are columns.

SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();

SELECT journey_privacy.create_purpose('service', 'contract'),
       journey_privacy.create_purpose('supervision', 'legal_obligation'),
       journey_privacy.create_purpose('automated', 'consent');
SELECT journey_privacy.create_purpose('purpose' || i, 'consent') FROM generate_series(0, 24) i;
SELECT journey_privacy.create_purpose('usage' || i, 'legitimate_interests') FROM generate_series(0, 9) i;
SELECT journey_privacy.create_purpose('share' || i, 'consent') FROM generate_series(0, 9) i;

CREATE TABLE record (
  key     text PRIMARY KEY,
  usr     journey_privacy.pseudonym NOT NULL,
  data    text NOT NULL,
  expires timestamptz NOT NULL,
  src     text NOT NULL,
  cat     text NOT NULL) WITH (fillfactor = 90);
SELECT journey_privacy.protect('record', 'usr', occurred_at => 'expires', retain_for => '1 second');

CREATE TEMPORARY TABLE person AS
  SELECT u, journey_privacy.pseudonymize('customer_id', u) AS usr
  FROM generate_series(0, :records / 10 - 1) u;
SELECT journey_privacy.record_consents(array_agg(usr), array_agg(purpose), array_agg(granted), source => 'src')
FROM (SELECT u, usr, 'purpose' || u % 25 AS purpose, true AS granted FROM person
      UNION ALL SELECT u, usr, 'usage' || u % 10, false FROM person
      UNION ALL SELECT u, usr, 'automated', u % 2 = 1 FROM person
      UNION ALL SELECT u, usr, 'share' || u % 10, true FROM person) d
GROUP BY u / 10000;
INSERT INTO record
  SELECT 'key' || i, p.usr, data_of(i), expires_of(i), 'src' || i % 10, 'cat' || i % 10
  FROM generate_series(0, :records - 1) i JOIN person p ON p.u = i % (:records / 10)
  ORDER BY i;

-- By whom, by purpose and by when rows are looked for.
CREATE INDEX ON record (usr);
CREATE INDEX ON record (journey_subject);
CREATE INDEX ON record (expires);

SELECT journey_privacy.allow('controller', 'service'), journey_privacy.allow('customer', 'service'),
       journey_privacy.allow('regulator', 'supervision');
SELECT journey_privacy.allow('processor', name) FROM journey_privacy.purpose
WHERE name ~ '^(purpose|usage|automated)';
ALTER ROLE controller SET journey_privacy.purpose = service;
ALTER ROLE customer SET journey_privacy.purpose = service;
ALTER ROLE processor SET journey_privacy.purpose = purpose7;
ALTER ROLE regulator SET journey_privacy.purpose = supervision;
SELECT 'CREATE ROLE acl' || i FROM generate_series(0, 9) i \gexec

GRANT SELECT, INSERT, UPDATE, DELETE ON record TO controller, customer;
GRANT SELECT ON record TO processor, regulator;
GRANT SELECT ON journey_privacy.audit_log TO regulator;
GRANT EXECUTE ON FUNCTION
  journey_privacy.pseudonymize(text, bigint),
  journey_privacy.consent_history(journey_privacy.pseudonym),
  journey_privacy.verify_erasure(uuid) TO controller, customer, regulator;
GRANT EXECUTE ON FUNCTION
  journey_privacy.record_consent(journey_privacy.pseudonym, text, boolean, timestamptz, text, text, jsonb, text),
  journey_privacy.object_to(journey_privacy.pseudonym, text, timestamptz, text),
  journey_privacy.allow(name, text) TO controller, customer;
GRANT EXECUTE ON PROCEDURE
  journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb),
  journey_privacy.purge_expired(regclass, integer) TO controller;

-- Those who were erased before, whom the regulator asks about.
SELECT format('CALL journey_privacy.erase(journey_privacy.pseudonymize(''customer_id'', %s), request_id => %L)',
              :records / 10 - i, lpad(i::text, 32, '0')::uuid)
FROM generate_series(1, 100) i \gexec
