# Consent formats against vectors of others, against an encoder of our own, and
# under concurrency.
#
# The vectors lie outside the project: JP_DATA names their directory.  Without
# it they are skipped.  JP_SEED repeats the random strings of a run.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $json = JSON::PP->new->canonical->utf8;
my $data = $ENV{JP_DATA} // '';
my $seed = srand($ENV{JP_SEED} // time);
note("seed $seed");

my $node = PostgreSQL::Test::Cluster->new('exchange');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE FUNCTION attempt(decoder text, string text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
	  decoded text;
	BEGIN
	  EXECUTE format('SELECT journey_privacy.%I($1)::text', decoder) INTO decoded USING string;
	  RETURN decoded;
	EXCEPTION WHEN OTHERS THEN
	  RETURN sqlstate;
	END $$;
});

# What a decoder says of a string: a structure, or an SQLSTATE.
sub attempt
{
	my ($decoder, @strings) = @_;
	my $values = join ', ', map { "($_, '$strings[$_]')" } 0 .. $#strings;
	my $out = $node->safe_psql('postgres',
		"SELECT attempt('$decoder', string) FROM (VALUES $values) v(no, string) ORDER BY no");
	return map { /^[{]/ ? $json->decode($_) : $_ } split /\n/, $out, -1;
}

sub read_json
{
	my ($name) = @_;
	open my $file, '<:raw', "$data/$name" or return;
	local $/;
	return $json->decode(<$file>);
}

# The vectors ------------------------------------------------------------------

SKIP:
{
	my $vectors = read_json('tcf_vectors.json')
	  or skip 'no tcf_vectors.json: JP_DATA is not set', 1;

	for my $vector (@$vectors)
	{
		my ($decoded) = attempt('tcf_decode', $vector->{tc});
		if ($vector->{expect} eq 'ok')
		{
			is_deeply($decoded, $vector->{decoded}, "TCF $vector->{source}");
		}
		else
		{
			is($decoded, '22P02', "TCF $vector->{source} is refused");
		}
	}
}

# The GPP library names the fields of a TC string otherwise and gives sets as
# arrays of booleans.
sub as_tcf
{
	my ($section) = @_;
	my %tcf;
	while (my ($name, $value) = each %$section)
	{
		next if $name =~ /SegmentType$/;
		$name = 'UseNonStandardTexts' if $name eq 'UseNonStandardStacks';
		if (ref $value eq 'ARRAY' && grep { JSON::PP::is_bool($_) } @$value)
		{
			$value = [ grep { $value->[ $_ - 1 ] } 1 .. @$value ];
		}
		$tcf{ lcfirst $name } = $value;
	}
	return \%tcf;
}

SKIP:
{
	my $vectors = read_json('gpp_vectors.json')
	  or skip 'no gpp_vectors.json: JP_DATA is not set', 1;

	for my $vector (@$vectors)
	{
		my ($decoded) = attempt('gpp_decode', $vector->{gpp});
		if (exists $vector->{error})
		{
			is($decoded, '22P02', "GPP $vector->{gpp} is refused");
			next;
		}
		delete $decoded->{sections}{2}{coreBits} if exists $decoded->{sections}{2};
		my %sections = %{ $vector->{sections} };
		$sections{2} = as_tcf($sections{2}) if exists $sections{2};
		is_deeply($decoded, { ids => $vector->{ids}, sections => \%sections }, "GPP '$vector->{gpp}'");
	}
}

$node->safe_psql('postgres', q{
	SELECT journey_privacy.create_purpose('analytics', 'consent', consent_valid_for => '130 months'),
	       journey_privacy.create_purpose('marketing', 'consent'),
	       journey_privacy.create_purpose('sale', 'opt_out');
	SELECT journey_privacy.map_consent('mparticle', 'gdpr:analytics', 'analytics'),
	       journey_privacy.map_consent('mparticle', 'gdpr:marketing', 'marketing'),
	       journey_privacy.map_consent('mparticle', 'ccpa:data_sale_opt_out', 'sale'),
	       journey_privacy.map_consent('tcf', 'purpose:1', 'analytics'),
	       journey_privacy.map_consent('tcf', 'purpose:2', 'marketing');
});

SKIP:
{
	my $batch = read_json('mparticle_batch.json')
	  or skip 'no mparticle_batch.json: JP_DATA is not set', 1;
	my $import = "SELECT purpose, granted, extract(epoch FROM decided_at)::bigint, recorded
		FROM journey_privacy.import_consent('customer_id:1', 'mparticle', \$json\$"
	  . $json->encode($batch) . '$json$) ORDER BY purpose';

	is($node->safe_psql('postgres', $import),
		"analytics|t|1699990000|t\nmarketing|f|1699990000|t\nsale|f|1699990000|t",
		'an mParticle batch is recorded; consented to the opt-out is opted out');
	is($node->safe_psql('postgres', $import),
		"analytics|t|1699990000|f\nmarketing|f|1699990000|f\nsale|f|1699990000|f",
		'a second time nothing is');
	is($node->safe_psql('postgres', q{SELECT count(*), count(document) FROM journey_privacy.consent_event}),
		'3|3', 'one row of the ledger for each, with the notice');
}

# Random strings ---------------------------------------------------------------
#
# The encoder follows the specifications, not our parsers: bits are a string of
# 0 and 1 until the very end.

my @letters = ('A' .. 'Z', 'a' .. 'z', '0' .. '9', '-', '_');

sub number { my ($value, $width) = @_; return substr sprintf('%064b', $value), 64 - $width; }
sub any { return int rand shift; }
sub subset { my ($share, @of) = @_; return grep { rand() < $share } @of; }

sub text
{
	my ($bits) = @_;
	my $pad = (6, 8, 24)[ any(3) ];
	$bits .= '0' while length($bits) % $pad;
	$bits .= '0' while length($bits) % 6;
	return join '', map { $letters[ oct "0b$_" ] } $bits =~ /(.{6})/g;
}

sub field
{
	my ($width, @ids) = @_;
	my %set = map { $_ => 1 } @ids;
	return join '', map { $set{$_} ? 1 : 0 } 1 .. $width;
}

# Ids as ranges, runs joined, in any order.
sub entries
{
	my (@ids) = @_;
	my @runs;
	for my $id (@ids)
	{
		if (@runs && $runs[-1][1] + 1 == $id && rand() < 0.8) { $runs[-1][1] = $id; }
		else { push @runs, [ $id, $id ]; }
	}
	@runs = sort { rand() <=> 0.5 } @runs;
	return number(scalar @runs, 12)
	  . join '', map { $_->[0] == $_->[1] ? '0' . number($_->[0], 16) : '1' . number($_->[0], 16) . number($_->[1], 16) } @runs;
}

sub vendors
{
	my (@ids) = @_;
	my $max = (@ids ? $ids[-1] : 0) + any(3);
	$max = 65535 if $max > 65535;
	return number($max, 16) . (rand() < 0.5 ? '0' . field($max, @ids) : '1' . entries(@ids));
}

sub tcf
{
	my $policy = any(7);
	my %tcf = (version => 2, cmpId => any(4096), cmpVersion => any(4096), consentScreen => any(64),
		consentLanguage => join('', map { ('A' .. 'Z')[ any(26) ] } 1 .. 2), vendorListVersion => any(4096),
		policyVersion => $policy, publisherCountryCode => join('', map { ('A' .. 'Z')[ any(26) ] } 1 .. 2),
		specialFeatureOptins => [ subset(0.4, 1 .. 12) ], purposeConsents => [ subset(0.4, 1 .. 24) ],
		purposeLegitimateInterests => [ subset(0.4, $policy < 4 ? (1 .. 24) : (1, 2, 7 .. 24)) ],
		vendorConsents => [ subset(0.5, 1 .. any(300)) ],
		vendorLegitimateInterests => [ subset(rand(0.001), 1 .. 65535) ],
		publisherRestrictions => [ map { { purposeId => 1 + any(24), restrictionType => any(3),
			vendors => [ subset(0.5, 1 .. 30) ] } } 1 .. any(4) ],
		publisherConsents => [], publisherLegitimateInterests => [], publisherCustomConsents => [],
		publisherCustomLegitimateInterests => [], numCustomPurposes => 0, vendorsDisclosed => [], vendorsAllowed => []);
	my ($created, $updated) = (any(2**35), any(2**35));
	my ($specific, $texts, $treatment) = (any(2), any(2), any(2));
	my $letters = sub { join '', map { number(ord($_) - 65, 6) } split //, shift };
	my $core = number(2, 6) . number($created, 36) . number($updated, 36) . number($tcf{cmpId}, 12)
	  . number($tcf{cmpVersion}, 12) . number($tcf{consentScreen}, 6) . $letters->($tcf{consentLanguage})
	  . number($tcf{vendorListVersion}, 12) . number($policy, 6) . $specific . $texts
	  . field(12, @{ $tcf{specialFeatureOptins} }) . field(24, @{ $tcf{purposeConsents} })
	  . field(24, @{ $tcf{purposeLegitimateInterests} }) . $treatment . $letters->($tcf{publisherCountryCode})
	  . vendors(@{ $tcf{vendorConsents} }) . vendors(@{ $tcf{vendorLegitimateInterests} })
	  . number(scalar @{ $tcf{publisherRestrictions} }, 12)
	  . join '', map { number($_->{purposeId}, 6) . number($_->{restrictionType}, 2) . entries(@{ $_->{vendors} }) } @{ $tcf{publisherRestrictions} };
	$tcf{coreBits} = length $core;

	my @segments;
	if ($policy >= 5 || any(2))
	{
		$tcf{vendorsDisclosed} = [ subset(0.5, 1 .. any(300)) ];
		push @segments, '001' . vendors(@{ $tcf{vendorsDisclosed} });
	}
	if (any(2))
	{
		$tcf{vendorsAllowed} = [ subset(0.5, 1 .. any(300)) ];
		push @segments, '010' . vendors(@{ $tcf{vendorsAllowed} });
	}
	if (any(2))
	{
		my $count = $tcf{numCustomPurposes} = any(64);
		$tcf{publisherConsents} = [ subset(0.4, 1 .. 24) ];
		$tcf{publisherLegitimateInterests} = [ subset(0.4, 1 .. 24) ];
		$tcf{publisherCustomConsents} = [ subset(0.4, 1 .. $count) ];
		$tcf{publisherCustomLegitimateInterests} = [ subset(0.4, 1 .. $count) ];
		push @segments, '011' . field(24, @{ $tcf{publisherConsents} }) . field(24, @{ $tcf{publisherLegitimateInterests} })
		  . number($count, 6) . field($count, @{ $tcf{publisherCustomConsents} })
		  . field($count, @{ $tcf{publisherCustomLegitimateInterests} });
	}
	@segments = sort { rand() <=> 0.5 } @segments;
	my $iso = sub {
		my ($tenths) = @_;
		my @t = gmtime int($tenths / 10);
		return sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%d00Z', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ], $tenths % 10;
	};
	@tcf{qw(created lastUpdated)} = ($iso->($created), $iso->($updated));
	@tcf{qw(isServiceSpecific useNonStandardTexts purposeOneTreatment)} =
	  map { $_ ? JSON::PP::true : JSON::PP::false } $specific, $texts, $treatment;
	return (join('.', map { text($_) } $core, @segments), \%tcf);
}

# Zeckendorf: the largest number that fits, again and again.
sub fibonacci
{
	my ($value) = @_;
	my @numbers = (1, 2);
	push @numbers, $numbers[-1] + $numbers[-2] while $numbers[-1] <= $value;
	my $bits = '';
	for my $number (reverse @numbers)
	{
		my $fits = $number <= $value;
		$value -= $number if $fits;
		$bits = ($fits ? 1 : 0) . $bits if $fits || $bits ne '';
	}
	return $bits . '1';
}

# Texas: one layout stands for all; the regress test has every one.
sub texas
{
	my %us = (Version => 1);
	my $bits = number(1, 6);
	for my $name (qw(ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut
		SensitiveDataProcessing KnownChildSensitiveDataConsents AdditionalDataProcessingConsent
		MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode))
	{
		my @values = map { any(3) } 1 .. ($name eq 'SensitiveDataProcessing' ? 8 : 1);
		$us{$name} = @values > 1 ? \@values : $values[0];
		$bits .= number($_, 2) for @values;
	}
	return (text($bits), \%us);
}

my (@strings, @expected);
for (1 .. 400)
{
	my ($string, $tcf) = tcf();
	push @strings, $string;
	push @expected, $tcf;
}
my @decoded = attempt('tcf_decode', @strings);
my @wrong = grep { $json->encode([ $decoded[$_] ]) ne $json->encode([ $expected[$_] ]) } 0 .. $#strings;
is(scalar @wrong, 0, '400 random TCF strings say what was encoded')
  or diag("seed $seed: $strings[$wrong[0]]\n", $json->encode([ $decoded[ $wrong[0] ] ]), "\n", $json->encode([ $expected[ $wrong[0] ] ]));

# Every string loses its last character, gains one, or has one replaced by
# something that does not belong there.
my @damaged = map { my $s = $_;
	(substr($s, 0, -1 - any(3)) . '!', $s . 'AAAA', $s . '.', ".$s", do { substr($s, any(length $s), 1) = '+'; $s }) } @strings[ 0 .. 49 ];
is(scalar(grep { $_ ne '22P02' } attempt('tcf_decode', @damaged)), 0, 'damaged ones are refused')
  or diag("seed $seed");

# GPP: sections 2, 6, 16 and some that are only listed.
(@strings, @expected) = ();
for (1 .. 200)
{
	my @ids = grep { $_ < 7 || $_ == 16 || $_ > 23 } subset(0.3, 1 .. 40);
	my (@runs, @parts, %sections);
	for my $id (@ids)
	{
		if (@runs && $runs[-1][1] + 1 == $id && rand() < 0.8) { $runs[-1][1] = $id; }
		else { push @runs, [ $id, $id ]; }
		my ($part, $section) = ('any-thing_' . any(1000));
		($part, $section) = tcf() if $id == 2;
		($part, $section) = texas() if $id == 16;
		if ($id == 6)
		{
			my @said = map { (qw(Y N -))[ any(3) ] } 1 .. 3;
			$part = join '', 1, @said;
			$section = { Version => 1, Notice => $said[0], OptOutSale => $said[1], LspaCovered => $said[2] };
		}
		$sections{$id} = $section if $section;
		push @parts, $part;
	}
	my $last = 0;
	my $header = number(3, 6) . number(1, 6) . number(scalar @runs, 12);
	for my $run (@runs)
	{
		$header .= ($run->[0] == $run->[1] ? 0 : 1) . fibonacci($run->[0] - $last);
		$header .= fibonacci($run->[1] - $run->[0]) if $run->[0] != $run->[1];
		$last = $run->[1];
	}
	push @strings, join '~', text($header), @parts;
	push @expected, { ids => \@ids, sections => \%sections };
}
@decoded = attempt('gpp_decode', @strings);
@wrong = grep { $json->encode([ $decoded[$_] ]) ne $json->encode([ $expected[$_] ]) } 0 .. $#strings;
is(scalar @wrong, 0, '200 random GPP strings say what was encoded')
  or diag("seed $seed: $strings[$wrong[0]]\n", $json->encode([ $decoded[ $wrong[0] ] ]), "\n", $json->encode([ $expected[ $wrong[0] ] ]));

# Many at once -----------------------------------------------------------------

# The same document from eight sessions, at each isolation level: one row of the
# ledger for each purpose, and no deadlock.
my $document = text(number(2, 6) . number(0, 36) . number(16_000_000_000, 36) . number(0, 30) . number(0, 12)
	  . number(0, 12) . number(2, 6) . '00' . field(12) . field(24, 1) . field(24) . '0' . number(0, 12)
	  . number(0, 17) . number(0, 17) . number(0, 12));
for my $level ('read committed', 'repeatable read')
{
	my $script = $node->basedir . '/import.sql';
	append_to_file($script, "\\set person random(1, 20)
SELECT journey_privacy.import_consent(('customer_id:$level' || :person)::journey_privacy.pseudonym, 'tcf', '$document');\n");
	local $ENV{PGOPTIONS} = '-c default_transaction_isolation=' . $level =~ s/ /\\ /r;
	command_ok([ 'pgbench', '-n', '-c', 8, '-t', 100, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
		"eight sessions import the same, $level");
	unlink $script;
}
is($node->safe_psql('postgres', q{
	SELECT count(*) > 30, count(*) FILTER (WHERE n <> 1), count(*) FILTER (WHERE decision <> 'granted' AND purpose = 'analytics')
	FROM (SELECT subject, purpose, decision, count(*) AS n FROM journey_privacy.consent_event
	      WHERE source = 'tcf' GROUP BY subject, purpose, decision) e}),
	't|0|0', 'each decision is on record once');

$node->stop;
done_testing();
