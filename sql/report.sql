-- report
-- The state of it all: a page for people, and figures for those who watch.

-- Parts that add up to a whole that is known: one that is hidden needs another
-- one beside it, so that both together are as many as the floor wants.
CREATE VIEW journey_privacy.consent_told AS
  WITH decided AS (
    SELECT c.purpose,
           count(*) FILTER (WHERE c.granted AND coalesce(c.valid_until > pg_catalog.now(), true)) AS yes,
           count(*) FILTER (WHERE NOT c.granted) AS no,
           count(*) FILTER (WHERE c.granted AND c.valid_until <= pg_catalog.now()) AS expired
    FROM journey_privacy.consent_state c GROUP BY c.purpose),
  counted AS (
    SELECT p.name AS purpose, p.basis, p.min_group, n.subjects, coalesce(d.yes, 0) AS yes, coalesce(d.no, 0) AS no,
           coalesce(d.expired, 0) AS expired, n.subjects - coalesce(d.yes + d.no + d.expired, 0) AS silent,
           (SELECT count(*) FROM journey_privacy.subject s
            LEFT JOIN journey_privacy.consent_state c ON c.purpose = p.name AND c.number = s.number
            WHERE s.restricted
              AND CASE WHEN p.basis = 'consent' THEN c.granted AND coalesce(c.valid_until > pg_catalog.now(), true)
                       WHEN p.basis IN ('opt_out', 'legitimate_interests') THEN c.granted IS DISTINCT FROM false
                       ELSE p.basis <> 'legal_obligation' END) AS restricted
    FROM journey_privacy.purpose p
    CROSS JOIN (SELECT count(*) AS subjects FROM journey_privacy.subject) n
    LEFT JOIN decided d ON d.purpose = p.name),
  part AS (
    SELECT c.purpose, v.part, v.n,
           c.subjects < c.min_group OR (v.n > 0 AND v.n < c.min_group)
             OR coalesce(pg_catalog.sum(v.n) OVER (PARTITION BY c.purpose ORDER BY v.n, v.part
                         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) BETWEEN 1 AND c.min_group - 1, false) AS few
    FROM counted c, LATERAL (VALUES ('yes', c.yes), ('no', c.no), ('expired', c.expired), ('silent', c.silent)) v(part, n)),
  told AS (
    SELECT p.purpose,
           pg_catalog.max(p.n) FILTER (WHERE p.part = 'yes' AND NOT p.few) AS yes,
           pg_catalog.max(p.n) FILTER (WHERE p.part = 'no' AND NOT p.few) AS no,
           pg_catalog.max(p.n) FILTER (WHERE p.part = 'expired' AND NOT p.few) AS expired,
           pg_catalog.max(p.n) FILTER (WHERE p.part = 'silent' AND NOT p.few) AS silent
    FROM part p GROUP BY p.purpose)
  SELECT c.purpose, c.basis, c.min_group, c.subjects, t.yes, t.no, t.expired, t.silent,
         CASE WHEN c.subjects < c.min_group OR c.restricted BETWEEN 1 AND c.min_group - 1 THEN NULL
              WHEN c.basis = 'consent' THEN t.yes - c.restricted
              WHEN c.basis IN ('opt_out', 'legitimate_interests') THEN c.subjects - t.no - c.restricted
              ELSE c.subjects - c.restricted END AS permitted
  FROM counted c JOIN told t USING (purpose);
REVOKE ALL ON journey_privacy.consent_told FROM PUBLIC;
COMMENT ON VIEW journey_privacy.consent_told IS
  'consent_rate as far as the floor of each purpose allows to tell it, and how many subjects may be seen for the purpose; null: too few people, or one could find out from the rest';
COMMENT ON COLUMN journey_privacy.consent_told.purpose IS 'which';
COMMENT ON COLUMN journey_privacy.consent_told.basis IS 'legal basis';
COMMENT ON COLUMN journey_privacy.consent_told.min_group IS 'the floor';
COMMENT ON COLUMN journey_privacy.consent_told.subjects IS 'identities that are known';
COMMENT ON COLUMN journey_privacy.consent_told.yes IS 'in force';
COMMENT ON COLUMN journey_privacy.consent_told.no IS 'in force';
COMMENT ON COLUMN journey_privacy.consent_told.expired IS 'a yes that counts no more';
COMMENT ON COLUMN journey_privacy.consent_told.silent IS 'have not decided';
COMMENT ON COLUMN journey_privacy.consent_told.permitted IS 'may be seen';

-- Each branch has a constant name, so that who asks for one metric pays for
-- that one only.  Names and units are as Prometheus wants them.
CREATE VIEW journey_privacy.metric AS
  SELECT 'journey_privacy_subjects' AS name, '{}'::jsonb AS labels, count(*)::double precision AS value
  FROM journey_privacy.subject
  UNION ALL
  SELECT 'journey_privacy_consent_subjects', pg_catalog.jsonb_build_object('purpose', t.purpose, 'answer', v.answer), v.n
  FROM journey_privacy.consent_told t,
       LATERAL (VALUES ('yes', t.yes), ('no', t.no), ('expired', t.expired), ('silent', t.silent)) v(answer, n)
  WHERE v.n IS NOT NULL
  UNION ALL
  SELECT 'journey_privacy_consent_permitted_ratio', pg_catalog.jsonb_build_object('purpose', t.purpose),
         t.permitted::double precision / t.subjects
  FROM journey_privacy.consent_told t WHERE t.permitted IS NOT NULL AND t.subjects > 0
  UNION ALL
  SELECT 'journey_privacy_protected_tables', '{}', count(*)
  FROM journey_privacy.protection WHERE inherited_from IS NULL
  UNION ALL
  SELECT 'journey_privacy_requests_open', pg_catalog.jsonb_build_object('kind', k.kind), count(r.id)
  FROM (VALUES ('access'), ('portability'), ('erasure'), ('rectification'), ('restriction'), ('objection')) k(kind)
  LEFT JOIN journey_privacy.request r ON r.kind = k.kind AND r.status IN ('pending', 'in_progress')
  GROUP BY k.kind
  UNION ALL
  SELECT 'journey_privacy_requests_overdue', pg_catalog.jsonb_build_object('kind', k.kind), count(r.id)
  FROM (VALUES ('access'), ('portability'), ('erasure'), ('rectification'), ('restriction'), ('objection')) k(kind)
  LEFT JOIN journey_privacy.request r
    ON r.kind = k.kind AND r.status IN ('pending', 'in_progress') AND r.due_at < pg_catalog.now()
  GROUP BY k.kind
  UNION ALL
  SELECT 'journey_privacy_requests_deadline_seconds', '{}',
         extract(epoch FROM pg_catalog.min(r.due_at) - pg_catalog.now())
  FROM journey_privacy.request r WHERE r.status IN ('pending', 'in_progress') HAVING count(*) > 0
  UNION ALL
  SELECT 'journey_privacy_erasures_done_total', '{}', count(*)
  FROM journey_privacy.erasure e WHERE e.state = 'done'
  UNION ALL
  SELECT 'journey_privacy_erasures_unfinished', '{}', count(*)
  FROM journey_privacy.erasure e WHERE e.state <> 'done' AND e.state = 'erasing'
  UNION ALL
  SELECT 'journey_privacy_erasures_withheld', '{}', count(*)
  FROM journey_privacy.erasure e WHERE e.state <> 'done' AND e.state = 'withheld'
  UNION ALL
  SELECT 'journey_privacy_holds_active', '{}', count(*)
  FROM journey_privacy.hold h
  WHERE h.released_at IS NULL AND coalesce(h.held_until > pg_catalog.now(), true)
  UNION ALL
  SELECT 'journey_privacy_callbacks_waiting', '{}', count(*)
  FROM journey_privacy.callback c WHERE c.delivered_at IS NULL AND c.next_attempt_at < 'infinity'
  UNION ALL
  SELECT 'journey_privacy_callbacks_given_up', '{}', count(*)
  FROM journey_privacy.callback c WHERE c.delivered_at IS NULL AND c.next_attempt_at = 'infinity'
  UNION ALL
  SELECT 'journey_privacy_callbacks_oldest_age_seconds', '{}',
         coalesce(extract(epoch FROM pg_catalog.now() - pg_catalog.min(c.created_at)), 0)
  FROM journey_privacy.callback c WHERE c.delivered_at IS NULL AND c.next_attempt_at < 'infinity'
  UNION ALL
  SELECT 'journey_privacy_audit_entries_total', '{}', a.size FROM journey_privacy.audit_state a
  UNION ALL
  SELECT 'journey_privacy_audit_queue_bytes', '{}', a.waiting FROM journey_privacy.audit_state a
  UNION ALL
  SELECT 'journey_privacy_audit_queue_capacity_bytes', '{}', a.queue_size FROM journey_privacy.audit_state a
  UNION ALL
  SELECT 'journey_privacy_audit_worker_up', '{}', (a.worker IS NOT NULL)::integer FROM journey_privacy.audit_state a
  UNION ALL
  SELECT 'journey_privacy_audit_checkpoint_age_seconds', '{}', extract(epoch FROM pg_catalog.now() - a.checkpoint_at)
  FROM journey_privacy.audit_state a WHERE a.checkpoint_at IS NOT NULL
  UNION ALL
  SELECT 'journey_privacy_audit_unsigned_entries', '{}', a.size - coalesce(a.checkpoint_size, 0)
  FROM journey_privacy.audit_state a
  UNION ALL
  SELECT 'journey_privacy_audit_verification_age_seconds', '{}', extract(epoch FROM pg_catalog.now() - v.verified_at)
  FROM journey_privacy.audit_verification v WHERE v.whole
  UNION ALL
  SELECT 'journey_privacy_purge_age_seconds', pg_catalog.jsonb_build_object('table', pg_catalog.format('%I.%I', n.nspname, c.relname)),
         extract(epoch FROM pg_catalog.now() - coalesce(
           (SELECT pg_catalog.max(u.finished_at) FROM journey_privacy.purge_run u
            WHERE u.state = 'done' AND pg_catalog.to_regclass(u.relation) = r.relation),
           (SELECT p.protected_at FROM journey_privacy.protection p WHERE p.relation = r.relation)))
  FROM journey_privacy.retention r
  JOIN pg_catalog.pg_class c ON c.oid = r.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  UNION ALL
  SELECT 'journey_privacy_plan_violations_total',
         pg_catalog.jsonb_build_object('table', pg_catalog.format('%I.%I', n.nspname, c.relname), 'violation', v.violation),
         pg_catalog.sum(v.count)
  FROM journey_privacy.plan_violation v
  JOIN pg_catalog.pg_class c ON c.oid = v."table" JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  GROUP BY n.nspname, c.relname, v.violation;
REVOKE ALL ON journey_privacy.metric FROM PUBLIC;
COMMENT ON VIEW journey_privacy.metric IS
  'numbers worth watching, named as Prometheus wants it: name, labels, value in base units (seconds, bytes, ratios from 0 to 1); what the floor of a purpose does not allow to tell is not there; who reads it needs EXECUTE on audit_queue(), too';
COMMENT ON COLUMN journey_privacy.metric.name IS 'as Prometheus wants it';
COMMENT ON COLUMN journey_privacy.metric.labels IS 'of the figure';
COMMENT ON COLUMN journey_privacy.metric.value IS 'seconds, bytes, or a ratio from 0 to 1';

-- Not SECURITY DEFINER: it reads our tables as the extension's owner by
-- itself, and the journey table as the caller.
CREATE FUNCTION journey_privacy.dashboard_html(
    "table" regclass DEFAULT NULL, title text DEFAULT NULL, language text DEFAULT 'en')
  RETURNS text
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_dashboard_html';
REVOKE ALL ON FUNCTION journey_privacy.dashboard_html(regclass, text, text) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.dashboard_html(regclass, text, text) IS
'one HTML page on the protection of this database, complete by itself
table: whose journey map it has, as the caller may see it; NULL: none
title: above the page; NULL: a general one
language: en, de, fr or es
Returns: HTML
Errors: 22004 language is NULL; 22023 unknown language; 42501 the caller may not read what it reads;
  42809 the table is not protected, or without occurred_at; 54000 a text that is too long
Source: Art. 5(2) GDPR';
