-- audit
-- What was done to personal data, by whom, for what: entries that nobody can
-- rewrite undetected.  The worker journey_privacy audit writes all of it.

-- Statement texts, values and identities are not in it.  Partitions are made
-- by the worker, month by month, with indexes of their own.
--
-- Nothing of the audit is in a dump: it is evidence about this database.  What
-- is restored elsewhere begins another audit, with another name; two that
-- went on under one name and key would be two truths.
CREATE TABLE journey_privacy.audit_entry (
  number            bigint NOT NULL,
  at                timestamptz NOT NULL,
  kind              text NOT NULL,
  session           text NOT NULL,
  statement         bigint NOT NULL,
  session_user_name text NOT NULL,
  current_user_name text NOT NULL,
  as_role           text,
  unrestricted      boolean NOT NULL,
  purpose           text,
  tables            text[],
  columns           text[],
  command           text,
  rows              bigint,
  executions        bigint NOT NULL,
  duration          interval,
  query_id          bigint,
  transaction       xid8,
  outcome           text NOT NULL,
  detail            text,
  subject           bytea,
  hash              bytea NOT NULL)
  PARTITION BY RANGE (at);
COMMENT ON TABLE journey_privacy.audit_entry IS
  'the audit: numbered without gaps, each with the hash that the tree is made of';
COMMENT ON COLUMN journey_privacy.audit_entry.number IS 'from 0, without gaps';
COMMENT ON COLUMN journey_privacy.audit_entry.at IS 'when it ended';
COMMENT ON COLUMN journey_privacy.audit_entry.kind IS 'use, purpose, consent, erasure, unsealing, key, protection, export, request, audit or transaction';
COMMENT ON COLUMN journey_privacy.audit_entry.session IS 'the same for all entries of a session';
COMMENT ON COLUMN journey_privacy.audit_entry.statement IS 'number of the statement in its session';
COMMENT ON COLUMN journey_privacy.audit_entry.session_user_name IS 'who logged in';
COMMENT ON COLUMN journey_privacy.audit_entry.current_user_name IS 'as whom';
COMMENT ON COLUMN journey_privacy.audit_entry.as_role IS 'whose rights counted, where that is somebody else';
COMMENT ON COLUMN journey_privacy.audit_entry.unrestricted IS 'no purpose bound the role: a superuser, or BYPASSRLS';
COMMENT ON COLUMN journey_privacy.audit_entry.purpose IS 'in force';
COMMENT ON COLUMN journey_privacy.audit_entry.tables IS 'names of protected tables';
COMMENT ON COLUMN journey_privacy.audit_entry.columns IS 'names of what was read';
COMMENT ON COLUMN journey_privacy.audit_entry.command IS 'of SQL, or the function';
COMMENT ON COLUMN journey_privacy.audit_entry.rows IS 'how many, where that is known';
COMMENT ON COLUMN journey_privacy.audit_entry.executions IS 'how many equal statements this entry stands for';
COMMENT ON COLUMN journey_privacy.audit_entry.duration IS 'of all of them';
COMMENT ON COLUMN journey_privacy.audit_entry.query_id IS 'as in pg_stat_statements';
COMMENT ON COLUMN journey_privacy.audit_entry.transaction IS 'which wrote';
COMMENT ON COLUMN journey_privacy.audit_entry.outcome IS 'begun, ok, denied, failed or rolled back';
COMMENT ON COLUMN journey_privacy.audit_entry.detail IS 'in words; names nobody';
COMMENT ON COLUMN journey_privacy.audit_entry.subject IS 'random number and MAC of whom it is about; audit_of() tells';
COMMENT ON COLUMN journey_privacy.audit_entry.hash IS 'SHA-256 of the entry as a leaf of the tree';

-- Roots of complete subtrees: 2^level entries from index * 2^level on.
CREATE TABLE journey_privacy.audit_node (
  level smallint NOT NULL,
  index bigint NOT NULL,
  hash  bytea NOT NULL,
  PRIMARY KEY (level, index));
COMMENT ON TABLE journey_privacy.audit_node IS
  'hashes of the Merkle tree (RFC 6962) from level 8 up, and below where entries were purged';
COMMENT ON COLUMN journey_privacy.audit_node.level IS '0: entries';
COMMENT ON COLUMN journey_privacy.audit_node.index IS 'from the left, in its level';
COMMENT ON COLUMN journey_privacy.audit_node.hash IS 'SHA-256';

CREATE TABLE journey_privacy.audit_checkpoint (
  origin  text NOT NULL,
  size    bigint NOT NULL,
  root    bytea NOT NULL,
  note    text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  PRIMARY KEY (origin, size));
COMMENT ON TABLE journey_privacy.audit_checkpoint IS
  'signed statements of how many entries there were and what the tree''s root was';
COMMENT ON COLUMN journey_privacy.audit_checkpoint.origin IS 'name of the log';
COMMENT ON COLUMN journey_privacy.audit_checkpoint.size IS 'how many entries';
COMMENT ON COLUMN journey_privacy.audit_checkpoint.root IS 'of the tree';
COMMENT ON COLUMN journey_privacy.audit_checkpoint.note IS 'signed, as it is handed out';
COMMENT ON COLUMN journey_privacy.audit_checkpoint.made_at IS 'when';

-- One row: the log's name, in which database it has it, and the first entry
-- that is not purged.  A database made with this one as template goes on under
-- another name.
CREATE TABLE journey_privacy.audit_tree (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  origin   text NOT NULL,
  database oid NOT NULL,
  first    bigint NOT NULL DEFAULT 0);
COMMENT ON TABLE journey_privacy.audit_tree IS
  'the name that checkpoints carry, and the number of the first entry that has not been purged';
COMMENT ON COLUMN journey_privacy.audit_tree.one IS 'there is one row';
COMMENT ON COLUMN journey_privacy.audit_tree.origin IS 'name of the log';
COMMENT ON COLUMN journey_privacy.audit_tree.database IS 'whose log it is';
COMMENT ON COLUMN journey_privacy.audit_tree.first IS 'number of the first entry that is not purged';

-- One row, so that somebody can be told when it was long ago; no proof.
CREATE TABLE journey_privacy.audit_verification (
  one         boolean PRIMARY KEY DEFAULT true CHECK (one),
  verified_at timestamptz NOT NULL,
  size        bigint NOT NULL,
  whole       boolean NOT NULL,
  -- against a checkpoint that was kept elsewhere, too
  outside     boolean NOT NULL);
COMMENT ON TABLE journey_privacy.audit_verification IS
  'when verify_audit() was last called, how many entries there were, and whether they were what was sealed';
COMMENT ON COLUMN journey_privacy.audit_verification.one IS 'there is one row';
COMMENT ON COLUMN journey_privacy.audit_verification.verified_at IS 'when';
COMMENT ON COLUMN journey_privacy.audit_verification.size IS 'how many entries there were';
COMMENT ON COLUMN journey_privacy.audit_verification.whole IS 'they were what was sealed';
COMMENT ON COLUMN journey_privacy.audit_verification.outside IS 'compared with a checkpoint that was kept elsewhere, too';

REVOKE ALL ON journey_privacy.audit_entry, journey_privacy.audit_node, journey_privacy.audit_checkpoint,
  journey_privacy.audit_tree, journey_privacy.audit_verification FROM PUBLIC;

-- Against accidents; against superusers there is the tree.
CREATE FUNCTION journey_privacy.keep_audit() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_keep_audit';
REVOKE ALL ON FUNCTION journey_privacy.keep_audit() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.keep_audit() IS
  'trigger: refuses to change or remove what the audit has';
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON journey_privacy.audit_entry
  FOR EACH ROW EXECUTE FUNCTION journey_privacy.keep_audit();
ALTER TABLE journey_privacy.audit_entry ENABLE ALWAYS TRIGGER keep;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON journey_privacy.audit_node
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.keep_audit();
ALTER TABLE journey_privacy.audit_node ENABLE ALWAYS TRIGGER keep;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON journey_privacy.audit_checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.keep_audit();
ALTER TABLE journey_privacy.audit_checkpoint ENABLE ALWAYS TRIGGER keep;

CREATE VIEW journey_privacy.audit_log AS
  SELECT e.number, e.at, e.kind, e.outcome, e.command, e.session_user_name, e.current_user_name,
         e.as_role, e.unrestricted, e.purpose, e.tables, e.columns, e.rows, e.executions, e.duration,
         e.detail, e.session, e.statement, e.query_id, e.transaction, e.subject IS NOT NULL AS about_subject
  FROM journey_privacy.audit_entry e;
REVOKE ALL ON journey_privacy.audit_log FROM PUBLIC;
COMMENT ON VIEW journey_privacy.audit_log IS
  'the audit for reading: who did what to which tables, as whom, for which purpose, and with what outcome';
COMMENT ON COLUMN journey_privacy.audit_log.number IS 'from 0, without gaps';
COMMENT ON COLUMN journey_privacy.audit_log.at IS 'when it ended';
COMMENT ON COLUMN journey_privacy.audit_log.kind IS 'use, purpose, consent, erasure, unsealing, key, protection, export, request, audit or transaction';
COMMENT ON COLUMN journey_privacy.audit_log.outcome IS 'begun, ok, denied, failed or rolled back';
COMMENT ON COLUMN journey_privacy.audit_log.command IS 'of SQL, or the function';
COMMENT ON COLUMN journey_privacy.audit_log.session_user_name IS 'who logged in';
COMMENT ON COLUMN journey_privacy.audit_log.current_user_name IS 'as whom';
COMMENT ON COLUMN journey_privacy.audit_log.as_role IS 'whose rights counted, where that is somebody else';
COMMENT ON COLUMN journey_privacy.audit_log.unrestricted IS 'no purpose bound the role: a superuser, or BYPASSRLS';
COMMENT ON COLUMN journey_privacy.audit_log.purpose IS 'in force';
COMMENT ON COLUMN journey_privacy.audit_log.tables IS 'names of protected tables';
COMMENT ON COLUMN journey_privacy.audit_log.columns IS 'names of what was read';
COMMENT ON COLUMN journey_privacy.audit_log.rows IS 'how many, where that is known';
COMMENT ON COLUMN journey_privacy.audit_log.executions IS 'how many equal statements this entry stands for';
COMMENT ON COLUMN journey_privacy.audit_log.duration IS 'of all of them';
COMMENT ON COLUMN journey_privacy.audit_log.detail IS 'in words; names nobody';
COMMENT ON COLUMN journey_privacy.audit_log.session IS 'the same for all entries of a session';
COMMENT ON COLUMN journey_privacy.audit_log.statement IS 'number of the statement in its session';
COMMENT ON COLUMN journey_privacy.audit_log.query_id IS 'as in pg_stat_statements';
COMMENT ON COLUMN journey_privacy.audit_log.transaction IS 'which wrote';
COMMENT ON COLUMN journey_privacy.audit_log.about_subject IS 'it is about one person; audit_of() tells whose numbers';

CREATE FUNCTION journey_privacy.audit_of(subject journey_privacy.pseudonym)
  RETURNS SETOF bigint
  LANGUAGE c VOLATILE STRICT ROWS 10 SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_audit_of';
COMMENT ON FUNCTION journey_privacy.audit_of(journey_privacy.pseudonym) IS
'numbers of the entries that are about a subject; none once the subject''s key has been shredded
subject: whom entries are about
Returns: numbers as in audit_log
Errors: 55000 no keyring; XX001 entries that are missing';

CREATE FUNCTION journey_privacy.checkpoint_audit() RETURNS text
  LANGUAGE c VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_checkpoint_audit';
COMMENT ON FUNCTION journey_privacy.checkpoint_audit() IS
'seals everything that has been done and returns a signed checkpoint, a note in the C2SP
  tlog-checkpoint format
Returns: the checkpoint: name of the log, number of entries, root, signature
Errors: 53400 no background worker is left; 55000 no keyring, not preloaded, or the worker could not
  sign; XX001 entries that are missing
Source: RFC 6962; C2SP tlog-checkpoint and signed-note';

CREATE FUNCTION journey_privacy.audit_verifier_key(version integer DEFAULT NULL) RETURNS text
  LANGUAGE c STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_audit_verifier_key';
COMMENT ON FUNCTION journey_privacy.audit_verifier_key(integer) IS
'key that verifies checkpoints, in the form of C2SP signed notes; by default the current one
version: of the key sign; NULL: the current one
Returns: name+id+key, as one line
Errors: 42704 no such version; 55000 no keyring, or an audit without entries
Source: C2SP signed-note';

CREATE FUNCTION journey_privacy.audit_leaf(
    first bigint, last bigint DEFAULT NULL, OUT number bigint, OUT leaf text)
  RETURNS SETOF record
  LANGUAGE c STABLE ROWS 1000 SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_audit_leaf';
COMMENT ON FUNCTION journey_privacy.audit_leaf(bigint, bigint) IS
'entries as they are hashed, one line of JSON each, from a number to another; the hash is that of
  their UTF-8 bytes
first: number of the first entry
last: number of the last; NULL: only the first
Returns: number and leaf, one line of JSON, for each entry that is there; none that was purged
Source: RFC 6962, 2.1';

CREATE FUNCTION journey_privacy.audit_inclusion_proof(
    entry bigint, size bigint DEFAULT NULL,
    OUT tree_size bigint, OUT root bytea, OUT leaf bytea, OUT path bytea[])
  RETURNS record
  LANGUAGE c STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_audit_inclusion_proof';
COMMENT ON FUNCTION journey_privacy.audit_inclusion_proof(bigint, bigint) IS
'hashes that show that an entry is in the tree of a size (RFC 9162, 2.1.3), with the hash of the
  entry and the root
entry: number of an entry
size: of the tree, as in a checkpoint; NULL: all entries there are
Returns: tree_size, root of that tree, leaf (hash of the entry), and path, the hashes from the leaf
  to the root; hashes are SHA-256
Errors: 22023 no such entry or size, or the entry has been purged; XX001 entries that are missing
Source: RFC 9162, 2.1.3';

CREATE FUNCTION journey_privacy.audit_consistency_proof(
    old bigint, new bigint DEFAULT NULL) RETURNS bytea[]
  LANGUAGE c STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_audit_consistency_proof';
COMMENT ON FUNCTION journey_privacy.audit_consistency_proof(bigint, bigint) IS
'hashes that show that the tree of one size begins with the tree of another (RFC 9162, 2.1.4)
old: size of the earlier tree
new: size of the later one; NULL: all entries there are
Returns: hashes, SHA-256
Errors: 22023 a size that is not there, or old above new; XX001 entries that are missing
Source: RFC 9162, 2.1.4';

CREATE FUNCTION journey_privacy.audit_range_proof(
    first bigint, last bigint, size bigint DEFAULT NULL,
    OUT level smallint, OUT index bigint, OUT hash bytea)
  RETURNS SETOF record
  LANGUAGE c STABLE ROWS 20 SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_audit_range_proof';
COMMENT ON FUNCTION journey_privacy.audit_range_proof(bigint, bigint, bigint) IS
'the hashes of subtrees that, together with those of the entries from one number to another, give the
  root of a size
first: number of the first entry
last: number of the last
size: of the tree, as in a checkpoint; NULL: all entries there are
Returns: level, index and hash of each subtree before and behind the range, in order
Errors: 22023 an entry or size that is not there; XX001 entries that are missing
Source: RFC 6962, 2.1';

CREATE FUNCTION journey_privacy.verify_audit(
    checkpoint text DEFAULT NULL,
    OUT checked bigint, OUT size bigint, OUT root bytea, OUT broken_entry bigint, OUT problem text)
  RETURNS record
  LANGUAGE c VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_verify_audit';
COMMENT ON FUNCTION journey_privacy.verify_audit(text) IS
'computes every hash again, compares with the tree, all checkpoints and one that was kept elsewhere;
  names the first broken entry
checkpoint: one that was kept elsewhere, as checkpoint_audit() returns it; NULL: those that are
  stored
Returns: checked (entries), size and root of the tree, and where something is wrong broken_entry and
  problem, else NULL
Errors: 0A000 at an isolation level above read committed; 22023 a checkpoint of another audit, or
  one whose entries have been purged; XX001 entries that are missing
Source: RFC 6962';

CREATE FUNCTION journey_privacy.purge_audit(keep interval) RETURNS bigint
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_purge_audit';
COMMENT ON FUNCTION journey_privacy.purge_audit(interval) IS
'drops whole months of entries that are older, after verifying them, and keeps the hashes that proofs
  of later entries need; returns how many entries went
keep: what is kept, at least; from its end back to the beginning of a month
Returns: how many entries went
Errors: 0A000 at an isolation level above read committed; 22023 a part of keep is negative; 55000
  no checkpoint could be made; XX001 an entry is missing or not what was sealed: then nothing is purged
Source: Art. 5(1)(e) GDPR';

CREATE FUNCTION journey_privacy.audit_queue(
    OUT waiting bigint, OUT size bigint, OUT worker integer)
  RETURNS record
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_audit_queue';
COMMENT ON FUNCTION journey_privacy.audit_queue() IS
'bytes that wait to be sealed, bytes there is room for, and the process that seals, if it runs
Returns: waiting and size in bytes, 0 when not preloaded; worker: process id, NULL when none runs';

-- One row, before the worker was here, too: that none runs is to be seen.
CREATE VIEW journey_privacy.audit_state AS
  SELECT t.origin, greatest((SELECT max(e.number) + 1 FROM journey_privacy.audit_entry e), t.first, 0) AS size,
         coalesce(t.first, 0) AS first, q.waiting, q.size AS queue_size, q.worker,
         c.size AS checkpoint_size, c.made_at AS checkpoint_at
  FROM journey_privacy.audit_queue() q
  LEFT JOIN journey_privacy.audit_tree t ON true
  LEFT JOIN LATERAL (SELECT size, made_at FROM journey_privacy.audit_checkpoint
                     WHERE origin = t.origin ORDER BY size DESC LIMIT 1) c ON true;
REVOKE ALL ON journey_privacy.audit_state FROM PUBLIC;
COMMENT ON VIEW journey_privacy.audit_state IS
  'the log''s name, how many entries are sealed, the first not purged, what waits in the queue, the worker and the last checkpoint';
COMMENT ON COLUMN journey_privacy.audit_state.origin IS 'name of the log; NULL: its worker was not here yet';
COMMENT ON COLUMN journey_privacy.audit_state.size IS 'entries that are sealed';
COMMENT ON COLUMN journey_privacy.audit_state.first IS 'number of the first that is not purged';
COMMENT ON COLUMN journey_privacy.audit_state.waiting IS 'bytes in the queue';
COMMENT ON COLUMN journey_privacy.audit_state.queue_size IS 'bytes there is room for';
COMMENT ON COLUMN journey_privacy.audit_state.worker IS 'process id of who seals; NULL: nobody';
COMMENT ON COLUMN journey_privacy.audit_state.checkpoint_size IS 'entries that the last checkpoint is about';
COMMENT ON COLUMN journey_privacy.audit_state.checkpoint_at IS 'when it was made';

REVOKE ALL ON FUNCTION
  journey_privacy.audit_of(journey_privacy.pseudonym),
  journey_privacy.checkpoint_audit(),
  journey_privacy.audit_verifier_key(integer),
  journey_privacy.audit_leaf(bigint, bigint),
  journey_privacy.audit_inclusion_proof(bigint, bigint),
  journey_privacy.audit_consistency_proof(bigint, bigint),
  journey_privacy.audit_range_proof(bigint, bigint, bigint),
  journey_privacy.verify_audit(text),
  journey_privacy.purge_audit(interval),
  journey_privacy.audit_queue() FROM PUBLIC;
