-- Pseudonyms against hmac, digest and uuid; sealed values against pgcrypto.
--
--		psql -f test/bench/keys.sql [-v rows=1000000] [-v times=5]
--
-- in a database with the extension and a keyring.  The two of each line take
-- turns, the quickest of their runs counts: ratios, not times, are compared.
\if :{?rows} \else \set rows 1000000 \endif
\if :{?times} \else \set times 5 \endif
\set QUIET on
SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET max_parallel_maintenance_workers = 0;
SET work_mem = '2GB';
SET maintenance_work_mem = '2GB';

CREATE TEMP TABLE person AS
  SELECT 'user' || i || '@example.com' AS email, repeat('x', 64) AS words,
         journey_privacy.pseudonymize('customer_id', i % 1000) AS subject
  FROM generate_series(1, :rows) i;
CREATE TEMP TABLE p AS
  SELECT set_byte(decode(md5(i::text), 'hex'), 0, 1)::journey_privacy.pseudonym AS v
  FROM generate_series(1, :rows * 5) i;
CREATE TEMP TABLE u AS SELECT v::uuid AS v FROM p;
CREATE TEMP TABLE few AS SELECT * FROM person LIMIT :rows / 50;
CREATE TEMP TABLE shut AS
  SELECT subject, journey_privacy.seal(subject, words) AS sealed,
         public.pgp_sym_encrypt(words, 'a passphrase') AS pgp,
         public.encrypt(words::bytea, '0123456789abcdef0123456789abcdef', 'aes-cbc') AS raw
  FROM few;
ANALYZE;

CREATE TEMP TABLE bench (n serial, work text, ours text, theirs text, goal numeric, best float8[]);
INSERT INTO bench (work, ours, theirs, goal) VALUES
  ('pseudonymize / hmac sha256', $$SELECT count(journey_privacy.pseudonymize('email', email)) FROM person$$,
   $$SELECT count(public.hmac(email, 'a key of thirty-two bytes, more or less', 'sha256')) FROM person$$, 0.4),
  ('pseudonymize / digest sha256', $$SELECT count(journey_privacy.pseudonymize('email', email)) FROM person$$,
   $$SELECT count(public.digest(email, 'sha256')) FROM person$$, NULL),
  ('sort / uuid', $$SELECT count(*) FROM (SELECT v FROM p ORDER BY v OFFSET 0) s$$,
   $$SELECT count(*) FROM (SELECT v FROM u ORDER BY v OFFSET 0) s$$, 1.05),
  ('index build / uuid', $$CREATE INDEX b ON p (v); DROP INDEX b$$, $$CREATE INDEX b ON u (v); DROP INDEX b$$, 1.05),
  ('hash join / uuid', $$SET enable_mergejoin = off; SELECT count(*) FROM p a JOIN p b USING (v); RESET enable_mergejoin$$,
   $$SET enable_mergejoin = off; SELECT count(*) FROM u a JOIN u b USING (v); RESET enable_mergejoin$$, 1.05),
  ('merge join / uuid', $$SET enable_hashjoin = off; SELECT count(*) FROM p a JOIN p b USING (v); RESET enable_hashjoin$$,
   $$SET enable_hashjoin = off; SELECT count(*) FROM u a JOIN u b USING (v); RESET enable_hashjoin$$, 1.05),
  ('group by / uuid', $$SELECT count(*) FROM (SELECT v FROM p GROUP BY v) g$$,
   $$SELECT count(*) FROM (SELECT v FROM u GROUP BY v) g$$, 1.05),
  ('seal / pgp_sym_encrypt', $$SELECT count(journey_privacy.seal(subject, words)) FROM few$$,
   $$SELECT count(public.pgp_sym_encrypt(words, 'a passphrase')) FROM few$$, 0.2),
  ('unseal / pgp_sym_decrypt', $$SELECT count(journey_privacy.unseal(subject, sealed)) FROM shut$$,
   $$SELECT count(public.pgp_sym_decrypt(pgp, 'a passphrase')) FROM shut$$, 0.2),
  ('seal / encrypt', $$SELECT count(journey_privacy.seal(subject, words)) FROM few$$,
   $$SELECT count(public.encrypt(words::bytea, '0123456789abcdef0123456789abcdef', 'aes-cbc')) FROM few$$, NULL),
  ('unseal / decrypt', $$SELECT count(journey_privacy.unseal(subject, sealed)) FROM shut$$,
   $$SELECT count(public.decrypt(raw, '0123456789abcdef0123456789abcdef', 'aes-cbc')) FROM shut$$, NULL);

-- seconds that statements take
CREATE FUNCTION pg_temp.took(statements text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  start timestamptz := clock_timestamp();
  statement text;
BEGIN
  FOREACH statement IN ARRAY string_to_array(statements, '; ') LOOP
    EXECUTE statement;
  END LOOP;
  RETURN extract(epoch FROM clock_timestamp() - start);
END $$;
CREATE PROCEDURE pg_temp.run(times integer) LANGUAGE plpgsql AS $$
DECLARE
  b bench;
BEGIN
  FOR b IN SELECT * FROM bench ORDER BY n LOOP
    FOR i IN 1 .. times LOOP
      UPDATE bench SET best = ARRAY[least(best[1], pg_temp.took(b.ours)), least(best[2], pg_temp.took(b.theirs))]
        WHERE n = b.n;
      COMMIT;
    END LOOP;
  END LOOP;
END $$;
CALL pg_temp.run(:times);
SELECT work, round(best[1]::numeric * 1000) AS ours_ms, round(best[2]::numeric * 1000) AS theirs_ms,
       round((best[1] / best[2])::numeric, 2) AS ratio, goal,
       CASE WHEN best[1] / best[2] <= goal THEN 'reached' WHEN goal IS NOT NULL THEN 'missed' END AS verdict
  FROM bench ORDER BY n;
