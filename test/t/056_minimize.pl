# What is minimised is written nowhere: no file of the server holds the value
# that was sent, however it came.  Rules and plans are dumped and restored; the
# counts of a plan make nobody wait.
use strict;
use warnings;

use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => 'logical', extra => [ '-E', 'UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
max_prepared_transactions = 5
log_statement = none
autovacuum = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
	$node->start;
	return $node;
}

my $node = new_node('minimize');
my $db = 'postgres';
$node->safe_psql($db, q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
});

# One row's values, which must not be found, and what finds them in a file:
# text as it is, numbers and addresses as they are stored.
my $canaries = 0;
my @patterns;
sub canary
{
	my $n = ++$canaries;
	my $word = sprintf 'canary%04dword%08x', $n, int(rand(2**32));
	my $micro = 826_000_000_000_000 + int(rand(10**9)) * 1000 + 1 + $n;    # 2026, since 2000
	my @hex = map { sprintf '%04x', int(rand(65536)) } 1 .. 5;
	my $lat = 52.5 + rand(1);

	push @patterns, $word, pack('q<', $micro), pack('H*', join '', @hex), pack('d<', $lat);
	return {
		word => $word,
		at => "(timestamptz '2000-01-01 UTC' + interval '$micro microseconds')",
		ip => '2001:db8:1:' . join(':', @hex),
		lat => sprintf('%.17g', $lat),
		props => qq({"page": "kept", "user": {"name": "$word", "tier": "gold"}, "list": [{"id": "$word"}, {"sku": 1}]}),
	};
}

# Files of a data directory with one of the patterns in it.
sub files_with
{
	my ($server, @bytes) = @_;
	my $pattern = join '|', map { quotemeta } @bytes;
	my @found;

	$server->safe_psql($db, 'CHECKPOINT');
	find({ no_chdir => 1, wanted => sub {
		return unless -f $_;
		my $bytes = slurp_file($_);
		push @found, $_ if $bytes =~ /$pattern/;
	} }, $server->data_dir);
	return join ' ', map { s/.*\/(base|pg_wal|global)\//$1\//r } @found;
}

my $columns = q{id bigint, visitor journey_privacy.pseudonym, at timestamptz, ip inet, lat float8, place point,
	mail text, secret text, props jsonb, raw json};
sub make_table
{
	my ($server, $name, $more) = @_;

	$server->safe_psql($db, qq{
		CREATE TABLE $name ($columns, PRIMARY KEY (id)) $more;
		ALTER TABLE $name ALTER props SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL, ALTER mail SET STORAGE EXTERNAL;
		ALTER TABLE $name REPLICA IDENTITY FULL;
		SELECT journey_privacy.protect('$name', 'visitor', occurred_at => 'at')});
	return;
}
sub make_rules
{
	my ($server, $name) = @_;

	$server->safe_psql($db, qq{
		SELECT journey_privacy.minimize('$name', 'at', 'coarsen', step => '1 hour'),
		  journey_privacy.minimize('$name', 'ip', 'truncate_ip'),
		  journey_privacy.minimize('$name', 'lat', 'round_position'),
		  journey_privacy.minimize('$name', 'place', 'round_position'),
		  journey_privacy.minimize('$name', 'mail', 'pseudonymize', kind => 'customer_id'),
		  journey_privacy.minimize('$name', 'secret', 'drop'),
		  journey_privacy.minimize('$name', 'props', 'keep_keys', keys => '{page,user.tier,list.sku,pad}'),
		  journey_privacy.minimize('$name', 'raw', 'drop_keys', keys => '{user.name,list.id}')});
	return;
}
make_table($node, 'visit', '');
make_table($node, 'parted', 'PARTITION BY RANGE (id)');
$node->safe_psql($db, q{
	CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (1000);
	ALTER TABLE parted_a REPLICA IDENTITY FULL;
	CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (1000) TO (2000);
	ALTER TABLE parted_b REPLICA IDENTITY FULL});
make_rules($node, $_) for 'visit', 'parted';
make_table($node, 'open', '');

my $visitor = "'customer_id:minimize_tap'";
my $id = 0;
sub row
{
	my ($c, $pad) = @_;
	my $props = $c->{props};

	$props =~ s/\}$/, "pad": "@{[ 'x' x $pad ]}"}/ if $pad;
	return sprintf q{%d, %s::journey_privacy.pseudonym, %s, '%s'::inet, %s::float8, point(%s, %s), '%s', '%s', '%s'::jsonb, '%s'::json},
	  ++$id, $visitor, $c->{at}, $c->{ip}, $c->{lat}, $c->{lat}, $c->{lat}, $c->{word}, $c->{word}, $props, $props;
}
sub assignments
{
	my ($c) = @_;
	return sprintf q{at = %s, ip = '%s', lat = %s, place = point(%s, %s), mail = '%s', secret = '%s', props = '%s', raw = '%s'},
	  $c->{at}, $c->{ip}, $c->{lat}, $c->{lat}, $c->{lat}, $c->{word}, $c->{word}, $c->{props}, $c->{props};
}

# the search finds what was not minimised
{
	my @others = @patterns;
	$node->safe_psql($db, 'INSERT INTO open VALUES (' . row(canary(), 10000) . ')');
	my @own = splice @patterns, @others;
	foreach my $i (0 .. $#own)
	{
		like(files_with($node, $own[$i]), qr{base/.*pg_wal/|pg_wal/.*base/}, "the search finds what is stored, pattern $i");
	}
	$node->safe_psql($db, 'TRUNCATE open');
}

foreach my $table ('visit', 'parted')
{
	$node->safe_psql($db, "INSERT INTO $table VALUES (" . row(canary(), 0) . ')') for 1 .. 3;
	$node->safe_psql($db, "INSERT INTO $table VALUES (" . row(canary(), 10000) . ')') for 1 .. 3;
	$node->safe_psql($db, "INSERT INTO $table SELECT * FROM (VALUES (" . row(canary(), 0) . '), (' . row(canary(), 5000) . ')) v');
	$node->safe_psql($db, "INSERT INTO $table VALUES (" . row(canary(), 0) . ') ON CONFLICT DO NOTHING');
	my $first = $node->safe_psql($db, "SELECT min(id) FROM $table");
	my $c = canary();
	$node->safe_psql($db, "INSERT INTO $table (id, visitor) VALUES ($first, $visitor) ON CONFLICT (id) DO UPDATE SET " . assignments($c));
	$c = canary();
	$node->safe_psql($db, "UPDATE $table SET " . assignments($c) . " WHERE id = $first + 1");
	$c = canary();
	# to another partition, where there is one
	$node->safe_psql($db, "UPDATE $table SET id = id + 1000, " . assignments($c) . " WHERE id = $first + 2");
	$c = canary();
	$node->safe_psql($db, "MERGE INTO $table t USING (VALUES (" . row(canary(), 0) . ")) v(id, visitor, at, ip, lat, place, mail, secret, props, raw)"
		  . " ON t.id = v.id - 3 WHEN MATCHED THEN UPDATE SET " . assignments($c)
		  . " WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.visitor, v.at, v.ip, v.lat, v.place, v.mail, v.secret, v.props, v.raw)");
	$node->safe_psql($db, "MERGE INTO $table t USING (VALUES (" . row(canary(), 7000) . ")) v(id, visitor, at, ip, lat, place, mail, secret, props, raw)"
		  . " ON t.id = -1 WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.visitor, v.at, v.ip, v.lat, v.place, v.mail, v.secret, v.props, v.raw)");
	my $copy = '';
	foreach my $pad (0, 0, 8000)
	{
		my $d = canary();
		my $props = $d->{props};
		my $at = $node->safe_psql($db, "SET timezone = 'UTC'; SELECT $d->{at}");
		$props =~ s/\}$/, "pad": "@{[ 'y' x $pad ]}"}/ if $pad;
		$copy .= join("\t", ++$id, $node->safe_psql($db, "SELECT $visitor\::journey_privacy.pseudonym"), $at, $d->{ip}, $d->{lat},
			"($d->{lat},$d->{lat})", $d->{word}, $d->{word}, $props, $props) . "\n";
	}
	$node->safe_psql($db, "SET timezone = 'UTC'; COPY $table (id, visitor, at, ip, lat, place, mail, secret, props, raw) FROM stdin;\n$copy\\.\n");
	# rolled back, and failed at a constraint after the guard
	$node->safe_psql($db, "BEGIN; INSERT INTO $table VALUES (" . row(canary(), 0) . '); ROLLBACK');
	my ($ret) = $node->psql($db, "INSERT INTO $table VALUES (" . row(canary(), 0) =~ s/^\d+/$first/r . ')');
	isnt($ret, 0, "$table: a duplicate");
	$node->safe_psql($db, "ANALYZE $table");
	is($node->safe_psql($db, qq{SELECT count(*) > 10, bool_and(at = date_trunc('hour', at)), bool_and(masklen(ip) = 48), bool_and(mail LIKE 'p1\\_%'),
		bool_and(secret IS NULL), bool_and(props->'user' = '{"tier": "gold"}'), bool_and(raw->'user'->'name' IS NULL)
		FROM $table WHERE mail IS NOT NULL}), 't|t|t|t|t|t|t', "$table: rows are as they must be");
}
cmp_ok($canaries, '>', 35, "$canaries canaries");
is(files_with($node, @patterns), '', 'nothing that was sent is in any file, WAL and dead rows included');

# Rows from before are where they were until they are minimised and scrubbed
my $c = canary();
my @late = splice @patterns, -4;
$node->safe_psql($db, 'INSERT INTO open VALUES (' . row($c, 0) . ')');
make_rules($node, 'open');
is($node->safe_psql($db, q{CALL journey_privacy.apply_minimization('open')}), '1', 'one row is minimised late');
like(files_with($node, @late), qr{base/}, 'its old version is there still');
$node->safe_psql($db, "CALL journey_privacy.scrub('open')");
unlike(files_with($node, @late), qr{base/}, 'until the table is scrubbed');

# Under logical replication the subscriber's rules apply
my $subscriber = new_node('subscriber');
$subscriber->safe_psql($db, q{CREATE EXTENSION journey_privacy CASCADE});
{
	my $plain = q{id int PRIMARY KEY, event text, props jsonb, ip inet};
	$node->safe_psql($db, "CREATE TABLE raw_visit ($plain, who bigint); INSERT INTO raw_visit VALUES (0, 'home', '{\"page\": 1, \"q\": 0}', '203.0.113.9', 9400001); CREATE PUBLICATION pub FOR TABLE raw_visit");
	$subscriber->safe_psql($db, qq{
		SELECT journey_privacy.create_keyring();
		CREATE TABLE raw_visit ($plain, who bigint);
		SELECT journey_privacy.protect('raw_visit', 'who', kind => 'customer_id');
		SELECT journey_privacy.minimize('raw_visit', 'ip', 'truncate_ip'),
		  journey_privacy.set_data_plan('raw_visit', 'event', 'props', 'strip');
		SELECT journey_privacy.plan_event('raw_visit', 'home', '{page}');
		CREATE SUBSCRIPTION sub CONNECTION '} . $node->connstr($db) =~ s/'/''/gr . q{' PUBLICATION pub});
	$node->wait_for_catchup('sub');
	$subscriber->wait_for_subscription_sync($node, 'sub') if $subscriber->can('wait_for_subscription_sync');
	$node->safe_psql($db, q{
		INSERT INTO raw_visit VALUES (1, 'home', '{"page": 1, "q": 2}', '203.0.113.9', 9400001), (2, 'unplanned', '{}', '203.0.113.9', 9400001);
		UPDATE raw_visit SET ip = '198.51.100.7', props = '{"page": 3, "q": 4}' WHERE id = 1});
	$node->wait_for_catchup('sub');
	is($subscriber->safe_psql($db, 'SELECT id, event, props, ip FROM raw_visit ORDER BY id'),
		qq(0|home|{"page": 1}|203.0.113.0/24\n1|home|{"page": 3}|198.51.100.0/24), 'what the subscriber stores');
	is($subscriber->safe_psql($db, q{SELECT event, violation, count FROM journey_privacy.plan_violation ORDER BY 1, 2}),
		"(unplanned)|unplanned event|1\nhome|unplanned key|3", 'what it counts');
	$subscriber->safe_psql($db, 'DROP SUBSCRIPTION sub');
}
$subscriber->stop;

# Counting makes nobody wait, not even for a prepared transaction
$node->safe_psql($db, q{
	CREATE TABLE counted (visitor journey_privacy.pseudonym, event text, props jsonb);
	SELECT journey_privacy.protect('counted', 'visitor'), journey_privacy.set_data_plan('counted', 'event', 'props', 'strip');
	SELECT journey_privacy.plan_event('counted', 'home', '{page}', '{page}')});
my $count = q{SELECT sum(count) FROM journey_privacy.plan_violation WHERE "table" = 'counted'::regclass};
my $insert = q{INSERT INTO counted VALUES (NULL, 'unplanned', NULL), (NULL, 'home', '{"q": 1}')};
$node->safe_psql($db, "BEGIN; $insert; PREPARE TRANSACTION 'p$_'") for 1 .. 3;
my $session = $node->background_psql($db);
$session->query("BEGIN; $insert");
$node->safe_psql($db, "SET lock_timeout = '10s'; $insert") for 1 .. 3;
is($node->safe_psql($db, $count), '9', 'nobody has waited; what is not committed is not counted');
$session->query('COMMIT');
$session->quit;
$node->safe_psql($db, "COMMIT PREPARED 'p1'");
$node->safe_psql($db, "ROLLBACK PREPARED 'p2'");
$node->safe_psql($db, "COMMIT PREPARED 'p3'");
is($node->safe_psql($db, $count), '18', 'and what is, is');
$node->pgbench('--client=4 --transactions=100 --no-vacuum', 0, [qr{processed: 400/400}], [qr{^$}],
	'four clients insert what is counted', { '056_count' => "$insert;" });
is($node->safe_psql($db, $count), 18 + 400 * 3, 'none is lost');
cmp_ok($node->safe_psql($db, 'SELECT count(*) FROM journey_privacy.plan_tally'), '<', 60, 'and few rows hold them');

# Dump and restore
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr($db) ], 'dump');
$node->safe_psql($db, 'CREATE DATABASE again');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--jobs', '2', '-d', $node->connstr('again'), $dump ], 'restore');
foreach my $table ('minimization', 'data_plan', 'planned_event', 'plan_tally', 'plan_violation')
{
	my $rows = qq{SELECT t::text FROM journey_privacy.$table t ORDER BY t::text};
	my $was = $node->safe_psql($db, $rows);
	isnt($was, '', "$table has rows");
	is($node->safe_psql('again', $rows), $was, "$table is restored");
}
foreach my $table ('visit', 'parted', 'counted')
{
	my $rows = qq{SELECT t::text FROM $table t ORDER BY t::text};
	is($node->safe_psql('again', $rows), $node->safe_psql($db, $rows), "$table is restored");
}
is($node->safe_psql('again', q{INSERT INTO visit (id, ip, props) VALUES (-1, '203.0.113.77', '{"page": 1, "q": 2}') RETURNING ip, props}),
	'203.0.113.0/24|{"page": 1}', 'rules are in force there');
is($node->safe_psql('again', q{INSERT INTO counted VALUES (NULL, 'home', '{"page": 1, "q": 2}') RETURNING props}), '{"page": 1}', 'and so are plans');

done_testing();
