-- What is seen, against oracles: consent at the time of the event, tables that
-- carry no numbers, columns by purpose; and why() agrees.
\set VERBOSITY terse
\pset null '-'
SELECT coalesce(nullif(current_setting('jp.seed', true), ''), (random() * 1000000)::int::text) AS seed \gset
CREATE TABLE seed AS SELECT :'seed'::int AS seed;
DO $$ BEGIN PERFORM setseed((SELECT seed FROM seed) / 1000000.0); END $$;
SELECT journey_privacy.create_purpose('w_consent', 'consent', consent_valid_for => '6 months'),
       journey_privacy.create_purpose('w_opt_out', 'opt_out'),
       journey_privacy.create_purpose('w_contract', 'contract') \gset
CREATE ROLE regress_seer;
SELECT count(journey_privacy.allow('regress_seer', name)) FROM journey_privacy.purpose WHERE name LIKE 'w\_%' \gset
CREATE TABLE person AS SELECT i, ('customer_id:w' || i)::journey_privacy.pseudonym AS subject FROM generate_series(1, 100) i;
CREATE TABLE moment AS SELECT m, date_trunc('day', now()) - (665 - 11 * m) * interval '1 day' AS at FROM generate_series(0, 60) m;

-- histories in any order, at times that coincide; some people have aliases
SELECT count(journey_privacy.record_consent(subject, purpose, random() < 0.6, at)) > 0 AS decided
FROM (SELECT subject, purpose, at FROM person, moment, unnest(ARRAY['w_consent', 'w_opt_out', 'w_contract']) purpose
      WHERE random() < 0.04 ORDER BY random()) d;
SELECT count(journey_privacy.object_to(subject, 'w_opt_out', at)) > 0 AS objected
FROM (SELECT subject, at FROM person, moment WHERE random() < 0.005 ORDER BY random()) d;
-- a yes and a no at the same time, in both orders, and a yes later
SELECT count(journey_privacy.record_consent(subject, 'w_opt_out', yes, at)) > 0 AS contradicted
FROM (SELECT subject, at, yes FROM person, moment, unnest(ARRAY[true, false]) yes WHERE i % 3 = 0 AND m = 30 ORDER BY random()) d;
SELECT count(journey_privacy.record_consent(subject, 'w_opt_out', true, at)) > 0 AS decided
FROM person, moment WHERE i % 3 = 0 AND m = 58;
SELECT bool_and(journey_privacy.link_identity(p.subject, a.subject) IS NOT NULL) AS linked
FROM person p JOIN person a ON a.i = p.i + 1 WHERE p.i % 10 = 0 AND a.i <= 100;
SELECT count(journey_privacy.restrict_processing(subject)) AS restricted FROM person WHERE i % 20 = 7;

CREATE TABLE occurred (id int, visitor journey_privacy.pseudonym, at timestamptz);
INSERT INTO occurred SELECT row_number() OVER (), p.subject, m.at + (random() < 0.5)::int * interval '3 days'
FROM person p, moment m WHERE random() < 0.1;
INSERT INTO occurred SELECT 100000 + i, subject, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '-infinity'::timestamptz ELSE 'infinity' END FROM person WHERE i < 90;

-- Who might be seen when something happened, by the ledger alone
CREATE VIEW oracle AS
WITH member AS (SELECT pseudonym AS subject, coalesce(head, number) AS person FROM journey_privacy.subject),
decision AS (SELECT m.person, e.purpose, e.decision = 'granted' AS yes, e.at
             FROM journey_privacy.consent_event e JOIN member m USING (subject) WHERE e.purpose IS NOT NULL),
asked AS (SELECT t.id, t.visitor AS subject, m.person, p.name AS purpose, p.basis, p.consent_valid_for, w.at AS then
          FROM occurred t JOIN member m ON m.subject = t.visitor
          CROSS JOIN journey_privacy.purpose p CROSS JOIN LATERAL (VALUES (t.at), (now())) w(at)
          WHERE p.name LIKE 'w\_%')
SELECT a.id, a.subject, a.purpose, bool_and(
    CASE a.basis WHEN 'contract' THEN true
      WHEN 'opt_out' THEN coalesce(d.yes, true)
      ELSE coalesce(d.yes AND (d.at AT TIME ZONE 'UTC' + a.consent_valid_for) AT TIME ZONE 'UTC' > a.then, false) END)
  AND NOT (SELECT s.restricted FROM journey_privacy.subject s WHERE s.pseudonym = a.subject) AS seen
FROM asked a LEFT JOIN LATERAL (
  SELECT d.yes, d.at FROM decision d WHERE d.person = a.person AND d.purpose = a.purpose AND d.at <= a.then
  ORDER BY d.at DESC, d.yes LIMIT 1) d ON true
GROUP BY a.id, a.subject, a.purpose;
CREATE TABLE occurred_plain AS TABLE occurred;
SELECT journey_privacy.protect('occurred', 'visitor', occurred_at => 'at', visibility => 'collected') \gset
SELECT journey_privacy.protect('occurred_plain', 'visitor', occurred_at => 'at', visibility => 'collected', number_column => NULL) \gset
GRANT SELECT ON occurred, occurred_plain TO regress_seer;
CREATE TABLE expected AS TABLE oracle WITH NO DATA;
CREATE TABLE seen (tab text, purpose text, id int);
GRANT INSERT ON seen TO regress_seer;
CREATE PROCEDURE look() LANGUAGE plpgsql AS $$
DECLARE purpose text; tab text;
BEGIN
  TRUNCATE seen, expected;
  INSERT INTO expected SELECT * FROM oracle;
  ANALYZE expected;
  SET LOCAL ROLE regress_seer;
  FOREACH purpose IN ARRAY ARRAY['w_consent', 'w_opt_out', 'w_contract'] LOOP
    PERFORM set_config('journey_privacy.purpose', purpose, true);
    FOREACH tab IN ARRAY ARRAY['occurred', 'occurred_plain'] LOOP
      EXECUTE format('INSERT INTO seen SELECT %L, %L, id FROM %s', tab, purpose, tab);
    END LOOP;
  END LOOP;
  RESET ROLE;
END $$;
CREATE VIEW differs AS
SELECT t.tab, o.purpose, o.id, o.seen AS by_the_ledger, s.id IS NOT NULL AS by_the_analyst
FROM (VALUES ('occurred'), ('occurred_plain')) t(tab) CROSS JOIN expected o JOIN occurred r USING (id)
LEFT JOIN seen s ON (s.tab, s.purpose, s.id) = (t.tab, o.purpose, o.id)
WHERE CASE WHEN r.at IS NULL THEN false ELSE o.seen END IS DISTINCT FROM (s.id IS NOT NULL);
CALL look();
SELECT (SELECT seed FROM seed), * FROM differs LIMIT 5;
SELECT purpose, count(*) BETWEEN 20 AND 2000 AS some_are_seen FROM seen GROUP BY 1 ORDER BY 1;
SELECT count(DISTINCT s.id) > 5 AS the_time_counts FROM expected o JOIN occurred r USING (id)
JOIN journey_privacy.subject u ON u.pseudonym = r.visitor
JOIN journey_privacy.consent_state c ON c.number = u.number AND c.purpose = 'w_opt_out'
LEFT JOIN occurred s ON s.id = o.id
WHERE o.purpose = 'w_opt_out' AND c.granted AND NOT o.seen AND NOT u.restricted;
-- in little memory, in parallel, and after more has happened
SET work_mem = '64kB';
CALL look();
SELECT (SELECT seed FROM seed), * FROM differs LIMIT 5;
RESET work_mem;
SELECT count(journey_privacy.record_consent(subject, purpose, random() < 0.5, at)) > 0 AS decided
FROM (SELECT subject, purpose, at FROM person, moment, unnest(ARRAY['w_consent', 'w_opt_out']) purpose
      WHERE random() < 0.01 ORDER BY random()) d;
SELECT count(journey_privacy.unlink_identity(subject)) > 0 AS parted FROM person WHERE i % 20 = 1 AND i > 1;
CALL look();
SELECT (SELECT seed FROM seed), * FROM differs LIMIT 5;
-- why() says the same, where nothing depends on the time
SELECT count(*) FROM person p, LATERAL (SELECT holds FROM journey_privacy.why('occurred', p.subject, 'regress_seer', 'w_opt_out')
    WHERE rule LIKE '%are seen') w,
  LATERAL (SELECT bool_and(o.seen) AS seen FROM expected o JOIN occurred r USING (id)
           WHERE o.subject = p.subject AND o.purpose = 'w_opt_out' AND r.at = 'infinity') o
WHERE w.holds IS DISTINCT FROM o.seen AND o.seen IS NOT NULL;
DROP VIEW differs, oracle;
DROP TABLE expected;

-- No numbers: each type of column, more people than are looked up one by one
CREATE TABLE many AS SELECT i, ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid AS u,
  'Person' || repeat('x', i % 30) || i || '@example.com' AS t FROM generate_series(1, 3000) i;
CREATE TABLE by_pseudonym AS SELECT i AS id, journey_privacy.pseudonymize('customer_id', i) AS who FROM many, generate_series(1, 2);
CREATE TABLE by_int AS SELECT i AS id, i AS who FROM many;
CREATE TABLE by_bigint AS SELECT i AS id, i::bigint AS who FROM many;
CREATE TABLE by_uuid AS SELECT i AS id, u AS who FROM many;
CREATE TABLE by_text AS SELECT i AS id, t AS who FROM many;
CREATE TABLE by_varchar AS SELECT i AS id, t::varchar(80) AS who FROM many;
INSERT INTO by_text VALUES (-1, NULL);
SELECT journey_privacy.protect('by_pseudonym', 'who', number_column => NULL),
       journey_privacy.protect('by_int', 'who', 'customer_id', number_column => NULL),
       journey_privacy.protect('by_bigint', 'who', 'customer_id', number_column => NULL),
       journey_privacy.protect('by_uuid', 'who', 'device_id', number_column => NULL),
       journey_privacy.protect('by_text', 'who', 'email', number_column => NULL),
       journey_privacy.protect('by_varchar', 'who', 'email', number_column => NULL);
SELECT journey_privacy.record_consents(array_agg(s), array_agg('w_consent'::text), array_agg(i % 3 = 0))
FROM (SELECT i, journey_privacy.pseudonymize('customer_id', i) AS s FROM many
      UNION ALL SELECT i, journey_privacy.pseudonymize('device_id', u) FROM many
      UNION ALL SELECT i, journey_privacy.pseudonymize('email', t) FROM many) x;
GRANT SELECT ON by_pseudonym, by_int, by_bigint, by_uuid, by_text, by_varchar TO regress_seer;
SET ROLE regress_seer;
SET journey_privacy.purpose = w_consent;
SELECT tab, count(*), count(*) FILTER (WHERE id % 3 <> 0) AS wrong
FROM (SELECT 1 AS tab, id FROM by_pseudonym UNION ALL SELECT 2, id FROM by_int UNION ALL SELECT 3, id FROM by_bigint
      UNION ALL SELECT 4, id FROM by_uuid UNION ALL SELECT 5, id FROM by_text UNION ALL SELECT 6, id FROM by_varchar) x GROUP BY 1 ORDER BY 1;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT (SELECT count(*) FROM by_pseudonym), (SELECT count(*) FROM by_text), (SELECT count(*) FROM by_bigint);
RESET work_mem;
RESET hash_mem_multiplier;
-- parallel workers each have their own
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM by_text;
SELECT count(*) FROM by_text;
SELECT count(*) FROM by_pseudonym;
-- permits() answers for rows of the table, for nothing else
SELECT journey_privacy.permits('by_text'::regclass, 'person3@example.com'::text);
SELECT journey_privacy.permits(x.t, x.v) FROM (VALUES ('by_text'::regclass::oid, 'person3@example.com'::text)) x(t, v);
SELECT count(*) FROM by_text b, (VALUES ('person3@example.com'::text)) x(v) WHERE journey_privacy.permits(b.tableoid, x.v);
SELECT journey_privacy.permits('by_int'::regclass, 3);
SELECT journey_privacy.permits('occurred'::regclass, 3, now());
SELECT journey_privacy.permits('occurred'::regclass, 3);
SELECT journey_privacy.names_subject('by_text'::regclass, 'person3@example.com'::text);
RESET ROLE;
-- the insert guard registers, refuses the erased, and changes nothing
INSERT INTO by_text VALUES (5000, 'New@example.com'), (5001, 'person3xxx3@example.com');
INSERT INTO by_pseudonym VALUES (5000, 'customer_id:5000');
UPDATE by_text SET who = 'Newer@example.com' WHERE id = 5000;
SELECT count(*) FROM journey_privacy.subject WHERE pseudonym IN ('email:new@example.com', 'email:newer@example.com', 'customer_id:5000');
CALL journey_privacy.erase('email:personxxx3@example.com', receipt => NULL) \gset
SELECT t->>'table' AS "table", t->>'rows' AS deleted FROM jsonb_array_elements(:'receipt'::jsonb->'tables') t
  WHERE t->>'action' = 'delete' AND t->>'table' NOT LIKE 'journey\_privacy.%' ORDER BY 1;
INSERT INTO by_text VALUES (5002, 'PERSONxxx3@example.com');
CALL journey_privacy.erase('customer_id:9', receipt => NULL) \gset
SELECT t->>'table' AS "table", t->>'rows' AS deleted FROM jsonb_array_elements(:'receipt'::jsonb->'tables') t
  WHERE t->>'action' = 'delete' AND t->>'table' NOT LIKE 'journey\_privacy.%' ORDER BY 1;
-- rows of the erased keep a table from being protected
SELECT journey_privacy.unprotect('by_int'), journey_privacy.unprotect('by_varchar');
INSERT INTO by_int VALUES (9, 9);
SELECT journey_privacy.protect('by_int', 'who', 'customer_id', number_column => NULL);
DROP TABLE by_pseudonym, by_int, by_bigint, by_uuid, by_text, by_varchar, many;

-- Columns by purpose
CREATE TABLE page (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz, url text, ip inet) PARTITION BY RANGE (id);
CREATE TABLE page_1 PARTITION OF page FOR VALUES FROM (0) TO (100);
SELECT journey_privacy.protect('page', 'visitor') \gset
CREATE VIEW all_of_page AS TABLE page;
CREATE VIEW some_of_page WITH (security_invoker) AS SELECT id, at FROM page;
CREATE TABLE other (id int);
ALTER VIEW all_of_page OWNER TO regress_seer;
GRANT ALL ON page, page_1, some_of_page, other TO regress_seer;
SELECT journey_privacy.allow_columns('w_contract', 'page', '{id,at,nothing}');
SELECT journey_privacy.allow_columns('w_contract', 'page', '{id,NULL}');
SELECT journey_privacy.allow_columns('w_nothing', 'page', '{id}');
SELECT journey_privacy.allow_columns('w_contract', 'other', '{id}');
SELECT journey_privacy.allow_columns('w_contract', 'page', '{id,at}');
INSERT INTO page VALUES (1, 'customer_id:w7', now(), '/', '192.0.2.1'), (2, 'customer_id:w5008', now(), '/', '192.0.2.2');
INSERT INTO other VALUES (2);
SET ROLE regress_seer;
SET journey_privacy.purpose = w_contract;
SELECT id, at IS NOT NULL AS at FROM page;
SELECT count(*) FROM page;
SELECT id FROM page_1;
SELECT id FROM some_of_page;
SELECT id FROM page JOIN other USING (id);
\set VERBOSITY default
SELECT url FROM page;
\set VERBOSITY terse
SELECT id FROM page WHERE url = '/';
SELECT id FROM page ORDER BY ip;
SELECT * FROM page;
SELECT page FROM page;
SELECT count(page) FROM page;
SELECT to_json(page) FROM page;
SELECT page_1.ip FROM page_1;
SELECT ctid FROM page;
SELECT tableoid::regclass FROM page;
SELECT journey_subject FROM page;
SELECT id FROM all_of_page;
SELECT id FROM page NATURAL JOIN (SELECT 1 AS id, '/'::text AS url) x;
SELECT (SELECT max(url) FROM page);
WITH x AS (SELECT url FROM page) SELECT 1 FROM x;
UPDATE page SET at = now() WHERE id = 2 RETURNING url;
UPDATE page SET at = now(), url = url WHERE id = 2;
UPDATE page SET url = '/a' WHERE id = 2 RETURNING id;
DELETE FROM page WHERE ip IS NULL;
INSERT INTO page VALUES (3, 'p1_00000000000000000000000w') RETURNING url;
INSERT INTO page VALUES (2) ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at WHERE page.url IS NULL;
MERGE INTO other USING page ON other.id = page.id AND page.url = '/' WHEN MATCHED THEN DO NOTHING;
COPY page (url) TO stdout;
COPY (SELECT id FROM page) TO stdout;
PREPARE urls AS SELECT url FROM page;
SET journey_privacy.purpose = w_opt_out;
EXECUTE urls;
SET journey_privacy.purpose = w_contract;
EXECUTE urls;
RESET ROLE;
SELECT journey_privacy.allow_columns('w_contract', 'page', '{}');
SET ROLE regress_seer;
SELECT count(*) FROM page;
SELECT id FROM page;
RESET ROLE;
SELECT journey_privacy.allow_columns('w_contract', 'page', NULL);
SET ROLE regress_seer;
EXECUTE urls;
RESET ROLE;
RESET journey_privacy.purpose;
DEALLOCATE urls;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT journey_privacy.record_consent('customer_id:w9999', 'w_consent', true, '2026-01-02') IS NOT NULL AS ok;
SELECT * FROM journey_privacy.why('page', 'customer_id:w9999', 'regress_seer', 'w_consent');
SELECT rule, holds FROM journey_privacy.why('page', 'customer_id:w7', 'regress_seer', 'w_contract') WHERE NOT holds;
SELECT rule, holds FROM journey_privacy.why('page', 'customer_id:nobody', 'regress_seer', 'w_nothing');
SELECT rule, holds FROM journey_privacy.why('other', 'customer_id:w8', CURRENT_USER::name, 'w_contract') WHERE rule ~ 'protected|binds|seen';
DROP VIEW all_of_page, some_of_page;
DROP TABLE page, other, occurred, occurred_plain, seen, person, moment, seed;
DROP PROCEDURE look;
SELECT count(journey_privacy.disallow('regress_seer', name)) FROM journey_privacy.purpose WHERE name LIKE 'w\_%';
DROP ROLE regress_seer;
