-- The ten-minute story.  What follows \set ECHO queries is what a user types;
-- the rest sets the stage and checks that the story is true.
\pset footer off
\pset null '-'
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE app LOGIN;
CREATE ROLE marketing LOGIN;
CREATE TEMP TABLE clickstream (user_id text, session_id text, event text, at timestamp,
  platform text, channel text, cohort text, lifecycle text);
\set copy '\\copy clickstream FROM ' :'csv' ' (FORMAT csv, HEADER)'
:copy
SELECT count(*) AS events, count(DISTINCT user_id) AS people FROM clickstream \gset
CREATE TEMP TABLE person AS
SELECT user_id, user_id || '@example.com' AS email,
       'email:' || user_id || '@example.com' AS identity,
       CASE WHEN n % 10 < 7 THEN 'yes' WHEN n % 10 < 9 THEN 'no' ELSE 'silent' END AS answer,
       now() - (n * 37 % 85 + 1) * interval '1 day' AS decided
FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) - 1 AS n
      FROM (SELECT DISTINCT user_id FROM clickstream) u) p;
CREATE FUNCTION pg_temp.must(truth boolean, claim text) RETURNS void LANGUAGE plpgsql AS
  $$ BEGIN IF truth IS NOT TRUE THEN RAISE 'the story is not true: %', claim; END IF; END $$;
CREATE TEMP TABLE shown (n int GENERATED ALWAYS AS IDENTITY, what text, result text);

\echo
\echo '== journey_privacy: the ten-minute story'
\echo 'Data:' :source :events 'events,' :people 'people'
\echo
\echo '== 1. The DBA installs the extension, makes a keyring and a purpose'
\set ECHO queries
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_purpose('analytics', basis => 'consent',
         description => 'Measure how visitors use the shop',
         consent_valid_for => '13 months');
SELECT journey_privacy.create_purpose('billing', basis => 'contract',
         description => 'Bill what was bought');
\set ECHO none

\echo
\echo '== 2. Three tables, linked by foreign keys; the first holds the journeys'
\set ECHO queries
CREATE TABLE visit (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  visitor  journey_privacy.pseudonym NOT NULL,
  at       timestamptz NOT NULL,
  event    text NOT NULL,
  props    jsonb NOT NULL DEFAULT '{}');
CREATE INDEX ON visit (visitor, at);
CREATE TABLE purchase (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  visit    bigint NOT NULL UNIQUE REFERENCES visit,
  amount   numeric NOT NULL);
CREATE TABLE parcel (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purchase bigint NOT NULL UNIQUE REFERENCES purchase,
  street   text NOT NULL);
SELECT journey_privacy.protect('visit', subject => 'visitor',
         occurred_at => 'at', retain_for => '25 months');
SELECT journey_privacy.allow('marketing', 'analytics');
GRANT SELECT ON visit TO marketing;

-- what the application may do
GRANT INSERT ON visit, purchase, parcel TO app;
GRANT EXECUTE ON FUNCTION
  journey_privacy.pseudonymize(text, text),
  journey_privacy.record_consent(journey_privacy.pseudonym, text, boolean, timestamptz,
                                 text, text, jsonb, text),
  journey_privacy.withdraw(journey_privacy.pseudonym, text, timestamptz, text) TO app;
GRANT EXECUTE ON PROCEDURE
  journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) TO app;
\set ECHO none

GRANT SELECT ON clickstream, person TO app;
GRANT SELECT ON visit, purchase TO app;  -- only to make the three tables fit together here

\echo
\echo '== 3. The application loads the journeys; identities become pseudonyms on the way in'
\set ECHO queries
SET ROLE app;
INSERT INTO visit (visitor, at, event, props)
  SELECT ('email:' || user_id || '@example.com')::journey_privacy.pseudonym, at, event,
         jsonb_build_object('session', session_id, 'platform', platform, 'channel', channel)
  FROM clickstream;
RESET ROLE;
SELECT visitor, at, event, journey_subject FROM visit ORDER BY id LIMIT 3;
\set ECHO none
INSERT INTO purchase (visit, amount)
  SELECT id, 10 + id % 90 FROM visit WHERE event = 'purchase';
INSERT INTO parcel (purchase, street)
  SELECT id, 'Example Street ' || id FROM purchase;
REVOKE SELECT ON visit, purchase FROM app;
ANALYZE;
INSERT INTO shown (what, result)
  SELECT 'events loaded, people', format('%s, %s', count(*), count(DISTINCT visitor)) FROM visit;

\echo
\echo '== 4. 70 % of the people consent, 20 % refuse, 10 % say nothing'
\set ECHO queries
SET ROLE app;
SELECT answer, count(journey_privacy.record_consent(identity::journey_privacy.pseudonym,
                       'analytics', answer = 'yes', at => decided, source => 'banner'))
  FROM person WHERE answer <> 'silent' GROUP BY answer ORDER BY answer DESC;
RESET ROLE;
\set ECHO none
SELECT count(*) AS expected FROM clickstream JOIN person USING (user_id) WHERE answer = 'yes' \gset

\echo
\echo '== 5. The analyst: refused without a purpose, and with one that is not theirs'
\set ON_ERROR_STOP off
\set ECHO queries
SET ROLE marketing;
SELECT count(*) FROM visit;
\set ECHO none
\set refused :ERROR
RESET ROLE;
\set ON_ERROR_STOP on
SELECT pg_temp.must(:'refused', 'this should have been refused') \gset ignored_
\set ON_ERROR_STOP off
SET ROLE marketing;
\set ECHO queries
SET journey_privacy.purpose = 'billing';
SELECT count(*) FROM visit;
\set ECHO none
\set refused :ERROR
\set ON_ERROR_STOP on
RESET ROLE;
SELECT pg_temp.must(:'refused', 'this should have been refused') \gset ignored_

\echo
\echo '== 6. With the purpose that marketing is allowed: consenting people only'
\set ECHO queries
SET ROLE marketing;
SET journey_privacy.purpose = 'analytics';
SELECT count(*) AS events, count(DISTINCT visitor) AS people FROM visit;
SELECT event, count(*) FROM visit GROUP BY event ORDER BY count DESC LIMIT 5;
\set ECHO none
SELECT count(*) AS seen, count(DISTINCT visitor) AS seen_people FROM visit \gset
RESET ROLE;
SELECT pg_temp.must(:seen = :expected, 'the analyst must see just the consenting people') \gset ignored_
SET ROLE marketing;

\echo
\echo '== 7. A funnel in plain SQL: home, product, cart, purchase'
\set ECHO queries
WITH home AS (
  SELECT visitor, min(at) AS at FROM visit WHERE event = 'home' GROUP BY visitor),
product AS (
  SELECT visitor, min(v.at) AS at FROM visit v JOIN home USING (visitor)
  WHERE v.event = 'product_view' AND v.at >= home.at GROUP BY visitor),
cart AS (
  SELECT visitor, min(v.at) AS at FROM visit v JOIN product USING (visitor)
  WHERE v.event = 'add_to_cart' AND v.at >= product.at GROUP BY visitor),
bought AS (
  SELECT visitor, min(v.at) AS at FROM visit v JOIN cart USING (visitor)
  WHERE v.event = 'purchase' AND v.at >= cart.at GROUP BY visitor)
SELECT (SELECT count(*) FROM home) AS home, (SELECT count(*) FROM product) AS product,
       (SELECT count(*) FROM cart) AS cart, (SELECT count(*) FROM bought) AS purchase;
\set ECHO none
\echo
\echo '== 8. One person withdraws and is gone from the next query'
RESET ROLE;
-- somebody who consented and bought something
SELECT p.email, p.identity FROM person p
  JOIN visit v ON v.visitor = p.identity::journey_privacy.pseudonym
  JOIN purchase b ON b.visit = v.id
  WHERE answer = 'yes' GROUP BY 1, 2 ORDER BY count(*) DESC, 1 LIMIT 1 \gset
SELECT count(*) AS events_of_one FROM visit
  WHERE visitor = :'identity'::journey_privacy.pseudonym \gset
\echo SELECT journey_privacy.withdraw(:'identity', '''analytics''');
SET ROLE app;
SELECT journey_privacy.withdraw(:'identity', 'analytics') \gset ignored_
SET ROLE marketing;
\set ECHO queries
SELECT count(*) AS events, count(DISTINCT visitor) AS people FROM visit;
\set ECHO none
SELECT count(*) AS left_seen FROM visit \gset
RESET ROLE;
SELECT pg_temp.must(:seen - :events_of_one = :left_seen, 'the person who withdrew must be gone') \gset ignored_

\echo
\echo '== 9. The same person asks to be forgotten: across three tables, with a receipt'
SELECT :'identity'::journey_privacy.pseudonym AS pseudonym \gset
SELECT number AS subject_number FROM journey_privacy.subject
  WHERE pseudonym = :'pseudonym' \gset
CREATE TEMP TABLE theirs AS
  SELECT v.id AS visit, b.id AS purchase, r.id AS parcel, r.street
  FROM visit v LEFT JOIN purchase b ON b.visit = v.id LEFT JOIN parcel r ON r.purchase = b.id
  WHERE v.visitor = :'pseudonym';
\echo SELECT * FROM journey_privacy.preview_erasure(:'identity');
SELECT * FROM journey_privacy.preview_erasure(:'identity');
\echo CALL journey_privacy.erase(:'identity');
SET ROLE app;
CALL journey_privacy.erase(:'identity') \gset
RESET ROLE;
SELECT jsonb_pretty(:'receipt'::jsonb) AS receipt;

\echo '== 10. The search for every trace: pseudonym, e-mail address, streets, subject number'
ANALYZE;
CREATE FUNCTION pg_temp.rows_with(needle text) RETURNS TABLE (place text, n bigint)
LANGUAGE plpgsql AS $$
DECLARE t regclass;
BEGIN
  FOR t IN SELECT c.oid FROM pg_class c
           WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p'
             AND c.relnamespace NOT IN ('pg_catalog'::regnamespace,
                                        'information_schema'::regnamespace) LOOP
    EXECUTE format('SELECT count(*) FROM %s t WHERE strpos(t::text, $1) > 0', t)
      INTO n USING needle;
    place := t; RETURN NEXT;
  END LOOP;
  SELECT 'planner statistics', count(*) INTO place, n FROM pg_stats s
    WHERE s.schemaname !~ '^pg_temp' AND strpos(s::text, needle) > 0;
  RETURN NEXT;
END $$;
CREATE TEMP TABLE found AS
SELECT needle_of, count(*) AS places_searched, sum(n) AS rows_found
FROM (VALUES ('pseudonym', :'pseudonym'), ('e-mail address', :'email')) needle(needle_of, text),
     LATERAL pg_temp.rows_with(needle.text)
GROUP BY needle_of
UNION ALL
SELECT 'visits, purchases, parcels by key', 3,
       (SELECT count(*) FROM visit WHERE id IN (SELECT visit FROM theirs)
          OR journey_subject = :subject_number)
     + (SELECT count(*) FROM purchase WHERE id IN (SELECT purchase FROM theirs))
     + (SELECT count(*) FROM parcel WHERE id IN (SELECT parcel FROM theirs)
          OR street IN (SELECT street FROM theirs))
UNION ALL
SELECT 'decisions of the subject number', 1,
       (SELECT count(*) FROM journey_privacy.consent_state WHERE number = :subject_number);
SELECT * FROM found ORDER BY needle_of;
SELECT pg_temp.must(sum(rows_found) = 0, 'no trace may be left') FROM found \gset ignored_

\echo
\echo '== 11. And the data does not come back'
\set ON_ERROR_STOP off
SET ROLE app;
\echo INSERT INTO visit (visitor, at, event) VALUES (:'identity', now(), '''home''');
INSERT INTO visit (visitor, at, event) VALUES (:'identity', now(), 'home');
\set refused :ERROR
\set ON_ERROR_STOP on
RESET ROLE;
SELECT pg_temp.must(:'refused', 'this should have been refused') \gset ignored_
RESET ROLE;

\echo
\echo '== 12. The privacy officer: requests with their deadlines, and the state of it all as a page'
\set ECHO queries
SELECT journey_privacy.set_controller('Example Shop Ltd', 'privacy@shop.example');
\set ECHO none
-- what has come in over the last weeks, from people who are still there
SELECT count(journey_privacy.open_request(kind, identity::journey_privacy.pseudonym,
         received_at => now() - ago, verified => verified)) AS requests
FROM (SELECT identity, row_number() OVER (ORDER BY user_id DESC) AS n FROM person) p
JOIN (VALUES (1, 'access', interval '2 days', true), (2, 'access', '9 days', true), (3, 'access', '1 day', false),
             (4, 'portability', '12 days', true), (5, 'erasure', '18 days', true), (6, 'erasure', '5 days', true),
             (7, 'erasure', '3 days', false), (8, 'objection', '6 days', true), (9, 'rectification', '16 days', true))
     r(n, kind, ago, verified) USING (n) \gset
SELECT count(journey_privacy.confirm_request(id)) FROM journey_privacy.request \gset ignored_
\echo CALL journey_privacy.process_requests();
CALL journey_privacy.process_requests();
\echo CALL journey_privacy.scrub();
CALL journey_privacy.scrub();
\set ECHO queries
SELECT size FROM journey_privacy.verify_audit(journey_privacy.checkpoint_audit());
GRANT EXECUTE ON FUNCTION journey_privacy.dashboard_html(regclass, text, text) TO marketing;
SET ROLE marketing;
SET journey_privacy.purpose = 'analytics';
\set ECHO none
\echo '\\o' :page
\echo 'SELECT journey_privacy.dashboard_html(''visit'');'
\pset format unaligned
\pset tuples_only on
\o :page
SELECT journey_privacy.dashboard_html('visit');
\o
\pset tuples_only off
\pset format aligned
RESET ROLE;

\echo
\echo '== Summary'
INSERT INTO shown (what, result)
  SELECT * FROM (VALUES
    ('people who said yes, no, nothing',
     (SELECT format('%s, %s, %s', count(*) FILTER (WHERE answer = 'yes'),
                    count(*) FILTER (WHERE answer = 'no'),
                    count(*) FILTER (WHERE answer = 'silent')) FROM person)),
    ('reading without a purpose, or for another', 'refused, refused'),
    ('events the analyst saw, and should', format('%s, %s', :'seen', :'expected')),
    ('people the analyst saw', :'seen_people'),
    ('events seen after one withdrawal', format('%s (%s fewer)', :'left_seen', :'events_of_one')),
    ('rows erased, tables', (SELECT format('%s, %s', sum((t ->> 'rows')::int), count(*))
       FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t
       WHERE t ->> 'action' = 'delete' AND t ->> 'table' NOT LIKE 'journey\_privacy.%')),
    ('traces found afterwards', (SELECT sum(rows_found)::text FROM found)),
    ('writing about the person again', 'refused')) s(what, result);
SELECT what, result FROM shown ORDER BY n;
