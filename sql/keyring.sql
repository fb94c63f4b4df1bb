-- keyring
-- Which keys this database uses.  The keys themselves are in the keyring,
-- outside the database; here are check values, which tell the right keyring
-- from a wrong one and reveal nothing.

-- state: "active" makes new values, "retired" reads old ones, "next" waits for
-- rekey_pseudonyms().
CREATE TABLE journey_privacy.key_version (
  kind         text NOT NULL
               CHECK (kind IN ('root', 'pseudonym', 'seal', 'sign', 'tombstone', 'scope')),
  version      integer NOT NULL CHECK (version BETWEEN 1 AND 255),
  root_version integer NOT NULL CHECK (root_version BETWEEN 1 AND 255),
  state        text NOT NULL
               CHECK (state IN ('next', 'active', 'retired', 'destroyed')),
  created_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
  check_value  bytea NOT NULL CHECK (pg_catalog.octet_length(check_value) = 8),
  public_key   bytea CHECK (pg_catalog.octet_length(public_key) = 32),
  PRIMARY KEY (kind, version));
CREATE UNIQUE INDEX key_version_active
  ON journey_privacy.key_version (kind) WHERE state = 'active';
REVOKE ALL ON journey_privacy.key_version FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.key_version', '');
CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.key_version
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.key_version ENABLE ALWAYS TRIGGER catalog_changed;
COMMENT ON TABLE journey_privacy.key_version IS
  'key versions that this database uses, with check values';
COMMENT ON COLUMN journey_privacy.key_version.kind IS 'root, pseudonym, seal, sign, tombstone or scope';
COMMENT ON COLUMN journey_privacy.key_version.version IS 'from 1';
COMMENT ON COLUMN journey_privacy.key_version.root_version IS 'of the root key that it is derived from';
COMMENT ON COLUMN journey_privacy.key_version.state IS 'next (waits for rekey_pseudonyms()), active, retired (reads what is old) or destroyed';
COMMENT ON COLUMN journey_privacy.key_version.created_at IS 'when it was made';
COMMENT ON COLUMN journey_privacy.key_version.check_value IS 'tells the right key from a wrong one';
COMMENT ON COLUMN journey_privacy.key_version.public_key IS 'of kind sign: Ed25519, 32 bytes';

CREATE FUNCTION journey_privacy.create_keyring() RETURNS text
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_create_keyring';
REVOKE ALL ON FUNCTION journey_privacy.create_keyring() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.create_keyring() IS
'makes the keyring where the settings say, or adopts the one there; says which
Returns: the word created, or adopted where the file or command has the keyring of this database
  already
Errors: 42710 this database has a keyring already; 54000 more than 255 versions of a key; 55000
  neither keyring_file nor keyring_command is set, the file lies where it must not, or others can
  read it';

CREATE FUNCTION journey_privacy.rotate_key(kind text) RETURNS integer
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_rotate_key';
REVOKE ALL ON FUNCTION journey_privacy.rotate_key(text) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.rotate_key(text) IS
'makes a new version of a kind of key: root, pseudonym, seal, sign, tombstone or scope
kind: root, pseudonym, seal, sign, tombstone or scope
Returns: the number of the new version
Errors: 42704 unknown kind; 54000 more than 255 versions of it, or 64 in all; 55000 no keyring, or
  one that is written by a command for kind root; 55006 the version before, made for pseudonyms,
  waits for rekey_pseudonyms()';

CREATE FUNCTION journey_privacy.destroy_key(kind text, version integer) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_destroy_key';
REVOKE ALL ON FUNCTION journey_privacy.destroy_key(text, integer) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.destroy_key(text, integer) IS
'destroys an old version of a key for good, also if the transaction is rolled back
kind: root, pseudonym, seal, sign, tombstone or scope
version: its number, as in view key
Errors: 42704 unknown kind or version; 54000 more than 64 versions in all; 55000 no keyring, or a
  version that this transaction has changed; 55006 it is active, something is still kept under it,
  or it is a pseudonym key, from which the later ones come';

CREATE VIEW journey_privacy.key AS
  SELECT kind, version, root_version, state, created_at,
         pg_catalog.encode(check_value, 'hex') AS check_value,
         pg_catalog.encode(public_key, 'hex') AS public_key
  FROM journey_privacy.key_version;
REVOKE ALL ON journey_privacy.key FROM PUBLIC;
COMMENT ON VIEW journey_privacy.key IS
  'the keys of this database: kind, version, state, age and check value, never bytes';
COMMENT ON COLUMN journey_privacy.key.kind IS 'root, pseudonym, seal, sign, tombstone or scope';
COMMENT ON COLUMN journey_privacy.key.version IS 'from 1';
COMMENT ON COLUMN journey_privacy.key.root_version IS 'of the root key that it is derived from';
COMMENT ON COLUMN journey_privacy.key.state IS 'next (waits for rekey_pseudonyms()), active, retired (reads what is old) or destroyed';
COMMENT ON COLUMN journey_privacy.key.created_at IS 'when it was made';
COMMENT ON COLUMN journey_privacy.key.check_value IS 'tells the right key from a wrong one, in hexadecimal';
COMMENT ON COLUMN journey_privacy.key.public_key IS 'of kind sign: Ed25519, in hexadecimal';

