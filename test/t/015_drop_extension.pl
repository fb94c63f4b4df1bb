# The extension dropped and made anew under the feet of the worker that seals
# and of sessions that have used it: nothing crashes, nothing old is used.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('drop');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
log_line_prefix = '%m [%p] %b '
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;

my $make = q{
	CREATE EXTENSION journey_privacy CASCADE;
	DO 'BEGIN PERFORM journey_privacy.create_keyring(); END';
	CREATE TABLE visit (id int, visitor journey_privacy.pseudonym);
	GRANT SELECT ON visit TO analyst;
	SELECT journey_privacy.create_purpose('analytics', basis => 'legitimate_interests', description => 'Measure');
	SELECT journey_privacy.protect('visit', 'visitor');
	SELECT journey_privacy.allow('analyst', 'analytics');};
my $drop = q{
	DO 'BEGIN PERFORM journey_privacy.unprotect(''visit''); END';
	DROP EXTENSION journey_privacy CASCADE;
	DROP TABLE visit;};
$node->safe_psql('postgres', "SET client_min_messages = error; CREATE ROLE analyst; $make");

# What went wrong in the worker, or worse.
sub trouble
{
	my @lines = grep { /journey_privacy audit (ERROR|FATAL|PANIC)|terminated by signal/ } split /\n/, slurp_file($node->logfile);
	return join "\n", @lines;
}

# While a batch is being sealed, whoever drops the extension waits for its end
# before anything else, and the worker finds all it began with.
# (Seen from another database, where nothing waits for whoever drops it.)
$node->safe_psql('postgres', 'SELECT count(*) FROM visit; SELECT journey_privacy.checkpoint_audit()');
my $part = $node->safe_psql('postgres', 'SELECT tableoid::regclass FROM journey_privacy.audit_entry ORDER BY number DESC LIMIT 1');
my $holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; LOCK $part IN SHARE MODE");
$node->safe_psql('postgres', 'SELECT count(*) FROM visit');
$node->poll_query_until('template1', q{
	SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE backend_type = 'journey_privacy audit'}) or die;
my $said = '';
my $dropping = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') . ' application_name=dropping', '-c', $drop ],
	'>', \$said, '2>', \$said);
$node->poll_query_until('template1', q{
	SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE application_name = 'dropping'}) or die;
is($node->safe_psql('template1', q{
	SELECT l.classid::regclass, l.granted, a.application_name = 'dropping' FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE l.locktype = 'object' AND l.classid = 'pg_extension'::regclass ORDER BY l.granted DESC}), "pg_extension|t|f\npg_extension|f|t",
	'DROP EXTENSION waits for the worker, holding nothing that it needs');
$holder->query_safe('COMMIT');
$holder->quit;
$dropping->finish;
like($said, qr/drop cascades to/, 'and then goes on');

# Again and again, as fast as it goes.
$node->safe_psql('postgres', "SET client_min_messages = error;" . ("$make SELECT count(*) FROM visit; $drop") x 6);
$node->safe_psql('postgres', "SET client_min_messages = error; $make");
$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
is(trouble(), '', 'the worker has found everything in its place');

# A session that lived through it does the same as before.
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my $work = q{
	INSERT INTO visit VALUES (1, 'customer_id:1'), (2, 'email:ann@example.com');
	SELECT journey_privacy.record_consent('customer_id:1', 'analytics', false) IS NOT NULL;
	SET ROLE analyst;
	SET journey_privacy.purpose = 'analytics';
	SELECT count(*) FROM visit;
	SELECT journey_privacy.destroy_key('seal', 1);
	SELECT journey_privacy.residue('visit');
	RESET ROLE;
	RESET journey_privacy.purpose;
	SELECT count(*) FROM journey_privacy.subject;};
my $denied = qq{
	SELECT string_agg(command, ', ' ORDER BY number) FROM journey_privacy.audit_log
	WHERE kind = 'use' AND outcome = 'denied' AND session LIKE '%.$pid'};
for my $round ('before', 'after', 'after that')
{
	is($session->query($work), "t\n1\n2", "a session $round: who may be seen, and who is known");
	$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
	is($node->safe_psql('postgres', $denied), 'destroy_key, residue', "a session $round: refused calls are on record");
	# by another, and then by the session itself
	last if $round eq 'after that';
	$round eq 'before' ? $node->safe_psql('postgres', "SET client_min_messages = error; $drop $make") :
		$session->query("SET client_min_messages = error; $drop $make");
}
$session->quit;

# Within a transaction: subjects are registered anew.
is($node->safe_psql('postgres', qq{
	SET client_min_messages = error;
	BEGIN;
	INSERT INTO visit SELECT n, ('customer_id:' || n)::journey_privacy.pseudonym FROM generate_series(10, 20) n;
	$drop $make
	INSERT INTO visit SELECT n, ('customer_id:' || n)::journey_privacy.pseudonym FROM generate_series(15, 20) n;
	COMMIT;
	SELECT count(*), count(s.number) FROM visit LEFT JOIN journey_privacy.subject s ON s.number = journey_subject})
	=~ s/^\n+//r, '6|6', 'numbers of another registry are not used');

# Whoever sees the new extension waits until all caches know that it is another.
is($node->safe_psql('postgres', qq{
	SET client_min_messages = error;
	BEGIN;
	$drop CREATE EXTENSION journey_privacy CASCADE;
	SELECT mode FROM pg_locks JOIN pg_extension e ON e.oid = objid
	WHERE classid = 'pg_extension'::regclass AND extname = 'journey_privacy' AND granted;
	ROLLBACK}) =~ s/^\n+//r, 'AccessExclusiveLock', 'a new extension is locked until the end');

# What was to be overwritten at commit must not be dropped before.
$node->safe_psql('postgres', q{
	CREATE TABLE note (text journey_privacy.sealed);
	INSERT INTO note VALUES (journey_privacy.seal('customer_id:1', 'a', 'b'))});
for my $again ('', $make)
{
	my ($status, $out, $err) = $node->psql('postgres', qq{
		SET client_min_messages = error;
		BEGIN;
		SELECT journey_privacy.shred_keys('customer_id:1');
		$drop $again
		COMMIT});
	like($err, qr/ERROR:  (the extension was dropped in a transaction that has shredded keys|extension journey_privacy is not installed)/,
		'shredded keys do not stay in a dropped file');
}

# Under flush its end is on record before it can no longer be.
$node->append_conf('postgresql.conf', 'journey_privacy.audit_durability = flush');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('journey_privacy.audit_durability') = 'flush'}) or die;
is(($node->psql('postgres', "SELECT count(*) FROM visit; DELETE FROM visit; $drop"))[0], 0, 'flush: it can be dropped');
is(trouble(), '', 'no trouble to the end');
$node->stop;
done_testing();
