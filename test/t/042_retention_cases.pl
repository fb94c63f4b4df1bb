# Published cases of retention: what ClickHouse answers.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = ($ENV{JP_DATA} // '') . '/retention_cases.json';
plan skip_all => 'the published cases are not here (JP_DATA)' unless -f $file;

my $node = PostgreSQL::Test::Cluster->new('retention');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION journey_privacy CASCADE');

for my $case (@{ decode_json(slurp_file($file))->{cases} })
{
	my $wanted = $case->{expected_per_subject};
	my @rows = map {
		my ($subject, $met) = @$_;
		my %is = map { $_ => 1 } @$met;
		"($subject, ARRAY[" . join(',', map { $is{$_} ? 'true' : 'false' } 1 .. $case->{nconds}) . '])'
	} @{ $case->{rows} };
	my $rows = '(VALUES ' . join(', ', @rows) . ') v (s, c)';

	is($node->safe_psql('postgres',
			"SELECT s, journey_privacy.retained(VARIADIC c)::integer[] FROM $rows GROUP BY s ORDER BY s::text"),
		join("\n", map { "$_|{" . join(',', @{ $wanted->{$_} }) . '}' } sort keys %$wanted),
		"$case->{id}: $case->{source}");
	is($node->safe_psql('postgres',
			"SELECT sum(r[i]::integer) FROM (SELECT journey_privacy.retained(VARIADIC c) AS r FROM $rows GROUP BY s) g, generate_series(1, $case->{nconds}) i GROUP BY i ORDER BY i"),
		join("\n", @{ $case->{expected_sums} }), "$case->{id}: the sums");
}

done_testing();
