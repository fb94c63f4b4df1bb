# The primary fails while it works, and a standby takes over with the same
# keyring: the audit goes on as one log, erasures that were under way come to
# their end, what was withheld stays withheld, requests go on.
use strict;
use warnings;

use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('first');
$primary->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C' ]);
$primary->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
log_line_prefix = '%m [%p] %b '
journey_privacy.keyring_file = '} . $primary->basedir . q{/keyring'
journey_privacy.erasure_ledger_file = '} . $primary->basedir . q{/erased'});
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE ROLE analyst;
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring(), journey_privacy.create_purpose('analytics', 'legitimate_interests'),
	       journey_privacy.allow('analyst', 'analytics');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym);
	CREATE TABLE page (id int PRIMARY KEY, visit int REFERENCES visit);
	CREATE INDEX ON page (visit);
	SELECT journey_privacy.protect('visit', 'visitor');
	GRANT SELECT ON visit TO analyst;
	INSERT INTO visit SELECT n, journey_privacy.pseudonymize('customer_id', n % 10) FROM generate_series(1, 30000) n;
	INSERT INTO page SELECT n, n FROM generate_series(1, 30000) n});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('second');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
foreach my $file ('keyring', 'erased')
{
	# the ledger may not be there yet
	append_to_file($primary->basedir . "/$file", '');
	copy($primary->basedir . "/$file", $standby->basedir . "/$file") or die "copy: $!";
	chmod 0600, $primary->basedir . "/$file", $standby->basedir . "/$file" or die "chmod: $!";
}
$standby->append_conf('postgresql.conf', "journey_privacy.keyring_file = '" . $standby->basedir . "/keyring'
journey_privacy.erasure_ledger_file = '" . $standby->basedir . "/erased'");
$standby->start;
$primary->wait_for_catchup($standby);

my $read = q{SET ROLE analyst; SET journey_privacy.purpose = analytics; SELECT count(*) FROM visit};
is($standby->safe_psql('postgres', $read), '30000', 'the standby is read');

# What is open when the primary fails: an erasure on hold, requests, and an
# erasure between two of its batches.
my $hold = $primary->safe_psql('postgres', q{SELECT journey_privacy.place_hold('a lawsuit', subject => 'customer_id:5')});
$primary->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:5', 'asked', md5('5')::uuid)});
my $request = $primary->safe_psql('postgres', q{
	SELECT journey_privacy.open_request('erasure', 'customer_id:6', verified => true)});
$primary->safe_psql('postgres', $read);
my $kept = $primary->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
$primary->safe_psql('postgres', q{
	CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
	  $$ BEGIN IF OLD.id = 29004 THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN OLD; END $$;
	CREATE TRIGGER stop BEFORE DELETE ON page FOR EACH ROW EXECUTE FUNCTION stop()});
my $other = $primary->background_psql('postgres');
$other->query_safe('SELECT pg_advisory_lock(7)');
my $eraser = $primary->background_psql('postgres', on_error_stop => 0);
my $pid = $eraser->query_safe('SELECT pg_backend_pid()');
$eraser->query_until(qr/started/, q{\echo started
	CALL journey_privacy.erase('customer_id:4', 'asked', md5('4')::uuid);
	});
$primary->poll_query_until('postgres', "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $pid")
  or die 'the erasure does not wait';
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT journey_privacy.is_erased('customer_id:4'), state FROM journey_privacy.erasure
	WHERE request_id = md5('4')::uuid}), 't|erasing', 'on the standby the erasure is under way, too');
my $seen = $standby->safe_psql('postgres', $read);
is($seen, '24000', 'nobody sees its subject, nor the one that is withheld');
my $state = q{SELECT size, checked = size, broken_entry IS NULL FROM journey_privacy.verify_audit()};
my $sealed = (split /\|/, $standby->safe_psql('postgres', q{SELECT count(*) FROM journey_privacy.audit_entry}))[0];
$primary->stop('immediate');
eval { $_->{run}->finish } foreach $eraser, $other;

# The standby takes over; it must not start an audit of its own.
$standby->promote;
is($standby->safe_psql('postgres', $read), $seen, 'promoted, it shows as much');
$standby->safe_psql('postgres', 'DROP FUNCTION stop() CASCADE');
my $next = $standby->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
is((split /\n/, $next)[0], (split /\n/, $kept)[0], 'the audit has the same name');
my ($size, $all, $whole) = split /\|/, $standby->safe_psql('postgres', $state);
is("$all$whole", 'tt', 'is whole');
cmp_ok($size, '>', $sealed, 'and has grown');
is($standby->safe_psql('postgres', q{SELECT max(number) + 1 = count(*) FROM journey_privacy.audit_entry}), 't', 'without a gap');
is($standby->safe_psql('postgres', "SELECT broken_entry IS NULL FROM journey_privacy.verify_audit('$kept')"), 't',
	'and holds to the checkpoint of the primary that was kept elsewhere');

# Everything goes on to its end.
$standby->safe_psql('postgres', 'CALL journey_privacy.resume_erasures()');
$standby->safe_psql('postgres', 'CALL journey_privacy.process_requests()');
is($standby->safe_psql('postgres', q{
	SELECT count(*) FROM visit WHERE visitor IN ('customer_id:4', 'customer_id:6');
	SELECT count(*) FROM page p WHERE NOT EXISTS (SELECT FROM visit v WHERE v.id = p.visit);
	SELECT state, journey_privacy.verify_receipt(receipt) FROM journey_privacy.erasure WHERE request_id = md5('4')::uuid;
	SELECT count(*) FROM journey_privacy.tombstone WHERE erasing AND erased_at IS NULL}), "0\n0\ndone|t\n0",
	'the erasure that was under way, and the one that was requested, are done');
is($standby->safe_psql('postgres', "SELECT status FROM journey_privacy.request WHERE id = '$request'"), 'completed', 'the request is completed');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE visitor = 'customer_id:5'}), '3000', 'what was withheld still is');
$standby->safe_psql('postgres', "CALL journey_privacy.release_hold('$hold')");
is($standby->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE visitor = 'customer_id:5'}), '0', 'until the hold is released');
$standby->safe_psql('postgres', q{INSERT INTO visit VALUES (40000, 'customer_id:new'); SELECT journey_privacy.rotate_key('seal')});
is($standby->safe_psql('postgres', q{SELECT count(*), count(DISTINCT number) = count(*) FROM journey_privacy.subject}), '8|t', 'and new subjects come');
is($standby->safe_psql('postgres', $state) =~ s/^\d+\|//r, 't|t', 'the audit is whole to the end');
unlike(slurp_file($standby->logfile), qr/terminated by signal|PANIC|journey_privacy audit (ERROR|FATAL)/, 'no trouble in the log');

# The new primary has its own erasure ledger; a backup of the first, from before
# all this, opened beside the two of them comes to the same.
append_to_file($standby->basedir . '/erased', slurp_file($primary->basedir . '/erased'));
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($primary, 'backup');
foreach my $file ('keyring', 'erased')
{
	copy($standby->basedir . "/$file", $restored->basedir . "/$file") or die "copy: $!";
	chmod 0600, $restored->basedir . "/$file" or die "chmod: $!";
}
$restored->append_conf('postgresql.conf', "journey_privacy.keyring_file = '" . $restored->basedir . "/keyring'
journey_privacy.erasure_ledger_file = '" . $restored->basedir . "/erased'");
$restored->start;
$restored->safe_psql('postgres', 'CALL journey_privacy.replay_erasures()');
is($restored->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE visitor IN ('customer_id:4', 'customer_id:6')}), '0',
	'a restored backup is brought to the erased state by the ledgers of both');
$_->stop foreach $standby, $restored;
done_testing();
