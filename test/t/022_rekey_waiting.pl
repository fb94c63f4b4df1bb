
# Whoever waits for rekey_pseudonyms() goes on under the new key: what it then
# writes is about the same person, and the next key finds everything in order.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('rekey');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
autovacuum = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('agreed', 'consent');
	CREATE TABLE visit (id int, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('visit', 'visitor');
	CREATE TABLE sale (id int, customer bigint);
	SELECT journey_privacy.protect('sale', 'customer', kind => 'customer_id');
	CREATE TABLE letter (id int, body journey_privacy.sealed);
	INSERT INTO visit SELECT i, journey_privacy.pseudonymize('customer_id', i) FROM generate_series(1, 20) i;
	INSERT INTO letter SELECT i, journey_privacy.seal(journey_privacy.pseudonymize('customer_id', i), 'Dear') FROM generate_series(1, 10) i;
	SELECT journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', i), 'agreed', true) FROM generate_series(1, 20) i;});
my $script = slurp_file('test/invariants.sql');

my $bit = q{SELECT get_bit(b.bits, s.number) FROM journey_privacy.subject s, journey_privacy.permitted b
	WHERE s.pseudonym = 'customer_id:%d' AND b.purpose = 'agreed'};

# [person, what waits, what tells that it was done, and the answer]
my @waiting = (
	[ 1, q{SELECT journey_privacy.withdraw('customer_id:1', 'agreed')}, sprintf($bit, 1), '0' ],
	[ 2, q{SELECT journey_privacy.record_consent('customer_id:2', 'agreed', false)}, sprintf($bit, 2), '0' ],
	[ 3, q{SELECT journey_privacy.record_consents(ARRAY['customer_id:3']::journey_privacy.pseudonym[], '{agreed}', '{f}')}, sprintf($bit, 3), '0' ],
	[ 4, q{SELECT journey_privacy.restrict_processing('customer_id:4')}, sprintf($bit, 4), '0' ],
	[ 5, q{CALL journey_privacy.erase('customer_id:5')}, q{SELECT count(*) FROM visit WHERE id = 5}, '0' ],
	[ 6, q{CALL journey_privacy.erase_many('{customer_id:6}')}, q{SELECT journey_privacy.is_erased('customer_id:6')}, 't' ],
	[ 7, q{BEGIN; CALL journey_privacy.erase('customer_id:7'); COMMIT}, q{SELECT count(*) FROM visit WHERE id = 7}, '0' ],
	[ 8, q{SELECT journey_privacy.place_hold('in court', subject => 'customer_id:8')},
		q{SELECT DISTINCT action FROM journey_privacy.preview_erasure('customer_id:8') WHERE relation = 'visit'::regclass}, 'withhold' ],
	[ 9, q{SELECT journey_privacy.shred_keys('customer_id:9')},
		q{SELECT journey_privacy.unseal('customer_id:9', body) IS NULL FROM letter WHERE id = 9}, 't' ],
	[ 11, q{INSERT INTO letter VALUES (11, journey_privacy.seal('customer_id:11', 'Dear'))},
		q{SELECT journey_privacy.unseal('customer_id:11', body) FROM letter WHERE id = 11}, 'Dear' ],
	[ 12, q{SELECT journey_privacy.link_identity('customer_id:12', 'customer_id:13'), journey_privacy.link_identity('customer_id:14', 'customer_id:112')},
		q{SELECT count(*) FROM journey_privacy.subject WHERE head IS NOT NULL}, '2' ],
	[ 15, q{INSERT INTO visit VALUES (115, 'customer_id:15'), (116, 'customer_id:116')}, q{SELECT count(DISTINCT journey_subject) FROM visit WHERE id IN (15, 115, 116)}, '2' ],
	[ 17, q{INSERT INTO sale VALUES (17, 17), (117, 117)}, q{SELECT count(DISTINCT t.journey_subject) FROM sale t JOIN journey_privacy.subject s
		ON s.number = t.journey_subject AND s.pseudonym = journey_privacy.pseudonymize('customer_id', t.customer)}, '2' ],
	[ 18, q{SELECT journey_privacy.open_request('restriction', 'customer_id:18', verified => true)},
		'CALL journey_privacy.process_requests(); ' . sprintf($bit, 18), '0' ]);

my @registered = split /\n/, $node->safe_psql('postgres', 'SELECT count(*) FROM journey_privacy.subject');
for my $case (@waiting)
{
	my ($person, $sql, $asked, $answer) = @$case;
	my $name = substr($sql, 0, 60);
	$node->safe_psql('postgres', q{SELECT journey_privacy.rotate_key('pseudonym')});
	my $rekey = $node->background_psql('postgres');
	$rekey->query_safe('BEGIN; SELECT journey_privacy.rekey_pseudonyms()');
	my $writer = $node->background_psql('postgres');
	my $pid = $writer->query_safe('SELECT pg_backend_pid()');
	# the key of before is known to the session
	$writer->query_safe(q{SELECT journey_privacy.is_erased('customer_id:1')});
	$writer->query_until(qr/started/, "\\echo started\n$sql;\n");
	$node->poll_query_until('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid")
	  or die "it does not wait: $sql";
	$rekey->query_safe('COMMIT');
	$writer->quit;
	$rekey->quit;
	is($node->safe_psql('postgres', $asked), $answer, "$name: done, and to whom it was meant");
	my ($status, $out) = $node->psql('postgres', $script);
	is(join(', ', $status, grep { !/ ok$/ } split /\n/, $out), '0', "$name: invariants hold");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE id = 8}), '1', 'the held are there');
$node->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:8')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE id = 8}), '1', 'and stay when they are erased');
$node->stop;
done_testing();
