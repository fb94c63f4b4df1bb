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
COMMENT ON COLUMN journey_privacy.event_name.code IS 'in journeys';
COMMENT ON COLUMN journey_privacy.event_name.name IS 'of the event';
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
  RETURNS integer LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_events';
CREATE FUNCTION journey_privacy.first_at(journey_privacy.journey)
  RETURNS timestamptz LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_first_at';
CREATE FUNCTION journey_privacy.last_at(journey_privacy.journey)
  RETURNS timestamptz LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_last_at';
CREATE FUNCTION journey_privacy.span(journey_privacy.journey)
  RETURNS interval LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_span';
CREATE FUNCTION journey_privacy.journey_between(journey_privacy.journey, tstzrange)
  RETURNS journey_privacy.journey LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_journey_between';
CREATE FUNCTION journey_privacy.unnest(
    journey_privacy.journey, OUT occurred_at timestamptz, OUT event text)
  RETURNS SETOF record LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 20
  AS 'MODULE_PATHNAME', 'jp_journey_unnest';
COMMENT ON FUNCTION journey_privacy.events(journey_privacy.journey) IS
'how many events a journey has
Errors: XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.first_at(journey_privacy.journey) IS
'when the first event of a journey was, null when it is empty
Errors: XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.last_at(journey_privacy.journey) IS
'when the last event of a journey was, null when it is empty
Errors: 54000 names of events take too much memory; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.span(journey_privacy.journey) IS
'from the first event of a journey to the last, null when it is empty
Errors: 54000 names of events take too much memory; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_between(journey_privacy.journey, tstzrange) IS
'the events of a journey whose time lies in a range
Returns: a journey, maybe an empty one
Errors: 54000 names of events take too much memory; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.unnest(journey_privacy.journey) IS
'a row for each event of a journey, in order
Returns: occurred_at and event of each
Errors: 54000 names of events take too much memory; XX001 the journey is damaged';

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
'the journey that events make, in any order of rows
occurred_at: when; rows without are left out
event: its name; rows without are left out
Returns: NULL without rows
Errors: 22008 a time that is not finite; 54000 more events or names than a journey may hold';
COMMENT ON AGGREGATE journey_privacy.journey(journey_privacy.journey) IS
'all events of several journeys as one journey
Returns: NULL without rows
Errors: 54000 more events or names than a journey may hold; XX001 a journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_step(internal, timestamptz, text) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.journey_merge_step(internal, journey_privacy.journey) IS 'internal: aggregate';
COMMENT ON FUNCTION journey_privacy.journey_final(internal) IS 'internal: aggregate';

-- What the aggregates answer, of one journey.  Names of their own: funnel() and
-- others are also functions of a table, and the first argument may be a literal.
CREATE FUNCTION journey_privacy.journey_window_funnel(
    journey_privacy.journey, within interval, mode text, VARIADIC steps text[])
  RETURNS integer LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_window_funnel';
CREATE FUNCTION journey_privacy.journey_window_funnel_times(
    journey_privacy.journey, within interval, mode text, VARIADIC steps text[])
  RETURNS timestamptz[] LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_window_funnel_times';
CREATE FUNCTION journey_privacy.journey_funnel(
    journey_privacy.journey, steps text[], within interval DEFAULT NULL, options jsonb DEFAULT NULL)
  RETURNS integer LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_funnel';
CREATE FUNCTION journey_privacy.journey_funnel_times(
    journey_privacy.journey, steps text[], within interval DEFAULT NULL, options jsonb DEFAULT NULL)
  RETURNS timestamptz[] LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_funnel_times';
CREATE FUNCTION journey_privacy.journey_sequence_match(
    journey_privacy.journey, pattern text, VARIADIC conditions text[])
  RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_sequence_match';
CREATE FUNCTION journey_privacy.journey_sequence_count(
    journey_privacy.journey, pattern text, VARIADIC conditions text[])
  RETURNS bigint LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_sequence_count';
CREATE FUNCTION journey_privacy.journey_sequence_times(
    journey_privacy.journey, pattern text, VARIADIC conditions text[])
  RETURNS timestamptz[] LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_sequence_times';
CREATE FUNCTION journey_privacy.journey_sessions(journey_privacy.journey, session_gap interval)
  RETURNS journey_privacy.session_summary LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_sessions';
CREATE FUNCTION journey_privacy.journey_path(
    journey_privacy.journey, depth integer DEFAULT NULL, "collapse" boolean DEFAULT true,
    anchor text DEFAULT NULL, anchor_at text DEFAULT 'first', direction text DEFAULT 'from')
  RETURNS text[] LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_path';
CREATE FUNCTION journey_privacy.journey_next_event(
    journey_privacy.journey, conditions text[], direction text DEFAULT 'forward', base text DEFAULT 'first_match')
  RETURNS text LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'jp_journey_next_event';
CREATE FUNCTION journey_privacy.journey_attribution(
    journey_privacy.journey, conversion text, model text DEFAULT 'last', lookback interval DEFAULT NULL,
    half_life interval DEFAULT NULL, reuse boolean DEFAULT true, touches text[] DEFAULT NULL)
  RETURNS journey_privacy.channel_credit[] LANGUAGE c STABLE PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_journey_attribution';
COMMENT ON FUNCTION journey_privacy.journey_window_funnel(journey_privacy.journey, interval, text, VARIADIC text[]) IS
'window_funnel() of a journey
within: time from the first event of a chain, of fixed length
mode: as for window_funnel
steps: a step is the name of an event, or several with | between them
Returns: number of the step, 0 for none; NULL for a NULL journey
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range or not known; 54000 more names or questions than a query may hold; XX001 the
  journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_window_funnel_times(journey_privacy.journey, interval, text, VARIADIC text[]) IS
'window_funnel_times() of a journey
within: time from the first event of a chain, of fixed length
mode: as for window_funnel
steps: a step is the name of an event, or several with | between them
Returns: times in the order of the steps; empty for none
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range or not known; 54000 more names or questions than a query may hold; XX001 the
  journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_funnel(journey_privacy.journey, text[], interval, jsonb) IS
'funnel() of a journey
steps: a step is the name of an event, or several with | between them
within: time from the first event of a chain; NULL: no bound
options: as for funnel; NULL: none
Returns: number of the step, 0 for none; NULL for a NULL journey
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is out of range or not known; 54000 more names or questions than a
  query may hold; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_funnel_times(journey_privacy.journey, text[], interval, jsonb) IS
'funnel_times() of a journey
steps: a step is the name of an event, or several with | between them
within: time from the first event of a chain; NULL: no bound
options: as for funnel; NULL: none
Returns: times in the order of the steps; empty for none
Errors: 0A000 step_within in any order; 22008 an interval that is too long; 22004 a NULL where none
  is allowed; 22023 what is asked is out of range or not known; 54000 more names or questions than a
  query may hold; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_sequence_match(journey_privacy.journey, text, VARIADIC text[]) IS
'sequence_match() of a journey; events that meet no condition do not count
pattern: as for sequence_match
conditions: each the name of an event, or several with | between them
Returns: false without a match
Errors: 22004 a NULL where none is allowed; 22023 what is asked is out of range or not known; 54000
  more names or questions than a query may hold; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_sequence_count(journey_privacy.journey, text, VARIADIC text[]) IS
'sequence_count() of a journey
pattern: as for sequence_match
conditions: each the name of an event, or several with | between them
Returns: 0 without a match
Errors: 22004 a NULL where none is allowed; 22023 what is asked is out of range or not known; 54000
  more names or questions than a query may hold; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_sequence_times(journey_privacy.journey, text, VARIADIC text[]) IS
'sequence_times() of a journey
pattern: as for sequence_match
conditions: each the name of an event, or several with | between them
Returns: times in order; empty for none
Errors: 22004 a NULL where none is allowed; 22023 what is asked is out of range or not known; 54000
  more names or questions than a query may hold; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_sessions(journey_privacy.journey, interval) IS
'sessions() of a journey
session_gap: a session ends where more than this passes until the next event
Returns: session_summary
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range or not known; 54000 more names or questions than a query may hold; XX001 the
  journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_path(journey_privacy.journey, integer, boolean, text, text, text) IS
'path() of a journey
depth: at most so many events; NULL: all
collapse: repeats in a row once
anchor: name of an event; NULL: from the beginning, or to the end
anchor_at: first or last, which occurrence of the anchor
direction: from or to the anchor
Returns: names in order; empty when the anchor never happens
Errors: 22004 a NULL where none is allowed; 22023 what is asked is out of range or not known; 54000
  more names or questions than a query may hold; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_next_event(journey_privacy.journey, text[], text, text) IS
'next_event() of a journey
conditions: each the name of an event, or several with | between them
direction: forward or backward
base: head, tail, first_match or last_match
Returns: NULL when there is none
Errors: 22004 a NULL where none is allowed; 22023 what is asked is out of range or not known; 54000
  more names or questions than a query may hold; XX001 the journey is damaged';
COMMENT ON FUNCTION journey_privacy.journey_attribution(journey_privacy.journey, text, text, interval, interval, boolean, text[]) IS
'attribution() of a journey: its events are the channels
conversion: name of the event that converts
model: first, last, linear, position or time_decay
lookback: touches up to so long before; NULL: all
half_life: for time_decay; NULL: 7 days
reuse: touches up to an earlier conversion count again
touches: names of the events that lead to it; NULL: all others
Returns: channel_credit: converted_at, channel, credit (0 to 1)
Errors: 22008 an interval that is too long; 22004 a NULL where none is allowed; 22023 what is asked
  is out of range or not known; 54000 more names or questions than a query may hold; XX001 the
  journey is damaged';

-- Which stores there are.  members: the source with its partitions and
-- children as last seen, by name, so that a dump finds them again.
CREATE TABLE journey_privacy.journey_store (
  name         name PRIMARY KEY,
  relation     regclass NOT NULL UNIQUE,
  source       regclass NOT NULL,
  event_column name NOT NULL,
  bucket       interval NOT NULL,
  members      regclass[] NOT NULL);
COMMENT ON TABLE journey_privacy.journey_store IS
  'tables of journeys that follow a protected table; made with create_journey_store()';
COMMENT ON COLUMN journey_privacy.journey_store.name IS 'of the store';
COMMENT ON COLUMN journey_privacy.journey_store.relation IS 'the store';
COMMENT ON COLUMN journey_privacy.journey_store.source IS 'its table';
COMMENT ON COLUMN journey_privacy.journey_store.event_column IS 'has the names of events';
COMMENT ON COLUMN journey_privacy.journey_store.bucket IS 'time that a row spans';
COMMENT ON COLUMN journey_privacy.journey_store.members IS 'the table with its partitions, when the store was made whole';
CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.journey_store
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.journey_store ENABLE ALWAYS TRIGGER catalog_changed;

-- What changed since the last refresh: a bucket of a subject or, with bucket
-- -infinity, all of a store.  A queue: refresh_journey_store() empties it.
CREATE TABLE journey_privacy.store_change (
  relation regclass NOT NULL,
  number   integer,
  bucket   timestamptz NOT NULL);
CREATE INDEX store_change_bucket ON journey_privacy.store_change (relation, bucket);
CREATE INDEX store_change_number ON journey_privacy.store_change (number);
COMMENT ON TABLE journey_privacy.store_change IS
  'buckets of subjects that a journey store does not have as its table has them';
COMMENT ON COLUMN journey_privacy.store_change.relation IS 'the store';
COMMENT ON COLUMN journey_privacy.store_change.number IS 'of the subject';
COMMENT ON COLUMN journey_privacy.store_change.bucket IS 'beginning of the time that changed';

REVOKE ALL ON journey_privacy.journey_store, journey_privacy.store_change FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.journey_store', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.store_change', '');

-- Not SECURITY DEFINER: they ask whether the caller owns the table.
CREATE FUNCTION journey_privacy.create_journey_store(
    "table" regclass, name name, bucket interval, event name DEFAULT 'event')
  RETURNS regclass
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_create_journey_store';
COMMENT ON FUNCTION journey_privacy.create_journey_store(regclass, name, interval, name) IS
'makes, beside a protected table, a protected table of its journeys; refresh_journey_store() fills it
table: a protected one with a number column and occurred_at
name: of the store, a new table in the schema of the table
bucket: time that one row of a subject spans, of fixed length, from a minute on
event: column with the names of events, text and NOT NULL
Returns: the store
Errors: 0A000 a table without numbers or with visibility collected or policies of its own, an event
  column that may be null, an isolation level above read committed; 22004 an argument is NULL; 22008
  a bucket that is too long; 22023 a bucket that is too short or has months; 42501 not the owner;
  42703 no such column; 42704 not protected; 42710 a store of that name; 42804 a column that is not
  text; 54000 the table has 8 stores; 42P07 a table of that name; 55000 a partition, or a table
  without occurred_at';
CREATE FUNCTION journey_privacy.refresh_journey_store(name name, whole boolean DEFAULT false)
  RETURNS bigint
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_refresh_journey_store';
COMMENT ON FUNCTION journey_privacy.refresh_journey_store(name, boolean) IS
'brings a journey store in line with its table where that has changed
name: of the store
whole: everywhere, not only where something has changed
Returns: how many rows it wrote
Errors: 0A000 at an isolation level above read committed; 22008 an event whose time is not finite;
  42501 not the owner; 42704 no such store; 54000 more events or names than a journey may hold;
  55000 store and table have different owners, are not protected, or the store''s columns were
  changed';
CREATE FUNCTION journey_privacy.drop_journey_store(name name)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_drop_journey_store';
COMMENT ON FUNCTION journey_privacy.drop_journey_store(name) IS
'drops a journey store; its table stays as it is
name: of the store
Errors: 42501 not the owner; 42704 no such store';
CREATE FUNCTION journey_privacy.store_covering(
    "table" regclass, during tstzrange, OUT store regclass, OUT why text)
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_store_covering_sql';
COMMENT ON FUNCTION journey_privacy.store_covering(regclass, tstzrange) IS
'the journey store that has all events of a table in a range of time as they are now
table: a protected one
during: range of time
Returns: store, or why none has';
REVOKE ALL ON FUNCTION
  journey_privacy.store_covering(regclass, tstzrange),
  journey_privacy.create_journey_store(regclass, name, interval, name),
  journey_privacy.refresh_journey_store(name, boolean),
  journey_privacy.drop_journey_store(name)
  FROM PUBLIC;

-- PUBLIC must be able to run it: PostgreSQL asks when a partition is made.
CREATE FUNCTION journey_privacy.store_row() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_store_row';
COMMENT ON FUNCTION journey_privacy.store_row() IS
  'trigger: notes which buckets of journey stores a row changes';
CREATE FUNCTION journey_privacy.store_truncated() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_store_truncated';
REVOKE ALL ON FUNCTION journey_privacy.store_truncated() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_truncated() IS
  'trigger: notes that all of a journey store has changed';

-- Makes what follows changes, on a table, whatever is under it and its stores.  Row
-- triggers of a partitioned table are there on its partitions by themselves.
CREATE FUNCTION journey_privacy.store_follow(source oid) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  member regclass;
BEGIN
  FOR member IN
    SELECT unnest(s.members) FROM journey_privacy.journey_store s WHERE s.source = $1
    UNION SELECT s.relation FROM journey_privacy.journey_store s WHERE s.source = $1 ORDER BY 1
  LOOP
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = member AND tgname = 'zzz_journey_privacy_store') THEN
      EXECUTE format('CREATE TRIGGER zzz_journey_privacy_store BEFORE INSERT OR UPDATE OR DELETE ON %s'
        ' FOR EACH ROW EXECUTE FUNCTION journey_privacy.store_row()', member);
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zzz_journey_privacy_store', member);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = member AND tgname = 'zzz_journey_privacy_store_truncate') THEN
      EXECUTE format('CREATE TRIGGER zzz_journey_privacy_store_truncate AFTER TRUNCATE ON %s'
        ' FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.store_truncated()', member);
      EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER zzz_journey_privacy_store_truncate', member);
    END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.store_follow(oid) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_follow(oid) IS
  'internal: makes the triggers that note changes for journey stores';
CREATE FUNCTION journey_privacy.store_unfollow(relation oid) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  trigger name;
BEGIN
  FOR trigger IN
    SELECT tgname FROM pg_trigger WHERE tgrelid = $1 AND tgparentid = 0
      AND tgname IN ('zzz_journey_privacy_store', 'zzz_journey_privacy_store_truncate')
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', trigger, $1::regclass);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.store_unfollow(oid) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_unfollow(oid) IS
  'internal: drops the triggers that noted changes for journey stores';

-- A purpose that may not read time or name of events may not read journeys.
CREATE FUNCTION journey_privacy.store_columns(relation regclass, only_store name DEFAULT NULL) RETURNS void
  LANGUAGE sql VOLATILE
BEGIN ATOMIC
  INSERT INTO journey_privacy.column_allowance (purpose, relation, columns)
    SELECT a.purpose, s.relation,
      ARRAY(SELECT c.name FROM (VALUES ('subject'::name, p.subject_column = ANY (a.columns)),
              ('journey_subject', p.number_column = ANY (a.columns)),
              ('bucket', p.occurred_at = ANY (a.columns)),
              ('events', p.occurred_at = ANY (a.columns) AND s.event_column = ANY (a.columns))) c(name, may)
            WHERE c.may)
    FROM journey_privacy.column_allowance a
    JOIN journey_privacy.journey_store s ON s.source = a.relation
    JOIN journey_privacy.protection p ON p.relation = s.source
    WHERE a.relation = $1::oid AND (only_store IS NULL OR s.name = only_store)
  ON CONFLICT (purpose, relation) DO UPDATE SET columns = EXCLUDED.columns;
  DELETE FROM journey_privacy.column_allowance a USING journey_privacy.journey_store s
    WHERE a.relation = s.relation AND s.source = $1::oid AND (only_store IS NULL OR s.name = only_store)
      AND NOT EXISTS (SELECT FROM journey_privacy.column_allowance o
                      WHERE o.relation = s.source AND o.purpose = a.purpose);
END;
REVOKE ALL ON FUNCTION journey_privacy.store_columns(regclass, name) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_columns(regclass, name) IS
  'internal: which columns of a table''s journey stores may be read, by what may be of the table';
CREATE FUNCTION journey_privacy.store_columns_changed() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM journey_privacy.store_columns(coalesce(NEW.relation, OLD.relation));
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.store_columns_changed() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_columns_changed() IS
  'trigger: columns of journey stores may be read as those of their table';
CREATE TRIGGER store_columns_changed
  AFTER INSERT OR UPDATE OR DELETE ON journey_privacy.column_allowance
  FOR EACH ROW EXECUTE FUNCTION journey_privacy.store_columns_changed();
ALTER TABLE journey_privacy.column_allowance ENABLE ALWAYS TRIGGER store_columns_changed;

-- What is followed, and a store itself, stays protected.
CREATE FUNCTION journey_privacy.store_keeps_protection() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  store record;
BEGIN
  SELECT s.name, s.relation = OLD.relation AS itself INTO store
  FROM journey_privacy.journey_store s
  WHERE OLD.relation IN (s.relation, s.source)
    AND EXISTS (SELECT FROM pg_class c WHERE c.oid = OLD.relation) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'table "%" % journey store "%"', OLD.relation,
      CASE WHEN store.itself THEN 'is' ELSE 'has' END, store.name
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Drop it with journey_privacy.drop_journey_store() first.';
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.store_keeps_protection() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_keeps_protection() IS
  'trigger: a table with a journey store stays protected, and the store too';
CREATE TRIGGER store_keeps_protection AFTER DELETE ON journey_privacy.protection
  FOR EACH ROW EXECUTE FUNCTION journey_privacy.store_keeps_protection();
ALTER TABLE journey_privacy.protection ENABLE ALWAYS TRIGGER store_keeps_protection;

-- Who is erased is not even noted as changed.
CREATE FUNCTION journey_privacy.store_forget_changes() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM journey_privacy.journey_store) THEN
    DELETE FROM journey_privacy.store_change c USING gone g WHERE c.number = g.number;
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.store_forget_changes() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_forget_changes() IS
  'trigger: takes erased subjects out of what journey stores have to make anew';
CREATE TRIGGER store_forget_changes AFTER DELETE ON journey_privacy.subject
  REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.store_forget_changes();
ALTER TABLE journey_privacy.subject ENABLE ALWAYS TRIGGER store_forget_changes;

-- Tables that come to a source, or leave it, bring and take rows unnoticed by
-- triggers; a table that is written anew may have others.
CREATE FUNCTION journey_privacy.store_members() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  store journey_privacy.journey_store;
  now_members regclass[];
  left_one oid;
BEGIN
  FOR store IN SELECT * FROM journey_privacy.journey_store LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM pg_class WHERE oid = store.source);
    IF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = store.source
                   AND a.attname = store.event_column AND NOT a.attisdropped
                   AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)) THEN
      RAISE EXCEPTION 'journey store "%" rests on column "%" of table "%"',
          store.name, store.event_column, store.source
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Drop it with journey_privacy.drop_journey_store() first, and create it after the change.';
    END IF;
    WITH RECURSIVE tree(relid) AS (
      SELECT store.source::oid UNION
      SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relid AND NOT i.inhdetachpending)
    SELECT array_agg(relid::regclass ORDER BY relid) INTO now_members FROM tree;
    CONTINUE WHEN now_members::oid[] @> store.members::oid[] AND store.members::oid[] @> now_members::oid[];
    UPDATE journey_privacy.journey_store s SET members = now_members WHERE s.name = store.name;
    INSERT INTO journey_privacy.store_change VALUES (store.relation, NULL, '-infinity');
    PERFORM journey_privacy.store_follow(store.source);
    FOR left_one IN
      SELECT m FROM unnest(store.members::oid[]) m JOIN pg_class c ON c.oid = m WHERE m <> ALL (now_members::oid[])
    LOOP
      PERFORM journey_privacy.store_unfollow(left_one);
    END LOOP;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.store_members() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_members() IS
  'event trigger: partitions and children come to a journey store''s table, or leave it';
CREATE EVENT TRIGGER journey_privacy_store_members ON ddl_command_end
  EXECUTE FUNCTION journey_privacy.store_members();
COMMENT ON EVENT TRIGGER journey_privacy_store_members IS
  'partitions and children come to a journey store''s table, or leave it';
CREATE FUNCTION journey_privacy.store_rewritten() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO journey_privacy.store_change
    SELECT s.relation, NULL, '-infinity' FROM journey_privacy.journey_store s
    WHERE pg_event_trigger_table_rewrite_oid() = ANY (s.members::oid[]);
END $$;
REVOKE ALL ON FUNCTION journey_privacy.store_rewritten() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_rewritten() IS
  'event trigger: all of a journey store has changed when its table is written anew';
CREATE EVENT TRIGGER journey_privacy_store_rewritten ON table_rewrite
  EXECUTE FUNCTION journey_privacy.store_rewritten();
COMMENT ON EVENT TRIGGER journey_privacy_store_rewritten IS
  'all of a journey store has changed when its table is written anew';

-- A store goes with its table; without stores, nothing follows the table.
CREATE FUNCTION journey_privacy.store_dropped() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  store journey_privacy.journey_store;
  member oid;
BEGIN
  FOR store IN
    SELECT s.* FROM journey_privacy.journey_store s
    JOIN pg_event_trigger_dropped_objects() d
      ON d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.objid IN (s.relation, s.source)
  LOOP
    DELETE FROM journey_privacy.journey_store s WHERE s.name = store.name;
    CONTINUE WHEN NOT FOUND;
    DELETE FROM journey_privacy.store_change c WHERE c.relation = store.relation;
    IF EXISTS (SELECT FROM pg_class WHERE oid = store.relation) THEN
      EXECUTE format('DROP TABLE %s', store.relation);
    ELSIF NOT EXISTS (SELECT FROM journey_privacy.journey_store s WHERE s.source = store.source) THEN
      FOR member IN SELECT m FROM unnest(store.members::oid[]) m JOIN pg_class c ON c.oid = m ORDER BY 1 LOOP
        PERFORM journey_privacy.store_unfollow(member);
      END LOOP;
    END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.store_dropped() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.store_dropped() IS
  'event trigger: a journey store goes with its table, and what followed the table with its last store';
CREATE EVENT TRIGGER journey_privacy_store_dropped ON sql_drop
  EXECUTE FUNCTION journey_privacy.store_dropped();
COMMENT ON EVENT TRIGGER journey_privacy_store_dropped IS
  'a journey store goes with its table, and what followed the table with its last store';
