-- exchange
-- Consent as others write it down: decoders, which of their ids stand for
-- which purpose, and documents recorded as decisions.

CREATE TABLE journey_privacy.consent_mapping (
  format      text COLLATE "C" NOT NULL
              CHECK (format IN ('tcf', 'gpp', 'google', 'mparticle')),
  external_id text COLLATE "C" NOT NULL,
  purpose     text COLLATE "C" NOT NULL,
  PRIMARY KEY (format, purpose, external_id));
COMMENT ON TABLE journey_privacy.consent_mapping IS
  'which id of a foreign consent format stands for which purpose; change it with map_consent() and unmap_consent()';
COMMENT ON COLUMN journey_privacy.consent_mapping.format IS 'tcf, gpp, google or mparticle';
COMMENT ON COLUMN journey_privacy.consent_mapping.external_id IS 'what the format calls it';
COMMENT ON COLUMN journey_privacy.consent_mapping.purpose IS 'what it stands for';

REVOKE ALL ON journey_privacy.consent_mapping FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.consent_mapping', '');

-- The decoders see nothing but their argument: they are for everyone.
CREATE FUNCTION journey_privacy.tcf_decode(string text)
  RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_tcf_decode';
COMMENT ON FUNCTION journey_privacy.tcf_decode(text) IS
'a consent string of the IAB Europe TCF, version 2 (2.0 to 2.3), taken apart
string: a TC string, up to 256 kB
Returns: an object with its fields
Errors: 22008 a time out of range; 22P02 what does not follow the specification, with field and
  character
Source: IAB Europe Transparency and Consent Framework, consent string v2';

CREATE FUNCTION journey_privacy.gpp_decode(string text)
  RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_gpp_decode';
COMMENT ON FUNCTION journey_privacy.gpp_decode(text) IS
'a string of the IAB Global Privacy Platform taken apart: ids of all sections, fields of those that
  are known
string: a GPP string, up to 256 kB
Returns: an object with its sections
Errors: 22008 a time out of range; 22P02 what does not follow the specification, with field and
  character
Source: IAB Global Privacy Platform';

CREATE FUNCTION journey_privacy.google_decode(signals jsonb)
  RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_google_decode';
COMMENT ON FUNCTION journey_privacy.google_decode(jsonb) IS
'signals of Google Consent Mode v2: granted, denied or unset
signals: JSON with ad_storage, analytics_storage and so on
Returns: an object: granted, denied or unset for each signal
Errors: 22P02 an unknown signal or value
Source: Google Consent Mode v2';

CREATE FUNCTION journey_privacy.mparticle_decode(document jsonb)
  RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_mparticle_decode';
COMMENT ON FUNCTION journey_privacy.mparticle_decode(jsonb) IS
'the consent_state of an mParticle batch by external id; granted is already turned round for opt-outs
document: a batch, or its consent_state
Returns: an object by external id
Errors: 22008 a time out of range; 22P02 what does not follow the specification
Source: mParticle Events API, consent_state';

CREATE FUNCTION journey_privacy.map_consent(format text, external_id text, purpose text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_map_consent';
COMMENT ON FUNCTION journey_privacy.map_consent(text, text, text) IS
'lets an id of a foreign consent format stand for a purpose
format: tcf, gpp, google or mparticle
external_id: what the format calls it, such as purpose:1 or analytics_storage
purpose: name of a purpose; several ids may stand for one, and one for several
Errors: 22023 an unknown format, or an id that the format does not have; 42704 unknown purpose';

CREATE FUNCTION journey_privacy.unmap_consent(format text, external_id text, purpose text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_unmap_consent';
COMMENT ON FUNCTION journey_privacy.unmap_consent(text, text, text) IS
'undoes map_consent(); what was imported stays on record
format: tcf, gpp, google or mparticle
external_id: as it was mapped
purpose: as it was mapped
Errors: 22023 an unknown format; 42704 unknown purpose';

CREATE FUNCTION journey_privacy.import_consent(
    subject journey_privacy.pseudonym, format text, document text,
    at timestamptz DEFAULT NULL, notice text DEFAULT NULL,
    region text DEFAULT NULL,
    OUT external_id text, OUT purpose text, OUT granted boolean,
    OUT decided_at timestamptz, OUT recorded boolean, OUT id uuid)
  RETURNS SETOF record
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_import_consent';
COMMENT ON FUNCTION journey_privacy.import_consent(
    journey_privacy.pseudonym, text, text, timestamptz, text, text) IS
'records the decisions of a consent document through consent_mapping
subject: who decided
format: tcf, gpp, google or mparticle; as jsonb google or mparticle only
document: the document itself
at: event time; NULL: the document''s own, or that of the import
notice: which text was shown; kept as document in the ledger
region: of the subject
Returns: a row for each thing the document says: external_id, purpose (NULL: nobody mapped it),
  granted, decided_at, recorded (false: known, older or not mapped), id in the ledger
Errors: 22004 subject, format or document is NULL; 22008 a time out of range; 22023 an unknown
  format, text where jsonb is wanted, a time that is not finite or lies ahead; 22P02 a document that
  does not follow its specification; 42501 the subject was erased and has not agreed anew; 42704
  unknown purpose; 55000 no keyring, or the subject is being erased
Source: Art. 7(1) GDPR';

CREATE FUNCTION journey_privacy.import_consent(
    subject journey_privacy.pseudonym, format text, document jsonb,
    at timestamptz DEFAULT NULL, notice text DEFAULT NULL,
    region text DEFAULT NULL,
    OUT external_id text, OUT purpose text, OUT granted boolean,
    OUT decided_at timestamptz, OUT recorded boolean, OUT id uuid)
  RETURNS SETOF record
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_import_consent_jsonb';
COMMENT ON FUNCTION journey_privacy.import_consent(
    journey_privacy.pseudonym, text, jsonb, timestamptz, text, text) IS
'records the decisions of a consent document through consent_mapping
subject: who decided
format: tcf, gpp, google or mparticle; as jsonb google or mparticle only
document: the document itself
at: event time; NULL: the document''s own, or that of the import
notice: which text was shown; kept as document in the ledger
region: of the subject
Returns: a row for each thing the document says: external_id, purpose (NULL: nobody mapped it),
  granted, decided_at, recorded (false: known, older or not mapped), id in the ledger
Errors: 22004 subject, format or document is NULL; 22008 a time out of range; 22023 an unknown
  format, text where jsonb is wanted, a time that is not finite or lies ahead; 22P02 a document that
  does not follow its specification; 42501 the subject was erased and has not agreed anew; 42704
  unknown purpose; 55000 no keyring, or the subject is being erased
Source: Art. 7(1) GDPR';

REVOKE ALL ON FUNCTION
  journey_privacy.map_consent(text, text, text),
  journey_privacy.unmap_consent(text, text, text),
  journey_privacy.import_consent(journey_privacy.pseudonym, text, text, timestamptz, text, text),
  journey_privacy.import_consent(journey_privacy.pseudonym, text, jsonb, timestamptz, text, text)
  FROM PUBLIC;
