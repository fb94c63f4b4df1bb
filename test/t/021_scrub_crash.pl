
# scrub() is stopped while it builds indexes anew: the next call drops what was
# left, with the keys of the erased in it; and it does not wait for erasures
# that wait for it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('scrub');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
restart_after_crash = on
autovacuum = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, body text);
	CREATE INDEX visit_body ON visit (body);
	SELECT journey_privacy.protect('visit', 'visitor');
	INSERT INTO visit SELECT i, journey_privacy.pseudonymize('customer_id', i % 3), 'canary' || i % 3 || 'y' FROM generate_series(1, 100) i;});

my $indexes = q{SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY 1) FROM pg_index WHERE indrelid = 'visit'::regclass};
my $as_made = $node->safe_psql('postgres', $indexes);

# Whether a value is in a file of the table's indexes, the dead ones too.
sub in_indexes
{
	my ($value) = @_;
	$node->safe_psql('postgres', 'CHECKPOINT');
	my @files = split /\n/, $node->safe_psql('postgres',
		q{SELECT pg_relation_filepath(indexrelid) FROM pg_index WHERE indrelid = 'visit'::regclass});
	return scalar grep { index(slurp_file($node->data_dir . "/$_"), $value) >= 0 } @files;
}

for my $how ('terminated', 'killed')
{
	# REINDEX CONCURRENTLY waits for who may see the old rows
	my $reader = $node->background_psql('postgres');
	$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM visit');
	my $scrub = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $scrub->query_safe('SELECT pg_backend_pid()');
	$scrub->query_until(qr/started/, "\\echo started\nCALL journey_privacy.scrub('visit');\n");
	$node->poll_query_until('postgres', qq{
		SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid AND wait_event = 'virtualxid')
		   AND EXISTS (SELECT FROM pg_class WHERE relname ~ '_ccnew')}) or die 'it does not wait';
	if ($how eq 'killed') { kill 'KILL', $pid }
	else { $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)") }
	eval { $scrub->{run}->finish };
	$how eq 'killed' ? eval { $reader->{run}->finish } : $reader->quit;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die;
	like($node->safe_psql('postgres', $indexes), qr/_ccnew/, "$how: an index is left half built");
	$node->safe_psql('postgres', q{CALL journey_privacy.scrub('visit')});
	is($node->safe_psql('postgres', $indexes), $as_made, "$how: the next call leaves those that were made");
}

# What is left when it is stopped at its very end is not maintained any more.
$node->safe_psql('postgres', q{
	CREATE INDEX visit_body_ccold ON visit (body);
	UPDATE pg_index SET indisvalid = false, indisready = false, indislive = false WHERE indexrelid = 'visit_body_ccold'::regclass;
	CALL journey_privacy.erase('customer_id:1');});
is(in_indexes('canary1y'), 2, 'the erased are in the keys of both indexes');
$node->safe_psql('postgres', q{CALL journey_privacy.scrub('visit')});
is(in_indexes('canary1y'), 0, 'after scrub() they are in none');
is(in_indexes('canary2y'), 1, 'others are');
is($node->safe_psql('postgres', $indexes), $as_made, 'the old index is gone');

# An erasure under way has a lock on the declared links; who waits for it while
# it waits for scrub() would be in a deadlock.
my $eraser = $node->background_psql('postgres');
$eraser->query_safe('BEGIN; LOCK journey_privacy.declared_link IN SHARE MODE');
my ($status, undef, $err) = $node->psql('postgres', q{SET client_min_messages = warning; SET lock_timeout = '10s'; CALL journey_privacy.scrub()});
is("$status $err", '0 ', 'scrub() does not wait for the lock of an erasure');
$eraser->quit;
$node->stop;
done_testing();
