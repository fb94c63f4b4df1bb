-- erasure
-- Finding and erasing everything about a subject, and the account of it.

CREATE TABLE journey_privacy.erasure (
  request_id   uuid PRIMARY KEY,
  trace        bytea NOT NULL,
  reason       text,
  requested_by name NOT NULL,
  erased_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  receipt      jsonb);
COMMENT ON TABLE journey_privacy.erasure IS
  'erasures that were done, with their receipts; trace is the tombstone''s';
REVOKE ALL ON journey_privacy.erasure FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.erasure', '');

CREATE FUNCTION journey_privacy.preview_erasure(
    subject journey_privacy.pseudonym,
    OUT relation regclass, OUT action text, OUT "rows" bigint, OUT path text)
  RETURNS SETOF record
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_preview_erasure';
COMMENT ON FUNCTION journey_privacy.preview_erasure(journey_privacy.pseudonym) IS
  'what erase() would do now: rows deleted, and rows kept with their reference cleared';

-- Not SECURITY DEFINER: it deletes as the owner of each table, so that the
-- owner's triggers get no more rights than the owner has.
CREATE PROCEDURE journey_privacy.erase(
    subject journey_privacy.pseudonym, reason text DEFAULT NULL,
    request_id uuid DEFAULT NULL, INOUT receipt jsonb DEFAULT NULL)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_erase';
COMMENT ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) IS
  'erases a subject from every protected table, all that refers to it, and our own tables; the same request_id again returns the same receipt';

REVOKE ALL ON FUNCTION journey_privacy.preview_erasure(journey_privacy.pseudonym) FROM PUBLIC;
REVOKE ALL ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb)
  FROM PUBLIC;


-- Called by erasure as the owner of each table, so open to all; does nothing
-- for anybody else.
CREATE FUNCTION journey_privacy.names_subject(tableoid oid, subject integer) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_names_subject';
COMMENT ON FUNCTION journey_privacy.names_subject(oid, integer) IS
  'internal to erasure, an error outside of it';
CREATE FUNCTION journey_privacy.names_subject(tableoid oid, subject bigint) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_names_subject';
COMMENT ON FUNCTION journey_privacy.names_subject(oid, bigint) IS
  'internal to erasure, an error outside of it';
CREATE FUNCTION journey_privacy.names_subject(tableoid oid, subject uuid) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_names_subject';
COMMENT ON FUNCTION journey_privacy.names_subject(oid, uuid) IS
  'internal to erasure, an error outside of it';
CREATE FUNCTION journey_privacy.names_subject(tableoid oid, subject text) RETURNS boolean
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_names_subject';
COMMENT ON FUNCTION journey_privacy.names_subject(oid, text) IS
  'internal to erasure, an error outside of it';
