# A new key moves every pseudonym, and with it rows from partition to partition
# where that is what tables are divided by: by hash, by range, below another
# level, with rows of people who are erased and withheld, and where the guard
# leaves out whom nothing permits.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('spread');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring(), journey_privacy.create_purpose('analytics', 'consent');
	CREATE TABLE by_hash (n int, who journey_privacy.pseudonym) PARTITION BY HASH (who);
	SELECT format('CREATE TABLE by_hash_%s PARTITION OF by_hash FOR VALUES WITH (MODULUS 5, REMAINDER %s)', r, r)
	FROM generate_series(0, 4) r \gexec
	CREATE TABLE by_range (n int, who journey_privacy.pseudonym) PARTITION BY RANGE (who);
	CREATE TABLE by_range_low PARTITION OF by_range FOR VALUES FROM (MINVALUE) TO ('p1_g00000000000000000000000');
	CREATE TABLE by_range_rest (who journey_privacy.pseudonym, n int) PARTITION BY LIST (n);
	ALTER TABLE by_range ATTACH PARTITION by_range_rest DEFAULT;
	CREATE TABLE by_range_one PARTITION OF by_range_rest FOR VALUES IN (1);
	CREATE TABLE by_range_others PARTITION OF by_range_rest DEFAULT;
	CREATE TABLE by_number (n int, who journey_privacy.pseudonym) PARTITION BY RANGE (n);
	CREATE TABLE by_number_all PARTITION OF by_number DEFAULT;
	CREATE TABLE heir (n int, who journey_privacy.pseudonym);
	CREATE TABLE heir_child () INHERITS (heir);
	SELECT journey_privacy.protect('by_hash', 'who', collected_for => '{analytics}', on_refused => 'skip'),
	       journey_privacy.protect('by_range', 'who'), journey_privacy.protect('by_number', 'who'), journey_privacy.protect('heir', 'who');
	SELECT journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', n), 'analytics', true) FROM generate_series(1, 100) n;});
my @tables = ('by_hash', 'by_range', 'by_number', 'heir_child');
$node->safe_psql('postgres', "INSERT INTO $_ (n, who) SELECT n, journey_privacy.pseudonymize('customer_id', n % 100 + 1) FROM generate_series(1, 300) n")
  foreach @tables;
# rows are there, though nothing would let them in any more
$node->safe_psql('postgres', q{
	SELECT journey_privacy.withdraw(journey_privacy.pseudonymize('customer_id', n), 'analytics') FROM generate_series(1, 50) n;
	SELECT journey_privacy.place_hold('a lawsuit', subject => 'customer_id:70');
	CALL journey_privacy.erase('customer_id:70')});

# Each row with its number and, if it is known, the person it is about
my $content = join ' UNION ALL ', map { qq{
	SELECT '$_' AS t, t.n, t.journey_subject, i.i FROM $_ t LEFT JOIN generate_series(1, 100) i(i)
	ON t.who = journey_privacy.pseudonymize('customer_id', i.i)} } @tables;
my $before = $node->safe_psql('postgres', "$content ORDER BY 1, 2");
like($before, qr/^by_hash\|69\|\d*\|70$/m, 'rows of somebody who is withheld are there');
foreach my $round (2, 3)
{
	my $places = $node->safe_psql('postgres', 'SELECT tableoid::regclass, n FROM by_hash ORDER BY 2');
	is($node->safe_psql('postgres', q{SELECT journey_privacy.rotate_key('pseudonym'); SELECT journey_privacy.rekey_pseudonyms()}), "$round\n1200",
		"key $round: every row is moved");
	is($node->safe_psql('postgres', "$content ORDER BY 1, 2"), $before, "key $round: the same rows, numbers and people");
	isnt($node->safe_psql('postgres', 'SELECT tableoid::regclass, n FROM by_hash ORDER BY 2'), $places, "key $round: in other partitions");
	is($node->safe_psql('postgres', join ' UNION ALL ', map { "SELECT DISTINCT left(who::text, 3) FROM $_" } @tables), join("\n", ("p${round}_") x 4),
		"key $round: and none of an old key");
}
$node->stop;
done_testing();
