# The reference: doc/reference.md and the tables of the README are what the
# catalog says; each function's comment tells of all its arguments, of what it
# returns, and of its errors, with the codes that the source raises.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('reference');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION journey_privacy CASCADE');

# What reference.sql prints, with further words for psql.
sub reference
{
	my @words = @_;
	my $out;

	PostgreSQL::Test::Utils::run_log(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', @words, $node->connstr('postgres') ], '>', \$out);
	return $out;
}

# As is() does, but tells of one line instead of two documents.
sub same
{
	my ($has, $wants, $name) = @_;
	my @has = split /\n/, $has;
	my @wants = split /\n/, $wants;
	my ($at) = grep { ($has[$_] // '') ne ($wants[$_] // '') } 0 .. ($#has > $#wants ? $#has : $#wants);

	ok($has eq $wants, $name)
	  or diag('line ' . ($at + 1) . " is\n$has[$at]\nshould be\n$wants[$at]\n", 'made by psql -XAtq -f test/reference.sql');
}

my $readme = slurp_file('README.md');
my ($tables) = $readme =~ /^<!-- reference -->\n(.*)^<!-- \/reference -->/ms;
same(slurp_file('doc/reference.md'), reference('-f', 'test/reference.sql'), 'doc/reference.md agrees with the catalog');
same($tables, reference('-v', 'short=1', '-f', 'test/reference.sql'), 'the tables of the README agree with the catalog');

# Settings ---------------------------------------------------------------------

my %shown = $readme =~ /^\| `(journey_privacy\.\w+)` \|[^|]*(\|[^|]*\|[^|]*)\|$/mg;
my %settings = map { split /\t/ } split /\n/, reference('-f', 'test/reference.sql', '-v', 'short=1', '-o', '/dev/null',
	'-c', q{\o}, '-c', q{SELECT name || E'\t| ' || who || ' | ' || boot || ' ' FROM setting});
s/`//g for values %shown;
is_deeply(\%shown, \%settings, 'the settings of the README are those of the server');

# Comments ---------------------------------------------------------------------

my @functions = map { [ split /\t/ ] } split /\n/, reference('-f', 'test/reference.sql', '-v', 'short=1', '-o', '/dev/null',
	'-c', q{\o}, '-c', q{
SELECT concat_ws(E'\t', f.oid::regprocedure, f.name, f.result, (SELECT lanname FROM pg_language WHERE oid = f.prolang),
  coalesce((SELECT string_agg(prosrc, ' ') FROM pg_aggregate a JOIN pg_proc p ON p.oid IN (aggtransfn, aggfinalfn) WHERE a.aggfnoid = f.oid), f.prosrc, ''),
  '<' || coalesce((SELECT string_agg(name, ' ' ORDER BY n) FROM argument a WHERE a.oid = f.oid AND mode IN ('i', 'b', 'v') AND name <> ''), ''),
  '>' || coalesce((SELECT string_agg(name, ' ' ORDER BY n) FROM argument a WHERE a.oid = f.oid AND mode IN ('o', 't')), ''),
  replace(comment, E'\n', E'\r'))
FROM (SELECT oid, name, coalesce(result, '') AS result, prolang, CASE WHEN prolang = (SELECT oid FROM pg_language WHERE lanname = 'c') THEN prosrc END AS prosrc, comment FROM function) f ORDER BY 1});
cmp_ok(scalar @functions, '>', 190, 'there are functions');

my (%named_codes, %symbols);
for my $function (@functions)
{
	my ($signature, $name, $result, $language, $source, $in, $out, $comment) = @$function;
	my @problems;

	$comment =~ s/\r  / /g;
	my ($sentence, @lines) = split /\r/, $comment;
	my @labels = map { /^(\w+): \S/ ? $1 : "no label: $_" } @lines;
	my %text = map { /^(\w+): (.*)/ } @lines;
	my @in = split / /, substr($in, 1);
	my @rest = grep { my $label = $_; !grep { $_ eq $label } @in } @labels;

	push @problems, "tells of @labels" if "@labels" ne "@in @rest" && "@labels" ne "@rest@in";
	push @problems, "the parts are @rest" if "@rest" !~ /^(Returns)? ?(Errors)? ?(Source)?$/;
	push @problems, 'no sentence' if $sentence !~ /\w/ || $sentence =~ /\.$/;
	push @problems, 'does not tell what it returns' if $result !~ /^(void)?$/ && @in && !$text{Returns};
	push @problems, "does not tell of column $_" for grep { ($text{Returns} // '') !~ /\b\Q$_\E\b/ } split / /, substr($out, 1);
	push @problems, "errors without a code: $_" for grep { !/^[0-9A-Z]{5} \w/ } split /; /, $text{Errors} // '';
	ok(!@problems, "comment of $signature") or diag(join("\n", @problems));

	$named_codes{$signature} = [ ($text{Errors} // '') =~ /(?:^|; )([0-9A-Z]{5}) /g ];
	$symbols{$name} .= " $source";
}

is($node->safe_psql('postgres', q{
SELECT c.oid::regclass || ' ' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'journey_privacy'::regnamespace AND c.relkind IN ('r', 'v', 'p', 'c') AND NOT c.relispartition
  AND coalesce(col_description(c.oid, a.attnum), '') = ''}), '', 'every column of a table, view or composite type has a comment');

# Codes ------------------------------------------------------------------------
#
# Read from the source: which functions a function names, and which errors stand
# in them.  A word may be a call or not, so what is found is more than what can
# happen: a code that is named must be among that.  Less is asked the other way:
# codes in the function itself and what it calls in its own file must be named.

my %code = slurp_file(`pg_config --sharedir` =~ s/\n//r . '/errcodes.txt') =~ /^(\w{5})\s+E\s+(ERRCODE_\w+)/mg;
%code = reverse %code;

my (%body, %file_of, %words);
for my $file (glob 'src/*.c')
{
	my $text = slurp_file($file) =~ s{/\*.*?\*/}{}gsr;

	while ($text =~ /^(static\s)?[^\n;]*\n(\w+)\([^;{}]*?\)\n\{\n(.*?)^\}/msg)
	{
		my ($static, $name, $body) = ($1, $2, $3);

		$body{$file}{$name} = $body;
		$file_of{$name} = $file if !$static;
	}
}

# Which codes stand in a function.
sub codes_in
{
	my ($body) = @_;
	my %codes = ($body =~ /\b(?:jp_refuse|aclcheck_error)\(/) ? ('42501' => 1) : ();

	while ($body =~ /\bereport\(((?:ERROR|level)\b.*?)\);\n/msg)
	{
		my $error = $1;
		$codes{ $code{$_} } = 1 for grep { $code{$_} } $error =~ /\b(ERRCODE_\w+)/g;
	}
	return \%codes;
}

# Where a function leads: to functions of C that it names, or surely calls, and
# to those of SQL that it names in a statement.
sub calls
{
	my ($file, $name, $sure) = @_;
	my $body = $body{$file}{$name};
	my @words = $sure ? $body =~ /\b([a-z_]\w*)\(/g : $body =~ /\b([a-z_]\w*)\b/g;

	push @words, map { split ' ', $symbols{$_} // '' } $body =~ /(?:journey_privacy\.|")(\w+)[("]/g if !$sure;
	return grep { defined $_->[0] } map { [ ($body{$file}{$_} ? $file : $file_of{$_}), $_ ] } @words;
}

# The codes that a function of C leads to; of one file, if asked.
sub codes_from
{
	my ($symbol, $only) = @_;
	my @ways = [ $file_of{$symbol}, $symbol ];
	my (%seen, %codes);

	while (my $way = shift @ways)
	{
		my ($file, $name) = @$way;
		next if $seen{"$file $name"}++ || ($only && $file ne $file_of{$symbol});
		%codes = (%codes, %{ codes_in($body{$file}{$name}) });
		push @ways, calls($file, $name, $only);
	}
	return \%codes;
}

# what PostgreSQL raises, and names in statements that are put together
my %of_postgres = map { $_ => 1 } qw(25001 25006 39000 3F000 42501 55P03 57014);
# what stands there, and cannot happen: the purpose was made a line before; the
# basis that is read was checked when it was written
my %never = map { $_ => 1 } ('create_purpose 42704', 'drop_purpose 22023');
my (@unknown, @missing);

for my $function (@functions)
{
	my ($signature, $name, $result, $language, $source) = @$function;
	my @found = split ' ', $source;

	# what macros make is not read
	next if !@found || grep { !$file_of{$_} } @found;
	my %far = map { %{ codes_from($_, 0) } } @found;
	my %near = map { %{ codes_from($_, 1) } } @found;
	# a table that vanished meanwhile, and what cannot happen
	delete @near{ '42P01', '39P01', 'XX000' };
	push @unknown, map { "$signature $_" } grep { !$far{$_} && !$of_postgres{$_} } @{ $named_codes{$signature} };
	push @missing, map { my $code = $_; (grep { $_ eq $code } @{ $named_codes{$signature} }) ? () : "$signature $code" } grep { !$never{"$name $_"} } sort keys %near;
}
is(join("\n", @unknown), '', 'codes that are named stand in the source');
is(join("\n", @missing), '', 'codes that stand in the source of a function are named');
done_testing();
