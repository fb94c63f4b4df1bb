# Protected tables replicated on purpose: the subscriber has the extension, the
# same keyring, and a registry, decisions and tombstones of its own.  What an
# erasure deletes at the publisher goes there too, where the publication sends
# deletes; the doctor names those that do not.
use strict;
use warnings;

use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => 'logical', extra => [ '-E', 'UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
	return $node;
}

my $publisher = new_node('publisher');
my $subscriber = new_node('subscriber');
my $tables = q{
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, at timestamptz, event text);
	CREATE TABLE page (id int PRIMARY KEY, visit int REFERENCES visit, url text);
	CREATE TABLE profile (n int PRIMARY KEY, id bigint, mood text, secret journey_privacy.sealed);};

# Whoever subscribes sees what comes first in its own tables, as far as people
# have decided there; whom it does not want it leaves out.
my $roles = 'CREATE ROLE analyst; CREATE ROLE owner';
my $extension = q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring(), journey_privacy.create_purpose('analytics', 'consent'),
	       journey_privacy.allow('analyst', 'analytics');};
my $protect = q{
	SELECT journey_privacy.protect('visit', 'visitor', on_refused => 'skip'),
	       journey_privacy.protect('profile', 'id', kind => 'customer_id', on_erase => 'redact', redact => '{"id": null, "mood": null}', on_refused => 'skip');
	GRANT SELECT ON visit, profile TO analyst;};
$publisher->start;
$publisher->safe_psql('postgres', "$roles; $extension $tables $protect");
copy($publisher->basedir . '/keyring', $subscriber->basedir . '/keyring') or die "copy: $!";
chmod 0600, $subscriber->basedir . '/keyring' or die "chmod: $!";
$subscriber->start;
$subscriber->safe_psql('postgres', "$roles; $extension $tables $protect");
# a registry in another order, and somebody who is erased here only
$subscriber->safe_psql('postgres', q{
	SELECT journey_privacy.record_consent(('customer_id:' || 30 - n)::journey_privacy.pseudonym, 'analytics', n % 2 = 0)
	FROM generate_series(0, 29) n;
	CALL journey_privacy.erase('customer_id:7')});
$publisher->safe_psql('postgres', q{
	INSERT INTO visit SELECT n, journey_privacy.pseudonymize('customer_id', n % 10), now(), 'home' FROM generate_series(1, 100) n;
	INSERT INTO page SELECT n, n, '/' FROM generate_series(1, 100) n WHERE n % 10 <> 7;
	INSERT INTO profile SELECT n, n, 'glad', journey_privacy.seal(journey_privacy.pseudonymize('customer_id', n), 's' || n)
	FROM generate_series(0, 9) n});

# Only a superuser publishes a protected table.
my ($status, $out, $err) = $publisher->psql('postgres', q{
	ALTER TABLE visit OWNER TO owner; GRANT CREATE ON DATABASE postgres TO owner; SET ROLE owner;
	CREATE PUBLICATION theirs FOR TABLE visit});
like($err, qr/permission denied to change publications of protected table "visit"/, 'an owner does not publish it');
$publisher->safe_psql('postgres', 'ALTER TABLE visit OWNER TO CURRENT_USER; CREATE PUBLICATION shop FOR TABLE visit, page, profile');

# A subscription acts as its owner, a superuser, also where tables have others.
my $as_owner = $subscriber->safe_psql('postgres', 'SHOW server_version_num') >= 160000 ? ', run_as_owner = true' : '';
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION shop CONNECTION '$connection' PUBLICATION shop WITH (copy_data = true$as_owner)");
# what refers to a row that is left out here cannot come
$subscriber->wait_for_subscription_sync($publisher, 'shop');

sub seen
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q{SET ROLE analyst; SET journey_privacy.purpose = analytics;
		SELECT count(*), count(DISTINCT visitor) FROM visit});
}

sub catch_up { $publisher->wait_for_catchup('shop'); return; }

my $numbers = q{SELECT count(*), count(s.number), count(DISTINCT s.number) FROM visit v
	LEFT JOIN journey_privacy.subject s ON s.pseudonym = v.visitor AND s.number = v.journey_subject};
is($subscriber->safe_psql('postgres', $numbers), '90|90|9', 'initial copy: numbered by its own registry, without whom it has erased');
is(seen($publisher), '0|0', 'nobody has decided at the publisher');
is(seen($subscriber), '40|4', 'and at the subscriber those count who have there');
is($subscriber->safe_psql('postgres', q{SELECT count(*), bool_and(journey_privacy.unseal(
	journey_privacy.pseudonymize('customer_id', id), secret) IS NULL) FROM profile}), '9|t',
	'sealed values stay sealed: their keys are not sent');

# the stream
$publisher->safe_psql('postgres', q{
	INSERT INTO visit VALUES (200, 'customer_id:2', now(), 'buy'), (201, 'email:new@example.com', now(), 'buy'), (207, 'customer_id:7', now(), 'buy');
	UPDATE visit SET visitor = 'customer_id:4' WHERE id = 101 - 1;
	UPDATE visit SET event = 'cart', journey_subject = 0 WHERE id = 12;
	DELETE FROM page WHERE id = 6; DELETE FROM visit WHERE id = 6});
catch_up();
is($subscriber->safe_psql('postgres', $numbers), '91|91|10', 'stream: inserts, updates and deletes are numbered, too');
is(seen($subscriber), '41|4', 'and seen as decided here');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM visit WHERE id IN (7, 207)'), '0', 'who was erased here does not come back');

# Erasure: rows go by the stream, in linked tables too; the rest is each one's own.
$publisher->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:4', 'asked', md5('4')::uuid)});
catch_up();
is($subscriber->safe_psql('postgres', q{
	SELECT count(*) FROM visit WHERE visitor = 'customer_id:4';
	SELECT count(*) FROM page WHERE id % 10 = 4;
	SELECT mood FROM profile WHERE n = 4;
	SELECT journey_privacy.is_erased('customer_id:4'), count(*) FROM journey_privacy.subject WHERE pseudonym = 'customer_id:4'}),
	"0\n0\n\nf|1", 'erasing at the publisher deletes and redacts at the subscriber, and leaves the subject registered there');
$subscriber->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:4', 'asked', md5('4')::uuid)});
is($subscriber->safe_psql('postgres', q{
	SELECT journey_privacy.is_erased('customer_id:4'), count(*) FROM journey_privacy.subject WHERE pseudonym = 'customer_id:4';
	SELECT journey_privacy.verify_receipt(receipt) FROM journey_privacy.erasure WHERE request_id = md5('4')::uuid}), "t|0\nt",
	'until it is erased there, too');
# the other way round, the deletes that come later find nothing
$subscriber->safe_psql('postgres', q{CALL journey_privacy.erase('customer_id:8', 'asked', md5('8')::uuid)});
$publisher->safe_psql('postgres', q{UPDATE visit SET event = 'late' WHERE visitor = 'customer_id:8';
	CALL journey_privacy.erase('customer_id:8', 'asked', md5('8')::uuid)});
$publisher->safe_psql('postgres', q{INSERT INTO visit VALUES (300, 'customer_id:2', now(), 'after')});
catch_up();
is($subscriber->safe_psql('postgres', q{SELECT count(*) FROM visit WHERE visitor = 'customer_id:8'; SELECT count(*) FROM visit WHERE id = 300}), "0\n1",
	'erased there first, the stream goes on');

# What would break erasure is named; what is sent in full is not.
sub gaps
{
	return $publisher->safe_psql('postgres', q{
		SELECT DISTINCT "check", object, regexp_replace(finding, '(: |, but ).*', '') FROM journey_privacy.doctor()
		WHERE "check" LIKE 'publication\_%' ORDER BY 1, 2, 3});
}
is(gaps(), '', 'nothing is wrong with a publication that sends all');
my @broken = (
	[ q{ALTER PUBLICATION shop SET (publish = 'insert, update')}, q{ALTER PUBLICATION shop SET (publish = 'insert, update, delete')},
		'publication_erasure|publication shop|does not send deletes of public.page, public.profile, public.visit' ],
	[ q{ALTER PUBLICATION shop SET (publish = 'insert, delete')}, q{ALTER PUBLICATION shop SET (publish = 'insert, update, delete')},
		'publication_erasure|publication shop|does not send updates of public.profile' ],
	[ q{ALTER PUBLICATION shop SET TABLE visit WHERE (id > 10), page}, q{ALTER PUBLICATION shop SET TABLE visit, page},
		'publication_part|publication shop|has a row filter on public.visit' ],
	[ q{ALTER PUBLICATION shop SET TABLE visit (id, event), page}, q{ALTER PUBLICATION shop SET TABLE visit, page},
		'publication_part|publication shop|leaves out of public.visit what tells whose a row is' ],
	[ q{ALTER PUBLICATION shop SET TABLE visit (visitor, event), page}, q{ALTER PUBLICATION shop SET TABLE visit, page},
		'publication_identity|public.visit|is in publication shop' ],
	[ q{ALTER TABLE visit REPLICA IDENTITY NOTHING}, q{ALTER TABLE visit REPLICA IDENTITY DEFAULT},
		'publication_identity|public.visit|is in publication shop' ],
	[ q{CREATE PUBLICATION all_of_it FOR ALL TABLES}, q{DROP PUBLICATION all_of_it},
		'publication_part|publication all_of_it|sends tables of journey_privacy, which is this database\'s own' ]);
foreach my $case (@broken)
{
	my ($break, $mend, $finding) = @$case;

	$publisher->safe_psql('postgres', $break);
	is(gaps(), $finding, "named: $break");
	# what is named as failing does
	if ($finding =~ /identity/)
	{
		my ($code, $nothing, $said) = $publisher->psql('postgres', q{BEGIN; CALL journey_privacy.erase('customer_id:5'); COMMIT});
		like($said, qr/cannot delete from table "visit"/, 'erasing fails');
	}
	$publisher->safe_psql('postgres', $mend);
	is(gaps(), '', "mended: $mend");
}
unlike(slurp_file($_->logfile), qr/terminated by signal|PANIC/, $_->name . ': no crash') foreach $publisher, $subscriber;
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION shop');
$subscriber->stop;
$publisher->stop;
done_testing();
