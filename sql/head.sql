-- head
-- What every room needs: a schema that is ours alone, and the trigger that
-- tells every session of changed configuration.
\echo Use "CREATE EXTENSION journey_privacy CASCADE" to load this file. \quit

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace n
             WHERE n.nspname = 'journey_privacy'
               AND (n.nspowner <> (SELECT r.oid FROM pg_catalog.pg_roles r
                                   WHERE r.rolname = current_user)
                    OR EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid)
                    OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid)
                    OR EXISTS (SELECT FROM pg_catalog.pg_operator o WHERE o.oprnamespace = n.oid)))
  THEN
    RAISE EXCEPTION 'schema journey_privacy exists and is not empty or not yours'
      USING ERRCODE = 'duplicate_schema',
            HINT = 'Drop or rename it; the extension makes its own.';
  END IF;
END $$;

GRANT USAGE ON SCHEMA journey_privacy TO PUBLIC;

CREATE FUNCTION journey_privacy.catalog_changed() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_catalog_changed';
REVOKE ALL ON FUNCTION journey_privacy.catalog_changed() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.catalog_changed() IS
  'trigger: tells every session that a configuration table has changed';

