-- The reference of the README, made from the catalog: psql -XAtq -f test/reference.sql
-- prints it, and test/t/004_readme.pl compares.  What people do not call by
-- name (I/O, operators, triggers, support) is left out.
SET search_path = pg_catalog;
WITH ours AS (
  SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
  WHERE e.extname = 'journey_privacy' AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass),
used AS (
  SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend])::oid AS proc FROM pg_type JOIN ours ON objid = pg_type.oid
  UNION SELECT oprcode FROM pg_operator JOIN ours ON objid = pg_operator.oid
  UNION SELECT amproc FROM pg_amproc UNION SELECT aggtransfn FROM pg_aggregate
  UNION SELECT prosupport FROM pg_proc UNION SELECT castfunc FROM pg_cast),
line AS (
  SELECT 1 AS part, p.proname::text AS name,
    format('| `%s(%s)`%s | %s | %s |', p.proname,
      replace(regexp_replace(replace(pg_get_function_arguments(p.oid), 'journey_privacy.', ''),
              '::[a-z ]+(\[\])?', '', 'g'), 'timestamp with time zone', 'timestamptz'),
      CASE p.prokind WHEN 'p' THEN '' ELSE ' → `' || replace(replace(pg_get_function_result(p.oid),
        'journey_privacy.', ''), 'timestamp with time zone', 'timestamptz') || '`' END,
      obj_description(p.oid, 'pg_proc'),
      CASE WHEN has_function_privilege('public', p.oid, 'EXECUTE') THEN 'everybody' ELSE 'who is granted' END)
      AS text, pg_get_function_arguments(p.oid) AS args
  FROM pg_proc p JOIN ours ON ours.classid = 'pg_proc'::regclass AND ours.objid = p.oid
  WHERE p.oid NOT IN (SELECT proc FROM used) AND (p.prokind IN ('f', 'p') OR p.prokind = 'a' AND p.pronamespace = 'journey_privacy'::regnamespace)
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
    AND obj_description(p.oid, 'pg_proc') !~ '^(I/O|internal)'
  UNION ALL
  SELECT 2, c.relname, format('| `%s` | %s | %s |',
      c.relname, obj_description(c.oid, 'pg_class'),
      CASE WHEN has_table_privilege('public', c.oid, 'SELECT') THEN 'everybody' ELSE 'who is granted' END), ''
  FROM pg_class c JOIN ours ON ours.classid = 'pg_class'::regclass AND ours.objid = c.oid
  WHERE c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition)
SELECT text FROM (
  SELECT 1 AS part, 0 AS head, '' AS name, '' AS args, E'| function | what it does | who may run it |\n|---|---|---|' AS text
  UNION ALL SELECT 2, 0, '', '', E'\n| table or view | what it holds | who may read it |\n|---|---|---|'
  UNION ALL SELECT part, 1, name, args, text FROM line) t
ORDER BY part, head, name COLLATE "C", args COLLATE "C";
