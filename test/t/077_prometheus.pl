
# View metric by way of doc/prometheus-queries.yaml and Debian's exporter, as a
# role that may do no more than the file says: each metric of the view is on
# /metrics with its labels and its value, and nothing else of ours is.
use strict;
use warnings;

use Cwd;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Installing the package would start a service, so it is unpacked where it is
# not there.
my $name = 'prometheus-postgres-exporter';
my ($exporter) = grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/bin';
my $unpacked = $PostgreSQL::Test::Utils::tmp_check . '/exporter';
if (!defined $exporter)
{
	mkdir $unpacked;
	system("cd '$unpacked' && timeout 60 apt-get -q download $name && dpkg -x $name*.deb .");
	$exporter = "$unpacked/usr/bin/$name" if -x "$unpacked/usr/bin/$name";
}
plan skip_all => "$name is not here and could not be unpacked" unless defined $exporter;
my $queries = getcwd() . '/doc/prometheus-queries.yaml';

my $node = PostgreSQL::Test::Cluster->new('metrics');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
log_min_messages = warning
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('analytics', 'consent');
	SELECT journey_privacy.create_purpose('service', 'contract');
	CREATE TABLE visit (visitor journey_privacy.pseudonym, at timestamptz, event text, props jsonb);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '100 days');
	SELECT journey_privacy.set_data_plan('visit', 'event', on_violation => 'count');
	SELECT journey_privacy.plan_event('visit', 'home');
	INSERT INTO visit SELECT journey_privacy.pseudonymize('customer_id', 9900000 + i), now(), CASE WHEN i % 10 = 0 THEN 'other' ELSE 'home' END
	  FROM generate_series(1, 200) i;
	SELECT count(journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9900000 + i), 'analytics', i % 4 > 0))
	  FROM generate_series(1, 120) i;
	SELECT journey_privacy.open_request(k, journey_privacy.pseudonymize('customer_id', 9900000 + n), received_at => now() - n * interval '20 days')
	  FROM (VALUES ('access', 1), ('access', 3), ('erasure', 2)) r(k, n);
	SELECT journey_privacy.verify_audit(journey_privacy.checkpoint_audit());});

# The role that the file asks for, and no more.
open(my $file, '<', $queries) or die "$queries: $!";
my $text = do { local $/; <$file> };
close($file);
my @grants = $text =~ /^#   (CREATE ROLE .*;|GRANT .*;)$/mg;
is(scalar @grants, 3, 'the file says what its role needs');
$node->safe_psql('postgres', join("\n", @grants));
my ($role) = $text =~ /CREATE ROLE (\w+)/;
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class c WHERE relnamespace = 'journey_privacy'::regnamespace AND relkind IN ('r', 'v', 'p', 'm')
	AND has_table_privilege('$role', oid, 'SELECT') AND NOT has_table_privilege('public', oid, 'SELECT')"),
	'1', 'it may read one relation of ours');

# A free port.
my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($out, $err) = ('', '');
my $host = $node->host;
my $server = IPC::Run::start([ 'env', "DATA_SOURCE_NAME=user=$role host=$host port=" . $node->port . ' dbname=postgres sslmode=disable', $exporter,
		"--web.listen-address=127.0.0.1:$port", "--extend.query-path=$queries", '--disable-default-metrics', '--disable-settings-metrics' ],
	'<', \undef, '>', \$out, '2>', \$err);
my $page = '';
for (1 .. 100)
{
	$page = `curl -s http://127.0.0.1:$port/metrics`;
	last if $page =~ /^journey_privacy_/m;
	select(undef, undef, undef, 0.3);
}

# name{labels} value, as both of them tell it; when something happened changes.
my (%got, %type);
while ($page =~ /^# TYPE (\S+) (\w+)$/mg)
{
	$type{$1} = $2;
}
while ($page =~ /^(journey_privacy_\w+)(?:\{(.*)\})? (\S+)$/mg)
{
	my ($name, $labels, $value) = ($1, $2 // '', $3);
	my %label = $labels =~ /(\w+)="((?:[^"\\]|\\.)*)"/g;
	delete $label{server};
	$got{ join(' ', $name, map { "$_=$label{$_}" } sort keys %label) } = $value + 0;
}
my %wanted;
for my $row (split /\n/, $node->safe_psql('postgres', 'SELECT name, labels, value FROM journey_privacy.metric'))
{
	my ($name, $labels, $value) = split /\|/, $row;
	my $label = decode_json($labels);
	$wanted{ join(' ', $name, map { "$_=$label->{$_}" } sort keys %$label) } = $value;
}
IPC::Run::kill_kill($server);

is(join("\n", sort keys %got), join("\n", sort keys %wanted), 'each metric is told, and no other');
cmp_ok(scalar keys %wanted, '>', 25, 'there are some');
my @other = grep {
	defined $got{$_} && (/_seconds|_audit_/ ? abs($got{$_} - $wanted{$_}) > 600 : abs($got{$_} - $wanted{$_}) > 1e-9)
} sort keys %wanted;
is("@other", '', 'with its value');
is($got{'journey_privacy_requests_overdue kind=access'}, 1, 'an overdue request among them');
is($got{'journey_privacy_plan_violations_total table=public.visit violation=unplanned event'}, 20, 'and what was outside of a data plan');
is(join(' ', grep { ($type{$_} // '') ne 'counter' } grep { /_total$/ } map { /^(\S+)/ } sort keys %got), '', 'totals are counters');
is(join(' ', grep { ($type{$_} // '') ne 'gauge' } grep { !/_total$/ } map { /^(\S+)/ } sort keys %got), '', 'all others are gauges');
unlike($err, qr/level=error/, 'the exporter complains of nothing') or diag($err);

done_testing();
