-- schema.sql: what the fault run works on, one of everything.  The canaries are
-- the props of visits, the bodies of notes and the identities themselves.
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_purpose('agreed', 'consent', consent_valid_for => '13 months');
SELECT journey_privacy.create_purpose('shop', 'opt_out');
SELECT journey_privacy.create_purpose('books', 'legal_obligation');

CREATE TABLE visit (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  visitor journey_privacy.pseudonym NOT NULL,
  at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  event   text NOT NULL,
  props   text NOT NULL);
SELECT journey_privacy.protect('visit', subject => 'visitor', occurred_at => 'at', retain_for => '400 days',
                               on_refused => 'skip');
CREATE INDEX ON visit (visitor);
CREATE INDEX ON visit (journey_subject);
CREATE TABLE page (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, visit bigint NOT NULL REFERENCES visit);
CREATE INDEX ON page (visit);
CREATE TABLE note (page bigint NOT NULL, body text);
CREATE INDEX ON note (page);
SELECT journey_privacy.link_table('note', '{page}', 'page', '{id}', 'redact', '{"body": null}');
CREATE TABLE sale (customer text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), props text);
SELECT journey_privacy.protect('sale', subject => 'customer', kind => 'email', on_refused => 'skip', number_column => NULL,
                               on_erase => 'redact', redact => '{"customer": "nobody@example.org", "props": null}');
CREATE TABLE letter (id bigint GENERATED ALWAYS AS IDENTITY, body journey_privacy.sealed);
SELECT journey_privacy.create_journey_store('visit', 'visit_days', '1 day');

CREATE ROLE fault_analyst LOGIN;
GRANT SELECT ON visit, page, visit_days TO fault_analyst;
SELECT journey_privacy.allow('fault_analyst', 'agreed'), journey_privacy.allow('fault_analyst', 'shop');

-- A crowd that is never erased, with journeys from before, some past their time.
INSERT INTO visit (visitor, at, event, props)
  SELECT journey_privacy.pseudonymize('customer_id', i % :crowd), now() - i % 500 * interval '1 day',
         (ARRAY['home', 'cart', 'buy'])[1 + i % 3], 'crowd'
  FROM generate_series(1, :crowd * 10) i;
INSERT INTO page (visit) SELECT id FROM visit WHERE id % 3 = 0;
INSERT INTO note SELECT id, 'crowd' FROM page WHERE id % 3 = 0;
SELECT journey_privacy.record_consents(array_agg(journey_privacy.pseudonymize('customer_id', i)),
         array_agg('agreed'::text), array_agg(i % 4 > 0)) AS decisions
FROM generate_series(0, :crowd - 1) i;
SELECT journey_privacy.refresh_journey_store('visit_days');
VACUUM ANALYZE;
