-- consent
-- Purposes, the ledger of decisions, the decisions in force, and the bitmaps
-- of who may be seen.

CREATE TABLE journey_privacy.purpose (
  name              text COLLATE "C" PRIMARY KEY
                    CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  basis             text NOT NULL
                    CHECK (basis IN ('consent', 'opt_out', 'contract', 'legal_obligation',
                                     'vital_interests', 'public_task',
                                     'legitimate_interests')),
  description       text,
  consent_valid_for interval CHECK (consent_valid_for > interval '0'),
  created_at        timestamptz NOT NULL DEFAULT pg_catalog.now(),
  min_group         integer NOT NULL DEFAULT 20 CHECK (min_group >= 1),
  access            text NOT NULL DEFAULT 'rows' CHECK (access IN ('rows', 'aggregates')),
  keep_for          interval CHECK (keep_for > interval '0'));
COMMENT ON TABLE journey_privacy.purpose IS
  'why data is processed, and on which legal basis (Art. 6 GDPR); change it with create_purpose() and drop_purpose()';
COMMENT ON COLUMN journey_privacy.purpose.name IS 'as in SET journey_privacy.purpose';
COMMENT ON COLUMN journey_privacy.purpose.basis IS 'legal basis';
COMMENT ON COLUMN journey_privacy.purpose.description IS 'for the notice and the record';
COMMENT ON COLUMN journey_privacy.purpose.consent_valid_for IS 'how long a yes counts; NULL: until it is withdrawn';
COMMENT ON COLUMN journey_privacy.purpose.created_at IS 'when it was made';
COMMENT ON COLUMN journey_privacy.purpose.min_group IS 'the floor: fewest subjects that an answer tells of';
COMMENT ON COLUMN journey_privacy.purpose.access IS 'rows, or aggregates';
COMMENT ON COLUMN journey_privacy.purpose.keep_for IS 'how long what is collected for it is kept; NULL: no limit';

CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.purpose
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.purpose ENABLE ALWAYS TRIGGER catalog_changed;

-- Keyed by subject first, so that one person's history lies together and a
-- distributed table keeps it on one node.
CREATE TABLE journey_privacy.consent_event (
  subject     journey_privacy.pseudonym NOT NULL,
  id          uuid NOT NULL,
  purpose     text COLLATE "C",
  decision    text NOT NULL
              CHECK (decision IN ('granted', 'refused', 'withdrawn', 'objected',
                                  'restricted', 'unrestricted')),
  at          timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  source      text,
  document    text,
  evidence    jsonb,
  region      text,
  PRIMARY KEY (subject, id));
COMMENT ON TABLE journey_privacy.consent_event IS
  'ledger of decisions; append-only, by the functions of the extension';
COMMENT ON COLUMN journey_privacy.consent_event.subject IS 'who decided';
COMMENT ON COLUMN journey_privacy.consent_event.id IS 'of the decision, a uuid of version 7';
COMMENT ON COLUMN journey_privacy.consent_event.purpose IS 'NULL for restrictions, which are of all';
COMMENT ON COLUMN journey_privacy.consent_event.decision IS 'granted, refused, withdrawn, objected, restricted or unrestricted';
COMMENT ON COLUMN journey_privacy.consent_event.at IS 'when it was decided (event time)';
COMMENT ON COLUMN journey_privacy.consent_event.recorded_at IS 'when it was written down';
COMMENT ON COLUMN journey_privacy.consent_event.source IS 'where it was said';
COMMENT ON COLUMN journey_privacy.consent_event.document IS 'which text was agreed to';
COMMENT ON COLUMN journey_privacy.consent_event.evidence IS 'whatever proves it';
COMMENT ON COLUMN journey_privacy.consent_event.region IS 'of the subject';

CREATE TABLE journey_privacy.consent_state (
  purpose     text COLLATE "C" NOT NULL,
  number      integer NOT NULL,
  granted     boolean NOT NULL,
  decided_at  timestamptz NOT NULL,
  valid_until timestamptz,
  PRIMARY KEY (purpose, number))
  WITH (fillfactor = 80);
COMMENT ON TABLE journey_privacy.consent_state IS
  'the decision in force for each purpose and subject number';
COMMENT ON COLUMN journey_privacy.consent_state.purpose IS 'which';
COMMENT ON COLUMN journey_privacy.consent_state.number IS 'of the subject';
COMMENT ON COLUMN journey_privacy.consent_state.granted IS 'yes or no';
COMMENT ON COLUMN journey_privacy.consent_state.decided_at IS 'event time of the decision in force';
COMMENT ON COLUMN journey_privacy.consent_state.valid_until IS 'when a yes expires; NULL: never';

CREATE TABLE journey_privacy.permitted (
  purpose     text COLLATE "C" NOT NULL,
  chunk       integer NOT NULL,
  bits        bytea NOT NULL,
  next_expiry timestamptz,
  PRIMARY KEY (purpose, chunk))
  WITH (fillfactor = 50);
ALTER TABLE journey_privacy.permitted ALTER bits SET STORAGE PLAIN;
COMMENT ON TABLE journey_privacy.permitted IS
  'one bit for each of 8,192 subject numbers: may be seen for this purpose; a missing chunk is what the legal basis says of people who have not decided';
COMMENT ON COLUMN journey_privacy.permitted.purpose IS 'which';
COMMENT ON COLUMN journey_privacy.permitted.chunk IS 'number of a subject, divided by 8,192';
COMMENT ON COLUMN journey_privacy.permitted.bits IS 'one for each subject number of the chunk';
COMMENT ON COLUMN journey_privacy.permitted.next_expiry IS 'when the first yes in it expires: then it is made anew';

REVOKE ALL ON journey_privacy.purpose, journey_privacy.consent_event,
  journey_privacy.consent_state, journey_privacy.permitted FROM PUBLIC;
GRANT SELECT ON journey_privacy.purpose TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.purpose', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.consent_event', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.consent_state', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.permitted', '');

CREATE FUNCTION journey_privacy.consent_event_kept() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_consent_event_kept';
COMMENT ON FUNCTION journey_privacy.consent_event_kept() IS
  'trigger: the ledger is append-only, erasure apart';
CREATE TRIGGER append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON journey_privacy.consent_event
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.consent_event_kept();
ALTER TABLE journey_privacy.consent_event ENABLE ALWAYS TRIGGER append_only;

CREATE FUNCTION journey_privacy.create_purpose(
    name text, basis text, description text DEFAULT NULL,
    consent_valid_for interval DEFAULT NULL, min_group integer DEFAULT 20,
    access text DEFAULT 'rows', keep_for interval DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_create_purpose';
COMMENT ON FUNCTION journey_privacy.create_purpose(text, text, text, interval, integer, text, interval) IS
'makes a purpose with its legal basis
name: up to 63 lower-case letters, digits and underscores, beginning with a letter
basis: consent, opt_out, contract, legal_obligation, vital_interests, public_task or
  legitimate_interests
description: for the privacy notice and the record of processing; names nobody
consent_valid_for: how long a yes counts; NULL: until it is withdrawn
min_group: the floor: fewest subjects that a group of an answer has; 1 tells everything
access: rows, or aggregates: only answers such as funnel() may be had
keep_for: how long what is collected for it is kept, up to 1000 years; NULL: no limit
Errors: 22004 name, basis, min_group or access is NULL; 22023 a name, basis, access, interval or
  min_group that cannot be; 42710 the purpose exists
Source: Art. 5(1)(b) and Art. 6(1) GDPR';

CREATE FUNCTION journey_privacy.drop_purpose(name text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_drop_purpose';
COMMENT ON FUNCTION journey_privacy.drop_purpose(text) IS
'drops a purpose that nobody has decided on and no table is collected for
name: of the purpose
Errors: 2BP01 decisions on it are in the ledger, or a table is collected for it; 42704 unknown
  purpose';

CREATE FUNCTION journey_privacy.record_consent(
    subject journey_privacy.pseudonym, purpose text, granted boolean,
    at timestamptz DEFAULT pg_catalog.clock_timestamp(), source text DEFAULT NULL,
    document text DEFAULT NULL, evidence jsonb DEFAULT NULL,
    region text DEFAULT NULL)
  RETURNS uuid
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_record_consent';
COMMENT ON FUNCTION journey_privacy.record_consent(
    journey_privacy.pseudonym, text, boolean, timestamptz, text, text, jsonb, text) IS
'records a yes or no to a purpose; the latest by event time counts
subject: who decided
purpose: name of a purpose
granted: true is yes
at: when it was decided (event time); up to five minutes ahead is taken as now
source: where it was said, such as web; NULL: not known
document: which text was agreed to, such as notice-2027-01
evidence: whatever proves it, up to you; goes when the subject is erased
region: of the subject, such as DE
Returns: id of the decision in consent_event
Errors: 22004 one of the first four is NULL; 22023 a time that lies ahead or is not finite; 42501
  the subject was erased and has not agreed anew since; 42704 unknown purpose; 55000 no keyring, or
  the subject is being erased
Source: Art. 7(1) GDPR';

CREATE FUNCTION journey_privacy.withdraw(
    subject journey_privacy.pseudonym, purpose text,
    at timestamptz DEFAULT pg_catalog.clock_timestamp(), source text DEFAULT NULL)
  RETURNS uuid
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_withdraw';
COMMENT ON FUNCTION journey_privacy.withdraw(
    journey_privacy.pseudonym, text, timestamptz, text) IS
'withdraws consent to a purpose; from the commit on nobody sees the subject for it
subject: who withdraws
purpose: name of a purpose
at: event time; a later yes wins, an earlier one does not
source: where it was said
Returns: id of the decision in consent_event
Errors: 22004 one of the first three is NULL; 22023 a time that lies ahead or is not finite; 42501
  the subject was erased; 42704 unknown purpose; 55000 no keyring, or the subject is being erased
Source: Art. 7(3) GDPR';

CREATE FUNCTION journey_privacy.object_to(
    subject journey_privacy.pseudonym, purpose text,
    at timestamptz DEFAULT pg_catalog.clock_timestamp(), source text DEFAULT NULL)
  RETURNS uuid
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_object_to';
COMMENT ON FUNCTION journey_privacy.object_to(
    journey_privacy.pseudonym, text, timestamptz, text) IS
'records an objection to a purpose; for basis opt_out, legitimate_interests, public_task and consent
  it hides the subject
subject: who objects
purpose: name of a purpose
at: event time
source: where it was said
Returns: id of the decision in consent_event
Errors: 22004 one of the first three is NULL; 22023 a time that lies ahead or is not finite; 42501
  the subject was erased; 42704 unknown purpose; 55000 no keyring, or the subject is being erased
Source: Art. 21 GDPR; Cal. Civ. Code 1798.120';

CREATE FUNCTION journey_privacy.restrict_processing(
    subject journey_privacy.pseudonym, reason text DEFAULT NULL)
  RETURNS uuid
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_restrict_processing';
COMMENT ON FUNCTION journey_privacy.restrict_processing(
    journey_privacy.pseudonym, text) IS
'hides a subject for every purpose but those of basis legal_obligation
subject: whose processing is restricted
reason: kept in the ledger; names nobody
Returns: id of the entry in consent_event
Errors: 22004 subject is NULL; 42501 the subject was erased; 55000 no keyring, or the subject is
  being erased
Source: Art. 18 GDPR';

CREATE FUNCTION journey_privacy.lift_restriction(
    subject journey_privacy.pseudonym, reason text DEFAULT NULL)
  RETURNS uuid
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_lift_restriction';
COMMENT ON FUNCTION journey_privacy.lift_restriction(
    journey_privacy.pseudonym, text) IS
'ends a restriction of processing
subject: whose restriction ends
reason: kept in the ledger; names nobody
Returns: id of the entry in consent_event
Errors: 22004 subject is NULL; 42501 the subject was erased; 55000 no keyring, or the subject is
  being erased
Source: Art. 18(3) GDPR';

CREATE FUNCTION journey_privacy.uuid_v7() RETURNS uuid
  LANGUAGE c VOLATILE PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_uuid_v7';
COMMENT ON FUNCTION journey_privacy.uuid_v7() IS
'a uuid of version 7, which sorts by the millisecond it was made; for the ledger
Returns: another one with each call
Source: RFC 9562';

CREATE FUNCTION journey_privacy.record_consents(
    subjects journey_privacy.pseudonym[], purposes text[], granted boolean[],
    at timestamptz[] DEFAULT NULL, source text DEFAULT NULL,
    document text DEFAULT NULL, region text DEFAULT NULL)
  RETURNS bigint
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_record_consents';
COMMENT ON FUNCTION journey_privacy.record_consents(
    journey_privacy.pseudonym[], text[], boolean[], timestamptz[], text, text, text) IS
'records many decisions at once, given as arrays of one length
subjects: who decided
purposes: names of purposes
granted: true is yes
at: event times; NULL: now for all
source: where it was said, for all
document: which text was agreed to, for all
region: of the subjects, for all
Returns: how many were recorded; those of erased subjects who have not agreed anew are left out
Errors: 22004 subjects, purposes or granted is NULL; 22023 arrays of several dimensions, with nulls
  or of different lengths, a time that lies ahead or is not finite; 42704 unknown purpose; 55000 no
  keyring, or a subject who is being erased
Source: Art. 7(1) GDPR';

CREATE FUNCTION journey_privacy.rebuild_permitted(purpose text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_rebuild_permitted';
COMMENT ON FUNCTION journey_privacy.rebuild_permitted(text) IS
'makes the bitmaps of one purpose, or of all, anew from the decisions in force
purpose: name of a purpose; NULL: all
Errors: 42704 unknown purpose';

CREATE FUNCTION journey_privacy.change_purpose(
    name text, basis text DEFAULT NULL, description text DEFAULT NULL,
    consent_valid_for interval DEFAULT NULL, min_group integer DEFAULT NULL,
    access text DEFAULT NULL, keep_for interval DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_change_purpose';
COMMENT ON FUNCTION journey_privacy.change_purpose(text, text, text, interval, integer, text, interval) IS
'changes what is given of a purpose; who may be seen is worked out anew
name: of the purpose
basis: another legal basis; NULL: as it is
description: another text; NULL: as it is
consent_valid_for: how long a yes counts, also one that was given before; NULL: as it is
min_group: another floor, from the next statement on; NULL: as it is
access: rows or aggregates, from the next statement on; NULL: as it is
keep_for: another limit; NULL: as it is
Errors: 22004 name is NULL; 22023 a basis, access, interval or min_group that cannot be; 42704
  unknown purpose
Source: Art. 6 GDPR';

-- What an application shows in a privacy centre.
CREATE FUNCTION journey_privacy.consent_of(
    subject journey_privacy.pseudonym,
    OUT purpose text, OUT basis text, OUT granted boolean, OUT decided_at timestamptz,
    OUT valid_until timestamptz, OUT expired boolean, OUT restricted boolean)
  RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 20 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_consent_of';
COMMENT ON FUNCTION journey_privacy.consent_of(journey_privacy.pseudonym) IS
'the decision in force for each purpose; granted is null where the subject has not decided
subject: whose decisions
Returns: a row for each purpose: purpose, basis, granted (NULL: not decided), decided_at,
  valid_until (NULL: no end), expired, and restricted (Art. 18)';

CREATE FUNCTION journey_privacy.consent_history(
    subject journey_privacy.pseudonym,
    OUT id uuid, OUT purpose text, OUT decision text, OUT at timestamptz,
    OUT recorded_at timestamptz, OUT source text, OUT document text,
    OUT evidence jsonb, OUT region text)
  RETURNS SETOF record
  LANGUAGE c STABLE STRICT ROWS 20 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_consent_history';
COMMENT ON FUNCTION journey_privacy.consent_history(journey_privacy.pseudonym) IS
'every decision of a subject under any of its identities, in the order of event time
subject: whose decisions, under any identity
Returns: a row for each entry of the ledger: id, purpose (NULL: all, for restrictions), decision
  (granted, refused, withdrawn, objected, restricted, unrestricted), at (event time), recorded_at,
  source, document, evidence, region
Source: Art. 7(1) GDPR';

-- For the analyst to know the bias of what is seen.
CREATE VIEW journey_privacy.consent_rate AS
  SELECT p.name AS purpose, p.basis, n.subjects,
         count(*) FILTER (WHERE c.granted AND coalesce(c.valid_until > pg_catalog.now(), true)) AS yes,
         count(*) FILTER (WHERE NOT c.granted) AS no,
         count(*) FILTER (WHERE c.granted AND c.valid_until <= pg_catalog.now()) AS expired,
         n.subjects - count(c.number) AS silent
  FROM journey_privacy.purpose p
  CROSS JOIN (SELECT count(*) AS subjects FROM journey_privacy.subject) n
  LEFT JOIN journey_privacy.consent_state c ON c.purpose = p.name
  GROUP BY p.name, p.basis, n.subjects;
REVOKE ALL ON journey_privacy.consent_rate FROM PUBLIC;
COMMENT ON VIEW journey_privacy.consent_rate IS
  'how many subjects said yes, no and nothing for each purpose, and whose yes has expired';
COMMENT ON COLUMN journey_privacy.consent_rate.purpose IS 'which';
COMMENT ON COLUMN journey_privacy.consent_rate.basis IS 'legal basis';
COMMENT ON COLUMN journey_privacy.consent_rate.subjects IS 'identities that are known';
COMMENT ON COLUMN journey_privacy.consent_rate.yes IS 'in force';
COMMENT ON COLUMN journey_privacy.consent_rate.no IS 'in force';
COMMENT ON COLUMN journey_privacy.consent_rate.expired IS 'a yes that counts no more';
COMMENT ON COLUMN journey_privacy.consent_rate.silent IS 'have not decided';

CREATE FUNCTION journey_privacy.link_identity(
    subject journey_privacy.pseudonym, alias journey_privacy.pseudonym)
  RETURNS boolean
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_link_identity';
COMMENT ON FUNCTION journey_privacy.link_identity(
    journey_privacy.pseudonym, journey_privacy.pseudonym) IS
'makes two identities one subject; the latest decision of both counts for both
subject: an identity of the person
alias: another one of the same person
Returns: false when they are one already
Errors: 22023 both are the same; 42501 one of them was erased; 55000 no keyring';

CREATE FUNCTION journey_privacy.unlink_identity(alias journey_privacy.pseudonym)
  RETURNS boolean
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_unlink_identity';
COMMENT ON FUNCTION journey_privacy.unlink_identity(journey_privacy.pseudonym) IS
'makes an alias a subject of its own again, each with the decisions made under its own identities
alias: the identity to part from the others
Returns: false when it is no alias
Errors: 55000 no keyring';

-- PL/pgSQL, because pgcrypto may lie in any schema.
CREATE FUNCTION journey_privacy.link_hashed_identities(kind text, value text)
  RETURNS integer
  LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  pgcrypto name := (SELECT n.nspname FROM pg_catalog.pg_extension e
                    JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                    WHERE e.extname = 'pgcrypto');
  normal bytea := journey_privacy.normalize_identity(kind, value);
  subject journey_privacy.pseudonym := journey_privacy.pseudonymize(kind, value);
  algorithm text;
  digest bytea;
  linked integer := 0;
BEGIN
  IF NOT EXISTS (SELECT FROM journey_privacy.identity_kind k WHERE k.name = kind || '_sha256') THEN
    RAISE 'identities of this kind do not arrive hashed'
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Kinds email and mobile_number do.';
  END IF;
  FOREACH algorithm IN ARRAY ARRAY['md5', 'sha1', 'sha256'] LOOP
    EXECUTE format('SELECT %I.digest($1, $2)', pgcrypto) INTO digest USING normal, algorithm;
    IF journey_privacy.link_identity(subject,
         journey_privacy.pseudonymize(kind || '_' || algorithm, encode(digest, 'hex'))) THEN
      linked := linked + 1;
    END IF;
  END LOOP;
  RETURN linked;
END $$;
COMMENT ON FUNCTION journey_privacy.link_hashed_identities(text, text) IS
'links the MD5, SHA-1 and SHA-256 of an e-mail address or telephone number to its subject, so that
  requests that name a hash find it
kind: email or mobile_number
value: the identity in clear
Returns: how many were new
Errors: 22023 a kind that does not arrive hashed, a value that the kind cannot have; 42501 no
  EXECUTE on pseudonymize(text, text), or the subject was erased; 42704 unknown kind; 55000 no
  keyring';

REVOKE ALL ON FUNCTION
  journey_privacy.link_hashed_identities(text, text),
  journey_privacy.link_identity(journey_privacy.pseudonym, journey_privacy.pseudonym),
  journey_privacy.unlink_identity(journey_privacy.pseudonym),
  journey_privacy.uuid_v7(),
  journey_privacy.record_consents(journey_privacy.pseudonym[], text[], boolean[], timestamptz[],
                                  text, text, text),
  journey_privacy.rebuild_permitted(text),
  journey_privacy.change_purpose(text, text, text, interval, integer, text, interval),
  journey_privacy.consent_of(journey_privacy.pseudonym),
  journey_privacy.consent_history(journey_privacy.pseudonym),
  journey_privacy.consent_event_kept(),
  journey_privacy.create_purpose(text, text, text, interval, integer, text, interval),
  journey_privacy.drop_purpose(text),
  journey_privacy.record_consent(journey_privacy.pseudonym, text, boolean, timestamptz,
                                 text, text, jsonb, text),
  journey_privacy.withdraw(journey_privacy.pseudonym, text, timestamptz, text),
  journey_privacy.object_to(journey_privacy.pseudonym, text, timestamptz, text),
  journey_privacy.restrict_processing(journey_privacy.pseudonym, text),
  journey_privacy.lift_restriction(journey_privacy.pseudonym, text)
  FROM PUBLIC;

