# Scrubbing a server with a standby: the files of both hold nothing of who was
# erased; who holds dead rows is named; writers are not disturbed.
use strict;
use warnings;

use File::Copy;
use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical', extra => [ '-E', 'UTF8', '--locale=C' ]);
$primary->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
autovacuum = off
max_prepared_transactions = 5
wal_receiver_status_interval = 1
journey_privacy.keyring_file = '} . $primary->basedir . q{/keyring'});
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	CREATE EXTENSION amcheck;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('analytics', 'consent');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, note text, tags text[]);
	CREATE INDEX ON visit (visitor);
	CREATE INDEX ON visit (note);
	CREATE INDEX ON visit USING gin (tags);
	CREATE INDEX ON visit USING brin (note) WITH (pages_per_range = 1);
	CREATE INDEX ON visit USING spgist (note);
	CREATE TABLE purchase (id int PRIMARY KEY, visit int REFERENCES visit, address text, letter text);
	CREATE INDEX ON purchase (visit);
	CREATE INDEX ON purchase USING hash (address);
	CREATE INDEX ON purchase (upper(address));
	ALTER TABLE purchase ALTER letter SET STORAGE EXTERNAL;
	SELECT journey_privacy.protect('visit', subject => 'visitor');
	CREATE TABLE reminder (purchase int, body text);
	CREATE INDEX ON reminder (body);
	SELECT journey_privacy.link_table('reminder', '{purchase}', 'purchase', '{id}');
	CREATE MATERIALIZED VIEW addresses AS SELECT p.id, address FROM purchase p;
	CREATE UNIQUE INDEX ON addresses (id);});

# Writes that leave something behind: many versions of rows, of two people who
# are erased among others.
my @gone = ('customer_id:canary-seven', 'customer_id:canary-thirteen');
my @canary = ('canary-seven', 'canary-thirteen', 'CANARY-THIRTEEN', 'anary-thirteen');
sub canary { my ($n) = @_; return "CASE $n WHEN 7 THEN 'canary-seven' WHEN 13 THEN 'canary-thirteen' ELSE 'person-' || $n END" }
my $who = canary('n % 20');
$primary->safe_psql('postgres', qq{
	INSERT INTO visit SELECT n, ('customer_id:' || $who)::journey_privacy.pseudonym, $who || n, ARRAY[$who, n::text]
	  FROM generate_series(1, 3000) n;
	SELECT journey_privacy.record_consent(('customer_id:' || $who)::journey_privacy.pseudonym, 'analytics', true)
	  FROM generate_series(0, 19) n;
	INSERT INTO purchase SELECT n, n, $who || ' street ' || n, CASE WHEN n % 10 = 7 THEN repeat($who, 300) END
	  FROM generate_series(1, 3000) n;
	INSERT INTO reminder SELECT n, $who || ' owes ' || n FROM generate_series(1, 3000) n;
	REFRESH MATERIALIZED VIEW addresses;
	ANALYZE reminder, visit, purchase, addresses;
	UPDATE visit SET note = note || '!' WHERE id % 3 = 0;
	UPDATE purchase SET address = address || ' north' WHERE id % 2 = 0;
	SELECT journey_privacy.withdraw(('customer_id:' || $who)::journey_privacy.pseudonym, 'analytics')
	  FROM generate_series(0, 19) n;
	VACUUM visit;
	UPDATE visit SET note = rtrim(note, '!') WHERE id % 6 = 0;});
push @canary, map {
	pack('H*', $primary->safe_psql('postgres', "SELECT encode('$_'::journey_privacy.pseudonym::bytea, 'hex')"))
} @gone;

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
copy($primary->basedir . '/keyring', $standby->basedir . '/keyring') or die "copy: $!";
chmod 0600, $standby->basedir . '/keyring' or die "chmod: $!";
$standby->append_conf('postgresql.conf',
	"journey_privacy.keyring_file = '" . $standby->basedir . "/keyring'");
$standby->start;

# Files of a node's databases that hold one of the canaries.
sub files
{
	my ($node) = @_;
	my @found;
	my $pattern = join '|', map { quotemeta } @canary;

	$node->safe_psql('postgres', 'CHECKPOINT');
	find({ no_chdir => 1, wanted => sub {
		my $bytes = -f $_ ? slurp_file($_) : '';
		push @found, $_ =~ s/.*\///r if $bytes =~ /$pattern/;
	} }, $node->data_dir . '/base');
	return scalar @found;
}

# Everything that residue() tells of the tables of a node, in forks with pages.
my $tables = q{(SELECT oid::regclass AS t FROM pg_class WHERE relkind IN ('r', 'm')
	AND (relnamespace IN ('public'::regnamespace, 'journey_privacy'::regnamespace)
	     OR relname IN ('pg_statistic', 'pg_statistic_ext_data')))};
my $residue = qq{SELECT r.relation, r.fork, r.dead_tuples, r.hole_bytes, r.padding_bytes, r.occurrences
	FROM $tables t, journey_privacy.residue(t.t, '{$gone[0],$gone[1]}') r
	WHERE r.fork = 'main' ORDER BY r.relation::text COLLATE "C"};
sub left_over
{
	my ($node) = @_;
	return $node->safe_psql('postgres', "SELECT * FROM ($residue) r
		WHERE dead_tuples > 0 OR hole_bytes > 0 OR padding_bytes > 0 OR occurrences > 0");
}

sub scrub
{
	my ($arguments, %more) = @_;
	my ($ret, $out, $err) = $primary->psql('postgres', "CALL journey_privacy.scrub($arguments)", %more);
	return $err =~ s/^psql:<stdin>:\d+: //mgr;
}

cmp_ok(files($primary), '>', 10, 'people are in many files');
$primary->safe_psql('postgres', "CALL journey_privacy.erase('$_')") for @gone;
$primary->wait_for_catchup($standby);
cmp_ok(files($primary), '>', 10, 'also when they have been erased');
cmp_ok(files($standby), '>', 10, 'and on the standby');
isnt(left_over($primary), '', 'residue() sees it');
isnt(left_over($standby), '', 'there, too');

# Who holds dead rows: a snapshot, a prepared transaction, a slot, a standby.
my $session = $primary->background_psql('postgres');
$primary->safe_psql('postgres', 'CREATE TABLE held (email text); INSERT INTO held VALUES (1), (2)');
$session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM held');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$primary->safe_psql('postgres', q{DELETE FROM held WHERE email = '1'});
my $said = scrub(q{'held'});
like($said, qr/WARNING:  1 deleted rows of public.held cannot be removed yet\nDETAIL:  Held by: process $pid\./,
	'a session is named');
like($said, qr/NOTICE:  level L1 of erasure/, 'and the level that is reached');
$session->query_safe('COMMIT');
is(scrub(q{'held'}), 'NOTICE:  level L3 of erasure is reached (tables: 1, materialized views: 0)',
	'when it has gone, nothing holds');
$primary->safe_psql('postgres', q{BEGIN; CREATE TABLE other (); PREPARE TRANSACTION 'two'});
$primary->safe_psql('postgres', q{DELETE FROM held});
like(scrub(q{'held'}), qr/Held by: prepared transaction 'two'\./, 'a prepared transaction is named');
$primary->safe_psql('postgres', q{ROLLBACK PREPARED 'two'});
$standby->append_conf('postgresql.conf', 'hot_standby_feedback = on');
$standby->reload;
my $reader = $standby->background_psql('postgres');
$primary->safe_psql('postgres', 'INSERT INTO held VALUES (3)');
$primary->wait_for_catchup($standby);
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM held');
$primary->poll_query_until('postgres', 'SELECT backend_xmin IS NOT NULL FROM pg_stat_replication') or die 'no feedback';
sleep 2.5;
$primary->safe_psql('postgres', q{DELETE FROM held});
like(scrub(q{'held'}), qr/Held by: standby standby \(process \d+\)\./, 'a standby is named');
$reader->quit;
$standby->append_conf('postgresql.conf', 'hot_standby_feedback = off');
$standby->reload;
$primary->poll_query_until('postgres', 'SELECT backend_xmin IS NULL FROM pg_stat_replication') or die 'still feedback';
# what ANALYZE replaces is held by whoever reads catalogs
$primary->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('reader', 'pgoutput')});
$said = scrub(q{'visit', rebuild_indexes => false});
like($said, qr/deleted rows of pg_catalog.pg_statistic cannot be removed yet\nDETAIL:  Held by: replication slot reader\./,
	'a replication slot is named, which holds catalogs only');
unlike($said, qr/rows of public.visit/, 'and not the table');
like($said, qr/NOTICE:  level L2 /, 'so statistics are not clean');
$primary->safe_psql('postgres', q{SELECT pg_drop_replication_slot('reader')});

# Those who may call it but not vacuum everything are told what is left out.
$primary->safe_psql('postgres', q{
	CREATE ROLE officer LOGIN;
	GRANT EXECUTE ON PROCEDURE journey_privacy.scrub(regclass, boolean) TO officer});
$said = scrub('', extra_params => [ '-U', 'officer' ]);
like($said, qr/WARNING:  permission denied to scrub public.visit, skipping it/, 'a table of others is left');
like($said, qr/NOTICE:  level L1 of erasure is reached \(tables: 0, materialized views: 0\)/, 'the level says so');

# All at once.
is(scrub(''), 'NOTICE:  level L3 of erasure is reached (tables: '
	  . $primary->safe_psql('postgres', q{SELECT count(*) + 2 FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'journey_privacy'::regnamespace})
	  . ', materialized views: 1)', 'everything is scrubbed');
$primary->safe_psql('postgres', 'DROP TABLE held');
is(left_over($primary), '', 'nothing is left');
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $residue), $primary->safe_psql('postgres', $residue),
	'and on the standby the same');
is(files($primary), 0, 'no file holds who was erased');
$primary->wait_for_catchup($standby);	# the checkpoint, without which none happens there
is(files($standby), 0, 'none of the standby');
is($primary->safe_psql('postgres', q{
	SELECT count(*) FROM visit; SELECT count(*) FROM purchase; SELECT count(*) FROM reminder;
	SELECT count(*) FROM addresses}), "2700\n2700\n2700\n2700", 'everybody else is there');
my ($ret, $out, $err) = $standby->psql('postgres', 'CALL journey_privacy.scrub()');
like($err, qr/cannot execute scrub\(\) during recovery/, 'standbys follow their primary');

# While others write, by the simple and by the extended protocol.
$primary->safe_psql('postgres', q{
	CREATE TABLE busy (id int PRIMARY KEY, email text, n int, tags text[]);
	CREATE INDEX ON busy (email);
	CREATE INDEX ON busy USING gin (tags);
	CREATE INDEX ON busy USING gist (int4range(n, n + 1));
	CREATE INDEX ON busy USING brin (email);
	INSERT INTO busy SELECT i, 'person' || i, 0, ARRAY['tag' || i % 10] FROM generate_series(1, 2000) i;
	CREATE SEQUENCE busy_id START 2001;
	CREATE TABLE written (id int)});
my $dir = $primary->basedir;
append_to_file("$dir/write.sql", q{
\set id random(1, 2000)
BEGIN;
UPDATE busy SET n = n + 1, email = email || '.' WHERE id = :id;
SELECT nextval('busy_id') AS new \gset
INSERT INTO busy VALUES (:new, 'person' || :new, 1, ARRAY['new']);
DELETE FROM busy WHERE id = :new AND :id % 2 = 0;
INSERT INTO written VALUES (CASE WHEN :id % 2 = 0 THEN 1 ELSE 2 END);
COMMIT;
SELECT count(*) FROM busy WHERE email BETWEEN 'person1' AND 'person2';
SELECT count(*) FROM busy WHERE tags @> '{tag3}';
});
append_to_file("$dir/scrub.sql", "CALL journey_privacy.scrub('busy');\nSELECT 1;\n");
my @bench = ('pgbench', '-n', '-h', $primary->host, '-p', $primary->port);
my ($wrote, $errors) = ('', '');
my $writers = IPC::Run::start([ @bench, '-c', 4, '-T', 8, '-f', "$dir/write.sql", 'postgres' ],
	'>', \$wrote, '2>', \$errors);
my ($scrubbed, $failed) = ('', '');
IPC::Run::run([ @bench, '-M', $_, '-t', 3, '-f', "$dir/scrub.sql", 'postgres' ], '>>', \$scrubbed, '2>>', \$failed)
  for qw(simple extended prepared);
$writers->finish;
is(() = $scrubbed =~ /number of transactions actually processed: 3\/3/g, 3, 'scrubbed by every protocol');
unlike("$failed$errors", qr/ERROR|FATAL|PANIC|aborted/, 'without an error to anybody');
cmp_ok(() = $failed =~ /level L3 of erasure/g, '>=', 9, 'and to level L3 each time')
  or diag($failed);
is($primary->safe_psql('postgres', q{
	SELECT (SELECT sum(n) FROM busy) = (SELECT sum(id) FROM written);
	SELECT count(*) FROM verify_heapam('busy');
	SELECT count(bt_index_check(indexrelid, true)) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
	  WHERE indrelid = 'busy'::regclass AND relam = 403;
	SELECT count(*) FROM pg_index WHERE indrelid = 'busy'::regclass AND NOT indisvalid;
	SET enable_seqscan = off;
	SELECT count(*) = (SELECT count(*) FROM (SELECT email FROM busy OFFSET 0) b WHERE email < 'person5')
	  FROM busy WHERE email < 'person5'}), "t\n0\n2\n0\nt", 'every row that was written is there, and sound');
$primary->safe_psql('postgres', q{CALL journey_privacy.scrub('busy')});
$primary->wait_for_catchup($standby);
my $busy = q{SELECT sum(dead_tuples), sum(hole_bytes), sum(padding_bytes) FROM journey_privacy.residue('busy')};
is($primary->safe_psql('postgres', $busy), '0|0|0', 'afterwards it is clean');
is($standby->safe_psql('postgres', $busy), '0|0|0', 'here and there');
is($standby->safe_psql('postgres', 'SELECT sum(n) FROM busy'),
	$primary->safe_psql('postgres', 'SELECT sum(n) FROM busy'), 'with the same rows');

# A crash in the middle costs nothing but the work.
$primary->safe_psql('postgres', q{UPDATE busy SET email = email || '-'});
my $crash = IPC::Run::start([ 'psql', '-X', '-d', $primary->connstr('postgres'), '-c', 'CALL journey_privacy.scrub()' ],
	'>', \$wrote, '2>', \$errors);
sleep 0.3;
$primary->stop('immediate');
$crash->finish;
$primary->start;
is($primary->safe_psql('postgres', q{
	SELECT count(*) FROM verify_heapam('busy');
	SELECT count(bt_index_check(indexrelid, true)) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
	  WHERE indrelid = 'busy'::regclass AND relam = 403 AND indisvalid}), "0\n2", 'sound after a crash');
$primary->safe_psql('postgres', q{CALL journey_privacy.scrub('busy')});
is($primary->safe_psql('postgres', $busy), '0|0|0', 'and clean when it is done again');
$session->quit;

done_testing();
