-- policy
-- Who may use which purpose, and which tables are protected.

-- No foreign key to purpose: a parallel restore loads the tables in any order.
CREATE TABLE journey_privacy.allowance (
  role       name NOT NULL,
  purpose    text COLLATE "C" NOT NULL,
  allowed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  PRIMARY KEY (role, purpose));
COMMENT ON TABLE journey_privacy.allowance IS
  'which role may read protected tables for which purpose; change it with allow() and disallow()';

CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.allowance
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.allowance ENABLE ALWAYS TRIGGER catalog_changed;

REVOKE ALL ON journey_privacy.allowance FROM PUBLIC;
GRANT SELECT ON journey_privacy.allowance TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.allowance', '');

CREATE FUNCTION journey_privacy.allow(role name, purpose text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_allow';
COMMENT ON FUNCTION journey_privacy.allow(name, text) IS
  'lets a role, and who inherits its privileges, read protected tables for a purpose';

CREATE FUNCTION journey_privacy.disallow(role name, purpose text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_disallow';
COMMENT ON FUNCTION journey_privacy.disallow(name, text) IS
  'takes a purpose away from a role; its running cursors fail at the next fetch';

-- What lets rows through where the table has no policy of its own.  It falls
-- with the extension, and leaves nobody rather than everybody.
CREATE FUNCTION journey_privacy.everybody() RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN true;
COMMENT ON FUNCTION journey_privacy.everybody() IS
  'row security: lets every row through to the other policies';

-- The one top-level call of every policy.  PUBLIC must be able to run it;
-- it answers only for the purpose that is set and allowed.
CREATE FUNCTION journey_privacy.permits_support(internal) RETURNS internal
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_permits_support';
REVOKE ALL ON FUNCTION journey_privacy.permits_support(internal) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.permits_support(internal) IS
  'planner support for permits()';

CREATE FUNCTION journey_privacy.permits(tableoid oid, journey_subject integer)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, integer) IS
  'row security: whether a row of this subject number may be seen for the purpose in force';

-- Not SECURITY DEFINER: it asks whether the caller owns the table.
CREATE FUNCTION journey_privacy.protect(
    "table" regclass, subject name, kind text DEFAULT NULL,
    occurred_at name DEFAULT NULL, collected_for text[] DEFAULT NULL,
    retain_for interval DEFAULT NULL, on_refused text DEFAULT 'error',
    number_column name DEFAULT 'journey_subject')
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_protect';
COMMENT ON FUNCTION journey_privacy.protect(
    regclass, name, text, name, text[], interval, text, name) IS
  'puts a table under row security by purpose and consent, and under the insert guard';

CREATE FUNCTION journey_privacy.unprotect("table" regclass)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_unprotect';
COMMENT ON FUNCTION journey_privacy.unprotect(regclass) IS
  'undoes protect(): the table is again what it was before';

REVOKE ALL ON FUNCTION
  journey_privacy.allow(name, text),
  journey_privacy.disallow(name, text),
  journey_privacy.protect(regclass, name, text, name, text[], interval, text, name),
  journey_privacy.unprotect(regclass)
  FROM PUBLIC;
-- A dropped table takes its registration along.
CREATE FUNCTION journey_privacy.forget_dropped() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  dropped oid[] := ARRAY(
    SELECT d.objid FROM pg_catalog.pg_event_trigger_dropped_objects() d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.objsubid = 0 AND NOT d.is_temporary);
BEGIN
  -- a DELETE of nothing would still tell every session that something changed
  IF EXISTS (SELECT FROM journey_privacy.protection p WHERE p.relation = ANY (dropped)) THEN
    DELETE FROM journey_privacy.protection p WHERE p.relation = ANY (dropped);
  END IF;
  DELETE FROM journey_privacy.pseudonym_column c WHERE c.relation = ANY (dropped);
END $$;
REVOKE ALL ON FUNCTION journey_privacy.forget_dropped() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.forget_dropped() IS
  'event trigger: a dropped table takes its registration along';
CREATE EVENT TRIGGER journey_privacy_forget_dropped ON sql_drop
  EXECUTE FUNCTION journey_privacy.forget_dropped();
COMMENT ON EVENT TRIGGER journey_privacy_forget_dropped IS
  'a dropped table takes its registration along';

