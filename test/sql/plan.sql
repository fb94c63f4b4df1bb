-- Data plans: which events a journey table takes, with which keys.
\set VERBOSITY terse
\pset null '-'
SET client_min_messages = warning;
CREATE TABLE planned (id int, visitor journey_privacy.pseudonym, event text, props jsonb, raw json, kind int,
  twice text GENERATED ALWAYS AS (event || event) STORED);
CREATE VIEW counted AS
  SELECT event, violation, key, count FROM journey_privacy.plan_violation WHERE "table" = 'planned'::regclass
  ORDER BY event COLLATE "C", violation, key;

-- What is refused
SELECT journey_privacy.set_data_plan('planned', 'event', 'props');
SELECT journey_privacy.protect('planned', 'visitor');
SELECT journey_privacy.set_data_plan('planned', 'event', 'props', on_violation => 'ignore');
SELECT journey_privacy.set_data_plan(NULL, 'event');
SELECT journey_privacy.set_data_plan('planned', NULL);
SELECT journey_privacy.set_data_plan('planned', 'event', 'props', NULL);
SELECT journey_privacy.set_data_plan('planned', 'nothing');
SELECT journey_privacy.set_data_plan('planned', 'kind');
SELECT journey_privacy.set_data_plan('planned', 'twice');
SELECT journey_privacy.set_data_plan('planned', 'event', 'raw');
SELECT journey_privacy.plan_event('planned', 'home');
SELECT journey_privacy.unplan_event('planned', 'home');
SELECT journey_privacy.drop_data_plan('planned');
SELECT journey_privacy.set_data_plan('planned', 'event', 'props');
SELECT journey_privacy.plan_event('planned', NULL);
SELECT journey_privacy.plan_event('planned', 'home', '{a..b}');
SELECT journey_privacy.plan_event('planned', 'home', NULL, '{.a}');
SELECT journey_privacy.plan_event('planned', repeat('x', 1025));
SELECT journey_privacy.unplan_event('planned', 'home');
SELECT journey_privacy.plan_event('planned', 'home'),
  journey_privacy.plan_event('planned', 'cart', '{price,currency,items.sku}', '{price}'),
  journey_privacy.plan_event('planned', 'buy', '{}', '{order.id,items.sku}');
SELECT * FROM journey_privacy.data_plan WHERE relation = 'planned'::regclass;
SELECT event, allowed_keys, required_keys FROM journey_privacy.planned_event WHERE relation = 'planned'::regclass ORDER BY event;

-- Refuse: an error that names what the plan says, never what was sent
\set VERBOSITY default
INSERT INTO planned (id, visitor, event) VALUES (1, 'customer_id:plan1', 'secret@example.com');
INSERT INTO planned (id, visitor, event) VALUES (1, 'customer_id:plan1', NULL);
COPY planned (id, visitor, event) FROM stdin;
1	p1_000000000000000000000000	secret@example.com
\.
INSERT INTO planned (id, visitor, event, props) VALUES (1, 'customer_id:plan1', 'cart', '{"price": 1, "secret@example.com": 2}');
INSERT INTO planned (id, visitor, event, props) VALUES (1, 'customer_id:plan1', 'cart', '{"currency": "EUR"}');
INSERT INTO planned (id, visitor, event, props) VALUES (1, 'customer_id:plan1', 'buy', '{"order": {"id": 1}, "items": [1, {"name": 2}]}');
\set VERBOSITY sqlstate
INSERT INTO planned (id, visitor, event, props) VALUES (1, 'customer_id:plan1', 'buy', NULL);
INSERT INTO planned (id, visitor, event, props) VALUES (1, 'customer_id:plan1', 'buy', '"scalar"');
INSERT INTO planned (id, visitor, event, props) VALUES (1, 'customer_id:plan1', 'home ', NULL);
INSERT INTO planned (id, visitor, event, props) VALUES (1, 'customer_id:plan1', '', NULL);
\set VERBOSITY terse
-- what fits goes in: required keys are allowed, null is a value, home may have any key
INSERT INTO planned (id, visitor, event, props) VALUES
  (1, 'customer_id:plan1', 'home', NULL), (2, 'customer_id:plan1', 'home', '{"any": {"thing": 1}}'), (3, 'customer_id:plan1', 'home', '5'),
  (4, 'customer_id:plan1', 'cart', '{"price": null, "items": [{"sku": 1}, {}]}'),
  (5, 'customer_id:plan1', 'buy', '{"order": {"id": 1}, "items": [[{"sku": {"x": 1}}], {}]}');
-- updates: only where event or keys are written
UPDATE planned SET kind = 1;
UPDATE planned SET event = 'unheard of' WHERE id = 1;
UPDATE planned SET event = 'cart' WHERE id = 1;
UPDATE planned SET props = '{"price": 1, "q": 2}' WHERE id = 4;
UPDATE planned SET event = 'cart', props = '{"price": 1}' WHERE id = 1;
SELECT journey_privacy.unplan_event('planned', 'home');
UPDATE planned SET kind = 2 WHERE id = 2;
UPDATE planned SET event = event WHERE id = 2;
SELECT id, event, props, kind FROM planned ORDER BY id;
SELECT * FROM counted;
-- refusals are in the audit, whatever became of the transaction
SELECT journey_privacy.checkpoint_audit() \gset
SELECT count(*) > 5 AS in_audit FROM journey_privacy.audit_log
WHERE command = 'INSERT' AND outcome = 'denied' AND tables::text ~ 'planned';

-- Strip: events that are not planned are left out, keys removed; what is missing is counted
SELECT journey_privacy.set_data_plan('planned', 'event', 'props', 'strip');
TRUNCATE planned;
SELECT count(*) AS subjects FROM journey_privacy.subject \gset
INSERT INTO planned (id, visitor, event, props) VALUES
  (1, 'customer_id:plan_nobody', 'unheard of', NULL),
  (2, 'customer_id:plan1', 'cart', '{"price": 1, "secret": 2, "items": [{"sku": 1, "x": 2}]}'),
  (3, 'customer_id:plan1', 'cart', '{"secret": 2}'),
  (4, 'customer_id:plan1', 'buy', '[]'),
  (5, NULL, 'home', NULL);
SELECT count(*) - :subjects AS registered_by_rows_left_out FROM journey_privacy.subject;
SELECT id, event, props FROM planned ORDER BY id;
SELECT * FROM counted;
UPDATE planned SET event = 'unheard of' WHERE id = 2;
UPDATE planned SET props = '{"price": 2, "y": 1}' WHERE id = 2 RETURNING props;
-- what is rolled back is not counted, to a savepoint or whole
BEGIN;
INSERT INTO planned (id, visitor, event, props) VALUES (6, 'customer_id:plan1', 'unheard of', NULL);
ROLLBACK;
BEGIN;
INSERT INTO planned (id, visitor, event, props) VALUES (6, 'customer_id:plan1', 'unheard of', NULL);
SAVEPOINT a;
INSERT INTO planned (id, visitor, event, props) VALUES (7, 'customer_id:plan1', 'cart', NULL);
INSERT INTO planned (id, visitor, event, props) VALUES (7, 'customer_id:plan1', 'unheard of', NULL);
ROLLBACK TO a;
SAVEPOINT b;
INSERT INTO planned (id, visitor, event, props) VALUES (8, 'customer_id:plan1', 'unheard of', NULL);
RELEASE b;
DO $$ BEGIN
  FOR i IN 1..5 LOOP
    BEGIN
      INSERT INTO planned (id, visitor, event, props) VALUES (9, 'customer_id:plan1', 'cart', NULL);
      IF i % 2 = 0 THEN RAISE 'no'; END IF;
    EXCEPTION WHEN raise_exception THEN NULL; END;
  END LOOP;
END $$;
COMMIT;
SELECT * FROM counted;
-- a procedure that commits
DO $$ BEGIN
  FOR i IN 1..3 LOOP
    INSERT INTO planned (id, visitor, event, props) VALUES (9, 'customer_id:plan1', 'unheard of', NULL);
    COMMIT;
  END LOOP;
END $$;
SELECT count FROM counted WHERE violation = 'unplanned event';
-- under repeatable read and serializable too, where others have counted meanwhile
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM planned;
INSERT INTO planned (id, visitor, event, props) VALUES (10, 'customer_id:plan1', 'unheard of', NULL);
COMMIT;
SELECT count FROM counted WHERE violation = 'unplanned event';
-- an erased subject's rows are refused, and not counted
CALL journey_privacy.erase('customer_id:plan_erased') \gset
INSERT INTO planned (id, visitor, event, props) VALUES (11, 'customer_id:plan_erased', 'cart', NULL);
SELECT count FROM counted WHERE violation = 'missing key' AND event = 'cart';

-- Count: everything goes in
SELECT journey_privacy.set_data_plan('planned', 'event', 'props', 'count');
TRUNCATE planned;
INSERT INTO planned (id, visitor, event, props) VALUES
  (1, 'customer_id:plan1', 'unheard of', '{"a": 1}'), (2, 'customer_id:plan1', 'cart', '{"price": 1, "secret": 2}'), (3, 'customer_id:plan1', 'buy', NULL);
SELECT id, event, props FROM planned ORDER BY id;
SELECT * FROM counted;
-- without a column of keys only events count
SELECT journey_privacy.set_data_plan('planned', 'event');
INSERT INTO planned (id, visitor, event, props) VALUES (4, 'customer_id:plan1', 'cart', '{"secret": 2}');
INSERT INTO planned (id, visitor, event, props) VALUES (4, 'customer_id:plan1', 'unheard of', NULL);

-- The plan first, then minimising: what is required must have been sent, what is stripped is gone
SELECT journey_privacy.set_data_plan('planned', 'event', 'props', 'strip'),
  journey_privacy.minimize('planned', 'props', 'keep_keys', keys => '{currency,secret}');
INSERT INTO planned (id, visitor, event, props) VALUES (5, 'customer_id:plan1', 'cart', '{"price": 1, "currency": "EUR", "secret": 2}') RETURNING props;
SELECT journey_privacy.set_data_plan('planned', 'event', 'props', 'refuse');
INSERT INTO planned (id, visitor, event, props) VALUES (6, 'customer_id:plan1', 'cart', '{"price": 1, "currency": "EUR"}') RETURNING props;
-- of a row that was there, the plan asks for what is written anew only
UPDATE planned SET kind = 3 WHERE id = 6 RETURNING props;
SELECT journey_privacy.unminimize('planned', 'props');

-- An erasure's redaction is no event
SELECT journey_privacy.unprotect('planned');
SELECT (SELECT count(*) FROM journey_privacy.data_plan WHERE relation = 'planned'::regclass) AS plans,
  (SELECT count(*) FROM journey_privacy.planned_event WHERE relation = 'planned'::regclass) AS events, (SELECT count(*) FROM counted) AS counts;
SELECT journey_privacy.protect('planned', 'visitor', on_erase => 'redact', redact => '{"visitor": null, "event": "erased", "props": {"z": 1}}');
SELECT journey_privacy.set_data_plan('planned', 'event', 'props');
SELECT journey_privacy.plan_event('planned', 'home', '{}');
TRUNCATE planned;
INSERT INTO planned (id, visitor, event) VALUES (1, 'customer_id:plan2', 'home');
CALL journey_privacy.erase('customer_id:plan2') \gset
SELECT event, props FROM planned;
ALTER TABLE planned DROP COLUMN twice;
ALTER TABLE planned RENAME event TO happened;
ALTER TABLE planned ALTER props TYPE json;
SELECT journey_privacy.drop_data_plan('planned');
INSERT INTO planned (id, visitor, event) VALUES (1, 'customer_id:plan3', 'whatever');
SELECT journey_privacy.set_data_plan('planned', 'event', 'props', 'count');
INSERT INTO planned (id, visitor, event) VALUES (1, 'customer_id:plan3', 'whatever');
DROP TABLE planned CASCADE;
SELECT (SELECT count(*) FROM journey_privacy.data_plan d WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = d.relation)) AS plans,
  (SELECT count(*) FROM journey_privacy.planned_event d WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = d.relation)) AS events,
  (SELECT count(*) FROM journey_privacy.plan_tally d WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = d.relation)) AS tallies;

-- Partitions: a row that moves is no new event, and never lost
CREATE TABLE plan_part (id int, visitor journey_privacy.pseudonym, event text, props jsonb) PARTITION BY RANGE (id);
CREATE TABLE plan_part_a PARTITION OF plan_part FOR VALUES FROM (0) TO (10);
CREATE TABLE plan_part_b PARTITION OF plan_part FOR VALUES FROM (10) TO (20);
SELECT journey_privacy.protect('plan_part', 'visitor');
INSERT INTO plan_part VALUES (1, 'customer_id:plan1', 'old event', '{"x": 1}'), (2, 'customer_id:plan1', 'home', '{"x": 1}');
SELECT journey_privacy.set_data_plan('plan_part', 'event', 'props', 'strip');
SELECT journey_privacy.plan_event('plan_part', 'home', '{y}', '{y}');
SELECT journey_privacy.minimize('plan_part', 'props', 'drop_keys', keys => '{y,z}');
UPDATE plan_part SET id = id + 10;
SELECT tableoid::regclass, id, event, props FROM plan_part ORDER BY id;
SELECT count(*) AS counted FROM journey_privacy.plan_violation WHERE "table" = 'plan_part'::regclass;
UPDATE plan_part SET id = id - 10, props = '{"y": 1, "z": 2}' WHERE id = 12;
SELECT tableoid::regclass, id, event, props FROM plan_part ORDER BY id;
SELECT count(*) AS counted FROM journey_privacy.plan_violation WHERE "table" = 'plan_part'::regclass;
UPDATE plan_part SET id = id - 10, props = '{}' WHERE id = 11;
SELECT tableoid::regclass, id, event, props FROM plan_part ORDER BY id;
-- an insert beside an update that moves a row is looked at
MERGE INTO plan_part p USING (VALUES (2, 12), (15, 15)) v(id, target) ON p.id = v.id
  WHEN MATCHED THEN UPDATE SET id = v.target
  WHEN NOT MATCHED THEN INSERT (id, visitor, event, props) VALUES (v.target, 'customer_id:plan1', 'old event', NULL);
SELECT tableoid::regclass, id, event, props FROM plan_part ORDER BY id;
SELECT event, violation, key, count FROM journey_privacy.plan_violation WHERE "table" = 'plan_part'::regclass ORDER BY 1, 2, 3;
DROP TABLE plan_part;

-- Random documents and plans against slow SQL
SELECT 20260727 AS seed \gset
\echo seed :seed
SELECT setseed(:seed / 1e9) \gset
CREATE TABLE plan_random (id int, visitor journey_privacy.pseudonym, event text, props jsonb);
SELECT journey_privacy.protect('plan_random', 'visitor');
SELECT journey_privacy.set_data_plan('plan_random', 'event', 'props', 'strip');
CREATE TEMP TABLE plans AS
  SELECT 'event ' || n AS event,
    CASE WHEN random() < 0.8 THEN ARRAY(SELECT DISTINCT chr(97 + floor(random() * 6)::int) FROM generate_series(1, n % 5) WHERE n > 0) END AS allowed,
    ARRAY(SELECT DISTINCT chr(97 + floor(random() * 6)::int) FROM generate_series(1, n % 3) WHERE n > 0) AS required
  FROM generate_series(1, 20) n;
SELECT count(journey_privacy.plan_event('plan_random', event, allowed, required)) FROM plans;
CREATE TEMP TABLE sent AS
  SELECT id, 'event ' || 1 + floor(random() * 25)::int AS event,
    (SELECT jsonb_object_agg(k, floor(random() * 3)) FROM unnest('{a,b,c,d,e,f}'::text[]) k WHERE random() < 0.5 AND id > 0) AS props
  FROM generate_series(1, 2000) id;
INSERT INTO plan_random (id, event, props) SELECT id, event, props FROM sent;
-- as it should be
CREATE TEMP TABLE judged AS
  SELECT s.id, s.event, s.props, p.event IS NOT NULL AS planned, p.allowed, p.required,
    ARRAY(SELECT k FROM jsonb_object_keys(coalesce(s.props, '{}')) k
          WHERE p.allowed IS NOT NULL AND k <> ALL (p.allowed || p.required)) AS extra,
    ARRAY(SELECT r FROM unnest(p.required) r WHERE NOT coalesce(s.props ? r, false)) AS missing
  FROM sent s LEFT JOIN plans p USING (event);
SELECT count(*) AS rows, count(*) FILTER (WHERE j.planned <> (r.id IS NOT NULL)) AS wrongly_in_or_out,
  count(*) FILTER (WHERE r.props IS DISTINCT FROM j.props - j.extra) AS wrongly_stripped
FROM judged j LEFT JOIN plan_random r USING (id) WHERE j.planned OR r.id IS NOT NULL;
SELECT count(*) AS differences FROM (
  SELECT event, violation, key, count FROM journey_privacy.plan_violation WHERE "table" = 'plan_random'::regclass) v
FULL JOIN (
  SELECT '(unplanned)' AS event, 'unplanned event' AS violation, NULL AS key, count(*) FROM judged WHERE NOT planned
  UNION ALL SELECT event, 'unplanned key', NULL, count(*) FROM judged WHERE planned AND extra <> '{}' GROUP BY event
  UNION ALL SELECT event, 'missing key', m, count(*) FROM judged, unnest(missing) m WHERE planned GROUP BY event, m) o
ON (v.event, v.violation, coalesce(v.key, ''), v.count) = (o.event, o.violation, coalesce(o.key, ''), o.count)
WHERE v.event IS NULL OR o.event IS NULL;
SELECT count(*) > 20 AS worth_it FROM journey_privacy.plan_violation WHERE "table" = 'plan_random'::regclass;
DROP TABLE plan_random;
