-- retention
-- How long rows of protected tables are kept, and what sees to it.

-- The latest of the cut-offs is that of the shortest limit: which of a month
-- and 30 days that is depends on the day.
CREATE VIEW journey_privacy.retention AS
  SELECT DISTINCT ON (p.relation)
         p.relation, p.occurred_at, l.keep, l.follows,
         (pg_catalog.now() AT TIME ZONE 'UTC' - l.keep) AT TIME ZONE 'UTC' AS oldest_kept,
         coalesce((SELECT NOT a.attnotnull FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = p.relation AND a.attname = p.occurred_at), true) AS may_lack_time
  FROM journey_privacy.protection p,
       LATERAL (SELECT p.retain_for AS keep, 'retain_for' AS follows, 0 AS n
                WHERE p.retain_for IS NOT NULL
                UNION ALL
                SELECT u.keep_for, 'purpose ' || u.name, 1
                FROM journey_privacy.purpose u
                WHERE u.name = ANY (p.collected_for) AND u.keep_for IS NOT NULL) l
  WHERE p.inherited_from IS NULL
  ORDER BY p.relation, oldest_kept DESC, l.n, l.follows;
REVOKE ALL ON journey_privacy.retention FROM PUBLIC;
COMMENT ON VIEW journey_privacy.retention IS
  'how long rows of a protected table are kept by the shortest of its retain_for and the keep_for of the purposes it is collected for: older ones go with purge_expired(), those without a time never';
COMMENT ON COLUMN journey_privacy.retention.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.retention.occurred_at IS 'column that says how old a row is; NULL: none';
COMMENT ON COLUMN journey_privacy.retention.keep IS 'how long';
COMMENT ON COLUMN journey_privacy.retention.follows IS 'retain_for, or the purpose';
COMMENT ON COLUMN journey_privacy.retention.oldest_kept IS 'what is older goes';
COMMENT ON COLUMN journey_privacy.retention.may_lack_time IS 'rows without a time are kept for ever';

-- By name: what was purged is told of tables that are gone, too.
CREATE TABLE journey_privacy.purge_run (
  id                 uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  relation           text NOT NULL,
  follows            text NOT NULL,
  keep               interval NOT NULL,
  cut_off            timestamptz NOT NULL,
  deleted            bigint NOT NULL DEFAULT 0,
  -- what belongs to these rows by foreign keys and links
  linked_deleted     bigint NOT NULL DEFAULT 0,
  linked_redacted    bigint NOT NULL DEFAULT 0,
  references_cleared bigint NOT NULL DEFAULT 0,
  -- partitions, whose rows are not counted
  dropped            text[] NOT NULL DEFAULT '{}',
  -- past their time, kept by holds and restrictions
  withheld           bigint NOT NULL DEFAULT 0,
  state              text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'interrupted')),
  run_by             name NOT NULL,
  started_at         timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  finished_at        timestamptz);
CREATE INDEX purge_run_running ON journey_privacy.purge_run (relation) WHERE state = 'running';
COMMENT ON TABLE journey_privacy.purge_run IS
  'what purge_expired() did to a table, run by run; interrupted: an error or a crash ended it, and the next one went on';
COMMENT ON COLUMN journey_privacy.purge_run.id IS 'of the run';
COMMENT ON COLUMN journey_privacy.purge_run.relation IS 'the table, by name';
COMMENT ON COLUMN journey_privacy.purge_run.follows IS 'retain_for, or the purpose';
COMMENT ON COLUMN journey_privacy.purge_run.keep IS 'how long';
COMMENT ON COLUMN journey_privacy.purge_run.cut_off IS 'what was older went';
COMMENT ON COLUMN journey_privacy.purge_run.deleted IS 'rows';
COMMENT ON COLUMN journey_privacy.purge_run.linked_deleted IS 'rows that belonged to them';
COMMENT ON COLUMN journey_privacy.purge_run.linked_redacted IS 'rows that belonged to them';
COMMENT ON COLUMN journey_privacy.purge_run.references_cleared IS 'rows that belonged to them';
COMMENT ON COLUMN journey_privacy.purge_run.dropped IS 'partitions, by name';
COMMENT ON COLUMN journey_privacy.purge_run.withheld IS 'rows that are held or restricted';
COMMENT ON COLUMN journey_privacy.purge_run.state IS 'running, done or interrupted';
COMMENT ON COLUMN journey_privacy.purge_run.run_by IS 'who';
COMMENT ON COLUMN journey_privacy.purge_run.started_at IS 'when';
COMMENT ON COLUMN journey_privacy.purge_run.finished_at IS 'when';
REVOKE ALL ON journey_privacy.purge_run FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.purge_run', '');

-- Not SECURITY DEFINER: it deletes as the owner of each table, so that the
-- owner's triggers get no more rights than the owner has; and it commits.
CREATE PROCEDURE journey_privacy.purge_expired(
    "table" regclass DEFAULT NULL, batch integer DEFAULT 10000)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_purge_expired';
COMMENT ON PROCEDURE journey_privacy.purge_expired(regclass, integer) IS
'deletes what view retention says is too old, with what belongs to it, but for what is held or
  restricted
table: a protected one, not a partition; NULL: all that have a limit
batch: rows in one transaction, 1 to 1,000,000
Errors: 0A000 at an isolation level above read committed; 22004 batch is NULL; 22023 batch out of
  range; 25006 on a standby; 42704 not protected; 54000 more than 64 links lead to a table; 55000 a
  partition, no limit, no occurred_at, or rows that cannot be deleted; XX001 whom a hold is about
  cannot be read
Source: Art. 5(1)(e) GDPR';

REVOKE ALL ON PROCEDURE journey_privacy.purge_expired(regclass, integer) FROM PUBLIC;

CREATE FUNCTION journey_privacy.inactive_subjects(
    older_than interval, ignore_undated boolean DEFAULT false,
    OUT subjects bigint, OUT active bigint, OUT with_basis bigint, OUT undated bigint,
    OUT withheld bigint, OUT inactive bigint)
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'jp_inactive_subjects';
COMMENT ON FUNCTION journey_privacy.inactive_subjects(interval, boolean) IS
'how many subjects erase_inactive() would erase now, and why it would not erase the others
older_than: for how long nothing was heard of them, up to 1000 years
ignore_undated: rows whose time is not known keep nobody
Returns: counts: subjects, active, with_basis (a yes or a basis is in force), undated, withheld
  (held, restricted or with an open request), inactive (those that would go)
Errors: 22023 an interval that cannot be; 55000 no keyring; XX001 whom a hold or request is about
  cannot be read
Source: Art. 5(1)(e) GDPR';

-- Not SECURITY DEFINER, like erase().
CREATE PROCEDURE journey_privacy.erase_inactive(
    older_than interval, batch integer DEFAULT 10000, ignore_undated boolean DEFAULT false,
    INOUT erased bigint DEFAULT NULL)
  LANGUAGE c
  AS 'MODULE_PATHNAME', 'jp_erase_inactive';
COMMENT ON PROCEDURE journey_privacy.erase_inactive(interval, integer, boolean, bigint) IS
'erases subjects of whom nothing was heard for so long, who have not agreed to anything in force and
  of whom nothing must be kept
older_than: an event, decision or request since keeps a subject; up to 1000 years
batch: subjects erased at once, with one receipt, 1 to 100,000
ignore_undated: rows whose time is not known keep nobody
erased: how many, as result
Errors: 0A000 at an isolation level above read committed; 22004 an argument is NULL; 22023 an
  interval or batch that cannot be; 55000 no keyring, or rows that cannot be erased; XX001 whom a
  hold or request is about cannot be read
Source: Art. 5(1)(e) GDPR';

REVOKE ALL ON FUNCTION journey_privacy.inactive_subjects(interval, boolean) FROM PUBLIC;
REVOKE ALL ON PROCEDURE journey_privacy.erase_inactive(interval, integer, boolean, bigint) FROM PUBLIC;
