# A journey store is dumped and restored with its table, is read on a standby
# with the names that are in its dictionary, and survives a crash in the middle of
# a refresh: what was not refreshed is still known to be missing.
use strict;
use warnings;

use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C' ]);
$primary->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
autovacuum = off
max_prepared_transactions = 5
journey_privacy.keyring_file = '} . $primary->basedir . q{/keyring'});
$primary->start;

sub sql { my ($node, $sql, $db) = @_; return $node->safe_psql($db // 'postgres', $sql); }

# What rows and store do not have in common, and whether the store claims all.
my $wrong = q{
	SELECT (SELECT count(*) FROM (SELECT visitor, at, event, count(*) FROM visit WHERE journey_subject IS NOT NULL GROUP BY 1, 2, 3) v
	  FULL JOIN (SELECT subject AS visitor, e.occurred_at AS at, e.event, count(*) FROM visit_journey,
	    journey_privacy.unnest(events) e GROUP BY 1, 2, 3) j USING (visitor, at, event, count) WHERE v IS NULL OR j IS NULL),
	  (journey_privacy.store_covering('visit', '(,)')).store IS NOT NULL};
my $journeys = q{SELECT journey_subject, bucket, subject, events FROM visit_journey ORDER BY 1, 2};
my $many = q{INSERT INTO visit (visitor, at, event) SELECT ('customer_id:' || i % 50)::journey_privacy.pseudonym,
	timestamptz '2026-01-01Z' + i * interval '97 minutes 0.25 seconds',
	CASE WHEN i % 300 = 0 THEN 'rare "' || i || '", ü' ELSE 'event ' || i % 7 END FROM generate_series(1, 3000) i};

sql($primary, qq{
	CREATE ROLE analyst LOGIN;
	CREATE ROLE owner LOGIN;
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('analytics', 'consent');
	SELECT journey_privacy.allow('analyst', 'analytics');
	CREATE TABLE visit (id bigint GENERATED ALWAYS AS IDENTITY, visitor journey_privacy.pseudonym NOT NULL,
	  at timestamptz NOT NULL, event text NOT NULL) PARTITION BY RANGE (at);
	CREATE TABLE visit_old PARTITION OF visit FOR VALUES FROM (MINVALUE) TO ('2026-04-01Z');
	CREATE TABLE visit_new PARTITION OF visit FOR VALUES FROM ('2026-04-01Z') TO (MAXVALUE);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at');
	$many;
	SELECT journey_privacy.create_journey_store('visit', 'visit_journey', '30 days');
	GRANT SELECT ON visit, visit_journey TO analyst;
	SELECT journey_privacy.refresh_journey_store('visit_journey');
	SELECT journey_privacy.record_consent(('customer_id:' || i)::journey_privacy.pseudonym, 'analytics', true) FROM generate_series(0, 29) i;
	INSERT INTO visit (visitor, at, event) VALUES ('customer_id:3', '2026-01-15Z', 'pending');});
is(sql($primary, $wrong), '1|f', 'one change is pending');

# Dump and restore, with a change that is not in the store yet.
my $dump = $primary->basedir . '/dump';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $primary->connstr('postgres') ], 'pg_dump');
sql($primary, 'CREATE DATABASE restored TEMPLATE template0');
command_ok([ 'pg_restore', '--exit-on-error', '-d', $primary->connstr('restored'), $dump ], 'pg_restore');
is(sql($primary, $journeys, 'restored'), sql($primary, $journeys), 'journeys come back as they were');
is(sql($primary, $wrong, 'restored'), '1|f', 'the change is pending there too');
is(sql($primary, q{SELECT name, relation, source, bucket, members FROM journey_privacy.journey_store}, 'restored'),
	'visit_journey|visit_journey|visit|30 days|{visit,visit_old,visit_new}', 'the store is registered');
is(sql($primary, q{SELECT journey_privacy.refresh_journey_store('visit_journey')}, 'restored'), '1', 'and refreshed');
is(sql($primary, $wrong, 'restored'), '0|t', 'then it has everything');
sql($primary, q{INSERT INTO visit (visitor, at, event) VALUES ('customer_id:4', '2026-05-15Z', 'after');
	DELETE FROM visit_new WHERE event = 'event 1';}, 'restored');
like(sql($primary, $wrong, 'restored'), qr/^[1-9]\d*\|f$/, 'it is followed there');
sql($primary, q{SELECT journey_privacy.refresh_journey_store('visit_journey', true)}, 'restored');
is(sql($primary, $wrong, 'restored'), '0|t', 'made anew');
sql($primary, q{CALL journey_privacy.erase('customer_id:4')}, 'restored');
is(sql($primary, q{SELECT count(*) FROM visit_journey WHERE subject = 'customer_id:4'}, 'restored'), '0', 'erased there');
sql($primary, 'DROP DATABASE restored');

# A transaction that is committed later, by another session.
sql($primary, q{BEGIN; INSERT INTO visit (visitor, at, event) VALUES ('customer_id:5', '2026-01-16Z', 'prepared');
	PREPARE TRANSACTION 'later'});
sql($primary, q{SELECT journey_privacy.refresh_journey_store('visit_journey')});
is(sql($primary, $wrong), '0|t', 'prepared: nobody sees it yet');
sql($primary, q{COMMIT PREPARED 'later'});
is(sql($primary, $wrong), '1|f', 'committed: known to be missing');

# A standby reads the store under policy, its dictionary included, in sessions
# that were there before names were added.
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
copy($primary->basedir . '/keyring', $standby->basedir . '/keyring') or die "copy: $!";
chmod 0600, $standby->basedir . '/keyring' or die "chmod: $!";
$standby->append_conf('postgresql.conf', "journey_privacy.keyring_file = '" . $standby->basedir . "/keyring'");
$standby->start;
$primary->wait_for_catchup($standby);
is(sql($standby, $journeys), sql($primary, $journeys), 'the standby has the same journeys');
is(sql($standby, $wrong), '1|f', 'and the same change pending');
my $session = $standby->background_psql('postgres', on_error_stop => 0);
$session->query_safe('SELECT count(*) FROM visit_journey, journey_privacy.unnest(events)');
sql($primary, q{INSERT INTO visit (visitor, at, event) SELECT ('customer_id:' || i)::journey_privacy.pseudonym, '2026-06-01Z', 'quite new'
	FROM generate_series(1, 40) i; SELECT journey_privacy.refresh_journey_store('visit_journey')});
$primary->wait_for_catchup($standby);
is(sql($primary, q{SELECT count(*) FROM journey_privacy.event_name WHERE name = 'quite new'}), '1', 'a name is shared');
is($session->query_safe(q{SELECT count(*) FROM visit_journey, journey_privacy.unnest(events) e WHERE e.event = 'quite new'}),
	'40', 'an old session of the standby reads it');
$session->quit;
is(sql($standby, $wrong), '0|t', 'the standby has everything');
my ($ret, $out, $err) = $standby->psql('postgres', 'SELECT count(DISTINCT journey_subject) FROM visit_journey',
	extra_params => [ '-U', 'analyst' ], connstr => $standby->connstr('postgres') . " options='-c journey_privacy.purpose=analytics'");
is($out, '30', 'only who consents is seen there');
sql($primary, q{SELECT journey_privacy.withdraw('customer_id:1', 'analytics')});
$primary->wait_for_catchup($standby);
($ret, $out, $err) = $standby->psql('postgres', 'SELECT count(DISTINCT journey_subject) FROM visit_journey',
	extra_params => [ '-U', 'analyst' ], connstr => $standby->connstr('postgres') . " options='-c journey_privacy.purpose=analytics'");
is($out, '29', 'a withdrawal hides journeys there');
$standby->stop;

# A new key: the store's pseudonyms move with those of its table.
my $before = sql($primary, 'SELECT journey_subject, bucket, events FROM visit_journey ORDER BY 1, 2');
sql($primary, q{SELECT journey_privacy.rotate_key('pseudonym'); SELECT journey_privacy.rekey_pseudonyms()});
is(sql($primary, $wrong), '0|t', 'rekeyed: rows and journeys have the same people, and nothing is pending');
is(sql($primary, 'SELECT journey_subject, bucket, events FROM visit_journey ORDER BY 1, 2'), $before, 'journeys stay as they are');

# A crash while a refresh is under way, and one after a change.
sql($primary, q{INSERT INTO visit (visitor, at, event) VALUES ('customer_id:6', '2026-01-17Z', 'crash')});
my $refresher = $primary->background_psql('postgres', on_error_stop => 0);
$refresher->query_safe('BEGIN');
$refresher->query_safe(q{SELECT journey_privacy.refresh_journey_store('visit_journey')});
$primary->stop('immediate');
$primary->start;
is(sql($primary, $wrong), '1|f', 'a refresh that crashed: the change is still pending');
eval { $refresher->quit; };
sql($primary, q{SELECT journey_privacy.refresh_journey_store('visit_journey')});
is(sql($primary, $wrong), '0|t', 'the next one takes it');

# Damaged bytes are an error, never a crash.
sql($primary, q{CREATE TABLE damaged (events journey_privacy.journey);
	CREATE CAST (bytea AS journey_privacy.journey) WITHOUT FUNCTION;
	CREATE CAST (journey_privacy.journey AS bytea) WITHOUT FUNCTION});
my $damaged = sql($primary, q{
	CREATE FUNCTION pg_temp.try(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
	  PERFORM bytes::journey_privacy.journey::text;
	  RETURN 'fine';
	EXCEPTION WHEN data_corrupted THEN
	  RETURN 'damaged';
	END $$;
	SELECT setseed(0.42);
	SELECT string_agg(DISTINCT r, ' ' ORDER BY r) FROM (
	  SELECT pg_temp.try(set_byte(b, (random() * (length(b) - 1))::int, (random() * 255)::int)) AS r
	  FROM (SELECT events::bytea AS b FROM visit_journey) j, generate_series(1, 10) UNION ALL
	  SELECT pg_temp.try(substr(b, 1, (random() * (length(b) - 1))::int)) FROM (SELECT events::bytea AS b FROM visit_journey) j) t});
like($damaged, qr/^damaged( fine)?$/m, 'damaged journeys are noticed or read');

done_testing();
