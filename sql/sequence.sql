-- sequence
-- Patterns of events: do they occur, how often, and when.

CREATE FUNCTION journey_privacy.sequence_step(internal, text, timestamptz, VARIADIC boolean[])
  RETURNS internal LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sequence_step';
CREATE FUNCTION journey_privacy.sequence_match_final(internal)
  RETURNS boolean LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sequence_match_final';
CREATE FUNCTION journey_privacy.sequence_count_final(internal)
  RETURNS bigint LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sequence_count_final';
CREATE FUNCTION journey_privacy.sequence_times_final(internal)
  RETURNS timestamptz[] LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_sequence_times_final';

CREATE AGGREGATE journey_privacy.sequence_match(
    pattern text, occurred_at timestamptz, VARIADIC conditions boolean[]) (
  SFUNC = journey_privacy.sequence_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.sequence_match_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.sequence_count(
    pattern text, occurred_at timestamptz, VARIADIC conditions boolean[]) (
  SFUNC = journey_privacy.sequence_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.sequence_count_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);
CREATE AGGREGATE journey_privacy.sequence_times(
    pattern text, occurred_at timestamptz, VARIADIC conditions boolean[]) (
  SFUNC = journey_privacy.sequence_step, STYPE = internal, SSPACE = 256,
  FINALFUNC = journey_privacy.sequence_times_final,
  COMBINEFUNC = journey_privacy.gathered_combine,
  SERIALFUNC = journey_privacy.gathered_serial,
  DESERIALFUNC = journey_privacy.gathered_deserial,
  PARALLEL = SAFE);

COMMENT ON AGGREGATE journey_privacy.sequence_match(text, timestamptz, VARIADIC boolean[]) IS
'whether events follow each other as a pattern says
pattern: such as ''(?1).*(?t<=600)(?2)'': (?1) an event that meets the first condition, . any,
  (?t<=600) at most 600 seconds later, and ( ) | * + ? {m,n}
occurred_at: when; rows without are left out
conditions: 1 to 64; NULL is not met
Returns: false without a match
Errors: 22004 a NULL where none is allowed; 22023 what is asked is not the same in all rows of a
  group, or out of range; 54000 more events, names or questions than an aggregate may hold; 54000 a
  pattern that is too long or leaves too many ways open
Source: ClickHouse''s sequenceMatch';
COMMENT ON AGGREGATE journey_privacy.sequence_count(text, timestamptz, VARIADIC boolean[]) IS
'how many times events follow each other as a pattern says, counted without overlap
pattern: such as ''(?1).*(?t<=600)(?2)'': (?1) an event that meets the first condition, . any,
  (?t<=600) at most 600 seconds later, and ( ) | * + ? {m,n}
occurred_at: when; rows without are left out
conditions: 1 to 64; NULL is not met
Returns: 0 without a match
Errors: 22004 a NULL where none is allowed; 22023 what is asked is not the same in all rows of a
  group, or out of range; 54000 more events, names or questions than an aggregate may hold; 54000 a
  pattern that is too long or leaves too many ways open
Source: ClickHouse''s sequenceMatch';
COMMENT ON AGGREGATE journey_privacy.sequence_times(text, timestamptz, VARIADIC boolean[]) IS
'when the events happened that met the conditions of a pattern, in its first match or else in the
  longest beginning of one
pattern: such as ''(?1).*(?t<=600)(?2)'': (?1) an event that meets the first condition, . any,
  (?t<=600) at most 600 seconds later, and ( ) | * + ? {m,n}
occurred_at: when; rows without are left out
conditions: 1 to 64; NULL is not met
Returns: times in order; empty for none
Errors: 22004 a NULL where none is allowed; 22023 what is asked is not the same in all rows of a
  group, or out of range; 54000 more events, names or questions than an aggregate may hold; 54000 a
  pattern that is too long or leaves too many ways open
Source: ClickHouse''s sequenceMatch';
COMMENT ON FUNCTION journey_privacy.sequence_step(internal, text, timestamptz, VARIADIC boolean[]) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.sequence_match_final(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.sequence_count_final(internal) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.sequence_times_final(internal) IS 'internal: aggregate';
