# What the keyring, pseudonyms and sealed values leave behind on a machine:
# settings that are refused, the command provider, locked memory, logs,
# standbys, dumps, and what a search of the data directory finds.
use strict;
use warnings;
use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('keys');
my $base = $node->basedir;
my $keyring = "$base/keyring";
$node->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '$keyring'");
$node->start;

# Sets a setting of the server and waits until new sessions have it.
sub set_to
{
	my ($name, $value) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET journey_privacy.$name = '$value'");
	$node->reload;
	$node->poll_query_until('postgres',
		"SELECT current_setting('journey_privacy.$name') = '$value'");
}

# SQLSTATE and message of what a statement throws, without more of the message
# than a user sees.
sub thrown
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	return $status == 0 ? 'no error' : $err =~ /ERROR:  (\w{5}): (.*)/ ? "$1 $2" : $err;
}

# Files below a directory that hold a string.
sub files_with
{
	my ($directory, $string) = @_;
	my @found;
	find({ no_chdir => 1, wanted => sub {
		return unless -f $_ && open my $file, '<:raw', $_;
		local $/;
		push @found, $_ if index(<$file> // '', $string) >= 0;
	} }, $directory);
	return join ' ', @found;
}

# Whether processes with these arguments are there.
sub running
{
	my ($pattern) = @_;
	for my $file (glob '/proc/[0-9]*/cmdline')
	{
		open my $cmdline, '<', $file or next;
		my $arguments = join ' ', split /\0/, <$cmdline> // '';
		return 1 if $arguments =~ /^(?:$pattern)$/;
	}
	return 0;
}

# Waits until there are none any more: what is killed takes a moment to go.
sub gone
{
	my ($pattern) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 if !running($pattern);
		usleep(100_000);
	}
	return 0;
}

my $use = "SELECT journey_privacy.pseudonymize('email', 'ann\@example.com')";
$node->safe_psql('postgres', 'CREATE EXTENSION journey_privacy CASCADE');

# settings --------------------------------------------------------------------

set_to('keyring_file', 'keyring');
is(thrown('SELECT journey_privacy.create_keyring()'),
	'55000 keyring file is not named by an absolute path', 'a relative path is refused');
set_to('keyring_file', $node->data_dir . '/keyring');
is(thrown('SELECT journey_privacy.create_keyring()'),
	'55000 keyring file lies inside the data directory or a tablespace', 'none is made in the data directory');
mkdir "$base/space" or die $!;
$node->safe_psql('postgres', "CREATE TABLESPACE space LOCATION '$base/space'");
set_to('keyring_file', "$base/space/../space/keyring");
is(thrown('SELECT journey_privacy.create_keyring()'),
	'55000 keyring file lies inside the data directory or a tablespace', 'nor in a tablespace');
set_to('keyring_file', "$base/nowhere/keyring");
is(thrown('SELECT journey_privacy.create_keyring()'),
	'55000 keyring file has no directory to lie in: No such file or directory', 'nor where there is no directory');
set_to('keyring_file', '');
is(thrown('SELECT journey_privacy.create_keyring()'), '55000 no keyring', 'nor nowhere');
ok(!-e "$base/space/keyring", 'and none was');
$node->safe_psql('postgres', 'DROP TABLESPACE space');
set_to('keyring_file', $keyring);
is($node->safe_psql('postgres', 'SELECT journey_privacy.create_keyring()'), 'created', 'then one is made');
my $ann = $node->safe_psql('postgres', $use);

# the command provider ----------------------------------------------------------

my $mark = -s $node->logfile;
set_to('keyring_command', "cat $keyring");
is(thrown($use), '55000 journey_privacy.keyring_file and journey_privacy.keyring_command are both set',
	'one provider, not two');
set_to('keyring_file', '');
is($node->safe_psql('postgres', $use), $ann, 'a command gives the same keys');
set_to('keyring_command', "echo reading it >&2; cat $keyring | tee /dev/stderr");
is($node->safe_psql('postgres', $use), $ann, 'its standard error does not disturb');
set_to('keyring_command', "cat $keyring; exit 3");
is(thrown($use), '55000 keyring command failed', 'its exit code counts');
set_to('keyring_command', 'no-such-program-here');
is(thrown($use), '55000 keyring command failed', 'it must exist');
set_to('keyring_command', 'true');
is(thrown($use), '55000 keyring holds no key', 'it must write something');
set_to('keyring_command', 'yes');
is(thrown($use), '55000 keyring command wrote too much', 'but not too much');
set_to('keyring_command', "read -r line || cat $keyring");
is($node->safe_psql('postgres', $use), $ann, 'its standard input is empty');
set_to('keyring_command', "ls /proc/self/fd | wc -l >$base/descriptors; cat $keyring");
is($node->safe_psql('postgres', $use), $ann, 'it runs');
cmp_ok(slurp_file("$base/descriptors") + 0, '<=', 5, 'with none of the server\'s descriptors');
# So many seconds that no other process, of the same test on another version
# say, sleeps as many.
my ($first, $second, $third) = map { "sleep $_$$" } 1 .. 3;
set_to('keyring_timeout', '200ms');
set_to('keyring_command', "$first & $first; cat $keyring");
is(thrown($use), '55000 keyring command took too long', 'it has a time limit');
set_to('keyring_command', "exec >&- 2>&-; $second");
is(thrown($use), '55000 keyring command took too long', 'also when it closes its outputs');
ok(gone("$first|$second"), 'it is killed with its children');
set_to('keyring_timeout', '10min');
set_to('keyring_command', "$third; cat $keyring");
is(thrown("SET statement_timeout = '100ms'; $use"),
	'57014 canceling statement due to statement timeout', 'it can be cancelled');
ok(gone($third), 'and is killed then');
set_to('keyring_command', "cat $keyring");
is(thrown("SELECT journey_privacy.rotate_key('root')"), '55000 keyring cannot be written',
	'a root key cannot be added to a command');
is($node->safe_psql('postgres', "SELECT journey_privacy.rotate_key('scope')"), '2', 'a subkey can be rotated');
my ($status, $out, $err) = $node->psql('postgres', "SELECT journey_privacy.destroy_key('scope', 1)");
like($err, qr/WARNING:  keyring cannot be written/, 'what destroying cannot do is said');

my $key = slurp_file($keyring) =~ /key=([0-9a-f]{64})/ ? $1 : die 'no key';
my $log = substr(slurp_file($node->logfile), $mark);
like($log, qr/journey_privacy\.keyring_command: reading it/, 'standard error is in the log');
like($log, qr/journey_privacy\.keyring_command: journey_privacy root=1 \*+/, 'without keys');
unlike(slurp_file($node->logfile), qr/\Q$key\E/, 'no key is in the log');

set_to('keyring_command', '');
set_to('keyring_file', $keyring);
set_to('keyring_timeout', '10s');

# locked memory -------------------------------------------------------------------

SKIP:
{
	my $status = slurp_file("/proc/self/status");
	skip 'may lock memory without a limit', 3
	  if $status =~ /^CapEff:\s*([0-9a-f]+)/m && hex($1) & (1 << 14);
	my $limit = sub {
		my ($limit) = @_;
		my $pid = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/ ? $1 : die;
		system('prlimit', "--pid=$pid", "--memlock=$limit") == 0 or skip 'no prlimit', 3;
	};
	$limit->('0:');
	($status, $out, $err) = $node->psql('postgres', "$use; $use;");
	is(() = $err =~ /WARNING:  memory for keys could not be locked/g, 1, 'unlocked memory is said once');
	like($out, qr/^$ann\n$ann$/, 'and used');
	$node->append_conf('postgresql.conf', 'journey_privacy.require_locked_memory = on');
	$node->restart;
	$limit->('0:');
	is(thrown($use), '55000 memory for keys could not be locked', 'or refused, if the administrator wants it so');
	$node->append_conf('postgresql.conf', 'journey_privacy.require_locked_memory = off');
	$node->restart;
}

# no trace of identities and plaintexts ---------------------------------------------

$node->append_conf('postgresql.conf', "log_statement = none\nwork_mem = '64kB'
shared_preload_libraries = 'pg_stat_statements, journey_privacy'");
$node->restart;
$mark = -s $node->logfile;
my $secret = 'Kuckucksuhr';
is(files_with($node->data_dir, $secret), '', 'a word that is nowhere yet');
# as a driver binds them; some fail
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements;
	CREATE TABLE letter (id int, subject journey_privacy.pseudonym, body journey_privacy.sealed)');
open my $script, '>', "$base/bind.sql" or die $!;
print $script "\\set i random(1, 1000)\n"
  . "SELECT journey_privacy.pseudonymize('email', :person) IS NULL;\n"
  . "INSERT INTO letter SELECT :i::int, :identity::text::journey_privacy.pseudonym,"
  . " journey_privacy.seal(:identity::text::journey_privacy.pseudonym, :plain, 'letter');\n";
close $script;
$node->command_ok([ 'pgbench', '-n', '-c', '2', '-t', '250', '-M', 'extended',
	'-D', "person=$secret\@example.com", '-D', "identity=email:$secret\@example.com", '-D', "plain=$secret",
	'-f', "$base/bind.sql", 'postgres' ], '1,000 operations with bound identities');
# failing ones: by a kind that is unknown and a telephone number that is none
open $script, '>', "$base/fail.sql" or die $!;
print $script "SELECT :identity::text::journey_privacy.pseudonym;\n";
close $script;
for my $identity ("unknown_kind:$secret", "mobile_number:$secret", "$secret", "$secret:1")
{
	$node->run_log([ 'pgbench', '-n', '-t', '1', '-M', 'extended', '-D', "identity=$identity",
		'-f', "$base/fail.sql", 'postgres' ]);
}
# COPY of an identity that fails
$node->psql('postgres', "COPY letter FROM STDIN;\n1\tmobile_number:$secret\t\\N\n\\.\n");
# a sort of sealed values that spills, a vacuum, a rollback, an update
$node->safe_psql('postgres', "
	BEGIN; UPDATE letter SET body = body; DELETE FROM letter; ROLLBACK;
	UPDATE letter SET id = id + 1;
	SELECT count(*) FROM (SELECT body FROM letter ORDER BY id) s;
	CREATE TABLE control AS SELECT 'Standuhr'::text;
	VACUUM letter; CHECKPOINT; SELECT pg_switch_wal();");
is($node->safe_psql('postgres', "SELECT count(DISTINCT journey_privacy.unseal(subject, body, 'letter')) FROM letter"), '1',
	'what was sealed opens');
is($node->safe_psql('postgres', "SELECT sum(calls) FILTER (WHERE query LIKE 'INSERT INTO letter %') >= 500,
	count(*) FILTER (WHERE query LIKE '%Kuckuck%') FROM pg_stat_statements"), 't|0', 'nothing in pg_stat_statements');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%Kuckuck%' AND pid <> pg_backend_pid()"), '0',
	'nor in pg_stat_activity');
$node->stop;
isnt(files_with($node->data_dir, 'Standuhr'), '', 'the search finds what is in the clear');
is(files_with($node->data_dir, $secret), '', 'no identity and no plaintext in table, WAL or statistics');
is(files_with($node->data_dir, pack 'H*', $key), '', 'no key there');
is(files_with($node->data_dir, $key), '', 'nor in hexadecimal');
unlike(substr(slurp_file($node->logfile), $mark), qr/\Q$secret\E/, 'none in the log');
$node->start;

# a standby -----------------------------------------------------------------------

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
is($standby->safe_psql('postgres', $use), $ann, 'a standby computes pseudonyms');
is($standby->safe_psql('postgres', "SELECT count(DISTINCT journey_privacy.unseal(subject, body, 'letter')) FROM letter"), '1',
	'and opens sealed values');
my $wrapped = $node->safe_psql('postgres', 'SELECT encode(wrapped, \'hex\') FROM journey_privacy.data_key LIMIT 1');
my $path = $node->safe_psql('postgres', "SELECT pg_relation_filepath('journey_privacy.data_key')");
$node->safe_psql('postgres', "CHECKPOINT; SELECT journey_privacy.shred_keys(subject) FROM journey_privacy.subject_key");
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT count(journey_privacy.unseal(subject, body, 'letter')) FROM letter"), '0',
	'shredded keys are gone there too');
$node->safe_psql('postgres', 'CHECKPOINT');
$standby->stop;
for my $data ($node->data_dir, $standby->data_dir)
{
	unlike(unpack('H*', slurp_file("$data/$path")), qr/\Q$wrapped\E/, 'overwritten in the file');
}

# a crash between shredding and the next checkpoint -----------------------------------

$node->safe_psql('postgres', "INSERT INTO letter SELECT 1, p, journey_privacy.seal(p, 'again', 'letter') FROM journey_privacy.pseudonymize('email', 'crash') p");
$wrapped = $node->safe_psql('postgres', 'SELECT encode(wrapped, \'hex\') FROM journey_privacy.data_key LIMIT 1');
$node->safe_psql('postgres', 'CHECKPOINT');
$node->safe_psql('postgres', "SELECT journey_privacy.shred_keys(subject) FROM journey_privacy.subject_key");
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', 'CHECKPOINT');
unlike(unpack('H*', slurp_file($node->data_dir . "/$path")), qr/\Q$wrapped\E/, 'recovery overwrites as well');

# dump and restore --------------------------------------------------------------------

$node->safe_psql('postgres', "SELECT journey_privacy.create_identity_kind('badge');
	INSERT INTO letter SELECT -2, p, journey_privacy.seal(p, 'kept', 'letter') FROM journey_privacy.pseudonymize('badge', '7') p");
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$base/dump", 'postgres' ], 'dump');
unlike(slurp_file("$base/dump"), qr/\Q$key\E|kept/, 'neither key nor plaintext in it');
$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'elsewhere', "$base/dump" ], 'restore');
is($node->safe_psql('elsewhere', "SELECT journey_privacy.unseal('badge:7', body, 'letter') FROM letter WHERE id = -2"), 'kept',
	'sealed values, own kinds and keys come back');

done_testing();
