
# Requests over changes of keys and over dump and restore; who LISTENs is told;
# the published table of OpenDSR's changes of status.
use strict;
use warnings;

use File::Copy;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
jit = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
	$node->start;
	return $node;
}

my $node = new_node('old');
my $made = 0;

sub id { return sprintf '91000000-0000-4000-8000-%012d', shift; }

# Opens a request, verified, of the customer of that number; returns its id
sub open_request
{
	my ($kind, $who, $more) = @_;
	my $id = id(++$made);

	$node->safe_psql('postgres', qq{SELECT journey_privacy.open_request('$kind', 'customer_id:request$who',
		verified => true, callback_urls => '{https://a.example/}', request_id => '$id'} . ($more // '') . ')');
	return $id;
}

sub status
{
	my ($id) = @_;
	return $node->safe_psql('postgres', "SELECT concat_ws(' ', status, last_error) FROM journey_privacy.request WHERE id = '$id'");
}

$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('ads', 'legitimate_interests');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('visit', 'visitor');
	INSERT INTO visit SELECT i, ('customer_id:request' || i % 100)::journey_privacy.pseudonym FROM generate_series(0, 299) i;
	SELECT journey_privacy.link_identity('customer_id:request1', 'customer_id:request2')});

# Who LISTENs
my $heard = $node->safe_psql('postgres', qq{
	LISTEN journey_privacy_request;
	SELECT journey_privacy.open_request('access', 'customer_id:request90', request_id => '} . id(900) . qq{');
	SELECT journey_privacy.confirm_request('} . id(900) . qq{');
	SELECT journey_privacy.verify_request('} . id(900) . qq{');
	SELECT journey_privacy.extend_request('} . id(900) . qq{', 'ann\@example.com has much');
	BEGIN; SELECT journey_privacy.cancel_request('} . id(900) . qq{'); ROLLBACK;
	CALL journey_privacy.process_requests()});
my @payloads = map { decode_json($_) } $heard =~ /with payload "(\{.*\})" received/g;
is(join(', ', map { "$_->{change} $_->{kind} $_->{status}" } @payloads),
	'open_request access pending, confirm_request access pending, verify_request access pending, '
	  . 'extend_request access pending, process_requests access in_progress, process_requests access completed',
	'each change is heard, and none that was rolled back');
is_deeply([ grep { $_->{id} ne id(900) || join(' ', sort keys %$_) ne 'change id kind status' } @payloads ],
	[], 'with id, kind, status and change, and nothing else');

# The published changes of status
SKIP:
{
	my $file = ($ENV{JP_DATA} // '') . '/opendsr_transitions.json';

	skip "no $file", 1 unless -f $file;
	my $published = decode_json(slurp_file($file));
	my %how = (
		in_progress => q{CALL journey_privacy.process_requests()},
		completed => q{SELECT journey_privacy.complete_request('ID')},
		cancelled => q{SELECT journey_privacy.cancel_request('ID')});
	my %ways = (
		'(none)' => [ [] ],
		pending => [ [] ],
		in_progress => [ ['in_progress'] ],
		completed => [ ['completed'], [ 'in_progress', 'completed' ] ],
		cancelled => [ ['cancelled'] ]);

	foreach my $verdict ('allowed', 'forbidden')
	{
		foreach my $pair (@{ $published->{$verdict} })
		{
			my ($from, $to) = @$pair;

			foreach my $way (@{ $ways{$from} })
			{
				my $name = "$verdict: $from to $to" . (@$way > 1 ? ' over ' . $way->[0] : '');
				# what cannot be read stays in progress
				my $id = open_request('access', 91);

				$node->safe_psql('postgres', "UPDATE journey_privacy.request_subject SET trace = '' WHERE request_id = '$id'");
				foreach my $step (@$way)
				{
					$node->safe_psql('postgres', $how{$step} =~ s/ID/$id/r);
				}
				if ($to eq 'pending')
				{
					# nothing leads there but receipt
					my (undef, undef, $err) = $node->psql('postgres', qq{SELECT journey_privacy.open_request('access',
						'customer_id:request91', request_id => '$id')});
					like($err, qr/already exists/, $name) if $from ne '(none)';
					is(status($id), 'pending', $name) if $from eq '(none)';
				}
				else
				{
					my (undef, undef, $err) = $node->psql('postgres', $how{$to} =~ s/ID/$id/r);
					my $now = status($id) =~ s/ .*//r;

					if ($verdict eq 'allowed')
					{
						is($now, $to, $name);
					}
					else
					{
						isnt($now, $to, $name);
						like($err, qr/cannot become $to/, "$name is an error") if $to ne 'in_progress';
					}
				}
				$node->safe_psql('postgres', "DELETE FROM journey_privacy.request WHERE id = '$id'");
			}
		}
	}
}

# Keys change while requests wait
my $result = open_request('access', 1, ", identities => '{customer_id:request3}'");
$node->safe_psql('postgres', 'CALL journey_privacy.process_requests()');
my $export = $node->safe_psql('postgres', "SELECT jsonb_path_query_array(journey_privacy.request_result('$result'), 'strict \$.**.id')");
is($export, '[1, 2, 3, 101, 102, 103, 201, 202, 203]', 'a result of three identities, two of them one subject');
my %waiting = (map { $_ => [] } 'erasure', 'access', 'restriction', 'objection');
my $who = 10;
foreach my $change (
	q{SELECT journey_privacy.rotate_key('tombstone')},
	q{SELECT journey_privacy.rotate_key('pseudonym'); SELECT journey_privacy.rekey_pseudonyms()},
	q{SELECT journey_privacy.rotate_key('tombstone'); SELECT journey_privacy.rotate_key('seal')},
	q{SELECT journey_privacy.rotate_key('pseudonym'); SELECT journey_privacy.rekey_pseudonyms()})
{
	push @{ $waiting{$_} }, [ open_request($_, $who), $who++ ] foreach sort keys %waiting;
	$node->safe_psql('postgres', $change);
}
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT substr(trace, 1, 1)) FROM journey_privacy.request_subject}),
	'20|1', 'all traces of requests are under one key');
$node->safe_psql('postgres', 'CALL journey_privacy.process_requests()');
foreach my $kind (sort keys %waiting)
{
	foreach my $request (@{ $waiting{$kind} })
	{
		my ($id, $n) = @$request;

		is(status($id), 'completed', "$kind of $n is done after keys changed");
		is($node->safe_psql('postgres', qq{SELECT count(*) FROM visit WHERE visitor = 'customer_id:request$n'}),
			$kind eq 'erasure' ? '0' : '3', "$kind of $n: rows");
		is($node->safe_psql('postgres', qq{SELECT sum(rows) FROM journey_privacy.verify_erasure('$id')}), '0',
			"erasure of $n can be verified") if $kind eq 'erasure';
		is($node->safe_psql('postgres', qq{SELECT jsonb_array_length(journey_privacy.request_result('$id') #> '{tables,public.visit}')}),
			'3', "access of $n has its rows") if $kind eq 'access';
		is($node->safe_psql('postgres', qq{SELECT restricted FROM journey_privacy.subject WHERE pseudonym = 'customer_id:request$n'}),
			't', "restriction of $n") if $kind eq 'restriction';
		is($node->safe_psql('postgres', qq{SELECT granted FROM journey_privacy.consent_of('customer_id:request$n')}),
			'f', "objection of $n") if $kind eq 'objection';
	}
}
is($node->safe_psql('postgres', "SELECT jsonb_path_query_array(journey_privacy.request_result('$result'), 'strict \$.**.id')"),
	$export, 'a result from before opens');
$node->safe_psql('postgres', q{SELECT journey_privacy.unlink_identity('customer_id:request2')});
$node->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:request2')});
is($node->safe_psql('postgres', "SELECT count(*) FROM journey_privacy.request_result WHERE request_id = '$result'"),
	'0', 'and goes with one who was an alias when it was made');

# A request for each status, to be dumped
$node->safe_psql('postgres', q{
	INSERT INTO journey_privacy.holiday VALUES ('gdpr', '2026-12-25'), ('ccpa', '2026-12-25');
	SELECT journey_privacy.place_hold('a dispute', 'customer_id:request50')});
my $held = open_request('erasure', 50);
my $kept = open_request('portability', 51);
$node->safe_psql('postgres', 'CALL journey_privacy.process_requests()');
my $pending = open_request('erasure', 52);
my $refused = open_request('access', 53);
$node->safe_psql('postgres', "SELECT journey_privacy.refuse_request('$refused', 'unfounded')");
is(status($held), 'in_progress withheld by a hold', 'one is held');

my $dump = $node->basedir . '/requests.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, 'postgres' ], 'dump');
my $new = new_node('new');
copy($node->basedir . '/keyring', $new->basedir . '/keyring') or die "copy: $!";
chmod 0600, $new->basedir . '/keyring' or die "chmod: $!";
$new->safe_psql('postgres', 'CREATE DATABASE again');
$new->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'again', '-f', $dump ], 'restore');
foreach my $table ('request', 'request_subject', 'request_result', 'request_callback_url', 'callback', 'holiday')
{
	my $rows = $node->safe_psql('postgres', qq{SELECT t::text FROM journey_privacy.$table t ORDER BY t::text COLLATE "C"});

	isnt($rows, '', "$table has rows");
	is($new->safe_psql('again', qq{SELECT t::text FROM journey_privacy.$table t ORDER BY t::text COLLATE "C"}),
		$rows, "the same rows: $table");
}
is($new->safe_psql('again', "SELECT jsonb_array_length(journey_privacy.request_result('$kept') #> '{tables,public.visit}')"),
	'3', 'a result opens after a restore');
my $last = $new->safe_psql('again', 'SELECT max(id) FROM journey_privacy.callback');
$new->safe_psql('again', 'CALL journey_privacy.process_requests()');
is($new->safe_psql('again', qq{
	SELECT (SELECT status FROM journey_privacy.request WHERE id = '$pending'),
	  (SELECT string_agg(status, ' ' ORDER BY id) FROM journey_privacy.callback WHERE id > $last),
	  (SELECT count(*) FROM visit WHERE visitor = 'customer_id:request52')}),
	'completed|in_progress completed|0', 'what was pending is done there, and told under new numbers');

# Whoever is erased after the dump: the result in it is noise once the keys are gone
$new->safe_psql('again', q{CALL journey_privacy.erase('customer_id:request51')});
$new->safe_psql('again', qq{INSERT INTO journey_privacy.request_result
	SELECT '$kept', '} . $node->safe_psql('postgres', "SELECT document FROM journey_privacy.request_result WHERE request_id = '$kept'")
	  . q{', 1, now(), now() + interval '1 day'});
is($new->safe_psql('again', "SELECT journey_privacy.request_result('$kept') IS NULL"), 't', 'a result of the erased does not open');
done_testing();
