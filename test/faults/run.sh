#!/usr/bin/env bash
#
# test/faults/run.sh: the fault run, on servers of its own, with fsync.  Called
# by "test/run faults", which has built and installed everything.
#
# ONLY="storm …"	these parts only: storm, interrupt, memory, disk
# FAULT_SECONDS=600	how long the storm lasts
# FAULT_DISK="data …"	of the part disk, these file systems only: data, wal, files
# FAULT_ROUNDS=5	how often each operation is stopped, starved or out of disk
# FAULT_SEED=n		what an earlier run printed
# and what the programs tell at their beginning
#
# In the environment: PATH to the server's programs, FAULT_WORK a directory for
# the servers, FAULT_AS the command that runs as who may run servers.
#
# The part disk mounts small file systems of its own, in a mount namespace that
# ends with it, and says so where that is not allowed.

set -euo pipefail
here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$FAULT_WORK
read -ra as <<<"${FAULT_AS:-}"
export FAULT_SECONDS=${FAULT_SECONDS:-600} FAULT_ROUNDS=${FAULT_ROUNDS:-5}
export PGUSER=postgres PGDATABASE=faults
failed=0

# start NAME SETTING…: a server with the tables of the run in it.
start()
{
	local name=$1 data=${data_at:-$work/$1/data}

	export PGHOST=$work/$name FAULT_DATA=$data FAULT_LOG=$work/$name/log
	"${as[@]}" mkdir -p "$work/$name"
	"${as[@]}" initdb -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --data-checksums \
		--no-sync "${initdb[@]}" >"$work/initdb.log"
	"${as[@]}" tee -a "$data/postgresql.conf" >/dev/null <<-EOC
		listen_addresses = ''
		unix_socket_directories = '$PGHOST'
		shared_preload_libraries = 'journey_privacy'
		journey_privacy.keyring_file = '$PGHOST/keyring'
		journey_privacy.erasure_ledger_file = '$PGHOST/erasures'
		journey_privacy.checkpoint_file = '$PGHOST/checkpoints'
		wal_recycle = off
		min_wal_size = 32MB
		max_wal_size = 128MB
		$(printf '%s\n' "${@:2}")
	EOC
	"${as[@]}" pg_ctl -s -w -D "$data" -l "$FAULT_LOG" start
	psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c 'CREATE DATABASE faults'
	psql -XAtq -v ON_ERROR_STOP=1 -v crowd="${FAULT_CROWD:-2000}" -f "$here/schema.sql" >/dev/null
}

# part PROGRAM ARGUMENT…: runs it, and counts it when it found something.
part()
{
	echo "== $*"
	"${as[@]}" env "PGHOST=$PGHOST" "PGUSER=$PGUSER" "PGDATABASE=$PGDATABASE" "FAULT_DATA=$FAULT_DATA" \
		"FAULT_LOG=$FAULT_LOG" "FAULT_FULL=${FAULT_FULL:-}" "FAULT_SECONDS=$FAULT_SECONDS" \
		"FAULT_ROUNDS=$FAULT_ROUNDS" "FAULT_ONLY=${FAULT_ONLY:-}" "FAULT_SEED=${FAULT_SEED:-}" "FAULT_ROWS=${FAULT_ROWS:-2000}" \
		"FAULT_CLIENTS=${FAULT_CLIENTS:-4}" "FAULT_CROWD=${FAULT_CROWD:-2000}" "FAULT_PAUSE=${FAULT_PAUSE:-4}" \
		/usr/bin/python3 "$here/$1.py" "${@:2}" || failed=$((failed + 1))
}

stop() { "${as[@]}" pg_ctl -s -w -m "${1:-fast}" -D "$FAULT_DATA" stop || true; }

run_storm()
{
	start storm 'journey_privacy.audit_durability = flush'
	part storm
	stop
}

run_interrupt()
{
	start interrupt
	part interrupt
	stop
}

run_memory()
{
	start memory
	part memory
	stop
}

# small SIZE DIRECTORY: a file system that is soon full.
small()
{
	mkdir -p "$2"
	mount -t tmpfs -o "size=$1,mode=0777" none "$2"
	export FAULT_FULL=$2
}

run_disk()
{
	if ! unshare --mount true 2>/dev/null; then
		echo "== disk: skipped, file systems cannot be mounted here"
		return
	fi
	ONLY=disk_in_namespace unshare --mount bash "${BASH_SOURCE[0]}" || failed=$((failed + 1))
}

run_disk_in_namespace()
{
	local mode

	for mode in ${FAULT_DISK:-data wal files}; do
		"disk_$mode"
	done
}

disk_data()
{
	small 700m "$work/small_data"
	data_at=$work/small_data/data
	initdb=(--waldir="$work/wal_of_data")
	# a checkpoint that finds the disk full is a PANIC of PostgreSQL's
	start data 'checkpoint_timeout = 1h' 'max_wal_size = 4GB'
	part disk data
	part disk audit
	stop immediate
	data_at=''
	initdb=()
}

disk_wal()
{
	small 200m "$work/small_wal"
	initdb=(--waldir="$work/small_wal/pg_wal" --wal-segsize=1)
	start wal
	part disk wal
	stop immediate
	initdb=()
}

disk_files()
{
	small 1m "$work/small_files"
	start files "journey_privacy.erasure_ledger_file = '$work/small_files/erasures'" \
		"journey_privacy.checkpoint_file = '$work/small_files/checkpoints'"
	part disk files
	stop
}

initdb=()
data_at=''
for name in ${ONLY:-storm interrupt memory disk}; do
	"run_$name"
done
exit $((failed > 0))
