#!/usr/bin/env bash
#
# test/bench/gdprbench.sh: the four mixes of GDPRbench (Shastri and others,
# "Understanding and Benchmarking the Impact of GDPR on Database Systems", VLDB
# 2020) with pgbench, on
#
#	ours	a table protected by journey_privacy, audited as it comes
#	hand	metadata in columns of every record, each with an index, and a
#		table of what was done, written to with each operation
#	bare	the same, and nothing is noted of what is done
#	text	the same with log_statement = all into a csvlog
#
# gdprbench/*.operations say how each operation is asked for.  Each mix is the
# same number of transactions, with the same random numbers, for all of them,
# in turns.  Prints Markdown, medians of RUNS: transactions a second, with how
# much faster ours is; microseconds of CPU that all processes of the server take
# for one, which other work on the machine disturbs less; then milliseconds of
# each operation.
#
#	test/run bench gdprbench
#
# RECORDS="100000 1000000"	numbers of records
# RUNS=5		rounds that count, after one that does not
# CLIENTS=2		connections
# MIXES="customer processor regulator controller"
# COUNT=1		times the usual number of transactions
#
# It starts two servers of its own, one without the extension, and compares the
# answers of both kinds of table first.

set -euo pipefail
records=${RECORDS:-100000 1000000}
runs=${RUNS:-5}
clients=${CLIENTS:-2}
mixes=${MIXES:-customer processor regulator controller}
count=${COUNT:-1}
systems='ours hand bare text'
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/gdprbench
bin=$(pg_config --bindir)
work=$(mktemp -d "${JP_TMPDIR:-/tmp}/jp_gdprbench.XXXXXX")
unset PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS

main()
{
	trap clean_up EXIT
	make_servers
	for n in $records; do
		say "$n records"
		fill "$n"
		agree "$n"
		rm -f "$work"/*.tps "$work"/*.cpu "$work"/*.ms
		for round in $(seq 0 "$runs"); do
			say "round $round"
			for mix in $mixes; do
				for system in $systems; do run "$system" "$mix" "$n" "$round"; done
			done
		done
		show "$n"
	done
}

say() { echo "gdprbench: $*" >&2; }

# Servers refuse to run as root.
as_user()
{
	if [[ $EUID -eq 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# "ours" is preloaded, "hand" has the three databases of the others.
make_servers()
{
	local server

	[[ $EUID -ne 0 ]] || chown postgres: "$work"
	for server in ours hand; do
		as_user mkdir "$work/$server"
		as_user "$bin/initdb" -D "$work/$server/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
		settings "$server" | as_user tee -a "$work/$server/data/postgresql.conf" >/dev/null
		as_user "$bin/pg_ctl" -s -w -D "$work/$server/data" -l "$work/$server/log" start
	done
}

settings()
{
	cat <<-END
		listen_addresses = ''
		unix_socket_directories = '$work/$1'
		shared_buffers = 2GB
		max_wal_size = 8GB
		checkpoint_timeout = 1h
		fsync = off
		autovacuum = off
		jit = off
		logging_collector = on
		log_destination = csvlog
		log_rotation_size = 0
		log_checkpoints = off
	END
	[[ $1 != ours ]] || cat <<-END
		shared_preload_libraries = 'journey_privacy'
		journey_privacy.keyring_file = '$work/ours/keyring'
	END
}

# Where the database of a system is.
at() { [[ $1 == ours ]] && echo "$work/ours" || echo "$work/hand"; }

# psql of a system.
sql() { "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$(at "$1")" -U postgres -d "$1" "${@:2}"; }

fill()
{
	local system

	for system in $systems; do
		"$bin/psql" -XAtq -h "$(at "$system")" -U postgres -d postgres \
			-c "DROP DATABASE IF EXISTS $system" -c "CREATE DATABASE $system" 2>/dev/null
		sql "$system" -f "$here/common.sql"
		sql "$system" -v records="$1" -f "$here/$([[ $system == ours ]] && echo ours || echo hand).sql" >/dev/null
		split "$system" "$1"
	done
	sql text -c "ALTER DATABASE text SET log_statement = 'all'"
	warm_logs "$1"
}

# A script of pgbench for each operation, in a directory for each mix.
split()
{
	local from=$here/hand.operations with='' alone=''

	[[ $1 != ours ]] || from=$here/ours.operations
	[[ $1 != hand ]] || with='WITH done AS (INSERT INTO log (did, on_) VALUES (\1)) '
	[[ $1 != hand ]] || alone='INSERT INTO log (did, on_) VALUES (\1);'
	rm -rf "$work/operations.$1"
	mkdir -p "$work/operations.$1"/{customer,processor,regulator,controller}
	sed -E -e "s/^LOG (.*) THEN( |\$)/$with/" -e "s/^NOTE (.*) DONE\$/$alone/" "$from" |
		awk -v dir="$work/operations.$1" '/^-- [a-z]+ [0-9]+ / { file = dir "/" $2 "/" $3 "." $4; next } file { print > file }'
	[[ $1 != text ]] || printf '%s\n' '\set at random(0, :length - 25000)' \
		"SELECT regexp_split_to_table(pg_read_file(:file, :at::bigint, 25000), E'\\n');" \
		>"$work/operations.text/regulator/31.get-system-logs"
}

# As much to read in every log: what the regulator asks for lies in it.
warm_logs()
{
	local system

	for system in $systems; do
		"$bin/pgbench" -n -M prepared -h "$(at "$system")" -U processor -c 2 -j 2 -t 25000 -D records="$1" \
			-f "$work/operations.$system/processor/240.read-data-by-key" "$system" >/dev/null 2>&1
	done
	sql bare -c "INSERT INTO log (at, did, on_) SELECT now() - n * interval '1 ms', 'read data', 'key' || n FROM generate_series(1, 50000) n"
	sql ours -c 'SELECT journey_privacy.checkpoint_audit()' >/dev/null
	for system in $systems; do sql "$system" -c 'VACUUM (ANALYZE)' -c CHECKPOINT; done
	what_to_read ours journey_privacy.audit_log
	what_to_read hand log
	what_to_read bare log
	sql text -c "SELECT '-D file=' || file || ' -D length=' || (pg_stat_file(file)).size FROM pg_current_logfile('csvlog') file" >"$work/text.read"
}

what_to_read()
{
	sql "$1" -c "SELECT format('-D first=%s -D last=%s -D span=%s', extract(epoch FROM min(at)), extract(epoch FROM max(at)),
		floor(0.9 * 1000 * extract(epoch FROM max(at) - min(at)))) FROM $2" >"$work/$1.read"
}

# Both kinds of table must give the same answers before anything is measured.
agree()
{
	local digest="SELECT count(*) || md5(string_agg(data, '' ORDER BY data)) FROM record"
	local ours hand

	ours=$(sql ours <<-END
		SET ROLE processor;
		SET journey_privacy.purpose = purpose7;
		$digest;
		SET journey_privacy.purpose = usage3;
		$digest;
		SET journey_privacy.purpose = automated;
		$digest;
		RESET ROLE;
		SET ROLE customer;
		SET journey_privacy.purpose = service;
		$digest WHERE usr = journey_privacy.pseudonymize('customer_id', 77);
	END
	)
	hand=$(sql hand <<-END
		$digest WHERE pur = 'purpose7';
		$digest WHERE obj <> 'usage3';
		$digest WHERE dec = 'dec1';
		$digest WHERE usr = 'user77';
	END
	)
	[[ $ours == "$hand" ]] || { say "the answers differ: $ours; $hand"; return 1; }
}

# How many transactions a client makes: fewer where they read or change a part
# of all records.
transactions()
{
	local controller=$((4000000 * count / $2))

	case $1 in
		customer) echo $((2500 * count)) ;;
		processor) echo $((40000000 * count / $2)) ;;
		regulator) echo $((2000 * count)) ;;
		controller) echo $((controller > 10 ? controller : 10)) ;;
	esac
}

# Hundredths of a second of CPU that a system's server has taken: its processes,
# and those of it that are gone.
cpu()
{
	local postmaster

	postmaster=$(head -n 1 "$(at "$1")/data/postmaster.pid")
	# one of them may be gone by now
	{ cat "/proc/$postmaster/stat" $(pgrep -P "$postmaster" | sed 's|.*|/proc/&/stat|') 2>/dev/null || true; } |
		awk -v postmaster="$postmaster" '{ sum += $14 + $15 } $1 == postmaster { sum += $16 + $17 } END { print sum }'
}

# One mix on one system; the round is the seed.
run()
{
	local scripts=() file weight out=$work/out before each

	each=$(transactions "$2" "$3")
	for file in "$work/operations.$1/$2"/*; do
		weight=${file##*/}
		scripts+=(-f "$file@${weight%%.*}")
	done
	before=$(cpu "$1")
	# shellcheck disable=SC2046
	"$bin/pgbench" -n -M prepared -r -h "$(at "$1")" -U "$2" -c "$clients" -j "$clients" \
		-t "$each" --random-seed="$((1 + $4))" -D records="$3" $(cat "$work/$1.read") \
		"${scripts[@]}" "$1" >"$out" 2>&1 || { cat "$out" >&2; return 1; }
	[[ $4 -gt 0 ]] || return 0
	settle "$1"
	awk -v a="$before" -v b="$(cpu "$1")" -v n="$((each * clients))" \
		'BEGIN { print (b - a) * 10000 / n }' >>"$work/$1.$2.cpu"
	sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$out" | tee -a "$work/$1.$2.tps" >&2
	awk -v to="$work/$1.$2" '/^SQL script/ { name = $0; sub(/.*\/[0-9]+\./, "", name) }
		/^ - latency average/ && name { print $5 >> (to "." name ".ms"); close(to "." name ".ms"); name = "" }' "$out"
}

# What a run leaves to do in the background is part of it.
settle()
{
	until [[ $(sql "$1" -c "SELECT count(*) FROM pg_stat_activity WHERE usename IN ('customer', 'processor', 'regulator', 'controller')") == 0 ]]; do
		sleep 0.1
	done
	[[ $1 != ours ]] || sql ours -c 'SELECT journey_privacy.checkpoint_audit()' >/dev/null
}

median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

show()
{
	local mix operation system

	echo
	echo "| $1 records, $clients clients, a second | ours | by hand | … without a log | text log | to by hand | without a log | text log |"
	echo '|---|---|---|---|---|---|---|---|'
	for mix in $mixes; do
		for system in $systems; do median "$work/$system.$mix.tps"; done | paste -sd' ' |
			awk -v mix="$mix" '{ printf "| %s | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f | %.2f |\n", mix, $1, $2, $3, $4, $1 / $2, $1 / $3, $1 / $4 }'
	done
	echo
	echo "| $1 records, µs of CPU | ours | by hand | … without a log | text log | by hand to ours | without a log | text log |"
	echo '|---|---|---|---|---|---|---|---|'
	for mix in $mixes; do
		for system in $systems; do median "$work/$system.$mix.cpu"; done | paste -sd' ' |
			awk -v mix="$mix" '{ printf "| %s | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f | %.2f |\n", mix, $1, $2, $3, $4, $2 / $1, $3 / $1, $4 / $1 }'
	done
	echo
	echo "| $1 records, ms | ours | by hand | … without a log | text log |"
	echo '|---|---|---|---|---|'
	for mix in $mixes; do
		for operation in "$work/operations.ours/$mix"/*; do
			operation=${operation##*/}
			operation=${operation#*.}
			for system in $systems; do median "$work/$system.$mix.$operation.ms"; done | paste -sd' ' |
				awk -v what="$mix, $operation" '{ printf "| %s | %s | %s | %s | %s |\n", what, $1, $2, $3, $4 }'
		done
	done
}

clean_up()
{
	local server

	for server in ours hand; do
		as_user "$bin/pg_ctl" -s -m immediate -D "$work/$server/data" stop >/dev/null 2>&1 || true
	done
	if [[ -n ${KEEP:-} ]]; then say "kept $work"; else rm -rf "$work"; fi
}

main
