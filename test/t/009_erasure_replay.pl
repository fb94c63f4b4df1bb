
# A backup brings back people who were erased after it; the erasure ledger,
# which lies outside, tells who they are.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('kept');
my $ledger = $node->basedir . '/erased';
my $settings = q{
shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '} . $node->basedir . qq{/keyring'
journey_privacy.erasure_ledger_file = '$ledger'
};
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ], allows_streaming => 1);
$node->append_conf('postgresql.conf', $settings);
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('agreed', 'consent');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('visit', 'visitor');
	CREATE TABLE page (id int, visit int REFERENCES visit);
	INSERT INTO visit SELECT i, journey_privacy.pseudonymize('customer_id', i % 10) FROM generate_series(1, 100) i;
	INSERT INTO page SELECT i, i FROM generate_series(1, 100) i;
	SELECT journey_privacy.link_identity('customer_id:1', 'email:one@example.com');});

# before the backup: erased, and come back
$node->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:9')});
$node->safe_psql('postgres', q{SELECT journey_privacy.record_consent('customer_id:9', 'agreed', true);
	INSERT INTO visit VALUES (900, 'customer_id:9');});
$node->backup('before');

# after it: at top level, many, in a block, rolled back
$node->safe_psql('postgres', $_) for
  q{CALL journey_privacy.erase('customer_id:1')},
  q{DO $$ DECLARE receipt jsonb; BEGIN CALL journey_privacy.erase_many(
	ARRAY['customer_id:2', 'customer_id:3']::journey_privacy.pseudonym[], receipt => receipt); END $$},
  q{BEGIN; CALL journey_privacy.erase('customer_id:4'); COMMIT},
  q{BEGIN; CALL journey_privacy.erase('customer_id:5'); ROLLBACK},
  q{BEGIN; SAVEPOINT s; CALL journey_privacy.erase('customer_id:6'); ROLLBACK TO s; COMMIT};
my $written = slurp_file($ledger);
is(() = $written =~ /^erased \S+ \S+ \S+ end$/mg, 4, 'one line for each erasure that was committed');
unlike($written, qr/customer_id|email|one\@example|p1_/, 'which names nobody');
is((stat($ledger))[2] & 0777, 0600, 'nobody else reads it');

# A crash cuts a line short: it is left alone, and the next begins anew.
append_to_file($ledger, 'erased 00000000-0000-4000-8000-000000000000 2026');
$node->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:7')});
is(() = slurp_file($ledger) =~ /^erased \S+ \S+ \S+ end$/mg, 5, 'after a line cut short another begins');

# What cannot be remembered is not erased.
$node->stop;
rename $ledger, "$ledger.away";
mkdir $ledger;
$node->start;
my ($code, $out, $err) = $node->psql('postgres', q{CALL journey_privacy.erase('customer_id:8')});
like($err, qr/the erasure ledger could not be/, 'no ledger, no erasure');
is($node->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE visitor = 'customer_id:8'}), '10', 'nothing is deleted');
rmdir $ledger;
rename "$ledger.away", $ledger;
is($node->safe_psql('postgres', q{SELECT journey_privacy.is_erased('customer_id:8')}), 'f', 'nor is anything noted');
$node->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:8')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE visitor = 'customer_id:8'}), '0', 'until it is mended');
$node->append_conf('postgresql.conf', "journey_privacy.erasure_ledger_file = 'inside'");
$node->reload;
($code, $out, $err) = $node->psql('postgres', q{CALL journey_privacy.erase('customer_id:0')});
like($err, qr/must be an absolute path outside the data directory/, 'nor one that is restored along with the data');
$node->stop;

my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($node, 'before');
$restored->start;
my $counts = q{SELECT string_agg(i || ' ' || n, ', ' ORDER BY i) FROM (SELECT i, count(v.id) AS n
	FROM generate_series(0, 9) i LEFT JOIN visit v ON v.visitor = journey_privacy.pseudonymize('customer_id', i) GROUP BY i) c};
is($restored->safe_psql('postgres', $counts),
	'0 10, 1 10, 2 10, 3 10, 4 10, 5 10, 6 10, 7 10, 8 10, 9 1', 'the backup brings them back');
$restored->safe_psql('postgres', 'CALL journey_privacy.replay_erasures()');
my $erased = '0 10, 1 0, 2 0, 3 0, 4 0, 5 10, 6 10, 7 0, 8 0, 9 1';
is($restored->safe_psql('postgres', $counts), $erased,
	'the replay erases them again, not who had come back, nor whose erasure was rolled back');
is($restored->safe_psql('postgres', q{SELECT count(*) FROM page p LEFT JOIN visit v ON v.id = p.visit WHERE v.id IS NULL}),
	'0', 'with all that belongs to them');
is($restored->safe_psql('postgres', q{SELECT journey_privacy.is_erased('email:one@example.com')}), 't', 'by every identity');
is($restored->safe_psql('postgres', q{SELECT bool_and(journey_privacy.verify_receipt(receipt)) FROM journey_privacy.erasure}),
	't', 'with receipts');
$restored->safe_psql('postgres', 'CALL journey_privacy.replay_erasures()');
is($restored->safe_psql('postgres', $counts), $erased, 'and nothing more a second time');
$restored->stop;
done_testing();
