# Nobody rewrites the audit: a superuser who edits, deletes, reorders or
# truncates entries is caught against a checkpoint that was kept elsewhere; the
# README's script verifies entries outside the database; what is purged leaves
# the proofs of later entries valid.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('audit');
my $dir = $node->basedir;
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '$dir/keyring'
journey_privacy.checkpoint_file = '$dir/checkpoints'
journey_privacy.checkpoint_command = 'cat >> $dir/handed; echo >> $dir/handed'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE TABLE visit (id int, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('visit', 'visitor');
	-- what somebody who changes entries would do next: the nodes anew, from the hashes
	CREATE FUNCTION root(level int, i bigint) RETURNS bytea LANGUAGE plpgsql AS 'BEGIN
	  RETURN CASE level WHEN 0 THEN (SELECT hash FROM journey_privacy.audit_entry WHERE number = i)
	               ELSE sha256(''\x01'' || root(level - 1, i * 2) || root(level - 1, i * 2 + 1)) END; END';
	CREATE FUNCTION remake() RETURNS void LANGUAGE sql AS $$
	  DELETE FROM journey_privacy.audit_node;
	  INSERT INTO journey_privacy.audit_node
	    SELECT l, i, root(l, i) FROM generate_series(8, 12) l,
	      LATERAL generate_series(0, (SELECT (max(number) + 1) >> l FROM journey_privacy.audit_entry) - 1) i $$;});

# Makes so many entries.
sub use_it
{
	my ($count) = @_;
	my $script = "SELECT 1 FROM visit;\n" x $count;
	$node->safe_psql('postgres', $script);
}

# A signed note, which ends in a line end.
sub checkpoint
{
	return $node->safe_psql('postgres', 'SELECT journey_privacy.checkpoint_audit()');
}

sub verify
{
	my ($note) = @_;
	my $given = $note ? "E'" . join('\n', split(/\n/, $note)) . "\\n'" : 'NULL';
	return $node->safe_psql('postgres', qq{
		SELECT broken_entry, problem, checked = size FROM journey_privacy.verify_audit($given)});
}

use_it(700);
my $note = checkpoint();
my ($size) = $note =~ /^[^\n]+\n(\d+)\n/;
cmp_ok($size, '>', 700, 'a checkpoint of all entries');
is(verify(), '||t', 'the audit verifies');
is(verify($note), '||t', 'against a checkpoint, too');
use_it(20);
is(verify($note), '||t', 'and when it has grown');

# handed out: appended to the file, and to the command's standard input
ok($node->poll_query_until('postgres',
	qq{SELECT pg_read_file('$dir/handed') LIKE E'%} . join('\n', split(/\n/, $note)) . q{%'}),
	'the command was given the checkpoint');
like(slurp_file("$dir/checkpoints"), qr/\Q$note\E\n/, 'the file has it');

# The README's script, outside of the database.
open my $readme, '<', 'README.md' or die "README.md: $!";
my ($script) = do { local $/; <$readme> } =~ /^```python\n(.*?)^```/ms;
close $readme;
ok($script, 'the README has a script');
sub put { my ($name, $text) = @_; open my $f, '>', "$dir/$name" or die; print $f $text; close $f; }
put('verify.py', $script);
put('note', $note);
$node->safe_psql('postgres', 'SELECT 1 FROM visit') ;
$node->run_log([ 'sh', '-c', "psql -XAtc 'SELECT journey_privacy.audit_verifier_key()' -d '"
	. $node->connstr('postgres') . "' > $dir/key" ]);

# Asks for entries and proof, and lets the script look at them.
sub outside
{
	my ($first, $last, $change) = @_;
	my $leaves = $node->safe_psql('postgres',
		"SELECT leaf FROM journey_privacy.audit_leaf($first, $last) ORDER BY number") . "\n";
	my $proof = $node->safe_psql('postgres', qq{
		SELECT level, index, encode(hash, 'hex') FROM journey_privacy.audit_range_proof($first, $last, $size)});
	$change->($leaves, $proof) if $change;
	put('leaves', $leaves);
	put('proof', $proof ? "$proof\n" : '');
	my ($out, $err);
	IPC::Run::run([ 'python3', "$dir/verify.py", map { "$dir/$_" } qw(key note leaves proof) ],
		'>', \$out, '2>', \$err);
	return $out . $err;
}
my @ranges = ([ 0, $size - 1 ], [ 0, 0 ], [ $size - 1, $size - 1 ], [ 255, 256 ], [ 100, 600 ]);
SKIP:
{
	skip 'no python3 or openssl here', 7 + @ranges
	  if system('python3 -c "" && openssl version >/dev/null') != 0;
	for my $range (@ranges)
	{
		my ($first, $last) = @$range;
		my $count = $last - $first + 1;
		like(outside($first, $last), qr/^$count entries from $first on are in the tree of $size/,
			"entries $first to $last verify outside");
	}
	like(outside(100, 600, sub { $_[0] =~ s/"rows":0/"rows":1/ }), qr/^these are not/, 'not with a changed one');
	like(outside(100, 600, sub { $_[0] =~ s/^[^\n]*\n// }), qr/gap|not/, 'nor without one');
	like(outside(100, 600, sub { $_[0] =~ s/^([^\n]*\n)([^\n]*\n)/$2$1/ }), qr/gap|not/, 'nor with two swapped');
	like(outside(100, 600, sub { $_[1] =~ s/(\w)$/$1 eq '0' ? '1' : '0'/e }), qr/not/, 'nor with another proof');
	for my $spoil ([ "$size\n", ($size + 1) . "\n" ], [ $note =~ /\n.*\n(\w)/ ? "\n$1" : '', "\n_" ])
	{
		(my $spoilt = $note) =~ s/\Q$spoil->[0]\E/$spoil->[1]/;
		put('note', $spoilt);
		unlike(outside(100, 600), qr/entries from/, 'nor with another checkpoint');
	}
	put('note', $note);
	like(outside(100, 600), qr/^501 entries/, 'and again with the right one');
}

# What a superuser would do, each time on a copy of the data directory.
sub tamper
{
	my ($name, $sql, $expected_inside, $expected_outside) = @_;
	my $part = $node->safe_psql('postgres',
		"SELECT tableoid::regclass FROM journey_privacy.audit_entry LIMIT 1");
	$sql =~ s/PART/$part/g;
	# the worker goes on writing, after what is kept
	$node->safe_psql('postgres', qq{
		BEGIN;
		LOCK journey_privacy.audit_entry IN SHARE ROW EXCLUSIVE MODE;
		ALTER TABLE journey_privacy.audit_entry DISABLE TRIGGER ALL;
		ALTER TABLE $part DISABLE TRIGGER ALL;
		ALTER TABLE journey_privacy.audit_node DISABLE TRIGGER ALL;
		ALTER TABLE journey_privacy.audit_checkpoint DISABLE TRIGGER ALL;
		CREATE TABLE kept AS SELECT * FROM $part;
		CREATE TABLE kept_node AS SELECT * FROM journey_privacy.audit_node;
		CREATE TABLE kept_checkpoint AS SELECT * FROM journey_privacy.audit_checkpoint;
		$sql;
		COMMIT});
	like(verify(), $expected_inside, "$name: inside");
	like(verify($note), $expected_outside, "$name: against the checkpoint");
	$node->safe_psql('postgres', qq{
		BEGIN;
		DELETE FROM $part WHERE number <= (SELECT max(number) FROM kept);
		INSERT INTO $part SELECT * FROM kept;
		DELETE FROM journey_privacy.audit_node WHERE (level, index) IN (SELECT level, index FROM kept_node);
		INSERT INTO journey_privacy.audit_node SELECT * FROM kept_node;
		DELETE FROM journey_privacy.audit_checkpoint WHERE size <= (SELECT max(size) FROM kept_checkpoint);
		INSERT INTO journey_privacy.audit_checkpoint SELECT * FROM kept_checkpoint;
		COMMIT;
		DROP TABLE kept, kept_node, kept_checkpoint});
	is(verify($note), '||t', "$name: mended");
}
my $rehash = q{UPDATE PART e SET hash = (SELECT sha256('\x00' || convert_to(l.leaf, 'UTF8'))
	FROM journey_privacy.audit_leaf(e.number) l) WHERE e.number IN};

tamper('edited', q{UPDATE PART SET current_user_name = 'somebody' WHERE number = 300},
	qr/^300\|is not what was sealed/, qr/^300\|/);
for my $column (q{kind = 'other'}, q{outcome = 'fine'}, q{session = session || ' '}, q{duration = '1 mon'},
	q{subject = ''}, q{tables = array_append(tables, NULL), columns = array_append(columns, '')}, 
	q{detail = ''}, q{at = at + '1 us'}, q{rows = NULL}, q{hash = hash || '\x00'}, q{tables = '[5:5]={public.visit}'})
{
	tamper("edited ($column)", "UPDATE PART SET $column WHERE number = 301", qr/^301\|is not/, qr/^301\|/);
}
tamper('edited with its hash', "UPDATE PART SET current_user_name = 'somebody' WHERE number = 300; $rehash (300)",
	qr/^256\|this entry or one of the 255 after it/, qr/^256\|/);
tamper('edited with its hash, nodes gone', "UPDATE PART SET current_user_name = 'somebody' WHERE number = 300;
	$rehash (300); DELETE FROM journey_privacy.audit_node", qr/^\d+\|this entry or one/, qr/^\d+\|this entry or one/);
tamper('edited, and all that is stored made to agree', "UPDATE PART SET current_user_name = 'somebody' WHERE number = 690;
	$rehash (690); SELECT remake(); DELETE FROM journey_privacy.audit_checkpoint",
	qr/^\|\|t/, qr/^\d+\|this entry or one after it, before $size, is not what the given checkpoint says/);
tamper('deleted', 'DELETE FROM PART WHERE number = 400', qr/^400\|is missing/, qr/^400\|is missing/);
tamper('deleted, the rest renumbered', 'DELETE FROM PART WHERE number = 400; UPDATE PART SET number = -number WHERE number > 400;
	UPDATE PART SET number = -number - 1 WHERE number < 0', qr/^400\|is not/, qr/^400\|/);
tamper('reordered', 'UPDATE PART SET number = -1 WHERE number = 500; UPDATE PART SET number = 500 WHERE number = 501;
	UPDATE PART SET number = 501 WHERE number = -1', qr/^500\|is not/, qr/^500\|/);
tamper('added twice', 'DROP INDEX PART_number; INSERT INTO PART SELECT * FROM PART WHERE number = 10',
	qr/^10\|is there twice/, qr/^10\|is there twice/);
# last: the worker's next entries lie over the gap
tamper('truncated', "DELETE FROM PART WHERE number >= 650; DELETE FROM journey_privacy.audit_checkpoint",
	qr/^650\|is missing|^\d+\|/, qr/^\d+\|/);

# A log whose first entries are two months old, made from this one, and purged.
$node->append_conf('postgresql.conf', "journey_privacy.audit = off");
$node->restart;
$node->safe_psql('postgres', q{
	DO $$
	DECLARE
	  part text := (SELECT tableoid::regclass FROM journey_privacy.audit_entry LIMIT 1);
	  old text := to_char(now() AT TIME ZONE 'UTC' - interval '2 months', 'YYYY_MM');
	BEGIN
	  EXECUTE format('CREATE TABLE journey_privacy.audit_entry_%s (LIKE journey_privacy.audit_entry)', old);
	  EXECUTE format('INSERT INTO journey_privacy.audit_entry_%s SELECT * FROM %s WHERE number < 300', old, part);
	  EXECUTE format('DELETE FROM %s WHERE number < 300', part);
	  EXECUTE format('UPDATE journey_privacy.audit_entry_%s SET at = at - interval ''2 months''', old);
	  EXECUTE format('ALTER TABLE journey_privacy.audit_entry ATTACH PARTITION journey_privacy.audit_entry_%s FOR VALUES FROM (%L) TO (%L)',
	    old, date_trunc('month', now() - interval '2 months', 'UTC'), date_trunc('month', now() - interval '1 month', 'UTC'));
	  EXECUTE format('ALTER TABLE journey_privacy.audit_entry_%s DISABLE TRIGGER ALL', old);
	  EXECUTE format('UPDATE journey_privacy.audit_entry_%s e SET hash = (SELECT sha256(''\x00'' || convert_to(l.leaf, ''UTF8''))'
	    ' FROM journey_privacy.audit_leaf(e.number) l)', old);
	  EXECUTE format('ALTER EXTENSION journey_privacy ADD TABLE journey_privacy.audit_entry_%s', old);
	  DELETE FROM journey_privacy.audit_checkpoint;
	  PERFORM remake();
	END $$});
$node->append_conf('postgresql.conf', "journey_privacy.audit = all");
$node->restart;
$note = checkpoint();
($size) = $note =~ /^[^\n]+\n(\d+)\n/;
is(verify($note), '||t', 'an older log verifies');
is($node->safe_psql('postgres', q{SELECT journey_privacy.purge_audit('3 months')}), '0', 'nothing is too old');
my $before = $node->safe_psql('postgres', 'SELECT * FROM journey_privacy.audit_inclusion_proof(450, ' . $size . ')');
is($node->safe_psql('postgres', q{SELECT journey_privacy.purge_audit('1 day')}), '300', 'a month is purged');
is($node->safe_psql('postgres', 'SELECT min(number) FROM journey_privacy.audit_entry'), '300', 'it is gone');
is($node->safe_psql('postgres', q{SELECT broken_entry, problem FROM journey_privacy.verify_audit(E'}
	. join('\n', split(/\n/, $note)) . q{\n')}), '|', 'the rest verifies against a checkpoint from before');
is($node->safe_psql('postgres', 'SELECT * FROM journey_privacy.audit_inclusion_proof(450, ' . $size . ')'), $before,
	'the proof of a later entry is the same');
isnt($node->psql('postgres', 'SELECT * FROM journey_privacy.audit_inclusion_proof(299)'), 0, 'a purged one has none');
put('note', $note);
SKIP:
{
	skip 'no python3 or openssl here', 1 if system('python3 -c "" && openssl version >/dev/null') != 0;
	like(outside(300, 500), qr/^201 entries from 300/, 'a month that is kept verifies outside');
}
is($node->safe_psql('postgres', q{
	SELECT command, rows FROM journey_privacy.audit_log WHERE kind = 'audit' AND command LIKE 'purge%'}),
	'purge_audit|300', 'the purge is on record');
use_it(10);
$node->restart;
use_it(10);
like($node->safe_psql('postgres', 'SELECT broken_entry IS NULL FROM journey_privacy.verify_audit()'), qr/^t$/,
	'it goes on after a restart');

# a broken month is not purged
$node->stop;
done_testing();
