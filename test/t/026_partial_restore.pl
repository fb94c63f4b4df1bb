# Parts of a dump restored by themselves: where that is no restore at all it is
# an error, or the table stays closed, until the way that the documentation
# gives has been gone.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('parts');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
$node->start;
my $dumps = $node->basedir;
$node->safe_psql('postgres', 'CREATE ROLE analyst; CREATE DATABASE shop');
$node->safe_psql('shop', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring(), journey_privacy.create_purpose('analytics', 'consent'),
	       journey_privacy.allow('analyst', 'analytics');
	CREATE SCHEMA "Early";
	CREATE TABLE "Early".visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz);
	SELECT journey_privacy.protect('"Early".visit', 'visitor', occurred_at => 'at');
	GRANT USAGE ON SCHEMA "Early" TO analyst;
	GRANT SELECT ON "Early".visit TO analyst;
	SELECT journey_privacy.record_consent(('customer_id:' || 40 - n)::journey_privacy.pseudonym, 'analytics', n % 2 = 0)
	FROM generate_series(1, 30) n;
	INSERT INTO "Early".visit SELECT n, journey_privacy.pseudonymize('customer_id', n % 40), now() FROM generate_series(1, 200) n;
	CALL journey_privacy.erase('customer_id:7');});
my $seen = q{SET ROLE analyst; SET journey_privacy.purpose = analytics;
	SELECT string_agg(id || ' ' || journey_subject, ',' ORDER BY id) FROM "Early".visit};
my $before = $node->safe_psql('shop', $seen);
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dumps/all", 'shop' ], 'all of it');
$node->command_ok([ 'pg_dump', '-s', '-f', "$dumps/schema.sql", 'shop' ], 'the schema');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dumps/table", '-t', '"Early".visit', 'shop' ], 'one table');

sub restore
{
	my ($db, @arguments) = @_;
	my ($out, $err) = ('', '');

	my $done = run_log([ 'pg_restore', '-d', $node->connstr($db), @arguments ], '>', \$out, '2>', \$err);
	return $done ? '' : $err;
}

sub failure
{
	my ($db, $sql) = @_;
	my ($status, $out, $err) = $node->psql($db, $sql);

	return $status == 0 ? "no error: $out" : $err;
}

# Data into a schema that is protected already: the guard is at work.
sub new_schema
{
	my ($db) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $db, '-f', "$dumps/schema.sql" ], "$db: the schema alone");
	return;
}
new_schema('data');
like(restore('data', '--data-only', '--single-transaction', "$dumps/all"), qr/ERROR/,
	'data alone: the guard wants a registry and keys that are not there yet');
is($node->safe_psql('data', 'SELECT count(*) FROM "Early".visit'), '0', 'nothing is half done');

# With triggers disabled it goes in, and the doctor says what it has left.
new_schema('disabled');
is(restore('disabled', '--data-only', '--disable-triggers', '--single-transaction', "$dumps/all"), '', 'with triggers disabled it goes in');
is($node->safe_psql('disabled', $seen), $before, 'the same is seen');
my $triggers = q{SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal
	AND tgrelid::regclass::text !~ 'audit_entry_' ORDER BY tgrelid::regclass::text, 2};
my $always = $node->safe_psql('shop', $triggers);
isnt($node->safe_psql('disabled', $triggers), $always, 'its triggers are no longer what they were');
$node->safe_psql('disabled', q{SELECT statement FROM journey_privacy.doctor() WHERE "check" IN ('trigger', 'own_trigger') \gexec});
is($node->safe_psql('disabled', $triggers), $always, 'until what the doctor says is done');

# Sections are the way.
$node->safe_psql('postgres', 'CREATE DATABASE sections');
is(restore('sections', "--section=$_", "$dumps/all"), '', "by sections: $_") foreach 'pre-data', 'data', 'post-data';
is($node->safe_psql('sections', $seen), $before, 'the same is seen');

# One table with its policies, or without, where the others are.
my $restored = q{
	DROP TABLE "Early".visit;
	SELECT count(*) FROM journey_privacy.protection;};
$node->safe_psql('sections', $restored);
is(restore('sections', "$dumps/table"), '', 'one table, as pg_dump -t has it');
like(failure('sections', $seen), qr/ERROR:  relation with OID \d+ is not a protected table/, 'its policies show nobody anything');
like(failure('sections', q{INSERT INTO "Early".visit VALUES (1000, 'customer_id:1')}), qr/ERROR/, 'its guard lets nothing in');
like(failure('sections', 'SELECT relation FROM journey_privacy.protection'), qr/no error: $/, 'it is not registered');
$node->safe_psql('sections', $restored);
is(restore('sections', '--section=pre-data', '--section=data', "$dumps/table"), '', 'without what comes after the data');
$node->safe_psql('sections', q{SELECT journey_privacy.protect('"Early".visit', 'visitor', occurred_at => 'at')});
is($node->safe_psql('sections', $seen), $before, 'protected again, the same is seen');
is($node->safe_psql('sections', $triggers), $always, 'with the same triggers');

$node->safe_psql('sections', $restored);
is(restore('sections', '-n', 'Early', '-t', 'visit', "$dumps/all"), '', 'one table, as pg_restore -t has it');
$node->safe_psql('sections', q{SELECT journey_privacy.protect('"Early".visit', 'visitor', occurred_at => 'at'); GRANT SELECT ON "Early".visit TO analyst});
is($node->safe_psql('sections', $seen), $before, 'protected again, the same is seen');

# Not somebody who was erased since.
$node->safe_psql('sections', q{CALL journey_privacy.erase('customer_id:9')});
$node->safe_psql('sections', $restored);
is(restore('sections', '--section=pre-data', '--section=data', "$dumps/table"), '', 'one table, from before an erasure');
like(failure('sections', q{SELECT journey_privacy.protect('"Early".visit', 'visitor', occurred_at => 'at')}),
	qr/erased/, 'is not protected again as it is');
$node->safe_psql('sections', q{DELETE FROM "Early".visit WHERE journey_privacy.is_erased(visitor);
	SELECT journey_privacy.protect('"Early".visit', 'visitor', occurred_at => 'at')});
is($node->safe_psql('sections', q{SELECT count(*) FROM "Early".visit WHERE visitor = 'customer_id:9'}), '0', 'but without whom was erased');

# Over a database with other protected tables.
$node->safe_psql('disabled', q{CREATE TABLE later (who journey_privacy.pseudonym); SELECT journey_privacy.protect('later', 'who')});
like(restore('disabled', '--clean', '--if-exists', '--single-transaction', "$dumps/all"),
	qr/cannot drop extension journey_privacy or parts of it while tables are protected/,
	'over a database that has more, the extension stays');
is($node->safe_psql('disabled', $seen), $before, 'and all else with it');
$node->stop;
done_testing();
