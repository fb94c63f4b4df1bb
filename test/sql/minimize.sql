-- Minimisation: what the insert guard makes of columns before a row is written,
-- against slow SQL on random rows.
\set VERBOSITY terse
\pset null '-'
SET client_min_messages = warning;
CREATE ROLE regress_minimize_owner;
GRANT CREATE ON SCHEMA public TO regress_minimize_owner;
GRANT EXECUTE ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name),
  journey_privacy.minimize(regclass, name, text, integer, integer, interval, integer, text[], text) TO regress_minimize_owner;

-- What is refused
CREATE TABLE mini (id int, visitor journey_privacy.pseudonym, at timestamptz, ip inet, net cidr, place point,
  lat float8, lon numeric(9,6), props jsonb, raw json, mail text, short varchar(10), fixed text NOT NULL DEFAULT 'f',
  day date, wall timestamp, made text GENERATED ALWAYS AS (host(ip)) STORED, mood int CHECK (mood < 10));
CREATE DOMAIN mini_domain AS inet CHECK (masklen(VALUE) > 8);
ALTER TABLE mini ADD COLUMN dom mini_domain;
SELECT journey_privacy.minimize('mini', 'ip', 'truncate_ip');
SELECT journey_privacy.protect('mini', 'visitor', occurred_at => 'at');
SELECT journey_privacy.minimize('mini', 'ip', 'shorten');
SELECT journey_privacy.minimize(NULL, 'ip', 'truncate_ip');
SELECT journey_privacy.minimize('mini', NULL, 'truncate_ip');
SELECT journey_privacy.minimize('mini', 'ip', NULL);
SELECT journey_privacy.minimize('mini', 'nothing', 'drop');
SELECT journey_privacy.minimize('mini', 'ctid', 'drop');
SELECT journey_privacy.minimize('mini', 'visitor', 'drop');
SELECT journey_privacy.minimize('mini', 'journey_subject', 'drop');
SELECT journey_privacy.minimize('mini', 'at', 'drop');
SELECT journey_privacy.minimize('mini', 'fixed', 'drop');
SELECT journey_privacy.minimize('mini', 'made', 'drop');
SELECT journey_privacy.minimize('mini', 'dom', 'truncate_ip');
SELECT journey_privacy.minimize('mini', 'dom', 'drop');
SELECT journey_privacy.minimize('mini', 'mail', 'truncate_ip');
SELECT journey_privacy.minimize('mini', 'ip', 'coarsen', step => '1 hour');
SELECT journey_privacy.minimize('mini', 'ip', 'truncate_ip', v4 => 33);
SELECT journey_privacy.minimize('mini', 'ip', 'truncate_ip', v6 => -1);
SELECT journey_privacy.minimize('mini', 'ip', 'truncate_ip', digits => 2);
SELECT journey_privacy.minimize('mini', 'at', 'coarsen');
SELECT journey_privacy.minimize('mini', 'at', 'coarsen', step => '0');
SELECT journey_privacy.minimize('mini', 'at', 'coarsen', step => '1 month 1 day');
SELECT journey_privacy.minimize('mini', 'at', 'coarsen', step => '1 day -1 hour');
SELECT journey_privacy.minimize('mini', 'at', 'coarsen', step => '101 years');
SELECT journey_privacy.minimize('mini', 'day', 'coarsen', step => '1 hour');
SELECT journey_privacy.minimize('mini', 'lat', 'round_position', digits => 9);
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys');
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => '{a,NULL}');
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => '{""}');
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => '{a.}');
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => '{a..b}');
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => ARRAY['a\']);
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => ARRAY['a\n']);
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => ARRAY[repeat('a', 1025)]);
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => array_agg(i::text)) FROM generate_series(1, 1001) i;
SELECT journey_privacy.minimize('mini', 'mail', 'pseudonymize');
SELECT journey_privacy.minimize('mini', 'mail', 'pseudonymize', kind => 'no_such_kind');
SELECT journey_privacy.minimize('mini', 'short', 'pseudonymize', kind => 'email');
SELECT journey_privacy.unminimize('mini', 'ip');
SELECT journey_privacy.unminimize('mini', 'ip', 'shorten');
SELECT count(*) AS rules FROM journey_privacy.minimization WHERE relation = 'mini'::regclass;
-- only the owner, and only who may turn identities into pseudonyms
SET ROLE regress_minimize_owner;
SELECT journey_privacy.minimize('mini', 'ip', 'truncate_ip');
CREATE TABLE mini_own (visitor journey_privacy.pseudonym, mail text, ip inet);
SELECT journey_privacy.protect('mini_own', 'visitor');
SELECT journey_privacy.minimize('mini_own', 'mail', 'pseudonymize', kind => 'email');
SELECT journey_privacy.minimize('mini_own', 'ip', 'truncate_ip');
RESET ROLE;
SELECT * FROM journey_privacy.minimization WHERE relation = 'mini_own'::regclass;
DROP TABLE mini_own;
SELECT count(*) AS rules_of_dropped FROM journey_privacy.minimization m
WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = m.relation);

-- Each transform
SELECT journey_privacy.minimize('mini', 'at', 'coarsen', step => '15 minutes'),
  journey_privacy.minimize('mini', 'ip', 'truncate_ip'),
  journey_privacy.minimize('mini', 'net', 'truncate_ip', v4 => 16, v6 => 32),
  journey_privacy.minimize('mini', 'place', 'round_position'),
  journey_privacy.minimize('mini', 'lat', 'round_position', digits => 1),
  journey_privacy.minimize('mini', 'lon', 'round_position', digits => 3),
  journey_privacy.minimize('mini', 'props', 'keep_keys', keys => ARRAY['page', 'user.tier', 'items.sku', 'a\.b.c\\d']),
  journey_privacy.minimize('mini', 'raw', 'drop_keys', keys => '{email,user.name}'),
  journey_privacy.minimize('mini', 'mail', 'pseudonymize', kind => 'email'),
  journey_privacy.minimize('mini', 'short', 'drop'),
  journey_privacy.minimize('mini', 'day', 'coarsen', step => '1 month'),
  journey_privacy.minimize('mini', 'wall', 'coarsen', step => '1 week');
-- one rule a column, but for keys: those apply in order
SELECT journey_privacy.minimize('mini', 'ip', 'drop');
SELECT journey_privacy.minimize('mini', 'props', 'keep_keys', keys => '{z}');
SELECT journey_privacy.minimize('mini', 'props', 'drop_keys', keys => '{page.secret}');
SELECT journey_privacy.minimize('mini', 'props', 'drop');
SELECT column_name, transform, position, v4, v6, step, digits, keys, kind
FROM journey_privacy.minimization WHERE relation = 'mini'::regclass ORDER BY position;
INSERT INTO mini (id, visitor, at, ip, net, place, lat, lon, props, raw, mail, short, day, wall) VALUES
  (1, 'customer_id:minimize1', '2026-03-04 05:06:07.89+01', '203.0.113.77', '198.51.100.0/24', '(52.520008,-13.404954)',
   52.567, -13.404954,
   '{"page": {"n": 1, "secret": 2}, "user": {"tier": "gold", "name": "N"}, "items": [{"sku": 1, "x": 2}, 3, [{"sku": [4, {"x": 5}]}], {}],
     "a.b": {"c\\d": 6, "e": 7}, "a": {"b": 8}, "other": null}',
   '{"email": "x", "user": {"name": "n", "k": [1, 2]}, "e\u006dail": "y", "z": "\u0000"}', 'Ann@Example.com', 'gone',
   '2026-03-17', '2026-03-04 05:06'),
  (2, 'customer_id:minimize1', 'infinity', '2001:db8:1:2:3:4:5:6/64', '2001:db8::/32', '(infinity,nan)', 'nan', 'nan', '"scalar"', '[1, {"email": 2}, "x"]',
   NULL, NULL, '-infinity', '4713-01-02 BC'),
  (3, 'customer_id:minimize1', NULL, '10.1.2.3/8', '10.0.0.0/8', '(-0.001,1e300)', -0.04, 1, '[1, {"page": 2, "q": 3}, null]', 'null',
   'p1_000000000000000000000000', '', '0001-05-05 BC', '2026-01-05');
\x
SELECT id, at AT TIME ZONE 'UTC' AS at, ip, net, place, lat, lon, props, raw, mail = journey_privacy.pseudonymize('email', 'ann@example.com')::text AS pseudonym,
  short, day, wall, made FROM mini ORDER BY id;
\x
SELECT mail FROM mini WHERE id = 3;
-- what is stored re-enters as it is, by UPDATE, COPY and INSERT
CREATE TEMP TABLE stored AS SELECT * FROM mini;
UPDATE mini SET at = at, ip = ip, net = net, place = place, lat = lat, lon = lon, props = props, raw = raw, mail = mail, day = day, wall = wall;
SELECT count(*) AS changed FROM mini m JOIN stored s USING (id) WHERE m::text <> s::text;
INSERT INTO mini (id, visitor, at, ip, net, place, lat, lon, props, raw, mail, day, wall)
  SELECT id, visitor, at, ip, net, place, lat, lon, props, raw, mail, day, wall FROM stored;
SELECT count(*) AS same FROM mini m JOIN stored s USING (id) WHERE m::text = s::text;
TRUNCATE mini;
-- bad values: no value in the message, and none in the context
INSERT INTO mini (visitor, mail) VALUES ('customer_id:minimize1', '');
\set VERBOSITY default
COPY mini (visitor, mail) FROM stdin;
p1_000000000000000000000000	   
\.
INSERT INTO mini (visitor, raw) SELECT 'customer_id:minimize1', (repeat('[', 1001) || repeat(']', 1001))::json;
INSERT INTO mini (visitor, raw) SELECT 'customer_id:minimize1', (repeat('[', 1000) || repeat(']', 1000))::json;
INSERT INTO mini (visitor, props) SELECT 'customer_id:minimize1', ('{"page":' || repeat('[', 3000) || repeat(']', 3000) || '}')::jsonb;
\set VERBOSITY terse
TRUNCATE mini;

-- Every way in: UPSERT, MERGE, UPDATE, COPY, defaults, other triggers
ALTER TABLE mini ADD PRIMARY KEY (id), ALTER ip SET DEFAULT '192.0.2.200';
INSERT INTO mini (id, visitor) VALUES (1, 'customer_id:minimize1');
SELECT ip, made FROM mini;
INSERT INTO mini (id, visitor, ip) VALUES (1, 'customer_id:minimize1', '192.0.9.9')
  ON CONFLICT (id) DO UPDATE SET ip = EXCLUDED.ip, mail = 'a@b.example' RETURNING ip, mail ~ '^p\d+_' AS pseudonym;
MERGE INTO mini m USING (VALUES (1), (2)) v(id) ON m.id = v.id
  WHEN MATCHED THEN UPDATE SET ip = '198.51.100.5', props = '{"page": 1, "z": 2}'
  WHEN NOT MATCHED THEN INSERT (id, visitor, ip, props) VALUES (v.id, 'customer_id:minimize2', '198.51.100.6', '{"z": 3}');
COPY mini (id, visitor, ip) FROM stdin;
3	p1_000000000000000000000001	203.0.113.9
\.
SELECT id, ip, props, made FROM mini ORDER BY id;
-- a trigger before ours sees what was sent; one that changes a column is followed
CREATE FUNCTION mini_before() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE WARNING 'before: %', NEW.ip; NEW.mail := 'trigger@example.com'; RETURN NEW; END $$;
CREATE TRIGGER mini_before BEFORE INSERT OR UPDATE ON mini FOR EACH ROW EXECUTE FUNCTION mini_before();
CREATE FUNCTION mini_after() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE WARNING 'after: %', NEW.ip; RETURN NULL; END $$;
CREATE TRIGGER mini_after AFTER INSERT OR UPDATE ON mini FOR EACH ROW EXECUTE FUNCTION mini_after();
UPDATE mini SET ip = '203.0.113.99' WHERE id = 3 RETURNING ip, mail ~ '^p\d+_' AS pseudonym;
UPDATE mini SET lat = 1.23 WHERE id = 3 RETURNING ip, lat, mail ~ '^p\d+_' AS pseudonym;
DROP TRIGGER mini_before ON mini;
DROP TRIGGER mini_after ON mini;
-- one after ours is told of
CREATE TRIGGER zzzz_late BEFORE INSERT ON mini FOR EACH ROW EXECUTE FUNCTION mini_before();
SELECT journey_privacy.minimize('mini', 'mood', 'drop');
DROP TRIGGER zzzz_late ON mini;
SELECT journey_privacy.unminimize('mini', 'mood');
-- replicas too
SET session_replication_role = replica;
INSERT INTO mini (id, visitor, ip) VALUES (4, 'customer_id:minimize2', '203.0.113.250') RETURNING ip;
RESET session_replication_role;

-- Rows that were there: only when a column is written, or all by the procedure
SELECT journey_privacy.unminimize('mini', 'ip');
UPDATE mini SET ip = ('203.0.113.' || id)::inet;
SELECT journey_privacy.minimize('mini', 'ip', 'truncate_ip');
UPDATE mini SET lat = 2 WHERE id = 1 RETURNING ip;
UPDATE mini SET ip = ip WHERE id = 2 RETURNING ip;
CALL journey_privacy.apply_minimization('mini');
CALL journey_privacy.apply_minimization('mini');
SELECT id, ip, made FROM mini ORDER BY id;
INSERT INTO mini (id, visitor) SELECT i, 'customer_id:minimize1' FROM generate_series(10, 20000) i;
UPDATE mini SET mood = 1;
SELECT journey_privacy.minimize('mini', 'mood', 'drop');
BEGIN;
CALL journey_privacy.apply_minimization('mini');
SELECT count(*) FROM mini WHERE mood IS NOT NULL;
ROLLBACK;
CALL journey_privacy.apply_minimization('mini');
SELECT count(*) FROM mini WHERE mood IS NOT NULL;
SET ROLE regress_minimize_owner;
CALL journey_privacy.apply_minimization('mini');
RESET ROLE;
-- an erasure's redaction is written as it is
SELECT journey_privacy.unprotect('mini');
SELECT count(*) AS rules FROM journey_privacy.minimization WHERE relation = 'mini'::regclass;
CALL journey_privacy.apply_minimization('mini');
TRUNCATE mini;
SELECT journey_privacy.protect('mini', 'visitor', on_erase => 'redact', redact => '{"visitor": null, "mail": "erased", "props": {"z": 1}}');
SELECT journey_privacy.minimize('mini', 'mail', 'pseudonymize', kind => 'email'),
  journey_privacy.minimize('mini', 'props', 'drop_keys', keys => '{z}');
INSERT INTO mini (id, visitor, mail, props) VALUES (1, 'customer_id:minimize3', 'c@d.example', '{"z": 2, "y": 3}');
CALL journey_privacy.erase('customer_id:minimize3') \gset
SELECT visitor, mail, props FROM mini;

-- Columns that rules rest on
ALTER TABLE mini RENAME props TO properties;
ALTER TABLE mini DROP COLUMN props;
ALTER TABLE mini ALTER props TYPE text;
ALTER EVENT TRIGGER journey_privacy_cover_partitions DISABLE;
ALTER TABLE mini RENAME props TO properties;
INSERT INTO mini (id, visitor, mail) VALUES (2, 'customer_id:minimize1', 'x@y.example');
UPDATE mini SET lat = 3;
ALTER TABLE mini RENAME properties TO props;
ALTER EVENT TRIGGER journey_privacy_cover_partitions ENABLE;
DROP TABLE mini, stored;
DROP DOMAIN mini_domain;

-- Partitions and children: the rules of the parent, whenever they come
CREATE TABLE mini_part (id int, visitor journey_privacy.pseudonym, ip inet) PARTITION BY RANGE (id);
CREATE TABLE mini_part_a PARTITION OF mini_part FOR VALUES FROM (0) TO (10);
SELECT journey_privacy.protect('mini_part', 'visitor');
SELECT journey_privacy.minimize('mini_part_a', 'ip', 'truncate_ip');
SELECT journey_privacy.minimize('mini_part', 'ip', 'truncate_ip');
-- other numbers of columns, other depth
CREATE TABLE mini_part_b (junk text, ip inet, id int, visitor journey_privacy.pseudonym, journey_subject int);
ALTER TABLE mini_part_b DROP COLUMN junk;
ALTER TABLE mini_part ATTACH PARTITION mini_part_b FOR VALUES FROM (10) TO (20);
CREATE TABLE mini_part_c PARTITION OF mini_part FOR VALUES FROM (20) TO (40) PARTITION BY RANGE (id);
CREATE TABLE mini_part_c1 PARTITION OF mini_part_c FOR VALUES FROM (20) TO (30);
INSERT INTO mini_part (id, visitor, ip) SELECT i, 'customer_id:minimize1', '203.0.113.7' FROM unnest('{1,11,21}'::int[]) i;
INSERT INTO mini_part_b (id, visitor, ip) VALUES (12, 'customer_id:minimize1', '203.0.113.8');
UPDATE mini_part SET id = 22, ip = '198.51.100.9' WHERE id = 1;
SELECT tableoid::regclass, id, ip FROM mini_part ORDER BY id;
-- what leaves takes the rules along, and may come back with the same
ALTER TABLE mini_part DETACH PARTITION mini_part_b;
ALTER TABLE mini_part DETACH PARTITION mini_part_c;
SELECT relation, column_name, transform FROM journey_privacy.minimization WHERE relation::text LIKE 'mini\_part%' ORDER BY 1;
INSERT INTO mini_part_b (id, visitor, ip) VALUES (13, 'customer_id:minimize1', '203.0.113.8') RETURNING ip;
INSERT INTO mini_part_c1 (id, visitor, ip) VALUES (23, 'customer_id:minimize1', '203.0.113.8') RETURNING ip;
ALTER TABLE mini_part ATTACH PARTITION mini_part_b FOR VALUES FROM (10) TO (20);
SELECT journey_privacy.unminimize('mini_part_c', 'ip'), journey_privacy.minimize('mini_part_c', 'ip', 'drop');
ALTER TABLE mini_part ATTACH PARTITION mini_part_c FOR VALUES FROM (20) TO (40);
SELECT relation, column_name, transform FROM journey_privacy.minimization WHERE relation::text LIKE 'mini\_part%' ORDER BY 1;
DROP TABLE mini_part, mini_part_c;
CREATE TABLE mini_old (id int, visitor journey_privacy.pseudonym, ip inet);
CREATE TABLE mini_child (more text) INHERITS (mini_old);
SELECT journey_privacy.protect('mini_old', 'visitor');
SELECT journey_privacy.minimize('mini_old', 'ip', 'truncate_ip');
INSERT INTO mini_child (id, visitor, ip) VALUES (1, 'customer_id:minimize1', '203.0.113.7') RETURNING ip;
CREATE TABLE mini_child2 () INHERITS (mini_child);
INSERT INTO mini_child2 (id, visitor, ip) VALUES (2, 'customer_id:minimize1', '203.0.113.7') RETURNING ip;
SELECT journey_privacy.unminimize('mini_old', 'ip');
UPDATE mini_old SET ip = '203.0.113.7';
SELECT journey_privacy.minimize('mini_old', 'ip', 'truncate_ip');
CALL journey_privacy.apply_minimization('mini_old');
DROP TABLE mini_old CASCADE;

-- A statement that runs goes on with the rules it began with, whatever happens meanwhile
CREATE TABLE mini_self (id int, visitor journey_privacy.pseudonym, ip inet);
SELECT journey_privacy.protect('mini_self', 'visitor');
SELECT journey_privacy.minimize('mini_self', 'ip', 'truncate_ip');
CREATE FUNCTION mini_purpose(i int) RETURNS inet LANGUAGE plpgsql AS $$
BEGIN
  PERFORM journey_privacy.create_purpose('minimize_' || i, 'consent');
  PERFORM journey_privacy.drop_purpose('minimize_' || i);
  RETURN '203.0.113.7'::inet + i;
END $$;
INSERT INTO mini_self (id, visitor, ip) SELECT i, journey_privacy.pseudonymize('customer_id', 'minimize_self' || i), mini_purpose(i) FROM generate_series(1, 50) i;
SELECT ip, count(*) FROM mini_self GROUP BY ip;
DROP TABLE mini_self;
DROP FUNCTION mini_purpose;

-- Random rows against slow SQL
SELECT 20260726 AS seed \gset
\echo seed :seed
SELECT setseed(:seed / 1e9) \gset
CREATE TABLE mini_random (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz, wall timestamp, day date,
  ip inet, net inet, lat float8, lon numeric, kept jsonb, dropped jsonb, both_ways jsonb, raw_kept json, raw_dropped json);
SELECT journey_privacy.protect('mini_random', 'visitor');
SELECT journey_privacy.minimize('mini_random', 'at', 'coarsen', step => '20 minutes'),
  journey_privacy.minimize('mini_random', 'wall', 'coarsen', step => '3 months'),
  journey_privacy.minimize('mini_random', 'day', 'coarsen', step => '1 week'),
  journey_privacy.minimize('mini_random', 'ip', 'truncate_ip'),
  journey_privacy.minimize('mini_random', 'net', 'truncate_ip', v4 => 13, v6 => 77),
  journey_privacy.minimize('mini_random', 'lat', 'round_position', digits => 3),
  journey_privacy.minimize('mini_random', 'lon', 'round_position', digits => 1),
  journey_privacy.minimize('mini_random', 'kept', 'keep_keys', keys => '{a,b.c,c.a.b,d.d.d}'),
  journey_privacy.minimize('mini_random', 'dropped', 'drop_keys', keys => '{a,b.c,c.a.b,d.d.d}'),
  journey_privacy.minimize('mini_random', 'both_ways', 'keep_keys', keys => '{a,b,c}'),
  journey_privacy.minimize('mini_random', 'both_ways', 'drop_keys', keys => '{b.a,a.a.a}'),
  journey_privacy.minimize('mini_random', 'raw_kept', 'keep_keys', keys => '{a,b.c,c.a.b,d.d.d}'),
  journey_privacy.minimize('mini_random', 'raw_dropped', 'drop_keys', keys => '{a,b.c,c.a.b,d.d.d}');
CREATE FUNCTION mini_doc(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  kind float8 := random(); n int := floor(random() * 6); made jsonb; i int;
BEGIN
  IF depth > 0 AND kind < 0.6 THEN
    made := '{}';
    FOR i IN 1..n LOOP
      made := made || jsonb_build_object(chr(97 + floor(random() * 5)::int), mini_doc(depth - 1));
    END LOOP;
    IF kind < 0.02 THEN  -- more entries than have their lengths noted
      SELECT made || jsonb_object_agg('k' || k, mini_doc(0)) INTO made FROM generate_series(1, 70) k;
    END IF;
    RETURN made;
  ELSIF depth > 0 AND kind < 0.8 THEN
    made := '[]';
    FOR i IN 1..CASE WHEN random() < 0.05 THEN n * 20 ELSE n END LOOP
      made := made || jsonb_build_array(mini_doc(depth - 1));
    END LOOP;
    RETURN made;
  END IF;
  RETURN CASE floor(random() * 6)::int WHEN 0 THEN 'null' WHEN 1 THEN 'true' WHEN 2 THEN to_jsonb(random() * 1e6)
    WHEN 3 THEN to_jsonb(repeat('x', n * n)) WHEN 4 THEN to_jsonb(n) ELSE '""' END::jsonb;
END $$;
-- what is meant, said in the slowest way: paths are arrays, a scalar in the way of one is not named by it
CREATE FUNCTION mini_keep(doc jsonb, paths text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  made jsonb; k text; v jsonb; below text[];
BEGIN
  IF jsonb_typeof(doc) = 'array' THEN
    SELECT coalesce(jsonb_agg(mini_keep(e, paths) ORDER BY n), '[]') INTO made
    FROM jsonb_array_elements(doc) WITH ORDINALITY a(e, n) WHERE jsonb_typeof(e) IN ('array', 'object');
    RETURN made;
  ELSIF jsonb_typeof(doc) <> 'object' THEN
    RETURN 'null';
  END IF;
  made := '{}';
  FOR k, v IN SELECT * FROM jsonb_each(doc) LOOP
    IF k = ANY (paths) THEN
      made := made || jsonb_build_object(k, v);
    ELSIF jsonb_typeof(v) IN ('array', 'object') THEN
      below := ARRAY(SELECT substr(p, length(k) + 2) FROM unnest(paths) p WHERE p LIKE k || '.%');
      IF below <> '{}' THEN made := made || jsonb_build_object(k, mini_keep(v, below)); END IF;
    END IF;
  END LOOP;
  RETURN made;
END $$;
CREATE FUNCTION mini_drop(doc jsonb, paths text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  made jsonb; k text; v jsonb;
BEGIN
  IF jsonb_typeof(doc) = 'array' THEN
    SELECT coalesce(jsonb_agg(mini_drop(e, paths) ORDER BY n), '[]') INTO made
    FROM jsonb_array_elements(doc) WITH ORDINALITY a(e, n);
    RETURN made;
  ELSIF jsonb_typeof(doc) <> 'object' THEN
    RETURN doc;
  END IF;
  made := '{}';
  FOR k, v IN SELECT * FROM jsonb_each(doc) LOOP
    CONTINUE WHEN k = ANY (paths);
    made := made || jsonb_build_object(k, mini_drop(v, ARRAY(SELECT substr(p, length(k) + 2) FROM unnest(paths) p WHERE p LIKE k || '.%')));
  END LOOP;
  RETURN made;
END $$;
CREATE TEMP TABLE mini_sent AS
  SELECT id, journey_privacy.pseudonymize('customer_id', 9400000 + id % 50) AS visitor,
    timestamptz '2026-01-01' + (random() - 0.5) * interval '3000 years' AS at,
    timestamp '2026-01-01' + (random() - 0.5) * interval '3000 years' AS wall,
    date '2026-01-01' + floor((random() - 0.5) * 1000000)::int AS day,
    CASE WHEN random() < 0.5 THEN (floor(random() * 256) || '.' || floor(random() * 256) || '.' || floor(random() * 256) || '.' || floor(random() * 256)
           || '/' || floor(random() * 33))::inet
         ELSE (right(to_hex(floor(random() * 65536)::int), 4) || ':' || to_hex(floor(random() * 65536)::int) || ':' || to_hex(floor(random() * 65536)::int)
           || ':' || to_hex(floor(random() * 65536)::int) || ':' || to_hex(floor(random() * 65536)::int) || '::' || to_hex(floor(random() * 65536)::int)
           || '/' || floor(random() * 129))::inet END AS ip,
    (random() - 0.5) * 360 AS lat, ((random() - 0.5) * 360)::numeric AS lon,
    mini_doc(4) AS doc
  FROM generate_series(1, 800) id;
INSERT INTO mini_random
  SELECT id, visitor, at, wall, day, ip, ip, lat, lon, doc, doc, doc, doc::json, doc::json FROM mini_sent;
SELECT count(*) AS rows,
  count(*) FILTER (WHERE r.at <> date_bin('20 minutes', s.at, '2001-01-01 UTC')) AS at,
  count(*) FILTER (WHERE r.wall <> date_trunc('quarter', s.wall)) AS wall,
  count(*) FILTER (WHERE r.day <> date_trunc('week', s.day)) AS day,
  count(*) FILTER (WHERE r.ip <> network(set_masklen(s.ip, least(masklen(s.ip), CASE family(s.ip) WHEN 4 THEN 24 ELSE 48 END)))) AS ip,
  count(*) FILTER (WHERE r.net <> network(set_masklen(s.ip, least(masklen(s.ip), CASE family(s.ip) WHEN 4 THEN 13 ELSE 77 END)))) AS net,
  count(*) FILTER (WHERE r.lat <> round(s.lat::text::numeric, 3)::float8) AS lat,
  count(*) FILTER (WHERE r.lon <> round(s.lon, 1)) AS lon
FROM mini_random r JOIN mini_sent s USING (id);
SELECT count(*) FILTER (WHERE r.kept IS DISTINCT FROM mini_keep(s.doc, '{a,b.c,c.a.b,d.d.d}')) AS kept,
  count(*) FILTER (WHERE r.dropped IS DISTINCT FROM mini_drop(s.doc, '{a,b.c,c.a.b,d.d.d}')) AS dropped,
  count(*) FILTER (WHERE r.both_ways IS DISTINCT FROM mini_drop(mini_keep(s.doc, '{a,b,c}'), '{b.a,a.a.a}')) AS both_ways,
  count(*) FILTER (WHERE r.raw_kept::jsonb IS DISTINCT FROM mini_keep(s.doc, '{a,b.c,c.a.b,d.d.d}')) AS raw_kept,
  count(*) FILTER (WHERE r.raw_dropped::jsonb IS DISTINCT FROM mini_drop(s.doc, '{a,b.c,c.a.b,d.d.d}')) AS raw_dropped,
  -- made as PostgreSQL itself would: the text comes from every entry
  count(*) FILTER (WHERE r.kept::text::jsonb <> r.kept OR r.dropped::text::jsonb <> r.dropped
                   OR r.kept::text <> mini_keep(s.doc, '{a,b.c,c.a.b,d.d.d}')::text) AS ill_made,
  count(*) FILTER (WHERE r.kept <> s.doc AND r.dropped <> s.doc) > 150 AS worth_it
FROM mini_random r JOIN mini_sent s USING (id);
-- again: nothing changes
CREATE TEMP TABLE mini_once AS SELECT * FROM mini_random;
UPDATE mini_random SET at = at, wall = wall, day = day, ip = ip, net = net, lat = lat, lon = lon, kept = kept,
  dropped = dropped, both_ways = both_ways, raw_kept = raw_kept, raw_dropped = raw_dropped;
SELECT count(*) AS changed FROM mini_random r JOIN mini_once o USING (id) WHERE r::text <> o::text;
CALL journey_privacy.apply_minimization('mini_random');
-- where the session lives makes no difference
SET timezone = 'Asia/Kathmandu';
INSERT INTO mini_random (id, visitor, at) VALUES (0, NULL, '2026-03-04 05:06:07Z') RETURNING at AT TIME ZONE 'UTC' AS at;
RESET timezone;
-- large ones are read from where they lie
CREATE TEMP TABLE mini_large AS SELECT jsonb_build_object('a', 1, 'e', (SELECT jsonb_agg(md5(i::text)) FROM generate_series(1, 5000) i),
  'b', jsonb_build_object('c', (SELECT jsonb_agg(i) FROM generate_series(1, 5000) i), 'x', 1)) AS doc;
INSERT INTO mini_random (id, kept, dropped) SELECT -1, doc, doc FROM mini_large;
SELECT kept = doc - 'e' #- '{b,x}' AS kept, dropped = doc - 'a' #- '{b,c}' AS dropped FROM mini_random, mini_large WHERE id = -1;
UPDATE mini_random SET lat = 1 WHERE id = -1;
SELECT kept = doc - 'e' #- '{b,x}' AS kept FROM mini_random, mini_large WHERE id = -1;
DROP TABLE mini_random;
DROP FUNCTION mini_doc, mini_keep, mini_drop, mini_before, mini_after;
REVOKE CREATE ON SCHEMA public FROM regress_minimize_owner;
REVOKE EXECUTE ON FUNCTION journey_privacy.protect(regclass, name, text, name, text[], interval, text, text, text, jsonb, name),
  journey_privacy.minimize(regclass, name, text, integer, integer, interval, integer, text[], text) FROM regress_minimize_owner;
DROP ROLE regress_minimize_owner;
