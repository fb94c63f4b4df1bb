-- The reference, made from the catalog: psql -XAtq -f test/reference.sql prints
-- doc/reference.md, with -v short=1 the tables of the README; run it where sql/
-- lies, which says to what room an object belongs.  test/t/010_reference.pl
-- compares.  What people do not call by name (I/O, operators, triggers,
-- support) is left out.
--
-- A comment is a sentence, then lines "argument: meaning", "Returns: ...",
-- "Errors: SQLSTATE when; ..." and "Source: ..."; two spaces at the beginning of a
-- line mean that it goes on.
\set created `grep -oE --exclude='*--*' '^CREATE (FUNCTION|PROCEDURE|AGGREGATE|TABLE|VIEW|TYPE) journey_privacy\.\w+' sql/*.sql`
SET search_path = pg_catalog;

CREATE TEMP VIEW room AS
SELECT row_number() OVER () AS place, room, title FROM (VALUES
  ('keyring', 'Keys'), ('pseudonym', 'Identities and pseudonyms'), ('subject', 'Subjects'), ('sealed', 'Sealed values'),
  ('audit', 'The audit'), ('consent', 'Purposes and consent'), ('exchange', 'Consent from elsewhere'),
  ('collection', 'What may be written'), ('policy', 'Protection'), ('guard', 'Copies'), ('erasure', 'Erasure'),
  ('scrub', 'Scrubbing'), ('request', 'Requests of data subjects'), ('opendsr', 'OpenDSR'), ('ingest', 'mParticle''s events'),
  ('journey', 'Funnels, one subject at a time'), ('sequence', 'Patterns, one subject at a time'),
  ('session', 'Sessions, paths and attribution, one subject at a time'), ('store', 'Stored journeys'),
  ('answer', 'Answers in one call'), ('retention', 'Retention'), ('discovery', 'Discovery'), ('doctor', 'The doctor'),
  ('notice', 'Notices and records'), ('picture', 'Pictures'), ('report', 'The page and the metrics')) r (room, title);

CREATE TEMP TABLE created AS
SELECT m[1] AS room, m[2] AS class, m[3] AS name
FROM regexp_split_to_table(:'created', '\n') line, regexp_match(line, '^sql/(\w+)\.sql:CREATE (\w+) journey_privacy\.(\w+)$') m;

CREATE TEMP VIEW ours AS
SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
WHERE e.extname = 'journey_privacy' AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass;

CREATE TEMP VIEW unnamed AS
SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend])::oid AS proc FROM pg_type JOIN ours ON objid = pg_type.oid
UNION SELECT oprcode FROM pg_operator JOIN ours ON objid = pg_operator.oid
UNION SELECT amproc FROM pg_amproc UNION SELECT aggtransfn FROM pg_aggregate
UNION SELECT prosupport FROM pg_proc UNION SELECT castfunc FROM pg_cast;

CREATE FUNCTION pg_temp.plain(type text) RETURNS text LANGUAGE sql AS
$$ SELECT replace(replace(replace(type, 'journey_privacy.', ''), 'timestamp with time zone', 'timestamptz'), 'double precision', 'float8') $$;

CREATE TEMP VIEW function AS
SELECT p.oid, p.proname AS name, p.prokind, p.prosrc, p.prolang, r.place,
  pg_temp.plain(regexp_replace(pg_get_function_arguments(p.oid), '::[a-z ]+(\[\])?', '', 'g')) AS arguments,
  CASE WHEN p.prokind <> 'p' THEN pg_temp.plain(pg_get_function_result(p.oid)) END AS result,
  has_function_privilege('public', p.oid, 'EXECUTE') AS open, p.prosecdef AS definer, p.proisstrict AS strict,
  obj_description(p.oid, 'pg_proc') AS comment
FROM pg_proc p JOIN ours ON ours.classid = 'pg_proc'::regclass AND ours.objid = p.oid
LEFT JOIN created c ON c.name = p.proname
  AND c.class = CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END
LEFT JOIN room r ON r.room = c.room
WHERE p.oid NOT IN (SELECT proc FROM unnamed) AND (p.prokind IN ('f', 'p', 'w') OR p.prokind = 'a' AND p.pronamespace = 'journey_privacy'::regnamespace)
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
  AND obj_description(p.oid, 'pg_proc') !~ '^(I/O|internal)'
-- overloads of one room are created one by one
GROUP BY p.oid, r.place;

-- The parts of a comment: nothing before the sentence, then the labels.
CREATE TEMP VIEW part AS
SELECT f.oid, n, CASE WHEN n > 1 THEN (regexp_match(line, '^(\w+): '))[1] END AS label,
  CASE WHEN n > 1 THEN regexp_replace(line, '^\w+: ', '') ELSE line END AS text
FROM function f, regexp_split_to_table(replace(f.comment, E'\n  ', ' '), '\n') WITH ORDINALITY l (line, n);

CREATE TEMP VIEW argument AS
SELECT f.oid, a.n, a.name, a.mode, pg_temp.plain(format_type(a.type, NULL)) AS type,
  CASE WHEN a.input > p.pronargs - p.pronargdefaults THEN
    pg_temp.plain(regexp_replace(pg_get_function_arg_default(p.oid, a.n::integer), '::[a-z ]+(\[\])?', '', 'g')) END AS "default"
FROM function f JOIN pg_proc p ON p.oid = f.oid,
  LATERAL (SELECT n, name, mode, type, sum((mode IN ('i', 'b', 'v'))::integer) OVER (ORDER BY n) AS input
           FROM unnest(p.proargnames, coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[p.pronargs::integer])),
                       coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY a (name, mode, type, n)) a;

CREATE TEMP VIEW relation AS
SELECT c.oid, c.relname AS name, r.place, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
  has_table_privilege('public', c.oid, 'SELECT') AS open, obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c JOIN ours ON ours.classid = 'pg_class'::regclass AND ours.objid = c.oid
LEFT JOIN created k ON k.name = c.relname AND k.class IN ('TABLE', 'VIEW') LEFT JOIN room r ON r.room = k.room
WHERE c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition;

CREATE TEMP VIEW type AS
SELECT t.oid, t.typname AS name, r.place, t.typrelid, obj_description(t.oid, 'pg_type') AS comment
FROM pg_type t JOIN ours ON ours.classid = 'pg_type'::regclass AND ours.objid = t.oid
LEFT JOIN LATERAL (SELECT DISTINCT k.room FROM created k WHERE k.name = t.typname AND k.class = 'TYPE') k ON true
LEFT JOIN room r ON r.room = k.room
WHERE t.typtype IN ('b', 'c') AND t.typelem = 0 AND (t.typrelid = 0 OR t.typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c'));

CREATE TEMP VIEW columns AS
SELECT a.attrelid AS oid, E'| column | type | meaning |\n|---|---|---|\n' ||
  string_agg(format('| `%s` | %s | %s |', a.attname, pg_temp.plain(format_type(a.atttypid, a.atttypmod)), col_description(a.attrelid, a.attnum)),
             E'\n' ORDER BY a.attnum) AS list
FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid;

CREATE TEMP VIEW setting AS
SELECT s.name, s.vartype || coalesce(' in ' || s.unit, '') AS type, s.min_val || ' to ' || s.max_val AS range,
  array_to_string(s.enumvals, ', ') AS words, concat_ws(' ', s.short_desc, s.extra_desc) AS text,
  CASE s.context WHEN 'user' THEN 'anyone' WHEN 'sighup' THEN 'configuration file' WHEN 'postmaster' THEN 'server start' ELSE s.context END AS who,
  CASE WHEN s.boot_val = '' THEN 'empty' WHEN s.unit = 'ms' THEN s.boot_val::integer / 1000 || 's'
       WHEN s.unit = 's' THEN s.boot_val::integer / 60 || 'min' WHEN s.unit = 'kB' THEN s.boot_val::integer / 1024 || 'MB'
       ELSE s.boot_val END AS boot
FROM pg_settings s WHERE s.name LIKE 'journey\_privacy.%';

\if :{?short}
SELECT E'| function | what it does | who may run it |\n|---|---|---|';
SELECT format('| [`%s()`](doc/reference.md#%s) | %s | %s |', name, name, (array_agg(p.text ORDER BY length(arguments), arguments COLLATE "C"))[1],
  string_agg(DISTINCT CASE WHEN open THEN 'everybody' ELSE 'who is granted' END, ', '))
FROM function f JOIN part p ON p.oid = f.oid AND p.n = 1
GROUP BY name, f.prokind = 'a', place ORDER BY place, name COLLATE "C", f.prokind = 'a';
SELECT E'\n| table or view | what it holds | who may read it |\n|---|---|---|';
SELECT format('| [`%s`](doc/reference.md#%s) | %s | %s |', name, name, comment, CASE WHEN open THEN 'everybody' ELSE 'who is granted' END)
FROM relation ORDER BY place, name COLLATE "C";
\else
\qecho '# Reference'
\qecho
\qecho 'Made from the comments of the catalog by `test/reference.sql`; a test compares. `\\df+ journey_privacy.*` shows the same in psql. Everything is'
\qecho 'in schema `journey_privacy`. Lengths of time are `interval`, moments `timestamptz`; ranges of time contain what PostgreSQL says they contain.'
\qecho
\qecho '- An argument of type `pseudonym` takes the canonical form (`p1_…`) from everybody, and `kind:value` from who has EXECUTE on'
\qecho '  `pseudonymize(text, text)` (else 42501); 22P02 where it is neither, 22023 for a value that the kind cannot have, 42704 for an unknown kind,'
\qecho '  55000 without a keyring.'
\qecho '- An argument of type `regclass` that names no table is 42P01. Functions without EXECUTE are 42501; on a standby what writes is 25006.'
\qecho '- "strict" functions return NULL for a NULL argument. Functions that run as the extension''s owner ask for nothing but EXECUTE, unless they say so.'
\qecho '- "Who is granted" is at first the superuser who installed the extension.'
\qecho '- What PostgreSQL itself may raise anywhere (a lock timeout, a cancel, no memory, text that is not UTF-8: 22021) is not repeated.'
SELECT entry FROM (
  SELECT place, 0 AS kind, '' AS name, '' AS arguments, format(E'\n## %s', title) AS entry FROM room
  WHERE place IN (SELECT place FROM function UNION SELECT place FROM relation UNION SELECT place FROM type)
  UNION ALL
  SELECT f.place, 1, f.name, f.arguments, concat(
    CASE WHEN row_number() OVER (PARTITION BY f.place, f.name ORDER BY f.arguments COLLATE "C") = 1 THEN format(E'\n### %s\n', f.name) END,
    format(E'\n`%s(%s)`%s\n\n%s.', f.name, f.arguments, ' → `' || f.result || '`', (SELECT upper(left(text, 1)) || substr(text, 2) FROM part p WHERE p.oid = f.oid AND n = 1)),
    (SELECT E'\n\n| argument | type | default | meaning |\n|---|---|---|---|\n' ||
       string_agg(format('| `%s` | %s%s | %s | %s |', a.name, CASE a.mode WHEN 'v' THEN 'VARIADIC ' WHEN 'b' THEN 'INOUT ' END, a.type, '`' || a."default" || '`', replace(p.text, '|', '\|')),
                  E'\n' ORDER BY a.n)
     FROM argument a LEFT JOIN part p ON p.oid = a.oid AND p.label = a.name WHERE a.oid = f.oid AND a.mode IN ('i', 'b', 'v') AND a.name <> ''),
    E'\n\n' || concat_ws(E'\n',
      (SELECT '- Returns: ' || p.text FROM part p WHERE p.oid = f.oid AND p.label = 'Returns'),
      (SELECT '- Columns: ' || string_agg(format('`%s` %s', a.name, a.type), ', ' ORDER BY a.n) FROM argument a WHERE a.oid = f.oid AND a.mode IN ('o', 't')),
      (SELECT '- Errors:' || regexp_replace('; ' || p.text, '; (\w{5}) ', E'\n  - `\\1` ', 'g') FROM part p WHERE p.oid = f.oid AND p.label = 'Errors'),
      (SELECT '- Source: ' || p.text FROM part p WHERE p.oid = f.oid AND p.label = 'Source'),
      format('- %s, by %s%s%s', CASE f.prokind WHEN 'p' THEN 'Procedure' WHEN 'a' THEN 'Aggregate' WHEN 'w' THEN 'Window function' ELSE 'Function' END,
             CASE WHEN f.open THEN 'everybody' ELSE 'who is granted' END, CASE WHEN f.definer THEN '; runs as the extension''s owner' END,
             CASE WHEN f.strict AND f.prokind <> 'a' THEN '; strict' END)))
  FROM function f
  UNION ALL
  SELECT r.place, 2, r.name, '', format(E'\n### %s\n\n%s, for %s to read: %s.\n\n%s', r.name, initcap(r.kind),
    CASE WHEN r.open THEN 'everybody' ELSE 'who is granted' END, r.comment, c.list)
  FROM relation r JOIN columns c ON c.oid = r.oid
  UNION ALL
  SELECT t.place, 3, t.name, '', format(E'\n### %s%s\n\nType: %s.%s', t.name,
    CASE WHEN EXISTS (SELECT FROM function f WHERE f.name = t.name) THEN ' (type)' END, t.comment, E'\n\n' || c.list)
  FROM type t LEFT JOIN columns c ON c.oid = t.typrelid) e
ORDER BY place, kind, name COLLATE "C", arguments COLLATE "C";
SELECT E'\n## Settings';
SELECT format(E'\n### %s\n\n%s\n\n- Type: %s%s%s\n- Default: %s\n- Set by: %s', name, text, type, ', ' || range, ': ' || words, boot, who)
FROM setting ORDER BY name COLLATE "C";
\endif
