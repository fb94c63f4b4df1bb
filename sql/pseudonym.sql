-- pseudonym
-- The type, the kinds of identity, and how one becomes the other.

CREATE TYPE journey_privacy.pseudonym;

-- STABLE: an identity's pseudonym depends on the keys and on the privilege.
CREATE FUNCTION journey_privacy.pseudonym_in(cstring)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_pseudonym_in';
CREATE FUNCTION journey_privacy.pseudonym_out(journey_privacy.pseudonym)
  RETURNS cstring
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_pseudonym_out';
CREATE FUNCTION journey_privacy.pseudonym_recv(internal)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_pseudonym_recv';
CREATE FUNCTION journey_privacy.pseudonym_send(journey_privacy.pseudonym)
  RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_pseudonym_send';

CREATE TYPE journey_privacy.pseudonym (
  INPUT = journey_privacy.pseudonym_in,
  OUTPUT = journey_privacy.pseudonym_out,
  RECEIVE = journey_privacy.pseudonym_recv,
  SEND = journey_privacy.pseudonym_send,
  INTERNALLENGTH = 16,
  ALIGNMENT = char,
  STORAGE = plain);

COMMENT ON TYPE journey_privacy.pseudonym IS
  'keyed hash of an identity: key version and 120 bits; written p1_ and 24 letters, or read from kind:value';
COMMENT ON FUNCTION journey_privacy.pseudonym_in(cstring) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.pseudonym_out(journey_privacy.pseudonym) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.pseudonym_recv(internal) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.pseudonym_send(journey_privacy.pseudonym) IS 'I/O';

-- Order and equality: free for everyone, and leakproof, so that they are
-- tried before row filters.

CREATE FUNCTION journey_privacy.pseudonym_eq(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS boolean LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_eq';
CREATE FUNCTION journey_privacy.pseudonym_ne(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS boolean LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_ne';
CREATE FUNCTION journey_privacy.pseudonym_lt(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS boolean LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_lt';
CREATE FUNCTION journey_privacy.pseudonym_le(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS boolean LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_le';
CREATE FUNCTION journey_privacy.pseudonym_gt(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS boolean LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_gt';
CREATE FUNCTION journey_privacy.pseudonym_ge(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS boolean LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_ge';
CREATE FUNCTION journey_privacy.pseudonym_cmp(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS integer LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_cmp';
CREATE FUNCTION journey_privacy.pseudonym_smaller(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS journey_privacy.pseudonym LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_smaller';
CREATE FUNCTION journey_privacy.pseudonym_larger(journey_privacy.pseudonym, journey_privacy.pseudonym)
  RETURNS journey_privacy.pseudonym LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_larger';
CREATE FUNCTION journey_privacy.pseudonym_hash(journey_privacy.pseudonym)
  RETURNS integer LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_hash';
CREATE FUNCTION journey_privacy.pseudonym_hash_extended(journey_privacy.pseudonym, bigint)
  RETURNS bigint LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_hash_extended';
CREATE FUNCTION journey_privacy.pseudonym_sortsupport(internal)
  RETURNS void LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_sortsupport';

COMMENT ON FUNCTION journey_privacy.pseudonym_eq(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'implementation of = operator';
COMMENT ON FUNCTION journey_privacy.pseudonym_ne(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'implementation of <> operator';
COMMENT ON FUNCTION journey_privacy.pseudonym_lt(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'implementation of < operator';
COMMENT ON FUNCTION journey_privacy.pseudonym_le(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'implementation of <= operator';
COMMENT ON FUNCTION journey_privacy.pseudonym_gt(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'implementation of > operator';
COMMENT ON FUNCTION journey_privacy.pseudonym_ge(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'implementation of >= operator';
COMMENT ON FUNCTION journey_privacy.pseudonym_cmp(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'less-equal-greater';
COMMENT ON FUNCTION journey_privacy.pseudonym_smaller(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'smaller of two';
COMMENT ON FUNCTION journey_privacy.pseudonym_larger(journey_privacy.pseudonym, journey_privacy.pseudonym)
  IS 'larger of two';
COMMENT ON FUNCTION journey_privacy.pseudonym_hash(journey_privacy.pseudonym)
  IS 'hash; the same for ever';
COMMENT ON FUNCTION journey_privacy.pseudonym_hash_extended(journey_privacy.pseudonym, bigint)
  IS 'hash with a seed; the same for ever';
COMMENT ON FUNCTION journey_privacy.pseudonym_sortsupport(internal)
  IS 'sort support';

-- In pg_catalog: WHERE, JOIN USING and min() look names up in the search_path,
-- which need not hold our schema.  They take our type only and shadow nothing.
CREATE OPERATOR pg_catalog.= (
  FUNCTION = journey_privacy.pseudonym_eq,
  LEFTARG = journey_privacy.pseudonym, RIGHTARG = journey_privacy.pseudonym,
  COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
  RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR pg_catalog.<> (
  FUNCTION = journey_privacy.pseudonym_ne,
  LEFTARG = journey_privacy.pseudonym, RIGHTARG = journey_privacy.pseudonym,
  COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
  RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR pg_catalog.< (
  FUNCTION = journey_privacy.pseudonym_lt,
  LEFTARG = journey_privacy.pseudonym, RIGHTARG = journey_privacy.pseudonym,
  COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
  RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR pg_catalog.<= (
  FUNCTION = journey_privacy.pseudonym_le,
  LEFTARG = journey_privacy.pseudonym, RIGHTARG = journey_privacy.pseudonym,
  COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
  RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR pg_catalog.> (
  FUNCTION = journey_privacy.pseudonym_gt,
  LEFTARG = journey_privacy.pseudonym, RIGHTARG = journey_privacy.pseudonym,
  COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
  RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR pg_catalog.>= (
  FUNCTION = journey_privacy.pseudonym_ge,
  LEFTARG = journey_privacy.pseudonym, RIGHTARG = journey_privacy.pseudonym,
  COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
  RESTRICT = scalargesel, JOIN = scalargejoinsel);

COMMENT ON OPERATOR pg_catalog.= (journey_privacy.pseudonym, journey_privacy.pseudonym) IS 'equal';
COMMENT ON OPERATOR pg_catalog.<> (journey_privacy.pseudonym, journey_privacy.pseudonym) IS 'not equal';
COMMENT ON OPERATOR pg_catalog.< (journey_privacy.pseudonym, journey_privacy.pseudonym) IS 'less than';
COMMENT ON OPERATOR pg_catalog.<= (journey_privacy.pseudonym, journey_privacy.pseudonym) IS 'less than or equal';
COMMENT ON OPERATOR pg_catalog.> (journey_privacy.pseudonym, journey_privacy.pseudonym) IS 'greater than';
COMMENT ON OPERATOR pg_catalog.>= (journey_privacy.pseudonym, journey_privacy.pseudonym) IS 'greater than or equal';

CREATE OPERATOR CLASS journey_privacy.pseudonym_ops
  DEFAULT FOR TYPE journey_privacy.pseudonym USING btree AS
  OPERATOR 1 pg_catalog.<,
  OPERATOR 2 pg_catalog.<=,
  OPERATOR 3 pg_catalog.=,
  OPERATOR 4 pg_catalog.>=,
  OPERATOR 5 pg_catalog.>,
  FUNCTION 1 journey_privacy.pseudonym_cmp(journey_privacy.pseudonym, journey_privacy.pseudonym),
  FUNCTION 2 journey_privacy.pseudonym_sortsupport(internal),
  FUNCTION 4 pg_catalog.btequalimage(oid);

CREATE OPERATOR CLASS journey_privacy.pseudonym_ops
  DEFAULT FOR TYPE journey_privacy.pseudonym USING hash AS
  OPERATOR 1 pg_catalog.=,
  FUNCTION 1 journey_privacy.pseudonym_hash(journey_privacy.pseudonym),
  FUNCTION 2 journey_privacy.pseudonym_hash_extended(journey_privacy.pseudonym, bigint);

CREATE OPERATOR CLASS journey_privacy.pseudonym_minmax_ops
  DEFAULT FOR TYPE journey_privacy.pseudonym USING brin AS
  OPERATOR 1 pg_catalog.<,
  OPERATOR 2 pg_catalog.<=,
  OPERATOR 3 pg_catalog.=,
  OPERATOR 4 pg_catalog.>=,
  OPERATOR 5 pg_catalog.>,
  FUNCTION 1 pg_catalog.brin_minmax_opcinfo(internal),
  FUNCTION 2 pg_catalog.brin_minmax_add_value(internal, internal, internal, internal),
  FUNCTION 3 pg_catalog.brin_minmax_consistent(internal, internal, internal),
  FUNCTION 4 pg_catalog.brin_minmax_union(internal, internal, internal);

CREATE AGGREGATE pg_catalog.min(journey_privacy.pseudonym) (
  SFUNC = journey_privacy.pseudonym_smaller, STYPE = journey_privacy.pseudonym,
  COMBINEFUNC = journey_privacy.pseudonym_smaller,
  SORTOP = OPERATOR(pg_catalog.<), PARALLEL = SAFE);
CREATE AGGREGATE pg_catalog.max(journey_privacy.pseudonym) (
  SFUNC = journey_privacy.pseudonym_larger, STYPE = journey_privacy.pseudonym,
  COMBINEFUNC = journey_privacy.pseudonym_larger,
  SORTOP = OPERATOR(pg_catalog.>), PARALLEL = SAFE);
COMMENT ON AGGREGATE pg_catalog.min(journey_privacy.pseudonym) IS 'smallest pseudonym, in the order of the bytes';
COMMENT ON AGGREGATE pg_catalog.max(journey_privacy.pseudonym) IS 'largest pseudonym, in the order of the bytes';

-- Casts for drivers and tools that know uuid and bytea only.

CREATE FUNCTION journey_privacy.to_pseudonym(uuid)
  RETURNS journey_privacy.pseudonym LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_from_uuid';
CREATE FUNCTION journey_privacy.to_pseudonym(bytea)
  RETURNS journey_privacy.pseudonym LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_from_bytea';
CREATE FUNCTION journey_privacy.to_bytea(journey_privacy.pseudonym)
  RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_to_bytea';
COMMENT ON FUNCTION journey_privacy.to_pseudonym(uuid) IS 'the same sixteen bytes as a pseudonym';
COMMENT ON FUNCTION journey_privacy.to_pseudonym(bytea) IS 'sixteen bytes as a pseudonym';
COMMENT ON FUNCTION journey_privacy.to_bytea(journey_privacy.pseudonym) IS 'the sixteen bytes of a pseudonym';
CREATE CAST (uuid AS journey_privacy.pseudonym)
  WITH FUNCTION journey_privacy.to_pseudonym(uuid);
CREATE CAST (journey_privacy.pseudonym AS uuid) WITHOUT FUNCTION;
CREATE CAST (bytea AS journey_privacy.pseudonym)
  WITH FUNCTION journey_privacy.to_pseudonym(bytea);
CREATE CAST (journey_privacy.pseudonym AS bytea)
  WITH FUNCTION journey_privacy.to_bytea(journey_privacy.pseudonym);

-- Kinds of identity.  Those of mParticle (user, device) and OpenDSR come with
-- the extension; the dump carries the others.

CREATE TABLE journey_privacy.identity_kind (
  name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  normalizer  text NOT NULL
              CHECK (normalizer IN ('none', 'trim', 'lower', 'e164', 'uuid')),
  description text NOT NULL DEFAULT '',
  builtin     boolean NOT NULL DEFAULT false);
REVOKE ALL ON journey_privacy.identity_kind FROM PUBLIC;
GRANT SELECT ON journey_privacy.identity_kind TO PUBLIC;
COMMENT ON TABLE journey_privacy.identity_kind IS
  'kinds of identity and how their values are normalised before hashing';
COMMENT ON COLUMN journey_privacy.identity_kind.name IS 'what stands before the colon of an identity';
COMMENT ON COLUMN journey_privacy.identity_kind.normalizer IS 'none, trim, lower, e164 or uuid';
COMMENT ON COLUMN journey_privacy.identity_kind.description IS 'for people';
COMMENT ON COLUMN journey_privacy.identity_kind.builtin IS 'came with the extension';

INSERT INTO journey_privacy.identity_kind (name, normalizer, description, builtin) VALUES
  ('customer_id', 'trim', 'customer number or login (mParticle)', true),
  ('controller_customer_id', 'trim', 'customer number at the controller (OpenDSR)', true),
  ('email', 'lower', 'e-mail address (mParticle, OpenDSR)', true),
  ('mobile_number', 'e164', 'telephone number (mParticle, OpenDSR)', true),
  ('phone_number_2', 'e164', 'telephone number (mParticle)', true),
  ('phone_number_3', 'e164', 'telephone number (mParticle)', true),
  ('facebook', 'trim', 'Facebook account (mParticle)', true),
  ('facebook_custom_audience_id', 'trim', 'Facebook audience (mParticle)', true),
  ('google', 'trim', 'Google account (mParticle)', true),
  ('microsoft', 'trim', 'Microsoft account (mParticle)', true),
  ('twitter', 'trim', 'Twitter account (mParticle)', true),
  ('yahoo', 'trim', 'Yahoo account (mParticle)', true),
  ('other', 'trim', 'any other account (mParticle)', true),
  ('other_id_2', 'trim', 'any other account (mParticle)', true),
  ('other_id_3', 'trim', 'any other account (mParticle)', true),
  ('other_id_4', 'trim', 'any other account (mParticle)', true),
  ('other_id_5', 'trim', 'any other account (mParticle)', true),
  ('other_id_6', 'trim', 'any other account (mParticle)', true),
  ('other_id_7', 'trim', 'any other account (mParticle)', true),
  ('other_id_8', 'trim', 'any other account (mParticle)', true),
  ('other_id_9', 'trim', 'any other account (mParticle)', true),
  ('other_id_10', 'trim', 'any other account (mParticle)', true),
  ('mpid', 'trim', 'mParticle''s own number', true),
  ('device_id', 'trim', 'device or browser', true),
  ('session_id', 'trim', 'session', true),
  ('android_advertising_id', 'lower', 'Google advertising id (mParticle, OpenDSR)', true),
  ('google_advertising_id', 'lower', 'Google advertising id (mParticle)', true),
  ('android_id', 'lower', 'Android device (OpenDSR)', true),
  ('android_uuid', 'lower', 'Android device (mParticle)', true),
  ('ios_advertising_id', 'uuid', 'Apple IDFA (mParticle, OpenDSR)', true),
  ('ios_idfv', 'uuid', 'Apple identifier for vendors (mParticle)', true),
  ('ios_vendor_id', 'uuid', 'Apple identifier for vendors (OpenDSR)', true),
  ('fire_advertising_id', 'lower', 'Amazon advertising id (mParticle, OpenDSR)', true),
  ('roku_advertising_id', 'lower', 'Roku advertising id (mParticle, OpenDSR)', true),
  ('roku_publisher_id', 'trim', 'Roku publisher id (mParticle, OpenDSR)', true),
  ('microsoft_advertising_id', 'lower', 'Microsoft advertising id (mParticle, OpenDSR)', true),
  ('microsoft_publisher_id', 'trim', 'Microsoft publisher id (mParticle, OpenDSR)', true),
  ('amp_id', 'trim', 'AMP client (mParticle)', true),
  ('push_token', 'trim', 'push token (mParticle)', true);

SELECT pg_catalog.pg_extension_config_dump('journey_privacy.identity_kind', 'WHERE NOT builtin');
CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.identity_kind
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.identity_kind ENABLE ALWAYS TRIGGER catalog_changed;

CREATE FUNCTION journey_privacy.create_identity_kind(
    name text, normalizer text DEFAULT 'trim', description text DEFAULT '')
  RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_create_identity_kind';
REVOKE ALL ON FUNCTION journey_privacy.create_identity_kind(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.create_identity_kind(text, text, text) IS
'adds a kind of identity; normalizer is none, trim, lower, e164 or uuid
name: lower-case letters, digits and underscores, up to 63
normalizer: none, trim, lower (trim and lower case), e164 (telephone numbers) or uuid
description: for people who read table identity_kind
Errors: 22023 a name that is not well formed, an unknown normalizer; 42710 the kind exists; 54000
  more than 1,000 kinds';

-- Who may execute the first of these may also write identities where a
-- pseudonym is expected.

CREATE FUNCTION journey_privacy.pseudonymize(kind text, value text)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_pseudonymize_text';
CREATE FUNCTION journey_privacy.pseudonymize(kind text, value bigint)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_pseudonymize_bigint';
CREATE FUNCTION journey_privacy.pseudonymize(kind text, value uuid)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_pseudonymize_uuid';
CREATE FUNCTION journey_privacy.scoped(subject journey_privacy.pseudonym, scope text)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_scoped';
REVOKE ALL ON FUNCTION journey_privacy.pseudonymize(text, text),
  journey_privacy.pseudonymize(text, bigint),
  journey_privacy.pseudonymize(text, uuid),
  journey_privacy.scoped(journey_privacy.pseudonym, text) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.pseudonymize(text, text) IS
'pseudonym of an identity
kind: name of an identity kind
value: the identity, in whatever form its kind normalises
Returns: the pseudonym under the current key; the same identity gives the same one
Errors: 22023 a value that is empty, too long or not one that the kind can have; 42501 no EXECUTE on
  pseudonymize(text, text), by whatever way it is called; 42704 unknown kind; 55000 no keyring';
COMMENT ON FUNCTION journey_privacy.pseudonymize(text, bigint) IS
'pseudonym of an identity that is a number
kind: name of an identity kind
value: the identity, in whatever form its kind normalises
Returns: the pseudonym under the current key; the same identity gives the same one
Errors: 22023 a value that is empty, too long or not one that the kind can have; 42501 no EXECUTE on
  pseudonymize(text, text), by whatever way it is called; 42704 unknown kind; 55000 no keyring';
COMMENT ON FUNCTION journey_privacy.pseudonymize(text, uuid) IS
'pseudonym of an identity that is a uuid
kind: name of an identity kind
value: the identity, in whatever form its kind normalises
Returns: the pseudonym under the current key; the same identity gives the same one
Errors: 22023 a value that is empty, too long or not one that the kind can have; 42501 no EXECUTE on
  pseudonymize(text, text), by whatever way it is called; 42704 unknown kind; 55000 no keyring';
COMMENT ON FUNCTION journey_privacy.scoped(journey_privacy.pseudonym, text) IS
'another pseudonym for one scope, unlinkable without the key: for partners and exports
subject: whose pseudonym
scope: any text; the same text gives the same pseudonym again
Returns: a pseudonym that stands in no table here
Errors: 22023 an empty or too long scope; 55000 no keyring';

