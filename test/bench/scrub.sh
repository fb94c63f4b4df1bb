#!/usr/bin/env bash
#
# test/bench/scrub.sh: what scrub() takes beside VACUUM FULL, on the server that
# PG* names, in a database of its own.  Prints Markdown rows: medians of RUNS
# (default 5) runs, taken in turns on copies of one table, from each of which
# one subject in a thousand, then one in a hundred, has just been deleted.  Rows
# of a subject are everywhere in the table.
#
#	PGHOST=/tmp PGUSER=postgres ROWS=4600000 test/bench/scrub.sh
#
# The server must be preloaded and have a keyring setting.

set -euo pipefail
runs=${RUNS:-5}
rows=${ROWS:-4600000}
db=journey_privacy_bench
work=$(mktemp -d)
trap 'rm -rf "$work"; dropdb --if-exists "$db"' EXIT

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$db" "$@" 2>/dev/null; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Seconds that a statement takes.
seconds()
{
	sql -c '\timing on' -c "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1 |
		awk '{ print $1 / 1000 }'
}

dropdb --if-exists "$db" 2>/dev/null
createdb "$db"
sql >/dev/null <<SQL
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
CREATE TABLE full_lock WITH (autovacuum_enabled = off) AS
  SELECT i AS id, journey_privacy.pseudonymize('customer_id', i % 50000) AS visitor, i % 50000 AS n,
    timestamptz '2026-01-01' + i * interval '1 second' AS at, 'event ' || i % 20 AS event,
    jsonb_build_object('page', i % 1000) AS props FROM generate_series(1, $rows) i;
CREATE TABLE scrubbed WITH (autovacuum_enabled = off) AS TABLE full_lock;
CREATE TABLE rebuilt WITH (autovacuum_enabled = off) AS TABLE full_lock;
DO \$\$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY '{full_lock,scrubbed,rebuilt}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (id)', t);
    EXECUTE format('CREATE INDEX ON %I (visitor)', t);
    EXECUTE format('CREATE INDEX ON %I (at)', t);
  END LOOP;
END \$\$;
VACUUM (ANALYZE, FREEZE) full_lock, scrubbed, rebuilt;
SQL

# One run on one copy.
once()
{
	sql -c "DELETE FROM $1 WHERE n % $2 = $3" -c CHECKPOINT
	case $1 in
		full_lock) seconds "VACUUM FULL $1" ;;
		scrubbed) seconds "CALL journey_privacy.scrub('$1', rebuild_indexes => false)" ;;
		rebuilt) seconds "CALL journey_privacy.scrub('$1')" ;;
	esac >>"$work/$1.$2"
}

ratio() { awk "BEGIN { printf \"%.1f\", $1 / $2 }"; }

heap=$(sql -c "SELECT pg_size_pretty(pg_relation_size('scrubbed'))")
echo "| table of $heap, 3 indexes | VACUUM FULL, s | scrub without indexes, s | times as fast | scrub, s | times as fast |"
echo '|---|---|---|---|---|---|'
for share in 1000 100; do
	for ((run = 0; run < runs; run++)); do
		for t in full_lock scrubbed rebuilt; do
			once "$t" "$share" "$run"
		done
	done
	left=$(sql -c "SELECT sum(dead_tuples + hole_bytes + padding_bytes) FROM journey_privacy.residue('scrubbed')")
	[[ $left == 0 ]] || { echo "scrub() left $left" >&2; exit 1; }
	full=$(median <"$work/full_lock.$share")
	scrubbed=$(median <"$work/scrubbed.$share")
	rebuilt=$(median <"$work/rebuilt.$share")
	echo "| one subject in $share deleted | $full | $scrubbed | $(ratio "$full" "$scrubbed") | $rebuilt | $(ratio "$full" "$rebuilt") |"
done
