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
COMMENT ON COLUMN journey_privacy.allowance.role IS 'who may read';
COMMENT ON COLUMN journey_privacy.allowance.purpose IS 'for what';
COMMENT ON COLUMN journey_privacy.allowance.allowed_at IS 'since when';

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
'lets a role, and who inherits its privileges, read protected tables for a purpose
role: name of a role; its members that inherit may, too
purpose: name of a purpose
Errors: 42704 unknown role or purpose
Source: Art. 5(1)(b) and Art. 29 GDPR';

CREATE FUNCTION journey_privacy.disallow(role name, purpose text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_disallow';
COMMENT ON FUNCTION journey_privacy.disallow(name, text) IS
'takes a purpose away from a role; its running cursors fail at the next fetch
role: name of a role, one that is gone, too
purpose: name of a purpose
Errors: 42704 unknown purpose';

-- What lets rows through where the table has no policy of its own.  It falls
-- with the extension, and leaves nobody rather than everybody.
CREATE FUNCTION journey_privacy.everybody() RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN true;
COMMENT ON FUNCTION journey_privacy.everybody() IS
'row security: lets every row through to the other policies
Returns: true';

-- The one top-level call of every policy.  PUBLIC must be able to run it;
-- it answers only for the purpose that is set and allowed.
CREATE FUNCTION journey_privacy.permits_support(internal) RETURNS internal
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_permits_support';
REVOKE ALL ON FUNCTION journey_privacy.permits_support(internal) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.permits_support(internal) IS
  'planner support for permits()';

CREATE FUNCTION journey_privacy.permitted_numbers(tableoid oid) RETURNS integer[]
  LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_permitted_numbers';
COMMENT ON FUNCTION journey_privacy.permitted_numbers(oid) IS
'row security: the subject numbers whose rows may be seen for the purpose in force, looked up in an
  index where they are few
tableoid: of the table
Returns: numbers in their order
Errors: 42501 as permits(), and wherever it is not the planner who calls';

-- One function for each type of the column that names subjects, with and
-- without the time at which consent must have held.
CREATE FUNCTION journey_privacy.permits(tableoid oid, journey_subject integer)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, integer) IS
'row security: whether a row of this subject number, or in a table without numbers of this subject,
  may be seen for the purpose in force
tableoid: of the row
journey_subject: the subject number of the row
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, journey_subject integer, occurred_at timestamptz)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, integer, timestamptz) IS
'row security: whether a row of this subject number, or in a table without numbers of this subject,
  may be seen for the purpose in force and might have been when it occurred
tableoid: of the row
journey_subject: the subject number of the row
occurred_at: when the event of the row occurred, where the table has visibility collected
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, subject bigint)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, bigint) IS
'row security: whether a row of this subject may be seen for the purpose in force
tableoid: of the row
subject: the subject of the row, as the table has it
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, subject bigint, occurred_at timestamptz)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, bigint, timestamptz) IS
'row security: whether a row of this subject may be seen for the purpose in force and might have been
  when it occurred
tableoid: of the row
subject: the subject of the row, as the table has it
occurred_at: when the event of the row occurred, where the table has visibility collected
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, subject uuid)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, uuid) IS
'row security: whether a row of this subject may be seen for the purpose in force
tableoid: of the row
subject: the subject of the row, as the table has it
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, subject uuid, occurred_at timestamptz)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, uuid, timestamptz) IS
'row security: whether a row of this subject may be seen for the purpose in force and might have been
  when it occurred
tableoid: of the row
subject: the subject of the row, as the table has it
occurred_at: when the event of the row occurred, where the table has visibility collected
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, subject text)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, text) IS
'row security: whether a row of this subject may be seen for the purpose in force
tableoid: of the row
subject: the subject of the row, as the table has it
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, subject text, occurred_at timestamptz)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, text, timestamptz) IS
'row security: whether a row of this subject may be seen for the purpose in force and might have been
  when it occurred
tableoid: of the row
subject: the subject of the row, as the table has it
occurred_at: when the event of the row occurred, where the table has visibility collected
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, subject journey_privacy.pseudonym)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, journey_privacy.pseudonym) IS
'row security: whether a row of this subject may be seen for the purpose in force
tableoid: of the row
subject: the subject of the row, as the table has it
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';
CREATE FUNCTION journey_privacy.permits(tableoid oid, subject journey_privacy.pseudonym, occurred_at timestamptz)
  RETURNS boolean
  LANGUAGE c STABLE PARALLEL SAFE SUPPORT journey_privacy.permits_support
  AS 'MODULE_PATHNAME', 'jp_permits';
COMMENT ON FUNCTION journey_privacy.permits(oid, journey_privacy.pseudonym, timestamptz) IS
'row security: whether a row of this subject may be seen for the purpose in force and might have been
  when it occurred
tableoid: of the row
subject: the subject of the row, as the table has it
occurred_at: when the event of the row occurred, where the table has visibility collected
Returns: false, too, where the subject is NULL or not known
Errors: 42501 no purpose, an unknown one, one that the role is not allowed or that gives answers
  only, or a call outside of the policies; 55000 not a protected table, no keyring, or not preloaded
  where that is required
Source: Art. 6(1) and Art. 18 GDPR';

-- Which columns may be read for a purpose; all, where there is no row.
CREATE TABLE journey_privacy.column_allowance (
  purpose  text COLLATE "C" NOT NULL,
  relation regclass NOT NULL,
  columns  name[] NOT NULL,
  PRIMARY KEY (purpose, relation));
COMMENT ON TABLE journey_privacy.column_allowance IS
  'which columns of a protected table may be read for a purpose; change it with allow_columns()';
COMMENT ON COLUMN journey_privacy.column_allowance.purpose IS 'for what';
COMMENT ON COLUMN journey_privacy.column_allowance.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.column_allowance.columns IS 'that may be read';

CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.column_allowance
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.column_allowance ENABLE ALWAYS TRIGGER catalog_changed;

REVOKE ALL ON journey_privacy.column_allowance FROM PUBLIC;
GRANT SELECT ON journey_privacy.column_allowance TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.column_allowance', '');

CREATE FUNCTION journey_privacy.allow_columns(purpose text, "table" regclass, columns name[])
  RETURNS void
  LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_allow_columns';
COMMENT ON FUNCTION journey_privacy.allow_columns(text, regclass, name[]) IS
'lets only these columns of a protected table be read for a purpose
purpose: name of a purpose
table: a protected one, not a partition
columns: names; NULL: all columns again
Errors: 22004 purpose or table is NULL; 42501 not the owner; 42703 no such column, or a name that is
  NULL; 42704 unknown purpose, or the table is not protected; 55000 a partition
Source: Art. 5(1)(c) GDPR';

-- Not SECURITY DEFINER: it asks whether the caller owns the table.
CREATE FUNCTION journey_privacy.protect(
    "table" regclass, subject name, kind text DEFAULT NULL,
    occurred_at name DEFAULT NULL, collected_for text[] DEFAULT NULL,
    retain_for interval DEFAULT NULL, visibility text DEFAULT 'current',
    on_refused text DEFAULT 'error', on_erase text DEFAULT 'delete',
    redact jsonb DEFAULT NULL, number_column name DEFAULT 'journey_subject')
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_protect';
COMMENT ON FUNCTION journey_privacy.protect(
    regclass, name, text, name, text[], interval, text, text, text, jsonb, name) IS
'puts a table with its partitions and children under row security by purpose and consent, and under
  the insert guard
table: an ordinary or partitioned table of the caller''s
subject: name of the column that names the subject
kind: identity kind of that column, where it is bigint, integer, uuid or text; NULL: it is of type
  pseudonym
occurred_at: name of the column (timestamptz) that says when the event occurred; NULL: none
collected_for: names of the purposes that rows are collected for: who may be seen for none of them
  is refused; NULL: nobody is, but the erased
retain_for: how long rows are kept by purge_expired(), up to 1000 years; NULL: no limit
visibility: current (today''s decision rules all rows), or collected (consent must have held when the
  event occurred, too)
on_refused: error (42501) or skip, for rows of whom collecting is refused
on_erase: delete; redact; or shared: redact while somebody else is in the row
redact: for redact and shared: an object of columns and what they are set to: null, a constant or
  {"default": true}
number_column: name of the integer column for subject numbers, added where missing, overwritten
  where it is there; NULL: no column, the subject is looked up
Errors: 0A000 a partition or child, a composite type, rules, generated columns, a trigger that is
  always enabled, or an isolation level above read committed; 22004 an argument is NULL that must
  not be; 22023 on_refused, visibility, on_erase, redact, retain_for or an empty collected_for that
  cannot be, or the subject''s column as number_column; 42501 not the owner, no EXECUTE on
  pseudonymize(text, text) where a kind is given, functions that others could replace, or rows of
  somebody who was erased; 42703 no such column; 42704 unknown purpose or kind; 42710 protected
  already; 42804 a column of another type; 42809 not a table, a system or temporary table; 55000 no
  keyring
Source: Art. 25 GDPR';

CREATE FUNCTION journey_privacy.unprotect("table" regclass)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_unprotect';
COMMENT ON FUNCTION journey_privacy.unprotect(regclass) IS
'undoes protect(): the table is again what it was before
table: a protected one, not a partition
Errors: 42501 not the owner; 42704 it is not protected; 55000 it is protected as a partition, or a
  journey store follows it';

-- Rule by rule, for those who answer to people and regulators.
CREATE FUNCTION journey_privacy.why(
    "table" regclass, subject journey_privacy.pseudonym,
    role name DEFAULT current_user,
    purpose text DEFAULT pg_catalog.current_setting('journey_privacy.purpose', true),
    OUT rule text, OUT holds boolean, OUT detail text)
  RETURNS SETOF record
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH p AS (SELECT * FROM journey_privacy.protection WHERE relation = $1),
  u AS (SELECT * FROM journey_privacy.purpose WHERE name = $4),
  s AS (SELECT * FROM journey_privacy.subject
        WHERE pseudonym = journey_privacy.pseudonym_current($2)),
  c AS (SELECT c.* FROM journey_privacy.consent_state c
        JOIN s ON s.number = c.number WHERE c.purpose = $4),
  b AS (SELECT b.bits FROM journey_privacy.permitted b
        JOIN s ON b.chunk = s.number / 8192 WHERE b.purpose = $4),
  r AS (SELECT oid, rolsuper OR rolbypassrls AS unbound FROM pg_roles WHERE rolname = $3),
  a AS (SELECT string_agg(a.role, ', ' ORDER BY a.role) AS roles
        FROM journey_privacy.allowance a JOIN pg_roles g ON g.rolname = a.role, r
        WHERE a.purpose = $4 AND pg_has_role(r.oid, g.oid, 'USAGE')),
  decided AS (
    SELECT u.basis,
      CASE WHEN c.number IS NULL THEN u.basis <> 'consent'
           WHEN u.basis IN ('consent', 'opt_out', 'legitimate_interests', 'public_task')
             THEN c.granted AND coalesce(c.valid_until > now(), true)
           ELSE true END AS holds,
      concat_ws(', ', u.basis,
        CASE WHEN c.number IS NULL THEN 'no decision'
             WHEN c.granted THEN 'yes of ' || c.decided_at ELSE 'no of ' || c.decided_at END,
        'valid until ' || c.valid_until) AS detail
    FROM u LEFT JOIN c ON true),
  rules(n, rule, holds, detail) AS (
    SELECT 1, 'the table is protected', EXISTS (SELECT FROM p),
      (SELECT concat_ws(', ', 'subject ' || p.subject_column, 'visibility ' || p.visibility,
                        'as a part of ' || p.inherited_from::text) FROM p)
    UNION ALL SELECT 2, 'row security binds the role',
      (SELECT NOT r.unbound FROM r),
      (SELECT 'superusers and BYPASSRLS roles see every row' FROM r WHERE r.unbound)
    UNION ALL SELECT 3, 'the purpose exists', EXISTS (SELECT FROM u),
      (SELECT u.basis FROM u)
    UNION ALL SELECT 4, 'the role is allowed the purpose', (SELECT a.roles IS NOT NULL FROM a),
      (SELECT 'by ' || a.roles FROM a)
    UNION ALL SELECT 5, 'the subject is registered', EXISTS (SELECT FROM s), NULL
    UNION ALL SELECT 6, 'the subject is not erased', NOT journey_privacy.is_erased($2), NULL
    UNION ALL SELECT 7, 'processing is not restricted',
      coalesce((SELECT NOT s.restricted FROM s), true) OR EXISTS (SELECT FROM u WHERE basis = 'legal_obligation'),
      (SELECT 'restricted (Art. 18 GDPR)' FROM s WHERE s.restricted)
    UNION ALL SELECT 8, 'the legal basis permits', (SELECT d.holds FROM decided d),
      (SELECT d.detail FROM decided d)
    UNION ALL SELECT 9, 'consent held when the event occurred', NULL, 'looked at row by row'
      FROM p WHERE p.visibility = 'collected')
  SELECT rules.rule, rules.holds, rules.detail FROM rules
  UNION ALL SELECT 'the subject''s rows are seen',
    bool_and(coalesce(rules.holds, false)) FILTER (WHERE n NOT IN (2, 9))
      OR NOT coalesce(bool_and(rules.holds) FILTER (WHERE n IN (1, 2)), true),
    (SELECT 'bit ' || get_bit(b.bits, s.number % 8192)
     FROM b, s) FROM rules;
END;
REVOKE ALL ON FUNCTION journey_privacy.why(regclass, journey_privacy.pseudonym, name, text) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.why(regclass, journey_privacy.pseudonym, name, text) IS
'every rule that lets a subject''s rows of a table be seen by a role for a purpose, or hides them
table: a protected one
subject: whose rows
role: who would read; the caller by default
purpose: for what; the purpose in force by default
Returns: rule, holds (NULL: does not matter, or is looked at row by row), detail; the last row says
  whether the subject''s rows are seen
Errors: 55000 no keyring
Source: Art. 5(2) GDPR';

REVOKE ALL ON FUNCTION
  journey_privacy.allow(name, text),
  journey_privacy.disallow(name, text),
  journey_privacy.allow_columns(text, regclass, name[]),
  journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name),
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
  IF EXISTS (SELECT FROM journey_privacy.column_allowance a WHERE a.relation = ANY (dropped)) THEN
    DELETE FROM journey_privacy.column_allowance a WHERE a.relation = ANY (dropped);
  END IF;
  IF EXISTS (SELECT FROM journey_privacy.minimization m WHERE m.relation = ANY (dropped)) THEN
    DELETE FROM journey_privacy.minimization m WHERE m.relation = ANY (dropped);
  END IF;
  IF EXISTS (SELECT FROM journey_privacy.data_plan d WHERE d.relation = ANY (dropped)) THEN
    DELETE FROM journey_privacy.planned_event e WHERE e.relation = ANY (dropped);
    DELETE FROM journey_privacy.data_plan d WHERE d.relation = ANY (dropped);
  END IF;
  DELETE FROM journey_privacy.plan_tally t WHERE t.relation = ANY (dropped);
  DELETE FROM journey_privacy.pseudonym_column c WHERE c.relation = ANY (dropped);
  DELETE FROM journey_privacy.declared_link l WHERE l.child = ANY (dropped) OR l.parent = ANY (dropped);
  DELETE FROM journey_privacy.hold h WHERE h.relation = ANY (dropped);
  DELETE FROM journey_privacy.derived d WHERE d.relation = ANY (dropped) OR d.source = ANY (dropped);
  DELETE FROM journey_privacy.mparticle_mapping m WHERE m.relation = ANY (dropped);
  DELETE FROM journey_privacy.column_description c WHERE c.relation = ANY (dropped);
END $$;
REVOKE ALL ON FUNCTION journey_privacy.forget_dropped() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.forget_dropped() IS
  'event trigger: a dropped table takes its registration along';
CREATE EVENT TRIGGER journey_privacy_forget_dropped ON sql_drop
  EXECUTE FUNCTION journey_privacy.forget_dropped();
COMMENT ON EVENT TRIGGER journey_privacy_forget_dropped IS
  'a dropped table takes its registration along';


-- Partitions and children that come later are covered before they are read.
CREATE FUNCTION journey_privacy.cover_partitions() RETURNS event_trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_cover_partitions';
REVOKE ALL ON FUNCTION journey_privacy.cover_partitions() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.cover_partitions() IS
  'event trigger: puts partitions and children of protected tables under the same policy';
CREATE EVENT TRIGGER journey_privacy_cover_partitions ON ddl_command_end
  EXECUTE FUNCTION journey_privacy.cover_partitions();
COMMENT ON EVENT TRIGGER journey_privacy_cover_partitions IS
  'puts partitions and children of protected tables under the same policy';

-- What protect() made does not fall with something that it depends on, for
-- whoever is not a superuser.  Not SECURITY DEFINER: it asks who that is.
CREATE FUNCTION journey_privacy.keep_policies() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  gone record;
BEGIN
  IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) THEN
    RETURN;
  END IF;
  SELECT d.object_type, p.relation INTO gone
  FROM pg_catalog.pg_event_trigger_dropped_objects() d
  JOIN journey_privacy.protection p ON p.relation = pg_catalog.to_regclass(
    pg_catalog.format('%I.%I', d.address_names[1], d.address_names[2]))
  WHERE d.object_type IN ('policy', 'trigger')
    AND (d.address_names[3] LIKE 'journey\_privacy\_%' OR d.address_names[3] LIKE 'zzz\_journey\_privacy%')
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'permission denied to drop a % of protected table "%"', gone.object_type, gone.relation
      USING ERRCODE = 'insufficient_privilege',
            HINT = 'Only a superuser may, as long as the table is protected.';
  END IF;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.keep_policies() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.keep_policies() IS
  'event trigger: refuses to drop what protect() made along with something else';
CREATE EVENT TRIGGER journey_privacy_keep_policies ON sql_drop
  EXECUTE FUNCTION journey_privacy.keep_policies();
COMMENT ON EVENT TRIGGER journey_privacy_keep_policies IS
  'refuses to drop what protect() made along with something else';
