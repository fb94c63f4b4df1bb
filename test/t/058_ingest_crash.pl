# Two sessions take in batches when the server is killed, at any moment, again
# and again.  The clients send what was not acknowledged once more, and at the
# end everything is there once: events, aliases, decisions.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $people = 60;
my $node = PostgreSQL::Test::Cluster->new('ingest');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
fsync = on
restart_after_crash = on
log_min_messages = fatal
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('analytics', 'consent');
	SELECT journey_privacy.map_consent('mparticle', 'gdpr:analytics', 'analytics');
	CREATE TABLE visit (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text, event_id bigint);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', collected_for => '{analytics}', on_refused => 'skip');
	SELECT journey_privacy.map_mparticle('visit', 'event', event_id_column => 'event_id');
	-- batch n of person n % people; each event is in two batches of its person
	CREATE FUNCTION batch(n int, people int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('source_request_id', 'r' || n, 'mpid', 7000000000000000000 + n % people,
		'user_identities', jsonb_build_object('customer_id', 'c' || n % people, 'email', 'p' || n % people || '@example.com', 'other', 'o' || n % people),
		'consent_state', jsonb_build_object('gdpr', jsonb_build_object('analytics', jsonb_build_object('consented', true,
			'timestamp_unixtime_ms', 1700000000000 + n % people))),
		'events', (SELECT jsonb_agg(jsonb_build_object('event_type', 'custom_event', 'data', jsonb_build_object(
			'event_id', (n / people) * 10 + i, 'event_name', 'e', 'timestamp_unixtime_ms', 1700000000000 + i))) FROM generate_series(0, 19) i)) $$;});

# Sends batches from first on, each in a transaction, until one is not answered;
# returns the first that was not.
sub client
{
	my ($next, $name) = @_;
	my ($out, $err) = ('', '');
	my $script = $node->basedir . "/client$name.sql";
	open my $file, '>', $script or die $!;
	print $file "SELECT $_, inserted + duplicates FROM journey_privacy.ingest_mparticle(batch($_, $people));\n" for $next .. $next + 999;
	close $file;
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $script ],
		'<', '/dev/null', '>', \$out, '2>', \$err);
	return { run => $run, out => \$out, err => \$err };
}

# Waits until the server is back after its own restart.
sub wait_for_server
{
	for (1 .. 600)
	{
		return if eval { $node->safe_psql('postgres', 'SELECT 1') };
		sleep 0.1;
	}
	die 'the server does not come back';
}

srand 20260901;
my @next = (0, 0);
my $rounds = 0;
while ($rounds < 6)
{
	# both send the same batches: one of them is refused as the other's
	my @clients = map { client($next[$_], $_) } 0 .. 1;
	for my $client (@clients)
	{
		$client->{run}->pump while $client->{run}->pumpable && (() = ${ $client->{out} } =~ /^\d+\|20$/mg) < 5;
	}
	sleep rand 0.6;
	my @backends = split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE query LIKE '%ingest%' AND pid <> pg_backend_pid()});
	$rounds % 2 ? $node->stop('immediate') : kill('KILL', @backends);
	for my $n (0 .. 1)
	{
		$clients[$n]->{run}->finish;
		my @acknowledged = ${ $clients[$n]->{out} } =~ /^(\d+)\|20$/mg;
		$next[$n] = $acknowledged[-1] + 1 if @acknowledged;
	}
	$rounds % 2 ? $node->start : wait_for_server();
	$rounds++;
}
note "acknowledged before the last crash: @next";
ok($next[0] > 20 && $next[1] > 20, 'batches were taken in meanwhile');

# all that any of them may have sent, once more
my $last = 1 + ($next[0] > $next[1] ? $next[0] : $next[1]);
my $first = $next[0] < $next[1] ? $next[0] : $next[1];
is($node->safe_psql('postgres', "SELECT sum(inserted + duplicates) = 20 * count(*) FROM generate_series($first, $last) n, LATERAL journey_privacy.ingest_mparticle(batch(n, $people))"),
	't', 'what was not acknowledged is taken in again');
is($node->safe_psql('postgres', "SELECT sum(inserted) FROM generate_series(0, $last) n, LATERAL journey_privacy.ingest_mparticle(batch(n, $people))"),
	'0', 'and nothing is missing: all of it is known by now');

my $expected = "SELECT DISTINCT journey_privacy.pseudonymize('customer_id', 'c' || n % $people) AS visitor, (n / $people) * 10 + i AS event_id
	FROM generate_series(0, $last) n, generate_series(0, 19) i";
is($node->safe_psql('postgres', "SELECT count(*), count(*) - count(DISTINCT (visitor, event_id)) FROM visit"),
	$node->safe_psql('postgres', "SELECT count(*), 0 FROM ($expected) e"), 'each event is there once');
is($node->safe_psql('postgres', "SELECT count(*) FROM ((TABLE visit_seen EXCEPT $expected) UNION ALL ($expected EXCEPT TABLE visit_seen)) d"), '0', 'and no other')
	if $node->safe_psql('postgres', 'CREATE VIEW visit_seen AS SELECT visitor, event_id FROM visit') eq '';
my $known = $last + 1 < $people ? $last + 1 : $people;
is($node->safe_psql('postgres', q{
	SELECT count(DISTINCT coalesce(head, number)), count(*), count(*) FILTER (WHERE linked), count(*) FILTER (WHERE head IS NOT NULL) FROM journey_privacy.subject}),
	join('|', $known, 4 * $known, $known, 3 * $known), 'each person has all identities');
is($node->safe_psql('postgres', q{
	SELECT count(*), count(DISTINCT subject) FROM journey_privacy.consent_event}), "$known|$known", 'and said yes once');
is($node->safe_psql('postgres', q{
	SELECT count(*), count(*) FILTER (WHERE c.granted AND get_bit(p.bits, s.number % 8192) = 1)
	FROM journey_privacy.subject s LEFT JOIN journey_privacy.consent_state c USING (number)
	LEFT JOIN journey_privacy.permitted p ON p.purpose = c.purpose AND p.chunk = s.number / 8192}),
	join('|', 4 * $known, 4 * $known), 'which is in force for every identity, as are the bits');
is($node->safe_psql('postgres', q{SELECT count(*) FROM visit v LEFT JOIN journey_privacy.subject s ON s.number = v.journey_subject
	WHERE s.pseudonym IS DISTINCT FROM v.visitor}), '0', 'rows carry the numbers of their subjects');
done_testing();
