-- session
-- Sessions, paths and what led to a conversion: aggregates over the events of one subject.

CREATE TYPE journey_privacy.session_summary AS (
  sessions integer,
  events integer,
  bounces integer,
  total_duration interval,
  longest_duration interval,
  first_at timestamptz,
  last_at timestamptz);
CREATE TYPE journey_privacy.channel_credit AS (
  converted_at timestamptz,
  channel text,
  credit double precision);

CREATE FUNCTION journey_privacy.sessionize(occurred_at timestamptz, session_gap interval)
  RETURNS integer LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sessionize';
CREATE FUNCTION journey_privacy.sessions_step(internal, timestamptz, interval)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sessions_step';
CREATE FUNCTION journey_privacy.sessions_final(internal)
  RETURNS journey_privacy.session_summary LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sessions_final';
CREATE FUNCTION journey_privacy.path_step(internal, timestamptz, text)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_step';
CREATE FUNCTION journey_privacy.path_step(internal, timestamptz, text, integer)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_step';
CREATE FUNCTION journey_privacy.path_step(internal, timestamptz, text, integer, boolean, text, text, text)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_step';
CREATE FUNCTION journey_privacy.path_final(internal)
  RETURNS text[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_path_final';
CREATE FUNCTION journey_privacy.next_event_step(internal, timestamptz, text, VARIADIC boolean[])
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_next_event_step';
CREATE FUNCTION journey_privacy.next_event_step(internal, timestamptz, text, text, text, boolean, VARIADIC boolean[])
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_next_event_step';
CREATE FUNCTION journey_privacy.next_event_final(internal)
  RETURNS text LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_next_event_final';
CREATE FUNCTION journey_privacy.attribution_step(internal, timestamptz, text, boolean, text, interval)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_attribution_step';
CREATE FUNCTION journey_privacy.attribution_step(internal, timestamptz, text, boolean, text, interval, interval, boolean)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_attribution_step';
CREATE FUNCTION journey_privacy.attribution_final(internal)
  RETURNS journey_privacy.channel_credit[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_attribution_final';
CREATE FUNCTION journey_privacy.retention_step(internal, VARIADIC boolean[])
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_step';
CREATE FUNCTION journey_privacy.retention_combine(internal, internal)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_combine';
CREATE FUNCTION journey_privacy.retention_serial(internal)
  RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_serial';
CREATE FUNCTION journey_privacy.retention_deserial(bytea, internal)
  RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_deserial';
CREATE FUNCTION journey_privacy.retention_final(internal)
  RETURNS boolean[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_retention_final';

CREATE AGGREGATE journey_privacy.sessions(occurred_at timestamptz, session_gap interval) (
  SFUNC = journey_privacy.sessions_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.sessions_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.path(occurred_at timestamptz, event text) (
  SFUNC = journey_privacy.path_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.path_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.path(occurred_at timestamptz, event text, depth integer) (
  SFUNC = journey_privacy.path_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.path_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.path(
    occurred_at timestamptz, event text, depth integer, collapse boolean, anchor text, anchor_at text, direction text) (
  SFUNC = journey_privacy.path_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.path_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.next_event(occurred_at timestamptz, event text, VARIADIC conditions boolean[]) (
  SFUNC = journey_privacy.next_event_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.next_event_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.next_event(
    occurred_at timestamptz, event text, direction text, base text, base_condition boolean, VARIADIC conditions boolean[]) (
  SFUNC = journey_privacy.next_event_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.next_event_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.attribution(
    touched_at timestamptz, channel text, converted boolean, model text, touched_within interval) (
  SFUNC = journey_privacy.attribution_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.attribution_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.attribution(
    touched_at timestamptz, channel text, converted boolean, model text, touched_within interval, half_life interval, reuse boolean) (
  SFUNC = journey_privacy.attribution_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.attribution_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.retained(VARIADIC conditions boolean[]) (
  SFUNC = journey_privacy.retention_step, STYPE = internal, SSPACE = 32,
  FINALFUNC = journey_privacy.retention_final,
  COMBINEFUNC = journey_privacy.retention_combine,
  SERIALFUNC = journey_privacy.retention_serial,
  DESERIALFUNC = journey_privacy.retention_deserial,
  PARALLEL = SAFE);

COMMENT ON TYPE journey_privacy.session_summary IS
  'sessions of one subject: how many, with how many events, how many of one event (bounces), how long together and at most, and the time of the first and the last event';
COMMENT ON COLUMN journey_privacy.session_summary.sessions IS 'how many';
COMMENT ON COLUMN journey_privacy.session_summary.events IS 'in all of them';
COMMENT ON COLUMN journey_privacy.session_summary.bounces IS 'sessions of one event';
COMMENT ON COLUMN journey_privacy.session_summary.total_duration IS 'of all sessions';
COMMENT ON COLUMN journey_privacy.session_summary.longest_duration IS 'of one session';
COMMENT ON COLUMN journey_privacy.session_summary.first_at IS 'when the first event was';
COMMENT ON COLUMN journey_privacy.session_summary.last_at IS 'when the last event was';
COMMENT ON TYPE journey_privacy.channel_credit IS
  'a channel''s share (0 to 1) of the conversion at a time; without a channel for a conversion that no touch led to';
COMMENT ON COLUMN journey_privacy.channel_credit.converted_at IS 'when the conversion was';
COMMENT ON COLUMN journey_privacy.channel_credit.channel IS 'NULL: no touch led to it';
COMMENT ON COLUMN journey_privacy.channel_credit.credit IS 'its share, 0 to 1';
COMMENT ON FUNCTION journey_privacy.sessionize(timestamptz, interval) IS
'window function: the number, from 1, of the session that the row is in; the window must be ordered
  by occurred_at, ascending
occurred_at: when
session_gap: a session ends where more than this passes until the next row
Returns: NULL when occurred_at is
Errors: 22004 session_gap is NULL; 22008 an interval that is too long; 22023 a negative interval,
  one with months, or rows in another order; 54000 more than 2,147,483,647 sessions';
COMMENT ON AGGREGATE journey_privacy.sessions(timestamptz, interval) IS
'the sessions of one subject in sum
occurred_at: when; rows without are left out
session_gap: a session ends where more than this passes until the next event
Returns: session_summary: sessions, events, bounces (sessions of one event), total_duration,
  longest_duration, first_at, last_at
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is not the same in all rows of a group, or out of range; 54000 more events, names or questions
  than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.path(timestamptz, text) IS
'the events of one subject in order of time, repeats in a row once
occurred_at: when; rows without are left out
event: its name
Returns: names in order
Errors: 22004 a NULL where none is allowed; 22023 what is asked is not the same in all rows of a
  group, or out of range; 54000 more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.path(timestamptz, text, integer) IS
'the first events of one subject, depth at most, in order of time, repeats in a row once
occurred_at: when; rows without are left out
event: its name
depth: at most so many; NULL: all
Returns: names in order
Errors: 22004 a NULL where none is allowed; 22023 what is asked is not the same in all rows of a
  group, or out of range; 54000 more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.path(timestamptz, text, integer, boolean, text, text, text) IS
'events of one subject in order of time, from or to an anchor
occurred_at: when; rows without are left out
event: its name
depth: at most so many; NULL: all
collapse: repeats in a row once
anchor: name of an event; NULL: from the beginning, or to the end
anchor_at: first or last, which occurrence of the anchor
direction: from or to the anchor
Returns: names in order; empty when the anchor never happens
Errors: 22004 a NULL where none is allowed; 22023 what is asked is not the same in all rows of a
  group, or out of range; 54000 more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.next_event(timestamptz, text, VARIADIC boolean[]) IS
'the event right after a chain of events, each of which meets the next of 1 to 31 conditions, from
  the first event on that meets the first
occurred_at: when; rows without are left out
event: its name
conditions: in order; NULL is not met
Returns: NULL when there is none
Errors: 22004 a NULL where none is allowed; 22023 what is asked is not the same in all rows of a
  group, or out of range; 54000 more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.next_event(timestamptz, text, text, text, boolean, VARIADIC boolean[]) IS
'the event right after or before a chain of events, each of which meets the next of 1 to 31
  conditions
occurred_at: when; rows without are left out
event: its name
direction: forward (after the chain) or backward (before it)
base: where the chain begins: head, tail, first_match or last_match of the first condition
base_condition: must hold for the event at the base, too
conditions: in order; NULL is not met
Returns: NULL when there is none
Errors: 22004 a NULL where none is allowed; 22023 what is asked is not the same in all rows of a
  group, or out of range; 54000 more events, names or questions than an aggregate may hold
Source: ClickHouse''s sequenceNextNode';
COMMENT ON AGGREGATE journey_privacy.attribution(timestamptz, text, boolean, text, interval) IS
'the credit that each channel has for each conversion of one subject
touched_at: when the touch or conversion was
channel: of a touch; NULL: no touch
converted: whether the row is a conversion
model: first, last, linear, position (40/20/40) or time_decay
touched_within: touches up to so long before a conversion; NULL: all
Returns: channel_credit: converted_at, channel, credit (0 to 1)
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is not the same in all rows of a group, or out of range; 54000 more events, names or questions
  than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.attribution(timestamptz, text, boolean, text, interval, interval, boolean) IS
'the credit that each channel has for each conversion of one subject, with all options
touched_at: when the touch or conversion was
channel: of a touch; NULL: no touch
converted: whether the row is a conversion
model: first, last, linear, position (40/20/40) or time_decay
touched_within: touches up to so long before a conversion; NULL: all
half_life: for time_decay; NULL: 7 days
reuse: touches up to an earlier conversion count again
Returns: channel_credit: converted_at, channel, credit (0 to 1)
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is not the same in all rows of a group, or out of range; 54000 more events, names or questions
  than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.retained(VARIADIC boolean[]) IS
'whether the first of 1 to 64 conditions was met by any row, and each other one together with the
  first, in any order
conditions: the first is who counts at all; NULL is not met
Returns: one boolean for each condition; NULL without rows
Errors: 22004 a condition list that is NULL; 22023 no condition, more than 64, or not so many in all
  rows
Source: ClickHouse''s retention';
COMMENT ON FUNCTION journey_privacy.sessions_step(internal, timestamptz, interval) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.sessions_final(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.path_step(internal, timestamptz, text) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.path_step(internal, timestamptz, text, integer) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.path_step(internal, timestamptz, text, integer, boolean, text, text, text) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.path_final(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.next_event_step(internal, timestamptz, text, VARIADIC boolean[]) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.next_event_step(internal, timestamptz, text, text, text, boolean, VARIADIC boolean[]) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.next_event_final(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.attribution_step(internal, timestamptz, text, boolean, text, interval) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.attribution_step(internal, timestamptz, text, boolean, text, interval, interval, boolean) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.attribution_final(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.retention_step(internal, VARIADIC boolean[]) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.retention_combine(internal, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.retention_serial(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.retention_deserial(bytea, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.retention_final(internal) IS 'internal: aggregate';
