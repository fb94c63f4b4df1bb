
# Published cases of erasure: schemas, a seed identity, and the cells that must
# change and no other.  Their graph becomes links, their seed a protected table.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = ($ENV{JP_DATA} // '') . '/erasure_cases';
plan skip_all => 'the published cases are not here (JP_DATA)' unless -d $dir;

my $node = PostgreSQL::Test::Cluster->new('cases');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
# a worker for each database
max_worker_processes = 32
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;

# From the neutral form to links.  Columns that must match together are one
# link; those that are matched against the seed are linked to the seed's table.
my $translate = q{
	CREATE SCHEMA jp;
	CREATE TABLE jp.person (email text);
	SELECT journey_privacy.protect('jp.person', 'email', kind => 'email');
	INSERT INTO jp.person SELECT val FROM fc.seed WHERE key = 'email';
	CREATE FUNCTION jp.redaction(t text) RETURNS jsonb LANGUAGE sql AS $$
		SELECT coalesce(jsonb_object_agg(c.col, CASE g.strategy WHEN 'string_rewrite' THEN to_jsonb(g.arg) ELSE 'null' END), '{}')
		FROM fc.cat c JOIN fc.target g ON c.cat = g.cat OR c.cat LIKE g.cat || '.%' WHERE c.tbl = t $$;
	CREATE FUNCTION jp.grouped(t text, c text) RETURNS boolean LANGUAGE sql AS
		$$ SELECT EXISTS (SELECT FROM fc.grp WHERE tbl = t AND c = ANY (cols)) $$;
	SELECT journey_privacy.link_table(format('fc.%I', tbl)::regclass, ARRAY[col]::name[], 'jp.person', '{email}', 'redact', jp.redaction(tbl))
	FROM fc.ident WHERE key = 'email' AND NOT jp.grouped(tbl, col);
	SELECT journey_privacy.link_table(format('fc.%I', to_tbl)::regclass, ARRAY[to_col]::name[],
		format('fc.%I', from_tbl)::regclass, ARRAY[from_col]::name[], 'redact', jp.redaction(to_tbl))
	FROM fc.edge WHERE NOT jp.grouped(to_tbl, to_col);
	-- an identity in a group is that of the row that leads there
	SELECT journey_privacy.link_table(format('fc.%I', g.tbl)::regclass, array_agg(x.child ORDER BY x.child),
		format('fc.%I', x.parent_table)::regclass, array_agg(x.parent ORDER BY x.child), 'redact', jp.redaction(g.tbl))
	FROM fc.grp g, LATERAL (
		SELECT e.to_col::name AS child, e.from_col::name AS parent, e.from_tbl AS parent_table FROM fc.edge e
		WHERE e.to_tbl = g.tbl AND e.to_col = ANY (g.cols)
		UNION ALL SELECT i.col, p.col, p.tbl FROM fc.ident i JOIN fc.ident p ON p.key = i.key
		WHERE i.tbl = g.tbl AND i.col = ANY (g.cols) AND p.tbl IN (SELECT from_tbl FROM fc.edge WHERE to_tbl = g.tbl)) x
	GROUP BY g.tbl, x.parent_table;
	-- every cell, before and after
	CREATE TABLE jp.cell (stage text, tbl text, pk text, col text, val text);
	CREATE FUNCTION jp.note_cells(stage text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE n record;
	BEGIN
		FOR n IN SELECT * FROM fc.node LOOP
			EXECUTE format('INSERT INTO jp.cell SELECT %L, %L, %s, jp_kv.key, jp_kv.value FROM fc.%I, jsonb_each_text(to_jsonb(%I)) jp_kv',
				stage, n.tbl, (SELECT string_agg(format('%I.%I::text', n.tbl, k), $q$ || '|' || $q$ ORDER BY o) FROM unnest(n.pk) WITH ORDINALITY u(k, o)),
				n.tbl, n.tbl);
		END LOOP;
	END $$;
	SELECT jp.note_cells('before');};

my $cases = 0;
for my $file (sort glob "$dir/case*.sql")
{
	my ($name) = $file =~ m{(case[^/]*)\.sql$};

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->command_ok([ 'psql', '-XAtq', '-d', $node->connstr($name), '-f', $file ], "$name: the case as published");
	$node->safe_psql($name, 'CREATE EXTENSION journey_privacy CASCADE; SELECT journey_privacy.create_keyring()');
	$node->safe_psql($name, $translate);
	my $seed = $node->safe_psql($name, q{SELECT val FROM fc.seed WHERE key = 'email'});
	my $reach = $node->safe_psql($name, qq{
		SELECT string_agg(r.tbl || ' ' || r.n || ' ' ||
			coalesce(jsonb_array_length(journey_privacy.export_subject('email:$seed') -> 'tables' -> ('fc.' || quote_ident(r.tbl))), 0), ', ')
		FROM fc.expect_reach r
		WHERE r.n <> coalesce(jsonb_array_length(journey_privacy.export_subject('email:$seed') -> 'tables' -> ('fc.' || quote_ident(r.tbl))), 0)});
	is($reach, '', "$name: as many rows are reached as expected");
	$node->safe_psql($name, "CALL journey_privacy.erase('email:$seed')");
	$node->safe_psql($name, q{SELECT jp.note_cells('after')});
	is($node->safe_psql($name, q{
		SELECT coalesce(string_agg(concat_ws(' ', d.what, d.tbl, d.pk, d.col), ', '), '') FROM (
			SELECT 'unexpected' AS what, x.* FROM (
				SELECT tbl, pk, col, new FROM (SELECT b.tbl, b.pk, b.col, a.val AS new, b.val AS old, a.tbl AS there FROM jp.cell b
					LEFT JOIN jp.cell a ON (a.stage, a.tbl, a.pk, a.col) = ('after', b.tbl, b.pk, b.col) WHERE b.stage = 'before') c
				WHERE c.new IS DISTINCT FROM c.old OR c.there IS NULL EXCEPT SELECT * FROM fc.expect) x
			UNION ALL SELECT 'missing', y.* FROM (
				SELECT * FROM fc.expect EXCEPT SELECT tbl, pk, col, val FROM jp.cell WHERE stage = 'after') y) d}),
		'', "$name: the cells that must change, and no other");
	is($node->safe_psql($name, 'SELECT count(*) FROM jp.person'), '0', "$name: the person is gone");
	$cases++;
}
cmp_ok($cases, '>', 0, 'there are cases');
done_testing();
