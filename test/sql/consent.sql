-- Purposes, the ledger, decisions and bitmaps, against an oracle that knows
-- only the ledger.
\set VERBOSITY terse
\pset null '-'
SELECT journey_privacy.create_purpose('t_' || basis, basis,
         consent_valid_for => CASE basis WHEN 'consent' THEN interval '13 months' END)
FROM unnest(ARRAY['consent', 'opt_out', 'contract', 'legal_obligation', 'vital_interests',
                  'public_task', 'legitimate_interests']) basis;

-- bad input
SELECT journey_privacy.create_purpose('t_consent', 'consent');
SELECT journey_privacy.create_purpose('T consent', 'consent');
SELECT journey_privacy.create_purpose(repeat('x', 64), 'consent');
SELECT journey_privacy.create_purpose('t_x', 'because');
SELECT journey_privacy.create_purpose('t_x', 'consent', consent_valid_for => '-1 day');
SELECT journey_privacy.create_purpose(NULL, 'consent');
SELECT journey_privacy.record_consent('email:a@example.com', 't_unknown', true);
SELECT journey_privacy.record_consent('email:a@example.com', 't_consent', NULL);
SELECT journey_privacy.record_consent(NULL, 't_consent', true);
SELECT journey_privacy.record_consent('email:a@example.com', 't_consent', true, at => 'infinity');
SELECT journey_privacy.record_consent('email:a@example.com', 't_consent', true,
                                      at => now() + interval '1 hour');
SELECT journey_privacy.withdraw('email:a@example.com', 't_unknown');
SELECT journey_privacy.drop_purpose('t_unknown');
SELECT count(*) AS events FROM journey_privacy.consent_event WHERE purpose LIKE 't\_%';

-- a purpose that was never used can be dropped, one with decisions cannot
SELECT journey_privacy.create_purpose('t_unused', 'consent');
SELECT journey_privacy.drop_purpose('t_unused');

-- the ledger is append-only, for superusers too
SELECT journey_privacy.record_consent('email:a@example.com', 't_consent', true,
         source => 'banner', document => 'notice 3', evidence => '{"button": "ok"}', region => 'DE')
  IS NOT NULL AS recorded;
SELECT decision, source, document, evidence, region,
       substr(id::text, 15, 1) AS uuid_version
  FROM journey_privacy.consent_event WHERE subject = 'email:a@example.com';
UPDATE journey_privacy.consent_event SET at = now();
DELETE FROM journey_privacy.consent_event;
TRUNCATE journey_privacy.consent_event;
SELECT journey_privacy.drop_purpose('t_consent');

-- The oracle: who may be seen, from the ledger alone.
CREATE VIEW oracle AS
WITH member AS (
  SELECT pseudonym AS subject, coalesce(head, number) AS person FROM journey_privacy.subject),
decision AS (
  SELECT DISTINCT ON (person, purpose) person, purpose, decision = 'granted' AS yes, at
  FROM journey_privacy.consent_event JOIN member USING (subject) WHERE purpose IS NOT NULL
  ORDER BY person, purpose, at DESC, decision = 'granted'),
restriction AS (
  SELECT DISTINCT ON (person) person, decision = 'restricted' AS restricted
  FROM journey_privacy.consent_event JOIN member USING (subject) WHERE purpose IS NULL
  ORDER BY person, at DESC, decision = 'restricted' DESC)
SELECT m.subject, p.name AS purpose,
  CASE WHEN p.basis = 'legal_obligation' THEN true
       WHEN coalesce(r.restricted, false) THEN false
       WHEN p.basis = 'consent'
         THEN coalesce(d.yes AND (p.consent_valid_for IS NULL
                OR (d.at AT TIME ZONE 'UTC' + p.consent_valid_for) AT TIME ZONE 'UTC' > now()), false)
       WHEN p.basis IN ('opt_out', 'legitimate_interests', 'public_task') THEN coalesce(d.yes, true)
       ELSE true END AS seen
FROM member m CROSS JOIN journey_privacy.purpose p
LEFT JOIN decision d ON d.person = m.person AND d.purpose = p.name
LEFT JOIN restriction r ON r.person = m.person
WHERE p.name LIKE 't\_%';

-- One row for each subject; what an analyst sees of it for each purpose.
CREATE TABLE consent_visit (visitor journey_privacy.pseudonym PRIMARY KEY);
SELECT journey_privacy.protect('consent_visit', 'visitor');
CREATE ROLE regress_consent_analyst;
GRANT SELECT ON consent_visit TO regress_consent_analyst;
SELECT journey_privacy.allow('regress_consent_analyst', name)
  FROM journey_privacy.purpose WHERE name LIKE 't\_%';
CREATE TABLE seen (purpose text, subject journey_privacy.pseudonym);
GRANT INSERT ON seen TO regress_consent_analyst;
CREATE PROCEDURE look() LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
  TRUNCATE seen;
  FOR name IN SELECT p.name FROM journey_privacy.purpose p WHERE p.name LIKE 't\_%' LOOP
    PERFORM set_config('journey_privacy.purpose', name, false);
    SET LOCAL ROLE regress_consent_analyst;
    INSERT INTO seen SELECT name, visitor FROM consent_visit;
    RESET ROLE;
  END LOOP;
END $$;
-- bits and oracle must be the same set
CREATE VIEW disagreement AS
SELECT purpose, subject, seen AS should_be_seen,
       EXISTS (SELECT FROM seen x WHERE x.purpose = o.purpose AND x.subject = o.subject) AS is_seen
FROM oracle o JOIN consent_visit v ON v.visitor = o.subject
WHERE seen <> EXISTS (SELECT FROM seen x WHERE x.purpose = o.purpose AND x.subject = o.subject);

-- Random histories: event times shuffled against arrival, many of them equal.
SELECT 0.20260 AS seed, setseed(0.20260);
INSERT INTO consent_visit
  SELECT ('customer_id:c' || i)::journey_privacy.pseudonym FROM generate_series(1, 1200) i;
CREATE TEMP TABLE arrival AS
SELECT row_number() OVER () AS n, * FROM (
  SELECT ('customer_id:c' || 1 + floor(random() * 1200))::journey_privacy.pseudonym AS subject,
         (SELECT array_agg(name) FROM journey_privacy.purpose WHERE name LIKE 't\_%')
           [1 + floor(random() * 7)] AS purpose,
         ('customer_id:c' || 1 + floor(random() * 1200))::journey_privacy.pseudonym AS other,
         floor(random() * 23) AS what,
         now() - floor(random() * 24) * interval '1 month' AS at
  FROM generate_series(1, 8000)) a;
CREATE PROCEDURE apply(first int, last int) LANGUAGE plpgsql AS $$
DECLARE a record;
BEGIN
  FOR a IN SELECT * FROM arrival WHERE n BETWEEN first AND last ORDER BY n LOOP
    CASE WHEN a.what < 9 THEN PERFORM journey_privacy.record_consent(a.subject, a.purpose, true, a.at);
         WHEN a.what < 13 THEN PERFORM journey_privacy.record_consent(a.subject, a.purpose, false, a.at);
         WHEN a.what < 15 THEN PERFORM journey_privacy.withdraw(a.subject, a.purpose, a.at);
         WHEN a.what < 17 THEN PERFORM journey_privacy.object_to(a.subject, a.purpose, a.at);
         WHEN a.what = 17 THEN PERFORM journey_privacy.lift_restriction(a.subject);
         WHEN a.what < 20 THEN PERFORM journey_privacy.restrict_processing(a.subject, 'disputed');
         WHEN a.what = 20 THEN PERFORM journey_privacy.link_identity(a.subject, a.other) WHERE a.subject <> a.other;
         ELSE PERFORM journey_privacy.unlink_identity(a.subject);
    END CASE;
  END LOOP;
END $$;
CALL apply(1, 4000);
CALL look();
SELECT count(*) AS disagreements FROM disagreement;
SELECT purpose, count(*) > 0 AS some, count(*) < 1200 AS not_all FROM seen GROUP BY purpose ORDER BY purpose;
SELECT count(*) > 100 AS aliases, count(DISTINCT head) > 50 AS with_aliases
  FROM journey_privacy.subject WHERE head IS NOT NULL;
SELECT count(*) AS wrong FROM journey_privacy.subject s
  WHERE linked <> EXISTS (SELECT FROM journey_privacy.subject a WHERE a.head = s.number)
     OR head IN (SELECT number FROM journey_privacy.subject WHERE head IS NOT NULL);
-- half of the rest is rolled back, in a transaction and in a savepoint
BEGIN;
CALL apply(4001, 5000);
CALL look();
SELECT count(*) AS disagreements FROM disagreement;
ROLLBACK;
BEGIN;
CALL apply(5001, 6000);
SAVEPOINT s;
CALL apply(6001, 7000);
ROLLBACK TO s;
CALL apply(7001, 8000);
COMMIT;
CALL look();
SELECT count(*) AS disagreements FROM disagreement;

-- a new purpose hides those who are restricted already
SELECT journey_privacy.create_purpose('t_late', 'opt_out');
SELECT journey_privacy.allow('regress_consent_analyst', 't_late');
CALL look();
SELECT count(*) AS disagreements FROM disagreement;
SELECT count(*) > 0 AS hides_somebody FROM oracle JOIN consent_visit ON visitor = subject
  WHERE purpose = 't_late' AND NOT seen;

-- in bulk: the same as one by one, and the bitmaps made anew are the same bitmaps
SELECT setseed(0.3);
CREATE TEMP TABLE bulk AS
SELECT ('customer_id:c' || 1 + floor(random() * 1500))::journey_privacy.pseudonym AS subject,
       (SELECT array_agg(name) FROM journey_privacy.purpose WHERE name LIKE 't\_%')
         [1 + floor(random() * 8)] AS purpose,
       random() < 0.6 AS granted,
       now() - floor(random() * 24) * interval '1 month' AS at
FROM generate_series(1, 5000);
SELECT journey_privacy.record_consents(array_agg(subject), array_agg(purpose), array_agg(granted),
                                       array_agg(at), source => 'import')
FROM bulk;
INSERT INTO consent_visit SELECT DISTINCT subject FROM bulk ON CONFLICT DO NOTHING;
CALL look();
SELECT count(*) AS disagreements FROM disagreement;
CREATE TEMP TABLE bits_before AS SELECT purpose, chunk, bits FROM journey_privacy.permitted;
SELECT journey_privacy.rebuild_permitted();
CALL look();
SELECT count(*) AS disagreements FROM disagreement;
-- bits of numbers that nobody has may differ, those of subjects may not
SELECT count(*) AS differing FROM journey_privacy.subject s CROSS JOIN journey_privacy.purpose p
  LEFT JOIN bits_before b ON b.purpose = p.name AND b.chunk = s.number / 8192
  LEFT JOIN journey_privacy.permitted n ON n.purpose = p.name AND n.chunk = s.number / 8192
  WHERE get_bit(b.bits, s.number % 8192) <> get_bit(n.bits, s.number % 8192);
SELECT journey_privacy.record_consents(ARRAY['email:x@example.com']::journey_privacy.pseudonym[], '{t_consent,t_consent}', '{t}');
SELECT journey_privacy.record_consents(ARRAY['email:x@example.com']::journey_privacy.pseudonym[], '{t_nothing}', '{t}');
SELECT journey_privacy.record_consents(ARRAY['email:x@example.com']::journey_privacy.pseudonym[], '{t_consent}', '{NULL}');
SELECT journey_privacy.record_consents(ARRAY['email:x@example.com']::journey_privacy.pseudonym[], '{t_consent}', '{t}', '{infinity}');
SELECT journey_privacy.record_consents('{}', '{}', '{}');
SELECT journey_privacy.is_erased('email:x@example.com'), count(*) AS events
  FROM journey_privacy.consent_event WHERE subject = 'email:x@example.com';

-- a purpose whose basis, or validity, changes later
SELECT journey_privacy.change_purpose('t_late', basis => 'consent', consent_valid_for => '6 months');
CALL look();
SELECT count(*) AS disagreements FROM disagreement;
SELECT journey_privacy.change_purpose('t_late', basis => 'legitimate_interests');
CALL look();
SELECT count(*) AS disagreements FROM disagreement;
SELECT journey_privacy.change_purpose('t_late', basis => 'mood');
SELECT journey_privacy.change_purpose('t_nothing', basis => 'consent');

-- what each said, counted, against the oracle of the ledger
SELECT count(*) AS wrong FROM journey_privacy.consent_rate r
  WHERE purpose LIKE 't\_%' AND yes + no + expired + silent <> subjects;
SELECT purpose, yes > 0 AS some_yes, no > 0 AS some_no, expired > 0 AS some_expired, silent > 0 AS some_silent
  FROM journey_privacy.consent_rate WHERE purpose IN ('t_consent', 't_opt_out') ORDER BY 1;

-- Consent that expires while its bit is set: hidden at once, mended by the
-- next writer of the chunk.
SELECT subject AS expiring FROM oracle JOIN consent_visit ON visitor = subject
  WHERE purpose = 't_consent' AND seen AND subject <> 'customer_id:c1' ORDER BY subject LIMIT 1 \gset
SELECT number FROM journey_privacy.subject WHERE pseudonym = :'expiring' \gset
UPDATE journey_privacy.consent_state SET valid_until = now() - interval '1 second'
  WHERE purpose = 't_consent' AND number = :number;
UPDATE journey_privacy.permitted SET next_expiry = now() - interval '1 second'
  WHERE purpose = 't_consent' AND chunk = :number / 8192;
CALL look();
SELECT count(*) FILTER (WHERE subject = :'expiring') AS disagreements_of_the_expired,
       count(*) FILTER (WHERE subject <> :'expiring') AS others FROM disagreement;
SELECT get_bit(bits, :number % 8192) AS stored_bit FROM journey_privacy.permitted
  WHERE purpose = 't_consent' AND chunk = :number / 8192;
SELECT journey_privacy.record_consent('customer_id:c1', 't_consent', true) IS NOT NULL AS written;
SELECT get_bit(bits, :number % 8192) AS stored_bit, next_expiry > now() AS mended
  FROM journey_privacy.permitted WHERE purpose = 't_consent' AND chunk = :number / 8192;

-- at equal times a no beats a yes, whichever comes first
SELECT journey_privacy.record_consent('email:b@example.com', 't_consent', yes, at => '2026-01-01') IS NOT NULL AS ok
  FROM unnest(ARRAY[true, false, true]) yes;
SELECT journey_privacy.record_consent('email:c@example.com', 't_consent', yes, at => '2026-01-01') IS NOT NULL AS ok
  FROM unnest(ARRAY[false, true]) yes;
SELECT granted, decided_at = '2026-01-01' AS at FROM journey_privacy.consent_state
  WHERE purpose = 't_consent' AND number IN
    (SELECT number FROM journey_privacy.subject
     WHERE pseudonym IN ('email:b@example.com', 'email:c@example.com'));

-- who was erased comes back only by a consent later than the erasure
CALL journey_privacy.erase('email:b@example.com') \gset
SELECT journey_privacy.record_consent('email:b@example.com', 't_consent', false);
SELECT journey_privacy.record_consent('email:b@example.com', 't_consent', true, at => '2026-02-01');
SELECT journey_privacy.restrict_processing('email:b@example.com');
SELECT journey_privacy.is_erased('email:b@example.com');
SELECT journey_privacy.record_consent('email:b@example.com', 't_consent', true, at => clock_timestamp())
  IS NOT NULL AS came_back;
SELECT journey_privacy.is_erased('email:b@example.com');

-- two identities, one subject: decisions merge, and part again
SELECT journey_privacy.record_consent('email:d@example.com', 't_consent', true, at => '2026-03-01') IS NOT NULL AS ok,
       journey_privacy.record_consent('device_id:d', 't_consent', false, at => '2026-04-01') IS NOT NULL AS ok;
CREATE TEMP VIEW in_force AS
  SELECT CASE pseudonym WHEN 'email:d@example.com' THEN 'email' ELSE 'device' END AS identity, granted, decided_at
  FROM journey_privacy.subject JOIN journey_privacy.consent_state USING (number)
  WHERE pseudonym IN ('email:d@example.com', 'device_id:d') AND purpose = 't_consent';
SELECT * FROM in_force ORDER BY 1;
SELECT journey_privacy.link_identity('email:d@example.com', 'device_id:d'),
       journey_privacy.link_identity('device_id:d', 'email:d@example.com');
SELECT * FROM in_force ORDER BY 1;
SELECT journey_privacy.record_consent('device_id:d', 't_consent', true, at => '2026-05-01') IS NOT NULL AS ok;
SELECT * FROM in_force ORDER BY 1;
SELECT purpose, basis, granted, decided_at, valid_until, expired = coalesce(valid_until <= now(), false) AS expired_is_so, restricted
  FROM journey_privacy.consent_of('device_id:d') WHERE purpose IN ('t_consent', 't_contract');
SELECT purpose, decision, at FROM journey_privacy.consent_history('email:d@example.com');
SELECT count(*) FROM journey_privacy.consent_history('email:nobody@example.com');
SELECT journey_privacy.unlink_identity('device_id:d'), journey_privacy.unlink_identity('device_id:d'),
       journey_privacy.unlink_identity('device_id:unknown');
SELECT * FROM in_force ORDER BY 1;
SELECT journey_privacy.link_identity('email:d@example.com', 'email:d@example.com');
-- identities that arrive hashed find their subject (SHA-256 of f@example.com, MD5)
SELECT journey_privacy.link_hashed_identities('email', ' F@Example.com '),
       journey_privacy.link_hashed_identities('email', 'f@example.com');
SELECT a.pseudonym = ('email_' || h.algorithm || ':' || h.hash)::journey_privacy.pseudonym AS linked, h.algorithm
  FROM (VALUES ('md5', md5('f@example.com')), ('sha256', upper(encode(sha256('f@example.com'), 'hex')))) h(algorithm, hash)
  JOIN journey_privacy.subject s ON s.pseudonym = 'email:f@example.com'
  JOIN journey_privacy.subject a ON a.head = s.number
   AND a.pseudonym = ('email_' || h.algorithm || ':' || h.hash)::journey_privacy.pseudonym;
SELECT journey_privacy.link_hashed_identities('device_id', 'x');
SELECT journey_privacy.link_hashed_identities('email', '');
-- erasing one identity erases the person
SELECT journey_privacy.link_identity('email:d@example.com', 'device_id:d');
CALL journey_privacy.erase('device_id:d') \gset
SELECT journey_privacy.is_erased('email:d@example.com'), journey_privacy.is_erased('device_id:d'),
       (SELECT t -> 'rows' FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t
        WHERE t ->> 'table' = 'journey_privacy.subject') AS identities;
SELECT journey_privacy.link_identity('email:e@example.com', 'device_id:d');

-- privileges
SET ROLE regress_consent_analyst;
SELECT journey_privacy.record_consent('p1_000000000000000000000000', 't_consent', true);
SELECT journey_privacy.create_purpose('t_mine', 'contract');
SELECT count(*) FROM journey_privacy.consent_event;
SELECT count(*) FROM journey_privacy.consent_state;
SELECT count(*) FROM journey_privacy.permitted;
SELECT name FROM journey_privacy.purpose WHERE name = 't_consent';
RESET ROLE;
RESET journey_privacy.purpose;
DROP VIEW disagreement, oracle;
DROP PROCEDURE look, apply;
DROP TABLE seen, consent_visit;
SELECT journey_privacy.disallow('regress_consent_analyst', name)
  FROM journey_privacy.purpose WHERE name LIKE 't\_%';
DROP ROLE regress_consent_analyst;
