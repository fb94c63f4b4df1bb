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

REVOKE ALL ON journey_privacy.consent_mapping FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.consent_mapping', '');

-- The decoders see nothing but their argument: they are for everyone.
CREATE FUNCTION journey_privacy.tcf_decode(string text)
  RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_tcf_decode';
COMMENT ON FUNCTION journey_privacy.tcf_decode(text) IS
  'a consent string of the IAB Europe TCF, version 2 (2.0 to 2.3), taken apart';

CREATE FUNCTION journey_privacy.gpp_decode(string text)
  RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_gpp_decode';
COMMENT ON FUNCTION journey_privacy.gpp_decode(text) IS
  'a string of the IAB Global Privacy Platform taken apart: ids of all sections, fields of those that are known';

CREATE FUNCTION journey_privacy.google_decode(signals jsonb)
  RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_google_decode';
COMMENT ON FUNCTION journey_privacy.google_decode(jsonb) IS
  'signals of Google Consent Mode v2: granted, denied or unset';

CREATE FUNCTION journey_privacy.mparticle_decode(document jsonb)
  RETURNS jsonb
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_mparticle_decode';
COMMENT ON FUNCTION journey_privacy.mparticle_decode(jsonb) IS
  'the consent_state of an mParticle batch by external id; granted is already turned round for opt-outs';

CREATE FUNCTION journey_privacy.map_consent(format text, external_id text, purpose text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_map_consent';
COMMENT ON FUNCTION journey_privacy.map_consent(text, text, text) IS
  'lets an id of a foreign consent format stand for a purpose';

CREATE FUNCTION journey_privacy.unmap_consent(format text, external_id text, purpose text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_unmap_consent';
COMMENT ON FUNCTION journey_privacy.unmap_consent(text, text, text) IS
  'undoes map_consent(); what was imported stays on record';

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
  'records the decisions of a consent document through consent_mapping; tells what it recorded and what nobody mapped';

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
  'records the decisions of a consent document of format google or mparticle; tells what it recorded and what nobody mapped';

REVOKE ALL ON FUNCTION
  journey_privacy.map_consent(text, text, text),
  journey_privacy.unmap_consent(text, text, text),
  journey_privacy.import_consent(journey_privacy.pseudonym, text, text, timestamptz, text, text),
  journey_privacy.import_consent(journey_privacy.pseudonym, text, jsonb, timestamptz, text, text)
  FROM PUBLIC;
