-- Room audit: what is recorded, that it survives, that it cannot be rewritten.
\set VERBOSITY terse
CREATE ROLE regress_audit_analyst;
CREATE ROLE regress_audit_reader;
SELECT journey_privacy.create_purpose('au_analytics', 'consent');
CREATE TABLE au_visit (visitor journey_privacy.pseudonym, at timestamptz, "the page" text, secret text);
SELECT journey_privacy.protect('au_visit', 'visitor', occurred_at => 'at');
CREATE VIEW au_pages AS SELECT "the page" FROM au_visit;
CREATE TABLE au_plain (n int);
GRANT SELECT ON au_visit, au_pages TO regress_audit_analyst;
CREATE FUNCTION au_ann() RETURNS journey_privacy.pseudonym LANGUAGE sql
  BEGIN ATOMIC SELECT journey_privacy.pseudonymize('email', 'au-ann@example.com'); END;

-- what has come since the last time, sealed
CREATE TABLE au_seen AS SELECT 0::bigint AS number;
CREATE FUNCTION au_new(OUT kind text, OUT outcome text, OUT command text, OUT who text, OUT as_role text,
                       OUT un boolean, OUT purpose text, OUT tables text[], OUT columns text[],
                       OUT rows bigint, OUT times bigint, OUT detail text, OUT subject boolean)
  RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  last bigint;
BEGIN
  PERFORM journey_privacy.checkpoint_audit();
  SELECT max(e.number) INTO last FROM journey_privacy.audit_entry e;
  RETURN QUERY
    SELECT l.kind, l.outcome, l.command, l.current_user_name, l.as_role, l.unrestricted, l.purpose,
           l.tables, l.columns, l.rows, l.executions, l.detail, l.about_subject
    FROM journey_privacy.audit_log l
    WHERE l.number > (SELECT s.number FROM au_seen s) AND l.number <= last
      AND l.session = (SELECT x.session FROM journey_privacy.audit_log x WHERE x.session LIKE '%.' || pg_backend_pid()
                       ORDER BY x.number DESC LIMIT 1)
    ORDER BY l.number;
  UPDATE au_seen s SET number = last;
END $$;
SELECT count(*) > 5 AS already FROM au_new();

-- reading and writing, as whom, which columns, how many rows
SELECT count(*), max(secret) FROM au_visit;
INSERT INTO au_visit (visitor, at, "the page") SELECT au_ann(), now(), 'p' || n FROM generate_series(1, 3) n;
UPDATE au_visit SET "the page" = 'q' WHERE "the page" = 'p1' RETURNING 1;
DELETE FROM au_visit WHERE "the page" = 'none';
SELECT v FROM au_visit v WHERE false;
COPY (SELECT "the page" FROM au_visit ORDER BY 1) TO stdout;
COPY au_visit ("the page") TO stdout;
COPY au_visit ("the page") FROM stdin;
x
\.
SELECT count(*) FROM au_plain;
WITH w AS (UPDATE au_visit SET secret = 's' RETURNING 1) SELECT count(*) FROM w;
MERGE INTO au_visit v USING (VALUES ('q')) s(p) ON v."the page" = s.p WHEN MATCHED THEN UPDATE SET secret = 't';
SELECT * FROM au_new();

-- somebody whom row security binds; a view has its owner's rights
SELECT journey_privacy.allow('regress_audit_analyst', 'au_analytics');
SET ROLE regress_audit_analyst;
SET journey_privacy.purpose = 'au_analytics';
SELECT count("the page") FROM au_visit;
SELECT count(*) FROM au_pages;
RESET ROLE;
SELECT * FROM au_new();

-- what is denied is on record, whoever swallows the error
SET ROLE regress_audit_analyst;
SELECT secret, visitor FROM au_visit WHERE at < now() LIMIT 0;
SELECT journey_privacy.allow_columns('au_analytics', 'au_visit', '{at}');
INSERT INTO au_visit VALUES (NULL);
SET journey_privacy.purpose = 'ann@example.com';
SELECT secret FROM au_visit;
RESET journey_privacy.purpose;
DO $$ BEGIN PERFORM secret FROM au_visit; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
BEGIN;
SAVEPOINT s;
DELETE FROM au_visit;
ROLLBACK TO s;
ROLLBACK;
COPY au_visit FROM stdin;
\.
TRUNCATE au_visit;
EXPLAIN SELECT * FROM au_visit;
ALTER TABLE au_visit DISABLE ROW LEVEL SECURITY;
SELECT journey_privacy.unprotect('au_visit');
CALL journey_privacy.erase(NULL);
SELECT journey_privacy.verify_audit();
SELECT * FROM journey_privacy.audit_log;
RESET ROLE;
SELECT * FROM au_new();

-- it outlives what it is about: transactions, savepoints, errors
BEGIN;
SELECT count(*) FROM au_visit;
INSERT INTO au_visit ("the page") VALUES ('gone');
SAVEPOINT s;
UPDATE au_visit SET secret = NULL;
ROLLBACK TO s;
SAVEPOINT t;
UPDATE au_visit SET secret = NULL WHERE false;
RELEASE t;
SELECT 1 / 0 FROM au_visit;
ROLLBACK;
DO $$ BEGIN PERFORM 1 / (count(*) - count(*)) FROM au_visit; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
SELECT * FROM au_new();
-- undone and done again are told apart by the transaction
BEGIN;
INSERT INTO au_visit ("the page") VALUES ('undone');
ROLLBACK;
SELECT count(*) FROM au_new() n;
SELECT count(DISTINCT transaction) = 1 AS same, array_agg(outcome ORDER BY number)
FROM (SELECT * FROM journey_privacy.audit_log WHERE transaction IS NOT NULL
      AND (kind = 'transaction' OR 'public.au_visit' = ANY (tables)) ORDER BY number DESC LIMIT 2) l;

-- what a statement does many times is one entry
CREATE FUNCTION au_count() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM au_visit); END';
SELECT sum(au_count()) FROM generate_series(1, 50);
DO $$ BEGIN FOR i IN 1..7 LOOP INSERT INTO au_visit ("the page") VALUES (i); END LOOP; END $$;
SELECT * FROM au_new();
-- a cursor is one use, however it is fetched
BEGIN;
DECLARE c CURSOR FOR SELECT 1 FROM au_visit;
FETCH 2 FROM c;
FETCH 3 FROM c;
MOVE ALL FROM c;
COMMIT;
PREPARE p AS SELECT count(*) FROM au_visit;
EXECUTE p;
EXECUTE p;
DEALLOCATE p;
EXPLAIN (COSTS OFF) SELECT count(*) FROM au_pages;
\o /dev/null
EXPLAIN ANALYZE SELECT FROM au_plain;
\o
CREATE TABLE au_copy AS SELECT "the page" FROM au_visit LIMIT 2;
DROP TABLE au_copy;
SELECT * FROM au_new();

-- decisions, keys, protection, exports, unsealing, erasure; whom, only for who holds the key
SELECT journey_privacy.record_consent(au_ann(), 'au_analytics', true) IS NOT NULL AS recorded;
SELECT journey_privacy.withdraw(au_ann(), 'au_analytics') IS NOT NULL AS recorded;
SELECT journey_privacy.restrict_processing(au_ann()) IS NOT NULL AS recorded;
SELECT journey_privacy.record_consents(ARRAY[au_ann()], '{au_analytics}', '{t}');
SELECT journey_privacy.change_purpose('au_analytics', description => 'a text with ann@example.com');
SELECT journey_privacy.disallow('regress_audit_analyst', 'au_analytics');
SELECT journey_privacy.place_hold('ann@example.com asked', au_ann()) IS NOT NULL AS placed;
UPDATE journey_privacy.hold SET released_at = now();
GRANT SELECT ON au_visit TO regress_audit_reader;
ALTER TABLE au_visit NO FORCE ROW LEVEL SECURITY;
ALTER TABLE au_visit FORCE ROW LEVEL SECURITY;
ALTER ROLE regress_audit_reader BYPASSRLS;
ALTER ROLE regress_audit_reader NOBYPASSRLS;
ALTER ROLE regress_audit_reader CREATEROLE PASSWORD NULL;
GRANT pg_monitor, regress_audit_analyst TO regress_audit_reader;
REVOKE pg_monitor, regress_audit_analyst FROM regress_audit_reader;
CREATE ROLE regress_audit_late IN ROLE regress_audit_reader;
DROP ROLE regress_audit_late;
GRANT EXECUTE ON FUNCTION journey_privacy.consent_of, pg_catalog.now TO regress_audit_reader;
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA journey_privacy FROM regress_audit_reader;
REVOKE EXECUTE ON FUNCTION pg_catalog.now FROM regress_audit_reader;
SELECT journey_privacy.export_subject(au_ann()) IS NOT NULL AS exported;
CREATE TEMP TABLE au_sealed AS
  SELECT journey_privacy.pseudonymize('email', 'au' || n || '@example.com') AS who,
         journey_privacy.seal(journey_privacy.pseudonymize('email', 'au' || n || '@example.com'), 'secret') AS what
  FROM generate_series(1, 3) n;
SELECT journey_privacy.unseal(who, what) FROM au_sealed;
SELECT journey_privacy.unseal(who, what) FROM au_sealed LIMIT 1;
SELECT * FROM au_new();
SELECT command FROM journey_privacy.audit_of(au_ann()) n(number) JOIN journey_privacy.audit_log USING (number)
ORDER BY number;
SELECT count(DISTINCT subject) = count(*) AS all_differ FROM journey_privacy.audit_entry WHERE subject IS NOT NULL;
CALL journey_privacy.erase(au_ann(), 'ann@example.com asked', receipt => NULL) \gset
SELECT kind, outcome, command, rows, detail = 'receipt ' ||
       encode(sha256(decode(:'receipt'::jsonb #>> '{signed,bytes}', 'base64')), 'hex') AS is_receipt, subject
FROM au_new() WHERE kind = 'erasure';
SELECT count(*) FROM journey_privacy.audit_of(au_ann());
-- none of what was said or held above is in any entry
SELECT count(*) FROM journey_privacy.audit_entry e
WHERE e::text ~ 'ann|example|asked|description|p1_[a-z]';
SELECT checked = size AS all_checked, broken_entry, problem FROM journey_privacy.verify_audit();

-- it is partitioned by month, with indexes, and nobody changes it
SELECT count(*) > 1 AS partitions, bool_and(c.relowner = p.relowner) AS same_owner
FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid JOIN pg_class p ON p.oid = inhparent
WHERE inhparent = 'journey_privacy.audit_entry'::regclass;
SELECT count(*) = max(number) + 1 AS dense, bool_and(at >= before) AS in_order
FROM (SELECT number, at, lag(at, 1, at) OVER (ORDER BY number) AS before FROM journey_privacy.audit_entry) e;
UPDATE journey_privacy.audit_entry SET rows = 0;
DELETE FROM journey_privacy.audit_entry;
TRUNCATE journey_privacy.audit_entry;
DELETE FROM journey_privacy.audit_node;
UPDATE journey_privacy.audit_checkpoint SET size = 0;
SELECT kind, outcome, command, regexp_replace(tables::text, '\d{4}_\d\d', 'YYYY_MM') AS tables
FROM au_new() WHERE tables::text LIKE '%audit%';

-- Proofs, against the tree built here from the entries: RFC 6962 in SQL.
CREATE FUNCTION au_root(first bigint, size bigint) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  k bigint := 1;
BEGIN
  IF size = 1 THEN
    RETURN (SELECT sha256('\x00' || convert_to(leaf, 'UTF8')) FROM journey_privacy.audit_leaf(first));
  END IF;
  WHILE k * 2 < size LOOP k := k * 2; END LOOP;
  RETURN sha256('\x01' || au_root(first, k) || au_root(first + k, size - k));
END $$;
CREATE FUNCTION au_climb(entry bigint, size bigint, hash bytea, path bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  fn bigint := entry;
  sn bigint := size - 1;
  p bytea;
BEGIN
  FOREACH p IN ARRAY path LOOP
    IF fn % 2 = 1 OR fn = sn THEN
      hash := sha256('\x01' || p || hash);
      WHILE fn % 2 = 0 AND fn <> 0 LOOP fn := fn / 2; sn := sn / 2; END LOOP;
    ELSE
      hash := sha256('\x01' || hash || p);
    END IF;
    fn := fn / 2; sn := sn / 2;
  END LOOP;
  RETURN CASE sn WHEN 0 THEN hash END;
END $$;
SELECT bool_and(au_climb(n, s, p.leaf, p.path) = p.root) AS included, bool_and(p.root = au_root(0, s)) AS rooted,
       bool_and(p.leaf = (SELECT hash FROM journey_privacy.audit_entry WHERE number = n)) AS hashed
FROM (VALUES (0, 1), (0, 2), (1, 3), (4, 7), (6, 7), (31, 64), (40, 65), (64, 65)) v(n, s),
     LATERAL journey_privacy.audit_inclusion_proof(n, s) p;
SELECT cardinality(journey_privacy.audit_consistency_proof(3, 7)) AS "3 to 7",
       journey_privacy.audit_consistency_proof(3, 7) = ARRAY[au_root(2, 1), au_root(3, 1), au_root(0, 2), au_root(4, 3)] AS "as the RFC has it",
       journey_privacy.audit_consistency_proof(4, 7) = ARRAY[au_root(4, 3)] AS "4 to 7",
       journey_privacy.audit_consistency_proof(6, 7) = ARRAY[au_root(4, 2), au_root(6, 1), au_root(0, 4)] AS "6 to 7",
       journey_privacy.audit_consistency_proof(7, 7) AS none;
SELECT level, index, hash = au_root(index << level, 1 << level) AS right FROM journey_privacy.audit_range_proof(5, 9, 21);
\set VERBOSITY sqlstate
SELECT journey_privacy.audit_inclusion_proof(7, 7);
SELECT journey_privacy.audit_inclusion_proof(-1);
SELECT journey_privacy.audit_consistency_proof(5, 1000000000);
SELECT journey_privacy.verify_audit('not a note');
SELECT journey_privacy.purge_audit('1 month -29 days');

DROP VIEW au_pages;
DROP TABLE au_visit, au_plain, au_seen;
DROP FUNCTION au_new, au_ann, au_count, au_root, au_climb;
DROP ROLE regress_audit_analyst, regress_audit_reader;
SELECT journey_privacy.drop_purpose('au_analytics');
