# The floor without preloading: from the first statement of a session on, a
# purpose whose access is aggregates gives answers and no rows, parallel workers
# included; and a dump carries floor and access along.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $refused = qr/ERROR:  42501: rows of protected table "(visit|call)" may not be read for purpose "answers"/;

# One psql of its own for each call: the statement is the first of its session.
sub ask
{
	my ($node, $sql, $database) = @_;

	local $ENV{PGOPTIONS} = '-c journey_privacy.purpose=answers -c parallel_setup_cost=0'
	  . ' -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0';
	my ($ret, $out, $err) = $node->psql($database // 'postgres', $sql,
		extra_params => [ '-U', 'analyst', '-v', 'VERBOSITY=verbose' ]);
	return ($out, $err);
}

sub refused
{
	my ($node, $sql, $name) = @_;
	my ($out, $err) = ask($node, $sql);

	is($out, '', "$name: no rows");
	like($err, $refused, $name);
	return;
}

my $node = PostgreSQL::Test::Cluster->new('alone');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf',
	"journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE analyst LOGIN;
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('answers', 'consent', min_group => 10, access => 'aggregates');
	SELECT journey_privacy.allow('analyst', 'answers');
	CREATE TABLE visit (visitor journey_privacy.pseudonym, at timestamptz, event text) WITH (parallel_workers = 2);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at');
	SELECT count(journey_privacy.record_consent(('customer_id:' || i)::journey_privacy.pseudonym, 'answers', true))
	  FROM generate_series(1, 25) i;
	INSERT INTO visit SELECT ('customer_id:' || 1 + i % 40)::journey_privacy.pseudonym, now(), 'home'
	  FROM generate_series(1, 2000) i;
	ANALYZE visit;
	CREATE TABLE call (visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('call', 'visitor');
	GRANT SELECT ON visit, call TO analyst;
});

refused($node, 'SELECT count(*) FROM visit', 'a read');
refused($node, 'SELECT FROM visit WHERE false', 'a read of nothing');
refused($node, 'COPY visit TO stdout', 'a copy');
refused($node, 'DO $$ BEGIN PERFORM FROM visit; END $$', 'a read in a block');
refused($node, q{SELECT query_to_xml('TABLE visit', true, false, '')}, 'a read by text');
refused($node, 'BEGIN; DECLARE c CURSOR WITH HOLD FOR TABLE visit; COMMIT; FETCH ALL FROM c', 'a cursor');

is((ask($node, q{SELECT journey_privacy.subject_count('visit')}))[0], '20', 'an answer');
my ($out, $err) = ask($node, q{SELECT journey_privacy.subject_count('visit'); SELECT event FROM visit});
is($out, '20', 'an answer, and nothing after it');
like($err, $refused, 'a read after an answer');

# what a function of the DBA's reads as the caller is no part of the answer
$node->safe_psql('postgres', q{
	CREATE FUNCTION peek() RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
	  $$ BEGIN RETURN (SELECT count(*) > 0 FROM call); END $$;
	CREATE POLICY peek ON visit AS RESTRICTIVE FOR SELECT USING (peek());
});
refused($node, q{SELECT journey_privacy.subject_count('visit')}, 'a policy that reads while an answer is planned');
$node->safe_psql('postgres', 'ALTER FUNCTION peek() STABLE');
refused($node, q{SELECT journey_privacy.subject_count('visit')}, 'a policy that reads within an answer');
$node->safe_psql('postgres', 'DROP POLICY peek ON visit');

$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->run_log([ 'bash', '-c', 'pg_dump -d postgres | psql -q -d copy' ]);
is($node->safe_psql('copy', 'SELECT name, min_group, access FROM journey_privacy.purpose'),
	'answers|10|aggregates', 'a dump carries floor and access');
is((ask($node, q{SELECT journey_privacy.subject_count('visit')}, 'copy'))[0], '20', 'an answer from the copy');

$node->stop;
done_testing();
