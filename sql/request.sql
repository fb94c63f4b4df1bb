-- request
-- Requests of data subjects (Art. 15 to 21 GDPR, Title 1.81.5 of the California
-- Civil Code): what is asked, until when, and what became of it.

CREATE TABLE journey_privacy.request (
  id               uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  kind             text NOT NULL
                   CHECK (kind IN ('access', 'portability', 'erasure', 'rectification', 'restriction', 'objection')),
  regulation       text NOT NULL CHECK (regulation IN ('gdpr', 'ccpa')),
  status           text NOT NULL DEFAULT 'pending'
                   CHECK (status IN ('pending', 'in_progress', 'completed', 'refused', 'cancelled')),
  received_at      timestamptz NOT NULL,
  -- receipt is to be confirmed until then, and was
  confirm_by       timestamptz NOT NULL,
  confirmed_at     timestamptz,
  -- nothing is done before it is known that the subject asks
  verified_at      timestamptz,
  due_at           timestamptz NOT NULL,
  extended_at      timestamptz,
  extension_reason text,
  refusal_reason   text,
  -- of an objection: NULL means all that can be objected to
  purposes         text[] COLLATE "C",
  started_at       timestamptz,
  finished_at      timestamptz,
  -- how processing fared
  attempts         integer NOT NULL DEFAULT 0,
  next_attempt_at  timestamptz,
  last_error       text,
  -- of a request that came by OpenDSR: who sent it, and a keyed hash of what was sent
  controller       text,
  fingerprint      bytea);
CREATE INDEX request_unfinished ON journey_privacy.request (due_at, id)
  WHERE status IN ('pending', 'in_progress');
COMMENT ON TABLE journey_privacy.request IS
  'requests of data subjects, with their deadlines';

-- As in a tombstone, so that nothing is left to erase here.
CREATE TABLE journey_privacy.request_subject (
  request_id uuid NOT NULL REFERENCES journey_privacy.request ON DELETE CASCADE,
  trace      bytea NOT NULL,
  -- the result is sealed under this identity's key, then under that of the next layer
  layer      integer,
  PRIMARY KEY (request_id, trace));
CREATE INDEX request_subject_trace ON journey_privacy.request_subject (trace);
COMMENT ON TABLE journey_privacy.request_subject IS
  'who asks: the traces of their identities';

-- The outbox: whoever listens is told of each change of status.
CREATE TABLE journey_privacy.callback (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request_id      uuid NOT NULL REFERENCES journey_privacy.request ON DELETE CASCADE,
  url             text NOT NULL,
  -- as OpenDSR calls them
  status          text NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'cancelled')),
  due_at          timestamptz NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  delivered_at    timestamptz,
  last_error      text);
CREATE INDEX callback_due ON journey_privacy.callback (next_attempt_at) WHERE delivered_at IS NULL;
COMMENT ON TABLE journey_privacy.callback IS
  'changes of status to be told to a URL, each until it is delivered';

-- The URLs of a request that are told.
CREATE TABLE journey_privacy.request_callback_url (
  request_id uuid NOT NULL REFERENCES journey_privacy.request ON DELETE CASCADE,
  url        text NOT NULL,
  PRIMARY KEY (request_id, url));
COMMENT ON TABLE journey_privacy.request_callback_url IS
  'the URLs that are told of each change of a request''s status';

-- The answer to a request of access or portability.  Erasing any of the
-- identities shreds a key that it takes to open it, in every backup too.
CREATE TABLE journey_privacy.request_result (
  request_id uuid PRIMARY KEY REFERENCES journey_privacy.request ON DELETE CASCADE,
  -- NULL: nothing was known of the subject
  document   journey_privacy.sealed,
  identities integer NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  expires_at timestamptz NOT NULL);
CREATE INDEX request_result_expiry ON journey_privacy.request_result (expires_at);
COMMENT ON TABLE journey_privacy.request_result IS
  'what was exported for requests of access and portability, sealed, until it expires';

-- Filled by the DBA; only the time to confirm receipt is counted in business days.
CREATE TABLE journey_privacy.holiday (
  regulation text NOT NULL CHECK (regulation IN ('gdpr', 'ccpa')),
  day        date NOT NULL CHECK (pg_catalog.isfinite(day)),
  PRIMARY KEY (regulation, day));
COMMENT ON TABLE journey_privacy.holiday IS
  'days from Monday to Friday that are no business days where a regulation applies';

REVOKE ALL ON journey_privacy.request, journey_privacy.request_subject, journey_privacy.callback,
  journey_privacy.request_callback_url, journey_privacy.request_result, journey_privacy.holiday FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request_subject', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.callback', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request_callback_url', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.callback_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request_result', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.holiday', '');

CREATE VIEW journey_privacy.overdue_request AS
  SELECT r.id, r.kind, r.regulation, r.status, r.verified_at IS NOT NULL AS verified, l.what, l.due_at,
         pg_catalog.now() - l.due_at AS overdue_by, r.attempts, r.last_error
  FROM journey_privacy.request r
  CROSS JOIN LATERAL (VALUES ('confirmation', r.confirm_by, r.confirmed_at IS NULL),
                             ('answer', r.due_at, true)) l(what, due_at, missing)
  WHERE r.status IN ('pending', 'in_progress') AND l.missing AND l.due_at < pg_catalog.now();
REVOKE ALL ON journey_privacy.overdue_request FROM PUBLIC;
COMMENT ON VIEW journey_privacy.overdue_request IS
  'requests whose receipt should have been confirmed, or that should have been answered, and for how long';

-- None of these is SECURITY DEFINER: they write our tables as the extension's owner.
CREATE FUNCTION journey_privacy.open_request(
    kind text, subject journey_privacy.pseudonym, regulation text DEFAULT 'gdpr',
    received_at timestamptz DEFAULT pg_catalog.clock_timestamp(), verified boolean DEFAULT false,
    purposes text[] DEFAULT NULL, callback_urls text[] DEFAULT NULL, request_id uuid DEFAULT NULL,
    identities journey_privacy.pseudonym[] DEFAULT NULL)
  RETURNS uuid
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_open_request';
COMMENT ON FUNCTION journey_privacy.open_request(
    text, journey_privacy.pseudonym, text, timestamptz, boolean, text[], text[], uuid, journey_privacy.pseudonym[]) IS
  'takes in a request of a subject and returns its id: kind is access, portability, erasure, rectification, restriction or objection; regulation is gdpr or ccpa; verified, that it is known to be the subject who asks; purposes, of an objection; identities are further ones of the same person';

CREATE FUNCTION journey_privacy.request_deadlines(
    regulation text, received_at timestamptz,
    OUT confirm_by timestamptz, OUT due_at timestamptz, OUT extended_due_at timestamptz)
  LANGUAGE c STABLE STRICT
  AS 'MODULE_PATHNAME', 'jp_request_deadlines';
COMMENT ON FUNCTION journey_privacy.request_deadlines(text, timestamptz) IS
  'until when a request received at a time is to be confirmed and answered, and answered when it is extended; counted in UTC';

CREATE FUNCTION journey_privacy.confirm_request(id uuid) RETURNS boolean
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_confirm_request';
COMMENT ON FUNCTION journey_privacy.confirm_request(uuid) IS
  'notes that the subject was told of the receipt of a request; false when that was noted before';

CREATE FUNCTION journey_privacy.verify_request(id uuid) RETURNS boolean
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_verify_request';
COMMENT ON FUNCTION journey_privacy.verify_request(uuid) IS
  'notes that it is the subject who asks (Art. 12(6) GDPR): from now on the request may be done; false when that was noted before';

CREATE FUNCTION journey_privacy.extend_request(id uuid, reason text) RETURNS timestamptz
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_extend_request';
COMMENT ON FUNCTION journey_privacy.extend_request(uuid, text) IS
  'extends the time to answer a request, once and before it ends, to three months (Art. 12(3) GDPR) or 90 days (CCPA) from receipt; returns until when';

CREATE FUNCTION journey_privacy.refuse_request(id uuid, reason text) RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_refuse_request';
COMMENT ON FUNCTION journey_privacy.refuse_request(uuid, text) IS
  'refuses a pending request for a reason that the subject is told (Art. 12(4) and (5) GDPR)';

CREATE FUNCTION journey_privacy.complete_request(id uuid) RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_complete_request';
COMMENT ON FUNCTION journey_privacy.complete_request(uuid) IS
  'notes that somebody has done what a request asks for';

CREATE FUNCTION journey_privacy.cancel_request(id uuid) RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_cancel_request';
COMMENT ON FUNCTION journey_privacy.cancel_request(uuid) IS
  'notes that the subject takes back a pending request';

CREATE FUNCTION journey_privacy.request_result(id uuid) RETURNS jsonb
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_request_result';
COMMENT ON FUNCTION journey_privacy.request_result(uuid) IS
  'what a request of access or portability has brought, as export_subject() has it; NULL before, after it expired, and once the subject is erased';

CREATE PROCEDURE journey_privacy.process_requests(
    max integer DEFAULT 100, keep_results_for interval DEFAULT '30 days')
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_process_requests';
COMMENT ON PROCEDURE journey_privacy.process_requests(integer, interval) IS
  'does up to max requests that are verified and due, the first due first, each in transactions of its own, or all within a transaction block; keep_results_for is how long request_result() gives a result; run it as often as you like, also several at once';

REVOKE ALL ON FUNCTION
  journey_privacy.open_request(text, journey_privacy.pseudonym, text, timestamptz, boolean,
                               text[], text[], uuid, journey_privacy.pseudonym[]),
  journey_privacy.request_deadlines(text, timestamptz),
  journey_privacy.confirm_request(uuid),
  journey_privacy.verify_request(uuid),
  journey_privacy.extend_request(uuid, text),
  journey_privacy.refuse_request(uuid, text),
  journey_privacy.complete_request(uuid),
  journey_privacy.cancel_request(uuid),
  journey_privacy.request_result(uuid)
  FROM PUBLIC;
REVOKE ALL ON PROCEDURE journey_privacy.process_requests(integer, interval) FROM PUBLIC;
