-- ingest
-- Batches of mParticle's events: where they go, and what was taken in.

CREATE TABLE journey_privacy.mparticle_mapping (
  relation        regclass PRIMARY KEY,
  -- what was taken in is known by it
  id              uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  event_column    name NOT NULL,
  props_column    name,
  event_id_column name,
  columns         jsonb NOT NULL,
  identities      text[] COLLATE "C" NOT NULL,
  event_types     text[] COLLATE "C",
  development     boolean NOT NULL,
  merge           boolean NOT NULL);
COMMENT ON TABLE journey_privacy.mparticle_mapping IS
  'which journey tables take events of mParticle, and what of them; change it with map_mparticle() and unmap_mparticle()';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.id IS 'of the mapping';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.event_column IS 'for the name';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.props_column IS 'for the properties';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.event_id_column IS 'for the id';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.columns IS 'further ones, and paths';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.identities IS 'kinds, in order';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.event_types IS 'that are taken; NULL: all';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.development IS 'takes that environment, too';
COMMENT ON COLUMN journey_privacy.mparticle_mapping.merge IS 'links subjects';

-- Neither who nor when, but for the day: what stays here after an erasure
-- says nothing.
CREATE TABLE journey_privacy.ingested (
  trace   uuid PRIMARY KEY,
  seen_on date NOT NULL);
CREATE INDEX ingested_seen_on ON journey_privacy.ingested USING brin (seen_on);
COMMENT ON TABLE journey_privacy.ingested IS
  'keyed traces of batches and events that ingest_mparticle() took in, so that none counts twice; purge_ingested() forgets old ones';
COMMENT ON COLUMN journey_privacy.ingested.trace IS 'keyed, of a batch or event';
COMMENT ON COLUMN journey_privacy.ingested.seen_on IS 'day';

REVOKE ALL ON journey_privacy.mparticle_mapping, journey_privacy.ingested FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.mparticle_mapping', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.ingested', '');

-- Not SECURITY DEFINER: they ask whether the caller owns the table.
CREATE FUNCTION journey_privacy.map_mparticle(
    "table" regclass, event_column name, props_column name DEFAULT NULL,
    event_id_column name DEFAULT NULL, columns jsonb DEFAULT '{}',
    identities text[] DEFAULT ARRAY['customer_id', 'email', 'mpid', 'mobile_number',
      'phone_number_2', 'phone_number_3', 'facebook', 'google', 'microsoft', 'twitter', 'yahoo',
      'other', 'other_id_2', 'other_id_3', 'other_id_4', 'other_id_5', 'other_id_6',
      'other_id_7', 'other_id_8', 'other_id_9', 'other_id_10'],
    event_types text[] DEFAULT NULL, development boolean DEFAULT false,
    merge boolean DEFAULT false)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_map_mparticle';
COMMENT ON FUNCTION journey_privacy.map_mparticle(
    regclass, name, name, name, jsonb, text[], text[], boolean, boolean) IS
'lets a protected table take events of mParticle, or changes how
table: a protected one with occurred_at, not a partition
event_column: text column for the name of an event
props_column: jsonb column for its properties; NULL: they are left out
event_id_column: column for the event''s id; NULL: it is left out
columns: object from further columns to paths of the batch or event
identities: identity kinds that name the subject, the first that a batch has; the others become
  aliases
event_types: what is taken, such as custom_event; NULL: all
development: takes batches of environment development, too
merge: links identities that are subjects of their own already; takes EXECUTE on link_identity()
Errors: 0A000 a generated column; 22004 an argument without default NULL is NULL; 22023 kinds,
  columns or paths that cannot be; 42501 not the owner, or merge without EXECUTE on link_identity();
  42703 no such column; 42704 unknown kind, or not protected; 42804 a column of a type that does not
  fit; 55000 a partition, or without occurred_at';

CREATE FUNCTION journey_privacy.unmap_mparticle("table" regclass)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_unmap_mparticle';
COMMENT ON FUNCTION journey_privacy.unmap_mparticle(regclass) IS
'undoes map_mparticle(); what was taken in stays
table: a mapped one
Errors: 42501 not the owner; 42704 it is not mapped';

-- Not SECURITY DEFINER: it inserts as the caller.
CREATE FUNCTION journey_privacy.ingest_mparticle(
    batch jsonb, "table" regclass DEFAULT NULL,
    OUT events integer, OUT inserted integer, OUT duplicates integer, OUT refused integer,
    OUT skipped integer, OUT linked integer, OUT conflicts integer, OUT decisions integer)
  RETURNS record
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_ingest_mparticle';
COMMENT ON FUNCTION journey_privacy.ingest_mparticle(jsonb, regclass) IS
'takes in a batch of mParticle''s events, whole or not at all and never twice
batch: the JSON that mParticle posts, up to 10,000 events
table: where to; NULL: the one that is mapped
Returns: counts: events in the batch, inserted, duplicates (known), refused by the guard or the
  plan, skipped (not wanted), linked identities, conflicts (identities that are somebody else''s),
  decisions recorded
Errors: 0A000 a generated column is mapped; 22004 batch is NULL; 22008 a time out of range; 22023 a
  batch that does not follow the specification, with the path, several mapped tables or a mapping
  that does not fit any more; 22P02 a consent_state that does not; 42501 no INSERT on the table, no
  EXECUTE on pseudonymize(text, text), or a subject who has been erased or refuses; 42704 the table
  is not mapped; 54000 too many events; 55000 no keyring, or the table is not protected any more';

CREATE FUNCTION journey_privacy.purge_ingested(older_than interval DEFAULT '30 days')
  RETURNS bigint
  LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH gone AS (
    DELETE FROM journey_privacy.ingested
    WHERE seen_on < (pg_catalog.now() - greatest($1, interval '0'))::date
    RETURNING 1)
  SELECT count(*) FROM gone;
END;
COMMENT ON FUNCTION journey_privacy.purge_ingested(interval) IS
'forgets which batches and events were taken in longer ago
older_than: in whole days
Returns: how many traces';

REVOKE ALL ON FUNCTION
  journey_privacy.map_mparticle(regclass, name, name, name, jsonb, text[], text[], boolean, boolean),
  journey_privacy.unmap_mparticle(regclass),
  journey_privacy.ingest_mparticle(jsonb, regclass),
  journey_privacy.purge_ingested(interval)
  FROM PUBLIC;

