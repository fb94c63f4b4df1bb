# A package brings the new library first, ALTER EXTENSION UPDATE comes later: in
# between, objects that the library knows of are missing.  Whichever they are,
# no session crashes, nobody sees more than before, and what cannot be done
# says so.  The subjects and some others at random: JP_SEED repeats a run,
# JP_ALL tries all.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{JP_SEED} // int(rand(1_000_000));
diag "JP_SEED=$seed";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('older');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
allow_system_table_mods = on
# a worker for each database
max_worker_processes = 32
# a template has no session, not even a worker
journey_privacy.audit = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE analyst; CREATE DATABASE shop');
$node->safe_psql('shop', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring(), journey_privacy.create_purpose('analytics', 'consent');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz, event text);
	CREATE TABLE page (id int, visit int REFERENCES visit);
	CREATE TABLE letter (reader journey_privacy.pseudonym, text journey_privacy.sealed);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '1 year'),
	       journey_privacy.allow('analyst', 'analytics');
	GRANT SELECT ON visit TO analyst;
	INSERT INTO visit SELECT n, journey_privacy.pseudonymize('customer_id', n % 10), now(), 'home' FROM generate_series(1, 50) n;
	INSERT INTO letter VALUES ('customer_id:1', journey_privacy.seal('customer_id:1', 'Dear'));
	SELECT journey_privacy.record_consent(('customer_id:' || n)::journey_privacy.pseudonym, 'analytics', true) FROM generate_series(1, 3) n});

my @work = (
	q{INSERT INTO visit VALUES (100, 'customer_id:1', now(), 'buy'), (101, 'customer_id:99', now(), 'buy')},
	q{UPDATE visit SET event = 'cart' WHERE id < 10},
	q{SELECT journey_privacy.record_consent('customer_id:4', 'analytics', true)},
	q{SELECT journey_privacy.withdraw('customer_id:2', 'analytics')},
	q{SELECT journey_privacy.link_identity('customer_id:1', 'email:ann@example.com')},
	q{SELECT journey_privacy.unseal('customer_id:1', text) FROM letter},
	q{SELECT * FROM journey_privacy.preview_erasure('customer_id:3')},
	q{CALL journey_privacy.erase('customer_id:3')},
	q{SELECT journey_privacy.export_subject('customer_id:1')},
	q{CALL journey_privacy.purge_expired()},
	q{CALL journey_privacy.process_requests()},
	q{SELECT * FROM journey_privacy.why('visit', 'customer_id:1', 'analyst', 'analytics')},
	q{SELECT * FROM journey_privacy.funnel('visit', ARRAY['home', 'buy'], within => '1 day')},
	q{SELECT * FROM journey_privacy.discover('public')},
	q{SELECT * FROM journey_privacy.verify_audit()},
	q{CREATE TABLE made AS SELECT * FROM visit; DROP TABLE made},
	q{SELECT journey_privacy.rekey_pseudonyms()},
	q{SELECT journey_privacy.unprotect('visit'); SELECT journey_privacy.protect('visit', 'visitor')});
my $read = q{SET ROLE analyst; SET journey_privacy.purpose = analytics; SELECT id FROM visit ORDER BY id};
my $seen = $node->safe_psql('shop', $read);
$node->safe_psql('shop', q{UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'journey_privacy'});
my @tables = split /\n/, $node->safe_psql('shop', q{
	SELECT c.oid::regclass FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
	WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'journey_privacy')
	  AND c.relkind IN ('r', 'p', 'S', 'v') AND c.oid::regclass::text !~ '\.(protection|audit_entry)$'
	  -- the sequence of an identity column does not go without it
	  AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = d.classid AND i.objid = c.oid AND i.deptype = 'i') ORDER BY 1});
cmp_ok(scalar @tables, '>', 30, 'there is much that could be missing');
my $subject = 'journey_privacy.subject';
@tables = grep { $_ ne $subject } @tables;
@tables = map { splice @tables, int(rand(scalar @tables)), 1 } 1 .. 7 if !$ENV{JP_ALL};
unshift @tables, $subject;

$node->append_conf('postgresql.conf', 'journey_privacy.audit = all');
$node->reload;
foreach my $missing (@tables)
{
	$node->safe_psql('postgres', 'CREATE DATABASE older TEMPLATE shop');
	$node->safe_psql('older', qq{
		DELETE FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass;
		SET client_min_messages = error;
		SET session_replication_role = replica;
		SELECT format('DROP %s $missing CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END)
		FROM pg_class WHERE oid = '$missing'::regclass \\gexec});
	my ($status, $out, $err) = $node->psql('older', $read);
	ok($status == 0 ? $out eq $seen : $err =~ /ERROR:/, "without $missing: nobody sees more");
	# A session goes on after each error, and must not lose its server.  Without
	# its tables the audit waits.
	($status, $out, $err) = $node->psql('older', join(";\n", "SET statement_timeout = '5s'", @work, ''), on_error_stop => 0);
	is($status, 0, "without $missing: no crash") or diag($err);
	like($err, qr/Run ALTER EXTENSION journey_privacy UPDATE/, 'what the library itself looks for comes with the way out')
	  if $missing eq $subject;
	like($node->safe_psql('older', q{SELECT finding FROM journey_privacy.doctor() WHERE "check" = 'extension_version'}),
		qr/is version 0\.0\.9, the library that is installed is version/, "without $missing: the doctor says so");
	$node->safe_psql('postgres', 'DROP DATABASE older WITH (FORCE)');
}
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no crash in the log');
$node->stop;
done_testing();
