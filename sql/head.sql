-- head
-- What every room needs: a schema that is ours alone, and the trigger that
-- tells every session of changed configuration.
\echo Use "CREATE EXTENSION journey_privacy CASCADE" to load this file. \quit

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace n
             WHERE n.nspname = 'journey_privacy'
               AND (NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = n.nspowner
                                AND (r.rolname = current_user OR r.rolsuper))
                    OR EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) a
                               WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner)
                    OR EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid)
                    OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid)
                    OR EXISTS (SELECT FROM pg_catalog.pg_operator o WHERE o.oprnamespace = n.oid)))
  THEN
    RAISE EXCEPTION 'schema journey_privacy exists and is not empty or not yours'
      USING ERRCODE = 'duplicate_schema',
            HINT = 'Drop or rename it; the extension makes its own.';
  END IF;
END $$;

-- A dump restores it under its old owner, before this.
ALTER SCHEMA journey_privacy OWNER TO CURRENT_USER;
GRANT USAGE ON SCHEMA journey_privacy TO PUBLIC;

CREATE FUNCTION journey_privacy.catalog_changed() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_catalog_changed';
REVOKE ALL ON FUNCTION journey_privacy.catalog_changed() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.catalog_changed() IS
  'trigger: tells every session that a configuration table has changed';

