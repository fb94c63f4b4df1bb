-- The records as one writes them by hand: every record has its metadata, each
-- with an index; and a table for what was done, with an index by time.

SET client_min_messages = warning;
CREATE TABLE record (
  key  text PRIMARY KEY,
  data text NOT NULL,
  pur  text NOT NULL,
  ttl  timestamptz NOT NULL,
  usr  text NOT NULL,
  obj  text NOT NULL,
  dec  text NOT NULL,
  acl  text NOT NULL,
  shr  text NOT NULL,
  src  text NOT NULL,
  cat  text NOT NULL) WITH (fillfactor = 90);
INSERT INTO record
  SELECT 'key' || i, data_of(i), 'purpose' || u % 25, expires_of(i), 'user' || u, 'usage' || u % 10, 'dec' || u % 2,
         'acl' || u % 10, 'share' || u % 10, 'src' || i % 10, 'cat' || i % 10
  FROM generate_series(0, :records - 1) i, LATERAL (SELECT i % (:records / 10) AS u) x
  ORDER BY i;
CREATE INDEX ON record (pur);
CREATE INDEX ON record (ttl);
CREATE INDEX ON record (usr);
CREATE INDEX ON record (obj);
CREATE INDEX ON record (dec);
CREATE INDEX ON record (acl);
CREATE INDEX ON record (shr);
CREATE INDEX ON record (src);
CREATE INDEX ON record (cat);

CREATE TABLE log (
  at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  who text NOT NULL DEFAULT session_user,
  did text NOT NULL,
  on_ text NOT NULL);
CREATE INDEX ON log (at);

GRANT SELECT, INSERT, UPDATE, DELETE ON record TO controller, customer;
GRANT SELECT ON record TO processor, regulator;
GRANT SELECT, INSERT ON log TO controller, customer, processor, regulator;
GRANT pg_read_server_files TO regulator;
GRANT EXECUTE ON FUNCTION pg_read_file(text, bigint, bigint) TO regulator;

DELETE FROM record WHERE usr IN (SELECT 'user' || :records / 10 - i FROM generate_series(1, 100) i);
