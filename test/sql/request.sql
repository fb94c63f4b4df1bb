-- Requests of data subjects: their life, their deadlines, and what becomes of
-- them.  Who LISTENs, rotated keys, crashes and workers beside each other are
-- in test/t/050 and 051.
\set VERBOSITY terse
\pset null '-'
SET client_min_messages = warning;
CREATE TABLE rq_visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz, event text);
SELECT journey_privacy.protect('rq_visit', 'visitor', occurred_at => 'at');
CREATE TABLE rq_page (id int PRIMARY KEY, visit int REFERENCES rq_visit);
CREATE INDEX ON rq_page (visit);
INSERT INTO rq_visit SELECT i, ('customer_id:request' || i % 10)::journey_privacy.pseudonym, '2026-01-01 10:00+00', 'home'
  FROM generate_series(9100000, 9100029) i;
INSERT INTO rq_page SELECT i, i FROM generate_series(9100000, 9100029) i;
SELECT journey_privacy.create_purpose('rq_' || basis, basis)
  FROM unnest(ARRAY['consent', 'opt_out', 'legitimate_interests', 'public_task', 'contract']) basis;
-- ids by a number
CREATE FUNCTION rq(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT format('91000000-0000-4000-8000-%s', lpad(n::text, 12, '0'))::uuid $$;
CREATE VIEW rq AS
  SELECT right(id::text, 4)::int AS n, kind, regulation, status, attempts, last_error FROM journey_privacy.request
  WHERE id::text LIKE '91000000-%' ORDER BY id;
CREATE VIEW rq_told AS
  SELECT right(request_id::text, 4)::int AS n, string_agg(status, ' ' ORDER BY id) AS told
  FROM journey_privacy.callback WHERE request_id::text LIKE '91000000-%' GROUP BY 1, url ORDER BY 1;

-- bad arguments
SELECT journey_privacy.open_request(NULL, 'customer_id:request0');
SELECT journey_privacy.open_request('deletion', 'customer_id:request0');
SELECT journey_privacy.open_request('erasure', NULL);
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', regulation => NULL);
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', regulation => 'hipaa');
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', received_at => NULL);
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', received_at => now() + interval '1 hour');
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', received_at => '-infinity');
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', verified => NULL);
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', purposes => '{rq_consent}');
SELECT journey_privacy.open_request('objection', 'customer_id:request0', purposes => '{}');
SELECT journey_privacy.open_request('objection', 'customer_id:request0', purposes => '{rq_consent,NULL}');
SELECT journey_privacy.open_request('objection', 'customer_id:request0', purposes => '{rq_unknown}');
SELECT journey_privacy.open_request('objection', 'customer_id:request0', purposes => '{rq_consent,rq_contract}');
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', identities => '{NULL}');
SELECT journey_privacy.open_request('erasure', 'customer_id:request0',
         identities => array_fill('customer_id:request0'::journey_privacy.pseudonym, ARRAY[100]));
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', callback_urls => array_fill('https://a.example/'::text, ARRAY[21]));
DO $$
DECLARE
  url text;
BEGIN
  FOREACH url IN ARRAY ARRAY[NULL, '', 'http://a.example/', 'https://', 'https:///x', 'https://ann:pw@a.example/', 'https://a.example/#x',
                             'https://a.example/ x', E'https://a.example/\nx', 'https://ä.example/', 'https://?x', 'HTTPS://a.example/',
                             'https://' || repeat('a', 2041)] LOOP
    BEGIN
      PERFORM journey_privacy.open_request('erasure', 'customer_id:request0', callback_urls => ARRAY[url]);
      RAISE WARNING 'taken: %', url;
    EXCEPTION WHEN invalid_parameter_value OR null_value_not_allowed THEN
    END;
  END LOOP;
END $$;
SELECT journey_privacy.verify_request(NULL);
SELECT journey_privacy.confirm_request(rq(404));
SELECT journey_privacy.verify_request(rq(404));
SELECT journey_privacy.extend_request(rq(404), 'reason');
SELECT journey_privacy.extend_request(rq(404), NULL);
SELECT journey_privacy.extend_request(rq(404), ' ');
SELECT journey_privacy.refuse_request(rq(404), 'reason');
SELECT journey_privacy.refuse_request(rq(404), NULL);
SELECT journey_privacy.complete_request(rq(404));
SELECT journey_privacy.cancel_request(rq(404));
SELECT journey_privacy.request_result(rq(404));
SELECT journey_privacy.request_result(NULL);
CALL journey_privacy.process_requests(NULL);
CALL journey_privacy.process_requests(-1);
CALL journey_privacy.process_requests(keep_results_for => '300000 years');
CALL journey_privacy.process_requests(keep_results_for => '0');
CALL journey_privacy.process_requests(1, NULL);
CALL journey_privacy.process_requests(1, '0');
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL journey_privacy.process_requests();
ROLLBACK;
SELECT * FROM rq;

-- Deadlines against an oracle: a month ends on the same day, or on the last one;
-- business days are looked for one by one; whatever the time zone of the session.
SELECT setseed(0.91);
INSERT INTO journey_privacy.holiday
  SELECT DISTINCT r, '2023-12-01'::date + (random() * 1500)::int FROM generate_series(1, 60), unnest(ARRAY['gdpr', 'ccpa']) r;
CREATE TEMP TABLE receipt AS
  SELECT r AS regulation, '2024-01-01 00:00+00'::timestamptz + random() * interval '1200 days' AS at
    FROM generate_series(1, 1500), unnest(ARRAY['gdpr', 'ccpa']) r
  UNION ALL
  SELECT r, d + t FROM generate_series('2024-01-28 00:00+00'::timestamptz, '2025-03-31', '1 day') d,
    unnest(ARRAY['0', '23:59:59.999999']::interval[]) t, unnest(ARRAY['gdpr', 'ccpa']) r;
CREATE FUNCTION months_after(at timestamp, n int) RETURNS timestamp LANGUAGE sql AS $$
  SELECT max(d) + at::time FROM generate_series(date_trunc('month', at) + make_interval(months => n),
    date_trunc('month', at) + make_interval(months => n + 1) - interval '1 day', '1 day') d
  WHERE extract(day FROM d) <= extract(day FROM at) $$;
CREATE FUNCTION business_days_after(by text, at timestamp, n int) RETURNS timestamp LANGUAGE sql AS $$
  SELECT d + at::time FROM generate_series(at::date + interval '1 day', at::date + interval '60 days', '1 day') d
  WHERE extract(isodow FROM d) < 6 AND d::date NOT IN (SELECT day FROM journey_privacy.holiday WHERE regulation = by)
  ORDER BY d OFFSET n - 1 LIMIT 1 $$;
SET TimeZone = 'America/Los_Angeles';
CREATE TEMP TABLE given AS SELECT * FROM receipt, journey_privacy.request_deadlines(regulation, at);
CREATE TEMP TABLE opted_out AS SELECT r.*, k.kind, d.* FROM receipt r, unnest(ARRAY['objection', 'restriction']) k(kind),
  journey_privacy.request_deadlines(regulation, at, kind) d;
SET TimeZone = 'UTC';
SELECT count(*) AS receipts,
  count(*) FILTER (WHERE due_at AT TIME ZONE 'UTC' <> CASE regulation
    WHEN 'gdpr' THEN months_after(at AT TIME ZONE 'UTC', 1) ELSE at AT TIME ZONE 'UTC' + interval '1080 hours' END) AS due_wrong,
  count(*) FILTER (WHERE extended_due_at AT TIME ZONE 'UTC' <> CASE regulation
    WHEN 'gdpr' THEN months_after(at AT TIME ZONE 'UTC', 3) ELSE at AT TIME ZONE 'UTC' + interval '2160 hours' END) AS extended_wrong,
  count(*) FILTER (WHERE confirm_by AT TIME ZONE 'UTC' <>
    business_days_after(regulation, at AT TIME ZONE 'UTC', CASE regulation WHEN 'gdpr' THEN 3 ELSE 10 END)) AS confirm_wrong,
  count(*) FILTER (WHERE extract(day FROM due_at) <> extract(day FROM at) AND regulation = 'gdpr') > 0 AS some_month_is_short
FROM given;
-- opting out and limiting under the CCPA: 15 business days, and no more; all else is as above
SELECT regulation, kind, count(*) FILTER (WHERE due_at AT TIME ZONE 'UTC' <> CASE regulation
    WHEN 'gdpr' THEN months_after(at AT TIME ZONE 'UTC', 1) ELSE business_days_after(regulation, at AT TIME ZONE 'UTC', 15) END) AS due_wrong,
  count(*) FILTER (WHERE extended_due_at AT TIME ZONE 'UTC' IS DISTINCT FROM CASE regulation
    WHEN 'gdpr' THEN months_after(at AT TIME ZONE 'UTC', 3) END) AS extended_wrong,
  count(*) FILTER (WHERE confirm_by <> (journey_privacy.request_deadlines(regulation, at)).confirm_by) AS confirm_wrong
FROM opted_out GROUP BY 1, 2 ORDER BY 1, 2;
TRUNCATE journey_privacy.holiday;
-- the ends of months; a weekend moves no time to answer, but the time to confirm
SELECT regulation, r::timestamptz AS received_at, d.* FROM (VALUES
  ('gdpr', '2025-01-31 10:00+00'), ('gdpr', '2024-01-31 10:00+00'), ('gdpr', '2025-11-30 23:30+00'), ('gdpr', '2025-10-08 10:00+00'),
  ('ccpa', '2025-01-31 10:00+00'), ('ccpa', '2025-02-01 10:00+00')) v(regulation, r), journey_privacy.request_deadlines(regulation, r::timestamptz) d;
SELECT journey_privacy.request_deadlines('hipaa', now());
SELECT journey_privacy.request_deadlines('gdpr', now(), 'wish');
SELECT journey_privacy.request_deadlines('gdpr', 'infinity');
SELECT journey_privacy.request_deadlines('gdpr', '294276-12-31 00:00+00');
INSERT INTO journey_privacy.holiday SELECT 'gdpr', d FROM generate_series('2025-01-01'::date, '2026-12-31', '1 day') d;
SELECT journey_privacy.request_deadlines('gdpr', '2025-01-31');
TRUNCATE journey_privacy.holiday;
RESET TimeZone;

-- Every status over every path, and every change from there: allowed, or 55000.
CREATE TEMP TABLE path (path text[]);
INSERT INTO path VALUES ('{}'), ('{verify}'), ('{verify,work}'), ('{verify,work,complete}'), ('{verify,complete}'), ('{refuse}'), ('{verify,refuse}'),
  ('{cancel}'), ('{verify,cancel}');
CREATE PROCEDURE rq_do(what text, v_id uuid) LANGUAGE plpgsql AS $$
BEGIN
  CASE what
    WHEN 'verify' THEN PERFORM journey_privacy.verify_request(v_id);
    WHEN 'confirm' THEN PERFORM journey_privacy.confirm_request(v_id);
    WHEN 'refuse' THEN PERFORM journey_privacy.refuse_request(v_id, 'unfounded');
    WHEN 'cancel' THEN PERFORM journey_privacy.cancel_request(v_id);
    WHEN 'complete' THEN PERFORM journey_privacy.complete_request(v_id);
    WHEN 'extend' THEN PERFORM journey_privacy.extend_request(v_id, 'complex');
    -- a failure keeps it in progress
    WHEN 'work' THEN CALL journey_privacy.process_requests();
  END CASE;
END $$;
CREATE FUNCTION rq_try(path text[], what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_id uuid;
  step text;
  before text;
  after text;
BEGIN
  BEGIN
    v_id := journey_privacy.open_request('access', 'customer_id:request_path', callback_urls => '{https://a.example/}');
    UPDATE journey_privacy.request_subject SET trace = '\x00' WHERE request_id = v_id;
    FOREACH step IN ARRAY path LOOP
      CALL rq_do(step, v_id);
    END LOOP;
    SELECT status INTO before FROM journey_privacy.request WHERE id = v_id;
    BEGIN
      CALL rq_do(what, v_id);
      SELECT status INTO after FROM journey_privacy.request WHERE id = v_id;
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
      after := '55000';
    END;
    SELECT concat_ws(' ', before, '->', after, ':', string_agg(status, ' ' ORDER BY id)) INTO after
      FROM journey_privacy.callback WHERE request_id = v_id;
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN
    RETURN after;
  END;
END $$;
SET client_min_messages = error;
SELECT path, what, rq_try(path, what) FROM path, unnest(ARRAY['work', 'complete', 'refuse', 'cancel', 'verify', 'confirm', 'extend']) WITH ORDINALITY w(what, n)
  ORDER BY path, n;
SET client_min_messages = warning;

-- confirming and extending
SELECT journey_privacy.open_request('access', 'customer_id:request0', request_id => rq(1), received_at => now() - interval '20 days',
         callback_urls => '{https://a.example/x,https://b.example/,https://b.example/}');
SELECT journey_privacy.open_request('access', 'customer_id:request0', request_id => rq(1));
SELECT journey_privacy.confirm_request(rq(1)), journey_privacy.confirm_request(rq(1));
SELECT journey_privacy.extend_request(rq(1), 'many accounts') = (received_at AT TIME ZONE 'UTC' + interval '3 months') AT TIME ZONE 'UTC' AS three_months
  FROM journey_privacy.request WHERE id = rq(1);
SELECT journey_privacy.extend_request(rq(1), 'more accounts');
SELECT extension_reason, extended_at IS NOT NULL AS extended, confirmed_at IS NOT NULL AS confirmed FROM journey_privacy.request WHERE id = rq(1);
SELECT journey_privacy.open_request('rectification', 'customer_id:request0', 'ccpa', now() - interval '44 days', request_id => rq(2)),
       journey_privacy.open_request('rectification', 'customer_id:request0', 'ccpa', now() - interval '46 days', request_id => rq(3));
SELECT journey_privacy.extend_request(rq(2), 'late') = received_at + interval '2160 hours' AS ninety_days FROM journey_privacy.request WHERE id = rq(2);
SELECT journey_privacy.extend_request(rq(3), 'too late');
-- opting out under the CCPA: sooner, and never extended
BEGIN;
SELECT journey_privacy.open_request('objection', 'customer_id:request0', 'ccpa', now() - interval '3 days', request_id => rq(4)) IS NOT NULL AS opened;
SELECT r.due_at = d.due_at AS fifteen_days, d.extended_due_at FROM journey_privacy.request r,
  journey_privacy.request_deadlines('ccpa', r.received_at, 'objection') d WHERE r.id = rq(4);
SELECT journey_privacy.extend_request(rq(4), 'many accounts');
ROLLBACK;
-- the URLs were told of the later end
SELECT * FROM rq_told;
SELECT url, due_at > now() + interval '60 days' AS later FROM journey_privacy.callback WHERE request_id = rq(1) ORDER BY url;
-- overdue: nobody confirmed the last two, one should be answered
SELECT right(id::text, 4)::int AS n, kind, status, verified, what, overdue_by > '0' AS overdue FROM journey_privacy.overdue_request
  WHERE id::text LIKE '91000000-%' ORDER BY 1, 5;
SELECT journey_privacy.verify_request(rq(3));
-- what is for a human is never taken
CALL journey_privacy.process_requests();
SELECT * FROM rq;
SELECT journey_privacy.complete_request(rq(3)), journey_privacy.refuse_request(rq(2), 'unfounded');
SELECT right(id::text, 4)::int AS n, what FROM journey_privacy.overdue_request WHERE id::text LIKE '91000000-%';
SELECT status, refusal_reason FROM journey_privacy.request WHERE id = rq(2);

-- Nothing is done before it is verified who asks.
CALL journey_privacy.process_requests();
SELECT journey_privacy.request_result(rq(1));
SELECT * FROM rq WHERE n = 1;
SELECT journey_privacy.verify_request(rq(1));
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n = 1;
SELECT * FROM rq_told WHERE n = 1;
SELECT jsonb_path_query_array(r, '$.tables.*.id') AS ids, r - 'tables' AS rest,
       r = journey_privacy.export_subject('customer_id:request0') AS same FROM journey_privacy.request_result(rq(1)) r;
-- no byte of it can be read
SELECT strpos(document::text, 'home') AS readable,
       expires_at - made_at BETWEEN interval '29 days' AND interval '31 days' AS a_month
  FROM journey_privacy.request_result WHERE request_id = rq(1);

-- All kinds at once; one person may have several identities.
SELECT journey_privacy.link_identity('customer_id:request2', 'customer_id:request3');
SELECT journey_privacy.open_request('portability', 'customer_id:request1', verified => true, request_id => rq(10), identities => '{customer_id:request2,customer_id:request_new}'),
       journey_privacy.open_request('access', 'customer_id:request_unknown', verified => true, request_id => rq(11)),
       journey_privacy.open_request('erasure', 'customer_id:request4', verified => true, request_id => rq(12), identities => '{customer_id:request5,customer_id:request5}',
         callback_urls => '{https://a.example/}'),
       journey_privacy.open_request('restriction', 'customer_id:request6', verified => true, request_id => rq(13)),
       journey_privacy.open_request('objection', 'customer_id:request7', verified => true, request_id => rq(14)),
       journey_privacy.open_request('objection', 'customer_id:request_objects', verified => true, request_id => rq(15), purposes => '{rq_public_task,rq_consent,rq_public_task}'),
       journey_privacy.open_request('rectification', 'customer_id:request7', verified => true, request_id => rq(16)),
       journey_privacy.open_request('erasure', 'customer_id:request_unknown', request_id => rq(17));
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n >= 10;
SELECT * FROM rq_told WHERE n >= 10;
SELECT jsonb_path_query_array(r, '$.tables.*.id') AS ids, r - 'tables' AS rest FROM journey_privacy.request_result(rq(10)) r;
SELECT count(*) AS identities, count(layer) AS layers FROM journey_privacy.request_subject WHERE request_id = rq(10);
SELECT journey_privacy.request_result(rq(11)), journey_privacy.request_result(rq(12));
SELECT sum(rows) AS left_of_erased FROM journey_privacy.verify_erasure(rq(12));
SELECT state, receipt ->> 'subjects' AS subjects FROM journey_privacy.erasure WHERE request_id = rq(12);
SELECT purpose, decision, e.at = r.received_at AS as_of_receipt, source FROM journey_privacy.consent_event e
  JOIN journey_privacy.request r ON source = 'request ' || r.id WHERE (purpose LIKE 'rq\_%' OR purpose IS NULL) ORDER BY source, purpose;
SELECT restricted FROM journey_privacy.subject WHERE pseudonym = 'customer_id:request6';

-- A later decision stays in force.
SELECT journey_privacy.open_request('objection', 'customer_id:request8', received_at => now() - interval '2 days', verified => true, request_id => rq(20),
         purposes => '{rq_consent}');
SELECT journey_privacy.record_consent('customer_id:request8', 'rq_consent', true, now() - interval '1 day') IS NOT NULL AS agreed_again;
CALL journey_privacy.process_requests();
SELECT granted FROM journey_privacy.consent_of('customer_id:request8') WHERE purpose = 'rq_consent';

-- Who was erased is not restricted, objects to nothing, and learns that nothing is there.
SELECT journey_privacy.open_request('restriction', 'customer_id:request4', verified => true, request_id => rq(21)),
       journey_privacy.open_request('objection', 'customer_id:request4', verified => true, request_id => rq(22)),
       journey_privacy.open_request('access', 'customer_id:request4', verified => true, request_id => rq(23)),
       journey_privacy.open_request('erasure', 'customer_id:request4', verified => true, request_id => rq(24));
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 20 AND 29;
SELECT journey_privacy.request_result(rq(23));
SELECT count(*) AS subjects FROM journey_privacy.subject WHERE pseudonym = 'customer_id:request4';

-- Results end with any of their subjects, an alias too, and with time.
SELECT path, rows FROM journey_privacy.preview_erasure('customer_id:request3') WHERE relation = 'journey_privacy.request_result'::regclass;
CREATE TEMP TABLE backup AS SELECT * FROM journey_privacy.request_result WHERE request_id = rq(10);
CALL journey_privacy.erase('customer_id:request3') \gset
SELECT t -> 'rows' AS results FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t WHERE t ->> 'table' = 'journey_privacy.request_result';
SELECT journey_privacy.request_result(rq(10));
-- not even from a backup
INSERT INTO journey_privacy.request_result SELECT * FROM backup;
SELECT journey_privacy.request_result(rq(10));
DELETE FROM journey_privacy.request_result WHERE request_id = rq(10);
UPDATE journey_privacy.request_result SET expires_at = now() - interval '1 second' WHERE request_id = rq(1);
SELECT journey_privacy.request_result(rq(1));
CALL journey_privacy.process_requests(0);
SELECT count(*) FROM journey_privacy.request_result WHERE request_id = rq(1);

-- A failure is kept in our own words, put off longer each time, and stops nobody else.
CREATE FUNCTION rq_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE 'page of ann@example.com' USING TABLE = 'ann@example.com', SCHEMA = 'public', CONSTRAINT = 'ann@example.com';
END $$;
CREATE TRIGGER fail BEFORE DELETE ON rq_page FOR EACH ROW WHEN (OLD.id = 9100007) EXECUTE FUNCTION rq_fail();
CREATE TABLE rq_kept (page int);
CREATE FUNCTION rq_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO rq_kept VALUES (OLD.id); RETURN OLD; END $$;
CREATE TRIGGER keep AFTER DELETE ON rq_page FOR EACH ROW EXECUTE FUNCTION rq_keep();
ALTER TABLE rq_kept ADD CONSTRAINT rq_none CHECK (page <> 9100009);
SELECT journey_privacy.open_request('erasure', 'customer_id:request7', received_at => now() - interval '3 days', verified => true, request_id => rq(30)),
       journey_privacy.open_request('erasure', 'customer_id:request9', received_at => now() - interval '2 days', verified => true, request_id => rq(31)),
       journey_privacy.open_request('erasure', 'customer_id:request8', verified => true, request_id => rq(32));
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 30 AND 39;
-- they are not tried again before their time
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 30 AND 39;
SELECT count(*) FROM rq_visit WHERE visitor IN ('customer_id:request7', 'customer_id:request9');
DROP TRIGGER fail ON rq_page;
DROP TRIGGER keep ON rq_page;
UPDATE journey_privacy.request SET next_attempt_at = now() WHERE id IN (rq(30), rq(31));
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 30 AND 39;
SELECT count(*) FROM rq_visit WHERE visitor IN ('customer_id:request7', 'customer_id:request9');
-- whoever asks cannot be read any more
SELECT journey_privacy.open_request('access', 'customer_id:request0', verified => true, request_id => rq(33));
UPDATE journey_privacy.request_subject SET trace = '\x00' WHERE request_id = rq(33);
CALL journey_privacy.process_requests();
SELECT last_error FROM rq WHERE n = 33;
SET client_min_messages = error;
DO $$
DECLARE
  waits text := '';
  wait interval;
BEGIN
  FOR i IN 1 .. 13 LOOP
    SELECT next_attempt_at - clock_timestamp() INTO wait FROM journey_privacy.request WHERE id = rq(33);
    waits := concat_ws(' ', waits, ceil(extract(epoch FROM wait) / 60));
    UPDATE journey_privacy.request SET next_attempt_at = now() WHERE id = rq(33);
    CALL journey_privacy.process_requests();
  END LOOP;
  PERFORM set_config('rq.waits', waits, false);
END $$;
SET client_min_messages = warning;
SELECT current_setting('rq.waits') AS minutes;
DELETE FROM journey_privacy.request WHERE id = rq(33);

-- Being cancelled is no failure, and ends the call.
CREATE FUNCTION rq_sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN OLD; END $$;
CREATE TRIGGER sleep BEFORE DELETE ON rq_page FOR EACH ROW WHEN (OLD.id = 9100000) EXECUTE FUNCTION rq_sleep();
SELECT journey_privacy.open_request('erasure', 'customer_id:request0', received_at => now() - interval '1 day', verified => true, request_id => rq(40)),
       journey_privacy.open_request('access', 'customer_id:request1', verified => true, request_id => rq(41));
SET statement_timeout = '5s';
CALL journey_privacy.process_requests();
RESET statement_timeout;
SELECT * FROM rq WHERE n BETWEEN 40 AND 49;
DROP TRIGGER sleep ON rq_page;
CALL journey_privacy.process_requests(1);
SELECT * FROM rq WHERE n BETWEEN 40 AND 49;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
CALL journey_privacy.process_requests(1);

-- A hold defers, and says so; once it is released, the next call completes.
INSERT INTO rq_visit SELECT i, ('customer_id:request' || i % 10 + 10)::journey_privacy.pseudonym, '2026-01-01 10:00+00', 'home'
  FROM generate_series(9100040, 9100049) i;
SELECT journey_privacy.place_hold('a dispute', 'customer_id:request10') AS hold \gset
SELECT journey_privacy.place_hold('an audit', 'customer_id:request11', held_until => now() + interval '2 hours') IS NULL AS missing;
SELECT journey_privacy.open_request('erasure', 'customer_id:request10', verified => true, request_id => rq(50), callback_urls => '{https://a.example/}'),
       journey_privacy.open_request('erasure', 'customer_id:request11', verified => true, request_id => rq(51)),
       journey_privacy.open_request('access', 'customer_id:request10', verified => true, request_id => rq(52));
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 50 AND 59;
SELECT ceil(extract(epoch FROM next_attempt_at - now()) / 3600) AS hours FROM journey_privacy.request WHERE id IN (rq(50), rq(51)) ORDER BY id;
SELECT request_id = rq(50) AS first, state FROM journey_privacy.erasure WHERE request_id IN (rq(50), rq(51)) ORDER BY request_id;
SELECT count(*) FROM rq_visit WHERE visitor IN ('customer_id:request10', 'customer_id:request11');
-- no further receipt while nothing changes
UPDATE journey_privacy.request SET next_attempt_at = now() WHERE id = rq(50);
CREATE TEMP TABLE receipts AS SELECT number FROM journey_privacy.erasure WHERE request_id = rq(50);
CALL journey_privacy.process_requests();
SELECT e.number = r.number AS same_receipt FROM journey_privacy.erasure e, receipts r WHERE request_id = rq(50);
SELECT status, next_attempt_at > now() + interval '23 hours' AS put_off FROM journey_privacy.request WHERE id = rq(50);
CALL journey_privacy.release_hold(:'hold');
SELECT * FROM rq WHERE n = 50;
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 50 AND 59;
SELECT * FROM rq_told WHERE n = 50;
-- the end of a hold
UPDATE journey_privacy.hold SET held_until = now() WHERE reason = 'an audit';
UPDATE journey_privacy.request SET next_attempt_at = now() WHERE id = rq(51);
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 50 AND 59;
SELECT count(*) FROM rq_visit WHERE visitor IN ('customer_id:request10', 'customer_id:request11');

-- Within a transaction block all of it, or nothing.
SELECT journey_privacy.open_request('erasure', 'customer_id:request12', verified => true, request_id => rq(60)),
       journey_privacy.open_request('access', 'customer_id:request13', verified => true, request_id => rq(61));
BEGIN;
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 60 AND 69;
ROLLBACK;
SELECT * FROM rq WHERE n BETWEEN 60 AND 69;
SELECT count(*) FROM rq_visit WHERE visitor = 'customer_id:request12';
DO $$ BEGIN CALL journey_privacy.process_requests(1); END $$;
BEGIN;
CREATE TRIGGER fail BEFORE DELETE ON rq_visit FOR EACH ROW EXECUTE FUNCTION rq_fail();
SELECT journey_privacy.open_request('erasure', 'customer_id:request14', received_at => now() - interval '1 day', verified => true, request_id => rq(62));
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n BETWEEN 60 AND 69;
DROP TRIGGER fail ON rq_visit;
UPDATE journey_privacy.request SET next_attempt_at = now() WHERE id = rq(62);
CALL journey_privacy.process_requests();
COMMIT;
SELECT * FROM rq WHERE n BETWEEN 60 AND 69;
SELECT count(*) FROM rq_visit WHERE visitor IN ('customer_id:request12', 'customer_id:request14');

-- An id that an erasure has used belongs to that.
CALL journey_privacy.erase('customer_id:request15', request_id => rq(70)) \gset
SELECT journey_privacy.open_request('erasure', 'customer_id:request16', request_id => rq(70));

-- Whoever may execute needs no rights to our tables.
CREATE ROLE regress_request_officer;
SELECT journey_privacy.open_request('access', 'customer_id:request17', verified => true, request_id => rq(80));
SET ROLE regress_request_officer;
SELECT journey_privacy.verify_request(rq(80));
CALL journey_privacy.process_requests();
SELECT journey_privacy.request_result(rq(80));
SELECT FROM journey_privacy.overdue_request;
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.open_request(text, journey_privacy.pseudonym, text, timestamptz, boolean, text[], text[], uuid, journey_privacy.pseudonym[]),
  journey_privacy.verify_request(uuid), journey_privacy.request_result(uuid), journey_privacy.request_deadlines(text, timestamptz, text) TO regress_request_officer;
GRANT EXECUTE ON PROCEDURE journey_privacy.process_requests(int, interval) TO regress_request_officer;
SELECT 'customer_id:request18'::journey_privacy.pseudonym AS who \gset
SET ROLE regress_request_officer;
SELECT journey_privacy.open_request('access', :'who', request_id => rq(81));
SELECT journey_privacy.verify_request(rq(81));
CALL journey_privacy.process_requests();
SELECT jsonb_path_query_array(journey_privacy.request_result(rq(81)), '$.tables.*.id') AS ids;
SELECT (journey_privacy.request_deadlines('gdpr', '2025-01-01 00:00+00')).due_at AT TIME ZONE 'UTC' AS due_at;
SELECT FROM journey_privacy.request;
RESET ROLE;

-- Whose id an erasure of somebody else has taken is told, and tried again no sooner than others.
SELECT journey_privacy.open_request('erasure', 'customer_id:request19', verified => true, request_id => rq(90));
CALL journey_privacy.erase('customer_id:request_path', request_id => rq(90)) \gset
CALL journey_privacy.process_requests();
CALL journey_privacy.process_requests();
SELECT * FROM rq WHERE n = 90;

-- The audit knows what was done, and of nobody.
SELECT journey_privacy.checkpoint_audit() IS NULL AS missing;
SELECT command, outcome, detail, bool_or(subject IS NOT NULL) AS about_somebody FROM journey_privacy.audit_entry
  WHERE kind = 'request' AND at > now() - interval '1 hour' AND detail ~ '^(erasure|access)' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT count(*) AS named FROM journey_privacy.request r WHERE r::text ~ 'customer_id|p1_|ann@' OR r.last_error ~ 'page of';

REVOKE ALL ON FUNCTION journey_privacy.open_request(text, journey_privacy.pseudonym, text, timestamptz, boolean, text[], text[], uuid, journey_privacy.pseudonym[]),
  journey_privacy.verify_request(uuid), journey_privacy.request_result(uuid), journey_privacy.request_deadlines(text, timestamptz, text) FROM regress_request_officer;
REVOKE ALL ON PROCEDURE journey_privacy.process_requests(int, interval) FROM regress_request_officer;
DROP ROLE regress_request_officer;
SELECT array_agg(('customer_id:request' || n)::journey_privacy.pseudonym) AS everybody
  FROM (SELECT unnest(ARRAY['_unknown', '_new', '_objects', '_path']) UNION ALL SELECT generate_series(0, 19)::text) u(n) \gset
CALL journey_privacy.erase_many(:'everybody') \gset
DELETE FROM journey_privacy.request WHERE id::text LIKE '91000000-%';
SELECT count(*) FROM journey_privacy.request_subject WHERE request_id::text LIKE '91000000-%';
SELECT journey_privacy.drop_purpose(name) FROM journey_privacy.purpose WHERE name LIKE 'rq\_%';
DROP TABLE rq_page, rq_visit, rq_kept;
DROP VIEW rq, rq_told;
DROP FUNCTION rq(int), rq_fail, rq_keep, rq_sleep, months_after, business_days_after, rq_try;
DROP PROCEDURE rq_do;
