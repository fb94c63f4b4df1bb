-- answer
-- Questions about a whole journey table, answered in one call; and the
-- aggregates that count over many subjects at once, of which they are made.

CREATE TYPE journey_privacy.retention_count AS (
  breakdown text, cohort timestamptz, period integer, subjects bigint);
COMMENT ON TYPE journey_privacy.retention_count IS
  'of retention_counts(): how many of a cohort returned in a period after it; period 0 has all of the cohort';
COMMENT ON COLUMN journey_privacy.retention_count.breakdown IS 'group';
COMMENT ON COLUMN journey_privacy.retention_count.cohort IS 'when the day, week or month begins';
COMMENT ON COLUMN journey_privacy.retention_count.period IS 'after the cohort''s own, which is 0';
COMMENT ON COLUMN journey_privacy.retention_count.subjects IS 'who returned in it; in period 0 all of the cohort';

CREATE TYPE journey_privacy.session_count AS (
  breakdown text, subjects bigint, sessions bigint, events bigint, bounces bigint,
  mean_duration interval, median_duration interval, p90_duration interval);
COMMENT ON TYPE journey_privacy.session_count IS
  'of session_counts(): sessions, and those of one event';
COMMENT ON COLUMN journey_privacy.session_count.breakdown IS 'group';
COMMENT ON COLUMN journey_privacy.session_count.subjects IS 'who had sessions';
COMMENT ON COLUMN journey_privacy.session_count.sessions IS 'how many';
COMMENT ON COLUMN journey_privacy.session_count.events IS 'in all of them';
COMMENT ON COLUMN journey_privacy.session_count.bounces IS 'sessions of one event';
COMMENT ON COLUMN journey_privacy.session_count.mean_duration IS 'of a session';
COMMENT ON COLUMN journey_privacy.session_count.median_duration IS 'of a session';
COMMENT ON COLUMN journey_privacy.session_count.p90_duration IS 'nine in ten sessions are not longer';

CREATE TYPE journey_privacy.path_count AS (
  breakdown text, path text[], subjects bigint, times bigint);
COMMENT ON TYPE journey_privacy.path_count IS
  'of path_counts(): how many subjects took a path, and how often it was taken';
COMMENT ON COLUMN journey_privacy.path_count.breakdown IS 'group';
COMMENT ON COLUMN journey_privacy.path_count.path IS 'names of events';
COMMENT ON COLUMN journey_privacy.path_count.subjects IS 'who took it';
COMMENT ON COLUMN journey_privacy.path_count.times IS 'how often it was taken';

CREATE TYPE journey_privacy.edge_count AS (
  breakdown text, position integer, from_event text, to_event text, subjects bigint, times bigint);
COMMENT ON TYPE journey_privacy.edge_count IS
  'of edge_counts(): how many subjects went from the event at a position of their path to the next, and how often';
COMMENT ON COLUMN journey_privacy.edge_count.breakdown IS 'group';
COMMENT ON COLUMN journey_privacy.edge_count."position" IS 'of the first event, from 1; NULL without depth';
COMMENT ON COLUMN journey_privacy.edge_count.from_event IS 'name';
COMMENT ON COLUMN journey_privacy.edge_count.to_event IS 'name';
COMMENT ON COLUMN journey_privacy.edge_count.subjects IS 'who went this way';
COMMENT ON COLUMN journey_privacy.edge_count.times IS 'how often';

CREATE TYPE journey_privacy.funnel_count AS (
  breakdown text, step integer, subjects bigint,
  p25_time interval, median_time interval, p75_time interval, p90_time interval);
COMMENT ON TYPE journey_privacy.funnel_count IS
  'of funnel_counts(): how many subjects made a step, and how long after the one before';
COMMENT ON COLUMN journey_privacy.funnel_count.breakdown IS 'group';
COMMENT ON COLUMN journey_privacy.funnel_count.step IS 'from 1';
COMMENT ON COLUMN journey_privacy.funnel_count.subjects IS 'who made it';
COMMENT ON COLUMN journey_privacy.funnel_count.p25_time IS 'since the step before';
COMMENT ON COLUMN journey_privacy.funnel_count.median_time IS 'since the step before';
COMMENT ON COLUMN journey_privacy.funnel_count.p75_time IS 'since the step before';
COMMENT ON COLUMN journey_privacy.funnel_count.p90_time IS 'since the step before';

CREATE TYPE journey_privacy.attribution_count AS (
  channel text, credit double precision, conversions bigint, subjects bigint, breakdown text);
COMMENT ON TYPE journey_privacy.attribution_count IS
  'of attribution_counts(): what a channel is credited with; conversions that no touch led to have no channel';
COMMENT ON COLUMN journey_privacy.attribution_count.channel IS 'NULL: no touch led to them';
COMMENT ON COLUMN journey_privacy.attribution_count.credit IS 'conversions, each divided among its channels';
COMMENT ON COLUMN journey_privacy.attribution_count.conversions IS 'that the channel had a share in';
COMMENT ON COLUMN journey_privacy.attribution_count.subjects IS 'who converted';
COMMENT ON COLUMN journey_privacy.attribution_count.breakdown IS 'group';

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
'how many of those who did one event come back to another in the periods after it
subject: of any type; rows without are left out
occurred_at: when; rows without are left out
event: its name
breakdown: group of the subject: that of the first event counts; NULL: none
start_event: makes a subject part of a cohort; NULL: any event
return_event: counts as coming back; NULL: any event
period: day, week (from Monday) or month
periods: how many after the cohort''s own, 1 to 1,000
mode: on (in that period) or on_or_after (in it or later)
time_zone: in which days begin
Returns: retention_count: breakdown, cohort (when it begins), period (0: its own), subjects
Errors: 22004 a NULL where none is allowed; 22023 what is asked is out of range, or not the same in
  all rows of a group; 54000 more events, cells or durations than an answer may hold';

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
'sessions of many subjects
subject: of any type; rows without are left out
occurred_at: when; rows without are left out
breakdown: group: that of the session''s first event counts; NULL: none
gap: a session ends where more than this passes until the next event
Returns: session_count: breakdown, subjects, sessions, events, bounces, mean_duration,
  median_duration, p90_duration
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range, or not the same in all rows of a group; 54000 more events, cells or durations
  than an answer may hold';

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
'the paths of many subjects, or with a gap of their sessions
subject: of any type; rows without are left out
occurred_at: when; rows without are left out
event: its name
breakdown: group: that of the path''s first event counts; NULL: none
depth: at most so many events, 1 to 100; NULL: all
gap: paths are sessions, which end where more than this passes; NULL: whole journeys
collapse: the same event in a row counts once
anchor: name of the event at which paths begin or end; NULL: at the beginning, or the end
anchor_at: first or last, which occurrence of the anchor
direction: from or to the anchor
Returns: path_count: breakdown, path, subjects, times
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range, or not the same in all rows of a group; 54000 more events, cells or durations
  than an answer may hold';

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
'from which event to which the paths of many subjects lead, by position
subject: of any type; rows without are left out
occurred_at: when; rows without are left out
event: its name
breakdown: group: that of the path''s first event counts; NULL: none
depth: at most so many events, 1 to 100; NULL: all
gap: paths are sessions, which end where more than this passes; NULL: whole journeys
collapse: the same event in a row counts once
anchor: name of the event at which paths begin or end; NULL: at the beginning, or the end
anchor_at: first or last, which occurrence of the anchor
direction: from or to the anchor
Returns: edge_count: breakdown, position (NULL without depth), from_event, to_event, subjects, times
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range, or not the same in all rows of a group; 54000 more events, cells or durations
  than an answer may hold';

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
'what channels are credited with for the conversions of many subjects
subject: of any type; rows without are left out
occurred_at: when; rows without are left out
channel: of a touch; NULL: no touch
converted: whether the row is a conversion
breakdown: group: that of the conversion counts; NULL: none
model: first, last, linear, position (40/20/40) or time_decay
lookback: touches up to so long before a conversion; NULL: all
half_life: for time_decay; NULL: 7 days
reuse: touches up to an earlier conversion count again
Returns: attribution_count: channel (NULL: no touch led to it), credit, conversions, subjects,
  breakdown
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range, or not the same in all rows of a group; 54000 more events, cells or durations
  than an answer may hold';

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
'how many of many subjects come to each of 1 to 64 steps
subject: of any type; rows without are left out
occurred_at: when; rows without are left out
event: its name
steps: a step is the name of an event, or several with | between them
within: time from the first event of a chain; NULL: no bound
Returns: counts in the order of the steps
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range, or not the same in all rows of a group; 54000 more events, cells or durations
  than an answer may hold';

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
'how many of many subjects make each step, and how long after the one before, in groups
subject: of any type; rows without are left out
occurred_at: when; rows without are left out
event: its name
breakdown: group: that of the chain''s first event counts; NULL: none
property: what constant is about
steps: a step is the name of an event, or several with | between them
within: time from the first event of a chain; NULL: no bound
options: as for funnel; NULL: none
constant: whether chains have one property
Returns: funnel_count: breakdown, step, subjects, p25_time, median_time, p75_time, p90_time
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is out of range, or not the same in all rows of a group; 54000
  more events, cells or durations than an answer may hold';

CREATE FUNCTION journey_privacy.funnel(
    "table" regclass, steps text[], within interval DEFAULT NULL, options jsonb DEFAULT NULL,
    constant name DEFAULT NULL, constant_key text DEFAULT NULL,
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT step integer, OUT event text, OUT subjects bigint, OUT of_previous double precision, OUT of_first double precision, OUT median_time interval, OUT p90_time interval, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_funnel_of_table';
COMMENT ON FUNCTION journey_privacy.funnel(regclass, text[], interval, jsonb, name, text, tstzrange, text[], jsonb, name, text, name, name) IS
'how many subjects of a protected table make each of 1 to 64 steps, and how long that takes; sees
  what the caller may see
table: a protected one with occurred_at
steps: names of events in order; ''cart|wishlist'' are alternatives
within: time from the first step, inclusive; NULL: no bound
options: as for the aggregate funnel(); NULL: none
constant: name of a column that has one value in a chain; NULL: none
constant_key: key, where constant is a jsonb column; NULL: the column itself
during: only events of this range of time; NULL: all
where_event: only events of these names; NULL: all
where_props: only rows whose props contain this JSON; NULL: all
breakdown: name of a column by which the answer is grouped; NULL: one group
breakdown_key: key, where breakdown is a jsonb column; NULL: the column itself
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
Returns: a row for each step and group: step (from 1), event, subjects (NULL below the floor),
  of_previous and of_first (0 to 1), median_time and p90_time from the step before, breakdown
Errors: 0A000 step_within in any order; 22004 a NULL where none is allowed; 22008 an interval that
  is too long; 22023 an argument out of range or a key without its column; 42501 no purpose, one
  that is not allowed, no privilege, a column that may not be read; 42703 no such column; 42704
  unknown purpose; 42804 a column of another type, or with a cast to text that somebody made; 42809
  not a protected table, or without occurred_at; 54000 more than an answer may hold';

CREATE FUNCTION journey_privacy.funnel_plan(
    "table" regclass, steps text[], within interval DEFAULT NULL, options jsonb DEFAULT NULL,
    constant name DEFAULT NULL, constant_key text DEFAULT NULL,
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT "QUERY PLAN" text)
  RETURNS SETOF text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_funnel_plan';
COMMENT ON FUNCTION journey_privacy.funnel_plan(regclass, text[], interval, jsonb, name, text, tstzrange, text[], jsonb, name, text, name, name) IS
'how funnel() with the same arguments would be answered, without answering
table: a protected one with occurred_at
steps: names of events in order; ''cart|wishlist'' are alternatives
within: time from the first step, inclusive; NULL: no bound
options: as for the aggregate funnel(); NULL: none
constant: name of a column that has one value in a chain; NULL: none
constant_key: key, where constant is a jsonb column; NULL: the column itself
during: only events of this range of time; NULL: all
where_event: only events of these names; NULL: all
where_props: only rows whose props contain this JSON; NULL: all
breakdown: name of a column by which the answer is grouped; NULL: one group
breakdown_key: key, where breakdown is a jsonb column; NULL: the column itself
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
Returns: lines of text, "QUERY PLAN": by a journey store or by rows of the table and why, with which
  floor, by which statement
Errors: 0A000 step_within in any order; 22004 a NULL where none is allowed; 22008 an interval that
  is too long; 22023 an argument out of range or a key without its column; 42501 no purpose, one
  that is not allowed, no privilege, a column that may not be read; 42703 no such column; 42704
  unknown purpose; 42804 a column of another type, or with a cast to text that somebody made; 42809
  not a protected table, or without occurred_at; 54000 more than an answer may hold';

CREATE FUNCTION journey_privacy.time_to(
    "table" regclass, from_event text, to_event text, within interval DEFAULT NULL,
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT subjects bigint, OUT reached bigint, OUT share double precision, OUT p25_time interval, OUT median_time interval, OUT p75_time interval, OUT p90_time interval, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_time_to';
COMMENT ON FUNCTION journey_privacy.time_to(regclass, text, text, interval, tstzrange, text[], jsonb, name, text, name, name) IS
'how long subjects of a protected table take from one event to another; sees what the caller may see
table: a protected one with occurred_at
from_event: name of the first event
to_event: name of the other
within: longest time that counts; NULL: any
during: only events of this range of time; NULL: all
where_event: only events of these names; NULL: all
where_props: only rows whose props contain this JSON; NULL: all
breakdown: name of a column by which the answer is grouped; NULL: one group
breakdown_key: key, where breakdown is a jsonb column; NULL: the column itself
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
Returns: a row for each group: subjects who did the first, reached (came to the other), share (0 to
  1), p25_time, median_time, p75_time, p90_time, breakdown
Errors: 22004 a NULL where none is allowed; 22008 an interval that is too long; 22023 an argument
  out of range or a key without its column; 42501 no purpose, one that is not allowed, no privilege,
  a column that may not be read; 42703 no such column; 42704 unknown purpose; 42804 a column of
  another type, or with a cast to text that somebody made; 42809 not a protected table, or without
  occurred_at; 54000 more than an answer may hold';

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
'cohorts of a protected table by when a subject first did something, and how many came back in the
  periods after it; sees what the caller may see
table: a protected one with occurred_at
start_event: makes a subject part of a cohort; NULL: any event
return_event: counts as coming back; NULL: any event
period: day, week (from Monday) or month
periods: how many after the cohort''s own, 1 to 1,000
mode: on (in that period) or on_or_after (in it or later)
time_zone: in which days begin
during: only events of this range of time; NULL: all
where_event: only events of these names; NULL: all
where_props: only rows whose props contain this JSON; NULL: all
breakdown: name of a column by which the answer is grouped; NULL: one group
breakdown_key: key, where breakdown is a jsonb column; NULL: the column itself
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
Returns: a row for each cohort and period: cohort (its first day; NULL: those under the floor
  together), period (0: its own), subjects, share (0 to 1), breakdown
Errors: 22004 a NULL where none is allowed; 22008 an interval that is too long; 22023 an argument
  out of range or a key without its column; 42501 no purpose, one that is not allowed, no privilege,
  a column that may not be read; 42703 no such column; 42704 unknown purpose; 42804 a column of
  another type, or with a cast to text that somebody made; 42809 not a protected table, or without
  occurred_at; 54000 more than an answer may hold';

CREATE FUNCTION journey_privacy.sessions(
    "table" regclass, gap interval DEFAULT '30 minutes',
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT subjects bigint, OUT sessions bigint, OUT events bigint, OUT bounces bigint, OUT mean_duration interval, OUT median_duration interval, OUT p90_duration interval, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_sessions_of_table';
COMMENT ON FUNCTION journey_privacy.sessions(regclass, interval, tstzrange, text[], jsonb, name, text, name, name) IS
'sessions in a protected table, how many and how long; sees what the caller may see
table: a protected one with occurred_at
gap: a session ends where a subject does nothing for longer than this
during: only events of this range of time; NULL: all
where_event: only events of these names; NULL: all
where_props: only rows whose props contain this JSON; NULL: all
breakdown: name of a column by which the answer is grouped; NULL: one group
breakdown_key: key, where breakdown is a jsonb column; NULL: the column itself
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
Returns: a row for each group: subjects, sessions, events, bounces (sessions of one event),
  mean_duration, median_duration, p90_duration, breakdown
Errors: 22004 a NULL where none is allowed; 22008 an interval that is too long; 22023 an argument
  out of range or a key without its column; 42501 no purpose, one that is not allowed, no privilege,
  a column that may not be read; 42703 no such column; 42704 unknown purpose; 42804 a column of
  another type, or with a cast to text that somebody made; 42809 not a protected table, or without
  occurred_at; 54000 more than an answer may hold';

CREATE FUNCTION journey_privacy.paths(
    "table" regclass, depth integer DEFAULT 5, gap interval DEFAULT NULL, "collapse" boolean DEFAULT true,
    anchor text DEFAULT NULL, anchor_at text DEFAULT 'first', direction text DEFAULT 'from',
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    OUT "position" integer, OUT from_event text, OUT to_event text, OUT subjects bigint, OUT events bigint, OUT breakdown text)
  RETURNS SETOF record LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_paths_of_table';
COMMENT ON FUNCTION journey_privacy.paths(regclass, integer, interval, boolean, text, text, text, tstzrange, text[], jsonb, name, text, name, name) IS
'from which event to which subjects of a protected table went; sees what the caller may see
table: a protected one with occurred_at
depth: at most so many events, 1 to 100; NULL: all
gap: paths are sessions, which end where more than this passes; NULL: whole journeys
collapse: the same event in a row counts once
anchor: name of the event at which paths begin or end; NULL: at the beginning, or the end
anchor_at: first or last, which occurrence of the anchor
direction: from or to the anchor
during: only events of this range of time; NULL: all
where_event: only events of these names; NULL: all
where_props: only rows whose props contain this JSON; NULL: all
breakdown: name of a column by which the answer is grouped; NULL: one group
breakdown_key: key, where breakdown is a jsonb column; NULL: the column itself
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
Returns: a row for each edge: position (from 1; NULL without depth), from_event, to_event (NULL: the
  journey ends), subjects, events (how often), breakdown
Errors: 22004 a NULL where none is allowed; 22008 an interval that is too long; 22023 an argument
  out of range or a key without its column; 42501 no purpose, one that is not allowed, no privilege,
  a column that may not be read; 42703 no such column; 42704 unknown purpose; 42804 a column of
  another type, or with a cast to text that somebody made; 42809 not a protected table, or without
  occurred_at; 54000 more than an answer may hold';

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
'which channels led to conversions in a protected table; sees what the caller may see
table: a protected one with occurred_at
conversion: name of the event that converts
channel: name of the column that has the channel of a touch
channel_key: key, where channel is a jsonb column; NULL: the column itself
model: first, last, linear, position (40/20/40) or time_decay
lookback: touches up to so long before a conversion; NULL: all
half_life: for time_decay
reuse: touches up to an earlier conversion count again
touch_events: names of the events that are touches; NULL: all rows with a channel
during: only events of this range of time; NULL: all
where_event: only events of these names; NULL: all
where_props: only rows whose props contain this JSON; NULL: all
breakdown: name of a column by which the answer is grouped; NULL: one group
breakdown_key: key, where breakdown is a jsonb column; NULL: the column itself
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
Returns: a row for each channel and group: channel (NULL: no touch led to it), credit, conversions,
  subjects, breakdown
Errors: 22004 a NULL where none is allowed; 22008 an interval that is too long; 22023 an argument
  out of range or a key without its column; 42501 no purpose, one that is not allowed, no privilege,
  a column that may not be read; 42703 no such column; 42704 unknown purpose; 42804 a column of
  another type, or with a cast to text that somebody made; 42809 not a protected table, or without
  occurred_at; 54000 more than an answer may hold';

CREATE FUNCTION journey_privacy.subject_count("table" regclass, during tstzrange DEFAULT NULL)
  RETURNS bigint
  LANGUAGE c STABLE
  AS 'MODULE_PATHNAME', 'jp_subject_count';
COMMENT ON FUNCTION journey_privacy.subject_count(regclass, tstzrange) IS
'how many subjects that may be seen a protected table has
table: a protected one
during: only subjects with an event in this range of time; NULL: all
Returns: NULL below the floor of the purpose
Errors: 22004 table is NULL; 22023 a range for a table without occurred_at; 42501 no purpose, one
  that is not allowed, no privilege, a column that may not be read; 42704 unknown purpose; 42809 not
  a protected table';

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
'funnel_counts() over the journeys of a journey store
subject: the subject number of the row
events: the journey of the row
occurred_from: from when, inclusive; NULL: from the beginning
occurred_until: until when, exclusive; NULL: to the end
steps: a step is the name of an event, or several with | between them
within: time from the first event of a chain; NULL: no bound
options: as for funnel; NULL: none
constant: false
Returns: funnel_count, as there
Errors: 0A000 step_within in any order, or constant; 22008 an interval that is too long; 22004 a
  NULL where none is allowed; 22023 what is asked is out of range, or not the same in all rows of a
  group; 54000 more events, cells or durations than an answer may hold';

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
'retention_counts() over the journeys of a journey store
subject: the subject number of the row
events: the journey of the row
occurred_from: from when, inclusive; NULL: from the beginning
occurred_until: until when, exclusive; NULL: to the end
start_event: makes a subject part of a cohort; NULL: any event
return_event: counts as coming back; NULL: any event
period: day, week (from Monday) or month
periods: how many after the cohort''s own, 1 to 1,000
mode: on (in that period) or on_or_after (in it or later)
time_zone: in which days begin
Returns: retention_count: breakdown, cohort (when it begins), period (0: its own), subjects
Errors: 22004 a NULL where none is allowed; 22023 what is asked is out of range, or not the same in
  all rows of a group; 54000 more events, cells or durations than an answer may hold';

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
'session_counts() over the journeys of a journey store
subject: the subject number of the row
events: the journey of the row
occurred_from: from when, inclusive; NULL: from the beginning
occurred_until: until when, exclusive; NULL: to the end
gap: a session ends where more than this passes until the next event
Returns: session_count, as there
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range, or not the same in all rows of a group; 54000 more events, cells or durations
  than an answer may hold';

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
'path_counts() over the journeys of a journey store
subject: the subject number of the row
events: the journey of the row
occurred_from: from when, inclusive; NULL: from the beginning
occurred_until: until when, exclusive; NULL: to the end
depth: at most so many events, 1 to 100; NULL: all
gap: paths are sessions, which end where more than this passes; NULL: whole journeys
collapse: the same event in a row counts once
anchor: name of the event at which paths begin or end; NULL: at the beginning, or the end
anchor_at: first or last, which occurrence of the anchor
direction: from or to the anchor
Returns: path_count, as there
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range, or not the same in all rows of a group; 54000 more events, cells or durations
  than an answer may hold';
CREATE AGGREGATE journey_privacy.edge_counts(
    subject integer, events journey_privacy.journey, occurred_from timestamptz, occurred_until timestamptz, depth integer, gap interval, collapse boolean, anchor text, anchor_at text, direction text) (
  SFUNC = journey_privacy.path_counts_step, STYPE = internal, SSPACE = 8000000,
  FINALFUNC = journey_privacy.edge_counts_final,
  COMBINEFUNC = journey_privacy.path_counts_combine,
  SERIALFUNC = journey_privacy.tally_serial,
  DESERIALFUNC = journey_privacy.path_counts_deserial,
  PARALLEL = SAFE);
COMMENT ON AGGREGATE journey_privacy.edge_counts(integer, journey_privacy.journey, timestamptz, timestamptz, integer, interval, boolean, text, text, text) IS
'edge_counts() over the journeys of a journey store
subject: the subject number of the row
events: the journey of the row
occurred_from: from when, inclusive; NULL: from the beginning
occurred_until: until when, exclusive; NULL: to the end
depth: at most so many events, 1 to 100; NULL: all
gap: paths are sessions, which end where more than this passes; NULL: whole journeys
collapse: the same event in a row counts once
anchor: name of the event at which paths begin or end; NULL: at the beginning, or the end
anchor_at: first or last, which occurrence of the anchor
direction: from or to the anchor
Returns: edge_count, as there
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range, or not the same in all rows of a group; 54000 more events, cells or durations
  than an answer may hold';
