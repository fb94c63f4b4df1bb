#!/usr/bin/env bash
#
# test/bench/audit.sh: what the audit costs, beside pgaudit (log = read) and
# beside no audit, and how fast entries are sealed.  Prints Markdown rows: for
# point selects by primary key and scans of 1 % by a time index, as an analyst
# whom row security binds, the time for a statement as a ratio to that with no
# audit, medians of RUNS (default 5) runs of SECONDS_EACH (default 4), the
# modes in turns on the same data.
#
#	PG_BIN=/path/to/bin test/bench/audit.sh
#
# It starts a server of its own, which must have the extension and pgaudit
# installed, and as a user that initdb does not refuse.

set -euo pipefail
bin=${PG_BIN:-$(pg_config --bindir)}
runs=${RUNS:-5}
seconds=${SECONDS_EACH:-4}
clients=${CLIENTS:-1 2 8}
events=${EVENTS:-1000000}
work=$(mktemp -d)
data=$work/data
export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
modes=(off async flush pgaudit)

main()
{
	trap clean_up EXIT
	make_server
	switch_to async
	fill
	[[ $runs -gt 0 ]] || { seal; return; }
	echo "| statement | clients | µs without | async | flush | pgaudit |"
	echo "|---|---|---|---|---|---|"
	for round in $(seq "$runs"); do
		for mode in "${modes[@]}"; do
			switch_to "$mode"
			for script in point scan; do
				for count in $clients; do
					measure "$script" "$count" 1 >/dev/null
					measure "$script" "$count" "$seconds" >>"$work/$script.$count.$mode"
				done
			done
		done
	done
	for script in point scan; do
		for count in $clients; do row "$script" "$count"; done
	done
	seal
}

make_server()
{
	"$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
	cat >>"$data/postgresql.conf" <<-EOF
		listen_addresses = ''
		unix_socket_directories = '$work'
		shared_buffers = 1GB
		max_wal_size = 4GB
		logging_collector = on
		log_min_messages = log
		log_checkpoints = off
		autovacuum = off
		jit = off
		journey_privacy.keyring_file = '$work/keyring'
		include 'mode.conf'
	EOF
}

# Another mode, after a restart: what is preloaded differs.
switch_to()
{
	case $1 in
		off) settings "journey_privacy" "journey_privacy.audit = off" ;;
		async) settings "journey_privacy" "journey_privacy.audit = all" ;;
		flush) settings "journey_privacy" "journey_privacy.audit_durability = flush" ;;
		pgaudit) settings "journey_privacy,pgaudit" "journey_privacy.audit = off
pgaudit.log = 'read'" ;;
	esac
	"$bin/pg_ctl" -s -w -D "$data" stop >/dev/null 2>&1 || true
	"$bin/pg_ctl" -s -w -D "$data" -l "$work/log" start >"$work/start" 2>&1 ||
		{ cat "$work/start" >&2; return 1; }
}

settings()
{
	printf "shared_preload_libraries = '%s'\njourney_privacy.audit_queue_size = %s\n%s\n" \
		"$1" "${queue:-8MB}" "$2" >"$data/mode.conf"
}

sql() { "$bin/psql" -XAtq -v ON_ERROR_STOP=1 "$@"; }

fill()
{
	sql >/dev/null <<-SQL
		SET client_min_messages = warning;
		CREATE EXTENSION journey_privacy CASCADE;
		SELECT journey_privacy.create_keyring();
		SELECT journey_privacy.create_purpose('analytics', 'consent');
		CREATE ROLE analyst LOGIN;
		SELECT journey_privacy.allow('analyst', 'analytics');
		ALTER ROLE analyst SET journey_privacy.purpose = 'analytics';
		CREATE TABLE person AS SELECT i, journey_privacy.pseudonymize('customer_id', i) AS who
		  FROM generate_series(1, 50000) i;
		SELECT journey_privacy.record_consents(array_agg(who), array_agg('analytics'::text), array_agg(i % 10 < 7)) FROM person;
		CREATE TABLE event (id integer, who journey_privacy.pseudonym, at timestamptz, page text);
		INSERT INTO event SELECT n, p.who, timestamptz '2026-01-01' + n * interval '1 second', 'page ' || n % 100
		  FROM generate_series(1, $events) n JOIN person p ON p.i = 1 + n % 50000;
		SELECT journey_privacy.protect('event', 'who', occurred_at => 'at');
		ALTER TABLE event ADD PRIMARY KEY (id);
		CREATE INDEX ON event (at);
		GRANT SELECT ON event TO analyst;
		VACUUM ANALYZE event;
	SQL
	printf '%s\n' "\\set id random(1, $events)" 'SELECT page FROM event WHERE id = :id;' >"$work/point.sql"
	printf '%s\n' "\\set first random(1, $events * 99 / 100)" \
		"SELECT count(*), max(page) FROM event WHERE at >= timestamptz '2026-01-01' + :first * interval '1 second'
		 AND at < timestamptz '2026-01-01' + (:first + $events / 100) * interval '1 second';" |
		sed -e ':a;N;$!ba;s/\n\t* AND/ AND/' >"$work/scan.sql"
}

# Microseconds for a statement, all clients together.
measure()
{
	"$bin/pgbench" -n -M prepared -U analyst -c "$2" -j "$2" -T "$3" -f "$work/$1.sql" 2>/dev/null |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p' | awk '{ print 1000000 / $1 }'
}

median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

row()
{
	local mode

	for mode in "${modes[@]}"; do median "$work/$1.$2.$mode"; done | paste -sd' ' |
		awk -v script="$1" -v count="$2" '{ printf "| %s | %s | %.0f | %.3f | %.3f | %.3f |\n", script, count, $1, $2 / $1, $3 / $1, $4 / $1 }'
}

# Fills the queue while the worker is kept from writing, then watches it go.
seal()
{
	local n

	queue=512MB
	for n in 1 2 3; do
		switch_to async
		sql -c "SELECT count(*) FROM event WHERE id = 1" -c "SELECT journey_privacy.checkpoint_audit()" >/dev/null
		sql >"$work/released" <<-SQL &
			BEGIN;
			DO \$\$ BEGIN EXECUTE format('LOCK %s IN SHARE MODE', (SELECT tableoid::regclass
			  FROM journey_privacy.audit_entry ORDER BY number DESC LIMIT 1)); PERFORM pg_sleep(${FILL:-20}); END \$\$;
			SELECT extract(epoch FROM clock_timestamp());
			COMMIT;
		SQL
		"$bin/pgbench" -n -M prepared -U analyst -c 4 -j 2 -T "$((${FILL:-20} - 2))" -f "$work/point.sql" >/dev/null 2>&1
		size=$(sql -c 'SELECT size FROM journey_privacy.audit_state')
		wait
		sql -c "DO \$\$ BEGIN WHILE (SELECT waiting > 0 FROM journey_privacy.audit_queue()) LOOP PERFORM pg_sleep(0.005); END LOOP; END \$\$" \
			-c "SELECT extract(epoch FROM clock_timestamp()) - $(cat "$work/released")" >"$work/took"
		sql -c "SELECT (size - $size) / $(cat "$work/took") FROM journey_privacy.audit_state" >>"$work/sealed"
	done
	median "$work/sealed" | awk '{ printf "\nentries sealed a second: %.0f\n", $1 }'
}

clean_up()
{
	"$bin/pg_ctl" -s -D "$data" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$work"
}

main
