-- People for smith_tables.sql: of three, one agreed and two may not be seen, in
-- each of the ways there are.  What nobody may see is unusual enough to be
-- searched for (smith.py knows how), and differs with the variable mark, 7 or
-- 9, in nothing but a digit.
CREATE TEMP TABLE person AS
  SELECT i, ('customer_id:' || i)::journey_privacy.pseudonym AS visitor, i % 3 = 0 AS seen,
         CASE WHEN i % 3 > 0 THEN (ARRAY['never', 'refused', 'withdrawn', 'restricted', 'expired', 'erased'])[1 + i / 3 % 6] END AS why
  FROM generate_series(1, 90) i;
SELECT journey_privacy.link_identity(visitor, ('email:' || i || '@example.com')::journey_privacy.pseudonym)
  FROM person WHERE i % 2 = 0;

-- Decisions that let everybody be stored, at first.
SELECT journey_privacy.record_consent(visitor, p, why IS DISTINCT FROM 'refused',
         CASE why WHEN 'expired' THEN :'now'::timestamptz - interval '11 years' ELSE :'now'::timestamptz - interval '1 year' END)
  FROM person, unnest(ARRAY['analytics', 'answers']) p WHERE why IS DISTINCT FROM 'never';

INSERT INTO shop.visit
  SELECT n, visitor,
         CASE WHEN seen THEN timestamptz '2026-01-01Z' + n * interval '7 hours' ELSE timestamptz '2177-07-07 07:07:00Z' + (n * 60 + :mark) * interval '1 second' END,
         CASE WHEN i IN (3, 6) AND n % 4 = 0 THEN 'quokka' WHEN seen OR n % 2 = 0 THEN (ARRAY['home', 'cart', 'buy'])[1 + n % 3] ELSE 'kanarie' || :mark END,
         CASE WHEN seen THEN 'zebra' || n ELSE 'kanarie' || :mark || '-' || n END,
         CASE WHEN seen THEN jsonb_build_object('page', n) ELSE jsonb_build_object('kanarie' || :mark, jsonb_build_object('deep', 'kanarie' || :mark, 'n', 1770077000 + :mark)) END,
         CASE WHEN seen THEN n ELSE 1770077000 + :mark END,
         CASE WHEN seen THEN n + 0.5 ELSE 1770077000.25 + :mark END,
         CASE WHEN seen THEN n ELSE 1770077000.5 + :mark END,
         CASE WHEN seen THEN '{a,b}'::text[] ELSE ARRAY['kanarie' || :mark, 'b'] END,
         CASE WHEN seen THEN inet '10.0.0.1' + n ELSE inet '177.0.77.0' + :mark END,
         CASE WHEN seen THEN 'a0000000-0000-4000-8000-000000000000'::uuid ELSE ('17700770-0770-4077-8077-00000000000' || :mark)::uuid END,
         CASE WHEN seen THEN '\x00'::bytea ELSE convert_to('kanarie' || :mark, 'UTF8') END,
         CASE WHEN seen THEN date '2026-01-01' + n ELSE date '2177-07-10' + :mark END,
         to_tsvector('simple', CASE WHEN seen THEN 'zebra' ELSE 'kanarie' || :mark END)
  FROM (SELECT row_number() OVER (ORDER BY round, i)::int AS n, p.* FROM person p, generate_series(1, 3) round) p;
INSERT INTO shop.region
  SELECT CASE WHEN i % 2 = 0 THEN 'north' ELSE 'south' END, visitor, at, note, amount FROM shop.visit JOIN person USING (visitor);
INSERT INTO shop.base SELECT visitor, note FROM shop.visit WHERE id <= 45;
INSERT INTO shop.child SELECT visitor, note, note FROM shop.visit WHERE id > 45 AND id <= 90;
INSERT INTO shop.mail
  SELECT i || '@example.com', CASE WHEN seen THEN :'now'::timestamptz ELSE timestamptz '2177-07-07Z' END,
         CASE WHEN seen THEN 'zebra' ELSE 'kanarie' || :mark END, CASE WHEN seen THEN i ELSE 1770077000 + :mark END
  FROM person WHERE i % 2 = 0;
INSERT INTO shop.customer SELECT i, CASE WHEN seen THEN 'zebra' ELSE 'kanarie' || :mark END FROM person;
-- what happened before somebody agreed stays hidden
INSERT INTO shop.past
  SELECT visitor, :'now'::timestamptz - age, CASE WHEN seen AND age < interval '1 year' THEN 'zebra' ELSE 'kanarie' || :mark END
  FROM person, unnest(ARRAY[interval '1 month', interval '3 years']) age;
-- and what a purpose may not see of those whom it sees
INSERT INTO shop.secret SELECT i, visitor, 'kanarie' || :mark, 1770077000 + :mark FROM person;
INSERT INTO shop.letter
  SELECT visitor, journey_privacy.seal(visitor, CASE WHEN seen THEN 'zebra' ELSE 'kanarie' || :mark END, 'address') FROM person;
INSERT INTO shop.entry
  SELECT i, visitor, CASE WHEN seen THEN 'zebra' ELSE 'kanarie' || :mark END, CASE WHEN seen THEN i ELSE 1770077000 + :mark END FROM person;
INSERT INTO shop.line SELECT i, visitor, CASE WHEN seen THEN 'zebra' ELSE 'kanarie' || :mark END FROM person;

SELECT journey_privacy.withdraw(visitor, p) FROM person, unnest(ARRAY['analytics', 'answers']) p WHERE why = 'withdrawn';
SELECT journey_privacy.restrict_processing(visitor) FROM person WHERE why = 'restricted';
SELECT journey_privacy.refresh_journey_store('journey_of_visit');
VACUUM ANALYZE;
SELECT format('CALL journey_privacy.erase(%L)', visitor) FROM person WHERE why = 'erased' \gexec
-- the pseudonyms that nobody may see
\pset tuples_only on
\pset format unaligned
\o :hidden
SELECT visitor FROM person WHERE NOT seen
UNION ALL SELECT ('email:' || i || '@example.com')::journey_privacy.pseudonym FROM person WHERE NOT seen AND i % 2 = 0;
\o
