-- Erasing: all that refers to a subject goes, nothing else does.
\set VERBOSITY terse
\pset null '-'
SELECT journey_privacy.create_purpose('e_analytics', 'consent');
CREATE TABLE e_visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, cart int);
SELECT journey_privacy.protect('e_visit', 'visitor');
CREATE PROCEDURE people() LANGUAGE sql AS $$
  INSERT INTO e_visit SELECT i, ('customer_id:e' || i % 3)::journey_privacy.pseudonym FROM generate_series(1, 30) i;
  SELECT journey_privacy.record_consent(('customer_id:e' || i)::journey_privacy.pseudonym, 'e_analytics', true)
    FROM generate_series(0, 2) i;
$$;
CALL people();

-- Shapes: chain, composite key, self-reference, cycle, shared child, partitions,
-- kept rows that lose their reference, a constraint checked at commit, two owners
CREATE TABLE e_order (no int, shop int, visit int NOT NULL REFERENCES e_visit, PRIMARY KEY (shop, no));
CREATE TABLE e_item (id int PRIMARY KEY, no int, shop int, replaces int REFERENCES e_item,
                     FOREIGN KEY (shop, no) REFERENCES e_order (shop, no) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE e_cart (id int PRIMARY KEY, opened_by int REFERENCES e_visit ON DELETE CASCADE);
ALTER TABLE e_visit ADD FOREIGN KEY (cart) REFERENCES e_cart;
CREATE TABLE e_review (id int PRIMARY KEY, visit int REFERENCES e_visit ON DELETE SET NULL, stars int);
CREATE TABLE e_event (visit bigint REFERENCES e_visit, at date) PARTITION BY RANGE (at);
CREATE TABLE e_event_1 PARTITION OF e_event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE e_event_2 PARTITION OF e_event DEFAULT;
CREATE ROLE regress_eraser;
CREATE ROLE regress_warehouse;
CREATE TABLE e_parcel (id int PRIMARY KEY, item int REFERENCES e_item ON DELETE RESTRICT);
ALTER TABLE e_parcel OWNER TO regress_warehouse;
GRANT USAGE ON SCHEMA public TO regress_warehouse;
INSERT INTO e_order SELECT i, i % 2, i FROM generate_series(1, 30) i;
-- every fourth item replaces one of the next person: it goes along
INSERT INTO e_item SELECT i, i, i % 2, CASE WHEN i % 4 = 0 THEN i - 1 END FROM generate_series(1, 30) i;
INSERT INTO e_cart SELECT i, i FROM generate_series(1, 30) i;
UPDATE e_visit SET cart = id;
INSERT INTO e_review SELECT i, i, 5 FROM generate_series(1, 30) i;
INSERT INTO e_event SELECT i, '2026-01-30'::date + i FROM generate_series(1, 30) i;
INSERT INTO e_parcel SELECT i, i FROM generate_series(1, 30) i;
CREATE FUNCTION counts() RETURNS TABLE (t text, n bigint) LANGUAGE sql AS $$
  SELECT 'visit', count(*) FROM e_visit UNION ALL SELECT 'order', count(*) FROM e_order
  UNION ALL SELECT 'item', count(*) FROM e_item UNION ALL SELECT 'cart', count(*) FROM e_cart
  UNION ALL SELECT 'review', count(*) FROM e_review UNION ALL SELECT 'event', count(*) FROM e_event
  UNION ALL SELECT 'review of nobody', count(*) FROM e_review WHERE visit IS NULL
  UNION ALL SELECT 'parcel', count(*) FROM e_parcel $$;

SELECT * FROM journey_privacy.preview_erasure('customer_id:e1') ORDER BY relation::text COLLATE "C", action;
CREATE TEMP TABLE preview AS SELECT * FROM journey_privacy.preview_erasure('customer_id:e1');
-- looking changes nothing
SELECT * FROM counts();
CALL journey_privacy.erase('customer_id:e1', 'asked by letter', '00000000-0000-4000-8000-000000000001') \gset
SELECT * FROM counts();
-- the receipt says what the preview said, and names nobody
SELECT :'receipt'::jsonb - 'erased_at' - 'tables' AS receipt;
SELECT count(*) AS tables, count(*) FILTER (WHERE p.rows IS DISTINCT FROM d.rows) AS differing
FROM (SELECT x.relation::text, x.action, x.rows FROM preview x WHERE x.relation::text !~ 'journey_privacy') p
FULL JOIN (SELECT (t ->> 'table')::regclass::text AS relation, a.action, (t ->> a.key)::bigint AS rows
           FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t,
                (VALUES ('delete', 'rows_deleted'), ('clear reference', 'references_cleared')) a(action, key)
           WHERE (t ->> a.key)::bigint > 0) d USING (relation, action);
SELECT :'receipt' ~ 'e1' OR :'receipt' ~ 'letter' OR strpos(:'receipt', 'customer_id:e1'::journey_privacy.pseudonym::text) > 0
  AS names_somebody;
-- a second time: nothing there any more; the same request: the same receipt
SELECT * FROM journey_privacy.preview_erasure('customer_id:e1');
CALL journey_privacy.erase('customer_id:e1', NULL, '00000000-0000-4000-8000-000000000001') \gset again_
SELECT :'again_receipt' = :'receipt' AS same_receipt;
CALL journey_privacy.erase('customer_id:e2', NULL, '00000000-0000-4000-8000-000000000001');
CALL journey_privacy.erase('customer_id:e1') \gset third_
SELECT :'third_receipt'::jsonb -> 'tables' AS tables, :'third_receipt'::jsonb -> 'identities_deleted' AS subjects;
-- somebody never seen can ask, too: the tombstone keeps them out
CALL journey_privacy.erase('customer_id:never') \gset
SELECT journey_privacy.is_erased('customer_id:never');
CALL journey_privacy.erase(NULL);
CALL journey_privacy.erase('no kind');

-- all or nothing: a trigger that keeps rows
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON e_item FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TEMP TABLE before AS SELECT * FROM counts();
CALL journey_privacy.erase('customer_id:e2');
SELECT count(*) AS changed FROM before FULL JOIN counts() c USING (t, n) WHERE c.t IS NULL OR before.t IS NULL;
SELECT journey_privacy.is_erased('customer_id:e2');
DROP TRIGGER keep ON e_item;
-- in a transaction block, with rollback
BEGIN;
CALL journey_privacy.erase('customer_id:e2') \gset
SELECT count(*) FROM e_visit;
ROLLBACK;
SELECT count(*) AS changed FROM before FULL JOIN counts() c USING (t, n) WHERE c.t IS NULL OR before.t IS NULL;

-- the owner's triggers run with the owner's rights
CREATE TABLE stolen (who name);
GRANT INSERT ON stolen TO PUBLIC;
CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO stolen VALUES (current_user); RETURN OLD; END $$;
CREATE TRIGGER steal BEFORE DELETE ON e_parcel FOR EACH ROW EXECUTE FUNCTION steal();
GRANT EXECUTE ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) TO regress_eraser;
GRANT EXECUTE ON FUNCTION journey_privacy.pseudonymize(text, text) TO regress_eraser;
SET ROLE regress_eraser;
CALL journey_privacy.erase('customer_id:e2') \gset
SELECT * FROM journey_privacy.preview_erasure('customer_id:e0');
SELECT count(*) FROM e_visit;
SELECT count(*) FROM journey_privacy.erasure;
RESET ROLE;
SELECT DISTINCT who FROM stolen;
SELECT * FROM counts();
SELECT requested_by = session_user AS by_us, reason FROM journey_privacy.erasure
  WHERE request_id = '00000000-0000-4000-8000-000000000001';
DROP TABLE e_parcel, e_event, e_review, e_item, e_order, e_cart, e_visit CASCADE;
DROP FUNCTION counts;

-- Random graphs of tables against a recursive oracle over row images
CREATE TABLE graph_log (graph int, tables int, edges int, expected bigint, deleted bigint);
CREATE PROCEDURE random_graph(graph int, seed float8) LANGUAGE plpgsql AS $$
DECLARE
  tables int; edges int; i int; c int; p int; k int; n bigint; expected bigint := 0; receipt jsonb;
BEGIN
  PERFORM setseed(seed);
  tables := 2 + floor(random() * 4);
  CREATE TABLE oracle_edge (child int, parent int, col text);
  FOR i IN 1..tables LOOP
    EXECUTE format('CREATE TABLE g%s (id int PRIMARY KEY, visitor journey_privacy.pseudonym)', i);
    EXECUTE format('INSERT INTO g%s SELECT r, CASE WHEN random() < 0.3 THEN (''customer_id:r'' || floor(random() * 6))::journey_privacy.pseudonym END
                    FROM generate_series(1, 40) r', i);
  END LOOP;
  edges := 1 + floor(random() * 7);
  FOR k IN 1..edges LOOP
    c := 1 + floor(random() * tables); p := 1 + floor(random() * tables);
    EXECUTE format('ALTER TABLE g%s ADD COLUMN f%s int REFERENCES g%s %s', c, k, p,
                   (ARRAY['', 'ON DELETE CASCADE', 'ON DELETE RESTRICT', 'DEFERRABLE INITIALLY DEFERRED'])[1 + floor(random() * 4)]);
    EXECUTE format('UPDATE g%s SET f%s = CASE WHEN random() < 0.5 THEN 1 + floor(random() * 40) END', c, k);
    INSERT INTO oracle_edge VALUES (c, p, 'f' || k);
  END LOOP;
  SET CONSTRAINTS ALL IMMEDIATE;
  FOR i IN 1..tables LOOP
    IF i = 1 OR random() < 0.5 THEN
      PERFORM journey_privacy.protect(('g' || i)::regclass, 'visitor');
    END IF;
  END LOOP;
  -- the slow, obvious way: repeat until nothing is added
  CREATE TABLE oracle_row (t int, id int, PRIMARY KEY (t, id));
  FOR i IN 1..tables LOOP
    IF EXISTS (SELECT FROM journey_privacy.protection WHERE relation = ('g' || i)::regclass) THEN
      EXECUTE format('INSERT INTO oracle_row SELECT %s, id FROM g%s WHERE visitor = ''customer_id:r1''', i, i);
    END IF;
  END LOOP;
  LOOP
    n := 0;
    FOR c, p, i IN SELECT child, parent, substr(col, 2)::int FROM oracle_edge LOOP
      EXECUTE format('INSERT INTO oracle_row SELECT %s, c.id FROM g%s c JOIN oracle_row o ON o.t = %s AND o.id = c.f%s
                      ON CONFLICT DO NOTHING', c, c, p, i);
      GET DIAGNOSTICS k = ROW_COUNT;
      n := n + k;
    END LOOP;
    EXIT WHEN n = 0;
  END LOOP;
  -- what must be left of each table
  FOR i IN 1..tables LOOP
    EXECUTE format('CREATE TABLE left%s AS SELECT id FROM g%s WHERE id NOT IN (SELECT id FROM oracle_row WHERE t = %s)', i, i, i);
  END LOOP;
  SELECT count(*) INTO expected FROM oracle_row;
  CALL journey_privacy.erase('customer_id:r1', NULL, NULL, receipt);
  FOR i IN 1..tables LOOP
    EXECUTE format('SELECT count(*) FROM (SELECT id FROM g%1$s EXCEPT SELECT id FROM left%1$s
                    UNION ALL (SELECT id FROM left%1$s EXCEPT SELECT id FROM g%1$s)) d', i) INTO n;
    IF n > 0 THEN RAISE WARNING 'graph % (seed %): table % differs in % rows', graph, seed, i, n; END IF;
  END LOOP;
  INSERT INTO graph_log SELECT graph, tables, edges, expected,
    coalesce((SELECT sum((t ->> 'rows_deleted')::bigint) FROM jsonb_array_elements(receipt -> 'tables') t), 0);
  FOR i IN 1..tables LOOP EXECUTE format('DROP TABLE g%s, left%s CASCADE', i, i); END LOOP;
  DROP TABLE oracle_edge, oracle_row;
  PERFORM journey_privacy.record_consent('customer_id:r1', 'e_analytics', true, at => clock_timestamp());
END $$;
SET client_min_messages = warning;
DO $$ BEGIN FOR g IN 1..40 LOOP CALL random_graph(g, g / 1000.0); END LOOP; END $$;
RESET client_min_messages;
SELECT count(*) AS graphs, count(*) FILTER (WHERE expected <> deleted) AS wrong,
       min(tables) AS least_tables, max(tables) AS most_tables, max(edges) AS most_edges,
       sum(expected) > 500 AS many_rows FROM graph_log;
DROP TABLE graph_log, stolen;
DROP PROCEDURE random_graph, people;
DROP FUNCTION steal, keep;
REVOKE ALL ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) FROM regress_eraser;
REVOKE ALL ON FUNCTION journey_privacy.pseudonymize(text, text) FROM regress_eraser;
REVOKE ALL ON SCHEMA public FROM regress_warehouse;
DROP ROLE regress_eraser, regress_warehouse;
