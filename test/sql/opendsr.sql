-- OpenDSR 2.0: documents, byte by byte, and the outbox.  test/t/052_opendsr_http.pl
-- has the published cases, over HTTP.
\set VERBOSITY terse
\pset format unaligned

-- An answer with what differs between runs taken out.
CREATE FUNCTION pg_temp.shown(answer journey_privacy.opendsr_answer) RETURNS text LANGUAGE sql AS $$
  SELECT (answer).status || ' ' || regexp_replace(regexp_replace(
    convert_from((answer).body, 'UTF8'), '"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', 'TIME', 'g'),
    '"encoded_request":"[^"]*"', '"encoded_request":BASE64') $$;
CREATE FUNCTION pg_temp.reason(answer journey_privacy.opendsr_answer) RETURNS text LANGUAGE sql AS $$
  SELECT (answer).status || coalesce(' ' || (convert_from((answer).body, 'UTF8')::jsonb #>> '{error,errors,0,reason}')
    || ': ' || (convert_from((answer).body, 'UTF8')::jsonb #>> '{error,message}'), '') $$;
-- A request that is well, but for what is put into it or taken out.
CREATE FUNCTION pg_temp.request(number integer, putting jsonb DEFAULT '{}', taking text[] DEFAULT '{}')
RETURNS bytea LANGUAGE sql AS $$
  SELECT convert_to(((jsonb_build_object(
    'regulation', 'gdpr', 'subject_request_id', '00000000-0000-4000-8000-' || lpad(number::text, 12, '0'),
    'subject_request_type', 'erasure', 'submitted_time', '2018-10-02T15:00:00Z',
    'subject_identities', '[{"identity_type": "email", "identity_value": "opendsr@example.com", "identity_format": "raw"}]'::jsonb)
    || putting) - taking)::text, 'UTF8') $$;
CREATE FUNCTION pg_temp.id(number integer) RETURNS text LANGUAGE sql AS $$
  SELECT '00000000-0000-4000-8000-' || lpad(number::text, 12, '0') $$;

-- Who we are.
SELECT pg_temp.shown(journey_privacy.opendsr_discovery());
SELECT * FROM journey_privacy.opendsr_callbacks();
SELECT journey_privacy.configure_opendsr(NULL, 'https://opendsr.example.com/cert.pem');
SELECT journey_privacy.configure_opendsr('opendsr', 'https://opendsr/cert.pem');
SELECT journey_privacy.configure_opendsr('OpenDSR.example.com', 'https://opendsr.example.com/cert.pem');
SELECT journey_privacy.configure_opendsr(E'opendsr.example.com\r\nX: y', 'https://opendsr.example.com/cert.pem');
SELECT journey_privacy.configure_opendsr('opendsr.example.com', 'http://opendsr.example.com/cert.pem');
SELECT journey_privacy.configure_opendsr('opendsr.example.com', 'https://example.com/cert.pem');
SELECT journey_privacy.configure_opendsr('opendsr.example.com', 'https://opendsr.example.com/cert.pem', 'https://10.0.0.1/');
SELECT journey_privacy.configure_opendsr('opendsr.example.com', 'https://opendsr.example.com/cert.pem', identity_kinds => '[]');
SELECT journey_privacy.configure_opendsr('opendsr.example.com', 'https://opendsr.example.com/cert.pem', identity_kinds => '{"a": 1}');
SELECT journey_privacy.configure_opendsr('opendsr.example.com', 'https://opendsr.example.com/cert.pem', identity_kinds => '{"a": "opendsr_no_such_kind"}');
SELECT journey_privacy.configure_opendsr('opendsr.example.com', 'https://opendsr.example.com/cert.pem');
SELECT journey_privacy.configure_opendsr('opendsr.example.com', 'https://OPENDSR.example.com:8443/cert.pem', 'https://results.example.com/r//',
  '{"controller_customer_id": "customer_id"}');
SELECT * FROM journey_privacy.opendsr_processor;
SELECT status, headers, convert_from(body, 'UTF8') FROM journey_privacy.opendsr_discovery();

-- A request, its answer, and the same again.
SELECT pg_temp.shown(journey_privacy.opendsr_request(pg_temp.request(9200001), 'shop "é"'));
SELECT status, headers FROM journey_privacy.opendsr_request(pg_temp.request(9200001), 'shop "é"');
SELECT decode(a.j ->> 'encoded_request', 'base64') = pg_temp.request(9200001) AS encoded,
       (a.j ->> 'received_time')::timestamptz = date_trunc('second', r.received_at) AS received,
       (a.j ->> 'expected_completion_time')::timestamptz = date_trunc('second', r.due_at) AS expected,
       r.kind, r.regulation, r.status, r.verified_at IS NOT NULL AS verified, r.controller,
       position(pg_temp.request(9200001) IN r.fingerprint) AS plain, length(r.fingerprint)
FROM journey_privacy.request r, (SELECT convert_from(body, 'UTF8')::jsonb AS j
  FROM journey_privacy.opendsr_request(pg_temp.request(9200001), 'shop "é"')) a
WHERE r.id = pg_temp.id(9200001)::uuid;
CREATE TEMP TABLE first AS SELECT * FROM journey_privacy.opendsr_request(pg_temp.request(9200001), 'shop "é"');
SELECT journey_privacy.extend_request(pg_temp.id(9200001)::uuid, 'many requests') > now() + interval '80 days' AS extended;
SELECT first = journey_privacy.opendsr_request(pg_temp.request(9200001), 'shop "é"') AS same FROM first;
-- another body, another sender, another keyed hash
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200001) || ' '::bytea, 'shop "é"'));
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200001), 'another'));
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200001)));
SELECT journey_privacy.rotate_key('scope') > 1 AS rotated;
SELECT first = journey_privacy.opendsr_request(pg_temp.request(9200001), 'shop "é"') AS same FROM first;
SELECT journey_privacy.open_request('access', 'email:opendsr@example.com', request_id => pg_temp.id(9200002)::uuid) IS NOT NULL AS opened;
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200002)));
SELECT count(*) FROM journey_privacy.request WHERE id = pg_temp.id(9200001)::uuid;

-- Status and cancellation.
SELECT pg_temp.shown(journey_privacy.opendsr_status(pg_temp.id(9200001)));
SELECT pg_temp.shown(journey_privacy.opendsr_status(pg_temp.id(9200001), 'shop "é"'));
SELECT (convert_from(body, 'UTF8')::jsonb ->> 'expected_completion_time')::timestamptz
  = (SELECT date_trunc('second', due_at) FROM journey_privacy.request WHERE id = pg_temp.id(9200001)::uuid) AS extended
FROM journey_privacy.opendsr_status(pg_temp.id(9200001));
SELECT pg_temp.reason(journey_privacy.opendsr_status(pg_temp.id(9200001), 'another'));
SELECT pg_temp.reason(journey_privacy.opendsr_cancel(pg_temp.id(9200001), 'another'));
-- one that was not brought by OpenDSR is none of theirs
SELECT pg_temp.reason(journey_privacy.opendsr_status(pg_temp.id(9200002)));
SELECT pg_temp.reason(journey_privacy.opendsr_cancel(pg_temp.id(9200002)));
SELECT id, pg_temp.reason(journey_privacy.opendsr_status(id)) FROM (VALUES
  (pg_temp.id(9299999)), (NULL), (''), ('x'), ('00000000-0000-4000-8000-00000920000A'),
  ('00000000-0000-1000-8000-000009200001'), ('00000000-0000-4000-c000-000009200001'),
  (' 00000000-0000-4000-8000-000009200001'), ('{00000000-0000-4000-8000-000009200001}'),
  ('00000000000040008000000009200001'), ('../../etc'), (repeat('0', 500))) v(id);
SELECT pg_temp.shown(journey_privacy.opendsr_cancel(pg_temp.id(9200001), 'shop "é"'));
SELECT pg_temp.shown(journey_privacy.opendsr_cancel(pg_temp.id(9200001), 'shop "é"'));
SELECT pg_temp.shown(journey_privacy.opendsr_status(pg_temp.id(9200001)));
SELECT first = journey_privacy.opendsr_request(pg_temp.request(9200001), 'shop "é"') AS same FROM first;
-- one that was refused
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200003), 'shop'));
SELECT journey_privacy.refuse_request(pg_temp.id(9200003)::uuid, 'not one of ours');
SELECT pg_temp.shown(journey_privacy.opendsr_status(pg_temp.id(9200003)));
SELECT pg_temp.reason(journey_privacy.opendsr_cancel(pg_temp.id(9200003)));
-- results
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200004, '{"subject_request_type": "portability", "regulation": "ccpa"}'), 'shop'));
SELECT journey_privacy.complete_request(pg_temp.id(9200004)::uuid);
SELECT pg_temp.shown(journey_privacy.opendsr_status(pg_temp.id(9200004)));
SELECT pg_temp.reason(journey_privacy.opendsr_cancel(pg_temp.id(9200004)));

-- What is refused, and what it is told.
CREATE TEMP TABLE refused (n serial, what text, body bytea);
INSERT INTO refused (what, body) VALUES
  ('NULL', NULL), ('nothing', ''), ('text', 'hello'), ('array', '[]'), ('string', '"a"'),
  ('not UTF-8', pg_temp.request(9200010) || '\xff'), ('NUL', pg_temp.request(9200010) || '\x00'),
  ('UTF-16', '\xfffe7b007d00'), ('mark of UTF-8', '\xefbbbf'::bytea || pg_temp.request(9200010)),
  ('twice', pg_temp.request(9200010) || pg_temp.request(9200010)), ('trailing comma', '{"a": 1,}'),
  ('single quotes', convert_to('{''a'': 1}', 'UTF8')), ('comment', '{} // x'), ('NaN', '{"a": NaN}'),
  ('zero first', '{"a": 01}'), ('half a pair', convert_to('{"a": "\ud800"}', 'UTF8')),
  ('overlong', '\x7b2261223a22c0af227d'), ('surrogate in UTF-8', '\x7b2261223a22eda080227d'),
  ('too deep', convert_to('{"a": ' || repeat('[', 32) || repeat(']', 32) || '}', 'UTF8')),
  ('deep', convert_to('{"a": ' || repeat('[', 31) || repeat(']', 31) || '}', 'UTF8')),
  ('deeper', convert_to(repeat('[', 200000), 'UTF8')),
  ('at the limit', convert_to('{' || repeat(' ', 256 * 1024 - 2) || '}', 'UTF8')),
  ('too large', convert_to('{' || repeat(' ', 256 * 1024 - 1) || '}', 'UTF8')),
  ('a name twice', convert_to(rtrim(convert_from(pg_temp.request(9200010), 'UTF8'), '}') || ', "regulation": "gdpr"}', 'UTF8')),
  ('the same name', convert_to(rtrim(convert_from(pg_temp.request(9200010), 'UTF8'), '}') || ', "\u0072egulation": "ccpa"}', 'UTF8')),
  ('members', convert_to((SELECT '{' || string_agg(format('"%s": 1', i), ',') || '}' FROM generate_series(1, 101) i), 'UTF8')),
  ('fewer members', convert_to((SELECT '{' || string_agg(format('"%s": 1', i), ',') || '}' FROM generate_series(1, 100) i), 'UTF8'));
INSERT INTO refused (what, body)
  SELECT 'without ' || name, pg_temp.request(9200010, '{}', ARRAY[name])
  FROM unnest(ARRAY['subject_request_id', 'subject_request_type', 'regulation', 'submitted_time', 'subject_identities']) name;
INSERT INTO refused (what, body) SELECT left(p::text, 100), pg_temp.request(9200010, p) FROM (VALUES
  ('{"subject_request_id": 1}'::jsonb), ('{"subject_request_id": null}'),
  ('{"subject_request_id": "00000000-0000-4000-8000-00000920000A"}'),
  ('{"subject_request_type": "rectification"}'), ('{"subject_request_type": ["erasure"]}'),
  ('{"regulation": "GDPR"}'), ('{"submitted_time": 1538492400}'), ('{"submitted_time": "2018-10-02 15:00:00Z"}'),
  ('{"submitted_time": "2018-02-29T15:00:00Z"}'), ('{"submitted_time": "2018-10-02T15:00:00"}'),
  ('{"submitted_time": "2018-10-02T24:00:00Z"}'), ('{"submitted_time": "2018-10-02T15:00:00.Z"}'),
  ('{"submitted_time": "2018-10-02T15:00:00+2:00"}'), ('{"submitted_time": "infinity"}'),
  ('{"api_version": "1.0"}'), ('{"api_version": "3.0"}'), ('{"api_version": 2.0}'), ('{"api_version": "2."}'), ('{"api_version": "20"}'),
  ('{"subject_identities": null}'), ('{"subject_identities": {}}'), ('{"subject_identities": [1]}'), ('{"subject_identities": [{}]}'),
  ('{"subject_identities": [{"identity_type": "email", "identity_value": "a@b.c"}]}'),
  ('{"subject_identities": [{"identity_type": "email", "identity_format": "raw"}]}'),
  ('{"subject_identities": [{"identity_type": "email", "identity_value": 1, "identity_format": "raw"}]}'),
  ('{"subject_identities": [{"identity_type": "email", "identity_value": "", "identity_format": "raw"}]}'),
  ('{"subject_identities": [{"identity_type": "email", "identity_value": " ", "identity_format": "raw"}]}'),
  ('{"subject_identities": [{"identity_type": "email", "identity_value": "a@b.c", "identity_format": "RAW"}]}'),
  ('{"subject_identities": [{"identity_type": "mobile_number", "identity_value": "+15550100", "identity_format": "raw"}]}'),
  ('{"subject_identities": [{"identity_type": "ios_vendor_id", "identity_value": "x", "identity_format": "raw"}]}'),
  ('{"subject_identities": [{"identity_type": "android_id", "identity_value": "d41d8cd98f00b204e9800998ecf8427e", "identity_format": "md5"}]}'),
  ('{"subject_identities": [{"identity_type": "email", "identity_value": "d41d8cd98f00b204e9800998ecf8427x", "identity_format": "md5"}]}'),
  ('{"extensions": []}'), ('{"extensions": {"opendsr.example.com": 1}}'),
  ('{"extensions": {"opendsr.example.com": {"identities": {}}}}'),
  ('{"extensions": {"opendsr.example.com": {}, "OpenDSR.example.com": {}}}'),
  ('{"extensions": {"opendsr.example.com": {"identities": [{"identity_type": "opendsr_no_such_kind", "identity_value": "x"}]}}}'),
  ('{"extensions": {"opendsr.example.com": {"identities": [{"identity_type": "no kind''s name", "identity_value": "x"}]}}}'),
  ('{"subject_identities": [], "extensions": {"other.example.com": {"identities": [{"identity_type": "email", "identity_value": "x"}]}}}'),
  ('{"status_callback_urls": ["https://a.example.com/", 1]}')) v(p);
INSERT INTO refused (what, body)
  SELECT what, pg_temp.request(9200010, jsonb_build_object('subject_identities', (
    SELECT jsonb_agg(jsonb_build_object('identity_type', 'email', 'identity_format', 'raw', 'identity_value', x.value))
    FROM generate_series(1, v.n), (SELECT v.value) x))) FROM (VALUES
    ('a long value', 1, repeat('a', 1025)), ('many identities', 101, 'opendsr@example.com')) v(what, n, value);
INSERT INTO refused (what, body)
  SELECT 'NUL in a value', convert_to(replace(convert_from(pg_temp.request(9200010), 'UTF8'), 'opendsr@', 'opendsr\u0000@'), 'UTF8');
INSERT INTO refused (what, body)
  SELECT 'many URLs', pg_temp.request(9200010, jsonb_build_object('status_callback_urls',
    (SELECT jsonb_agg('https://a.example.com/' || i) FROM generate_series(1, 11) i)));
SELECT what, pg_temp.reason(journey_privacy.opendsr_request(body, 'shop')) FROM refused ORDER BY n;
SELECT count(*) FROM journey_privacy.request WHERE id = pg_temp.id(9200010)::uuid;
-- no answer repeats what came
SELECT count(*) FROM refused, journey_privacy.opendsr_request(body, 'shop') a
WHERE convert_from(a.body, 'UTF8') ~ 'opendsr@|no_such|d41d8|a@b';

-- URLs that are called, and those that are not
SELECT left(replace(url, chr(10), '\n'), 80) AS url, pg_temp.reason(journey_privacy.opendsr_request(
  pg_temp.request(9200020 + n::integer, jsonb_build_object('status_callback_urls', jsonb_build_array(url))), 'shop')) = '201' AS accepted
FROM unnest(ARRAY['https://a.example.com', 'https://a.example.com/x?y=z%20&@', 'https://a.example.com:8443/', 'https://xn--bcher-kva.example.com/',
  'https://1.example.com/', 'https://example.com?x', 'http://a.example.com/', 'HTTPS://a.example.com/', 'https:/a.example.com', 'https://', 'https:///x', 'https://a',
  'https://localhost/', 'https://a.localhost/', 'https://db.internal/', 'https://printer.local/', 'https://1.0.0.127.in-addr.arpa/',
  'https://127.0.0.1/', 'https://2130706433/', 'https://0x7f.1/', 'https://127.1/', 'https://[::1]/', 'https://a.example.com./', 'https://.example.com/',
  'https://u@a.example.com/', 'https://u:p@a.example.com/', 'https://a.example.com:443@127.0.0.1/', 'https://a.example.com:0/', 'https://a.example.com:65536/',
  'https://a.example.com:/', 'https://a.example.com:80x/', 'https://a.example.com#x', 'https://a.example.com/#', 'https://a.example.com\@127.0.0.1/',
  'https://a.example.com/ x', E'https://a.example.com/\nx', 'https://bücher.example.com/', 'https://-a.example.com/', 'https://a_b.example.com/',
  'https://a.example.com/' || repeat('x', 2026), 'https://a.example.com/' || repeat('x', 2027), 'file:///etc/passwd', 'https://' || repeat('a', 64) || '.com/']) WITH ORDINALITY u(url, n)
ORDER BY n;

-- Who asks: the same identity however it is written is one, a hashed one another.
CREATE TEMP TABLE who AS
SELECT n, what, pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(n, i), 'shop')) AS answer
FROM (VALUES
  (9200081, 'one', '{}'::jsonb),
  (9200082, 'capitals', '{"subject_identities": [
     {"identity_type": "email", "identity_value": "opendsr@example.com", "identity_format": "raw"},
     {"identity_type": "email", "identity_value": " OpenDSR@Example.com", "identity_format": "raw"}]}'),
  (9200083, 'digests', '{"subject_identities": [
     {"identity_type": "email", "identity_value": "d41d8cd98f00b204e9800998ecf8427e", "identity_format": "md5"},
     {"identity_type": "email", "identity_value": "D41D8CD98F00B204E9800998ECF8427E", "identity_format": "md5"}]}'),
  (9200084, 'each format', '{"subject_identities": [
     {"identity_type": "email", "identity_value": "opendsr@example.com", "identity_format": "raw"},
     {"identity_type": "email", "identity_value": "d41d8cd98f00b204e9800998ecf8427e", "identity_format": "md5"},
     {"identity_type": "email", "identity_value": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "identity_format": "sha1"},
     {"identity_type": "email", "identity_value": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "identity_format": "sha256"}]}'),
  (9200085, 'extension', '{"extensions": {"opendsr.example.com": {"more": 1, "identities": [
     {"identity_type": "other2", "identity_value": "opendsr"}, {"identity_type": "other_id_2", "identity_value": "opendsr"},
     {"identity_type": "mobile_number", "identity_value": "d41d8cd98f00b204e9800998ecf8427e", "identity_format": "md5"}]},
     "other.example.com": {"identities": [1, {"a": [{}]}]}}}'),
  (9200086, 'configured', '{"subject_identities": [
     {"identity_type": "controller_customer_id", "identity_value": "9200086", "identity_format": "raw"}],
     "extensions": {"opendsr.example.com": {"identities": [{"identity_type": "customer_id", "identity_value": "9200086"}]}}}'),
  (9200087, 'null', '{"extensions": null, "status_callback_urls": null, "api_version": null, "group_id": "x"}'),
  (9200088, 'version', '{"api_version": "2", "submitted_time": "2020-02-29t23:59:60.5z"}'),
  (9200089, 'version', '{"api_version": "2.17", "submitted_time": "1996-12-19T16:39:57-08:00"}')) v(n, what, i);
SELECT what, answer, (SELECT count(*) FROM journey_privacy.request_subject WHERE request_id = pg_temp.id(n)::uuid) AS identities
FROM who ORDER BY n;
SELECT pg_temp.reason(journey_privacy.opendsr_request(convert_to(replace(convert_from(pg_temp.request(9200091, '{"subject_identities": [
     {"identity_type": "email", "identity_value": "opendsr.é.😀@example.com", "identity_format": "raw"},
     {"identity_type": "email", "identity_value": "opendsr.ESCAPED@example.com", "identity_format": "raw"}]}'), 'UTF8'),
   'ESCAPED', '\u00e9\u002e\uD83D\uDE00'), 'UTF8'), 'shop'));
SELECT count(*) FROM journey_privacy.request_subject WHERE request_id = pg_temp.id(9200091)::uuid;

-- A limit of the transaction is no error of theirs.
BEGIN READ ONLY;
SELECT pg_temp.shown(journey_privacy.opendsr_status(pg_temp.id(9200004)));
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200092), 'shop'));
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200092), 'shop'));
SELECT pg_temp.shown(journey_privacy.opendsr_status(pg_temp.id(9200092)));
SELECT pg_temp.shown(journey_privacy.opendsr_cancel(pg_temp.id(9200092)));
COMMIT;

-- What is wrong inside is no business of theirs, and ends no transaction.
BEGIN;
ALTER TABLE journey_privacy.opendsr_receipt RENAME TO opendsr_gone;
SELECT pg_temp.shown(journey_privacy.opendsr_request(pg_temp.request(9200094), 'shop'));
SELECT pg_temp.reason(journey_privacy.opendsr_status(pg_temp.id(9200092)));
ALTER TABLE journey_privacy.opendsr_gone RENAME TO opendsr_receipt;
SELECT count(*) FROM journey_privacy.request WHERE id = pg_temp.id(9200094)::uuid;
SELECT pg_temp.reason(journey_privacy.opendsr_status(pg_temp.id(9200092)));
ROLLBACK;

-- JSON is what PostgreSQL takes for JSON: requests damaged at random.
DO $$
DECLARE
  seed constant float8 := 0.92;
  letters constant text := '{}[]":,\u0019eE+-.tfnr /x' || chr(9) || chr(31) || 'é';
  body text; copies integer; at integer; sane boolean; answer text; wrong integer := 0; good integer := 0;
BEGIN
  RAISE NOTICE 'seed %', seed;
  PERFORM setseed(seed);
  FOR i IN 1 .. 3000 LOOP
    body := convert_from(pg_temp.request(9200093, '{"a": [1.5e-3, true, false, null, "\\u00e9\\n", {}, [], -0]}'), 'UTF8');
    FOR j IN 1 .. 1 + (random() * 3)::integer LOOP
      at := 1 + floor(random() * length(body));
      copies := floor(random() * 3);
      body := left(body, at - 1) || repeat(substr(letters, 1 + floor(random() * length(letters))::integer, 1), copies) || substr(body, at + 1);
    END LOOP;
    BEGIN
      PERFORM body::json;
      sane := true;
    EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
      sane := false;
    END;
    answer := pg_temp.reason(journey_privacy.opendsr_request(convert_to(body, 'UTF8'), 'shop'));
    good := good + sane::integer;
    IF sane <> (answer !~ 'is not valid JSON') THEN
      wrong := wrong + 1;
      RAISE NOTICE '% % %', sane, answer, body;
    END IF;
  END LOOP;
  RAISE NOTICE 'wrong: %, with enough of both: %', wrong, good BETWEEN 300 AND 2700;
END $$;

-- The outbox.
DELETE FROM journey_privacy.callback;
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200101, '{"subject_request_type": "access",
  "status_callback_urls": ["https://b.example.com/cb", "https://a.example.com/cb", "https://a.example.com/cb"]}'), 'shop'));
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200102, '{"status_callback_urls": ["https://a.example.com/cb"]}'), 'shop'));
SELECT count(*) FROM journey_privacy.opendsr_callbacks();
BEGIN;
SELECT journey_privacy.complete_request(pg_temp.id(9200101)::uuid);
COMMIT;
SELECT journey_privacy.extend_request(pg_temp.id(9200102)::uuid, 'many requests') IS NOT NULL AS extended;
SELECT journey_privacy.refuse_request(pg_temp.id(9200102)::uuid, 'not one of ours');
CREATE TEMP TABLE taken AS SELECT * FROM journey_privacy.opendsr_callbacks(2);
INSERT INTO taken SELECT * FROM journey_privacy.opendsr_callbacks();
SELECT url, headers, regexp_replace(convert_from(body, 'UTF8'), '"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"', 'TIME', 'g') AS body
FROM taken ORDER BY id;
SELECT (convert_from(body, 'UTF8')::jsonb ->> 'expected_completion_time')::timestamptz > now() + interval '80 days' AS extended
FROM taken ORDER BY id;
SELECT count(*) FROM journey_privacy.opendsr_callbacks();
SELECT status, url, attempts, next_attempt_at BETWEEN now() + interval '4 minutes' AND now() + interval '6 minutes' AS leased, last_error, given_up
FROM journey_privacy.undelivered_callback ORDER BY id;
-- a sender that died: due again after the lease
UPDATE journey_privacy.callback SET next_attempt_at = now() - interval '1 second' WHERE id = (SELECT min(id) FROM taken);
SELECT id = (SELECT min(id) FROM taken) AS again FROM journey_privacy.opendsr_callbacks(lease => '1 hour');
SELECT journey_privacy.opendsr_delivered(min(id)), journey_privacy.opendsr_failed(min(id), 'too late') FROM taken;
SELECT journey_privacy.opendsr_delivered(min(id)), journey_privacy.opendsr_failed(min(id), 'too late') FROM taken;
-- back-off, to its end
DO $$
DECLARE
  tried bigint := (SELECT max(id) FROM taken);
  next timestamptz;
BEGIN
  FOR attempt IN 1 .. 20 LOOP
    next := journey_privacy.opendsr_failed(tried, repeat('HTTP 503 ', 30));
    RAISE NOTICE 'after attempt % %', attempt, coalesce('minutes: ' || round(extract(epoch FROM next - clock_timestamp()) / 60), 'none');
    UPDATE journey_privacy.callback SET next_attempt_at = now() WHERE id = tried AND next_attempt_at < 'infinity';
    PERFORM journey_privacy.opendsr_callbacks();
  END LOOP;
END $$;
SELECT attempts, next_attempt_at, length(last_error), given_up FROM journey_privacy.undelivered_callback WHERE id = (SELECT max(id) FROM taken);
SELECT journey_privacy.opendsr_failed(max(id), 'x') FROM taken;
-- senders that never say how it went
UPDATE journey_privacy.callback SET next_attempt_at = now(), attempts = 20, last_error = NULL WHERE id = (SELECT id FROM taken ORDER BY id OFFSET 1 LIMIT 1);
SELECT count(*) FROM journey_privacy.opendsr_callbacks();
SELECT given_up, last_error FROM journey_privacy.undelivered_callback WHERE id = (SELECT id FROM taken ORDER BY id OFFSET 1 LIMIT 1);
-- one after the other, for each URL
SELECT pg_temp.reason(journey_privacy.opendsr_request(pg_temp.request(9200103, '{"status_callback_urls": ["https://a.example.com/cb", "https://b.example.com/cb"]}'), 'shop'));
INSERT INTO journey_privacy.callback (request_id, url, status, due_at)
  SELECT pg_temp.id(9200103)::uuid, url, status, now()
  FROM unnest(ARRAY['in_progress', 'completed']) WITH ORDINALITY s(status, n), unnest(ARRAY['https://a.example.com/cb', 'https://b.example.com/cb']) url
  ORDER BY n, url;
CREATE FUNCTION pg_temp.take() RETURNS TABLE (id bigint, url text, status text) LANGUAGE sql AS $$
  SELECT id, url, convert_from(body, 'UTF8')::jsonb ->> 'request_status' FROM journey_privacy.opendsr_callbacks() $$;
CREATE TEMP TABLE turn AS SELECT * FROM pg_temp.take();
SELECT url, status FROM turn ORDER BY id;
SELECT journey_privacy.opendsr_delivered(id) FROM turn WHERE url LIKE '%//a.%';
SELECT url, status FROM pg_temp.take();
SELECT journey_privacy.opendsr_failed(id, 'HTTP 500') IS NOT NULL AS later FROM turn WHERE url LIKE '%//b.%';
SELECT url, status FROM pg_temp.take();
-- what was given up holds up nothing
UPDATE journey_privacy.callback SET next_attempt_at = 'infinity' WHERE id = (SELECT id FROM turn WHERE url LIKE '%//b.%');
SELECT url, status FROM pg_temp.take();
-- errors
SELECT journey_privacy.opendsr_callbacks(0);
SELECT journey_privacy.opendsr_callbacks(1001);
SELECT journey_privacy.opendsr_callbacks(1, '0');
SELECT journey_privacy.opendsr_callbacks(1, '-1 day');
SELECT journey_privacy.opendsr_callbacks(1, '25 hours');
SELECT journey_privacy.opendsr_delivered(-1);
SELECT journey_privacy.opendsr_failed(-1, 'x');
SELECT journey_privacy.opendsr_delivered(NULL), journey_privacy.opendsr_failed(1, NULL);

-- Oracle: of random openings, takings, deliveries and failures, no URL hears of
-- a later status before an earlier one, and in the end of each.
DELETE FROM journey_privacy.callback;
CREATE TEMP TABLE heard (n serial, id bigint, url text);
INSERT INTO journey_privacy.callback (request_id, url, status, due_at)
  SELECT pg_temp.id(9200103)::uuid, 'https://' || u || '.example.com/', 'in_progress', now()
  FROM generate_series(1, 20) s, generate_series(1, 5) u ORDER BY s, u;
DO $$
DECLARE
  seed constant float8 := 0.52;
  taken record;
BEGIN
  RAISE NOTICE 'seed %', seed;
  PERFORM setseed(seed);
  WHILE EXISTS (SELECT FROM journey_privacy.undelivered_callback WHERE NOT given_up) LOOP
    FOR taken IN SELECT * FROM journey_privacy.opendsr_callbacks(1 + (random() * 4)::integer) LOOP
      IF random() < 0.3 THEN
        PERFORM journey_privacy.opendsr_failed(taken.id, 'HTTP 500');
      ELSIF random() < 0.8 THEN
        INSERT INTO heard (id, url) VALUES (taken.id, taken.url);
        PERFORM journey_privacy.opendsr_delivered(taken.id);
      END IF;
    END LOOP;
    UPDATE journey_privacy.callback SET next_attempt_at = now() - interval '1 second'
    WHERE delivered_at IS NULL AND next_attempt_at < 'infinity' AND random() < 0.5;
  END LOOP;
END $$;
SELECT count(*), count(DISTINCT id) FROM heard;
SELECT count(*) FROM heard a JOIN heard b ON a.url = b.url AND a.n < b.n AND a.id > b.id;

-- A web layer and a sender, with nothing but these functions.
CREATE ROLE regress_opendsr_web;
CREATE ROLE regress_opendsr_sender;
GRANT EXECUTE ON FUNCTION journey_privacy.opendsr_discovery(), journey_privacy.opendsr_request(bytea, text),
  journey_privacy.opendsr_status(text, text), journey_privacy.opendsr_cancel(text, text) TO regress_opendsr_web;
GRANT EXECUTE ON FUNCTION journey_privacy.opendsr_callbacks(integer, interval), journey_privacy.opendsr_delivered(bigint),
  journey_privacy.opendsr_failed(bigint, text) TO regress_opendsr_sender;
CREATE TEMP TABLE asked AS SELECT pg_temp.request(9200110, '{"status_callback_urls": ["https://a.example.com/cb"]}') AS body;
GRANT SELECT ON asked TO PUBLIC;
SET ROLE regress_opendsr_web;
SELECT (journey_privacy.opendsr_discovery()).status, (journey_privacy.opendsr_request(body, 'shop')).status FROM asked;
SELECT current_user, (journey_privacy.opendsr_status('00000000-0000-4000-8000-000009200110', 'shop')).status,
       (journey_privacy.opendsr_cancel('00000000-0000-4000-8000-000009200110', 'shop')).status;
SELECT current_user, current_setting('search_path') ~ 'public' AS as_before;
SELECT * FROM journey_privacy.request;
SELECT journey_privacy.opendsr_callbacks();
SELECT journey_privacy.pseudonymize('email', 'opendsr@example.com');
SET ROLE regress_opendsr_sender;
SELECT url, journey_privacy.opendsr_delivered(id), journey_privacy.opendsr_failed(id, 'x') FROM journey_privacy.opendsr_callbacks();
SELECT (journey_privacy.opendsr_discovery()).status;
SELECT * FROM journey_privacy.callback;
RESET ROLE;

DROP OWNED BY regress_opendsr_web, regress_opendsr_sender;
DROP ROLE regress_opendsr_web, regress_opendsr_sender;
DELETE FROM journey_privacy.request WHERE id::text LIKE '00000000-0000-4000-8000-0000092%';
DELETE FROM journey_privacy.opendsr_processor;
