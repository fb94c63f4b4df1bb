-- The keyring: made once, refused when others could reach it, never shown.
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT current_database() AS db \gset

-- what a statement throws
CREATE FUNCTION thrown(statement text, OUT code text, OUT message text, OUT hint text)
  LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  code := '00000';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
    hint = PG_EXCEPTION_HINT;
END $$;

-- a shell command as the server's user; $K is the keyring, $D the data directory
CREATE PROCEDURE sh(command text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('COPY (SELECT) TO PROGRAM %L',
    format('cat >/dev/null; K=''%s'' D=''%s''; %s',
           current_setting('journey_privacy.keyring_file'),
           current_setting('data_directory'), command));
END $$;
CREATE FUNCTION output(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  CREATE TEMP TABLE line (t text) ON COMMIT DROP;
  EXECUTE format('COPY line FROM PROGRAM %L',
    format('K=''%s''; %s', current_setting('journey_privacy.keyring_file'), command));
  RETURN QUERY SELECT t FROM line;
END $$;

-- no keyring, no keys: nothing works
SELECT * FROM journey_privacy.key;
SELECT * FROM thrown($$SELECT 'email:ann@example.com'::journey_privacy.pseudonym$$);
SELECT * FROM thrown($$SELECT journey_privacy.pseudonymize('email', 'ann@example.com')$$);
SELECT * FROM thrown($$SELECT journey_privacy.rotate_key('seal')$$);

-- made once, for the server's user alone
SELECT journey_privacy.create_keyring();
SELECT * FROM thrown($$SELECT journey_privacy.create_keyring()$$);
SELECT output('stat -c "%a %F" "$K"');
SELECT regexp_replace(output('cat "$K"'), '[0-9a-f]{16,}', '...', 'g');
SELECT kind, version, root_version, state, length(check_value) AS check,
       length(public_key) AS public
  FROM journey_privacy.key ORDER BY kind;
CREATE TABLE known AS SELECT journey_privacy.pseudonymize('email', 'ann@example.com') AS p;

-- for those who were allowed to
CREATE ROLE keyring_reader;
SET ROLE keyring_reader;
SELECT * FROM thrown($$SELECT journey_privacy.create_keyring()$$);
SELECT * FROM thrown($$SELECT journey_privacy.rotate_key('seal')$$);
SELECT * FROM thrown($$SELECT journey_privacy.destroy_key('seal', 1)$$);
SELECT * FROM thrown($$SELECT * FROM journey_privacy.key$$);
SELECT * FROM thrown($$SELECT * FROM journey_privacy.key_version$$);
SELECT code FROM thrown($$SHOW journey_privacy.keyring_file$$);
SELECT * FROM thrown($$SET journey_privacy.keyring_file = '/tmp/mine'$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.create_keyring() TO keyring_reader;
SET ROLE keyring_reader;
SELECT * FROM thrown($$SELECT journey_privacy.create_keyring()$$);
RESET ROLE;

-- Bad keyrings.  Each session reads the keyring anew, so each case is seen by
-- a new one; the good keyring is kept beside it.
CREATE VIEW attempt AS
  SELECT t.* FROM thrown($$SELECT journey_privacy.pseudonymize('email', 'ann@example.com')$$) t;
CALL sh('cp -p "$K" "$K.good"');

CALL sh('chmod 0640 "$K"');
\c -
SELECT * FROM attempt;
CALL sh('chmod 0602 "$K"');
\c -
SELECT * FROM attempt;
CALL sh('chmod 0600 "$K"; ln "$K" "$K.link"');
\c -
SELECT * FROM attempt;
-- a link to it elsewhere will do, one to a copy inside the data directory not
CALL sh('rm "$K.link"; mv "$K" "$K.real"; ln -s "$K.real" "$K"');
\c -
SELECT * FROM attempt;
CALL sh('cp -p "$K.good" "$D/keyring"; rm "$K"; ln -s "$D/keyring" "$K"');
\c -
SELECT * FROM attempt;
CALL sh('mkdir "$K.dir"; rm "$K"; ln -s "$D" "$K.dir/pgdata"; ln -s "$K.dir/pgdata/global/../keyring" "$K"');
\c -
SELECT * FROM attempt;
CALL sh('rm -r "$K" "$K.real" "$K.dir" "$D/keyring"; mkfifo -m 600 "$K"');
\c -
SELECT * FROM attempt;
CALL sh('rm "$K"; mkdir -m 700 "$K"');
\c -
SELECT * FROM attempt;
CALL sh('rmdir "$K"');
\c -
SELECT * FROM attempt;

-- damage of every sort
CALL sh('umask 077; : > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('printf "%s" "$(cat "$K.good")" > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('head -c -40 "$K.good" > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('(head -c -40 "$K.good"; echo) > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('sed "s/root=1/root=2/" "$K.good" > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('sed "/key=/y/0123456789/1234567890/" "$K.good" > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('sed -E "s/(key=)([^ ]*)/\1\U\2/" "$K.good" > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('(cat "$K.good"; echo "root:x:0:0::/root:/bin/sh") > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('cat "$K.good" "$K.good" > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('head -c 100000 /dev/zero > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('head -c 8192 /dev/zero > "$K"');
\c -
SELECT * FROM attempt;
CALL sh('head -c 8000 /dev/zero > "$K"');
\c -
SELECT * FROM attempt;

-- comments and blank lines are welcome
CALL sh('(echo "# ours"; echo; cat "$K.good"; echo; echo "#") > "$K"');
\c -
SELECT * FROM attempt;

-- another database's keyring, in every respect in order: nothing is written
-- under it
CALL sh('rm "$K"');
CREATE DATABASE keyring_other;
\c keyring_other
\set VERBOSITY terse
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
\c :db
SELECT * FROM attempt;
CREATE TEMP TABLE nothing (p journey_privacy.pseudonym);
SELECT * FROM thrown($$INSERT INTO nothing SELECT journey_privacy.pseudonymize('email', i::text) FROM generate_series(1, 9) i$$);
SELECT * FROM thrown($$SELECT journey_privacy.rotate_key('seal')$$);
SELECT count(*) FROM nothing;
SELECT count(*) FROM journey_privacy.key;

-- a session that has used the right keys notices at the next reload
CALL sh('mv "$K" "$K.other"; cp -p "$K.good" "$K"');
\c -
SELECT * FROM attempt;
SELECT p = journey_privacy.pseudonymize('email', 'ann@example.com') AS same FROM known;
CALL sh('chmod 0644 "$K"');
SELECT * FROM attempt;
SELECT pg_reload_conf();
-- asks until the reload has arrived
\set ECHO none
\o /dev/null
SELECT 'SELECT pg_sleep(0.01) FROM attempt WHERE code = ''00000'''
  FROM generate_series(1, 1000) \gexec
\o
\set ECHO all
SELECT * FROM attempt;
CALL sh('chmod 0600 "$K"');
SELECT * FROM attempt;

-- Rotation and destruction, in the other database with its own keyring.
CALL sh('mv "$K.other" "$K"');
\c keyring_other
CREATE FUNCTION thrown(statement text, OUT code text, OUT message text, OUT hint text)
  LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  code := '00000';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
    hint = PG_EXCEPTION_HINT;
END $$;
CREATE FUNCTION output(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  CREATE TEMP TABLE line (t text) ON COMMIT DROP;
  EXECUTE format('COPY line FROM PROGRAM %L',
    format('K=''%s''; %s', current_setting('journey_privacy.keyring_file'), command));
  RETURN QUERY SELECT t FROM line;
END $$;
CREATE TABLE before AS
  SELECT journey_privacy.pseudonymize('customer_id', i) AS p,
         journey_privacy.scoped(journey_privacy.pseudonymize('customer_id', i), 'partner') AS s
  FROM generate_series(1, 10) i;
SELECT * FROM thrown($$SELECT journey_privacy.rotate_key('lock')$$);
SELECT * FROM thrown($$SELECT journey_privacy.destroy_key('scope', 1)$$);
SELECT * FROM thrown($$SELECT journey_privacy.destroy_key('scope', 2)$$);
SELECT journey_privacy.rotate_key('scope');
SELECT journey_privacy.rotate_key('sign');
SELECT kind, version, root_version, state FROM journey_privacy.key ORDER BY kind, version;

-- destroying one key replaces the root key by what is still needed
SELECT journey_privacy.destroy_key('scope', 1);
SELECT kind, version, root_version, state FROM journey_privacy.key ORDER BY kind, version;
SELECT regexp_replace(output('grep -v "^#" "$K"'), '[0-9a-f]{16,}', '...', 'g');
SELECT count(*) AS same FROM before
  WHERE p IN (SELECT journey_privacy.pseudonymize('customer_id', i) FROM generate_series(1, 10) i);
SELECT count(*) AS other FROM before
  WHERE s <> journey_privacy.scoped(p, 'partner');
\c -
SELECT count(*) AS same FROM before
  WHERE p IN (SELECT journey_privacy.pseudonymize('customer_id', i) FROM generate_series(1, 10) i);
SELECT * FROM thrown($$SELECT journey_privacy.destroy_key('scope', 1)$$);

-- new keys come from the new root key; root keys can be rotated and destroyed
SELECT journey_privacy.rotate_key('tombstone');
SELECT journey_privacy.rotate_key('root');
SELECT journey_privacy.destroy_key('root', 2);
SELECT regexp_replace(output('grep -v "^#" "$K"'), '[0-9a-f]{16,}', '...', 'g');

-- a rolled back rotation leaves a root key that the next one takes up
BEGIN;
SELECT journey_privacy.rotate_key('root');
ROLLBACK;
SELECT output('grep -c root=4 "$K"');
SELECT journey_privacy.rotate_key('root');
SELECT count(*) AS same FROM before
  WHERE p IN (SELECT journey_privacy.pseudonymize('customer_id', i) FROM generate_series(1, 10) i);

-- a pseudonym key waits until what is stored has moved
SELECT journey_privacy.rotate_key('pseudonym');
SELECT * FROM thrown($$SELECT journey_privacy.rotate_key('pseudonym')$$);
SELECT count(*) AS same FROM before
  WHERE p IN (SELECT journey_privacy.pseudonymize('customer_id', i) FROM generate_series(1, 10) i);
SELECT version, root_version, state FROM journey_privacy.key WHERE kind = 'pseudonym';
UPDATE journey_privacy.key_version
  SET state = CASE version WHEN 1 THEN 'retired' ELSE 'active' END WHERE kind = 'pseudonym';
SELECT count(*) AS same FROM before
  WHERE p IN (SELECT journey_privacy.pseudonymize('customer_id', i) FROM generate_series(1, 10) i);
SELECT left(journey_privacy.pseudonymize('customer_id', 1)::text, 3);
SELECT * FROM thrown($$SELECT journey_privacy.destroy_key('pseudonym', 1)$$);

-- the good keyring again
\c :db
CALL sh('mv "$K.good" "$K"');
\c -
SELECT p = journey_privacy.pseudonymize('email', 'ann@example.com') AS same FROM known;
SELECT output('ls "$K"* | wc -l');
DROP DATABASE keyring_other;
DROP VIEW attempt;
DROP FUNCTION thrown, output;
DROP PROCEDURE sh;
DROP TABLE known;
DROP OWNED BY keyring_reader;
DROP ROLE keyring_reader;
