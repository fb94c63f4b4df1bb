# ALTER EXTENSION UPDATE to what is installed leaves the same objects, to the
# letter, as a fresh install: from every version that has a script.  The
# install script of a released version is kept in test/releases; from there, or
# from where the extension is installed, it is taken into a copy of the server.
#
# What is compared is pg_dump's view of the members of the extension in binary
# upgrade mode, which has all of them with bodies, attributes, owners, comments
# and privileges: an object that the comparison does not know cannot be.
# Beside it, what dumps are to take of our tables, and the rows that come with
# the extension.  That each kind of difference is seen is proven first, on a
# version made up here.
use strict;
use warnings;

use File::Basename;
use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A copy of the server whose scripts we may write, as test/run makes one.
my $bindir = qx(pg_config --bindir) =~ s/\s+$//r;
my $sharedir = qx(pg_config --sharedir) =~ s/\s+$//r;
my $version = basename($sharedir);
my $copy = PostgreSQL::Test::Utils::tempdir('server');
foreach my $part ('lib', 'share')
{
	my $from = $part eq 'lib' ? dirname($bindir) : $sharedir;

	mkdir "$copy/$part" or die "mkdir: $!";
	mkdir "$copy/$part/postgresql" or die "mkdir: $!";
	system('cp', '-dR', $from, "$copy/$part/postgresql/") == 0 or die "could not copy $from";
}
my $scripts = "$copy/share/postgresql/$version/extension";
plan skip_all => 'the server cannot be copied'
  if !-x "$copy/lib/postgresql/$version/bin/pg_config"
  || qx($copy/lib/postgresql/$version/bin/pg_config --sharedir) ne "$copy/share/postgresql/$version\n";

my ($current) = slurp_file("$scripts/journey_privacy.control") =~ /^default_version = '(.*)'/m;
foreach my $script (glob 'test/releases/journey_privacy--*.sql')
{
	copy($script, $scripts) or die "copy: $!" if !-e "$scripts/" . basename($script);
}

my $node = PostgreSQL::Test::Cluster->new('update', install_path => "$copy/lib/postgresql/$version");
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
# it would make partitions
journey_privacy.audit = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;

# What a database has of the extension: each object's name and definition.
sub objects
{
	my ($db) = @_;
	my ($dump, $error);
	my %object;

	run_log([ "$copy/lib/postgresql/$version/bin/pg_dump", '--binary-upgrade', '--schema-only',
			'-d', $node->connstr($db) ], '>', \$dump, '2>', \$error) or die "pg_dump: $error";
	$dump =~ s/^-- PostgreSQL database dump complete\n.*//ms;
	# after each line that names an object, its definition
	my ($head, @parts) = split /^-- Name: (.*?)(?:; Owner: .*)?\n--\n/m, $dump;
	while (my ($name, $definition) = splice @parts, 0, 2)
	{
		# numbers are each database's own
		$definition =~ s/^.*binary_upgrade_set_next_.*\n|^-- For binary upgrade, (?:set|must preserve) .*\n//mg;
		$definition =~ s/^UPDATE pg_catalog\.pg_(class|database)\n(SET .*\n)+?WHERE .*;\n//mg;
		$definition =~ s/'\{\d.*\}'/tables/ if $name =~ /Type: EXTENSION/;
		$definition =~ s/\s*\n--\n?\s*\z|\s+\z//g;
		$object{$name} = ($object{$name} // '') . $definition;
	}
	$object{"dump of $_->[0]"} = $_->[1] foreach map { [ split /\|/, $_, 2 ] } split /\n/, $node->safe_psql($db, q{
		SELECT t::regclass, quote_literal(c) FROM pg_extension, unnest(extconfig, extcondition) u(t, c)
		WHERE extname = 'journey_privacy'});
	foreach my $table (split /\n/, $node->safe_psql($db, q{
		SELECT c.oid::regclass FROM pg_depend d JOIN pg_class c ON c.oid = d.objid WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e'
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'journey_privacy') AND c.relkind IN ('r', 'p')}))
	{
		$object{"rows of $table"} = $node->safe_psql($db, qq{
			SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(t)) WHERE value::text !~ '^"\\d{4}-\\d\\d-\\d\\dT')
			FROM $table t ORDER BY 1::text});
		$object{"rows of $table"} = join "\n", sort split /\n/, $object{"rows of $table"};
	}
	return \%object;
}

# Names of what two databases do not have in common.
sub differences
{
	my ($one, $other) = @_;
	my %all = (%$one, %$other);

	return sort grep { !exists $one->{$_} || !exists $other->{$_} || $one->{$_} ne $other->{$_} } keys %all;
}

# A database in which the extension came to the current version from another.
sub updated
{
	my ($db, $from) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, "SET client_min_messages = error;
		CREATE EXTENSION journey_privacy VERSION '$from' CASCADE;
		ALTER EXTENSION journey_privacy UPDATE");
	return objects($db);
}

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'SET client_min_messages = error; CREATE EXTENSION journey_privacy CASCADE');
my $fresh = objects('fresh');
my %kinds = map { /Type: ([^;]*);/ ? ($1 => 1) : (/^(dump|rows) of/ ? ($1 => 1) : ()) } keys %$fresh;
is(join(', ', grep { !$kinds{$_} } 'ACL', 'AGGREGATE', 'CAST', 'COMMENT', 'CONSTRAINT', 'DEFAULT', 'EVENT TRIGGER',
		'EXTENSION', 'FUNCTION', 'INDEX', 'OPERATOR', 'OPERATOR CLASS', 'PROCEDURE', 'SEQUENCE', 'TABLE', 'TRIGGER',
		'TYPE', 'VIEW', 'dump', 'rows'), '', 'objects of every kind are compared');
$node->safe_psql('postgres', 'CREATE DATABASE fresh_again');
$node->safe_psql('fresh_again', 'SET client_min_messages = error; CREATE EXTENSION journey_privacy CASCADE');
my $again = objects('fresh_again');
is(join("\n", map { "$_: $fresh->{$_} $again->{$_}" } differences($fresh, $again)), '', 'two fresh installs are the same');

# A version that differs in all these ways: the objects that it is seen in,
# what was done to them in its install script, and what undoes that in its
# update script; without it, the statement of the install script.
my $j = 'journey_privacy';
my @ways = (
	[ 'purpose; Type: TABLE', "ALTER TABLE $j.purpose ALTER description SET DEFAULT 'x'", "ALTER TABLE $j.purpose ALTER description DROP DEFAULT" ],
	[ 'subject; Type: TABLE', "ALTER TABLE $j.subject ALTER linked DROP NOT NULL", "ALTER TABLE $j.subject ALTER linked SET NOT NULL" ],
	[ 'derived; Type: TABLE', "ALTER TABLE $j.derived ALTER purpose TYPE varchar(10) COLLATE \"C\"", "ALTER TABLE $j.derived ALTER purpose TYPE text COLLATE \"C\"" ],
	[ 'data_key; Type: TABLE', "ALTER TABLE $j.data_key ADD CHECK (key_id IS NOT NULL)", "ALTER TABLE $j.data_key DROP CONSTRAINT data_key_key_id_check" ],
	[ 'permitted; Type: TABLE', "ALTER TABLE $j.permitted ALTER bits SET STATISTICS 5", "ALTER TABLE $j.permitted ALTER bits SET STATISTICS -1" ],
	[ 'hold; Type: TABLE', "ALTER TABLE $j.hold SET (fillfactor = 50)", "ALTER TABLE $j.hold RESET (fillfactor)" ],
	[ 'tombstone; Type: ROW SECURITY', "ALTER TABLE $j.tombstone ENABLE ROW LEVEL SECURITY", "ALTER TABLE $j.tombstone DISABLE ROW LEVEL SECURITY" ],
	[ 'erasure p; Type: POLICY', "CREATE POLICY p ON $j.erasure", "DROP POLICY p ON $j.erasure" ],
	[ 'TABLE subject; Type: ACL', "GRANT SELECT ON $j.subject TO PUBLIC", "REVOKE SELECT ON $j.subject FROM PUBLIC" ],
	[ 'subject_restricted; Type: INDEX', "DROP INDEX $j.subject_restricted", "CREATE INDEX subject_restricted ON $j.subject (number) WHERE restricted" ],
	[ 'extra_index; Type: INDEX', "CREATE INDEX extra_index ON $j.derived (made_at)", "DROP INDEX $j.extra_index" ],
	[ 'allowance catalog_changed; Type: TRIGGER', "ALTER TABLE $j.allowance DISABLE TRIGGER catalog_changed", "ALTER TABLE $j.allowance ENABLE ALWAYS TRIGGER catalog_changed" ],
	[ 'protection catalog_changed; Type: TRIGGER', "DROP TRIGGER catalog_changed ON $j.protection",
		"CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON $j.protection
		 FOR EACH STATEMENT EXECUTE FUNCTION $j.catalog_changed(); ALTER TABLE $j.protection ENABLE ALWAYS TRIGGER catalog_changed" ],
	[ 'subject_number; Type: SEQUENCE', "ALTER SEQUENCE $j.subject_number INCREMENT 2", "ALTER SEQUENCE $j.subject_number INCREMENT 1" ],
	[ 'FUNCTION everybody(); Type: COMMENT', "COMMENT ON FUNCTION $j.everybody() IS 'x'" ],
	[ 'COLUMN subject.number; Type: COMMENT', "COMMENT ON COLUMN $j.subject.number IS 'x'" ],
	[ 'TYPE sealed; Type: COMMENT', "COMMENT ON TYPE $j.sealed IS 'x'" ],
	[ 'FUNCTION is_erased(subject journey_privacy.pseudonym); Type: ACL', "GRANT EXECUTE ON FUNCTION $j.is_erased TO PUBLIC", "REVOKE EXECUTE ON FUNCTION $j.is_erased FROM PUBLIC" ],
	[ 'is_erased(journey_privacy.pseudonym); Type: FUNCTION', "ALTER FUNCTION $j.is_erased VOLATILE", "ALTER FUNCTION $j.is_erased STABLE" ],
	[ 'scoped(journey_privacy.pseudonym, text); Type: FUNCTION', "ALTER FUNCTION $j.scoped PARALLEL UNSAFE", "ALTER FUNCTION $j.scoped PARALLEL SAFE" ],
	[ 'forget_dropped(); Type: FUNCTION', "ALTER FUNCTION $j.forget_dropped() RESET search_path", "ALTER FUNCTION $j.forget_dropped() SET search_path = pg_catalog, pg_temp" ],
	[ 'allow(name, text); Type: FUNCTION', "ALTER FUNCTION $j.allow(name, text) SECURITY INVOKER", "ALTER FUNCTION $j.allow(name, text) SECURITY DEFINER" ],
	[ 'disallow(name, text); Type: FUNCTION', "ALTER FUNCTION $j.disallow(name, text) COST 7", "ALTER FUNCTION $j.disallow(name, text) COST 1" ],
	[ 'permits(oid, integer); Type: FUNCTION', "ALTER FUNCTION $j.permits(oid, integer) SUPPORT pg_catalog.generate_series_int4_support",
		"ALTER FUNCTION $j.permits(oid, integer) SUPPORT $j.permits_support" ],
	[ 'everybody(); Type: FUNCTION', "CREATE OR REPLACE FUNCTION $j.everybody() RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN NOT false",
		"CREATE OR REPLACE FUNCTION $j.everybody() RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN true" ],
	[ 'CAST (journey_privacy.pseudonym AS uuid); Type: CAST', "DROP CAST ($j.pseudonym AS uuid)" ],
	[ 'extra_function(); Type: FUNCTION', "CREATE FUNCTION $j.extra_function() RETURNS int LANGUAGE sql RETURN 1", "DROP FUNCTION $j.extra_function()" ],
	[ 'extra_domain; Type: DOMAIN', "CREATE DOMAIN $j.extra_domain AS int", "DROP DOMAIN $j.extra_domain" ],
	[ '<; Type: OPERATOR', "ALTER OPERATOR pg_catalog.< ($j.pseudonym, $j.pseudonym) SET (RESTRICT = NONE)",
		"ALTER OPERATOR pg_catalog.< ($j.pseudonym, $j.pseudonym) SET (RESTRICT = scalarltsel)" ],
	[ 'journey_privacy_keep_policies; Type: EVENT TRIGGER', "ALTER EVENT TRIGGER ${j}_keep_policies DISABLE", "ALTER EVENT TRIGGER ${j}_keep_policies ENABLE" ],
	[ 'dump of journey_privacy.identity_kind', "SELECT pg_catalog.pg_extension_config_dump('$j.identity_kind', '')" ],
	[ 'rows of journey_privacy.identity_kind', "UPDATE $j.identity_kind SET description = 'x' WHERE name = 'email_md5'",
		"UPDATE $j.identity_kind SET description = 'MD5 of an e-mail address, hexadecimal' WHERE name = 'email_md5'" ],
	[ 'link; Type: VIEW', "ALTER VIEW $j.link SET (security_barrier)", "ALTER VIEW $j.link RESET (security_barrier)" ]);
my $script = slurp_file("$scripts/journey_privacy--$current.sql");

# The statement of the install script that a way has changed.
sub original
{
	my ($done) = @_;

	return $1 if $done =~ /^(COMMENT ON .* IS) / && $script =~ /^(\Q$1\E\s.*?;)\n/ms;
	return $1 if $done =~ /config_dump\((\S+),/ && $script =~ /^(SELECT pg_catalog\.pg_extension_config_dump\(\Q$1\E,.*?;)\n/ms;
	return $1 if $done =~ /^DROP (CAST .*)/ && $script =~ /^(CREATE \Q$1\E.*?;)\n/ms;
	die "what was there before $done?";
}

foreach my $version ('0.0.1', '0.0.2')
{
	append_to_file("$scripts/$j--$version.sql", join ";\n", $script, (map { $_->[1] } @ways), '');
}
append_to_file("$scripts/$j--0.0.1--$current.sql", "-- forgot to undo it\n");
append_to_file("$scripts/$j--0.0.2--$current.sql", join ";\n", (map { $_->[2] // original($_->[1]) } @ways), '');
is(join("\n", map { s/; Schema: .*//r } differences($fresh, updated('forgotten', '0.0.1'))),
	join("\n", sort map { $_->[0] } @ways), 'each difference is seen, and at nothing else');
my $undone = updated('undone', '0.0.2');
is(join("\n", map { "$_: $undone->{$_}" } differences($fresh, $undone)), '', 'and none when all is undone');

# What has really been released.
my @released = grep { !/^0\.0\./ } split /\n/, $node->safe_psql('postgres', qq{
	SELECT DISTINCT version FROM (SELECT version FROM pg_available_extension_versions WHERE name = 'journey_privacy'
	  UNION SELECT source FROM pg_extension_update_paths('journey_privacy') WHERE path IS NOT NULL) v
	WHERE version <> '$current' ORDER BY 1});
foreach my $from (@released)
{
	my $db = "from_$from" =~ s/\W/_/gr;

	is(join("\n", differences($fresh, updated($db, $from))), '', "updated from $from it is the same as fresh");
}
note('no version has been released before this one') if !@released;

$node->stop;
done_testing();
