-- collection
-- What may be written: the registered journey tables, and the insert guard
-- that binds everyone who writes to them, owners, superusers and COPY too.

-- Names, not numbers, so that dumps restore anywhere.
CREATE TABLE journey_privacy.protection (
  relation       regclass PRIMARY KEY,
  subject_column name NOT NULL,
  kind           text,
  number_column  name NOT NULL,
  occurred_at    name,
  collected_for  text[] COLLATE "C",
  retain_for     interval,
  on_refused     text NOT NULL CHECK (on_refused IN ('error', 'skip')),
  -- what unprotect() must put back
  added_number   boolean NOT NULL,
  had_security   boolean NOT NULL,
  had_force      boolean NOT NULL,
  protected_at   timestamptz NOT NULL DEFAULT pg_catalog.now());
COMMENT ON TABLE journey_privacy.protection IS
  'journey tables registered with protect()';

CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.protection
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.protection ENABLE ALWAYS TRIGGER catalog_changed;

REVOKE ALL ON journey_privacy.protection FROM PUBLIC;
GRANT SELECT ON journey_privacy.protection TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.protection', '');

CREATE FUNCTION journey_privacy.guard_row() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_guard_row';
REVOKE ALL ON FUNCTION journey_privacy.guard_row() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.guard_row() IS
  'trigger: the insert guard; keeps the subject number, refuses rows without a basis and rows of erased subjects';

