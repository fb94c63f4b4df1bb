
# Many writers at once, crashes and parallel scans: bits and what an analyst
# sees agree with an oracle that knows only the ledger, no two changes wait for
# each other in a circle, no number is given twice.  JP_SEED repeats a run.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{JP_SEED} // int(rand(1_000_000));
srand($seed);
note "seed $seed, JP_SEED=$seed repeats it";

my $node = PostgreSQL::Test::Cluster->new('decisions');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'journey_privacy'
deadlock_timeout = 100ms
log_line_prefix = '%m [%p] %e '
log_statement = none
max_connections = 30
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE analyst LOGIN;
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('agreed', 'consent', consent_valid_for => '13 months'),
	       journey_privacy.create_purpose('opted', 'opt_out'),
	       journey_privacy.create_purpose('ordered', 'contract'),
	       journey_privacy.create_purpose('required', 'legal_obligation');
	SELECT journey_privacy.allow('analyst', name) FROM journey_privacy.purpose;

	-- one row for each subject
	CREATE TABLE visit (visitor journey_privacy.pseudonym PRIMARY KEY);
	SELECT journey_privacy.protect('visit', 'visitor');
	GRANT SELECT ON visit TO analyst;

	-- every number that was ever given
	CREATE TABLE given (number int, subject journey_privacy.pseudonym);
	CREATE FUNCTION note_given() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.given VALUES (NEW.number, NEW.pseudonym);
		RETURN NULL;
	END $$;
	CREATE TRIGGER note_given AFTER INSERT ON journey_privacy.subject
		FOR EACH ROW EXECUTE FUNCTION note_given();

	CREATE TABLE person AS
		SELECT i, journey_privacy.pseudonymize('customer_id', i) AS subject
		FROM generate_series(1, 2000) i;
	CREATE UNIQUE INDEX ON person (i);
	CREATE FUNCTION who(bigint) RETURNS journey_privacy.pseudonym STABLE LANGUAGE sql
		AS 'SELECT subject FROM public.person WHERE i = $1';
	CREATE FUNCTION what(bigint) RETURNS text IMMUTABLE LANGUAGE sql
		AS $$ SELECT (ARRAY['agreed', 'opted', 'ordered', 'required'])[$1] $$;
	-- months ago; some so that consent expires while we are at it
	CREATE FUNCTION earlier(bigint) RETURNS timestamptz VOLATILE LANGUAGE sql
		AS $$ SELECT CASE WHEN $1 < 20 THEN clock_timestamp() - $1 * interval '1 month'
		             ELSE clock_timestamp() - interval '13 months' + ($1 - 20) * interval '0.4 s' END $$;

	-- the process that reads a row
	CREATE FUNCTION reader() RETURNS int PARALLEL SAFE LANGUAGE plpgsql
		AS 'BEGIN RETURN pg_backend_pid(); END';

	-- one change; of the erased it is refused
	CREATE FUNCTION attempt(kind bigint, a bigint, b bigint, p bigint, yes boolean)
	RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		CASE kind
			WHEN 0 THEN PERFORM journey_privacy.record_consent(who(a), what(p), yes);
			WHEN 1 THEN PERFORM journey_privacy.record_consent(who(a), what(p), true);
			WHEN 2 THEN PERFORM journey_privacy.withdraw(who(a), what(p));
			WHEN 3 THEN PERFORM journey_privacy.object_to(who(a), what(p));
			WHEN 4 THEN PERFORM journey_privacy.restrict_processing(who(a));
			WHEN 5 THEN PERFORM journey_privacy.lift_restriction(who(a));
			WHEN 6 THEN PERFORM journey_privacy.link_identity(who(a), who(b));
			WHEN 7 THEN PERFORM journey_privacy.unlink_identity(who(a));
			WHEN 8 THEN PERFORM journey_privacy.record_consents(ARRAY[who(a), who(b)],
			                      ARRAY[what(p), what(p)], ARRAY[true, yes]);
			WHEN 9 THEN INSERT INTO visit VALUES (who(a)) ON CONFLICT DO NOTHING;
		END CASE;
	EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state THEN
		IF SQLERRM !~ 'eras(ed|ure)' THEN RAISE; END IF;
	END $$;

	-- The oracle: who may be seen, from the ledger alone.
	CREATE VIEW oracle AS
	WITH member AS (
	  SELECT pseudonym AS subject, number, coalesce(head, number) AS person
	  FROM journey_privacy.subject),
	decision AS (
	  SELECT DISTINCT ON (person, purpose) person, purpose, decision = 'granted' AS yes, at
	  FROM journey_privacy.consent_event JOIN member USING (subject) WHERE purpose IS NOT NULL
	  ORDER BY person, purpose, at DESC, decision = 'granted'),
	restriction AS (
	  SELECT DISTINCT ON (person) person, decision = 'restricted' AS restricted
	  FROM journey_privacy.consent_event JOIN member USING (subject) WHERE purpose IS NULL
	  ORDER BY person, at DESC, decision = 'restricted' DESC)
	SELECT m.subject, m.number, p.name AS purpose,
	  CASE WHEN p.basis = 'legal_obligation' THEN true
	       WHEN coalesce(r.restricted, false) THEN false
	       WHEN p.basis = 'consent'
	         THEN coalesce(d.yes AND (p.consent_valid_for IS NULL
	                OR (d.at AT TIME ZONE 'UTC' + p.consent_valid_for) AT TIME ZONE 'UTC' > now()), false)
	       WHEN p.basis = 'opt_out' THEN coalesce(d.yes, true)
	       ELSE true END AS seen
	FROM member m CROSS JOIN journey_privacy.purpose p
	LEFT JOIN decision d ON d.person = m.person AND d.purpose = p.name
	LEFT JOIN restriction r ON r.person = m.person;

	CREATE VIEW stored AS
	SELECT s.number, p.name AS purpose,
	  coalesce(get_bit(b.bits, s.number % 8192) = 1, p.basis <> 'consent') AS bit
	FROM journey_privacy.subject s CROSS JOIN journey_privacy.purpose p
	LEFT JOIN journey_privacy.permitted b ON b.purpose = p.name AND b.chunk = s.number / 8192;

	CREATE TABLE seen (purpose text, subject journey_privacy.pseudonym);
	GRANT INSERT ON seen TO analyst;});

# What clients do, and how often.  Nobody of the first 160 is ever erased, so
# nothing may be refused there.
my $direct = q{
\set i random(1, 160)
\set j 1 + (:i - 1 + random(1, 159)) % 160
\set p random(1, 4)
\set m random(0, 25)
};
my $erasable = q{
\set i random(161, 200)
\set j 161 + (:i - 161 + random(1, 39)) % 40
\set p random(1, 4)
\set k random(0, 9)
\set y random(0, 1)
};
my %script = (
	'consent@6' => "$direct SELECT journey_privacy.record_consent(who(:i), what(:p), :j % 3 > 0, earlier(:m));",
	'withdraw@2' => "$direct SELECT journey_privacy.withdraw(who(:i), what(:p));",
	'object@2' => "$direct SELECT journey_privacy.object_to(who(:i), what(:p), earlier(:m));",
	'restrict@2' => "$direct SELECT journey_privacy.restrict_processing(who(1 + :i % 12));",
	'lift@2' => "$direct SELECT journey_privacy.lift_restriction(who(1 + :i % 12));",
	'link@2' => "$direct SELECT journey_privacy.link_identity(who(:i), who(:j));",
	'unlink@4' => "$direct SELECT journey_privacy.unlink_identity(who(:i));",
	'visit@1' => "$direct INSERT INTO visit VALUES (who(:i)) ON CONFLICT DO NOTHING;",
	'bulk@3' => $direct . q{
\set k random(1, 160)
\set l random(1, 160)
SELECT journey_privacy.record_consents(ARRAY[who(:i), who(:j), who(:k), who(:l), who(:i)],
	ARRAY[what(:p), what(1 + :i % 4), what(1 + :j % 4), what(1 + :k % 4), what(1)],
	ARRAY[:i % 2 = 0, :j % 2 = 0, :k % 2 = 0, :l % 2 = 0, :m % 2 = 0],
	ARRAY[earlier(:m), clock_timestamp(), clock_timestamp(), earlier(1), clock_timestamp()]);},
	'attempt@6' => "$erasable SELECT attempt(:k, :i, :j, :p, :y = 1);",
	'erase@1' => "$erasable CALL journey_privacy.erase(who(:i));");

# People nobody knows yet, met by all clients at the same time and in any order.
my %newcomers = (
	'several' => q{
\set n :n + 1
SELECT journey_privacy.record_consents(array_agg(subject ORDER BY random()),
	array_agg('agreed'::text), array_agg(true))
FROM person WHERE i BETWEEN 200 + :n * 16 AND 215 + :n * 16;},
	'pairs' => q{
\set n :n + 1
\set a 1600 + 2 * :n + :client_id % 2
\set b 1601 + 2 * :n - :client_id % 2
SELECT journey_privacy.link_identity(who(:a), who(:b));});

# Reports the ways in which something is wrong; nothing is what we want.
sub none
{
	my ($name, $sql) = @_;

	return is($node->safe_psql('postgres', "SELECT * FROM ($sql) wrong LIMIT 5"), '', $name);
}

# What the server has logged of errors since a place in its log.
sub errors_since
{
	my ($offset) = @_;
	my @errors = grep { /(?:ERROR|PANIC|TRAP): / } split /\n/, slurp_file($node->logfile, $offset);

	return join "\n", @errors[ 0 .. ($#errors < 5 ? $#errors : 5) ];
}

# Arguments of pgbench for these scripts.
sub scripts
{
	my (%scripts) = @_;
	my @arguments;

	for my $name (sort keys %scripts)
	{
		my ($file, $weight) = split /@/, $name;
		append_to_file($node->basedir . "/$file", $scripts{$name});
		push @arguments, '-f', $node->basedir . "/$file@" . ($weight // 1);
	}
	return @arguments;
}

# A command that runs clients.
sub clients
{
	my ($clients, @arguments) = @_;

	return ('pgbench', '--host', $node->host, '--port', $node->port, '--no-vacuum', '--jobs=2',
		"--client=$clients", "--random-seed=$seed", @arguments, 'postgres');
}

# Runs clients to their end, without errors and without deadlocks.
sub bench
{
	my ($name, @arguments) = @_;
	my $offset = -s $node->logfile;

	command_ok([ clients(8, @arguments) ], $name);
	is(errors_since($offset), '', "$name: nobody is refused, nor waits in a circle");
	return;
}

# Compares ledger and bits.
sub bits
{
	my ($when) = @_;

	none("$when: every bit is what the ledger says",
		'SELECT * FROM oracle NATURAL JOIN stored WHERE seen <> bit');
	return;
}

# Compares ledger, decisions, bits and what the analyst sees.
sub check
{
	my ($when) = @_;

	# what is about to expire does so first
	$node->poll_query_until('postgres', q{
		SELECT NOT EXISTS (SELECT FROM journey_privacy.consent_state
		  WHERE valid_until > now() AND valid_until < now() + interval '1 minute')})
	  or die 'time stands still';
	$node->safe_psql('postgres', q{
		INSERT INTO visit SELECT pseudonym FROM journey_privacy.subject ON CONFLICT DO NOTHING;
		TRUNCATE seen;
		SET ROLE analyst;} . join '', map { "
		SET journey_privacy.purpose = $_;
		INSERT INTO seen SELECT '$_', visitor FROM visit;" } qw(agreed opted ordered required));
	none("$when: the analyst sees what the ledger says", q{
		SELECT o.*, s.subject IS NOT NULL AS is_seen
		FROM oracle o FULL JOIN seen s USING (subject, purpose)
		WHERE o.seen IS DISTINCT FROM (s.subject IS NOT NULL)});

	# one writer of each chunk mends what has expired in it
	$node->safe_psql('postgres', q{
		SELECT journey_privacy.record_consent(pseudonym, 'agreed', true)
		FROM journey_privacy.subject
		WHERE number IN (SELECT max(number) FROM journey_privacy.subject GROUP BY number / 8192)});
	bits($when);
	none("$when: every identity of a person has the same decisions", q{
		SELECT * FROM journey_privacy.subject s CROSS JOIN journey_privacy.purpose p
		LEFT JOIN journey_privacy.consent_state c ON c.number = s.number AND c.purpose = p.name
		LEFT JOIN journey_privacy.consent_state h ON h.number = s.head AND h.purpose = p.name
		WHERE s.head IS NOT NULL
		  AND (c.granted, c.decided_at, c.valid_until)
		    IS DISTINCT FROM (h.granted, h.decided_at, h.valid_until)});
	none("$when: heads are heads", q{
		SELECT * FROM journey_privacy.subject s
		WHERE linked <> EXISTS (SELECT FROM journey_privacy.subject a WHERE a.head = s.number)
		   OR head IS NOT NULL AND NOT EXISTS (SELECT FROM journey_privacy.subject h
		        WHERE h.number = s.head AND h.head IS NULL)});
	none("$when: no number was given twice", q{
		SELECT number, count(*) FROM given GROUP BY number HAVING count(*) > 1});
	none("$when: nor will be", q{
		SELECT number, last_value FROM given, journey_privacy.subject_number
		WHERE number > last_value});
	none("$when: the registry holds them", q{
		SELECT * FROM journey_privacy.subject s LEFT JOIN given g ON g.number = s.number
		WHERE s.pseudonym IS DISTINCT FROM g.subject});
	none("$when: nothing is left of the erased", q{
		SELECT subject FROM journey_privacy.consent_event
		WHERE journey_privacy.is_erased(subject)
		   OR subject NOT IN (SELECT pseudonym FROM journey_privacy.subject)
		UNION ALL SELECT pseudonym FROM journey_privacy.subject
		WHERE journey_privacy.is_erased(pseudonym)
		UNION ALL SELECT visitor FROM visit
		WHERE visitor NOT IN (SELECT pseudonym FROM journey_privacy.subject)});
	none("$when: nor a decision of nobody", q{
		SELECT * FROM journey_privacy.consent_state
		WHERE number NOT IN (SELECT number FROM journey_privacy.subject)});
	return;
}

# 1. Many writers at once
bench('unknown people in bulk', '--transactions=60', '--define=n=0',
	scripts(several => $newcomers{several}));
bench('unknown people linked', '--transactions=150', '--define=n=0',
	scripts(pairs => $newcomers{pairs}));
bench('one person restricted and not', '--transactions=60', scripts(
	on => q{SELECT journey_privacy.restrict_processing(who(1000));},
	off => q{SELECT journey_privacy.lift_restriction(who(1000));}));
bits('one person restricted and not');
# from here on people lie on both sides of the border of two chunks
$node->safe_psql('postgres', q{SELECT setval('journey_privacy.subject_number', 2 * 8192 - 100)});
my @scripts = scripts(%script);
bench('many writers', '--transactions=400', '--protocol=prepared', @scripts);
is($node->safe_psql('postgres', q{
	SELECT count(DISTINCT decision) = 6, count(DISTINCT subject) > 200,
	  (SELECT count(*) FROM journey_privacy.subject WHERE head IS NOT NULL) > 20,
	  (SELECT count(*) FROM journey_privacy.erasure) > 20,
	  (SELECT count(DISTINCT number / 8192) FROM journey_privacy.subject WHERE number > 8191)
	FROM journey_privacy.consent_event}), 't|t|t|t|2', 'all kinds of change were made');
check('many writers');

# 2. Crashes under them
for my $commit ('on', 'off')
{
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM given');
	my $offset = -s $node->logfile;
	my ($out, $err) = ('', '');
	$node->safe_psql('postgres', "ALTER DATABASE postgres SET synchronous_commit = $commit");

	my $clients = IPC::Run::start([ clients(8, '--transactions=100000', @scripts) ],
		'<', \undef, '>', \$out, '2>', \$err);
	# people come back after erasure: new numbers are given all the time
	$node->poll_query_until('postgres', "SELECT count(*) >= $before + 12 FROM given")
	  or die "nothing happens: $err";
	$node->stop('immediate');
	$clients->finish;
	unlike($err, qr/ERROR/, "synchronous_commit = $commit: nothing goes wrong until the crash");
	$node->start;
	is(errors_since($offset), '', 'nor after it');
	$node->safe_psql('postgres', 'CALL journey_privacy.resume_erasures()');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM journey_privacy.erasure WHERE state <> 'done'}),
		'0', 'erasures that the crash stopped are finished');
	check("crash with synchronous_commit = $commit");
}

# 3. Parallel scans
$node->safe_psql('postgres', q{
	CREATE TABLE page (id int, visitor journey_privacy.pseudonym);
	SELECT journey_privacy.protect('page', 'visitor');
	GRANT SELECT ON page TO analyst;
	INSERT INTO page SELECT n, pseudonym FROM generate_series(1, 60) n, journey_privacy.subject;
	ANALYZE page;});

# What a session answers.
sub answer
{
	my ($session, $sql) = @_;

	$session->{stderr} = '';
	my $out = $session->query($sql);
	return $session->{stderr} =~ /(ERROR: .*)/ ? $1 : $out;
}

# A session of the analyst with a prepared statement.
sub analyst
{
	my ($workers) = @_;
	my $session = $node->background_psql('postgres', extra_params => [ '-U', 'analyst' ],
		on_error_stop => 0);

	answer($session, $_)
	  for "SET max_parallel_workers_per_gather = $workers", 'SET parallel_setup_cost = 0',
	  'SET parallel_tuple_cost = 0', 'SET min_parallel_table_scan_size = 0',
	  'SET parallel_leader_participation = off', 'SET plan_cache_mode = force_generic_plan',
	  'SET journey_privacy.purpose = agreed',
	  'PREPARE q(int) AS SELECT count(*) FROM page WHERE id > $1';
	return $session;
}

my $parallel = analyst(2);
my $serial = analyst(0);
is(answer($parallel, 'SELECT bool_and(reader() <> ' . answer($parallel, 'SELECT pg_backend_pid()')
		. ') FROM page'), 't', 'workers scan');
is(answer($serial, 'SELECT bool_and(reader() = ' . answer($serial, 'SELECT pg_backend_pid()')
		. ') FROM page'), 't', 'no workers scan');
like(answer($parallel, 'EXPLAIN (COSTS OFF) EXECUTE q(0)'), qr/Gather.*Parallel Custom Scan \(JourneyScan\) on page/s,
	'the prepared statement is planned for workers');
unlike(answer($serial, 'EXPLAIN (COSTS OFF) EXECUTE q(0)'), qr/Gather/, 'or for none');

# How many pages the ledger lets be seen.
sub pages
{
	return $node->safe_psql('postgres', q{
		SELECT count(*) FROM page JOIN oracle ON subject = visitor AND purpose = 'agreed' WHERE seen});
}

# Somebody who is seen, and alone.
sub visible
{
	return $node->safe_psql('postgres', q{
		SELECT subject FROM oracle o JOIN journey_privacy.subject s USING (number)
		WHERE purpose = 'agreed' AND seen AND head IS NULL AND NOT linked
		ORDER BY hashtext(subject::text || } . int(rand(1000)) . q{) LIMIT 1});
}

for my $change ("withdraw('%s', 'agreed')", "restrict_processing('%s')", "lift_restriction('%s')",
	"record_consent('%s', 'agreed', false)", "record_consent('%1\$s', 'agreed', true)",
	"withdraw('%s', 'agreed')")
{
	my $subject = visible();
	my $before = answer($parallel, 'EXECUTE q(0)');

	$node->safe_psql('postgres', 'SELECT journey_privacy.' . sprintf($change, $subject));
	my $after = answer($parallel, 'EXECUTE q(0)');
	is($after, pages(), sprintf($change, '…') . ': workers see it at once');
	is(answer($serial, 'EXECUTE q(0)'), $after, 'as does a scan without them');
	isnt($after, $before, 'it changes something') if $change =~ /^withdraw|^restrict/;
}
for my $session ($parallel, $serial)
{
	answer($session, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
	my $before = answer($session, 'EXECUTE q(0)');
	$node->safe_psql('postgres', sprintf "SELECT journey_privacy.withdraw('%s', 'agreed')", visible());
	is(answer($session, 'EXECUTE q(0)'), $before, 'repeatable read repeats');
	answer($session, 'COMMIT');
	is(answer($session, 'EXECUTE q(0)'), pages(), 'until it ends');
}

# with writers all the while, both see the same as soon as those are done
my ($out, $err) = ('', '');
my $clients = IPC::Run::start([ clients(4, '--transactions=100', @scripts) ],
	'<', \undef, '>', \$out, '2>', \$err);
my $wrong = '';
while ($clients->pumpable)
{
	my $count = answer($parallel, 'EXECUTE q(0)');
	$wrong ||= $count unless $count =~ /^\d+$/;
	$clients->pump_nb;
}
ok($clients->finish, 'more writers') or diag $err;
is($wrong, '', 'workers scan while they write');
check('writers under parallel scans');
is(answer($parallel, 'EXECUTE q(0)'), pages(), 'and see the same in the end');
is(answer($serial, 'EXECUTE q(0)'), pages(), 'as a scan without them');
$_->quit for $parallel, $serial;

is(join('', grep { / 40P01 / } split /^/, slurp_file($node->logfile)), '', 'no deadlock in all that');
done_testing();
