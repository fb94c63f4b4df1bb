-- What all systems have: how values are made, and who asks.

CREATE FUNCTION data_of(i bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT rpad(md5(i::text), 100, md5(md5(i::text))) $$;
CREATE FUNCTION expires_of(i bigint) RETURNS timestamptz LANGUAGE sql STABLE AS
  $$ SELECT now() + (1 + i % 10) * interval '1 year' $$;
DO $$
DECLARE role name;
BEGIN
  FOREACH role IN ARRAY ARRAY['controller', 'customer', 'processor', 'regulator'] LOOP
    IF to_regrole(role) IS NULL THEN
      EXECUTE format('CREATE ROLE %I LOGIN', role);
    END IF;
  END LOOP;
END $$;
