# The published batch, row by row; and nothing of it that is not mapped is
# anywhere in the data directory.
use strict;
use warnings;

use File::Find;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = ($ENV{JP_DATA} // '') . '/mparticle_batch.json';
plan skip_all => 'the published batch is not here (JP_DATA)' unless -f $file;

my $node = PostgreSQL::Test::Cluster->new('batch');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
log_statement = 'ddl'
log_parameter_max_length_on_error = 0
log_min_error_statement = 'panic'
wal_level = logical
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('analytics', 'consent');
	SELECT journey_privacy.create_purpose('marketing', 'consent');
	SELECT journey_privacy.create_purpose('sale', 'opt_out');
	SELECT journey_privacy.map_consent('mparticle', 'gdpr:analytics', 'analytics');
	SELECT journey_privacy.map_consent('mparticle', 'gdpr:marketing', 'marketing');
	SELECT journey_privacy.map_consent('mparticle', 'ccpa:data_sale_opt_out', 'sale');
	CREATE TABLE visit (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text NOT NULL, props jsonb, event_id bigint, session_id text);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', collected_for => '{analytics}', on_refused => 'skip');
	SELECT journey_privacy.map_mparticle('visit', 'event', 'props', 'event_id', '{"session_id": "session_id"}');});

# as an application sends it: a parameter, by the extended protocol
my $batch = slurp_file($file);
sub ingest
{
	my ($json) = @_;
	my $out = '';
	open my $script, '>', $node->basedir . '/batch.json' or die $!;
	print $script $json;
	close $script;
	# pgbench binds what a shell command says, but only numbers; psql 15 binds nothing
	return $node->safe_psql('postgres', q{SELECT * FROM journey_privacy.ingest_mparticle(pg_read_file('} . $node->basedir . q{/batch.json')::jsonb)});
}

is(ingest($batch), '7|7|0|0|0|4|0|3', 'the batch is taken in: seven events, four aliases, three decisions');
is(ingest($batch), '7|0|7|0|0|0|0|0', 'and once only');
is($node->safe_psql('postgres', q{SET timezone = 'UTC'; SELECT at, event, event_id, session_id FROM visit ORDER BY event_id}), <<'ROWS' =~ s/\n\z//r, 'each row: times to the millisecond, ids of 64 bits');
2023-11-14 22:13:20+00|session_start|5333365338074280000|6051321688317951794
2023-11-14 22:13:21+00|screen_view|5333365338074280001|6051321688317951794
2023-11-14 22:13:22+00|Search|5333365338074280002|6051321688317951794
2023-11-14 22:13:23+00|add_to_cart|5333365338074280003|6051321688317951794
2023-11-14 22:13:24+00|purchase|5333365338074280004|6051321688317951794
2023-11-14 22:13:24.1+00|user_attribute_change|5333365338074280005|6051321688317951794
2023-11-14 22:13:24.5+00|session_end|5333365338074280006|6051321688317951794
ROWS
is($node->safe_psql('postgres', q{SELECT DISTINCT k FROM visit, jsonb_object_keys(props) k ORDER BY 1}),
	join("\n", qw(currency_code custom_event_type is_non_interactive product_action query results screen_name session_duration_ms user_attribute_name)),
	'what events say of themselves, and nothing else');
is($node->safe_psql('postgres', q{SELECT props #>> '{product_action,total_amount}' FROM visit WHERE event = 'purchase'}), '94.85', 'amounts are exact');
is($node->safe_psql('postgres', q{
	SELECT i, coalesce(s.head, s.number) = (SELECT number FROM journey_privacy.subject WHERE pseudonym = 'customer_id:cust-000123')
	FROM unnest('{customer_id:cust-000123,email:johndoe@example.com,mobile_number:+4915112345678,mpid:7346244611012968789,other_id_2:loyalty-77,
		ios_advertising_id:613ea528-afc1-422c-97eb-ea627c8293bc,ios_idfv:44ff7538-ddf4-404f-9e8a-944bf5f75ff3,device_id:a1b2c3d4-6f0e-4c55-9a2e-3f6f4b1d9e01}'::text[]) i
	LEFT JOIN journey_privacy.subject s ON s.pseudonym = i::journey_privacy.pseudonym ORDER BY 1}), <<'ROWS' =~ s/\n\z//r, 'identities of the person are aliases, those of the device are not');
customer_id:cust-000123|t
device_id:a1b2c3d4-6f0e-4c55-9a2e-3f6f4b1d9e01|
email:johndoe@example.com|t
ios_advertising_id:613ea528-afc1-422c-97eb-ea627c8293bc|
ios_idfv:44ff7538-ddf4-404f-9e8a-944bf5f75ff3|
mobile_number:+4915112345678|t
mpid:7346244611012968789|t
other_id_2:loyalty-77|t
ROWS
is($node->safe_psql('postgres', q{SET timezone = 'UTC'; SELECT purpose, granted, decided_at FROM journey_privacy.consent_of('email:johndoe@example.com') ORDER BY 1}),
	"analytics|t|2023-11-14 19:26:40+00\nmarketing|f|2023-11-14 19:26:40+00\nsale|f|2023-11-14 19:26:40+00", 'decisions; opted out of the sale is a no');

# Files below the data directory that hold a string: heap, indexes, WAL, logs, statistics.
sub files_with
{
	my ($string) = @_;
	my @found;
	find({ no_chdir => 1, wanted => sub {
		return unless -f $_ && open my $in, '<:raw', $_;
		local $/;
		push @found, $_ if index(lc(<$in> // ''), lc $string) >= 0;
	} }, $node->data_dir);
	return join ' ', @found;
}
$node->safe_psql('postgres', 'ANALYZE; CHECKPOINT; SELECT journey_privacy.checkpoint_audit()');
$node->stop;
isnt(files_with('trail shoes'), '', 'the search finds what is there');
is(files_with($_), '', "nowhere: $_") for 'johndoe', '15112345678', '613ea528-afc1-422c-97eb-ea627c8293bc', '203.0.113.142', 'cust-000123', 'loyalty-77',
	'7346244611012968789', 'a1b2c3d4-6f0e-4c55-9a2e-3f6f4b1d9e01', '44ff7538-ddf4-404f-9e8a-944bf5f75ff3', '740f4707bebcf74f9b7c25d48e335894',
	'52.5309', 'iPhone', 'Telekom', 'Berlin', 'globex', '7fa67be4-f83a-429f-9d73-38b660c50825', 'appsflyer';
$node->start;

# What was taken in is known after the key of the traces has changed.
$node->safe_psql('postgres', q{SELECT journey_privacy.rotate_key('tombstone')});
is(ingest($batch), '7|0|7|0|0|0|0|0', 'known by the trace of an earlier key');
my $json = JSON::PP->new->allow_bignum->canonical;
my $other = $json->decode($batch);
$other->{source_request_id} = 'another';
push @{ $other->{events} }, { event_type => 'first_run', data => { event_id => 1, timestamp_unixtime_ms => 1700000006000 } };
is(ingest($json->encode($other)), '8|1|7|0|0|0|0|0', 'its events, too; only the new one is added');

# Mapped, it is stored.
$node->safe_psql('postgres', q{
	ALTER TABLE visit ADD ip inet, ADD os text, ADD lat float8, ADD plan jsonb;
	SELECT journey_privacy.map_mparticle('visit', 'event', 'props', 'event_id',
		'{"ip": "ip", "os": "device_info.platform", "lat": "location.latitude", "plan": "context.data_plan"}', '{customer_id,email,mpid,ios_idfv}');
	DELETE FROM visit; DELETE FROM journey_privacy.ingested});
is(ingest($batch), '7|7|0|0|0|1|0|0', 'again, with more that is mapped: a device too');
is($node->safe_psql('postgres', q{SELECT count(*), count(lat), min(lat), min(host(ip)), min(os), min(plan::text) FROM visit}),
	'7|1|52.5309|203.0.113.142|iOS|{"plan_id": "retail_app", "plan_version": 3}', 'is stored');

# A dump takes the mapping along, and what is known.
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'restored');
is($node->safe_psql('restored', q{SELECT * FROM journey_privacy.ingest_mparticle(pg_read_file('} . $node->basedir . q{/batch.json')::jsonb)}),
	'7|0|7|0|0|0|0|0', 'what was taken in before the dump is known after it');
$node->safe_psql('restored', 'DROP TABLE visit');
is($node->safe_psql('restored', 'SELECT count(*) FROM journey_privacy.mparticle_mapping'), '0', 'a dropped table takes its mapping along');
done_testing();
