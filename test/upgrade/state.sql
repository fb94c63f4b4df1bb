-- All that must be the same after pg_upgrade, whatever its order on disk.
SET client_min_messages = error;
\echo == who sees what
SELECT format('SET ROLE %s; SET journey_privacy.purpose = %L; SELECT %L, count(*), md5(string_agg(t::text, %L ORDER BY t::text COLLATE "C")) FROM %s t; RESET ROLE;',
  r, p, concat_ws(' ', r, p, t), ',', t)
FROM (VALUES ('analyst', 'analytics'), ('clerk', 'billing')) a(r, p),
     (SELECT unnest(ARRAY['visit', 'visit_old', 'customer', 'lead', 'lead_hot', 'device', 'screening', 'scan', 'spread',
                    '(SELECT v.event, p.* FROM visit v JOIN page p ON p.visit = v.id)']) AS t) t
ORDER BY 1 \gexec
\echo == our tables
SELECT format('SELECT %L, count(*), md5(string_agg(t::text, %L ORDER BY t::text COLLATE "C")) FROM %s t', c.oid::regclass, ',', c.oid::regclass)
FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'journey_privacy')
  AND c.relkind = 'r' AND c.relname !~ '^(audit_|consent_queue)' ORDER BY c.oid::regclass::text \gexec
SELECT last_value, is_called FROM journey_privacy.subject_number;
\echo == what makes them protected
SELECT polrelid::regclass, polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid) FROM pg_policy ORDER BY 1, 2;
SELECT tgrelid::regclass, tgname, tgenabled, tgfoid::regprocedure FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2;
SELECT oid::regclass, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relrowsecurity ORDER BY 1;
SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY 1;
SELECT relation, inherited_from FROM journey_privacy.protection ORDER BY relation::text;
\echo == sealed values, receipts, decisions, identities
SELECT count(*), count(journey_privacy.unseal(journey_privacy.pseudonymize('customer_id', id), phone, 'phone')),
  bool_and(journey_privacy.unseal(journey_privacy.pseudonymize('customer_id', id), phone, 'phone') = 'phone of ' || id) FROM customer;
SELECT request_id, journey_privacy.verify_receipt(receipt) FROM journey_privacy.erasure ORDER BY 1;
SELECT n, (SELECT string_agg(c::text, ' ' ORDER BY c::text) FROM journey_privacy.consent_of(('customer_id:' || n)::journey_privacy.pseudonym) c)
FROM generate_series(1, 90, 7) n;
SELECT * FROM journey_privacy.preview_erasure('customer_id:12') ORDER BY 1;
\echo == indexes on pseudonyms, by btree, by hash, and partitions by hash
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM visit WHERE visitor = 'customer_id:3' AND at < 'infinity';
SELECT count(*) FROM (SELECT visitor, lag(visitor) OVER () AS before FROM (SELECT visitor FROM visit ORDER BY visitor OFFSET 0) v) w WHERE before > visitor;
SELECT count(*) FROM spread WHERE who = 'customer_id:3';
SELECT count(*) FROM spread s WHERE NOT EXISTS (SELECT FROM spread WHERE who = s.who);
RESET enable_seqscan;
RESET enable_bitmapscan;
\echo == the store, the audit
SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text COLLATE "C")) FROM visit_journey t;
SELECT broken_entry IS NULL, checked = size, size > 0 FROM journey_privacy.verify_audit();
SELECT severity, "check", object, finding FROM journey_privacy.doctor() WHERE severity = 'critical' ORDER BY 1, 2, 3;
