# A streaming standby: policies are enforced there, what changes on the primary
# counts once it is replayed, in sessions, cursors and prepared statements that
# were there before too, and nothing in the read path writes.
use strict;
use warnings;

use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C' ]);
$primary->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
autovacuum = off
journey_privacy.keyring_file = '} . $primary->basedir . q{/keyring'});
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE ROLE analyst LOGIN;
	CREATE ROLE visitor LOGIN;
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('analytics', 'consent');
	SELECT journey_privacy.create_purpose('ads', 'opt_out');
	SELECT journey_privacy.create_purpose('brief', 'consent', consent_valid_for => '9600 hours');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym);
	CREATE TABLE purchase (id int PRIMARY KEY, visit int REFERENCES visit);
	SELECT journey_privacy.protect('visit', subject => 'visitor');
	SELECT journey_privacy.allow('analyst', 'analytics'), journey_privacy.allow('analyst', 'ads'),
	  journey_privacy.allow('analyst', 'brief');
	GRANT SELECT ON visit, purchase TO analyst, visitor;
	INSERT INTO visit SELECT n, ('customer_id:' || n % 5)::journey_privacy.pseudonym
	  FROM generate_series(1, 100) n;
	INSERT INTO purchase SELECT n, n FROM generate_series(1, 100) n;
	SELECT journey_privacy.record_consent(('customer_id:' || n)::journey_privacy.pseudonym,
	                                      'analytics', true) FROM generate_series(0, 3) n;});

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
copy($primary->basedir . '/keyring', $standby->basedir . '/keyring') or die "copy: $!";
chmod 0600, $standby->basedir . '/keyring' or die "chmod: $!";
$standby->append_conf('postgresql.conf',
	"journey_privacy.keyring_file = '" . $standby->basedir . "/keyring'");
$standby->start;
$primary->wait_for_catchup($standby);

# What an analyst's new session sees for a purpose.
sub seen
{
	my ($node, $purpose, $role) = @_;
	my ($ret, $out, $err) = $node->psql('postgres',
		'SELECT count(*), count(DISTINCT visitor) FROM visit',
		extra_params => [ '-U', $role // 'analyst' ],
		connstr => $node->connstr('postgres')
		  . " options='-c journey_privacy.purpose=$purpose'");
	return $err =~ /(ERROR: .*)/ ? $1 : $out;
}

# Does it on the primary and waits until the standby has replayed it.
sub change
{
	my ($sql) = @_;

	$primary->safe_psql('postgres', $sql);
	$primary->wait_for_catchup($standby);
	return;
}

# Like query(), but what an error said counts as the answer.
sub answer
{
	my ($session, $sql) = @_;

	$session->{stderr} = '';
	my $out = $session->query($sql);
	return $session->{stderr} =~ /(ERROR: .*)/ ? $1 : $out;
}

my $not_allowed = 'ERROR:  role "%s" is not allowed to read protected table "visit" for purpose "%s"';

is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'this is a standby');
is(seen($standby, 'analytics'), '80|4', 'consenting people only');
is(seen($standby, 'ads'), '100|5', 'another purpose, another answer');
is(seen($standby, ''), 'ERROR:  no purpose is set for reading protected table "visit"',
	'refused without a purpose');
is(seen($standby, 'sales'), 'ERROR:  purpose "sales" does not exist', 'refused for an unknown one');
is(seen($standby, 'analytics', 'visitor'), sprintf($not_allowed, 'visitor', 'analytics'),
	'refused to a role without it');
is($standby->safe_psql('postgres', q{
	SELECT journey_privacy.pseudonymize('customer_id', 1) = visitor FROM visit WHERE id = 1}),
	't', 'identities find their rows');

# Sessions that are there before anything changes.
my $session = $standby->background_psql('postgres', extra_params => [ '-U', 'analyst' ],
	on_error_stop => 0);
answer($session, 'SET journey_privacy.purpose = analytics');
answer($session, 'SET plan_cache_mode = force_generic_plan');
answer($session, 'PREPARE q AS SELECT count(*) FROM visit');
is(answer($session, 'EXECUTE q'), '80', 'a prepared statement');
my $reader = $standby->background_psql('postgres', extra_params => [ '-U', 'analyst' ],
	on_error_stop => 0);
answer($reader, 'SET journey_privacy.purpose = analytics');
answer($reader, 'BEGIN; DECLARE c CURSOR FOR SELECT id FROM visit');
is(answer($reader, 'FETCH 2 FROM c'), "1\n2", 'a cursor');
my $keeper = $standby->background_psql('postgres', extra_params => [ '-U', 'analyst' ],
	on_error_stop => 0);
answer($keeper, 'SET journey_privacy.purpose = analytics');
answer($keeper, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
is(answer($keeper, 'SELECT count(*) FROM visit'), '80', 'a transaction with a view of its own');

change(q{SELECT journey_privacy.withdraw('customer_id:3', 'analytics')});
is(seen($standby, 'analytics'), '60|3', 'a withdrawal counts once replayed');
is(answer($session, 'EXECUTE q'), '60', 'for a prepared statement');
is(answer($reader, 'FETCH 3 FROM c'), "5\n6\n7", 'for the next FETCH of a cursor');
is(answer($keeper, 'SELECT count(*) FROM visit'), '80', 'but not under REPEATABLE READ');
is(answer($keeper, 'COMMIT; SELECT count(*) FROM visit'), '60', 'until the next transaction');
answer($reader, 'COMMIT');

change(q{SELECT journey_privacy.record_consent('customer_id:4', 'analytics', true)});
is(answer($session, 'EXECUTE q'), '80', 'so does a consent');
change(q{SELECT journey_privacy.restrict_processing('customer_id:4')});
is(answer($session, 'EXECUTE q'), '60', 'a restriction');
change(q{SELECT journey_privacy.object_to('customer_id:0', 'ads')});
is(seen($standby, 'ads'), '60|3', 'and an objection');
change(q{CALL journey_privacy.erase('customer_id:2')});
is(answer($session, 'EXECUTE q'), '40', 'an erasure');
is($standby->safe_psql('postgres', q{
	SELECT count(*) FROM visit WHERE visitor = 'customer_id:2';
	SELECT count(*) FROM purchase WHERE visit IN (SELECT n FROM generate_series(2, 100, 5) n);
	SELECT journey_privacy.is_erased('customer_id:2')}), "0\n0\nt", 'leaves nothing here either');
change(q{INSERT INTO visit VALUES (1000, 'customer_id:1')});
is(answer($session, 'EXECUTE q'), '41', 'new rows');

# Consent runs out by the clock: nobody writes anything, here or there.  On the
# primary the chunk of bits stays as it was, so the standby itself has to know.
$primary->safe_psql('postgres', q{
	SELECT journey_privacy.record_consent('customer_id:0', 'brief', true),
	       journey_privacy.record_consent('customer_id:1', 'brief', true,
	         at => now() - interval '9600 hours' + interval '3 seconds')});
$primary->wait_for_catchup($standby);
my $written = q{
	SELECT number, get_bit(bits, number) FROM journey_privacy.permitted, journey_privacy.subject
	WHERE purpose = 'brief' AND chunk = number / 8192
	  AND pseudonym IN ('customer_id:0', 'customer_id:1') ORDER BY number};
is($primary->safe_psql('postgres', $written) =~ s/^\d+\|//mgr, "1\n1", 'two who agreed');
$standby->poll_query_until('postgres', q{
	SELECT next_expiry <= now() FROM journey_privacy.permitted WHERE purpose = 'brief'})
  or die 'time stands still';
is(seen($standby, 'brief'), '20|1', 'consent that has run out is no consent');
is($primary->safe_psql('postgres', $written) =~ s/^\d+\|//mgr, "1\n1",
	'though nobody has written that down');

# configuration
change(q{SELECT journey_privacy.disallow('analyst', 'analytics')});
is(answer($session, 'EXECUTE q'), sprintf($not_allowed, 'analyst', 'analytics'),
	'a purpose taken away is refused in a session from before');
is(seen($standby, 'analytics'), sprintf($not_allowed, 'analyst', 'analytics'), 'and in a new one');
change(q{
	SELECT journey_privacy.allow('visitor', 'analytics');
	CREATE TABLE later (id int, visitor journey_privacy.pseudonym);
	INSERT INTO later VALUES (1, 'customer_id:0'), (2, 'customer_id:3');
	GRANT SELECT ON later TO analyst;
	SELECT journey_privacy.protect('later', 'visitor')});
is(seen($standby, 'analytics', 'visitor'), '41|2', 'one that is given is not');
is(answer($session, 'SELECT id FROM later'),
	'ERROR:  role "analyst" is not allowed to read protected table "later" for purpose "analytics"',
	'a table protected since is known in a session from before');
is(answer($session, 'SET journey_privacy.purpose = ads; SELECT id FROM later'), '2', 'and read');

# Nothing that reads writes, on the primary neither.
is($primary->safe_psql('postgres', q{
	BEGIN;
	SET LOCAL ROLE analyst;
	SET LOCAL journey_privacy.purpose = brief;
	SELECT count(*) FROM visit;
	SELECT count(*) FROM visit JOIN purchase ON visit = visit.id;
	RESET ROLE;
	SELECT count(journey_privacy.is_erased(visitor)), count(journey_privacy.scoped(visitor, 'x'))
	  FROM visit;
	SELECT pg_current_xact_id_if_assigned() IS NULL;
	COMMIT}), "20\n20\n81|81\nt", 'reading takes no transaction id');
is(seen($primary, 'brief'), '20|1', 'the primary says the same');

# Where there is no key, there is nothing to read.
my $kept = $standby->basedir . '/keyring';
rename $kept, "$kept.away" or die "rename: $!";
is(seen($standby, 'ads'), 'ERROR:  no keyring', 'refused without the keyring');
rename "$kept.away", $kept or die "rename: $!";
is(seen($standby, 'ads'), '41|2', 'and not with it');

# writing is refused by PostgreSQL, with its own words
like(answer($session, q{SELECT journey_privacy.record_consent('customer_id:1', 'ads', true)}),
	qr/permission denied/, 'no decisions by whoever may not make them');
my ($ret, $out, $err) = $standby->psql('postgres',
	q{SELECT journey_privacy.record_consent('customer_id:1', 'ads', true)},
	extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
like($err, qr/ERROR:  25006/, 'decisions are made on the primary');
$_->quit for $session, $reader, $keeper;

# The standby takes over.
my $max = $primary->safe_psql('postgres', 'SELECT max(number) FROM journey_privacy.subject');
$primary->stop;
$standby->promote;
is(seen($standby, 'ads'), '41|2', 'promoted, it enforces as before');
$standby->safe_psql('postgres', q{
	INSERT INTO visit VALUES (2000, 'customer_id:new'), (2001, 'customer_id:1');
	SELECT journey_privacy.record_consent('customer_id:new', 'brief', true)});
is($standby->safe_psql('postgres',
		"SELECT journey_subject > $max FROM visit WHERE id = 2000"),
	't', 'new subjects get fresh numbers');
is(seen($standby, 'brief'), '21|2', 'and decide');
($ret, $out, $err) = $standby->psql('postgres',
	q{INSERT INTO visit VALUES (2002, 'customer_id:2')});
like($err, qr/its subject has been erased/, 'who was erased stays away');

done_testing();
