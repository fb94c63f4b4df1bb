#!/usr/bin/env bash
#
# Whatever sqlsmith thinks of, asked by those whom row security binds: no answer
# has what nobody may see, none depends on it, and nothing crashes.
#
# There are two servers whose databases differ in nothing but what nobody may
# see; test/fuzz/smith.py stands between them and sqlsmith and compares.  An
# analyst asks for a purpose that gives rows, once by indexes and once with
# parallel workers, and somebody else for a purpose that gives nothing but
# answers.
#
#	SQLSMITH_SECONDS=1800 KEEP=1 ONLY=sqlsmith test/run test
#
# SQLSMITH_SECONDS=60	how long it asks
# SQLSMITH_SEED=1	for other statements: the suite asks the same each time, so that
#			a failure comes from a change; $RANDOM looks further
# SQLSMITH_BREAK=sql	what a superuser does to both before, for trying whether
#			a hole is seen

set -euo pipefail
top=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
seconds=${SQLSMITH_SECONDS:-60}
seed=${SQLSMITH_SEED:-1}
work=$(mktemp -d)
pids=()
trap clean_up EXIT

clean_up()
{
	[[ ${#pids[@]} -eq 0 ]] || kill "${pids[@]}" 2>/dev/null || true
	for server in one other; do
		[[ ! -f $work/$server/postmaster.pid ]] || pg_ctl -s -m immediate -D "$work/$server" stop || true
	done
	rm -rf "$work"
}

sql() { psql -XAtq -v ON_ERROR_STOP=1 -h "$work/$1.socket" -U postgres -d postgres "${@:2}"; }

start()
{
	mkdir -p "$work/$1.socket"
	pg_ctl -s -w -D "$work/$1" -l "$work/$1.log" -o "-k '$work/$1.socket'" start
}

# The tables, in the one; the other is a copy, so that even their OIDs are the same.
make_servers()
{
	initdb -D "$work/one" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
	cat >>"$work/one/postgresql.conf" <<-EOF
		listen_addresses = ''
		shared_preload_libraries = 'journey_privacy'
		journey_privacy.keyring_file = '$work/keyring'
		journey_privacy.audit = 'all'
		fsync = off
		autovacuum = off
		jit = off
		max_parallel_workers_per_gather = 0
	EOF
	start one
	sql one -f "$top/test/fuzz/smith_tables.sql" >/dev/null
	pg_ctl -s -w -D "$work/one" stop
	cp -a "$work/one" "$work/other"
	start one
	start other
	now=$(date -Is)
	for server in one,7 other,9; do
		sql "${server%,*}" -v mark="${server#*,}" -v now="$now" -v hidden="$work/hidden.${server%,*}" \
			-f "$top/test/fuzz/smith_people.sql" >/dev/null
	done
	cmp "$work"/hidden.{one,other}
	[[ -z ${SQLSMITH_BREAK:-} ]] || for server in one other; do
		sql "$server" -c "$SQLSMITH_BREAK"
	done
}

# One sqlsmith, as a role with settings; what else that role may not see; options.
ask()
{
	local sockets=$work/ask.$1

	mkdir "$sockets"
	SMITH_FORBIDDEN=$4 python3 "$top/test/fuzz/smith.py" "$sockets" "$work"/{one,other}.socket \
		"$work/hidden.one" "$top/src" "$seconds" sqlsmith --seed="$1" ${5:-} \
		--target="host=$sockets user=$2 dbname=postgres options='$3'" >"$sockets/report" &
	pids+=($!)
	reports+=("$sockets/report")
}

# In the server logs: no crash, no error of ours that should never be, and no
# message that quotes what nobody may see.
logs_are_clean()
{
	! grep -nE 'TRAP|PANIC|terminated by signal|runtime error|AddressSanitizer' "$work"/{one,other}.log || return 1
	! grep -niE 'kanarie|177007700|2177-0|177\.0\.77' "$work"/{one,other}.log || return 1
}

command -v sqlsmith >/dev/null || {
	printf '%s\n' 'skipped: there is no sqlsmith' 'Result: NOTESTS'
	exit 0
}
echo "SQLSMITH_SEED=$seed, $seconds s"
make_servers
reports=()
ask "$seed" analyst '-c enable_seqscan=off' '' --exclude-catalog
ask "$((seed + 1))" analyst '-c max_parallel_workers_per_gather=2 -c parallel_setup_cost=0 -c parallel_tuple_cost=0' ''
ask "$((seed + 2))" asker '' 'zebra|quokka|p1_[0-9a-z]{24}' --exclude-catalog
status=0
for pid in "${pids[@]}"; do
	wait "$pid" || status=$?
done
pids=()
cat "${reports[@]}"
grep -q ' [1-9][0-9]* answers with what may be seen' "${reports[@]}" || {
	echo "nobody saw what may be seen: that proves nothing"
	status=1
}
logs_are_clean || status=1
for server in one other; do
	sql "$server" -c 'SELECT 1' >/dev/null || status=1
done
exit "$status"
