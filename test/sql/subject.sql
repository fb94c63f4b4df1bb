-- The registry: one dense number for each subject, never used twice.
\set VERBOSITY terse
SELECT count(*) AS before FROM journey_privacy.subject \gset
SELECT coalesce(max(number), -1) AS highest FROM journey_privacy.subject \gset

CREATE TABLE subject_visit (visitor journey_privacy.pseudonym, at timestamptz);
SELECT journey_privacy.protect('subject_visit', 'visitor');

-- looking never registers
SELECT journey_privacy.is_erased('email:nobody@example.com');
SELECT count(*) - :before AS registered FROM journey_privacy.subject;

-- 1,000 people in 3,000 rows of one statement: 1,000 numbers without a gap
INSERT INTO subject_visit
  SELECT ('customer_id:' || i % 1000)::journey_privacy.pseudonym, now()
  FROM generate_series(1, 3000) i;
SELECT count(*) AS subjects, max(number) - min(number) + 1 AS span, min(number) = :highest + 1 AS follows
  FROM journey_privacy.subject WHERE number > :highest;
SELECT count(*) AS disagreeing FROM subject_visit v JOIN journey_privacy.subject s ON s.pseudonym = v.visitor
  WHERE v.journey_subject IS DISTINCT FROM s.number;

-- the same people again, in other spellings of their identity: no new number
INSERT INTO subject_visit SELECT ('email:person' || i || '@example.com')::journey_privacy.pseudonym
  FROM generate_series(1, 5) i;
INSERT INTO subject_visit SELECT ('email: PERSON' || i || '@Example.com ')::journey_privacy.pseudonym
  FROM generate_series(1, 5) i;
SELECT count(*) AS subjects FROM journey_privacy.subject WHERE number > :highest;

-- what is rolled back is not remembered
BEGIN;
SAVEPOINT s;
INSERT INTO subject_visit VALUES ('email:rolled.back@example.com');
ROLLBACK TO s;
INSERT INTO subject_visit VALUES ('email:rolled.back@example.com');
COMMIT;
SELECT count(*) AS disagreeing FROM subject_visit v
  LEFT JOIN journey_privacy.subject s ON s.pseudonym = v.visitor
  WHERE v.journey_subject IS DISTINCT FROM s.number;

-- an erased subject's number is never given again
SELECT number AS erased_number FROM journey_privacy.subject
  WHERE pseudonym = 'email:person3@example.com' \gset
CALL journey_privacy.erase('email:person3@example.com') \gset
SELECT journey_privacy.is_erased('email:person3@example.com'),
       journey_privacy.is_erased('email:person4@example.com');
INSERT INTO subject_visit SELECT ('customer_id:new' || i)::journey_privacy.pseudonym
  FROM generate_series(1, 10) i;
SELECT count(*) FILTER (WHERE number = :erased_number) AS reused,
       count(*) - count(DISTINCT number) AS twice FROM journey_privacy.subject;

-- nobody but the extension writes the registry
CREATE ROLE regress_subject_reader;
SET ROLE regress_subject_reader;
SELECT count(*) FROM journey_privacy.subject;
INSERT INTO journey_privacy.subject VALUES (NULL);
SELECT count(*) FROM journey_privacy.tombstone;
SELECT nextval('journey_privacy.subject_number');
SELECT journey_privacy.is_erased('p1_000000000000000000000000');
RESET ROLE;
DROP ROLE regress_subject_reader;
DROP TABLE subject_visit;
