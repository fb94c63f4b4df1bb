-- store
-- Journeys stored for speed: the type, and tables of journeys that follow a
-- protected table.

-- Names that many subjects have in stores.  Journeys that came in as text, or
-- that an aggregate made, have their names in themselves.
CREATE TABLE journey_privacy.event_name (
  code integer PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE);
COMMENT ON TABLE journey_privacy.event_name IS
  'codes of event names in journey stores; only names that at least 20 subjects have are here';
CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.event_name
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.event_name ENABLE ALWAYS TRIGGER catalog_changed;
REVOKE ALL ON journey_privacy.event_name FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.event_name', '');

-- STABLE: codes are looked up in the dictionary.
CREATE TYPE journey_privacy.journey;
CREATE FUNCTION journey_privacy.journey_in(cstring)
  RETURNS journey_privacy.journey
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_in';
CREATE FUNCTION journey_privacy.journey_out(journey_privacy.journey)
  RETURNS cstring
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_out';
CREATE FUNCTION journey_privacy.journey_recv(internal)
  RETURNS journey_privacy.journey
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_recv';
CREATE FUNCTION journey_privacy.journey_send(journey_privacy.journey)
  RETURNS bytea
  LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_send';
CREATE TYPE journey_privacy.journey (
  INPUT = journey_privacy.journey_in,
  OUTPUT = journey_privacy.journey_out,
  RECEIVE = journey_privacy.journey_recv,
  SEND = journey_privacy.journey_send,
  INTERNALLENGTH = VARIABLE,
  STORAGE = extended);
COMMENT ON TYPE journey_privacy.journey IS
  'the events of one subject in order of time, a few bytes each; written {(time,name),(time,name)}';
COMMENT ON FUNCTION journey_privacy.journey_in(cstring) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.journey_out(journey_privacy.journey) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.journey_recv(internal) IS 'I/O';
COMMENT ON FUNCTION journey_privacy.journey_send(journey_privacy.journey) IS 'I/O';

-- No order and no hash: the same journey can be stored in several ways.
CREATE FUNCTION journey_privacy.journey_eq(journey_privacy.journey, journey_privacy.journey)
  RETURNS boolean LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_eq';
CREATE FUNCTION journey_privacy.journey_ne(journey_privacy.journey, journey_privacy.journey)
  RETURNS boolean LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_ne';
CREATE FUNCTION journey_privacy.journey_concat(journey_privacy.journey, journey_privacy.journey)
  RETURNS journey_privacy.journey LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_journey_concat';
CREATE OPERATOR pg_catalog.= (
  FUNCTION = journey_privacy.journey_eq,
  LEFTARG = journey_privacy.journey, RIGHTARG = journey_privacy.journey,
  COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
  RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR pg_catalog.<> (
  FUNCTION = journey_privacy.journey_ne,
  LEFTARG = journey_privacy.journey, RIGHTARG = journey_privacy.journey,
  COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
  RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR pg_catalog.|| (
  FUNCTION = journey_privacy.journey_concat,
  LEFTARG = journey_privacy.journey, RIGHTARG = journey_privacy.journey,
  COMMUTATOR = OPERATOR(pg_catalog.||));
COMMENT ON FUNCTION journey_privacy.journey_eq(journey_privacy.journey, journey_privacy.journey)
  IS 'implementation of = operator';
COMMENT ON FUNCTION journey_privacy.journey_ne(journey_privacy.journey, journey_privacy.journey)
  IS 'implementation of <> operator';
COMMENT ON FUNCTION journey_privacy.journey_concat(journey_privacy.journey, journey_privacy.journey)
  IS 'implementation of || operator';
COMMENT ON OPERATOR pg_catalog.= (journey_privacy.journey, journey_privacy.journey) IS 'the same events';
COMMENT ON OPERATOR pg_catalog.<> (journey_privacy.journey, journey_privacy.journey) IS 'not the same events';
COMMENT ON OPERATOR pg_catalog.|| (journey_privacy.journey, journey_privacy.journey) IS
  'the events of both in order of time, those in both twice';

CREATE FUNCTION journey_privacy.events(journey_privacy.journey)
  RETURNS integer LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_events';
CREATE FUNCTION journey_privacy.first_at(journey_privacy.journey)
  RETURNS timestamptz LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_first_at';
CREATE FUNCTION journey_privacy.last_at(journey_privacy.journey)
  RETURNS timestamptz LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_last_at';
CREATE FUNCTION journey_privacy.span(journey_privacy.journey)
  RETURNS interval LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_span';
CREATE FUNCTION journey_privacy.journey_between(journey_privacy.journey, tstzrange)
  RETURNS journey_privacy.journey LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_journey_between';
CREATE FUNCTION journey_privacy.unnest(
    journey_privacy.journey, OUT occurred_at timestamptz, OUT event text)
  RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 20
  AS 'MODULE_PATHNAME', 'jp_journey_unnest';
COMMENT ON FUNCTION journey_privacy.events(journey_privacy.journey) IS
  'how many events a journey has';
COMMENT ON FUNCTION journey_privacy.first_at(journey_privacy.journey) IS
  'when the first event of a journey was, null when it is empty';
COMMENT ON FUNCTION journey_privacy.last_at(journey_privacy.journey) IS
  'when the last event of a journey was, null when it is empty';
COMMENT ON FUNCTION journey_privacy.span(journey_privacy.journey) IS
  'from the first event of a journey to the last, null when it is empty';
COMMENT ON FUNCTION journey_privacy.journey_between(journey_privacy.journey, tstzrange) IS
  'the events of a journey whose time lies in a range';
COMMENT ON FUNCTION journey_privacy.unnest(journey_privacy.journey) IS
  'a row for each event of a journey, in order';

CREATE FUNCTION journey_privacy.journey_step(internal, timestamptz, text)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_step';
CREATE FUNCTION journey_privacy.journey_merge_step(internal, journey_privacy.journey)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_merge_step';
CREATE FUNCTION journey_privacy.journey_final(internal)
  RETURNS journey_privacy.journey LANGUAGE c IMMUTABLE PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_journey_final';
CREATE AGGREGATE journey_privacy.journey(occurred_at timestamptz, event text) (
  SFUNC = journey_privacy.journey_step, STYPE = internal, SSPACE = 512,
  FINALFUNC = journey_privacy.journey_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.journey(journey_privacy.journey) (
  SFUNC = journey_privacy.journey_merge_step, STYPE = internal, SSPACE = 1024,
  FINALFUNC = journey_privacy.journey_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.journey(timestamptz, text) IS
  'the journey that events make, in any order of rows; those without a time or a name are left out';
COMMENT ON AGGREGATE journey_privacy.journey(journey_privacy.journey) IS
  'all events of several journeys as one journey';
COMMENT ON FUNCTION journey_privacy.journey_step(internal, timestamptz, text) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.journey_merge_step(internal, journey_privacy.journey) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.journey_final(internal) IS 'internal: aggregate';
