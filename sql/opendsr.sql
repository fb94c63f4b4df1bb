-- opendsr
-- OpenDSR 2.0, the processor's side (github.com/opengdpr/OpenDSR): documents for
-- a web layer to serve, and callbacks for a sender to post.

CREATE TABLE journey_privacy.opendsr_processor (
  single           boolean PRIMARY KEY DEFAULT true CHECK (single),
  processor_domain text NOT NULL,
  certificate_url  text NOT NULL,
  results_url      text,
  -- identity types of OpenDSR that are kinds of another name here
  identity_kinds   jsonb NOT NULL DEFAULT '{}');
COMMENT ON TABLE journey_privacy.opendsr_processor IS
  'who we are to OpenDSR: at most one row, written by configure_opendsr()';

-- The answer to a request stays the same when its deadline is extended.
CREATE TABLE journey_privacy.opendsr_receipt (
  request_id  uuid PRIMARY KEY REFERENCES journey_privacy.request ON DELETE CASCADE,
  expected_at timestamptz NOT NULL);
COMMENT ON TABLE journey_privacy.opendsr_receipt IS
  'until when requests that came by OpenDSR were said to be completed';

-- What is open before a change of status: nothing is delivered out of order.
CREATE INDEX callback_open ON journey_privacy.callback (request_id, url, id) WHERE delivered_at IS NULL;
COMMENT ON INDEX journey_privacy.callback_open IS
  'open callbacks of a request and URL, in their order';

REVOKE ALL ON journey_privacy.opendsr_processor, journey_privacy.opendsr_receipt FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.opendsr_processor', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.opendsr_receipt', '');

CREATE VIEW journey_privacy.undelivered_callback AS
  SELECT c.id, c.request_id, c.url, c.status, c.created_at, c.attempts,
         nullif(c.next_attempt_at, 'infinity') AS next_attempt_at, c.last_error,
         c.next_attempt_at = 'infinity' AS given_up
  FROM journey_privacy.callback c
  WHERE c.delivered_at IS NULL;
REVOKE ALL ON journey_privacy.undelivered_callback FROM PUBLIC;
COMMENT ON VIEW journey_privacy.undelivered_callback IS
  'callbacks that no controller has accepted yet, and those that were given up';

-- Bodies are bytes, in both directions: what came may be no text at all, and
-- what is answered is signed as it is.
CREATE TYPE journey_privacy.opendsr_answer AS (
  status  integer,
  headers jsonb,
  body    bytea);
COMMENT ON TYPE journey_privacy.opendsr_answer IS
  'an answer over HTTP: status, headers but for the signature, and the bytes of the body, JSON in UTF-8';

CREATE FUNCTION journey_privacy.configure_opendsr(
    processor_domain text, certificate_url text, results_url text DEFAULT NULL,
    identity_kinds jsonb DEFAULT '{}')
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_configure_opendsr';
COMMENT ON FUNCTION journey_privacy.configure_opendsr(text, text, text, jsonb) IS
  'says who we are to OpenDSR: our domain, the https URL of the certificate there, where results lie (a request''s id is added), and identity types that are kinds of another name here';

CREATE FUNCTION journey_privacy.opendsr_discovery()
  RETURNS journey_privacy.opendsr_answer
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_opendsr_discovery';
COMMENT ON FUNCTION journey_privacy.opendsr_discovery() IS
  'answer to GET /discovery: what this processor can do';

CREATE FUNCTION journey_privacy.opendsr_request(body bytea, controller text DEFAULT NULL)
  RETURNS journey_privacy.opendsr_answer
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_opendsr_request';
COMMENT ON FUNCTION journey_privacy.opendsr_request(bytea, text) IS
  'takes in a request and answers it, given the bytes of its body and who sent it as the web layer has authenticated them (NULL: the role of the session)';

CREATE FUNCTION journey_privacy.opendsr_status(request_id text, controller text DEFAULT NULL)
  RETURNS journey_privacy.opendsr_answer
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_opendsr_status';
COMMENT ON FUNCTION journey_privacy.opendsr_status(text, text) IS
  'answer to GET of a request, given the id as it stands in the URL and who asks (NULL: whoever sent the request)';

CREATE FUNCTION journey_privacy.opendsr_cancel(request_id text, controller text DEFAULT NULL)
  RETURNS journey_privacy.opendsr_answer
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_opendsr_cancel';
COMMENT ON FUNCTION journey_privacy.opendsr_cancel(text, text) IS
  'cancels a request while it is pending and answers its DELETE, given the id as it stands in the URL and who asks (NULL: whoever sent the request)';

CREATE FUNCTION journey_privacy.opendsr_callbacks(
    max integer DEFAULT 100, lease interval DEFAULT '5 minutes',
    OUT id bigint, OUT url text, OUT headers jsonb, OUT body bytea)
  RETURNS SETOF record
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_opendsr_callbacks';
COMMENT ON FUNCTION journey_privacy.opendsr_callbacks(integer, interval) IS
  'takes at most so many callbacks that are due, to be posted within the lease; nobody else gets them meanwhile';

CREATE FUNCTION journey_privacy.opendsr_delivered(id bigint)
  RETURNS boolean
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_opendsr_delivered';
COMMENT ON FUNCTION journey_privacy.opendsr_delivered(bigint) IS
  'says that a callback was accepted; false when that was known already';

CREATE FUNCTION journey_privacy.opendsr_failed(id bigint, reason text)
  RETURNS timestamptz
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_opendsr_failed';
COMMENT ON FUNCTION journey_privacy.opendsr_failed(bigint, text) IS
  'says that a callback was not accepted, and why (200 characters are kept); returns when it is due again, NULL when it is given up or was accepted';

REVOKE ALL ON FUNCTION
  journey_privacy.configure_opendsr(text, text, text, jsonb),
  journey_privacy.opendsr_discovery(),
  journey_privacy.opendsr_request(bytea, text),
  journey_privacy.opendsr_status(text, text),
  journey_privacy.opendsr_cancel(text, text),
  journey_privacy.opendsr_callbacks(integer, interval),
  journey_privacy.opendsr_delivered(bigint),
  journey_privacy.opendsr_failed(bigint, text)
  FROM PUBLIC;

