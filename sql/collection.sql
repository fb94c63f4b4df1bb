-- collection
-- What may be written: the registered journey tables, and the insert guard
-- that binds everyone who writes to them, owners, superusers and COPY too.

-- Names, not numbers, so that dumps restore anywhere.
CREATE TABLE journey_privacy.protection (
  relation       regclass PRIMARY KEY,
  subject_column name NOT NULL,
  kind           text,
  number_column  name,
  occurred_at    name,
  collected_for  text[] COLLATE "C",
  retain_for     interval,
  visibility     text NOT NULL CHECK (visibility IN ('current', 'collected')),
  on_refused     text NOT NULL CHECK (on_refused IN ('error', 'skip')),
  -- what unprotect() must put back
  added_number   boolean NOT NULL,
  had_security   boolean NOT NULL,
  had_force      boolean NOT NULL,
  -- a partition or child, covered because of its parent
  inherited_from regclass,
  protected_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
  -- what erasing does to a row
  on_erase       text NOT NULL CHECK (on_erase IN ('delete', 'redact', 'shared')),
  redact         jsonb);
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
-- for all: PostgreSQL copies the trigger to a new partition as who makes it
COMMENT ON FUNCTION journey_privacy.guard_row() IS
  'trigger: the insert guard; keeps the subject number, refuses rows without a basis and rows of erased subjects';

CREATE FUNCTION journey_privacy.guard_truncate() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_guard_truncate';
REVOKE ALL ON FUNCTION journey_privacy.guard_truncate() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.guard_truncate() IS
  'trigger: refuses TRUNCATE to those whom row security binds';

-- Columns of type pseudonym that are not the subject of a protected table:
-- rekey_pseudonyms() must know them.
CREATE TABLE journey_privacy.pseudonym_column (
  relation    regclass NOT NULL,
  column_name name NOT NULL,
  PRIMARY KEY (relation, column_name));
COMMENT ON TABLE journey_privacy.pseudonym_column IS
  'columns of type pseudonym besides the subjects of protected tables; register_pseudonym_column() adds one';
REVOKE ALL ON journey_privacy.pseudonym_column FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.pseudonym_column', '');

-- Not SECURITY DEFINER: it asks whether the caller owns the table.
CREATE FUNCTION journey_privacy.register_pseudonym_column("table" regclass, "column" name)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_register_pseudonym_column';
COMMENT ON FUNCTION journey_privacy.register_pseudonym_column(regclass, name) IS
  'lets rekey_pseudonyms() move a column of type pseudonym along; for those that are not the subject of a protected table';

REVOKE ALL ON FUNCTION journey_privacy.register_pseudonym_column(regclass, name) FROM PUBLIC;

-- Not SECURITY DEFINER: it writes each table as its owner.
CREATE FUNCTION journey_privacy.rekey_pseudonyms() RETURNS bigint
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_rekey_pseudonyms';
COMMENT ON FUNCTION journey_privacy.rekey_pseudonyms() IS
  'moves every pseudonym to the key version that rotate_key(''pseudonym'') made, without seeing an identity; returns the rows of users'' tables';
REVOKE ALL ON FUNCTION journey_privacy.rekey_pseudonyms() FROM PUBLIC;

-- Called by rekey_pseudonyms() as the owner of each table, so open to all; does
-- nothing for anybody else.
CREATE FUNCTION journey_privacy.rekeyed(journey_privacy.pseudonym)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_rekeyed';
COMMENT ON FUNCTION journey_privacy.rekeyed(journey_privacy.pseudonym) IS
  'internal to rekey_pseudonyms(), an error outside of it';

