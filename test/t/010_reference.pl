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
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
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

# And those that are raised: each call fails, with a code that its function names.
$node->safe_psql('postgres', q{
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_purpose('analytics', 'consent');
CREATE TABLE v (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text NOT NULL, props jsonb, n int);
CREATE TABLE plain (id int);
SELECT journey_privacy.protect('v', 'visitor', occurred_at => 'at');
SELECT journey_privacy.open_request('erasure', 'email:a@x.com', request_id => '10000000-0000-0000-0000-000000000000');
CREATE FUNCTION fails(call text) RETURNS text LANGUAGE plpgsql SET search_path = public, journey_privacy AS $$
BEGIN
  EXECUTE call;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$});
my %named;
push @{ $named{ $_->[1] } }, @{ $named_codes{ $_->[0] } } for @functions;
chomp(my @calls = <DATA>);
my @raised = split /\n/, $node->safe_psql('postgres', join '', map { "SELECT fails(\$call\$$_\$call\$);\n" } @calls);
for my $i (0 .. $#calls)
{
	my ($name) = $calls[$i] =~ /(\w+)\(/;

	ok((grep { $_ eq $raised[$i] } @{ $named{$name} }), "$calls[$i]: $raised[$i] is named");
}
done_testing();
__DATA__
select record_consent('email:a@x.com', 'analytics', true, at => null)
select record_consent(null, 'analytics', true)
select withdraw('email:a@x.com', 'analytics', at => null)
select allow_columns('analytics', 'plain', '{id}')
select allow_columns('analytics', 'v', '{nope}')
select create_journey_store('plain', 's', '1 day')
select drop_data_plan('v')
select plan_event('v', 'home')
select unplan_event('v', 'home')
select set_data_plan('v', 'nope')
select set_data_plan('v', 'n')
select set_data_plan('plain', 'id')
select allow('nobody_here', 'analytics')
select map_mparticle('plain', 'id')
select map_mparticle('v', 'nope')
select map_mparticle('v', 'event', identities => '{nokind}')
select ingest_mparticle('{}')
select unprotect('plain')
select export_encrypted('email:a@x.com', 'no key')
select * from discover('nope')
select * from discover('public', -1)
select * from discover('public', 10, 7)
select set_recipient(null, 'a')
select set_recipient('x', '')
select describe_column('v', 'nope', 'a')
select translate_purpose('nope', 'de', 'x')
select dashboard_html('plain')
select * from residue('v', '{"nokind:x"}')
select signing_key(99)
select audit_verifier_key(99)
select audit_inclusion_proof(100000)
select audit_consistency_proof(5, 3)
select * from audit_range_proof(5, 3)
select verify_audit('x')
select * from opendsr_callbacks()
select create_identity_kind('Bad Name')
select create_identity_kind('email')
select normalize_identity('nokind', 'x')
select pseudonymize('nokind', 'x')
select scoped('email:a@x.com', '')
select link_hashed_identities('customer_id', 'x')
select minimize('v', 'nope', 'drop')
select minimize('v', 'props', 'pseudonymize', kind => 'nokind')
select minimize('v', 'event', 'pseudonymize', kind => 'nokind')
select unminimize('v', 'event')
select link_table('plain', '{nope}', 'v', '{n}')
select place_hold('x')
select place_hold(null, 'email:a@x.com')
select funnel('plain', '{a}')
select funnel('v', '{a}', event => 'nope')
select funnel('v', '{a}', breakdown_key => 'x')
select funnel('v', '{a}', within => '1 month')
select attribution('v', 'buy', 'nope')
select subject_count('plain')
select consent_svg(time_zone => 'Nowhere')
select funnel_svg('plain', '{a}')
select configure_opendsr('x', 'y')
select create_purpose('x y', 'consent')
select create_purpose('p', null)
select create_purpose('p', 'consent', min_group => null)
select drop_purpose('nope')
select protect('v', 'visitor')
select protect('plain', 'nope')
select protect('plain', 'id')
select protect('plain', 'id', kind => 'nokind')
select protect('pg_class', 'relname')
select register_pseudonym_column('plain', 'id')
select register_pseudonym_column('plain', 'nope')
select import_consent('email:a@x.com', 'nope', 'x')
select import_consent('email:a@x.com', 'tcf', 'x')
select import_consent('email:a@x.com', 'google', '{"ad_storage":"maybe"}')
select map_consent('google', 'nope', 'analytics')
select request_deadlines('nope', now())
select extend_request('00000000-0000-0000-0000-000000000000', 'x')
select request_result('00000000-0000-0000-0000-000000000000')
select verify_erasure('00000000-0000-0000-0000-000000000000')
select open_request('erasure', 'email:a@x.com', request_id => '10000000-0000-0000-0000-000000000000')
select open_request('access', 'email:a@x.com', purposes => '{analytics}')
select refuse_request('10000000-0000-0000-0000-000000000000', '')
select complete_request('10000000-0000-0000-0000-000000000000')
call process_requests(max => -1)
call purge_expired('v')
call purge_expired(batch => 0)
call erase_inactive('-1 day')
select inactive_subjects('0 days')
call scrub('v')
call release_hold('00000000-0000-0000-0000-000000000000')
select refresh_journey_store('nope')
select create_journey_store('v', 'v', '1 day')
select create_journey_store('v', 's', '1 month')
select create_journey_store('v', 's', '1 day', event => 'nope')
select create_journey_store('v', 's', '1 day', event => 'n')
select rotate_key('nope')
select destroy_key('seal', 1)
select destroy_key('seal', 9)
select rekey_pseudonyms()
select create_keyring()
select processing_record('pdf')
select privacy_notice('xx')
select funnel(now(), 'a', '{}'::text[], null)
select window_funnel(now(), '1 month', 'default', true)
select window_funnel(now(), '1 day', 'nope', true)
select sequence_match('(?1', now(), true)
select path(now(), 'a', 0)
select attribution(now(), 'a', true, 'nope', '1 day')
select retention_counts(1, now(), 'a', null, 'a', 'b', 'year', 3, 'on', 'UTC')
select protect('plain', 'id', kind => 'customer_id', number_column => 'id')
select record_consent('email:a@x.com', 'nope', true)
select record_consent('email:a@x.com', 'analytics', true, at => now() + interval '1 day')
select record_consents('{email:a@x.com}', '{analytics,analytics}', '{true}')
select record_consents('{email:a@x.com}', '{nope}', '{true}')
select withdraw('email:a@x.com', 'nope')
select object_to('email:a@x.com', 'nope')
select restrict_processing(null)
select lift_restriction(null)
select link_identity('email:a@x.com', 'email:A@x.com')
select change_purpose('nope')
select change_purpose('analytics', basis => 'whim')
select rebuild_permitted('nope')
select google_decode('{"ad_storage": "maybe"}')
select tcf_decode('x')
select gpp_decode('x')
select mparticle_decode('{"consent_state": 1}')
call apply_minimization('v')
call erase(null)
call erase_many('{}')
call erase_many('{NULL}')
call scrub('v', null)
select confirm_request(null)
select verify_request('00000000-0000-0000-0000-000000000000')
select cancel_request('00000000-0000-0000-0000-000000000000')
select opendsr_delivered(1)
select opendsr_failed(1, 'x')
select unmap_mparticle('plain')
select ingest_mparticle(null)
select ingest_mparticle('[]')
select drop_journey_store('nope')
select set_controller('', 'x')
select subject_report('email:a@x.com', 'pdf')
select consent_svg('nope')
select consent_svg(period => 'year')
select unminimize('plain', 'id')
