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
REVOKE ALL ON journey_privacy.pseudonym_column FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.pseudonym_column', '');

-- Not SECURITY DEFINER: it asks whether the caller owns the table.
CREATE FUNCTION journey_privacy.register_pseudonym_column("table" regclass, "column" name)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_register_pseudonym_column';
COMMENT ON FUNCTION journey_privacy.register_pseudonym_column(regclass, name) IS
  'lets rekey_pseudonyms() move a column of type pseudonym along; for those that are not the subject of a protected table';

REVOKE ALL ON FUNCTION journey_privacy.register_pseudonym_column(regclass, name) FROM PUBLIC;

-- Not SECURITY DEFINER: it writes each table as its owner.
CREATE FUNCTION journey_privacy.rekey_pseudonyms() RETURNS bigint
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_rekey_pseudonyms';
COMMENT ON FUNCTION journey_privacy.rekey_pseudonyms() IS
  'moves every pseudonym to the key version that rotate_key(''pseudonym'') made, without seeing an identity; returns the rows of users'' tables';
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

-- Data plans: which events a table takes, with which keys.
CREATE TABLE journey_privacy.data_plan (
  relation     regclass PRIMARY KEY,
  event_column name NOT NULL,
  props_column name,
  on_violation text NOT NULL CHECK (on_violation IN ('refuse', 'strip', 'count')));
COMMENT ON TABLE journey_privacy.data_plan IS
  'protected tables with a data plan; change it with set_data_plan() and drop_data_plan()';

-- No foreign key to data_plan: a parallel restore loads the tables in any order.
CREATE TABLE journey_privacy.planned_event (
  relation      regclass NOT NULL,
  event         text COLLATE "C" NOT NULL,
  allowed_keys  text[],
  required_keys text[],
  PRIMARY KEY (relation, event));
COMMENT ON TABLE journey_privacy.planned_event IS
  'events of data plans; change them with plan_event() and unplan_event()';

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
  'lets the insert guard minimize a column of a protected table before anything is written: drop; truncate_ip (v4, v6: bits that stay, 24 and 48 by default); coarsen (step: months and years, or smaller units, UTC); round_position (digits behind the point, 2 by default); keep_keys, drop_keys (keys: paths such as a.b); pseudonymize (kind of identity)';

CREATE FUNCTION journey_privacy.unminimize(
    "table" regclass, "column" name, transform text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_unminimize';
COMMENT ON FUNCTION journey_privacy.unminimize(regclass, name, text) IS
  'undoes minimize() for a column, or one transform of it, for rows that are written from then on';

-- Without settings of its own, which would keep it from committing.
CREATE PROCEDURE journey_privacy.apply_minimization(
    "table" regclass, INOUT rows bigint DEFAULT NULL)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_apply_minimization';
COMMENT ON PROCEDURE journey_privacy.apply_minimization(regclass, bigint) IS
  'minimizes the rows that were there before the rules of a table, with a commit for each thousand pages outside of transaction blocks, and tells how many it has changed; their old versions stay until scrub()';

CREATE FUNCTION journey_privacy.set_data_plan(
    "table" regclass, event_column name, props_column name DEFAULT NULL,
    on_violation text DEFAULT 'refuse')
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_set_data_plan';
COMMENT ON FUNCTION journey_privacy.set_data_plan(regclass, name, name, text) IS
  'gives a protected table a data plan, or changes it: the columns of events (text) and of their keys (jsonb), and whether what is outside the plan is refused, stripped, or let through with a count (refuse, strip, count)';

CREATE FUNCTION journey_privacy.drop_data_plan("table" regclass)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_drop_data_plan';
COMMENT ON FUNCTION journey_privacy.drop_data_plan(regclass) IS
  'takes the data plan with its events from a table';

CREATE FUNCTION journey_privacy.plan_event(
    "table" regclass, event text, allowed_keys text[] DEFAULT NULL,
    required_keys text[] DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_plan_event';
COMMENT ON FUNCTION journey_privacy.plan_event(regclass, text, text[], text[]) IS
  'puts an event into the data plan of a table, or changes it: paths of the keys it may have (NULL: any), and of those it must have';

CREATE FUNCTION journey_privacy.unplan_event("table" regclass, event text)
  RETURNS void
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_unplan_event';
COMMENT ON FUNCTION journey_privacy.unplan_event(regclass, text) IS
  'takes an event out of the data plan of a table';

REVOKE ALL ON FUNCTION
  journey_privacy.minimize(regclass, name, text, integer, integer, interval, integer, text[], text),
  journey_privacy.unminimize(regclass, name, text),
  journey_privacy.set_data_plan(regclass, name, name, text),
  journey_privacy.drop_data_plan(regclass),
  journey_privacy.plan_event(regclass, text, text[], text[]),
  journey_privacy.unplan_event(regclass, text)
  FROM PUBLIC;
REVOKE ALL ON PROCEDURE journey_privacy.apply_minimization(regclass, bigint) FROM PUBLIC;

