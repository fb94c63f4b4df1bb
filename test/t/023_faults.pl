
# The fault run (test/faults) in a minute: processes are killed, operations
# stopped and starved of memory; full disks only in "test/run faults", which
# may mount.  JP_SEED is its FAULT_SEED; FAULT_SECONDS and FAULT_ROUNDS as there.
use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'python3 with psycopg is not here'
  unless eval { IPC::Run::run([ '/usr/bin/python3', '-c', 'import psycopg' ], '>', \my $out, '2>', \my $err) };

$ENV{FAULT_SEED} = $ENV{JP_SEED} if defined $ENV{JP_SEED};
my $faults = abs_path('test/faults');
my $node = PostgreSQL::Test::Cluster->new('faults');
$node->init(extra => [ '-E', 'UTF8', '--locale=C', '--data-checksums' ]);
my $dir = $node->basedir;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
restart_after_crash = on
log_statement = none
wal_recycle = off
min_wal_size = 32MB
max_wal_size = 128MB
journey_privacy.audit_durability = flush
journey_privacy.keyring_file = '$dir/keyring'
journey_privacy.erasure_ledger_file = '$dir/erasures'
journey_privacy.checkpoint_file = '$dir/checkpoints'});
$node->start;

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = getpwuid($<);
$ENV{PGDATABASE} = 'faults';
$ENV{FAULT_DATA} = $node->data_dir;
$ENV{FAULT_LOG} = $node->logfile;
$ENV{FAULT_SECONDS} //= 25;
$ENV{FAULT_ROUNDS} //= 1;
$ENV{FAULT_PAUSE} //= 2;
$ENV{FAULT_ROWS} //= 200;
$ENV{FAULT_CROWD} //= 300;
$node->safe_psql('postgres', 'CREATE DATABASE faults');
command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', "crowd=$ENV{FAULT_CROWD}", '-f', "$faults/schema.sql" ],
	'there is something to work on');

for my $program ('storm', 'interrupt', 'memory')
{
	my $found = '';
	my $well = IPC::Run::run([ '/usr/bin/python3', "$faults/$program.py" ], '<', \undef, '>&', \$found);
	ok($well, "$program: nothing wrong") or diag $found;
	note $found;
}
$node->_update_pid(1);
$node->stop;
done_testing();
