-- sealed
-- Texts under a key of their subject: when the key is shredded, every sealed
-- value of the subject, wherever it was copied to, is noise.

CREATE TYPE journey_privacy.sealed;

CREATE FUNCTION journey_privacy.sealed_in(cstring)
  RETURNS journey_privacy.sealed
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sealed_in';
CREATE FUNCTION journey_privacy.sealed_out(journey_privacy.sealed)
  RETURNS cstring
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sealed_out';
CREATE FUNCTION journey_privacy.sealed_recv(internal)
  RETURNS journey_privacy.sealed
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sealed_recv';
CREATE FUNCTION journey_privacy.sealed_send(journey_privacy.sealed)
  RETURNS bytea
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sealed_send';

-- Stored uncompressed: noise does not get smaller.
CREATE TYPE journey_privacy.sealed (
  INPUT = journey_privacy.sealed_in,
  OUTPUT = journey_privacy.sealed_out,
  RECEIVE = journey_privacy.sealed_recv,
  SEND = journey_privacy.sealed_send,
  STORAGE = external);

COMMENT ON TYPE journey_privacy.sealed IS
  'text under the data key of a subject; has no equality, because the same text is never sealed alike';
COMMENT ON FUNCTION journey_privacy.sealed_in(cstring) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.sealed_out(journey_privacy.sealed) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.sealed_recv(internal) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.sealed_send(journey_privacy.sealed) IS 'I/O';

-- Which data keys are whose.  A subject may have several, from aliases that
-- were linked or from two first values at once.
CREATE TABLE journey_privacy.subject_key (
  subject    journey_privacy.pseudonym NOT NULL,
  key_id     uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  PRIMARY KEY (subject, key_id));
COMMENT ON TABLE journey_privacy.subject_key IS
  'data keys of subjects';
COMMENT ON COLUMN journey_privacy.subject_key.subject IS 'whose';
COMMENT ON COLUMN journey_privacy.subject_key.key_id IS 'in data_key';
COMMENT ON COLUMN journey_privacy.subject_key.created_at IS 'when it was made';

-- The keys, wrapped under a key of kind "seal".  Rows are overwritten in place
-- or deleted, never updated, hence STORAGE plain.
CREATE TABLE journey_privacy.data_key (
  key_id  uuid PRIMARY KEY,
  wrapped bytea NOT NULL CHECK (pg_catalog.octet_length(wrapped) = 73));
ALTER TABLE journey_privacy.data_key ALTER COLUMN wrapped SET STORAGE plain;
COMMENT ON TABLE journey_privacy.data_key IS
  'data keys, wrapped; zeros when shredded';
COMMENT ON COLUMN journey_privacy.data_key.key_id IS 'random';
COMMENT ON COLUMN journey_privacy.data_key.wrapped IS 'the key under a key of kind seal; zeros when shredded';

REVOKE ALL ON journey_privacy.subject_key, journey_privacy.data_key FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.subject_key', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.data_key', '');

CREATE FUNCTION journey_privacy.seal(
    subject journey_privacy.pseudonym, plaintext text, context text DEFAULT '')
  RETURNS journey_privacy.sealed
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100
  AS 'MODULE_PATHNAME', 'jp_seal';
CREATE FUNCTION journey_privacy.unseal(
    subject journey_privacy.pseudonym, value journey_privacy.sealed, context text DEFAULT '')
  RETURNS text
  LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
  AS 'MODULE_PATHNAME', 'jp_unseal';
CREATE FUNCTION journey_privacy.shred_keys(subject journey_privacy.pseudonym)
  RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_shred_keys';
CREATE FUNCTION journey_privacy.rewrap_keys() RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_rewrap_keys';
REVOKE ALL ON FUNCTION
  journey_privacy.seal(journey_privacy.pseudonym, text, text),
  journey_privacy.unseal(journey_privacy.pseudonym, journey_privacy.sealed, text),
  journey_privacy.shred_keys(journey_privacy.pseudonym),
  journey_privacy.rewrap_keys() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.seal(journey_privacy.pseudonym, text, text) IS
'seals a text for a subject under a data key of theirs
subject: whose it is; their data key is made if there is none
plaintext: what to seal, up to 1 GB less some bytes
context: for example the column''s name; must be the same when it is opened
Returns: the sealed value; NULL for an erased subject
Errors: 54000 a text that is too long; 55000 no keyring
Source: Art. 32(1)(a) GDPR; XChaCha20-Poly1305 (RFC 8439, extended nonce)';
COMMENT ON FUNCTION journey_privacy.unseal(journey_privacy.pseudonym, journey_privacy.sealed, text) IS
'opens a sealed text; NULL when the subject''s key was shredded
subject: whose it is
value: the sealed value
context: as it was when the value was sealed
Returns: the text; NULL when the key was shredded
Errors: 55000 no keyring; XX001 the value was tampered with, or sealed for another subject or
  context';
COMMENT ON FUNCTION journey_privacy.shred_keys(journey_privacy.pseudonym) IS
'makes every sealed value of a subject unreadable for ever; returns the number of keys
subject: whose keys are overwritten on disk
Returns: how many keys there were
Errors: 0A000 at isolation level serializable
Source: Art. 17 GDPR';
COMMENT ON FUNCTION journey_privacy.rewrap_keys() IS
'wraps all data keys under the current seal key, without touching values; returns how many
Returns: how many data keys
Errors: 55000 no keyring, or a seal key that was made in this transaction; XX001 a wrapped key is
  damaged';

