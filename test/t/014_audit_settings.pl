# The settings of the audit and what they leave out; a full queue; databases
# that come and go; prepared transactions; locks that the worker waits for.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('settings');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
max_prepared_transactions = 2
journey_privacy.audit_queue_size = 1MB
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE ROLE analyst;
	CREATE TABLE visit (id int, visitor journey_privacy.pseudonym);
	GRANT SELECT ON visit TO analyst;
	SELECT journey_privacy.protect('visit', 'visitor');
	INSERT INTO visit SELECT n, ('customer_id:' || n)::journey_privacy.pseudonym FROM generate_series(1, 1000) n;});

my $last = 0;

# What has come since the last time, of any session but the worker's.
sub fresh
{
	$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
	my $rows = $node->safe_psql('postgres', qq{
		SELECT string_agg(concat_ws(' ', kind, outcome, command, detail, rows), ', ' ORDER BY number)
		FROM journey_privacy.audit_log WHERE number >= $last AND command IS DISTINCT FROM 'start'});
	$last = $node->safe_psql('postgres', 'SELECT max(number) + 1 FROM journey_privacy.audit_entry');
	return $rows;
}

sub set
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "journey_privacy.$name = $value");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('journey_privacy.$name') = '$value'") or die;
}
my $use = q{SELECT count(*) FROM visit; UPDATE visit SET id = id WHERE id = 1; SET ROLE analyst; SELECT 1 FROM visit;};
fresh();

# all, changes, off
$node->psql('postgres', $use);
is(fresh(), 'use ok SELECT 1, use ok UPDATE 1, use denied SELECT', 'all: reads, changes and refusals');
set('audit', 'changes');
$last = $node->safe_psql('postgres', 'SELECT max(number) + 1 FROM journey_privacy.audit_entry');
$node->psql('postgres', $use);
like(fresh(), qr/^(audit ok reload [^,]*, )*use ok UPDATE 1, use denied$/, 'changes: no reads');
my $session = $node->background_psql('postgres');
$session->query_safe('SELECT count(*) FROM visit');
set('audit', 'off');
$session->query_safe('SELECT count(*) FROM visit');
$node->psql('postgres', $use);
like(fresh(), qr/^(audit ok reload audit=off[^,]*(, )?)+$/, 'off: nothing but that it is off, noted by a session that was there');
set('audit', 'all');
$session->quit;
fresh();
$node->safe_psql('postgres', q{ALTER SYSTEM SET journey_privacy.audit_durability = 'flush'});
$node->safe_psql('postgres', q{ALTER SYSTEM RESET journey_privacy.audit_durability});
is(fresh(), 'protection ok ALTER SYSTEM journey_privacy.audit_durability, '
	. 'protection ok ALTER SYSTEM journey_privacy.audit_durability', 'so is ALTER SYSTEM');

# prepared transactions
$node->safe_psql('postgres', q{BEGIN; DELETE FROM visit WHERE id = 2; PREPARE TRANSACTION 'one'});
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'one'});
like(fresh(), qr/^use ok DELETE 1, transaction rolled back ROLLBACK PREPARED transaction \d+$/, 'a prepared transaction rolled back');

# flush: a change does not commit before its entry is durable
set('audit_durability', 'flush');
$node->safe_psql('postgres', 'DELETE FROM visit WHERE id = 3');
is($node->safe_psql('postgres', qq{SELECT string_agg(command, ',') FROM journey_privacy.audit_log
	WHERE number >= $last AND kind = 'use'}), 'DELETE', 'flush: there at once');
fresh();
is($node->safe_psql('postgres', qq{
	BEGIN;
	DECLARE reading CURSOR FOR SELECT 1 FROM visit;
	FETCH reading;
	SELECT string_agg(outcome, ',') FROM journey_privacy.audit_log WHERE number >= $last AND command = 'SELECT';
	COMMIT}) =~ s/^\d+\n//r,
	'begun', 'flush: a read is on record before it has ended');
set('audit_durability', 'async');
fresh();

# The queue is full: whoever has something to tell waits, and can be cancelled.
my $blocker = $node->background_psql('postgres');
my $part = $node->safe_psql('postgres', 'SELECT tableoid::regclass FROM journey_privacy.audit_entry ORDER BY number DESC LIMIT 1');
$blocker->query_safe("BEGIN; LOCK $part IN SHARE MODE");
my $script = $node->basedir . '/many.sql';
open my $file, '>', $script or die; print $file "SELECT count(*) FROM visit WHERE false;\n" x 8000; close $file;
my $many = '';
my $waiting = IPC::Run::start([ 'psql', '-XAtq', '-f', $script, '-d', $node->connstr('postgres') . ' application_name=many' ],
	'>', \$many, '2>', \$many);
$node->poll_query_until('postgres', q{SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE application_name = 'many'}) or die;
my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'many'});
my ($waits, $size) = split /\|/, $node->safe_psql('postgres', 'SELECT waiting, size FROM journey_privacy.audit_queue()');
cmp_ok($waits, '>', $size - 2000, 'full: the queue is');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
$node->poll_query_until('postgres', qq{SELECT state = 'active' AND wait_event = 'Extension' AND query LIKE '%count%'
	FROM pg_stat_activity WHERE pid = $pid}) or die;
$blocker->query_safe('COMMIT');
$blocker->quit;
$waiting->finish;
like($many, qr/canceling statement due to user request/, 'full: who waits can be cancelled');
$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
is($node->safe_psql('postgres', qq{
	SELECT count(*) FROM journey_privacy.audit_log WHERE session LIKE '%.$pid' AND command = 'SELECT'}), '7999',
	'full: all but what was cancelled before it ran is on record');
fresh();

# A transaction that holds what the worker waits for is told so, and does not wait for ever.
my ($status, $out, $err) = $node->psql('postgres', "BEGIN; LOCK $part IN SHARE MODE; SELECT count(*) FROM visit;
	SELECT journey_privacy.checkpoint_audit();");
like($err, qr/the audit waits for a lock that this transaction holds/, 'no undetected deadlock');
is(($node->psql('postgres', 'SELECT journey_privacy.checkpoint_audit()'))[0], 0, 'and it goes on');

# Databases: each has its queue and worker; neither is in the way.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE TABLE visit (visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('visit', 'visitor');
	SELECT count(*) FROM visit;});
my $names = q{SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_stat_activity WHERE backend_type = 'journey_privacy audit'};
ok($node->poll_query_until('postgres', "SELECT ($names) = 'other,postgres'"), 'a worker for each database');
$node->safe_psql('other', 'SELECT count(*) FROM visit');
$node->safe_psql('postgres', 'ALTER DATABASE other RENAME TO renamed');
is($node->safe_psql('renamed', 'SELECT count(*) > 5 FROM journey_privacy.audit_entry'), 't', 'renamed, its entries are there');
$node->safe_psql('renamed', 'SELECT count(*) FROM visit');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE renamed');
$node->safe_psql('copy', 'SELECT count(*) FROM visit');
is($node->safe_psql('copy', 'SELECT broken_entry IS NULL FROM journey_privacy.verify_audit()'), 't', 'copied, it verifies');
$node->safe_psql('renamed', 'SELECT count(*) FROM visit');
$node->safe_psql('postgres', 'DROP DATABASE renamed');
$node->safe_psql('copy', 'SELECT count(*) FROM visit');
$node->safe_psql('postgres', 'DROP DATABASE copy WITH (FORCE)');
unlike($node->safe_psql('postgres', $names), qr/copy|renamed/, 'dropped, their workers are gone');

# Dropped and made anew, the extension begins another audit.
$node->safe_psql('postgres', q{SELECT journey_privacy.unprotect(relation) FROM journey_privacy.protection; DROP EXTENSION journey_privacy CASCADE});
$node->safe_psql('postgres', q{CREATE EXTENSION journey_privacy; SELECT journey_privacy.create_keyring()});
is($node->safe_psql('postgres', q{SELECT journey_privacy.checkpoint_audit() LIKE '%'; SELECT broken_entry IS NULL AND checked = size
	FROM journey_privacy.verify_audit()}), "t\nt", 'made anew, it verifies');
like(slurp_file($node->logfile), qr/journey_privacy audit: \{.*"command":"DROP EXTENSION"|DROP EXTENSION/, 'the end of the one before is on record');
$node->stop;
done_testing();
