-- Random graphs of tables: what an erasure does to every row agrees with the slow,
-- obvious way, a search over all rows that is repeated until nothing changes.
-- Foreign keys of all kinds, cycles, self-references, links between columns of
-- other types and of two columns, redacted and shared rows, partitions, children.
SET client_min_messages = warning;
SELECT journey_privacy.create_purpose('graphs', 'consent');

-- How rows of one table belong to those of another, for the oracle.
CREATE TABLE edge (child int, parent int, name text, matches text, fate text, sets text);
-- Every row, by table and id, with what becomes of it.
CREATE TABLE fate (t int, id int, fate text, PRIMARY KEY (t, id));
CREATE TABLE graph_log (graph int, tables int, edges int, deleted bigint, redacted bigint, kept bigint, differing bigint, miscounted bigint);

-- The rows of a table as text, with the redactions of some rows carried out.
CREATE PROCEDURE make_graph(seed float8, INOUT tables int, INOUT edges int) LANGUAGE plpgsql AS $$
DECLARE i int; k int; c int; p int; kind float8; action text; shape float8;
BEGIN
  PERFORM setseed(seed);
  tables := 2 + floor(random() * 4);
  edges := 1 + floor(random() * 7);
  FOR i IN 1..tables LOOP
    shape := random();
    EXECUTE format('CREATE TABLE g%s (id int NOT NULL, visitor journey_privacy.pseudonym, a int, b text, note text, part int NOT NULL DEFAULT 0%s) %s', i,
      CASE WHEN shape < 0.2 THEN '' ELSE ', PRIMARY KEY (id)' END, CASE WHEN shape < 0.2 THEN 'PARTITION BY LIST (part)' ELSE '' END);
    IF shape < 0.2 THEN
      EXECUTE format('CREATE TABLE g%1$s_0 PARTITION OF g%1$s FOR VALUES IN (0); CREATE TABLE g%1$s_1 PARTITION OF g%1$s FOR VALUES IN (1);
                      ALTER TABLE g%1$s ADD UNIQUE (id, part)', i);
    END IF;
    EXECUTE format('INSERT INTO g%s SELECT r, CASE WHEN random() < 0.3 THEN (''customer_id:r'' || floor(random() * 5))::journey_privacy.pseudonym END,
      floor(random() * 12), floor(random() * 12), ''note '' || r, %s FROM generate_series(1, 20) r', i, CASE WHEN shape < 0.2 THEN 'floor(random() * 2)' ELSE '0' END);
    IF i > 1 AND shape >= 0.2 AND random() < 0.2 THEN
      EXECUTE format('CREATE TABLE g%1$s_c () INHERITS (g%1$s);
        INSERT INTO g%1$s_c SELECT r, NULL, floor(random() * 12), floor(random() * 12), ''note '' || r, 0 FROM generate_series(21, 26) r', i);
    END IF;
  END LOOP;
  FOR k IN 1..edges LOOP
    c := 1 + floor(random() * tables); p := 1 + floor(random() * tables);
    kind := random();
    SET CONSTRAINTS ALL IMMEDIATE;
    IF kind < 0.5 AND NOT EXISTS (SELECT FROM pg_class WHERE oid = ('g' || p)::regclass AND relkind = 'p')
       AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent IN (('g' || p)::regclass, ('g' || c)::regclass) AND inhparent <> 0
                       AND NOT (SELECT relkind = 'p' FROM pg_class WHERE oid = inhparent)) THEN
      action := (ARRAY['', 'ON DELETE CASCADE', 'ON DELETE RESTRICT', 'DEFERRABLE INITIALLY DEFERRED', 'ON DELETE SET NULL'])[1 + floor(random() * 5)];
      EXECUTE format('ALTER TABLE g%s ADD COLUMN f%s int', c, k);
      EXECUTE format('UPDATE g%s SET f%s = CASE WHEN random() < 0.5 THEN 1 + floor(random() * 20) END', c, k);
      EXECUTE format('ALTER TABLE g%s ADD FOREIGN KEY (f%s) REFERENCES g%s %s', c, k, p, action);
      INSERT INTO edge VALUES (c, p, 'f' || k, format('c.f%s = p.id', k), CASE action WHEN 'ON DELETE SET NULL' THEN 'clear' ELSE 'delete' END,
                               CASE action WHEN 'ON DELETE SET NULL' THEN format('f%s = NULL', k) END);
    ELSIF kind < 0.65 THEN
      PERFORM journey_privacy.link_table(('g' || c)::regclass, '{b}', ('g' || p)::regclass, '{a}');
      INSERT INTO edge SELECT c, p, 'link b a', 'c.b = p.a::text', 'delete', NULL
        WHERE NOT EXISTS (SELECT FROM edge e WHERE e.child = c AND e.parent = p AND e.name = 'link b a');
    ELSIF kind < 0.8 THEN
      PERFORM journey_privacy.link_table(('g' || c)::regclass, '{a,b}', ('g' || p)::regclass, '{a,b}', 'redact', '{"note": "gone"}');
      INSERT INTO edge SELECT c, p, 'link ab', 'c.a = p.a AND c.b = p.b', 'redact', 'note = ''gone'''
        WHERE NOT EXISTS (SELECT FROM edge e WHERE e.child = c AND e.parent = p AND e.name = 'link ab');
    ELSE
      EXECUTE format('ALTER TABLE g%s ADD COLUMN s%s int', c, k);
      EXECUTE format('UPDATE g%s SET s%s = CASE WHEN random() < 0.6 THEN 1 + floor(random() * 20) END', c, k);
      PERFORM journey_privacy.link_table(('g' || c)::regclass, ARRAY['s' || k]::name[], ('g' || p)::regclass, '{id}', 'shared',
                                         jsonb_build_object('s' || k, NULL));
      INSERT INTO edge VALUES (c, p, 's' || k, format('c.s%s = p.id', k), 'shared', format('s%s = NULL', k));
    END IF;
  END LOOP;
  SET CONSTRAINTS ALL IMMEDIATE;
  FOR i IN 1..tables LOOP
    IF i = 1 OR random() < 0.5 THEN PERFORM journey_privacy.protect(('g' || i)::regclass, 'visitor'); END IF;
  END LOOP;
END $$;

-- delete wins over redact, redact over shared, shared over clear
CREATE FUNCTION weight(fate text) RETURNS int IMMUTABLE LANGUAGE sql AS
  $$ SELECT array_position('{clear,shared,redact,delete}', fate) $$;
CREATE PROCEDURE find_fates(tables int) LANGUAGE plpgsql AS $$
DECLARE i int; n int; changed int; e record; others text;
BEGIN
  FOR i IN 1..tables LOOP
    IF EXISTS (SELECT FROM journey_privacy.protection WHERE relation = ('g' || i)::regclass) THEN
      EXECUTE format('INSERT INTO fate SELECT %s, id, ''delete'' FROM g%s WHERE visitor = ''customer_id:r1''', i, i);
    END IF;
  END LOOP;
  LOOP
    changed := 0;
    FOR e IN SELECT * FROM edge LOOP
      EXECUTE format('INSERT INTO fate AS f SELECT DISTINCT %1$s, c.id, %2$L FROM g%1$s c JOIN g%3$s p ON %4$s
                      JOIN fate o ON o.t = %3$s AND o.id = p.id AND weight(o.fate) >= CASE %2$L WHEN ''clear'' THEN 4 ELSE 3 END
                      ON CONFLICT (t, id) DO UPDATE SET fate = excluded.fate WHERE weight(excluded.fate) > weight(f.fate)',
                     e.child, e.fate, e.parent, e.matches);
      GET DIAGNOSTICS n = ROW_COUNT;
      changed := changed + n;
    END LOOP;
    CONTINUE WHEN changed > 0;
    -- shared rows that are nobody else's
    FOR i IN 1..tables LOOP
      CONTINUE WHEN NOT EXISTS (SELECT FROM edge WHERE child = i AND edge.fate = 'shared');
      SELECT string_agg(format('EXISTS (SELECT FROM g%s p WHERE %s AND NOT EXISTS (SELECT FROM fate o WHERE o.t = %s AND o.id = p.id AND weight(o.fate) >= 3))',
                               parent, matches, parent), ' OR ') INTO others FROM edge WHERE child = i AND edge.fate = 'shared';
      -- found by a way on which rows are shared
      EXECUTE format('UPDATE fate f SET fate = ''delete'' FROM g%1$s c WHERE f.t = %1$s AND f.id = c.id AND f.fate <> ''delete'' AND NOT (%2$s) AND (%3$s)',
        i, others, (SELECT string_agg(format('EXISTS (SELECT FROM g%s p JOIN fate o ON o.t = %s AND o.id = p.id AND weight(o.fate) >= 3 WHERE %s)', parent, parent, matches), ' OR ')
                    FROM edge WHERE child = i AND edge.fate = 'shared'));
      GET DIAGNOSTICS n = ROW_COUNT;
      changed := changed + n;
    END LOOP;
    EXIT WHEN changed = 0;
  END LOOP;
END $$;

-- What each table must look like afterwards.
CREATE PROCEDURE expect(tables int) LANGUAGE plpgsql AS $$
DECLARE i int; e record;
BEGIN
  FOR i IN 1..tables LOOP
    EXECUTE format('CREATE TABLE want%1$s AS SELECT * FROM g%1$s c WHERE NOT EXISTS (SELECT FROM fate f WHERE f.t = %1$s AND f.id = c.id AND f.fate = ''delete'')', i);
  END LOOP;
  FOR e IN SELECT * FROM edge WHERE sets IS NOT NULL LOOP
    -- a reference is cleared when its row is gone, columns are redacted when it is the subject's
    EXECUTE format('UPDATE want%1$s w SET %2$s FROM g%1$s c WHERE c.id = w.id AND EXISTS
                    (SELECT FROM g%3$s p JOIN fate o ON o.t = %3$s AND o.id = p.id AND %5$s WHERE %4$s)',
                   e.child, e.sets, e.parent, e.matches, CASE e.fate WHEN 'clear' THEN 'o.fate = ''delete''' ELSE 'weight(o.fate) >= 3' END);
  END LOOP;
END $$;

CREATE PROCEDURE random_graph(graph int, seed float8, in_block boolean) LANGUAGE plpgsql AS $$
DECLARE tables int; edges int; i int; n bigint; differing bigint := 0; receipt jsonb; miscounted bigint;
BEGIN
  CALL make_graph(seed, tables, edges);
  CALL find_fates(tables);
  CALL expect(tables);
  -- they hold copies of people's rows, which erasing would find
  DELETE FROM journey_privacy.derived;
  CREATE TABLE preview AS SELECT relation::text AS relation, action, rows FROM journey_privacy.preview_erasure('customer_id:r1');
  IF in_block THEN
    BEGIN
      CALL journey_privacy.erase('customer_id:r1', NULL, NULL, receipt);
    EXCEPTION WHEN OTHERS THEN RAISE WARNING 'graph % (seed %): %', graph, seed, SQLERRM;
    END;
  ELSE
    COMMIT;
    CALL journey_privacy.erase('customer_id:r1', NULL, NULL, receipt);
  END IF;
  FOR i IN 1..tables LOOP
    EXECUTE format('SELECT count(*) FROM (SELECT to_jsonb(g) - ''journey_subject'' FROM g%1$s g EXCEPT ALL SELECT to_jsonb(w) - ''journey_subject'' FROM want%1$s w
                    UNION ALL (SELECT to_jsonb(w) - ''journey_subject'' FROM want%1$s w EXCEPT ALL SELECT to_jsonb(g) - ''journey_subject'' FROM g%1$s g)) d', i) INTO n;
    IF n > 0 THEN RAISE WARNING 'graph % (seed %, in a block %): table % differs in % rows', graph, seed, in_block, i, n; END IF;
    differing := differing + n;
  END LOOP;
  SELECT count(*) INTO miscounted FROM preview p FULL JOIN
    (SELECT (t ->> 'table')::regclass::text AS relation, t ->> 'action' AS action, (t ->> 'rows')::bigint AS rows
     FROM jsonb_array_elements(receipt -> 'tables') t) r USING (relation, action) WHERE p.rows IS DISTINCT FROM r.rows;
  IF miscounted > 0 THEN RAISE WARNING 'graph % (seed %, in a block %): preview and receipt differ', graph, seed, in_block; END IF;
  INSERT INTO graph_log SELECT graph, tables, edges, count(*) FILTER (WHERE f.fate = 'delete'), count(*) FILTER (WHERE f.fate IN ('redact', 'shared')),
    count(*) FILTER (WHERE f.fate = 'clear'), differing, miscounted FROM fate f;
  FOR i IN 1..tables LOOP EXECUTE format('DROP TABLE g%s, want%s CASCADE', i, i); END LOOP;
  DROP TABLE preview;
  TRUNCATE fate, edge;
  PERFORM journey_privacy.record_consent('customer_id:r1', 'graphs', true, at => clock_timestamp());
END $$;
DO $$ BEGIN FOR g IN 1..220 LOOP CALL random_graph(g, g / 1000.0, g % 2 = 0); COMMIT; END LOOP; END $$;
SELECT count(*) AS graphs, sum(differing) AS differing, sum(miscounted) AS miscounted, min(tables) AS least_tables, max(tables) AS most_tables,
       max(edges) AS most_edges, sum(deleted) > 2000 AS many_deleted, sum(redacted) > 50 AS many_redacted, sum(kept) > 10 AS many_cleared FROM graph_log;
DROP TABLE graph_log, fate, edge;
DROP PROCEDURE random_graph, expect, find_fates, make_graph;
DROP FUNCTION weight;
RESET client_min_messages;
