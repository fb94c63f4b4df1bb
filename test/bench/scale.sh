#!/usr/bin/env bash
#
# test/bench/scale.sh: how the work grows with the number of people, on the
# server that PG* names, in a database of its own.  Prints Markdown: a row for
# each work, a column for each number of subjects, milliseconds (medians of
# RUNS warm ones, default 5), and by how much the last column is more than the
# first.
#
#	test/run bench scale
#
# SUBJECTS="100000 1000000 10000000"	numbers of people
# EACH=3		events of each, of one table; 70 % of the people agree
#
# The server must be preloaded and have a keyring setting.  Ten million people
# take 16 GB of disk.

set -euo pipefail
runs=${RUNS:-5}
subjects=${SUBJECTS:-100000 1000000 10000000}
each=${EACH:-3}
db=journey_privacy_bench_scale
work=$(mktemp -d)
analyst="SET ROLE journey_privacy_bench_analyst; SET journey_privacy.purpose = analytics;"
export PGOPTIONS='-c max_parallel_workers_per_gather=0 -c jit=off -c synchronous_commit=off'

main()
{
	trap 'rm -rf "$work"; drop' EXIT
	for n in $subjects; do
		echo "scale: filling for $n subjects" >&2
		drop
		fill "$n"
		echo "scale: measuring" >&2
		measure "$n"
	done
	show
}

drop()
{
	dropdb --if-exists "$db" 2>/dev/null
	psql -XAtq -d postgres -c 'DROP ROLE IF EXISTS journey_privacy_bench_analyst' 2>/dev/null
}

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$db" "$@"; }

fill()
{
	createdb "$db"
	sql -v n="$1" -v each="$each" >/dev/null <<-'SQL'
		SET client_min_messages = warning;
		SET work_mem = '256MB';
		CREATE EXTENSION journey_privacy CASCADE;
		SELECT journey_privacy.create_keyring();
		SELECT journey_privacy.create_purpose('analytics', 'consent', consent_valid_for => '13 months');
		SELECT journey_privacy.create_purpose('newsletter', 'consent');
		CREATE ROLE journey_privacy_bench_analyst;
		SELECT journey_privacy.allow('journey_privacy_bench_analyst', 'analytics');
		SELECT format('SELECT journey_privacy.record_consents(array_agg(who), array_agg(''analytics''::text), array_agg(i %% 10 < 7))
			FROM (SELECT i, journey_privacy.pseudonymize(''customer_id'', i) AS who FROM generate_series(%s, %s) i) p',
			f, least(f + 99999, :n)) FROM generate_series(1, :n, 100000) f \gexec
		CREATE TABLE visit (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text COLLATE "C" NOT NULL);
		SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '10 years');
		SELECT format('INSERT INTO visit SELECT journey_privacy.pseudonymize(''customer_id'', 1 + (i * 7919) %% %s),
			now() - interval ''80 days'' + i * (interval ''80 days'' / %s), (''{home,search,product,cart,buy}''::text[])[1 + (i * 31 + i / %s) %% 5]
			FROM generate_series(%s::bigint, %s) i', :n, :n * :each, :n, f, f + 999999)
			FROM generate_series(0, :n * :each - 1, 1000000) f WHERE :n * :each >= 1000000 \gexec
		INSERT INTO visit SELECT journey_privacy.pseudonymize('customer_id', 1 + (i * 7919) % :n),
			now() - interval '80 days' + i * (interval '80 days' / (:n * :each)), ('{home,search,product,cart,buy}'::text[])[1 + (i * 31 + i / :n) % 5]
			FROM generate_series(0::bigint, :n * :each - 1) i WHERE :n * :each < 1000000;
		CREATE TABLE visit_true AS TABLE visit;
		-- a reference, not a copy that erasing has to look into
		DELETE FROM journey_privacy.derived WHERE relation = 'visit_true'::regclass;
		CREATE INDEX ON visit (visitor);
		CREATE INDEX ON visit_true (visitor);
		ALTER TABLE visit_true ENABLE ROW LEVEL SECURITY;
		CREATE POLICY everybody ON visit_true USING (true);
		GRANT SELECT ON visit, visit_true TO journey_privacy_bench_analyst;
		GRANT EXECUTE ON FUNCTION journey_privacy.pseudonymize(text, bigint) TO journey_privacy_bench_analyst;
	SQL
	sql -c 'VACUUM (FREEZE, ANALYZE)' -c CHECKPOINT
}

# Puts away a figure: of which number of subjects, of what.
keep() { echo "$3" >"$work/$1.$2"; grep -qxF "$2" "$work/works" 2>/dev/null || echo "$2" >>"$work/works"; }

# Median milliseconds of a statement, after one that does not count; a %i in
# it is another person each time.
timed()
{
	local run

	{
		echo "$4"
		echo '\timing on'
		for run in $(seq 0 "$runs"); do
			echo "${3//%i/$((1000 + 10 * run))}"
			echo '\g /dev/null'
		done
	} >"$work/script"
	sql -f "$work/script" >"$work/out"
	sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$work/out" | tail -n "$((runs > 0 ? runs : 1))" | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' >"$work/median"
	keep "$1" "$2" "$(cat "$work/median")"
}

# Milliseconds of a statement as a client asks for it, of people at random.
asked()
{
	local run

	printf '%s\n' "\\set i random(1, $1)" "$3" >"$work/asked.sql"
	for run in $(seq 0 "$runs"); do
		PGOPTIONS="$PGOPTIONS ${4:-}" pgbench -n -M prepared -T 2 -f "$work/asked.sql" "$db" 2>/dev/null |
			sed -n 's/^latency average = \([0-9.]*\) ms/\1/p'
	done | tail -n "$runs" | sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' >"$work/median"
	keep "$1" "$2" "$(cat "$work/median")"
}

ratio()
{
	keep "$1" "$2" "$(awk -v a="$(cat "$work/$1.$3")" -v b="$(cat "$work/$1.$4")" 'BEGIN { printf "%.2f", a / b }')"
}

measure()
{
	local as='-c role=journey_privacy_bench_analyst -c journey_privacy.purpose=analytics'
	local funnel="ARRAY['home', 'cart', 'buy'], within => '7 days')"

	timed "$1" 'count(*)' 'SELECT count(*) FROM visit' "$analyst"
	timed "$1" 'the same under USING (true)' 'SELECT count(*) FROM visit_true' "$analyst"
	ratio "$1" 'ratio of these' 'count(*)' 'the same under USING (true)'
	asked "$1" 'rows of one subject by index' \
		"SELECT * FROM visit WHERE visitor = journey_privacy.pseudonymize('customer_id', :i::bigint);" "$as"
	asked "$1" 'the same, USING (true)' \
		"SELECT * FROM visit_true WHERE visitor = journey_privacy.pseudonymize('customer_id', :i::bigint);" "$as"
	ratio "$1" 'their ratio' 'rows of one subject by index' 'the same, USING (true)'
	asked "$1" 'record_consent' \
		"SELECT journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', :i::bigint), 'newsletter', true);"
	asked "$1" 'consent_history' \
		"SELECT * FROM journey_privacy.consent_history(journey_privacy.pseudonymize('customer_id', :i::bigint));"
	asked "$1" 'export_subject' \
		"SELECT journey_privacy.export_subject(journey_privacy.pseudonymize('customer_id', :i::bigint));"
	timed "$1" 'erase, one subject' \
		"CALL journey_privacy.erase('customer_id:%i', request_id => lpad('%i', 32, '0')::uuid)" ''
	timed "$1" 'verify_erasure' "SELECT * FROM journey_privacy.verify_erasure(lpad('%i', 32, '0')::uuid)" ''
	timed "$1" 'rebuild_permitted, one purpose' "SELECT journey_privacy.rebuild_permitted('analytics')" ''
	timed "$1" 'doctor' 'SELECT * FROM journey_privacy.doctor()' ''
	timed "$1" 'funnel, on rows' "SELECT * FROM journey_privacy.funnel('visit', $funnel" "$analyst"
	sql -c "SELECT journey_privacy.create_journey_store('visit', 'visit_store', bucket => interval '90 days')" >/dev/null
	runs=0 timed "$1" 'refresh_journey_store, all of it, once' "SELECT journey_privacy.refresh_journey_store('visit_store')" ''
	sql -c 'GRANT SELECT ON visit_store TO journey_privacy_bench_analyst' -c 'VACUUM (FREEZE, ANALYZE) visit_store'
	timed "$1" 'funnel, on a store' "SELECT * FROM journey_privacy.funnel('visit', $funnel" "$analyst"
}

show()
{
	local what n first last

	echo "| ms | $(for n in $subjects; do printf '%s | ' "$n"; done)growth |"
	echo "|---|$(for n in $subjects; do printf -- '---|'; done)---|"
	first=${subjects%% *}
	last=${subjects##* }
	while IFS= read -r what; do
		echo "| $what | $(for n in $subjects; do printf '%s | ' "$(cat "$work/$n.$what")"; done)$(awk \
			-v a="$(cat "$work/$first.$what")" -v b="$(cat "$work/$last.$what")" 'BEGIN { printf "%.2f", b / a }') |"
	done <"$work/works"
}

main
