#!/usr/bin/env bash
#
# test/bench/consent.sh: what decisions cost, on the server that PG* names, in a
# database of its own.  Prints Markdown rows; every figure is the median of
# RUNS (default 5), references measured in the same run.
#
#	PGHOST=/tmp PGUSER=postgres test/bench/consent.sh
#
# The server must be preloaded and have a keyring setting.

set -euo pipefail
runs=${RUNS:-5}
db=journey_privacy_bench
work=$(mktemp -d)
trap 'rm -rf "$work"; dropdb --if-exists "$db"' EXIT

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$db" "$@"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Seconds that a statement takes.
seconds()
{
	sql -c '\timing on' -c "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1 |
		awk '{ print $1 / 1000 }'
}

# Transactions a second of a pgbench script.
tps()
{
	PGOPTIONS="-c synchronous_commit=off ${3:-}" pgbench -n -M prepared -c "$1" -j 2 -T 4 -f "$2" "$db" 2>/dev/null |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

repeat() { for ((run = 0; run < runs; run++)); do "$@"; done | median; }

dropdb --if-exists "$db" 2>/dev/null
createdb "$db"
sql >/dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_purpose('analytics', 'consent', consent_valid_for => '13 months');
CREATE TABLE person AS
  SELECT journey_privacy.pseudonymize('customer_id', i) AS subject, i FROM generate_series(1, 200000) i;
CREATE UNIQUE INDEX ON person (i);
CREATE TABLE plain_event (subject uuid, id uuid, purpose text, at timestamptz, PRIMARY KEY (subject, id));
CREATE TABLE plain_state (purpose text, number int, at timestamptz, PRIMARY KEY (purpose, number));
CREATE TABLE visit (visitor journey_privacy.pseudonym, at timestamptz, event text);
SELECT journey_privacy.protect('visit', 'visitor');
CREATE ROLE journey_privacy_bench_analyst;
SQL
trap 'rm -rf "$work"; dropdb --if-exists "$db"; psql -XAtq -d postgres -c "DROP ROLE IF EXISTS journey_privacy_bench_analyst"' EXIT

echo '| work | measured |'
echo '|---|---|'

# In bulk: everybody decides, in one call; nobody is registered at first.
many="SELECT journey_privacy.record_consents(array_agg(subject), array_agg('analytics'::text), array_agg(i % 10 < 7)) FROM person"
first=$(seconds "$many")
again=$(repeat seconds "$many")
awk -v a="$first" -v b="$again" 'BEGIN {
	printf "| `record_consents`, 200,000 people, all new | %d a second |\n", 200000 / a
	printf "| the same, all known | %d a second |\n", 200000 / b }'

# One at a time, beside two rows inserted by hand.
cat >"$work/one" <<'SQL'
\set i random(1, 200000)
SELECT journey_privacy.record_consent((SELECT subject FROM person WHERE i = :i), 'analytics', :i % 3 > 0);
SQL
cat >"$work/plain" <<'SQL'
\set i random(1, 200000)
WITH e AS (INSERT INTO plain_event SELECT (SELECT subject FROM person WHERE i = :i)::uuid, gen_random_uuid(), 'analytics', clock_timestamp())
INSERT INTO plain_state VALUES ('analytics', :i, now()) ON CONFLICT (purpose, number) DO UPDATE SET at = EXCLUDED.at;
SQL
for clients in 1 2 8; do
	one=$(repeat tps "$clients" "$work/one")
	plain=$(repeat tps "$clients" "$work/plain")
	awk -v c="$clients" -v a="$one" -v b="$plain" 'BEGIN {
		printf "| `record_consent`, %d client%s, `synchronous_commit = off` | %d a second; a plain insert of two rows: %d; ratio %.2f |\n",
			c, (c > 1 ? "s" : ""), a, b, b / a }'
done

# Reading while 100 decisions a second arrive, beside reading in quiet.
sql >/dev/null <<'SQL'
INSERT INTO visit SELECT subject, now(), 'e' || i % 20 FROM person, generate_series(1, 10);
VACUUM ANALYZE visit;
GRANT SELECT ON visit TO journey_privacy_bench_analyst;
SELECT journey_privacy.allow('journey_privacy_bench_analyst', 'analytics');
SQL
look="SET max_parallel_workers_per_gather = 0; SET ROLE journey_privacy_bench_analyst; SET journey_privacy.purpose = 'analytics'; SELECT count(*) FROM visit; SELECT count(*) FROM visit; SELECT count(*) FROM visit"
reading()
{
	sql <<<"\\timing on
${look//; /;
};" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1
}
quiet=$(repeat reading)
PGOPTIONS='-c synchronous_commit=off' pgbench -n -M prepared -c 1 -R 100 -T 600 -f "$work/one" "$db" >/dev/null 2>&1 &
changing=$!
busy=$(repeat reading)
kill "$changing"
wait "$changing" 2>/dev/null || true
awk -v a="$busy" -v b="$quiet" 'BEGIN {
	printf "| `count(*)` of 2 M rows while 100 decisions a second arrive | %.2f of the time in quiet |\n", a / b }'
