-- invariants.sql: what must hold in every database with the extension, at any time.
--
--   psql -X -d DATABASE -f invariants.sql
--
-- Run it as a superuser, from cron too: nothing is changed, nobody is named, and
-- the exit status is 3 when anything is violated or could not be looked at.  One
-- line for each invariant, "ok" or how many violations there are.  It reads
-- every protected table once and takes no lock that anybody waits for; on a
-- standby it tells what has been replayed.
--
-- What protect() made is asked of doctor(), which knows what mends it; all else
-- is computed here a second time, slowly and plainly, from what it follows from.
\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
\pset pager off
SET client_min_messages = warning;
SET search_path = pg_catalog, pg_temp;
SET statement_timeout = 0;
-- is_erased() and pseudonymize() of many: planned as what they cost
SET jit = off;
SELECT set_config('invariants.violations', '0', false) AS violations \gset

-- Tells of the invariant in :rule, of which :found violations were found.
\set tell 'SELECT rpad(:\'rule\', 78, \' .\') || \' \' || CASE :found WHEN 0 THEN \'ok\' ELSE :found || \' violated\' END || left(set_config(\'invariants.violations\', (current_setting(\'invariants.violations\')::bigint + :found)::text, false), 0);'

-- One snapshot for all.
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- The server and what protect() made ------------------------------------------

SELECT count(*) FILTER (WHERE "check" = 'row_security') AS row_security,
       count(*) FILTER (WHERE "check" = 'policy') AS policy,
       count(*) FILTER (WHERE "check" = 'trigger') AS guard,
       count(*) FILTER (WHERE "check" = 'column') AS columns,
       count(*) FILTER (WHERE "check" = 'partition') AS partition,
       count(*) FILTER (WHERE "check" = 'own_trigger') AS own_trigger,
       count(*) FILTER (WHERE "check" = 'open_function') AS open_function
FROM journey_privacy.doctor() \gset

\set rule 'the library is preloaded'
SELECT (current_setting('shared_preload_libraries') !~ '\mjourney_privacy\M')::int AS found \gset
:tell
\set rule 'row security is on and forced, on every protected table and its parts'
\set found :row_security
:tell
\set rule 'the policies are restrictive, for everybody, the same for each command'
\set found :policy
:tell
\set rule 'the insert guard and the guard against TRUNCATE always fire'
\set found :guard
:tell
\set rule 'the columns by which tables are protected are there'
\set found :columns
:tell
\set rule 'partitions and children of protected tables are covered'
\set found :partition
:tell
\set rule 'a part is protected as its parent is'
SELECT count(*) AS found
FROM journey_privacy.protection p LEFT JOIN journey_privacy.protection h ON h.relation = p.inherited_from
WHERE p.inherited_from IS NOT NULL
  AND (p.subject_column, p.kind, p.number_column, p.occurred_at, p.collected_for, p.visibility, p.on_refused)
    IS DISTINCT FROM
      (h.subject_column, h.kind, h.number_column, h.occurred_at, h.collected_for, h.visibility, h.on_refused) \gset
:tell
\set rule 'triggers of the extension''s own tables always fire, its event triggers too'
\set found :own_trigger
:tell
\set rule 'what is registered are tables that are there'
SELECT count(*) AS found FROM (
  SELECT relation FROM journey_privacy.protection
  UNION ALL SELECT relation FROM journey_privacy.column_allowance
  UNION ALL SELECT relation FROM journey_privacy.pseudonym_column
  UNION ALL SELECT relation FROM journey_privacy.minimization
  UNION ALL SELECT relation FROM journey_privacy.data_plan
  UNION ALL SELECT unnest(ARRAY[child, parent]) FROM journey_privacy.declared_link
  UNION ALL SELECT unnest(ARRAY[relation, source]) FROM journey_privacy.derived
  UNION ALL SELECT unnest(ARRAY[relation, source]) FROM journey_privacy.journey_store) r
WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.relation) \gset
:tell
\set rule 'what is allowed is allowed for purposes that there are'
SELECT count(*) AS found
FROM (SELECT purpose FROM journey_privacy.allowance
      UNION ALL SELECT purpose FROM journey_privacy.column_allowance
      UNION ALL SELECT purpose FROM journey_privacy.consent_mapping) a
WHERE a.purpose NOT IN (SELECT name FROM journey_privacy.purpose) \gset
:tell

-- Functions and grants --------------------------------------------------------

\set ours 'SELECT d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = \'pg_extension\'::regclass WHERE e.extname = \'journey_privacy\' AND d.deptype = \'e\''
\set rule 'SECURITY DEFINER functions search pg_catalog and pg_temp only'
SELECT count(*) AS found FROM pg_proc
WHERE prosecdef AND oid IN (:ours)
  AND proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp'] \gset
:tell
\set rule 'SECURITY DEFINER functions are not open to PUBLIC'
SELECT count(*) AS found FROM pg_proc
WHERE prosecdef AND oid IN (:ours)
  AND EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
              WHERE grantee = 0 AND privilege_type = 'EXECUTE') \gset
:tell
\set rule 'functions are no more open to PUBLIC than they were when installed'
\set found :open_function
:tell
\set rule 'the extension''s tables are no more open to PUBLIC than when installed'
SELECT count(*) AS found FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
WHERE c.oid IN (:ours) AND a.grantee = 0
  AND NOT EXISTS (SELECT FROM pg_init_privs i CROSS JOIN aclexplode(i.initprivs) was
                  WHERE i.classoid = 'pg_class'::regclass AND i.objoid = c.oid AND i.objsubid = 0
                    AND was.grantee = 0 AND was.privilege_type = a.privilege_type) \gset
:tell

-- Keys ------------------------------------------------------------------------

\set rule 'each kind of key has one active version'
SELECT count(*) AS found
FROM (SELECT kind FROM journey_privacy.key_version GROUP BY kind
      HAVING count(*) FILTER (WHERE state = 'active') <> 1) k \gset
:tell
\set rule 'every pseudonym in our tables is of the active key version'
SELECT count(*) AS found
FROM (SELECT pseudonym FROM journey_privacy.subject
      UNION ALL SELECT subject FROM journey_privacy.consent_event
      UNION ALL SELECT subject FROM journey_privacy.subject_key) p
WHERE get_byte(p.pseudonym::bytea, 0) <>
  (SELECT version FROM journey_privacy.key_version WHERE kind = 'pseudonym' AND state = 'active') \gset
:tell
\set rule 'every data key has an owner, and every owner''s key is there'
SELECT count(*) AS found
FROM journey_privacy.subject_key s FULL JOIN journey_privacy.data_key d USING (key_id)
WHERE s.key_id IS NULL OR d.key_id IS NULL \gset
:tell

-- Subjects --------------------------------------------------------------------

\set rule 'subject numbers are given once, and by the sequence'
SELECT count(*) - count(DISTINCT number)
       + count(*) FILTER (WHERE number >= (SELECT last_value + is_called::int FROM journey_privacy.subject_number)) AS found
FROM journey_privacy.subject \gset
:tell
\set rule 'numbers of erased subjects are not used again'
SELECT count(*) AS found FROM journey_privacy.subject
WHERE number IN (SELECT number FROM journey_privacy.erasure_subject) \gset
:tell
\set rule 'an alias leads to a head, and a head knows that it has aliases'
SELECT count(*) AS found
FROM journey_privacy.subject s
LEFT JOIN journey_privacy.subject h ON h.number = s.head
LEFT JOIN (SELECT DISTINCT head FROM journey_privacy.subject) a ON a.head = s.number
WHERE CASE WHEN s.head IS NULL THEN s.linked <> (a.head IS NOT NULL)
           ELSE s.linked OR a.head IS NOT NULL OR h.number IS NULL OR h.head IS NOT NULL
             OR h.restricted <> s.restricted END \gset
:tell

-- Decisions -------------------------------------------------------------------
-- What a hold keeps of the ledger from before an erasure is not in force for who
-- has come back.

\set rule 'a decision in force is the latest by event time; no wins over yes'
WITH member AS (
  SELECT pseudonym, number, created_at, coalesce(head, number) AS head FROM journey_privacy.subject),
said AS (
  SELECT DISTINCT ON (m.head, e.purpose) m.head, e.purpose, e.decision = 'granted' AS granted, e.at
  FROM journey_privacy.consent_event e JOIN member m ON m.pseudonym = e.subject
  WHERE e.purpose IS NOT NULL AND e.recorded_at >= m.created_at
  ORDER BY m.head, e.purpose, e.at DESC, e.decision = 'granted'),
due AS (
  SELECT s.purpose, m.number, s.granted, s.at AS decided_at,
         CASE WHEN s.granted AND p.basis = 'consent'
              THEN (s.at AT TIME ZONE 'UTC' + p.consent_valid_for) AT TIME ZONE 'UTC' END AS valid_until
  FROM said s JOIN member m USING (head) JOIN journey_privacy.purpose p ON p.name = s.purpose)
SELECT count(*) AS found
FROM due d FULL JOIN journey_privacy.consent_state c USING (purpose, number)
WHERE (d.granted, d.decided_at, d.valid_until) IS DISTINCT FROM (c.granted, c.decided_at, c.valid_until) \gset
:tell
\set rule 'a subject is restricted when the ledger says so'
WITH member AS (
  SELECT pseudonym, number, restricted, created_at, coalesce(head, number) AS head FROM journey_privacy.subject),
said AS (
  SELECT DISTINCT ON (m.head) m.head, e.decision = 'restricted' AS restricted
  FROM journey_privacy.consent_event e JOIN member m ON m.pseudonym = e.subject
  WHERE e.purpose IS NULL AND e.recorded_at >= m.created_at ORDER BY m.head, e.at DESC, e.decision = 'restricted' DESC)
SELECT count(*) AS found FROM member m LEFT JOIN said s USING (head)
WHERE m.restricted <> coalesce(s.restricted, false) \gset
:tell

-- What may be seen.  An expired yes may have its bit, when the chunk says that
-- it must be looked at again.
\set may 'CASE WHEN p.basis = \'legal_obligation\' THEN true WHEN s.restricted THEN false WHEN p.basis = \'consent\' THEN coalesce(c.granted AND coalesce(c.valid_until > now(), true), false) WHEN p.basis IN (\'opt_out\', \'legitimate_interests\', \'public_task\') THEN coalesce(c.granted, true) ELSE true END'
\set bit 'CASE WHEN b.bits IS NULL THEN p.basis <> \'consent\' ELSE get_bit(b.bits, s.number % 8192) = 1 END'
\set rule 'the bitmaps show whom decisions, restrictions and legal basis let be seen'
SELECT count(*) AS found
FROM journey_privacy.purpose p CROSS JOIN journey_privacy.subject s
LEFT JOIN journey_privacy.consent_state c ON c.purpose = p.name AND c.number = s.number
LEFT JOIN journey_privacy.permitted b ON b.purpose = p.name AND b.chunk = s.number / 8192
WHERE :bit <> :may
  AND NOT (:bit AND c.granted AND c.valid_until <= now() AND coalesce(b.next_expiry <= now(), false)) \gset
:tell
\set rule 'the bitmaps know when the next consent expires'
SELECT count(*) AS found
FROM journey_privacy.permitted b
JOIN journey_privacy.consent_state c ON c.purpose = b.purpose AND c.number / 8192 = b.chunk
WHERE c.granted AND get_bit(b.bits, c.number % 8192) = 1 AND c.valid_until < coalesce(b.next_expiry, 'infinity') \gset
:tell
\set rule 'the bitmaps hide the erased whose rows are still there'
SELECT count(*) AS found
FROM journey_privacy.purpose p
CROSS JOIN (SELECT DISTINCT u.number FROM journey_privacy.erasure_subject u
            JOIN journey_privacy.erasure e USING (request_id)
            WHERE e.state <> 'done' AND u.number >= 0) s
LEFT JOIN journey_privacy.permitted b ON b.purpose = p.name AND b.chunk = s.number / 8192
WHERE :bit \gset
:tell
\set rule 'chunks of the bitmaps are whole, and of purposes that there are'
SELECT count(*) AS found FROM journey_privacy.permitted
WHERE octet_length(bits) <> 1024 OR purpose NOT IN (SELECT name FROM journey_privacy.purpose) \gset
:tell

-- What is stored --------------------------------------------------------------
-- Rows of people whose erasure is under way or withheld may be there, under the
-- numbers that they had.

\set unfinished 'SELECT u.number FROM journey_privacy.erasure_subject u JOIN journey_privacy.erasure e USING (request_id) WHERE e.state <> \'done\''
\set readable 'c.relkind = \'r\' AND (SELECT count(*) FROM pg_attribute x WHERE x.attrelid = c.oid AND NOT x.attisdropped AND x.attname IN (p.subject_column, p.number_column)) = 1 + (p.number_column IS NOT NULL)::int'
\set rule 'every row has the number of its subject, and no row is of nobody'
SELECT coalesce(string_agg(format(
         'SELECT count(*) AS n FROM ONLY %1$s t LEFT JOIN journey_privacy.subject s ON s.number = t.%2$I'
         ' WHERE (t.%3$I IS NULL) <> (t.%2$I IS NULL)'
         '  OR (t.%2$I IS NOT NULL AND s.pseudonym IS DISTINCT FROM %4$s AND t.%2$I NOT IN (:unfinished))',
         p.relation, p.number_column, p.subject_column,
         CASE WHEN p.kind IS NULL THEN format('t.%I', p.subject_column)
              ELSE format('journey_privacy.pseudonymize(%L, t.%I::text)', p.kind, p.subject_column) END),
         ' UNION ALL '), 'SELECT 0 AS n') AS each_table
FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation
WHERE :readable AND p.number_column IS NOT NULL \gset
SELECT sum(n) AS found FROM (:each_table) t \gset
:tell
-- Where rows carry no numbers, as many erased may be there as are unfinished.
\set rule 'tables without numbers hold subjects that are registered and not erased'
SELECT coalesce(string_agg(format(
         'SELECT greatest(count(*) - (SELECT count(DISTINCT u.trace) FROM journey_privacy.erasure_subject u'
         '   JOIN journey_privacy.erasure e USING (request_id) WHERE e.state <> ''done''), 0) AS n'
         ' FROM (SELECT DISTINCT %2$s AS pseudonym FROM ONLY %1$s t WHERE t.%3$I IS NOT NULL) t'
         ' WHERE t.pseudonym NOT IN (SELECT pseudonym FROM journey_privacy.subject)',
         p.relation,
         CASE WHEN p.kind IS NULL THEN format('t.%I', p.subject_column)
              ELSE format('journey_privacy.pseudonymize(%L, t.%I::text)', p.kind, p.subject_column) END,
         p.subject_column),
         ' UNION ALL '), 'SELECT 0 AS n') AS each_table
FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation
WHERE :readable AND p.number_column IS NULL \gset
SELECT sum(n) AS found FROM (:each_table) t \gset
:tell
\set rule 'tables made of protected ones hold nobody whose erasure is done'
SELECT coalesce(string_agg(format(
         CASE a.atttypid WHEN 'int4'::regtype THEN
           'SELECT count(*) AS n FROM %s t WHERE t.%I IN (SELECT u.number FROM journey_privacy.erasure_subject u'
           ' WHERE u.number NOT IN (:unfinished))'
         ELSE
           'SELECT greatest(count(*) - (SELECT count(DISTINCT u.trace) FROM journey_privacy.erasure_subject u'
           '   JOIN journey_privacy.erasure e USING (request_id) WHERE e.state <> ''done''), 0) AS n'
           ' FROM (SELECT DISTINCT t.%2$I AS pseudonym FROM %1$s t) t WHERE journey_privacy.is_erased(t.pseudonym)'
         END, d.relation, a.attname), ' UNION ALL '), 'SELECT 0 AS n') AS each_table
FROM (SELECT DISTINCT relation, source FROM journey_privacy.derived) d
JOIN journey_privacy.protection p ON p.relation = d.source
JOIN pg_class c ON c.oid = d.relation AND c.relkind IN ('r', 'p')
JOIN pg_attribute a ON a.attrelid = d.relation AND NOT a.attisdropped
 AND (a.atttypid = 'journey_privacy.pseudonym'::regtype
      OR (a.atttypid = 'int4'::regtype AND a.attname = p.number_column))
WHERE d.relation NOT IN (SELECT relation FROM journey_privacy.protection) \gset
SELECT sum(n) AS found FROM (:each_table) t \gset
:tell
\set rule 'journey stores are what their tables are, but for changes that are noted'
SELECT coalesce(string_agg(format(
         'SELECT count(*) AS n FROM (SELECT r.%3$I AS number,'
         '   date_bin(%7$L::interval, r.%4$I, ''1970-01-01 00:00:00+00'') AS bucket,'
         '   journey_privacy.journey(r.%4$I, r.%5$I::text) AS events FROM %2$s r'
         '   WHERE r.%3$I IS NOT NULL AND r.%4$I IS NOT NULL AND r.%5$I IS NOT NULL GROUP BY 1, 2) t'
         ' FULL JOIN (SELECT journey_subject AS number, bucket, events FROM %1$s) s USING (number, bucket)'
         ' WHERE (t.events = s.events) IS NOT TRUE AND number NOT IN (:unfinished)'
         ' AND NOT EXISTS (SELECT FROM journey_privacy.store_change c'
         '  WHERE c.relation = %6$s AND (c.bucket = ''-infinity'' OR (c.number, c.bucket) = (number, bucket)))',
         j.relation, j.source, p.number_column, p.occurred_at, j.event_column, j.relation::oid, j.bucket),
         ' UNION ALL '), 'SELECT 0 AS n') AS each_table
FROM journey_privacy.journey_store j JOIN journey_privacy.protection p ON p.relation = j.source \gset
SELECT sum(n) AS found FROM (:each_table) t \gset
:tell

-- Erasure ---------------------------------------------------------------------

\set rule 'nobody who was erased is in the registry'
SELECT count(*) AS found FROM journey_privacy.subject
WHERE EXISTS (SELECT FROM journey_privacy.tombstone) AND journey_privacy.is_erased(pseudonym) \gset
:tell
\set rule 'ledger and data keys are of nobody whose erasure is done'
SELECT greatest(count(*) - (SELECT count(DISTINCT u.trace) FROM journey_privacy.erasure_subject u
                            JOIN journey_privacy.erasure e USING (request_id) WHERE e.state <> 'done'), 0) AS found
FROM (SELECT subject FROM journey_privacy.consent_event
      UNION SELECT subject FROM journey_privacy.subject_key
      EXCEPT SELECT pseudonym FROM journey_privacy.subject) x
WHERE journey_privacy.is_erased(x.subject) \gset
:tell
\set rule 'the ledger is of subjects, present or erased'
SELECT count(*) AS found
FROM (SELECT subject FROM journey_privacy.consent_event EXCEPT SELECT pseudonym FROM journey_privacy.subject) x
WHERE NOT journey_privacy.is_erased(x.subject) \gset
:tell
\set rule 'no result of a request is kept of who was erased'
SELECT count(*) AS found FROM journey_privacy.request_result r
WHERE r.document IS NOT NULL AND EXISTS (
  SELECT FROM journey_privacy.request_subject s JOIN journey_privacy.tombstone t USING (trace)
  WHERE s.request_id = r.request_id) \gset
:tell
\set rule 'only a tombstone of an erasure under way keeps a consent from lifting it'
SELECT count(*) AS found FROM journey_privacy.tombstone t
WHERE t.erasing AND NOT EXISTS (
  SELECT FROM journey_privacy.erasure_subject s JOIN journey_privacy.erasure e USING (request_id)
  WHERE s.trace = t.trace AND e.state = 'erasing') \gset
:tell
\set rule 'an erasure under way has its tombstones, and can be resumed'
SELECT count(*) AS found FROM journey_privacy.erasure e
WHERE e.state <> 'done'
  AND (NOT EXISTS (SELECT FROM journey_privacy.erasure_subject s WHERE s.request_id = e.request_id)
       OR (e.state = 'erasing' AND e.receipt IS NULL AND EXISTS (
             SELECT FROM journey_privacy.erasure_subject s LEFT JOIN journey_privacy.tombstone t USING (trace)
             WHERE s.request_id = e.request_id AND t.trace IS NULL))) \gset
:tell
\set rule 'whatever is withheld is withheld by a hold that is named'
SELECT count(*) AS found FROM journey_privacy.erasure e
WHERE e.state = 'withheld' AND NOT EXISTS (
  SELECT FROM journey_privacy.erasure_step s
  WHERE s.request_id = e.request_id AND s.action = 'withhold' AND s.reason IS NOT NULL) \gset
:tell
\set rule 'every finished erasure has a receipt that verifies'
SELECT count(*) AS found FROM journey_privacy.erasure e
WHERE (e.state <> 'erasing' OR e.receipt IS NOT NULL)
  AND (e.number IS NULL
       OR (e.receipt ->> 'request_id', e.receipt ->> 'number') IS DISTINCT FROM (e.request_id::text, e.number::text)
       OR (e.state <> 'erasing' AND e.receipt ->> 'state' IS DISTINCT FROM e.state)
       OR NOT coalesce(journey_privacy.verify_receipt(e.receipt), false)) \gset
:tell
\set rule 'each receipt has the digest of the one before it'
SELECT count(*) AS found
FROM journey_privacy.erasure e JOIN journey_privacy.erasure p ON p.number = e.number - 1
WHERE e.receipt ->> 'previous' IS DISTINCT FROM
      encode(sha256(decode(p.receipt #>> '{signed,bytes}', 'base64')), 'hex') \gset
:tell
\set rule 'receipts say what was counted'
SELECT count(*) AS found
FROM (SELECT e.request_id, t ->> 'table' AS relation, t ->> 'action' AS action, (t ->> 'rows')::bigint AS rows
      FROM journey_privacy.erasure e CROSS JOIN jsonb_array_elements(e.receipt -> 'tables') t
      WHERE e.state = 'done') r
FULL JOIN (SELECT s.request_id, s.relation, s.action, s.done AS rows
           FROM journey_privacy.erasure_step s JOIN journey_privacy.erasure e USING (request_id)
           WHERE e.state = 'done' AND s.action <> 'withhold' AND s.done > 0) s USING (request_id, relation, action)
WHERE r.rows IS DISTINCT FROM s.rows \gset
:tell

-- Requests and retention ------------------------------------------------------

\set rule 'requests are in a state that can be reached'
SELECT count(*) AS found FROM journey_privacy.request r
WHERE (r.finished_at IS NOT NULL) <> (r.status IN ('completed', 'refused', 'cancelled'))
   OR (r.started_at IS NOT NULL) <> (r.status IN ('in_progress', 'completed'))
   OR (r.status IN ('in_progress', 'completed') AND r.verified_at IS NULL)
   OR (r.refusal_reason IS NOT NULL) <> (r.status = 'refused')
   OR (r.extension_reason IS NOT NULL) <> (r.extended_at IS NOT NULL)
   OR r.due_at < r.received_at
   OR NOT EXISTS (SELECT FROM journey_privacy.request_subject s WHERE s.request_id = r.id) \gset
:tell
\set rule 'a request to erase is completed when its erasure is done, not before'
SELECT count(*) AS found FROM journey_privacy.request r
WHERE r.kind = 'erasure' AND r.status = 'completed'
  AND EXISTS (SELECT FROM journey_privacy.erasure e WHERE e.request_id = r.id AND e.state <> 'done') \gset
:tell
\set rule 'results are of requests that ask for one'
SELECT count(*) AS found
FROM journey_privacy.request_result x JOIN journey_privacy.request r ON r.id = x.request_id
WHERE r.kind NOT IN ('access', 'portability') OR r.status NOT IN ('in_progress', 'completed') \gset
:tell
\set rule 'whoever listens is told of each request''s status last'
SELECT count(*) AS found
FROM journey_privacy.request r JOIN journey_privacy.request_callback_url u ON u.request_id = r.id
LEFT JOIN LATERAL (SELECT c.status FROM journey_privacy.callback c
                   WHERE c.request_id = r.id AND c.url = u.url ORDER BY c.id DESC LIMIT 1) c ON true
WHERE r.status <> 'pending'
  AND c.status IS DISTINCT FROM CASE r.status WHEN 'refused' THEN 'cancelled' ELSE r.status END \gset
:tell
\set rule 'what belongs to a request or an erasure belongs to one that is there'
SELECT (SELECT count(*) FROM (SELECT request_id FROM journey_privacy.request_subject
                              UNION ALL SELECT request_id FROM journey_privacy.request_callback_url
                              UNION ALL SELECT request_id FROM journey_privacy.callback
                              UNION ALL SELECT request_id FROM journey_privacy.request_result
                              UNION ALL SELECT request_id FROM journey_privacy.opendsr_receipt) x
        WHERE NOT EXISTS (SELECT FROM journey_privacy.request r WHERE r.id = x.request_id))
     + (SELECT count(*) FROM (SELECT request_id FROM journey_privacy.erasure_subject
                              UNION ALL SELECT request_id FROM journey_privacy.erasure_step) x
        WHERE NOT EXISTS (SELECT FROM journey_privacy.erasure e WHERE e.request_id = x.request_id)) AS found \gset
:tell
\set rule 'runs of purging are over when they say so, and one is under way at most'
SELECT (SELECT count(*) FROM journey_privacy.purge_run
        WHERE (finished_at IS NULL) <> (state = 'running')
           OR least(deleted, linked_deleted, linked_redacted, references_cleared, withheld) < 0)
     + (SELECT count(*) FROM (SELECT FROM journey_privacy.purge_run WHERE state = 'running'
                              GROUP BY relation HAVING count(*) > 1) r) AS found \gset
:tell

-- The audit -------------------------------------------------------------------

\set rule 'entries of the audit are numbered without gaps'
SELECT coalesce(max(number) + 1 - min(number) - count(*)
                + (min(number) <> (SELECT first FROM journey_privacy.audit_tree))::int, 0) AS found
FROM journey_privacy.audit_entry \gset
:tell
COMMIT;

\set rule 'the audit is what was sealed: entries, tree and checkpoints agree'
BEGIN READ ONLY;
SELECT (problem IS NOT NULL)::int AS found FROM journey_privacy.verify_audit() \gset
COMMIT;
:tell

SELECT current_setting('invariants.violations') <> '0' AS violated \gset
\if :violated
DO $$ BEGIN
  RAISE EXCEPTION 'invariants are violated: % times', current_setting('invariants.violations')
    USING ERRCODE = 'data_corrupted',
          HINT = 'Call journey_privacy.doctor(), which knows how to mend some of it; keep the data directory before you mend the rest.';
END $$;
\endif
