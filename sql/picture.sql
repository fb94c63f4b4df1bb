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
  'what funnel() answers to the same arguments as an SVG picture: a bar for each step, who leaves in between, a funnel for each of up to 24 groups of the breakdown; with a title (null: a general one) in a language (en, de, fr, es)';

CREATE FUNCTION journey_privacy.journey_map_svg(
    "table" regclass, depth integer DEFAULT 5, gap interval DEFAULT NULL, "collapse" boolean DEFAULT true,
    anchor text DEFAULT NULL, anchor_at text DEFAULT 'first', direction text DEFAULT 'from',
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    title text DEFAULT NULL, language text DEFAULT 'en')
  RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_journey_map_svg';
COMMENT ON FUNCTION journey_privacy.journey_map_svg(regclass, integer, interval, boolean, text, text, text, tstzrange, text[], jsonb, name, name, text, text) IS
  'what paths() answers to the same arguments as an SVG picture: a column for each position (depth null: two, from and to), the 12 largest events in each, and ribbons as thick as there are people (with gap or without depth: times) who went that way; with a title (null: a general one) in a language (en, de, fr, es)';

CREATE FUNCTION journey_privacy.retention_svg(
    "table" regclass, start_event text DEFAULT NULL, return_event text DEFAULT NULL,
    period text DEFAULT 'week', periods integer DEFAULT 8, mode text DEFAULT 'on',
    time_zone text DEFAULT pg_catalog.current_setting('TimeZone'),
    during tstzrange DEFAULT NULL, where_event text[] DEFAULT NULL, where_props jsonb DEFAULT NULL,
    event name DEFAULT 'event', props name DEFAULT 'props',
    title text DEFAULT NULL, language text DEFAULT 'en')
  RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_retention_svg';
COMMENT ON FUNCTION journey_privacy.retention_svg(regclass, text, text, text, integer, text, text, tstzrange, text[], jsonb, name, name, text, text) IS
  'what retention() answers to the same arguments as an SVG picture: a row for each of up to 400 cohorts, a cell for each of up to 60 periods with the share that came back; with a title (null: a general one) in a language (en, de, fr, es)';

CREATE FUNCTION journey_privacy.consent_svg(
    purpose text DEFAULT NULL, period text DEFAULT 'day', during tstzrange DEFAULT NULL,
    time_zone text DEFAULT pg_catalog.current_setting('TimeZone'),
    title text DEFAULT NULL, language text DEFAULT 'en')
  RETURNS text LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'jp_consent_svg';
COMMENT ON FUNCTION journey_privacy.consent_svg(text, text, tstzrange, text, text, text) IS
  'decisions on a purpose (null: on each, up to 24) over time as an SVG picture: how many people said yes and no by day, week (from Monday) or month in time_zone, in up to 400 of them (during null: the last 90), neighbours pooled up to the floor of the purpose, and the share of those who decided whose yes is in force; with a title (null: a general one) in a language (en, de, fr, es)';

REVOKE ALL ON FUNCTION journey_privacy.funnel_svg(regclass, text[], interval, jsonb, name, text, tstzrange, text[], jsonb, name, text, name, name, text, text),
  journey_privacy.journey_map_svg(regclass, integer, interval, boolean, text, text, text, tstzrange, text[], jsonb, name, name, text, text),
  journey_privacy.retention_svg(regclass, text, text, text, integer, text, text, tstzrange, text[], jsonb, name, name, text, text),
  journey_privacy.consent_svg(text, text, tstzrange, text, text, text) FROM PUBLIC;
