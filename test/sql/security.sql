-- What must hold for everything that the extension brings, in rooms added later
-- too: each query selects the offenders and finds none.  What may deviate is in
-- an explicit list; an entry that is not needed any more is an offence too.
\set VERBOSITY terse
CREATE TEMP VIEW member AS
  SELECT classid, objid FROM pg_depend
  WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'journey_privacy');
CREATE TEMP VIEW proc AS
  SELECT p.oid::regprocedure AS name, p.*, l.lanname FROM pg_proc p
  JOIN pg_language l ON l.oid = p.prolang
  WHERE EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid);
CREATE TEMP VIEW class AS
  SELECT c.oid::regclass AS name, c.* FROM pg_class c
  WHERE EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid);
CREATE TEMP VIEW type AS
  SELECT t.oid::regtype AS name, t.* FROM pg_type t
  WHERE EXISTS (SELECT FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
     OR t.typelem IN (SELECT m.objid FROM member m WHERE m.classid = 'pg_type'::regclass);

-- none of the queries below is empty for want of anything to look at
SELECT (SELECT count(*) FROM proc) >= 47 AS functions, (SELECT count(*) FROM class) >= 12 AS relations,
       (SELECT count(*) FROM type) >= 2 AS types,
       (SELECT count(*) FROM proc WHERE prosecdef) >= 10 AS security_definer;

-- SECURITY DEFINER: just this search_path, as a list and not as one quoted name
SELECT name, proconfig FROM proc
WHERE prosecdef AND proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp'];

-- SECURITY DEFINER: the types of arguments and result are fixed
SELECT name FROM proc WHERE prosecdef AND EXISTS (
  SELECT FROM unnest(proargtypes || coalesce(proallargtypes, '{}') || prorettype || provariadic) t(oid)
  JOIN pg_type USING (oid) WHERE typtype = 'p' AND typname ~ '^any');

-- SECURITY DEFINER and open to PUBLIC: none
SELECT name FROM proc WHERE prosecdef AND has_function_privilege('public', oid, 'EXECUTE');

-- other than C, a function looks names up in a search_path of its own, or never
SELECT name, proconfig FROM proc
WHERE lanname NOT IN ('c', 'internal') AND prosqlbody IS NULL
  AND proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp'];

-- no other function brings settings along
SELECT name, proconfig FROM proc
WHERE proconfig IS NOT NULL AND proconfig <> ARRAY['search_path=pg_catalog, pg_temp'];

-- Each function is VOLATILE, PARALLEL UNSAFE, not LEAKPROOF and closed to PUBLIC
-- unless it is here, with all that it is instead.
CREATE TEMP TABLE deviation (name text, volatility "char", parallel "char",
                             leakproof boolean, public boolean);
INSERT INTO deviation SELECT 'journey_privacy.' || n, v, 's', l, p FROM (VALUES
  -- the types
  ('pseudonym_in(cstring)',                        's', false, true),
  ('pseudonym_out(journey_privacy.pseudonym)',     'i', false, true),
  ('pseudonym_recv(internal)',                     'i', false, true),
  ('pseudonym_send(journey_privacy.pseudonym)',    'i', false, true),
  ('pseudonym_eq(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', true, true),
  ('pseudonym_ne(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', true, true),
  ('pseudonym_lt(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', true, true),
  ('pseudonym_le(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', true, true),
  ('pseudonym_gt(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', true, true),
  ('pseudonym_ge(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', true, true),
  ('pseudonym_cmp(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', true, true),
  ('pseudonym_hash(journey_privacy.pseudonym)',    'i', true, true),
  ('pseudonym_hash_extended(journey_privacy.pseudonym,bigint)', 'i', true, true),
  ('pseudonym_smaller(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', false, true),
  ('pseudonym_larger(journey_privacy.pseudonym,journey_privacy.pseudonym)', 'i', false, true),
  ('pseudonym_sortsupport(internal)',              'i', false, true),
  ('to_pseudonym(uuid)',                           'i', false, true),
  ('to_pseudonym(bytea)',                          'i', false, true),
  ('to_bytea(journey_privacy.pseudonym)',          'i', false, true),
  ('sealed_in(cstring)',                           'i', false, true),
  ('sealed_out(journey_privacy.sealed)',           'i', false, true),
  ('sealed_recv(internal)',                        'i', false, true),
  ('sealed_send(journey_privacy.sealed)',          'i', false, true),
  -- keyed hashes: STABLE because keys can be rotated and destroyed
  ('pseudonymize(text,text)',                      's', false, false),
  ('pseudonymize(text,bigint)',                    's', false, false),
  ('pseudonymize(text,uuid)',                      's', false, false),
  ('scoped(journey_privacy.pseudonym,text)',       's', false, false),
  ('pseudonym_current(journey_privacy.pseudonym)', 's', false, false),
  ('normalize_identity(text,text)',                's', false, false),
  ('is_erased(journey_privacy.pseudonym)',         's', false, false),
  -- an error but within rekey_pseudonyms()
  ('rekeyed(journey_privacy.pseudonym)',           's', false, true),
  ('uuid_v7()',                                    'v', false, false),
  -- decoders: they see nothing but their argument
  ('tcf_decode(text)',                             'i', false, true),
  ('gpp_decode(text)',                             'i', false, true),
  ('google_decode(jsonb)',                         'i', false, true),
  ('mparticle_decode(jsonb)',                      'i', false, true),
  ('looks_like(text)',                             'i', false, true),
  -- row security: it answers for the purpose in force and the current user only
  ('permits(oid,integer)',                         's', false, true),
  ('permits(oid,integer,timestamp with time zone)', 's', false, true),
  ('permits(oid,bigint)', 's', false, true),
  ('permits(oid,bigint,timestamp with time zone)', 's', false, true),
  ('permits(oid,uuid)', 's', false, true),
  ('permits(oid,uuid,timestamp with time zone)', 's', false, true),
  ('permits(oid,text)', 's', false, true),
  ('permits(oid,text,timestamp with time zone)', 's', false, true),
  ('permits(oid,journey_privacy.pseudonym)', 's', false, true),
  ('permits(oid,journey_privacy.pseudonym,timestamp with time zone)', 's', false, true),
  ('everybody()',                                  'i', false, true),
  ('permits_support(internal)',                    'i', false, false),
  -- journeys: names of events may be codes of a dictionary, so STABLE
  ('journey_in(cstring)',                          's', false, true),
  ('journey_out(journey_privacy.journey)',         's', false, true),
  ('journey_recv(internal)',                       's', false, true),
  ('journey_send(journey_privacy.journey)',        's', false, true),
  ('journey_eq(journey_privacy.journey,journey_privacy.journey)', 's', false, true),
  ('journey_ne(journey_privacy.journey,journey_privacy.journey)', 's', false, true),
  ('journey_concat(journey_privacy.journey,journey_privacy.journey)', 's', false, true),
  ('events(journey_privacy.journey)',              's', false, true),
  ('first_at(journey_privacy.journey)',            's', false, true),
  ('last_at(journey_privacy.journey)',             's', false, true),
  ('span(journey_privacy.journey)',                's', false, true),
  ('journey_between(journey_privacy.journey,tstzrange)', 's', false, true),
  ('unnest(journey_privacy.journey)',              's', false, true),
  ('journey_window_funnel(journey_privacy.journey,interval,text,text[])', 's', false, true),
  ('journey_window_funnel_times(journey_privacy.journey,interval,text,text[])', 's', false, true),
  ('journey_funnel(journey_privacy.journey,text[],interval,jsonb)', 's', false, true),
  ('journey_funnel_times(journey_privacy.journey,text[],interval,jsonb)', 's', false, true),
  ('journey_sequence_match(journey_privacy.journey,text,text[])', 's', false, true),
  ('journey_sequence_count(journey_privacy.journey,text,text[])', 's', false, true),
  ('journey_sequence_times(journey_privacy.journey,text,text[])', 's', false, true),
  ('journey_sessions(journey_privacy.journey,interval)', 's', false, true),
  ('journey_path(journey_privacy.journey,integer,boolean,text,text,text)', 's', false, true),
  ('journey_next_event(journey_privacy.journey,text[],text,text)', 's', false, true),
  ('journey_attribution(journey_privacy.journey,text,text,interval,interval,boolean,text[])', 's', false, true)) d(n, v, l, p);
-- aggregates over what the caller reads, with what they are made of
INSERT INTO deviation
  SELECT p.name::text, 'i', 's', false, true FROM proc p
  WHERE p.pronamespace = 'journey_privacy'::regnamespace AND (p.prokind = 'a' OR p.oid IN (
    SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn])
    FROM pg_aggregate JOIN proc a ON a.oid = aggfnoid
    WHERE a.pronamespace = 'journey_privacy'::regnamespace));
INSERT INTO deviation VALUES
  ('min(journey_privacy.pseudonym)', 'i', 's', false, true),
  ('max(journey_privacy.pseudonym)', 'i', 's', false, true),
  -- a window function over what the caller reads
  ('journey_privacy.sessionize(timestamp with time zone,interval)', 'i', 's', false, true),
  -- it tells the audit, which parallel workers would do one by one
  ('journey_privacy.unseal(journey_privacy.pseudonym,journey_privacy.sealed,text)', 's', 'r', false, false),
  -- accounts of the audit
  ('journey_privacy.audit_verifier_key(integer)', 's', 'u', false, false),
  ('journey_privacy.audit_leaf(bigint,bigint)', 's', 'u', false, false),
  ('journey_privacy.audit_inclusion_proof(bigint,bigint)', 's', 'u', false, false),
  ('journey_privacy.audit_consistency_proof(bigint,bigint)', 's', 'u', false, false),
  ('journey_privacy.audit_range_proof(bigint,bigint,bigint)', 's', 'u', false, false),
  -- accounts of one subject
  ('journey_privacy.verify_receipt(jsonb)', 's', 'u', false, false),
  ('journey_privacy.signing_key(integer)', 's', 'u', false, false),
  ('journey_privacy.consent_of(journey_privacy.pseudonym)', 's', 'u', false, false),
  ('journey_privacy.consent_history(journey_privacy.pseudonym)', 's', 'u', false, false),
  ('journey_privacy.why(regclass,journey_privacy.pseudonym,name,text)', 's', 'u', false, false),
  -- answers: they read as the caller, with the floor of the caller's purpose
  ('journey_privacy.subject_count(regclass,tstzrange)', 's', 'u', false, true),
  ('journey_privacy.attribution(regclass,text,name,text,text,interval,interval,boolean,text[],tstzrange,text[],jsonb,name,text,name,name)', 's', 'u', false, true),
  ('journey_privacy.funnel(regclass,text[],interval,jsonb,name,text,tstzrange,text[],jsonb,name,text,name,name)', 's', 'u', false, true),
  ('journey_privacy.funnel_plan(regclass,text[],interval,jsonb,name,text,tstzrange,text[],jsonb,name,text,name,name)', 's', 'u', false, true),
  ('journey_privacy.paths(regclass,integer,interval,boolean,text,text,text,tstzrange,text[],jsonb,name,text,name,name)', 's', 'u', false, true),
  ('journey_privacy.retention(regclass,text,text,text,integer,text,text,tstzrange,text[],jsonb,name,text,name,name)', 's', 'u', false, true),
  ('journey_privacy.sessions(regclass,interval,tstzrange,text[],jsonb,name,text,name,name)', 's', 'u', false, true),
  ('journey_privacy.time_to(regclass,text,text,interval,tstzrange,text[],jsonb,name,text,name,name)', 's', 'u', false, true),
  -- pictures of answers, for whom the DBA lets have them
  ('journey_privacy.funnel_svg(regclass,text[],interval,jsonb,name,text,tstzrange,text[],jsonb,name,text,name,name,text,text)', 's', 'u', false, false),
  ('journey_privacy.journey_map_svg(regclass,integer,interval,boolean,text,text,text,tstzrange,text[],jsonb,name,name,text,text)', 's', 'u', false, false),
  ('journey_privacy.retention_svg(regclass,text,text,text,integer,text,text,tstzrange,text[],jsonb,name,name,text,text)', 's', 'u', false, false),
  ('journey_privacy.consent_svg(text,text,tstzrange,text,text,text)', 's', 'u', false, false),
  -- PostgreSQL asks for it when a partition is made; a trigger and nothing else
  ('journey_privacy.guard_row()', 'v', 'u', false, true),
  ('journey_privacy.store_row()', 'v', 'u', false, true),
  -- an error but in index scans of the planner's
  ('journey_privacy.permitted_numbers(oid)', 's', 's', false, true),
  -- an error but within erasure
  ('journey_privacy.names_subject(oid,integer)', 's', 'u', false, true),
  ('journey_privacy.names_subject(oid,bigint)', 's', 'u', false, true),
  ('journey_privacy.names_subject(oid,uuid)', 's', 'u', false, true),
  ('journey_privacy.names_subject(oid,text)', 's', 'u', false, true),
  -- deadlines, from the regulation and the days that are holidays
  ('journey_privacy.request_deadlines(text,timestamp with time zone,text)', 's', 'u', false, false);
SELECT coalesce(p.name::text, d.name) AS name, p.provolatile, p.proparallel, p.proleakproof, p.public
FROM (SELECT *, has_function_privilege('public', oid, 'EXECUTE') AS public FROM proc) p
FULL JOIN deviation d ON d.name = p.name::text
WHERE (p.provolatile, p.proparallel, p.proleakproof, p.public)
  IS DISTINCT FROM (coalesce(d.volatility, 'v'), coalesce(d.parallel, 'u'),
                    coalesce(d.leakproof, false), coalesce(d.public, false));

-- trigger functions run as triggers only
SELECT name FROM proc
WHERE prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND has_function_privilege('public', oid, 'EXECUTE')
  AND name NOT IN ('journey_privacy.guard_row()'::regprocedure, 'journey_privacy.store_row()');

-- What makes a pseudonym of an identity is a dictionary: closed to PUBLIC,
-- the input function apart, which asks for itself (below).
CREATE TEMP VIEW argument AS
  SELECT p.oid AS function, t.oid AS type, coalesce(p.proargmodes[n], 'i') IN ('i', 'b', 'v') AS comes,
         coalesce(p.proargmodes[n], 'i') IN ('o', 'b', 't') AS goes
  FROM proc p, unnest(coalesce(p.proallargtypes, p.proargtypes)) WITH ORDINALITY t(oid, n)
  UNION ALL SELECT oid, prorettype, false, true FROM proc;
SELECT p.name FROM proc p
WHERE EXISTS (SELECT FROM argument a JOIN pg_type t ON t.oid = a.type
              WHERE a.function = p.oid AND a.comes
                AND (t.typcategory IN ('S', 'N', 'A', 'U') OR t.typtype = 'p')
                AND a.type NOT IN (SELECT oid FROM type) AND t.typname NOT IN ('internal', 'bytea', 'uuid'))
  AND EXISTS (SELECT FROM argument a WHERE a.function = p.oid AND a.goes
              AND a.type IN ('journey_privacy.pseudonym'::regtype, 'journey_privacy.pseudonym[]'::regtype))
  AND p.name <> 'journey_privacy.pseudonym_in(cstring)'::regprocedure
  AND has_function_privilege('public', p.oid, 'EXECUTE');
-- uuid and bytea become a pseudonym by explicit cast, byte by byte; text never by itself
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
WHERE (castsource IN (SELECT oid FROM type) OR casttarget IN (SELECT oid FROM type))
  AND castcontext <> 'e';

-- nobody but its owner writes to what is ours, or reads it, unless it is here
SELECT name FROM class
WHERE relkind <> 'S' AND has_any_column_privilege('public', oid, 'INSERT, UPDATE, REFERENCES')
   OR relkind <> 'S' AND has_table_privilege('public', oid, 'DELETE, TRUNCATE, TRIGGER')
   OR relkind = 'S' AND has_sequence_privilege('public', oid, 'SELECT, USAGE, UPDATE');
SELECT coalesce(c.name::text, l.name) AS name
FROM (SELECT name FROM class
      WHERE relkind <> 'S' AND has_any_column_privilege('public', oid, 'SELECT')) c
FULL JOIN (VALUES ('journey_privacy.purpose'), ('journey_privacy.allowance'),
                  ('journey_privacy.protection'), ('journey_privacy.identity_kind'),
                  ('journey_privacy.column_allowance'),
                  ('journey_privacy.minimization'), ('journey_privacy.data_plan'),
                  ('journey_privacy.planned_event')) l(name)
  ON l.name = c.name::text
WHERE c.name IS NULL OR l.name IS NULL;
SELECT has_schema_privilege('public', 'journey_privacy', 'USAGE') AS "usage",
       has_schema_privilege('public', 'journey_privacy', 'CREATE') AS "create";

-- as installed, no privilege goes to anybody but the owner and PUBLIC
SELECT classoid::regclass, objoid, a.grantee::regrole
FROM pg_init_privs i JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid,
     aclexplode(initprivs) a
WHERE a.grantee NOT IN (0, (SELECT extowner FROM pg_extension WHERE extname = 'journey_privacy'));

-- one owner, whose rights SECURITY DEFINER functions have
SELECT o.name FROM (
  SELECT 'schema' AS name, nspowner AS owner FROM pg_namespace WHERE nspname = 'journey_privacy'
  UNION ALL SELECT name::text, proowner FROM proc
  UNION ALL SELECT name::text, relowner FROM class
  UNION ALL SELECT name::text, typowner FROM type) o
WHERE o.owner <> (SELECT extowner FROM pg_extension WHERE extname = 'journey_privacy');

-- everything has a comment; types of rows and of arrays, members since 17, are no names of ours
SELECT pg_describe_object(classid, objid, 0) FROM member
WHERE classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass,
                  'pg_operator'::regclass, 'pg_event_trigger'::regclass)
  AND coalesce(obj_description(objid, classid::regclass::text::name), '') = ''
  AND objid NOT IN (SELECT oid FROM class WHERE relkind = 'S')
  AND objid NOT IN (SELECT oid FROM pg_type WHERE typcategory = 'A' OR typrelid IN (SELECT oid FROM pg_class WHERE relkind <> 'c'));

-- all names are in our schema; the exceptions take our types and nothing else
SELECT pg_describe_object(m.classid, m.objid, 0) FROM member m
CROSS JOIN pg_identify_object(m.classid, m.objid, 0) i
WHERE i.schema <> 'journey_privacy'
  AND NOT (m.classid = 'pg_operator'::regclass AND i.schema = 'pg_catalog'
           AND EXISTS (SELECT FROM pg_operator o WHERE o.oid = m.objid
                       AND o.oprleft IN (SELECT oid FROM type)
                       AND o.oprright IN (SELECT oid FROM type)))
  AND NOT (m.classid = 'pg_proc'::regclass AND i.schema = 'pg_catalog'
           AND EXISTS (SELECT FROM proc p WHERE p.oid = m.objid AND p.prokind = 'a'
                       AND p.proname IN ('min', 'max')
                       AND p.proargtypes[0] IN (SELECT oid FROM type)));
SELECT evtname FROM pg_event_trigger
JOIN member ON classid = 'pg_event_trigger'::regclass AND objid = oid
WHERE evtname !~ '^journey_privacy_';

-- every table and sequence is dumped, but for the audit, whole unless it is here
SELECT coalesce(c.name::text, d.name) AS name, d.condition
FROM (SELECT name FROM class WHERE relkind IN ('r', 'p', 'S')
      AND name::text !~ '^journey_privacy\.audit_(entry|entry_\d{4}_\d\d|node|checkpoint|tree|verification)$') c
FULL JOIN (SELECT r.relation::regclass::text AS name, r.condition
           FROM pg_extension, unnest(extconfig, extcondition) r(relation, condition)
           WHERE extname = 'journey_privacy') d ON d.name = c.name::text
WHERE c.name IS NULL OR d.name IS NULL
   OR (d.condition <> '' AND (d.name, d.condition)
       <> ('journey_privacy.identity_kind', 'WHERE NOT builtin'));

-- the triggers on our tables fire under logical replication and restores too
SELECT t.tgrelid::regclass, t.tgname FROM pg_trigger t JOIN class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'A';

-- only the purpose is anybody's to set
SELECT name, context FROM pg_settings
WHERE name LIKE 'journey\_privacy.%' AND context NOT IN ('postmaster', 'sighup', 'superuser')
  AND name <> 'journey_privacy.enable_journeyscan'
  AND name <> 'journey_privacy.purpose';

-- A freshly protected table.
SELECT journey_privacy.create_purpose('s_analytics', 'consent');
CREATE ROLE regress_security_owner;
GRANT CREATE ON SCHEMA public TO regress_security_owner;
GRANT EXECUTE ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name)
  TO regress_security_owner;
SET ROLE regress_security_owner;
CREATE TABLE secured (visitor journey_privacy.pseudonym, at timestamptz);
SELECT journey_privacy.protect('secured', 'visitor', occurred_at => 'at');
RESET ROLE;
SELECT polname, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid) AS using,
       pg_get_expr(polwithcheck, polrelid) AS with_check
FROM pg_policy WHERE polrelid = 'secured'::regclass ORDER BY polcmd;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'secured'::regclass;
SELECT tgname, tgfoid::regprocedure, tgenabled, tgtype & 1 > 0 AS for_row, tgtype & 2 > 0 AS before,
       tgtype & 4 > 0 AS insert, tgtype & 16 > 0 AS update, tgattr = '' AS any_column, tgqual
FROM pg_trigger WHERE tgrelid = 'secured'::regclass ORDER BY tgname;
-- for this and any other: the condition is one call of permits() for the row, nothing around it
SELECT polrelid::regclass, polname FROM pg_policy
WHERE polrelid IN (SELECT relation FROM journey_privacy.protection)
  AND NOT polpermissive AND polname LIKE 'journey_privacy\_%'
  AND (NOT EXISTS (SELECT FROM pg_proc f WHERE f.proname = 'permits'
                   AND f.pronamespace = 'journey_privacy'::regnamespace
                   AND polqual::text LIKE '{FUNCEXPR :funcid ' || f.oid || ' %')
       OR polqual::text ~ '(SUBLINK|SUBPLAN)'
       OR (SELECT count(*) FROM regexp_matches(polqual::text, 'FUNCEXPR', 'g')) <> 1);
SELECT p.relation, c.command FROM journey_privacy.protection p
CROSS JOIN (VALUES ('r'::"char"), ('w'), ('d')) c(command)
WHERE NOT EXISTS (SELECT FROM pg_policy
                  WHERE polrelid = p.relation AND polcmd = c.command AND NOT polpermissive);
SELECT p.relation FROM journey_privacy.protection p JOIN pg_class c ON c.oid = p.relation
WHERE NOT (relrowsecurity AND relforcerowsecurity)
   OR NOT EXISTS (SELECT FROM pg_trigger
                  WHERE tgrelid = p.relation AND tgenabled = 'A'
                    AND tgfoid = 'journey_privacy.guard_row'::regproc);

-- Whoever may not pseudonymize() gets no pseudonym from an identity in any other way.
SET ROLE regress_security_owner;
SELECT 'email:ann@example.com'::journey_privacy.pseudonym;
SELECT CAST(concat('email', ':ann@example.com') AS journey_privacy.pseudonym);
SELECT journey_privacy.pseudonym_in('email:ann@example.com');
SELECT journey_privacy.pseudonymize('email', 'ann@example.com');
SELECT journey_privacy.pseudonymize('customer_id', 42);
SELECT journey_privacy.pseudonymize('customer_id', 'f36f1d54-8f36-4d3e-ab0c-3d1fbf3b8a5d'::uuid);
SELECT * FROM json_to_record('{"p": "email:ann@example.com"}') r(p journey_privacy.pseudonym);
SELECT '{email:ann@example.com}'::journey_privacy.pseudonym[];
SELECT '("email:ann@example.com",)'::secured;
INSERT INTO secured VALUES ('email:ann@example.com', now());
CREATE TEMP TABLE mine (p journey_privacy.pseudonym);
COPY mine FROM stdin;
email:ann@example.com
\.
PREPARE p(journey_privacy.pseudonym) AS SELECT $1;
EXECUTE p('email:ann@example.com');
CREATE DOMAIN pg_temp.d AS journey_privacy.pseudonym;
SELECT 'email:ann@example.com'::pg_temp.d;
DROP DOMAIN pg_temp.d;
DROP TABLE mine;
SELECT journey_privacy.rekeyed('p1_000000000000000000000000');
-- nor from a table of their own that has identities in it
CREATE TABLE dictionary (who text, journey_subject integer);
INSERT INTO dictionary VALUES ('ann@example.com');
SELECT journey_privacy.protect('dictionary', 'who', kind => 'email');
DROP TABLE dictionary;
-- and the configuration is not theirs to change
SET journey_privacy.require_preload = off;
SET journey_privacy.keyring_file = '/tmp/mine';
SET journey_privacy.require_locked_memory = off;
SELECT name, setting FROM pg_settings
WHERE name IN ('journey_privacy.keyring_file', 'journey_privacy.keyring_command');
RESET ROLE;
DROP TABLE secured;
REVOKE CREATE ON SCHEMA public FROM regress_security_owner;
REVOKE EXECUTE ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name)
  FROM regress_security_owner;
DROP ROLE regress_security_owner;
SELECT journey_privacy.drop_purpose('s_analytics');
