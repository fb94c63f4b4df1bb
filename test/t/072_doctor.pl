# doctor() on servers of its own: a clean one, without preload, without a
# keyring or with one that others reach, with the audit off or behind, with old
# transactions, on a standby, with a thousand tables.
use strict;
use warnings;

use File::Temp qw(tempdir);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = PostgreSQL::Test::Cluster->new('doctor');
$node->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C', '--data-checksums' ]);

# On another file system than the data, where there is one.
my $elsewhere = -w '/dev/shm' && (stat '/dev/shm')[0] != (stat $node->data_dir)[0];
my $keys = tempdir(CLEANUP => 1, $elsewhere ? (DIR => '/dev/shm') : ());
my $ledger = $node->basedir . '/ledger';
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
max_prepared_transactions = 2
archive_mode = on
archive_command = 'true'
fsync = on
log_statement = none
log_min_error_statement = panic
journey_privacy.audit_queue_size = 1MB
journey_privacy.keyring_file = '$keys/keyring'
journey_privacy.erasure_ledger_file = '$ledger'
journey_privacy.checkpoint_command = 'cat >/dev/null'});
$node->start;
my $role = $node->safe_psql('postgres', 'SELECT current_user');

sub found
{
	my ($check, $on) = @_;
	return ($on // $node)->safe_psql('postgres', qq{
		SELECT concat_ws('|', severity, object, finding) FROM journey_privacy.doctor() WHERE "check" = '$check'});
}

sub statement
{
	return $node->safe_psql('postgres', qq{SELECT statement FROM journey_privacy.doctor() WHERE "check" = '$_[0]'});
}

sub all
{
	return $node->safe_psql('postgres', q{SELECT string_agg("check", ', ') FROM journey_privacy.doctor()});
}

# Puts settings into force; undefined: as before.
sub set
{
	my (%to) = @_;
	$node->safe_psql('postgres', defined $to{$_} ? "ALTER SYSTEM SET $_ = '$to{$_}'" : "ALTER SYSTEM RESET $_")
		for sort keys %to;
	$node->reload;
	for (grep { defined $to{$_} } keys %to)
	{
		$node->poll_query_until('postgres', "SELECT setting = '$to{$_}' FROM pg_settings WHERE name = '$_'") or die;
	}
	# what it was before is not known here
	sleep 1 if grep { !defined $to{$_} } keys %to;
}

# A clean install, before and after the keyring.
my $always = ($elsewhere ? '' : 'keyring_backup, ') . 'superuser';
$node->safe_psql('postgres', 'CREATE EXTENSION journey_privacy CASCADE');
is(found('keyring'), 'critical|no keyring', 'no keyring yet');
is(statement('keyring'), '-- Run SELECT journey_privacy.create_keyring().', 'and how to make it');
$node->safe_psql('postgres', 'SELECT journey_privacy.create_keyring()');
$node->poll_query_until('postgres', 'SELECT waiting = 0 OR worker IS NOT NULL FROM journey_privacy.audit_queue()') or die;
is(all(), $always, 'a clean install');
$node->safe_psql('postgres', q{
	CREATE ROLE owner;
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL);
	ALTER TABLE visit OWNER TO owner;
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '25 months');
	INSERT INTO visit SELECT n, ('customer_id:' || 9710000 + n)::journey_privacy.pseudonym, now() FROM generate_series(1, 100) n;});
is(all(), $always, 'and with a protected table');

# The keyring: what others could do with it.
my $file = "$keys/keyring";
chmod 0640, $file;
like(found('keyring'), qr/^critical\|keyring file can be reached by group or others$/, 'loose permissions');
chmod 0600, $file;
is(found('keyring'), '', 'tight ones');
rename $file, "$file.away";
like(found('keyring'), qr/^critical\|no keyring$/, 'keyring away');
like(all(), qr/^keyring, /, 'the other checks are made all the same');
rename "$file.away", $file;
chmod 0770, $keys;
is(found('keyring_place'), 'warning|journey_privacy.keyring_file|the directory of the keyring is writable for group or others, who could remove it',
	'a directory for all');
chmod 0700, $keys;
is(found('keyring_place'), '', 'a directory of its own');
set('archive_command' => "cp %p $keys/%f");
like(found('keyring_place'), qr/^warning\|archive_command\|names the directory/, 'an archive beside the keyring');
unlike(join('', map { found($_) } 'keyring_place', 'keyring'), qr/\Q$keys\E/, 'no path is told');
set('archive_command' => undef);
mkdir $node->data_dir . '/mine';
PostgreSQL::Test::Utils::system_or_bail('cp', '-p', $file, $node->data_dir . '/mine/keyring');
set('journey_privacy.keyring_file' => $node->data_dir . '/mine/keyring');
like(found('keyring'), qr/^critical\|keyring file lies inside the data directory or a tablespace$/, 'inside the data directory');
my $beside = tempdir(CLEANUP => 1, DIR => $node->basedir);
PostgreSQL::Test::Utils::system_or_bail('cp', '-p', $file, "$beside/keyring");
set('journey_privacy.keyring_file' => "$beside/keyring");
is(found('keyring'), '', 'beside the data directory');
like(found('keyring_backup'), qr/^advice\|journey_privacy.keyring_file\|the keyring lies on the file system/, 'on its file system');
set('journey_privacy.keyring_file' => undef);
is(found('keyring_backup'), '', 'on another file system') if $elsewhere;

# Until PostgreSQL 16, CREATEROLE may become a member of the analysts and of
# those who read files: it says so, and that is so.
$node->safe_psql('postgres', 'CREATE ROLE maker CREATEROLE LOGIN');
my $all_roles = $node->pg_version < 16;
like(found('beneath') . '|', $all_roles ? qr/^warning\|maker\|has CREATEROLE/ : qr/^\|$/, 'CREATEROLE');
my ($joined) = $node->psql('postgres', 'GRANT pg_execute_server_program TO maker', extra_params => [ '-U', 'maker' ]);
is($joined == 0, $all_roles, 'and what it may do');
$node->safe_psql('postgres', 'DROP ROLE maker');
is(found('beneath'), '', 'nobody beneath');

# Settings of the server.
set('fsync' => 'off');
like(found('durability'), qr/^critical\|fsync\|/, 'fsync off');
set('fsync' => undef);
is(found('durability'), '', 'fsync on');
set('journey_privacy.audit' => 'off');
like(found('audit'), qr/^critical\|journey_privacy.audit\|/, 'audit off');
set('journey_privacy.audit' => 'changes');
is(found('audit'), '', 'audit of changes');
like(found('audit_reading'), qr/^advice\|/, 'is not all');
$node->safe_psql('postgres', statement('audit_reading') =~ s/;.*//r);
$node->reload;
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM journey_privacy.doctor() WHERE "check" = 'audit_reading'}) or die;
pass('audit of all');
set('journey_privacy.checkpoint_command' => '');
like(found('audit_handout'), qr/^warning\|/, 'no checkpoint leaves the server');
set('journey_privacy.checkpoint_file' => $node->basedir . '/checkpoints');
is(found('audit_handout'), '', 'they do');
set('journey_privacy.checkpoint_file' => undef, 'journey_privacy.checkpoint_command' => undef);

# The audit: a queue that fills up, checkpoints that do not come.
my $worker = $node->safe_psql('postgres', 'SELECT worker FROM journey_privacy.audit_queue()');
like($worker, qr/^\d+$/, 'there is a worker');
is(found('audit_queue'), '', 'an empty queue');
# readers go on, the worker waits
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE journey_privacy.audit_entry IN SHARE MODE');
my $statements = "UPDATE visit SET at = at WHERE id = 0;\n" x 500;
for (1 .. 40)
{
	$node->safe_psql('postgres', $statements);
	last if $node->safe_psql('postgres', 'SELECT waiting > size * 0.55 FROM journey_privacy.audit_queue()') eq 't';
}
like(found('audit_queue'), qr/^warning\|journey_privacy.audit_queue_size\|entries fill \d+ of \d+ bytes/, 'a queue that fills up');
$locker->query_safe('COMMIT');
$locker->quit;
$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
is(found('audit_queue'), '', 'and was emptied');
$node->safe_psql('postgres', 'UPDATE visit SET at = at WHERE id = 0');
$node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
is(found('audit_checkpoint'), '', 'a fresh checkpoint');
SKIP:
{
	# entries lie in a partition for each month
	skip 'the month has just begun', 1
		if $node->safe_psql('postgres', "SELECT date_trunc('month', now() AT TIME ZONE 'UTC') > now() AT TIME ZONE 'UTC' - interval '2 hours'") eq 't';
	is($node->safe_psql('postgres', q{
		BEGIN;
		SET LOCAL session_replication_role = replica;
		DO $$ DECLARE t regclass; BEGIN
		  FOR t IN SELECT oid FROM pg_class WHERE oid = 'journey_privacy.audit_checkpoint'::regclass
		           OR oid IN (SELECT relid FROM pg_partition_tree('journey_privacy.audit_entry')) LOOP
		    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', t);
		  END LOOP; END $$;
		DELETE FROM journey_privacy.audit_checkpoint WHERE size > (SELECT min(size) FROM journey_privacy.audit_checkpoint);
		UPDATE journey_privacy.audit_entry SET at = at - interval '61 minutes';
		SELECT severity, statement FROM journey_privacy.doctor() WHERE "check" = 'audit_checkpoint';
		ROLLBACK}), 'warning|SELECT journey_privacy.checkpoint_audit()', 'entries without a checkpoint for an hour');
}

# What keeps erased rows.
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM visit');
$node->safe_psql('postgres', q{CREATE TABLE other (id int); BEGIN; INSERT INTO other VALUES (1); PREPARE TRANSACTION 'doctor'});
is(found('old_snapshot') . found('prepared_transaction'), '', 'nobody was erased yet');
$node->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:9710001')});
like(found('old_snapshot'), qr/^warning\|session \d+\|has a transaction from .*, before the last erasure/, 'an old snapshot');
like(found('prepared_transaction'), qr/^warning\|transaction \d+\|was prepared on .*, before the last erasure/, 'an old prepared transaction');
unlike(found('prepared_transaction'), qr/doctor/, 'its name is not told');
$node->safe_psql('postgres', statement('old_snapshot'));
eval { $reader->quit };
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'doctor'});
is(found('old_snapshot') . found('prepared_transaction'), '', 'both gone');

# A thousand tables.
$node->safe_psql('postgres', q{
	CREATE SCHEMA many;
	DO $$ BEGIN FOR i IN 1..1000 LOOP
	  EXECUTE format('CREATE TABLE many.t%s (id int PRIMARY KEY, other int, label text, made timestamptz, props jsonb, a text, b int)', i);
	  IF i % 4 = 0 THEN EXECUTE format('ALTER TABLE many.t%s ADD FOREIGN KEY (other) REFERENCES many.t%s', i, i - 1); END IF;
	  IF i % 50 = 0 THEN COMMIT; END IF;
	END LOOP; END $$;
	ANALYZE});
my $start = time;
my $lines = all();
my $took = time - $start;
note(sprintf 'a thousand tables: %.2f s', $took);

# A standby.
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('doctor_standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
like(found('standby', $standby), qr/^advice\|this server is a standby/, 'a standby says so');
is(found('standby'), '', 'a primary does not');
$node->safe_psql('postgres', 'ALTER TABLE visit NO FORCE ROW LEVEL SECURITY');
$node->wait_for_catchup($standby);
like(found('row_security', $standby), qr/^critical\|public.visit\|/, 'the rest is found there, too');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM journey_privacy.doctor() WHERE finding LIKE '%could not be made%'}),
	0, 'every check can be made there');
$standby->stop;
$node->safe_psql('postgres', 'ALTER TABLE visit FORCE ROW LEVEL SECURITY');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots});

# Memory that cannot be locked.  Root always can.
is(found('locked_memory'), '', 'keys lie in locked memory');
$node->stop;
my $bindir = $node->config_data('--bindir');
my $logfile = $node->logfile;
system('bash', '-c', "ulimit -l 0 && exec '$bindir/pg_ctl' -s -w -D '" . $node->data_dir . "' -l '$logfile' start >/dev/null 2>&1") == 0 or die;
like(found('locked_memory'), qr/^warning\|memory for keys could not be locked/, 'or not');
system("$bindir/pg_ctl", '-s', '-w', '-D', $node->data_dir, 'stop');

# Not preloaded.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->start;
like(found('preload'), qr/^critical\|shared_preload_libraries\|journey_privacy is not preloaded/, 'not preloaded');
is(statement('preload'), "-- shared_preload_libraries = 'journey_privacy' in postgresql.conf, then restart", 'and what to do');
is($node->safe_psql('postgres', q{SELECT count(*) FROM journey_privacy.doctor() WHERE finding LIKE '%could not be made%'}),
	0, 'every check can be made without');

# Where the audit's worker never was, the page and the figures are there.
$node->safe_psql('postgres', 'CREATE DATABASE fresh TEMPLATE template0');
$node->safe_psql('fresh', 'CREATE EXTENSION journey_privacy CASCADE');
like($node->safe_psql('fresh', 'SELECT journey_privacy.dashboard_html()'), qr{<td[^>]*>does not run</td>.*</html>}s, 'the page says that nobody seals');
is($node->safe_psql('fresh', q{SELECT value FROM journey_privacy.metric WHERE name = 'journey_privacy_audit_worker_up'}), '0', 'so does the figure');
is($node->safe_psql('fresh', 'SELECT origin IS NULL, size, first, waiting, queue_size, worker IS NULL FROM journey_privacy.audit_state'), 't|0|0|0|0|t', 'and the state');
$node->stop;

done_testing();
