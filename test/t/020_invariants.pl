
# test/invariants.sql: clean over everything that a database can have, also for
# a purpose that comes after an erasure was withheld, and on a standby; and each
# of its lines goes red, alone, when what it says is broken with a superuser's power.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('invariants');
$node->init(allows_streaming => 1, extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
autovacuum = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
my $script = slurp_file('test/invariants.sql');

# Exit status, and violations by invariant.
sub invariants
{
	my ($on) = @_;
	my ($status, $out, $err) = ($on // $node)->psql('postgres', $script);
	my %found = map { /^(.*?)[ .]* (ok|\d+) ?(?:violated)?$/ ? ($1 => $2) : ($_ => 'no line') } split /\n/, $out;
	return ($status, \%found, $err);
}

sub is_clean
{
	my ($when, $on) = @_;
	my ($status, $found, $err) = invariants($on);
	my @red = grep { $found->{$_} ne 'ok' } sort keys %$found;
	is("$status @red", '0 ', "$when: clean") or diag $err;
	return $found;
}

$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();});
is_clean('nothing in it');

# One of everything.
$node->safe_psql('postgres', q{
	SELECT journey_privacy.create_purpose('agreed', 'consent', consent_valid_for => '13 months');
	SELECT journey_privacy.create_purpose('shop', 'opt_out');
	SELECT journey_privacy.create_purpose('books', 'legal_obligation');
	CREATE ROLE analyst;
	SELECT journey_privacy.allow('analyst', 'shop');
	CREATE TABLE visit (id int, visitor journey_privacy.pseudonym, at timestamptz NOT NULL, event text NOT NULL)
		PARTITION BY RANGE (at);
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '1000 days');
	CREATE TABLE visit_old PARTITION OF visit FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
	CREATE TABLE visit_new PARTITION OF visit FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
	CREATE TABLE sale (id int, customer bigint);
	SELECT journey_privacy.protect('sale', 'customer', kind => 'customer_id');
	CREATE TABLE call (id int, caller journey_privacy.pseudonym);
	SELECT journey_privacy.protect('call', 'caller', number_column => NULL);
	CREATE TABLE chat (id int, who text);
	SELECT journey_privacy.protect('chat', 'who', kind => 'email', number_column => NULL);
	SELECT journey_privacy.create_journey_store('visit', 'visit_days', '1 day');
	INSERT INTO visit SELECT i, journey_privacy.pseudonymize('customer_id', 1 + i % 40),
		now() - make_interval(days => i), 'page ' || i % 7 FROM generate_series(1, 900) i;
	INSERT INTO sale SELECT i, 1 + i % 30 FROM generate_series(1, 100) i;
	INSERT INTO call SELECT i, journey_privacy.pseudonymize('customer_id', 1 + i % 20) FROM generate_series(1, 50) i;
	INSERT INTO chat VALUES (1, 'Ann@Example.com'), (2, 'bob@example.com');
	SELECT journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', i), 'agreed', i % 3 > 0,
		now() - make_interval(days => i)) FROM generate_series(1, 35) i;
	SELECT journey_privacy.record_consent('customer_id:7', 'agreed', false, now() - interval '2 days');
	SELECT journey_privacy.record_consent('customer_id:8', 'agreed', true, now() - interval '14 months');
	SELECT journey_privacy.record_consent('customer_id:99', 'agreed', true, now() - interval '14 months');
	SELECT journey_privacy.record_consent('customer_id:4', 'shop', false);
	SELECT journey_privacy.restrict_processing('customer_id:5');
	SELECT journey_privacy.link_identity('customer_id:6', 'email:six@example.com'),
	       journey_privacy.link_identity('customer_id:7', 'customer_id:8'),
	       journey_privacy.link_identity('customer_id:9', 'customer_id:10');
	SELECT journey_privacy.unlink_identity('customer_id:10');
	SELECT journey_privacy.restrict_processing('customer_id:7');
	CREATE TABLE letter AS SELECT i AS id, journey_privacy.seal(journey_privacy.pseudonymize('customer_id', i), 'Dear') AS body
		FROM generate_series(1, 5) i;
	CREATE TABLE taken AS SELECT visitor, journey_subject, event FROM visit;
	SELECT journey_privacy.refresh_journey_store('visit_days');
	SELECT journey_privacy.open_request('access', 'customer_id:1', verified => true);
	SELECT journey_privacy.open_request('access', 'customer_id:2', verified => true, callback_urls => '{https://a.example/}');
	SELECT journey_privacy.open_request('erasure', 'customer_id:3', verified => true);
	SELECT journey_privacy.open_request('access', 'customer_id:4');
	SELECT journey_privacy.refuse_request(journey_privacy.open_request('rectification', 'customer_id:4'), 'not shown to be wrong');
	SELECT journey_privacy.extend_request(journey_privacy.open_request('objection', 'customer_id:4'), 'many requests');
	CALL journey_privacy.process_requests();
	CALL journey_privacy.purge_expired();
	CALL journey_privacy.erase('customer_id:11');
	CALL journey_privacy.erase_many(ARRAY['customer_id:12', 'customer_id:13', 'customer_id:6', 'email:ann@example.com']::journey_privacy.pseudonym[]);
	SELECT journey_privacy.place_hold('in court', subject => 'customer_id:14', "table" => 'sale');
	CALL journey_privacy.erase('customer_id:14', request_id => '00000000-0000-4000-8000-000000000014');
	SELECT journey_privacy.record_consent('customer_id:15', 'agreed', true);
	SELECT journey_privacy.restrict_processing('customer_id:15'), journey_privacy.place_hold('evidence', subject => 'customer_id:15');
	CALL journey_privacy.erase('customer_id:15');
	SELECT journey_privacy.record_consent('customer_id:15', 'shop', true);
	INSERT INTO visit SELECT i, journey_privacy.pseudonymize('customer_id', 20), now(), 'more' FROM generate_series(1, 5) i;});
is_clean('one of everything');
$node->safe_psql('postgres', q{
	SELECT journey_privacy.create_purpose('later', 'opt_out');
	SELECT journey_privacy.allow('analyst', 'later');
	GRANT SELECT ON sale TO analyst});
is_clean('a purpose that came later');
is($node->safe_psql('postgres', q{
	SET ROLE analyst; SET journey_privacy.purpose = 'later'; SELECT count(*) FROM sale WHERE customer = 14}),
	'0', 'what a hold keeps of the erased is not shown for a purpose that comes later');

$node->safe_psql('postgres', q{SELECT journey_privacy.link_identity('customer_id:15', 'email:fifteen@example.com')});
is($node->safe_psql('postgres', q{
	SELECT granted IS NULL, restricted FROM journey_privacy.consent_of('customer_id:15') WHERE purpose = 'agreed'}),
	't|f', 'what a hold keeps of the ledger does not come into force again');
is_clean('somebody who came back');

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is_clean('on a standby', $standby);
$standby->stop;

# A superuser's way around what keeps a table: [table, trigger] is off meanwhile.
sub without
{
	my ($table, $trigger, $sql) = @_;
	return "ALTER TABLE $table DISABLE TRIGGER $trigger; $sql; ALTER TABLE $table ENABLE ALWAYS TRIGGER $trigger";
}

# Puts a table of ours back as it was.
sub saved { my ($table) = @_; return "CREATE TABLE public.saved AS TABLE journey_privacy.$table" }
sub restored
{
	my ($table) = @_;
	# whoever leaves the registry leaves other tables too
	return 'UPDATE journey_privacy.subject s SET head = o.head, linked = o.linked, restricted = o.restricted FROM public.saved o'
	  . ' WHERE o.number = s.number; DELETE FROM journey_privacy.subject WHERE number NOT IN (SELECT number FROM public.saved);'
	  . ' DROP TABLE public.saved' if $table eq 'subject';
	return "DELETE FROM journey_privacy.$table; INSERT INTO journey_privacy.$table OVERRIDING SYSTEM VALUE TABLE public.saved; DROP TABLE public.saved";
}

my $someone = "(SELECT number FROM journey_privacy.subject WHERE pseudonym = 'customer_id:20')";
my $ledger = 'journey_privacy.consent_event';
my $agreed = "purpose = 'agreed' AND number = $someone";

# [the line that goes red, what breaks it, table of ours to be put back or statements that mend it]
my @mutations = (
	[ 'row security is on', 'ALTER TABLE visit_new NO FORCE ROW LEVEL SECURITY', \'ALTER TABLE visit_new FORCE ROW LEVEL SECURITY' ],
	[ 'the policies are restrictive', 'ALTER POLICY journey_privacy_delete ON visit_old USING (true)',
		\'ALTER POLICY journey_privacy_delete ON visit_old USING (journey_privacy.permits(tableoid, journey_subject))' ],
	[ 'the insert guard', 'ALTER TABLE sale DISABLE TRIGGER zzz_journey_privacy', \'ALTER TABLE sale ENABLE ALWAYS TRIGGER zzz_journey_privacy' ],
	[ 'partitions and children', 'ALTER EVENT TRIGGER journey_privacy_cover_partitions DISABLE; CREATE TABLE kid () INHERITS (sale); ALTER EVENT TRIGGER journey_privacy_cover_partitions ENABLE',
		\'DROP TABLE kid' ],
	[ 'the columns by which', 'ALTER EVENT TRIGGER journey_privacy_cover_partitions DISABLE; ALTER TABLE chat RENAME who TO person; ALTER EVENT TRIGGER journey_privacy_cover_partitions ENABLE',
		\'ALTER TABLE chat RENAME person TO who', [ 'the policies' ] ],
	[ 'a part is protected', "UPDATE journey_privacy.protection SET on_refused = 'skip' WHERE relation = 'visit_old'::regclass",
		\"UPDATE journey_privacy.protection SET on_refused = 'error' WHERE relation = 'visit_old'::regclass" ],
	[ 'triggers of the extension', "ALTER TABLE $ledger DISABLE TRIGGER append_only", \"ALTER TABLE $ledger ENABLE ALWAYS TRIGGER append_only" ],
	[ 'what is registered', "INSERT INTO journey_privacy.pseudonym_column VALUES (99999999, 'x')", 'pseudonym_column' ],
	[ 'what is allowed', "INSERT INTO journey_privacy.allowance VALUES ('analyst', 'gone')", 'allowance' ],
	[ 'SECURITY DEFINER functions search', 'ALTER FUNCTION journey_privacy.withdraw SET search_path = public',
		\'ALTER FUNCTION journey_privacy.withdraw SET search_path = pg_catalog, pg_temp' ],
	[ [ 'SECURITY DEFINER functions are not', 'functions are no more' ], 'GRANT EXECUTE ON FUNCTION journey_privacy.withdraw TO PUBLIC',
		\'REVOKE EXECUTE ON FUNCTION journey_privacy.withdraw FROM PUBLIC' ],
	[ 'functions are no more', 'GRANT EXECUTE ON FUNCTION journey_privacy.is_erased TO PUBLIC', \'REVOKE EXECUTE ON FUNCTION journey_privacy.is_erased FROM PUBLIC' ],
	[ 'the extension\'s tables', 'GRANT SELECT ON journey_privacy.subject TO PUBLIC', \'REVOKE SELECT ON journey_privacy.subject FROM PUBLIC' ],
	[ 'each kind of key', "UPDATE journey_privacy.key_version SET state = 'retired' WHERE kind = 'scope'", 'key_version' ],
	[ [ 'every pseudonym', 'the ledger is of', 'a decision in force' ], without($ledger, 'append_only',
		"UPDATE $ledger SET subject = ('\\x02'::bytea || substr(subject::bytea, 2))::journey_privacy.pseudonym WHERE subject = 'customer_id:20'"), 'consent_event' ],
	[ 'every data key', 'DELETE FROM journey_privacy.data_key WHERE key_id = (SELECT max(key_id::text)::uuid FROM journey_privacy.data_key)', 'data_key' ],
	[ 'subject numbers', "SELECT setval('journey_privacy.subject_number', 5)", \"SELECT setval('journey_privacy.subject_number', (SELECT max(n) FROM (SELECT number FROM journey_privacy.subject UNION SELECT number FROM journey_privacy.erasure_subject) u(n)))" ],
	[ 'numbers of erased', "INSERT INTO journey_privacy.erasure_subject SELECT request_id, 9, '\\x00', $someone FROM journey_privacy.erasure WHERE state = 'done' LIMIT 1", 'erasure_subject', [ 'tables made of' ] ],
	[ 'an alias leads', "UPDATE journey_privacy.subject SET linked = true WHERE number = $someone", 'subject' ],
	[ 'an alias leads', 'UPDATE journey_privacy.subject SET head = -7 WHERE number = (SELECT max(number) FROM journey_privacy.subject WHERE head IS NOT NULL)', 'subject',
		[ 'a decision in force', 'a subject is restricted' ] ],
	[ 'a decision in force', "UPDATE journey_privacy.consent_state SET decided_at = decided_at + interval '1 s' WHERE $agreed", 'consent_state' ],
	[ [ 'a decision in force', 'the bitmaps show' ], "DELETE FROM journey_privacy.consent_state WHERE $agreed", 'consent_state' ],
	[ 'a decision in force', without($ledger, 'append_only', "INSERT INTO $ledger (subject, id, purpose, decision, at) SELECT subject, gen_random_uuid(), purpose, 'refused', at FROM $ledger WHERE subject = 'customer_id:20'"), 'consent_event' ],
	[ [ 'a subject is restricted', 'the bitmaps show' ], "UPDATE journey_privacy.subject SET restricted = true WHERE number = $someone", 'subject' ],
	[ 'the bitmaps show', "UPDATE journey_privacy.permitted SET bits = set_bit(bits, $someone, 1 - get_bit(bits, $someone)) WHERE purpose = 'shop'", 'permitted' ],
	[ 'the bitmaps show', "DELETE FROM journey_privacy.permitted WHERE purpose = 'shop'", 'permitted', [ 'the bitmaps hide' ] ],
	[ 'the bitmaps know', "UPDATE journey_privacy.permitted SET next_expiry = NULL WHERE purpose = 'agreed'", 'permitted', [ 'the bitmaps show' ] ],
	[ 'the bitmaps hide', "UPDATE journey_privacy.permitted SET bits = set_bit(bits, (SELECT number FROM journey_privacy.erasure_subject WHERE request_id = '00000000-0000-4000-8000-000000000014'), 1) WHERE purpose = 'books'", 'permitted' ],
	[ 'chunks of the bitmaps', "INSERT INTO journey_privacy.permitted VALUES ('gone', 0, '\\x00')", 'permitted' ],
	[ 'every row has', without('sale', 'zzz_journey_privacy', 'UPDATE sale SET journey_subject = journey_subject + 1 WHERE id = 50'),
		\(without('sale', 'zzz_journey_privacy', 'UPDATE sale SET journey_subject = journey_subject - 1 WHERE id = 50')) ],
	[ 'every row has', without('visit_new', 'zzz_journey_privacy', "INSERT INTO visit_new (visitor, at, event) VALUES ('customer_id:20', '2999-01-01', 'x')"),
		\"DELETE FROM visit_new WHERE at = '2999-01-01'" ],
	[ 'every row has', without('visit', 'zzz_journey_privacy', "INSERT INTO visit VALUES (0, 'customer_id:11', '2999-01-01', 'x', (SELECT min(number) FROM journey_privacy.erasure_subject WHERE number >= 0))"),
		\"DELETE FROM visit WHERE at = '2999-01-01'" ],
	[ 'tables without numbers', without('call', 'zzz_journey_privacy', "INSERT INTO call VALUES (0, 'customer_id:11'), (0, 'customer_id:12'), (0, 'customer_id:13')"), \'DELETE FROM call WHERE id = 0' ],
	[ 'tables made of', "INSERT INTO taken (visitor) VALUES ('customer_id:11'), ('customer_id:12'), ('customer_id:13')", \'DELETE FROM taken WHERE event IS NULL' ],
	[ 'tables made of', "INSERT INTO taken (journey_subject) SELECT min(number) FROM journey_privacy.erasure_subject WHERE number >= 0", \'DELETE FROM taken WHERE event IS NULL' ],
	[ 'journey stores', 'DELETE FROM journey_privacy.store_change', 'store_change' ],
	[ 'nobody who was', "INSERT INTO journey_privacy.subject (pseudonym) VALUES ('customer_id:11')", 'subject', [ 'the bitmaps show' ] ],
	[ [ 'ledger and data', 'every data' ], "INSERT INTO journey_privacy.subject_key SELECT journey_privacy.pseudonymize('customer_id', i), gen_random_uuid() FROM generate_series(11, 13) i", 'subject_key' ],
	[ 'the ledger is of', "INSERT INTO $ledger (subject, id, purpose, decision, at) VALUES ('customer_id:1234', gen_random_uuid(), 'shop', 'refused', now())", 'consent_event' ],
	[ 'no result of', "INSERT INTO journey_privacy.request_subject SELECT request_id, (SELECT trace FROM journey_privacy.tombstone ORDER BY trace LIMIT 1), NULL FROM journey_privacy.request_result WHERE document IS NOT NULL LIMIT 1", 'request_subject' ],
	[ 'only a tombstone', 'UPDATE journey_privacy.tombstone SET erasing = true WHERE trace = (SELECT trace FROM journey_privacy.tombstone ORDER BY trace LIMIT 1)', 'tombstone' ],
	[ 'an erasure under way', "INSERT INTO journey_privacy.erasure (request_id, requested_by) VALUES (gen_random_uuid(), 'me')", 'erasure' ],
	[ 'whatever is withheld', "DELETE FROM journey_privacy.erasure_step WHERE action = 'withhold'", 'erasure_step' ],
	[ [ 'every finished erasure', 'each receipt has' ], "UPDATE journey_privacy.erasure SET receipt = jsonb_set(receipt, '{previous}', '\"00\"') WHERE number = 2", 'erasure' ],
	[ 'every finished erasure', "UPDATE journey_privacy.erasure SET receipt = jsonb_set(receipt, '{subjects}', '7') WHERE number = 2", 'erasure' ],
	[ 'receipts say', "UPDATE journey_privacy.erasure_step SET done = done + 1 WHERE relation = 'public.visit_new' AND action = 'delete'", 'erasure_step' ],
	[ 'requests are in', "UPDATE journey_privacy.request SET finished_at = now() WHERE status = 'pending'", 'request' ],
	[ 'a request to erase', "UPDATE journey_privacy.erasure SET state = 'erasing' WHERE request_id IN (SELECT id FROM journey_privacy.request)", 'erasure', [ 'the bitmaps hide' ] ],
	[ 'results are of', "UPDATE journey_privacy.request SET kind = 'objection' WHERE kind = 'access' AND status = 'completed'", 'request' ],
	[ 'whoever listens', "UPDATE journey_privacy.callback SET status = 'pending'", 'callback' ],
	[ 'what belongs to', 'UPDATE journey_privacy.callback SET request_id = gen_random_uuid() WHERE id = (SELECT min(id) FROM journey_privacy.callback)', 'callback', [ 'whoever listens' ] ],
	[ 'what belongs to', "INSERT INTO journey_privacy.erasure_subject VALUES (gen_random_uuid(), 1, '\\x00', -1)", 'erasure_subject' ],
	[ 'runs of purging', "UPDATE journey_privacy.purge_run SET finished_at = NULL", 'purge_run' ],
	[ 'the audit is', without('journey_privacy.audit_entry', 'keep', 'UPDATE journey_privacy.audit_entry SET rows = 1 + coalesce(rows, 0) WHERE number = 10'),
		\(without('journey_privacy.audit_entry', 'keep', 'UPDATE journey_privacy.audit_entry SET rows = nullif(rows - 1, 0) WHERE number = 10')) ],
	[ [ 'entries of the audit', 'the audit is' ], without('journey_privacy.audit_entry', 'keep', 'DELETE FROM journey_privacy.audit_entry WHERE number = 10'), undef ]);

my %seen;
for my $mutation (@mutations)
{
	my ($lines, $break, $mend, $perhaps) = @$mutation;
	my @lines = ref $lines ? @$lines : ($lines);
	my $keeps = { consent_event => [ $ledger, 'append_only' ], request => [ 'journey_privacy.request', 'deleted' ] }->{ $mend // '' };

	$node->safe_psql('postgres', ($mend && !ref $mend ? saved($mend) . '; ' : '') . $break);
	my ($status, $found, $err) = invariants();
	my @red = grep { $found->{$_} ne 'ok' } sort keys %$found;
	my @missed = grep { my $line = $_; !grep { index($_, $line) == 0 } @red } @lines;
	my @other = grep { my $line = $_; !grep { index($line, $_) == 0 } @lines, @{ $perhaps // [] } } @red;
	is("$status: missed @missed, also red @other", '3: missed , also red ', "broken: $lines[0]")
	  or diag "$break\n$err";
	like($err, qr/invariants are violated|no active key/, "broken: $lines[0]: the exit says so");
	$seen{$_} = 1 for @red;
	next if !defined $mend;
	$node->safe_psql('postgres', ref $mend ? $$mend : $keeps ? without(@$keeps, restored($mend)) : restored($mend));
}

# Every line was seen red, but for those that only another server could break.
my (undef, $all) = invariants();
my @never = grep { !$seen{$_} } sort keys %$all;
is("@never", 'the library is preloaded', 'every line can go red');
$node->stop;
done_testing();
