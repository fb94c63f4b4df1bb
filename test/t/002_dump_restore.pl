# What is dumped comes back unchanged in another cluster that has the same
# keyring, protected as before; without the keyring, or with another, nothing
# can be read or written.  The data are random: JP_SEED repeats a run.
use strict;
use warnings;

use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{JP_SEED} // int(rand(1_000_000));
diag "JP_SEED=$seed";
srand($seed);

my $people = 300;
my @purposes = ('analytics', 'ads', 'billing', 'accounts');
my @users_tables = ('visit', 'purchase', 'parcel', 'customer', 'screening', 'note');

sub any
{
	return $_[ int(rand(scalar @_)) ];
}

sub identity
{
	my ($n) = @_;
	return $n % 3 == 0 ? "loyalty_card:L-$n" : $n % 3 == 1 ? "customer_id:$n"
	  : "email:person$n\@example.com";
}

sub ago
{
	return sprintf "now() - interval '%d minutes'", rand(20 * 30 * 24 * 60);
}

# Everything that a DBA, an application and the people themselves do, at random.
sub random_story
{
	my @sql = (q{
		CREATE EXTENSION journey_privacy CASCADE;
		SELECT journey_privacy.create_keyring();
		SELECT journey_privacy.create_identity_kind('loyalty_card', 'trim', 'plastic');
		SELECT journey_privacy.create_purpose('analytics', 'consent', 'why not', '13 months');
		SELECT journey_privacy.create_purpose('ads', 'opt_out');
		SELECT journey_privacy.create_purpose('billing', 'contract');
		SELECT journey_privacy.create_purpose('accounts', 'legal_obligation');
		CREATE SCHEMA "Odd ""schema""";
		CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym NOT NULL,
		  at timestamptz NOT NULL, event text, props jsonb);
		CREATE INDEX ON visit (visitor, at);
		CREATE TABLE purchase (id int PRIMARY KEY, visit int REFERENCES visit);
		CREATE TABLE parcel (id int PRIMARY KEY, purchase int REFERENCES purchase, street text,
		  receiver journey_privacy.pseudonym);
		SELECT journey_privacy.register_pseudonym_column('parcel', 'receiver');
		CREATE TABLE customer (id bigint PRIMARY KEY, since timestamptz DEFAULT now(),
		  phone journey_privacy.sealed);
		CREATE TABLE screening (watcher journey_privacy.pseudonym, "Film" text,
		  subject_no int);
		CREATE TABLE "Odd ""schema""".note ("Who's" text, n int);
		CREATE VIEW note AS SELECT * FROM "Odd ""schema""".note;
		SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at',
		  retain_for => '25 months');
		SELECT journey_privacy.protect('customer', 'id', kind => 'customer_id');
		SELECT journey_privacy.protect('screening', 'watcher',
		  collected_for => '{billing,analytics}', on_refused => 'skip',
		  number_column => 'subject_no');
		SELECT journey_privacy.protect('"Odd ""schema""".note', 'Who''s', kind => 'loyalty_card');
		CREATE POLICY recent ON visit AS RESTRICTIVE FOR SELECT USING (id % 11 <> 0);
		SELECT journey_privacy.allow('analyst', 'analytics'),
		  journey_privacy.allow('analyst', 'ads'), journey_privacy.allow('clerk', 'billing'),
		  journey_privacy.allow('auditors', 'accounts');
		GRANT USAGE ON SCHEMA "Odd ""schema""" TO analyst, clerk, auditor;
		GRANT SELECT ON visit, purchase, parcel, customer, screening, "Odd ""schema""".note
		  TO analyst, clerk, auditor;
		GRANT INSERT ON visit, screening TO app;
		GRANT EXECUTE ON FUNCTION journey_privacy.pseudonymize(text, text) TO app;
		GRANT SELECT ON journey_privacy.consent_state TO auditors;
	});
	my @erased;

	foreach my $n (1 .. 1500)
	{
		my $who = identity(1 + int(rand($people)));
		push @sql, "INSERT INTO visit VALUES ($n, '$who', " . ago()
		  . sprintf(q{, '%s', '{"a": [%d, null, "ü\\\\n\\""]}');}, any('home', 'cart', 'buy', "odd\t\\"), rand(9));
		push @sql, "INSERT INTO purchase VALUES ($n, $n);" if rand() < 0.3;
	}
	push @sql, q{INSERT INTO parcel SELECT id, id, 'Street ' || id,
		journey_privacy.pseudonymize('customer_id', id) FROM purchase WHERE id % 2 = 0;};
	push @sql, qq{INSERT INTO customer SELECT n, now(), journey_privacy.seal(
		journey_privacy.pseudonymize('customer_id', n), 'phone of ' || n, 'phone')
		FROM generate_series(1, $people, 3) n;};
	foreach my $n (1 .. 900)
	{
		my $who = identity(1 + int(rand($people)));
		my $what = rand();
		my $purpose = any(@purposes);

		if ($what < 0.6)
		{
			push @sql, sprintf q{SELECT journey_privacy.record_consent('%s', '%s', %s, %s, 'banner',
				'v%d', '{"n": %d}', 'FR');}, $who, $purpose, any('true', 'true', 'false'), ago(),
			  rand(3), $n;
		}
		elsif ($what < 0.75) { push @sql, "SELECT journey_privacy.withdraw('$who', '$purpose', " . ago() . ');'; }
		elsif ($what < 0.85) { push @sql, "SELECT journey_privacy.object_to('$who', '$purpose', " . ago() . ');'; }
		elsif ($what < 0.95) { push @sql, "SELECT journey_privacy.restrict_processing('$who', 'disputed');"; }
		else { push @sql, "SELECT journey_privacy.lift_restriction('$who');"; }
		push @sql, "INSERT INTO screening VALUES ('$who', 'Film $n');";
		push @sql, "INSERT INTO note VALUES ('L-$n', $n);" if $n % 3 == 0;
	}
	foreach my $n (1 .. 40)
	{
		my ($who, $alias) = (identity(1 + int(rand(100))), identity(101 + int(rand(200))));

		push @sql, "SELECT journey_privacy.link_identity('$who', '$alias');";
		push @sql, "SELECT journey_privacy.unlink_identity('$alias');" if rand() < 0.2;
	}
	foreach my $n (1 .. 20)
	{
		my $who = identity($n * 10);

		push @erased, $who;
		push @sql, "CALL journey_privacy.erase('$who', 'asked for it', md5('$n')::uuid);";
	}
	return (\@erased, @sql);
}

# Our tables, and the order of their rows
sub our_tables
{
	my ($node, $db) = @_;
	return split /\n/, $node->safe_psql($db, q{
		SELECT c::regclass FROM pg_extension, unnest(extconfig) c JOIN pg_class r ON r.oid = c
		WHERE extname = 'journey_privacy' AND relkind = 'r' ORDER BY 1});
}

# Rows as text, in an order that no cluster changes
sub rows
{
	my ($node, $db, $table) = @_;
	return $node->safe_psql($db, qq{SELECT t::text FROM $table t ORDER BY t::text COLLATE "C"});
}

# What a role sees for a purpose, table by table
sub seen
{
	my ($node, $db, $role, $purpose) = @_;
	my ($ret, $out, $err) = $node->psql($db, qq{
		SET ROLE $role; SET journey_privacy.purpose = '$purpose';
		SELECT t::text FROM visit t ORDER BY t::text COLLATE "C";
		SELECT t::text FROM visit v JOIN purchase t ON t.visit = v.id ORDER BY t::text COLLATE "C";
		SELECT t::text FROM customer t ORDER BY t::text COLLATE "C";
		SELECT t::text FROM screening t ORDER BY t::text COLLATE "C";
		SELECT t::text FROM "Odd ""schema""".note t ORDER BY t::text COLLATE "C"});
	return $err =~ /(ERROR: .*)/ ? $1 : $out;
}

# SQLSTATE and message of a statement that must fail
sub failure
{
	my ($node, $db, $sql) = @_;
	my ($ret, $out, $err) = $node->psql($db, $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return $ret == 0 ? 'no error' : $err =~ /ERROR:  (.*)/ ? $1 : $err;
}

# Everything that was written, as one text
sub everything
{
	my ($node, $db) = @_;
	return join "\n", map { rows($node, $db, $_) } our_tables($node, $db), @users_tables;
}

sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
# a worker for each database
max_worker_processes = 32
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'
log_statement = none});
	$node->start;
	return $node;
}

sub use_keyring
{
	my ($node, $file) = @_;

	$node->append_conf('postgresql.conf', "journey_privacy.keyring_file = '$file'");
	$node->reload;
	$node->poll_query_until('postgres',
		"SELECT current_setting('journey_privacy.keyring_file') = '$file'")
	  or die "the server did not take keyring $file";
	return;
}

my $old = new_node('old');
$old->safe_psql('postgres', q{
	CREATE ROLE analyst; CREATE ROLE clerk; CREATE ROLE auditors; CREATE ROLE app;
	CREATE ROLE auditor IN ROLE auditors;
	CREATE DATABASE shop});
my ($erased, @story) = random_story();
$old->safe_psql('shop', join("\n", @story));

my $dumps = $old->basedir;
$old->command_ok([ 'pg_dumpall', '--roles-only', '-f', "$dumps/roles.sql" ], 'dump the roles');
$old->command_ok([ 'pg_dump', '-f', "$dumps/plain.sql", 'shop' ], 'dump as SQL');
$old->command_ok([ 'pg_dump', '-Fc', '-f', "$dumps/custom", 'shop' ], 'dump as archive');
$old->command_ok([ 'pg_dump', '-Fd', '--jobs', '4', '-f', "$dumps/directory", 'shop' ], 'dump as directory, four jobs');
unlike(slurp_file("$dumps/plain.sql"), qr/person\d+\@example|customer_id:\d/,
	'no identity in the dump but where the users keep it');

my $new = new_node('new');
copy($old->basedir . '/keyring', $new->basedir . '/keyring') or die "copy: $!";
chmod 0600, $new->basedir . '/keyring' or die "chmod: $!";
$new->psql('postgres', slurp_file("$dumps/roles.sql"), on_error_stop => 0);
$new->safe_psql('postgres', qq{CREATE DATABASE $_}) for 'plain', 'custom', 'again', 'other_dba', 'jobs', 'sections';

$new->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$dumps/plain.sql" ],
	'restore SQL');
$new->command_ok(
	[ 'pg_restore', '--exit-on-error', '--jobs', '2', '-d', 'custom', "$dumps/custom" ],
	'restore the archive, two jobs');
# a dump of the restored database is as good as the first
$new->command_ok([ 'pg_dump', '-Fc', '-f', "$dumps/second", 'plain' ], 'dump what was restored');
$new->command_ok([ 'pg_restore', '--exit-on-error', '-1', '-d', 'again', "$dumps/second" ],
	'and restore it');
# four jobs load tables in an order that nobody knows; over what was there before
foreach my $time ('first', 'over what is there')
{
	$new->command_ok(
		[ 'pg_restore', '--exit-on-error', '--jobs', '4', ($time eq 'first' ? () : ('--clean', '--if-exists')),
			'-d', 'jobs', "$dumps/directory" ],
		"restore the directory, four jobs: $time");
}
# several jobs may load tables in any order: here in the opposite one
my ($list) = run_command([ 'pg_restore', '-l', "$dumps/directory" ]);
append_to_file("$dumps/backwards", join("\n", reverse(split /\n/, $list), ''));
$new->command_ok([ 'pg_restore', '--exit-on-error', "--section=$_",
		($_ eq 'data' ? ('-L', "$dumps/backwards") : ('--jobs', '3')), '-d', 'sections', "$dumps/directory" ],
	"restore by sections: $_") foreach 'pre-data', 'data', 'post-data';
# a superuser of another name restores too
$new->safe_psql('postgres', 'CREATE ROLE other_dba SUPERUSER LOGIN');
my @restored = ('plain', 'custom', 'again', 'jobs', 'sections');
push @restored, 'other_dba'
  if ok( run_log(
		[
			'pg_restore', '--exit-on-error', '-U', 'other_dba',
			'-d', $new->connstr('other_dba'), "$dumps/custom"
		]),
	'restore as another superuser');

# Tables of rooms that are not in the story are compared, too.
my %filled = map { $_ => 1 } @users_tables, map { "journey_privacy.$_" } (
	'key_version', 'identity_kind', 'subject', 'tombstone', 'subject_key', 'data_key',
	'purpose', 'consent_event', 'consent_state', 'permitted', 'protection',
	'pseudonym_column', 'allowance', 'erasure');

# The audit makes a month's partition when it gets to writing.
my $definitions = q{
	SELECT d.* FROM (
	  SELECT concat_ws(' | ', polrelid::regclass, polname, polcmd, polpermissive,
	                   pg_get_expr(polqual, polrelid)) AS is FROM pg_policy
	  UNION ALL SELECT concat_ws(' | ', tgrelid::regclass, tgenabled, pg_get_triggerdef(t.oid))
	    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
	    WHERE NOT tgisinternal AND NOT (relispartition AND relnamespace = 'journey_privacy'::regnamespace)
	  UNION ALL SELECT concat_ws(' | ', oid::regclass, relrowsecurity, relforcerowsecurity, relacl)
	    FROM pg_class WHERE relrowsecurity OR (relnamespace = 'journey_privacy'::regnamespace AND NOT relispartition)
	  UNION ALL SELECT concat_ws(' | ', oid::regprocedure, proacl)
	    FROM pg_proc WHERE pronamespace = 'journey_privacy'::regnamespace
	  UNION ALL SELECT concat_ws(' | ', nspname, nspowner::regrole, nspacl)
	    FROM pg_namespace WHERE nspname = 'journey_privacy') d
	ORDER BY d.is COLLATE "C"};

foreach my $db (@restored)
{
	foreach my $table (our_tables($old, 'shop'), @users_tables)
	{
		my $rows = rows($old, 'shop', $table);

		isnt($rows, '', "$table has rows") if $db eq 'plain' && $filled{$table};
		is(rows($new, $db, $table), $rows, "$db: the same rows: $table");
	}
	my $expected = $old->safe_psql('shop', $definitions);
	my $found = $new->safe_psql($db, $definitions);
	my $was = $old->safe_psql('shop', 'SELECT current_user');
	$found =~ s/other_dba/$was/g if $db eq 'other_dba';
	is($found, $expected, "$db: the same policies, triggers and privileges");

	foreach my $role ('analyst', 'clerk', 'auditor', 'app')
	{
		foreach my $purpose (@purposes, '', 'sales')
		{
			is(seen($new, $db, $role, $purpose), seen($old, 'shop', $role, $purpose),
				"$db: $role sees the same for purpose \"$purpose\"");
		}
	}
	is(seen($new, $db, 'analyst', ''),
		'ERROR:  no purpose is set for reading protected table "visit"',
		"$db: refused without a purpose");
	unlike(seen($new, $db, 'analyst', 'analytics'), qr/^ERROR|^$/, "$db: with one, there are rows");

	is($new->safe_psql($db, q{
		SELECT count(*) > 0, bool_and(journey_privacy.unseal(
		  journey_privacy.pseudonymize('customer_id', id), phone, 'phone') = 'phone of ' || id)
		FROM customer}), 't|t', "$db: sealed values open");

	# life goes on
	my ($max, $known) = split /\|/, $new->safe_psql($db,
		'SELECT max(number), count(*) FROM journey_privacy.subject');
	$new->safe_psql($db, q{
		SET ROLE app;
		INSERT INTO visit VALUES (9001, 'email:new1@example.com', now()),
		  (9002, 'email:new2@example.com', now()), (9003, 'email:new1@example.com', now())});
	is($new->safe_psql($db, qq{
		SELECT array_agg(journey_subject > $max ORDER BY id), count(DISTINCT journey_subject)
		FROM visit WHERE id > 9000}), '{t,t,t}|2', "$db: new subjects get fresh numbers");
	is($new->safe_psql($db, qq{
		SELECT count(*) - $known, count(*) - count(DISTINCT number) FROM journey_privacy.subject}),
		'2|0', "$db: and those who are known keep theirs");
	$new->safe_psql($db, q{
		SELECT journey_privacy.record_consent('email:new1@example.com', 'analytics', true);
		SELECT journey_privacy.object_to('email:new2@example.com', 'ads')});
	is($new->safe_psql($db, q{
		SET ROLE analyst; SET journey_privacy.purpose = analytics;
		SELECT array_agg(id ORDER BY id) FROM visit WHERE id > 9000;
		SET journey_privacy.purpose = ads;
		SELECT array_agg(id ORDER BY id) FROM visit WHERE id > 9000}),
		"{9001,9003}\n{9001,9003}", "$db: new decisions count");

	# those who were erased stay away, and their requests are known
	foreach my $n (1, 7, 20)
	{
		is(failure($new, $db,
			"INSERT INTO visit VALUES (9100, '$erased->[$n - 1]', now())"),
			'42501: row for protected table "visit" refused: its subject has been erased',
			"$db: erased person $n does not come back");
		is($new->safe_psql($db, "CALL journey_privacy.erase('$erased->[$n - 1]', 'again', md5('$n')::uuid)"),
			$old->safe_psql('shop', "SELECT receipt FROM journey_privacy.erasure WHERE request_id = md5('$n')::uuid"),
			"$db: the same receipt for the same request, person $n");
	}
	my $who = $new->safe_psql($db,
		'SELECT visitor FROM visit GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1');
	isnt($who, '', "$db: somebody is there");
	$new->safe_psql($db, "CALL journey_privacy.erase('$who')");
	is($new->safe_psql($db, "SELECT count(*) FROM visit WHERE visitor = '$who'"), '0',
		"$db: and can still be erased");
}

# Without the keyring, and with one of another database.
my $stranger = new_node('stranger');
$stranger->safe_psql('postgres',
	'CREATE EXTENSION journey_privacy CASCADE; SELECT journey_privacy.create_keyring()');
copy($stranger->basedir . '/keyring', $new->basedir . '/wrong') or die "copy: $!";
chmod 0600, $new->basedir . '/wrong' or die "chmod: $!";

my $known = $new->safe_psql('custom', q{
	SELECT pseudonym FROM journey_privacy.subject JOIN journey_privacy.consent_state USING (number)
	WHERE purpose = 'analytics' AND NOT restricted ORDER BY number LIMIT 1});
my $other = $new->safe_psql('custom', qq{
	SELECT pseudonym FROM journey_privacy.subject
	WHERE head IS NULL AND NOT linked AND pseudonym <> '$known' ORDER BY number LIMIT 1});
my $alias = $new->safe_psql('custom',
	q{SELECT pseudonym FROM journey_privacy.subject WHERE head IS NOT NULL ORDER BY number LIMIT 1});
my %attempt = (
	'reading' => q{SET ROLE analyst; SET journey_privacy.purpose = analytics; SELECT count(*) FROM visit},
	'reading nothing' =>
	  q{SET ROLE analyst; SET journey_privacy.purpose = analytics; SELECT FROM visit WHERE id = -1},
	'changing' =>
	  q{GRANT UPDATE ON visit TO analyst; SET ROLE analyst; SET journey_privacy.purpose = analytics; UPDATE visit SET event = ''},
	'pseudonymizing' => q{SELECT journey_privacy.pseudonymize('email', 'ann@example.com')},
	'an identity' => q{SELECT 'email:ann@example.com'::journey_privacy.pseudonym},
	'a scoped pseudonym' => qq{SELECT journey_privacy.scoped('$known', 'partner')},
	'sealing' => qq{SELECT journey_privacy.seal('$known', 'x')},
	'unsealing' => qq{SELECT journey_privacy.unseal(p, c.phone, 'phone') FROM customer c
		JOIN journey_privacy.subject s ON s.number = c.journey_subject, LATERAL (SELECT pseudonym) _(p)},
	'inserting an identity' => q{INSERT INTO visit VALUES (9200, 'email:ann@example.com', now())},
	'inserting a pseudonym' => qq{INSERT INTO visit VALUES (9200, '$known', now())},
	'inserting without a pseudonym' => q{INSERT INTO screening VALUES (NULL, 'Film')},
	'inserting by kind' => q{INSERT INTO customer VALUES (9200)},
	'COPY' => "COPY screening FROM stdin;\n$known\tFilm\t\\N\n\\.\n",
	'updating as superuser' => q{UPDATE visit SET event = '' WHERE id < 100},
	'a decision' => qq{SELECT journey_privacy.record_consent('$known', 'analytics', true)},
	'decisions in bulk' =>
	  qq{SELECT journey_privacy.record_consents('{$known}', '{analytics}', '{true}')},
	'a decision of somebody new' =>
	  q{SELECT journey_privacy.record_consent('p1_000000000000000000000000', 'analytics', true)},
	'withdrawing' => qq{SELECT journey_privacy.withdraw('$known', 'analytics')},
	'restricting' => qq{SELECT journey_privacy.restrict_processing('$known')},
	'lifting' => qq{SELECT journey_privacy.lift_restriction('$known')},
	'linking' => qq{SELECT journey_privacy.link_identity('$known', '$other')},
	'unlinking' => qq{SELECT journey_privacy.unlink_identity('$alias')},
	'erasing' => qq{CALL journey_privacy.erase('$known')},
	'asking for a tombstone' => qq{SELECT journey_privacy.is_erased('$known')},
	'protecting' =>
	  q{CREATE TABLE t (p journey_privacy.pseudonym); SELECT journey_privacy.protect('t', 'p')});
my $before = everything($new, 'custom');
foreach my $case (
	[ 'without keyring', $new->basedir . '/missing', qr/^55000: no keyring$/ ],
	[ 'wrong keyring', $new->basedir . '/wrong', qr/^55000: keyring does not belong to this database$/ ])
{
	my ($name, $file, $error) = @$case;

	# a session that was there before is told, too
	my $session = $new->background_psql('custom', on_error_stop => 0);
	$session->query(q{SET ROLE analyst; SET journey_privacy.purpose = analytics});
	is($session->query(q{SELECT count(*) > 0 FROM visit}), 't', "$name: not yet");
	use_keyring($new, $file);
	foreach my $what (sort keys %attempt)
	{
		like(failure($new, 'custom', "BEGIN; $attempt{$what}"), $error, "$name: $what is refused");
	}
	$session->query(q{SELECT count(*) > 0 FROM visit});
	like($session->{stderr}, qr/ERROR:/, "$name: a session from before is refused");
	$session->quit;
	is(everything($new, 'custom'), $before, "$name: nothing was written");
	use_keyring($new, $new->basedir . '/keyring');
}
is(failure($new, 'custom', $attempt{reading}), 'no error', 'with the right keyring all is well again');

done_testing();
