# Whatever a public function is called with, and wherever: it answers, or fails
# with a code of its own.  XX000, the code of what should not happen, never comes,
# nor does the server go down.  All functions, with NULL and with values that
# lie at the edges of their types, on a server in several states.  JP_SEED
# repeats a run.  (destroy_key() is left out: it cannot be rolled back.)
use strict;
use warnings;

use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# how often each function is called in each state
my $calls = 3;
my $seed = $ENV{JP_SEED} // int(rand(1_000_000));
diag "JP_SEED=$seed";
srand($seed);

# Literals by type; an array has some of those of its elements.
my %values = (
	'bigint' => [ -1, 0, 1, 5, '9223372036854775807' ],
	'boolean' => [ 'true', 'false' ],
	'bytea' => [ q{''}, q{'\x00'}, q{decode(repeat('00', 32), 'hex')} ],
	'date' => [ q{'2026-01-01'}, q{'infinity'}, q{'-infinity'} ],
	'double precision' => [ -1, 0, 0.5, q{'NaN'}, q{'infinity'} ],
	'integer' => [ -2147483648, -1, 0, 1, 2, 7, 2147483647 ],
	'interval' => [ q{'1 day'}, q{'0'}, q{'-1 day'}, q{'1 month'}, q{'178000000 years'} ],
	'journey_privacy.journey' => [ q{(SELECT journey FROM one_journey)} ],
	'journey_privacy.pseudonym' => [ q{'customer_id:1'}, q{'customer_id:2'}, q{'email:nobody@example.com'}, q{'nokind:x'} ],
	'journey_privacy.sealed' => [ q{(SELECT text FROM letter LIMIT 1)} ],
	'jsonb' => [ q{'{}'}, q{'[]'}, q{'null'}, q{'{"a": 1}'}, q{'{"events": [{}], "mpid": "1"}'}, q{'{"subject_request_id": 3}'} ],
	'name' => [ q{'visitor'}, q{'at'}, q{'event'}, q{'nope'}, q{''} ],
	'oid' => [ 0, 1, 4294967295 ],
	'regclass' => [ qw('visit' 'plain' 'page' 'month' 'month_1' 'pg_class' 'stored' 0 4294967295) ],
	'regrole' => [ qw('analyst' 'postgres' 0) ],
	'regtype' => [ qw('text' 0) ],
	'smallint' => [ -1, 0, 1 ],
	'text' => [ q{'analytics'}, q{'customer_id'}, q{'customer_id:1'}, q{'visit'}, q{'event'}, q{'json'}, q{'de'}, q{''}, q{'nope'}, q{repeat('x', 3000)}, q{'erasure'}, q{'UTC'} ],
	'timestamp with time zone' => [ q{now()}, q{'2026-01-01 UTC'}, q{'infinity'}, q{'-infinity'}, q{'4714-11-24 UTC BC'}, q{'294276-12-31 UTC'} ],
	'uuid' => [ q{'10000000-0000-0000-0000-000000000000'}, q{'00000000-0000-0000-0000-000000000000'} ],
	'"char"' => [ q{'a'} ]);

my $primary = PostgreSQL::Test::Cluster->new('everywhere');
$primary->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C' ]);
$primary->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
max_worker_processes = 32
statement_timeout = 20s
log_min_messages = fatal
journey_privacy.keyring_file = '} . $primary->basedir . q{/keyring'});
$primary->start;

# A database with some of everything; without a keyring, with hardly anything.
sub make_database
{
	my ($name, $keyring) = @_;

	$primary->safe_psql('postgres', "CREATE DATABASE $name");
	$primary->safe_psql($name, q{
		CREATE EXTENSION journey_privacy CASCADE;
		CREATE TABLE plain (id int PRIMARY KEY);
		CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text NOT NULL, props jsonb);
		CREATE TABLE page (id int PRIMARY KEY, visit int REFERENCES visit);
		CREATE TABLE month (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text) PARTITION BY RANGE (at);
		CREATE TABLE month_1 PARTITION OF month FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
		CREATE TABLE letter (reader journey_privacy.pseudonym, text journey_privacy.sealed);
		CREATE VIEW one_journey AS SELECT journey_privacy.journey(at, event) FROM visit WHERE id < 5;
		SELECT journey_privacy.create_purpose('analytics', 'consent'), journey_privacy.create_purpose('care', 'opt_out');
		GRANT SELECT ON ALL TABLES IN SCHEMA public TO analyst;
		GRANT USAGE ON SCHEMA journey_privacy TO analyst;
		GRANT EXECUTE ON ALL ROUTINES IN SCHEMA journey_privacy TO analyst});
	$primary->safe_psql($name, q{
		SELECT journey_privacy.create_keyring();
		SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '10 years'),
		       journey_privacy.protect('month', 'visitor', occurred_at => 'at');
		SELECT journey_privacy.allow('analyst', p) FROM unnest(ARRAY['analytics', 'care']) p;
		SELECT journey_privacy.set_data_plan('visit', 'event', 'props'), journey_privacy.plan_event('visit', 'home');
		SELECT journey_privacy.map_mparticle('visit', 'event');
		INSERT INTO visit SELECT n, journey_privacy.pseudonymize('customer_id', n % 10), timestamptz '2026-06-01 UTC' + n * interval '1 hour', 'home', '{}' FROM generate_series(1, 50) n;
		INSERT INTO page SELECT n, n FROM generate_series(1, 50) n;
		INSERT INTO month SELECT visitor, at, event FROM visit;
		INSERT INTO letter VALUES ('customer_id:1', journey_privacy.seal('customer_id:1', 'Dear'));
		SELECT journey_privacy.record_consent(('customer_id:' || n)::journey_privacy.pseudonym, 'analytics', n % 3 > 0) FROM generate_series(0, 9) n;
		SELECT journey_privacy.create_journey_store('visit', 'stored', '1 day');
		SELECT journey_privacy.place_hold('a dispute', 'customer_id:3');
		SELECT journey_privacy.open_request('erasure', 'customer_id:4', request_id => '10000000-0000-0000-0000-000000000000')}) if $keyring;
	return;
}

# name, kind and types of the arguments of whatever may be called
my @functions;
sub find_functions
{
	@functions = map { my ($name, $kind, $variadic, @types) = split /\t/; { name => $name, kind => $kind, variadic => $variadic, types => \@types } } split /\n/, $primary->safe_psql('much', q{
		SELECT concat_ws(E'\t', p.proname, p.prokind, (p.provariadic <> 0)::int,
		  (SELECT string_agg(format_type(t, NULL), E'\t' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, n)))
		FROM pg_proc p
		WHERE p.pronamespace = 'journey_privacy'::regnamespace AND p.prokind IN ('f', 'p')
		  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'cstring'::regtype)
		  AND NOT p.proargtypes::regtype[] && ARRAY['internal', 'cstring', 'anyelement', 'anyarray', 'record']::regtype[]
		  AND p.proname NOT IN ('destroy_key') ORDER BY p.proname, p.oid});
	return;
}

sub literal
{
	my ($type) = @_;

	return "NULL::$type" if rand() < 0.12;
	if ($type =~ /^(.*)\[\]$/)
	{
		my $element = $1;
		return "ARRAY[" . join(', ', map { literal($element) } 1 .. int(rand(4))) . "]::$type";
	}
	my $some = $values{$type} or return "NULL::$type";
	return $some->[ rand @$some ] . "::$type";
}

# Calls everything; which calls ended with XX000.
sub inner_errors
{
	my ($node, $database, %how) = @_;
	my $role = $how{role} // 'postgres';
	my $before = $how{before} // '';
	my $script = "\\set VERBOSITY verbose\n\\o /dev/null\nSET search_path = public, journey_privacy;\n$before\n";
	my (@script, $out, $err);

	for my $function (@functions)
	{
		for (1 .. $calls)
		{
			my @args = map { literal($_) } @{ $function->{types} };

			$args[-1] = "VARIADIC $args[-1]" if $function->{variadic};
			my $args = join ', ', @args;
			my $call = $function->{kind} eq 'p' ? "CALL $function->{name}($args)" : "SELECT * FROM $function->{name}($args)";
			my $statement = $function->{kind} eq 'p' ? "$call;\n" : "BEGIN" . ($how{begin} // '') . ";\n$call;\nROLLBACK;\n";

			push @script, $call;
			$script .= "\\warn CALL $#script\n$statement";
		}
	}
	IPC::Run::run([ 'psql', '-XAtq', '-U', $role, '-d', $node->connstr($database) . " user=$role", '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
	my (@wrong, %codes);
	for my $part (split /^CALL /m, $err)
	{
		my ($n) = $part =~ /^(\d+)\n/ or next;
		$codes{$1}++ while $part =~ /ERROR:  (\w{5}): /g;
		push @wrong, "$script[$n]: $1" if $part =~ /^(?:psql:\S+ )?((?:ERROR|FATAL|PANIC):  (?:XX000|57P0\d).*)$/m || $part =~ /(server closed the connection.*)/;
	}
	note "$database: ", scalar(@script), ' calls, codes ', join ' ', map { "$_:$codes{$_}" } sort keys %codes;
	push @wrong, 'not all was called' if (() = $err =~ /^CALL \d+$/mg) != @script;
	return join "\n", @wrong;
}

$primary->safe_psql('postgres', 'CREATE ROLE analyst LOGIN');
make_database('little', 0);
make_database('much', 1);
find_functions();
cmp_ok(scalar @functions, '>', 150, 'there are functions');
is(inner_errors($primary, 'little'), '', 'where little is set up');
is(inner_errors($primary, 'much'), '', 'where much is');
is(inner_errors($primary, 'much', begin => ' READ ONLY'), '', 'read only');
is(inner_errors($primary, 'much', begin => ' ISOLATION LEVEL SERIALIZABLE'), '', 'serializable');
is(inner_errors($primary, 'much', role => 'analyst', before => "SET journey_privacy.purpose = 'analytics';"), '', 'as somebody else');

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
copy($primary->basedir . '/keyring', $standby->basedir . '/keyring') or die "copy: $!";
chmod 0600, $standby->basedir . '/keyring' or die "chmod: $!";
$standby->append_conf('postgresql.conf', "journey_privacy.keyring_file = '" . $standby->basedir . "/keyring'");
$standby->start;
is(inner_errors($standby, 'much'), '', 'on a standby');
$standby->stop;

$primary->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$primary->restart;
is(inner_errors($primary, 'much'), '', 'without the library from the start');
make_database('new', 0);
is(inner_errors($primary, 'new'), '', 'nor ever');
$primary->stop;
done_testing();
