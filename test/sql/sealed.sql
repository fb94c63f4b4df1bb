-- Texts under a key of their subject, and what is left when the key is gone.
\set VERBOSITY terse
SELECT current_database() AS db \gset
CREATE FUNCTION thrown(statement text, secret text, OUT code text, OUT message text, OUT detail text, OUT leaked boolean)
  LANGUAGE plpgsql AS $$
DECLARE
  hint text;
  context text;
BEGIN
  EXECUTE statement;
  code := '00000';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
    detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
  leaked := position(secret IN concat(message, detail, hint, replace(context, statement, ''))) > 0;
END $$;

-- what is sealed opens again, never looks the same, and hides nothing but its length
CREATE TABLE letter (id integer PRIMARY KEY, subject journey_privacy.pseudonym, body journey_privacy.sealed);
INSERT INTO letter
  SELECT id, 'email:ann@example.com', journey_privacy.seal('email:ann@example.com', body, 'letter.body')
  FROM (VALUES (1, 'Dear Bob'), (2, ''), (3, NULL), (4, 'Grüße, 日本'), (5, 'Dear Bob'), (6, repeat('x', 100000))) v(id, body);
SELECT id, left(journey_privacy.unseal(subject, body, 'letter.body'), 20) AS opened, length(body::text) AS text,
       length(journey_privacy.sealed_send(body)) AS bytes, left(body::text, 2) AS begins
  FROM letter ORDER BY id;
SELECT count(DISTINCT body::text) FROM letter;
SELECT md5(journey_privacy.unseal(subject, body, 'letter.body')) = md5(repeat('x', 100000)) AS same FROM letter WHERE id = 6;

-- one data key for the subject, wrapped; another subject has another
INSERT INTO letter SELECT 7, p, journey_privacy.seal(p, 'Dear Ann', 'letter.body')
  FROM journey_privacy.pseudonymize('email', 'bob@example.com') p;
SELECT count(*) FROM journey_privacy.subject_key WHERE subject IN ('email:ann@example.com', 'email:bob@example.com');
SELECT length(wrapped), get_byte(wrapped, 0) AS version FROM journey_privacy.data_key
  WHERE key_id IN (SELECT key_id FROM journey_privacy.subject_key
                   WHERE subject IN ('email:ann@example.com', 'email:bob@example.com'));

-- text, binary and copied forms
CREATE TABLE copied (LIKE letter);
SELECT current_setting('data_directory') || '/sealed.copy' AS file \gset
COPY letter TO :'file';
COPY copied FROM :'file';
COPY letter TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT count(*), count(journey_privacy.unseal(subject, body, 'letter.body')) FROM copied;
SELECT input, code, message FROM (VALUES
    (''), ('AQ'), ('not sealed at all'), (repeat('A', 76)), ('AQEB' || repeat('A', 72)), ('AQEB' || repeat('A', 71)),
    ('AQEB' || repeat('A', 73)), ('AQEB' || repeat('A', 73) || 'B'), ('AQEB' || repeat('A', 72) || '===='),
    ('AQEB' || repeat('A', 71) || '+'), ('AQEB' || repeat('A', 71) || '/'), ('AQEB' || repeat('A', 36) || E'\n' || repeat('A', 36)),
    ('AQEB' || repeat('A', 70) || 'é'), ('AgEB' || repeat('A', 72)), ('AQAB' || repeat('A', 72))) v(input),
  thrown(format('SELECT %L::journey_privacy.sealed', input), 'secret');
COPY (SELECT 1, NULL::text, '\x02'::bytea) TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);

-- bound to subject and context
SELECT * FROM thrown($$SELECT journey_privacy.unseal('email:bob@example.com', body, 'letter.body') FROM letter WHERE id = 1$$, 'Dear');
SELECT * FROM thrown($$SELECT journey_privacy.unseal(subject, body, 'letter.head') FROM letter WHERE id = 1$$, 'Dear');
SELECT * FROM thrown($$SELECT journey_privacy.unseal(subject, body) FROM letter WHERE id = 1$$, 'Dear');
SELECT * FROM thrown($$SELECT journey_privacy.unseal('email:stranger@example.com', body, 'letter.body') FROM letter WHERE id = 1$$, 'Dear');

-- no byte of it can be changed, shortened or added: XX001 or not a value at all
CREATE FUNCTION to_sealed(bytes bytea) RETURNS journey_privacy.sealed LANGUAGE sql
  RETURN translate(encode(bytes, 'base64'), E'+/=\n', '-_')::journey_privacy.sealed;
WITH value AS (SELECT subject, journey_privacy.sealed_send(body) AS b FROM letter WHERE id = 1)
SELECT code, count(*) AS cases FROM value, generate_series(0, length(b) * 8 - 1) bit,
  thrown(format('SELECT journey_privacy.unseal(%L, to_sealed(%L), %L)', subject, set_bit(b, bit, 1 - get_bit(b, bit)), 'letter.body'), 'Dear')
  GROUP BY code ORDER BY code;
WITH value AS (SELECT subject, journey_privacy.sealed_send(body) AS b FROM letter WHERE id = 1)
SELECT code, count(*) AS cases FROM value, generate_series(0, length(b) - 1) len,
  thrown(format('SELECT journey_privacy.unseal(%L, to_sealed(%L), %L)', subject, substr(b, 1, len), 'letter.body'), 'Dear')
  GROUP BY code ORDER BY code;
SELECT code, message, detail, leaked FROM letter,
  thrown(format('SELECT journey_privacy.unseal(%L, to_sealed(%L), %L)', subject, journey_privacy.sealed_send(body) || '\x00', 'letter.body'), 'Dear')
  WHERE id = 1;

-- no equality, so no silent wrong answer
SELECT query, code, message FROM unnest(ARRAY[
    'SELECT count(*) FROM letter GROUP BY body', 'SELECT DISTINCT body FROM letter',
    'SELECT count(*) FROM letter WHERE body = body', 'SELECT body FROM letter UNION SELECT body FROM letter',
    'SELECT body FROM letter ORDER BY body', 'CREATE UNIQUE INDEX ON letter (body)',
    'SELECT count(*) FROM letter a JOIN letter b USING (body)']) query, thrown(query, 'Dear');
SELECT count(*) FROM (SELECT body FROM letter UNION ALL SELECT body FROM letter) a;
ANALYZE letter;

-- privilege: sealing and opening are separate
CREATE ROLE sealed_reader;
GRANT SELECT ON letter TO sealed_reader;
SET ROLE sealed_reader;
SELECT * FROM thrown($$SELECT journey_privacy.unseal(subject, body, 'letter.body') FROM letter$$, 'Dear');
SELECT * FROM thrown($$SELECT journey_privacy.seal('p1_000000000000000000000000', 'text')$$, '@');
SELECT * FROM thrown($$SELECT journey_privacy.shred_keys('p1_000000000000000000000000')$$, '@');
SELECT * FROM thrown($$SELECT journey_privacy.rewrap_keys()$$, '@');
SELECT * FROM thrown($$SELECT * FROM journey_privacy.data_key$$, '@');
SELECT * FROM thrown($$SELECT * FROM journey_privacy.subject_key$$, '@');
SELECT count(body) FROM letter;
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.seal(journey_privacy.pseudonym, text, text) TO sealed_reader;
GRANT EXECUTE ON FUNCTION journey_privacy.unseal(journey_privacy.pseudonym, journey_privacy.sealed, text) TO sealed_reader;
SET ROLE sealed_reader;
-- without any right on the tables behind
SELECT journey_privacy.unseal(p, journey_privacy.seal(p, 'Dear Carol')) FROM (SELECT 'p1_000000000000000000000000'::journey_privacy.pseudonym AS p) c;
SET search_path = pg_temp;
CREATE TEMP TABLE data_key (key_id uuid, wrapped bytea);
SELECT journey_privacy.unseal(p, journey_privacy.seal(p, 'Dear Dave')) FROM (SELECT 'p1_000000000000000000000001'::journey_privacy.pseudonym AS p) c;
SELECT count(*) FROM data_key;
DROP TABLE data_key;
RESET search_path;
RESET ROLE;
SELECT journey_privacy.shred_keys('p1_000000000000000000000000') + journey_privacy.shred_keys('p1_000000000000000000000001') AS shredded;

-- a new seal key: keys are wrapped anew where they lie, values stay as they are
CREATE TABLE before AS SELECT key_id, wrapped, ctid AS place FROM journey_privacy.data_key;
SELECT journey_privacy.rotate_key('seal') AS seal \gset
BEGIN;
SELECT journey_privacy.rotate_key('seal') > :seal AS newer;
SELECT * FROM thrown($$SELECT journey_privacy.rewrap_keys()$$, '@');
ROLLBACK;
SELECT code, message FROM thrown(format('SELECT journey_privacy.destroy_key(%L, %s)', 'seal', :seal - 1), '@');
SELECT journey_privacy.rewrap_keys() = count(*) AS every FROM before;
SELECT journey_privacy.rewrap_keys() AS again;
SELECT count(*) = count(*) FILTER (WHERE a.ctid = b.place AND a.wrapped <> b.wrapped AND get_byte(a.wrapped, 0) = :seal) AS in_place
  FROM journey_privacy.data_key a FULL JOIN before b USING (key_id);
SELECT id, left(journey_privacy.unseal(subject, body, 'letter.body'), 20) AS opened FROM letter ORDER BY id;
SELECT journey_privacy.destroy_key('seal', :seal - 1);
SELECT count(journey_privacy.unseal(subject, body, 'letter.body')) FROM letter;
-- what was wrapped under the destroyed key is lost even to those who kept it
UPDATE journey_privacy.data_key d SET wrapped = b.wrapped FROM before b WHERE d.key_id = b.key_id;
SELECT code FROM thrown($$SELECT journey_privacy.unseal(subject, body, 'letter.body') FROM letter$$, 'Dear');
SELECT code, leaked FROM thrown($$SELECT journey_privacy.seal('email:ann@example.com', 'Dear Eve')$$, 'Dear');
DELETE FROM journey_privacy.subject_key WHERE key_id IN (SELECT key_id FROM before);
DELETE FROM journey_privacy.data_key WHERE key_id IN (SELECT key_id FROM before);
DROP TABLE before;
SELECT count(*), count(journey_privacy.unseal(subject, body, 'letter.body')) AS opened FROM letter;

-- Shredding: undone by a rollback, for ever after a commit.
TRUNCATE letter;
INSERT INTO letter SELECT i, p, journey_privacy.seal(p, 'letter ' || i)
  FROM generate_series(1, 300) i, journey_privacy.pseudonymize('customer_id', i % 100) p;
SELECT count(*) = 100 AS keys FROM journey_privacy.subject_key WHERE subject IN (SELECT subject FROM letter);
CREATE TABLE kept AS SELECT s.subject, d.*, d.ctid AS place
  FROM journey_privacy.subject_key s JOIN journey_privacy.data_key d USING (key_id)
  WHERE s.subject = 'customer_id:7';
BEGIN;
SELECT journey_privacy.shred_keys('customer_id:7');
SELECT count(*), count(journey_privacy.unseal(subject, body)) AS opened FROM letter;
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT journey_privacy.shred_keys('customer_id:7');
ROLLBACK TO s;
SELECT journey_privacy.shred_keys('customer_id:8');
SAVEPOINT t;
SELECT journey_privacy.shred_keys('customer_id:9');
RELEASE t;
COMMIT;
SELECT count(*), count(journey_privacy.unseal(subject, body)) AS opened FROM letter;
SELECT journey_privacy.shred_keys('customer_id:7');
SELECT journey_privacy.shred_keys('customer_id:7');
SELECT count(*), count(journey_privacy.unseal(subject, body)) AS opened FROM letter;
SELECT count(*) FROM letter WHERE subject = 'customer_id:7' AND journey_privacy.unseal(subject, body) IS NULL;
-- another subject's claim on them is not believed either
SELECT journey_privacy.unseal('customer_id:6', body) FROM letter WHERE subject = 'customer_id:7';

-- the bytes are gone from the file, not just the row from sight
CHECKPOINT;
SELECT count(*) AS subjects,
       count(*) FILTER (WHERE position(wrapped IN pg_read_binary_file(pg_relation_filepath('journey_privacy.data_key'))) > 0) AS left,
       count(*) FILTER (WHERE position(uuid_send(key_id) IN pg_read_binary_file(pg_relation_filepath('journey_privacy.data_key'))) > 0) AS rows
  FROM kept;
SELECT count(*) = count(*) FILTER (WHERE position(wrapped IN pg_read_binary_file(pg_relation_filepath('journey_privacy.data_key'))) > 0) AS others
  FROM journey_privacy.data_key;

-- a transaction that could be finished by another session is no place for it
BEGIN;
SELECT journey_privacy.shred_keys('customer_id:6');
PREPARE TRANSACTION 'sealed';
SELECT count(journey_privacy.unseal(subject, body)) AS opened FROM letter WHERE subject = 'customer_id:6';

-- an erased subject gets no key and no value
SELECT count(*) AS before FROM journey_privacy.data_key \gset
INSERT INTO journey_privacy.subject (pseudonym) VALUES ('email:erased@example.com');
CALL journey_privacy.erase('email:erased@example.com', receipt => NULL) \gset
SELECT journey_privacy.seal('email:erased@example.com', 'Dear Erased') IS NULL AS nothing;
SELECT count(*) - :before AS keys FROM journey_privacy.data_key;

-- 100 MB
SELECT md5(journey_privacy.unseal(p, journey_privacy.seal(p, x, 'big'), 'big')) = md5(x) AS same
  FROM journey_privacy.pseudonymize('customer_id', 1) p, repeat('0123456789', 10485760) x;
CREATE TABLE big (v journey_privacy.sealed);
INSERT INTO big SELECT journey_privacy.seal('customer_id:1', repeat('0123456789', 1048576));
SELECT pg_column_size(v) AS stored, length(journey_privacy.unseal('customer_id:1', v)) AS opened,
       length(v::text) AS text, md5(v::text) = md5(v::text::journey_privacy.sealed::text) AS same FROM big;

-- in another encoding, opened in this one's terms
CREATE DATABASE sealed_latin1 ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\c sealed_latin1
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
CREATE TABLE v AS SELECT journey_privacy.seal('email:x@example.com', 'Gr' || chr(252) || 'n', chr(228)) AS v;
SELECT journey_privacy.unseal('email:x@example.com', v, chr(228)) = 'Gr' || chr(252) || 'n' AS same,
       length(journey_privacy.sealed_send(v)) AS bytes FROM v;
\c :db
DROP DATABASE sealed_latin1;

DROP TABLE letter, copied, kept, big;
DROP FUNCTION thrown, to_sealed;
DROP OWNED BY sealed_reader;
DROP ROLE sealed_reader;
