#!/usr/bin/env bash
#
# test/bench/minimize.sh: what minimising costs an insert, on the server that
# PG* names, in a database of its own.  Prints Markdown rows: medians of RUNS
# (default 7) warm runs, taken in turns, of the CPU time that a session needs
# for writing the same rows to protected
# tables: without rules, with five rules, with a data plan besides, and with a
# PL/pgSQL trigger written by hand that does what the five rules do.
#
#	PGHOST=/tmp PGUSER=postgres ROWS=200000 test/bench/minimize.sh
#
# The server must be preloaded and have a keyring setting.

set -euo pipefail
runs=${RUNS:-7}
rows=${ROWS:-200000}
db=journey_privacy_bench
work=$(mktemp -d)
chmod 777 "$work"  # the server writes there, as its own user
trap 'rm -rf "$work"; dropdb --if-exists "$db"' EXIT
tables=(bare rules plan trigger)

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$db" "$@"; }

dropdb --if-exists "$db" 2>/dev/null
createdb "$db"
sql >/dev/null <<SQL
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
CREATE TABLE source (id bigint, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL,
  event text NOT NULL, ip inet, place point, mail text, props jsonb);
INSERT INTO source
  SELECT n, journey_privacy.pseudonymize('customer_id', n % 10000), timestamptz '2026-01-01' + n * interval '1.7 seconds',
    (ARRAY['home', 'cart', 'buy'])[1 + n % 3], '10.0.0.0'::inet + n, point(52.5 + n / 1e6, 13.4 - n / 1e6),
    'person' || n % 10000 || '@example.com',
    jsonb_build_object('page', '/p/' || n % 100, 'price', n % 500, 'currency', 'EUR', 'session', md5(n::text),
      'user', jsonb_build_object('name', 'Person ' || n, 'tier', 'gold'),
      'items', jsonb_build_array(jsonb_build_object('sku', n % 77, 'note', 'for ' || n)))
  FROM generate_series(1, $rows) n;
SELECT format('CREATE TABLE %1\$I (LIKE source INCLUDING ALL); SELECT journey_privacy.protect(%1\$L, ''visitor'', occurred_at => ''at'')', t)
FROM unnest(ARRAY['bare', 'rules', 'plan', 'trigger']) t \gexec
SELECT format('SELECT journey_privacy.minimize(%1\$L, ''at'', ''coarsen'', step => ''15 minutes''),
  journey_privacy.minimize(%1\$L, ''ip'', ''truncate_ip''), journey_privacy.minimize(%1\$L, ''place'', ''round_position''),
  journey_privacy.minimize(%1\$L, ''mail'', ''pseudonymize'', kind => ''email''),
  journey_privacy.minimize(%1\$L, ''props'', ''keep_keys'', keys => ''{page,price,currency,user.tier,items.sku}'')', t)
FROM unnest(ARRAY['rules', 'plan']) t \gexec
SELECT journey_privacy.set_data_plan('plan', 'event', 'props', on_violation => 'strip');
SELECT journey_privacy.plan_event('plan', e, '{page,price,currency,session,user,items}', '{page}')
FROM unnest(ARRAY['home', 'cart', 'buy']) e;
CREATE FUNCTION by_hand() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
  NEW.at := date_bin('15 minutes', NEW.at, '2001-01-01 UTC');
  NEW.ip := network(set_masklen(NEW.ip, CASE family(NEW.ip) WHEN 4 THEN 24 ELSE 48 END));
  NEW.place := point(round(NEW.place[0]::numeric, 2), round(NEW.place[1]::numeric, 2));
  NEW.mail := journey_privacy.pseudonymize('email', NEW.mail);
  NEW.props := jsonb_strip_nulls(jsonb_build_object('page', NEW.props->'page', 'price', NEW.props->'price',
    'currency', NEW.props->'currency', 'user', jsonb_build_object('tier', NEW.props#>'{user,tier}'),
    'items', (SELECT jsonb_agg(jsonb_build_object('sku', i->'sku')) FROM jsonb_array_elements(NEW.props->'items') i)));
  RETURN NEW;
END \$\$;
CREATE TRIGGER by_hand BEFORE INSERT ON trigger FOR EACH ROW EXECUTE FUNCTION by_hand();
CREATE FUNCTION cpu() RETURNS int LANGUAGE sql RETURN
  (SELECT 10 * sum(split_part(pg_read_file('/proc/self/stat', 0, 1000), ' ', n)::int) FROM unnest('{14,15}'::int[]) n);
VACUUM (FREEZE, ANALYZE) source;
COPY source TO '$work/rows' ;
SQL

median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Milliseconds of CPU time for writing to one table, which is emptied before.
once()
{
	sql -c "TRUNCATE $1" -c CHECKPOINT
	sql <<-SQL
		SELECT cpu() AS before \gset
		$2;
		SELECT cpu() - :before;
	SQL
}

# One row: what, and the statement with %t for the table.
row()
{
	local run table
	for table in "${tables[@]}"; do : >"$work/$table"; done
	for ((run = 0; run <= runs; run++)); do
		for table in "${tables[@]}"; do
			if [[ $run == 0 ]]; then once "$table" "${2//%t/$table}" >/dev/null
			else once "$table" "${2//%t/$table}" >>"$work/$table"; fi
		done
	done
	paste -d' ' $(for table in "${tables[@]}"; do median "$work/$table" >"$work/$table.m"; echo "$work/$table.m"; done) |
		awk -v what="$1" -v rows="$3" '{ printf "| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f |\n", what,
			$1 / rows * 1000, $2 / rows * 1000, $3 / rows * 1000, $4 / rows * 1000, $2 / $1, $3 / $1, $4 / $1 }'
}

chmod 644 "$work/rows" 2>/dev/null || true
echo "| $rows rows, µs a row | no rules | five rules | and a plan | PL/pgSQL by hand | rules | plan | by hand |"
echo '|---|---|---|---|---|---|---|---|'
row 'INSERT … SELECT' 'INSERT INTO %t TABLE source' "$rows"
row 'COPY' "COPY %t (id, visitor, at, event, ip, place, mail, props) FROM '$work/rows'" "$rows"
row 'single INSERTs in a DO block' "DO \$d\$ DECLARE r source; BEGIN FOR r IN TABLE source LIMIT 20000 LOOP INSERT INTO %t (id, visitor, at, event, ip, place, mail, props) VALUES (r.*); END LOOP; END \$d\$" 20000
