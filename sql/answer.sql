-- answer
-- Questions about a whole journey table, answered in one call.

CREATE FUNCTION journey_privacy.subject_count("table" regclass, during tstzrange DEFAULT NULL)
  RETURNS bigint
  LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_subject_count';
COMMENT ON FUNCTION journey_privacy.subject_count(regclass, tstzrange) IS
  'how many subjects that may be seen a protected table has, with events between two times or at any time; null below the floor of the purpose';
