-- Scrubbing: what is left of deleted rows in files is found, then gone, and
-- tables and indexes are as sound as before.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION amcheck;
CREATE EXTENSION btree_gist;
RESET client_min_messages;

-- A table with an index of every kind.  Addresses are long, so that many of
-- them are keys in inner pages.
CREATE TABLE sc_person (id int PRIMARY KEY, email text, seen timestamptz, tags text[], age int,
                        letter text, nothing text) WITH (autovacuum_enabled = off);
ALTER TABLE sc_person ALTER letter SET STORAGE EXTERNAL;
CREATE FUNCTION sc_email(i int) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'person' || i || repeat('.' || i, 20 + i % 7) || '@example.com';
INSERT INTO sc_person SELECT i, sc_email(i), timestamptz '2026-01-01' + i * interval '1 hour', ARRAY[sc_email(i)], i % 100,
  CASE WHEN i % 10 = 3 THEN repeat(sc_email(i), 20) END FROM generate_series(1, 2000) i;
CREATE INDEX sc_btree ON sc_person (email);
CREATE INDEX sc_include ON sc_person (age) INCLUDE (email);
CREATE INDEX sc_partial ON sc_person (email) WHERE id > 100;
CREATE INDEX sc_expression ON sc_person (upper(email));
CREATE INDEX sc_gist ON sc_person USING gist (email);
CREATE INDEX sc_gin ON sc_person USING gin (tags);
CREATE INDEX sc_spgist ON sc_person USING spgist (email);
CREATE INDEX sc_hash ON sc_person USING hash (email);
CREATE INDEX sc_brin ON sc_person USING brin (email) WITH (pages_per_range = 2);
CREATE INDEX sc_brin_seen ON sc_person USING brin (seen) WITH (pages_per_range = 2);
CREATE STATISTICS sc_statistics (mcv) ON email, age FROM sc_person;
CREATE STATISTICS sc_expressions ON lower(email), age FROM sc_person;
-- rows move on their pages: what lies behind them is no longer zero
VACUUM ANALYZE sc_person;
UPDATE sc_person SET nothing = 'x' WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP OFF, TRUNCATE OFF) sc_person;
UPDATE sc_person SET nothing = 'xyz' || id WHERE id % 4 = 0;
VACUUM ANALYZE sc_person;
CREATE MATERIALIZED VIEW sc_view AS SELECT id, email FROM sc_person WHERE id % 10 IN (3, 4);
CREATE UNIQUE INDEX ON sc_view (id);
CREATE VIEW sc_between AS SELECT * FROM sc_view;
CREATE MATERIALIZED VIEW sc_view_of_view AS SELECT email, count(*) FROM sc_between GROUP BY 1;
CREATE MATERIALIZED VIEW sc_unfilled AS TABLE sc_person WITH NO DATA;
ANALYZE sc_view, sc_view_of_view;

CREATE FUNCTION sc_gone() RETURNS text[] LANGUAGE sql RETURN
  (SELECT array_agg('email:' || sc_email(i)) FROM generate_series(3, 2000, 10) i);
-- what is left, and of whom it speaks; oids have no place in expected output
CREATE FUNCTION sc_left(tab regclass) RETURNS TABLE (relation text, dead boolean, hole boolean, padding boolean, found boolean)
  LANGUAGE sql AS $$
  SELECT n.name, r.dead_tuples > 0, r.hole_bytes > 0, r.padding_bytes > 0, r.occurrences > 0
  FROM journey_privacy.residue(tab, sc_gone()) r, regexp_replace(r.relation::text, 'toast_\d+', 'toast_N') n(name)
  WHERE r.fork = 'main' ORDER BY n.name COLLATE "C" $$;
CREATE FUNCTION sc_statistics_name(tab regclass) RETURNS boolean LANGUAGE sql RETURN EXISTS (
  SELECT FROM pg_stats s, unnest(sc_gone()) g
  WHERE format('%I.%I', s.schemaname, s.tablename)::regclass = tab
    AND (strpos(s.histogram_bounds::text, split_part(g, ':', 2)) > 0 OR strpos(s.most_common_vals::text, split_part(g, ':', 2)) > 0));

DELETE FROM sc_person WHERE id % 10 = 3;
SELECT * FROM sc_left('sc_person');
SELECT sc_statistics_name('sc_person');
-- VACUUM alone leaves most of it
VACUUM sc_person;
SELECT * FROM sc_left('sc_person');
-- without indexes
CALL journey_privacy.scrub('sc_person', rebuild_indexes => false);
SELECT * FROM sc_left('sc_person');
-- with them: nothing is left
CALL journey_privacy.scrub('sc_person');
SELECT * FROM sc_left('sc_person');
SELECT * FROM sc_left('sc_view');
SELECT * FROM sc_left('sc_view_of_view');
SELECT sc_statistics_name(t) FROM unnest('{sc_person,sc_view,sc_view_of_view}'::regclass[]) t;
SELECT (SELECT count(*) FROM sc_view) AS view, (SELECT count(*) FROM sc_view_of_view) AS view_of_view,
  (SELECT relispopulated FROM pg_class WHERE oid = 'sc_unfilled'::regclass) AS unfilled;

-- One row of many: VACUUM by itself would leave it to indexes.
SELECT pg_relation_size('sc_person') / 8192 > 60 AS many_pages;
CREATE FUNCTION sc_one() RETURNS TABLE (relation regclass, found boolean) LANGUAGE sql AS $$
  SELECT r.relation, r.occurrences > 0 FROM journey_privacy.residue('sc_person', ARRAY['email:' || sc_email(1001)]) r
  WHERE r.relation IN ('sc_person'::regclass, 'sc_btree'::regclass, 'sc_gist'::regclass) AND r.fork = 'main' ORDER BY 1 $$;
SELECT * FROM sc_one();
DELETE FROM sc_person WHERE id = 1001;
CALL journey_privacy.scrub('sc_person', rebuild_indexes => false);
SELECT * FROM sc_one();

-- All is sound.
SELECT count(bt_index_check(indexrelid, true)) AS checked FROM pg_index JOIN pg_class c ON c.oid = indexrelid
WHERE relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
  AND indrelid = ANY ('{sc_person,sc_view,sc_view_of_view,pg_statistic,pg_statistic_ext_data}'::regclass[]);
SELECT * FROM verify_heapam('sc_person');
SELECT * FROM verify_heapam('pg_statistic');
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'sc_person'::regclass AND NOT (indisvalid AND indisready);
-- BRIN still has a summary of every range
SELECT brin_summarize_new_values('sc_brin'), brin_summarize_new_values('sc_brin_seen');
-- every index answers as the table does
CREATE FUNCTION sc_count(keep text, condition text) RETURNS TABLE (index text, used boolean, by_index bigint, by_table bigint)
  LANGUAGE plpgsql AS $$
DECLARE plan text; other text;
BEGIN
  index := keep;
  FOR other IN SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'sc_person'::regclass LOOP
    UPDATE pg_index SET indisvalid = (other = keep) WHERE indexrelid = other::regclass;
  END LOOP;
  SET LOCAL enable_seqscan = off;
  FOR plan IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT count(*) FROM sc_person WHERE ' || condition LOOP
    used := coalesce(used, false) OR strpos(plan, keep) > 0;
  END LOOP;
  EXECUTE 'SELECT count(*) FROM sc_person WHERE ' || condition INTO by_index;
  UPDATE pg_index SET indisvalid = true WHERE indrelid = 'sc_person'::regclass;
  SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off;
  EXECUTE 'SELECT count(*) FROM sc_person WHERE ' || condition INTO by_table;
  SET LOCAL enable_indexscan = on; SET LOCAL enable_bitmapscan = on;
  RETURN NEXT;
END $$;
SELECT c.* FROM (VALUES
  ('sc_btree', 'email BETWEEN ''person4'' AND ''person9'''), ('sc_include', 'age BETWEEN 10 AND 40'),
  ('sc_partial', 'email > ''person4'' AND id > 100'), ('sc_expression', 'upper(email) > ''PERSON4'''),
  ('sc_gist', 'email < ''person4'''), ('sc_gin', 'tags @> ARRAY[sc_email(4)]'),
  ('sc_spgist', 'email ^@ ''person12'''), ('sc_hash', 'email = sc_email(5)'),
  ('sc_brin', 'email < ''person5'''), ('sc_brin_seen', 'seen < ''2026-02-01''')) v(i, q), sc_count(i, q) c;

-- Statistics that ANALYZE does not make: of an empty table, an index that has
-- no rows, a column that is left out since.
ALTER TABLE sc_person ALTER email SET STATISTICS 0;
CREATE INDEX sc_rare ON sc_person (lower(email)) WHERE age = 4;
ANALYZE sc_person;
UPDATE sc_person SET age = 5 WHERE age = 4;
CREATE TABLE sc_empty (email text);
INSERT INTO sc_empty SELECT 'short' || i % 5 || '@example.com' FROM generate_series(1, 100) i;
CREATE STATISTICS sc_empty_statistics ON lower(email), upper(email) FROM sc_empty;
ANALYZE sc_empty;
DELETE FROM sc_empty;
CREATE VIEW sc_kept AS SELECT
  (SELECT count(*) FROM pg_stats WHERE tablename = 'sc_empty') AS columns,
  (SELECT count(*) FROM pg_stats_ext WHERE tablename = 'sc_empty' AND most_common_vals IS NOT NULL) AS extended,
  (SELECT count(*) FROM pg_stats WHERE (tablename, attname) = ('sc_person', 'email')) AS left_out,
  (SELECT count(*) FROM pg_stats WHERE tablename = 'sc_rare') AS without_rows,
  (SELECT sum(occurrences) > 0 FROM journey_privacy.residue('pg_statistic', '{email:short3@example.com}')) AS file,
  (SELECT sum(occurrences) > 0 FROM journey_privacy.residue('pg_statistic_ext_data', '{email:SHORT3@EXAMPLE.COM}')) AS extended_file;
SELECT * FROM sc_kept;
CALL journey_privacy.scrub('sc_empty');
CALL journey_privacy.scrub('sc_person');
SELECT * FROM sc_kept;

-- Which indexes are rebuilt: their files are new.
CREATE TABLE sc_key (id bigint PRIMARY KEY, customer bigint UNIQUE, visitor journey_privacy.pseudonym, born date,
                     who text, EXCLUDE USING gist (who WITH =));
CREATE INDEX sc_key_visitor ON sc_key (visitor);
CREATE INDEX sc_key_born ON sc_key (born, id);
CREATE INDEX sc_key_expression ON sc_key ((customer % 10));
CREATE INDEX sc_key_brin ON sc_key USING brin (id, who);
CREATE INDEX sc_key_hash ON sc_key USING hash (who);
CREATE TABLE sc_child (key bigint REFERENCES sc_key);
CREATE INDEX sc_child_key ON sc_child (key);
CREATE TEMP TABLE file AS SELECT c.relname, pg_relation_filenode(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
  WHERE indrelid = ANY ('{sc_key,sc_child}'::regclass[]);
CREATE VIEW sc_rebuilt AS SELECT relname FROM file f WHERE pg_relation_filenode <> pg_relation_filenode(relname::regclass) ORDER BY 1;
CALL journey_privacy.scrub('sc_key');
CALL journey_privacy.scrub('sc_child');
SELECT * FROM sc_rebuilt;
-- numbers that are subjects: there, and where nobody said which they are
SELECT journey_privacy.protect('sc_key', 'customer', kind => 'customer_id');
UPDATE file SET pg_relation_filenode = pg_relation_filenode(relname::regclass);
SET client_min_messages = error;
CALL journey_privacy.scrub('sc_key');
CALL journey_privacy.scrub('sc_child');
RESET client_min_messages;
SELECT * FROM sc_rebuilt;
DROP TABLE sc_child, sc_key CASCADE;

-- Partitions, children; unlogged and temporary tables; empty ones
CREATE TABLE sc_part (id int, email text) PARTITION BY RANGE (id);
CREATE TABLE sc_part_1 PARTITION OF sc_part FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (id);
CREATE TABLE sc_part_1a PARTITION OF sc_part_1 FOR VALUES FROM (0) TO (500);
CREATE UNLOGGED TABLE sc_part_2 PARTITION OF sc_part DEFAULT;
CREATE INDEX sc_part_email ON sc_part (email);
CREATE TABLE sc_parent (email text);
CREATE TABLE sc_inherits () INHERITS (sc_parent);
CREATE TEMP TABLE sc_temp (email text);
CREATE TABLE sc_columnless ();
CREATE PROCEDURE sc_fill() LANGUAGE sql AS $$
  INSERT INTO sc_part SELECT i * 10, sc_email(i) FROM generate_series(1, 200) i WHERE i <= 49 OR i >= 100;
  INSERT INTO sc_inherits SELECT sc_email(i) FROM generate_series(1, 200) i;
  INSERT INTO sc_temp SELECT sc_email(i) FROM generate_series(1, 200) i;
  UPDATE sc_part SET email = email || 'x';
  UPDATE sc_parent SET email = email || 'x';
  UPDATE sc_temp SET email = email || 'x';
$$;
CALL sc_fill();
ANALYZE sc_part, sc_parent, sc_temp;
DELETE FROM sc_part WHERE email ~ '3[.]';
DELETE FROM sc_parent WHERE email ~ '3[.]';
DELETE FROM sc_temp WHERE email ~ '3[.]';
SELECT relation, fork FROM journey_privacy.residue('sc_part') WHERE fork IN ('main', 'init') AND relation::text !~ 'toast' ORDER BY 1, 2;
SELECT sc_statistics_name('sc_part') AS parent, (SELECT bool_or(found) FROM sc_left('sc_part_1a')) AS scrubbed,
       (SELECT bool_or(found) FROM sc_left('sc_part_2')) AS other;
CALL journey_privacy.scrub('sc_part_1a');
SELECT sc_statistics_name('sc_part') AS parent, (SELECT bool_or(found) FROM sc_left('sc_part_1a')) AS scrubbed,
       (SELECT bool_or(found) FROM sc_left('sc_part_2')) AS other;
SELECT t, bool_or(l.dead) AS dead, bool_or(l.hole) AS hole, bool_or(l.padding) AS padding, bool_or(l.found) AS found
FROM unnest('{sc_part,sc_parent,sc_temp,sc_columnless}'::regclass[]) t, sc_left(t) l GROUP BY 1 ORDER BY 1;
CALL journey_privacy.scrub('sc_part');
CALL journey_privacy.scrub('sc_parent');
CALL journey_privacy.scrub('sc_temp');
CALL journey_privacy.scrub('sc_columnless');
SELECT t, bool_or(l.dead) AS dead, bool_or(l.hole) AS hole, bool_or(l.padding) AS padding, bool_or(l.found) AS found
FROM unnest('{sc_part,sc_parent,sc_temp,sc_columnless}'::regclass[]) t, sc_left(t) l GROUP BY 1 ORDER BY 1;

-- A materialized view that fails names nobody, and the rest is done.
CREATE TABLE sc_source (value text);
INSERT INTO sc_source VALUES ('1');
CREATE MATERIALIZED VIEW sc_fails AS SELECT value::int FROM sc_source;
UPDATE sc_source SET value = 'somebody';
\set VERBOSITY default
CALL journey_privacy.scrub('sc_source');
\set VERBOSITY terse
SELECT * FROM sc_left('sc_source');
DROP TABLE sc_source CASCADE;

-- residue() finds what it is told to
CREATE TABLE sc_find (visitor journey_privacy.pseudonym, email text);
INSERT INTO sc_find VALUES ('email:Ann@Example.com', NULL), (NULL, 'Ann@Example.com'), (NULL, 'ann@example.com, ann@example.com');
SELECT occurrences FROM journey_privacy.residue('sc_find', '{email:Ann@Example.com}') WHERE fork = 'main' AND relation = 'sc_find'::regclass;
SELECT occurrences FROM journey_privacy.residue('sc_find', '{email:ann@example.com}') WHERE fork = 'main' AND relation = 'sc_find'::regclass;
SELECT occurrences FROM journey_privacy.residue('sc_find', ARRAY['email:ann@example.com'::journey_privacy.pseudonym::text]) WHERE fork = 'main' AND relation = 'sc_find'::regclass;
SELECT occurrences FROM journey_privacy.residue('sc_find', '{}') WHERE fork = 'main' AND relation = 'sc_find'::regclass;
SELECT occurrences IS NULL AS not_asked FROM journey_privacy.residue('sc_find') WHERE fork = 'main' AND relation = 'sc_find'::regclass;
SELECT * FROM journey_privacy.residue('sc_find', '{NULL}');
SELECT * FROM journey_privacy.residue('sc_find', '{nobody}');
SELECT * FROM journey_privacy.residue('sc_find', '{nosuchkind:x}');
SELECT * FROM journey_privacy.residue('sc_find', '{email:}');
SELECT * FROM journey_privacy.residue(NULL);
SELECT * FROM journey_privacy.residue('sc_between');
SELECT * FROM journey_privacy.residue('sc_btree');
SELECT * FROM journey_privacy.residue(1);

-- Where it may not be called, and by whom
BEGIN;
CALL journey_privacy.scrub('sc_find');
ROLLBACK;
DO $$ BEGIN CALL journey_privacy.scrub('sc_find'); END $$;
CREATE PROCEDURE sc_call() LANGUAGE sql AS $$ CALL journey_privacy.scrub('sc_find') $$;
CALL sc_call();
SELECT 1 \; CALL journey_privacy.scrub('sc_find');
SET default_transaction_read_only = on;
CALL journey_privacy.scrub('sc_find');
RESET default_transaction_read_only;
CALL journey_privacy.scrub('sc_between');
CALL journey_privacy.scrub('sc_btree');
CALL journey_privacy.scrub('pg_authid');
CALL journey_privacy.scrub(1);
CALL journey_privacy.scrub('sc_find', NULL);
CREATE ROLE regress_scrubber;
GRANT USAGE ON SCHEMA journey_privacy TO regress_scrubber;
CREATE TABLE sc_owned (email text);
ALTER TABLE sc_owned OWNER TO regress_scrubber;
INSERT INTO sc_owned VALUES ('a'), ('b');
SET ROLE regress_scrubber;
CALL journey_privacy.scrub('sc_owned');
SELECT count(*) FROM journey_privacy.residue('sc_owned');
RESET ROLE;
GRANT EXECUTE ON PROCEDURE journey_privacy.scrub(regclass, boolean) TO regress_scrubber;
GRANT EXECUTE ON FUNCTION journey_privacy.residue(regclass, text[]) TO regress_scrubber;
SET ROLE regress_scrubber;
DELETE FROM sc_owned WHERE email = 'a';
CALL journey_privacy.scrub('sc_owned');
CALL journey_privacy.scrub('sc_find');
SELECT bool_or(dead_tuples > 0) FROM journey_privacy.residue('sc_owned');
SELECT * FROM journey_privacy.residue('sc_owned', '{email:a@example.com}');
SELECT * FROM journey_privacy.residue('pg_authid');
RESET ROLE;

DROP TABLE sc_owned, sc_find, sc_columnless, sc_temp, sc_inherits, sc_parent, sc_part, sc_empty, sc_person, file CASCADE;
DROP VIEW sc_kept;
DROP FUNCTION sc_email, sc_gone, sc_left, sc_statistics_name, sc_count, sc_one;
DROP PROCEDURE sc_fill, sc_call;
DROP OWNED BY regress_scrubber;
DROP ROLE regress_scrubber;
DROP EXTENSION amcheck, btree_gist;
