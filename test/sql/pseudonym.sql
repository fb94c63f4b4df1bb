-- The type pseudonym, kinds of identity, and who may turn one into the other.
\set VERBOSITY terse
\set top `pwd`
SELECT current_database() AS db, current_setting('data_directory') || '/pseudonym.copy' AS file \gset

-- what a statement throws; leaked tells whether the secret is in any part of it
CREATE FUNCTION thrown(statement text, secret text, OUT code text, OUT message text, OUT leaked boolean)
  LANGUAGE plpgsql AS $$
DECLARE
  detail text;
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

-- text form: one for each value
SELECT 'p1_000000000000000000000000'::journey_privacy.pseudonym,
       'p255_zzzzzzzzzzzzzzzzzzzzzzzz'::journey_privacy.pseudonym;
SELECT input, code, message FROM unnest(ARRAY[
    '', 'p', 'p1', 'p1_', 'p1_00000000000000000000000', 'p1_0000000000000000000000000',
    'P1_000000000000000000000000', 'p1_00000000000000000000000A', 'p1_00000000000000000000000i',
    'p1_00000000000000000000000l', 'p1_00000000000000000000000o', 'p1_00000000000000000000000u',
    'p1_00000000000-000000000000', 'p0_000000000000000000000000', 'p01_000000000000000000000000',
    'p256_000000000000000000000000', 'p1000_000000000000000000000000', 'p_000000000000000000000000',
    'p-1_000000000000000000000000', ' p1_000000000000000000000000', 'p1_000000000000000000000000 ',
    'ann@example.com', 'p1_00000000000000000000000ä']) input,
  thrown(format('SELECT %L::journey_privacy.pseudonym', input), 'no');

-- the same 1,000 values, as bytes and as pseudonyms
CREATE TABLE sample AS
  SELECT i, set_byte(decode(md5(i::text), 'hex'), 0, 1 + i % 3) AS b FROM generate_series(1, 1000) i;
ALTER TABLE sample ADD p journey_privacy.pseudonym;
UPDATE sample SET p = b::journey_privacy.pseudonym;
SELECT count(*) FROM sample
  WHERE p::bytea <> b OR p::text::journey_privacy.pseudonym <> p OR p::uuid::journey_privacy.pseudonym <> p
     OR p::uuid <> encode(b, 'hex')::uuid OR journey_privacy.pseudonym_send(p) <> b;

-- text and binary copies
COPY (SELECT i, p FROM sample) TO :'file';
CREATE TABLE copied (i integer, p journey_privacy.pseudonym);
COPY copied FROM :'file';
SELECT count(*) FROM sample JOIN copied USING (i, p);
TRUNCATE copied;
COPY (SELECT i, p FROM sample) TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT count(*) FROM sample JOIN copied USING (i, p);

-- what is not sixteen bytes, or has version 0
SELECT * FROM thrown($$SELECT '\x00112233445566778899aabbccddeeff'::bytea::journey_privacy.pseudonym$$, '112233');
SELECT * FROM thrown($$SELECT '\x0112'::bytea::journey_privacy.pseudonym$$, '12');
SELECT * FROM thrown($$SELECT '00112233-4455-6677-8899-aabbccddeeff'::uuid::journey_privacy.pseudonym$$, '112233');
COPY (SELECT 1, '\x0112233445566778899aabbccddeef'::bytea) TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
COPY (SELECT 1, '\x00112233445566778899aabbccddeeff'::bytea) TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);

-- order and equality are those of the bytes
SELECT count(*) AS pairs,
       count(*) FILTER (WHERE (x.p = y.p) <> (x.b = y.b) OR (x.p <> y.p) <> (x.b <> y.b)
         OR (x.p < y.p) <> (x.b < y.b) OR (x.p <= y.p) <> (x.b <= y.b)
         OR (x.p > y.p) <> (x.b > y.b) OR (x.p >= y.p) <> (x.b >= y.b)
         OR journey_privacy.pseudonym_cmp(x.p, y.p)
            <> CASE WHEN x.b < y.b THEN -1 WHEN x.b = y.b THEN 0 ELSE 1 END) AS wrong
  FROM sample x, sample y WHERE x.i % 5 = 0;
SELECT array_agg(i ORDER BY p) = array_agg(i ORDER BY b) AS sorted,
       array_agg(i ORDER BY p DESC) = array_agg(i ORDER BY b DESC) AS backwards,
       min(p)::bytea = (array_agg(b ORDER BY b))[1] AS min,
       max(p)::bytea = (array_agg(b ORDER BY b DESC))[1] AS max
  FROM sample;

-- many equal values, some that differ in the last byte only, NULLs
CREATE TABLE many (p journey_privacy.pseudonym);
INSERT INTO many SELECT set_byte(b, 15, n % 4)::journey_privacy.pseudonym FROM sample, generate_series(1, 20) n;
INSERT INTO many SELECT NULL FROM generate_series(1, 100);
SELECT count(*) AS wrong FROM (SELECT p, lag(p) OVER (ORDER BY p) AS before FROM many) o WHERE before::bytea > p::bytea;
CREATE INDEX many_btree ON many (p);
CREATE INDEX many_hash ON many USING hash (p);
CREATE INDEX many_brin ON many USING brin (p) WITH (pages_per_range = 4);
ANALYZE many;
SET enable_seqscan = off;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query;
END $$;
SELECT set_byte(b, 15, 1)::journey_privacy.pseudonym AS one FROM sample WHERE i = 17 \gset
SELECT count(*) FROM many WHERE p = :'one';
SELECT count(*) FROM many WHERE p > :'one' AND p <= (SELECT max(p) FROM many);
SELECT count(*) FROM many WHERE p IS NULL;
DROP INDEX many_btree;
SELECT * FROM plan(format('SELECT * FROM many WHERE p = %L', :'one'));
SELECT count(*) FROM many WHERE p = :'one';
DROP INDEX many_hash;
SELECT count(*) FROM many WHERE p = :'one';
SELECT count(*) FROM many WHERE p > :'one';
RESET enable_seqscan;
SELECT count(*) FROM many WHERE p > :'one';

-- joins of each sort, groups, distinct
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT count(*) FROM many JOIN sample USING (p);
SET enable_mergejoin = on; SET enable_hashjoin = off;
SELECT count(*) FROM many JOIN sample USING (p);
RESET enable_mergejoin; RESET enable_hashjoin; RESET enable_nestloop;
SELECT count(*), sum(n) FROM (SELECT p, count(*) AS n FROM many GROUP BY p) g;
SELECT count(*) FROM (SELECT p FROM many UNION SELECT p FROM sample) u;

-- The hash never changes, or every partition and shard would be wrong.
SELECT p, journey_privacy.pseudonym_hash(p) AS hash,
       journey_privacy.pseudonym_hash_extended(p, 0) AS extended,
       journey_privacy.pseudonym_hash_extended(p, 4711) AS seeded
  FROM unnest(ARRAY['p1_000000000000000000000000', 'p1_0123456789abcdefghjkmnpq',
                    'p255_zzzzzzzzzzzzzzzzzzzzzzzz']::journey_privacy.pseudonym[]) p;
SELECT count(*) AS wrong FROM sample
  WHERE journey_privacy.pseudonym_hash(p) <> uuid_hash(p::uuid)
     OR journey_privacy.pseudonym_hash_extended(p, i) <> uuid_hash_extended(p::uuid, i);
CREATE TABLE parted (p journey_privacy.pseudonym) PARTITION BY HASH (p);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parted SELECT p FROM sample;
SELECT tableoid::regclass, count(*) FROM parted GROUP BY 1 ORDER BY 1;

-- every operator and its function is leakproof, immutable and parallel safe
SELECT count(*) AS operators,
       count(*) FILTER (WHERE p.proleakproof AND p.provolatile = 'i' AND p.proparallel = 's' AND p.proisstrict) AS well,
       count(*) FILTER (WHERE o.oprcom <> 0 AND o.oprnegate <> 0 AND o.oprrest <> 0 AND o.oprjoin <> 0) AS complete
  FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
  WHERE o.oprleft = 'journey_privacy.pseudonym'::regtype;
SELECT count(*) AS unsound FROM pg_opclass c
  WHERE c.opcintype = 'journey_privacy.pseudonym'::regtype AND NOT amvalidate(c.oid);

-- Kinds of identity.
SELECT normalizer, count(*), bool_and(builtin) FROM journey_privacy.identity_kind GROUP BY 1 ORDER BY 1;
SELECT journey_privacy.create_identity_kind('loyalty_card', 'none', 'card of the shop');
SELECT name, normalizer, description, builtin FROM journey_privacy.identity_kind WHERE name = 'loyalty_card';
SELECT * FROM thrown($$SELECT journey_privacy.create_identity_kind('loyalty_card')$$, '@');
SELECT * FROM thrown($$SELECT journey_privacy.create_identity_kind('telex', 'upper')$$, 'upper');
SELECT kind, code, message
  FROM unnest(ARRAY['', 'E_mail', 'e-mail', '1st', 'é', 'a:b', repeat('k', 64)]) kind,
  thrown(format('SELECT journey_privacy.create_identity_kind(%L)', kind), 'no');
SELECT journey_privacy.create_identity_kind(repeat('k', 63));
BEGIN;
SELECT journey_privacy.create_identity_kind('fleeting');
SELECT 'fleeting:1'::journey_privacy.pseudonym IS NOT NULL AS known;
ROLLBACK;
SELECT * FROM thrown($$SELECT 'fleeting:1'::journey_privacy.pseudonym$$, '@');

-- what is the same identity
SELECT a, b, a::journey_privacy.pseudonym = b::journey_privacy.pseudonym AS same
  FROM (VALUES
    ('email:ann@example.com', E'email: \t ANN@Example.com\n'),
    ('email:ÄNN@example.com', 'email:änn@example.com'),
    ('customer_id:Ann', 'customer_id:ann'),
    ('customer_id:Ann', E'customer_id:\x0b Ann \f\r'),
    ('customer_id:a b', 'customer_id:ab'),
    ('customer_id:a:b', 'customer_id:a'),
    ('loyalty_card:1', 'loyalty_card: 1'),
    ('loyalty_card: ', 'loyalty_card:  '),
    ('mobile_number:+4915112345678', 'mobile_number: 0049 (151) 123-456.78 '),
    ('mobile_number:+4915112345678', 'mobile_number:+49/151/12345678'),
    ('mobile_number:+4915112345678', 'phone_number_2:+4915112345678'),
    ('ios_idfv:6F9619FF-8B86-D011-B42D-00C04FC964FF', 'ios_idfv:{6f9619ff8b86d011b42d00c04fc964ff}'),
    ('ios_idfv:6F9619FF-8B86-D011-B42D-00C04FC964FF', 'ios_idfv:6f96-19ff-8b86-d011-b42d-00c0-4fc9-64ff'),
    ('email:1', 'customer_id:1')) v(a, b);
SELECT journey_privacy.pseudonymize('customer_id', -9223372036854775808) = 'customer_id:-9223372036854775808' AS bigint,
       journey_privacy.pseudonymize('ios_idfv', '6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid)
         = 'ios_idfv:6F9619FF8B86D011B42D00C04FC964FF' AS uuid,
       journey_privacy.pseudonymize('email', 'ann@example.com') = 'email:ann@example.com' AS text,
       journey_privacy.pseudonymize('email', NULL::text) IS NULL AS null;

-- what is no identity, and is never repeated in the message
SELECT left(identity, 40) AS identity, t.*
  FROM (VALUES
    (':secret', 'secret'), ('secret person:1', 'secret'), ('Secret:1', 'Secret'),
    ('secret@example.com:1', 'secret'), (repeat('secret', 11) || ':1', 'secret'),
    ('unknown_kind:secret', 'secret'), ('email:', 'email'), (E'email: \t\n', 'email'), ('loyalty_card:', 'card:'),
    ('mobile_number:12345678', '12345678'), ('mobile_number:+0123456789', '0123456789'),
    ('mobile_number:+123456', '123456'), ('mobile_number:+1234567890123456', '1234567890'),
    ('mobile_number:+1234567x', '1234567'), ('mobile_number:+', '+'), ('mobile_number:00', '00'),
    ('mobile_number:+12345678+', '12345678'), ('mobile_number:++12345678', '12345678'),
    ('ios_idfv:6f9619ff-8b86-d011-b42d-00c04fc964f', '6f9619ff'),
    ('ios_idfv:6f9619ff-8b86-d011-b42d-00c04fc964fff', '6f9619ff'),
    ('ios_idfv:{6f9619ff-8b86-d011-b42d-00c04fc964ff', '6f9619ff'),
    ('ios_idfv:6f9619f-f8b86-d011-b42d-00c04fc964ff', '6f9619'),
    ('ios_idfv:6f9619ff-8b86-d011-b42d-00c04fc964ff-', '6f9619ff'),
    ('customer_id:' || repeat('secret', 171), 'secret'),
    ('customer_id:' || repeat('secret', 200000), 'secret')) v(identity, secret),
  thrown(format('SELECT %L::journey_privacy.pseudonym', identity), secret) t;
SELECT ('customer_id:' || repeat('x', 1024))::journey_privacy.pseudonym IS NOT NULL AS longest;
SELECT * FROM thrown(format('SELECT journey_privacy.pseudonymize(%L, %L)', 'secret kind', 'x'), 'secret');

-- not by COPY either, whose context quotes the line
\set SHOW_CONTEXT always
COPY copied FROM STDIN;
1	email:
\.
COPY copied FROM STDIN;
1	secret
\.
\set SHOW_CONTEXT errors

-- scopes
SELECT journey_privacy.scoped(p, 'a') = journey_privacy.scoped(p, 'a') AS same,
       journey_privacy.scoped(p, 'a') = journey_privacy.scoped(p, 'b') AS other_scope,
       journey_privacy.scoped(p, 'a') = p AS itself,
       left(journey_privacy.scoped(p, 'a')::text, 3) AS version
  FROM (SELECT 'email:ann@example.com'::journey_privacy.pseudonym AS p) s;
SELECT count(DISTINCT journey_privacy.scoped(p, 'a')) FROM sample;
SELECT * FROM thrown($$SELECT journey_privacy.scoped('p1_000000000000000000000000', '')$$, '@');
SELECT * FROM thrown($$SELECT journey_privacy.scoped('p1_000000000000000000000000', repeat('x', 1025))$$, 'xx');

-- No oracle: without EXECUTE on pseudonymize(text, text) no path leads from an
-- identity to a pseudonym.
CREATE ROLE pseudonym_reader;
CREATE DOMAIN visitor AS journey_privacy.pseudonym;
CREATE TYPE visit_row AS (visitor journey_privacy.pseudonym, at timestamptz);
CREATE TABLE visit (visitor journey_privacy.pseudonym, note text);
INSERT INTO visit VALUES ('email:ann@example.com');
CREATE VIEW visit_of AS SELECT note::journey_privacy.pseudonym AS p FROM visit;
GRANT ALL ON visit, visit_of TO pseudonym_reader;
ALTER TABLE visit OWNER TO pseudonym_reader;
GRANT CREATE ON SCHEMA public TO pseudonym_reader;
GRANT EXECUTE ON FUNCTION journey_privacy.pseudonymize(text, bigint) TO pseudonym_reader;
COPY (SELECT 'email:ann@example.com') TO :'file';
GRANT pg_read_server_files TO pseudonym_reader;
UPDATE visit SET note = 'email:ann@example.com';
SET ROLE pseudonym_reader;
SELECT path, t.*
  FROM unnest(ARRAY[
    $$SELECT 'ANN'::journey_privacy.pseudonym$$,
    $$SELECT journey_privacy.pseudonym 'ANN'$$,
    $$SELECT CAST('ANN'::text AS journey_privacy.pseudonym)$$,
    $$SELECT '{ANN}'::journey_privacy.pseudonym[]$$,
    $$SELECT '("ANN",)'::visit_row$$,
    $$SELECT 'ANN'::visitor$$,
    $$SELECT CAST('ANN'::text AS visitor)$$,
    $$SELECT jsonb_populate_record(NULL::visit_row, '{"visitor": "ANN"}')$$,
    $$SELECT * FROM jsonb_to_record('{"v": "ANN"}') AS r(v journey_privacy.pseudonym)$$,
    $$SELECT * FROM json_populate_recordset(NULL::visit_row, '[{"visitor": "ANN"}]')$$,
    $$SELECT * FROM xmltable('/v' PASSING '<v>ANN</v>' COLUMNS v journey_privacy.pseudonym PATH '.')$$,
    $$COPY visit FROM 'FILE'$$,
    $$INSERT INTO visit VALUES ('ANN')$$,
    $$UPDATE visit SET visitor = 'ANN'$$,
    $$SELECT * FROM visit WHERE visitor = 'ANN'$$,
    $$SELECT * FROM visit WHERE visitor IN ('ANN', 'email:bob@example.com')$$,
    $$EXPLAIN SELECT * FROM visit WHERE visitor = 'ANN'$$,
    $$SELECT * FROM visit_of$$,
    $$CREATE TABLE mine (v journey_privacy.pseudonym DEFAULT 'ANN')$$,
    $$CREATE TABLE mine (v journey_privacy.pseudonym CHECK (v <> 'ANN'))$$,
    $$CREATE INDEX ON visit (note) WHERE visitor = 'ANN'$$,
    $$CREATE DOMAIN mine AS journey_privacy.pseudonym DEFAULT 'ANN'$$,
    $$CREATE FUNCTION mine(v journey_privacy.pseudonym DEFAULT 'ANN') RETURNS int LANGUAGE sql AS 'SELECT 1'$$,
    $$PREPARE mine AS SELECT 'ANN'::journey_privacy.pseudonym$$,
    $$PREPARE mine (journey_privacy.pseudonym) AS SELECT $1; EXECUTE mine ('ANN')$$,
    $$DO 'DECLARE v journey_privacy.pseudonym := ''ANN''; BEGIN END'$$,
    $$SELECT journey_privacy.pseudonym_in('ANN')$$,
    $$SELECT journey_privacy.pseudonymize('email', 'ann@example.com')$$,
    $$SELECT journey_privacy.pseudonymize('ios_idfv', '6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid)$$,
    $$SELECT journey_privacy.scoped('p1_000000000000000000000000', 'x')$$,
    $$SELECT 'unknown_kind:x'::journey_privacy.pseudonym$$,
    $$SELECT 'p1_000000000000000000000000'::journey_privacy.pseudonym$$,
    $$SELECT journey_privacy.pseudonymize('customer_id', 42)$$]) path,
  thrown(replace(replace(path, 'FILE', :'file'), 'ANN', 'email:ann@example.com'), 'ann') t;
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.pseudonymize(text, text) TO pseudonym_reader;
SET ROLE pseudonym_reader;
SELECT count(*) FROM visit WHERE visitor = 'email:ann@example.com';
RESET ROLE;
REVOKE EXECUTE ON FUNCTION journey_privacy.pseudonymize(text, text) FROM pseudonym_reader;

-- not by a plan made by someone who might
PREPARE theirs (text) AS SELECT count(*) FROM visit WHERE visitor = $1::journey_privacy.pseudonym;
SET plan_cache_mode = force_generic_plan;
EXECUTE theirs ('email:ann@example.com');
SET ROLE pseudonym_reader;
EXECUTE theirs ('email:ann@example.com');
EXECUTE theirs ('p1_000000000000000000000000');
RESET ROLE;
RESET plan_cache_mode;

-- parallel workers have keys and kinds of their own
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT * FROM plan($$SELECT count(*) FROM sample WHERE journey_privacy.pseudonymize('customer_id', i) > 'p1_g00000000000000000000000'$$);
CREATE TABLE counted AS
  SELECT count(*) FROM sample WHERE journey_privacy.pseudonymize('customer_id', i) > 'p1_g00000000000000000000000';
SET max_parallel_workers_per_gather = 0;
SELECT count(*) = (SELECT count FROM counted) AS same
  FROM sample WHERE journey_privacy.pseudonymize('customer_id', i) > 'p1_g00000000000000000000000';
RESET max_parallel_workers_per_gather;

-- Other encodings: the same person has the same pseudonym.
SELECT journey_privacy.pseudonymize('email', 'jörg@example.com') AS joerg \gset
CREATE DATABASE pseudonym_latin1 ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE pseudonym_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\c pseudonym_latin1
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.pseudonymize('email', 'j' || chr(246) || 'rg@example.com') = :'joerg' AS same;
SELECT journey_privacy.pseudonymize('customer_id', repeat(chr(246), 512)) IS NOT NULL AS longest;
SELECT journey_privacy.pseudonymize('customer_id', repeat(chr(246), 513));
\c pseudonym_ascii
\set VERBOSITY terse
\set SHOW_CONTEXT always
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.pseudonymize('email', E'j\xc3\xb6rg@example.com') = :'joerg' AS same;
SELECT journey_privacy.pseudonymize('email', E'j\xf6rg@example.com');
SELECT E'email:j\xf6rg@example.com'::journey_privacy.pseudonym;

-- Known answers, from another implementation (test/vectors/derive.py), with
-- the keyring that it wrote.
\c :db
SELECT format($$COPY (SELECT) TO PROGRAM 'cat >/dev/null; mv "%1$s" "%1$s.kept"; install -m 600 "%2$s/test/vectors/keyring" "%1$s"'$$,
              current_setting('journey_privacy.keyring_file'), :'top') AS exchange,
       format($$COPY (SELECT) TO PROGRAM 'cat >/dev/null; mv "%1$s.kept" "%1$s"'$$,
              current_setting('journey_privacy.keyring_file')) AS restore \gset
:exchange;
CREATE DATABASE pseudonym_vectors;
\c pseudonym_vectors
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
CREATE TABLE vector (kind text, value text, version integer, pseudonym journey_privacy.pseudonym, scoped journey_privacy.pseudonym);
\copy vector FROM 'test/vectors/pseudonym.tsv' (HEADER)
SELECT count(*) AS vectors,
       count(*) FILTER (WHERE journey_privacy.pseudonymize(kind, value) = pseudonym) AS right,
       count(*) FILTER (WHERE journey_privacy.scoped(pseudonym, 'partner') = scoped) AS scoped
  FROM vector WHERE version = 1;
SELECT journey_privacy.rotate_key('pseudonym');
UPDATE journey_privacy.key_version SET state = CASE version WHEN 2 THEN 'active' ELSE 'retired' END WHERE kind = 'pseudonym';
SELECT count(*) AS vectors,
       count(*) FILTER (WHERE journey_privacy.pseudonymize(kind, value) = pseudonym) AS right,
       count(*) FILTER (WHERE journey_privacy.scoped(pseudonym, 'partner') = scoped) AS scoped
  FROM vector WHERE version = 2;
SELECT journey_privacy.rotate_key('pseudonym');
UPDATE journey_privacy.key_version SET state = CASE version WHEN 3 THEN 'active' ELSE 'retired' END WHERE kind = 'pseudonym';
SELECT count(*) AS vectors,
       count(*) FILTER (WHERE journey_privacy.pseudonymize(kind, value) = pseudonym) AS right,
       count(*) FILTER (WHERE journey_privacy.scoped(pseudonym, 'partner') = scoped) AS scoped
  FROM vector WHERE version = 3;
\c :db
:restore;
DROP DATABASE pseudonym_vectors;
DROP DATABASE pseudonym_latin1;
DROP DATABASE pseudonym_ascii;

DELETE FROM journey_privacy.identity_kind WHERE NOT builtin;
DROP VIEW visit_of;
DROP TABLE sample, copied, many, parted, visit, counted;
DROP TYPE visit_row;
DROP DOMAIN visitor;
DROP FUNCTION thrown, plan;
DROP OWNED BY pseudonym_reader;
DROP ROLE pseudonym_reader;
