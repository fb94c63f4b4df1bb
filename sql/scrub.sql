-- scrub
-- What is left in files of rows that are deleted: removing and finding it.

-- By name, as in erasure_step.  Rows are added and never changed: an old
-- version would be one of the things that scrub() is there to remove.
CREATE TABLE journey_privacy.scrub_run (
  id          uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  relations   text[] NOT NULL,
  level       integer NOT NULL CHECK (level BETWEEN 1 AND 3),
  finished_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp());
COMMENT ON TABLE journey_privacy.scrub_run IS
  'calls of scrub(): the tables and materialized views that each went over, and the level that all of them reached';
COMMENT ON COLUMN journey_privacy.scrub_run.id IS 'of the call';
COMMENT ON COLUMN journey_privacy.scrub_run.relations IS 'what it went over';
COMMENT ON COLUMN journey_privacy.scrub_run.level IS 'that all of it reached';
COMMENT ON COLUMN journey_privacy.scrub_run.finished_at IS 'when';
REVOKE ALL ON journey_privacy.scrub_run FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.scrub_run', '');

-- Not SECURITY DEFINER and without settings of its own: either would keep it
-- from committing, as VACUUM does.
CREATE PROCEDURE journey_privacy.scrub(
    "table" regclass DEFAULT NULL, rebuild_indexes boolean DEFAULT true)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_scrub';
REVOKE ALL ON PROCEDURE journey_privacy.scrub(regclass, boolean) FROM PUBLIC;
COMMENT ON PROCEDURE journey_privacy.scrub(regclass, boolean) IS
'brings a table with its partitions to level L3 while they are read and written: dead rows, page
  holes, index keys, statistics, materialized views
table: which, with its partitions; NULL: all that subjects reach and our own, but for those the
  caller may not vacuum
rebuild_indexes: false leaves the indexes, and reaches level L2
Errors: 22004 rebuild_indexes is NULL; 25001 in a transaction block; 42501 not the owner (since
  version 17: no MAINTAIN); 42809 not a table or materialized view of a user
Source: Art. 17 GDPR';

-- Not SECURITY DEFINER: it asks whether the caller may make pseudonyms.
CREATE FUNCTION journey_privacy.residue(
    "table" regclass, identities text[] DEFAULT NULL,
    OUT relation regclass, OUT fork text, OUT pages bigint, OUT dead_tuples bigint,
    OUT hole_bytes bigint, OUT padding_bytes bigint, OUT occurrences bigint)
  RETURNS SETOF record
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_residue';
REVOKE ALL ON FUNCTION journey_privacy.residue(regclass, text[]) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.residue(regclass, text[]) IS
'what is left of deleted rows and of identities in the files of a table, its partitions, indexes and
  toast tables; changes nothing, works on standbys
table: an ordinary table or materialized view
identities: kind:value; each is looked for as given, normalised, and as pseudonym, in live rows too;
  NULL: none. Who may do this finds out by trial what a table holds
Returns: relation, fork, pages, dead_tuples, hole_bytes and padding_bytes that are not zero (NULL
  where the layout is not known), and occurrences of the identities
Errors: 0A000 a temporary table of another session; 22004 table is NULL, or one of identities is;
  42501 a system catalog, by others than superusers; 42704 unknown identity kind; 42809 not a table
  or materialized view';
