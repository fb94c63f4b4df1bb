-- erasure
-- Finding and erasing everything about a subject, and the account of it.

-- Links that no foreign key tells of, or that say otherwise than it does.
CREATE TABLE journey_privacy.declared_link (
  child          regclass NOT NULL,
  child_columns  name[] NOT NULL,
  parent         regclass NOT NULL,
  parent_columns name[] NOT NULL,
  on_erase       text NOT NULL CHECK (on_erase IN ('delete', 'redact', 'shared')),
  redact         jsonb,
  on_export      text NOT NULL CHECK (on_export IN ('include', 'exclude')),
  PRIMARY KEY (child, child_columns, parent, parent_columns));
COMMENT ON TABLE journey_privacy.declared_link IS
  'links declared with link_table()';
COMMENT ON COLUMN journey_privacy.declared_link.child IS 'whose rows belong to others';
COMMENT ON COLUMN journey_privacy.declared_link.child_columns IS 'of it';
COMMENT ON COLUMN journey_privacy.declared_link.parent IS 'that they belong to';
COMMENT ON COLUMN journey_privacy.declared_link.parent_columns IS 'of it';
COMMENT ON COLUMN journey_privacy.declared_link.on_erase IS 'delete, redact or shared';
COMMENT ON COLUMN journey_privacy.declared_link.redact IS 'columns, and what they are set to';
COMMENT ON COLUMN journey_privacy.declared_link.on_export IS 'include or exclude';

-- Why something must not be erased yet (Art. 17(3) GDPR).
CREATE TABLE journey_privacy.hold (
  id          uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  trace       bytea,
  relation    regclass,
  reason      text NOT NULL,
  held_until  timestamptz,
  placed_by   name NOT NULL,
  placed_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  released_by name,
  released_at timestamptz,
  CHECK (trace IS NOT NULL OR relation IS NOT NULL));
COMMENT ON TABLE journey_privacy.hold IS
  'reasons not to erase a subject, a table, or a subject in a table; trace is the subject''s as in a tombstone';
COMMENT ON COLUMN journey_privacy.hold.id IS 'of the hold';
COMMENT ON COLUMN journey_privacy.hold.trace IS 'of the subject; NULL: everybody';
COMMENT ON COLUMN journey_privacy.hold.relation IS 'the table; NULL: all';
COMMENT ON COLUMN journey_privacy.hold.reason IS 'as it was given';
COMMENT ON COLUMN journey_privacy.hold.held_until IS 'when it ends by itself; NULL: with release_hold()';
COMMENT ON COLUMN journey_privacy.hold.placed_by IS 'who';
COMMENT ON COLUMN journey_privacy.hold.placed_at IS 'when';
COMMENT ON COLUMN journey_privacy.hold.released_by IS 'who';
COMMENT ON COLUMN journey_privacy.hold.released_at IS 'when; NULL: in force, unless it has run out';

CREATE TABLE journey_privacy.erasure (
  request_id   uuid PRIMARY KEY,
  reason       text,
  requested_by name NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  state        text NOT NULL DEFAULT 'erasing' CHECK (state IN ('erasing', 'withheld', 'done')),
  number       bigint UNIQUE,
  receipt      jsonb);
CREATE INDEX erasure_unfinished ON journey_privacy.erasure (state) WHERE state <> 'done';
COMMENT ON TABLE journey_privacy.erasure IS
  'erasures under way and done, with their receipts, numbered in the order in which they were signed';
COMMENT ON COLUMN journey_privacy.erasure.request_id IS 'of the erasure';
COMMENT ON COLUMN journey_privacy.erasure.reason IS 'as it was given';
COMMENT ON COLUMN journey_privacy.erasure.requested_by IS 'who';
COMMENT ON COLUMN journey_privacy.erasure.requested_at IS 'when';
COMMENT ON COLUMN journey_privacy.erasure.state IS 'erasing, withheld or done';
COMMENT ON COLUMN journey_privacy.erasure.number IS 'of the receipt, in the order of signing';
COMMENT ON COLUMN journey_privacy.erasure.receipt IS 'signed';

-- No foreign keys: pg_restore with several jobs loads tables in any order, and
-- knows only those between users' tables.
CREATE TABLE journey_privacy.erasure_subject (
  request_id uuid NOT NULL,
  person     integer NOT NULL,
  trace      bytea NOT NULL,
  number     integer NOT NULL,
  PRIMARY KEY (request_id, trace, number));
CREATE INDEX erasure_subject_trace ON journey_privacy.erasure_subject (trace);
COMMENT ON TABLE journey_privacy.erasure_subject IS
  'whom an erasure is about: the traces of a person''s identities, and the numbers they had';
COMMENT ON COLUMN journey_privacy.erasure_subject.request_id IS 'of the erasure';
COMMENT ON COLUMN journey_privacy.erasure_subject.person IS 'which of several';
COMMENT ON COLUMN journey_privacy.erasure_subject.trace IS 'of one identity';
COMMENT ON COLUMN journey_privacy.erasure_subject.number IS 'that the identity had';

CREATE TABLE journey_privacy.erasure_step (
  request_id uuid NOT NULL,
  relation   text NOT NULL,
  action     text NOT NULL,
  path       text NOT NULL,
  found      bigint NOT NULL,
  done       bigint NOT NULL,
  reason     text,
  held_until timestamptz,
  PRIMARY KEY (request_id, relation, action));
COMMENT ON TABLE journey_privacy.erasure_step IS
  'what an erasure has found and done, table by table';
COMMENT ON COLUMN journey_privacy.erasure_step.request_id IS 'of the erasure';
COMMENT ON COLUMN journey_privacy.erasure_step.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.erasure_step.action IS 'delete, redact, clear reference, shred or withhold';
COMMENT ON COLUMN journey_privacy.erasure_step.path IS 'how it was found';
COMMENT ON COLUMN journey_privacy.erasure_step.found IS 'rows';
COMMENT ON COLUMN journey_privacy.erasure_step.done IS 'rows';
COMMENT ON COLUMN journey_privacy.erasure_step.reason IS 'of what withholds';
COMMENT ON COLUMN journey_privacy.erasure_step.held_until IS 'when that ends';

REVOKE ALL ON journey_privacy.declared_link, journey_privacy.hold, journey_privacy.erasure,
  journey_privacy.erasure_subject, journey_privacy.erasure_step FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.declared_link', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.hold', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.erasure', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.erasure_subject', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.erasure_step', '');

CREATE VIEW journey_privacy.erasure_progress AS
  SELECT e.request_id, e.state, e.requested_at,
         (SELECT count(DISTINCT s.person) FROM journey_privacy.erasure_subject s
          WHERE s.request_id = e.request_id) AS subjects,
         t.relation, t.action, t.found, t.done, t.reason, t.held_until
  FROM journey_privacy.erasure e
  LEFT JOIN journey_privacy.erasure_step t USING (request_id)
  WHERE e.state <> 'done';
REVOKE ALL ON journey_privacy.erasure_progress FROM PUBLIC;
COMMENT ON VIEW journey_privacy.erasure_progress IS
  'erasures that are not done: rows found and erased so far, table by table, and what is withheld until when';
COMMENT ON COLUMN journey_privacy.erasure_progress.request_id IS 'of the erasure';
COMMENT ON COLUMN journey_privacy.erasure_progress.state IS 'erasing or withheld';
COMMENT ON COLUMN journey_privacy.erasure_progress.requested_at IS 'when';
COMMENT ON COLUMN journey_privacy.erasure_progress.subjects IS 'how many';
COMMENT ON COLUMN journey_privacy.erasure_progress.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.erasure_progress.action IS 'delete, redact, clear reference, shred or withhold';
COMMENT ON COLUMN journey_privacy.erasure_progress.found IS 'rows';
COMMENT ON COLUMN journey_privacy.erasure_progress.done IS 'rows';
COMMENT ON COLUMN journey_privacy.erasure_progress.reason IS 'of what withholds';
COMMENT ON COLUMN journey_privacy.erasure_progress.held_until IS 'when that ends';

-- Not SECURITY DEFINER: they ask whether the caller owns the child table.
CREATE FUNCTION journey_privacy.link_table(
    child regclass, child_columns name[], parent regclass, parent_columns name[],
    on_erase text DEFAULT 'delete', redact jsonb DEFAULT NULL, on_export text DEFAULT 'include')
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_link_table';
COMMENT ON FUNCTION journey_privacy.link_table(regclass, name[], regclass, name[], text, jsonb, text) IS
'declares that rows of a table belong to the rows of another whose columns are equal, and what
  erasing does to them
child: the table whose rows belong to others; the caller''s
child_columns: its columns, up to 32
parent: the table they belong to, or journey_privacy.subject; the caller may read its columns
parent_columns: its columns, in the same order; all must match
on_erase: delete; redact; or shared: redact while the row is somebody else''s too, then delete
redact: for redact and shared: an object of columns and what they are set to: null, a constant or
  {"default": true}
on_export: include, or exclude from export_subject()
Errors: 0A000 columns of types that cannot be compared; 22004 an argument but redact is NULL; 22023
  on_erase, on_export or redact that cannot be, column lists of different lengths or with a pair
  twice; 42501 not the owner of child, or no SELECT on the columns of parent; 42703 no such column;
  42804 a link to subject from a column of another type; 42809 not a table, a system or temporary
  table; 55000 a column that erasing redacts is gone or renamed
Source: Art. 17 GDPR';

CREATE FUNCTION journey_privacy.unlink_table(
    child regclass, child_columns name[], parent regclass, parent_columns name[])
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_unlink_table';
COMMENT ON FUNCTION journey_privacy.unlink_table(regclass, name[], regclass, name[]) IS
'takes back link_table()
child: as it was declared
child_columns: as they were declared
parent: as it was declared
parent_columns: as they were declared
Errors: 22023 no array of names; 42501 not the owner of child; 42704 no such link';

-- Every edge that erasing can follow, and what it cannot.
CREATE VIEW journey_privacy.link AS
WITH RECURSIVE edge AS (
  SELECT c.conrelid::regclass AS child,
         ARRAY(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY u(n, o)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.n ORDER BY u.o) AS child_columns,
         c.confrelid::regclass AS parent,
         ARRAY(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY u(n, o)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = u.n ORDER BY u.o) AS parent_columns,
         'foreign key' AS declared_by,
         CASE WHEN c.confdeltype IN ('n', 'd') THEN 'clear reference' ELSE 'delete' END AS on_erase,
         NULL::jsonb AS redact
  FROM pg_catalog.pg_constraint c WHERE c.contype = 'f' AND c.conparentid = 0
  UNION ALL
  SELECT d.child, d.child_columns, d.parent, d.parent_columns, 'link_table', d.on_erase, d.redact
  FROM journey_privacy.declared_link d),
said AS (
  SELECT e.* FROM edge e
  WHERE e.declared_by = 'link_table' OR NOT EXISTS (
    SELECT FROM journey_privacy.declared_link d
    WHERE (d.child, d.child_columns, d.parent, d.parent_columns)
        = (e.child, e.child_columns, e.parent, e.parent_columns))),
reach(relid) AS (
  (SELECT p.relation::oid FROM journey_privacy.protection p
   UNION SELECT 'journey_privacy.subject'::regclass)
  UNION
  SELECT x.relid FROM reach r, LATERAL (
    SELECT e.child::oid AS relid FROM said e WHERE e.parent = r.relid
    UNION ALL SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.relid
    UNION ALL SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = r.relid) x)
SELECT s.child, s.child_columns, s.parent, s.parent_columns, s.declared_by, s.on_erase, s.redact,
       array_remove(ARRAY[
         CASE WHEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = s.child AND i.indisvalid AND i.indpred IS NULL
           AND (SELECT array_agg(a.attname) FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = s.child AND a.attnum = ANY ((i.indkey::int2[])[0:cardinality(s.child_columns) - 1]))
               @> s.child_columns)
           THEN 'no index begins with the columns: every erasure scans the table' END,
         CASE WHEN NOT EXISTS (
           SELECT FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = s.child AND a.attname = ANY (s.child_columns) AND a.attnotnull)
           THEN 'the columns may be null: such rows are not reached this way' END], NULL) AS warnings
FROM said s WHERE s.parent::oid IN (SELECT r.relid FROM reach r)
UNION ALL
SELECT c.oid::regclass, array_agg(a.attname ORDER BY a.attnum), NULL, NULL, NULL, NULL, NULL,
       ARRAY['looks personal, but no path leads here from a protected table']
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'f', 'm') AND c.oid NOT IN (SELECT r.relid FROM reach r)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'journey_privacy')
  AND n.nspname !~ '^pg_(toast|temp)'
  AND (a.atttypid IN ('journey_privacy.pseudonym'::regtype, 'journey_privacy.sealed'::regtype)
       OR a.attname ~* '(e_?mail|phone|mobile|first_?name|last_?name|full_?name|surname|birth|passport|iban|street|device_?id|ip_?addr|user_?agent|(user|customer|visitor|subject|person)_?(id|name)$)')
GROUP BY c.oid;
REVOKE ALL ON journey_privacy.link FROM PUBLIC;
COMMENT ON VIEW journey_privacy.link IS
  'every way by which erasing finds rows, by foreign key or link_table(), with warnings; and tables that look personal to which no way leads';
COMMENT ON COLUMN journey_privacy.link.child IS 'whose rows belong to others, or look personal';
COMMENT ON COLUMN journey_privacy.link.child_columns IS 'of it';
COMMENT ON COLUMN journey_privacy.link.parent IS 'that they belong to; NULL: no way leads there';
COMMENT ON COLUMN journey_privacy.link.parent_columns IS 'of it';
COMMENT ON COLUMN journey_privacy.link.declared_by IS 'foreign key or link_table';
COMMENT ON COLUMN journey_privacy.link.on_erase IS 'delete, redact, shared or clear reference';
COMMENT ON COLUMN journey_privacy.link.redact IS 'columns, and what they are set to';
COMMENT ON COLUMN journey_privacy.link.warnings IS 'what makes erasing slow or incomplete';

CREATE FUNCTION journey_privacy.preview_erasure(
    subject journey_privacy.pseudonym,
    OUT relation regclass, OUT action text, OUT "rows" bigint, OUT path text,
    OUT reason text, OUT held_until timestamptz)
  RETURNS SETOF record
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_preview_erasure';
COMMENT ON FUNCTION journey_privacy.preview_erasure(journey_privacy.pseudonym) IS
'what erase() would do now, by table and action
subject: whom it would erase
Returns: relation, action (delete, redact, clear reference, shred or withhold), rows, path (how it
  is found), and of what is withheld reason and held_until
Errors: 0A000 a foreign key to a column that cannot be followed; 54000 more than 64 links lead to a
  table; 55000 no keyring, or a column that a link or redaction rests on is gone';

-- Not SECURITY DEFINER: it deletes as the owner of each table, so that the
-- owner's triggers get no more rights than the owner has; and it commits.
CREATE PROCEDURE journey_privacy.erase(
    subject journey_privacy.pseudonym, reason text DEFAULT NULL,
    request_id uuid DEFAULT NULL, INOUT receipt jsonb DEFAULT NULL)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_erase';
COMMENT ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) IS
'erases a subject from every protected table, all that belongs to it, and our own tables; the same
  request_id again resumes it, or returns the same receipt
subject: whom to erase, by any identity
reason: for the receipt; names nobody
request_id: of the erasure; NULL: a new one
receipt: the signed account, as result; NULL goes in
Errors: 0A000 at isolation level serializable, or a foreign key that cannot be followed; 22004
  subject is NULL; 42704 an erasure that vanished meanwhile; 42710 the request_id was used for
  another subject; 54000 more than 64 links lead to a table; 55000 no keyring, an erasure ledger
  that cannot be written, rows that a trigger or rule keeps, a column that a link rests on is gone;
  55P03 a lock_timeout; XX001 whom it is about cannot be read
Source: Art. 17 and Art. 19 GDPR; Cal. Civ. Code 1798.105';

CREATE PROCEDURE journey_privacy.erase_many(
    subjects journey_privacy.pseudonym[], reason text DEFAULT NULL,
    request_id uuid DEFAULT NULL, INOUT receipt jsonb DEFAULT NULL)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_erase_many';
COMMENT ON PROCEDURE journey_privacy.erase_many(journey_privacy.pseudonym[], text, uuid, jsonb) IS
'erases many subjects in one pass over each table, with one receipt; those whom a hold names get an
  erasure of their own
subjects: whom to erase
reason: for the receipt; names nobody
request_id: of the erasure; NULL: a new one
receipt: the signed account, as result; NULL goes in
Errors: 0A000 at isolation level serializable, or a foreign key that cannot be followed; 22004
  subjects is NULL or has nulls; 22023 nobody in it; 42704 an erasure that vanished meanwhile; 42710
  the request_id was used for others; 54000 more than 64 links lead to a table; 55000 no keyring, an
  erasure ledger that cannot be written, rows that a trigger or rule keeps, a column that a link
  rests on is gone; XX001 whom it is about cannot be read
Source: Art. 17 GDPR';

CREATE PROCEDURE journey_privacy.resume_erasures()
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_resume_erasures';
COMMENT ON PROCEDURE journey_privacy.resume_erasures() IS
'finishes erasures that a crash or an error stopped, and those withheld by holds that have ended
  since
Errors: 0A000 at isolation level serializable, or a foreign key that cannot be followed; 42704 an
  erasure that vanished meanwhile; 54000 more than 64 links lead to a table; 55000 no keyring, an
  erasure ledger that cannot be written, rows that a trigger or rule keeps, a column that a link
  rests on is gone; XX001 whom an erasure is about cannot be read
Source: Art. 17 GDPR';

CREATE FUNCTION journey_privacy.place_hold(
    reason text, subject journey_privacy.pseudonym DEFAULT NULL,
    "table" regclass DEFAULT NULL, held_until timestamptz DEFAULT NULL)
  RETURNS uuid
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_place_hold';
COMMENT ON FUNCTION journey_privacy.place_hold(text, journey_privacy.pseudonym, regclass, timestamptz) IS
'keeps a subject, a table, or a subject''s rows in a table from being erased, until a time or
  release_hold()
reason: for receipts and previews; names nobody
subject: whom; NULL: everybody
table: which; NULL: all
held_until: when it ends by itself; NULL: with release_hold()
Returns: id of the hold
Errors: 22004 no reason, or neither subject nor table; 22023 an empty reason; 42809 not
  an ordinary or partitioned table; 55000 no keyring
Source: Art. 17(3) GDPR';

CREATE PROCEDURE journey_privacy.release_hold(hold uuid)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_release_hold';
COMMENT ON PROCEDURE journey_privacy.release_hold(uuid) IS
'ends a hold, and resumes the erasures that nothing withholds any more
hold: its id
Errors: 0A000 at isolation level serializable, or a foreign key that cannot be followed; 22004 hold
  is NULL; 42704 no such hold in force; 54000 more than 64 links lead to a table; 55000 no keyring,
  an erasure ledger that cannot be written, rows that a trigger or rule keeps, a column that a link
  rests on is gone; XX001 whom an erasure is about cannot be read
Source: Art. 17 GDPR';

CREATE FUNCTION journey_privacy.verify_erasure(
    request_id uuid, OUT relation regclass, OUT "rows" bigint)
  RETURNS SETOF record
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_verify_erasure';
COMMENT ON FUNCTION journey_privacy.verify_erasure(uuid) IS
'looks again for those whom a request erased, in every table where they could be named
request_id: of the erasure
Returns: relation and rows found in it; all 0 unless something was withheld or came back
Errors: 42704 no such erasure; 55000 no keyring; XX001 whom it is about cannot be read
Source: Art. 5(2) GDPR';

CREATE FUNCTION journey_privacy.verify_receipt(receipt jsonb) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_verify_receipt';
COMMENT ON FUNCTION journey_privacy.verify_receipt(jsonb) IS
'whether the signature of a receipt is one of this keyring''s, over these bytes, and they say what the
  receipt says
receipt: as erase() has returned it
Returns: false for whatever is not a good receipt
Errors: 55000 no keyring
Source: Art. 5(2) GDPR; Ed25519 (RFC 8032)';

CREATE FUNCTION journey_privacy.signing_key(version integer DEFAULT NULL) RETURNS text
  LANGUAGE c STABLE
  AS 'MODULE_PATHNAME', 'jp_signing_key';
COMMENT ON FUNCTION journey_privacy.signing_key(integer) IS
'the Ed25519 public key that verifies receipts signed under this version of the key
version: of the key sign; NULL: the current one
Returns: PEM
Errors: 42704 no such version; 55000 no keyring
Source: RFC 8410';

CREATE PROCEDURE journey_privacy.replay_erasures()
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_replay_erasures';
COMMENT ON PROCEDURE journey_privacy.replay_erasures() IS
'after a backup was restored: erases again whom journey_privacy.erasure_ledger_file names and the
  backup brought back, before anybody else is let in
Errors: 0A000 at isolation level serializable, or a foreign key that cannot be followed; 54000 more
  than 64 links lead to a table; 55000 no keyring, no erasure ledger is set, it cannot be read, or
  it names somebody under keys that are not here; XX001 whom an erasure is about cannot be read
Source: Art. 17 GDPR';

CREATE FUNCTION journey_privacy.export_subject(subject journey_privacy.pseudonym) RETURNS jsonb
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_export_subject';
COMMENT ON FUNCTION journey_privacy.export_subject(journey_privacy.pseudonym) IS
'everything that erasing would touch, as an object with an array of rows for each table, without
  columns that are other people''s
subject: whose data
Returns: an object; tables by name, columns as JSON, sealed values opened
Errors: 0A000 a foreign key that cannot be followed; 40001 rows were changed meanwhile: try again;
  54000 more than 64 links lead to a table; 55000 no keyring, or a column that a link rests on is
  gone
Source: Art. 15 and Art. 20 GDPR';

CREATE FUNCTION journey_privacy.export_encrypted(
    subject journey_privacy.pseudonym, pgp_public_key text) RETURNS text
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_export_encrypted';
COMMENT ON FUNCTION journey_privacy.export_encrypted(journey_privacy.pseudonym, text) IS
'export_subject() as an armored OpenPGP message for a public key (RFC 4880), by pgcrypto
subject: whose data
pgp_public_key: armored or not
Returns: an armored message
Errors: 0A000 a foreign key that cannot be followed; 39000 a key that pgcrypto cannot use; 40001
  rows were changed meanwhile: try again; 54000 more than 64 links lead to a table; 55000 pgcrypto
  is not installed, no keyring, or a column that a link rests on is gone
Source: Art. 15 and Art. 20 GDPR; RFC 4880';

REVOKE ALL ON FUNCTION
  journey_privacy.link_table(regclass, name[], regclass, name[], text, jsonb, text),
  journey_privacy.unlink_table(regclass, name[], regclass, name[]),
  journey_privacy.preview_erasure(journey_privacy.pseudonym),
  journey_privacy.place_hold(text, journey_privacy.pseudonym, regclass, timestamptz),
  journey_privacy.verify_erasure(uuid),
  journey_privacy.verify_receipt(jsonb),
  journey_privacy.signing_key(integer),
  journey_privacy.export_subject(journey_privacy.pseudonym),
  journey_privacy.export_encrypted(journey_privacy.pseudonym, text)
  FROM PUBLIC;
REVOKE ALL ON PROCEDURE
  journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb),
  journey_privacy.erase_many(journey_privacy.pseudonym[], text, uuid, jsonb),
  journey_privacy.resume_erasures(),
  journey_privacy.release_hold(uuid),
  journey_privacy.replay_erasures()
  FROM PUBLIC;

-- Called by erasure as the owner of each table, so open to all; does nothing
-- for anybody else.
CREATE FUNCTION journey_privacy.names_subject(tableoid oid, subject integer) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_names_subject';
COMMENT ON FUNCTION journey_privacy.names_subject(oid, integer) IS
  'internal to erasure, an error outside of it';
CREATE FUNCTION journey_privacy.names_subject(tableoid oid, subject bigint) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_names_subject';
COMMENT ON FUNCTION journey_privacy.names_subject(oid, bigint) IS
  'internal to erasure, an error outside of it';
CREATE FUNCTION journey_privacy.names_subject(tableoid oid, subject uuid) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_names_subject';
COMMENT ON FUNCTION journey_privacy.names_subject(oid, uuid) IS
  'internal to erasure, an error outside of it';
CREATE FUNCTION journey_privacy.names_subject(tableoid oid, subject text) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_names_subject';
COMMENT ON FUNCTION journey_privacy.names_subject(oid, text) IS
  'internal to erasure, an error outside of it';
