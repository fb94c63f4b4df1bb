# Published cases of patterns of events: what ClickHouse answers.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = ($ENV{JP_DATA} // '') . '/sequence_cases.json';
plan skip_all => 'the published cases are not here (JP_DATA)' unless -f $file;

my $node = PostgreSQL::Test::Cluster->new('sequence');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION journey_privacy CASCADE');

# their times are seconds
for my $case (@{ decode_json(slurp_file($file))->{cases} })
{
	my $wanted = $case->{expected};
	my @rows = map {
		my ($at, $met) = @$_;
		my %is = map { $_ => 1 } @$met;
		"($at, ARRAY[" . join(',', map { $is{$_} ? 'true' : 'false' } 1 .. $case->{nconds}) . '])'
	} @{ $case->{events} };
	my $got = $node->safe_psql('postgres', "
		SET search_path = journey_privacy;
		SELECT sequence_match(p, to_timestamp(t), VARIADIC c)::integer, sequence_count(p, to_timestamp(t), VARIADIC c),
		  ARRAY(SELECT extract(epoch FROM u)::integer FROM unnest(sequence_times(p, to_timestamp(t), VARIADIC c)) u)
		FROM (VALUES " . join(', ', @rows) . ") v (t, c), (VALUES ('$case->{pattern}')) x (p)");
	is($got, "$wanted->{match}|$wanted->{count}|{" . join(',', @{ $wanted->{match_events} }) . '}',
		"$case->{id}: $case->{source} ($case->{pattern})");
}

done_testing();
