
# purge_expired() scheduled with pg_cron, where Debian's package is there or can
# be installed before the server was copied.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $lib = `pg_config --pkglibdir`;
chomp $lib;
plan skip_all => 'pg_cron is not installed (Debian: postgresql-15-cron)' unless -f "$lib/pg_cron.so";

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy, pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
max_worker_processes = 20
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	CREATE EXTENSION pg_cron;
	SELECT journey_privacy.create_keyring();
	CREATE TABLE visit (visitor journey_privacy.pseudonym, at timestamptz, event text);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '100 days');
	INSERT INTO visit SELECT journey_privacy.pseudonymize('customer_id', 9330000 + i), now() - i * interval '1 day' + interval '12 hours'
	  FROM generate_series(1, 200) i;
	SELECT cron.schedule('purge', '* * * * *', 'CALL journey_privacy.purge_expired(batch => 10)');});

# at the next full minute
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded'}), 'it was run');
is($node->safe_psql('postgres', q{SELECT count(*) FROM visit}), '100', 'what was too old is gone');
is($node->safe_psql('postgres', q{SELECT deleted, state FROM journey_privacy.purge_run ORDER BY started_at LIMIT 1}),
	'100|done', 'and there is a receipt');
is($node->safe_psql('postgres', q{SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'}), '0', 'nothing failed');
done_testing();
