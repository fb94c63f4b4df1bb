#!/usr/bin/env bash
#
# test/bench/journey.sh: funnels, sessions, paths, edges of a flow picture and weekly
# retention (journey_postgres.sql says which), ours beside plain SQL, DuckDB and
# ClickHouse on the same events.  Prints Markdown tables: medians of RUNS (default
# 5) warm runs, in which the contestants take turns.
#
#	test/bench/journey.sh                     on a throwaway server
#	PGHOST=/tmp PGUSER=postgres test/bench/journey.sh
#
# EVENTS, 10000000 by default; SUBJECTS, a twentieth of them; WORKS, some of
# "funnel3 funnel5 sessions paths edges weeks"; LIMIT, seconds after which a form
# is given up, 120; PEERS, "duckdb clickhouse", what of them to install from npm;
# NPM, a directory that has their modules already; FORMS, a regular expression, only
# forms of the others whose names it matches.
#
# Every form of a work is tried once with 0 and 2 workers, 1 and 2 threads; the
# fastest that gives the right answer is the contestant.  The right answer is that
# of the forms which agree with the oracle on the sample.  A server that is named
# must be preloaded and have a keyring setting.

set -euo pipefail
here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ -n ${PGHOST:-} ]] || exec bash "$here/../run" bench journey

runs=${RUNS:-5}
events=${EVENTS:-10000000}
subjects=${SUBJECTS:-$((events / 20))}
works=${WORKS:-funnel3 funnel5 sessions paths edges weeks}
limit=${LIMIT:-120}
wanted=${FORMS:-}
peers=${PEERS-duckdb clickhouse}
db=journey_privacy_bench
work=$(mktemp -d)
processes=()
failed=0

declare -A sql	# ENGINE/WORK/FORM: the query
declare -A where needs	# of ours: places, functions
declare -a forms	# the keys of sql, in order
declare -A chosen	# WORK/LABEL/COUNT: what is measured, as arguments of ask
declare -A tried	# ENGINE/PLACE/WORK/FORM/COUNT: milliseconds, or why not
declare -A answer	# WORK: checksum of the right answer
declare -A median	# WORK/LABEL/COUNT: milliseconds
declare -a labels	# contestants in order
declare -A in out	# NAME: descriptors of a process

say() { echo "$*"; }
die() { echo "journey.sh: $*" >&2; exit 1; }

main()
{
	local item

	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	read_forms postgres; read_forms ours; read_forms duckdb; read_forms clickhouse
	make_data
	start postgres psql -XAtq -F '|' -d "$db"
	talk postgres "SET client_min_messages = error; SET timezone = 'UTC'; SET work_mem = '1GB'; SET random_page_cost = 1.1;
SET effective_cache_size = '8GB'; SET statement_timeout = '${limit}s';"
	say "$events events of $subjects subjects, $(psql -XAtc 'SHOW server_version') of PostgreSQL, $(nproc) cores"
	start_peers
	say
	for item in $works; do
		check_sample "$item"
		try_postgres "$item"
		try_ours "$item"
		try_peers "$item"
		measure "$item"
	done
	print_tables
	[[ $failed -eq 0 ]]
}

# What there is to ask ---------------------------------------------------------

# journey_ENGINE.sql: after "--# WORK: FORM" a query; ours name places and functions.
read_forms()
{
	local line key='' name

	while IFS= read -r line; do
		case $line in
			'--# '*)
				name=${line#--# }
				if [[ $1 != ours && $name != *': oracle' && ! $name =~ $wanted ]]; then
					key=''
					continue
				fi
				key="$1/${name%%: *}/${name#*: }"
				if [[ $1 == ours ]]; then
					IFS=';' read -r key where_line needs_line <<<"$key"
					where[$key]=$where_line needs[$key]=$needs_line
				fi
				forms+=("$key")
				sql[$key]='' ;;
			--*) ;;
			*) [[ -z $key ]] || sql[$key]+="$line"$'\n' ;;
		esac
	done <"$here/journey_$1.sql"
}

# The forms of an engine for a work.
forms_of()
{
	printf '%s\n' "${forms[@]}" | grep "^$1/$2/" || true
}

psql_db() { psql -XAtq -v ON_ERROR_STOP=1 -d "$db" "$@"; }

make_data()
{
	dropdb --if-exists "$db" 2>/dev/null
	createdb "$db"
	psql_db -v events="$events" -v subjects="$subjects" -f "$here/journey_data.sql" >/dev/null
	stored=''
	if missing create_journey_store >/dev/null; then
		say "skipped: what is on a store, there is no create_journey_store"
	elif psql_db -f "$here/journey_store.sql" >/dev/null 2>"$work/store.err"; then
		stored=1
	else
		say "skipped: what is on a store: $(grep -m 1 ERROR "$work/store.err")"
	fi
	psql_db -c "SELECT pg_prewarm(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')" >/dev/null
}

# The first of these functions and types that journey_privacy lacks, if any.
missing()
{
	local name

	for name in "$@"; do
		[[ -n $(psql_db -c "SELECT 1 FROM pg_proc WHERE pronamespace = 'journey_privacy'::regnamespace AND proname = '$name'
			UNION SELECT 1 FROM pg_type WHERE typnamespace = 'journey_privacy'::regnamespace AND typname = '$name'") ]] ||
			{ echo "$name"; return 0; }
	done
	return 1
}

# Processes that answer --------------------------------------------------------

# start NAME COMMAND…: one that reads requests and writes answers.
start()
{
	local name=$1 to from

	shift
	mkfifo "$work/$name.in" "$work/$name.out"
	"$@" <"$work/$name.in" >"$work/$name.out" 2>"$work/$name.err" &
	processes+=($!)
	exec {to}>"$work/$name.in" {from}<"$work/$name.out"
	in[$name]=$to out[$name]=$from
}

# Statements for psql; its last line of output in $said, fails on an error.
talk()
{
	local line

	said=''
	: >"$work/$1.err"
	printf '%s\n\\o\n\\echo answered\n' "$2" >&"${in[$1]}"
	while IFS= read -r line <&"${out[$1]}" || die "psql is gone: $(cat "$work/$1.err")"; do
		[[ $line != answered ]] || break
		said=$line
	done
	if grep -q -m 1 'ERROR' "$work/$1.err"; then
		said=$(sed -n 's/.*ERROR: *//p' "$work/$1.err" | head -n 1)
		return 1
	fi
}

# ask ENGINE PLACE COUNT JIT KEY time | FILE: milliseconds in $said, or the answer in FILE.
ask()
{
	if [[ $1 == postgres ]]; then ask_postgres "${@:2}"; else ask_peer "$1" "${@:2}"; fi
}

ask_postgres()
{
	local query=${sql[$4]} table=$1 role='RESET ROLE'

	case $1 in
		open) table=visit_open ;;
		consent) table=visit ;;
		contract) table=visit ;;
		store) table=visit_stored ;;
	esac
	case $1 in
		consent | store) role="SET ROLE journey_privacy_bench_analyst; SET journey_privacy.purpose = 'analytics'" ;;
		contract) role="SET ROLE journey_privacy_bench_analyst; SET journey_privacy.purpose = 'service'" ;;
	esac
	query=${query//%t/$table}
	if [[ $5 == time ]]; then
		query="SELECT took(\$bench\$$query\$bench\$);"
	else
		query="\\o $5
$query;"
	fi
	talk postgres "RESET ROLE; SET max_parallel_workers_per_gather = $2; SET jit = $3; $role;
$query"
}

ask_peer()
{
	local query=${sql[$5]//%t/bench.$2} answer=''

	query=${query//\\/\\\\}; query=${query//\"/\\\"}; query=${query//$'\n'/\\n}
	[[ $6 == time ]] || answer=", \"answer\": \"$6\""
	printf '{"sql": "%s", "threads": %d%s}\n' "$query" "$3" "$answer" >&"${in[$1]}"
	IFS= read -r said <&"${out[$1]}" || die "$1 is gone: $(tail -n 5 "$work/$1.err")"
	[[ $said != error* ]]
}

# DuckDB and ClickHouse, as far as npm has them for this machine.
start_peers()
{
	local name package version modules=${NPM:-$work/npm}

	running=''
	[[ -n $peers ]] || return 0
	if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
		say "skipped: $peers, there is no node or no npm"
		return
	fi
	psql_db -c "\\copy (SELECT subject, extract(epoch FROM at)::bigint, event FROM plain) TO '$work/events.csv' csv"
	for name in $peers; do
		case $name in
			duckdb) package=@duckdb/node-api ;;
			clickhouse) package=chdb ;;
			*) die "PEERS has duckdb and clickhouse" ;;
		esac
		mkdir -p "$modules"
		if [[ ! -d $modules/node_modules/$package ]] &&
			! npm install --prefix "$modules" --no-audit --no-fund --loglevel=error "$package" &>"$work/npm.log"; then
			say "skipped: $name, npm could not install $package: $(grep -m 1 . "$work/npm.log")"
			continue
		fi
		start "$name" node "$here/journey_peers.mjs" "$name" "$modules" "$work/events.csv"
		if IFS= read -r said <&"${out[$name]}" && [[ $said == ready* ]]; then
			version=$(sed -n 's/^  "version": "\(.*\)",*$/\1/p' "$modules/node_modules/$package/package.json")
			say "$name ${said#ready }, npm package $package $version"
			running+=" $name"
		else
			say "skipped: $name does not start: $(grep -m 1 . "$work/$name.err")"
		fi
	done
}

clean_up()
{
	local status=$? name

	trap - EXIT
	for name in "${!in[@]}"; do
		exec {in[$name]}>&- {out[$name]}<&-
	done
	kill "${processes[@]}" 2>/dev/null || true
	wait
	rm -rf "$work"
	dropdb --if-exists --force "$db" || true
	psql -XAtq -d postgres -c 'DROP ROLE IF EXISTS journey_privacy_bench_analyst' || true
	exit "$status"
}

# Right answers ----------------------------------------------------------------

checksum() { LC_ALL=C sort "$1" | md5sum | cut -c 1-8; }

# Keeps the plain forms that agree with the oracle on the sample.
check_sample()
{
	local key right got

	ask postgres sample 0 off "postgres/$1/oracle" "$work/answer" || die "the oracle of $1: $said"
	right=$(checksum "$work/answer")
	while IFS= read -r key; do
		[[ $key != */oracle ]] || continue
		if ! ask postgres sample 0 off "$key" "$work/answer"; then
			got=$said
		else
			got=$(checksum "$work/answer")
		fi
		if [[ $got != "$right" && $key != */wrong* ]]; then
			say "WRONG on the sample: $key: $got"
			failed=1
			sql[$key]=''
		fi
	done < <(forms_of postgres "$1")
}

# Tries a form, first for its answer: milliseconds in $said, or why not.  One that
# takes twice the least so far and more than a second is not asked again.
try()
{
	local what=$5 least=$6 got took started=${EPOCHREALTIME/./}

	ask "${@:1:5}" "$work/answer" || return 1
	took=$(((${EPOCHREALTIME/./} - started) / 1000))
	got=$(checksum "$work/answer")
	if [[ -z ${answer[$item]:-} && $what != */wrong* ]]; then
		answer[$item]=$got
		say "$item: $(head -n 1 "$work/answer")$([[ $(wc -l <"$work/answer") == 1 ]] || echo ', …')"
	fi
	if [[ $got != "${answer[$item]}" ]]; then
		if [[ $what == */wrong* ]]; then
			ask "${@:1:5}" time || return 1
			say "$item: $what gives $(head -n 1 "$work/answer") in $said ms"
			said='wrong'
			return 1
		fi
		say "DIFFERS: $what at $2"
		failed=1 said='differs'
		return 1
	fi
	said=$took
	[[ $took -gt 1000 && -n $least ]] && faster "$((2 * least))" "$took" || best_of_two "${@:1:5}"
}

# A second run where the first was short: milliseconds in $said.
best_of_two()
{
	local first

	ask "$@" time || return 1
	first=$said
	faster "$first" 3000 || return 0
	ask "$@" time || return 1
	faster "$said" "$first" || said=$first
}

# What is fastest with the places and counts ----------------------------------

# contest LABEL ENGINE PLACE COUNT KEY…: the fastest of these forms is LABEL's.
contest()
{
	local label=$1 engine=$2 place=$3 count=$4 key best='' least='' jit=off id

	for key in "${@:5}"; do
		[[ -n ${sql[$key]} && $key != */oracle ]] || continue
		id="$label/${key#*/}/$count"
		if ! try "$engine" "$place" "$count" off "$key" "${least%.*}"; then
			tried[$id]=${said:0:80}
			[[ $key != ours/* ]] || say "skipped: $label, $item: $said"
			continue
		fi
		tried[$id]=$said
		if [[ -z $best ]] || faster "$said" "$least"; then best=$key least=$said; fi
	done
	[[ -n $best ]] || return 0
	if [[ $engine == postgres ]] && best_of_two postgres "$place" "$count" on "$best" && faster "$said" "$least"; then
		jit=on
	fi
	chosen[$item/$label/$count]="$engine|$place|$count|$jit|$best"
	[[ " ${labels[*]/%/,} " == *" $label, "* ]] || labels+=("$label")
}

faster() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }

try_postgres()
{
	local all=() count

	mapfile -t all < <(forms_of postgres "$1" | grep -v '/index: ')
	for count in 0 2; do
		contest 'plain SQL' postgres plain "$count" "${all[@]}"
	done
	mapfile -t all < <(forms_of postgres "$1" | grep -v '/wrong: ')
	for count in 0 2; do
		contest 'plain SQL, covering indexes' postgres plain_index "$count" "${all[@]}"
	done
}

try_ours()
{
	local key place count lacks

	while IFS= read -r key; do
		[[ -n $key ]] || continue
		if lacks=$(missing ${needs[$key]//,/ }); then
			say "skipped: ${key#*/}, there is no $lacks"
			continue
		fi
		for place in ${where[$key]}; do
			[[ $place != store || -n $stored ]] || continue
			for count in 0 2; do
				contest "${key##*/}, $place" postgres "$place" "$count" "$key"
			done
		done
	done < <(forms_of ours "$1")
}

try_peers()
{
	local all=() name count

	for name in $running; do
		mapfile -t all < <(forms_of "$name" "$1")
		for count in 1 2; do
			if [[ $name == duckdb ]]; then
				contest DuckDB duckdb events "$count" "${all[@]}"
			else
				contest ClickHouse clickhouse by_time "$count" "${all[@]}"
				contest 'ClickHouse, ordered by subject' clickhouse by_subject "$count" "${all[@]}"
			fi
		done
	done
}

# Measuring --------------------------------------------------------------------

# All contestants of a work, in turns; the first turn does not count.
measure()
{
	local run id engine place count jit key times=()

	rm -f "$work"/times.*
	for ((run = 0; run <= runs; run++)); do
		times=()
		for id in "${!chosen[@]}"; do
			[[ $id == "$1"/* ]] || continue
			IFS='|' read -r engine place count jit key <<<"${chosen[$id]}"
			ask "$engine" "$place" "$count" "$jit" "$key" time || die "$id: $said"
			[[ $run -eq 0 ]] || echo "$said" >>"$work/times.$(md5sum <<<"$id" | cut -c 1-16)"
		done
	done
	for id in "${!chosen[@]}"; do
		[[ $id == "$1"/* ]] || continue
		median[$id]=$(sort -g "$work/times.$(md5sum <<<"$id" | cut -c 1-16)" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
	done
}

# Printing ---------------------------------------------------------------------

print_tables()
{
	say
	say "All contestants gave the same answers$([[ $failed -eq 0 ]] || echo ' EXCEPT where it says so above'). In brackets: so many times as fast as the best plain SQL without an index."
	say
	table 'seconds; one process or thread' 0 1
	say
	table 'seconds; 2 workers (beside the process that asks) or 2 threads' 2 2
	say
	ratios
	say
	every_form
}

heading()
{
	printf '| %s |' "$1"
	printf ' %s |' $works
	printf '\n|---|'
	for _ in $works; do printf -- '---|'; done
	echo
}

# Seconds and the ratio to plain SQL: title, count of PostgreSQL, of the others.
table()
{
	local label item ours base

	heading "$1"
	for label in "${labels[@]}"; do
		printf '| %s |' "$label"
		for item in $works; do
			ours=$(of "$item" "$label" "$2" "$3") base=${median[$item/plain SQL/$2]:-}
			awk -v a="$ours" -v b="$base" 'BEGIN {
				if (a == "") printf "  |"
				else printf " %.*f (%.1f) |", (a < 995 ? 3 : 2), a / 1000, b / a }'
		done
		echo
	done
}

# The milliseconds of a contestant, with the count that it takes.
of()
{
	echo "${median[$1/$2/$3]:-${median[$1/$2/$4]:-}}"
}

# What a contestant takes of another's time, for the pairs that the goals name.
ratios()
{
	local label item counts

	heading 'ratios: 0 workers or 1 thread / 2 of them'
	for label in "${labels[@]}"; do
		case $label in
			*', consent')
				ratio "$label to open" "$label" "${label%consent}open"
				ratio "$label to contract" "$label" "${label%consent}contract"
				ratio "$label to plain SQL" "$label" 'plain SQL'
				ratio "$label to DuckDB" "$label" DuckDB
				ratio "$label to ClickHouse" "$label" ClickHouse ;;
			*', store')
				ratio "$label to ${label%store}consent" "$label" "${label%store}consent"
				ratio "$label to ClickHouse ordered by subject" "$label" 'ClickHouse, ordered by subject' ;;
		esac
	done
}

ratio()
{
	local item cells='' a b c d

	for item in $works; do
		a=$(of "$item" "$2" 0 1) b=$(of "$item" "$3" 0 1) c=$(of "$item" "$2" 2 2) d=$(of "$item" "$3" 2 2)
		if [[ -n $a && -n $b ]]; then
			cells+=$(awk -v a="$a" -v b="$b" -v c="$c" -v d="$d" 'BEGIN { printf " %.2f / %.2f |", a / b, c / d }')
		else
			cells+='  |'
		fi
	done
	[[ $cells != *[0-9]* ]] || echo "| $1 |$cells"
}

# The trial of every form, and which was taken.
every_form()
{
	local id label item count form mark

	echo '| each form once, ms; * was measured above | work | 0 workers, 1 thread | 2 |'
	echo '|---|---|---|---|'
	for id in "${!tried[@]}"; do
		[[ $id == */0 || $id == */1 ]] || continue
		label=${id%%/*} form=${id#*/} count=${form##*/} form=${form%/*}
		item=${form%%/*} form=${form#*/}
		echo "| $label: $form | $item | ${tried[$id]}$(taken "$count") | ${tried[${id%/*}/2]:-}$(taken 2) |"
	done | LC_ALL=C sort -t '|' -k 3,3 -k 2,2
}

# Marks the form that was measured.
taken()
{
	local pick=${chosen[$item/$label/$1]:-}

	[[ $pick != *"/$item/$form" ]] || echo " *$([[ $pick != *'|on|'* ]] || echo ' with JIT')"
}

main
