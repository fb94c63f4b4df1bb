
# Purging is stopped at once at several points; the next run comes to the end
# that an uninterrupted one comes to, and nothing that is to be kept is lost.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('purge');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
restart_after_crash = on
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE TABLE visit (id int, visitor journey_privacy.pseudonym, at timestamptz NOT NULL) PARTITION BY RANGE (at);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '100 days');
	CREATE TABLE event (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz NOT NULL);
	SELECT journey_privacy.protect('event', 'visitor', occurred_at => 'at', retain_for => '100 days');
	CREATE TABLE item (id int PRIMARY KEY, event int NOT NULL REFERENCES event);
	CREATE INDEX ON item (event);
	CREATE TABLE note (event int, body text);
	SELECT journey_privacy.link_table('note', '{event}', 'event', '{id}', 'redact', '{"event": null, "body": null}');
	CREATE INDEX ON note (event);
	CREATE FUNCTION fill() RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
	  DROP TABLE IF EXISTS visit_old, visit_mid, visit_new;
	  EXECUTE format('CREATE TABLE visit_old PARTITION OF visit FOR VALUES FROM (MINVALUE) TO (%L)', now() - interval '200 days');
	  EXECUTE format('CREATE TABLE visit_mid PARTITION OF visit FOR VALUES FROM (%L) TO (%L)', now() - interval '200 days', now() - interval '50 days');
	  EXECUTE format('CREATE TABLE visit_new PARTITION OF visit FOR VALUES FROM (%L) TO (MAXVALUE)', now() - interval '50 days');
	  TRUNCATE event, item, note;
	  INSERT INTO visit SELECT i, journey_privacy.pseudonymize('customer_id', 9320000 + i % 50),
	    now() - i * interval '7 minutes' FROM generate_series(1, 60000) i;
	  INSERT INTO event SELECT i, journey_privacy.pseudonymize('customer_id', 9320000 + i % 50),
	    now() - (i % 200) * interval '1 day' - interval '12 hours' FROM generate_series(1, 4000) i;
	  INSERT INTO item SELECT i, 1 + i % 4000 FROM generate_series(1, 8000) i;
	  INSERT INTO note SELECT i, 'body' FROM generate_series(1, 4000) i;
	END $$;
	CREATE VIEW kept AS
	  SELECT (SELECT count(*) FILTER (WHERE at >= now() - interval '100 days') || '/' || count(*) FROM visit) AS visits,
	         (SELECT count(*) FILTER (WHERE at >= now() - interval '100 days') || '/' || count(*) FROM event) AS events,
	         (SELECT count(*) FROM item) AS items, (SELECT count(*) FROM note WHERE body IS NOT NULL) AS notes,
	         (SELECT count(*) FROM note n WHERE event IS NOT NULL AND NOT EXISTS (SELECT FROM event e WHERE e.id = n.event)) AS lost,
	         to_regclass('visit_old') IS NULL AS dropped;});

# What an uninterrupted run comes to; the visits of the last days before the cut-off depend on the minute
$node->safe_psql('postgres', q{
	SELECT journey_privacy.place_hold('lawsuit', journey_privacy.pseudonymize('customer_id', 9320007), 'event');
	SELECT fill();});
$node->safe_psql('postgres', 'CALL journey_privacy.purge_expired(batch => 500)');
my $whole = $node->safe_psql('postgres', 'SELECT events, items, notes, lost, dropped FROM kept');
is($whole, '2000/2040|4080|2040|0|t', 'an uninterrupted run comes to the right end');

# [where, what another session holds, what is counted when it has come so far]
my @points = (
	[ 'before the first batch', q{BEGIN; LOCK journey_privacy.purge_run IN EXCLUSIVE MODE;}, undef ],
	[ 'while a partition is in use', q{BEGIN; LOCK visit IN ACCESS SHARE MODE; LOCK visit_old IN ROW EXCLUSIVE MODE; SELECT FROM visit_old WHERE id = (SELECT max(id) FROM visit_old) FOR UPDATE;}, undef ],
	[ 'between batches of rows', q{BEGIN; SELECT FROM visit_mid WHERE id = 29000 FOR UPDATE;}, q{SELECT count(*) < 30000 FROM visit_mid} ],
	[ 'between batches with what belongs to them', q{BEGIN; SELECT FROM item WHERE event = (SELECT max(id) FROM event WHERE at < now() - interval '100 days') FOR UPDATE;},
		q{SELECT count(*) < 3500 FROM event} ]);

my $n = 0;
for my $kill ('the backend', 'the server')
{
	for my $point (@points)
	{
		my ($where, $held, $so_far) = @$point;
		my $other = $node->background_psql('postgres');

		$node->safe_psql('postgres', 'SELECT fill()');
		$other->query_safe($held);
		my $purger = $node->background_psql('postgres', on_error_stop => 0);
		my $pid = $purger->query_safe('SELECT pg_backend_pid()');
		$purger->query_until(qr/started/, qq{\\echo started
			CALL journey_privacy.purge_expired(batch => 500);
			});
		$node->poll_query_until('postgres', qq{SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid})
		  or die 'it does not wait';
		is($node->safe_psql('postgres', $so_far), 't', "$where: some of it is done") if $so_far;
		if ($kill eq 'the backend')
		{
			kill 'KILL', $pid;
			eval { $purger->{run}->finish };
			eval { $other->{run}->finish };
			$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
		}
		else
		{
			$node->stop('immediate');
			eval { $purger->{run}->finish };
			eval { $other->{run}->finish };
			$node->start;
		}
		is($node->safe_psql('postgres', 'SELECT lost FROM kept'), '0', "$where, $kill: what belongs to a row went with it");
		is($node->safe_psql('postgres', q{SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT FROM item i WHERE i.event = e.id)}),
			'0', "$where, $kill: and no other");
		# the second run drops what was in use
		$node->safe_psql('postgres', 'CALL journey_privacy.purge_expired(batch => 500)') for 1 .. 2;
		is($node->safe_psql('postgres', 'SELECT events, items, notes, lost, dropped FROM kept'), $whole,
			"$where, $kill: the same end");
		is($node->safe_psql('postgres', q{SELECT split_part(visits, '/', 1)::int = split_part(visits, '/', 2)::int
			OR split_part(visits, '/', 2)::int - split_part(visits, '/', 1)::int < 3 FROM kept}), 't', "$where, $kill: visits, too");
		is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE state = 'running') FROM journey_privacy.purge_run}),
			'0', "$where, $kill: no run is left open");
	}
}
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM journey_privacy.purge_run WHERE state = 'interrupted'}), '>=', 6,
	'and those that were interrupted are known');

# Cancelled between batches, the state is consistent too; and two at once are one
$node->safe_psql('postgres', 'SELECT fill()');
my (undef, undef, $err) = $node->psql('postgres', q{SET statement_timeout = '150ms'; CALL journey_privacy.purge_expired(batch => 50)});
like($err, qr/canceling statement due to statement timeout/, 'a timeout ends a run');
is($node->safe_psql('postgres', 'SELECT lost FROM kept'), '0', 'and leaves nothing half done');
my $other = $node->background_psql('postgres');
$other->query_safe(q{BEGIN; SELECT FROM event WHERE at < now() - interval '100 days' FOR UPDATE;});
my $first = $node->background_psql('postgres');
my $pid = $first->query_safe('SELECT pg_backend_pid()');
$first->query_until(qr/started/, q{\echo started
	CALL journey_privacy.purge_expired('event');
	});
$node->poll_query_until('postgres', qq{SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid}) or die 'it does not wait';
(undef, undef, $err) = $node->psql('postgres', q{CALL journey_privacy.purge_expired('event')});
like($err, qr/NOTICE:  table "event" is being purged by another session/, 'a second session leaves it to the first');
$other->quit;
$first->quit;
$node->safe_psql('postgres', 'CALL journey_privacy.purge_expired()');
is($node->safe_psql('postgres', 'SELECT events, items, notes, lost, dropped FROM kept'), $whole, 'the same end again');
done_testing();
