-- journey
-- How people move: aggregates over the events of one subject.

CREATE FUNCTION journey_privacy.window_funnel_step(internal, timestamptz, interval, text, VARIADIC boolean[])
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_window_funnel_step';
CREATE FUNCTION journey_privacy.gathered_combine(internal, internal)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_gathered_combine';
CREATE FUNCTION journey_privacy.gathered_serial(internal)
  RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_gathered_serial';
CREATE FUNCTION journey_privacy.gathered_deserial(bytea, internal)
  RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_gathered_deserial';
CREATE FUNCTION journey_privacy.window_funnel_final(internal)
  RETURNS integer LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_window_funnel_final';
CREATE FUNCTION journey_privacy.window_funnel_times_final(internal)
  RETURNS timestamptz[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_window_funnel_times_final';

CREATE AGGREGATE journey_privacy.window_funnel(
    occurred_at timestamptz, within interval, mode text, VARIADIC steps boolean[]) (
  SFUNC = journey_privacy.window_funnel_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.window_funnel_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.window_funnel_times(
    occurred_at timestamptz, within interval, mode text, VARIADIC steps boolean[]) (
  SFUNC = journey_privacy.window_funnel_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.window_funnel_times_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);

COMMENT ON AGGREGATE journey_privacy.window_funnel(timestamptz, interval, text, VARIADIC boolean[]) IS
'the deepest of 1 to 64 steps that a chain of events reaches within a time from its beginning, 0 for
  none
occurred_at: when; rows without are left out
within: time from the first event of a chain, inclusive, of fixed length; NULL is refused
mode: default, strict_deduplication, strict_order, strict_increase, strict_once, or several with
  commas
steps: conditions in order; NULL is not met
Returns: number of the step
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is not the same in all rows of a group, or out of range; 54000 more events, names or questions
  than an aggregate may hold
Source: ClickHouse''s windowFunnel';
COMMENT ON AGGREGATE journey_privacy.window_funnel_times(timestamptz, interval, text, VARIADIC boolean[]) IS
'when each step of the deepest chain was made, of the one that got there first
occurred_at: when; rows without are left out
within: as for window_funnel
mode: as for window_funnel
steps: as for window_funnel
Returns: times in the order of the steps; empty for none
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is not the same in all rows of a group, or out of range; 54000 more events, names or questions
  than an aggregate may hold';
COMMENT ON FUNCTION journey_privacy.window_funnel_step(internal, timestamptz, interval, text, VARIADIC boolean[]) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.gathered_combine(internal, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.gathered_serial(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.gathered_deserial(bytea, internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.window_funnel_final(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.window_funnel_times_final(internal) IS 'internal: aggregate';

CREATE FUNCTION journey_privacy.funnel_step(internal, timestamptz, text, text[], interval)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_step';
CREATE FUNCTION journey_privacy.funnel_step(internal, timestamptz, text, text[], interval, jsonb)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_step';
CREATE FUNCTION journey_privacy.funnel_step(internal, timestamptz, text, text[], interval, jsonb, text)
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_step';
CREATE FUNCTION journey_privacy.funnel_final(internal)
  RETURNS integer LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_final';
CREATE FUNCTION journey_privacy.funnel_times_final(internal)
  RETURNS timestamptz[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_funnel_times_final';

CREATE AGGREGATE journey_privacy.funnel(
    occurred_at timestamptz, event text, steps text[], within interval) (
  SFUNC = journey_privacy.funnel_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.funnel_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.funnel(
    occurred_at timestamptz, event text, steps text[], within interval, options jsonb) (
  SFUNC = journey_privacy.funnel_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.funnel_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.funnel(
    occurred_at timestamptz, event text, steps text[], within interval, options jsonb, constant text) (
  SFUNC = journey_privacy.funnel_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.funnel_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.funnel_times(
    occurred_at timestamptz, event text, steps text[], within interval) (
  SFUNC = journey_privacy.funnel_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.funnel_times_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.funnel_times(
    occurred_at timestamptz, event text, steps text[], within interval, options jsonb) (
  SFUNC = journey_privacy.funnel_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.funnel_times_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.funnel_times(
    occurred_at timestamptz, event text, steps text[], within interval, options jsonb, constant text) (
  SFUNC = journey_privacy.funnel_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.funnel_times_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);

COMMENT ON AGGREGATE journey_privacy.funnel(timestamptz, text, text[], interval) IS
'the deepest of 1 to 64 steps that a chain of events comes to, in their order, 0 for none
occurred_at: when; rows without are left out
event: its name
steps: names of events in order; several with | between them are alternatives
within: time from the first event of a chain; NULL: no bound
Returns: number of the step
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is not the same in all rows of a group, or out of range; 54000
  more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.funnel(timestamptz, text, text[], interval, jsonb) IS
'the deepest of 1 to 64 steps that a chain of events comes to, with options, 0 for none
occurred_at: when; rows without are left out
event: its name
steps: names of events in order; several with | between them are alternatives
within: time from the first event of a chain; NULL: no bound
options: an object; NULL: none. order: ordered, strict or any; start: any or first; step_within: an
  interval, or intervals by the number of the step; exclude: events, or events by the number of the
  step before; optional: numbers of steps
Returns: number of the step
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is not the same in all rows of a group, or out of range; 54000
  more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.funnel(timestamptz, text, text[], interval, jsonb, text) IS
'the deepest of 1 to 64 steps that a chain of events of one value comes to, 0 for none
occurred_at: when; rows without are left out
event: its name
steps: names of events in order; several with | between them are alternatives
within: time from the first event of a chain; NULL: no bound
options: an object; NULL: none. order: ordered, strict or any; start: any or first; step_within: an
  interval, or intervals by the number of the step; exclude: events, or events by the number of the
  step before; optional: numbers of steps
constant: chains are of events with one value of this, which is not NULL
Returns: number of the step
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is not the same in all rows of a group, or out of range; 54000
  more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.funnel_times(timestamptz, text, text[], interval) IS
'when each step of the deepest chain was made, of the one that got there first
occurred_at: when; rows without are left out
event: its name
steps: names of events in order; several with | between them are alternatives
within: time from the first event of a chain; NULL: no bound
Returns: times in the order of the steps, NULL for a step left out; empty for no chain
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is not the same in all rows of a group, or out of range; 54000
  more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.funnel_times(timestamptz, text, text[], interval, jsonb) IS
'when each step of the deepest chain was made, with options
occurred_at: when; rows without are left out
event: its name
steps: names of events in order; several with | between them are alternatives
within: time from the first event of a chain; NULL: no bound
options: an object; NULL: none. order: ordered, strict or any; start: any or first; step_within: an
  interval, or intervals by the number of the step; exclude: events, or events by the number of the
  step before; optional: numbers of steps
Returns: times in the order of the steps, NULL for a step left out; empty for no chain
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is not the same in all rows of a group, or out of range; 54000
  more events, names or questions than an aggregate may hold';
COMMENT ON AGGREGATE journey_privacy.funnel_times(timestamptz, text, text[], interval, jsonb, text) IS
'when each step of the deepest chain of one value was made
occurred_at: when; rows without are left out
event: its name
steps: names of events in order; several with | between them are alternatives
within: time from the first event of a chain; NULL: no bound
options: an object; NULL: none. order: ordered, strict or any; start: any or first; step_within: an
  interval, or intervals by the number of the step; exclude: events, or events by the number of the
  step before; optional: numbers of steps
constant: chains are of events with one value of this, which is not NULL
Returns: times in the order of the steps, NULL for a step left out; empty for no chain
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is not the same in all rows of a group, or out of range; 54000
  more events, names or questions than an aggregate may hold';
COMMENT ON FUNCTION journey_privacy.funnel_step(internal, timestamptz, text, text[], interval) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.funnel_step(internal, timestamptz, text, text[], interval, jsonb) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.funnel_step(internal, timestamptz, text, text[], interval, jsonb, text) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.funnel_final(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.funnel_times_final(internal) IS 'internal: aggregate';
