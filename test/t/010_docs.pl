# What the documents and META.json say of the extension is true of the one that
# is installed: functions, views and settings they name are in the catalog, files
# they name are in the tree, and every version is the control file's.
use strict;
use warnings;

use File::Basename qw(dirname);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('docs');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION journey_privacy CASCADE');

sub set_of { return map { $_ => 1 } split /\n/, $node->safe_psql('postgres', shift); }

my %function = set_of('SELECT DISTINCT proname FROM pg_proc');
my %type = set_of('SELECT format_type(oid, NULL) FROM pg_type UNION SELECT typname FROM pg_type');
# what may follow the name of our schema, or of our settings
my %ours = set_of(q{
	SELECT proname FROM pg_proc WHERE pronamespace = 'journey_privacy'::regnamespace
	UNION SELECT relname FROM pg_class WHERE relnamespace = 'journey_privacy'::regnamespace
	UNION SELECT typname FROM pg_type WHERE typnamespace = 'journey_privacy'::regnamespace
	UNION SELECT split_part(name, '.', 2) FROM pg_settings WHERE name LIKE 'journey_privacy.%'});
# SQL that looks like a call
my %syntax = map { $_ => 1 } qw(array coalesce exists extract filter greatest in
  least nullif over row table values with);
# what documents call by its name in C
my %symbol = map { $_ => 1 } map { slurp_file($_) =~ /\b(jp_\w+)\(/g } glob('src/*.[ch]');

# Lies of a text that lies in a directory, each in words.  What stands in fenced
# blocks is another test's (004_readme); here it is what stands between backticks
# in a line, and links.
sub lies
{
	my ($text, $directory, @lies) = @_;

	$text =~ s/^```.*?^```\n//msg;
	for my $code ($text =~ /`([^`\n]+)`/g)
	{
		while ($code =~ /(?<![\w.\/])(?:journey_privacy\.)?([a-z_][a-z0-9_]*)\(/g)
		{
			push @lies, "no function is called $1"
			  unless $function{$1} || $type{$1} || $syntax{$1} || $symbol{$1};
		}
		while ($code =~ /(?<![\w.\/@])journey_privacy\.([a-z_][a-z0-9_]*)/g)
		{
			push @lies, "nothing is called journey_privacy.$1"
			  unless $ours{$1} || $code =~ /journey_privacy\.(?:so|control|conf|keyring|html|com)\b/;
		}
		push @lies, "there is no test $1"
		  if $code =~ /^(\d{3}_\w+\.pl)$/ && !-e "test/t/$1";
		# a path, where it is one of the tree
		if ($code =~ m{^((?:src|sql|test|doc|expected)/[\w./-]+)$})
		{
			push @lies, "there is no file $1" unless -e $1;
		}
	}
	for my $link ($text =~ /\]\((?!\w+:|#)([^)#\s]+)/g)
	{
		push @lies, "a link leads to no $link" unless -e "$directory/$link";
	}
	return @lies;
}

for my $file ('README.md', 'CHANGELOG.md', glob('doc/*.md'))
{
	is(join("\n", lies(slurp_file($file), dirname($file))), '', "$file names what there is");
}

# the test itself would notice
is_deeply([ lies("`forget_everybody('x')` and `journey_privacy.forgotten` in `src/no_such.c`, `999_not.pl`, [this](that.md)\n"
			. "```sql\nSELECT not_looked_at();\n```\n`erase()`, `count(*)`, `test/run`, [that](README.md#part)\n", '.') ],
	[ 'no function is called forget_everybody', 'nothing is called journey_privacy.forgotten',
		'there is no file src/no_such.c', 'there is no test 999_not.pl', 'a link leads to no that.md' ],
	'a lie is noticed');

# META.json, by the specification of PGXN, version 1.0.0
my ($version) = slurp_file('journey_privacy.control') =~ /^default_version = '(.*)'/m;
my $meta = JSON::PP->new->decode(slurp_file('META.json'));
ok($meta->{$_}, "META.json has $_")
  for qw(name abstract version maintainer license provides meta-spec);
is($meta->{'meta-spec'}{version}, '1.0.0', 'which specification it follows');
is($meta->{name}, 'journey_privacy', 'name');
is($meta->{license}, 'postgresql', 'a license the specification knows, and ours');
like($meta->{release_status}, qr/^(?:stable|testing|unstable)$/, 'release status');
like($meta->{version}, qr/^\d+\.\d+\.\d+$/, 'a semantic version');
is($meta->{version}, $version, 'the version is that of the control file');
is_deeply([ keys %{ $meta->{provides} } ], ['journey_privacy'], 'it provides one extension');
my $provided = $meta->{provides}{journey_privacy};
is($provided->{version}, $version, 'of the same version');
ok(-f $provided->{$_}, "its $_ is there") for qw(file docfile);
is_deeply([ sort keys %{ $meta->{prereqs}{runtime}{requires} } ], [qw(PostgreSQL pgcrypto)],
	'it requires what the control file requires');

my ($packaged) = slurp_file('debian/changelog') =~ /^journey-privacy \((\S+)\)/;
is($packaged, $version, "Debian's package has the same version");

$node->stop;
done_testing();
