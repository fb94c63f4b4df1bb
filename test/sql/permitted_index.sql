-- Who may be seen, looked up in an index of their numbers: the same rows as by
-- every other scan, and nobody learns the numbers.
SET client_min_messages = warning;
-- as on a disk without a head
SET random_page_cost = 1.1;
CREATE ROLE regress_few;
GRANT CREATE ON SCHEMA public TO regress_few;
SELECT journey_privacy.create_purpose('few', 'consent', consent_valid_for => '1 year'),
       journey_privacy.create_purpose('few_none', 'consent'),
       journey_privacy.create_purpose('few_many', 'opt_out'),
       journey_privacy.create_purpose('few_sums', 'consent', access => 'aggregates') \g /dev/null
SELECT journey_privacy.allow('regress_few', p) FROM unnest(ARRAY['few', 'few_none', 'few_many', 'few_sums']) p \g /dev/null
CREATE TABLE few_event (id int PRIMARY KEY, who journey_privacy.pseudonym NOT NULL, at timestamptz DEFAULT now(), note text);
CREATE TABLE few_part (id int, who journey_privacy.pseudonym, note text) PARTITION BY RANGE (id);
CREATE TABLE few_part_1 PARTITION OF few_part FOR VALUES FROM (0) TO (4500);
CREATE TABLE few_part_2 PARTITION OF few_part DEFAULT;
SELECT journey_privacy.protect('few_event', 'who', occurred_at => 'at'), journey_privacy.protect('few_part', 'who') \g /dev/null
CREATE TABLE few_person AS
  SELECT i, journey_privacy.pseudonymize('customer_id', 9400000 + i) AS who FROM generate_series(0, 2999) i;
-- of a hundred two agree: some restricted, some long ago
SELECT journey_privacy.record_consent(who, p, i % 50 = 0, now() - CASE i % 700 WHEN 0 THEN interval '2 years' ELSE interval '1 day' END)
FROM few_person, unnest(ARRAY['few', 'few_many', 'few_sums']) p WHERE i % 5 = 0 \g /dev/null
INSERT INTO few_event (id, who, note) SELECT n * 3000 + i, who, repeat('x', 100) FROM few_person, generate_series(0, 2) n;
INSERT INTO few_part SELECT n * 3000 + i, CASE WHEN i % 7 > 0 THEN who END, repeat('x', 100) FROM few_person, generate_series(0, 2) n;
SELECT journey_privacy.restrict_processing(who) FROM few_person WHERE i % 450 = 0 \g /dev/null
CREATE INDEX few_event_number ON few_event (journey_subject);
CREATE INDEX ON few_part (journey_subject, id);
GRANT SELECT, UPDATE, DELETE ON few_event, few_part TO regress_few;
VACUUM ANALYZE few_event, few_part;

-- The oracle: from the people alone.
CREATE VIEW few_seen AS
  SELECT i, who, p FROM few_person, unnest(ARRAY['few', 'few_none', 'few_many']) p
  WHERE i % 450 > 0 AND CASE p WHEN 'few' THEN i % 50 = 0 AND i % 700 > 0 WHEN 'few_many' THEN i % 5 > 0 OR i % 50 = 0 ELSE false END;
GRANT SELECT ON few_seen TO regress_few;
CREATE FUNCTION few_differ(seen int[], purpose text, kept int) RETURNS bigint SECURITY DEFINER LANGUAGE sql AS
  'SELECT count(*) FROM unnest(seen) x(id) FULL JOIN
     (SELECT n * 3000 + i AS id FROM few_seen, generate_series(0, 2) n WHERE p = purpose AND i % kept > 0) o USING (id)
   WHERE x.id IS NULL OR o.id IS NULL';
CREATE FUNCTION few_plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; scans text[] := '{}';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    scans := scans || substring(line FROM 'JourneyScan|Bitmap Index Scan|Seq Scan|Index Scan|Parallel');
  END LOOP;
  RETURN array_to_string(array_remove(scans, NULL), ', ');
END $$;

SET ROLE regress_few;
SET journey_privacy.purpose = few;
SELECT few_plan('SELECT id FROM few_event'), few_plan('SELECT id FROM few_part');
SELECT few_differ(array_agg(id), 'few', 1000000) AS differ, count(*) FROM few_event;
SELECT few_differ(array_agg(id), 'few', 7) AS differ, count(*) FROM few_part;
SET enable_bitmapscan = off;
SELECT few_plan('SELECT id FROM few_event'), few_plan('SELECT id FROM few_part');
SELECT few_differ(array_agg(id), 'few', 1000000) AS differ, count(*) FROM few_event;
RESET enable_bitmapscan;

-- Where many may be seen it is not worth it.
SET journey_privacy.purpose = few_many;
SELECT few_plan('SELECT id FROM few_event');
-- what was planned for few is right for many, too, and for nobody
SET journey_privacy.purpose = few;
SET plan_cache_mode = force_generic_plan;
PREPARE few_ask AS SELECT array_agg(id) FROM few_event;
SELECT few_plan('EXECUTE few_ask');
CREATE FUNCTION pg_temp.ask() RETURNS int[] LANGUAGE plpgsql AS
  $$ BEGIN RETURN (SELECT array_agg(id) FROM few_event); END $$;
SELECT few_differ(pg_temp.ask(), 'few', 1000000);
SET journey_privacy.purpose = few_many;
SELECT few_plan('EXECUTE few_ask');
SELECT few_differ(pg_temp.ask(), 'few_many', 1000000);
SET journey_privacy.purpose = few_none;
SELECT few_differ(pg_temp.ask(), 'few_none', 1000000);
EXECUTE few_ask;
SET journey_privacy.purpose = few_sums;
EXECUTE few_ask;
SET journey_privacy.purpose = '';
EXECUTE few_ask;
RESET plan_cache_mode;

-- Parallel: one makes the bitmap.  Pages are not shared by workers' costs, so rows must cost more.
SET journey_privacy.purpose = few;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET cpu_tuple_cost = 10;
SELECT few_plan('SELECT id FROM few_event');
SELECT few_differ(array_agg(id), 'few', 1000000) AS differ, count(*) FROM few_event;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET cpu_tuple_cost;

-- Answers, by the index too, of purposes that give nothing else
SELECT journey_privacy.subject_count('few_event');
SET journey_privacy.purpose = few_sums;
SELECT journey_privacy.subject_count('few_event');
SET enable_bitmapscan = off;
SELECT journey_privacy.subject_count('few_event');
RESET enable_bitmapscan;
SET journey_privacy.purpose = few;

-- Who withdraws while a cursor is open is not seen any more; a new consent counts for the next scan.
BEGIN;
DECLARE few_cursor CURSOR FOR SELECT id FROM few_event WHERE id < 3000;
FETCH 2 FROM few_cursor;
RESET ROLE;
SELECT journey_privacy.withdraw(who, 'few') FROM few_person WHERE i IN (150, 200) \g /dev/null
SELECT journey_privacy.record_consent(who, 'few', true) FROM few_person WHERE i = 1 \g /dev/null
SET ROLE regress_few;
FETCH 3 FROM few_cursor;
SELECT min(id) FROM few_event;
ROLLBACK;

-- Rows that are changed by way of the index
SET ROLE regress_few;
SELECT few_plan('UPDATE few_event SET note = ''y'''), few_plan('DELETE FROM few_event');
UPDATE few_event SET note = 'y';
DELETE FROM few_event WHERE id < 3000;
RESET ROLE;
SELECT count(*) FILTER (WHERE note = 'y') AS updated, count(*) FILTER (WHERE id < 3000) AS left,
       count(*) FILTER (WHERE note = 'y' AND (who, 'few') NOT IN (SELECT who, p FROM few_seen)) AS wrong FROM few_event;

-- The numbers are nobody's to ask for, in whatever words
SET ROLE regress_few;
SELECT journey_privacy.permitted_numbers('few_event'::regclass);
SELECT id FROM few_event WHERE journey_subject = ANY (journey_privacy.permitted_numbers('few_event'::regclass));
SELECT id FROM few_event WHERE journey_subject = ANY (journey_privacy.permitted_numbers(tableoid));
SELECT journey_privacy.permitted_numbers(NULL) IS NULL;
CREATE FUNCTION few_numbers() RETURNS int[] LANGUAGE sql BEGIN ATOMIC SELECT journey_privacy.permitted_numbers('few_event'::regclass); END;
SELECT few_numbers();
CREATE OPERATOR public.%%% (FUNCTION = journey_privacy.permitted_numbers, RIGHTARG = oid);
SELECT %%% 'few_event'::regclass::oid;
RESET ROLE;
SELECT journey_privacy.permitted_numbers('few_event'::regclass);

DROP OPERATOR public.%%% (NONE, oid);
DROP FUNCTION few_numbers();
DEALLOCATE few_ask;
DROP TABLE few_event, few_part;
DROP VIEW few_seen CASCADE;
DROP TABLE few_person;
DROP FUNCTION few_differ(int[], text, int), few_plan(text);
DROP OWNED BY regress_few;
DROP ROLE regress_few;
RESET journey_privacy.purpose;
