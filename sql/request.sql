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
COMMENT ON COLUMN journey_privacy.request.id IS 'of the request';
COMMENT ON COLUMN journey_privacy.request.kind IS 'access, portability, erasure, rectification, restriction or objection';
COMMENT ON COLUMN journey_privacy.request.regulation IS 'gdpr or ccpa';
COMMENT ON COLUMN journey_privacy.request.status IS 'pending, in_progress, completed, refused or cancelled';
COMMENT ON COLUMN journey_privacy.request.received_at IS 'when it came in';
COMMENT ON COLUMN journey_privacy.request.confirm_by IS 'until when receipt is to be confirmed';
COMMENT ON COLUMN journey_privacy.request.confirmed_at IS 'when that was done';
COMMENT ON COLUMN journey_privacy.request.verified_at IS 'when it was known who asks';
COMMENT ON COLUMN journey_privacy.request.due_at IS 'until when it is to be answered';
COMMENT ON COLUMN journey_privacy.request.extended_at IS 'when that was extended';
COMMENT ON COLUMN journey_privacy.request.extension_reason IS 'as the subject was told';
COMMENT ON COLUMN journey_privacy.request.refusal_reason IS 'as the subject was told';
COMMENT ON COLUMN journey_privacy.request.purposes IS 'of an objection; NULL: all';
COMMENT ON COLUMN journey_privacy.request.started_at IS 'when work began';
COMMENT ON COLUMN journey_privacy.request.finished_at IS 'when it was completed, refused or cancelled';
COMMENT ON COLUMN journey_privacy.request.attempts IS 'how many failed';
COMMENT ON COLUMN journey_privacy.request.next_attempt_at IS 'when it is tried again';
COMMENT ON COLUMN journey_privacy.request.last_error IS 'SQLSTATE and what it was about';
COMMENT ON COLUMN journey_privacy.request.controller IS 'who sent it, by OpenDSR';
COMMENT ON COLUMN journey_privacy.request.fingerprint IS 'of the body, by OpenDSR';

-- As in a tombstone, so that nothing is left to erase here.  No foreign keys here,
-- as in erasure.
CREATE TABLE journey_privacy.request_subject (
  request_id uuid NOT NULL,
  trace      bytea NOT NULL,
  -- the result is sealed under this identity's key, then under that of the next layer
  layer      integer,
  PRIMARY KEY (request_id, trace));
CREATE INDEX request_subject_trace ON journey_privacy.request_subject (trace);
COMMENT ON TABLE journey_privacy.request_subject IS
  'who asks: the traces of their identities';
COMMENT ON COLUMN journey_privacy.request_subject.request_id IS 'of the request';
COMMENT ON COLUMN journey_privacy.request_subject.trace IS 'of one identity of who asks';
COMMENT ON COLUMN journey_privacy.request_subject.layer IS 'in which order results are sealed';

-- The outbox: whoever listens is told of each change of status.
CREATE TABLE journey_privacy.callback (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request_id      uuid NOT NULL,
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
COMMENT ON COLUMN journey_privacy.callback.id IS 'of the callback';
COMMENT ON COLUMN journey_privacy.callback.request_id IS 'of the request';
COMMENT ON COLUMN journey_privacy.callback.url IS 'who is told';
COMMENT ON COLUMN journey_privacy.callback.status IS 'of the request, that is told';
COMMENT ON COLUMN journey_privacy.callback.due_at IS 'of the request, that is told';
COMMENT ON COLUMN journey_privacy.callback.created_at IS 'when the status changed';
COMMENT ON COLUMN journey_privacy.callback.attempts IS 'how many failed';
COMMENT ON COLUMN journey_privacy.callback.next_attempt_at IS 'when it is tried again';
COMMENT ON COLUMN journey_privacy.callback.delivered_at IS 'when it was accepted';
COMMENT ON COLUMN journey_privacy.callback.last_error IS 'why it was not';

-- The URLs of a request that are told.
CREATE TABLE journey_privacy.request_callback_url (
  request_id uuid NOT NULL,
  url        text NOT NULL,
  PRIMARY KEY (request_id, url));
COMMENT ON TABLE journey_privacy.request_callback_url IS
  'the URLs that are told of each change of a request''s status';
COMMENT ON COLUMN journey_privacy.request_callback_url.request_id IS 'of the request';
COMMENT ON COLUMN journey_privacy.request_callback_url.url IS 'https';

-- The answer to a request of access or portability.  Erasing any of the
-- identities shreds a key that it takes to open it, in every backup too.
CREATE TABLE journey_privacy.request_result (
  request_id uuid PRIMARY KEY,
  -- NULL: nothing was known of the subject
  document   journey_privacy.sealed,
  identities integer NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  expires_at timestamptz NOT NULL);
CREATE INDEX request_result_expiry ON journey_privacy.request_result (expires_at);
COMMENT ON TABLE journey_privacy.request_result IS
  'what was exported for requests of access and portability, sealed, until it expires';
COMMENT ON COLUMN journey_privacy.request_result.request_id IS 'of the request';
COMMENT ON COLUMN journey_privacy.request_result.document IS 'sealed under the keys of who asks';
COMMENT ON COLUMN journey_privacy.request_result.identities IS 'how many layers';
COMMENT ON COLUMN journey_privacy.request_result.made_at IS 'when';
COMMENT ON COLUMN journey_privacy.request_result.expires_at IS 'when it is deleted';

-- Filled by the DBA; only the time to confirm receipt is counted in business days.
CREATE TABLE journey_privacy.holiday (
  regulation text NOT NULL CHECK (regulation IN ('gdpr', 'ccpa')),
  day        date NOT NULL CHECK (pg_catalog.isfinite(day)),
  PRIMARY KEY (regulation, day));
COMMENT ON TABLE journey_privacy.holiday IS
  'days from Monday to Friday that are no business days where a regulation applies';
COMMENT ON COLUMN journey_privacy.holiday.regulation IS 'gdpr or ccpa';
COMMENT ON COLUMN journey_privacy.holiday.day IS 'no business day';

REVOKE ALL ON journey_privacy.request, journey_privacy.request_subject, journey_privacy.callback,
  journey_privacy.request_callback_url, journey_privacy.request_result, journey_privacy.holiday FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request_subject', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.callback', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request_callback_url', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.callback_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.request_result', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.holiday', '');

-- What a foreign key would do, which a restore in any order does not bear.
CREATE FUNCTION journey_privacy.request_deleted() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  DELETE FROM journey_privacy.request_subject s USING gone WHERE s.request_id = gone.id;
  DELETE FROM journey_privacy.callback c USING gone WHERE c.request_id = gone.id;
  DELETE FROM journey_privacy.request_callback_url u USING gone WHERE u.request_id = gone.id;
  DELETE FROM journey_privacy.request_result x USING gone WHERE x.request_id = gone.id;
  DELETE FROM journey_privacy.opendsr_receipt o USING gone WHERE o.request_id = gone.id;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.request_deleted() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.request_deleted() IS
  'trigger: what belongs to deleted requests goes with them';
CREATE TRIGGER deleted AFTER DELETE ON journey_privacy.request
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.request_deleted();
ALTER TABLE journey_privacy.request ENABLE ALWAYS TRIGGER deleted;

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
COMMENT ON COLUMN journey_privacy.overdue_request.id IS 'of the request';
COMMENT ON COLUMN journey_privacy.overdue_request.kind IS 'as in request';
COMMENT ON COLUMN journey_privacy.overdue_request.regulation IS 'gdpr or ccpa';
COMMENT ON COLUMN journey_privacy.overdue_request.status IS 'as in request';
COMMENT ON COLUMN journey_privacy.overdue_request.verified IS 'it is known who asks';
COMMENT ON COLUMN journey_privacy.overdue_request.what IS 'confirmation or answer';
COMMENT ON COLUMN journey_privacy.overdue_request.due_at IS 'until when';
COMMENT ON COLUMN journey_privacy.overdue_request.overdue_by IS 'for how long';
COMMENT ON COLUMN journey_privacy.overdue_request.attempts IS 'how many failed';
COMMENT ON COLUMN journey_privacy.overdue_request.last_error IS 'of the last';

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
'takes in a request of a subject, counts its deadlines and returns its id
kind: access, portability, erasure, rectification, restriction or objection
subject: who asks, by any identity
regulation: gdpr or ccpa
received_at: when it came in; the deadlines count from it; up to five minutes ahead is taken as now
verified: that it is known to be the subject who asks; false: verify_request() says so later
purposes: of an objection: which; NULL: every purpose that can be objected to
callback_urls: up to 20, https only, told of each change
request_id: its id; NULL: a new one
identities: up to 99 further ones of the same person
Returns: id of the request
Errors: 22004 an argument without default NULL is NULL, or an array has nulls; 22023 an unknown kind
  or regulation, a time ahead or not finite, purposes for anything but an objection, one that cannot
  be objected to, a URL that cannot be, too few business days in table holiday; 42704 unknown
  purpose; 42710 the id is taken; 54000 too many identities or URLs; 55000 no keyring
Source: Art. 12 and Art. 15 to 21 GDPR; Cal. Civ. Code 1798.105 to 1798.130';

CREATE FUNCTION journey_privacy.request_deadlines(
    regulation text, received_at timestamptz, kind text DEFAULT NULL,
    OUT confirm_by timestamptz, OUT due_at timestamptz, OUT extended_due_at timestamptz)
  LANGUAGE c STABLE
  AS 'MODULE_PATHNAME', 'jp_request_deadlines';
COMMENT ON FUNCTION journey_privacy.request_deadlines(text, timestamptz, text) IS
'until when a request is to be confirmed and answered, and answered when it is extended; counted in
  UTC
regulation: gdpr or ccpa
received_at: when it came in
kind: of the request; under ccpa an objection or restriction (opting out, limiting) has 15 business
  days; NULL is any other
Returns: confirm_by, due_at and extended_due_at, NULL where there is no extension; no row values when
  regulation or received_at is NULL
Errors: 22023 an unknown regulation or kind, a time that is not finite, too few business days in
  table holiday
Source: Art. 12(3) GDPR, Regulation (EEC, Euratom) 1182/71; 11 CCR 7021, 7026(f), 7027(g)';

CREATE FUNCTION journey_privacy.confirm_request(id uuid) RETURNS boolean
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_confirm_request';
COMMENT ON FUNCTION journey_privacy.confirm_request(uuid) IS
'notes that the subject was told of the receipt of a request
id: of the request
Returns: false when that was noted before
Errors: 22004 id is NULL; 42704 no such request; 55000 it is finished
Source: 11 CCR 7021(a)';

CREATE FUNCTION journey_privacy.verify_request(id uuid) RETURNS boolean
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_verify_request';
COMMENT ON FUNCTION journey_privacy.verify_request(uuid) IS
'notes that it is the subject who asks: from now on the request may be done
id: of the request
Returns: false when that was noted before
Errors: 22004 id is NULL; 42704 no such request; 55000 it is finished
Source: Art. 12(6) GDPR';

CREATE FUNCTION journey_privacy.extend_request(id uuid, reason text) RETURNS timestamptz
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_extend_request';
COMMENT ON FUNCTION journey_privacy.extend_request(uuid, text) IS
'extends the time to answer a request, once and before it ends, to three months (GDPR) or 90 days
  (CCPA) from receipt
id: of the request
reason: what the subject is told
Returns: the new due_at
Errors: 22004 an argument is NULL; 22023 an empty reason; 42704 no such request; 55000 it is
  finished, was extended before, its time is over, or its regulation gives such a request no extension
Source: Art. 12(3) GDPR; Cal. Civ. Code 1798.130(a)(2)';

CREATE FUNCTION journey_privacy.refuse_request(id uuid, reason text) RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_refuse_request';
COMMENT ON FUNCTION journey_privacy.refuse_request(uuid, text) IS
'refuses a pending request for a reason that the subject is told
id: of the request
reason: what the subject is told
Errors: 22004 an argument is NULL; 22023 an empty reason; 42704 no such request; 55000 it is not
  pending
Source: Art. 12(4) and (5) GDPR';

CREATE FUNCTION journey_privacy.complete_request(id uuid) RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_complete_request';
COMMENT ON FUNCTION journey_privacy.complete_request(uuid) IS
'notes that somebody has done what a request asks for
id: of the request
Errors: 22004 id is NULL; 42704 no such request; 55000 it is finished, or it is not known that the
  subject asks
Source: Art. 12(3) GDPR';

CREATE FUNCTION journey_privacy.cancel_request(id uuid) RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_cancel_request';
COMMENT ON FUNCTION journey_privacy.cancel_request(uuid) IS
'notes that the subject takes back a pending request
id: of the request
Errors: 22004 id is NULL; 42704 no such request; 55000 it is not pending';

CREATE FUNCTION journey_privacy.request_result(id uuid) RETURNS jsonb
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_request_result';
COMMENT ON FUNCTION journey_privacy.request_result(uuid) IS
'what a request of access or portability has brought, as export_subject() has it
id: of the request
Returns: NULL before it is done, after it expired, and once the subject is erased
Errors: 42704 no such request; 55000 no keyring; XX001 the result was tampered with
Source: Art. 15 and Art. 20 GDPR';

CREATE PROCEDURE journey_privacy.process_requests(
    max integer DEFAULT 100, keep_results_for interval DEFAULT '30 days')
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_process_requests';
COMMENT ON PROCEDURE journey_privacy.process_requests(integer, interval) IS
'does requests that are verified and due, the first due first, each in transactions of its own, or
  all within a transaction block; what stops one is noted with it and tried again
max: how many at most; 0: none, but tidies up
keep_results_for: how long request_result() gives a result
Errors: 0A000 at an isolation level above read committed; 22004 an argument is NULL; 22023 max below
  0, or an interval of nothing; XX001 whom a request is about cannot be read
Source: Art. 12(3) GDPR';

REVOKE ALL ON FUNCTION
  journey_privacy.open_request(text, journey_privacy.pseudonym, text, timestamptz, boolean,
                               text[], text[], uuid, journey_privacy.pseudonym[]),
  journey_privacy.request_deadlines(text, timestamptz, text),
  journey_privacy.confirm_request(uuid),
  journey_privacy.verify_request(uuid),
  journey_privacy.extend_request(uuid, text),
  journey_privacy.refuse_request(uuid, text),
  journey_privacy.complete_request(uuid),
  journey_privacy.cancel_request(uuid),
  journey_privacy.request_result(uuid)
  FROM PUBLIC;
REVOKE ALL ON PROCEDURE journey_privacy.process_requests(integer, interval) FROM PUBLIC;
