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
COMMENT ON TABLE journey_privacy.request IS
  'requests of data subjects, with their deadlines';

-- As in a tombstone, so that nothing is left to erase here.
CREATE TABLE journey_privacy.request_subject (
  request_id uuid NOT NULL REFERENCES journey_privacy.request ON DELETE CASCADE,
  trace      bytea NOT NULL,
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

REVOKE ALL ON journey_privacy.request, journey_privacy.request_subject, journey_privacy.callback,
  journey_privacy.request_callback_url FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request_subject', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.callback', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request_callback_url', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.callback_id_seq', '');
