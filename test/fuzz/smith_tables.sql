-- The protected database that sqlsmith asks (test/extra/sqlsmith.sh): every
-- shape that a protected table has, and who may read it.  It gets its people
-- from smith_people.sql.
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
DO 'BEGIN PERFORM journey_privacy.create_keyring(); END';
CREATE ROLE analyst LOGIN;
CREATE ROLE asker LOGIN;
CREATE ROLE shopkeeper;
SELECT journey_privacy.create_purpose('analytics', 'consent', consent_valid_for => '10 years');
SELECT journey_privacy.create_purpose('answers', 'consent', consent_valid_for => '10 years', min_group => 10, access => 'aggregates');
SELECT journey_privacy.allow('analyst', 'analytics');
SELECT journey_privacy.allow('shopkeeper', 'analytics');
SELECT journey_privacy.allow('asker', 'answers');
ALTER ROLE analyst SET journey_privacy.purpose = 'analytics';
ALTER ROLE asker SET journey_privacy.purpose = 'answers';
-- sqlsmith does not say whose operators it means
ALTER DATABASE postgres SET search_path = public, shop;

-- somebody other than a superuser owns it all
GRANT CREATE ON DATABASE postgres TO shopkeeper;
SET ROLE shopkeeper;
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO analyst, asker;

-- one column of each kind
CREATE TABLE shop.visit (
  id int PRIMARY KEY, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL,
  event text NOT NULL, note text, props jsonb, amount int, total numeric, score float8,
  tags text[], ip inet, token uuid, raw bytea, day date, words tsvector);
CREATE INDEX ON shop.visit (note);
CREATE INDEX ON shop.visit (amount);
CREATE INDEX ON shop.visit USING gin (props);
CREATE TABLE shop.region (
  area text NOT NULL, visitor journey_privacy.pseudonym NOT NULL, at timestamptz, note text, amount int)
  PARTITION BY LIST (area);
CREATE TABLE shop.region_north PARTITION OF shop.region FOR VALUES IN ('north');
CREATE TABLE shop.region_south PARTITION OF shop.region FOR VALUES IN ('south');
CREATE TABLE shop.base (visitor journey_privacy.pseudonym, note text);
CREATE TABLE shop.child (extra text) INHERITS (shop.base);
CREATE TABLE shop.mail (email text, at timestamptz, note text, amount bigint);
CREATE TABLE shop.customer (number bigint, note text);
CREATE TABLE shop.past (visitor journey_privacy.pseudonym, at timestamptz NOT NULL, note text);
CREATE TABLE shop.secret (id int PRIMARY KEY, visitor journey_privacy.pseudonym, secret text, pin int);
CREATE TABLE shop.letter (visitor journey_privacy.pseudonym NOT NULL, address journey_privacy.sealed);
CREATE TABLE shop.entry (
  id int PRIMARY KEY, visitor journey_privacy.pseudonym, note text, amount int CHECK (amount > 0));
CREATE TABLE shop.line (entry int REFERENCES shop.entry ON DELETE CASCADE, visitor journey_privacy.pseudonym, note text);
RESET ROLE;
SELECT journey_privacy.protect(('shop.' || t)::regclass, 'visitor')
  FROM unnest(ARRAY['region', 'base', 'secret', 'letter', 'entry', 'line']) t;
SELECT journey_privacy.protect('shop.visit', 'visitor', occurred_at => 'at');
SELECT journey_privacy.protect('shop.past', 'visitor', occurred_at => 'at', visibility => 'collected');
SELECT journey_privacy.protect('shop.mail', 'email', kind => 'email', number_column => NULL);
SELECT journey_privacy.protect('shop.customer', 'number', kind => 'customer_id');
-- who may be seen is looked up there where the planner is told to
CREATE INDEX ON shop.visit (journey_subject);
CREATE INDEX ON shop.entry (journey_subject);
SELECT journey_privacy.allow_columns('analytics', 'shop.secret', '{id,visitor}');
SELECT journey_privacy.create_journey_store('shop.visit', 'journey_of_visit', '30 days');

SET ROLE shopkeeper;
-- whoever lets workers cost nothing gets them
ALTER TABLE shop.visit SET (parallel_workers = 2);
ALTER TABLE shop.region_south SET (parallel_workers = 2);
ALTER TABLE shop.mail SET (parallel_workers = 2);
ALTER TABLE shop.entry SET (parallel_workers = 2);
-- with the rights of the owner, and with those of the reader
CREATE VIEW shop.owners_view AS SELECT id, note, amount, props FROM shop.visit;
CREATE VIEW shop.barrier WITH (security_barrier) AS SELECT visitor, note FROM shop.region;
CREATE VIEW shop.readers_view WITH (security_invoker) AS
  SELECT v.note, e.note AS entry, v.visitor FROM shop.visit v LEFT JOIN shop.entry e USING (visitor);
-- answers are functions that return rows, which sqlsmith does not call
CREATE VIEW shop.funnel WITH (security_invoker) AS
  SELECT * FROM journey_privacy.funnel('shop.visit', '{home,cart,buy}', '30 days', breakdown => 'note');
CREATE VIEW shop.time_to WITH (security_invoker) AS SELECT * FROM journey_privacy.time_to('shop.visit', 'home', 'buy');
CREATE VIEW shop.retention WITH (security_invoker) AS SELECT * FROM journey_privacy.retention('shop.visit', period => 'day');
CREATE VIEW shop.sessions WITH (security_invoker) AS SELECT * FROM journey_privacy.sessions('shop.visit');
CREATE VIEW shop.paths WITH (security_invoker) AS SELECT * FROM journey_privacy.paths('shop.visit', 3);
CREATE VIEW shop.attribution WITH (security_invoker) AS SELECT * FROM journey_privacy.attribution('shop.visit', 'buy', 'note');
CREATE VIEW shop.journey WITH (security_invoker) AS
  SELECT j.subject, e.* FROM shop.journey_of_visit j, journey_privacy.unnest(j.events) e;
CREATE VIEW shop.address WITH (security_invoker) AS
  SELECT visitor, journey_privacy.unseal(visitor, address, 'address') AS address FROM shop.letter;
RESET ROLE;

-- What tells whatever it gets, cheap enough to go first; the planner would show
-- operators with estimators the most common values.
CREATE FUNCTION shop.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 IMMUTABLE PARALLEL SAFE AS
  $$ BEGIN RAISE NOTICE 'told %', $1; RETURN true; END $$;
CREATE FUNCTION shop.same(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 IMMUTABLE PARALLEL SAFE AS
  $$ BEGIN RAISE NOTICE 'compared %', $1; RETURN $1 = $2; END $$;
CREATE FUNCTION shop.same(int, int) RETURNS boolean LANGUAGE plpgsql COST 0.0001 IMMUTABLE PARALLEL SAFE AS
  $$ BEGIN RAISE NOTICE 'compared %', $1; RETURN $1 = $2; END $$;
CREATE OPERATOR shop.=== (FUNCTION = shop.same, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel, JOIN = eqjoinsel,
                          COMMUTATOR = OPERATOR(shop.===));
CREATE OPERATOR shop.=== (FUNCTION = shop.same, LEFTARG = int, RIGHTARG = int, RESTRICT = eqsel, JOIN = eqjoinsel,
                          COMMUTATOR = OPERATOR(shop.===));
CREATE FUNCTION shop.fail(jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0001 IMMUTABLE PARALLEL SAFE AS
  $$ BEGIN RAISE EXCEPTION 'failed for %', $1; END $$;
CREATE FUNCTION shop.total(visitor journey_privacy.pseudonym) RETURNS bigint LANGUAGE sql STABLE AS
  $$ SELECT sum(amount) FROM shop.visit v WHERE v.visitor = $1 $$;

GRANT SELECT ON ALL TABLES IN SCHEMA shop TO analyst, asker;
GRANT INSERT, UPDATE, DELETE ON shop.entry, shop.line TO analyst;
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'journey_privacy'::regnamespace
           AND proname IN ('funnel', 'funnel_plan', 'time_to', 'retention', 'sessions', 'paths', 'attribution',
                           'subject_count', 'funnel_svg', 'journey_map_svg', 'retention_svg', 'consent_svg',
                           'unseal', 'scoped', 'store_covering') LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO analyst, asker', f);
  END LOOP;
END $$;
