-- Personal data that nobody told us of: what values look like, what names say,
-- and what discover() makes of it without telling a value.
\set VERBOSITY terse
\pset null '-'

-- each kind as published or as its check digits demand, and one that is nearly it
SELECT v.value, journey_privacy.looks_like(v.value) AS looks_like
FROM (VALUES
  ('ann@example.com'), ('ann.o''hara+shop@mail.example.co.uk'), ('mailto:ann@example.com'),
  ('<ann@example.com>, thanks'), ('ann@localhost'), ('@ann'), ('ann@example.c'), ('a b@c.de'), ('jürgen@müller.de'),
  ('+49 151 12345678'), ('+1 (202) 555-0143'), ('call +4915112345678.'), ('+49'), ('015112345678'), ('+0 151 12345678'),
  ('+1234567890123456'),
  ('203.0.113.142'), ('2001:db8::8a2e:370:7334'), ('203.0.113.0/24'), ('from 203.0.113.142 to'), ('203.0.113.256'),
  ('1.2.3'), ('12:30:45'), ('::1'),
  ('00:1A:2b:3c:4d:5e'), ('00-1a-2b-3c-4d-5e'), ('00:1a:2b:3c:4d'),
  ('4111111111111111'), ('4111 1111 1111 1111'), ('card 5500-0000-0000-0004 please'), ('378282246310005'),
  ('4111111111111112'), ('1111111111111117'), ('4444444444444448'), ('3333333333333'),
  ('DE89 3704 0044 0532 0130 00'), ('GB82WEST12345698765432'), ('pay to NL91 ABNA 0417 1643 00 now'),
  ('DE88370400440532013000'), ('DE89'),
  ('123-45-6789'), ('666-45-6789'), ('900-45-6789'), ('123-00-6789'), ('123456789'),
  ('AB123456C'), ('AB 12 34 56 C'), ('GB123456C'), ('AB123456E'),
  ('86095742719'), ('65 929 970 489'), ('86095742718'),
  ('255081416802538'), ('2 55 08 14 168 025 38'), ('255081416802539'), ('1900A2A90000000'),
  ('12345678Z'), ('X1234567L'), ('12345678A'), ('RSSMRA85T10A562S'), ('RSSMRA85T10A562T'),
  ('111222333'), ('111222334'), ('000000000'), ('44051401359'), ('44051401358'), ('44991401359'),
  ('85.07.30-033.28'), ('85.07.30-033.29'), ('756.9217.0769.85'), ('756.9217.0769.84'),
  ('811218-9876'), ('811318-9876'), ('198112189876'), ('111.444.777-35'), ('111.111.111-11'),
  ('f36f1d54-8f36-4d3e-ab0c-3d1fbf3b8a5d'), ('2024-05-06T07:08:09Z'), ('1700000000123'), (''), ('home')) v(value);
SELECT journey_privacy.looks_like(NULL);
-- as a check, which has to be immutable
CREATE TABLE pg_temp.remark (note text CHECK (journey_privacy.looks_like(note) = '{}'));
INSERT INTO pg_temp.remark VALUES ('came back happy');
INSERT INTO pg_temp.remark VALUES ('came back happy, ask ann@example.com');

-- Random values against the definitions in SQL.
\set seed 0.8
\echo seed :seed
SELECT setseed(:seed);
CREATE FUNCTION pg_temp.luhn(digits text) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN (SELECT sum(CASE WHEN i % 2 = 1 THEN d ELSE d * 2 / 10 + d * 2 % 10 END) % 10 = 0
        FROM (SELECT i, substr(reverse(digits), i, 1)::int AS d FROM generate_series(1, length(digits)) i) x);
CREATE FUNCTION pg_temp.iban_ok(iban text) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN (SELECT string_agg(CASE WHEN c ~ '\d' THEN c ELSE (ascii(c) - 55)::text END, '' ORDER BY i)::numeric % 97 = 1
        FROM (SELECT i, substr(substr(iban, 5) || left(iban, 4), i, 1) AS c FROM generate_series(1, length(iban)) i) x);
CREATE TEMP TABLE random_cards AS
SELECT (3 + (random() * 3.99)::int % 4)::text || lpad((random() * 1e14)::bigint::text, 14, '0') || (random() * 9)::int AS card
FROM generate_series(1, 10000);
SELECT count(*) FILTER (WHERE pg_temp.luhn(card)) > 500 AS some,
       count(*) FILTER (WHERE pg_temp.luhn(card) IS DISTINCT FROM
                        'payment card' = ANY (journey_privacy.looks_like(card))) AS differ
FROM random_cards;
CREATE TEMP TABLE random_ibans AS
SELECT country || lpad((2 + random() * 96)::int::text, 2, '0') || lpad((random() * 1e12)::bigint::text, 12, '0') || bank AS iban
FROM (SELECT chr(65 + (random() * 25)::int) || chr(65 + (random() * 25)::int) AS country,
             chr(65 + (random() * 25)::int) || (random() * 9)::int AS bank FROM generate_series(1, 10000)) x;
SELECT count(*) FILTER (WHERE pg_temp.iban_ok(iban)) > 20 AS some,
       count(*) FILTER (WHERE pg_temp.iban_ok(iban) IS DISTINCT FROM
                        'IBAN' = ANY (journey_privacy.looks_like(iban))) AS differ
FROM random_ibans;
-- whatever stands around it
SELECT count(*) AS differ FROM random_ibans
WHERE pg_temp.iban_ok(iban) AND NOT 'IBAN' = ANY (journey_privacy.looks_like('x ' || regexp_replace(iban, '(....)', '\1 ', 'g') || ', y'));
-- and bytes at random say nothing that is not there
SELECT count(*) FILTER (WHERE journey_privacy.looks_like(t) <> '{}') AS found
FROM (SELECT string_agg(chr(32 + (random() * 90)::int), '') AS t
      FROM generate_series(1, 200000) i GROUP BY i / 20) x
WHERE t !~ '@' AND t !~ '\d';

-- A schema of its own, which nothing of ours knows.
CREATE SCHEMA discovery;
CREATE TABLE discovery.customers (
  id bigint PRIMARY KEY, email varchar(100), name text, "geburtsDatum" date, numero_tarjeta numeric, notes text,
  props jsonb, tags text[], created_at timestamptz, prenom text, "ipAdres" inet, codice_fiscale text, achternaam text,
  password_hash text, total numeric, doc json, email_sent boolean, religion text, born_on text);
INSERT INTO discovery.customers
SELECT i, 'person' || i || '@example.com', 'Ann' || i, date '1950-01-01' + i * 13, 4111111111111111,
  CASE WHEN i % 5 = 0 THEN 'call +49 151 1234567' || i % 10 ELSE 'nothing' END,
  jsonb_build_object('email', 'ann' || i || '@example.org', 'n', i, 'contact', jsonb_build_object(
    'vorname', 'Ann' || i, 'ips', jsonb_build_array('192.0.2.' || i % 255)), 'person' || i || '@example.com', 3,
    'nick' || chr(97 + i % 26) || chr(97 + i / 26 % 26), 'nick' || i || '@example.net'),
  ARRAY['x', 'tag' || i || '@example.org'], now(), 'Anne', '192.0.2.1', 'RSSMRA85T10A562S', 'de Vries',
  'x', i, '{"home": {"postleitzahl": "10115"}}', true, 'none', (1940 + i % 60) || '-03-04'
FROM generate_series(1, 500) i;
-- what jsonb cannot hold is passed over
INSERT INTO discovery.customers (id, doc) VALUES (0, '{"home": "\u0000"}'), (-1, '{"n": 1e1000000}');
CREATE TABLE discovery.product (name text, sku bigint, location_id int, weight numeric, shipped date);
INSERT INTO discovery.product SELECT 'lamp', 1000000007 * i::bigint, i, i, date '2024-01-01' + i FROM generate_series(1, 500) i;
CREATE TABLE discovery.empty (telefono text, latitude float8);
CREATE TABLE discovery.part (at date, mail text) PARTITION BY RANGE (at);
CREATE TABLE discovery.part_2024 PARTITION OF discovery.part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO discovery.part SELECT '2024-05-06', i || '@example.com' FROM generate_series(1, 20) i;
CREATE VIEW discovery.seen AS SELECT * FROM discovery.customers;
SELECT relation, "column", key, looks_like, by, sampled, round(share::numeric, 3) AS share
FROM journey_privacy.discover('discovery');
CREATE TABLE discovery.click (visitor journey_privacy.pseudonym, remote_ip text, place point);
SELECT DISTINCT relation, statement FROM journey_privacy.discover('discovery') ORDER BY 1, 2;
DROP TABLE discovery.click;
-- by names alone, a higher bar, a few rows of many
SELECT relation, "column", key, looks_like, by, sampled, share
FROM journey_privacy.discover('discovery', sample_rows => 0) WHERE relation = 'discovery.empty'::regclass;
SELECT count(*) FROM journey_privacy.discover('discovery', min_share => 0.5) WHERE "column" = 'notes';
CREATE TABLE discovery.large AS
SELECT CASE WHEN i % 2 = 0 THEN i || '@example.com' ELSE repeat('x', 200) END AS contact FROM generate_series(1, 50000) i;
ANALYZE discovery.large;
SELECT sampled, share BETWEEN 0.4 AND 0.6 AS about_half FROM journey_privacy.discover('discovery')
WHERE relation = 'discovery.large'::regclass;
DROP TABLE discovery.large;

-- one table that cannot be read does not hide the others
CREATE MATERIALIZED VIEW discovery.unfilled AS SELECT 'ann@example.com'::text AS contact WITH NO DATA;
SELECT count(*) FROM journey_privacy.discover('discovery') WHERE relation = 'discovery.part'::regclass;
DROP MATERIALIZED VIEW discovery.unfilled;

-- no value, and no key that is one
SELECT count(*) AS told
FROM journey_privacy.discover('discovery') d
WHERE d::text ~ '(person\d|nick[a-z]|Ann|example|4111|192\.0\.2|RSSMRA|10115)';

-- Protected, linked and sealed: what a rule covers is not told again.
SELECT journey_privacy.create_purpose('discovery_purpose', 'contract');
CREATE TABLE discovery.visit (
  visitor journey_privacy.pseudonym, at timestamptz, event text, client_ip inet, email text, lat float8, phone text,
  name_sealed journey_privacy.sealed, props jsonb);
SELECT journey_privacy.protect('discovery.visit', 'visitor', occurred_at => 'at', redact => '{"visitor": null, "phone": null}', on_erase => 'redact');
CREATE TABLE discovery.receipt (visit journey_privacy.pseudonym, iban text);
SELECT journey_privacy.link_table('discovery.receipt', ARRAY['visit'], 'discovery.visit', ARRAY['visitor']);
INSERT INTO discovery.visit (visitor, at, event, client_ip, props)
VALUES ('customer_id:discovery1', now(), 'home', '192.0.2.7', '{"form": {"email": "ann@example.com"}}');
SELECT relation, "column", key, looks_like, by, sampled, share, statement
FROM journey_privacy.discover('discovery')
WHERE relation NOT IN ('discovery.customers'::regclass, 'discovery.empty'::regclass, 'discovery.part'::regclass);
-- the statements can be run as they are, and then there is nothing left to tell of those columns
SELECT count(*) AS statements FROM journey_privacy.discover('discovery') WHERE relation = 'discovery.visit'::regclass;
SET client_min_messages = error;
\pset tuples_only
SELECT statement FROM journey_privacy.discover('discovery') WHERE relation = 'discovery.visit'::regclass \gexec
\pset tuples_only off
RESET client_min_messages;
INSERT INTO discovery.visit (visitor, at, event, client_ip, email, props)
VALUES ('customer_id:discovery2', now(), 'home', '192.0.2.7', 'ann@example.com', '{"form": {"email": "ann@example.com", "n": 1}}');
SELECT client_ip, email ~ '^p\d+_' AS pseudonym, props FROM discovery.visit WHERE visitor = 'customer_id:discovery2';
SELECT "column", key FROM journey_privacy.discover('discovery') WHERE relation = 'discovery.visit'::regclass AND by <> 'content';
SELECT journey_privacy.unminimize('discovery.visit', c) FROM unnest(ARRAY['client_ip', 'email', 'lat', 'props']) c;
-- whoever cannot see every row hears of names only
CREATE ROLE regress_discovery;
GRANT USAGE ON SCHEMA discovery TO regress_discovery;
SET ROLE regress_discovery;
SELECT * FROM journey_privacy.discover('discovery');
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.discover(name, integer, double precision) TO regress_discovery;
GRANT SELECT ON discovery.visit, discovery.product TO regress_discovery;
SET ROLE regress_discovery;
SELECT relation, "column", key, looks_like, by, sampled, share FROM journey_privacy.discover('discovery')
WHERE relation IN ('discovery.visit'::regclass, 'discovery.part'::regclass);
RESET ROLE;
-- a long value can be given up
SET statement_timeout = '200ms';
SELECT journey_privacy.looks_like(repeat('12 ', 10000000));
RESET statement_timeout;
-- errors
SELECT * FROM journey_privacy.discover('discovery', -1);
SELECT * FROM journey_privacy.discover('discovery', min_share => 0);
SELECT * FROM journey_privacy.discover('discovery', min_share => 'NaN');
SELECT * FROM journey_privacy.discover('nowhere');

SELECT journey_privacy.unprotect('discovery.visit');
SET client_min_messages = warning;
DROP SCHEMA discovery CASCADE;
RESET client_min_messages;
REVOKE EXECUTE ON FUNCTION journey_privacy.discover(name, integer, double precision) FROM regress_discovery;
DROP ROLE regress_discovery;
SELECT journey_privacy.drop_purpose('discovery_purpose');
