# Preloaded or loaded on first use: the story holds in both, from the very first
# statement of a session on; what needs preloading says so; nobody weakens
# protection by setting something before the library is there; a restart keeps
# everything.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $no_purpose = qr/ERROR:  42501: no purpose is set for reading protected table "visit"/;

# One psql of its own for each call: the statement is the first of its session.
sub ask
{
	my ($node, $user, $sql, $options) = @_;

	local $ENV{PGOPTIONS} = $options // '';
	my ($ret, $out, $err) = $node->psql('postgres', $sql,
		extra_params => [ '-U', $user, '-v', 'VERBOSITY=verbose' ]);
	return wantarray ? ($out, $err) : $ret ? "$out$err" : $out;
}

sub refused
{
	my ($node, $user, $sql, $error, $name, $options) = @_;
	my ($out, $err) = ask($node, $user, $sql, $options);

	is($out, '', "$name: no rows");
	like($err, $error, $name);
	return;
}

sub start
{
	my ($name, $preload) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf',
		"journey_privacy.keyring_file = '" . $node->basedir . "/keyring'");
	$node->append_conf('postgresql.conf',
		"shared_preload_libraries = 'journey_privacy'")
	  if $preload;
	$node->start;
	return $node;
}

# What the DBA and the application do.
sub tell_story
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{
		CREATE ROLE analyst LOGIN;
		CREATE ROLE visitor LOGIN;
		CREATE EXTENSION journey_privacy CASCADE;
		SELECT journey_privacy.create_keyring();
		SELECT journey_privacy.create_purpose('analytics', 'consent');
		SELECT journey_privacy.create_purpose('billing', 'contract');
		CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, event text);
		CREATE INDEX ON visit (event);
		SELECT journey_privacy.protect('visit', subject => 'visitor');
		SELECT journey_privacy.allow('analyst', 'analytics');
		GRANT SELECT, UPDATE, DELETE ON visit TO analyst, visitor;
		SELECT journey_privacy.record_consent('email:ann@example.com', 'analytics', true);
		SELECT journey_privacy.record_consent('email:bob@example.com', 'analytics', false);
		INSERT INTO visit SELECT n, ('email:' || (ARRAY['ann', 'bob', 'cyd'])[1 + n % 3]
		  || '@example.com')::journey_privacy.pseudonym, 'event' || n % 7
		  FROM generate_series(1, 2100) n;
		ANALYZE visit;});
	return;
}

# What any session sees of it in its first statement.
sub check_first_statement
{
	my ($node, $name) = @_;
	my $purpose = '-c journey_privacy.purpose=analytics';
	my $by_index = '-c enable_seqscan=off -c enable_bitmapscan=off';

	my %query = (
		'a count' => 'SELECT count(*) FROM visit',
		'no columns' => 'SELECT FROM visit',
		'an index scan for nothing' => q{SELECT id FROM visit WHERE event = 'nothing'},
		'a primary key that does not exist' => 'SELECT event FROM visit WHERE id = -1',
		'a condition that is never true' => 'SELECT id FROM visit WHERE false',
		'a limit of nothing' => 'SELECT id FROM visit LIMIT 0',
		'a join with nothing' =>
		  'SELECT v.id FROM visit v JOIN (SELECT 1 AS id WHERE false) n USING (id)',
		'a subquery' => 'SELECT EXISTS (SELECT FROM visit WHERE id = -1)',
		'a cursor' => 'BEGIN; DECLARE c CURSOR FOR SELECT id FROM visit WHERE id = -1; FETCH c',
		'COPY' => 'COPY (SELECT id FROM visit WHERE id = -1) TO stdout',
		'COPY of the table' => 'COPY visit TO stdout',
		'an update of nothing' => q{UPDATE visit SET event = '' WHERE id = -1},
		'a deletion of nothing' => 'DELETE FROM visit WHERE id = -1',
		'a prepared statement' =>
		  'PREPARE q AS SELECT id FROM visit WHERE id = -1; EXECUTE q',
		'a function' =>
		  q{DO $$ BEGIN PERFORM FROM visit WHERE id = -1; END $$});
	foreach my $what (sort keys %query)
	{
		refused($node, 'analyst', $query{$what}, $no_purpose,
			"$name: refused without a purpose: $what", $by_index);
	}
	refused($node, 'visitor', 'SELECT count(*) FROM visit WHERE id = -1',
		qr/ERROR:  42501: role "visitor" is not allowed to read protected table "visit" for purpose "analytics"/,
		"$name: refused to a role without the purpose", "$by_index $purpose");
	refused($node, 'analyst', 'SELECT count(*) FROM visit WHERE id = -1',
		qr/ERROR:  42501: purpose "sales" does not exist/,
		"$name: refused for an unknown purpose",
		"$by_index -c journey_privacy.purpose=sales");
	refused($node, 'analyst', 'SELECT count(*) FROM visit WHERE id = -1',
		qr/ERROR:  42501: role "analyst" is not allowed .* for purpose "billing"/,
		"$name: refused for a purpose that is another's",
		"$by_index -c journey_privacy.purpose=billing");
	is(ask($node, 'analyst', 'SELECT count(*), min(id % 3) FROM visit', $purpose),
		'700|0', "$name: consenting people only");
	is(ask($node, 'analyst', q{SELECT count(*) FROM visit WHERE event = 'event1'},
			"$by_index $purpose"),
		'100', "$name: consenting people only, by index");
	is(ask($node, scalar getpwuid($>), q{SELECT count(*) FROM visit}), '2100',
		"$name: a superuser sees all");
	return;
}

# Settings that could weaken protection, against a user who may set none of them.
# Until the library is there they are placeholders, which anyone may set.
sub check_settings
{
	my ($node, $name, %setting) = @_;
	my $purpose = '-c journey_privacy.purpose=analytics';
	my $read = 'SELECT FROM visit LIMIT 0';

	foreach my $setting (sort keys %setting)
	{
		my ($value, $other) = @{ $setting{$setting} };
		my $refusal = qr/(ERROR|FATAL|WARNING):  (55P02: )?parameter "$setting" cannot be (changed now|set for a session)/;

		my ($out, $err) = ask($node, 'analyst',
			"SET $setting = '$other'; $read; SELECT told('$setting')", $purpose);
		like($err, $refusal, "$name: $setting set before reading is refused");
		like($out, qr/^(\Q$value\E|)$/, "$name: $setting set before reading has no effect");
		foreach my $spelling ($setting, ucfirst $setting)
		{
			refused($node, 'analyst', "$read; SELECT told('$setting')",
				qr/(ERROR|FATAL):  (55P02: )?parameter "$setting" cannot be (changed now|set for a session)/i,
				"$name: $spelling set by the client is refused",
				"$purpose -c $spelling=$other");
		}
		refused($node, 'analyst', "$read; SET $setting = '$other'",
			qr/ERROR:  55P02: parameter "$setting" cannot be changed now/,
			"$name: $setting cannot be set after reading", $purpose);
		refused($node, 'analyst', "ALTER ROLE analyst SET $setting = '$other'",
			qr/ERROR:  (42501|55P02)/, "$name: $setting cannot be set for a role");
		is(ask($node, 'analyst', "$read; SELECT told('$setting')", $purpose),
			$value, "$name: $setting is as it was");
	}
	return;
}

# What holds either way, and what only a preloaded library refuses; the first
# statement of a session again.
sub check_commands
{
	my ($node, $preload) = @_;
	my $name = $node->name;
	my $purpose = '-c journey_privacy.purpose=analytics';

	$node->safe_psql('postgres', q{
		CREATE ROLE owner LOGIN;
		GRANT CREATE ON SCHEMA public TO owner;
		CREATE TABLE page (id int, visitor journey_privacy.pseudonym, url text) PARTITION BY RANGE (id);
		ALTER TABLE page OWNER TO owner;
		SELECT journey_privacy.protect('page', 'visitor');
		SELECT journey_privacy.allow('owner', 'analytics');
		SELECT journey_privacy.allow_columns('analytics', 'page', '{id}');
		GRANT SELECT ON page TO analyst;
		ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT SELECT ON TABLES TO analyst});
	$node->safe_psql('postgres', 'CREATE TABLE page_1 PARTITION OF page FOR VALUES FROM (0) TO (100)',
		extra_params => [ '-U', 'owner' ]);
	$node->safe_psql('postgres', q{INSERT INTO page VALUES (1, 'email:ann@example.com', '/'), (2, 'email:bob@example.com', '/')});
	is(ask($node, 'analyst', 'SELECT id FROM page_1', $purpose), '1',
		"$name: a partition made later is covered");
	refused($node, 'analyst', 'SELECT id FROM page_1', qr/ERROR:  42501: no purpose is set/,
		"$name: refused without a purpose: that partition");
	refused($node, 'analyst', 'SELECT url FROM page', qr/ERROR:  42501: column "url" .* may not be read/,
		"$name: refused: a column that is not allowed", $purpose);
	refused($node, 'owner', 'TRUNCATE page', qr/ERROR:  42501: permission denied to truncate/,
		"$name: refused: TRUNCATE by an owner", $purpose);
	refused($node, 'owner', 'ALTER TABLE page RENAME visitor TO who',
		qr/ERROR:  55000: protection of table "page" rests on column "visitor"/,
		"$name: refused: renaming the subject column");
	refused($node, 'owner',
		'CREATE TABLE whole (LIKE page) PARTITION BY RANGE (id); ALTER TABLE whole ATTACH PARTITION page_1 FOR VALUES FROM (0) TO (100)',
		qr/ERROR:  (42809|55000)/, "$name: refused: a parent that is not protected");
	is(ask($node, 'analyst', 'EXPLAIN (COSTS OFF) SELECT id FROM page_1 WHERE id = 1', $purpose) =~ /page_1/, 1,
		"$name: the shape of a plan is shown");
	foreach my $sql ('EXPLAIN SELECT id FROM page', 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT id FROM page; COMMIT',
		'CREATE MATERIALIZED VIEW kept AS SELECT id FROM page', 'CREATE POLICY p ON page USING (true)',
		'CREATE INDEX ON page (id) WHERE id > 1', 'ALTER TABLE page ADD CHECK (id > 0)',
		'ALTER TABLE page NO FORCE ROW LEVEL SECURITY')
	{
		my ($out, $err) = ask($node, 'owner', $sql, $purpose);
		if ($preload)
		{
			like($err, qr/ERROR:  42501/, "$name: refused: $sql");
		}
		else
		{
			unlike($err, qr/ERROR/, "$name: takes preloading to refuse: $sql");
		}
	}
	return;
}

my $preloaded = start('preloaded', 1);
my $loaded = start('loaded', 0);
foreach my $node ($preloaded, $loaded)
{
	my $name = $node->name;

	tell_story($node);
	$node->safe_psql('postgres', q{
		CREATE FUNCTION told(setting text) RETURNS text LANGUAGE sql SECURITY DEFINER
		SET search_path = pg_catalog, pg_temp AS 'SELECT current_setting($1)'});
	check_first_statement($node, $name);
	check_commands($node, $node == $preloaded);
	check_settings($node, $name,
		'journey_privacy.keyring_file' =>
		  [ $node->basedir . '/keyring', $node->basedir . '/other' ],
		'journey_privacy.require_locked_memory' => [ 'off', 'on' ],
		'journey_privacy.require_preload' => [ 'off', 'on' ]);

	my $before = $node->safe_psql('postgres', q{
		SELECT * FROM visit ORDER BY id; SELECT * FROM journey_privacy.subject ORDER BY number;
		SELECT * FROM journey_privacy.consent_state; SELECT * FROM journey_privacy.permitted;
		SELECT * FROM journey_privacy.key_version});
	$node->restart;
	check_first_statement($node, "$name, restarted");
	is($node->safe_psql('postgres', q{
		SELECT * FROM visit ORDER BY id; SELECT * FROM journey_privacy.subject ORDER BY number;
		SELECT * FROM journey_privacy.consent_state; SELECT * FROM journey_privacy.permitted;
		SELECT * FROM journey_privacy.key_version}),
		$before, "$name: a restart keeps everything");
	$node->stop('immediate');
	$node->start;
	check_first_statement($node, "$name, crashed");
	is(ask($node, scalar getpwuid($>), q{
		SELECT FROM journey_privacy.withdraw('email:ann@example.com', 'analytics')}),
		'', "$name: a withdrawal");
	is(ask($node, 'analyst', 'SELECT count(*) FROM visit',
			'-c journey_privacy.purpose=analytics'),
		'0', "$name: the next session does not see who withdrew");

	# a database without the extension is left alone
	$node->safe_psql('postgres', 'CREATE DATABASE plain');
	is($node->safe_psql('plain', q{
		CREATE TABLE t AS SELECT 1 AS a;
		ALTER TABLE t ENABLE ROW LEVEL SECURITY;
		CREATE POLICY p ON t USING (a > 0);
		GRANT SELECT ON t TO analyst;
		SET ROLE analyst; SELECT a FROM t}),
		'1', "$name: row security of others in a database without the extension");
}

# require_preload
foreach my $node ($preloaded, $loaded)
{
	$node->append_conf('postgresql.conf', 'journey_privacy.require_preload = on');
	$node->reload;
}
$preloaded->poll_query_until('postgres',
	q{SELECT current_setting('journey_privacy.require_preload') = 'on'})
  or die 'no reload';
is(ask($preloaded, 'analyst', 'SELECT count(*) FROM visit',
		'-c journey_privacy.purpose=analytics'),
	'0', 'preloaded: require_preload is satisfied');
$loaded->restart;
foreach my $sql ('SELECT count(*) FROM visit', 'SELECT id FROM visit WHERE id = -1')
{
	foreach my $first ('', 'SET journey_privacy.require_preload = off; ')
	{
		refused($loaded, 'analyst', "$first$sql",
			qr/ERROR:  55000: .* requires journey_privacy to be preloaded\n.*HINT:  Add the line shared_preload_libraries = 'journey_privacy' to postgresql\.conf and restart the server\./s,
			"loaded: require_preload refuses: $first$sql",
			'-c journey_privacy.purpose=analytics');
	}
	refused($loaded, 'analyst', $sql,
		qr/ERROR:  55P02: parameter "journey_privacy.require_preload" cannot be set for a session/,
		"loaded: the client cannot talk it out of that: $sql",
		'-c journey_privacy.purpose=analytics -c journey_privacy.require_preload=off');
}

done_testing();
