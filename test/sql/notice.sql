-- Documents for people: the record of processing, the privacy notice, the
-- report to a subject.  Dumps, other encodings and an empty database are in
-- test/t/074.
\set VERBOSITY terse
\pset null '-'
SET client_min_messages = warning;
SELECT setseed(0.98) IS NULL AS seed_0_98;
CREATE ROLE regress_notice_staff;
CREATE ROLE regress_notice_ann IN ROLE regress_notice_staff;
CREATE ROLE regress_notice_officer;
CREATE SCHEMA nt;

-- a document as rows: where, what, value
CREATE FUNCTION nt.record() RETURNS jsonb LANGUAGE sql AS $$
  SELECT journey_privacy.processing_record('json')::jsonb -> 'sections' $$;
CREATE FUNCTION nt.rows(section jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$
  SELECT jsonb_array_elements(section -> 'rows') $$;

-- bad arguments
SELECT journey_privacy.processing_record('pdf');
SELECT journey_privacy.processing_record(NULL);
SELECT journey_privacy.privacy_notice('it');
SELECT journey_privacy.privacy_notice(NULL);
SELECT journey_privacy.privacy_notice('en', 'pdf');
SELECT journey_privacy.subject_report(NULL);
SELECT journey_privacy.subject_report('customer_id:9800000', 'pdf');
SELECT journey_privacy.subject_report('customer_id:9800000', 'json', 'EN');
SELECT journey_privacy.set_controller(NULL, 'x');
SELECT journey_privacy.set_controller('x', NULL);
SELECT journey_privacy.set_controller('', 'x');
SELECT journey_privacy.set_controller('x', repeat('y', 10001));
SELECT journey_privacy.set_recipient(NULL, 'x');
SELECT journey_privacy.set_recipient('x', '');
SELECT journey_privacy.describe_column(NULL, 'x', 'y');
SELECT journey_privacy.describe_column('pg_class', 'none', 'y');
SELECT journey_privacy.translate_purpose('nt_none', 'de', 'x');
SELECT journey_privacy.translate_purpose(NULL, 'de', 'x');

-- what there is to tell of
CREATE TABLE nt.visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz, event text,
                       email text, note journey_privacy.sealed);
CREATE TABLE nt.page (id int PRIMARY KEY, visit int REFERENCES nt.visit);
CREATE INDEX ON nt.page (visit);
CREATE TABLE nt.event (customer bigint, day timestamptz) PARTITION BY RANGE (day);
CREATE TABLE nt.event_1 PARTITION OF nt.event FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE nt.event_2 PARTITION OF nt.event FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
COMMENT ON TABLE nt.page IS 'pages of a visit';
COMMENT ON COLUMN nt.visit.event IS 'what was done';
SELECT journey_privacy.create_purpose('nt_consent', 'consent', 'Measure use', '13 months');
SELECT journey_privacy.create_purpose('nt_' || basis, basis, 'For ' || basis)
  FROM unnest(ARRAY['opt_out', 'contract', 'legal_obligation', 'vital_interests', 'public_task', 'legitimate_interests']) basis;
SELECT journey_privacy.change_purpose('nt_public_task', access => 'aggregates', min_group => 7);
SELECT journey_privacy.protect('nt.visit', 'visitor', occurred_at => 'at', retain_for => '25 months',
         collected_for => '{nt_consent,nt_contract}');
SELECT journey_privacy.protect('nt.event', 'customer', kind => 'customer_id', occurred_at => 'day', collected_for => '{nt_contract}');
SELECT journey_privacy.allow('regress_notice_staff', 'nt_consent');
SELECT journey_privacy.allow_columns('nt_consent', 'nt.visit', '{at,event}');
SELECT journey_privacy.set_controller('Shop Ltd', 'privacy at shop.example', 'Rep GmbH', 'The officer', 'The authority', 'shop.example');
SELECT journey_privacy.set_recipient('regress_notice_staff', 'our marketing team');
SELECT journey_privacy.set_recipient('Mail Inc', 'sends our letters', 'United States', 'standard contractual clauses');
SELECT journey_privacy.describe_column('nt.visit', 'event', 'use of the shop', 'what you look at');
SELECT journey_privacy.describe_column('nt.visit', 'email', 'contact');
SELECT journey_privacy.describe_column('nt.visit', NULL, 'customers', 'visits of customers');
SELECT journey_privacy.translate_purpose('nt_consent', 'de', 'Messung', 'Messen, wie der Laden genutzt wird');
SELECT journey_privacy.translate_purpose('nt_contract', 'fr', 'Contrat');

-- the record: each of our own rows
SELECT r - 'description' AS purpose FROM nt.rows(nt.record() -> 'purposes') r WHERE r ->> 'purpose' LIKE 'nt\_%';
SELECT r FROM nt.rows(nt.record() -> 'controller') r;
SELECT r FROM nt.rows(nt.record() -> 'data_subjects') r WHERE r ->> 'table' LIKE 'nt.%';
SELECT r ->> 'table' AS "table", r ->> 'column' AS "column", r ->> 'type' AS type, r ->> 'class' AS class, r ->> 'category' AS category,
       r ->> 'description' AS description, r -> 'readable_for' AS readable_for
FROM nt.rows(nt.record() -> 'data') r WHERE r ->> 'table' LIKE 'nt.%';
SELECT r FROM nt.rows(nt.record() #> '{recipients,sections,roles}') r WHERE r ->> 'purpose' LIKE 'nt\_%';
SELECT r FROM nt.rows(nt.record() #> '{recipients,sections,declared}') r;
SELECT r FROM nt.rows(nt.record() -> 'third_countries') r;
SELECT r FROM nt.rows(nt.record() -> 'retention') r WHERE r ->> 'table' LIKE 'nt.%';
SELECT r ->> 'measure' AS measure FROM nt.rows(nt.record() -> 'safeguards') r WHERE r ->> 'measure' NOT IN ('erasure_after_restore', 'minimisation');

-- the record says all of the catalog and nothing else: the differences, each way
SET search_path = pg_catalog;
CREATE TABLE nt.now AS SELECT nt.record() AS r;
CREATE VIEW nt.said AS
  SELECT 'purpose' AS what, r ->> 'purpose' AS a, r ->> 'basis' AS b, coalesce(r ->> 'description', '') || (r ->> 'min_group') AS c
  FROM nt.rows((SELECT n.r FROM nt.now n) -> 'purposes') r
  UNION ALL SELECT 'subject', r ->> 'table', r ->> 'known_by', coalesce(r ->> 'purposes', '-') FROM nt.rows((SELECT n.r FROM nt.now n) -> 'data_subjects') r
  UNION ALL SELECT 'column', r ->> 'table', r ->> 'column', r ->> 'type' FROM nt.rows((SELECT n.r FROM nt.now n) -> 'data') r
  UNION ALL SELECT 'role', r ->> 'purpose', r ->> 'role', r ->> 'members' FROM nt.rows((SELECT n.r FROM nt.now n) #> '{recipients,sections,roles}') r
  UNION ALL SELECT 'unbound', r ->> 'role', r ->> 'superuser', '' FROM nt.rows((SELECT n.r FROM nt.now n) #> '{recipients,sections,unrestricted}') r
  UNION ALL SELECT 'recipient', r ->> 'name', r ->> 'country', r ->> 'safeguard' FROM nt.rows((SELECT n.r FROM nt.now n) #> '{recipients,sections,declared}') r
  UNION ALL SELECT 'kept', r ->> 'table', (r ->> 'keep')::interval::text, '' FROM nt.rows((SELECT n.r FROM nt.now n) -> 'retention') r;
CREATE VIEW nt.is AS
  WITH RECURSIVE held(relid) AS (
    SELECT relation::oid FROM journey_privacy.protection
    UNION SELECT x.relid FROM held h, LATERAL (
      SELECT c.conrelid FROM pg_constraint c WHERE c.confrelid = h.relid AND c.contype = 'f'
      UNION ALL SELECT d.child FROM journey_privacy.declared_link d WHERE d.parent = h.relid
      UNION ALL SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = h.relid
      UNION ALL SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = h.relid) x(relid))
  SELECT 'purpose' AS what, name::text AS a, basis AS b, coalesce(description, '') || min_group AS c FROM journey_privacy.purpose
  UNION ALL SELECT 'subject', relation::text, coalesce(kind, 'pseudonym'), coalesce(to_jsonb(collected_for)::text, '-')
    FROM journey_privacy.protection WHERE inherited_from IS NULL
  UNION ALL SELECT 'column', c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM held h JOIN pg_class c ON c.oid = h.relid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN journey_privacy.protection p ON p.relation = c.oid
    WHERE NOT c.relispartition AND p.inherited_from IS NULL
  UNION ALL SELECT 'role', a.purpose, a.role, coalesce((SELECT jsonb_agg(m.rolname ORDER BY m.rolname) FROM pg_roles m
      WHERE m.rolname <> a.role AND NOT m.rolsuper AND pg_has_role(m.oid, a.role, 'USAGE')), '[]')::text FROM journey_privacy.allowance a
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = a.role)
  UNION ALL SELECT 'role', a.purpose, a.role, '[]' FROM journey_privacy.allowance a
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = a.role)
  UNION ALL SELECT 'unbound', rolname, rolsuper::text, '' FROM pg_roles WHERE rolsuper OR rolbypassrls
  UNION ALL SELECT 'recipient', name, country, safeguard FROM journey_privacy.recipient
    WHERE name NOT IN (SELECT role::text FROM journey_privacy.allowance)
  UNION ALL SELECT 'kept', relation::text, retain_for::text, '' FROM journey_privacy.protection
    WHERE inherited_from IS NULL
    AND NOT EXISTS (SELECT FROM journey_privacy.purpose u WHERE u.name = ANY (collected_for) AND to_jsonb(u) ->> 'keep_for' IS NOT NULL);
SELECT * FROM (SELECT * FROM nt.said EXCEPT ALL SELECT * FROM nt.is) d
WHERE what <> 'kept' OR (a, '') IN (SELECT i.a, '' FROM nt.is i WHERE i.what = 'kept');
SELECT * FROM (SELECT * FROM nt.is EXCEPT ALL SELECT * FROM nt.said) d;
SELECT what, count(*) > 0 AS some FROM nt.said GROUP BY what ORDER BY what;
RESET search_path;

-- the notice: the same in four languages but for the words
CREATE FUNCTION nt.notice(language text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT journey_privacy.privacy_notice(language, 'json')::jsonb $$;
CREATE FUNCTION nt.shape(section jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('text', jsonb_array_length(section -> 'text'), 'items', jsonb_array_length(section -> 'items'),
    'rows', jsonb_array_length(section -> 'rows'),
    'sections', (SELECT jsonb_object_agg(key, nt.shape(value)) FROM jsonb_each(section -> 'sections'))) $$;
SELECT language, nt.shape(nt.notice(language)) = nt.shape(nt.notice('en')) AS same_shape,
       journey_privacy.privacy_notice(language) ~ '[{}%]' AS unfilled,
       nt.notice(language) ->> 'language' AS says
FROM unnest(ARRAY['en', 'de', 'fr', 'es']) language;
SELECT key, value ->> 'title' AS title FROM jsonb_each(nt.notice('en') -> 'sections') ORDER BY 1;
-- every sentence about our purposes, and of every other section; … for purposes that others left, too
SELECT language, p.key, p.value ->> 'title' AS title, t.sentence
FROM unnest(ARRAY['en', 'de', 'fr', 'es']) WITH ORDINALITY l(language, n),
  LATERAL jsonb_each(nt.notice(language) #> '{sections,purposes,sections}') p,
  LATERAL jsonb_array_elements_text(p.value -> 'text') WITH ORDINALITY t(sentence, m)
WHERE p.key LIKE 'nt\_%' ORDER BY n, p.key, m;
SELECT language, s.key, s.value ->> 'title' AS title,
       CASE WHEN s.key = 'rights' AND m > 104 THEN regexp_replace(t.sentence, ': [^(.]*', ': … ') ELSE t.sentence END AS sentence
FROM unnest(ARRAY['en', 'de', 'fr', 'es']) WITH ORDINALITY l(language, n),
  LATERAL jsonb_each(nt.notice(language) -> 'sections') s,
  LATERAL (SELECT * FROM jsonb_array_elements_text(s.value -> 'text') WITH ORDINALITY
           UNION ALL SELECT i.value, i.ordinality + 100 FROM jsonb_array_elements_text(s.value -> 'items') WITH ORDINALITY i) t(sentence, m)
WHERE s.key NOT IN ('purposes', 'protection') AND (s.key <> 'data' OR t.sentence LIKE 'use of the shop%')
ORDER BY n, s.key, m;
-- rights follow the bases
SELECT basis, p.name AS purpose, r.sentence LIKE '%' || p.name || '%' AS named, left(r.sentence, 32) AS sentence
FROM journey_privacy.purpose p, jsonb_array_elements_text(nt.notice('en') #> '{sections,rights,items}') r(sentence)
WHERE p.name LIKE 'nt\_%' AND r.sentence ~ '(Article (7|20|21)|no to this)' AND r.sentence LIKE '%' || p.name || '%'
ORDER BY 2, 4;

-- lengths of time, with the plurals of each language
SELECT journey_privacy.create_purpose('nt_span', 'consent');
CREATE FUNCTION nt.span(span interval, language text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM journey_privacy.change_purpose('nt_span', consent_valid_for => span);
  RETURN substring(nt.notice(language) #>> '{sections,purposes,sections,nt_span,text,1}' FROM '(?:counts for|gilt|pendant|durante) (.*?)(?: lang)?\. ');
END $$;
SELECT span, nt.span(span, 'en') AS en, nt.span(span, 'de') AS de, nt.span(span, 'fr') AS fr, nt.span(span, 'es') AS es
FROM unnest(ARRAY['1 month', '13 months', '1 year', '2 years', '40 months', '1 day', '90 days', '1 year 2 days 1 hour',
                  '1 minute', '2 hours 30 minutes 1 second', '2 seconds', '0.5 second', '2 months -3 days']::interval[]) span;
SELECT journey_privacy.drop_purpose('nt_span');

-- the report to a subject: counts against what erasing would do, on random rows
SELECT journey_privacy.record_consent(('customer_id:' || i)::journey_privacy.pseudonym, 'nt_consent', true,
                                      at => CASE i WHEN 9800000 THEN '2026-01-01' ELSE now() - interval '1 month' END)
  FROM generate_series(9800000, 9800011) i \g /dev/null
SELECT journey_privacy.link_identity('customer_id:9800010', 'customer_id:9800011');
INSERT INTO nt.visit SELECT i, ('customer_id:' || 9800000 + trunc(random() * 12)::int)::journey_privacy.pseudonym,
         CASE WHEN random() < 0.9 THEN timestamptz '2026-02-01 00:00+00' + random() * interval '100 days' END, 'home'
  FROM generate_series(1, 300) i;
INSERT INTO nt.page SELECT i, 1 + trunc(random() * 300)::int FROM generate_series(1, 500) i;
INSERT INTO nt.event SELECT 9800000 + trunc(random() * 12)::int, timestamptz '2026-01-01 00:00+00' + random() * interval '58 days'
  FROM generate_series(1, 200);
CREATE FUNCTION nt.report(n int, language text DEFAULT 'en') RETURNS jsonb LANGUAGE sql AS $$
  SELECT journey_privacy.subject_report(('customer_id:' || n)::journey_privacy.pseudonym, 'json', language)::jsonb -> 'sections' $$;
CREATE TABLE nt.reports AS SELECT n, nt.report(n) FROM generate_series(9800000, 9800012) n;
CREATE FUNCTION nt.held(n int, OUT "table" text, OUT "rows" bigint, OUT first timestamptz, OUT last timestamptz) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT r ->> 'table', (r ->> 'rows')::bigint, (r ->> 'first')::timestamptz, (r ->> 'last')::timestamptz
  FROM nt.reports t, nt.rows(t.report -> 'held') r WHERE t.n = $1 $$;
CREATE FUNCTION nt.has(n int, OUT "table" text, OUT "rows" bigint, OUT first timestamptz, OUT last timestamptz) RETURNS SETOF record LANGUAGE sql AS $$
  WITH who(id, customer) AS (SELECT ('customer_id:' || i)::journey_privacy.pseudonym, i FROM unnest(CASE WHEN n IN (9800010, 9800011)
    THEN ARRAY[9800010, 9800011] ELSE ARRAY[n] END) i),
  visit AS (SELECT v.id, v.at FROM nt.visit v JOIN who ON who.id = v.visitor)
  SELECT t, c, a, b FROM (SELECT 'nt.visit' AS t, count(*) AS c, min(at) AS a, max(at) AS b FROM visit
    UNION ALL SELECT 'nt.page', count(*), NULL, NULL FROM nt.page p WHERE p.visit IN (SELECT id FROM visit)
    UNION ALL SELECT 'nt.event', count(*), min(day), max(day) FROM nt.event e JOIN who USING (customer)) o WHERE c > 0 $$;
SELECT count(*) AS subjects, sum(jsonb_array_length(report #> '{held,rows}')) AS tables,
       count(*) FILTER (WHERE EXISTS (SELECT * FROM nt.held(n) EXCEPT SELECT * FROM nt.has(n))
                           OR EXISTS (SELECT * FROM nt.has(n) EXCEPT SELECT * FROM nt.held(n))) AS wrong,
       count(*) FILTER (WHERE (SELECT sum("rows") FROM nt.held(n)) IS DISTINCT FROM
         (SELECT sum("rows") FROM journey_privacy.preview_erasure(('customer_id:' || n)::journey_privacy.pseudonym)
          WHERE relation::text LIKE 'nt.%')) AS unlike_preview
FROM nt.reports;
-- no pseudonym, no identity, nobody else
SELECT count(*) AS told FROM generate_series(9800008, 9800011) n,
  unnest(ARRAY['json', 'markdown', 'html']) format,
  LATERAL journey_privacy.subject_report(('customer_id:' || n)::journey_privacy.pseudonym, format) r
WHERE r ~ 'p1_|98000|customer_id';
-- somebody unknown
SELECT nt.report(9899999) #- '{entries,rows,0,at}' AS report;

-- decisions, and what they mean now
SELECT journey_privacy.withdraw('customer_id:9800000', 'nt_consent', at => '2026-03-01', source => 'web') IS NOT NULL AS withdrawn;
SELECT journey_privacy.object_to('customer_id:9800000', 'nt_opt_out', at => '2026-03-02') IS NOT NULL AS objected;
CREATE VIEW nt.decisions(decision) AS
  SELECT r - 'name' FROM nt.rows(nt.report(9800000) -> 'decisions') r WHERE r ->> 'purpose' LIKE 'nt\_%';
SELECT * FROM nt.decisions;
SELECT r FROM nt.rows(nt.report(9800000) -> 'history') r;
SELECT journey_privacy.restrict_processing('customer_id:9800000') IS NOT NULL AS restricted;
SELECT r ->> 'purpose' AS purpose, r -> 'usable' AS usable FROM nt.rows(nt.report(9800000) -> 'decisions') r
WHERE r ->> 'purpose' LIKE 'nt\_%' AND r -> 'usable' = 'true';
SELECT nt.report(9800000) #> '{decisions,text}' AS text;
SELECT journey_privacy.lift_restriction('customer_id:9800000') IS NOT NULL AS lifted;
-- as consent_of() and the bitmap have it
SELECT n, r ->> 'purpose' AS purpose FROM unnest(ARRAY[9800000, 9800001, 9800010]) n CROSS JOIN LATERAL nt.rows(nt.report(n) -> 'decisions') r
JOIN LATERAL journey_privacy.consent_of(('customer_id:' || n)::journey_privacy.pseudonym) c ON c.purpose = r ->> 'purpose'
JOIN journey_privacy.subject s ON s.pseudonym = ('customer_id:' || n)::journey_privacy.pseudonym
LEFT JOIN journey_privacy.permitted b ON b.purpose = c.purpose AND b.chunk = s.number / 8192
WHERE (r ->> 'granted')::boolean IS DISTINCT FROM c.granted OR (r ->> 'decided_at')::timestamptz IS DISTINCT FROM c.decided_at
   OR (r ->> 'valid_until')::timestamptz IS DISTINCT FROM c.valid_until
   OR get_bit(b.bits, s.number % 8192) <> (r ->> 'usable')::boolean::int;

-- who could see it: the role that is allowed, while the decision held
GRANT USAGE ON SCHEMA nt TO regress_notice_staff;
GRANT SELECT ON nt.visit TO regress_notice_staff;
SELECT journey_privacy.record_consent('customer_id:9800001', 'nt_consent', false) IS NOT NULL AS refused;
SET ROLE regress_notice_ann;
SET journey_privacy.purpose = 'nt_consent';
SELECT count(event) > 0 AS seen FROM nt.visit;
SELECT count(event) > 0 AS seen FROM nt.visit;
RESET journey_privacy.purpose;
RESET ROLE;
SELECT n, r ->> 'role' AS role, r ->> 'who' AS who, r ->> 'purpose' AS purpose, r -> 'times' AS times
FROM unnest(ARRAY[9800000, 9800001, 9800002, 9800011]) n, nt.rows(nt.report(n) -> 'uses') r WHERE r ->> 'purpose' LIKE 'nt\_%';
SELECT nt.report(9800000) #> '{uses,text}' -> 0 AS explained;
-- agreed to again: what was read in between does not count
SELECT journey_privacy.record_consent('customer_id:9800001', 'nt_consent', true) IS NOT NULL AS granted;
SELECT count(*) AS uses FROM nt.rows(nt.report(9800001) -> 'uses') r WHERE r ->> 'purpose' LIKE 'nt\_%';
-- the report itself is on record
SELECT count(*) > 0 AS recorded FROM nt.rows(nt.report(9800002) -> 'entries') r WHERE r ->> 'command' = 'subject_report';
SELECT journey_privacy.checkpoint_audit() \g /dev/null
SELECT DISTINCT kind, outcome, about_subject FROM journey_privacy.audit_log WHERE command = 'subject_report';

-- requests
SELECT journey_privacy.open_request('access', 'customer_id:9800003', received_at => '2026-05-01', verified => true,
         request_id => '98000000-0000-4000-8000-000000000001');
SELECT journey_privacy.open_request('erasure', 'customer_id:9800003', received_at => '2026-04-01', request_id => '98000000-0000-4000-8000-000000000002');
SELECT journey_privacy.refuse_request('98000000-0000-4000-8000-000000000002', 'an invoice | is open');
SELECT r - 'finished_at' AS request, r ->> 'finished_at' IS NOT NULL AS finished FROM nt.rows(nt.report(9800003) -> 'requests') r;
SELECT journey_privacy.cancel_request('98000000-0000-4000-8000-000000000001');

-- a hold is not told
SELECT journey_privacy.place_hold('nt secret inquiry', 'customer_id:9800003') IS NOT NULL AS held;
SELECT nt.report(9800003)::text LIKE '%secret inquiry%' AS told;
SELECT id FROM journey_privacy.hold WHERE reason = 'nt secret inquiry' \gset
CALL journey_privacy.release_hold(:'id');

-- four languages, one shape; the codes of programs are not translated
CREATE TABLE nt.told AS SELECT language, nt.report(9800003, language) #- '{uses,rows}' #- '{entries,rows}' AS report
  FROM unnest(ARRAY['en', 'de', 'fr', 'es']) language;
SELECT t.language, nt.shape(jsonb_build_object('sections', t.report)) = nt.shape(jsonb_build_object('sections', e.report)) AS same_shape,
       t.report #> '{requests,rows}' = e.report #> '{requests,rows}' AS same_codes, t.report::text ~ '\{[12]\}' AS unfilled,
       t.report #>> '{held,title}' AS title
FROM nt.told t, nt.told e WHERE e.language = 'en';

-- hostile texts are shown and do nothing
CREATE TEMP TABLE hostile (t text);
INSERT INTO hostile VALUES ('</td></table><script>alert(1)</script>'), ('a | b \| c'), ('"x" onload=''y'''), ('[a](javascript:b) ![c](d)'),
  (E'two\n\n# lines'), ('{1} {2} %s %1$s'), ('&amp; &lt;'), (E'\u202Eright to left \u05D0'), ('``` `code'), (repeat('long ', 1900)), (':smile: http://a.example 12:30');
CREATE TEMP TABLE document (name text, format text, t text, body text);
DO $$
DECLARE
  h text;
  l text;
  f text;
BEGIN
  FOR h IN SELECT t FROM hostile LOOP
    PERFORM journey_privacy.change_purpose('nt_consent', description => h);
    PERFORM journey_privacy.translate_purpose('nt_contract', 'en', h, h);
    PERFORM journey_privacy.set_controller(h, h, h, h, h, h);
    PERFORM journey_privacy.set_recipient('Mail Inc', h, h, h);
    PERFORM journey_privacy.describe_column('nt.visit', 'event', h, h);
    PERFORM journey_privacy.describe_column('nt.visit', NULL, h, h);
    FOREACH f IN ARRAY ARRAY['json', 'markdown', 'html'] LOOP
      INSERT INTO document VALUES ('record', f, h, journey_privacy.processing_record(f)),
        ('report', f, h, journey_privacy.subject_report('customer_id:9800003', f));
      FOREACH l IN ARRAY ARRAY['en', 'fr'] LOOP
        INSERT INTO document VALUES ('notice', f, h, journey_privacy.privacy_notice(l, f));
      END LOOP;
    END LOOP;
  END LOOP;
END $$;
SELECT name, format, count(*) FROM document GROUP BY 1, 2 ORDER BY 1, 2;
-- HTML is well-formed, without script, handler, link or resource
SELECT name, left(t, 20) AS t FROM document WHERE format = 'html' AND NOT xml_is_well_formed_document(body);
SELECT name, left(t, 20) AS t, x FROM document, LATERAL unnest(xpath('//*[local-name()="script" or local-name()="img" or local-name()="a" or local-name()="link" or local-name()="iframe" or local-name()="object"]', body::xml)) x
WHERE format = 'html';
SELECT DISTINCT name(x) FROM (SELECT (xpath('local-name(/*)', ('<' || m[1] || '/>')::xml))[1]::text FROM document, LATERAL regexp_matches(body, '<([a-z0-9]+)[ >]', 'g') m WHERE format = 'html') x(name) ORDER BY 1;
SELECT DISTINCT m[1] AS attribute FROM document, LATERAL regexp_matches(regexp_replace(body, '>[^<]*<', '><', 'g'), '\s([a-z-]+)="', 'g') m WHERE format = 'html' ORDER BY 1;
-- what is shown is the text: in HTML as written, space apart
SELECT name, left(t, 20) AS t FROM document WHERE format = 'html' AND name <> 'report'
  AND NOT EXISTS (SELECT FROM unnest(xpath('//td/text() | //p/text() | //li/text()', body::xml)) x
                  WHERE position(regexp_replace(translate(t, E'\u202E', ''), '[\n ]+', ' ', 'g')
                    IN regexp_replace(translate(xpath('string(.)', ('<x>' || x::text || '</x>')::xml)::text, '', ''), '[\n ]+', ' ', 'g')) > 0
                     OR position(replace(translate(t, E'\u202E', ''), '"', '\"') IN (xpath('string(.)', ('<x>' || x::text || '</x>')::xml))[1]::text) > 0)
  AND t !~ '[&<>"'']' AND t NOT LIKE '%right%' AND t NOT LIKE '% lines' AND t NOT LIKE 'long%';
-- tables of Markdown have as many cells in each row as in their heading
CREATE VIEW pg_temp.line AS
  SELECT d.ctid AS document, d.name, l.n, l.line, length(regexp_replace(regexp_replace(l.line, '\\.', '', 'g'), '[^|]', '', 'g')) AS bars
  FROM document d, LATERAL unnest(string_to_array(body, E'\n')) WITH ORDINALITY l(line, n) WHERE d.format = 'markdown';
SELECT count(*) > 100 AS lines, count(*) FILTER (WHERE bars <> before) AS wrong
FROM (SELECT *, lag(bars) OVER w AS before, lag(line) OVER w AS above FROM pg_temp.line WINDOW w AS (PARTITION BY document ORDER BY n)) x
WHERE line LIKE '|%' AND above LIKE '|%';
-- and no line begins what was not meant
SELECT DISTINCT name, left(line, 30) FROM pg_temp.line
WHERE line ~ '^(#+ lines|```|===|<)' OR line ~ '[^\\]<' OR line ~ '(^|[^\\])[\[`!]';
-- JSON is what the README says
CREATE FUNCTION pg_temp.odd(s jsonb, top boolean) RETURNS boolean LANGUAGE sql AS $$
  SELECT jsonb_typeof(s -> 'title') IS DISTINCT FROM 'string'
    OR EXISTS (SELECT FROM jsonb_object_keys(s) k WHERE k NOT IN ('title', 'text', 'items', 'rows', 'sections')
               AND NOT (top AND k IN ('document', 'version', 'language', 'dated')))
    OR EXISTS (SELECT FROM unnest(ARRAY['text', 'items', 'rows']) k WHERE s ? k AND jsonb_typeof(s -> k) <> 'array')
    OR EXISTS (SELECT FROM jsonb_array_elements((s -> 'text') || coalesce(s -> 'items', '[]')) t WHERE jsonb_typeof(t) <> 'string')
    OR EXISTS (SELECT FROM jsonb_array_elements(s -> 'rows') r WHERE jsonb_typeof(r) <> 'object')
    OR EXISTS (SELECT FROM jsonb_array_elements(s -> 'rows') r, jsonb_each(r) v WHERE jsonb_typeof(v.value) = 'object')
    OR (top AND (s ->> 'version' <> '1' OR jsonb_typeof(s -> 'sections') <> 'object'))
    OR coalesce((SELECT bool_or(pg_temp.odd(value, false)) FROM jsonb_each(s -> 'sections')), false) $$;
SELECT name, left(t, 20) AS t FROM document WHERE format = 'json' AND pg_temp.odd(body::jsonb, true);
SELECT name, left(t, 20) AS t FROM document WHERE format = 'json' AND name <> 'report' AND position(trim('"' FROM to_jsonb(t)::text) IN (body::jsonb)::text) = 0;

-- closed to all but whom it is granted to; describe_column() asks for the owner
SET ROLE regress_notice_officer;
SELECT journey_privacy.processing_record();
SELECT journey_privacy.privacy_notice();
SELECT journey_privacy.subject_report('p1_000000000000000000000000');
SELECT journey_privacy.set_controller('x', 'y');
SELECT * FROM journey_privacy.controller;
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.processing_record(text), journey_privacy.privacy_notice(text, text),
  journey_privacy.subject_report(journey_privacy.pseudonym, text, text), journey_privacy.describe_column(regclass, name, text, text)
  TO regress_notice_officer;
SET ROLE regress_notice_officer;
SELECT length(journey_privacy.processing_record()) > 100 AS record, length(journey_privacy.privacy_notice()) > 100 AS notice;
SELECT length(journey_privacy.subject_report('p1_000000000000000000000000')) > 10 AS report;
SELECT journey_privacy.describe_column('journey_privacy.purpose', 'name', 'x');
RESET ROLE;

-- taken back, and gone with what they tell of
SELECT journey_privacy.set_recipient('Mail Inc', NULL), journey_privacy.set_recipient('regress_notice_staff', NULL);
SELECT journey_privacy.describe_column('nt.visit', 'email', NULL);
SELECT journey_privacy.translate_purpose('nt_contract', 'en', NULL);
SELECT count(*) FROM journey_privacy.recipient WHERE name IN ('Mail Inc', 'regress_notice_staff');
SELECT column_name FROM journey_privacy.column_description ORDER BY 1;
SELECT purpose, language FROM journey_privacy.purpose_translation ORDER BY 1, 2;
SELECT journey_privacy.unprotect('nt.visit');
SELECT journey_privacy.unprotect('nt.event');
SET client_min_messages = error;
DROP SCHEMA nt CASCADE;
SELECT count(*) FROM journey_privacy.column_description;
SELECT journey_privacy.disallow('regress_notice_staff', 'nt_consent');
SELECT journey_privacy.drop_purpose('nt_contract');
SELECT purpose, language FROM journey_privacy.purpose_translation ORDER BY 1, 2;
DELETE FROM journey_privacy.controller;
DELETE FROM journey_privacy.purpose_translation;
SELECT journey_privacy.drop_purpose('nt_' || b) FROM unnest(ARRAY['legal_obligation', 'vital_interests', 'public_task', 'legitimate_interests']) b;
REVOKE ALL ON FUNCTION journey_privacy.processing_record(text), journey_privacy.privacy_notice(text, text),
  journey_privacy.subject_report(journey_privacy.pseudonym, text, text), journey_privacy.describe_column(regclass, name, text, text)
  FROM regress_notice_officer;
DROP ROLE regress_notice_ann, regress_notice_staff, regress_notice_officer;
