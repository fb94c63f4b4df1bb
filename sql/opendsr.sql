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
COMMENT ON COLUMN journey_privacy.opendsr_processor.single IS 'there is one row';
COMMENT ON COLUMN journey_privacy.opendsr_processor.processor_domain IS 'our host name';
COMMENT ON COLUMN journey_privacy.opendsr_processor.certificate_url IS 'of our certificate';
COMMENT ON COLUMN journey_privacy.opendsr_processor.results_url IS 'where results lie';
COMMENT ON COLUMN journey_privacy.opendsr_processor.identity_kinds IS 'identity types of another name here';

-- The answer to a request stays the same when its deadline is extended.
CREATE TABLE journey_privacy.opendsr_receipt (
  request_id  uuid PRIMARY KEY,
  expected_at timestamptz NOT NULL);
COMMENT ON TABLE journey_privacy.opendsr_receipt IS
  'until when requests that came by OpenDSR were said to be completed';
COMMENT ON COLUMN journey_privacy.opendsr_receipt.request_id IS 'of the request';
COMMENT ON COLUMN journey_privacy.opendsr_receipt.expected_at IS 'until when it was said to be completed';

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
COMMENT ON COLUMN journey_privacy.undelivered_callback.id IS 'of the callback';
COMMENT ON COLUMN journey_privacy.undelivered_callback.request_id IS 'of the request';
COMMENT ON COLUMN journey_privacy.undelivered_callback.url IS 'who is told';
COMMENT ON COLUMN journey_privacy.undelivered_callback.status IS 'of the request, that is told';
COMMENT ON COLUMN journey_privacy.undelivered_callback.created_at IS 'when the status changed';
COMMENT ON COLUMN journey_privacy.undelivered_callback.attempts IS 'how many failed';
COMMENT ON COLUMN journey_privacy.undelivered_callback.next_attempt_at IS 'when it is tried again';
COMMENT ON COLUMN journey_privacy.undelivered_callback.last_error IS 'why it was not';
COMMENT ON COLUMN journey_privacy.undelivered_callback.given_up IS 'it is not tried any more';

-- Bodies are bytes, in both directions: what came may be no text at all, and
-- what is answered is signed as it is.
CREATE TYPE journey_privacy.opendsr_answer AS (
  status  integer,
  headers jsonb,
  body    bytea);
COMMENT ON TYPE journey_privacy.opendsr_answer IS
  'an answer over HTTP: status, headers but for the signature, and the bytes of the body, JSON in UTF-8';
COMMENT ON COLUMN journey_privacy.opendsr_answer.status IS 'of HTTP';
COMMENT ON COLUMN journey_privacy.opendsr_answer.headers IS 'but for the signature';
COMMENT ON COLUMN journey_privacy.opendsr_answer.body IS 'the bytes to sign and send';

CREATE FUNCTION journey_privacy.configure_opendsr(
    processor_domain text, certificate_url text, results_url text DEFAULT NULL,
    identity_kinds jsonb DEFAULT '{}')
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_configure_opendsr';
COMMENT ON FUNCTION journey_privacy.configure_opendsr(text, text, text, jsonb) IS
'says who we are to OpenDSR
processor_domain: our public host name, in lower case
certificate_url: https URL of the certificate, at that domain
results_url: https URL where results lie, to which the id of a request is added; NULL: results are
  not offered
identity_kinds: object from identity types of OpenDSR to kinds of another name here
Errors: 22004 an argument but results_url is NULL; 22023 a domain, URL or object that cannot be
Source: OpenDSR 2.0';

CREATE FUNCTION journey_privacy.opendsr_discovery()
  RETURNS journey_privacy.opendsr_answer
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_opendsr_discovery';
COMMENT ON FUNCTION journey_privacy.opendsr_discovery() IS
'answer to GET /discovery: what this processor can do
Returns: status, headers and body, the exact bytes to be signed; 503 when nothing is configured
Source: OpenDSR 2.0';

CREATE FUNCTION journey_privacy.opendsr_request(body bytea, controller text DEFAULT NULL)
  RETURNS journey_privacy.opendsr_answer
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_opendsr_request';
COMMENT ON FUNCTION journey_privacy.opendsr_request(bytea, text) IS
'takes in a request of OpenDSR and answers it
body: bytes of the body of the POST
controller: who sent it, as the web layer has authenticated them; NULL: the role of the session
Returns: status (201, or 400 and above with the reason), headers and body; what is wrong with a
  request is an answer, not an error
Source: OpenDSR 2.0';

CREATE FUNCTION journey_privacy.opendsr_status(request_id text, controller text DEFAULT NULL)
  RETURNS journey_privacy.opendsr_answer
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_opendsr_status';
COMMENT ON FUNCTION journey_privacy.opendsr_status(text, text) IS
'answer to GET of a request of OpenDSR
request_id: as it stands in the URL
controller: who asks, as authenticated; NULL: whoever sent the request
Returns: status, headers and body; 404 for a request of somebody else
Source: OpenDSR 2.0';

CREATE FUNCTION journey_privacy.opendsr_cancel(request_id text, controller text DEFAULT NULL)
  RETURNS journey_privacy.opendsr_answer
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_opendsr_cancel';
COMMENT ON FUNCTION journey_privacy.opendsr_cancel(text, text) IS
'cancels a request of OpenDSR while it is pending and answers its DELETE
request_id: as it stands in the URL
controller: who asks, as authenticated; NULL: whoever sent the request
Returns: status, headers and body; 400 once it is under way
Source: OpenDSR 2.0';

CREATE FUNCTION journey_privacy.opendsr_callbacks(
    max integer DEFAULT 100, lease interval DEFAULT '5 minutes',
    OUT id bigint, OUT url text, OUT headers jsonb, OUT body bytea)
  RETURNS SETOF record
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_opendsr_callbacks';
COMMENT ON FUNCTION journey_privacy.opendsr_callbacks(integer, interval) IS
'takes callbacks that are due, to be posted within the lease; nobody else gets them meanwhile
max: how many at most, 1 to 1,000
lease: up to a day
Returns: id, url, headers but for the signature, and body of each
Errors: 22023 max or lease out of range; 55000 OpenDSR is not configured
Source: OpenDSR 2.0';

CREATE FUNCTION journey_privacy.opendsr_delivered(id bigint)
  RETURNS boolean
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_opendsr_delivered';
COMMENT ON FUNCTION journey_privacy.opendsr_delivered(bigint) IS
'says that a callback was accepted
id: of the callback
Returns: false when that was known already
Errors: 42704 no such callback';

CREATE FUNCTION journey_privacy.opendsr_failed(id bigint, reason text)
  RETURNS timestamptz
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_opendsr_failed';
COMMENT ON FUNCTION journey_privacy.opendsr_failed(bigint, text) IS
'says that a callback was not accepted, and why
id: of the callback
reason: 200 characters are kept
Returns: when it is due again; NULL when it is given up or was accepted
Errors: 42704 no such callback';

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

