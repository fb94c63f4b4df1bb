# As long as a table is protected the extension is not dropped, on no way that
# leads there, preloaded or not, and nothing is taken from it.  What is left
# behind when nothing is protected is PostgreSQL's to say.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('kept');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'");
$node->start;

# The extension belongs to somebody, and pgcrypto lies in a schema of its own.
$node->safe_psql('postgres', q{
	CREATE ROLE keeper SUPERUSER;
	CREATE ROLE clerk;
	SET ROLE keeper;
	CREATE SCHEMA lib;
	CREATE EXTENSION pgcrypto SCHEMA lib;
	CREATE EXTENSION journey_privacy;
	SELECT journey_privacy.create_keyring(), journey_privacy.create_purpose('analytics', 'opt_out'),
	       journey_privacy.allow('clerk', 'analytics');
	RESET ROLE;
	CREATE SCHEMA shop;
	CREATE TABLE shop.visit (visitor journey_privacy.pseudonym, at date) PARTITION BY RANGE (at);
	CREATE TABLE shop.visit_2026 PARTITION OF shop.visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
	CREATE TABLE shop.letter (reader journey_privacy.pseudonym, text journey_privacy.sealed);
	SELECT journey_privacy.protect('shop.visit', 'visitor');
	GRANT USAGE ON SCHEMA shop TO clerk;
	GRANT SELECT ON shop.visit TO clerk;
	INSERT INTO shop.visit VALUES ('email:ann@example.com', '2026-05-01'), ('email:bob@example.com', '2026-05-02');
	INSERT INTO shop.letter VALUES ('email:ann@example.com', journey_privacy.seal('email:ann@example.com', 'Dear'));
	SELECT journey_privacy.object_to('email:bob@example.com', 'analytics');});

my $ours = qr/^2BP01: cannot drop extension journey_privacy or parts of it while tables are protected
DETAIL:  Table "visit" is protected\.
HINT:  Run journey_privacy\.unprotect\(\) on each table in journey_privacy\.protection, or drop the table, first\./;
my $members = qr/^2BP01: cannot drop .* because extension journey_privacy requires it/;
my @ways = (
	[ 'by its name', $ours, 'DROP EXTENSION journey_privacy' ],
	[ 'CASCADE', $ours, 'DROP EXTENSION journey_privacy CASCADE' ],
	[ 'among others', $ours, 'DROP EXTENSION IF EXISTS citext, pgcrypto, journey_privacy CASCADE' ],
	[ 'with what it requires', $ours, 'DROP EXTENSION pgcrypto CASCADE' ],
	[ 'with its schema', $ours, 'DROP SCHEMA journey_privacy CASCADE' ],
	[ 'with the schema of what it requires', $ours, 'DROP SCHEMA lib CASCADE' ],
	[ 'with its language', $ours, 'DROP EXTENSION plpgsql CASCADE' ],
	[ 'with its owner', $ours, 'DROP OWNED BY keeper CASCADE' ],
	[ 'by its owner', $ours, 'SET ROLE keeper; DROP EXTENSION journey_privacy CASCADE' ],
	[ 'in a block', $ours, 'DO $$ BEGIN DROP EXTENSION journey_privacy CASCADE; END $$' ],
	[ 'in words that are made up', $ours, q{DO $$ BEGIN EXECUTE 'DROP SCH' || 'EMA journey_privacy CASCADE'; END $$} ],
	[ 'after its tables were taken away', $ours,
		'BEGIN; ALTER EXTENSION journey_privacy DROP TABLE journey_privacy.protection' ],
	[ 'after its functions were', $ours,
		'BEGIN; ALTER EXTENSION journey_privacy DROP FUNCTION journey_privacy.permits(oid, integer)' ],
	[ 'a function', $members, 'DROP FUNCTION journey_privacy.permits(oid, integer) CASCADE' ],
	[ 'a type', $members, 'DROP TYPE journey_privacy.pseudonym CASCADE' ],
	[ 'a table', $members, 'DROP TABLE journey_privacy.protection CASCADE' ],
	[ 'a trigger of its', $members, 'DROP EVENT TRIGGER journey_privacy_keep_extension' ],
	[ 'into another schema', qr/^0A000: extension "journey_privacy" does not support SET SCHEMA/,
		'ALTER EXTENSION journey_privacy SET SCHEMA lib' ],
	[ 'to somebody who is no superuser', qr/^42501: permission denied to change owner of event trigger/,
		'REASSIGN OWNED BY keeper TO clerk' ],
	[ 'by somebody else', qr/^42501: must be owner of extension journey_privacy/,
		'SET ROLE clerk; DROP EXTENSION journey_privacy CASCADE' ],
	[ 'its parts by somebody else', qr/^42501: must be owner of extension journey_privacy/,
		'SET ROLE clerk; ALTER EXTENSION journey_privacy DROP FUNCTION journey_privacy.everybody()' ]);

# SQLSTATE, message, detail and hint of what must fail
sub failure
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 1,
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);

	return 'no error' if $status == 0;
	$err =~ s/^.*?ERROR:  //s;
	$err =~ s/^LOCATION: .*\n?//mg;
	return $err;
}

# All that the extension is and keeps; but for the months of the audit, which
# come when its worker gets there
my $state = q{
	SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'journey_privacy')
	  AND pg_describe_object(classid, objid, objsubid) !~ 'audit_entry_\d';
	SELECT polrelid::regclass, polname FROM pg_policy ORDER BY 1, 2;
	SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
	WHERE NOT tgisinternal AND NOT (tgrelid::regclass::text LIKE 'journey_privacy.audit_entry_%') ORDER BY 1, 2;
	SELECT attrelid::regclass, attname FROM pg_attribute
	WHERE attrelid IN ('shop.visit'::regclass, 'shop.letter'::regclass) AND attnum > 0 ORDER BY 1, 2;
	SELECT relation, inherited_from FROM journey_privacy.protection ORDER BY 1;
	SELECT text FROM shop.letter};
my $seen = q{SET ROLE clerk; SET journey_privacy.purpose = analytics; SELECT at FROM shop.visit};
my $before = $node->safe_psql('postgres', $state);

for my $preloaded ('preloaded', 'not preloaded')
{
	for my $way (@ways)
	{
		my ($name, $error, $sql) = @$way;

		like(failure($sql), $error, "$preloaded: $name");
	}
	$node->safe_psql('postgres', q{DO $$ BEGIN DROP SCHEMA journey_privacy CASCADE; EXCEPTION WHEN OTHERS THEN END $$});
	is($node->safe_psql('postgres', $state), $before, "$preloaded: all of it is there");
	is($node->safe_psql('postgres', $seen), '2026-05-01', "$preloaded: and does its work");
	next if $preloaded ne 'preloaded';
	is($node->safe_psql('postgres', q{
		SELECT journey_privacy.checkpoint_audit() IS NULL;
		SELECT count(*) >= 12, count(DISTINCT command) > 1 FROM journey_privacy.audit_log
		WHERE kind = 'protection' AND outcome = 'denied' AND command IN ('DROP EXTENSION', 'ALTER EXTENSION')}) =~ s/^.*\n//r,
		't|t', 'each attempt is on record');
	$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
	$node->restart;
}

# Tables that fall first, by the same command, are no reason.
$node->safe_psql('postgres', q{CREATE DATABASE other});
my $other = q{
	SET client_min_messages = error;
	CREATE SCHEMA shop;
	CREATE EXTENSION journey_privacy CASCADE;
	DO 'BEGIN PERFORM journey_privacy.create_keyring(); EXCEPTION WHEN OTHERS THEN END';
	CREATE TABLE shop.visit (visitor text);
	SELECT journey_privacy.protect('shop.visit', 'visitor', kind => 'email');};
$node->safe_psql('other', "$other DROP SCHEMA shop CASCADE; DROP EXTENSION journey_privacy");
$node->safe_psql('other', "$other DROP TABLE shop.visit; DROP SCHEMA journey_privacy, shop CASCADE");
is($node->safe_psql('other', q{SELECT count(*) FROM pg_extension WHERE extname = 'journey_privacy'}), '0',
	'without protected tables it goes');
$node->safe_psql('other', $other);
$node->safe_psql('postgres', 'DROP DATABASE other');

# Another superuser may take it over.
$node->safe_psql('postgres', 'CREATE ROLE heir SUPERUSER; REASSIGN OWNED BY keeper TO heir');
is($node->safe_psql('postgres', $seen), '2026-05-01', 'it works for whoever takes it over');
$node->safe_psql('postgres', q{INSERT INTO shop.visit VALUES ('email:zoe@example.com', '2026-05-03');
	SELECT journey_privacy.object_to('email:zoe@example.com', 'analytics')});
is($node->safe_psql('postgres', $seen), '2026-05-01', 'decisions too');

# Unprotected: PostgreSQL names the columns that would go, and takes them.
$node->safe_psql('postgres', q{
	CREATE TABLE shop.alone PARTITION OF shop.visit FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
	ALTER TABLE shop.visit DETACH PARTITION shop.alone;
	SELECT journey_privacy.unprotect('shop.visit')});
like(failure('DROP EXTENSION journey_privacy CASCADE'), qr/Table "alone" is protected\./, 'a detached partition counts');
$node->safe_psql('postgres', q{SELECT journey_privacy.unprotect('shop.alone')});
like(failure('DROP EXTENSION journey_privacy'),
	qr/^2BP01: cannot drop extension journey_privacy because other objects depend on it\n.*column text of table shop\.letter depends on type journey_privacy\.sealed/s,
	'columns of our types keep it from falling');
$node->safe_psql('postgres', 'SET client_min_messages = error; DROP EXTENSION journey_privacy CASCADE');
is($node->safe_psql('postgres', q{SELECT count(*) FROM shop.visit; SELECT string_agg(attname, ' ') FROM pg_attribute
	WHERE attrelid IN ('shop.visit'::regclass, 'shop.letter'::regclass) AND attnum > 0 AND NOT attisdropped}),
	"3\nat", 'unless with CASCADE, which takes them and leaves the rows');
$node->stop;
done_testing();
