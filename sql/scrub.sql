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
  'brings a table with its partitions, or all that subjects reach and our own tables, to level L3 while they are read and written: dead rows, page holes, index keys, statistics, materialized views; not in a transaction block; takes EXECUTE, and owning the table (since version 17, MAINTAIN on it); tables that the caller may not vacuum are left with a warning when all are asked for; without rebuild_indexes, level L2';

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
  'what is left in the files of a table, its partitions, indexes and toast tables: deleted rows, bytes that are not zero in holes and padding of pages (NULL where the layout is not known), and how often the identities (kind:value) are found as given, normalised, and as pseudonym, in live rows too; not found are compressed values and those cut in two by a page or a toast chunk; changes nothing, works on standbys; whoever may execute it can find out by trial what any table holds';
