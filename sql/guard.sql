-- guard
-- What the hooks write down.

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
