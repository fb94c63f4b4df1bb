# OpenDSR over HTTP: the published cases and transitions, and what HTTP brings along,
# through the servers of test/demo, asked by curl.
use strict;
use warnings;

use File::Basename qw(dirname);
use Cwd qw(abs_path);
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

for (['curl', '--version'], ['openssl', 'version'], ['/usr/bin/python3', '-c', 'import psycopg'])
{
	plan skip_all => "$_->[0] is not here" . ($_->[0] =~ /python/ ? ', or psycopg' : '')
	  unless eval { IPC::Run::run($_, '>', \my $out, '2>', \my $err) };
}

my $demo = abs_path(dirname(__FILE__) . '/../demo');
my $node = PostgreSQL::Test::Cluster->new('opendsr');
$node->init;
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'
journey_privacy.erasure_ledger_file = '} . $node->basedir . q{/erasures'});
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
sql(q{CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE ROLE opendsr_web LOGIN;
	CREATE ROLE opendsr_sender LOGIN;
	ALTER ROLE opendsr_web SET log_parameter_max_length = 0;
	GRANT EXECUTE ON FUNCTION journey_privacy.opendsr_discovery(), journey_privacy.opendsr_request(bytea, text),
	  journey_privacy.opendsr_status(text, text), journey_privacy.opendsr_cancel(text, text) TO opendsr_web;
	GRANT EXECUTE ON FUNCTION journey_privacy.opendsr_callbacks(integer, interval), journey_privacy.opendsr_delivered(bigint),
	  journey_privacy.opendsr_failed(bigint, text) TO opendsr_sender;});

# A key with its certificate for every name we use, and the web layer.
my $dir = PostgreSQL::Test::Utils::tempdir;
run_log([ 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=example-processor.com',
	'-addext', 'subjectAltName=DNS:example-processor.com,DNS:a.example.com,DNS:b.example.com',
	'-keyout', "$dir/key.pem", '-out', "$dir/cert.pem" ], '>', "$dir/openssl.log", '2>', "$dir/openssl.log");
append_to_file("$dir/tokens", "secret-of-shop shop\n\nsecret-of-other other\n");
my %place = (PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', OPENDSR_KEY => "$dir/key.pem");
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $web = start_python({ %place, PGUSER => 'opendsr_web', OPENDSR_TOKENS => "$dir/tokens" }, "$demo/opendsr.py", $port);
await($port);
my $base = "http://127.0.0.1:$port/v2";
my $files = 0;
my $stands = 0;

END { defined $_ and $_->kill_kill for our ($web_handle, $receiver_handle) }
our $web_handle = $web;

sub start_python
{
	my ($environment, @command) = @_;
	local %ENV = (%ENV, %$environment);
	return IPC::Run::start([ '/usr/bin/python3', @command ], '<', \undef, '>', "$dir/python.log", '2>&1');
}

# Until somebody listens there.
sub await
{
	my ($where) = @_;
	for (1 .. 300)
	{
		return if IO::Socket::INET->new(PeerAddr => "127.0.0.1:$where");
		sleep 0.1;
	}
	die "nobody listens: " . slurp_file("$dir/python.log");
}

# Asks by curl; returns status, headers in small letters, and the body's bytes.
sub curl_command
{
	my ($method, $path, $body, @more) = @_;
	my $n = ++$files;
	append_to_file("$dir/in$n", $body) if defined $body;
	return ($n, [ 'curl', '-sS', '--path-as-is', '-m', 60, '-X', $method, '-D', "$dir/head$n", '-o', "$dir/out$n",
		(grep { /^Authorization/ } @more) ? () : ('-H', 'Authorization: Bearer secret-of-shop'), '-H', 'Content-Type: application/json',
		(defined $body ? ('--data-binary', "\@$dir/in$n") : ()), @more, "$base$path" ]);
}

sub answer
{
	my ($n) = @_;
	my $head = slurp_file("$dir/head$n");
	# the last: curl may have been told to continue
	my ($status) = reverse $head =~ m{^HTTP/\S+ (\d+)}mg;
	my %header = map { /^([^:\s]+):\s*(.*?)\r?$/ ? (lc $1 => $2) : () } split /\n/, $head;
	return { status => $status, header => \%header, body => -e "$dir/out$n" ? slurp_file("$dir/out$n") : '' };
}

sub ask
{
	my ($n, $command) = curl_command(@_);
	my $err;
	IPC::Run::run($command, '2>', \$err) or diag("curl: $err");
	return answer($n);
}

sub document { return decode_json($_[0]->{body}) }

# A request that is well.
sub request
{
	my ($id, %but) = @_;
	return encode_json({ regulation => 'gdpr', subject_request_id => $id, subject_request_type => 'erasure',
		submitted_time => '2018-10-02T15:00:00Z', api_version => '2.0',
		subject_identities => [ { identity_type => 'email', identity_value => "$id\@example.com", identity_format => 'raw' } ], %but });
}

sub id { return sprintf('00000000-0000-4000-8000-%012d', 9220000 + $_[0]) }

# Signed by our certificate, byte by byte (8.8).
sub signed
{
	my ($answer) = @_;
	my $n = ++$files;
	append_to_file("$dir/signature$n", decode_base64($answer->{header}{'x-opendsr-signature'} // ''));
	append_to_file("$dir/signed$n", $answer->{body});
	run_log([ 'openssl', 'x509', '-in', "$dir/cert.pem", '-noout', '-pubkey' ], '>', "$dir/public.pem");
	return IPC::Run::run([ 'openssl', 'dgst', '-sha256', '-verify', "$dir/public.pem", '-signature', "$dir/signature$n", "$dir/signed$n" ],
		'>', \my $out, '2>&1');
}

# Before it is configured, and discovery.
is(ask('GET', '/discovery')->{status}, 503, 'nothing to discover before it is configured');
sql(q{SELECT journey_privacy.configure_opendsr('example-processor.com', 'https://example-processor.com/cert.pem', 'https://example-processor.com/secure')});
my $found = ask('GET', '/discovery');
is($found->{status}, 200, 'discovery');
is($found->{header}{'content-type'}, 'application/json', 'discovery is JSON');
is($found->{header}{'x-opendsr-processor-domain'}, 'example-processor.com', 'discovery names the domain');
ok(signed($found), 'discovery is signed');
my $can = document($found);
is($can->{api_version}, '2.0', 'version');
is_deeply([ sort @{ $can->{supported_subject_request_types} } ], [qw(access erasure portability)], 'types of requests');
is($can->{processor_certificate}, 'https://example-processor.com/cert.pem', 'certificate');
is_deeply([ sort map { $_->{identity_format} } grep { $_->{identity_type} eq 'email' } @{ $can->{supported_identities} } ],
	[qw(md5 raw sha1 sha256)], 'formats of e-mail addresses');
is(scalar(grep { $_->{identity_format} eq 'raw' } @{ $can->{supported_identities} }), 11, 'all types of identities');

# The published cases.  They share one id, so each that is accepted is taken out again.
my $data = $ENV{JP_DATA} // '';
SKIP:
{
	skip 'the published cases are not here (JP_DATA)', 1 unless -f "$data/opendsr_cases.json";
	for my $case (@{ decode_json(slurp_file("$data/opendsr_cases.json")) })
	{
		my ($wanted) = $case->{http} =~ /^(\d+)/;
		my $got = ask('POST', '/requests', $case->{body});
		is($got->{status}, $wanted, "$case->{name}: $case->{why}");
		if ($wanted == 201)
		{
			my $document = document($got);
			is_deeply([ sort keys %$document ],
				[qw(controller_id encoded_request expected_completion_time received_time subject_request_id)], "$case->{name}: properties");
			is(decode_base64($document->{encoded_request}), $case->{body}, "$case->{name}: encoded_request");
			is($document->{controller_id}, 'shop', "$case->{name}: controller_id");
			is($got->{header}{'x-opendsr-processor-domain'}, 'example-processor.com', "$case->{name}: domain");
			ok(signed($got), "$case->{name}: signed");
			sql('DELETE FROM journey_privacy.request');
		}
		else
		{
			my $error = document($got)->{error};
			is($error->{code}, $wanted, "$case->{name}: code");
			ok(length $error->{message} && $error->{errors}[0]{reason} && $error->{errors}[0]{domain}, "$case->{name}: says what is wrong");
			unlike($got->{body}, qr/johndoe|a\@b\.c/, "$case->{name}: nobody is named");
		}
	}
	is(sql('SELECT count(*) FROM journey_privacy.request'), '0', 'nothing that was refused is kept');
}

# Transitions.
sub stand
{
	my ($id, $status) = @_;
	is(ask('POST', '/requests', request($id))->{status}, 201, "$id: pending");
	sql("UPDATE journey_privacy.request SET status = '$status' WHERE id = '$id'");
}

sub told { return document(ask('GET', "/requests/$_[0]"))->{request_status} }

my %move = (
	cancelled => sub { return ask('DELETE', "/requests/$_[0]")->{status} == 202 },
	completed => sub { return $node->psql('postgres', "SELECT journey_privacy.complete_request('$_[0]')") == 0 },
	# no function leads there
	in_progress => sub { return 0 },
	pending => sub { return ask('POST', '/requests', request($_[0]))->{status} == 201 && told($_[0]) eq 'pending' });
SKIP:
{
	skip 'the published transitions are not here (JP_DATA)', 1 unless -f "$data/opendsr_transitions.json";
	my $transitions = decode_json(slurp_file("$data/opendsr_transitions.json"));
	my $n = 0;
	for (@{ $transitions->{allowed} })
	{
		my ($from, $to) = @$_;
		# by process_requests(), below
		next if $to eq 'in_progress';
		my $id = id(++$n);
		stand($id, $from) if $from ne '(none)';
		ok($move{$to}->($id), "from $from to $to");
		is(told($id), $to, "from $from to $to: status");
	}
	for (@{ $transitions->{forbidden} })
	{
		my ($from, $to) = @$_;
		my $id = id(++$n);
		stand($id, $from);
		ok(!$move{$to}->($id), "not from $from to $to");
		is(told($id), $from, "not from $from to $to: status");
	}
}
sql('DELETE FROM journey_privacy.request');

# Cancellation, and its document (9.2).
for (['pending', 202], ['in_progress', 400], ['completed', 400], ['cancelled', 400], ['refused', 400])
{
	my ($status, $wanted) = @$_;
	my $id = id(100 + ++$stands);
	stand($id, $status);
	my $got = ask('DELETE', "/requests/$id");
	is($got->{status}, $wanted, "cancelling what is $status");
	ok(signed($got), "cancelling what is $status: signed");
	is_deeply([ sort keys %{ document($got) } ], $wanted == 202 ? [qw(api_version controller_id received_time subject_request_id)] : ['error'],
		"cancelling what is $status: properties");
}

# Idempotency, several at once.
{
	my $body = request(id(200), status_callback_urls => ['https://a.example.com/cb']);
	my @runs = map { my ($n, $command) = curl_command('POST', '/requests', $body); [ $n, IPC::Run::start($command) ] } 1 .. 8;
	$_->[1]->finish for @runs;
	my %answers = map { my $got = answer($_->[0]); ("$got->{status} $got->{body}" => 1) } @runs;
	is(scalar(keys %answers), 1, 'eight of the same at once: one answer');
	like((keys %answers)[0], qr/^201 /, 'which is well');
	is(sql('SELECT count(*) FROM journey_privacy.request WHERE id = \'' . id(200) . '\''), '1', 'and one request');
	is(ask('POST', '/opendsr_requests', "$body\n")->{status}, 400, 'the same but for a byte is another');
	is(ask('POST', '/requests', $body, '-H', 'Authorization: Bearer secret-of-other')->{status}, 400, 'another sender, another request');
	is(ask('GET', '/requests/' . id(200), undef, '-H', 'Authorization: Bearer secret-of-other')->{status}, 404, 'of which the other is not told');
	is(ask('DELETE', '/requests/' . id(200), undef, '-H', 'Authorization: Bearer secret-of-other')->{status}, 404, 'nor may it be cancelled');
}

# What HTTP brings along.
my $good = request(id(300));
for (
	['GET', '/requests/' . id(399), 404], ['GET', '/requests/x', 400], ['GET', '/requests/' . uc('00000000-0000-4000-8000-00000922abcd'), 400],
	['GET', "/requests/'%20OR%20true--", 400], ['GET', '/requests/%00', 400], ['GET', '/requests/' . ('0' x 5000), 400],
	['DELETE', '/requests/' . id(399), 404], ['DELETE', '/requests/..%2f..', 400], ['GET', '/requests/a/b', 404], ['GET', '/nothing', 404],
	['PUT', '/requests', 405], ['GET', '/requests', 405], ['POST', '/discovery', 405], ['PATCH', '/requests/' . id(300), 405], ['POST', '/requests/' . id(300), 405],
	['POST', '/requests', 400, ''], ['POST', '/requests', 400, 'regulation=gdpr'], ['POST', '/requests', 400, "\xff\xfe{}"], ['POST', '/requests', 400, "$good\0"],
	['POST', '/requests', 400, "[$good]"], ['POST', '/requests', 413, $good . ' ' x 300_000], ['POST', '/requests', 413, ' ' x 3_000_000],
	['POST', '/requests', 400, '[' x 200_000], ['POST', '/requests', 411, $good, '-H', 'Transfer-Encoding: chunked'])
{
	my ($method, $path, $wanted, @more) = @$_;
	my $got = ask($method, $path, @more);
	my $what = "$method " . substr($path, 0, 60) . (defined $more[0] ? ' of ' . length($more[0]) . ' bytes' : '');
	is($got->{status}, $wanted, $what);
	is(document($got)->{error}{code}, $wanted, "$what: says so itself");
	ok(signed($got), "$what: signed");
	ok(($got->{header}{allow} // '') ne '', "$what: tells what is") if $wanted == 405;
}
is(ask('POST', '/requests', $good, '-H', 'Authorization: Bearer nobody')->{status}, 401, 'who is not known');
is(sql('SELECT count(*) FROM journey_privacy.request WHERE id = \'' . id(300) . '\''), '0', 'none of these was taken in');
# the functions themselves refuse what a web layer lets through
is(sql(q{SELECT status FROM journey_privacy.opendsr_request(convert_to(repeat(' ', 300000), 'UTF8'))}), '413', 'too large for the function');
$node->stop('fast');
is(ask('GET', '/requests/' . id(300))->{status}, 503, 'without a server');
$node->start;
is(ask('POST', '/requests', $good)->{status}, 201, 'with one again');
rename($node->basedir . '/keyring', $node->basedir . '/keyring.away');
my $keyless = ask('POST', '/requests', request(id(301)));
is($keyless->{status}, 503, 'without a keyring');
is(document($keyless)->{error}{errors}[0]{reason}, 'unavailable', 'without a keyring: says that it cannot now');
is(told(id(300)), 'pending', 'without a keyring: status');
rename($node->basedir . '/keyring.away', $node->basedir . '/keyring');
is(ask('POST', '/requests', request(id(301)))->{status}, 201, 'with the keyring again');

# A database in another encoding speaks UTF-8 all the same.
sql('CREATE DATABASE latin ENCODING latin1 LOCALE \'C\' TEMPLATE template0');
$node->safe_psql('latin', q{CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.configure_opendsr('example-processor.com', 'https://example-processor.com/cert.pem')});
for (["caf\xc3\xa9", '201'], ["caf\\u00e9", '201'], ["\xe2\x82\xac", '400 invalid_field'], ["caf\xe9", '400 malformed_json'])
{
	my ($name, $wanted) = @$_;
	my $body = request(id(310 + ++$stands), subject_identities => [ { identity_type => 'email', identity_value => 'NAME@example.com', identity_format => 'raw' } ]);
	$body =~ s/NAME/$name/;
	is($node->safe_psql('latin', sprintf(q{SET log_statement = 'none'; SET client_encoding = 'UTF8';
		SELECT status || coalesce(' ' || (convert_from(body, 'UTF8')::jsonb #>> '{error,errors,0,reason}'), '')
		FROM journey_privacy.opendsr_request(decode('%s', 'hex'), U&'caf\\00e9')}, unpack('H*', $body))), $wanted, 'in LATIN1: ' . unpack('H*', $name));
}
is($node->safe_psql('latin', q{SELECT DISTINCT position(convert_to(U&'caf\00e9', 'UTF8') IN body) > 0
	FROM journey_privacy.request r, journey_privacy.opendsr_status(r.id::text, r.controller)}), 't', 'in LATIN1: the answer is UTF-8');
is($node->safe_psql('latin', 'SELECT count(DISTINCT trace), count(*) FROM journey_privacy.request_subject'), '1|2', 'in LATIN1: the same identity');

# From the request to the last callback, over TLS to a receiver that fails at first.
append_to_file("$dir/receiver.py", <<'PYTHON');
import json, ssl, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
log, fail = sys.argv[3], {'b.example.com': 2}
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        host = self.headers['Host']
        status = 202
        if fail.get(host, 0) > 0:
            fail[host] -= 1
            status = 503
        if self.path.startswith('/moved'):
            status = 302
        with open(log, 'a') as file:
            file.write(json.dumps({'host': host, 'path': self.path, 'status': status, 'body': body.decode(),
                                   'header': {k.lower(): v for k, v in self.headers.items()}}) + '\n')
        while self.path == '/drip':
            self.wfile.write(b'H')
            time.sleep(0.5)
        self.send_response(status)
        if status == 302:
            self.send_header('Location', 'https://a.example.com/cb')
        self.send_header('Content-Length', '0')
        self.end_headers()
    log_message = lambda *ignored: None
server = HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2] + '/cert.pem', sys.argv[2] + '/key.pem')
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
PYTHON
my $receiver_port = PostgreSQL::Test::Cluster::get_free_port();
our $receiver_handle = start_python({}, "$dir/receiver.py", $receiver_port, $dir, "$dir/received");
await($receiver_port);

sub send_callbacks
{
	my (%more) = @_;
	local %ENV = (%ENV, %place, PGUSER => 'opendsr_sender', OPENDSR_CA => "$dir/cert.pem",
		OPENDSR_CONNECT => "127.0.0.1:$receiver_port", %more);
	delete $ENV{OPENDSR_CONNECT} unless $ENV{OPENDSR_CONNECT};
	my $err;
	ok(IPC::Run::run([ '/usr/bin/python3', "$demo/opendsr_send.py" ], '2>', \$err), 'the sender ends') or diag($err);
}

sub received { return -e "$dir/received" ? map { decode_json($_) } split /\n/, slurp_file("$dir/received") : () }

sql('DELETE FROM journey_privacy.request');
sql(q{SELECT journey_privacy.record_consent('email:ann@example.com', 'x', true) FROM journey_privacy.create_purpose('x', 'consent')});
my $ann = request(id(400), status_callback_urls => [ 'https://a.example.com/cb?x=1', 'https://b.example.com/cb' ],
	subject_identities => [ { identity_type => 'email', identity_value => 'Ann@Example.com', identity_format => 'raw' } ]);
my $receipt = ask('POST', '/requests', $ann);
is($receipt->{status}, 201, 'a request');
is(ask('POST', '/requests', request(id(401), subject_request_type => 'access', status_callback_urls => ['https://a.example.com/moved']))->{status}, 201, 'another');
# the next sends nothing: no status has changed yet
send_callbacks();
is(scalar(my @none = received()), 0, 'no callback before a change');
$node->safe_psql('postgres', 'CALL journey_privacy.process_requests()');
is(told(id(400)), 'completed', 'processed');
is(ask('POST', '/requests', $ann)->{body}, $receipt->{body}, 'the same again, when it is done: the same answer');
is(document(ask('GET', '/requests/' . id(401)))->{results_url}, 'https://example-processor.com/secure/' . id(401), 'where the results are');
is(document(ask('GET', '/requests/' . id(400)))->{results_url}, undef, 'an erasure has none');
is(ask('DELETE', '/requests/' . id(400))->{status}, 400, 'too late to cancel');
for my $round (1 .. 4)
{
	send_callbacks();
	sql(q{UPDATE journey_privacy.callback SET next_attempt_at = clock_timestamp() WHERE delivered_at IS NULL});
}
my @received = received();
is_deeply([ map { decode_json($_->{body})->{request_status} } grep { $_->{host} eq 'a.example.com' && $_->{path} eq '/cb?x=1' } @received ],
	[qw(in_progress completed)], 'in order');
is_deeply([ map { decode_json($_->{body})->{request_status} . " $_->{status}" } grep { $_->{host} eq 'b.example.com' } @received ],
	[ 'in_progress 503', 'in_progress 503', 'in_progress 202', 'completed 202' ], 'in order, again until it is accepted');
is_deeply([ map { $_->{path} . ' ' . decode_json($_->{body})->{request_status} } grep { $_->{path} =~ /moved/ } @received ],
	[ ('/moved in_progress') x 4 ], 'no redirection is followed');
for my $got (@received)
{
	my $document = decode_json($got->{body});
	my $what = "$got->{host}$got->{path} $document->{request_status}";
	ok(signed($got), "$what: signed");
	is($got->{header}{'x-opendsr-processor-domain'}, 'example-processor.com', "$what: domain");
	is($got->{header}{'content-type'}, 'application/json', "$what: JSON");
	is($document->{status_callback_url}, "https://$got->{host}$got->{path}", "$what: its URL");
	is($document->{controller_id}, 'shop', "$what: controller");
	like($document->{expected_completion_time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "$what: expected");
}
is(sql('SELECT count(*), min(last_error) FROM journey_privacy.undelivered_callback'), '2|HTTP 302', 'what is left');
# the name of a URL that leads nowhere public is not called
send_callbacks(OPENDSR_CONNECT => '');
is(scalar(my @still = received()), scalar(@received), 'nobody was called');
like(sql('SELECT min(last_error) FROM journey_privacy.undelivered_callback'), qr/^(gaierror|OSError|ConnectionRefusedError|TimeoutError|timeout|SSLCertVerificationError)$/, 'and why is kept');

for my $where ('127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'localhost')
{
	my ($out, $err);
	IPC::Run::run([ '/usr/bin/python3', '-c', "import sys; sys.path.insert(0, '$demo'); import opendsr_send; opendsr_send.address('$where', 443)" ], '>', \$out, '2>', \$err);
	like($err, qr/the address is not public/, "a name that leads to $where");
}

# who answers byte by byte does not hold up the sender
{
	local %ENV = (%ENV, %place, OPENDSR_CA => "$dir/cert.pem", OPENDSR_CONNECT => "127.0.0.1:$receiver_port");
	my ($out, $err);
	my $begun = time;
	IPC::Run::run([ '/usr/bin/python3', '-c', "import sys; sys.path.insert(0, '$demo'); import opendsr_send; opendsr_send.LONGEST = 2; opendsr_send.post('https://a.example.com/drip', {}, b'')" ], '>', \$out, '2>', \$err);
	like($err, qr/^TimeoutError/m, 'an answer that does not end is given up');
	cmp_ok(time - $begun, '<', 15, 'in time');
}

# What came over HTTP is in no log, as bytes neither.
my $logged = slurp_file($node->logfile);
ok(index($logged, $_) < 0 && index($logged, unpack('H*', $_)) < 0, "the log does not have $_")
  for 'johndoe', id(400) . '@example', 'Ann@', 'identity_value', encode_base64('{"', '');
like($logged, qr/opendsr_request\(\$1, \$2\)/, 'though it has the statements');

$_->kill_kill for $web_handle, $receiver_handle;
done_testing();
