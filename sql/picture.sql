-- picture
-- Answers as pictures: SVG text that is complete by itself.  They ask the
-- answers as the caller does, so what is drawn is what may be told.

CREATE FUNCTION journey_privacy.funnel_svg(
    "table" regclass, steps text[], within interval DEFAULT NULL, options jsonb DEFAULT NULL,
    constant name DEFAULT NULL, constant_key text DEFAULT NULL,
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    breakdown name DEFAULT NULL, breakdown_key text DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    title text DEFAULT NULL, language text DEFAULT 'en')
  RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_funnel_svg';
COMMENT ON FUNCTION journey_privacy.funnel_svg(regclass, text[], interval, jsonb, name, text, tstzrange, text[], jsonb, name, text, name, name, text, text) IS
'what funnel() answers to the same arguments as an SVG picture: a bar for each step, a funnel for
  each of up to 24 groups
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
title: above the picture; NULL: a general one
language: en, de, fr or es
Returns: SVG, complete by itself
Errors: 0A000 step_within in any order; 22004 a NULL where none is allowed; 22008 an interval that
  is too long; 22023 an argument out of range or a key without its column; 42501 no purpose, one
  that is not allowed, no privilege, a column that may not be read; 42703 no such column; 42704
  unknown purpose; 42804 a column of another type, or with a cast to text that somebody made; 42809
  not a protected table, or without occurred_at; 54000 more than an answer may hold';

CREATE FUNCTION journey_privacy.journey_map_svg(
    "table" regclass, depth integer DEFAULT 5, gap interval DEFAULT NULL, "collapse" boolean DEFAULT true,
    anchor text DEFAULT NULL, anchor_at text DEFAULT 'first', direction text DEFAULT 'from',
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    title text DEFAULT NULL, language text DEFAULT 'en')
  RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_journey_map_svg';
COMMENT ON FUNCTION journey_privacy.journey_map_svg(regclass, integer, interval, boolean, text, text, text, tstzrange, text[], jsonb, name, name, text, text) IS
'what paths() answers to the same arguments as an SVG picture: the 12 largest events at each
  position, and ribbons as thick as there are people who went that way
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
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
title: above the picture; NULL: a general one
language: en, de, fr or es
Returns: SVG, complete by itself
Errors: 22004 a NULL where none is allowed; 22008 an interval that is too long; 22023 an argument
  out of range or a key without its column; 42501 no purpose, one that is not allowed, no privilege,
  a column that may not be read; 42703 no such column; 42704 unknown purpose; 42804 a column of
  another type, or with a cast to text that somebody made; 42809 not a protected table, or without
  occurred_at; 54000 more than an answer may hold';

CREATE FUNCTION journey_privacy.retention_svg(
    "table" regclass, start_event text DEFAULT NULL, return_event text DEFAULT NULL,
    period text DEFAULT 'week', periods integer DEFAULT 8, mode text DEFAULT 'on',
    time_zone text DEFAULT pg_catalog.current_setting('TimeZone'),
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    title text DEFAULT NULL, language text DEFAULT 'en')
  RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_retention_svg';
COMMENT ON FUNCTION journey_privacy.retention_svg(regclass, text, text, text, integer, text, text, tstzrange, text[], jsonb, name, name, text, text) IS
'what retention() answers to the same arguments as an SVG picture: a row for each of up to 400
  cohorts, a cell for each of up to 60 periods
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
event: name of the text column that has the names of events
props: name of the jsonb column that has their properties
title: above the picture; NULL: a general one
language: en, de, fr or es
Returns: SVG, complete by itself
Errors: 22004 a NULL where none is allowed; 22008 an interval that is too long; 22023 an argument
  out of range or a key without its column; 42501 no purpose, one that is not allowed, no privilege,
  a column that may not be read; 42703 no such column; 42704 unknown purpose; 42804 a column of
  another type, or with a cast to text that somebody made; 42809 not a protected table, or without
  occurred_at; 54000 more than an answer may hold';

CREATE FUNCTION journey_privacy.consent_svg(
    purpose text DEFAULT NULL, period text DEFAULT 'day', during tstzrange DEFAULT NULL,
    time_zone text DEFAULT pg_catalog.current_setting('TimeZone'),
    title text DEFAULT NULL, language text DEFAULT 'en')
  RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_consent_svg';
COMMENT ON FUNCTION journey_privacy.consent_svg(text, text, tstzrange, text, text, text) IS
'decisions on a purpose over time as an SVG picture, neighbours pooled up to the floor of the purpose
purpose: its name; NULL: each, up to 24
period: day, week (from Monday) or month
during: range of time of up to 400 periods; NULL: the last 90
time_zone: in which days begin
title: above the picture; NULL: a general one
language: en, de, fr or es
Returns: SVG, complete by itself
Errors: 22004 period, time_zone or language is NULL; 22023 an unknown period, time zone or language,
  a range without time in it or of too many periods; 42704 unknown purpose; 54000 more than a
  picture may hold';

REVOKE ALL ON FUNCTION journey_privacy.funnel_svg(regclass, text[], interval, jsonb, name, text, tstzrange, text[], jsonb, name, text, name, name, text, text),
  journey_privacy.journey_map_svg(regclass, integer, interval, boolean, text, text, text, tstzrange, text[], jsonb, name, name, text, text),
  journey_privacy.retention_svg(regclass, text, text, text, integer, text, text, tstzrange, text[], jsonb, name, name, text, text),
  journey_privacy.consent_svg(text, text, tstzrange, text, text, text) FROM PUBLIC;
