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

CREATE TYPE journey_privacy.funnel_count AS (
  breakdown text, step integer, subjects bigint,
  p25_time interval, median_time interval, p75_time interval, p90_time interval);
COMMENT ON TYPE journey_privacy.funnel_count IS
  'of funnel_counts(): how many subjects made a step, and how long after the one before';

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
    subject anyelement, occurred_at timestamptz, event text, breakdown text, depth integer, gap interval, collapse boolean, anchor text, anchor_at text, direction text) (
  SFUNC = journey_privacy.path_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.path_counts_final,
  COMBINEFUNC = journey_privacy.path_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.path_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.path_counts(anyelement, timestamptz, text, text, integer, interval, boolean, text, text, text) IS
  'the paths of many subjects, or with a gap of their sessions, of up to depth events (1 to 100, null: all); collapse: the same event in a row counts once; anchor: the event at whose first or last occurrence the path begins (direction from) or ends (to)';

CREATE FUNCTION journey_privacy.edge_counts_final(internal)
  RETURNS journey_privacy.edge_count[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_edge_counts_final';
COMMENT ON FUNCTION journey_privacy.edge_counts_final(internal) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.edge_counts(
    subject anyelement, occurred_at timestamptz, event text, breakdown text, depth integer, gap interval, collapse boolean, anchor text, anchor_at text, direction text) (
  SFUNC = journey_privacy.path_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.edge_counts_final,
  COMBINEFUNC = journey_privacy.path_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.path_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.edge_counts(anyelement, timestamptz, text, text, integer, interval, boolean, text, text, text) IS
  'from which event to which the paths of many subjects lead, by position (without depth: wherever in them); arguments as for path_counts';

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

CREATE FUNCTION journey_privacy.funnel_levels_combine(internal, internal)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_levels_combine';
CREATE FUNCTION journey_privacy.funnel_levels_deserial(bytea, internal)
  RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_levels_deserial';
COMMENT ON FUNCTION journey_privacy.funnel_levels_combine(internal, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.funnel_levels_deserial(bytea, internal) IS 'internal: aggregate';
CREATE FUNCTION journey_privacy.funnel_levels_step(internal, anyelement, timestamptz, text, text[], interval)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_levels_step';
COMMENT ON FUNCTION journey_privacy.funnel_levels_step(internal, anyelement, timestamptz, text, text[], interval) IS 'internal: aggregate';

CREATE FUNCTION journey_privacy.funnel_levels_final(internal)
  RETURNS bigint[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_levels_final';
COMMENT ON FUNCTION journey_privacy.funnel_levels_final(internal) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.funnel_counts(
    subject anyelement, occurred_at timestamptz, event text, steps text[], within interval) (
  SFUNC = journey_privacy.funnel_levels_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.funnel_levels_final,
  COMBINEFUNC = journey_privacy.funnel_levels_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.funnel_levels_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.funnel_counts(anyelement, timestamptz, text, text[], interval) IS
  'how many of many subjects come to each of 1 to 64 steps within a time from the first (null: any); a step may be alternatives, ''cart|wishlist''';

CREATE FUNCTION journey_privacy.funnel_counts_combine(internal, internal)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_counts_combine';
CREATE FUNCTION journey_privacy.funnel_counts_deserial(bytea, internal)
  RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_counts_deserial';
COMMENT ON FUNCTION journey_privacy.funnel_counts_combine(internal, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.funnel_counts_deserial(bytea, internal) IS 'internal: aggregate';
CREATE FUNCTION journey_privacy.funnel_counts_step(internal, anyelement, timestamptz, text, text, text, text[], interval, jsonb, boolean)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_counts_step';
COMMENT ON FUNCTION journey_privacy.funnel_counts_step(internal, anyelement, timestamptz, text, text, text, text[], interval, jsonb, boolean) IS 'internal: aggregate';

CREATE FUNCTION journey_privacy.funnel_counts_final(internal)
  RETURNS journey_privacy.funnel_count[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_counts_final';
COMMENT ON FUNCTION journey_privacy.funnel_counts_final(internal) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.funnel_counts(
    subject anyelement, occurred_at timestamptz, event text, breakdown text, property text, steps text[], within interval, options jsonb, constant boolean) (
  SFUNC = journey_privacy.funnel_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.funnel_counts_final,
  COMBINEFUNC = journey_privacy.funnel_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.funnel_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.funnel_counts(anyelement, timestamptz, text, text, text, text[], interval, jsonb, boolean) IS
  'how many of many subjects make each step, and how long after the one before, by the breakdown of the event that a chain begins with; options as for funnel(); with constant, chains have one property';

CREATE FUNCTION journey_privacy.funnel(
    "table" regclass, steps text[], within interval DEFAULT NULL, options jsonb DEFAULT NULL,
    constant name DEFAULT NULL, constant_key text DEFAULT NULL,
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT step integer, OUT event text, OUT subjects bigint, OUT of_previous double precision, OUT of_first double precision, OUT median_time interval, OUT p90_time interval, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_funnel_of_table';
COMMENT ON FUNCTION journey_privacy.funnel(regclass, text[], interval, jsonb, name, text, tstzrange, text[], jsonb, name, text, name, name) IS
  'how many subjects of a protected table make each of 1 to 64 steps (names of events; alternatives as ''cart|wishlist'') within a time from the first (null: any), which part of those at the step before and at the first, and how long after the step before; options order, start, step_within, exclude, optional; constant: a column, or a key of a jsonb column, with one value in a chain; sees what the caller may see';

CREATE FUNCTION journey_privacy.funnel_plan(
    "table" regclass, steps text[], within interval DEFAULT NULL, options jsonb DEFAULT NULL,
    constant name DEFAULT NULL, constant_key text DEFAULT NULL,
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT "QUERY PLAN" text)
  RETURNS SETOF text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_funnel_plan';
COMMENT ON FUNCTION journey_privacy.funnel_plan(regclass, text[], interval, jsonb, name, text, tstzrange, text[], jsonb, name, text, name, name) IS
  'how funnel() with the same arguments would be answered, without answering: by a journey store or by rows of the table and why, with which floor, by which statement';

CREATE FUNCTION journey_privacy.time_to(
    "table" regclass, from_event text, to_event text, within interval DEFAULT NULL,
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT subjects bigint, OUT reached bigint, OUT share double precision, OUT p25_time interval, OUT median_time interval, OUT p75_time interval, OUT p90_time interval, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_time_to';
COMMENT ON FUNCTION journey_privacy.time_to(regclass, text, text, interval, tstzrange, text[], jsonb, name, text, name, name) IS
  'how long subjects of a protected table take from one event to another within a time (null: any): how many did the first, how many came to the other, and percentiles of their times; sees what the caller may see';

CREATE FUNCTION journey_privacy.retention(
    "table" regclass, start_event text DEFAULT NULL, return_event text DEFAULT NULL,
    period text DEFAULT 'week', periods integer DEFAULT 8, mode text DEFAULT 'on',
    time_zone text DEFAULT pg_catalog.current_setting('TimeZone'),
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT cohort date, OUT period integer, OUT subjects bigint, OUT share double precision, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_retention_of_table';
COMMENT ON FUNCTION journey_privacy.retention(regclass, text, text, text, integer, text, text, tstzrange, text[], jsonb, name, text, name, name) IS
  'cohorts of a protected table by the day, week (from Monday) or month in which a subject first did start_event (null: anything), and how many of each did return_event in each period after it (mode on) or in it or later (on_or_after); cohorts under the floor are pooled under a null date; sees what the caller may see';

CREATE FUNCTION journey_privacy.sessions(
    "table" regclass, gap interval DEFAULT '30 minutes',
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT subjects bigint, OUT sessions bigint, OUT events bigint, OUT bounces bigint, OUT mean_duration interval, OUT median_duration interval, OUT p90_duration interval, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_sessions_of_table';
COMMENT ON FUNCTION journey_privacy.sessions(regclass, interval, tstzrange, text[], jsonb, name, text, name, name) IS
  'sessions in a protected table: how many subjects had how many, of how many events, those of one event, and how long they took; a session ends where a subject does nothing for longer than gap; sees what the caller may see';

CREATE FUNCTION journey_privacy.paths(
    "table" regclass, depth integer DEFAULT 5, gap interval DEFAULT NULL, "collapse" boolean DEFAULT true,
    anchor text DEFAULT NULL, anchor_at text DEFAULT 'first', direction text DEFAULT 'from',
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT "position" integer, OUT from_event text, OUT to_event text, OUT subjects bigint, OUT events bigint, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_paths_of_table';
COMMENT ON FUNCTION journey_privacy.paths(regclass, integer, interval, boolean, text, text, text, tstzrange, text[], jsonb, name, text, name, name) IS
  'from which event to which subjects of a protected table went, by position in their journeys (with gap: in their sessions) of up to depth events (null: all, and wherever in them); collapse: the same event in a row counts once; anchor: the event at whose first or last occurrence paths begin (direction from) or end (to); sees what the caller may see';

CREATE FUNCTION journey_privacy.attribution(
    "table" regclass, conversion text, channel name, channel_key text DEFAULT NULL,
    model text DEFAULT 'last', lookback interval DEFAULT '30 days', half_life interval DEFAULT '7 days',
    reuse boolean DEFAULT true, touch_events text[] DEFAULT NULL,
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT channel text, OUT credit double precision, OUT conversions bigint, OUT subjects bigint, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_attribution_of_table';
COMMENT ON FUNCTION journey_privacy.attribution(regclass, text, name, text, text, interval, interval, boolean, text[], tstzrange, text[], jsonb, name, text, name, name) IS
  'which channels (a column, or a key of a jsonb column) led to conversions, events of that name, in a protected table: model first, last, linear, position (40/20/40) or time_decay over touches up to lookback before each (null: all); touches are rows with a channel, or those of touch_events; a null channel has what no touch led to; sees what the caller may see';

CREATE FUNCTION journey_privacy.subject_count("table" regclass, during tstzrange DEFAULT NULL)
  RETURNS bigint
  LANGUAGE c STABLE
  AS 'MODULE_PATHNAME', 'jp_subject_count';
COMMENT ON FUNCTION journey_privacy.subject_count(regclass, tstzrange) IS
  'how many subjects that may be seen a protected table has, with events between two times or at any time; null below the floor of the purpose';

-- The same over journey stores.

CREATE FUNCTION journey_privacy.funnel_counts_step(internal, integer, journey_privacy.journey, timestamptz, timestamptz, text[], interval, jsonb, boolean)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_counts_journey_step';
COMMENT ON FUNCTION journey_privacy.funnel_counts_step(internal, integer, journey_privacy.journey, timestamptz, timestamptz, text[], interval, jsonb, boolean) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.funnel_counts(
    subject integer, events journey_privacy.journey, occurred_from timestamptz, occurred_until timestamptz, steps text[], within interval, options jsonb, constant boolean) (
  SFUNC = journey_privacy.funnel_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.funnel_counts_final,
  COMBINEFUNC = journey_privacy.funnel_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.funnel_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.funnel_counts(integer, journey_privacy.journey, timestamptz, timestamptz, text[], interval, jsonb, boolean) IS
  'funnel_counts() over the journeys of a journey store, events from a time (inclusive, null: all) until another (exclusive, null: all); constant must be false';

CREATE FUNCTION journey_privacy.retention_counts_step(internal, integer, journey_privacy.journey, timestamptz, timestamptz, text, text, text, integer, text, text)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_counts_journey_step';
COMMENT ON FUNCTION journey_privacy.retention_counts_step(internal, integer, journey_privacy.journey, timestamptz, timestamptz, text, text, text, integer, text, text) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.retention_counts(
    subject integer, events journey_privacy.journey, occurred_from timestamptz, occurred_until timestamptz, start_event text, return_event text, period text, periods integer, mode text, time_zone text) (
  SFUNC = journey_privacy.retention_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.retention_counts_final,
  COMBINEFUNC = journey_privacy.retention_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.retention_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.retention_counts(integer, journey_privacy.journey, timestamptz, timestamptz, text, text, text, integer, text, text) IS
  'retention_counts() over the journeys of a journey store, events from a time (inclusive, null: all) until another (exclusive, null: all)';

CREATE FUNCTION journey_privacy.session_counts_step(internal, integer, journey_privacy.journey, timestamptz, timestamptz, interval)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_session_counts_journey_step';
COMMENT ON FUNCTION journey_privacy.session_counts_step(internal, integer, journey_privacy.journey, timestamptz, timestamptz, interval) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.session_counts(
    subject integer, events journey_privacy.journey, occurred_from timestamptz, occurred_until timestamptz, gap interval) (
  SFUNC = journey_privacy.session_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.session_counts_final,
  COMBINEFUNC = journey_privacy.session_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.session_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.session_counts(integer, journey_privacy.journey, timestamptz, timestamptz, interval) IS
  'session_counts() over the journeys of a journey store, events from a time (inclusive, null: all) until another (exclusive, null: all)';

CREATE FUNCTION journey_privacy.path_counts_step(internal, integer, journey_privacy.journey, timestamptz, timestamptz, integer, interval, boolean, text, text, text)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_counts_journey_step';
COMMENT ON FUNCTION journey_privacy.path_counts_step(internal, integer, journey_privacy.journey, timestamptz, timestamptz, integer, interval, boolean, text, text, text) IS 'internal: aggregate';
CREATE AGGREGATE journey_privacy.path_counts(
    subject integer, events journey_privacy.journey, occurred_from timestamptz, occurred_until timestamptz, depth integer, gap interval, collapse boolean, anchor text, anchor_at text, direction text) (
  SFUNC = journey_privacy.path_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.path_counts_final,
  COMBINEFUNC = journey_privacy.path_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.path_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.path_counts(integer, journey_privacy.journey, timestamptz, timestamptz, integer, interval, boolean, text, text, text) IS
  'path_counts() over the journeys of a journey store, events from a time (inclusive, null: all) until another (exclusive, null: all)';
CREATE AGGREGATE journey_privacy.edge_counts(
    subject integer, events journey_privacy.journey, occurred_from timestamptz, occurred_until timestamptz, depth integer, gap interval, collapse boolean, anchor text, anchor_at text, direction text) (
  SFUNC = journey_privacy.path_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.edge_counts_final,
  COMBINEFUNC = journey_privacy.path_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.path_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.edge_counts(integer, journey_privacy.journey, timestamptz, timestamptz, integer, interval, boolean, text, text, text) IS
  'edge_counts() over the journeys of a journey store, events from a time (inclusive, null: all) until another (exclusive, null: all)';
