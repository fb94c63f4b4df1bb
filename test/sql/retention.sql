-- How long rows are kept: purge_expired() and erase_inactive().
\set VERBOSITY terse
SET client_min_messages = warning;
SET TimeZone = 'UTC';	-- that of the limits: days without a change of the clock
CREATE FUNCTION retention_of(n bigint) RETURNS journey_privacy.pseudonym LANGUAGE sql
  AS $$ SELECT journey_privacy.pseudonymize('customer_id', 'retention' || n) $$;
CREATE FUNCTION retention_ago(days int) RETURNS timestamptz LANGUAGE sql
  AS $$ SELECT now() - days * interval '1 day' $$;

-- Limits: of purposes
SELECT journey_privacy.create_purpose('ret_long', 'opt_out', keep_for => '2 years'),
       journey_privacy.create_purpose('ret_short', 'opt_out', keep_for => '30 days'),
       journey_privacy.create_purpose('ret_none', 'opt_out') \g /dev/null
SELECT journey_privacy.create_purpose('ret_bad', 'opt_out', keep_for => '0');
SELECT journey_privacy.create_purpose('ret_bad', 'opt_out', keep_for => '-1 day');
SELECT journey_privacy.create_purpose('ret_bad', 'opt_out', keep_for => '1 month -29 days');
SELECT journey_privacy.create_purpose('ret_bad', 'opt_out', keep_for => '1001 years');
SELECT journey_privacy.change_purpose('ret_long', keep_for => '-1 day');
SELECT journey_privacy.change_purpose('ret_long', keep_for => '3 years');
SELECT name, keep_for FROM journey_privacy.purpose WHERE name LIKE 'ret\_%' ORDER BY name;
SELECT journey_privacy.change_purpose('ret_long', description => 'the limit stays') \g /dev/null
SELECT keep_for FROM journey_privacy.purpose WHERE name = 'ret_long';

-- and of tables
CREATE TABLE ret_visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz, event text);
SELECT journey_privacy.protect('ret_visit', 'visitor', retain_for => '1 year');
SELECT journey_privacy.protect('ret_visit', 'visitor', occurred_at => 'at', retain_for => '-1 year');
SELECT journey_privacy.protect('ret_visit', 'visitor', occurred_at => 'at', retain_for => '1 month -29 days');
SELECT journey_privacy.protect('ret_visit', 'visitor', occurred_at => 'at', retain_for => '100 days',
         collected_for => '{ret_long,ret_none}') \g /dev/null
CREATE TABLE ret_brief (visitor journey_privacy.pseudonym, at timestamptz NOT NULL);
SELECT journey_privacy.protect('ret_brief', 'visitor', occurred_at => 'at', retain_for => '1 year',
         collected_for => '{ret_long,ret_short}') \g /dev/null
CREATE TABLE ret_timeless (visitor journey_privacy.pseudonym);
SELECT journey_privacy.protect('ret_timeless', 'visitor', collected_for => '{ret_short}') \g /dev/null
CREATE TABLE ret_forever (visitor journey_privacy.pseudonym, at timestamptz);
SELECT journey_privacy.protect('ret_forever', 'visitor', occurred_at => 'at', collected_for => '{ret_none}') \g /dev/null
SELECT relation, occurred_at, keep, follows, may_lack_time,
       oldest_kept = (now() AT TIME ZONE 'UTC' - keep) AT TIME ZONE 'UTC' AS by_calendar
FROM journey_privacy.retention WHERE relation::text LIKE 'ret\_%';

-- Errors
CALL journey_privacy.purge_expired('ret_visit', NULL);
CALL journey_privacy.purge_expired('ret_visit', 0);
CALL journey_privacy.purge_expired('ret_visit', 1000001);
CALL journey_privacy.purge_expired('pg_class');
CALL journey_privacy.purge_expired('ret_forever');
CALL journey_privacy.purge_expired('ret_timeless');
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL journey_privacy.purge_expired('ret_visit');
ROLLBACK;
SET default_transaction_read_only = on;
CALL journey_privacy.purge_expired('ret_visit');
RESET default_transaction_read_only;

-- What is older goes; what has no time, or is of the future, stays; whoever calls
CREATE ROLE regress_retention_dba;
GRANT EXECUTE ON PROCEDURE journey_privacy.purge_expired(regclass, integer) TO regress_retention_dba;
INSERT INTO ret_visit VALUES (1, retention_of(1), retention_ago(99)), (2, retention_of(1), retention_ago(101)),
  (3, retention_of(2), NULL), (4, retention_of(2), 'infinity'), (5, retention_of(2), '-infinity'),
  (6, NULL, retention_ago(500)), (7, retention_of(3), retention_ago(-5));
INSERT INTO ret_brief VALUES (retention_of(1), retention_ago(29)), (retention_of(1), retention_ago(31));
INSERT INTO ret_timeless VALUES (retention_of(1));
INSERT INTO ret_forever VALUES (retention_of(1), retention_ago(9000));
SELECT journey_privacy.object_to(retention_of(1)::text::journey_privacy.pseudonym, 'ret_none') \g /dev/null
SET ROLE regress_retention_dba;
SELECT count(*) FROM ret_visit;
SET client_min_messages = notice;
CALL journey_privacy.purge_expired();
CALL journey_privacy.purge_expired();
RESET ROLE;
SET client_min_messages = warning;
SELECT id FROM ret_visit ORDER BY id;
SELECT (SELECT count(*) FROM ret_brief) AS brief, (SELECT count(*) FROM ret_timeless) AS timeless,
       (SELECT count(*) FROM ret_forever) AS forever;
SELECT relation, follows, keep, deleted, linked_deleted, withheld, dropped, state, run_by <> '' AS by, finished_at >= started_at AS over
FROM journey_privacy.purge_run WHERE relation LIKE 'public.ret%' ORDER BY started_at;

-- Within a transaction block, and undone with it
INSERT INTO ret_visit VALUES (2, retention_of(1), retention_ago(101));
BEGIN;
CALL journey_privacy.purge_expired('ret_visit');
SELECT count(*) FROM ret_visit WHERE id = 2;
ROLLBACK;
SELECT count(*) FROM ret_visit WHERE id = 2;
CALL journey_privacy.purge_expired('ret_visit', 1);
SELECT count(*) FROM ret_visit WHERE id = 2;

-- A run that nobody finished is closed by the next
INSERT INTO journey_privacy.purge_run (relation, follows, keep, cut_off, run_by)
VALUES ('public.ret_visit', 'retain_for', '1 day', now(), 'x'), ('public.ret_gone', 'retain_for', '1 day', now(), 'x');
CALL journey_privacy.purge_expired('ret_visit');
SELECT relation, state FROM journey_privacy.purge_run WHERE run_by = 'x' ORDER BY relation;
DELETE FROM journey_privacy.purge_run;

-- Links: what belongs to a row goes as in erasure; what is shared stays while
-- a row is left that shares it
CREATE TABLE ret_page (id int PRIMARY KEY, visit int REFERENCES ret_visit, path text);
CREATE TABLE ret_click (page int REFERENCES ret_page ON DELETE SET NULL, n int);
CREATE TABLE ret_note (id int, visit int, body text);
CREATE TABLE ret_talk (id int PRIMARY KEY, a int, a_says text, b int, b_says text);
SELECT journey_privacy.link_table('ret_note', '{visit}', 'ret_visit', '{id}', 'redact', '{"visit": null, "body": null}'),
       journey_privacy.link_table('ret_talk', '{a}', 'ret_visit', '{id}', 'shared', '{"a": null, "a_says": null}'),
       journey_privacy.link_table('ret_talk', '{b}', 'ret_visit', '{id}', 'shared', '{"b": null, "b_says": null}') \g /dev/null
CREATE FUNCTION ret_fill() RETURNS void LANGUAGE sql BEGIN ATOMIC
  DELETE FROM ret_click; DELETE FROM ret_page; DELETE FROM ret_note; DELETE FROM ret_talk;
  DELETE FROM ret_visit;
  INSERT INTO ret_visit SELECT i, retention_of(i % 3), retention_ago(10 + 100 * (i % 2)) FROM generate_series(1, 12) i;
  INSERT INTO ret_page SELECT i, i, 'path' FROM generate_series(1, 12) i;
  INSERT INTO ret_click SELECT i, i FROM generate_series(1, 12) i;
  INSERT INTO ret_note SELECT i, i, 'body' FROM generate_series(1, 12) i;
  INSERT INTO ret_talk VALUES (1, 1, 'odd', 3, 'odd'), (2, 1, 'odd', 2, 'even'), (3, 4, 'even', 6, 'even');
END;
CREATE VIEW ret_left AS
  SELECT (SELECT string_agg(id::text, ' ' ORDER BY id) FROM ret_visit) AS visits,
         (SELECT string_agg(id::text, ' ' ORDER BY id) FROM ret_page) AS pages,
         (SELECT string_agg(n || CASE WHEN page IS NULL THEN '-' ELSE '' END, ' ' ORDER BY n) FROM ret_click) AS clicks,
         (SELECT string_agg(id || CASE WHEN visit IS NULL AND body IS NULL THEN '-' ELSE '' END, ' ' ORDER BY id) FROM ret_note) AS notes,
         (SELECT string_agg(format('%s:%s/%s', id, coalesce(a_says, '-'), coalesce(b_says, '-')), ' ' ORDER BY id) FROM ret_talk) AS talks;
CREATE VIEW ret_run AS
  SELECT deleted, linked_deleted, linked_redacted, references_cleared, withheld, dropped, state
  FROM journey_privacy.purge_run ORDER BY started_at DESC LIMIT 1;
SELECT ret_fill() \g /dev/null
CALL journey_privacy.purge_expired('ret_visit');
SELECT * FROM ret_left;
SELECT * FROM ret_run;
-- in batches of two the same
SELECT ret_fill() \g /dev/null
CALL journey_privacy.purge_expired('ret_visit', 2);
SELECT * FROM ret_left;
SELECT * FROM ret_run;

-- Holds: a subject with all of theirs, a subject's rows in a table, a table
SELECT ret_fill() \g /dev/null
SELECT journey_privacy.place_hold('lawsuit', retention_of(1)) AS hold \gset
CALL journey_privacy.purge_expired('ret_visit');
SELECT * FROM ret_left;
SELECT * FROM ret_run;
CALL journey_privacy.release_hold(:'hold');
SELECT ret_fill() \g /dev/null
SELECT journey_privacy.place_hold('lawsuit', retention_of(1), 'ret_forever') AS hold \gset
SELECT journey_privacy.place_hold('audit', "table" => 'ret_page') AS hold2 \gset
CALL journey_privacy.purge_expired('ret_visit', 3);
SELECT * FROM ret_left;
SELECT * FROM ret_run;
CALL journey_privacy.release_hold(:'hold2');
SELECT journey_privacy.place_hold('audit', "table" => 'ret_visit') AS hold2 \gset
CALL journey_privacy.purge_expired('ret_visit');
SELECT * FROM ret_run;
CALL journey_privacy.release_hold(:'hold2');
-- a hold that has ended holds nothing
SELECT journey_privacy.place_hold('over', retention_of(0), held_until => now() - interval '1 day') AS hold3 \gset
CALL journey_privacy.purge_expired('ret_visit');
SELECT * FROM ret_left;
CALL journey_privacy.release_hold(:'hold');
CALL journey_privacy.release_hold(:'hold3');
-- restricted, and an alias of somebody restricted: stored, no more
SELECT ret_fill() \g /dev/null
SELECT journey_privacy.link_identity(retention_of(77), retention_of(2)) \g /dev/null
SELECT journey_privacy.restrict_processing(retention_of(77)) \g /dev/null
CALL journey_privacy.purge_expired('ret_visit');
SELECT * FROM ret_left;
SELECT * FROM ret_run;
SELECT journey_privacy.lift_restriction(retention_of(2)) \g /dev/null
CALL journey_privacy.purge_expired('ret_visit');
SELECT * FROM ret_left;

-- A trigger that keeps a row is an error, not a lie
SELECT ret_fill() \g /dev/null
CREATE FUNCTION ret_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON ret_page FOR EACH ROW WHEN (OLD.id = 7) EXECUTE FUNCTION ret_keep();
CALL journey_privacy.purge_expired('ret_visit');
SELECT count(*) FROM ret_visit;
SELECT state, deleted FROM ret_run;
DROP TRIGGER keep ON ret_page;
CALL journey_privacy.purge_expired('ret_visit');
SELECT count(*) FROM ret_visit;
DROP VIEW ret_left;
DROP FUNCTION ret_fill();
DROP TABLE ret_talk, ret_note, ret_click, ret_page;
-- nor where nothing belongs to the rows
CREATE TABLE ret_plain (who bigint, at timestamptz);
CREATE TRIGGER keep BEFORE DELETE ON ret_plain FOR EACH ROW WHEN (OLD.who = 9300102) EXECUTE FUNCTION ret_keep();
SELECT journey_privacy.protect('ret_plain', 'who', 'customer_id', occurred_at => 'at', retain_for => '1 year') \g /dev/null
INSERT INTO ret_plain SELECT 9300100 + i, retention_ago(1000) FROM generate_series(1, 3) i;
CALL journey_privacy.purge_expired('ret_plain');
SELECT count(*) FROM ret_plain;
-- and keeps others from being purged once at most
CREATE TABLE ret_after (LIKE ret_plain);
SELECT journey_privacy.protect('ret_after', 'who', 'customer_id', occurred_at => 'at', retain_for => '1 year') \g /dev/null
INSERT INTO ret_after SELECT 9300110 + i, retention_ago(1000) FROM generate_series(1, 3) i;
CALL journey_privacy.purge_expired();
SELECT count(*) FROM ret_after;
DROP TABLE ret_after;
ALTER TABLE ret_plain DISABLE TRIGGER keep;
CALL journey_privacy.purge_expired('ret_plain');
SELECT count(*) FROM ret_plain;
DROP TABLE ret_plain;

-- Identities of a kind, with numbers and without
CREATE TABLE ret_kind (who bigint, at timestamptz);
SELECT journey_privacy.protect('ret_kind', 'who', 'customer_id', occurred_at => 'at', retain_for => '1 year') \g /dev/null
CREATE TABLE ret_bare (who bigint, at timestamptz);
SELECT journey_privacy.protect('ret_bare', 'who', 'customer_id', occurred_at => 'at', retain_for => '1 year', number_column => NULL) \g /dev/null
INSERT INTO ret_kind SELECT 9300000 + i, retention_ago(100 * i) FROM generate_series(1, 8) i;
INSERT INTO ret_bare SELECT 9300000 + i, retention_ago(100 * i) FROM generate_series(1, 8) i;
SELECT journey_privacy.place_hold('lawsuit', journey_privacy.pseudonymize('customer_id', 9300007)) AS hold \gset
CALL journey_privacy.purge_expired('ret_kind');
CALL journey_privacy.purge_expired('ret_bare');
SELECT (SELECT string_agg((who - 9300000)::text, ' ' ORDER BY who) FROM ret_kind) AS kind,
       (SELECT string_agg((who - 9300000)::text, ' ' ORDER BY who) FROM ret_bare) AS bare;
CALL journey_privacy.release_hold(:'hold');
DROP TABLE ret_kind, ret_bare;

-- Partitions
CREATE FUNCTION ret_do(sql text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE sql; END $$;
CREATE FUNCTION ret_bound(days int) RETURNS text LANGUAGE sql AS $$ SELECT quote_literal(retention_ago(days)) $$;
CREATE TABLE ret_part (visitor journey_privacy.pseudonym, at timestamptz, place text, n int) PARTITION BY LIST (place);
CREATE TABLE ret_part_a PARTITION OF ret_part FOR VALUES IN ('a') PARTITION BY RANGE (at);
CREATE TABLE ret_part_b PARTITION OF ret_part FOR VALUES IN ('b') PARTITION BY HASH (n);
CREATE TABLE ret_part_rest PARTITION OF ret_part DEFAULT PARTITION BY RANGE (at, place);
SELECT ret_do(format('CREATE TABLE ret_part_a_old PARTITION OF ret_part_a FOR VALUES FROM (MINVALUE) TO (%s)', ret_bound(200))),
       ret_do(format('CREATE TABLE ret_part_a_mid PARTITION OF ret_part_a FOR VALUES FROM (%s) TO (%s) PARTITION BY HASH (n)', ret_bound(200), ret_bound(150))),
       ret_do('CREATE TABLE ret_part_a_mid0 PARTITION OF ret_part_a_mid FOR VALUES WITH (MODULUS 2, REMAINDER 0)'),
       ret_do('CREATE TABLE ret_part_a_mid1 PARTITION OF ret_part_a_mid FOR VALUES WITH (MODULUS 2, REMAINDER 1)'),
       ret_do(format('CREATE TABLE ret_part_a_cut PARTITION OF ret_part_a FOR VALUES FROM (%s) TO (%s)', ret_bound(150), ret_bound(50))),
       ret_do(format('CREATE TABLE ret_part_a_new PARTITION OF ret_part_a FOR VALUES FROM (%s) TO (MAXVALUE)', ret_bound(50))),
       ret_do('CREATE TABLE ret_part_a_rest PARTITION OF ret_part_a DEFAULT'),
       ret_do('CREATE TABLE ret_part_b_0 PARTITION OF ret_part_b FOR VALUES WITH (MODULUS 2, REMAINDER 0)'),
       ret_do('CREATE TABLE ret_part_b_1 PARTITION OF ret_part_b FOR VALUES WITH (MODULUS 2, REMAINDER 1)'),
       ret_do(format('CREATE TABLE ret_part_rest_old PARTITION OF ret_part_rest FOR VALUES FROM (MINVALUE, MINVALUE) TO (%s, ''m'')', ret_bound(101))),
       ret_do('CREATE TABLE ret_part_rest_new PARTITION OF ret_part_rest DEFAULT') \g /dev/null
SELECT journey_privacy.protect('ret_part', 'visitor', occurred_at => 'at', retain_for => '100 days') \g /dev/null
CALL journey_privacy.purge_expired('ret_part_a');
CREATE VIEW ret_parts AS
  SELECT string_agg(format('%s:%s', replace(r.relid::text, 'ret_part_', ''), coalesce(p.n, 0)), ' ' ORDER BY r.relid::text COLLATE "C") AS rows_left
  FROM pg_partition_tree('ret_part') r LEFT JOIN (SELECT tableoid, count(*) AS n FROM ret_part GROUP BY 1) p ON p.tableoid = r.relid
  WHERE r.isleaf;
CREATE FUNCTION ret_fill_parts() RETURNS void LANGUAGE sql BEGIN ATOMIC
  INSERT INTO ret_part SELECT retention_of(i), retention_ago(i * 10 + 5), p, i FROM generate_series(1, 29) i, unnest('{a,b,c}'::text[]) p;
  INSERT INTO ret_part SELECT retention_of(5), NULL, p, 5 FROM unnest('{a,b}'::text[]) p;
END;
SELECT ret_fill_parts() \g /dev/null
TABLE ret_parts;
-- within a transaction block nothing is dropped
BEGIN;
CALL journey_privacy.purge_expired('ret_part');
TABLE ret_parts;
SELECT * FROM ret_run;
ROLLBACK;
-- with somebody held who has rows in one of them, that one goes by rows
SELECT journey_privacy.place_hold('lawsuit', retention_of(18)) AS hold \gset
CALL journey_privacy.purge_expired('ret_part');
TABLE ret_parts;
SELECT * FROM ret_run;
CALL journey_privacy.release_hold(:'hold');
CALL journey_privacy.purge_expired('ret_part');
TABLE ret_parts;
SELECT * FROM ret_run;
SELECT count(*) FROM journey_privacy.protection p WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.relation);
-- what something depends on is emptied, and left
SELECT ret_do(format('CREATE TABLE ret_part_a_old PARTITION OF ret_part_a FOR VALUES FROM (MINVALUE) TO (%s)', ret_bound(200))) \g /dev/null
INSERT INTO ret_part VALUES (retention_of(1), retention_ago(300), 'a');
CREATE VIEW ret_depends AS SELECT at FROM ret_part_a_old;
CALL journey_privacy.purge_expired('ret_part');
TABLE ret_parts;
SELECT * FROM ret_run;
DROP VIEW ret_depends;
-- held whole, it stays whole
INSERT INTO ret_part VALUES (retention_of(1), retention_ago(300), 'a');
SELECT journey_privacy.place_hold('audit', "table" => 'ret_part_a') AS hold \gset
CALL journey_privacy.purge_expired('ret_part');
TABLE ret_parts;
SELECT * FROM ret_run;
CALL journey_privacy.release_hold(:'hold');
CALL journey_privacy.purge_expired('ret_part');
SELECT * FROM ret_run;
DROP VIEW ret_parts;
DROP FUNCTION ret_fill_parts();
DROP TABLE ret_part;
-- a foreign key to the parent: its rows go one by one, with theirs
CREATE TABLE ret_keyed (id int, visitor journey_privacy.pseudonym, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
SELECT ret_do(format('CREATE TABLE ret_keyed_old PARTITION OF ret_keyed FOR VALUES FROM (MINVALUE) TO (%s)', ret_bound(150))),
       ret_do(format('CREATE TABLE ret_keyed_new PARTITION OF ret_keyed FOR VALUES FROM (%s) TO (MAXVALUE)', ret_bound(150))) \g /dev/null
CREATE TABLE ret_item (id int, at timestamptz, n int, FOREIGN KEY (id, at) REFERENCES ret_keyed);
SELECT journey_privacy.protect('ret_keyed', 'visitor', occurred_at => 'at', retain_for => '100 days') \g /dev/null
INSERT INTO ret_keyed SELECT i, retention_of(i), date_trunc('day', retention_ago(i * 50)) FROM generate_series(1, 6) i;
INSERT INTO ret_item SELECT id, at, n FROM ret_keyed, generate_series(1, 2) n;
CALL journey_privacy.purge_expired('ret_keyed');
SELECT * FROM ret_run;
SELECT (SELECT count(*) FROM ret_keyed) AS keyed, (SELECT count(*) FROM ret_item) AS items,
       to_regclass('ret_keyed_old') IS NOT NULL AS there;
DROP TABLE ret_item, ret_keyed;
-- inheritance
CREATE TABLE ret_child () INHERITS (ret_forever);
SELECT journey_privacy.unprotect('ret_forever') \g /dev/null
SELECT journey_privacy.protect('ret_forever', 'visitor', occurred_at => 'at', retain_for => '1 year') \g /dev/null
INSERT INTO ret_child VALUES (retention_of(1), retention_ago(300)), (retention_of(1), retention_ago(400));
CALL journey_privacy.purge_expired('ret_forever');
SELECT tableoid::regclass, count(*) FROM ret_forever GROUP BY 1;

-- Journey stores follow, whether rows went or partitions
CREATE TABLE ret_stored (visitor journey_privacy.pseudonym, at timestamptz NOT NULL, event text NOT NULL) PARTITION BY RANGE (at);
SELECT ret_do(format('CREATE TABLE ret_stored_old PARTITION OF ret_stored FOR VALUES FROM (MINVALUE) TO (%s)', ret_bound(150))),
       ret_do(format('CREATE TABLE ret_stored_new PARTITION OF ret_stored FOR VALUES FROM (%s) TO (MAXVALUE)', ret_bound(150))) \g /dev/null
SELECT journey_privacy.protect('ret_stored', 'visitor', occurred_at => 'at', retain_for => '100 days') \g /dev/null
INSERT INTO ret_stored SELECT retention_of(i % 5), retention_ago(i), 'event' FROM generate_series(1, 300) i;
SELECT journey_privacy.create_journey_store('ret_stored', 'ret_journeys', '1 day') \g /dev/null
SELECT journey_privacy.refresh_journey_store('ret_journeys') > 0 AS filled;
SELECT sum(journey_privacy.events(events)) FROM ret_journeys;
CALL journey_privacy.purge_expired('ret_stored');
SELECT deleted, dropped FROM ret_run;
SELECT sum(journey_privacy.events(events)), min(bucket) > now() - interval '102 days' AS young FROM ret_journeys;
SELECT journey_privacy.drop_journey_store('ret_journeys') \g /dev/null
DROP TABLE ret_stored;

-- The audit has a receipt of each run
SELECT journey_privacy.checkpoint_audit() \g /dev/null
SELECT kind, outcome, detail, rows FROM journey_privacy.audit_log
WHERE command = 'purge_expired' AND 'public.ret_visit' = ANY (tables) ORDER BY number LIMIT 1;
DROP VIEW ret_run;
DROP TABLE ret_brief, ret_timeless, ret_forever, ret_child, ret_visit;

-- Oracle: random tables, partitions, links, holds and restrictions; survivors by
-- plain SQL.  Times lie half a day from any cut-off.
CREATE TABLE ret_want (part text, id int);
CREATE FUNCTION ret_round(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parted int := floor(random() * 3);
  reply_fk text := (ARRAY['REFERENCES ret_x', 'REFERENCES ret_x ON DELETE CASCADE', 'REFERENCES ret_x ON DELETE SET NULL', ''])[1 + floor(random() * 4)];
  bound timestamptz;
BEGIN
  DROP TABLE IF EXISTS ret_like, ret_reply, ret_x CASCADE;
  TRUNCATE ret_want;
  IF parted = 0 THEN
    CREATE TABLE ret_x (id int PRIMARY KEY, who journey_privacy.pseudonym, person int, at timestamptz);
  ELSE
    reply_fk := '';
    CREATE TABLE ret_x (id int, who journey_privacy.pseudonym, person int, at timestamptz) PARTITION BY RANGE (at);
    FOR i IN 1 .. 6 LOOP
      CONTINUE WHEN random() < 0.2;
      bound := date_trunc('day', now(), 'UTC') - (i * 40) * interval '1 day';
      EXECUTE format('CREATE TABLE ret_x%s PARTITION OF ret_x FOR VALUES FROM (%L) TO (%L) %s', i, bound - interval '40 days', bound,
                     CASE WHEN parted = 2 THEN 'PARTITION BY HASH (person)' ELSE '' END);
      IF parted = 2 THEN
        EXECUTE format('CREATE TABLE ret_x%s_0 PARTITION OF ret_x%s FOR VALUES WITH (MODULUS 2, REMAINDER 0)', i, i);
        EXECUTE format('CREATE TABLE ret_x%s_1 PARTITION OF ret_x%s FOR VALUES WITH (MODULUS 2, REMAINDER 1)', i, i);
      END IF;
    END LOOP;
    CREATE TABLE ret_x_rest PARTITION OF ret_x DEFAULT;
  END IF;
  PERFORM journey_privacy.protect('ret_x', 'who', occurred_at => 'at', retain_for => '100 days',
    number_column => CASE WHEN random() < 0.3 THEN NULL ELSE 'journey_subject' END);
  EXECUTE 'CREATE TABLE ret_reply (id int PRIMARY KEY, x int ' || reply_fk || ', who journey_privacy.pseudonym, person int)';
  PERFORM journey_privacy.protect('ret_reply', 'who');
  CREATE TABLE ret_like (id int, reply int REFERENCES ret_reply);
  IF reply_fk = '' AND random() < 0.4 THEN
    PERFORM journey_privacy.link_table('ret_reply', '{x}', 'ret_x', '{id}');
  ELSIF reply_fk = '' THEN
    reply_fk := 'none';
  END IF;
  INSERT INTO ret_x SELECT i, retention_of(p), p, CASE WHEN random() < 0.05 THEN NULL ELSE now() - d * interval '1 day' - interval '12 hours' END
    FROM (SELECT i, floor(random() * 20)::int AS p, floor(random() * 250)::int AS d FROM generate_series(1, 120) i) x;
  INSERT INTO ret_reply SELECT i, 1 + floor(random() * 120), retention_of(p), p
    FROM (SELECT i, floor(random() * 20)::int AS p FROM generate_series(1, 80) i) x;
  INSERT INTO ret_like SELECT i, 1 + floor(random() * 80) FROM generate_series(1, 80) i;
  -- who is held: everywhere, in ret_x, in ret_reply; restricted
  CREATE TEMP TABLE held ON COMMIT DROP AS
    SELECT p, (ARRAY['all', 'ret_x', 'ret_reply', 'restricted'])[1 + floor(random() * 4)] AS what
    FROM generate_series(0, 19) p WHERE random() < (n % 3) * 0.1;
  PERFORM journey_privacy.place_hold('oracle', retention_of(p), CASE WHEN what <> 'all' THEN what::regclass END)
    FROM held WHERE what <> 'restricted';
  PERFORM journey_privacy.restrict_processing(retention_of(p)) FROM held WHERE what = 'restricted';
  IF n % 7 = 0 THEN PERFORM journey_privacy.place_hold('oracle', "table" => 'ret_like'); END IF;
  -- what is to be left
  INSERT INTO ret_want
    WITH x0 AS (SELECT id, at < now() - interval '100 days' AND NOT EXISTS (
                  SELECT FROM held WHERE p = person AND what IN ('all', 'restricted', 'ret_x')) AS old FROM ret_x),
    -- replies that keep what they belong to, or refer to
    keeping AS (SELECT r.x FROM ret_reply r JOIN held ON p = r.person AND what IN ('all', 'restricted', 'ret_reply') WHERE reply_fk <> 'none'
                UNION SELECT r.x FROM ret_reply r JOIN ret_like l ON l.reply = r.id WHERE n % 7 = 0 AND reply_fk NOT LIKE '%NULL' AND reply_fk <> 'none'),
    x AS (SELECT id, coalesce(old, false) AND id NOT IN (SELECT x FROM keeping) AS goes FROM x0),
    r AS (SELECT r.id, reply_fk NOT LIKE '%NULL' AND reply_fk <> 'none' AND coalesce(x.goes, false) AS goes
          FROM ret_reply r LEFT JOIN x ON x.id = r.x)
    SELECT 'x', id FROM x WHERE NOT goes
    UNION ALL SELECT 'reply', id FROM r WHERE NOT goes
    UNION ALL SELECT 'like', l.id FROM ret_like l JOIN r ON r.id = l.reply WHERE NOT r.goes;
END $$;
CREATE FUNCTION ret_check() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (
  SELECT count(*) FROM (SELECT 'x' AS part, id FROM ret_x UNION ALL SELECT 'reply', id FROM ret_reply
                        UNION ALL SELECT 'like', id FROM ret_like) g
  FULL JOIN ret_want w USING (part, id) WHERE g.id IS NULL OR w.id IS NULL);
END $$;
SELECT setseed(0.29) IS NOT NULL AS seed_is_029;
DO $$
DECLARE
  bad int := 0; gone int := 0; parts int := 0; kept int := 0;
BEGIN
  FOR n IN 1 .. 14 LOOP
    PERFORM ret_round(n);
    COMMIT;
    CALL journey_privacy.purge_expired('ret_x', 1 + floor(random() * 60)::int);
    IF ret_check() > 0 THEN
      bad := bad + 1;
      RAISE WARNING 'round %: % rows differ', n, ret_check();
    END IF;
    SELECT gone + r.deleted, parts + cardinality(r.dropped), kept + r.withheld INTO gone, parts, kept
    FROM journey_privacy.purge_run r ORDER BY started_at DESC LIMIT 1;
    UPDATE journey_privacy.hold SET released_at = now() WHERE reason = 'oracle' AND released_at IS NULL;
    PERFORM journey_privacy.lift_restriction(retention_of(p)) FROM generate_series(0, 19) p;
    COMMIT;
  END LOOP;
  -- how many exactly is a question of the day
  RAISE WARNING 'rounds that differ: %; many rows were deleted: %, withheld: %, partitions dropped: %', bad, gone > 500, kept > 50, parts > 5;
END $$;
DROP TABLE ret_like, ret_reply, ret_x;
DROP FUNCTION ret_round(int), ret_check();
DELETE FROM journey_privacy.purge_run;
SELECT journey_privacy.drop_purpose('ret_long'), journey_privacy.drop_purpose('ret_short') \g /dev/null

-- Inactive subjects: the newest of all, and whether anything asks for them
SELECT journey_privacy.create_purpose('ret_agreed', 'consent', consent_valid_for => '10 years'),
       journey_privacy.create_purpose('ret_sold', 'contract', keep_for => '5 years') \g /dev/null
CREATE TABLE ret_event (who journey_privacy.pseudonym, at timestamptz);
CREATE TABLE ret_bill (who bigint, at timestamptz);
CREATE TABLE ret_person (who journey_privacy.pseudonym, name text);
SELECT journey_privacy.protect('ret_event', 'who', occurred_at => 'at'),
       journey_privacy.protect('ret_bill', 'who', 'customer_id', occurred_at => 'at', collected_for => '{ret_sold}', number_column => NULL),
       journey_privacy.protect('ret_person', 'who') \g /dev/null
-- other tests have left subjects behind: they are not to be looked at
SELECT journey_privacy.place_hold('other tests', pseudonym) FROM journey_privacy.subject WHERE head IS NULL \g /dev/null
CREATE VIEW ret_sorts AS
  SELECT active, with_basis, undated, withheld - (SELECT count(*) FROM journey_privacy.hold h
           WHERE reason = 'other tests' AND released_at IS NULL) AS withheld, inactive
  FROM journey_privacy.inactive_subjects('2 years');
TABLE ret_sorts;
INSERT INTO ret_event SELECT journey_privacy.pseudonymize('customer_id', 9310000 + i), retention_ago(1000) FROM generate_series(1, 20) i;
-- 1: an event of late; 2: a decision; 3: a yes in force, of long ago; 4: a yes that has expired; 5: no
INSERT INTO ret_event SELECT journey_privacy.pseudonymize('customer_id', 9310001), retention_ago(700);
SELECT journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9310002), 'ret_agreed', false, retention_ago(100)),
       journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9310003), 'ret_agreed', true, retention_ago(2000)),
       journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9310004), 'ret_agreed', true, retention_ago(4000)),
       journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9310005), 'ret_agreed', false, retention_ago(2000)) \g /dev/null
-- 6: a bill within its time; 7: one past it; 8: a row without a time; 9: an event without
INSERT INTO ret_bill VALUES (9310006, retention_ago(1500)), (9310007, retention_ago(1900));
INSERT INTO ret_person VALUES (journey_privacy.pseudonymize('customer_id', 9310008), 'name');
INSERT INTO ret_event VALUES (journey_privacy.pseudonymize('customer_id', 9310009), NULL);
-- 10: held; 11: held in one table; 12: restricted; 13: alias of 1; 14: has an alias with an event of late
SELECT journey_privacy.place_hold('lawsuit', journey_privacy.pseudonymize('customer_id', 9310010)),
       journey_privacy.place_hold('lawsuit', journey_privacy.pseudonymize('customer_id', 9310011), 'ret_event'),
       journey_privacy.restrict_processing(journey_privacy.pseudonymize('customer_id', 9310012)),
       journey_privacy.link_identity(journey_privacy.pseudonymize('customer_id', 9310001), journey_privacy.pseudonymize('customer_id', 9310013)),
       journey_privacy.link_identity(journey_privacy.pseudonymize('customer_id', 9310014), journey_privacy.pseudonymize('customer_id', 9310021)) \g /dev/null
INSERT INTO ret_event VALUES (journey_privacy.pseudonymize('customer_id', 9310021), retention_ago(1));
-- 22: just registered, with nothing yet; 23: registered long ago, with nothing; 15: a request of late; 16: an old one, done; 17: one that is open
SELECT journey_privacy.link_identity(journey_privacy.pseudonymize('customer_id', 9310022), journey_privacy.pseudonymize('customer_id', 9310032)),
       journey_privacy.link_identity(journey_privacy.pseudonymize('customer_id', 9310023), journey_privacy.pseudonymize('customer_id', 9310033)) \g /dev/null
UPDATE journey_privacy.subject SET created_at = retention_ago(1000) WHERE pseudonym = journey_privacy.pseudonymize('customer_id', 9310023);
-- (what a request keeps of a subject is what a hold does)
INSERT INTO journey_privacy.request (id, kind, regulation, status, received_at, confirm_by, due_at)
VALUES ('00000000-0000-4000-8000-000093100015', 'access', 'gdpr', 'completed', retention_ago(700), now(), now()),
       ('00000000-0000-4000-8000-000093100016', 'access', 'gdpr', 'completed', retention_ago(999), now(), now()),
       ('00000000-0000-4000-8000-000093100017', 'access', 'gdpr', 'pending', retention_ago(999), now(), now());
SELECT journey_privacy.place_hold(i::text, journey_privacy.pseudonymize('customer_id', 9310000 + i)) FROM generate_series(15, 17) i \g /dev/null
INSERT INTO journey_privacy.request_subject
  SELECT ('00000000-0000-4000-8000-0000931000' || h.reason)::uuid, h.trace
  FROM journey_privacy.hold h WHERE h.reason IN ('15', '16', '17');
DELETE FROM journey_privacy.hold WHERE reason IN ('15', '16', '17');
TABLE ret_sorts;
SELECT * FROM journey_privacy.inactive_subjects(NULL);
SELECT * FROM journey_privacy.inactive_subjects('0');
CALL journey_privacy.erase_inactive(NULL);
CALL journey_privacy.erase_inactive('-1 year');
CALL journey_privacy.erase_inactive('2 years', 0);
CALL journey_privacy.erase_inactive('2 years', 100001);
CALL journey_privacy.erase_inactive('2 years', 3);
TABLE ret_sorts;
SELECT string_agg(i::text, ' ' ORDER BY i) AS erased FROM generate_series(1, 23) i
WHERE journey_privacy.is_erased(journey_privacy.pseudonymize('customer_id', 9310000 + i));
SELECT count(*) AS events FROM ret_event;
SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM
  (SELECT state, count(*) AS n FROM journey_privacy.erasure WHERE reason = 'inactive' GROUP BY state) e;
-- who comes back is active; in a transaction block all at once, undone with it
BEGIN;
SELECT active, inactive FROM journey_privacy.inactive_subjects('1 day');
CALL journey_privacy.erase_inactive('1 day');
SELECT count(*) AS events FROM ret_event;
ROLLBACK;
SELECT count(*) AS events FROM ret_event;
DELETE FROM journey_privacy.request WHERE id::text LIKE '%0000931000%';
UPDATE journey_privacy.hold SET released_at = now() WHERE reason IN ('other tests', 'lawsuit') AND released_at IS NULL;
SELECT journey_privacy.lift_restriction(journey_privacy.pseudonymize('customer_id', 9310012)) \g /dev/null
DROP VIEW ret_sorts;
DROP TABLE ret_event, ret_bill, ret_person, ret_want;
DELETE FROM journey_privacy.purge_run;
