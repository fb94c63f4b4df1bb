
# Documents for people in an empty database, over dump and restore, and in
# databases of other encodings.
use strict;
use warnings;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');

$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
jit = off
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;

# A document in a database, without the line that says of when it is
sub document
{
	my ($database, $call) = @_;
	my $text = $node->safe_psql($database, "SELECT journey_privacy.$call");

	$text =~ s/\d{4}-\d\d-\d\d \d\d:\d\d(?= UTC)/NOW/g;
	$text =~ s/^\| \w+ (?=\| yes \|$)/| SUPERUSER /mg;
	return $text =~ s/\s+\z//r;
}

$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring()});

# Nothing is claimed where there is nothing
is(document('postgres', 'processing_record()'), <<'EOT' =~ s/\n\z//r, 'the record of an empty database');
# Record of processing activities (Article 30(1) GDPR)

## Controller

None recorded: set\_controller() says who it is.

## Purposes of the processing

None recorded.

## Categories of data subjects

None recorded: no table is protected.

## Categories of personal data

None recorded: no table is protected.

## Categories of recipients

None recorded.

### Roles that no purpose binds (administration)

| Role | Superuser |
| --- | --- |
| SUPERUSER | yes |

## Transfers to third countries

None recorded.

## Time limits for erasure

None recorded: no table is protected.

## Technical and organisational measures

| Measure | Detail |
| --- | --- |
| audit | a tamper-evident record is kept of reading and changing |

As of NOW UTC
EOT
like(document('postgres', q{privacy_notice('de')}), qr/\A# Wie wir .*?\n\n## Ihre Rechte\n(?!.*## (Wer|Wof|Welche|Wohin)).*## Wenn Sie/s,
	'the notice of an empty database has rights and complaint only');
is_deeply([ sort keys %{ decode_json(document('postgres', q{privacy_notice('en', 'json')}))->{sections} } ],
	[ 'complaint', 'rights' ], 'and so as JSON');
my $nothing = document('postgres', q{subject_report('customer_id:9800001')});
like($nothing, qr/There is nothing about you/, 'a report about nobody');
unlike($nothing, qr/Who could see|Your requests|decided/, 'which says no more');

# What is recorded
my $fill = q{
	CREATE TABLE visit (visitor journey_privacy.pseudonym, at timestamptz, event text);
	SELECT journey_privacy.create_purpose('stats', 'consent', 'Count visits', '13 months');
	SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '2 years', collected_for => '{stats}');
	SELECT journey_privacy.record_consent('customer_id:9800001', 'stats', true, at => '2026-01-01');
	INSERT INTO visit VALUES ('customer_id:9800001', '2026-01-02 03:04+00', 'home');
	SELECT journey_privacy.set_controller('Laden', 'Straße 1', authority => 'Behörde');
	SELECT journey_privacy.set_recipient('Bote', 'trägt aus', 'Schweiz', 'Angemessenheitsbeschluss');
	SELECT journey_privacy.describe_column('visit', 'event', 'Nutzung', 'was geschah');
	SELECT journey_privacy.describe_column('visit', NULL, 'Kundschaft', 'Besuche');
	SELECT journey_privacy.translate_purpose('stats', 'de', 'Zählung', 'Besuche zählen')};
$node->safe_psql('postgres', $fill);

my @calls = ('processing_record()', q{processing_record('json')},
	map { ("privacy_notice('$_')", "privacy_notice('$_', 'html')") } qw(en de fr es));

# Dump and restore
my $dump = $node->basedir . '/dump.sql';

command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-f', $dump, 'postgres' ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE again TEMPLATE template0');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'again', '-f', $dump ], 'restore');
is(document('again', $_), document('postgres', $_), "$_ says the same") foreach @calls;
like(document('again', q{subject_report('customer_id:9800001', 'markdown', 'de')}),
	qr/\| Besuche \| 1 \| NOW UTC \| NOW UTC \|.*\| Zählung \| Einwilligung \| ja \|/s, 'the report, too');

# Another encoding: Markdown and HTML are ASCII with references, JSON has escapes
$node->safe_psql('postgres', q{CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'});
$node->safe_psql('latin', "SET client_encoding = 'UTF8'; CREATE EXTENSION journey_privacy CASCADE; SELECT journey_privacy.create_keyring(); $fill");
foreach my $call (@calls, q{subject_report('customer_id:9800001', 'json', 'fr')})
{
	my $text = document('latin', $call);

	unlike($text, qr/[^\x00-\x7f]/, "$call is ASCII in LATIN1");
	next if $call =~ /subject/;
	if ($call =~ /json/)
	{
		is_deeply(decode_json($text), decode_json(document('postgres', $call)), 'and the same when decoded');
	}
	else
	{
		my $utf8 = document('postgres', $call);

		utf8::decode($utf8);
		is($text =~ s/&#(\d{3,});/chr($1)/ger, $utf8, 'and the same when decoded');
	}
}
$node->safe_psql('postgres', q{CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'});
$node->safe_psql('bytes', "CREATE EXTENSION journey_privacy CASCADE; SELECT journey_privacy.set_controller(convert_from('\\xc3a4ff', 'SQL_ASCII'), 'x')");
foreach my $format (qw(markdown html json))
{
	my $text = document('bytes', "privacy_notice('de', '$format')");

	unlike($text, qr/\xff/, "bytes that are no text are not in $format of SQL_ASCII");
	like($text, $format eq 'json' ? qr/\\u00e4\\ufffd entscheidet/ : qr/\xc3\xa4\xef\xbf\xbd entscheidet/, 'the others are');
}

$node->stop;
done_testing();
