
# An erasure is stopped between any two of its steps, by killing its backend and
# by stopping the server at once; the same request goes on to the same end.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
restart_after_crash = on
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'
journey_privacy.erasure_ledger_file = '} . $node->basedir . q{/erased'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('agreed', 'consent');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('visit', 'visitor');
	CREATE TABLE page (id int PRIMARY KEY, visit int REFERENCES visit);
	CREATE INDEX ON page (visit);
	CREATE TABLE note (id int PRIMARY KEY, page text, body text);
	SELECT journey_privacy.link_table('note', '{page}', 'page', '{id}', 'redact', '{"body": null}');
	CREATE INDEX ON note (page);});

# What an erasure waits for, and where: [name, what another session holds]
my @steps = (
	[ 'while the request is noted', q{BEGIN; LOCK journey_privacy.erasure IN EXCLUSIVE MODE;} ],
	[ 'while the subject is taken out of the registry',
		q{BEGIN; SELECT FROM journey_privacy.subject FOR UPDATE;} ],
	[ 'while writers are waited for', q{BEGIN; INSERT INTO visit VALUES (-1, 'customer_id:other');} ],
	[ 'between two batches', undef ],
	[ 'before the receipt', q{BEGIN; LOCK journey_privacy.subject_key IN EXCLUSIVE MODE;} ]);

my $n = 0;
for my $kill ('the backend', 'the server')
{
	for my $step (@steps)
	{
		$n++;
		my ($where, $held) = @$step;
		my $who = "customer_id:crash$n";
		my $request = sprintf '00000000-0000-4000-8000-%012d', $n;

		$node->safe_psql('postgres', qq{
			TRUNCATE visit, page, note;
			INSERT INTO visit SELECT i, '$who' FROM generate_series(1, 11000) i;
			INSERT INTO visit SELECT i, 'customer_id:other' FROM generate_series(11001, 11010) i;
			INSERT INTO page SELECT i, i FROM generate_series(1, 11010) i;
			INSERT INTO note SELECT i, i::text, 'body' FROM generate_series(10990, 11010) i;
			SELECT journey_privacy.record_consent('$who', 'agreed', true);});
		# the rows of the second batch
		$held //= q{BEGIN; SELECT FROM page WHERE id = 10900 FOR UPDATE;};
		$held =~ s/subject FOR/subject WHERE pseudonym = '$who' FOR/;
		my $other = $node->background_psql('postgres');
		my $eraser = $node->background_psql('postgres', on_error_stop => 0);
		my $pid = $eraser->query_safe('SELECT pg_backend_pid()');

		if ($where =~ /two batches/)
		{
			# not before it waits for writers: a row lock counts as one, too
			$other->query_safe(q{SET lock_timeout = 0});
			$node->safe_psql('postgres', q{CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
				$$ BEGIN IF OLD.id = 10900 THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN OLD; END $$;
				CREATE TRIGGER stop BEFORE DELETE ON page FOR EACH ROW EXECUTE FUNCTION stop();});
			$held = 'SELECT pg_advisory_lock(7);';
		}
		$other->query_safe($held);
		$eraser->query_until(qr/started/, qq{\\echo started
			CALL journey_privacy.erase('$who', request_id => '$request');
			});
		$node->poll_query_until('postgres', qq{SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid})
		  or die 'it does not wait';
		if ($where =~ /two batches/)
		{
			is($node->safe_psql('postgres', q{SELECT count(*) FROM page WHERE id <= 11000}), '1000',
				"$where: the first batch is gone");
			my (undef, undef, $err) = $node->psql('postgres', qq{SELECT journey_privacy.record_consent('$who', 'agreed', true)});
			like($err, qr/the erasure of this subject is still under way/, "$where: not even a consent lifts the tombstone");
			(undef, undef, $err) = $node->psql('postgres', qq{INSERT INTO visit VALUES (0, '$who')});
			like($err, qr/its subject has been erased/, "$where: nothing new is written");
		}
		if ($kill eq 'the backend')
		{
			kill 'KILL', $pid;
			eval { $eraser->{run}->finish };
			eval { $other->{run}->finish };
			$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
		}
		else
		{
			$node->stop('immediate');
			eval { $eraser->{run}->finish };
			eval { $other->{run}->finish };
			$node->start;
		}
		$node->safe_psql('postgres', 'DROP FUNCTION IF EXISTS stop() CASCADE');

		if ($n % 2)
		{
			$node->safe_psql('postgres', "CALL journey_privacy.erase('$who', request_id => '$request')");
		}
		else
		{
			$node->safe_psql('postgres', 'CALL journey_privacy.resume_erasures()');
			$node->safe_psql('postgres', "CALL journey_privacy.erase('$who', request_id => '$request')");
		}
		is($node->safe_psql('postgres', qq{
			SELECT (SELECT count(*) FROM visit), (SELECT count(*) FROM page), (SELECT count(*) FROM note),
			       (SELECT count(body) FROM note), journey_privacy.is_erased('$who'),
			       (SELECT count(*) FROM journey_privacy.consent_event WHERE subject = '$who'),
			       (SELECT count(*) FROM journey_privacy.subject WHERE pseudonym = '$who')}),
			'10|10|21|10|t|0|0', "$where, $kill: all of it is gone, and nothing else");
		is($node->safe_psql('postgres', qq{
			SELECT string_agg(t ->> 'table' || ' ' || (t ->> 'action') || ' ' || (t ->> 'rows'), ', ' ORDER BY t ->> 'table' COLLATE "C"),
			       receipt ->> 'state', journey_privacy.verify_receipt(receipt)
			FROM journey_privacy.erasure, jsonb_array_elements(receipt -> 'tables') t
			WHERE request_id = '$request' GROUP BY receipt}),
			'journey_privacy.consent_event delete 1, journey_privacy.consent_state delete 1, journey_privacy.subject delete 1, journey_privacy.subject_key shred 1, '
			. 'public.note redact 11, public.page delete 11000, public.visit delete 11000|done|t',
			"$where, $kill: and all of it is on the receipt");
		is($node->safe_psql('postgres', qq{SELECT count(*) FROM journey_privacy.tombstone WHERE erasing}), '0',
			"$where, $kill: a new consent may lift the tombstone");
	}
}
$node->safe_psql('postgres', q{SELECT journey_privacy.record_consent('customer_id:crash1', 'agreed', true)});
done_testing();
