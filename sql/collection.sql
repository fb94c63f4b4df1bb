-- collection
-- What may be written: the registered journey tables, and the insert guard
-- that binds everyone who writes to them, owners, superusers and COPY too.

-- Names, not numbers, so that dumps restore anywhere.
CREATE TABLE journey_privacy.protection (
  relation       regclass PRIMARY KEY,
  subject_column name NOT NULL,
  kind           text,
  number_column  name,
  occurred_at    name,
  collected_for  text[] COLLATE "C",
  retain_for     interval,
  visibility     text NOT NULL CHECK (visibility IN ('current', 'collected')),
  on_refused     text NOT NULL CHECK (on_refused IN ('error', 'skip')),
  -- what unprotect() must put back
  added_number   boolean NOT NULL,
  had_security   boolean NOT NULL,
  had_force      boolean NOT NULL,
  -- a partition or child, covered because of its parent
  inherited_from regclass,
  protected_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
  -- what erasing does to a row
  on_erase       text NOT NULL CHECK (on_erase IN ('delete', 'redact', 'shared')),
  redact         jsonb);
COMMENT ON TABLE journey_privacy.protection IS
  'journey tables registered with protect()';
COMMENT ON COLUMN journey_privacy.protection.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.protection.subject_column IS 'names the subject';
COMMENT ON COLUMN journey_privacy.protection.kind IS 'identity kind of that column; NULL: it is of type pseudonym';
COMMENT ON COLUMN journey_privacy.protection.number_column IS 'has the subject number; NULL: none';
COMMENT ON COLUMN journey_privacy.protection.occurred_at IS 'column that says when; NULL: none';
COMMENT ON COLUMN journey_privacy.protection.collected_for IS 'purposes; NULL: none is asked for';
COMMENT ON COLUMN journey_privacy.protection.retain_for IS 'how long rows are kept; NULL: no limit';
COMMENT ON COLUMN journey_privacy.protection.visibility IS 'current or collected';
COMMENT ON COLUMN journey_privacy.protection.on_refused IS 'error or skip';
COMMENT ON COLUMN journey_privacy.protection.added_number IS 'protect() added the number column';
COMMENT ON COLUMN journey_privacy.protection.had_security IS 'row security was on before';
COMMENT ON COLUMN journey_privacy.protection.had_force IS 'row security was forced before';
COMMENT ON COLUMN journey_privacy.protection.inherited_from IS 'table that it is a part of; NULL: itself';
COMMENT ON COLUMN journey_privacy.protection.protected_at IS 'when';
COMMENT ON COLUMN journey_privacy.protection.on_erase IS 'delete, redact or shared';
COMMENT ON COLUMN journey_privacy.protection.redact IS 'columns, and what they are set to';

CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.protection
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.protection ENABLE ALWAYS TRIGGER catalog_changed;

REVOKE ALL ON journey_privacy.protection FROM PUBLIC;
GRANT SELECT ON journey_privacy.protection TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.protection', '');

CREATE FUNCTION journey_privacy.guard_row() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_guard_row';
-- for all: PostgreSQL copies the trigger to a new partition as who makes it
COMMENT ON FUNCTION journey_privacy.guard_row() IS
  'trigger: the insert guard; keeps the subject number, refuses rows without a basis and rows of erased subjects';

CREATE FUNCTION journey_privacy.guard_truncate() RETURNS trigger
  LANGUAGE c AS 'MODULE_PATHNAME', 'jp_guard_truncate';
REVOKE ALL ON FUNCTION journey_privacy.guard_truncate() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.guard_truncate() IS
  'trigger: refuses TRUNCATE to those whom row security binds';

-- Columns of type pseudonym that are not the subject of a protected table:
-- rekey_pseudonyms() must know them.
CREATE TABLE journey_privacy.pseudonym_column (
  relation    regclass NOT NULL,
  column_name name NOT NULL,
  PRIMARY KEY (relation, column_name));
COMMENT ON TABLE journey_privacy.pseudonym_column IS
  'columns of type pseudonym besides the subjects of protected tables; register_pseudonym_column() adds one';
COMMENT ON COLUMN journey_privacy.pseudonym_column.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.pseudonym_column.column_name IS 'of type pseudonym';
REVOKE ALL ON journey_privacy.pseudonym_column FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.pseudonym_column', '');

-- Not SECURITY DEFINER: it asks whether the caller owns the table.
CREATE FUNCTION journey_privacy.register_pseudonym_column("table" regclass, "column" name)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_register_pseudonym_column';
COMMENT ON FUNCTION journey_privacy.register_pseudonym_column(regclass, name) IS
'lets rekey_pseudonyms() move a column of type pseudonym along, where it is not the subject of a
  protected table
table: that has the column
column: its name
Errors: 42501 not the owner; 42703 no such column; 42804 it is not of type pseudonym';

REVOKE ALL ON FUNCTION journey_privacy.register_pseudonym_column(regclass, name) FROM PUBLIC;

-- Not SECURITY DEFINER: it writes each table as its owner.
CREATE FUNCTION journey_privacy.rekey_pseudonyms() RETURNS bigint
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_rekey_pseudonyms';
COMMENT ON FUNCTION journey_privacy.rekey_pseudonyms() IS
'moves every pseudonym to the key version that rotate_key(''pseudonym'') made, without seeing an
  identity
Returns: how many rows of users'' tables
Errors: 0A000 at an isolation level above read committed; 55000 no keyring, no new key version, or
  columns that are not registered; XX001 a tombstone is damaged';
REVOKE ALL ON FUNCTION journey_privacy.rekey_pseudonyms() FROM PUBLIC;

-- Called by rekey_pseudonyms() as the owner of each table, so open to all; does
-- nothing for anybody else.
CREATE FUNCTION journey_privacy.rekeyed(journey_privacy.pseudonym)
  RETURNS journey_privacy.pseudonym
  LANGUAGE c STABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_rekeyed';
COMMENT ON FUNCTION journey_privacy.rekeyed(journey_privacy.pseudonym) IS
  'internal to rekey_pseudonyms(), an error outside of it';

-- Minimisation: what becomes of columns before a row is written.
CREATE TABLE journey_privacy.minimization (
  relation    regclass NOT NULL,
  column_name name NOT NULL,
  transform   text COLLATE "C" NOT NULL CHECK (transform IN
    ('drop', 'truncate_ip', 'coarsen', 'round_position', 'keep_keys', 'drop_keys', 'pseudonymize')),
  -- rules of a column apply in this order
  position    integer NOT NULL,
  v4          integer,
  v6          integer,
  step        interval,
  digits      integer,
  keys        text[],
  kind        text,
  PRIMARY KEY (relation, column_name, transform));
COMMENT ON TABLE journey_privacy.minimization IS
  'what becomes of columns of protected tables before a row is written; change it with minimize() and unminimize()';
COMMENT ON COLUMN journey_privacy.minimization.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.minimization.column_name IS 'of it';
COMMENT ON COLUMN journey_privacy.minimization.transform IS 'drop, truncate_ip, coarsen, round_position, keep_keys, drop_keys or pseudonymize';
COMMENT ON COLUMN journey_privacy.minimization."position" IS 'in which order transforms of a column apply';
COMMENT ON COLUMN journey_privacy.minimization.v4 IS 'bits that stay of IPv4';
COMMENT ON COLUMN journey_privacy.minimization.v6 IS 'bits that stay of IPv6';
COMMENT ON COLUMN journey_privacy.minimization.step IS 'of coarsen';
COMMENT ON COLUMN journey_privacy.minimization.digits IS 'of round_position';
COMMENT ON COLUMN journey_privacy.minimization.keys IS 'paths';
COMMENT ON COLUMN journey_privacy.minimization.kind IS 'of pseudonymize';

-- Data plans: which events a table takes, with which keys.
CREATE TABLE journey_privacy.data_plan (
  relation     regclass PRIMARY KEY,
  event_column name NOT NULL,
  props_column name,
  on_violation text NOT NULL CHECK (on_violation IN ('refuse', 'strip', 'count')));
COMMENT ON TABLE journey_privacy.data_plan IS
  'protected tables with a data plan; change it with set_data_plan() and drop_data_plan()';
COMMENT ON COLUMN journey_privacy.data_plan.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.data_plan.event_column IS 'has the names of events';
COMMENT ON COLUMN journey_privacy.data_plan.props_column IS 'has their properties; NULL: keys are not looked at';
COMMENT ON COLUMN journey_privacy.data_plan.on_violation IS 'refuse, strip or count';

-- No foreign key to data_plan: a parallel restore loads the tables in any order.
CREATE TABLE journey_privacy.planned_event (
  relation      regclass NOT NULL,
  event         text COLLATE "C" NOT NULL,
  allowed_keys  text[],
  required_keys text[],
  PRIMARY KEY (relation, event));
COMMENT ON TABLE journey_privacy.planned_event IS
  'events of data plans; change them with plan_event() and unplan_event()';
COMMENT ON COLUMN journey_privacy.planned_event.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.planned_event.event IS 'its name';
COMMENT ON COLUMN journey_privacy.planned_event.allowed_keys IS 'paths; NULL: any';
COMMENT ON COLUMN journey_privacy.planned_event.required_keys IS 'paths; NULL: none';

CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.minimization
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.minimization ENABLE ALWAYS TRIGGER catalog_changed;
CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.data_plan
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.data_plan ENABLE ALWAYS TRIGGER catalog_changed;
CREATE TRIGGER catalog_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON journey_privacy.planned_event
  FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.catalog_changed();
ALTER TABLE journey_privacy.planned_event ENABLE ALWAYS TRIGGER catalog_changed;

-- A row for each kind of violation and backend (slot), so that nobody waits;
-- event and key are those of the plan, or empty.
CREATE TABLE journey_privacy.plan_tally (
  relation  regclass NOT NULL,
  event     text COLLATE "C" NOT NULL,
  key       text COLLATE "C" NOT NULL,
  violation text COLLATE "C" NOT NULL,
  slot      bigint NOT NULL,
  count     bigint NOT NULL,
  last_seen timestamptz NOT NULL,
  PRIMARY KEY (relation, event, key, violation, slot))
  WITH (fillfactor = 50);
COMMENT ON TABLE journey_privacy.plan_tally IS
  'what plan_violation adds up';
COMMENT ON COLUMN journey_privacy.plan_tally.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.plan_tally.event IS 'planned event, or empty';
COMMENT ON COLUMN journey_privacy.plan_tally.key IS 'that was missing';
COMMENT ON COLUMN journey_privacy.plan_tally.violation IS 'unplanned event, unplanned key or missing key';
COMMENT ON COLUMN journey_privacy.plan_tally.slot IS 'sessions that count at once use different ones';
COMMENT ON COLUMN journey_privacy.plan_tally.count IS 'rows';
COMMENT ON COLUMN journey_privacy.plan_tally.last_seen IS 'when the latest was';

REVOKE ALL ON journey_privacy.minimization, journey_privacy.data_plan,
  journey_privacy.planned_event, journey_privacy.plan_tally FROM PUBLIC;
GRANT SELECT ON journey_privacy.minimization, journey_privacy.data_plan,
  journey_privacy.planned_event TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.minimization', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.data_plan', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.planned_event', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.plan_tally', '');

CREATE VIEW journey_privacy.plan_violation AS
  SELECT relation AS "table",
         CASE WHEN event = '' THEN '(unplanned)' ELSE event END AS event,
         violation, nullif(key, '') AS key,
         pg_catalog.sum(count)::bigint AS count, pg_catalog.max(last_seen) AS last_seen
  FROM journey_privacy.plan_tally GROUP BY relation, event, violation, key;
REVOKE ALL ON journey_privacy.plan_violation FROM PUBLIC;
COMMENT ON VIEW journey_privacy.plan_violation IS
  'rows outside a data plan that were stripped, left out or let through: table, planned event or (unplanned), violation (unplanned event, unplanned key, missing key), the key that was missing, how many rows, and the time of the latest; refused ones are in the audit';
COMMENT ON COLUMN journey_privacy.plan_violation."table" IS 'which';
COMMENT ON COLUMN journey_privacy.plan_violation.event IS 'planned event, or (unplanned)';
COMMENT ON COLUMN journey_privacy.plan_violation.violation IS 'unplanned event, unplanned key or missing key';
COMMENT ON COLUMN journey_privacy.plan_violation.key IS 'that was missing';
COMMENT ON COLUMN journey_privacy.plan_violation.count IS 'rows';
COMMENT ON COLUMN journey_privacy.plan_violation.last_seen IS 'when the latest was';

-- Not SECURITY DEFINER, as those below: they ask whether the caller owns the table.
CREATE FUNCTION journey_privacy.minimize(
    "table" regclass, "column" name, transform text,
    v4 integer DEFAULT NULL, v6 integer DEFAULT NULL, step interval DEFAULT NULL,
    digits integer DEFAULT NULL, keys text[] DEFAULT NULL, kind text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_minimize';
COMMENT ON FUNCTION journey_privacy.minimize(
    regclass, name, text, integer, integer, interval, integer, text[], text) IS
'lets the insert guard minimize a column of a protected table before anything is written
table: a protected one, not a partition
column: its name
transform: drop, truncate_ip, coarsen, round_position, keep_keys, drop_keys or pseudonymize
v4: for truncate_ip: bits that stay of an IPv4 address, 0 to 32; NULL: 24
v6: for truncate_ip: bits that stay of an IPv6 address, 0 to 128; NULL: 48
step: for coarsen: months and years, or days and smaller units; up to a century
digits: for round_position: digits behind the point, 0 to 8; NULL: 2
keys: for keep_keys and drop_keys: paths, such as a.b
kind: for pseudonymize: name of an identity kind
Errors: 0A000 a generated column, or keys of json that are not ASCII; 22004 table, column or
  transform is NULL, or an option that is wanted; 22023 an unknown transform, an option that it does
  not have or out of range, a column that must not be; 42501 not the owner, or for pseudonymize no
  EXECUTE on pseudonymize(text, text); 42703 no such column; 42704 unknown identity kind; 42710 it
  is minimized already; 42804 a type that does not fit; 54000 more than 1,000 paths; 55000 not
  protected, or a partition
Source: Art. 5(1)(c) and Art. 25 GDPR';

CREATE FUNCTION journey_privacy.unminimize(
    "table" regclass, "column" name, transform text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_unminimize';
COMMENT ON FUNCTION journey_privacy.unminimize(regclass, name, text) IS
'undoes minimize() for a column, or one transform of it, for rows that are written from then on
table: a protected one
column: its name
transform: which rule; NULL: all of the column
Errors: 22004 table or column is NULL; 22023 an unknown transform; 42501 not the owner; 42704 no
  such rule; 55000 not protected, or a partition';

-- Without settings of its own, which would keep it from committing.
CREATE PROCEDURE journey_privacy.apply_minimization(
    "table" regclass, INOUT rows bigint DEFAULT NULL)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_apply_minimization';
COMMENT ON PROCEDURE journey_privacy.apply_minimization(regclass, bigint) IS
'minimizes the rows that were there before the rules of a table, with a commit for each thousand
  pages outside of transaction blocks; their old versions stay until scrub()
table: a protected one
rows: how many were changed, as result
Errors: 22004 table is NULL or a path is; 42501 not the owner; 54000 more than 1,000 paths; 55000
  nothing of the table is minimized, it is not protected, or a partition
Source: Art. 5(1)(c) GDPR';

CREATE FUNCTION journey_privacy.set_data_plan(
    "table" regclass, event_column name, props_column name DEFAULT NULL,
    on_violation text DEFAULT 'refuse')
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_set_data_plan';
COMMENT ON FUNCTION journey_privacy.set_data_plan(regclass, name, name, text) IS
'gives a protected table a data plan, or changes it
table: a protected one
event_column: of type text, with the names of events
props_column: of type jsonb, with their properties; NULL: keys are not looked at
on_violation: refuse (23514), strip what is not planned, or count only
Errors: 0A000 a generated column; 22004 table, event_column or on_violation is NULL; 22023 an
  unknown on_violation; 42501 not the owner; 42703 no such column; 42804 a column of another type;
  55000 not protected, or a partition
Source: Art. 5(1)(c) GDPR';

CREATE FUNCTION journey_privacy.drop_data_plan("table" regclass)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_drop_data_plan';
COMMENT ON FUNCTION journey_privacy.drop_data_plan(regclass) IS
'takes the data plan with its events from a table
table: a protected one
Errors: 42501 not the owner; 55000 it has no data plan, is not protected, or a partition';

CREATE FUNCTION journey_privacy.plan_event(
    "table" regclass, event text, allowed_keys text[] DEFAULT NULL,
    required_keys text[] DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_plan_event';
COMMENT ON FUNCTION journey_privacy.plan_event(regclass, text, text[], text[]) IS
'puts an event into the data plan of a table, or changes it
table: one with a data plan
event: name of the event, up to 1,024 bytes
allowed_keys: paths of keys it may have; NULL: any
required_keys: paths of keys it must have; NULL: none
Errors: 22004 table, event or a path is NULL; 22023 a name that is too long, or a path that is none;
  42501 not the owner; 54000 more than 10,000 events or 1,000 paths; 55000 the table has no data
  plan, is not protected, or a partition';

CREATE FUNCTION journey_privacy.unplan_event("table" regclass, event text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_unplan_event';
COMMENT ON FUNCTION journey_privacy.unplan_event(regclass, text) IS
'takes an event out of the data plan of a table
table: one with a data plan
event: name of the event
Errors: 42501 not the owner; 42704 it is not in the data plan; 55000 the table has no data plan, is
  not protected, or a partition';

REVOKE ALL ON FUNCTION
  journey_privacy.minimize(regclass, name, text, integer, integer, interval, integer, text[], text),
  journey_privacy.unminimize(regclass, name, text),
  journey_privacy.set_data_plan(regclass, name, name, text),
  journey_privacy.drop_data_plan(regclass),
  journey_privacy.plan_event(regclass, text, text[], text[]),
  journey_privacy.unplan_event(regclass, text)
  FROM PUBLIC;
REVOKE ALL ON PROCEDURE journey_privacy.apply_minimization(regclass, bigint) FROM PUBLIC;

