#!/usr/bin/env bash
#
# test/bench/policy.sh: what reading under policy costs, on the server that PG*
# names, in a database of its own.  Prints Markdown rows: medians of RUNS
# (default 7) warm runs, taken in turns with the same query on a copy of the
# table under USING (true), and with no row security.
#
#	PGHOST=/tmp PGUSER=postgres EVENTS=10000000 test/bench/policy.sh
#
# SUBJECTS, numbers of subjects, default "50000 500000 5000000".  The server
# must be preloaded and have a keyring setting.

set -euo pipefail
runs=${RUNS:-7}
events=${EVENTS:-10000000}
subjects=${SUBJECTS:-50000 500000 5000000}
db=journey_privacy_bench
work=$(mktemp -d)
trap 'rm -rf "$work"; dropdb --if-exists "$db"' EXIT

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$db" "$@"; }

dropdb --if-exists "$db" 2>/dev/null
createdb "$db"
sql >/dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_purpose('analytics', 'consent');
SELECT journey_privacy.create_purpose('newsletter', 'consent');
DROP ROLE IF EXISTS journey_privacy_bench_analyst, journey_privacy_bench_filter;
CREATE ROLE journey_privacy_bench_analyst;
SELECT journey_privacy.allow('journey_privacy_bench_analyst', 'analytics');

CREATE ROLE journey_privacy_bench_filter;

-- Median milliseconds of a query, in turns: under policy; on a copy under
-- USING (true); there under the cheapest condition that is one; as a superuser,
-- whom no row security binds.
CREATE FUNCTION compare(query text, runs int, OUT policy numeric, OUT everybody numeric, OUT filter numeric,
                        OUT nothing numeric) LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz; run int; n int;
  target text[] := ARRAY['bench', 'bench_true', 'bench_true', 'bench_true'];
  role text[] := ARRAY['journey_privacy_bench_analyst', 'journey_privacy_bench_analyst', 'journey_privacy_bench_filter', 'none'];
  took float8[] := '{}'; place int[] := '{}'; ms numeric[];
BEGIN
  PERFORM set_config('journey_privacy.purpose', 'analytics', true);
  FOR run IN 0..runs LOOP
    FOR n IN 1..4 LOOP
      PERFORM set_config('role', role[n], true);
      started := clock_timestamp();
      EXECUTE replace(query, '%t', target[n]);
      IF run > 0 THEN
        took := took || 1000 * extract(epoch FROM clock_timestamp() - started)::float8;
        place := place || n;
      END IF;
      PERFORM set_config('role', 'none', true);
    END LOOP;
  END LOOP;
  SELECT array_agg(m ORDER BY p) INTO ms
  FROM (SELECT p, percentile_disc(0.5) WITHIN GROUP (ORDER BY t)::numeric AS m
        FROM unnest(place, took) x(p, t) GROUP BY p) y;
  policy := ms[1]; everybody := ms[2]; filter := ms[3]; nothing := ms[4];
END $$;
SQL

# One row: what, the query with %t for the table.
row()
{
	sql -c "SELECT format('| %s | %s | %s | %s | %s | %s | %s |', '$1', round(policy, 1), round(everybody, 1), round(filter, 1),
	    round(nothing, 1), round(policy / everybody, 2), round(policy / filter, 2))
	  FROM compare(\$q\$$2\$q\$, $runs)"
}

# Microseconds of a prepared statement of one client: table, role.
latency()
{
	printf '%s\n' '\set i random(1, 200)' "SELECT count(*) FROM $1 WHERE who = (SELECT who FROM bench_who WHERE n = :i);" >"$work/one.sql"
	PGOPTIONS="-c role=$2 -c journey_privacy.purpose=analytics" pgbench -n -M prepared -T 2 -f "$work/one.sql" "$db" 2>/dev/null |
		sed -n 's/^latency average = \([0-9.]*\) ms/\1/p' | awk '{ print 1000 * $1 }'
}

# One subject's rows by index, as a client asks for them.
row_by_index()
{
	local run
	: >"$work/a"; : >"$work/b"; : >"$work/c"; : >"$work/d"
	for ((run = 0; run < runs; run++)); do
		latency bench journey_privacy_bench_analyst >>"$work/a"
		latency bench_true journey_privacy_bench_analyst >>"$work/b"
		latency bench_true journey_privacy_bench_filter >>"$work/c"
		latency bench_true none >>"$work/d"
	done
	paste -d' ' <(median "$work/a") <(median "$work/b") <(median "$work/c") <(median "$work/d") |
		awk -v what="$1, one subject by index, µs" '{ printf "| %s | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f |\n", what, $1, $2, $3, $4, $1 / $2, $1 / $3 }'
}

median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Every query on one table, with a number of parallel workers.
rows()
{
	export PGOPTIONS="-c max_parallel_workers_per_gather=$2 -c jit=off"
	row "$1, count(*)" 'SELECT count(*) FROM %t'
	row "$1, group by" 'SELECT event, count(*) FROM %t GROUP BY event'
	if [[ $2 == 0 ]]; then
		row "$1, 1 % by time" "SELECT count(event) FROM %t WHERE at >= '2026-01-02' AND at < '2026-01-03'"
		row_by_index "$1"
	fi
	unset PGOPTIONS
}

# Makes bench under policy and bench_true, with so many subjects.
fill()
{
	sql >/dev/null <<SQL
CREATE TABLE bench_person AS SELECT i, journey_privacy.pseudonymize('customer_id', i) AS who FROM generate_series(1, $1) i;
CREATE TABLE bench_true AS
  SELECT e.id, NULL::int AS journey_subject, p.who, timestamptz '2026-01-01' + e.id * (interval '100 days' / $events) AS at,
    'event ' || e.id % 20 AS event, p.i::bigint AS customer, p.who::uuid AS device
  FROM (SELECT id, 1 + floor(random() * $1)::int AS i FROM generate_series(1, $events) id) e JOIN bench_person p USING (i)
  ORDER BY id;
-- people become known in the order in which they come
CREATE TABLE bench (LIKE bench_true);
SELECT journey_privacy.protect('bench', 'who');
INSERT INTO bench TABLE bench_true;
CREATE TABLE bench_who AS SELECT i AS n, who FROM bench_person ORDER BY i LIMIT 200;
SELECT journey_privacy.record_consents(array_agg(who), array_agg('analytics'::text), array_agg(i % 10 < 7))
FROM bench_person GROUP BY i / 100000;
CREATE INDEX ON bench (at);
CREATE INDEX ON bench_true (at);
CREATE INDEX ON bench (who);
CREATE INDEX ON bench_true (who);
ALTER TABLE bench_true ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON bench_true TO journey_privacy_bench_analyst USING (true);
CREATE POLICY filter ON bench_true TO journey_privacy_bench_filter USING (id IS NOT NULL);
GRANT SELECT ON bench, bench_true, bench_who TO journey_privacy_bench_analyst, journey_privacy_bench_filter;
VACUUM (FREEZE, ANALYZE) bench;
VACUUM (FREEZE, ANALYZE) bench_true;
SQL
}

# Protects bench anew, by a column that it carries no numbers for.
without_numbers()
{
	sql >/dev/null <<SQL
SELECT journey_privacy.unprotect('bench');
SELECT journey_privacy.protect('bench', '$1', $2, number_column => NULL);
SELECT journey_privacy.record_consents(array_agg(s), array_agg('analytics'::text), array_agg(n % 10 < 7))
FROM (SELECT row_number() OVER () AS n, s FROM (SELECT DISTINCT $3 AS s FROM bench) d) x GROUP BY n / 100000;
VACUUM (FREEZE, ANALYZE) bench;
SQL
}

# What a change of consent costs the next statement, and what a backend holds.
first_answer()
{
	sql <<'SQL'
SET max_parallel_workers_per_gather = 0;
DO $$
DECLARE started timestamptz; warm float8[]; after float8[]; run int; held bigint;
BEGIN
  PERFORM set_config('journey_privacy.purpose', 'analytics', true);
  FOR run IN 1..15 LOOP
    PERFORM journey_privacy.record_consent(who, 'analytics', run % 2 = 0) FROM bench_who WHERE n = run;
    SET LOCAL ROLE journey_privacy_bench_analyst;
    started := clock_timestamp();
    PERFORM count(*) FROM bench;
    after := after || extract(epoch FROM clock_timestamp() - started)::float8;
    started := clock_timestamp();
    PERFORM count(*) FROM bench;
    warm := warm || extract(epoch FROM clock_timestamp() - started)::float8;
    RESET ROLE;
  END LOOP;
  RAISE INFO 'count(*) directly after a change of consent: % of the next', (SELECT round((
    (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY a) FROM unnest(after) a) /
    (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY w) FROM unnest(warm) w))::numeric, 2));
END $$;
SET ROLE journey_privacy_bench_analyst;
SET journey_privacy.purpose = analytics;
BEGIN;
DECLARE c CURSOR FOR SELECT who FROM bench;
MOVE 1000000 FROM c;
RESET ROLE;
SELECT 'kB held by a scan: ' || sum(total_bytes) / 1024 FROM pg_backend_memory_contexts WHERE name = 'journey_privacy scan';
ROLLBACK;
SQL
}

echo "| $events events, ms | policy | \`USING (true)\` | \`USING (id IS NOT NULL)\` | no policy | to \`true\` | to a condition |"
echo '|---|---|---|---|---|---|---|'
for n in $subjects; do
	fill "$n"
	rows "$n subjects" 0
	rows "$n subjects, 2 workers" 2
	if [[ $n == 500000 ]]; then
		first_answer
		without_numbers who NULL who
		rows "$n subjects, no number column, pseudonym" 0
		without_numbers customer "'customer_id'" "journey_privacy.pseudonymize('customer_id', customer)"
		rows "$n subjects, no number column, bigint" 0
		without_numbers device "'device_id'" "journey_privacy.pseudonymize('device_id', device)"
		rows "$n subjects, no number column, uuid" 0
	fi
	sql -c 'DROP TABLE bench, bench_true, bench_person, bench_who' >/dev/null
done

# Writing: the insert guard.
copy=$(sql -c 'SHOW data_directory')/journey_privacy_bench.copy
sql >/dev/null <<SQL
CREATE TABLE source AS SELECT i AS id, journey_privacy.pseudonymize('customer_id', i % 100000) AS who,
  timestamptz '2026-01-01' + i * interval '1 second' AS at, 'event ' || i % 20 AS event FROM generate_series(1, 1000000) i;
CREATE TABLE guarded (LIKE source);
CREATE TABLE plain (LIKE source);
ALTER TABLE plain ADD journey_subject int;
SELECT journey_privacy.protect('guarded', 'who');
INSERT INTO guarded TABLE source;
COPY source TO '$copy';
CREATE FUNCTION filling(what text, runs int) RETURNS TABLE (tab text, ms numeric) LANGUAGE plpgsql AS \$\$
DECLARE started timestamptz; run int; target text; took float8[] := '{}'; place text[] := '{}';
BEGIN
  FOR run IN 0..runs LOOP
    FOREACH target IN ARRAY ARRAY['guarded', 'plain'] LOOP
      EXECUTE 'TRUNCATE ' || target;
      started := clock_timestamp();
      EXECUTE replace(what, '%t', target);
      IF run > 0 THEN
        took := took || 1000 * extract(epoch FROM clock_timestamp() - started)::float8;
        place := place || target;
      END IF;
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT p, percentile_disc(0.5) WITHIN GROUP (ORDER BY t)::numeric FROM unnest(place, took) x(p, t) GROUP BY p;
END \$\$;
SQL
echo
echo '| 1,000,000 rows of 100,000 subjects | guarded, ms | plain, ms | ratio |'
echo '|---|---|---|---|'
for what in 'INSERT INTO %t (id, who, at, event) TABLE source' "COPY %t (id, who, at, event) FROM '$copy'"; do
	sql -c "WITH c AS MATERIALIZED (SELECT * FROM filling(\$q\$$what\$q\$, $runs))
	  SELECT format('| %s | %s | %s | %s |', '${what%% *}', round(g.ms), round(p.ms), round(g.ms / p.ms, 2))
	  FROM c g, c p WHERE g.tab = 'guarded' AND p.tab = 'plain'"
done
sql -c "COPY (SELECT) TO '$copy'"

# protect() on a table that is there, beside a plain UPDATE of it, once each.
sql <<SQL
CREATE TABLE there AS SELECT id % $events AS id, who, at, event FROM source, generate_series(1, greatest($events / 1000000, 1));
CREATE TABLE updated AS TABLE there;
ALTER TABLE updated ADD journey_subject int;
VACUUM (FREEZE) there;
VACUUM (FREEZE) updated;
DO \$\$
DECLARE a timestamptz := clock_timestamp(); b timestamptz; c timestamptz;
BEGIN
  UPDATE updated SET journey_subject = 1;
  b := clock_timestamp();
  PERFORM journey_privacy.protect('there', 'who');
  c := clock_timestamp();
  RAISE INFO 'protect() of % rows took % s, an UPDATE of them % s: %', (SELECT count(*) FROM there),
    round(extract(epoch FROM c - b), 1), round(extract(epoch FROM b - a), 1),
    round(extract(epoch FROM c - b) / extract(epoch FROM b - a), 2);
END \$\$;
SQL
