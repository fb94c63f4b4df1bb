# The audit through crashes: what was acknowledged under "flush" is there after
# an immediate stop under load, nothing is sealed twice, the worker comes back
# when it was killed or the disk was full; a clean shutdown seals everything; a
# standby writes to its log.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('crash');
my $dir = $node->basedir;
# small WAL segments, so that a limit on the size of files hits tables first
$node->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C', '--wal-segsize=1' ]);
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
fsync = on
restart_after_crash = on
max_wal_size = 64MB
journey_privacy.audit_queue_size = 1MB
journey_privacy.keyring_file = '$dir/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE TABLE visit (id int, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('visit', 'visitor');});

my $select = "$dir/select.sql";
open my $file, '>', $select or die; print $file "SELECT count(*) FROM visit;\n"; close $file;

# Starts clients that read; finish() returns how many reads were answered.
sub load_of
{
	my ($clients, $seconds) = @_;
	my $run = { out => '', err => '' };
	$run->{harness} = IPC::Run::start(
		[ 'pgbench', '-n', '-c', $clients, '-T', $seconds, '-f', $select, $node->connstr('postgres') ],
		'>', \$run->{out}, '2>', \$run->{err});
	return $run;
}
sub finish_load
{
	my ($run) = @_;
	$run->{harness}->finish;
	my ($count) = $run->{out} =~ /transactions actually processed: (\d+)/;
	return $count // die "pgbench: $run->{out} $run->{err}";
}

# Until the worker writes what the load reads.
sub wait_for_entries
{
	my $begun = $node->safe_psql('postgres', 'SELECT count(*) FROM journey_privacy.audit_entry');
	$node->poll_query_until('postgres', "SELECT count(*) > $begun + 200 FROM journey_privacy.audit_entry") or die;
}

# Entries of reads, verified, without duplicates, all in a row.
sub entries_of
{
	my ($outcome) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT count(*) FROM journey_privacy.audit_log
		WHERE command = 'SELECT' AND outcome = '$outcome' AND 'public.visit' = ANY (tables)});
}
sub whole
{
	my ($name) = @_;
	is($node->safe_psql('postgres', q{
		SELECT broken_entry, problem, checked = size FROM journey_privacy.verify_audit()}), '||t', "$name: the tree verifies");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM (SELECT FROM journey_privacy.audit_entry WHERE command = 'SELECT'
		GROUP BY session, statement, outcome HAVING count(*) > 1) d}), '0', "$name: nothing is sealed twice");
	is($node->safe_psql('postgres', q{
		SELECT count(*) = max(number) + 1 FROM journey_privacy.audit_entry}), 't', "$name: nothing is missing");
}

# the number of entries that there are for answered reads, grown by at least so many
my $seen = 0;
sub grown_by
{
	my ($name, $outcome, $answered) = @_;
	my $now = entries_of($outcome);
	cmp_ok($now - $seen, '>=', $answered, "$name: each of $answered answered reads has its entry");
	$seen = $now;
}

# Immediate stops under load.
$node->append_conf('postgresql.conf', "journey_privacy.audit_durability = flush");
$node->reload;
for my $round (1 .. 3)
{
	my $run = load_of(4, 20);
	wait_for_entries();
	$node->stop('immediate');
	my $answered = finish_load($run);
	$node->start;
	cmp_ok($answered, '>', 50, "stop $round: there was a load");
	$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
	grown_by("stop $round", 'begun', $answered);
	whole("stop $round");
}

# The worker is killed, in both ways, under load; the load goes on after the polite one.
my $find = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'journey_privacy audit'};
{
	my $run = load_of(4, 4);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($find) w") or die;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid), pg_cancel_backend(pid) FROM ($find) w");
	my $answered = finish_load($run);
	unlike($run->{err}, qr/aborted/, 'terminated: no client notices');
	$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
	grown_by('terminated', 'begun', $answered);
	whole('terminated');

	$run = load_of(4, 20);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($find) w") or die;
	my $pid = $node->safe_psql('postgres', $find);
	wait_for_entries();
	is(kill('KILL', $pid), 1, 'killed: the worker is there');
	$answered = finish_load($run);
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die;
	$node->safe_psql('postgres', 'SELECT count(*) FROM visit; SELECT journey_privacy.checkpoint_audit()');
	grown_by('killed', 'begun', $answered);
	whole('killed');
}

# A disk that is full: backends wait, nothing is lost, and it goes on.
$node->append_conf('postgresql.conf', "journey_privacy.audit_durability = async");
$node->restart;
$seen = entries_of('ok');
SKIP:
{
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my $limit = $node->safe_psql('postgres', q{
		SELECT pg_relation_size(tableoid) + 1048576 FROM journey_privacy.audit_entry ORDER BY number DESC LIMIT 1});
	skip 'no prlimit here', 6 if system("prlimit --pid $postmaster --fsize=$limit:unlimited 2>/dev/null") != 0;
	my $log = -s $node->logfile;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM ($find) w");
	my $run = load_of(4, 30);
	my $full = 0;
	for (1 .. 1200)
	{
		$full = slurp_file($node->logfile, $log) =~ /could not (extend|write)[^\n]*(too large|No space)/;
		last if $full || !$run->{harness}->pumpable;
		usleep(100_000);
	}
	ok($full, 'full: the worker cannot write');
	system("prlimit --pid $postmaster --fsize=unlimited:unlimited") == 0 or die;
	my $answered = finish_load($run);
	unlike($run->{err}, qr/aborted/, 'full: clients have waited');
	$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
	grown_by('full', 'ok', $answered);
	whole('full');
}

# A clean shutdown seals what there is.
for my $mode ('smart', 'fast')
{
	$seen = entries_of('ok');
	$node->safe_psql('postgres', "SELECT count(*) FROM visit;\n" x 500);
	$node->stop($mode);
	$node->start;
	is(entries_of('ok') - $seen, 500, "$mode shutdown: exactly what was done is on record");
}
{
	my $run = load_of(4, 20);
	$node->poll_query_until('postgres', 'SELECT waiting > 0 FROM journey_privacy.audit_queue()') or die;
	$seen = entries_of('ok');
	$node->stop('fast');
	my $answered = finish_load($run);
	$node->start;
	my $all = entries_of('ok');
	cmp_ok($all, '>=', $answered, 'fast shutdown under load: all answered reads are on record');
	whole('shut down');
}

# A standby cannot write: a line of JSON for each in its log.
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $before = -s $standby->logfile;
$standby->safe_psql('postgres', 'SELECT count(*) FROM visit');
$standby->psql('postgres', "SET ROLE pg_monitor; SELECT count(*) FROM visit");
my $lines = slurp_file($standby->logfile, $before);
like($lines, qr/journey_privacy audit: \{"at":"[^"]+Z","columns":\[""\],"command":"SELECT",.*"outcome":"ok".*"tables":\["public.visit"\],"unrestricted":true\}/,
	'standby: a read is in the log');
like($lines, qr/journey_privacy audit: \{.*"current_user":"pg_monitor".*"outcome":"denied"/, 'standby: so is a refusal');
is($standby->safe_psql('postgres', 'SELECT number FROM journey_privacy.audit_leaf(0)'), '0',
	'standby: what the primary has can be read and proven there');
$standby->stop;
$node->stop;
done_testing();
