-- Journeys of SUBJECTS people, EVENTS events in 90 days, in whole seconds and in
-- the order in which they came.  With -v events=… -v subjects=…; the same each time.
--
--   plain        subject, at, event: what the other contestants get
--   plain_index  the same with two covering indexes
--   visit        protected, everybody consents to the purpose analytics; under
--                the purpose service, by contract, nobody had to
--   visit_open   the rows of visit, not protected
--   sample       plain of about 2,000 subjects, for the oracle
SET client_min_messages = warning;
SET timezone = 'UTC';
SET work_mem = '1GB';
SET maintenance_work_mem = '1GB';
CREATE EXTENSION IF NOT EXISTS pg_prewarm;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_purpose('analytics', 'consent', min_group => 1);
SELECT journey_privacy.create_purpose('service', 'contract', min_group => 1);

-- Twenty names; of 1,000 events so many have each.
CREATE TABLE name (code int PRIMARY KEY, event text COLLATE "C", share int);
INSERT INTO name VALUES (1, 'home', 170), (2, 'product', 160), (3, 'list', 130), (4, 'search', 110), (5, 'image', 90),
  (6, 'review', 60), (7, 'cart', 55), (8, 'scroll', 50), (9, 'filter', 40), (10, 'login', 25), (11, 'buy', 22),
  (12, 'wishlist', 20), (13, 'account', 16), (14, 'help', 12), (15, 'coupon', 10), (16, 'share', 8), (17, 'chat', 7),
  (18, 'return', 6), (19, 'newsletter', 5), (20, 'logout', 4);

-- A visit has 1 to about 30 events; one in twenty is slow, with pauses that end
-- sessions.  Everybody comes once, some much more often.
SELECT setseed(0.42);
CREATE TABLE arrival AS
  SELECT i AS visit, CASE WHEN i <= :subjects THEN i ELSE 1 + floor(:subjects * random() ^ 1.3)::int END AS subject,
    floor(random() * 90 * 86400)::int AS second, 1 + floor(-4.6 * ln(1 - random()))::int AS events,
    CASE WHEN random() < 0.05 THEN 1500 ELSE 120 END AS pace
  FROM generate_series(1, 1000 + (:events * 0.3)::int) i;
CREATE TABLE deck AS
  SELECT array_agg(event) AS events FROM (SELECT event FROM name, generate_series(1, share) ORDER BY code) d;
CREATE TABLE plain AS
  SELECT subject, timestamptz '2026-01-01' + second * interval '1 second' AS at, event COLLATE "C" AS event
  FROM (SELECT subject, second + floor(random() * pace * a.events)::int AS second,
          deck.events[1 + floor(random() * 1000)::int] AS event
        FROM arrival a, deck, generate_series(1, a.events) LIMIT :events) e
  ORDER BY second;
DROP TABLE arrival, deck;
CREATE TABLE plain_index AS TABLE plain;
CREATE INDEX ON plain_index (subject, at, event);
CREATE INDEX ON plain_index (event, subject, at);
CREATE TABLE sample AS SELECT * FROM plain WHERE subject % greatest(:subjects / 2000, 1) = 0;

CREATE TABLE person AS SELECT i AS subject, journey_privacy.pseudonymize('customer_id', i) AS visitor
  FROM generate_series(1, :subjects) i;
CREATE TABLE visit (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text COLLATE "C" NOT NULL);
SELECT journey_privacy.protect('visit', subject => 'visitor', occurred_at => 'at');
INSERT INTO visit (visitor, at, event) SELECT visitor, at, event FROM plain JOIN person USING (subject) ORDER BY at;
SELECT journey_privacy.record_consents(array_agg(visitor), array_agg('analytics'::text), array_agg(true))
FROM person GROUP BY subject / 100000;
CREATE TABLE visit_open AS TABLE visit;

DROP ROLE IF EXISTS journey_privacy_bench_analyst;
CREATE ROLE journey_privacy_bench_analyst;
SELECT journey_privacy.allow('journey_privacy_bench_analyst', 'analytics');
SELECT journey_privacy.allow('journey_privacy_bench_analyst', 'service');
GRANT SELECT ON plain, plain_index, visit, visit_open, sample TO journey_privacy_bench_analyst;
VACUUM (FREEZE, ANALYZE) plain;
VACUUM (FREEZE, ANALYZE) plain_index;
VACUUM (FREEZE, ANALYZE) visit;
VACUUM (FREEZE, ANALYZE) visit_open;
CREATE INDEX ON sample (subject, at, event);
CREATE INDEX ON sample (event, subject, at);
VACUUM (FREEZE, ANALYZE) sample;
CHECKPOINT;

-- Milliseconds that a query takes, without its answer's way to the client.
CREATE FUNCTION took(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
BEGIN
  EXECUTE query;
  RETURN round(1000 * extract(epoch FROM clock_timestamp() - started), 1);
END $$;
