-- answer
-- Questions about a whole journey table, answered in one call.
-- They run as the caller and leave search_path alone: the policies of a table
-- may call functions that need it.  The statements within qualify every name.

CREATE FUNCTION journey_privacy.subject_count("table" regclass, during tstzrange DEFAULT NULL)
  RETURNS bigint
  LANGUAGE c STABLE
  AS 'MODULE_PATHNAME', 'jp_subject_count';
COMMENT ON FUNCTION journey_privacy.subject_count(regclass, tstzrange) IS
  'how many subjects that may be seen a protected table has, with events between two times or at any time; null below the floor of the purpose';
