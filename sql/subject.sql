-- subject
-- The registry of subjects: one dense number each, and the traces of those
-- who were erased.

-- Numbers come from a sequence: never used twice, and dense but for those
-- that rolled back transactions took with them.
CREATE SEQUENCE journey_privacy.subject_number
  AS integer MINVALUE 0 START WITH 0;

CREATE TABLE journey_privacy.subject (
  pseudonym  journey_privacy.pseudonym PRIMARY KEY,
  number     integer NOT NULL UNIQUE
             DEFAULT pg_catalog.nextval('journey_privacy.subject_number'),
  head       integer CHECK (head <> number),
  linked     boolean NOT NULL DEFAULT false,
  restricted boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now());
CREATE INDEX subject_head ON journey_privacy.subject (head) WHERE head IS NOT NULL;
CREATE INDEX subject_restricted ON journey_privacy.subject (number) WHERE restricted;
ALTER SEQUENCE journey_privacy.subject_number OWNED BY journey_privacy.subject.number;
COMMENT ON TABLE journey_privacy.subject IS
  'people known by a pseudonym; an alias names the number of its head; a head is linked when it has aliases; restricted is Art. 18 GDPR';
COMMENT ON COLUMN journey_privacy.subject.pseudonym IS 'of one identity';
COMMENT ON COLUMN journey_privacy.subject.number IS 'of that identity, never given twice';
COMMENT ON COLUMN journey_privacy.subject.head IS 'number of the identity that it is an alias of; NULL: of none';
COMMENT ON COLUMN journey_privacy.subject.linked IS 'has aliases';
COMMENT ON COLUMN journey_privacy.subject.restricted IS 'processing is restricted (Art. 18 GDPR)';
COMMENT ON COLUMN journey_privacy.subject.created_at IS 'when it was first stored or decided';

CREATE TABLE journey_privacy.tombstone (
  trace      bytea PRIMARY KEY,
  erased_at  timestamptz NOT NULL,
  erasing    boolean NOT NULL DEFAULT false);
COMMENT ON TABLE journey_privacy.tombstone IS
  'keyed traces of erased subjects: they keep the data from coming back; while erasing, not even a new consent lifts them';
COMMENT ON COLUMN journey_privacy.tombstone.trace IS 'keyed hash of an identity';
COMMENT ON COLUMN journey_privacy.tombstone.erased_at IS 'when';
COMMENT ON COLUMN journey_privacy.tombstone.erasing IS 'the erasure is still under way';

REVOKE ALL ON journey_privacy.subject, journey_privacy.tombstone,
  journey_privacy.subject_number FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.subject', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.subject_number', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.tombstone', '');

CREATE FUNCTION journey_privacy.is_erased(subject journey_privacy.pseudonym)
  RETURNS boolean
  LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_is_erased';
REVOKE ALL ON FUNCTION journey_privacy.is_erased(journey_privacy.pseudonym) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.is_erased(journey_privacy.pseudonym) IS
'whether a tombstone keeps this subject from coming back
subject: whom to look for, under whatever identity
Returns: true while a tombstone of that identity is there
Errors: 55000 no keyring';

CREATE FUNCTION journey_privacy.pseudonym_current(journey_privacy.pseudonym)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_pseudonym_current';
REVOKE ALL ON FUNCTION journey_privacy.pseudonym_current(journey_privacy.pseudonym) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.pseudonym_current(journey_privacy.pseudonym) IS
'the same subject''s pseudonym under the current key, given one of an earlier key version
Returns: the pseudonym as rekey_pseudonyms() has made it; one of the current version as it is
Errors: 55000 no keyring, or a key version that is destroyed';

CREATE FUNCTION journey_privacy.normalize_identity(kind text, value text)
  RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_normalize_identity';
REVOKE ALL ON FUNCTION journey_privacy.normalize_identity(text, text) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.normalize_identity(text, text) IS
'the value of an identity as it is hashed, in UTF-8
kind: name of an identity kind
value: the identity as somebody wrote it
Returns: the bytes that are hashed; not secret, and no pseudonym
Errors: 22023 a value that the kind cannot have; 42704 unknown kind';

-- Identities that arrive hashed: kinds of their own, hexadecimal in lower case.
INSERT INTO journey_privacy.identity_kind (name, normalizer, description, builtin)
SELECT k.kind || '_' || a.algorithm, 'lower', a.title || ' of ' || k.title || ', hexadecimal', true
FROM (VALUES ('email', 'an e-mail address'), ('mobile_number', 'a telephone number')) k(kind, title),
     (VALUES ('md5', 'MD5'), ('sha1', 'SHA-1'), ('sha256', 'SHA-256')) a(algorithm, title);

