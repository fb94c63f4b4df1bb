# Every SQL block of the README runs, in order, on an empty preloaded server.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '" . $node->basedir . "/keyring'
# a worker for the audit of each database
max_worker_processes = 32");
$node->start;

open my $readme, '<', 'README.md' or die "README.md: $!";
my $text = do { local $/; <$readme> };
close $readme;

my $session = '';
my @blocks = $text =~ /^```sql\n(.*?)^```/msg;
cmp_ok(scalar @blocks, '>=', 4, 'the README has blocks of SQL');
for my $i (0 .. $#blocks)
{
	my ($status, $out, $err) = $node->psql('postgres', $blocks[$i], on_error_stop => 1);
	is($status, 0, "block " . ($i + 1) . " runs") or diag($blocks[$i], $err);
	$session .= $out . "\n";
}
like($session, qr/^home\|1$/m, 'the analyst sees Ann and not Bob');
like($session, qr/"verified": true/, 'the receipt was returned');
is($node->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE visitor = 'email:bob@example.com'}), '1', 'Bob is still there');

# What doc/ shows runs, too, each file in a database of its own; and what a guide
# says comes back comes back: the indented lines below a block.
sub shown
{
	my ($text) = @_;
	return map { s/\s*\|\s*/|/gr =~ s/^\s+|\s+$//gr } grep { !/^[- +]*$/ } split /\n/, $text;
}

for my $file (glob 'doc/*.md')
{
	my $name = $file =~ s{.*/|\.md$}{}gr =~ tr/-/_/r;
	my $number = 0;
	my @blocks = slurp_file($file) =~ /^```sql\n(.*?)^```\n\n?((?:    [^\n]*\n|\n(?=    ))*)/msg;
	next if !@blocks;

	$node->safe_psql('postgres', "CREATE DATABASE doc_$name");
	$node->safe_psql("doc_$name", 'CREATE EXTENSION journey_privacy CASCADE');
	while (my ($block, $shown) = splice @blocks, 0, 2)
	{
		my ($status, $out, $err) = $node->psql("doc_$name", $block, on_error_stop => 1, extra_params => ['-P', 'tuples_only=off']);
		my %printed = map { $_ => 1 } split /\n/, "$out\n" . $err =~ s/^psql:.*?: (NOTICE)/$1/gmr;

		is($status, 0, "$file: block " . ++$number . " runs") or diag($block, $err);
		next if $file !~ /guide-/;
		is(join("\n", grep { !$printed{$_} } shown($shown)), '', "$file: what block $number shows was printed") or diag($out, $err);
	}
}
done_testing();
