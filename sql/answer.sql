-- answer
-- Questions about a whole journey table, answered in one call; and the
-- aggregates that count over many subjects at once, of which they are made.

CREATE TYPE journey_privacy.retention_count AS (
  breakdown text, cohort timestamptz, period integer, subjects bigint);
COMMENT ON TYPE journey_privacy.retention_count IS
  'of retention_counts(): how many of a cohort returned in a period after it; period 0 has all of the cohort';

CREATE TYPE journey_privacy.session_count AS (
  breakdown text, subjects bigint, sessions bigint, events bigint, bounces bigint,
  mean_duration interval, median_duration interval, p90_duration interval);
COMMENT ON TYPE journey_privacy.session_count IS
  'of session_counts(): sessions, and those of one event';

CREATE TYPE journey_privacy.path_count AS (
  breakdown text, path text[], subjects bigint, times bigint);
COMMENT ON TYPE journey_privacy.path_count IS
  'of path_counts(): how many subjects took a path, and how often it was taken';

CREATE TYPE journey_privacy.edge_count AS (
  breakdown text, position integer, from_event text, to_event text, subjects bigint, times bigint);
COMMENT ON TYPE journey_privacy.edge_count IS
  'of edge_counts(): how many subjects went from the event at a position of their path to the next, and how often';

CREATE TYPE journey_privacy.attribution_count AS (
  channel text, credit double precision, conversions bigint, subjects bigint, breakdown text);
COMMENT ON TYPE journey_privacy.attribution_count IS
  'of attribution_counts(): what a channel is credited with; conversions that no touch led to have no channel';

CREATE FUNCTION journey_privacy.tally_serial(internal)
  RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_tally_serial';
COMMENT ON FUNCTION journey_privacy.tally_serial(internal) IS 'internal: aggregate';

CREATE FUNCTION journey_privacy.retention_counts_combine(internal, internal)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_counts_combine';
CREATE FUNCTION journey_privacy.retention_counts_deserial(bytea, internal)
  RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_counts_deserial';
COMMENT ON FUNCTION journey_privacy.retention_counts_combine(internal, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.retention_counts_deserial(bytea, internal) IS 'internal: aggregate';
CREATE FUNCTION journey_privacy.retention_counts_step(internal, anyelement, timestamptz, text, text, text, text, text, integer, text, text)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_counts_step';
COMMENT ON FUNCTION journey_privacy.retention_counts_step(internal, anyelement, timestamptz, text, text, text, text, text, integer, text, text) IS 'internal: aggregate';

CREATE FUNCTION journey_privacy.retention_counts_final(internal)
  RETURNS journey_privacy.retention_count[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_counts_final';
COMMENT ON FUNCTION journey_privacy.retention_counts_final(internal) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.retention_counts(
    subject anyelement, occurred_at timestamptz, event text, breakdown text, start_event text, return_event text, period text, periods integer, mode text, time_zone text) (
  SFUNC = journey_privacy.retention_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.retention_counts_final,
  COMBINEFUNC = journey_privacy.retention_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.retention_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.retention_counts(anyelement, timestamptz, text, text, text, text, text, integer, text, text) IS
  'who did the start event (null: any) by the day, week (from Monday) or month of the first time, and how many of them did the return event in each of up to 1,000 periods after it: mode on, or on_or_after; days begin in time_zone';

CREATE FUNCTION journey_privacy.session_counts_combine(internal, internal)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_session_counts_combine';
CREATE FUNCTION journey_privacy.session_counts_deserial(bytea, internal)
  RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_session_counts_deserial';
COMMENT ON FUNCTION journey_privacy.session_counts_combine(internal, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.session_counts_deserial(bytea, internal) IS 'internal: aggregate';
CREATE FUNCTION journey_privacy.session_counts_step(internal, anyelement, timestamptz, text, interval)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_session_counts_step';
COMMENT ON FUNCTION journey_privacy.session_counts_step(internal, anyelement, timestamptz, text, interval) IS 'internal: aggregate';

CREATE FUNCTION journey_privacy.session_counts_final(internal)
  RETURNS journey_privacy.session_count[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_session_counts_final';
COMMENT ON FUNCTION journey_privacy.session_counts_final(internal) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.session_counts(
    subject anyelement, occurred_at timestamptz, breakdown text, gap interval) (
  SFUNC = journey_privacy.session_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.session_counts_final,
  COMBINEFUNC = journey_privacy.session_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.session_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.session_counts(anyelement, timestamptz, text, interval) IS
  'sessions of many subjects, parted where nothing happens for longer than gap';

CREATE FUNCTION journey_privacy.path_counts_combine(internal, internal)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_counts_combine';
CREATE FUNCTION journey_privacy.path_counts_deserial(bytea, internal)
  RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_counts_deserial';
COMMENT ON FUNCTION journey_privacy.path_counts_combine(internal, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.path_counts_deserial(bytea, internal) IS 'internal: aggregate';
CREATE FUNCTION journey_privacy.path_counts_step(internal, anyelement, timestamptz, text, text, integer, interval, boolean, text, text, text)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_counts_step';
COMMENT ON FUNCTION journey_privacy.path_counts_step(internal, anyelement, timestamptz, text, text, integer, interval, boolean, text, text, text) IS 'internal: aggregate';

CREATE FUNCTION journey_privacy.path_counts_final(internal)
  RETURNS journey_privacy.path_count[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_counts_final';
COMMENT ON FUNCTION journey_privacy.path_counts_final(internal) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.path_counts(
    subject anyelement, occurred_at timestamptz, event text, breakdown text, depth integer, gap interval, collapse boolean, anchor text, occurrence text, direction text) (
  SFUNC = journey_privacy.path_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.path_counts_final,
  COMBINEFUNC = journey_privacy.path_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.path_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.path_counts(anyelement, timestamptz, text, text, integer, interval, boolean, text, text, text) IS
  'the paths of many subjects, or with a gap of their sessions, of up to depth events (1 to 100); collapse: the same event in a row counts once; anchor: the event at whose first or last occurrence the path begins (direction from) or ends (to)';

CREATE FUNCTION journey_privacy.edge_counts_final(internal)
  RETURNS journey_privacy.edge_count[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_edge_counts_final';
COMMENT ON FUNCTION journey_privacy.edge_counts_final(internal) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.edge_counts(
    subject anyelement, occurred_at timestamptz, event text, breakdown text, depth integer, gap interval, collapse boolean, anchor text, occurrence text, direction text) (
  SFUNC = journey_privacy.path_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.edge_counts_final,
  COMBINEFUNC = journey_privacy.path_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.path_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.edge_counts(anyelement, timestamptz, text, text, integer, interval, boolean, text, text, text) IS
  'from which event to which the paths of many subjects lead, by position; arguments as for path_counts';

CREATE FUNCTION journey_privacy.attribution_counts_combine(internal, internal)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_attribution_counts_combine';
CREATE FUNCTION journey_privacy.attribution_counts_deserial(bytea, internal)
  RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_attribution_counts_deserial';
COMMENT ON FUNCTION journey_privacy.attribution_counts_combine(internal, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.attribution_counts_deserial(bytea, internal) IS 'internal: aggregate';
CREATE FUNCTION journey_privacy.attribution_counts_step(internal, anyelement, timestamptz, text, boolean, text, text, interval, interval, boolean)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_attribution_counts_step';
COMMENT ON FUNCTION journey_privacy.attribution_counts_step(internal, anyelement, timestamptz, text, boolean, text, text, interval, interval, boolean) IS 'internal: aggregate';

CREATE FUNCTION journey_privacy.attribution_counts_final(internal)
  RETURNS journey_privacy.attribution_count[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_attribution_counts_final';
COMMENT ON FUNCTION journey_privacy.attribution_counts_final(internal) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.attribution_counts(
    subject anyelement, occurred_at timestamptz, channel text, converted boolean, breakdown text, model text, lookback interval, half_life interval, reuse boolean) (
  SFUNC = journey_privacy.attribution_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.attribution_counts_final,
  COMBINEFUNC = journey_privacy.attribution_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.attribution_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.attribution_counts(anyelement, timestamptz, text, boolean, text, text, interval, interval, boolean) IS
  'what channels are credited with for the conversions of many subjects, over touches (rows with a channel) up to lookback before each (null: all); model first, last, linear, position or time_decay (half in half_life, null: 7 days); with reuse, touches up to an earlier conversion count again';
