# Published cases of funnels: what ClickHouse answers, or the longest chain there is.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = ($ENV{JP_DATA} // '') . '/funnel_cases.json';
plan skip_all => 'the published cases are not here (JP_DATA)' unless -f $file;

my $node = PostgreSQL::Test::Cluster->new('funnel');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION journey_privacy CASCADE');

for my $case (@{ decode_json(slurp_file($file))->{cases} })
{
	next if $case->{disputed};
	my $wanted = $case->{ideal} // $case->{expected};
	my $mode = join(',', @{ $case->{modes} }) || 'default';
	my @rows = map {
		my %is = map { $_ => 1 } @{ $_->{c} };
		my $steps = join(',', map { $is{$_} ? 'true' : 'false' } 1 .. $case->{nsteps});
		"($_->{s}, $_->{t}, ARRAY[$steps])"
	} @{ $case->{events} };
	my $got = $node->safe_psql('postgres', "
		SELECT s, journey_privacy.window_funnel(timestamptz '2000-01-01' + t * interval '1 microsecond', '$case->{window} microseconds', '$mode', VARIADIC c)
		FROM (VALUES " . join(', ', @rows) . ") v (s, t, c) GROUP BY s ORDER BY s::text");
	my $answers = join("\n", map { "$_|$wanted->{$_}" } sort keys %$wanted);
	is($got, $answers, "$case->{id}: $case->{source} ($mode)");

	# by names, where no event need be several steps of a chain
	next if $mode ne 'strict_once' && ($mode ne 'default' || grep { @{ $_->{c} } > 1 } @{ $case->{events} });
	my %names = map { join('-', @{ $_->{c} }, 'event') => $_->{c} } @{ $case->{events} };
	my @steps = map {
		my $step = $_;
		join('|', "step $step", grep { grep { $_ == $step } @{ $names{$_} } } sort keys %names)
	} 1 .. $case->{nsteps};
	@rows = map { "($_->{s}, $_->{t}, '" . join('-', @{ $_->{c} }, 'event') . "')" } @{ $case->{events} };
	$got = $node->safe_psql('postgres', "
		SELECT s, journey_privacy.funnel(timestamptz '2000-01-01' + t * interval '1 microsecond', e, ARRAY['" . join("', '", @steps) . "'], '$case->{window} microseconds')
		FROM (VALUES " . join(', ', @rows) . ") v (s, t, e) GROUP BY s ORDER BY s::text");
	is($got, $answers, "$case->{id}: by names");
}

done_testing();
