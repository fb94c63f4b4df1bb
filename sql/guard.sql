-- guard
-- What the hooks write down, and what keeps them here.

CREATE TABLE journey_privacy.derived (
  relation regclass NOT NULL,
  source   regclass NOT NULL,
  made_by  name NOT NULL,
  purpose  text COLLATE "C",
  made_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
  PRIMARY KEY (relation, source));
COMMENT ON TABLE journey_privacy.derived IS
  'tables that were filled from a protected table by INSERT … SELECT or CREATE TABLE AS, who did so first and for which purpose';
COMMENT ON COLUMN journey_privacy.derived.relation IS 'the copy';
COMMENT ON COLUMN journey_privacy.derived.source IS 'protected table that it was filled from';
COMMENT ON COLUMN journey_privacy.derived.made_by IS 'who did so first';
COMMENT ON COLUMN journey_privacy.derived.purpose IS 'in force then';
COMMENT ON COLUMN journey_privacy.derived.made_at IS 'when';
REVOKE ALL ON journey_privacy.derived FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.derived', '');

-- Dropped CASCADE, the extension would take policies, pseudonyms and decisions
-- along.  The hook refuses that; this loads it where it is not preloaded.
CREATE FUNCTION journey_privacy.keep_extension() RETURNS event_trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_keep_extension';
REVOKE ALL ON FUNCTION journey_privacy.keep_extension() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.keep_extension() IS
  'event trigger: refuses to drop the extension, or take parts from it, while tables are protected';
CREATE EVENT TRIGGER journey_privacy_keep_extension ON ddl_command_start
  WHEN TAG IN ('DROP EXTENSION', 'ALTER EXTENSION', 'DROP SCHEMA', 'DROP OWNED', 'DROP LANGUAGE')
  EXECUTE FUNCTION journey_privacy.keep_extension();
COMMENT ON EVENT TRIGGER journey_privacy_keep_extension IS
  'refuses to drop the extension, or take parts from it, while tables are protected';
