# What only newer servers have, against the rules: commands and tables that
# PostgreSQL 15 does not know show nobody who is hidden, write nobody who did
# not agree, and are reached by erasure.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($version) = `pg_config --version` =~ /PostgreSQL (\d+)/;
plan skip_all => 'PostgreSQL 15 has none of it' if $version < 17;

my $node = PostgreSQL::Test::Cluster->new('newer');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE analyst LOGIN;
	CREATE EXTENSION journey_privacy CASCADE;
	CREATE EXTENSION btree_gist;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('analytics', 'consent');
	CREATE TABLE visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, event text, secret text);
	SELECT journey_privacy.protect('visit', 'visitor');
	SELECT journey_privacy.allow('analyst', 'analytics');
	SELECT journey_privacy.record_consent('customer_id:1', 'analytics', true);
	INSERT INTO visit VALUES (1, 'customer_id:1', 'home', 'plain'), (2, 'customer_id:2', 'CANARY', 'CANARY');
	GRANT SELECT, UPDATE, DELETE ON visit TO analyst;
	GRANT CREATE ON SCHEMA public TO analyst;});

# As the analyst, under the purpose; what is said, rows and errors.
sub asked
{
	my ($sql) = @_;
	my (undef, $out, $err) = $node->psql('postgres',
		"SET ROLE analyst; SET journey_privacy.purpose = 'analytics'; $sql", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return "$out\n$err";
}

sub by_dba
{
	return $node->safe_psql('postgres', @_);
}

# Since 17 ---------------------------------------------------------------------

my $said = asked(q{
	MERGE INTO visit v USING (VALUES ('home'), ('CANARY')) s(e) ON v.event = s.e
	WHEN MATCHED THEN UPDATE SET secret = 'merged' RETURNING merge_action(), v.*});
like($said, qr/UPDATE\|1\|/, 'MERGE RETURNING gives who may be seen');
unlike($said, qr/\|2\||CANARY\|CANARY/, 'and nobody else');
$said = asked(q{
	MERGE INTO visit v USING (VALUES ('none')) s(e) ON v.event = s.e
	WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING v.id});
like($said, qr/^1$/m, 'rows that the source has not: who may be seen');
is(by_dba('SELECT id FROM visit'), '2', 'and nobody else');
by_dba(q{INSERT INTO visit VALUES (1, 'customer_id:1', 'home', 'plain')});

unlike(asked(q{SELECT j.* FROM visit, JSON_TABLE(to_jsonb(visit), '$' COLUMNS (e text PATH '$.event', s text PATH '$.secret')) j}),
	qr/CANARY/, 'JSON_TABLE over rows');
like(asked("EXPLAIN ($_) SELECT * FROM visit"), qr/ERROR:  42501/, "EXPLAIN ($_) is refused")
  for 'GENERIC_PLAN', 'MEMORY', 'ANALYZE, SERIALIZE', 'ANALYZE, MEMORY, COSTS OFF';

# A maintainer of a table may scrub it, and reads nothing by it.
by_dba(q{CREATE ROLE keeper; GRANT MAINTAIN ON visit TO keeper;
	GRANT USAGE ON SCHEMA journey_privacy TO keeper; GRANT EXECUTE ON PROCEDURE journey_privacy.scrub TO keeper});
is($node->psql('postgres', q{SET ROLE keeper; CALL journey_privacy.scrub('visit')}), 0, 'scrub() asks for MAINTAIN');
is(by_dba(q{SET ROLE keeper; SELECT count(*) FROM pg_stats WHERE tablename = 'visit'}), '0', 'who learns nothing from statistics');

# REINDEX fires event triggers that run SQL.
by_dba(q{CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM count(*) FROM pg_class; END $$;
	CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION noted();
	CREATE INDEX visit_event ON visit USING brin (event);
	UPDATE visit SET event = event;});
is($node->psql('postgres', q{CALL journey_privacy.scrub('visit')}), 0, 'scrub() with event triggers on REINDEX');
by_dba('DROP EVENT TRIGGER noted; DROP INDEX visit_event');

# COPY that skips what it cannot read still asks for a basis, and is not told
# about values of our types: it would quote them.
by_dba(q{CREATE TABLE asked (id int, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('asked', 'visitor', collected_for => '{analytics}', on_refused => 'skip');});
my ($agrees, $silent) = map { by_dba("SELECT 'customer_id:$_'::journey_privacy.pseudonym") } 1, 2;
by_dba("COPY asked (id, visitor) FROM stdin (ON_ERROR ignore);\nno\t$agrees\n1\t$agrees\n2\t$silent\n\\.\n");
is(by_dba('SELECT id FROM asked'), '1', 'COPY (ON_ERROR ignore) asks for a basis');
my (undef, undef, $copied) = $node->psql('postgres',
	"COPY asked (id, visitor) FROM stdin (ON_ERROR ignore, LOG_VERBOSITY verbose);\n3\tann\@example.com\n\\.\n");
like($copied, qr/ERROR:  invalid input syntax for type pseudonym/, 'and does not skip what is no pseudonym');
unlike($copied . slurp_file($node->logfile), qr/ann\@example/, 'which it would quote');

# Since 18 ---------------------------------------------------------------------

SKIP:
{
	skip 'PostgreSQL 17 has none of it', 9 if $version < 18;

	$said = asked(q{UPDATE visit SET secret = 'new' RETURNING old.secret, new.secret, old.*});
	like($said, qr/^plain\|new\|1\|/m, 'RETURNING OLD and NEW give who may be seen');
	unlike($said, qr/CANARY/, 'and nobody else');

	# A virtual column is computed when it is read: by purpose it counts as a
	# column of its own, and nothing can be written to it.
	by_dba(q{ALTER TABLE visit ADD loud text GENERATED ALWAYS AS (upper(secret)) VIRTUAL;
		SELECT journey_privacy.allow_columns('analytics', 'visit', '{id,visitor,event}')});
	like(asked('SELECT loud FROM visit'), qr/ERROR:  42501/, 'a virtual column has to be allowed');
	like(asked('SELECT id FROM visit'), qr/^1$/m, 'the others are read');
	my (undef, undef, $refused) = $node->psql('postgres', q{SELECT journey_privacy.minimize('visit', 'loud', 'drop')});
	like($refused, qr/ERROR/, 'nothing to minimize in a virtual column');
	by_dba(q{SELECT journey_privacy.allow_columns('analytics', 'visit', NULL); ALTER TABLE visit DROP loud});

	# Foreign keys with a period, and such as are not enforced, are links.
	by_dba(q{
		CREATE TABLE stay (id int, during int4range, guest journey_privacy.pseudonym, PRIMARY KEY (id, during WITHOUT OVERLAPS));
		SELECT journey_privacy.protect('stay', 'guest');
		CREATE TABLE meal (name text, stay int, during int4range, FOREIGN KEY (stay, PERIOD during) REFERENCES stay (id, PERIOD during));
		CREATE TABLE note (visit int REFERENCES visit NOT ENFORCED, words text);
		INSERT INTO stay VALUES (1, '[1,5)', 'customer_id:7'), (1, '[5,9)', 'customer_id:7'), (1, '[9,12)', 'customer_id:1'), (2, '[1,9)', 'customer_id:1');
		INSERT INTO meal VALUES ('within', 1, '[2,3)'), ('over both', 1, '[4,7)'), ('after', 1, '[9,10)'), ('elsewhere', 2, '[2,3)');
		INSERT INTO note VALUES (1, 'kept'), (2, 'CANARY');});
	by_dba(q{CALL journey_privacy.erase('customer_id:7')});
	is(by_dba('SELECT string_agg(name, \',\' ORDER BY name) FROM meal'), 'after,elsewhere', 'erasure follows a foreign key with a period');
	is(by_dba('SELECT count(*) FROM stay'), '2', 'and leaves what is somebody else\'s');
	by_dba(q{CALL journey_privacy.erase('customer_id:2')});
	is(by_dba('SELECT words FROM note'), 'kept', 'and one that is not enforced');
	is(by_dba(q{SELECT count(*) FROM journey_privacy.link WHERE child = 'meal'::regclass AND parent = 'stay'::regclass}), '1',
		'the view link shows it');
}

done_testing();
