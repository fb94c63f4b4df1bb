
# Requests are processed once: a crash anywhere in between, of the backend or of
# the server, is made good by the next call; several workers share the work.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('requests');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
restart_after_crash = on
# workers of before a crash are started once more before they go
max_worker_processes = 32
jit = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('ads', 'legitimate_interests');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('visit', 'visitor');
	CREATE TABLE page (id int PRIMARY KEY, visit int REFERENCES visit);
	CREATE INDEX ON page (visit);
	CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN IF OLD.id = 10900 THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN OLD; END $$;});

# Waits until a backend waits for a lock
sub wait_for_lock
{
	my ($pid) = @_;

	$node->poll_query_until('postgres',
		qq{SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid})
	  or die 'it does not wait';
	return;
}

# Where a worker is stopped: [kind, where, what another session holds, what it
# holds later while it lets go of the first]
my @steps = (
	[ 'erasure', 'before it is marked', q{LOCK journey_privacy.request IN EXCLUSIVE MODE} ],
	[ 'erasure', 'while it is marked', q{LOCK journey_privacy.callback IN EXCLUSIVE MODE} ],
	[ 'erasure', 'while writers are waited for', q{INSERT INTO visit VALUES (-1, 'customer_id:other')} ],
	[ 'erasure', 'between two batches', q{SELECT pg_advisory_xact_lock(7)} ],
	[ 'erasure', 'before the receipt', q{LOCK journey_privacy.subject_key IN EXCLUSIVE MODE} ],
	[
		'erasure', 'after the receipt', q{LOCK journey_privacy.subject_key IN EXCLUSIVE MODE},
		q{SELECT FROM journey_privacy.request WHERE id = 'ID' FOR KEY SHARE}
	],
	[ 'access', 'before the result', q{LOCK journey_privacy.request_result IN EXCLUSIVE MODE} ],
	[ 'restriction', 'before the ledger', q{LOCK journey_privacy.consent_event IN EXCLUSIVE MODE} ],
	[ 'objection', 'before the bitmap', q{LOCK journey_privacy.permitted IN EXCLUSIVE MODE} ]);

# What is left of each kind once it is done: results, restrictions, objections, visits
my %done = (
	erasure => '0|0|0|0|1|done',
	access => '1|0|0|11000|0|',
	restriction => '0|1|0|11000|0|',
	objection => '0|0|1|11000|0|');

my $n = 0;
foreach my $kill ('the backend', 'the server')
{
	foreach my $step (@steps)
	{
		my ($kind, $where, $held, $later) = @$step;

		$n++;
		my $who = "customer_id:request_crash$n";
		my $id = sprintf '91000000-0000-4000-8000-%012d', $n;
		$node->safe_psql('postgres', qq{
			TRUNCATE visit, page;
			INSERT INTO visit SELECT i, '$who' FROM generate_series(1, 11000) i;
			INSERT INTO page SELECT i, i FROM generate_series(1, 11000) i;
			DROP TRIGGER IF EXISTS stop ON page;
			CREATE TRIGGER stop BEFORE DELETE ON page FOR EACH ROW EXECUTE FUNCTION stop();
			SELECT journey_privacy.open_request('$kind', '$who', verified => true, request_id => '$id',
			  callback_urls => '{https://a.example/}')});
		my $other = $node->background_psql('postgres');
		my $worker = $node->background_psql('postgres', on_error_stop => 0);
		my $pid = $worker->query_safe('SELECT pg_backend_pid()');

		$other->query_safe("BEGIN; $held");
		$worker->query_until(qr/started/, "\\echo started\nCALL journey_privacy.process_requests();\n");
		wait_for_lock($pid);
		if (defined $later)
		{
			my $third = $node->background_psql('postgres');

			$later =~ s/ID/$id/;
			$third->query_safe("BEGIN; $later");
			$other->query_safe('COMMIT');
			$node->poll_query_until('postgres',
				qq{SELECT state = 'done' FROM journey_privacy.erasure WHERE request_id = '$id'});
			wait_for_lock($pid);
			$other->quit;
			$other = $third;
		}
		if ($where =~ /after|writers|batches/)
		{
			my (undef, undef, $err) =
			  $node->psql('postgres', "SET lock_timeout = '1s'; SELECT journey_privacy.cancel_request('$id')");
			like($err, $where =~ /after/ ? qr/lock timeout/ : qr/in_progress cannot become cancelled/,
				"$kind, $where: not cancelled any more");
			$node->safe_psql('postgres', 'CALL journey_privacy.process_requests()');
			is($node->safe_psql('postgres', "SELECT status FROM journey_privacy.request WHERE id = '$id'"),
				'in_progress', "$kind, $where: left to whoever is at it");
		}
		if ($kill eq 'the backend')
		{
			kill 'KILL', $pid;
			eval { $worker->{run}->finish };
			eval { $other->{run}->finish };
			$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
		}
		else
		{
			$node->stop('immediate');
			eval { $worker->{run}->finish };
			eval { $other->{run}->finish };
			$node->start;
		}
		$node->safe_psql('postgres', 'CALL journey_privacy.process_requests()');
		is($node->safe_psql('postgres', qq{
			SELECT status, attempts, last_error,
			  (SELECT string_agg(c.status, ' ' ORDER BY c.id) FROM journey_privacy.callback c WHERE request_id = r.id)
			FROM journey_privacy.request r WHERE id = '$id'}),
			'completed|0||in_progress completed', "$kind, $where, $kill: completed by the next call, told once");
		is($node->safe_psql('postgres', qq{
			SELECT (SELECT count(*) FROM journey_privacy.request_result WHERE request_id = '$id'),
			  (SELECT count(*) FROM journey_privacy.consent_event WHERE source = 'request $id' AND decision = 'restricted'),
			  (SELECT count(*) FROM journey_privacy.consent_event WHERE source = 'request $id' AND decision = 'objected'),
			  (SELECT count(*) FROM visit WHERE id > 0),
			  (SELECT count(*) FROM journey_privacy.erasure WHERE request_id = '$id'),
			  (SELECT state FROM journey_privacy.erasure WHERE request_id = '$id')}),
			$done{$kind}, "$kind, $where, $kill: done once");
		$node->safe_psql('postgres', 'CALL journey_privacy.process_requests()');
		is($node->safe_psql('postgres', "SELECT count(*) FROM journey_privacy.callback WHERE request_id = '$id'"),
			'2', "$kind, $where, $kill: and not again");
	}
}

# Two hundred requests, three workers that begin at once
$node->safe_psql('postgres', q{
	TRUNCATE visit, page;
	INSERT INTO visit SELECT i, ('customer_id:request_many' || i % 200)::journey_privacy.pseudonym FROM generate_series(0, 999) i;
	SELECT count(journey_privacy.open_request((ARRAY['erasure', 'access', 'restriction', 'objection'])[1 + i % 4],
	  ('customer_id:request_many' || i)::journey_privacy.pseudonym, verified => true, callback_urls => '{https://a.example/}',
	  request_id => format('91000000-0000-4000-9000-%s', lpad(i::text, 12, '0'))::uuid)) FROM generate_series(0, 199) i});
my $gate = $node->background_psql('postgres');
$gate->query_safe('BEGIN; LOCK journey_privacy.request IN EXCLUSIVE MODE');
my @workers = map { $node->background_psql('postgres') } 1 .. 3;
foreach my $worker (@workers)
{
	my $pid = $worker->query_safe('SELECT pg_backend_pid()');

	$worker->query_until(qr/started/, "\\echo started\nCALL journey_privacy.process_requests(1000);\n\\echo ended\n");
	wait_for_lock($pid);
}
$gate->query_safe('COMMIT');
$gate->quit;
$_->query_until(qr/ended/, '') for @workers;
$_->quit for @workers;

is($node->safe_psql('postgres', q{
	SELECT count(*), min(told), max(told), max(attempts) FROM (
	  SELECT r.attempts, (SELECT string_agg(c.status, ' ' ORDER BY c.id) FROM journey_privacy.callback c WHERE c.request_id = r.id) AS told
	  FROM journey_privacy.request r WHERE id::text LIKE '91000000-0000-4000-9000-%') t}),
	'200|in_progress completed|in_progress completed|0', 'each of 200 is done and told once');
is($node->safe_psql('postgres', q{
	SELECT (SELECT count(*) FROM journey_privacy.erasure WHERE request_id::text LIKE '91000000-0000-4000-9000-%' AND state = 'done'),
	  (SELECT count(*) FROM journey_privacy.request_result WHERE request_id::text LIKE '91000000-0000-4000-9000-%'),
	  (SELECT count(*) FROM journey_privacy.consent_event WHERE source LIKE 'request 91000000-0000-4000-9000-%'),
	  (SELECT count(DISTINCT source) FROM journey_privacy.consent_event WHERE source LIKE 'request 91000000-0000-4000-9000-%'),
	  (SELECT count(*) FROM visit)}),
	'50|50|100|100|750', 'none twice');
is($node->safe_psql('postgres', q{
	SELECT journey_privacy.checkpoint_audit() IS NULL;
	SELECT count(*) FILTER (WHERE detail LIKE '% in_progress'), count(*) FILTER (WHERE detail LIKE '% completed'), count(DISTINCT session) BETWEEN 2 AND 3
	FROM journey_privacy.audit_entry WHERE kind = 'request' AND command = 'process_requests'
	  AND session IN (SELECT session FROM journey_privacy.audit_entry WHERE kind = 'request' AND command = 'process_requests'
	                  GROUP BY session ORDER BY max(number) DESC LIMIT 3)}),
	"f\n200|200|t", 'the audit tells the same, of several workers');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), '0', 'no lock is left');
done_testing();
